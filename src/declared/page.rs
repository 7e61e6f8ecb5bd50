//! The page of a rule that has none of its own, made of what its file says.

use super::Plan;
use super::file::{Body, Example, Examples, RuleFile};
use crate::syntax::yaml::At;
use std::fmt::Write;

/// What a skeleton has where somebody must write.
pub(super) const UNWRITTEN: &str = "…";

/// The parts of an incident, each with its name.
pub(super) fn incident(rule: &RuleFile) -> Vec<(&'static str, String)> {
    let text = |t: &Option<At<String>>| t.as_ref().map(|t| t.value.trim_end().to_owned());
    let all = [
        ("Code", text(&rule.code)),
        ("Scenario", text(&rule.scenario)),
        ("Phenomenon", text(&rule.phenomenon)),
        ("Root cause", text(&rule.root_cause)),
        ("Mitigation", text(&rule.mitigation)),
        ("Incident", rule.incident.clone()),
    ];
    let told = all.into_iter();
    told.filter_map(|(name, text)| Some((name, text?)))
        .collect()
}

/// The page.
pub(super) fn page(rule: &RuleFile, plan: &Plan, examples: &Examples) -> String {
    let mut out = format!(
        "# {}\n\n{}\n\n## Why\n\n",
        rule.id.value, rule.summary.value
    );
    for (name, text) in incident(rule) {
        if name != "Mitigation" {
            let _ = write!(out, "{name}: {text}\n\n");
        }
    }
    let advice = rule.mitigation.as_ref().map_or("", |m| m.value.as_str());
    let _ = write!(out, "## What to do\n\n{advice}\n");
    let sections = [
        ("Bad", &examples.bad),
        ("Good", &examples.good),
        ("Fixed", &examples.fixed),
    ];
    for (heading, all) in sections {
        if !all.is_empty() {
            let _ = write!(out, "\n## {heading}\n");
        }
        for example in all {
            show(&mut out, example, plan);
        }
    }
    out
}

fn show(out: &mut String, example: &Example, _: &Plan) {
    let mut block = |path: &str, text: &str| {
        let language = path.rsplit('.').next().unwrap_or("");
        let _ = write!(out, "\n```{language} {path}\n{}\n```\n", text.trim_end());
    };
    match &example.body {
        Body::Sql(text) => block("sql", text),
        Body::Files(files) => {
            for (path, text) in files {
                block(path, text);
            }
        }
    }
}
