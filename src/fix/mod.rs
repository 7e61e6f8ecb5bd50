//! Repairs: fixes are chosen, spliced, judged on an overlay until nothing is left to do, and only
//! then written.
//!
//! What holds of every fix that is applied: all of its edits or none; each file parses as well as
//! before; the finding that it claims to mend is gone. A fix of which that is not true is dropped,
//! and the report says so. Nothing is written before all of it is proven, and nothing that changed
//! on disk meanwhile.

mod choose;
mod diff;
mod guard;
mod rounds;
mod splice;
mod write;

pub use diff::{Patch, patch};
pub use rounds::mend;

use crate::error::RunError;
use crate::project::Project;
use crate::run::{Outcome, Request};
use crate::text::Overlay;
use crate::violation::Applicability;
use rustc_hash::FxHashMap;
use std::path::PathBuf;

/// A finding that was mended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fixed {
    /// Its fingerprint in the round that mended it.
    pub fingerprint: u64,
    /// The rule's id.
    pub rule: String,
    /// The file that the finding was in, as reports name it.
    pub path: String,
    /// What was done.
    pub title: String,
    /// How sure that was.
    pub applicability: Applicability,
}

/// A file that fixes change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// As reports name it.
    pub path: String,
    /// Where it lies, without links.
    pub on_disk: PathBuf,
    /// What was read.
    pub before: String,
    /// What the fixes make of it.
    pub after: String,
}

/// What became of the fixes.
pub struct Mended {
    /// The state before them.
    pub first: Outcome,
    /// The state with them; none where none was applied.
    last: Option<Outcome>,
    /// What they did.
    pub report: Mending,
}

/// What was mended, and why the rest was not.
#[derive(Debug, Clone, Default)]
pub struct Mending {
    /// What was mended, round by round.
    pub fixed: Vec<Fixed>,
    /// Files that differ, in order of their paths.
    pub changes: Vec<Change>,
    /// How many rounds of fixes were applied.
    pub rounds: usize,
    /// What is applied: this and whatever is surer.
    pub least: Option<Applicability>,
    /// Fixes that were tried and failed, by fingerprint.
    pub dropped: FxHashMap<u64, String>,
    /// Nothing is left to apply.
    pub at_rest: bool,
}

impl Mended {
    /// The state with the fixes.
    pub fn state(&self) -> &Outcome {
        self.last.as_ref().unwrap_or(&self.first)
    }
}

impl Mending {
    /// Why a finding of the final state was not mended.
    pub fn why_not(&self, project: &Project, finding: &crate::check::Finding) -> String {
        if let Some(why) = self.dropped.get(&finding.fingerprint) {
            return why.clone();
        }
        let least = self.least.unwrap_or(Applicability::Safe);
        choose::obstacle(project, finding, least).unwrap_or_else(|| {
            format!(
                "the fixes were not at rest after {} rounds: run it again",
                rounds::MAX_ROUNDS
            )
        })
    }
}

/// `check --fix`: mends what can be mended, writes it, and gives the state afterwards.
///
/// # Errors
/// As [`crate::run::check`]; also a file that changed meanwhile or cannot be written. Then none was.
pub fn apply(request: &Request, least: Applicability) -> Result<(Outcome, Mending), RunError> {
    let mended = mend(request, least)?;
    let Mended {
        first,
        last,
        report,
    } = mended;
    let mut outcome = last.unwrap_or(first);
    let place = &mut outcome.prepared.project.place;
    write::write(place, &report.changes)?;
    // What was judged is what lies on disk now.
    place.overlay = Overlay::default();
    Ok((outcome, report))
}
