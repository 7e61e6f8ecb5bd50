//! manifest.json laid over files: whose word counts, node by node.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Files, check_files, lines};
use harness_lint::registry::RuleFilter;
use harness_lint::run::Outcome;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

fn sha256(text: &str) -> String {
    let digest = Sha256::digest(text.trim().as_bytes());
    digest.iter().map(|b| format!("{b:02x}")).collect()
}

fn model(name: &str, path: &str, text: &str, config: Value) -> Value {
    json!({
        "unique_id": format!("model.shop.{name}"),
        "resource_type": "model",
        "name": name,
        "package_name": "shop",
        "original_file_path": path,
        "config": config,
        "checksum": {"name": "sha256", "checksum": sha256(text)},
        "depends_on": {"nodes": [], "macros": []},
    })
}

fn run(mut files: Files, nodes: Value, disabled: Value) -> Outcome {
    let manifest = json!({
        "metadata": {
            "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
            "dbt_version": "1.10.0",
            "project_name": "shop",
            "adapter_type": "snowflake",
        },
        "nodes": nodes,
        "disabled": disabled,
    });
    files.insert("target/manifest.json".to_owned(), manifest.to_string());
    check_files(&files, RuleFilter::default())
}

fn files(list: &[(&str, &str)]) -> Files {
    list.iter()
        .map(|(p, t)| ((*p).to_owned(), (*t).to_owned()))
        .collect()
}

const TEXT: &str = "select 1 as id\n";

#[test]
fn a_disabled_copy_is_told_from_the_model_by_its_path() {
    let files = files(&[
        ("models/a.sql", TEXT),
        ("models/old/a.sql", TEXT),
        (
            "dbt_project.yml",
            "name: shop\nmodels: {shop: {old: {+enabled: false}}}\n",
        ),
    ]);
    let live = model("a", "models/a.sql", TEXT, json!({"materialized": "view"}));
    let copy = model("a", "models/old/a.sql", TEXT, json!({"enabled": false}));
    let outcome = run(
        files,
        json!({"model.shop.a": live}),
        json!({"model.shop.a": [copy]}),
    );
    let found = lines(&outcome);
    assert!(
        !found.iter().any(|l| l.contains("input/duplicate-node")),
        "{found:?}"
    );
    assert_eq!(outcome.prepared.project.counts.models_enabled, 1);
}

#[test]
fn a_file_that_changed_since_speaks_for_itself_and_a_seed_does_not_count_as_changed() {
    let files = files(&[
        (
            "models/a.sql",
            "{{ config(materialized='table') }} select 2 as id\n",
        ),
        ("models/b.sql", TEXT),
        ("seeds/s.csv", "id\n1\n"),
        ("dbt_project.yml", "name: shop\n"),
    ]);
    let mut seed = model("s", "seeds/s.csv", "id\n1\n", json!({}));
    seed["unique_id"] = json!("seed.shop.s");
    seed["resource_type"] = json!("seed");
    let outcome = run(
        files,
        json!({
            "model.shop.a": model("a", "models/a.sql", TEXT, json!({"materialized": "view"})),
            "model.shop.b": model("b", "models/b.sql", TEXT, json!({"materialized": "incremental"})),
            "seed.shop.s": seed,
        }),
        json!({}),
    );
    let project = &outcome.prepared.project;
    let materialized = |id: &str| {
        let node = project.by_unique_id(id).unwrap();
        node.config.text("materialized").map(str::to_owned)
    };
    assert_eq!(materialized("model.shop.a").as_deref(), Some("table"));
    assert_eq!(materialized("model.shop.b").as_deref(), Some("incremental"));
    let manifest = project.manifest.as_ref().unwrap();
    assert_eq!((manifest.stale, manifest.fresh), (1, 2));
}

fn resource(kind: &str, name: &str, config: Value) -> Value {
    json!({
        "unique_id": format!("{kind}.shop.{name}"),
        "resource_type": kind,
        "name": name,
        "package_name": "shop",
        "original_file_path": "models/s.yml",
        "config": config,
        "depends_on": {"nodes": []},
    })
}

/// A manifest with more than nodes.
fn run_with(mut files: Files, sections: Value) -> Outcome {
    let mut manifest = json!({
        "metadata": {
            "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
            "dbt_version": "1.11.0",
            "project_name": "shop",
        },
    });
    let more = sections.as_object().unwrap().clone();
    manifest.as_object_mut().unwrap().extend(more);
    files.insert("target/manifest.json".to_owned(), manifest.to_string());
    check_files(&files, RuleFilter::default())
}

#[test]
fn of_what_yaml_alone_defines_a_manifest_says_what_the_files_leave_open() {
    let yaml = "
metrics:
- {name: open, label: O, type: simple, type_params: {measure: m}, config: {enabled: \"{{ env_var('X') }}\", group: \"{{ env_var('Y') }}\"}}
- {name: said, label: S, type: simple, type_params: {measure: m}, config: {group: ours}}
exposures:
- {name: off, type: ml, owner: {name: X}, config: {enabled: \"{{ env_var('X') == 'a' }}\"}}
saved_queries:
- {name: q, config: {group: \"{{ env_var('Y') }}\"}, query_params: {metrics: [said]}}
sources:
- {name: erp, config: {loaded_at_field: \"{{ env_var('Z') }}\"}, tables: [{name: t}]}
";
    let files = files(&[("models/s.yml", yaml), ("dbt_project.yml", "name: shop\n")]);
    let mut source = resource("source", "erp.t", json!({"loaded_at_field": "ts"}));
    source["source_name"] = json!("erp");
    source["name"] = json!("t");
    let outcome = run_with(
        files,
        json!({
            "metrics": {
                "metric.shop.open": resource("metric", "open", json!({"group": "g"})),
                "metric.shop.said": resource("metric", "said", json!({"group": "theirs"})),
            },
            "saved_queries": {"saved_query.shop.q": resource("saved_query", "q", json!({"group": "g"}))},
            "sources": {"source.shop.erp.t": source},
            "disabled": {"exposure.shop.off": [resource("exposure", "off", json!({"enabled": false}))]},
        }),
    );
    let project = &outcome.prepared.project;
    let node = |id: &str| project.by_unique_id(id).unwrap();
    assert_eq!(node("metric.shop.open").enabled, Some(true));
    assert_eq!(node("metric.shop.open").group(), Some("g"));
    assert_eq!(node("metric.shop.said").group(), Some("ours"));
    assert_eq!(node("saved_query.shop.q").group(), Some("g"));
    assert_eq!(node("exposure.shop.off").enabled, Some(false));
    assert_eq!(node("source.shop.erp.t").loaded_at_field(), Some("ts"));
}

#[test]
fn nodes_of_packages_that_are_not_installed_come_from_the_manifest() {
    let sql = "select * from {{ ref('seg', 'users') }} join {{ source('raw', 'x') }} using (id)\n";
    let files = files(&[
        ("models/a.sql", sql),
        ("models/b.sql", "select * from {{ ref('nowhere') }}\n"),
        ("dbt_project.yml", "name: shop\n"),
        (
            "packages.yml",
            "packages: [{package: x/seg, version: 1.0.0}]\n",
        ),
    ]);
    let mut users = model(
        "users",
        "models/users.sql",
        TEXT,
        json!({"materialized": "table", "tags": ["p"]}),
    );
    users["unique_id"] = json!("model.seg.users");
    users["package_name"] = json!("seg");
    let source = json!({
        "unique_id": "source.seg.raw.x", "resource_type": "source", "name": "x",
        "source_name": "raw", "package_name": "seg", "original_file_path": "models/s.yml",
    });
    let outcome = run_with(
        files,
        json!({"nodes": {"model.seg.users": users}, "sources": {"source.seg.raw.x": source}}),
    );
    let project = &outcome.prepared.project;
    let a = project.by_unique_id("model.shop.a").unwrap();
    let parents: Vec<&str> = project
        .graph
        .parents(a.id)
        .into_iter()
        .map(|(id, _)| project.node(id).unique_id.as_str())
        .collect();
    assert_eq!(parents, ["model.seg.users", "source.seg.raw.x"]);
    let users = project.by_unique_id("model.seg.users").unwrap();
    assert!(users.is_absent() && !users.is_own());
    assert_eq!(users.config.text("materialized"), Some("table"));
    assert_eq!(project.manifest.as_ref().unwrap().absent, 2);
    assert_eq!(project.counts.models, 2);
    // Nobody is told of `nowhere`: another package may have it.
    assert!(!lines(&outcome).iter().any(|l| l.contains("broken-ref")));
}
