use crate::project::{Node, Project, ResourceType};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Reach, Rule, Sink, Subject, on_edge};
use crate::violation::{Confidence, Severity};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;
use std::collections::BTreeMap;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct DomainDirection {
    /// By domain, the domains it builds on; what those build on counts too. None: the rule finds
    /// nothing.
    upstream: BTreeMap<String, Vec<String>>,
    /// Layers, by role, whose models are judged.
    layers: Vec<String>,
    /// The name under which the paths of layers capture the domain.
    capture: String,
}

impl Default for DomainDirection {
    fn default() -> Self {
        Self {
            upstream: BTreeMap::new(),
            layers: vec!["intermediate".to_owned()],
            capture: "domain".to_owned(),
        }
    }
}

impl BuiltIn for DomainDirection {
    const META: Meta = Meta {
        id: Borrowed("graph/domain-direction"),
        severity: Severity::Error,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: None,
        doc: Borrowed(include_str!(
            "../../../rules/graph/domain-direction/README.md"
        )),
    };
}

impl Rule for DomainDirection {
    fn subject(&self) -> Subject {
        Subject::Edges
    }

    fn judges(&self, project: &Project, node: &Node) -> bool {
        project.in_layers(node, &self.layers)
    }

    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        let Some(domain) = self.domain(model) else {
            return;
        };
        if !self.upstream.contains_key(domain) {
            return;
        }
        for (parent, edge) in cx.project.read_by(model.id) {
            let is_model = parent.resource_type == ResourceType::Model && parent.is_own();
            let Some(other) = self.domain(parent).filter(|_| is_model) else {
                continue;
            };
            if other == domain || self.builds_on(domain, other) {
                continue;
            }
            let why = match self.builds_on(other, domain) {
                true => format!("{other} builds on {domain}, so the two now wait for one another"),
                false => format!(
                    "{domain} does not build on {other}, whose owners expect no reader there"
                ),
            };
            let message = format!(
                "`{}` ({domain}) refs `{}` ({other}): {why}",
                model.display_name(),
                parent.display_name()
            );
            sink.push(on_edge(model, parent, edge, message));
        }
    }
}

impl DomainDirection {
    fn domain<'n>(&self, model: &'n Node) -> Option<&'n str> {
        Some(model.layer.as_ref()?.captures.get(&self.capture)?)
    }

    /// Does one domain build on another, through others too?
    fn builds_on(&self, domain: &str, other: &str) -> bool {
        let mut seen: Vec<&str> = vec![domain];
        let mut at = 0;
        while let Some(here) = seen.get(at).copied() {
            for above in self.upstream.get(here).into_iter().flatten() {
                if above == other {
                    return true;
                }
                if !seen.contains(&above.as_str()) {
                    seen.push(above);
                }
            }
            at += 1;
        }
        false
    }
}
