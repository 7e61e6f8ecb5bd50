use crate::project::{Node, ResourceType};
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
pub(crate) struct StagingOnDownstream {}

impl BuiltIn for StagingOnDownstream {
    const META: Meta = Meta {
        id: Borrowed("graph/staging-on-downstream"),
        severity: Severity::Error,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!(
            "../../../rules/graph/staging-on-downstream/README.md"
        )),
    };
}

impl Rule for StagingOnDownstream {
    fn subject(&self) -> Subject {
        Subject::Edges
    }

    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        let table = &cx.project.layers;
        let layer = cx.project.layer(model);
        let Some(layer) = layer.filter(|l| l.role == "staging") else {
            return;
        };
        for (parent, edge) in cx.project.read_by(model.id) {
            if !parent.is_own() || parent.resource_type != ResourceType::Model {
                continue;
            }
            let Some(other) = cx.project.layer(parent) else {
                continue;
            };
            // The team's own table says that it may.
            let allowed = !table.inferred && layer.refs.contains(&other.name);
            if allowed || !matches!(other.role.as_str(), "intermediate" | "marts") {
                continue;
            }
            let (name, of) = (model.display_name(), parent.display_name());
            let message = format!(
                "the staging model `{name}` refs `{of}` of {}: staging is what that layer is built from, so the two now wait for one another",
                other.name
            );
            let help = format!(
                "read the source table instead of `{of}`, or rename and move `{name}`: what builds on {} is no staging model",
                other.name
            );
            let found = on_edge(model, parent, edge, message).help(help);
            sink.push(from_layers(table, found));
        }
    }
}
