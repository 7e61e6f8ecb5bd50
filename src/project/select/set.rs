//! Sets of nodes as bits: a project's expressions are many, and its nodes are numbered.

use crate::project::NodeId;

/// A set of nodes of one project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeSet {
    words: Vec<u64>,
}

impl NodeSet {
    /// Adds a node.
    pub fn insert(&mut self, id: NodeId) {
        let (word, bit) = place(id);
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        self.words[word] |= bit;
    }

    /// Is it in?
    pub fn contains(&self, id: NodeId) -> bool {
        let (word, bit) = place(id);
        self.words.get(word).is_some_and(|w| w & bit != 0)
    }

    /// Is none in?
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|w| *w == 0)
    }

    /// The nodes, in order.
    pub fn iter(&self) -> impl Iterator<Item = NodeId> {
        let words = self.words.iter().zip((0u32..).step_by(64));
        words.flat_map(|(word, first)| {
            let bits = (0..64).filter(move |bit| word >> bit & 1 == 1);
            bits.map(move |bit| NodeId(first + bit))
        })
    }

    /// Adds all of another.
    pub fn add(&mut self, other: &Self) {
        if self.words.len() < other.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        for (own, theirs) in self.words.iter_mut().zip(&other.words) {
            *own |= theirs;
        }
    }

    /// Keeps what another has too.
    pub fn keep(&mut self, other: &Self) {
        for (i, own) in self.words.iter_mut().enumerate() {
            *own &= other.words.get(i).copied().unwrap_or(0);
        }
    }

    /// Takes out what another has.
    pub fn remove(&mut self, other: &Self) {
        for (own, theirs) in self.words.iter_mut().zip(&other.words) {
            *own &= !theirs;
        }
    }
}

impl FromIterator<NodeId> for NodeSet {
    fn from_iter<T: IntoIterator<Item = NodeId>>(ids: T) -> Self {
        let mut out = Self::default();
        ids.into_iter().for_each(|id| out.insert(id));
        out
    }
}

fn place(id: NodeId) -> (usize, u64) {
    ((id.0 / 64) as usize, 1 << (id.0 % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(ids: &[u32]) -> NodeSet {
        ids.iter().map(|i| NodeId(*i)).collect()
    }

    #[test]
    fn sets_of_different_lengths() {
        let (short, long) = (set(&[1, 63]), set(&[1, 64, 200]));
        let changed = |change: fn(&mut NodeSet, &NodeSet), a: &NodeSet, b: &NodeSet| {
            let mut out = a.clone();
            change(&mut out, b);
            out.iter().map(|id| id.0).collect::<Vec<_>>()
        };
        assert_eq!(changed(NodeSet::add, &short, &long), [1, 63, 64, 200]);
        assert_eq!(changed(NodeSet::keep, &long, &short), [1]);
        assert_eq!(changed(NodeSet::keep, &short, &long), [1]);
        assert_eq!(changed(NodeSet::remove, &long, &short), [64, 200]);
        assert_eq!(changed(NodeSet::remove, &short, &long), [63]);
        assert!(set(&[]).is_empty() && !short.is_empty());
        assert!(long.contains(NodeId(200)) && !long.contains(NodeId(999)));
    }
}
