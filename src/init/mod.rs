//! `init`: what a repository's own habits are, written down as its harness-lint.yml.
//!
//! `infer` reads habits off the project, `write` puts them into a commented file. A habit is what
//! nearly all do; what most do is written as a comment with its share, for a person to decide.

mod infer;
mod write;

pub use infer::{Habits, LayerHabit, Sequence, TagHabit, infer};
pub use write::{file, told};
