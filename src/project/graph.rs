//! The graph of enabled nodes, behind named questions.

use super::NodeId;
use crate::text::Span;
use petgraph::Direction::{Incoming, Outgoing};
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;
use rustc_hash::FxHashSet;

/// Why a child depends on a parent: the first place that says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// In the child's file, or where a hook of it is configured; none where only the manifest knows.
    pub span: Option<Span>,
    /// Every place is a SQL comment: an edge, because dbt renders it.
    pub in_comment: bool,
    /// A macro makes it in every place that is known: no `ref` in the child's file does.
    pub in_macro: bool,
}

/// Edges run from parent to child.
#[derive(Debug, Default)]
pub struct Graph {
    inner: DiGraph<NodeId, Edge>,
}

impl Graph {
    /// A graph over nodes `0..count` without edges.
    pub(super) fn new(count: usize) -> Self {
        let mut inner = DiGraph::with_capacity(count, count * 2);
        for i in 0..count {
            inner.add_node(NodeId(i as u32));
        }
        Self { inner }
    }

    fn index(id: NodeId) -> NodeIndex {
        NodeIndex::new(id.0 as usize)
    }

    /// Adds an edge, or another place that says the same.
    pub(super) fn add(&mut self, parent: NodeId, child: NodeId, edge: Edge) {
        let (from, to) = (Self::index(parent), Self::index(child));
        match self.inner.find_edge(from, to) {
            Some(known) => {
                let known = &mut self.inner[known];
                let in_macro = known.in_macro && edge.in_macro;
                if known.in_comment && !edge.in_comment {
                    *known = edge;
                } else if known.span.is_none() {
                    known.span = edge.span;
                }
                known.in_macro = in_macro;
            }
            None => {
                self.inner.add_edge(from, to, edge);
            }
        }
    }

    /// Direct parents with the reason, in order of the parents.
    pub fn parents(&self, id: NodeId) -> Vec<(NodeId, &Edge)> {
        let edges = self.inner.edges_directed(Self::index(id), Incoming);
        let mut all: Vec<_> = edges
            .map(|e| (self.inner[e.source()], e.weight()))
            .collect();
        all.sort_by_key(|(id, _)| *id);
        all
    }

    /// Direct children, in order.
    pub fn children(&self, id: NodeId) -> Vec<NodeId> {
        let edges = self.inner.edges_directed(Self::index(id), Outgoing);
        let mut all: Vec<NodeId> = edges.map(|e| self.inner[e.target()]).collect();
        all.sort();
        all
    }

    /// Every edge as (parent, child, reason), in order.
    pub fn edges(&self) -> Vec<(NodeId, NodeId, &Edge)> {
        let mut all: Vec<_> = self
            .inner
            .edge_references()
            .map(|e| (self.inner[e.source()], self.inner[e.target()], e.weight()))
            .collect();
        all.sort_by_key(|(p, c, _)| (*p, *c));
        all
    }

    /// All nodes upstream within `levels` (none: any), without the node itself unless it lies on a
    /// cycle.
    pub fn ancestors(&self, id: NodeId, levels: Option<usize>) -> FxHashSet<NodeId> {
        self.reach(&[id], Incoming, levels)
    }

    /// All nodes downstream, as [`Graph::ancestors`].
    pub fn descendants(&self, id: NodeId, levels: Option<usize>) -> FxHashSet<NodeId> {
        self.reach(&[id], Outgoing, levels)
    }

    /// All nodes upstream of any of these within `levels`; of these, those upstream of another.
    pub fn above(&self, ids: &[NodeId], levels: Option<usize>) -> FxHashSet<NodeId> {
        self.reach(ids, Incoming, levels)
    }

    /// All nodes downstream, as [`Graph::above`].
    pub fn below(&self, ids: &[NodeId], levels: Option<usize>) -> FxHashSet<NodeId> {
        self.reach(ids, Outgoing, levels)
    }

    fn reach(
        &self,
        ids: &[NodeId],
        direction: petgraph::Direction,
        levels: Option<usize>,
    ) -> FxHashSet<NodeId> {
        let mut seen = FxHashSet::default();
        let mut front: Vec<NodeIndex> = ids.iter().map(|id| Self::index(*id)).collect();
        let mut level = 0;
        while !front.is_empty() && levels.is_none_or(|l| level < l) {
            let mut next = Vec::new();
            for node in front {
                for neighbour in self.inner.neighbors_directed(node, direction) {
                    if seen.insert(self.inner[neighbour]) {
                        next.push(neighbour);
                    }
                }
            }
            front = next;
            level += 1;
        }
        seen
    }

    /// Cycles: each group of nodes that depend on one another, in order. A node that depends on
    /// itself is one.
    pub fn cycles(&self) -> Vec<Vec<NodeId>> {
        let mut groups: Vec<Vec<NodeId>> = petgraph::algo::tarjan_scc(&self.inner)
            .into_iter()
            .filter(|g| g.len() > 1 || self.inner.contains_edge(g[0], g[0]))
            .map(|g| {
                let mut ids: Vec<NodeId> = g.into_iter().map(|i| self.inner[i]).collect();
                ids.sort();
                ids
            })
            .collect();
        groups.sort();
        groups
    }

    /// The longest chain of parents above a node; none on or below a cycle.
    pub fn depths(&self) -> Vec<Option<u32>> {
        let mut depths: Vec<Option<u32>> = vec![None; self.inner.node_count()];
        let mut waiting: Vec<usize> = self
            .inner
            .node_indices()
            .map(|i| self.inner.edges_directed(i, Incoming).count())
            .collect();
        let mut ready: Vec<NodeIndex> = self
            .inner
            .node_indices()
            .filter(|i| waiting[i.index()] == 0)
            .collect();
        for &i in &ready {
            depths[i.index()] = Some(0);
        }
        while let Some(node) = ready.pop() {
            let below = depths[node.index()].map_or(0, |d| d + 1);
            for edge in self.inner.edges_directed(node, Outgoing) {
                let child = edge.target();
                let depth = depths[child.index()].map_or(below, |d| d.max(below));
                depths[child.index()] = Some(depth);
                waiting[child.index()] -= 1;
                if waiting[child.index()] == 0 {
                    ready.push(child);
                }
            }
        }
        for (i, left) in waiting.iter().enumerate() {
            if *left > 0 {
                depths[i] = None;
            }
        }
        depths
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(count: usize, edges: &[(u32, u32)]) -> Graph {
        let mut g = Graph::new(count);
        for &(p, c) in edges {
            let edge = Edge {
                span: None,
                in_comment: false,
                in_macro: false,
            };
            g.add(NodeId(p), NodeId(c), edge);
        }
        g
    }

    fn ids(set: FxHashSet<NodeId>) -> Vec<u32> {
        let mut all: Vec<u32> = set.into_iter().map(|i| i.0).collect();
        all.sort();
        all
    }

    #[test]
    fn questions() {
        let g = graph(5, &[(0, 1), (1, 2), (0, 2), (2, 3), (0, 1)]);
        assert_eq!(g.parents(NodeId(2)).len(), 2);
        assert_eq!(g.children(NodeId(0)), [NodeId(1), NodeId(2)]);
        assert_eq!(ids(g.ancestors(NodeId(3), None)), [0, 1, 2]);
        assert_eq!(ids(g.ancestors(NodeId(3), Some(1))), [2]);
        assert_eq!(ids(g.descendants(NodeId(0), Some(2))), [1, 2, 3]);
        assert_eq!(g.edges().len(), 4);
        assert!(g.cycles().is_empty());
        assert_eq!(g.depths(), [Some(0), Some(1), Some(2), Some(3), Some(0)]);
    }

    #[test]
    fn cycles_are_found_and_have_no_depth() {
        let g = graph(4, &[(0, 1), (1, 0), (1, 2), (3, 3)]);
        assert_eq!(g.cycles(), [vec![NodeId(0), NodeId(1)], vec![NodeId(3)]]);
        assert_eq!(g.depths(), [None, None, None, None]);
    }

    #[test]
    fn a_place_outside_a_comment_wins() {
        let mut g = Graph::new(2);
        let at = |in_comment: bool| Edge {
            span: Some(Span::new(
                crate::text::FileId(0),
                usize::from(!in_comment),
                9,
            )),
            in_comment,
            in_macro: false,
        };
        g.add(NodeId(0), NodeId(1), at(true));
        g.add(NodeId(0), NodeId(1), at(false));
        assert!(!g.parents(NodeId(1))[0].1.in_comment);
    }
}
