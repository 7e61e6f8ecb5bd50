use crate::config::{Config, PathPattern};
use crate::project::{Node, Project, ResourceType};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Reach, Rule, Sink, Subject, on_edge};
use crate::violation::{Confidence, Severity};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TenantBoundary {
    /// Values that everybody may read from: folders of what the tenants have in common.
    shared: Vec<String>,
}

impl BuiltIn for TenantBoundary {
    const META: Meta = Meta {
        id: Borrowed("graph/tenant-boundary"),
        severity: Severity::Error,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: None,
        doc: Borrowed(include_str!(
            "../../../rules/graph/tenant-boundary/README.md"
        )),
    };

    fn is_asked_for(config: &Config) -> bool {
        !config.boundaries.is_empty()
    }
}

const CHILDREN: &[ResourceType] = &[
    ResourceType::Model,
    ResourceType::Snapshot,
    ResourceType::Exposure,
];

impl Rule for TenantBoundary {
    fn subject(&self) -> Subject {
        Subject::Edges
    }

    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn project(&self, cx: &Cx, sink: &mut Sink) {
        let boundaries = &cx.project.config.boundaries;
        if boundaries.is_empty() {
            return;
        }
        for child in cx.project.own(CHILDREN) {
            for (parent, edge) in cx.project.read_by(child.id) {
                if !parent.is_own() || parent.resource_type == ResourceType::Seed {
                    continue;
                }
                let crossed = boundaries
                    .iter()
                    .find_map(|b| self.crossed(cx.project, b, child, parent));
                let Some((name, from, to)) = crossed else {
                    continue;
                };
                let message = format!(
                    "`{}` ({name} `{from}`) reads `{}` ({name} `{to}`): rows of one {name} reach another, and whoever changes `{to}` breaks `{from}` unseen",
                    child.display_name(),
                    parent.display_name()
                );
                let help = format!(
                    "read what `{from}` has of its own, or move `{}` to a folder outside the boundary that both may read",
                    parent.display_name()
                );
                let found = on_edge(child, parent, edge, message).help(help);
                sink.push_on(Some(child.id), found);
            }
        }
    }
}

impl TenantBoundary {
    /// The name of a capture in which the two differ, and its values.
    fn crossed(
        &self,
        project: &Project,
        boundary: &PathPattern,
        child: &Node,
        parent: &Node,
    ) -> Option<(String, String, String)> {
        let here = boundary.captures(project.path(child.file))?;
        let there = boundary.captures(project.path(parent.file))?;
        here.into_iter().find_map(|(name, value)| {
            let other = there.get(&name)?;
            let differs = value != *other && !self.shared.contains(other);
            differs.then(|| (name, value, other.clone()))
        })
    }
}
