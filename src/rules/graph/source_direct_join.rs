use crate::project::{Node, ResourceType};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Reach, Rule, Sink, on_edge};
use crate::violation::{Confidence, Severity};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SourceDirectJoin {}

impl BuiltIn for SourceDirectJoin {
    const META: Meta = Meta {
        id: Borrowed("graph/source-direct-join"),
        severity: Severity::Warn,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!(
            "../../../rules/graph/source-direct-join/README.md"
        )),
    };
}

impl Rule for SourceDirectJoin {
    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        let parents: Vec<_> = cx.project.read_by(model.id).collect();
        let first = |kind| parents.iter().find(|(p, _)| p.resource_type == kind);
        let sides = (first(ResourceType::Source), first(ResourceType::Model));
        let (Some((source, _)), Some((other, _))) = sides else {
            return;
        };
        let name = model.display_name();
        for (parent, edge) in &parents {
            if !parent.is_own() || parent.resource_type == ResourceType::Seed {
                continue;
            }
            let own = parent.display_name();
            let message = match parent.resource_type {
                ResourceType::Source => format!(
                    "`{name}` puts the source `{own}` beside the model `{}`: raw columns meet cleaned ones, and nothing staged the source first",
                    other.display_name()
                ),
                _ => format!(
                    "`{name}` puts `{own}` beside the source `{}`: cleaned columns meet raw ones, and nothing staged the source first",
                    source.display_name()
                ),
            };
            let raw = match parent.resource_type {
                ResourceType::Source => own,
                _ => source.display_name(),
            };
            let help = format!("write a staging model over `{raw}`, and ref that in `{name}`");
            sink.push(on_edge(model, parent, edge, message).help(help));
        }
    }
}
