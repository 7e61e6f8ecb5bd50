//! Words that cannot name a column without quotes.

use super::Dialect;

/// Words that no dialect takes for a column without quotes.
const COMMON: &[&str] = &[
    "all",
    "and",
    "as",
    "between",
    "by",
    "case",
    "cross",
    "distinct",
    "else",
    "from",
    "full",
    "group",
    "having",
    "in",
    "inner",
    "intersect",
    "into",
    "is",
    "join",
    "left",
    "like",
    "natural",
    "not",
    "null",
    "on",
    "or",
    "order",
    "right",
    "select",
    "then",
    "union",
    "using",
    "when",
    "where",
    "with",
];

/// Must a column of this name stand in quotes?
pub fn is_reserved(name: &str, dialect: Dialect) -> bool {
    let more: &[&str] = match dialect {
        Dialect::Postgres | Dialect::Redshift => &[
            "analyze",
            "array",
            "asc",
            "check",
            "column",
            "constraint",
            "default",
            "desc",
            "do",
            "end",
            "fetch",
            "for",
            "foreign",
            "grant",
            "limit",
            "offset",
            "only",
            "primary",
            "references",
            "table",
            "to",
            "unique",
            "user",
            "window",
        ],
        Dialect::Snowflake => &[
            "column",
            "connect",
            "constraint",
            "current",
            "delete",
            "drop",
            "grant",
            "increment",
            "insert",
            "minus",
            "qualify",
            "regexp",
            "row",
            "rows",
            "sample",
            "set",
            "start",
            "table",
            "to",
            "trigger",
            "unique",
            "update",
            "values",
            "whenever",
        ],
        Dialect::BigQuery => &[
            "asc",
            "at",
            "current",
            "default",
            "define",
            "desc",
            "end",
            "exclude",
            "for",
            "hash",
            "if",
            "interval",
            "limit",
            "lookup",
            "new",
            "no",
            "of",
            "partition",
            "range",
            "rows",
            "set",
            "struct",
            "to",
            "unnest",
            "window",
            "within",
        ],
        Dialect::Mssql => &[
            "column", "default", "end", "key", "primary", "table", "to", "user",
        ],
        Dialect::Trino | Dialect::Athena => &["end", "for", "table", "values"],
        Dialect::Generic => &["table", "to", "end", "default"],
        _ => &[],
    };
    let name = name.to_ascii_lowercase();
    COMMON.contains(&name.as_str()) || more.contains(&name.as_str())
}

/// Functions that are called without parentheses.
const CALLED: &[&str] = &[
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "level",
    "localtime",
    "localtimestamp",
    "rowid",
    "rownum",
    "session_user",
    "sysdate",
    "systimestamp",
    "user",
];

/// Is it, without quotes, the name of a column and nothing else, in whatever case the database
/// folds it to?
pub fn is_plain(name: &str, dialect: Dialect) -> bool {
    let mut letters = name.chars();
    let first = |c: char| c.is_ascii_lowercase() || c == '_';
    letters.next().is_some_and(first)
        && letters.all(|c| first(c) || c.is_ascii_digit())
        && !CALLED.contains(&name)
        && !is_reserved(name, dialect)
}
