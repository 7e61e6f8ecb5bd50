//! Proof of declared rules from the command line: `test`, `check` where a rule's file changed, and
//! rules to begin with.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::binary::{code, run, stderr, stdout, write};
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

const RULE: &str = "id: ap/no-nvl
summary: S.
severity: warn
forbid: {pattern: 'nvl($A, $B)'}
message: '`$A` of {name}'
code: c
scenario: s
phenomenon: p
root_cause: r
mitigation: use coalesce
examples:
  bad: ['select nvl(a, 1) as x']
  good: ['select coalesce(a, 1) as x']
";

fn project(rule: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let files = [
        ("dbt_project.yml", "name: shop\n"),
        ("harness-lint.yml", "extends: []\nanti_patterns: [ap]\n"),
        ("models/a.sql", "select nvl(b, 2) as x from t\n"),
        ("ap/no-nvl.yaml", rule),
    ];
    write(dir.path(), &files);
    dir
}

fn git(dir: &Path, args: &[&str]) {
    let identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
    let mut git = Command::new("git");
    let done = git.arg("-C").arg(dir).args(identity).args(args).output();
    assert!(done.unwrap().status.success(), "git {args:?}");
}

#[test]
fn test_says_of_each_rule_whether_it_is_proven() {
    let dir = project(RULE);
    let proven = "ok      ap/no-nvl (1 bad, 1 good)\n\n1 proven, 0 failed, 0 refused\n";
    assert_eq!(stdout(dir.path(), &["test"]), proven);
    for (part, by, exit, wanted) in [
        (
            "bad: ['select nvl",
            "bad: ['select max",
            1,
            "FAILED  ap/no-nvl.yaml:12:9: this bad example does not raise the rule\n",
        ),
        (
            "good: ['select coalesce",
            "good: ['select nvl",
            1,
            "FAILED  ap/no-nvl.yaml:13:10: this good example raises the rule\n        models/example.sql:1:8: `a` of example\n",
        ),
        (
            "  good: ['select coalesce(a, 1) as x']\n",
            "",
            2,
            "REFUSED ap/no-nvl.yaml:1:5: the rule has no good example\n",
        ),
        (
            "forbid:",
            "forbidden:",
            2,
            "REFUSED ap/no-nvl.yaml:4:1: unknown key `forbidden`\n        did you mean `forbid`?",
        ),
        (
            "examples:\n",
            "examples:\n  knows: {layres: {}}\n",
            2,
            "`knows`: unknown key `layres`",
        ),
    ] {
        let dir = project(&RULE.replace(part, by));
        let output = run(dir.path(), &["test"]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains(wanted), "{by}: {text}");
        assert_eq!(output.status.code(), Some(exit), "{by}");
    }
}

#[test]
fn test_needs_no_project_and_says_where_there_is_no_rule() {
    let dir = tempfile::tempdir().unwrap();
    write(
        dir.path(),
        &[
            ("rules/x/rule.yaml", RULE),
            ("rules/x/notes.yaml", "a: 1\n"),
            ("empty/x.md", ""),
        ],
    );
    assert_eq!(code(dir.path(), &["test", "rules"]), 0);
    assert_eq!(code(dir.path(), &["test", "empty"]), 4);
    assert_eq!(code(dir.path(), &["test", "nowhere"]), 4);
    assert_eq!(code(dir.path(), &["test"]), 4);
}

/// What was committed has been proven; what is being written is proven by every check.
#[test]
fn a_check_proves_rules_whose_files_changed() {
    let dir = project(RULE);
    let check = |wanted: i32| {
        let said = stderr(dir.path(), &["check", "--fail-on", "warn"]);
        assert_eq!(
            code(dir.path(), &["check", "--fail-on", "warn"]),
            wanted,
            "{said}"
        );
        said
    };
    let broken = RULE.replace("bad: ['select nvl", "bad: ['select max");
    git(dir.path(), &["init", "-q"]);
    check(1);
    fs::write(dir.path().join("ap/no-nvl.yaml"), &broken).unwrap();
    let said = check(2);
    assert!(
        said.contains("this bad example does not raise the rule"),
        "{said}"
    );
    git(dir.path(), &["add", "."]);
    git(dir.path(), &["commit", "-qm", "rules"]);
    check(1);
    let bare = RULE.split("examples:").next().unwrap();
    fs::write(dir.path().join("ap/no-nvl.yaml"), bare).unwrap();
    assert!(check(2).contains("no bad example"));
}

#[test]
fn drafts_are_written_and_never_over_a_file() {
    let dir = project(RULE);
    let library = "# L\n\n## AP-1: Too late\n- Scenario: a\n- Root cause: b\n";
    write(dir.path(), &[("library.md", library), ("none.md", "# L\n")]);
    let init = |args: &[&str]| {
        let args: Vec<&str> = ["init"].iter().chain(args).copied().collect();
        let output = run(dir.path(), &args);
        (
            output.status.code().unwrap(),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    assert_eq!(init(&["--rule", "no-nvl"]).0, 2, "it is there already");
    assert_eq!(init(&["--rule", "No Nvl"]).0, 2);
    assert_eq!(init(&["--import-library", "none.md"]).0, 4);
    assert_eq!(init(&["--import-library", "nowhere.md"]).0, 3);
    let (exit, text) = init(&["--import-library", "library.md"]);
    assert!(
        exit == 0 && text.starts_with("wrote ap-drafts/too-late.yaml\n"),
        "{text}"
    );
    let draft = fs::read_to_string(dir.path().join("ap-drafts/too-late.yaml")).unwrap();
    assert!(
        draft.contains("id: ap/too-late\nsummary: \"Too late.\"")
            && draft.contains("root_cause: \"b\"")
    );
    assert_eq!(code(dir.path(), &["test", "ap-drafts"]), 2);
    assert_eq!(code(dir.path(), &["test"]), 0, "drafts are no rules yet");
}

#[cfg(unix)]
#[test]
fn a_draft_is_never_written_outside_the_repository() {
    let dir = project(RULE);
    let outside = tempfile::tempdir().unwrap();
    fs::remove_dir_all(dir.path().join("ap")).unwrap();
    std::os::unix::fs::symlink(outside.path(), dir.path().join("ap")).unwrap();
    assert_eq!(code(dir.path(), &["init", "--rule", "x"]), 2);
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
}

/// A file of a workflow is read for the rule that names it, and only then.
#[test]
fn workflows_are_judged_and_suppressed() {
    let rule = RULE
        .replace(
            "forbid: {pattern: 'nvl($A, $B)'}",
            "select: {resource_type: file, path: '.github/**'}\nforbid: {regex: '--full-refresh'}",
        )
        .replace("`$A` of {name}", "{path}");
    let dir = project(&rule);
    write(
        dir.path(),
        &[(
            ".github/workflows/a.yml",
            "run: dbt --full-refresh\n# harness-lint: ignore[ap/no-nvl] once\nrun2: dbt --full-refresh\n",
        )],
    );
    let text = stdout(dir.path(), &["check"]);
    assert!(text.contains(".github/workflows/a.yml\n  1:10"), "{text}");
    assert!(!text.contains("  3:"), "{text}");
}

/// An option takes the place of a value of the rule's file.
#[test]
fn options_are_values_of_the_file() {
    let rule = RULE
        .replace(
            "forbid: {pattern: 'nvl($A, $B)'}",
            "options:\n  least: &least 5\nrequire: {lines: {min: *least}}",
        )
        .replace("`$A` of {name}", "{lines} lines")
        .replace(
            "['select coalesce(a, 1) as x']",
            "[\"select\\n\\n\\n\\n1 as x\"]",
        );
    let dir = project(&rule);
    assert_eq!(
        code(dir.path(), &["test"]),
        0,
        "{}",
        stdout(dir.path(), &["test"])
    );
    let check = |setting: &str| {
        let config = format!("extends: []\nanti_patterns: [ap]\nrules: {{ap/no-nvl: {setting}}}\n");
        fs::write(dir.path().join("harness-lint.yml"), config).unwrap();
        let output = run(dir.path(), &["check", "--fail-on", "warn"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code().unwrap(), said)
    };
    assert_eq!(check("on").0, 1);
    assert_eq!(check("{least: 1}").0, 0);
    let (exit, said) = check("{least: many}");
    assert!(
        exit == 2 && said.contains("harness-lint.yml:3:28: ap/no-nvl: expected a number"),
        "{said}"
    );
    let (exit, said) = check("{most: 1}");
    assert!(
        exit == 2 && said.contains("unknown option `most`") && said.contains("options are least"),
        "{said}"
    );
}
