use crate::project::lineage::ColumnOf;
use crate::project::{Described, NodeId, ResourceType};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink};
use crate::violation::{Confidence, Severity, Violation};
use rustc_hash::{FxHashMap, FxHashSet};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
use std::borrow::Cow::Borrowed;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct DefinitionDrift {
    /// Two descriptions have drifted apart where they share less than this part, from 0 to 1, of
    /// the words of the shorter one.
    #[serde(deserialize_with = "share")]
    shared: f64,
    /// Descriptions of fewer telling words are compared for opposites only.
    min_words: usize,
}

fn share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let value = f64::deserialize(deserializer)?;
    match (0.0..=1.0).contains(&value) {
        true => Ok(value),
        false => Err(serde::de::Error::custom("a share lies between 0 and 1")),
    }
}

impl Default for DefinitionDrift {
    fn default() -> Self {
        Self {
            shared: 0.1,
            min_words: 4,
        }
    }
}

impl BuiltIn for DefinitionDrift {
    const META: Meta = Meta {
        id: Borrowed("doc/definition-drift"),
        severity: Severity::Info,
        confidence: Confidence::Heuristic,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!(
            "../../../rules/doc/definition-drift/README.md"
        )),
    };
}

impl Rule for DefinitionDrift {
    fn project(&self, cx: &Cx, sink: &mut Sink) {
        let all = cx.project.descriptions();
        let by_column: FxHashMap<(NodeId, String), &Described> = all
            .iter()
            .filter_map(|d| Some(((d.node, d.column?.to_ascii_lowercase()), d)))
            .collect();
        for own in &all {
            let model = cx.project.node(own.node);
            let Some(column) = own.column.filter(|c| !own.is_jinja() && !is_general(c)) else {
                continue;
            };
            if model.resource_type != ResourceType::Model {
                continue;
            }
            let same = |c: &&ColumnOf| c.column.eq_ignore_ascii_case(column);
            let ways = cx.lineage().passed_from(model.id, column);
            let key = |c: &ColumnOf| (c.node, c.column.to_ascii_lowercase());
            let above = ways.iter().take_while(same);
            let Some(other) = above.filter_map(|c| by_column.get(&key(c))).next() else {
                continue;
            };
            let parent = cx.project.node(other.node);
            if other.is_jinja() || !self.differ(own.text, other.text, column) {
                continue;
            }
            let message = format!(
                "`{column}` of `{}` is `{column}` of `{}` unchanged and is described as something else: nobody can tell which of the two descriptions holds",
                model.display_name(),
                parent.display_name()
            );
            let help = "write one description, in a `{% docs %}` block that both refer to, or give the column another name";
            let label = format!("the description in `{}`", parent.display_name());
            let violation = Violation::new(own.span, message)
                .help(help)
                .related(other.span, label)
                .symbol(column.to_lowercase());
            sink.push_on(Some(own.node), violation);
        }
    }
}

impl DefinitionDrift {
    fn differ(&self, a: &str, b: &str, column: &str) -> bool {
        let name: Vec<String> = words(column).collect();
        // The words of the name are in every description of it.
        let telling = |text: &str| -> FxHashSet<String> {
            words(text)
                .filter(|w| !STOP.contains(&&**w) && !name.contains(w))
                .collect()
        };
        let (a, b) = (telling(a), telling(b));
        let opposed = |(x, y): &(&str, &str)| {
            let says = |set: &FxHashSet<String>, this: &str, that: &str| {
                set.contains(this) && !set.contains(that)
            };
            (says(&a, x, y) && says(&b, y, x)) || (says(&a, y, x) && says(&b, x, y))
        };
        if OPPOSITES.iter().any(opposed) {
            return true;
        }
        let least = a.len().min(b.len());
        if least < self.min_words.max(1) {
            return false;
        }
        let common = a.iter().filter(|w| b.contains(*w)).count();
        (common as f64) < self.shared * least as f64
    }
}

/// A name that says only what sort of thing it is: what it means depends on the rows.
fn is_general(column: &str) -> bool {
    const GENERAL: [&str; 16] = [
        "amount",
        "category",
        "code",
        "count",
        "date",
        "day",
        "description",
        "id",
        "key",
        "label",
        "month",
        "name",
        "type",
        "value",
        "week",
        "year",
    ];
    GENERAL.iter().any(|g| column.eq_ignore_ascii_case(g))
}

/// Words in lower case, cut to a stem: `orders` is `order`.
fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    let words = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty());
    words.map(|w| {
        let w = w.to_lowercase();
        match w.strip_suffix('s') {
            Some(stem) if stem.chars().count() > 2 => stem.to_owned(),
            _ => w,
        }
    })
}

/// Of these one description may say the one and another the other only by mistake.
const OPPOSITES: &[(&str, &str)] = &[
    ("net", "gross"),
    ("include", "exclude"),
    ("including", "excluding"),
    ("before", "after"),
    ("first", "last"),
    ("earliest", "latest"),
    ("minimum", "maximum"),
    ("daily", "weekly"),
    ("daily", "monthly"),
    ("weekly", "monthly"),
];

/// Words that say nothing of what a column is.
const STOP: &[&str] = &[
    "a",
    "an",
    "and",
    "are",
    "as",
    "at",
    "be",
    "by",
    "column",
    "each",
    "field",
    "for",
    "from",
    "has",
    "have",
    "if",
    "in",
    "is",
    "it",
    "its",
    "of",
    "on",
    "or",
    "that",
    "the",
    "this",
    "to",
    "was",
    "were",
    "when",
    "where",
    "whether",
    "which",
    "who",
    "will",
    "with",
    "value",
    "id",
    "identifier",
    "unique",
    "key",
    "primary",
    "foreign",
    "model",
    "table",
    "record",
    "row",
];
