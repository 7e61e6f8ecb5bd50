//! The closed list of facts: what a rule may ask of a subject, and how it is found out.

mod node;
mod property;
mod table;

pub(super) use node::config;
pub(super) use table::{FACTS, NODES};

use super::predicate::{Fact, Kind, Part, Shape};
use super::shared::Shared;
use super::subject::{Of, Subject};
use crate::project::Project;

/// What facts are read from.
#[derive(Clone, Copy)]
pub(super) struct World<'p> {
    pub(super) project: &'p Project,
    pub(super) shared: &'p Shared,
}

type Read = for<'p> fn(World<'p>, Subject<'p>) -> Fact<'p>;

/// A fact.
pub(super) struct Entry {
    /// Its key in a rule file.
    pub(super) name: &'static str,
    /// What it is.
    pub(super) kind: Kind,
    /// Names of SQL: case does not matter.
    pub(super) folds: bool,
    /// The keys of the mapping it is, or of the mappings it lists.
    pub(super) parts: &'static [Part],
    /// Of what it can be asked.
    pub(super) of: &'static [Of],
    /// What it says.
    pub(super) doc: &'static str,
    pub(super) read: Read,
}

impl Entry {
    pub(super) fn shape(&self) -> Shape {
        Shape {
            kind: self.kind,
            parts: self.parts,
            folds: self.folds,
        }
    }
}

/// The fact of a name.
pub(super) fn find(name: &str) -> Option<&'static Entry> {
    FACTS.iter().find(|f| f.name == name)
}
