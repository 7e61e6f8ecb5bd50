//! Calls of macros as prose writes them: `cents_to_dollars()`, `{{ dbt_utils.star(…) }}`.

use rustc_hash::FxHashSet;
use std::sync::LazyLock;

/// A call that a text names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MentionedCall<'a> {
    /// The package before the dot.
    pub package: Option<&'a str>,
    /// The macro.
    pub name: &'a str,
    /// It stands in braces, so that it can be nothing but Jinja.
    pub in_braces: bool,
}

impl<'a> MentionedCall<'a> {
    /// Of a text that is one call and nothing else. What its arguments are does not matter.
    pub fn of(text: &'a str) -> Option<Self> {
        let inner = text.strip_prefix("{{").and_then(|t| t.strip_suffix("}}"));
        let call = inner.unwrap_or(text);
        let call = call.trim_matches('-').trim();
        let (path, rest) = call.split_once('(')?;
        // `a() + b()` is two of them.
        if !rest.ends_with(')') || rest[..rest.len() - 1].contains(")(") {
            return None;
        }
        let (package, name) = match path.split_once('.') {
            Some((package, name)) => (Some(package), name),
            None => (None, path),
        };
        let is_name = |n: &str| {
            let first = n.bytes().next();
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
            first.is_some_and(|b| !b.is_ascii_digit()) && n.bytes().all(plain)
        };
        (is_name(name) && package.is_none_or(is_name)).then_some(Self {
            package,
            name,
            in_braces: inner.is_some(),
        })
    }
}

static KNOWN: LazyLock<FxHashSet<&str>> = LazyLock::new(|| {
    let lines = include_str!("known.txt").lines();
    let names = lines.filter(|l| !l.starts_with('#'));
    names.flat_map(str::split_whitespace).collect()
});

/// Does dbt or an adapter define it? Implementations (`snowflake__create_table_as`) are known by
/// what they implement, tests by their name.
pub fn is_built_in(name: &str) -> bool {
    let base = name.split_once("__").map_or(name, |(_, base)| base);
    let base = base.strip_prefix("test_").unwrap_or(base);
    KNOWN.contains(name) || KNOWN.contains(base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_as_prose_writes_them() {
        let read = |text| MentionedCall::of(text).map(|c| (c.package, c.name, c.in_braces));
        assert_eq!(read("to_usd()"), Some((None, "to_usd", false)));
        assert_eq!(read("{{ to_usd('x', 2) }}"), Some((None, "to_usd", true)));
        assert_eq!(read("{{- a.b(…) -}}"), Some((Some("a"), "b", true)));
        for none in [
            "to_usd", "a.b.c()", "ToUsd()", "2x()", "a() b", "x = a()", "{{ a }}",
        ] {
            assert_eq!(read(none), None, "{none}");
        }
    }

    #[test]
    fn what_dbt_and_its_adapters_define() {
        for name in [
            "run_query",
            "generate_schema_name",
            "default__generate_alias_name",
            "snowflake__create_table_as",
            "test_unique",
            "date_trunc",
        ] {
            assert!(is_built_in(name), "{name}");
        }
        assert!(!is_built_in("to_usd"));
    }
}
