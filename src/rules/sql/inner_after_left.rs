use crate::project::{Node, Project};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Reach, Rule, Sink};
use crate::syntax::jinja::RelationRef;
use crate::syntax::sql::edit;
use crate::syntax::sql::nulls::{Column, rejects_null, thinks_of_null};
use crate::syntax::sql::tree::{Constraint, Expr, Factor, FactorKind, Join, JoinKind, Select};
use crate::syntax::template::SqlFile;
use crate::text::Span;
use crate::violation::{Applicability, Confidence, Edit, Fix, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InnerAfterLeft {}

impl BuiltIn for InnerAfterLeft {
    const META: Meta = Meta {
        id: Borrowed("sql/inner-after-left"),
        severity: Severity::Error,
        confidence: Confidence::Certain,
        fix: FixAvailability::Sometimes,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!(
            "../../../rules/sql/inner-after-left/README.md"
        )),
    };
}

impl Rule for InnerAfterLeft {
    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        let Some(sql) = &model.sql else { return };
        let judge = Judge {
            project: cx.project,
            sql,
        };
        for query in sql.readings().chain(sql.loose()) {
            query.selects(&mut |select, _| judge.select(select, sink));
        }
    }
}

/// A relation that a left join may leave without a match.
struct Optional<'a> {
    name: &'a str,
    join: Span,
}

struct Judge<'a> {
    project: &'a Project,
    sql: &'a SqlFile,
}

impl Judge<'_> {
    fn select(&self, select: &Select, sink: &mut Sink) {
        let mut optional: Vec<Optional> = Vec::new();
        for from in &select.from {
            for join in &from.joins {
                match join.kind {
                    JoinKind::Left => optional.extend(joined(join)),
                    JoinKind::Inner => self.inner(join, &mut optional, sink),
                    // What these leave without a match is another question.
                    JoinKind::Right | JoinKind::Full => return,
                    JoinKind::Cross | JoinKind::Filtering | JoinKind::Other => {}
                }
            }
        }
        if let Some(filter) = &select.filter {
            self.filter(filter, &mut optional, sink);
        }
    }

    /// An inner join that needs a column of an optional relation drops the rows without a match.
    fn inner(&self, join: &Join, optional: &mut Vec<Optional>, sink: &mut Sink) {
        let Constraint::On(on) = &join.constraint else {
            return;
        };
        // `asof` and `any` joins are read without that word.
        if self.sql.is_shimmed(join.span) {
            return;
        }
        for column in rejects_null(on) {
            let Some(i) = self.position(optional, column) else {
                continue;
            };
            let left = optional.remove(i);
            let message = format!(
                "inner join {} uses `{}`, but `{}` is left-joined at {}: rows without a match in `{}` are dropped",
                self.relation(&join.factor),
                dotted(column),
                left.name,
                self.line(left.join),
                left.name,
            );
            let violation = Violation::new(join.span, message)
                .symbol(format!("join {}", dotted(column).to_ascii_lowercase()))
                .related(left.join, format!("`{}` is left-joined here", left.name));
            let mut violation = violation;
            violation.fix = self.fix(join);
            sink.push(violation);
        }
    }

    /// Makes the join a left join: suggested, for the rows may have been meant to go.
    fn fix(&self, join: &Join) -> Option<Fix> {
        let text = &self.project.files.get(join.span.file).text;
        let start = join.span.range().start;
        let word = edit::word_after(text, start).filter(|w| w.start == start)?;
        let written = text.get(word.clone())?;
        let (end, left) = match written.to_ascii_lowercase().as_str() {
            "inner" => (word.end, "left"),
            "join" => (word.start, "left "),
            _ => return None,
        };
        Some(Fix {
            title: "make it a left join".to_owned(),
            applicability: Applicability::Suggested,
            edits: vec![Edit {
                span: Span::new(join.span.file, start, end),
                text: edit::cased(left, written),
            }],
        })
    }

    /// A condition in `where` that is never true for rows without a match.
    fn filter(&self, filter: &Expr, optional: &mut Vec<Optional>, sink: &mut Sink) {
        // The anti-join idiom, `is not null`, a default for the missing value: the rows without a
        // match were thought of.
        for column in thinks_of_null(filter) {
            if let Some(i) = self.position(optional, column) {
                optional.remove(i);
            }
        }
        for column in rejects_null(filter) {
            let Some(i) = self.position(optional, column) else {
                continue;
            };
            let left = optional.remove(i);
            let span = column.iter().fold(column[0].span, |s, i| s.to(i.span));
            let message = format!(
                "`where` needs `{}`, but `{}` is left-joined at {}: rows without a match in `{}` are dropped, as by an inner join",
                dotted(column),
                left.name,
                self.line(left.join),
                left.name,
            );
            let violation = Violation::new(span, message)
                .symbol(format!("where {}", dotted(column).to_ascii_lowercase()))
                .severity(Severity::Warn)
                .related(left.join, format!("`{}` is left-joined here", left.name))
                .help(format!(
                    "move the condition into the `on` of the left join if the rows must survive; otherwise make it an inner join, or add `or {}.<key> is null`",
                    left.name
                ));
            sink.push(violation);
        }
    }

    /// The optional relation that qualifies the column. Columns without a qualifier are not
    /// followed, for whose they are is not known; nor is what a macro prints.
    fn position(&self, optional: &[Optional], column: Column) -> Option<usize> {
        let [.., qualifier, name] = column else {
            return None;
        };
        if !self.project.is_written(name) {
            return None;
        }
        optional.iter().position(|o| qualifier.is(o.name))
    }

    fn line(&self, span: Span) -> u32 {
        self.project.files.get(span.file).line_col(span.start).line
    }

    /// The joined relation as a reader would name it.
    fn relation(&self, factor: &Factor) -> String {
        let name = match &factor.kind {
            FactorKind::Relation(id) => match self.sql.relation(*id) {
                RelationRef::Ref { name, .. } => name.clone(),
                RelationRef::Source { table, .. } => table.clone(),
                _ => None,
            },
            _ => None,
        };
        let name = name.or_else(|| Some(factor.binding()?.name.to_string()));
        name.map_or("of a subquery".to_owned(), |n| format!("`{n}`"))
    }
}

fn joined(join: &Join) -> Option<Optional<'_>> {
    Some(Optional {
        name: &join.factor.binding()?.name,
        join: join.span,
    })
}

fn dotted(column: Column) -> String {
    let parts: Vec<&str> = column.iter().map(|i| &*i.name).collect();
    parts.join(".")
}
