//! sqlparser's tree to ours: what stands in `from`.

use super::lower::{Lower, NOWHERE, Out, both, join};
use super::parse::{MarkKind, bytes};
use super::placeholder;
use super::tree::*;
use crate::syntax::jinja::RelationId;
use sqlparser::ast as sp;
use sqlparser::keywords::Keyword;

impl Lower<'_> {
    pub(super) fn from(&self, from: &sp::TableWithJoins) -> (From, Out) {
        let (first, mut at) = self.factor(&from.relation);
        let mut joins = Vec::with_capacity(from.joins.len());
        for j in &from.joins {
            let (mut factor, factor_at) = self.factor(&j.relation);
            if is_array_join(&j.join_operator) {
                array_of_row(&mut factor);
            }
            let (kind, constraint, constraint_at) = self.join_operator(&j.join_operator);
            let keywords = self.join_keywords(factor_at.clone());
            at = join(join(at, factor_at.clone()), constraint_at);
            joins.push(Join {
                span: self.span(join(keywords, factor_at)),
                kind,
                factor,
                constraint,
            });
        }
        (From { first, joins }, at)
    }

    /// The words of the join before a joined relation (`left outer join`), which have no span.
    fn join_keywords(&self, factor: Out) -> Out {
        if factor.start > factor.end {
            return NOWHERE;
        }
        let first = self.code.partition_point(|t| t.end <= factor.start);
        let mut at = NOWHERE;
        for mark in self.code[..first].iter().rev() {
            match mark.kind {
                MarkKind::Keyword(k) if JOIN_WORDS.contains(&k) => {
                    at = join(at, mark.start..mark.end);
                }
                MarkKind::Open if at.start > at.end => {}
                _ => break,
            }
        }
        at
    }

    fn join_operator(&self, op: &sp::JoinOperator) -> (JoinKind, Constraint, Out) {
        use sp::JoinOperator as J;
        let (kind, constraint) = match op {
            J::Join(c) | J::Inner(c) | J::StraightJoin(c) => (JoinKind::Inner, Some(c)),
            J::Left(c) | J::LeftOuter(c) => (JoinKind::Left, Some(c)),
            J::Right(c) | J::RightOuter(c) => (JoinKind::Right, Some(c)),
            J::FullOuter(c) => (JoinKind::Full, Some(c)),
            J::CrossJoin(c) => (JoinKind::Cross, Some(c)),
            J::Semi(c) | J::LeftSemi(c) | J::RightSemi(c) => (JoinKind::Filtering, Some(c)),
            J::Anti(c) | J::LeftAnti(c) | J::RightAnti(c) => (JoinKind::Filtering, Some(c)),
            J::AsOf { constraint, .. } => (JoinKind::Other, Some(constraint)),
            _ => (JoinKind::Other, None),
        };
        // `asof join … match_condition (…) on …`: both must hold.
        let matched = match op {
            J::AsOf {
                match_condition, ..
            } => Some(self.expr(match_condition)),
            _ => None,
        };
        match constraint {
            Some(sp::JoinConstraint::On(e)) => {
                let (e, at) = self.expr(e);
                let (matched, matched_at) = matched.unzip();
                let at = join(at, matched_at.unwrap_or(NOWHERE));
                match both(matched, Some(e)) {
                    Some(e) => (kind, Constraint::On(e), at),
                    None => (kind, Constraint::None, at),
                }
            }
            Some(sp::JoinConstraint::Using(names)) => {
                let mut at = NOWHERE;
                let mut columns = Vec::new();
                for name in names {
                    let (mut idents, name_at) = self.name(name);
                    at = join(at, name_at);
                    columns.extend(idents.pop());
                }
                (kind, Constraint::Using(columns), at)
            }
            Some(sp::JoinConstraint::Natural) => (kind, Constraint::Natural, NOWHERE),
            _ => (kind, Constraint::None, NOWHERE),
        }
    }

    fn factor(&self, factor: &sp::TableFactor) -> (Factor, Out) {
        use sp::TableFactor as T;
        let (kind, at, alias) = match factor {
            T::Table {
                name, alias, args, ..
            } => {
                let (idents, at) = self.name(name);
                let kind = match args {
                    Some(args) => FactorKind::Function {
                        name: idents,
                        args: self.function_args(&args.args),
                    },
                    None if name.0.iter().all(is_plain) => named_factor(idents),
                    // `identifier('…')`.
                    None => FactorKind::Opaque,
                };
                (kind, at, alias)
            }
            T::Derived {
                lateral,
                subquery,
                alias,
                ..
            } => {
                let (query, at) = self.query(subquery);
                let kind = FactorKind::Subquery {
                    query: Box::new(query),
                    lateral: *lateral,
                };
                (kind, at, alias)
            }
            T::TableFunction { expr, alias } => {
                let (e, at) = self.expr(expr);
                let kind = FactorKind::Function {
                    name: Vec::new(),
                    args: vec![e],
                };
                (kind, at, alias)
            }
            T::Function {
                name, args, alias, ..
            } => {
                let (name, at) = self.name(name);
                let args = self.function_args(args);
                (FactorKind::Function { name, args }, at, alias)
            }
            T::UNNEST {
                alias, array_exprs, ..
            } => {
                let mut at = NOWHERE;
                let mut args = Vec::new();
                for e in array_exprs {
                    let (e, e_at) = self.expr(e);
                    at = join(at, e_at);
                    args.push(e);
                }
                let name = Vec::new();
                (FactorKind::Function { name, args }, at, alias)
            }
            T::NestedJoin {
                table_with_joins,
                alias,
            } => {
                let (from, at) = self.from(table_with_joins);
                (FactorKind::Nested(Box::new(from)), at, alias)
            }
            T::Pivot { table, alias, .. }
            | T::Unpivot { table, alias, .. }
            | T::MatchRecognize { table, alias, .. } => {
                let (inner, at) = self.factor(table);
                let exprs = self.pivot_exprs(factor);
                (FactorKind::Derived(Box::new(inner), exprs), at, alias)
            }
            T::JsonTable { alias, .. }
            | T::OpenJsonTable { alias, .. }
            | T::XmlTable { alias, .. }
            | T::SemanticView { alias, .. } => (FactorKind::Opaque, NOWHERE, alias),
            T::UnpivotExpr { .. } => (FactorKind::Opaque, NOWHERE, &None),
        };
        let alias_at = alias.as_ref().map(|a| bytes(a.name.span));
        let factor = Factor {
            span: self.span(at.clone()),
            alias: alias.as_ref().map(|a| self.ident(&a.name)),
            alias_columns: alias
                .iter()
                .flat_map(|a| self.idents(a.columns.iter().map(|c| &c.name)))
                .collect(),
            kind,
        };
        (factor, join(at, alias_at.unwrap_or(NOWHERE)))
    }

    /// What `pivot` and `unpivot` make new columns of.
    fn pivot_exprs(&self, factor: &sp::TableFactor) -> Vec<Expr> {
        use sp::TableFactor as T;
        let mut exprs: Vec<&sp::Expr> = Vec::new();
        let mut subquery = None;
        match factor {
            T::Pivot {
                aggregate_functions,
                value_column,
                value_source,
                default_on_null,
                ..
            } => {
                exprs.extend(aggregate_functions.iter().map(|f| &f.expr));
                exprs.extend(value_column);
                exprs.extend(default_on_null);
                match value_source {
                    sp::PivotValueSource::List(_) => {}
                    sp::PivotValueSource::Any(order) => {
                        exprs.extend(order.iter().map(|o| &o.expr));
                    }
                    sp::PivotValueSource::Subquery(query) => subquery = Some(query),
                }
            }
            T::Unpivot { columns, .. } => exprs.extend(columns.iter().map(|c| &c.expr)),
            _ => {}
        }
        let mut out: Vec<Expr> = exprs.into_iter().map(|e| self.expr(e).0).collect();
        out.extend(subquery.map(|query| {
            let (query, at) = self.query(query);
            Expr {
                span: self.span(at),
                kind: ExprKind::Subquery(Box::new(query), Vec::new()),
            }
        }));
        out
    }
}

/// ClickHouse's join with an array of the same row.
pub(super) fn is_array_join(op: &sp::JoinOperator) -> bool {
    use sp::JoinOperator as J;
    matches!(op, J::ArrayJoin | J::LeftArrayJoin | J::InnerArrayJoin)
}

/// BigQuery and Redshift: `from t, t.items`, an array of the row, as `unnest`'s argument.
pub(super) fn path_of_row(part: &mut From, before: &[From]) {
    let FactorKind::Name(path) = &part.first.kind else {
        return;
    };
    let [first, _, ..] = &path[..] else { return };
    let mut known = before.iter().flat_map(From::factors);
    if known.any(|(f, _)| f.binding().is_some_and(|b| b.is(&first.name))) {
        array_of_row(&mut part.first);
    }
}

/// What an array join names is a column of the row, as `unnest`'s argument is.
pub(super) fn array_of_row(factor: &mut Factor) {
    if let FactorKind::Name(name) = &mut factor.kind {
        let column = Expr {
            span: factor.span,
            kind: ExprKind::Column(std::mem::take(name)),
        };
        factor.kind = FactorKind::Function {
            name: Vec::new(),
            args: vec![column],
        };
    }
}

fn is_plain(part: &sp::ObjectNamePart) -> bool {
    matches!(part, sp::ObjectNamePart::Identifier(_))
}

/// A name in `from`: Jinja's relation, something unknown, or the user's own.
fn named_factor(idents: Vec<Ident>) -> FactorKind {
    if let [one] = &idents[..]
        && let Some(id) = placeholder::relation_id(&one.name)
    {
        return FactorKind::Relation(RelationId(id));
    }
    match idents.iter().any(Ident::is_opaque) {
        true => FactorKind::Opaque,
        false => FactorKind::Name(idents),
    }
}

const JOIN_WORDS: &[Keyword] = &[
    Keyword::JOIN,
    Keyword::LEFT,
    Keyword::RIGHT,
    Keyword::FULL,
    Keyword::INNER,
    Keyword::OUTER,
    Keyword::CROSS,
    Keyword::NATURAL,
    Keyword::SEMI,
    Keyword::ANTI,
    Keyword::ASOF,
    Keyword::LATERAL,
    Keyword::GLOBAL,
    Keyword::ANY,
    Keyword::STRAIGHT_JOIN,
];
