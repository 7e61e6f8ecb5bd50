//! The laws that every rule keeps, proven on the examples of its page.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{check_files, example, lines, only};
use harness_lint::check::Finding;
use harness_lint::registry::{Entry, RuleFilter, shipped};
use harness_lint::rule::FixAvailability;
use harness_lint::run::Outcome;
use harness_lint::violation::Edit;
use std::collections::BTreeMap;

fn id(entry: &Entry) -> &'static str {
    let id = entry.meta().id.clone();
    Box::leak(id.into_owned().into_boxed_str())
}

#[test]
fn a_page_has_its_headings_in_order() {
    for entry in shipped() {
        let meta = entry.meta();
        let id = id(entry);
        assert!(meta.doc.starts_with(&format!("# {id}\n\n")), "{id}: title");
        let summary = meta.summary();
        assert!(summary.ends_with('.'), "{id}: the summary is a sentence");
        assert!(summary.len() <= 160, "{id}: the summary is one line");
        let mut fenced = false;
        let headings: Vec<&str> = meta
            .doc
            .lines()
            .filter(|l| {
                fenced ^= l.starts_with("```");
                !fenced
            })
            .filter_map(|l| l.strip_prefix("## "))
            .collect();
        let mut wanted = vec!["Why", "What to do", "Bad", "Good"];
        let has_fix = meta.fix != FixAvailability::None;
        wanted.extend(has_fix.then_some("Fixed"));
        wanted.extend(meta.section("Options").map(|_| "Options"));
        assert_eq!(headings, wanted, "{id}");
        assert!(!meta.advice().is_empty(), "{id}: says what to do");
        assert!(meta.section("Why").unwrap().len() > 80, "{id}: says why");
    }
}

#[test]
fn every_option_is_explained() {
    for entry in shipped() {
        let mut generator = schemars::SchemaGenerator::default();
        let Some(schema) = entry.schema(&mut generator) else {
            continue;
        };
        let mut schema = schema.to_value();
        if let Some(name) = schema["$ref"]
            .as_str()
            .map(|r| r.rsplit('/').next().unwrap())
        {
            schema = generator.definitions()[name].clone();
        }
        let id = id(entry);
        let options: Vec<String> = match schema["properties"].as_object() {
            Some(map) => map.keys().cloned().collect(),
            None => Vec::new(),
        };
        let section = entry.meta().section("Options").unwrap_or_default();
        for option in &options {
            let described = schema["properties"][option]["description"].is_string();
            assert!(described, "{id}: `{option}` has no doc comment");
            assert!(
                section.contains(&format!("`{option}`")),
                "{id}: `{option}` is not on the page"
            );
        }
        assert_eq!(options.is_empty(), section.is_empty(), "{id}: Options");
    }
}

#[test]
fn bad_is_found_and_good_is_not() {
    for entry in shipped() {
        let id = id(entry);
        let bad = example(entry, "Bad").expect("a Bad section");
        assert!(!bad.is_empty(), "{id}: Bad shows no file");
        let found = check_files(&bad, only(id));
        assert!(
            !found.checked.findings.is_empty(),
            "{id}: Bad raises nothing"
        );
        let good = example(entry, "Good").expect("a Good section");
        assert_ne!(bad, good, "{id}");
        let found = check_files(&good, only(id));
        assert_eq!(lines(&found), [""; 0], "{id}: Good");
    }
}

#[test]
fn switched_off_a_rule_finds_nothing() {
    for entry in shipped() {
        let id = id(entry);
        let bad = example(entry, "Bad").unwrap();
        let off = RuleFilter {
            only: Vec::new(),
            ignore: vec![id.to_owned()],
        };
        let found = check_files(&bad, off);
        let own = found.checked.findings.iter().filter(|f| f.rule == id);
        assert_eq!(own.count(), 0, "{id}");
    }
}

/// No other rule of `recommended` reports what this rule's Bad is about: a finding at the same place
/// that is gone in Good is the same defect under another name.
#[test]
fn two_rules_never_report_one_defect() {
    for entry in shipped() {
        let id = id(entry);
        let bad = example(entry, "Bad").unwrap();
        let own = check_files(&bad, only(id)).checked.findings;
        let in_bad = check_files(&bad, RuleFilter::default());
        let good = example(entry, "Good").unwrap();
        let in_good = check_files(&good, RuleFilter::default());
        for f in &in_bad.checked.findings {
            let same_place = |mine: &Finding| {
                let (a, b) = (mine.primary.span, f.primary.span);
                f.rule != id && a.file == b.file && a.start < b.end && b.start < a.end
            };
            let count = |o: &Outcome| {
                let of_rule = o.checked.findings.iter().filter(|g| g.rule == f.rule);
                of_rule.count()
            };
            let gone = count(&in_good) < count(&in_bad);
            let hit = gone && own.iter().any(same_place);
            assert!(!hit, "{id}: also {}", common::line(&in_bad, f));
        }
    }
}

#[test]
fn metadata_is_honest() {
    for entry in shipped() {
        let (id, meta) = (id(entry), entry.meta());
        let found = check_files(&example(entry, "Bad").unwrap(), only(id));
        for f in &found.checked.findings {
            assert!(f.confidence <= meta.confidence, "{id}: surer than its rule");
            let has_fix = f.fix.is_some();
            match meta.fix {
                FixAvailability::None => assert!(!has_fix, "{id}: offers a fix"),
                FixAvailability::Always => assert!(has_fix, "{id}: offers no fix"),
                FixAvailability::Sometimes => {}
            }
            assert!(!f.help.is_empty(), "{id}: no help");
            let first = f.primary.message.chars().next().unwrap();
            assert!(!first.is_uppercase(), "{id}: messages begin small");
            assert!(
                !f.primary.message.ends_with('.'),
                "{id}: messages end without a stop"
            );
            assert!(
                !f.primary.message.contains('\n'),
                "{id}: messages are one line"
            );
        }
    }
}

/// Applying the edits of every fix of Bad gives exactly Fixed, which the rule then leaves alone.
#[test]
fn fixed_is_what_the_fix_makes_of_bad() {
    for entry in shipped() {
        if entry.meta().fix == FixAvailability::None {
            continue;
        }
        let id = id(entry);
        let bad = example(entry, "Bad").unwrap();
        let found = check_files(&bad, only(id));
        let mut edits: BTreeMap<String, Vec<Edit>> = BTreeMap::new();
        let fixes = found.checked.findings.iter().filter_map(|f| f.fix.clone());
        for edit in fixes.flat_map(|f| f.edits) {
            let path = found.prepared.project.path(edit.span.file).to_owned();
            edits.entry(path).or_default().push(edit);
        }
        let mut fixed = bad.clone();
        for (path, mut edits) in edits {
            edits.sort_by_key(|e| e.span);
            let text = fixed.get_mut(&path).unwrap();
            for edit in edits.iter().rev() {
                text.replace_range(edit.span.range(), &edit.text);
            }
        }
        let wanted = example(entry, "Fixed").unwrap();
        assert_eq!(fixed, wanted, "{id}");
        let again = check_files(&fixed, only(id));
        let left = again.checked.findings.iter().filter(|f| f.fix.is_some());
        assert_eq!(left.count(), 0, "{id}: {:?}", lines(&again));
    }
}
