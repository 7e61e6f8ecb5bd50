use crate::project::{Constraint, DataTest, Node, Project, Properties};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Reach, Rule, Sink};
use crate::syntax::sql::Dialect;
use crate::syntax::yaml::edit;
use crate::text::Span;
use crate::violation::{Applicability, Confidence, Edit, Fix, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
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
        fix: FixAvailability::Sometimes,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!("../../../rules/test/pk/README.md")),
    };
}

impl Rule for Pk {
    fn reach(&self) -> Reach {
        Reach::Near
    }

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
        let mut found = match cx.project.key_of(cx.lineage(), model) {
            Some(key) => {
                message.push_str(&format!("; {}", key.evidence));
                let found = Violation::new(span, message).help(advice(&key.columns));
                match fix(cx.project, model, &key.columns) {
                    Some(fix) => found.fix(fix),
                    None => found,
                }
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
/// does for the test, and so do columns that are filled for an expression of them.
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
        let not_null =
            properties.has_constraint(name, "not_null") || properties.is_filled_expression(name);
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

fn advice(key: &[String]) -> String {
    match key {
        [one] => format!("give the column `{one}` the tests `unique` and `not_null` in YAML"),
        several => format!(
            "give the model the test `dbt_utils.unique_combination_of_columns` over {}",
            several.join(", ")
        ),
    }
}

/// The tests of a key of one column, in the model's entry. Suggested: the key is a guess, and a test
/// that is new may fail.
fn fix(project: &Project, model: &Node, key: &[String]) -> Option<Fix> {
    let ([name], Some(properties)) = (key, &model.properties) else {
        return None;
    };
    // The entry of a version says only what differs from the others.
    if model.version.is_some() || name.contains([':', '#', '\'', '"', '\n']) {
        return None;
    }
    let text = &project.files.get(properties.file).text;
    let entry = project.entry(model)?;
    let list = match text.contains("data_tests:") || !text.contains("tests:") {
        true => "data_tests",
        false => "tests",
    };
    let mut columns = properties.columns.iter();
    let known = columns.find(|c| c.name.value.eq_ignore_ascii_case(name));
    let (at, insert) = match known {
        Some(column) => {
            let has = |wanted: &str| column.tests.iter().any(|t| t.short_name() == wanted);
            let missing = ["unique", "not_null"].into_iter().filter(|t| !has(t));
            let items: Vec<String> = missing.map(|t| format!("- {t}")).collect();
            let node = entry.yaml().node(column.entry);
            let own = ["data_tests", "tests"].iter().find_map(|key| node.get(key));
            if items.is_empty() {
                return None;
            }
            match own.filter(|n| !n.is_null()) {
                Some(tests) => edit::append(text, tests, &items)?,
                None if own.is_some() => return None,
                None => {
                    let items = items.iter().map(|i| format!("  {i}"));
                    let lines: Vec<String> =
                        std::iter::once(format!("{list}:")).chain(items).collect();
                    edit::append(text, node, &lines)?
                }
            }
        }
        None => {
            let column = [
                format!("- name: {name}"),
                format!("  {list}:"),
                "    - unique".to_owned(),
                "    - not_null".to_owned(),
            ];
            match entry.get("columns") {
                Some(columns) if columns.is_sequence() => edit::append(text, columns, &column)?,
                Some(_) => return None,
                None => {
                    let column = column.iter().map(|line| format!("  {line}"));
                    let lines: Vec<String> = std::iter::once("columns:".to_owned())
                        .chain(column)
                        .collect();
                    edit::append(text, entry, &lines)?
                }
            }
        }
    };
    Some(Fix {
        title: format!("test that `{name}` is unique and filled"),
        applicability: Applicability::Suggested,
        edits: vec![Edit {
            span: Span::new(properties.file, at, at),
            text: insert,
        }],
    })
}
