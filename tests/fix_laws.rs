//! The laws that every fix keeps, proven over the pages of all rules, the fixtures, and generated
//! projects, each also with CRLF, a byte order mark and without a last line end.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../benches/generator/mod.rs"]
#[allow(dead_code)]
mod generator;

mod common;

use common::{Files, example, only, write};
use generator::{Spec, generate};
use harness_lint::check::Finding;
use harness_lint::fix::{self, Change, Fixed, Mending};
use harness_lint::registry::{Entry, RuleFilter, shipped};
use harness_lint::report::graph;
use harness_lint::rule::FixAvailability;
use harness_lint::run::{Outcome, Request};
use harness_lint::syntax::template::SqlTree;
use harness_lint::threads;
use harness_lint::violation::{Applicability, Edit};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

const BOTH: [Applicability; 2] = [Applicability::Safe, Applicability::Suggested];

fn request(dir: &Path, filter: RuleFilter) -> Request {
    Request {
        cwd: dir.to_owned(),
        project_dir: Some(dir.to_owned()),
        filter,
        ..Request::default()
    }
}

/// Every file's bytes, git's own aside.
fn contents(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = WalkDir::new(dir).into_iter().flatten();
    let files = files.filter(|e| e.file_type().is_file());
    let files = files.map(|e| e.path().to_owned());
    let own = |p: &PathBuf| !p.components().any(|c| c.as_os_str() == ".git");
    files
        .filter(own)
        .map(|p| (p.clone(), fs::read(p).unwrap()))
        .collect()
}

/// How a file may be written.
#[derive(Debug, Clone, Copy)]
struct Style {
    crlf: bool,
    bom: bool,
    open_end: bool,
}

impl Style {
    const PLAIN: Style = Style::new(false, false, false);
    const ALL: [Style; 5] = [
        Style::PLAIN,
        Style::new(true, false, false),
        Style::new(false, true, false),
        Style::new(true, true, false),
        Style::new(false, false, true),
    ];

    const fn new(crlf: bool, bom: bool, open_end: bool) -> Self {
        Self {
            crlf,
            bom,
            open_end,
        }
    }

    /// Rewrites models and properties below a directory.
    fn dress(self, dir: &Path) {
        for (path, bytes) in contents(dir) {
            let in_models = path.strip_prefix(dir).unwrap().starts_with("models");
            let is_text = path.extension().is_some_and(|e| e == "sql" || e == "yml");
            let Ok(mut text) = String::from_utf8(bytes) else {
                continue;
            };
            if !in_models || !is_text || path.is_symlink() || text.contains('\r') {
                continue;
            }
            if self.open_end {
                text = text.trim_end().to_owned();
            }
            if self.crlf {
                text = text.replace('\n', "\r\n");
            }
            if self.bom && !text.starts_with('\u{feff}') {
                text.insert(0, '\u{feff}');
            }
            fs::write(path, text).unwrap();
        }
    }
}

/// What dbt and the database would refuse, as far as we see.
fn defects(outcome: &Outcome) -> (usize, usize, usize, usize) {
    let project = &outcome.prepared.project;
    let failed = project.nodes.iter().filter_map(|n| n.sql.as_ref());
    let failed = failed.filter(|s| matches!(s.sql, SqlTree::Failed { .. }));
    let yaml = project.yaml.values().map(|y| y.problems.len()).sum();
    (
        project.jinja_errors.len(),
        yaml,
        failed.count(),
        project.unresolved.len(),
    )
}

/// The output columns of every model.
fn columns(outcome: &Outcome) -> Vec<(String, serde_json::Value)> {
    let project = &outcome.prepared.project;
    let mut report = graph::graph(project, None, false);
    graph::add_columns(&mut report, project);
    let json = serde_json::to_value(&report).unwrap();
    let nodes = json["nodes"].as_array().unwrap().iter();
    let known = nodes.filter(|n| n["columns"].is_array());
    known
        .map(|n| (n["unique_id"].to_string(), n["columns"].clone()))
        .collect()
}

/// Mends a directory, and holds what happens to the laws. `what` names it in messages.
fn hold(what: &str, dir: &Path, filter: &RuleFilter, least: Applicability) -> Mending {
    let before = contents(dir);
    let request = request(dir, filter.clone());
    threads::on_pool(2, || {
        let mended = fix::mend(&request, least).unwrap();
        assert_eq!(contents(dir), before, "{what}: mending alone writes");
        let first = &mended.first;
        let (outcome, mending) = fix::apply(&request, least).unwrap();
        assert!(mending.at_rest, "{what}: does not come to rest");
        assert_eq!(mending.dropped.len(), 0, "{what}: {:?}", mending.dropped);
        assert_eq!(mending.fixed, mended.report.fixed, "{what}: another time");
        touched(what, dir, &before, &mending.changes);
        if mending.rounds == 1 {
            only_spans(what, first, &mending);
        }
        let (old, new) = (defects(first), defects(&outcome));
        assert!(
            new.0 <= old.0 && new.1 <= old.1 && new.2 <= old.2 && new.3 <= old.3,
            "{what}: {old:?} {new:?}"
        );
        cleared(what, first, &outcome, &mending.fixed);
        if least == Applicability::Safe {
            assert_eq!(columns(first), columns(&outcome), "{what}: other columns");
        }
        let after = contents(dir);
        let (again, idle) = fix::apply(&request, least).unwrap();
        assert_eq!(idle.fixed, [], "{what}: not idempotent");
        assert_eq!(contents(dir), after, "{what}: written twice");
        let told = |o: &Outcome| -> Vec<(u64, u32)> {
            let all = o.checked.findings.iter();
            all.map(|f| (f.fingerprint, f.primary.span.start)).collect()
        };
        assert_eq!(
            told(&again),
            told(&outcome),
            "{what}: the report was of something else"
        );
        mending
    })
}

/// Only files with edits differ, their line ends and marks are what they were, and nothing is left
/// beside them.
fn touched(what: &str, dir: &Path, before: &BTreeMap<PathBuf, Vec<u8>>, changes: &[Change]) {
    let after = contents(dir);
    assert!(before.keys().eq(after.keys()), "{what}: other files");
    let real = dir.canonicalize().unwrap();
    for (path, bytes) in &after {
        let place = real.join(path.strip_prefix(dir).unwrap());
        let change = changes.iter().find(|c| c.on_disk == place);
        let Some(change) = change else {
            assert_eq!(bytes, &before[path], "{what}: {}", path.display());
            continue;
        };
        assert_eq!(change.before.as_bytes(), before[path]);
        assert_eq!(change.after.as_bytes(), *bytes);
        assert_ne!(change.before, change.after);
        let (old, new) = (&change.before, &change.after);
        let bare = |t: &str| t.replace("\r\n", "").contains(['\r', '\n']);
        let breaks = |t: &str| t.contains("\r\n");
        assert!(
            bare(old) || !bare(new) || !old.contains('\n'),
            "{what}: a bare line end in {}",
            change.path
        );
        assert!(
            breaks(old) || !breaks(new),
            "{what}: CRLF in {}",
            change.path
        );
        let marks = |t: &str| t.matches('\u{feff}').count();
        assert_eq!(marks(old), marks(new), "{what}: marks in {}", change.path);
        assert_eq!(
            old.starts_with('\u{feff}'),
            new.starts_with('\u{feff}'),
            "{what}: mark of {}",
            change.path
        );
        let comments = |t: &str| {
            let lines = t
                .lines()
                .map(|l| l.split_once(" #").map(|(_, c)| c.to_owned()));
            lines.flatten().collect::<Vec<_>>()
        };
        if change.path.ends_with(".yml") {
            assert_eq!(
                comments(old),
                comments(new),
                "{what}: comments of {}",
                change.path
            );
        }
    }
}

/// What was written is what was read, with the edits of the findings that were mended.
fn only_spans(what: &str, first: &Outcome, mending: &Mending) {
    let project = &first.prepared.project;
    let is_fixed = |f: &&Finding| {
        let of = |x: &Fixed| x.fingerprint == f.fingerprint;
        mending.fixed.iter().any(of)
    };
    let findings = first.checked.findings.iter().filter(is_fixed);
    let mut edits: BTreeMap<&str, Vec<&Edit>> = BTreeMap::new();
    for edit in findings.flat_map(|f| &f.fix.as_ref().unwrap().edits) {
        let path = project.path(edit.span.file);
        edits.entry(path).or_default().push(edit);
    }
    for change in &mending.changes {
        let edits = edits.get_mut(change.path.as_str()).unwrap();
        edits.sort_by_key(|e| e.span);
        let mut text = change.before.clone();
        for edit in edits.iter().rev() {
            text.replace_range(edit.span.range(), &edit.text);
        }
        // Insertions at one place may stand in another order.
        let sorted = |t: &str| {
            let mut lines: Vec<String> = t.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(
            sorted(&text),
            sorted(&change.after),
            "{what}: {}",
            change.path
        );
    }
}

/// Of each kind of finding as many are gone as were mended.
fn cleared(what: &str, first: &Outcome, last: &Outcome, fixed: &[Fixed]) {
    let of_rule = |o: &Outcome, rule: &str| {
        let same = o.checked.findings.iter().filter(|f| f.rule == rule);
        same.count()
    };
    let mut rules: Vec<&str> = fixed.iter().map(|f| f.rule.as_str()).collect();
    rules.sort_unstable();
    rules.dedup();
    for rule in rules {
        // Another fix may have brought some of them.
        let at_first = |f: &&Fixed| {
            let mut all = first.checked.findings.iter();
            f.rule == rule && all.any(|g| g.fingerprint == f.fingerprint)
        };
        let mended = fixed.iter().filter(at_first).count();
        let (old, new) = (of_rule(first, rule), of_rule(last, rule));
        assert!(
            new + mended <= old,
            "{what}: {rule}: {old}, {mended} fixed, {new} left"
        );
    }
}

fn has_fix(entry: &&Entry) -> bool {
    entry.meta().fix != FixAvailability::None
}

fn all_with_fixes() -> Vec<String> {
    let entries = shipped().iter().filter(has_fix);
    entries.map(|e| e.meta().id.to_string()).collect()
}

#[test]
fn the_pages_of_all_rules() {
    for entry in shipped().iter().filter(has_fix) {
        let id = &*entry.meta().id;
        let mut mended = 0;
        for section in ["Bad", "Good", "Fixed"] {
            let files: Files = example(entry, section).unwrap();
            for style in Style::ALL {
                for least in BOTH {
                    let dir = tempfile::tempdir().unwrap();
                    write(dir.path(), &files);
                    style.dress(dir.path());
                    let what = format!("{id}, {section}, {style:?}, {least:?}");
                    let filter = only(id);
                    mended += hold(&what, dir.path(), &filter, least).fixed.len();
                }
            }
        }
        assert!(mended > 0, "{id}: its fix is never applied");
    }
}

/// Every rule's fixes in projects that hold the defects of many, by subsets of the rules.
fn subsets(name: &str, make: &dyn Fn(&Path)) {
    let rules = all_with_fixes();
    let all = (1_u64 << rules.len()) - 1;
    // Every rule is in some of them, beside others.
    let masks = [
        all,
        0x5555_5555_5555_5555 & all,
        0x3333_cccc_3333_cccc & all,
    ];
    let mut mended = 0;
    for (i, mask) in masks.into_iter().enumerate() {
        let chosen = rules.iter().enumerate();
        let chosen = chosen.filter(|(i, _)| mask >> i & 1 == 1);
        let filter = RuleFilter {
            only: chosen.map(|(_, id)| id.clone()).collect(),
            ignore: Vec::new(),
        };
        for style in [Style::PLAIN, Style::new(true, true, false)] {
            for least in BOTH {
                let dir = tempfile::tempdir().unwrap();
                make(dir.path());
                style.dress(dir.path());
                let what = format!("{name}, subset {i}, {style:?}, {least:?}");
                mended += hold(&what, dir.path(), &filter, least).fixed.len();
            }
        }
    }
    assert!(mended > 0, "{name}: nothing was ever mended");
}

fn copied(from: &str, to: &Path) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join(from);
    for (path, bytes) in contents(&from) {
        let path = to.join(path.strip_prefix(&from).unwrap());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

#[test]
fn the_shop() {
    subsets("shop", &|dir| copied("fixtures/shop", dir));
}

#[test]
fn the_careless_project() {
    subsets("careless", &|dir| copied("fixtures/careless", dir));
}

#[test]
fn a_generated_project() {
    let spec = Spec {
        models: 60,
        defects: 0.6,
        ..Spec::default()
    };
    subsets("generated", &|dir| {
        generate(dir, &spec).unwrap();
    });
}
