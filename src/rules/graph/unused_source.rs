use crate::project::{Node, Project, ResourceType};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink, Subject};
use crate::syntax::jinja::RelationRef;
use crate::violation::{Confidence, Severity, Violation};
use rustc_hash::FxHashSet;
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UnusedSource {}

impl BuiltIn for UnusedSource {
    const META: Meta = Meta {
        id: Borrowed("graph/unused-source"),
        severity: Severity::Warn,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!("../../../rules/graph/unused-source/README.md")),
    };
}

impl Rule for UnusedSource {
    fn subject(&self) -> Subject {
        Subject::Sources
    }

    fn project(&self, cx: &Cx, sink: &mut Sink) {
        let asked = Asked::of(cx.project);
        for source in cx.project.own(&[ResourceType::Source]) {
            let used = cx.project.readers_of(source.id).next().is_some();
            if used || source.enabled.is_none() || asked.may_mean(source) {
                continue;
            }
            let message = format!(
                "no model or snapshot reads the source `{}`: it is documented, tested and watched for nobody, and may long be gone from the warehouse",
                source.display_name()
            );
            sink.push_on(
                Some(source.id),
                Violation::new(source.place, message).symbol("unused"),
            );
        }
    }
}

/// Sources that are asked for by names which are not known before dbt runs.
#[derive(Default)]
struct Asked<'p> {
    any: bool,
    tables_of: FxHashSet<&'p str>,
    tables: FxHashSet<&'p str>,
    /// Words of files that call a macro of a package which is not installed: it may be given the
    /// names of what it reads.
    words: FxHashSet<&'p str>,
}

impl<'p> Asked<'p> {
    fn of(project: &'p Project) -> Self {
        let mut out = Self::default();
        for node in project.own(TYPES) {
            let Some(sql) = &node.sql else { continue };
            out.any |= sql.exhausted;
            let unknown = |name: &str| project.misses_packages() && project.is_unknown_macro(name);
            if sql.macros.iter().any(|(name, _)| unknown(name)) {
                let text = &project.files.get(node.file).text;
                out.words
                    .extend(text.split(|c: char| !(c.is_alphanumeric() || c == '_')));
            }
            for call in &sql.relations {
                match &call.relation {
                    RelationRef::Source {
                        source: None,
                        table: None,
                    } => out.any = true,
                    RelationRef::Source {
                        source: Some(source),
                        table: None,
                    } => {
                        out.tables_of.insert(source);
                    }
                    RelationRef::Source {
                        source: None,
                        table: Some(table),
                    } => {
                        out.tables.insert(table);
                    }
                    _ => {}
                }
            }
        }
        out
    }

    fn may_mean(&self, source: &Node) -> bool {
        let of = source.source_name.as_deref().unwrap_or_default();
        let table = source.name.as_str();
        self.any
            || self.tables_of.contains(of)
            || self.tables.contains(table)
            || self.words.contains(table)
    }
}

const TYPES: &[ResourceType] = &[ResourceType::Model, ResourceType::Snapshot];
