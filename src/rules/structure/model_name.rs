use crate::project::{Node, Project};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Reach, Rule, Sink};
use crate::text::Span;
use crate::violation::{Confidence, Severity, Violation};
use regex::Regex;
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;
use std::collections::BTreeMap;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ModelName {
    /// Layers, by role, whose models are judged; none: every model.
    layers: Vec<String>,
    /// By layer: what its models are called. {source} is the source system, another {name} what the
    /// layer's path captures under it, and any word where it captures nothing.
    #[schemars(with = "BTreeMap<String, String>")]
    patterns: BTreeMap<String, Pattern>,
}

impl BuiltIn for ModelName {
    const META: Meta = Meta {
        id: Borrowed("structure/model-name"),
        severity: Severity::Warn,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!(
            "../../../rules/structure/model-name/README.md"
        )),
    };
}

impl Rule for ModelName {
    fn judges(&self, project: &Project, node: &Node) -> bool {
        self.layers.is_empty() || project.in_layers(node, &self.layers)
    }

    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        let project = cx.project;
        if is_time_spine(project, model) {
            return;
        }
        let role = project.role(model);
        let found = match role.and_then(|r| self.patterns.get(r)) {
            Some(pattern) => pattern.judge(model),
            None => no_prefix(project, model),
        };
        let Some(mut violation) = found else { return };
        if project.layers.inferred {
            violation = violation.confidence(Confidence::Likely);
        }
        sink.push(violation.symbol("name"));
    }
}

/// A name that bears no prefix of any layer.
fn no_prefix(project: &Project, model: &Node) -> Option<Violation> {
    let prefixes = project.layer_prefixes();
    if prefixes.is_empty() || project.role_by_prefix(&model.name).is_some() {
        return None;
    }
    let of_layer = |role: &str| -> Vec<String> {
        let own = prefixes.iter().filter(|(r, _)| *r == role);
        own.map(|(_, p)| format!("`{p}`")).collect()
    };
    let layer = project.role(model).map(|role| (role, of_layer(role)));
    let layer = layer.filter(|(_, own)| !own.is_empty());
    // A configured layer without prefixes asks for none.
    if layer.is_none() && !project.layers.inferred && project.role(model).is_some() {
        return None;
    }
    let message = match &layer {
        Some((role, own)) => format!(
            "`{}` lies in {role} and does not begin with {}: in the warehouse nothing says what kind of model it is",
            model.name,
            own.join(" or ")
        ),
        None => {
            let all: Vec<String> = prefixes.iter().map(|(_, p)| format!("`{p}`")).collect();
            format!(
                "`{}` bears no prefix of any layer ({}): in the warehouse nothing says what kind of model it is",
                model.name,
                all.join(", ")
            )
        }
    };
    let violation = Violation::new(Span::whole(model.file), message);
    Some(match layer.and_then(|(_, own)| own.into_iter().next()) {
        Some(prefix) => violation.help(format!(
            "rename the file to {prefix} and what it is about, and the refs to it with it"
        )),
        None => violation,
    })
}

/// A time spine is MetricFlow's; its name is nobody's layer.
fn is_time_spine(project: &Project, model: &Node) -> bool {
    let entry = model.properties.as_ref();
    entry.is_some_and(|p| {
        let tree = project.yaml.get(&p.file);
        tree.is_some_and(|t| t.node(p.entry).get("time_spine").is_some())
    })
}

/// A pattern of names.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
struct Pattern {
    text: String,
}

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let pattern = Self { text };
        pattern.parts().map(|_| pattern.clone())
    }
}

enum Part<'a> {
    Text(&'a str),
    Name(&'a str),
}

impl Pattern {
    fn parts(&self) -> Result<Vec<Part<'_>>, String> {
        let mut out = Vec::new();
        let mut rest = self.text.as_str();
        while let Some(open) = rest.find('{') {
            let name = rest[open..].find('}').map(|c| &rest[open + 1..open + c]);
            let is_name = |n: &&str| {
                !n.is_empty() && n.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            };
            let name = name
                .filter(is_name)
                .ok_or_else(|| format!("`{}` has a `{{` without a `{{name}}`", self.text))?;
            out.push(Part::Text(&rest[..open]));
            out.push(Part::Name(name));
            rest = &rest[open + name.len() + 2..];
        }
        out.push(Part::Text(rest));
        match self.text.trim().is_empty() {
            true => Err("a pattern of names is empty".to_owned()),
            false => Ok(out),
        }
    }

    fn judge(&self, model: &Node) -> Option<Violation> {
        let mut regex = "(?i)^".to_owned();
        let mut shown = String::new();
        for part in self.parts().ok()? {
            match part {
                Part::Text(text) => {
                    regex.push_str(&regex::escape(text));
                    shown.push_str(text);
                }
                Part::Name(name) => match bound(model, name) {
                    Some(value) => {
                        regex.push_str(&regex::escape(&value));
                        shown.push_str(&value);
                    }
                    None => {
                        regex.push_str("[[:alnum:]]+(?:_[[:alnum:]]+)*");
                        shown.push_str(&format!("{{{name}}}"));
                    }
                },
            }
        }
        regex.push('$');
        if Regex::new(&regex).ok()?.is_match(&model.name) {
            return None;
        }
        let message = format!(
            "`{}` is not named `{shown}`: whoever looks for a model of this layer by its name does not find it",
            model.name
        );
        Some(Violation::new(Span::whole(model.file), message))
    }
}

/// What a name in braces stands for.
fn bound(model: &Node, name: &str) -> Option<String> {
    let captured = model.layer.as_ref().and_then(|l| l.captures.get(name));
    match captured {
        Some(value) => Some(value.clone()),
        None if name == "source" => model.single_source(),
        None => None,
    }
}
