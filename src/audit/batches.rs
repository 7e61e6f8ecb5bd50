//! Work orders: files that one person or agent mends in one go.
//!
//! A file is in one batch only. All that a file is built of and that has work of its own comes in an
//! earlier batch, or earlier in the same, so that nobody mends what stands on something that is
//! about to change.

use super::area::Facets;
use super::items::{Area, Fixes, Told, area};
use super::subjects::Pair;
use crate::project::{Node, NodeId, Project, ResourceType};
use crate::registry::Active;
use crate::report::Recheck;
use crate::text::FileId;
use crate::violation::{Applicability, Severity};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Files of a batch.
const FILES: usize = 10;
/// Models that show how it is done.
const REFERENCES: usize = 3;
/// Names that are listed.
const NAMES: usize = 10;

/// A work order.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Batch {
    /// Its number, from 1, in the order in which batches are safe to mend.
    pub number: usize,
    /// What its files have in common.
    pub area: Area,
    /// What must be done first: nothing where this is empty.
    pub blocked_by: Vec<String>,
    /// Batches with files that some file here is built of.
    pub after: Vec<usize>,
    /// At most ten, in the order in which they are safe to mend.
    pub files: Vec<BatchFile>,
    /// What is to be mended, by rule.
    pub rules: BTreeMap<String, usize>,
    /// How much of it has a fix.
    pub fixes: Fixes,
    /// Rules of which some finding has no fix that can be applied: what is left for judgement.
    pub judgement: Vec<String>,
    /// What to read first, relative to the project directory.
    pub context_files: Vec<String>,
    /// Models of the same source or domain, and of the same layer, in which no rule that is on finds
    /// anything: how it is done here.
    pub reference_models: Vec<String>,
    /// How many models are built of these files.
    pub downstream_models: usize,
    /// Exposures that are, by name; the first ten.
    pub downstream_exposures: Vec<String>,
    /// How to see that it is done.
    pub verify: Vec<String>,
}

/// A file of a batch.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct BatchFile {
    /// Relative to the project directory.
    pub path: String,
    /// Rules with findings in it.
    pub rules: BTreeSet<String>,
    /// The findings, as `check` prints them.
    pub fingerprints: Vec<String>,
}

/// A file with work.
struct Work<'a> {
    file: FileId,
    path: &'a str,
    area: Area,
    told: Vec<Told<'a>>,
    nodes: BTreeSet<NodeId>,
    severity: Severity,
    /// Other work that it is built of and that is not in a batch yet.
    waits: BTreeSet<usize>,
}

/// What batches are made from.
pub struct Orders<'a> {
    /// The project.
    pub project: &'a Project,
    /// Rules in use.
    pub rules: &'a [Active],
    /// What they judged.
    pub pairs: &'a [Pair],
    /// To what everything belongs.
    pub facets: &'a Facets,
    /// How to check again.
    pub recheck: &'a Recheck,
}

impl Orders<'_> {
    /// The batches of these findings.
    pub fn batches(&self, told: &[Told]) -> Vec<Batch> {
        let mut work = self.work(told);
        let upstream: Vec<BTreeSet<usize>> = work.iter().map(|w| w.waits.clone()).collect();
        let mut batch_of: BTreeMap<usize, usize> = BTreeMap::new();
        let mut batches: Vec<Batch> = Vec::new();
        let mut left: BTreeSet<usize> = (0..work.len()).collect();
        while let Some(first) = next(&work, &left, None) {
            let number = batches.len() + 1;
            let area = work[first].area.clone();
            let mut taken = Vec::new();
            let mut candidate = Some(first);
            while let Some(index) = candidate.filter(|_| taken.len() < FILES) {
                left.remove(&index);
                taken.push(index);
                batch_of.insert(index, number);
                for waiting in &left {
                    work[*waiting].waits.remove(&index);
                }
                candidate = next(&work, &left, Some(&area));
            }
            let before = taken.iter().flat_map(|i| &upstream[*i]);
            let after: BTreeSet<usize> = before.filter_map(|i| batch_of.get(i).copied()).collect();
            let files: Vec<&Work> = taken.iter().map(|i| &work[*i]).collect();
            let mut batch = self.batch(number, area, &files);
            batch.after = after.into_iter().filter(|n| *n != number).collect();
            batches.push(batch);
        }
        batches
    }

    fn work<'a>(&self, told: &[Told<'a>]) -> Vec<Work<'a>> {
        let mut files: BTreeMap<&str, Vec<Told<'a>>> = BTreeMap::new();
        for one in told {
            files.entry(&one.1.path).or_default().push(*one);
        }
        let mut work: Vec<Work<'a>> = Vec::new();
        for (path, told) in files {
            let file = told[0].0.primary.span.file;
            let mut nodes: BTreeSet<NodeId> = told.iter().filter_map(|(f, _)| f.node).collect();
            let defined = self.project.nodes.iter().filter(|n| n.file == file);
            nodes.extend(defined.filter(|n| !n.resource_type.is_test()).map(|n| n.id));
            work.push(Work {
                file,
                path,
                area: self.area(path, file, &told),
                severity: told
                    .iter()
                    .map(|(f, _)| f.severity)
                    .max()
                    .unwrap_or(Severity::Info),
                told,
                nodes,
                waits: BTreeSet::new(),
            });
        }
        let mut by_node: BTreeMap<NodeId, Vec<usize>> = BTreeMap::new();
        for (index, w) in work.iter().enumerate() {
            for node in &w.nodes {
                by_node.entry(*node).or_default().push(index);
            }
        }
        for (index, w) in work.iter_mut().enumerate() {
            let nodes: Vec<NodeId> = w.nodes.iter().copied().collect();
            let above = self.project.graph.above(&nodes, None);
            let above = above.iter().filter(|n| !w.nodes.contains(n));
            let waits = above.filter_map(|n| by_node.get(n)).flatten();
            w.waits = waits.copied().filter(|i| *i != index).collect();
        }
        work
    }

    /// Where the most of a file's findings lie.
    fn area(&self, path: &str, file: FileId, told: &[Told]) -> Area {
        let mut counts: BTreeMap<Area, usize> = BTreeMap::new();
        for (f, _) in told {
            let facts = self.facets.of(self.project, f.node, Some(file));
            *counts
                .entry(area(self.project, f.node, path, &facts))
                .or_default() += 1;
        }
        let most = counts.into_iter().rev().max_by_key(|(_, n)| *n);
        most.map_or_else(
            || area(self.project, None, path, &super::area::Facts::default()),
            |(area, _)| area,
        )
    }

    fn batch(&self, number: usize, area: Area, work: &[&Work]) -> Batch {
        let project = self.project;
        let told = || work.iter().flat_map(|w| &w.told);
        let mut rules: BTreeMap<String, usize> = BTreeMap::new();
        let mut fixes = Fixes::default();
        let mut judgement: BTreeSet<String> = BTreeSet::new();
        for (_, f) in told() {
            *rules.entry(f.rule.clone()).or_default() += 1;
            match f.fix.as_ref().map(|fix| fix.applicability) {
                Some(Applicability::Safe) => fixes.safe += 1,
                Some(Applicability::Suggested) => fixes.suggested += 1,
                Some(Applicability::Manual) | None => {
                    fixes.by_hand += 1;
                    judgement.insert(f.rule.clone());
                }
            }
        }
        let nodes: BTreeSet<NodeId> = work.iter().flat_map(|w| &w.nodes).copied().collect();
        let ids: Vec<NodeId> = nodes.iter().copied().collect();
        let below = project.graph.below(&ids, None);
        let mut below: Vec<&Node> = below.iter().map(|id| project.node(*id)).collect();
        below.retain(|n| !nodes.contains(&n.id));
        below.sort_by_key(|n| n.id);
        let of = |kind| below.iter().filter(move |n| n.resource_type == kind);
        let paths: Vec<&str> = work.iter().map(|w| w.path).collect();
        let (context_files, blocked_by) = self.context(&area);
        Batch {
            number,
            blocked_by,
            after: Vec::new(),
            files: work.iter().map(|w| file(w)).collect(),
            judgement: judgement.into_iter().collect(),
            context_files,
            reference_models: self.references(&area, work, &rules),
            downstream_models: of(ResourceType::Model).count(),
            downstream_exposures: of(ResourceType::Exposure)
                .take(NAMES)
                .map(|n| n.display_name())
                .collect(),
            verify: self.verify(&paths, &nodes),
            area,
            rules,
            fixes,
        }
    }

    /// The documents of a source, and what is missing of them. Where nobody keeps such documents,
    /// none is missed.
    fn context(&self, area: &Area) -> (Vec<String>, Vec<String>) {
        let (below, context) = (&self.project.context, &self.project.config.context);
        if area.kind != "source" || below.partial || !(below.exists || context.configured) {
            return (Vec::new(), Vec::new());
        }
        let dir = context.dir.trim_end_matches('/');
        let overview = context.overview.replace("{source}", &area.name);
        let overview = overview.trim_start_matches("./");
        if !below.files.contains(overview) {
            let why = format!("no context file: {dir}/{overview} does not exist");
            return (Vec::new(), vec![why]);
        }
        let folder = overview.rsplit_once('/').map(|(dir, _)| format!("{dir}/"));
        let folder = folder.filter(|f| f.contains(&area.name));
        let beside = below.files.iter().filter(|f| {
            let near = folder.as_ref().is_some_and(|dir| f.starts_with(dir));
            near && *f != overview
        });
        let all = std::iter::once(overview).chain(beside.map(String::as_str));
        let all = all.take(NAMES).map(|f| format!("{dir}/{f}")).collect();
        (all, Vec::new())
    }

    /// The models that pass the most of the batch's rules, and fail none.
    fn references(
        &self,
        at: &Area,
        work: &[&Work],
        rules: &BTreeMap<String, usize>,
    ) -> Vec<String> {
        let layers: BTreeSet<Option<&str>> = work
            .iter()
            .flat_map(|w| &w.nodes)
            .map(|id| self.project.node(*id))
            .filter(|n| n.resource_type == ResourceType::Model)
            .map(|n| self.project.layer(n).map(|l| l.name.as_str()))
            .collect();
        let mut passed: BTreeMap<NodeId, Option<usize>> = BTreeMap::new();
        for pair in self.pairs {
            let Some(node) = pair.node else { continue };
            let entry = passed.entry(node).or_insert(Some(0));
            let asked = rules.contains_key(&*self.rules[pair.rule].meta.id);
            *entry = match pair.failing() {
                0 => entry.map(|n| n + usize::from(asked)),
                _ => None,
            };
        }
        let fits = |model: &&Node| {
            let path = self.project.path(model.file);
            let facts = self.facets.of(self.project, Some(model.id), None);
            layers.contains(&self.project.layer(model).map(|l| l.name.as_str()))
                && area(self.project, Some(model.id), path, &facts) == *at
        };
        let models = self.project.models().filter(fits);
        let mut good: Vec<(usize, &str)> = models
            .filter_map(|m| {
                let passed = passed.get(&m.id).copied().flatten()?;
                (passed > 0).then(|| (passed, self.project.path(m.file)))
            })
            .collect();
        good.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
        good.dedup();
        let paths = good.into_iter().map(|(_, path)| path.to_owned());
        paths.take(REFERENCES).collect()
    }

    fn verify(&self, paths: &[&str], nodes: &BTreeSet<NodeId>) -> Vec<String> {
        let names = nodes.iter().map(|id| self.project.node(*id));
        let names = names.filter(|n| n.resource_type == ResourceType::Model);
        let names: BTreeSet<&str> = names.map(|n| n.name.as_str()).collect();
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let mut all = vec![self.recheck.paths(paths)];
        // A name that a shell or dbt would read as something else is left to the reader.
        if !names.is_empty() && names.iter().all(|n| n.chars().all(plain)) {
            let names: Vec<&str> = names.into_iter().collect();
            all.push(format!("dbt build --select {}", names.join(" ")));
        }
        all
    }
}

fn file(work: &Work) -> BatchFile {
    BatchFile {
        path: work.path.to_owned(),
        rules: work.told.iter().map(|(_, f)| f.rule.clone()).collect(),
        fingerprints: work
            .told
            .iter()
            .map(|(_, f)| f.fingerprint.clone())
            .collect(),
    }
}

/// The most pressing file that waits for nothing, of one area or of all. On a circle all wait for
/// one another; then the first by path goes ahead.
fn next(work: &[Work], left: &BTreeSet<usize>, area: Option<&Area>) -> Option<usize> {
    let fits = |i: &&usize| area.is_none_or(|a| work[**i].area == *a);
    let ready = left.iter().filter(|i| work[**i].waits.is_empty());
    let first = ready
        .filter(fits)
        .max_by(|a, b| {
            let key = |i: usize| {
                (
                    work[i].severity,
                    std::cmp::Reverse((work[i].path, work[i].file)),
                )
            };
            key(**a).cmp(&key(**b))
        })
        .copied();
    // Within a batch there is always something left to begin the next one with.
    first.or_else(|| left.first().copied().filter(|_| area.is_none()))
}
