//! Every rule that ships, from the files beside this one and the folders in `rules/`.
//! Written by `cargo test`; do not edit.

use crate::registry::{BuiltInEntry, DeclaredEntry};

mod context {
    pub(super) mod broken_link;
    pub(super) mod contradiction;
    pub(super) mod dead_mention;
    pub(super) mod section_missing;
    pub(super) mod source_missing;
    pub(super) mod stale;
    pub(super) mod status;
    pub(super) mod table_missing;
}
mod doc {
    pub(super) mod column_missing;
    pub(super) mod copy_paste;
    pub(super) mod coverage;
    pub(super) mod definition_drift;
    pub(super) mod macro_missing;
    pub(super) mod missing;
    pub(super) mod owner;
    pub(super) mod phantom_column;
    pub(super) mod placeholder;
    pub(super) mod source_missing;
    pub(super) mod undocumented_column;
    pub(super) mod unit_drift;
}
mod graph {
    pub(super) mod broken_ref;
    pub(super) mod chained_views;
    pub(super) mod cycle;
    pub(super) mod domain_direction;
    pub(super) mod duplicate_source;
    pub(super) mod duplicate_staging;
    pub(super) mod exposure_on_private;
    pub(super) mod exposure_parent_materialization;
    pub(super) mod forbidden_edge;
    pub(super) mod hardcoded_relation;
    pub(super) mod layer_direction;
    pub(super) mod model_fanout;
    pub(super) mod multiple_sources_joined;
    pub(super) mod orphan;
    pub(super) mod private_access;
    pub(super) mod public_without_contract;
    pub(super) mod rejoined_upstream;
    pub(super) mod root_model;
    pub(super) mod source_direct_join;
    pub(super) mod source_fanout;
    pub(super) mod source_outside_staging;
    pub(super) mod staging_on_downstream;
    pub(super) mod staging_on_staging;
    pub(super) mod tenant_boundary;
    pub(super) mod too_many_joins;
    pub(super) mod unclassified;
    pub(super) mod undeclared_source;
    pub(super) mod unused_source;
}
mod harness {
    pub(super) mod stale_baseline;
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
    pub(super) mod column_groups;
    pub(super) mod config_missing;
    pub(super) mod cte_column_missing;
    pub(super) mod cte_missing;
    pub(super) mod cte_order;
    pub(super) mod cte_role;
    pub(super) mod final_select;
    pub(super) mod final_star;
    pub(super) mod materialization;
    pub(super) mod model_location;
    pub(super) mod model_name;
    pub(super) mod source_location;
    pub(super) mod tags;
    pub(super) mod test_location;
}
mod test {
    pub(super) mod coverage;
    pub(super) mod deprecated_syntax;
    pub(super) mod edge_cases;
    pub(super) mod family_missing;
    pub(super) mod fk;
    pub(super) mod freshness;
    pub(super) mod gap_undisclosed;
    pub(super) mod loose_threshold;
    pub(super) mod never_runs;
    pub(super) mod no_diagnostics;
    pub(super) mod no_reconciliation;
    pub(super) mod pk;
    pub(super) mod pk_mismatch;
    pub(super) mod rule_untraced;
    pub(super) mod severity_mix;
}

#[rustfmt::skip]
pub(crate) static BUILT_IN: &[BuiltInEntry] = &[
    BuiltInEntry::of::<context::broken_link::BrokenLink>(),
    BuiltInEntry::of::<context::contradiction::Contradiction>(),
    BuiltInEntry::of::<context::dead_mention::DeadMention>(),
    BuiltInEntry::of::<context::section_missing::SectionMissing>(),
    BuiltInEntry::of::<context::source_missing::SourceMissing>(),
    BuiltInEntry::of::<context::stale::Stale>(),
    BuiltInEntry::of::<context::status::Status>(),
    BuiltInEntry::of::<context::table_missing::TableMissing>(),
    BuiltInEntry::of::<doc::column_missing::ColumnMissing>(),
    BuiltInEntry::of::<doc::copy_paste::CopyPaste>(),
    BuiltInEntry::of::<doc::coverage::Coverage>(),
    BuiltInEntry::of::<doc::definition_drift::DefinitionDrift>(),
    BuiltInEntry::of::<doc::macro_missing::MacroMissing>(),
    BuiltInEntry::of::<doc::missing::Missing>(),
    BuiltInEntry::of::<doc::owner::Owner>(),
    BuiltInEntry::of::<doc::phantom_column::PhantomColumn>(),
    BuiltInEntry::of::<doc::placeholder::Placeholder>(),
    BuiltInEntry::of::<doc::source_missing::SourceMissing>(),
    BuiltInEntry::of::<doc::undocumented_column::UndocumentedColumn>(),
    BuiltInEntry::of::<doc::unit_drift::UnitDrift>(),
    BuiltInEntry::of::<graph::broken_ref::BrokenRef>(),
    BuiltInEntry::of::<graph::chained_views::ChainedViews>(),
    BuiltInEntry::of::<graph::cycle::Cycle>(),
    BuiltInEntry::of::<graph::domain_direction::DomainDirection>(),
    BuiltInEntry::of::<graph::duplicate_source::DuplicateSource>(),
    BuiltInEntry::of::<graph::duplicate_staging::DuplicateStaging>(),
    BuiltInEntry::of::<graph::exposure_on_private::ExposureOnPrivate>(),
    BuiltInEntry::of::<graph::exposure_parent_materialization::ExposureParentMaterialization>(),
    BuiltInEntry::of::<graph::forbidden_edge::ForbiddenEdge>(),
    BuiltInEntry::of::<graph::hardcoded_relation::HardcodedRelation>(),
    BuiltInEntry::of::<graph::layer_direction::LayerDirection>(),
    BuiltInEntry::of::<graph::model_fanout::ModelFanout>(),
    BuiltInEntry::of::<graph::multiple_sources_joined::MultipleSourcesJoined>(),
    BuiltInEntry::of::<graph::orphan::Orphan>(),
    BuiltInEntry::of::<graph::private_access::PrivateAccess>(),
    BuiltInEntry::of::<graph::public_without_contract::PublicWithoutContract>(),
    BuiltInEntry::of::<graph::rejoined_upstream::RejoinedUpstream>(),
    BuiltInEntry::of::<graph::root_model::RootModel>(),
    BuiltInEntry::of::<graph::source_direct_join::SourceDirectJoin>(),
    BuiltInEntry::of::<graph::source_fanout::SourceFanout>(),
    BuiltInEntry::of::<graph::source_outside_staging::SourceOutsideStaging>(),
    BuiltInEntry::of::<graph::staging_on_downstream::StagingOnDownstream>(),
    BuiltInEntry::of::<graph::staging_on_staging::StagingOnStaging>(),
    BuiltInEntry::of::<graph::tenant_boundary::TenantBoundary>(),
    BuiltInEntry::of::<graph::too_many_joins::TooManyJoins>(),
    BuiltInEntry::of::<graph::unclassified::Unclassified>(),
    BuiltInEntry::of::<graph::undeclared_source::UndeclaredSource>(),
    BuiltInEntry::of::<graph::unused_source::UnusedSource>(),
    BuiltInEntry::of::<harness::stale_baseline::StaleBaseline>(),
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
    BuiltInEntry::of::<structure::column_groups::ColumnGroups>(),
    BuiltInEntry::of::<structure::config_missing::ConfigMissing>(),
    BuiltInEntry::of::<structure::cte_column_missing::CteColumnMissing>(),
    BuiltInEntry::of::<structure::cte_missing::CteMissing>(),
    BuiltInEntry::of::<structure::cte_order::CteOrder>(),
    BuiltInEntry::of::<structure::cte_role::CteRole>(),
    BuiltInEntry::of::<structure::final_select::FinalSelect>(),
    BuiltInEntry::of::<structure::final_star::FinalStar>(),
    BuiltInEntry::of::<structure::materialization::Materialization>(),
    BuiltInEntry::of::<structure::model_location::ModelLocation>(),
    BuiltInEntry::of::<structure::model_name::ModelName>(),
    BuiltInEntry::of::<structure::source_location::SourceLocation>(),
    BuiltInEntry::of::<structure::tags::Tags>(),
    BuiltInEntry::of::<structure::test_location::TestLocation>(),
    BuiltInEntry::of::<test::coverage::Coverage>(),
    BuiltInEntry::of::<test::deprecated_syntax::DeprecatedSyntax>(),
    BuiltInEntry::of::<test::edge_cases::EdgeCases>(),
    BuiltInEntry::of::<test::family_missing::FamilyMissing>(),
    BuiltInEntry::of::<test::fk::Fk>(),
    BuiltInEntry::of::<test::freshness::Freshness>(),
    BuiltInEntry::of::<test::gap_undisclosed::GapUndisclosed>(),
    BuiltInEntry::of::<test::loose_threshold::LooseThreshold>(),
    BuiltInEntry::of::<test::never_runs::NeverRuns>(),
    BuiltInEntry::of::<test::no_diagnostics::NoDiagnostics>(),
    BuiltInEntry::of::<test::no_reconciliation::NoReconciliation>(),
    BuiltInEntry::of::<test::pk::Pk>(),
    BuiltInEntry::of::<test::pk_mismatch::PkMismatch>(),
    BuiltInEntry::of::<test::rule_untraced::RuleUntraced>(),
    BuiltInEntry::of::<test::severity_mix::SeverityMix>(),
];

#[rustfmt::skip]
pub(crate) static DECLARED: &[DeclaredEntry] = &[
    DeclaredEntry {
        yaml: include_str!("../../rules/ap/cdc-delete-filter/rule.yaml"),
        doc: include_str!("../../rules/ap/cdc-delete-filter/README.md"),
    },
    DeclaredEntry {
        yaml: include_str!("../../rules/ap/date-trunc-key/rule.yaml"),
        doc: include_str!("../../rules/ap/date-trunc-key/README.md"),
    },
    DeclaredEntry {
        yaml: include_str!("../../rules/ap/full-refresh-in-workflow/rule.yaml"),
        doc: include_str!("../../rules/ap/full-refresh-in-workflow/README.md"),
    },
    DeclaredEntry {
        yaml: include_str!("../../rules/ap/history-without-qualify/rule.yaml"),
        doc: include_str!("../../rules/ap/history-without-qualify/README.md"),
    },
    DeclaredEntry {
        yaml: include_str!("../../rules/ap/incremental-over-view/rule.yaml"),
        doc: include_str!("../../rules/ap/incremental-over-view/README.md"),
    },
    DeclaredEntry {
        yaml: include_str!("../../rules/ap/length-macro-on-rate/rule.yaml"),
        doc: include_str!("../../rules/ap/length-macro-on-rate/README.md"),
    },
    DeclaredEntry {
        yaml: include_str!("../../rules/ap/quoted-alias/rule.yaml"),
        doc: include_str!("../../rules/ap/quoted-alias/README.md"),
    },
    DeclaredEntry {
        yaml: include_str!("../../rules/ap/recency-by-day/rule.yaml"),
        doc: include_str!("../../rules/ap/recency-by-day/README.md"),
    },
    DeclaredEntry {
        yaml: include_str!("../../rules/ap/too-many-cluster-keys/rule.yaml"),
        doc: include_str!("../../rules/ap/too-many-cluster-keys/README.md"),
    },
    DeclaredEntry {
        yaml: include_str!("../../rules/ap/unquoted-cast/rule.yaml"),
        doc: include_str!("../../rules/ap/unquoted-cast/README.md"),
    },
    DeclaredEntry {
        yaml: include_str!("../../rules/sql/dedup/rule.yaml"),
        doc: include_str!("../../rules/sql/dedup/README.md"),
    },
    DeclaredEntry {
        yaml: include_str!("../../rules/sql/soft-delete/rule.yaml"),
        doc: include_str!("../../rules/sql/soft-delete/README.md"),
    },
];
