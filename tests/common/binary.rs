//! The binary, run as a process over tiny projects.

use assert_cmd::Command;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Output;
use tempfile::TempDir;

/// A model with exactly one finding.
pub const STAR: &str = "select * from {{ source('a', 'b') }}\n";

/// A project with these files.
pub fn project(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &[("dbt_project.yml", "name: shop\n")]);
    configure(dir.path(), "");
    write(dir.path(), files);
    dir
}

/// One rule is on, whatever ships, so that these tests are about the command line alone.
pub fn configure(dir: &Path, more: &str) {
    let text = format!("extends: []\n{more}\n");
    let rules = if more.contains("rules:") {
        ""
    } else {
        "rules: {sql/star-output: on}\n"
    };
    write(dir, &[("harness-lint.yml", &format!("{text}{rules}"))]);
}

/// Writes files below a directory.
pub fn write(dir: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// The binary, in a directory.
pub fn run(dir: &Path, args: &[&str]) -> Output {
    let mut command = Command::cargo_bin("harness-lint").unwrap();
    command.current_dir(dir).args(args).output().unwrap()
}

/// Its exit code.
pub fn code(dir: &Path, args: &[&str]) -> i32 {
    run(dir, args).status.code().unwrap()
}

/// What it answers.
pub fn stdout(dir: &Path, args: &[&str]) -> String {
    String::from_utf8(run(dir, args).stdout).unwrap()
}

/// What it says beside that.
pub fn stderr(dir: &Path, args: &[&str]) -> String {
    String::from_utf8(run(dir, args).stderr).unwrap()
}

/// Its answer as JSON.
pub fn json(dir: &Path, args: &[&str]) -> Value {
    serde_json::from_str(&stdout(dir, args)).unwrap()
}

/// What does not fit the schema that `schema <of>` prints.
pub fn misfits(of: &str, instance: &Value) -> Vec<String> {
    let schema = json(Path::new("."), &["schema", of]);
    assert!(jsonschema::meta::is_valid(&schema), "schema {of}");
    let validator = jsonschema::validator_for(&schema).unwrap();
    validator
        .iter_errors(instance)
        .map(|e| e.to_string())
        .collect()
}
