//! What context/stale can tell from git, and what it says where it cannot.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Files, check, lines, only};
use std::fs;
use std::path::Path;
use std::process::Command;

const OVERVIEW: &str = "context/sources/erp/erp.md";

/// A project with a source, a model of it that git knows in so many versions, and an overview.
fn written(dir: &Path, overview: &str, commits: usize) {
    let files = [
        (
            "models/sources.yml".to_owned(),
            "sources: [{name: erp, tables: [{name: orders}]}]\n",
        ),
        (OVERVIEW.to_owned(), overview),
        (
            format!("models/stg_orders.sql commits={commits}"),
            "select id from {{ source('erp', 'orders') }}\n",
        ),
    ];
    let files: Files = files.map(|(p, t)| (p, t.to_owned())).into();
    common::write(dir, &files);
}

/// What is found, then what is skipped.
fn said(dir: &Path) -> (Vec<String>, Vec<String>) {
    let outcome = check(dir, only("context/stale"));
    let notices = outcome.prepared.project.notices.iter();
    let notices = notices.map(|n| format!("{} {}: {}", n.what, n.path, n.why));
    (lines(&outcome), notices.collect())
}

const VERIFIED: &str = "---\nstatus: verified\nverified_at: 2001-01-31\n---\n";

#[test]
fn a_shallow_clone_is_said_once() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, cut) = (dir.path().join("whole"), dir.path().join("cut"));
    fs::create_dir(&whole).unwrap();
    written(&whole, VERIFIED, 6);
    let (found, skipped) = said(&whole);
    assert_eq!(
        (found.len(), skipped.len()),
        (1, 0),
        "{found:?} {skipped:?}"
    );
    let from = format!("file://{}", whole.display());
    let clone = ["clone", "-q", "--depth=1", &from];
    let done = Command::new("git").args(clone).arg(&cut).status().unwrap();
    assert!(done.success());
    let (found, skipped) = said(&cut);
    assert_eq!(found, [""; 0]);
    let wanted = "history context/sources: history unknown: shallow clone; context/stale did not judge 1 verified overview";
    assert_eq!(skipped, [wanted]);
}

#[test]
fn without_git_it_is_said_too_where_something_claims_to_be_verified() {
    for (overview, count) in [
        (VERIFIED, 1),
        ("---\nstatus: stale\n---\n", 0),
        ("# ERP\n", 0),
    ] {
        let dir = tempfile::tempdir().unwrap();
        written(dir.path(), overview, 1);
        fs::remove_dir_all(dir.path().join(".git")).unwrap();
        // Some file systems bring a work tree of their own above.
        let (found, skipped) = said(dir.path());
        assert_eq!(found, [""; 0]);
        assert_eq!(skipped.len(), count, "{overview}: {skipped:?}");
        assert!(
            skipped.iter().all(|s| s.contains("no git work tree")),
            "{skipped:?}"
        );
    }
}

#[test]
fn no_other_rule_speaks_of_history() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path(), VERIFIED, 1);
    fs::remove_dir_all(dir.path().join(".git")).unwrap();
    let outcome = check(dir.path(), only("context/status"));
    assert_eq!(outcome.prepared.project.notices, []);
}

#[test]
fn a_check_by_a_commit_that_git_does_not_know_is_not_judged() {
    let dir = tempfile::tempdir().unwrap();
    written(
        dir.path(),
        "---\nstatus: verified\nverified_at: 0123abc\n---\n",
        6,
    );
    let (found, skipped) = said(dir.path());
    assert_eq!(found, [""; 0]);
    assert!(
        skipped[0].contains("`verified_at` is neither"),
        "{skipped:?}"
    );
}

#[test]
fn an_overview_that_is_being_written_is_not_stale() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path(), "# ERP\n", 6);
    let page = dir.path().join("context/sources/erp");
    let git = |args: &[&str]| {
        let identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
        let mut git = Command::new("git");
        let done = git.arg("-C").arg(dir.path()).args(identity).args(args);
        assert!(done.status().unwrap().success());
    };
    git(&["rm", "-q", OVERVIEW]);
    git(&["commit", "-qm", "gone"]);
    fs::create_dir_all(&page).unwrap();
    // Its name is new to git.
    fs::rename(
        dir.path().join("models/sources.yml"),
        dir.path().join("models/s.yml"),
    )
    .unwrap();
    let text = fs::read_to_string(dir.path().join("models/s.yml")).unwrap();
    fs::write(dir.path().join("models/s.yml"), text.replace("erp", "crm")).unwrap();
    let model = "select id from {{ source('crm', 'orders') }}\n";
    fs::write(dir.path().join("models/stg_orders.sql"), model).unwrap();
    let page = dir.path().join("context/sources/crm");
    fs::create_dir_all(&page).unwrap();
    fs::write(page.join("crm.md"), "---\nstatus: verified\n---\n").unwrap();
    assert_eq!(said(dir.path()), (Vec::new(), Vec::new()));
}
