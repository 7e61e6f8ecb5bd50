use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Reach, Rule, Sink, Subject};
use crate::text::{FileId, MAX_FILE_BYTES, ReadProblem, Span};
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Unreadable {}

impl BuiltIn for Unreadable {
    const META: Meta = Meta {
        id: Borrowed("input/unreadable"),
        severity: Severity::Error,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Minimal),
        doc: Borrowed(include_str!("../../../rules/input/unreadable/README.md")),
    };
}

impl Rule for Unreadable {
    fn subject(&self) -> Subject {
        Subject::Files
    }

    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn file(&self, cx: &Cx, file: FileId, sink: &mut Sink) {
        let message = match &cx.project.files.get(file).problem {
            Some(ReadProblem::Unreadable(why)) => format!("the file cannot be read: {why}"),
            Some(ReadProblem::TooLarge(bytes)) => {
                format!("the file has {bytes} bytes; more than {MAX_FILE_BYTES} are not read")
            }
            _ => return,
        };
        sink.push(Violation::new(Span::whole(file), message).symbol("unreadable"));
    }
}
