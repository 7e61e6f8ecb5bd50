use crate::project::{Node, NodeId, Project};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink};
use crate::text::Span;
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cycle {}

impl BuiltIn for Cycle {
    const META: Meta = Meta {
        id: Borrowed("graph/cycle"),
        severity: Severity::Error,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Minimal),
        doc: Borrowed(include_str!("../../../rules/graph/cycle/README.md")),
    };
}

/// A longer circle is not spelt out in full.
const SHOWN: usize = 6;

impl Rule for Cycle {
    fn project(&self, cx: &Cx, sink: &mut Sink) {
        for group in cx.project.graph.cycles() {
            let Some(first) = group.iter().find(|id| cx.project.node(**id).is_own()) else {
                continue;
            };
            let circle = shortest(cx.project, *first);
            let node = cx.project.node(*first);
            let names: Vec<String> = circle
                .iter()
                .take(SHOWN)
                .map(|id| format!("`{}`", cx.project.node(*id).display_name()))
                .collect();
            let more = if circle.len() > SHOWN { " → …" } else { "" };
            let message = format!(
                "{}{more} → `{}` is a circle: dbt refuses a project that has one",
                names.join(" → "),
                node.display_name()
            );
            let mut violation = Violation::new(place(cx.project, node, &circle, 0), message)
                .symbol(names.join(" "));
            for (i, id) in circle.iter().enumerate().skip(1) {
                let step = cx.project.node(*id);
                let parent = circle[(i + 1) % circle.len()];
                let parent = cx.project.node(parent).display_name();
                let what = format!("`{}` reads `{parent}`", step.display_name());
                violation = violation.related(place(cx.project, step, &circle, i), what);
            }
            sink.push_on(Some(node.id), violation);
        }
    }
}

/// Where the node at `i` of the circle names the one after it.
fn place(project: &Project, node: &Node, circle: &[NodeId], i: usize) -> Span {
    let parent = circle[(i + 1) % circle.len()];
    let parents = project.graph.parents(node.id);
    let edge = parents.iter().find(|(id, _)| *id == parent);
    edge.and_then(|(_, e)| e.span)
        .unwrap_or(Span::whole(node.file))
}

/// A shortest way from a node through its parents back to it: each reads the next.
fn shortest(project: &Project, start: NodeId) -> Vec<NodeId> {
    let mut from: BTreeMap<NodeId, NodeId> = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(id) = queue.pop_front() {
        for (parent, _) in project.graph.parents(id) {
            if parent == start {
                let mut way = vec![id];
                let mut here = id;
                while here != start {
                    here = from[&here];
                    way.push(here);
                }
                way.reverse();
                return way;
            }
            if let Entry::Vacant(unseen) = from.entry(parent) {
                unseen.insert(id);
                queue.push_back(parent);
            }
        }
    }
    vec![start]
}
