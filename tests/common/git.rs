//! Scratch repositories.

use std::path::Path;
use std::process::Command;

/// git, in a directory; what it prints.
pub fn git(dir: &Path, args: &[&str]) -> String {
    let identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
    let mut git = Command::new("git");
    let git = git.arg("-C").arg(dir).args(identity).args(args);
    let done = git.env("GIT_CONFIG_GLOBAL", "/dev/null").output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "git {args:?}: {said}");
    String::from_utf8_lossy(&done.stdout).into_owned()
}

/// Makes a directory a repository with the branch `main`.
pub fn init(dir: &Path) {
    git(dir, &["init", "-q", "-b", "main"]);
    git(dir, &["config", "gc.auto", "0"]);
}

/// Commits all that is there.
pub fn commit(dir: &Path) {
    git(dir, &["add", "-A"]);
    git(dir, &["commit", "-q", "--allow-empty", "-m", "x"]);
}
