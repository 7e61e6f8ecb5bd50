//! Reading a rule file by hand, where its keys depend on one another: every refusal has its place.

use crate::syntax::yaml::{DeError, Node};
use crate::text::nearest;
use regex::{Regex, RegexBuilder};

/// The size of a compiled expression is bounded, and with it the time of a match per byte.
const REGEX_BYTES: usize = 1 << 20;

/// An error at a value.
pub(super) fn at(node: Node, message: impl Into<String>) -> DeError {
    DeError::new(message).at(node.span())
}

/// An error about a value, which it quotes.
pub(super) fn refused(node: Node, why: &str) -> DeError {
    at(node, format!("`{}` {why}", node.as_str().unwrap_or("this")))
}

/// An error about a word that is none of the allowed ones.
pub(super) fn unknown<'a>(
    node: Node,
    what: &str,
    allowed: impl IntoIterator<Item = &'a str>,
) -> DeError {
    let allowed: Vec<&str> = allowed.into_iter().collect();
    let word = node.as_str().unwrap_or("this");
    let guess = nearest(word, allowed.iter().copied());
    let guess = guess.map_or(String::new(), |g| format!("did you mean `{g}`? "));
    DeError {
        help: Some(format!("{guess}allowed: {}", allowed.join(", "))),
        ..at(node, format!("unknown {what} `{word}`"))
    }
}

/// The entries of a mapping, each key once.
pub(super) fn entries<'a>(node: Node<'a>) -> Result<Vec<(Node<'a>, &'a str, Node<'a>)>, DeError> {
    let node = node.resolve();
    if !node.is_mapping() {
        let message = format!("expected a mapping, found {}", node.kind_name());
        return Err(at(node, message));
    }
    let mut out: Vec<(Node, &str, Node)> = Vec::new();
    for (key, value) in node.entries() {
        let name = key.as_str().ok_or_else(|| at(key, "a key is a text"))?;
        if out.iter().any(|(_, n, _)| *n == name) {
            return Err(refused(key, "stands here twice"));
        }
        out.push((key, name, value.resolve()));
    }
    Ok(out)
}

/// A scalar as text, as it is written.
pub(super) fn text(node: Node) -> Result<String, DeError> {
    match node.as_str() {
        Some(super::page::UNWRITTEN) => Err(at(node, "is not written yet")),
        Some(text) if !node.is_null() => Ok(text.to_owned()),
        _ => {
            let message = format!("expected a text, found {}", node.kind_name());
            Err(at(node, message))
        }
    }
}

/// A text, or a list of them; at least one.
pub(super) fn texts<'a>(node: Node<'a>) -> Result<Vec<(Node<'a>, String)>, DeError> {
    let node = node.resolve();
    let list: Vec<Node> = match node.is_sequence() {
        true => node.items().map(Node::resolve).collect(),
        false => vec![node],
    };
    if list.is_empty() {
        return Err(at(node, "the list is empty"));
    }
    list.into_iter().map(|n| Ok((n, text(n)?))).collect()
}

/// A number.
pub(super) fn number(node: Node) -> Result<f64, DeError> {
    let read = node.as_str().and_then(|t| t.parse::<f64>().ok());
    match read {
        Some(number) if number.is_finite() => Ok(number),
        _ => Err(at(
            node,
            format!("expected a number, found {}", shown(node)),
        )),
    }
}

/// Yes or no.
pub(super) fn flag(node: Node) -> Result<bool, DeError> {
    node.as_bool().ok_or_else(|| {
        at(
            node,
            format!("expected true or false, found {}", shown(node)),
        )
    })
}

fn shown(node: Node) -> String {
    match node.as_str() {
        Some(text) => format!("`{text}`"),
        None => node.kind_name().to_owned(),
    }
}

/// A regular expression that says something; it takes time in proportion to the text.
pub(super) fn regex(node: Node, any_case: bool) -> Result<Regex, DeError> {
    let written = text(node)?;
    let regex = RegexBuilder::new(&written)
        .case_insensitive(any_case)
        .multi_line(any_case)
        .size_limit(REGEX_BYTES)
        .build()
        .map_err(|e| {
            // Its last line says what is wrong; those before draw the place.
            let message = e.to_string();
            let why = message.lines().last().unwrap_or_default();
            let why = why.trim_start_matches("error: ");
            refused(node, &format!("is no regular expression: {why}"))
        })?;
    match any_case && regex.is_match("") {
        true => Err(refused(
            node,
            "matches nothing at all, so it would match everywhere",
        )),
        false => Ok(regex),
    }
}
