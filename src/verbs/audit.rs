//! `audit`: a check of the whole project, seen as a lead sees it.

use super::{Printed, note, output, request};
use crate::audit::{self, AuditReport, history, html, issues, since};
use crate::cli::{AuditArgs, AuditFormat, SelectArgs};
use crate::error::RunError;
use crate::git::{self, Against};
use crate::report::{self, Recheck, Report, to_json};
use crate::run::{self, Outcome, Request};
use crate::text::{read_text, write_whole};
use std::path::Path;

/// Prints the audit, and writes what was asked for.
///
/// # Errors
/// As [`run::check`]; also a commit that is not known, and a file that cannot be read or written.
pub fn run(args: &AuditArgs, cwd: &Path) -> Result<Printed, RunError> {
    refuse(args, cwd)?;
    let mut request = request(&args.project, &SelectArgs::default(), cwd)?;
    request.baseline = args.baseline.clone();
    let outcome = run::check(&request)?;
    let place = &outcome.prepared.project.place;
    let recheck = Recheck::new(&request, place);
    let (report, _) = report::build(&outcome, &recheck, git::head(&place.root));
    let mut audit = audit::build(&outcome, &report, args.batches.then_some(&recheck))?;
    if let Some(name) = &args.since {
        audit.since = Some(compared(name, &request, &outcome, &report)?);
    }
    let (lines, notes) = match &args.history {
        Some(file) => appended(file, cwd, &audit)?,
        None => (Vec::new(), String::new()),
    };
    let trend = match lines.is_empty() {
        true => String::new(),
        false => history::trend(&lines),
    };
    if let Some(file) = &args.html {
        let page = html::html(&html::Source {
            project: &outcome.prepared.project,
            audit: &audit,
            told: audit::open(&outcome, &report),
            history: &lines,
        });
        written(file, cwd, &page)?;
    }
    let open = open_issues(args, cwd)?;
    let text = match args.format {
        _ if args.issues.is_some() => to_json(&issues::plan(&audit, &open)),
        AuditFormat::Text if trend.is_empty() => audit::text(&audit),
        AuditFormat::Text => format!("{}\n{trend}", audit::text(&audit)),
        AuditFormat::Json => to_json(&audit),
        AuditFormat::Md => audit::markdown(&audit),
    };
    // What is not text is for programs: the trend is said beside it.
    let beside = match args.format {
        AuditFormat::Text if args.issues.is_none() => String::new(),
        _ => trend,
    };
    Ok(Printed {
        text,
        notes: beside + &notes,
        exit: 0,
    })
}

/// Refuses what could only fail after the work is done.
fn refuse(args: &AuditArgs, cwd: &Path) -> Result<(), RunError> {
    for file in args.history.iter().chain(&args.html) {
        if let Some((why, help)) = output::unfit(&cwd.join(file)) {
            return Err(output::unwritable(
                file,
                why.to_owned(),
                Some(help.to_owned()),
            ));
        }
    }
    Ok(())
}

/// The issues that are open, where a file with them is named.
fn open_issues(args: &AuditArgs, cwd: &Path) -> Result<Vec<issues::OpenIssue>, RunError> {
    let Some(file) = &args.open_issues else {
        return Ok(Vec::new());
    };
    let input = |why: String| RunError::Input {
        path: file.display().to_string(),
        why,
        help: Some("gh issue list --json number,title,body prints such a file".to_owned()),
    };
    match read_text(&cwd.join(file)) {
        (text, None) => {
            serde_json::from_str(&text).map_err(|e| input(format!("is no list of issues: {e}")))
        }
        (_, Some(problem)) => Err(input(format!("cannot be read: {problem:?}"))),
    }
}

fn written(file: &Path, cwd: &Path, text: &str) -> Result<(), RunError> {
    write_whole(&cwd.join(file), text)
        .map_err(|e| output::unwritable(file, format!("cannot be written: {e}"), None))
}

fn compared(
    name: &str,
    request: &Request,
    outcome: &Outcome,
    report: &Report,
) -> Result<since::Since, RunError> {
    let root = &outcome.prepared.project.place.root;
    let changes = git::changes(root, &Against::Ref(Some(name.to_owned())))?;
    if changes.partial {
        return Err(RunError::Input {
            path: changes.base,
            why: "the clone lacks contents of it".to_owned(),
            help: Some("fetch them, or clone without a filter".to_owned()),
        });
    }
    let before = run::judged_before(request, &changes, &outcome.prepared)?;
    Ok(since::since(
        name,
        &before,
        &outcome.checked,
        &report.findings,
    ))
}

/// The lines of the history, and a note on what was written.
fn appended(
    file: &Path,
    cwd: &Path,
    audit: &AuditReport,
) -> Result<(Vec<history::Line>, String), RunError> {
    let path = cwd.join(file);
    let text = match path.exists() {
        true => match read_text(&path) {
            (text, None) => text,
            (_, Some(problem)) => {
                let why = format!("cannot be read: {problem:?}");
                return Err(output::unwritable(file, why, None));
            }
        },
        false => String::new(),
    };
    let told = history::history(&text, audit).map_err(|why| RunError::Input {
        path: file.display().to_string(),
        why,
        help: None,
    })?;
    if let Some(line) = &told.append {
        written(file, cwd, &(text + line))?;
    }
    let notes = match told.known {
        true => note("the history has this commit already; nothing was appended"),
        false => String::new(),
    };
    Ok((told.lines, notes))
}
