use crate::project::lineage::Derivation;
use crate::project::{Column, Node, NodeId, Project, is_keyish};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink};
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;
use std::collections::{BTreeMap, BTreeSet};

/// Whose foreign keys are judged.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Fk {
    /// Layers, by role, whose foreign keys must be tested.
    layers: Vec<String>,
}

impl Default for Fk {
    fn default() -> Self {
        Self {
            layers: vec!["marts".to_owned()],
        }
    }
}

impl BuiltIn for Fk {
    const META: Meta = Meta {
        id: Borrowed("test/fk"),
        severity: Severity::Info,
        confidence: Confidence::Heuristic,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!("../../../rules/test/fk/README.md")),
    };
}

/// Models by the lower-case name of the one column that tests prove to be their key.
type Keys<'p> = BTreeMap<String, Vec<&'p Node>>;

impl Rule for Fk {
    fn judges(&self, project: &Project, node: &Node) -> bool {
        project.in_layers(node, &self.layers)
    }

    fn project(&self, cx: &Cx, sink: &mut Sink) {
        let mut keys = Keys::new();
        for model in cx.project.models() {
            let sets = model.properties.iter().flat_map(|p| p.unique_sets());
            for set in sets.filter(|s| s.len() == 1) {
                for column in set {
                    keys.entry(column).or_default().push(model);
                }
            }
        }
        for model in cx.project.models() {
            if !cx.project.in_layers(model, &self.layers) {
                continue;
            }
            let sets: Vec<_> = model
                .properties
                .iter()
                .flat_map(|p| p.unique_sets())
                .collect();
            let own: BTreeSet<String> = sets
                .into_iter()
                .filter(|s| s.len() == 1)
                .flatten()
                .collect();
            let columns = model.properties.iter().flat_map(|p| &p.columns);
            for column in columns.filter(|c| is_keyish(&c.name.value)) {
                let found = untested(cx, &keys, model, &own, column);
                if let Some(found) = found {
                    sink.push_on(Some(model.id), found);
                }
            }
        }
    }
}

fn untested(
    cx: &Cx,
    keys: &Keys,
    model: &Node,
    own: &BTreeSet<String>,
    column: &Column,
) -> Option<Violation> {
    let name = column.name.value.to_lowercase();
    let tested = column.tests.iter().any(|t| {
        let test = t.short_name();
        test.contains("relationship") || test.contains("foreign_key")
    });
    let constrained = column.constraints.iter().any(|c| c.kind == "foreign_key");
    if name == "id" || own.contains(&name) || tested || constrained {
        return None;
    }
    let parent = owner(cx.project, keys.get(&name)?, model, &name)?;
    // What is taken from the parent itself, or what the parent is made of, needs no test.
    let origin = cx.lineage().origin(model.id, &name)?;
    let is_taken = origin.from.iter().any(|c| c.node == parent.id);
    if is_taken || origin.how != Derivation::Pass || depends(cx.project, parent.id, model.id) {
        return None;
    }
    let parent = parent.display_name();
    let message = format!(
        "`{}` looks like a reference to `{parent}`, whose key it is, and no test checks that the row is there: joins lose or blank what has none",
        column.name.value
    );
    let help = format!(
        "add `relationships` to the column, with `to: ref('{parent}')` and `field: {}`",
        column.name.value
    );
    let found = Violation::new(column.name.span, message).help(help);
    Some(found.symbol(column.name.value.clone()))
}

/// The one model of the marts whose key the column is, and which is called after it.
fn owner<'p>(project: &Project, models: &[&'p Node], own: &Node, column: &str) -> Option<&'p Node> {
    let stem = column.rsplit_once('_').map_or(column, |(stem, _)| stem);
    let marts = ["marts".to_owned()];
    let is_called = |m: &Node| {
        let name = m.name.to_lowercase();
        let prefixed = name.split_once('_').map_or("", |(_, rest)| rest);
        let tail = name.rsplit_once("__").map_or("", |(_, tail)| tail);
        [name.as_str(), prefixed, tail].into_iter().any(|entity| {
            let rest = entity.strip_prefix(stem);
            let plural = stem.strip_suffix('y').map(|s| format!("{s}ies"));
            matches!(rest, Some("" | "s" | "es")) || plural.as_deref() == Some(entity)
        })
    };
    let others = models.iter().copied().filter(|m| m.id != own.id);
    let mut fit = others.filter(|m| is_called(m) && project.in_layers(m, &marts));
    let first = fit.next()?;
    fit.next().is_none().then_some(first)
}

fn depends(project: &Project, child: NodeId, parent: NodeId) -> bool {
    project.graph.ancestors(child, None).contains(&parent)
}
