//! What public documentation of each dialect has and dbt projects use: it parses, and the tree says
//! which CTEs there are, what is selected and what is read.
//!
//! tests/dialects/<dialect>.sql holds the cases: a line `-- case: title | ctes a b | items 2 |
//! from t u | partial`, and the SQL below it. `items` counts the entries of the last select list,
//! `from` are the tables that are no CTE, in any order; `partial` says that what is selected is not
//! known.
#![allow(clippy::unwrap_used)]

use harness_lint::syntax::jinja::Piece;
use harness_lint::syntax::sql::tree::{Body, Factor, FactorKind, From, Query, Select};
use harness_lint::syntax::sql::{Dialect, query, render};
use harness_lint::text::FileId;
use std::collections::BTreeSet;

struct Case {
    title: String,
    ctes: Vec<String>,
    items: usize,
    from: BTreeSet<String>,
    partial: bool,
    sql: String,
}

fn cases(text: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for part in text.split("-- case: ").skip(1) {
        let (head, sql) = part.split_once('\n').unwrap();
        let mut fields = head.split('|').map(str::trim);
        let mut case = Case {
            title: fields.next().unwrap().to_owned(),
            ctes: Vec::new(),
            items: 0,
            from: BTreeSet::new(),
            partial: false,
            sql: sql.trim().to_owned(),
        };
        for field in fields {
            let (key, rest) = field.split_once(' ').unwrap_or((field, ""));
            let words = rest.split(' ').filter(|w| !w.is_empty()).map(str::to_owned);
            match key {
                "ctes" => case.ctes = words.collect(),
                "items" => case.items = rest.parse().unwrap(),
                // A quoted name with a blank in it is one word.
                "from" if rest.contains("odd name") || rest.contains("my table") => {
                    case.from.insert(rest.to_owned());
                }
                "from" => case.from = words.map(|w| w.replace('`', "")).collect(),
                "partial" => case.partial = true,
                _ => panic!("{head}"),
            }
        }
        cases.push(case);
    }
    cases
}

fn last_select(body: &Body) -> Option<&Select> {
    match body {
        Body::Select(select) => Some(select),
        Body::Set { branches, .. } => last_select(&branches[0]),
        Body::Query(query) => last_select(&query.body),
        _ => None,
    }
}

fn derived(factor: &Factor) -> bool {
    matches!(factor.kind, FactorKind::Derived(..))
}

fn tables(from: &From, out: &mut dyn FnMut(&[harness_lint::syntax::sql::tree::Ident])) {
    for (factor, _) in from.factors() {
        let mut factor = factor;
        while let FactorKind::Derived(inner, _) = &factor.kind {
            factor = inner;
        }
        match &factor.kind {
            FactorKind::Name(name) => out(name),
            FactorKind::Nested(inner) => tables(inner, out),
            _ => {}
        }
    }
}

/// What the tree says otherwise than the case.
fn wrong(dialect: Dialect, case: &Case) -> Option<String> {
    let pieces = [Piece::Verbatim(0..case.sql.len() as u32)];
    let rendered = render(&case.sql, &pieces, dialect);
    let read = match query(FileId(0), &rendered, dialect) {
        Ok(read) => read,
        Err(e) => {
            let behind = case.sql.get(e.offset as usize..).unwrap_or("");
            return Some(format!("{} at `{behind}`", e.message));
        }
    };
    let Some(tree) = read.query else {
        return Some("no query".to_owned());
    };
    let ctes: Vec<&str> = tree.ctes.iter().map(|c| &*c.name.name).collect();
    if ctes != case.ctes {
        return Some(format!("CTEs {ctes:?}"));
    }
    let select = last_select(&tree.body);
    let items = select.map_or(0, |s| s.items.len());
    if items != case.items {
        return Some(format!("{items} items"));
    }
    let from = read_tables(&tree);
    if from != case.from {
        return Some(format!("reads {from:?}"));
    }
    let hidden = |s: &Select| {
        s.partial
            || s.from
                .iter()
                .flat_map(From::factors)
                .any(|(f, _)| derived(f))
    };
    let mut partial = false;
    tree.selects(&mut |s, _| partial |= hidden(s));
    (partial != case.partial).then(|| format!("partial: {partial}"))
}

fn read_tables(tree: &Query) -> BTreeSet<String> {
    let mut from = BTreeSet::new();
    tree.selects(&mut |select, ctes| {
        for f in &select.from {
            tables(f, &mut |name| {
                let parts: Vec<&str> = name.iter().map(|i| &*i.name).collect();
                let is_cte = parts.len() == 1 && ctes.iter().any(|c| c.name.is(parts[0]));
                if !is_cte {
                    from.insert(parts.join("."));
                }
            });
        }
    });
    from
}

fn hold(dialect: Dialect, text: &str) {
    let cases = cases(text);
    assert!(cases.len() > 10);
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|c| Some(format!("{}: {}", c.title, wrong(dialect, c)?)))
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}

macro_rules! dialects {
    ($($name:ident $dialect:ident $file:literal;)*) => {
        $(#[test]
        fn $name() {
            hold(Dialect::$dialect, include_str!(concat!("dialects/", $file, ".sql")));
        })*
    };
}

dialects! {
    snowflake Snowflake "snowflake";
    bigquery BigQuery "bigquery";
    redshift Redshift "redshift";
    postgres Postgres "postgres";
    duckdb DuckDb "duckdb";
    databricks Databricks "databricks";
    clickhouse ClickHouse "clickhouse";
    trino Trino "trino";
    athena Athena "trino";
    sqlserver Mssql "sqlserver";
    generic Generic "generic";
}
