//! Rounds of fixes, each judged on an overlay.

use super::choose::{Chosen, choose, place_of};
use super::guard::Guard;
use super::splice::splice;
use super::{Change, Fixed, Mended, Mending};
use crate::error::RunError;
use crate::run::{self, Outcome, Request};
use crate::text::Overlay;
use crate::violation::{Applicability, Edit};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// After so many rounds what is left is left.
pub(super) const MAX_ROUNDS: usize = 10;
/// At most so many fixes that failed together are tried one by one in a round.
const MAX_ALONE: usize = 32;

/// The files that fixes have changed so far, by their places.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct State {
    files: BTreeMap<PathBuf, Change>,
}

impl State {
    fn overlay(&self) -> Overlay {
        let bytes = |c: &Change| Some(Arc::from(c.after.as_bytes()));
        let files = self.files.iter().map(|(p, c)| (p.clone(), bytes(c)));
        Overlay::new(files.collect())
    }

    /// With fixes of findings of `outcome`, whose files are as this state has them.
    fn with(&self, outcome: &Outcome, batch: &[Chosen]) -> State {
        let project = &outcome.prepared.project;
        let mut edits: BTreeMap<PathBuf, Vec<&Edit>> = BTreeMap::new();
        for edit in batch.iter().flat_map(|c| &c.fix.edits) {
            if let Some(real) = place_of(project, edit.span.file) {
                edits.entry(real).or_default().push(edit);
            }
        }
        let mut out = self.clone();
        for (real, edits) in edits {
            let Some(file) = edits.first().map(|e| e.span.file) else {
                continue;
            };
            let text = &project.files.get(file).text;
            let change = out.files.entry(real.clone()).or_insert_with(|| Change {
                path: project.path(file).to_owned(),
                on_disk: real,
                before: text.to_string(),
                after: String::new(),
            });
            change.after = splice(text, &edits);
        }
        out
    }
}

/// Mends what can be mended without writing anything.
///
/// # Errors
/// As [`run::check`].
pub fn mend(request: &Request, least: Applicability) -> Result<Mended, RunError> {
    let mut mended = Mended {
        first: run::check(request)?,
        last: None,
        report: Mending {
            least: Some(least),
            ..Mending::default()
        },
    };
    let mut state = State::default();
    let mut earlier = vec![state.clone()];
    for _ in 0..MAX_ROUNDS {
        let current = mended.state();
        let chosen = choose(current, least, &mended.report.dropped);
        if chosen.is_empty() {
            mended.report.at_rest = true;
            break;
        }
        let (kept, dropped) = round(request, current, &state, chosen);
        mended.report.dropped.extend(dropped);
        let Some(next) = kept else { continue };
        if earlier.contains(&next.state) {
            let why = "it undoes what another fix does".to_owned();
            let again = next.fixed.into_iter().map(|f| (f.fingerprint, why.clone()));
            mended.report.dropped.extend(again);
            continue;
        }
        state = next.state;
        earlier.push(state.clone());
        mended.last = Some(next.outcome);
        mended.report.fixed.extend(next.fixed);
        mended.report.rounds += 1;
    }
    if !mended.report.at_rest {
        let left = choose(mended.state(), least, &mended.report.dropped);
        mended.report.at_rest = left.is_empty();
    }
    let changes = state.files.into_values();
    mended.report.changes = changes.filter(|c| c.before != c.after).collect();
    mended.report.changes.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(mended)
}

/// What fixes lead to.
struct Next {
    outcome: Outcome,
    state: State,
    fixed: Vec<Fixed>,
}

/// What a round leaves: the next state, where anything was mended, and the fixes that failed.
type Round = (Option<Next>, FxHashMap<u64, String>);

/// Applies the batch without those that fail in it. A fix that fails together with others is tried
/// alone: one that fails there too is dropped, another waits for the next round.
fn round(request: &Request, current: &Outcome, state: &State, batch: Vec<Chosen>) -> Round {
    let mut dropped = FxHashMap::default();
    let mut suspected: Vec<(Chosen, String)> = Vec::new();
    let mut batch = batch;
    let mut kept = None;
    while !batch.is_empty() {
        let trial = judged(request, current, state, &batch);
        if trial.suspects.is_empty() {
            kept = trial.next;
            break;
        }
        let mut rest = Vec::new();
        for (i, chosen) in batch.into_iter().enumerate() {
            match trial.suspects.get(&i) {
                Some(why) => suspected.push((chosen, why.clone())),
                None => rest.push(chosen),
            }
        }
        batch = rest;
    }
    let alone_at_first = suspected.len() == 1 && kept.is_none();
    for (chosen, why) in suspected.into_iter().take(MAX_ALONE) {
        let fingerprint = chosen.finding.fingerprint;
        if alone_at_first {
            dropped.insert(fingerprint, why);
            continue;
        }
        let alone = [chosen];
        let trial = judged(request, current, state, &alone);
        match trial.suspects.get(&0) {
            Some(why) => {
                dropped.insert(fingerprint, why.clone());
            }
            None if kept.is_none() => kept = trial.next,
            None => {}
        }
    }
    (kept, dropped)
}

/// A batch of fixes, judged.
struct Trial {
    /// None where the project could not even be read with them.
    next: Option<Next>,
    /// Fixes that did not do what they should, by their index in the batch, and why.
    suspects: BTreeMap<usize, String>,
}

/// Checks the project as it would be with the batch.
fn judged(request: &Request, current: &Outcome, state: &State, batch: &[Chosen]) -> Trial {
    let state = state.with(current, batch);
    let request = Request {
        instead: state.overlay(),
        ..request.clone()
    };
    let outcome = match run::check(&request) {
        Ok(outcome) => outcome,
        Err(error) => {
            let why = format!("the project could not be checked afterwards: {error}");
            return Trial {
                next: None,
                suspects: (0..batch.len()).map(|i| (i, why.clone())).collect(),
            };
        }
    };
    let suspects = suspects(current, &outcome, batch);
    let project = &current.prepared.project;
    let fixed = batch.iter().map(|c| Fixed {
        fingerprint: c.finding.fingerprint,
        rule: c.finding.rule.clone(),
        path: project.path(c.finding.primary.span.file).to_owned(),
        title: c.fix.title.clone(),
        applicability: c.fix.applicability,
    });
    Trial {
        next: Some(Next {
            fixed: fixed.collect(),
            outcome,
            state,
        }),
        suspects,
    }
}

/// Fixes that edit a file which is worse now, and those whose finding is still there.
fn suspects(before: &Outcome, after: &Outcome, batch: &[Chosen]) -> BTreeMap<usize, String> {
    let (old, new) = (&before.prepared.project, &after.prepared.project);
    let guard = Guard::new(old, new);
    let counts = |outcome: &Outcome| {
        let mut counts: FxHashMap<u64, usize> = FxHashMap::default();
        for finding in &outcome.checked.findings {
            *counts.entry(finding.kind).or_default() += 1;
        }
        counts
    };
    let (had, has) = (counts(before), counts(after));
    let mut claimed: FxHashMap<u64, usize> = FxHashMap::default();
    for chosen in batch {
        *claimed.entry(chosen.finding.kind).or_default() += 1;
    }
    let stays = |kind: u64| {
        let of = |counts: &FxHashMap<u64, usize>| counts.get(&kind).copied().unwrap_or(0);
        of(&has) + of(&claimed) > of(&had)
    };
    let mut out = BTreeMap::new();
    for (i, chosen) in batch.iter().enumerate() {
        let files: FxHashSet<&str> = chosen
            .fix
            .edits
            .iter()
            .map(|e| old.path(e.span.file))
            .collect();
        let mut files: Vec<&str> = files.into_iter().collect();
        files.sort_unstable();
        let worse = files
            .iter()
            .find_map(|path| Some(format!("{path} {} afterwards", guard.worse(path)?)));
        let still =
            || stays(chosen.finding.kind).then(|| "it does not mend the finding".to_owned());
        if let Some(why) = worse.or_else(still) {
            out.insert(i, why);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::RuleFilter;
    use crate::text::Span;
    use crate::violation::Fix;
    use std::fs;
    use std::path::Path;

    const A: &str = "select * from {{ source('s', 'a') }}\n";

    /// A project of two models with a star each, which nothing else is found in.
    fn project(dir: &Path) -> (Request, Outcome) {
        fs::write(dir.join("dbt_project.yml"), "name: shop\n").unwrap();
        fs::create_dir(dir.join("models")).unwrap();
        fs::write(dir.join("models/a.sql"), A).unwrap();
        fs::write(dir.join("models/b.sql"), A).unwrap();
        let request = Request {
            cwd: dir.to_owned(),
            filter: RuleFilter {
                only: vec!["sql/star-output".to_owned()],
                ignore: Vec::new(),
            },
            ..Request::default()
        };
        let outcome = run::check(&request).unwrap();
        assert_eq!(outcome.checked.findings.len(), 2);
        (request, outcome)
    }

    /// Gives each finding a fix that puts a text in the place of its file's star.
    fn offer(outcome: &mut Outcome, texts: [&str; 2]) {
        for (finding, text) in outcome.checked.findings.iter_mut().zip(texts) {
            let file = finding.primary.span.file;
            finding.fix = Some(Fix {
                title: "name the columns".to_owned(),
                applicability: Applicability::Safe,
                edits: vec![Edit {
                    span: Span::new(file, 7, 8),
                    text: text.to_owned(),
                }],
            });
        }
    }

    fn one_round(texts: [&str; 2]) -> (Vec<String>, Vec<String>) {
        let tmp = tempfile::tempdir().unwrap();
        let (request, mut outcome) = project(tmp.path());
        offer(&mut outcome, texts);
        let chosen = choose(&outcome, Applicability::Safe, &FxHashMap::default());
        assert_eq!(chosen.len(), 2);
        let (next, dropped) = round(&request, &outcome, &State::default(), chosen);
        let fixed = next.map_or(Vec::new(), |n| n.fixed);
        let on_disk = fs::read_to_string(tmp.path().join("models/a.sql")).unwrap();
        assert_eq!(on_disk, A, "a round writes nothing");
        let mut why: Vec<String> = dropped.into_values().collect();
        why.sort();
        (fixed.into_iter().map(|f| f.path).collect(), why)
    }

    #[test]
    fn what_does_not_parse_is_dropped_alone() {
        let (fixed, why) = one_round(["a b c d", "x"]);
        assert_eq!(fixed, ["models/b.sql"]);
        assert_eq!(why, ["models/a.sql would not parse as SQL afterwards"]);
        let (fixed, why) = one_round(["{{ x", "{% if %}x"]);
        assert_eq!(fixed, [""; 0]);
        assert_eq!(
            why,
            [
                "models/a.sql would not parse as Jinja afterwards",
                "models/b.sql would not parse as Jinja afterwards"
            ]
        );
    }

    #[test]
    fn what_names_nothing_is_dropped() {
        let (fixed, why) = one_round(["x", "{{ ref('gone') }}.x"]);
        assert_eq!(fixed, ["models/a.sql"]);
        assert_eq!(
            why,
            ["models/b.sql would name what dbt does not find afterwards"]
        );
    }

    #[test]
    fn what_mends_nothing_is_dropped() {
        let (fixed, why) = one_round(["* ", "x"]);
        assert_eq!(fixed, ["models/b.sql"]);
        assert_eq!(why, ["it does not mend the finding"]);
    }
}
