//! What stands in `from`: relations under the names that columns are qualified by, and what joins
//! make of them.

use super::reader::Reader;
use super::relation::{Column, Derivation, Open, Origin, Relation, Shared};
use super::scope::{Binding, Resolved, Scope};
use crate::project::{NodeId, Resolution};
use crate::syntax::jinja::{RelationId, RelationRef};
use crate::syntax::sql::tree::{
    Constraint, Expr, ExprKind, Factor, FactorKind, From, Ident, Join, JoinKind,
};
use crate::text::Span;
use std::rc::Rc;

impl<'p> Reader<'_, 'p> {
    pub(super) fn from(&mut self, from: &'p From, scope: &mut Scope<'_, 'p>) {
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
}
