//! docs/declared-rules.md says what the code reads, and docs/first-rule.md does what it says.
//! `UPDATE=1 cargo test --test declared_docs` rewrites the tables.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::binary::{code, run, stdout, write};
use common::files_of;
use harness_lint::declared;
use std::fs;
use std::path::Path;

fn page(name: &str) -> String {
    fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("docs")
            .join(name),
    )
    .unwrap()
}

#[test]
fn the_tables_are_those_of_the_code() {
    let before = page("declared-rules.md");
    let mut text = before.clone();
    for (name, table) in declared::reference() {
        let (open, close) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
        let start = text.find(&open).expect(name) + open.len();
        let end = start + text[start..].find(&close).expect(name);
        text.replace_range(start..end, &table);
    }
    if std::env::var_os("UPDATE").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/declared-rules.md");
        return fs::write(path, text).unwrap();
    }
    assert_eq!(
        before, text,
        "stale: UPDATE=1 cargo test --test declared_docs"
    );
}

/// The rules that the reference shows are rules, and proven.
#[test]
fn the_rule_of_the_reference_is_proven() {
    let dir = tempfile::tempdir().unwrap();
    let files = files_of(&page("declared-rules.md"));
    assert_eq!(files.len(), 1);
    for (path, text) in &files {
        write(dir.path(), &[(path, text)]);
    }
    assert_eq!(
        code(dir.path(), &["test", "."]),
        0,
        "{}",
        stdout(dir.path(), &["test", "."])
    );
}

/// Every block of the page, in its order: files are written, commands run, exit codes compared.
#[test]
fn the_first_rule_is_written_as_the_page_says() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &[("dbt_project.yml", "name: shop\n")]);
    let text = page("first-rule.md");
    let mut blocks = text.split("\n```");
    let mut last = String::new();
    let mut ran = 0;
    blocks.next();
    // Blocks and the text between them take turns.
    for block in blocks.step_by(2) {
        let (info, body) = block.split_once('\n').unwrap_or((block, ""));
        let body = format!("{body}\n");
        match info.split_once(' ') {
            Some((_, path)) => write(dir.path(), &[(path, &body)]),
            None if info == "sh" => {
                let (command, wanted) = body.split_once('#').unwrap_or((&body, "exit code 0"));
                let args: Vec<&str> = command.split_whitespace().skip(1).collect();
                let output = run(dir.path(), &args);
                last = String::from_utf8(output.stdout).unwrap();
                let wanted: i32 = wanted
                    .trim()
                    .strip_prefix("exit code ")
                    .unwrap()
                    .parse()
                    .unwrap();
                let said = String::from_utf8_lossy(&output.stderr);
                assert_eq!(
                    output.status.code(),
                    Some(wanted),
                    "{command}\n{last}{said}"
                );
                ran += 1;
            }
            None => {
                for line in body.lines() {
                    assert!(last.contains(line.trim_end()), "`{line}` is not in\n{last}");
                }
            }
        }
    }
    assert_eq!(ran, 4);
    let explained = stdout(dir.path(), &["explain", "ap/length-macro-on-a-rate"]);
    for part in [
        "Scenario: ",
        "Phenomenon: ",
        "Root cause: ",
        "Incident: docs",
        "## Bad",
    ] {
        assert!(explained.contains(part), "{part}");
    }
}
