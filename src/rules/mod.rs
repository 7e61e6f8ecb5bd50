//! Every rule that ships, from the files beside this one and the folders in `rules/`.
//! Written by `cargo test`; do not edit.

use crate::registry::{BuiltInEntry, DeclaredEntry};

mod context {
    pub(super) mod source_missing;
}
mod doc {
    pub(super) mod missing;
}
mod sql {
    pub(super) mod star_output;
}
mod structure {
    pub(super) mod config_missing;
    pub(super) mod cte_missing;
    pub(super) mod cte_order;
    pub(super) mod materialization;
    pub(super) mod tags;
}

#[rustfmt::skip]
pub(crate) static BUILT_IN: &[BuiltInEntry] = &[
    BuiltInEntry::of::<context::source_missing::SourceMissing>(),
    BuiltInEntry::of::<doc::missing::Missing>(),
    BuiltInEntry::of::<sql::star_output::StarOutput>(),
    BuiltInEntry::of::<structure::config_missing::ConfigMissing>(),
    BuiltInEntry::of::<structure::cte_missing::CteMissing>(),
    BuiltInEntry::of::<structure::cte_order::CteOrder>(),
    BuiltInEntry::of::<structure::materialization::Materialization>(),
    BuiltInEntry::of::<structure::tags::Tags>(),
];

#[rustfmt::skip]
pub(crate) static DECLARED: &[DeclaredEntry] = &[
    DeclaredEntry {
        yaml: include_str!("../../rules/ap/date-trunc-key/rule.yaml"),
        doc: include_str!("../../rules/ap/date-trunc-key/README.md"),
    },
];
