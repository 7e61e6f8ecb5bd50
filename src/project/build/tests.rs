//! Nodes of generic tests and unit tests, out of property entries; and the tests that dbt drops.

use super::super::data_test::{self, Spelled, Target};
use super::super::properties::{DataTest, Version, of_version};
use super::*;
use crate::syntax::jinja::RelationRef;
use crate::syntax::yaml::{Node as YamlNode, Scalar};

type Trees<'t> = FxHashMap<FileId, &'t Yaml>;

/// What tests of several entries are made with.
struct Making<'e> {
    entries: &'e [(usize, Entry)],
    trees: &'e Trees<'e>,
    macros: &'e MacroLibrary,
    dialect: &'e DialectChoice,
}

/// A model, seed, snapshot or source table with tests, or a version of a model.
struct Tested<'e> {
    member: &'e Member,
    tree: &'e Yaml,
    target: Target,
    reference: RelationRef,
    /// Tags that dbt hands on to tests: those of a source and its table.
    tags: Vec<String>,
}

impl Builder<'_> {
    /// A node for each generic test, and one for each unit test and version of its model.
    pub(super) fn test_nodes(
        &self,
        entries: &[(usize, Entry)],
        trees: &Trees,
        macros: &MacroLibrary,
        dialect: &DialectChoice,
    ) -> Vec<Node> {
        let making = Making {
            entries,
            trees,
            macros,
            dialect,
        };
        let of_entry = |(member, entry): &(usize, Entry)| {
            let member = &self.loaded.members[*member];
            match entry.kind {
                ResourceType::UnitTest => self.unit_tests(member, entry, &making),
                _ => self.generic_tests(member, entry, &making),
            }
        };
        entries.par_iter().flat_map_iter(of_entry).collect()
    }

    fn generic_tests(&self, member: &Member, entry: &Entry, making: &Making) -> Vec<Node> {
        let testable = matches!(
            entry.kind,
            ResourceType::Model
                | ResourceType::Seed
                | ResourceType::Snapshot
                | ResourceType::Source
        );
        let tree = making.trees.get(&entry.properties.file);
        let Some(tree) = tree.filter(|_| testable) else {
            return Vec::new();
        };
        let mut out = Vec::new();
        if entry.versions.is_empty() {
            let tested = Tested::new(member, tree, entry, None);
            self.tests_of(&tested, &entry.properties, making, &mut out);
        }
        for version in &entry.versions {
            let tested = Tested::new(member, tree, entry, Some(version));
            let properties = of_version(&entry.properties, tree.node(version.entry));
            self.tests_of(&tested, &properties, making, &mut out);
        }
        out
    }

    fn tests_of(
        &self,
        tested: &Tested,
        properties: &Properties,
        making: &Making,
        out: &mut Vec<Node>,
    ) {
        for test in &properties.tests {
            out.extend(self.generic_test(tested, test, None, making));
        }
        for column in &properties.columns {
            for test in &column.tests {
                out.extend(self.generic_test(tested, test, Some(column), making));
            }
        }
    }

    fn generic_test(
        &self,
        tested: &Tested,
        test: &DataTest,
        column: Option<&Column>,
        making: &Making,
    ) -> Option<Node> {
        let name = column.map(|c| match c.quote {
            true => quoted(&c.name.value, making.dialect.dialect),
            false => (c.name.value.clone(), true),
        });
        let certain = name.as_ref().is_none_or(|(_, certain)| *certain);
        let name = name.map(|(name, _)| name);
        let spelled = data_test::spell(tested.tree, test, name.as_deref())?;
        let identity = data_test::identify(&spelled, &tested.target);
        let mut node = self.node(tested.member, ResourceType::Test, identity.name, None);
        node.unique_id = format!("{}.{}", node.unique_id, identity.hash);
        node.place = test.span;
        let column_name = spelled.args.get("column_name").and_then(|a| a.text());
        node.test = Some(Box::new(GenericTest {
            name: spelled.name.to_owned(),
            namespace: spelled.namespace.map(str::to_owned),
            column: column_name.map(str::to_owned),
            attached: None,
            exact: identity.exact && certain,
        }));
        node.yaml_refs.push(Reference {
            relation: tested.reference.clone(),
            span: test.span,
            in_comment: false,
            in_macro: false,
            unsure: false,
        });
        let mut config = NodeConfig::default();
        let tags = column.map(|c| tags_of(tested.tree.node(c.entry), true));
        let tags: Vec<String> = tags
            .into_iter()
            .flatten()
            .chain(tested.tags.clone())
            .collect();
        if !tags.is_empty() {
            let tags = Some(tags.into());
            config.set("tags", tags, Some(test.span), Origin::Properties);
        }
        config.lay(self.project_config(&node, making.dialect));
        // What cannot be spelled is too large to be looked through, too.
        if identity.exact {
            self.run_macro(&mut node, &mut config, tested, &spelled, making);
        }
        self.configure_test(&node, &mut config, &spelled, making.dialect);
        if let Some(alias) = identity.alias
            && config.get("alias").is_none()
        {
            config.set("alias", Some(alias.into()), None, Origin::Properties);
        }
        node.set_config(config);
        Some(node)
    }

    /// What the test's macro asks for and configures, as far as dbt's parse would see it, and what
    /// its arguments ask for.
    fn run_macro(
        &self,
        node: &mut Node,
        config: &mut NodeConfig,
        tested: &Tested,
        spelled: &Spelled,
        making: &Making,
    ) {
        let name = match spelled.namespace {
            Some(namespace) => format!("{namespace}.test_{}", spelled.name),
            None => format!("test_{}", spelled.name),
        };
        let macros = making.macros;
        let known = macros.touches_graph(&name) && macros.find(&name, &node.package_name).is_some();
        let name = known.then_some(name.as_str());
        if name.is_none() && !spelled.args.values().any(data_test::has_jinja) {
            return;
        }
        let text = data_test::template(spelled, &tested.target, name);
        let vars = &self.vars[node.package];
        let var = |name: &str| vars.get(name);
        let env = Environment {
            package: &node.package_name,
            ..self.environment(macros, making.dialect, &var)
        };
        let span = node.place;
        let template = jinja::parse(&text);
        let nodes = &template.nodes;
        let told = template::understand(span.file, &text, &template, nodes, &env, false);
        node.yaml_refs
            .extend(told.relations.into_iter().map(|call| Reference {
                relation: call.relation,
                span,
                in_comment: false,
                in_macro: call.in_macro,
                unsure: call.unsure,
            }));
        for arg in told.configs.into_iter().flat_map(|call| call.args) {
            config.set(&arg.key, arg.value, Some(span), Origin::Inline);
        }
    }

    /// What stands beside the test's arguments and under its `config:`. dbt renders the Jinja of
    /// texts there, and of nothing deeper.
    fn configure_test(
        &self,
        node: &Node,
        config: &mut NodeConfig,
        spelled: &Spelled,
        dialect: &DialectChoice,
    ) {
        let vars = &self.vars[node.package];
        let adapter = Some(dialect.adapter.as_str()).filter(|a| !a.is_empty());
        let var = |name: &str| vars.get(name);
        for (key, value) in &spelled.config {
            let json = match value.scalar() {
                Some(Scalar::Str) => {
                    let text = value.as_str().unwrap_or_default();
                    render_native(text, adapter, self.target(), &var)
                }
                _ => Some(value.to_json()),
            };
            config.set(key, json, Some(value.span()), Origin::Properties);
        }
    }

    fn unit_tests(&self, member: &Member, entry: &Entry, making: &Making) -> Vec<Node> {
        let Some(tree) = making.trees.get(&entry.properties.file) else {
            return Vec::new();
        };
        let own = tree.node(entry.properties.entry);
        let Some(model) = own.get("model").and_then(|m| m.as_str()) else {
            return Vec::new();
        };
        let is_tested = |(index, other): &&(usize, Entry)| {
            other.kind == ResourceType::Model
                && other.name.value == model
                && self.loaded.members[*index].package == member.package
        };
        let tested = making.entries.iter().find(is_tested).map(|(_, e)| e);
        let versions = tested.map_or(&[][..], |e| &e.versions);
        let node = |version: Option<&Version>| {
            let name = entry.name.value.clone();
            let mut node = self.node(member, ResourceType::UnitTest, name, None);
            let end = version.map_or(String::new(), |v| format!("_v{}", v.v));
            node.unique_id = format!("unit_test.{}.{model}.{}{end}", node.package_name, node.name);
            node.fqn.insert(node.fqn.len() - 1, model.to_owned());
            node.version = version.map(|v| v.v.clone());
            node.place = entry.name.span;
            node.yaml_refs.push(Reference {
                relation: relation_of(model, version),
                span: own.get("model").map_or(node.place, |m| m.span()),
                in_comment: false,
                in_macro: false,
                unsure: false,
            });
            self.configure(&mut node, Some(entry), None, making.trees, making.dialect);
            node
        };
        if versions.is_empty() {
            return vec![node(None)];
        }
        let version_tree = tested.and_then(|e| making.trees.get(&e.properties.file));
        let wanted = |v: &&Version| {
            let written = version_tree.and_then(|t| t.node(v.entry).get("v"));
            written.is_some_and(|w| is_for(own.get("versions"), w))
        };
        versions
            .iter()
            .filter(wanted)
            .map(|v| node(Some(v)))
            .collect()
    }
}

impl<'e> Tested<'e> {
    fn new(member: &'e Member, tree: &'e Yaml, entry: &Entry, version: Option<&Version>) -> Self {
        let name = &entry.name.value;
        let Some((source, source_entry)) = &entry.source else {
            let (call, label) = match version {
                Some(v) => (
                    format!("ref('{name}', version='{}')", v.v),
                    format!("{name}_v{}", v.v),
                ),
                None => (format!("ref('{name}')"), name.clone()),
            };
            return Self {
                member,
                tree,
                target: Target {
                    call,
                    label,
                    is_source: false,
                },
                reference: relation_of(name, version),
                tags: Vec::new(),
            };
        };
        let mut tags = tags_of(tree.node(*source_entry), false);
        tags.extend(tags_of(tree.node(entry.properties.entry), false));
        Self {
            member,
            tree,
            target: Target {
                call: format!("source('{source}', '{name}')"),
                label: format!("{source}_{name}"),
                is_source: true,
            },
            reference: RelationRef::Source {
                source: Some(source.clone()),
                table: Some(name.clone()),
            },
            tags,
        }
    }
}

fn relation_of(name: &str, version: Option<&Version>) -> RelationRef {
    RelationRef::Ref {
        package: None,
        name: Some(name.to_owned()),
        version: version.map(|v| Some(v.v.clone())),
    }
}

/// `tags:` of an entry, and those of its `config:` if they are asked for.
fn tags_of(entry: YamlNode, with_config: bool) -> Vec<String> {
    let section = entry.get("config").filter(|_| with_config);
    let places = [Some(entry), section].into_iter().flatten();
    let tags = places.filter_map(|place| place.get("tags"));
    tags.flat_map(|t| super::super::config::strings(&t.to_json()))
        .collect()
}

/// A column's name as the adapter quotes it, and whether we know how it does.
fn quoted(name: &str, dialect: Dialect) -> (String, bool) {
    match dialect {
        Dialect::BigQuery | Dialect::Databricks | Dialect::Spark => (format!("`{name}`"), true),
        Dialect::ClickHouse | Dialect::Generic => (format!("\"{name}\""), false),
        _ => (format!("\"{name}\""), true),
    }
}

/// Is a unit test with these `versions:` one of this version? dbt tells `1` from `"1"`.
fn is_for(versions: Option<YamlNode>, v: YamlNode) -> bool {
    let same = |n: YamlNode| n.scalar() == v.scalar() && n.as_str() == v.as_str();
    let named = |key: &str| {
        let list = versions.and_then(|n| n.get(key)).filter(|n| !n.is_null());
        list.map(|n| n.resolve().items().any(same))
    };
    named("include") != Some(false) && named("exclude") != Some(true)
}

/// Tests that dbt leaves out, with a warning at most, because what they ask for is not there or
/// disabled; with `None`, generic ones of which that cannot be told.
pub(super) fn dropped(nodes: &[Node], index: &Index) -> FxHashMap<NodeId, Option<bool>> {
    let mut out = FxHashMap::default();
    let tests = nodes
        .iter()
        .filter(|n| n.resource_type == ResourceType::Test);
    for node in tests.filter(|n| !n.is_disabled()) {
        let references = references(node);
        let lacks = |sure: bool| {
            references.iter().any(|r| {
                let found = index.resolve(nodes, &r.relation, node.package);
                let gone = matches!(found, Resolution::Disabled(_) | Resolution::Missing(_));
                gone && r.unsure != sure
            })
        };
        if lacks(true) {
            out.insert(node.id, Some(false));
        } else if node.test.is_some() && lacks(false) {
            // A singular test's own switch is known, and rules ask for that.
            out.insert(node.id, None);
        }
    }
    out
}

/// Tells generic tests what they stand under.
pub(super) fn attach(nodes: &mut [Node], index: &Index) {
    let attached = |node: &Node| {
        let relation = &node.yaml_refs.first()?.relation;
        match index.resolve(nodes, relation, node.package) {
            Resolution::Found(id) | Resolution::Disabled(id) => {
                let parent = &nodes[id.0 as usize];
                let refable = parent.resource_type.is_refable();
                refable.then(|| parent.unique_id.clone())
            }
            _ => None,
        }
    };
    let of = |node: &Node| node.test.is_some().then(|| attached(node));
    let found: Vec<_> = nodes.iter().map(|node| of(node).flatten()).collect();
    for (node, attached) in nodes.iter_mut().zip(found) {
        if let Some(test) = &mut node.test {
            test.attached = attached;
        }
    }
}
