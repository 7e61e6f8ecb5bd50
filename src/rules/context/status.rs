use crate::config::Config;
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink, Subject};
use crate::text::Span;
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Status {}

impl BuiltIn for Status {
    const META: Meta = Meta {
        id: Borrowed("context/status"),
        severity: Severity::Warn,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!("../../../rules/context/status/README.md")),
    };

    fn is_asked_for(config: &Config) -> bool {
        config.context.configured
    }
}

const STATES: [&str; 3] = ["verified", "draft", "stale"];

impl Rule for Status {
    fn subject(&self) -> Subject {
        Subject::Documents
    }

    fn project(&self, cx: &Cx, sink: &mut Sink) {
        for system in cx.project.source_systems() {
            let Some(overview) = cx.project.overview(&system.name) else {
                continue;
            };
            let name = &system.name;
            let found = match overview.fact("status") {
                None => {
                    let message = format!(
                        "the overview of `{name}` has no `status`: its reader cannot tell what somebody checked from what somebody guessed"
                    );
                    let place = Span::new(overview.file, 0, 0);
                    Some(Violation::new(place, message).help(
                        "write `status: verified` (with `verified_at:`), `draft` or `stale` into the front matter or the first lines",
                    ))
                }
                Some(fact) if !STATES.contains(&word(&fact.value)) => {
                    let message = format!(
                        "the status of the overview of `{name}` is `{}`, which is none of verified, draft, stale",
                        fact.value
                    );
                    Some(Violation::new(overview.span(&fact.range), message))
                }
                Some(fact) if word(&fact.value) == "verified" => {
                    let at = overview.fact("verified_at").map(|f| f.value.as_str());
                    let is_known = at.is_some_and(|v| is_day(v) || is_commit(v));
                    (!is_known).then(|| {
                        let message = format!(
                            "the overview of `{name}` is `verified`, but no `verified_at` says when: a check that was never dated cannot grow old"
                        );
                        Violation::new(overview.span(&fact.range), message)
                            .help("add `verified_at:` with a date (2024-01-31) or a commit")
                    })
                }
                Some(_) => None,
            };
            sink.push_some(found.map(|f| f.symbol("status")));
        }
    }
}

/// The first word, as written in small letters: `verified (by A.)` is verified.
fn word(value: &str) -> &str {
    let value = value.trim();
    let end = value.find(|c: char| !c.is_ascii_alphabetic());
    &value[..end.unwrap_or(value.len())]
}

fn is_day(value: &str) -> bool {
    let day = value.as_bytes();
    day.len() >= 10
        && day[..10].iter().enumerate().all(|(i, b)| match i {
            4 | 7 => *b == b'-',
            _ => b.is_ascii_digit(),
        })
}

fn is_commit(value: &str) -> bool {
    (7..=40).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_hexdigit())
}
