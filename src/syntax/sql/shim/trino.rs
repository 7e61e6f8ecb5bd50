//! Trino and Athena, whose grammar is sqlparser's general one.

use super::shared::{asof_side, drop_table_before_query};
use super::{Rule, Shim, on};
use sqlparser::tokenizer::Token;

pub(super) const RULES: &[Rule] = &[
    on(&["omit", "keep"], omit_quotes),
    on(&["with", "without"], array_wrapper),
    on(&["array", "map", "row"], type_in_parentheses),
    on(&["map"], type_in_angles),
    on(&["asof"], asof_side),
    on(&["table"], drop_table_before_query),
    on(&["for"], time_travel),
];

/// `from t for timestamp as of timestamp '…'`, `for version as of 3`.
fn time_travel(s: &mut Shim) -> bool {
    if !s.is_any(1, &["timestamp", "version", "system_time"]) || !s.is(2, "as") || !s.is(3, "of") {
        return false;
    }
    match s.operand(4) {
        Some(count) => s.drop(4 + count),
        None => false,
    }
}

/// `json_query(x, 'lax $.y' omit quotes)`.
fn omit_quotes(s: &mut Shim) -> bool {
    let hit = s.is_any(0, &["omit", "keep"]) && s.is(1, "quotes");
    hit && s.drop(2)
}

/// `json_query(x, '…' with [unconditional] array wrapper)`.
fn array_wrapper(s: &mut Shim) -> bool {
    if !s.is_any(0, &["with", "without"]) {
        return false;
    }
    let words = ["conditional", "unconditional", "array"];
    let count = (1..=3).take_while(|i| s.is_any(*i, &words)).count();
    s.is(count + 1, "wrapper") && s.drop(count + 2)
}

/// `cast(x as array(varchar))`, `map(k, v)`, `row(a int)` as a type.
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

/// `cast(x as map<varchar, bigint>)`.
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
