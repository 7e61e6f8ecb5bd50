//! sqlparser's tree to ours: queries, selects, relations.

use super::Dialect;
use super::lower_from::{array_of_row, is_array_join, path_of_row};
use super::parse::{Mark, MarkKind, Parsed, bytes};
use super::render::Rendered;
use super::tree::*;
use crate::text::{FileId, Span};
use sqlparser::ast as sp;
use sqlparser::keywords::Keyword;
use std::ops::Range;

/// What lowering needs beside the tree.
pub(super) struct Lower<'a> {
    file: FileId,
    rendered: &'a Rendered,
    dialect: Dialect,
    /// Tokens that are code.
    pub(super) code: &'a [Mark],
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
    dialect: Dialect,
    parsed: &Parsed,
) -> Option<Query> {
    let lower = Lower::new(file, rendered, dialect, &parsed.marks);
    let statements = &parsed.statements;
    let is_query = |s: &&sp::Statement| matches!(s, sp::Statement::Query(_));
    let statement = statements.iter().rev().find(is_query).or(statements.last());
    // Nothing but a statement that the parser was not shown.
    if statement.is_none() && parsed.shimmed.is_empty() {
        return None;
    }
    Some(match statement {
        Some(sp::Statement::Query(query)) if !parsed.script => Query {
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
                alone: statements.len() == 1 && !parsed.script,
            }
        }
    })
}

impl<'a> Lower<'a> {
    pub(super) fn new(
        file: FileId,
        rendered: &'a Rendered,
        dialect: Dialect,
        code: &'a [Mark],
    ) -> Self {
        Self {
            file,
            rendered,
            dialect,
            code,
        }
    }
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
            if self.dialect.reads_paths() {
                path_of_row(&mut part, &from);
            }
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
        let widened = !select.lateral_views.is_empty() || !select.connect_by.is_empty();
        let rewritten = select.exclude.is_some()
            || select.value_table_mode.is_some()
            || self.is_rewritten(&keyword);
        if select.flavor == sp::SelectFlavor::FromFirstNoSelect {
            // `from t` selects everything.
            items.push(Item {
                span: self.span(keyword.clone()),
                kind: ItemKind::Star {
                    qualifier: Vec::new(),
                    options: StarOptions::default(),
                },
            });
        }
        let renaming = |i: &Item| match &i.kind {
            ItemKind::Star { options, .. } => options.filtered || !options.rename.is_empty(),
            ItemKind::Expr { .. } => false,
        };
        let partial = widened || rewritten || items.iter().any(renaming);
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
            widened,
            rewritten,
        };
        (select, at)
    }

    /// DuckDB's `pivot t on …`, which is read as `from t`.
    fn is_rewritten(&self, at: &Out) -> bool {
        let word = self.rendered.text.get(at.start as usize..at.end as usize);
        let words = ["select", "from"];
        !word.is_some_and(|w| words.iter().any(|k| w.eq_ignore_ascii_case(k)))
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

    /// `* ilike '…'`, `* apply (…)`: does something choose among the columns of the star, or rename
    /// them all?
    fn is_filtered(&self, options: &sp::WildcardAdditionalOptions) -> bool {
        let star = bytes(options.wildcard_token.0.span);
        let told = |k: Keyword| k == Keyword::RENAME && options.opt_rename.is_some();
        let i = self.code.partition_point(|t| t.start < star.end);
        let mut depth = 0;
        for mark in &self.code[i..] {
            match mark.kind {
                MarkKind::Open => depth += 1,
                MarkKind::Close if depth == 0 => return false,
                MarkKind::Close => depth -= 1,
                MarkKind::Comma | MarkKind::Keyword(Keyword::FROM) if depth == 0 => return false,
                MarkKind::Keyword(k) if depth == 0 && STAR_FILTERS.contains(&k) && !told(k) => {
                    return true;
                }
                _ => {}
            }
        }
        false
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
            filtered: options.opt_ilike.is_some()
                || options.opt_alias.is_some()
                || self.is_filtered(options),
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
        let first = self.code.partition_point(|t| t.end <= at.start);
        let mut start = at.start;
        let mut opened = 0i32;
        for mark in self.code[..first].iter().rev() {
            match mark.kind {
                MarkKind::Comma => break,
                MarkKind::Keyword(Keyword::SELECT | Keyword::DISTINCT | Keyword::ALL) => break,
                MarkKind::Open => opened += 1,
                MarkKind::Close => opened -= 1,
                _ => {}
            }
            start = mark.start;
        }
        let mut end = at.end;
        let after = self.code.partition_point(|t| t.start < at.end);
        for mark in &self.code[after..] {
            if opened <= 0 {
                break;
            }
            match mark.kind {
                MarkKind::Open => opened += 1,
                MarkKind::Close => opened -= 1,
                _ => {}
            }
            end = mark.end;
        }
        start..end
    }
}

/// What stands behind a star and chooses among its columns, or renames them all.
const STAR_FILTERS: &[Keyword] = &[
    // Where the grammar has it, it is in the tree.
    Keyword::RENAME,
    Keyword::LIKE,
    Keyword::ILIKE,
    Keyword::GLOB,
    Keyword::SIMILAR,
    Keyword::APPLY,
];

/// Two conditions that must both hold.
pub(super) fn both(first: Option<Expr>, second: Option<Expr>) -> Option<Expr> {
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
