//! `--select`, `--exclude`, `--selector` and paths on the command line: which nodes a run is about.

use crate::check::Scope;
use crate::config::{ConfigError, Matcher};
use crate::error::RunError;
use crate::manifest;
use crate::project::select::{NodeSet, Parts, Selectors, State, Unfit, definition_error};
use crate::project::{NodeId, Project};
use crate::selector::{Definitions, Expr, Indirect, Method, SelectorError, Term, parse};
use crate::text::{FileId, MappedBytes, nearest, relative_path};
use rustc_hash::FxHashSet;
use std::path::{Path, PathBuf};

/// What the command line asks for.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// `--select`: each is a union of parts, all are united.
    pub select: Vec<String>,
    /// `--exclude`.
    pub exclude: Vec<String>,
    /// `--selector`.
    pub selector: Option<String>,
    /// `--indirect-selection`.
    pub indirect: Indirect,
    /// `--state`, relative to the working directory.
    pub state: Option<PathBuf>,
    /// Files and directories, relative to the working directory.
    pub paths: Vec<PathBuf>,
    /// A selection that matches nothing is no error.
    pub allow_empty: bool,
}

/// The nodes and files that a selection means.
///
/// # Errors
/// A selection that cannot be read, or one that matches no node; a path that does not exist.
pub fn scope(project: &Project, selection: &Selection, cwd: &Path) -> Result<Scope, RunError> {
    let mut scope = Scope {
        nodes: nodes(project, selection, cwd)?,
        files: None,
    };
    if !selection.paths.is_empty() {
        scope.files = Some(files(project, selection, cwd)?);
    }
    Ok(scope)
}

/// An argument, read.
struct Argument {
    /// The flag, by which errors name it.
    flag: &'static str,
    text: String,
    expr: Expr,
}

impl Argument {
    fn read(flag: &'static str, texts: &[String]) -> Result<Vec<Self>, RunError> {
        let read = texts.iter().map(|text| {
            let expr = parse(text).map_err(|e| refused(flag, text, e))?;
            Ok(Self {
                flag,
                text: text.clone(),
                expr,
            })
        });
        read.collect()
    }
}

/// A mistake in an argument, at its place there.
fn refused(flag: &str, text: &str, error: SelectorError) -> RunError {
    let error = ConfigError {
        path: flag.to_owned(),
        text: text.to_owned(),
        range: Some(error.range),
        message: error.message,
        help: error.help,
    };
    error.into()
}

/// The nodes of `--select` or `--selector` without those of `--exclude`; none where nothing is
/// asked for.
///
/// # Errors
/// As [`scope`]; also a `--state` without a manifest that can be read.
pub fn nodes(
    project: &Project,
    selection: &Selection,
    cwd: &Path,
) -> Result<Option<FxHashSet<NodeId>>, RunError> {
    let mut wanted = Argument::read("--select", &selection.select)?;
    if let Some(name) = &selection.selector {
        wanted.push(named(name));
    }
    let less = Argument::read("--exclude", &selection.exclude)?;
    let file = state_file(selection, cwd)?;
    if wanted.is_empty() && less.is_empty() {
        return Ok(None);
    }
    let exprs = wanted.iter().chain(&less).map(|a| &a.expr);
    let definitions = definitions(project, exprs)?;
    let old = match &file {
        Some((path, bytes)) => Some(manifest::read(bytes.bytes()).map_err(|e| unusable(path, e))?),
        None => None,
    };
    let state = old.as_ref().map(|m| State::new(m, project));
    let mut selectors = Selectors::new(
        project,
        definitions.as_ref(),
        state.as_ref(),
        selection.indirect,
    );
    let refuse = |a: &Argument, unfit: Unfit| match unfit {
        Unfit::Definition(e) => definition_error(definitions.as_ref(), e).into(),
        Unfit::NoState(e) | Unfit::NoDefinitions(e) => refused(a.flag, &a.text, e),
    };
    let mut selected = match wanted.is_empty() {
        true => project.nodes.iter().map(|n| n.id).collect(),
        false => NodeSet::default(),
    };
    for argument in &wanted {
        if !selection.allow_empty {
            let parts = match &argument.expr {
                Expr::Union(parts) => parts.as_slice(),
                one => std::slice::from_ref(one),
            };
            for part in parts {
                let found = selectors.nodes(part).map_err(|e| refuse(argument, e))?;
                if found.is_empty() {
                    return Err(nothing(project, argument, part));
                }
            }
        }
        let found = selectors.nodes(&argument.expr);
        selected.add(&found.map_err(|e| refuse(argument, e))?);
    }
    for argument in &less {
        let found = selectors.excluded(&argument.expr);
        selected.remove(&found.map_err(|e| refuse(argument, e))?);
    }
    Ok(Some(selected.iter().collect()))
}

/// `--selector NAME` is a criterion.
fn named(name: &str) -> Argument {
    Argument {
        flag: "--selector",
        text: name.to_owned(),
        expr: Expr::Term(Box::new(Term {
            method: Method::Selector(name.to_owned()),
            parents: None,
            children: None,
            childrens_parents: false,
            indirect: None,
            range: 0..name.len(),
        })),
    }
}

/// The parts of the project that its configuration speaks of.
///
/// # Errors
/// A selection there names a selector that is not defined, or is wrong.
pub fn parts(project: &Project) -> Result<Parts, RunError> {
    let exclude = project.config.exclude.iter().map(|e| &e.matcher);
    let overrides = project.config.overrides.iter().map(|o| &o.matcher);
    let exprs = exclude.chain(overrides).filter_map(|m| match m {
        Matcher::Select(selected) => Some(&selected.expr),
        Matcher::Path(_) => None,
    });
    let definitions = definitions(project, exprs)?;
    Ok(Parts::new(project, definitions.as_ref())?)
}

/// selectors.yml, if anything asks for it and it is there.
fn definitions<'e>(
    project: &Project,
    mut exprs: impl Iterator<Item = &'e Expr>,
) -> Result<Option<Definitions>, RunError> {
    let asks = |e: &Expr| {
        e.terms()
            .iter()
            .any(|t| matches!(t.method, Method::Selector(_)))
    };
    if !exprs.any(asks) {
        return Ok(None);
    }
    let path = project.place.project_dir.join("selectors.yml");
    if !project.place.is_file(&path) {
        return Ok(None);
    }
    let unread = |why: String| RunError::Input {
        path: "selectors.yml".to_owned(),
        why,
        help: None,
    };
    if project.place.inside(&path).is_none() {
        return Err(unread("leads out of the repository".to_owned()));
    }
    match project.place.read_text(&path) {
        (text, None) => Ok(Some(Definitions::new(text))),
        (_, Some(problem)) => Err(unread(format!("cannot be read: {problem:?}"))),
    }
}

/// The manifest of `--state`.
fn state_file(
    selection: &Selection,
    cwd: &Path,
) -> Result<Option<(PathBuf, MappedBytes)>, RunError> {
    let Some(dir) = &selection.state else {
        return Ok(None);
    };
    let shown = dir.join("manifest.json");
    match MappedBytes::open(&cwd.join(&shown)) {
        Ok(bytes) => Ok(Some((shown, bytes))),
        Err(e) => Err(unusable(&shown, e)),
    }
}

fn unusable(path: &Path, why: impl ToString) -> RunError {
    RunError::Input {
        path: path.display().to_string(),
        why: why.to_string(),
        help: Some("--state names a directory with the manifest.json of another run".to_owned()),
    }
}

/// A part of a selection that no node fits.
fn nothing(project: &Project, argument: &Argument, part: &Expr) -> RunError {
    let terms = part.terms();
    let start = terms.iter().map(|t| t.range.start).min().unwrap_or(0);
    let end = terms.iter().map(|t| t.range.end).max().unwrap_or(0);
    let text = argument.text.get(start..end).unwrap_or(&argument.text);
    let near = terms
        .into_iter()
        .find_map(|t| near(project, t, &argument.text));
    RunError::Nothing {
        message: format!("{} `{text}` matches no node", argument.flag),
        help: near,
    }
}

/// What a criterion may have meant.
fn near(project: &Project, term: &Term, text: &str) -> Option<String> {
    let own = || {
        project
            .nodes
            .iter()
            .filter(|n| n.is_own() && !n.is_disabled())
    };
    let tags: Vec<String>;
    let written = text.get(term.range.clone()).unwrap_or(text);
    let bare = written.trim_matches(|c: char| c == '+' || c == '@' || c.is_ascii_digit());
    let (prefix, value) = match bare.split_once(':') {
        Some((method, value)) => (format!("{method}:"), value),
        None => (String::new(), bare),
    };
    let found = match &term.method {
        Method::Fqn(_)
            if value.starts_with(|c: char| c.is_alphanumeric()) && value.contains('*') =>
        {
            let help =
                format!("dbt compares a pattern with the whole fqn, folders included: `*{value}`");
            let fits = crate::selector::Wild::new(value);
            return own().any(|n| fits.matches(&n.name)).then_some(help);
        }
        Method::Fqn(_) => nearest(value, own().map(|n| n.name.as_str())),
        Method::Tag(_) => {
            tags = own().flat_map(|n| n.config.tags()).collect();
            nearest(value, tags.iter().map(String::as_str))
        }
        Method::Source { .. } => nearest(value, own().filter_map(|n| n.source_name.as_deref())),
        Method::Named(named) => {
            let same = own().filter(|n| n.resource_type.as_str() == named.kind);
            nearest(value, same.map(|n| n.name.as_str()))
        }
        Method::Path(_) => {
            let near = nearest(
                value.trim_end_matches('/'),
                own().map(|n| project.path(n.file)),
            );
            return near.map(|near| format!("did you mean `{near}`?"));
        }
        _ => None,
    };
    found.map(|near| format!("did you mean `{prefix}{near}`?"))
}

/// The one file of the project itself that a path means.
///
/// # Errors
/// There is no such file, or it is none of the project.
pub fn file(project: &Project, path: &Path, cwd: &Path) -> Result<FileId, RunError> {
    let shown = path.display();
    let nothing = |message: String| RunError::Nothing {
        message,
        help: Some("name a model or a property file of the project".to_owned()),
    };
    let Ok(real) = cwd.join(path).canonicalize() else {
        return Err(nothing(format!("{shown} does not exist")));
    };
    let wanted = relative_path(&real, &project.place.project_dir);
    let found = project.files.iter().find(|(_, f)| f.path == wanted);
    let found = found.map(|(id, _)| id);
    let foreign = |id: &FileId| {
        let mut members = project.members.iter();
        members.any(|m| m.file == *id && m.package > 0)
    };
    found
        .filter(|id| !foreign(id))
        .ok_or_else(|| nothing(format!("{shown} is no file of the project")))
}

/// The files of the run at or below the paths. A path that exists and holds none is allowed: it
/// has no finding.
fn files(
    project: &Project,
    selection: &Selection,
    cwd: &Path,
) -> Result<FxHashSet<FileId>, RunError> {
    let mut out = FxHashSet::default();
    for path in &selection.paths {
        let full = cwd.join(path);
        let on_disk = full.canonicalize();
        let staged = || project.place.overlay.has(&full).then(|| full.clone());
        let Some(real) = on_disk.ok().or_else(staged) else {
            if selection.allow_empty {
                continue;
            }
            return Err(RunError::Nothing {
                message: format!("{} does not exist", path.display()),
                help: None,
            });
        };
        let wanted = relative_path(&real, &project.place.project_dir);
        let folder = format!("{wanted}/");
        let below = |p: &str| wanted.is_empty() || p == wanted || p.starts_with(&folder);
        out.extend(
            project
                .files
                .iter()
                .filter(|(_, f)| below(&f.path))
                .map(|(id, _)| id),
        );
    }
    Ok(out)
}
