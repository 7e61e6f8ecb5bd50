use crate::config::{Config, Layer};
use crate::project::{Edge, LayerTable, Node, ResourceType};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink, from_layers, on_edge};
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LayerDirection {}

impl BuiltIn for LayerDirection {
    const META: Meta = Meta {
        id: Borrowed("graph/layer-direction"),
        severity: Severity::Error,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!(
            "../../../rules/graph/layer-direction/README.md"
        )),
    };

    fn is_asked_for(config: &Config) -> bool {
        config.layers.is_some()
    }
}

impl Rule for LayerDirection {
    fn yields_to(&self) -> &'static [&'static str] {
        &[
            "graph/source-outside-staging",
            "graph/staging-on-downstream",
            "graph/staging-on-staging",
        ]
    }

    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        let Some(layer) = cx.project.layer(model) else {
            return;
        };
        for (parent, edge) in cx.project.graph.parents(model.id) {
            let parent = cx.project.node(parent);
            // What a package holds is its authors' affair; a model's edge to itself is `this`.
            if !parent.is_own() || parent.id == model.id || is_excused(cx, parent, edge) {
                continue;
            }
            let wrong = match parent.resource_type {
                ResourceType::Source if !layer.sources && cx.project.layers.judges_sources() => {
                    reads_source(model, layer, parent)
                }
                ResourceType::Model => match cx.project.layer(parent) {
                    Some(other) if !layer.refs.contains(&other.name) => {
                        let table = &cx.project.layers;
                        refs_model(table, (model, layer), (parent, other))
                    }
                    _ => continue,
                },
                _ => continue,
            };
            sink.push(finding(cx, model, layer, parent, edge, wrong));
        }
    }
}

/// Layers that only folder names tell of say nothing about a calendar, which every layer joins to,
/// nor about what a macro reads, wherever it is called.
fn is_excused(cx: &Cx, parent: &Node, edge: &Edge) -> bool {
    let by_macro = edge.in_macro && edge.span.is_some();
    cx.project.layers.inferred && (by_macro || cx.project.is_time_spine(parent))
}

fn reads_source(model: &Node, layer: &Layer, source: &Node) -> String {
    format!(
        "`{}` ({}) reads the source `{}`: what another layer renames, casts and filters once is done here again, or not at all",
        model.display_name(),
        layer.name,
        source.display_name(),
    )
}

fn refs_model(table: &LayerTable, child: (&Node, &Layer), parent: (&Node, &Layer)) -> String {
    let why = match (child.1, parent.1) {
        (c, p) if c.name == p.name => format!(
            "models of {} are to stand side by side, so nobody looks for a dependency among them",
            c.name
        ),
        (c, p) if is_built_from(table, p, &c.name) => format!(
            "{} is built from {}, so the two layers now wait for one another",
            p.name, c.name
        ),
        (c, p) => format!(
            "{} is not among the layers that {} is built from, so what lies between them is skipped",
            p.name, c.name
        ),
    };
    format!(
        "`{}` ({}) refs `{}` ({}): {why}",
        child.0.display_name(),
        child.1.name,
        parent.0.display_name(),
        parent.1.name,
    )
}

/// Does `layer` read the layer of this name, through others too?
fn is_built_from(table: &LayerTable, layer: &Layer, name: &str) -> bool {
    let mut seen: Vec<&str> = Vec::new();
    let mut next: Vec<&str> = layer.refs.iter().map(String::as_str).collect();
    while let Some(other) = next.pop() {
        if other == name {
            return true;
        }
        if seen.contains(&other) {
            continue;
        }
        seen.push(other);
        let found = table.layers.iter().filter(|l| l.name == other);
        next.extend(found.flat_map(|l| l.refs.iter().map(String::as_str)));
    }
    false
}

fn finding(
    cx: &Cx,
    model: &Node,
    layer: &Layer,
    parent: &Node,
    edge: &Edge,
    message: String,
) -> Violation {
    let table = &cx.project.layers;
    let exists = |name: &&String| table.layers.iter().any(|l| l.name == **name);
    let mut allowed: Vec<String> = layer.refs.iter().filter(exists).cloned().collect();
    allowed.extend(layer.sources.then(|| "sources".to_owned()));
    let allowed = match allowed.is_empty() {
        true => "nothing".to_owned(),
        false => allowed.join(", "),
    };
    let remedy = match table.inferred {
        true => {
            "the layers were inferred from folder names, so say under `layers` in harness-lint.yml how yours depend on one another"
        }
        false => "or change its `refs` and `sources` under `layers` in harness-lint.yml",
    };
    let help = format!(
        "{} may read {allowed}: build `{}` on those, or move it to the layer it belongs to; {remedy}",
        layer.name,
        model.display_name()
    );
    from_layers(table, on_edge(model, parent, edge, message).help(help))
}
