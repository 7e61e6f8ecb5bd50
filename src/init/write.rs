//! Habits as a commented harness-lint.yml, and as a few lines for the person who asked.

use super::infer::{Habits, LayerHabit, is_habit};
use crate::text::visible;
use std::fmt::Write;

/// The steps of the preset `staging-5cte`.
const FIVE: [&str; 5] = ["source", "renamed", "filtered", "enhanced", "final"];

/// A YAML scalar: plain where nothing in it means anything to YAML, else in double quotes.
fn scalar(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '/' | '.');
    let words = [
        "true", "false", "yes", "no", "on", "off", "null", "y", "n", "~",
    ];
    let safe = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(plain)
        && !words.contains(&text.to_ascii_lowercase().as_str());
    match safe {
        true => text.to_owned(),
        // JSON's strings are YAML's.
        false => serde_json::Value::from(text).to_string(),
    }
}

fn list<S: AsRef<str>>(items: impl IntoIterator<Item = S>) -> String {
    let items: Vec<String> = items.into_iter().map(|s| scalar(s.as_ref())).collect();
    format!("[{}]", items.join(", "))
}

/// What harness-lint.yml would say.
pub fn file(habits: &Habits) -> String {
    let mut out = String::new();
    // Writing to a string does not fail, here and below.
    let _ = writeln!(
        out,
        "# Written by `harness-lint init` from what this repository does nearly everywhere.\n\
         # Read it once and change what is not meant: from now on it is the rule.\n\
         # `harness-lint schema config` describes every key.\n"
    );
    let five = habits.layers.iter().any(is_five);
    let extends = match five {
        true => "extends: [recommended, staging-5cte]",
        false => "extends: recommended",
    };
    let _ = writeln!(out, "{extends}\n");
    let (dialect, from) = &habits.dialect;
    if dialect == "generic" {
        let _ = writeln!(
            out,
            "# The SQL dialect was not found: {}.\n# dialect: snowflake\n",
            visible(from)
        );
    } else {
        let _ = writeln!(out, "# {}\ndialect: {}\n", visible(from), scalar(dialect));
    }
    layers(habits, &mut out);
    if let Some((names, crossing)) = &habits.tenants {
        let names = names.join(", ");
        let names = visible(&names);
        let pattern = "  - {path: \"models/{part}/**\"}";
        if *crossing == 0 {
            let _ = writeln!(
                out,
                "# {names}: no model of one reads a model of another.\nboundaries:\n{pattern}\n"
            );
        } else {
            let _ = writeln!(
                out,
                "# {names} have layers of their own, but {crossing} edges join two of them.\n\
                 # boundaries:\n# {pattern}\n"
            );
        }
    }
    rules(habits, five, &mut out);
    if let Some(context) = &habits.context {
        let _ = writeln!(
            out,
            "# {} of {} sources have an overview.\ncontext:\n  dir: {}\n  overview: {}\n",
            context.sources,
            habits.sources.len(),
            scalar(&context.dir),
            scalar(&context.overview)
        );
    }
    if !habits.anti_patterns.is_empty() {
        let _ = writeln!(out, "anti_patterns: {}\n", list(&habits.anti_patterns));
    }
    out.push_str("fail_on: error\n");
    out
}

fn layers(habits: &Habits, out: &mut String) {
    if habits.layers.is_empty() {
        out.push_str(
            "# No folder is named after a layer (staging, intermediate, marts …). Say which folders\n\
             # hold which, and rules about layers begin to work:\n\
             # layers:\n\
             #   staging: {path: \"models/staging/{source}/**\", sources: true}\n\
             #   marts: {path: \"models/marts/**\", refs: [staging, marts], leaf: true}\n\n",
        );
        return;
    }
    if habits.unlayered > 0 {
        let _ = writeln!(out, "# {}", unlayered(habits));
    }
    out.push_str("layers:\n");
    for layer in &habits.layers {
        let _ = writeln!(out, "  # {}{}", models(layer.models), forbidden(layer));
        let _ = writeln!(out, "  {}:", scalar(&layer.name));
        let path = match &layer.paths[..] {
            [one] => scalar(one),
            several => list(several),
        };
        let _ = writeln!(out, "    path: {path}");
        if !layer.prefixes.is_empty() {
            let names = list(layer.prefixes.iter().map(|(p, _)| p));
            let share: usize = layer.prefixes.iter().map(|(_, n)| n).sum();
            let _ = writeln!(out, "    prefixes: {names}  # {share} of {}", layer.models);
        }
        let _ = writeln!(out, "    refs: {}", list(&layer.refs));
        if layer.sources {
            out.push_str("    sources: true\n");
        }
        if let Some((value, count)) = &layer.materialized {
            // What a mart is built as is a choice for each; what stands before it is not.
            let early = matches!(layer.name.as_str(), "base" | "staging" | "ods");
            let mark = match early && *count > 2 && is_habit(*count, layer.models) {
                true => "",
                false => "# ",
            };
            let value = scalar(value);
            let _ = writeln!(
                out,
                "    {mark}materialized: [{value}]  # {count} of {}",
                layer.models
            );
        }
        if layer.leaf {
            out.push_str("    leaf: true\n");
        }
    }
    out.push('\n');
}

fn forbidden(layer: &LayerHabit) -> String {
    match layer.forbidden {
        0 => String::new(),
        1 => "; this table forbids one of the edges into it".to_owned(),
        n => format!("; this table forbids {n} of the edges into it"),
    }
}

fn models(count: usize) -> String {
    match count {
        1 => "1 model".to_owned(),
        n => format!("{n} models"),
    }
}

fn unlayered(habits: &Habits) -> String {
    let folders = habits.unlayered_in.iter();
    let folders: Vec<String> = folders.map(|(f, n)| format!("{f} {n}")).collect();
    let folders = folders.join(", ");
    format!(
        "In no layer: {} ({})",
        models(habits.unlayered),
        visible(&folders)
    )
}

fn is_five(layer: &LayerHabit) -> bool {
    layer.name == "staging"
        && layer
            .sequence
            .as_ref()
            .is_some_and(|s| s.names == FIVE && is_habit(s.models, s.of))
}

/// Sequences and tag templates, as rules of their layers.
fn rules(habits: &Habits, five: bool, out: &mut String) {
    let mut lines: Vec<(bool, String)> = Vec::new();
    let staging_with_tags = |l: &&LayerHabit| l.tags.is_some();
    if let Some(layer) = habits.layers.iter().find(staging_with_tags)
        && let Some(tags) = &layer.tags
    {
        let line = format!(
            "  structure/tags: {{layers: {}, template: {}}}  # {} of {} that set tags",
            list([&layer.name]),
            list(&tags.template),
            tags.models,
            tags.of
        );
        lines.push((is_habit(tags.models, tags.of), line));
    }
    let sequenced = |l: &&LayerHabit| l.sequence.is_some() && !is_five(l);
    if let Some(layer) = habits.layers.iter().find(sequenced)
        && let Some(sequence) = &layer.sequence
    {
        for rule in ["structure/cte-missing", "structure/cte-order"] {
            let line = format!(
                "  {rule}: {{layers: {}, sequence: {}}}  # {} of {} that have CTEs",
                list([&layer.name]),
                list(&sequence.names),
                sequence.models,
                sequence.of
            );
            lines.push((is_habit(sequence.models, sequence.of), line));
        }
    }
    if five {
        // The preset's own template names {org}; without a habit there is nothing to compare with.
        let tagged = lines
            .iter()
            .any(|(on, l)| *on && l.contains("structure/tags"));
        if !tagged {
            lines.push((
                true,
                "  structure/tags: off  # no template that most models keep".to_owned(),
            ));
        }
    }
    let any = lines.iter().any(|(on, _)| *on);
    out.push_str(if any { "rules:\n" } else { "# rules:\n" });
    for (on, line) in lines {
        let _ = writeln!(out, "{}{line}", if on { "" } else { "# " });
    }
    // Most authors leave these in code that has worked for years (docs/census.md).
    out.push_str(
        "# Worth having for new code, where a baseline holds what is old:\n\
         #   test/pk: warn\n\
         #   doc/missing: warn\n\
         #   sql/star-output: warn\n\
         #   sql/inner-after-left: error\n\n",
    );
}

/// What was inferred, for the person who asked.
pub fn told(habits: &Habits) -> String {
    let mut out = String::new();
    let (dialect, from) = &habits.dialect;
    let _ = writeln!(out, "dialect: {} ({})", visible(dialect), visible(from));
    for layer in &habits.layers {
        let _ = writeln!(
            out,
            "layer {}: {} in {}{}",
            visible(&layer.name),
            models(layer.models),
            visible(&layer.paths.join(", ")),
            forbidden(layer)
        );
    }
    if habits.unlayered > 0 {
        let _ = writeln!(out, "{}", unlayered(habits));
    }
    let _ = writeln!(out, "sources: {}", habits.sources.len());
    if let Some(context) = &habits.context {
        let (dir, n) = (visible(&context.dir), context.sources);
        let _ = writeln!(
            out,
            "context files: {dir}, {n} of {} sources",
            habits.sources.len()
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_survive_yaml() {
        for text in [
            "staging", "stg_", "off", "a: b", "{source}", "*", "# x", "\"", "ü", "1", "", "a\nb",
        ] {
            let yaml: serde_json::Value =
                serde_yaml::from_str(&format!("key: {}\n", scalar(text))).unwrap();
            assert_eq!(yaml["key"], text, "{text:?}");
        }
        assert_eq!(scalar("stg_"), "stg_");
    }
}
