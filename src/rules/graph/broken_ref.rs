use crate::project::{Node, NodeId, Project, Reference, Resolution, ResourceType};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Reach, Rule, Sink};
use crate::syntax::jinja::RelationRef;
use crate::syntax::yaml;
use crate::text::Span;
use crate::violation::{Confidence, Severity, Violation};
use rustc_hash::FxHashSet;
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BrokenRef {}

impl BuiltIn for BrokenRef {
    const META: Meta = Meta {
        id: Borrowed("graph/broken-ref"),
        severity: Severity::Error,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Minimal),
        doc: Borrowed(include_str!("../../../rules/graph/broken-ref/README.md")),
    };
}

impl Rule for BrokenRef {
    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn project(&self, cx: &Cx, sink: &mut Sink) {
        let mut seen = FxHashSet::default();
        // A reference that is surely made comes before one to the same name that may not be.
        let sure = |(_, r, _): &&(NodeId, Reference, Resolution)| !r.unsure;
        let all = &cx.project.unresolved;
        let ordered = all.iter().filter(sure);
        for (child, reference, resolution) in ordered.chain(all.iter().filter(|e| !sure(e))) {
            let child = cx.project.node(*child);
            if !child.is_own() || !seen.insert((child.id, reference.relation.clone())) {
                continue;
            }
            if let Some(found) = finding(cx.project, child, reference, resolution) {
                sink.push_on(Some(child.id), found);
            }
        }
    }
}

/// A reference as it is written.
struct Written<'a> {
    what: What,
    package: Option<&'a str>,
    name: &'a str,
    version: Option<&'a str>,
}

/// What a reference asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Ref,
    Metric,
    Function,
    Measure,
}

impl What {
    /// The function that names one in Jinja.
    fn function(self) -> &'static str {
        match self {
            What::Ref => "ref",
            What::Metric => "metric",
            What::Function => "function",
            What::Measure => "measure",
        }
    }

    /// What has such names.
    fn holders(self) -> &'static str {
        match self {
            What::Ref => "model, seed or snapshot",
            What::Metric => "metric",
            What::Function => "function",
            What::Measure => "measure of a semantic model",
        }
    }
}

impl Written<'_> {
    fn text(&self) -> String {
        let package = self.package.map_or(String::new(), |p| format!("'{p}', "));
        let version = self.version.map_or(String::new(), |v| format!(", v={v}"));
        format!(
            "{}({package}'{}'{version})",
            self.what.function(),
            self.name
        )
    }

    /// As the child writes it: metrics and saved queries have bare names.
    fn shown(&self, child: &Node) -> String {
        let bare = matches!(
            child.resource_type,
            ResourceType::Metric | ResourceType::SavedQuery
        );
        match bare && self.what != What::Ref {
            true => self.name.to_owned(),
            false => self.text(),
        }
    }
}

fn written(relation: &RelationRef) -> Option<Written<'_>> {
    let (what, package, name, version) = match relation {
        RelationRef::Ref {
            package,
            name: Some(name),
            version,
        } => (What::Ref, package.as_ref(), name, version.as_ref()),
        RelationRef::Metric {
            package,
            name: Some(name),
        } => (What::Metric, package.as_ref(), name, None),
        RelationRef::Function {
            package,
            name: Some(name),
        } => (What::Function, package.as_ref(), name, None),
        RelationRef::Measure(name) => (What::Measure, None, name, None),
        _ => return None,
    };
    Some(Written {
        what,
        package: package.and_then(|p| p.as_deref()),
        name,
        version: version.and_then(|v| v.as_deref()),
    })
}

/// New metrics may stand in a model's entry, which is not read so far: dbt 1.12 knows them there.
fn may_stand_in_models(project: &Project) -> bool {
    let roots = project.yaml.values().filter_map(yaml::Yaml::root);
    let mut models = roots.filter_map(|r| r.get("models")).flat_map(|m| {
        let items: Vec<yaml::Node> = m.resolve().items().collect();
        items
    });
    models.any(|m| m.get("metrics").is_some() || m.get("semantic_model").is_some())
}

fn finding(
    project: &Project,
    child: &Node,
    reference: &Reference,
    resolution: &Resolution,
) -> Option<Violation> {
    let written = written(&reference.relation)?;
    let mut found = match resolution {
        Resolution::Disabled(parent) => disabled(project, child, project.node(*parent), reference)?,
        Resolution::Missing(_)
            if matches!(written.what, What::Metric | What::Measure)
                && may_stand_in_models(project) =>
        {
            return None;
        }
        Resolution::Missing(near) => missing(project, child, &written, near.as_deref(), reference),
        Resolution::Found(_) | Resolution::Unknown => return None,
    };
    if reference.in_comment {
        let comment = " (it stands in a SQL comment, which dbt renders)";
        found.primary.message.push_str(comment);
    }
    // Where a run may never come here, or may leave the child out, dbt may well accept it.
    if reference.unsure || child.enabled.is_none() {
        found = found
            .severity(Severity::Warn)
            .confidence(Confidence::Likely);
    }
    Some(found.symbol(written.text()))
}

/// What dbt does about it.
fn outcome(child: &Node) -> &'static str {
    match child.resource_type {
        ResourceType::Test => "dbt leaves this test out, so it never runs",
        _ => "dbt refuses the whole project",
    }
}

fn missing(
    project: &Project,
    child: &Node,
    written: &Written,
    near: Option<&str>,
    reference: &Reference,
) -> Violation {
    let versions = versions_of(project, written);
    let what = match written.package {
        Some(p) if !project.packages.iter().any(|known| **known == *p) => {
            format!("there is no package `{p}`")
        }
        _ if !versions.is_empty() => format!("`{}` has no such version", written.name),
        Some(p) => format!("the package `{p}` has no such {}", written.what.holders()),
        None => format!("there is no such {}", written.what.holders()),
    };
    let message = format!("`{}`: {what}; {}", written.shown(child), outcome(child));
    let found = Violation::new(reference.span, message);
    let found = match seed_entry(project, written) {
        // Large or generated seeds are often kept out of a repository.
        Some(at) => found
            .severity(Severity::Warn)
            .confidence(Confidence::Likely)
            .related(
                at,
                "a seed is described here, but its file is not in the repository",
            ),
        None => found,
    };
    let others: Vec<String> = versions
        .iter()
        .flatten()
        .map(|v| format!("v={v}"))
        .collect();
    match near {
        _ if !others.is_empty() => found.help(format!("its versions are {}", others.join(", "))),
        _ if !versions.is_empty() => found.help("it has no versions: leave `v=` out"),
        Some(near) => found.help(format!("did you mean `{near}`?")),
        None => found,
    }
}

/// Where YAML speaks of a seed of this name: its entry, or its key in dbt_project.yml.
fn seed_entry(project: &Project, written: &Written) -> Option<Span> {
    if written.what != What::Ref {
        return None;
    }
    let mut files = project.own_file_ids();
    files.sort_by_key(|f| project.path(*f));
    files.iter().find_map(|file| {
        let seeds = project.yaml.get(file)?.root()?.get("seeds")?.resolve();
        let entries = seeds.items().filter_map(|entry| entry.get("name"));
        let mut named = entries.filter(|n| n.as_str() == Some(written.name));
        let entry = named.next().map(|n| n.span());
        entry.or_else(|| key_of(seeds, written.name))
    })
}

/// A key of nested mappings.
fn key_of(node: yaml::Node, name: &str) -> Option<Span> {
    node.resolve().own_entries().find_map(|(key, value)| {
        let hit = key.as_str() == Some(name);
        hit.then(|| key.span()).or_else(|| key_of(value, name))
    })
}

/// The versions of nodes with that very name, in order; none for one without versions.
fn versions_of<'p>(project: &'p Project, written: &Written) -> Vec<Option<&'p str>> {
    if written.what != What::Ref {
        return Vec::new();
    }
    let named = project.nodes.iter().filter(|n| {
        n.resource_type.is_refable()
            && n.name == written.name
            && written.package.is_none_or(|p| *p == *n.package_name)
    });
    named.map(|n| n.version.as_deref()).collect()
}

fn disabled(
    project: &Project,
    child: &Node,
    parent: &Node,
    reference: &Reference,
) -> Option<Violation> {
    // Where the child's switch is not known, the same condition may turn off both.
    child.enabled?;
    let name = parent.display_name();
    let kind = parent.resource_type.as_str();
    let message = format!("the {kind} `{name}` is disabled: {}", outcome(child));
    let mut found = Violation::new(reference.span, message).help(format!(
        "enable `{name}`, or disable `{}` under the same condition",
        child.display_name()
    ));
    if let Some(at) = parent.config.get("enabled").and_then(|v| v.span)
        && !project.text(at).is_empty()
    {
        found = found.related(at, format!("`{name}` is disabled here"));
    }
    // dbt allows for tests of nodes that are switched off.
    Some(match child.resource_type {
        ResourceType::Test => found.severity(Severity::Warn),
        _ => found,
    })
}
