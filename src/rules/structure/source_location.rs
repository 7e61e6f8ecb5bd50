use crate::project::{ResourceType, is_named_after};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Reach, Rule, Sink, Subject};
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SourceLocation {}

impl BuiltIn for SourceLocation {
    const META: Meta = Meta {
        id: Borrowed("structure/source-location"),
        severity: Severity::Warn,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!(
            "../../../rules/structure/source-location/README.md"
        )),
    };
}

impl Rule for SourceLocation {
    fn subject(&self) -> Subject {
        Subject::Sources
    }

    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn project(&self, cx: &Cx, sink: &mut Sink) {
        let nodes = cx.project.nodes.iter();
        for table in nodes
            .filter(|n| n.resource_type == ResourceType::Source && n.is_own() && !n.is_disabled())
        {
            let Some(source) = &table.source_name else {
                continue;
            };
            let folder = folder(cx.project.path(table.file));
            if is_named_after(folder, source) {
                continue;
            }
            let message = format!(
                "the source table `{}` is declared in {folder}, not in a folder of its source: it is looked for beside the models that stage it",
                table.display_name()
            );
            let help = format!(
                "move the entry to a property file in the folder `{source}` of the staging layer"
            );
            sink.push_on(
                Some(table.id),
                Violation::new(table.place, message)
                    .help(help)
                    .symbol("file"),
            );
        }
    }
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/')
        .map_or("the project's own folder", |(dir, _)| dir)
}
