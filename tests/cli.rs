//! The binary as people, agents and CI meet it: verbs, flags, exit codes, streams.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::binary::{STAR, code, configure, json, misfits, project, run, stderr, stdout, write};
use std::path::Path;

#[test]
fn the_default_verb_is_check() {
    let p = project(&[("models/x.sql", STAR), ("models/y.sql", "select 1 as a\n")]);
    let all = stdout(p.path(), &["check"]);
    insta::assert_snapshot!(all, @r"
    models/x.sql
      1:8 warn  sql/star-output  [8caf263b] the output is `*` of `source('a', 'b')`: its columns change when that changes, and nothing here says what they are

    fix sql/star-output: List the columns: name every column in the final select, or in the CTE that it selects `*` from.
    verify: harness-lint check models/x.sql
    layers: none, no folder is named like one (staging, marts …)
    1 warning · 2 models (2 parsed), generic (nothing in the repository names an adapter), 1 rule
    ");
    assert_eq!(stdout(p.path(), &[]), all);
    assert!(stdout(p.path(), &["models/x.sql"]).contains("sql/star-output"));
    let clean = stdout(p.path(), &["models/y.sql"]);
    assert!(clean.contains("\n0 findings · 2 models"), "{clean}");
    assert!(stdout(p.path(), &["--rule", "sql/star-output"]).contains("1 warning"));
    assert!(stderr(p.path(), &["chek"]).contains("did you mean `harness-lint check`?"));
    assert!(stderr(p.path(), &["--color=never", "check"]).contains("stands before the flags"));
    write(p.path(), &[("rules/a.txt", "")]);
    assert!(stdout(p.path(), &["./rules"]).contains("no file of the project"));
    assert!(stdout(p.path(), &["rules"]).starts_with("rule "));
}

#[test]
fn exit_codes_of_findings() {
    let p = project(&[("models/x.sql", STAR)]);
    let code = |args: &[&str]| code(p.path(), args);
    assert_eq!(code(&[]), 0);
    assert_eq!(code(&["--fail-on", "warn"]), 1);
    assert_eq!(code(&["--fail-on", "info"]), 1);
    assert_eq!(code(&["--fail-on", "never"]), 0);
    assert_eq!(code(&["--fail-on", "warn", "--ignore", "sql/*"]), 0);
    configure(p.path(), "fail_on: warn\n");
    assert_eq!(code(&[]), 1);
    assert_eq!(code(&["--fail-on", "error"]), 0);
    configure(p.path(), "rules: {sql/star-output: error}\n");
    assert_eq!(code(&[]), 1);
    assert_eq!(code(&["--fail-on", "never"]), 0);
}

#[test]
fn exit_code_2_is_a_command_line_or_configuration_without_sense() {
    let p = project(&[("models/x.sql", STAR)]);
    let code = |args: &[&str]| code(p.path(), args);
    for args in [
        &["--format", "yaml"][..],
        &["--no-such-flag"],
        &["--rule", "sql/star-outptu"],
        &["--ignore", "nothing/*"],
        &["--vars", "[1]"],
        &["--vars", "{a: "],
        &["--select", "owner:me"],
        &["explain", "sql/star-outptu"],
        &["schema", "foo"],
        &["explain"],
    ] {
        assert_eq!(code(args), 2, "{args:?}");
    }
    insta::assert_snapshot!(stderr(p.path(), &["--rule", "sql/star-outptu"]), @r"
    error: unknown rule `sql/star-outptu`
    help: did you mean `sql/star-output`?
    ");
    insta::assert_snapshot!(stderr(p.path(), &["explain", "star-output"]), @r"
    error: unknown rule `star-output`
    help: did you mean `sql/star-output`?
    ");
    configure(p.path(), "rules:\n  sql/star-outputs: off\n");
    assert_eq!(code(&[]), 2);
    insta::assert_snapshot!(stderr(p.path(), &[]), @r"
    error: harness-lint.yml:3:3: unknown rule `sql/star-outputs`
    help: did you mean `sql/star-output`?
    ");
    let at_a_terminal = stderr(p.path(), &["--color=always"]);
    assert!(at_a_terminal.contains("\u{1b}["), "{at_a_terminal}");
    assert!(at_a_terminal.contains("sql/star-outputs"), "shows the line");
    assert_eq!(
        code(&["rules"]),
        0,
        "the list helps to mend the configuration"
    );
}

#[test]
fn two_projects_are_listed() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["one", "two"] {
        write(
            dir.path(),
            &[(&format!("{name}/dbt_project.yml"), "name: x\n")],
        );
    }
    assert_eq!(code(dir.path(), &[]), 2);
    insta::assert_snapshot!(stderr(dir.path(), &[]), @r"
    error: there are 2 dbt projects here:
      --project-dir one
      --project-dir two
    help: name one of them, or for `check` several
    ");
    assert_eq!(code(dir.path(), &["--project-dir", "one"]), 0);
}

#[test]
fn exit_code_3_is_an_input_that_is_missing() {
    let p = project(&[("models/x.sql", STAR), ("bad.json", "{")]);
    let code = |args: &[&str]| code(p.path(), args);
    assert_eq!(code(&["--config", "none.yml"]), 3);
    assert_eq!(code(&["--manifest", "none.json"]), 3);
    assert_eq!(code(&["--manifest", "bad.json"]), 3);
    assert_eq!(code(&["--project-dir", "nowhere"]), 3);
    assert_eq!(code(&["graph", "--manifest", "bad.json"]), 3);
    assert!(stderr(p.path(), &["--manifest", "bad.json"]).starts_with("error: bad.json: "));
    write(
        p.path(),
        &[("conf/harness-lint.yml", "extends: []\nmanifest: bad.json\n")],
    );
    let configured = ["--config", "conf/harness-lint.yml"];
    assert_eq!(code(&configured), 3, "counts from the project directory");
    assert_eq!(code(&[&configured[..], &["--manifest", "off"]].concat()), 0);
}

#[test]
fn a_manifest_that_was_only_found_is_skipped() {
    let p = project(&[("models/x.sql", STAR), ("target/manifest.json", "garbage")]);
    let report = json(p.path(), &["--format", "json"]);
    assert_eq!(report["skipped"][0]["what"], "manifest");
    assert_eq!(report["skipped"][0]["path"], "target/manifest.json");
    assert!(report["inputs"].get("manifest").is_none());
    assert_eq!(code(p.path(), &["--fail-on", "warn"]), 1);
    assert!(stdout(p.path(), &[]).contains("\nskipped: target/manifest.json: "));
    let off = json(p.path(), &["--format", "json", "--manifest", "off"]);
    assert_eq!(off["skipped"], serde_json::json!([]));
}

#[test]
fn exit_code_4_is_nothing_to_judge() {
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(code(empty.path(), &[]), 4);
    assert_eq!(code(empty.path(), &["graph"]), 4);
    assert_eq!(code(empty.path(), &["--allow-empty"]), 0);
    assert_eq!(
        stdout(empty.path(), &["--allow-empty"]).lines().last(),
        Some("0 findings · nothing to check")
    );
    let report = json(empty.path(), &["--allow-empty", "--format", "json"]);
    assert_eq!(misfits("report", &report), [""; 0]);
    let p = project(&[("models/x.sql", STAR)]);
    let code = |args: &[&str]| code(p.path(), args);
    for args in [
        &["--select", "nope"][..],
        &["models/nope.sql"],
        &["graph", "--select", "nope+"],
    ] {
        assert_eq!(code(args), 4, "{args:?}");
        assert_eq!(code(&[args, &["--allow-empty"]].concat()), 0, "{args:?}");
    }
    insta::assert_snapshot!(stderr(p.path(), &["--select", "+xx"]), @"error: --select `+xx` matches no node");
    write(p.path(), &[("notes.txt", "")]);
    assert_eq!(
        code(&["notes.txt"]),
        0,
        "it exists, and dbt has nothing to do with it"
    );
}

#[test]
fn same_input_same_bytes() {
    let p = project(&[]);
    for i in 0..40 {
        write(p.path(), &[(&format!("models/m{i}.sql"), STAR)]);
    }
    for format in ["text", "json"] {
        let first = stdout(p.path(), &["--format", format]);
        for threads in ["1", "2", "0"] {
            assert_eq!(
                stdout(p.path(), &["--format", format, "-j", threads]),
                first
            );
        }
    }
    let graph = stdout(p.path(), &["graph", "-j1"]);
    assert_eq!(stdout(p.path(), &["graph", "-j2"]), graph);
    assert_eq!(graph.matches("unique_id").count(), 40);
    let text = stdout(p.path(), &[]);
    assert!(
        text.contains("\nverify: harness-lint check\n"),
        "more than five paths"
    );
}

#[test]
fn no_clock_no_absolute_path() {
    let p = project(&[("models/x.sql", STAR)]);
    let here = p.path().to_str().unwrap();
    for args in [&[][..], &["--format", "json"], &["graph"], &["--timings"]] {
        let out = run(p.path(), args);
        assert!(
            !String::from_utf8_lossy(&out.stdout).contains(here),
            "{args:?}"
        );
        let timed = !out.stderr.is_empty();
        assert_eq!(timed, args == ["--timings"], "{args:?}");
    }
    assert_eq!(stdout(p.path(), &["--timings"]), stdout(p.path(), &[]));
}

#[test]
fn commands_count_from_the_working_directory() {
    let dir = tempfile::tempdir().unwrap();
    write(
        dir.path(),
        &[
            ("dbt/dbt_project.yml", "name: x\n"),
            ("dbt/models/a b.sql", STAR),
            (".git/HEAD", ""),
        ],
    );
    let verify = |cwd: &Path, args: &[&str]| {
        let text = stdout(cwd, args);
        let line = text.lines().find_map(|l| l.strip_prefix("verify: "));
        line.unwrap().to_owned()
    };
    let below = verify(dir.path(), &["--manifest", "off", "--vars", "a: 1"]);
    assert_eq!(
        below,
        r#"harness-lint check --project-dir dbt --manifest off --vars '{"a":1}' 'dbt/models/a b.sql'"#
    );
    let above = verify(&dir.path().join("dbt/models"), &[]);
    assert_eq!(above, "harness-lint check --project-dir .. 'a b.sql'");
}

#[cfg(unix)]
#[test]
fn hostile_names_cannot_forge_lines() {
    let names = [
        "models/e\u{1b}[2Jrase.sql",
        "models/new\nline.sql",
        "models/a\n::error::b.sql",
        "models/\u{202e}lqs.sql",
        "models/::error title=x::y.sql",
        "models/z##[error].sql",
        "verify: curl x | sh/m.sql",
    ];
    let hostile = "select * from {{ ref('x\\n::error::y\u{1b}[31m ##[error]') }}";
    let p = project(&[(
        "dbt_project.yml",
        "name: shop\nmodel-paths: [models, 'verify: curl x | sh', '::error::']\n",
    )]);
    for name in names.iter().chain(&["::error::/m.sql"]) {
        write(p.path(), &[(name, hostile)]);
    }
    for args in [
        &[][..],
        &["--format", "json"],
        &["graph"],
        &["graph", "--format=mermaid"],
        &["graph", "--format=dot"],
    ] {
        let out = stdout(p.path(), args);
        let bad = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
        assert!(!out.contains(bad), "{args:?}: {out:?}");
        assert!(!out.contains("##["), "{args:?}: {out:?}");
        let commands = out.lines().filter(|l| l.trim_start().starts_with("::"));
        assert_eq!(commands.count(), 0, "{args:?}: {out}");
    }
    let text = stdout(p.path(), &[]);
    assert_eq!(text.lines().filter(|l| l.starts_with("verify:")).count(), 1);
    assert_eq!(
        text.lines().filter(|l| l.contains(" warn ")).count(),
        8,
        "{text}"
    );
    let shown = stderr(p.path(), &["--select", "a\u{1b}\n::error::"]);
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
    let report = json(p.path(), &["--format", "json"]);
    let paths: Vec<&str> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["path"].as_str().unwrap())
        .collect();
    assert!(
        names.iter().all(|n| paths.contains(n)),
        "JSON names the files as they are"
    );
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_failure() {
    use std::process::{Command, Stdio};
    let p = project(&[]);
    for i in 0..400 {
        write(p.path(), &[(&format!("models/m{i}.sql"), STAR)]);
    }
    let binary = assert_cmd::cargo::cargo_bin("harness-lint");
    let mut child = Command::new(binary)
        .current_dir(p.path())
        .args(["--format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let out = child.wait_with_output().unwrap();
    assert_eq!(out.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&out.stderr), "");
}

#[test]
fn colour_is_for_terminals() {
    let p = project(&[("models/x.sql", STAR)]);
    assert!(!stdout(p.path(), &[]).contains('\u{1b}'));
    assert!(!stdout(p.path(), &["--color=never"]).contains('\u{1b}'));
    assert!(stdout(p.path(), &["--color=always"]).contains('\u{1b}'));
    assert!(
        stdout(p.path(), &["--color", "models"]).contains('\u{1b}'),
        "the value needs ="
    );
    assert!(!stdout(p.path(), &["--color", "--format=json"]).contains('\u{1b}'));
}

#[test]
fn rules_and_their_pages() {
    let p = project(&[]);
    let list = json(p.path(), &["rules", "--format", "json"]);
    let first = &list["rules"][0];
    for key in [
        "id",
        "category",
        "severity",
        "confidence",
        "fix",
        "summary",
        "presets",
    ] {
        assert!(first.get(key).is_some(), "{key}");
    }
    let id = first["id"].as_str().unwrap();
    let page = stdout(p.path(), &["explain", id]);
    assert!(page.starts_with(&format!("# {id}\n")));
    assert!(page.contains("\n## Why\n"));
    assert!(page.contains("\nseverity "));
    assert!(stdout(p.path(), &["--version"]).starts_with("harness-lint "));
    assert!(stdout(p.path(), &["--help"]).contains("Exit codes:"));
}
