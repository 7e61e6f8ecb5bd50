//! A dbt project as rules see it: nodes, what they are configured to, and the graph between them.
//! Built once, then immutable.

mod build;
mod config;
mod context_table;
mod dag;
mod data_test;
mod described;
mod descriptions;
mod graph;
mod idle_macros;
mod inline;
mod key_expression;
mod keys;
mod knowledge;
mod layers;
pub mod lineage;
mod listed;
mod named;
mod naming;
mod overlay;
mod picked;
mod properties;
mod resolve;
pub mod select;
mod suite;
mod unique;
mod vars;

pub use build::{Options, build};
pub(crate) use config::strings;
pub use config::{Config as NodeConfig, ConfigValue, Origin};
pub use context_table::ContextTable;
pub(crate) use context_table::{letters, maps_to};
pub use data_test::GenericTest;
pub use described::{
    Element, Exposure, Freshness, Group, Metric, MetricInput, Owner, Said, SavedQuery,
    SemanticModel, SourceFacts, Threshold, TimeSpine,
};
pub use descriptions::Described;
pub use graph::{Edge, Graph};
pub use inline::{Inline, Setting};
pub use keys::{KeyGuess, is_keyish};
pub(crate) use knowledge::normal as in_root;
pub use knowledge::{Document, Knowledge, SourceSystem};
pub use layers::{LayerMatch, LayerTable};
pub use listed::PassedOn;
pub use naming::is_named_after;
pub use overlay::ManifestInfo;
pub use picked::Picked;
pub use properties::{Column, Constraint, DataTest, Properties, configures_test};
pub use resolve::{Reference, Resolution};
pub use suite::Family;

use crate::baseline::Baseline;
use crate::config::{Config, Layer};
use crate::load::{
    Below, Dependency, DialectChoice, Elsewhere, Loaded, Member, Notice, Place, Role, is_package,
};
use crate::syntax::comment::Suppression;
use crate::syntax::jinja::{MacroLibrary, RelationRef};
use crate::syntax::sql::tree::Ident;
use crate::syntax::template::{self, Environment, Inlined, SqlFile};
use crate::syntax::yaml::{NodeId as YamlNodeId, Yaml};
use crate::text::{FileId, Files, Span};
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::{Arc, OnceLock};

/// A node of [`Project::nodes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u32);

/// dbt's resource types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum ResourceType {
    Model,
    Seed,
    Snapshot,
    Analysis,
    Test,
    Source,
    Exposure,
    Metric,
    SemanticModel,
    UnitTest,
    SavedQuery,
    Function,
}

impl ResourceType {
    /// As dbt writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            ResourceType::Model => "model",
            ResourceType::Seed => "seed",
            ResourceType::Snapshot => "snapshot",
            ResourceType::Analysis => "analysis",
            ResourceType::Test => "test",
            ResourceType::Source => "source",
            ResourceType::Exposure => "exposure",
            ResourceType::Metric => "metric",
            ResourceType::SemanticModel => "semantic_model",
            ResourceType::UnitTest => "unit_test",
            ResourceType::SavedQuery => "saved_query",
            ResourceType::Function => "function",
        }
    }

    /// Is it a data test or a unit test? Nothing stands below one.
    pub fn is_test(self) -> bool {
        matches!(self, ResourceType::Test | ResourceType::UnitTest)
    }

    /// May `ref` name it?
    pub fn is_refable(self) -> bool {
        matches!(
            self,
            ResourceType::Model | ResourceType::Seed | ResourceType::Snapshot
        )
    }
}

/// A resource of the project or of an installed package.
#[derive(Debug)]
pub struct Node {
    /// Its place in the list.
    pub id: NodeId,
    /// As dbt makes it.
    pub unique_id: String,
    /// What it is.
    pub resource_type: ResourceType,
    /// A model's name; a source's table.
    pub name: String,
    /// The source's name, for a source table.
    pub source_name: Option<String>,
    /// The source's own entry in the property file, for a source table.
    pub source_entry: Option<YamlNodeId>,
    /// A versioned model's version.
    pub version: Option<String>,
    /// The version that a bare `ref` means, for a versioned model.
    pub latest_version: Option<String>,
    /// Index of its package; 0 is the project itself.
    pub package: usize,
    /// The package's name.
    pub package_name: Arc<str>,
    /// dbt's fully qualified name.
    pub fqn: Vec<String>,
    /// The file that defines it; dbt_project.yml for a node of a package that is not installed.
    pub file: FileId,
    /// Where it is defined: its name in YAML, the beginning of its own file.
    pub place: Span,
    /// What its file says, for SQL.
    pub sql: Option<Box<SqlFile>>,
    /// It is written in Python.
    pub python: bool,
    /// Its resolved configuration.
    pub config: NodeConfig,
    /// Its entry in a property file.
    pub properties: Option<Properties>,
    /// Its property file, or one that may hold its entry, could not be read to the end: that
    /// something is not said of the node proves nothing.
    pub properties_lost: bool,
    /// References in YAML (exposures, semantic models, metrics, saved queries), and those of generic
    /// tests.
    pub yaml_refs: Vec<Reference>,
    /// Is it enabled? None where that depends on what only a run knows.
    pub enabled: Option<bool>,
    /// What test it is, for a generic test.
    pub test: Option<Box<GenericTest>>,
    /// Its layer.
    pub layer: Option<LayerMatch>,
    /// Its package is not installed: the manifest alone knows of it.
    absent: bool,
}

impl Node {
    /// dbt leaves it out of the project.
    pub fn is_disabled(&self) -> bool {
        self.enabled == Some(false)
    }

    /// Its package is not installed: nothing but the manifest knows of it.
    pub fn is_absent(&self) -> bool {
        self.absent
    }

    /// It belongs to the project itself, not to a package.
    pub fn is_own(&self) -> bool {
        self.package == 0
    }

    /// What a person types: `name.v2` for a version, `source.table` for a source.
    pub fn display_name(&self) -> String {
        match (&self.version, &self.source_name) {
            (Some(v), _) => format!("{}.v{v}", self.name),
            (_, Some(source)) => format!("{source}.{}", self.name),
            _ => self.name.clone(),
        }
    }

    /// The description in its property file.
    pub fn description(&self) -> Option<&str> {
        self.properties.as_ref()?.description.as_deref()
    }
}

/// What dbt would refuse in a property file.
#[derive(Debug, Clone)]
pub struct PropertyProblem {
    /// Where.
    pub span: Span,
    /// What is wrong.
    pub message: String,
    /// Two entries for one resource; otherwise one entry that contradicts itself.
    pub duplicate: bool,
}

/// What was counted, for the summary.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Counts {
    /// Model files of the project itself, disabled and Python ones included.
    pub models: usize,
    /// Of those, not disabled.
    pub models_enabled: usize,
    /// SQL models whose whole file gave a tree, and Python models.
    pub parsed: usize,
    /// Bodies that are no query.
    pub not_queries: usize,
    /// Bytes of SQL outside Jinja, in models.
    pub sql_bytes: u64,
    /// Of those, bytes that reached the parser as they stand.
    pub read_bytes: u64,
}

/// The project.
#[derive(Debug)]
pub struct Project {
    /// Its name.
    pub name: String,
    /// Where it lies.
    pub place: Place,
    /// Every file of the run.
    pub files: Files,
    /// What each file is.
    pub members: Vec<Member>,
    /// Trees of YAML files.
    pub yaml: FxHashMap<FileId, Yaml>,
    /// What dbt would refuse in a file's Jinja.
    pub jinja_errors: Vec<(Span, String)>,
    /// What dbt would refuse in property files, beyond YAML's syntax.
    pub property_problems: Vec<PropertyProblem>,
    /// Suppression comments.
    pub suppressions: Vec<Suppression>,
    /// Findings that are known, where there is a baseline.
    pub baseline: Option<Baseline>,
    /// Every node, in order of unique id, then path.
    pub nodes: Vec<Node>,
    /// Groups, in order of their unique ids.
    pub groups: Vec<Group>,
    /// The graph of enabled nodes.
    pub graph: Graph,
    /// References that found no node, or a disabled one.
    pub unresolved: Vec<(NodeId, Reference, Resolution)>,
    /// The layers.
    pub layers: LayerTable,
    /// Macros.
    pub macros: MacroLibrary,
    /// The files below the directory of context files.
    pub context: Below,
    /// What selectors.yml names.
    pub picked: Picked,
    /// What people and agents read about it, where a rule asks for that.
    pub knowledge: Knowledge,
    /// Packages asked for.
    pub dependencies: Vec<Dependency>,
    /// Names of installed packages, the project's own first; then those that the manifest alone
    /// knows.
    pub packages: Vec<Arc<str>>,
    /// The dialect and how it was found.
    pub dialect: DialectChoice,
    /// The manifest that was laid over, if any.
    pub manifest: Option<ManifestInfo>,
    /// What was not looked at.
    pub notices: Vec<Notice>,
    /// Files outside dbt's folders that some rule asks for.
    pub named: Vec<FileId>,
    /// What was counted.
    pub counts: Counts,
    /// The configuration.
    pub config: Config,
    /// What other files say of its models, read when it is asked for.
    elsewhere: OnceLock<Elsewhere>,
    context_tables: OnceLock<Vec<ContextTable>>,
    /// The parts of the project that it speaks of; empty until they are found out.
    pub parts: select::Parts,
    by_id: FxHashMap<String, NodeId>,
    index: resolve::Index,
    /// What its files see of variables and target.
    vars: vars::Vars,
    target: Option<String>,
    /// dbt_project.yml of installed packages.
    package_files: Vec<FileId>,
}

impl Project {
    /// A node by its id.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// A node by its unique id; of several that share it, the first enabled one.
    pub fn by_unique_id(&self, unique_id: &str) -> Option<&Node> {
        self.by_id.get(unique_id).map(|id| self.node(*id))
    }

    /// What a `ref` or `source` in a node's file means.
    pub fn resolve(&self, node: &Node, relation: &RelationRef) -> Resolution {
        self.index.resolve(&self.nodes, relation, node.package)
    }

    /// A node's SQL with every known macro in place of its call, where macros print columns of it:
    /// that says what the node outputs. What a macro prints is the macro's to answer for, so rules
    /// about SQL judge [`SqlFile::sql`].
    pub fn inlined<'p>(&'p self, node: &'p Node) -> Option<&'p Inlined> {
        let sql = node.sql.as_ref()?;
        let macros_print = sql.query()?.has_unknown_columns() && !sql.macros.is_empty();
        // A snapshot is a part of its file.
        if !macros_print || node.package > 0 || node.resource_type == ResourceType::Snapshot {
            return None;
        }
        let read = || {
            let adapter = Some(self.dialect.adapter.as_str());
            let env = Environment {
                macros: &self.macros,
                package: &self.name,
                adapter: adapter.filter(|a| !a.is_empty()),
                target: self.target.as_deref(),
                var: &|name| self.vars.get(name),
                dialect: self.dialect.dialect,
                keep_text: false,
                model: Some(&node.name),
            };
            let text = &self.files.get(node.file).text;
            template::inlined(node.file, text, &env).map(Box::new)
        };
        sql.inlined.get_or_init(read).as_deref()
    }

    /// May somebody use this model whom the project does not know: a script or another tool's
    /// configuration below the project directory, or, of a package, who installs it?
    pub fn may_be_used_elsewhere(&self, model: &Node) -> bool {
        self.may_be_named_elsewhere(&model.name)
    }

    /// The same of a model or a macro of this name.
    fn may_be_named_elsewhere(&self, name: &str) -> bool {
        let read = || {
            let known = self.files.iter().map(|(_, f)| f.path.as_str()).collect();
            let own = self.macros.iter().filter(|m| *m.package == *self.name);
            let models = self.models().map(|m| m.name.as_str());
            let names = models.chain(own.map(|m| &*m.name)).collect();
            Elsewhere::read(&self.place, &known, &names)
        };
        self.elsewhere.get_or_init(read).may_use(name)
    }

    /// Is the project a package, made to be installed in others?
    pub fn is_package(&self) -> bool {
        is_package(&self.place)
    }

    /// The project's own models that are not disabled.
    pub fn models(&self) -> impl Iterator<Item = &Node> {
        self.nodes
            .iter()
            .filter(|n| n.resource_type == ResourceType::Model && n.is_own() && !n.is_disabled())
    }

    /// Files of the project itself.
    pub fn own_files(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|m| m.package == 0)
    }

    /// Is there a package that is asked for and not installed? Then a name that cannot be found
    /// may be its.
    pub fn misses_packages(&self) -> bool {
        self.dependencies.iter().any(|d| !d.installed)
    }

    /// A file's path relative to the project.
    pub fn path(&self, file: FileId) -> &str {
        &self.files.get(file).path
    }

    /// A file's path relative to the package of a node, as dbt's `original_file_path`.
    pub fn path_in_package(&self, node: &Node, file: FileId) -> &str {
        let path = self.path(file);
        let project = node
            .package
            .checked_sub(1)
            .and_then(|i| self.package_files.get(i));
        let dir = project.and_then(|f| self.path(*f).strip_suffix("dbt_project.yml"));
        dir.and_then(|d| path.strip_prefix(d)).unwrap_or(path)
    }

    /// The text of a span.
    pub fn text(&self, span: Span) -> &str {
        self.files.slice(span)
    }

    /// Files of the project itself that rules look at: its members and its YAML, in order.
    pub fn own_file_ids(&self) -> Vec<FileId> {
        let foreign: FxHashSet<FileId> = self
            .members
            .iter()
            .filter(|m| m.package > 0)
            .map(|m| m.file)
            .chain(self.package_files.iter().copied())
            .collect();
        let members = self.own_files().map(|m| m.file);
        let yaml = self.yaml.keys().copied().filter(|f| !foreign.contains(f));
        let mut all: Vec<FileId> = members.chain(yaml).collect();
        all.sort();
        all.dedup();
        all
    }

    /// The layer of a node, as configured or inferred.
    pub fn layer(&self, node: &Node) -> Option<&Layer> {
        self.layers.layers.get(node.layer.as_ref()?.index)
    }

    /// The name by which rules speak of a node's layer: staging, marts …
    pub fn role(&self, node: &Node) -> Option<&String> {
        Some(&self.layer(node)?.role)
    }

    /// Is the node's layer one of these, by role?
    pub fn in_layers(&self, node: &Node, roles: &[String]) -> bool {
        self.role(node).is_some_and(|r| roles.contains(r))
    }

    /// Does the name stand in the user's file as it is, rather than being printed by a macro? What
    /// a macro prints is the macro's to answer for, once, not that of every model that calls it.
    pub fn is_written(&self, ident: &Ident) -> bool {
        let text = self.text(ident.span);
        text.len() <= ident.name.len() + 2 && text.contains(&*ident.name)
    }
}

/// Is this role a file of SQL that makes nodes?
fn makes_nodes(role: Role) -> bool {
    matches!(
        role,
        Role::Model
            | Role::PythonModel
            | Role::Seed
            | Role::Snapshot
            | Role::Test
            | Role::Analysis
            | Role::Function
    )
}
