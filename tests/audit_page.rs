//! What `audit` makes of rules' pages and of hostile repositories. The page itself is tested in a
//! browser by tests/ecosystem/page.py.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::binary::{code, run, stdout, write};
use harness_lint::audit::subjects;
use harness_lint::registry::{self, Entry};
use std::fs;
use tempfile::TempDir;

/// The denominators are what a rule says of itself; its own bad example holds it to that.
#[test]
fn a_rule_says_what_it_judges() {
    let mut wrong = Vec::new();
    for entry in registry::shipped() {
        let id = &*entry.meta().id;
        let files = common::example(entry, "Bad").unwrap();
        let outcome = common::check_files(&files, common::only(id));
        let (project, rules) = (&outcome.prepared.project, &outcome.prepared.rules);
        let pairs = subjects::pairs(project, rules, &outcome.checked);
        assert!(pairs.iter().any(|p| p.open > 0), "{id}");
        assert!(
            pairs.iter().all(|p| p.parts > 0 && p.failing() <= p.parts),
            "{id}"
        );
        // A source itself beside its tables; tests that are off because their model is.
        let of_two_kinds = ["doc/source-missing", "test/never-runs"].contains(&id);
        // A declared rule may judge what nothing counts: groups, metrics, workflows.
        let is_declared = matches!(entry, Entry::Declared(_));
        if !of_two_kinds && !is_declared && pairs.iter().any(|p| p.unforeseen) {
            wrong.push(id);
        }
    }
    assert_eq!(wrong, [""; 0]);
}

/// What metrics count is found by these rules, whether they are on or not.
#[test]
fn the_rules_that_metrics_ask_are_there() {
    let metrics = include_str!("../src/audit/metrics.rs");
    let named = metrics
        .split('"')
        .filter(|w| w.contains('/') && !w.contains(' ') && !w.starts_with('.'));
    let named: Vec<&str> = named.collect();
    assert_eq!(named.len(), 10);
    let known = registry::ids();
    assert!(named.iter().all(|id| known.contains(id)), "{named:?}");
}

const HOSTILE: &str = "x</script><img src=x onerror=alert(1)><!--";

fn hostile() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    write(
        dir.path(),
        &[
            ("dbt_project.yml", &format!("name: \"{HOSTILE}\"\n")),
            (
                "harness-lint.yml",
                "extends: []\nrules: {doc/missing: warn}\n",
            ),
            ("CODEOWNERS", "* @a</script><u>\n"),
            (
                &format!(
                    "models/{}/{}.sql",
                    "@everyone | [x](y)",
                    HOSTILE.replace('/', "_")
                ),
                "select 1 as id\n",
            ),
        ],
    );
    dir
}

#[test]
fn names_of_a_repository_are_no_markup_of_the_page() {
    let p = hostile();
    for name in ["a.html", "b.html"] {
        assert_eq!(code(p.path(), &["audit", "--html", name]), 0);
    }
    let page = fs::read_to_string(p.path().join("a.html")).unwrap();
    assert_eq!(page, fs::read_to_string(p.path().join("b.html")).unwrap());
    assert!(!page.contains("<img") && !page.contains("<!--") && !page.contains("<u>"));
    assert_eq!(page.matches("</script>").count(), 2);
    assert!(page.contains("default-src 'none'"));
    let addresses =
        page.matches("http").count() - page.matches("http://www.w3.org/2000/svg").count();
    // `http-equiv` is the only other one.
    assert_eq!(addresses, 1);
}

#[test]
fn names_of_a_repository_are_no_markdown_and_no_lines() {
    let p = hostile();
    let md = stdout(p.path(), &["audit", "--format", "md"]);
    assert!(
        !md.contains("<img") && !md.contains("<!--") && !md.contains("](y)"),
        "{md}"
    );
    assert!(!md.contains("@everyone"), "{md}");
}

#[test]
fn a_page_that_cannot_be_written_is_refused_before_the_work() {
    let p = hostile();
    let done = run(p.path(), &["audit", "--html", "no/such/page.html"]);
    assert_eq!(done.status.code(), Some(3));
    assert!(done.stdout.is_empty());
}
