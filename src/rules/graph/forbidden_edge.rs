use crate::config::PathPattern;
use crate::project::{Node, Project, ResourceType};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Reach, Rule, Sink, Subject, on_edge};
use crate::violation::{Confidence, Severity};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ForbiddenEdge {
    /// What may not read what; none: the rule finds nothing.
    forbid: Vec<Forbidden>,
}

/// What may not read what.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Forbidden {
    /// What reads: a glob over paths, `tag:…`, or a model's name.
    #[schemars(with = "String")]
    from: Part,
    /// What it may not read: the same, or `source:…`.
    #[schemars(with = "String")]
    to: Part,
    /// Why.
    #[schemars(with = "String")]
    because: Reason,
}

impl BuiltIn for ForbiddenEdge {
    const META: Meta = Meta {
        id: Borrowed("graph/forbidden-edge"),
        severity: Severity::Error,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: None,
        doc: Borrowed(include_str!(
            "../../../rules/graph/forbidden-edge/README.md"
        )),
    };
}

const CHILDREN: &[ResourceType] = &[
    ResourceType::Model,
    ResourceType::Snapshot,
    ResourceType::Exposure,
];

impl Rule for ForbiddenEdge {
    fn subject(&self) -> Subject {
        Subject::Edges
    }

    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn project(&self, cx: &Cx, sink: &mut Sink) {
        for child in cx.project.own(CHILDREN) {
            let here = self
                .forbid
                .iter()
                .filter(|f| f.from.holds(cx.project, child));
            let here: Vec<&Forbidden> = here.collect();
            if here.is_empty() {
                continue;
            }
            for (parent, edge) in cx.project.read_by(child.id) {
                let Some(hit) = here.iter().find(|f| f.to.holds(cx.project, parent)) else {
                    continue;
                };
                let message = format!(
                    "`{}` reads `{}`, and {} may not read {}: {}",
                    child.display_name(),
                    parent.display_name(),
                    hit.from.text,
                    hit.to.text,
                    hit.because.0
                );
                sink.push_on(Some(child.id), on_edge(child, parent, edge, message));
            }
        }
    }
}

/// A part of the graph.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct Part {
    text: String,
    what: What,
}

#[derive(Debug)]
enum What {
    Path(PathPattern),
    Name(PathPattern),
    Tag(String),
    Source(PathPattern),
}

impl TryFrom<String> for Part {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let glob = |g: &str| {
            let captures = "may hold `*`, `?`, `**` and `{a,b}`, but captures nothing";
            let pattern = PathPattern::new(g).map_err(|e| format!("`{text}` {}", e.0))?;
            match pattern.names().is_empty() {
                true => Ok(pattern),
                false => Err(format!("`{text}` {captures}")),
            }
        };
        let what = match text.split_once(':') {
            None if text.contains('/') => What::Path(glob(&text)?),
            None => What::Name(glob(&text)?),
            Some(("path", path)) => What::Path(glob(path)?),
            Some(("tag", "")) => return Err(format!("`{text}` names no tag")),
            Some(("tag", tag)) => What::Tag(tag.to_owned()),
            Some(("source", source)) if source.contains('.') => What::Source(glob(source)?),
            Some(("source", source)) => What::Source(glob(&format!("{source}.*"))?),
            Some((method, _)) => {
                return Err(format!(
                    "`{method}:` is not known here; allowed are a path with a `/`, a model's name, path:, tag: and source:"
                ));
            }
        };
        Ok(Self { text, what })
    }
}

impl Part {
    fn holds(&self, project: &Project, node: &Node) -> bool {
        let is_source = node.resource_type == ResourceType::Source;
        match &self.what {
            What::Path(pattern) => {
                let path = project.path(node.file);
                // A folder means what lies in it.
                pattern.matches(path) || path.starts_with(&format!("{}/", pattern.as_str()))
            }
            What::Name(pattern) => !is_source && pattern.matches(&node.name),
            What::Tag(tag) => node.config.tags().iter().any(|t| t == tag),
            What::Source(pattern) => is_source && pattern.matches(&node.display_name()),
        }
    }
}

/// A reason that says something.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct Reason(String);

impl TryFrom<String> for Reason {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.trim() {
            "" => Err("`because` is empty: say why, it is printed with every finding".to_owned()),
            text => Ok(Self(text.split_whitespace().collect::<Vec<_>>().join(" "))),
        }
    }
}
