use crate::project::{Family, Node, Project};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Reach, Rule, Sink};
use crate::text::Span;
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// Which models must be proven in every way.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct FamilyMissing {
    /// Layers, by role, whose models need every family.
    layers: Vec<String>,
    /// Tags that mark a critical model, in whatever layer; `meta: {critical: true}` does too.
    tags: Vec<String>,
}

impl Default for FamilyMissing {
    fn default() -> Self {
        Self {
            layers: vec!["marts".to_owned()],
            tags: vec!["critical".to_owned()],
        }
    }
}

impl BuiltIn for FamilyMissing {
    const META: Meta = Meta {
        id: Borrowed("test/family-missing"),
        severity: Severity::Info,
        confidence: Confidence::Heuristic,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!("../../../rules/test/family-missing/README.md")),
    };
}

impl Rule for FamilyMissing {
    fn judges(&self, project: &Project, node: &Node) -> bool {
        project.in_layers(node, &self.layers) || project.is_critical(node, &self.tags)
    }

    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        if model.properties_lost {
            return;
        }
        let has = cx.project.families(model);
        // A model without any test is test/pk's and test/coverage's to name.
        if has.is_empty() {
            return;
        }
        let missing: Vec<&str> = Family::ALL
            .iter()
            .filter(|f| !has.contains(f))
            .map(|f| f.as_str())
            .collect();
        if missing.is_empty() {
            return;
        }
        let message = format!(
            "`{}` has no test of these families: {}; what they would catch reaches whoever reads the model",
            model.display_name(),
            missing.join(", ")
        );
        let properties = model.properties.as_ref();
        let place = properties.map_or(Span::whole(model.file), |p| p.name_span);
        sink.push(Violation::new(place, message).symbol("families"));
    }
}
