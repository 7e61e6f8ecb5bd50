//! sqlparser's tokenizer and parser, with byte offsets in every location.
//!
//! sqlparser counts lines and characters; we rewrite each token's location to `(1, byte + 1)` of
//! the rendered text before the parser sees it, so that every span of its tree is a byte span.

use super::Dialect;
use super::shim::shim;
use sqlparser::ast::Statement;
use sqlparser::parser::{Parser, ParserError, ParserOptions};
use sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan, Tokenizer};
use std::ops::Range;

/// Nesting that the parser follows. Real models stay far below; the worker threads' stacks hold it
/// with room to spare.
const RECURSION_LIMIT: usize = 300;

/// A file with more tokens is not parsed; the report says so.
const MAX_TOKENS: usize = 400_000;

/// Why there is no tree. Never a finding: most such texts are sqlparser's gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// sqlparser's words.
    pub message: String,
    /// Byte of the rendered text near which reading stopped.
    pub offset: u32,
}

/// The tokens of a text, white space and comments included.
#[derive(Debug)]
pub struct SqlTokens {
    /// Every token; locations are `(1, byte + 1)`.
    pub all: Vec<TokenWithSpan>,
}

/// What was parsed.
#[derive(Debug)]
pub struct Parsed {
    /// sqlparser's trees.
    pub statements: Vec<Statement>,
    /// Ranges of the rendered text that the parser was not shown as they are.
    pub shimmed: Vec<Range<u32>>,
}

/// The bytes of the rendered text that a rewritten span covers.
pub(super) fn bytes(span: Span) -> Range<u32> {
    let at = |l: Location| l.column.saturating_sub(1) as u32;
    at(span.start)..at(span.end)
}

/// Splits a text into tokens.
pub fn tokenise(dialect: Dialect, text: &str) -> Result<SqlTokens, ParseError> {
    let mut all = Vec::with_capacity(text.len() / 4);
    let mut cursor = Cursor::new(text);
    let result = Tokenizer::new(dialect.grammar(), text)
        .with_unescape(false)
        .tokenize_with_location_into_buf_with_mapper(&mut all, |mut token: TokenWithSpan| {
            let start = cursor.advance(token.span.start);
            let end = cursor.advance(token.span.end);
            token.span = Span::new(Location::new(1, start + 1), Location::new(1, end + 1));
            token
        });
    match result {
        Ok(()) if all.len() > MAX_TOKENS => Err(ParseError {
            message: format!("more than {MAX_TOKENS} tokens"),
            offset: 0,
        }),
        Ok(()) => Ok(SqlTokens { all }),
        Err(e) => Err(ParseError {
            offset: Cursor::new(text).advance(e.location) as u32,
            message: e.message,
        }),
    }
}

/// Walks a text once, from sqlparser's lines and characters to bytes. Locations only grow.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
    col: u64,
}

impl<'a> Cursor<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            bytes: text.as_bytes(),
            at: 0,
            line: 1,
            col: 1,
        }
    }

    fn advance(&mut self, to: Location) -> u64 {
        while self.at < self.bytes.len()
            && (self.line < to.line || (self.line == to.line && self.col < to.column))
        {
            if self.bytes[self.at] == b'\n' {
                self.line += 1;
                self.col = 1;
            } else {
                self.col += 1;
            }
            self.at += 1;
            while self.at < self.bytes.len() && (self.bytes[self.at] & 0xC0) == 0x80 {
                self.at += 1;
            }
        }
        self.at as u64
    }
}

/// Parses tokens whole. White space and comments are kept from the parser, which is faster and
/// gives the same tree.
pub fn parse(dialect: Dialect, tokens: &SqlTokens) -> Result<Parsed, ParseError> {
    let mut code: Vec<TokenWithSpan> = tokens
        .all
        .iter()
        .filter(|t| !matches!(t.token, Token::Whitespace(_)))
        .cloned()
        .collect();
    let shimmed = shim(dialect, &mut code);
    let mut parser = Parser::new(dialect.grammar())
        .with_options(
            ParserOptions::new()
                .with_trailing_commas(true)
                .with_unescape(false),
        )
        .with_recursion_limit(RECURSION_LIMIT)
        .with_tokens_with_locations(code);
    match parser.parse_statements() {
        Ok(statements) => Ok(Parsed {
            statements,
            shimmed,
        }),
        Err(e) => {
            // Some errors carry no location of their own.
            let offset = bytes(parser.peek_token_ref().span).start;
            Err(ParseError {
                message: short(&e),
                offset,
            })
        }
    }
}

/// The message without sqlparser's `at Line: 1, Column: …`, whose column is a byte of ours.
fn short(error: &ParserError) -> String {
    let text = match error {
        ParserError::TokenizerError(m) | ParserError::ParserError(m) => m.as_str(),
        ParserError::RecursionLimitExceeded => "nested too deeply",
    };
    text.split(" at Line:").next().unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_locations_are_bytes() {
        let text = "select 'é😀' as ü,\r\n  b -- ö\nfrom t";
        let tokens = tokenise(Dialect::Generic, text).unwrap();
        let mut at = 0;
        for t in &tokens.all {
            let r = bytes(t.span);
            assert_eq!(r.start, at);
            at = r.end;
            if let Token::Word(w) = &t.token {
                assert_eq!(&text[r.start as usize..r.end as usize], w.value);
            }
        }
        assert_eq!(at as usize, text.len());
    }

    #[test]
    fn a_parse_error_knows_its_place() {
        let text = "select a frm t where (";
        let tokens = tokenise(Dialect::Generic, text).unwrap();
        let error = parse(Dialect::Generic, &tokens).unwrap_err();
        assert!(
            error.offset as usize >= text.find('t').unwrap(),
            "{error:?}"
        );
        assert!(!error.message.contains("Line"), "{error:?}");
    }

    #[test]
    fn too_deep_is_an_error() {
        crate::threads::on_big_stack(too_deep);
    }

    fn too_deep() {
        let text = format!("select {}1{}", "(".repeat(10_000), ")".repeat(10_000));
        let tokens = tokenise(Dialect::Generic, &text).unwrap();
        assert!(parse(Dialect::Generic, &tokens).is_err());
    }
}
