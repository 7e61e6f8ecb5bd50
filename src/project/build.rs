//! From files to a project: the pipeline, step by step.

use super::config::{Origin, from_project};
use super::graph::{Edge, Graph};
use super::overlay::{self, ManifestEdges, ManifestFile, Unusable};
use super::properties::{self, Entry};
use super::resolve::{Index, Reference, Resolution};
use super::vars::Vars;
use super::*;
use crate::config::{ManifestSetting, PathPattern};
use crate::load::{DialectHints, Package, dialect_hints};
use crate::manifest::Manifest;
use crate::syntax::comment;
use crate::syntax::jinja::{self, render_native};
use crate::syntax::sql::Dialect;
use crate::syntax::template::{self, Environment, SqlTree};
use crate::syntax::yaml;
use rayon::prelude::*;

mod dialect;
mod entry;
mod nodes;
mod python;
mod tests;

/// What a build is told beside the files and the configuration.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// `--manifest`, which wins over the configuration.
    pub manifest: Option<ManifestSetting>,
    /// Read what people and agents read about the repository.
    pub knowledge: bool,
    /// Read these files, too, wherever below the root they are.
    pub named: Vec<PathPattern>,
    /// Keep the text that the SQL parser read of each file, for whoever compares readings.
    pub keep_text: bool,
}

/// Builds the project.
///
/// # Errors
/// Path and reason of a manifest that was asked for and cannot be used.
pub fn build(
    loaded: Loaded,
    config: crate::config::Config,
    options: &Options,
) -> Result<Project, (String, String)> {
    let mut notices = loaded.notices.clone();
    let setting = options
        .manifest
        .as_ref()
        .unwrap_or(&config.manifest)
        .clone();
    let target_path = loaded
        .root()
        .yaml
        .root()
        .and_then(|r| r.get("target-path")?.as_str());
    let manifest_file = overlay::open(&setting, &loaded.place, target_path, &mut notices)?;
    let asked = matches!(setting, ManifestSetting::Path(_));
    let name = loaded.root().name.to_string();
    let manifest = read_manifest(manifest_file.as_ref(), asked, &name, &mut notices)?;
    let mut builder = Builder::new(&loaded, &config, notices, options.keep_text);
    let mut parts = builder.understand(manifest.as_ref());
    let mut nodes = builder.nodes(&mut parts);
    let mut edges = ManifestEdges::default();
    let mut info = None;
    let mut names: Vec<Arc<str>> = loaded.packages.iter().map(|p| p.name.clone()).collect();
    if let Some(m) = &manifest {
        names.extend(overlay::add_absent(m, &loaded.packages, &mut nodes));
        nodes::number(&mut nodes, &loaded.files);
    }
    if let (Some(m), Some(file)) = (&manifest, &manifest_file) {
        let (laid, taken) = overlay::lay(m, &file.path, &mut nodes, &loaded.files);
        info = Some(laid);
        edges = taken;
    }
    drop(manifest);
    drop(manifest_file);
    let layers = layer_table(&config, &loaded, &nodes);
    for node in &mut nodes {
        if node.resource_type == ResourceType::Model && node.is_own() {
            node.layer = layers.of(&loaded.files.get(node.file).path, &node.name);
        }
    }
    let index = Index::new(
        &nodes,
        measures(&nodes, &parts.yaml),
        parts.latest,
        names.iter().map(|n| n.to_string()).collect(),
        loaded.misses_packages(),
    );
    let dropped = tests::dropped(&nodes, &index);
    let (graph, unresolved) = link(&nodes, &index, &edges, &dropped);
    tests::attach(&mut nodes, &index);
    for (id, enabled) in dropped {
        nodes[id.0 as usize].enabled = enabled;
    }
    let counts = count(&nodes);
    let by_id = by_unique_id(&nodes);
    let target = builder.target().map(str::to_owned);
    let vars = builder.vars.drain(..).next().unwrap_or_default();
    let notices = builder.finish(&nodes);
    let mut yaml: FxHashMap<FileId, Yaml> = parts.yaml.into_iter().collect();
    let Loaded {
        place,
        mut files,
        members,
        packages,
        dependencies,
        package_files,
        ..
    } = loaded;
    let context = crate::load::files_below(&place, &config.context.dir);
    let picked = Picked::read(&place);
    let knowledge = match options.knowledge {
        true => Knowledge::read(&place, &config, &mut files),
        false => Knowledge::default(),
    };
    let named = named::named(&place, &options.named, &mut files);
    let package_projects = packages.iter().skip(1).map(|p| p.file).collect();
    yaml.extend(package_files);
    yaml.extend(packages.into_iter().map(|p| (p.file, p.yaml)));
    let mut suppressions = parts.suppressions;
    for member in members.iter().filter(|m| m.package == 0) {
        if let Some(tree) = yaml.get(&member.file) {
            let comments = tree.comments.iter().map(|c| c.span);
            let text = &files.get(member.file).text;
            suppressions.extend(comment::in_yaml(member.file, text, comments));
        }
    }
    for document in &knowledge.documents {
        let text = &files.get(document.file).text;
        suppressions.extend(comment::in_markdown(document.file, text));
    }
    for (file, tree) in &named {
        let text = &files.get(*file).text;
        match tree {
            Some(tree) => {
                let comments = tree.comments.iter().map(|c| c.span);
                suppressions.extend(comment::in_yaml(*file, text, comments));
            }
            None => suppressions.extend(comment::in_markdown(*file, text)),
        }
    }
    suppressions.sort_by_key(|s| s.span);
    Ok(Project {
        name,
        place,
        files,
        members,
        yaml,
        jinja_errors: parts.jinja_errors,
        property_problems: parts.property_problems,
        suppressions,
        baseline: None,
        nodes,
        groups: parts.groups,
        graph,
        unresolved,
        layers,
        macros: parts.macros,
        context,
        picked,
        knowledge,
        dependencies,
        packages: names,
        dialect: parts.dialect,
        manifest: info,
        notices,
        named: named.iter().map(|(file, _)| *file).collect(),
        counts,
        config,
        elsewhere: OnceLock::new(),
        context_tables: OnceLock::new(),
        parts: select::Parts::default(),
        by_id,
        index,
        vars,
        target,
        package_files: package_projects,
    })
}

fn read_manifest<'a>(
    file: Option<&'a ManifestFile>,
    asked: bool,
    project: &str,
    notices: &mut Vec<Notice>,
) -> Result<Option<Manifest<'a>>, Unusable> {
    match file {
        Some(file) => overlay::read(file, asked, project, notices),
        None => Ok(None),
    }
}

/// What reading the files gives, before nodes are made of it.
pub(super) struct Parts {
    macros: MacroLibrary,
    dialect: DialectChoice,
    yaml: Vec<(FileId, Yaml)>,
    /// Per member, in order: what its SQL files hold (one per snapshot of a snapshot file).
    sql: Vec<Vec<(Option<Box<str>>, SqlFile)>>,
    /// Property entries with the index of their member.
    entries: Vec<(usize, Entry)>,
    latest: FxHashMap<(usize, String), String>,
    groups: Vec<Group>,
    jinja_errors: Vec<(Span, String)>,
    property_problems: Vec<PropertyProblem>,
    suppressions: Vec<Suppression>,
}

struct Builder<'a> {
    loaded: &'a Loaded,
    config: &'a crate::config::Config,
    notices: Vec<Notice>,
    hints: DialectHints,
    vars: Vec<Vars>,
    keep_text: bool,
}

/// One file of SQL, understood.
struct Understood {
    sql: Vec<(Option<Box<str>>, SqlFile)>,
    errors: Vec<(Span, String)>,
    suppressions: Vec<Suppression>,
}

impl<'a> Builder<'a> {
    fn new(
        loaded: &'a Loaded,
        config: &'a crate::config::Config,
        notices: Vec<Notice>,
        keep_text: bool,
    ) -> Self {
        let root = loaded.root();
        let profile = root.yaml.root().and_then(|r| r.get("profile")?.as_str());
        let hints = dialect_hints(&loaded.place, profile, config.target.as_deref());
        let vars = |p: &Package| Vars::new(root, p, &config.vars);
        Self {
            loaded,
            config,
            notices,
            hints,
            vars: loaded.packages.iter().map(vars).collect(),
            keep_text,
        }
    }

    fn target(&self) -> Option<&str> {
        self.config
            .target
            .as_deref()
            .or(self.hints.target.as_deref())
    }

    fn text(&self, file: FileId) -> &'a str {
        &self.loaded.files.get(file).text
    }

    fn understand(&mut self, manifest: Option<&Manifest>) -> Parts {
        let mut parts = Parts {
            macros: MacroLibrary::new(&self.loaded.root().name),
            dialect: DialectChoice {
                dialect: Dialect::Generic,
                adapter: String::new(),
                from: String::new(),
                guessed: false,
            },
            yaml: Vec::new(),
            sql: Vec::new(),
            entries: Vec::new(),
            latest: FxHashMap::default(),
            groups: Vec::new(),
            jinja_errors: Vec::new(),
            property_problems: Vec::new(),
            suppressions: Vec::new(),
        };
        self.read_macros(&mut parts);
        self.read_yaml(&mut parts);
        parts.dialect = self.dialect(manifest, &parts.macros);
        self.read_sql(&mut parts);
        parts
    }

    fn read_macros(&self, parts: &mut Parts) {
        let members: Vec<&Member> = self.loaded.members.iter().collect();
        let wanted = |m: &&&Member| m.role == Role::Macro;
        let parsed: Vec<_> = members
            .par_iter()
            .filter(wanted)
            .map(|m| (*m, jinja::parse(self.text(m.file))))
            .collect();
        for (member, template) in parsed {
            let text = self.text(member.file);
            if member.package == 0 {
                let errors = template::errors(member.file, &template);
                parts
                    .jinja_errors
                    .extend(errors.map(|(s, m)| (s, m.to_owned())));
                let found = comment::in_sql(member.file, text, &template.tokens);
                parts.suppressions.extend(found);
            }
            let package = &self.loaded.packages[member.package].name;
            parts.macros.add(package, &Arc::from(text), template);
        }
        parts.macros.finish();
    }

    fn read_yaml(&self, parts: &mut Parts) {
        let read: Vec<_> = self
            .loaded
            .members
            .par_iter()
            .enumerate()
            .filter(|(_, m)| m.role == Role::Properties)
            .map(|(index, m)| {
                let tree = yaml::parse(m.file, self.text(m.file));
                let entries = properties::entries(&tree);
                (index, m.file, tree, entries)
            })
            .collect();
        for (index, file, tree, entries) in read {
            if self.loaded.members[index].package == 0 {
                let conflicts = properties::conflicts(&tree);
                parts.property_problems.extend(conflicts);
            }
            let package = self.loaded.members[index].package;
            let name = &self.loaded.packages[package].name;
            parts
                .groups
                .extend(properties::groups(&tree, package, name));
            parts.yaml.push((file, tree));
            parts
                .entries
                .extend(entries.into_iter().map(|e| (index, e)));
        }
        parts.groups.sort_by(|a, b| {
            let key = |g: &Group| (g.unique_id.clone(), g.name.span);
            key(a).cmp(&key(b))
        });
    }

    fn environment<'e>(
        &'e self,
        macros: &'e MacroLibrary,
        dialect: &'e DialectChoice,
        var: jinja::Vars<'e>,
    ) -> Environment<'e> {
        Environment {
            macros,
            package: &self.loaded.root().name,
            adapter: Some(dialect.adapter.as_str()).filter(|a| !a.is_empty()),
            target: self.target(),
            var,
            dialect: dialect.dialect,
            keep_text: self.keep_text,
            model: None,
        }
    }

    fn read_sql(&self, parts: &mut Parts) {
        let var = |name: &str| self.vars[0].get(name);
        let env = self.environment(&parts.macros, &parts.dialect, &var);
        let read: Vec<Understood> = self
            .loaded
            .members
            .par_iter()
            .map(|m| self.understand_file(m, &env))
            .collect();
        for one in read {
            parts.sql.push(one.sql);
            parts.jinja_errors.extend(one.errors);
            parts.suppressions.extend(one.suppressions);
        }
        parts.jinja_errors.sort_by_key(|(span, _)| *span);
    }

    fn understand_file(&self, member: &Member, env: &Environment) -> Understood {
        let mut out = Understood {
            sql: Vec::new(),
            errors: Vec::new(),
            suppressions: Vec::new(),
        };
        let wanted = matches!(
            member.role,
            Role::Model | Role::Snapshot | Role::Test | Role::Analysis | Role::Function
        );
        if !wanted || (member.package > 0 && member.role != Role::Snapshot) {
            return out;
        }
        let (file, src) = (member.file, self.text(member.file));
        // A function in Python is no template.
        if member.role == Role::Function && self.loaded.files.get(file).path.ends_with(".py") {
            return out;
        }
        let env = &Environment {
            model: Some(self.loaded.files.get(file).stem()),
            ..*env
        };
        let template = jinja::parse(src);
        if member.package == 0 {
            let errors = template::errors(file, &template);
            out.errors = errors.map(|(s, m)| (s, m.to_owned())).collect();
            out.suppressions = comment::in_sql(file, src, &template.tokens);
        }
        let no_query = matches!(member.role, Role::Analysis | Role::Function);
        let want_sql = member.package == 0 && !no_query;
        if member.role == Role::Snapshot {
            for node in &template.nodes {
                let jinja::ast::Node::Group {
                    tag, name, body, ..
                } = node
                else {
                    continue;
                };
                if &**tag == "snapshot" {
                    let sql = template::understand(file, src, &template, body, env, want_sql);
                    out.sql.push((Some(name.clone()), sql));
                }
            }
            return out;
        }
        let sql = template::understand(file, src, &template, &template.nodes, env, want_sql);
        out.sql.push((None, sql));
        out
    }

    /// Everything that was not understood.
    fn finish(mut self, nodes: &[Node]) -> Vec<Notice> {
        for node in nodes.iter().filter(|n| n.is_own() && !n.is_disabled()) {
            let Some(sql) = &node.sql else { continue };
            let file = self.loaded.files.get(node.file);
            if let SqlTree::Failed { message, span } = &sql.sql
                && node.resource_type == ResourceType::Model
                && !nodes::is_no_query(node)
            {
                let read = match &sql.recovered {
                    Some(r) if r.parts > 1 => {
                        format!("; read on their own: {} of its {} queries", r.read, r.parts)
                    }
                    _ => String::new(),
                };
                self.notices.push(Notice {
                    what: "sql",
                    path: file.path.clone(),
                    why: format!("the SQL parser does not understand it: {message}{read}"),
                    line: Some(file.line_col(span.start).line),
                });
            }
            if sql.exhausted {
                self.notices.push(Notice {
                    what: "jinja",
                    path: file.path.clone(),
                    why: "its Jinja was not evaluated to the end: the work limit was reached"
                        .to_owned(),
                    line: None,
                });
            }
        }
        self.notices.sort();
        self.notices.dedup();
        self.notices
    }
}

fn layer_table(config: &crate::config::Config, loaded: &Loaded, nodes: &[Node]) -> LayerTable {
    match &config.layers {
        Some(layers) => LayerTable::configured(layers.clone(), config.classify.clone()),
        None => {
            let models = nodes
                .iter()
                .filter(|n| n.resource_type == ResourceType::Model && n.is_own());
            LayerTable::infer(models.map(|n| loaded.files.get(n.file).path.as_str()))
        }
    }
}

/// Semantic models by the measures they have.
fn measures(nodes: &[Node], yaml: &[(FileId, Yaml)]) -> FxHashMap<String, Vec<NodeId>> {
    let models = nodes
        .iter()
        .filter(|n| n.resource_type == ResourceType::SemanticModel);
    let models: Vec<&Node> = models.collect();
    let mut out: FxHashMap<String, Vec<NodeId>> = FxHashMap::default();
    if models.is_empty() {
        return out;
    }
    let trees: FxHashMap<FileId, &Yaml> = yaml.iter().map(|(f, y)| (*f, y)).collect();
    for node in models {
        let Some(properties) = &node.properties else {
            continue;
        };
        let tree = trees.get(&properties.file);
        let names = tree.map(|t| properties::measures(t.node(properties.entry)));
        for name in names.into_iter().flatten() {
            out.entry(name).or_default().push(node.id);
        }
    }
    out
}

/// The references of a node, from SQL and YAML.
fn references(node: &Node) -> Vec<Reference> {
    let calls = node.sql.iter().flat_map(|s| &s.relations);
    let from_sql = calls.map(|c| Reference {
        relation: c.relation.clone(),
        span: c.span,
        in_comment: c.in_comment,
        in_macro: c.in_macro,
        unsure: c.unsure,
    });
    from_sql.chain(node.yaml_refs.iter().cloned()).collect()
}

/// Edges of enabled nodes, and the references that found none.
fn link(
    nodes: &[Node],
    index: &Index,
    from_manifest: &ManifestEdges,
    dropped: &FxHashMap<NodeId, Option<bool>>,
) -> (Graph, Vec<(NodeId, Reference, Resolution)>) {
    let mut graph = Graph::new(nodes.len());
    let mut unresolved = Vec::new();
    let ids = by_unique_id(nodes);
    for node in nodes.iter().filter(|n| !n.is_disabled()) {
        let certain = from_manifest.get(&node.id);
        let is_dropped = dropped.get(&node.id) == Some(&Some(false));
        // dbt says of a generic test what it lacks, and goes on; an entry about a model that is not
        // there would be reported once for each test.
        let reported = node.test.is_none() && node.resource_type != ResourceType::UnitTest;
        for reference in references(node) {
            let resolution = index.resolve(nodes, &reference.relation, node.package);
            let Resolution::Found(parent) = resolution else {
                if reported && certain.is_none() && resolution != Resolution::Unknown {
                    unresolved.push((node.id, reference, resolution));
                }
                continue;
            };
            let parent_id = &nodes[parent.0 as usize].unique_id;
            if is_dropped || certain.is_some_and(|parents| !parents.contains(parent_id)) {
                continue;
            }
            let edge = Edge {
                span: Some(reference.span),
                in_comment: reference.in_comment,
                in_macro: reference.in_macro,
            };
            graph.add(parent, node.id, edge);
        }
        for parent in certain.into_iter().flatten() {
            if let Some(&parent) = ids.get(parent) {
                let edge = Edge {
                    span: None,
                    in_comment: false,
                    // It says nothing of where the known places are.
                    in_macro: true,
                };
                graph.add(parent, node.id, edge);
            }
        }
    }
    (graph, unresolved)
}

fn by_unique_id(nodes: &[Node]) -> FxHashMap<String, NodeId> {
    let mut ids: FxHashMap<String, NodeId> = FxHashMap::default();
    for node in nodes {
        let known = ids.entry(node.unique_id.clone()).or_insert(node.id);
        if nodes[known.0 as usize].is_disabled() && !node.is_disabled() {
            *known = node.id;
        }
    }
    ids
}

fn count(nodes: &[Node]) -> Counts {
    let mut counts = Counts::default();
    let models = nodes
        .iter()
        .filter(|n| n.resource_type == ResourceType::Model && n.is_own());
    for node in models {
        counts.models += 1;
        counts.models_enabled += usize::from(!node.is_disabled());
        counts.parsed += usize::from(node.python);
        let Some(sql) = &node.sql else { continue };
        if nodes::is_no_query(node) {
            counts.not_queries += 1;
            continue;
        }
        let parsed = matches!(sql.sql, SqlTree::Parsed(_) | SqlTree::Empty);
        counts.parsed += usize::from(parsed);
        counts.sql_bytes += u64::from(sql.text_bytes);
        counts.read_bytes += u64::from(sql.read_bytes.min(sql.text_bytes));
    }
    counts
}
