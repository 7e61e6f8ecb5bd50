//! What is known to be unique: columns, and sets of columns, that tests or an enforced key prove.

use super::{Column, Constraint, DataTest, Node, Properties};
use crate::syntax::sql::Dialect;
use serde_json::Value;

impl DataTest {
    /// Does it run? A test that is switched off proves nothing; one whose switch only a run knows
    /// is counted.
    pub fn runs(&self) -> bool {
        match self.config.get("enabled") {
            Some(Value::Bool(on)) => *on,
            Some(Value::String(text)) => !matches!(text.to_lowercase().as_str(), "false" | "no"),
            _ => true,
        }
    }

    /// Is it the test of this name? A name with its package (`dbt_utils.x`) means that package's
    /// only; dbt-project-evaluator writes `dbt.test_unique` for what YAML calls `unique`.
    pub fn is(&self, wanted: &str) -> bool {
        let (wanted_package, wanted) = split(wanted);
        let (package, name) = split(&self.name);
        let fits = match (wanted_package, package) {
            (None, _) | (Some("dbt"), None) => true,
            (Some(wanted), Some(package)) => wanted == package,
            (Some(_), None) => false,
        };
        fits && name == wanted
    }

    /// Its argument `column_name`, in lower case.
    pub fn column_argument(&self) -> Option<String> {
        Some(self.args.get("column_name")?.as_str()?.to_lowercase())
    }
}

fn split(name: &str) -> (Option<&str>, &str) {
    let plain = |name| str::strip_prefix(name, "test_").unwrap_or(name);
    match name.rsplit_once('.') {
        Some((package, name)) => (Some(package), plain(name)),
        None => (None, plain(name)),
    }
}

impl Properties {
    /// The entries of a column, by its name in lower case.
    pub fn columns_named<'p>(&'p self, name: &str) -> impl Iterator<Item = &'p Column> {
        let columns = self.columns.iter();
        columns.filter(move |c| c.name.value.to_lowercase() == name)
    }

    /// The tests of a column that run: those below it, and those of the node that name it.
    pub fn tests_of(&self, column: &str) -> Vec<&DataTest> {
        let below = self.columns_named(column).flat_map(|c| &c.tests);
        let names_it = |t: &&DataTest| t.column_argument().is_some_and(|c| c == column);
        let beside = self.tests.iter().filter(names_it);
        below.chain(beside).filter(|t| t.runs()).collect()
    }

    /// Columns that tests speak of, in lower case: those of `columns:`, and `column_name` of the
    /// node's own tests.
    pub fn tested_names(&self) -> Vec<String> {
        let columns = self.columns.iter().map(|c| c.name.value.to_lowercase());
        let beside = self.tests.iter().filter_map(DataTest::column_argument);
        let mut all: Vec<String> = columns.chain(beside).collect();
        all.sort();
        all.dedup();
        all
    }

    /// Has a column a constraint of this kind, its own or one of the node that names it?
    pub fn has_constraint(&self, column: &str, kind: &str) -> bool {
        let is_kind = |c: &Constraint| c.kind == kind;
        let of_node = |c: &Constraint| {
            is_kind(c) && c.columns.iter().any(|name| name.to_lowercase() == column)
        };
        let mut columns = self.columns_named(column);
        columns.any(|c| c.constraints.iter().any(is_kind)) || self.constraints.iter().any(of_node)
    }
}

impl Node {
    /// Does the platform itself keep the keys it is told of? The contract is enforced, the node is
    /// a table, and the engine is none of those that take the constraint as a remark.
    pub fn keeps_keys(&self, dialect: Dialect) -> bool {
        let is_remark = matches!(
            dialect,
            Dialect::Snowflake
                | Dialect::BigQuery
                | Dialect::Redshift
                | Dialect::Databricks
                | Dialect::Spark
                | Dialect::ClickHouse
                | Dialect::Trino
                | Dialect::Athena
        );
        let is_table = !matches!(
            self.config.text("materialized"),
            Some("view" | "ephemeral" | "materialized_view")
        );
        let contract = self.config.get("contract").and_then(|c| c.value.as_ref());
        let enforced = contract.and_then(|c| c.get("enforced")?.as_bool()) == Some(true);
        enforced && is_table && !is_remark
    }

    /// The columns of the unique indexes that dbt makes beside a Postgres table by its configuration.
    /// Postgres keeps them, but takes rows without a value for different ones.
    pub fn unique_indexes(&self, dialect: Dialect) -> Vec<Vec<String>> {
        let kept = ["table", "incremental", "materialized_view"];
        let materialized = self.config.text("materialized");
        let is_table = materialized.is_some_and(|m| kept.contains(&m));
        let list = || self.config.get("indexes")?.value.as_ref()?.as_array();
        let indexes = match list() {
            Some(list) if is_table && dialect == Dialect::Postgres => list,
            _ => return Vec::new(),
        };
        let columns = |index: &Value| {
            let unique = index.get("unique")?.as_bool()?;
            let names = index.get("columns")?.as_array()?.iter();
            let names: Vec<String> = names
                .map(|n| Some(n.as_str()?.to_owned()))
                .collect::<Option<_>>()?;
            (unique && !names.is_empty()).then_some(names)
        };
        indexes.iter().filter_map(columns).collect()
    }

    /// Sets of columns, in lower case, of which YAML says that no two rows share them: by tests
    /// that run, and by keys, which are declared even where the engine does not keep them.
    pub fn unique_keys(&self) -> Vec<Vec<String>> {
        let Some(properties) = &self.properties else {
            return Vec::new();
        };
        let mut keys: Vec<Vec<String>> = Vec::new();
        let is_key = |c: &Constraint| matches!(c.kind.as_str(), "unique" | "primary_key");
        let is_unique = |column: &String| {
            let mut own = properties.columns_named(column);
            properties.tests_of(column).iter().any(|t| t.is("unique"))
                || own.any(|c| c.constraints.iter().any(is_key))
        };
        let names = properties.tested_names().into_iter();
        keys.extend(names.filter(is_unique).map(|c| properties.unique_with(&c)));
        for test in properties.tests.iter().filter(|t| t.runs()) {
            let list = match split(&test.name).1 {
                "unique_combination_of_columns" => test.args.get("combination_of_columns"),
                "expect_compound_columns_to_be_unique" => test.args.get("column_list"),
                _ => None,
            };
            let names = list.and_then(Value::as_array).map(|names| {
                let names = names.iter().map(|n| Some(n.as_str()?.to_lowercase()));
                names.collect::<Option<Vec<String>>>()
            });
            keys.extend(names.flatten().filter(|n| !n.is_empty()));
        }
        for constraint in &properties.constraints {
            let columns = constraint.columns.iter().map(|c| c.to_lowercase());
            if matches!(constraint.kind.as_str(), "unique" | "primary_key") {
                keys.push(columns.collect());
            }
        }
        keys.retain(|k| !k.is_empty());
        keys
    }
}
