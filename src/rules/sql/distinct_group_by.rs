use crate::project::Node;
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Reach, Rule, Sink};
use crate::syntax::sql::edit;
use crate::syntax::sql::same::{same, same_column};
use crate::syntax::sql::tree::{Expr, ExprKind, ItemKind, Literal, Select};
use crate::syntax::template::SqlFile;
use crate::text::Span;
use crate::violation::{Applicability, Confidence, Edit, Fix, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DistinctGroupBy {}

impl BuiltIn for DistinctGroupBy {
    const META: Meta = Meta {
        id: Borrowed("sql/distinct-group-by"),
        severity: Severity::Warn,
        confidence: Confidence::Certain,
        fix: FixAvailability::Sometimes,
        preset: Some(Preset::Recommended),
        doc: Borrowed(include_str!(
            "../../../rules/sql/distinct-group-by/README.md"
        )),
    };
}

impl Rule for DistinctGroupBy {
    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        let Some(sql) = &model.sql else { return };
        let mut seen: Vec<Span> = Vec::new();
        for query in sql.readings() {
            query.selects(&mut |select, _| {
                let written = cx.project.text(select.keyword).eq_ignore_ascii_case("select");
                if !written || seen.contains(&select.keyword) || !is_redundant(select) {
                    return;
                }
                seen.push(select.keyword);
                let message = "`select distinct` over `group by` of the same columns: the groups are distinct already, so it does nothing but sort, or hides what the author feared";
                let mut found = Violation::new(select.keyword, message).symbol("distinct");
                found.fix = fix(&cx.project.files.get(model.file).text, sql, select);
                sink.push(found);
            });
        }
    }
}

/// Takes the word out. Safe, unless a run may send another query than the one that was read.
fn fix(text: &str, sql: &SqlFile, select: &Select) -> Option<Fix> {
    let from = select.keyword.range().end;
    let word = edit::word_after(text, from)?;
    let next = text.get(word.end..)?;
    if !text.get(word.clone())?.eq_ignore_ascii_case("distinct") {
        return None;
    }
    let certain = sql.doubtful.is_empty() && sql.variants.is_empty() && sql.shimmed.is_empty();
    Some(Fix {
        title: "remove `distinct`".to_owned(),
        applicability: match certain {
            true => Applicability::Safe,
            false => Applicability::Suggested,
        },
        edits: vec![Edit {
            span: Span::new(select.keyword.file, from, word.end),
            text: match next.starts_with(char::is_whitespace) {
                true => String::new(),
                false => " ".to_owned(),
            },
        }],
    })
}

/// Are all groups in the select list? Then no two rows are alike.
fn is_redundant(select: &Select) -> bool {
    let Some(groups) = &select.group_by else {
        return false;
    };
    // `distinct on (…)` is another thing, and its expressions stand here.
    if !select.distinct || select.partial || !select.others.is_empty() {
        return false;
    }
    // `group by all` groups by what is selected.
    groups.iter().all(|g| is_selected(g, select))
}

fn is_selected(group: &Expr, select: &Select) -> bool {
    match &group.kind {
        ExprKind::Literal(Literal::Number(n)) => n
            .parse::<usize>()
            .is_ok_and(|n| n >= 1 && n <= select.items.len()),
        ExprKind::Opaque | ExprKind::Other(_) => false,
        kind => select.items.iter().any(|item| match &item.kind {
            ItemKind::Expr { expr, alias } => {
                let by_alias = match (kind, alias) {
                    (ExprKind::Column(path), Some(alias)) => {
                        path.len() == 1 && same_column(path, std::slice::from_ref(alias))
                    }
                    _ => false,
                };
                by_alias || same(group, expr)
            }
            ItemKind::Star { .. } => false,
        }),
    }
}
