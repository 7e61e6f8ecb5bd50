//! `audit --batches` and `--issues plan`: work orders, and issues of a forge.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::binary::{code, json, misfits, write};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const RULES: &str = "extends: []
rules: {doc/missing: warn, context/source-missing: off, context/status: off}
context: {dir: context/sources}
";

/// Two sources with twelve models each, of which `_0` is described; a chain of marts over both.
fn shop() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    let mut yaml = "sources:\n".to_owned();
    for source in ["crm", "erp"] {
        yaml += &format!("- name: {source}\n  tables:\n");
        for n in 0..12 {
            yaml += &format!("  - name: t{n}\n");
            files.insert(
                format!("models/staging/{source}/stg_{source}_{n}.sql"),
                format!("select id from {{{{ source('{source}', 't{n}') }}}}\n"),
            );
        }
    }
    yaml += "models:\n- name: stg_erp_0\n  description: it is\n";
    files.insert("models/marts/sales/a.sql".into(), "select c.id from {{ ref('stg_erp_1') }} as c join {{ ref('stg_crm_1') }} as e on e.id = c.id\n".into());
    files.insert(
        "models/marts/sales/b.sql".into(),
        "select id from {{ ref('a') }}\n".into(),
    );
    // Staging that reads a mart: no area as a whole comes before another.
    files.insert(
        "models/staging/erp/stg_erp_odd.sql".into(),
        "select s.id from {{ source('erp', 't1') }} as s join {{ ref('b') }} as b on b.id = s.id\n"
            .into(),
    );
    files.insert("models/sources.yml".into(), yaml);
    files.insert("dbt_project.yml".into(), "name: shop\n".into());
    files.insert("harness-lint.yml".into(), RULES.into());
    files.insert("context/sources/erp/erp.md".into(), "# erp\n".into());
    let files: Vec<(&str, &str)> = files.iter().map(|(a, b)| (&**a, &**b)).collect();
    write(dir.path(), &files);
    dir
}

fn batches(dir: &Path) -> Vec<Value> {
    let audit = json(dir, &["audit", "--batches", "--format", "json"]);
    assert_eq!(misfits("audit", &audit), Vec::<String>::new());
    audit["batches"].as_array().unwrap().clone()
}

fn texts(value: &Value) -> Vec<String> {
    let all = value.as_array().unwrap().iter();
    all.map(|v| v.as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_file_is_in_one_batch_and_behind_what_it_is_built_of() {
    let p = shop();
    let batches = batches(p.path());
    let mut order: Vec<String> = Vec::new();
    for (i, batch) in batches.iter().enumerate() {
        assert_eq!(batch["number"], i + 1);
        let files = batch["files"].as_array().unwrap();
        assert!((1..=10).contains(&files.len()));
        order.extend(files.iter().map(|f| f["path"].as_str().unwrap().to_owned()));
        let after = batch["after"].as_array().unwrap();
        assert!(after.iter().all(|n| n.as_u64().unwrap() <= i as u64));
    }
    let unique: BTreeSet<&String> = order.iter().collect();
    assert_eq!(unique.len(), order.len());
    assert_eq!(order.len(), 23 + 3);
    assert!(order.iter().all(|f| p.path().join(f).is_file()));
    let at = |name: &str| order.iter().position(|f| f.ends_with(name)).unwrap();
    assert!(at("stg_erp_1.sql") < at("/a.sql"));
    assert!(at("stg_crm_1.sql") < at("/a.sql"));
    assert!(at("/a.sql") < at("/b.sql"));
    assert!(at("/b.sql") < at("stg_erp_odd.sql"));
}

#[test]
fn a_batch_says_what_to_read_what_to_follow_and_what_blocks_it() {
    let p = shop();
    let batches = batches(p.path());
    let of = |source: &str| {
        let found = batches.iter().find(|b| b["area"]["name"] == source);
        found.unwrap().clone()
    };
    let erp = of("erp");
    assert_eq!(texts(&erp["context_files"]), ["context/sources/erp/erp.md"]);
    assert_eq!(erp["blocked_by"], json!([]));
    assert_eq!(
        texts(&erp["reference_models"]),
        ["models/staging/erp/stg_erp_0.sql"]
    );
    let crm = of("crm");
    assert!(texts(&crm["blocked_by"])[0].contains("context/sources/crm/crm.md"));
    assert_eq!(crm["reference_models"], json!([]));
    assert_eq!(crm["downstream_models"], 3);
    assert_eq!(texts(&crm["judgement"]), ["doc/missing"]);
    assert!(texts(&crm["verify"])[1].starts_with("dbt build --select stg_crm_"));
}

fn plan(dir: &Path, open: &[Value]) -> Value {
    fs::write(dir.join("open.json"), serde_json::to_string(open).unwrap()).unwrap();
    let args = ["audit", "--issues", "plan", "--open-issues", "open.json"];
    let plan = json(dir, &args);
    assert_eq!(json(dir, &args), plan);
    assert_eq!(misfits("plan", &plan), Vec::<String>::new());
    plan
}

/// What the forge has after a plan was carried out.
fn posted(plan: &Value) -> Vec<Value> {
    let create = plan["create"].as_array().unwrap().iter().enumerate();
    create
        .map(|(i, issue)| {
            let body = issue["body"].as_str().unwrap().replace('\n', "\r\n");
            json!({"number": i + 1, "title": issue["title"], "body": body})
        })
        .collect()
}

fn lengths(plan: &Value) -> (usize, usize, usize, usize) {
    let of = |key: &str| plan[key].as_array().unwrap().len();
    (of("create"), of("update"), of("close"), of("unchanged"))
}

fn describe(dir: &Path, models: &[&str]) {
    let path = dir.join("models/sources.yml");
    let more: String = models
        .iter()
        .map(|m| format!("- name: {m}\n  description: it is\n"))
        .collect();
    let old = fs::read_to_string(&path).unwrap();
    fs::write(path, old + &more).unwrap();
}

#[test]
fn an_issue_stays_until_its_last_finding_is_gone() {
    let p = shop();
    let first = plan(p.path(), &[]);
    assert_eq!(lengths(&first), (3, 0, 0, 0));
    let open = posted(&first);
    assert_eq!(lengths(&plan(p.path(), &open)), (0, 0, 0, 3));
    let of_sales = |plan: &Value, what: &str| {
        let all = plan[what].as_array().unwrap().iter();
        let mut found = all.filter(|i| i["title"].as_str().unwrap().contains("sales"));
        found.next().unwrap().clone()
    };
    let before = of_sales(&first, "create");
    assert_eq!(before["fingerprints"].as_array().unwrap().len(), 2);
    describe(p.path(), &["a"]);
    let second = plan(p.path(), &open);
    assert_eq!(lengths(&second), (0, 1, 0, 2));
    let after = of_sales(&second, "update");
    assert_eq!(
        (&after["key"], &after["title"]),
        (&before["key"], &before["title"])
    );
    assert_ne!(after["body"], before["body"]);
    assert_eq!(after["fingerprints"].as_array().unwrap().len(), 1);
    describe(p.path(), &["b"]);
    let third = plan(p.path(), &open);
    assert_eq!(lengths(&third), (0, 0, 1, 2));
    assert_eq!(third["close"][0]["key"], before["key"]);
}

#[test]
fn findings_that_moved_stay_with_their_issue() {
    let p = shop();
    let first = plan(p.path(), &[]);
    let open = posted(&first);
    // The same models in another domain: other keys, the same findings.
    fs::create_dir(p.path().join("models/marts/shipping")).unwrap();
    for model in ["a", "b"] {
        let (from, to) = ("models/marts/sales", "models/marts/shipping");
        let name = |dir: &str| p.path().join(format!("{dir}/{model}.sql"));
        fs::rename(name(from), name(to)).unwrap();
    }
    let second = plan(p.path(), &open);
    assert_eq!(lengths(&second), (0, 1, 0, 2));
    describe(p.path(), &["a", "b"]);
    assert_eq!(lengths(&plan(p.path(), &open)), (0, 0, 1, 2));
}

#[test]
fn issues_that_are_not_ours_are_left_alone_and_doubles_go() {
    let p = shop();
    let first = plan(p.path(), &[]);
    let mut open = posted(&first);
    let mut double = open[0].clone();
    double["number"] = 9.into();
    open.push(double);
    open.push(json!({"number": 10, "title": "x", "body": "see <!-- harness-lint:issue:0123456789abcdef -->"}));
    open.push(json!({"number": 11, "title": "x", "body": "<!-- harness-lint:issue:../../x -->"}));
    let second = plan(p.path(), &open);
    assert_eq!(lengths(&second), (0, 0, 1, 3));
    assert_eq!(second["close"][0]["number"], 9);
    fs::write(p.path().join("open.json"), "{}").unwrap();
    let args = ["audit", "--issues", "plan", "--open-issues", "open.json"];
    assert_eq!(code(p.path(), &args), 3);
}

#[test]
fn a_hostile_name_is_text_in_an_issue() {
    let p = shop();
    let dir = p.path().join("models/marts/@everyone --> <img src=x>");
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("x.sql"), "select 1 as id\n").unwrap();
    let plan = plan(p.path(), &[]);
    let all = plan["create"].as_array().unwrap();
    let issue = all
        .iter()
        .find(|i| i["title"].as_str().unwrap().contains("everyone"));
    let body = issue.unwrap()["body"].as_str().unwrap();
    assert!(!body.contains("<img"), "{body}");
    assert!(!body.contains("@everyone"), "{body}");
    assert_eq!(body.matches("-->").count(), 2, "{body}");
}
