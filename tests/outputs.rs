//! The report in the words of other programs, by the binary as a person runs it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::binary::{STAR, code, configure, json, misfits, project, run, stderr, stdout, write};
use serde_json::Value;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const FORMATS: [&str; 7] = ["text", "json", "sarif", "github", "gitlab", "junit", "md"];

fn shop() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/shop"))
}

/// A repository whose dbt project lies in `data/dbt`, with a finding in it and one above it.
fn repository() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join(".git")).unwrap();
    write(
        dir.path(),
        &[
            ("data/dbt/dbt_project.yml", "name: shop\n"),
            ("data/dbt/models/größe & co/a b.sql", STAR),
            ("AGENTS.md", "Read [this](docs/gone.md).\n"),
        ],
    );
    let rules = "rules: {sql/star-output: on, context/broken-link: on}";
    configure(&dir.path().join("data/dbt"), rules);
    dir
}

fn document(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn sarif_results(sarif: &Value) -> &Vec<Value> {
    sarif["runs"][0]["results"].as_array().unwrap()
}

#[test]
fn paths_count_from_the_git_work_tree() {
    let dir = repository();
    let cwd = dir.path().join("data");
    let of = |format: &str| stdout(&cwd, &["--format", format]);
    let found = json(&cwd, &["--format", "json"]);
    assert_eq!(found["findings"][0]["path"], "../../AGENTS.md");
    let inside = "data/dbt/models/größe & co/a b.sql";

    let sarif = document(&of("sarif"));
    let uri = |i: usize| {
        let place = &sarif_results(&sarif)[i]["locations"][0]["physicalLocation"];
        place["artifactLocation"]["uri"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(uri(0), "AGENTS.md");
    assert_eq!(
        uri(1),
        "data/dbt/models/gr%C3%B6%C3%9Fe%20%26%20co/a%20b.sql"
    );

    let github = of("github");
    assert!(
        github.contains("::warning file=AGENTS.md,line=1,"),
        "{github}"
    );
    assert!(
        github.contains(&format!("file={inside},line=1,")),
        "{github}"
    );

    let gitlab = document(&of("gitlab"));
    assert_eq!(gitlab[0]["location"]["path"], "AGENTS.md");
    assert_eq!(gitlab[1]["location"]["path"], inside);

    let junit = of("junit");
    assert!(junit.contains("name=\"AGENTS.md ["), "{junit}");
    assert!(
        junit.contains("data/dbt/models/größe &amp; co/a b.sql ["),
        "{junit}"
    );

    let md = of("md");
    assert!(md.contains("<code>AGENTS.md:1</code>"), "{md}");
    assert!(
        md.contains("<code>data/dbt/models/größe &#38; co/a b.sql:1</code>"),
        "{md}"
    );
    for format in FORMATS {
        let absolute = dir.path().canonicalize().unwrap();
        assert!(!of(format).contains(absolute.to_str().unwrap()), "{format}");
    }
}

#[test]
fn the_exit_code_is_the_same_in_every_format() {
    let dir = project(&[("models/x.sql", STAR)]);
    for format in FORMATS {
        let run = |more: &[&str]| code(dir.path(), &[&["--format", format], more].concat());
        assert_eq!(run(&[]), 0, "{format}");
        assert_eq!(run(&["--fail-on", "warn"]), 1, "{format}");
        assert_eq!(run(&["--fail-on", "warn", "--output", "json=out.json"]), 1);
        assert_eq!(run(&["--select", "no_such_node"]), 4, "{format}");
    }
    assert_eq!(code(dir.path(), &["--format", "sariff"]), 2);
}

/// Clean, and nothing to check at all: a document that a reader accepts, and never nothing.
#[test]
fn where_nothing_is_found_the_documents_are_whole() {
    let clean = project(&[("models/x.sql", "select 1 as a\n")]);
    let empty = tempfile::tempdir().unwrap();
    for (dir, args) in [
        (clean.path(), &[][..]),
        (empty.path(), &["--allow-empty"][..]),
    ] {
        for format in FORMATS {
            let text = stdout(dir, &[&["--format", format], args].concat());
            assert!(
                text.ends_with('\n') && text.trim().len() > 1,
                "{format}: {text}"
            );
            match format {
                "sarif" => {
                    let sarif = document(&text);
                    assert_eq!(sarif["version"], "2.1.0");
                    assert_eq!(sarif_results(&sarif).len(), 0);
                    let done = &sarif["runs"][0]["invocations"][0]["executionSuccessful"];
                    assert_eq!(*done, true);
                }
                "gitlab" => assert_eq!(text, "[]\n"),
                "junit" => {
                    assert!(text.contains("<testsuites name=\"harness-lint\""), "{text}");
                    assert!(!text.contains("<failure"), "{text}");
                }
                "md" => {
                    assert!(text.starts_with("<!-- harness-lint -->\n"));
                    assert!(text.contains("No findings."), "{text}");
                }
                "github" => assert!(text.lines().all(|l| !l.starts_with("::")), "{text}"),
                _ => {}
            }
        }
    }
    let junit = stdout(clean.path(), &["--format", "junit"]);
    assert!(junit.contains("tests=\"1\" failures=\"0\""), "{junit}");
}

#[test]
fn reports_go_to_files_beside_what_is_printed() {
    let dir = project(&[("models/x.sql", STAR)]);
    let mut args = vec!["--color=always".to_owned()];
    for format in FORMATS {
        args.extend([
            "--output".to_owned(),
            format!("{format}=models/../{format}.out"),
        ]);
    }
    fs::write(dir.path().join("sarif.out"), "old").unwrap();
    let with_color: Vec<&str> = args.iter().map(String::as_str).collect();
    let printed = stdout(dir.path(), &with_color);
    assert!(printed.contains('\u{1b}'), "stdout is coloured");
    for format in FORMATS {
        let text = fs::read_to_string(dir.path().join(format!("{format}.out"))).unwrap();
        assert_eq!(text, stdout(dir.path(), &["--format", format]), "{format}");
    }
    let left: Vec<_> = fs::read_dir(dir.path()).unwrap().flatten().collect();
    let names = left.iter().map(|e| e.file_name().into_string().unwrap());
    assert_eq!(names.filter(|n| n.contains(".out")).count(), FORMATS.len());
}

#[test]
fn what_cannot_be_written_is_said_before_the_work_and_exits_with_3() {
    let dir = project(&[("models/x.sql", STAR), ("d/kept", "")]);
    let refused = |output: &str| {
        let out = run(dir.path(), &["--output", output]);
        assert!(out.stdout.is_empty());
        let text = String::from_utf8(out.stderr).unwrap();
        (out.status.code().unwrap(), text)
    };
    for (output, exit, why) in [
        ("sariff=x", 2, "did you mean `sarif`?"),
        ("sarif", 2, "expected FORMAT=FILE"),
        ("sarif=", 2, "the name of a file is missing"),
        ("sarif=-", 2, "what goes to stdout is said by --format"),
        ("sarif=no/such/x", 3, "its directory does not exist"),
        ("sarif=d", 3, "is a directory"),
    ] {
        let (code, text) = refused(output);
        assert_eq!(code, exit, "{output}: {text}");
        assert!(text.contains(why), "{output}: {text}");
    }
    let twice = ["--output", "sarif=a", "--output", "json=./a"];
    assert_eq!(code(dir.path(), &twice), 2);
    assert!(!dir.path().join("a").exists());
}

/// Run as root, as in many containers, replacing a device would break the machine.
#[cfg(unix)]
#[test]
fn neither_a_device_nor_a_link_is_replaced() {
    let dir = project(&[("models/x.sql", STAR), ("kept", "kept")]);
    let link = dir.path().join("link");
    std::os::unix::fs::symlink("kept", &link).unwrap();
    std::os::unix::fs::symlink("/dev/null", dir.path().join("null")).unwrap();
    for output in ["sarif=link", "sarif=null", "sarif=/dev/null"] {
        let out = run(dir.path(), &["--output", output]);
        assert_eq!(out.status.code(), Some(3), "{output}");
    }
    assert!(link.symlink_metadata().unwrap().is_symlink());
    assert_eq!(fs::read_to_string(dir.path().join("kept")).unwrap(), "kept");
}

#[test]
fn sarif_rules_have_their_pages_and_fixes_fit_the_file() {
    let sarif = json(shop(), &["--format", "sarif"]);
    let report = json(shop(), &["--format", "json"]);
    let rules = sarif["runs"][0]["tool"]["driver"]["rules"]
        .as_array()
        .unwrap();
    let rule = |id: &str| rules.iter().position(|r| r["id"] == id).unwrap();
    let join = &rules[rule("sql/inner-after-left")];
    let page = join["help"]["markdown"].as_str().unwrap();
    assert!(page.starts_with("# sql/inner-after-left\n"), "{page}");
    assert!(join.get("helpUri").is_none(), "there is no such page yet");
    assert_eq!(join["defaultConfiguration"]["level"], "error");
    assert_eq!(
        join["properties"]["tags"],
        serde_json::json!(["dbt", "sql"])
    );
    let own = &rules[rule("ap/float-money")];
    assert!(!own["shortDescription"]["text"].as_str().unwrap().is_empty());

    let results = sarif_results(&sarif);
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(results.len(), findings.len());
    for (result, finding) in results.iter().zip(findings) {
        assert_eq!(result["ruleId"], finding["rule"]);
        let index = result["ruleIndex"].as_u64().unwrap();
        assert_eq!(
            rules[usize::try_from(index).unwrap()]["id"],
            result["ruleId"]
        );
        assert_eq!(
            result["partialFingerprints"]["harnessLint/v1"],
            finding["fingerprint"]
        );
        let related = result["relatedLocations"].as_array().map_or(0, Vec::len);
        assert_eq!(related, finding["related"].as_array().unwrap().len());
    }
    let tags = results.iter().find(|r| r["ruleId"] == "structure/tags");
    let change = &tags.unwrap()["fixes"][0]["artifactChanges"][0];
    let region = &change["replacements"][0]["deletedRegion"];
    let file = fs::read(shop().join("models/staging/erp/stg_erp__customers.sql")).unwrap();
    let number = |key: &str| usize::try_from(region[key].as_u64().unwrap()).unwrap();
    let (at, length) = (number("byteOffset"), number("byteLength"));
    assert_eq!(&file[at..at + length], b"['staging', 'erp', 'shop']");
    let line = String::from_utf8(file).unwrap();
    let line = line.lines().nth(number("startLine") - 1).unwrap();
    let of_line = &line[number("startColumn") - 1..number("endColumn") - 1];
    assert_eq!(of_line, "['staging', 'erp', 'shop']");
}

/// GitHub shows what a run did not understand to nobody; the document holds it all the same.
#[test]
fn sarif_says_what_was_not_understood() {
    let dir = project(&[("models/broken.sql", "select from where (((")]);
    let sarif = json(dir.path(), &["--format", "sarif"]);
    let notices = &sarif["runs"][0]["invocations"][0]["toolExecutionNotifications"];
    assert_eq!(notices[0]["level"], "note");
    let place = &notices[0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "models/broken.sql");
}

#[test]
fn text_of_the_repository_stays_text() {
    let evil = "models/x\n::error::forged ##[error]&<b>@admin.sql";
    let dir = project(&[(evil, STAR)]);
    for format in FORMATS {
        let text = stdout(dir.path(), &["--format", format]);
        let forged =
            |l: &&str| l.trim_start().starts_with("::") && !l.starts_with("::warning file=");
        assert_eq!(text.lines().find(forged), None, "{format}");
        assert!(!text.contains("##[error]"), "{format}: {text}");
        // Where markup means something, it is escaped.
        let markup = ["junit", "md"].contains(&format);
        assert!(!markup || !text.contains("<b>"), "{format}: {text}");
    }
    let gitlab = json(dir.path(), &["--format", "gitlab"]);
    assert_eq!(gitlab[0]["location"]["path"], evil, "no byte is lost");
}

#[test]
fn junit_fails_where_the_run_fails() {
    let dir = project(&[("models/x.sql", STAR)]);
    let of = |args: &[&str]| stdout(dir.path(), &[&["--format", "junit"], args].concat());
    let lenient = of(&[]);
    assert!(
        lenient.contains("failures=\"0\" errors=\"0\" skipped=\"1\""),
        "{lenient}"
    );
    let strict = of(&["--fail-on", "warn"]);
    assert!(strict.contains("<failure type=\"warn\""), "{strict}");
    configure(dir.path(), "fail_on: warn");
    assert_eq!(of(&[]), strict, "the configuration's threshold counts");
}

#[test]
fn statistics_are_beside_the_findings_in_json_and_instead_of_them_in_text() {
    let dir = project(&[("models/x.sql", STAR), ("models/y.sql", STAR)]);
    let text = stdout(dir.path(), &["--statistics"]);
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("sql/star-output  warn  2"));
    assert!(
        text.lines()
            .last()
            .unwrap()
            .starts_with("2 warnings · 2 models"),
        "{text}"
    );
    assert!(!text.contains("x.sql"), "{text}");
    let report = json(dir.path(), &["--format", "json", "--statistics"]);
    assert_eq!(misfits("report", &report), [""; 0]);
    assert_eq!(
        report["statistics"],
        serde_json::json!([{"rule": "sql/star-output", "severity": "warn", "count": 2, "fixable": 0}])
    );
    assert_eq!(report["findings"].as_array().unwrap().len(), 2);
    let without = json(dir.path(), &["--format", "json"]);
    assert!(without.get("statistics").is_none(), "absent: not computed");
    assert_eq!(code(dir.path(), &["--format", "md", "--statistics"]), 2);
    let note = stderr(dir.path(), &["--format", "md", "--statistics"]);
    assert!(note.contains("--statistics is for text and JSON"), "{note}");
    let both = [
        "--format",
        "md",
        "--statistics",
        "--output",
        "json=out.json",
    ];
    assert_eq!(code(dir.path(), &both), 0);
}
