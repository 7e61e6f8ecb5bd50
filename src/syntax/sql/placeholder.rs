//! Text that stands where Jinja's output is not known, fitted to its position.
//!
//! A placeholder is an identifier with a reserved prefix, so that the tree can tell it from the
//! user's own names. The positions, each once a file of a real project that failed to parse, are
//! described in `docs/architecture.md`.

/// Prefix of an unknown.
pub(super) const UNKNOWN: &str = "hl__p";
/// Prefix of a relation; the number behind it is its `RelationId`.
pub(super) const RELATION: &str = "hl__r";

/// Words behind which an operand is expected.
const OPERAND_AFTER: &[&str] = &[
    "select",
    "distinct",
    "where",
    "and",
    "or",
    "not",
    "on",
    "by",
    "when",
    "then",
    "else",
    "case",
    "between",
    "like",
    "ilike",
    "having",
    "qualify",
    "as",
    "set",
    "using",
    "return",
    "with",
    "is",
    "over",
    "filter",
    "end_of_list",
];

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

/// What may stand for unknown number `index` between `before` (code only, comments removed) and
/// `after`, the likeliest first. The others are tried where the first does not parse.
pub(super) fn choices(before: &str, after: &str, index: usize) -> Vec<String> {
    let id = format!("{UNKNOWN}{index}");
    if let Some(number) = before.strip_suffix('.')
        && is_number(&last_word(number))
    {
        return list(&["5", &id]);
    }
    if before.ends_with(is_word) || after.starts_with(is_word) {
        return list(&[&id, &format!(" {id} "), "", "1"]);
    }
    let query = format!("select 1 as {id}");
    let code = before.trim_end();
    let Some(last) = code.chars().last() else {
        return at_start(after, &id, &query);
    };
    let word = last_word(code);
    match word.as_str() {
        "from" | "join" => return list(&[&id, &format!("{id} as {id}"), "(select 1)"]),
        "limit" | "top" | "offset" => return list(&["1", &id]),
        "in" => return list(&["(1)", &id]),
        "interval" => return list(&["'1 day'", "1", &id]),
        "all" | "union" | "except" | "intersect" | "minus" => return list(&[&query, &id, ""]),
        "with" => return list(&[&format!("{id} as (select 1)"), &id]),
        _ => {}
    }
    if last == '(' {
        return in_parentheses(&code[..code.len() - 1], &id, &query);
    }
    if matches!(last, '.' | ':') {
        return list(&[&id, "*", "int"]);
    }
    // `select *`, `t.*`: a star that multiplies nothing.
    let star = code
        .strip_suffix('*')
        .map(str::trim_end)
        .is_some_and(|before| {
            let ends = before.ends_with([',', '.', '(']) || before.is_empty();
            ends || matches!(&*last_word(before), "select" | "distinct" | "all")
        });
    if OPERAND_AFTER.contains(&word.as_str())
        || !star
            && matches!(
                last,
                ',' | '+' | '-' | '*' | '/' | '<' | '>' | '=' | '|' | '%'
            )
    {
        return operand(&id);
    }
    // Behind a complete operand: a clause, an alias, an operator or nothing. Nothing parses most
    // often.
    list(&[
        "",
        &id,
        &format!(", {id}"),
        &format!("and {id}"),
        ",",
        "=",
        "union all",
        &format!("where {id}"),
        &query,
        &format!(", {id} as (select 1)"),
        "and",
        &format!("as {id}"),
    ])
}

fn list(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|t| (*t).to_owned()).collect()
}

fn operand(id: &str) -> Vec<String> {
    list(&[
        id,
        "1",
        "*",
        "",
        "int",
        &format!("{id} as {id}"),
        &format!("{id} as (select 1)"),
        &format!("{id}, "),
        "(select 1)",
        "'x'",
        "distinct",
        "1=1 and",
        &format!("partition by {id}"),
    ])
}

/// A template that begins with an unknown: it prints the whole query, or a hint before it.
fn at_start(after: &str, id: &str, query: &str) -> Vec<String> {
    let next = after.trim_start().to_ascii_lowercase();
    let more = format!("with {id} as (select 1)");
    let begins = ["union", "except", "intersect"]
        .iter()
        .any(|w| next.starts_with(w));
    if next.is_empty() || begins {
        return list(&[query, "", id, &more, "select 1 union all"]);
    }
    list(&["", query, &more, id, "select 1 union all"])
}

/// `as (`, `from (`, `join (`: a query; elsewhere an operand.
fn in_parentheses(before: &str, id: &str, query: &str) -> Vec<String> {
    let is_query = matches!(
        last_word(before.trim_end()).as_str(),
        "as" | "from" | "join" | "materialized" | "exists"
    );
    if is_query {
        return list(&[query, id, ""]);
    }
    list(&[
        id,
        "",
        query,
        "1",
        &format!("partition by {id}"),
        &format!("{id} int"),
        &format!("{id} as {id}"),
        "*",
    ])
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit())
}

fn last_word(code: &str) -> String {
    let start = code
        .char_indices()
        .rev()
        .take_while(|(_, c)| is_word(*c))
        .last()
        .map_or(code.len(), |(i, _)| i);
    code[start..].to_ascii_lowercase()
}

/// Is this identifier an unknown, or does it hold one?
pub(super) fn is_unknown(name: &str) -> bool {
    name.contains(UNKNOWN)
}

/// The number of the relation that this identifier stands for.
pub(super) fn relation_id(name: &str) -> Option<u32> {
    name.strip_prefix(RELATION)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_position_gets_what_parses_there() {
        let at = |before: &str, after: &str| choices(before, after, 0).swap_remove(0);
        assert_eq!(at("select 0.", ""), "5");
        assert_eq!(at("from hl__p1.", ""), "hl__p0");
        assert_eq!(at("select x_", ""), "hl__p0");
        assert_eq!(at("select ", "_y"), "hl__p0");
        assert_eq!(at("from ", " where"), "hl__p0");
        assert_eq!(at("with a as (\n ", ")"), "select 1 as hl__p0");
        assert_eq!(at("coalesce( ", ")"), "hl__p0");
        assert_eq!(at("where x in ", ""), "(1)");
        assert_eq!(at("", " select 1"), "");
        assert_eq!(at("", ""), "select 1 as hl__p0");
        assert_eq!(at("with ", ", b as (select 1)"), "hl__p0 as (select 1)");
        assert_eq!(at("select a\nfrom t\n", ""), "");
        assert_eq!(at("select a, ", " from t"), "hl__p0");
        assert_eq!(at("select a * ", " from t"), "hl__p0");
        assert_eq!(at("select *\n", " from t"), "");
        assert_eq!(at("select t.*\n", " from t"), "");
    }
}
