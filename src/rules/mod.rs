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
    pub(super) mod inner_after_left;
    pub(super) mod star_output;
}
mod structure {
    pub(super) mod config_missing;
    pub(super) mod cte_missing;
    pub(super) mod cte_order;
    pub(super) mod materialization;
    pub(super) mod tags;
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
    BuiltInEntry::of::<sql::inner_after_left::InnerAfterLeft>(),
    BuiltInEntry::of::<sql::star_output::StarOutput>(),
    BuiltInEntry::of::<structure::config_missing::ConfigMissing>(),
    BuiltInEntry::of::<structure::cte_missing::CteMissing>(),
    BuiltInEntry::of::<structure::cte_order::CteOrder>(),
    BuiltInEntry::of::<structure::materialization::Materialization>(),
    BuiltInEntry::of::<structure::tags::Tags>(),
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
        yaml: include_str!("../../rules/ap/date-trunc-key/rule.yaml"),
        doc: include_str!("../../rules/ap/date-trunc-key/README.md"),
    },
];
