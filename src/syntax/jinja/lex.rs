//! The lossless lexer: every byte of a template belongs to exactly one token.

use super::JinjaError;
use memchr::memchr;
use memchr::memmem;
use std::ops::Range;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// Text outside Jinja; it reaches the database as it stands.
    Text,
    /// `{{ … }}`.
    Output,
    /// `{% … %}`.
    Statement,
    /// `{# … #}`.
    Comment,
    /// Text between `{% raw %}` and `{% endraw %}`.
    Raw,
}

/// A token with its delimiters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// All of it, delimiters included.
    pub range: Range<u32>,
    /// What stands between the delimiters and their whitespace control; all of a text.
    pub inner: Range<u32>,
    /// `{%-`: white space before it is dropped.
    pub trims_before: bool,
    /// `-%}`: white space after it is dropped.
    pub trims_after: bool,
}

/// Splits a template. After an opening that is never closed the rest of the file is text and the
/// error says where it was opened. A byte order mark is text.
pub fn lex(src: &str) -> (Vec<Token>, Option<JinjaError>) {
    let mut lexer = Lexer {
        src,
        tokens: Vec::new(),
        text_from: 0,
    };
    let error = lexer.run().err();
    lexer.flush_text(src.len());
    (lexer.tokens, error)
}

struct Lexer<'a> {
    src: &'a str,
    tokens: Vec<Token>,
    text_from: usize,
}

fn range(start: usize, end: usize) -> Range<u32> {
    start as u32..end as u32
}

impl Lexer<'_> {
    fn run(&mut self) -> Result<(), JinjaError> {
        let bytes = self.src.as_bytes();
        let mut at = 0;
        while let Some(found) = memchr(b'{', &bytes[at..]) {
            let open = at + found;
            let kind = match bytes.get(open + 1) {
                Some(b'{') => TokenKind::Output,
                Some(b'%') => TokenKind::Statement,
                Some(b'#') => TokenKind::Comment,
                _ => {
                    at = open + 1;
                    continue;
                }
            };
            self.flush_text(open);
            self.text_from = open;
            at = self.token(kind, open)?;
            self.text_from = at;
        }
        Ok(())
    }

    /// Pushes the token that opens at `open`; gives the offset behind it.
    fn token(&mut self, kind: TokenKind, open: usize) -> Result<usize, JinjaError> {
        let bytes = self.src.as_bytes();
        let close = match kind {
            TokenKind::Comment => memmem::find(&bytes[open + 2..], b"#}").map(|i| open + 2 + i),
            TokenKind::Output => find_close(bytes, open + 2, b"}}"),
            _ => find_close(bytes, open + 2, b"%}"),
        };
        let Some(close) = close else {
            let what = &self.src[open..open + 2];
            let message = format!("`{what}` is never closed");
            return Err(JinjaError::new(range(open, open + 2), message));
        };
        let token = self.make(kind, open, close);
        let is_raw = kind == TokenKind::Statement && self.src[token.inner_range()].trim() == "raw";
        self.tokens.push(token);
        if is_raw {
            return self.raw(open, close + 2);
        }
        Ok(close + 2)
    }

    fn make(&self, kind: TokenKind, open: usize, close: usize) -> Token {
        let bytes = self.src.as_bytes();
        let (mut start, mut end) = (open + 2, close);
        let control = |b: u8| matches!(b, b'-' | b'+');
        let before = start < end && control(bytes[start]);
        let trims_before = before && bytes[start] == b'-';
        start += usize::from(before);
        let after = end > start && control(bytes[end - 1]);
        let trims_after = after && bytes[end - 1] == b'-';
        end -= usize::from(after);
        Token {
            kind,
            range: range(open, close + 2),
            inner: range(start, end),
            trims_before,
            trims_after,
        }
    }

    /// After `{% raw %}`: everything up to `{% endraw %}` is text.
    fn raw(&mut self, open: usize, from: usize) -> Result<usize, JinjaError> {
        let bytes = self.src.as_bytes();
        let mut at = from;
        while let Some(found) = memmem::find(&bytes[at..], b"{%") {
            let start = at + found;
            let Some(len) = memmem::find(&bytes[start + 2..], b"%}") else {
                break;
            };
            let close = start + 2 + len;
            let token = self.make(TokenKind::Statement, start, close);
            if self.src[token.inner_range()].trim() == "endraw" {
                if from < start {
                    self.tokens.push(Token {
                        kind: TokenKind::Raw,
                        range: range(from, start),
                        inner: range(from, start),
                        trims_before: false,
                        trims_after: false,
                    });
                }
                self.tokens.push(token);
                return Ok(close + 2);
            }
            at = start + 2;
        }
        self.text_from = from;
        Err(JinjaError::new(
            range(open, from),
            "`{% raw %}` is never closed by `{% endraw %}`",
        ))
    }

    fn flush_text(&mut self, end: usize) {
        if self.text_from < end {
            self.tokens.push(Token {
                kind: TokenKind::Text,
                range: range(self.text_from, end),
                inner: range(self.text_from, end),
                trims_before: false,
                trims_after: false,
            });
        }
        self.text_from = end;
    }
}

impl Token {
    pub(crate) fn inner_range(&self) -> Range<usize> {
        self.inner.start as usize..self.inner.end as usize
    }
}

/// The closing delimiter from `at` on, aware of quotes and of braces (`{{ {'a': {}}}}`), as
/// Jinja's own lexer is.
fn find_close(bytes: &[u8], mut at: usize, close: &[u8; 2]) -> Option<usize> {
    let mut depth = 0usize;
    while at < bytes.len() {
        match bytes[at] {
            quote @ (b'\'' | b'"') => {
                at = skip_string(bytes, at, quote)?;
                continue;
            }
            _ if depth == 0 && bytes[at..].starts_with(close) => return Some(at),
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    None
}

fn skip_string(bytes: &[u8], open: usize, quote: u8) -> Option<usize> {
    let mut at = open + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b if b == quote => return Some(at + 1),
            _ => {}
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kinds(src: &str) -> Vec<(TokenKind, &str)> {
        let (tokens, _) = lex(src);
        tokens
            .iter()
            .map(|t| (t.kind, &src[t.range.start as usize..t.range.end as usize]))
            .collect()
    }

    #[test]
    fn tokens_of_each_kind() {
        use TokenKind::*;
        assert_eq!(
            kinds("a {{ b }} {%- if x -%}{# c #}"),
            [
                (Text, "a "),
                (Output, "{{ b }}"),
                (Text, " "),
                (Statement, "{%- if x -%}"),
                (Comment, "{# c #}"),
            ]
        );
    }

    #[test]
    fn braces_and_quotes_inside_do_not_close() {
        assert_eq!(kinds("{{ config(a={'b': {}}) }}x").len(), 2);
        assert_eq!(kinds("{{ '}}' }}x").len(), 2);
        assert_eq!(kinds(r#"{% set a = "%}\"" %}x"#).len(), 2);
    }

    #[test]
    fn raw_is_text() {
        use TokenKind::*;
        assert_eq!(
            kinds("{% raw %}{{ no }}{% endraw %}y"),
            [
                (Statement, "{% raw %}"),
                (Raw, "{{ no }}"),
                (Statement, "{% endraw %}"),
                (Text, "y"),
            ]
        );
    }

    #[test]
    fn an_unclosed_opening_is_an_error_at_its_place() {
        let (tokens, error) = lex("ab {{ x ");
        let error = error.unwrap();
        assert_eq!(error.range, 3..5);
        assert_eq!(tokens.len(), 2);
        assert!(lex("{% raw %} x").1.is_some());
        assert!(lex("{# x").1.is_some());
        assert!(lex("{%raw%}{%}}").1.is_some());
    }

    proptest! {
        #[test]
        fn lossless(src in r#"([{}%#'"\\ a-zé\-]|raw|endraw|\{\{|\}\}|\{%|%\}){0,60}"#) {
            let (tokens, _) = lex(&src);
            let mut at = 0;
            for t in &tokens {
                prop_assert_eq!(t.range.start, at);
                prop_assert!(t.range.start <= t.inner.start && t.inner.end <= t.range.end);
                prop_assert!(src.get(t.inner_range()).is_some());
                at = t.range.end;
            }
            prop_assert_eq!(at as usize, src.len());
        }
    }
}
