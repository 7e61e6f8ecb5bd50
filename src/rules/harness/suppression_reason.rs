use crate::rule::{
    BuiltIn, Cx, FixAvailability, Meta, Preset, Reach, Rule, Sink, Subject, SuppressionUse,
};
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SuppressionReason {}

impl BuiltIn for SuppressionReason {
    const META: Meta = Meta {
        id: Borrowed("harness/suppression-reason"),
        severity: Severity::Error,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Minimal),
        doc: Borrowed(include_str!(
            "../../../rules/harness/suppression-reason/README.md"
        )),
    };
}

impl Rule for SuppressionReason {
    fn subject(&self) -> Subject {
        Subject::Comments
    }

    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn suppressions(&self, _cx: &Cx, all: &[SuppressionUse], sink: &mut Sink) {
        let without = all.iter().filter(|s| s.suppression.reason.is_empty());
        for s in without {
            let rules = s.suppression.rules.join(", ");
            let message = format!("`{rules}` is suppressed without a reason");
            sink.push(Violation::new(s.suppression.span, message).symbol(rules));
        }
    }
}
