use crate::rule::{
    BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink, Subject, SuppressionUse,
};
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UnusedSuppression {}

impl BuiltIn for UnusedSuppression {
    const META: Meta = Meta {
        id: Borrowed("harness/unused-suppression"),
        severity: Severity::Warn,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Minimal),
        doc: Borrowed(include_str!(
            "../../../rules/harness/unused-suppression/README.md"
        )),
    };
}

impl Rule for UnusedSuppression {
    fn subject(&self) -> Subject {
        Subject::Comments
    }

    fn suppressions(&self, _cx: &Cx, all: &[SuppressionUse], sink: &mut Sink) {
        for s in all {
            let span = s.suppression.span;
            for rule in &s.unknown {
                let message = format!("there is no rule `{rule}`, so nothing is suppressed");
                sink.push(Violation::new(span, message).symbol(*rule));
            }
            for rule in &s.idle {
                let message = format!("nothing here is reported by `{rule}`");
                sink.push(Violation::new(span, message).symbol(*rule));
            }
            if s.suppression.rules.is_empty() {
                let message = "the suppression names no rule, so nothing is suppressed";
                sink.push(Violation::new(span, message).symbol(""));
            }
        }
    }
}
