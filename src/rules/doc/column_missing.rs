use crate::project::{Node, ResourceType};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Reach, Rule, Sink, Subject};
use crate::violation::{Confidence, Severity, Violation};
use rustc_hash::FxHashSet;
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ColumnMissing {}

impl BuiltIn for ColumnMissing {
    const META: Meta = Meta {
        id: Borrowed("doc/column-missing"),
        severity: Severity::Info,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!("../../../rules/doc/column-missing/README.md")),
    };
}

impl Rule for ColumnMissing {
    fn subject(&self) -> Subject {
        Subject::Columns
    }

    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn project(&self, cx: &Cx, sink: &mut Sink) {
        let mut seen = FxHashSet::default();
        let judged = |n: &&Node| {
            let kind = n.resource_type.is_refable() || n.resource_type == ResourceType::Source;
            kind && n.is_own() && !n.is_disabled()
        };
        for node in cx.project.nodes.iter().filter(judged) {
            for column in node.properties.iter().flat_map(|p| &p.columns) {
                let described = column
                    .description
                    .as_ref()
                    .is_some_and(|d| !d.trim().is_empty());
                // Versions of a model share its entry.
                if described || !seen.insert(column.name.span) {
                    continue;
                }
                let message = format!(
                    "the column `{}` of `{}` is listed without a description: what it counts, in what unit and from when, each reader guesses anew",
                    column.name.value,
                    node.display_name()
                );
                let violation = Violation::new(column.name.span, message);
                sink.push_on(Some(node.id), violation.symbol(column.name.value.as_str()));
            }
        }
    }
}
