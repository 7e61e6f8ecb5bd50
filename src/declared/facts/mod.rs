//! The closed list of facts: what a rule may ask of a subject, and how it is found out.

mod around;
mod node;
mod property;
mod table;

pub(super) use around::{Around, called_macros};
pub(super) use node::config;
pub(super) use table::FACTS;

use super::predicate::{Fact, Kind, Part, Shape};
use super::shared::Shared;
use super::subject::{Of, Subject};
use crate::project::{Project, ResourceType};

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

const MODEL: Of = Of::Node(ResourceType::Model);
const SEED: Of = Of::Node(ResourceType::Seed);
const SNAPSHOT: Of = Of::Node(ResourceType::Snapshot);
const SOURCE: Of = Of::Node(ResourceType::Source);
const EXPOSURE: Of = Of::Node(ResourceType::Exposure);
const TEST: Of = Of::Node(ResourceType::Test);
const UNIT_TEST: Of = Of::Node(ResourceType::UnitTest);
const METRIC: Of = Of::Node(ResourceType::Metric);
const SEMANTIC: Of = Of::Node(ResourceType::SemanticModel);
const SAVED: Of = Of::Node(ResourceType::SavedQuery);

const ALL: &[Of] = &Of::ALL;
/// Everything that is a node of dbt's.
pub(super) const NODES: &[Of] = Of::ALL.split_at(12).0;
const TABLES: &[Of] = &[MODEL, SEED, SNAPSHOT, SOURCE];
const REFABLE: &[Of] = &[MODEL, SEED, SNAPSHOT];
const WITH_SQL: &[Of] = &[
    MODEL,
    SNAPSHOT,
    TEST,
    Of::Node(ResourceType::Analysis),
    Of::Node(ResourceType::Function),
];
const CONFIGURED: &[Of] = &[
    MODEL,
    SEED,
    SNAPSHOT,
    SOURCE,
    EXPOSURE,
    TEST,
    UNIT_TEST,
    METRIC,
    SEMANTIC,
    SAVED,
    Of::Column,
];
const DESCRIBED: &[Of] = &[
    MODEL,
    SEED,
    SNAPSHOT,
    SOURCE,
    EXPOSURE,
    TEST,
    UNIT_TEST,
    METRIC,
    SEMANTIC,
    SAVED,
    Of::Column,
    Of::Macro,
    Of::Group,
];

const fn part(name: &'static str, kind: Kind) -> Part {
    Part {
        name,
        kind,
        folds: false,
    }
}

const COLUMN_PARTS: &[Part] = &[
    Part {
        name: "name",
        kind: Kind::Text,
        folds: true,
    },
    part("description", Kind::Text),
    Part {
        name: "data_type",
        kind: Kind::Text,
        folds: true,
    },
    part("tests", Kind::List),
    part("constraints", Kind::List),
    part("tags", Kind::List),
    part("meta", Kind::Map),
];
const TEST_PARTS: &[Part] = &[
    part("name", Kind::Text),
    part("package", Kind::Text),
    part("kind", Kind::Text),
    part("family", Kind::Text),
    part("column", Kind::Text),
    part("severity", Kind::Text),
    part("arguments", Kind::Map),
    part("config", Kind::Map),
];
const CONSTRAINT_PARTS: &[Part] = &[part("name", Kind::Text), part("columns", Kind::List)];
const ARGUMENT_PARTS: &[Part] = &[
    part("name", Kind::Text),
    part("type", Kind::Text),
    part("description", Kind::Text),
    part("has_default", Kind::Bool),
    part("in_macro", Kind::Bool),
];
const ELEMENT_PARTS: &[Part] = &[
    part("name", Kind::Text),
    part("type", Kind::Text),
    part("expr", Kind::Text),
];
const OWNER_PARTS: &[Part] = &[part("name", Kind::Text), part("email", Kind::List)];

const fn fact(
    name: &'static str,
    kind: Kind,
    of: &'static [Of],
    doc: &'static str,
    read: Read,
) -> Entry {
    Entry {
        name,
        kind,
        folds: false,
        parts: &[],
        of,
        doc,
        read,
    }
}

const fn list(
    name: &'static str,
    parts: &'static [Part],
    of: &'static [Of],
    doc: &'static str,
    read: Read,
) -> Entry {
    Entry {
        parts,
        ..fact(name, Kind::List, of, doc, read)
    }
}
