//! One line per commit, and what the lines tell: the trend.
//!
//! The file is the team's: it is appended to, never rewritten, and what stands in it is checked
//! before anything is added.

use super::{AuditReport, Findings};
use crate::text::{cut, visible};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write;

/// What is kept of an audit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Line {
    /// The version of this format.
    pub schema_version: u32,
    /// The commit.
    pub commit: String,
    /// The day of the newest commit that touched the project.
    pub day: Option<String>,
    /// Files of the work tree differed from the commit.
    pub dirty: bool,
    /// Scores of another set of rules cannot be compared.
    pub ruleset_hash: String,
    /// The total score.
    pub score: Option<f64>,
    /// By category.
    pub by_category: BTreeMap<String, Option<f64>>,
    /// How many findings.
    pub findings: Findings,
    /// Open findings by rule.
    pub rules: BTreeMap<String, usize>,
}

/// The lines of a history and what there is to be appended to it.
pub struct History {
    /// What was measured, the oldest first; the audit at hand last, where it is new.
    pub lines: Vec<Line>,
    /// What is to be appended, with its line end; none where the commit is there already.
    pub append: Option<String>,
    /// The commit was there already.
    pub known: bool,
}

/// What an audit would add to a history of this text.
///
/// # Errors
/// A line that is none of ours, in words; or no commit is known.
pub fn history(text: &str, audit: &AuditReport) -> Result<History, String> {
    let mut lines = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let read: Result<Line, _> = serde_json::from_str(line);
        match read {
            Ok(line) if line.schema_version == super::SCHEMA_VERSION => lines.push(line),
            Ok(line) => {
                let version = line.schema_version;
                return Err(format!(
                    "line {} is of version {version}, this harness-lint writes {}",
                    number + 1,
                    super::SCHEMA_VERSION
                ));
            }
            Err(e) => {
                let why = cut(&visible(&e.to_string()), 120).into_owned();
                return Err(format!(
                    "line {} is no line of a history: {why}",
                    number + 1
                ));
            }
        }
    }
    let new = line(audit).ok_or("no commit is checked out, and a history has a line for each")?;
    let known = lines.iter().any(|l| l.commit == new.commit);
    let append = (!known).then(|| {
        let before = if text.is_empty() || text.ends_with('\n') {
            ""
        } else {
            "\n"
        };
        // Our own types have string keys and finite numbers; serialising them does not fail.
        format!(
            "{before}{}\n",
            serde_json::to_string(&new).unwrap_or_default()
        )
    });
    if !known {
        lines.push(new);
    }
    Ok(History {
        lines,
        append,
        known,
    })
}

fn line(audit: &AuditReport) -> Option<Line> {
    let mut rules: BTreeMap<String, usize> = BTreeMap::new();
    for item in &audit.items {
        *rules.entry(item.rule.clone()).or_default() += item.findings;
    }
    let by_category = audit.health.by_category.iter();
    Some(Line {
        schema_version: super::SCHEMA_VERSION,
        commit: audit.head_sha.clone()?,
        day: audit.newest_commit.clone(),
        dirty: audit.dirty.unwrap_or(false),
        ruleset_hash: audit.ruleset_hash.clone(),
        score: audit.health.total.score,
        by_category: by_category
            .filter_map(|n| Some((n.name.clone()?, n.score.score)))
            .collect(),
        findings: audit.findings.clone(),
        rules,
    })
}

/// Lines that the trend shows.
const SHOWN: usize = 12;

/// The trend for people: a line per commit, the difference to the one before, and a rule where the
/// set of rules changed, since no difference means anything across it.
pub fn trend(lines: &[Line]) -> String {
    let first = lines.len().saturating_sub(SHOWN);
    let mut out = "trend\n".to_owned();
    for (i, line) in lines.iter().enumerate().skip(first) {
        let before = i.checked_sub(1).and_then(|b| lines.get(b));
        let comparable = before.filter(|b| b.ruleset_hash == line.ruleset_hash);
        // Writing to a string does not fail.
        if i > first && comparable.is_none() {
            let _ = writeln!(
                out,
                "  --- other rules from here on: what is above cannot be compared ---"
            );
        }
        let score = |s: Option<f64>| s.map_or("     -".to_owned(), |s| format!("{s:6.2}"));
        let delta = match comparable.map(|b| (b.score, line.score)) {
            Some((Some(old), Some(new))) => format!("{:+.2}", new - old),
            _ => String::new(),
        };
        let open = line.findings.errors + line.findings.warnings + line.findings.infos;
        let commit: String = visible(&line.commit).chars().take(9).collect();
        let day = cut(&visible(line.day.as_deref().unwrap_or("-")), 10).into_owned();
        let dirty = if line.dirty {
            " (and uncommitted changes)"
        } else {
            ""
        };
        let _ = writeln!(
            out,
            "  {day:<10} {commit:<9} {} {delta:>6}  {open} open{dirty}",
            score(line.score)
        );
    }
    out
}
