//! `check --staged`, and `--changed` in repositories of all conditions.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::binary::{code, json, run, stderr, write};
use common::git::{commit, git, init};
use common::scratch::{FILES, SINCE, append, judged, repository, told};
use serde_json::Value;
use std::fs;
use std::path::Path;

#[test]
fn a_file_that_only_looks_changed_is_not() {
    let p = repository("", &[]);
    let dir = p.path();
    let path = dir.join("models/b.sql");
    let text = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(&path, text).unwrap();
    let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_modified(old)
        .unwrap();
    assert_eq!(judged(dir, SINCE), "");
    assert_eq!(judged(dir, &["--staged"]), "");
}

#[test]
fn the_index_is_judged_and_not_the_work_tree() {
    let p = repository("", &[]);
    let dir = p.path();
    let staged = &["--staged"];
    let star = "select * from {{ ref('b') }}\n";
    let good = "select id from {{ ref('b') }}\n";
    // A defect in the index alone.
    write(dir, &[("models/d.sql", star)]);
    git(dir, &["add", "."]);
    write(dir, &[("models/d.sql", good)]);
    assert_eq!(
        told(dir, staged),
        [
            "b missing",
            "d missing",
            "d star-output",
            "far chained-views",
            "far missing"
        ]
    );
    assert!(!told(dir, SINCE).contains(&"d star-output".to_owned()));
    // A defect in the work tree alone.
    write(dir, &[("models/d.sql", &format!("-- x\n{good}"))]);
    git(dir, &["add", "."]);
    write(dir, &[("models/d.sql", star)]);
    assert_eq!(
        told(dir, staged),
        ["b missing", "d missing", "far chained-views", "far missing"]
    );
    assert!(told(dir, SINCE).contains(&"d star-output".to_owned()));
    // Nothing staged: nothing to say, whatever the work tree is like.
    git(dir, &["reset", "-q"]);
    write(dir, &[("models/new.sql", star)]);
    fs::remove_file(dir.join("models/a.sql")).unwrap();
    assert_eq!(told(dir, staged), Vec::<String>::new());
    assert_eq!(code(dir, &["check", "--staged"]), 0);
}

#[test]
fn what_the_index_lacks_is_not_there() {
    let p = repository("", &[("models/x/deep.sql", "select 1 as id\n")]);
    let dir = p.path();
    let staged = &["--staged"];
    // Staged, and gone from the disk with its folder.
    append(dir, "models/x/deep.sql", "-- x\n");
    git(dir, &["add", "."]);
    fs::remove_dir_all(dir.join("models/x")).unwrap();
    assert_eq!(judged(dir, staged), "deep");
    let report = json(
        dir,
        &["check", "--staged", "--format", "json", "models/x/deep.sql"],
    );
    assert_eq!(report["findings"].as_array().unwrap().len(), 1);
    // Gone from the index, and still on the disk.
    git(dir, &["rm", "-q", "--cached", "models/a.sql"]);
    assert!(dir.join("models/a.sql").exists());
    let all = told(dir, staged);
    assert!(
        all.contains(&"b broken-ref".to_owned()) && !all.contains(&"a missing".to_owned()),
        "{all:?}"
    );
    // On the disk, and not in the index: no model may lean on it.
    git(dir, &["reset", "-q", "--hard"]);
    write(
        dir,
        &[
            ("models/new.sql", "select 1 as id\n"),
            ("models/d.sql", "select id from {{ ref('new') }}\n"),
        ],
    );
    git(dir, &["add", "models/d.sql"]);
    assert!(told(dir, staged).contains(&"d broken-ref".to_owned()));
    git(dir, &["add", "-N", "models/new.sql"]);
    assert!(told(dir, staged).contains(&"d broken-ref".to_owned()));
    git(dir, &["add", "."]);
    assert!(!told(dir, staged).contains(&"d broken-ref".to_owned()));
}

#[test]
fn the_index_before_the_first_commit() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    write(dir, &FILES);
    init(dir);
    assert_eq!(code(dir, &["check", "--staged"]), 4);
    git(
        dir,
        &[
            "add",
            "dbt_project.yml",
            "harness-lint.yml",
            "models/apart.sql",
        ],
    );
    assert_eq!(judged(dir, &["--staged"]), "apart");
    assert_eq!(code(dir, &["check", "--changed"]), 2);
}

#[test]
fn a_fix_is_not_offered_for_what_is_not_on_disk() {
    let yaml = "models:\n- name: a\n  columns:\n  - name: id\n    description: x\n  - name: amounts\n    description: y\n";
    let p = repository(
        "",
        &[(
            "harness-lint.yml",
            "extends: []\nrules: {doc/phantom-column: on}\n",
        )],
    );
    let dir = p.path();
    write(
        dir,
        &[
            ("models/a.yml", yaml),
            ("models/a.sql", "select 1 as id, 2 as amount\n"),
        ],
    );
    git(dir, &["add", "."]);
    let fix =
        || json(dir, &["check", "--staged", "--format", "json"])["findings"][0]["fix"].clone();
    let offered = fix();
    assert!(
        !offered["edits"].as_array().unwrap().is_empty(),
        "{offered}"
    );
    append(dir, "models/a.yml", "# more\n");
    let told = fix();
    assert_eq!(told["title"], offered["title"]);
    assert_eq!(told["edits"], Value::Array(Vec::new()));
    assert_eq!(told["applicability"], "manual");
}

#[test]
fn the_base_that_is_taken() {
    let p = repository("", &[]);
    let dir = p.path();
    let base = |dir: &Path| {
        let report = json(dir, &["check", "--changed", "--format", "json"]);
        report["changed"]["base"].as_str().unwrap().to_owned()
    };
    assert_eq!(base(dir), "main");
    git(dir, &["branch", "-m", "trunk"]);
    let said = stderr(dir, &["check", "--changed"]);
    assert!(said.contains("--changed=<branch, tag or commit>"), "{said}");
    assert_eq!(code(dir, &["check", "--changed"]), 2);
    let other = tempfile::tempdir().unwrap();
    let clone = other.path().join("clone");
    git(dir, &["clone", "-q", ".", clone.to_str().unwrap()]);
    assert_eq!(base(&clone), "origin/trunk");
    git(dir, &["branch", "-m", "main"]);
    git(&clone, &["remote", "set-head", "origin", "--delete"]);
    git(&clone, &["fetch", "-q", "--prune"]);
    assert_eq!(base(&clone), "origin/main");
    for unknown in [
        "--changed=nowhere",
        "--changed=",
        "--changed=--all",
        "--changed=HEAD:models",
    ] {
        let out = run(dir, &["check", unknown]);
        assert_eq!(out.status.code(), Some(2), "{unknown}");
        assert!(
            String::from_utf8_lossy(&out.stderr).contains("git fetch"),
            "{unknown}"
        );
    }
}

#[test]
fn a_shallow_clone_says_what_it_lacks() {
    let p = repository("", &[]);
    let dir = p.path();
    git(dir, &["checkout", "-q", "-b", "work"]);
    append(dir, "models/b.sql", "-- x\n");
    commit(dir);
    git(dir, &["checkout", "-q", "main"]);
    append(dir, "models/c.sql", "-- x\n");
    commit(dir);
    let other = tempfile::tempdir().unwrap();
    let clone = other.path().join("clone");
    let from = format!("file://{}", dir.canonicalize().unwrap().display());
    let args = [
        "clone",
        "-q",
        "--depth=1",
        "--no-single-branch",
        "-b",
        "work",
        &from,
        clone.to_str().unwrap(),
    ];
    git(other.path(), &args);
    let out = run(&clone, &["check", "--changed"]);
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(3), "{said}");
    assert!(
        said.contains("fetch-depth: 0") && said.contains("origin/main"),
        "{said}"
    );
    let said = stderr(&clone, &["check", "--changed=HEAD~1"]);
    assert!(said.contains("--unshallow"), "{said}");
    assert_eq!(judged(&clone, SINCE), "");
    git(&clone, &["fetch", "-q", "--unshallow"]);
    assert_eq!(judged(&clone, &["--changed"]), "a b d");
}

#[test]
fn a_clone_without_the_contents_of_the_base() {
    let p = repository("", &[]);
    let dir = p.path();
    append(dir, "models/b.sql", "-- x\n");
    commit(dir);
    git(dir, &["config", "uploadpack.allowFilter", "true"]);
    let other = tempfile::tempdir().unwrap();
    let clone = other.path().join("clone");
    let from = format!("file://{}", dir.canonicalize().unwrap().display());
    git(
        other.path(),
        &[
            "clone",
            "-q",
            "--filter=blob:none",
            &from,
            clone.to_str().unwrap(),
        ],
    );
    // Nobody is asked for them.
    fs::rename(dir, dir.with_extension("away")).unwrap();
    let report = json(&clone, &["check", "--changed=HEAD~1", "--format", "json"]);
    fs::rename(dir.with_extension("away"), dir).unwrap();
    assert_eq!(report["changed"]["nodes"], 3);
    let skipped = report["skipped"].as_array().unwrap();
    assert!(skipped.iter().any(|s| s["what"] == "git"), "{skipped:?}");
}

#[test]
fn without_git() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &FILES);
    for flag in ["--changed", "--staged", "--changed=HEAD"] {
        assert_eq!(code(dir.path(), &["check", flag]), 3);
        assert!(stderr(dir.path(), &["check", flag]).contains("no git repository"));
    }
    fs::create_dir(dir.path().join(".git")).unwrap();
    assert_eq!(code(dir.path(), &["check", "--changed"]), 3);
}

#[cfg(unix)]
#[test]
fn names_of_any_bytes() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let p = repository("", &[]);
    let dir = p.path();
    for name in [
        &b"with space.sql"[..],
        b"two\nlines.sql",
        b"caf\xE9.sql",
        b"\"q\".sql",
        b"-x.sql",
    ] {
        let path = dir.join("models").join(OsStr::from_bytes(name));
        fs::write(path, "select 1 as id\n").unwrap();
    }
    let new = |args: &[&str]| told(dir, args).len();
    assert_eq!(new(SINCE), 5);
    git(dir, &["add", "."]);
    assert_eq!(new(&["--staged"]), 5);
    commit(dir);
    assert_eq!(new(SINCE), 0);
    for entry in fs::read_dir(dir.join("models")).unwrap().flatten() {
        fs::write(entry.path(), "select 2 as id\n").unwrap();
    }
    assert!(new(SINCE) >= 11);
}

#[cfg(unix)]
#[test]
fn programs_that_a_repository_names_do_not_run() {
    use std::os::unix::fs::PermissionsExt;
    let p = repository("", &[(".gitattributes", "*.sql filter=evil diff=evil\n")]);
    let dir = p.path();
    let trap = dir.join("ran");
    let program = dir.join(".git/evil");
    fs::write(
        &program,
        format!("#!/bin/sh\ntouch '{}'\ncat\n", trap.display()),
    )
    .unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    for key in [
        "core.fsmonitor",
        "core.pager",
        "core.sshCommand",
        "diff.external",
        "diff.evil.command",
        "diff.evil.textconv",
        "filter.evil.clean",
        "filter.evil.smudge",
        "filter.evil.process",
        "alias.diff",
        "alias.ls-files",
    ] {
        git(dir, &["config", key, program.to_str().unwrap()]);
    }
    git(dir, &["config", "filter.evil.required", "true"]);
    for name in [
        "post-index-change",
        "post-checkout",
        "reference-transaction",
    ] {
        let hook = dir.join(".git/hooks").join(name);
        fs::create_dir_all(hook.parent().unwrap()).unwrap();
        fs::copy(&program, hook).unwrap();
    }
    // Of the same size, so that git must look at the content.
    write(
        dir,
        &[
            ("models/apart.sql", "select 2 as id\n"),
            ("models/new.sql", "select 1 as id\n"),
        ],
    );
    assert_eq!(judged(dir, SINCE), "apart new");
    assert_eq!(judged(dir, &["--staged"]), "");
    assert!(!trap.exists());
    // The trap is one: git alone falls into it.
    let mut bare = std::process::Command::new("git");
    let _ = bare.arg("-C").arg(dir).arg("diff").output();
    assert!(trap.exists());
}
