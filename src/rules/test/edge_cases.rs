use crate::project::{Node, ResourceType};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Reach, Rule, Sink};
use crate::text::Span;
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// Which models, and how many unit tests each.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct EdgeCases {
    /// Unit tests that each of these models must have.
    at_least: usize,
    /// Tags that mark a critical model; `meta: {critical: true}` does too.
    tags: Vec<String>,
}

impl Default for EdgeCases {
    fn default() -> Self {
        Self {
            at_least: 3,
            tags: vec!["critical".to_owned()],
        }
    }
}

impl BuiltIn for EdgeCases {
    const META: Meta = Meta {
        id: Borrowed("test/edge-cases"),
        severity: Severity::Warn,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!("../../../rules/test/edge-cases/README.md")),
    };
}

impl Rule for EdgeCases {
    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        if model.python || model.properties_lost || !cx.project.is_critical(model, &self.tags) {
            return;
        }
        let tests = cx.project.tests_of(model);
        let is_unit = |t: &&&Node| t.resource_type == ResourceType::UnitTest;
        let count = tests.iter().filter(is_unit).count();
        if count >= self.at_least {
            return;
        }
        let has = match count {
            0 => "no unit test".to_owned(),
            1 => "1 unit test".to_owned(),
            n => format!("{n} unit tests"),
        };
        let message = format!(
            "the critical model `{}` has {has}, {} are asked for: its edge cases (nulls, ties, empty input) are decided by whoever edits it next",
            model.display_name(),
            self.at_least
        );
        let properties = model.properties.as_ref();
        let place = properties.map_or(Span::whole(model.file), |p| p.name_span);
        sink.push(Violation::new(place, message).symbol("unit tests"));
    }
}
