//! What a select groups by, and the names under which it outputs that.

use super::same::same;
use super::tree::{Expr, ExprKind, Item, ItemKind, Literal, Select};

/// The name, in lower case, of a column of a select list, where it has one.
pub fn item_name(item: &Item) -> Option<String> {
    match &item.kind {
        ItemKind::Expr { expr, alias } => match (&expr.kind, alias) {
            (_, Some(alias)) if !alias.is_opaque() => Some(alias.name.to_lowercase()),
            (ExprKind::Column(path), None) => Some(path.last()?.name.to_lowercase()),
            _ => None,
        },
        ItemKind::Star { .. } => None,
    }
}

/// The name, in lower case, under which a select outputs what it groups by.
pub fn group_name(select: &Select, group: &Expr) -> Option<String> {
    match &group.kind {
        ExprKind::Literal(Literal::Number(n)) => {
            let n = n.parse::<usize>().ok()?.checked_sub(1)?;
            item_name(select.items.get(n)?)
        }
        _ => select.items.iter().find_map(|item| {
            let ItemKind::Expr { expr, alias } = &item.kind else {
                return None;
            };
            let by_alias = match (&group.kind, alias) {
                (ExprKind::Column(path), Some(alias)) => path.len() == 1 && path[0].is(&alias.name),
                _ => false,
            };
            (by_alias || same(group, expr)).then(|| item_name(item))?
        }),
    }
}
