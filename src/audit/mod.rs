//! The weekly view of what a check finds: how healthy the repository is, and what to do first.
//!
//! It judges nothing itself. Pairs of rules and subjects (`subjects`) make the score, findings make
//! the backlog (`items`); everything else here is a view of the two.

mod area;
pub mod batches;
mod codeowners;
pub mod history;
pub mod html;
pub mod issues;
pub mod items;
mod markdown;
mod metrics;
mod recency;
mod score;
pub mod since;
pub mod subjects;
mod text;

pub use area::OwnedBy;
pub use items::Item;
pub use markdown::markdown;
pub use metrics::{Metrics, Share};
pub use score::{Health, Named, Score};
pub use text::text;

use crate::config::ConfigError;
use crate::report::{Recheck, Report};
use crate::run::Outcome;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The version of the audit's JSON. It rises when a field changes its meaning or goes.
pub const SCHEMA_VERSION: u32 = 1;

/// What `harness-lint audit --format json` prints. A field that is absent was not asked for, or is
/// not known.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct AuditReport {
    /// The version of this format.
    pub schema_version: u32,
    /// The version of harness-lint.
    pub tool_version: String,
    /// As in the report of a check: scores of another set of rules cannot be compared.
    pub ruleset_hash: String,
    /// As in the report of a check.
    pub config_hash: String,
    /// The commit that is checked out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head_sha: Option<String>,
    /// The day of the newest commit that touched the project, as `2024-01-31`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest_commit: Option<String>,
    /// Files of the work tree differ from the commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dirty: Option<bool>,
    /// The project's name.
    pub project: String,
    /// How many models are judged.
    pub models: usize,
    /// Layers were inferred from folder names.
    pub layers_inferred: bool,
    /// How healthy it is.
    pub health: Health,
    /// Numbers to follow.
    pub metrics: Metrics,
    /// Findings, open and held back.
    pub findings: Findings,
    /// Work orders, with `--batches`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batches: Option<Vec<batches::Batch>>,
    /// What came and what went, with `--since`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<since::Since>,
    /// What to do, the most pressing first.
    pub items: Vec<Item>,
}

/// How many findings there are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Findings {
    /// Open ones of severity error.
    pub errors: usize,
    /// Open ones of severity warn.
    pub warnings: usize,
    /// Open ones of severity info.
    pub infos: usize,
    /// Held by a baseline.
    pub baselined: usize,
    /// Suppressed by comments.
    pub suppressed: usize,
    /// Kept back by exclusions of the configuration.
    pub excluded: usize,
}

/// The audit of a run, and of what was printed of it; with work orders, where it is told how to check
/// again.
///
/// # Errors
/// An option of a rule that only the metrics ask is refused.
pub fn build(
    outcome: &Outcome,
    report: &Report,
    batches: Option<&Recheck>,
) -> Result<AuditReport, ConfigError> {
    let prepared = &outcome.prepared;
    let (project, rules) = (&prepared.project, &prepared.rules);
    let facets = area::Facets::new(project);
    let recency = recency::Recency::read(&project.place);
    let pairs = subjects::pairs(project, rules, &outcome.checked);
    let open = open(outcome, report);
    let summary = &report.summary;
    Ok(AuditReport {
        schema_version: SCHEMA_VERSION,
        tool_version: report.tool_version.clone(),
        ruleset_hash: report.ruleset_hash.clone(),
        config_hash: report.config_hash.clone(),
        head_sha: report.head_sha.clone(),
        newest_commit: recency.newest.clone(),
        dirty: report.dirty,
        project: project.name.clone(),
        models: project.models().count(),
        layers_inferred: project.layers.inferred,
        health: score::health(project, rules, &pairs, &facets),
        metrics: metrics::metrics(project, rules, &prepared.own, &pairs)?,
        findings: Findings {
            errors: summary.errors,
            warnings: summary.warnings,
            infos: summary.infos,
            baselined: summary.baselined,
            suppressed: summary.suppressed,
            excluded: summary.excluded.iter().map(|e| e.count).sum(),
        },
        batches: batches.map(|recheck| {
            let orders = batches::Orders {
                project,
                rules,
                pairs: &pairs,
                facets: &facets,
                recheck,
            };
            orders.batches(&open)
        }),
        since: None,
        items: items::items(project, &open, &facets, &recency),
    })
}

/// The findings of a run that no baseline holds, with what is printed of them.
pub fn open<'a>(outcome: &'a Outcome, report: &'a Report) -> Vec<items::Told<'a>> {
    let findings = outcome.checked.findings.iter().zip(&report.findings);
    findings.filter(|(f, _)| !f.baselined).collect()
}

/// The JSON schema of the plan for issues.
pub fn plan_schema() -> serde_json::Value {
    crate::report::schema_of::<issues::Plan>()
}

/// The JSON schema of the audit.
pub fn schema() -> serde_json::Value {
    crate::report::schema_of::<AuditReport>()
}
