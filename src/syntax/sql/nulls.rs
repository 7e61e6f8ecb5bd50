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

/// Columns whose null the condition speaks of: `is null`, `is not null`, `coalesce`, `is not
/// distinct from`. Whoever wrote it thought of the rows without a match.
pub fn thinks_of_null(condition: &Expr) -> Vec<Column<'_>> {
    let mut found = Vec::new();
    condition.walk(&mut |e| match &e.kind {
        ExprKind::IsNull { value, .. } => columns(value, &mut found),
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

#[cfg(test)]
mod tests {
    use super::super::tree::{Body, ItemKind};
    use super::super::{Dialect, query, render};
    use super::*;
    use crate::syntax::jinja::Piece;
    use crate::text::FileId;

    fn both(condition: &str) -> (Vec<String>, Vec<String>) {
        let sql = format!("select {condition}");
        let rendered = render(
            &sql,
            &[Piece::Verbatim(0..sql.len() as u32)],
            Dialect::Generic,
        );
        let tree = query(FileId(0), &rendered, Dialect::Generic).unwrap();
        let query = tree.query.unwrap();
        let Body::Select(select) = &query.body else {
            panic!("{condition}")
        };
        let ItemKind::Expr { expr, .. } = &select.items[0].kind else {
            panic!("{condition}")
        };
        let names = |columns: Vec<Column>| {
            let name = |c: Column| {
                c.iter()
                    .map(|i| i.name.to_string())
                    .collect::<Vec<_>>()
                    .join(".")
            };
            columns.into_iter().map(name).collect::<Vec<_>>()
        };
        (names(rejects_null(expr)), names(thinks_of_null(expr)))
    }

    #[test]
    fn conditions_that_are_never_true_for_null() {
        for (condition, columns) in [
            ("a.x = 1", vec!["a.x"]),
            (
                "a.x = b.y and lower(c.z) like 'q%'",
                vec!["a.x", "b.y", "c.z"],
            ),
            ("a.x > 1 or a.x < 0", vec!["a.x"]),
            ("a.x > 1 or b.y < 0", vec![]),
            ("not (a.x = 1)", vec!["a.x"]),
            ("not (a.x is null)", vec!["a.x"]),
            ("a.x is not null", vec!["a.x"]),
            ("a.x in (1, 2)", vec!["a.x"]),
            ("a.x between b.lo and b.hi", vec!["a.x"]),
            ("cast(a.x as int) + 1 >= 3", vec!["a.x"]),
            ("a.x is null", vec![]),
            ("coalesce(a.x, 0) = 0", vec![]),
            ("a.x is not distinct from b.y", vec![]),
            ("case when a.x is null then 1 else 0 end = 1", vec![]),
            ("my_udf(a.x) = 1", vec![]),
            ("a.flag", vec!["a.flag"]),
            ("count(a.x) over (partition by a.y) > 1", vec![]),
        ] {
            assert_eq!(both(condition).0, columns, "{condition}");
        }
    }

    #[test]
    fn conditions_that_speak_of_null() {
        for (condition, columns) in [
            ("a.x is null or a.x > 1", vec!["a.x"]),
            ("a.x is not null", vec!["a.x"]),
            ("ifnull(a.x, 0) = 0", vec!["a.x"]),
            ("a.x = 1", vec![]),
        ] {
            assert_eq!(both(condition).1, columns, "{condition}");
        }
    }
}
