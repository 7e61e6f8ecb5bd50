//! `--select`, `--exclude` and paths on the command line: which nodes a run is about.

use crate::check::Scope;
use crate::config::Matcher;
use crate::error::RunError;
use crate::project::{NodeId, Project};
use crate::text::{FileId, nearest, relative_path};
use rustc_hash::FxHashSet;
use std::path::{Path, PathBuf};

/// What the command line asks for.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// `--select`: each is a union of parts, all are united.
    pub select: Vec<String>,
    /// `--exclude`.
    pub exclude: Vec<String>,
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
    let mut scope = Scope::default();
    if !selection.select.is_empty() || !selection.exclude.is_empty() {
        scope.nodes = Some(nodes(project, selection)?);
    }
    if !selection.paths.is_empty() {
        scope.files = Some(files(project, selection, cwd)?);
    }
    Ok(scope)
}

/// The nodes of `--select` without those of `--exclude`.
///
/// # Errors
/// As [`scope`].
pub fn nodes(project: &Project, selection: &Selection) -> Result<FxHashSet<NodeId>, RunError> {
    let mut selected: FxHashSet<NodeId> = match selection.select.is_empty() {
        true => project.nodes.iter().map(|n| n.id).collect(),
        false => FxHashSet::default(),
    };
    for text in selection.select.iter().flat_map(|s| s.split_whitespace()) {
        let found = intersection(project, text)?;
        if found.is_empty() && !selection.allow_empty {
            return Err(RunError::Nothing {
                message: format!("--select `{text}` matches no node"),
                help: near(project, text),
            });
        }
        selected.extend(found);
    }
    for text in selection.exclude.iter().flat_map(|s| s.split_whitespace()) {
        for id in intersection(project, text)? {
            selected.remove(&id);
        }
    }
    Ok(selected)
}

fn near(project: &Project, text: &str) -> Option<String> {
    let bare = text.trim_matches(|c: char| c == '+' || c == '@' || c.is_ascii_digit());
    let own = project.nodes.iter().filter(|n| n.is_own());
    let near = nearest(bare, own.map(|n| n.name.as_str()))?;
    Some(format!("did you mean `{near}`?"))
}

/// `a,b`: what all parts select.
fn intersection(project: &Project, text: &str) -> Result<FxHashSet<NodeId>, RunError> {
    let mut out: Option<FxHashSet<NodeId>> = None;
    for part in text.split(',') {
        let found = with_graph(project, part)?;
        out = Some(match out {
            None => found,
            Some(before) => before.intersection(&found).copied().collect(),
        });
    }
    Ok(out.unwrap_or_default())
}

/// `2+name+1`, `@name`: a method with dbt's graph operators around it.
fn with_graph(project: &Project, text: &str) -> Result<FxHashSet<NodeId>, RunError> {
    let (at, rest) = match text.strip_prefix('@') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (up, rest) = upward(rest);
    let (down, method) = downward(rest);
    let matcher = Matcher::select(method)
        .map_err(|e| RunError::usage(format!("the selection `{text}`: {e}"), None))?;
    let hits = project
        .nodes
        .iter()
        .filter(|n| !n.is_disabled() && project.with_subject(n, |s| matcher.matches(s)));
    let mut out: FxHashSet<NodeId> = hits.map(|n| n.id).collect();
    let roots: Vec<NodeId> = out.iter().copied().collect();
    for id in roots {
        if let Some(levels) = up {
            out.extend(project.graph.ancestors(id, levels));
        }
        if let Some(levels) = down {
            out.extend(project.graph.descendants(id, levels));
        }
        if at {
            // Everything downstream, and all that those need.
            for below in project.graph.descendants(id, None) {
                out.insert(below);
                out.extend(project.graph.ancestors(below, None));
            }
            out.extend(project.graph.ancestors(id, None));
        }
    }
    Ok(out)
}

/// `+` or `2+` before a method: how many levels up.
fn upward(text: &str) -> (Option<Option<usize>>, &str) {
    let Some((before, rest)) = text.split_once('+') else {
        return (None, text);
    };
    if before.is_empty() {
        return (Some(None), rest);
    }
    match before.parse() {
        Ok(levels) => (Some(Some(levels)), rest),
        Err(_) => (None, text),
    }
}

/// `+` or `+2` behind a method: how many levels down.
fn downward(text: &str) -> (Option<Option<usize>>, &str) {
    let Some((method, after)) = text.rsplit_once('+') else {
        return (None, text);
    };
    match (after.is_empty(), after.parse()) {
        (true, _) => (Some(None), method),
        (false, Ok(levels)) => (Some(Some(levels)), method),
        _ => (None, text),
    }
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
        let Ok(real) = full.canonicalize() else {
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
