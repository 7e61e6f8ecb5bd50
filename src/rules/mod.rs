//! Every rule that ships, from the files beside this one and the folders in `rules/`.
//! Written by `cargo test`; do not edit.

use crate::registry::{BuiltInEntry, DeclaredEntry};

mod graph {
    pub(super) mod broken_ref;
    pub(super) mod hardcoded_relation;
    pub(super) mod layer_direction;
}
mod sql {
    pub(super) mod star_output;
}
mod test {
    pub(super) mod pk;
}

#[rustfmt::skip]
pub(crate) static BUILT_IN: &[BuiltInEntry] = &[
    BuiltInEntry::of::<graph::broken_ref::BrokenRef>(),
    BuiltInEntry::of::<graph::hardcoded_relation::HardcodedRelation>(),
    BuiltInEntry::of::<graph::layer_direction::LayerDirection>(),
    BuiltInEntry::of::<sql::star_output::StarOutput>(),
    BuiltInEntry::of::<test::pk::Pk>(),
];

#[rustfmt::skip]
pub(crate) static DECLARED: &[DeclaredEntry] = &[
];
