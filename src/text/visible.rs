//! Text of a repository, made safe to print.
//!
//! Names and messages may hold what a terminal obeys, what a reader cannot see, and what a CI
//! runner takes for a command. Whoever prints a report (a person, an agent, a runner) must see what
//! is there and must never be told more than one line by it.

use std::borrow::Cow;
use std::fmt::Write;

/// Does a terminal or a reader not show this character as itself? Controls, line separators,
/// bidirectional overrides, and characters without a glyph, which hide instructions from people.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// The text on one line, with everything hidden written out as `\u{1b}`, and without the words by
/// which CI runners are commanded from the middle of a line (`##[error]`, `##vso[…]`).
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) && !text.contains("##") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for (at, c) in text.char_indices() {
        if is_hidden(c) || (c == '#' && text[..at].ends_with('#') && commands(&text[at + 1..])) {
            // Writing to a string does not fail.
            let _ = write!(out, "{}", c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Does what follows `##` make a command of it?
pub fn commands(rest: &str) -> bool {
    rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric())
        .starts_with('[')
}

/// [`visible`], with each part in backticks cut at `quoted` characters and the whole at `whole`.
pub fn one_line(text: &str, quoted: usize, whole: usize) -> String {
    let visible = visible(text);
    let parts = visible.split('`').enumerate();
    let parts: Vec<Cow<str>> = parts
        .map(|(i, part)| match i % 2 {
            0 => Cow::Borrowed(part),
            _ => cut(part, quoted),
        })
        .collect();
    cut(&parts.join("`"), whole).into_owned()
}

/// At most `chars` characters; a cut text ends in `…`.
pub fn cut(text: &str, chars: usize) -> Cow<'_, str> {
    match text.char_indices().nth(chars) {
        None => Cow::Borrowed(text),
        Some(_) => {
            let keep = text.char_indices().nth(chars.saturating_sub(1));
            Cow::Owned(format!("{}…", &text[..keep.map_or(0, |(at, _)| at)]))
        }
    }
}

/// The text with every hidden character blanked byte for byte, so that offsets into it stay true;
/// line ends and tabs are kept.
pub fn blanked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => out.push(c),
            c if is_hidden(c) => out.extend(std::iter::repeat_n('?', c.len_utf8())),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_is_written_out() {
        assert_eq!(visible("größe `a b`"), "größe `a b`");
        assert_eq!(visible("a\u{1b}[31m\nb"), "a\\u{1b}[31m\\u{a}b");
        assert_eq!(
            visible("x\u{202e}y\u{e0041}\u{9b}"),
            "x\\u{202e}y\\u{e0041}\\u{9b}"
        );
    }

    #[test]
    fn commands_to_runners_are_broken() {
        assert_eq!(visible("a ##[error]b"), "a #\\u{23}[error]b");
        assert_eq!(visible("##vso[task.x]"), "#\\u{23}vso[task.x]");
        assert_eq!(visible("## heading, ##"), "## heading, ##");
    }

    #[test]
    fn quotes_and_wholes_are_cut() {
        let long = "x".repeat(200);
        let text = one_line(&format!("the model `{long}` is bad"), 120, 400);
        assert_eq!(text.chars().count(), "the model `` is bad".len() + 120);
        assert!(text.ends_with("…` is bad"));
        assert_eq!(one_line(&long, 120, 10), "xxxxxxxxx…");
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöü", 2), "ä…");
    }

    #[test]
    fn blanking_keeps_offsets() {
        let text = "a\u{202e}b\u{1b}c\n";
        assert_eq!(blanked(text), "a???b?c\n");
    }
}
