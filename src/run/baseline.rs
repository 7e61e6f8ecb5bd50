//! Where the baseline lies, and when it is read and written.
//!
//! A check writes nothing. What is asked for on the command line may lie anywhere the user says; what
//! the repository says stays in the repository, links included.

use super::{Prepared, Request};
use crate::baseline::{self, Baseline, Entry, FILE, NEVER_HELD};
use crate::check::{Finding, Judged, Scope, idle_entries};
use crate::config::{BaselineSetting, Config, ConfigError};
use crate::error::RunError;
use crate::load::Place;
use crate::project::Project;
use crate::text::{FileId, TextFile, folded, relative_path, write_whole};
use rustc_hash::{FxHashMap, FxHashSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// What a run does with the baseline besides reading it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum BaselineTask {
    /// Nothing.
    #[default]
    Read,
    /// Adds what is found and not known yet, for this reason.
    Add(String),
    /// Drops what is gone.
    Prune,
}

/// Where the baseline lies.
struct Located {
    /// As the user knows it.
    shown: String,
    on_disk: PathBuf,
    /// Somebody named it, so that it must be there.
    asked: bool,
}

/// The file that is meant; none where there is to be none.
fn locate(request: &Request, config: &Config, place: &Place) -> Result<Option<Located>, RunError> {
    let of_repository = |path: &str, asked: bool| Located {
        shown: path.to_owned(),
        on_disk: folded(&place.project_dir.join(path)),
        asked,
    };
    let located = match (&request.baseline, &config.baseline) {
        (Some(BaselineSetting::Path(path)), _) => {
            let cwd = request.cwd.canonicalize();
            let cwd = cwd.unwrap_or_else(|_| request.cwd.clone());
            return Ok(Some(Located {
                shown: path.clone(),
                on_disk: folded(&cwd.join(path)),
                asked: true,
            }));
        }
        (Some(BaselineSetting::Off), _) | (None, BaselineSetting::Off) => return Ok(None),
        (None, BaselineSetting::Path(path)) => of_repository(path, true),
        _ => of_repository(FILE, false),
    };
    match located.on_disk.starts_with(&place.root) {
        true => Ok(Some(located)),
        false => Err(outside(&located.shown)),
    }
}

fn outside(shown: &str) -> RunError {
    ConfigError {
        path: shown.to_owned(),
        text: String::new(),
        range: None,
        message: "the baseline leads out of the repository".to_owned(),
        help: Some("name a file outside with --baseline".to_owned()),
    }
    .into()
}

/// Reads the baseline of a run into the project, where there is one.
///
/// # Errors
/// A baseline that is refused; one that was asked for, is not there, and is not to be written.
pub(super) fn open(request: &Request, project: &mut Project) -> Result<(), RunError> {
    let Some(located) = locate(request, &project.config, &project.place)? else {
        return match request.task {
            BaselineTask::Read => Ok(()),
            _ => Err(switched_off()),
        };
    };
    let shown = &located.shown;
    let overlay = &project.place.overlay;
    let is_there = match overlay.holds(&located.on_disk) {
        true => overlay.has(&located.on_disk),
        // A link that leads nowhere is there, and cannot be read.
        false => located.on_disk.symlink_metadata().is_ok(),
    };
    if !is_there {
        let writes = matches!(request.task, BaselineTask::Add(_));
        let must_be = located.asked || request.task == BaselineTask::Prune;
        return match must_be && !writes {
            true => Err(missing(shown)),
            false => Ok(()),
        };
    }
    if request.baseline.is_none() && project.place.inside(&located.on_disk).is_none() {
        return Err(outside(shown));
    }
    let text = match project.place.read_text(&located.on_disk) {
        (text, None) => text,
        (_, Some(problem)) => {
            return Err(RunError::Input {
                path: shown.clone(),
                why: format!("cannot be read: {problem:?}"),
                help: None,
            });
        }
    };
    lay(project, &located, text)
}

fn switched_off() -> RunError {
    let help = "name the file with --baseline FILE".to_owned();
    RunError::usage("the baseline is switched off", Some(help))
}

fn missing(shown: &str) -> RunError {
    RunError::Input {
        path: shown.to_owned(),
        why: "there is no such baseline".to_owned(),
        help: Some("`harness-lint check --write-baseline --reason '…'` writes one".to_owned()),
    }
}

/// The project's baseline is this text.
fn lay(project: &mut Project, located: &Located, text: String) -> Result<(), RunError> {
    let entries = baseline::read(&located.shown, &text)?;
    let path = relative_path(&located.on_disk, &project.place.project_dir);
    let file = TextFile::new(path, located.on_disk.clone(), text, None);
    let file = match &project.baseline {
        Some(old) => {
            project.files.replace(old.file, file);
            old.file
        }
        None => project.files.push(file),
    };
    project.baseline = Some(Baseline { file, entries });
    Ok(())
}

/// Writes the baseline as the run asks, and gives what there is to say of it.
///
/// # Errors
/// The file cannot be written, or a link leads out of the repository.
pub(super) fn write(
    request: &Request,
    prepared: &mut Prepared,
    judged: &Judged,
    scope: &Scope,
) -> Result<String, RunError> {
    let project = &mut prepared.project;
    if request.task == BaselineTask::Read {
        return Ok(String::new());
    }
    let Some(located) = locate(request, &project.config, &project.place)? else {
        return Err(switched_off());
    };
    let old = project.baseline.as_ref().map(|b| b.entries.clone());
    let old = old.unwrap_or_default();
    let (entries, mut told) = match &request.task {
        BaselineTask::Read => (old, String::new()),
        BaselineTask::Add(reason) => added(project, judged, scope, reason, &old),
        BaselineTask::Prune => {
            let idle = idle_entries(project, &prepared.rules, judged);
            let asked = asked(request, project, scope);
            let gone = idle.into_iter().map(|(index, _)| index);
            let gone = gone.filter(|i| asked(&old[*i]));
            pruned(&old, &gone.collect())
        }
    };
    let text = baseline::write(&entries);
    let real = target(&located, &project.place)?;
    let as_it_is = std::fs::read(&real).is_ok_and(|bytes| bytes == text.as_bytes());
    if !as_it_is {
        write_whole(&real, &text).map_err(|e| unwritten(&located.shown, e))?;
    }
    // Writing to a string does not fail.
    let _ = writeln!(told, " {}", located.shown);
    lay(project, &located, text)?;
    Ok(told)
}

fn unwritten(shown: &str, error: impl ToString) -> RunError {
    RunError::Input {
        path: shown.to_owned(),
        why: error.to_string(),
        help: None,
    }
}

/// The file to write: what a link leads to, while that lies in the repository. A path that the user
/// wrote outside of it is the user's affair.
fn target(located: &Located, place: &Place) -> Result<PathBuf, RunError> {
    let path = &located.on_disk;
    let real = match path.symlink_metadata().is_ok() {
        true => path.canonicalize(),
        false => {
            let dir = path.parent().unwrap_or(Path::new("/")).canonicalize();
            dir.map(|dir| dir.join(path.file_name().unwrap_or_default()))
        }
    };
    let real = real.map_err(|e| unwritten(&located.shown, e))?;
    match path.starts_with(&place.root) && !real.starts_with(&place.root) {
        true => Err(outside(&located.shown)),
        false => Ok(real),
    }
}

/// The old entries, and one for each finding of the scope that none of them holds; and what there is
/// to say, up to the name of the file.
fn added(
    project: &Project,
    judged: &Judged,
    scope: &Scope,
    reason: &str,
    old: &[Entry],
) -> (Vec<Entry>, String) {
    let mut entries = old.to_vec();
    let held = project.baseline.as_ref();
    let held = held.map(|b| b.hold(judged.fingerprints()));
    let held = held.map_or_else(|| vec![None; judged.findings.len()], |h| h.by);
    let mut left_out = 0;
    for (finding, by) in judged.findings.iter().zip(held) {
        if let Some(index) = by {
            // A file that moved takes its entry along.
            let entry = &mut entries[index];
            let path = project.path(finding.primary.span.file);
            entry.path = entry.path.is_some().then(|| path.to_owned());
        } else if scope.holds(finding.node, Some(finding.primary.span.file)) {
            match finding.rule.starts_with(NEVER_HELD) {
                true => left_out += 1,
                false => entries.push(entry(project, finding, reason)),
            }
        }
    }
    let left_out = match left_out {
        0 => String::new(),
        n => format!("left out {n}: no baseline holds findings of {NEVER_HELD}*\n"),
    };
    let (all, new) = (entries.len(), entries.len() - old.len());
    let told = format!("{left_out}wrote {} ({new} new) to", many(all));
    (entries, told)
}

fn entry(project: &Project, finding: &Finding, reason: &str) -> Entry {
    let path = project.path(finding.primary.span.file).to_owned();
    let node = finding.node.map(|n| project.node(n).unique_id.clone());
    Entry {
        fingerprint: finding.fingerprint,
        rule: finding.rule.clone(),
        path: node.is_some().then(|| path.clone()),
        node: node.unwrap_or(path),
        reason: reason.to_owned(),
        range: 0..0,
    }
}

fn pruned(old: &[Entry], gone: &FxHashSet<usize>) -> (Vec<Entry>, String) {
    let kept = old.iter().enumerate().filter(|(i, _)| !gone.contains(i));
    let kept: Vec<Entry> = kept.map(|(_, e)| e.clone()).collect();
    let told = format!("dropped {} of {} in", gone.len(), many(old.len()));
    (kept, told)
}

fn many(entries: usize) -> String {
    match entries {
        1 => "1 entry".to_owned(),
        n => format!("{n} entries"),
    }
}

/// The entries of the part of the project, and of the rules, that the run is about.
fn asked<'a>(
    request: &'a Request,
    project: &'a Project,
    scope: &'a Scope,
) -> impl Fn(&Entry) -> bool + 'a {
    let files = scope.files.iter().flatten();
    let files: FxHashMap<&str, FileId> = files.map(|f| (project.path(*f), *f)).collect();
    move |entry| {
        let node = entry.unique_id().and_then(|id| project.by_unique_id(id));
        let file = files.get(entry.place()).copied();
        request.filter.takes(&entry.rule) && scope.holds(node.map(|n| n.id), file)
    }
}
