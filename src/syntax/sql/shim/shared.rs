//! Dialects that lack little, and what several share.

use super::{Rule, Shim, at, on, quoted};
use sqlparser::tokenizer::Token;

pub(super) const SNOWFLAKE: &[Rule] = &[on(&["at"], alias_at)];

pub(super) const BIGQUERY: &[Rule] = &[
    on(&["model"], model_argument),
    on(&["table"], drop_table_argument),
];

pub(super) const POSTGRES: &[Rule] = &[
    on(&["distinct", "all"], group_by_distinct),
    on(&["rows"], rows_from),
    on(&["exclude"], frame_exclusion),
    on(&["only"], only),
    on(&["isnull", "notnull"], null_test),
];

pub(super) const REDSHIFT: &[Rule] = &[
    on(&["approximate"], approximate),
    on(&["grouping"], grouping_sets),
    on(&["isnull", "notnull"], null_test),
];

pub(super) const SPARK: &[Rule] = &[
    on(&["r"], raw_string),
    on(&["div"], integer_division),
    at(
        |t| matches!(t, Token::Number(..) | Token::SingleQuotedString(_)),
        interval_part,
    ),
    at(|t| matches!(t, Token::SingleQuotedString(_)), next_string),
    at(
        |t| matches!(t, Token::Question | Token::Placeholder(_)),
        question_cast,
    ),
];

pub(super) const MSSQL: &[Rule] = &[
    at(|t| *t == Token::LParen, old_hint),
    on(&["option"], option),
    on(&["grouping"], grouping_sets),
    on(&["with"], with_rollup),
    on(&["hash", "merge", "loop", "remote"], join_hint),
    at(|t| *t == Token::ExclamationMark, not_less),
];

/// Trino and ClickHouse: `asof left join`.
pub(super) fn asof_side(s: &mut Shim) -> bool {
    s.is_any(1, &["left", "inner"]) && s.drop(1)
}

/// Trino: `f(input => table(select …))`.
pub(super) fn drop_table_before_query(s: &mut Shim) -> bool {
    let named = s.last().is_some_and(|t| t.token == Token::RArrow);
    let query = s.token(1) == Some(&Token::LParen) && s.is_any(2, &["select", "with"]);
    named && query && s.drop(1)
}

/// A table called `at`, which reads as time travel before `on`.
fn alias_at(s: &mut Shim) -> bool {
    s.is(1, "on") && s.replace(1, quoted("at", '"'))
}

/// `ml.predict(model `p.d.m`, …)`.
fn model_argument(s: &mut Shim) -> bool {
    let first = s.last().is_some_and(|t| t.token == Token::LParen);
    first && matches!(s.token(1), Some(Token::Word(_))) && s.drop(1)
}

/// `ml.predict(model m, table t)`.
fn drop_table_argument(s: &mut Shim) -> bool {
    let argument = matches!(
        s.last().map(|t| &t.token),
        Some(Token::Comma | Token::LParen)
    );
    argument && matches!(s.token(1), Some(Token::Word(_))) && s.drop(1)
}

/// `group by distinct rollup (a)`.
fn group_by_distinct(s: &mut Shim) -> bool {
    let grouping = s.last_is("by") && s.before_last_is("group");
    grouping && s.is_any(1, &["rollup", "cube", "grouping"]) && s.drop(1)
}

/// `rows from (f(1), g(2)) as x(a, b)`: read as a function of the functions.
fn rows_from(s: &mut Shim) -> bool {
    let call = s.is(1, "from") && s.token(2) == Some(&Token::LParen);
    call && s.replace(2, quoted("rows from", '"'))
}

/// `rows between … exclude current row`.
fn frame_exclusion(s: &mut Shim) -> bool {
    if s.is(1, "current") && s.is(2, "row") || s.is(1, "no") && s.is(2, "others") {
        return s.drop(3);
    }
    s.is_any(1, &["group", "ties"]) && s.token(2) == Some(&Token::RParen) && s.drop(2)
}

/// `from only t`.
fn only(s: &mut Shim) -> bool {
    let keywords = [
        "as", "where", "join", "inner", "left", "cross", "on", "group", "order",
    ];
    let table = matches!(s.token(1), Some(Token::Word(_))) && !s.is_any(1, &keywords);
    table && (s.last_is("from") || s.last_is("join")) && s.drop(1)
}

/// `a isnull`, `a notnull`.
fn null_test(s: &mut Shim) -> bool {
    if !s.behind_operand() || s.token(1) == Some(&Token::LParen) {
        return false;
    }
    s.insert(Token::make_keyword("IS"));
    if s.is(0, "notnull") {
        s.insert(Token::make_keyword("NOT"));
    }
    s.replace(1, Token::make_keyword("NULL"))
}

/// `approximate count(distinct a)`.
fn approximate(s: &mut Shim) -> bool {
    let call = matches!(s.token(1), Some(Token::Word(_)));
    call && s.token(2) == Some(&Token::LParen) && s.drop(1)
}

/// `grouping sets ((a), (b))`: read as a function.
fn grouping_sets(s: &mut Shim) -> bool {
    s.is(1, "sets") && s.replace(2, quoted("grouping sets", '"'))
}

/// `r'\d+'`.
fn raw_string(s: &mut Shim) -> bool {
    let text = matches!(
        s.token(1),
        Some(Token::SingleQuotedString(_) | Token::DoubleQuotedString(_))
    );
    text && s.tokens[s.at].span.end == s.tokens[s.at + 1].span.start && s.drop(1)
}

/// `a div 2`.
fn integer_division(s: &mut Shim) -> bool {
    s.behind_operand() && s.token(1) != Some(&Token::LParen) && s.replace(1, Token::Div)
}

const UNITS: &[&str] = &[
    "year", "years", "month", "months", "week", "weeks", "day", "days", "hour", "hours", "minute",
    "minutes", "second", "seconds",
];

/// `interval 1 day 2 hours`: all but the first.
fn interval_part(s: &mut Shim) -> bool {
    let behind = UNITS.iter().any(|u| s.last_is(u));
    let third = s.out.len().checked_sub(3).map(|i| &s.out[i]);
    let interval = third.is_some_and(|t| super::is_word(t, "interval"));
    behind && interval && s.is_any(1, UNITS) && s.drop(2)
}

/// `'a' 'b'`: one literal.
fn next_string(s: &mut Shim) -> bool {
    let text = |t: &Token| matches!(t, Token::SingleQuotedString(_));
    s.last().is_some_and(|t| text(&t.token)) && s.drop(1)
}

/// `a?::int`.
fn question_cast(s: &mut Shim) -> bool {
    s.token(1) == Some(&Token::DoubleColon) && s.behind_operand() && s.drop(1)
}

/// `from t (nolock)`.
fn old_hint(s: &mut Shim) -> bool {
    let hints = [
        "nolock",
        "readuncommitted",
        "readpast",
        "updlock",
        "holdlock",
        "rowlock",
        "tablock",
    ];
    let hint = s.is_any(1, &hints) && s.token(2) == Some(&Token::RParen);
    hint && s.behind_operand() && s.drop(3)
}

/// `option (maxrecursion 0)`.
fn option(s: &mut Shim) -> bool {
    match s.balanced(1, &Token::LParen, &Token::RParen) {
        Some(run) => s.drop(1 + run),
        None => false,
    }
}

/// `group by a with rollup`.
fn with_rollup(s: &mut Shim) -> bool {
    s.is_any(1, &["rollup", "cube"]) && s.behind_operand() && s.drop(2)
}

/// `inner hash join`.
fn join_hint(s: &mut Shim) -> bool {
    s.is(1, "join") && s.drop(1)
}

/// `a !< b`, `a !> b`.
fn not_less(s: &mut Shim) -> bool {
    match s.token(1) {
        Some(Token::Lt) => s.replace(2, Token::GtEq),
        Some(Token::Gt) => s.replace(2, Token::LtEq),
        _ => false,
    }
}
