use crate::project::{Node, Project};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Reach, Rule, Sink};
use crate::text::Span;
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Owner {
    /// Layers, by role, whose models must have an owner, beside those with `access: public`.
    layers: Vec<String>,
    /// Keys of `meta` that name one.
    keys: Vec<String>,
}

impl Default for Owner {
    fn default() -> Self {
        Self {
            layers: Vec::new(),
            keys: vec!["owner".to_owned(), "owners".to_owned(), "team".to_owned()],
        }
    }
}

impl BuiltIn for Owner {
    const META: Meta = Meta {
        id: Borrowed("doc/owner"),
        severity: Severity::Warn,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!("../../../rules/doc/owner/README.md")),
    };
}

impl Rule for Owner {
    fn judges(&self, project: &Project, node: &Node) -> bool {
        node.access() == Some("public") || project.in_layers(node, &self.layers)
    }

    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn model(&self, _cx: &Cx, model: &Node, sink: &mut Sink) {
        let public = model.access() == Some("public");
        if model.properties_lost || self.is_owned(model) {
            return;
        }
        let what = match public {
            true => "is public",
            false => "is for others to use",
        };
        let message = format!(
            "`{}` {what} and names no owner: nobody can be asked before it changes, and nobody is told when it breaks",
            model.display_name()
        );
        let help = match self.keys.first() {
            Some(key) => format!(
                "put the model into a `group`, which has an owner, or set `meta: {{{key}: …}}`"
            ),
            None => "put the model into a `group`, which has an owner".to_owned(),
        };
        let entry = model.properties.as_ref();
        let span = entry.map_or(Span::whole(model.file), |p| p.name_span);
        sink.push(Violation::new(span, message).help(help).symbol("owner"));
    }
}

impl Owner {
    fn is_owned(&self, model: &Node) -> bool {
        let config = &model.config;
        if config.get("group").is_some() || config.is_unknown("meta") {
            return true;
        }
        let meta = config.get("meta").and_then(|m| m.value.as_ref());
        let named = |key: &String| {
            let value = meta.and_then(|m| m.get(key));
            value.is_some_and(|v| !v.is_null() && v.as_str().is_none_or(|s| !s.trim().is_empty()))
        };
        self.keys.iter().any(named)
    }
}
