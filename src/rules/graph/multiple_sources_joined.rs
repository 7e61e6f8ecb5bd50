use crate::project::{Node, ResourceType};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Reach, Rule, Sink, listed};
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;
use std::num::NonZeroUsize;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct MultipleSourcesJoined {
    /// From so many sources on a node is reported.
    threshold: NonZeroUsize,
}

impl Default for MultipleSourcesJoined {
    fn default() -> Self {
        Self {
            threshold: NonZeroUsize::MIN.saturating_add(1),
        }
    }
}

impl BuiltIn for MultipleSourcesJoined {
    const META: Meta = Meta {
        id: Borrowed("graph/multiple-sources-joined"),
        severity: Severity::Warn,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!(
            "../../../rules/graph/multiple-sources-joined/README.md"
        )),
    };
}

impl Rule for MultipleSourcesJoined {
    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn project(&self, cx: &Cx, sink: &mut Sink) {
        for child in cx.project.own(TYPES) {
            let sources: Vec<_> = cx
                .project
                .read_by(child.id)
                .filter(|(p, _)| p.resource_type == ResourceType::Source)
                .collect();
            let (Some((_, last)), true) = (sources.last(), sources.len() >= self.threshold.get())
            else {
                continue;
            };
            let names: Vec<&Node> = sources.iter().map(|(p, _)| *p).collect();
            let message = format!(
                "`{}` reads {} sources ({}): none of them can be cleaned, tested or read without the others",
                child.display_name(),
                sources.len(),
                listed(&names)
            );
            let found = Violation::new(last.span.unwrap_or(child.place), message);
            let others = sources.iter().filter_map(|(p, e)| Some((p, e.span?)));
            let found = others
                .filter(|(_, span)| Some(*span) != last.span)
                .take(SHOWN)
                .fold(found, |found, (parent, span)| {
                    found.related(span, format!("reads `{}`", parent.display_name()))
                });
            sink.push_on(Some(child.id), found.symbol("sources"));
        }
    }
}

/// So many of the other places are shown.
const SHOWN: usize = 5;

const TYPES: &[ResourceType] = &[ResourceType::Model, ResourceType::Snapshot];
