//! Nodes from files and property entries.

use super::*;
use crate::syntax::sql::tree::Body;

/// The body is no query, so that it parses or not says nothing: a semantic view, a script.
pub(super) fn is_no_query(node: &Node) -> bool {
    let query = node.sql.as_ref().and_then(|sql| sql.query());
    node.config.text("materialized") == Some("semantic_view")
        || query.is_some_and(|q| matches!(q.body, Body::Other(_)))
}

/// A version's files and keys, by the stem of its file.
struct VersionOf<'e> {
    entry: usize,
    name: &'e str,
    v: &'e str,
    node: yaml::NodeId,
}

impl<'a> Builder<'a> {
    /// Every node of the run, sorted by unique id and path, with configuration and properties.
    pub(super) fn nodes(&mut self, parts: &mut Parts) -> Vec<Node> {
        let sql = std::mem::take(&mut parts.sql);
        let entries = std::mem::take(&mut parts.entries);
        let trees: FxHashMap<FileId, &Yaml> = parts.yaml.iter().map(|(f, y)| (*f, y)).collect();
        let versions = self.versions(&entries, &mut parts.latest);
        let by_name = self.entries_by_name(&entries, &trees, &mut parts.property_problems);
        let broken = self.words_of_broken(&parts.yaml);
        let unread = self.has_unread_yaml();
        let mut nodes = Vec::new();
        for (index, files) in sql.into_iter().enumerate() {
            let member = &self.loaded.members[index];
            if !makes_nodes(member.role) {
                continue;
            }
            for mut node in self.file_nodes(member, files) {
                let key = (
                    node.package,
                    self.loaded.files.get(node.file).stem().to_owned(),
                );
                let version = versions
                    .get(&key)
                    .filter(|_| node.resource_type == ResourceType::Model);
                let mut extra = None;
                let found = match version {
                    Some(v) => {
                        node.set_version(v.name, v.v);
                        extra = Some(v.node);
                        Some(v.entry)
                    }
                    None => by_name
                        .get(&(node.package, node.resource_type, node.name.as_str()))
                        .copied(),
                };
                let entry = found.map(|i| &entries[i].1);
                node.properties_lost = match entry {
                    Some(entry) => {
                        let tree = trees.get(&entry.properties.file);
                        tree.is_some_and(|t| !t.is_complete())
                    }
                    None => unread || broken.contains(node.name.as_str()),
                };
                self.configure(&mut node, entry, extra, &trees, &parts.dialect);
                nodes.push(node);
            }
        }
        nodes.extend(self.test_nodes(&entries, &trees, &parts.macros, &parts.dialect));
        let patches = source_patches(&parts.yaml);
        for (member, entry) in entries {
            nodes.extend(self.yaml_node(member, entry, &nodes, &trees, &parts.dialect));
        }
        if !patches.is_empty() {
            self.patch_sources(&mut nodes, &patches, &parts.dialect);
        }
        for node in nodes.iter_mut().filter(|n| n.is_own() && n.test.is_none()) {
            let found = self.hook_references(node, &parts.macros, &parts.dialect);
            node.yaml_refs.extend(found);
        }
        for node in nodes.iter_mut().filter(|n| n.version.is_some()) {
            let key = (node.package, node.name.clone());
            node.latest_version = parts.latest.get(&key).cloned();
        }
        number(&mut nodes, &self.loaded.files);
        nodes
    }

    /// What a node's hooks ask for: dbt renders them with the node, so that they give edges.
    fn hook_references(
        &self,
        node: &Node,
        macros: &MacroLibrary,
        dialect: &DialectChoice,
    ) -> Vec<Reference> {
        let var = |name: &str| self.vars[node.package].get(name);
        let env = self.environment(macros, dialect, &var);
        let mut out = Vec::new();
        for key in ["pre-hook", "post-hook"] {
            let Some(hooks) = node.config.get(key) else {
                continue;
            };
            let span = hooks.span.unwrap_or(node.place);
            for text in hooks.value.iter().flat_map(hook_texts) {
                let template = jinja::parse(text);
                let nodes = &template.nodes;
                let hook = template::understand(span.file, text, &template, nodes, &env, false);
                out.extend(hook.relations.into_iter().map(|call| Reference {
                    relation: call.relation,
                    span,
                    in_comment: false,
                    in_macro: call.in_macro,
                    unsure: call.unsure,
                }));
            }
        }
        out
    }

    /// The words of property files that break off: a model that is named there may have its entry
    /// there.
    fn words_of_broken(&self, yaml: &[(FileId, Yaml)]) -> FxHashSet<&'a str> {
        let broken = yaml.iter().filter(|(_, tree)| !tree.is_complete());
        let texts = broken.map(|(file, _)| self.text(*file));
        texts
            .flat_map(|t| t.split(|c: char| !(c.is_alphanumeric() || c == '_')))
            .collect()
    }

    /// Is there a property file of which nothing could be read?
    fn has_unread_yaml(&self) -> bool {
        self.loaded.members.iter().any(|m| {
            let file = self.loaded.files.get(m.file);
            m.role == Role::Properties && file.problem.is_some() && file.text.is_empty()
        })
    }

    /// Entries by package, type and name; the last of several, as PyYAML would have it. What was
    /// read of a file that breaks off fills gaps only: dbt does not read such a file at all.
    fn entries_by_name<'e>(
        &self,
        entries: &'e [(usize, Entry)],
        trees: &FxHashMap<FileId, &Yaml>,
        problems: &mut Vec<PropertyProblem>,
    ) -> FxHashMap<(usize, ResourceType, &'e str), usize> {
        let is_whole = |e: &Entry| {
            trees
                .get(&e.properties.file)
                .is_some_and(|t| t.is_complete())
        };
        let key = |(member, entry): &'e (usize, Entry)| {
            let package = self.loaded.members[*member].package;
            (package, entry.kind, entry.name.value.as_str())
        };
        let mut by_name = FxHashMap::default();
        for (i, both) in entries.iter().enumerate().filter(|(_, e)| is_whole(&e.1)) {
            let (package, kind, name) = key(both);
            let Some(first) = by_name.insert((package, kind, name), i) else {
                continue;
            };
            if package == 0 && kind.is_refable() {
                // dbt: "found two schema.yml entries for the same resource".
                let first: &Entry = &entries[first].1;
                let path = &self.loaded.files.get(first.name.span.file).path;
                let kind = kind.as_str();
                problems.push(PropertyProblem {
                    span: both.1.name.span,
                    message: format!(
                        "the {kind} `{name}` has another entry in {path}: dbt refuses two"
                    ),
                    duplicate: true,
                });
            }
        }
        for (i, both) in entries.iter().enumerate() {
            by_name.entry(key(both)).or_insert(i);
        }
        by_name
    }

    fn versions<'e>(
        &self,
        entries: &'e [(usize, Entry)],
        latest: &mut FxHashMap<(usize, String), String>,
    ) -> FxHashMap<(usize, String), VersionOf<'e>> {
        let mut out = FxHashMap::default();
        let members = self.loaded.members.iter();
        let models = members.filter(|m| matches!(m.role, Role::Model | Role::PythonModel));
        let models: FxHashSet<(usize, &str)> = models
            .map(|m| (m.package, self.loaded.files.get(m.file).stem()))
            .collect();
        for (i, (member, entry)) in entries.iter().enumerate() {
            let package = self.loaded.members[*member].package;
            let newest = entry.versions.iter().map(|v| &v.v).max_by(|a, b| {
                match (a.parse::<f64>(), b.parse::<f64>()) {
                    (Ok(x), Ok(y)) => x.total_cmp(&y),
                    _ => a.cmp(b),
                }
            });
            let newest = entry.latest.as_ref().or(newest);
            if let Some(v) = newest {
                latest.insert((package, entry.name.value.clone()), v.clone());
            }
            for version in &entry.versions {
                let suffixed = format!("{}_v{}", entry.name.value, version.v);
                let stem = match &version.defined_in {
                    Some(file) => file.clone(),
                    // The latest one may lie in a file without a suffix.
                    None if newest == Some(&version.v)
                        && !models.contains(&(package, suffixed.as_str())) =>
                    {
                        entry.name.value.clone()
                    }
                    None => suffixed,
                };
                let of = VersionOf {
                    entry: i,
                    name: &entry.name.value,
                    v: &version.v,
                    node: version.entry,
                };
                out.insert((package, stem), of);
            }
        }
        out
    }

    /// The nodes that a file defines, not yet configured.
    fn file_nodes(&self, member: &Member, files: Vec<(Option<Box<str>>, SqlFile)>) -> Vec<Node> {
        let kind = match member.role {
            Role::Model | Role::PythonModel => ResourceType::Model,
            Role::Seed => ResourceType::Seed,
            Role::Snapshot => ResourceType::Snapshot,
            Role::Test => ResourceType::Test,
            Role::Function => ResourceType::Function,
            _ => ResourceType::Analysis,
        };
        let stem = self.loaded.files.get(member.file).stem().to_owned();
        if member.role == Role::Snapshot {
            return files
                .into_iter()
                .map(|(name, sql)| {
                    let name = name.map_or_else(|| stem.clone(), String::from);
                    self.node(member, kind, name, Some(sql))
                })
                .collect();
        }
        let sql = files.into_iter().next().map(|(_, sql)| sql);
        let mut node = self.node(member, kind, stem, sql);
        if member.role == Role::PythonModel {
            node.python = true;
            node.sql = Some(Box::new(python::understand(
                member.file,
                self.text(member.file),
            )));
        }
        vec![node]
    }

    pub(super) fn node(
        &self,
        member: &Member,
        kind: ResourceType,
        name: String,
        sql: Option<SqlFile>,
    ) -> Node {
        let package = &self.loaded.packages[member.package].name;
        let mut fqn = vec![package.to_string()];
        if kind == ResourceType::Analysis {
            fqn.push("analysis".to_owned());
        }
        fqn.extend(member.folders.iter().cloned());
        // Of a snapshot block its file is a part of the name.
        if kind == ResourceType::Snapshot && sql.is_some() {
            fqn.push(self.loaded.files.get(member.file).stem().to_owned());
        }
        fqn.push(name.clone());
        Node {
            id: NodeId(0),
            unique_id: format!("{}.{package}.{name}", kind.as_str()),
            resource_type: kind,
            name,
            source_name: None,
            source_entry: None,
            version: None,
            latest_version: None,
            package: member.package,
            package_name: package.clone(),
            fqn,
            file: member.file,
            place: Span::whole(member.file),
            sql: sql.map(Box::new),
            python: false,
            config: NodeConfig::default(),
            properties: None,
            properties_lost: false,
            yaml_refs: Vec::new(),
            enabled: Some(true),
            test: None,
            layer: None,
            absent: false,
        }
    }

    /// A node that only YAML defines.
    fn yaml_node(
        &self,
        member: usize,
        entry: Entry,
        known: &[Node],
        trees: &FxHashMap<FileId, &Yaml>,
        dialect: &DialectChoice,
    ) -> Option<Node> {
        let member = &self.loaded.members[member];
        // Tests are made of the entries of what they test, and unit tests with them.
        let elsewhere = matches!(
            entry.kind,
            ResourceType::Model
                | ResourceType::Seed
                | ResourceType::Analysis
                | ResourceType::Test
                | ResourceType::UnitTest
                | ResourceType::Function
        );
        // A snapshot is YAML's own where it has a relation and no file defines it.
        let is_snapshot = entry.kind == ResourceType::Snapshot;
        let defined = |n: &Node| {
            n.resource_type == entry.kind
                && n.package == member.package
                && n.name == entry.name.value
        };
        // An entry that changes another package's source makes none.
        let patches = entry.overrides.is_some();
        if elsewhere
            || patches
            || (is_snapshot && (entry.refs.is_empty() || known.iter().any(defined)))
        {
            return None;
        }
        let mut node = self.node(member, entry.kind, entry.name.value.clone(), None);
        node.place = entry.name.span;
        node.yaml_refs.clone_from(&entry.refs);
        if let Some((source, source_entry)) = &entry.source {
            node.unique_id = format!("source.{}.{source}.{}", node.package_name, node.name);
            node.source_name = Some(source.clone());
            node.source_entry = Some(*source_entry);
            let name = node.fqn.pop();
            node.fqn.push(source.clone());
            node.fqn.extend(name);
            self.configure(&mut node, Some(&entry), Some(*source_entry), trees, dialect);
        } else {
            let second = entry.properties.second;
            self.configure(&mut node, Some(&entry), second, trees, dialect);
        }
        Some(node)
    }

    /// What dbt_project.yml says of a node: that of its package, then that of the project.
    pub(super) fn project_config(&self, node: &Node, dialect: &DialectChoice) -> NodeConfig {
        let adapter = Some(dialect.adapter.as_str()).filter(|a| !a.is_empty());
        // dbt renders dbt_project.yml before there are project variables: it sees those of the
        // command line only.
        let given = |name: &str| self.config.vars.get(name).cloned().map(Some);
        let render = |text: &str| render_native(text, adapter, self.target(), &given);
        let mut config = NodeConfig::default();
        let mut projects = vec![&self.loaded.packages[node.package]];
        if node.package > 0 {
            projects.push(self.loaded.root());
        }
        for root in projects.into_iter().filter_map(|p| p.yaml.root()) {
            let mut sections = sections_of(node.resource_type).iter();
            if let Some(section) = sections.find_map(|key| root.get(key)) {
                from_project(&mut config, section, &node.fqn, &render);
            }
        }
        config
    }

    /// Lays what the project says of its packages' sources over their configuration.
    fn patch_sources(
        &self,
        nodes: &mut [Node],
        patches: &[(&str, &str, yaml::Node)],
        dialect: &DialectChoice,
    ) {
        let adapter = Some(dialect.adapter.as_str()).filter(|a| !a.is_empty());
        let var = |name: &str| self.vars[0].get(name);
        let render = |text: &str| render_native(text, adapter, self.target(), &var);
        for node in nodes {
            let Some(source) = node.source_name.clone() else {
                continue;
            };
            let package = node.package_name.clone();
            let changes = |p: &&(&str, &str, yaml::Node)| p.0 == &*package && p.1 == source;
            for (_, _, patch) in patches.iter().filter(changes) {
                let mut config = std::mem::take(&mut node.config);
                entry::patch_source(&mut config, *patch, &node.name, &render);
                node.set_config(config);
            }
        }
    }

    /// Resolves a node's configuration and joins its properties. `extra` is a second entry: the
    /// source of a table (weaker than the entry), or the version of a model (stronger).
    pub(super) fn configure(
        &self,
        node: &mut Node,
        entry: Option<&Entry>,
        extra: Option<yaml::NodeId>,
        trees: &FxHashMap<FileId, &Yaml>,
        dialect: &DialectChoice,
    ) {
        let vars = &self.vars[node.package];
        let adapter = Some(dialect.adapter.as_str()).filter(|a| !a.is_empty());
        let var = |name: &str| vars.get(name);
        let render = |text: &str| render_native(text, adapter, self.target(), &var);
        let mut config = self.project_config(node, dialect);
        let tree = entry.and_then(|e| trees.get(&e.properties.file));
        if let (Some(entry), Some(tree)) = (entry, tree) {
            let mut properties = entry.properties.clone();
            properties.second = extra;
            let extra = extra.map(|id| tree.node(id));
            let own = tree.node(properties.entry);
            let kind = node.resource_type;
            entry::lay(&mut config, kind, own, extra, &render);
            if let (ResourceType::Model, Some(version)) = (kind, extra) {
                properties = properties::of_version(&properties, version);
            }
            node.properties = Some(properties);
        }
        for call in node.sql.iter().flat_map(|s| &s.configs) {
            for arg in &call.args {
                let range = &arg.value_range;
                let span = Span::new(node.file, range.start as usize, range.end as usize);
                config.set(&arg.key, arg.value.clone(), Some(span), Origin::Inline);
            }
        }
        node.set_config(config);
    }
}

/// Brings nodes in order, and gives each its place in it.
pub(super) fn number(nodes: &mut [Node], files: &Files) {
    nodes.sort_by(|a, b| {
        let path = |n: &Node| &files.get(n.file).path;
        let by_id = a.unique_id.cmp(&b.unique_id);
        by_id.then_with(|| path(a).cmp(path(b)))
    });
    for (i, node) in nodes.iter_mut().enumerate() {
        node.id = NodeId(i as u32);
    }
}

/// Entries that change a source of another package (`overrides:`).
fn source_patches(yaml: &[(FileId, Yaml)]) -> Vec<(&str, &str, yaml::Node<'_>)> {
    let roots = yaml.iter().filter_map(|(_, tree)| tree.root());
    let sources = roots.filter_map(|r| Some(r.get("sources")?.resolve().items()));
    sources
        .flatten()
        .filter_map(|s| {
            let package = s.get("overrides")?.as_str()?;
            Some((package, s.get("name")?.as_str()?, s))
        })
        .collect()
}

/// The texts with Jinja in a hook: a string, `{sql: …}`, or a list of them.
fn hook_texts(hooks: &serde_json::Value) -> Vec<&str> {
    match hooks {
        serde_json::Value::String(text) if text.contains('{') => vec![text],
        serde_json::Value::Array(items) => items.iter().flat_map(hook_texts).collect(),
        serde_json::Value::Object(hook) => hook.get("sql").map_or(Vec::new(), hook_texts),
        _ => Vec::new(),
    }
}

/// The sections of dbt_project.yml that configure nodes of a type; the first one there counts.
fn sections_of(kind: ResourceType) -> &'static [&'static str] {
    match kind {
        // dbt has no section for analyses: they are configured as models.
        ResourceType::Model | ResourceType::Analysis => &["models"],
        ResourceType::Seed => &["seeds"],
        ResourceType::Snapshot => &["snapshots"],
        ResourceType::Test => &["data_tests", "tests"],
        ResourceType::UnitTest => &["unit_tests"],
        ResourceType::Source => &["sources"],
        ResourceType::Exposure => &["exposures"],
        ResourceType::Metric => &["metrics"],
        ResourceType::SemanticModel => &["semantic-models"],
        ResourceType::SavedQuery => &["saved-queries"],
        ResourceType::Function => &["functions"],
    }
}

impl Node {
    pub(super) fn set_config(&mut self, config: NodeConfig) {
        self.enabled = match config.get("enabled") {
            None => Some(true),
            Some(_) => config.flag("enabled"),
        };
        self.config = config;
    }

    fn set_version(&mut self, name: &str, v: &str) {
        self.unique_id = format!("model.{}.{name}.v{v}", self.package_name);
        self.fqn.pop();
        self.fqn.push(name.to_owned());
        self.fqn.push(format!("v{v}"));
        self.name = name.to_owned();
        self.version = Some(v.to_owned());
    }
}
