use crate::project::Node;
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Reach, Rule, Sink};
use crate::text::Span;
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PublicWithoutContract {}

impl BuiltIn for PublicWithoutContract {
    const META: Meta = Meta {
        id: Borrowed("graph/public-without-contract"),
        severity: Severity::Warn,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!(
            "../../../rules/graph/public-without-contract/README.md"
        )),
    };
}

impl Rule for PublicWithoutContract {
    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        if cx.project.access(model) != Some("public") || may_be_enforced(model) {
            return;
        }
        let message = format!(
            "`{}` is public and has no enforced contract: whoever reads it learns of a renamed or retyped column by failing",
            model.display_name()
        );
        let place = match &model.properties {
            Some(entry) => entry.name_span,
            None => Span::whole(model.file),
        };
        let found = Violation::new(place, message).symbol("contract");
        let set = model.config.get("access").and_then(|a| a.span);
        sink.push(match set {
            Some(span) => found.related(span, "made public here"),
            None => found,
        });
    }
}

/// Its contract is enforced, or that is not known.
fn may_be_enforced(model: &Node) -> bool {
    let Some(set) = model.config.get("contract") else {
        return model.properties_lost;
    };
    match &set.value {
        None => true,
        Some(value) => value
            .get("enforced")
            .is_some_and(|v| v.as_bool() != Some(false)),
    }
}
