use crate::project::{DataTest, Node, Project};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Reach, Rule, Sink, Subject};
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow::Borrowed;

/// Which tests must explain themselves.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct NoDiagnostics {
    /// Tags that mark a critical model or test; `meta: {critical: true}` does too.
    tags: Vec<String>,
    /// Keys of `meta` that name who is to be asked; one of them is enough, on the test or its model.
    owner: Vec<String>,
}

impl Default for NoDiagnostics {
    fn default() -> Self {
        let list = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect();
        Self {
            tags: list(&["critical"]),
            owner: list(&["owner", "owners", "team", "contact"]),
        }
    }
}

impl BuiltIn for NoDiagnostics {
    const META: Meta = Meta {
        id: Borrowed("test/no-diagnostics"),
        severity: Severity::Warn,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!("../../../rules/test/no-diagnostics/README.md")),
    };
}

/// Tests whose failure explains itself.
const PLAIN: [&str; 4] = ["unique", "not_null", "accepted_values", "relationships"];

impl Rule for NoDiagnostics {
    fn subject(&self) -> Subject {
        Subject::Tests
    }

    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        let Some(properties) = &model.properties else {
            return;
        };
        let critical = cx.project.is_critical(model, &self.tags);
        let nodes = cx.project.test_nodes(model);
        for (_, test) in properties.all_tests() {
            let Some(node) = nodes.get(&test.span).copied() else {
                continue;
            };
            if !critical && !cx.project.is_critical(node, &self.tags) {
                continue;
            }
            let missing = self.missing(cx.project, model, test, node);
            if missing.is_empty() {
                continue;
            }
            let message = format!(
                "the critical test `{}` of `{}` has no {}: whoever is woken by it learns neither what broke nor whom to ask",
                test.name,
                model.display_name(),
                missing.join(", no ")
            );
            let found = Violation::new(test.span, message);
            sink.push_on(Some(node.id), found.symbol(node.name.clone()));
        }
    }
}

impl NoDiagnostics {
    fn missing(
        &self,
        project: &Project,
        model: &Node,
        test: &DataTest,
        node: &Node,
    ) -> Vec<&'static str> {
        let mut missing = Vec::new();
        let tree = project.yaml.get(&test.span.file);
        let body = tree.map(|t| t.node(test.entry));
        let described = body.and_then(|b| b.get("description")?.as_str());
        if described.is_none_or(|d| d.trim().is_empty()) && !PLAIN.contains(&test.short_name()) {
            missing.push("description");
        }
        let names_owner = |n: &Node| {
            let meta = n.config.get("meta").and_then(|m| m.value.as_ref());
            let of_config = meta.is_some_and(|m| self.owner.iter().any(|o| m.get(o).is_some()));
            let meta = project.entry(n).and_then(|e| e.get("meta"));
            of_config || meta.is_some_and(|m| self.owner.iter().any(|o| m.get(o).is_some()))
        };
        let grouped = model.config.get("group").is_some();
        if !names_owner(node) && !names_owner(model) && !grouped {
            missing.push("owner in `meta`");
        }
        let keeps = |key: &str| {
            let value = node.config.get(key);
            value.is_some_and(|v| !matches!(v.value, Some(Value::Bool(false) | Value::Null)))
        };
        if !["store_failures", "store_failures_as", "limit"]
            .iter()
            .any(|k| keeps(k))
        {
            missing.push("`store_failures` or `limit`");
        }
        missing
    }
}
