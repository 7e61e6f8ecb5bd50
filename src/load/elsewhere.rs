//! What a repository says of its models in files that dbt never reads: scripts, orchestration,
//! configuration of other tools.

use super::Place;
use crate::text::relative_path;
use regex::Regex;
use rustc_hash::FxHashSet;
use std::path::Path;
use std::sync::LazyLock;
use walkdir::{DirEntry, WalkDir};

/// Beyond these, nothing is known.
const MAX_DEPTH: usize = 12;
const MAX_ENTRIES: usize = 50_000;
const MAX_FILE: u64 = 4 << 20;
const MAX_BYTES: u64 = 64 << 20;

/// Kinds of file that use tables by name; prose and data do not.
const KINDS: [&str; 12] = [
    "sql", "py", "yml", "yaml", "sh", "bash", "ipynb", "r", "lkml", "toml", "ts", "js",
];

/// Folders of what others wrote, or what was made from the project itself.
const FOREIGN: [&str; 9] = [
    "target",
    "dbt_packages",
    "dbt_modules",
    "dbt_internal_packages",
    "node_modules",
    "venv",
    "env",
    "logs",
    "__pycache__",
];

/// Names that stand in files below the project directory which dbt does not read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Elsewhere {
    names: FxHashSet<String>,
    partial: bool,
    is_package: bool,
}

/// How a README speaks of a project that others install.
static PACKAGE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:this|as a)\s+(?:\[?dbt\]?(?:\([^)\n]*\))?\s+)?package\b").ok()
});

impl Elsewhere {
    /// Looks for `names` in every file that is not among `known`, the paths of those that dbt reads.
    pub fn read(place: &Place, known: &FxHashSet<&str>, names: &FxHashSet<&str>) -> Self {
        let mut out = Self::default();
        if is_package(place) {
            out.is_package = true;
            return out;
        }
        let mut bytes = 0;
        let entries = WalkDir::new(&place.project_dir)
            .max_depth(MAX_DEPTH)
            .into_iter()
            .filter_entry(is_own);
        for (count, entry) in entries.enumerate() {
            let Ok(entry) = entry else { continue };
            let path = entry.path();
            if !entry.file_type().is_file() || !is_of_interest(path, entry.depth()) {
                out.partial |= count >= MAX_ENTRIES;
                continue;
            }
            if known.contains(relative_path(path, &place.project_dir).as_str()) {
                continue;
            }
            let size = entry.metadata().map_or(0, |m| m.len());
            bytes += size;
            out.partial |= size > MAX_FILE || bytes > MAX_BYTES || count >= MAX_ENTRIES;
            if out.partial {
                return out;
            }
            out.add(path, &place.read_text(path).0, names);
        }
        for path in place.overlay.added(&place.project_dir) {
            let shown = relative_path(path, &place.project_dir);
            let folders = shown.rsplit_once('/').map_or("", |(folders, _)| folders);
            let foreign = folders.split('/').any(is_foreign);
            let depth = shown.split('/').count();
            if !foreign && is_of_interest(path, depth) && !known.contains(shown.as_str()) {
                out.add(path, &place.read_text(path).0, names);
            }
        }
        out
    }

    fn add(&mut self, path: &Path, text: &str, names: &FxHashSet<&str>) {
        let found = names_in(text, names);
        if !(is_data(path) && is_inventory(text, found.len(), names.len())) {
            self.names.extend(found.into_iter().map(str::to_owned));
        }
    }

    /// May somebody use this whom the project does not know? Yes where there was too much to read,
    /// and of what a package offers to those who install it.
    pub fn may_use(&self, name: &str) -> bool {
        self.partial || self.is_package || self.names.contains(name)
    }
}

/// Those of the names that are words of a text.
fn names_in<'n>(text: &str, names: &FxHashSet<&'n str>) -> FxHashSet<&'n str> {
    let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    words.filter_map(|w| names.get(w).copied()).collect()
}

/// How the head of a file says that a program wrote it.
static GENERATED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?im)^\s*#.*(?:\bgenerated\s+(?:by|from)\b|\bauto-?generated\b)").ok()
});

/// A list that a program made of the project itself names its models because they are there, not
/// because somebody reads them: it says that it is generated, and names a tenth of all or more.
fn is_inventory(text: &str, named: usize, all: usize) -> bool {
    let end = text.match_indices('\n').nth(INVENTORY_HEAD);
    let head = end.map_or(text, |(at, _)| &text[..at]);
    named >= INVENTORY_NAMES && named * 10 >= all && GENERATED.iter().any(|g| g.is_match(head))
}

/// A list of fewer names is taken for a choice, and lines after these are no head.
const INVENTORY_NAMES: usize = 10;
const INVENTORY_HEAD: usize = 10;

/// YAML and TOML, which do nothing by themselves.
fn is_data(path: &Path) -> bool {
    let kind = path.extension();
    kind.is_some_and(|k| {
        ["yml", "yaml", "toml"]
            .iter()
            .any(|d| k.eq_ignore_ascii_case(d))
    })
}

/// A package is tested by a project of its own beside it, or its README says that it is one.
pub fn is_package(place: &Place) -> bool {
    let tests = place.project_dir.join("integration_tests/dbt_project.yml");
    if place.is_file(&tests) {
        return true;
    }
    let readme = place.inside(&place.project_dir.join("README.md"));
    let says = |text: &str| PACKAGE.iter().any(|p| p.is_match(text));
    readme.is_some_and(|path| says(&place.read_text(&path).0))
}

fn is_own(entry: &DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy();
    !entry.file_type().is_dir() || entry.depth() == 0 || !is_foreign(&name)
}

/// Is it the name of a folder that is not looked into?
fn is_foreign(name: &str) -> bool {
    (name.starts_with('.') && name != ".github") || FOREIGN.contains(&name)
}

/// dbt's selectors are read as what they are.
fn is_of_interest(path: &Path, depth: usize) -> bool {
    let kind = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    let selectors = depth == 1 && path.ends_with("selectors.yml");
    !selectors && kind.is_some_and(|k| KINDS.contains(&k.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn words_of_files_that_dbt_does_not_read() {
        let tmp = tempfile::tempdir().unwrap();
        let top = tmp.path().canonicalize().unwrap();
        for (path, text) in [
            ("build/load.sql", "select * from stg_a"),
            ("models/stg_b.sql", "select * from stg_b"),
            ("README.md", "stg_c"),
            ("target/compiled/x.sql", "stg_c"),
            (".github/workflows/ci.yml", "run: dbt build -s stg_d+"),
            ("selectors.yml", "stg_c"),
            ("dag.py", "stg_e_more"),
        ] {
            let path = top.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let place = Place::new(top.clone(), top);
        let known = FxHashSet::from_iter(["models/stg_b.sql"]);
        let names = FxHashSet::from_iter(["stg_a", "stg_b", "stg_c", "stg_d", "stg_e"]);
        let found = Elsewhere::read(&place, &known, &names);
        let named: Vec<&str> = ["stg_a", "stg_b", "stg_c", "stg_d", "stg_e"]
            .into_iter()
            .filter(|n| found.may_use(n))
            .collect();
        assert_eq!(named, ["stg_a", "stg_d"]);
    }

    #[test]
    fn what_a_package_offers_may_be_used() {
        for (path, text) in [
            ("integration_tests/dbt_project.yml", "name: t"),
            (
                "README.md",
                "This [dbt](https://x.example) package models orders.",
            ),
            ("README.md", "It was configured as a package."),
        ] {
            let tmp = tempfile::tempdir().unwrap();
            let top = tmp.path().canonicalize().unwrap();
            fs::create_dir_all(top.join("integration_tests")).unwrap();
            let place = Place::new(top.clone(), top.clone());
            let none = FxHashSet::default();
            fs::write(top.join("README.md"), "We use dbt packages.").unwrap();
            assert!(!Elsewhere::read(&place, &none, &none).may_use("stg_a"));
            fs::write(top.join(path), text).unwrap();
            assert!(
                Elsewhere::read(&place, &none, &none).may_use("stg_a"),
                "{text}"
            );
        }
    }
}
