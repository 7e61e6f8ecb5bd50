//! What programs read: the JSON report, the graph, the schemas.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::binary::{STAR, configure, json, misfits, project, stdout};
use harness_lint::registry::shipped;
use serde_json::Value;
use sha2::{Digest, Sha256};

#[test]
fn json_is_as_its_schema_says() {
    let p = project(&[
        ("models/staging/x.sql", STAR),
        (
            "models/y.sql",
            "with a as (select * from {{ ref('x') }}) select * from a",
        ),
        ("models/broken.sql", "select from where ((("),
        (
            "models/s.yml",
            "sources: [{name: a, tables: [{name: b}]}]\nexposures: [{name: e, type: dashboard, depends_on: [ref('y')]}]\n",
        ),
        (
            "packages.yml",
            "packages: [{package: dbt-labs/dbt_utils, version: 1.0.0}]\n",
        ),
    ]);
    let report = json(p.path(), &["--format", "json"]);
    assert_eq!(misfits("report", &report), [""; 0]);
    assert_eq!(report["schema_version"], 1);
    let finding = &report["findings"][0];
    assert_eq!(finding["path"], "models/staging/x.sql");
    assert_eq!(finding["node"]["layer"], "staging");
    assert_eq!(
        finding["range"],
        serde_json::json!({"line": 1, "col": 8, "end_line": 1, "end_col": 9})
    );
    assert_eq!(finding["verify"], "harness-lint check models/staging/x.sql");
    assert!(report.get("head_sha").is_none() && report.get("dirty").is_none());
    assert!(
        report["summary"].get("score").is_none(),
        "absent: not computed"
    );
    let skipped = report["skipped"].as_array().unwrap();
    let whats: Vec<&str> = skipped
        .iter()
        .map(|s| s["what"].as_str().unwrap())
        .collect();
    assert_eq!(whats, ["package", "sql"]);
    let graph = json(p.path(), &["graph"]);
    assert_eq!(misfits("graph", &graph), [""; 0]);
}

#[test]
fn hashes_follow_what_they_are_of() {
    let p = project(&[("models/x.sql", STAR)]);
    let hashes = |args: &[&str]| {
        let report = json(p.path(), &[args, &["--format", "json"]].concat());
        let of = |key: &str| report[key].as_str().unwrap().to_owned();
        (of("ruleset_hash"), of("config_hash"))
    };
    let plain = hashes(&[]);
    assert_ne!(hashes(&["--ignore", "sql/*"]).0, plain.0);
    configure(p.path(), "# nothing\n");
    let commented = hashes(&[]);
    assert_eq!(commented.0, plain.0);
    assert_ne!(commented.1, plain.1);
    configure(p.path(), "rules: {sql/star-output: error}\n");
    assert_ne!(hashes(&[]).0, plain.0);
}

#[test]
fn configuration_fits_its_schema_or_is_refused() {
    let fits = |yaml: &str| {
        let value: Value = serde_yaml::from_str(yaml).unwrap();
        misfits("config", &value).is_empty()
    };
    assert!(fits("extends: recommended"));
    assert!(fits(
        "extends: [minimal, x.yml]\nfail_on: warn\nrules: {sql/star-output: off, ap/own: warn}"
    ));
    assert!(fits("rules: {sql/star-output: {severity: error}}"));
    assert!(fits(
        "layers: {staging: {path: 'models/staging/**', sources: true}}"
    ));
    assert!(fits(
        "overrides: [{select: 'tag:legacy', rules: {sql/star-output: warn, 'sql/*': off}}]"
    ));
    assert!(!fits("rules: {sql/star-output: {nope: 1}}"));
    assert!(!fits("rules: {sql/nope: warn}"));
    assert!(!fits("rules: {sql/star-output: loud}"));
    assert!(!fits("overrides: [{select: x, rules: {sql/nope: warn}}]"));
    assert!(!fits("exclude: [{path: x}]"));
    assert!(!fits("nope: 1"));
}

/// Every configuration that a rule's page shows is one that an editor with the schema accepts.
#[test]
fn configurations_of_the_rule_pages_fit_the_schema() {
    for entry in shipped() {
        for section in ["Bad", "Good", "Fixed"] {
            let files = common::example(entry, section).unwrap_or_default();
            let Some(yaml) = files.get("harness-lint.yml") else {
                continue;
            };
            let value: Value = serde_yaml::from_str(yaml).unwrap();
            let none: [String; 0] = [];
            assert_eq!(misfits("config", &value), none, "{}", entry.meta().id);
        }
    }
}

#[test]
fn the_graph_of_a_project() {
    let p = project(&[
        (
            "models/staging/stg.sql",
            "{{ config(tags=['x']) }} select * from {{ source('a', 'b') }}",
        ),
        (
            "models/fct.sql",
            "{{ config(materialized='table') }} select 1 as a from {{ ref('stg') }} join {{ ref('codes') }}",
        ),
        (
            "models/off.sql",
            "{{ config(enabled=false) }} select 1 as a from {{ ref('stg') }}",
        ),
        (
            "models/maybe.sql",
            "{{ config(enabled=env_var('X'), materialized=env_var('Y')) }} select 1 as a",
        ),
        (
            "models/py.py",
            "def model(dbt, session):\n    return dbt.ref('stg')\n",
        ),
        ("seeds/codes.csv", "a\n1\n"),
        ("analyses/an.sql", "select 1 from {{ ref('fct') }}"),
        ("tests/t.sql", "select 1 from {{ ref('fct') }}"),
        (
            "models/s.yml",
            "sources: [{name: a, tables: [{name: b}]}]\n",
        ),
    ]);
    let graph = json(p.path(), &["graph"]);
    let node = |id: &str| {
        let nodes = graph["nodes"].as_array().unwrap();
        nodes
            .iter()
            .find(|n| n["unique_id"] == id)
            .unwrap_or_else(|| panic!("{id}: {graph:#}"))
            .clone()
    };
    assert_eq!(node("model.shop.stg")["layer"], "staging");
    assert_eq!(node("model.shop.stg")["materialized"], "view");
    assert_eq!(node("model.shop.stg")["tags"], serde_json::json!(["x"]));
    assert_eq!(node("model.shop.fct")["materialized"], "table");
    assert_eq!(node("model.shop.fct")["path"], "models/fct.sql");
    assert_eq!(node("model.shop.py")["materialized"], "table");
    assert_eq!(node("model.shop.off")["enabled"], false);
    assert_eq!(node("model.shop.maybe")["enabled"], Value::Null);
    assert_eq!(node("model.shop.maybe")["materialized"], Value::Null);
    assert_eq!(node("seed.shop.codes")["materialized"], "seed");
    assert_eq!(node("source.shop.a.b")["materialized"], Value::Null);
    assert_eq!(
        graph["edges"],
        serde_json::json!([
            ["model.shop.fct", "analysis.shop.an"],
            ["model.shop.stg", "model.shop.fct"],
            ["model.shop.stg", "model.shop.py"],
            ["seed.shop.codes", "model.shop.fct"],
            ["source.shop.a.b", "model.shop.stg"],
        ])
    );
    let few = json(p.path(), &["graph", "--select", "stg+1", "--exclude", "py"]);
    assert_eq!(
        few["edges"],
        serde_json::json!([["model.shop.stg", "model.shop.fct"]])
    );
    insta::assert_snapshot!(stdout(p.path(), &["graph", "--select", "+stg", "--format", "mermaid"]), @r#"
    flowchart LR
      n0["stg"]
      n1[("a.b")]
      n1 --> n0
    "#);
    insta::assert_snapshot!(stdout(p.path(), &["graph", "--select", "+stg", "--format", "dot"]), @r#"
    digraph dbt {
      rankdir=LR;
      node [shape=box];
      n0 [label="stg", tooltip="model.shop.stg"];
      n1 [label="a.b", tooltip="source.shop.a.b"];
      n1 -> n0;
    }
    "#);
}

/// Whoever applies an edit can make sure that it is meant for the bytes at hand.
#[test]
fn edits_are_of_the_bytes_on_disk() {
    let mut seen = 0;
    for entry in shipped() {
        let id = &*entry.meta().id;
        let mut files = common::example(entry, "Bad").unwrap();
        for (path, text) in &mut files {
            if path.ends_with(".sql") {
                *text = format!("\u{feff}{}", text.replace('\n', "\r\n"));
            }
        }
        let dir = tempfile::tempdir().unwrap();
        common::write(dir.path(), &files);
        let report = json(dir.path(), &["--format", "json", "--rule", id]);
        let none: [String; 0] = [];
        assert_eq!(misfits("report", &report), none, "{id}");
        for finding in report["findings"].as_array().unwrap() {
            for edit in finding["fix"]["edits"].as_array().into_iter().flatten() {
                let path = edit["path"].as_str().unwrap();
                let bytes = std::fs::read(dir.path().join(path)).unwrap();
                let hash: String = Sha256::digest(&bytes)
                    .iter()
                    .map(|b| format!("{b:02x}"))
                    .collect();
                assert_eq!(edit["sha256"], hash, "{id}: {path}");
                let (start, end) = (edit["start"].as_u64(), edit["end"].as_u64());
                assert!(start <= end && end <= Some(bytes.len() as u64), "{id}");
                seen += 1;
            }
        }
    }
    assert!(seen > 0, "some rule offers a fix");
}
