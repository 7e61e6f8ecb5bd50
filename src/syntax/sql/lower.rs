//! sqlparser's tree to ours: queries, selects, relations.

use super::parse::{SqlTokens, bytes};
use super::placeholder;
use super::render::Rendered;
use super::tree::*;
use crate::syntax::jinja::RelationId;
use crate::text::{FileId, Span};
use sqlparser::ast as sp;
use sqlparser::tokenizer::{Token, TokenWithSpan, Word};
use std::ops::Range;

/// What lowering needs beside the tree.
pub(super) struct Lower<'a> {
    file: FileId,
    rendered: &'a Rendered,
    /// Tokens that are code.
    code: Vec<&'a TokenWithSpan>,
}

/// Bytes of the rendered text; empty where nothing is known.
pub(super) type Out = Range<u32>;

pub(super) const NOWHERE: Out = Out {
    start: u32::MAX,
    end: 0,
};

/// The smallest range that holds both.
pub(super) fn join(a: Out, b: Out) -> Out {
    a.start.min(b.start)..a.end.max(b.end)
}

/// The query of a model: its last statement that is one.
pub(super) fn lower(
    file: FileId,
    rendered: &Rendered,
    tokens: &SqlTokens,
    statements: &[sp::Statement],
) -> Option<Query> {
    let code = tokens
        .all
        .iter()
        .filter(|t| !matches!(t.token, Token::Whitespace(_)));
    let lower = Lower {
        file,
        rendered,
        code: code.collect(),
    };
    let is_query = |s: &&sp::Statement| matches!(s, sp::Statement::Query(_));
    let statement = statements
        .iter()
        .rev()
        .find(is_query)
        .or(statements.last())?;
    Some(match statement {
        sp::Statement::Query(query) => Query {
            alone: statements.len() == 1,
            ..lower.query(query).0
        },
        _ => {
            let span = Span::whole(file);
            Query {
                span,
                ctes: Vec::new(),
                body: Body::Other(span),
                limited: false,
                order_by: Vec::new(),
                alone: statements.len() == 1,
            }
        }
    })
}

impl Lower<'_> {
    /// A place of the rendered text as a place of the file.
    pub(super) fn span(&self, out: Out) -> Span {
        if out.start > out.end {
            return Span::whole(self.file);
        }
        let src = self.rendered.source_range(out);
        Span::new(self.file, src.start as usize, src.end as usize)
    }

    pub(super) fn ident(&self, ident: &sp::Ident) -> Ident {
        Ident {
            name: ident.value.as_str().into(),
            quoted: ident.quote_style.is_some(),
            span: self.span(bytes(ident.span)),
        }
    }

    pub(super) fn idents<'i>(&self, idents: impl IntoIterator<Item = &'i sp::Ident>) -> Vec<Ident> {
        idents.into_iter().map(|i| self.ident(i)).collect()
    }

    /// The parts of a name and where it stands.
    pub(super) fn name(&self, name: &sp::ObjectName) -> (Vec<Ident>, Out) {
        let mut at = NOWHERE;
        let mut idents = Vec::with_capacity(name.0.len());
        for part in &name.0 {
            let ident = match part {
                sp::ObjectNamePart::Identifier(i) => i,
                sp::ObjectNamePart::Function(f) => &f.name,
            };
            at = join(at, bytes(ident.span));
            idents.push(self.ident(ident));
        }
        (idents, at)
    }

    pub(super) fn query(&self, query: &sp::Query) -> (Query, Out) {
        let mut at = NOWHERE;
        let mut ctes = Vec::new();
        if let Some(with) = &query.with {
            at = join(at, bytes(with.with_token.0.span));
            ctes = with.cte_tables.iter().map(|c| self.cte(c)).collect();
        }
        let (mut body, body_at) = self.body(&query.body);
        at = join(at, body_at);
        if !query.pipe_operators.is_empty()
            && let Body::Select(select) = &mut body
        {
            select.partial = true;
            select.rewritten = true;
        }
        if let Some(sp::LimitClause::LimitOffset { limit_by, .. }) = &query.limit_clause
            && let Body::Select(select) = &mut body
        {
            select
                .others
                .extend(limit_by.iter().map(|e| self.expr(e).0));
        }
        let order_by = match query.order_by.as_ref().map(|o| &o.kind) {
            Some(sp::OrderByKind::Expressions(exprs)) => {
                exprs.iter().map(|o| self.expr(&o.expr).0).collect()
            }
            _ => Vec::new(),
        };
        let query = Query {
            span: self.span(at.clone()),
            ctes,
            body,
            limited: query.limit_clause.is_some() || query.fetch.is_some(),
            order_by,
            alone: true,
        };
        (query, at)
    }

    fn cte(&self, cte: &sp::Cte) -> Cte {
        let start = bytes(cte.alias.name.span);
        let end = bytes(cte.closing_paren_token.0.span);
        Cte {
            name: self.ident(&cte.alias.name),
            span: self.span(join(start, end)),
            columns: self.idents(cte.alias.columns.iter().map(|c| &c.name)),
            query: self.query(&cte.query).0,
        }
    }

    fn body(&self, body: &sp::SetExpr) -> (Body, Out) {
        match body {
            sp::SetExpr::Select(select) => {
                let (select, at) = self.select(select);
                (Body::Select(Box::new(select)), at)
            }
            sp::SetExpr::Query(query) => {
                let (query, at) = self.query(query);
                (Body::Query(Box::new(query)), at)
            }
            sp::SetExpr::SetOperation { .. } => self.set_operation(body),
            sp::SetExpr::Values(_) => (Body::Values(Span::whole(self.file)), NOWHERE),
            _ => (Body::Other(Span::whole(self.file)), NOWHERE),
        }
    }

    /// Walks down the left spine, which may be thousands of branches long.
    fn set_operation(&self, body: &sp::SetExpr) -> (Body, Out) {
        let mut chain: Vec<(SetOp, bool, &sp::SetExpr)> = Vec::new();
        let mut here = body;
        while let sp::SetExpr::SetOperation {
            op,
            set_quantifier,
            left,
            right,
        } = here
        {
            use sp::SetQuantifier as Q;
            let all = matches!(set_quantifier, Q::All | Q::AllByName);
            let by_name = matches!(set_quantifier, Q::ByName | Q::AllByName | Q::DistinctByName);
            let op = match op {
                sp::SetOperator::Union if all => SetOp::UnionAll,
                sp::SetOperator::Union => SetOp::Union,
                sp::SetOperator::Intersect => SetOp::Intersect,
                sp::SetOperator::Except | sp::SetOperator::Minus => SetOp::Except,
            };
            chain.push((op, by_name, right));
            here = left;
        }
        let (mut body, mut at) = self.body(here);
        for (op, by_name, right) in chain.into_iter().rev() {
            let (right, right_at) = self.body(right);
            at = join(at, right_at);
            body = match body {
                Body::Set {
                    op: same,
                    by_name: same_way,
                    mut branches,
                } if same == op && same_way == by_name => {
                    branches.push(right);
                    Body::Set {
                        op,
                        by_name,
                        branches,
                    }
                }
                left => Body::Set {
                    op,
                    by_name,
                    branches: vec![left, right],
                },
            };
        }
        (body, at)
    }

    fn select(&self, select: &sp::Select) -> (Select, Out) {
        let keyword = bytes(select.select_token.0.span);
        let mut at = keyword.clone();
        let mut items = Vec::with_capacity(select.projection.len());
        for item in &select.projection {
            let (item, item_at) = self.item(item);
            at = join(at, item_at);
            items.push(item);
        }
        let mut from = Vec::with_capacity(select.from.len());
        let mut in_array_join = false;
        for part in &select.from {
            let last = part.joins.last();
            let array_join = last.is_some_and(|j| is_array_join(&j.join_operator));
            let (mut part, part_at) = self.from(part);
            at = join(at, part_at);
            // `array join a, b` reads on with commas.
            if in_array_join {
                array_of_row(&mut part.first);
            }
            in_array_join = array_join || (in_array_join && part.joins.is_empty());
            from.push(part);
        }
        let mut clause = |e: &Option<sp::Expr>| {
            e.as_ref().map(|e| {
                let (e, e_at) = self.expr(e);
                at = join(at.clone(), e_at);
                e
            })
        };
        let prewhere = clause(&select.prewhere);
        let filter = both(prewhere, clause(&select.selection));
        let having = clause(&select.having);
        let qualify = clause(&select.qualify);
        let group_by = match &select.group_by {
            sp::GroupByExpr::All(_) => Some(Vec::new()),
            sp::GroupByExpr::Expressions(exprs, _) if exprs.is_empty() => None,
            sp::GroupByExpr::Expressions(exprs, _) => Some(
                exprs
                    .iter()
                    .map(|e| {
                        let (e, e_at) = self.expr(e);
                        at = join(at.clone(), e_at);
                        e
                    })
                    .collect(),
            ),
        };
        let others = self.other_clauses(select);
        let partial = !select.lateral_views.is_empty()
            || !select.connect_by.is_empty()
            || select.exclude.is_some()
            || select.value_table_mode.is_some();
        let rewritten = select.exclude.is_some() || select.value_table_mode.is_some();
        let select = Select {
            keyword: self.span(keyword),
            distinct: select.distinct.is_some(),
            items,
            from,
            filter,
            group_by,
            having,
            qualify,
            others,
            partial,
            rewritten,
        };
        (select, at)
    }

    /// Expressions of the clauses that have no place of their own in our tree.
    fn other_clauses(&self, select: &sp::Select) -> Vec<Expr> {
        let mut exprs: Vec<&sp::Expr> = Vec::new();
        if let Some(sp::Distinct::On(on)) = &select.distinct {
            exprs.extend(on);
        }
        exprs.extend(select.cluster_by.iter().chain(&select.distribute_by));
        exprs.extend(select.sort_by.iter().map(|o| &o.expr));
        exprs.extend(select.lateral_views.iter().map(|v| &v.lateral_view));
        for window in &select.named_window {
            if let sp::NamedWindowExpr::WindowSpec(spec) = &window.1 {
                exprs.extend(&spec.partition_by);
                exprs.extend(spec.order_by.iter().map(|o| &o.expr));
            }
        }
        for clause in &select.connect_by {
            match clause {
                sp::ConnectByKind::ConnectBy { relationships, .. } => exprs.extend(relationships),
                sp::ConnectByKind::StartWith { condition, .. } => exprs.push(condition),
            }
        }
        exprs.into_iter().map(|e| self.expr(e).0).collect()
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

    fn item(&self, item: &sp::SelectItem) -> (Item, Out) {
        let (kind, at) = match item {
            sp::SelectItem::UnnamedExpr(e) => {
                let (expr, at) = self.expr(e);
                (ItemKind::Expr { expr, alias: None }, at)
            }
            sp::SelectItem::ExprWithAlias { expr, alias } => {
                let (expr, at) = self.expr(expr);
                let at = join(at, bytes(alias.span));
                let alias = Some(self.ident(alias));
                (ItemKind::Expr { expr, alias }, at)
            }
            sp::SelectItem::ExprWithAliases { expr, aliases } => {
                let (expr, mut at) = self.expr(expr);
                for alias in aliases {
                    at = join(at, bytes(alias.span));
                }
                (ItemKind::Expr { expr, alias: None }, at)
            }
            sp::SelectItem::Wildcard(options) => {
                let at = bytes(options.wildcard_token.0.span);
                let qualifier = Vec::new();
                let options = self.star_options(options);
                (ItemKind::Star { qualifier, options }, at)
            }
            sp::SelectItem::QualifiedWildcard(kind, options) => {
                let star = bytes(options.wildcard_token.0.span);
                let options = self.star_options(options);
                let (qualifier, at) = match kind {
                    sp::SelectItemQualifiedWildcardKind::ObjectName(name) => self.name(name),
                    sp::SelectItemQualifiedWildcardKind::Expr(e) => (Vec::new(), self.expr(e).1),
                };
                (ItemKind::Star { qualifier, options }, join(at, star))
            }
        };
        let wide = self.widen_item(at);
        let item = Item {
            span: self.span(wide.clone()),
            kind,
        };
        (item, wide)
    }

    fn star_options(&self, options: &sp::WildcardAdditionalOptions) -> StarOptions {
        let mut out = StarOptions {
            filtered: options.opt_ilike.is_some() || options.opt_alias.is_some(),
            ..StarOptions::default()
        };
        match &options.opt_exclude {
            Some(sp::ExcludeSelectItem::Single(name)) => {
                out.except.extend(self.name(name).0.pop());
            }
            Some(sp::ExcludeSelectItem::Multiple(list)) => {
                let names = list.iter().filter_map(|n| self.name(n).0.pop());
                out.except.extend(names);
            }
            None => {}
        }
        if let Some(except) = &options.opt_except {
            out.except.push(self.ident(&except.first_element));
            out.except.extend(self.idents(&except.additional_elements));
        }
        if let Some(replace) = &options.opt_replace {
            let items = replace.items.iter();
            out.replace
                .extend(items.map(|r| (self.ident(&r.column_name), self.expr(&r.expr).0)));
        }
        let renamed: &[sp::IdentWithAlias] = match &options.opt_rename {
            Some(sp::RenameSelectItem::Single(one)) => std::slice::from_ref(one),
            Some(sp::RenameSelectItem::Multiple(list)) => list,
            None => &[],
        };
        let pair = |r: &sp::IdentWithAlias| (self.ident(&r.ident), self.ident(&r.alias));
        out.rename.extend(renamed.iter().map(pair));
        out
    }

    /// sqlparser's spans of expressions lack keywords and parentheses (`cast(` … `)`); an entry of
    /// a select list reaches back to the comma or keyword before it and on to the closing
    /// parentheses that it opened.
    fn widen_item(&self, at: Out) -> Out {
        if at.start > at.end {
            return at;
        }
        let first = self.code.partition_point(|t| bytes(t.span).end <= at.start);
        let mut start = at.start;
        let mut opened = 0i32;
        for token in self.code[..first].iter().rev() {
            match &token.token {
                Token::Comma => break,
                Token::Word(w) if starts_list(w) => break,
                Token::LParen => opened += 1,
                Token::RParen => opened -= 1,
                _ => {}
            }
            start = bytes(token.span).start;
        }
        let mut end = at.end;
        let after = self.code.partition_point(|t| bytes(t.span).start < at.end);
        for token in &self.code[after..] {
            if opened <= 0 {
                break;
            }
            match token.token {
                Token::LParen => opened += 1,
                Token::RParen => opened -= 1,
                _ => {}
            }
            end = bytes(token.span).end;
        }
        start..end
    }

    fn from(&self, from: &sp::TableWithJoins) -> (From, Out) {
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
        let first = self
            .code
            .partition_point(|t| bytes(t.span).end <= factor.start);
        let mut at = NOWHERE;
        for token in self.code[..first].iter().rev() {
            match &token.token {
                Token::Word(w) if is_join_word(w) => at = join(at, bytes(token.span)),
                Token::LParen if at.start > at.end => {}
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
                    None => named_factor(idents),
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
}

/// Two conditions that must both hold.
fn both(first: Option<Expr>, second: Option<Expr>) -> Option<Expr> {
    let (first, second) = match (first, second) {
        (Some(first), Some(second)) => (first, second),
        (first, second) => return first.or(second),
    };
    let span = Span {
        end: second.span.end,
        ..first.span
    };
    let mut parts = Vec::new();
    for one in [first, second] {
        match one.kind {
            ExprKind::And(mut list) => parts.append(&mut list),
            kind => parts.push(Expr {
                span: one.span,
                kind,
            }),
        }
    }
    Some(Expr {
        span,
        kind: ExprKind::And(parts),
    })
}

/// ClickHouse's join with an array of the same row.
fn is_array_join(op: &sp::JoinOperator) -> bool {
    use sp::JoinOperator as J;
    matches!(op, J::ArrayJoin | J::LeftArrayJoin | J::InnerArrayJoin)
}

/// What an array join names is a column of the row, as `unnest`'s argument is.
fn array_of_row(factor: &mut Factor) {
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

fn starts_list(word: &Word) -> bool {
    word.quote_style.is_none()
        && ["select", "distinct", "all"]
            .iter()
            .any(|k| word.value.eq_ignore_ascii_case(k))
}

fn is_join_word(word: &Word) -> bool {
    const WORDS: &[&str] = &[
        "join",
        "left",
        "right",
        "full",
        "inner",
        "outer",
        "cross",
        "natural",
        "semi",
        "anti",
        "asof",
        "lateral",
        "global",
        "any",
        "straight_join",
    ];
    word.quote_style.is_none() && WORDS.iter().any(|k| word.value.eq_ignore_ascii_case(k))
}
