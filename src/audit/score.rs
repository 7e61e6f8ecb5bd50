//! The health score: the share of what is judged that passes, weighed by severity.
//!
//! Of each pair of a rule and a subject the share of parts that pass is taken, so that a table of
//! two hundred columns weighs no more than one of two; docs/audit.md has the formula.

use super::area::Facets;
use super::subjects::Pair;
use crate::project::Project;
use crate::registry::Active;
use crate::violation::Severity;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// How much a pair weighs, by the severity that its rule has there.
pub fn weight(severity: Severity) -> f64 {
    match severity {
        Severity::Error => 10.0,
        Severity::Warn => 3.0,
        Severity::Info => 1.0,
    }
}

/// A share of what is judged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, JsonSchema)]
pub struct Score {
    /// 100 times (weight − lost) / weight, to two digits behind the point; null where nothing is
    /// judged.
    pub score: Option<f64>,
    /// Pairs of a rule and a subject.
    pub pairs: usize,
    /// Of those, pairs of which some part fails.
    pub failing: usize,
    /// The sum of the pairs' weights: error 10, warn 3, info 1.
    pub weight: f64,
    /// The sum over pairs of weight × failing parts / parts, to four digits behind the point.
    pub lost: f64,
}

/// A score of a part of the project.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Named {
    /// Its name; null for what belongs to none.
    pub name: Option<String>,
    /// Its score.
    #[serde(flatten)]
    pub score: Score,
}

/// What nobody counts as open.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Apart {
    /// Pairs of which a baseline holds some part.
    pub baselined: usize,
    /// Pairs of which a comment suppresses some part.
    pub suppressed: usize,
    /// What lies in an exclusion of the configuration, by its reason, as if it were open.
    pub excluded: Vec<Named>,
}

/// All scores of a project.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Health {
    /// Of what no baseline, comment or exclusion holds back.
    #[serde(flatten)]
    pub total: Score,
    /// The same as if nothing were held back.
    pub with_held_back: Score,
    /// What is held back.
    pub apart: Apart,
    /// By category of rules.
    pub by_category: Vec<Named>,
    /// By layer.
    pub by_layer: Vec<Named>,
    /// By source system.
    pub by_source: Vec<Named>,
    /// By owner.
    pub by_owner: Vec<Named>,
    /// By layer and category: what a heat map shows.
    pub by_layer_and_category: Vec<Cell>,
}

/// The score of a category of rules in a layer.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Cell {
    /// The layer; null for what is in none.
    pub layer: Option<String>,
    /// The category.
    pub category: String,
    /// The score.
    #[serde(flatten)]
    pub score: Score,
}

/// What is added up.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    pairs: usize,
    failing: usize,
    weight: f64,
    lost: f64,
}

impl Sum {
    fn add(&mut self, severity: Severity, parts: usize, failing: usize) {
        if parts == 0 {
            return;
        }
        let weight = weight(severity);
        self.pairs += 1;
        self.failing += usize::from(failing > 0);
        self.weight += weight;
        self.lost += weight * failing as f64 / parts as f64;
    }

    fn score(self) -> Score {
        let rounded = |x: f64, by: f64| (x * by).round() / by;
        let share = (self.weight - self.lost) / self.weight;
        Score {
            score: (self.pairs > 0).then(|| rounded(100.0 * share, 100.0)),
            pairs: self.pairs,
            failing: self.failing,
            weight: self.weight,
            lost: rounded(self.lost, 10_000.0),
        }
    }
}

/// The scores of all pairs.
pub fn health(project: &Project, rules: &[Active], pairs: &[Pair], facets: &Facets) -> Health {
    let mut total = Sum::default();
    let mut all = Sum::default();
    let mut zones = vec![Sum::default(); project.config.exclude.len()];
    let mut apart = Apart::default();
    let mut by: [BTreeMap<Option<String>, Sum>; 4] = Default::default();
    let mut cells: BTreeMap<(Option<String>, String), Sum> = BTreeMap::new();
    for pair in pairs {
        all.add(pair.severity, pair.parts, pair.failing());
        apart.baselined += usize::from(pair.baselined > 0);
        apart.suppressed += usize::from(pair.suppressed > 0);
        if let Some(zone) = pair.exclusion {
            zones[zone].add(pair.severity, pair.parts, pair.failing());
        }
        let (severity, parts, open) = (pair.severity, pair.counted(), pair.open);
        total.add(severity, parts, open);
        let category = rules[pair.rule].meta.category().to_owned();
        let facts = facets.of(project, pair.node, pair.file);
        let names = [
            Some(category.clone()),
            facts.layer.clone(),
            facts.source,
            facts.owner.map(|o| o.name),
        ];
        for (map, name) in by.iter_mut().zip(names) {
            map.entry(name).or_default().add(severity, parts, open);
        }
        let cell = cells.entry((facts.layer, category)).or_default();
        cell.add(severity, parts, open);
    }
    let reasons = project.config.exclude.iter().map(|e| &e.reason.value);
    apart.excluded = reasons
        .zip(zones)
        .map(|(reason, sum)| Named {
            name: Some(reason.clone()),
            score: sum.score(),
        })
        .collect();
    let [by_category, by_layer, by_source, by_owner] = by.map(named);
    let cells = cells.into_iter().filter(|(_, sum)| sum.pairs > 0);
    Health {
        total: total.score(),
        with_held_back: all.score(),
        apart,
        by_category,
        by_layer,
        by_source,
        by_owner,
        by_layer_and_category: cells
            .map(|((layer, category), sum)| Cell {
                layer,
                category,
                score: sum.score(),
            })
            .collect(),
    }
}

/// In order of name, what has none last.
fn named(sums: BTreeMap<Option<String>, Sum>) -> Vec<Named> {
    let mut all: Vec<Named> = sums
        .into_iter()
        .filter(|(_, sum)| sum.pairs > 0)
        .map(|(name, sum)| Named {
            name,
            score: sum.score(),
        })
        .collect();
    all.sort_by(|a, b| (a.name.is_none(), &a.name).cmp(&(b.name.is_none(), &b.name)));
    all
}
