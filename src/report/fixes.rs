//! What fixes did, and what they left.

use super::text::many;
use super::{Aside, Report};
use crate::fix::Mending;
use crate::run::Outcome;
use crate::text::{one_line, visible};
use crate::violation::Applicability;
use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// At most so many files and reasons are named in text.
const MAX_NAMED: usize = 5;

/// What `--fix` did. Findings, summary and exit code are of the state afterwards.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct FixesReport {
    /// What was mended, round by round.
    pub fixed: Vec<FixedReport>,
    /// Every finding that is left and that no baseline holds, and why it was not mended.
    pub unfixed: Vec<UnfixedReport>,
    /// The files that were written.
    pub written: Vec<WrittenReport>,
    /// How many rounds it took; each begins with what the one before left.
    pub rounds: usize,
}

/// A finding that was mended.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct FixedReport {
    /// Its fingerprint when it was mended.
    pub fingerprint: String,
    /// The rule's id.
    pub rule: String,
    /// The finding's file, as in findings.
    pub path: String,
    /// What was done.
    pub title: String,
    /// How sure that was.
    pub applicability: Applicability,
}

/// A finding that was not mended.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct UnfixedReport {
    /// The fingerprint of one of the findings.
    pub fingerprint: String,
    /// Why.
    pub why: String,
}

/// A file that was written.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct WrittenReport {
    /// As a finding's path.
    pub path: String,
    /// Of the file's bytes now.
    pub sha256: String,
}

/// Adds to the report of the state afterwards what the fixes did.
pub fn add_fixes(report: &mut Report, aside: &mut Aside, outcome: &Outcome, mending: &Mending) {
    let project = &outcome.prepared.project;
    let left = outcome.checked.findings.iter().filter(|f| !f.baselined);
    let message = |text: &str| one_line(text, 120, 400);
    let unfixed = left.clone().map(|f| UnfixedReport {
        fingerprint: format!("{:016x}", f.fingerprint),
        why: message(&mending.why_not(project, f)),
    });
    let fixed = mending.fixed.iter().map(|f| FixedReport {
        fingerprint: format!("{:016x}", f.fingerprint),
        rule: f.rule.clone(),
        path: f.path.clone(),
        title: message(&f.title),
        applicability: f.applicability,
    });
    let written = mending.changes.iter().map(|c| WrittenReport {
        path: c.path.clone(),
        sha256: sha256(c.after.as_bytes()),
    });
    let fixes = FixesReport {
        fixed: fixed.collect(),
        unfixed: unfixed.collect(),
        written: written.collect(),
        rounds: mending.rounds,
    };
    aside.fixed = Some(lines(&fixes));
    let failed = left.filter(|f| mending.dropped.contains_key(&f.fingerprint));
    let failed: Vec<String> = failed
        .map(|f| {
            let path = project.path(f.primary.span.file);
            let why = message(&mending.why_not(project, f));
            format!("not fixed: {} in `{}`: {why}", f.rule, visible(path))
        })
        .collect();
    let more = failed.len().saturating_sub(MAX_NAMED);
    let said = aside.fixed.iter_mut();
    said.for_each(|lines| {
        lines.extend(failed.iter().take(MAX_NAMED).cloned());
        if more > 0 {
            lines.push(format!("not fixed: and {more} more: --format json"));
        }
    });
    report.fixes = Some(fixes);
}

/// The hash of a file's bytes, as edits name it.
pub(super) fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|b| format!("{b:02x}")).collect()
}

fn lines(fixes: &FixesReport) -> Vec<String> {
    let counted = fixed_count(fixes.fixed.len(), fixes.written.len(), fixes.rounds);
    let named = fixes.written.iter().take(MAX_NAMED);
    let mut named: Vec<String> = named.map(|w| format!("`{}`", visible(&w.path))).collect();
    let more = fixes.written.len().saturating_sub(MAX_NAMED);
    if more > 0 {
        named.push(format!("{more} more"));
    }
    let colon = if named.is_empty() { "" } else { ": " };
    vec![format!("fixed {counted}{colon}{}", named.join(", "))]
}

/// `3 findings in 2 files (2 rounds)`; `nothing` where that is so.
pub fn fixed_count(findings: usize, files: usize, rounds: usize) -> String {
    match findings {
        0 => "nothing".to_owned(),
        n => format!(
            "{} in {} ({})",
            many(n, "finding"),
            many(files, "file"),
            many(rounds, "round")
        ),
    }
}
