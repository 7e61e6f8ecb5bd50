//! What sqlparser's grammars lack, per dialect: tokens are dropped or replaced before the parser
//! sees them, and the places are remembered, so that rules which look there stay silent.
//!
//! Each shim was once a real model that could not be read; `docs/architecture.md` lists them.
//! Shims never make text: a token's place stays that of the user's bytes.

use super::Dialect;
use super::parse::bytes;
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan, Word};
use std::ops::Range;

/// Applies the dialect's shims to code tokens (no white space, no comments). Gives the ranges of
/// the text where something was dropped or replaced.
pub(super) fn shim(dialect: Dialect, tokens: &mut Vec<TokenWithSpan>) -> Vec<Range<u32>> {
    let rules: &[fn(&mut Shim) -> bool] = match dialect {
        Dialect::Trino | Dialect::Athena => &[
            omit_quotes,
            array_wrapper,
            type_in_parentheses,
            type_in_angles,
            asof,
        ],
        Dialect::ClickHouse => &[
            asof,
            any_join,
            final_modifier,
            tuple_access,
            offset_operand,
            aggregate_filter,
            array_join_literal,
            with_literal,
            any_call,
        ],
        Dialect::Snowflake => &[alias_at],
        _ => return Vec::new(),
    };
    let mut s = Shim {
        tokens,
        at: 0,
        out: Vec::new(),
        spots: Vec::new(),
    };
    while s.at < s.tokens.len() {
        if !rules.iter().any(|rule| rule(&mut s)) {
            s.out.push(s.tokens[s.at].clone());
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

/// Trino: `json_query(x, 'lax $.y' omit quotes)`.
fn omit_quotes(s: &mut Shim) -> bool {
    let hit = s.is_any(0, &["omit", "keep"]) && s.is(1, "quotes");
    hit && s.drop(2)
}

/// Trino: `json_query(x, '…' with [unconditional] array wrapper)`.
fn array_wrapper(s: &mut Shim) -> bool {
    if !s.is_any(0, &["with", "without"]) {
        return false;
    }
    let words = ["conditional", "unconditional", "array"];
    let count = (1..=3).take_while(|i| s.is_any(*i, &words)).count();
    s.is(count + 1, "wrapper") && s.drop(count + 2)
}

/// Trino: `cast(x as array(varchar))`, `map(k, v)`, `row(a int)` as a type.
fn type_in_parentheses(s: &mut Shim) -> bool {
    if !s.last_is("as") || !s.is_any(0, &["array", "map", "row"]) {
        return false;
    }
    let Some(run) = s.balanced(1, &Token::LParen, &Token::RParen) else {
        return false;
    };
    // `x as array(…)` closes a cast; `with array as (…)` does not.
    let closes = s.token(run + 1) == Some(&Token::RParen);
    closes && s.replace(run + 1, Token::make_keyword("VARCHAR"))
}

/// Trino: `cast(x as map<varchar, bigint>)`.
fn type_in_angles(s: &mut Shim) -> bool {
    if !s.last_is("as") || !s.is(0, "map") || s.token(1) != Some(&Token::Lt) {
        return false;
    }
    let mut depth = 0i32;
    for i in 1.. {
        match s.token(i) {
            Some(Token::Lt) => depth += 1,
            Some(Token::Gt) => depth -= 1,
            Some(Token::ShiftRight) => depth -= 2,
            None => return false,
            _ => {}
        }
        if depth <= 0 {
            return s.replace(i + 1, Token::make_keyword("VARCHAR"));
        }
    }
    false
}

/// ClickHouse and Trino: `asof left join`.
fn asof(s: &mut Shim) -> bool {
    s.is(0, "asof") && s.is_any(1, &["left", "inner"]) && s.drop(1)
}

/// ClickHouse: `any left join`, `left any join`.
fn any_join(s: &mut Shim) -> bool {
    let strict = s.is_any(0, &["any", "all"]) && s.is_any(1, &["left", "inner", "right", "join"]);
    let behind_union = s.last_is("union") || s.last_is("except") || s.last_is("intersect");
    strict && !behind_union && s.drop(1)
}

/// ClickHouse: `from t as x final`.
fn final_modifier(s: &mut Shim) -> bool {
    let modifier = s.is(0, "final")
        && s.behind_operand()
        && !s.is(1, "as")
        && !matches!(
            s.token(1),
            Some(Token::Period | Token::LParen | Token::Comma)
        );
    modifier && s.drop(1)
}

/// ClickHouse: `t.1`, which is read as `t` and the number `.1`, or as a point and a number.
fn tuple_access(s: &mut Shim) -> bool {
    if !s.behind_operand() {
        return false;
    }
    let touches = s
        .last()
        .is_some_and(|l| l.span.end == s.tokens[s.at].span.start);
    match (s.token(0), s.token(1)) {
        (Some(Token::Number(n, _)), _) if n.starts_with('.') && touches => s.drop(1),
        (Some(Token::Period), Some(Token::Number(..))) => s.drop(2),
        _ => false,
    }
}

/// ClickHouse: a column called `offset`.
fn offset_operand(s: &mut Shim) -> bool {
    let before = matches!(
        s.last().map(|t| &t.token),
        Some(
            Token::Comma | Token::LParen | Token::Plus | Token::Minus | Token::Period | Token::Mul
        )
    );
    let as_name = s.last_is("as") || s.last_is("select") || s.last_is("and") || s.last_is("by");
    s.is(0, "offset") && (before || as_name) && s.replace(1, quoted("offset", '`'))
}

/// ClickHouse: `sum(x) filter (where …)`.
fn aggregate_filter(s: &mut Shim) -> bool {
    if !s.is(0, "filter") || s.last().map(|t| &t.token) != Some(&Token::RParen) || !s.is(2, "where")
    {
        return false;
    }
    match s.balanced(1, &Token::LParen, &Token::RParen) {
        Some(run) => s.drop(run + 1),
        None => false,
    }
}

/// ClickHouse: `array join [1, 2] as x`; the names it binds are then not known.
fn array_join_literal(s: &mut Shim) -> bool {
    let start = usize::from(s.is(0, "left"));
    let literal = s.is(start, "array")
        && s.is(start + 1, "join")
        && s.token(start + 2) == Some(&Token::LBracket);
    if !literal {
        return false;
    }
    let Some(mut count) = s.balanced(start + 2, &Token::LBracket, &Token::RBracket) else {
        return false;
    };
    count += start + 2;
    if s.is(count, "as") {
        count += 2;
    }
    s.drop(count)
}

/// ClickHouse: `with [1, 2] as xs, cte as (…)`: a name for an expression.
fn with_literal(s: &mut Shim) -> bool {
    let opens = s.last_is("with") && s.token(0) == Some(&Token::LBracket);
    if !opens {
        return false;
    }
    let Some(run) = s.balanced(0, &Token::LBracket, &Token::RBracket) else {
        return false;
    };
    if !s.is(run, "as") || s.token(run + 2) != Some(&Token::Comma) {
        return false;
    }
    s.drop(run + 3)
}

/// ClickHouse: `any(x)` is an aggregate, which behind an operator reads as the quantifier.
fn any_call(s: &mut Shim) -> bool {
    let operator = matches!(
        s.last().map(|t| &t.token),
        Some(Token::Div | Token::Mul | Token::Plus | Token::Minus)
    );
    let call = s.is(0, "any") && s.token(1) == Some(&Token::LParen);
    call && operator && s.replace(1, quoted("any", '`'))
}

/// Snowflake: a table called `at`, which reads as time travel before `on`.
fn alias_at(s: &mut Shim) -> bool {
    s.is(0, "at") && s.is(1, "on") && s.replace(1, quoted("at", '"'))
}

#[cfg(test)]
mod tests {
    use super::super::parse::{parse, tokenise};
    use super::*;

    fn parses(dialect: Dialect, sql: &str) -> usize {
        let tokens = tokenise(dialect, sql).unwrap();
        match parse(dialect, &tokens) {
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
