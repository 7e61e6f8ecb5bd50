use crate::config::Layer;
use crate::project::{Node, NodeId, Project, ResourceType};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink};
use crate::syntax::jinja::RelationRef;
use crate::text::{FileId, Span};
use crate::violation::{Confidence, Severity, Violation};
use regex::Regex;
use rustc_hash::FxHashSet;
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Orphan {}

impl BuiltIn for Orphan {
    const META: Meta = Meta {
        id: Borrowed("graph/orphan"),
        severity: Severity::Warn,
        confidence: Confidence::Likely,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!("../../../rules/graph/orphan/README.md")),
    };
}

impl Rule for Orphan {
    fn project(&self, cx: &Cx, sink: &mut Sink) {
        let project = cx.project;
        if asks_for_anything(project) {
            return;
        }
        let mentioned = mentioned(project);
        let mut mirrors: Option<Mirrors> = None;
        // Reads more files than all the rest, so it waits until somebody asks.
        let by_macros = OnceCell::new();
        let by_macros = || by_macros.get_or_init(|| mentioned_by_macros(project));
        for model in project.models() {
            let Some(layer) = project.layer(model).filter(|l| !project.is_leaf(l)) else {
                continue;
            };
            let used = has_user(project, model)
                || project.picked.holds(model, project.path(model.file))
                || mentioned.contains(model.name.as_str())
                || project.is_time_spine(model)
                // Another project may read it; where that is not known, nothing is said.
                || !matches!(project.access(model), Some("protected" | "private"))
                || model.enabled.is_none()
                || by_macros().contains(model.name.as_str())
                || project.may_be_used_elsewhere(model);
            if used {
                continue;
            }
            let message = format!(
                "nothing uses `{}` ({}): no model, exposure, semantic model or selector; {}, and nobody would see it go wrong",
                model.display_name(),
                layer.name,
                cost(model)
            );
            let mut found = Violation::new(Span::whole(model.file), message).symbol("orphan");
            let mirrors = mirrors.get_or_insert_with(|| Mirrors::of(project));
            if let Some((source, read, all)) = mirrors.kept_whole(project, model) {
                found = found
                    .severity(Severity::Info)
                    .confidence(Confidence::Heuristic)
                    .help(format!(
                        "the tables of `{source}` are staged one by one and {read} of {all} are read, so this one may be kept for later; delete it if it is not"
                    ));
            }
            sink.push_on(Some(model.id), found);
        }
    }
}

/// What keeping a model costs.
fn cost(model: &Node) -> &'static str {
    match model.config.text("materialized") {
        // What dbt makes where nothing is said.
        Some("view") => "it is a view, made anew in every run though it holds no data",
        None if !model.config.is_unknown("materialized") => {
            "it is a view, made anew in every run though it holds no data"
        }
        Some("ephemeral") => "being ephemeral it costs nothing, but it has to be kept up",
        Some(_) => "it costs a build in every run",
        None => "it may cost a build in every run",
    }
}

/// Models that mirror one table each, by layer and by the source that the tables are of.
struct Mirrors<'p> {
    by_source: BTreeMap<(&'p str, &'p str), Vec<NodeId>>,
}

/// With fewer siblings than these, nobody staged a whole schema.
const SIBLINGS: usize = 5;

impl<'p> Mirrors<'p> {
    fn of(project: &'p Project) -> Self {
        let mut by_source: BTreeMap<(&str, &str), Vec<NodeId>> = BTreeMap::new();
        let mut seen = FxHashSet::default();
        for model in project.models() {
            let mirroring = |l: &&Layer| ["base", "staging", "ods"].contains(&l.role.as_str());
            let Some(layer) = project.layer(model).filter(mirroring) else {
                continue;
            };
            let Some(table) = mirrored(project, model) else {
                continue;
            };
            // Two models of one table are two views of it, no mirrors.
            if let Some(source) = &table.source_name
                && seen.insert((&layer.name, table.id))
            {
                let key = (layer.name.as_str(), source.as_str());
                by_source.entry(key).or_default().push(model.id);
            }
        }
        Self { by_source }
    }

    /// Is the model one of many that stage a source table by table, of which half or more are read? The
    /// source, how many are read, and how many there are.
    fn kept_whole(&self, project: &'p Project, model: &Node) -> Option<(&'p str, usize, usize)> {
        let is_here = |(_, ids): &(_, &Vec<NodeId>)| ids.contains(&model.id);
        let ((_, source), all) = self.by_source.iter().find(is_here)?;
        let is_read = |id: &&NodeId| has_user(project, project.node(**id));
        let read = all.iter().filter(is_read).count();
        (all.len() > SIBLINGS && 2 * read >= all.len()).then_some((*source, read, all.len()))
    }
}

/// The source's table that a model reads, itself or through models that read nothing else: its only
/// parent's only parent, and so on.
fn mirrored<'p>(project: &'p Project, model: &Node) -> Option<&'p Node> {
    let mut id = model.id;
    for _ in 0..MAX_STEPS {
        let parents = project.graph.parents(id);
        let [(parent, _)] = parents[..] else {
            return None;
        };
        let node = project.node(parent);
        match node.resource_type {
            ResourceType::Source => return Some(node),
            ResourceType::Model => id = parent,
            _ => return None,
        }
    }
    None
}

/// A mirror lies this near to its table: raw, base, staging.
const MAX_STEPS: usize = 3;

/// What hangs on a model as a test of it does not use it.
fn has_user(project: &Project, model: &Node) -> bool {
    let children = project.graph.children(model.id);
    let mut others = children.into_iter().filter(|c| *c != model.id);
    others.any(|c| !project.node(c).resource_type.as_str().ends_with("test"))
}

/// Some node refs a name that only a run knows: it may be any.
fn asks_for_anything(project: &Project) -> bool {
    let asks = |n: &Node| {
        let sql = n.sql.iter();
        let unknown = |r: &RelationRef| matches!(r, RelationRef::Ref { name: None, .. });
        let mut calls = sql.clone().flat_map(|s| &s.relations);
        calls.any(|c| unknown(&c.relation)) || sql.clone().any(|s| s.exhausted)
    };
    project.own(READERS).any(asks)
}

const READERS: &[ResourceType] = &[
    ResourceType::Model,
    ResourceType::Snapshot,
    ResourceType::Analysis,
];

/// Names that a `ref` in a hook of the project, or in a branch that dbt's parse never takes
/// (`execute`, `is_incremental()`), speaks of: no edges, but uses.
fn mentioned(project: &Project) -> FxHashSet<&str> {
    let files = project.own(READERS).map(|n| n.file);
    let files = files.chain(project.project_file());
    names_in(project, files.map(|f| (f, &*project.files.get(f).text)))
}

/// The same of macros, but for those that nobody calls.
fn mentioned_by_macros(project: &Project) -> FxHashSet<&str> {
    names_in(project, project.live_macros().into_iter())
}

fn names_in<'p>(
    project: &'p Project,
    texts: impl Iterator<Item = (FileId, &'p str)>,
) -> FxHashSet<&'p str> {
    let mut out = FxHashSet::default();
    for (file, text) in texts {
        let own = project.files.get(file).stem();
        for found in CALL.iter().flat_map(|c| c.captures_iter(text)) {
            let name = found.get(1).map_or("", |m| m.as_str());
            // A model that names itself reads its former rows.
            if name != own {
                out.insert(name);
            }
        }
    }
    out.remove("");
    out
}

/// A comment of Jinja, which is passed over, or `ref('name')` with or without a package.
static CALL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?s)\{#.*?#\}|\bref\(\s*(?:['"][^'"]*['"]\s*,\s*)?['"]([^'"]+)['"]"#).ok()
});
