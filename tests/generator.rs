//! The project generator keeps its word: same spec, same bytes; every defect there and no other.

#![allow(clippy::unwrap_used, reason = "helpers of tests are not seen as tests")]

#[path = "../benches/generator/mod.rs"]
mod generator;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use generator::{Spec, Truth, generate};
use serde_json::Value;

/// The rules that must each have an expected finding once there are enough defects.
const RULES: [&str; 18] = [
    "structure/cte-missing",
    "structure/cte-order",
    "structure/config-missing",
    "structure/tags",
    "structure/materialization",
    "graph/layer-direction",
    "graph/broken-ref",
    "graph/hardcoded-relation",
    "sql/star-output",
    "sql/inner-after-left",
    "test/pk",
    "doc/missing",
    "context/source-missing",
    "input/jinja-syntax",
    "input/yaml-syntax",
    "input/duplicate-node",
    "harness/suppression-reason",
    "harness/unused-suppression",
];

struct Project {
    dir: tempfile::TempDir,
    truth: Truth,
}

impl Project {
    fn new(spec: &Spec) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let truth = generate(dir.path(), spec).unwrap();
        Self { dir, truth }
    }

    /// Every file's bytes by its path from the project's root.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        collect(self.dir.path(), self.dir.path(), &mut files);
        files
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.dir.path().join(path)).unwrap()
    }
}

fn collect(root: &Path, dir: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let name = path.strip_prefix(root).unwrap().components();
            let name: Vec<_> = name
                .map(|part| part.as_os_str().to_str().unwrap())
                .collect();
            files.insert(name.join("/"), fs::read(&path).unwrap());
        }
    }
}

fn spec(models: usize, defects: f64) -> Spec {
    Spec {
        models,
        defects,
        ..Spec::default()
    }
}

/// Model name and path of every model file.
fn models(files: &BTreeMap<String, Vec<u8>>) -> Vec<(String, String)> {
    let sql = files
        .keys()
        .filter(|path| path.starts_with("models/") && path.ends_with(".sql"));
    sql.map(|path| {
        (
            path.rsplit('/')
                .next()
                .unwrap()
                .trim_end_matches(".sql")
                .to_owned(),
            path.clone(),
        )
    })
    .collect()
}

#[test]
fn the_same_spec_gives_the_same_bytes() {
    let spec = Spec {
        manifest: true,
        ..spec(120, 0.3)
    };
    let (one, other) = (Project::new(&spec), Project::new(&spec));
    assert!(one.files() == other.files(), "two runs of one spec differ");
    assert_eq!(one.truth, other.truth);
    let reseeded = Project::new(&Spec { seed: 8, ..spec });
    assert!(one.files() != reseeded.files(), "the seed changes nothing");
}

#[test]
fn every_kind_of_defect_is_planted() {
    let project = Project::new(&spec(300, 0.3));
    let found: BTreeSet<&str> = project
        .truth
        .expected
        .iter()
        .map(|finding| finding.rule.as_str())
        .collect();
    assert_eq!(found, BTreeSet::from(RULES));
}

#[test]
fn the_share_of_defects_is_kept() {
    for (models, defects, wanted) in [
        (300, 0.3, 90),
        (1000, 0.1, 100),
        (200, 1.0, 199),
        (100, 0.0, 0),
    ] {
        let project = Project::new(&spec(models, defects));
        assert_eq!(
            project.truth.defective, wanted,
            "{models} models, {defects}"
        );
    }
}

#[test]
fn a_clean_project_expects_nothing() {
    let project = Project::new(&spec(200, 0.0));
    assert!(project.truth.expected.is_empty());
    assert!(project.truth.tolerated.is_empty());
    assert!(
        project.truth.lookalikes.len() > 50,
        "look-alikes stand in clean models too"
    );
}

#[test]
fn models_are_counted_without_copies_and_disabled_ones() {
    let clean = models(&Project::new(&spec(500, 0.0)).files());
    let enabled = clean
        .iter()
        .filter(|(name, _)| !name.starts_with("int_retired_"));
    assert_eq!(enabled.count(), 500);
    let names: BTreeSet<&String> = clean.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), clean.len(), "two clean models share a name");
}

#[test]
fn expected_findings_point_at_files_and_lines() {
    let project = Project::new(&spec(600, 0.5));
    for finding in &project.truth.expected {
        let text = project.text(&finding.path);
        let Some(line) = finding.line else { continue };
        let line = text.lines().nth(line - 1).unwrap();
        let sign = match finding.rule.as_str() {
            "structure/tags" | "structure/materialization" => "config(",
            "graph/layer-direction" | "graph/broken-ref" => "ref('",
            "graph/hardcoded-relation" => "    from ",
            "sql/star-output" => "select ",
            "sql/inner-after-left" => "account_flags.last_",
            "input/jinja-syntax" => "{% if",
            "input/yaml-syntax" => "",
            rule if rule.starts_with("harness/") => "harness-lint: ignore[",
            rule => panic!("{rule} has a line nobody expects"),
        };
        assert!(line.contains(sign), "{finding:?}: {line}");
    }
}

#[test]
fn clean_refs_resolve() {
    let project = Project::new(&spec(400, 0.0));
    let files = project.files();
    let mut known: BTreeSet<String> = models(&files).into_iter().map(|(name, _)| name).collect();
    known.extend(["country_codes", "currency_rates"].map(str::to_owned));
    let mut checked = 0;
    for (path, bytes) in &files {
        if path.contains("int_retired_") || !(path.ends_with(".sql") || path.ends_with(".yml")) {
            continue;
        }
        for name in refs(&rendered(std::str::from_utf8(bytes).unwrap())) {
            assert!(known.contains(&name), "{path} refers to {name}");
            checked += 1;
        }
    }
    assert!(checked > 400, "only {checked} refs seen");
}

/// The text without what Jinja never renders.
fn rendered(text: &str) -> String {
    let without = cut(text, "{#", "#}");
    let without = cut(&without, "{% raw %}", "{% endraw %}");
    cut(&without, "{% if false %}", "{% endif %}")
}

fn cut(text: &str, open: &str, close: &str) -> String {
    let mut parts = text.split(open);
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        kept.push_str(part.split_once(close).map_or("", |(_, rest)| rest));
    }
    kept
}

/// Names in `ref('name')`; a ref with a package ends in another character.
fn refs(text: &str) -> Vec<String> {
    let calls = text.split("ref('").skip(1);
    calls
        .filter_map(|call| call.split_once('\''))
        .filter(|(_, rest)| rest.starts_with(')'))
        .map(|(name, _)| name.to_owned())
        .collect()
}

#[test]
fn the_truth_file_says_what_the_truth_says() {
    let project = Project::new(&spec(200, 0.3));
    let json: Value = serde_json::from_str(&project.text(".truth.json")).unwrap();
    assert_eq!(
        json["expected"].as_array().unwrap().len(),
        project.truth.expected.len()
    );
    assert_eq!(
        json["lookalikes"].as_array().unwrap().len(),
        project.truth.lookalikes.len()
    );
    for finding in &project.truth.expected {
        let stands = |value: &Value| {
            value["rule"] == finding.rule.as_str() && value["path"] == finding.path.as_str()
        };
        assert!(
            json["expected"].as_array().unwrap().iter().any(stands),
            "{finding:?}"
        );
    }
}

#[test]
fn the_manifest_knows_every_model_and_no_other() {
    let project = Project::new(&Spec {
        manifest: true,
        ..spec(300, 0.3)
    });
    let files = project.files();
    let manifest: Value = serde_json::from_slice(&files["target/manifest.json"]).unwrap();
    let copies: BTreeSet<&str> = duplicate_copies(&project.truth);
    let on_disk: BTreeSet<&str> = models(&files)
        .iter()
        .map(|(_, path)| files.get_key_value(path).unwrap().0.as_str())
        .collect();
    let mut listed = BTreeSet::new();
    for node in manifest["nodes"]
        .as_object()
        .unwrap()
        .values()
        .filter(|node| node["resource_type"] == "model")
    {
        listed.insert(node["original_file_path"].as_str().unwrap());
    }
    for nodes in manifest["disabled"].as_object().unwrap().values() {
        listed.insert(nodes[0]["original_file_path"].as_str().unwrap());
    }
    let unlisted: Vec<&&str> = on_disk.difference(&listed).collect();
    assert!(
        unlisted.iter().all(|path| copies.contains(**path)),
        "{unlisted:?}"
    );
    assert_eq!(
        unlisted.len() * 2,
        copies.len(),
        "one path of each pair is in the manifest"
    );
    assert!(listed.is_subset(&on_disk));
}

/// Both paths of every duplicate.
fn duplicate_copies(truth: &Truth) -> BTreeSet<&str> {
    let duplicates = truth
        .expected
        .iter()
        .filter(|finding| finding.rule == "input/duplicate-node");
    duplicates
        .flat_map(|finding| finding.also.iter().chain([&finding.path]))
        .map(String::as_str)
        .collect()
}

#[test]
fn the_manifest_holds_together() {
    let project = Project::new(&Spec {
        manifest: true,
        ..spec(200, 0.2)
    });
    let manifest: Value = serde_json::from_str(&project.text("target/manifest.json")).unwrap();
    let known = |id: &str| {
        ["nodes", "sources", "exposures"]
            .iter()
            .any(|section| manifest[section].get(id).is_some())
    };
    for section in ["nodes", "exposures"] {
        for (id, node) in manifest[section].as_object().unwrap() {
            for parent in node["depends_on"]["nodes"].as_array().unwrap() {
                assert!(known(parent.as_str().unwrap()), "{id} depends on {parent}");
            }
        }
    }
    for (id, children) in manifest["child_map"].as_object().unwrap() {
        for child in children.as_array().unwrap() {
            let parents = manifest["parent_map"][child.as_str().unwrap()]
                .as_array()
                .unwrap();
            assert!(parents.contains(&Value::from(id.as_str())));
        }
    }
}

#[test]
fn a_directory_with_files_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("note.txt"), "mine").unwrap();
    assert!(generate(dir.path(), &spec(20, 0.0)).is_err());
    assert_eq!(
        fs::read_to_string(dir.path().join("note.txt")).unwrap(),
        "mine"
    );
}
