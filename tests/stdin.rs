//! `check - --stdin-filename`: what an editor holds of a file stands in for what lies on disk.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use assert_cmd::Command;
use common::binary::{STAR, configure, project, write};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Output;

fn run(dir: &Path, stdin: &str, args: &[&str]) -> Output {
    let mut command = Command::cargo_bin("harness-lint").unwrap();
    let command = command.current_dir(dir).arg("check").args(args);
    command.write_stdin(stdin).output().unwrap()
}

fn code(dir: &Path, stdin: &str, args: &[&str]) -> i32 {
    run(dir, stdin, args).status.code().unwrap()
}

fn text(dir: &Path, stdin: &str, name: &str) -> String {
    let output = run(dir, stdin, &["-", "--stdin-filename", name]);
    String::from_utf8(output.stdout).unwrap()
}

/// `path:line rule` of each finding.
fn found(dir: &Path, stdin: &str, name: &str) -> Vec<String> {
    let args = ["-", "--stdin-filename", name, "--format", "json"];
    let output = run(dir, stdin, &args);
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&output.stderr)));
    let findings = report["findings"].as_array().unwrap().iter();
    let line = |f: &Value| {
        let text = |key: &str| f[key].as_str().unwrap();
        format!("{}:{} {}", text("path"), f["range"]["line"], text("rule"))
    };
    findings.map(line).collect()
}

fn shop() -> tempfile::TempDir {
    let dir = project(&[
        ("models/a.sql", "select 1 as id\n"),
        ("models/b.sql", STAR),
        ("models/c.sql", "select id from {{ ref('a') }}\n"),
    ]);
    let rules =
        "rules: {sql/star-output: error, graph/broken-ref: error, input/yaml-syntax: error}";
    configure(dir.path(), rules);
    dir
}

#[test]
fn the_buffer_is_judged_and_nothing_else_is_told() {
    let dir = shop();
    let dir = dir.path();
    let name = "models/a.sql";
    assert_eq!(found(dir, "select 1 as id\n", name), [""; 0]);
    let star = format!("-- new\n{STAR}");
    assert_eq!(found(dir, &star, name), ["models/a.sql:2 sql/star-output"]);
    assert_eq!(code(dir, &star, &["-", "--stdin-filename", name]), 1);
    assert!(text(dir, &star, name).contains("\nverify: harness-lint check models/a.sql\n"));
    let on_disk = fs::read_to_string(dir.join(name)).unwrap();
    assert_eq!(on_disk, "select 1 as id\n", "nothing is written");
    // The other file is understood and not reported, although it has a finding.
    assert_eq!(found(dir, "select id from {{ ref('b') }}\n", name), [""; 0]);
    let lost = found(dir, "select id from {{ ref('z') }}\n", name);
    assert_eq!(lost, ["models/a.sql:1 graph/broken-ref"]);
    assert_eq!(found(dir, "", name), [""; 0]);
}

#[test]
fn a_file_that_is_not_there_yet() {
    let dir = shop();
    let dir = dir.path();
    for name in [
        "models/new.sql",
        "models/sub/folder/new.sql",
        "./models/../models/new.sql",
    ] {
        let found = found(dir, STAR, name);
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        assert!(found[0].ends_with("new.sql:1 sql/star-output"), "{found:?}");
    }
    assert!(!dir.join("models/new.sql").exists() && !dir.join("models/sub").exists());
    let yaml = found(dir, "models: [\n", "models/new.yml");
    assert!(yaml[0].starts_with("models/new.yml:"), "{yaml:?}");
    // The whole project is understood, this file included.
    let args = [
        "-",
        "--stdin-filename",
        "models/new.sql",
        "--format",
        "json",
    ];
    let report: Value = serde_json::from_slice(&run(dir, STAR, &args).stdout).unwrap();
    assert_eq!(report["summary"]["models"], 4);
    assert_eq!(report["findings"][0]["node"]["unique_id"], "model.shop.new");
}

#[test]
fn what_is_no_file_of_dbt_has_no_finding() {
    let dir = shop();
    let dir = dir.path();
    assert_eq!(
        code(dir, "hello", &["-", "--stdin-filename", "notes.txt"]),
        0
    );
    assert!(text(dir, "hello", "notes.txt").contains("no file of the project"));
    assert_eq!(
        code(dir, STAR, &["-", "--stdin-filename", "../outside.sql"]),
        4
    );
    assert_eq!(
        code(dir, STAR, &["-", "--stdin-filename", "/outside.sql"]),
        4
    );
}

#[test]
fn the_configuration_may_be_the_buffer() {
    let dir = shop();
    let dir = dir.path();
    let args = ["-", "--stdin-filename", "harness-lint.yml"];
    assert_eq!(code(dir, "nope: 1\n", &args), 2);
    assert_eq!(code(dir, "extends: []\n", &args), 0);
}

#[test]
fn stdin_has_a_name_and_stands_alone() {
    let dir = shop();
    let dir = dir.path();
    for args in [
        &["-"][..],
        &["--stdin-filename", "models/a.sql"],
        &["models/a.sql", "--stdin-filename", "models/a.sql"],
        &["-", "models/b.sql", "--stdin-filename", "models/a.sql"],
        &[
            "-",
            "--stdin-filename",
            "models/a.sql",
            "--write-baseline",
            "--reason",
            "x",
        ],
    ] {
        assert_eq!(code(dir, STAR, args), 2, "{args:?}");
    }
    // Without the verb, too.
    let mut bare = Command::cargo_bin("harness-lint").unwrap();
    let bare = bare
        .current_dir(dir)
        .args(["-", "--stdin-filename", "models/a.sql"]);
    assert_eq!(
        bare.write_stdin(STAR).output().unwrap().status.code(),
        Some(1)
    );
}

#[test]
fn the_file_tells_which_project_is_meant() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    fs::create_dir(dir.join(".git")).unwrap();
    for name in ["finance", "sales"] {
        let config = "extends: []\nrules: {sql/star-output: error}\n";
        write(
            dir,
            &[
                (
                    &format!("{name}/dbt_project.yml"),
                    &format!("name: {name}\n"),
                ),
                (&format!("{name}/harness-lint.yml"), config),
                (&format!("{name}/models/a.sql"), "select 1 as id\n"),
            ],
        );
    }
    let found = found(dir, STAR, "sales/models/b/new.sql");
    assert_eq!(found, ["models/b/new.sql:1 sql/star-output"]);
    let said = text(dir, STAR, "sales/models/a.sql");
    assert!(
        said.contains("check --project-dir sales sales/models/a.sql"),
        "{said}"
    );
}

#[cfg(unix)]
#[test]
fn a_link_is_the_file_it_leads_to() {
    let dir = shop();
    let dir = dir.path();
    std::os::unix::fs::symlink(dir.join("models"), dir.join("also")).unwrap();
    assert_eq!(
        found(dir, STAR, "also/a.sql"),
        ["models/a.sql:1 sql/star-output"]
    );
    let outside = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(outside.path(), dir.join("out")).unwrap();
    assert_eq!(code(dir, STAR, &["-", "--stdin-filename", "out/a.sql"]), 4);
}
