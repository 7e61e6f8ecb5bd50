use crate::project::{Node, Project, ResourceType, is_named_after};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink};
use crate::text::Span;
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;
use std::collections::BTreeSet;

/// No options: the layer table says what belongs where.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModelLocation {}

impl BuiltIn for ModelLocation {
    const META: Meta = Meta {
        id: Borrowed("structure/model-location"),
        severity: Severity::Warn,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!(
            "../../../rules/structure/model-location/README.md"
        )),
    };
}

impl Rule for ModelLocation {
    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        let project = cx.project;
        let path = project.path(model.file);
        let (named, lies) = (
            project.role_by_prefix(&model.name),
            project.role_by_folder(path),
        );
        let mut found = Vec::new();
        found.extend(misplaced(project, model, Span::whole(model.file)));
        if named.or(lies) == Some("staging") {
            found.extend(elsewhere_than_its_source(project, model, path));
        }
        for violation in found {
            sink.push(as_sure(project, violation));
        }
    }

    /// The evaluator asks the first question of snapshots and analyses too.
    fn project(&self, cx: &Cx, sink: &mut Sink) {
        for node in cx
            .project
            .own(&[ResourceType::Snapshot, ResourceType::Analysis])
        {
            if let Some(found) = misplaced(cx.project, node, node.place) {
                sink.push_on(Some(node.id), as_sure(cx.project, found));
            }
        }
    }
}

/// As sure as the layer table is.
fn as_sure(project: &Project, found: Violation) -> Violation {
    match project.layers.inferred {
        true => found.confidence(Confidence::Likely),
        false => found,
    }
}

/// A node whose name says another layer than the closest folder.
fn misplaced(project: &Project, model: &Node, place: Span) -> Option<Violation> {
    let named = project.role_by_prefix(&model.name)?;
    let lies = project.role_by_folder(project.path(model.file))?;
    if named == lies {
        return None;
    }
    let named_as = match named {
        "other" => "is named as a report, which is no layer's,".to_owned(),
        _ => format!("is named as a model of {named}"),
    };
    let message = format!(
        "`{}` {named_as} and lies in {lies}: one of the two misleads whoever looks for it",
        model.name
    );
    let help = match named {
        "other" => {
            format!("move the file out of the folders of {lies}, or name it as a model of {lies}")
        }
        _ => format!("move the file below the folder of {named}, or name it as a model of {lies}"),
    };
    Some(Violation::new(place, message).help(help).symbol("layer"))
}

/// A staging model lies below a folder named after every source it reads, directly or not.
fn elsewhere_than_its_source(project: &Project, model: &Node, path: &str) -> Option<Violation> {
    let folder = path.rsplit_once('/').map_or("", |(dir, _)| dir);
    let upstream = project.graph.ancestors(model.id, None);
    let sources = upstream.iter().map(|id| project.node(*id));
    let sources: BTreeSet<&str> = sources
        .filter(|n| n.resource_type == ResourceType::Source)
        .filter_map(|n| n.source_name.as_deref())
        .filter(|s| !is_named_after(folder, s))
        .collect();
    let first = sources.first()?;
    let all: Vec<String> = sources.iter().map(|s| format!("`{s}`")).collect();
    let all = match all.len() {
        1 => format!("the source {}", all[0]),
        _ => format!("the sources {}", all.join(", ")),
    };
    let message = format!(
        "`{}` reads {} and lies in no folder of that name: who looks for what is staged of it passes this file by",
        model.name, all
    );
    let help = match sources.len() {
        1 => format!("move the file below a folder `{first}` of the staging folder"),
        _ => "stage each source on its own, in a folder of its name, and join them in intermediate"
            .to_owned(),
    };
    Some(
        Violation::new(Span::whole(model.file), message)
            .help(help)
            .symbol("source"),
    )
}
