use crate::project::Node;
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink};
use crate::text::Span;
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Missing {}

impl BuiltIn for Missing {
    const META: Meta = Meta {
        id: Borrowed("doc/missing"),
        severity: Severity::Warn,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Recommended),
        doc: Borrowed(include_str!("../../../rules/doc/missing/README.md")),
    };
}

impl Rule for Missing {
    fn model(&self, _cx: &Cx, model: &Node, sink: &mut Sink) {
        if model.properties_lost {
            return;
        }
        if model.description().is_some_and(|d| !d.trim().is_empty()) {
            return;
        }
        let name = model.display_name();
        let why = "whoever finds it must read its SQL to learn what one row of it is";
        let violation = match &model.properties {
            Some(entry) => {
                let message = format!("the entry of `{name}` has no description: {why}");
                Violation::new(entry.name_span, message)
            }
            None => {
                let message = format!("`{name}` is described in no property file: {why}");
                Violation::new(Span::whole(model.file), message)
            }
        };
        sink.push(violation.symbol("description"));
    }
}
