use crate::project::{Node, Project, ResourceType};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Rule, Sink};
use crate::text::Span;
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow::Borrowed;

/// Which numbers must agree.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct NoReconciliation {
    /// Pairs of nodes whose numbers must agree; none: the rule finds nothing.
    pairs: Vec<Pair>,
}

/// A node, and what is made of it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Pair {
    /// The model, seed or snapshot, or `source.table`, that the rows come from.
    source: String,
    /// The model that must hold them all.
    target: String,
    /// Columns whose totals must agree too.
    #[serde(default)]
    measures: Vec<String>,
    /// The column that both are compared by.
    #[serde(default)]
    partition: Option<String>,
    /// The test must state a tolerance as a number.
    #[serde(default)]
    tolerance: bool,
}

impl BuiltIn for NoReconciliation {
    const META: Meta = Meta {
        id: Borrowed("test/no-reconciliation"),
        severity: Severity::Warn,
        confidence: Confidence::Likely,
        fix: FixAvailability::None,
        preset: None,
        doc: Borrowed(include_str!(
            "../../../rules/test/no-reconciliation/README.md"
        )),
    };
}

impl Rule for NoReconciliation {
    fn project(&self, cx: &Cx, sink: &mut Sink) {
        for pair in &self.pairs {
            let named = |name: &str| {
                let mut nodes = cx.project.nodes.iter();
                nodes.find(|n| {
                    let kind = n.resource_type;
                    (kind.is_refable() || kind == ResourceType::Source)
                        && !n.is_disabled()
                        && n.display_name() == name
                })
            };
            let (Some(source), Some(target)) = (named(&pair.source), named(&pair.target)) else {
                continue;
            };
            if let Some(message) = missing(cx.project, pair, source, target) {
                let properties = target.properties.as_ref();
                let place = properties.map_or(Span::whole(target.file), |p| p.name_span);
                let found =
                    Violation::new(place, message).related(source.place, "its rows come from here");
                sink.push_on(Some(target.id), found.symbol(pair.source.clone()));
            }
        }
    }
}

/// Tests that read both, with what they say.
fn comparisons<'p>(project: &'p Project, source: &Node, target: &Node) -> Vec<Compared<'p>> {
    let children = project.graph.children(target.id).into_iter();
    let tests = children
        .map(|id| project.node(id))
        .filter(|n| n.resource_type == ResourceType::Test && !n.is_disabled());
    let both = tests.filter(|t| project.parents_of(t.id).iter().any(|p| p.id == source.id));
    both.filter(|t| {
        // A foreign key points at the other node and compares nothing with it.
        t.test
            .as_ref()
            .is_none_or(|g| !g.name.contains("relationship"))
    })
    .map(|test| Compared {
        text: match &test.test {
            Some(_) => arguments(project, [source, target], test),
            None => project.files.get(test.file).text.to_lowercase(),
        },
        test,
    })
    .collect()
}

struct Compared<'p> {
    text: String,
    test: &'p Node,
}

/// The arguments of a generic test, as text.
fn arguments(project: &Project, nodes: [&Node; 2], test: &Node) -> String {
    let properties = nodes.iter().filter_map(|n| n.properties.as_ref());
    let mut tests = properties.flat_map(|p| p.all_tests());
    let found = tests.find(|(_, t)| t.span == test.place);
    let text = found.map_or(String::new(), |(_, t)| {
        Value::Object(t.args.clone()).to_string()
    });
    let shown = project.text(test.place);
    format!("{shown} {text}").to_lowercase()
}

fn missing(project: &Project, pair: &Pair, source: &Node, target: &Node) -> Option<String> {
    let (from, to) = (source.display_name(), target.display_name());
    let tests = comparisons(project, source, target);
    if tests.is_empty() {
        return Some(format!(
            "no test compares `{to}` with `{from}`, which it is to agree with: rows lost on the way are missed by nobody"
        ));
    }
    let says = |word: &str| {
        tests
            .iter()
            .any(|t| has_word(&t.text, &word.to_lowercase()))
    };
    let lost: Vec<String> = pair
        .measures
        .iter()
        .filter(|m| !says(m))
        .map(|m| format!("`{m}`"))
        .collect();
    if !lost.is_empty() {
        return Some(format!(
            "no test compares the totals of {} in `{to}` with `{from}`: equal counts hide unequal sums",
            lost.join(", ")
        ));
    }
    if let Some(partition) = pair.partition.as_deref().filter(|p| !says(p)) {
        return Some(format!(
            "`{to}` is compared with `{from}` as a whole, not by `{partition}`: a doubled day and a lost day cancel out"
        ));
    }
    let has_number = |t: &Compared| t.text.chars().any(|c| c.is_ascii_digit());
    let set = |t: &Compared| {
        let keys = ["error_if", "warn_if"];
        keys.iter().any(|k| t.test.config.get(k).is_some())
    };
    if pair.tolerance && !tests.iter().any(|t| has_number(t) || set(t)) {
        return Some(format!(
            "the comparison of `{to}` with `{from}` states no tolerance as a number: what may differ is left to whoever looks"
        ));
    }
    None
}

fn has_word(text: &str, word: &str) -> bool {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    text.match_indices(word).any(|(at, _)| {
        !is_part(text[..at].chars().next_back()) && !is_part(text[at + word.len()..].chars().next())
    })
}
