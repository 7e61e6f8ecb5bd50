use crate::project::Node;
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Reach, Rule, Sink};
use crate::syntax::sql::edit;
use crate::syntax::sql::tree::{CompareOp, Expr, ExprKind, Literal};
use crate::text::Span;
use crate::violation::{Applicability, Confidence, Edit, Fix, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NullComparison {}

impl BuiltIn for NullComparison {
    const META: Meta = Meta {
        id: Borrowed("sql/null-comparison"),
        severity: Severity::Error,
        confidence: Confidence::Certain,
        fix: FixAvailability::Sometimes,
        preset: Some(Preset::Recommended),
        doc: Borrowed(include_str!("../../../rules/sql/null-comparison/README.md")),
    };
}

impl Rule for NullComparison {
    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        let Some(sql) = &model.sql else { return };
        let mut seen: Vec<Span> = Vec::new();
        for query in sql.readings() {
            query.selects(&mut |select, _| {
                select.walk(&mut |e| {
                    let Some((null, message)) = judge(e) else {
                        return;
                    };
                    // What a macro or a variable prints does not stand here.
                    let written = cx.project.text(null.span).eq_ignore_ascii_case("null");
                    if written && !sql.is_shimmed(e.span) && !seen.contains(&null.span) {
                        seen.push(null.span);
                        let mut found = Violation::new(null.span, message).symbol("null");
                        found.fix = fix(&cx.project.files.get(model.file).text, e, null);
                        // A null among others in `in` does nothing, which may do no harm.
                        let idle = matches!(&e.kind, ExprKind::InList { negated: false, .. });
                        sink.push(if idle {
                            found.severity(Severity::Warn)
                        } else {
                            found
                        });
                    }
                });
            });
        }
    }
}

/// `= null` becomes `is null`: suggested, for other rows pass then.
fn fix(text: &str, e: &Expr, null: &Expr) -> Option<Fix> {
    let ExprKind::Compare(op, sides) = &e.kind else {
        return None;
    };
    let (signs, test): (&[&str], _) = match op {
        CompareOp::Eq => (&["==", "="], "is null"),
        CompareOp::Ne => (&["<>", "!="], "is not null"),
        _ => return None,
    };
    if !is_null(&sides[1]) || is_null(&sides[0]) {
        return None;
    }
    let at = null.span.range();
    let before = text.get(..at.start)?.trim_end();
    let rest = signs.iter().find_map(|sign| before.strip_suffix(sign))?;
    // `<=`, `:=` and the like are something else.
    if rest.ends_with(['<', '>', '!', '=', ':', '~', '|']) {
        return None;
    }
    let blank = if rest.ends_with(char::is_whitespace) {
        ""
    } else {
        " "
    };
    let test = edit::cased(test, text.get(at.clone())?);
    Some(Fix {
        title: format!("write `{test}`"),
        applicability: Applicability::Suggested,
        edits: vec![Edit {
            span: Span::new(null.span.file, rest.len(), at.end),
            text: format!("{blank}{test}"),
        }],
    })
}

fn is_null(e: &Expr) -> bool {
    matches!(&e.kind, ExprKind::Literal(Literal::Null))
}

fn judge(e: &Expr) -> Option<(&Expr, String)> {
    match &e.kind {
        ExprKind::Compare(op, sides) if !matches!(op, CompareOp::NullSafe | CompareOp::Other) => {
            let null = sides.iter().find(|s| is_null(s))?;
            let (sign, test) = match op {
                CompareOp::Eq | CompareOp::Like => ("=", "is null"),
                CompareOp::Ne => ("<>", "is not null"),
                _ => {
                    return Some((
                        null,
                        "a comparison with null is never true: no row passes it".to_owned(),
                    ));
                }
            };
            Some((
                null,
                format!(
                    "`{sign} null` is never true, whatever stands before it: no row passes; `{test}` asks for null"
                ),
            ))
        }
        ExprKind::InList { list, negated, .. } => {
            let null = list.iter().find(|s| is_null(s))?;
            let message = match negated {
                true => "`not in` with a null in its list is never true: no row passes",
                false => {
                    "a null in an `in` list matches nothing: rows where the value is null are left out"
                }
            };
            Some((null, message.to_owned()))
        }
        ExprKind::Case {
            operand: Some(_),
            whens,
            ..
        } => {
            let (null, _) = whens.iter().find(|(when, _)| is_null(when))?;
            Some((null, "`case … when null` never matches: null equals nothing, and the row falls through to `else`".to_owned()))
        }
        _ => None,
    }
}
