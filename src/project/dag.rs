//! Questions about the graph of what dbt builds: who reads whom, tests aside.

use super::{Edge, Node, NodeId, Project, Properties, ResourceType};
use crate::config::Layer;
use crate::load::Role;
use crate::text::FileId;

/// What moves data on. Exposures and metrics read, but nothing is built from them, and
/// dbt-project-evaluator does not count them as children either.
const MOVING: &[ResourceType] = &[ResourceType::Model, ResourceType::Snapshot];

impl Project {
    /// Nodes of the project itself that are of these types and not disabled.
    pub fn own<'p>(&'p self, types: &'static [ResourceType]) -> impl Iterator<Item = &'p Node> {
        let wanted =
            move |n: &&Node| n.is_own() && !n.is_disabled() && types.contains(&n.resource_type);
        self.nodes.iter().filter(wanted)
    }

    /// The models and snapshots that read a node, in order. One that names itself reads its former
    /// rows and is not its own child.
    pub fn readers_of(&self, id: NodeId) -> impl Iterator<Item = &Node> {
        let children = self
            .graph
            .children(id)
            .into_iter()
            .filter(move |c| *c != id);
        let nodes = children.map(|c| self.node(c));
        nodes.filter(|n| MOVING.contains(&n.resource_type))
    }

    /// By node, how many models and snapshots read it.
    pub fn reader_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.nodes.len()];
        for (parent, child, _) in self.graph.edges() {
            let moves = MOVING.contains(&self.node(child).resource_type);
            counts[parent.0 as usize] += usize::from(moves && parent != child);
        }
        counts
    }

    /// What a node reads, in order, with the reason; not itself.
    pub fn read_by(&self, id: NodeId) -> impl Iterator<Item = (&Node, &Edge)> {
        let parents = self
            .graph
            .parents(id)
            .into_iter()
            .filter(move |(p, _)| *p != id);
        parents.map(|(p, edge)| (self.node(p), edge))
    }

    /// The layer that the path and the name of a model or a snapshot speak of.
    pub fn layer_spoken_of(&self, node: &Node) -> Option<&Layer> {
        match node.resource_type {
            ResourceType::Model => self.layer(node),
            ResourceType::Snapshot => {
                let found = self.layers.of(self.path(node.file), &node.name)?;
                self.layers.layers.get(found.index)
            }
            _ => None,
        }
    }

    /// A model's materialization, dbt's default where nothing sets it; none where it is not known.
    pub fn materialization<'p>(&self, model: &'p Node) -> Option<&'p str> {
        match model.config.get("materialized") {
            None if model.python => Some("table"),
            None => Some("view"),
            Some(set) => set.value.as_ref()?.as_str(),
        }
    }

    /// Is a model kept nowhere, so that whoever reads it runs its query? None where that is not
    /// known.
    pub fn is_unstored(&self, model: &Node) -> Option<bool> {
        Some(matches!(self.materialization(model)?, "view" | "ephemeral"))
    }

    /// A model's `access`, dbt's default where nothing sets it; none where it is not known.
    pub fn access<'p>(&self, model: &'p Node) -> Option<&'p str> {
        match model.config.get("access") {
            None if model.properties_lost => None,
            None => Some("protected"),
            Some(set) => set.value.as_ref()?.as_str(),
        }
    }

    /// Is the node on its way out: has it a `deprecation_date`, its own or its version's, or the tag
    /// `deprecated`?
    pub fn is_deprecated(&self, node: &Node) -> bool {
        let dated = |entry: &Properties| {
            let tree = self.yaml.get(&entry.file);
            let mut entries = std::iter::once(entry.entry).chain(entry.second);
            tree.is_some_and(|tree| {
                entries.any(|id| {
                    let date = tree.node(id).get("deprecation_date");
                    date.is_some_and(|d| !d.is_null())
                })
            })
        };
        let tags = node.config.tags();
        tags.iter().any(|t| t.eq_ignore_ascii_case("deprecated"))
            || node.properties.as_ref().is_some_and(dated)
    }

    /// Is the model a calendar that MetricFlow joins to?
    pub fn is_time_spine(&self, model: &Node) -> bool {
        let said = || {
            let entry = model.properties.as_ref()?;
            let node = self.yaml.get(&entry.file)?.node(entry.entry);
            node.get("time_spine").filter(|n| !n.is_null())
        };
        model.name == "metricflow_time_spine" || said().is_some()
    }

    /// Nothing need use the models of this layer: it is said to be a leaf, or it is one of those
    /// that people read, or no other layer may read it.
    pub fn is_leaf(&self, layer: &Layer) -> bool {
        const READ_BY_PEOPLE: [&str; 3] = ["marts", "reports", "applications"];
        let mut others = self.layers.layers.iter().filter(|l| l.name != layer.name);
        layer.leaf
            || READ_BY_PEOPLE.contains(&layer.role.as_str())
            || !others.any(|l| l.refs.contains(&layer.name))
    }

    /// dbt_project.yml.
    pub fn project_file(&self) -> Option<FileId> {
        let mut files = self.yaml.keys().copied();
        files.find(|f| self.path(*f) == "dbt_project.yml")
    }

    /// Is there a property file of which nothing could be read? Then it may declare anything.
    pub fn has_unread_properties(&self) -> bool {
        self.members.iter().any(|m| {
            let file = self.files.get(m.file);
            m.role == Role::Properties && file.problem.is_some() && file.text.is_empty()
        })
    }

    /// Is a macro of this (dotted) name neither in the project nor in an installed package, nor one
    /// of the packages everybody has, whose macros read only what they are given?
    pub fn is_unknown_macro(&self, name: &str) -> bool {
        const READ_NOTHING: [&str; 3] = ["dbt.", "dbt_utils.", "dbt_date."];
        !READ_NOTHING.iter().any(|p| name.starts_with(p))
            && self.macros.find(name, &self.name).is_none()
    }
}
