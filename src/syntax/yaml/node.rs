//! Walking a tree.

use super::scalar::{Scalar, resolve};
use super::tree::{NodeId, Raw, RawKind, Style, Yaml};
use crate::text::Span;
use rustc_hash::{FxHashMap, FxHashSet};
use std::fmt;

/// Walks through aliases go no deeper than this; a tree without aliases is never so deep.
pub(super) const MAX_WALK: u32 = 256;

/// How many nodes a walk may meet beyond those the file has: what aliases may add.
const MAX_EXPANSION: usize = 100_000;

/// One node of a tree.
///
/// Everything except [`Self::span`], [`Self::tag`], [`Self::anchor`] and [`Self::is_alias`] looks
/// through aliases.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    yaml: &'a Yaml,
    id: NodeId,
}

impl fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the tree behind it.
        write!(f, "Node({}: {})", self.id.0, self.kind_name())
    }
}

impl<'a> Node<'a> {
    pub(super) fn new(yaml: &'a Yaml, id: NodeId) -> Self {
        Self { yaml, id }
    }

    fn raw(self) -> Raw {
        self.yaml.raw(self.id)
    }

    /// The node's name in its tree.
    pub fn id(self) -> NodeId {
        self.id
    }

    /// The tree it belongs to.
    pub fn yaml(self) -> &'a Yaml {
        self.yaml
    }

    /// Where it is written, without anchor and tag. Quotes, brackets and the `|` or `>` of a block
    /// are included; a block ends after its last character that is not white space. A missing value
    /// has an empty span after its key's colon, or after its dash. An alias has its own place.
    pub fn span(self) -> Span {
        let raw = self.raw();
        Span::new(self.yaml.file, raw.start as usize, raw.end as usize)
    }

    /// The tag in full (`tag:yaml.org,2002:str` for `!!str`), if one is written.
    pub fn tag(self) -> Option<&'a str> {
        self.props(|props| props.tag.as_deref())
    }

    /// The anchor's name, without `&`.
    pub fn anchor(self) -> Option<&'a str> {
        self.props(|props| props.anchor.as_deref())
    }

    fn props(self, pick: impl Fn(&'a super::tree::Props) -> Option<&'a str>) -> Option<&'a str> {
        let index = (self.raw().props as usize).checked_sub(1)?;
        self.yaml.props.get(index).and_then(pick)
    }

    /// Is it written `*name`?
    pub fn is_alias(self) -> bool {
        matches!(self.raw().kind, RawKind::Alias { .. })
    }

    /// The node an alias stands for; any other node is itself. `None` for an alias without anchor.
    pub fn target(self) -> Option<Self> {
        match self.raw().kind {
            RawKind::Alias { target } => target.map(|id| Self::new(self.yaml, id)),
            _ => Some(self),
        }
    }

    /// Like [`Self::target`], but an alias without anchor is given back as it is.
    #[must_use]
    pub fn resolve(self) -> Self {
        self.target().unwrap_or(self)
    }

    fn kind(self) -> RawKind {
        self.resolve().raw().kind
    }

    /// A scalar's decoded text, whatever it means: `"1"` for `1`, `""` for a missing value.
    pub fn as_str(self) -> Option<&'a str> {
        match self.kind() {
            RawKind::Scalar { text, .. } => self.yaml.text.get(text.range()),
            _ => None,
        }
    }

    /// How a scalar is written.
    pub fn style(self) -> Option<Style> {
        match self.kind() {
            RawKind::Scalar { style, .. } => Some(style),
            _ => None,
        }
    }

    /// Is it a collection in brackets or braces?
    pub fn is_flow(self) -> bool {
        matches!(
            self.kind(),
            RawKind::Sequence { flow: true, .. } | RawKind::Mapping { flow: true, .. }
        )
    }

    /// A scalar's value as dbt reads it.
    pub fn scalar(self) -> Option<Scalar> {
        let node = self.resolve();
        let plain = node.style()? == Style::Plain;
        Some(resolve(node.as_str()?, node.tag(), plain))
    }

    /// The value of a boolean.
    pub fn as_bool(self) -> Option<bool> {
        match self.scalar() {
            Some(Scalar::Bool(value)) => Some(value),
            _ => None,
        }
    }

    /// The value of a whole number.
    pub fn as_i64(self) -> Option<i64> {
        match self.scalar() {
            Some(Scalar::Int(value)) => Some(value),
            _ => None,
        }
    }

    /// Is it null, `key:` without a value included?
    pub fn is_null(self) -> bool {
        self.scalar() == Some(Scalar::Null)
    }

    /// Is it a mapping?
    pub fn is_mapping(self) -> bool {
        matches!(self.kind(), RawKind::Mapping { .. })
    }

    /// Is it a list?
    pub fn is_sequence(self) -> bool {
        matches!(self.kind(), RawKind::Sequence { .. })
    }

    /// What it is, in a message: "a mapping", "a list", "a string", "a number", "a boolean",
    /// "nothing".
    pub fn kind_name(self) -> &'static str {
        match self.kind() {
            RawKind::Mapping { .. } => "a mapping",
            RawKind::Sequence { .. } => "a list",
            RawKind::Alias { .. } => "an alias without an anchor",
            RawKind::Scalar { .. } => match self.scalar() {
                Some(Scalar::Null) | None => "nothing",
                Some(Scalar::Bool(_)) => "a boolean",
                Some(Scalar::Int(_) | Scalar::Float(_)) => "a number",
                Some(Scalar::Str) => "a string",
            },
        }
    }

    /// The items of a list; none for anything else.
    pub fn items(self) -> impl ExactSizeIterator<Item = Node<'a>> + use<'a> {
        let stretch = match self.kind() {
            RawKind::Sequence { items, .. } => items,
            _ => super::tree::Stretch::EMPTY,
        };
        let yaml = self.yaml;
        yaml.children[stretch.range()]
            .iter()
            .map(move |&id| Node::new(yaml, id))
    }

    /// Key and value, as written: nothing merged, `<<` and repeated keys included.
    pub fn own_entries(self) -> impl DoubleEndedIterator<Item = (Node<'a>, Node<'a>)> + use<'a> {
        let stretch = match self.kind() {
            RawKind::Mapping { entries, .. } => entries,
            _ => super::tree::Stretch::EMPTY,
        };
        let yaml = self.yaml;
        yaml.children[stretch.range()]
            .chunks_exact(2)
            .map(move |pair| (Node::new(yaml, pair[0]), Node::new(yaml, pair[1])))
    }

    /// Key and value as dbt sees them: `<<` merged, of equal keys the one that counts. Own keys in
    /// the order of the file, then merged ones. Empty for anything but a mapping.
    pub fn entries(self) -> Vec<(Node<'a>, Node<'a>)> {
        self.pairs(false)
    }

    /// [`Self::entries`], but with `repeats` every own entry, so that a reader can complain.
    pub(super) fn pairs(self, repeats: bool) -> Vec<(Node<'a>, Node<'a>)> {
        let RawKind::Mapping {
            merges,
            repeats: has_repeats,
            ..
        } = self.kind()
        else {
            return Vec::new();
        };
        if !merges && (repeats || !has_repeats) {
            return self.own_entries().collect();
        }
        let mut pairs: Vec<(Node<'a>, Node<'a>)> = Vec::new();
        let mut seen: FxHashMap<Key<'a>, (usize, usize)> = FxHashMap::default();
        for (rank, source) in self.sources().into_iter().enumerate() {
            for (key, value) in source.own_entries().filter(|(k, _)| !k.is_merge()) {
                let known = Key::of(key).map(|k| *seen.entry(k).or_insert((rank, pairs.len())));
                match known {
                    Some((_, at)) if at == pairs.len() => pairs.push((key, value)),
                    None => pairs.push((key, value)),
                    Some((0, _)) if rank == 0 && repeats => pairs.push((key, value)),
                    Some((of, at)) if of == rank => pairs[at] = (key, value),
                    Some(_) => {}
                }
            }
        }
        pairs
    }

    /// The mapping and those it merges, the one that counts most first, each once: so the work is
    /// bounded by the file, whatever its aliases do.
    fn sources(self) -> Vec<Node<'a>> {
        let mut found = Vec::new();
        let mut seen = FxHashSet::default();
        let mut waiting = vec![self.resolve()];
        while let Some(node) = waiting.pop() {
            if !node.is_mapping() || !seen.insert(node.id) {
                continue;
            }
            found.push(node);
            if !matches!(node.kind(), RawKind::Mapping { merges: true, .. }) {
                continue;
            }
            // PyYAML: a later `<<` beats an earlier one, but inside one list the first wins. The
            // last pushed comes first.
            for (_, merged) in node.own_entries().filter(|(key, _)| key.is_merge()) {
                let at = waiting.len();
                waiting.extend(merged.items().map(Node::resolve));
                waiting[at..].reverse();
                waiting.push(merged.resolve());
            }
        }
        found
    }

    /// Is it the key `<<`?
    pub(super) fn is_merge(self) -> bool {
        match self.raw().kind {
            RawKind::Scalar { style, .. } => match self.tag() {
                None => style == Style::Plain && self.as_str() == Some("<<"),
                Some(tag) => super::scalar::is_merge_tag(tag),
            },
            _ => false,
        }
    }

    /// The value of a key, by the key's text. `None` also for anything but a mapping.
    pub fn get(self, key: &str) -> Option<Node<'a>> {
        self.get_entry(key).map(|(_, value)| value)
    }

    /// Key and value of a key; see [`Self::get`].
    pub fn get_entry(self, key: &str) -> Option<(Node<'a>, Node<'a>)> {
        let named = |node: Node<'a>| {
            // The last of two equal keys counts.
            node.own_entries()
                .rev()
                .find(|(k, _)| k.as_str() == Some(key) && !k.is_merge())
        };
        match self.kind() {
            RawKind::Mapping { merges: false, .. } => named(self),
            RawKind::Mapping { merges: true, .. } => self.sources().into_iter().find_map(named),
            _ => None,
        }
    }

    /// The value as JSON, keys as they are written, infinities and not-a-number as null. Where
    /// aliases would produce more than 100,000 nodes beyond those written, or go round in circles,
    /// null stands for the rest.
    pub fn to_json(self) -> serde_json::Value {
        let mut budget = self.expansion_budget();
        json(self, 0, &mut budget)
    }

    /// How many nodes a walk from here may meet before it must be an alias bomb.
    pub(super) fn expansion_budget(self) -> usize {
        self.yaml.nodes.len() + MAX_EXPANSION
    }
}

fn json(node: Node<'_>, depth: u32, budget: &mut usize) -> serde_json::Value {
    use serde_json::Value;
    if depth > MAX_WALK || *budget == 0 {
        return Value::Null;
    }
    *budget -= 1;
    match node.kind() {
        RawKind::Alias { .. } => Value::Null,
        RawKind::Sequence { .. } => {
            let items = node
                .items()
                .map_while(|item| (*budget > 0).then(|| json(item, depth + 1, budget)));
            Value::Array(items.collect())
        }
        RawKind::Mapping { .. } => {
            let entries = node.entries().into_iter().map_while(|(key, value)| {
                let key = key.as_str().unwrap_or_default().to_owned();
                (*budget > 0).then(|| (key, json(value, depth + 1, budget)))
            });
            Value::Object(entries.collect())
        }
        RawKind::Scalar { .. } => scalar_json(node),
    }
}

fn scalar_json(node: Node<'_>) -> serde_json::Value {
    match node.scalar() {
        Some(Scalar::Bool(value)) => value.into(),
        Some(Scalar::Int(value)) => value.into(),
        Some(Scalar::Float(value)) => value.into(),
        Some(Scalar::Str) => node.as_str().unwrap_or_default().into(),
        Some(Scalar::Null) | None => serde_json::Value::Null,
    }
}

/// What makes two keys equal.
#[derive(PartialEq, Eq, Hash, Clone, Copy)]
pub(super) enum Key<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Float(u64),
    Str(&'a str),
}

impl<'a> Key<'a> {
    /// `None` for what cannot be a key.
    pub fn of(node: Node<'a>) -> Option<Self> {
        Some(match node.scalar()? {
            Scalar::Null => Self::Null,
            Scalar::Bool(value) => Self::Bool(value),
            Scalar::Int(value) => Self::Int(value),
            Scalar::Float(value) => Self::Float(value.to_bits()),
            Scalar::Str => Self::Str(node.as_str()?),
        })
    }
}
