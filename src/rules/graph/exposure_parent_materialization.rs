use crate::project::ResourceType;
use crate::rule::{
    BuiltIn, Cx, FixAvailability, Meta, Preset, Reach, Rule, Sink, Subject, on_edge,
};
use crate::violation::{Confidence, Severity};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExposureParentMaterialization {}

impl BuiltIn for ExposureParentMaterialization {
    const META: Meta = Meta {
        id: Borrowed("graph/exposure-parent-materialization"),
        severity: Severity::Warn,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!(
            "../../../rules/graph/exposure-parent-materialization/README.md"
        )),
    };
}

impl Rule for ExposureParentMaterialization {
    fn subject(&self) -> Subject {
        Subject::Exposures
    }

    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn project(&self, cx: &Cx, sink: &mut Sink) {
        for exposure in cx.project.own(&[ResourceType::Exposure]) {
            for (parent, edge) in cx.project.read_by(exposure.id) {
                if !parent.is_own() {
                    continue;
                }
                let (name, of) = (exposure.display_name(), parent.display_name());
                let (message, help) = match parent.resource_type {
                    ResourceType::Source => (
                        format!(
                            "the exposure `{name}` reads the source `{of}`: people see raw rows that no model has cleaned or tested"
                        ),
                        format!("build a model over `{of}` and name that in `{name}`"),
                    ),
                    ResourceType::Model if cx.project.is_unstored(parent) == Some(true) => {
                        let kind = match cx.project.materialization(parent) {
                            Some("ephemeral") => "ephemeral",
                            _ => "a view",
                        };
                        (
                            format!(
                                "the exposure `{name}` reads `{of}`, which is {kind}: each time somebody looks, its whole query runs"
                            ),
                            format!("materialize `{of}` as a table or incrementally"),
                        )
                    }
                    _ => continue,
                };
                let found = on_edge(exposure, parent, edge, message).help(help);
                sink.push_on(Some(exposure.id), found);
            }
        }
    }
}
