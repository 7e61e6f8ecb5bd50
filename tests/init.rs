//! `init`: a repository's habits become its configuration.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::binary::{code, stderr, stdout};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

fn write(dir: &Path, path: &str, text: &str) {
    let path = dir.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Two tenants with staging and marts each; six staging models of one shape, one that is not.
fn shop() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    write(root, "dbt_project.yml", "name: shop\nprofile: shop\n");
    write(root, "requirements.txt", "dbt-snowflake==1.9\n");
    let sources = "sources:\n- name: erp\n  tables: [{name: a}, {name: b}, {name: c}]\n- name: crm\n  tables: [{name: a}, {name: b}, {name: c}]\n";
    write(root, "models/sources.yml", sources);
    write(root, "context/sources/erp/erp.md", "# ERP\n");
    for source in ["erp", "crm"] {
        for table in ["a", "b", "c"] {
            let sql = format!(
                "{{{{ config(materialized='view', tags=['{source}', 'staging', 'acme']) }}}}\n\
                 with source as (select id from {{{{ source('{source}', '{table}') }}}}),\n\
                 renamed as (select id as {table}_id from source)\n\
                 select {table}_id from renamed\n"
            );
            let path = format!("models/staging/{source}/stg_{source}__{table}.sql");
            write(root, &path, &sql);
        }
    }
    write(
        root,
        "models/marts/fct_a.sql",
        "select a_id from {{ ref('stg_erp__a') }}\n",
    );
    write(
        root,
        "models/marts/fct_b.sql",
        "select b_id from {{ ref('stg_erp__b') }}\n",
    );
    write(
        root,
        "models/odd/x.sql",
        "select a_id from {{ ref('fct_a') }}\n",
    );
    dir
}

#[test]
fn habits_are_written_once_and_hold() {
    let dir = shop();
    let told = stdout(dir.path(), &["init"]);
    let text = fs::read_to_string(dir.path().join("harness-lint.yml")).unwrap();
    for line in [
        "extends: recommended",
        "dialect: snowflake",
        "    path: \"models/staging/{source}/**\"",
        "    prefixes: [stg_]  # 6 of 6",
        "    materialized: [view]  # 6 of 6",
        "    refs: [staging, marts]",
        "# In no layer: 1 model (models/odd 1)",
        "  structure/tags: {layers: [staging], template: [\"{source}\", staging, acme]}  # 6 of 6 that set tags",
        "  structure/cte-missing: {layers: [staging], sequence: [source, renamed]}  # 6 of 6 that have CTEs",
        "  dir: context/sources",
        "  overview: \"{source}/{source}.md\"",
    ] {
        assert!(text.contains(line), "{line}\n---\n{text}");
    }
    assert!(told.contains("layer staging: 6 models"), "{told}");
    assert!(told.contains("with it, a check finds "), "{told}");
    assert!(told.ends_with("wrote harness-lint.yml\n"), "{told}");
    // What it promised is what a check finds.
    let promised = told.lines().find(|l| l.starts_with("with it")).unwrap();
    let promised: usize = promised.rsplit(' ').next().unwrap().parse().unwrap();
    let report = common::binary::json(
        dir.path(),
        &["check", "--format", "json", "--manifest", "off"],
    );
    assert_eq!(report["findings"].as_array().unwrap().len(), promised);
    // The habit is a rule now.
    write(
        dir.path(),
        "models/staging/erp/stg_erp__d.sql",
        "{{ config(materialized='table', tags=['erp']) }} with source as (select id from {{ source('erp', 'a') }}) select id from source\n",
    );
    let found = stdout(dir.path(), &["check", "models/staging"]);
    for rule in [
        "structure/tags",
        "structure/materialization",
        "structure/cte-missing",
    ] {
        assert!(found.contains(rule), "{rule}\n{found}");
    }
}

#[test]
fn a_file_that_is_there_is_kept() {
    let dir = shop();
    write(dir.path(), "harness-lint.yml", "extends: minimal\n");
    assert_eq!(code(dir.path(), &["init"]), 2);
    assert!(stderr(dir.path(), &["init"]).contains("--force"));
    let shown = stdout(dir.path(), &["init", "--dry-run"]);
    assert!(shown.contains("layers:\n"), "{shown}");
    let kept = fs::read_to_string(dir.path().join("harness-lint.yml")).unwrap();
    assert_eq!(kept, "extends: minimal\n");
    assert_eq!(code(dir.path(), &["init", "--force"]), 0);
    let new = fs::read_to_string(dir.path().join("harness-lint.yml")).unwrap();
    assert_eq!(new, shown);
    assert_eq!(code(tempfile::tempdir().unwrap().path(), &["init"]), 4);
}

#[test]
fn what_most_do_is_a_comment_and_a_folder_within_a_layer_comes_first() {
    let dir = shop();
    for i in 0..3 {
        let sql = "with source as (select id from {{ source('erp', 'a') }}) select id from source";
        write(
            dir.path(),
            &format!("models/staging/erp/stg_erp__e{i}.sql"),
            sql,
        );
    }
    write(
        dir.path(),
        "models/staging/base/base_a.sql",
        "select id from {{ source('erp', 'c') }}",
    );
    let shown = stdout(dir.path(), &["init", "--dry-run"]);
    assert!(shown.contains("\n#   structure/cte-missing"), "{shown}");
    let at = |what: &str| shown.find(what).unwrap();
    assert!(at("\n  base:") < at("\n  staging:"), "{shown}");
}

#[test]
fn hostile_names_stay_text() {
    let dir = shop();
    let name = "models/marts/a: b #]{x}\u{202e}/fct_c.sql";
    write(
        dir.path(),
        name,
        "select a_id from {{ ref('stg_erp__c') }}\n",
    );
    write(
        dir.path(),
        "models/staging/erp\"\\/stg_z.sql",
        "select 1 as a\n",
    );
    assert_eq!(code(dir.path(), &["init"]), 0);
    assert!([0, 1].contains(&code(dir.path(), &["check"])));
}
