use crate::baseline::Idle;
use crate::config::{BaselineSetting, Config};
use crate::rule::{BuiltIn, Cx, FixAvailability, IdleEntry, Meta, Preset, Rule, Sink, Subject};
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StaleBaseline {}

impl BuiltIn for StaleBaseline {
    const META: Meta = Meta {
        id: Borrowed("harness/stale-baseline"),
        severity: Severity::Warn,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Minimal),
        doc: Borrowed(include_str!(
            "../../../rules/harness/stale-baseline/README.md"
        )),
    };

    fn is_asked_for(config: &Config) -> bool {
        matches!(config.baseline, BaselineSetting::Path(_))
    }
}

impl Rule for StaleBaseline {
    fn subject(&self) -> Subject {
        Subject::Project
    }

    fn baseline(&self, _cx: &Cx, idle: &[IdleEntry], sink: &mut Sink) {
        for IdleEntry { entry, span, why } in idle {
            let (rule, node) = (&entry.rule, &entry.node);
            let message = match why {
                Idle::Gone => format!(
                    "`{rule}` finds this no longer in `{node}`: the entry would hide the defect if \
                     it came back"
                ),
                Idle::NoNode => {
                    format!("the entry holds a finding of `{node}`, which is not in the project")
                }
                Idle::NoRule => format!("there is no rule `{rule}`, so the entry holds nothing"),
                Idle::Twice => {
                    format!("another entry holds this finding of `{rule}` in `{node}` already")
                }
                Idle::Never => {
                    format!("what `{rule}` says is about the bar itself, and no baseline holds it")
                }
            };
            let symbol = format!("{:016x}", entry.fingerprint);
            sink.push(Violation::new(*span, message).symbol(symbol));
        }
    }
}
