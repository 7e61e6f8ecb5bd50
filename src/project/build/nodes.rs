//! Nodes from files and property entries.

use super::*;
use crate::syntax::jinja::RelationRef;
use crate::syntax::template::{ConfigCall, RelationCall};
use regex::Regex;
use std::sync::LazyLock;

/// The body is no query, so that it parses or not says nothing.
pub(super) fn is_no_query(node: &Node) -> bool {
    matches!(node.config.text("materialized"), Some("semantic_view"))
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
        for (member, entry) in entries {
            nodes.extend(self.yaml_node(member, entry, &nodes, &trees, &parts.dialect));
        }
        for node in nodes.iter_mut().filter(|n| n.is_own()) {
            let found = self.hook_references(node, &parts.macros, &parts.dialect);
            node.yaml_refs.extend(found);
        }
        let files = &self.loaded.files;
        nodes.sort_by(|a, b| {
            let key = |n: &Node| (n.unique_id.clone(), files.get(n.file).path.clone());
            key(a).cmp(&key(b))
        });
        for (i, node) in nodes.iter_mut().enumerate() {
            node.id = NodeId(i as u32);
        }
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
        for (i, (member, entry)) in entries.iter().enumerate() {
            let package = self.loaded.members[*member].package;
            for version in &entry.versions {
                let stem = match &version.defined_in {
                    Some(file) => file.clone(),
                    None => format!("{}_v{}", entry.name.value, version.v),
                };
                let of = VersionOf {
                    entry: i,
                    name: &entry.name.value,
                    v: &version.v,
                    node: version.entry,
                };
                out.insert((package, stem), of);
            }
            let newest = entry.versions.iter().map(|v| &v.v).max_by(|a, b| {
                match (a.parse::<f64>(), b.parse::<f64>()) {
                    (Ok(x), Ok(y)) => x.total_cmp(&y),
                    _ => a.cmp(b),
                }
            });
            if let Some(v) = entry.latest.as_ref().or(newest) {
                latest.insert((package, entry.name.value.clone()), v.clone());
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
            node.sql = Some(Box::new(python(member.file, self.text(member.file))));
        }
        vec![node]
    }

    fn node(
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
            version: None,
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
            layer: None,
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
        let from_file = matches!(
            entry.kind,
            ResourceType::Model | ResourceType::Seed | ResourceType::Analysis
        );
        // A snapshot is YAML's own where it has a relation and no file defines it.
        let is_snapshot = entry.kind == ResourceType::Snapshot;
        let defined = |n: &Node| {
            n.resource_type == entry.kind
                && n.package == member.package
                && n.name == entry.name.value
        };
        if from_file || (is_snapshot && (entry.refs.is_empty() || known.iter().any(defined))) {
            return None;
        }
        let mut node = self.node(member, entry.kind, entry.name.value.clone(), None);
        node.place = entry.name.span;
        node.yaml_refs.clone_from(&entry.refs);
        if let Some((source, source_entry)) = &entry.source {
            node.unique_id = format!("source.{}.{source}.{}", node.package_name, node.name);
            node.source_name = Some(source.clone());
            let name = node.fqn.pop();
            node.fqn.push(source.clone());
            node.fqn.extend(name);
            self.configure(&mut node, Some(&entry), Some(*source_entry), trees, dialect);
        } else {
            self.configure(&mut node, Some(&entry), None, trees, dialect);
        }
        Some(node)
    }

    /// Resolves a node's configuration and joins its properties. `extra` is a second entry: the
    /// source of a table (weaker than the entry), or the version of a model (stronger).
    fn configure(
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
        let mut config = NodeConfig::default();
        let own = &self.loaded.packages[node.package];
        let section = section_of(node.resource_type);
        // dbt renders dbt_project.yml before there are project variables: it sees those of the
        // command line only.
        let given = |name: &str| self.config.vars.get(name).cloned().map(Some);
        let render_project = |text: &str| render_native(text, adapter, self.target(), &given);
        let mut projects = vec![own];
        if node.package > 0 {
            projects.push(self.loaded.root());
        }
        for project in projects {
            if let Some(section) = project.yaml.root().and_then(|r| r.get(section)) {
                from_project(&mut config, section, &node.fqn, &render_project);
            }
        }
        let tree = entry.and_then(|e| trees.get(&e.properties.file));
        // dbt sets a source's tags anew, and an exposure's where its `config:` has any.
        let sets_tags = match node.resource_type {
            ResourceType::Source => true,
            ResourceType::Exposure => entry.zip(tree).is_some_and(|(e, tree)| {
                let config = tree.node(e.properties.entry).get("config");
                config.is_some_and(|c| c.get("tags").is_some())
            }),
            _ => false,
        };
        if sets_tags {
            config.forget("tags");
        }
        if let (Some(entry), Some(tree)) = (entry, tree) {
            let extra = extra.map(|id| tree.node(id));
            let mut properties = entry.properties.clone();
            let own = tree.node(properties.entry);
            let is_source = node.resource_type == ResourceType::Source;
            let (first, second) = match is_source {
                true => (extra, Some(own)),
                false => (Some(own), extra),
            };
            for part in [first, second].into_iter().flatten() {
                from_properties(&mut config, part, node.resource_type, &render);
            }
            if let (false, Some(version)) = (is_source, extra) {
                properties.columns = properties::columns_of_version(&properties.columns, version);
                properties.tests.extend(properties::tests(version));
                let own = properties::description(version).filter(|d| !d.trim().is_empty());
                properties.description = own.or(properties.description);
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
        node.enabled = match config.get("enabled") {
            None => Some(true),
            Some(_) => config.flag("enabled"),
        };
        node.config = config;
    }
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

fn section_of(kind: ResourceType) -> &'static str {
    match kind {
        // dbt has no section for analyses: they are configured as models.
        ResourceType::Model | ResourceType::Analysis => "models",
        ResourceType::Seed => "seeds",
        ResourceType::Snapshot => "snapshots",
        ResourceType::Test => "data_tests",
        ResourceType::Source => "sources",
        ResourceType::Exposure => "exposures",
        ResourceType::Metric => "metrics",
        ResourceType::SemanticModel => "semantic-models",
    }
}

impl Node {
    fn set_version(&mut self, name: &str, v: &str) {
        self.unique_id = format!("model.{}.{name}.v{v}", self.package_name);
        self.fqn.pop();
        self.fqn.push(name.to_owned());
        self.fqn.push(format!("v{v}"));
        self.name = name.to_owned();
        self.version = Some(v.to_owned());
    }
}

/// `dbt.ref("a")`, `dbt.ref("a", v=1)`, `dbt.source("a", "b")` in a Python model, or a comment
/// (which is passed over); arguments that are no literal are not known.
static PYTHON_CALL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"#[^\n]*|\bdbt\.(ref|source)\(\s*(?:["']([^"'\n]*)["'])?\s*(?:,\s*["']([^"'\n]*)["'])?\s*(?:,\s*v(?:ersion)?\s*=\s*["']?([\w.]+)["']?)?"#,
    )
    .ok()
});
/// `dbt.config(materialized="table")`.
static PYTHON_CONFIG: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?s)\bdbt\.config\((.*?)\)"#).ok());

/// What a Python model asks for.
fn python(file: FileId, src: &str) -> SqlFile {
    let mut relations = Vec::new();
    for found in PYTHON_CALL.iter().flat_map(|r| r.captures_iter(src)) {
        let arg = |i: usize| found.get(i).map(|m| m.as_str().to_owned());
        let Some(function) = found.get(1) else {
            continue;
        };
        let version = arg(4).map(Some);
        let relation = match (function.as_str(), arg(2), arg(3)) {
            ("source", source, table) => RelationRef::Source { source, table },
            (_, Some(package), Some(name)) => RelationRef::Ref {
                package: Some(Some(package)),
                name: Some(name),
                version,
            },
            (_, name, _) => RelationRef::Ref {
                package: None,
                name,
                version,
            },
        };
        relations.push(RelationCall {
            relation,
            span: Span::new(file, function.start(), function.end()),
            in_comment: false,
            in_macro: false,
            unsure: false,
        });
    }
    SqlFile {
        doubtful: Vec::new(),
        inlined: std::sync::OnceLock::new(),
        relations,
        printed: Vec::new(),
        configs: python_config(file, src),
        macros: Vec::new(),
        sql: SqlTree::NotRead,
        variants: Vec::new(),
        shimmed: Vec::new(),
        text_bytes: 0,
        read_bytes: 0,
        exhausted: false,
    }
}

/// Python's keyword arguments of literals are Jinja's.
fn python_config(file: FileId, src: &str) -> Vec<ConfigCall> {
    let mut out = Vec::new();
    for found in PYTHON_CONFIG.iter().flat_map(|r| r.find_iter(src)) {
        let call = found.as_str().trim_start_matches("dbt.");
        let template = jinja::parse(&format!("{{{{ {call} }}}}")).nodes;
        let text = format!("{{{{ {call} }}}}");
        let library = MacroLibrary::default();
        let evaluation = jinja::evaluate(&jinja::Inputs {
            src: &text,
            nodes: &template,
            macros: &library,
            package: "",
            adapter: None,
            target: None,
            var: &|_| None,
            mode: jinja::Mode::Parse,
            inline: jinja::Inline::Never,
            earlier: None,
        });
        let span = Span::new(file, found.start(), found.end());
        for call in evaluation.calls {
            if let jinja::CallKind::Config(mut args) = call.kind {
                for arg in &mut args {
                    arg.value_range = span.start..span.end;
                    arg.key_range = span.start..span.end;
                }
                out.push(ConfigCall {
                    span,
                    args,
                    in_macro: false,
                });
            }
        }
    }
    out
}
