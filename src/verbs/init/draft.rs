//! `init --rule` and `init --import-library`: rule files to begin with.

use super::Printed;
use crate::cli::InitArgs;
use crate::declared::library::{self, Draft};
use crate::error::RunError;
use crate::load::Place;
use crate::run::{self, Request};
use crate::text::{read_text, relative_path, visible, write_whole};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// Where rules go where the configuration names no folder.
const FOLDER: &str = "anti-patterns";

/// Writes them.
///
/// # Errors
/// A name that is none, a file that is there already, or that cannot be read or written.
pub(super) fn run(args: &InitArgs, cwd: &Path, place: &Place) -> Result<Printed, RunError> {
    let configured = configured(args, cwd);
    let folder = configured.clone().unwrap_or_else(|| FOLDER.to_owned());
    let (folder, drafts) = match &args.import_library {
        None => (folder, vec![one(args, cwd, place)?]),
        Some(file) => {
            let drafts = library::entries(&read(cwd, file)?);
            if drafts.is_empty() {
                return Err(RunError::Nothing {
                    message: format!("no entry in {}", visible(&file.display().to_string())),
                    help: Some(
                        "an entry is a heading with at least two of scenario, phenomenon, root cause, mitigation below it"
                            .to_owned(),
                    ),
                });
            }
            // A check reads every file of the folder, and refuses one that is not written.
            (format!("{}-drafts", folder.trim_end_matches('/')), drafts)
        }
    };
    if args.dry_run {
        let texts: Vec<String> = drafts.iter().map(Draft::yaml).collect();
        return Ok(Printed::text(texts.join("---\n")));
    }
    let dir = inside(place, &folder)?;
    let mut text = String::new();
    for draft in &drafts {
        let path = dir.join(format!("{}.yaml", draft.name));
        let shown = relative_path(&path, &place.project_dir);
        if path.symlink_metadata().is_ok() && !args.force {
            let help = "--force replaces it, --dry-run prints what would be written";
            return Err(RunError::usage(
                format!("there is a {} already", visible(&shown)),
                Some(help.to_owned()),
            ));
        }
        write_whole(&path, &draft.yaml()).map_err(|e| failed(&shown, &e))?;
        let _ = writeln!(text, "wrote {}", visible(&shown));
    }
    let shown = visible(&folder).into_owned();
    let next = match (&args.import_library, configured) {
        (Some(_), _) => format!(
            "`harness-lint test {shown}` says what is to be written; what is proven moves into the folder that `anti_patterns` names\n"
        ),
        (None, Some(_)) => "`harness-lint test` says what is to be written\n".to_owned(),
        (None, None) => format!(
            "add `anti_patterns: [{shown}/]` to harness-lint.yml; `harness-lint test {shown}` says what is to be written\n"
        ),
    };
    text.push_str(&next);
    Ok(Printed {
        text,
        ..Printed::default()
    })
}

/// The first folder that the configuration names; a rule that is not written yet refuses none.
fn configured(args: &InitArgs, cwd: &Path) -> Option<String> {
    let request = Request {
        cwd: cwd.to_owned(),
        project_dir: args.project_dir.clone(),
        ..Request::default()
    };
    let (_, config) = run::configure(&request).ok()?;
    Some(config.anti_patterns.first()?.value.clone())
}

fn one(args: &InitArgs, cwd: &Path, place: &Place) -> Result<Draft, RunError> {
    let name = args.rule.as_deref().unwrap_or_default();
    let name = name.strip_prefix("ap/").unwrap_or(name);
    if !library::is_name(name) {
        let help = "small letters, digits and dashes: length-macro-on-rate";
        return Err(RunError::usage(
            format!("`{}` is no name of a rule", visible(name)),
            Some(help.to_owned()),
        ));
    }
    match &args.from {
        None => Ok(Draft::new(name)),
        Some(file) => {
            let text = read(cwd, file)?;
            let real = cwd.join(file).canonicalize()?;
            let path = relative_path(&real, &place.project_dir);
            Ok(Draft::of_incident(name, &path, &text))
        }
    }
}

fn read(cwd: &Path, file: &Path) -> Result<String, RunError> {
    let path = cwd.join(file);
    let (text, problem) = read_text(&path);
    match problem {
        None => Ok(text),
        Some(problem) => Err(RunError::Input {
            path: file.display().to_string(),
            why: format!("cannot be read: {problem:?}"),
            help: None,
        }),
    }
}

/// The folder, made where it is not there; never outside the repository.
fn inside(place: &Place, folder: &str) -> Result<PathBuf, RunError> {
    let dir = place.project_dir.join(folder);
    // Nothing is made behind a link that leads out.
    let there = dir.ancestors().find(|d| d.exists());
    if there.is_none_or(|d| place.inside(d).is_none()) {
        return Err(outside(folder));
    }
    fs::create_dir_all(&dir).map_err(|e| failed(folder, &e))?;
    place.inside(&dir).ok_or_else(|| outside(folder))
}

fn outside(folder: &str) -> RunError {
    RunError::usage(
        format!("`{}` leads out of the repository", visible(folder)),
        None,
    )
}

fn failed(path: &str, error: &std::io::Error) -> RunError {
    RunError::Input {
        path: path.to_owned(),
        why: error.to_string(),
        help: None,
    }
}
