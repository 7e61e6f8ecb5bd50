//! The columns of one file's SQL where they stand: what a name means in a select, and what the
//! branches of a set operation output.

use super::Lineage;
use super::reader::Reader;
use super::relation::{Origin, Relation, Shared};
use super::scope::{Binding, Resolved, Scope};
use crate::project::Node;
use crate::syntax::sql::Dialect;
use crate::syntax::sql::tree::{Body, Expr, Ident, Query, Select};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// The columns of one reading of a file, see [`Lineage::places`].
pub struct Places<'p> {
    dialect: Dialect,
    selects: FxHashMap<*const Select, Here<'p>>,
    branches: FxHashMap<*const Body, Vec<Arc<str>>>,
}

/// The relations of a select, as [`Binding`] has them.
struct Here<'p> {
    bindings: Vec<(Vec<String>, Shared<'p>)>,
    /// There may be a relation that does not stand here.
    doubtful: bool,
}

/// What a name of a column came to.
pub struct Meaning<'p> {
    /// Where it comes from.
    pub origin: Origin,
    /// The expression of this file that makes it, where one does.
    pub expr: Option<&'p Expr>,
}

impl<'p> Places<'p> {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            selects: FxHashMap::default(),
            branches: FxHashMap::default(),
        }
    }

    pub(super) fn select(&mut self, select: &Select, scope: &Scope<'_, 'p>) {
        let here = Here {
            bindings: scope
                .bindings
                .iter()
                .map(|b| (b.names.clone(), b.relation.clone()))
                .collect(),
            doubtful: scope.doubtful,
        };
        self.selects.insert(select, here);
    }

    pub(super) fn branch(&mut self, branch: &Body, relation: &Relation) {
        let names = relation.columns.iter().map(|c| c.name.clone());
        if relation.open.is_none()
            && let Some(names) = names.collect::<Option<Vec<_>>>()
        {
            self.branches.insert(branch, names);
        }
    }

    /// What a name means in the clauses of a select; none where the select was not read.
    pub fn resolve(&self, select: &Select, path: &[Ident]) -> Option<Meaning<'p>> {
        let here = self.selects.get(&std::ptr::from_ref(select))?;
        let mut scope = Scope::new(self.dialect, None);
        scope.doubtful = here.doubtful;
        scope.bindings = here
            .bindings
            .iter()
            .map(|(names, relation)| Binding {
                names: names.clone(),
                id: None,
                relation: relation.clone(),
                hidden: false,
                merged: Vec::new(),
            })
            .collect();
        let Resolved { origin, expr, .. } = scope.resolve(path);
        Some(Meaning { origin, expr })
    }

    /// The names of all columns of a branch of a set operation, in order; none where one is not
    /// known.
    pub fn branch_names(&self, branch: &Body) -> Option<&[Arc<str>]> {
        self.branches
            .get(&std::ptr::from_ref(branch))
            .map(Vec::as_slice)
    }
}

impl<'p> Lineage<'p> {
    /// The columns of one reading of a node's file where they stand. Nothing is kept of it.
    pub fn places(&self, node: &'p Node, query: &'p Query) -> Places<'p> {
        // Parents first.
        self.output(node.id);
        let places = Places::new(self.project.dialect.dialect);
        let Some(sql) = &node.sql else { return places };
        let mut reader = Reader::new(self, node, &sql.printed, &sql.doubtful, &sql.shimmed);
        reader.places = Some(places);
        reader.query(query, None);
        let none = || Places::new(self.project.dialect.dialect);
        reader.places.take().unwrap_or_else(none)
    }
}
