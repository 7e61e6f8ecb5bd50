//! SQL patterns with metavariables, matched on tokens.
//!
//! The terms are semgrep's. `$X` stands for one operand (a name with its dots, a literal, a call, a
//! `cast` or `case`, what stands in parentheses, a Jinja expression), `$_` for one that is not
//! remembered, `...` for anything between two brackets of the same pair, nothing included. The same
//! metavariable twice must be the same text, but for case, layout and quotes of names. Everything
//! else is itself: keywords and names in any case, quoted or not, texts as they are.

mod search;

pub(super) use search::Row;
pub use search::{Match, Tokens};

use crate::syntax::token::{self, Kind, Token};
use std::borrow::Cow;
use std::ops::Range;

/// A compiled pattern.
#[derive(Debug, Clone)]
pub struct Pattern {
    parts: Vec<Part>,
    /// Names of metavariables, in order of first use.
    names: Vec<String>,
    /// Texts that any match holds: what lacks one of them needs no search.
    words: Vec<Box<str>>,
    /// It speaks of `{% … %}`, which other patterns pass over.
    statements: bool,
}

/// One part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// A token as it stands.
    Token {
        kind: Kind,
        text: Box<str>,
        glued: bool,
    },
    /// `$X`, as an index of `names`; none for `$_`.
    Operand(Option<usize>),
    /// `...`.
    Ellipsis,
}

/// Why a text is no pattern, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternError {
    /// What is wrong.
    pub message: String,
    /// Bytes of the pattern.
    pub range: Range<usize>,
}

/// Longer patterns are refused: what they say belongs into several.
const MAX_PARTS: usize = 200;

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// A bracket without a partner, a pattern that fits everything, one that is too long.
    pub fn new(src: &str) -> Result<Self, PatternError> {
        let tokens = token::tokens(src);
        let whole = |message: &str| PatternError {
            message: message.to_owned(),
            range: 0..src.len(),
        };
        let mut pattern = Self {
            parts: Vec::new(),
            names: Vec::new(),
            words: Vec::new(),
            statements: false,
        };
        for (index, token) in tokens.iter().enumerate() {
            pattern.add(src, index, token)?;
        }
        if pattern.parts.len() > MAX_PARTS {
            return Err(whole("is longer than 200 tokens"));
        }
        let says = |part: &Part| matches!(part, Part::Token { kind, .. } if *kind != Kind::Close);
        if !pattern.parts.iter().any(says) {
            return Err(whole("fits everything: it has no word of its own"));
        }
        let at_an_end = [pattern.parts.first(), pattern.parts.last()];
        if at_an_end.contains(&Some(&Part::Ellipsis)) {
            return Err(whole("begins or ends with `...`, which says nothing there"));
        }
        Ok(pattern)
    }

    /// Names of its metavariables, with their `$`.
    pub fn metavariables(&self) -> &[String] {
        &self.names
    }

    fn add(&mut self, src: &str, index: usize, token: &Token) -> Result<(), PatternError> {
        let range = token.range.start as usize..token.range.end as usize;
        let text = &src[range.clone()];
        let part = match metavariable(text) {
            Some("$_") => Part::Operand(None),
            Some(name) => {
                let known = self.names.iter().position(|n| n == name);
                let place = known.unwrap_or(self.names.len());
                if known.is_none() {
                    self.names.push(name.to_owned());
                }
                Part::Operand(Some(place))
            }
            None if text == "..." => Part::Ellipsis,
            None => {
                let bracket = matches!(token.kind, Kind::Open | Kind::Close);
                if bracket && token.partner as usize == index {
                    let message = format!("`{}` has no partner", text.trim());
                    return Err(PatternError { message, range });
                }
                let text: Box<str> = normal(token.kind, text).into();
                self.statements |= text.starts_with("{%");
                self.words.push(text.clone());
                Part::Token {
                    kind: token.kind,
                    text,
                    glued: token.glued,
                }
            }
        };
        self.parts.push(part);
        Ok(())
    }
}

/// `$X`, `$ALIAS_2` or `$_`. Columns by number (`$1`) and shell-like lower case are none.
fn metavariable(text: &str) -> Option<&str> {
    let name = text.strip_prefix('$')?;
    let letter = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let first = name.chars().next()?;
    let named = first.is_ascii_uppercase() || name == "_";
    (named && name.chars().all(letter)).then_some(text)
}

/// The text by which a token is compared: names without quotes and in lower case, texts without
/// their quotes, brackets of Jinja without white-space control.
fn normal(kind: Kind, text: &str) -> Cow<'_, str> {
    match kind {
        Kind::Word | Kind::Number => in_lower_case(text),
        Kind::Quoted | Kind::Text => {
            let inner = text.get(1..text.len().saturating_sub(1)).unwrap_or("");
            match kind {
                Kind::Quoted => in_lower_case(inner),
                _ => Cow::Borrowed(inner),
            }
        }
        Kind::Open | Kind::Close => {
            in_lower_case(text.trim_matches(|c: char| c.is_whitespace() || c == '-' || c == '+'))
        }
        Kind::Symbol => match text {
            "<>" => Cow::Borrowed("!="),
            _ => Cow::Borrowed(text),
        },
    }
}

fn in_lower_case(text: &str) -> Cow<'_, str> {
    match text.bytes().any(|b| b.is_ascii_uppercase()) {
        true => Cow::Owned(text.to_ascii_lowercase()),
        false => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests;
