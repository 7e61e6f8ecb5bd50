use crate::project::Node;
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Reach, Rule, Sink};
use crate::text::Span;
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Missing {}

impl BuiltIn for Missing {
    const META: Meta = Meta {
        id: Borrowed("doc/missing"),
        severity: Severity::Warn,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!("../../../rules/doc/missing/README.md")),
    };
}

impl Rule for Missing {
    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn model(&self, _cx: &Cx, model: &Node, sink: &mut Sink) {
        if model.properties_lost {
            return;
        }
        if model.description().is_some_and(|d| !d.trim().is_empty()) {
            return;
        }
        let name = model.display_name();
        let why = "whoever finds it must read its SQL to learn what one row of it is";
        let violation = match &model.properties {
            Some(entry) => {
                let message = format!("the entry of `{name}` has no description: {why}");
                Violation::new(entry.name_span, message)
            }
            None => {
                let message = format!("`{name}` is described in no property file: {why}");
                Violation::new(Span::whole(model.file), message)
            }
        };
        sink.push(with_lost_words(model, violation).symbol("description"));
    }
}

/// `config(description=…)` is a setting of the author's own: dbt reads descriptions from YAML.
fn with_lost_words(model: &Node, violation: Violation) -> Violation {
    let Some(inline) = model.inline() else {
        return violation;
    };
    let calls = inline.calls().iter().filter(|c| !c.in_macro);
    let mut args = calls.flat_map(|c| &c.args);
    match args.find(|a| a.key == "description") {
        Some(arg) => violation
            .related(inline.value_span(arg), "dbt does not read this")
            .help("move the text of `config(description=…)` to the model's entry in a property file: dbt reads descriptions nowhere else"),
        None => violation,
    }
}
