use crate::project::{Node, Project};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink, Subject, listed};
use crate::text::Span;
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Unclassified {}

impl BuiltIn for Unclassified {
    const META: Meta = Meta {
        id: Borrowed("graph/unclassified"),
        severity: Severity::Warn,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!("../../../rules/graph/unclassified/README.md")),
    };
}

impl Rule for Unclassified {
    fn subject(&self) -> Subject {
        Subject::Project
    }

    fn project(&self, cx: &Cx, sink: &mut Sink) {
        let table = &cx.project.layers;
        let all = cx.project.models().count();
        let outside: Vec<&Node> = cx.project.models().filter(|m| m.layer.is_none()).collect();
        // Folder names that were taken for layers are nobody's promise about the others.
        if outside.is_empty() || table.inferred {
            return;
        }
        let what = match outside.len() {
            1 => format!("one of {all} models is in no layer ({})", listed(&outside)),
            n => format!("{n} of {all} models are in no layer ({})", listed(&outside)),
        };
        let message = format!("{what}: no rule about layers judges them or their edges");
        let mut found = Violation::new(place(cx.project, outside[0]), message).symbol("layers");
        for model in outside.iter().take(SHOWN) {
            found = found.related(Span::whole(model.file), "in no layer");
        }
        sink.push_on(None, found);
    }
}

/// So many of the models are shown.
const SHOWN: usize = 10;

/// The project as a whole.
fn place(project: &Project, model: &Node) -> Span {
    Span::whole(project.project_file().unwrap_or(model.file))
}
