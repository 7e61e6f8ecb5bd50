use crate::project::{Column, Constraint, DataTest, Node, Properties};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink};
use crate::syntax::sql::Dialect;
use crate::text::Span;
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow::Borrowed;

/// What counts as proof of a primary key.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Pk {
    /// Lists of test names; all tests of one list on one column, or on the model itself, are proof.
    /// A name with its package (`dbt_constraints.primary_key`) means that package's test only.
    macros: Vec<Vec<String>>,
}

impl Default for Pk {
    fn default() -> Self {
        let list = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
        Self {
            macros: vec![
                list(&["unique", "not_null"]),
                list(&["unique_combination_of_columns"]),
                list(&["expect_compound_columns_to_be_unique"]),
            ],
        }
    }
}

impl BuiltIn for Pk {
    const META: Meta = Meta {
        id: Borrowed("test/pk"),
        severity: Severity::Warn,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Minimal),
        doc: Borrowed(include_str!("../../../rules/test/pk/README.md")),
    };
}

impl Rule for Pk {
    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        if model.properties_lost {
            return;
        }
        let dialect = cx.project.dialect.dialect;
        let properties = model.properties.as_ref();
        if properties.is_some_and(|p| self.is_proven(model, p, dialect)) {
            return;
        }
        let span = properties.map_or(Span::whole(model.file), |p| p.name_span);
        let mut message = format!(
            "`{}` has no test of its primary key: rows that double or lose their key are noticed only when a number is wrong",
            model.display_name()
        );
        let mut found = match guess(model) {
            Some(Guess { key, evidence }) => {
                message.push_str(&format!("; {evidence}"));
                Violation::new(span, message).help(advice(&key))
            }
            None => Violation::new(span, message),
        };
        found.symbol = Some("primary key".to_owned());
        sink.push(found);
    }
}

impl Pk {
    fn is_proven(&self, model: &Node, properties: &Properties, dialect: Dialect) -> bool {
        let enforced = has_enforced_key(model, properties, dialect);
        enforced || self.macros.iter().any(|list| all_hold(list, properties))
    }
}

/// Do all tests of a list stand on one column, or on the model itself? A `not_null` constraint
/// does for the test.
fn all_hold(list: &[String], properties: &Properties) -> bool {
    if list.is_empty() {
        return false;
    }
    let on_model: Vec<&DataTest> = properties.tests.iter().filter(|t| t.runs()).collect();
    let holds = |wanted: &String, tests: &[&DataTest]| tests.iter().any(|t| t.is(wanted));
    if list.iter().all(|wanted| holds(wanted, &on_model)) {
        return true;
    }
    properties.tested_names().iter().any(|name| {
        let tests = properties.tests_of(name);
        let not_null = properties.has_constraint(name, "not_null");
        list.iter()
            .all(|wanted| holds(wanted, &tests) || (not_null && is_named(wanted, "not_null")))
    })
}

fn is_named(wanted: &str, name: &str) -> bool {
    plain(wanted.rsplit('.').next().unwrap_or(wanted)) == name
}

fn plain(name: &str) -> String {
    name.strip_prefix("test_").unwrap_or(name).to_owned()
}

/// A primary key that the platform itself keeps.
fn has_enforced_key(model: &Node, properties: &Properties, dialect: Dialect) -> bool {
    let is_key = |c: &Constraint| c.kind == "primary_key";
    let mut columns = properties.columns.iter();
    let has_key = properties.constraints.iter().any(is_key)
        || columns.any(|c| c.constraints.iter().any(is_key));
    has_key && model.keeps_keys(dialect)
}

/// The key a model probably has.
struct Guess {
    key: Vec<String>,
    evidence: String,
}

fn advice(key: &[String]) -> String {
    match key {
        [one] => format!("give the column `{one}` the tests `unique` and `not_null` in YAML"),
        several => format!(
            "give the model the test `dbt_utils.unique_combination_of_columns` over {}",
            several.join(", ")
        ),
    }
}

/// By `unique_key`, by a column that is half tested, by a documented column's name.
fn guess(model: &Node) -> Option<Guess> {
    by_unique_key(model).or_else(|| {
        let properties = model.properties.as_ref()?;
        half_tested(properties).or_else(|| by_name(model, properties))
    })
}

fn by_unique_key(model: &Node) -> Option<Guess> {
    let is_column = |c: &str| !c.is_empty() && c.chars().all(|c| c.is_alphanumeric() || c == '_');
    let key: Vec<String> = match model.config.get("unique_key")?.value.as_ref()? {
        Value::String(one) => one.split(',').map(|c| c.trim().to_owned()).collect(),
        Value::Array(list) => list
            .iter()
            .map(|c| c.as_str().map(str::to_owned))
            .collect::<Option<_>>()?,
        _ => return None,
    };
    if key.is_empty() || !key.iter().all(|c| is_column(c)) {
        return None;
    }
    let evidence = format!("its `unique_key` is {}", quoted(&key));
    Some(Guess { key, evidence })
}

fn quoted(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|n| format!("`{n}`")).collect();
    names.join(", ")
}

fn half_tested(properties: &Properties) -> Option<Guess> {
    let with = |name: &str| -> Vec<String> {
        let has = |c: &&Column| c.tests.iter().any(|t| t.runs() && t.is(name));
        let columns = properties.columns.iter().filter(has);
        columns.map(|c| c.name.value.clone()).collect()
    };
    let of = |column: &String, has: &str, lacks: &str| Guess {
        evidence: format!("`{column}` has `{has}` but not `{lacks}`"),
        key: vec![column.clone()],
    };
    // Many columns are never null and no key.
    let filled: Vec<String> = with("not_null")
        .into_iter()
        .filter(|c| is_keyish(c))
        .collect();
    match (&with("unique")[..], &filled[..]) {
        ([first, ..], _) => Some(of(first, "unique", "not_null")),
        ([], [one]) => Some(of(one, "not_null", "unique")),
        _ => None,
    }
}

fn is_keyish(column: &str) -> bool {
    let column = column.to_lowercase();
    column == "id"
        || ["_id", "_sk", "_pk", "_key"]
            .iter()
            .any(|end| column.ends_with(end))
}

/// `<entity>_id`, `<entity>_sk`, `<entity>_key`, `id`; else the only surrogate key there is.
fn by_name(model: &Node, properties: &Properties) -> Option<Guess> {
    let columns: Vec<&String> = properties.columns.iter().map(|c| &c.name.value).collect();
    let find = |wanted: &str| columns.iter().find(|c| c.eq_ignore_ascii_case(wanted));
    let entities = entities(&model.name);
    let endings = ["sk", "pk", "key", "id"];
    let of_entity = entities
        .iter()
        .flat_map(|e| endings.iter().map(move |end| format!("{e}_{end}")));
    let surrogates: Vec<&&String> = columns
        .iter()
        .filter(|c| c.to_lowercase().ends_with("_sk"))
        .collect();
    let column = of_entity
        .chain(["id".to_owned()])
        .find_map(|wanted| find(&wanted).copied())
        .or(match surrogates[..] {
            [one] => Some(one),
            _ => None,
        })?;
    Some(Guess {
        key: vec![column.clone()],
        evidence: format!("by its name the key is `{column}`"),
    })
}

/// What a model is about, by its name: `stg_erp__orders` is about `orders` and `order`.
fn entities(name: &str) -> Vec<String> {
    let name = name.to_lowercase();
    let tail = match name.rsplit_once("__") {
        Some((_, tail)) => tail,
        None => name.split_once('_').map_or(name.as_str(), |(_, tail)| tail),
    };
    let mut all = vec![name.clone(), tail.to_owned()];
    for word in [&name[..], tail] {
        if let Some(stem) = word.strip_suffix("ies") {
            all.push(format!("{stem}y"));
        } else if let Some(stem) = word.strip_suffix('s') {
            all.push(stem.to_owned());
        }
    }
    all
}
