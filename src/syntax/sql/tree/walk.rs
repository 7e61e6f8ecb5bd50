//! Ways through the tree: the parts of an expression, the expressions of a select, the queries in a
//! query with what names mean there.

use super::*;

impl Expr {
    /// Its direct parts.
    pub fn children(&self) -> Vec<&Expr> {
        match &self.kind {
            ExprKind::Column(_) | ExprKind::Literal(_) | ExprKind::Opaque => Vec::new(),
            ExprKind::Call(call) => {
                let mut parts: Vec<&Expr> = call.args.iter().chain(&call.ordered_by).collect();
                if let Some(over) = &call.over {
                    parts.extend(over.partition_by.iter().chain(&over.order_by));
                }
                parts.extend(&call.filter);
                parts
            }
            ExprKind::And(parts)
            | ExprKind::Or(parts)
            | ExprKind::Arithmetic(_, parts)
            | ExprKind::Other(parts)
            | ExprKind::Subquery(_, parts) => parts.iter().collect(),
            ExprKind::Not(e)
            | ExprKind::IsNull { value: e, .. }
            | ExprKind::Cast { value: e, .. }
            | ExprKind::Lambda(_, e) => {
                vec![e]
            }
            ExprKind::Compare(_, parts) => parts.iter().collect(),
            ExprKind::Between(parts) => parts.iter().collect(),
            ExprKind::InList { value, list, .. } => std::iter::once(&**value).chain(list).collect(),
            ExprKind::Case {
                operand,
                whens,
                otherwise,
            } => operand
                .iter()
                .map(|e| &**e)
                .chain(whens.iter().flat_map(|(c, r)| [c, r]))
                .chain(otherwise.iter().map(|e| &**e))
                .collect(),
            ExprKind::Access(value, keys) => std::iter::once(&**value).chain(keys).collect(),
        }
    }

    /// Visits it and everything below it, subqueries' own expressions excepted.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        visit(self);
        for child in self.children() {
            child.walk(visit);
        }
    }
}

impl Factor {
    fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        match &self.kind {
            FactorKind::Function { args, .. } => args.iter().for_each(|e| e.walk(visit)),
            FactorKind::Nested(from) => from.walk(visit),
            FactorKind::Derived(inner, exprs) => {
                inner.walk(visit);
                exprs.iter().for_each(|e| e.walk(visit));
            }
            _ => {}
        }
    }
}

impl From {
    /// Visits every expression in it and everything below it, subqueries' own excepted.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        for (factor, join) in self.factors() {
            factor.walk(visit);
            if let Some(Constraint::On(on)) = join.map(|j| &j.constraint) {
                on.walk(visit);
            }
        }
    }
}

impl Item {
    /// Its expression, or those that `replace` puts in the place of a star's columns.
    pub fn exprs(&self) -> impl Iterator<Item = &Expr> {
        let (own, replaced): (_, &[_]) = match &self.kind {
            ItemKind::Expr { expr, .. } => (Some(expr), &[]),
            ItemKind::Star { options, .. } => (None, &options.replace),
        };
        own.into_iter().chain(replaced.iter().map(|(_, e)| e))
    }
}

impl Select {
    /// Visits every expression of its clauses and everything below it, subqueries' own excepted.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        for e in self.items.iter().flat_map(Item::exprs) {
            e.walk(visit);
        }
        for from in &self.from {
            from.walk(visit);
        }
        for e in self.clauses() {
            e.walk(visit);
        }
    }

    /// The expressions of its clauses, those of the select list and of `from` aside.
    pub fn clauses(&self) -> impl Iterator<Item = &Expr> {
        let clauses = [&self.filter, &self.having, &self.qualify];
        let groups = self.group_by.iter().flatten();
        let clauses = clauses.into_iter().flatten().chain(groups);
        clauses.chain(&self.others)
    }

    /// Does it hold an aggregate that is no window function?
    pub fn aggregates(&self) -> bool {
        let mut found = false;
        for expr in self.items.iter().flat_map(Item::exprs) {
            expr.walk(&mut |e| {
                found |= matches!(&e.kind, ExprKind::Call(call) if call.is_aggregate());
            });
        }
        found
    }
}

/// What names mean where a select stands.
#[derive(Debug, Default)]
pub struct Scope<'a> {
    /// CTEs that are visible there, inner ones last.
    pub ctes: Vec<&'a Cte>,
    /// The CTEs it is a part of, the innermost last.
    pub within: Vec<&'a Cte>,
    /// The selects around it in the same query, whose aliases a correlated subquery may use.
    pub outer: Vec<&'a Select>,
}

impl Query {
    /// Visits every select of the query: its CTEs', its branches', and those of subqueries
    /// wherever they stand. `scope` holds the CTEs that are visible there, inner ones last.
    pub fn selects<'a>(&'a self, visit: &mut dyn FnMut(&'a Select, &[&'a Cte])) {
        self.selects_in_scope(&mut |select, scope| visit(select, &scope.ctes));
    }

    /// As [`Query::selects`], with all that a name may mean there.
    pub fn selects_in_scope<'a>(&'a self, visit: &mut dyn FnMut(&'a Select, &Scope<'a>)) {
        self.visit(&mut Scope::default(), &mut |seen, scope| {
            if let Seen::Select(select) = seen {
                visit(select, scope);
            }
        });
    }

    /// Visits every query: itself, its CTEs, those in parentheses and those of subqueries.
    pub fn queries<'a>(&'a self, visit: &mut dyn FnMut(&'a Query, &Scope<'a>)) {
        self.visit(&mut Scope::default(), &mut |seen, scope| {
            if let Seen::Query(query) = seen {
                visit(query, scope);
            }
        });
    }

    /// Visits every set operation, with its operator, whether it goes by name, and its branches.
    pub fn sets<'a>(&'a self, visit: &mut dyn FnMut(&'a Body, &Scope<'a>)) {
        self.visit(&mut Scope::default(), &mut |seen, scope| {
            if let Seen::Set(set) = seen {
                visit(set, scope);
            }
        });
    }

    /// Does Jinja print columns, or whole queries, that are not known?
    pub fn has_unknown_columns(&self) -> bool {
        let mut found = false;
        self.selects(&mut |select, _| {
            found |= select.items.iter().any(|item| match &item.kind {
                ItemKind::Expr { expr, alias: None } => matches!(expr.kind, ExprKind::Opaque),
                ItemKind::Expr { alias, .. } => alias.as_ref().is_some_and(Ident::is_opaque),
                ItemKind::Star { .. } => false,
            });
            let factors = select.from.iter().flat_map(From::factors);
            found |= factors
                .map(|(f, _)| f)
                .any(|f| matches!(f.kind, FactorKind::Opaque));
        });
        found
    }

    fn visit<'a>(&'a self, scope: &mut Scope<'a>, visit: &mut dyn FnMut(Seen<'a>, &Scope<'a>)) {
        visit(Seen::Query(self), scope);
        let outer = scope.ctes.len();
        for cte in &self.ctes {
            // A CTE sees those before it, and itself if it is recursive; a recursive reference to
            // itself is a CTE all the same.
            scope.ctes.push(cte);
            scope.within.push(cte);
            cte.query.visit(scope, visit);
            scope.within.pop();
        }
        visit_body(&self.body, scope, visit);
        for e in &self.order_by {
            visit_expr(e, scope, visit);
        }
        scope.ctes.truncate(outer);
    }
}

/// What a walk comes by.
enum Seen<'a> {
    Query(&'a Query),
    Select(&'a Select),
    Set(&'a Body),
}

fn visit_body<'a>(
    body: &'a Body,
    scope: &mut Scope<'a>,
    visit: &mut dyn FnMut(Seen<'a>, &Scope<'a>),
) {
    match body {
        Body::Select(select) => {
            visit(Seen::Select(select), scope);
            scope.outer.push(select);
            for from in &select.from {
                visit_from(from, scope, visit);
            }
            let listed = select.items.iter().flat_map(Item::exprs);
            for e in listed.chain(select.clauses()) {
                visit_expr(e, scope, visit);
            }
            scope.outer.pop();
        }
        Body::Set { branches, .. } => {
            visit(Seen::Set(body), scope);
            for branch in branches {
                visit_body(branch, scope, visit);
            }
        }
        Body::Query(query) => query.visit(scope, visit),
        Body::Values(_) | Body::Other(_) | Body::Unread(_) => {}
    }
}

fn visit_from<'a>(
    from: &'a From,
    scope: &mut Scope<'a>,
    visit: &mut dyn FnMut(Seen<'a>, &Scope<'a>),
) {
    for (factor, join) in from.factors() {
        visit_factor(factor, scope, visit);
        if let Some(Join {
            constraint: Constraint::On(on),
            ..
        }) = join
        {
            visit_expr(on, scope, visit);
        }
    }
}

fn visit_factor<'a>(
    factor: &'a Factor,
    scope: &mut Scope<'a>,
    visit: &mut dyn FnMut(Seen<'a>, &Scope<'a>),
) {
    match &factor.kind {
        FactorKind::Subquery { query, .. } => query.visit(scope, visit),
        FactorKind::Nested(from) => visit_from(from, scope, visit),
        FactorKind::Derived(inner, exprs) => {
            visit_factor(inner, scope, visit);
            for e in exprs {
                visit_expr(e, scope, visit);
            }
        }
        FactorKind::Function { args, .. } => {
            for e in args {
                visit_expr(e, scope, visit);
            }
        }
        _ => {}
    }
}

fn visit_expr<'a>(
    expr: &'a Expr,
    scope: &mut Scope<'a>,
    visit: &mut dyn FnMut(Seen<'a>, &Scope<'a>),
) {
    if let ExprKind::Subquery(query, _) = &expr.kind {
        query.visit(scope, visit);
    }
    for child in expr.children() {
        visit_expr(child, scope, visit);
    }
}
