use crate::project::{DataTest, Node};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Reach, Rule, Sink};
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow::Borrowed;

/// How loose a threshold may be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LooseThreshold {
    /// The smallest share of rows that a test may be content with, from 0 to 1.
    share: f64,
}

impl Default for LooseThreshold {
    fn default() -> Self {
        Self { share: 0.9 }
    }
}

impl BuiltIn for LooseThreshold {
    const META: Meta = Meta {
        id: Borrowed("test/loose-threshold"),
        severity: Severity::Warn,
        confidence: Confidence::Likely,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!(
            "../../../rules/test/loose-threshold/README.md"
        )),
    };
}

impl Rule for LooseThreshold {
    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn model(&self, _cx: &Cx, model: &Node, sink: &mut Sink) {
        let Some(properties) = &model.properties else {
            return;
        };
        for (column, test) in properties.all_tests().filter(|(_, t)| t.is_on()) {
            let Some(why) = self.loose(test) else {
                continue;
            };
            let what = match column {
                Some(c) => format!("`{}` of `{}`", c.name.value, model.display_name()),
                None => format!("`{}`", model.display_name()),
            };
            let message = format!("`{}` on {what} {why}", test.name);
            sink.push(Violation::new(test.span, message));
        }
    }
}

/// Below and above these no number that a column holds is likely to lie.
const TYPE_LIMITS: [f64; 2] = [-2_147_483_648.0, 2_147_483_647.0];

impl LooseThreshold {
    /// What makes the test hard to fail.
    fn loose(&self, test: &DataTest) -> Option<String> {
        let number = |key: &str| test.args.get(key).and_then(as_number);
        let share = number("at_least").or(number("mostly"));
        if let Some(share) = share
            && (0.0..self.share).contains(&share)
            && (test.short_name().contains("proportion") || test.args.contains_key("mostly"))
        {
            let bad = ((1.0 - share) * 100.0).round();
            return Some(format!(
                "is content with {share} of the rows: {bad} % may be wrong before anybody hears of it"
            ));
        }
        let is_range = test.short_name().contains("accepted_range")
            || test.short_name().contains("be_between");
        if is_range {
            return range(test);
        }
        if test.short_name() == "expression_is_true" {
            let text = test.args.get("expression")?;
            let text = text
                .as_str()
                .map_or_else(|| text.to_string(), str::to_owned);
            let text = text.to_lowercase().replace([' ', '(', ')'], "");
            return matches!(&text[..], "true" | "1=1")
                .then(|| "holds of every row there can be: it cannot fail".to_owned());
        }
        None
    }
}

fn range(test: &DataTest) -> Option<String> {
    let bound = |key: &str| test.args.get(key).filter(|v| !v.is_null());
    let (low, high) = (bound("min_value"), bound("max_value"));
    if low.is_none() && high.is_none() {
        // Nothing at all may be a macro of the project's with names of its own.
        let known = test.args.keys().all(|k| {
            matches!(
                k.as_str(),
                "min_value"
                    | "max_value"
                    | "inclusive"
                    | "strictly"
                    | "row_condition"
                    | "column_name"
            )
        });
        return known.then(|| "has neither `min_value` nor `max_value`: it cannot fail".to_owned());
    }
    let low_is_none = low.is_none_or(|v| as_number(v).is_some_and(|n| n <= TYPE_LIMITS[0]));
    let high_is_none = high.is_none_or(|v| as_number(v).is_some_and(|n| n >= TYPE_LIMITS[1]));
    (low_is_none && high_is_none)
        .then(|| "allows every number that its type can hold: it cannot fail".to_owned())
}

fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(n) => n.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}
