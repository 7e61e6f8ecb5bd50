//! Which branches of a template were rendered, so that variants can take the others.

use super::ast::Node;
use super::value::RelationRef;
use rustc_hash::FxHashSet;

/// What evaluations of one template have seen.
#[derive(Debug, Clone, Default)]
pub struct Visited {
    /// Branches and loops of the file's own text that were rendered, by address of their bodies.
    branches: FxHashSet<usize>,
    /// Relations named so far; a variant goes on counting, so that ids mean the same in all.
    pub relations: Vec<RelationRef>,
}

impl Visited {
    /// Is there a branch or a loop in `nodes`, with text in it, that none took?
    pub fn leaves_out(&self, src: &str, nodes: &[Node]) -> bool {
        nodes
            .iter()
            .any(|node| bodies(node).any(|(optional, body)| self.left_out(src, optional, body)))
    }

    fn left_out(&self, src: &str, optional: bool, body: &[Node]) -> bool {
        optional && !self.has(src, body) || self.leaves_out(src, body)
    }

    /// A body without text or output counts as visited.
    pub(super) fn has(&self, src: &str, body: &[Node]) -> bool {
        self.branches.contains(&address(body)) || !speaks(src, body)
    }

    pub(super) fn insert(&mut self, body: &[Node]) {
        self.branches.insert(address(body));
    }

    /// Adds what another evaluation saw. Was any of it new?
    pub fn extend(&mut self, other: Visited) -> bool {
        let before = self.branches.len();
        self.branches.extend(other.branches);
        self.relations = other.relations;
        self.branches.len() > before
    }

    /// The branches of `other` that this has not seen, in the order of the text.
    pub fn new_in(&self, other: &Visited, nodes: &[Node]) -> Vec<usize> {
        let mut all = Vec::new();
        all_optional(nodes, &mut all);
        all.retain(|b| other.branches.contains(b) && !self.branches.contains(b));
        all
    }

    /// What an evaluation must have seen that is to take this branch and no other new one.
    pub fn all_but(&self, branch: usize, nodes: &[Node]) -> Visited {
        let mut all = Vec::new();
        all_optional(nodes, &mut all);
        Visited {
            branches: all.into_iter().filter(|b| *b != branch).collect(),
            relations: self.relations.clone(),
        }
    }
}

/// The bodies right below a node, and whether a run may leave them out.
fn bodies(node: &Node) -> Box<dyn Iterator<Item = (bool, &[Node])> + '_> {
    match node {
        Node::If(branches) => Box::new(branches.iter().map(|(_, body)| (true, &body[..]))),
        Node::For(f) => Box::new([(true, &f.body[..]), (false, &f.otherwise[..])].into_iter()),
        Node::SetBlock { body, .. }
        | Node::FilterBlock { body, .. }
        | Node::CallBlock { body, .. }
        | Node::Group { body, .. } => Box::new(std::iter::once((false, &body[..]))),
        _ => Box::new(std::iter::empty()),
    }
}

fn all_optional(nodes: &[Node], out: &mut Vec<usize>) {
    for node in nodes {
        for (optional, body) in bodies(node) {
            if optional {
                out.push(address(body));
            }
            all_optional(body, out);
        }
    }
}

/// Does it print anything but white space?
fn speaks(src: &str, body: &[Node]) -> bool {
    body.iter().any(|node| match node {
        Node::Text(range) => {
            let text = src.get(range.start as usize..range.end as usize);
            text.is_some_and(|t| !t.trim().is_empty())
        }
        Node::Output(..) => true,
        _ => bodies(node).any(|(_, body)| speaks(src, body)),
    })
}

/// Trees do not move while they are evaluated.
fn address(body: &[Node]) -> usize {
    body.as_ptr() as usize
}
