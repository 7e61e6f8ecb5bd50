use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Reach, Rule, Sink, Subject};
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConfigConflict {}

impl BuiltIn for ConfigConflict {
    const META: Meta = Meta {
        id: Borrowed("input/config-conflict"),
        severity: Severity::Error,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Minimal),
        doc: Borrowed(include_str!(
            "../../../rules/input/config-conflict/README.md"
        )),
    };
}

impl Rule for ConfigConflict {
    fn subject(&self) -> Subject {
        Subject::Files
    }

    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn project(&self, cx: &Cx, sink: &mut Sink) {
        let problems = &cx.project.property_problems;
        for problem in problems.iter().filter(|p| !p.duplicate) {
            sink.push(Violation::new(problem.span, problem.message.clone()));
        }
    }
}
