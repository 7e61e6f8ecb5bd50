//! The shape of harness-lint.yml as serde reads it and as its JSON schema is made from.

use crate::syntax::yaml::{At, OneOrMany};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

/// harness-lint.yml.
#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ConfigSchema {
    /// Presets (minimal, recommended, strict, staging-5cte) and paths of other configurations;
    /// later ones win. Default: recommended.
    pub extends: OneOrMany<At<String>>,
    /// The SQL dialect, by the adapter's name. Default: inferred.
    pub dialect: Option<At<String>>,
    /// auto (target/manifest.json if it is there), off, or a path.
    pub manifest: Option<At<String>>,
    /// The baseline of findings that are known, or off. Default: harness-lint.baseline.json, if it
    /// is there.
    pub baseline: Option<At<String>>,
    /// The dbt target that conditions are judged for.
    pub target: Option<TargetFile>,
    /// Variables laid over dbt_project.yml's.
    pub vars: serde_json::Map<String, serde_json::Value>,
    /// How a model finds its layer: the first of these that matches. Default: path, prefix.
    pub classify: Option<Vec<Classifier>>,
    /// The layers of the project, by name; the first whose path matches holds a model.
    pub layers: Option<Ordered<LayerFile>>,
    /// Path patterns; no edge may join two values of their captures.
    pub boundaries: Vec<Boundary>,
    /// Facts per source system, used by rules.
    pub sources: BTreeMap<String, serde_json::Value>,
    /// Parts of the project that some rules leave alone.
    pub exclude: Vec<Exclude>,
    /// Parts of the project with other severities and options.
    pub overrides: Vec<Override>,
    /// Severity and options per rule.
    pub rules: RulesSection,
    /// Where the knowledge files of source systems are.
    pub context: Option<ContextFile>,
    /// Folders of declared rules.
    pub anti_patterns: Vec<At<String>>,
    /// The severity from which findings fail a run. Default: error.
    pub fail_on: Option<FailOn>,
}

/// `target:`.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetFile {
    /// Its name, as in profiles.yml.
    pub name: String,
}

/// A way to find a model's layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Classifier {
    /// By the layers' paths.
    Path,
    /// By the layers' prefixes.
    Prefix,
}

/// The severity from which findings fail a run.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize, JsonSchema, clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum FailOn {
    /// Errors.
    #[default]
    Error,
    /// Warnings and errors.
    Warn,
    /// Any finding.
    Info,
    /// None.
    Never,
}

/// What to do about manifest.json.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ManifestSetting {
    /// target/manifest.json, if it is there and fits.
    #[default]
    Auto,
    /// Files alone.
    Off,
    /// This one; it must be usable.
    Path(String),
}

impl ManifestSetting {
    /// From `auto`, `off` or a path.
    pub fn from_text(text: &str) -> Self {
        match text {
            "auto" => Self::Auto,
            // YAML 1.1 reads `off` as false.
            "off" | "false" => Self::Off,
            path => Self::Path(path.to_owned()),
        }
    }
}

/// Where the findings that are known stand.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum BaselineSetting {
    /// harness-lint.baseline.json in the project directory, if it is there.
    #[default]
    Auto,
    /// Nowhere: every finding counts.
    Off,
    /// In this file; it must be there.
    Path(String),
}

impl BaselineSetting {
    /// From `off` or a path.
    pub fn from_text(text: &str) -> Self {
        match text {
            // YAML 1.1 reads `off` as false.
            "off" | "false" => Self::Off,
            path => Self::Path(path.to_owned()),
        }
    }
}

/// A layer.
#[derive(Debug, Clone, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LayerFile {
    /// A glob or globs over paths from the project; {name} captures a segment.
    pub path: OneOrMany<At<String>>,
    /// Prefixes of its models' names.
    pub prefixes: Vec<String>,
    /// Layers whose models it may ref.
    pub refs: Vec<At<String>>,
    /// It may read sources.
    pub sources: bool,
    /// Materializations it allows.
    pub materialized: Vec<String>,
    /// Nothing need use its models.
    pub leaf: bool,
    /// The layer that rules mean, where this one has another name: staging, intermediate, marts …
    pub role: Option<String>,
}

/// A boundary between the values of a path's captures.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Boundary {
    /// A glob with a {name}.
    pub path: At<String>,
}

/// A part of the project that some rules leave alone.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exclude {
    /// A glob over paths from the project.
    pub path: Option<At<String>>,
    /// Or a selection of nodes.
    pub select: Option<At<String>>,
    /// Rule ids or category/*; all where there are none.
    #[serde(default)]
    pub rules: Vec<At<String>>,
    /// Why. It is printed with every summary.
    pub reason: At<String>,
}

/// A part of the project with other severities and options.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// A glob over paths from the project.
    pub path: Option<At<String>>,
    /// Or a selection of nodes.
    pub select: Option<At<String>>,
    /// As at the top level; category/* is allowed.
    pub rules: RulesSection,
}

/// Where context files are.
#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ContextFile {
    /// The directory. Default: context/sources.
    pub dir: Option<String>,
    /// The overview of a source, below it. Default: {source}/{source}.md.
    pub overview: Option<At<String>>,
    /// Headings that every overview must have; `a|b` is met by either.
    pub sections: Vec<String>,
    /// One file per source table, below it: `{source}`, `{table}` and `*` stand for parts.
    pub tables: Option<String>,
}

/// Severity and options per rule. Read with the rules' own types, not here.
#[derive(Debug, Default)]
pub struct RulesSection;

impl<'de> Deserialize<'de> for RulesSection {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer)?;
        Ok(RulesSection)
    }
}

impl JsonSchema for RulesSection {
    fn schema_name() -> Cow<'static, str> {
        "Rules".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        // The registry puts every rule's own options here.
        schemars::json_schema!({"type": "object"})
    }
}

/// A mapping whose order matters.
#[derive(Debug, Clone)]
pub struct Ordered<T>(pub Vec<(At<String>, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Ordered<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OrderedVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for OrderedVisitor<T> {
            type Value = Ordered<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut all = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    all.push(entry);
                }
                Ok(Ordered(all))
            }
        }
        deserializer.deserialize_map(OrderedVisitor(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Ordered<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("MapOf_{}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = generator.subschema_for::<T>();
        schemars::json_schema!({"type": "object", "additionalProperties": value})
    }
}
