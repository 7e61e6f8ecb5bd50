//! Which macros changed, and who calls them, through others too.

use crate::manifest::Manifest;
use crate::project::{Node, NodeId, Project};
use crate::syntax::jinja::MacroDef;
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::Arc;

/// Macros, by package and name, that changed themselves or call one that did.
pub(super) struct ChangedMacros {
    changed: FxHashSet<(Arc<str>, Box<str>)>,
}

fn key(def: &MacroDef) -> (Arc<str>, Box<str>) {
    (def.package.clone(), def.name.clone())
}

impl ChangedMacros {
    pub(super) fn new(manifest: &Manifest, project: &Project) -> Self {
        let mut old: FxHashMap<(&str, &str), String> = FxHashMap::default();
        for theirs in &manifest.macros {
            if let Some(sql) = theirs.macro_sql.and_then(|raw| raw.text()) {
                old.insert((&theirs.package_name, &theirs.name), sql.trim().to_owned());
            }
        }
        // A manifest without macros (Fusion may write none) says nothing of them.
        if old.is_empty() {
            return Self {
                changed: FxHashSet::default(),
            };
        }
        // dbt keeps the macro's own text, of which the file is to hold a copy.
        let is_changed = |def: &MacroDef| {
            let theirs = old.get(&(&*def.package, &*def.name));
            theirs.is_none_or(|sql| !def.text().contains(sql.as_str()))
        };
        Self::from(project, &is_changed)
    }

    /// Those of which this is known, and those that call one.
    fn from(project: &Project, is_changed: &dyn Fn(&MacroDef) -> bool) -> Self {
        let mut changed = FxHashSet::default();
        let mut callers: FxHashMap<(Arc<str>, Box<str>), Vec<&MacroDef>> = FxHashMap::default();
        let mut waiting: Vec<&MacroDef> = Vec::new();
        for def in project.macros.iter() {
            if is_changed(def) {
                waiting.push(def);
            }
            for call in def.calls() {
                for called in called(project, call, &def.package) {
                    callers.entry(key(called)).or_default().push(def);
                }
            }
        }
        while let Some(def) = waiting.pop() {
            if changed.insert(key(def)) {
                waiting.extend(callers.get(&key(def)).into_iter().flatten());
            }
        }
        Self { changed }
    }

    /// Does a node call one?
    pub(super) fn calls_changed(&self, project: &Project, node: &Node) -> bool {
        if self.changed.is_empty() {
            return false;
        }
        let calls = node.sql.iter().flat_map(|s| &s.macros);
        calls
            .flat_map(|(name, _)| called(project, name, &node.package_name))
            .any(|def| self.changed.contains(&key(def)))
    }
}

impl Project {
    /// The nodes that call a macro of which this holds, be it through other macros; generic tests
    /// call the macro that makes them.
    pub fn callers_of(&self, is_changed: &dyn Fn(&MacroDef) -> bool) -> FxHashSet<NodeId> {
        let macros = ChangedMacros::from(self, is_changed);
        let tests_by = |node: &Node| {
            let test = node.test.as_ref()?;
            let name = format!("test_{}", test.name);
            let name = match &test.namespace {
                Some(namespace) => format!("{namespace}.{name}"),
                None => name,
            };
            Some(called(self, &name, &node.package_name))
        };
        let calls = |node: &&Node| {
            let mut tests_by = tests_by(node).into_iter().flatten();
            macros.calls_changed(self, node) || tests_by.any(|d| macros.changed.contains(&key(d)))
        };
        let callers = self.nodes.iter().filter(calls);
        callers.map(|n| n.id).collect()
    }
}

/// The macros that a call may mean: the one of that name, and the implementation it dispatches to.
fn called<'p>(project: &'p Project, name: &str, package: &str) -> Vec<&'p MacroDef> {
    let adapter = Some(project.dialect.adapter.as_str()).filter(|a| !a.is_empty());
    let mut out: Vec<&MacroDef> = Vec::new();
    out.extend(project.macros.find(name, package).map(|m| &**m));
    if let Some(base) = name.strip_prefix("default__") {
        out.extend(
            project
                .macros
                .dispatch(base, Some(package), adapter)
                .map(|m| &**m),
        );
    }
    out
}
