//! What is compared beside configuration and macros.

use super::{Old, text_of};
use crate::manifest::{Node as OldNode, checksum_matches};
use crate::project::{Node, Project, ResourceType};
use crate::selector::State as Wanted;
use crate::syntax::yaml::Node as YamlNode;
use serde_json::Value;

/// A seed larger than this is known to dbt by its path alone.
const SEED_LIMIT: u64 = 1024 * 1024;

/// Is there such a part of a node for dbt?
pub(super) fn has(node: &Node, part: Wanted) -> bool {
    let kind = node.resource_type;
    let from_file = matches!(
        kind.as_str(),
        "model" | "seed" | "snapshot" | "analysis" | "test" | "function"
    );
    match part {
        Wanted::Relation => from_file || kind == ResourceType::Source,
        Wanted::Configs => kind.as_str() != "unit_test",
        _ => from_file,
    }
}

/// The same fqn, and the same meaning of a `ref` without a version.
pub(super) fn same_place(node: &Node, old: Old) -> bool {
    if let Old::Node(old) = old
        && node.latest_version.as_deref() != old.latest_version.some()
    {
        return false;
    }
    let fqn = match old {
        Old::Node(old) => &old.fqn,
        Old::Source(old) => &old.fqn,
        Old::Resource(old) => &old.fqn,
    };
    fqn.is_empty()
        || fqn
            .iter()
            .map(|s| s.as_str())
            .eq(node.fqn.iter().map(String::as_str))
}

/// The same code, or rows.
pub(super) fn same_body(project: &Project, node: &Node, old: &OldNode) -> bool {
    let file = project.files.get(node.file);
    if node.resource_type == ResourceType::Seed {
        let size = std::fs::metadata(&file.on_disk).map_or(0, |m| m.len());
        if old.checksum.name == "path" {
            return size > SEED_LIMIT && old.file() == file.path;
        }
        if size > SEED_LIMIT {
            return false;
        }
    }
    let Some(text) = text_of(project, node) else {
        return true;
    };
    let raw = old.raw_code.and_then(|raw| raw.text());
    let raw = raw.as_deref().map(str::trim);
    let raw = raw.filter(|r| !r.is_empty() && !r.starts_with("--placeholder"));
    match (node.resource_type, raw) {
        // dbt writes the code of a generic test, and of a snapshot in YAML.
        (ResourceType::Snapshot | ResourceType::Test, Some(raw)) if node.sql.is_none() => {
            let relation = entry_of(project, node).and_then(|e| e.get("relation")?.as_str());
            relation.is_none_or(|r| raw.contains(r.trim()))
        }
        (ResourceType::Test, None) if node.sql.is_none() => true,
        // Of a file with several snapshots, the block.
        (ResourceType::Snapshot, Some(raw)) => lines(&text).contains(lines(raw).as_str()),
        (ResourceType::Seed, _) => checksum_matches(&old.checksum, &text) != Some(false),
        (_, Some(raw)) => lines(&text).trim() == lines(raw),
        (_, None) => checksum_matches(&old.checksum, &text) != Some(false),
    }
}

/// The text with one kind of line endings.
fn lines(text: &str) -> String {
    text.replace("\r\n", "\n")
}

/// A node's entry in its property file.
fn entry_of<'p>(project: &'p Project, node: &Node) -> Option<YamlNode<'p>> {
    let properties = node.properties.as_ref()?;
    let tree = project.yaml.get(&properties.file)?;
    Some(tree.node(properties.entry))
}

/// The same database, schema and name as configured.
pub(super) fn same_relation(project: &Project, node: &Node, old: Old) -> bool {
    let old = match old {
        Old::Node(old) => {
            let Some(unrendered) = old.unrendered_config else {
                return true;
            };
            let keys = ["database", "schema", "alias"];
            return keys.iter().all(|key| {
                let theirs = unrendered.get(key).and_then(|v| v.value());
                super::config::same_value(node.config.get(key), theirs.as_ref())
            });
        }
        Old::Source(old) => old,
        Old::Resource(_) => return true,
    };
    let Some(entry) = entry_of(project, node) else {
        return true;
    };
    // What is rendered is not known here.
    let same = |own: Option<&str>, theirs: &str| {
        own.is_none_or(|own| own.contains("{{") || theirs.is_empty() || own == theirs)
    };
    let text = |key: &str| entry.get(key).and_then(|n| n.as_str());
    let identifier = text("identifier").or(Some(&node.name));
    let source = node.source_entry.and_then(|at| {
        let tree = project.yaml.get(&node.properties.as_ref()?.file)?;
        Some(tree.node(at))
    });
    let of_source = |key: &str| source.and_then(|s| s.get(key)?.as_str());
    let schema = of_source("schema").or(node.source_name.as_deref());
    let database = of_source("database").or_else(|| of_source("catalog"));
    same(identifier, &old.identifier)
        && match old.unrendered_schema.some() {
            Some(theirs) => schema.is_none_or(|own| own == theirs),
            None => same(schema, &old.schema),
        }
        && match old.unrendered_database.some() {
            Some(theirs) => database == Some(theirs),
            None => same(database, &old.database),
        }
}

/// The same descriptions, where they are written to the database.
pub(super) fn same_descriptions(node: &Node, old: &OldNode) -> bool {
    let docs = node
        .config
        .get("persist_docs")
        .and_then(|v| v.value.as_ref());
    let wants = |what: &str| docs.is_some_and(|d| d.get(what) == Some(&Value::Bool(true)));
    let same = |own: Option<&str>, theirs: &str| {
        let own = own.unwrap_or_default();
        own.contains("{{") || own.trim() == theirs.trim()
    };
    if wants("relation") && !same(node.description(), &old.description) {
        return false;
    }
    let Some(properties) = node.properties.as_ref().filter(|_| wants("columns")) else {
        return true;
    };
    properties.columns.len() >= old.columns.len()
        && properties.columns.iter().all(|own| {
            let theirs = old
                .columns
                .iter()
                .find(|c| c.name == own.name.value.as_str());
            theirs.is_some_and(|t| same(own.description.as_deref(), &t.description))
        })
}

/// The same promise: enforced or not, and if so the same columns.
pub(super) fn same_contract(node: &Node, old: &OldNode) -> bool {
    let own = node.config.get("contract");
    if own.is_some_and(|v| v.value.is_none()) {
        return true;
    }
    let enforced = own.and_then(|v| v.value.as_ref()?.get("enforced")?.as_bool());
    let enforced = enforced.unwrap_or(false);
    if enforced != old.contract_enforced() {
        return false;
    }
    let Some(properties) = node.properties.as_ref().filter(|_| enforced) else {
        return true;
    };
    let mut own: Vec<_> = properties
        .columns
        .iter()
        .map(|c| {
            let kinds: Vec<&str> = c.constraints.iter().map(|k| k.kind.as_str()).collect();
            (
                c.name.value.as_str(),
                c.data_type.as_deref().unwrap_or_default(),
                kinds,
            )
        })
        .collect();
    let mut theirs: Vec<_> = old
        .columns
        .iter()
        .map(|c| {
            let kinds: Vec<&str> = c.constraints.iter().map(|k| k.kind.as_str()).collect();
            (c.name.as_str(), c.data_type.as_str(), kinds)
        })
        .collect();
    own.sort();
    theirs.sort();
    let kinds = properties
        .constraints
        .iter()
        .map(|c| (&c.kind[..], &c.columns));
    let kinds: Vec<(&str, Vec<&str>)> = kinds
        .map(|(k, c)| (k, c.iter().map(String::as_str).collect()))
        .collect();
    let their_kinds = old.constraints.iter();
    let their_kinds: Vec<(&str, Vec<&str>)> = their_kinds
        .map(|c| {
            (
                c.kind.as_str(),
                c.columns.iter().map(|n| n.as_str()).collect(),
            )
        })
        .collect();
    own == theirs && kinds == their_kinds
}

/// What only YAML says: of an exposure its owner, address and so on, of a source its loader.
pub(super) fn same_entry(project: &Project, node: &Node, old: Old) -> bool {
    let Some(entry) = entry_of(project, node) else {
        return true;
    };
    let same = |key: &str, theirs: &str| {
        let own = entry.get(key).and_then(|n| n.as_str()).unwrap_or_default();
        own.contains("{{") || own.trim() == theirs.trim()
    };
    match old {
        Old::Resource(old) if node.resource_type == ResourceType::Exposure => {
            let owner = entry.get("owner");
            let name = owner.and_then(|o| o.get("name")?.as_str());
            let parents = project.graph.parents(node.id);
            let mut parents: Vec<&str> = parents
                .iter()
                .map(|(p, _)| project.node(*p).unique_id.as_str())
                .collect();
            let mut theirs: Vec<&str> = old.depends_on.nodes.iter().map(|n| n.as_str()).collect();
            parents.sort_unstable();
            theirs.sort_unstable();
            theirs.dedup();
            same("type", &old.kind)
                && same("maturity", &old.maturity)
                && same("url", &old.url)
                && same("label", &old.label)
                && same("description", &old.description)
                && name.is_none_or(|n| n.contains("{{") || n == old.owner.name.as_str())
                && parents == theirs
        }
        _ => true,
    }
}
