use crate::project::{Node, Project};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Reach, Rule, Sink};
use crate::syntax::comment;
use crate::text::Span;
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;
use std::collections::BTreeSet;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ColumnGroups {
    /// Layers, by role, whose models are judged; none: the rule finds nothing.
    layers: Vec<String>,
    /// With what a grouping comment begins; case does not matter.
    groups: Vec<String>,
    /// So many different groups a model must have.
    at_least: usize,
    /// Only models with one of these CTEs are judged.
    ctes: Vec<String>,
}

impl Default for ColumnGroups {
    fn default() -> Self {
        let list = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
        Self {
            layers: Vec::new(),
            groups: list(&[
                "identifiers",
                "dates",
                "descriptive",
                "system",
                "audit",
                "dbt metadata",
                "ingestion",
            ]),
            at_least: 2,
            ctes: list(&["renamed", "final"]),
        }
    }
}

impl BuiltIn for ColumnGroups {
    const META: Meta = Meta {
        id: Borrowed("structure/column-groups"),
        severity: Severity::Warn,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: None,
        doc: Borrowed(include_str!(
            "../../../rules/structure/column-groups/README.md"
        )),
    };
}

impl Rule for ColumnGroups {
    fn judges(&self, project: &Project, node: &Node) -> bool {
        project.in_layers(node, &self.layers)
    }

    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        let Some(query) = model.sql.as_ref().and_then(|s| s.query()) else {
            return;
        };
        // The last of them is the model's contract.
        let named = self.ctes.iter().rev();
        let cte = named
            .filter_map(|name| query.ctes.iter().find(|c| c.name.is(name)))
            .next();
        let Some(cte) = cte else { return };
        let found = self.groups_in(&cx.project.files.get(model.file).text);
        if found.len() >= self.at_least {
            return;
        }
        let has = match found.len() {
            0 => "no grouping comment".to_owned(),
            n => {
                let all: Vec<String> = found.into_iter().map(|g| format!("`{g}`")).collect();
                let s = if n == 1 { "" } else { "s" };
                format!("only the grouping comment{s} {}", all.join(", "))
            }
        };
        let message = format!(
            "there is {has} over the columns: at least {} are to say which are keys, dates or technical, so that a new one finds its place",
            self.at_least
        );
        let help = format!(
            "order the columns of `{}` into groups, each under a comment: {}",
            cte.name.name,
            self.groups.join(", ")
        );
        let span: Span = cte.name.span;
        sink.push(Violation::new(span, message).help(help).symbol("groups"));
    }
}

impl ColumnGroups {
    /// The groups that the comments of a file name.
    fn groups_in(&self, text: &str) -> BTreeSet<&str> {
        let comments = comment::comment_ranges(text);
        let lines = comments
            .into_iter()
            .filter_map(|r| text.get(r))
            .flat_map(str::lines);
        lines.filter_map(|line| self.group_of(line)).collect()
    }

    /// The group that a line of a comment begins with; it may go on behind the word.
    fn group_of(&self, line: &str) -> Option<&str> {
        let marks = |c: char| !c.is_alphanumeric() && c != '_';
        let words = line.trim_start_matches(marks).to_lowercase();
        let begins = |group: &&String| {
            let rest = words.strip_prefix(&group.to_lowercase());
            rest.is_some_and(|r| r.chars().next().is_none_or(marks))
        };
        self.groups.iter().find(begins).map(String::as_str)
    }
}
