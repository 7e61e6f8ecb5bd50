use crate::project::{Node, Project};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink, Subject, listed};
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
        preset: Some(Preset::Recommended),
        doc: Borrowed(include_str!(
            "../../../rules/graph/duplicate-source/README.md"
        )),
    };
}

impl Rule for DuplicateSource {
    fn subject(&self) -> Subject {
        Subject::Sources
    }

    fn project(&self, cx: &Cx, sink: &mut Sink) {
        let mut by_location: BTreeMap<Location, Vec<&Node>> = BTreeMap::new();
        for (source, location) in locations(cx.project) {
            // Of two that a switch chooses from, only one is there.
            if source.enabled == Some(true) {
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

/// The source tables of the project and where they lie.
fn locations(project: &Project) -> Vec<(&Node, Location)> {
    let mut out = Vec::new();
    let mut files = project.own_file_ids();
    files.sort_by_key(|f| project.path(*f));
    let roots = files.iter().filter_map(|f| project.yaml.get(f)?.root());
    let sources = roots.filter_map(|r| Some(r.get("sources")?.resolve().items()));
    for source in sources.flatten() {
        let Some(name) = text(source, "name") else {
            continue;
        };
        // Adapters have names of their own for the two.
        let said = |keys: &[&str]| keys.iter().find_map(|k| text(source, k));
        let database = said(&["database", "catalog", "project"]);
        let schema = said(&["schema", "dataset"]).unwrap_or_else(|| name.clone());
        let tables = source.get("tables").map(|t| t.resolve().items());
        for table in tables.into_iter().flatten() {
            let Some(own) = text(table, "name") else {
                continue;
            };
            let id = format!("source.{}.{name}.{own}", project.name);
            let location = Location {
                database: database.clone(),
                schema: schema.clone(),
                table: text(table, "identifier").unwrap_or(own),
            };
            out.extend(project.by_unique_id(&id).map(|node| (node, location)));
        }
    }
    out
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
