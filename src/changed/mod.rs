//! Which part of a project a change can speak for: the nodes that it touches and those beside them
//! in the graph.
//!
//! Findings there are reported, old ones too: whoever changes a model has it before their eyes.
//! Elsewhere only those that the base did not have are, which needs a second reading of the project
//! (see [`crate::run::check`]); so what is missed here is told all the same, as long as it is new.

mod lost;
mod part;

use crate::check::Finding;
use crate::config::{Config, Matcher};
use crate::git::{Changed, Changes};
use crate::load::{Member, Role, may_hint};
use crate::project::{LayerTable, Node, NodeId, Project, Resolution, ResourceType};
use crate::syntax::jinja::{MacroDef, RelationRef};
use crate::text::{FileId, Span, relative_path};
use lost::Lost;
use rustc_hash::{FxHashMap, FxHashSet};
use std::path::Path;

/// What a change can speak for.
#[derive(Debug, Clone, Default)]
pub struct Affected {
    /// What was compared with: `origin/main`, `HEAD`.
    pub base: String,
    /// How many changed files are of the project: they lie in its directory, or it is read in them.
    pub files: usize,
    /// The nodes that are judged; none where all are, because what configures the project changed.
    pub nodes: Option<FxHashSet<NodeId>>,
    /// The change may be felt by rules that look at a node and its neighbours alone, wherever the
    /// node is: it may decide how files are read, or which part of the configuration is for which.
    pub wide: bool,
    /// Changed text: of each file the parts.
    places: FxHashMap<FileId, Vec<Span>>,
}

impl Affected {
    /// Is a finding about a node that is judged, or does it stand in, or point at, changed text?
    pub fn holds(&self, finding: &Finding) -> bool {
        let Some(nodes) = &self.nodes else {
            return true;
        };
        let on_node = finding.node.is_some_and(|n| nodes.contains(&n));
        let mut spans = std::iter::once(&finding.primary)
            .chain(&finding.related)
            .map(|label| label.span);
        on_node || spans.any(|s| self.is_changed(s)) || self.is_in_changed_file(finding)
    }

    /// What is about no node is told where its file changed at all.
    fn is_in_changed_file(&self, finding: &Finding) -> bool {
        finding.node.is_none() && self.places.contains_key(&finding.primary.span.file)
    }

    fn is_changed(&self, span: Span) -> bool {
        let parts = self.places.get(&span.file);
        // A place may be a point, and a file empty.
        let (start, end) = (span.start, span.end.max(span.start + 1));
        let touches = |s: &Span| start < s.end.max(s.start + 1) && s.start < end;
        parts.is_some_and(|parts| parts.iter().any(touches))
    }

    /// How many nodes are judged; tests stand for the nodes that they test.
    pub fn count(&self, project: &Project) -> usize {
        let judged = |n: &&Node| self.nodes.as_ref().is_none_or(|set| set.contains(&n.id));
        let nodes = project
            .nodes
            .iter()
            .filter(|n| n.is_own() && !n.is_disabled() && !n.resource_type.is_test());
        nodes.filter(judged).count()
    }
}

/// What a change affects. `config` is a configuration that was asked for, without symlinks.
pub fn affected(project: &Project, changes: &Changes, config: Option<&Path>) -> Affected {
    let mut finder = Finder {
        project,
        changes,
        by_path: project
            .files
            .iter()
            .map(|(id, f)| (f.path.as_str(), id))
            .collect(),
        members: project.members.iter().map(|m| (m.file, m)).collect(),
        out: Affected {
            base: changes.base.clone(),
            ..Affected::default()
        },
        lost: Lost::default(),
        macros: FxHashSet::default(),
        come: Vec::new(),
        gone: FxHashSet::default(),
        unread: false,
    };
    let mut whole = changes.files.iter().any(|f| Some(&*f.path) == config);
    for file in &changes.files {
        whole |= finder.file(file);
    }
    finder.out.wide = finder.is_wide();
    if whole {
        return finder.out;
    }
    finder.nodes()
}

/// Files that say how the whole project is read or judged.
const OF_ALL: [&str; 7] = [
    "dbt_project.yml",
    "packages.yml",
    "dependencies.yml",
    "package-lock.yml",
    "harness-lint.yml",
    "selectors.yml",
    ".dbtignore",
];

/// Macros that dbt calls for every node, or that stand for its own.
const OF_EVERY_NODE: [&str; 7] = [
    "ref",
    "source",
    "config",
    "is_incremental",
    "generate_schema_name",
    "generate_alias_name",
    "generate_database_name",
];

struct Finder<'a> {
    project: &'a Project,
    changes: &'a Changes,
    by_path: FxHashMap<&'a str, FileId>,
    members: FxHashMap<FileId, &'a Member>,
    out: Affected,
    /// What is no longer there, and what the old text named.
    lost: Lost,
    /// Names of changed macros.
    macros: FxHashSet<String>,
    /// Paths, relative to the project, that are there now and were not, and the other way round.
    come: Vec<String>,
    gone: FxHashSet<String>,
    /// A property file is or was one that cannot be read to its end: what it says of any node may be
    /// in the rest.
    unread: bool,
}

impl Finder<'_> {
    /// Takes in a file. Does it change the verdict on everything?
    fn file(&mut self, file: &Changed) -> bool {
        let mut whole = false;
        let mut counts = false;
        for path in [Some(&file.path), file.old.as_ref()].into_iter().flatten() {
            let shown = relative_path(path, &self.project.place.project_dir);
            let id = self.by_path.get(shown.as_str()).copied();
            counts |= id.is_some() || !shown.starts_with("../");
            whole |= configures(&self.project.config, &shown);
            let before = self.changes.text_before(path);
            if before.is_none() {
                self.come.push(shown.clone());
            } else if id.is_none() {
                self.gone.insert(shown.clone());
            }
            match id {
                Some(id) => whole |= self.present(id, before.as_deref()),
                None => self.absent(path, &shown, before.as_deref()),
            }
        }
        self.out.files += usize::from(counts);
        whole
    }

    /// A file that is there.
    fn present(&mut self, id: FileId, before: Option<&str>) -> bool {
        let text = &self.project.files.get(id).text;
        let role = self.members.get(&id).map(|m| m.role);
        if let (Some(Role::Properties), Some(yaml)) = (role, self.project.yaml.get(&id)) {
            let parts = part::changed(yaml, text, before, &mut self.lost);
            self.unread |= !yaml.is_complete() || self.lost.unread;
            self.out.places.insert(id, parts);
            return false;
        }
        let whole = Span::new(id, 0, text.len());
        self.out.places.insert(id, vec![whole]);
        let old = before.unwrap_or_default();
        self.lost.named_in(old);
        if role == Some(Role::Macro) {
            return self.macros(old, text);
        }
        self.described_by(&self.project.files.get(id).path);
        false
    }

    /// A context file describes the source that its folder or its own name names.
    fn described_by(&mut self, path: &str) {
        let context = self.project.config.context.dir.trim_end_matches('/');
        let Some(below) = path.strip_prefix(context).filter(|_| !context.is_empty()) else {
            return;
        };
        let parts = below.split('/').map(|p| p.split('.').next().unwrap_or(p));
        let described = parts.filter(|p| !p.is_empty()).map(str::to_owned);
        self.lost.described.extend(described);
    }

    /// A file that is gone, or that the project is not read in.
    fn absent(&mut self, path: &Path, shown: &str, before: Option<&str>) {
        self.described_by(shown);
        let Some(old) = before.filter(|_| !shown.starts_with("../")) else {
            return;
        };
        let extension = path.extension().map(|e| e.to_string_lossy());
        match extension.as_deref() {
            Some("yml" | "yaml") => self.lost.file_of_entries(old),
            Some("sql" | "py" | "csv") => {
                let name = path.file_stem().map(|s| s.to_string_lossy().into_owned());
                self.lost.names.extend(name);
                self.lost.named_in(old);
                self.macros(old, "");
            }
            _ => {}
        }
    }

    /// Macros, tests and snapshots that two versions of a file do not share.
    fn macros(&mut self, old: &str, new: &str) -> bool {
        let (old, new) = (lost::blocks(old), lost::blocks(new));
        let apart = |one: &[lost::Block], other: &[lost::Block]| {
            let gone = one.iter().filter(|b| !other.contains(b));
            gone.map(|b| b.name.clone()).collect::<Vec<_>>()
        };
        let names = [apart(&old, &new), apart(&new, &old)].concat();
        self.lost.names.extend(names.iter().cloned());
        self.macros.extend(names.iter().cloned());
        let bare = |n: &String| n.split("__").last().unwrap_or(n).to_owned();
        names
            .iter()
            .any(|n| OF_EVERY_NODE.contains(&bare(n).as_str()))
    }

    /// See [`Affected::wide`].
    fn is_wide(&self) -> bool {
        let project = self.project;
        let hints = self.changes.files.iter().any(|f| may_hint(&f.path));
        let selects = |m: &Matcher| matches!(m, Matcher::Select(_));
        let exclude = project.config.exclude.iter().map(|e| &e.matcher);
        let overrides = project.config.overrides.iter().map(|o| &o.matcher);
        let mut parts = exclude.chain(overrides);
        self.unread
            || self.lost.unread
            || hints
            || project.dialect.guessed
            || parts.any(selects)
            || self.moves_layers()
    }

    /// Does the change decide which layers there are?
    fn moves_layers(&self) -> bool {
        let project = self.project;
        if !project.layers.inferred || (self.come.is_empty() && self.gone.is_empty()) {
            return false;
        }
        let now = project.models().map(|m| project.path(m.file));
        let old = now.filter(|p| !self.come.iter().any(|c| c == p));
        let old: Vec<&str> = old.chain(self.gone.iter().map(String::as_str)).collect();
        let old = LayerTable::infer(old.into_iter());
        let names = |table: &LayerTable| {
            table
                .layers
                .iter()
                .map(|l| l.role.clone())
                .collect::<Vec<_>>()
        };
        names(&old) != names(&project.layers)
    }

    /// The nodes, when every file was taken in.
    fn nodes(mut self) -> Affected {
        let touched = self.touched();
        let mut judged = touched.clone();
        let graph = &self.project.graph;
        for id in &touched {
            judged.extend(graph.parents(*id).into_iter().map(|(p, _)| p));
            judged.extend(graph.children(*id));
            // What is disabled has no edges; it may have had some.
            let node = self.project.node(*id);
            let calls = node.sql.iter().flat_map(|s| &s.relations);
            let relations = calls.map(|c| &c.relation);
            let relations = relations.chain(node.yaml_refs.iter().map(|r| &r.relation));
            judged.extend(
                relations.filter_map(|r| match self.project.resolve(node, r) {
                    Resolution::Found(id) | Resolution::Disabled(id) => Some(id),
                    Resolution::Missing(_) | Resolution::Unknown => None,
                }),
            );
        }
        let parents = self.project.nodes.iter();
        judged.extend(parents.filter(|n| self.lost.was_read(n)).map(|n| n.id));
        let names: FxHashSet<&str> = touched
            .iter()
            .map(|id| self.project.node(*id).name.as_str())
            .chain(self.lost.names.iter().map(String::as_str))
            .collect();
        for (child, reference, _) in &self.project.unresolved {
            let name = match &reference.relation {
                RelationRef::Ref { name, .. } => name,
                RelationRef::Source { table, .. } => table,
                _ => continue,
            };
            if name.as_deref().is_some_and(|n| names.contains(n)) {
                judged.insert(*child);
            }
        }
        self.out.nodes = Some(judged);
        self.out
    }

    /// Nodes that a changed text defines, describes or makes, and those of which it no longer
    /// speaks.
    fn touched(&self) -> FxHashSet<NodeId> {
        let nodes = self.project.nodes.iter();
        let mut touched: FxHashSet<NodeId> =
            nodes.filter(|n| self.is_touched(n)).map(|n| n.id).collect();
        if !self.macros.is_empty() {
            let is_changed = |def: &MacroDef| {
                let mut calls = def.calls().map(|c| c.rsplit('.').next().unwrap_or(c));
                self.macros.contains(&*def.name) || calls.any(|c| self.macros.contains(c))
            };
            touched.extend(self.project.callers_of(&is_changed));
            touched.extend(self.callers_of_lost());
        }
        touched
    }

    fn is_touched(&self, node: &Node) -> bool {
        let own = self.out.is_changed(node.place) || self.is_whole(node);
        let entry = node.properties.as_ref().is_some_and(|p| {
            let entries = [Some(p.entry), p.second].into_iter().flatten();
            let tree = self.project.yaml.get(&p.file);
            let mut spans = tree
                .into_iter()
                .flat_map(|t| entries.clone().map(|e| t.node(e).span()));
            // What follows an entry may begin where it ends.
            spans.any(|s| self.out.is_changed(Span { end: s.start, ..s }))
        });
        let is_source = node.resource_type == ResourceType::Source;
        let source = node.source_name.as_ref().filter(|_| is_source);
        let mut names = std::iter::once(&node.name).chain(source);
        let of_source = |n: &String| is_source && self.lost.described.contains(n);
        own || entry || names.any(|n| self.lost.names.contains(n) || of_source(n))
    }

    /// A file of one node is the node's.
    fn is_whole(&self, node: &Node) -> bool {
        let by_itself =
            node.sql.is_some() || node.python || node.resource_type == ResourceType::Seed;
        by_itself && self.out.places.contains_key(&node.file)
    }

    /// Nodes that call a macro which is not there.
    fn callers_of_lost(&self) -> impl Iterator<Item = NodeId> {
        let calls = |node: &&Node| {
            let mut calls = node.sql.iter().flat_map(|s| &s.macros);
            calls.any(|(name, _)| {
                let name = name.rsplit('.').next().unwrap_or(name);
                self.macros.contains(name)
            })
        };
        self.project.nodes.iter().filter(calls).map(|n| n.id)
    }
}

/// Does a file say how the whole project is read or judged? `path` is relative to the project.
fn configures(config: &Config, path: &str) -> bool {
    let plain = |p: &str| p.trim_start_matches("./").trim_end_matches('/').to_owned();
    let docs = config.docs.iter().map(|d| plain(&d.name));
    let mut folders = config.anti_patterns.iter().map(|f| plain(&f.value));
    OF_ALL.contains(&path)
        || docs.into_iter().any(|d| d == path)
        || folders.any(|f| {
            path.strip_prefix(&f)
                .is_some_and(|rest| rest.starts_with('/'))
        })
}
