use crate::config::PathPattern;
use crate::load::Role;
use crate::project::{Node, Project, ResourceType};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink};
use crate::text::Span;
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;
use std::collections::{BTreeMap, BTreeSet};

/// No options: `context.dir` and `context.overview` of the configuration say where overviews are.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SourceMissing {}

impl BuiltIn for SourceMissing {
    const META: Meta = Meta {
        id: Borrowed("context/source-missing"),
        severity: Severity::Warn,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Recommended),
        doc: Borrowed(include_str!(
            "../../../rules/context/source-missing/README.md"
        )),
    };
}

const SOURCE: &str = "source";

impl Rule for SourceMissing {
    fn project(&self, cx: &Cx, sink: &mut Sink) {
        let (files, context) = (&cx.project.context, &cx.project.config.context);
        if files.partial || !(files.exists || context.configured) {
            return;
        }
        for (source, place) in sources(cx.project) {
            let overview = context.overview.replace("{source}", &source);
            let overview = overview.trim_start_matches("./");
            if files.files.contains(overview) {
                continue;
            }
            let path = format!("{}/{overview}", context.dir.trim_end_matches('/'));
            let message = format!(
                "the source `{source}` has no overview, {path} does not exist: whoever works on it, agent or person, can only copy what other models do"
            );
            let help = format!(
                "write {path}: what the system is, its core entities, how it is loaded, its traps"
            );
            sink.push(Violation::new(place, message).help(help).symbol(source));
        }
    }
}

/// The source systems of a project, and the place that stands for each.
fn sources(project: &Project) -> BTreeMap<String, Span> {
    let layers = project.layers.layers.iter();
    let captures = |p: &PathPattern| p.names().iter().any(|n| n == SOURCE);
    let by_folder = !project.layers.inferred && layers.flat_map(|l| &l.paths).any(captures);
    match by_folder {
        true => folders(project),
        false => declared(project),
    }
}

/// By the folders that hold models, each at its first file.
fn folders(project: &Project) -> BTreeMap<String, Span> {
    let mut layers_of: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for layer in project.models().filter_map(|m| m.layer.as_ref()) {
        if let Some(source) = layer.captures.get(SOURCE) {
            layers_of.entry(source).or_default().insert(layer.index);
        }
    }
    let of_models = |r: Role| matches!(r, Role::Model | Role::PythonModel | Role::Properties);
    let members = project.own_files().filter(|m| of_models(m.role));
    let mut paths: Vec<_> = members.map(|m| (project.path(m.file), m.file)).collect();
    paths.sort_unstable();
    let mut places = BTreeMap::new();
    for (path, file) in paths {
        for (index, layer) in project.layers.layers.iter().enumerate() {
            for captured in layer.paths.iter().filter_map(|p| p.captures(path)) {
                let source = captured.get(SOURCE).filter(|s| {
                    let holding = layers_of.get(s.as_str());
                    holding.is_some_and(|layers| layers.contains(&index))
                });
                if let Some(source) = source {
                    places.entry(source.clone()).or_insert(Span::whole(file));
                }
            }
        }
    }
    places
}

/// By the names that dbt knows, each at its first entry.
fn declared(project: &Project) -> BTreeMap<String, Span> {
    let tables = project
        .nodes
        .iter()
        .filter(|n| n.resource_type == ResourceType::Source && n.is_own() && !n.is_disabled());
    let mut tables: Vec<&Node> = tables.collect();
    tables.sort_by_key(|n| (project.path(n.file), n.place));
    let mut places = BTreeMap::new();
    for table in tables {
        if let Some(source) = &table.source_name {
            let place = || entry(project, table, source).unwrap_or(table.place);
            places.entry(source.clone()).or_insert_with(place);
        }
    }
    places
}

/// The name of the source in the file that holds this table of it.
fn entry(project: &Project, table: &Node, source: &str) -> Option<Span> {
    let list = project.yaml.get(&table.file)?.root()?.get("sources")?;
    let names = list.resolve().items().filter_map(|s| s.get("name"));
    let mut own = names.filter(|n| n.as_str() == Some(source));
    own.next().map(|n| n.span())
}
