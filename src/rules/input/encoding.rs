use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Reach, Rule, Sink, Subject};
use crate::text::{FileId, ReadProblem, Span};
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Encoding {}

impl BuiltIn for Encoding {
    const META: Meta = Meta {
        id: Borrowed("input/encoding"),
        severity: Severity::Error,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Minimal),
        doc: Borrowed(include_str!("../../../rules/input/encoding/README.md")),
    };
}

impl Rule for Encoding {
    fn subject(&self) -> Subject {
        Subject::Files
    }

    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn file(&self, cx: &Cx, file: FileId, sink: &mut Sink) {
        let (span, message) = match &cx.project.files.get(file).problem {
            Some(ReadProblem::NotUtf8(at)) => (
                Span::new(file, *at, at + 1),
                "this byte is not UTF-8, which is all that dbt reads",
            ),
            Some(ReadProblem::Utf16) => (
                Span::whole(file),
                "the file is UTF-16; dbt reads UTF-8 only",
            ),
            _ => return,
        };
        sink.push(Violation::new(span, message).symbol("encoding"));
    }
}
