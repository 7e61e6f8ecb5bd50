//! The report in the words of other programs: code scanning, CI runners, test viewers, comments on
//! pull requests.
//!
//! All of them are views of [`Report`]. Their paths count from the root of the git work tree, which
//! is where those programs look for files. Findings that a baseline holds are left out of them: none
//! of the programs can be told that a finding is known already. (GitHub opens an alert for every
//! result in a SARIF file, whatever its `suppressions` and `baselineState` say.)

mod github;
mod gitlab;
mod junit;
mod markdown;
mod sarif;
#[cfg(test)]
mod tests;
mod xml;

pub use github::github;
pub use gitlab::gitlab;
pub use junit::junit;
pub use markdown::markdown;
pub(crate) use markdown::{code, prose};
pub use sarif::{Limits, Sarif, sarif, told};

use super::{Aside, FindingReport, Report, text};
use crate::config::FailOn;
use crate::rule::Meta;
use crate::run::Outcome;
use crate::text::relative_path;
use crate::violation::Severity;

/// What the formats are made from.
pub struct View<'a> {
    /// The report.
    pub report: &'a Report,
    /// What only text says.
    pub aside: &'a Aside,
    /// Where the project lies in the git work tree: `dbt/shop`; empty for its root.
    pub prefix: String,
    /// The rules that ran, by id.
    pub rules: Vec<RuleInUse<'a>>,
    /// The severity from which findings fail the run.
    pub fail_on: FailOn,
}

/// A rule that ran.
#[derive(Debug, Clone, Copy)]
pub struct RuleInUse<'a> {
    /// What it is.
    pub meta: &'a Meta,
    /// Severity of its findings where neither a finding nor a part of the project says otherwise.
    pub severity: Severity,
}

impl<'a> View<'a> {
    /// Of a run that judged a project.
    pub fn new(
        outcome: &'a Outcome,
        report: &'a Report,
        aside: &'a Aside,
        fail_on: FailOn,
    ) -> Self {
        let place = &outcome.prepared.project.place;
        let rules = outcome.prepared.rules.iter().map(|active| RuleInUse {
            meta: &active.meta,
            severity: active.base.severity.unwrap_or(active.meta.severity),
        });
        let mut rules: Vec<RuleInUse> = rules.collect();
        rules.sort_by_key(|r| &r.meta.id);
        Self {
            report,
            aside,
            prefix: relative_path(&place.project_dir, &place.root),
            rules,
            fail_on,
        }
    }

    /// Of a run that had nothing to look at.
    pub fn nothing(report: &'a Report, aside: &'a Aside) -> Self {
        Self {
            report,
            aside,
            prefix: String::new(),
            rules: Vec::new(),
            fail_on: FailOn::default(),
        }
    }

    /// The findings that no baseline holds, in the report's order.
    fn findings(&self) -> impl Iterator<Item = &'a FindingReport> {
        self.report.findings.iter().filter(|f| !f.baselined)
    }

    /// What is counted and was looked at, in one line.
    fn summary(&self) -> String {
        text::summary(self.report, &self.findings().collect::<Vec<_>>())
    }

    /// A path of the report, from the root of the git work tree.
    fn place(&self, path: &str) -> String {
        let mut parts: Vec<&str> = Vec::new();
        for part in self.prefix.split('/').chain(path.split('/')) {
            match part {
                "" | "." => {}
                // What lies outside the root is never looked at; it would keep its `..`.
                ".." if parts.last().is_some_and(|last| *last != "..") => {
                    parts.pop();
                }
                part => parts.push(part),
            }
        }
        parts.join("/")
    }
}
