//! The macros that templates may call, by package and name.

use super::ast::{Args, Expr, ExprKind, Node, Param};
use super::parse::Template;
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::Arc;

/// A macro of the project or of an installed package.
#[derive(Debug)]
pub struct MacroDef {
    /// Its name.
    pub name: Box<str>,
    /// The package that defines it.
    pub package: Arc<str>,
    /// Its parameters in order.
    pub params: Vec<Param>,
    pub(super) body: Vec<Node>,
    /// The text of its file.
    pub(super) src: Arc<str>,
    /// Names of functions it calls, dotted as written.
    calls: Vec<Box<str>>,
}

/// All macros of a run.
#[derive(Debug, Default)]
pub struct MacroLibrary {
    root: String,
    by_name: FxHashMap<Box<str>, Vec<Arc<MacroDef>>>,
    /// Names of macros that, themselves or through others, contain ref, source or config.
    touching: FxHashSet<Box<str>>,
}

/// Adapters that inherit another's implementations (dbt-adapters: `AdapterPlugin.dependencies`).
fn adapter_chain(adapter: &str) -> Vec<&str> {
    match adapter {
        "redshift" => vec!["redshift", "postgres"],
        "databricks" => vec!["databricks", "spark"],
        "synapse" => vec!["synapse", "fabric", "sqlserver"],
        other => vec![other],
    }
}

impl MacroLibrary {
    /// An empty library for a project of this name.
    pub fn new(root: &str) -> Self {
        Self {
            root: root.to_owned(),
            ..Self::default()
        }
    }

    /// Takes the macros out of a parsed file of `package`.
    pub fn add(&mut self, package: &Arc<str>, src: &Arc<str>, template: Template) {
        for node in template.nodes {
            let Node::Macro(m) = node else { continue };
            let mut calls = Vec::new();
            // A default is asked for by whoever leaves the argument out.
            for default in m.params.iter().filter_map(|p| p.default.as_ref()) {
                walk_expr(default, &mut |name| calls.push(name.into()));
            }
            walk_nodes(&m.body, &mut |name| calls.push(name.into()));
            let def = MacroDef {
                name: m.name.clone(),
                package: package.clone(),
                params: m.params,
                body: m.body,
                src: src.clone(),
                calls,
            };
            self.by_name.entry(m.name).or_default().push(Arc::new(def));
        }
    }

    /// To be called once after the last [`MacroLibrary::add`].
    pub fn finish(&mut self) {
        let mut callers: FxHashMap<&str, Vec<&str>> = FxHashMap::default();
        let mut pending: Vec<&str> = Vec::new();
        for def in self.by_name.values().flatten() {
            for call in &def.calls {
                let short = call.rsplit('.').next().unwrap_or(call);
                callers.entry(short).or_default().push(&def.name);
                // A dispatched implementation is found by its suffix.
                if matches!(short, "ref" | "source" | "config") {
                    pending.push(&def.name);
                }
            }
        }
        let mut touching: FxHashSet<Box<str>> = FxHashSet::default();
        while let Some(name) = pending.pop() {
            if !touching.insert(name.into()) {
                continue;
            }
            let dispatched = name.split_once("__").map(|(_, base)| base);
            for key in [Some(name), dispatched].into_iter().flatten() {
                pending.extend(callers.get(key).into_iter().flatten());
            }
            pending.extend(dispatched.filter(|base| self.by_name.contains_key(*base)));
        }
        self.touching = touching;
    }

    /// Does the macro of this (dotted) name contain ref, source or config, itself or through
    /// another?
    pub fn touches_graph(&self, name: &str) -> bool {
        let short = name.rsplit('.').next().unwrap_or(name);
        self.touching.contains(short)
    }

    /// The macro that dbt would call for `name` (dotted with a package, or not) from a file of
    /// `package`: its own package first, then the project, then a unique one anywhere.
    pub fn find(&self, name: &str, package: &str) -> Option<&Arc<MacroDef>> {
        if let Some((wanted, short)) = name.split_once('.') {
            let candidates = self.by_name.get(short)?;
            return candidates.iter().rev().find(|m| &*m.package == wanted);
        }
        let candidates = self.by_name.get(name)?;
        let of = |p: &str| candidates.iter().rev().find(|m| &*m.package == p);
        of(package).or_else(|| of(&self.root))
    }

    /// What `adapter.dispatch(name, namespace)` finds: the adapter's implementation, its parent
    /// adapter's, then the default; the project's own before the namespace's.
    pub fn dispatch(
        &self,
        name: &str,
        namespace: Option<&str>,
        adapter: Option<&str>,
    ) -> Option<&Arc<MacroDef>> {
        let prefixes = adapter.map(adapter_chain).unwrap_or_default();
        prefixes.into_iter().chain(["default"]).find_map(|prefix| {
            let candidates = self.by_name.get(format!("{prefix}__{name}").as_str())?;
            let of = |p: &str| candidates.iter().rev().find(|m| &*m.package == p);
            of(&self.root)
                .or_else(|| namespace.and_then(of))
                .or_else(|| candidates.last())
        })
    }

    /// Every macro, by name and then in the order of definition.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<MacroDef>> {
        let mut names: Vec<&Box<str>> = self.by_name.keys().collect();
        names.sort();
        names.into_iter().flat_map(|n| &self.by_name[n])
    }
}

impl MacroDef {
    /// The text of the file it stands in.
    pub fn text(&self) -> &str {
        &self.src
    }

    /// Dotted names of the functions and macros that its body calls, in order, as written.
    pub fn calls(&self) -> impl Iterator<Item = &str> {
        self.calls.iter().map(|c| &**c)
    }
}

/// Visits the dotted name of everything that is called in `nodes`.
pub(super) fn walk_nodes(nodes: &[Node], visit: &mut dyn FnMut(&str)) {
    for node in nodes {
        match node {
            Node::Text(_) => {}
            Node::Output(e, _) | Node::Do(e) | Node::Set { value: e, .. } => walk_expr(e, visit),
            Node::If(branches) => {
                for (cond, body) in branches {
                    if let Some(cond) = cond {
                        walk_expr(cond, visit);
                    }
                    walk_nodes(body, visit);
                }
            }
            Node::For(f) => {
                walk_expr(&f.iter, visit);
                if let Some(filter) = &f.filter {
                    walk_expr(filter, visit);
                }
                walk_nodes(&f.body, visit);
                walk_nodes(&f.otherwise, visit);
            }
            Node::CallBlock { call, body, .. } => {
                walk_expr(call, visit);
                walk_nodes(body, visit);
            }
            Node::Macro(m) => walk_nodes(&m.body, visit),
            Node::SetBlock { body, .. }
            | Node::FilterBlock { body, .. }
            | Node::Group { body, .. }
            | Node::Definition { body, .. } => walk_nodes(body, visit),
        }
    }
}

fn walk_args(args: &Args, visit: &mut dyn FnMut(&str)) {
    let named = args.named.iter().map(|(_, _, e)| e);
    for e in args.positional.iter().chain(named).chain(&args.spread) {
        walk_expr(e, visit);
    }
}

fn walk_expr(expr: &Expr, visit: &mut dyn FnMut(&str)) {
    match &expr.kind {
        ExprKind::Call(callee, args) => {
            match dotted(callee) {
                Some(name) => {
                    visit(&name);
                    if name == "adapter.dispatch"
                        && let Some(Expr {
                            kind: ExprKind::Str(target),
                            ..
                        }) = args.positional.first()
                    {
                        // Whatever implementation is found has the name behind two underscores.
                        visit(&format!("default__{target}"));
                        visit(target);
                    }
                }
                None => walk_expr(callee, visit),
            }
            walk_args(args, visit);
        }
        ExprKind::List(items) | ExprKind::Tuple(items) => {
            items.iter().for_each(|e| walk_expr(e, visit));
        }
        ExprKind::Dict(entries) => {
            for (k, v) in entries {
                walk_expr(k, visit);
                walk_expr(v, visit);
            }
        }
        ExprKind::Attr(e, _) | ExprKind::Unary(_, e) => walk_expr(e, visit),
        ExprKind::Item(a, b) | ExprKind::Binary(_, a, b) => {
            walk_expr(a, visit);
            walk_expr(b, visit);
        }
        ExprKind::Slice(e, parts) => {
            walk_expr(e, visit);
            parts.iter().flatten().for_each(|e| walk_expr(e, visit));
        }
        ExprKind::Filter(e, _, args) | ExprKind::Test { value: e, args, .. } => {
            walk_expr(e, visit);
            walk_args(args, visit);
        }
        ExprKind::Ternary {
            then,
            cond,
            otherwise,
        } => {
            walk_expr(then, visit);
            walk_expr(cond, visit);
            if let Some(e) = otherwise {
                walk_expr(e, visit);
            }
        }
        _ => {}
    }
}

/// `a.b.c` of a chain of names.
pub(super) fn dotted(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Name(n) => Some(n.to_string()),
        ExprKind::Attr(inner, attr) => Some(format!("{}.{attr}", dotted(inner)?)),
        _ => None,
    }
}
