//! manifest.json laid over what the files say: dbt's own resolution of what depends on macros,
//! targets and packages.
//!
//! Per node the file wins where the manifest is older than it (its checksum differs).

use super::config::Origin;
use super::{Node, NodeId, ResourceType};
use crate::config::ManifestSetting;
use crate::load::{Notice, Place};
use crate::manifest::{self, Manifest, checksum_matches};
use crate::text::{Files, MappedBytes, relative_path};
use rustc_hash::FxHashMap;
use serde_json::Value;
use std::path::PathBuf;

/// What was laid over, for the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestInfo {
    /// Relative to the project directory.
    pub path: String,
    /// Its schema version.
    pub schema: u32,
    /// The dbt that wrote it.
    pub dbt_version: String,
    /// Its adapter.
    pub adapter_type: Option<String>,
    /// Nodes whose file changed since.
    pub stale: usize,
    /// Nodes taken from it.
    pub fresh: usize,
}

/// A manifest's bytes, kept while it is read.
pub(super) struct ManifestFile {
    pub(super) path: String,
    pub(super) bytes: MappedBytes,
}

/// Why an input that was asked for cannot be used: its path, and a sentence.
pub(super) type Unusable = (String, String);

/// Opens the manifest that the setting means.
pub(super) fn open(
    setting: &ManifestSetting,
    place: &Place,
    target_path: Option<&str>,
    notices: &mut Vec<Notice>,
) -> Result<Option<ManifestFile>, Unusable> {
    let asked = matches!(setting, ManifestSetting::Path(_));
    let path: PathBuf = match setting {
        ManifestSetting::Off => return Ok(None),
        ManifestSetting::Auto => {
            let target = place.project_dir.join(target_path.unwrap_or("target"));
            let path = target.join("manifest.json");
            if !path.is_file() {
                return Ok(None);
            }
            path
        }
        ManifestSetting::Path(path) => PathBuf::from(path),
    };
    let shown = match asked {
        true => path.to_string_lossy().into_owned(),
        false => relative_path(&path, &place.project_dir),
    };
    let refused = if !asked && place.inside(&path).is_none() {
        Some("leads out of the repository".to_owned())
    } else {
        match MappedBytes::open(&path) {
            Ok(bytes) => return Ok(Some(ManifestFile { path: shown, bytes })),
            Err(e) => Some(e.to_string()),
        }
    };
    let why = refused.unwrap_or_default();
    if asked {
        return Err((shown, why));
    }
    notices.push(notice(shown, why));
    Ok(None)
}

fn notice(path: String, why: String) -> Notice {
    Notice {
        what: "manifest",
        path,
        why,
        line: None,
    }
}

/// Reads it, if it is a manifest of this project. What cannot be used is a notice where it was
/// merely found, an error where it was asked for.
pub(super) fn read<'a>(
    file: &'a ManifestFile,
    asked: bool,
    project: &str,
    notices: &mut Vec<Notice>,
) -> Result<Option<Manifest<'a>>, Unusable> {
    let why = match manifest::read(file.bytes.bytes()) {
        Ok(m) if m.is_of(project) == Some(false) => {
            format!("belongs to another project, not to `{project}`")
        }
        Ok(m) => return Ok(Some(m)),
        Err(problem) => problem.to_string(),
    };
    if asked {
        return Err((file.path.clone(), why));
    }
    notices.push(notice(file.path.clone(), why));
    Ok(None)
}

/// Edges of nodes whose truth is the manifest's: a child and its parents' unique ids.
pub(super) type ManifestEdges = FxHashMap<NodeId, Vec<String>>;

/// Lays a manifest over nodes. Gives what to report, and the edges to take from it.
pub(super) fn lay(
    manifest: &Manifest,
    path: &str,
    nodes: &mut [Node],
    files: &Files,
) -> (ManifestInfo, ManifestEdges) {
    let summary = manifest.summary();
    let mut info = ManifestInfo {
        path: path.to_owned(),
        schema: manifest.schema(),
        dbt_version: summary.dbt_version,
        adapter_type: summary.adapter_type,
        stale: 0,
        fresh: 0,
    };
    let mut edges = ManifestEdges::default();
    let enabled = manifest.nodes.iter().map(|n| (n, true));
    let disabled = manifest.disabled.nodes.iter().map(|n| (n, false));
    // A disabled copy has the unique id of the model it was copied from: the path tells them apart.
    let mut known: FxHashMap<&str, Vec<(&manifest::Node, bool)>> = FxHashMap::default();
    for (node, is_enabled) in enabled.chain(disabled) {
        let same = known.entry(node.unique_id.as_str()).or_default();
        same.push((node, is_enabled));
    }
    for node in nodes.iter_mut() {
        let Some(theirs) = known.get(node.unique_id.as_str()) else {
            continue;
        };
        if node.test.is_some() {
            open_questions(node, theirs, &mut edges);
            continue;
        }
        let file = files.get(node.file);
        let here = theirs.iter().find(|(t, _)| t.file() == file.path);
        let anywhere = || theirs.first().filter(|_| !node.is_own());
        let Some((theirs, is_enabled)) = here.or_else(anywhere) else {
            continue;
        };
        // A seed's rows are not read, so they cannot be compared.
        let fresh = match node.resource_type {
            ResourceType::Seed => None,
            _ => checksum_matches(&theirs.checksum, &file.text),
        };
        if node.is_own() && fresh == Some(false) {
            info.stale += 1;
            continue;
        }
        info.fresh += 1;
        node.enabled = Some(*is_enabled);
        take_config(node, theirs);
        if *is_enabled {
            let parents = theirs.depends_on.nodes.iter();
            edges.insert(node.id, parents.map(|p| p.as_str().to_owned()).collect());
        }
    }
    (info, edges)
}

/// Nothing tells whether YAML has changed since: of a generic test the manifest says only what the
/// files leave open, and what its macro asks for. Its arguments are a part of its id.
fn open_questions(node: &mut Node, theirs: &[(&manifest::Node, bool)], edges: &mut ManifestEdges) {
    let runs = |(t, live): &&(&manifest::Node, bool)| *live && t.config.enabled != Some(false);
    let live = theirs.iter().find(runs);
    if node.enabled.is_none() {
        node.enabled = Some(live.is_some());
    }
    if let Some((theirs, _)) = live {
        let parents = theirs.depends_on.nodes.iter();
        edges.insert(node.id, parents.map(|p| p.as_str().to_owned()).collect());
    }
}

fn take_config(node: &mut Node, theirs: &manifest::Node) {
    let Some(raw) = &theirs.config.raw else {
        return;
    };
    let Some(Value::Object(config)) = raw.value() else {
        return;
    };
    for (key, value) in config {
        // A value that dbt left out says nothing.
        if !value.is_null() && key != "enabled" {
            node.config.replace(&key, value, Origin::Manifest);
        }
    }
}
