//! To what a node belongs: layer, source system, domain, owner.

use super::codeowners::CodeOwners;
use crate::project::{Node, NodeId, Owner, Project, ResourceType};
use crate::text::{FileId, folded, relative_path};
use rustc_hash::FxHashMap;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// Who answers for a node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct OwnedBy {
    /// A person or a team, as the repository writes it.
    pub name: String,
    /// Where that is written: `meta`, `group`, `codeowners`, `exposure`.
    pub from: &'static str,
}

/// To what something belongs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The layer's name.
    pub layer: Option<String>,
    /// The one source system that it is made of.
    pub source: Option<String>,
    /// What the layer's path captures as domain, else the folder below the layer's; where there is
    /// no layer, the first three folders.
    pub domain: Option<String>,
    /// Who answers for it.
    pub owner: Option<OwnedBy>,
}

/// What is known of every node, found out once.
pub struct Facets {
    nodes: Vec<Facts>,
    codeowners: CodeOwners,
}

impl Facets {
    /// Of a project.
    pub fn new(project: &Project) -> Self {
        let codeowners = CodeOwners::read(&project.place);
        let sources = sources(project);
        let nodes = project.nodes.iter().map(|node| Facts {
            layer: project.layer(node).map(|l| l.name.clone()),
            source: sources.get(&node.id).cloned(),
            domain: domain(project, node),
            owner: owner(project, node, &codeowners),
        });
        Self {
            nodes: nodes.collect(),
            codeowners,
        }
    }

    /// Of a node, or of a file where there is none.
    pub fn of(&self, project: &Project, node: Option<NodeId>, file: Option<FileId>) -> Facts {
        match (node, file) {
            (Some(id), _) => self.nodes[id.0 as usize].clone(),
            (None, Some(file)) => Facts {
                owner: by_file(project, file, &self.codeowners),
                ..Facts::default()
            },
            (None, None) => Facts::default(),
        }
    }
}

/// The source system of each node that is made of one only.
fn sources(project: &Project) -> FxHashMap<NodeId, String> {
    let mut own: FxHashMap<NodeId, BTreeSet<String>> = FxHashMap::default();
    for system in project.source_systems() {
        for id in system.models.iter().chain(&system.tables) {
            own.entry(*id).or_default().insert(system.name.clone());
        }
    }
    for node in &project.nodes {
        let name = node.source_name.clone();
        if let Some(name) = name.filter(|_| node.resource_type == ResourceType::Source) {
            own.entry(node.id).or_insert_with(|| [name].into());
        }
    }
    let depths = project.graph.depths();
    let mut order: Vec<NodeId> = project.nodes.iter().map(|n| n.id).collect();
    order.sort_by_key(|id| (depths[id.0 as usize], *id));
    let mut known: FxHashMap<NodeId, Option<String>> = FxHashMap::default();
    for id in order {
        let of = match own.get(&id) {
            Some(names) => one(names.iter().map(|n| Some(n.clone()))),
            None => {
                let parents = project.graph.parents(id).into_iter();
                let parents = parents.filter_map(|(p, _)| known.get(&p).cloned());
                one(parents)
            }
        };
        // What is made of nothing (a seed, a calendar) keeps no child from having one source.
        let is_root = project.graph.parents(id).is_empty() && !own.contains_key(&id);
        if !is_root {
            known.insert(id, of);
        }
    }
    known
        .into_iter()
        .filter_map(|(id, name)| Some((id, name?)))
        .collect()
}

/// The one value; none where there are several, or one is unknown.
fn one(mut values: impl Iterator<Item = Option<String>>) -> Option<String> {
    let first = values.next()??;
    values.all(|v| v.as_ref() == Some(&first)).then_some(first)
}

fn domain(project: &Project, node: &Node) -> Option<String> {
    let captured = node.layer.as_ref().and_then(|l| l.captures.get("domain"));
    if let Some(domain) = captured {
        return Some(domain.clone());
    }
    if node.resource_type != ResourceType::Model {
        return None;
    }
    let path = project.path(node.file);
    let dirs: Vec<&str> = path.rsplit_once('/')?.0.split('/').skip(1).collect();
    let named = |dir: &&str| {
        let probe = format!("models/{dir}/x.sql");
        let layer = project.layer(node);
        layer.is_some_and(|l| l.paths.iter().any(|p| p.matches(&probe)))
    };
    let of_layer = dirs.iter().rposition(named);
    let Some(at) = of_layer else {
        // Where no layer is known, what comes first may be one: the folders below tell more.
        let dirs = &dirs[..dirs.len().min(3)];
        return (!dirs.is_empty()).then(|| dirs.join("/"));
    };
    let domain = dirs.get(at + 1).or(dirs[..at].last());
    domain.map(|d| (*d).to_owned())
}

/// What somebody wrote of this very node is stronger than what holds for its folder.
fn owner(project: &Project, node: &Node, codeowners: &CodeOwners) -> Option<OwnedBy> {
    let meta = node.config.get("meta").and_then(|m| m.value.as_ref());
    let keys = ["owner", "owners", "team"].into_iter();
    let of_meta = meta.and_then(|m| keys.filter_map(|k| m.get(k)).find_map(name_of));
    let by = |from: &'static str| move |name: String| OwnedBy { name, from };
    of_meta
        .map(by("meta"))
        .or_else(|| {
            let group = project.group_of(node)?;
            named(&group.owner)
                .or_else(|| Some(group.name.value.clone()))
                .map(by("group"))
        })
        .or_else(|| by_file(project, node.file, codeowners))
        .or_else(|| of_exposures(project, node).map(by("exposure")))
}

fn name_of(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Array(all) => {
            let names: Vec<String> = all.iter().filter_map(name_of).collect();
            names.join(", ")
        }
        Value::Object(map) => return ["name", "email"].iter().find_map(|k| name_of(map.get(*k)?)),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

fn named(owner: &Owner) -> Option<String> {
    let email = || owner.emails.first().map(|e| e.value.clone());
    owner.name.as_ref().map(|n| n.value.clone()).or_else(email)
}

fn by_file(project: &Project, file: FileId, codeowners: &CodeOwners) -> Option<OwnedBy> {
    let place = &project.place;
    let path = folded(&place.project_dir.join(project.path(file)));
    let owners = codeowners.of(&relative_path(&path, &place.root)).join(" ");
    (!owners.is_empty()).then_some(OwnedBy {
        name: owners,
        from: "codeowners",
    })
}

/// The owner of the exposures that read it, where they have one between them.
fn of_exposures(project: &Project, node: &Node) -> Option<String> {
    let children = project.graph.children(node.id).into_iter();
    let exposures = children.filter_map(|id| project.exposure(project.node(id)));
    one(exposures.map(|e| named(&e.owner)))
}
