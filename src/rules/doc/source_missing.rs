use crate::project::{Node, Project, ResourceType};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Reach, Rule, Sink, Subject};
use crate::syntax::yaml::Node as YamlNode;
use crate::text::Span;
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;
use std::collections::BTreeMap;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SourceMissing {}

impl BuiltIn for SourceMissing {
    const META: Meta = Meta {
        id: Borrowed("doc/source-missing"),
        severity: Severity::Warn,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!("../../../rules/doc/source-missing/README.md")),
    };
}

impl Rule for SourceMissing {
    fn subject(&self) -> Subject {
        Subject::Sources
    }

    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn project(&self, cx: &Cx, sink: &mut Sink) {
        let nodes = cx.project.nodes.iter();
        let own =
            |n: &&Node| n.resource_type == ResourceType::Source && n.is_own() && !n.is_disabled();
        // By name: the first place where the source is declared without a description.
        let mut bare: BTreeMap<&str, Span> = BTreeMap::new();
        for table in nodes.filter(own).filter(|n| !n.properties_lost) {
            if let (Some(name), Some(span)) = (&table.source_name, bare_source(cx.project, table)) {
                let known = bare.entry(name).or_insert(span);
                let key = |s: Span| (cx.project.path(s.file), s.start);
                if key(span) < key(*known) {
                    *known = span;
                }
            }
            if table.description().is_none_or(|d| d.trim().is_empty()) {
                let message = format!(
                    "the source table `{}` has no description: what one row of it is must be asked of whoever runs the system it comes from",
                    table.display_name()
                );
                sink.push_on(
                    Some(table.id),
                    Violation::new(table.place, message).symbol("description"),
                );
            }
        }
        for (name, span) in bare {
            let message = format!(
                "the source `{name}` has no description: nothing says which system it is, who loads it and how often"
            );
            let help = "give the source itself a `description`: the system, its owner, how and how often it is loaded";
            sink.push_on(None, Violation::new(span, message).help(help).symbol(name));
        }
    }
}

/// The name in the entry of a table's source, where that has no description.
fn bare_source(project: &Project, table: &Node) -> Option<Span> {
    let list = project.yaml.get(&table.file)?.root()?.get("sources")?;
    let holds = |s: &YamlNode| {
        let tables = s
            .get("tables")
            .into_iter()
            .flat_map(|t| t.resolve().items());
        let mut names = tables.filter_map(|t| t.get("name"));
        names.any(|n| n.span() == table.place)
    };
    let source = list.resolve().items().find(holds)?;
    let text = source.get("description").and_then(|d| d.as_str());
    let described = text.is_some_and(|t| !t.trim().is_empty());
    (!described)
        .then(|| source.get("name").map(|n| n.span()))
        .flatten()
}
