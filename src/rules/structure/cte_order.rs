use crate::project::{Node, Project};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Reach, Rule, Sink};
use crate::syntax::sql::tree::Cte;
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CteOrder {
    /// Layers, by role, whose models must keep the order.
    layers: Vec<String>,
    /// Names of the CTEs, in order; none: the rule finds nothing.
    sequence: Vec<String>,
}

impl Default for CteOrder {
    fn default() -> Self {
        Self {
            layers: vec!["staging".to_owned()],
            sequence: Vec::new(),
        }
    }
}

impl BuiltIn for CteOrder {
    const META: Meta = Meta {
        id: Borrowed("structure/cte-order"),
        severity: Severity::Error,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: None,
        doc: Borrowed(include_str!("../../../rules/structure/cte-order/README.md")),
    };
}

impl Rule for CteOrder {
    fn judges(&self, project: &Project, node: &Node) -> bool {
        !self.sequence.is_empty() && project.in_layers(node, &self.layers)
    }

    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn model(&self, _cx: &Cx, model: &Node, sink: &mut Sink) {
        let Some(query) = model.sql.as_ref().and_then(|s| s.skeleton()) else {
            return;
        };
        let here: Vec<(usize, &Cte)> = query
            .ctes
            .iter()
            .filter_map(|c| Some((self.sequence.iter().position(|s| c.name.is(s))?, c)))
            .collect();
        let mut wanted = here.clone();
        wanted.sort_by_key(|(place, _)| *place);
        // The first that is not where the sorted list has it should stand behind the one that is.
        let wrong = here.iter().zip(&wanted).find(|(h, w)| h.0 != w.0);
        let Some(((_, early), (_, late))) = wrong else {
            return;
        };
        let (early, late) = (&early.name, &late.name);
        let message = format!(
            "`{}` stands before `{}`: every model of this layer is read in the order {}",
            early.name,
            late.name,
            self.sequence.join(", ")
        );
        let help = format!(
            "move `{}` behind `{}`, and let each CTE read from the one before it",
            early.name, late.name
        );
        sink.push(
            Violation::new(early.span, message)
                .help(help)
                .related(late.span, format!("`{}` should follow this", early.name))
                .symbol(&*early.name),
        );
    }
}
