//! Do two expressions say the same?

use super::tree::{Expr, ExprKind, Ident};

/// Are they written alike? Names are compared without case and without qualifiers that only one of
/// them has. What Jinja prints and we do not know is like nothing.
pub fn same(a: &Expr, b: &Expr) -> bool {
    let all =
        |a: &[Expr], b: &[Expr]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b));
    match (&a.kind, &b.kind) {
        (ExprKind::Column(a), ExprKind::Column(b)) => same_column(a, b),
        (ExprKind::Literal(a), ExprKind::Literal(b)) => a == b,
        (ExprKind::Call(a), ExprKind::Call(b)) => {
            a.function() == b.function()
                && a.star == b.star
                && a.distinct == b.distinct
                && a.over.is_none()
                && b.over.is_none()
                && a.filter.is_none()
                && b.filter.is_none()
                && all(&a.args, &b.args)
                && all(&a.ordered_by, &b.ordered_by)
        }
        (ExprKind::Arithmetic(f, a), ExprKind::Arithmetic(g, b)) => f == g && all(a, b),
        (
            ExprKind::Cast {
                value: a, to: s, ..
            },
            ExprKind::Cast {
                value: b, to: t, ..
            },
        ) => s.eq_ignore_ascii_case(t) && same(a, b),
        (ExprKind::Access(a, i), ExprKind::Access(b, j)) => {
            // What stands behind `:` or `.` is not in the tree, the place tells it.
            same(a, b) && all(i, j) && a.span == b.span
        }
        _ => false,
    }
}

/// Two names of a column, of which one may lack its qualifier.
pub fn same_column(a: &[Ident], b: &[Ident]) -> bool {
    !a.is_empty()
        && !b.is_empty()
        && a.iter()
            .rev()
            .zip(b.iter().rev())
            .all(|(a, b)| !a.is_opaque() && a.is(&b.name))
}
