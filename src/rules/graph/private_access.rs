use crate::project::{Node, Project, ResourceType};
use crate::rule::{
    BuiltIn, Cx, FixAvailability, Meta, Preset, Reach, Rule, Sink, Subject, on_edge,
};
use crate::violation::{Confidence, Severity, Violation};
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
        preset: Some(Preset::Minimal),
        doc: Borrowed(include_str!(
            "../../../rules/graph/private-access/README.md"
        )),
    };
}

impl Rule for PrivateAccess {
    fn subject(&self) -> Subject {
        Subject::Edges
    }

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
            let mut own_test = false;
            for child in cx.project.graph.children(parent.id) {
                let child = cx.project.node(child);
                // A unit test brings rows of its own in place of what it names.
                let is_unit_test = child.resource_type == ResourceType::UnitTest;
                if child.id == parent.id || !child.is_own() || is_unit_test {
                    continue;
                }
                let Some(group) = Group::of_reader(cx.project, child) else {
                    continue;
                };
                // dbt lets nobody read a private model that is in no group.
                if owner.0.is_some() && group == owner {
                    continue;
                }
                // Of its own tests, one says it for all.
                let attached = child.test.as_ref().and_then(|t| t.attached.as_ref());
                if attached == Some(&parent.unique_id) && std::mem::replace(&mut own_test, true) {
                    continue;
                }
                let found = finding(cx.project, child, parent, &owner, &group);
                if let Some(found) = found {
                    sink.push_on(Some(child.id), found);
                }
            }
        }
    }
}

fn finding(
    project: &Project,
    child: &Node,
    parent: &Node,
    owner: &Group,
    group: &Group,
) -> Option<Violation> {
    let parents = project.graph.parents(child.id);
    let (_, edge) = parents.iter().find(|(id, _)| *id == parent.id)?;
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
    Some(match parent.config.get("access").and_then(|a| a.span) {
        Some(span) => found.related(span, format!("`{of}` is private")),
        None => found,
    })
}

/// A node's group, or that it has none.
#[derive(PartialEq, Eq)]
struct Group<'a>(Option<&'a str>);

impl<'a> Group<'a> {
    /// The group in which a node reads; none where it is not known. A generic test reads in that of
    /// the model, seed or snapshot it stands under, whatever its own configuration says.
    fn of_reader(project: &'a Project, node: &'a Node) -> Option<Self> {
        let attached = node.test.as_ref().and_then(|t| t.attached.as_ref());
        Self::of(attached.map_or(Some(node), |id| project.by_unique_id(id))?)
    }

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
