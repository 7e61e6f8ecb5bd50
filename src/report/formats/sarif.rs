//! SARIF 2.1.0, for code scanning on GitHub and for editors.
//!
//! One run. Every rule that ran is listed with its page, which is under half a megabyte in all, so a
//! viewer can say what was looked for. What came of it is bounded by what GitHub takes: the mildest
//! findings go first, and the run says that they went.
//!
//! Messages are plain text without `arguments`, so braces in them mean nothing to a reader. `](`
//! would make a link of what a repository says; a space between breaks it.

use super::{RuleInUse, View};
use crate::report::json::to_json_line;
use crate::report::text::many;
use crate::report::{EditReport, FindingReport, FixReport, Range, Skipped, to_json};
use crate::text::{cut, visible};
use crate::violation::{Confidence, Severity};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rustc_hash::FxHashMap;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// What a fingerprint of ours is called. GitHub computes its own from the line of a finding
/// (`primaryLocationLineHash`), which only it may set.
const FINGERPRINT: &str = "harnessLint/v1";
/// Paths count from the root of the git work tree, which has this name by convention.
const ROOT: &str = "%SRCROOT%";
/// At most so many notices of what was not understood.
const MAX_SKIPPED: usize = 100;
/// GitHub cuts longer descriptions of rules.
const MAX_DESCRIPTION: usize = 1_000;
/// What a URI's path may hold as it is. A colon may be taken for the end of a scheme.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// How much a run may hold.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Results.
    pub results: usize,
    /// Bytes of the whole document.
    pub bytes: usize,
}

impl Default for Limits {
    /// GitHub refuses a run with more than 25,000 results and an upload of more than 10 MB. The
    /// latter is counted after compression; we count before, and so never come near.
    fn default() -> Self {
        Self {
            results: 25_000,
            bytes: 10_000_000,
        }
    }
}

/// A SARIF document.
#[derive(Debug)]
pub struct Sarif {
    /// The document.
    pub text: String,
    /// How many findings did not fit into it.
    pub left_out: usize,
}

/// The run as SARIF.
pub fn sarif(view: &View, limits: Limits) -> Sarif {
    let indices = view.rules.iter().enumerate();
    let indices: FxHashMap<&str, usize> = indices.map(|(i, r)| (&*r.meta.id, i)).collect();
    let findings: Vec<&FindingReport> = view.findings().collect();
    // A result stands on a line of its own, indented by ten and followed by a comma.
    const AROUND: usize = 12;
    let results = findings.iter().map(|f| {
        let text = to_json_line(&result(view, f, &indices));
        (f.severity, text)
    });
    let mut results: Vec<(Severity, String)> = results.collect();
    let mut used = document(view, Vec::new(), limits.results).len();
    let mut order: Vec<usize> = (0..results.len()).collect();
    order.sort_by_key(|i| (Reverse(results[*i].0), *i));
    let fits = order.iter().take(limits.results).take_while(|i| {
        used += results[**i].1.len() + AROUND;
        used <= limits.bytes
    });
    let kept = fits.count();
    let mut left_out = order.split_off(kept);
    left_out.sort_unstable();
    for i in left_out.iter().rev() {
        results.remove(*i);
    }
    let results = results.into_iter().map(|(_, text)| text).collect();
    Sarif {
        text: document(view, results, left_out.len()),
        left_out: left_out.len(),
    }
}

fn document(view: &View, results: Vec<String>, left_out: usize) -> String {
    // Each was made by us of a value; reading them does not fail.
    let raw = results.into_iter().map(RawValue::from_string);
    let document = Document {
        schema: "https://json.schemastore.org/sarif-2.1.0.json",
        version: "2.1.0",
        runs: [Run {
            tool: json!({"driver": driver(&view.rules)}),
            invocations: [invocation(view, left_out)],
            column_kind: "unicodeCodePoints",
            artifacts: artifacts(view),
            results: raw.flatten().collect(),
        }],
    };
    to_json(&document)
}

#[derive(serde::Serialize)]
struct Document {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run; 1],
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    tool: Value,
    invocations: [Value; 1],
    column_kind: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    artifacts: Vec<Value>,
    results: Vec<Box<RawValue>>,
}

fn driver(rules: &[RuleInUse]) -> Value {
    json!({
        "name": "harness-lint",
        "version": env!("CARGO_PKG_VERSION"),
        "semanticVersion": env!("CARGO_PKG_VERSION"),
        "rules": rules.iter().map(rule).collect::<Vec<_>>(),
    })
}

fn rule(rule: &RuleInUse) -> Value {
    let meta = rule.meta;
    // A page of the team's own comes from the repository.
    let page: Vec<_> = meta.doc.trim_end().lines().map(visible).collect();
    let summary = plain(&meta.summary());
    let why = meta.section("Why").unwrap_or_default();
    let why = why.lines().take_while(|l| !l.trim().is_empty());
    let why = why.map(str::trim).collect::<Vec<_>>().join(" ");
    let advice = plain(&meta.advice());
    let or_summary = |text: String| match text.is_empty() {
        true => summary.clone(),
        false => text,
    };
    let (precision, problem) = (precision(meta.confidence), problem(rule.severity));
    json!({
        "id": meta.id,
        "shortDescription": {"text": cut(&summary, MAX_DESCRIPTION)},
        "fullDescription": {"text": cut(&or_summary(plain(&why)), MAX_DESCRIPTION)},
        "help": {"text": or_summary(advice), "markdown": page.join("\n")},
        "defaultConfiguration": {"level": level(rule.severity)},
        "properties": {
            "category": meta.category(),
            "confidence": meta.confidence.as_str(),
            "precision": precision,
            "problem.severity": problem,
            "tags": ["dbt", meta.category()],
        },
    })
}

/// How sure a rule is, in the words by which GitHub sorts and filters.
fn precision(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Certain => "very-high",
        Confidence::Likely => "high",
        Confidence::Heuristic => "medium",
    }
}

/// How bad, likewise.
fn problem(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warn => "warning",
        Severity::Info => "recommendation",
    }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warn => "warning",
        Severity::Info => "note",
    }
}

fn invocation(view: &View, left_out: usize) -> Value {
    let mut notices = Vec::new();
    if left_out > 0 {
        notices.push(json!({
            "level": "warning",
            "message": {"text": told(left_out)},
        }));
    }
    let skipped = &view.report.skipped;
    notices.extend(skipped.iter().take(MAX_SKIPPED).map(|s| notice(view, s)));
    let more = skipped.len().saturating_sub(MAX_SKIPPED);
    if more > 0 {
        let text = format!("{more} more were not looked at or not understood");
        notices.push(json!({"level": "note", "message": {"text": text}}));
    }
    json!({"executionSuccessful": true, "toolExecutionNotifications": notices})
}

/// What is said of findings that did not fit.
pub fn told(left_out: usize) -> String {
    format!(
        "{} left out, the mildest: GitHub takes no more",
        many(left_out, "finding")
    )
}

fn notice(view: &View, skipped: &Skipped) -> Value {
    let Skipped {
        what, path, why, ..
    } = skipped;
    // A package has a name, not a path.
    if what == "package" {
        let text = plain(&format!("{what} {path} {why}"));
        return json!({"level": "note", "message": {"text": text}});
    }
    let region = skipped.line.map(|line| json!({"startLine": line.max(1)}));
    json!({
        "level": "note",
        "message": {"text": plain(&format!("{what}: {why}"))},
        "locations": [location(&view.place(path), region)],
    })
}

fn result(view: &View, f: &FindingReport, indices: &FxHashMap<&str, usize>) -> Value {
    let mut place = location(&view.place(&f.path), Some(region(f.range)));
    if let Some(node) = &f.node {
        place["logicalLocations"] = json!([{
            "name": visible(&node.name),
            "fullyQualifiedName": visible(&node.unique_id),
            "kind": node.resource_type,
        }]);
    }
    let mut result = json!({
        "ruleId": f.rule,
        "level": level(f.severity),
        "message": {"text": plain(&f.message)},
        "locations": [place],
        "partialFingerprints": {FINGERPRINT: f.fingerprint},
        "properties": {
            "confidence": f.confidence.as_str(),
            "help": plain(&f.help),
        },
    });
    if let Some(index) = indices.get(f.rule.as_str()) {
        result["ruleIndex"] = json!(index);
    }
    if !f.related.is_empty() {
        let related = f.related.iter().enumerate().map(|(id, label)| {
            let mut place = location(&view.place(&label.path), Some(region(label.range)));
            place["id"] = json!(id);
            place["message"] = json!({"text": plain(&label.message)});
            place
        });
        result["relatedLocations"] = related.collect();
    }
    if let Some(fix) = f.fix.as_ref().filter(|fix| !fix.edits.is_empty()) {
        result["fixes"] = json!([changes(view, fix)]);
    }
    result
}

fn location(path: &str, region: Option<Value>) -> Value {
    let mut place = json!({"artifactLocation": artifact(path)});
    if let Some(region) = region {
        place["region"] = region;
    }
    json!({"physicalLocation": place})
}

fn artifact(path: &str) -> Value {
    let uri = utf8_percent_encode(path, KEPT).to_string();
    json!({"uri": uri, "uriBaseId": ROOT})
}

/// Columns as ours: from 1, in characters, the end exclusive. An empty place (the whole file, 1:1)
/// is its line, for a viewer shows no empty mark.
fn region(range: Range) -> Value {
    if (range.line, range.col) == (range.end_line, range.end_col) {
        return match range.col {
            1 => json!({"startLine": range.line}),
            col => json!({"startLine": range.line, "startColumn": col}),
        };
    }
    exact(range)
}

fn exact(range: Range) -> Value {
    json!({
        "startLine": range.line,
        "startColumn": range.col,
        "endLine": range.end_line,
        "endColumn": range.end_col,
    })
}

fn changes(view: &View, fix: &FixReport) -> Value {
    let mut files: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for edit in &fix.edits {
        let mut region = exact(edit.range);
        region["byteOffset"] = json!(edit.start);
        region["byteLength"] = json!(edit.end - edit.start);
        files.entry(&edit.path).or_default().push(json!({
            "deletedRegion": region,
            "insertedContent": {"text": edit.text},
        }));
    }
    let changes = files.into_iter().map(|(path, replacements)| {
        json!({
            "artifactLocation": artifact(&view.place(path)),
            "replacements": replacements,
        })
    });
    json!({
        "description": {"text": plain(&fix.title)},
        "artifactChanges": changes.collect::<Vec<_>>(),
        "properties": {"applicability": fix.applicability},
    })
}

/// The files that fixes change, with the hash of what they may be applied to.
fn artifacts(view: &View) -> Vec<Value> {
    let fixes = view.findings().filter_map(|f| f.fix.as_ref());
    let edits = fixes.flat_map(|fix| &fix.edits);
    let hashes: BTreeMap<&str, &EditReport> = edits.map(|e| (e.path.as_str(), e)).collect();
    let artifact = |(path, edit): (&str, &EditReport)| {
        json!({
            "location": artifact(&view.place(path)),
            "hashes": {"sha-256": edit.sha256},
        })
    };
    hashes.into_iter().map(artifact).collect()
}

/// Text that no reader takes for a link.
fn plain(text: &str) -> String {
    visible(text).replace("](", "] (")
}
