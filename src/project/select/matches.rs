//! Does a criterion select a node?

use super::defaults::config_of;
use super::state::State;
use crate::project::{Node, NodeId, Project, ResourceType};
use crate::selector::{Method, TestType, VersionKind};
use rustc_hash::FxHashSet;
use serde_json::Value;
use std::cmp::Ordering;

/// What criteria ask of a project beside its nodes.
pub(super) struct Facts<'a> {
    project: &'a Project,
    /// Paths of the project's own files and the folders they lie in.
    here: FxHashSet<&'a str>,
    pub(super) state: Option<&'a State<'a>>,
}

impl<'a> Facts<'a> {
    pub(super) fn new(project: &'a Project, state: Option<&'a State<'a>>) -> Self {
        let mut here = FxHashSet::default();
        for member in project.own_files() {
            let mut path = project.path(member.file);
            while here.insert(path) {
                match path.rsplit_once('/') {
                    Some((folder, _)) => path = folder,
                    None => break,
                }
            }
        }
        Self {
            project,
            here,
            state,
        }
    }

    /// The nodes that a criterion selects by itself.
    pub(super) fn hits(&self, method: &Method) -> Vec<NodeId> {
        let nodes = self.project.nodes.iter().filter(|n| !n.is_disabled());
        let hits = nodes.filter(|n| self.is_hit(method, n));
        hits.map(|n| n.id).collect()
    }

    fn is_hit(&self, method: &Method, node: &Node) -> bool {
        let kind = node.resource_type;
        let is = |other: ResourceType| kind == other;
        match method {
            // A source is named by `source:` alone.
            Method::Fqn(name) => {
                !is(ResourceType::Source) && name.matches(&node.fqn, node.version.is_some())
            }
            Method::Path(path) => {
                let own = self.project.path_in_package(node, node.file);
                // A package's paths count from the package, but only such are looked for as the
                // project has itself.
                let known = |path: &str| node.is_own() || self.here.contains(path);
                let entry = node.properties.as_ref().map(|p| p.file);
                let entry = entry.map(|f| self.project.path_in_package(node, f));
                let mut places = folders(own).filter(|p| known(p));
                places.any(|p| path.matches(p))
                    || entry.is_some_and(|p| known(p) && path.matches(p))
            }
            Method::File(name) => {
                let file = self.project.files.get(node.file);
                name.matches(file.name()) || name.matches(file.stem())
            }
            Method::Tag(tag) => node.config.tags().iter().any(|t| tag.matches(t)),
            Method::Config { keys, value } => has_config(node, keys, value),
            Method::Source {
                package,
                source,
                table,
            } => node.source_name.as_ref().is_some_and(|name| {
                package.matches(&node.package_name)
                    && source.matches(name)
                    && table.matches(&node.name)
            }),
            Method::Package(None) => node.is_own(),
            Method::Package(Some(name)) => name.matches(&node.package_name),
            Method::ResourceType(wanted) => kind.as_str() == wanted,
            Method::Named(named) => {
                kind.as_str() == named.kind
                    && named.package.matches(&node.package_name)
                    && named.name.matches(&node.name)
            }
            Method::Group(group) => node.config.text("group") == Some(group),
            Method::Access(access) => {
                let own = node.config.text("access").unwrap_or("protected");
                is(ResourceType::Model) && own == access
            }
            Method::TestName(name) => test_name(node).is_some_and(|own| name.matches(own)),
            Method::TestType(wanted) => test_type(node).is_some_and(|own| match wanted {
                TestType::Data => own != TestType::Unit,
                wanted => own == *wanted,
            }),
            Method::Version(wanted) => is(ResourceType::Model) && is_version(node, *wanted),
            Method::State(wanted) => self
                .state
                .is_some_and(|s| s.holds(self.project, node, *wanted)),
            // What it names was put in its place before.
            Method::Selector(_) => false,
        }
    }
}

/// A path and the folders it lies in.
fn folders(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |p| p.rsplit_once('/').map(|(folder, _)| folder))
}

/// Is a configured value this one, or does it hold it?
fn has_config(node: &Node, keys: &[String], wanted: &str) -> bool {
    let Some((first, rest)) = keys.split_first() else {
        return false;
    };
    let Some(value) = config_of(node, first) else {
        return false;
    };
    let mut found = &value;
    for key in rest {
        match found.get(key) {
            Some(inner) => found = inner,
            None => return false,
        }
    }
    if keys == ["severity"] {
        return found
            .as_str()
            .is_some_and(|s| s.eq_ignore_ascii_case(wanted));
    }
    match found {
        Value::Array(items) => items.iter().any(|item| is_value(item, wanted)),
        Value::Object(map) => map.contains_key(wanted),
        one => is_value(one, wanted),
    }
}

/// dbt compares with the text; of what is no text only truth values can be asked for.
fn is_value(value: &Value, wanted: &str) -> bool {
    match value {
        Value::String(text) => text == wanted,
        Value::Bool(flag) => wanted.eq_ignore_ascii_case(if *flag { "true" } else { "false" }),
        _ => false,
    }
}

/// The name of a generic test.
fn test_name(node: &Node) -> Option<&str> {
    Some(&node.test.as_ref()?.name)
}

/// What kind of test a node is, if it is one.
fn test_type(node: &Node) -> Option<TestType> {
    match node.resource_type.as_str() {
        "unit_test" => Some(TestType::Unit),
        "test" if node.test.is_some() => Some(TestType::Generic),
        "test" => Some(TestType::Singular),
        _ => None,
    }
}

fn is_version(node: &Node, wanted: VersionKind) -> bool {
    let Some(own) = &node.version else {
        return wanted == VersionKind::None;
    };
    let order = node
        .latest_version
        .as_ref()
        .map(|l| compare_versions(own, l));
    match wanted {
        VersionKind::Latest => order == Some(Ordering::Equal),
        VersionKind::Prerelease => order == Some(Ordering::Greater),
        VersionKind::Old => order == Some(Ordering::Less),
        VersionKind::None => false,
    }
}

/// dbt's order of versions: as numbers, else as text.
fn compare_versions(a: &str, b: &str) -> Ordering {
    match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(x), Ok(y)) => x.total_cmp(&y),
        _ => a.cmp(b),
    }
}
