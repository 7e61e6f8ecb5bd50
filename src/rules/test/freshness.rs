use crate::project::{Node, Project, ResourceType, Threshold};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink, Subject};
use crate::syntax::yaml::Node as YamlNode;
use crate::text::Span;
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// Where a promise about freshness is written.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Freshness {
    /// Keys of `meta` that promise how old data may be: `24h`, `1 day`, or a number of hours.
    sla: Vec<String>,
}

impl Default for Freshness {
    fn default() -> Self {
        let list = ["freshness_sla", "freshness_sla_hours", "sla", "sla_hours"];
        Self {
            sla: list.map(str::to_owned).to_vec(),
        }
    }
}

impl BuiltIn for Freshness {
    const META: Meta = Meta {
        id: Borrowed("test/freshness"),
        severity: Severity::Info,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!("../../../rules/test/freshness/README.md")),
    };
}

impl Rule for Freshness {
    fn subject(&self) -> Subject {
        Subject::Sources
    }

    fn project(&self, cx: &Cx, sink: &mut Sink) {
        let sources =
            cx.project.nodes.iter().filter(|n| {
                n.resource_type == ResourceType::Source && n.is_own() && !n.is_disabled()
            });
        for source in sources {
            if let Some(found) = self.source(cx.project, source) {
                sink.push_on(Some(source.id), found);
            }
        }
    }

    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        let Some(entry) = cx.project.entry(model) else {
            return;
        };
        let Some(sla) = self.promise(&[Some(entry)]) else {
            return;
        };
        let watched = cx.project.tests_of(model).into_iter().any(|test| {
            let name = test.test.as_ref().map_or(&test.name, |t| &t.name);
            ["recency", "recent_data", "freshness", "volume_anomalies"]
                .iter()
                .any(|w| name.contains(w))
        });
        if watched || model.config.get("freshness").is_some() {
            return;
        }
        let message = format!(
            "`{}` promises data not older than {}, and no test looks at how old it is",
            model.display_name(),
            sla.text
        );
        let found = Violation::new(sla.span, message)
            .severity(Severity::Warn)
            .help("add `dbt_utils.recency`, or elementary's freshness test, with an interval within the promise");
        sink.push(found.symbol("sla"));
    }
}

/// A promise, in hours.
struct Promise {
    hours: f64,
    text: String,
    span: Span,
}

impl Freshness {
    fn promise(&self, entries: &[Option<YamlNode>]) -> Option<Promise> {
        let metas = entries.iter().flatten().flat_map(|e| {
            let of_config = e.get("config").and_then(|c| c.get("meta"));
            [of_config, e.get("meta")]
        });
        metas.flatten().find_map(|meta| {
            self.sla.iter().find_map(|key| {
                let value = meta.get(key)?;
                let text = value.as_str()?;
                Some(Promise {
                    hours: hours(text)?,
                    text: text.to_owned(),
                    span: value.span(),
                })
            })
        })
    }

    fn source(&self, project: &Project, source: &Node) -> Option<Violation> {
        let tree = project.yaml.get(&source.properties.as_ref()?.file)?;
        let table = project.entry(source)?;
        let above = source.source_entry.map(|id| tree.node(id));
        let sla = self.promise(&[Some(table), above]);
        let name = source.display_name();
        let checks = match checks(source) {
            Checks::Unknown => return None,
            Checks::Off => None,
            Checks::Set { error_hours } => Some(error_hours),
        };
        let place = source.properties.as_ref()?.name_span;
        match (checks, sla) {
            (None, Some(sla)) => {
                let message = format!(
                    "`{name}` promises data not older than {}, and no `freshness` checks it: a load that stopped is noticed by whoever reads old numbers",
                    sla.text
                );
                let found = Violation::new(place, message).severity(Severity::Warn);
                Some(found.related(sla.span, "promised here").symbol("sla"))
            }
            (None, None) => {
                let message = format!(
                    "the source table `{name}` has no `freshness`: a load that stopped is noticed by whoever reads old numbers"
                );
                Some(Violation::new(place, message).symbol("freshness"))
            }
            (Some(error), Some(sla)) => {
                let error = error?;
                (error > sla.hours).then(|| {
                    let message = format!(
                        "`{name}` promises data not older than {}, but `error_after` is {error} hours: the promise is broken before anybody is told",
                        sla.text
                    );
                    let found = Violation::new(place, message).severity(Severity::Warn);
                    found.related(sla.span, "promised here").symbol("sla")
                })
            }
            (Some(_), None) => None,
        }
    }
}

/// When dbt fails for the age of a source's data, and whether it looks at all.
enum Checks {
    /// No `warn_after` and no `error_after`.
    Off,
    /// `error_after` in hours, where one is set.
    Set { error_hours: Option<f64> },
    /// The value has Jinja that only a run knows.
    Unknown,
}

fn checks(source: &Node) -> Checks {
    if let Some(freshness) = source.freshness() {
        let hours = |t: Threshold| Some(t.count as f64 * unit(&t.period)?);
        return Checks::Set {
            error_hours: freshness.error_after.and_then(hours),
        };
    }
    match source.properties_lost || source.config.is_unknown("freshness") {
        true => Checks::Unknown,
        false => Checks::Off,
    }
}

fn unit(word: &str) -> Option<f64> {
    match word.trim().trim_end_matches('s') {
        "m" | "min" | "minute" => Some(1.0 / 60.0),
        "" | "h" | "hr" | "hour" => Some(1.0),
        "d" | "day" => Some(24.0),
        "w" | "week" => Some(168.0),
        _ => None,
    }
}

/// `24h`, `1 day`, `36`.
fn hours(text: &str) -> Option<f64> {
    let text = text.trim().to_lowercase();
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.'));
    let (count, rest) = text.split_at(end.unwrap_or(text.len()));
    Some(count.parse::<f64>().ok()? * unit(rest)?)
}

#[cfg(test)]
mod tests {
    use super::hours;

    #[test]
    fn promises_are_read_in_hours() {
        assert_eq!(hours("24h"), Some(24.0));
        assert_eq!(hours("2 days"), Some(48.0));
        assert_eq!(hours("30 minutes"), Some(0.5));
        assert_eq!(hours("6"), Some(6.0));
        assert_eq!(hours("T+1"), None);
    }
}
