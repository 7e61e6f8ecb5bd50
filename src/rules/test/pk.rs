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
        let proof = Proof {
            project: cx.project,
            lists: &self.macros,
        };
        if properties.is_some_and(|p| proof.holds(model, p, dialect)) {
            return;
        }
        let span = properties.map_or(Span::whole(model.file), |p| p.name_span);
        let mut found = match proof.unfilled(model, dialect) {
            Some(half) => only_unique(cx.project, model, &half, span),
            None => untested(cx, model, span),
        };
        found.symbol = Some("primary key".to_owned());
        sink.push(found);
    }
}

/// Nothing shows that rows are unique.
fn untested(cx: &Cx, model: &Node, span: Span) -> Violation {
    let key = cx.project.key_of(cx.lineage(), model);
    let said = match &key {
        Some(key) => &key.evidence,
        None => "no column is evidently the key",
    };
    let message = format!(
        "`{}` has no test of its primary key: rows that double or lose their key are noticed only when a number is wrong; {said}",
        model.display_name()
    );
    let found = Violation::new(span, message);
    let Some(key) = key else { return found };
    let found = found.help(advice(&key.columns));
    match fix(cx.project, model, &key.columns, &["unique", "not_null"]) {
        Some(fix) => found.fix(fix),
        None => found,
    }
}

/// Columns that are shown to be unique, but not to be filled.
struct Half {
    columns: Vec<String>,
    /// What shows it, as the start of a clause.
    by: &'static str,
}

fn only_unique(project: &Project, model: &Node, half: &Half, span: Span) -> Violation {
    let names: Vec<String> = half.columns.iter().map(|c| format!("`{c}`")).collect();
    let names = names.join(", ");
    let message = format!(
        "`{}` {} {names}, but nothing shows that the key is filled: rows that lose it are noticed only when a number is wrong",
        model.display_name(),
        half.by
    );
    let help = match &half.columns[..] {
        [one] if !is_name(one) => {
            format!("give the columns that `{one}` is made of the test `not_null` in YAML")
        }
        [_] => format!("give the column {names} the test `not_null` in YAML"),
        _ => format!("give each of the columns {names} the test `not_null` in YAML"),
    };
    let found = Violation::new(span, message).help(help);
    match fix(project, model, &half.columns, &["not_null"]) {
        Some(fix) => found.fix(fix),
        None => found,
    }
}

/// Is it the name of a column, and no expression?
fn is_name(column: &str) -> bool {
    column
        .chars()
        .all(|c| c.is_alphanumeric() || c == '_' || c == ' ')
}

/// What proves a key.
struct Proof<'a> {
    project: &'a Project,
    /// [`Pk::macros`].
    lists: &'a [Vec<String>],
}

impl Proof<'_> {
    fn holds(&self, model: &Node, properties: &Properties, dialect: Dialect) -> bool {
        let filled = |key: &Vec<String>| key.iter().all(|c| self.is_filled(properties, c));
        has_enforced_key(model, properties, dialect)
            || self
                .lists
                .iter()
                .any(|list| self.all_hold(list, properties))
            || model.unique_indexes(dialect).iter().any(filled)
    }

    /// Do all tests of a list stand on one column, or on the model itself? A `not_null` constraint
    /// does for the test, and so do columns that are filled for an expression of them.
    fn all_hold(&self, list: &[String], properties: &Properties) -> bool {
        if list.is_empty() {
            return false;
        }
        let on_model: Vec<&DataTest> = properties.tests.iter().filter(|t| t.runs()).collect();
        if list.iter().all(|wanted| self.stands(wanted, &on_model)) {
            return true;
        }
        properties.tested_names().iter().any(|name| {
            let mut wanted = list.iter();
            wanted.all(|wanted| self.holds_on(wanted, properties, name))
        })
    }

    /// Is this test of a list proven on a column?
    fn holds_on(&self, wanted: &str, properties: &Properties, column: &str) -> bool {
        let filled = || {
            properties.has_constraint(column, "not_null") || properties.is_filled_expression(column)
        };
        self.stands(wanted, &properties.tests_of(column))
            || is_named(wanted, "not_null") && filled()
    }

    fn stands(&self, wanted: &str, tests: &[&DataTest]) -> bool {
        let mut tests = tests.iter();
        tests.any(|t| t.is(wanted) || self.is_own_kind(wanted, t))
    }

    /// Is it a generic test that the repository defines itself, and called as one of its kind:
    /// `incremental_unique`? A name that turns the meaning round (`at_least_one_not_null`) is none.
    fn is_own_kind(&self, wanted: &str, test: &DataTest) -> bool {
        const TURN: [&str; 9] = [
            "not", "non", "no", "any", "one", "some", "either", "almost", "mostly",
        ];
        let own = &self.project.name;
        if wanted.contains('.') && !wanted.starts_with("dbt.") {
            return false;
        }
        let package = test.name.rsplit_once('.').map(|(package, _)| package);
        let name = test.short_name();
        let wanted = plain(wanted.rsplit('.').next().unwrap_or(wanted));
        let head = name.strip_suffix(&wanted).and_then(|h| h.strip_suffix('_'));
        let called =
            head.is_some_and(|h| !h.is_empty() && !h.split('_').any(|w| TURN.contains(&w)));
        let macros = &self.project.macros;
        called
            && package.is_none_or(|p| p == own)
            && macros
                .find(&format!("test_{name}"), own)
                .is_some_and(|m| *m.package == **own)
    }

    fn is_filled(&self, properties: &Properties, column: &str) -> bool {
        self.holds_on("not_null", properties, &column.to_lowercase())
    }

    /// What is shown to be unique, where it is only not shown to be filled.
    fn unfilled(&self, model: &Node, dialect: Dialect) -> Option<Half> {
        let tested = || {
            let properties = model.properties.as_ref()?;
            let names = properties.tested_names();
            let unique = |list: &Vec<String>, name: &String| {
                let mut rest = list.iter().filter(|w| !is_named(w, "not_null")).peekable();
                rest.peek().is_some() && rest.all(|w| self.holds_on(w, properties, name))
            };
            let name = names
                .into_iter()
                .find(|name| self.lists.iter().any(|list| unique(list, name)))?;
            let written = properties.columns_named(&name).next();
            let name = written.map_or(name, |c| c.name.value.clone());
            Some(Half {
                columns: vec![name],
                by: "tests the uniqueness of",
            })
        };
        tested().or_else(|| {
            Some(Half {
                columns: model.unique_indexes(dialect).into_iter().next()?,
                by: "has a unique index on",
            })
        })
    }
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

/// The tests that a key of one column lacks, of those that are `wanted`, in the model's entry.
/// Suggested: the key is a guess, and a test that is new may fail.
fn fix(project: &Project, model: &Node, key: &[String], wanted: &[&str]) -> Option<Fix> {
    let ([name], Some(properties)) = (key, &model.properties) else {
        return None;
    };
    // The entry of a version says only what differs from the others.
    if model.version.is_some() || !is_name(name) {
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
            let missing = wanted.iter().filter(|t| !has(t));
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
            let head = [format!("- name: {name}"), format!("  {list}:")];
            let tests = wanted.iter().map(|test| format!("    - {test}"));
            let column: Vec<String> = head.into_iter().chain(tests).collect();
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
        title: match wanted {
            ["not_null"] => format!("test that `{name}` is filled"),
            _ => format!("test that `{name}` is unique and filled"),
        },
        applicability: Applicability::Suggested,
        edits: vec![Edit {
            span: Span::new(properties.file, at, at),
            text: insert,
        }],
    })
}
