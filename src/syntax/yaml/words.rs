//! The words of messages: YAML's, not Rust's.

use super::build::MAX_DEPTH;
use super::node::Node;
use super::scalar::Scalar;
use granit_parser::{ErrorKind, ScanError};
use serde::de::Unexpected;
use std::borrow::Cow;

pub(super) const UNCLOSED_QUOTE: &str = "this quote is never closed";
pub(super) const TAB: &str = "a tab in the indentation; YAML wants spaces";
pub(super) const SECOND_DOCUMENT: &str = "a second document starts here; dbt reads files of one";
pub(super) const BARE_JINJA: &str =
    "a value that begins with `{{` is a mapping to YAML; put quotes around the Jinja expression";

pub(super) fn too_deep() -> String {
    format!("nested more than {MAX_DEPTH} levels deep")
}

/// What a syntax error of the event parser means.
pub(super) fn syntax(error: &ScanError) -> String {
    use ErrorKind as K;
    match error.kind() {
        K::RecursionLimitExceeded => too_deep(),
        K::UnclosedQuotedScalar => UNCLOSED_QUOTE.to_owned(),
        K::UnclosedFlowCollection { open } => format!("this `{open}` is never closed"),
        K::TabInBlockIndentation | K::TabInIndentation => TAB.to_owned(),
        K::UnexpectedCharacter { character } if character.is_control() => {
            format!(
                "the control character {} is not allowed",
                character.escape_unicode()
            )
        }
        K::UnexpectedCharacter { character } => {
            format!("a value cannot begin with `{character}`; put quotes around it")
        }
        K::MappingValueNotAllowed => {
            "a `: ` inside a value; put quotes around the value, or check \
                                      the indentation of this line"
                .to_owned()
        }
        K::ExpectedBlockMappingKey => {
            "expected a key here; check the indentation of this line".to_owned()
        }
        K::ExpectedBlockSequenceEntry => {
            "expected `- ` here; check the indentation of this line".to_owned()
        }
        K::SimpleKeyExpected => {
            "a line without `:` among keys; check the indentation or put quotes around the text \
             above"
                .to_owned()
        }
        _ => error.info(),
    }
}

/// At most 40 characters of a text, on one line.
pub(super) fn shortened(text: &str) -> Cow<'_, str> {
    const MOST: usize = 40;
    let line = text.lines().next().unwrap_or("");
    match line.char_indices().nth(MOST) {
        Some((cut, _)) => format!("{}…", &line[..cut]).into(),
        None if line.len() < text.trim_end().len() => format!("{line}…").into(),
        None => line.into(),
    }
}

/// A node that is not what was expected.
pub(super) fn found(node: Node<'_>) -> String {
    let text = shortened(node.as_str().unwrap_or_default());
    match node.scalar() {
        Some(Scalar::Bool(_)) => format!("the boolean `{text}`"),
        Some(Scalar::Int(_) | Scalar::Float(_)) => format!("the number {text}"),
        Some(Scalar::Str) => format!("the string `{text}`"),
        Some(Scalar::Null) => "nothing".to_owned(),
        None => node.kind_name().to_owned(),
    }
}

/// A value that is not what was expected, where only serde saw it.
pub(super) fn unexpected(value: &Unexpected<'_>) -> String {
    match value {
        Unexpected::Bool(value) => format!("the boolean `{value}`"),
        Unexpected::Unsigned(value) => format!("the number {value}"),
        Unexpected::Signed(value) => format!("the number {value}"),
        Unexpected::Float(value) => format!("the number {value}"),
        Unexpected::Char(value) => format!("the string `{value}`"),
        Unexpected::Str(value) => format!("the string `{}`", shortened(value)),
        Unexpected::Unit | Unexpected::Option => "nothing".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a mapping".to_owned(),
        other => other.to_string(),
    }
}

/// What a Rust type expects, said to someone who writes YAML.
pub(super) fn expected(serde: &str) -> Cow<'_, str> {
    match serde {
        "a sequence" => "a list".into(),
        "a map" => "a mapping".into(),
        "a boolean" => "`true` or `false`".into(),
        "a character" => "one character".into(),
        "unit" | "option" => "nothing".into(),
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number".into(),
        "u8" => "a whole number from 0 to 255".into(),
        "u16" => "a whole number from 0 to 65535".into(),
        "u32" | "u64" | "u128" | "usize" => "a whole number, 0 or more".into(),
        "f32" | "f64" => "a number".into(),
        _ if serde.starts_with("struct ") => "a mapping".into(),
        _ if serde.starts_with("unit struct ") => "nothing".into(),
        _ if serde.starts_with("a tuple of size ") => {
            format!("a list of {} items", &serde["a tuple of size ".len()..]).into()
        }
        _ if serde.starts_with("tuple ") => "a list".into(),
        _ => serde.into(),
    }
}
