use crate::project::{Described, Project};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink};
use crate::violation::{Confidence, Severity, Violation};
use rustc_hash::FxHashMap;
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CopyPaste {
    /// Descriptions of fewer words are not compared.
    min_words: usize,
}

impl Default for CopyPaste {
    fn default() -> Self {
        Self { min_words: 4 }
    }
}

impl BuiltIn for CopyPaste {
    const META: Meta = Meta {
        id: Borrowed("doc/copy-paste"),
        severity: Severity::Info,
        confidence: Confidence::Heuristic,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!("../../../rules/doc/copy-paste/README.md")),
    };
}

impl Rule for CopyPaste {
    fn project(&self, cx: &Cx, sink: &mut Sink) {
        let mut columns: FxHashMap<(u32, String), &Described> = FxHashMap::default();
        let mut nodes: FxHashMap<String, &Described> = FxHashMap::default();
        let all = cx.project.descriptions();
        for described in all.iter().filter(|d| !d.is_jinja() && !d.is_alias) {
            let text = words(described.text);
            if text.split(' ').count() < self.min_words {
                continue;
            }
            let Some(column) = described.column else {
                match nodes.get(&text) {
                    Some(first) => {
                        let finding = of_nodes(cx.project, first, described);
                        sink.push_on(Some(described.node), finding);
                    }
                    None => {
                        nodes.insert(text, described);
                    }
                }
                continue;
            };
            let key = (described.node.0, text);
            match columns.get(&key) {
                Some(first) => {
                    if let Some(finding) = of_columns(cx.project, first, described, column) {
                        sink.push_on(Some(described.node), finding);
                    }
                }
                None => {
                    columns.insert(key, described);
                }
            }
        }
    }
}

fn words(text: &str) -> String {
    let words = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

fn of_nodes(project: &Project, first: &Described, second: &Described) -> Violation {
    let (a, b) = (
        project.node(first.node).display_name(),
        project.node(second.node).display_name(),
    );
    let message = format!(
        "`{b}` has the same description as `{a}`, word for word: it was copied, and nothing says in what the two differ"
    );
    Violation::new(second.span, message)
        .related(first.span, format!("the description of `{a}`"))
        .symbol("description")
}

/// The name of the one stands in the text, and that of the other does not: the text was copied and
/// not changed. Two columns that share a general text say too little at most.
fn of_columns(
    project: &Project,
    first: &Described,
    second: &Described,
    column: &str,
) -> Option<Violation> {
    let one = first.column?;
    let text = words(second.text);
    let said: Vec<&str> = text.split(' ').collect();
    let (a, b) = (words(one), words(column));
    let own = |name: &str, other: &str| -> Vec<String> {
        let there: Vec<&str> = other.split(' ').collect();
        let own = name
            .split(' ')
            .filter(|w| !there.contains(w) && w.chars().count() > 2);
        own.map(str::to_owned).collect()
    };
    let (of_a, of_b) = (own(&a, &b), own(&b, &a));
    let names =
        |words: &[String]| !words.is_empty() && words.iter().all(|w| said.contains(&w.as_str()));
    let speaks_of = |words: &[String]| words.iter().any(|w| said.contains(&w.as_str()));
    let wrong = match (
        names(&of_a) && !of_b.is_empty() && !speaks_of(&of_b),
        names(&of_b) && !of_a.is_empty() && !speaks_of(&of_a),
    ) {
        (true, false) => (second, column, one),
        (false, true) => (first, one, column),
        _ => return None,
    };
    let (at, of, other) = wrong;
    let message = format!(
        "the description of `{of}` in `{}` is that of `{other}`, word for word: it was copied and speaks of the other column",
        project.node(second.node).display_name()
    );
    let rest = if at.span == second.span {
        first
    } else {
        second
    };
    Some(
        Violation::new(at.span, message)
            .related(rest.span, format!("the description of `{other}`"))
            .symbol(of.to_lowercase()),
    )
}
