use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Reach, Rule, Sink, Subject};
use crate::syntax::yaml::YamlProblemKind;
use crate::text::FileId;
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct YamlSyntax {}

impl BuiltIn for YamlSyntax {
    const META: Meta = Meta {
        id: Borrowed("input/yaml-syntax"),
        severity: Severity::Error,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Minimal),
        doc: Borrowed(include_str!("../../../rules/input/yaml-syntax/README.md")),
    };
}

impl Rule for YamlSyntax {
    fn subject(&self) -> Subject {
        Subject::Files
    }

    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn file(&self, cx: &Cx, file: FileId, sink: &mut Sink) {
        let Some(yaml) = cx.project.yaml.get(&file) else {
            return;
        };
        if cx.project.files.get(file).problem.is_some() {
            return;
        }
        let mut refused = false;
        for problem in &yaml.problems {
            let repeated = problem.kind == YamlProblemKind::DuplicateKey;
            // Behind the first refusal the rest is a consequence.
            if refused && !repeated {
                continue;
            }
            refused |= !repeated;
            let mut violation = Violation::new(problem.span, problem.message.clone());
            if repeated {
                violation = violation.severity(Severity::Warn).help(
                    "merge the two or remove one: dbt takes the last and says nothing of the other",
                );
            }
            sink.push(violation);
        }
    }
}
