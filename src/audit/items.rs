//! The backlog: what a lead gives to somebody, the most pressing first.
//!
//! An item is one rule in one area: the source system of what reads sources, the domain of what is
//! built of that. That is what one person mends in one go, with one thing to learn; what lies in a
//! single file would be three thousand tickets, a rule in the whole project one that nobody takes.

use super::area::{Facets, Facts, OwnedBy};
use super::recency::Recency;
use crate::check::Finding;
use crate::project::{Node, NodeId, Project, ResourceType};
use crate::report::FindingReport;
use crate::violation::{Applicability, Confidence, Severity};
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// One thing to do.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Item {
    /// Stays the same while the rule and the area do; 16 hex digits.
    pub key: String,
    /// The rule's id.
    pub rule: String,
    /// The part of the id before the slash.
    pub category: String,
    /// Where: what its places have in common.
    pub area: Area,
    /// The priority of its first place, times the factor of how many places there are.
    pub priority: f64,
    /// What the priority is the product of: those of the first place, then how many there are.
    pub factors: Vec<Factor>,
    /// The worst of its findings.
    pub severity: Severity,
    /// Who answers for the most of its places.
    pub owner: Option<OwnedBy>,
    /// The layer, where all places are in one.
    pub layer: Option<String>,
    /// The source system, where all places are of one.
    pub source: Option<String>,
    /// The domain, where all places are in one.
    pub domain: Option<String>,
    /// How many findings.
    pub findings: usize,
    /// How many of them have a fix, by who may apply it.
    pub fixes: Fixes,
    /// What is wrong at the first place.
    pub message: String,
    /// What to do there.
    pub help: String,
    /// The command that explains the rule.
    pub docs: String,
    /// Where, the most pressing first.
    pub places: Vec<Place>,
}

/// What places have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Area {
    /// `source`, `domain`, `layer`, `folder` or `project`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
}

/// A number that a priority is multiplied with.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Factor {
    /// What counts.
    pub name: &'static str,
    /// What was found.
    pub value: String,
    /// The number.
    pub times: f64,
}

/// Findings with a fix.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Fixes {
    /// Anyone may apply it.
    pub safe: usize,
    /// Who has looked at it may.
    pub suggested: usize,
    /// An instruction only, or not even that.
    pub by_hand: usize,
}

/// The findings of an item about one node, or in one file.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Place {
    /// Relative to the project directory.
    pub path: String,
    /// The first line with a finding.
    pub line: u32,
    /// The node's unique id.
    pub node: Option<String>,
    /// The product of its factors.
    pub priority: f64,
    /// Models that are built of it, however far down.
    pub downstream_models: usize,
    /// Exposures that are.
    pub downstream_exposures: usize,
    /// Days from the last commit of its file to the newest of the project; null where git does not
    /// tell.
    pub days_since_change: Option<i64>,
    /// The findings, as `check` prints them.
    pub fingerprints: Vec<String>,
}

/// How many nodes are built of each node that has a finding.
pub struct Downstream(FxHashMap<NodeId, (usize, usize)>);

impl Downstream {
    /// Of these nodes.
    pub fn new(project: &Project, nodes: impl Iterator<Item = NodeId>) -> Self {
        let mut ids: Vec<NodeId> = nodes.collect();
        ids.sort();
        ids.dedup();
        let count = |id: &NodeId| {
            let below = project.graph.descendants(*id, None);
            let of = |kind| {
                let nodes = below.iter().filter(|n| *n != id);
                nodes
                    .filter(|n| project.node(**n).resource_type == kind)
                    .count()
            };
            (*id, (of(ResourceType::Model), of(ResourceType::Exposure)))
        };
        Self(ids.par_iter().map(count).collect())
    }

    fn of(&self, node: Option<NodeId>) -> (usize, usize) {
        let known = node.and_then(|id| self.0.get(&id));
        known.copied().unwrap_or_default()
    }
}

/// A finding with what is printed of it.
pub type Told<'a> = (&'a Finding, &'a FindingReport);

/// The backlog, the most pressing first.
pub fn items(project: &Project, told: &[Told], facets: &Facets, recency: &Recency) -> Vec<Item> {
    let downstream = Downstream::new(project, told.iter().filter_map(|(f, _)| f.node));
    let mut groups: BTreeMap<(&str, Area), Vec<Told>> = BTreeMap::new();
    for one in told {
        let file = one.0.primary.span.file;
        let facts = facets.of(project, one.0.node, Some(file));
        let area = area(project, one.0.node, &one.1.path, &facts);
        groups.entry((&one.1.rule, area)).or_default().push(*one);
    }
    let maker = Maker {
        project,
        facets,
        recency,
        downstream: &downstream,
    };
    let groups = groups.into_iter();
    let mut items: Vec<Item> = groups
        .map(|((_, area), told)| maker.item(area, &told))
        .collect();
    items.sort_by(|a, b| {
        let names = |i: &Item| (i.rule.clone(), i.area.clone());
        b.priority
            .total_cmp(&a.priority)
            .then(names(a).cmp(&names(b)))
    });
    items
}

/// What reads sources belongs to a system; what is built of that, to a domain.
pub fn area(project: &Project, node: Option<NodeId>, path: &str, facts: &Facts) -> Area {
    let node = node.map(|id| project.node(id));
    let near_source = node.is_some_and(|n| {
        let reads = || {
            let parents = project.graph.parents(n.id).into_iter();
            let mut kinds = parents.map(|(p, _)| project.node(p).resource_type);
            kinds.any(|kind| kind == ResourceType::Source)
        };
        n.resource_type == ResourceType::Source
            || project.layer(n).map_or_else(reads, |l| l.sources)
    });
    let area = |kind: &'static str, name: &String| Area {
        kind,
        name: name.clone(),
    };
    let source = facts.source.as_ref();
    let folder = path.rsplit_once('/').map(|(dir, _)| dir.to_owned());
    let found = source.filter(|_| near_source).map(|s| area("source", s));
    found
        .or_else(|| facts.domain.as_ref().map(|d| area("domain", d)))
        .or_else(|| facts.layer.as_ref().map(|l| area("layer", l)))
        .or_else(|| folder.map(|f| area("folder", &f)))
        .unwrap_or_else(|| area("project", &project.name))
}

struct Maker<'a> {
    project: &'a Project,
    facets: &'a Facets,
    recency: &'a Recency,
    downstream: &'a Downstream,
}

impl Maker<'_> {
    fn item(&self, area: Area, told: &[Told]) -> Item {
        let mut places: BTreeMap<(Option<&str>, &str), Vec<Told>> = BTreeMap::new();
        for one in told {
            let node = one.1.node.as_ref().map(|n| n.unique_id.as_str());
            let path = if node.is_some() {
                ""
            } else {
                one.1.path.as_str()
            };
            places.entry((node, path)).or_default().push(*one);
        }
        let mut judged: Vec<(Place, Vec<Factor>, Facts, &FindingReport)> =
            places.into_values().map(|told| self.place(&told)).collect();
        judged.sort_by(|a, b| {
            let name = |p: &Place| (p.path.clone(), p.node.clone());
            b.0.priority
                .total_cmp(&a.0.priority)
                .then_with(|| name(&a.0).cmp(&name(&b.0)))
        });
        let facts: Vec<&Facts> = judged.iter().map(|(_, _, facts, _)| facts).collect();
        let (layer, source) = (shared(&facts, |f| &f.layer), shared(&facts, |f| &f.source));
        let (domain, owner) = (shared(&facts, |f| &f.domain), most_of(&facts));
        let mut factors = judged
            .first()
            .map(|(_, f, _, _)| f.clone())
            .unwrap_or_default();
        factors.push(volume(judged.len()));
        let first = judged.first().map(|(_, _, _, f)| *f);
        let text = |of: fn(&FindingReport) -> &str| first.map_or("", of).to_owned();
        let rule = text(|f| &f.rule);
        Item {
            key: key(&rule, &area),
            category: text(|f| &f.category),
            rule,
            area,
            priority: product(&factors),
            factors,
            severity: told
                .iter()
                .map(|(f, _)| f.severity)
                .max()
                .unwrap_or(Severity::Info),
            owner,
            layer,
            source,
            domain,
            findings: told.len(),
            fixes: fixes(told),
            message: text(|f| &f.message),
            help: text(|f| &f.help),
            docs: text(|f| &f.docs),
            places: judged.into_iter().map(|(place, _, _, _)| place).collect(),
        }
    }

    fn place<'a>(&self, told: &[Told<'a>]) -> (Place, Vec<Factor>, Facts, &'a FindingReport) {
        let worst = told.iter().max_by_key(|(f, _)| (f.severity, f.confidence));
        // Groups are never empty.
        let (finding, report) = worst.copied().unwrap_or(told[0]);
        let file = finding.primary.span.file;
        let days = self.recency.days(self.project, file);
        let (models, exposures) = self.downstream.of(finding.node);
        let easiest = told
            .iter()
            .map(|(_, f)| f.fix.as_ref().map(|x| x.applicability));
        let factors = vec![
            severity(finding.severity),
            confidence(finding.confidence),
            stake(&report.category),
            reach(models, exposures),
            recency(days),
            effort(easiest.min().flatten()),
        ];
        let place = Place {
            path: report.path.clone(),
            line: told.iter().map(|(_, f)| f.range.line).min().unwrap_or(1),
            node: report.node.as_ref().map(|n| n.unique_id.clone()),
            priority: product(&factors),
            downstream_models: models,
            downstream_exposures: exposures,
            days_since_change: days,
            fingerprints: told.iter().map(|(_, f)| f.fingerprint.clone()).collect(),
        };
        let facts = self.facets.of(self.project, finding.node, Some(file));
        (place, factors, facts, report)
    }
}

/// 16 hex digits for a rule in an area.
pub fn key(rule: &str, area: &Area) -> String {
    let text = format!("{rule}\0{}\0{}", area.kind, area.name);
    format!("{:016x}", xxhash_rust::xxh3::xxh3_64(text.as_bytes()))
}

fn shared(facts: &[&Facts], of: fn(&Facts) -> &Option<String>) -> Option<String> {
    let first = of(facts.first()?).as_ref()?;
    let all = facts.iter().all(|f| of(f).as_ref() == Some(first));
    all.then(|| first.clone())
}

/// The owner of the most places; of several, the first by name.
fn most_of(facts: &[&Facts]) -> Option<OwnedBy> {
    let mut counts: BTreeMap<&OwnedBy, usize> = BTreeMap::new();
    for owner in facts.iter().filter_map(|f| f.owner.as_ref()) {
        *counts.entry(owner).or_default() += 1;
    }
    let most = counts.into_iter().rev().max_by_key(|(_, n)| *n);
    most.map(|(owner, _)| owner.clone())
}

fn fixes(told: &[Told]) -> Fixes {
    let mut out = Fixes::default();
    for (_, f) in told {
        *match f.fix.as_ref().map(|fix| fix.applicability) {
            Some(Applicability::Safe) => &mut out.safe,
            Some(Applicability::Suggested) => &mut out.suggested,
            Some(Applicability::Manual) | None => &mut out.by_hand,
        } += 1;
    }
    out
}

/// To two digits behind the point, so that what is printed can be checked by hand.
fn rounded(x: f64) -> f64 {
    (x * 100.0).round() / 100.0
}

fn product(factors: &[Factor]) -> f64 {
    rounded(factors.iter().map(|f| f.times).product())
}

fn factor(name: &'static str, value: impl Into<String>, times: f64) -> Factor {
    Factor {
        name,
        value: value.into(),
        times: rounded(times),
    }
}

fn severity(severity: Severity) -> Factor {
    factor(
        "severity",
        severity.as_str(),
        super::score::weight(severity),
    )
}

fn confidence(confidence: Confidence) -> Factor {
    let times = match confidence {
        Confidence::Certain => 1.0,
        Confidence::Likely => 0.8,
        Confidence::Heuristic => 0.5,
    };
    factor("confidence", confidence.as_str(), times)
}

/// A number that is wrong is worse than one that is tested by nobody, and that worse than a name.
fn stake(category: &str) -> Factor {
    let (value, times) = match category {
        "input" | "sql" | "ap" => ("results", 2.0),
        "graph" => ("architecture", 1.5),
        "test" | "harness" => ("safety", 1.25),
        _ => ("order", 1.0),
    };
    factor("stake", value, times)
}

fn reach(models: usize, exposures: usize) -> Factor {
    let times = 1.0 + (1.0 + models as f64).log2() / 5.0 + exposures.min(4) as f64 / 4.0;
    let value = format!("{models} models and {exposures} exposures downstream");
    factor("reach", value, times)
}

fn recency(days: Option<i64>) -> Factor {
    let (value, times) = match days {
        None => ("not known".to_owned(), 1.0),
        Some(days) => {
            let times = match days {
                0..=7 => 1.4,
                8..=30 => 1.2,
                31..=90 => 1.1,
                _ => 1.0,
            };
            (
                format!("changed {days} days before the newest commit"),
                times,
            )
        }
    };
    factor("recency", value, times)
}

fn effort(easiest: Option<Applicability>) -> Factor {
    let (value, times) = match easiest {
        Some(Applicability::Safe) => ("a safe fix", 1.3),
        Some(Applicability::Suggested) => ("a suggested fix", 1.15),
        Some(Applicability::Manual) | None => ("by hand", 1.0),
    };
    factor("effort", value, times)
}

fn volume(places: usize) -> Factor {
    let value = match places {
        1 => "1 place".to_owned(),
        n => format!("{n} places"),
    };
    factor("volume", value, 1.0 + (places.max(1) as f64).log2() / 20.0)
}

/// The node of a place.
pub fn node_of<'p>(project: &'p Project, place: &Place) -> Option<&'p Node> {
    project.by_unique_id(place.node.as_deref()?)
}
