use crate::project::Node;
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink, Subject};
use crate::text::Span;
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// The share of models that must have a test.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Coverage {
    /// Per cent of the models that must have a test.
    #[schemars(range(min = 0, max = 100))]
    target: Percent,
}

/// From 0 to 100.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(try_from = "f64")]
#[schemars(with = "f64")]
struct Percent(f64);

impl TryFrom<f64> for Percent {
    type Error = String;

    fn try_from(value: f64) -> Result<Self, String> {
        match (0.0..=100.0).contains(&value) {
            true => Ok(Self(value)),
            false => Err(format!("{value} is no percentage: 0 to 100")),
        }
    }
}

impl Default for Coverage {
    fn default() -> Self {
        Self {
            target: Percent(100.0),
        }
    }
}

impl BuiltIn for Coverage {
    const META: Meta = Meta {
        id: Borrowed("test/coverage"),
        severity: Severity::Info,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!("../../../rules/test/coverage/README.md")),
    };
}

impl Rule for Coverage {
    fn subject(&self) -> Subject {
        Subject::Project
    }

    fn project(&self, cx: &Cx, sink: &mut Sink) {
        let models: Vec<&Node> = cx.project.models().collect();
        let Some(file) = cx.project.project_yaml() else {
            return;
        };
        // Where a property file could not be read, nobody knows who is tested.
        if models.is_empty() || models.iter().any(|m| m.properties_lost) {
            return;
        }
        let untested = |m: &&&Node| cx.project.tests_of(m).is_empty();
        let without: Vec<&&Node> = models.iter().filter(untested).collect();
        let tested = models.len() - without.len();
        let share = tested as f64 * 100.0 / models.len() as f64;
        if share >= self.target.0 {
            return;
        }
        let names: Vec<String> = without
            .iter()
            .take(3)
            .map(|m| format!("`{}`", m.display_name()))
            .collect();
        let more = match without.len().saturating_sub(names.len()) {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        let message = format!(
            "{tested} of {} models have a test, {share:.1} %, under the {} % that are asked for; without any: {}{more}",
            models.len(),
            self.target.0,
            names.join(", ")
        );
        let name = file.root().and_then(|r| r.get("name"));
        let place = name.map_or(Span::whole(file.file), |n| n.span());
        sink.push(Violation::new(place, message).symbol("coverage"));
    }
}
