//! How long ago a file was changed, counted from the last commit that touched the project: no clock
//! is asked, so that a commit's audit is the same on every day.

use crate::git::{self, History};
use crate::load::Place;
use crate::text::{FileId, folded, relative_path};
use std::collections::BTreeMap;

/// The ages of files.
#[derive(Debug, Default)]
pub struct Recency {
    /// By path from the root: days before the newest commit.
    days: BTreeMap<String, i64>,
    /// The day of the newest commit, as `2024-01-31`.
    pub newest: Option<String>,
}

impl Recency {
    /// Asks git once; knows nothing where that cannot be asked.
    pub fn read(place: &Place) -> Self {
        let own = relative_path(&place.project_dir, &place.root);
        let own = if own.is_empty() { ".".to_owned() } else { own };
        git::history(&place.root, &[own]).map_or_else(Self::default, |h| Self::of(&h))
    }

    fn of(history: &History) -> Self {
        let mut out = Self::default();
        let Some(newest) = history.commits.first() else {
            return out;
        };
        out.newest = Some(newest.day.clone());
        let Some(until) = day_number(&newest.day) else {
            return out;
        };
        // The commit at which a clone was cut off seems to touch every file.
        let cut = usize::from(!history.whole);
        let known = history.commits.len().saturating_sub(cut);
        for commit in &history.commits[..known] {
            let Some(day) = day_number(&commit.day) else {
                continue;
            };
            for path in &commit.paths {
                // Dates of commits need not follow their order.
                let age = (until - day).max(0);
                out.days.entry(path.clone()).or_insert(age);
            }
        }
        out
    }

    /// Of a file; none where that is not known.
    pub fn days(&self, project: &crate::project::Project, file: FileId) -> Option<i64> {
        let place = &project.place;
        let path = folded(&place.project_dir.join(project.path(file)));
        self.days.get(&relative_path(&path, &place.root)).copied()
    }
}

/// The days since 1970-01-01 of `2024-01-31`.
fn day_number(day: &str) -> Option<i64> {
    let mut parts = day.split('-').map(str::parse::<i64>);
    let (Some(Ok(year)), Some(Ok(month)), Some(Ok(day)), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    if !(0..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Years are taken from March on, so that the day that is sometimes there comes last.
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::Commit;

    #[test]
    fn days_are_counted() {
        assert_eq!(day_number("1970-01-01"), Some(0));
        assert_eq!(day_number("2000-02-29"), Some(11_016));
        assert_eq!(day_number("2024-03-01"), Some(19_783));
        assert_eq!(day_number("2024-13-01"), None);
        assert_eq!(day_number("x"), None);
    }

    #[test]
    fn ages_count_from_the_newest_commit_and_a_cut_says_nothing() {
        let commit = |day: &str, path: &str| Commit {
            sha: day.to_owned(),
            day: day.to_owned(),
            paths: vec![path.to_owned()],
        };
        let mut history = History {
            commits: vec![
                commit("2024-03-01", "a"),
                commit("2024-02-28", "b"),
                commit("2024-02-20", "a"),
            ],
            whole: true,
        };
        let ages = Recency::of(&history).days;
        assert_eq!(ages["a"], 0);
        assert_eq!(ages["b"], 2);
        history.commits[2].paths = vec!["c".to_owned()];
        history.whole = false;
        assert!(!Recency::of(&history).days.contains_key("c"));
    }
}
