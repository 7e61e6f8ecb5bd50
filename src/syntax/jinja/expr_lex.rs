//! The tokens of expressions inside `{{ }}` and `{% %}`.

use super::JinjaError;
use std::ops::Range;

type Result<T> = std::result::Result<T, JinjaError>;

/// A token.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Tok {
    Name(Box<str>),
    Str(Box<str>),
    Int(i64),
    Float(f64),
    Punct(&'static str),
    End,
}

/// Longest first.
const PUNCT: &[&str] = &[
    "==", "!=", "<=", ">=", "**", "//", "(", ")", "[", "]", "{", "}", ",", ":", ".", "|", "~", "+",
    "-", "*", "/", "%", "<", ">", "=", ";",
];

/// Splits the inside of a Jinja token; the last token is [`Tok::End`].
pub(super) fn tokenise(src: &str, inner: Range<usize>) -> Result<Vec<(Tok, Range<u32>)>> {
    let bytes = src.as_bytes();
    let (mut at, end) = (inner.start, inner.end);
    let mut toks = Vec::new();
    while at < end {
        let start = at;
        let tok = match bytes[at] {
            b if b.is_ascii_whitespace() => {
                at += 1;
                continue;
            }
            quote @ (b'\'' | b'"') => {
                let (text, next) = string(src, at, end, quote)?;
                at = next;
                Tok::Str(text.into())
            }
            b'0'..=b'9' => {
                let (tok, next) = number(src, at, end);
                at = next;
                tok
            }
            b if b.is_ascii_alphabetic() || b == b'_' || b >= 0x80 => {
                let rest = &src[at..end];
                let len = rest
                    .find(|c: char| !(c.is_alphanumeric() || c == '_'))
                    .unwrap_or(rest.len());
                if len == 0 {
                    let width = rest.chars().next().map_or(1, char::len_utf8);
                    return Err(stray(src, at, at + width));
                }
                at += len;
                Tok::Name(src[start..at].into())
            }
            _ => match PUNCT.iter().find(|p| src[at..end].starts_with(**p)) {
                Some(p) => {
                    at += p.len();
                    Tok::Punct(p)
                }
                None => return Err(stray(src, at, at + 1)),
            },
        };
        toks.push((tok, start as u32..at as u32));
    }
    toks.push((Tok::End, end as u32..end as u32));
    Ok(toks)
}

fn stray(src: &str, at: usize, end: usize) -> JinjaError {
    let what = &src[at..end];
    JinjaError::new(
        at as u32..end as u32,
        format!("unexpected character `{what}`"),
    )
}

fn string(src: &str, open: usize, end: usize, quote: u8) -> Result<(String, usize)> {
    let bytes = src.as_bytes();
    let mut text = String::new();
    let (mut at, mut from) = (open + 1, open + 1);
    while at < end {
        if bytes[at] == quote {
            text.push_str(&src[from..at]);
            return Ok((text, at + 1));
        }
        if bytes[at] == b'\\' && at + 1 < end {
            text.push_str(&src[from..at]);
            at += 1;
            let c = src[at..].chars().next().unwrap_or('\\');
            match c {
                'n' => text.push('\n'),
                't' => text.push('\t'),
                'r' => text.push('\r'),
                '\\' | '\'' | '"' => text.push(c),
                '\n' => {}
                // Python keeps the backslash of an escape it does not know (`'\d'` in a regex).
                c => text.extend(['\\', c]),
            }
            at += c.len_utf8();
            from = at;
            continue;
        }
        at += 1;
    }
    Err(JinjaError::new(
        open as u32..open as u32 + 1,
        "this string is never closed",
    ))
}

fn number(src: &str, start: usize, end: usize) -> (Tok, usize) {
    let bytes = src.as_bytes();
    let digits = |mut at: usize| {
        while at < end && (bytes[at].is_ascii_digit() || bytes[at] == b'_') {
            at += 1;
        }
        at
    };
    let mut at = digits(start);
    let mut float = false;
    if at + 1 < end && bytes[at] == b'.' && bytes[at + 1].is_ascii_digit() {
        float = true;
        at = digits(at + 1);
    }
    if at < end && matches!(bytes[at], b'e' | b'E') {
        let sign = usize::from(at + 1 < end && matches!(bytes[at + 1], b'+' | b'-'));
        if at + 1 + sign < end && bytes[at + 1 + sign].is_ascii_digit() {
            float = true;
            at = digits(at + 1 + sign);
        }
    }
    let text = src[start..at].replace('_', "");
    let tok = match text.parse::<i64>() {
        Ok(i) if !float => Tok::Int(i),
        _ => Tok::Float(text.parse().unwrap_or(f64::INFINITY)),
    };
    (tok, at)
}
