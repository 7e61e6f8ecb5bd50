//! What the integration tests share: rule pages as projects, and runs over them.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

pub mod binary;
pub mod git;
pub mod preset;
pub mod scratch;

use harness_lint::check::Finding;
pub use harness_lint::proof::files_of;
use harness_lint::registry::{Entry, RuleFilter};
use harness_lint::run::{self, Outcome, Request};
use harness_lint::threads;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Files of a tiny project by path. A path may be followed by how to write it: ` bytes` (`\\xE9` in
/// the text is that byte), ` link=target` (a symlink), ` commits=6` (the
/// file was changed by so many commits).
pub type Files = BTreeMap<String, String>;

/// The files of a page's section, with those of Bad where the section does not show its own.
pub fn example(entry: &Entry, section: &str) -> Option<Files> {
    let meta = entry.meta();
    let mut files = files_of(&meta.section("Bad")?);
    let bare = |path: &str| path.split(' ').next().unwrap().to_owned();
    let own = files_of(&meta.section(section)?);
    files.retain(|path, _| !own.keys().any(|p| bare(p) == bare(path)));
    files.extend(own);
    // A file that a section shows as empty is not there.
    files.retain(|_, text| !text.trim().is_empty());
    Some(files)
}

/// Writes a project; dbt_project.yml is added where it is not shown.
pub fn write(dir: &Path, files: &Files) {
    let project = "dbt_project.yml".to_owned();
    if !files.contains_key(&project) {
        fs::write(dir.join(project), "name: shop\nversion: '1.0'\n").unwrap();
    }
    for (path, text) in files {
        let (path, how) = path.split_once(' ').unwrap_or((path, ""));
        let path = dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        match how.strip_prefix("link=") {
            Some(target) => std::os::unix::fs::symlink(target, path).unwrap(),
            None if how.starts_with("commits=") => {
                committed(dir, &path, text, how["commits=".len()..].parse().unwrap());
            }
            None if how == "bytes" => fs::write(path, unescape(text)).unwrap(),
            None => fs::write(path, text).unwrap(),
        }
    }
}

/// Writes a file so that git knows this many versions of it, the last of them as given.
fn committed(dir: &Path, path: &Path, text: &str, count: usize) {
    let git = |args: &[&str]| {
        let identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
        let mut git = std::process::Command::new("git");
        let done = git.arg("-C").arg(dir).args(identity).args(args).output();
        assert!(done.unwrap().status.success(), "git {args:?}");
    };
    git(&["init", "-q"]);
    for left in (0..count).rev() {
        fs::write(path, format!("{text}{}", "\n".repeat(left))).unwrap();
        git(&["add", "."]);
        git(&["commit", "-qm", "change"]);
    }
}

fn unescape(text: &str) -> Vec<u8> {
    let mut parts = text.split("\\x");
    let mut out = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        out.push(u8::from_str_radix(&part[..2], 16).unwrap());
        out.extend(&part.as_bytes()[2..]);
    }
    out
}

/// `check` over a directory, on threads as the binary has them.
pub fn check(dir: &Path, filter: RuleFilter) -> Outcome {
    let request = Request {
        cwd: dir.to_owned(),
        project_dir: Some(dir.to_owned()),
        filter,
        ..Request::default()
    };
    threads::on_pool(2, || match run::check(&request) {
        Ok(outcome) => outcome,
        Err(error) => panic!("{error:?}"),
    })
}

/// Only this rule, on whatever the configuration says.
pub fn only(rule: &str) -> RuleFilter {
    RuleFilter {
        only: vec![rule.to_owned()],
        ignore: Vec::new(),
    }
}

/// `check` over files.
pub fn check_files(files: &Files, filter: RuleFilter) -> Outcome {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), files);
    check(dir.path(), filter)
}

/// A finding in one line, for messages and comparisons.
pub fn line(outcome: &Outcome, f: &Finding) -> String {
    let project = &outcome.prepared.project;
    let file = project.files.get(f.primary.span.file);
    let at = file.line_col(f.primary.span.start);
    let severity = f.severity.as_str();
    format!(
        "{}:{}:{} {severity} {} {}",
        file.path, at.line, at.col, f.rule, f.primary.message
    )
}

/// All findings, a line each.
pub fn lines(outcome: &Outcome) -> Vec<String> {
    let findings = outcome.checked.findings.iter();
    findings.map(|f| line(outcome, f)).collect()
}
