//! What teams share and what they set apart: `extends`, `overrides`, `exclude`, and where each
//! setting comes from.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::binary::{STAR, code, json, project, stderr, stdout, write};
use serde_json::Value;
use std::path::Path;
use tempfile::TempDir;

fn set(dir: &Path, text: &str) {
    write(dir, &[("harness-lint.yml", text)]);
}

/// Two models in two folders, a star in each.
fn shop() -> TempDir {
    project(&[("models/new/a.sql", STAR), ("models/old/b.sql", STAR)])
}

/// Path, severity and rule of each finding.
fn found(dir: &Path) -> Vec<String> {
    let report = json(dir, &["check", "--format", "json"]);
    let text = |f: &Value, key: &str| f[key].as_str().unwrap().to_owned();
    let line = |f: &Value| {
        format!(
            "{} {} {}",
            text(f, "path"),
            text(f, "severity"),
            text(f, "rule")
        )
    };
    report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(line)
        .collect()
}

/// The first line of the error, which must end the run with exit code 2 and a help.
fn refused(dir: &Path, text: &str) -> String {
    set(dir, text);
    assert_eq!(code(dir, &["check"]), 2, "{text}");
    let told = stderr(dir, &["check"]);
    told.lines().next().unwrap().to_owned()
}

const A: &str = "models/new/a.sql";
const B: &str = "models/old/b.sql";

#[test]
fn a_part_has_severities_and_options_of_its_own() {
    let dir = shop();
    let dir = dir.path();
    let base = "extends: []\nrules: {sql/star-output: warn}\n";
    for part in [
        "path: models/old/**",
        "select: path:models/old",
        "select: 'b'",
    ] {
        set(
            dir,
            &format!("{base}overrides: [{{{part}, rules: {{sql/star-output: error}}}}]\n"),
        );
        let star = |severity: &str, path: &str| format!("{path} {severity} sql/star-output");
        assert_eq!(found(dir), [star("warn", A), star("error", B)], "{part}");
        set(
            dir,
            &format!("{base}overrides: [{{{part}, rules: {{'sql/*': off}}}}]\n"),
        );
        assert_eq!(found(dir), [star("warn", A)], "{part}");
        set(
            dir,
            &format!("extends: []\noverrides: [{{{part}, rules: {{sql/star-output: on}}}}]\n"),
        );
        assert_eq!(found(dir), [star("warn", B)], "{part}");
        set(
            dir,
            &format!("{base}exclude: [{{{part}, rules: ['sql/*'], reason: old}}]\n"),
        );
        assert_eq!(found(dir), [star("warn", A)], "{part}");
    }
}

#[test]
fn options_of_a_part_are_laid_over_those_of_the_project() {
    let dir = shop();
    let dir = dir.path();
    let model = "{{ config(tags=['x']) }} select 1 as id\n";
    write(dir, &[(A, model), (B, model)]);
    let rules = "extends: []\nlayers: {all: {path: 'models/**'}}\n\
                 rules: {structure/tags: {layers: [all], template: [x]}}\n";
    set(dir, rules);
    assert_eq!(found(dir), [""; 0]);
    let part = "overrides: [{path: 'models/old/**', rules: {structure/tags: {template: [y]}}}]\n";
    set(dir, &format!("{rules}{part}"));
    assert_eq!(
        found(dir),
        [format!("{B} error structure/tags").replace("error", "warn")]
    );
    // Of several parts that hold a model the last one counts, alone.
    let more = "overrides:\n- {path: 'models/**', rules: {structure/tags: {template: [y]}}}\n\
                - {path: 'models/old/**', rules: {structure/tags: error}}\n";
    set(dir, &format!("{rules}{more}"));
    assert_eq!(found(dir), [format!("{A} warn structure/tags")]);
}

#[test]
fn mistakes_in_parts_have_their_place() {
    let dir = shop();
    let dir = dir.path();
    for (text, said) in [
        (
            "overrides:\n- {path: a, rules: {sql/star-outputs: off}}",
            ":2:21: unknown rule",
        ),
        (
            "overrides:\n- {path: a, rules: {ap/float-mony: off}}",
            ":2:21: unknown rule",
        ),
        (
            "overrides:\n- {path: a, rules: {test/pk: {colums: 1}}}",
            ":2:31: test/pk: unknown",
        ),
        (
            "overrides:\n- {path: a, rules: {test/pk: loud}}",
            ":2:30: expected a severity",
        ),
        (
            "overrides:\n- {path: a, select: b, rules: {}}",
            ":2:3: exactly one of",
        ),
        ("overrides:\n- {rules: {}}", ":2:3: exactly one of"),
        ("overrides:\n- {path: 'a{', rules: {}}", ":2:10: the glob"),
        ("overrides:\n- {select: 'tg:x', rules: {}}", ":2:13: "),
        (
            "exclude:\n- {reason: x, rules: [test/pk]}",
            ":2:3: exactly one of",
        ),
        (
            "exclude:\n- {path: a, reason: x, rules: [test/kp]}",
            ":2:32: unknown rule",
        ),
        (
            "exclude:\n- {path: a, reason: x, rules: ['ap/nope']}",
            ":2:32: unknown rule",
        ),
        (
            "exclude:\n- {path: a, reason: ' '}",
            ":2:21: the reason is empty",
        ),
        ("exclude:\n- {path: a, rules: [test/pk]}", "reason"),
    ] {
        let told = refused(dir, text);
        assert!(told.contains(said), "{text}\n{told}");
        assert!(told.starts_with("error: harness-lint.yml:"), "{told}");
    }
}

#[test]
fn a_configuration_is_shared() {
    let dir = shop();
    let dir = dir.path();
    let pack = "dbt_packages/team/harness-lint.yml";
    write(
        dir,
        &[
            (
                "conf/base.yml",
                "extends: []\nrules: {sql/star-output: error}\n",
            ),
            ("conf/top.yml", "extends: conf/base.yml\nfail_on: never\n"),
            (pack, "rules: {sql/star-output: info}\n"),
            ("dbt_packages/team/dbt_project.yml", "name: team\n"),
        ],
    );
    let severity = |text: &str| {
        set(dir, text);
        let found = found(dir);
        found
            .first()
            .map(|f| f.split(' ').nth(1).unwrap().to_owned())
    };
    assert_eq!(severity("extends: conf/top.yml").unwrap(), "error");
    assert_eq!(code(dir, &["check"]), 0, "fail_on is inherited");
    assert_eq!(
        severity(&format!("extends: [conf/top.yml, {pack}]")).unwrap(),
        "info"
    );
    assert_eq!(
        severity(&format!("extends: [{pack}, conf/top.yml]")).unwrap(),
        "error"
    );
    let own = "extends: conf/top.yml\nrules: {sql/star-output: warn}";
    assert_eq!(severity(own).unwrap(), "warn");
    assert_eq!(
        severity("extends: conf/top.yml\nrules: {sql/star-output: off}"),
        None
    );
}

#[test]
fn a_chain_ends() {
    let dir = shop();
    let dir = dir.path();
    write(
        dir,
        &[
            ("a.yml", "extends: [minimal,\n b.yml]\n"),
            ("b.yml", "extends: a.yml\n"),
        ],
    );
    let told = refused(dir, "extends: a.yml");
    assert!(
        told.contains("b.yml:1:10: `a.yml` extends itself, by way of this file"),
        "{told}"
    );
    let told = refused(dir, "extends: harness-lint.yml");
    assert!(
        told.contains("harness-lint.yml:1:10: `harness-lint.yml` extends itself"),
        "{told}"
    );
    // Two ways to one file are no circle.
    write(
        dir,
        &[
            ("a.yml", "extends: c.yml"),
            ("b.yml", "extends: c.yml"),
            ("c.yml", "extends: []"),
        ],
    );
    set(dir, "extends: [a.yml, b.yml]");
    assert_eq!(code(dir, &["check"]), 0);
    let told = refused(dir, "extends:\n- dbt_packages/team/harness-lint.yml");
    assert!(told.contains(":2:3: "), "{told}");
    assert!(stderr(dir, &["check"]).contains("dbt deps"));
    let told = refused(dir, "extends: [../x.yml]");
    assert!(told.contains(":1:11: "), "{told}");
    // A mistake is told where it was made.
    write(dir, &[("a.yml", "rules:\n  sql/nope: on\n")]);
    let told = refused(dir, "extends: a.yml");
    assert!(told.contains("a.yml:2:3: unknown rule"), "{told}");
    assert!(stdout(dir, &["check"]).is_empty());
}

const SHOWN: &str = "extends: [conf/team.yml, minimal]
layers:
  staging: {path: 'models/new/**'}
rules:
  sql/star-output: error
  doc/missing: off
overrides:
- {path: 'models/old/**', rules: {sql/star-output: info, structure/tags: {template: [y]}, 'input/*': off}}
exclude:
- {path: 'models/old/**', rules: [test/pk, sql/star-output], reason: \"the old shop\"}
anti_patterns: [own/]
";

fn shown() -> TempDir {
    let dir = shop();
    let team = "extends: []\nrules:\n  structure/tags: {layers: [staging], template: [x]}\n  test/pk: warn\n";
    let own = include_str!("../fixtures/shop/anti-patterns/float-money.yaml");
    write(
        dir.path(),
        &[
            ("conf/team.yml", team),
            ("own/float.yaml", own),
            (
                "models/s.yml",
                "models: [{name: a}, {name: b}]\nsources: [{name: s, tables: [{name: t}]}]\n",
            ),
        ],
    );
    set(dir.path(), SHOWN);
    dir
}

#[test]
fn each_setting_says_where_it_comes_from() {
    let dir = shown();
    let dir = dir.path();
    let show = |path: &str| stdout(dir, &["check", "--show-config", path]);
    let text = show(A);
    let has = |text: &str, line: &str| {
        let fold = |l: &str| l.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            text.lines().any(|l| fold(l) == line),
            "no `{line}` in\n{text}"
        );
    };
    has(&text, A);
    has(
        &text,
        "configuration: harness-lint.yml, conf/team.yml; presets: minimal",
    );
    has(&text, "model.shop.a · layer staging (harness-lint.yml:3:3)");
    has(&text, "error sql/star-output harness-lint.yml:5:3");
    has(&text, "warn structure/tags conf/team.yml:3:3");
    has(&text, "layers: [\"staging\"] conf/team.yml:3:20");
    has(&text, "template: [\"x\"] conf/team.yml:3:39");
    has(&text, "warn test/pk conf/team.yml:4:3");
    has(&text, "error graph/broken-ref preset minimal");
    has(&text, "warn ap/float-money a rule of your own");
    has(&text, "off doc/missing harness-lint.yml:6:3");
    assert!(!text.contains("excluded"), "{text}");

    let text = show(B);
    has(&text, "model.shop.b");
    has(&text, "info sql/star-output override harness-lint.yml:8:35");
    has(&text, "layers: [\"staging\"] conf/team.yml:3:20");
    has(&text, "template: [\"y\"] override harness-lint.yml:8:75");
    has(&text, "off input/encoding override harness-lint.yml:8:91");
    has(
        &text,
        "excluded: sql/star-output, test/pk: the old shop (exclude harness-lint.yml:10:70)",
    );
    // What it says is what a check does.
    let severity = |path: &str| {
        let report = json(
            dir,
            &[
                "check",
                "--format",
                "json",
                "--rule",
                "sql/star-output",
                path,
            ],
        );
        report["findings"][0]["severity"].clone()
    };
    assert_eq!(severity(A), "error");
    assert_eq!(severity(B), Value::Null, "kept back");
    // The command line is a place, too.
    let text = stdout(
        dir,
        &["check", "--rule", "graph/orphan", "--show-config", A],
    );
    has(&text, "warn graph/orphan the command line");
}

#[test]
fn a_property_file_speaks_of_several() {
    let dir = shown();
    let dir = dir.path();
    let report = json(
        dir,
        &["check", "--format", "json", "--show-config", "models/s.yml"],
    );
    assert_eq!(report["path"], "models/s.yml");
    assert_eq!(
        report["documents"],
        serde_json::json!(["conf/team.yml", "harness-lint.yml"])
    );
    let subjects = report["subjects"].as_array().unwrap();
    let nodes: Vec<&Value> = subjects.iter().map(|s| &s["nodes"]).collect();
    assert_eq!(
        nodes,
        [
            &serde_json::json!(["model.shop.a"]),
            &serde_json::json!(["model.shop.b"]),
            &serde_json::json!(["source.shop.s.t"]),
        ]
    );
    assert_eq!(subjects[2]["file"], true);
    let rules = subjects[0]["rules"].as_array().unwrap();
    let star = rules.iter().find(|r| r["id"] == "sql/star-output").unwrap();
    assert_eq!(star["on"]["kind"], "config");
    assert_eq!(star["severity_from"]["line"], 5);
    assert_eq!(subjects[1]["excluded"][0]["reason"], "the old shop");
    let again = json(
        dir,
        &["check", "--format", "json", "--show-config", "models/s.yml"],
    );
    assert_eq!(report, again);
}

#[test]
fn what_is_no_file_of_the_project_has_no_settings() {
    let dir = shown();
    let dir = dir.path();
    write(dir, &[("notes.txt", "x")]);
    for path in ["models/none.sql", "models", "notes.txt"] {
        assert_eq!(code(dir, &["check", "--show-config", path]), 4, "{path}");
    }
    assert_eq!(code(dir, &["check", "--show-config", A, B]), 2);
}

/// Two projects, one of which has an error.
fn two() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let rules = "extends: []\nrules: {sql/star-output: error}\n";
    for (name, sql) in [("finance", STAR), ("sales", "select 1 as id\n")] {
        write(
            dir.path(),
            &[
                (
                    &format!("{name}/dbt_project.yml"),
                    &format!("name: {name}\n"),
                ),
                (&format!("{name}/harness-lint.yml"), rules),
                (&format!("{name}/models/a.sql"), sql),
            ],
        );
    }
    dir
}

const BOTH: [&str; 5] = [
    "check",
    "--project-dir",
    "finance",
    "--project-dir",
    "sales",
];

#[test]
fn several_projects_are_one_run() {
    let dir = two();
    let dir = dir.path();
    let text = stdout(dir, &BOTH);
    let at = |what: &str| {
        text.find(what)
            .unwrap_or_else(|| panic!("no `{what}` in\n{text}"))
    };
    assert!(
        text.starts_with("project: finance\nmodels/a.sql\n"),
        "{text}"
    );
    assert!(
        at("verify: harness-lint check --project-dir finance finance/models/a.sql")
            < at("\nproject: sales\n")
    );
    assert_eq!(code(dir, &BOTH), 1);
    assert_eq!(
        code(
            dir,
            &[
                "check",
                "--project-dir",
                "sales",
                "--project-dir",
                "./sales"
            ]
        ),
        0
    );
    let report = json(dir, &[&BOTH[..], &["--format", "json"]].concat());
    assert_eq!(report["schema_version"], 1);
    let projects = report["projects"].as_array().unwrap();
    let dirs: Vec<&Value> = projects.iter().map(|p| &p["project_dir"]).collect();
    assert_eq!(dirs, ["finance", "sales"]);
    let alone = json(
        dir,
        &["check", "--project-dir", "finance", "--format", "json"],
    );
    assert_eq!(projects[0]["findings"], alone["findings"]);
    for project in projects {
        assert_eq!(common::binary::misfits("report", project), [""; 0]);
    }
}

#[test]
fn the_worst_of_several_projects_is_the_exit_code() {
    let dir = two();
    let dir = dir.path();
    write(dir, &[("sales/harness-lint.yml", "nope: 1\n")]);
    assert_eq!(code(dir, &BOTH), 2);
    let told = stderr(dir, &BOTH);
    assert!(
        told.starts_with("error: sales: harness-lint.yml:1:1: "),
        "{told}"
    );
    assert!(
        stdout(dir, &BOTH).contains("project: finance"),
        "the other is judged"
    );
    assert_eq!(
        code(dir, &[&BOTH[..], &["--project-dir", "none"]].concat()),
        3
    );
    // What would mix them is refused, and other verbs mean one.
    assert_eq!(
        code(dir, &[&BOTH[..], &["--baseline", "b.json"]].concat()),
        2
    );
    assert_eq!(code(dir, &[&["graph"], &BOTH[1..]].concat()), 2);
    assert_eq!(code(dir, &[&["rules"], &BOTH[1..]].concat()), 2);
}

#[test]
fn each_project_has_its_own_baseline() {
    let dir = two();
    let dir = dir.path();
    let told = stderr(
        dir,
        &[&BOTH[..], &["--write-baseline", "--reason", "old"]].concat(),
    );
    assert_eq!(
        told,
        "finance: wrote 1 entry (1 new) to harness-lint.baseline.json\n\
         sales: wrote 0 entries (0 new) to harness-lint.baseline.json\n"
    );
    assert_eq!(code(dir, &BOTH), 0);
}
