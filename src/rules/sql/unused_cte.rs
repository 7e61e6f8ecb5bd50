use crate::project::{Node, Project};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Reach, Rule, Sink};
use crate::syntax::jinja::{self, TokenKind};
use crate::syntax::sql::tree::{Body, Cte, Factor, FactorKind, From, Query};
use crate::text::Span;
use crate::violation::{Applicability, Confidence, Edit, Fix, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UnusedCte {}

impl BuiltIn for UnusedCte {
    const META: Meta = Meta {
        id: Borrowed("sql/unused-cte"),
        severity: Severity::Warn,
        confidence: Confidence::Certain,
        fix: FixAvailability::Sometimes,
        preset: Some(Preset::Recommended),
        doc: Borrowed(include_str!("../../../rules/sql/unused-cte/README.md")),
    };
}

impl Rule for UnusedCte {
    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        let Some(sql) = &model.sql else { return };
        let Some(query) = sql.query() else { return };
        if query.ctes.is_empty() || is_open(query) || sql.readings().any(is_open) {
            return;
        }
        let mut used: Vec<&Cte> = Vec::new();
        let mut defined: Vec<&Cte> = Vec::new();
        for reading in sql.readings() {
            reading.queries(&mut |q, _| defined.extend(&q.ctes));
            reading.selects_in_scope(&mut |select, scope| {
                for from in &select.from {
                    each(from, &mut |factor| {
                        if let Some(cte) = factor.cte(&scope.ctes)
                            && !scope.within.iter().any(|w| std::ptr::eq(*w, cte))
                        {
                            used.push(cte);
                        }
                    });
                }
            });
        }
        let jinja = jinja_text(cx.project, model);
        // One CTE has a tree in every reading.
        let in_use = |cte: &&Cte| used.iter().any(|u| u.name.span == cte.name.span);
        let mut reported = Vec::new();
        for cte in defined.into_iter().filter(|c| !in_use(c)) {
            let name = &cte.name;
            let said = || jinja.contains(&name.name.to_ascii_lowercase());
            // Which branches of conditions a run combines is not known.
            let conditional = !sql.variants.is_empty() || !sql.doubtful.is_empty();
            if conditional && is_read_somewhere(&cx.project.files.get(model.file).text, &name.name)
            {
                continue;
            }
            if !cx.project.is_written(name) || reported.contains(&name.span) || said() {
                continue;
            }
            reported.push(name.span);
            let message = format!(
                "nothing reads the CTE `{}`: what it filters or checks does not happen",
                name.name
            );
            let mut found = Violation::new(name.span, message)
                .symbol(format!("cte {}", name.name.to_ascii_lowercase()));
            if !conditional {
                found.fix = fix(&cx.project.files.get(model.file).text, query, cte);
            }
            sink.push(found);
        }
    }
}

/// Takes it out with its comma, where nothing but white space stands between it and its neighbour:
/// suggested, for it may have been meant to be read.
fn fix(text: &str, query: &Query, cte: &Cte) -> Option<Fix> {
    let at = query
        .ctes
        .iter()
        .position(|c| c.name.span == cte.name.span)?;
    let own = cte.span.range();
    let before = at.checked_sub(1).map(|i| query.ctes[i].span.range());
    let after = query.ctes.get(at + 1).map(|c| c.span.range());
    let (range, between) = match (before, after) {
        (Some(before), _) => (before.end..own.end, before.end..own.start),
        (None, Some(after)) => (own.start..after.start, own.end..after.start),
        (None, None) => return None,
    };
    (text.get(between)?.trim() == ",").then(|| Fix {
        title: format!("remove the CTE `{}`", cte.name.name),
        applicability: Applicability::Suggested,
        edits: vec![Edit {
            span: Span::new(cte.span.file, range.start, range.end),
            text: String::new(),
        }],
    })
}

/// Does the text name it where a relation stands?
fn is_read_somewhere(text: &str, name: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let name = name.to_ascii_lowercase();
    let mut words = text
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|w| !w.is_empty());
    let mut before = "";
    words.any(|word| {
        let read = word == name && matches!(before, "from" | "join");
        before = word;
        read
    })
}

/// Does Jinja print relations, or whole queries, that are not known? They may read any CTE.
fn is_open(query: &Query) -> bool {
    let mut open = false;
    query.queries(&mut |q, _| open |= matches!(q.body, Body::Other(_)));
    query.selects(&mut |select, _| {
        open |= select.partial;
        // A body that Jinja prints is a select of one unknown.
        open |= select.from.is_empty()
            && select.items.iter().all(|item| match &item.kind {
                crate::syntax::sql::tree::ItemKind::Expr { alias, .. } => {
                    alias.as_ref().is_some_and(|a| a.is_opaque())
                }
                crate::syntax::sql::tree::ItemKind::Star { .. } => false,
            });
        for from in &select.from {
            each(from, &mut |f| open |= matches!(&f.kind, FactorKind::Opaque));
        }
    });
    open
}

/// Every relation, in parentheses and pivots too.
fn each<'a>(from: &'a From, visit: &mut dyn FnMut(&'a Factor)) {
    for (factor, _) in from.factors() {
        let mut factor = factor;
        while let FactorKind::Derived(inner, _) = &factor.kind {
            factor = inner;
        }
        visit(factor);
        if let FactorKind::Nested(inner) = &factor.kind {
            each(inner, visit);
        }
    }
}

/// What the file says to macros: they may be told the name of a CTE.
fn jinja_text(project: &Project, model: &Node) -> String {
    let text = &project.files.get(model.file).text;
    let (tokens, _) = jinja::lex(text);
    let code = tokens
        .iter()
        .filter(|t| matches!(t.kind, TokenKind::Output | TokenKind::Statement));
    let code: Vec<&str> = code
        .map(|t| &text[t.inner.start as usize..t.inner.end as usize])
        .collect();
    code.join(" ").to_ascii_lowercase()
}
