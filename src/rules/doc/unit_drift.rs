use crate::project::Node;
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink};
use crate::text::Span;
use crate::violation::{Confidence, Severity, Violation};
use regex::Regex;
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;
use std::sync::LazyLock;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UnitDrift {}

impl BuiltIn for UnitDrift {
    const META: Meta = Meta {
        id: Borrowed("doc/unit-drift"),
        severity: Severity::Warn,
        confidence: Confidence::Likely,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!("../../../rules/doc/unit-drift/README.md")),
    };
}

impl Rule for UnitDrift {
    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        for column in &cx.lineage().output(model.id).columns {
            let Some(name) = column.name.as_deref() else {
                continue;
            };
            let Some(own) = unit_of(model, name) else {
                continue;
            };
            let ways = cx.lineage().passed_from(model.id, name);
            let above = ways.iter().filter_map(|c| {
                let node = cx.project.node(c.node);
                Some((node, &*c.column, unit_of(node, &c.column)?))
            });
            // The nearest that says a unit; what stands above it is its own model's finding.
            let Some((parent, above, unit)) = above.into_iter().next() else {
                continue;
            };
            if unit.kind != own.kind || unit.name == own.name {
                continue;
            }
            // The expression says more than a `select * from final`.
            let places = [column.expr.map(|e| e.span), column.span].into_iter();
            let mut here = places.flatten().filter(|s| s.file == model.file);
            let place = here.next().unwrap_or(Span::whole(model.file));
            let message = format!(
                "`{name}` of `{}` is in {} and is `{above}` of `{}` unchanged, which is in {}: one of the two is wrong by a factor",
                model.display_name(),
                own.name,
                parent.display_name(),
                unit.name
            );
            let help = format!(
                "convert the value from {} to {}, or give the column the unit it has",
                unit.name, own.name
            );
            let mut violation = Violation::new(place, message)
                .help(help)
                .symbol(name.to_lowercase());
            if let Some(span) = entry_of(parent, above) {
                violation = violation.related(span, format!("in {}", unit.name));
            }
            sink.push(violation);
        }
    }
}

fn entry_of(node: &Node, column: &str) -> Option<Span> {
    let columns = &node.properties.as_ref()?.columns;
    let named = columns
        .iter()
        .find(|c| c.name.value.eq_ignore_ascii_case(column));
    named.map(|c| c.name.span)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Unit {
    /// What is measured.
    kind: &'static str,
    /// In what; the same unit has one name.
    name: &'static str,
}

/// Words that say a unit and hardly anything else, by what they measure.
const UNITS: &[(&str, &str, &[&str])] = &[
    ("money", "cents", &["cents", "cent", "pence"]),
    ("money", "dollars", &["dollars", "usd"]),
    ("money", "euros", &["euros", "eur"]),
    ("money", "pounds sterling", &["gbp"]),
    ("time", "nanoseconds", &["nanoseconds", "nanos"]),
    ("time", "microseconds", &["microseconds", "micros"]),
    ("time", "milliseconds", &["milliseconds", "millis", "ms"]),
    ("time", "seconds", &["seconds", "secs"]),
    ("time", "minutes", &["minutes", "mins"]),
    ("time", "hours", &["hours", "hrs"]),
    ("time", "days", &["days"]),
    ("time", "weeks", &["weeks"]),
    ("time", "months", &["months"]),
    ("size", "bytes", &["bytes"]),
    ("size", "kilobytes", &["kilobytes", "kb"]),
    ("size", "megabytes", &["megabytes", "mb"]),
    ("size", "gigabytes", &["gigabytes", "gb"]),
    (
        "length",
        "millimetres",
        &["millimeters", "millimetres", "mm"],
    ),
    (
        "length",
        "centimetres",
        &["centimeters", "centimetres", "cm"],
    ),
    ("length", "metres", &["meters", "metres"]),
    ("length", "kilometres", &["kilometers", "kilometres", "km"]),
    ("length", "miles", &["miles"]),
    ("length", "feet", &["feet", "ft"]),
    ("length", "inches", &["inches"]),
    ("weight", "grams", &["grams"]),
    ("weight", "kilograms", &["kilograms", "kg"]),
    ("weight", "pounds", &["lbs"]),
    ("weight", "ounces", &["ounces"]),
    ("temperature", "degrees Celsius", &["celsius"]),
    ("temperature", "degrees Fahrenheit", &["fahrenheit"]),
];

fn unit(word: &str) -> Option<Unit> {
    let found = UNITS.iter().find(|(_, _, words)| words.contains(&word));
    found.map(|(kind, name, _)| Unit { kind, name })
}

/// The unit of a column: the last word of its name, else what its description says.
fn unit_of(node: &Node, column: &str) -> Option<Unit> {
    let lower = column.to_lowercase();
    if let Some(unit) = lower
        .rsplit('_')
        .next()
        .filter(|w| w.len() < lower.len())
        .and_then(unit)
    {
        return Some(unit);
    }
    let columns = &node.properties.as_ref()?.columns;
    let entry = columns
        .iter()
        .find(|c| c.name.value.eq_ignore_ascii_case(column))?;
    said(entry.description.as_ref()?)
}

/// `in seconds`, `(ms)`; none where a text names several units.
static SAID: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)\b(?:measured |expressed |given )?in (?:us |u\.s\. )?([a-z]+)\b|[(\[]([a-z]+)[)\]]",
    )
    .ok()
});

fn said(text: &str) -> Option<Unit> {
    let mut found: Vec<Unit> = Vec::new();
    for capture in SAID.as_ref()?.captures_iter(text) {
        let word = capture.get(1).or(capture.get(2))?;
        found.extend(unit(&word.as_str().to_lowercase()));
    }
    found.dedup();
    match found[..] {
        [one] => Some(one),
        _ => None,
    }
}
