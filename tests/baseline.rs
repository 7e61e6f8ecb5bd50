//! The baseline: what is known does not count, what is new does, and what is gone is said.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::binary::{STAR, code, configure, json, project, run, stderr, stdout, write};
use serde_json::Value;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const FILE: &str = "harness-lint.baseline.json";
const WRITE: [&str; 4] = ["check", "--write-baseline", "--reason", "there before"];

/// Two models with a star each, one of them with two.
fn shop() -> TempDir {
    let dir = project(&[
        ("models/a.sql", STAR),
        ("models/b.sql", STAR),
        ("models/c.sql", "select 1 as id\n"),
    ]);
    let rules = "rules: {sql/star-output: error, harness/stale-baseline: on}\n";
    configure(dir.path(), rules);
    dir
}

fn baseline(dir: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(dir.join(FILE)).unwrap()).unwrap()
}

fn entries(dir: &Path) -> Vec<Value> {
    baseline(dir)["entries"].as_array().unwrap().clone()
}

fn nodes(dir: &Path) -> Vec<String> {
    let node = |e: &Value| e["node"].as_str().unwrap().to_owned();
    entries(dir).iter().map(node).collect()
}

fn stale(dir: &Path) -> Vec<String> {
    let report = json(dir, &["check", "--format", "json"]);
    let found = report["findings"].as_array().unwrap().iter();
    let found = found.filter(|f| f["rule"] == "harness/stale-baseline");
    let line = |f: &Value| format!("{}: {}", f["range"]["line"], f["message"].as_str().unwrap());
    found.map(line).collect()
}

#[test]
fn what_is_written_down_is_green_and_what_is_new_is_not() {
    let dir = shop();
    let dir = dir.path();
    assert_eq!(code(dir, &["check"]), 1);
    assert!(!dir.join(FILE).exists(), "a check writes nothing");
    assert_eq!(code(dir, &WRITE), 0);
    let text = fs::read_to_string(dir.join(FILE)).unwrap();
    assert_eq!(nodes(dir), ["model.shop.a", "model.shop.b"]);
    assert_eq!(text.lines().count(), 7, "an entry is a line:\n{text}");
    assert_eq!(entries(dir)[0]["reason"], "there before");
    assert_eq!(entries(dir)[0]["path"], "models/a.sql");
    assert_eq!(code(dir, &["check"]), 0);

    let report = json(dir, &["check", "--format", "json"]);
    assert_eq!(report["summary"]["errors"], 0);
    assert_eq!(report["summary"]["baselined"], 2);
    assert_eq!(report["findings"].as_array().unwrap().len(), 2);
    assert_eq!(report["findings"][0]["baselined"], true);
    assert_eq!(report["inputs"]["baseline"]["entries"], 2);
    assert_eq!(common::binary::misfits("report", &report), [""; 0]);
    let shown = stdout(dir, &["check"]);
    assert!(shown.contains("\n0 findings · "), "{shown}");
    assert!(shown.ends_with("2 baselined\n"), "{shown}");

    // Lines move, the entry holds; another defect does not hide behind it.
    write(dir, &[("models/a.sql", &format!("-- one\n\n\n{STAR}"))]);
    assert_eq!(code(dir, &["check"]), 0);
    write(dir, &[("models/c.sql", STAR)]);
    let shown = stdout(dir, &["check"]);
    assert_eq!(code(dir, &["check"]), 1);
    assert!(
        shown.contains("models/c.sql") && !shown.contains("models/a.sql"),
        "{shown}"
    );
    assert!(
        shown.contains("verify: harness-lint check models/c.sql\n"),
        "{shown}"
    );
    assert_eq!(code(dir, &["check", "models/a.sql"]), 0);
    assert_eq!(
        code(dir, &["check", "--baseline", "off", "models/a.sql"]),
        1
    );
    assert_eq!(fs::read_to_string(dir.join(FILE)).unwrap(), text);
}

#[test]
fn writing_adds_and_keeps_reasons() {
    let dir = shop();
    let dir = dir.path();
    let scoped = [&WRITE[..], &["models/a.sql"]].concat();
    assert_eq!(code(dir, &scoped), 0);
    assert_eq!(nodes(dir), ["model.shop.a"]);
    let more = ["check", "--write-baseline", "--reason", "another"];
    let told = stderr(dir, &more);
    assert_eq!(told, format!("wrote 2 entries (1 new) to {FILE}\n"));
    let reasons: Vec<Value> = entries(dir).iter().map(|e| e["reason"].clone()).collect();
    assert_eq!(reasons, ["there before", "another"]);
    // The same again is the same file.
    let text = fs::read_to_string(dir.join(FILE)).unwrap();
    assert!(stderr(dir, &more).contains("(0 new)"));
    assert_eq!(fs::read_to_string(dir.join(FILE)).unwrap(), text);
    // A model that moves takes its entry along.
    fs::create_dir(dir.join("models/old")).unwrap();
    fs::rename(dir.join("models/a.sql"), dir.join("models/old/a.sql")).unwrap();
    assert_eq!(code(dir, &["check"]), 0);
    assert_eq!(code(dir, &more), 0);
    assert_eq!(entries(dir)[0]["path"], "models/old/a.sql");
}

#[test]
fn a_selection_adds_its_own_and_a_rule_its_own() {
    let dir = shop();
    let dir = dir.path();
    assert_eq!(code(dir, &[&WRITE[..], &["--select", "b"]].concat()), 0);
    assert_eq!(nodes(dir), ["model.shop.b"]);
    assert_eq!(code(dir, &[&WRITE[..], &["--rule", "test/pk"]].concat()), 0);
    let rules: Vec<Value> = entries(dir).iter().map(|e| e["rule"].clone()).collect();
    assert_eq!(rules, ["sql/star-output", "test/pk", "test/pk", "test/pk"]);
    assert_eq!(
        code(dir, &["check", "--rule", "test/pk", "--fail-on", "info"]),
        0
    );
    assert_eq!(
        code(
            dir,
            &[
                "check",
                "--rule",
                "test/pk",
                "--fail-on",
                "info",
                "--baseline",
                "off"
            ]
        ),
        1
    );
}

#[test]
fn a_reason_is_mandatory() {
    let dir = shop();
    assert_eq!(code(dir.path(), &["check", "--write-baseline"]), 2);
    assert_eq!(
        code(dir.path(), &["check", "--write-baseline", "--reason", " "]),
        2
    );
    assert_eq!(code(dir.path(), &["check", "--reason", "x"]), 2);
    let both = [&WRITE[..], &["--prune-baseline"]].concat();
    assert_eq!(code(dir.path(), &both), 2);
    assert!(!dir.path().join(FILE).exists());
}

#[test]
fn equal_defects_are_counted() {
    let dir = shop();
    let dir = dir.path();
    let rules = "rules: {sql/null-comparison: error, harness/stale-baseline: on}\n";
    configure(dir, rules);
    let found = |n: usize| {
        let sql = vec!["select 1 as a where 1 = null"; n].join("\nunion all\n");
        write(dir, &[("models/a.sql", &sql)]);
        let report = json(dir, &["check", "--format", "json", "models/a.sql"]);
        let count = |what: &str| report["summary"][what].as_u64().unwrap();
        (count("errors"), count("baselined"))
    };
    assert_eq!(found(2), (2, 0));
    assert_eq!(code(dir, &WRITE), 0);
    assert_eq!(found(2), (0, 2));
    assert_eq!(found(3), (1, 2));
    assert_eq!(found(1), (0, 1));
    assert_eq!(stale(dir).len(), 1);
    // The same entry twice holds one finding; the other is stale.
    configure(
        dir,
        "rules: {sql/star-output: error, harness/stale-baseline: on}",
    );
    write(dir, &[("models/a.sql", STAR), ("models/b.sql", STAR)]);
    fs::remove_file(dir.join(FILE)).unwrap();
    assert_eq!(code(dir, &WRITE), 0);
    let text = fs::read_to_string(dir.join(FILE)).unwrap();
    let line = text.lines().find(|l| l.contains("shop.a")).unwrap();
    write(
        dir,
        &[(FILE, &text.replace(line, &format!("{line}\n{line}")))],
    );
    let found = stale(dir);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("5: another entry holds"), "{found:?}");
}

#[test]
fn what_is_gone_is_said_and_pruned() {
    let dir = shop();
    let dir = dir.path();
    assert_eq!(code(dir, &WRITE), 0);
    write(dir, &[("models/a.sql", "select 1 as id\n")]);
    let found = stale(dir);
    assert_eq!(found.len(), 1);
    assert!(
        found[0].starts_with("4: `sql/star-output` finds this no longer"),
        "{found:?}"
    );
    // Nothing but a whole run with the rule on judges an entry.
    let shown = |args: &[&str]| stdout(dir, &[&["check"], args].concat());
    assert!(shown(&[]).contains("harness/stale-baseline"));
    assert!(!shown(&["models"]).contains("harness/stale-baseline"));
    assert!(!shown(&["--select", "a"]).contains("harness/stale-baseline"));
    assert!(!shown(&["--rule", "harness/stale-baseline"]).contains("1 warning"));
    // It drops what is gone, once, and adds nothing.
    write(dir, &[("models/c.sql", STAR)]);
    let told = stderr(dir, &["check", "--prune-baseline"]);
    assert_eq!(told, format!("dropped 1 of 2 entries in {FILE}\n"));
    assert_eq!(nodes(dir), ["model.shop.b"]);
    assert_eq!(stale(dir), [""; 0]);
    assert_eq!(code(dir, &["check"]), 1);
}

#[test]
fn pruning_leaves_what_was_not_judged() {
    let dir = shop();
    let dir = dir.path();
    assert_eq!(code(dir, &WRITE), 0);
    write(
        dir,
        &[
            ("models/a.sql", "select 1 as id\n"),
            ("models/b.sql", "select 1 as id\n"),
        ],
    );
    for args in [
        &["models/c.sql"][..],
        &["--select", "c"],
        &["--rule", "test/pk"],
        &["--ignore", "sql/star-output"],
    ] {
        let told = stderr(dir, &[&["check", "--prune-baseline"], args].concat());
        assert!(told.starts_with("dropped 0 of 2"), "{args:?}: {told}");
    }
    // A rule that is off, here or in this part, did not judge.
    configure(dir, "rules: {harness/stale-baseline: on}");
    assert_eq!(stale(dir), [""; 0]);
    configure(
        dir,
        "overrides: [{path: models/a.sql, rules: {sql/star-output: off}}]\n\
         rules: {sql/star-output: on, harness/stale-baseline: on}",
    );
    let found = stale(dir);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("shop.b"), "{found:?}");
    let told = stderr(dir, &["check", "--prune-baseline", "models/b.sql"]);
    assert!(told.starts_with("dropped 1 of 2"), "{told}");
    assert_eq!(nodes(dir), ["model.shop.a"]);
    // A node that is not there any more has no finding, whatever is on.
    fs::remove_file(dir.join("models/a.sql")).unwrap();
    let found = stale(dir);
    assert!(found[0].contains("not in the project"), "{found:?}");
}

#[test]
fn a_file_that_is_not_understood_keeps_its_entries() {
    let dir = shop();
    let dir = dir.path();
    assert_eq!(code(dir, &WRITE), 0);
    write(dir, &[("models/a.sql", "select from from where (((\n")]);
    assert_eq!(stale(dir), [""; 0]);
    assert!(stderr(dir, &["check", "--prune-baseline"]).starts_with("dropped 0"));
}

#[test]
fn the_bar_itself_is_never_held() {
    let dir = shop();
    let dir = dir.path();
    configure(
        dir,
        "rules: {sql/star-output: error, harness/suppression-reason: on, harness/stale-baseline: on}",
    );
    let silenced = format!("-- harness-lint: ignore[sql/star-output]\n{STAR}");
    write(dir, &[("models/a.sql", &silenced)]);
    let told = stderr(dir, &WRITE);
    assert!(told.starts_with("left out 1: "), "{told}");
    assert_eq!(nodes(dir), ["model.shop.b"]);
    assert_eq!(code(dir, &["check"]), 1);
    // Nor by hand.
    let report = json(dir, &["check", "--format", "json"]);
    let found = report["findings"].as_array().unwrap().iter();
    let reason = found
        .clone()
        .find(|f| f["rule"] == "harness/suppression-reason")
        .unwrap();
    let by_hand = format!(
        "{{\"schema_version\": 1, \"entries\": [{{\"rule\": \"harness/suppression-reason\", \
         \"node\": \"models/a.sql\", \"fingerprint\": {}, \"reason\": \"x\"}}]}}",
        reason["fingerprint"]
    );
    write(dir, &[(FILE, &by_hand)]);
    assert_eq!(code(dir, &["check"]), 1);
    assert!(stale(dir)[0].contains("no baseline holds it"));
}

#[test]
fn where_it_lies() {
    let dir = shop();
    let dir = dir.path();
    assert_eq!(code(dir, &["check", "--baseline", "b.json"]), 3);
    assert_eq!(code(dir, &["check", "--prune-baseline"]), 3);
    let there = [&WRITE[..], &["--baseline", "b.json"]].concat();
    assert_eq!(code(dir, &there), 0);
    assert!(!dir.join(FILE).exists());
    assert_eq!(code(dir, &["check"]), 1);
    assert_eq!(code(dir, &["check", "--baseline", "b.json"]), 0);
    write(dir, &[("models/c.sql", STAR)]);
    let shown = stdout(dir, &["check", "--baseline", "b.json"]);
    assert!(
        shown.contains("check --baseline b.json models/c.sql"),
        "{shown}"
    );
    // As configured, from the project directory; the command line wins.
    let rules = "rules: {sql/star-output: error}";
    configure(dir, &format!("baseline: b.json\n{rules}"));
    fs::create_dir_all(dir.join("models")).unwrap();
    assert!(stdout(&dir.join("models"), &["check", "--project-dir", ".."]).contains("2 baselined"));
    assert!(!stdout(dir, &["check", "--baseline", "off"]).contains("baselined"));
    configure(dir, &format!("baseline: none.json\n{rules}"));
    assert_eq!(code(dir, &["check"]), 3);
    configure(dir, &format!("baseline: off\n{rules}"));
    assert_eq!(code(dir, &["check"]), 1);
    assert_eq!(code(dir, &WRITE), 2);
    configure(dir, &format!("baseline: ../b.json\n{rules}"));
    assert_eq!(code(dir, &["check"]), 2);
    assert_eq!(code(dir, &WRITE), 2);
}

#[test]
fn a_file_that_makes_no_sense_is_refused_and_kept() {
    let dir = shop();
    let dir = dir.path();
    let cases = [
        (
            "{\n  \"schema_version\": 2,\n  \"more\": 1}",
            ":2:21: schema_version is 2",
        ),
        (
            "{\n  \"schema_version\": 1,\n  \"entries\": [\n<<<<<<< HEAD\n]}",
            ":4:1: ",
        ),
        (
            "{\"schema_version\": 1, \"entries\": [{\"rule\": \"a/b\"}]}",
            ":1:49: missing field",
        ),
    ];
    for (text, said) in cases {
        write(dir, &[(FILE, text)]);
        for args in [&["check"][..], &WRITE, &["check", "--prune-baseline"]] {
            let output = run(dir, args);
            let told = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{told}");
            assert!(told.contains(&format!("{FILE}{said}")), "{told}");
            assert!(told.contains("help: "), "{told}");
        }
        assert_eq!(fs::read_to_string(dir.join(FILE)).unwrap(), text);
    }
    // What an older harness-lint wrote is read.
    write(dir, &[(FILE, "{\"schema_version\": 0, \"entries\": []}")]);
    assert_eq!(code(dir, &["check"]), 1);
}

#[cfg(unix)]
#[test]
fn a_link_leads_nowhere_else() {
    use std::os::unix::fs::symlink;
    let dir = shop();
    let dir = dir.path();
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().join("b.json");
    symlink(&target, dir.join(FILE)).unwrap();
    // To a file that is not there yet, and to one that is.
    assert_ne!(code(dir, &WRITE), 0);
    assert!(!target.exists());
    fs::write(&target, "{\"schema_version\": 1, \"entries\": []}\n").unwrap();
    let kept = fs::read_to_string(&target).unwrap();
    assert_eq!(code(dir, &["check"]), 2);
    assert_eq!(code(dir, &WRITE), 2);
    let named = [&WRITE[..], &["--baseline", FILE]].concat();
    assert_eq!(code(dir, &named), 2);
    symlink(outside.path(), dir.join("out")).unwrap();
    let named = [&WRITE[..], &["--baseline", "out/new.json"]].concat();
    assert_eq!(code(dir, &named), 2);
    assert!(!outside.path().join("new.json").exists());
    assert_eq!(fs::read_to_string(&target).unwrap(), kept);
    // Within the repository a link is a way to share the file, and stays one.
    fs::remove_file(dir.join(FILE)).unwrap();
    fs::create_dir(dir.join("shared")).unwrap();
    fs::write(dir.join("shared/b.json"), &kept).unwrap();
    symlink("shared/b.json", dir.join(FILE)).unwrap();
    assert_eq!(code(dir, &WRITE), 0);
    assert!(dir.join(FILE).symlink_metadata().unwrap().is_symlink());
    assert!(
        fs::read_to_string(dir.join("shared/b.json"))
            .unwrap()
            .contains("shop.a")
    );
    // What the user names outside is the user's affair.
    let path = outside.path().join("mine.json");
    let named = [&WRITE[..], &["--baseline", path.to_str().unwrap()]].concat();
    assert_eq!(code(dir, &named), 0);
    assert!(path.exists());
}

#[test]
fn only_new_findings_count_at_the_threshold() {
    let dir = shop();
    let dir = dir.path();
    configure(dir, "fail_on: info\nrules: {sql/star-output: info}\n");
    assert_eq!(code(dir, &["check"]), 1);
    assert_eq!(code(dir, &WRITE), 0);
    assert_eq!(code(dir, &["check"]), 0);
}
