use crate::project::{Node, Project};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Reach, Rule, Sink};
use crate::syntax::sql::tree::{Body, Cte, FactorKind, ItemKind, Query, Select};
use crate::text::Span;
use crate::violation::{Confidence, Severity, Violation};
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
        fix: FixAvailability::None,
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
        if !cx.project.in_layers(model, &self.layers) {
            return;
        }
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
        sink.push(
            Violation::new(span, message)
                .help(help)
                .related(last.name.span, "the last CTE")
                .symbol("select"),
        );
    }
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
