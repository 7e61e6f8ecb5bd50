//! Jinja as dbt uses it: a lossless lexer, a block tree with spans, and a partial evaluator that
//! renders what can be known and marks what cannot.
//!
//! It is not a Jinja implementation: nothing is executed, nothing is looked up outside the values
//! it was given, and an unknown never ends a file.

pub mod ast;
mod blocks;
mod builtin;
mod call;
mod eval;
mod eval_expr;
mod expr;
mod expr_lex;
mod helpers;
pub mod lex;
mod library;
mod mention;
mod native;
mod ops;
mod parse;
#[cfg(test)]
mod tests;
mod value;
mod var_text;
mod visited;

pub use eval::{Call, CallKind, ConfigArg, Evaluation, Inline, Inputs, Mode, REST, evaluate};
pub use lex::{Token, TokenKind, lex};
pub use library::{MacroDef, MacroLibrary};
pub use mention::{MentionedCall, is_built_in};
pub use native::{Vars, render_native};
pub use parse::{Template, parse};
pub use value::{Piece, RelationId, RelationRef, Value};
pub use visited::Visited;

use std::ops::Range;

/// Why dbt would refuse a template. The range is in bytes of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JinjaError {
    /// What is wrong, as a sentence without a full stop.
    pub message: String,
    /// Where.
    pub range: Range<u32>,
}

impl JinjaError {
    fn new(range: Range<u32>, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            range,
        }
    }
}
