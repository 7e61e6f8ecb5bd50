use crate::project::{Node, Resolution, ResourceType};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Reach, Rule, Sink};
use crate::syntax::sql::tree::{Expr, ExprKind, FactorKind};
use crate::text::Span;
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow::Borrowed;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PartitionFilter {}

impl BuiltIn for PartitionFilter {
    const META: Meta = Meta {
        id: Borrowed("sql/partition-filter"),
        severity: Severity::Warn,
        confidence: Confidence::Likely,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!(
            "../../../rules/sql/partition-filter/README.md"
        )),
    };
}

impl Rule for PartitionFilter {
    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        let Some(sql) = &model.sql else { return };
        // A view or an ephemeral model is filtered by whoever reads it.
        let kind = model.config.text("materialized").unwrap_or("view");
        if !matches!(kind, "table" | "incremental") || model.config.is_unknown("materialized") {
            return;
        }
        let filtered = filtered_names(sql.readings());
        let mut seen: Vec<Span> = Vec::new();
        for query in sql.readings() {
            query.selects(&mut |select, _| {
                for (factor, _) in select.from.iter().flat_map(|f| f.factors()) {
                    let FactorKind::Relation(id) = &factor.kind else {
                        continue;
                    };
                    let Resolution::Found(id) = cx.project.resolve(model, sql.relation(*id)) else {
                        continue;
                    };
                    let parent = cx.project.node(id);
                    let Some(field) = demanded(parent) else {
                        continue;
                    };
                    let unfiltered = !filtered.iter().any(|n| n == "*" || n.eq_ignore_ascii_case(&field));
                    if unfiltered && !seen.contains(&factor.span) {
                        seen.push(factor.span);
                        let message = format!(
                            "`{}` is partitioned by `{field}` and demands a filter on it, and nothing here filters `{field}`: the database refuses the query",
                            parent.display_name()
                        );
                        sink.push(
                            Violation::new(factor.span, message)
                                .symbol(format!("partition {}", parent.display_name()))
                                .help(format!("filter `{field}` where `{}` is read", parent.display_name())),
                        );
                    }
                }
            });
        }
    }
}

/// The partition column, where `require_partition_filter` is set.
fn demanded(parent: &Node) -> Option<String> {
    let fits = matches!(
        parent.resource_type,
        ResourceType::Model | ResourceType::Snapshot
    );
    if !fits || parent.config.flag("require_partition_filter") != Some(true) {
        return None;
    }
    match parent.config.get("partition_by")?.value.as_ref()? {
        Value::Object(map) => Some(map.get("field")?.as_str()?.to_owned()),
        Value::String(text) => {
            let plain = text.chars().all(|c| c.is_alphanumeric() || c == '_');
            plain.then(|| text.clone())
        }
        _ => None,
    }
}

/// Names that some condition of the file speaks of.
fn filtered_names<'a>(
    readings: impl Iterator<Item = &'a crate::syntax::sql::tree::Query>,
) -> Vec<String> {
    use crate::syntax::sql::tree::Constraint;
    let mut names = Vec::new();
    let mut add = |e: &Expr| {
        e.walk(&mut |e| match &e.kind {
            ExprKind::Column(path) => names.extend(path.last().map(|p| p.name.to_string())),
            // What Jinja prints may filter anything.
            ExprKind::Opaque => names.push("*".to_owned()),
            _ => {}
        });
    };
    for query in readings {
        query.selects(&mut |select, _| {
            [&select.filter, &select.qualify, &select.having]
                .into_iter()
                .flatten()
                .for_each(&mut add);
            for join in select.from.iter().flat_map(|f| &f.joins) {
                if let Constraint::On(on) = &join.constraint {
                    add(on);
                }
            }
        });
    }
    names
}
