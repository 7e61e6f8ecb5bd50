use crate::project::{Node, ResourceType};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink, listed};
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;
use std::num::NonZeroUsize;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ModelFanout {
    /// From so many models without readers of their own on a parent is reported.
    threshold: NonZeroUsize,
}

impl Default for ModelFanout {
    fn default() -> Self {
        Self {
            threshold: NonZeroUsize::MIN.saturating_add(2),
        }
    }
}

impl BuiltIn for ModelFanout {
    const META: Meta = Meta {
        id: Borrowed("graph/model-fanout"),
        severity: Severity::Info,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!("../../../rules/graph/model-fanout/README.md")),
    };
}

impl Rule for ModelFanout {
    fn project(&self, cx: &Cx, sink: &mut Sink) {
        let readers = cx.project.reader_counts();
        let is_end =
            |n: &&Node| n.resource_type == ResourceType::Model && readers[n.id.0 as usize] == 0;
        for parent in cx.project.own(TYPES) {
            let ends: Vec<&Node> = cx.project.readers_of(parent.id).filter(is_end).collect();
            if ends.len() < self.threshold.get() {
                continue;
            }
            let message = format!(
                "{} models at the end of the graph read `{}` directly ({}): what they share belongs into one model between, what they do not into the reporting tool",
                ends.len(),
                parent.display_name(),
                listed(&ends)
            );
            sink.push_on(
                Some(parent.id),
                Violation::new(parent.place, message).symbol("ends"),
            );
        }
    }
}

const TYPES: &[ResourceType] = &[
    ResourceType::Model,
    ResourceType::Snapshot,
    ResourceType::Source,
];
