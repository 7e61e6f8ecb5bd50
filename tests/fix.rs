//! `check --fix` and `--diff`, by the binary as a person runs it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::binary::{code, json, misfits, run, stderr, stdout, write};
use common::git::{self, commit, git};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

const CONFIG: &str = "extends: []
rules:
  structure/tags: {template: ['{source}', staging, acme]}
  sql/star-output: on
  graph/hardcoded-relation: on
layers:
  staging: {path: \"models/staging/{source}/**\"}
";
const BAD: &str = "{{ config(tags=['old']) }}\nselect a from {{ source('erp', 'x') }}\n";
const GOOD: &str =
    "{{ config(tags=['erp', 'staging', 'acme']) }}\nselect a from {{ source('erp', 'x') }}\n";
const ONE: &str = "models/staging/erp/one.sql";
const TWO: &str = "models/staging/erp/two.sql";

/// A repository with two models whose tags are wrong.
fn repository() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    git::init(dir.path());
    write(
        dir.path(),
        &[
            ("dbt_project.yml", "name: shop\n"),
            ("harness-lint.yml", CONFIG),
            (ONE, BAD),
            (TWO, BAD),
        ],
    );
    commit(dir.path());
    dir
}

fn read(dir: &Path, path: &str) -> String {
    fs::read_to_string(dir.join(path)).unwrap()
}

fn status(dir: &Path) -> String {
    git(dir, &["status", "--porcelain"])
}

#[test]
fn what_can_be_mended_is_and_the_report_is_of_what_is_left() {
    let dir = repository();
    write(dir.path(), &[("models/star.sql", "select * from a.b.c\n")]);
    assert_eq!(code(dir.path(), &["check"]), 1);
    let text = stdout(dir.path(), &["check", "--fix"]);
    let fixed = format!("fixed 2 findings in 2 files (1 round): `{ONE}`, `{TWO}`\n");
    assert!(text.contains(&fixed), "{text}");
    assert!(!text.contains("structure/tags"), "{text}");
    assert!(text.contains("sql/star-output"), "{text}");
    assert_eq!(read(dir.path(), ONE), GOOD);
    assert_eq!(read(dir.path(), TWO), GOOD);
    let again = stdout(dir.path(), &["check", "--fix"]);
    assert!(again.contains("\nfixed nothing\n"), "{again}");
    // Nothing is left behind.
    let left = status(dir.path());
    assert_eq!(left, format!(" M {ONE}\n M {TWO}\n?? models/star.sql\n"));
}

#[test]
fn the_exit_code_is_of_the_state_afterwards() {
    let dir = repository();
    assert_eq!(code(dir.path(), &["check", "--fail-on", "info"]), 1);
    assert_eq!(code(dir.path(), &["check", "--diff"]), 1);
    assert_eq!(code(dir.path(), &["--fix", "--fail-on", "info"]), 0);
    assert_eq!(code(dir.path(), &["--fix=suggested"]), 0);
}

#[test]
fn only_what_is_asked_for_is_mended() {
    let dir = repository();
    stdout(dir.path(), &["--fix", ONE]);
    assert_eq!(status(dir.path()), format!(" M {ONE}\n"));
    stdout(dir.path(), &["--fix", "--rule", "sql/star-output"]);
    stdout(dir.path(), &["--fix", "--select", "one"]);
    assert_eq!(status(dir.path()), format!(" M {ONE}\n"));
    stdout(dir.path(), &["--fix", "--changed"]);
    assert_eq!(status(dir.path()), format!(" M {ONE}\n"));
    let half_done = format!("{BAD}-- x\n");
    write(dir.path(), &[(TWO, &half_done)]);
    stdout(dir.path(), &["--fix", "--changed"]);
    assert_eq!(read(dir.path(), TWO), format!("{GOOD}-- x\n"));
}

#[test]
fn what_is_known_or_let_be_is_not_mended() {
    let dir = repository();
    let suppressed = format!("-- harness-lint: ignore-file[structure/tags] as it was\n{BAD}");
    write(dir.path(), &[(ONE, &suppressed)]);
    let held = ["--write-baseline", "--reason", "old"];
    assert_eq!(code(dir.path(), &held), 0);
    stdout(dir.path(), &["--fix=suggested"]);
    assert_eq!(read(dir.path(), ONE), suppressed);
    assert_eq!(read(dir.path(), TWO), BAD);
    fs::remove_file(dir.path().join("harness-lint.baseline.json")).unwrap();
    let exclude = "exclude:\n  - {rules: [structure/tags], path: models/**, reason: a test}\n";
    let config = format!("{CONFIG}{exclude}");
    write(dir.path(), &[("harness-lint.yml", &config)]);
    stdout(dir.path(), &["--fix=suggested"]);
    assert_eq!(read(dir.path(), TWO), BAD);
}

#[test]
fn suggested_fixes_are_asked_for() {
    let dir = repository();
    let model = "{{ config(tags=['erp', 'staging', 'acme']) }}\nselect a from shop.two\n";
    write(dir.path(), &[(ONE, model)]);
    let report = json(dir.path(), &["--fix", "--format", "json"]);
    assert_eq!(read(dir.path(), ONE), model);
    let why = "its fix is suggested: look at it, then --fix=suggested";
    assert_eq!(report["unfixed"][0]["why"], why);
    let report = json(dir.path(), &["--fix=suggested", "--format", "json"]);
    assert_eq!(report["fixed"][0]["rule"], "graph/hardcoded-relation");
    assert!(read(dir.path(), ONE).contains("{{ ref('two') }}"));
}

#[test]
fn json_says_what_was_done() {
    let dir = repository();
    write(dir.path(), &[("models/star.sql", "select * from a.b.c\n")]);
    let before = json(dir.path(), &["--format", "json"]);
    assert_eq!(before.get("fixed"), None);
    let report = json(dir.path(), &["--fix", "--format", "json"]);
    assert_eq!(misfits("report", &report), [""; 0]);
    let fixed = report["fixed"].as_array().unwrap();
    let of = |list: &[Value], key: &str| -> Vec<String> {
        let all = list.iter().map(|v| v[key].as_str().unwrap().to_owned());
        all.collect()
    };
    assert_eq!(of(fixed, "path"), [ONE, TWO]);
    let found = before["findings"].as_array().unwrap();
    let tags: Vec<Value> = found
        .iter()
        .filter(|f| f["rule"] == "structure/tags")
        .cloned()
        .collect();
    assert_eq!(of(fixed, "fingerprint"), of(&tags, "fingerprint"));
    let left = report["findings"].as_array().unwrap();
    let unfixed = report["unfixed"].as_array().unwrap();
    assert_eq!(of(unfixed, "fingerprint"), of(left, "fingerprint"));
    for file in report["written"].as_array().unwrap() {
        let bytes = fs::read(dir.path().join(file["path"].as_str().unwrap())).unwrap();
        let hash: String = Sha256::digest(bytes)
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        assert_eq!(file["sha256"], hash.as_str());
    }
    assert_eq!(report["rounds"], 1);
}

#[test]
fn the_commands_that_a_report_names_mend_what_it_says() {
    let dir = repository();
    let text = stdout(dir.path(), &["check"]);
    let wanted = format!(
        "fix structure/tags (safe): harness-lint check --fix --rule structure/tags {ONE} {TWO}\n"
    );
    assert!(text.contains(&wanted), "{text}");
    let command = wanted.trim_end().split("harness-lint ").nth(1).unwrap();
    let args: Vec<&str> = command.split(' ').collect();
    stdout(dir.path(), &args);
    assert_eq!(read(dir.path(), TWO), GOOD);
}

#[test]
fn a_diff_is_what_git_applies() {
    let dir = tempfile::tempdir().unwrap();
    git::init(dir.path());
    let crlf = BAD.replace('\n', "\r\n");
    let bom = format!("\u{feff}{}", BAD.trim_end());
    let path = |name: &str| format!("data/dbt/models/staging/erp/{name}.sql");
    write(
        dir.path(),
        &[
            ("data/dbt/dbt_project.yml", "name: shop\n"),
            ("data/dbt/harness-lint.yml", CONFIG),
            (&path("größe & co"), BAD),
            (&path("crlf"), &crlf),
            (&path("bom"), &bom),
        ],
    );
    git(dir.path(), &["config", "core.autocrlf", "false"]);
    commit(dir.path());
    let cwd = dir.path().join("data");
    let patch = stdout(&cwd, &["check", "--diff"]);
    assert_eq!(status(dir.path()), "");
    let file = dir.path().join(".git/patch");
    fs::write(&file, &patch).unwrap();
    let apply = |how: &[&str]| {
        let mut command = Command::new("git");
        let git = command.arg("-C").arg(dir.path()).arg("apply");
        let done = git.args(how).arg(&file).output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.success(), "{said}\n{patch}");
    };
    apply(&["--check"]);
    apply(&["--whitespace=nowarn"]);
    let all = || ["größe & co", "crlf", "bom"].map(|name| read(dir.path(), &path(name)));
    let by_git = all();
    git(dir.path(), &["checkout", "-q", "."]);
    assert_eq!(code(&cwd, &["--fix"]), 0);
    assert_eq!(all(), by_git);
    let [plain, crlf, bom] = by_git;
    assert_eq!(plain, GOOD);
    assert_eq!(crlf, GOOD.replace('\n', "\r\n"));
    assert_eq!(bom, format!("\u{feff}{}", GOOD.trim_end()));
    let notes = stderr(&cwd, &["--diff"]);
    assert_eq!(notes, "would fix nothing\n");
}

#[test]
fn what_a_diff_cannot_be_with_is_refused() {
    let dir = repository();
    for args in [
        &["--fix", "--staged"][..],
        &["--fix", "-", "--stdin-filename", ONE],
        &["--diff", "-", "--stdin-filename", ONE],
        &["--diff", "--staged"],
        &["--diff", "--format", "json"],
        &["--diff", "--statistics"],
        &["--diff", "--output", "json=x.json"],
        &["--fix", "--prune-baseline"],
        &["--fix", "--write-baseline", "--reason", "x"],
        &["--fix", "--show-config", ONE],
        &["--fix=all"],
    ] {
        assert_eq!(code(dir.path(), args), 2, "{args:?}");
    }
    // A path behind the flag is a path.
    assert_eq!(code(dir.path(), &["--fix", "suggested"]), 4);
    assert_eq!(status(dir.path()), "");
}

#[cfg(unix)]
#[test]
fn links_are_written_where_they_lead_and_never_outside() {
    use std::os::unix::fs::symlink;
    let dir = repository();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("x.sql"), BAD).unwrap();
    let here = dir.path();
    symlink(
        outside.path().join("x.sql"),
        here.join("models/staging/erp/away.sql"),
    )
    .unwrap();
    fs::create_dir(here.join("shared")).unwrap();
    fs::rename(here.join(ONE), here.join("shared/one.sql")).unwrap();
    symlink("../../../shared/one.sql", here.join(ONE)).unwrap();
    stdout(here, &["--fix=suggested"]);
    let kept = fs::read_to_string(outside.path().join("x.sql")).unwrap();
    assert_eq!(kept, BAD);
    assert!(here.join(ONE).is_symlink());
    assert_eq!(read(here, "shared/one.sql"), GOOD);
}

#[test]
fn several_projects_are_mended_one_by_one() {
    let dir = tempfile::tempdir().unwrap();
    for project in ["a", "b"] {
        let below = dir.path().join(project);
        fs::create_dir(&below).unwrap();
        write(
            &below,
            &[
                ("dbt_project.yml", "name: shop\n"),
                ("harness-lint.yml", CONFIG),
                (ONE, BAD),
            ],
        );
    }
    let both = ["--project-dir", "a", "--project-dir", "b"];
    let done = run(dir.path(), &[&both[..], &["--fix"]].concat());
    assert_eq!(done.status.code(), Some(0));
    assert_eq!(read(&dir.path().join("a"), ONE), GOOD);
    assert_eq!(read(&dir.path().join("b"), ONE), GOOD);
    assert_eq!(code(dir.path(), &[&both[..], &["--diff"]].concat()), 2);
}

/// Applies the safe edits of a JSON report, those of fixes that do not meet; says whether there were
/// any.
fn apply_edits(dir: &Path, report: &Value) -> bool {
    let mut taken: Vec<(String, u64, u64, String)> = Vec::new();
    for finding in report["findings"].as_array().unwrap() {
        if finding["fix"]["applicability"] != "safe" || finding["baselined"] == true {
            continue;
        }
        let edits = finding["fix"]["edits"].as_array().unwrap().iter();
        let edits = edits.map(|e| {
            let path = e["path"].as_str().unwrap().to_owned();
            let bytes = fs::read(dir.join(&path)).unwrap();
            let hash: String = Sha256::digest(bytes)
                .iter()
                .map(|b| format!("{b:02x}"))
                .collect();
            assert_eq!(e["sha256"], hash.as_str());
            let text = e["text"].as_str().unwrap().to_owned();
            (
                path,
                e["start"].as_u64().unwrap(),
                e["end"].as_u64().unwrap(),
                text,
            )
        });
        let edits: Vec<_> = edits.collect();
        let meets = edits.iter().any(|(path, start, end, _)| {
            let mut there = taken.iter().filter(|t| t.0 == *path);
            there.any(|t| t.1 <= *end && *start <= t.2)
        });
        if !meets {
            taken.extend(edits);
        }
    }
    taken.sort_by_key(|t| std::cmp::Reverse(t.1));
    for (path, start, end, text) in &taken {
        let mut whole = read(dir, path);
        whole.replace_range(*start as usize..*end as usize, text);
        fs::write(dir.join(path), whole).unwrap();
    }
    !taken.is_empty()
}

#[test]
fn a_reader_of_the_json_alone_arrives_at_the_same_bytes() {
    let files = [
        ("dbt_project.yml", "name: shop\n"),
        (
            "harness-lint.yml",
            "extends: staging-5cte\nlayers:\n  staging: {path: \"models/staging/{source}/**\", sources: true, materialized: [view]}\nrules:\n  structure/tags: {template: ['{source}', staging, acme]}\n  sql/distinct-group-by: on\n",
        ),
        (
            ONE,
            "with source as (\n    select * from {{ source('erp', 'x') }}\n),\nfinal as (\n    select a, b from source\n)\nselect distinct a, b from final group by a, b\n",
        ),
        (
            TWO,
            "{{ config(tags=['old']) }}\nwith final as (\n    select a, b from {{ source('erp', 'y') }}\n)\nselect a, b from final\n",
        ),
    ];
    let (by_json, by_fix) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut rounds = 0;
    for dir in [&by_json, &by_fix] {
        write(dir.path(), &files);
    }
    while apply_edits(by_json.path(), &json(by_json.path(), &["--format", "json"])) {
        rounds += 1;
        assert!(rounds < 10);
    }
    let report = json(by_fix.path(), &["--fix", "--format", "json"]);
    assert_eq!(report["rounds"], rounds);
    assert!(rounds > 1);
    for (path, text) in files {
        let mended = read(by_fix.path(), path);
        assert_eq!(read(by_json.path(), path), mended);
        assert_eq!(mended == text, !path.ends_with(".sql"), "{path}");
    }
}
