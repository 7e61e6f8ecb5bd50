//! Which fixes are applied in a round.

use super::splice::{clash, fits};
use crate::check::Finding;
use crate::project::Project;
use crate::run::Outcome;
use crate::text::FileId;
use crate::violation::{Applicability, Edit, Fix};
use rustc_hash::{FxHashMap, FxHashSet};
use std::path::PathBuf;

/// A fix that is to be applied.
#[derive(Debug, Clone)]
pub(super) struct Chosen<'a> {
    pub(super) finding: &'a Finding,
    pub(super) fix: &'a Fix,
}

/// The fixes of findings that are reported and not known to a baseline, the first of those that
/// meet. The others wait for the next round; what was dropped does not come again.
pub(super) fn choose<'a>(
    outcome: &'a Outcome,
    least: Applicability,
    dropped: &FxHashMap<u64, String>,
) -> Vec<Chosen<'a>> {
    let project = &outcome.prepared.project;
    let mut chosen: Vec<Chosen> = Vec::new();
    let mut taken: FxHashMap<FileId, Vec<&Edit>> = FxHashMap::default();
    for finding in &outcome.checked.findings {
        let Some(fix) = &finding.fix else { continue };
        let is_out = finding.baselined || dropped.contains_key(&finding.fingerprint);
        if is_out || obstacle(project, finding, least).is_some() {
            continue;
        }
        let meets = |e: &Edit| {
            let there = taken.get(&e.span.file);
            there.is_some_and(|edits| edits.iter().any(|other| clash(e, other)))
        };
        if fix.edits.iter().any(meets) {
            continue;
        }
        for edit in &fix.edits {
            taken.entry(edit.span.file).or_default().push(edit);
        }
        chosen.push(Chosen { finding, fix });
    }
    chosen
}

/// Why the fix of a finding is not to be applied, if it is not.
pub(super) fn obstacle(
    project: &Project,
    finding: &Finding,
    least: Applicability,
) -> Option<String> {
    let Some(fix) = &finding.fix else {
        return Some("no fix is offered".to_owned());
    };
    if fix.edits.is_empty() || fix.applicability == Applicability::Manual {
        return Some("its fix is an instruction".to_owned());
    }
    if fix.applicability < least {
        let why = "its fix is suggested: look at it, then --fix=suggested";
        return Some(why.to_owned());
    }
    let files: FxHashSet<FileId> = fix.edits.iter().map(|e| e.span.file).collect();
    let mut files: Vec<FileId> = files.into_iter().collect();
    files.sort();
    files.into_iter().find_map(|file| {
        let edits = fix.edits.iter().filter(|e| e.span.file == file);
        let why = unfit(project, file, &edits.collect::<Vec<_>>())?;
        Some(format!("{}: {why}", project.path(file)))
    })
}

/// Why a file cannot take these edits.
fn unfit(project: &Project, file: FileId, edits: &[&Edit]) -> Option<&'static str> {
    let text = &project.files.get(file).text;
    if project.files.get(file).problem.is_some() {
        return Some("could not be read as it is");
    }
    let is_foreign = |m: &crate::load::Member| m.file == file && m.package > 0;
    if project.members.iter().any(is_foreign) {
        return Some("belongs to an installed package");
    }
    let Some(real) = place_of(project, file) else {
        return Some("lies outside the repository");
    };
    // Of a seed the first line is read.
    let (there, problem) = project.place.read_text(&real);
    if problem.is_some() || there != **text {
        return Some("is not on disk as it was read");
    }
    (!fits(text, edits)).then_some("the edits do not fit the file")
}

/// Where a file lies, without links; none where that is outside the root.
pub(super) fn place_of(project: &Project, file: FileId) -> Option<PathBuf> {
    project.place.inside(&project.files.get(file).on_disk)
}
