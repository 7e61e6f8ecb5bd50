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
