//! What null does to an expression: which columns a condition cannot be true without.

use super::tree::{CompareOp, Expr, ExprKind, Ident};

/// A qualified column as it is written.
pub type Column<'a> = &'a [Ident];

/// Functions that give null for a null argument in every dialect dbt speaks. Only such functions
/// are followed; of all others nothing is assumed.
const STRICT: &[&str] = &[
    "abs",
    "ceil",
    "date",
    "date_part",
    "date_trunc",
    "day",
    "floor",
    "left",
    "len",
    "length",
    "lower",
    "ltrim",
    "month",
    "replace",
    "right",
    "round",
    "rtrim",
    "split_part",
    "substr",
    "substring",
    "to_char",
    "to_date",
    "to_number",
    "to_timestamp",
    "to_varchar",
    "trim",
    "try_to_date",
    "try_to_number",
    "upper",
    "year",
];

/// Functions that give a value for a null argument: using one says that null was thought of.
const NULL_HANDLING: &[&str] = &[
    "coalesce",
    "ifnull",
    "nvl",
    "nvl2",
    "isnull",
    "zeroifnull",
    "decode",
    "equal_null",
    "iff",
    "if",
    "case",
];

/// Columns for which the condition is never true when they are null.
pub fn rejects_null(condition: &Expr) -> Vec<Column<'_>> {
    match &condition.kind {
        ExprKind::And(parts) => parts.iter().flat_map(rejects_null).collect(),
        ExprKind::Or(parts) => in_all(parts, rejects_null),
        ExprKind::IsNull {
            value,
            negated: true,
        } => null_with(value),
        ExprKind::Not(inner) => match &inner.kind {
            ExprKind::IsNull {
                value,
                negated: false,
            } => null_with(value),
            _ => null_with(inner),
        },
        _ => null_with(condition),
    }
}

/// Columns for which the expression is null when they are null.
fn null_with(expr: &Expr) -> Vec<Column<'_>> {
    match &expr.kind {
        ExprKind::Column(path) => vec![path],
        ExprKind::Cast { value, .. } | ExprKind::Access(value, _) | ExprKind::Not(value) => {
            null_with(value)
        }
        ExprKind::Arithmetic(_, parts) => parts.iter().flat_map(null_with).collect(),
        ExprKind::And(parts) | ExprKind::Or(parts) => in_all(parts, null_with),
        ExprKind::Compare(op, sides) => match op {
            CompareOp::NullSafe | CompareOp::Other => Vec::new(),
            _ => sides.iter().flat_map(null_with).collect(),
        },
        // A null bound leaves the other one to decide.
        ExprKind::Between(parts) => null_with(&parts[0]),
        ExprKind::InList { value, .. } => null_with(value),
        ExprKind::Call(call) if call.over.is_none() => {
            match STRICT.contains(&call.function().as_str()) {
                true => call.args.iter().flat_map(null_with).collect(),
                false => Vec::new(),
            }
        }
        _ => Vec::new(),
    }
}

/// Columns that every part has.
fn in_all<'a>(parts: &'a [Expr], of: fn(&'a Expr) -> Vec<Column<'a>>) -> Vec<Column<'a>> {
    let mut parts = parts.iter().map(of);
    let Some(first) = parts.next() else {
        return Vec::new();
    };
    let rest: Vec<Vec<Column>> = parts.collect();
    let same =
        |a: Column, b: Column| a.len() == b.len() && a.iter().zip(b).all(|(x, y)| x.is(&y.name));
    first
        .into_iter()
        .filter(|c| rest.iter().all(|other| other.iter().any(|o| same(c, o))))
        .collect()
}

/// Columns whose null the condition provides for: `is null`, `coalesce`, `is not distinct from`.
pub fn thinks_of_null(condition: &Expr) -> Vec<Column<'_>> {
    let mut found = Vec::new();
    condition.walk(&mut |e| match &e.kind {
        ExprKind::IsNull {
            value,
            negated: false,
        } => columns(value, &mut found),
        ExprKind::Compare(CompareOp::NullSafe, sides) => {
            sides.iter().for_each(|s| columns(s, &mut found));
        }
        ExprKind::Call(call) if NULL_HANDLING.contains(&call.function().as_str()) => {
            call.args.iter().for_each(|a| columns(a, &mut found));
        }
        ExprKind::Case { .. } => columns(e, &mut found),
        _ => {}
    });
    found
}

fn columns<'a>(expr: &'a Expr, out: &mut Vec<Column<'a>>) {
    expr.walk(&mut |e| {
        if let ExprKind::Column(path) = &e.kind {
            out.push(path);
        }
    });
}
