//! The tests of a node: which there are, what each of them proves, and how it is set.

use super::{Column, DataTest, Node, NodeId, Project, Properties, ResourceType};
use crate::load::{Minor, Role, one_minor, pinned_dbt};
use crate::syntax::yaml::{Node as YamlNode, Yaml};
use crate::text::Span;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What a test can prove. One that we do not know is taken for a rule of the business: somebody
/// wrote it for this project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Columns are there, filled and of their type.
    Schema,
    /// A row stands once, and what it points at exists.
    Integrity,
    /// Values lie where they can lie.
    Range,
    /// What the business says of them.
    Business,
}

impl Family {
    /// All, in the order in which they are written down.
    pub const ALL: [Family; 4] = [
        Family::Schema,
        Family::Integrity,
        Family::Range,
        Family::Business,
    ];

    /// As people call it.
    pub fn as_str(self) -> &'static str {
        match self {
            Family::Schema => "schema",
            Family::Integrity => "integrity",
            Family::Range => "value range",
            Family::Business => "business rule",
        }
    }

    /// The family of a generic test, by its name without package.
    pub fn of(test: &str) -> Self {
        let has = |words: &[&str]| words.iter().any(|w| test.contains(w));
        let is_integrity = has(&[
            "unique",
            "primary_key",
            "foreign_key",
            "relationship",
            "cardinality",
            "rowcount",
            "row_count",
            "equality",
            "mutually_exclusive",
            "sequential_values",
            "same_number_of_rows",
        ]);
        if is_integrity {
            return Self::Integrity;
        }
        let is_schema = has(&[
            "not_null",
            "not_be_null",
            "not_empty",
            "not_constant",
            "at_least_one",
            "column_to_exist",
            "expect_table_column",
            "expect_table_columns",
            "of_type",
            "type_list",
            "schema_change",
        ]);
        if is_schema {
            return Self::Schema;
        }
        let is_range = has(&[
            "accepted_values",
            "accepted_range",
            "between",
            "_range",
            "in_set",
            "regex",
            "recency",
            "recent_data",
            "anomal",
            "positive",
            "negative",
            "greater_than",
            "less_than",
            "length",
        ]);
        match is_range {
            true => Self::Range,
            false => Self::Business,
        }
    }
}

impl DataTest {
    /// Its name without package; dbt-project-evaluator writes `test_unique` for `unique`.
    pub fn short_name(&self) -> &str {
        let name = self.name.rsplit('.').next().unwrap_or(&self.name);
        name.strip_prefix("test_").unwrap_or(name)
    }

    /// Is it on? One whose switch only a run knows is.
    pub fn is_on(&self) -> bool {
        match self.config.get("enabled") {
            Some(Value::Bool(on)) => *on,
            Some(Value::String(text)) => !matches!(text.to_lowercase().as_str(), "false" | "no"),
            _ => true,
        }
    }
}

impl Properties {
    /// Every test of the entry, with the column that it stands under.
    pub fn all_tests(&self) -> impl Iterator<Item = (Option<&Column>, &DataTest)> {
        let own = self.tests.iter().map(|t| (None, t));
        let below = self.columns.iter();
        own.chain(below.flat_map(|c| c.tests.iter().map(move |t| (Some(c), t))))
    }
}

impl Project {
    /// The enabled tests of a node: generic ones that stand under it, singular ones that read it,
    /// unit tests of it.
    pub fn tests_of(&self, node: &Node) -> Vec<&Node> {
        let children = self.graph.children(node.id).into_iter();
        let stands_here = |test: &&Node| match (&test.test, test.resource_type) {
            (Some(generic), _) => match &generic.attached {
                Some(id) => *id == node.unique_id,
                // A source's table has no attached tests by name.
                None => node.resource_type == ResourceType::Source,
            },
            (None, kind) => kind.is_test(),
        };
        let tests = children.map(|id| self.node(id)).filter(stands_here);
        tests.filter(|t| !t.is_disabled()).collect()
    }

    /// The nodes of the generic tests of an entry, by where each stands.
    pub fn test_nodes(&self, node: &Node) -> BTreeMap<Span, &Node> {
        let children = self.graph.children(node.id).into_iter();
        let tests = children
            .map(|id| self.node(id))
            .filter(|n| n.test.is_some());
        tests.map(|n| (n.place, n)).collect()
    }

    /// Is a node marked as one that must not be wrong: by one of these tags, or by `critical: true`
    /// in its `meta`?
    pub fn is_critical(&self, node: &Node, tags: &[String]) -> bool {
        let meta = node.config.get("meta").and_then(|m| m.value.as_ref());
        let yaml = || self.entry(node).and_then(|e| e.get("meta"));
        let marked = match meta {
            Some(meta) => meta.get("critical").and_then(Value::as_bool) == Some(true),
            None => yaml().and_then(|m| m.get("critical")?.as_bool()) == Some(true),
        };
        marked || node.config.tags().iter().any(|t| tags.contains(t))
    }

    /// A node's entry in its property file.
    pub fn entry<'p>(&'p self, node: &Node) -> Option<YamlNode<'p>> {
        let properties = node.properties.as_ref()?;
        Some(self.yaml.get(&properties.file)?.node(properties.entry))
    }

    /// Own trees of property files, in order of path.
    pub fn property_files(&self) -> Vec<&Yaml> {
        let members = self.own_files().filter(|m| m.role == Role::Properties);
        members.filter_map(|m| self.yaml.get(&m.file)).collect()
    }

    /// The project's dbt_project.yml.
    pub fn project_yaml(&self) -> Option<&Yaml> {
        let mut trees = self.yaml.values();
        trees.find(|t| self.path(t.file) == "dbt_project.yml")
    }

    /// The oldest dbt that may read the project: the version that wrote its manifest, else the
    /// lower bound of `require-dbt-version`.
    pub fn oldest_dbt(&self) -> Option<(u64, u64, u64)> {
        if let Some(manifest) = &self.manifest {
            return version(&manifest.dbt_version);
        }
        let lower = |text: &&str| {
            let text = text.trim();
            (!text.starts_with('<') && !text.starts_with('!')).then(|| version(text))?
        };
        self.required_dbt()?.iter().filter_map(lower).max()
    }

    /// The comparisons of `require-dbt-version`, where it is there.
    pub fn required_dbt(&self) -> Option<Vec<&str>> {
        let bounds = self.project_yaml()?.root()?.get("require-dbt-version")?;
        Some(match bounds.as_str() {
            Some(one) => one.split(',').collect(),
            None => bounds
                .resolve()
                .items()
                .filter_map(|n| n.as_str())
                .collect(),
        })
    }

    /// The one minor version of dbt that the project runs on: that of the manifest, else the only
    /// one that `require-dbt-version` allows, else the one that its Python packages are pinned to.
    pub fn minor_dbt(&self) -> Option<Minor> {
        if let Some(manifest) = &self.manifest {
            return version(&manifest.dbt_version).map(|(major, minor, _)| (major, minor));
        }
        let required = self.required_dbt();
        let required = required.and_then(|list| one_minor(list.into_iter()));
        required.or_else(|| pinned_dbt(&self.place))
    }

    /// The families of tests that a model has: its enabled tests', and what an enforced contract
    /// keeps.
    pub fn families(&self, model: &Node) -> BTreeSet<Family> {
        let of = |test: &Node| match &test.test {
            Some(generic) => Family::of(&generic.name),
            None => Family::Business,
        };
        let mut all: BTreeSet<Family> = self.tests_of(model).into_iter().map(of).collect();
        let contract = model.config.get("contract").and_then(|c| c.value.as_ref());
        if contract.and_then(|c| c.get("enforced")?.as_bool()) == Some(true) {
            all.insert(Family::Schema);
        }
        all
    }

    /// The models that a test reads, and its other parents.
    pub fn parents_of(&self, id: NodeId) -> Vec<&Node> {
        let parents = self.graph.parents(id).into_iter();
        parents.map(|(p, _)| self.node(p)).collect()
    }
}

/// `>=1.8.0rc1` is (1, 8, 0).
fn version(text: &str) -> Option<(u64, u64, u64)> {
    let text = text.trim_start_matches(|c: char| !c.is_ascii_digit());
    let mut parts = text.split('.').map(|part| {
        let end = part.find(|c: char| !c.is_ascii_digit());
        part[..end.unwrap_or(part.len())].parse().ok()
    });
    let major = parts.next()??;
    let mut next = || parts.next().flatten().unwrap_or(0);
    Some((major, next(), next()))
}

#[cfg(test)]
mod tests_of_suites {
    use super::*;

    #[test]
    fn families_go_by_what_a_test_proves() {
        for (test, family) in [
            ("unique_combination_of_columns", Family::Integrity),
            ("relationships", Family::Integrity),
            ("expect_column_values_to_be_unique", Family::Integrity),
            ("not_null", Family::Schema),
            ("expect_column_values_to_be_of_type", Family::Schema),
            ("accepted_values", Family::Range),
            ("expect_column_values_to_be_between", Family::Range),
            ("expression_is_true", Family::Business),
            ("revenue_adds_up", Family::Business),
        ] {
            assert_eq!(Family::of(test), family, "{test}");
        }
    }

    #[test]
    fn versions_are_read_as_far_as_they_go() {
        assert_eq!(version(">=1.8.0"), Some((1, 8, 0)));
        assert_eq!(version("1.10.5rc1"), Some((1, 10, 5)));
        assert_eq!(version("=2"), Some((2, 0, 0)));
        assert_eq!(version("latest"), None);
    }
}
