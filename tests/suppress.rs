//! What suppression comments do, and what is said of those that do nothing.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Files, check_files, lines};
use harness_lint::check::Checked;
use harness_lint::registry::RuleFilter;

fn project(model: &str) -> Files {
    let mut files = Files::new();
    files.insert("models/a.sql".to_owned(), model.to_owned());
    files.insert("models/b.sql".to_owned(), "select 1 as id\n".to_owned());
    files
}

fn run(model: &str) -> (Vec<String>, Checked) {
    let filter = RuleFilter {
        only: vec!["sql/star-output".into(), "harness/*".into()],
        ignore: Vec::new(),
    };
    let outcome = check_files(&project(model), filter);
    (lines(&outcome), outcome.checked)
}

const STAR: &str = "select * from {{ ref('b') }}\n";

#[test]
fn the_line_below_its_own_line_and_the_file() {
    for model in [
        format!("-- harness-lint: ignore[sql/star-output] because\n{STAR}"),
        "select * from {{ ref('b') }} -- harness-lint: ignore[sql/*] because\n".to_owned(),
        format!("{{# harness-lint: ignore-file[sql/star-output] because #}}\n\n\n{STAR}"),
        format!("-- harness-lint: ignore[sql/star-output] because\r\n{STAR}"),
    ] {
        let (found, checked) = run(&model);
        assert_eq!(found, [""; 0], "{model}");
        assert_eq!(checked.suppressed, 1, "{model}");
    }
}

#[test]
fn comments_on_consecutive_lines_share_the_line_below() {
    let (found, checked) = run(&format!(
        "-- harness-lint: ignore[sql/star-output] because\n\
         -- harness-lint: ignore[sql/inner-after-left] because\n{STAR}"
    ));
    assert_eq!(found, [""; 0]);
    assert_eq!(checked.suppressed, 1);
}

#[test]
fn a_comment_elsewhere_suppresses_nothing_and_is_reported() {
    let (found, _) = run(&format!(
        "-- harness-lint: ignore[sql/star-output] because\n\n{STAR}"
    ));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("harness/unused-suppression"), "{found:?}");
}

#[test]
fn only_rules_that_ran_are_judged() {
    let (found, _) = run("-- harness-lint: ignore[test/pk] because\nselect 1 as id\n");
    assert_eq!(found, [""; 0]);
    let (found, _) = run("-- harness-lint: ignore[test/pks] because\nselect 1 as id\n");
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("there is no rule"), "{found:?}");
}

#[test]
fn a_suppression_without_reason_works_and_is_reported() {
    let (found, checked) = run(&format!("-- harness-lint: ignore[sql/star-output]\n{STAR}"));
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("harness/suppression-reason"), "{found:?}");
    assert_eq!(checked.suppressed, 1);
}
