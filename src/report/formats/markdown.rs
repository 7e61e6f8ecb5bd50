//! Markdown, for one comment on a pull request that each run replaces.
//!
//! What comes from the repository is written so that Markdown sees letters only: punctuation as
//! character references, which are never syntax. Mentions, references to issues and bare links are
//! made after Markdown was read, of the text itself; there a character without width stands between.

use super::View;
use crate::report::FindingReport;
use crate::report::text;
use crate::text::visible;
use crate::violation::Severity;
use std::fmt::Write;

/// By this line a bot finds the comment that it wrote before.
const MARKER: &str = "<!-- harness-lint -->";
/// GitHub takes a comment of so many characters; bytes are never fewer.
const MAX_BYTES: usize = 65_536;
/// Of these, what the instructions may use.
const MAX_FIXES: usize = 16_000;
/// And what is said of the run.
const MAX_NOTES: usize = 4_000;
/// The line that says how many rows are missing is never longer.
const MAX_MORE: usize = 100;

/// The comment.
pub fn markdown(view: &View) -> String {
    let head = format!("{MARKER}\n### harness-lint\n\n{}\n", counts(view));
    let tail = tail(view);
    let room = MAX_BYTES.saturating_sub(head.len() + tail.len() + MAX_MORE);
    format!("{head}{}{tail}", table(view, room))
}

fn counts(view: &View) -> String {
    let of = |severity| view.findings().filter(|f| f.severity == severity).count();
    let (errors, warnings) = (of(Severity::Error), of(Severity::Warn));
    let infos = of(Severity::Info);
    let counts = [(errors, "error"), (warnings, "warning"), (infos, "info")];
    let counts = counts.into_iter().filter(|(n, _)| *n > 0);
    let counts: Vec<String> = counts.map(|(n, word)| text::many(n, word)).collect();
    match counts.is_empty() {
        true => "No findings.".to_owned(),
        false => format!("**{}**", counts.join(", ")),
    }
}

/// Errors, then warnings; what is only worth knowing is counted above.
fn table(view: &View, room: usize) -> String {
    let of = |severity| view.findings().filter(move |f| f.severity == severity);
    let rows = of(Severity::Error).chain(of(Severity::Warn));
    let rows: Vec<String> = rows.map(|f| row(view, f)).collect();
    if rows.is_empty() {
        return String::new();
    }
    let mut out = "\n| | place | rule | finding |\n|---|---|---|---|\n".to_owned();
    let mut shown = 0;
    for row in &rows {
        if out.len() + row.len() > room {
            break;
        }
        out.push_str(row);
        shown += 1;
    }
    if shown < rows.len() {
        // Writing to a string does not fail.
        let _ = writeln!(out, "\nand {} more", rows.len() - shown);
    }
    out
}

fn row(view: &View, f: &FindingReport) -> String {
    format!(
        "| {} | {} | {} | {} |\n",
        f.severity.as_str(),
        code(&format!("{}:{}", view.place(&f.path), f.range.line)),
        code(&f.rule),
        prose(&f.message),
    )
}

fn tail(view: &View) -> String {
    let mut out = String::new();
    if view.findings().next().is_some() {
        let _ = write!(out, "\n{}", fixes(view));
        let verify = visible(&view.aside.verify);
        let fence = "`".repeat(3.max(longest_run(&verify, '`') + 1));
        let _ = write!(out, "\n{fence}sh\n{verify}\n{fence}\n");
    }
    let mut notes = text::notes(view.report, view.aside);
    notes.push(view.summary());
    let mut used = 0;
    out.push('\n');
    for line in notes
        .iter()
        .map(|l| format!("<sub>{}</sub><br>\n", prose(l)))
    {
        used += line.len();
        if used > MAX_NOTES {
            break;
        }
        out.push_str(&line);
    }
    out
}

/// What to do, once per rule, folded away.
fn fixes(view: &View) -> String {
    let mut out = "<details><summary>What to do</summary>\n\n".to_owned();
    let mut left = 0;
    for (rule, instructions) in text::instructions(view.findings()) {
        let mut line = format!("- {}", code(rule));
        for (i, (safe, instruction)) in instructions.first.iter().enumerate() {
            let between = if i == 0 { ": " } else { "; or: " };
            let safe = if *safe { "(safe) " } else { "" };
            let _ = write!(line, "{between}{safe}{}", prose(instruction));
        }
        match instructions.more() {
            0 => line.push('\n'),
            more => line.push_str(&format!(" (and {more} more)\n")),
        }
        match out.len() + line.len() > MAX_FIXES {
            true => left += 1,
            false => out.push_str(&line),
        }
    }
    if left > 0 {
        let _ = writeln!(out, "\nand {}", text::many(left, "more rule"));
    }
    out.push_str("\n</details>\n");
    out
}

/// Our sentence with names in backticks: those become code, the rest is text.
pub(crate) fn prose(text: &str) -> String {
    let text = visible(text);
    let parts: Vec<&str> = text.split('`').collect();
    let mut out = String::new();
    for (i, part) in parts.iter().enumerate() {
        let closed = i + 1 < parts.len();
        match i % 2 == 1 {
            true if closed && !part.is_empty() => out.push_str(&code(part)),
            // A backtick without another is a letter.
            true => out.push_str(&format!("&#96;{}", letters(part))),
            false => out.push_str(&letters(part)),
        }
    }
    out
}

pub(crate) fn code(text: &str) -> String {
    format!("<code>{}</code>", letters(&visible(text)))
}

/// The text with nothing in it that Markdown, HTML, or what links mentions and addresses would see.
fn letters(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 4);
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        let rest = &text[at..];
        match c {
            c if !c.is_ascii() || c.is_ascii_alphanumeric() => out.push(c),
            ' ' | ',' | '\'' | '/' | ';' | '?' | '"' | '(' | ')' | '=' | '{' | '}' => out.push(c),
            '.' | '-' if before.is_ascii_alphanumeric() => out.push(c),
            ':' if !rest.starts_with(":/") => out.push(c),
            '_' if is_within_word(&text[..at], rest) => out.push(c),
            c => out.push_str(&format!("&#{};", u32::from(c))),
        }
        if links(rest, c, before) {
            out.push_str("&#8203;");
        }
        before = c;
    }
    out
}

/// Underscores between letters emphasise nothing.
fn is_within_word(before: &str, rest: &str) -> bool {
    let before = before.trim_end_matches('_').chars().next_back();
    let after = rest.trim_start_matches('_').chars().next();
    let letter = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    letter(before) && letter(after)
}

/// Is this the character after which a name, a number or an address would become a link? `@name`,
/// `#1`, `!1`, `GH-1`, `https://`, `www.`.
fn links(rest: &str, c: char, before: char) -> bool {
    let next = rest.chars().nth(1).unwrap_or(' ');
    match c {
        '@' | '#' | '!' | '$' | '~' | '&' | '%' => next.is_alphanumeric() || "_\"".contains(next),
        ':' => next == '/',
        '-' => before.eq_ignore_ascii_case(&'h') && next.is_ascii_digit(),
        'w' | 'W' => next == '.',
        _ => false,
    }
}

fn longest_run(text: &str, of: char) -> usize {
    let runs = text.split(|c| c != of).map(str::len);
    runs.max().unwrap_or(0)
}
