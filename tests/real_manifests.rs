//! Manifests that real dbt wrote, from a directory of clones (the artifact parser's resources and a
//! project with one of dbt 2.0):
//!
//!     HARNESS_LINT_CLONES=/path/to/clones cargo test --test real_manifests -- --ignored
//!
//! What is read of them is compared with what serde_json reads.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::check;
use harness_lint::manifest::{self, Manifest};
use harness_lint::registry::RuleFilter;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

fn manifests() -> Vec<PathBuf> {
    let clones = std::env::var("HARNESS_LINT_CLONES").expect("HARNESS_LINT_CLONES");
    let below = [
        "yu-iskw+dbt-artifacts-parser/tests/resources/manifest",
        "bijudevops-ai+Databricks-dbt-fusion-oildata/target",
    ];
    let mut found: Vec<PathBuf> = below
        .iter()
        .flat_map(|b| WalkDir::new(Path::new(&clones).join(b)))
        .filter_map(Result::ok)
        .map(|e| e.path().to_owned())
        .filter(|p| {
            let name = p.file_name().unwrap().to_string_lossy();
            name.starts_with("manifest") && name.ends_with(".json")
        })
        .collect();
    found.sort();
    assert!(found.len() > 15, "{found:?}");
    found
}

fn texts(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .map_or(Vec::new(), |l| l.iter().filter_map(Value::as_str).collect())
}

fn agrees(manifest: &Manifest, json: &Value) {
    let count = |key: &str| json[key].as_object().map_or(0, |o| o.len());
    let lists = [
        ("nodes", manifest.nodes.len()),
        ("sources", manifest.sources.len()),
        ("exposures", manifest.exposures.len()),
        ("metrics", manifest.metrics.len()),
        ("semantic_models", manifest.semantic_models.len()),
        ("saved_queries", manifest.saved_queries.len()),
        ("unit_tests", manifest.unit_tests.len()),
        ("groups", manifest.groups.len()),
        ("functions", manifest.functions.len()),
        ("macros", manifest.macros.len()),
    ];
    for (key, found) in lists {
        assert_eq!(found, count(key), "{key}");
    }
    let disabled = json["disabled"].as_object();
    let disabled: usize = disabled.map_or(0, |d| {
        d.values().map(|l| l.as_array().map_or(1, Vec::len)).sum()
    });
    assert_eq!(manifest.disabled.nodes.len(), disabled);
    for node in &manifest.nodes {
        let theirs = &json["nodes"][node.unique_id.as_str()];
        let config = &theirs["config"];
        assert_eq!(node.resource_type.as_str(), theirs["resource_type"]);
        assert_eq!(
            node.config.materialized.some(),
            config["materialized"].as_str()
        );
        assert_eq!(node.config.enabled, config["enabled"].as_bool());
        let parents: Vec<&str> = node.depends_on.nodes.iter().map(|n| n.as_str()).collect();
        assert_eq!(parents, texts(&theirs["depends_on"]["nodes"]));
        let code = ["compiled_code", "compiled_sql"];
        let compiled = code.iter().find_map(|k| theirs[*k].as_str());
        let ours = node.compiled_code.and_then(|raw| raw.value());
        assert_eq!(ours.as_ref().and_then(Value::as_str), compiled);
    }
}

#[test]
#[ignore = "needs clones"]
fn every_schema_loads_or_is_refused_in_a_sentence() {
    for path in manifests() {
        let bytes = fs::read(&path).unwrap();
        let json: Value = serde_json::from_slice(&bytes).unwrap();
        let address = json["metadata"]["dbt_schema_version"].as_str().unwrap();
        let shown = path.display();
        match manifest::read(&bytes) {
            Ok(m) => {
                agrees(&m, &json);
                println!("{shown}: v{} {:?}", m.schema(), m.summary());
            }
            Err(e) => {
                println!("{shown}: {e}");
                let old = ["v1.json", "v2.json", "v3.json"];
                assert!(old.iter().any(|v| address.ends_with(v)), "{shown}: {e}");
                assert!(e.to_string().contains("is not supported; v4 to v12"), "{e}");
            }
        }
    }
}

/// A project of the same name without any of its files: packages' nodes come from the manifest.
#[test]
#[ignore = "needs clones"]
fn every_one_is_laid_over_an_empty_project() {
    for path in manifests() {
        let bytes = fs::read(&path).unwrap();
        let Ok(manifest) = manifest::read(&bytes) else {
            continue;
        };
        let own = manifest.nodes.iter().find(|n| n.resource_type == "model");
        let own = own.unwrap().package_name.to_string();
        let named = manifest.metadata.project_name.some().unwrap_or(&own);
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("target")).unwrap();
        fs::write(dir.path().join("target/manifest.json"), &bytes).unwrap();
        let project = format!("name: {named}\n");
        fs::write(dir.path().join("dbt_project.yml"), project).unwrap();
        let outcome = check(dir.path(), RuleFilter::default());
        let project = &outcome.prepared.project;
        let info = project.manifest.as_ref().expect("a manifest");
        let refable = ["model", "seed", "snapshot"];
        let foreign = manifest
            .nodes
            .iter()
            .filter(|n| n.package_name != named && refable.contains(&n.resource_type.as_str()));
        let foreign = foreign.count();
        println!("{}: {info:?}, {foreign} of packages", path.display());
        assert!(info.absent >= foreign);
    }
}
