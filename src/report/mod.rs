//! What a run found, as it is printed. [`Report`] is the whole of the JSON report and what the text
//! report and all [`formats`] are made from, so that none can disagree; its schema is made from the same types.
//!
//! A report has no clock, no absolute path and no order of its own: the same input gives the same
//! bytes.

mod build;
mod command;
mod facts;
mod fixes;
pub mod formats;
pub mod graph;
mod json;
mod schema;
mod settings;
mod statistics;
#[cfg(test)]
mod tests;
mod text;

pub use build::{Aside, build, nothing};
pub use command::Recheck;
pub use fixes::{FixedReport, FixesReport, UnfixedReport, WrittenReport, add_fixes, fixed_count};
pub use json::to_json;
pub use schema::{
    config as config_schema, graph as graph_schema, report as report_schema, written as schema_of,
};
pub use settings::{Settings, settings};
pub use statistics::RuleCount;
pub use text::text;

use crate::violation::{Applicability, Confidence, Severity};
use schemars::JsonSchema;
use serde::Serialize;

/// The version of every JSON format here. It rises when a field changes its meaning or goes.
pub const SCHEMA_VERSION: u32 = 1;

/// What `harness-lint check --format json` prints. A field that is absent was not computed.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Report {
    /// The version of this format.
    pub schema_version: u32,
    /// The version of harness-lint.
    pub tool_version: String,
    /// Where several projects were checked: the directory of this one, as it was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_dir: Option<String>,
    /// Changes when another set of rules, severities or options was used; 16 hex digits.
    pub ruleset_hash: String,
    /// Changes when the text of the configuration does; 16 hex digits.
    pub config_hash: String,
    /// The commit that is checked out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head_sha: Option<String>,
    /// Files of the work tree differ from that commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dirty: Option<bool>,
    /// What changed, where only that was asked about (`--changed`, `--staged`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed: Option<ChangedReport>,
    /// What was read beside the project's own files.
    pub inputs: Inputs,
    /// What was counted.
    pub summary: Summary,
    /// By path, place and rule.
    pub findings: Vec<FindingReport>,
    /// What was mended; with `--fix`. Then findings, summary and exit code are of the state
    /// afterwards.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub fixes: Option<FixesReport>,
    /// The findings by rule, the most first; with `--statistics`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statistics: Option<Vec<RuleCount>>,
    /// What was not looked at or not understood.
    pub skipped: Vec<Skipped>,
}

/// What was read beside the project's own files.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct Inputs {
    /// dbt's manifest.json.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<ManifestInput>,
    /// The findings that are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<BaselineInput>,
}

/// The findings that are known.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct BaselineInput {
    /// Relative to the project directory.
    pub path: String,
    /// How many it lists.
    pub entries: usize,
}

/// dbt's manifest.json.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ManifestInput {
    /// Relative to the project directory.
    pub path: String,
    /// Its schema: 12 for v12.
    pub schema_version: u32,
    /// The dbt that wrote it.
    pub dbt_version: String,
    /// The adapter it was written for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adapter_type: Option<String>,
    /// Nodes whose file has changed since; there the file is believed.
    pub stale: usize,
    /// Nodes for which it is believed.
    pub fresh: usize,
    /// Nodes of packages that are not installed, which it alone knows.
    pub absent: usize,
}

/// What changed, and how much of the project was judged for it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ChangedReport {
    /// What was compared with: a branch, tag or commit as it was asked for or found; `HEAD` for
    /// the index.
    pub base: String,
    /// Files of the project that differ.
    pub files: usize,
    /// Nodes of the project, tests aside, on which every finding is reported. Elsewhere only those
    /// are that the base did not have.
    pub nodes: usize,
}

/// What was counted.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct Summary {
    /// Model files of the project itself, disabled and Python ones included.
    pub models: usize,
    /// Of those, not disabled.
    pub models_enabled: usize,
    /// SQL models whose whole file gave a syntax tree, and Python models.
    pub parsed: usize,
    /// Models whose body is no query, such as a semantic view.
    pub not_queries: usize,
    /// The share of SQL bytes outside Jinja that reached the parser unchanged, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sql_coverage: Option<f64>,
    /// The SQL dialect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dialect: Option<String>,
    /// How the dialect was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dialect_from: Option<String>,
    /// Rules that ran.
    pub rules: usize,
    /// Findings of severity error that no baseline holds; so for the next two.
    pub errors: usize,
    /// Findings of severity warn.
    pub warnings: usize,
    /// Findings of severity info.
    pub infos: usize,
    /// Findings that comments suppress.
    pub suppressed: usize,
    /// Findings that a baseline holds.
    pub baselined: usize,
    /// Findings that exclusions of the configuration keep back.
    pub excluded: Vec<ExcludedReport>,
}

/// Findings that an exclusion of the configuration keeps back.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ExcludedReport {
    /// The reason it gives.
    pub reason: String,
    /// How many.
    pub count: usize,
}

/// A finding.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct FindingReport {
    /// Stays the same while the defect stays; 16 hex digits.
    pub fingerprint: String,
    /// The rule's id.
    pub rule: String,
    /// The part of the id before the slash: the input the rule needs.
    pub category: String,
    /// How bad.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// Relative to the project directory, with `/`; `../` for files outside it.
    pub path: String,
    /// Where in the file; 1:1 to 1:1 where the whole file is meant.
    pub range: Range,
    /// The node it is about; null where it is about none.
    pub node: Option<NodeReport>,
    /// What is wrong and why it matters, on one line.
    pub message: String,
    /// Other places that explain it.
    pub related: Vec<RelatedReport>,
    /// What to do.
    pub help: String,
    /// How to mend it; null where no fix is offered.
    pub fix: Option<FixReport>,
    /// The command that checks again.
    pub verify: String,
    /// The command that explains the rule.
    pub docs: String,
    /// A baseline holds it: it is known, and does not count.
    pub baselined: bool,
}

/// A place in a file. Lines and columns count from 1, columns in Unicode scalar values; the end is
/// exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Range {
    /// First line.
    pub line: u32,
    /// Column in it.
    pub col: u32,
    /// Last line.
    pub end_line: u32,
    /// Column behind the last character.
    pub end_col: u32,
}

/// A node of the project.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct NodeReport {
    /// As dbt makes it.
    pub unique_id: String,
    /// model, source, seed …
    pub resource_type: String,
    /// What a person types: the name, `name.v2` for a version, `source.table` for a source table.
    pub name: String,
    /// Its package.
    pub package: String,
    /// Its layer; null where it is in none.
    pub layer: Option<String>,
}

/// Another place that explains a finding.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RelatedReport {
    /// As the finding's path.
    pub path: String,
    /// Where.
    pub range: Range,
    /// What is to be seen there.
    pub message: String,
}

/// How to mend a finding: all edits or none.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct FixReport {
    /// Who may apply it: safe (anyone), suggested (who has looked at it), manual (an instruction).
    pub applicability: Applicability,
    /// What it does.
    pub title: String,
    /// The edits; they do not overlap.
    pub edits: Vec<EditReport>,
}

/// A replacement of bytes in one file.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct EditReport {
    /// As the finding's path.
    pub path: String,
    /// Of the file's bytes on disk; do not apply the edit to others.
    pub sha256: String,
    /// First byte, from 0.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// What stands there afterwards.
    pub text: String,
    /// The same place in lines and columns, for formats whose readers want those.
    #[serde(skip)]
    pub range: Range,
}

/// Something that was not looked at or not understood.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Skipped {
    /// What kind of thing: sql, jinja, manifest, package, link …
    pub what: String,
    /// As a finding's path.
    pub path: String,
    /// Why.
    pub why: String,
    /// 1-based line; null where none is known.
    pub line: Option<u32>,
}
