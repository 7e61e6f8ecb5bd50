use crate::project::{Node, Project};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Reach, Rule, Sink};
use crate::syntax::sql::edit;
use crate::syntax::sql::tree::{Body, Cte, ExprKind, FactorKind, Ident, ItemKind, Query, Select};
use crate::text::Span;
use crate::violation::{Applicability, Confidence, Edit, Fix, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct FinalSelect {
    /// Layers, by role, whose models are judged; none: the rule finds nothing.
    layers: Vec<String>,
    /// Only models with this CTE are judged.
    cte: String,
}

impl Default for FinalSelect {
    fn default() -> Self {
        Self {
            layers: Vec::new(),
            cte: "final".to_owned(),
        }
    }
}

impl BuiltIn for FinalSelect {
    const META: Meta = Meta {
        id: Borrowed("structure/final-select"),
        severity: Severity::Warn,
        confidence: Confidence::Certain,
        fix: FixAvailability::Sometimes,
        preset: None,
        doc: Borrowed(include_str!(
            "../../../rules/structure/final-select/README.md"
        )),
    };
}

impl Rule for FinalSelect {
    fn judges(&self, project: &Project, node: &Node) -> bool {
        project.in_layers(node, &self.layers)
    }

    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        let Some(sql) = &model.sql else { return };
        let Some(query) = sql.query().filter(|q| q.alone) else {
            return;
        };
        let has_it = query.ctes.iter().any(|c| c.name.is(&self.cte));
        let Some(last) = query.ctes.last().filter(|_| has_it) else {
            return;
        };
        if last.name.is_opaque() {
            return;
        }
        let Some(span) = other_end(query, last) else {
            return;
        };
        // What stands under a condition (`limit` in development) is no part of the shape.
        let after = |s: &Span| s.start >= span.start;
        if sql.doubtful.iter().any(after) {
            return;
        }
        let message = format!(
            "the model does not end with `select * from {}`: what it outputs is decided behind the CTE that is meant to say it",
            last.name.name
        );
        let help = format!(
            "end with `select * from {}`, and do what stands here in a CTE before it",
            last.name.name
        );
        let mut found = Violation::new(span, message)
            .help(help)
            .related(last.name.span, "the last CTE")
            .symbol("select");
        if sql.doubtful.is_empty() && sql.variants.is_empty() {
            found.fix = fix(&cx.project.files.get(model.file).text, query, last);
        }
        sink.push(found);
    }
}

/// Where the list is that of the CTE, column by column, a star says the same.
fn fix(text: &str, query: &Query, last: &Cte) -> Option<Fix> {
    let (Body::Select(select), Body::Select(inner)) = (&query.body, &last.query.body) else {
        return None;
    };
    let as_is = is_plain(select) && !query.limited && query.order_by.is_empty();
    if !as_is || !reads(select, last) || !last.columns.is_empty() || select.partial {
        return None;
    }
    let (listed, there) = (names(select)?, names(inner)?);
    let same = listed.len() == there.len()
        && listed
            .iter()
            .zip(&there)
            .all(|(a, b)| a.is(&b.name) && a.quoted == b.quoted);
    let passed = select.items.iter().all(|item| match &item.kind {
        ItemKind::Expr { expr, alias } => {
            alias.is_none() && matches!(expr.kind, ExprKind::Column(_))
        }
        ItemKind::Star { .. } => false,
    });
    let (start, end) = (
        select.keyword.range().end,
        select.items.last()?.span.range().end,
    );
    let from = edit::word_after(text, end)?;
    let list = text.get(start..end)?;
    let is_bare = |c: char| c.is_alphanumeric() || c.is_whitespace() || "_,.\"`".contains(c);
    let whole = text.get(from)?.eq_ignore_ascii_case("from") && list.chars().all(is_bare);
    (same && passed && whole).then(|| Fix {
        title: format!("select `*` from `{}`", last.name.name),
        applicability: Applicability::Safe,
        edits: vec![Edit {
            span: Span::new(select.keyword.file, start, end),
            text: " *".to_owned(),
        }],
    })
}

/// The names of the columns, where every one is written.
fn names(select: &Select) -> Option<Vec<&Ident>> {
    if select.partial || select.rewritten {
        return None;
    }
    let items = select.items.iter().map(|item| match &item.kind {
        ItemKind::Expr { alias, expr } => match (&expr.kind, alias) {
            (_, Some(alias)) => Some(alias),
            (ExprKind::Column(path), None) => path.last(),
            _ => None,
        },
        ItemKind::Star { .. } => None,
    });
    let names: Vec<&Ident> = items.collect::<Option<_>>()?;
    names.iter().all(|n| !n.is_opaque()).then_some(names)
}

/// Where the query ends otherwise than with `select * from last`.
fn other_end(query: &Query, last: &Cte) -> Option<Span> {
    let Body::Select(select) = &query.body else {
        return Some(body_place(&query.body).unwrap_or(query.span));
    };
    let whole = is_plain(select) && is_star(select) && !query.limited && query.order_by.is_empty();
    (!whole || !reads(select, last)).then_some(select.keyword)
}

fn body_place(body: &Body) -> Option<Span> {
    match body {
        Body::Select(select) => Some(select.keyword),
        Body::Set { branches, .. } => body_place(branches.first()?),
        Body::Query(query) => body_place(&query.body),
        Body::Values(span) | Body::Other(span) => Some(*span),
        Body::Unread(part) => Some(part.span),
    }
}

fn is_plain(select: &Select) -> bool {
    !select.distinct
        && select.filter.is_none()
        && select.group_by.is_none()
        && select.having.is_none()
        && select.qualify.is_none()
}

fn is_star(select: &Select) -> bool {
    match &select.items[..] {
        [] => true,
        [item] => match &item.kind {
            ItemKind::Star { options, .. } => {
                options.except.is_empty()
                    && options.replace.is_empty()
                    && options.rename.is_empty()
                    && !options.filtered
            }
            ItemKind::Expr { .. } => false,
        },
        _ => false,
    }
}

fn reads(select: &Select, last: &Cte) -> bool {
    match &select.from[..] {
        [from] if from.joins.is_empty() => match &from.first.kind {
            FactorKind::Name(name) => {
                matches!(&name[..], [one] if one.is(&last.name.name) || one.is_opaque())
            }
            FactorKind::Opaque => true,
            _ => false,
        },
        _ => false,
    }
}
