//! The project's nodes and edges, as data and as pictures.

use super::SCHEMA_VERSION;
use super::facts::{NodeFacts, facts};
use crate::project::lineage::Lineage;
use crate::project::{Node, NodeId, Project, ResourceType};
use crate::text::visible;
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt::Write;

/// What `harness-lint graph --format json` prints: models, seeds, snapshots, analyses, sources,
/// exposures, metrics, semantic models, saved queries and functions, with `--tests` data tests and
/// unit tests too, and the edges between those that are enabled.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct GraphReport {
    /// The version of this format.
    pub schema_version: u32,
    /// By unique id. Of installed packages only nodes with an edge.
    pub nodes: Vec<GraphNode>,
    /// Parent and child, by their unique ids, sorted.
    pub edges: Vec<(String, String)>,
    /// Under `--columns`: parent, its column, child, the child's column that is made of it, sorted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column_edges: Option<Vec<ColumnEdge>>,
}

/// Parent, column, child, column.
pub type ColumnEdge = (String, String, String, String);

/// A node.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct GraphNode {
    /// As dbt makes it.
    pub unique_id: String,
    /// model, source, seed …
    pub resource_type: String,
    /// The file that defines it, relative to the project directory.
    pub path: String,
    /// Its layer; null where it is in none.
    pub layer: Option<String>,
    /// How dbt builds it; null where it is not built, or that depends on what only a run knows.
    pub materialized: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Null where it depends on what only a run knows.
    pub enabled: Option<bool>,
    /// Under `--columns`, of a model: the names of its output columns, in order; null where one of
    /// them is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub columns: Option<Option<Vec<String>>>,
    /// What only a data test has; absent for every other node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<GraphTest>,
    /// What else is known of it.
    #[serde(flatten)]
    pub facts: NodeFacts,
    /// What a person calls it; for pictures.
    #[serde(skip)]
    label: String,
}

/// What a data test has beside what every node has.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct GraphTest {
    /// The generic test, without its package: unique; null for a singular test.
    pub name: Option<String>,
    /// The package that is written before its name.
    pub namespace: Option<String>,
    /// error or warn; null where it depends on what only a run knows.
    pub severity: Option<String>,
    /// Its filter; null where it has none, or that depends on what only a run knows.
    #[serde(rename = "where")]
    pub filter: Option<String>,
    /// The model, seed or snapshot it stands under, as dbt has it; null for a source's table.
    pub attached_node: Option<String>,
    /// The column it is about.
    pub column_name: Option<String>,
    /// Is the unique id dbt's own? False where an argument cannot be told before dbt runs.
    pub exact_id: bool,
}

/// The graph of a project, of all nodes or of the selected ones; tests are among them where they
/// are asked for.
pub fn graph(project: &Project, selected: Option<&FxHashSet<NodeId>>, tests: bool) -> GraphReport {
    let hidden = |id: NodeId| !tests && project.node(id).resource_type.is_test();
    let wanted = |id: NodeId| !hidden(id) && selected.is_none_or(|s| s.contains(&id));
    let edges = project.graph.edges().into_iter();
    let edges = edges.map(|(parent, child, _)| (parent, child));
    let mut edges: Vec<(NodeId, NodeId)> =
        edges.filter(|(p, c)| !hidden(*p) && !hidden(*c)).collect();
    let linked: FxHashSet<NodeId> = edges.iter().flat_map(|(p, c)| [*p, *c]).collect();
    edges.retain(|(parent, child)| wanted(*parent) && wanted(*child));
    // Nodes are in order of their unique ids, and so are edges.
    let nodes = project.nodes.iter();
    let nodes = nodes.filter(|n| wanted(n.id) && (n.is_own() || linked.contains(&n.id)));
    let id = |id: NodeId| project.node(id).unique_id.clone();
    GraphReport {
        schema_version: SCHEMA_VERSION,
        nodes: nodes.map(|n| node(project, n)).collect(),
        edges: edges.into_iter().map(|(p, c)| (id(p), id(c))).collect(),
        column_edges: None,
    }
}

/// Adds columns and the edges between them to a graph of the project.
pub fn add_columns(graph: &mut GraphReport, project: &Project) {
    let lineage = Lineage::new(project);
    project.nodes.par_iter().for_each(|node| {
        lineage.output(node.id);
    });
    let mut edges = Vec::new();
    for node in &mut graph.nodes {
        let Some(known) = project.by_unique_id(&node.unique_id) else {
            continue;
        };
        if known.resource_type == ResourceType::Model {
            let names = lineage.names(known.id);
            node.columns = Some(names.map(|n| n.into_iter().map(str::to_owned).collect()));
        }
        for column in &lineage.output(known.id).columns {
            let Some(name) = &column.name else { continue };
            edges.extend(column.origin.from.iter().map(|from| {
                let parent = project.node(from.node).unique_id.clone();
                let (from, to) = (from.column.to_string(), name.to_string());
                (parent, from, node.unique_id.clone(), to)
            }));
        }
    }
    let shown: FxHashSet<&str> = graph.nodes.iter().map(|n| n.unique_id.as_str()).collect();
    edges.retain(|(parent, ..)| shown.contains(parent.as_str()));
    edges.sort();
    edges.dedup();
    graph.column_edges = Some(edges);
}

/// A graph without nodes.
pub fn empty() -> GraphReport {
    GraphReport {
        schema_version: SCHEMA_VERSION,
        nodes: Vec::new(),
        edges: Vec::new(),
        column_edges: None,
    }
}

fn node(project: &Project, node: &Node) -> GraphNode {
    GraphNode {
        unique_id: node.unique_id.clone(),
        resource_type: node.resource_type.as_str().to_owned(),
        path: project.path(node.file).to_owned(),
        layer: project.layer(node).map(|l| l.name.clone()),
        materialized: materialized(node).map(str::to_owned),
        tags: node.config.tags(),
        enabled: node.enabled,
        columns: None,
        test: (node.resource_type == ResourceType::Test).then(|| test(node)),
        facts: facts(project, node),
        label: match &node.version {
            Some(v) if node.resource_type == ResourceType::UnitTest => {
                format!("{}_v{v}", node.name)
            }
            _ => node.display_name(),
        },
    }
}

fn test(node: &Node) -> GraphTest {
    let generic = node.test.as_deref();
    let severity = match node.config.get("severity") {
        Some(_) => node.config.text("severity").map(str::to_lowercase),
        None => Some("error".to_owned()),
    };
    GraphTest {
        name: generic.map(|t| t.name.clone()),
        namespace: generic.and_then(|t| t.namespace.clone()),
        severity,
        filter: node.config.text("where").map(str::to_owned),
        attached_node: generic.and_then(|t| t.attached.clone()),
        column_name: generic.and_then(|t| t.column.clone()),
        exact_id: generic.is_none_or(|t| t.exact),
    }
}

/// As configured, else dbt's default.
fn materialized(node: &Node) -> Option<&str> {
    match node.resource_type {
        ResourceType::Seed => Some("seed"),
        ResourceType::Snapshot => Some("snapshot"),
        ResourceType::Model if node.config.get("materialized").is_some() => {
            node.config.text("materialized")
        }
        ResourceType::Model if node.python => Some("table"),
        ResourceType::Model => Some("view"),
        _ => None,
    }
}

impl GraphReport {
    /// A Mermaid flowchart.
    pub fn mermaid(&self) -> String {
        let mut out = "flowchart LR\n".to_owned();
        let numbers = self.numbers();
        for (i, node) in self.nodes.iter().enumerate() {
            let (open, close) = match node.resource_type.as_str() {
                "source" | "seed" => ("[(", ")]"),
                "exposure" | "metric" | "semantic_model" | "saved_query" => ("([", "])"),
                "test" | "unit_test" => ("{{", "}}"),
                _ => ("[", "]"),
            };
            let label = mermaid_label(&node.label);
            // Writing to a string does not fail, here and below.
            let _ = writeln!(out, "  n{i}{open}\"{label}\"{close}");
        }
        for (parent, child) in self.numbered_edges(&numbers) {
            let _ = writeln!(out, "  n{parent} --> n{child}");
        }
        out
    }

    /// A Graphviz digraph.
    pub fn dot(&self) -> String {
        let mut out = "digraph dbt {\n  rankdir=LR;\n  node [shape=box];\n".to_owned();
        let numbers = self.numbers();
        for (i, node) in self.nodes.iter().enumerate() {
            let (label, id) = (dot_text(&node.label), dot_text(&node.unique_id));
            let _ = writeln!(out, "  n{i} [label=\"{label}\", tooltip=\"{id}\"];");
        }
        for (parent, child) in self.numbered_edges(&numbers) {
            let _ = writeln!(out, "  n{parent} -> n{child};");
        }
        out.push_str("}\n");
        out
    }

    /// Names are anything; numbers are valid in every language.
    fn numbers(&self) -> FxHashMap<&str, usize> {
        let mut numbers = FxHashMap::default();
        for (i, node) in self.nodes.iter().enumerate() {
            numbers.entry(node.unique_id.as_str()).or_insert(i);
        }
        numbers
    }

    fn numbered_edges<'a>(
        &'a self,
        numbers: &'a FxHashMap<&str, usize>,
    ) -> impl Iterator<Item = (usize, usize)> + 'a {
        let number = |id: &String| numbers.get(id.as_str()).copied();
        let edges = self.edges.iter();
        edges.filter_map(move |(p, c)| Some((number(p)?, number(c)?)))
    }
}

/// Everything but letters, digits and what names are made of, as Mermaid's character codes.
fn mermaid_label(name: &str) -> String {
    let mut out = String::new();
    for c in visible(name).chars() {
        match c.is_alphanumeric() || "_-. ".contains(c) {
            true => out.push(c),
            false => {
                let _ = write!(out, "#{};", u32::from(c));
            }
        }
    }
    out
}

fn dot_text(name: &str) -> String {
    visible(name).replace('\\', r"\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_cannot_leave_their_quotes() {
        assert_eq!(mermaid_label("a_b.v2"), "a_b.v2");
        assert_eq!(mermaid_label("a\"]<"), "a#34;#93;#60;");
        assert_eq!(dot_text("a\"b\\\n"), "a\\\"b\\\\\\\\u{a}");
    }
}
