//! Every rule that ships, from the files beside this one and the folders in `rules/`.
//! Written by `cargo test`; do not edit.

use crate::registry::{BuiltInEntry, DeclaredEntry};

mod context {
    pub(super) mod source_missing;
}
mod doc {
    pub(super) mod missing;
}
mod graph {
    pub(super) mod broken_ref;
    pub(super) mod cycle;
    pub(super) mod hardcoded_relation;
    pub(super) mod layer_direction;
}
mod harness {
    pub(super) mod suppression_reason;
    pub(super) mod unused_suppression;
}
mod input {
    pub(super) mod config_conflict;
    pub(super) mod duplicate_node;
    pub(super) mod encoding;
    pub(super) mod jinja_syntax;
    pub(super) mod unreadable;
    pub(super) mod yaml_syntax;
}
mod sql {
    pub(super) mod cross_join;
    pub(super) mod destructive;
    pub(super) mod distinct_group_by;
    pub(super) mod incremental_config;
    pub(super) mod inline_constant;
    pub(super) mod inner_after_left;
    pub(super) mod join_fanout;
    pub(super) mod nondeterministic_dedup;
    pub(super) mod null_comparison;
    pub(super) mod partition_filter;
    pub(super) mod reserved_identifier;
    pub(super) mod star_output;
    pub(super) mod star_union;
    pub(super) mod unsafe_cast;
    pub(super) mod unstable_watermark;
    pub(super) mod unused_cte;
}
mod structure {
    pub(super) mod config_missing;
    pub(super) mod cte_missing;
    pub(super) mod cte_order;
    pub(super) mod materialization;
    pub(super) mod tags;
}
mod test {
    pub(super) mod pk;
}

#[rustfmt::skip]
pub(crate) static BUILT_IN: &[BuiltInEntry] = &[
    BuiltInEntry::of::<context::source_missing::SourceMissing>(),
    BuiltInEntry::of::<doc::missing::Missing>(),
    BuiltInEntry::of::<graph::broken_ref::BrokenRef>(),
    BuiltInEntry::of::<graph::cycle::Cycle>(),
    BuiltInEntry::of::<graph::hardcoded_relation::HardcodedRelation>(),
    BuiltInEntry::of::<graph::layer_direction::LayerDirection>(),
    BuiltInEntry::of::<harness::suppression_reason::SuppressionReason>(),
    BuiltInEntry::of::<harness::unused_suppression::UnusedSuppression>(),
    BuiltInEntry::of::<input::config_conflict::ConfigConflict>(),
    BuiltInEntry::of::<input::duplicate_node::DuplicateNode>(),
    BuiltInEntry::of::<input::encoding::Encoding>(),
    BuiltInEntry::of::<input::jinja_syntax::JinjaSyntax>(),
    BuiltInEntry::of::<input::unreadable::Unreadable>(),
    BuiltInEntry::of::<input::yaml_syntax::YamlSyntax>(),
    BuiltInEntry::of::<sql::cross_join::CrossJoin>(),
    BuiltInEntry::of::<sql::destructive::Destructive>(),
    BuiltInEntry::of::<sql::distinct_group_by::DistinctGroupBy>(),
    BuiltInEntry::of::<sql::incremental_config::IncrementalConfig>(),
    BuiltInEntry::of::<sql::inline_constant::InlineConstant>(),
    BuiltInEntry::of::<sql::inner_after_left::InnerAfterLeft>(),
    BuiltInEntry::of::<sql::join_fanout::JoinFanout>(),
    BuiltInEntry::of::<sql::nondeterministic_dedup::NondeterministicDedup>(),
    BuiltInEntry::of::<sql::null_comparison::NullComparison>(),
    BuiltInEntry::of::<sql::partition_filter::PartitionFilter>(),
    BuiltInEntry::of::<sql::reserved_identifier::ReservedIdentifier>(),
    BuiltInEntry::of::<sql::star_output::StarOutput>(),
    BuiltInEntry::of::<sql::star_union::StarUnion>(),
    BuiltInEntry::of::<sql::unsafe_cast::UnsafeCast>(),
    BuiltInEntry::of::<sql::unstable_watermark::UnstableWatermark>(),
    BuiltInEntry::of::<sql::unused_cte::UnusedCte>(),
    BuiltInEntry::of::<structure::config_missing::ConfigMissing>(),
    BuiltInEntry::of::<structure::cte_missing::CteMissing>(),
    BuiltInEntry::of::<structure::cte_order::CteOrder>(),
    BuiltInEntry::of::<structure::materialization::Materialization>(),
    BuiltInEntry::of::<structure::tags::Tags>(),
    BuiltInEntry::of::<test::pk::Pk>(),
];

#[rustfmt::skip]
pub(crate) static DECLARED: &[DeclaredEntry] = &[
    DeclaredEntry {
        yaml: include_str!("../../rules/ap/date-trunc-key/rule.yaml"),
        doc: include_str!("../../rules/ap/date-trunc-key/README.md"),
    },
];
