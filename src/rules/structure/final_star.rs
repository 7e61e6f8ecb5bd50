use crate::project::{Node, Project};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Reach, Rule, Sink};
use crate::syntax::sql::tree::{Body, Cte, ExprKind, Item, ItemKind, Query};
use crate::text::Span;
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct FinalStar {
    /// Layers, by role, whose models are judged; none: the rule finds nothing.
    layers: Vec<String>,
    /// The CTE that is the model's contract.
    cte: String,
}

impl Default for FinalStar {
    fn default() -> Self {
        Self {
            layers: Vec::new(),
            cte: "final".to_owned(),
        }
    }
}

impl BuiltIn for FinalStar {
    const META: Meta = Meta {
        id: Borrowed("structure/final-star"),
        severity: Severity::Error,
        confidence: Confidence::Certain,
        fix: FixAvailability::Sometimes,
        preset: None,
        doc: Borrowed(include_str!(
            "../../../rules/structure/final-star/README.md"
        )),
    };
}

impl Rule for FinalStar {
    fn judges(&self, project: &Project, node: &Node) -> bool {
        project.in_layers(node, &self.layers)
    }

    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        let readings = model.sql.iter().flat_map(|s| s.readings());
        for cte in readings
            .flat_map(|q| &q.ctes)
            .filter(|c| c.name.is(&self.cte))
        {
            let Some(span) = unnamed(&cte.query, cte) else {
                continue;
            };
            let message = format!(
                "`{}` does not name its columns: what the model promises its readers stands nowhere and changes with every step before it",
                cte.name.name
            );
            let help = format!(
                "name every column in the select list of `{}`",
                cte.name.name
            );
            let mut found = Violation::new(span, message)
                .help(help)
                .symbol(self.cte.as_str());
            let query = model.sql.as_ref().and_then(|s| s.query());
            let passed_on = query.map_or(Vec::new(), Query::passed_on);
            // The columns of the CTE are those of the model.
            let at = passed_on.into_iter().find(|p| p.star == span);
            found.fix = at.and_then(|at| cx.project.list_columns(cx.lineage(), model, at));
            sink.push(found);
        }
    }
}

/// The first place where a query takes columns that it does not name.
fn unnamed(query: &Query, cte: &Cte) -> Option<Span> {
    // `final (a, b) as (…)` names them.
    match cte.columns.is_empty() {
        true => of_body(&query.body),
        false => None,
    }
}

fn of_body(body: &Body) -> Option<Span> {
    match body {
        Body::Select(select) if select.items.is_empty() && !select.from.is_empty() => {
            Some(select.keyword)
        }
        Body::Select(select) => {
            let star = |i: &&Item| matches!(i.kind, ItemKind::Star { .. });
            let found = select.items.iter().find(star);
            // A list that a macro prints whole names no column in this file.
            let printed = select.items.iter().all(is_printed);
            found
                .or(select.items.first().filter(|_| printed))
                .map(|i| i.span)
        }
        Body::Set { branches, .. } => branches.iter().find_map(of_body),
        Body::Query(query) => of_body(&query.body),
        Body::Values(_) | Body::Other(_) | Body::Unread(_) => None,
    }
}

fn is_printed(item: &Item) -> bool {
    match &item.kind {
        ItemKind::Expr { expr, alias: None } => matches!(expr.kind, ExprKind::Opaque),
        _ => false,
    }
}
