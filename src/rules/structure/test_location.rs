use crate::project::{DataTest, Node};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Reach, Rule, Sink};
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TestLocation {}

impl BuiltIn for TestLocation {
    const META: Meta = Meta {
        id: Borrowed("structure/test-location"),
        severity: Severity::Warn,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!(
            "../../../rules/structure/test-location/README.md"
        )),
    };
}

impl Rule for TestLocation {
    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        let Some(properties) = &model.properties else {
            return;
        };
        let below = properties.columns.iter().flat_map(|c| &c.tests);
        let tests: Vec<&DataTest> = properties
            .tests
            .iter()
            .chain(below)
            .filter(|t| runs(t))
            .collect();
        let (lies, tested) = (
            folder(cx.project.path(model.file)),
            folder(cx.project.path(properties.file)),
        );
        let Some(first) = tests.first().filter(|_| lies != tested) else {
            return;
        };
        let count = match tests.len() {
            1 => "1 test".to_owned(),
            n => format!("{n} tests"),
        };
        let message = format!(
            "`{}` lies in {lies} and has its {count} in {tested}: who changes the model does not see what it must keep to",
            model.display_name()
        );
        let help = format!(
            "move the entry of `{}` to a property file in {lies}",
            model.name
        );
        sink.push(
            Violation::new(properties.name_span, message)
                .help(help)
                .related(first.span, "the first of them")
                .symbol("file"),
        );
    }
}

/// A test that is switched off is none.
fn runs(test: &DataTest) -> bool {
    test.config.get("enabled").and_then(|v| v.as_bool()) != Some(false)
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or(".", |(dir, _)| dir)
}
