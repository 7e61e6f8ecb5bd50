//! The rows that dbt-project-evaluator 1.0 gives for a project without a layer table: they were
//! taken from its tables, on dbt-core 1.10 and DuckDB, for these very files.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Files, check_files, only};

const MODELS: &[(&str, &str)] = &[
    (
        "staging/erp/stg_erp__orders",
        "{{ source('erp','orders') }}",
    ),
    (
        "staging/erp/stg_crm__contacts",
        "{{ source('crm','contacts') }}",
    ),
    (
        "staging/crm/sub/stg_crm__deals",
        "{{ source('crm','deals') }}",
    ),
    (
        "staging/crm/stg_mixed",
        "{{ ref('stg_erp__orders') }} a, {{ source('crm','deals') }} b",
    ),
    ("staging/erp/orders_raw", "{{ source('crm','deals') }}"),
    ("staging/erp/stg_like", "{{ source('e_p','t') }}"),
    ("staging/erp/dim_staged", "{{ source('crm','deals') }}"),
    ("marts/fct_a", "{{ ref('stg_crm__deals') }}"),
    ("marts/orders", "{{ ref('stg_crm__deals') }}"),
    ("marts/int_x", "x"),
    ("marts/intermediate/dim_y", "x"),
    ("marts/intermediate/int_z", "x"),
    ("marts/rpt_b", "x"),
    ("reports/rpt_c", "x"),
    ("reports/plain", "x"),
    ("util/stg", "{{ source('erp','items') }}"),
    ("util/dim", "x"),
    ("util/metricflow_time_spine", "x"),
    ("util/spine", "x"),
    ("base/base_erp", "{{ source('crm','deals') }}"),
    ("base/stg_in_base", "{{ source('crm','deals') }}"),
    ("marts/base/fct_deep", "x"),
];

const YAML: &[(&str, &str)] = &[
    (
        "staging/erp/src",
        "sources:
  - name: erp
    description: x
    tables: [{name: orders, description: d}, {name: items}]
  - name: e_p
    tables: [{name: t}]
",
    ),
    (
        "sources",
        "sources:
  - name: crm
    tables: [{name: contacts}, {name: deals, description: d}]
",
    ),
    (
        "schema",
        "models:
  - name: fct_a
    description: x
    columns: [{name: id, data_tests: [unique, not_null]}]
  - name: orders
    data_tests: [{dbt_utils.expression_is_true: {arguments: {expression: id > 0}}}]
  - name: int_x
    columns: [{name: id, data_tests: [{unique: {config: {enabled: false}}}]}]
",
    ),
    (
        "marts/m",
        "models:
  - name: rpt_b
    columns: [{name: id, data_tests: [unique]}]
",
    ),
    (
        "util/t",
        "models:
  - name: spine
    time_spine: {standard_granularity_column: d}
    columns: [{name: d, granularity: day}]
",
    ),
];

/// The names that a rule's findings begin with, sorted.
fn rows(rule: &str) -> Vec<String> {
    let mut files = Files::new();
    for (path, from) in MODELS {
        files.insert(
            format!("models/{path}.sql"),
            format!("select 1 as id from {from}\n"),
        );
    }
    for (path, text) in YAML {
        files.insert(format!("models/{path}.yml"), (*text).to_owned());
    }
    let outcome = check_files(&files, only(rule));
    let findings = outcome.checked.findings.iter();
    let mut names: Vec<String> = findings
        .map(|f| f.primary.message.split('`').nth(1).unwrap().to_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn model_naming_conventions() {
    let wanted = ["metricflow_time_spine", "orders", "orders_raw", "plain"];
    assert_eq!(rows("structure/model-name"), wanted);
}

#[test]
fn model_directories() {
    let wanted = [
        "dim_staged",
        "dim_y",
        "fct_deep",
        "int_x",
        "orders_raw",
        "rpt_b",
        "stg",
        "stg_crm__contacts",
        "stg_in_base",
        "stg_in_base",
        "stg_mixed",
    ];
    assert_eq!(rows("structure/model-location"), wanted);
}

/// The evaluator compares name and folder of whatever is no test, source, metric, exposure or seed.
#[test]
fn model_directories_of_snapshots_and_analyses() {
    let snapshot = |name: &str| {
        format!(
            "{{% snapshot {name} %}}{{{{ config(strategy='check', unique_key='id', check_cols='all') }}}}select 1 as id{{% endsnapshot %}}\n"
        )
    };
    let mut files = Files::new();
    let two = snapshot("int_prices") + &snapshot("fct_prices") + &snapshot("prices");
    files.insert("snapshots/marts/s.sql".to_owned(), two);
    files.insert("snapshots/base_x.sql".to_owned(), snapshot("base_x"));
    let yaml = "snapshots:\n- {name: stg_rates, relation: ref('r')}\n- {name: dim_rates, relation: ref('r')}\n";
    files.insert("snapshots/marts/s.yml".to_owned(), yaml.to_owned());
    for (path, text) in [
        ("analyses/marts/stg_check.sql", "select 1 as id\n"),
        ("analyses/marts/check.sql", "select 1 as id\n"),
        ("analyses/stg_check_too.sql", "select 1 as id\n"),
        ("seeds/marts/stg_r.csv", "id\n1\n"),
        ("tests/marts/stg_t.sql", "select 1 as id where false\n"),
        ("models/r.sql", "select 1 as id\n"),
    ] {
        files.insert(path.to_owned(), text.to_owned());
    }
    let outcome = check_files(&files, only("structure/model-location"));
    let said = common::lines(&outcome);
    assert_eq!(said.len(), 3, "{said:#?}");
    assert!(
        said[0].starts_with("analyses/marts/stg_check.sql:1:1"),
        "{said:#?}"
    );
    assert!(
        said[1].contains("`int_prices` is named as a model of intermediate"),
        "{said:#?}"
    );
    assert!(
        said[2].starts_with("snapshots/marts/s.yml:2:") && said[2].contains("`stg_rates`"),
        "{said:#?}"
    );
}

#[test]
fn source_directories() {
    assert_eq!(
        rows("structure/source-location"),
        ["crm.contacts", "crm.deals"]
    );
}

/// The evaluator has a row per test, we have a finding per model.
#[test]
fn test_directories() {
    assert_eq!(rows("structure/test-location"), ["fct_a", "orders"]);
}

#[test]
fn undocumented_sources_and_their_tables() {
    let wanted = ["crm", "crm.contacts", "e_p", "e_p.t", "erp.items"];
    assert_eq!(rows("doc/source-missing"), wanted);
}

#[test]
fn documentation_coverage() {
    let mut files = Files::new();
    for name in ["a", "b", "c"] {
        files.insert(format!("models/{name}.sql"), "select 1 as id\n".to_owned());
    }
    let yaml = "models:\n  - {name: a, description: x}\n";
    files.insert("models/m.yml".to_owned(), yaml.to_owned());
    let said = |target: &str| {
        let mut files = files.clone();
        let config = format!("rules:\n  doc/coverage: {{target: {target}}}\n");
        files.insert("harness-lint.yml".to_owned(), config);
        common::lines(&check_files(&files, only("doc/coverage")))
    };
    assert!(said("100")[0].contains("1 of 3 models have a description (33.33 %)"));
    assert_eq!(said("33.4").len(), 1);
    assert_eq!(said("33.3").len(), 0);
}
