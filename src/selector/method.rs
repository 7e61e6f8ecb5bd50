//! The methods of dbt's selection, and what their values may be.

use super::SelectorError;
use super::wild::{PathWild, Wild, is_wild};
use crate::text::nearest;
use std::ops::Range;

/// The methods, as they are written.
pub const METHODS: &[&str] = &[
    "access",
    "config",
    "exposure",
    "file",
    "fqn",
    "group",
    "metric",
    "package",
    "path",
    "resource_type",
    "saved_query",
    "selector",
    "semantic_model",
    "source",
    "state",
    "tag",
    "test_name",
    "test_type",
    "unit_test",
    "version",
];

/// What a criterion asks of a node.
#[derive(Debug, Clone, PartialEq)]
pub enum Method {
    /// Its name, or its place in the project, dotted.
    Fqn(NamePattern),
    /// Its file, the file that describes it, or a folder its file lies in.
    Path(PathWild),
    /// Its file's name, with or without the ending.
    File(Wild),
    /// A tag.
    Tag(Wild),
    /// A configured value, by the keys that lead to it.
    Config {
        /// The keys.
        keys: Vec<String>,
        /// What the value must be, or hold.
        value: String,
    },
    /// Its source, for a source table.
    Source {
        /// The package.
        package: Wild,
        /// The source.
        source: Wild,
        /// The table.
        table: Wild,
    },
    /// Its package; None for the project itself.
    Package(Option<Wild>),
    /// Its resource type.
    ResourceType(String),
    /// Its name, for a resource that only YAML defines.
    Named(Named),
    /// Its group.
    Group(String),
    /// Who may ref it, for a model.
    Access(String),
    /// Which generic test it is.
    TestName(Wild),
    /// What kind of test it is.
    TestType(TestType),
    /// Where it stands among the versions of its model.
    Version(VersionKind),
    /// How it compares with another manifest.
    State(State),
    /// A definition in selectors.yml.
    Selector(String),
}

/// `exposure:`, `metric:` and the like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The resource type, which is the method's name.
    pub kind: &'static str,
    /// The package.
    pub package: Wild,
    /// The name.
    pub name: Wild,
}

/// What kind of test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestType {
    /// From a property file.
    Generic,
    /// A file of its own.
    Singular,
    /// On made-up rows.
    Unit,
    /// Generic or singular.
    Data,
}

/// Where a model stands among its versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VersionKind {
    /// The one that a bare `ref` means.
    Latest,
    /// Newer than the latest.
    Prerelease,
    /// Older than the latest.
    Old,
    /// The model has no versions.
    None,
}

/// How a node compares with another manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum State {
    New,
    Old,
    Unmodified,
    Modified,
    Body,
    Configs,
    Relation,
    Descriptions,
    Contract,
    Macros,
}

/// The states, as they are written.
const STATES: &[(&str, State)] = &[
    ("new", State::New),
    ("old", State::Old),
    ("unmodified", State::Unmodified),
    ("modified", State::Modified),
    ("modified.body", State::Body),
    ("modified.configs", State::Configs),
    ("modified.relation", State::Relation),
    ("modified.persisted_descriptions", State::Descriptions),
    ("modified.contract", State::Contract),
    ("modified.macros", State::Macros),
];

const RESOURCE_TYPES: &[&str] = &[
    "model",
    "seed",
    "snapshot",
    "analysis",
    "test",
    "unit_test",
    "source",
    "exposure",
    "metric",
    "semantic_model",
    "saved_query",
    "function",
];

const NAMED: &[&str] = &[
    "exposure",
    "metric",
    "semantic_model",
    "saved_query",
    "unit_test",
];

/// A value with its place in the text.
struct Value<'a> {
    text: &'a str,
    at: Range<usize>,
}

impl Value<'_> {
    fn refuse(&self, message: String, help: Option<String>) -> SelectorError {
        SelectorError {
            range: self.at.clone(),
            message,
            help,
        }
    }

    /// One of a list.
    fn one_of<T: Copy>(&self, what: &str, all: &[(&str, T)]) -> Result<T, SelectorError> {
        if let Some((_, found)) = all.iter().find(|(name, _)| *name == self.text) {
            return Ok(*found);
        }
        let message = format!("`{}` is no {what}", self.text);
        let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
        Err(self.refuse(message, Some(allowed(self.text, &names))))
    }

    /// Names joined by dots, at most `most` of them.
    fn dotted(&self, method: &str, most: usize, form: &str) -> Result<Vec<Wild>, SelectorError> {
        let parts: Vec<Wild> = self.text.split('.').map(Wild::new).collect();
        if parts.len() > most {
            let message = format!("`{method}:` takes at most {most} names with dots between them");
            return Err(self.refuse(message, Some(format!("write {form}"))));
        }
        Ok(parts)
    }
}

/// What to say of a word that is none of these.
fn allowed(word: &str, names: &[&str]) -> String {
    let near = nearest(word, names.iter().copied());
    let near = near.map_or(String::new(), |n| format!("did you mean `{n}`? "));
    format!("{near}allowed are {}", names.join(", "))
}

impl Method {
    /// A method by its name and value, each with its place in the text.
    pub(super) fn new(
        name: &str,
        value: &str,
        name_at: Range<usize>,
        value_at: Range<usize>,
    ) -> Result<Self, SelectorError> {
        let mut keys = name.split('.');
        let method = keys.next().unwrap_or_default();
        let refuse = |message: String, help: Option<String>| SelectorError {
            range: name_at.clone(),
            message,
            help,
        };
        if matches!(method, "result" | "source_status") {
            let message =
                format!("`{method}:` is about a run of dbt, which a static check has not");
            return Err(refuse(message, None));
        }
        if !METHODS.contains(&method) {
            let message = format!("there is no method `{method}`");
            return Err(refuse(message, Some(allowed(method, METHODS))));
        }
        let keys: Vec<String> = keys.map(str::to_owned).collect();
        if method == "config" {
            if keys.is_empty() || keys.iter().any(String::is_empty) {
                let help = "write config.materialized:table, or config.meta.owner:somebody";
                let message = "`config` needs a key behind a dot".to_owned();
                return Err(refuse(message, Some(help.to_owned())));
            }
        } else if !keys.is_empty() {
            let message = format!("`{method}` has no parts: `{name}`");
            return Err(refuse(message, Some(format!("write {method}:{value}"))));
        }
        let value = Value {
            text: value,
            at: value_at,
        };
        if value.text.is_empty() {
            let whole = Value {
                text: value.text,
                at: name_at.start..value.at.end,
            };
            return Err(whole.refuse(format!("`{method}:` needs a value"), None));
        }
        Self::with_value(method, keys, &value)
    }

    fn with_value(method: &str, keys: Vec<String>, value: &Value) -> Result<Self, SelectorError> {
        let text = value.text;
        let any = || Wild::new("*");
        Ok(match method {
            "fqn" => Method::Fqn(NamePattern::new(text)),
            "path" => Self::path(value)?,
            "file" => Method::File(Wild::new(text)),
            "tag" => Method::Tag(Wild::new(text)),
            "config" => Method::Config {
                keys,
                value: text.to_owned(),
            },
            "source" => {
                let form = "source:name, source:name.table or source:package.name.table";
                let mut parts = value.dotted(method, 3, form)?.into_iter();
                let package = (parts.len() == 3).then(|| parts.next()).flatten();
                let source = parts.next();
                Method::Source {
                    package: package.unwrap_or_else(any),
                    source: source.unwrap_or_else(any),
                    table: parts.next().unwrap_or_else(any),
                }
            }
            "package" => Method::Package((text != "this").then(|| Wild::new(text))),
            "resource_type" => {
                let all: Vec<(&str, &str)> = RESOURCE_TYPES.iter().map(|t| (*t, *t)).collect();
                Method::ResourceType(value.one_of("resource type", &all)?.to_owned())
            }
            "group" => Method::Group(text.to_owned()),
            "access" => {
                let all = ["private", "protected", "public"].map(|a| (a, a));
                Method::Access(value.one_of("access", &all)?.to_owned())
            }
            "test_name" => Method::TestName(Wild::new(text)),
            "test_type" => Method::TestType(value.one_of(
                "type of test",
                &[
                    ("generic", TestType::Generic),
                    ("singular", TestType::Singular),
                    ("unit", TestType::Unit),
                    ("data", TestType::Data),
                ],
            )?),
            "version" => Method::Version(value.one_of(
                "kind of version",
                &[
                    ("latest", VersionKind::Latest),
                    ("prerelease", VersionKind::Prerelease),
                    ("old", VersionKind::Old),
                    ("none", VersionKind::None),
                ],
            )?),
            "state" => Method::State(value.one_of("state", STATES)?),
            "selector" => Method::Selector(text.to_owned()),
            other => {
                let kind = NAMED.iter().find(|n| **n == other).copied();
                let form = format!("{other}:name or {other}:package.name");
                let mut parts = value.dotted(method, 2, &form)?.into_iter();
                let package = (parts.len() == 2).then(|| parts.next()).flatten();
                Method::Named(Named {
                    kind: kind.unwrap_or_default(),
                    package: package.unwrap_or_else(any),
                    name: parts.next().unwrap_or_else(any),
                })
            }
        })
    }

    /// What dbt makes of a value without a method.
    pub(super) fn bare(text: &str, at: Range<usize>) -> Result<Self, SelectorError> {
        let value = Value { text, at };
        let lower = text.to_lowercase();
        if text.contains('/') {
            return Self::path(&value);
        }
        Ok(
            match [".sql", ".py", ".csv"].iter().any(|e| lower.ends_with(e)) {
                true => Method::File(Wild::new(text)),
                false => Method::Fqn(NamePattern::new(text)),
            },
        )
    }

    fn path(value: &Value) -> Result<Self, SelectorError> {
        if value.text.starts_with('/') || value.text.split('/').any(|s| s == "..") {
            let message = format!("`{}` is no path within the project", value.text);
            let help = "paths count from the project directory: path:models/staging".to_owned();
            return Err(value.refuse(message, Some(help)));
        }
        Ok(Method::Path(PathWild::new(value.text)))
    }
}

/// A node's name, or a dotted prefix of its fqn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamePattern {
    text: String,
    /// The segments before the first that has a wildcard.
    plain: Vec<String>,
    /// The rest, over all that follows, dots included.
    rest: Option<Wild>,
}

impl NamePattern {
    /// Reads a name; every text is one.
    pub fn new(text: &str) -> Self {
        let segments: Vec<&str> = text.split('.').collect();
        let wild = segments.iter().position(|s| is_wild(s));
        let plain = &segments[..wild.unwrap_or(segments.len())];
        Self {
            text: text.to_owned(),
            plain: plain.iter().map(|s| (*s).to_owned()).collect(),
            rest: wild.map(|i| Wild::new(&segments[i..].join("."))),
        }
    }

    /// Does it select a node of this fqn, with or without the package in front? The last segment
    /// of a versioned model's is its version.
    pub fn matches(&self, fqn: &[String], versioned: bool) -> bool {
        self.selects(fqn, versioned)
            || fqn
                .split_first()
                .is_some_and(|(_, rest)| self.selects(rest, versioned))
    }

    fn selects(&self, fqn: &[String], versioned: bool) -> bool {
        let last = match (versioned, fqn) {
            (_, []) => return false,
            (true, [.., name, version]) => {
                // `name.v2` and `name_v2`, whatever stands before them.
                let wanted: Vec<&str> = self.text.split('.').collect();
                let wanted = wanted[wanted.len().saturating_sub(2)..].join("_");
                if wanted == format!("{name}_{version}") {
                    return true;
                }
                name
            }
            (_, [.., last]) => last,
        };
        if *last == self.text {
            return true;
        }
        // A dot in a name separates as one between names does.
        let flat: Vec<&str> = fqn.iter().flat_map(|s| s.split('.')).collect();
        let segments = self.text.split('.').count();
        if flat.len() < segments || !self.plain.iter().zip(&flat).all(|(a, b)| a == b) {
            return false;
        }
        match &self.rest {
            Some(wild) => wild.matches(&flat[self.plain.len()..].join(".")),
            None => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(pattern: &str, fqn: &str, versioned: bool) -> bool {
        let fqn: Vec<String> = fqn.split('/').map(str::to_owned).collect();
        NamePattern::new(pattern).matches(&fqn, versioned)
    }

    #[test]
    fn names_prefixes_and_wildcards() {
        let fqn = "shop/marts/core/fct_a";
        for yes in [
            "fct_a",
            "marts",
            "marts.core",
            "shop",
            "shop.marts",
            "shop.marts.core.fct_a",
            "*",
            "*fct_*",
            "marts.*",
            "shop.*.fct_?",
            "ma*",
            "marts.core.fct_[ab]",
        ] {
            assert!(hits(yes, fqn, false), "{yes}");
        }
        // A wildcard spans the whole fqn, not the name alone.
        for no in [
            "fct",
            "core",
            "fct_*",
            "core.fct_a",
            "shop.core",
            "FCT_A",
            "shop.marts.core.fct_a.x",
        ] {
            assert!(!hits(no, fqn, false), "{no}");
        }
        assert!(hits("a.b", "shop/a.b", false));
        assert!(hits("shop.a", "shop/a.b", false));
    }

    #[test]
    fn versions_have_three_names() {
        let fqn = "shop/marts/dim/v2";
        for yes in [
            "dim",
            "dim.v2",
            "dim_v2",
            "marts.dim.v2",
            "marts.dim",
            "x.dim.v2",
        ] {
            assert!(hits(yes, fqn, true), "{yes}");
        }
        for no in ["v2", "dim.v1", "dim_v1", "marts.dim.v1"] {
            assert!(!hits(no, fqn, true), "{no}");
        }
    }

    fn method(name: &str, value: &str) -> Result<Method, SelectorError> {
        let value_at = name.len() + 1;
        Method::new(name, value, 0..name.len(), value_at..value_at + value.len())
    }

    #[test]
    fn values_are_checked() {
        let help = |name: &str, value: &str| method(name, value).unwrap_err().help.unwrap();
        assert!(help("resource_type", "modle").starts_with("did you mean `model`?"));
        assert!(help("state", "modified.bdy").starts_with("did you mean `modified.body`?"));
        assert!(help("source", "a.b.c.d").starts_with("write source:name"));
        assert!(help("config", "x").starts_with("write config."));
        assert!(help("tag.x", "y").starts_with("write tag:y"));
        assert!(help("path", "/etc").starts_with("paths count from"));
        assert!(help("path", "models/../..").starts_with("paths count from"));
        assert!(
            method("result", "error")
                .unwrap_err()
                .message
                .contains("a run of dbt")
        );
        assert!(method("exposure", "a.b.c").is_err());
        assert!(METHODS.is_sorted());
    }

    #[test]
    fn a_bare_value_is_a_path_a_file_or_a_name() {
        let bare = |text: &str| Method::bare(text, 0..text.len()).unwrap();
        assert!(matches!(bare("models/a"), Method::Path(_)));
        assert!(matches!(bare("a.SQL"), Method::File(_)));
        assert!(matches!(bare("a.b"), Method::Fqn(_)));
    }
}
