//! Annotations of GitHub Actions, as workflow commands on stdout.
//!
//! The runner takes every line that begins with `::` for a command. Ours are the only ones: what
//! comes from the repository stands behind the first `::` of a line of ours, and cannot end it.

use super::View;
use crate::report::{FindingReport, text};
use crate::text::visible;
use crate::violation::Severity;
use std::fmt::Write;

/// One command per finding; then, as plain text, what was looked at.
pub fn github(view: &View) -> String {
    let mut out = String::new();
    for f in view.findings() {
        out.push_str(&annotation(view, f));
        out.push('\n');
    }
    if !out.is_empty() {
        // Writing to a string does not fail.
        let _ = writeln!(out, "verify: {}", visible(&view.aside.verify));
    }
    for line in text::notes(view.report, view.aside) {
        out.push_str(&line);
        out.push('\n');
    }
    out.push_str(&view.summary());
    out.push('\n');
    out
}

fn annotation(view: &View, f: &FindingReport) -> String {
    let command = match f.severity {
        Severity::Error => "error",
        Severity::Warn => "warning",
        Severity::Info => "notice",
    };
    let range = f.range;
    // The end is exclusive: what ends before a line's first column ends on the line above.
    let end_line = match range.end_col {
        1 => range.end_line.saturating_sub(1).max(range.line),
        _ => range.end_line,
    };
    let mut place = format!(
        "file={},line={},endLine={end_line}",
        property(&view.place(&f.path)),
        range.line,
    );
    // The runner drops columns of an annotation over several lines.
    if end_line == range.line && range.end_line == range.line {
        let _ = write!(place, ",col={},endColumn={}", range.col, range.end_col);
    }
    let mut message = data(&f.message);
    if !f.help.is_empty() {
        message.push_str("%0Afix: ");
        message.push_str(&data(&f.help));
    }
    format!("::{command} {place},title={}::{message}", property(&f.rule))
}

/// Text behind the command's second `::`.
fn data(text: &str) -> String {
    escaped(text, |c| matches!(c, '%' | '\r' | '\n'))
}

/// The value of a property, which a comma or a colon would end.
fn property(text: &str) -> String {
    escaped(text, |c| matches!(c, '%' | '\r' | '\n' | ':' | ','))
}

fn escaped(text: &str, special: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match special(c) {
            true => {
                // All of them are ASCII. Writing to a string does not fail.
                let _ = write!(out, "%{:02X}", u32::from(c));
            }
            false => out.push(c),
        }
    }
    visible(&out).into_owned()
}
