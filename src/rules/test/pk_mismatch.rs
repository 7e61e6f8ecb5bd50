use crate::project::Node;
use crate::project::lineage::Derivation;
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink};
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;
use std::collections::BTreeSet;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PkMismatch {}

impl BuiltIn for PkMismatch {
    const META: Meta = Meta {
        id: Borrowed("test/pk-mismatch"),
        severity: Severity::Info,
        confidence: Confidence::Likely,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!("../../../rules/test/pk-mismatch/README.md")),
    };
}

impl Rule for PkMismatch {
    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        let Some(properties) = &model.properties else {
            return;
        };
        let sets = properties.unique_sets();
        // Where nothing is proven, test/pk speaks.
        if sets.is_empty() {
            return;
        }
        let Some(key) = cx.project.key_of(cx.lineage(), model).filter(|k| k.strong) else {
            return;
        };
        let wanted: BTreeSet<String> = key.columns.iter().map(|c| c.to_lowercase()).collect();
        // A part of the key that is unique proves the whole.
        if sets.iter().any(|s| s.is_subset(&wanted)) {
            return;
        }
        let output = cx.lineage().output(model.id);
        let passes = |column: &String| {
            let column = output.column(column);
            column.is_some_and(|c| matches!(c.origin.how, Derivation::Pass))
        };
        // A computed column may well be made of the key; and one that is not known may be anything.
        if !sets.iter().flatten().chain(&wanted).all(passes) {
            return;
        }
        let tested = sets.iter().map(show).collect::<Vec<_>>().join(" and on ");
        let message = format!(
            "uniqueness of `{}` is tested on {tested}, but {}: rows may double by the key without any test failing",
            model.display_name(),
            key.evidence
        );
        let help = format!("test {} for uniqueness, or correct the key", show(&wanted));
        let found = Violation::new(properties.name_span, message).help(help);
        sink.push(found.symbol("key"));
    }
}

fn show(set: &BTreeSet<String>) -> String {
    let names: Vec<String> = set.iter().map(|c| format!("`{c}`")).collect();
    names.join(" + ")
}
