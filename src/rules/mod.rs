//! Every rule that ships, from the files beside this one and the folders in `rules/`.
//! Written by `cargo test`; do not edit.

use crate::registry::{BuiltInEntry, DeclaredEntry};

mod sql {
    pub(super) mod star_output;
}

#[rustfmt::skip]
pub(crate) static BUILT_IN: &[BuiltInEntry] = &[
    BuiltInEntry::of::<sql::star_output::StarOutput>(),
];

#[rustfmt::skip]
pub(crate) static DECLARED: &[DeclaredEntry] = &[
];
