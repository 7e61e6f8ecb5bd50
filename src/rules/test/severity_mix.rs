use crate::project::{Node, Project, ResourceType};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink, Subject};
use crate::text::Span;
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// How large a suite must be before it needs both severities.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SeverityMix {
    /// A suite of at least this many tests needs both severities.
    threshold: usize,
}

impl Default for SeverityMix {
    fn default() -> Self {
        Self { threshold: 50 }
    }
}

impl BuiltIn for SeverityMix {
    const META: Meta = Meta {
        id: Borrowed("test/severity-mix"),
        severity: Severity::Info,
        confidence: Confidence::Likely,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!("../../../rules/test/severity-mix/README.md")),
    };
}

impl Rule for SeverityMix {
    fn subject(&self) -> Subject {
        Subject::Tests
    }

    fn project(&self, cx: &Cx, sink: &mut Sink) {
        let tests =
            cx.project.nodes.iter().filter(|n| {
                n.resource_type == ResourceType::Test && n.is_own() && !n.is_disabled()
            });
        let severities: Option<Vec<bool>> = tests.map(warns).collect();
        // One that only a run knows may be the other kind.
        let (Some(severities), Some(file)) = (severities, cx.project.project_yaml()) else {
            return;
        };
        if severities.len() < self.threshold.max(1) {
            return;
        }
        let warn = severities.iter().filter(|w| **w).count();
        let (word, why) = match (warn, severities.len() - warn) {
            (0, _) => (
                "`error`",
                "a doubtful value stops the pipeline as a lost primary key does, so tests get muted",
            ),
            (_, 0) => ("`warn`", "nothing that they find ever stops bad data"),
            _ => return,
        };
        let message = format!(
            "all {} tests of the project have severity {word}: {why}",
            severities.len()
        );
        let name = file.root().and_then(|r| r.get("name"));
        let place = name.map_or(Span::whole(file.file), |n| n.span());
        sink.push(Violation::new(place, message).symbol("severity"));
    }

    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        for (column, test) in softened_key(cx.project, model) {
            let message = format!(
                "`{}` on the key `{column}` of `{}` only warns: a doubled or lost key goes on into every join downstream",
                test.name,
                model.display_name()
            );
            let place = test.config.get("severity").and_then(|s| s.span);
            let found = Violation::new(place.unwrap_or(test.place), message)
                .severity(Severity::Warn)
                .help(format!(
                    "let the tests of the key `{column}` fail: take `severity: warn` away"
                ))
                .symbol(test.name.clone());
            sink.push_on(Some(test.id), found);
        }
    }
}

/// Does a test only warn? None where only a run knows.
fn warns(test: &Node) -> Option<bool> {
    let Some(severity) = test.config.get("severity") else {
        return Some(false);
    };
    let text = severity.value.as_ref()?.as_str()?;
    Some(text.eq_ignore_ascii_case("warn"))
}

/// Tests `unique` and `not_null` of one column that together prove a key, where one only warns.
fn softened_key<'p>(project: &'p Project, model: &'p Node) -> Vec<(&'p str, &'p Node)> {
    let Some(properties) = &model.properties else {
        return Vec::new();
    };
    let mut out = Vec::new();
    let all = project.test_nodes(model);
    for column in &properties.columns {
        let of = |name: &str| {
            let mut tests = column.tests.iter();
            tests.find(|t| t.is_on() && t.short_name() == name)
        };
        let (Some(unique), Some(filled)) = (of("unique"), of("not_null")) else {
            continue;
        };
        let nodes = [unique, filled].map(|t| all.get(&t.span).copied());
        let soft = nodes
            .into_iter()
            .flatten()
            .filter(|n| warns(n) == Some(true));
        out.extend(soft.map(|n| (column.name.value.as_str(), n)));
    }
    out
}
