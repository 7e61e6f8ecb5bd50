//! What a repository's own files say about the adapter it runs on. Nothing outside the root is
//! read, and nothing under the home directory.

use super::Place;
use crate::syntax::jinja::render_native;
use crate::syntax::sql::Dialect;
use crate::syntax::yaml::{self, Node};
use crate::text::{FileId, relative_path};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A dialect and how it was found, for the summary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialectChoice {
    /// The dialect.
    pub dialect: Dialect,
    /// The adapter's own name, where it differs from the dialect's.
    pub adapter: String,
    /// Where it was read: `requirements.txt`, `profiles.yml` …
    pub from: String,
    /// It was concluded from the models' own SQL.
    pub guessed: bool,
}

/// What the files say, before SQL is looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DialectHints {
    /// The adapter, the surest hint first found.
    pub choice: Option<DialectChoice>,
    /// The profile's default target, where it is written plainly.
    pub target: Option<String>,
}

/// Reads the hints for a project whose dbt_project.yml names `profile`; `wanted` is a configured
/// target's name.
pub fn dialect_hints(place: &Place, profile: Option<&str>, wanted: Option<&str>) -> DialectHints {
    let mut hints = from_profiles(place, profile, wanted).unwrap_or_default();
    if hints.choice.is_none() {
        hints.choice = from_requirements(place);
    }
    hints
}

/// The project directory and its parents up to the root, nearest first.
pub(super) fn upward(place: &Place) -> impl Iterator<Item = &Path> {
    let inside = |d: &&Path| d.starts_with(&place.root);
    place.project_dir.ancestors().take_while(inside)
}

fn from_profiles(
    place: &Place,
    profile: Option<&str>,
    wanted: Option<&str>,
) -> Option<DialectHints> {
    let places =
        upward(place).flat_map(|d| [d.join("profiles.yml"), d.join("profiles/profiles.yml")]);
    let ours = |p: &PathBuf| place.is_file(p) && place.inside(p).is_some();
    let path = places.into_iter().find(ours)?;
    let (text, _) = place.read_text(&path);
    let yaml = yaml::parse(FileId(0), &text);
    let root = yaml.root()?;
    let profile = match profile.and_then(|p| root.get(p)) {
        Some(profile) => profile,
        // A repository with one profile means that one.
        None => {
            let all: Vec<_> = root.entries();
            let mut others = all
                .into_iter()
                .filter(|(k, _)| k.as_str() != Some("config"));
            let (only, rest) = (others.next()?, others.next());
            rest.is_none().then_some(only.1)?
        }
    };
    let text_of = |n: Node| match render_native(n.as_str()?, None, None, &|_| None)? {
        serde_json::Value::String(s) => Some(s),
        _ => None,
    };
    let outputs = profile.get("outputs")?;
    let target = wanted
        .map(str::to_owned)
        .or_else(|| profile.get("target").and_then(text_of))
        .or_else(|| Some("default".to_owned()).filter(|d| outputs.get(d).is_some()));
    let type_of = |output: Node| output.get("type").and_then(text_of);
    let file = relative_path(&path, &place.project_dir);
    let types: BTreeSet<String> = outputs
        .entries()
        .into_iter()
        .filter_map(|(_, o)| type_of(o))
        .collect();
    let named = target.as_deref().and_then(|t| type_of(outputs.get(t)?));
    let (adapter, from) = match (named, types.len()) {
        (Some(t), 2) if t == "duckdb" => {
            let other = types.iter().find(|o| *o != "duckdb")?.clone();
            (other, format!("{file}, whose default target is duckdb"))
        }
        (Some(t), _) => (t, file),
        (None, 1) => (types.into_iter().next()?, file),
        (None, _) => {
            return Some(DialectHints {
                choice: None,
                target,
            });
        }
    };
    Some(DialectHints {
        choice: choice(&adapter, from),
        target,
    })
}

fn choice(adapter: &str, from: String) -> Option<DialectChoice> {
    Some(DialectChoice {
        dialect: Dialect::from_adapter(adapter)?,
        adapter: adapter.to_owned(),
        from,
        guessed: false,
    })
}

/// Files that name Python packages, in the order in which they are believed.
pub(super) const REQUIREMENTS: &[&str] = &[
    "requirements.txt",
    "requirements.in",
    "requirements-dev.txt",
    "dev-requirements.txt",
    "dbt-requirements.txt",
    "pyproject.toml",
    "setup.py",
    "Pipfile",
    "environment.yml",
    "poetry.lock",
    "uv.lock",
    "pdm.lock",
    "Pipfile.lock",
    "Dockerfile",
    "docker-compose.yml",
    ".gitlab-ci.yml",
    "Makefile",
    "tox.ini",
];

/// May a file say which adapter is meant, by its path?
pub fn may_hint(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let folder = path.parent().and_then(Path::file_name).unwrap_or_default();
    name == "profiles.yml"
        || REQUIREMENTS.contains(&&*name)
        || folder == "requirements"
        || folder == "workflows"
}

/// `dbt-<adapter>` in files that name Python packages; only where one adapter is named, duckdb
/// (used for tests everywhere) aside.
fn from_requirements(place: &Place) -> Option<DialectChoice> {
    for dir in upward(place) {
        let named = REQUIREMENTS.iter().map(|n| vec![dir.join(n)]);
        // Files of one folder are one hint: CI that tests several adapters names none.
        let found = named
            .chain([folder(place, &dir.join("requirements"), &["txt", "in"])])
            .chain([folder(
                place,
                &dir.join(".github/workflows"),
                &["yml", "yaml"],
            )])
            .find_map(|group| adapter_in(place, &group));
        if found.is_some() {
            return found;
        }
    }
    None
}

pub(super) fn folder(place: &Place, dir: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let entries = place.inside(dir).map(std::fs::read_dir);
    let Some(Ok(entries)) = entries else {
        return Vec::new();
    };
    let entries = entries.flatten().map(|e| dir.join(e.file_name()));
    let entries = entries.chain(place.overlay.added(dir).map(Path::to_owned));
    let wanted = |p: &PathBuf| {
        let extension = p.extension().and_then(|e| e.to_str());
        extension.is_some_and(|e| extensions.contains(&e))
    };
    let mut paths: Vec<PathBuf> = entries.filter(wanted).collect();
    paths.sort();
    paths
}

/// The one adapter that a group of files names.
fn adapter_in(place: &Place, group: &[PathBuf]) -> Option<DialectChoice> {
    let mut adapters: BTreeMap<String, String> = BTreeMap::new();
    for path in group {
        if !place.is_file(path) || place.inside(path).is_none() {
            continue;
        }
        let shown = relative_path(path, &place.project_dir);
        for adapter in adapters_named(&place.read_text(path).0) {
            adapters.entry(adapter).or_insert_with(|| shown.clone());
        }
    }
    if adapters.len() > 1 {
        adapters.remove("duckdb");
    }
    let (only, from) = adapters.iter().next().filter(|_| adapters.len() == 1)?;
    choice(only, from.clone())
}

fn adapters_named(text: &str) -> BTreeSet<String> {
    let mut adapters = BTreeSet::new();
    for (at, _) in text.match_indices("dbt-") {
        let before = text[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '/' | '.')) {
            continue;
        }
        let rest = &text[at + 4..];
        let len = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        if Dialect::from_adapter(&rest[..len]).is_some_and(|d| d != Dialect::Generic) {
            adapters.insert(rest[..len].to_owned());
        }
    }
    adapters
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn hints(files: &[(&str, &str)], profile: Option<&str>) -> DialectHints {
        let tmp = tempfile::tempdir().unwrap();
        let root = tmp.path().canonicalize().unwrap();
        for (path, text) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let place = Place::new(root.join("dbt"), root);
        dialect_hints(&place, profile, None)
    }

    fn found(files: &[(&str, &str)]) -> Option<(String, String)> {
        let choice = hints(files, Some("p")).choice?;
        Some((choice.adapter, choice.from))
    }

    #[test]
    fn the_profile_then_the_requirements() {
        let profile =
            "p:\n  target: dev\n  outputs:\n    dev: {type: snowflake}\n    t: {type: duckdb}\n";
        let req = ("requirements.txt", "dbt-core==1.9\ndbt-bigquery~=1.9\n");
        assert_eq!(
            found(&[("dbt/profiles.yml", profile), req]),
            Some(("snowflake".into(), "profiles.yml".into()))
        );
        assert_eq!(
            found(&[req]),
            Some(("bigquery".into(), "../requirements.txt".into()))
        );
        assert_eq!(
            found(&[("requirements.txt", "some-dbt-snowflake-tool\n")]),
            None
        );
        assert_eq!(
            found(&[("requirements.txt", "dbt-duckdb\ndbt-postgres\n")]),
            Some(("postgres".into(), "../requirements.txt".into()))
        );
        assert_eq!(
            found(&[("requirements.txt", "dbt-postgres\ndbt-redshift\n")]),
            None
        );
    }

    #[test]
    fn a_duckdb_default_gives_way_to_the_one_other_type() {
        let profile =
            "p:\n  target: dev\n  outputs:\n    dev: {type: duckdb}\n    prod: {type: postgres}\n";
        let (adapter, from) = found(&[("dbt/profiles.yml", profile)]).unwrap();
        assert_eq!(adapter, "postgres");
        assert!(from.contains("default target is duckdb"), "{from}");
    }

    #[test]
    fn jinja_in_a_profile_uses_its_defaults() {
        let profile = "p:\n  target: \"{{ env_var('T', 'x') }}\"\n  outputs:\n    x: {type: trino}\n    y: {type: athena}\n";
        let hints = hints(&[("profiles.yml", profile)], Some("p"));
        assert_eq!(hints.target.as_deref(), Some("x"));
        assert_eq!(hints.choice.unwrap().dialect, Dialect::Trino);
    }
}
