//! What an expression is made of.

use super::reader::Reader;
use super::relation::{Column, Derivation, Origin, Relation};
use super::scope::{Binding, Resolved, Scope};
use crate::syntax::sql::tree::{Expr, ExprKind, Ident};
use std::rc::Rc;

/// Functions that are written without parentheses.
const BARE_CALLS: &[&str] = &[
    "current_date",
    "current_time",
    "current_timestamp",
    "localtime",
    "localtimestamp",
    "sysdate",
    "systimestamp",
    "current_user",
    "session_user",
];

impl<'p> Reader<'_, 'p> {
    /// Where an expression comes from; what it names is remembered as read.
    pub(super) fn expr(&mut self, expr: &'p Expr, scope: &Scope<'_, 'p>) -> Origin {
        self.resolved(expr, scope).origin
    }

    pub(super) fn resolved(&mut self, expr: &'p Expr, scope: &Scope<'_, 'p>) -> Resolved<'p> {
        let ExprKind::Column(path) = &expr.kind else {
            return Resolved::of(self.made_of(expr, scope));
        };
        let found = scope.resolve(path);
        if let ([one], Derivation::Unknown) = (&path[..], found.origin.how)
            && !one.quoted
            && BARE_CALLS.iter().any(|f| one.is(f))
        {
            return Resolved::of(Origin::new(Derivation::Computed));
        }
        self.read(&found);
        found
    }

    fn made_of(&mut self, expr: &'p Expr, scope: &Scope<'_, 'p>) -> Origin {
        match &expr.kind {
            ExprKind::Literal(_) => Origin::new(Derivation::Constant),
            ExprKind::Opaque => {
                self.reads_more = true;
                Origin::unknown()
            }
            // A form whose parts are not in the tree.
            ExprKind::Other(parts) if parts.is_empty() => {
                self.reads_more = true;
                Origin::unknown()
            }
            ExprKind::Lambda(params, body) => {
                let inner = lambda(params, scope);
                self.expr(body, &inner)
            }
            ExprKind::Subquery(query, parts) => {
                let mut origin = Origin::new(Derivation::Computed);
                let found = self.query(query, Some(scope));
                for column in &found.columns {
                    origin.join(&column.origin);
                }
                if found.open.is_some() {
                    origin.how = Derivation::Unknown;
                }
                for part in parts {
                    origin.join(&self.expr(part, scope));
                }
                origin
            }
            ExprKind::Call(_) => {
                let mut origin = Origin::new(Derivation::Computed);
                self.parts(expr, scope, &mut origin);
                origin
            }
            _ => {
                let mut origin = Origin::new(Derivation::Constant);
                self.parts(expr, scope, &mut origin);
                match origin.how {
                    Derivation::Pass => origin.computed(),
                    _ => origin,
                }
            }
        }
    }

    fn parts(&mut self, expr: &'p Expr, scope: &Scope<'_, 'p>, origin: &mut Origin) {
        for part in expr.children() {
            origin.join(&self.expr(part, scope));
        }
    }
}

/// An anonymous function sees its parameters before anything else.
fn lambda<'s, 'p>(params: &[Ident], outer: &'s Scope<'s, 'p>) -> Scope<'s, 'p> {
    let mut scope = Scope::new(outer.dialect, Some(outer));
    let column = |p: &Ident| Column {
        name: Some((&*p.name).into()),
        span: Some(p.span),
        expr: None,
        origin: Origin::new(Derivation::Computed),
    };
    scope.bindings.push(Binding {
        names: Vec::new(),
        id: None,
        relation: Rc::new(Relation {
            columns: params.iter().map(column).collect(),
            open: None,
        }),
        hidden: false,
        merged: Vec::new(),
    });
    scope
}
