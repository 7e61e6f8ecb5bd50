//! The short summary: the score, where it is lost, what to do first.

use super::batches::Batch;
use super::items::Item;
use super::{AuditReport, Named, Share};
use crate::text::{cut, visible};
use std::fmt::Write;

/// Items that are listed; the rest is in the JSON.
const ITEMS: usize = 10;
/// A name of the repository is cut at so many characters.
const MAX_NAME: usize = 60;
/// A path is cut at so many.
const MAX_PATH: usize = 120;
/// A message is cut at so many.
const MAX_MESSAGE: usize = 160;

/// A score for people.
pub(super) fn score(score: Option<f64>) -> String {
    score.map_or("nothing judged".to_owned(), |s| format!("{s:.2}"))
}

/// A share for people.
pub(super) fn share(share: &Share) -> String {
    let Share { count, of, percent } = share;
    match percent {
        Some(percent) => format!("{percent:.1} % ({count} of {of})"),
        None => "none there".to_owned(),
    }
}

pub(super) fn name(text: &str) -> String {
    cut(&visible(text), MAX_NAME).into_owned()
}

/// The metrics, each with its name.
pub(super) fn metrics(audit: &AuditReport) -> Vec<(&'static str, String)> {
    let m = &audit.metrics;
    let optional = |s: &Option<Share>, why: &str| s.as_ref().map_or(why.to_owned(), share);
    let families = m.tests_by_family.iter().map(|(f, n)| format!("{n} {f}"));
    vec![
        (
            "structural compliance",
            optional(&m.structural_compliance, "no structure rule is an error"),
        ),
        ("sources with overview", share(&m.sources_with_overview)),
        (
            "sources with table files",
            optional(
                &m.sources_with_table_files,
                "`context: tables` is not configured",
            ),
        ),
        ("models without finding", share(&m.models_clean)),
        ("direction violations", m.direction_violations.to_string()),
        ("models with PK tests", share(&m.models_with_pk_tests)),
        ("models documented", share(&m.models_documented)),
        ("models tested", share(&m.models_tested)),
        ("tests", families.collect::<Vec<_>>().join(", ")),
    ]
}

/// What is open and what is held back.
pub(super) fn counted(audit: &AuditReport) -> String {
    let f = &audit.findings;
    format!(
        "{} errors, {} warnings, {} infos open · {} baselined, {} suppressed, {} excluded",
        f.errors, f.warnings, f.infos, f.baselined, f.suppressed, f.excluded
    )
}

/// The places of an item, in short.
pub(super) fn places(item: &Item) -> String {
    let first = item.places.first();
    let path = |path: &str| cut(&visible(path), MAX_PATH).into_owned();
    let first = first.map_or(String::new(), |p| format!("{}:{}", path(&p.path), p.line));
    match item.places.len() {
        0 | 1 => first,
        n => format!("{first} and {} more", n - 1),
    }
}

/// The summary.
pub fn text(audit: &AuditReport) -> String {
    let mut out = String::new();
    let health = &audit.health;
    // Writing to a string does not fail.
    let _ = writeln!(
        out,
        "{} · {} models · score {} ({} as if nothing were held back)\n{}\n",
        name(&audit.project),
        audit.models,
        score(health.total.score),
        score(health.with_held_back.score),
        counted(audit),
    );
    for (title, scores) in [
        ("category", &health.by_category),
        ("layer", &health.by_layer),
    ] {
        let _ = writeln!(out, "{:<9} {}", title, listed(scores));
    }
    for zone in &health.apart.excluded {
        let reason = name(zone.name.as_deref().unwrap_or_default());
        let _ = writeln!(out, "excluded  {} ({reason})", score(zone.score.score));
    }
    out.push('\n');
    for (title, value) in metrics(audit) {
        let _ = writeln!(out, "{title:<25} {value}");
    }
    out.push('\n');
    if let Some(since) = &audit.since {
        out.push_str(&since.text());
        out.push('\n');
    }
    if let Some(batches) = &audit.batches {
        ordered(&mut out, batches);
        return out;
    }
    for (i, item) in audit.items.iter().take(ITEMS).enumerate() {
        let owner = item
            .owner
            .as_ref()
            .map_or(String::new(), |o| format!(" · {}", name(&o.name)));
        let _ = writeln!(
            out,
            "{:>2}. {:>6.2} {} {} in {} {} · {}{owner}\n    {}",
            i + 1,
            item.priority,
            item.severity.as_str(),
            item.rule,
            item.area.kind,
            name(&item.area.name),
            places(item),
            cut(&item.message, MAX_MESSAGE),
        );
    }
    let more = audit.items.len().saturating_sub(ITEMS);
    if more > 0 {
        let _ = writeln!(out, "and {more} more: harness-lint audit --format json");
    }
    out
}

/// Work orders, each in a paragraph.
fn ordered(out: &mut String, batches: &[Batch]) {
    for batch in batches {
        let rules = batch.rules.iter().map(|(rule, n)| format!("{n} {rule}"));
        let fixes = &batch.fixes;
        // Writing to a string does not fail, here and below.
        let _ = writeln!(
            out,
            "batch {} · {} {} · {}\n  fixes: {} safe, {} suggested, {} by hand · {} models downstream",
            batch.number,
            batch.area.kind,
            name(&batch.area.name),
            rules.collect::<Vec<_>>().join(", "),
            fixes.safe,
            fixes.suggested,
            fixes.by_hand,
            batch.downstream_models,
        );
        let path = |path: &String| cut(&visible(path), MAX_PATH).into_owned();
        let files = batch.files.iter().map(|f| ("file", path(&f.path)));
        let blocked = batch.blocked_by.iter().map(|b| ("blocked", path(b)));
        let after = batch.after.iter().map(|n| ("after", format!("batch {n}")));
        let read = batch.context_files.iter().map(|f| ("read", path(f)));
        let like = batch.reference_models.iter().map(|f| ("like", path(f)));
        let verify = batch
            .verify
            .iter()
            .map(|c| ("verify", visible(c).into_owned()));
        let lines = blocked.chain(after).chain(files).chain(read).chain(like);
        for (title, value) in lines.chain(verify) {
            let _ = writeln!(out, "  {title}: {value}");
        }
        out.push('\n');
    }
}

fn listed(scores: &[Named]) -> String {
    let one = |n: &Named| {
        let name = n.name.as_deref().map_or("(none)".to_owned(), name);
        format!("{name} {}", score(n.score.score))
    };
    scores.iter().map(one).collect::<Vec<_>>().join(" · ")
}
