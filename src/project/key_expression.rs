//! Uniqueness that is tested on an expression of columns: `unique` with `column_name: "a || b"`.

use super::Properties;
use crate::syntax::jinja::Piece;
use crate::syntax::sql::tree::{Body, Expr, ExprKind, ItemKind, Literal, Query};
use crate::syntax::sql::{self, Dialect};
use crate::text::FileId;

/// Functions whose value is null for a null argument at most, and is the same for the same
/// arguments.
const TOTAL: &[&str] = &[
    "coalesce",
    "concat",
    "concat_ws",
    "farm_fingerprint",
    "lower",
    "ltrim",
    "md5",
    "rtrim",
    "sha1",
    "sha2",
    "sha256",
    "sha512",
    "string",
    "to_char",
    "to_hex",
    "to_varchar",
    "tostring",
    "trim",
    "upper",
];

/// The columns, in lower case, that an expression is made of and nothing else; none for a plain
/// name, and where a value may be null though no column is. Rows that differ in the expression
/// differ in them, so a unique expression makes them unique together.
pub(super) fn columns_of(file: FileId, text: &str) -> Option<Vec<String>> {
    // Names of columns may hold blanks and dashes.
    if !text.contains("||") && !text.contains('(') {
        return None;
    }
    let src = format!("select {text}");
    let whole = Piece::Verbatim(0..src.len() as u32);
    let rendered = sql::render(&src, &[whole], Dialect::Generic);
    let query = sql::query(file, &rendered, Dialect::Generic).ok()?.query?;
    let mut columns = Vec::new();
    let whole = only_expr(&query)?;
    if !gather(whole, &mut columns) {
        return None;
    }
    columns.sort();
    columns.dedup();
    (!columns.is_empty()).then_some(columns)
}

/// The one expression of a query that is nothing but `select` and it.
fn only_expr(query: &Query) -> Option<&Expr> {
    let Body::Select(select) = &query.body else {
        return None;
    };
    match &select.items[..] {
        _ if !select.from.is_empty() => None,
        [item] => match &item.kind {
            ItemKind::Expr { expr, alias: None } => Some(expr),
            _ => None,
        },
        _ => None,
    }
}

fn gather(expr: &Expr, columns: &mut Vec<String>) -> bool {
    match &expr.kind {
        ExprKind::Column(path) => match &path[..] {
            [one] => {
                columns.push(one.name.to_lowercase());
                true
            }
            _ => false,
        },
        ExprKind::Literal(literal) => *literal != Literal::Null,
        ExprKind::Cast { value, safe, .. } => !safe && gather(value, columns),
        ExprKind::Arithmetic(op, parts) => {
            matches!(&**op, "||" | "+" | "-" | "*") && parts.iter().all(|p| gather(p, columns))
        }
        ExprKind::Call(call) => {
            let plain = call.over.is_none() && call.filter.is_none() && !call.star;
            plain
                && TOTAL.contains(&call.function().as_str())
                && call.args.iter().all(|a| gather(a, columns))
        }
        _ => false,
    }
}

impl Properties {
    /// The columns that are unique together where this column, or expression of columns, is.
    pub(super) fn unique_with(&self, tested: &str) -> Vec<String> {
        columns_of(self.file, tested).unwrap_or_else(|| vec![tested.to_owned()])
    }

    /// Is this an expression that is filled in every row, because each of its columns is said to be?
    pub fn is_filled_expression(&self, tested: &str) -> bool {
        let filled = |column: &String| {
            let mut tests = self.tests_of(column).into_iter();
            self.has_constraint(column, "not_null") || tests.any(|t| t.is("not_null"))
        };
        columns_of(self.file, tested).is_some_and(|columns| columns.iter().all(filled))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Files;
    use crate::text::TextFile;

    fn of(text: &str) -> Option<String> {
        let mut files = Files::default();
        let file = files.push(TextFile::new(
            "a.yml".into(),
            "a.yml".into(),
            String::new(),
            None,
        ));
        columns_of(file, text).map(|c| c.join(" "))
    }

    #[test]
    fn columns_that_are_unique_where_the_expression_is() {
        for (text, columns) in [
            ("b || '-' || a || '-' || b", "a b"),
            ("concat(a, '-', cast(\"B\" as text))", "a b"),
            ("md5(coalesce(a, '') || b::varchar)", "a b"),
            ("lower(a)", "a"),
        ] {
            assert_eq!(of(text).as_deref(), Some(columns), "{text}");
        }
        for text in [
            "a",
            "\"a\"",
            "",
            "nullif(a, b)",
            "case when a then b end",
            "try_cast(a as int) || b",
            "{{ x }} || a",
            "a || null",
            "'x' || 'y'",
            "row_number() over (order by a) || b",
            "a || b from c",
            "a || b, c",
            "t.a || b",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
