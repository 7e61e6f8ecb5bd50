//! A small project in a scratch repository, and what a check of it tells.

use super::binary::{json, write};
use super::git::{commit, init};
use serde_json::Value;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// Rules whose findings these tests are about.
pub const RULES: &str = "extends: []
rules:
  doc/missing: on
  sql/star-output: on
  graph/broken-ref: on
  graph/unused-source: on
  graph/chained-views: {severity: warn, threshold: 3}
  context/dead-mention: on
  context/broken-link: on
  input/jinja-syntax: on
  test/never-runs: on
";

/// Six models: `a` (of the source), `b` and `c` (of `a`), `d` (of `b`), `far` (of `d`), and `apart`,
/// which hangs on nothing. None is described, so each that is judged is told.
pub const FILES: [(&str, &str); 10] = [
    ("dbt_project.yml", "name: shop\n"),
    ("harness-lint.yml", RULES),
    (
        "models/a.sql",
        "select id from {{ source('erp', 'one') }}\n",
    ),
    ("models/b.sql", "select id from {{ ref('a') }}\n"),
    (
        "models/c.sql",
        "select {{ cents('id') }} as id from {{ ref('a') }}\n",
    ),
    ("models/d.sql", "select id from {{ ref('b') }}\n"),
    ("models/far.sql", "select id from {{ ref('d') }}\n"),
    ("models/apart.sql", "select 1 as id\n"),
    (
        "models/erp.yml",
        "sources:\n- name: erp\n  tables:\n  - name: one\n  - name: two\n",
    ),
    (
        "macros/cents.sql",
        "{% macro cents(x) %}{{ whole(x) }}{% endmacro %}\n{% macro whole(x) %}{{ x }} / 100{% endmacro %}\n{% macro idle() %}1{% endmacro %}\n",
    ),
];

/// A repository with one commit, whose project lies in `below`.
pub fn repository(below: &str, more: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join(below)).unwrap();
    write(&dir.path().join(below), &FILES);
    write(&dir.path().join(below), more);
    init(dir.path());
    commit(dir.path());
    dir
}

/// The findings as `node rule`, in short, sorted; findings about no node as `path rule`.
pub fn told(dir: &Path, args: &[&str]) -> Vec<String> {
    let args: Vec<&str> = ["check", "--format", "json"]
        .iter()
        .chain(args)
        .copied()
        .collect();
    let report = json(dir, &args);
    let mut all: Vec<String> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(short)
        .collect();
    all.sort();
    all
}

fn short(finding: &Value) -> String {
    let name = finding["node"]["name"].as_str();
    let what = name.or(finding["path"].as_str()).unwrap();
    let rule = finding["rule"].as_str().unwrap();
    format!("{what} {}", rule.split('/').nth(1).unwrap())
}

/// The models that are judged: none of them is described.
pub fn judged(dir: &Path, args: &[&str]) -> String {
    let all = told(dir, args);
    let missing = all.iter().filter_map(|t| t.strip_suffix(" missing"));
    missing.collect::<Vec<_>>().join(" ")
}

/// What is not committed.
pub const SINCE: &[&str] = &["--changed=HEAD"];

/// Adds to a file.
pub fn append(dir: &Path, path: &str, text: &str) {
    let path = dir.join(path);
    let old = fs::read_to_string(&path).unwrap();
    fs::write(path, old + text).unwrap();
}
