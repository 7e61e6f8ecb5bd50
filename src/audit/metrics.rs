//! Numbers that a lead follows from month to month. They are facts about the repository: they do not
//! depend on which rules are on, and what is held back counts as what it is.

use super::subjects::{Pair, pairs};
use crate::check::{self, Scope};
use crate::config::ConfigError;
use crate::project::{Family, Node, NodeId, Project, ResourceType};
use crate::registry::{self, Active, Entry, RuleFilter};
use crate::violation::Severity;
use rustc_hash::FxHashSet;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// So many of so many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, JsonSchema)]
pub struct Share {
    /// How many.
    pub count: usize,
    /// Of how many.
    pub of: usize,
    /// To one digit behind the point; null where there are none.
    pub percent: Option<f64>,
}

impl Share {
    fn new(count: usize, of: usize) -> Self {
        let percent = 1000.0 * count as f64 / of as f64;
        Self {
            count,
            of,
            percent: (of > 0).then(|| percent.round() / 10.0),
        }
    }
}

/// The models of a layer.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct LayerMetrics {
    /// The layer; null for models in none.
    pub layer: Option<String>,
    /// Models with a description.
    pub documented: Share,
    /// Models with a test.
    pub tested: Share,
    /// Models whose primary key is tested.
    pub with_pk: Share,
}

/// The numbers.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Metrics {
    /// Models without a finding of a structure rule that is an error, of those that such rules
    /// judge; null where no such rule is on.
    pub structural_compliance: Option<Share>,
    /// Source systems with an overview among the context files.
    pub sources_with_overview: Share,
    /// Source systems each table of which has a context file; null where the configuration does not
    /// say where those are.
    pub sources_with_table_files: Option<Share>,
    /// Edges that lead where no edge may, those that are held back included.
    pub direction_violations: usize,
    /// Models whose primary key is tested, or kept by the platform.
    pub models_with_pk_tests: Share,
    /// Models without an open finding that is more than info.
    pub models_clean: Share,
    /// Models with a description.
    pub models_documented: Share,
    /// Models with a test.
    pub models_tested: Share,
    /// By layer.
    pub by_layer: Vec<LayerMetrics>,
    /// Data tests by what they can prove, and unit tests.
    pub tests_by_family: BTreeMap<&'static str, usize>,
}

/// Rules about where edges may lead.
pub const DIRECTION: [&str; 7] = [
    "graph/domain-direction",
    "graph/forbidden-edge",
    "graph/layer-direction",
    "graph/source-outside-staging",
    "graph/staging-on-downstream",
    "graph/staging-on-staging",
    "graph/tenant-boundary",
];
const PK: &str = "test/pk";
const DOCUMENTED: &str = "doc/missing";
const TABLES: &str = "context/table-missing";

/// The numbers of a project, and `pairs` of the rules that are on.
///
/// # Errors
/// An option of a rule is refused.
pub fn metrics(
    project: &Project,
    rules: &[Active],
    own: &[Entry],
    judged: &[Pair],
) -> Result<Metrics, ConfigError> {
    let mut only: Vec<String> = DIRECTION.iter().map(|r| (*r).to_owned()).collect();
    only.extend([PK.to_owned(), DOCUMENTED.to_owned()]);
    let filter = RuleFilter {
        only,
        ignore: Vec::new(),
    };
    let asked = registry::active(&project.config, own, &filter)?;
    let checked = check::check(project, &asked, &Scope::default());
    let found = pairs(project, &asked, &checked);
    let failing = |rule: &str| -> FxHashSet<NodeId> {
        let own = found.iter().filter(|p| asked[p.rule].meta.id == rule);
        let bad = own.filter(|p| p.failing() > 0);
        bad.filter_map(|p| p.node).collect()
    };
    let (no_pk, undocumented) = (failing(PK), failing(DOCUMENTED));
    let tested: FxHashSet<NodeId> = project
        .models()
        .filter(|m| !project.tests_of(m).is_empty())
        .map(|m| m.id)
        .collect();
    let share = |models: &[&Node], holds: &dyn Fn(NodeId) -> bool| {
        Share::new(models.iter().filter(|m| holds(m.id)).count(), models.len())
    };
    let three = |models: &[&Node]| {
        let documented = share(models, &|id| !undocumented.contains(&id));
        let with_tests = share(models, &|id| tested.contains(&id));
        let with_pk = share(models, &|id| !no_pk.contains(&id));
        (documented, with_tests, with_pk)
    };
    let mut layers: BTreeMap<(bool, Option<String>), Vec<&Node>> = BTreeMap::new();
    for model in project.models() {
        let layer = project.layer(model).map(|l| l.name.clone());
        layers
            .entry((layer.is_none(), layer))
            .or_default()
            .push(model);
    }
    let all: Vec<&Node> = project.models().collect();
    let (models_documented, models_tested, models_with_pk_tests) = three(&all);
    let open: FxHashSet<NodeId> = judged
        .iter()
        .filter(|p| p.open > 0 && p.severity > Severity::Info)
        .filter_map(|p| p.node)
        .collect();
    let direction = found.iter().filter(|p| {
        let id = &*asked[p.rule].meta.id;
        DIRECTION.contains(&id)
    });
    Ok(Metrics {
        structural_compliance: structure(rules, judged),
        sources_with_overview: overviews(project),
        sources_with_table_files: tables(project, rules, judged),
        direction_violations: direction.map(Pair::failing).sum(),
        models_with_pk_tests,
        models_clean: share(&all, &|id| !open.contains(&id)),
        models_documented,
        models_tested,
        by_layer: layers
            .into_iter()
            .map(|((_, layer), models)| {
                let (documented, tested, with_pk) = three(&models);
                LayerMetrics {
                    layer,
                    documented,
                    tested,
                    with_pk,
                }
            })
            .collect(),
        tests_by_family: families(project),
    })
}

fn structure(rules: &[Active], judged: &[Pair]) -> Option<Share> {
    let strict = judged
        .iter()
        .filter(|p| rules[p.rule].meta.category() == "structure" && p.severity == Severity::Error);
    let mut models: BTreeMap<NodeId, bool> = BTreeMap::new();
    for pair in strict {
        if let Some(node) = pair.node {
            *models.entry(node).or_insert(true) &= pair.failing() == 0;
        }
    }
    let good = models.values().filter(|good| **good).count();
    (!models.is_empty()).then(|| Share::new(good, models.len()))
}

fn overviews(project: &Project) -> Share {
    let (files, context) = (&project.context.files, &project.config.context);
    let systems = project.source_systems();
    let has = |name: &str| {
        let path = context.overview.replace("{source}", name);
        files.contains(path.trim_start_matches("./"))
    };
    let with = systems.iter().filter(|s| has(&s.name)).count();
    Share::new(with, systems.len())
}

fn tables(project: &Project, rules: &[Active], judged: &[Pair]) -> Option<Share> {
    let rule = rules.iter().position(|r| r.meta.id == TABLES)?;
    project.config.context.tables.as_ref()?;
    let own = judged.iter().filter(|p| p.rule == rule && p.failing() > 0);
    let bare: FxHashSet<NodeId> = own.filter_map(|p| p.node).collect();
    let systems = project.source_systems();
    let whole = |tables: &[NodeId]| !tables.is_empty() && tables.iter().all(|t| !bare.contains(t));
    let with = systems.iter().filter(|s| whole(&s.tables)).count();
    Some(Share::new(with, systems.len()))
}

fn families(project: &Project) -> BTreeMap<&'static str, usize> {
    let all = Family::ALL.iter().map(|f| (f.as_str(), 0));
    let mut counts: BTreeMap<&'static str, usize> = all.chain([("unit", 0)]).collect();
    let tests = project
        .nodes
        .iter()
        .filter(|n| n.is_own() && !n.is_disabled());
    for test in tests.filter(|n| n.resource_type.is_test()) {
        let family = match (&test.test, test.resource_type) {
            (_, ResourceType::UnitTest) => "unit",
            (Some(generic), _) => Family::of(&generic.name).as_str(),
            (None, _) => Family::Business.as_str(),
        };
        *counts.entry(family).or_default() += 1;
    }
    counts
}
