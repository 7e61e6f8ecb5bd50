use crate::project::{Node, Project, Reference, Resolution, ResourceType};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Reach, Rule, Sink};
use crate::syntax::jinja::RelationRef;
use crate::violation::{Confidence, Severity, Violation};
use rustc_hash::{FxHashMap, FxHashSet};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UndeclaredSource {}

impl BuiltIn for UndeclaredSource {
    const META: Meta = Meta {
        id: Borrowed("graph/undeclared-source"),
        severity: Severity::Error,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Minimal),
        doc: Borrowed(include_str!(
            "../../../rules/graph/undeclared-source/README.md"
        )),
    };
}

impl Rule for UndeclaredSource {
    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn project(&self, cx: &Cx, sink: &mut Sink) {
        let declared = Declared::of(cx.project);
        let mut seen = FxHashSet::default();
        // A reference that is surely made comes before one to the same table that may not be.
        let all = &cx.project.unresolved;
        let sure = all.iter().filter(|(_, r, _)| !r.unsure);
        for (child, reference, resolution) in sure.chain(all.iter().filter(|(_, r, _)| r.unsure)) {
            let child = cx.project.node(*child);
            let RelationRef::Source {
                source: Some(source),
                table: Some(table),
            } = &reference.relation
            else {
                continue;
            };
            if !child.is_own() || !seen.insert((child.id, source, table)) {
                continue;
            }
            let found = match resolution {
                Resolution::Missing(near) => {
                    declared.missing(source, table, near.as_deref(), child)
                }
                Resolution::Disabled(parent) => {
                    disabled(cx.project, child, cx.project.node(*parent))
                }
                Resolution::Found(_) | Resolution::Unknown => None,
            };
            if let Some((message, help)) = found {
                let found = finding(child, reference, message).symbol(format!("{source}.{table}"));
                sink.push_on(Some(child.id), found.help(help));
            }
        }
    }
}

fn finding(child: &Node, reference: &Reference, mut message: String) -> Violation {
    message.push_str("; ");
    message.push_str(match child.resource_type {
        ResourceType::Test => "dbt leaves this test out, so it never runs",
        _ => "dbt refuses the whole project",
    });
    if reference.in_comment {
        message.push_str(" (it stands in a SQL comment, which dbt renders)");
    }
    let found = Violation::new(reference.span, message);
    // Where a run may never come here, or may leave the child out, dbt may well accept it.
    match reference.unsure || child.enabled.is_none() {
        true => found
            .severity(Severity::Warn)
            .confidence(Confidence::Likely),
        false => found,
    }
}

/// The tables of every source, and what may be declared where nobody can read it.
struct Declared<'p> {
    tables: FxHashMap<&'p str, Vec<&'p str>>,
    /// A name is made by Jinja, or a property file could not be read at all.
    unknown: bool,
    /// The words of property files that break off.
    lost: FxHashSet<&'p str>,
}

impl<'p> Declared<'p> {
    fn of(project: &'p Project) -> Self {
        let mut tables: FxHashMap<&str, Vec<&str>> = FxHashMap::default();
        let mut unknown = project.has_unread_properties();
        let sources = project.nodes.iter();
        for node in sources.filter(|n| n.resource_type == ResourceType::Source) {
            let source = node.source_name.as_deref().unwrap_or_default();
            tables.entry(source).or_default().push(&node.name);
            unknown |= source.contains("{{") || node.name.contains("{{");
        }
        let broken = project.yaml.iter().filter(|(_, y)| !y.is_complete());
        let texts = broken.map(|(file, _)| &*project.files.get(*file).text);
        Self {
            tables,
            unknown,
            lost: texts.flat_map(words).collect(),
        }
    }

    fn missing(
        &self,
        source: &str,
        table: &str,
        near: Option<&str>,
        child: &Node,
    ) -> Option<(String, String)> {
        if self.unknown || words(table).all(|w| self.lost.contains(w)) {
            return None;
        }
        let call = format!("`source('{source}', '{table}')`");
        let near = near.map_or(String::new(), |n| format!("did you mean `{n}`? "));
        Some(match self.tables.get(source) {
            Some(_) => (
                format!("{call}: the source `{source}` has no table `{table}`"),
                format!(
                    "{near}Otherwise add `{table}` to the tables of `{source}` in its property file"
                ),
            ),
            None => (
                format!("{call}: no property file declares a source `{source}`"),
                format!(
                    "{near}Otherwise declare `{source}` with its table `{table}` under `sources:` in a property file beside `{}`",
                    child.display_name()
                ),
            ),
        })
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    words.filter(|w| !w.is_empty())
}

/// A source that is switched off.
fn disabled(project: &Project, child: &Node, parent: &Node) -> Option<(String, String)> {
    // Where the child's switch is not known, the same condition may turn off both; dbt allows for
    // tests of nodes that are switched off.
    child.enabled?;
    if child.resource_type == ResourceType::Test {
        return None;
    }
    let of = parent.display_name();
    Some((
        format!(
            "the source `{of}` is disabled, in {}, and `{}` reads it",
            project.path(parent.file),
            child.display_name()
        ),
        format!(
            "enable `{of}`, or disable `{}` under the same condition",
            child.display_name()
        ),
    ))
}
