//! What the rows of a model are made of by `group by`: the columns that together tell them apart.

use super::{KeyGuess, quoted};
use crate::project::Node;
use crate::project::lineage::Lineage;
use crate::syntax::sql::groups::{group_name, item_name};
use crate::syntax::sql::tree::{Body, Cte, ExprKind, FactorKind, ItemKind, Query, Select};

/// A key of more columns is none that anybody tests; such a list groups by what it merely outputs.
const MAX_COLUMNS: usize = 5;

/// Steps that are followed down to the one that groups.
const MAX_STEPS: u32 = 32;

/// By the columns that the rows are grouped by, where all of them are output.
pub(super) fn by_group(lineage: &Lineage, model: &Node) -> Option<KeyGuess> {
    let groups = groups(model)?;
    let output = lineage.output(model.id);
    let name = |g: Option<String>| Some(output.column(&g?)?.name.as_deref()?.to_owned());
    let mut columns: Vec<String> = groups.into_iter().map(name).collect::<Option<_>>()?;
    let mut seen = Vec::new();
    columns.retain(|c| {
        let new = !seen.contains(c);
        seen.push(c.clone());
        new
    });
    let few = (1..=MAX_COLUMNS).contains(&columns.len());
    few.then(|| KeyGuess {
        evidence: format!("it is grouped by {}", quoted(&columns)),
        columns,
        strong: false,
    })
}

/// The output columns, in lower case, that the rows are grouped by; none for one that is not
/// output. The step that groups may be a CTE or a subquery which those after it only pass on.
pub(super) fn groups(model: &Node) -> Option<Vec<Option<String>>> {
    of_query(model.sql.as_ref()?.query()?, &[], 0)
}

fn of_query(query: &Query, ctes: &[&Cte], depth: u32) -> Option<Vec<Option<String>>> {
    if depth > MAX_STEPS {
        return None;
    }
    let mut ctes = ctes.to_vec();
    ctes.extend(&query.ctes);
    match &query.body {
        Body::Select(select) => of_select(select, &ctes, depth),
        Body::Query(query) => of_query(query, &ctes, depth + 1),
        _ => None,
    }
}

fn of_select(select: &Select, ctes: &[&Cte], depth: u32) -> Option<Vec<Option<String>>> {
    if select.partial || select.widened || select.rewritten || makes_rows(select) {
        return None;
    }
    if let Some(groups) = &select.group_by {
        let names = groups.iter().map(|g| group_name(select, g));
        return Some(names.collect()).filter(|n: &Vec<_>| !n.is_empty());
    }
    let [from] = &select.from[..] else {
        return None;
    };
    if !from.joins.is_empty() || !from.first.alias_columns.is_empty() {
        return None;
    }
    let below = match &from.first.kind {
        FactorKind::Name(_) => {
            let cte = from.first.cte(ctes).filter(|c| c.columns.is_empty())?;
            let at = ctes.iter().position(|c| std::ptr::eq(*c, cte)).unwrap_or(0);
            of_query(&cte.query, &ctes[..at], depth + 1)?
        }
        FactorKind::Subquery { query, .. } => of_query(query, ctes, depth + 1)?,
        _ => return None,
    };
    Some(below.into_iter().map(|n| passed(select, &n?)).collect())
}

/// The name under which a select passes a column on.
fn passed(select: &Select, column: &str) -> Option<String> {
    select.items.iter().find_map(|item| match &item.kind {
        ItemKind::Expr { expr, .. } => match &expr.kind {
            ExprKind::Column(path) if path.last()?.is(column) => item_name(item),
            _ => None,
        },
        ItemKind::Star { options, .. } => {
            let plain = options.except.is_empty()
                && options.replace.is_empty()
                && options.rename.is_empty()
                && !options.filtered;
            plain.then(|| column.to_owned())
        }
    })
}

/// Does a function of the select list make several rows of one?
fn makes_rows(select: &Select) -> bool {
    const MAKERS: [&str; 6] = [
        "unnest",
        "explode",
        "explode_outer",
        "posexplode",
        "generate_series",
        "arrayjoin",
    ];
    let mut found = false;
    for item in &select.items {
        if let ItemKind::Expr { expr, .. } = &item.kind {
            expr.walk(&mut |e| {
                if let ExprKind::Call(call) = &e.kind {
                    let name = call.function().to_lowercase();
                    found |= MAKERS.contains(&name.as_str()) || name.ends_with("_elements");
                }
            });
        }
    }
    found
}
