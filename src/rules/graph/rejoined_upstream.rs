use crate::project::{Node, NodeId, ResourceType};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink, on_edge};
use crate::violation::{Confidence, Severity};
use rustc_hash::FxHashSet;
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RejoinedUpstream {}

impl BuiltIn for RejoinedUpstream {
    const META: Meta = Meta {
        id: Borrowed("graph/rejoined-upstream"),
        severity: Severity::Info,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!(
            "../../../rules/graph/rejoined-upstream/README.md"
        )),
    };
}

impl Rule for RejoinedUpstream {
    fn project(&self, cx: &Cx, sink: &mut Sink) {
        let readers = cx.project.reader_counts();
        let is_read_once =
            |n: &Node| TYPES.contains(&n.resource_type) && readers[n.id.0 as usize] == 1;
        for child in cx.project.own(TYPES) {
            let parents: Vec<_> = cx.project.read_by(child.id).collect();
            for (between, _) in &parents {
                if !between.is_own() || !is_read_once(between) {
                    continue;
                }
                let above: FxHashSet<NodeId> =
                    cx.project.read_by(between.id).map(|(p, _)| p.id).collect();
                for (parent, edge) in parents.iter().filter(|(p, _)| above.contains(&p.id)) {
                    let (name, of) = (child.display_name(), parent.display_name());
                    let way = between.display_name();
                    let message = format!(
                        "`{name}` reads `{of}` again beside `{way}`, which is built from it for `{name}` alone: the detour saves no time and splits one thought in two"
                    );
                    let help = format!("make `{way}` a CTE of `{name}`");
                    let found = on_edge(child, parent, edge, message)
                        .help(help)
                        .symbol(format!("{} {}", parent.unique_id, between.unique_id))
                        .related(between.place, format!("only `{name}` reads this"));
                    sink.push_on(Some(child.id), found);
                }
            }
        }
    }
}

const TYPES: &[ResourceType] = &[ResourceType::Model, ResourceType::Snapshot];
