//! Options of a declared rule: values of its file that a configuration may replace.
//!
//! `options: {min_length: &min_length 20}` gives a value its name, and `*min_length` is where the
//! rule uses it: YAML's own anchors, so that the file reads as it stands. What the configuration
//! says takes the value's place in the text, which is read again.

use super::read::{at, entries, refused};
use super::{Declared, DeclaredRule, read};
use crate::syntax::yaml::{self, DeError, Node};
use crate::text::{FileId, Spanned};
use schemars::Schema;
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::ops::Range;

/// An option.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    name: String,
    default: Value,
    /// Where its value stands in the rule file.
    range: Range<usize>,
}

/// Reads `options:`.
pub(super) fn settings(root: Node) -> Result<Vec<Setting>, DeError> {
    let Some(node) = root.get("options") else {
        return Ok(Vec::new());
    };
    let mut out = Vec::new();
    for (key, name, value) in entries(node)? {
        if name == "severity" {
            return Err(refused(key, "is what every rule can be set to"));
        }
        if value.anchor().is_none() {
            let message = format!("the option `{name}` has no anchor, so nothing can use it");
            return Err(DeError {
                help: Some(format!(
                    "`{name}: &{name} value` here, `*{name}` where it is used"
                )),
                ..at(key, message)
            });
        }
        out.push(Setting {
            name: name.to_owned(),
            default: value.to_json(),
            range: value.span().range(),
        });
    }
    Ok(out)
}

impl Declared {
    /// The rule with the text of its file, which options need.
    #[must_use]
    pub fn with_text(mut self, text: &str) -> Self {
        text.clone_into(&mut self.text);
        self
    }

    /// The rule with values of a configuration in the place of its own.
    ///
    /// # Errors
    /// An option that it has not, or a value that does not fit where the rule uses it.
    pub fn with_options(
        &self,
        options: &[(Spanned<String>, Node)],
    ) -> Result<DeclaredRule, DeError> {
        if options.is_empty() {
            return Ok(self.rule.clone());
        }
        let mut edits: Vec<(&Setting, String)> = Vec::new();
        for (name, value) in options {
            let known = self.options.iter().find(|s| s.name == name.value);
            let Some(setting) = known else {
                let all: Vec<&str> = self.options.iter().map(|s| s.name.as_str()).collect();
                let help = match all.is_empty() {
                    true => "it has none".to_owned(),
                    false => format!("options are {}", all.join(", ")),
                };
                return Err(DeError {
                    help: Some(help),
                    ..DeError::new(format!("unknown option `{}`", name.value)).at(name.span)
                });
            };
            edits.push((setting, value.to_json().to_string()));
        }
        edits.sort_by_key(|(s, _)| s.range.start);
        let mut text = self.text.clone();
        for (setting, value) in edits.iter().rev() {
            text.replace_range(setting.range.clone(), value);
        }
        let doc = match &self.meta.doc {
            Cow::Borrowed(doc) => Some(*doc),
            Cow::Owned(_) => None,
        };
        let again = read(&yaml::parse(FileId(0), &text), doc);
        let place = options[0].1.span();
        again.map(|declared| declared.rule).map_err(|e| DeError {
            span: Some(place),
            ..e
        })
    }

    /// The JSON schema of its options; none where it has none.
    pub fn option_schema(&self) -> Option<Schema> {
        if self.options.is_empty() {
            return None;
        }
        let section = self.meta.section("Options").unwrap_or_default();
        let said = |name: &str| {
            let lines = section.lines().map(|l| l.trim_start_matches(['-', ' ']));
            let mut lines = lines.filter_map(|l| l.strip_prefix(&format!("`{name}`")));
            let text = lines.next()?.trim_start_matches([':', ' ']);
            (!text.is_empty()).then(|| text.to_owned())
        };
        let properties: Map<String, Value> = self
            .options
            .iter()
            .map(|s| {
                let mut schema = json!({ "default": s.default });
                if let (Some(object), Some(text)) = (schema.as_object_mut(), said(&s.name)) {
                    object.insert("description".to_owned(), text.into());
                }
                (s.name.clone(), schema)
            })
            .collect();
        match json!({"type": "object", "properties": properties, "additionalProperties": false}) {
            Value::Object(map) => Some(map.into()),
            _ => None,
        }
    }
}
