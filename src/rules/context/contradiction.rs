use crate::project::Document;
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Rule, Sink, Subject};
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// What was decided.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Contradiction {
    /// What was decided, once for all documents; none: the rule finds nothing.
    decisions: Vec<Decision>,
}

/// A decision.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Decision {
    /// What is decided, as documents call it: `reporting currency`.
    key: String,
    /// What it is.
    value: String,
}

impl BuiltIn for Contradiction {
    const META: Meta = Meta {
        id: Borrowed("context/contradiction"),
        severity: Severity::Warn,
        confidence: Confidence::Likely,
        fix: FixAvailability::None,
        preset: None,
        doc: Borrowed(include_str!(
            "../../../rules/context/contradiction/README.md"
        )),
    };
}

impl Rule for Contradiction {
    fn subject(&self) -> Subject {
        Subject::Documents
    }

    fn project(&self, cx: &Cx, sink: &mut Sink) {
        for document in &cx.project.knowledge.documents {
            let text = &cx.project.files.get(document.file).text;
            for decision in self.decisions.iter().filter(|d| !d.key.trim().is_empty()) {
                judge(document, text, decision, sink);
            }
        }
    }
}

/// Lines `key: value`, `key = value`, `key | value`, whatever their markup.
fn judge(document: &Document, text: &str, decision: &Decision, sink: &mut Sink) {
    let key = plain(&decision.key);
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let Some((said, value)) = statement(line) else {
            continue;
        };
        let plainly = plain(value);
        if said != key || plainly.is_empty() || agrees(&plainly, &plain(&decision.value)) {
            continue;
        }
        let lead = line.len() - line.trim_start().len();
        let range = start + lead..start + line.trim_end().len();
        let message = format!(
            "`{}` is `{value}` here, but it was decided to be `{}`: whoever reads only this page builds the other thing",
            decision.key, decision.value
        );
        sink.push(Violation::new(document.span(&range), message).symbol(decision.key.clone()));
    }
}

fn statement(line: &str) -> Option<(String, &str)> {
    let line = line.trim().trim_matches('|');
    let (key, value) = line.split_once([':', '=', '|'])?;
    let value = value.trim_matches(['*', '`', '"', '\'', '|', ' ']);
    Some((plain(key), value))
}

/// Lower case, without markup, blanks and separators as one blank.
fn plain(text: &str) -> String {
    let text = text
        .replace(['*', '`', '"', '\'', '>', '#', '|'], " ")
        .to_lowercase();
    let text = text
        .trim()
        .trim_start_matches(['-', ' '])
        .trim_end_matches(['.', ' ']);
    let words = text.split(|c: char| c.is_whitespace() || matches!(c, '_' | '-'));
    words
        .filter(|w| !w.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// The value itself, or the value and a remark.
fn agrees(said: &str, decided: &str) -> bool {
    let rest = said.strip_prefix(decided);
    rest.is_some_and(|r| !r.starts_with(|c: char| c.is_alphanumeric()))
}
