//! ClickHouse.

use super::shared::asof_side;
use super::{Rule, Shim, at, depth_change, is_word, on, quoted};
use sqlparser::tokenizer::Token;

pub(super) const RULES: &[Rule] = &[
    on(&["asof"], asof_side),
    on(&["any", "all"], any_join),
    on(&["final"], final_modifier),
    at(
        |t| matches!(t, Token::Number(..) | Token::Period),
        tuple_access,
    ),
    on(&["offset"], offset_operand),
    on(&["values"], values_operand),
    on(&["filter"], aggregate_filter),
    on(&["left", "array"], array_join_literal),
    on(&["with"], with_ties),
    on(&["with"], with_expressions),
    on(&["any"], any_call),
    on(&["limit"], limit_by),
    on(&["global"], global_in),
    on(&["apply"], apply),
    on(&["as"], inner_alias),
];

/// `with [1, 2] as xs, (select 1) as n, cte as (…)`: names for expressions, which are then not
/// known.
fn with_expressions(s: &mut Shim) -> bool {
    let mut entries: Vec<(usize, usize, bool)> = Vec::new();
    let mut ahead = 1;
    loop {
        let Some((count, is_cte)) = with_entry(s, ahead) else {
            return false;
        };
        entries.push((ahead, count, is_cte));
        ahead += count;
        match s.token(ahead) {
            Some(Token::Comma) => ahead += 1,
            _ => break,
        }
    }
    if entries.iter().all(|(_, _, is_cte)| *is_cte) {
        return false;
    }
    if entries.iter().all(|(_, _, is_cte)| !*is_cte) {
        return s.drop(ahead);
    }
    let last = entries.iter().rposition(|(_, _, is_cte)| *is_cte);
    let here = s.at;
    for (i, (start, count, is_cte)) in entries.into_iter().enumerate() {
        if is_cte {
            continue;
        }
        // With the comma behind it, or the one before it where no CTE follows.
        let before = usize::from(last.is_some_and(|last| i > last));
        s.later.push_back((here + start - before, count + 1));
    }
    false
}

/// How many tokens an entry of `with` takes, and whether it is a CTE.
fn with_entry(s: &Shim, ahead: usize) -> Option<(usize, bool)> {
    if let Token::Word(_) = s.token(ahead)? {
        let columns = s.balanced(ahead + 1, &Token::LParen, &Token::RParen);
        let at = ahead + 1 + columns.unwrap_or(0);
        if s.is(at, "as")
            && let Some(body) = s.balanced(at + 1, &Token::LParen, &Token::RParen)
        {
            return Some((at + 1 + body - ahead, true));
        }
    }
    let mut depth = 0;
    let mut i = ahead;
    loop {
        let token = s.token(i)?;
        depth += depth_change(token);
        if depth < 0 || depth == 0 && s.is_any(i, &["select", "from"]) {
            return None;
        }
        if depth == 0 && s.is(i, "as") && matches!(s.token(i + 1), Some(Token::Word(_))) {
            let ends =
                s.token(i + 2) == Some(&Token::Comma) || s.is_any(i + 2, &["select", "with"]);
            if ends {
                return Some((i + 2 - ahead, false));
            }
        }
        i += 1;
    }
}

/// `limit 5 with ties`.
fn with_ties(s: &mut Shim) -> bool {
    let behind = matches!(s.last().map(|t| &t.token), Some(Token::Number(..)));
    behind && s.is(1, "ties") && s.drop(2)
}

/// `limit 1 by a limit 10`: the first of the two.
fn limit_by(s: &mut Shim) -> bool {
    let by = (1..=5).find(|i| s.is(*i, "by"));
    let Some(by) = by.filter(|by| (1..*by).all(|i| !s.is(i, "limit"))) else {
        return false;
    };
    let count = by + 1 + s.until(by + 1, &["limit", "settings", "format", "union"]);
    s.is(count, "limit") && s.drop(count)
}

/// `a global in (…)`, `a global not in (…)`.
fn global_in(s: &mut Shim) -> bool {
    (s.is(1, "in") || s.is(1, "not") && s.is(2, "in")) && s.drop(1)
}

/// `* apply (sum)`, `columns('…') apply(f)`.
fn apply(s: &mut Shim) -> bool {
    let behind = matches!(s.last().map(|t| &t.token), Some(Token::Mul | Token::RParen));
    let run = s.balanced(1, &Token::LParen, &Token::RParen);
    match run.filter(|_| behind && !s.last_is("outer")) {
        Some(run) => s.drop(1 + run),
        None => false,
    }
}

/// How far back the parenthesis is looked for that an alias stands in.
const NEAR: usize = 400;

/// `(a + 1 as x) * 2`: an alias within an expression.
fn inner_alias(s: &mut Shim) -> bool {
    let alias = matches!(s.token(1), Some(Token::Word(_)));
    if !alias || s.token(2) != Some(&Token::RParen) {
        return false;
    }
    let mut depth = 0;
    for (i, t) in s.out.iter().enumerate().rev().take(NEAR) {
        depth += depth_change(&t.token);
        if depth == 1 {
            let casts = ["cast", "try_cast", "as", "from", "join", "replace"];
            let before = i.checked_sub(1).map(|b| &s.out[b]);
            let other = before.is_some_and(|b| casts.iter().any(|w| is_word(b, w)));
            let query = s.out.get(i + 1);
            let query = query.is_some_and(|q| is_word(q, "select") || is_word(q, "with"));
            return t.token == Token::LParen && !other && !query && s.drop(2);
        }
    }
    false
}

/// `any left join`, `left any join`.
fn any_join(s: &mut Shim) -> bool {
    let strict = s.is_any(0, &["any", "all"]) && s.is_any(1, &["left", "inner", "right", "join"]);
    let behind_union = s.last_is("union") || s.last_is("except") || s.last_is("intersect");
    strict && !behind_union && s.drop(1)
}

/// `from t as x final`.
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

/// `t.1`, which is read as `t` and the number `.1`, or as a point and a number. It
/// stands for `t[1]`.
fn tuple_access(s: &mut Shim) -> bool {
    // A column may be called as a keyword is: `point.1`.
    let value = |t: &Token| matches!(t, Token::Word(_) | Token::RParen | Token::RBracket);
    if !s.last().is_some_and(|t| value(&t.token)) {
        return false;
    }
    let touches = s.at > 0 && s.tokens[s.at - 1].span.end == s.tokens[s.at].span.start;
    let (count, digits) = match (s.token(0), s.token(1)) {
        _ if !touches => return false,
        (Some(Token::Number(n, _)), _) if n.starts_with('.') => (1, n[1..].to_owned()),
        (Some(Token::Period), Some(Token::Number(n, _))) => (2, n.clone()),
        _ => return false,
    };
    // `.2.1` may be one number.
    for index in digits.split('.') {
        s.insert(Token::LBracket);
        s.insert(Token::Number(index.to_owned(), false));
        s.insert(Token::RBracket);
    }
    s.drop(count)
}

/// a column called `offset`.
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

/// A column called `values`.
fn values_operand(s: &mut Shim) -> bool {
    let ends = matches!(s.token(1), Some(Token::Comma | Token::RParen));
    ends && s.replace(1, quoted("values", '`'))
}

/// `sum(x) filter (where …)`.
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

/// `array join [1, 2] as x, [3, 4] as y`; the names it binds are then not known.
fn array_join_literal(s: &mut Shim) -> bool {
    let start = usize::from(s.is(0, "left"));
    if !s.is(start, "array") || !s.is(start + 1, "join") {
        return false;
    }
    let mut count = start + 2;
    loop {
        let Some(run) = s.balanced(count, &Token::LBracket, &Token::RBracket) else {
            return false;
        };
        count += run;
        if s.is(count, "as") {
            count += 2;
        }
        match s.token(count) {
            Some(Token::Comma) => count += 1,
            _ => return s.drop(count),
        }
    }
}

/// `any(x)` is an aggregate, which behind an operator reads as the quantifier.
fn any_call(s: &mut Shim) -> bool {
    let operator = matches!(
        s.last().map(|t| &t.token),
        Some(Token::Div | Token::Mul | Token::Plus | Token::Minus)
    );
    let call = s.is(0, "any") && s.token(1) == Some(&Token::LParen);
    call && operator && s.replace(1, quoted("any", '`'))
}
