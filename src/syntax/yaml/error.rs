//! The error of reading a tree into a Rust type.

use super::words;
use crate::text::{Span, nearest};
use serde::de::{self, Expected, Unexpected};
use std::fmt;

/// Why a tree does not fit a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeError {
    /// What is wrong, without place and without advice.
    pub message: String,
    /// The innermost value that does not fit, or the key that is not known. `None` only where no
    /// file is involved. Inside untagged or flattened types serde loses the place, and the value
    /// around it stands here.
    pub span: Option<Span>,
    /// What to do: "did you mean …", the allowed names.
    pub help: Option<String>,
}

impl DeError {
    /// An error without place; the deserialiser adds the innermost it knows.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            span: None,
            help: None,
        }
    }

    /// The same with a place, unless it has one.
    #[must_use]
    pub fn at(mut self, span: Span) -> Self {
        self.span.get_or_insert(span);
        self
    }

    fn of_names(message: String, wanted: &str, allowed: &'static [&'static str]) -> Self {
        let names: Vec<String> = allowed.iter().map(|name| format!("`{name}`")).collect();
        let guess = nearest(wanted, allowed.iter().copied())
            .map(|name| format!("did you mean `{name}`? "))
            .unwrap_or_default();
        let list = match names.len() {
            0 => "nothing is allowed here".to_owned(),
            _ => format!("allowed: {}", names.join(", ")),
        };
        Self {
            help: Some(guess + &list),
            ..Self::new(message)
        }
    }
}

impl fmt::Display for DeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for DeError {}

impl de::Error for DeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        let message = message.to_string();
        if message.starts_with("data did not match any variant of untagged enum") {
            return Self::new("this value has none of the allowed forms");
        }
        Self::new(message)
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let expected = expected.to_string();
        Self::new(format!(
            "expected {}, found {}",
            words::expected(&expected),
            words::unexpected(&unexpected)
        ))
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(unexpected, expected)
    }

    fn invalid_length(len: usize, expected: &dyn Expected) -> Self {
        let expected = expected.to_string();
        Self::new(format!(
            "expected {}, found {len} items",
            words::expected(&expected)
        ))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let message = format!("unknown value `{}`", words::shortened(variant));
        Self::of_names(message, variant, expected)
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let message = format!("unknown key `{}`", words::shortened(field));
        Self::of_names(message, field, expected)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(format!("the key `{field}` is missing"))
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::new(format!("the key `{field}` is given twice"))
    }
}
