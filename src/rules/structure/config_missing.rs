use crate::project::{Node, Project};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Reach, Rule, Sink};
use crate::text::Span;
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ConfigMissing {
    /// Layers, by role, whose models must have a `config()` of their own; none: the rule finds
    /// nothing.
    layers: Vec<String>,
}

impl BuiltIn for ConfigMissing {
    const META: Meta = Meta {
        id: Borrowed("structure/config-missing"),
        severity: Severity::Error,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: None,
        doc: Borrowed(include_str!(
            "../../../rules/structure/config-missing/README.md"
        )),
    };
}

impl Rule for ConfigMissing {
    fn judges(&self, project: &Project, node: &Node) -> bool {
        project.in_layers(node, &self.layers)
    }

    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        if model.python || model.inline().is_some() {
            return;
        }
        if !cx.project.in_layers(model, &self.layers) || cx.project.may_configure_by_macro(model) {
            return;
        }
        let message = format!(
            "`{}` has no `config()` of its own: whoever reads the file cannot see how it is built and tagged",
            model.display_name()
        );
        sink.push(Violation::new(Span::whole(model.file), message));
    }
}
