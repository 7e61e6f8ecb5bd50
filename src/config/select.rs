//! Which part of a project a setting is for: a path, or dbt's selection of nodes.
//!
//! Here a selection is a name, `path:`, `tag:`, `config.x:y`, `source:`, `package:` or
//! `resource_type:`, with `*` in values; blanks unite and commas intersect. Graph operators belong
//! to `--select`.

use super::PathPattern;
use globset::{Glob, GlobMatcher};

/// The facts of a node that a selection asks about.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Path relative to the project.
    pub path: &'a str,
    /// The node's name; empty for a file that is no node.
    pub name: &'a str,
    /// dbt's fqn joined by dots.
    pub fqn: &'a str,
    /// Its package.
    pub package: &'a str,
    /// `model`, `source` …
    pub resource_type: &'a str,
    /// Its tags.
    pub tags: &'a [String],
    /// `source_name.table` for a source.
    pub source: &'a str,
}

/// A compiled path or selection.
#[derive(Debug)]
pub enum Matcher {
    /// Files whose path matches.
    Path(PathPattern),
    /// Any of these; all parts of one must hold.
    Select(Vec<Vec<Term>>),
}

/// One method of a selection.
#[derive(Debug)]
pub struct Term {
    method: Method,
    value: GlobMatcher,
    raw: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Name,
    Path,
    Tag,
    Source,
    Package,
    ResourceType,
}

impl Matcher {
    /// A selection from its text.
    ///
    /// # Errors
    /// A sentence, for a method or an operator that is not known here.
    pub fn select(text: &str) -> Result<Self, String> {
        let union: Result<Vec<Vec<Term>>, String> = text
            .split_whitespace()
            .map(|part| part.split(',').map(term).collect())
            .collect();
        let union = union?;
        if union.is_empty() {
            return Err("selects nothing".to_owned());
        }
        Ok(Matcher::Select(union))
    }

    /// Does it select this?
    pub fn matches(&self, subject: &Subject) -> bool {
        match self {
            Matcher::Path(pattern) => pattern.matches(subject.path),
            Matcher::Select(union) => union
                .iter()
                .any(|terms| terms.iter().all(|t| t.matches(subject))),
        }
    }
}

fn term(text: &str) -> Result<Term, String> {
    if text.contains(['+', '@']) {
        return Err(format!("`{text}`: graph operators work in --select only"));
    }
    let (method, value) = match text.split_once(':') {
        None if text.contains('/') => (Method::Path, text),
        None => (Method::Name, text),
        Some(("path", v)) => (Method::Path, v),
        Some(("tag", v)) => (Method::Tag, v),
        Some(("source", v)) => (Method::Source, v),
        Some(("package", v)) => (Method::Package, v),
        Some(("resource_type", v)) => (Method::ResourceType, v),
        Some(("fqn", v)) => (Method::Name, v),
        Some((method, _)) => {
            return Err(format!(
                "`{method}:` is not known; allowed are path:, tag:, source:, package:, \
                 resource_type: and fqn:"
            ));
        }
    };
    let glob = Glob::new(value).map_err(|e| format!("`{value}`: {}", e.kind()))?;
    Ok(Term {
        method,
        value: glob.compile_matcher(),
        raw: value.to_owned(),
    })
}

impl Term {
    fn matches(&self, s: &Subject) -> bool {
        let is = |text: &str| !text.is_empty() && self.value.is_match(text);
        match self.method {
            Method::Name => is(s.name) || is(s.fqn) || self.is_fqn_prefix(s.fqn),
            Method::Path => {
                let folder = self.raw.trim_end_matches('/');
                is(s.path)
                    || s.path
                        .strip_prefix(folder)
                        .is_some_and(|rest| rest.starts_with('/'))
            }
            Method::Tag => s.tags.iter().any(|t| is(t)),
            Method::Source => {
                let source = s.source.split('.').next().unwrap_or("");
                is(s.source) || is(source)
            }
            Method::Package => is(s.package),
            Method::ResourceType => is(s.resource_type),
        }
    }

    /// `a.b` selects everything in that folder of the fqn, with or without the package before it.
    fn is_fqn_prefix(&self, fqn: &str) -> bool {
        let starts = |text: &str| {
            text.strip_prefix(&*self.raw)
                .is_some_and(|rest| rest.starts_with('.'))
        };
        starts(fqn) || fqn.split_once('.').is_some_and(|(_, rest)| starts(rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_unions_and_intersections() {
        let tags = ["old".to_owned()];
        let subject = Subject {
            path: "models/marts/fct_a.sql",
            name: "fct_a",
            fqn: "shop.marts.fct_a",
            package: "shop",
            resource_type: "model",
            tags: &tags,
            source: "",
        };
        let hits = |text: &str| Matcher::select(text).unwrap().matches(&subject);
        for yes in [
            "fct_a",
            "fct_*",
            "path:models/marts",
            "models/marts",
            "tag:old",
            "x tag:old",
            "tag:old,fct_a",
            "marts",
            "shop.marts",
            "resource_type:model",
            "models/**/fct_a.sql",
        ] {
            assert!(hits(yes), "{yes}");
        }
        for no in [
            "fct",
            "path:models/mart",
            "tag:new",
            "tag:old,fct_b",
            "source:a",
        ] {
            assert!(!hits(no), "{no}");
        }
        assert!(Matcher::select("owner:me").is_err());
        assert!(Matcher::select("+fct_a").is_err());
        assert!(Matcher::select(" ").is_err());
    }
}
