//! Reads the columns of one node's SQL: what its query outputs, and which columns of others it
//! reads on the way.

use super::Lineage;
use super::places::Places;
use super::relation::{Column, ColumnOf, Derivation, Open, Origin, Relation, Shared, union};
use super::scope::{Binding, Resolved, Scope};
use crate::project::{Node, NodeId, Resolution};
use crate::syntax::jinja::{RelationId, RelationRef};
use crate::syntax::sql::Dialect;
use crate::syntax::sql::tree::{
    Body, Constraint, Cte, Expr, ExprKind, Factor, FactorKind, From, Ident, Item, ItemKind, Join,
    JoinKind, Query, Select, SetOp, StarOptions,
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
    node: &'p Node,
    /// The nodes whose columns are known before it is read.
    parents: Vec<NodeId>,
    /// What its relations name.
    printed: &'p [RelationRef],
    /// Where a run may send something else.
    doubtful: &'p [Span],
    /// What the SQL parser was not shown.
    shimmed: &'p [Span],
    pub(super) dialect: Dialect,
    /// CTEs that are visible, inner ones last.
    ctes: Vec<(&'p Ident, Shared<'p>)>,
    outside: FxHashMap<RelationId, Shared<'p>>,
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

    fn relation(&self, id: RelationId) -> &'p RelationRef {
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
        let clauses = [&select.filter, &select.having, &select.qualify];
        let groups = select.group_by.iter().flatten();
        let others = groups.chain(&select.others);
        for e in clauses.into_iter().flatten().chain(others) {
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

    fn from(&mut self, from: &'p From, scope: &mut Scope<'_, 'p>) {
        let start = scope.bindings.len();
        self.factor(&from.first, scope);
        for join in &from.joins {
            let right = scope.bindings.len();
            self.factor(&join.factor, scope);
            self.join(join, start, right, scope);
        }
    }

    fn join(&mut self, join: &'p Join, start: usize, right: usize, scope: &mut Scope<'_, 'p>) {
        match &join.constraint {
            Constraint::On(on) => {
                self.expr(on, scope);
            }
            Constraint::Using(names) => {
                for name in names.iter().filter(|n| !n.is_opaque()) {
                    self.using(&name.name, join.kind, start, right, scope);
                }
            }
            Constraint::Natural => {
                let (left, new) = scope.bindings[start..].split_at(right - start);
                let closed = |b: &Binding| b.relation.open.is_none();
                if left.iter().chain(new).all(closed) {
                    let left: Vec<_> = left.iter().flat_map(|b| &b.relation.columns).collect();
                    let names = new.iter().flat_map(|b| &b.relation.columns);
                    let names = names.filter_map(|c| c.name.as_deref());
                    let common = names.filter(|n| left.iter().any(|c| c.is(n)));
                    let common: Vec<String> = common.map(str::to_owned).collect();
                    for name in common {
                        self.using(&name, join.kind, start, right, scope);
                    }
                } else {
                    scope.doubtful = true;
                }
            }
            Constraint::None => {}
        }
        if join.kind == JoinKind::Filtering {
            for binding in &mut scope.bindings[right..] {
                binding.hidden = true;
            }
        }
    }

    /// Two columns of one name become one.
    fn using(
        &mut self,
        name: &str,
        kind: JoinKind,
        start: usize,
        right: usize,
        scope: &mut Scope<'_, 'p>,
    ) {
        let known = scope.using.iter().position(|c| c.is(name));
        let mut sides = [right..scope.bindings.len(), start..right].map(|range| {
            let mut side = Scope::new(self.dialect, None);
            for binding in &mut scope.bindings[range] {
                binding.merged.push(name.to_owned());
                side.bindings.push(Binding {
                    names: Vec::new(),
                    id: None,
                    relation: binding.relation.clone(),
                    hidden: false,
                    merged: Vec::new(),
                });
            }
            if let Some(i) = known {
                side.using.push(scope.using[i].clone());
            }
            side
        });
        // The left side knows what earlier joins have merged; the right one stands alone.
        sides[0].using.clear();
        let ident = [Ident {
            name: name.into(),
            quoted: false,
            span: Span::whole(self.node.file),
        }];
        let [new, old] = sides.map(|side| side.resolve(&ident));
        self.read(&new);
        self.read(&old);
        let found = match kind {
            JoinKind::Right => new,
            JoinKind::Full => {
                let mut both = old;
                both.origin.join(&new.origin);
                Resolved { expr: None, ..both }
            }
            _ => old,
        };
        let column = Column {
            name: Some(name.into()),
            span: None,
            expr: found.expr,
            origin: found.origin,
        };
        match known {
            Some(i) => scope.using[i] = column,
            None => scope.using.push(column),
        }
    }

    fn factor(&mut self, factor: &'p Factor, scope: &mut Scope<'_, 'p>) {
        let mut names: Vec<String> = Vec::new();
        let mut id = None;
        let relation: Shared<'p> = match &factor.kind {
            FactorKind::Nested(inner) if factor.alias.is_none() => {
                return self.from(inner, scope);
            }
            FactorKind::Relation(relation) => {
                id = Some(*relation);
                names = self.names_of(*relation);
                self.outside(*relation)
            }
            FactorKind::Name(path) => self.named(path),
            FactorKind::Subquery { query, .. } => Rc::new(self.query(query, Some(scope))),
            FactorKind::Function { name, args } => {
                Rc::new(self.function(factor, name, args, scope))
            }
            FactorKind::Nested(inner) => {
                let mut nested = Scope::new(self.dialect, scope.outer);
                self.from(inner, &mut nested);
                Rc::new(nested.whole())
            }
            FactorKind::Derived(inner, exprs) => {
                let mut nested = Scope::new(self.dialect, scope.outer);
                self.factor(inner, &mut nested);
                for e in exprs {
                    self.expr(e, &nested);
                }
                Rc::new(Relation::unknown())
            }
            FactorKind::Opaque => Rc::new(Relation::unknown()),
        };
        let relation = match &factor.alias_columns[..] {
            [] => relation,
            columns => {
                let columns = columns.iter().map(|c| (&*c.name, c.span));
                let relation = Relation::clone(&relation);
                Rc::new(relation.renamed(columns))
            }
        };
        if let Some(binding) = factor.binding() {
            names = vec![binding.name.to_string()];
        }
        if factor.alias.is_some() {
            id = None;
        }
        scope.bindings.push(Binding {
            names,
            id,
            relation,
            hidden: false,
            merged: Vec::new(),
        });
    }

    /// A CTE, or a table of which nothing is known.
    fn named(&self, path: &[Ident]) -> Shared<'p> {
        let cte = match path {
            [one] => self.ctes.iter().rev().find(|(name, _)| name.is(&one.name)),
            _ => None,
        };
        cte.map_or_else(|| Rc::new(Relation::unknown()), |(_, r)| r.clone())
    }

    /// A table function: what it gives is made of its arguments.
    fn function(
        &mut self,
        factor: &'p Factor,
        name: &[Ident],
        args: &'p [Expr],
        scope: &Scope<'_, 'p>,
    ) -> Relation<'p> {
        let mut origin = Origin::new(Derivation::Computed);
        for arg in args {
            origin.join(&self.expr(arg, scope));
        }
        let is_flatten = name.last().is_some_and(|n| n.is("flatten"));
        // `table(flatten(…))`
        let wraps_flatten = name.is_empty()
            && matches!(args, [Expr { kind: ExprKind::Call(call), .. }] if call.function() == "flatten");
        let columns: Vec<&str> = if is_flatten || wraps_flatten {
            vec!["seq", "key", "path", "index", "value", "this"]
        } else {
            // `unnest(items) as item` names the value as well as the relation.
            factor.alias.iter().map(|a| &*a.name).collect()
        };
        let columns = columns.into_iter().map(|name| Column {
            name: Some(name.into()),
            span: Some(factor.span),
            expr: None,
            origin: origin.clone(),
        });
        Relation {
            columns: columns
                .filter(|_| factor.alias_columns.is_empty())
                .collect(),
            open: Some(Open {
                derived: Some(origin.clone()),
                ..Open::default()
            }),
        }
    }

    fn parent(&self, id: RelationId) -> Option<NodeId> {
        match self.lineage.project.resolve(self.node, self.relation(id)) {
            Resolution::Found(parent) | Resolution::Disabled(parent) => Some(parent),
            _ => None,
        }
    }

    /// The names by which a relation without an alias goes.
    fn names_of(&self, id: RelationId) -> Vec<String> {
        if *self.relation(id) == RelationRef::This {
            return vec![self.node.name.clone()];
        }
        let Some(parent) = self.parent(id) else {
            return Vec::new();
        };
        let parent = self.lineage.project.node(parent);
        let alias = ["alias", "identifier"]
            .into_iter()
            .filter_map(|key| parent.config.text(key))
            .map(str::to_owned);
        alias.chain([parent.name.clone()]).collect()
    }

    fn outside(&mut self, id: RelationId) -> Shared<'p> {
        if let Some(known) = self.outside.get(&id) {
            return known.clone();
        }
        let relation = match self.parent(id) {
            Some(parent) if self.parents.contains(&parent) => self.lineage.seen_by_readers(parent),
            // Disabled, on a cycle, or not a parent as the manifest has it.
            Some(parent) => Relation {
                columns: Vec::new(),
                open: Some(Open {
                    nodes: vec![parent],
                    ..Open::default()
                }),
            },
            None => Relation::unknown(),
        };
        let relation = Rc::new(relation);
        self.outside.insert(id, relation.clone());
        relation
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
