use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Reach, Rule, Sink, Subject};
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JinjaSyntax {}

impl BuiltIn for JinjaSyntax {
    const META: Meta = Meta {
        id: Borrowed("input/jinja-syntax"),
        severity: Severity::Error,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Minimal),
        doc: Borrowed(include_str!("../../../rules/input/jinja-syntax/README.md")),
    };
}

impl Rule for JinjaSyntax {
    fn subject(&self) -> Subject {
        Subject::Files
    }

    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn project(&self, cx: &Cx, sink: &mut Sink) {
        let mut last = None;
        // In order of place: the first of a file is the cause, the rest follow from it.
        for (span, message) in &cx.project.jinja_errors {
            if last == Some(span.file) {
                continue;
            }
            last = Some(span.file);
            let node = cx.project.nodes.iter().find(|n| n.file == span.file);
            let violation = Violation::new(*span, message.clone());
            sink.push_on(node.map(|n| n.id), violation);
        }
    }
}
