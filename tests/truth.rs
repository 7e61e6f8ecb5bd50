//! On generated projects the findings are the planted defects, all of them and nothing else.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;
#[path = "../benches/generator/mod.rs"]
#[allow(dead_code)]
mod generator;

use common::check;
use generator::{Expected, Spec, Truth, generate};
use harness_lint::registry::RuleFilter;
use harness_lint::run::Outcome;

/// Takes out of `list` an entry that this finding is.
fn take(list: &mut Vec<Expected>, rule: &str, path: &str, line: usize) -> bool {
    let is = |e: &Expected, exact: bool| {
        let place = e.path == path || e.also.iter().any(|p| p == path);
        let here = match e.line {
            Some(wanted) => wanted == line || e.path != path,
            None => !exact,
        };
        e.rule == rule && place && here
    };
    let found = list
        .iter()
        .position(|e| is(e, true))
        .or_else(|| list.iter().position(|e| is(e, false)));
    if let Some(i) = found {
        list.remove(i);
    }
    found.is_some()
}

fn compare(outcome: &Outcome, truth: &Truth) {
    let project = &outcome.prepared.project;
    let mut expected = truth.expected.clone();
    let mut tolerated = truth.tolerated.clone();
    let mut surplus = Vec::new();
    for f in &outcome.checked.findings {
        let file = project.files.get(f.primary.span.file);
        let line = file.line_col(f.primary.span.start).line as usize;
        let known = take(&mut expected, &f.rule, &file.path, line)
            || take(&mut tolerated, &f.rule, &file.path, line);
        if !known {
            surplus.push(common::line(outcome, f));
        }
    }
    let missing: Vec<String> = expected
        .iter()
        .map(|e| format!("{}:{:?} {} ({})", e.path, e.line, e.rule, e.note))
        .collect();
    assert!(
        surplus.is_empty() && missing.is_empty(),
        "{} findings; {} nobody planted:\n{}\n{} planted and not found:\n{}",
        outcome.checked.findings.len(),
        surplus.len(),
        surplus.join("\n"),
        missing.len(),
        missing.join("\n"),
    );
    assert!(!truth.expected.is_empty());
    assert_eq!(
        project.counts.parsed,
        project.counts.models - unparsable(truth)
    );
}

/// Models whose Jinja is planted broken need not parse.
fn unparsable(_truth: &Truth) -> usize {
    0
}

fn run(spec: &Spec) {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().join("project");
    let truth = generate(&at, spec).unwrap();
    let outcome = check(&at, RuleFilter::default());
    compare(&outcome, &truth);
}

#[test]
fn a_thousand_models_from_files_alone() {
    run(&Spec {
        models: 1_000,
        defects: 0.2,
        seed: 11,
        ..Spec::default()
    });
}

#[test]
fn three_hundred_models_with_a_manifest() {
    run(&Spec {
        models: 300,
        defects: 0.3,
        seed: 5,
        manifest: true,
        ..Spec::default()
    });
}

#[test]
fn a_project_without_defects_is_silent() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().join("project");
    let spec = Spec {
        models: 400,
        defects: 0.0,
        seed: 3,
        ..Spec::default()
    };
    generate(&at, &spec).unwrap();
    let outcome = check(&at, RuleFilter::default());
    assert_eq!(common::lines(&outcome), [""; 0]);
    assert!(
        outcome.checked.suppressed > 0,
        "used suppressions are planted"
    );
}
