//! Property files: what YAML says of models, sources, exposures.

use super::resolve::Reference;
use super::{Group, PropertyProblem, ResourceType, described};
use crate::syntax::jinja::{self, CallKind, Inline, Inputs, MacroLibrary, Mode, RelationRef};
use crate::syntax::yaml::{Node as YamlNode, NodeId as YamlId, Yaml};
use crate::text::{FileId, Span, Spanned};
use serde_json::{Map, Value};
use std::sync::Arc;

/// A node's entry in a property file.
#[derive(Debug, Clone)]
pub struct Properties {
    /// The file.
    pub file: FileId,
    /// The entry in its tree.
    pub entry: YamlId,
    /// A second entry that speaks of the node: the source of a table, the version of a model, the
    /// semantic model of a metric that dbt makes of a measure.
    pub second: Option<YamlId>,
    /// The value of `name:`.
    pub name_span: Span,
    /// `description:`, blank ones too.
    pub description: Option<String>,
    /// `columns:`.
    pub columns: Vec<Column>,
    /// Tests of the node itself.
    pub tests: Vec<DataTest>,
    /// Constraints of the node itself.
    pub constraints: Vec<Constraint>,
}

/// A column of an entry.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its name.
    pub name: Spanned<String>,
    /// Its description.
    pub description: Option<String>,
    /// `data_type:`.
    pub data_type: Option<String>,
    /// `quote: true`: dbt writes its name in quotes.
    pub quote: bool,
    /// Its tests.
    pub tests: Vec<DataTest>,
    /// Its constraints.
    pub constraints: Vec<Constraint>,
    /// The entry in the tree.
    pub entry: YamlId,
}

/// A generic test as it is attached to a node or a column.
#[derive(Debug, Clone)]
pub struct DataTest {
    /// As written: `unique`, `dbt_utils.unique_combination_of_columns`.
    pub name: String,
    /// Where the name stands.
    pub span: Span,
    /// Arguments, from `arguments:` and beside it.
    pub args: Map<String, Value>,
    /// `config:`, and configuration written beside it.
    pub config: Map<String, Value>,
    /// It stands under `tests:`, the older spelling of `data_tests:`.
    pub old_key: bool,
    /// What holds its arguments in the tree: a mapping, or its name where it has none.
    pub entry: YamlId,
}

/// A constraint of a contract.
#[derive(Debug, Clone)]
pub struct Constraint {
    /// `not_null`, `unique`, `primary_key` …
    pub kind: String,
    /// Its columns, for one on the whole node.
    pub columns: Vec<String>,
}

/// An entry before it finds its node.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) kind: ResourceType,
    pub(super) name: Spanned<String>,
    /// The source, for a source table, and its own entry.
    pub(super) source: Option<(String, YamlId)>,
    pub(super) properties: Properties,
    pub(super) versions: Vec<Version>,
    pub(super) latest: Option<String>,
    pub(super) refs: Vec<Reference>,
    /// The package whose source this entry changes.
    pub(super) overrides: Option<String>,
}

/// A version of a model.
#[derive(Debug, Clone)]
pub(super) struct Version {
    pub(super) v: String,
    pub(super) defined_in: Option<String>,
    pub(super) entry: YamlId,
}

/// The entries of a property file, in order.
pub(super) fn entries(yaml: &Yaml) -> Vec<Entry> {
    let mut out = Vec::new();
    let Some(root) = yaml.root() else {
        return out;
    };
    let sections = [
        ("models", ResourceType::Model),
        ("seeds", ResourceType::Seed),
        ("snapshots", ResourceType::Snapshot),
        ("analyses", ResourceType::Analysis),
        ("exposures", ResourceType::Exposure),
        ("semantic_models", ResourceType::SemanticModel),
        ("data_tests", ResourceType::Test),
        ("unit_tests", ResourceType::UnitTest),
        ("metrics", ResourceType::Metric),
        ("saved_queries", ResourceType::SavedQuery),
        ("functions", ResourceType::Function),
    ];
    for (key, kind) in sections {
        for entry in list(root, key) {
            out.extend(plain(entry, kind));
            if kind == ResourceType::SemanticModel {
                out.extend(made_metrics(entry));
            }
        }
    }
    for source in list(root, "sources") {
        let Some(name) = name_of(source) else {
            continue;
        };
        for table in list(source, "tables") {
            if let Some(mut entry) = plain(table, ResourceType::Source) {
                let id = source.resolve().id();
                entry.source = Some((name.value.clone(), id));
                entry.properties.second = Some(id);
                entry.overrides = source
                    .get("overrides")
                    .and_then(|o| Some(o.as_str()?.to_owned()));
                out.push(entry);
            }
        }
    }
    out
}

/// The groups of a property file.
pub(super) fn groups(yaml: &Yaml, package: usize, package_name: &Arc<str>) -> Vec<Group> {
    let entries = yaml.root().into_iter().flat_map(|r| list(r, "groups"));
    let group = |entry: YamlNode| {
        let name = name_of(entry)?;
        Some(Group {
            unique_id: format!("group.{package_name}.{}", name.value),
            file: name.span.file,
            package,
            package_name: package_name.clone(),
            description: description(entry),
            owner: described::owner(entry),
            entry: entry.resolve().id(),
            name,
        })
    };
    entries.filter_map(group).collect()
}

/// Names of the measures of a semantic model.
pub(super) fn measures(model: YamlNode) -> Vec<String> {
    let names = list(model, "measures").filter_map(name_of);
    names.map(|n| n.value).collect()
}

/// The metrics that dbt makes of a semantic model's measures.
fn made_metrics(model: YamlNode) -> impl Iterator<Item = Entry> {
    let id = model.resolve().id();
    described::metric_measures(model).filter_map(move |measure| {
        let mut entry = plain(measure, ResourceType::Metric)?;
        entry.properties.second = Some(id);
        Some(entry)
    })
}

fn metric_references(entry: YamlNode) -> Vec<Reference> {
    let inputs = described::metric_inputs(entry).into_iter().map(|input| {
        let name = input.name.value;
        let relation = match input.is_measure {
            true => RelationRef::Measure(name),
            false => metric_named(name),
        };
        yaml_reference(relation, input.name.span)
    });
    // Before dbt 1.6 a metric had a model.
    let model = entry.get("model").and_then(reference);
    inputs.chain(model).collect()
}

fn metric_named(name: String) -> RelationRef {
    RelationRef::Metric {
        package: None,
        name: Some(name),
    }
}

fn yaml_reference(relation: RelationRef, span: Span) -> Reference {
    Reference {
        relation,
        span,
        in_comment: false,
        in_macro: false,
        unsure: false,
    }
}

fn list<'a>(node: YamlNode<'a>, key: &str) -> impl Iterator<Item = YamlNode<'a>> + use<'a> {
    let list = node.get(key).map(|n| n.resolve());
    list.into_iter().flat_map(|n| n.items())
}

fn name_of(entry: YamlNode) -> Option<Spanned<String>> {
    let name = entry.get("name")?;
    Some(Spanned::new(name.as_str()?.to_owned(), name.span()))
}

fn plain(entry: YamlNode, kind: ResourceType) -> Option<Entry> {
    let name = name_of(entry)?;
    let text = |key: &str| entry.get(key).and_then(|n| n.as_str()).map(str::to_owned);
    let versions = list(entry, "versions").filter_map(|v| {
        Some(Version {
            v: v.get("v")?.as_str()?.to_owned(),
            defined_in: v
                .get("defined_in")
                .and_then(|n| n.as_str())
                .map(str::to_owned),
            entry: v.resolve().id(),
        })
    });
    let refs = match kind {
        ResourceType::Exposure => list(entry, "depends_on").filter_map(reference).collect(),
        ResourceType::SemanticModel => entry.get("model").and_then(reference).into_iter().collect(),
        // A snapshot in YAML has its relation as a property.
        ResourceType::Snapshot => entry
            .get("relation")
            .and_then(reference)
            .into_iter()
            .collect(),
        ResourceType::Metric => metric_references(entry),
        ResourceType::SavedQuery => {
            let metrics = described::saved_metrics(entry).into_iter();
            metrics
                .map(|m| yaml_reference(metric_named(m.value), m.span))
                .collect()
        }
        _ => Vec::new(),
    };
    Some(Entry {
        kind,
        properties: properties(entry, &name),
        name,
        source: None,
        versions: versions.collect(),
        latest: text("latest_version"),
        refs,
        overrides: None,
    })
}

fn properties(entry: YamlNode, name: &Spanned<String>) -> Properties {
    Properties {
        file: name.span.file,
        entry: entry.resolve().id(),
        second: None,
        name_span: name.span,
        description: description(entry),
        columns: columns(entry),
        tests: tests(entry),
        constraints: list(entry, "constraints").filter_map(constraint).collect(),
    }
}

/// An entry's description; none where it is null.
pub(super) fn description(entry: YamlNode) -> Option<String> {
    let node = entry.get("description").filter(|n| !n.is_null())?;
    Some(node.as_str()?.to_owned())
}

/// The columns of an entry (a model's or a version's).
pub(super) fn columns(entry: YamlNode) -> Vec<Column> {
    let column = |node: YamlNode| {
        Some(Column {
            name: name_of(node)?,
            description: description(node),
            data_type: node
                .get("data_type")
                .and_then(|n| n.as_str())
                .map(str::to_owned),
            quote: node.get("quote").and_then(|n| n.as_bool()) == Some(true),
            tests: tests(node),
            constraints: list(node, "constraints").filter_map(constraint).collect(),
            entry: node.resolve().id(),
        })
    };
    list(entry, "columns").filter_map(column).collect()
}

fn constraint(node: YamlNode) -> Option<Constraint> {
    let columns = list(node, "columns").filter_map(|c| c.as_str().map(str::to_owned));
    Some(Constraint {
        kind: node.get("type")?.as_str()?.to_owned(),
        columns: columns.collect(),
    })
}

/// Keys of a test that configure it, where they stand beside its arguments.
pub(super) const TEST_CONFIG: &[&str] = &[
    "severity",
    "where",
    "limit",
    "enabled",
    "warn_if",
    "error_if",
    "fail_calc",
    "store_failures",
    "store_failures_as",
    "tags",
    "meta",
    "database",
    "schema",
    "alias",
];

/// Does a key beside a test's arguments configure the test?
pub fn configures_test(key: &str) -> bool {
    TEST_CONFIG.contains(&key)
}

/// The tests of an entry or a column, under either key.
pub(super) fn tests(entry: YamlNode) -> Vec<DataTest> {
    let mut out = Vec::new();
    for (key, old_key) in [("tests", true), ("data_tests", false)] {
        for item in list(entry, key) {
            out.extend(test(item, old_key));
        }
    }
    out
}

fn test(item: YamlNode, old_key: bool) -> Option<DataTest> {
    // `- unique`, `- unique: {…}`, or `- name: …` with `test_name: unique`.
    let (name, body) = match (item.as_str(), item.get("test_name")) {
        (Some(_), _) => (item, item),
        (None, Some(name)) => (name, item),
        (None, None) => item.entries().into_iter().next()?,
    };
    let mut args = Map::new();
    let mut config = Map::new();
    for (key, value) in test_entries(body, None::<YamlNode>) {
        let value = value.to_json();
        match (key, value) {
            ("config", Value::Object(more)) => config.extend(more),
            ("name" | "description", _) => {}
            (key, value) if TEST_CONFIG.contains(&key) => {
                config.insert(key.to_owned(), value);
            }
            (key, value) => {
                args.insert(key.to_owned(), value);
            }
        }
    }
    Some(DataTest {
        name: name.as_str()?.to_owned(),
        span: name.span(),
        args,
        config,
        old_key,
        entry: body.resolve().id(),
    })
}

/// What a test says, wherever it says it: keys beside `arguments:`, then those in it, which win.
/// The name of the column it stands under, if any, wins over the former.
pub(super) fn test_entries<'a, T: From<YamlNode<'a>>>(
    body: YamlNode<'a>,
    column: Option<T>,
) -> Vec<(&'a str, T)> {
    let mut out: Vec<(&str, T)> = Vec::new();
    let pairs = |node: YamlNode<'a>| {
        let entries = node.resolve().entries().into_iter();
        entries.filter_map(|(key, value)| Some((key.as_str()?, value)))
    };
    let mut add = |key: &'a str, value: T| match out.iter_mut().find(|(k, _)| *k == key) {
        Some(known) => known.1 = value,
        None => out.push((key, value)),
    };
    for (key, value) in pairs(body).filter(|(key, _)| !matches!(*key, "arguments" | "test_name")) {
        add(key, T::from(value));
    }
    if let Some(column) = column {
        add("column_name", column);
    }
    if let Some(arguments) = body.get("arguments") {
        for (key, value) in pairs(arguments) {
            add(key, T::from(value));
        }
    }
    out
}

/// What a version of a model has for its own: its tests where it says any, its columns, and those of
/// the model that it includes. An empty `data_tests:` says that it has none; of an empty `tests:`
/// dbt thinks nothing.
pub(super) fn of_version(base: &Properties, version: YamlNode) -> Properties {
    let mut out = base.clone();
    let none = version.get("data_tests").is_some_and(YamlNode::is_sequence);
    let own = tests(version);
    if none || !own.is_empty() {
        out.tests = own;
    }
    let own = columns(version);
    let element = list(version, "columns").find(|c| c.get("include").is_some());
    out.columns.retain(|column| {
        let name = column.name.value.as_str();
        let redefined = own.iter().any(|c| c.name.value == name);
        !redefined && element.is_none_or(|e| includes(e, name))
    });
    out.columns.extend(own);
    let description = description(version).filter(|d| !d.trim().is_empty());
    out.description = description.or(out.description);
    out
}

/// `{include: all, exclude: [a]}`, or a list of names to include.
fn includes(element: YamlNode, name: &str) -> bool {
    let has = |key: &str| list(element, key).any(|n| n.as_str() == Some(name));
    let all = element.get("include").and_then(|n| n.as_str());
    (matches!(all, Some("all" | "*")) || has("include")) && !has("exclude")
}

/// What an entry says twice, so that dbt refuses it: both spellings of `tests`, and a test's
/// configuration beside `config:` and in it (dbt's `SameKeyNestedError`).
pub(super) fn conflicts(yaml: &Yaml) -> Vec<PropertyProblem> {
    let mut out = Vec::new();
    let Some(root) = yaml.root() else {
        return out;
    };
    let keys = ["models", "seeds", "snapshots", "sources", "analyses"];
    for entry in keys.into_iter().flat_map(|key| list(root, key)) {
        entry_conflicts(entry, &mut out);
        for table in list(entry, "tables") {
            entry_conflicts(table, &mut out);
            list(table, "columns").for_each(|c| entry_conflicts(c, &mut out));
        }
        list(entry, "columns").for_each(|c| entry_conflicts(c, &mut out));
    }
    out
}

fn entry_conflicts(entry: YamlNode, out: &mut Vec<PropertyProblem>) {
    let mut problem = |span: Span, message: String| {
        out.push(PropertyProblem {
            span,
            message,
            duplicate: false,
        });
    };
    if let (Some((old, _)), Some(_)) = (entry.get_entry("tests"), entry.get("data_tests")) {
        let message = "`tests` and `data_tests` stand in one entry; dbt refuses both together";
        problem(old.span(), message.to_owned());
    }
    for item in ["tests", "data_tests"]
        .into_iter()
        .flat_map(|key| list(entry, key))
    {
        let body = match item.get("test_name") {
            Some(_) => item,
            None => match item.entries().into_iter().next() {
                Some((_, body)) => body.resolve(),
                None => continue,
            },
        };
        let Some(config) = body.get("config") else {
            continue;
        };
        for (key, _) in body.entries() {
            let Some(name) = key.as_str() else { continue };
            if TEST_CONFIG.contains(&name) && config.get(name).is_some() {
                let message = format!(
                    "`{name}` stands beside `config:` and in it; dbt refuses a test that says it twice"
                );
                problem(key.span(), message);
            }
        }
    }
}

/// `ref('x')` or `{{ ref('x') }}` written as a YAML string.
fn reference(node: YamlNode) -> Option<Reference> {
    let text = node.as_str()?.trim();
    let inner = text.strip_prefix("{{").and_then(|t| t.strip_suffix("}}"));
    let src = format!("{{{{ {} }}}}", inner.unwrap_or(text));
    let template = jinja::parse(&src);
    let evaluation = jinja::evaluate(&Inputs {
        src: &src,
        nodes: &template.nodes,
        macros: &MacroLibrary::default(),
        package: "",
        adapter: None,
        target: None,
        var: &|_| None,
        mode: Mode::Parse,
        inline: Inline::Never,
        model: None,
        earlier: None,
    });
    let relation = evaluation.calls.iter().find_map(|c| match c.kind {
        CallKind::Relation(id) => Some(evaluation.visited.relations[id.0 as usize].clone()),
        _ => None,
    })?;
    let known = !matches!(
        relation,
        RelationRef::This | RelationRef::Other | RelationRef::Function { .. }
    );
    known.then(|| yaml_reference(relation, node.span()))
}

#[cfg(test)]
mod tests_of_properties {
    use super::*;
    use crate::syntax::yaml;

    fn read(text: &str) -> Vec<Entry> {
        entries(&yaml::parse(FileId(0), text))
    }

    #[test]
    fn models_with_tests_in_every_spelling() {
        let found = read(
            "models:\n- name: a\n  description: x\n  tests: [unique]\n  columns:\n  - name: id\n    data_tests:\n    - not_null\n    - unique: {config: {severity: warn}}\n    - name: own\n      test_name: accepted_values\n      arguments: {values: [1]}\n    - relationships: {to: ref('b'), field: id, where: x}\n    constraints: [{type: not_null}]\n",
        );
        let entry = &found[0].properties;
        assert!(entry.tests[0].old_key);
        let column = &entry.columns[0];
        let names: Vec<&str> = column.tests.iter().map(|t| t.name.as_str()).collect();
        assert_eq!(
            names,
            ["not_null", "unique", "accepted_values", "relationships"]
        );
        assert_eq!(column.tests[1].config["severity"], "warn");
        assert_eq!(column.tests[2].args["values"][0], 1);
        assert_eq!(column.tests[3].config["where"], "x");
        assert_eq!(column.tests[3].args["field"], "id");
        assert_eq!(column.constraints[0].kind, "not_null");
    }

    #[test]
    fn sources_versions_and_references() {
        let found = read(
            "sources:\n- name: erp\n  tables:\n  - name: orders\n  - name: items\nmodels:\n- name: dim\n  latest_version: 2\n  versions:\n  - v: 1\n  - v: 2\n    defined_in: dim_new\nexposures:\n- name: e\n  depends_on: [\"ref('dim', v=1)\", \"{{ source('erp', 'orders') }}\"]\n",
        );
        assert_eq!(found.len(), 4);
        let dim = found.iter().find(|e| e.name.value == "dim").unwrap();
        assert_eq!(dim.versions[1].defined_in.as_deref(), Some("dim_new"));
        let exposure = found
            .iter()
            .find(|e| e.kind == ResourceType::Exposure)
            .unwrap();
        assert_eq!(exposure.refs.len(), 2);
        let source = found.iter().find(|e| e.name.value == "items").unwrap();
        assert_eq!(source.source.as_ref().unwrap().0, "erp");
    }

    #[test]
    fn what_is_no_entry_is_passed_over() {
        assert_eq!(read("models: 3\n").len(), 0);
        assert_eq!(read("models:\n- 1\n- {}\n- name: [a]\n").len(), 0);
        assert_eq!(read("version: 2\n").len(), 0);
        assert_eq!(read("").len(), 0);
    }
}
