use crate::project::{Node, Project, Resolution, ResourceType};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Reach, Rule, Sink};
use crate::syntax::sql::tree::{
    Body, Constraint, Cte, Expr, ExprKind, Factor, FactorKind, JoinKind, Query, Select,
};
use crate::text::Span;
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CrossJoin {}

impl BuiltIn for CrossJoin {
    const META: Meta = Meta {
        id: Borrowed("sql/cross-join"),
        severity: Severity::Warn,
        confidence: Confidence::Likely,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!("../../../rules/sql/cross-join/README.md")),
    };
}

impl Rule for CrossJoin {
    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        let Some(sql) = &model.sql else { return };
        let judge = Judge {
            project: cx.project,
            model,
        };
        let mut seen: Vec<Span> = Vec::new();
        for query in sql.readings() {
            query.selects_in_scope(&mut |select, scope| {
                for (factor, span, comma) in open_ends(select) {
                    let printed = sql.is_shimmed(span) || seen.contains(&span);
                    if !printed && !judge.is_harmless(factor, select, &scope.ctes) {
                        seen.push(span);
                        sink.push(judge.finding(factor, span, comma));
                    }
                }
            });
        }
    }
}

/// Relations that are joined by a comma, or by `join` without a condition.
fn open_ends(select: &Select) -> Vec<(&Factor, Span, bool)> {
    let commas = select.from.iter().skip(1);
    let commas = commas.map(|f| (&f.first, f.first.span, true));
    let joins = select.from.iter().flat_map(|f| &f.joins);
    let bare = |j: &&crate::syntax::sql::tree::Join| {
        j.kind == JoinKind::Inner && matches!(j.constraint, Constraint::None)
    };
    let joins = joins.filter(bare).map(|j| (&j.factor, j.span, false));
    commas.chain(joins).collect()
}

struct Judge<'a> {
    project: &'a Project,
    model: &'a Node,
}

impl Judge<'_> {
    fn finding(&self, factor: &Factor, span: Span, comma: bool) -> Violation {
        let text = self.project.text(factor.span);
        let name = factor.binding().map_or(text, |b| &*b.name);
        let how = if comma {
            "by a comma"
        } else {
            "without a condition"
        };
        let message = format!(
            "`{name}` is joined {how} and no condition ties it to the others: every row meets every row, and sums multiply"
        );
        Violation::new(span, message)
            .symbol(format!("cross {}", name.to_ascii_lowercase()))
            .help(format!(
                "join `{name}` with `on` the columns that belong together; where every pair is wanted, write `cross join`"
            ))
    }

    /// Does it add no row, or does something tie it to the others?
    fn is_harmless(&self, factor: &Factor, select: &Select, ctes: &[&Cte]) -> bool {
        let of_others = |name: &str| {
            let factors = select.from.iter().flat_map(|f| f.factors());
            let mut names = factors.filter_map(|(f, _)| f.binding());
            names.any(|b| b.is(name))
        };
        match &factor.kind {
            // These read the row beside them, or are not known.
            FactorKind::Function { .. }
            | FactorKind::Opaque
            | FactorKind::Derived(..)
            | FactorKind::Nested(_)
            | FactorKind::Subquery { lateral: true, .. } => return true,
            // `from orders, orders.items`
            FactorKind::Name(path) if path.len() > 1 && of_others(&path[0].name) => return true,
            FactorKind::Name(path) if path.iter().any(|p| p.is_opaque()) => return true,
            _ => {}
        }
        let Some(binding) = factor.binding().map(|b| &*b.name) else {
            return true;
        };
        self.has_one_row(factor, ctes, 0) || is_tied(binding, select)
    }

    fn has_one_row(&self, factor: &Factor, ctes: &[&Cte], depth: u32) -> bool {
        if depth > 8 {
            return false;
        }
        match &factor.kind {
            FactorKind::Subquery { query, .. } => self.gives_one_row(query, ctes, depth),
            FactorKind::Name(_) => match factor.cte(ctes) {
                Some(cte) => {
                    let at = ctes.iter().position(|c| std::ptr::eq(*c, cte)).unwrap_or(0);
                    self.gives_one_row(&cte.query, &ctes[..at], depth)
                }
                None => false,
            },
            FactorKind::Relation(id) => {
                let Some(sql) = &self.model.sql else {
                    return false;
                };
                let project = self.project;
                match project.resolve(self.model, sql.relation(*id)) {
                    Resolution::Found(id) => {
                        let node = project.node(id);
                        let query = node.sql.as_ref().and_then(|s| s.query());
                        node.resource_type == ResourceType::Model
                            && query.is_some_and(|q| {
                                one_row(q, &|f, c| {
                                    f.cte(c).is_some_and(|c| one_row(&c.query, &|_, _| false))
                                })
                            })
                    }
                    _ => false,
                }
            }
            FactorKind::Nested(from) => {
                from.joins.is_empty() && self.has_one_row(&from.first, ctes, depth + 1)
            }
            _ => false,
        }
    }

    fn gives_one_row(&self, query: &Query, ctes: &[&Cte], depth: u32) -> bool {
        let mut all = ctes.to_vec();
        all.extend(&query.ctes);
        one_row(query, &|f, _| self.has_one_row(f, &all, depth + 1))
    }
}

/// Does a query give one row at most, as far as can be seen? Two and three are as good: limits and
/// lists of values are small.
fn one_row(query: &Query, of: &dyn Fn(&Factor, &[&Cte]) -> bool) -> bool {
    if query.limited {
        return true;
    }
    let ctes: Vec<&Cte> = query.ctes.iter().collect();
    match &query.body {
        Body::Values(_) => true,
        Body::Query(query) => one_row(query, of),
        Body::Select(select) => {
            let grouped = select.group_by.as_ref().is_some_and(|g| !g.is_empty());
            let factors: Vec<&Factor> = select
                .from
                .iter()
                .flat_map(|f| f.factors())
                .map(|(f, _)| f)
                .collect();
            select.from.is_empty()
                || (!grouped && select.group_by.is_none() && select.aggregates())
                || (!factors.is_empty() && factors.iter().all(|f| of(f, &ctes)))
        }
        // A list that is written as `select … union all select …`.
        Body::Set { branches, .. } => branches
            .iter()
            .all(|b| matches!(b, Body::Select(s) if s.from.is_empty())),
        Body::Other(_) | Body::Unread(_) => false,
    }
}

/// Does a condition speak of this relation and of another one? A column without a qualifier may
/// be anybody's.
fn is_tied(binding: &str, select: &Select) -> bool {
    let mut conditions: Vec<&Expr> = Vec::new();
    let ons = select.from.iter().flat_map(|f| &f.joins);
    for join in ons {
        if let Constraint::On(on) = &join.constraint {
            conjuncts(on, &mut conditions);
        }
    }
    let clauses = [&select.filter, &select.qualify, &select.having];
    for clause in clauses.into_iter().flatten() {
        conjuncts(clause, &mut conditions);
    }
    conditions.iter().any(|condition| {
        let (mut own, mut others, mut bare, mut unknown) = (0, 0, 0, false);
        condition.walk(&mut |e| match &e.kind {
            ExprKind::Column(path) => match &path[..] {
                [_] => bare += 1,
                [.., qualifier, _] if qualifier.is(binding) || path[0].is(binding) => own += 1,
                _ => others += 1,
            },
            ExprKind::Opaque | ExprKind::Subquery(..) => unknown = true,
            _ => {}
        });
        unknown || (own > 0 && others > 0) || (bare > 0 && own + others + bare > 1)
    })
}

fn conjuncts<'a>(expr: &'a Expr, out: &mut Vec<&'a Expr>) {
    match &expr.kind {
        ExprKind::And(parts) => parts.iter().for_each(|p| conjuncts(p, out)),
        _ => out.push(expr),
    }
}
