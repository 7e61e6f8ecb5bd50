//! Which columns of a query come from a `*` over a relation that another file defines.

use super::jinja::{RelationId, RelationRef};
use super::printed_name::{PrintedName, Settings};
use super::sql::tree::{Body, Cte, Factor, FactorKind, From, Item, ItemKind, Query, Select};
use super::template::SqlFile;
use crate::text::Span;
use rustc_hash::FxHashSet;
use std::cell::{OnceCell, RefCell};

/// An output that comes from a star over a relation.
pub struct Star {
    /// The star of the output first, then those it leads to.
    pub path: Vec<Span>,
    /// The relation at the end, as a reader would name it.
    pub relation: String,
}

/// Follows the stars of one file.
pub struct Stars<'a> {
    sql: &'a SqlFile,
    /// The file's text.
    text: &'a str,
    /// What it sets, read when somebody asks.
    settings: OnceCell<Settings>,
    /// CTEs that lead nowhere: each is looked into once, however often it is read.
    dead: RefCell<FxHashSet<*const Cte>>,
}

/// CTEs that refer to one another are followed this deep.
const MAX_DEPTH: usize = 64;

impl<'a> Stars<'a> {
    /// Of this file, whose text this is.
    pub fn new(sql: &'a SqlFile, text: &'a str) -> Self {
        Self {
            sql,
            text,
            settings: OnceCell::new(),
            dead: RefCell::default(),
        }
    }

    /// The star that a file's output comes from. Stars in the branches of a set operation are not
    /// followed: there the columns are matched by place, which is worse, and another defect.
    pub fn of_output(&self, query: &Query) -> Option<Star> {
        self.of_query(query, &mut Vec::new())
    }

    /// The star that a branch of a set operation comes from, where these CTEs are visible.
    pub fn of_branch<'q>(&self, branch: &'q Body, ctes: &[&'q Cte]) -> Option<Star> {
        self.of_body(branch, &mut ctes.to_vec())
    }

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
            Body::Query(query) => self.of_query(query, scope),
            Body::Set { .. } | Body::Values(_) | Body::Other(_) | Body::Unread(_) => None,
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
                        let written = || parts.join(".");
                        let name = self.printed(factor).map_or_else(written, |p| p.text());
                        ends(format!("`{name}`"))
                    }
                }
            }
            FactorKind::Opaque => {
                let settings = || self.settings.get_or_init(|| Settings::of(self.text));
                let name = self.printed(factor)?;
                if !name.is_relation(settings()) {
                    return None;
                }
                ends(format!("`{}`", name.text()))
            }
            // A pivot or a table function makes columns of its own, which are not known here.
            FactorKind::Function { .. } | FactorKind::Derived(..) => None,
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

    /// The name, where Jinja prints a part of it.
    fn printed(&self, factor: &Factor) -> Option<PrintedName> {
        PrintedName::of_factor(self.text, factor)
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
