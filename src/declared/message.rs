//! Texts with captures: `$X` is what a metavariable stands for, `{name}` a fact of the subject.

use super::facts::{self, World};
use super::predicate::{Fact, Kind};
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
}

impl Template {
    /// Reads a text; `bound` are the metavariables that every finding has. Facts are for messages.
    pub(super) fn read(node: Node, bound: &[String], with_facts: bool) -> Result<Self, DeError> {
        let written = text(node)?;
        let mut pieces = Vec::new();
        let mut rest = written.as_str();
        while let Some(start) = rest.find(['$', '{']) {
            let (before, from) = rest.split_at(start);
            pieces.push(Piece::Text(before.to_owned()));
            let (piece, length) = match from.starts_with('$') {
                true => captured(node, from, bound)?,
                false if with_facts => fact(node, from)?,
                false => (Piece::Text("{".to_owned()), 1),
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
fn fact(node: Node, from: &str) -> Result<(Piece, usize), DeError> {
    if from.starts_with("{{") {
        let end = from.find("}}").map_or(2, |n| n + 2);
        return Ok((Piece::Text(from[..end].to_owned()), end));
    }
    let inner = from[1..].split_once('}').map(|(inner, _)| inner);
    let word = |t: &&str| !t.is_empty() && t.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let Some(name) = inner.filter(word) else {
        return Ok((Piece::Text("{".to_owned()), 1));
    };
    let length = name.len() + 2;
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
