use crate::project::{Node, ResourceType};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink, Subject};
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;
use std::collections::BTreeMap;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DuplicateNode {}

impl BuiltIn for DuplicateNode {
    const META: Meta = Meta {
        id: Borrowed("input/duplicate-node"),
        severity: Severity::Error,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Minimal),
        doc: Borrowed(include_str!(
            "../../../rules/input/duplicate-node/README.md"
        )),
    };
}

impl Rule for DuplicateNode {
    fn subject(&self) -> Subject {
        Subject::Nodes
    }

    fn project(&self, cx: &Cx, sink: &mut Sink) {
        let project = cx.project;
        // One of two that may be disabled is how a model is replaced.
        let certain = |n: &&Node| n.is_own() && n.enabled == Some(true) && n.test.is_none();
        let mut first: BTreeMap<(bool, &str), &Node> = BTreeMap::new();
        let mut nodes: Vec<&Node> = project.nodes.iter().filter(certain).collect();
        nodes.sort_by_key(|n| (project.path(n.file), n.place));
        for node in nodes {
            // dbt keeps one name for all that `ref` may mean.
            let refable = node.resource_type.is_refable() && node.version.is_none();
            let key = match refable {
                true => (true, node.name.as_str()),
                false => (false, node.unique_id.as_str()),
            };
            let Some(other) = first.get(&key) else {
                first.insert(key, node);
                continue;
            };
            let path = project.path(other.file);
            let message = format!(
                "{} `{}` has the name of the {} in {path}: dbt refuses a project with both",
                article(node.resource_type),
                node.display_name(),
                other.resource_type.as_str(),
            );
            let violation = Violation::new(node.place, message)
                .symbol(node.display_name())
                .related(other.place, "the other one");
            sink.push_on(Some(node.id), violation);
        }
        for problem in project.property_problems.iter().filter(|p| p.duplicate) {
            sink.push(Violation::new(problem.span, problem.message.clone()));
        }
    }
}

fn article(kind: ResourceType) -> String {
    let name = kind.as_str();
    match name.starts_with(['a', 'e', 'i', 'o', 'u']) {
        true => format!("an {name}"),
        false => format!("a {name}"),
    }
}
