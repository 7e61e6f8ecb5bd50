//! From what a run found to what is printed of it.

use super::*;
use crate::changed::Affected;
use crate::check::Finding;
use crate::git::Head;
use crate::project::{Node, Project};
use crate::registry::{Active, Instance};
use crate::run::Outcome;
use crate::text::{FileId, Span, one_line};
use crate::violation::{Fix, Severity};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::fmt::Write;
use xxhash_rust::xxh3::Xxh3;

/// Text of the repository inside a message is cut at so many characters.
const MAX_QUOTED: usize = 120;
/// A message is cut at so many.
const MAX_MESSAGE: usize = 400;

/// What only the text report says.
#[derive(Debug, Clone, Default)]
pub struct Aside {
    /// Layers that were inferred from folder names; none where they are configured.
    pub inferred_layers: Option<Vec<String>>,
    /// How many nodes `--select` and `--exclude` leave.
    pub selected_nodes: Option<usize>,
    /// How many files of the project the given paths hold.
    pub selected_files: Option<usize>,
    /// The command that checks everything found again.
    pub verify: String,
    /// By rule, the command that makes its safe fixes.
    pub commands: BTreeMap<String, String>,
    /// What was fixed, and which fixes failed; with `--fix`.
    pub fixed: Option<Vec<String>>,
}

/// The report of a run. `head` is what git knows, where it was asked.
pub fn build(outcome: &Outcome, recheck: &Recheck, head: Option<Head>) -> (Report, Aside) {
    let project = &outcome.prepared.project;
    let head = head.unwrap_or_default();
    let mut files = Hashes {
        known: FxHashMap::default(),
        of_a_change: outcome.affected.is_some(),
    };
    let findings = outcome.checked.findings.iter();
    let findings: Vec<FindingReport> = findings
        .map(|f| finding(project, recheck, &mut files, f))
        .collect();
    let report = Report {
        schema_version: SCHEMA_VERSION,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        project_dir: None,
        ruleset_hash: hex(ruleset(project, &outcome.prepared.rules)),
        config_hash: hex(project.config.fingerprint()),
        head_sha: head.sha,
        dirty: head.dirty,
        changed: outcome.affected.as_ref().map(|a| changed(project, a)),
        inputs: inputs(project),
        summary: summary(outcome),
        skipped: skipped(project),
        findings,
        fixes: None,
        statistics: None,
    };
    let aside = aside(outcome, recheck, &report);
    (report, aside)
}

/// The report of a run that had nothing to look at, and was told that this is no failure.
pub fn nothing(why: &str) -> Report {
    Report {
        schema_version: SCHEMA_VERSION,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        project_dir: None,
        ruleset_hash: hex(0),
        config_hash: hex(0),
        head_sha: None,
        dirty: None,
        changed: None,
        inputs: Inputs::default(),
        summary: Summary::default(),
        findings: Vec::new(),
        fixes: None,
        statistics: None,
        skipped: vec![Skipped {
            what: "project".to_owned(),
            path: ".".to_owned(),
            why: why.to_owned(),
            line: None,
        }],
    }
}

fn aside(outcome: &Outcome, recheck: &Recheck, report: &Report) -> Aside {
    let project = &outcome.prepared.project;
    let layers = project.layers.layers.iter().map(|l| l.name.clone());
    let new = report.findings.iter().filter(|f| !f.baselined);
    let mut paths: Vec<&str> = new.map(|f| f.path.as_str()).collect();
    paths.dedup();
    Aside {
        inferred_layers: project.layers.inferred.then(|| layers.collect()),
        selected_nodes: outcome.scope.nodes.as_ref().map(|n| n.len()),
        selected_files: outcome.scope.files.as_ref().map(|f| f.len()),
        verify: recheck.paths(&paths),
        commands: commands(recheck, report),
        fixed: None,
    }
}

/// The commands that make safe fixes, by rule.
fn commands(recheck: &Recheck, report: &Report) -> BTreeMap<String, String> {
    let mut paths: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for f in report.findings.iter().filter(|f| !f.baselined) {
        if text::safe_fix(f).is_some() {
            let of_rule = paths.entry(&f.rule).or_default();
            // Findings stand in order of their paths.
            if of_rule.last() != Some(&f.path.as_str()) {
                of_rule.push(&f.path);
            }
        }
    }
    let command = |(rule, paths): (&str, Vec<&str>)| {
        let command = recheck.fix(rule, &paths)?;
        Some((rule.to_owned(), command))
    };
    paths.into_iter().filter_map(command).collect()
}

fn hex(hash: u64) -> String {
    format!("{hash:016x}")
}

/// The hash of the rules in use: their ids, severities and options, as the user wrote them.
fn ruleset(project: &Project, rules: &[Active]) -> u64 {
    let mut text = String::new();
    let config = &project.config;
    for active in rules {
        let id = &*active.meta.id;
        part(&mut text, id, active, &active.base);
        let options = config.rule(id).map(|s| &s.options[..]).unwrap_or_default();
        for (name, at) in options {
            let value = config.docs[at.doc].yaml.node(at.node).to_json();
            let _ = writeln!(text, "  {}: {value}", name.value);
        }
        for (index, instance) in &active.parts {
            part(&mut text, &format!("{id} in {index}"), active, instance);
            let settings = config.overrides[*index].rules.values();
            for (name, at) in settings.flat_map(|s| &s.options) {
                let value = config.docs[at.doc].yaml.node(at.node).to_json();
                let _ = writeln!(text, "  {}: {value}", name.value);
            }
        }
    }
    let mut hasher = Xxh3::new();
    hasher.update(text.as_bytes());
    hasher.digest()
}

fn part(text: &mut String, name: &str, active: &Active, instance: &Instance) {
    let severity = match instance.rule {
        None => "off",
        Some(_) => instance.severity.unwrap_or(active.meta.severity).as_str(),
    };
    let _ = writeln!(text, "{name} {severity}");
}

fn changed(project: &Project, affected: &Affected) -> ChangedReport {
    ChangedReport {
        base: message(&affected.base),
        files: affected.files,
        nodes: affected.count(project),
    }
}

fn inputs(project: &Project) -> Inputs {
    let manifest = project.manifest.as_ref().map(|m| ManifestInput {
        path: m.path.clone(),
        schema_version: m.schema,
        dbt_version: m.dbt_version.clone(),
        adapter_type: m.adapter_type.clone(),
        stale: m.stale,
        absent: m.absent,
        fresh: m.fresh,
    });
    let baseline = project.baseline.as_ref().map(|b| BaselineInput {
        path: project.path(b.file).to_owned(),
        entries: b.entries.len(),
    });
    Inputs { manifest, baseline }
}

fn summary(outcome: &Outcome) -> Summary {
    let project = &outcome.prepared.project;
    let (counts, checked) = (&project.counts, &outcome.checked);
    let of = |severity: Severity| {
        let same = |f: &&Finding| f.severity == severity && !f.baselined;
        checked.findings.iter().filter(same).count()
    };
    // Four digits: more would pretend to a precision that counting bytes has not.
    let coverage = |part: u64, all: u64| (part as f64 / all as f64 * 10_000.0).floor() / 10_000.0;
    let excluded = checked.excluded.iter().filter(|e| e.count > 0);
    Summary {
        models: counts.models,
        models_enabled: counts.models_enabled,
        parsed: counts.parsed,
        not_queries: counts.not_queries,
        sql_coverage: (counts.sql_bytes > 0).then(|| coverage(counts.read_bytes, counts.sql_bytes)),
        dialect: Some(project.dialect.dialect.name().to_owned()),
        dialect_from: Some(project.dialect.from.clone()),
        rules: checked.rules,
        errors: of(Severity::Error),
        warnings: of(Severity::Warn),
        infos: of(Severity::Info),
        suppressed: checked.suppressed,
        baselined: checked.findings.iter().filter(|f| f.baselined).count(),
        excluded: excluded
            .map(|e| ExcludedReport {
                reason: message(&e.reason),
                count: e.count,
            })
            .collect(),
    }
}

/// Notices, and packages whose absence leaves names unknown.
fn skipped(project: &Project) -> Vec<Skipped> {
    let notices = project.notices.iter().map(|n| Skipped {
        what: n.what.to_owned(),
        path: n.path.clone(),
        why: message(&n.why),
        line: n.line,
    });
    let missing = project.dependencies.iter().filter(|d| !d.installed);
    let missing = missing.map(|d| Skipped {
        what: "package".to_owned(),
        path: d.written.clone(),
        why: "is not installed: names that only it defines are not judged".to_owned(),
        line: None,
    });
    let mut all: Vec<Skipped> = notices.chain(missing).collect();
    all.sort_by(|a, b| (&a.what, &a.path, a.line).cmp(&(&b.what, &b.path, b.line)));
    all
}

/// Text that a rule made, in part from the repository.
fn message(text: &str) -> String {
    one_line(text, MAX_QUOTED, MAX_MESSAGE)
}

fn finding(project: &Project, recheck: &Recheck, files: &mut Hashes, f: &Finding) -> FindingReport {
    let path = project.path(f.primary.span.file);
    let related = f.related.iter().map(|label| RelatedReport {
        path: project.path(label.span.file).to_owned(),
        range: range(project, label.span),
        message: message(&label.message),
    });
    FindingReport {
        fingerprint: hex(f.fingerprint),
        rule: f.rule.clone(),
        category: f.rule.split('/').next().unwrap_or_default().to_owned(),
        severity: f.severity,
        confidence: f.confidence,
        path: path.to_owned(),
        range: range(project, f.primary.span),
        node: f.node.map(|id| node(project, project.node(id))),
        message: message(&f.primary.message),
        related: related.collect(),
        help: message(&f.help),
        fix: f.fix.as_ref().and_then(|fix| files.fix(project, fix)),
        verify: recheck.paths(&[path]),
        docs: format!("harness-lint explain {}", f.rule),
        baselined: f.baselined,
    }
}

fn node(project: &Project, node: &Node) -> NodeReport {
    NodeReport {
        unique_id: node.unique_id.clone(),
        resource_type: node.resource_type.as_str().to_owned(),
        name: node.display_name(),
        package: node.package_name.to_string(),
        layer: project.layer(node).map(|l| l.name.clone()),
    }
}

fn range(project: &Project, span: Span) -> Range {
    let file = project.files.get(span.file);
    let (from, to) = (file.line_col(span.start), file.line_col(span.end));
    Range {
        line: from.line,
        col: from.col,
        end_line: to.line,
        end_col: to.col,
    }
}

/// The hash of each file that a fix touches, computed once.
struct Hashes {
    known: FxHashMap<FileId, String>,
    /// What stands in for a file is the index, not what an editor holds.
    of_a_change: bool,
}

impl Hashes {
    /// A fix with the hashes of its files; none where the text we know is not what is on disk. Where
    /// the index was judged and the disk has something else, only what to do is said.
    fn fix(&mut self, project: &Project, fix: &Fix) -> Option<FixReport> {
        let of = |file: FileId| project.files.get(file);
        if fix.edits.iter().any(|e| of(e.span.file).problem.is_some()) {
            return None;
        }
        let overlay = &project.place.overlay;
        let stands_in = |file| self.of_a_change && overlay.holds(&of(file).on_disk);
        if fix.edits.iter().any(|e| stands_in(e.span.file)) {
            return Some(FixReport {
                applicability: Applicability::Manual,
                title: message(&fix.title),
                edits: Vec::new(),
            });
        }
        let edits = fix.edits.iter().map(|edit| {
            let file = edit.span.file;
            let hash = self.known.entry(file);
            let hash = hash.or_insert_with(|| fixes::sha256(of(file).text.as_bytes()));
            EditReport {
                path: project.path(file).to_owned(),
                sha256: hash.clone(),
                start: edit.span.start,
                end: edit.span.end,
                text: edit.text.clone(),
                range: range(project, edit.span),
            }
        });
        Some(FixReport {
            applicability: fix.applicability,
            title: message(&fix.title),
            edits: edits.collect(),
        })
    }
}
