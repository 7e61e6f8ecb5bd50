//! docs/coverage.md: every rule that it names exists, every check has a rule or a reason, and every
//! property rule that ships is named.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Files, check_files, lines};
use harness_lint::registry::{Entry, RuleFilter, shipped};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/coverage.md");
    fs::read_to_string(path).unwrap()
}

/// Words of a cell that look like a rule's id.
fn ids(cell: &str) -> Vec<&str> {
    let word = |c: char| c.is_ascii_lowercase() || matches!(c, '-' | '/' | '0'..='9');
    cell.split(|c| !word(c))
        .filter(|w| {
            w.split_once('/')
                .is_some_and(|(a, b)| !a.is_empty() && !b.is_empty())
        })
        .collect()
}

#[test]
fn every_check_has_a_rule_that_exists_or_a_reason() {
    let known: BTreeSet<&str> = shipped().iter().map(|e| &*e.meta().id).collect();
    let page = page();
    let rows = page.lines().filter(|l| l.starts_with("| "));
    let mut seen = 0;
    for row in rows.filter(|r| !r.starts_with("| check |")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        let rule = cells.last().unwrap().trim();
        let named = ids(rule);
        for id in &named {
            assert!(known.contains(id), "{id} is no rule: {row}");
        }
        assert!(!named.is_empty() || rule.len() > 40, "no reason: {row}");
        seen += 1;
    }
    assert_eq!(seen, 111);
}

/// Declared rules are in italics, others are not; all that ask for a team's taste are there.
#[test]
fn every_declared_property_rule_is_named() {
    let page = page();
    for entry in shipped() {
        let id = &*entry.meta().id;
        let italic = page.contains(&format!("*{id}*"));
        let declared = matches!(entry, Entry::Declared(_));
        assert!(!italic || declared, "{id} is not declared");
        let of_pack = declared && !matches!(id, "sql/dedup" | "sql/soft-delete");
        assert!(
            !of_pack || italic || id.starts_with("ap/"),
            "docs/coverage.md does not name {id}"
        );
    }
}

/// The page of a declared rule lists the options of its file, with their defaults.
#[test]
fn pages_have_the_options_and_defaults_of_the_rule() {
    let mut seen = 0;
    for entry in shipped() {
        let Entry::Declared(_) = entry else { continue };
        let schema = entry.schema(&mut schemars::SchemaGenerator::default());
        let Some(schema) = schema.map(schemars::Schema::to_value) else {
            continue;
        };
        let section = entry.meta().section("Options").unwrap();
        for (name, option) in schema["properties"].as_object().unwrap() {
            let default = match &option["default"] {
                serde_json::Value::String(text) => text.clone(),
                serde_json::Value::Array(items) if items.is_empty() => "none".to_owned(),
                serde_json::Value::Array(items) => {
                    let items: Vec<&str> = items.iter().map(|i| i.as_str().unwrap()).collect();
                    format!("[{}]", items.join(", "))
                }
                other => other.to_string(),
            };
            let line = section
                .lines()
                .find(|l| l.starts_with(&format!("- `{name}`: ")));
            let line = line.unwrap_or_else(|| panic!("{}: no `{name}`", entry.meta().id));
            let (_, said) = line.rsplit_once("Default: ").unwrap();
            let said = said.trim_end_matches('.').trim_matches('`');
            assert_eq!(said, default, "{}: {name}", entry.meta().id);
            seen += 1;
        }
    }
    assert!(seen > 90, "{seen}");
}

/// A category brings no property rule: naming one does, with options that a part of the project may
/// set for itself.
#[test]
fn a_property_rule_is_on_where_it_is_named() {
    let found = |config: &str, filter: RuleFilter| {
        let mut files = Files::new();
        files.insert("harness-lint.yml".to_owned(), config.to_owned());
        for folder in ["a", "b"] {
            let sql = "{{ config(tags=['daily']) }}\nselect 1 as x\n";
            files.insert(format!("models/{folder}/{folder}.sql"), sql.to_owned());
        }
        lines(&check_files(&files, filter))
    };
    let only = |rule: &str| RuleFilter {
        only: vec![rule.to_owned()],
        ignore: Vec::new(),
    };
    let none = RuleFilter::default;
    let by_category =
        "extends: []\noverrides:\n  - {path: 'models/**', rules: {'structure/*': info}}\n";
    let of_pack = |all: Vec<String>| {
        let pack = all.into_iter().filter(|l| l.contains("structure/meta-"));
        pack.count()
    };
    assert_eq!(of_pack(found(by_category, none())), 0);
    assert_eq!(of_pack(found("extends: []\n", only("structure/*"))), 0);
    assert_eq!(
        of_pack(found("extends: []\n", only("structure/meta-missing"))),
        2
    );
    let places = |all: Vec<String>| -> Vec<String> {
        let said = all.iter().map(|l| l.split(' ').next().unwrap().to_owned());
        said.collect()
    };
    let config = "extends: []\nrules: {structure/tag-missing: {tags: [daily]}}\n";
    assert_eq!(found(config, none()), [""; 0]);
    let config = format!(
        "{config}overrides:\n  - {{path: 'models/b/**', rules: {{structure/tag-missing: {{tags: [daily, pii]}}}}}}\n"
    );
    assert_eq!(places(found(&config, none())), ["models/b/b.sql:1:1"]);
    let part = "extends: []\noverrides:\n  - {path: 'models/b/**', rules: {structure/tag-missing: {tags: [pii]}}}\n";
    assert_eq!(places(found(part, none())), ["models/b/b.sql:1:1"]);
}
