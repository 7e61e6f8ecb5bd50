//! The parts of a project that the configuration speaks of, found out once before rules run.

use super::{NodeSet, Selectors, Unfit};
use crate::config::{ConfigError, Matcher, Selected};
use crate::project::{NodeId, Project};
use crate::selector::{Definitions, Expr, Indirect, Method, SelectorError, place_in};
use crate::text::{FileId, Span};
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::Arc;

/// A part: its nodes, and the files about which it holds what is said of no node.
#[derive(Debug, Default)]
pub struct Part {
    nodes: NodeSet,
    files: FxHashSet<FileId>,
}

impl Part {
    /// Does it hold what is said of this node, or in this file?
    pub fn holds(&self, node: Option<NodeId>, file: FileId) -> bool {
        match node {
            Some(id) => self.nodes.contains(id),
            None => self.files.contains(&file),
        }
    }
}

/// The parts, in the order of the configuration's lists.
#[derive(Debug, Default)]
pub struct Parts {
    /// `exclude`.
    pub exclude: Vec<Arc<Part>>,
    /// `overrides`.
    pub overrides: Vec<Arc<Part>>,
}

impl Parts {
    /// Finds out what the configuration's parts are. `definitions` is selectors.yml.
    ///
    /// # Errors
    /// A selection names a selector that is not there, or is wrong.
    pub fn new(project: &Project, definitions: Option<&Definitions>) -> Result<Self, ConfigError> {
        let mut finder = Finder {
            project,
            definitions,
            selectors: Selectors::new(project, definitions, None, Indirect::Eager),
            known: FxHashMap::default(),
            by_file: FxHashMap::default(),
        };
        for node in &project.nodes {
            finder.by_file.entry(node.file).or_default().push(node.id);
        }
        let mut out = Self::default();
        for part in &project.config.exclude {
            out.exclude.push(finder.part(&part.matcher)?);
        }
        for part in &project.config.overrides {
            out.overrides.push(finder.part(&part.matcher)?);
        }
        Ok(out)
    }
}

struct Finder<'a> {
    project: &'a Project,
    definitions: Option<&'a Definitions>,
    selectors: Selectors<'a>,
    /// By what is written: a long configuration repeats itself.
    known: FxHashMap<String, Arc<Part>>,
    by_file: FxHashMap<FileId, Vec<NodeId>>,
}

impl Finder<'_> {
    fn part(&mut self, matcher: &Matcher) -> Result<Arc<Part>, ConfigError> {
        let key = match matcher {
            Matcher::Path(pattern) => format!("path {}", pattern.as_str()),
            Matcher::Select(selected) => format!("select {}", selected.text),
        };
        if let Some(part) = self.known.get(&key) {
            return Ok(part.clone());
        }
        let part = Arc::new(match matcher {
            Matcher::Path(pattern) => self.below(&|path| pattern.matches(path)),
            Matcher::Select(selected) => self.selected(selected)?,
        });
        self.known.insert(key, part.clone());
        Ok(part)
    }

    /// The files of these paths, and the nodes in them.
    fn below(&self, holds: &dyn Fn(&str) -> bool) -> Part {
        let files = self.project.files.iter();
        let files = files.filter(|(_, file)| holds(&file.path));
        let files: FxHashSet<FileId> = files.map(|(id, _)| id).collect();
        let nodes = self.project.nodes.iter();
        let nodes = nodes.filter(|n| files.contains(&n.file)).map(|n| n.id);
        Part {
            nodes: nodes.collect(),
            files,
        }
    }

    fn selected(&mut self, selected: &Selected) -> Result<Part, ConfigError> {
        let nodes = self.selectors.nodes(&selected.expr);
        let nodes = nodes.map_err(|unfit| self.refuse(selected, unfit))?;
        let mut files = self.below(&|path| holds_path(&selected.expr, path)).files;
        // A file belongs to the part if everything that it defines does.
        let live = |id: &&NodeId| !self.project.node(**id).is_disabled();
        for (file, ids) in &self.by_file {
            let mut ids = ids.iter().filter(live).peekable();
            if ids.peek().is_some() && ids.all(|id| nodes.contains(*id)) {
                files.insert(*file);
            }
        }
        Ok(Part { nodes, files })
    }

    fn refuse(&self, selected: &Selected, unfit: Unfit) -> ConfigError {
        match unfit {
            Unfit::Definition(error) => definition_error(self.definitions, error),
            Unfit::NoState(error) | Unfit::NoDefinitions(error) => {
                let span = selected.span;
                let docs = &self.project.config.docs;
                let doc = span.and_then(|s| docs.iter().find(|d| d.yaml.file == s.file));
                let text = doc.map_or("", |d| &d.text);
                ConfigError {
                    path: doc.map_or(String::new(), |d| d.name.clone()),
                    text: text.to_owned(),
                    range: span
                        .map(|s| place_in(text, Span::range(s), &selected.text, error.range)),
                    message: error.message,
                    help: error.help,
                }
            }
        }
    }
}

/// A mistake in selectors.yml.
pub fn definition_error(definitions: Option<&Definitions>, error: SelectorError) -> ConfigError {
    ConfigError {
        path: "selectors.yml".to_owned(),
        text: definitions.map_or(String::new(), |d| d.text().to_owned()),
        range: Some(error.range),
        message: error.message,
        help: error.help,
    }
}

/// Does an expression speak of a file by its path? Then it holds also what is no node.
fn holds_path(expr: &Expr, path: &str) -> bool {
    match expr {
        Expr::Term(term) => match &term.method {
            Method::Path(pattern) => pattern.holds(path),
            Method::File(name) => name.matches(path.rsplit('/').next().unwrap_or(path)),
            _ => false,
        },
        Expr::Union(parts) => parts.iter().any(|p| holds_path(p, path)),
        Expr::Intersection(parts) => parts.iter().all(|p| holds_path(p, path)),
        Expr::Difference(first, second) => holds_path(first, path) && !holds_path(second, path),
    }
}
