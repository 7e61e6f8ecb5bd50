//! rule.yaml as it is written.

use super::message::Template;
use super::read::{at, entries, text, unknown};
use crate::syntax::yaml::{self, At, DeError, Node};
use crate::text::Span;
use crate::violation::{Applicability, Confidence, Severity};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, Deserializer, IgnoredAny};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A declared rule: what it judges, what it forbids or requires, and the proof that it does.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)] // Some parts are only named here, and read by hand.
pub(super) struct RuleFile {
    /// `ap/kebab-case`.
    pub(super) id: At<String>,
    /// What it finds, in one sentence.
    pub(super) summary: At<String>,
    /// The severity of its findings where nothing else is configured.
    pub(super) severity: Severity,
    /// How sure its findings are. Default: likely.
    #[serde(default)]
    pub(super) confidence: Option<Confidence>,
    /// The layer of the models it judges, by role: short for `select: {layer: …}`.
    #[serde(default)]
    pub(super) layer: Option<At<String>>,
    /// Which subjects it judges; every model where it is absent.
    #[serde(default)]
    pub(super) select: Option<Select>,
    /// Each match is a finding. A rule has either this or `require`.
    #[serde(default)]
    pub(super) forbid: Option<Condition>,
    /// A subject for which it does not hold is a finding.
    #[serde(default)]
    pub(super) require: Option<Condition>,
    /// Values that a configuration may replace: `name: &name value`, used as `*name`.
    #[serde(default)]
    pub(super) options: Option<serde_json::Map<String, serde_json::Value>>,
    /// What is wrong and why it matters; `$X` and `{name}` are filled in.
    pub(super) message: At<String>,
    /// How to mend a match of `forbid`.
    #[serde(default)]
    pub(super) fix: Option<FixFile>,
    /// The code that caused the incident, in short.
    #[serde(default)]
    pub(super) code: Option<At<String>>,
    /// When it happens.
    #[serde(default)]
    pub(super) scenario: Option<At<String>>,
    /// What was seen.
    #[serde(default)]
    pub(super) phenomenon: Option<At<String>>,
    /// Why.
    #[serde(default)]
    pub(super) root_cause: Option<At<String>>,
    /// What to do instead.
    #[serde(default)]
    pub(super) mitigation: Option<At<String>>,
    /// The incident, as a link or a path.
    #[serde(default)]
    pub(super) incident: Option<String>,
    /// The proof: what it must find, and what it must leave alone.
    #[serde(default)]
    pub(super) examples: Option<ExamplesFile>,
}

/// What replaces a match.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
pub(super) struct FixFile {
    /// The new text; `$X` is filled in.
    pub(super) replace: At<String>,
    /// May it be applied without a person? safe only where `examples.fixed` proves it. Default:
    /// suggested.
    #[serde(default)]
    pub(super) applicability: Option<Applicability>,
    /// What it does, as an imperative.
    #[serde(default)]
    pub(super) title: Option<String>,
}

/// Parts that are read by hand: their keys depend on one another.
macro_rules! by_hand {
    ($name:ident, $schema:path) => {
        #[derive(Debug)]
        pub(super) struct $name;

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                IgnoredAny::deserialize(deserializer)?;
                Ok($name)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                $schema(generator)
            }
        }
    };
}

by_hand!(Select, super::schema::select);
by_hand!(Condition, super::schema::condition);
by_hand!(ExamplesFile, super::schema::examples);

/// A small project that proves something of a rule.
#[derive(Debug, Clone)]
pub(crate) struct Example {
    pub(crate) body: Body,
    /// harness-lint.yml of it, beyond the rule.
    pub(crate) knows: Option<String>,
    /// Where it stands in the rule file.
    pub(crate) span: Span,
}

#[derive(Debug, Clone)]
pub(crate) enum Body {
    /// The SQL of one model.
    Sql(String),
    /// Files by path.
    Files(BTreeMap<String, String>),
}

/// The proof of a rule.
#[derive(Debug, Clone, Default)]
pub(crate) struct Examples {
    pub(crate) bad: Vec<Example>,
    pub(crate) good: Vec<Example>,
    /// What the fix makes of each `bad`, in order.
    pub(crate) fixed: Vec<Example>,
}

/// Each example is a run of its own.
const MAX_EXAMPLES: usize = 50;

impl Examples {
    pub(super) fn read(node: Node) -> Result<Self, DeError> {
        let mut out = Self::default();
        let all = entries(node)?;
        let knows = all.iter().find(|(_, n, _)| *n == "knows");
        let knows = knows.map(|(_, _, v)| config_text(*v)).transpose()?;
        for (key, name, value) in all {
            let list = match name {
                "bad" => &mut out.bad,
                "good" => &mut out.good,
                "fixed" => &mut out.fixed,
                "knows" => continue,
                _ => return Err(unknown(key, "key", ["bad", "good", "fixed", "knows"])),
            };
            let items: Vec<Node> = match value.is_sequence() {
                true => value.items().map(Node::resolve).collect(),
                false => vec![value],
            };
            if items.len() > MAX_EXAMPLES {
                let message = format!("more than {MAX_EXAMPLES} examples");
                return Err(at(value, message));
            }
            for item in items {
                list.push(example(item, knows.as_ref())?);
            }
        }
        Ok(out)
    }
}

fn example(node: Node, knows: Option<&String>) -> Result<Example, DeError> {
    let mut out = Example {
        body: Body::Files(BTreeMap::new()),
        knows: knows.cloned(),
        span: node.span(),
    };
    if !node.is_mapping() {
        out.body = Body::Sql(text(node)?);
        return Ok(out);
    }
    for (key, name, value) in entries(node)? {
        match name {
            "sql" => out.body = Body::Sql(text(value)?),
            "files" => {
                let mut files = BTreeMap::new();
                for (key, path, value) in entries(value)? {
                    let inside = !path.starts_with(['/', '\\'])
                        && !path.contains(':')
                        && path
                            .split(['/', '\\'])
                            .all(|p| !matches!(p, ".." | "." | ""));
                    if !inside {
                        return Err(super::read::refused(key, "is no path below the project"));
                    }
                    files.insert(path.to_owned(), text(value)?);
                }
                out.body = Body::Files(files);
            }
            "knows" => out.knows = Some(config_text(value)?),
            _ => return Err(unknown(key, "key", ["sql", "files", "knows"])),
        }
    }
    match &out.body {
        Body::Files(files) if files.is_empty() => Err(at(node, "the example has no file")),
        _ => Ok(out),
    }
}

/// Configuration as a text of its own.
fn config_text(node: Node) -> Result<String, DeError> {
    entries(node)?;
    serde_json::to_string(&node.to_json()).map_err(|e| at(node, e.to_string()))
}

/// What mends a match.
#[derive(Debug, Clone)]
pub(super) struct FixPlan {
    pub(super) replace: Template,
    pub(super) applicability: Applicability,
    pub(super) title: String,
}

/// Reads the file's own keys; parts that depend on one another come after.
pub(super) fn header(root: Node) -> Result<RuleFile, DeError> {
    yaml::from_node(root)
}
