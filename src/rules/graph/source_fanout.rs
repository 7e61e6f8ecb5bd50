use crate::project::{Node, ResourceType};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Reach, Rule, Sink, Subject, listed};
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;
use std::num::NonZeroUsize;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SourceFanout {
    /// From so many models on that read it a source is reported.
    threshold: NonZeroUsize,
}

impl Default for SourceFanout {
    fn default() -> Self {
        Self {
            threshold: NonZeroUsize::MIN.saturating_add(1),
        }
    }
}

impl BuiltIn for SourceFanout {
    const META: Meta = Meta {
        id: Borrowed("graph/source-fanout"),
        severity: Severity::Info,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!("../../../rules/graph/source-fanout/README.md")),
    };
}

impl Rule for SourceFanout {
    fn subject(&self) -> Subject {
        Subject::Sources
    }

    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn project(&self, cx: &Cx, sink: &mut Sink) {
        for source in cx.project.own(&[ResourceType::Source]) {
            let readers = cx.project.readers_of(source.id);
            let models: Vec<&Node> = readers
                .filter(|n| n.resource_type == ResourceType::Model)
                .collect();
            if models.len() < self.threshold.get() {
                continue;
            }
            let message = format!(
                "{} models read the source `{}` ({}): each renames, casts and filters it for itself, and they drift apart",
                models.len(),
                source.display_name(),
                listed(&models)
            );
            let help = format!(
                "let one staging model read `{}`, and ref that in the others",
                source.display_name()
            );
            let found = Violation::new(source.place, message)
                .help(help)
                .symbol("readers")
                .defect(format!("readers of {}", source.unique_id));
            sink.push_on(Some(source.id), found);
        }
    }
}
