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
        Some(sp::Statement::Query(query)) => Query {
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
        let mut chain: Vec<(SetOp, &sp::SetExpr)> = Vec::new();
        let mut here = body;
        while let sp::SetExpr::SetOperation {
            op,
            set_quantifier,
            left,
            right,
        } = here
        {
            let all = matches!(
                set_quantifier,
                sp::SetQuantifier::All | sp::SetQuantifier::AllByName
            );
            let op = match op {
                sp::SetOperator::Union if all => SetOp::UnionAll,
                sp::SetOperator::Union => SetOp::Union,
                sp::SetOperator::Intersect => SetOp::Intersect,
                sp::SetOperator::Except | sp::SetOperator::Minus => SetOp::Except,
            };
            chain.push((op, right));
            here = left;
        }
        let (mut body, mut at) = self.body(here);
        for (op, right) in chain.into_iter().rev() {
            let (right, right_at) = self.body(right);
            at = join(at, right_at);
            body = match body {
                Body::Set {
                    op: same,
                    mut branches,
                } if same == op => {
                    branches.push(right);
                    Body::Set { op, branches }
                }
                left => Body::Set {
                    op,
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
        let filter = clause(&select.selection);
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
        let partial = !select.lateral_views.is_empty()
            || !select.connect_by.is_empty()
            || select.exclude.is_some()
            || select.value_table_mode.is_some()
            || self.is_rewritten(&keyword);
        if select.flavor == sp::SelectFlavor::FromFirstNoSelect {
            // `from t` selects everything.
            let star = ItemKind::Star {
                qualifier: Vec::new(),
                named: Vec::new(),
            };
            items.push(Item {
                span: self.span(keyword.clone()),
                kind: star,
            });
        }
        let partial = partial || select.projection.iter().any(|i| self.is_renaming(i));
        let select = Select {
            keyword: self.span(keyword),
            distinct: select.distinct.is_some(),
            items,
            from,
            filter,
            group_by,
            having,
            qualify,
            partial,
        };
        (select, at)
    }

    /// DuckDB's `pivot t on …`, which is read as `from t`.
    fn is_rewritten(&self, at: &Out) -> bool {
        let word = self.rendered.text.get(at.start as usize..at.end as usize);
        let words = ["select", "from"];
        !word.is_some_and(|w| words.iter().any(|k| w.eq_ignore_ascii_case(k)))
    }

    /// `* rename (…)`, `* ilike '…'`, `* apply (…)`: a star that does not output what it names.
    fn is_renaming(&self, item: &sp::SelectItem) -> bool {
        let (sp::SelectItem::Wildcard(options) | sp::SelectItem::QualifiedWildcard(_, options)) =
            item
        else {
            return false;
        };
        let star = bytes(options.wildcard_token.0.span);
        let i = self.code.partition_point(|t| t.start < star.end);
        let mut depth = 0;
        for mark in &self.code[i..] {
            match mark.kind {
                MarkKind::Open => depth += 1,
                MarkKind::Close if depth == 0 => return false,
                MarkKind::Close => depth -= 1,
                MarkKind::Comma | MarkKind::Keyword(Keyword::FROM) if depth == 0 => return false,
                MarkKind::Keyword(k) if depth == 0 && STAR_CHANGES.contains(&k) => return true,
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
                let named = self.star_names(options);
                let qualifier = Vec::new();
                (ItemKind::Star { qualifier, named }, at)
            }
            sp::SelectItem::QualifiedWildcard(kind, options) => {
                let star = bytes(options.wildcard_token.0.span);
                let named = self.star_names(options);
                let (qualifier, at) = match kind {
                    sp::SelectItemQualifiedWildcardKind::ObjectName(name) => self.name(name),
                    sp::SelectItemQualifiedWildcardKind::Expr(e) => (Vec::new(), self.expr(e).1),
                };
                (ItemKind::Star { qualifier, named }, join(at, star))
            }
        };
        let wide = self.widen_item(at);
        let item = Item {
            span: self.span(wide.clone()),
            kind,
        };
        (item, wide)
    }

    fn star_names(&self, options: &sp::WildcardAdditionalOptions) -> Vec<Ident> {
        let mut names = Vec::new();
        match &options.opt_exclude {
            Some(sp::ExcludeSelectItem::Single(name)) => names.extend(self.name(name).0.pop()),
            Some(sp::ExcludeSelectItem::Multiple(list)) => {
                names.extend(list.iter().filter_map(|n| self.name(n).0.pop()));
            }
            None => {}
        }
        if let Some(except) = &options.opt_except {
            names.push(self.ident(&except.first_element));
            names.extend(self.idents(&except.additional_elements));
        }
        if let Some(replace) = &options.opt_replace {
            names.extend(replace.items.iter().map(|r| self.ident(&r.column_name)));
        }
        names
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

/// What stands behind a star that changes which columns it outputs, or how they are called.
const STAR_CHANGES: &[Keyword] = &[
    Keyword::RENAME,
    Keyword::LIKE,
    Keyword::ILIKE,
    Keyword::GLOB,
    Keyword::SIMILAR,
    Keyword::APPLY,
];
