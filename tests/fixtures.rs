//! The projects in `fixtures/`: what is found in them is exactly what was planted.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::lines;
use harness_lint::error::RunError;
use harness_lint::registry::{Entry, RuleFilter, shipped};
use harness_lint::run::{self, Outcome, Request};
use harness_lint::threads;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// `check` as somebody runs it who stands in the fixture.
fn run_in(fixture: &str) -> Result<Outcome, RunError> {
    let request = Request {
        cwd: fixtures().join(fixture),
        ..Request::default()
    };
    threads::on_pool(2, || run::check(&request))
}

fn outcome(fixture: &str) -> Outcome {
    match run_in(fixture) {
        Ok(outcome) => outcome,
        Err(error) => panic!("{fixture}: {error:?}"),
    }
}

fn error(fixture: &str) -> RunError {
    match run_in(fixture) {
        Ok(outcome) => panic!("{fixture}: {:?}", lines(&outcome)),
        Err(error) => error,
    }
}

/// Everything that a run says of a fixture, findings and notes.
fn said(fixture: &str) -> Vec<String> {
    let outcome = outcome(fixture);
    let notices = outcome.prepared.project.notices.iter();
    let notices = notices.map(|n| format!("skipped {}: {}", n.path, n.why));
    lines(&outcome).into_iter().chain(notices).collect()
}

/// Is each of these a part of some line?
fn assert_says(fixture: &str, wanted: &[&str]) {
    let said = said(fixture);
    for part in wanted {
        let hit = said.iter().any(|line| line.contains(part));
        assert!(hit, "{fixture}: no `{part}` in\n{}", said.join("\n"));
    }
}

/// `UPDATE=1 cargo test --test fixtures` writes the snapshot; read its diff line by line.
fn assert_snapshot(fixture: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/snapshots/{fixture}.txt"));
    let found = lines(&outcome(fixture)).join("\n") + "\n";
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &found).unwrap();
    }
    let wanted = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, wanted, "see {}", path.display());
}

#[test]
fn the_shop_has_the_defects_that_were_planted_and_no_others() {
    assert_snapshot("shop");
}

#[test]
fn the_proof_has_the_defects_that_were_planted_and_no_others() {
    assert_snapshot("proof");
}

/// A file says of itself that it holds a defect, in a comment; a finding in any other file was not
/// planted, and a defect without a finding was missed.
#[test]
fn findings_of_the_shop_stand_in_the_files_that_announce_them() {
    let outcome = outcome("shop");
    let project = &outcome.prepared.project;
    let announces = |text: &str| text.contains("defect");
    let announced: BTreeSet<&str> = project
        .files
        .iter()
        .filter(|(_, f)| f.path.starts_with("models/") && announces(&f.text))
        .map(|(_, f)| f.path.as_str())
        .collect();
    let findings = outcome.checked.findings.iter();
    let found: BTreeSet<&str> = findings
        .map(|f| project.path(f.primary.span.file))
        .collect();
    assert_eq!(found, announced);
}

/// Rules that need a project no newcomer would enjoy are shown in `broken/` and on their pages.
#[test]
fn every_rule_that_ships_is_shown_in_a_fixture() {
    let mut shown: BTreeSet<String> = BTreeSet::new();
    for fixture in ["shop", "careless", "silent", "proof"]
        .into_iter()
        .chain(BROKEN.iter().copied())
    {
        let Ok(outcome) = run_in(&format!("{}{fixture}", folder(fixture))) else {
            continue;
        };
        shown.extend(outcome.checked.findings.into_iter().map(|f| f.rule));
    }
    // A dangling link cannot be committed everywhere; no fixture has a history of its own.
    let elsewhere = ["input/unreadable", "context/stale"];
    for entry in shipped() {
        let meta = entry.meta();
        let id = &*meta.id;
        // A declared rule that nobody has on without asking is shown by its own examples.
        let by_itself = matches!(entry, Entry::Declared(_)) && meta.preset.is_none();
        assert!(
            shown.contains(id) || by_itself || elsewhere.contains(&id),
            "no fixture shows {id}"
        );
    }
    assert!(shown.contains("ap/float-money"), "the shop's own rule");
}

fn folder(fixture: &str) -> &str {
    match fixture {
        "shop" | "careless" | "silent" | "proof" => "",
        _ => "broken/",
    }
}

#[test]
fn nothing_is_said_of_the_clean_project() {
    let outcome = outcome("clean");
    assert_eq!(lines(&outcome), [""; 0]);
    let project = &outcome.prepared.project;
    assert_eq!(project.notices, [], "everything was understood");
    assert_eq!(project.counts.parsed, project.counts.models);
    assert_eq!(outcome.checked.suppressed, 0);
    let excluded = outcome.checked.excluded.iter().map(|e| e.count);
    assert_eq!(excluded.sum::<usize>(), 0);
    // Silence counts only where everybody was asked.
    let asked = outcome.prepared.rules.iter().map(|a| &*a.meta.id);
    let asked: BTreeSet<&str> = asked.collect();
    for entry in shipped() {
        let meta = entry.meta();
        let by_preset = meta.preset.is_some_and(|p| p.as_str() != "strict");
        let wanted = by_preset || meta.category() == "structure";
        assert!(!wanted || asked.contains(&*meta.id), "{} is off", meta.id);
    }
}

/// Every folder of `fixtures/broken`.
const BROKEN: &[&str] = &[
    "config-conflict",
    "crlf-bom",
    "cycle",
    "duplicate",
    "empty",
    "latin-1",
    "malformed-yaml",
    "manifest-truncated",
    "manifest-v99",
    "no-project",
    "tangle",
    "two-projects",
    "unclosed-jinja",
];

#[test]
fn every_broken_fixture_ends_in_a_report_or_an_error() {
    let folders = fs::read_dir(fixtures().join("broken")).unwrap().flatten();
    let folders = folders.filter(|e| e.path().is_dir());
    let names = folders.map(|e| e.file_name().to_string_lossy().into_owned());
    let names: BTreeSet<String> = names.collect();
    let known: BTreeSet<String> = BROKEN.iter().map(|n| (*n).to_owned()).collect();
    assert_eq!(names, known);
    for name in BROKEN {
        // A panic would end the test here.
        if let Err(error) = run_in(&format!("broken/{name}")) {
            assert!((2..=4).contains(&error.exit_code()), "{name}: {error}");
            assert!(!error.to_string().is_empty(), "{name}");
        }
    }
}

#[test]
fn without_a_project_there_is_nothing_to_judge() {
    let error = error("broken/no-project");
    assert_eq!(error.exit_code(), 4);
    assert!(error.to_string().contains("dbt_project.yml"), "{error}");
}

#[test]
fn of_two_projects_one_must_be_named() {
    let error = error("broken/two-projects");
    assert_eq!(error.exit_code(), 2);
    for name in ["finance", "sales"] {
        let command = format!("--project-dir {name}");
        assert!(error.to_string().contains(&command), "{error}");
    }
    assert_eq!(
        outcome("broken/two-projects/sales").prepared.project.name,
        "sales"
    );
}

#[test]
fn an_empty_project_is_a_project() {
    let outcome = outcome("broken/empty");
    assert_eq!(lines(&outcome), [""; 0]);
    assert_eq!(outcome.prepared.project.counts.models, 0);
}

#[test]
fn a_cycle_is_found_and_ends_nothing() {
    let outcome = outcome("broken/cycle");
    let found: Vec<_> = outcome
        .checked
        .findings
        .iter()
        .filter(|f| f.rule == "graph/cycle")
        .collect();
    assert_eq!(found.len(), 1);
    assert!(
        found[0]
            .primary
            .message
            .contains("`chicken` → `egg` → `chicken`"),
        "{}",
        found[0].primary.message
    );
    let project = &outcome.prepared.project;
    assert_eq!(project.counts.parsed, 2);
    let egg = project.by_unique_id("model.cycle.egg").unwrap();
    assert!(!project.graph.ancestors(egg.id, None).is_empty());
}

#[test]
fn what_dbt_would_refuse_is_found() {
    assert_says(
        "broken/duplicate",
        &[
            "models/orders.sql:1:1 error input/duplicate-node",
            "models/_models.yml:4:11 error input/duplicate-node",
        ],
    );
    assert_says(
        "broken/malformed-yaml",
        &[
            "models/_models.yml:3:24 error input/yaml-syntax",
            "models/_twice.yml:4:5 warn input/yaml-syntax",
        ],
    );
    assert_says(
        "broken/config-conflict",
        &["models/_models.yml:7:9 error input/config-conflict"],
    );
    assert_says(
        "broken/unclosed-jinja",
        &["models/orders.sql:3:5 error input/jinja-syntax"],
    );
    assert_says(
        "broken/latin-1",
        &["models/drinks.sql:1:12 error input/encoding"],
    );
}

/// `UPDATE=1 cargo test --test fixtures` writes the snapshot; read its diff line by line.
#[test]
fn every_wrong_edge_of_the_tangle_is_found() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots/tangle.txt");
    let said = lines(&outcome("broken/tangle"));
    let about_edges = said.into_iter().filter(|l| l.contains(" graph/"));
    let found = about_edges.collect::<Vec<_>>().join("\n") + "\n";
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &found).unwrap();
    }
    let wanted = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, wanted, "see {}", path.display());
}

#[test]
fn a_manifest_that_cannot_be_used_is_noted_and_the_files_speak() {
    for (fixture, why) in [
        ("broken/manifest-truncated", "stops in the middle"),
        ("broken/manifest-v99", "v99"),
    ] {
        assert_says(fixture, &["skipped target/manifest.json: ", why]);
        assert_eq!(outcome(fixture).prepared.project.counts.parsed, 1);
        let asked = Request {
            cwd: fixtures().join(fixture),
            manifest: Some(harness_lint::config::ManifestSetting::Path(
                fixtures()
                    .join(fixture)
                    .join("target/manifest.json")
                    .display()
                    .to_string(),
            )),
            ..Request::default()
        };
        let refused = threads::on_pool(2, || run::check(&asked).map(|_| ()));
        assert_eq!(refused.unwrap_err().exit_code(), 3, "{fixture}");
    }
}

/// Columns count characters, not bytes; a byte order mark and a carriage return are none.
#[test]
fn positions_are_exact_whatever_the_bytes() {
    let outcome = outcome("broken/crlf-bom");
    let project = &outcome.prepared.project;
    let places: Vec<(String, &str)> = outcome
        .checked
        .findings
        .iter()
        .filter(|f| !["test/pk", "doc/missing"].contains(&f.rule.as_str()))
        .map(|f| (common::line(&outcome, f), project.text(f.primary.span)))
        .collect();
    let wanted = [
        (
            "models/_models.yml:5:83 warn input/yaml-syntax",
            "data_tests",
        ),
        ("models/star.sql:1:26 warn sql/star-output", "s.*"),
        (
            "models/umsaetze.sql:6:9 error sql/inner-after-left",
            "inner join {{ ref('regions') }} as r",
        ),
    ];
    assert_eq!(places.len(), wanted.len(), "{places:?}");
    for ((line, text), (wanted, wanted_text)) in places.iter().zip(wanted) {
        assert!(line.starts_with(wanted), "{line} is not at {wanted}");
        assert_eq!(*text, wanted_text);
    }
    let filter = RuleFilter {
        only: vec!["sql/*".to_owned()],
        ignore: Vec::new(),
    };
    let again = common::check(&fixtures().join("broken/crlf-bom"), filter);
    let related = again.checked.findings.iter().flat_map(|f| &f.related);
    let file_line = |s: harness_lint::text::Span| {
        let file = again.prepared.project.files.get(s.file);
        file.line_col(s.start).line
    };
    let left: Vec<u32> = related.map(|l| file_line(l.span)).collect();
    assert_eq!(left, [5], "the left join that is meant");
}
