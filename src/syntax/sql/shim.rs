//! What sqlparser's grammars lack, per dialect: tokens are dropped or replaced before the parser
//! sees them, and the places are remembered, so that rules which look there stay silent.
//!
//! Each shim was once a real model that could not be read, or stands in a dialect's documentation;
//! `docs/architecture.md` lists them, tests/dialects holds them. Shims never make text: a token's
//! place stays that of the user's bytes.

mod clickhouse;
mod duckdb;
mod shared;
mod trino;

use super::Dialect;
use super::parse::bytes;
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan, Word};
use std::collections::VecDeque;
use std::ops::Range;

/// One shim: what it begins with, and what it does there. Where it does nothing it says so.
struct Rule {
    starts: Start,
    apply: fn(&mut Shim) -> bool,
}

/// The token that a shim begins with.
enum Start {
    Words(&'static [&'static str]),
    Token(fn(&Token) -> bool),
}

const fn on(words: &'static [&'static str], apply: fn(&mut Shim) -> bool) -> Rule {
    let starts = Start::Words(words);
    Rule { starts, apply }
}

const fn at(token: fn(&Token) -> bool, apply: fn(&mut Shim) -> bool) -> Rule {
    let starts = Start::Token(token);
    Rule { starts, apply }
}

impl Rule {
    fn begins(&self, token: &TokenWithSpan) -> bool {
        match self.starts {
            Start::Words(words) => words.iter().any(|w| is_word(token, w)),
            Start::Token(is) => is(&token.token),
        }
    }
}

fn rules(dialect: Dialect) -> &'static [Rule] {
    match dialect {
        Dialect::Trino | Dialect::Athena => trino::RULES,
        Dialect::ClickHouse => clickhouse::RULES,
        Dialect::DuckDb => duckdb::RULES,
        Dialect::Snowflake => shared::SNOWFLAKE,
        Dialect::BigQuery => shared::BIGQUERY,
        Dialect::Postgres => shared::POSTGRES,
        Dialect::Redshift => shared::REDSHIFT,
        Dialect::Databricks | Dialect::Spark => shared::SPARK,
        Dialect::Mssql => shared::MSSQL,
        Dialect::MySql | Dialect::Sqlite | Dialect::Generic => &[],
    }
}

/// Applies the dialect's shims to code tokens (no white space, no comments). Gives the ranges of
/// the text where something was dropped or replaced.
pub(super) fn shim(dialect: Dialect, tokens: &mut Vec<TokenWithSpan>) -> Vec<Range<u32>> {
    let rules = rules(dialect);
    let begins = |t: &TokenWithSpan| rules.iter().any(|r| r.begins(t));
    let Some(first) = tokens.iter().position(begins) else {
        return Vec::new();
    };
    let mut s = Shim {
        at: first,
        out: tokens[..first].to_vec(),
        tokens,
        later: VecDeque::new(),
        spots: Vec::new(),
    };
    while let Some(token) = s.tokens.get(s.at) {
        if s.later.front().is_some_and(|(start, _)| *start <= s.at) {
            if let Some((_, count)) = s.later.pop_front() {
                s.drop(count);
            }
            continue;
        }
        let mut applicable = rules.iter().filter(|r| r.begins(token));
        if !applicable.any(|r| (r.apply)(&mut s)) {
            s.out.push(token.clone());
            s.at += 1;
        }
    }
    let Shim { out, spots, .. } = s;
    *tokens = out;
    spots
}

struct Shim<'a> {
    tokens: &'a [TokenWithSpan],
    at: usize,
    out: Vec<TokenWithSpan>,
    /// Runs to leave out when they are reached: first token, how many.
    later: VecDeque<(usize, usize)>,
    spots: Vec<Range<u32>>,
}

impl Shim<'_> {
    /// Is the token `ahead` of here this unquoted word?
    fn is(&self, ahead: usize, word: &str) -> bool {
        self.tokens
            .get(self.at + ahead)
            .is_some_and(|t| is_word(t, word))
    }

    fn is_any(&self, ahead: usize, words: &[&str]) -> bool {
        words.iter().any(|w| self.is(ahead, w))
    }

    fn token(&self, ahead: usize) -> Option<&Token> {
        self.tokens.get(self.at + ahead).map(|t| &t.token)
    }

    /// The token before the last one.
    fn before_last_is(&self, word: &str) -> bool {
        let i = self.out.len().checked_sub(2);
        i.is_some_and(|i| is_word(&self.out[i], word))
    }

    fn last(&self) -> Option<&TokenWithSpan> {
        self.out.last()
    }

    fn last_is(&self, word: &str) -> bool {
        self.last().is_some_and(|t| is_word(t, word))
    }

    /// Something that can end an operand stands before.
    fn behind_operand(&self) -> bool {
        match self.last().map(|t| &t.token) {
            Some(Token::RParen | Token::RBracket) => true,
            Some(Token::Word(w)) => w.keyword == Keyword::NoKeyword || w.quote_style.is_some(),
            _ => false,
        }
    }

    fn mark(&mut self, count: usize) {
        let first = bytes(self.tokens[self.at].span);
        let last = bytes(self.tokens[self.at + count - 1].span);
        self.spots.push(first.start..last.end);
    }

    /// Leaves out the next tokens.
    fn drop(&mut self, count: usize) -> bool {
        self.mark(count);
        self.at += count;
        true
    }

    /// Puts a token at the place of the next one, which stays.
    fn insert(&mut self, token: Token) {
        let mut one = self.tokens[self.at].clone();
        one.token = token;
        self.out.push(one);
    }

    /// Puts one token in the place of the next ones.
    fn replace(&mut self, count: usize, token: Token) -> bool {
        self.mark(count);
        let mut one = self.tokens[self.at].clone();
        one.span.end = self.tokens[self.at + count - 1].span.end;
        one.token = token;
        self.out.push(one);
        self.at += count;
        true
    }

    /// How many tokens there are from `ahead` of here to the end of the query they stand in: a
    /// bracket that closes, a semicolon, or one of the words.
    fn until(&self, ahead: usize, words: &[&str]) -> usize {
        let mut depth = 0;
        let from = &self.tokens[(self.at + ahead).min(self.tokens.len())..];
        for (i, t) in from.iter().enumerate() {
            depth += depth_change(&t.token);
            let ends = depth == 0 && words.iter().any(|w| is_word(t, w));
            if depth < 0 || ends || depth == 0 && t.token == Token::SemiColon {
                return i;
            }
        }
        from.len()
    }

    /// How many tokens a name, a literal or a call takes.
    fn operand(&self, ahead: usize) -> Option<usize> {
        let parentheses = |ahead| self.balanced(ahead, &Token::LParen, &Token::RParen);
        match self.token(ahead)? {
            Token::Number(..) | Token::SingleQuotedString(_) => Some(1),
            Token::LParen => parentheses(ahead),
            Token::Word(_) => match self.token(ahead + 1) {
                Some(Token::LParen) => Some(1 + parentheses(ahead + 1)?),
                // `timestamp '…'`, `date '…'`.
                Some(Token::SingleQuotedString(_)) => Some(2),
                _ => Some(1),
            },
            _ => None,
        }
    }

    /// How many tokens a bracketed run takes that opens `ahead` of here.
    fn balanced(&self, ahead: usize, open: &Token, close: &Token) -> Option<usize> {
        if self.token(ahead)? != open {
            return None;
        }
        let mut depth = 0usize;
        for (i, t) in self.tokens[self.at + ahead..].iter().enumerate() {
            if t.token == *open {
                depth += 1;
            } else if t.token == *close {
                depth -= 1;
                if depth == 0 {
                    return Some(i + 1);
                }
            }
        }
        None
    }
}

/// How deep a token leads into brackets.
fn depth_change(token: &Token) -> i32 {
    match token {
        Token::LParen | Token::LBracket | Token::LBrace => 1,
        Token::RParen | Token::RBracket | Token::RBrace => -1,
        _ => 0,
    }
}

fn is_word(token: &TokenWithSpan, word: &str) -> bool {
    matches!(&token.token, Token::Word(w) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case(word))
}

fn quoted(name: &str, quote: char) -> Token {
    Token::Word(Word {
        value: name.to_owned(),
        quote_style: Some(quote),
        keyword: Keyword::NoKeyword,
    })
}

#[cfg(test)]
mod tests {
    use super::super::parse::{parse, tokenise};
    use super::*;

    fn parses(dialect: Dialect, sql: &str) -> usize {
        let tokens = tokenise(dialect, sql).unwrap();
        match parse(dialect, tokens) {
            Ok(parsed) => parsed.shimmed.len(),
            Err(e) => panic!("{sql}: {e:?}"),
        }
    }

    #[test]
    fn what_the_grammar_lacks_parses_and_is_marked() {
        for (dialect, sql) in [
            (
                Dialect::Trino,
                "select json_query(x, 'lax $.y' omit quotes) from t",
            ),
            (
                Dialect::Trino,
                "select json_query(x, '$' with array wrapper) from t",
            ),
            (
                Dialect::Trino,
                "select cast(x as array(varchar)), cast(y as map(varchar, array(int))) from t",
            ),
            (
                Dialect::Athena,
                "select cast(x as row(a int, b varchar)) from t",
            ),
            (
                Dialect::Trino,
                "select cast(null as map<varchar, array<int>>) from t",
            ),
            (
                Dialect::Trino,
                "select a from t asof left join u on t.a = u.a",
            ),
            (
                Dialect::ClickHouse,
                "select a from t any left join u on t.a = u.a",
            ),
            (
                Dialect::ClickHouse,
                "select x.1, f(y).2 from t as x final where a = 1",
            ),
            (Dialect::ClickHouse, "select max(offset), offset + 1 from t"),
            (
                Dialect::ClickHouse,
                "select sum(a) filter (where b = 1) from t",
            ),
            (
                Dialect::ClickHouse,
                "select a, x from t array join [1, 2] as x where a = 1",
            ),
            (
                Dialect::ClickHouse,
                "with [1, 2] as xs, c as (select 1) select * from c",
            ),
            (Dialect::ClickHouse, "select uniqExact(a) / any(b) from t"),
            (
                Dialect::Snowflake,
                "select at.a from t left join u at on at.id = t.id",
            ),
        ] {
            assert!(parses(dialect, sql) > 0, "{sql}");
        }
    }

    #[test]
    fn what_the_grammar_knows_is_left_alone() {
        for (dialect, sql) in [
            (
                Dialect::ClickHouse,
                "select a from t order by a limit 5 offset 10",
            ),
            (Dialect::ClickHouse, "select final from final"),
            (
                Dialect::ClickHouse,
                "with final as (select 1 as a) select * from final",
            ),
            (
                Dialect::ClickHouse,
                "select a from t union all select b from u",
            ),
            (
                Dialect::Trino,
                "with array as (select 1) select * from array",
            ),
            (Dialect::Snowflake, "select * from t at (offset => -60)"),
            (Dialect::Postgres, "select sum(a) filter (where b) from t"),
        ] {
            assert_eq!(parses(dialect, sql), 0, "{sql}");
        }
    }
}
