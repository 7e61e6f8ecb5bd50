use crate::project::{Node, Project};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Reach, Rule, Sink};
use crate::syntax::sql::tree::{Body, Cte, FactorKind, Item, ItemKind, Query, Select};
use crate::text::Span;
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CteMissing {
    /// Layers, by role, whose models must have the sequence.
    layers: Vec<String>,
    /// Names of the CTEs, in order; none: the rule finds nothing.
    sequence: Vec<String>,
}

impl Default for CteMissing {
    fn default() -> Self {
        Self {
            layers: vec!["staging".to_owned()],
            sequence: Vec::new(),
        }
    }
}

impl BuiltIn for CteMissing {
    const META: Meta = Meta {
        id: Borrowed("structure/cte-missing"),
        severity: Severity::Error,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: None,
        doc: Borrowed(include_str!(
            "../../../rules/structure/cte-missing/README.md"
        )),
    };
}

impl Rule for CteMissing {
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
        if self.is_unknown(query) {
            return;
        }
        let list = self.sequence.join(", ");
        if query.ctes.is_empty() {
            let message = format!(
                "none of the CTEs {list} is here: nobody can tell where this model reads, renames, filters and computes"
            );
            let help = format!("write the model as the CTEs {list}, each doing its own part");
            return sink.push(Violation::new(Span::whole(model.file), message).help(help));
        }
        for (place, name) in self.sequence.iter().enumerate() {
            if find(query, name).is_none() {
                sink.push(self.missing(query, place, model));
            }
        }
    }
}

impl CteMissing {
    fn missing(&self, query: &Query, place: usize, model: &Node) -> Violation {
        let name = &self.sequence[place];
        let before = self.sequence[..place].iter().rev();
        let neighbour = before.filter_map(|n| find(query, n)).next();
        let at = neighbour.or(query.ctes.first());
        let span = at.map_or(Span::whole(model.file), |c| c.name.span);
        let message = format!(
            "the CTE `{name}` is missing: its part of the work is left out, or hides in another CTE"
        );
        let help = match neighbour {
            Some(cte) => format!(
                "add `{name}` behind `{}`; where nothing is to be done it is `select * from {}`",
                cte.name.name, cte.name.name
            ),
            None => format!("begin with `{name}`, and let the next CTE read from it"),
        };
        Violation::new(span, message).help(help).symbol(&**name)
    }

    /// Does Jinja that we cannot evaluate print the CTEs, or some of them?
    fn is_unknown(&self, query: &Query) -> bool {
        if query.ctes.iter().any(|c| c.name.is_opaque()) {
            return true;
        }
        query.ctes.is_empty() && self.body_is_unknown(&query.body)
    }

    fn body_is_unknown(&self, body: &Body) -> bool {
        match body {
            Body::Select(select) => prints_all(select) || self.reads_unseen(select),
            Body::Set { branches, .. } => branches.iter().any(|b| self.body_is_unknown(b)),
            Body::Query(query) => self.is_unknown(query),
            // A statement that is no select has no CTEs to miss.
            Body::Values(_) | Body::Other(_) | Body::Unread(_) => true,
        }
    }

    /// `select * from final` without a CTE `final`: a macro before it prints it.
    fn reads_unseen(&self, select: &Select) -> bool {
        let mut factors = select.from.iter().flat_map(|f| f.factors());
        factors.any(|(factor, _)| match &factor.kind {
            FactorKind::Name(name) => match &name[..] {
                [one] => self.sequence.iter().any(|s| one.is(s)),
                _ => false,
            },
            _ => false,
        })
    }
}

/// Is it the placeholder of a query that Jinja prints whole?
fn prints_all(select: &Select) -> bool {
    let opaque = |item: &Item| match &item.kind {
        ItemKind::Expr { alias, .. } => alias.as_ref().is_some_and(|a| a.is_opaque()),
        ItemKind::Star { .. } => false,
    };
    select.from.is_empty() && select.items.iter().all(opaque)
}

fn find<'q>(query: &'q Query, name: &str) -> Option<&'q Cte> {
    query.ctes.iter().find(|c| c.name.is(name))
}
