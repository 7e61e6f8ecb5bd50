//! How an incremental model finds what is new: `column > (select max(stored) from {{ this }})`.

use super::jinja::RelationRef;
use super::sql::tree::{
    Body, CompareOp, Expr, ExprKind, FactorKind, Ident, ItemKind, Query, Select,
};
use super::template::SqlFile;

/// A comparison of what is read with what is stored, casts and defaults around either aside.
pub struct Watermark<'a> {
    /// The column that is read.
    pub column: &'a [Ident],
    /// The column of `{{ this }}` of which the greatest value is taken.
    pub stored: &'a Ident,
    /// Rows at the watermark, or before it, are read once more: `>=`, or an interval is taken off.
    pub again: bool,
}

impl<'a> Watermark<'a> {
    /// Is the expression one?
    pub fn of(sql: &SqlFile, e: &'a Expr) -> Option<Self> {
        let ExprKind::Compare(op, sides) = &e.kind else {
            return None;
        };
        let (value, mark) = match op {
            CompareOp::Gt | CompareOp::Ge => (&sides[0], &sides[1]),
            CompareOp::Lt | CompareOp::Le => (&sides[1], &sides[0]),
            _ => return None,
        };
        let mut found = None;
        let mut shifted = false;
        mark.walk(&mut |e| match &e.kind {
            ExprKind::Subquery(query, _) => found = found.or(stored(sql, query)),
            ExprKind::Arithmetic(sign, _) if &**sign == "-" => shifted = true,
            ExprKind::Call(call)
                if matches!(
                    call.function().as_str(),
                    "date_sub" | "timestamp_sub" | "datetime_sub"
                ) =>
            {
                shifted = true
            }
            _ => {}
        });
        Some(Self {
            column: only_column(value)?,
            stored: found?,
            again: shifted || matches!(op, CompareOp::Ge | CompareOp::Le),
        })
    }
}

/// The column of which `select max(column) from {{ this }}` takes the greatest.
fn stored<'a>(sql: &SqlFile, query: &'a Query) -> Option<&'a Ident> {
    let Body::Select(select) = &query.body else {
        return None;
    };
    let Select { from, items, .. } = &**select;
    let [from] = &from[..] else { return None };
    let is_this = match &from.first.kind {
        FactorKind::Relation(id) => *sql.relation(*id) == RelationRef::This,
        _ => false,
    };
    let [item] = &items[..] else { return None };
    let ItemKind::Expr { expr, .. } = &item.kind else {
        return None;
    };
    let mut found = None;
    expr.walk(&mut |e| {
        if let ExprKind::Call(call) = &e.kind
            && call.function() == "max"
            && let [arg] = &call.args[..]
            && let Some(path) = only_column(arg)
        {
            found = path.last();
        }
    });
    found.filter(|_| is_this && from.joins.is_empty())
}

/// The one column of an expression.
fn only_column(e: &Expr) -> Option<&[Ident]> {
    let mut columns: Vec<&[Ident]> = Vec::new();
    let mut others = false;
    e.walk(&mut |e| match &e.kind {
        ExprKind::Column(path) => columns.push(path),
        ExprKind::Subquery(..) | ExprKind::Opaque => others = true,
        _ => {}
    });
    match columns[..] {
        [one] if !others && !is_bare_now(one) => Some(one),
        _ => None,
    }
}

/// The current time, written without parentheses.
pub fn is_bare_now(path: &[Ident]) -> bool {
    const NAMES: [&str; 6] = [
        "current_timestamp",
        "current_date",
        "localtimestamp",
        "sysdate",
        "systimestamp",
        "current_datetime",
    ];
    matches!(path, [one] if !one.quoted && NAMES.iter().any(|n| one.is(n)))
}
