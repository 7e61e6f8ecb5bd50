//! What a node is configured to, and where that was said.
//!
//! dbt lays the weaker below the stronger: dbt_project.yml from the general folder to the special
//! one, the property file, the inline `config()`. Lists such as tags and hooks add up, dictionaries
//! such as `meta` are merged, everything else is replaced; see [`Merge`].

use super::ResourceType;
use crate::syntax::yaml::Node as YamlNode;
use crate::text::Span;
use serde_json::Value;
use std::collections::BTreeMap;

/// Who set a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// dbt_project.yml.
    ProjectFile,
    /// A property file.
    Properties,
    /// `config()` in the node's file.
    Inline,
    /// manifest.json.
    Manifest,
}

/// A configured value.
#[derive(Debug, Clone)]
pub struct ConfigValue {
    /// The value; none where it is not known before dbt runs.
    pub value: Option<Value>,
    /// Where it was said last.
    pub span: Option<Span>,
    /// By whom.
    pub origin: Origin,
    /// It was added to what something weaker had said (tags, hooks, `meta` …).
    pub merged: bool,
    /// A part of it is not known: it was added to an unknown, or an unknown to it.
    pub partial: bool,
    /// What was said last, where that is not the value: it has Jinja, or was added to `meta`.
    pub written: Option<Value>,
}

/// A node's configuration.
#[derive(Debug, Clone, Default)]
pub struct Config {
    values: BTreeMap<String, ConfigValue>,
}

impl Config {
    /// A value, if it was set.
    pub fn get(&self, key: &str) -> Option<&ConfigValue> {
        self.values.get(key)
    }

    /// A value as text; none where it was not set or is not known.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key)?.value.as_ref()?.as_str()
    }

    /// A value as a truth value. dbt takes the words of YAML 1.1 too, since Jinja gives text.
    pub fn flag(&self, key: &str) -> Option<bool> {
        as_bool(self.get(key)?.value.as_ref()?)
    }

    /// Was it set, but to something that is not, or not wholly, known?
    pub fn is_unknown(&self, key: &str) -> bool {
        self.get(key)
            .is_some_and(|v| v.value.is_none() || v.partial)
    }

    /// The tags, in order of addition.
    pub fn tags(&self) -> Vec<String> {
        let value = self.get("tags").and_then(|v| v.value.as_ref());
        value.map_or(Vec::new(), strings)
    }

    /// Every key, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// Lays a value over what was said before.
    pub fn set(&mut self, key: &str, value: Option<Value>, span: Option<Span>, origin: Origin) {
        // A hook and its list have two names each.
        let key = match key {
            "pre_hook" => "pre-hook",
            "post_hook" => "post-hook",
            other => other,
        };
        let before = self.values.get(key);
        let merge = Merge::of(key);
        let adds = merge != Merge::Replace && before.is_some();
        let partial =
            adds && (value.is_none() || before.is_some_and(|b| b.value.is_none() || b.partial));
        let before = before.and_then(|v| v.value.clone());
        let own = value.clone().filter(|_| adds && merge != Merge::Tags);
        let value = match value {
            Some(new) => Some(merge.lay(before, new)),
            None if merge != Merge::Replace => before,
            None => None,
        };
        let value = ConfigValue {
            value,
            span,
            origin,
            merged: adds,
            partial,
            written: own,
        };
        self.values.insert(key.to_owned(), value);
    }

    /// Lays what YAML says over what was said before.
    fn set_yaml(&mut self, key: &str, node: YamlNode, value: Option<Value>, origin: Origin) {
        self.set(key, value, Some(node.span()), origin);
        let written = node.to_json();
        if has_jinja(&written)
            && let Some(value) = self.values.get_mut(key)
        {
            value.written = Some(written);
        }
    }

    /// Lays another configuration over this one.
    pub(super) fn lay(&mut self, other: Self) {
        for (key, value) in other.values {
            self.set(&key, value.value, value.span, value.origin);
            if let Some(now) = self.values.get_mut(&key) {
                now.written = value.written;
            }
        }
    }

    /// Drops what was said before.
    pub(super) fn forget(&mut self, key: &str) {
        self.values.remove(key);
    }

    /// Replaces a value whole, tags too. What says the same keeps its place and who set it.
    pub fn replace(&mut self, key: &str, value: Value, origin: Origin) {
        let known = self.values.get(key);
        let same =
            known.is_some_and(|v| !v.partial && says_the_same(key, v.value.as_ref(), &value));
        if same {
            return;
        }
        let span = known.and_then(|v| v.span);
        let value = ConfigValue {
            value: Some(value),
            span,
            origin,
            merged: false,
            partial: false,
            written: None,
        };
        self.values.insert(key.to_owned(), value);
    }
}

fn has_jinja(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains("{{") || text.contains("{%"),
        Value::Array(items) => items.iter().any(has_jinja),
        Value::Object(map) => map.values().any(has_jinja),
        _ => false,
    }
}

/// What becomes of a weaker value when a stronger one is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Merge {
    /// It is replaced.
    Replace,
    /// Tags: a list without repetitions.
    Tags,
    /// A list to which the other is appended.
    Append,
    /// A dictionary whose keys are replaced one by one.
    Update,
    /// A dictionary of lists, to which a key with a plus appends.
    Grants,
}

impl Merge {
    fn of(key: &str) -> Self {
        match key {
            "tags" => Merge::Tags,
            "pre-hook" | "post-hook" | "packages" => Merge::Append,
            "meta" | "quoting" | "column_types" | "docs" | "contract" => Merge::Update,
            "grants" => Merge::Grants,
            _ => Merge::Replace,
        }
    }

    fn lay(self, before: Option<Value>, new: Value) -> Value {
        match (self, before, new) {
            (Merge::Tags, before, new) => add_tags(before.as_ref(), &new),
            (Merge::Append, Some(before), new) => {
                let mut all = listed(before);
                all.extend(listed(new));
                Value::Array(all)
            }
            (Merge::Update, Some(Value::Object(mut old)), Value::Object(new)) => {
                old.extend(new);
                Value::Object(old)
            }
            (Merge::Grants, Some(Value::Object(mut old)), Value::Object(new)) => {
                for (key, value) in new {
                    let (key, adds) = match key.strip_prefix('+') {
                        Some(bare) => (bare.to_owned(), true),
                        None => (key, false),
                    };
                    let mut all = match old.remove(&key) {
                        Some(known) if adds => listed(known),
                        _ => Vec::new(),
                    };
                    all.extend(listed(value));
                    old.insert(key, Value::Array(all));
                }
                Value::Object(old)
            }
            (_, _, new) => new,
        }
    }
}

fn listed(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        one => vec![one],
    }
}

/// Tags are compared without their order, which dbt does not promise to keep.
fn says_the_same(key: &str, known: Option<&Value>, other: &Value) -> bool {
    let Some(known) = known else { return false };
    if key != "tags" {
        return known == other;
    }
    let sorted = |v: &Value| {
        let mut tags = strings(v);
        tags.sort();
        tags.dedup();
        tags
    };
    sorted(known) == sorted(other)
}

/// A truth value as dbt reads configuration.
pub(super) fn as_bool(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(b) => Some(*b),
        Value::String(s) => match s.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Some(true),
            "false" | "no" | "off" | "0" | "" | "none" => Some(false),
            _ => None,
        },
        Value::Number(n) => Some(n.as_f64() != Some(0.0)),
        _ => None,
    }
}

/// A string or a list of them.
pub(crate) fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(s) => vec![s.clone()],
        Value::Array(items) => items.iter().flat_map(strings).collect(),
        Value::Number(n) => vec![n.to_string()],
        _ => Vec::new(),
    }
}

fn add_tags(before: Option<&Value>, new: &Value) -> Value {
    let mut tags = before.map_or(Vec::new(), strings);
    for tag in strings(new) {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags.into()
}

/// How a YAML string with Jinja becomes a value; none where it is not known.
pub(super) type Render<'a> = &'a dyn Fn(&str) -> Option<Value>;

/// A YAML value with its Jinja rendered; none where any of it is not known.
pub(super) fn rendered(node: YamlNode, render: Render) -> Option<Value> {
    render_json(node.to_json(), render)
}

/// dbt leaves the Jinja of hooks to the node.
fn rendered_value(key: &str, node: YamlNode, render: Render) -> Option<Value> {
    match matches!(key, "pre-hook" | "post-hook" | "pre_hook" | "post_hook") {
        true => Some(node.to_json()),
        false => rendered(node, render),
    }
}

fn render_json(value: Value, render: Render) -> Option<Value> {
    Some(match value {
        Value::String(s) => render(&s)?,
        Value::Array(items) => {
            let items: Option<Vec<Value>> =
                items.into_iter().map(|v| render_json(v, render)).collect();
            Value::Array(items?)
        }
        Value::Object(map) => {
            let mut out = serde_json::Map::new();
            for (key, value) in map {
                out.insert(key, render_json(value, render)?);
            }
            Value::Object(out)
        }
        other => other,
    })
}

/// Lays what dbt_project.yml says of a resource type over a configuration, for a node of this fqn
/// (package first).
pub(super) fn from_project(config: &mut Config, section: YamlNode, fqn: &[String], render: Render) {
    let mut level = section.resolve();
    let mut parts = fqn.iter();
    loop {
        for (key, value) in level.entries() {
            let Some(name) = key.as_str() else { continue };
            let bare = name.strip_prefix('+');
            if bare.is_none() && value.resolve().is_mapping() {
                continue;
            }
            let name = bare.unwrap_or(name);
            let known = rendered_value(name, value, render);
            config.set_yaml(name, value, known, Origin::ProjectFile);
        }
        let next = parts.next().and_then(|part| level.get(part));
        match next.map(|n| n.resolve()) {
            Some(n) if n.is_mapping() => level = n,
            _ => return,
        }
    }
}

/// Keys of a property entry that are configuration outside `config:` too. Tags are that only for
/// what YAML alone defines; elsewhere dbt passes over them.
const TOP_LEVEL: &[&str] = &["meta", "docs", "group", "access", "contract"];

/// Lays what a property entry says over a configuration.
pub(super) fn from_properties(
    config: &mut Config,
    entry: YamlNode,
    kind: ResourceType,
    render: Render,
) {
    let tagged = matches!(
        kind,
        ResourceType::Source
            | ResourceType::Exposure
            | ResourceType::Metric
            | ResourceType::SavedQuery
    );
    for name in TOP_LEVEL.iter().chain(tagged.then_some(&"tags")) {
        from_key(config, entry, name, render);
    }
    from_section(config, entry, render);
}

/// Lays what stands under a key beside `config:` over a configuration.
pub(super) fn from_key(config: &mut Config, entry: YamlNode, name: &str, render: Render) {
    if let Some(value) = entry.get(name) {
        let known = rendered(value, render);
        config.set_yaml(name, value, known, Origin::Properties);
    }
}

/// Lays an entry's `config:` over a configuration.
pub(super) fn from_section(config: &mut Config, entry: YamlNode, render: Render) {
    let Some(section) = entry.get("config") else {
        return;
    };
    for (key, value) in section.resolve().entries() {
        let Some(name) = key.as_str() else { continue };
        let known = rendered_value(name, value, render);
        config.set_yaml(name, value, known, Origin::Properties);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_unknown_part_of_the_tags_stays_unknown_and_the_rest_known() {
        let mut config = Config::default();
        config.set("tags", None, None, Origin::ProjectFile);
        config.set("tags", Some(json!("a")), None, Origin::Inline);
        assert!(config.is_unknown("tags"));
        assert_eq!(config.tags(), ["a"]);
        config.set("tags", None, None, Origin::Inline);
        assert_eq!(config.tags(), ["a"]);
        config.replace("tags", json!(["b", "a"]), Origin::Manifest);
        assert!(!config.is_unknown("tags"));
    }

    #[test]
    fn a_manifest_that_says_the_same_leaves_the_place_alone() {
        let mut config = Config::default();
        config.set(
            "materialized",
            Some(json!("table")),
            None,
            Origin::ProjectFile,
        );
        config.set("tags", Some(json!(["b", "a"])), None, Origin::Inline);
        config.replace("materialized", json!("table"), Origin::Manifest);
        config.replace("tags", json!(["a", "b"]), Origin::Manifest);
        let origin = |key| config.get(key).map(|v| v.origin);
        assert_eq!(origin("materialized"), Some(Origin::ProjectFile));
        assert_eq!(origin("tags"), Some(Origin::Inline));
        assert_eq!(config.tags(), ["b", "a"]);
        config.replace("materialized", json!("view"), Origin::Manifest);
        assert_eq!(
            config.get("materialized").map(|v| v.origin),
            Some(Origin::Manifest)
        );
    }
}
