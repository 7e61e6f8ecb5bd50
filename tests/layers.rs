//! The pipeline has one direction: nothing downstream is imported upstream.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Modules of the crate, upstream first. Those of one line may use one another in one direction
/// only, which [`EDGES`] does not need to say: the test below takes the order within a line too.
const ORDER: &[&[&str]] = &[
    // Bytes, places, stacks, and what is said of a place.
    &["text", "threads", "violation"],
    // One file at a time.
    &["syntax"],
    // dbt's selection as it is written.
    &["selector"],
    // A repository: which files, which settings, what dbt knew.
    &["load", "manifest", "config", "baseline", "git"],
    // Nodes and edges.
    &["project"],
    // Rules, one by one, then all of them.
    &["rule", "declared", "rules", "registry"],
    // Findings.
    &["check"],
    // A run: what is asked for, what may go wrong, what is mended.
    &["error", "changed", "select", "run", "fix", "proof"],
    // What is printed.
    &["init", "report", "cli", "verbs", "main"],
];

/// Edges against the order, each with its reason. An edge that is gone must go from here too.
const EDGES: &[(&str, &str, &str)] = &[
    (
        "config",
        "rule",
        "`extends` names a preset, and a preset is a property of rules (`rule::Preset`, an enum without dependencies)",
    ),
    (
        "rule",
        "declared",
        "`Cx` is made once per run, and holds what declared rules find out once per run and share (`declared::Shared`)",
    ),
    (
        "rules",
        "registry",
        "the generated list in rules/mod.rs is made of the registry's entry types; no rule itself looks there",
    ),
];

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn rust_files(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        match path.is_dir() {
            true => rust_files(&path, out),
            false if path.extension().is_some_and(|e| e == "rs") => out.push(path),
            false => {}
        }
    }
}

/// Every file of the crate: its top-level module, its path, its text without comment lines.
fn files() -> Vec<(String, String, String)> {
    let mut paths = Vec::new();
    rust_files(&src(), &mut paths);
    paths.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let code = text.lines().filter(|l| !l.trim_start().starts_with("//"));
        let shown = path
            .strip_prefix(src())
            .unwrap()
            .to_string_lossy()
            .replace('\\', "/");
        let module = shown.split('/').next().unwrap().trim_end_matches(".rs");
        (
            module.to_owned(),
            shown.clone(),
            code.collect::<Vec<_>>().join("\n"),
        )
    };
    paths.into_iter().map(read).collect()
}

/// The top-level modules that a text names behind `crate::`, groups in braces included.
fn named(code: &str) -> BTreeSet<String> {
    let word = |text: &str| -> String {
        let letters = text
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_');
        letters.collect()
    };
    let mut out = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        let Some(group) = rest.strip_prefix('{') else {
            out.insert(word(rest));
            continue;
        };
        let mut depth = 1;
        let mut start = true;
        for (i, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => start = true,
                c if start && depth == 1 && c.is_alphabetic() => {
                    out.insert(word(&group[i..]));
                    start = false;
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    out
}

#[test]
fn groups_are_read() {
    let code = "use crate::{text::{Span, FileId}, load};\nlet x = crate::check::check();";
    let found = named(code);
    assert_eq!(
        found.into_iter().collect::<Vec<_>>(),
        ["check", "load", "text"]
    );
}

#[test]
fn nothing_downstream_is_imported_upstream() {
    let order: Vec<&str> = ORDER.iter().copied().flatten().copied().collect();
    let place = |module: &str| order.iter().position(|m| *m == module);
    let mut wrong = Vec::new();
    let mut used: BTreeSet<(&str, &str)> = BTreeSet::new();
    for (module, path, code) in files() {
        if module == "lib" {
            continue;
        }
        let own = place(&module).unwrap_or_else(|| {
            panic!("src/{path}: add the module `{module}` to ORDER, where it belongs")
        });
        for other in named(&code) {
            let Some(theirs) = place(&other) else {
                continue;
            };
            let allowed = EDGES
                .iter()
                .find(|(from, to, _)| *from == module && *to == other);
            match allowed {
                Some((from, to, _)) => {
                    used.insert((from, to));
                }
                None if theirs > own => wrong.push(format!("src/{path} uses crate::{other}")),
                None => {}
            }
        }
    }
    assert_eq!(
        wrong, [""; 0],
        "move what is shared upstream, or argue the edge in EDGES"
    );
    for (from, to, _) in EDGES {
        assert!(
            used.contains(&(from, to)),
            "{from} no longer uses {to}: remove the exception"
        );
    }
}

/// A rule reads what is already known. Only its generated list may name the registry.
#[test]
fn a_rule_does_no_io_and_knows_no_other_rule() {
    const FORBIDDEN: &[&str] = &[
        "std::fs",
        "std::io",
        "std::env",
        "std::net",
        "std::process",
        "std::time",
        "walkdir",
        "crate::rules",
        "crate::check",
        "crate::registry",
        "sqlparser",
    ];
    let rules = files()
        .into_iter()
        .filter(|(module, path, _)| module == "rules" && path != "rules/mod.rs");
    for (_, path, code) in rules {
        for word in FORBIDDEN {
            assert!(!code.contains(word), "src/{path} uses {word}");
        }
    }
}

/// What only some modules may know, so that the rest can be replaced or reasoned about without it.
#[test]
fn each_of_these_stays_where_it_is() {
    let homes: BTreeMap<&str, &[&str]> = BTreeMap::from([
        // Rules see our tree, never sqlparser's.
        ("sqlparser::", &["syntax"][..]),
        ("granit_parser::", &["syntax"]),
        ("petgraph::", &["project"]),
        // The command line; and the words of `--fail-on` and `--indirect-selection`, which stand in
        // harness-lint.yml and selectors.yml too.
        ("clap::", &["cli", "config", "main", "selector"]),
        // A clock must not reach a report.
        ("Instant::now", &["run"]),
        ("SystemTime", &[]),
        // Nothing depends on the order of a randomly seeded map.
        ("std::collections::HashMap", &[]),
        ("std::collections::HashSet", &[]),
        ("RandomState", &[]),
    ]);
    for (module, path, code) in files() {
        for (word, homes) in &homes {
            let home = homes.contains(&module.as_str());
            assert!(home || !code.contains(word), "src/{path} uses {word}");
        }
    }
}
