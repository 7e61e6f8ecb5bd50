use crate::project::Node;
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Reach, Rule, Sink};
use crate::syntax::sql::same::{same, same_column};
use crate::syntax::sql::tree::{
    Call, CompareOp, Expr, ExprKind, Ident, ItemKind, Literal, Query, Select,
};
use crate::text::Span;
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NondeterministicDedup {}

impl BuiltIn for NondeterministicDedup {
    const META: Meta = Meta {
        id: Borrowed("sql/nondeterministic-dedup"),
        severity: Severity::Warn,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!(
            "../../../rules/sql/nondeterministic-dedup/README.md"
        )),
    };
}

impl Rule for NondeterministicDedup {
    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        let Some(sql) = &model.sql else { return };
        let mut seen: Vec<Span> = Vec::new();
        for query in sql.readings() {
            let kept = kept_first(query);
            query.selects(&mut |select, _| {
                for (call, span) in ranks(select, &kept) {
                    let written = cx.project.text(span).to_ascii_lowercase();
                    // What a macro prints is the macro's to answer for.
                    if !written.starts_with("row_number") || sql.is_shimmed(span) {
                        continue;
                    }
                    let Some(why) = unordered(call) else { continue };
                    if selects_the_group(select, call) {
                        continue;
                    }
                    if !seen.contains(&span) {
                        seen.push(span);
                        let message = format!(
                            "`row_number()` keeps one row of each group, but {why}: which row stays may change from run to run"
                        );
                        sink.push(Violation::new(span, message).symbol("row_number"));
                    }
                }
            });
        }
    }
}

/// Names that are somewhere compared with 1.
fn kept_first(query: &Query) -> Vec<&Ident> {
    let mut names = Vec::new();
    query.selects(&mut |select, _| {
        let clauses = [&select.filter, &select.qualify];
        let ons = select.from.iter().flat_map(|f| &f.joins);
        let ons = ons.filter_map(|j| match &j.constraint {
            crate::syntax::sql::tree::Constraint::On(on) => Some(on),
            _ => None,
        });
        for clause in clauses.into_iter().flatten().chain(ons) {
            clause.walk(&mut |e| {
                if let Some(ExprKind::Column(path)) = first(e).map(|e| &e.kind) {
                    names.extend(path.last());
                }
            });
        }
    });
    names
}

/// What `… = 1`, `… <= 1` or `… < 2` speaks of.
fn first(e: &Expr) -> Option<&Expr> {
    let ExprKind::Compare(op, sides) = &e.kind else {
        return None;
    };
    let is = |e: &Expr, wanted: &str| matches!(&e.kind, ExprKind::Literal(Literal::Number(n)) if &**n == wanted);
    match op {
        CompareOp::Eq if is(&sides[1], "1") => Some(&sides[0]),
        CompareOp::Eq if is(&sides[0], "1") => Some(&sides[1]),
        CompareOp::Le if is(&sides[1], "1") => Some(&sides[0]),
        CompareOp::Lt if is(&sides[1], "2") => Some(&sides[0]),
        _ => None,
    }
}

/// The calls of `row_number` of which only the first row is kept, in this select's `qualify` or
/// under a name that somebody compares with 1.
fn ranks<'a>(select: &'a Select, kept: &[&Ident]) -> Vec<(&'a Call, Span)> {
    let mut found = Vec::new();
    if let Some(qualify) = &select.qualify {
        qualify.walk(&mut |e| found.extend(first(e).and_then(rank)));
    }
    for item in &select.items {
        if let ItemKind::Expr {
            expr,
            alias: Some(alias),
        } = &item.kind
            && kept.iter().any(|k| k.is(&alias.name))
        {
            found.extend(rank(expr));
        }
    }
    found
}

fn rank(e: &Expr) -> Option<(&Call, Span)> {
    match &e.kind {
        ExprKind::Call(call) if call.function() == "row_number" => Some((call, e.span)),
        _ => None,
    }
}

/// Does the select take nothing but what the rows of a group have in common? Then any will do.
fn selects_the_group(select: &Select, call: &Call) -> bool {
    let partition = call.over.iter().flat_map(|o| &o.partition_by);
    let partition: Vec<&Expr> = partition.collect();
    select.items.iter().all(|item| match &item.kind {
        ItemKind::Expr { expr, .. } => rank(expr).is_some() || is_shared(expr, &partition),
        ItemKind::Star { .. } => false,
    })
}

/// Is it made of what a group is made by?
fn is_shared(expr: &Expr, partition: &[&Expr]) -> bool {
    if partition.iter().any(|p| same(p, expr)) {
        return true;
    }
    const PARTS: [&str; 7] = ["day", "week", "month", "quarter", "year", "hour", "minute"];
    match &expr.kind {
        ExprKind::Literal(_) => true,
        // `datediff(day, …, current_date())`
        ExprKind::Call(call) if call.args.is_empty() && call.over.is_none() => {
            call.function().starts_with("current_")
        }
        ExprKind::Column(path) if matches!(&path[..], [one] if PARTS.iter().any(|p| one.is(p))) => {
            true
        }
        ExprKind::Column(path) => partition.iter().any(|p| match &p.kind {
            ExprKind::Column(by) => same_column(by, path) || names_it(by, path),
            _ => false,
        }),
        ExprKind::Opaque | ExprKind::Subquery(..) => false,
        ExprKind::Other(parts) if parts.is_empty() => false,
        _ => {
            let parts = expr.children();
            !parts.is_empty() && parts.into_iter().all(|p| is_shared(p, partition))
        }
    }
}

/// Is the second column the text of what the first is the code of: `concept_code` and
/// `concept_display`? The name of a customer is no such thing: it changes.
fn names_it(code: &[Ident], name: &[Ident]) -> bool {
    let stem = |path: &[Ident], endings: &[&str]| {
        let last = path.last()?.name.to_lowercase();
        let found = endings.iter().find_map(|e| last.strip_suffix(e));
        found.map(str::to_owned)
    };
    let code = stem(code, &["_code"]);
    let name = stem(name, &["_display", "_description", "_desc", "_label"]);
    code.is_some() && code == name
}

/// Why the order tells no two rows of a group apart; none where it may.
fn unordered(call: &Call) -> Option<String> {
    let over = call.over.as_ref()?;
    // A named window stands elsewhere.
    if over.partition_by.is_empty() {
        return None;
    }
    if over.order_by.is_empty() {
        return Some("nothing orders them".to_owned());
    }
    let partition = &over.partition_by;
    let constant = |e: &&Expr| match &e.kind {
        ExprKind::Literal(_) => true,
        ExprKind::Subquery(query, _) => {
            matches!(&query.body, crate::syntax::sql::tree::Body::Select(s) if s.from.is_empty())
        }
        _ => false,
    };
    let grouped = |e: &&Expr| {
        partition.iter().any(|p| match (&p.kind, &e.kind) {
            (ExprKind::Column(a), ExprKind::Column(b)) => same_column(a, b),
            _ => same(p, e),
        })
    };
    if over.order_by.iter().all(|e| constant(&e)) {
        return Some("they are ordered by a constant".to_owned());
    }
    over.order_by
        .iter()
        .all(|e| constant(&e) || grouped(&e))
        .then(|| {
            "they are ordered by what they are grouped by, which is the same for all".to_owned()
        })
}
