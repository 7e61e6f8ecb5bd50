//! What people and agents read about the repository, and the source systems that it speaks of.

use super::{Node, NodeId, Project, ResourceType};
use crate::config::{Config, PathPattern};
use crate::git::{self, History};
use crate::load::{KnowledgeKind, Place, Role, knowledge};
use crate::syntax::markdown::{self, Markdown};
use crate::text::{FileId, Files, Span};
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};

/// Documents, and the files round them.
#[derive(Debug, Default)]
pub struct Knowledge {
    /// In order of path.
    pub documents: Vec<Document>,
    /// Paths of files and directories from the root.
    pub tree: BTreeSet<String>,
    /// The same, by the last part of the path.
    by_name: FxHashMap<String, Vec<String>>,
    /// More may be there.
    pub partial: bool,
    /// The project directory, from the root; empty where it is the root.
    pub project: String,
    /// What git knows of the project's files and its context files, where a document claims that
    /// somebody checked it.
    pub history: Option<History>,
}

/// A document.
#[derive(Debug)]
pub struct Document {
    /// Its text.
    pub file: FileId,
    /// What it is.
    pub kind: KnowledgeKind,
    /// Its path from the root.
    pub from_root: String,
    /// What it says; empty for what is no Markdown.
    pub markdown: Markdown,
}

impl Document {
    /// A fact of its first lines.
    pub fn fact(&self, key: &str) -> Option<&markdown::Fact> {
        self.markdown.facts.iter().find(|f| f.key == key)
    }

    /// Is it a page of a site that is built of a folder of the repository? Such pages speak to
    /// others, of their files, and link as the site's builder reads links.
    pub fn is_of_site(&self, knowledge: &Knowledge) -> bool {
        const BUILDERS: [&str; 8] = [
            "docusaurus.config.js",
            "docusaurus.config.ts",
            "mkdocs.yml",
            "mkdocs.yaml",
            "conf.py",
            "_config.yml",
            "book.toml",
            "_quarto.yml",
        ];
        let dirs = self
            .from_root
            .match_indices('/')
            .map(|(at, _)| &self.from_root[..at]);
        let mut built = dirs.flat_map(|d| BUILDERS.iter().map(move |f| format!("{d}/{f}")));
        built.any(|path| knowledge.tree.contains(&path))
    }

    /// A place in it.
    pub fn span(&self, range: &std::ops::Range<usize>) -> Span {
        Span::new(self.file, range.start, range.end)
    }
}

impl Knowledge {
    pub(super) fn read(place: &Place, config: &Config, files: &mut Files) -> Self {
        let found = knowledge(place, &config.context.dir, files);
        let document = |f: &crate::load::KnowledgeFile| Document {
            file: f.file,
            kind: f.kind,
            from_root: f.from_root.clone(),
            markdown: match f.from_root.to_lowercase().ends_with(".md") {
                true => markdown::parse(&files.get(f.file).text),
                false => Markdown::default(),
            },
        };
        let documents: Vec<Document> = found.files.iter().map(document).collect();
        let inner = place.project_dir.strip_prefix(&place.root);
        let project = inner.map_or(String::new(), |p| p.to_string_lossy().replace('\\', "/"));
        let checked = |d: &Document| {
            d.kind == KnowledgeKind::Context
                && ["status", "verified_at"]
                    .iter()
                    .any(|k| d.fact(k).is_some())
        };
        let history = documents.iter().any(checked).then(|| {
            let own = if project.is_empty() { "." } else { &project };
            let outside = documents.iter().filter(|d| checked(d));
            let mut paths = vec![own.to_owned()];
            paths.extend(outside.map(|d| d.from_root.clone()));
            git::history(&place.root, &paths)
        });
        let mut by_name: FxHashMap<String, Vec<String>> = FxHashMap::default();
        for path in &found.tree {
            let name = path.rsplit('/').next().unwrap_or(path);
            by_name
                .entry(name.to_owned())
                .or_default()
                .push(path.clone());
        }
        Self {
            documents,
            by_name,
            tree: found.tree,
            partial: found.partial,
            project,
            history: history.flatten(),
        }
    }

    /// The paths that end in this name.
    pub fn named(&self, name: &str) -> &[String] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    /// The one path that ends in this name.
    pub fn only_named(&self, name: &str) -> Option<&str> {
        match self.named(name) {
            [one] => Some(one),
            _ => None,
        }
    }

    /// A path from the project directory as one from the root.
    pub fn from_root(&self, path: &str) -> String {
        normal(&self.project, path)
    }
}

/// `path` as seen from `dir`, without `.` and `..`; what climbs above the root begins with `..`.
pub(crate) fn normal(dir: &str, path: &str) -> String {
    let mut out: Vec<&str> = Vec::new();
    for part in dir.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." if out.last().is_some_and(|p| *p != "..") => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out.join("/")
}

/// A system that data comes from.
#[derive(Debug)]
pub struct SourceSystem {
    /// Its name.
    pub name: String,
    /// The place that stands for it.
    pub place: Span,
    /// Models that belong to it: those of its folder, or those that read it.
    pub models: Vec<NodeId>,
    /// Tables of it that somebody reads.
    pub tables: Vec<NodeId>,
}

const SOURCE: &str = "source";

impl Project {
    /// The source systems: by the values of `{source}` in the layers' paths; where no path has it,
    /// the sources that dbt knows.
    pub fn source_systems(&self) -> Vec<SourceSystem> {
        let layers = self.layers.layers.iter();
        let captures = |p: &PathPattern| p.names().iter().any(|n| n == SOURCE);
        let by_folder = !self.layers.inferred && layers.flat_map(|l| &l.paths).any(captures);
        let places = match by_folder {
            true => folders(self),
            false => declared(self),
        };
        let mut systems: BTreeMap<String, SourceSystem> = places
            .into_iter()
            .map(|(name, place)| {
                let system = SourceSystem {
                    name: name.clone(),
                    place,
                    models: Vec::new(),
                    tables: Vec::new(),
                };
                (name, system)
            })
            .collect();
        for model in self.models() {
            let read: Vec<&Node> = self
                .parents_of(model.id)
                .into_iter()
                .filter(|p| p.resource_type == ResourceType::Source && p.is_own())
                .collect();
            if by_folder {
                let captured = model.layer.as_ref().and_then(|l| l.captures.get(SOURCE));
                if let Some(system) = captured.and_then(|c| systems.get_mut(c)) {
                    system.models.push(model.id);
                    system.tables.extend(read.iter().map(|t| t.id));
                }
                continue;
            }
            for table in read {
                let name = table.source_name.as_ref();
                if let Some(system) = name.and_then(|n| systems.get_mut(n)) {
                    system.models.push(model.id);
                    system.tables.push(table.id);
                }
            }
        }
        let mut all: Vec<SourceSystem> = systems.into_values().collect();
        for system in &mut all {
            system.models.sort();
            system.models.dedup();
            system.tables.sort();
            system.tables.dedup();
        }
        all
    }

    /// The overview of a source, where it was read.
    pub fn overview(&self, source: &str) -> Option<&Document> {
        let context = &self.config.context;
        let path = context.overview.replace("{source}", source);
        let path = self
            .knowledge
            .from_root(&format!("{}/{path}", context.dir.trim_end_matches('/')));
        self.knowledge
            .documents
            .iter()
            .find(|d| d.from_root == path)
    }
}

/// By the folders that hold models, each at its first file.
fn folders(project: &Project) -> BTreeMap<String, Span> {
    let mut layers_of: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for layer in project.models().filter_map(|m| m.layer.as_ref()) {
        if let Some(source) = layer.captures.get(SOURCE) {
            layers_of.entry(source).or_default().insert(layer.index);
        }
    }
    let of_models = |r: Role| matches!(r, Role::Model | Role::PythonModel | Role::Properties);
    let members = project.own_files().filter(|m| of_models(m.role));
    let mut paths: Vec<_> = members.map(|m| (project.path(m.file), m.file)).collect();
    paths.sort_unstable();
    let mut places = BTreeMap::new();
    for (path, file) in paths {
        for (index, layer) in project.layers.layers.iter().enumerate() {
            for captured in layer.paths.iter().filter_map(|p| p.captures(path)) {
                let source = captured.get(SOURCE).filter(|s| {
                    let holding = layers_of.get(s.as_str());
                    holding.is_some_and(|layers| layers.contains(&index))
                });
                if let Some(source) = source {
                    places.entry(source.clone()).or_insert(Span::whole(file));
                }
            }
        }
    }
    places
}

/// By the names that dbt knows, each at its first entry.
fn declared(project: &Project) -> BTreeMap<String, Span> {
    let tables = project
        .nodes
        .iter()
        .filter(|n| n.resource_type == ResourceType::Source && n.is_own() && !n.is_disabled());
    let mut tables: Vec<&Node> = tables.collect();
    tables.sort_by_key(|n| (project.path(n.file), n.place));
    let mut places = BTreeMap::new();
    for table in tables {
        if let Some(source) = &table.source_name {
            let place = || entry(project, table, source).unwrap_or(table.place);
            places.entry(source.clone()).or_insert_with(place);
        }
    }
    places
}

/// The name of the source in the file that holds this table of it.
fn entry(project: &Project, table: &Node, source: &str) -> Option<Span> {
    let list = project.yaml.get(&table.file)?.root()?.get("sources")?;
    let names = list.resolve().items().filter_map(|s| s.get("name"));
    let mut own = names.filter(|n| n.as_str() == Some(source));
    own.next().map(|n| n.span())
}

#[cfg(test)]
mod tests {
    use super::normal;

    #[test]
    fn paths_are_taken_from_where_they_stand() {
        assert_eq!(normal("docs/a", "../b.md"), "docs/b.md");
        assert_eq!(normal("", "./x/../y"), "y");
        assert_eq!(normal("docs", "../../x"), "../x");
    }
}
