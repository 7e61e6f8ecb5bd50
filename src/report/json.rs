//! JSON as it is printed.

use crate::text::{commands, is_hidden};
use serde::Serialize;
use std::fmt::Write;

/// The value as indented JSON with a line end. Inside strings, what a terminal would obey, a reader
/// would not see, or a CI runner would take for a command is escaped, which loses nothing.
pub fn to_json<T: Serialize>(value: &T) -> String {
    // Our own types have string keys and finite numbers; serialising them does not fail.
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    escaped(text)
}

/// The value as JSON on one line, escaped likewise.
pub(super) fn to_json_line<T: Serialize>(value: &T) -> String {
    escaped(serde_json::to_string(value).unwrap_or_default())
}

fn escaped(text: String) -> String {
    let hidden = |c: char| c != '\n' && is_hidden(c);
    if !text.contains(hidden) && !text.contains("##") {
        return text;
    }
    let mut out = String::with_capacity(text.len() + 64);
    for (at, c) in text.char_indices() {
        let command = c == '#' && text[..at].ends_with('#') && commands(&text[at + 1..]);
        if !hidden(c) && !command {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing to a string does not fail.
            let _ = write!(out, "\\u{unit:04x}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::to_json;

    #[test]
    fn escapes_lose_nothing() {
        let text = "a\u{1b}[1m\u{9b}\u{202e}\u{e0041} ##[error]\nb";
        let json = to_json(&text);
        assert_eq!(json.lines().count(), 1);
        assert!(json.is_ascii());
        assert!(!json.contains("##["));
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}
