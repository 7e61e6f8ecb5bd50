//! dbt's selection of nodes, as it is written: `+fct_orders,tag:nightly`, `state:modified+`,
//! selectors.yml. Which nodes an expression means is for `project` to say, which has them.

mod method;
mod parse;
mod wild;
mod yaml;

pub use method::{METHODS, Method, NamePattern, Named, State, TestType, VersionKind};
pub use parse::parse;
pub use wild::{PathWild, Wild};
pub use yaml::{Definitions, place_in};

use std::ops::Range;

/// An expression over sets of nodes.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// One criterion.
    Term(Box<Term>),
    /// What any of them selects.
    Union(Vec<Expr>),
    /// What all of them select.
    Intersection(Vec<Expr>),
    /// What the first selects and the second does not.
    Difference(Box<Expr>, Box<Expr>),
}

impl Expr {
    /// Every criterion, in order.
    pub fn terms(&self) -> Vec<&Term> {
        let mut out = Vec::new();
        let mut waiting = vec![self];
        while let Some(expr) = waiting.pop() {
            match expr {
                Expr::Term(term) => out.push(&**term),
                Expr::Union(all) | Expr::Intersection(all) => waiting.extend(all.iter().rev()),
                Expr::Difference(first, second) => waiting.extend([&**second, &**first]),
            }
        }
        out
    }
}

/// A method with its value, and the graph operators around it.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    /// What selects.
    pub method: Method,
    /// Ancestors too.
    pub parents: Option<Depth>,
    /// Descendants too.
    pub children: Option<Depth>,
    /// `@`: descendants too, and whatever these need.
    pub childrens_parents: bool,
    /// How tests come along, where the definition says it.
    pub indirect: Option<Indirect>,
    /// Where it stands in the text.
    pub range: Range<usize>,
}

/// How far a graph operator goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// To the end.
    Any,
    /// So many edges.
    Levels(usize),
}

/// dbt's `--indirect-selection`: which tests come along with the nodes they test.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Indirect {
    /// Those of any selected node.
    #[default]
    Eager,
    /// Those whose nodes are all selected.
    Cautious,
    /// Those whose nodes are all selected or above a selected one.
    Buildable,
    /// None.
    Empty,
}

impl Indirect {
    /// From dbt's word for it.
    pub fn from_text(text: &str) -> Option<Self> {
        Some(match text {
            "eager" => Self::Eager,
            "cautious" => Self::Cautious,
            "buildable" => Self::Buildable,
            "empty" => Self::Empty,
            _ => return None,
        })
    }
}

/// Why a selection was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectorError {
    /// Bytes of the text that are wrong.
    pub range: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What is allowed, or the nearest name.
    pub help: Option<String>,
}
