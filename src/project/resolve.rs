//! Which node a `ref` or `source` means.

use super::{Node, NodeId, ResourceType};
use crate::syntax::jinja::RelationRef;
use crate::text::{Span, nearest};
use rustc_hash::FxHashMap;

/// A reference and where it stands.
#[derive(Debug, Clone)]
pub struct Reference {
    /// What is referred to.
    pub relation: RelationRef,
    /// Where.
    pub span: Span,
    /// In SQL comments only.
    pub in_comment: bool,
    /// Made by a macro.
    pub in_macro: bool,
    /// Whether it is made at all depends on what only a run knows.
    pub unsure: bool,
}

/// What a reference came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// This node.
    Found(NodeId),
    /// A node that dbt leaves out.
    Disabled(NodeId),
    /// No node, though every package is at hand; perhaps this name was meant.
    Missing(Option<String>),
    /// It cannot be told: the argument is not known, or a package is not installed.
    Unknown,
}

/// Nodes by what references call them.
#[derive(Debug)]
pub(super) struct Index {
    refable: FxHashMap<String, Vec<NodeId>>,
    sources: FxHashMap<(String, String), NodeId>,
    /// Metrics and functions by name.
    others: FxHashMap<(ResourceType, String), Vec<NodeId>>,
    /// Semantic models by a measure they have.
    measures: FxHashMap<String, Vec<NodeId>>,
    /// Latest version of versioned models: (package, name) to version.
    latest: FxHashMap<(usize, String), String>,
    packages: Vec<String>,
    misses_packages: bool,
}

impl Index {
    pub(super) fn new(
        nodes: &[Node],
        measures: FxHashMap<String, Vec<NodeId>>,
        latest: FxHashMap<(usize, String), String>,
        packages: Vec<String>,
        misses_packages: bool,
    ) -> Self {
        let mut refable: FxHashMap<String, Vec<NodeId>> = FxHashMap::default();
        let mut sources = FxHashMap::default();
        let mut others: FxHashMap<_, Vec<NodeId>> = FxHashMap::default();
        for node in nodes {
            if node.resource_type.is_refable() {
                refable.entry(node.name.clone()).or_default().push(node.id);
            } else if matches!(
                node.resource_type,
                ResourceType::Metric | ResourceType::Function
            ) {
                let key = (node.resource_type, node.name.clone());
                others.entry(key).or_default().push(node.id);
            } else if let (ResourceType::Source, Some(source)) =
                (node.resource_type, &node.source_name)
            {
                let key = (source.clone(), node.name.clone());
                let known = sources.entry(key).or_insert(node.id);
                if nodes[known.0 as usize].is_disabled() && !node.is_disabled() {
                    *known = node.id;
                }
            }
        }
        Self {
            refable,
            sources,
            others,
            measures,
            latest,
            packages,
            misses_packages,
        }
    }

    /// What a reference from a node of package `from` means.
    pub(super) fn resolve(
        &self,
        nodes: &[Node],
        relation: &RelationRef,
        from: usize,
    ) -> Resolution {
        match relation {
            RelationRef::Ref {
                package,
                name: Some(name),
                version,
            } => {
                let version = match version {
                    None => None,
                    Some(None) => return Resolution::Unknown,
                    Some(Some(v)) => Some(v.as_str()),
                };
                match package {
                    Some(None) => Resolution::Unknown,
                    Some(Some(p)) => self.resolve_ref(nodes, Some(p), name, version, from),
                    None => self.resolve_ref(nodes, None, name, version, from),
                }
            }
            RelationRef::Source {
                source: Some(source),
                table: Some(table),
            } => self.resolve_source(nodes, source, table),
            RelationRef::Function {
                package,
                name: Some(name),
            } => self.resolve_other(nodes, ResourceType::Function, package, name, from),
            RelationRef::Metric {
                package,
                name: Some(name),
            } => self.resolve_other(nodes, ResourceType::Metric, package, name, from),
            RelationRef::Measure(name) => {
                let having = self.measures.get(name).map_or(&[][..], Vec::as_slice);
                let found = self.nearest_package(nodes, having.iter(), from);
                found.unwrap_or_else(|| self.missing(name, self.measures.keys()))
            }
            _ => Resolution::Unknown,
        }
    }

    fn resolve_other(
        &self,
        nodes: &[Node],
        kind: ResourceType,
        package: &Option<Option<String>>,
        name: &str,
        from: usize,
    ) -> Resolution {
        if matches!(package, Some(None)) {
            return Resolution::Unknown;
        }
        let key = (kind, name.to_owned());
        let named = self.others.get(&key).map_or(&[][..], Vec::as_slice);
        let fits = |id: &&NodeId| match package {
            Some(Some(p)) => **p == *nodes[id.0 as usize].package_name,
            _ => true,
        };
        let found = self.nearest_package(nodes, named.iter().filter(fits), from);
        let of_kind = self.others.keys().filter(|(k, _)| *k == kind);
        found.unwrap_or_else(|| self.missing(name, of_kind.map(|(_, name)| name)))
    }

    /// What a name that nothing bears may have meant.
    fn missing<'i>(&self, name: &str, known: impl Iterator<Item = &'i String>) -> Resolution {
        if self.misses_packages {
            return Resolution::Unknown;
        }
        let mut names: Vec<&str> = known.map(String::as_str).collect();
        names.sort_unstable();
        Resolution::Missing(nearest(name, names).map(str::to_owned))
    }

    /// dbt looks into the referring package first, then the project, then anywhere.
    fn nearest_package<'i>(
        &self,
        nodes: &[Node],
        fitting: impl Iterator<Item = &'i NodeId>,
        from: usize,
    ) -> Option<Resolution> {
        let found = fitting.min_by_key(|id| {
            let n = &nodes[id.0 as usize];
            (n.is_disabled(), n.package != from, n.package != 0, **id)
        });
        found.map(|id| match nodes[id.0 as usize].is_disabled() {
            true => Resolution::Disabled(*id),
            false => Resolution::Found(*id),
        })
    }

    fn resolve_ref(
        &self,
        nodes: &[Node],
        package: Option<&String>,
        name: &str,
        version: Option<&str>,
        from: usize,
    ) -> Resolution {
        if let Some(p) = package
            && !self.packages.contains(p)
            && self.misses_packages
        {
            return Resolution::Unknown;
        }
        let named = self.refable.get(name).map_or(&[][..], Vec::as_slice);
        let node = |id: &NodeId| &nodes[id.0 as usize];
        let fits = |id: &&NodeId| {
            let n = node(id);
            package.is_none_or(|p| **p == *n.package_name) && self.is_version(n, version)
        };
        let mut fitting: Vec<&NodeId> = named.iter().filter(fits).collect();
        // dbt looks into the referring package first, then the project, then anywhere.
        fitting.sort_by_key(|id| {
            let n = node(id);
            (n.is_disabled(), n.package != from, n.package != 0)
        });
        match fitting.first() {
            Some(id) if node(id).is_disabled() => Resolution::Disabled(**id),
            Some(id) => Resolution::Found(**id),
            None if self.misses_packages && package.is_none_or(|p| *p != self.packages[0]) => {
                Resolution::Unknown
            }
            None => Resolution::Missing(self.nearest_ref(name)),
        }
    }

    fn is_version(&self, node: &Node, version: Option<&str>) -> bool {
        match (&node.version, version) {
            (None, _) => version.is_none(),
            (Some(v), Some(wanted)) => v == wanted,
            (Some(v), None) => {
                let key = (node.package, node.name.clone());
                self.latest.get(&key).is_none_or(|latest| latest == v)
            }
        }
    }

    fn nearest_ref(&self, name: &str) -> Option<String> {
        let mut names: Vec<&str> = self.refable.keys().map(String::as_str).collect();
        names.sort_unstable();
        nearest(name, names).map(str::to_owned)
    }

    fn resolve_source(&self, nodes: &[Node], source: &str, table: &str) -> Resolution {
        let key = (source.to_owned(), table.to_owned());
        match self.sources.get(&key) {
            Some(id) if nodes[id.0 as usize].is_disabled() => Resolution::Disabled(*id),
            Some(id) => Resolution::Found(*id),
            None if self.misses_packages => Resolution::Unknown,
            None => {
                let mut names: Vec<String> = self
                    .sources
                    .keys()
                    .map(|(s, t)| format!("{s}.{t}"))
                    .collect();
                names.sort_unstable();
                let wanted = format!("{source}.{table}");
                let near = nearest(&wanted, names.iter().map(String::as_str));
                Resolution::Missing(near.map(str::to_owned))
            }
        }
    }
}
