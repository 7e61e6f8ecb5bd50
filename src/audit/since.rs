//! What came and what went since another commit. Both states are judged by today's rules: a rule
//! that was switched on last week has introduced nothing.

use crate::check::{Checked, Finding, Judged};
use crate::report::FindingReport;
use crate::report::formats::code;
use crate::text::{cut, visible};
use rustc_hash::FxHashSet;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;

/// What came and what went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Since {
    /// What is compared with, as it was asked for.
    pub base: String,
    /// By rule, the most introduced first.
    pub rules: Vec<RuleSince>,
    /// Findings that are there now and were not.
    pub introduced: Vec<Introduced>,
    /// Findings that comments and exclusions hold back: then, and now. What is held back since then
    /// is among the mended ones, and is not mended.
    pub held_back: (usize, usize),
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RuleSince {
    /// Its id.
    pub rule: String,
    /// Findings that came.
    pub introduced: usize,
    /// Findings that went.
    pub mended: usize,
    /// Findings that stayed.
    pub stayed: usize,
    /// The rule had findings before, and somebody made new ones: what it says is not known yet.
    pub repeated: bool,
}

/// A finding that came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Introduced {
    /// The rule's id.
    pub rule: String,
    /// As `check` prints it.
    pub fingerprint: String,
    /// Relative to the project directory.
    pub path: String,
    /// The first line.
    pub line: u32,
    /// What is wrong.
    pub message: String,
}

/// Compares today's findings with those of the base. What a baseline holds is there.
pub fn since(base: &str, old: &Judged, now: &Checked, told: &[FindingReport]) -> Since {
    let before: BTreeMap<u64, &str> = old.fingerprints().map(|(r, f)| (f, r)).collect();
    let after: FxHashSet<u64> = now.findings.iter().map(|f| f.fingerprint).collect();
    let mut rules: BTreeMap<&str, RuleSince> = BTreeMap::new();
    let mut introduced = Vec::new();
    for (finding, told) in now.findings.iter().zip(told) {
        let entry = entry(&mut rules, &finding.rule);
        match before.contains_key(&finding.fingerprint) {
            true => entry.stayed += 1,
            false => {
                entry.introduced += 1;
                introduced.push(described(finding, told));
            }
        }
    }
    for (fingerprint, rule) in &before {
        if !after.contains(fingerprint) {
            entry(&mut rules, rule).mended += 1;
        }
    }
    let mut rules: Vec<RuleSince> = rules
        .into_values()
        .map(|mut r| {
            r.repeated = r.introduced > 0 && r.stayed + r.mended > 0;
            r
        })
        .collect();
    rules.retain(|r| r.introduced + r.mended > 0);
    rules.sort_by(|a, b| (b.introduced, b.mended, &a.rule).cmp(&(a.introduced, a.mended, &b.rule)));
    Since {
        base: base.to_owned(),
        rules,
        introduced,
        held_back: (old.kept_back.len(), now.kept_back.len()),
    }
}

fn entry<'m, 'a>(rules: &'m mut BTreeMap<&'a str, RuleSince>, rule: &'a str) -> &'m mut RuleSince {
    rules.entry(rule).or_insert_with(|| RuleSince {
        rule: rule.to_owned(),
        introduced: 0,
        mended: 0,
        stayed: 0,
        repeated: false,
    })
}

fn described(finding: &Finding, told: &FindingReport) -> Introduced {
    Introduced {
        rule: finding.rule.clone(),
        fingerprint: told.fingerprint.clone(),
        path: told.path.clone(),
        line: told.range.line,
        message: told.message.clone(),
    }
}

/// Rules that the summaries list.
const SHOWN: usize = 20;

impl Since {
    fn total(&self, of: fn(&RuleSince) -> usize) -> usize {
        self.rules.iter().map(of).sum()
    }

    fn head(&self) -> String {
        let (then, now) = self.held_back;
        format!(
            "since {}: {} introduced, {} mended; held back by comments and exclusions: {then} then, {now} now",
            cut(&visible(&self.base), 80),
            self.total(|r| r.introduced),
            self.total(|r| r.mended),
        )
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let mut out = format!("{}\n", self.head());
        for r in self.rules.iter().take(SHOWN) {
            let again = if r.repeated { "  again" } else { "" };
            // Writing to a string does not fail.
            let _ = writeln!(
                out,
                "  +{:<4} -{:<4} {}{again}",
                r.introduced, r.mended, r.rule
            );
        }
        out
    }

    /// For people, as Markdown.
    pub(super) fn markdown(&self) -> String {
        let mut out = format!(
            "\n## Since {}\n\n{} introduced, {} mended.\n\n| rule | introduced | mended | stayed | again |\n|---|---:|---:|---:|---|\n",
            code(&self.base),
            self.total(|r| r.introduced),
            self.total(|r| r.mended),
        );
        for r in self.rules.iter().take(SHOWN) {
            let again = if r.repeated { "yes" } else { "" };
            // Writing to a string does not fail.
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} | {again} |",
                code(&r.rule),
                r.introduced,
                r.mended,
                r.stayed
            );
        }
        out.push('\n');
        out
    }
}
