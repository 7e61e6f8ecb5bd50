//! The nodes around a node: `parents`, `children`, `ancestors`, `descendants`.

use super::facts::World;
use super::predicate::{Verdict, bounds};
use super::read::{at, entries, unknown};
use super::select::{BoundKey, Gathered, Key, Selector};
use super::subject::{Of, Subject};
use crate::project::select::NodeSet;
use crate::project::{NodeId, ResourceType};
use crate::syntax::yaml::{DeError, Node};

/// Asks for the nodes around one.
#[derive(Debug, Clone)]
pub(super) struct Graph {
    way: Way,
    how: How,
    of: Selector,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Parents,
    Children,
    Ancestors,
    Descendants,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum How {
    Any,
    All,
    None,
    Count(Option<f64>, Option<f64>),
}

/// Nodes around a node, tests aside where no type is written.
const AROUND: &[Of] = &[
    Of::Node(ResourceType::Model),
    Of::Node(ResourceType::Seed),
    Of::Node(ResourceType::Snapshot),
    Of::Node(ResourceType::Source),
    Of::Node(ResourceType::Exposure),
    Of::Node(ResourceType::Metric),
    Of::Node(ResourceType::SemanticModel),
    Of::Node(ResourceType::SavedQuery),
    Of::Node(ResourceType::Analysis),
    Of::Node(ResourceType::Function),
];

pub(super) fn read(name: &str, node: Node, got: &mut Gathered) -> Result<Vec<Key>, DeError> {
    let way = match name {
        "parents" => Way::Parents,
        "children" => Way::Children,
        "ancestors" => Way::Ancestors,
        _ => Way::Descendants,
    };
    let mut out = Vec::new();
    for (key, name, value) in entries(node)? {
        let (how, of) = match name {
            "any" => (How::Any, Some(value)),
            "all" => (How::All, Some(value)),
            "none" => (How::None, Some(value)),
            "count" => {
                let (of, min, max) = bounds(value)?;
                (How::Count(min, max), of)
            }
            _ => return Err(unknown(key, "question", ["any", "all", "none", "count"])),
        };
        let of = match of {
            Some(node) => Selector::read(node, AROUND, got)?,
            None => Selector::all(AROUND.to_vec()),
        };
        out.push(Key::Graph(Graph { way, how, of }));
    }
    match out.is_empty() {
        true => Err(at(node, "expected any, all, none or count")),
        false => Ok(out),
    }
}

impl Graph {
    pub(super) fn bind(&self, w: World) -> BoundKey {
        let inner = self.of.bind(w);
        let nodes = w.project.nodes.iter();
        let known: Vec<Verdict> = nodes
            .map(|n| self.of.holds(&inner, w, Subject::Node(n)))
            .collect();
        let far = matches!(self.way, Way::Ancestors | Way::Descendants);
        let sets = (far && matches!(self.how, How::Any | How::None)).then(|| {
            [Verdict::Yes, Verdict::Unknown].map(|wanted| {
                let all = w.project.nodes.iter().zip(&known);
                let ids: Vec<NodeId> = all
                    .filter(|(_, v)| **v == wanted)
                    .map(|(n, _)| n.id)
                    .collect();
                let graph = &w.project.graph;
                let reached = match self.way {
                    Way::Ancestors => graph.below(&ids, None),
                    _ => graph.above(&ids, None),
                };
                reached.into_iter().collect()
            })
        });
        BoundKey::Graph(known, sets)
    }

    pub(super) fn holds(
        &self,
        known: &[Verdict],
        reach: Option<&[NodeSet; 2]>,
        w: World,
        id: NodeId,
    ) -> Verdict {
        let graph = &w.project.graph;
        // A reference that leads nowhere may lead to what is asked for.
        let open =
            matches!(self.way, Way::Parents | Way::Ancestors) && w.shared.is_open(w.project, id);
        if let Some([sure, open_set]) = reach {
            let some = match (sure.contains(id), open_set.contains(id) || open) {
                (true, _) => Verdict::Yes,
                (false, true) => Verdict::Unknown,
                (false, false) => Verdict::No,
            };
            return if self.how == How::None {
                some.not()
            } else {
                some
            };
        }
        let around: Vec<NodeId> = match self.way {
            Way::Parents => graph.parents(id).into_iter().map(|(p, _)| p).collect(),
            Way::Children => graph.children(id),
            Way::Ancestors => graph.ancestors(id, None).into_iter().collect(),
            Way::Descendants => graph.descendants(id, None).into_iter().collect(),
        };
        let kind = |id: &NodeId| Of::Node(w.project.node(*id).resource_type);
        let each = || {
            let verdicts = around
                .iter()
                .filter_map(|n| known.get(n.0 as usize).copied());
            verdicts.chain(open.then_some(Verdict::Unknown))
        };
        match self.how {
            How::Any => each().fold(Verdict::No, |a, b| a.or(|| b)),
            How::None => each().fold(Verdict::No, |a, b| a.or(|| b)).not(),
            How::Count(min, max) => Verdict::counted(each(), min, max),
            // Of kinds that were not meant nothing is asked; where there are none, all are so.
            How::All => {
                let meant = around.iter().filter(|id| match self.of.explicit {
                    true => AROUND.contains(&kind(id)),
                    false => self.of.of.contains(&kind(id)),
                });
                let verdicts = meant.filter_map(|n| known.get(n.0 as usize).copied());
                let verdicts = verdicts.chain(open.then_some(Verdict::Unknown));
                verdicts.fold(Verdict::Yes, |a, b| a.and(|| b))
            }
        }
    }
}
