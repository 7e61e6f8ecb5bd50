//! A run's reports: one for stdout, and those that `--output` sends to files.

use crate::cli::{CheckArgs, CheckFormat, Output};
use crate::error::RunError;
use crate::report::formats::{self, View};
use crate::report::{self, to_json};
use crate::text::write_whole;
use std::path::{Path, PathBuf};

/// Is one of the reports of this format?
pub(super) fn wants(args: &CheckArgs, format: CheckFormat) -> bool {
    args.format == format || args.output.iter().any(|o| o.format == format)
}

/// Refuses what could only fail after the work is done.
///
/// # Errors
/// `--statistics` without a format that has them, one file for two reports, or a place where no
/// file can be.
pub(super) fn refuse(args: &CheckArgs, cwd: &Path) -> Result<(), RunError> {
    let counted = [CheckFormat::Text, CheckFormat::Json];
    if args.statistics && !counted.iter().any(|f| wants(args, *f)) {
        let help = "leave out --statistics, or choose --format text or json".to_owned();
        return Err(RunError::usage(
            "--statistics is for text and JSON",
            Some(help),
        ));
    }
    let mut files: Vec<PathBuf> = Vec::new();
    for Output { file, .. } in &args.output {
        let path = cwd.join(file);
        if files.contains(&path) {
            let message = format!("two reports would go to {}", file.display());
            return Err(RunError::usage(message, None));
        }
        if let Some((why, help)) = unfit(&path) {
            return Err(unwritable(file, why.to_owned(), Some(help.to_owned())));
        }
        files.push(path);
    }
    Ok(())
}

/// Why no report can be written there. A file is replaced by another, whole; that must befall
/// neither a device nor a link, whatever a repository or a container put there.
pub(super) fn unfit(path: &Path) -> Option<(&'static str, &'static str)> {
    let parent = path.parent().unwrap_or(path);
    match path.symlink_metadata() {
        Ok(there) if there.is_dir() => Some(("is a directory", "name a file in it")),
        Ok(there) if !there.is_file() => Some((
            "is a link or a device, and a report replaces what is there",
            "name a plain file; what goes to stdout is said by --format",
        )),
        Err(_) if !parent.is_dir() => Some((
            "cannot be written: its directory does not exist",
            "make the directory first",
        )),
        _ => None,
    }
}

/// A report that was asked for and cannot be had is like an input that cannot be: exit code 3. The
/// command line itself makes sense.
pub(super) fn unwritable(file: &Path, why: String, help: Option<String>) -> RunError {
    RunError::Input {
        path: file.display().to_string(),
        why,
        help,
    }
}

/// What goes to stdout, and notes for stderr; the files are written.
///
/// # Errors
/// A file cannot be written.
pub(super) fn reports(
    view: &View,
    args: &CheckArgs,
    cwd: &Path,
    color: bool,
) -> Result<(String, String), RunError> {
    let mut notes = String::new();
    let mut written = |format, color| render(view, format, color, &mut notes);
    let text = written(args.format, color);
    for Output { format, file } in &args.output {
        let text = written(*format, false);
        write_whole(&cwd.join(file), &text)
            .map_err(|e| unwritable(file, format!("cannot be written: {e}"), None))?;
    }
    Ok((text, notes))
}

fn render(view: &View, format: CheckFormat, color: bool, notes: &mut String) -> String {
    match format {
        CheckFormat::Text => report::text(view.report, view.aside, color),
        CheckFormat::Json => to_json(view.report),
        CheckFormat::Github => formats::github(view),
        CheckFormat::Gitlab => formats::gitlab(view),
        CheckFormat::Junit => formats::junit(view),
        CheckFormat::Md => formats::markdown(view),
        CheckFormat::Sarif => {
            let sarif = formats::sarif(view, formats::Limits::default());
            if sarif.left_out > 0 {
                let told = formats::told(sarif.left_out);
                notes.push_str(&super::note(&format!("sarif: {told}")));
            }
            sarif.text
        }
    }
}
