//! manifest.json laid over what the files say: dbt's own resolution of what depends on macros,
//! targets and packages.
//!
//! Per node the file wins where the manifest is older than it (its checksum differs).

use super::config::Origin;
use super::{Node, NodeConfig, NodeId, ResourceType};
use crate::config::ManifestSetting;
use crate::load::{Notice, Place};
use crate::manifest::{self, Manifest, checksum_matches};
use crate::text::{FileId, Files, MappedBytes, Span, relative_path};
use rustc_hash::FxHashMap;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

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
    /// Nodes of packages that are not installed: nothing else knows of them.
    pub absent: usize,
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
        absent: 0,
    };
    let mut edges = ManifestEdges::default();
    let enabled = manifest.nodes.iter().chain(&manifest.functions);
    let enabled = enabled.map(|n| (n, true));
    let disabled = manifest.disabled.nodes.iter().map(|n| (n, false));
    // A disabled copy has the unique id of the model it was copied from: the path tells them apart.
    let mut known: FxHashMap<&str, Vec<(&manifest::Node, bool)>> = FxHashMap::default();
    for (node, is_enabled) in enabled.chain(disabled) {
        let same = known.entry(node.unique_id.as_str()).or_default();
        same.push((node, is_enabled));
    }
    let described = described(manifest);
    for node in nodes.iter_mut() {
        info.absent += usize::from(node.is_absent());
        if let Some(theirs) = described.get(node.unique_id.as_str()) {
            settle(node, theirs);
            continue;
        }
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

/// What a manifest says of a resource that property files alone define.
struct Described<'m> {
    enabled: bool,
    config: Option<manifest::Raw<'m>>,
    name: &'m str,
    source: Option<&'m str>,
    package: &'m str,
    kind: ResourceType,
}

/// Sources and the resources of the semantic layer, by unique id.
fn described<'m>(manifest: &'m Manifest) -> BTreeMap<&'m str, Described<'m>> {
    let mut out = BTreeMap::new();
    for source in &manifest.sources {
        let described = Described {
            enabled: true,
            config: source.config.raw,
            name: &source.name,
            source: Some(&source.source_name),
            package: &source.package_name,
            kind: ResourceType::Source,
        };
        out.insert(source.unique_id.as_str(), described);
    }
    let resources = [
        (&manifest.exposures, ResourceType::Exposure),
        (&manifest.metrics, ResourceType::Metric),
        (&manifest.semantic_models, ResourceType::SemanticModel),
        (&manifest.saved_queries, ResourceType::SavedQuery),
    ];
    for (list, kind) in resources {
        for resource in list {
            let described = Described {
                enabled: true,
                config: resource.config.raw,
                name: &resource.name,
                source: None,
                package: &resource.package_name,
                kind,
            };
            out.insert(resource.unique_id.as_str(), described);
        }
    }
    for node in &manifest.disabled.nodes {
        let kind = match &*node.resource_type {
            "source" => ResourceType::Source,
            "exposure" => ResourceType::Exposure,
            "metric" => ResourceType::Metric,
            "semantic_model" => ResourceType::SemanticModel,
            "saved_query" => ResourceType::SavedQuery,
            _ => continue,
        };
        out.entry(node.unique_id.as_str()).or_insert(Described {
            enabled: false,
            config: node.config.raw,
            name: &node.name,
            // A disabled source is nobody's parent.
            source: None,
            package: &node.package_name,
            kind,
        });
    }
    out
}

/// Nothing tells whether a property file has changed since: of what it alone defines the manifest
/// says only what the files leave open.
fn settle(node: &mut Node, theirs: &Described) {
    let absent = node.is_absent();
    if node.enabled.is_none() || absent {
        node.enabled = Some(theirs.enabled);
    }
    let config = theirs.config.as_ref().and_then(|raw| raw.value());
    let Some(Value::Object(config)) = config else {
        return;
    };
    for (key, value) in config {
        let open = absent || node.config.is_unknown(&key);
        if open && !value.is_null() && key != "enabled" {
            node.config.replace(&key, value, Origin::Manifest);
        }
    }
}

/// Adds the nodes of packages that are not installed, as far as others may read them; gives the
/// packages' names. They have no file: dbt_project.yml stands for it.
pub(super) fn add_absent(
    manifest: &Manifest,
    packages: &[crate::load::Package],
    nodes: &mut Vec<Node>,
) -> Vec<Arc<str>> {
    let mut missing: BTreeMap<&str, Vec<Node>> = BTreeMap::new();
    let installed = |name: &str| packages.iter().any(|p| *p.name == *name);
    let file = packages[0].file;
    for theirs in manifest.nodes.iter().chain(&manifest.functions) {
        let kind = match &*theirs.resource_type {
            "model" => ResourceType::Model,
            "seed" => ResourceType::Seed,
            "snapshot" => ResourceType::Snapshot,
            "function" => ResourceType::Function,
            _ => continue,
        };
        if !installed(&theirs.package_name) {
            let mut node = absent(
                &theirs.unique_id,
                &theirs.name,
                &theirs.package_name,
                kind,
                file,
            );
            node.version = theirs.version.some().map(str::to_owned);
            missing.entry(&theirs.package_name).or_default().push(node);
        }
    }
    for (id, theirs) in described(manifest) {
        if theirs.enabled && theirs.kind != ResourceType::Exposure && !installed(theirs.package) {
            let mut node = absent(id, theirs.name, theirs.package, theirs.kind, file);
            node.source_name = theirs.source.map(str::to_owned);
            missing.entry(theirs.package).or_default().push(node);
        }
    }
    let mut names = Vec::new();
    for (name, mut of_package) in missing {
        let name: Arc<str> = name.into();
        for node in &mut of_package {
            node.package = packages.len() + names.len();
            node.package_name = name.clone();
        }
        nodes.append(&mut of_package);
        names.push(name);
    }
    names
}

fn absent(id: &str, name: &str, package: &str, kind: ResourceType, file: FileId) -> Node {
    Node {
        id: NodeId(0),
        unique_id: id.to_owned(),
        resource_type: kind,
        name: name.to_owned(),
        source_name: None,
        version: None,
        package: usize::MAX,
        package_name: package.into(),
        fqn: vec![package.to_owned(), name.to_owned()],
        file,
        place: Span::whole(file),
        sql: None,
        python: false,
        config: NodeConfig::default(),
        properties: None,
        properties_lost: true,
        yaml_refs: Vec::new(),
        enabled: Some(true),
        layer: None,
        latest_version: None,
        source_entry: None,
        test: None,
        absent: true,
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
