use crate::project::Node;
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Reach, Rule, Sink};
use crate::syntax::stars::Stars;
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StarOutput {}

impl BuiltIn for StarOutput {
    const META: Meta = Meta {
        id: Borrowed("sql/star-output"),
        severity: Severity::Warn,
        confidence: Confidence::Certain,
        fix: FixAvailability::Sometimes,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!("../../../rules/sql/star-output/README.md")),
    };
}

impl Rule for StarOutput {
    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        let Some(sql) = &model.sql else { return };
        let Some(query) = sql.query() else { return };
        let text = &cx.project.files.get(model.file).text;
        let Some(star) = Stars::new(sql, text).of_output(query) else {
            return;
        };
        // A query that a macro prints is the macro's to answer for.
        if !cx.project.text(star.path[0]).ends_with('*') {
            return;
        }
        let message = format!(
            "the output is `*` of {}: its columns change when that changes, {}",
            star.relation,
            what_is_said(model)
        );
        let mut violation = Violation::new(star.path[0], message).symbol("*");
        for step in &star.path[1..] {
            violation = violation.related(*step, "comes from this `*`");
        }
        // An import CTE stays one: what reads it lists the columns.
        let passed_on = query.passed_on();
        let below = passed_on.last().filter(|last| last.reads_node);
        let at = passed_on
            .len()
            .saturating_sub(1 + usize::from(below.is_some()));
        violation.fix = passed_on
            .get(at)
            .and_then(|at| cx.project.list_columns(cx.lineage(), model, *at));
        sink.push(violation);
    }
}

/// What the repository says of the columns, and what holds them to it.
fn what_is_said(model: &Node) -> &'static str {
    let listed = model.properties.iter().any(|p| !p.columns.is_empty());
    match (listed, model.contract_enforced()) {
        (true, Some(true)) => "and then the build fails, because its contract lists others",
        (true, Some(false)) => "and nothing holds it to the columns that its YAML entry lists",
        (true, None) => "whatever its YAML entry lists",
        (false, _) => "and nothing here says what they are",
    }
}
