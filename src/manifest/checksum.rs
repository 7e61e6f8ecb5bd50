//! Is a node of the manifest still what its file says?

use std::borrow::Cow;

use serde::de::{IgnoredAny, MapAccess};
use sha2::{Digest, Sha256};

use super::lenient::{Lenient, Text, next_key, next_value};

/// A node's checksum: of its file's content when dbt read it.
#[derive(Debug, Clone, Default)]
pub struct Checksum<'a> {
    /// `sha256` (Fusion's betas: `SHA256`); `path` for a seed too large to be hashed; `none` for
    /// what has no file of its own, such as a generic test; empty where the manifest has none.
    pub name: Text<'a>,
    /// 64 hex digits; the seed's path under `path`; empty under `none`.
    pub checksum: Text<'a>,
}

impl<'de> Lenient<'de> for Checksum<'de> {
    /// Fusion's type allows the digits alone.
    fn text(checksum: Cow<'de, str>) -> Option<Self> {
        Some(Self {
            name: Text::from("sha256"),
            checksum: Text::text(checksum)?,
        })
    }

    fn map<A: MapAccess<'de>>(mut members: A) -> Result<Option<Self>, A::Error> {
        let mut found = Self::default();
        while let Some(key) = next_key(&mut members)? {
            match key.as_str() {
                "name" => found.name = next_value(&mut members)?,
                "checksum" => found.checksum = next_value(&mut members)?,
                _ => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Some(found))
    }
}

/// Was the file the same when dbt read it? `None` where the checksum does not say: a large seed's
/// is its path, a generic test has none.
///
/// `file_text` is the whole file, a byte order mark and the line endings included. dbt changed what
/// it hashes over the years, so every form it is known to have hashed is accepted:
/// - the text without surrounding whitespace: dbt 1.0 to 1.11, and the first Fusion betas;
/// - its words joined by single spaces: dbt 1.12 and today's Fusion, except for seeds. A change of
///   whitespace alone is then not seen, by dbt neither;
/// - the trimmed text with line endings made `\n`: seeds under dbt 1.12 and today's Fusion;
/// - the text as it is: seeds under the first Fusion betas;
/// - its words joined and in lower case: Fusion previews in between.
///
/// A Fusion snapshot is hashed without its `{% snapshot %}` tags and does not match; its file is
/// then believed rather than the manifest, which is the safe side.
pub fn checksum_matches(checksum: &Checksum<'_>, file_text: &str) -> Option<bool> {
    let wanted = digest(checksum)?;
    let hashes_to = |text: &str| Sha256::digest(text.as_bytes()).as_slice() == wanted;
    let trimmed = file_text.trim_matches(is_space);
    Some(
        hashes_to(trimmed)
            || hashes_to(&words(trimmed).collect::<Vec<_>>().join(" "))
            || hashes_to(&trimmed.replace("\r\n", "\n").replace('\r', "\n"))
            || hashes_to(file_text)
            || hashes_to(&words(trimmed).collect::<String>().to_lowercase()),
    )
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_space).filter(|word| !word.is_empty())
}

/// What Python's `str.strip` and `str.split` take for whitespace: Unicode's, and four ASCII
/// separators that Rust does not count. A byte order mark is none for either.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

fn digest(checksum: &Checksum<'_>) -> Option<[u8; 32]> {
    let hex = checksum.checksum.as_bytes();
    if !checksum.name.eq_ignore_ascii_case("sha256") || hex.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(hex.chunks_exact(2)) {
        let digit = |c: u8| char::from(c).to_digit(16);
        *byte = (digit(pair[0])? << 4 | digit(pair[1])?) as u8;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sha256(text: &str) -> String {
        let hash = Sha256::digest(text.as_bytes());
        hash.iter().map(|b| format!("{b:02x}")).collect()
    }

    fn matches(name: &str, hashed: &str, file: &str) -> Option<bool> {
        let hex = sha256(hashed);
        let checksum = Checksum {
            name: name.into(),
            checksum: hex.as_str().into(),
        };
        checksum_matches(&checksum, file)
    }

    #[test]
    fn the_digest_is_sha256s() {
        let checksum = Checksum {
            name: "sha256".into(),
            checksum: "3ea0f972fa1b56aa2dc2f56ee784b6a5796312f9a813d59ae70fd8855f10d16d".into(),
        };
        assert_eq!(
            checksum_matches(&checksum, "\nselect 1 as id\n"),
            Some(true)
        );
    }

    #[test]
    fn every_form_dbt_has_hashed_is_known() {
        let file = "\r\n  SELECT 1,\r\n    2 as é\t\r\n\r\n";
        let stripped = "SELECT 1,\r\n    2 as é";
        assert_eq!(matches("sha256", stripped, file), Some(true));
        assert_eq!(matches("SHA256", stripped, file), Some(true));
        assert_eq!(matches("sha256", "SELECT 1, 2 as é", file), Some(true));
        assert_eq!(matches("sha256", "SELECT 1,\n    2 as é", file), Some(true));
        assert_eq!(matches("sha256", "select1,2asé", file), Some(true));
        assert_eq!(matches("SHA256", file, file), Some(true));
    }

    #[test]
    fn a_changed_file_does_not_match() {
        assert_eq!(matches("sha256", "select 1", "select 2"), Some(false));
        assert_eq!(matches("sha256", "select 1", ""), Some(false));
        assert_eq!(matches("sha256", "", " \n"), Some(true));
    }

    #[test]
    fn whitespace_is_pythons() {
        assert_eq!(
            matches("sha256", "a", "\u{1f}\u{a0}a\u{2028}\u{1c}"),
            Some(true)
        );
        assert_eq!(matches("sha256", "\u{feff}a", "\u{feff}a\n"), Some(true));
        assert_eq!(matches("sha256", "a", "\u{feff}a"), Some(false));
    }

    #[test]
    fn a_checksum_that_is_not_of_the_content_says_nothing() {
        assert_eq!(matches("none", "a", "a"), None);
        assert_eq!(matches("path", "a", "a"), None);
        assert_eq!(matches("", "a", "a"), None);
        assert_eq!(matches("md5", "a", "a"), None);
        let with = |name: &'static str, checksum: &'static str| Checksum {
            name: name.into(),
            checksum: checksum.into(),
        };
        assert_eq!(checksum_matches(&with("none", ""), "a"), None);
        assert_eq!(checksum_matches(&with("path", "seeds/big.csv"), "a"), None);
        assert_eq!(checksum_matches(&with("sha256", "abc"), "a"), None);
        let zs: &'static str = "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz";
        assert_eq!(checksum_matches(&with("sha256", zs), "a"), None);
    }
}
