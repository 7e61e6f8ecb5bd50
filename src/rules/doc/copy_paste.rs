use crate::project::{Described, NodeId, Project, ResourceType};
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
        let mut models: FxHashMap<String, &Described> = FxHashMap::default();
        let all = cx.project.descriptions();
        for described in all.iter().filter(|d| !d.is_jinja() && !d.is_alias) {
            let text = words(described.text);
            if text.split(' ').count() < self.min_words {
                continue;
            }
            let node = cx.project.node(described.node);
            let first = match described.column {
                Some(_) => *columns.entry((node.id.0, text)).or_insert(described),
                // What stages a table may say what the table says.
                None if node.resource_type != ResourceType::Model => continue,
                None => *models.entry(text).or_insert(described),
            };
            if first.span != described.span
                && let Some((node, finding)) = judge(cx.project, first, described)
            {
                sink.push_on(Some(node), finding);
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

/// Two things have one text. It was copied and not changed where it speaks of the one by its name
/// and not of the other; a text that is too general for both is no copy.
fn judge(project: &Project, first: &Described, second: &Described) -> Option<(NodeId, Violation)> {
    let name = |d: &Described| match d.column {
        Some(column) => column.to_owned(),
        None => project.node(d.node).display_name(),
    };
    let (one, two) = (name(first), name(second));
    let text = words(first.text);
    let said: Vec<&str> = text.split(' ').collect();
    let (a, b) = (words(&one), words(&two));
    let (of_one, of_two) = (own_words(&a, &b), own_words(&b, &a));
    let says = |word: &&str| said.iter().any(|s| same_word(s, word));
    let only = |of: &[&str], other: &[&str]| {
        !of.is_empty() && !other.is_empty() && of.iter().all(&says) && !other.iter().any(&says)
    };
    let (wrong, right, of, other) = match (only(&of_one, &of_two), only(&of_two, &of_one)) {
        (true, false) => (second, first, two, one),
        (false, true) => (first, second, one, two),
        _ => return None,
    };
    let place = match wrong.column {
        Some(_) => format!("`{of}` of `{}`", project.node(wrong.node).display_name()),
        None => format!("`{of}`"),
    };
    let message = format!(
        "the description of {place} is that of `{other}`, word for word: it was copied and speaks of the other one"
    );
    let violation = Violation::new(wrong.span, message)
        .related(right.span, format!("the description of `{other}`"))
        .symbol(of.to_lowercase());
    Some((wrong.node, violation))
}

/// The words of a name that are not in the other one: `created` of `created_at` beside `shipped_at`.
fn own_words<'n>(name: &'n str, other: &str) -> Vec<&'n str> {
    let there: Vec<&str> = other.split(' ').collect();
    let own = |w: &&str| w.chars().count() > 2 && !there.iter().any(|t| same_word(t, w));
    name.split(' ').filter(own).collect()
}

/// `date` is in `datetime`, `order` in `orders`.
fn same_word(a: &str, b: &str) -> bool {
    let short = a.len().min(b.len());
    a == b || (short > 3 && (a.starts_with(b) || b.starts_with(a)))
}
