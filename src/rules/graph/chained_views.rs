use crate::project::{NodeId, Project, ResourceType};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink};
use crate::text::Span;
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;
use std::num::NonZeroUsize;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ChainedViews {
    /// From so many views or ephemeral models in a row on a model is reported. Default: 5 on
    /// Athena, Trino and ClickHouse, 6 elsewhere.
    threshold: Option<NonZeroUsize>,
}

impl BuiltIn for ChainedViews {
    const META: Meta = Meta {
        id: Borrowed("graph/chained-views"),
        severity: Severity::Warn,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!("../../../rules/graph/chained-views/README.md")),
    };
}

impl Rule for ChainedViews {
    fn project(&self, cx: &Cx, sink: &mut Sink) {
        let threshold = self
            .threshold
            .map_or(default_for(cx.project), NonZeroUsize::get);
        let chains = Chains::of(cx.project);
        for model in cx.project.models() {
            let length = chains.above(model.id);
            if length < threshold {
                continue;
            }
            let way = chains.way(model.id);
            let names: Vec<String> = way
                .iter()
                .take(SHOWN)
                .map(|id| format!("`{}`", cx.project.node(*id).display_name()))
                .collect();
            let more = if way.len() > SHOWN { " …" } else { "" };
            let message = format!(
                "`{}` is built on {length} views or ephemeral models in a row ({}{more}): every read of it runs them all",
                model.display_name(),
                names.join(", ")
            );
            let found = Violation::new(Span::whole(model.file), message).symbol("chain");
            sink.push_on(Some(model.id), found);
        }
    }
}

/// So many of the chain are named, the nearest first.
const SHOWN: usize = 6;

/// As dbt-project-evaluator has it: more than five, or four where the warehouse copes worse.
fn default_for(project: &Project) -> usize {
    match project.dialect.adapter.as_str() {
        "athena" | "trino" | "clickhouse" => 5,
        _ => 6,
    }
}

/// The longest row of views and ephemeral models that ends above each node.
struct Chains {
    /// By node: its length, and the last of the row.
    above: Vec<(usize, Option<NodeId>)>,
}

impl Chains {
    /// Nodes on or below a cycle have none.
    fn of(project: &Project) -> Self {
        let depths = project.graph.depths();
        let mut order: Vec<(u32, NodeId)> = project
            .nodes
            .iter()
            .filter_map(|n| Some(((*depths.get(n.id.0 as usize)?)?, n.id)))
            .collect();
        order.sort_unstable();
        let mut above = vec![(0, None); project.nodes.len()];
        for (_, id) in order {
            let mut best: (usize, Option<NodeId>) = (0, None);
            for (parent, _) in project.read_by(id) {
                let unstored = parent.resource_type == ResourceType::Model
                    && project.is_unstored(parent) == Some(true);
                let length = above[parent.id.0 as usize].0 + 1;
                if unstored && length > best.0 {
                    best = (length, Some(parent.id));
                }
            }
            above[id.0 as usize] = best;
        }
        Self { above }
    }

    fn above(&self, id: NodeId) -> usize {
        self.above[id.0 as usize].0
    }

    /// The row above a node, the nearest first.
    fn way(&self, id: NodeId) -> Vec<NodeId> {
        let next = |id: &NodeId| self.above[id.0 as usize].1;
        std::iter::successors(next(&id), next).collect()
    }
}
