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
pub(crate) struct ExposureOnPrivate {}

impl BuiltIn for ExposureOnPrivate {
    const META: Meta = Meta {
        id: Borrowed("graph/exposure-on-private"),
        severity: Severity::Info,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!(
            "../../../rules/graph/exposure-on-private/README.md"
        )),
    };
}

impl Rule for ExposureOnPrivate {
    fn subject(&self) -> Subject {
        Subject::Exposures
    }

    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn project(&self, cx: &Cx, sink: &mut Sink) {
        for exposure in cx.project.own(&[ResourceType::Exposure]) {
            for (parent, edge) in cx.project.read_by(exposure.id) {
                if !parent.is_own() || parent.resource_type == ResourceType::Seed {
                    continue;
                }
                let (name, of) = (exposure.display_name(), parent.display_name());
                let kind = parent.resource_type.as_str();
                let (message, help) = match parent.resource_type {
                    ResourceType::Model => match cx.project.access(parent) {
                        None | Some("public") => continue,
                        Some(access) => (
                            format!(
                                "the exposure `{name}` rests on `{of}`, whose access is {access}: its owners may change it and owe nobody a word"
                            ),
                            format!(
                                "give `{of}` `access: public`, or name a public model in `{name}`"
                            ),
                        ),
                    },
                    _ => (
                        format!(
                            "the exposure `{name}` rests on the {kind} `{of}`, which is no public model: its owners may change it and owe nobody a word"
                        ),
                        format!("name a model with `access: public` in `{name}`"),
                    ),
                };
                let found = on_edge(exposure, parent, edge, message).help(help);
                sink.push_on(Some(exposure.id), found);
            }
        }
    }
}
