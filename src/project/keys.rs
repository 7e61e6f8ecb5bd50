//! The key that a model probably has, and why one thinks so. A guess: only tests prove a key.

mod declared;
mod doubt;
mod grouped;

pub(super) use declared::{foreign, marked};

use doubt::Doubts;

use super::lineage::Lineage;
use super::{Column, DataTest, Node, Project, Properties, ResourceType};
use crate::syntax::sql::tree::{CompareOp, Expr, ExprKind, Ident, ItemKind, Literal, Query};
use serde_json::Value;
use std::collections::BTreeSet;

/// The key a model probably has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyGuess {
    /// Its columns.
    pub columns: Vec<String>,
    /// What says so, as a clause.
    pub evidence: String,
    /// It is said of the model itself, by what is written down or what its SQL does with the rows; not
    /// by names.
    pub strong: bool,
}

impl Project {
    /// By what is written down (`unique_key`, `primary_key`, a constraint, `meta`), by the one
    /// deduplication of the file, by the context file of the table that it reads, by a column that is
    /// half tested, by its surrogate key, by what it is grouped by, by a column's name. Where a name
    /// is all there is and something speaks against it, there is no guess.
    pub fn key_of(&self, lineage: &Lineage, model: &Node) -> Option<KeyGuess> {
        debug_assert!(model.resource_type == ResourceType::Model);
        let doubts = || Doubts::of(self, lineage, model);
        declared::by_config(self, model)
            .or_else(|| declared::by_entry(self, model))
            .or_else(|| by_dedup(lineage, model))
            .or_else(|| declared::by_context(self, lineage, model))
            .or_else(|| half_tested(model, model.properties.as_ref()?, &doubts()))
            .or_else(|| by_surrogate(self, lineage, model))
            .or_else(|| grouped::by_group(lineage, model))
            .or_else(|| by_name(lineage, model, &doubts()))
    }
}

fn quoted(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|n| format!("`{n}`")).collect();
    names.join(", ")
}

/// The columns by which the file keeps one row each, where it does so once and neither joins nor
/// groups, and outputs them all.
fn by_dedup(lineage: &Lineage, model: &Node) -> Option<KeyGuess> {
    let query = model.sql.as_ref()?.query()?;
    let columns = dedup(query)?;
    let output = lineage.output(model.id);
    if !columns.iter().all(|c| output.column(c).is_some()) {
        return None;
    }
    let evidence = format!("it keeps one row per {}", quoted(&columns));
    Some(KeyGuess {
        columns,
        evidence,
        strong: true,
    })
}

fn dedup(query: &Query) -> Option<Vec<String>> {
    let mut kept: Vec<&[Expr]> = Vec::new();
    let mut numbered: Vec<(&Ident, &[Expr])> = Vec::new();
    let mut firsts: Vec<&Ident> = Vec::new();
    let mut simple = true;
    query.selects(&mut |select, _| {
        simple &= select.group_by.is_none() && !select.partial && !select.rewritten;
        simple &= select.from.len() < 2 && select.from.iter().all(|f| f.joins.is_empty());
        for item in &select.items {
            if let ItemKind::Expr {
                expr,
                alias: Some(alias),
            } = &item.kind
                && let Some(by) = row_number(expr)
            {
                numbered.push((alias, by));
            }
        }
        for filter in select.qualify.iter().chain(&select.filter) {
            filter.walk(&mut |e| match first_of(e) {
                Some(Numbered::Window(by)) => kept.push(by),
                Some(Numbered::Name(name)) => firsts.push(name),
                None => {}
            });
        }
    });
    for (alias, by) in numbered {
        if firsts.iter().any(|f| f.is(&alias.name)) {
            kept.push(by);
        }
    }
    let [by] = kept[..] else { return None };
    let column = |e: &Expr| match &e.kind {
        ExprKind::Column(path) => path
            .last()
            .filter(|i| !i.is_opaque())
            .map(|i| i.name.to_string()),
        _ => None,
    };
    let columns: Vec<String> = by.iter().map(column).collect::<Option<_>>()?;
    (simple && !columns.is_empty()).then_some(columns)
}

fn row_number(expr: &Expr) -> Option<&[Expr]> {
    let ExprKind::Call(call) = &expr.kind else {
        return None;
    };
    let over = call.over.as_ref()?;
    (call.function() == "row_number").then_some(&over.partition_by)
}

enum Numbered<'a> {
    Window(&'a [Expr]),
    Name(&'a Ident),
}

/// `row_number() over (…) = 1`, `rn = 1`.
fn first_of(expr: &Expr) -> Option<Numbered<'_>> {
    let ExprKind::Compare(CompareOp::Eq, sides) = &expr.kind else {
        return None;
    };
    let is_one = |e: &Expr| matches!(&e.kind, ExprKind::Literal(Literal::Number(n)) if &**n == "1");
    let [left, right] = &**sides;
    let what = match (is_one(left), is_one(right)) {
        (false, true) => left,
        (true, false) => right,
        _ => return None,
    };
    match &what.kind {
        ExprKind::Column(path) => path.last().map(Numbered::Name),
        _ => row_number(what).map(Numbered::Window),
    }
}

/// The one output column that a surrogate key macro makes.
fn by_surrogate(project: &Project, lineage: &Lineage, model: &Node) -> Option<KeyGuess> {
    let output = lineage.output(model.id);
    let made = output.columns.iter().filter(|c| {
        let spans = [c.expr.map(|e| e.span), c.span];
        let mut texts = spans.into_iter().flatten().filter(|s| s.file == model.file);
        texts.any(|s| project.text(s).contains("surrogate_key("))
    });
    let names: Vec<&str> = made.filter_map(|c| c.name.as_deref()).collect();
    let [name] = names[..] else { return None };
    Some(KeyGuess {
        columns: vec![name.to_owned()],
        evidence: format!("`{name}` is its only surrogate key"),
        strong: false,
    })
}

fn half_tested(model: &Node, properties: &Properties, doubts: &Doubts) -> Option<KeyGuess> {
    let with = |name: &str| -> Vec<String> {
        let is = |t: &DataTest| t.is_on() && t.short_name() == name;
        let columns = properties.columns.iter();
        let has = columns.filter(|c| c.tests.iter().any(is));
        has.map(|c: &Column| c.name.value.clone()).collect()
    };
    let of = |column: &String, has: &str, lacks: &str| KeyGuess {
        evidence: format!("`{column}` has `{has}` but not `{lacks}`"),
        columns: vec![column.clone()],
        strong: false,
    };
    // Many columns are never null and no key: one that is has the model's name, or says so.
    let entities = entities(&model.name);
    let is_own = |c: &String| {
        let name = c.to_lowercase();
        let stem = name.rsplit_once('_').map_or("", |(stem, _)| stem);
        name == "id" || name.ends_with("_pk") || entities.iter().any(|e| e == stem)
    };
    let filled: Vec<String> = with("not_null")
        .into_iter()
        .filter(|c| is_keyish(c) && is_own(c) && !doubts.about(c))
        .collect();
    match (&with("unique")[..], &filled[..]) {
        ([first, ..], _) => Some(of(first, "unique", "not_null")),
        ([], [one]) => Some(of(one, "not_null", "unique")),
        _ => None,
    }
}

/// Does a column's name end as those of keys do?
pub fn is_keyish(column: &str) -> bool {
    let column = column.to_lowercase();
    column == "id"
        || ["_id", "_sk", "_pk", "_key"]
            .iter()
            .any(|end| column.ends_with(end))
}

/// `<entity>_id`, `<entity>_sk`, `<entity>_key`, `id`; else the only surrogate key there is.
fn by_name(lineage: &Lineage, model: &Node, doubts: &Doubts) -> Option<KeyGuess> {
    let declared = model.properties.iter().flat_map(|p| &p.columns);
    let mut columns: Vec<&str> = declared.map(|c| c.name.value.as_str()).collect();
    if columns.is_empty() {
        columns = lineage.names(model.id).unwrap_or_default();
    }
    let find = |wanted: &str| columns.iter().find(|c| c.eq_ignore_ascii_case(wanted));
    let entities = entities(&model.name);
    let endings = ["sk", "pk", "key", "id"];
    let of_entity = entities
        .iter()
        .flat_map(|e| endings.iter().map(move |end| format!("{e}_{end}")));
    let surrogates: Vec<&&str> = columns
        .iter()
        .filter(|c| c.to_lowercase().ends_with("_sk"))
        .collect();
    let column = of_entity
        .chain(["id".to_owned()])
        .find_map(|wanted| find(&wanted))
        .filter(|c| !doubts.about(c))
        .or(match surrogates[..] {
            [one] => Some(one),
            _ => None,
        })?;
    Some(KeyGuess {
        columns: vec![(*column).to_owned()],
        evidence: format!("by its name the key is `{column}`"),
        strong: false,
    })
}

/// What a model is about, by its name: `stg_erp__orders` is about `orders` and `order`.
fn entities(name: &str) -> Vec<String> {
    let name = name.to_lowercase();
    let tail = match name.rsplit_once("__") {
        Some((_, tail)) => tail,
        None => name.split_once('_').map_or(name.as_str(), |(_, tail)| tail),
    };
    let mut all = vec![name.clone(), tail.to_owned()];
    for word in [&name[..], tail] {
        if let Some(stem) = word.strip_suffix("ies") {
            all.push(format!("{stem}y"));
        } else if let Some(stem) = word.strip_suffix('s') {
            all.push(stem.to_owned());
        }
    }
    all
}

impl Properties {
    /// The column sets that tests prove unique, in lower case: `unique` on a column, a combination.
    pub fn unique_sets(&self) -> Vec<BTreeSet<String>> {
        let mut sets = Vec::new();
        for (column, test) in self.all_tests().filter(|(_, t)| t.is_on()) {
            match test.short_name() {
                "unique" | "expect_column_values_to_be_unique" | "primary_key" => {
                    let argument = test.args.get("column_name").and_then(Value::as_str);
                    let name = argument.or(column.map(|c| c.name.value.as_str()));
                    let columns = name.map(|n| self.unique_with(&n.to_lowercase()));
                    sets.extend(columns.map(BTreeSet::from_iter));
                }
                "unique_combination_of_columns" | "expect_compound_columns_to_be_unique" => {
                    let lists = ["combination_of_columns", "column_list", "column_names"];
                    let list = lists.iter().find_map(|l| test.args.get(*l)?.as_array());
                    let names = list.into_iter().flatten().filter_map(Value::as_str);
                    let set: BTreeSet<String> = names.map(str::to_lowercase).collect();
                    sets.extend((!set.is_empty()).then_some(set));
                }
                _ => {}
            }
        }
        sets
    }
}

#[cfg(test)]
mod tests_of_keys {
    use super::*;

    #[test]
    fn a_model_is_about_what_its_name_says() {
        assert!(entities("stg_erp__orders").contains(&"order".to_owned()));
        assert!(entities("dim_countries").contains(&"country".to_owned()));
        assert!(is_keyish("ORDER_ID") && !is_keyish("amount"));
    }
}
