//! `audit`: a check of the whole project, seen as a lead sees it.

use super::{Printed, request};
use crate::audit;
use crate::cli::{AuditArgs, AuditFormat, SelectArgs};
use crate::error::RunError;
use crate::git;
use crate::report::{self, Recheck, to_json};
use crate::run;
use std::path::Path;

/// Prints the audit.
///
/// # Errors
/// As [`run::check`].
pub fn run(args: &AuditArgs, cwd: &Path) -> Result<Printed, RunError> {
    let mut request = request(&args.project, &SelectArgs::default(), cwd)?;
    request.baseline = args.baseline.clone();
    let outcome = run::check(&request)?;
    let place = &outcome.prepared.project.place;
    let recheck = Recheck::new(&request, place);
    let (report, _) = report::build(&outcome, &recheck, git::head(&place.root));
    let audit = audit::build(&outcome, &report)?;
    let text = match args.format {
        AuditFormat::Text => audit::text(&audit),
        AuditFormat::Json => to_json(&audit),
        AuditFormat::Md => audit::markdown(&audit),
    };
    Ok(Printed::text(text))
}
