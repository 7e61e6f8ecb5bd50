//! SQL as dbt projects hold it: rendered Jinja, sqlparser's tokens with byte offsets, and a
//! compact tree of our own whose every place is a place in the user's file.
//!
//! The steps: [`render`](mod@render) turns Jinja pieces into text with a segment map, [`parse`]
//! hands sqlparser its tokens, `lower` makes [`tree`] of its syntax tree, which is then dropped.
//! Rules see only [`tree`].

mod dialect;
pub mod edit;
pub mod groups;
mod lower;
mod lower_expr;
mod lower_from;
pub mod nulls;
mod parse;
mod placeholder;
mod recover;
pub mod render;
mod repair;
mod reserved;
pub mod same;
mod shim;
pub mod tree;

pub use dialect::Dialect;
pub use parse::{ParseError, Parsed, SqlTokens, parse, tokenise};
pub use recover::{Recovered, recover};
pub use render::{RelationUse, Rendered, render};
pub use repair::{Budget, query_of};
pub use reserved::{is_plain, is_reserved};

use crate::text::{FileId, Span};

/// The tree of a text, and the places of the file that the parser was not shown as they are.
#[derive(Debug)]
pub struct QueryTree {
    /// The query; none where the text holds no statement.
    pub query: Option<tree::Query>,
    /// In the user's file.
    pub shimmed: Vec<Span>,
}

/// Parses rendered text and gives our tree, or why there is none.
///
/// A text without any statement (a model that is only comments) gives no query and no error.
pub fn query(file: FileId, rendered: &Rendered, dialect: Dialect) -> Result<QueryTree, ParseError> {
    let tokens = tokenise(dialect, &rendered.text)?;
    let parsed = parse(dialect, tokens)?;
    let shimmed = parsed.shimmed.iter().cloned().map(|r| {
        let src = rendered.source_range(r);
        Span::new(file, src.start as usize, src.end as usize)
    });
    Ok(QueryTree {
        query: lower::lower(file, rendered, dialect, &parsed),
        shimmed: shimmed.collect(),
    })
}
