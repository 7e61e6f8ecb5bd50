//! Texts with captures: `$X` is what a metavariable stands for, `{name}` a fact of the subject,
//! `{options.name}` an option, `{tags.names}` what is in a list, `{options.tags without tags}` what one list has and
//! another has not.

use super::facts::{self, World};
use super::options::RuleOption;
use super::predicate::{Fact, Kind, names};
use super::read::{at, refused, text};
use super::subject::Subject;
use crate::syntax::yaml::{DeError, Node};
use crate::text::nearest;
use serde_json::Value;
use std::collections::BTreeMap;

/// What metavariables stand for.
pub(super) type Texts = BTreeMap<String, String>;

/// A text with places to fill.
#[derive(Debug, Clone)]
pub(super) struct Template(Vec<Piece>);

#[derive(Debug, Clone)]
enum Piece {
    Text(String),
    Captured(String),
    Fact(&'static facts::Entry),
    Source,
    /// What the first has and the second has not.
    Without(Listed, Listed),
}

/// A list that a message compares with another.
#[derive(Debug, Clone)]
enum Listed {
    Said(Vec<String>),
    Fact(&'static facts::Entry),
    Config(String),
}

impl Template {
    /// Reads a text; `bound` are the metavariables that every finding has. Facts and `options` are
    /// for messages.
    pub(super) fn read(
        node: Node,
        bound: &[String],
        options: Option<&[RuleOption]>,
    ) -> Result<Self, DeError> {
        let written = text(node)?;
        let mut pieces = Vec::new();
        let mut rest = written.as_str();
        while let Some(start) = rest.find(['$', '{']) {
            let (before, from) = rest.split_at(start);
            pieces.push(Piece::Text(before.to_owned()));
            let (piece, length) = match (from.starts_with('$'), options) {
                (true, _) => captured(node, from, bound)?,
                (false, Some(options)) => fact(node, from, options)?,
                (false, None) => (Piece::Text("{".to_owned()), 1),
            };
            pieces.push(piece);
            rest = &from[length..];
        }
        pieces.push(Piece::Text(rest.to_owned()));
        Ok(Self(pieces))
    }

    /// The text for one finding.
    pub(super) fn fill(&self, w: World, subject: Subject, texts: &Texts) -> String {
        let pieces = self.0.iter().map(|piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Captured(name) => texts.get(name).cloned().unwrap_or_default(),
            Piece::Fact(entry) => shown((entry.read)(w, subject)),
            Piece::Source => w.shared.systems(w.project, subject).join(", "),
            Piece::Without(all, but) => {
                let but = but.texts(w, subject);
                let mut rest = all.texts(w, subject);
                rest.retain(|t| !but.contains(t));
                quoted(&rest)
            }
        });
        pieces.collect()
    }
}

/// `$X`; a `$` before anything else stands for itself.
fn captured(node: Node, from: &str, bound: &[String]) -> Result<(Piece, usize), DeError> {
    let letter = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let end = from[1..].find(|c| !letter(c)).map_or(from.len(), |n| n + 1);
    let name = &from[..end];
    let is_name = name[1..].starts_with(|c: char| c.is_ascii_uppercase());
    if !is_name {
        return Ok((Piece::Text("$".to_owned()), 1));
    }
    if bound.iter().any(|b| b == name) {
        return Ok((Piece::Captured(name.to_owned()), end));
    }
    let near = nearest(name, bound.iter().map(String::as_str));
    let help = match (near, bound.is_empty()) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, true) => "no metavariable is bound wherever the rule fires".to_owned(),
        (None, false) => format!("bound are {}", bound.join(", ")),
    };
    Err(DeError {
        help: Some(help),
        ..at(node, format!("`{name}` is not bound"))
    })
}

/// `{name}`; `{{` and what is no word between braces stands for itself.
fn fact(node: Node, from: &str, options: &[RuleOption]) -> Result<(Piece, usize), DeError> {
    if from.starts_with("{{") {
        let end = from.find("}}").map_or(2, |n| n + 2);
        return Ok((Piece::Text(from[..end].to_owned()), end));
    }
    let inner = from[1..].split_once('}').map(|(inner, _)| inner);
    let letter = |c: char| c.is_ascii_lowercase() || matches!(c, '_' | '.' | ' ');
    let word = |t: &&str| !t.is_empty() && t.chars().all(letter);
    let Some(name) = inner.filter(word) else {
        return Ok((Piece::Text("{".to_owned()), 1));
    };
    let length = name.len() + 2;
    if let Some((all, but)) = name.split_once(" without ") {
        let piece = Piece::Without(listed(node, all, options)?, listed(node, but, options)?);
        return Ok((piece, length));
    }
    if let Some(name) = name.strip_prefix("options.") {
        let option = option(node, name, options)?;
        let text = match option.texts() {
            all if all.is_empty() => "nothing".to_owned(),
            // A number stands for itself.
            all if all.iter().all(|t| t.parse::<f64>().is_ok()) => all.join(", "),
            all => quoted(&all),
        };
        return Ok((Piece::Text(text), length));
    }
    if let Some(all) = name.strip_suffix(".names") {
        let none = Listed::Said(Vec::new());
        return Ok((Piece::Without(listed(node, all, options)?, none), length));
    }
    if name == "source" {
        return Ok((Piece::Source, length));
    }
    match facts::find(name) {
        Some(entry) if entry.kind != Kind::Map => Ok((Piece::Fact(entry), length)),
        _ => {
            let known = facts::FACTS.iter().map(|e| e.name);
            let help = nearest(name, known).map(|n| format!("did you mean `{{{n}}}`?"));
            Err(DeError {
                help,
                ..refused(node, &format!("names `{{{name}}}`, which is no fact"))
            })
        }
    }
}

fn option<'o>(
    node: Node,
    name: &str,
    options: &'o [RuleOption],
) -> Result<&'o RuleOption, DeError> {
    options.iter().find(|o| o.name == name).ok_or_else(|| {
        let near = nearest(name, options.iter().map(|o| o.name.as_str()));
        DeError {
            help: near.map(|n| format!("did you mean `{{options.{n}}}`?")),
            ..refused(node, &format!("names the option `{name}`, which is none"))
        }
    })
}

/// One side of a comparison.
fn listed(node: Node, name: &str, options: &[RuleOption]) -> Result<Listed, DeError> {
    if let Some(name) = name.strip_prefix("options.") {
        return Ok(Listed::Said(option(node, name, options)?.texts()));
    }
    if let Some(key) = name.strip_prefix("config.") {
        return Ok(Listed::Config(key.to_owned()));
    }
    let is_list = |e: &&facts::Entry| matches!(e.kind, Kind::List | Kind::Map);
    facts::find(name)
        .filter(is_list)
        .map(Listed::Fact)
        .ok_or_else(|| {
            refused(
                node,
                &format!("compares `{name}`, which is no list and no mapping"),
            )
        })
}

impl Listed {
    fn texts(&self, w: World, subject: Subject) -> Vec<String> {
        let fact = match self {
            Listed::Said(texts) => return texts.clone(),
            Listed::Fact(entry) => (entry.read)(w, subject),
            Listed::Config(key) => match subject.node() {
                Some(node) => facts::config(node, key),
                None => Fact::ABSENT,
            },
        };
        match fact {
            Fact::Unknown => Vec::new(),
            Fact::Known(value) | Fact::Partial(value) => {
                let mut all: Vec<String> = Vec::new();
                for name in names(&value) {
                    if !all.iter().any(|n| *n == *name) {
                        all.push(name.into_owned());
                    }
                }
                all
            }
        }
    }
}

fn quoted(all: &[String]) -> String {
    let all: Vec<String> = all.iter().map(|t| format!("`{t}`")).collect();
    all.join(", ")
}

/// A fact in a message; of a list, how many are in it.
fn shown(fact: Fact) -> String {
    match fact {
        Fact::Unknown => "?".to_owned(),
        Fact::Known(value) | Fact::Partial(value) => match &*value {
            Value::String(text) => text.clone(),
            Value::Array(items) => items.len().to_string(),
            Value::Null => "none".to_owned(),
            other => other.to_string(),
        },
    }
}
