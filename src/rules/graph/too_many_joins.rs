use crate::project::Node;
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Reach, Rule, Sink, listed};
use crate::text::Span;
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;
use std::num::NonZeroUsize;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TooManyJoins {
    /// From so many direct parents on a model is reported.
    threshold: NonZeroUsize,
}

impl Default for TooManyJoins {
    fn default() -> Self {
        Self {
            threshold: NonZeroUsize::MIN.saturating_add(6),
        }
    }
}

impl BuiltIn for TooManyJoins {
    const META: Meta = Meta {
        id: Borrowed("graph/too-many-joins"),
        severity: Severity::Info,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!(
            "../../../rules/graph/too-many-joins/README.md"
        )),
    };
}

impl Rule for TooManyJoins {
    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        let parents: Vec<&Node> = cx.project.read_by(model.id).map(|(p, _)| p).collect();
        if parents.len() < self.threshold.get() {
            return;
        }
        let message = format!(
            "`{}` reads {} models and sources ({}): nobody can tell which of them a wrong row comes from",
            model.display_name(),
            parents.len(),
            listed(&parents)
        );
        sink.push(Violation::new(Span::whole(model.file), message).symbol("parents"));
    }
}
