use crate::project::Node;
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink};
use crate::syntax::sql::tree::{Body, Cte, Query, SetOp};
use crate::syntax::stars::{Star, Stars};
use crate::text::Span;
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;
use std::sync::Arc;

/// What is said of stars that do no harm yet.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct StarUnion {
    /// Stars of branches whose columns are all known, and the same today.
    same_today: SameToday,
}

/// Whether a star is told of that only a later change can harm.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum SameToday {
    /// As an info.
    Report,
    /// Not at all: models that are written alike for the union are a habit of many.
    #[default]
    Silent,
}

impl BuiltIn for StarUnion {
    const META: Meta = Meta {
        id: Borrowed("sql/star-union"),
        severity: Severity::Warn,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Minimal),
        doc: Borrowed(include_str!("../../../rules/sql/star-union/README.md")),
    };
}

impl Rule for StarUnion {
    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        let Some(sql) = &model.sql else { return };
        let stars = Stars::new(sql, &cx.project.files.get(model.file).text);
        let mut seen: Vec<Span> = Vec::new();
        // Other readings may combine branches of conditions that no run combines.
        let model = cx.project.node(model.id);
        let Some(query) = model.sql.as_ref().and_then(|s| s.query()) else {
            return;
        };
        let places = has_sets(query).then(|| cx.lineage().places(model, query));
        let names = |b| places.as_ref().and_then(|p| p.branch_names(b));
        let mut report = |found: Violation| {
            if !seen.contains(&found.primary.span) {
                seen.push(found.primary.span);
                sink.push(found);
            }
        };
        // What is wrong already says more than what may go wrong.
        let mut wrong: Vec<Option<Span>> = Vec::new();
        query.sets(&mut |set, _| {
            let found = unlike(cx, set, &names);
            wrong.extend((!found.is_empty()).then(|| set.keyword()));
            found.into_iter().for_each(&mut report);
        });
        for reading in sql.readings() {
            reading.sets(&mut |set, scope| {
                if wrong.contains(&set.keyword()) {
                    return;
                }
                let alike = alike(set, &names);
                if alike && self.same_today == SameToday::Silent {
                    return;
                }
                let found = star(cx, &stars, set, &scope.ctes, alike);
                found.into_iter().for_each(&mut report);
            });
        }
    }
}

fn has_sets(query: &Query) -> bool {
    let mut found = false;
    query.sets(&mut |_, _| found = true);
    found
}

/// Are the columns of all branches known, and the same?
fn alike<'n>(set: &'n Body, names: &dyn Fn(&'n Body) -> Option<&'n [Arc<str>]>) -> bool {
    let Body::Set { branches, .. } = set else {
        return false;
    };
    let lists: Option<Vec<&[Arc<str>]>> = branches.iter().map(names).collect();
    let same = |a: &[Arc<str>], b: &[Arc<str>]| {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.eq_ignore_ascii_case(b))
    };
    lists.is_some_and(|l| l.iter().all(|list| same(l[0], list)))
}

/// A star in a branch whose columns do not stand in this file.
fn star(cx: &Cx, stars: &Stars, set: &Body, ctes: &[&Cte], alike: bool) -> Option<Violation> {
    let Body::Set {
        op,
        by_name: false,
        branches,
    } = set
    else {
        return None;
    };
    // The difference of two tables is one of all their columns.
    if !matches!(op, SetOp::Union | SetOp::UnionAll) {
        return None;
    }
    let found: Vec<Option<Star>> = branches.iter().map(|b| stars.of_branch(b, ctes)).collect();
    let relations: Vec<Option<&str>> = found
        .iter()
        .map(|s| s.as_ref().map(|s| s.relation.as_str()))
        .collect();
    let one = &relations[0];
    // Twice the same table has the same columns.
    if one.is_some() && relations.iter().all(|r| r == one) {
        return None;
    }
    let written = |s: &&Star| cx.project.text(s.path[0]).ends_with('*');
    let star = found.iter().flatten().find(written)?;
    let today = match alike {
        true => "; today the columns are the same",
        false => "",
    };
    let message = format!(
        "{} of `*` from {}: columns are matched by place, so one that is added or moved there puts values under another column's name{today}",
        shown(*op),
        star.relation
    );
    let mut violation = Violation::new(star.path[0], message)
        .symbol(format!("* {}", star.relation))
        .severity(if alike {
            Severity::Info
        } else {
            Severity::Warn
        });
    for other in found.iter().flatten().filter(|s| s.path[0] != star.path[0]) {
        violation = violation.related(other.path[0], format!("and here, of {}", other.relation));
    }
    Some(violation)
}

/// Branches whose columns do not fit together.
fn unlike<'n>(
    cx: &Cx,
    set: &'n Body,
    names: &dyn Fn(&'n Body) -> Option<&'n [Arc<str>]>,
) -> Vec<Violation> {
    let Body::Set {
        op,
        by_name: false,
        branches,
    } = set
    else {
        return Vec::new();
    };
    let Some((first, rest)) = branches.split_first() else {
        return Vec::new();
    };
    let (Some(wanted), Some(top)) = (names(first), first.keyword()) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for branch in rest {
        let (Some(own), Some(keyword)) = (names(branch), branch.keyword()) else {
            continue;
        };
        // What a macro prints is the macro's to answer for.
        if !cx.project.text(keyword).eq_ignore_ascii_case("select") {
            continue;
        }
        let related = format!("the first branch, {} columns", wanted.len());
        if own.len() != wanted.len() {
            let message = format!(
                "this branch of {} has {} columns, the first one {}: the database refuses it",
                shown(*op),
                own.len(),
                wanted.len()
            );
            found.push(
                Violation::new(keyword, message)
                    .severity(Severity::Error)
                    .symbol("columns")
                    .related(top, related),
            );
        } else if let Some((a, b)) = swapped(wanted, own) {
            let message = format!(
                "this branch of {} has `{b}` where the first one has `{a}`, and `{a}` elsewhere: columns are matched by place, so values go under the wrong name",
                shown(*op)
            );
            found.push(
                Violation::new(keyword, message)
                    .severity(Severity::Error)
                    .symbol(format!("order {a}"))
                    .related(top, related),
            );
        }
    }
    found
}

/// The first place where a branch has a column that the other has, too, but elsewhere, and the
/// other way round. A name that only one of them has is another name for what stands there.
fn swapped<'n>(wanted: &'n [Arc<str>], own: &'n [Arc<str>]) -> Option<(&'n str, &'n str)> {
    let has = |list: &[Arc<str>], name: &str| list.iter().any(|n| n.eq_ignore_ascii_case(name));
    let pairs = wanted.iter().zip(own);
    pairs
        .filter(|(a, b)| !a.eq_ignore_ascii_case(b))
        .find(|(a, b)| has(own, a) && has(wanted, b))
        .map(|(a, b)| (&**a, &**b))
}

fn shown(op: SetOp) -> &'static str {
    match op {
        SetOp::Union => "`union`",
        SetOp::UnionAll => "`union all`",
        SetOp::Intersect => "`intersect`",
        SetOp::Except => "`except`",
    }
}
