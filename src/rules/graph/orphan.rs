use crate::project::{Node, Project, ResourceType};
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
                "nothing uses `{}` ({}): no model, exposure, semantic model or selector; it costs a build in every run, and nobody would see it go wrong",
                model.display_name(),
                layer.name
            );
            let found = Violation::new(Span::whole(model.file), message).symbol("orphan");
            sink.push_on(Some(model.id), found);
        }
    }
}

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
