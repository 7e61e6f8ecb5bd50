//! YAML as dbt reads it, with every byte's place.
//!
//! dbt loads its files with PyYAML: YAML 1.1 scalars (`yes` is true, `1:30` is ninety), the last of
//! two equal keys wins, `<<` merges. [`parse`] gives a tree that answers the same, keeps comments,
//! styles and byte ranges, and never fails: what is wrong becomes a [`YamlProblem`] and what was
//! read before it stays. [`from_node`] turns a part of the tree into a Rust type, with errors that
//! point at the innermost value.
//!
//! Not for writing YAML, and no help with Jinja: inside a scalar it is text.

mod at;
mod build;
mod de;
pub mod edit;
mod error;
mod lenient;
mod many;
mod node;
mod python;
mod scalar;
mod tree;
mod words;

pub use at::At;
pub use build::{MAX_DEPTH, parse};
pub use de::{from_entries, from_node};
pub use error::DeError;
pub use many::OneOrMany;
pub use node::Node;
pub use python::text_repr;
pub use scalar::Scalar;
pub use tree::{Comment, NodeId, Style, Yaml, YamlProblem, YamlProblemKind};

#[cfg(test)]
mod de_tests;
#[cfg(test)]
mod tests;
