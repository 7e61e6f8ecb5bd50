//! Runs rules over a project, applies suppressions, exclusions and the baseline, and gives findings
//! in the one order in which reports print them.

mod idle;

use crate::baseline::Idle;
use crate::config::id_matches;
use crate::load::Notice;
use crate::project::{NodeId, Project};
use crate::registry::{Active, Instance};
use crate::rule::{Cx, Meta, Rule, Sink, SuppressionUse};
use crate::syntax::comment::Suppression;
use crate::text::FileId;
use crate::violation::{Confidence, Fix, Label, Severity, Violation};
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

/// A violation with everything that is known of it.
#[derive(Debug, Clone)]
pub struct Finding {
    /// 64 bits that stay the same while the defect stays: see [`check`].
    pub fingerprint: u64,
    /// The same without the ordinal: equal findings share it.
    pub kind: u64,
    /// The rule's id.
    pub rule: String,
    /// How bad.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// The node it is about.
    pub node: Option<NodeId>,
    /// Where, and what is wrong.
    pub primary: Label,
    /// Other places.
    pub related: Vec<Label>,
    /// What to do.
    pub help: String,
    /// How to mend it.
    pub fix: Option<Fix>,
    /// The baseline holds it.
    pub baselined: bool,
}

/// Which part of the project is reported on.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// Selected nodes; none for all.
    pub nodes: Option<FxHashSet<NodeId>>,
    /// Selected files; none for all. A finding about a selected node counts wherever it lies.
    pub files: Option<FxHashSet<FileId>>,
}

impl Scope {
    /// Is what is said of this node, or in this file, a part of it?
    pub fn holds(&self, node: Option<NodeId>, file: Option<FileId>) -> bool {
        let by_node = |set: &FxHashSet<NodeId>| node.is_some_and(|n| set.contains(&n));
        let by_file = |set: &FxHashSet<FileId>| file.is_some_and(|f| set.contains(&f));
        match (&self.nodes, &self.files) {
            (None, None) => true,
            (Some(nodes), None) => by_node(nodes),
            (None, Some(files)) => by_file(files),
            (Some(nodes), Some(files)) => by_node(nodes) || by_file(files),
        }
    }
}

/// Findings that an exclusion of the configuration kept back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excluded {
    /// The reason it gives.
    pub reason: String,
    /// How many findings.
    pub count: usize,
}

/// A finding that is not reported, for who looks at the whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptBack {
    /// The rule's id.
    pub rule: String,
    /// The node it is about.
    pub node: Option<NodeId>,
    /// The file it lies in.
    pub file: FileId,
    /// The exclusion of the configuration that keeps it back, by its index; none for a comment.
    pub exclusion: Option<usize>,
}

/// The outcome of a run.
#[derive(Debug, Default)]
pub struct Checked {
    /// In order of path, place and rule.
    pub findings: Vec<Finding>,
    /// Findings that a comment suppressed.
    pub suppressed: usize,
    /// What the configuration's exclusions kept back, in their order.
    pub excluded: Vec<Excluded>,
    /// What comments suppressed and exclusions kept back, one by one.
    pub kept_back: Vec<KeptBack>,
    /// How many rules ran.
    pub rules: usize,
    /// What some rule could not judge, in order.
    pub skipped: Vec<Notice>,
}

/// What rules say, on its way.
#[derive(Default)]
struct Said {
    raw: Vec<Raw>,
    skipped: Vec<Notice>,
}

/// A violation on its way: the rule's index, its instance, the node.
struct Raw {
    rule: usize,
    severity: Option<Severity>,
    node: Option<NodeId>,
    violation: Violation,
}

impl Raw {
    fn kept_back(&self, rules: &[Active], exclusion: Option<usize>) -> KeptBack {
        KeptBack {
            rule: rules[self.rule].meta.id.to_string(),
            node: self.node,
            file: self.violation.primary.span.file,
            exclusion,
        }
    }

    fn is_same(&self, other: &Raw) -> bool {
        let what = |r: &Raw| {
            let v = &r.violation;
            (r.rule, r.node, v.primary.span, v.symbol.clone())
        };
        what(self) == what(other)
            && self.violation.primary.message == other.violation.primary.message
    }
}

/// What the rules found in the whole project, before the baseline and the scope are asked.
#[derive(Debug)]
pub struct Judged {
    /// In order of path, place and rule.
    pub findings: Vec<Finding>,
    suppressed: usize,
    /// How many findings each exclusion of the configuration kept back.
    excluded: Vec<usize>,
    /// Both, one by one.
    pub kept_back: Vec<KeptBack>,
    /// What rules could not judge, sorted.
    skipped: Vec<Notice>,
}

/// Runs the rules, and gives what is to be reported.
pub fn check(project: &Project, rules: &[Active], scope: &Scope) -> Checked {
    judge(project, rules).reported(project, rules, scope)
}

/// Runs the rules.
///
/// A finding's fingerprint is made of the rule's id, the node's unique id (the path where there is
/// no node or two nodes share the id), the flagged symbol (else the flagged text with its white
/// space folded), and its ordinal among equals. Neither lines nor messages enter it.
pub fn judge(project: &Project, rules: &[Active]) -> Judged {
    let cx = Cx::new(project);
    let Said {
        mut raw,
        mut skipped,
    } = run(&cx, rules);
    sort(project, rules, &mut raw);
    // A select that stands in several readings of a file is judged in each of them.
    raw.dedup_by(|a, b| a.is_same(b));
    leave_to_others(rules, &mut raw);
    let mut kept_back = Vec::new();
    let (mut kept, used) = suppress(project, rules, raw, &mut kept_back);
    let suppressed = kept_back.len();
    let uses = suppression_uses(project, rules, &used);
    let mut late = Said::default();
    for (index, active) in rules.iter().enumerate() {
        let judge = |rule: &dyn Rule, sink: &mut Sink| rule.suppressions(&cx, &uses, sink);
        with_instances(&cx, index, active, None, &judge, &mut late);
    }
    kept.extend(late.raw);
    skipped.extend(late.skipped);
    skipped.extend(cx.declared.notices());
    skipped.sort();
    skipped.dedup();
    sort(project, rules, &mut kept);
    let mut excluded = vec![0; project.config.exclude.len()];
    let kept = exclude(project, rules, kept, &mut excluded, &mut kept_back);
    Judged {
        findings: fingerprinted(project, rules, kept),
        suppressed,
        skipped,
        excluded,
        kept_back,
    }
}

impl Judged {
    /// What is to be reported of it: the baseline holds what it knows, and what it holds in vain is
    /// said; then the scope.
    pub fn reported(mut self, project: &Project, rules: &[Active], scope: &Scope) -> Checked {
        if let Some(baseline) = &project.baseline {
            let held = baseline.hold(self.fingerprints());
            for (finding, by) in self.findings.iter_mut().zip(&held.by) {
                finding.baselined = by.is_some();
            }
            let idle = idle::told(project, rules, baseline, &held);
            let (excluded, kept_back) = (&mut self.excluded, &mut self.kept_back);
            let idle = exclude(project, rules, idle, excluded, kept_back);
            self.findings.extend(fingerprinted(project, rules, idle));
            // Stable: within a file they are in order already.
            let path = |f: &Finding| project.path(f.primary.span.file);
            self.findings.sort_by(|a, b| path(a).cmp(path(b)));
        }
        let holds = |f: &Finding| scope.holds(f.node, Some(f.primary.span.file));
        self.findings.retain(holds);
        let reasons = project
            .config
            .exclude
            .iter()
            .map(|e| e.reason.value.clone());
        let excluded = reasons.zip(self.excluded);
        Checked {
            findings: self.findings,
            suppressed: self.suppressed,
            excluded: excluded
                .map(|(reason, count)| Excluded { reason, count })
                .collect(),
            kept_back: self.kept_back,
            rules: rules.len(),
            skipped: self.skipped,
        }
    }

    /// Rule and fingerprint of each finding, in order.
    pub fn fingerprints(&self) -> impl Iterator<Item = (&str, u64)> {
        self.findings
            .iter()
            .map(|f| (f.rule.as_str(), f.fingerprint))
    }
}

/// Which entries of the project's baseline can be said to hold nothing, by their indices, and why.
/// Where a rule did not run, or could not read the file, an entry says nothing about the project.
pub fn idle_entries(project: &Project, rules: &[Active], judged: &Judged) -> Vec<(usize, Idle)> {
    let Some(baseline) = &project.baseline else {
        return Vec::new();
    };
    let held = baseline.hold(judged.fingerprints());
    idle::entries(project, rules, baseline, &held)
}

fn run(cx: &Cx, rules: &[Active]) -> Said {
    let models: Vec<_> = cx.project.models().collect();
    let files = cx.project.own_file_ids();
    let whole = rules.par_iter().enumerate().map(|(index, active)| {
        let mut out = Said::default();
        let judge = |rule: &dyn Rule, sink: &mut Sink| rule.project(cx, sink);
        with_instances(cx, index, active, None, &judge, &mut out);
        out
    });
    let per_model = models.par_iter().map(|model| {
        let mut out = Said::default();
        for (index, active) in rules.iter().enumerate() {
            let judge = |rule: &dyn Rule, sink: &mut Sink| {
                if rule.judges(cx.project, model) {
                    rule.model(cx, model, sink);
                }
            };
            with_instances(cx, index, active, Some(model.id), &judge, &mut out);
        }
        out
    });
    let per_file = files.par_iter().map(|file| {
        let mut out = Said::default();
        for (index, active) in rules.iter().enumerate() {
            let judge = |rule: &dyn Rule, sink: &mut Sink| rule.file(cx, *file, sink);
            with_instances(cx, index, active, None, &judge, &mut out);
        }
        out
    });
    let parts: Vec<Said> = whole.chain(per_model).chain(per_file).collect();
    let mut all = Said::default();
    for part in parts {
        all.raw.extend(part.raw);
        all.skipped.extend(part.skipped);
    }
    all
}

/// Runs a rule with each set of options that some part of the project gives it, and keeps what it
/// says of the parts that do.
fn with_instances(
    cx: &Cx,
    index: usize,
    active: &Active,
    node: Option<NodeId>,
    judge: &dyn Fn(&dyn Rule, &mut Sink),
    out: &mut Said,
) {
    for (variant, rule) in active.rules.iter().enumerate() {
        let mut sink = Sink::new(node);
        judge(&**rule, &mut sink);
        let (found, skipped) = sink.into_parts();
        out.skipped.extend(skipped);
        for (node, violation) in found {
            let file = violation.primary.span.file;
            let instance = active.instance(part_of(cx.project, active, node, file));
            if instance.rule == Some(variant) {
                out.raw.push(Raw {
                    rule: index,
                    severity: severity_of(&instance, &violation, &active.meta),
                    node,
                    violation,
                });
            }
        }
    }
}

/// Takes out what another rule says more of. What a comment suppresses or an exclusion keeps back
/// has been said all the same.
fn leave_to_others(rules: &[Active], raw: &mut Vec<Raw>) {
    let yields: Vec<&[&str]> = rules.iter().map(yields_to).collect();
    let heard: FxHashSet<&str> = yields.iter().copied().flatten().copied().collect();
    let mut said: FxHashMap<&str, FxHashSet<String>> = FxHashMap::default();
    for r in raw.iter() {
        let id = heard.get(&*rules[r.rule].meta.id);
        if let (Some(id), Some(defect)) = (id, &r.violation.defect) {
            said.entry(id).or_default().insert(defect.clone());
        }
    }
    raw.retain(|r| {
        let Some(defect) = &r.violation.defect else {
            return true;
        };
        let known = |id: &&str| said.get(id).is_some_and(|d| d.contains(defect));
        !yields[r.rule].iter().any(known)
    });
}

fn yields_to(active: &Active) -> &'static [&'static str] {
    active.rules.first().map_or(&[], |rule| rule.yields_to())
}

fn severity_of(instance: &Instance, violation: &Violation, meta: &Meta) -> Option<Severity> {
    instance
        .severity
        .or(violation.severity)
        .or(Some(meta.severity))
}

/// The last override that speaks of this rule and holds the node, or the file where there is none.
pub fn part_of(
    project: &Project,
    active: &Active,
    node: Option<NodeId>,
    file: FileId,
) -> Option<usize> {
    let holds = |part: &usize| {
        let part = project.parts.overrides.get(*part);
        part.is_some_and(|p| p.holds(node, file))
    };
    let parts = active.parts.iter().map(|(part, _)| *part);
    parts.rev().find(|p| holds(p))
}

fn sort(project: &Project, rules: &[Active], raw: &mut [Raw]) {
    raw.sort_by(|a, b| {
        let key = |r: &Raw| {
            let span = r.violation.primary.span;
            (span.start, rules[r.rule].meta.id.clone(), span.end)
        };
        let path = |r: &Raw| project.path(r.violation.primary.span.file);
        path(a)
            .cmp(path(b))
            .then_with(|| key(a).cmp(&key(b)))
            .then_with(|| {
                a.violation
                    .primary
                    .message
                    .cmp(&b.violation.primary.message)
            })
            .then_with(|| a.node.cmp(&b.node))
    });
}

/// Takes out what comments suppress. Gives what is left, and which rule each comment suppressed.
fn suppress(
    project: &Project,
    rules: &[Active],
    raw: Vec<Raw>,
    kept_back: &mut Vec<KeptBack>,
) -> (Vec<Raw>, FxHashSet<(usize, usize)>) {
    let mut by_file: FxHashMap<FileId, Comments> = FxHashMap::default();
    for (i, s) in project.suppressions.iter().enumerate() {
        let line = project.files.get(s.span.file).line_col(s.span.start).line;
        by_file.entry(s.span.file).or_default().add(i, s, line);
    }
    let mut used = FxHashSet::default();
    let kept: Vec<Raw> = raw
        .into_iter()
        .filter(|r| {
            let span = r.violation.primary.span;
            let Some(here) = by_file.get(&span.file) else {
                return true;
            };
            let line = project.files.get(span.file).line_col(span.start).line;
            let id = &rules[r.rule].meta.id;
            let mut hit = false;
            for (i, s) in here.over(line) {
                if s.rules.iter().any(|p| id_matches(p, id)) {
                    used.insert((i, r.rule));
                    hit = true;
                }
            }
            if hit {
                kept_back.push(r.kept_back(rules, None));
            }
            !hit
        })
        .collect();
    (kept, used)
}

/// The suppressions of a file, by what they cover.
#[derive(Default)]
struct Comments<'a> {
    whole_file: Vec<(usize, &'a Suppression)>,
    lines: FxHashMap<u32, Vec<(usize, &'a Suppression)>>,
}

impl<'a> Comments<'a> {
    fn add(&mut self, index: usize, suppression: &'a Suppression, line: u32) {
        if suppression.whole_file {
            self.whole_file.push((index, suppression));
        }
        // A comment for the whole file stands between others like any.
        let at = self.lines.entry(line).or_default();
        at.push((index, suppression));
    }

    /// What covers a line. A comment covers its own line and the one below; comments that stand on
    /// consecutive lines share the line below the last.
    fn over(&self, line: u32) -> impl Iterator<Item = (usize, &'a Suppression)> {
        let above = (1..line).rev().map_while(|l| self.lines.get(&l));
        let own = self.lines.get(&line);
        let near = own.into_iter().chain(above).flatten();
        let near = near.filter(|(_, s)| !s.whole_file);
        self.whole_file.iter().chain(near).copied()
    }
}

fn suppression_uses<'a>(
    project: &'a Project,
    rules: &[Active],
    used: &FxHashSet<(usize, usize)>,
) -> Vec<SuppressionUse<'a>> {
    let known = crate::registry::ids();
    let all = project.suppressions.iter().enumerate();
    all.map(|(i, s)| {
        let ran = |pattern: &str| {
            let hits = rules.iter().enumerate();
            hits.filter(|(_, a)| id_matches(pattern, &a.meta.id))
                .map(|(index, _)| index)
                .collect::<Vec<usize>>()
        };
        let mut idle = Vec::new();
        let mut unknown = Vec::new();
        for pattern in &s.rules {
            let exists =
                known.iter().any(|id| id_matches(pattern, id)) || pattern.starts_with("ap/");
            if !exists {
                unknown.push(pattern.as_str());
                continue;
            }
            let ran = ran(pattern);
            if !ran.is_empty() && !ran.iter().any(|r| used.contains(&(i, *r))) {
                idle.push(pattern.as_str());
            }
        }
        SuppressionUse {
            suppression: s,
            idle,
            unknown,
        }
    })
    .collect()
}

/// Takes out what the configuration excludes, and counts it.
fn exclude(
    project: &Project,
    rules: &[Active],
    raw: Vec<Raw>,
    counts: &mut [usize],
    kept_back: &mut Vec<KeptBack>,
) -> Vec<Raw> {
    let exclusions = &project.config.exclude;
    let mut is_kept = |r: &Raw| {
        let id = &rules[r.rule].meta.id;
        let mut both = exclusions.iter().zip(&project.parts.exclude);
        let hit = both
            .position(|(e, part)| e.names(id) && part.holds(r.node, r.violation.primary.span.file));
        if let Some(i) = hit {
            counts[i] += 1;
            kept_back.push(r.kept_back(rules, hit));
        }
        hit.is_none()
    };
    raw.into_iter().filter(|r| is_kept(r)).collect()
}

fn fingerprinted(project: &Project, rules: &[Active], raw: Vec<Raw>) -> Vec<Finding> {
    let mut ids: FxHashMap<&str, usize> = FxHashMap::default();
    for node in &project.nodes {
        *ids.entry(node.unique_id.as_str()).or_default() += 1;
    }
    let mut seen: FxHashMap<String, usize> = FxHashMap::default();
    raw.into_iter()
        .map(|r| {
            let meta = &rules[r.rule].meta;
            let v = r.violation;
            let path = project.path(v.primary.span.file);
            let subject = match r.node.map(|n| project.node(n)) {
                Some(n) if ids[n.unique_id.as_str()] > 1 => format!("{}\0{path}", n.unique_id),
                Some(n) => n.unique_id.clone(),
                None => path.to_owned(),
            };
            let symbol = v.symbol.unwrap_or_else(|| {
                let words: Vec<&str> = project.text(v.primary.span).split_whitespace().collect();
                words.join(" ")
            });
            let mut key = format!("{}\0{subject}\0{symbol}", meta.id);
            let kind = xxhash_rust::xxh3::xxh3_64(key.as_bytes());
            let ordinal = seen.entry(key.clone()).or_default();
            key.push_str(&format!("\0{ordinal}"));
            *ordinal += 1;
            Finding {
                fingerprint: xxhash_rust::xxh3::xxh3_64(key.as_bytes()),
                kind,
                rule: meta.id.to_string(),
                severity: r.severity.unwrap_or(meta.severity),
                confidence: v.confidence.unwrap_or(meta.confidence),
                node: r.node,
                help: v.help.unwrap_or_else(|| meta.advice()),
                primary: v.primary,
                related: v.related,
                fix: v.fix,
                baselined: false,
            }
        })
        .collect()
}
