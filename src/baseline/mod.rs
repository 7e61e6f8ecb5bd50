//! The baseline: findings that a team knows of and lives with for now, so that only new ones fail a
//! run. What stands in the file, and which entry holds which finding; where the file lies and when
//! it is written is the run's affair.
//!
//! An entry knows its finding by the fingerprint alone, which has neither lines nor messages in it.
//! Each entry holds one finding. Of equal defects the fingerprints count (first, second, …), so that
//! a baseline of two holds two of them, whichever was mended, and the third is new.

mod file;

pub use file::{read, write};

use crate::text::FileId;
use rustc_hash::FxHashMap;
use std::ops::Range;

/// The file in the project directory that is read where nothing else is said.
pub const FILE: &str = "harness-lint.baseline.json";
/// The version of the file. It rises when an older harness-lint would misread it.
pub const SCHEMA_VERSION: u32 = 1;
/// Findings of this category say how the bar was lowered. They are never held: a baseline would
/// then be the way to lower it unseen.
pub const NEVER_HELD: &str = "harness/";

/// A finding that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The finding's.
    pub fingerprint: u64,
    /// The rule's id.
    pub rule: String,
    /// The unique id of the node it is about; the finding's path where it is about none.
    pub node: String,
    /// The finding's path, where `node` is a node.
    pub path: Option<String>,
    /// Why it may stay.
    pub reason: String,
    /// Where the entry stands in the file.
    pub range: Range<usize>,
}

impl Entry {
    /// Where the finding lay when the entry was written.
    pub fn place(&self) -> &str {
        self.path.as_deref().unwrap_or(&self.node)
    }

    /// The unique id of its node, where it is about one.
    pub fn unique_id(&self) -> Option<&str> {
        self.path.is_some().then_some(self.node.as_str())
    }
}

/// A baseline that was read.
#[derive(Debug, Clone)]
pub struct Baseline {
    /// The file.
    pub file: FileId,
    /// In the order of the file.
    pub entries: Vec<Entry>,
}

/// Which entry holds which finding, by their indices.
#[derive(Debug, Default)]
pub struct Held {
    /// For each finding the entry that holds it.
    pub by: Vec<Option<usize>>,
    /// Entries that hold nothing.
    pub idle: Vec<usize>,
}

/// Why an entry holds nothing, where that can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Idle {
    /// The rule judged its place and found nothing.
    Gone,
    /// The node is not in the project.
    NoNode,
    /// There is no such rule.
    NoRule,
    /// Another entry holds the finding already.
    Twice,
    /// No entry holds findings of that category.
    Never,
}

impl Baseline {
    /// Which entry holds which of these findings: the rule's id and the fingerprint of each.
    pub fn hold<'a>(&self, findings: impl Iterator<Item = (&'a str, u64)>) -> Held {
        let mut free: FxHashMap<u64, Vec<usize>> = FxHashMap::default();
        // Taken from the back, so that the first of equal entries is the one that holds.
        for (index, entry) in self.entries.iter().enumerate().rev() {
            free.entry(entry.fingerprint).or_default().push(index);
        }
        let take = |(rule, fingerprint): (&str, u64)| match rule.starts_with(NEVER_HELD) {
            true => None,
            false => free.get_mut(&fingerprint).and_then(Vec::pop),
        };
        let by = findings.map(take).collect();
        let mut idle: Vec<usize> = free.into_values().flatten().collect();
        idle.sort_unstable();
        Held { by, idle }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(fingerprint: u64) -> Entry {
        Entry {
            fingerprint,
            rule: "test/pk".to_owned(),
            node: "models/a.yml".to_owned(),
            path: None,
            reason: "old".to_owned(),
            range: 0..0,
        }
    }

    fn held(entries: &[u64], findings: &[(&str, u64)]) -> Held {
        let baseline = Baseline {
            file: FileId(0),
            entries: entries.iter().map(|f| entry(*f)).collect(),
        };
        baseline.hold(findings.iter().copied())
    }

    #[test]
    fn each_entry_holds_one() {
        let held = held(&[1, 2, 2, 3], &[("a/b", 2), ("a/b", 1), ("a/b", 4)]);
        assert_eq!(held.by, [Some(1), Some(0), None]);
        assert_eq!(held.idle, [2, 3]);
    }

    #[test]
    fn two_entries_hold_two_and_not_a_third() {
        let held = held(&[7, 7], &[("a/b", 7), ("a/b", 7), ("a/b", 7)]);
        assert_eq!(held.by, [Some(0), Some(1), None]);
        assert!(held.idle.is_empty());
    }

    #[test]
    fn what_speaks_of_the_bar_is_never_held() {
        let held = held(&[1], &[("harness/suppression-reason", 1)]);
        assert_eq!(held.by, [None]);
        assert_eq!(held.idle, [0]);
    }
}
