//! What a name of a column means where it stands.

use super::relation::{Column, Derivation, Found, Open, Origin, Relation, Shared};
use crate::project::NodeId;
use crate::syntax::jinja::RelationId;
use crate::syntax::sql::Dialect;
use crate::syntax::sql::tree::{Expr, Ident};

/// A relation in `from`, under the names by which columns are qualified.
pub(super) struct Binding<'p> {
    /// Its alias, or what it is called without one.
    pub(super) names: Vec<String>,
    /// Jinja's relation without an alias: `{{ ref('a') }}.id`.
    pub(super) id: Option<RelationId>,
    pub(super) relation: Shared<'p>,
    /// The other side of a semi or anti join: a condition sees it, a star does not.
    pub(super) hidden: bool,
    /// Columns of it that `using` has merged into one of the left.
    pub(super) merged: Vec<String>,
}

impl Binding<'_> {
    fn is(&self, name: &str) -> bool {
        self.names.iter().any(|n| n.eq_ignore_ascii_case(name))
    }
}

/// The relations and names that an expression may use.
pub(super) struct Scope<'s, 'p> {
    pub(super) dialect: Dialect,
    pub(super) bindings: Vec<Binding<'p>>,
    /// Columns that `using` joins made of two.
    pub(super) using: Vec<Column<'p>>,
    /// Columns of the select list so far, where an expression may use them.
    pub(super) aliases: Vec<Column<'p>>,
    /// There may be a relation that does not stand here.
    pub(super) doubtful: bool,
    /// Around a subquery or an anonymous function.
    pub(super) outer: Option<&'s Scope<'s, 'p>>,
}

/// What a name came to.
pub(super) struct Resolved<'p> {
    pub(super) origin: Origin,
    /// What makes it, where this file does.
    pub(super) expr: Option<&'p Expr>,
    /// It is none of the columns that these sources declare.
    pub(super) undeclared: Vec<NodeId>,
}

impl<'p> Resolved<'p> {
    pub(super) fn of(origin: Origin) -> Self {
        Self {
            origin,
            expr: None,
            undeclared: Vec::new(),
        }
    }

    fn column(column: &Column<'p>) -> Self {
        Self {
            expr: column.expr,
            ..Self::of(column.origin.clone())
        }
    }

    /// A field of it.
    fn field(self) -> Self {
        Self {
            origin: self.origin.computed(),
            expr: None,
            undeclared: self.undeclared,
        }
    }
}

impl<'s, 'p> Scope<'s, 'p> {
    pub(super) fn new(dialect: Dialect, outer: Option<&'s Scope<'s, 'p>>) -> Self {
        Self {
            dialect,
            bindings: Vec::new(),
            using: Vec::new(),
            aliases: Vec::new(),
            doubtful: false,
            outer,
        }
    }

    fn binding(&self, name: &str) -> Option<&Binding<'p>> {
        self.bindings.iter().find(|b| b.is(name))
    }

    /// `c`, `t.c`, `schema.t.c`, `t.c.field`.
    pub(super) fn resolve(&self, path: &[Ident]) -> Resolved<'p> {
        match path {
            [] => Resolved::of(Origin::unknown()),
            [name] => self.bare(&name.name),
            [first, rest @ ..] => self.qualified(first, rest, path),
        }
    }

    fn qualified(&self, first: &Ident, rest: &[Ident], path: &[Ident]) -> Resolved<'p> {
        let mut scope = Some(self);
        while let Some(here) = scope {
            if let Some(binding) = here.binding(&first.name) {
                let found = within(&binding.relation, &rest[0].name);
                return if rest.len() > 1 { found.field() } else { found };
            }
            // `schema.table.column`: the relation goes by its last part.
            for (i, part) in rest.iter().enumerate().take(rest.len() - 1) {
                if let Some(binding) = here.binding(&part.name) {
                    let found = within(&binding.relation, &rest[i + 1].name);
                    let deeper = rest.len() > i + 2;
                    return if deeper { found.field() } else { found };
                }
            }
            scope = here.outer;
        }
        // No relation of that name: a field of a column.
        self.bare(&path[0].name).field()
    }

    /// A name without a qualifier.
    fn bare(&self, name: &str) -> Resolved<'p> {
        let mut scope = Some(self);
        while let Some(here) = scope {
            if let Some(found) = here.bare_here(name) {
                return found;
            }
            scope = here.outer;
        }
        Resolved::of(Origin::unknown())
    }

    fn bare_here(&self, name: &str) -> Option<Resolved<'p>> {
        let alias = self.aliases.iter().find(|c| c.is(name));
        if let (Dialect::ClickHouse, Some(alias)) = (self.dialect, alias) {
            return Some(Resolved::column(alias));
        }
        if let Some(column) = self.using.iter().find(|c| c.is(name)) {
            return Some(Resolved::column(column));
        }
        let mut found: Vec<&Column<'p>> = Vec::new();
        let mut maybe: Vec<Resolved<'p>> = Vec::new();
        for binding in &self.bindings {
            match binding.relation.find(name) {
                Found::Column(column) => found.push(column),
                Found::Maybe { origin, declared } => maybe.push(Resolved {
                    undeclared: declared.to_vec(),
                    ..Resolved::of(origin)
                }),
                Found::No => {}
            }
        }
        match (&found[..], alias) {
            // Were it in another relation too, the database would refuse the name.
            ([one], _) => return Some(Resolved::column(one)),
            ([_, ..], _) => return Some(Resolved::of(Origin::unknown())),
            ([], Some(alias)) if maybe.is_empty() => return Some(Resolved::column(alias)),
            ([], Some(alias)) => return Some(alias_or(alias, &maybe)),
            ([], None) => {}
        }
        if self.doubtful && !maybe.is_empty() {
            return Some(Resolved::of(Origin::unknown()));
        }
        // What is declared to have no such column gives way to what may have it.
        if maybe.iter().any(|m| m.undeclared.is_empty()) {
            maybe.retain(|m| m.undeclared.is_empty());
        }
        match maybe.len() {
            0 => self.row(name),
            1 => maybe.pop(),
            _ => Some(Resolved::of(Origin::unknown())),
        }
    }

    /// A relation's name as a value: the whole row.
    fn row(&self, name: &str) -> Option<Resolved<'p>> {
        let relation = &self.binding(name)?.relation;
        let mut origin = Origin::new(Derivation::Computed);
        for column in &relation.columns {
            origin.join(&column.origin);
        }
        match &relation.open {
            Some(Open {
                derived: Some(derived),
                ..
            }) => origin.join(derived),
            Some(_) => origin.how = Derivation::Unknown,
            None => {}
        }
        Some(Resolved::of(origin))
    }

    /// What `*` or `t.*` gives.
    pub(super) fn star(&self, qualifier: &[Ident], id: Option<RelationId>) -> Relation<'p> {
        if qualifier.is_empty() {
            return self.whole();
        }
        let by_id = || self.bindings.iter().find(|b| id.is_some() && b.id == id);
        let by_name = || qualifier.iter().rev().find_map(|q| self.binding(&q.name));
        match by_id().or_else(by_name) {
            Some(binding) => Relation::clone(&binding.relation),
            None => Relation::unknown(),
        }
    }

    /// Every column of every relation, those of `using` once.
    pub(super) fn whole(&self) -> Relation<'p> {
        let mut out = Relation::default();
        // DuckDB and ClickHouse leave a merged column at its place in the left relation; standard
        // SQL puts it first.
        let in_place = matches!(self.dialect, Dialect::DuckDb | Dialect::ClickHouse);
        let mut placed = vec![false; self.using.len()];
        if !in_place {
            out.columns.extend(self.using.iter().cloned());
            placed.fill(true);
        }
        for binding in self.bindings.iter().filter(|b| !b.hidden) {
            for column in &binding.relation.columns {
                let merged = column
                    .name
                    .as_ref()
                    .is_some_and(|n| binding.merged.iter().any(|m| m.eq_ignore_ascii_case(n)));
                if !merged {
                    out.columns.push(column.clone());
                    continue;
                }
                let both = self.using.iter().zip(&mut placed);
                for (using, placed) in both.filter(|(u, placed)| {
                    !**placed && column.name.as_ref().is_some_and(|n| u.is(n))
                }) {
                    *placed = true;
                    out.columns.push(using.clone());
                }
            }
            let mut open = binding.relation.open.clone();
            if let Some(open) = &mut open {
                let merged = binding.merged.iter().map(|m| m.as_str().into());
                open.except.extend(merged);
            }
            out.open_as(open);
        }
        let rest = self.using.iter().zip(placed).filter(|(_, placed)| !placed);
        out.columns.extend(rest.map(|(u, _)| u.clone()));
        if self.doubtful {
            out.spoil();
        }
        out
    }
}

fn within<'p>(relation: &Relation<'p>, name: &str) -> Resolved<'p> {
    match relation.find(name) {
        Found::Column(column) => Resolved::column(column),
        Found::Maybe { origin, declared } => Resolved {
            undeclared: declared.to_vec(),
            ..Resolved::of(origin)
        },
        Found::No => Resolved::of(Origin::unknown()),
    }
}

/// A name that the select list has, and that a relation may have, too.
fn alias_or<'p>(alias: &Column<'p>, maybe: &[Resolved<'p>]) -> Resolved<'p> {
    let listed = maybe.iter().all(|m| !m.undeclared.is_empty());
    let same = maybe.len() == 1 && maybe[0].origin == alias.origin;
    match listed || same {
        true => Resolved::column(alias),
        false => Resolved::of(Origin::unknown()),
    }
}
