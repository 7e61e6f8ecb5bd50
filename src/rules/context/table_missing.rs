use crate::config::{Config, PathPattern};
use crate::load::KnowledgeKind;
use crate::project::{Document, Node, Project, ResourceType, letters, maps_to};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink, Subject};
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// No options: `context.tables` of the configuration says where the files of tables are.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TableMissing {}

impl BuiltIn for TableMissing {
    const META: Meta = Meta {
        id: Borrowed("context/table-missing"),
        severity: Severity::Warn,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!(
            "../../../rules/context/table-missing/README.md"
        )),
    };

    fn is_asked_for(config: &Config) -> bool {
        config.context.configured && config.context.tables.is_some()
    }
}

impl Rule for TableMissing {
    fn subject(&self) -> Subject {
        Subject::Sources
    }

    fn project(&self, cx: &Cx, sink: &mut Sink) {
        let context = &cx.project.config.context;
        let knowledge = &cx.project.knowledge;
        let Some(tables) = context.tables.as_deref().filter(|_| !knowledge.partial) else {
            return;
        };
        for system in cx.project.source_systems() {
            let dir = context.dir.trim_end_matches('/');
            let path = format!("{dir}/{}", tables.replace("{source}", &system.name));
            let pattern = knowledge.from_root(&path);
            for id in &system.tables {
                let table = cx.project.node(*id);
                if is_described(cx.project, &pattern, table) {
                    continue;
                }
                let name = table.display_name();
                let shown = path.replace("{table}", &table.name);
                let message = format!(
                    "the source table `{name}` has no context file (none fits {shown}): what its columns mean can only be guessed from their names"
                );
                let help = format!(
                    "write the columns of `{name}` down, with their meaning, type and unit, where {shown} says"
                );
                let place = table
                    .properties
                    .as_ref()
                    .map_or(table.place, |p| p.name_span);
                let found = Violation::new(place, message).help(help);
                sink.push_on(Some(table.id), found.symbol(name));
            }
        }
    }
}

/// Is a file of the pattern called after the table, or does one speak of it?
fn is_described(project: &Project, pattern: &str, table: &Node) -> bool {
    let exact = pattern.contains("{table}");
    let pattern = pattern.replace("{table}", &table.name).to_lowercase();
    let Ok(pattern) = PathPattern::new(&pattern) else {
        return true;
    };
    let fits = |path: &str| pattern.matches(&path.to_lowercase());
    if project
        .knowledge
        .tree
        .iter()
        .any(|p| fits(p) && (exact || stem(p) == letters(&table.name)))
    {
        return true;
    }
    let documents = project.knowledge.documents.iter();
    let mut files = documents.filter(|d| d.kind == KnowledgeKind::Context && fits(&d.from_root));
    !exact && files.any(|d| speaks_of(project, d, table))
}

fn stem(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    letters(name.split('.').next().unwrap_or(name))
}

/// A line `TableName: …` without indentation, `name: table`, or `Maps to <model>.` of a model that
/// reads the table.
fn speaks_of(project: &Project, document: &Document, table: &Node) -> bool {
    let text = &project.files.get(document.file).text;
    let children = project
        .graph
        .children(table.id)
        .into_iter()
        .map(|id| project.node(id));
    let models = children.filter(|n| n.resource_type == ResourceType::Model);
    let models: Vec<&str> = models.map(|m| m.name.as_str()).collect();
    text.lines().any(|line| {
        let plain = line.trim().trim_start_matches(['#', '-', ' ']);
        if let Some(name) = maps_to(plain) {
            return models.contains(&name);
        }
        let Some((key, value)) = plain.split_once(':') else {
            return false;
        };
        let named =
            matches!(key.trim(), "name" | "table") && letters(value) == letters(&table.name);
        named || (!line.starts_with([' ', '\t', '#']) && letters(key) == letters(&table.name))
    })
}
