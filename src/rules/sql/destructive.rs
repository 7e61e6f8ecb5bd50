use crate::project::Node;
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Reach, Rule, Sink};
use crate::syntax::jinja::{self, TokenKind};
use crate::text::{FileId, Span};
use crate::violation::{Confidence, Severity, Violation};
use regex::Regex;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow::Borrowed;
use std::sync::LazyLock;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Destructive {}

impl BuiltIn for Destructive {
    const META: Meta = Meta {
        id: Borrowed("sql/destructive"),
        severity: Severity::Warn,
        confidence: Confidence::Likely,
        fix: FixAvailability::None,
        preset: Some(Preset::Recommended),
        doc: Borrowed(include_str!("../../../rules/sql/destructive/README.md")),
    };
}

impl Rule for Destructive {
    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        for key in ["pre-hook", "post-hook"] {
            let Some(set) = model.config.get(key) else {
                continue;
            };
            // A hook of dbt_project.yml is a hook of every model below it: reported once, there.
            if set.span.is_some_and(|s| s.file != model.file) && !is_of_model(model, set.span) {
                continue;
            }
            let span = set.span.unwrap_or(Span::whole(model.file));
            let value = set.value.as_ref().or(set.written.as_ref());
            for text in value.map_or(Vec::new(), hooks) {
                report(&text, key, span, sink);
            }
        }
        if model.python {
            return;
        }
        // What Jinja sends to the database while the model is compiled.
        let text = &cx.project.files.get(model.file).text;
        let (tokens, _) = jinja::lex(text);
        for token in tokens
            .iter()
            .filter(|t| t.kind != TokenKind::Text && t.kind != TokenKind::Comment)
        {
            let code = &text[token.inner.start as usize..token.inner.end as usize];
            if code.contains("run_query") || code.contains("statement") {
                let span = Span::new(
                    model.file,
                    token.range.start as usize,
                    token.range.end as usize,
                );
                report(code, "run_query", span, sink);
            }
        }
    }

    fn file(&self, cx: &Cx, file: FileId, sink: &mut Sink) {
        if cx.project.path(file) != "dbt_project.yml" {
            return;
        }
        let Some(root) = cx.project.yaml.get(&file).and_then(|y| y.root()) else {
            return;
        };
        for key in ["on-run-start", "on-run-end"] {
            let Some(node) = root.get(key).map(|n| n.resolve()) else {
                continue;
            };
            let one = node.as_str().map(|text| (text.to_owned(), node.span()));
            let many = node
                .items()
                .filter_map(|i| Some((i.as_str()?.to_owned(), i.span())));
            for (text, span) in one.into_iter().chain(many) {
                report(&text, key, span, sink);
            }
        }
    }
}

/// Does the place belong to the model's own entry in a property file?
fn is_of_model(model: &Node, span: Option<Span>) -> bool {
    let file = model.properties.as_ref().map(|p| p.file);
    span.is_some_and(|s| Some(s.file) == file)
}

/// The statements of a hook: a text, `{sql: …}`, or a list of them.
fn hooks(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(hooks).collect(),
        Value::Object(map) => map.get("sql").map_or(Vec::new(), hooks),
        _ => Vec::new(),
    }
}

static DROPS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?is)\b(drop\s+(?:table|schema|database|view|materialized\s+view|column)(?:\s+if\s+exists)?|truncate(?:\s+table)?(?:\s+if\s+exists)?|delete\s+from)\s+([^;]*)").ok()
});

fn report(text: &str, place: &str, span: Span, sink: &mut Sink) {
    let Some(drops) = &*DROPS else { return };
    for found in drops.captures_iter(text) {
        let (verb, rest) = (&found[1], &found[2]);
        let verb = verb
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .to_ascii_lowercase();
        let rest_lower = rest.to_ascii_lowercase();
        let is_temporary = ["tmp", "temp", "stage", "staging", "backup"]
            .iter()
            .any(|t| rest_lower.contains(t));
        let is_bounded = verb == "delete from" && rest_lower.contains("where");
        if is_temporary || is_bounded {
            continue;
        }
        let target: String = rest
            .split(['\'', '"', ';', '\n'])
            .next()
            .unwrap_or("")
            .trim()
            .to_owned();
        let message = format!(
            "`{verb} {target}` in `{place}`: every run removes data for good, in whatever target somebody runs it"
        );
        sink.push(Violation::new(span, message).symbol(format!("{verb} {target}")));
    }
}
