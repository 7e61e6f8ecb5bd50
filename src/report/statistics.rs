//! Findings, counted.

use super::Report;
use super::text::safe_fix;
use crate::violation::Severity;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// How often a rule reports with a severity. Most rules have one; a rule whose findings differ is
/// counted for each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RuleCount {
    /// The rule's id.
    pub rule: String,
    /// How bad.
    pub severity: Severity,
    /// How many findings.
    pub count: usize,
    /// How many of them have a safe fix.
    pub fixable: usize,
}

impl Report {
    /// Counts the findings that no baseline holds into [`Report::statistics`].
    pub fn count(&mut self) {
        let mut counts: BTreeMap<(&str, Severity), (usize, usize)> = BTreeMap::new();
        for f in self.findings.iter().filter(|f| !f.baselined) {
            let (count, fixable) = counts.entry((&f.rule, f.severity)).or_default();
            *count += 1;
            *fixable += usize::from(safe_fix(f).is_some());
        }
        let counts = counts.into_iter();
        let mut counts: Vec<RuleCount> = counts
            .map(|((rule, severity), (count, fixable))| RuleCount {
                rule: rule.to_owned(),
                severity,
                count,
                fixable,
            })
            .collect();
        counts.sort_by(|a, b| {
            let key = |c: &RuleCount| (std::cmp::Reverse(c.count), c.rule.clone());
            key(a).cmp(&key(b)).then(b.severity.cmp(&a.severity))
        });
        self.statistics = Some(counts);
    }
}

/// A line for each: `sql/star-output  error  12 (3 fixable)`.
pub(super) fn lines(counts: &[RuleCount]) -> Vec<String> {
    let rule_width = counts.iter().map(|c| c.rule.len()).max().unwrap_or(0);
    let digits = counts.iter().map(|c| c.count.to_string().len()).max();
    let digits = digits.unwrap_or(0);
    let line = |c: &RuleCount| {
        let fixable = match c.fixable {
            0 => String::new(),
            n => format!(" ({n} fixable)"),
        };
        let (rule, severity) = (&c.rule, c.severity.as_str());
        format!(
            "{rule:<rule_width$}  {severity:<5} {:>digits$}{fixable}",
            c.count
        )
    };
    counts.iter().map(line).collect()
}
