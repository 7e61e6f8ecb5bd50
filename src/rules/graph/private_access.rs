use crate::project::{Node, ResourceType};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Reach, Rule, Sink, on_edge};
use crate::violation::{Confidence, Severity};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PrivateAccess {}

impl BuiltIn for PrivateAccess {
    const META: Meta = Meta {
        id: Borrowed("graph/private-access"),
        severity: Severity::Error,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Recommended),
        doc: Borrowed(include_str!(
            "../../../rules/graph/private-access/README.md"
        )),
    };
}

impl Rule for PrivateAccess {
    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn project(&self, cx: &Cx, sink: &mut Sink) {
        for parent in cx.project.own(&[ResourceType::Model]) {
            if cx.project.access(parent) != Some("private") {
                continue;
            }
            let Some(owner) = Group::of(parent) else {
                continue;
            };
            for child in cx.project.graph.children(parent.id) {
                let child = cx.project.node(child);
                if child.id == parent.id || !child.is_own() || !refs_itself(child) {
                    continue;
                }
                let Some(group) = Group::of(child) else {
                    continue;
                };
                // dbt lets nobody read a private model that is in no group.
                if owner.0.is_some() && group == owner {
                    continue;
                }
                let parents = cx.project.graph.parents(child.id);
                let edge = parents.iter().find(|(id, _)| *id == parent.id);
                let Some((_, edge)) = edge else { continue };
                let (name, of) = (child.display_name(), parent.display_name());
                let message = match (owner.0, group.0) {
                    (None, _) => format!(
                        "`{name}` refs `{of}`, which is private and in no group, so that nobody may read it: dbt refuses the whole project"
                    ),
                    (Some(owner), Some(group)) => format!(
                        "`{name}` of the group `{group}` refs `{of}`, which is private to the group `{owner}`: dbt refuses the whole project"
                    ),
                    (Some(owner), None) => format!(
                        "`{name}` refs `{of}`, which is private to the group `{owner}`: dbt refuses the whole project"
                    ),
                };
                let found = on_edge(child, parent, edge, message);
                let found = match parent.config.get("access").and_then(|a| a.span) {
                    Some(span) => found.related(span, format!("`{of}` is private")),
                    None => found,
                };
                sink.push_on(Some(child.id), found);
            }
        }
    }
}

/// Generic tests bear the group of what they test.
fn refs_itself(child: &Node) -> bool {
    let is_test = child.resource_type.as_str().ends_with("test");
    !is_test || child.sql.is_some()
}

/// A node's group, or that it has none.
#[derive(PartialEq, Eq)]
struct Group<'a>(Option<&'a str>);

impl<'a> Group<'a> {
    /// None where it is not known.
    fn of(node: &'a Node) -> Option<Self> {
        // dbt knows no group of an exposure.
        if node.resource_type == ResourceType::Exposure {
            return Some(Self(None));
        }
        match node.config.get("group") {
            None if node.properties_lost => None,
            None => Some(Self(None)),
            Some(set) if set.partial => None,
            Some(set) => Some(Self(set.value.as_ref()?.as_str())),
        }
    }
}
