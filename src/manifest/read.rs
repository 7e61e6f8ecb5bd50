//! From bytes to a [`Manifest`], or to the one sentence that says why not.

use super::lenient::Lenient;
use super::records::Manifest;
use crate::text::LineCol;

/// Why a file is no manifest that can be used. A problem concerns the whole file: a single member of
/// an unexpected type is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestProblem {
    /// Nothing, or whitespace alone.
    #[error("the file is empty")]
    Empty,
    /// Not UTF-8, as JSON must be.
    #[error("the file is not UTF-8 text (first bad byte at offset {offset})")]
    NotUtf8 {
        /// 0-based offset of the first bad byte.
        offset: usize,
    },
    /// The JSON stops in the middle.
    #[error(
        "the JSON stops in the middle, at line {}, column {}: dbt was interrupted, or is still \
         writing it", at.line, at.col
    )]
    Truncated {
        /// Where it stops.
        at: LineCol,
    },
    /// Not JSON.
    #[error("the file is not JSON: {why} at line {}, column {}", at.line, at.col)]
    NotJson {
        /// What the JSON reader says.
        why: String,
        /// Where.
        at: LineCol,
    },
    /// JSON, but a list, a string, null, ...
    #[error("the file is JSON, but not a JSON object, so dbt did not write it")]
    NotAnObject,
    /// A JSON object that dbt did not write.
    #[error("there is no metadata.dbt_schema_version, so dbt did not write this file")]
    NoVersion,
    /// Another artifact of dbt.
    #[error("the file is another dbt artifact ({found}), not a manifest")]
    OtherArtifact {
        /// What its schema version says: `catalog/v1`, or the whole of it.
        found: String,
    },
    /// A manifest older or newer than those known.
    #[error("manifest schema {found} is not supported; v4 to v12 (dbt 1.x) and v20 (dbt 2.0) are")]
    UnknownVersion {
        /// The version: `v13`.
        found: String,
    },
}

/// Reads a manifest.json of schema v4 to v12 or v20. What is returned borrows from `bytes`; only
/// strings with escapes are copied.
///
/// A member of an unexpected type, or null, counts as absent; unknown members are skipped; of
/// repeated keys the last wins. Errors concern the file as a whole.
pub fn read(bytes: &[u8]) -> Result<Manifest<'_>, ManifestProblem> {
    // One pass over the whole is cheaper than a check per string, and names the first bad byte.
    let text = std::str::from_utf8(bytes).map_err(|e| ManifestProblem::NotUtf8 {
        offset: e.valid_up_to(),
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_ascii().is_empty() {
        return Err(ManifestProblem::Empty);
    }
    let mut json = serde_json::Deserializer::from_str(text);
    let manifest = Manifest::read(&mut json)
        .and_then(|manifest| json.end().map(|()| manifest))
        .map_err(|e| broken(text, &e))?
        .ok_or(ManifestProblem::NotAnObject)?;
    known_version(&manifest.metadata.dbt_schema_version)?;
    Ok(manifest)
}

const KNOWN: [u32; 10] = [4, 5, 6, 7, 8, 9, 10, 11, 12, 20];

impl Manifest<'_> {
    /// The schema's number: 4 to 12, or 20.
    pub fn schema(&self) -> u32 {
        known_version(&self.metadata.dbt_schema_version).unwrap_or(0)
    }
}

/// The number in `https://schemas.getdbt.com/dbt/manifest/v12.json`.
fn known_version(address: &str) -> Result<u32, ManifestProblem> {
    if address.is_empty() {
        return Err(ManifestProblem::NoVersion);
    }
    let name = address.strip_suffix(".json").unwrap_or(address);
    let name = name.rsplit_once("/dbt/").map_or(name, |(_, name)| name);
    let Some(found) = name.strip_prefix("manifest/") else {
        return Err(ManifestProblem::OtherArtifact {
            found: name.to_owned(),
        });
    };
    let number = found.strip_prefix('v').and_then(|n| n.parse().ok());
    number
        .filter(|n| KNOWN.contains(n))
        .ok_or_else(|| ManifestProblem::UnknownVersion {
            found: found.to_owned(),
        })
}

fn broken(text: &str, error: &serde_json::Error) -> ManifestProblem {
    let at = place(text, error.line(), error.column());
    if error.is_eof() {
        return ManifestProblem::Truncated { at };
    }
    let why = error.to_string();
    let why = why.rsplit_once(" at line ").map_or(&*why, |(why, _)| why);
    ManifestProblem::NotJson {
        why: why.to_owned(),
        at,
    }
}

/// serde_json counts columns in bytes, and 0 at the end of a line; people count characters from 1.
fn place(text: &str, line: usize, column: usize) -> LineCol {
    let bytes = text.as_bytes();
    let newlines = memchr::memchr_iter(b'\n', bytes);
    let start = match line.checked_sub(2) {
        Some(before) => newlines.skip(before).map(|i| i + 1).next().unwrap_or(0),
        None => 0,
    };
    let end = (start + column.saturating_sub(1)).min(bytes.len());
    // A byte that does not continue a character begins one.
    let chars = bytes[start..end].iter().filter(|&&b| (b & 0xC0) != 0x80);
    LineCol {
        line: u32::try_from(line.max(1)).unwrap_or(u32::MAX),
        col: u32::try_from(chars.count() + 1).unwrap_or(u32::MAX),
    }
}
