//! Markdown for people: an issue, a wiki page, a job's summary.

use super::text::{counted, metrics, places, score, share};
use super::{AuditReport, Named};
use crate::report::formats::{code, prose};
use std::fmt::Write;

/// Rows of a table; GitHub cuts a job's summary at one MiB, and nobody reads more.
const ROWS: usize = 50;

/// The page.
pub fn markdown(audit: &AuditReport) -> String {
    let mut out = String::new();
    let health = &audit.health;
    // Writing to a string does not fail.
    let _ = writeln!(
        out,
        "# Audit of {}\n\nScore **{}**, as if nothing were held back {}. {}.",
        code(&audit.project),
        score(health.total.score),
        score(health.with_held_back.score),
        prose(&counted(audit)),
    );
    if let Some(since) = &audit.since {
        out.push_str(&since.markdown());
    }
    out.push_str("\n| metric | |\n|---|---|\n");
    for (title, value) in metrics(audit) {
        let _ = writeln!(out, "| {title} | {} |", prose(&value));
    }
    out.push_str("\n## First\n\n| priority | what | where | owner |\n|---:|---|---|---|\n");
    for item in audit.items.iter().take(ROWS) {
        let owner = item
            .owner
            .as_ref()
            .map_or(String::new(), |o| prose(&o.name));
        let _ = writeln!(
            out,
            "| {:.2} | {} {}: {} | {} {}: {} | {owner} |",
            item.priority,
            item.severity.as_str(),
            code(&item.rule),
            prose(&item.message),
            item.area.kind,
            code(&item.area.name),
            code(&places(item)),
        );
    }
    let more = audit.items.len().saturating_sub(ROWS);
    if more > 0 {
        let _ = writeln!(out, "\nand {more} more");
    }
    let tables = [
        ("category", &health.by_category),
        ("layer", &health.by_layer),
        ("source", &health.by_source),
        ("owner", &health.by_owner),
    ];
    for (title, scores) in tables {
        scored(&mut out, title, scores);
    }
    out.push_str(
        "\n## Coverage\n\n| layer | documented | tested | primary key |\n|---|---|---|---|\n",
    );
    for layer in &audit.metrics.by_layer {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} |",
            layer.layer.as_deref().map_or("(none)".to_owned(), code),
            share(&layer.documented),
            share(&layer.tested),
            share(&layer.with_pk),
        );
    }
    scored(&mut out, "exclusion", &health.apart.excluded);
    out
}

fn scored(out: &mut String, title: &str, scores: &[Named]) {
    if scores.is_empty() {
        return;
    }
    let _ = writeln!(
        out,
        "\n## By {title}\n\n| {title} | score | pairs | failing |\n|---|---:|---:|---:|"
    );
    let mut worst: Vec<&Named> = scores.iter().collect();
    worst.sort_by(|a, b| b.score.lost.total_cmp(&a.score.lost));
    for one in worst.into_iter().take(ROWS) {
        let name = one.name.as_deref().map_or("(none)".to_owned(), code);
        let s = &one.score;
        let _ = writeln!(
            out,
            "| {name} | {} | {} | {} |",
            score(s.score),
            s.pairs,
            s.failing
        );
    }
}
