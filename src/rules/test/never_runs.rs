use crate::project::{Node, Project, Resolution, ResourceType};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink};
use crate::syntax::jinja::RelationRef;
use crate::syntax::yaml::Node as YamlNode;
use crate::text::Span;
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow::Borrowed;
use std::collections::BTreeMap;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NeverRuns {}

impl BuiltIn for NeverRuns {
    const META: Meta = Meta {
        id: Borrowed("test/never-runs"),
        severity: Severity::Warn,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!("../../../rules/test/never-runs/README.md")),
    };
}

/// Settings of a test that mean nothing to a column or a model.
const OF_TESTS: [&str; 4] = ["severity", "error_if", "warn_if", "fail_calc"];

impl Rule for NeverRuns {
    fn project(&self, cx: &Cx, sink: &mut Sink) {
        let tests = cx.project.nodes.iter();
        let own = |n: &&Node| n.resource_type == ResourceType::Test && n.is_own();
        let mut dropped: BTreeMap<(u32, String), Vec<Dropped>> = BTreeMap::new();
        for test in tests.filter(own) {
            if test.config.flag("enabled") == Some(false) {
                continue;
            }
            if test.is_disabled() {
                if let Some((key, place, gone)) = gone(cx.project, test) {
                    let of_file = (test.place.file.0, key);
                    dropped
                        .entry(of_file)
                        .or_default()
                        .push((test, place, gone));
                }
                continue;
            }
            if let Some(found) = empty(test) {
                sink.push_on(Some(test.id), found);
            }
        }
        for ((_, name), tests) in dropped {
            let Some((first, place, gone)) = tests.first() else {
                continue;
            };
            let count = match tests.len() {
                1 => "this test never runs".to_owned(),
                n => format!("this test and {} more never run", n - 1),
            };
            let (why, help) = match gone {
                Gone::Missing(near) => (
                    format!("`{name}` is no model, seed or snapshot"),
                    match near {
                        Some(near) => format!("did you mean `{near}`? Otherwise delete the entry"),
                        None => "name the model as it is, or delete the entry".to_owned(),
                    },
                ),
                Gone::Disabled(_) => (
                    format!("`{name}` is disabled"),
                    "enable it, or delete tests that nobody runs".to_owned(),
                ),
            };
            let message = format!("{why}, so {count}: dbt drops it with a warning at most");
            let mut found = Violation::new(*place, message).help(help).symbol(name);
            // Who switched the model off may well know of its tests.
            let own = first.yaml_refs.first().is_some_and(|r| r.span == *place);
            if own && matches!(gone, Gone::Disabled(_)) {
                found = found.severity(Severity::Info);
            }
            if let Gone::Disabled(Some(span)) = gone {
                found = found.related(*span, "disabled here");
            }
            sink.push_on(Some(first.id), found);
        }
    }

    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        let (Some(entry), Some(properties)) = (cx.project.entry(model), &model.properties) else {
            return;
        };
        let name = model.display_name();
        misplaced(entry, &format!("the model `{name}`"), sink);
        let Some(tree) = cx.project.yaml.get(&properties.file) else {
            return;
        };
        for column in &properties.columns {
            let what = format!("the column `{}`", column.name.value);
            misplaced(tree.node(column.entry), &what, sink);
        }
    }
}

/// A test that dbt drops: the place that says what it asks for, and why that is not there.
type Dropped<'p> = (&'p Node, Span, Gone);

/// Why a test's node is not there.
enum Gone {
    /// Nothing has the name; perhaps this was meant.
    Missing(Option<String>),
    /// dbt leaves it out; where that is said.
    Disabled(Option<Span>),
}

/// What a dropped generic test lacks. Of a singular one graph/broken-ref tells.
fn gone(project: &Project, test: &Node) -> Option<(String, Span, Gone)> {
    test.test.as_ref()?;
    test.yaml_refs.iter().filter(|r| !r.unsure).find_map(|r| {
        let RelationRef::Ref {
            name: Some(name), ..
        } = &r.relation
        else {
            return None;
        };
        match project.resolve(test, &r.relation) {
            Resolution::Missing(near) => Some((name.clone(), r.span, Gone::Missing(near))),
            Resolution::Disabled(id) => {
                let node = project.node(id);
                let off = node.config.get("enabled")?;
                // Switched off by a variable, or in the model of a package: whoever installs that may
                // switch it on.
                let literal =
                    off.written.is_none() && off.span.is_none_or(|s| is_plain(project, s));
                let offered = off.span.is_some_and(|s| s.file == node.file) && project.is_package();
                (literal && !offered).then(|| (name.clone(), r.span, Gone::Disabled(off.span)))
            }
            _ => None,
        }
    })
}

fn is_plain(project: &Project, span: Span) -> bool {
    let text = project.text(span).to_lowercase();
    matches!(text.trim_matches(['"', '\'', ' ']), "false" | "no" | "off")
}

/// A condition that no row meets, a limit of no rows.
fn empty(test: &Node) -> Option<Violation> {
    let place = |key: &str| {
        let span = test.config.get(key).and_then(|c| c.span);
        span.unwrap_or(test.place)
    };
    let name = &test.name;
    if let Some(filter) = test.config.get("where").and_then(|c| c.value.as_ref()) {
        let text = match filter {
            Value::Bool(value) => value.to_string(),
            other => other.as_str()?.to_lowercase().replace([' ', '(', ')'], ""),
        };
        if matches!(
            &text[..],
            "false" | "1=0" | "0=1" | "1=2" | "2=1" | "1<>1" | "1!=1"
        ) {
            let message = format!(
                "`{name}` looks at rows where `{}`: there are none, so it always passes",
                filter.as_str().unwrap_or("false")
            );
            return Some(Violation::new(place("where"), message).symbol("where"));
        }
    }
    let limit = test.config.get("limit").and_then(|c| c.value.as_ref())?;
    let zero = limit.as_i64() == Some(0) || limit.as_str() == Some("0");
    zero.then(|| {
        let message =
            format!("`{name}` has `limit: 0`: it counts no failing row and always passes");
        Violation::new(place("limit"), message).symbol("limit")
    })
}

/// Settings of tests that stand where dbt does not look for them.
fn misplaced(entry: YamlNode, what: &str, sink: &mut Sink) {
    let places = [Some(entry), entry.get("config")];
    for place in places.into_iter().flatten() {
        for key in OF_TESTS {
            let Some((written, _)) = place.get_entry(key) else {
                continue;
            };
            let message = format!(
                "`{key}` stands on {what}, where dbt ignores it: its tests fail as if nothing were said"
            );
            let help = format!("move `{key}` under the `config:` of the test that it is meant for");
            sink.push(
                Violation::new(written.span(), message)
                    .help(help)
                    .symbol(key),
            );
        }
    }
}
