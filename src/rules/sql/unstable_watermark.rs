use crate::project::lineage::Derivation;
use crate::project::{Node, NodeId, Project, ResourceType};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink};
use crate::syntax::jinja::RelationRef;
use crate::syntax::sql::tree::{Expr, ExprKind, Ident};
use crate::syntax::template::SqlFile;
use crate::syntax::watermark::{Watermark, is_bare_now};
use crate::text::Span;
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UnstableWatermark {}

impl BuiltIn for UnstableWatermark {
    const META: Meta = Meta {
        id: Borrowed("sql/unstable-watermark"),
        severity: Severity::Warn,
        confidence: Confidence::Likely,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!(
            "../../../rules/sql/unstable-watermark/README.md"
        )),
    };
}

impl Rule for UnstableWatermark {
    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        let model = cx.project.node(model.id);
        let Some(sql) = &model.sql else { return };
        if model.config.text("materialized") != Some("incremental") || !reads_itself(sql) {
            return;
        }
        let mut seen: Vec<Span> = Vec::new();
        for query in sql.readings() {
            let mut filters = Vec::new();
            query.selects(&mut |select, _| {
                let clauses = [&select.filter, &select.qualify, &select.having];
                for clause in clauses.into_iter().flatten() {
                    clause.walk(&mut |e| {
                        filters.extend(Watermark::of(sql, e).map(|w| (select, w)));
                    });
                }
            });
            if filters.is_empty() {
                continue;
            }
            let places = cx.lineage().places(model, query);
            for (select, Watermark { column, stored, .. }) in filters {
                let span = column.iter().fold(column[0].span, |s, i| s.to(i.span));
                let meaning = places.resolve(select, column);
                let found = meaning.and_then(|m| match m.expr {
                    Some(expr) if is_now(cx.project, expr) => Some((expr.span, model.id)),
                    _ => match (&m.origin.how, &m.origin.from[..]) {
                        (Derivation::Pass, [one]) => stamped(cx, one.node, &one.column),
                        _ => None,
                    },
                });
                let name = &column[column.len() - 1].name;
                let violation = match found {
                    Some((place, node)) => above(cx.project, model, span, name, place, node),
                    None => match own(cx, model, stored) {
                        Some(place) => itself(span, name, stored, place),
                        None => continue,
                    },
                };
                if !seen.contains(&span) && cx.project.is_written(&column[column.len() - 1]) {
                    seen.push(span);
                    sink.push(violation);
                }
            }
        }
    }
}

/// What is compared has the time of the run.
fn above(
    project: &Project,
    model: &Node,
    span: Span,
    name: &str,
    place: Span,
    node: NodeId,
) -> Violation {
    let node = project.node(node);
    let (whose, why) = match node.id == model.id {
        true => ("this model".to_owned(), "in every run"),
        false => match node.config.text("materialized").unwrap_or("view") {
            "table" => (
                format!("`{}`", node.display_name()),
                "whenever that table is rebuilt",
            ),
            _ => (
                format!("`{}`", node.display_name()),
                "whenever that is read",
            ),
        },
    };
    Violation::new(
        span,
        format!(
            "the incremental filter is on `{name}`, which {whose} sets to the current time {why}: every row looks new, and all are read again"
        ),
    )
    .symbol(format!("watermark {}", name.to_ascii_lowercase()))
    .related(place, "the current time, here")
}

/// What it is compared with has the time of the last run.
fn itself(span: Span, name: &str, stored: &Ident, place: Span) -> Violation {
    Violation::new(
        span,
        format!(
            "the incremental filter compares `{name}` with `{}` of this table, which is the time of the last run: rows that happened before it and arrive after it are never read",
            stored.name
        ),
    )
    .symbol(format!("watermark {}", name.to_ascii_lowercase()))
    .related(place, "the current time, here")
    .help(format!("compare `{name}` with `max({name})` of `{{{{ this }}}}`"))
}

fn reads_itself(sql: &SqlFile) -> bool {
    sql.printed.contains(&RelationRef::This)
}

/// Where the column of a node is the time at which it was read or rebuilt. A table that grows
/// stamps a row once; such a column is a good watermark.
fn stamped(cx: &Cx, id: NodeId, column: &str) -> Option<(Span, NodeId)> {
    let (mut id, mut column) = (id, column.to_owned());
    for _ in 0..50 {
        let node = cx.project.node(id);
        let unknown = node.config.is_unknown("materialized") || node.python;
        let kind = node.config.text("materialized").unwrap_or("view");
        let fleeting = matches!(kind, "view" | "table" | "ephemeral");
        if node.resource_type != ResourceType::Model || unknown || !fleeting {
            return None;
        }
        let output = cx.lineage().output(id).column(&column)?;
        if let Some(expr) = output.expr
            && is_now(cx.project, expr)
        {
            return Some((expr.span, id));
        }
        let [one] = &output.origin.from[..] else {
            return None;
        };
        if output.origin.how != Derivation::Pass {
            return None;
        }
        (id, column) = (one.node, one.column.to_string());
    }
    None
}

/// Where the model's own column is the time of the run.
fn own(cx: &Cx, model: &Node, stored: &Ident) -> Option<Span> {
    let column = cx.lineage().output(model.id).column(&stored.name)?;
    let expr = column.expr.filter(|e| is_now(cx.project, e))?;
    Some(expr.span)
}

/// Is it the current time, whatever type or zone it is given?
fn is_now(project: &Project, e: &Expr) -> bool {
    match &e.kind {
        ExprKind::Column(path) => is_bare_now(path),
        ExprKind::Cast { value, .. } => is_now(project, value),
        ExprKind::Opaque => {
            let text = project.text(e.span).to_ascii_lowercase();
            text.contains("current_timestamp")
        }
        ExprKind::Call(call) if call.over.is_none() => match call.function().as_str() {
            "current_timestamp" | "now" | "getdate" | "sysdate" | "systimestamp" | "now64"
            | "sysdatetime" | "current_datetime" | "localtimestamp" | "getutcdate"
            | "current_date" | "today" => true,
            "convert_timezone" | "to_timestamp" | "to_timestamp_ntz" | "timestamp" | "datetime"
            | "date_trunc" | "to_utc_timestamp" | "from_utc_timestamp" | "date" => {
                call.args.iter().any(|a| is_now(project, a))
            }
            _ => false,
        },
        ExprKind::Other(parts) => {
            parts.first().is_some_and(|p| is_now(project, p)) && parts.len() <= 2
        }
        _ => false,
    }
}
