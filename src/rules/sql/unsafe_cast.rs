use crate::project::{Node, Project};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Reach, Rule, Sink};
use crate::syntax::sql::Dialect;
use crate::syntax::sql::tree::{Expr, ExprKind, Literal};
use crate::text::Span;
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UnsafeCast {}

impl BuiltIn for UnsafeCast {
    const META: Meta = Meta {
        id: Borrowed("sql/unsafe-cast"),
        severity: Severity::Info,
        confidence: Confidence::Heuristic,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!("../../../rules/sql/unsafe-cast/README.md")),
    };
}

impl Rule for UnsafeCast {
    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        let Some(sql) = &model.sql else { return };
        let Some(safe) = safe_form(cx.project.dialect.dialect) else {
            return;
        };
        let mut seen: Vec<Span> = Vec::new();
        for query in sql.readings() {
            query.selects(&mut |select, _| {
                select.walk(&mut |e| {
                    let Some((to, part)) = risky(e) else { return };
                    let written = is_written(cx.project, e) && !sql.is_shimmed(e.span);
                    if written && !seen.contains(&e.span) {
                        seen.push(e.span);
                        let message = format!(
                            "a part of a text (`{part}`) is cast to `{to}`: one row that holds something else fails the whole run"
                        );
                        sink.push(
                            Violation::new(e.span, message).help(format!(
                                "use `{safe}`, which gives null, and test how many nulls there are"
                            )),
                        );
                    }
                });
            });
        }
    }
}

/// The dialect's cast that gives null instead of failing; none where it has none.
fn safe_form(dialect: Dialect) -> Option<&'static str> {
    match dialect {
        Dialect::BigQuery => Some("safe_cast"),
        Dialect::Snowflake
        | Dialect::DuckDb
        | Dialect::Databricks
        | Dialect::Trino
        | Dialect::Athena
        | Dialect::Mssql => Some("try_cast"),
        _ => None,
    }
}

/// A cast that fails of what a text function cuts out: the type, and the function.
fn risky(e: &Expr) -> Option<(String, String)> {
    // What a regular expression cuts out has been looked at.
    const CUTS: &[&str] = &[
        "split_part",
        "strtok",
        "substr",
        "substring",
        "left",
        "right",
    ];
    const STRICT: &[&str] = &[
        "int",
        "integer",
        "bigint",
        "smallint",
        "int64",
        "number",
        "numeric",
        "decimal",
        "date",
        "timestamp",
        "datetime",
        "timestamp_ntz",
    ];
    let ExprKind::Cast {
        value,
        to,
        safe: false,
    } = &e.kind
    else {
        return None;
    };
    let kind = to
        .split('(')
        .next()
        .unwrap_or(to)
        .trim()
        .to_ascii_lowercase();
    let ExprKind::Call(call) = &value.kind else {
        return None;
    };
    let name = call.function();
    let mut checked = false;
    value.walk(&mut |e| {
        checked |= match &e.kind {
            ExprKind::Call(inner) => inner.function().starts_with("regexp"),
            ExprKind::Opaque => true,
            // `_table_suffix`, `_file_name`: the platform's own.
            ExprKind::Column(path) => path.last().is_some_and(|p| p.name.starts_with('_')),
            _ => false,
        };
    });
    let of_literal = call
        .args
        .first()
        .is_some_and(|a| matches!(a.kind, ExprKind::Literal(Literal::String(_))));
    (STRICT.contains(&kind.as_str()) && CUTS.contains(&name.as_str()) && !of_literal && !checked)
        .then(|| (to.to_ascii_lowercase(), name))
}

/// What a macro prints is the macro's to answer for.
fn is_written(project: &Project, e: &Expr) -> bool {
    !project.text(e.span).contains("{{")
}
