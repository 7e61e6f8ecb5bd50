//! `state:`: how a node compares with another manifest of the project, as far as files tell it.
//!
//! What cannot be told counts as the same: a value that only a run knows, a configuration that the
//! other manifest does not show as it was written (dbt before 1.4 and Fusion), dbt's own macros.

mod compare;
mod config;
mod macros;

use crate::manifest::{Manifest, Node as OldNode, Resource, Source};
use crate::project::{Node, Project};
use crate::selector::State as Wanted;
use macros::ChangedMacros;
use rustc_hash::FxHashMap;

/// Another manifest, ready to be compared with.
pub struct State<'m> {
    old: FxHashMap<&'m str, Old<'m>>,
    macros: ChangedMacros,
}

/// A node of the other manifest.
#[derive(Clone, Copy)]
enum Old<'m> {
    Node(&'m OldNode<'m>),
    Source(&'m Source<'m>),
    Resource(&'m Resource<'m>),
}

impl<'m> State<'m> {
    /// For a project; what the other manifest shows as disabled is not there for dbt.
    pub fn new(manifest: &'m Manifest<'m>, project: &Project) -> Self {
        let mut old = FxHashMap::default();
        for node in manifest.nodes.iter().chain(&manifest.functions) {
            old.insert(node.unique_id.as_str(), Old::Node(node));
        }
        for source in &manifest.sources {
            old.insert(source.unique_id.as_str(), Old::Source(source));
        }
        let resources = manifest.exposures.iter().chain(&manifest.metrics);
        let resources = resources.chain(&manifest.semantic_models);
        let resources = resources.chain(&manifest.saved_queries);
        for resource in resources.chain(&manifest.unit_tests) {
            old.insert(resource.unique_id.as_str(), Old::Resource(resource));
        }
        Self {
            old,
            macros: ChangedMacros::new(manifest, project),
        }
    }

    /// Does a node compare so?
    pub(super) fn holds(&self, project: &Project, node: &Node, wanted: Wanted) -> bool {
        let old = self.old.get(node.unique_id.as_str()).copied();
        match wanted {
            Wanted::New => old.is_none(),
            Wanted::Old => old.is_some(),
            Wanted::Modified => self.is_modified(project, node, old),
            Wanted::Unmodified => !self.is_modified(project, node, old),
            Wanted::Macros => self.macros.calls_changed(project, node),
            part => compare::has(node, part) && old.is_none_or(|o| !same(project, node, o, part)),
        }
    }

    fn is_modified(&self, project: &Project, node: &Node, old: Option<Old>) -> bool {
        let Some(old) = old else { return true };
        const PARTS: [Wanted; 5] = [
            Wanted::Body,
            Wanted::Configs,
            Wanted::Relation,
            Wanted::Descriptions,
            Wanted::Contract,
        ];
        let differs = |part: Wanted| compare::has(node, part) && !same(project, node, old, part);
        !compare::same_place(node, old)
            || PARTS.into_iter().any(differs)
            || !compare::same_entry(project, node, old)
            || self.macros.calls_changed(project, node)
    }
}

fn same(project: &Project, node: &Node, old: Old, part: Wanted) -> bool {
    match (part, old) {
        (Wanted::Body, Old::Node(old)) => compare::same_body(project, node, old),
        (Wanted::Configs, old) => config::same(node, old),
        (Wanted::Relation, old) => compare::same_relation(project, node, old),
        (Wanted::Descriptions, Old::Node(old)) => compare::same_descriptions(node, old),
        (Wanted::Contract, Old::Node(old)) => compare::same_contract(node, old),
        _ => true,
    }
}

/// The text of a node's file. Rows of seeds and SQL of packages are not read before somebody asks.
fn text_of(project: &Project, node: &Node) -> Option<String> {
    let file = project.files.get(node.file);
    if !file.text.is_empty() || file.problem.is_some() {
        return Some(file.text.to_string());
    }
    let (text, problem) = project.place.read_text(&file.on_disk);
    problem.is_none().then_some(text)
}
