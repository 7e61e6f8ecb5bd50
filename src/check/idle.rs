//! Entries of the baseline that hold nothing: which of them may be called stale, and what the rules
//! make of them.

use super::{Raw, Said, part_of, with_instances};
use crate::baseline::{Baseline, Entry, Held, Idle, NEVER_HELD};
use crate::project::Project;
use crate::registry::{self, Active};
use crate::rule::{Cx, IdleEntry, Rule, Sink};
use crate::text::{FileId, Span};
use rustc_hash::{FxHashMap, FxHashSet};

/// What can be known of each entry that holds nothing.
struct Judge<'a> {
    project: &'a Project,
    rules: FxHashMap<&'a str, &'a Active>,
    known: FxHashSet<&'static str>,
    files: FxHashMap<&'a str, FileId>,
    /// Paths of files that were not understood whole: what is not found there may be there.
    dark: FxHashSet<&'a str>,
    /// Fingerprints that an entry holds.
    held: FxHashSet<u64>,
}

/// The entries that hold nothing although their place was judged, by their indices.
pub(super) fn entries(
    project: &Project,
    rules: &[Active],
    baseline: &Baseline,
    held: &Held,
) -> Vec<(usize, Idle)> {
    let by = held.by.iter().flatten();
    let judge = Judge {
        project,
        rules: rules.iter().map(|a| (&*a.meta.id, a)).collect(),
        known: registry::ids().into_iter().collect(),
        files: project
            .files
            .iter()
            .map(|(id, f)| (f.path.as_str(), id))
            .collect(),
        dark: project.notices.iter().map(|n| n.path.as_str()).collect(),
        held: by.map(|i| baseline.entries[*i].fingerprint).collect(),
    };
    let idle = held.idle.iter();
    idle.filter_map(|i| Some((*i, judge.why(&baseline.entries[*i])?)))
        .collect()
}

/// What rules say of those entries.
pub(super) fn told(
    project: &Project,
    rules: &[Active],
    baseline: &Baseline,
    held: &Held,
) -> Vec<Raw> {
    let idle = entries(project, rules, baseline, held);
    let idle = idle.into_iter().map(|(index, why)| {
        let entry = &baseline.entries[index];
        let span = Span::new(baseline.file, entry.range.start, entry.range.end);
        IdleEntry { entry, span, why }
    });
    let idle: Vec<IdleEntry> = idle.collect();
    let cx = Cx::new(project);
    let mut out = Said::default();
    for (index, active) in rules.iter().enumerate() {
        let judge = |rule: &dyn Rule, sink: &mut Sink| rule.baseline(&cx, &idle, sink);
        with_instances(&cx, index, active, None, &judge, &mut out);
    }
    out.raw
}

impl Judge<'_> {
    /// None where it cannot be told whether the defect is gone.
    fn why(&self, entry: &Entry) -> Option<Idle> {
        let rule = entry.rule.as_str();
        if rule.starts_with(NEVER_HELD) {
            return Some(Idle::Never);
        }
        if !self.known.contains(rule) && !rule.starts_with("ap/") {
            return Some(Idle::NoRule);
        }
        if self.held.contains(&entry.fingerprint) {
            return Some(Idle::Twice);
        }
        let node = entry.unique_id();
        let found = node.and_then(|id| self.project.by_unique_id(id));
        // The id of a generic test depends on its arguments, which a manifest may know better.
        if found.is_none() && node.is_some_and(|id| !id.starts_with("test.")) {
            return Some(Idle::NoNode);
        }
        let active = self.rules.get(rule)?;
        let file = self.files.get(entry.place()).copied();
        let file = file.or_else(|| found.map(|n| n.file));
        let own = found.map(|n| self.project.path(n.file));
        if self.dark.contains(entry.place()) || own.is_some_and(|p| self.dark.contains(p)) {
            return None;
        }
        let part = file.and_then(|f| part_of(self.project, active, found.map(|n| n.id), f));
        active.instance(part).rule.map(|_| Idle::Gone)
    }
}
