//! sqlparser's tokenizer and parser, with byte offsets in every location.
//!
//! sqlparser counts lines and characters; we rewrite each token's location to `(1, byte + 1)` of
//! the rendered text before the parser sees it, so that every span of its tree is a byte span.

use super::Dialect;
use super::shim::shim;
use sqlparser::ast::{Query, Statement};
use sqlparser::keywords::Keyword;
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
    /// Statements were left out that make the text a script: it is no query.
    pub script: bool,
    pub(super) marks: Vec<Mark>,
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

/// From sqlparser's lines and characters to bytes. Locations only grow.
struct Cursor<'a> {
    text: &'a str,
    at: usize,
    line: u64,
    col: u64,
    /// Where the line ends, its line feed included, where all of it is ASCII: there characters
    /// are bytes. Otherwise where it begins.
    plain_until: usize,
}

impl<'a> Cursor<'a> {
    fn new(text: &'a str) -> Self {
        let mut cursor = Self {
            text,
            at: 0,
            line: 1,
            col: 1,
            plain_until: 0,
        };
        cursor.look_at_line();
        cursor
    }

    fn look_at_line(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        let len = memchr::memchr(b'\n', rest).map_or(rest.len(), |i| i + 1);
        self.plain_until = match rest[..len].is_ascii() {
            true => self.at + len,
            false => self.at,
        };
    }

    fn advance(&mut self, to: Location) -> u64 {
        let bytes = self.text.as_bytes();
        while self.line < to.line && self.at < bytes.len() {
            let next = memchr::memchr(b'\n', &bytes[self.at..]);
            self.at = next.map_or(bytes.len(), |i| self.at + i + 1);
            self.line += 1;
            self.col = 1;
            self.look_at_line();
        }
        if self.line != to.line {
            return self.at as u64;
        }
        let steps = to.column.saturating_sub(self.col);
        let plain = (self.plain_until.saturating_sub(self.at) as u64).min(steps);
        self.at += plain as usize;
        for _ in plain..steps {
            let Some(c) = self.text[self.at..].chars().next() else {
                break;
            };
            self.at += c.len_utf8();
        }
        self.col += steps;
        self.at as u64
    }
}

/// A token that is code, as lowering looks at it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) kind: MarkKind,
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MarkKind {
    Comma,
    Open,
    Close,
    /// An unquoted word that is a keyword.
    Keyword(Keyword),
    Other,
}

impl Mark {
    pub(super) fn new(token: &TokenWithSpan) -> Self {
        let Range { start, end } = bytes(token.span);
        let kind = match &token.token {
            Token::Comma => MarkKind::Comma,
            Token::LParen => MarkKind::Open,
            Token::RParen => MarkKind::Close,
            Token::Word(w) if w.keyword != Keyword::NoKeyword && w.quote_style.is_none() => {
                MarkKind::Keyword(w.keyword)
            }
            _ => MarkKind::Other,
        };
        Self { start, end, kind }
    }
}

/// Code as the parser is shown it.
pub(super) struct Shown {
    pub(super) tokens: Vec<TokenWithSpan>,
    /// The tokens as they stand.
    pub(super) marks: Vec<Mark>,
    /// Ranges of the text where the tokens are not those that stand there.
    pub(super) shimmed: Vec<Range<u32>>,
}

/// White space and comments are kept from the parser, which is faster and gives the same tree.
pub(super) fn shown(dialect: Dialect, tokens: SqlTokens) -> Shown {
    let mut tokens = tokens.all;
    tokens.retain(|t| !matches!(t.token, Token::Whitespace(_)));
    let marks = tokens.iter().map(Mark::new).collect();
    let shimmed = shim(dialect, &mut tokens);
    Shown {
        tokens,
        marks,
        shimmed,
    }
}

fn parser(dialect: Dialect, code: Vec<TokenWithSpan>) -> Parser<'static> {
    Parser::new(dialect.grammar())
        .with_options(
            ParserOptions::new()
                .with_trailing_commas(true)
                .with_unescape(false),
        )
        .with_recursion_limit(RECURSION_LIMIT)
        .with_tokens_with_locations(code)
}

/// Parses tokens whole.
pub fn parse(dialect: Dialect, tokens: SqlTokens) -> Result<Parsed, ParseError> {
    let end = tokens.all.last().map_or(0, |t| bytes(t.span).end);
    let Shown {
        tokens,
        marks,
        mut shimmed,
    } = shown(dialect, tokens);
    let mut parser = parser(dialect, tokens);
    let known = shimmed.len();
    match statements(&mut parser, &mut shimmed) {
        Ok(statements) => Ok(Parsed {
            statements,
            script: shimmed.len() > known,
            shimmed,
            marks,
        }),
        Err(e) => {
            // Some errors carry no location of their own.
            let next = parser.peek_token_ref();
            let offset = match next.token {
                Token::EOF => end,
                _ => bytes(next.span).start,
            };
            Err(ParseError {
                message: short(&e),
                offset,
            })
        }
    }
}

/// Parses one query and nothing behind it.
pub(super) fn parse_query(dialect: Dialect, code: &[TokenWithSpan]) -> Option<Box<Query>> {
    let mut parser = parser(dialect, code.to_vec());
    let query = parser.parse_query().ok()?;
    (parser.peek_token_ref().token == Token::EOF).then_some(query)
}

/// Statements between semicolons. Those that no grammar of sqlparser's has and that are no query
/// are left out.
fn statements(
    parser: &mut Parser,
    left_out: &mut Vec<Range<u32>>,
) -> Result<Vec<Statement>, ParserError> {
    let mut statements = Vec::new();
    let mut separated = true;
    loop {
        while parser.consume_token(&Token::SemiColon) {
            separated = true;
        }
        match &parser.peek_token_ref().token {
            Token::EOF => return Ok(statements),
            Token::Word(w) if !separated && w.keyword == Keyword::END => return Ok(statements),
            _ => {}
        }
        if !separated {
            return parser.expected("end of statement", parser.peek_token());
        }
        match is_foreign(parser) {
            true => left_out.push(skip_statement(parser)),
            false => statements.push(parser.parse_statement()?),
        }
        separated = false;
    }
}

/// `create procedure …`, and the commands of psql.
fn is_foreign(parser: &Parser) -> bool {
    let word = |i: usize, text: &str| match &parser.peek_nth_token_ref(i).token {
        Token::Word(w) => w.quote_style.is_none() && w.value.eq_ignore_ascii_case(text),
        _ => false,
    };
    let or_replace = if word(1, "or") && word(2, "replace") {
        3
    } else {
        1
    };
    let procedure = word(0, "create") && word(or_replace, "procedure");
    procedure || parser.peek_token_ref().token == Token::Backslash
}

fn skip_statement(parser: &mut Parser) -> Range<u32> {
    let start = bytes(parser.peek_token_ref().span).start;
    let mut end = start;
    while !matches!(parser.peek_token_ref().token, Token::SemiColon | Token::EOF) {
        end = bytes(parser.next_token().span).end;
    }
    start..end
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
        let error = parse(Dialect::Generic, tokens).unwrap_err();
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
        assert!(parse(Dialect::Generic, tokens).is_err());
    }
}
