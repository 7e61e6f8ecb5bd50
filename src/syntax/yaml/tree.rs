//! A parsed file as it lies in memory: flat vectors and 32-bit indices.

use super::Node;
use crate::text::{FileId, Span};

/// One node of one [`Yaml`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(super) u32);

/// How a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Without quotes; the only style whose text may be a number, a boolean or null.
    Plain,
    /// `'…'`
    SingleQuoted,
    /// `"…"`
    DoubleQuoted,
    /// A block after `|`.
    Literal,
    /// A block after `>`.
    Folded,
}

/// A comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// From `#` to the end of the line, the line break excluded.
    pub span: Span,
    /// What follows the `#`, as written.
    pub text: String,
}

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct YamlProblem {
    /// The place: the character where a syntax error shows, or the whole offending node.
    pub span: Span,
    /// What is wrong, for people.
    pub message: String,
    /// What is wrong, for code.
    pub kind: YamlProblemKind,
}

/// The kinds of [`YamlProblem`]. dbt refuses a file with any of them except [`Self::DuplicateKey`]
/// (deprecated, the last key wins) and [`Self::TooDeep`] (our own bound).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum YamlProblemKind {
    /// Not YAML; nothing after the last such place was read.
    Syntax,
    /// Nested deeper than [`MAX_DEPTH`](super::MAX_DEPTH); nothing after the place was read.
    TooDeep,
    /// A key that its mapping already has; the place is the later key.
    DuplicateKey,
    /// An anchor name that its document already has.
    DuplicateAnchor,
    /// An alias (`*name`) without an anchor before it.
    UnknownAlias,
    /// `<<` with something other than a mapping or a list of mappings.
    BadMerge,
    /// A mapping or a list as a key; almost always a Jinja expression without quotes.
    UnhashableKey,
    /// A tag (`!name`) that PyYAML's safe loader does not know.
    UnknownTag,
    /// A second document; the place is its `---`.
    MultipleDocuments,
}

/// A parsed file.
#[derive(Debug)]
pub struct Yaml {
    /// The file that every span of this tree lies in.
    pub file: FileId,
    /// The root of each document, in order.
    pub documents: Vec<NodeId>,
    /// All comments, in order.
    pub comments: Vec<Comment>,
    /// Everything wrong, in order of place.
    pub problems: Vec<YamlProblem>,
    pub(super) nodes: Vec<Raw>,
    /// Items of sequences and key, value, key, value of mappings; each collection is one stretch.
    pub(super) children: Vec<NodeId>,
    /// The decoded text of all scalars, end to end.
    pub(super) text: String,
    /// Tags and anchors are rare, so nodes point to them.
    pub(super) props: Vec<Props>,
}

/// A stretch of one of the vectors of [`Yaml`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch {
    pub first: u32,
    pub len: u32,
}

impl Stretch {
    pub const EMPTY: Self = Self { first: 0, len: 0 };

    pub fn range(self) -> std::ops::Range<usize> {
        self.first as usize..self.first as usize + self.len as usize
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Raw {
    pub start: u32,
    pub end: u32,
    /// 1-based index into [`Yaml::props`]; 0 for none.
    pub props: u32,
    pub kind: RawKind,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum RawKind {
    Scalar {
        text: Stretch,
        style: Style,
    },
    Sequence {
        items: Stretch,
        flow: bool,
    },
    Mapping {
        entries: Stretch,
        flow: bool,
        /// Has a `<<` key.
        merges: bool,
        /// Has two equal keys.
        repeats: bool,
    },
    /// Never points to another alias: YAML gives an alias no anchor.
    Alias {
        target: Option<NodeId>,
    },
}

#[derive(Debug, Default)]
pub(super) struct Props {
    pub tag: Option<Box<str>>,
    pub anchor: Option<Box<str>>,
}

impl Yaml {
    /// The first document's root, the one dbt reads; `None` for a file without content.
    pub fn root(&self) -> Option<Node<'_>> {
        self.documents.first().map(|&id| Node::new(self, id))
    }

    /// The root of every document.
    pub fn roots(&self) -> impl Iterator<Item = Node<'_>> {
        self.documents.iter().map(|&id| Node::new(self, id))
    }

    /// The node of an id that this tree gave.
    pub fn node(&self, id: NodeId) -> Node<'_> {
        Node::new(self, id)
    }

    /// Makes one node stand for another, as an alias would.
    pub(crate) fn stand_for(&mut self, from: NodeId, to: NodeId) {
        let to = self.node(to).resolve().id();
        if let Some(raw) = self.nodes.get_mut(from.0 as usize).filter(|_| from != to) {
            raw.kind = RawKind::Alias { target: Some(to) };
        }
    }

    /// Could the whole file be read? Problems of other kinds than syntax and depth leave a
    /// complete tree.
    pub fn is_complete(&self) -> bool {
        use YamlProblemKind::{Syntax, TooDeep};
        !self
            .problems
            .iter()
            .any(|p| matches!(p.kind, Syntax | TooDeep))
    }

    /// How many nodes were read; an upper bound of the work a walk without aliases does.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Was no node read?
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    pub(super) fn raw(&self, id: NodeId) -> Raw {
        self.nodes[id.0 as usize]
    }
}
