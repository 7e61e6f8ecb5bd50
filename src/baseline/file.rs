//! The baseline as a file: JSON with one entry per line, sorted, so that two branches that add to it
//! seldom touch the same line, and a reviewer reads what was let through.

use super::{Entry, SCHEMA_VERSION};
use crate::config::ConfigError;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;
use std::ops::Range;

/// The fields of an entry.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(deserialize_with = "filled")]
    rule: String,
    #[serde(deserialize_with = "filled")]
    node: String,
    #[serde(deserialize_with = "fingerprint")]
    fingerprint: u64,
    path: Option<String>,
    #[serde(deserialize_with = "filled")]
    reason: String,
}

/// A file of this version or an older one. Entries are read one by one, for their places.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Whole<'a> {
    #[serde(rename = "schema_version")]
    _version: u32,
    #[serde(borrow)]
    entries: Vec<&'a RawValue>,
}

/// What every version has.
#[derive(Deserialize)]
struct Versioned<'a> {
    #[serde(borrow)]
    schema_version: &'a RawValue,
}

fn filled<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    match text.trim().is_empty() {
        true => Err(D::Error::custom("expected a text that is not empty")),
        false => Ok(text),
    }
}

fn fingerprint<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    let text = String::deserialize(from)?;
    let digits = text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
    match u64::from_str_radix(&text, 16) {
        Ok(value) if digits => Ok(value),
        _ => Err(D::Error::custom(
            "expected a fingerprint: 16 hexadecimal digits",
        )),
    }
}

/// The entries of a baseline. `shown` names the file in errors.
///
/// # Errors
/// What is wrong with it, with its place; a file that a newer harness-lint wrote.
pub fn read(shown: &str, text: &str) -> Result<Vec<Entry>, ConfigError> {
    let refuse = |range: Range<usize>, message: String, help: &str| ConfigError {
        path: shown.to_owned(),
        text: text.to_owned(),
        range: Some(range),
        message,
        help: Some(help.to_owned()),
    };
    const MALFORMED: &str = "mend the line (after a merge: keep the entries of both sides), or \
                             delete the file and write it anew";
    let unread = |within: Range<usize>, error: &serde_json::Error| {
        let at = within.start + offset(&text[within.clone()], error);
        refuse(at..at, said(error), MALFORMED)
    };
    let all = 0..text.len();
    let versioned: Versioned = serde_json::from_str(text).map_err(|e| unread(all.clone(), &e))?;
    let version = versioned.schema_version;
    let number: u32 =
        serde_json::from_str(version.get()).map_err(|e| unread(range_of(version, text), &e))?;
    if number > SCHEMA_VERSION {
        let message = format!(
            "schema_version is {number}, and this harness-lint knows {SCHEMA_VERSION} at most"
        );
        let help = "a newer harness-lint wrote it: use that one";
        return Err(refuse(range_of(version, text), message, help));
    }
    let whole: Whole = serde_json::from_str(text).map_err(|e| unread(all, &e))?;
    let entries = whole.entries.into_iter().map(|raw| {
        let range = range_of(raw, text);
        let line: Line = serde_json::from_str(raw.get()).map_err(|e| unread(range.clone(), &e))?;
        Ok(Entry {
            fingerprint: line.fingerprint,
            rule: line.rule,
            node: line.node,
            path: line.path,
            reason: line.reason,
            range,
        })
    });
    entries.collect()
}

/// Where a value that was borrowed from a text stands in it.
fn range_of(raw: &RawValue, text: &str) -> Range<usize> {
    let start = (raw.get().as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    start..start + raw.get().len()
}

/// The byte that serde_json means with its line and column. Its columns count bytes from 1; 0 is the
/// end of the line before.
fn offset(text: &str, error: &serde_json::Error) -> usize {
    let before = text.split_inclusive('\n').take(error.line().max(1) - 1);
    let line: usize = before.map(str::len).sum();
    let mut at = (line + error.column().saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// What serde_json says, without the place, which stands before it.
fn said(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let bare = text.rfind(" at line ").map(|at| text[..at].to_owned());
    bare.unwrap_or(text)
}

/// The text of a baseline with these entries: sorted by rule, node and fingerprint.
pub fn write(entries: &[Entry]) -> String {
    let mut entries: Vec<&Entry> = entries.iter().collect();
    entries.sort_by_key(|e| (&e.rule, &e.node, e.fingerprint));
    let lines: Vec<String> = entries.into_iter().map(line).collect();
    let list = match lines.is_empty() {
        true => "[]".to_owned(),
        false => format!("[\n    {}\n  ]", lines.join(",\n    ")),
    };
    format!("{{\n  \"schema_version\": {SCHEMA_VERSION},\n  \"entries\": {list}\n}}\n")
}

/// An entry on one line, in the order in which entries are sorted.
fn line(entry: &Entry) -> String {
    let fingerprint = format!("{:016x}", entry.fingerprint);
    let fields = [
        ("rule", Some(&entry.rule)),
        ("node", Some(&entry.node)),
        ("fingerprint", Some(&fingerprint)),
        ("path", entry.path.as_ref()),
        ("reason", Some(&entry.reason)),
    ];
    let fields = fields.into_iter().filter_map(|(name, value)| {
        let value = Value::from(value?.as_str());
        Some(format!("\"{name}\": {value}"))
    });
    format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(rule: &str, node: &str, fingerprint: u64) -> Entry {
        Entry {
            fingerprint,
            rule: rule.to_owned(),
            node: node.to_owned(),
            path: Some("models/a.sql".to_owned()),
            reason: "it was \"there\"\nbefore".to_owned(),
            range: 0..0,
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let entries = [entry("b/c", "model.x.a", 2), entry("a/b", "model.x.b", 1)];
        let text = write(&entries);
        assert_eq!(text.lines().count(), 7);
        let mut read = read("b.json", &text).unwrap();
        assert!(text[read[0].range.clone()].starts_with("{\"rule\": \"a/b\""));
        for entry in &mut read {
            entry.range = 0..0;
        }
        assert_eq!(read, [entries[1].clone(), entries[0].clone()]);
        assert_eq!(write(&read), text);
        assert_eq!(super::read("b.json", &write(&[])).unwrap(), []);
    }

    fn refused(text: &str) -> (String, String) {
        let error = read("b.json", text).unwrap_err();
        let range = error.range.unwrap();
        (error.message, text[range.start..].to_owned())
    }

    #[test]
    fn mistakes_have_their_place() {
        let good = write(&[entry("a/b", "n", 1)]);
        let (message, at) = refused(&good.replace("\"rule\"", "\"rules\""));
        assert!(message.contains("unknown field `rules`"), "{message}");
        assert!(at.starts_with('"') && at.contains("a/b"), "{at}");
        let (message, at) = refused(&good.replace("0000000000000001", "1"));
        assert!(message.contains("16 hexadecimal digits"), "{message}");
        assert!(at.contains("path"), "{at}");
        let (_, at) = refused(&good.replace("    {", "<<<<<<< HEAD\n    {"));
        assert!(at.starts_with("<<<<<<<"), "{at}");
        let (message, at) = refused(&good.replace(": 1,", ": 2,"));
        assert!(message.contains("schema_version is 2"), "{message}");
        assert!(at.starts_with("2,"), "{at}");
        for text in [
            "",
            "[]",
            "{\"schema_version\": \"x\", \"entries\": []}",
            "{}",
            "ä",
        ] {
            refused(text);
        }
        let empty = good.replace("it was \\\"there\\\"\\nbefore", " ");
        assert!(refused(&empty).0.contains("not empty"));
    }

    #[test]
    fn a_newer_file_may_have_what_we_do_not_know() {
        let (message, _) = refused("{\"more\": 1, \"schema_version\": 9, \"entries\": 1}");
        assert!(message.contains("schema_version is 9"), "{message}");
    }
}
