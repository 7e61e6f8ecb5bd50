//! sqlparser's tree to ours: expressions.

use super::lower::{Lower, NOWHERE, Out, join};
use super::parse::bytes;
use super::placeholder;
use super::tree::*;
use sqlparser::ast as sp;

impl Lower<'_> {
    /// An expression and the part of the text that its names and literals cover.
    pub(super) fn expr(&self, e: &sp::Expr) -> (Expr, Out) {
        let (kind, at) = self.expr_kind(e);
        let expr = Expr {
            span: self.span(at.clone()),
            kind,
        };
        (expr, at)
    }

    fn exprs<'e>(&self, exprs: impl IntoIterator<Item = &'e sp::Expr>) -> (Vec<Expr>, Out) {
        let mut at = NOWHERE;
        let mut out = Vec::new();
        for e in exprs {
            let (e, e_at) = self.expr(e);
            at = join(at, e_at);
            out.push(e);
        }
        (out, at)
    }

    fn other<'e>(&self, exprs: impl IntoIterator<Item = &'e sp::Expr>) -> (ExprKind, Out) {
        let (parts, at) = self.exprs(exprs);
        (ExprKind::Other(parts), at)
    }

    fn pair(&self, a: &sp::Expr, b: &sp::Expr) -> (Box<[Expr; 2]>, Out) {
        let ((a, a_at), (b, b_at)) = (self.expr(a), self.expr(b));
        (Box::new([a, b]), join(a_at, b_at))
    }

    fn column(&self, idents: &[sp::Ident]) -> (ExprKind, Out) {
        let at = idents.iter().fold(NOWHERE, |at, i| join(at, bytes(i.span)));
        let opaque = |i: &sp::Ident| {
            placeholder::is_unknown(&i.value) || placeholder::relation_id(&i.value).is_some()
        };
        if idents.iter().any(opaque) {
            return (ExprKind::Opaque, at);
        }
        (ExprKind::Column(self.idents(idents)), at)
    }

    fn expr_kind(&self, e: &sp::Expr) -> (ExprKind, Out) {
        use sp::Expr as E;
        match e {
            E::Identifier(i) => self.column(std::slice::from_ref(i)),
            E::CompoundIdentifier(idents) => self.column(idents),
            E::Value(v) => (ExprKind::Literal(literal(&v.value)), bytes(v.span)),
            E::Nested(inner) => self.expr_kind(inner),
            E::BinaryOp { .. } => self.binary(e),
            E::UnaryOp { op, expr } => {
                let (inner, at) = self.expr(expr);
                let kind = match op {
                    sp::UnaryOperator::Not => ExprKind::Not(Box::new(inner)),
                    _ => ExprKind::Arithmetic(op.to_string().into(), vec![inner]),
                };
                (kind, at)
            }
            E::IsNull(inner) => self.is_null(inner, false),
            E::IsNotNull(inner) => self.is_null(inner, true),
            E::IsNotDistinctFrom(a, b) => {
                let (pair, at) = self.pair(a, b);
                (ExprKind::Compare(CompareOp::NullSafe, pair), at)
            }
            E::Like { expr, pattern, .. }
            | E::ILike { expr, pattern, .. }
            | E::SimilarTo { expr, pattern, .. }
            | E::RLike { expr, pattern, .. } => {
                let (pair, at) = self.pair(expr, pattern);
                (ExprKind::Compare(CompareOp::Like, pair), at)
            }
            E::Between {
                expr, low, high, ..
            } => {
                let ((a, x), (b, y), (c, z)) = (self.expr(expr), self.expr(low), self.expr(high));
                (ExprKind::Between(Box::new([a, b, c])), join(join(x, y), z))
            }
            E::InList {
                expr,
                list,
                negated,
            } => {
                let ((value, at), (list, list_at)) = (self.expr(expr), self.exprs(list));
                let kind = ExprKind::InList {
                    value: Box::new(value),
                    list,
                    negated: *negated,
                };
                (kind, join(at, list_at))
            }
            E::InSubquery { expr, subquery, .. } => {
                let ((value, at), (query, query_at)) = (self.expr(expr), self.query(subquery));
                let kind = ExprKind::Subquery(Box::new(query), vec![value]);
                (kind, join(at, query_at))
            }
            E::Exists { subquery, .. } | E::Subquery(subquery) => {
                let (query, at) = self.query(subquery);
                (ExprKind::Subquery(Box::new(query), Vec::new()), at)
            }
            E::Function(function) => self.call(function),
            E::Case {
                case_token,
                end_token,
                operand,
                conditions,
                else_result,
            } => {
                let at = join(bytes(case_token.0.span), bytes(end_token.0.span));
                let boxed =
                    |e: &Option<Box<sp::Expr>>| e.as_ref().map(|e| Box::new(self.expr(e).0));
                let kind = ExprKind::Case {
                    operand: boxed(operand),
                    whens: conditions
                        .iter()
                        .map(|w| (self.expr(&w.condition).0, self.expr(&w.result).0))
                        .collect(),
                    otherwise: boxed(else_result),
                };
                (kind, at)
            }
            E::Cast {
                kind,
                expr,
                data_type,
                ..
            } => {
                let (value, at) = self.expr(expr);
                let safe = matches!(kind, sp::CastKind::TryCast | sp::CastKind::SafeCast);
                let kind = ExprKind::Cast {
                    value: Box::new(value),
                    to: data_type.to_string().into(),
                    safe,
                };
                (kind, at)
            }
            E::Convert { expr, .. } => self.other([&**expr]),
            E::CompoundFieldAccess { root, access_chain } => {
                let (root, rest, at) = self.access_root(root, access_chain);
                let (keys, keys_at) = self.exprs(rest.iter().filter_map(access_key));
                (ExprKind::Access(Box::new(root), keys), join(at, keys_at))
            }
            E::JsonAccess { value, path } => {
                let (value, at) = self.expr(value);
                let keys = path.path.iter().filter_map(|step| match step {
                    sp::JsonPathElem::Bracket { key } => Some(key),
                    sp::JsonPathElem::ColonBracket { key } => Some(key),
                    _ => None,
                });
                let (keys, keys_at) = self.exprs(keys);
                (ExprKind::Access(Box::new(value), keys), join(at, keys_at))
            }
            _ => self.rest(e),
        }
    }

    /// Forms without a meaning of their own for rules yet: their parts are kept.
    fn rest(&self, e: &sp::Expr) -> (ExprKind, Out) {
        use sp::Expr as E;
        match e {
            E::IsFalse(e)
            | E::IsNotFalse(e)
            | E::IsTrue(e)
            | E::IsNotTrue(e)
            | E::IsUnknown(e)
            | E::IsNotUnknown(e)
            | E::IsJson { expr: e, .. }
            | E::IsNormalized { expr: e, .. }
            | E::Extract { expr: e, .. }
            | E::Ceil { expr: e, .. }
            | E::Floor { expr: e, .. }
            | E::Collate { expr: e, .. }
            | E::Prefixed { value: e, .. }
            | E::Named { expr: e, .. }
            | E::OuterJoin(e)
            | E::Prior(e) => self.other([&**e]),
            E::IsDistinctFrom(a, b)
            | E::AnyOp {
                left: a, right: b, ..
            }
            | E::AllOp {
                left: a, right: b, ..
            }
            | E::AtTimeZone {
                timestamp: a,
                time_zone: b,
            }
            | E::Position { expr: a, r#in: b }
            | E::InUnnest {
                expr: a,
                array_expr: b,
                ..
            } => self.other([&**a, &**b]),
            E::Substring {
                expr,
                substring_from,
                substring_for,
                ..
            } => {
                let bounds = [substring_from, substring_for];
                let bounds = bounds.into_iter().flatten().map(|e| &**e);
                self.other(std::iter::once(&**expr).chain(bounds))
            }
            E::Trim {
                expr,
                trim_what,
                trim_characters,
                ..
            } => {
                let what = trim_what.iter().map(|e| &**e);
                let what = what.chain(trim_characters.iter().flatten());
                self.other(std::iter::once(&**expr).chain(what))
            }
            E::Overlay {
                expr,
                overlay_what,
                overlay_from,
                overlay_for,
            } => {
                let length = overlay_for.iter().map(|e| &**e);
                self.other(
                    [&**expr, &**overlay_what, &**overlay_from]
                        .into_iter()
                        .chain(length),
                )
            }
            E::Map(map) => {
                let entries = map.entries.iter();
                self.other(entries.flat_map(|e| [&*e.key, &*e.value]))
            }
            E::MemberOf(member) => self.other([&*member.value, &*member.array]),
            E::Tuple(list) => self.other(list),
            E::Struct { values, .. } => self.other(values),
            E::Array(array) => self.other(&array.elem),
            E::GroupingSets(sets) | E::Cube(sets) | E::Rollup(sets) => {
                self.other(sets.iter().flatten())
            }
            E::Interval(interval) => self.other([&*interval.value]),
            E::Dictionary(fields) => self.other(fields.iter().map(|f| &*f.value)),
            E::Lambda(lambda) => {
                let params: Vec<&sp::Ident> = match &lambda.params {
                    sp::OneOrManyWithParens::One(p) => vec![&p.name],
                    sp::OneOrManyWithParens::Many(many) => many.iter().map(|p| &p.name).collect(),
                };
                let (body, at) = self.expr(&lambda.body);
                (ExprKind::Lambda(self.idents(params), Box::new(body)), at)
            }
            E::TypedString(typed) => (ExprKind::Literal(Literal::Other), bytes(typed.value.span)),
            _ => (ExprKind::Other(Vec::new()), NOWHERE),
        }
    }

    fn is_null(&self, inner: &sp::Expr, negated: bool) -> (ExprKind, Out) {
        let (value, at) = self.expr(inner);
        let value = Box::new(value);
        (ExprKind::IsNull { value, negated }, at)
    }

    /// Walks down the left spine of an operator chain, which may be thousands of terms long.
    fn binary(&self, e: &sp::Expr) -> (ExprKind, Out) {
        let mut spine: Vec<(&sp::BinaryOperator, &sp::Expr)> = Vec::new();
        let mut here = e;
        loop {
            match here {
                sp::Expr::BinaryOp { left, op, right } => {
                    spine.push((op, right));
                    here = left;
                }
                sp::Expr::Nested(inner) if matches!(**inner, sp::Expr::BinaryOp { .. }) => {
                    here = inner;
                }
                _ => break,
            }
        }
        let (mut left, mut at) = self.expr(here);
        for (op, right) in spine.into_iter().rev() {
            let (right, right_at) = self.expr(right);
            at = join(at, right_at);
            left = Expr {
                kind: combine(op, left, right),
                span: self.span(at.clone()),
            };
        }
        (left.kind, at)
    }

    pub(super) fn function_args(&self, args: &[sp::FunctionArg]) -> Vec<Expr> {
        self.exprs(args.iter().filter_map(arg_expr)).0
    }

    fn call(&self, f: &sp::Function) -> (ExprKind, Out) {
        let (name, mut at) = self.name(&f.name);
        let mut call = Call {
            name,
            args: Vec::new(),
            star: false,
            distinct: false,
            ordered_by: Vec::new(),
            over: None,
            filter: None,
        };
        match &f.args {
            sp::FunctionArguments::None => {}
            sp::FunctionArguments::Subquery(query) => {
                let (query, query_at) = self.query(query);
                at = join(at, query_at.clone());
                call.args.push(Expr {
                    span: self.span(query_at),
                    kind: ExprKind::Subquery(Box::new(query), Vec::new()),
                });
            }
            sp::FunctionArguments::List(list) => {
                call.distinct = matches!(
                    list.duplicate_treatment,
                    Some(sp::DuplicateTreatment::Distinct)
                );
                let star = |a: &sp::FunctionArg| arg_expr(a).is_none();
                call.star = list.args.iter().any(star);
                let (args, args_at) = self.exprs(list.args.iter().filter_map(arg_expr));
                at = join(at, args_at);
                call.args = args;
                at = join(at, self.argument_clauses(list, &mut call));
            }
        }
        let (ordered_by, order_at) = self.exprs(f.within_group.iter().map(|o| &o.expr));
        at = join(at, order_at);
        call.ordered_by.extend(ordered_by);
        if let Some(filter) = &f.filter {
            let (filter, filter_at) = self.expr(filter);
            at = join(at, filter_at);
            call.filter = Some(filter);
        }
        if let Some(over) = &f.over {
            let mut window = Window::default();
            if let sp::WindowType::WindowSpec(spec) = over {
                let (partition, partition_at) = self.exprs(&spec.partition_by);
                let (order, order_at) = self.exprs(spec.order_by.iter().map(|o| &o.expr));
                at = join(join(at, partition_at), order_at);
                window = Window {
                    partition_by: partition,
                    order_by: order,
                };
            }
            call.over = Some(window);
        }
        (ExprKind::Call(Box::new(call)), at)
    }
}

impl Lower<'_> {
    /// What an access begins with, and the steps behind it: in `t.c['key']` it is the column `t.c`.
    fn access_root<'e>(
        &self,
        root: &sp::Expr,
        chain: &'e [sp::AccessExpr],
    ) -> (Expr, &'e [sp::AccessExpr], Out) {
        let mut path = match root {
            sp::Expr::Identifier(ident) => vec![ident.clone()],
            sp::Expr::CompoundIdentifier(idents) => idents.clone(),
            _ => {
                let (root, at) = self.expr(root);
                return (root, chain, at);
            }
        };
        let named = chain.iter().map_while(|step| match step {
            sp::AccessExpr::Dot(sp::Expr::Identifier(ident)) => Some(ident.clone()),
            _ => None,
        });
        let before = path.len();
        path.extend(named);
        let (kind, at) = self.column(&path);
        let root = Expr {
            span: self.span(at.clone()),
            kind,
        };
        (root, &chain[path.len() - before..], at)
    }

    /// What stands behind a call's arguments: `array_agg(x where … order by …)`.
    fn argument_clauses(&self, list: &sp::FunctionArgumentList, call: &mut Call) -> Out {
        use sp::FunctionArgumentClause as C;
        let mut at = NOWHERE;
        for clause in &list.clauses {
            let exprs: Vec<&sp::Expr> = match clause {
                C::OrderBy(order) => order.iter().map(|o| &o.expr).collect(),
                C::Having(bound) => vec![&bound.1],
                C::Where(condition) => {
                    let (condition, condition_at) = self.expr(condition);
                    at = join(at, condition_at);
                    call.filter = Some(condition);
                    continue;
                }
                _ => continue,
            };
            let (exprs, exprs_at) = self.exprs(exprs);
            at = join(at, exprs_at);
            call.ordered_by.extend(exprs);
        }
        at
    }
}

fn combine(op: &sp::BinaryOperator, left: Expr, right: Expr) -> ExprKind {
    use sp::BinaryOperator as B;
    let compare = match op {
        B::And => {
            return match left.kind {
                ExprKind::And(mut parts) => {
                    parts.push(right);
                    ExprKind::And(parts)
                }
                kind => ExprKind::And(vec![
                    Expr {
                        span: left.span,
                        kind,
                    },
                    right,
                ]),
            };
        }
        B::Or => {
            return match left.kind {
                ExprKind::Or(mut parts) => {
                    parts.push(right);
                    ExprKind::Or(parts)
                }
                kind => ExprKind::Or(vec![
                    Expr {
                        span: left.span,
                        kind,
                    },
                    right,
                ]),
            };
        }
        B::Eq => CompareOp::Eq,
        B::NotEq => CompareOp::Ne,
        B::Lt => CompareOp::Lt,
        B::LtEq => CompareOp::Le,
        B::Gt => CompareOp::Gt,
        B::GtEq => CompareOp::Ge,
        B::Spaceship => CompareOp::NullSafe,
        B::Plus | B::Minus | B::Multiply | B::Divide | B::Modulo | B::StringConcat => {
            let name: Box<str> = op.to_string().into();
            return match left.kind {
                ExprKind::Arithmetic(same, mut parts) if same == name && parts.len() > 1 => {
                    parts.push(right);
                    ExprKind::Arithmetic(same, parts)
                }
                kind => {
                    let left = Expr {
                        span: left.span,
                        kind,
                    };
                    ExprKind::Arithmetic(name, vec![left, right])
                }
            };
        }
        _ => CompareOp::Other,
    };
    ExprKind::Compare(compare, Box::new([left, right]))
}

fn literal(value: &sp::Value) -> Literal {
    match value {
        sp::Value::Null => Literal::Null,
        sp::Value::Boolean(b) => Literal::Bool(*b),
        sp::Value::Number(n, _) => Literal::Number(n.as_str().into()),
        sp::Value::SingleQuotedString(s) | sp::Value::DoubleQuotedString(s) => {
            Literal::String(s.as_str().into())
        }
        _ => Literal::Other,
    }
}

fn access_key(access: &sp::AccessExpr) -> Option<&sp::Expr> {
    match access {
        sp::AccessExpr::Dot(e) => Some(e),
        sp::AccessExpr::Subscript(sp::Subscript::Index { index }) => Some(index),
        sp::AccessExpr::Subscript(_) => None,
    }
}

/// The expression of an argument; `None` for `*`.
fn arg_expr(arg: &sp::FunctionArg) -> Option<&sp::Expr> {
    let (sp::FunctionArg::Named { arg, .. }
    | sp::FunctionArg::ExprNamed { arg, .. }
    | sp::FunctionArg::Unnamed(arg)) = arg;
    match arg {
        sp::FunctionArgExpr::Expr(e) => Some(e),
        _ => None,
    }
}
