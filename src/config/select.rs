//! Which part of a project a setting is for: a path, or dbt's selection of nodes. Which nodes that
//! are is found out once the project is known.

use super::PathPattern;
use crate::selector::{Expr, Method, SelectorError, parse};
use crate::text::Span;

/// A path or a selection, read.
#[derive(Debug)]
pub enum Matcher {
    /// Files whose path matches.
    Path(PathPattern),
    /// Nodes.
    Select(Selected),
}

/// A selection and where it is written.
#[derive(Debug)]
pub struct Selected {
    /// What it says.
    pub expr: Expr,
    /// Its text.
    pub text: String,
    /// Where it stands: the file is a document of the configuration.
    pub span: Option<Span>,
}

impl Selected {
    /// Reads a selection.
    ///
    /// # Errors
    /// What is wrong, with its place in the text.
    pub fn new(text: &str, span: Option<Span>) -> Result<Self, SelectorError> {
        let expr = parse(text)?;
        let state = |method: &Method| matches!(method, Method::State(_));
        if let Some(term) = expr.terms().into_iter().find(|t| state(&t.method)) {
            return Err(SelectorError {
                range: term.range.clone(),
                message: "`state:` belongs to the command line".to_owned(),
                help: Some(
                    "what a part of the project is set to must not depend on another manifest"
                        .to_owned(),
                ),
            });
        }
        Ok(Self {
            expr,
            text: text.to_owned(),
            span,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn graph_operators_are_taken_and_state_is_not() {
        assert!(Selected::new("+fct_a,tag:old x", None).is_ok());
        let error = Selected::new("a state:new", None).unwrap_err();
        assert_eq!(error.range, 2..11);
    }
}
