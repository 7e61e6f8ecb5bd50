use crate::project::{Node, Origin, Project, Setting, strings};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Reach, Rule, Sink};
use crate::syntax::config_edit;
use crate::syntax::template::ConfigCall;
use crate::text::Span;
use crate::violation::{Applicability, Confidence, Edit, Fix, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow::Borrowed;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Tags {
    /// Layers, by role, whose models must bear the tags.
    layers: Vec<String>,
    /// The tags in order; none: the rule finds nothing. {source} is the source system, another
    /// {name} what the layer's path captures under it, and any one tag where it captures nothing.
    #[schemars(with = "Vec<String>")]
    template: Vec<Entry>,
    /// Judge what the model's own `config()` says, not what dbt makes of all places together.
    inline: bool,
}

impl Default for Tags {
    fn default() -> Self {
        Self {
            layers: vec!["staging".to_owned()],
            template: Vec::new(),
            inline: false,
        }
    }
}

impl BuiltIn for Tags {
    const META: Meta = Meta {
        id: Borrowed("structure/tags"),
        severity: Severity::Warn,
        confidence: Confidence::Certain,
        fix: FixAvailability::Sometimes,
        preset: None,
        doc: Borrowed(include_str!("../../../rules/structure/tags/README.md")),
    };
}

impl Rule for Tags {
    fn judges(&self, project: &Project, node: &Node) -> bool {
        !self.template.is_empty() && project.in_layers(node, &self.layers)
    }

    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        let written = match self.inline {
            true => inline(model),
            false => resolved(model),
        };
        let Some(written) = written else { return };
        let template = self.template.iter();
        let bound: Option<Vec<Wanted>> = template.map(|e| e.bind(model)).collect();
        let Some(wanted) = bound else { return };
        if written.fits(&wanted) {
            return;
        }
        let expected: Vec<String> = wanted.iter().map(Wanted::show).collect();
        let expected = expected.join(", ");
        let message = match written.tags.is_empty() {
            true => format!("there are no tags, expected [{expected}]"),
            false => format!("tags are [{}], expected [{expected}]", list(&written.tags)),
        };
        let help = format!(
            "write `tags=[{expected}]` in `config()`: selections and schedules find models by their tags"
        );
        let mut violation = Violation::new(written.span, message)
            .help(help)
            .symbol("tags");
        if let Some(span) = written.set {
            violation = violation.related(span, "set here");
        }
        if self.lacks_the_layer(cx.project, model, &written.tags) {
            violation = violation.severity(Severity::Error);
        }
        if let Some(fix) = self.fix(cx.project, model, &wanted) {
            violation = violation.fix(fix);
        }
        sink.push(violation);
    }
}

impl Tags {
    /// No tags at all, or not the one that names the layer: then whatever is done by layer passes
    /// the model by, which is worse than a list in another order.
    fn lacks_the_layer(&self, project: &Project, model: &Node, tags: &[String]) -> bool {
        let Some(layer) = project.layer(model) else {
            return tags.is_empty();
        };
        let names_it = |e: &&Entry| e.text == layer.role || e.text == layer.name;
        let mut naming = self.template.iter().filter(names_it);
        tags.is_empty() || naming.any(|e| !tags.contains(&e.text))
    }

    /// Writes the expected list into the one `config()` call that sets the tags, or that could.
    ///
    /// Tags select nodes; the compiled SQL is the same with any of them, so the fix is Safe, unless
    /// the project's Jinja reads tags. A selection by a tag that goes may come to miss the model:
    /// the template is the team's word on which tags there are.
    fn fix(&self, project: &Project, model: &Node, wanted: &[Wanted]) -> Option<Fix> {
        let exact = wanted.iter().map(|w| match w {
            Wanted::Exactly(tag) => Some(tag.clone()),
            Wanted::Like { .. } => None,
        });
        let exact = exact.collect::<Option<Vec<String>>>()?;
        if model.python || (!self.inline && has_tags_from_elsewhere(model)) {
            return None;
        }
        let edit = edit(project, model, &exact)?;
        Some(Fix {
            title: format!("set the tags to [{}]", list(&exact)),
            applicability: match project.reads_config(model, "tags") {
                true => Applicability::Suggested,
                false => Applicability::Safe,
            },
            edits: vec![edit],
        })
    }
}

/// Tags as they are, and where to speak of them.
struct Written {
    tags: Vec<String>,
    /// The manifest does not promise to keep the order.
    ordered: bool,
    span: Span,
    /// Where they are set, if that is another place.
    set: Option<Span>,
}

impl Written {
    fn fits(&self, wanted: &[Wanted]) -> bool {
        let mut tags = self.tags.clone();
        if !self.ordered {
            let place = |t: &String| wanted.iter().position(|w| w.takes(t));
            tags.sort_by_key(|t| place(t).unwrap_or(usize::MAX));
        }
        tags.len() == wanted.len() && tags.iter().zip(wanted).all(|(t, w)| w.takes(t))
    }
}

/// What the file's own `config()` calls say; none without one, and where it is not known.
fn inline(model: &Node) -> Option<Written> {
    let inline = model.inline()?;
    let (tags, span) = match inline.setting("tags") {
        Setting::Unknown => return None,
        Setting::Absent => (Vec::new(), inline.place()),
        Setting::Known(args) => {
            let values = args.iter().filter_map(|a| a.value.as_ref());
            let tags: Option<Vec<Vec<String>>> = values.map(tags_of).collect();
            (tags?.concat(), inline.value_span(args.last()?))
        }
    };
    Some(Written {
        tags,
        ordered: true,
        span,
        set: None,
    })
}

/// What dbt makes of all places together.
fn resolved(model: &Node) -> Option<Written> {
    let own = model.inline();
    let unset = own.map_or(Span::whole(model.file), |i| i.place());
    let Some(set) = model.config.get("tags") else {
        let unknown = own.is_some_and(|i| matches!(i.setting("tags"), Setting::Unknown));
        return (!unknown).then_some(Written {
            tags: Vec::new(),
            ordered: true,
            span: unset,
            set: None,
        });
    };
    if model.config.is_unknown("tags") {
        return None;
    }
    let (span, other) = match (set.origin, set.span) {
        (Origin::Inline, Some(span)) => (span, None),
        (Origin::ProjectFile | Origin::Properties, span) => (Span::whole(model.file), span),
        _ => (unset, None),
    };
    Some(Written {
        tags: tags_of(set.value.as_ref()?)?,
        ordered: set.origin != Origin::Manifest,
        span,
        set: other,
    })
}

/// One tag or a list of them; none for what dbt would not take for tags.
fn tags_of(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Null => Some(Vec::new()),
        Value::String(_) | Value::Array(_) => Some(strings(value)),
        _ => None,
    }
}

fn has_tags_from_elsewhere(model: &Node) -> bool {
    model.config.get("tags").is_some_and(|set| {
        let empty = set.value.as_ref().is_some_and(|v| strings(v).is_empty());
        !empty && (set.origin != Origin::Inline || set.merged)
    })
}

fn edit(project: &Project, model: &Node, tags: &[String]) -> Option<Edit> {
    let calls = model.inline()?.calls();
    let setting: Vec<&ConfigCall> = calls
        .iter()
        .filter(|c| c.args.iter().any(|a| a.key == "tags"))
        .collect();
    let src = &project.files.get(model.file).text;
    match setting[..] {
        [] => {
            let (call, last) = model.inline()?.extensible()?;
            let (at, text) = config_edit::argument(src, call.range(), last, "tags", tags)?;
            Some(Edit {
                span: Span::new(model.file, at, at),
                text,
            })
        }
        [call] if !call.in_macro => {
            let mut args = call.args.iter().filter(|a| a.key == "tags");
            let span = model.inline()?.value_span(args.next()?);
            let text = config_edit::list_with(project.text(span), tags)?;
            Some(Edit { span, text })
        }
        _ => None,
    }
}

/// An entry of the template.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
struct Entry {
    text: String,
}

impl TryFrom<String> for Entry {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let mut rest = text.as_str();
        while let Some(open) = rest.find('{') {
            let close = rest[open..].find('}');
            let name = close.map(|c| &rest[open + 1..open + c]);
            let is_name = |n: &&str| {
                !n.is_empty() && n.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            };
            let name = name
                .filter(is_name)
                .ok_or_else(|| format!("`{text}` has a `{{` without a `{{name}}`"))?;
            rest = &rest[open + name.len() + 2..];
        }
        match text.is_empty() {
            true => Err("a tag of the template is empty".to_owned()),
            false => Ok(Self { text }),
        }
    }
}

impl Entry {
    /// With what is known of the model. None where it speaks of a source and that is not known.
    fn bind(&self, model: &Node) -> Option<Wanted> {
        let mut bound = self.text.clone();
        for (name, value) in model.layer.iter().flat_map(|l| &l.captures) {
            bound = bound.replace(&format!("{{{name}}}"), value);
        }
        if bound.contains("{source}") {
            bound = bound.replace("{source}", &model.single_source()?);
        }
        let (Some(open), Some(close)) = (bound.find('{'), bound.rfind('}')) else {
            return Some(Wanted::Exactly(bound));
        };
        Some(Wanted::Like {
            before: bound[..open].to_owned(),
            after: bound[close + 1..].to_owned(),
            shown: bound,
        })
    }
}

/// What a place of the list must hold.
#[derive(Debug)]
enum Wanted {
    /// This tag.
    Exactly(String),
    /// Any one tag of this shape: something stands for a name that nothing binds.
    Like {
        before: String,
        after: String,
        shown: String,
    },
}

impl Wanted {
    fn takes(&self, tag: &str) -> bool {
        match self {
            Wanted::Exactly(wanted) => tag == wanted,
            Wanted::Like { before, after, .. } => tag
                .strip_prefix(before.as_str())
                .and_then(|t| t.strip_suffix(after.as_str()))
                .is_some_and(|t| !t.is_empty()),
        }
    }

    fn show(&self) -> String {
        match self {
            Wanted::Exactly(tag) => quoted(tag),
            Wanted::Like { shown, .. } => shown.clone(),
        }
    }
}

fn quoted(tag: &str) -> String {
    match tag.contains('\'') {
        true => format!("\"{tag}\""),
        false => format!("'{tag}'"),
    }
}

fn list(tags: &[String]) -> String {
    let tags: Vec<String> = tags.iter().map(|t| quoted(t)).collect();
    tags.join(", ")
}
