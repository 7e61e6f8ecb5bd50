//! Input that nobody should write must not end a run, and must not hide the rest.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Files, check, check_files, lines, write};
use harness_lint::registry::RuleFilter;
use harness_lint::run::Outcome;

fn with(model: String) -> Outcome {
    let mut files = Files::new();
    files.insert("models/hard.sql".to_owned(), model);
    files.insert(
        "models/easy.sql".to_owned(),
        "select * from {{ ref('other') }}\n".to_owned(),
    );
    files.insert("models/other.sql".to_owned(), "select 1 as id\n".to_owned());
    let filter = RuleFilter {
        only: vec!["sql/*".to_owned(), "input/*".to_owned()],
        ignore: Vec::new(),
    };
    let outcome = check_files(&files, filter);
    assert!(
        lines(&outcome)
            .iter()
            .any(|l| l.starts_with("models/easy.sql:1:8")),
        "the rest is checked"
    );
    outcome
}

#[test]
fn a_long_chain_of_conditions() {
    for n in [2_500, 40_000] {
        let terms: Vec<String> = (0..n).map(|i| format!("a = {i}")).collect();
        with(format!("select a from t where {}", terms.join(" or ")));
        let sum: Vec<String> = (0..n).map(|i| i.to_string()).collect();
        with(format!("select {} as x", sum.join(" + ")));
    }
}

#[test]
fn twenty_thousand_unions() {
    let selects = vec!["select 1 as a"; 20_000];
    let outcome = with(selects.join(" union all "));
    assert_eq!(outcome.prepared.project.counts.parsed, 3);
}

#[test]
fn deep_nesting() {
    with(format!(
        "select {}1{}",
        "(".repeat(10_000),
        ")".repeat(10_000)
    ));
    with(format!(
        "{}select 1{}",
        "(".repeat(5_000),
        ")".repeat(5_000)
    ));
    with("{% if x %}".repeat(3_000));
    with("case when ".repeat(3_000));
    with(format!("select {} 1", "not ".repeat(20_000)));
    with(format!("select {} 1", "- ".repeat(20_000)));
}

#[test]
fn a_model_of_five_megabytes() {
    let line = "select coalesce(a, 'ü') as b from t where x in (1, 2, 3) union all\n";
    with(line.repeat((5 << 20) / line.len()) + "select 1");
}

#[test]
fn bytes_that_are_no_text() {
    with("select \0 from \u{202e}x".to_owned());
    with("{{ ref('\u{1b}[31mred') }}".to_owned());
    with(String::new());
    with("\u{feff}".to_owned());
    with("-- only a comment".to_owned());
    with(";;;".to_owned());
}

#[test]
fn a_symlink_loop_and_a_link_out_of_the_repository() {
    let dir = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret.sql"), "select 1 as secret").unwrap();
    let mut files = Files::new();
    files.insert("models/a.sql".to_owned(), "select 1 as id\n".to_owned());
    write(dir.path(), &files);
    let link = |target: &std::path::Path, name: &str| {
        std::os::unix::fs::symlink(target, dir.path().join("models").join(name)).unwrap();
    };
    link(&dir.path().join("models"), "again");
    link(&outside.path().join("secret.sql"), "secret.sql");
    link(outside.path(), "all");
    let outcome = check(dir.path(), RuleFilter::default());
    let project = &outcome.prepared.project;
    assert_eq!(project.counts.models, 1);
    let paths: Vec<&str> = project.notices.iter().map(|n| n.path.as_str()).collect();
    for path in ["models/again", "models/all/secret.sql", "models/secret.sql"] {
        assert!(paths.contains(&path), "{path}: {:?}", project.notices);
    }
    assert!(
        project
            .files
            .iter()
            .all(|(_, f)| !f.text.contains("secret"))
    );
}
