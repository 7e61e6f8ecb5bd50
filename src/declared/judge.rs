//! Whether a condition holds of a subject, and with which metavariables.

use super::condition::{Condition, Leaf, What};
use super::facts::World;
use super::message::Texts;
use super::pattern::{Match, Tokens};
use super::predicate::Verdict;
use super::select::{BoundKey, Key};
use super::subject::Subject;
use crate::text::Span;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// More ways in which one condition holds of one subject are not told.
const MOST: usize = 1_000;

/// One way in which a condition holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Way {
    /// The first match, in bytes of the subject's file.
    pub(super) place: Option<Range<usize>>,
    /// What metavariables stand for, as places.
    bound: BTreeMap<String, Range<usize>>,
}

/// Every way in which a condition holds; it may hold in others, too, where it is open.
#[derive(Debug, Default)]
pub(super) struct Held {
    pub(super) ways: Vec<Way>,
    open: bool,
}

impl Held {
    pub(super) fn verdict(&self) -> Verdict {
        match (self.ways.is_empty(), self.open) {
            (false, _) => Verdict::Yes,
            (true, true) => Verdict::Unknown,
            (true, false) => Verdict::No,
        }
    }

    fn of(verdict: Verdict, way: &Way) -> Self {
        Self {
            ways: match verdict {
                Verdict::Yes => vec![way.clone()],
                _ => Vec::new(),
            },
            open: verdict == Verdict::Unknown,
        }
    }
}

/// Judges one subject.
pub(super) struct Judge<'j> {
    pub(super) w: World<'j>,
    pub(super) subject: Subject<'j>,
    pub(super) keys: &'j [Key],
    pub(super) bound: &'j [BoundKey],
    /// The rule's id, for what is cut off.
    pub(super) rule: &'j str,
    /// The text of the subject's file, and the part that is the subject's.
    pub(super) src: &'j str,
    pub(super) part: Span,
}

impl Judge<'_> {
    /// Is it known at a glance that the condition does not hold: is a text that its patterns need
    /// not in the file?
    pub(super) fn is_impossible(&self, condition: &Condition) -> bool {
        match condition {
            Condition::All(parts) => parts.iter().any(|p| self.is_impossible(p)),
            Condition::Any(parts) => parts.iter().all(|p| self.is_impossible(p)),
            Condition::Leaf(leaf) => match &leaf.what {
                What::Pattern(pattern) => !self.tokens().may_have(pattern),
                What::Regex(_) => false,
            },
            Condition::Not(_) | Condition::Count(..) | Condition::Key(_) => false,
        }
    }

    pub(super) fn holds(&self, condition: &Condition, way: &Way) -> Held {
        match condition {
            Condition::All(parts) => self.all(parts, way),
            Condition::Any(parts) => {
                let mut out = Held::default();
                for part in parts {
                    let held = self.holds(part, way);
                    out.open |= held.open;
                    for way in held.ways {
                        if !out.ways.contains(&way) {
                            out.ways.push(way);
                        }
                    }
                }
                out
            }
            Condition::Not(inner) => Held::of(self.holds(inner, way).verdict().not(), way),
            Condition::Count(inner, min, max) => {
                let held = self.holds(inner, way);
                let sure = held.ways.iter().map(|_| Verdict::Yes);
                // What is open may hold any number of times.
                let open = (0..MOST).map(|_| Verdict::Unknown);
                let all = sure.chain(open.take(if held.open { MOST } else { 0 }));
                Held::of(Verdict::counted(all, *min, *max), way)
            }
            Condition::Leaf(leaf) => self.leaf(leaf, way),
            Condition::Key(index) => {
                let verdict = self.keys[*index].holds(&self.bound[*index], self.w, self.subject);
                Held::of(verdict, way)
            }
        }
    }

    fn all(&self, parts: &[Condition], way: &Way) -> Held {
        let mut ways = vec![(way.clone(), false)];
        let mut open = false;
        for part in parts {
            let mut next: Vec<(Way, bool)> = Vec::new();
            for (way, unsure) in &ways {
                let held = self.holds(part, way);
                next.extend(held.ways.into_iter().map(|w| (w, *unsure)));
                // It may hold: what follows can still say that it does not.
                if held.open {
                    next.push((way.clone(), true));
                }
            }
            next.truncate(MOST);
            ways = next;
            if ways.is_empty() {
                return Held::default();
            }
        }
        open |= ways.iter().any(|(_, unsure)| *unsure);
        let sure = ways.into_iter().filter(|(_, unsure)| !unsure);
        let mut out: Vec<Way> = Vec::new();
        for (way, _) in sure {
            if !out.contains(&way) {
                out.push(way);
            }
        }
        Held { ways: out, open }
    }

    fn tokens(&self) -> Arc<Tokens> {
        self.w.shared.tokens(self.w.project, self.part.file)
    }

    fn code(&self) -> Arc<[Range<usize>]> {
        self.w.shared.code(self.w.project, self.part.file)
    }

    fn leaf(&self, leaf: &Leaf, way: &Way) -> Held {
        let mut out = Held::default();
        let names = leaf.what.names();
        for Match {
            range: place,
            bound,
        } in self.found(leaf, &mut out.open)
        {
            if !self.lies_right(leaf, &place, &mut out.open) {
                continue;
            }
            let bound: BTreeMap<String, Range<usize>> = names
                .iter()
                .zip(bound)
                .filter_map(|(name, range)| Some((name.clone(), range?)))
                .collect();
            match self.fits(leaf, way, &bound) {
                Verdict::No => {}
                Verdict::Unknown => out.open = true,
                Verdict::Yes => {
                    let mut next = way.clone();
                    next.place.get_or_insert(place);
                    next.bound.extend(bound);
                    out.ways.push(next);
                }
            }
        }
        out
    }

    /// Every match in the scope, with what it binds.
    fn found(&self, leaf: &Leaf, open: &mut bool) -> Vec<Match> {
        let part = self.part.range();
        let cut = |r: Range<usize>| r.start.max(part.start)..r.end.min(part.end);
        let mut out = Vec::new();
        match &leaf.what {
            What::Pattern(pattern) => {
                let tokens = self.tokens();
                if !tokens.may_have(pattern) {
                    return out;
                }
                for range in leaf.scope.ranges(&tokens, self.src) {
                    let (matches, whole) = tokens.find(pattern, cut(range));
                    if !whole {
                        *open = true;
                        self.w
                            .shared
                            .skipped(self.rule, self.w.project.path(self.part.file));
                    }
                    out.extend(matches);
                }
            }
            What::Regex(regex) => {
                for range in self.text_ranges(leaf).into_iter().map(cut) {
                    let Some(text) = self.src.get(range.clone()) else {
                        continue;
                    };
                    for found in regex.captures_iter(text) {
                        let at = |m: regex::Match| range.start + m.start()..range.start + m.end();
                        let names = regex.capture_names().flatten();
                        let bound = names.map(|n| found.name(n).map(at)).collect();
                        if let Some(whole) = found.get(0) {
                            out.push(Match {
                                range: at(whole),
                                bound,
                            });
                        }
                    }
                }
            }
        }
        out
    }

    /// Where a text is looked for: in YAML, `#` begins a comment.
    fn text_ranges(&self, leaf: &Leaf) -> Vec<Range<usize>> {
        use super::scope::Scope;
        let extension = self.w.project.files.get(self.part.file).extension();
        match (&leaf.scope, extension.as_str()) {
            (Scope::File, _) => std::iter::once(0..self.src.len()).collect(),
            (Scope::Code, "yml" | "yaml") => super::yaml_code(self.part.file, self.src),
            (Scope::Code, "sql") => self.code().to_vec(),
            (Scope::Code, _) => std::iter::once(0..self.src.len()).collect(),
            (scope, _) => scope.code(&self.tokens(), self.src, &self.code()),
        }
    }

    fn lies_right(&self, leaf: &Leaf, place: &Range<usize>, open: &mut bool) -> bool {
        let mut within = |patterns: &[super::pattern::Pattern]| {
            patterns.iter().any(|pattern| {
                let (matches, whole) = self.tokens().find(pattern, self.part.range());
                *open |= !whole;
                let holds = |m: &Range<usize>| m.start <= place.start && place.end <= m.end;
                matches.iter().any(|m| holds(&m.range))
            })
        };
        (leaf.inside.is_empty() || within(&leaf.inside)) && !within(&leaf.not_inside)
    }

    /// Are metavariables what they are beside it, and what is asked of them?
    fn fits(&self, leaf: &Leaf, way: &Way, bound: &BTreeMap<String, Range<usize>>) -> Verdict {
        for (name, range) in bound {
            let same = |known: &Range<usize>| {
                let tokens = self.tokens();
                known == range || tokens.normal(known) == tokens.normal(range)
            };
            if way.bound.get(name).is_some_and(|known| !same(known)) {
                return Verdict::No;
            }
        }
        leaf.tests
            .iter()
            .fold(Verdict::Yes, |verdict, (name, test)| {
                verdict.and(
                    || match bound.get(name).and_then(|r| self.src.get(r.clone())) {
                        Some(text) => test.of_text(text),
                        None => Verdict::No,
                    },
                )
            })
    }

    /// What metavariables stand for, as they were written.
    pub(super) fn texts(&self, way: &Way) -> Texts {
        let text = |r: &Range<usize>| self.src.get(r.clone()).unwrap_or_default().to_owned();
        let all = way.bound.iter();
        all.map(|(name, range)| (name.clone(), text(range)))
            .collect()
    }

    /// Is a match one run of tokens, so that nothing is lost where it is replaced?
    pub(super) fn is_one_run(&self, place: &Range<usize>) -> bool {
        self.tokens().is_one_run(self.src, place)
    }
}
