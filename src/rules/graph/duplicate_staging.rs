use crate::project::{Node, ResourceType};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink, Subject, listed};
use crate::text::Span;
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DuplicateStaging {}

impl BuiltIn for DuplicateStaging {
    const META: Meta = Meta {
        id: Borrowed("graph/duplicate-staging"),
        severity: Severity::Warn,
        confidence: Confidence::Likely,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!(
            "../../../rules/graph/duplicate-staging/README.md"
        )),
    };
}

impl Rule for DuplicateStaging {
    fn subject(&self) -> Subject {
        Subject::Sources
    }

    fn yields_to(&self) -> &'static [&'static str] {
        &["graph/source-fanout"]
    }

    fn project(&self, cx: &Cx, sink: &mut Sink) {
        for source in cx.project.own(&[ResourceType::Source]) {
            let is_staging = |n: &&Node| {
                let layer = cx.project.layer(n);
                n.resource_type == ResourceType::Model && layer.is_some_and(|l| l.role == "staging")
            };
            let staging: Vec<&Node> = cx
                .project
                .readers_of(source.id)
                .filter(is_staging)
                .filter(|n| n.is_own())
                .collect();
            // Versions of one model are one model.
            let mut names: Vec<&str> = staging.iter().map(|n| n.name.as_str()).collect();
            names.dedup();
            if names.len() < 2 {
                continue;
            }
            let message = format!(
                "{} staging models stand over the source `{}` ({}): downstream half builds on one and half on the other",
                names.len(),
                source.display_name(),
                listed(&staging)
            );
            let found = Violation::new(source.place, message)
                .symbol("staging")
                .defect(format!("readers of {}", source.unique_id));
            let found = staging.iter().take(SHOWN).fold(found, |found, model| {
                found.related(Span::whole(model.file), "one of them")
            });
            sink.push_on(Some(source.id), found);
        }
    }
}

/// So many of the models are shown.
const SHOWN: usize = 5;
