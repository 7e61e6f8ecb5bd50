//! `audit`: the score and its formula, the backlog, history and comparison.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::binary::{code, json, misfits, stderr, stdout, write};
use common::git::{commit, git, init};
use serde_json::Value;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// Three rules of three weights: models (10), models (3), columns (1).
const RULES: &str = "extends: []
rules:
  sql/star-output: error
  doc/missing: warn
  doc/column-missing: info
";

/// Three models in two layers; one has a star, two are not described, two of four columns are not.
fn shop() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    write(
        dir.path(),
        &[
            ("dbt_project.yml", "name: shop\n"),
            ("harness-lint.yml", RULES),
            (
                "models/staging/erp/stg_a.sql",
                "select * from {{ source('erp', 'a') }}\n",
            ),
            (
                "models/staging/erp/stg_b.sql",
                "select id from {{ source('erp', 'b') }}\n",
            ),
            (
                "models/marts/sales/fct.sql",
                "select id from {{ ref('stg_a') }}\n",
            ),
            (
                "models/erp.yml",
                "sources:\n- name: erp\n  tables:\n  - name: a\n  - name: b\nmodels:\n- name: stg_a\n  description: a\n  columns:\n  - name: p\n    description: p\n  - name: q\n  - name: r\n  - name: s\n    description: s\n",
            ),
            (
                "models/exposures.yml",
                "exposures:\n- name: board\n  type: dashboard\n  owner: {name: Ann, email: ann@example.org}\n  depends_on: [ref('fct')]\n",
            ),
        ],
    );
    dir
}

fn audit(dir: &Path) -> Value {
    json(dir, &["audit", "--format", "json"])
}

fn total(audit: &Value) -> (f64, f64, f64) {
    let of = |key: &str| audit["health"][key].as_f64().unwrap();
    (of("score"), of("weight"), of("lost"))
}

#[test]
fn the_score_is_what_the_formula_says() {
    let p = shop();
    // Pairs: star 3 × 10, missing 3 × 3, columns 1 × 1. Lost: one star, two descriptions, half of
    // the columns.
    let (weight, lost) = (30.0 + 9.0 + 1.0, 10.0 + 6.0 + 0.5);
    let round = |x: f64| (x * 100.0).round() / 100.0;
    let score = |lost: f64| round(100.0 * (weight - lost) / weight);
    assert_eq!(total(&audit(p.path())), (score(lost), weight, lost));
    // One column of four: a quarter of the smallest weight.
    let yaml = fs::read_to_string(p.path().join("models/erp.yml")).unwrap();
    let mended = yaml.replace("- name: q\n", "- name: q\n    description: q\n");
    write(p.path(), &[("models/erp.yml", &mended)]);
    assert_eq!(
        total(&audit(p.path())),
        (score(lost - 0.25), weight, lost - 0.25)
    );
    write(
        p.path(),
        &[(
            "models/staging/erp/stg_a.sql",
            "select p, q, r, s from {{ source('erp', 'a') }}\n",
        )],
    );
    assert_eq!(
        total(&audit(p.path())),
        (score(lost - 10.25), weight, lost - 10.25)
    );
}

#[test]
fn parts_add_up_to_the_whole() {
    let p = shop();
    let health = audit(p.path())["health"].clone();
    for by in [
        "by_category",
        "by_layer",
        "by_source",
        "by_owner",
        "by_layer_and_category",
    ] {
        let rows = health[by].as_array().unwrap();
        for key in ["weight", "lost"] {
            let sum: f64 = rows.iter().map(|r| r[key].as_f64().unwrap()).sum();
            assert_eq!(sum, health[key].as_f64().unwrap(), "{by} {key}");
        }
        let pairs: u64 = rows.iter().map(|r| r["pairs"].as_u64().unwrap()).sum();
        assert_eq!(pairs, 7, "{by}");
    }
}

#[test]
fn what_is_held_back_is_scored_apart() {
    let p = shop();
    let open = audit(p.path());
    let with = |a: &Value| a["health"]["with_held_back"]["score"].as_f64().unwrap();
    assert_eq!(with(&open), total(&open).0);
    let exclusion = "exclude:\n- path: models/marts/**\n  reason: old zone\n";
    write(
        p.path(),
        &[("harness-lint.yml", &format!("{RULES}{exclusion}"))],
    );
    let a = audit(p.path());
    let zone = &a["health"]["apart"]["excluded"][0];
    assert_eq!(zone["name"], "old zone");
    assert_eq!((&zone["pairs"], &zone["failing"]), (&2.into(), &1.into()));
    assert_eq!(total(&a).1, total(&open).1 - 13.0);
    assert_eq!(with(&a), with(&open));
    let star = "-- harness-lint: ignore[sql/star-output] it is small\n";
    let model = fs::read_to_string(p.path().join("models/staging/erp/stg_a.sql")).unwrap();
    write(
        p.path(),
        &[("models/staging/erp/stg_a.sql", &format!("{star}{model}"))],
    );
    let a = audit(p.path());
    assert_eq!(a["health"]["apart"]["suppressed"], 1);
    assert_eq!(a["findings"]["suppressed"], 1);
    assert_eq!(total(&a).1, total(&open).1 - 23.0);
    assert_eq!(with(&a), with(&open));
    stdout(
        p.path(),
        &["check", "--write-baseline", "--reason", "known"],
    );
    let a = audit(p.path());
    assert_eq!(total(&a).0, 100.0);
    assert_eq!(a["items"].as_array().unwrap().len(), 0);
    assert_eq!(with(&a), with(&open));
}

#[test]
fn metrics_do_not_depend_on_which_rules_are_on() {
    let p = shop();
    let m = audit(p.path())["metrics"].clone();
    assert_eq!(m["models_documented"]["percent"], 33.3);
    assert_eq!(m["models_with_pk_tests"]["count"], 0);
    assert_eq!(m["sources_with_overview"]["of"], 1);
    assert_eq!(m["structural_compliance"], Value::Null);
    write(p.path(), &[("harness-lint.yml", "extends: []\n")]);
    let off = audit(p.path())["metrics"].clone();
    assert_eq!(off["models_documented"], m["models_documented"]);
    write(
        p.path(),
        &[
            ("context/sources/erp/erp.md", "# erp\n"),
            (
                "harness-lint.yml",
                "extends: []\nrules:\n  structure/final-star: {severity: error, layers: [staging]}\n",
            ),
        ],
    );
    let m = audit(p.path())["metrics"].clone();
    assert_eq!(m["structural_compliance"]["of"], 2, "{m}");
}

#[test]
fn items_are_ordered_by_the_product_of_their_factors() {
    let p = shop();
    let a = audit(p.path());
    let items = a["items"].as_array().unwrap();
    let of = |item: &Value| item["priority"].as_f64().unwrap();
    assert!(items.windows(2).all(|w| of(&w[0]) >= of(&w[1])));
    for item in items {
        let factors = item["factors"].as_array().unwrap().iter();
        let product: f64 = factors.map(|f| f["times"].as_f64().unwrap()).product();
        assert_eq!((product * 100.0).round() / 100.0, of(item), "{item}");
    }
    let star = &items[0];
    assert_eq!(star["rule"], "sql/star-output");
    assert_eq!(star["area"]["name"], "erp");
    assert_eq!(star["places"][0]["downstream_models"], 1);
    assert_eq!(star["places"][0]["downstream_exposures"], 1);
    let marts = items.iter().find(|i| i["layer"] == "marts").unwrap();
    assert_eq!(marts["area"]["kind"], "domain");
    assert_eq!(marts["area"]["name"], "sales");
    assert_eq!(marts["owner"]["name"], "Ann");
    assert_eq!(marts["owner"]["from"], "exposure");
}

#[test]
fn owners_of_the_node_are_stronger_than_those_of_its_folder() {
    let p = shop();
    init(p.path());
    write(
        p.path(),
        &[("CODEOWNERS", "* @all\n/models/marts/ @marts\n")],
    );
    let owners = |p: &Path| -> Vec<String> {
        let a = audit(p);
        let rows = a["health"]["by_owner"].as_array().unwrap().clone();
        rows.iter().map(|r| r["name"].to_string()).collect()
    };
    assert_eq!(owners(p.path()), ["\"@all\"", "\"@marts\""]);
    let marts = "models:\n- name: fct\n  config: {meta: {owner: Bea}}\n";
    write(p.path(), &[("models/marts/sales/fct.yml", marts)]);
    assert_eq!(owners(p.path()), ["\"@all\"", "\"Bea\""]);
}

#[test]
fn the_same_commit_gives_the_same_bytes_and_the_schema_holds() {
    let p = shop();
    init(p.path());
    commit(p.path());
    for format in ["json", "md", "text"] {
        let args = ["audit", "--format", format];
        assert_eq!(stdout(p.path(), &args), stdout(p.path(), &args));
    }
    let a = audit(p.path());
    assert_eq!(misfits("audit", &a), Vec::<String>::new());
    assert_eq!(a["schema_version"], 1);
}

#[test]
fn recent_changes_press_more() {
    let p = shop();
    init(p.path());
    let dated = |day: &str| {
        git(p.path(), &["add", "-A"]);
        let date = format!("{day}T12:00:00Z");
        let mut git = std::process::Command::new("git");
        let git = git.arg("-C").arg(p.path());
        let git = git.args([
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@b",
            "commit",
            "-qm",
            "x",
        ]);
        let git = git
            .env("GIT_COMMITTER_DATE", &date)
            .env("GIT_AUTHOR_DATE", &date);
        assert!(git.status().unwrap().success());
    };
    dated("2024-01-01");
    write(
        p.path(),
        &[(
            "models/marts/sales/fct.sql",
            "select id, 1 as x from {{ ref('stg_a') }}\n",
        )],
    );
    dated("2024-06-01");
    let a = audit(p.path());
    assert_eq!(a["newest_commit"], "2024-06-01");
    let days = |rule: &str, layer: &str| {
        let items = a["items"].as_array().unwrap();
        let item = items
            .iter()
            .find(|i| i["rule"] == rule && i["layer"] == layer);
        item.unwrap()["places"][0]["days_since_change"].clone()
    };
    assert_eq!(days("doc/missing", "marts"), 0);
    assert_eq!(days("sql/star-output", "staging"), 152);
}

#[test]
fn a_history_has_one_line_per_commit() {
    let p = shop();
    init(p.path());
    commit(p.path());
    let args = ["audit", "--history", "h.jsonl"];
    let lines = || {
        fs::read_to_string(p.path().join("h.jsonl"))
            .unwrap()
            .lines()
            .count()
    };
    assert!(stdout(p.path(), &args).contains("\ntrend\n"));
    assert!(stderr(p.path(), &args).contains("already"));
    assert_eq!(lines(), 1);
    write(
        p.path(),
        &[(
            "models/staging/erp/stg_a.sql",
            "select p from {{ source('erp', 'a') }}\n",
        )],
    );
    commit(p.path());
    let told = stdout(p.path(), &args);
    assert_eq!(lines(), 2);
    assert!(told.contains("+25.00"), "{told}");
    assert!(!told.contains("other rules"));
    write(
        p.path(),
        &[(
            "harness-lint.yml",
            "extends: []\nrules: {doc/missing: warn}\n",
        )],
    );
    commit(p.path());
    let told = stdout(p.path(), &args);
    assert!(told.contains("other rules from here on"), "{told}");
    assert_eq!(lines(), 3);
}

#[test]
fn a_history_that_is_none_is_left_alone() {
    let p = shop();
    assert_eq!(code(p.path(), &["audit", "--history", "h.jsonl"]), 3);
    init(p.path());
    commit(p.path());
    write(p.path(), &[("h.jsonl", "{\"a\": 1}\n")]);
    assert_eq!(code(p.path(), &["audit", "--history", "h.jsonl"]), 3);
    assert_eq!(
        fs::read_to_string(p.path().join("h.jsonl")).unwrap(),
        "{\"a\": 1}\n"
    );
    assert_eq!(
        code(p.path(), &["audit", "--history", "no/such/h.jsonl"]),
        3
    );
}

#[test]
fn since_tells_what_came_and_what_went_by_todays_rules() {
    let p = shop();
    write(
        p.path(),
        &[(
            "harness-lint.yml",
            "extends: []\nrules: {sql/star-output: error}\n",
        )],
    );
    init(p.path());
    commit(p.path());
    write(
        p.path(),
        &[
            ("harness-lint.yml", RULES),
            (
                "models/staging/erp/stg_a.sql",
                "select p from {{ source('erp', 'a') }}\n",
            ),
            (
                "models/marts/sales/new.sql",
                "select id from {{ ref('fct') }}\n",
            ),
        ],
    );
    commit(p.path());
    let a = json(
        p.path(),
        &["audit", "--format", "json", "--since", "HEAD~1"],
    );
    let rules = a["since"]["rules"].as_array().unwrap();
    let told: Vec<String> = rules
        .iter()
        .map(|r| {
            format!(
                "{} +{} -{} {}",
                r["rule"], r["introduced"], r["mended"], r["repeated"]
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "\"doc/missing\" +1 -0 true",
            "\"sql/star-output\" +0 -1 false"
        ]
    );
    assert_eq!(
        a["since"]["introduced"][0]["path"],
        "models/marts/sales/new.sql"
    );
    assert_eq!(code(p.path(), &["audit", "--since", "nowhere"]), 2);
}
