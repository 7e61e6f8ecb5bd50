//! What an older text said that the newer may not: names that are gone, relations that were read.

use super::part;
use crate::project::{Node, ResourceType};
use crate::syntax::jinja::{TokenKind, lex};
use crate::syntax::yaml;
use crate::text::FileId;
use regex::Regex;
use rustc_hash::FxHashSet;
use std::sync::LazyLock;

/// Of the older texts of changed files.
#[derive(Debug, Default)]
pub(super) struct Lost {
    /// Names of what is not defined or described as it was.
    pub(super) names: FxHashSet<String>,
    /// Names that may be those of sources and tables which a changed file describes.
    pub(super) described: FxHashSet<String>,
    /// A property file could not be read to its end.
    pub(super) unread: bool,
    /// Names that were given to `ref`.
    refs: FxHashSet<String>,
    /// Sources and tables that were given to `source`.
    sources: FxHashSet<(String, String)>,
}

/// `ref('a')`, `ref('p', 'a')`, `source('s', 't')`, in SQL, Python and YAML.
static CALL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"\b(ref|source)\s*\(\s*['"]([^'"\n]*)['"](?:\s*,\s*['"]([^'"\n]*)['"])?"#).ok()
});

impl Lost {
    /// Takes in the relations that a text names.
    pub(super) fn named_in(&mut self, text: &str) {
        for call in CALL.iter().flat_map(|c| c.captures_iter(text)) {
            let word = |i: usize| call.get(i).map(|m| m.as_str().to_owned());
            match (&call[1], word(2), word(3)) {
                ("source", Some(source), Some(table)) => {
                    self.sources.insert((source, table));
                }
                (_, first, second) => self.refs.extend(second.or(first)),
            }
        }
    }

    /// Takes in a property file that is gone.
    pub(super) fn file_of_entries(&mut self, text: &str) {
        let tree = yaml::parse(FileId(0), text);
        self.unread |= !tree.is_complete();
        for entry in part::entries(&tree) {
            self.names
                .extend(entry.names.into_iter().map(str::to_owned));
        }
        self.named_in(text);
    }

    /// Was a node read by a changed file, as it was?
    pub(super) fn was_read(&self, node: &Node) -> bool {
        match (node.resource_type, &node.source_name) {
            (ResourceType::Source, Some(source)) => {
                let key = (source.clone(), node.name.clone());
                self.sources.contains(&key)
            }
            _ => node.resource_type.is_refable() && self.refs.contains(&node.name),
        }
    }
}

/// A macro, generic test or snapshot as it is written, white space at its ends aside.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// What it is called by; a test by `test_` and its name.
    pub(super) name: String,
    text: String,
}

/// Those of a file. What stands outside them means nothing to dbt.
pub(super) fn blocks(text: &str) -> Vec<Block> {
    let mut out = Vec::new();
    let mut open: Option<(String, usize)> = None;
    for token in lex(text)
        .0
        .iter()
        .filter(|t| t.kind == TokenKind::Statement)
    {
        let inner = text.get(token.inner_range()).unwrap_or_default();
        let mut words = inner.split(|c: char| c.is_whitespace() || c == '(' || c == ',');
        let mut words = words.by_ref().filter(|w| !w.is_empty());
        let (Some(kind), name) = (words.next(), words.next().unwrap_or_default()) else {
            continue;
        };
        match kind {
            "macro" | "snapshot" => open = Some((name.to_owned(), token.range.start as usize)),
            "test" | "data_test" => {
                open = Some((format!("test_{name}"), token.range.start as usize));
            }
            "endmacro" | "endsnapshot" | "endtest" | "enddata_test" => {
                let Some((name, start)) = open.take() else {
                    continue;
                };
                let text = text
                    .get(start..token.range.end as usize)
                    .unwrap_or_default();
                let text = text.trim().to_owned();
                out.push(Block { name, text });
            }
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relations_are_named_in_sql_and_yaml() {
        let mut lost = Lost::default();
        lost.named_in(
            "{{ ref('a') }} {{ref( \"p\",\n 'b', v=2)}} {{ source('s', 't') }} my_ref('x')",
        );
        lost.named_in("depends_on: [ref('c')]");
        let mut refs: Vec<&str> = lost.refs.iter().map(String::as_str).collect();
        refs.sort_unstable();
        assert_eq!(refs, ["a", "b", "c"]);
        assert!(lost.sources.contains(&("s".to_owned(), "t".to_owned())));
    }

    #[test]
    fn blocks_are_compared_by_their_text() {
        let text =
            "{% macro a(x) %}1{% endmacro %}\n{%- test ok(model) -%}2{% endtest %} {% macro b() %}";
        let found = blocks(text);
        let names: Vec<&str> = found.iter().map(|b| b.name.as_str()).collect();
        assert_eq!(names, ["a", "test_ok"]);
        assert_eq!(blocks("\n\n{% macro a(x) %}1{% endmacro %}")[0], found[0]);
        assert_ne!(blocks("{% macro a(x) %}3{% endmacro %}")[0], found[0]);
    }
}
