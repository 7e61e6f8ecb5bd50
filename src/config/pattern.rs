//! Globs over project paths that capture segments: `models/**/staging/{source}/**`.

use regex::Regex;
use std::collections::BTreeMap;

/// A glob over paths relative to the project directory. `*` and `?` stay within a segment, `**`
/// is any number of segments, `{a,b}` is either, `{name}` captures a segment.
#[derive(Debug, Clone)]
pub struct PathPattern {
    text: String,
    regex: Regex,
    names: Vec<String>,
    /// Segments without a wildcard, counted from the start: how deep the literal folder lies.
    literal: usize,
}

/// Why a glob was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternError(pub String);

impl PathPattern {
    /// Compiles a glob.
    pub fn new(glob: &str) -> Result<Self, PatternError> {
        let mut names = Vec::new();
        let regex = translate(glob, &mut names)?;
        let regex = Regex::new(&regex).map_err(|e| PatternError(e.to_string()))?;
        let literal = literal_depth(glob);
        Ok(Self {
            text: glob.to_owned(),
            regex,
            names,
            literal,
        })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Names of its captures, in order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Position of the last literal folder among the pattern's segments: of two patterns that
    /// match, the one with the deeper literal folder is the closer.
    pub fn literal_depth(&self) -> usize {
        self.literal
    }

    /// Does a path match?
    pub fn matches(&self, path: &str) -> bool {
        self.regex.is_match(path)
    }

    /// What a matching path captures.
    pub fn captures(&self, path: &str) -> Option<BTreeMap<String, String>> {
        let found = self.regex.captures(path)?;
        let value = |n: &String| Some((n.clone(), found.name(n)?.as_str().to_owned()));
        Some(self.names.iter().filter_map(value).collect())
    }
}

fn literal_depth(glob: &str) -> usize {
    let segments: Vec<&str> = glob.split('/').collect();
    let literal = |s: &&str| !s.contains(['*', '?', '{', '[']);
    segments.iter().rposition(literal).map_or(0, |i| i + 1)
}

fn translate(glob: &str, names: &mut Vec<String>) -> Result<String, PatternError> {
    if glob.is_empty() {
        return Err(PatternError("is empty".to_owned()));
    }
    if glob.starts_with('/') {
        return Err(PatternError(
            "must be relative to the project directory".to_owned(),
        ));
    }
    let mut out = String::from("^");
    let mut rest = glob.strip_prefix("./").unwrap_or(glob);
    while let Some(c) = rest.chars().next() {
        if let Some(tail) = rest.strip_prefix("**/") {
            out.push_str("(?:.*/)?");
            rest = tail;
            continue;
        }
        if let Some(tail) = rest.strip_prefix("**") {
            out.push_str(".*");
            rest = tail;
            continue;
        }
        match c {
            '*' => out.push_str("[^/]*"),
            '?' => out.push_str("[^/]"),
            '{' => {
                let end = rest
                    .find('}')
                    .ok_or_else(|| PatternError("has a `{` that is never closed".to_owned()))?;
                braces(&rest[1..end], &mut out, names)?;
                rest = &rest[end + 1..];
                continue;
            }
            '}' => return Err(PatternError("has a `}` that was never opened".to_owned())),
            c => out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
        rest = &rest[c.len_utf8()..];
    }
    // A pattern that names a folder means what lies in it.
    out.push_str(if glob.ends_with('/') { ".*$" } else { "$" });
    Ok(out)
}

fn braces(inner: &str, out: &mut String, names: &mut Vec<String>) -> Result<(), PatternError> {
    if inner.contains(',') {
        let either: Vec<String> = inner.split(',').map(|p| regex::escape(p.trim())).collect();
        out.push_str(&format!("(?:{})", either.join("|")));
        return Ok(());
    }
    let is_name = !inner.is_empty()
        && inner.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !inner.starts_with(|c: char| c.is_ascii_digit());
    if !is_name {
        return Err(PatternError(format!(
            "has `{{{inner}}}`, which is neither a name nor a list of alternatives"
        )));
    }
    if names.iter().any(|n| n == inner) {
        return Err(PatternError(format!("captures `{{{inner}}}` twice")));
    }
    names.push(inner.to_owned());
    out.push_str(&format!("(?P<{inner}>[^/]+)"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(glob: &str) -> PathPattern {
        PathPattern::new(glob).unwrap()
    }

    #[test]
    fn segments_globs_and_captures() {
        let p = pattern("models/**/staging/{source}/**");
        let found = p.captures("models/ops/staging/erp/a/stg_x.sql").unwrap();
        assert_eq!(found["source"], "erp");
        assert!(p.captures("models/staging/erp/stg_x.sql").is_some());
        assert!(p.captures("models/staging/stg_x.sql").is_none());
        assert!(p.captures("models/mystaging/erp/x.sql").is_none());
        assert!(pattern("models/{a,b}/*.sql").matches("models/b/x.sql"));
        assert!(!pattern("models/*.sql").matches("models/b/x.sql"));
        assert!(pattern("models/marts/").matches("models/marts/a/b.sql"));
        assert!(pattern("models/a+b/x?.sql").matches("models/a+b/x1.sql"));
    }

    #[test]
    fn the_deeper_literal_folder_is_the_closer() {
        let depth = |g: &str| pattern(g).literal_depth();
        assert!(depth("models/marts/finance/**") > depth("models/marts/**"));
        assert_eq!(depth("**"), 0);
        assert_eq!(depth("models/**/staging/{source}/**"), 3);
    }

    #[test]
    fn bad_globs_are_refused() {
        for bad in ["", "/abs/**", "models/{", "models/}", "{a b}/x", "{s}/{s}"] {
            assert!(PathPattern::new(bad).is_err(), "{bad}");
        }
    }
}
