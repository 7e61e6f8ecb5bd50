//! What git knows of the work tree: the commit, and whether files differ from it.
//!
//! git is asked by its command. A repository's own configuration can name programs (a file system
//! monitor, filters, hooks, a transport); none of them may run because somebody linted a checkout,
//! so every one that these questions could start is switched off.

mod blobs;
mod changes;

pub use changes::{Against, Changed, Changes, NoChanges, changes};

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

/// Where the work tree stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// The commit; none before the first.
    pub sha: Option<String>,
    /// Some file differs from it, or is not known to it; none where git could not be asked safely.
    pub dirty: Option<bool>,
}

/// The state of the work tree at `root`; none where that is no work tree, or there is no git.
pub fn head(root: &Path) -> Option<Head> {
    if !root.join(".git").exists() {
        return None;
    }
    let inside = run(root, &[], &["rev-parse", "--is-inside-work-tree"])?;
    if inside.trim_ascii() != b"true" {
        return None;
    }
    let sha = run(root, &[], &["rev-parse", "--verify", "--quiet", "HEAD"]);
    let sha = sha.and_then(|s| String::from_utf8(s).ok());
    Some(Head {
        sha: sha.map(|s| s.trim().to_owned()).filter(|s| !s.is_empty()),
        dirty: dirty(root),
    })
}

/// Commits, the newest first, as far as they touch the paths that were asked about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// In order.
    pub commits: Vec<Commit>,
    /// All of them are there, back to the first: no clone cut them off, no bound was reached.
    pub whole: bool,
}

/// One commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its id.
    pub sha: String,
    /// The day it was made, as `2024-01-31`.
    pub day: String,
    /// Paths that it touched, from the root.
    pub paths: Vec<String>,
}

/// Older commits are not looked at.
pub const MAX_COMMITS: usize = 2_000;

/// The history of some paths (from the root), by one question to git; none where it cannot be
/// asked.
pub fn history(root: &Path, paths: &[String]) -> Option<History> {
    if !root.join(".git").exists() || paths.is_empty() {
        return None;
    }
    let count = format!("--max-count={}", MAX_COMMITS + 1);
    let mut args = vec![
        // What a pattern matches would depend on its letters.
        "--literal-pathspecs",
        "log",
        "-z",
        "--no-show-signature",
        "--no-ext-diff",
        "--no-textconv",
        "--no-renames",
        "--decorate=short",
        "--name-only",
        "--format=%x01%H%x02%cs%x02%D%x02",
        &count,
        "--",
    ];
    args.extend(paths.iter().map(String::as_str));
    let out = run(root, &[], &args)?;
    let text = String::from_utf8_lossy(&out);
    let cut = root.join(".git/shallow").exists();
    let mut history = History {
        commits: Vec::new(),
        whole: !cut,
    };
    for record in text.split('\u{1}').skip(1) {
        let mut parts = record.splitn(4, '\u{2}');
        let (Some(sha), Some(day), Some(names)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        history.whole &= !names.split(", ").any(|n| n == "grafted");
        let paths = parts.next().unwrap_or_default().split(['\0', '\n']);
        history.commits.push(Commit {
            sha: sha.to_owned(),
            day: day.to_owned(),
            paths: paths.filter(|p| !p.is_empty()).map(str::to_owned).collect(),
        });
    }
    if history.commits.len() > MAX_COMMITS {
        history.commits.truncate(MAX_COMMITS);
        history.whole = false;
    }
    Some(history)
}

/// Which of some paths (from the root) differ from the commit, or are not known to it; none where
/// git cannot be asked.
pub fn differing(root: &Path, paths: &[String]) -> Option<BTreeSet<String>> {
    if !root.join(".git").exists() || paths.is_empty() {
        return None;
    }
    let off = filters_off(root)?;
    let mut args = vec![
        "--literal-pathspecs",
        "status",
        "--porcelain",
        "-z",
        "--no-renames",
        "--untracked-files=all",
        "--ignore-submodules=all",
        "--",
    ];
    args.extend(paths.iter().map(String::as_str));
    let out = run(root, &off, &args)?;
    let text = String::from_utf8_lossy(&out);
    let names = text.split('\0').filter_map(|line| line.get(3..));
    Some(names.map(str::to_owned).collect())
}

fn dirty(root: &Path) -> Option<bool> {
    let off = filters_off(root)?;
    let status = [
        "status",
        "--porcelain",
        "-z",
        "--untracked-files=normal",
        // A submodule has a configuration of its own.
        "--ignore-submodules=all",
    ];
    Some(!run(root, &off, &status)?.is_empty())
}

/// Configuration that empties every content filter: comparing a file would run it.
fn filters_off(root: &Path) -> Option<Vec<String>> {
    const FILTERS: &str = r"^filter\..*\.(clean|smudge|process|required)$";
    let list = ["config", "-z", "--name-only", "--get-regexp", FILTERS];
    // git answers "none" with a failure.
    let names = run(root, &[], &list).unwrap_or_default();
    let names = String::from_utf8(names).ok()?;
    let mut off = Vec::new();
    for name in names.split('\0').filter(|n| !n.is_empty()) {
        // `-c` cannot say such a name; then the question is not asked.
        if name.contains(['=', '\n']) {
            return None;
        }
        let value = if name.ends_with(".required") {
            "false"
        } else {
            ""
        };
        off.push(format!("{name}={value}"));
    }
    Some(off)
}

fn run(root: &Path, config: &[String], args: &[&str]) -> Option<Vec<u8>> {
    let out = command(root, config, args).output().ok()?;
    out.status.success().then_some(out.stdout)
}

/// git, asked so that it starts no program, writes nothing and does not wait for anybody.
fn command(root: &Path, config: &[String], args: &[&str]) -> Command {
    let mut git = Command::new("git");
    git.arg("--no-optional-locks").arg("-C").arg(root);
    git.args([
        "-c",
        "core.fsmonitor=false",
        "-c",
        "core.hooksPath=/dev/null",
    ]);
    for setting in config {
        git.arg("-c").arg(setting);
    }
    git.args(args)
        .env("GIT_OPTIONAL_LOCKS", "0")
        // A partial clone would fetch what it misses, by a program that it names.
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    git
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn git(dir: &Path, args: &[&str]) {
        let identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
        let mut git = Command::new("git");
        let done = git.arg("-C").arg(dir).args(identity).args(args).output();
        assert!(done.unwrap().status.success(), "git {args:?}");
    }

    #[test]
    fn no_work_tree_no_head() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(head(dir.path()), None);
    }

    #[test]
    fn the_commit_and_what_differs_from_it() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        git(root, &["init", "-q"]);
        assert_eq!(head(root).unwrap().sha, None);
        fs::write(root.join("a"), "1").unwrap();
        assert_eq!(head(root).unwrap().dirty, Some(true));
        git(root, &["add", "a"]);
        git(root, &["commit", "-qm", "a"]);
        let clean = head(root).unwrap();
        assert_eq!(clean.sha.unwrap().len(), 40);
        assert_eq!(clean.dirty, Some(false));
    }

    #[test]
    fn the_history_of_paths_and_what_a_shallow_clone_lacks() {
        let dir = tempfile::tempdir().unwrap();
        let root = &dir.path().join("a");
        fs::create_dir(root).unwrap();
        git(root, &["init", "-q"]);
        for (name, text) in [("a b", "1"), ("c", "1"), ("a b", "2")] {
            fs::write(root.join(name), text).unwrap();
            git(root, &["add", "."]);
            git(root, &["commit", "-qm", text]);
        }
        let of = |root: &Path, path: &str| history(root, &[path.to_owned()]).unwrap();
        let found = of(root, "a b");
        assert_eq!(found.commits.len(), 2);
        assert!(found.whole);
        assert_eq!(found.commits[0].paths, ["a b"]);
        assert_eq!(found.commits[0].day.len(), 10);
        assert_eq!(of(root, "c").commits.len(), 1);
        let from = format!("file://{}", root.display());
        git(dir.path(), &["clone", "-q", "--depth=1", &from, "b"]);
        assert!(!of(&dir.path().join("b"), "c").whole);
    }

    #[test]
    fn programs_of_the_repository_do_not_run() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        let trap = root.join("ran");
        let program = format!("touch {}", trap.display());
        git(root, &["init", "-q"]);
        fs::write(root.join(".gitattributes"), "* filter=evil\n").unwrap();
        fs::write(root.join("a"), "1").unwrap();
        git(root, &["add", "."]);
        git(root, &["commit", "-qm", "a"]);
        for key in ["core.fsmonitor", "filter.evil.clean", "filter.evil.process"] {
            git(root, &["config", key, &program]);
        }
        git(root, &["config", "filter.evil.required", "true"]);
        // Of the same size, so that git must look at the content.
        fs::write(root.join("a"), "2").unwrap();
        assert_eq!(head(root).unwrap().dirty, Some(true));
        assert!(!trap.exists());
    }
}
