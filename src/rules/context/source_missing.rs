use crate::config::Config;
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink, Subject};
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

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
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!(
            "../../../rules/context/source-missing/README.md"
        )),
    };

    fn is_asked_for(config: &Config) -> bool {
        config.context.configured
    }
}

impl Rule for SourceMissing {
    fn subject(&self) -> Subject {
        Subject::SourceSystems
    }

    fn project(&self, cx: &Cx, sink: &mut Sink) {
        let (files, context) = (&cx.project.context, &cx.project.config.context);
        if files.partial || !(files.exists || context.configured) {
            return;
        }
        for system in cx.project.source_systems() {
            let (source, place) = (system.name, system.place);
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
