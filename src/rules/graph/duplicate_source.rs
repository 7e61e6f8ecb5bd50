use crate::project::{Node, Project, ResourceType};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink, listed};
use crate::syntax::yaml::Node as YamlNode;
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;
use std::collections::BTreeMap;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DuplicateSource {}

impl BuiltIn for DuplicateSource {
    const META: Meta = Meta {
        id: Borrowed("graph/duplicate-source"),
        severity: Severity::Warn,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!(
            "../../../rules/graph/duplicate-source/README.md"
        )),
    };
}

impl Rule for DuplicateSource {
    fn project(&self, cx: &Cx, sink: &mut Sink) {
        let mut by_location: BTreeMap<Location, Vec<&Node>> = BTreeMap::new();
        for source in cx.project.own(&[ResourceType::Source]) {
            // Of two that a switch chooses from, only one is there.
            if source.enabled.is_some()
                && let Some(location) = Location::of(cx.project, source)
            {
                by_location.entry(location).or_default().push(source);
            }
        }
        for (location, mut sources) in by_location {
            sources.sort_by_key(|s| s.display_name());
            sources.dedup_by(|a, b| a.unique_id == b.unique_id);
            if sources.len() < 2 {
                continue;
            }
            let first = sources[0];
            let message = format!(
                "{} sources are one table, `{location}` ({}): its lineage, tests and freshness are split among them",
                sources.len(),
                listed(&sources)
            );
            let found = Violation::new(first.place, message).symbol(location.to_string());
            let found = sources.iter().skip(1).take(SHOWN).fold(found, |found, s| {
                found.related(s.place, format!("`{}` is the same table", s.display_name()))
            });
            sink.push_on(Some(first.id), found);
        }
    }
}

/// So many of the others are shown.
const SHOWN: usize = 5;

/// Where a source table lies, as it is written: what a run makes of `{{ target.schema }}` is not
/// known, but it is the same in both places.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Location {
    /// None: the target's own.
    database: Option<String>,
    schema: String,
    table: String,
}

impl Location {
    fn of(project: &Project, source: &Node) -> Option<Self> {
        let entry = source.properties.as_ref()?;
        let tree = project.yaml.get(&entry.file)?;
        let table = tree.node(entry.entry);
        let sources = tree.root()?.get("sources")?.resolve();
        let around = sources.items().find(|s| {
            let tables = s.get("tables").map(|t| t.resolve());
            let mut tables = tables.into_iter().flat_map(|t| t.items());
            tables.any(|t| t.resolve().id() == table.id())
        })?;
        // Adapters have names of their own for the two.
        let said = |keys: &[&str]| keys.iter().find_map(|k| text(around, k));
        Some(Self {
            database: said(&["database", "catalog", "project"]),
            schema: said(&["schema", "dataset"]).or_else(|| source.source_name.clone())?,
            table: text(table, "identifier").unwrap_or_else(|| source.name.clone()),
        })
    }
}

fn text(node: YamlNode, key: &str) -> Option<String> {
    let value = node.get(key).filter(|v| !v.is_null())?;
    Some(value.as_str()?.trim().to_owned())
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(database) = &self.database {
            write!(f, "{database}.")?;
        }
        write!(f, "{}.{}", self.schema, self.table)
    }
}
