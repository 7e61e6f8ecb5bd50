use crate::project::{Column, Node, NodeId, Project};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink};
use crate::text::Span;
use crate::violation::{Confidence, Severity, Violation};
use regex::Regex;
use rustc_hash::FxHashMap;
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
    fn project(&self, cx: &Cx, sink: &mut Sink) {
        let units = Units::of(cx.project);
        for model in cx.project.models() {
            judge(cx, &units, model, sink);
        }
    }
}

fn judge(cx: &Cx, units: &Units, model: &Node, sink: &mut Sink) {
    for column in &cx.lineage().output(model.id).columns {
        let Some(name) = column.name.as_deref() else {
            continue;
        };
        let Some(own) = units.unit_of(model.id, name) else {
            continue;
        };
        let ways = cx.lineage().passed_from(model.id, name);
        let mut above = ways.iter().filter_map(|c| {
            let node = cx.project.node(c.node);
            Some((node, &*c.column, units.unit_of(c.node, &c.column)?))
        });
        // The nearest that says a unit; what stands above it is its own model's finding.
        let Some((parent, above, unit)) = above.next() else {
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
        if let Some(column) = units.entry_of(parent.id, above) {
            let span = column.name.span;
            violation = violation.related(span, format!("in {}", unit.name));
        }
        sink.push_on(Some(model.id), violation);
    }
}

/// What property files say of columns, by node and name.
struct Units<'p> {
    entries: FxHashMap<(NodeId, String), &'p Column>,
}

impl<'p> Units<'p> {
    fn of(project: &'p Project) -> Self {
        let mut entries = FxHashMap::default();
        for node in &project.nodes {
            for column in node.properties.iter().flat_map(|p| &p.columns) {
                let key = (node.id, column.name.value.to_ascii_lowercase());
                entries.entry(key).or_insert(column);
            }
        }
        Self { entries }
    }

    fn entry_of(&self, node: NodeId, column: &str) -> Option<&'p Column> {
        let key = (node, column.to_ascii_lowercase());
        self.entries.get(&key).copied()
    }

    /// The unit of a column: the last word of its name, else what its description says.
    fn unit_of(&self, node: NodeId, column: &str) -> Option<Unit> {
        let lower = column.to_lowercase();
        let last = lower.rsplit('_').next().filter(|w| w.len() < lower.len());
        last.and_then(unit)
            .or_else(|| said(self.entry_of(node, column)?.description.as_ref()?))
    }
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
