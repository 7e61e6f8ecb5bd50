//! Reads the columns of one node's SQL: what its query outputs, and which columns of others it
//! reads on the way.

use super::Lineage;
use super::places::Places;
use super::relation::{Column, ColumnOf, Derivation, Origin, Relation, Shared, union};
use super::scope::{Resolved, Scope};
use crate::project::{Node, NodeId};
use crate::syntax::jinja::{RelationId, RelationRef};
use crate::syntax::sql::Dialect;
use crate::syntax::sql::tree::{
    Body, Cte, Expr, ExprKind, FactorKind, From, Ident, Item, ItemKind, Query, Select, SetOp,
    StarOptions,
};
use crate::syntax::template::SqlFile;
use crate::text::Span;
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;
use std::rc::Rc;

/// Columns that are listed while one file is read. Stars over stars multiply; what lies beyond is
/// unknown.
const FUEL: u32 = 300_000;

pub(super) struct Reader<'l, 'p> {
    pub(super) lineage: &'l Lineage<'p>,
    pub(super) node: &'p Node,
    /// The nodes whose columns are known before it is read.
    pub(super) parents: Vec<NodeId>,
    /// What its relations name.
    printed: &'p [RelationRef],
    /// Where a run may send something else.
    doubtful: &'p [Span],
    /// What the SQL parser was not shown.
    shimmed: &'p [Span],
    pub(super) dialect: Dialect,
    /// CTEs that are visible, inner ones last.
    pub(super) ctes: Vec<(&'p Ident, Shared<'p>)>,
    pub(super) outside: FxHashMap<RelationId, Shared<'p>>,
    /// Columns of others that the file names.
    pub(super) reads: BTreeSet<ColumnOf>,
    /// It names columns of which it is not known whose they are.
    pub(super) reads_more: bool,
    /// Sources that have columns which YAML does not declare: the file reads them.
    pub(super) undeclared: BTreeSet<NodeId>,
    fuel: u32,
    /// Where what is found on the way is kept, if somebody asked for it.
    pub(super) places: Option<Places<'p>>,
}

impl<'l, 'p> Reader<'l, 'p> {
    /// Reads the columns of a node's file, with the query that tells most of them.
    pub(super) fn of_file(
        lineage: &'l Lineage<'p>,
        node: &'p Node,
        sql: &'p SqlFile,
    ) -> Option<(Self, &'p Query)> {
        Some(match lineage.project.inlined(node) {
            Some(i) => (
                Self::new(lineage, node, &i.printed, &i.doubtful, &i.shimmed),
                &i.query,
            ),
            None => (
                Self::new(lineage, node, &sql.printed, &sql.doubtful, &sql.shimmed),
                sql.query()?,
            ),
        })
    }

    pub(super) fn new(
        lineage: &'l Lineage<'p>,
        node: &'p Node,
        printed: &'p [RelationRef],
        doubtful: &'p [Span],
        shimmed: &'p [Span],
    ) -> Self {
        Self {
            printed,
            doubtful,
            shimmed,
            lineage,
            node,
            parents: lineage.parents(node.id),
            dialect: lineage.project.dialect.dialect,
            ctes: Vec::new(),
            outside: FxHashMap::default(),
            reads: BTreeSet::new(),
            reads_more: false,
            undeclared: BTreeSet::new(),
            fuel: FUEL,
            places: None,
        }
    }

    pub(super) fn relation(&self, id: RelationId) -> &'p RelationRef {
        self.printed
            .get(id.0 as usize)
            .unwrap_or(&RelationRef::Other)
    }

    /// The columns that a query outputs.
    pub(super) fn query(
        &mut self,
        query: &'p Query,
        outer: Option<&Scope<'_, 'p>>,
    ) -> Relation<'p> {
        // A recursive CTE is read twice, and one within it four times.
        self.fuel = self.fuel.saturating_sub(1);
        if self.fuel == 0 {
            return Relation::unknown();
        }
        let before = self.ctes.len();
        for cte in &query.ctes {
            let relation = self.cte(cte, outer);
            self.ctes.push((&cte.name, Rc::new(relation)));
        }
        let out = self.body(&query.body, outer);
        if !query.order_by.is_empty() {
            // It sees the output, and what the select sees, which `select` has looked at.
            let mut scope = Scope::new(self.dialect, outer);
            scope.aliases = out.columns.clone();
            let known = |e: &&Expr| match &e.kind {
                ExprKind::Column(path) => {
                    path.len() == 1 && out.columns.iter().any(|c| c.is(&path[0].name))
                }
                _ => true,
            };
            for e in query.order_by.iter().filter(known) {
                self.expr(e, &scope);
            }
        }
        self.ctes.truncate(before);
        out
    }

    fn cte(&mut self, cte: &'p Cte, outer: Option<&Scope<'_, 'p>>) -> Relation<'p> {
        // A recursive one reads itself: what its first branch outputs.
        let names = || cte.columns.iter().map(|c| (&*c.name, c.span));
        let own = match &cte.query.body {
            Body::Set { branches, .. } if cte.query.ctes.is_empty() && reads_itself(cte) => {
                let mut first = self.body(&branches[0], outer);
                for column in &mut first.columns {
                    column.origin.how = Derivation::Unknown;
                }
                Some(first.renamed(names()))
            }
            _ => None,
        };
        let recursive = own.is_some();
        if let Some(own) = own {
            self.ctes.push((&cte.name, Rc::new(own)));
        }
        let found = self.query(&cte.query, outer).renamed(names());
        if recursive {
            self.ctes.pop();
        }
        found
    }

    fn body(&mut self, body: &'p Body, outer: Option<&Scope<'_, 'p>>) -> Relation<'p> {
        match body {
            Body::Select(select) => self.select(select, outer),
            Body::Query(query) => self.query(query, outer),
            Body::Set {
                op,
                by_name,
                branches,
            } => {
                let mut all: Vec<Relation> = Vec::new();
                for branch in branches {
                    let relation = self.body(branch, outer);
                    if let Some(places) = &mut self.places {
                        places.branch(branch, &relation);
                    }
                    all.push(relation);
                }
                // The second branch of these decides which rows stay, and gives no value.
                if matches!(op, SetOp::Except | SetOp::Intersect) {
                    all.truncate(1);
                }
                union(all, *by_name)
            }
            _ => Relation::unknown(),
        }
    }

    fn select(&mut self, select: &'p Select, outer: Option<&Scope<'_, 'p>>) -> Relation<'p> {
        let mut scope = Scope::new(self.dialect, outer);
        for from in &select.from {
            self.from(from, &mut scope);
        }
        scope.doubtful |= select.widened || self.is_doubtful(from_place(select), true);
        if let Some(places) = &mut self.places {
            places.select(select, &scope);
        }
        let mut out = Relation::default();
        // DuckDB: `from t` is `select * from t`.
        if select.items.is_empty() && !select.from.is_empty() {
            out = scope.whole();
        }
        let sees_aliases = sees_aliases(self.dialect);
        for item in &select.items {
            let first = out.columns.len();
            self.item(item, &scope, &mut out);
            if sees_aliases && matches!(item.kind, ItemKind::Expr { .. }) {
                scope.aliases.extend(out.columns[first..].iter().cloned());
            }
            let listed = (out.columns.len() - first) as u32;
            self.fuel = self.fuel.saturating_sub(listed);
            if self.fuel == 0 {
                return Relation::unknown();
            }
        }
        if select.rewritten {
            out = Relation::unknown();
        } else if self.is_doubtful(list_place(select), false) {
            out.spoil();
        }
        // Grouping, ordering and filters may use what the list names, stars aside.
        if !sees_aliases {
            scope.aliases = out.columns.clone();
        }
        for e in select.clauses() {
            self.expr(e, &scope);
        }
        out
    }

    /// Does a run perhaps send something else here? `from`: words that change no column are let
    /// pass among the places that the parser was not shown.
    fn is_doubtful(&self, place: Option<Span>, from: bool) -> bool {
        let Some(place) = place else { return false };
        let inside = |s: &&Span| s.touches(place);
        let harmless = |s: &Span| {
            let text = self.lineage.project.text(*s).trim().to_ascii_lowercase();
            matches!(
                &*text,
                "final" | "any" | "all" | "asof" | "global" | "at" | "sample"
            )
        };
        self.doubtful.iter().any(|s| inside(&s))
            || (from && self.shimmed.iter().any(|s| inside(&s) && !harmless(s)))
    }

    fn item(&mut self, item: &'p Item, scope: &Scope<'_, 'p>, out: &mut Relation<'p>) {
        match &item.kind {
            ItemKind::Star { qualifier, options } => {
                let id = qualifier.first().and_then(Ident::relation);
                let star = scope.star(qualifier, id);
                let star = self.starred(star, options, scope);
                let listed = star.columns.into_iter().map(|c| Column {
                    span: Some(item.span),
                    ..c
                });
                out.columns.extend(listed);
                out.open_as(star.open);
            }
            ItemKind::Expr { expr, alias } => {
                let found = self.resolved(expr, scope);
                let shimmed = self.shimmed.iter().any(|s| s.touches(item.span));
                let name = match alias {
                    Some(alias) => Some(alias).filter(|a| !a.is_opaque()).map(|a| &*a.name),
                    None if shimmed => None,
                    None => implicit_name(expr, self.dialect),
                };
                if alias.is_none() && matches!(expr.kind, ExprKind::Opaque) {
                    // It may print any number of columns.
                    out.spoil();
                    return;
                }
                let origin = match shimmed {
                    true => found.origin.computed(),
                    false => found.origin,
                };
                out.columns.push(Column {
                    name: name.map(Into::into),
                    span: Some(item.span),
                    expr: Some(found.expr.unwrap_or(expr)),
                    origin,
                });
            }
        }
    }

    /// A star's columns after what `except`, `replace` and `rename` do to them.
    fn starred(
        &mut self,
        mut star: Relation<'p>,
        options: &'p StarOptions,
        scope: &Scope<'_, 'p>,
    ) -> Relation<'p> {
        if options.filtered || options.except.iter().any(Ident::is_opaque) {
            return Relation::unknown();
        }
        let excepted = |c: &Column| options.except.iter().any(|e| c.is(&e.name));
        star.columns.retain(|c| !excepted(c));
        let except = options
            .except
            .iter()
            .chain(options.rename.iter().map(|r| &r.0));
        let except: Vec<_> = except.map(|e| (&*e.name).into()).collect();
        for (name, expr) in &options.replace {
            let origin = self.resolved(expr, scope).origin;
            for column in star.columns.iter_mut().filter(|c| c.is(&name.name)) {
                column.origin = origin.clone();
                column.expr = Some(expr);
            }
        }
        for (old, new) in &options.rename {
            let known = star.columns.iter_mut().find(|c| c.is(&old.name));
            match (known, &star.open) {
                (Some(column), _) => column.name = Some((&*new.name).into()),
                (None, Some(open)) => {
                    let column = Column {
                        name: Some((&*new.name).into()),
                        span: Some(new.span),
                        expr: None,
                        origin: Origin::pass(&open.nodes, &(&*old.name).into()),
                    };
                    star.columns.push(column);
                }
                (None, None) => {}
            }
        }
        if let Some(open) = &mut star.open {
            open.except.extend(except);
        }
        star
    }

    /// Remembers which columns a name came to.
    pub(super) fn read(&mut self, found: &Resolved) {
        self.reads.extend(found.origin.from.iter().cloned());
        self.undeclared.extend(found.undeclared.iter().copied());
        self.reads_more |= found.origin.how == Derivation::Unknown && found.origin.from.is_empty();
    }
}

/// Does the text of a CTE read the CTE itself?
fn reads_itself(cte: &Cte) -> bool {
    let mut found = false;
    cte.query.selects(&mut |select, _| {
        for from in &select.from {
            found |= from.factors().any(|(f, _)| {
                matches!(&f.kind, FactorKind::Name(path) if path.len() == 1 && path[0].is(&cte.name.name))
            });
        }
    });
    found
}

/// The select list, from its keyword to the first relation.
fn list_place(select: &Select) -> Option<Span> {
    let end = match select.from.first() {
        Some(from) => from.first.span.start,
        None => select.items.iter().map(|i| i.span.end).max()?,
    };
    // Text of loops and macros has places in no order: then nothing can be said to lie between.
    (end > select.keyword.end).then(|| {
        Span::new(
            select.keyword.file,
            select.keyword.end as usize,
            end as usize,
        )
    })
}

/// The relations of a select.
fn from_place(select: &Select) -> Option<Span> {
    let first = select.from.first()?.first.span;
    let factors = select.from.iter().flat_map(From::factors);
    let end = factors
        .map(|(f, join)| f.span.end.max(join.map_or(0, |j| j.span.end)))
        .max()?;
    (end > first.start).then(|| Span::new(first.file, first.start as usize, end as usize))
}

/// May an entry of a select list use the alias of one before it?
fn sees_aliases(dialect: Dialect) -> bool {
    !matches!(
        dialect,
        Dialect::BigQuery
            | Dialect::Postgres
            | Dialect::Trino
            | Dialect::Athena
            | Dialect::Mssql
            | Dialect::MySql
    )
}

/// What the database calls a column without an alias; none where that is the text of the
/// expression, or not known.
fn implicit_name(expr: &Expr, dialect: Dialect) -> Option<&str> {
    let named_by_parts = matches!(dialect, Dialect::Postgres | Dialect::Redshift);
    match &expr.kind {
        ExprKind::Column(path) => path.last().map(|i| &*i.name),
        ExprKind::Cast { value, .. } if named_by_parts => implicit_name(value, dialect),
        ExprKind::Call(call) if named_by_parts => call.name.last().map(|i| &*i.name),
        _ => None,
    }
}
