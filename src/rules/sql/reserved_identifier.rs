use crate::project::Node;
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Reach, Rule, Sink};
use crate::syntax::sql::tree::{Body, Ident, ItemKind, Query};
use crate::syntax::sql::{Dialect, is_reserved};
use crate::text::Span;
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReservedIdentifier {}

impl BuiltIn for ReservedIdentifier {
    const META: Meta = Meta {
        id: Borrowed("sql/reserved-identifier"),
        severity: Severity::Info,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!(
            "../../../rules/sql/reserved-identifier/README.md"
        )),
    };
}

impl Rule for ReservedIdentifier {
    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        let Some(sql) = &model.sql else { return };
        let Some(query) = sql.query() else { return };
        let dialect = cx.project.dialect.dialect;
        let mut seen: Vec<Span> = Vec::new();
        let mut names: Vec<&Ident> = Vec::new();
        output_names(query, &mut names, 0);
        for name in names {
            if !is_reserved(&name.name, dialect) || !cx.project.is_written(name) {
                continue;
            }
            if seen.contains(&name.span) {
                continue;
            }
            seen.push(name.span);
            let message = format!(
                "the column `{}` is called by a reserved word of {}: whoever reads it must quote it, and who forgets gets a syntax error or another value",
                name.name,
                dialect_name(dialect)
            );
            sink.push(
                Violation::new(name.span, message)
                    .symbol(format!("reserved {}", name.name.to_ascii_lowercase()))
                    .help(format!(
                        "say what it is of, such as `<entity>_{}`",
                        name.name.to_ascii_lowercase()
                    )),
            );
        }
    }
}

fn dialect_name(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Generic => "SQL",
        other => other.name(),
    }
}

/// The aliases of a query's output columns, through `select *` of its last CTEs.
fn output_names<'a>(query: &'a Query, names: &mut Vec<&'a Ident>, depth: u32) {
    if depth > 8 {
        return;
    }
    let mut body = &query.body;
    while let Body::Set { branches, .. } = body {
        let Some(first) = branches.first() else {
            return;
        };
        body = first;
    }
    match body {
        Body::Query(query) => output_names(query, names, depth + 1),
        Body::Select(select) => {
            for item in &select.items {
                match &item.kind {
                    ItemKind::Expr { alias, .. } => names.extend(alias),
                    ItemKind::Star { .. } => {
                        let factors = select.from.iter().flat_map(|f| f.factors());
                        let ctes: Vec<_> = query.ctes.iter().collect();
                        for (factor, _) in factors {
                            if let Some(cte) = factor.cte(&ctes)
                                && select.from.len() == 1
                            {
                                output_names(&cte.query, names, depth + 1);
                            }
                        }
                    }
                }
            }
        }
        _ => {}
    }
}
