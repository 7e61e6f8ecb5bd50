use crate::project::{Described, Project};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Reach, Rule, Sink};
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Placeholder {
    /// More words that stand for a description that is yet to be written.
    words: Vec<String>,
}

impl BuiltIn for Placeholder {
    const META: Meta = Meta {
        id: Borrowed("doc/placeholder"),
        severity: Severity::Warn,
        confidence: Confidence::Likely,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!("../../../rules/doc/placeholder/README.md")),
    };
}

/// What people write when they mean to write something later. The whole description, without its
/// punctuation and in lower case.
const EMPTY_WORDS: &[&str] = &[
    "todo",
    "tbd",
    "tba",
    "tbc",
    "fixme",
    "xxx",
    "na",
    "n a",
    "none",
    "null",
    "unknown",
    "placeholder",
    "description",
    "a description",
    "description here",
    "add description",
    "add description here",
    "insert description here",
    "enter description here",
    "your description here",
    "description goes here",
    "description to be added",
    "description tbd",
    "description todo",
    "fill in",
    "fill me in",
    "to be added",
    "to be completed",
    "to be defined",
    "to be determined",
    "to be documented",
    "to be filled in",
    "to do",
    "coming soon",
    "missing",
    "missing description",
    "no description",
    "no description available",
    "no description provided",
    "needs description",
    "undocumented",
    "test",
    "asdf",
    "foo",
    "lorem ipsum",
];

/// With what a note to oneself begins.
const NOTES: &[&str] = &["todo:", "todo ", "tbd:", "fixme:", "lorem ipsum "];

/// Who writes this has looked for a description and found none.
const GAPS: &[&str] = &[
    "no description available",
    "no description provided",
    "description not available",
];

impl Rule for Placeholder {
    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn project(&self, cx: &Cx, sink: &mut Sink) {
        for described in cx.project.descriptions().iter().filter(|d| !d.is_jinja()) {
            if let Some(violation) = self.judge(cx.project, described) {
                sink.push_on(Some(described.node), violation);
            }
        }
    }
}

impl Placeholder {
    fn judge(&self, project: &Project, described: &Described) -> Option<Violation> {
        let text = described.text.trim().to_lowercase();
        let words: Vec<&str> = text
            .split(|c: char| !c.is_alphanumeric())
            .filter(|w| !w.is_empty())
            .collect();
        let words = words.join(" ");
        let own = || self.words.iter().any(|w| w.trim().to_lowercase() == text);
        let empty = words.is_empty()
            || EMPTY_WORDS.contains(&&*words)
            || NOTES.iter().any(|n| text.starts_with(n))
            || GAPS.iter().any(|g| words.ends_with(g))
            || own();
        let node = project.node(described.node);
        let subject = match described.column {
            Some(column) => format!("the column `{column}` of `{}`", node.display_name()),
            None => format!("`{}`", node.display_name()),
        };
        // What else should the column `descr` be?
        let is_one = words == "description"
            && described
                .column
                .is_some_and(|c| c.to_lowercase().contains("desc"));
        if !empty || is_one {
            return None;
        }
        let shown: String = described.text.trim().chars().take(40).collect();
        let message = format!(
            "the description of {subject} is a placeholder, `{shown}`: it counts as documented, and nobody comes back to it"
        );
        let symbol = described.column.unwrap_or("description").to_owned();
        Some(Violation::new(described.span, message).symbol(symbol))
    }
}
