//! Facts that follow from looking at the rest of the project: other nodes, other files.

use super::World;
use crate::declared::predicate::Fact;
use crate::declared::subject::{MacroSubject, Subject};
use crate::project::{Node, Project, ResourceType};
use crate::syntax::comment::code_ranges;
use crate::syntax::jinja::RelationRef;
use crate::text::FileId;
use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::Value;
use std::collections::BTreeSet;

/// What is found out once per run.
#[derive(Debug)]
pub(crate) struct Elsewhere {
    /// Descriptions of columns, by the column's name in lower case.
    descriptions: FxHashMap<String, BTreeSet<String>>,
    /// How many models, seeds, snapshots and source tables a property file describes.
    entries: FxHashMap<FileId, usize>,
}

impl Elsewhere {
    pub(crate) fn new(project: &Project) -> Self {
        let mut descriptions: FxHashMap<String, BTreeSet<String>> = FxHashMap::default();
        let mut entries: FxHashMap<FileId, usize> = FxHashMap::default();
        for node in project.nodes.iter().filter(|n| n.is_own()) {
            let Some(properties) = &node.properties else {
                continue;
            };
            if is_table(node) {
                *entries.entry(properties.file).or_default() += 1;
            }
            for column in &properties.columns {
                let said = column.description.as_deref().map(tidy);
                if let Some(said) = said.filter(|s| !s.is_empty()) {
                    let name = column.name.value.to_lowercase();
                    descriptions.entry(name).or_default().insert(said);
                }
            }
        }
        Self {
            descriptions,
            entries,
        }
    }
}

fn is_table(node: &Node) -> bool {
    use ResourceType::{Model, Seed, Snapshot, Source};
    matches!(node.resource_type, Model | Seed | Snapshot | Source)
}

/// A description without the layout of its lines.
fn tidy(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(super) fn other_descriptions<'p>(w: World<'p>, s: Subject<'p>) -> Fact<'p> {
    let Subject::Column(_, column) = s else {
        return Fact::ABSENT;
    };
    let Some(own) = column.description.as_deref().map(tidy) else {
        return Fact::ABSENT;
    };
    let all = &w.shared.elsewhere(w.project).descriptions;
    let all = all.get(&column.name.value.to_lowercase());
    let others = all.into_iter().flatten().filter(|d| **d != own);
    match own.is_empty() {
        true => Fact::ABSENT,
        false => Fact::new(others.map(|d| d.as_str().into()).collect::<Vec<Value>>()),
    }
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

pub(super) fn property_beside<'p>(w: World<'p>, s: Subject<'p>) -> Fact<'p> {
    let Some(node) = s.node() else {
        return Fact::ABSENT;
    };
    match &node.properties {
        Some(properties) => {
            let (own, other) = (w.project.path(node.file), w.project.path(properties.file));
            Fact::new(folder(own) == folder(other))
        }
        None if node.properties_lost => Fact::Unknown,
        None => Fact::ABSENT,
    }
}

pub(super) fn property_entries<'p>(w: World<'p>, s: Subject<'p>) -> Fact<'p> {
    let properties = s.node().and_then(|n| n.properties.as_ref());
    let entries = &w.shared.elsewhere(w.project).entries;
    Fact::some(properties.and_then(|p| entries.get(&p.file).copied()))
}

pub(super) fn read_elsewhere<'p>(w: World<'p>, s: Subject<'p>) -> Fact<'p> {
    let Some(source) = s.node() else {
        return Fact::ABSENT;
    };
    let home = folder(w.project.path(source.file));
    let children = w.project.graph.children(source.id).into_iter();
    let readers = children.map(|id| w.project.node(id));
    let readers = readers.filter(|n| n.resource_type == ResourceType::Model && n.is_own());
    let away = readers.filter(|n| {
        let path = w.project.path(n.file);
        let below = path.strip_prefix(home);
        !(home.is_empty() || below.is_some_and(|rest| rest.starts_with('/')))
    });
    let mut names: Vec<&str> = away.map(|n| n.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    Fact::new(names)
}

pub(super) fn unpinned_refs<'p>(w: World<'p>, s: Subject<'p>) -> Fact<'p> {
    let Some(node) = s.node() else {
        return Fact::ABSENT;
    };
    let calls = node.sql.iter().flat_map(|sql| &sql.relations);
    let bare = calls.filter_map(|c| match &c.relation {
        RelationRef::Ref {
            name: Some(name),
            version: None,
            ..
        } => Some(name.as_str()),
        _ => None,
    });
    let bare: FxHashSet<&str> = bare.collect();
    let versioned = |n: &&Node| n.version.is_some() && bare.contains(n.name.as_str());
    let parents = w.project.parents_of(node.id).into_iter();
    let mut names: Vec<&str> = parents.filter(versioned).map(|n| &*n.name).collect();
    names.sort_unstable();
    names.dedup();
    Fact::new(names)
}

pub(super) fn unit_formats<'p>(w: World<'p>, s: Subject<'p>) -> Fact<'p> {
    let entry = s.node().and_then(|n| w.project.entry(n));
    let Some(entry) = entry else {
        return Fact::Unknown;
    };
    let given = entry.get("given").into_iter();
    let given = given.flat_map(|g| g.resolve().items());
    // Without a word rows are dictionaries.
    let format = |part: crate::syntax::yaml::Node| {
        let said = part.get("format").and_then(|f| f.as_str());
        said.unwrap_or("dict").to_owned()
    };
    let all: BTreeSet<String> = given.chain(entry.get("expect")).map(format).collect();
    Fact::new(all.into_iter().collect::<Vec<String>>())
}

pub(super) fn says_latest<'p>(w: World<'p>, s: Subject<'p>) -> Fact<'p> {
    let Some(node) = s.node() else {
        return Fact::ABSENT;
    };
    let said = w.project.entry(node).map(|e| e.get("latest_version"));
    match said {
        Some(said) => Fact::new(said.is_some_and(|v| !v.is_null())),
        None => Fact::Unknown,
    }
}

pub(super) fn named_as_file<'p>(w: World<'p>, s: Subject<'p>) -> Fact<'p> {
    let Subject::Macro(m) = s else {
        return Fact::ABSENT;
    };
    let file = w.project.files.get(m.span.file).name();
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    Fact::new(stem == m.name)
}

pub(super) fn called<'p>(w: World<'p>, s: Subject<'p>) -> Fact<'p> {
    match s {
        Subject::Macro(m) => Fact::new(w.shared.called(w.project).contains(&m.name)),
        _ => Fact::ABSENT,
    }
}

/// Macros that dbt itself looks for by name.
const ASKED_BY_DBT: [&str; 6] = [
    "generate_schema_name",
    "generate_alias_name",
    "generate_database_name",
    "ref",
    "source",
    "config",
];

/// Adapters whose name before `__` makes a macro an implementation of another.
const ADAPTERS: [&str; 16] = [
    "default",
    "athena",
    "bigquery",
    "clickhouse",
    "databricks",
    "duckdb",
    "fabric",
    "postgres",
    "redshift",
    "snowflake",
    "spark",
    "sqlserver",
    "synapse",
    "trino",
    "vertica",
    "materialize",
];

/// The macros of the project that something calls: their names stand in SQL or Jinja elsewhere than
/// where they are defined, or before a parenthesis in YAML.
pub(crate) fn called_macros(project: &Project, macros: &[MacroSubject]) -> FxHashSet<String> {
    let names: FxHashSet<&str> = macros.iter().map(|m| m.name.as_str()).collect();
    let defined: FxHashSet<(FileId, u32)> =
        macros.iter().map(|m| (m.span.file, m.span.start)).collect();
    let by_dbt = |name: &str| {
        let adapter = name.split_once("__").map(|(adapter, _)| adapter);
        ASKED_BY_DBT.contains(&name) || adapter.is_some_and(|a| ADAPTERS.contains(&a))
    };
    let all = names.iter().filter(|n| by_dbt(n));
    let mut called: FxHashSet<String> = all.map(|n| (*n).to_owned()).collect();
    for id in project.own_file_ids() {
        let file = project.files.get(id);
        let is_yaml = matches!(file.extension().as_str(), "yml" | "yaml");
        let parts = match is_yaml {
            true => std::iter::once(0..file.text.len()).collect(),
            false => code_ranges(&file.text),
        };
        for part in parts {
            let text = &file.text[part.clone()];
            for (at, word) in words(text) {
                let start = (part.start + at) as u32;
                let is_call = || text[at + word.len()..].trim_start().starts_with('(');
                if names.contains(word)
                    && !defined.contains(&(id, start))
                    && (!is_yaml || is_call())
                {
                    called.insert(word.to_owned());
                }
            }
        }
    }
    called
}

fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..)?;
        let start = at + rest.find(is_word)?;
        let end = text[start..]
            .find(|c| !is_word(c))
            .map_or(text.len(), |n| start + n);
        at = end;
        Some((start, &text[start..end]))
    })
}
