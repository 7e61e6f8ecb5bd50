//! The text report, the same for people and agents: findings by file, what to do once per rule, how
//! to check again, and what was looked at.
//!
//! Every line begins with words of ours or with a path that cannot be taken for them; what comes
//! from the repository cannot begin a line.

use super::{Aside, FindingReport, FixReport, ManifestInput, Report, Skipped, Summary, statistics};
use crate::text::{cut, visible};
use crate::violation::{Applicability, Severity};
use anstyle::{AnsiColor, Style};
use rustc_hash::FxHashSet;
use std::collections::BTreeMap;
use std::fmt::Write;

/// At most so many different instructions are printed for one rule.
const MAX_HELPS: usize = 3;
/// At most so many things that were not understood.
const MAX_SKIPPED: usize = 5;
/// A fingerprint is never shown shorter.
const MIN_FINGERPRINT: usize = 8;

/// The text of a report.
pub fn text(report: &Report, aside: &Aside, color: bool) -> String {
    let paint = Paint { color };
    // What the baseline holds is counted at the end.
    let new = report.findings.iter().filter(|f| !f.baselined);
    let new: Vec<&FindingReport> = new.collect();
    let mut lines = match &report.statistics {
        Some(counts) => statistics::lines(counts),
        None => findings(&new, &paint),
    };
    if report.statistics.is_none() && !new.is_empty() {
        lines.push(String::new());
        lines.extend(fixes(&new, aside, &paint));
        let verify = visible(&aside.verify);
        lines.push(format!("{} {verify}", paint.label("verify:")));
    }
    lines.extend(notes(report, aside));
    lines.push(summary(report, &new));
    lines.push(String::new());
    lines.join("\n")
}

struct Paint {
    color: bool,
}

impl Paint {
    fn with(&self, style: Style, text: &str) -> String {
        match self.color {
            true => format!("{style}{text}{style:#}"),
            false => text.to_owned(),
        }
    }

    fn label(&self, text: &str) -> String {
        self.with(Style::new().bold(), text)
    }

    fn dim(&self, text: &str) -> String {
        self.with(Style::new().dimmed(), text)
    }

    fn severity(&self, severity: Severity) -> String {
        let color = match severity {
            Severity::Error => AnsiColor::Red,
            Severity::Warn => AnsiColor::Yellow,
            Severity::Info => AnsiColor::Cyan,
        };
        let word = format!("{:<5}", severity.as_str());
        self.with(color.on_default().bold(), &word)
    }
}

/// Each file's path, and its findings below it. Columns are as wide as the widest of the report.
fn findings(all: &[&FindingReport], paint: &Paint) -> Vec<String> {
    let place = |f: &FindingReport| format!("{}:{}", f.range.line, f.range.col);
    let place_width = all.iter().map(|f| place(f).len()).max().unwrap_or(0);
    let rule_width = all.iter().map(|f| f.rule.len()).max().unwrap_or(0);
    let digits = digits_needed(all);
    let mut lines = Vec::new();
    let mut path = None;
    for f in all {
        if path != Some(&f.path) {
            lines.push(paint.label(&path_line(&f.path)));
            path = Some(&f.path);
        }
        lines.push(format!(
            "  {:<place_width$} {} {:<rule_width$}  {} {}",
            place(f),
            paint.severity(f.severity),
            f.rule,
            paint.dim(&format!("[{}]", &f.fingerprint[..digits])),
            visible(&f.message),
        ));
    }
    lines
}

/// A path on a line of its own. One that could be read as something else (a word of ours, a command
/// to a CI runner) stands in backticks.
fn path_line(path: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-./@+,=%()[]".contains(c);
    match !path.is_empty() && path.chars().all(plain) {
        true => path.to_owned(),
        false => format!("`{}`", visible(path)),
    }
}

/// How many digits tell all fingerprints apart.
fn digits_needed(findings: &[&FindingReport]) -> usize {
    let mut all: Vec<&str> = findings.iter().map(|f| f.fingerprint.as_str()).collect();
    all.sort_unstable();
    all.dedup();
    let common = |pair: &[&str]| {
        let (a, b) = (pair[0].bytes(), pair[1].bytes());
        a.zip(b).take_while(|(x, y)| x == y).count()
    };
    let longest = all.windows(2).map(|pair| common(pair) + 1).max();
    longest.unwrap_or(0).max(MIN_FINGERPRINT)
}

/// What to do about the findings of one rule.
#[derive(Default)]
pub(super) struct Instructions<'a> {
    known: FxHashSet<(bool, &'a str)>,
    /// The first few: is it a safe fix, and what it says.
    pub(super) first: Vec<(bool, &'a str)>,
}

impl Instructions<'_> {
    /// How many there are beside the first.
    pub(super) fn more(&self) -> usize {
        self.known.len() - self.first.len()
    }
}

/// What to do, by rule.
pub(super) fn instructions<'a>(
    findings: impl Iterator<Item = &'a FindingReport>,
) -> BTreeMap<&'a str, Instructions<'a>> {
    let mut rules: BTreeMap<&str, Instructions> = BTreeMap::new();
    for f in findings {
        let instruction = match safe_fix(f) {
            Some(fix) if !fix.title.is_empty() => (true, fix.title.as_str()),
            safe => (safe.is_some(), f.help.as_str()),
        };
        let of_rule = rules.entry(&f.rule).or_default();
        if of_rule.known.insert(instruction) && of_rule.first.len() < MAX_HELPS {
            of_rule.first.push(instruction);
        }
    }
    rules
}

/// What to do, once per rule: the command where a machine can do it.
fn fixes(findings: &[&FindingReport], aside: &Aside, paint: &Paint) -> Vec<String> {
    let mut lines: Vec<(&str, String)> = Vec::new();
    let by_command = |f: &&FindingReport| {
        let command = aside.commands.get(&f.rule);
        command.filter(|_| safe_fix(f).is_some())
    };
    for (rule, command) in &aside.commands {
        let label = paint.label(&format!("fix {rule}"));
        lines.push((rule, format!("{label} (safe): {}", visible(command))));
    }
    let by_hand = findings.iter().copied().filter(|f| by_command(f).is_none());
    for (rule, instructions) in instructions(by_hand) {
        let label = paint.label(&format!("fix {rule}"));
        let more = instructions.more();
        for (i, (safe, instruction)) in instructions.first.into_iter().enumerate() {
            let safe = if safe { " (safe)" } else { "" };
            let mut line = format!("{label}{safe}: {}", visible(instruction));
            if more > 0 && i + 1 == MAX_HELPS {
                let _ = write!(line, " (and {more} more)");
            }
            lines.push((rule, line));
        }
    }
    // Stable: a rule's command stands before what is to be done by hand.
    lines.sort_by_key(|(rule, _)| *rule);
    lines.into_iter().map(|(_, line)| line).collect()
}

pub(super) fn safe_fix(f: &FindingReport) -> Option<&FixReport> {
    let fix = f.fix.as_ref();
    fix.filter(|x| x.applicability == Applicability::Safe)
}

/// What the reader must know to believe the verdicts.
pub(super) fn notes(report: &Report, aside: &Aside) -> Vec<String> {
    let mut lines = aside.fixed.clone().unwrap_or_default();
    match &aside.inferred_layers {
        Some(layers) if layers.is_empty() => {
            lines.push("layers: none, no folder is named like one (staging, marts …)".to_owned());
        }
        Some(layers) => {
            let names = layers.join(", ");
            lines.push(format!("layers: {names}, inferred from folder names"));
        }
        None => {}
    }
    if let Some(manifest) = &report.inputs.manifest {
        lines.push(manifest_line(manifest));
    }
    if let Some(n) = aside.selected_nodes {
        lines.push(format!("selected: {}", many(n, "node")));
    }
    match aside.selected_files {
        Some(0) => lines.push("selected: no file of the project is in the given paths".to_owned()),
        Some(n) => lines.push(format!("selected: {}", many(n, "file"))),
        None => {}
    }
    for e in &report.summary.excluded {
        let reason = visible(&e.reason);
        lines.push(format!("excluded: {}: {reason}", many(e.count, "finding")));
    }
    lines.extend(report.skipped.iter().take(MAX_SKIPPED).map(skipped_line));
    let more = report.skipped.len().saturating_sub(MAX_SKIPPED);
    if more > 0 {
        lines.push(format!("skipped: and {more} more: --format json"));
    }
    lines
}

fn manifest_line(manifest: &ManifestInput) -> String {
    let stale = match manifest.stale {
        0 => String::new(),
        n => format!(", {} changed since: the file is believed", many(n, "node")),
    };
    let absent = match manifest.absent {
        0 => String::new(),
        n => format!(", {n} of them of packages that are not installed"),
    };
    format!(
        "manifest: {} (dbt {}, v{}), {} taken from it{absent}{stale}",
        path_line(&manifest.path),
        cut(&visible(&manifest.dbt_version), 40),
        manifest.schema_version,
        many(manifest.fresh, "node"),
    )
}

fn skipped_line(skipped: &Skipped) -> String {
    let line = skipped.line.map_or(String::new(), |l| format!(":{l}"));
    let path = path_line(&skipped.path);
    format!("skipped: {path}{line}: {}", visible(&skipped.why))
}

/// `1 error, 1 warning (1 fixable) · 120 models (119 parsed), snowflake (from requirements.txt), …`
pub(super) fn summary(report: &Report, new: &[&FindingReport]) -> String {
    let s = &report.summary;
    let found: Vec<String> = [
        (s.errors, "error"),
        (s.warnings, "warning"),
        (s.infos, "info"),
    ]
    .into_iter()
    .filter(|(n, _)| *n > 0)
    .map(|(n, word)| many(n, word))
    .collect();
    let found = match found.is_empty() {
        true => "0 findings".to_owned(),
        false => found.join(", "),
    };
    let safe = new.iter().copied().filter_map(safe_fix);
    let fixable = match safe.count() {
        0 => String::new(),
        n => format!(" ({n} fixable)"),
    };
    let changed = report.changed.as_ref().map_or(String::new(), |c| {
        let (files, nodes) = (many(c.files, "file"), many(c.nodes, "node"));
        let base = visible(&c.base);
        let base = cut(&base, 80);
        format!(" · changed since {base}: {files}, {nodes} judged")
    });
    format!("{found}{fixable}{changed} · {}", looked_at(s))
}

fn looked_at(s: &Summary) -> String {
    let Some(dialect) = &s.dialect else {
        return "nothing to check".to_owned();
    };
    let mut parsed = format!("{} parsed", s.parsed);
    if s.not_queries > 0 {
        let _ = write!(parsed, ", {} no query", s.not_queries);
    }
    let from = s.dialect_from.as_deref().unwrap_or_default();
    let mut parts = vec![
        format!("{} ({parsed})", many(s.models, "model")),
        format!("{dialect} ({})", visible(&dialect_from(from))),
        many(s.rules, "rule"),
    ];
    let excluded = s.excluded.iter().map(|e| e.count).sum();
    let kept_back = [
        (s.baselined, "baselined"),
        (s.suppressed, "suppressed"),
        (excluded, "excluded"),
    ];
    let kept_back = kept_back.into_iter().filter(|(n, _)| *n > 0);
    parts.extend(kept_back.map(|(n, word)| format!("{n} {word}")));
    parts.join(", ")
}

/// A file is where something comes from; a reason stands for itself.
fn dialect_from(from: &str) -> String {
    let first = from.split([' ', ',']).next().unwrap_or_default();
    let is_file = first.contains(['.', '/']) || (first == from && first != "configured");
    match is_file {
        true => format!("from {from}"),
        false => from.to_owned(),
    }
}

pub(super) fn many(n: usize, word: &str) -> String {
    match n {
        1 => format!("1 {word}"),
        n => format!("{n} {word}s"),
    }
}
