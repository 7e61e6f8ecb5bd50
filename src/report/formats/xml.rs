//! Text that XML 1.0 can hold.

use std::borrow::Cow;
use std::fmt::Write;

/// The text with every character that XML 1.0 has no way to write (most controls, U+FFFE, U+FFFF)
/// written out as `\u{1}`. What must be escaped is left to the writer.
pub fn allowed(text: &str) -> Cow<'_, str> {
    if !text.contains(is_forbidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match is_forbidden(c) {
            true => {
                // Writing to a string does not fail.
                let _ = write!(out, "{}", c.escape_unicode());
            }
            false => out.push(c),
        }
    }
    Cow::Owned(out)
}

fn is_forbidden(c: char) -> bool {
    !matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::allowed;

    #[test]
    fn what_xml_cannot_hold_is_written_out() {
        assert_eq!(allowed("a\tb\nc ü \u{10ffff}"), "a\tb\nc ü \u{10ffff}");
        assert_eq!(
            allowed("\0\u{b}\u{1b}\u{fffe}\u{ffff}"),
            "\\u{0}\\u{b}\\u{1b}\\u{fffe}\\u{ffff}"
        );
    }
}
