//! `check --diff`.

use super::{Printed, check_request, fails, note};
use crate::cli::{CheckArgs, CheckFormat};
use crate::error::RunError;
use crate::fix::{self, Mended};
use crate::report::{self, Recheck};
use crate::violation::Applicability;
use std::path::Path;

/// Prints what `--fix` would change. The exit code is that of the state before.
///
/// # Errors
/// As [`fix::mend`]; also a format that is not a patch.
pub(super) fn diff(args: &CheckArgs, cwd: &Path) -> Result<Printed, RunError> {
    if args.format != CheckFormat::Text {
        let help = "leave out --format; `--format json` has the edits of every fix".to_owned();
        return Err(RunError::usage("--diff prints a patch", Some(help)));
    }
    let request = check_request(args, cwd)?;
    let least = args.mends().unwrap_or(Applicability::Safe);
    let mended = match fix::mend(&request, least) {
        Err(RunError::Nothing { message, .. }) if args.select.allow_empty => {
            return Ok(Printed {
                notes: note(&message),
                ..Printed::default()
            });
        }
        done => done?,
    };
    let Mended {
        first,
        report: mending,
        ..
    } = &mended;
    let project = &first.prepared.project;
    let patch = fix::patch(&project.place.root, &mending.changes);
    let would = report::fixed_count(mending.fixed.len(), mending.changes.len(), mending.rounds);
    let mut notes = note(&format!("would fix {would}"));
    for path in &patch.left_out {
        let why = "its diff holds what a terminal or a CI runner would obey; --fix writes it";
        notes.push_str(&note(&format!("left out: {path}: {why}")));
    }
    let (before, _) = report::build(first, &Recheck::new(&request, &project.place), None);
    let fail_on = args.fail_on.unwrap_or(project.config.fail_on);
    Ok(Printed {
        text: patch.text,
        notes,
        exit: u8::from(fails(&before.summary, fail_on)),
    })
}
