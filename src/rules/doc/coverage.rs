use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink, Subject};
use crate::text::Span;
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
use std::borrow::Cow::Borrowed;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Coverage {
    /// The share of models with a description, in percent, that the project is to have.
    #[serde(deserialize_with = "percent")]
    target: f64,
}

fn percent<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let value = f64::deserialize(deserializer)?;
    match (0.0..=100.0).contains(&value) {
        true => Ok(value),
        false => Err(serde::de::Error::custom("a share lies between 0 and 100")),
    }
}

impl Default for Coverage {
    fn default() -> Self {
        Self { target: 100.0 }
    }
}

impl BuiltIn for Coverage {
    const META: Meta = Meta {
        id: Borrowed("doc/coverage"),
        severity: Severity::Info,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!("../../../rules/doc/coverage/README.md")),
    };
}

impl Rule for Coverage {
    fn subject(&self) -> Subject {
        Subject::Project
    }

    fn project(&self, cx: &Cx, sink: &mut Sink) {
        let models: Vec<_> = cx.project.models().collect();
        if models.is_empty() || models.iter().any(|m| m.properties_lost) {
            return;
        }
        let described = models
            .iter()
            .filter(|m| m.description().is_some_and(|d| !d.trim().is_empty()));
        let (described, all) = (described.count(), models.len());
        // As dbt-project-evaluator rounds it.
        let share = (described as f64 * 10_000.0 / all as f64).round() / 100.0;
        if share >= self.target {
            return;
        }
        let files = &cx.project.files;
        let Some((file, _)) = files.iter().find(|(_, f)| f.path == "dbt_project.yml") else {
            return;
        };
        let message = format!(
            "{described} of {all} models have a description ({share} %), and {} % is the target: the rest is known only to those who wrote it",
            self.target
        );
        let help =
            "describe the models that `doc/missing` lists, those that most others read first";
        sink.push(
            Violation::new(Span::whole(file), message)
                .help(help)
                .symbol("coverage"),
        );
    }
}
