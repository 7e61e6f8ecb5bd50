//! harness-lint.yml, typed. Every mistake in it is refused with its place, what is allowed, and
//! the nearest name.

mod chain;
mod file;
mod pattern;
mod select;

pub use chain::{ConfigDoc, from_text, load, staging_5cte_rules};
pub use file::{
    BaselineSetting, Boundary, Classifier, ConfigSchema, ContextFile, Exclude, FailOn, LayerFile,
    ManifestSetting, Ordered, Override, TargetFile,
};
pub use pattern::{PathPattern, PatternError};
pub use select::{Matcher, Selected};

use crate::rule::Preset;
use crate::syntax::sql::Dialect;
use crate::syntax::yaml::{At, NodeId};
use crate::text::{Span, Spanned};
use crate::violation::Severity;
use std::collections::BTreeMap;

/// On, off, or on with a severity of the user's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    /// Never reports.
    Off,
    /// Reports with its own severity.
    On,
    /// Reports with this severity.
    Severity(Severity),
}

/// What the configuration says of one rule.
#[derive(Debug, Clone, Default)]
pub struct RuleSetting {
    /// Switched, where it says so.
    pub switch: Option<Switch>,
    /// Options: key, and the value's document and node.
    pub options: Vec<(Spanned<String>, DocNode)>,
    /// Where the rule is named last.
    pub span: Option<Span>,
    /// Where it was switched last.
    pub switched: Option<Span>,
}

/// A node of one of [`Config::docs`].
#[derive(Debug, Clone, Copy)]
pub struct DocNode {
    /// Which document: its [`Span::file`] is the same number.
    pub doc: usize,
    /// Which node.
    pub node: NodeId,
}

/// A layer of the table.
#[derive(Debug, Clone)]
pub struct Layer {
    /// Its key.
    pub name: String,
    /// `role:`, else its key: the name by which rules speak of it.
    pub role: String,
    /// Where its models lie.
    pub paths: Vec<PathPattern>,
    /// Prefixes of its models' names.
    pub prefixes: Vec<String>,
    /// Names of layers whose models it may ref.
    pub refs: Vec<String>,
    /// It may read sources.
    pub sources: bool,
    /// Materializations it allows; empty for any.
    pub materialized: Vec<String>,
    /// Nothing need use its models.
    pub leaf: bool,
    /// Where the configuration names it.
    pub span: Option<Span>,
}

/// A part of the project with other rules.
#[derive(Debug)]
pub struct PartSettings {
    /// Which part.
    pub matcher: Matcher,
    /// Rule ids or `category/*`.
    pub rules: BTreeMap<String, RuleSetting>,
}

impl PartSettings {
    /// What it says of a rule, and under which name. The rule's own name is stronger than that of
    /// its category, which comes before it in the alphabet.
    pub fn setting(&self, id: &str) -> Option<(&str, &RuleSetting)> {
        let hit = self.rules.iter().rfind(|(p, _)| id_matches(p, id));
        hit.map(|(pattern, setting)| (pattern.as_str(), setting))
    }
}

/// A part of the project that some rules leave alone.
#[derive(Debug)]
pub struct Exclusion {
    /// Which part.
    pub matcher: Matcher,
    /// Rule ids or `category/*`; empty for all.
    pub rules: Vec<At<String>>,
    /// Why.
    pub reason: At<String>,
}

impl Exclusion {
    /// Does it speak of a rule?
    pub fn names(&self, id: &str) -> bool {
        self.rules.is_empty() || self.rules.iter().any(|p| id_matches(p, id))
    }
}

/// Where context files are.
#[derive(Debug, Clone)]
pub struct Context {
    /// The directory, relative to the project.
    pub dir: String,
    /// The overview of a source, below it; `{source}` stands for the source.
    pub overview: String,
    /// Headings that every overview must have.
    pub sections: Vec<String>,
    /// The file of a source's table, below it; `{source}`, `{table}` and `*` stand for parts.
    pub tables: Option<String>,
    /// The configuration names the directory; otherwise it is the usual one.
    pub configured: bool,
}

/// The configuration of a run.
#[derive(Debug)]
pub struct Config {
    /// The documents it was read from, weakest first.
    pub docs: Vec<ConfigDoc>,
    /// The main file's path as it was found; none where there is none.
    pub path: Option<String>,
    /// Presets it extends.
    pub presets: Vec<Preset>,
    /// Where it says so.
    pub dialect: Option<Dialect>,
    /// What to do about manifest.json.
    pub manifest: ManifestSetting,
    /// Where the findings that are known stand; a path counts from the project directory.
    pub baseline: BaselineSetting,
    /// The target's name.
    pub target: Option<String>,
    /// Variables laid over dbt_project.yml's.
    pub vars: serde_json::Map<String, serde_json::Value>,
    /// How a model finds its layer.
    pub classify: Vec<Classifier>,
    /// The layer table; none where layers are to be inferred.
    pub layers: Option<Vec<Layer>>,
    /// Paths whose captured values must not depend on one another.
    pub boundaries: Vec<PathPattern>,
    /// Facts per source system.
    pub sources: BTreeMap<String, serde_json::Value>,
    /// Parts that some rules leave alone.
    pub exclude: Vec<Exclusion>,
    /// Parts with other settings; later ones win.
    pub overrides: Vec<PartSettings>,
    /// Settings per rule id.
    pub rules: BTreeMap<String, RuleSetting>,
    /// Where context files are.
    pub context: Context,
    /// Folders of declared rules.
    pub anti_patterns: Vec<At<String>>,
    /// The severity from which a run fails.
    pub fail_on: FailOn,
}

/// Why a configuration was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The file as the user knows it.
    pub path: String,
    /// Its text.
    pub text: String,
    /// Bytes of it that are wrong.
    pub range: Option<std::ops::Range<usize>>,
    /// What is wrong.
    pub message: String,
    /// What is allowed, or the nearest name.
    pub help: Option<String>,
}

impl Config {
    /// The setting of a rule, if the configuration speaks of it.
    pub fn rule(&self, id: &str) -> Option<&RuleSetting> {
        self.rules.get(id)
    }

    /// The text of the documents, for the hash that reports carry.
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = xxhash_rust::xxh3::Xxh3::new();
        for doc in &self.docs {
            hasher.update(doc.text.as_bytes());
            hasher.update(&[0]);
        }
        hasher.digest()
    }
}

/// Does a rule id match `category/name`, `category/*` or `*`?
pub fn id_matches(pattern: &str, id: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some("") => true,
        Some(prefix) => prefix.ends_with('/') && id.starts_with(prefix),
        None => pattern == id,
    }
}
