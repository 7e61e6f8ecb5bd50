//! SQL as dbt projects hold it: rendered Jinja, sqlparser's tokens with byte offsets, and a
//! compact tree of our own whose every place is a place in the user's file.
//!
//! The steps: [`render`](mod@render) turns Jinja pieces into text with a segment map, [`parse`]
//! hands sqlparser its tokens, `lower` makes [`tree`] of its syntax tree, which is then dropped.
//! Rules see only [`tree`].

mod dialect;
mod lower;
mod lower_expr;
pub mod nulls;
mod parse;
mod placeholder;
pub mod render;
pub mod tree;

pub use dialect::Dialect;
pub use parse::{ParseError, SqlTokens, parse, tokenise};
pub use render::{RelationUse, Rendered, render};

use crate::text::FileId;

/// Parses rendered text and gives our tree, or why there is none.
///
/// A text without any statement (a model that is only comments) gives no query and no error.
pub fn query(
    file: FileId,
    rendered: &Rendered,
    dialect: Dialect,
) -> Result<Option<tree::Query>, ParseError> {
    let tokens = tokenise(dialect, &rendered.text)?;
    let statements = parse(dialect, &tokens)?;
    Ok(lower::lower(file, rendered, &tokens, &statements))
}
