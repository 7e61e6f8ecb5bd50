use crate::project::{Node, Project, ResourceType};
use crate::rule::{
    BuiltIn, Cx, FixAvailability, Meta, Preset, Reach, Rule, Sink, Subject, from_layers, on_edge,
};
use crate::violation::{Confidence, Severity};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SourceOutsideStaging {}

impl BuiltIn for SourceOutsideStaging {
    const META: Meta = Meta {
        id: Borrowed("graph/source-outside-staging"),
        severity: Severity::Error,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!(
            "../../../rules/graph/source-outside-staging/README.md"
        )),
    };
}

impl Rule for SourceOutsideStaging {
    fn subject(&self) -> Subject {
        Subject::Edges
    }

    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn project(&self, cx: &Cx, sink: &mut Sink) {
        let table = &cx.project.layers;
        if !table.judges_sources() {
            return;
        }
        for child in cx.project.own(TYPES) {
            let Some(layer) = cx.project.layer_spoken_of(child) else {
                continue;
            };
            // The team's own table says that it may.
            if layer.sources || !matches!(layer.role.as_str(), "intermediate" | "marts") {
                continue;
            }
            for (parent, edge) in cx.project.read_by(child.id) {
                if !parent.is_own() || parent.resource_type != ResourceType::Source {
                    continue;
                }
                let (name, source) = (child.display_name(), parent.display_name());
                let message = format!(
                    "`{name}` ({}) reads the source `{source}`: what staging renames, casts and filters once is done here again, or not at all",
                    layer.name
                );
                let found = on_edge(child, parent, edge, message);
                let found = match staged_by(cx.project, parent) {
                    Some(staged) => {
                        found.help(format!("ref `{staged}`, which stages `{source}`, instead"))
                    }
                    None => found.help(format!(
                        "write a staging model over `{source}` and ref that"
                    )),
                };
                sink.push_on(Some(child.id), from_layers(table, found));
            }
        }
    }
}

const TYPES: &[ResourceType] = &[ResourceType::Model, ResourceType::Snapshot];

/// The one staging model over a source.
fn staged_by(project: &Project, source: &Node) -> Option<String> {
    let mut staging = project.readers_of(source.id).filter(|n| {
        let layer = project.layer_spoken_of(n);
        layer.is_some_and(|l| matches!(l.role.as_str(), "staging" | "base"))
    });
    let first = staging.next()?;
    staging.next().is_none().then(|| first.display_name())
}
