//! Which branches of a template were rendered, so that variants can take the others.

use super::ast::Node;
use super::value::RelationRef;
use rustc_hash::FxHashSet;

/// What evaluations of one template have seen.
#[derive(Debug, Clone, Default)]
pub struct Visited {
    /// Branches of the file's own `if` blocks that were rendered, by address of their bodies.
    branches: FxHashSet<usize>,
    /// Relations named so far; a variant goes on counting, so that ids mean the same in all.
    pub relations: Vec<RelationRef>,
}

impl Visited {
    /// Is there a branch in `nodes`, with text in it, that none took?
    pub fn leaves_out(&self, nodes: &[Node]) -> bool {
        nodes.iter().any(|node| match node {
            Node::If(branches) => branches
                .iter()
                .any(|(_, body)| !self.has(body) || self.leaves_out(body)),
            Node::For(f) => self.leaves_out(&f.body) || self.leaves_out(&f.otherwise),
            Node::SetBlock { body, .. }
            | Node::FilterBlock { body, .. }
            | Node::CallBlock { body, .. }
            | Node::Group { body, .. } => self.leaves_out(body),
            _ => false,
        })
    }

    /// A body without text or output counts as visited.
    pub(super) fn has(&self, body: &[Node]) -> bool {
        let silent = |n: &Node| !matches!(n, Node::Text(_) | Node::Output(..) | Node::If(_));
        body.iter().all(silent) || self.branches.contains(&address(body))
    }

    pub(super) fn insert(&mut self, body: &[Node]) {
        self.branches.insert(address(body));
    }

    /// Adds what another evaluation saw.
    pub fn extend(&mut self, other: Visited) {
        self.branches.extend(other.branches);
        self.relations = other.relations;
    }
}

/// Trees do not move while they are evaluated.
fn address(body: &[Node]) -> usize {
    body.as_ptr() as usize
}
