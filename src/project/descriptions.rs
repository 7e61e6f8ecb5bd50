//! Descriptions, wherever property files have them.

use super::{Node, NodeId, Project, ResourceType};
use crate::text::Span;
use rustc_hash::FxHashSet;

/// A description of a node or of one of its columns.
#[derive(Debug, Clone, Copy)]
pub struct Described<'p> {
    /// The node.
    pub node: NodeId,
    /// Of which column; none for the node's own.
    pub column: Option<&'p str>,
    /// As it is written.
    pub text: &'p str,
    /// Where.
    pub span: Span,
    /// It is a YAML alias: its author says the same of several things on purpose.
    pub is_alias: bool,
}

impl Described<'_> {
    /// Is it, or a part of it, printed by Jinja (`{{ doc('…') }}`)?
    pub fn is_jinja(&self) -> bool {
        self.text.contains("{{") || self.text.contains("{%")
    }
}

impl Project {
    /// Every description of the project's own models, seeds, snapshots and sources that is not
    /// blank, each place once.
    pub fn descriptions(&self) -> Vec<Described<'_>> {
        let mut seen = FxHashSet::default();
        let own = self.nodes.iter().filter(|n| n.is_own() && !n.is_disabled());
        let of_nodes =
            own.filter(|n| n.resource_type.is_refable() || n.resource_type == ResourceType::Source);
        let all = of_nodes.flat_map(|n| self.descriptions_of(n));
        // Versions of a model share what is said of all of them.
        all.filter(|d| seen.insert(d.span)).collect()
    }

    /// The descriptions of a node and its columns, in order.
    pub fn descriptions_of<'p>(&'p self, node: &'p Node) -> Vec<Described<'p>> {
        let Some(properties) = &node.properties else {
            return Vec::new();
        };
        let Some(tree) = self.yaml.get(&properties.file) else {
            return Vec::new();
        };
        let own = (None, &properties.description, properties.entry);
        let columns = properties.columns.iter();
        let columns = columns.map(|c| (Some(c.name.value.as_str()), &c.description, c.entry));
        let entries = std::iter::once(own).chain(columns);
        entries
            .filter_map(|(column, text, entry)| {
                let text = text.as_deref().filter(|t| !t.trim().is_empty())?;
                let at = tree.node(entry).get("description");
                Some(Described {
                    node: node.id,
                    column,
                    text,
                    span: at.map_or(properties.name_span, |n| n.span()),
                    is_alias: at.is_some_and(|n| n.is_alias()),
                })
            })
            .collect()
    }
}
