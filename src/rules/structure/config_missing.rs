use crate::project::{Node, Project};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Reach, Rule, Sink};
use crate::syntax::sql::edit;
use crate::text::Span;
use crate::violation::{Applicability, Confidence, Edit, Fix, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ConfigMissing {
    /// Layers, by role, whose models must have a `config()` of their own; none: the rule finds
    /// nothing.
    layers: Vec<String>,
}

impl BuiltIn for ConfigMissing {
    const META: Meta = Meta {
        id: Borrowed("structure/config-missing"),
        severity: Severity::Error,
        confidence: Confidence::Certain,
        fix: FixAvailability::Sometimes,
        preset: None,
        doc: Borrowed(include_str!(
            "../../../rules/structure/config-missing/README.md"
        )),
    };
}

impl Rule for ConfigMissing {
    fn judges(&self, project: &Project, node: &Node) -> bool {
        project.in_layers(node, &self.layers)
    }

    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        if model.python || model.inline().is_some() {
            return;
        }
        if cx.project.may_configure_by_macro(model) {
            return;
        }
        let message = format!(
            "`{}` has no `config()` of its own: whoever reads the file cannot see how it is built and tagged",
            model.display_name()
        );
        let mut found = Violation::new(Span::whole(model.file), message);
        found.fix = fix(cx.project, model);
        sink.push(found);
    }
}

/// Says what the model is: its materialization stays what it was, so the fix is safe. Tags and the
/// like are for the rules that know which.
fn fix(project: &Project, model: &Node) -> Option<Fix> {
    let is = project.materialization(model)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !is.chars().all(plain) || model.config.is_unknown("materialized") {
        return None;
    }
    let text = &project.files.get(model.file).text;
    let at = if text.starts_with('\u{feff}') { 3 } else { 0 };
    let end = edit::newline(text);
    let blank = match text[at..].starts_with(['\n', '\r']) {
        true => "",
        false => end,
    };
    let call = format!("{{{{ config(materialized='{is}') }}}}");
    Some(Fix {
        title: format!("begin with `{call}`"),
        applicability: Applicability::Safe,
        edits: vec![Edit {
            span: Span::new(model.file, at, at),
            text: format!("{call}{end}{blank}"),
        }],
    })
}
