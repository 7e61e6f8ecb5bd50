//! Options of a declared rule: values that a team sets in harness-lint.yml and that stand as `$name`
//! in what the rule selects and asks.
//!
//! In the tree of the rule file `$name` becomes an alias of the option's value, so that every part
//! of the language reads it as if it were written there.

use super::read::{at, entries, text, unknown};
use crate::syntax::yaml::{self, DeError, Node, NodeId, Yaml, YamlProblemKind};
use crate::text::{FileId, Span, Spanned, nearest};
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// Parts of a rule file in which options stand.
const PARTS: [&str; 3] = ["select", "forbid", "require"];

/// What an option is set to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Flag,
    /// A list of texts.
    List,
}

/// An option, with its value.
#[derive(Debug, Clone)]
pub(super) struct RuleOption {
    /// As it is set in harness-lint.yml and as `$name` in the rule.
    pub(super) name: String,
    /// What it means.
    pub(super) doc: String,
    kind: Kind,
    /// What it is, as JSON.
    value: Value,
}

/// Values from harness-lint.yml.
pub(crate) type Given<'a> = [(Spanned<String>, Node<'a>)];

impl Kind {
    fn of(node: Node) -> Option<Self> {
        if node.is_sequence() {
            let texts = node.items().all(|i| i.as_str().is_some() && !i.is_null());
            return texts.then_some(Kind::List);
        }
        match node.to_json() {
            Value::Bool(_) => Some(Kind::Flag),
            Value::Number(_) => Some(Kind::Number),
            Value::String(_) => Some(Kind::Text),
            _ => None,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Kind::Text => "a text",
            Kind::Number => "a number",
            Kind::Flag => "true or false",
            Kind::List => "a list of texts",
        }
    }
}

impl RuleOption {
    /// The texts of its value: of a list each, otherwise one.
    pub(super) fn texts(&self) -> Vec<String> {
        let text = |v: &Value| match v {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        match &self.value {
            Value::Array(items) => items.iter().map(text).collect(),
            one => vec![text(one)],
        }
    }

    /// As it is written in YAML.
    pub(super) fn written(&self) -> String {
        match &self.value {
            Value::Array(_) => format!("[{}]", self.texts().join(", ")),
            _ => self.texts().concat(),
        }
    }

    fn schema(&self) -> Value {
        let mut schema = match self.kind {
            Kind::Text => json!({"type": "string"}),
            Kind::Number => json!({"type": "number"}),
            Kind::Flag => json!({"type": "boolean"}),
            Kind::List => json!({"type": "array", "items": {"type": "string"}}),
        };
        if let Some(object) = schema.as_object_mut() {
            object.insert("description".to_owned(), self.doc.clone().into());
            object.insert("default".to_owned(), self.value.clone());
        }
        schema
    }

    fn read(key: Node, name: &str, node: Node) -> Result<(Self, NodeId), DeError> {
        let letter = |c: char| c.is_ascii_lowercase() || c == '_';
        if name.is_empty() || !name.chars().all(letter) || name == "severity" {
            let message = format!("`{name}` is no name of an option: small letters and `_`");
            return Err(at(key, message));
        }
        let (mut default, mut doc) = (None, None);
        for (key, name, value) in entries(node)? {
            match name {
                "default" => default = Some(value.resolve()),
                "doc" => doc = Some(text(value)?),
                _ => return Err(unknown(key, "key of an option", ["default", "doc"])),
            }
        }
        let missing = |what: &str| at(node, format!("the option `{name}` has no `{what}`"));
        let default = default.ok_or_else(|| missing("default"))?;
        let kind = Kind::of(default).ok_or_else(|| {
            let message = "a default is a text, a number, true or false, or a list of texts";
            at(default, message)
        })?;
        let option = Self {
            name: name.to_owned(),
            doc: doc
                .filter(|d| !d.trim().is_empty())
                .ok_or_else(|| missing("doc"))?,
            kind,
            value: value_of(default, kind),
        };
        Ok((option, default.id()))
    }
}

/// A list holds texts, whatever they look like: `[1.0]` is `1.0`.
fn value_of(node: Node, kind: Kind) -> Value {
    match kind {
        Kind::List => node.items().filter_map(|i| i.as_str()).collect(),
        Kind::Text => node.as_str().unwrap_or_default().into(),
        Kind::Number | Kind::Flag => node.to_json(),
    }
}

/// The options that a rule file declares, and its tree with their values in place. A second
/// document of the file holds values that count instead of the defaults.
pub(super) fn placed(mut tree: Yaml) -> Result<(Vec<RuleOption>, Yaml), DeError> {
    let mut options: Vec<(RuleOption, NodeId)> = Vec::new();
    let mut aliases: Vec<(NodeId, NodeId)> = Vec::new();
    if let Some(root) = tree.root().filter(|r| r.is_mapping()) {
        let given = tree.roots().nth(1);
        if let Some(declared) = root.get("options") {
            for (key, name, node) in entries(declared)? {
                let (mut option, mut id) = RuleOption::read(key, name, node)?;
                if let Some(value) = given.and_then(|g| g.get(name)) {
                    option.value = value_of(value, option.kind);
                    id = value.id();
                }
                options.push((option, id));
            }
        }
        for part in PARTS {
            if let Some(node) = root.get(part) {
                used(node, &options, &mut aliases)?;
            }
        }
        let unused = options
            .iter()
            .find(|(_, id)| !aliases.iter().any(|(_, to)| to == id));
        if let Some((option, _)) = unused {
            let name = &option.name;
            let key = root
                .get("options")
                .and_then(|o| o.get_entry(name))
                .map_or(root, |(k, _)| k);
            let message = format!("the option `{name}` is used nowhere");
            return Err(DeError {
                help: Some(format!("write `${name}` where its value belongs")),
                ..at(key, message)
            });
        }
    }
    for (from, to) in aliases {
        tree.stand_for(from, to);
    }
    Ok((options.into_iter().map(|(o, _)| o).collect(), tree))
}

/// The places of a part of a rule at which options stand.
fn used(
    node: Node,
    options: &[(RuleOption, NodeId)],
    out: &mut Vec<(NodeId, NodeId)>,
) -> Result<(), DeError> {
    if node.is_alias() {
        return Ok(());
    }
    for item in node.items() {
        used(item, options, out)?;
    }
    for (_, value) in node.own_entries() {
        used(value, options, out)?;
    }
    let Some(name) = node.as_str().and_then(reference) else {
        return Ok(());
    };
    let found = options.iter().find(|(o, _)| o.name == name);
    let (_, value) = found.ok_or_else(|| {
        let names = options.iter().map(|(o, _)| o.name.as_str());
        DeError {
            help: nearest(name, names).map(|n| format!("did you mean `${n}`?")),
            ..at(node, format!("`${name}` is no option of the rule"))
        }
    })?;
    out.push((node.id(), *value));
    Ok(())
}

/// The option that a whole text names.
fn reference(text: &str) -> Option<&str> {
    let name = text.strip_prefix('$')?;
    let letter = |c: char| c.is_ascii_lowercase() || c == '_';
    (!name.is_empty() && name.chars().all(letter)).then_some(name)
}

/// The rule file with values in a document of their own.
pub(super) fn with_values(
    declared: &[RuleOption],
    rule: &str,
    given: &Given,
) -> Result<String, DeError> {
    let mut text = format!("{}\n---\n", rule.trim_end());
    for (name, node) in given {
        let names = declared.iter().map(|o| o.name.as_str());
        let Some(option) = declared.iter().find(|o| o.name == name.value) else {
            let guess = nearest(&name.value, names.clone());
            let guess = guess.map_or(String::new(), |g| format!("did you mean `{g}`? "));
            let all: Vec<&str> = names.collect();
            let help = match all.is_empty() {
                true => "the rule has no options".to_owned(),
                false => format!("{guess}options are {}", all.join(", ")),
            };
            let error = DeError::new(format!("unknown option `{}`", name.value));
            return Err(DeError {
                help: Some(help),
                ..error.at(name.span)
            });
        };
        let node = node.resolve();
        let kind = Kind::of(node);
        // `12` is a text as well where one is wanted.
        let fits = kind == Some(option.kind)
            || (option.kind == Kind::Text && matches!(kind, Some(Kind::Number | Kind::Flag)));
        if !fits {
            let message = format!(
                "`{}` is {}, found {}",
                option.name,
                option.kind.as_str(),
                kind.map_or(node.kind_name(), Kind::as_str)
            );
            return Err(at(node, message));
        }
        let _ = writeln!(text, "{}: {}", option.name, value_of(node, option.kind));
    }
    Ok(text)
}

/// An error about a value that was given, at the place where it was given.
pub(super) fn blamed(error: DeError, text: &str, given: &Given) -> DeError {
    let said = error.span.and_then(|s| text.get(s.range()));
    let in_values = error.span.map_or("", |s| {
        let before = text.get(..s.start as usize).unwrap_or_default();
        before.rsplit('\n').next().unwrap_or_default()
    });
    let quotes: &[char] = &['"', '\''];
    let named = said.and_then(|t| reference(t.trim_matches(quotes)));
    let named = named.or_else(|| in_values.split(':').next());
    let culprit = given.iter().find(|(n, _)| Some(&*n.value) == named);
    match culprit.or(given.first()) {
        Some((_, node)) => DeError {
            span: Some(node.span()),
            ..error
        },
        None => error,
    }
}

/// Reads the tree of a rule file; values stand in a second document where there are any.
pub(super) fn tree(text: &str, has_values: bool) -> Result<Yaml, DeError> {
    let tree = yaml::parse(FileId(0), text);
    let allowed = |kind| has_values && kind == YamlProblemKind::MultipleDocuments;
    match tree.problems.iter().find(|p| !allowed(p.kind)) {
        Some(problem) => Err(DeError::new(problem.message.clone()).at(problem.span)),
        None if tree.root().is_none() => {
            Err(DeError::new("the file is empty").at(Span::whole(tree.file)))
        }
        None => Ok(tree),
    }
}

/// The JSON schema of a rule's options.
pub(super) fn schema(options: &[RuleOption]) -> Option<Schema> {
    if options.is_empty() {
        return None;
    }
    let all = options.iter().map(|o| (o.name.clone(), o.schema()));
    let properties: Map<String, Value> = all.collect();
    Some(json_schema!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    }))
}

/// `options` of a rule file.
pub(super) fn file_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "description": "What a team sets under `rules:` of harness-lint.yml: `$name` in `select`, `forbid` and `require`, `{options.name}` in the message.",
        "additionalProperties": {
            "type": "object",
            "properties": {
                "default": {
                    "description": "Its value where none is set; it has the type of the option.",
                    "anyOf": [
                        {"type": ["string", "number", "boolean"]},
                        {"type": "array", "items": {"type": "string"}},
                    ],
                },
                "doc": {"type": "string", "description": "What it means."},
            },
            "required": ["default", "doc"],
            "additionalProperties": false,
        },
        "propertyNames": {"pattern": "^[a-z_]+$"},
    })
}
