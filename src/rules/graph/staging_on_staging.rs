use crate::config::Layer;
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
pub(crate) struct StagingOnStaging {}

impl BuiltIn for StagingOnStaging {
    const META: Meta = Meta {
        id: Borrowed("graph/staging-on-staging"),
        severity: Severity::Error,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!(
            "../../../rules/graph/staging-on-staging/README.md"
        )),
    };
}

impl Rule for StagingOnStaging {
    fn subject(&self) -> Subject {
        Subject::Edges
    }

    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn project(&self, cx: &Cx, sink: &mut Sink) {
        let table = &cx.project.layers;
        for child in cx.project.own(TYPES) {
            let Some(layer) = staging(cx.project, child) else {
                continue;
            };
            for (parent, edge) in cx.project.read_by(child.id) {
                if !parent.is_own() || !TYPES.contains(&parent.resource_type) {
                    continue;
                }
                let Some(other) = staging(cx.project, parent) else {
                    continue;
                };
                // The team's own table says that it may.
                if !table.inferred && layer.refs.contains(&other.name) {
                    continue;
                }
                let (name, of) = (child.display_name(), parent.display_name());
                let message = format!(
                    "the staging model `{name}` refs the staging model `{of}`: it no longer stands for one source table, and what it shows depends on another one's cleaning"
                );
                let help = format!(
                    "read the source behind `{of}` here, or move `{name}` to the intermediate layer"
                );
                let found = on_edge(child, parent, edge, message).help(help);
                sink.push_on(Some(child.id), from_layers(table, found));
            }
        }
    }
}

const TYPES: &[ResourceType] = &[ResourceType::Model, ResourceType::Snapshot];

fn staging<'p>(project: &'p Project, node: &Node) -> Option<&'p Layer> {
    project
        .layer_spoken_of(node)
        .filter(|l| l.role == "staging")
}
