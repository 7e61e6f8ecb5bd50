//! `init`.

mod draft;

use super::Printed;
use crate::check;
use crate::cli::InitArgs;
use crate::config::{self, BaselineSetting, ManifestSetting};
use crate::error::RunError;
use crate::init;
use crate::load::{self, Place};
use crate::registry;
use crate::run::{self, Laps, Prepared, Request};
use crate::text::write_whole;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

const FILE: &str = "harness-lint.yml";

/// Reads the repository's habits, writes them down, and says what a check would find by them.
///
/// # Errors
/// There is no project, the file is there already, or it cannot be written.
pub(super) fn run(args: &InitArgs, cwd: &Path) -> Result<Printed, RunError> {
    let place = load::find(cwd, args.project_dir.as_deref())?;
    if args.rule.is_some() || args.import_library.is_some() {
        return draft::run(args, cwd, &place);
    }
    let path = place.project_dir.join(FILE);
    if path.symlink_metadata().is_ok() && !args.force && !args.dry_run {
        let help = "harness-lint init --dry-run prints what would be written, --force replaces it";
        return Err(RunError::usage(
            format!("there is a {FILE} already"),
            Some(help.to_owned()),
        ));
    }
    let bare = prepare(args, cwd, &place, "extends: []\n".to_owned())?;
    let habits = init::infer(&bare.project);
    let text = init::file(&habits);
    let prepared = prepare(args, cwd, &place, text.clone())?;
    let found = found(&prepared);
    if args.dry_run {
        return Ok(Printed {
            text,
            notes: format!("{}{found}", init::told(&habits)),
            exit: 0,
        });
    }
    write_whole(&path, &text).map_err(|e| RunError::Input {
        path: FILE.to_owned(),
        why: e.to_string(),
        help: None,
    })?;
    let text = format!("{}{found}wrote {FILE}\n", init::told(&habits));
    Ok(Printed {
        text,
        ..Printed::default()
    })
}

fn prepare(args: &InitArgs, cwd: &Path, place: &Place, text: String) -> Result<Prepared, RunError> {
    let config = config::from_text(place, FILE, text, &registry::ids())?;
    let request = Request {
        cwd: cwd.to_owned(),
        project_dir: args.project_dir.clone(),
        // Habits are those of the files.
        manifest: Some(ManifestSetting::Off),
        // It counts what is there, known or not.
        baseline: Some(BaselineSetting::Off),
        ..Request::default()
    };
    run::prepare_with(&request, place.clone(), config, Laps::start())
}

/// What a check would find, by rule.
fn found(prepared: &Prepared) -> String {
    let checked = check::check(&prepared.project, &prepared.rules, &check::Scope::default());
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for finding in &checked.findings {
        let key = (finding.rule.as_str(), finding.severity.as_str());
        *counts.entry(key).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let total = checked.findings.len();
    let mut out = format!("with it, a check finds {total}\n");
    for ((rule, severity), count) in counts {
        // Writing to a string does not fail.
        let _ = writeln!(out, "  {count:>5} {severity:<5} {rule}");
    }
    out
}
