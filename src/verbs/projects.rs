//! `check` over several projects: each is checked on its own, with its own configuration and
//! baseline, and the reports stand one after another.

use super::{One, Printed, checked, note};
use crate::cli::{CheckArgs, CheckFormat};
use crate::config::BaselineSetting;
use crate::error::RunError;
use crate::report::{self, Report, SCHEMA_VERSION, to_json};
use crate::text::visible;
use miette::Diagnostic;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// What `check --format json` prints of several projects.
#[derive(Serialize)]
struct Projects {
    schema_version: u32,
    tool_version: &'static str,
    projects: Vec<Report>,
}

/// Checks each project in the order in which they are named. A project that cannot be judged does
/// not keep the others from it; the exit code is that of the worst.
///
/// # Errors
/// A flag that means one project.
pub(super) fn check(args: &CheckArgs, cwd: &Path, color: bool) -> Result<Printed, RunError> {
    if let Some(flag) = for_one(args) {
        let help = "check one project at a time, or leave it out".to_owned();
        let message = format!("{flag} is for one project, and there are several --project-dir");
        return Err(RunError::usage(message, Some(help)));
    }
    let mut out = Printed::default();
    let mut texts = Vec::new();
    let mut reports = Vec::new();
    for dir in distinct(&args.project.place.project_dir, cwd) {
        let shown = dir.to_string_lossy().into_owned();
        let mut alone = args.clone();
        alone.project.place.project_dir = vec![dir];
        match checked(&alone, cwd) {
            Ok(mut one) => {
                out.exit = out.exit.max(one.exit);
                one.report.project_dir = Some(shown.clone());
                if args.format == CheckFormat::Text {
                    texts.push(headed(&shown, &one, color));
                }
                let timings = one.timings(args);
                let notes = one.notes + &timings;
                out.notes
                    .extend(notes.lines().map(|l| note(&format!("{shown}: {l}"))));
                reports.push(one.report);
            }
            Err(error) => {
                out.exit = out.exit.max(error.exit_code());
                out.notes.push_str(&told(&shown, error));
            }
        }
    }
    out.text = match args.format {
        CheckFormat::Text => texts.join("\n"),
        // Others were refused.
        _ => to_json(&Projects {
            schema_version: SCHEMA_VERSION,
            tool_version: env!("CARGO_PKG_VERSION"),
            projects: reports,
        }),
    };
    Ok(out)
}

/// A flag that would mix the projects.
fn for_one(args: &CheckArgs) -> Option<&'static str> {
    let baseline = matches!(args.baseline.baseline, Some(BaselineSetting::Path(_)));
    let told_apart = [CheckFormat::Text, CheckFormat::Json].contains(&args.format);
    let flags = [
        (!told_apart, "a --format other than text and json"),
        (!args.output.is_empty(), "--output"),
        (baseline, "--baseline FILE"),
        (args.show_config.is_some(), "--show-config"),
        (args.stdin_filename.is_some(), "--stdin-filename"),
        (args.diff, "--diff"),
    ];
    flags
        .into_iter()
        .find(|(given, _)| *given)
        .map(|(_, flag)| flag)
}

/// Directories that are named twice are one.
fn distinct(dirs: &[PathBuf], cwd: &Path) -> Vec<PathBuf> {
    let real = |dir: &PathBuf| cwd.join(dir).canonicalize().unwrap_or_else(|_| dir.clone());
    let mut seen = Vec::new();
    let mut out = Vec::new();
    for dir in dirs {
        if !seen.contains(&real(dir)) {
            seen.push(real(dir));
            out.push(dir.clone());
        }
    }
    out
}

fn headed(project: &str, one: &One, color: bool) -> String {
    let report = report::text(&one.report, &one.aside, color);
    format!("project: {}\n{report}", visible(project))
}

/// An error as a note, each line of it safe to print.
fn told(project: &str, error: RunError) -> String {
    let error = error.printable();
    let help = error.help().map(|h| format!("help: {h}\n"));
    format!(
        "error: {}: {error}\n{}",
        visible(project),
        help.unwrap_or_default()
    )
}
