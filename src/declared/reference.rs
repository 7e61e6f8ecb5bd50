//! The lists of the language as Markdown, for its documentation: one truth for what is read, what
//! editors complete and what people look up.

use super::condition::{JOINERS, LEAF_KEYS};
use super::facts::FACTS;
use super::predicate::{Kind, TESTS};
use super::scope::SCOPES;
use super::select::KEYS;
use super::subject::Of;
use std::fmt::Write;

/// Tables by name: keys of selectors and conditions, scopes, tests, facts.
pub fn tables() -> Vec<(&'static str, String)> {
    vec![
        ("selectors", pairs(["key", "what it asks"], KEYS)),
        ("conditions", pairs(["key", "what it says"], JOINERS)),
        ("leaves", pairs(["key", "what it says"], LEAF_KEYS)),
        ("scopes", pairs(["`in`", "where"], SCOPES)),
        ("tests", tests()),
        ("facts", facts()),
        ("subjects", format!("{}\n", listed(Of::ALL.map(Of::as_str)))),
    ]
}

fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let all: Vec<String> = words.into_iter().map(|w| format!("`{w}`")).collect();
    all.join(", ")
}

fn pairs(head: [&str; 2], rows: &[(&str, &str)]) -> String {
    let mut out = format!("| {} | {} |\n|---|---|\n", head[0], head[1]);
    for (name, doc) in rows {
        let name = match name.starts_with('`') {
            true => (*name).to_owned(),
            false => format!("`{name}`"),
        };
        let _ = writeln!(out, "| {name} | {} |", doc.replace('|', "\\|"));
    }
    out
}

fn tests() -> String {
    let mut out = String::from("| test | of | it holds where |\n|---|---|---|\n");
    for (name, kinds, doc) in TESTS {
        let kinds = kinds.iter().filter(|k| **k != Kind::Any);
        let kinds: Vec<&str> = kinds.map(|k| k.as_str()).collect();
        let _ = writeln!(out, "| `{name}` | {} | {doc} |", kinds.join(", "));
    }
    out
}

fn facts() -> String {
    let mut out = String::from("| fact | kind | of | what it says |\n|---|---|---|---|\n");
    for fact in FACTS {
        let of = match fact.of.len() {
            n if n == Of::ALL.len() => "everything".to_owned(),
            _ => listed(fact.of.iter().map(|o| o.as_str())).replace('`', ""),
        };
        let parts = match fact.parts.is_empty() {
            true => String::new(),
            false => format!(
                " of {{{}}}",
                fact.parts
                    .iter()
                    .map(|p| p.name)
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
        };
        let kind = fact.kind.as_str();
        let _ = writeln!(
            out,
            "| `{}` | {kind}{parts} | {of} | {} |",
            fact.name, fact.doc
        );
    }
    out
}
