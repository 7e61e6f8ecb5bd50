//! Data tests and unit tests as nodes: every id, edge and setting below is what dbt 1.10 said of a
//! project of ours with these files.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::binary::{json, project, stdout};
use serde_json::{Value, json};

const PROJECT: &str = r#"name: exp
version: '1.0'
vars: {thing: stuff, flag: false}
data_tests:
  +tags: [all]
  exp:
    staging:
      +severity: warn
      off_by_name: {+enabled: false}
    marts: {+where: "1=1"}
unit_tests: {+tags: [uts]}
"#;

const STAGING: &str = r#"models:
  - name: a
    config: {tags: [of_model]}
    tests:
      - uses_helper: {flag: true}
      - rels: {to_list: [b, d]}
      - compares: {other: "select * from {{ ref('b') }} join {{ source('src', 't1') }}"}
      - compares: {other: "ref('b'), ref('d')"}
      - compares: {other: "ref('b').x"}
      - compares: {other: "{{ ref('b') if execute else ref('d') }}"}
    columns:
      - name: id
        tags: [of_column]
        config: {tags: [of_config]}
        tests:
          - unique
          - not_null:
              name: my_name
              config: {severity: error, tags: [t1, t2], where: "x > {{ var('n', 3) }}", alias: al}
          - relationships: {to: ref('b'), field: id}
          - relationships: {arguments: {to: "{{ ref('b') }}", field: id}}
          - relationships: {to: ref('gone'), field: id}
          - relationships: {to: ref('no_more'), field: id}
          - custom
          - custom: {config: {where: yaml, tags: x}, other: 2020-01-01}
          - switched: {sev: "{{ 'warn' }}"}
          - dbt.not_null
      - name: "quoted col"
        quote: true
        tests: [not_null]
  - name: b
    tests: [custom: {column_name: id, name: off_by_name}]
  - name: gone
    columns: [{name: id, tests: [unique]}]
  - name: ghost
    columns: [{name: id, tests: [unique]}]
sources:
  - name: src
    tags: [of_source]
    config: {tags: [not_handed_on]}
    tables:
      - name: t1
        tags: [of_table]
        columns: [{name: id, tags: [c], tests: [unique, {relationships: {to: "ref('ver', v=2)", field: id}}]}]
"#;

const MARTS: &str = r#"models:
  - name: ver
    latest_version: 1
    tests: [rels: {to_list: []}]
    columns:
      - {name: id, tests: [unique]}
      - {name: x, tests: [not_null]}
    versions:
      - v: 1
      - v: 2
        data_tests: [rels: {name: only2, to_list: []}]
        columns:
          - include: all
            exclude: [x]
          - {name: z, tests: [not_null]}
      - v: 3
        tests: []
        columns: [{include: [x]}, {name: id, tests: [not_null]}]
seeds:
  - name: s
    columns: [{name: id, tests: [unique]}]
unit_tests:
  - name: ut1
    model: d
    config: {tags: [u1]}
    given:
      - {input: ref('a'), rows: []}
      - {input: "source('src', 't1')", format: csv, fixture: fx}
    expect: {rows: []}
  - {name: ut_off, model: d, config: {enabled: false}, given: [], expect: {rows: []}}
  - {name: ut_ver, model: ver, given: [], expect: {rows: []}}
  - {name: ut_inc, model: ver, versions: {include: ["1", 3]}, given: [], expect: {rows: []}}
  - {name: ut_exc, model: ver, versions: {exclude: [2]}, given: [], expect: {rows: []}}
"#;

const MACROS: &str = r#"{% macro helper() %}{{ ref('d') }}{% endmacro %}
{% test uses_helper(model, flag=false) %}
select * from {{ helper() }}{% if flag %} join {{ ref('b') }}{% endif %}
{% endtest %}
{% test rels(model, to_list) %}{% for t in to_list %} select 1 from {{ ref(t) }} {% endfor %}{% endtest %}
{% test switched(model, column_name, sev) %}{{ config(severity=sev, enabled=var('flag')) }} select 1 {% endtest %}
{% macro test_compares(model, other) %}{% if execute %}select 1 from {{ ref('ver') }}{% endif %}{% endmacro %}
"#;

const CUSTOM: &str = r#"{% test custom(model, column_name, other=none) %}
{{ config(severity='error', tags=['of_macro'], where='macro') }}
select * from {{ model }} where exists (select 1 from {{ ref('b') }})
{% endtest %}
"#;

fn files() -> tempfile::TempDir {
    let select = "select 1 as id, 2 as x";
    project(&[
        ("dbt_project.yml", PROJECT),
        ("harness-lint.yml", "dialect: duckdb\n"),
        ("models/staging/a.sql", select),
        ("models/staging/a.yml", STAGING),
        ("models/staging/b.sql", select),
        (
            "models/staging/gone.sql",
            "{{ config(enabled=false) }} select 1 as id",
        ),
        ("models/marts/d.sql", "select * from {{ ref('a') }}"),
        ("models/marts/m.yml", MARTS),
        ("models/marts/ver_v1.sql", select),
        ("models/marts/ver_v2.sql", select),
        ("models/marts/ver_v3.sql", select),
        ("seeds/s.csv", "id\n1\n"),
        ("macros/t.sql", MACROS),
        ("tests/generic/custom.sql", CUSTOM),
        ("tests/fixtures/fx.csv", "id\n1\n"),
        ("tests/fixtures/fy.sql", "select 1 as id"),
        (
            "tests/sub/sing.sql",
            "{{ config(where='inline') }} select * from {{ ref('d') }}",
        ),
        ("tests/lost.sql", "select * from {{ ref('gone') }}"),
        (
            "tests/props.yml",
            "data_tests: [{name: sing, config: {severity: warn, tags: patched, where: p}}]\n",
        ),
    ])
}

/// A test as one line: id, severity, `where`, tags; `off` where it does not run.
fn told(node: &Value) -> String {
    let id = node["unique_id"].as_str().unwrap();
    let id = id.trim_start_matches("test.exp.");
    let test = &node["test"];
    let text = |v: &Value| v.as_str().map_or(String::new(), str::to_owned);
    let mut tags: Vec<String> = node["tags"].as_array().unwrap().iter().map(text).collect();
    tags.sort();
    let off = if node["enabled"] == false { " off" } else { "" };
    let filter = test["where"]
        .as_str()
        .map_or(String::new(), |w| format!(" where {w}"));
    format!(
        "{id}{off} {}{filter} [{}]",
        text(&test["severity"]),
        tags.join(" ")
    )
}

#[test]
fn tests_have_the_ids_and_settings_of_dbt() {
    let p = files();
    let graph = json(p.path(), &["graph", "--tests"]);
    let nodes = graph["nodes"].as_array().unwrap();
    let tests: Vec<&Value> = nodes
        .iter()
        .filter(|n| matches!(n["resource_type"].as_str(), Some("test" | "unit_test")))
        .collect();
    let lines: Vec<String> = tests.iter().map(|n| told(n)).collect();
    insta::assert_snapshot!(lines.join("\n"));
    assert!(tests.iter().all(|n| n["test"]["exact_id"] != false));
    let one = |id: &str| {
        let starts = |n: &&&Value| n["unique_id"].as_str().unwrap().starts_with(id);
        tests.iter().find(starts).unwrap()["test"].clone()
    };
    assert_eq!(
        one("test.exp.unique_ver_v2_id")["attached_node"],
        "model.exp.ver.v2"
    );
    assert_eq!(
        one("test.exp.unique_gone_id")["attached_node"],
        "model.exp.gone"
    );
    assert_eq!(
        one("test.exp.source_unique_src_t1_id")["attached_node"],
        Value::Null
    );
    assert_eq!(
        one("test.exp.not_null_a__quoted_col_")["column_name"],
        "\"quoted col\""
    );
    assert_eq!(one("test.exp.dbt_not_null_a_id")["namespace"], "dbt");
    assert_eq!(one("test.exp.sing")["name"], Value::Null);
}

#[test]
fn edges_lead_from_what_a_test_asks_for_to_the_test() {
    let p = files();
    let graph = json(p.path(), &["graph", "--tests"]);
    let edges = graph["edges"].as_array().unwrap().iter();
    let lines: Vec<String> = edges
        .filter(|e| !e[1].as_str().unwrap().starts_with("model"))
        .map(|e| {
            let end = |i: usize| e[i].as_str().unwrap().replace(".exp.", " ");
            format!("{} -> {}", end(0), end(1))
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn tests_are_shown_where_they_are_asked_for() {
    let p = project(&[
        ("models/a.sql", "select 1 as id"),
        (
            "models/a.yml",
            "models: [{name: a, columns: [{name: id, data_tests: [unique]}]}]\n",
        ),
        ("tests/sing.sql", "select * from {{ ref('a') }}"),
    ]);
    let without = json(p.path(), &["graph"]);
    assert_eq!(without["nodes"].as_array().unwrap().len(), 1);
    assert_eq!(without["edges"], json!([]));
    insta::assert_snapshot!(stdout(p.path(), &["graph", "--tests", "--format", "mermaid"]), @r#"
    flowchart LR
      n0["a"]
      n1{{"sing"}}
      n2{{"unique_a_id"}}
      n0 --> n1
      n0 --> n2
    "#);
    let selected = json(
        p.path(),
        &["graph", "--tests", "--select", "a+", "--exclude", "sing"],
    );
    let unique = "test.shop.unique_a_id.f6a5f640da";
    assert_eq!(selected["edges"], json!([["model.shop.a", unique]]));
}

/// A version's test on a column that it excludes is none of its tests.
#[test]
fn a_version_has_the_tests_of_its_own_columns() {
    let p = project(&[
        ("models/d_v1.sql", "select 1 as id"),
        ("models/d_v2.sql", "select 1 as nr"),
        (
            "models/d.yml",
            "models: [{name: d, description: x, latest_version: 2, columns: [{name: id, data_tests: [unique, not_null]}], versions: [{v: 1}, {v: 2, columns: [{include: all, exclude: [id]}]}]}]\n",
        ),
    ]);
    let args = "check --rule test/pk --fail-on never --format json";
    let args: Vec<&str> = args.split(' ').collect();
    let report = json(p.path(), &args);
    let findings = report["findings"].as_array().unwrap();
    let names: Vec<&Value> = findings.iter().map(|f| &f["node"]["name"]).collect();
    assert_eq!(names, ["d.v2"]);
}

/// What dbt refuses or drops is a matter of no rule yet: such tests raise nothing.
#[test]
fn generic_tests_raise_no_findings() {
    let p = project(&[
        ("models/a.sql", "select 1 as id"),
        (
            "models/a.yml",
            "models: [{name: a, columns: [{name: id, data_tests: [unique, unique, {relationships: {to: ref('nope'), field: id}}]}]}, {name: ghost, data_tests: [x]}]\nunit_tests: [{name: u, model: nope, given: [], expect: {}}]\n",
        ),
    ]);
    // A model of one constant row is a root, tested or not.
    let rules = ["--rule", "graph/*,input/*", "--ignore", "graph/root-model"];
    let rules = [&["check", "--format", "json"], &rules[..]].concat();
    assert_eq!(json(p.path(), &rules)["findings"], json!([]));
}

#[test]
fn a_manifest_says_what_the_files_leave_open() {
    let manifest = json!({
        "metadata": {
            "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
            "project_name": "shop", "dbt_version": "1.10.0", "adapter_type": "duckdb",
        },
        "nodes": {},
        "sources": {}, "disabled": {}, "parent_map": {},
    });
    let text = manifest.to_string();
    let files = [
        ("models/a.sql", "select 1 as id"),
        (
            "macros/m.sql",
            "{% test maybe(model) %}{{ config(enabled=env_var('X')) }}{% endtest %}",
        ),
        ("models/a.yml", "models: [{name: a, data_tests: [maybe]}]\n"),
    ];
    let enabled = |graph: &Value| {
        let nodes = graph["nodes"].as_array().unwrap();
        let test = nodes.iter().find(|n| n["resource_type"] == "test").unwrap();
        assert!(
            test["unique_id"]
                .as_str()
                .unwrap()
                .starts_with("test.shop.maybe_a_.")
        );
        (
            test["unique_id"].as_str().unwrap().to_owned(),
            test["enabled"].clone(),
        )
    };
    let p = project(&files);
    let (id, open) = enabled(&json(p.path(), &["graph", "--tests"]));
    assert_eq!(open, Value::Null);
    let mut told = manifest;
    told["nodes"][&id] = json!({
        "unique_id": id, "resource_type": "test", "name": "maybe_a_", "package_name": "shop",
        "original_file_path": "models/a.yml", "config": {"enabled": true},
        "depends_on": {"nodes": ["model.shop.a"]},
    });
    let told = told.to_string();
    let with = |text: &str| {
        let mut all = files.to_vec();
        all.push(("target/manifest.json", text));
        let p = project(&all);
        enabled(&json(p.path(), &["graph", "--tests"])).1
    };
    assert_eq!(with(&told), true);
    assert_eq!(with(&text), Value::Null);
}

/// An argument that nobody can spell has no id of dbt's, and one that is stable.
#[test]
fn arguments_that_explode_are_left_alone() {
    let mut yaml = "x0: &x0 ['{{ ref(1) }}', a, a, a, a, a, a, a, a, a]\n".to_owned();
    for i in 1..12 {
        let items = vec![format!("*x{}", i - 1); 10].join(", ");
        yaml.push_str(&format!("x{i}: &x{i} [{items}]\n"));
    }
    yaml.push_str("models: [{name: a, data_tests: [{t: {v: *x11}}, {t: {v: &y [1, *y]}}]}]\n");
    let p = project(&[("models/a.sql", "select 1 as id"), ("models/a.yml", &yaml)]);
    let graph = json(p.path(), &["graph", "--tests"]);
    let nodes = graph["nodes"].as_array().unwrap();
    let tests: Vec<&Value> = nodes
        .iter()
        .filter(|n| n["resource_type"] == "test")
        .collect();
    assert_eq!(tests.len(), 2);
    assert!(tests.iter().all(|n| n["test"]["exact_id"] == false));
    assert_eq!(tests[0]["unique_id"], tests[1]["unique_id"]);
}
