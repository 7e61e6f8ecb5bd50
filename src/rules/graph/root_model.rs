use crate::project::{Node, Project};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Reach, Rule, Sink};
use crate::syntax::jinja::RelationRef;
use crate::text::Span;
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RootModel {}

impl BuiltIn for RootModel {
    const META: Meta = Meta {
        id: Borrowed("graph/root-model"),
        severity: Severity::Info,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!("../../../rules/graph/root-model/README.md")),
    };
}

impl Rule for RootModel {
    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        let project = cx.project;
        let reads = project.read_by(model.id).next().is_some();
        if reads || project.is_time_spine(model) || may_read(project, model) {
            return;
        }
        let message = format!(
            "`{}` reads no model, seed or source that dbt knows of: its data comes from nowhere, or from a table named by hand",
            model.display_name()
        );
        sink.push(Violation::new(Span::whole(model.file), message).symbol("root"));
    }
}

/// Does something in the model ask for a relation, or may it, that found no node?
fn may_read(project: &Project, model: &Node) -> bool {
    let Some(sql) = &model.sql else {
        return true;
    };
    let asks = |r: &RelationRef| matches!(r, RelationRef::Ref { .. } | RelationRef::Source { .. });
    let unknown = |name: &str| project.misses_packages() && project.is_unknown_macro(name);
    sql.exhausted
        || sql.relations.iter().any(|c| asks(&c.relation))
        || model.yaml_refs.iter().any(|r| asks(&r.relation))
        || sql.macros.iter().any(|(name, _)| unknown(name))
}
