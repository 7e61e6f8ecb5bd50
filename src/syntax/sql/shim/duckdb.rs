//! DuckDB.

use super::{Rule, Shim, at, depth_change, is_word, on};
use sqlparser::tokenizer::Token;

pub(super) const RULES: &[Rule] = &[
    on(&["asof"], asof),
    on(&["rename"], star_rename),
    on(&["like", "ilike", "glob"], star_like),
    on(&["glob"], glob),
    on(&["for"], comprehension),
    on(&["pivot", "unpivot", "summarize"], statement),
    on(&["pivot"], pivot_group),
    on(&["using"], using_sample),
    on(&["tablesample"], tablesample),
    at(|t| *t == Token::Mul, power),
    at(|t| *t == Token::Mod, limit_percent),
];

/// `asof join`, `asof left join`.
fn asof(s: &mut Shim) -> bool {
    s.is_any(1, &["join", "left", "inner", "right", "full"]) && s.drop(1)
}

fn behind_star(s: &Shim) -> bool {
    let out = &s.out;
    let star = out.last().is_some_and(|t| t.token == Token::Mul);
    let before = out.len().checked_sub(2).map(|i| &out[i]);
    star && before.is_some_and(|b| {
        matches!(b.token, Token::Comma | Token::Period)
            || is_word(b, "select")
            || is_word(b, "distinct")
    })
}

/// `* rename (a as b)`.
fn star_rename(s: &mut Shim) -> bool {
    let closed = s.last().is_some_and(|t| t.token == Token::RParen);
    let run = s.balanced(1, &Token::LParen, &Token::RParen);
    match run.filter(|_| behind_star(s) || closed) {
        Some(run) => s.drop(1 + run),
        None => false,
    }
}

/// `select * like 'a%'`.
fn star_like(s: &mut Shim) -> bool {
    let text = matches!(s.token(1), Some(Token::SingleQuotedString(_)));
    text && behind_star(s) && s.drop(2)
}

/// `a glob '*.x'`.
fn glob(s: &mut Shim) -> bool {
    s.behind_operand() && s.replace(1, Token::make_keyword("LIKE"))
}

/// `[x * 2 for x in xs if x > 1]`: what is iterated, and how.
fn comprehension(s: &mut Shim) -> bool {
    if !matches!(s.token(1), Some(Token::Word(_))) || !s.is(2, "in") {
        return false;
    }
    let count = s.until(0, &[]);
    s.token(count) == Some(&Token::RBracket) && s.drop(count)
}

/// `pivot t on q using sum(a)`, `unpivot t on a, b into …`, `summarize t`: read as `from t`.
fn statement(s: &mut Shim) -> bool {
    let begins = match s.last().map(|t| &t.token) {
        None | Some(Token::SemiColon | Token::RParen) => true,
        Some(Token::LParen) => !s.before_last_is("pivot") && !s.before_last_is("unpivot"),
        _ => false,
    };
    // `from t pivot (…)` names no table behind it, but a parenthesis.
    let named = matches!(s.token(1), Some(Token::Word(_)));
    let query = s.token(1) == Some(&Token::LParen) && s.is_any(2, &["select", "from", "with"]);
    if !begins || !(named || query) {
        return false;
    }
    let mut table = match query {
        true => s.balanced(1, &Token::LParen, &Token::RParen).unwrap_or(1),
        false => 1,
    };
    while s.token(1 + table) == Some(&Token::Period) {
        table += 2;
    }
    let rest = s.until(1 + table, &["select"]);
    if rest > 0 {
        s.later.push_back((s.at + 1 + table, rest));
    }
    s.replace(1, Token::make_keyword("FROM"))
}

/// `pivot (sum(a) for q in ('x') group by b)`: the grouping.
fn pivot_group(s: &mut Shim) -> bool {
    let Some(run) = s.balanced(1, &Token::LParen, &Token::RParen) else {
        return false;
    };
    let mut depth = 0;
    for i in 1..run {
        depth += s.token(i).map_or(0, depth_change);
        if depth == 1 && s.is(i, "group") && s.is(i + 1, "by") {
            s.later.push_back((s.at + i, run - i));
            return false;
        }
    }
    false
}

/// `using sample 10%`.
fn using_sample(s: &mut Shim) -> bool {
    let count = 2 + s.until(2, &[]);
    s.is(1, "sample") && s.drop(count)
}

/// `tablesample reservoir(10 rows)`, `tablesample 10%`.
fn tablesample(s: &mut Shim) -> bool {
    match s.token(1) {
        Some(Token::Number(..)) if s.token(2) == Some(&Token::Mod) => s.drop(3),
        Some(Token::Word(_)) => match s.balanced(2, &Token::LParen, &Token::RParen) {
            Some(run) => s.drop(2 + run),
            None => false,
        },
        _ => false,
    }
}

/// `a ** 2`: one operator.
fn power(s: &mut Shim) -> bool {
    let touches =
        s.token(1) == Some(&Token::Mul) && s.tokens[s.at].span.end == s.tokens[s.at + 1].span.start;
    touches && s.replace(2, Token::Mul)
}

/// `limit 10%`.
fn limit_percent(s: &mut Shim) -> bool {
    let number = matches!(s.last().map(|t| &t.token), Some(Token::Number(..)));
    number && s.before_last_is("limit") && s.drop(1)
}
