//! The tokens of a SQL file as it was written, Jinja included: what patterns are matched on.
//!
//! Nothing is rendered here, so every token is a place in the user's file and a loop's body stands
//! there once. White space and comments are no tokens. Brackets know their partners; `{{`, `{%`
//! and `case … end` are brackets, too. The tokens of sqlparser serve the parser, and are those of
//! the rendered text.

use crate::syntax::jinja::lex::{self, TokenKind};
use std::ops::Range;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An unquoted name or a keyword, in SQL or in Jinja.
    Word,
    /// A quoted name.
    Quoted,
    /// A literal text; in Jinja either quote makes one.
    Text,
    /// A number.
    Number,
    /// An operator or a separator.
    Symbol,
    /// `(`, `[`, `{`, `{{`, `{%` or `case`.
    Open,
    /// Its partner.
    Close,
}

/// A token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Bytes of the text.
    pub range: Range<u32>,
    /// The index of a bracket's partner; its own for any other token, and for a bracket that has
    /// none.
    pub partner: u32,
    /// It stands inside `{{ }}` or `{% %}`.
    pub in_jinja: bool,
    /// Nothing stands between it and the token before, so that the two may be one name.
    pub glued: bool,
}

/// Splits a file, or a pattern.
pub fn tokens(src: &str) -> Vec<Token> {
    let (jinja, _) = lex::lex(src);
    let mut scan = Scan {
        src,
        out: Vec::new(),
        open: Vec::new(),
        last_end: usize::MAX,
    };
    scan.template(&jinja);
    scan.out
}

struct Scan<'a> {
    src: &'a str,
    out: Vec<Token>,
    /// Brackets that wait for their partners.
    open: Vec<u32>,
    last_end: usize,
}

impl Scan<'_> {
    fn template(&mut self, jinja: &[lex::Token]) {
        let mut index = 0;
        // Where SQL goes on: a literal may hold Jinja and end behind it.
        let mut at = 0;
        while let Some(token) = jinja.get(index) {
            index += 1;
            let (start, end) = (token.range.start as usize, token.range.end as usize);
            if start < at {
                // A literal or a comment swallowed it, or a part of it.
                if end > at && matches!(token.kind, TokenKind::Text | TokenKind::Raw) {
                    at = self.sql(at, end, &jinja[index..]);
                }
                continue;
            }
            at = match token.kind {
                TokenKind::Text => self.sql(start, end, &jinja[index..]),
                TokenKind::Raw => {
                    let (from, to) = (token.inner.start as usize, token.inner.end as usize);
                    self.sql(from, to, &[]);
                    end
                }
                TokenKind::Comment => end,
                TokenKind::Output | TokenKind::Statement => {
                    let (from, to) = (token.inner.start as usize, token.inner.end as usize);
                    self.bracket(Kind::Open, start..from, true);
                    self.expression(from, to);
                    self.bracket(Kind::Close, to..end, true);
                    end
                }
            };
        }
    }

    /// SQL between Jinja; gives back where it stopped, behind `end` where a literal went on.
    fn sql(&mut self, start: usize, end: usize, after: &[lex::Token]) -> usize {
        let bytes = self.src.as_bytes();
        let mut at = start;
        while at < end {
            let rest = &self.src[at..end];
            let byte = bytes[at];
            let next = bytes.get(at + 1).copied().unwrap_or(0);
            let stop = match byte {
                b if b.is_ascii_whitespace() => {
                    at += 1;
                    continue;
                }
                b'-' if next == b'-' => {
                    at = line_end(bytes, at);
                    continue;
                }
                b'/' if next == b'*' => {
                    at = block_end(bytes, at);
                    continue;
                }
                b'\'' | b'"' | b'`' => {
                    let stop = self.quoted(at, byte, after);
                    let kind = if byte == b'\'' {
                        Kind::Text
                    } else {
                        Kind::Quoted
                    };
                    self.push(kind, at..stop, false);
                    at = stop;
                    continue;
                }
                b'$' if next == b'$' => {
                    let body = rest.get(2..).and_then(|r| r.find("$$"));
                    let stop = body.map_or(end, |n| at + n + 4);
                    self.push(Kind::Text, at..stop, false);
                    at = stop;
                    continue;
                }
                _ => at + word_or_symbol(rest),
            };
            self.plain(at..stop, false);
            at = stop;
        }
        at
    }

    /// The end of a quoted token. Jinja inside it belongs to it, with whatever quotes it holds.
    fn quoted(&self, start: usize, quote: u8, after: &[lex::Token]) -> usize {
        let bytes = self.src.as_bytes();
        let mut jinja = after
            .iter()
            .filter(|t| t.kind != TokenKind::Text)
            .peekable();
        let mut at = start + 1;
        while at < bytes.len() {
            while jinja.next_if(|t| (t.range.start as usize) < at).is_some() {}
            if let Some(token) = jinja.next_if(|t| t.range.start as usize == at) {
                at = token.range.end as usize;
                continue;
            }
            match bytes[at] {
                b'\\' if quote == b'\'' => at += 2,
                b if b == quote && bytes.get(at + 1) == Some(&quote) => at += 2,
                b if b == quote => return at + 1,
                _ => at += 1,
            }
        }
        bytes.len()
    }

    /// What stands in `{{ }}` and `{% %}`.
    fn expression(&mut self, start: usize, end: usize) {
        let bytes = self.src.as_bytes();
        let mut at = start;
        while at < end {
            let byte = bytes[at];
            if byte.is_ascii_whitespace() {
                at += 1;
                continue;
            }
            if byte == b'\'' || byte == b'"' {
                let mut stop = at + 1;
                while stop < end && bytes[stop] != byte {
                    stop += if bytes[stop] == b'\\' { 2 } else { 1 };
                }
                let stop = (stop + 1).min(end);
                self.push(Kind::Text, at..stop, true);
                at = stop;
                continue;
            }
            let stop = at + word_or_symbol(&self.src[at..end]);
            self.plain(at..stop, true);
            at = stop;
        }
    }

    /// A word, a number, a bracket or a symbol.
    fn plain(&mut self, range: Range<usize>, in_jinja: bool) {
        let text = &self.src[range.clone()];
        let first = text.bytes().next().unwrap_or(b' ');
        match first {
            b'(' | b'[' | b'{' => self.bracket(Kind::Open, range, in_jinja),
            b')' | b']' | b'}' => self.bracket(Kind::Close, range, in_jinja),
            b if b.is_ascii_digit() => self.push(Kind::Number, range, in_jinja),
            b if is_word(b) && !in_jinja && text.eq_ignore_ascii_case("case") => {
                self.bracket(Kind::Open, range, false);
            }
            b if is_word(b) && !in_jinja && text.eq_ignore_ascii_case("end") => {
                self.bracket(Kind::Close, range, false);
            }
            b if is_word(b) => self.push(Kind::Word, range, in_jinja),
            _ => self.push(Kind::Symbol, range, in_jinja),
        }
    }

    /// A bracket. A closing one that fits nothing open stays alone, so that one stray bracket does
    /// not shift the partners of the others.
    fn bracket(&mut self, kind: Kind, range: Range<usize>, in_jinja: bool) {
        let index = self.out.len() as u32;
        let text = &self.src[range.clone()];
        let closes = kind == Kind::Close;
        let opened = match closes {
            true => self
                .open
                .iter()
                .rposition(|o| fit(self.text(*o as usize), text)),
            false => None,
        };
        self.push(kind, range, in_jinja);
        match opened {
            Some(place) => {
                let partner = self.open[place];
                self.open.truncate(place);
                self.out[index as usize].partner = partner;
                self.out[partner as usize].partner = index;
            }
            None if !closes => self.open.push(index),
            None => {}
        }
    }

    fn text(&self, index: usize) -> &str {
        let range = &self.out[index].range;
        &self.src[range.start as usize..range.end as usize]
    }

    fn push(&mut self, kind: Kind, range: Range<usize>, in_jinja: bool) {
        let glued = range.start == self.last_end;
        self.last_end = range.end;
        let partner = self.out.len() as u32;
        self.out.push(Token {
            kind,
            range: range.start as u32..range.end as u32,
            partner,
            in_jinja,
            glued,
        });
    }
}

/// Does this bracket close that one?
fn fit(open: &str, close: &str) -> bool {
    let ends = |text: &str| close.len() >= text.len() && close.ends_with(text);
    match open.as_bytes() {
        [b'{', b'{', ..] => ends("}}"),
        [b'{', b'%', ..] => ends("%}"),
        b"(" => close == ")",
        b"[" => close == "]",
        b"{" => close == "}",
        _ => close.eq_ignore_ascii_case("end"),
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

/// How long the token at the beginning of `rest` is; at least one character.
fn word_or_symbol(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let first = bytes[0];
    if first.is_ascii_digit() {
        let mut len = 1;
        while let Some(&b) = bytes.get(len) {
            let sign = (b == b'-' || b == b'+') && bytes[len - 1].eq_ignore_ascii_case(&b'e');
            let point = b == b'.' && bytes.get(len + 1).is_some_and(u8::is_ascii_digit);
            if !(b.is_ascii_alphanumeric() || b == b'_' || sign || point) {
                break;
            }
            len += 1;
        }
        return len;
    }
    if is_word(first) {
        return bytes
            .iter()
            .position(|b| !is_word(*b))
            .unwrap_or(bytes.len());
    }
    const LONG: [&str; 14] = [
        "...", "<=>", "->>", "!~~", "::", "||", "->", "=>", "<=", ">=", "<>", "!=", "==", "**",
    ];
    match LONG.iter().find(|s| rest.starts_with(**s)) {
        Some(symbol) => symbol.len(),
        None => rest.chars().next().map_or(1, char::len_utf8),
    }
}

fn line_end(bytes: &[u8], at: usize) -> usize {
    memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |n| at + n)
}

fn block_end(bytes: &[u8], at: usize) -> usize {
    memchr::memmem::find(&bytes[at + 2..], b"*/").map_or(bytes.len(), |n| at + n + 4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(src: &str) -> Vec<&str> {
        let range = |t: &Token| t.range.start as usize..t.range.end as usize;
        tokens(src).iter().map(|t| &src[range(t)]).collect()
    }

    #[test]
    fn sql_and_jinja_in_one_row() {
        let src = "select a.b::float, 'it''s {{ var(\"x'y\") }}' as \"c\" -- no\nfrom {{ ref('m') }} /* {{ no() }} */ where 1.5e-3 >= x";
        let wanted = [
            "select",
            "a",
            ".",
            "b",
            "::",
            "float",
            ",",
            "'it''s {{ var(\"x'y\") }}'",
            "as",
            "\"c\"",
            "from",
            "{{",
            "ref",
            "(",
            "'m'",
            ")",
            "}}",
            "where",
            "1.5e-3",
            ">=",
            "x",
        ];
        let found: Vec<&str> = texts(src).into_iter().map(str::trim).collect();
        assert_eq!(found, wanted);
    }

    #[test]
    fn brackets_know_their_partners() {
        let src = "case when (a[1]) then {{ x({'k': 1}) }} end )";
        let found = tokens(src);
        for (index, token) in found.iter().enumerate() {
            assert_eq!(found[token.partner as usize].partner as usize, index);
        }
        let end = texts(src).iter().position(|t| *t == "end").unwrap();
        assert_eq!(found[0].partner as usize, end);
        let last = found.len() - 1;
        assert_eq!(found[last].partner as usize, last, "it closes nothing");
    }

    #[test]
    fn names_glued_to_jinja_are_told() {
        let found = tokens("a_{{ x }}_b c");
        let glued: Vec<bool> = found.iter().map(|t| t.glued).collect();
        assert_eq!(glued, [false, true, false, false, true, false]);
    }

    proptest! {
        #[test]
        fn tokens_are_in_order_and_inside_the_text(src in "[a'\"`${}%#/*()\\[\\]\\-\n e.]{0,60}") {
            let found = tokens(&src);
            let mut last = 0;
            for token in &found {
                prop_assert!(token.range.start as usize >= last && token.range.end > token.range.start);
                prop_assert!(src.is_char_boundary(token.range.start as usize));
                last = token.range.end as usize;
                prop_assert!(last <= src.len());
                prop_assert!((token.partner as usize) < found.len());
            }
        }
    }
}
