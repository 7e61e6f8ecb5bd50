use crate::project::Node;
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink};
use crate::syntax::jinja::{RelationId, RelationRef};
use crate::syntax::sql::tree::{
    Body, Cte, Factor, FactorKind, From, Item, ItemKind, Query, Select,
};
use crate::syntax::template::SqlFile;
use crate::text::Span;
use crate::violation::{Confidence, Severity, Violation};
use rustc_hash::FxHashSet;
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;
use std::cell::RefCell;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StarOutput {}

impl BuiltIn for StarOutput {
    const META: Meta = Meta {
        id: Borrowed("sql/star-output"),
        severity: Severity::Warn,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Minimal),
        doc: Borrowed(include_str!("../../../rules/sql/star-output/README.md")),
    };
}

impl Rule for StarOutput {
    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        let Some(sql) = &model.sql else { return };
        let Some(query) = sql.query() else { return };
        let stars = Stars {
            sql,
            dead: RefCell::default(),
        };
        let Some(star) = stars.of_query(query, &mut Vec::new()) else {
            return;
        };
        // A query that a macro prints is the macro's to answer for.
        if !cx.project.text(star.path[0]).ends_with('*') {
            return;
        }
        let message = format!(
            "the output is `*` of {}: its columns change when that changes, and nothing here says what they are",
            star.relation
        );
        let mut violation = Violation::new(star.path[0], message).symbol("*");
        for step in &star.path[1..] {
            violation = violation.related(*step, "comes from this `*`");
        }
        sink.push(violation);
    }
}

/// An output that comes from a star over a relation.
struct Star {
    /// The star of the output first, then those it leads to.
    path: Vec<Span>,
    /// The relation at the end, as a reader would name it.
    relation: String,
}

struct Stars<'a> {
    sql: &'a SqlFile,
    /// CTEs that lead nowhere: each is looked into once, however often it is read.
    dead: RefCell<FxHashSet<*const Cte>>,
}

/// CTEs that refer to one another are followed this deep.
const MAX_DEPTH: usize = 64;

impl Stars<'_> {
    /// The first star among a query's output columns that leads to a relation outside this file.
    fn of_query<'q>(&self, query: &'q Query, scope: &mut Vec<&'q Cte>) -> Option<Star> {
        if scope.len() > MAX_DEPTH * 16 {
            return None;
        }
        let outer = scope.len();
        scope.extend(&query.ctes);
        let found = self.of_body(&query.body, scope);
        scope.truncate(outer);
        found
    }

    fn of_body<'q>(&self, body: &'q Body, scope: &mut Vec<&'q Cte>) -> Option<Star> {
        match body {
            Body::Select(select) => self.of_select(select, scope),
            Body::Set { branches, .. } => branches.iter().find_map(|b| self.of_body(b, scope)),
            Body::Query(query) => self.of_query(query, scope),
            Body::Values(_) | Body::Other(_) | Body::Unread(_) => None,
        }
    }

    fn of_select<'q>(&self, select: &'q Select, scope: &mut Vec<&'q Cte>) -> Option<Star> {
        if select.partial {
            return None;
        }
        let star = |item: &'q Item| match &item.kind {
            ItemKind::Star { qualifier, .. } => Some((item.span, qualifier)),
            ItemKind::Expr { .. } => None,
        };
        select
            .items
            .iter()
            .filter_map(star)
            .find_map(|(span, qualifier)| {
                let mut found = match &qualifier[..] {
                    [] => select
                        .from
                        .iter()
                        .find_map(|f| self.of_from(f, None, scope)),
                    [.., name] => {
                        let name = &*name.name;
                        select
                            .from
                            .iter()
                            .find_map(|f| self.of_from(f, Some(name), scope))
                    }
                }?;
                found.path.insert(0, span);
                Some(found)
            })
    }

    fn of_from<'q>(
        &self,
        from: &'q From,
        qualifier: Option<&str>,
        scope: &mut Vec<&'q Cte>,
    ) -> Option<Star> {
        let named = |f: &Factor| qualifier.is_none_or(|q| f.binding().is_some_and(|b| b.is(q)));
        let factors: Vec<&Factor> = from.factors().map(|(f, _)| f).collect();
        factors.into_iter().find_map(|f| match &f.kind {
            FactorKind::Nested(inner) if f.alias.is_none() => self.of_from(inner, qualifier, scope),
            _ if named(f) => self.of_factor(f, scope),
            _ => None,
        })
    }

    fn of_factor<'q>(&self, factor: &'q Factor, scope: &mut Vec<&'q Cte>) -> Option<Star> {
        let ends = |relation: String| {
            Some(Star {
                path: Vec::new(),
                relation,
            })
        };
        match &factor.kind {
            FactorKind::Relation(id) => ends(self.name(*id)?),
            FactorKind::Subquery { query, .. } => self.of_query(query, scope),
            FactorKind::Nested(inner) => self.of_from(inner, None, scope),
            FactorKind::Name(name) => {
                let cte = match &name[..] {
                    [one] => scope.iter().rposition(|c| c.name.is(&one.name)),
                    _ => None,
                };
                match cte {
                    Some(i) => self.of_cte(i, scope),
                    None => {
                        let parts: Vec<&str> = name.iter().map(|i| &*i.name).collect();
                        ends(format!("`{}`", parts.join(".")))
                    }
                }
            }
            // A pivot or a table function makes columns of its own, which are not known here.
            FactorKind::Function { .. } | FactorKind::Derived(..) | FactorKind::Opaque => None,
        }
    }

    /// A CTE sees those before it only, so a recursive one ends.
    fn of_cte(&self, index: usize, scope: &[&Cte]) -> Option<Star> {
        let cte = scope[index];
        if !cte.columns.is_empty() || self.dead.borrow().contains(&std::ptr::from_ref(cte)) {
            return None;
        }
        let mut before = scope[..index].to_vec();
        let found = self.of_query(&cte.query, &mut before);
        if found.is_none() {
            self.dead.borrow_mut().insert(cte);
        }
        found
    }

    fn name(&self, id: RelationId) -> Option<String> {
        match self.sql.relation(id) {
            RelationRef::Ref { name, .. } => {
                Some(format!("`ref('{}')`", name.as_deref().unwrap_or("…")))
            }
            RelationRef::Source { source, table } => Some(format!(
                "`source('{}', '{}')`",
                source.as_deref().unwrap_or("…"),
                table.as_deref().unwrap_or("…")
            )),
            RelationRef::This => Some("`this`".to_owned()),
            _ => None,
        }
    }
}
