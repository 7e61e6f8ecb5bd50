//! GitLab's code quality report: an array of violations.

use super::View;
use crate::report::to_json;
use crate::violation::Severity;
use rustc_hash::FxHashMap;
use serde::Serialize;

#[derive(Serialize)]
struct Violation<'a> {
    description: &'a str,
    check_name: &'a str,
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u32,
    end: u32,
}

/// All findings; an empty array where there is none.
pub fn gitlab(view: &View) -> String {
    let mut seen: FxHashMap<&str, usize> = FxHashMap::default();
    let violations = view.findings().map(|f| {
        let again = seen.entry(&f.fingerprint).or_default();
        *again += 1;
        Violation {
            description: &f.message,
            check_name: &f.rule,
            // GitLab shows one of several violations with the same fingerprint.
            fingerprint: match again {
                1 => f.fingerprint.clone(),
                n => format!("{}-{n}", f.fingerprint),
            },
            severity: severity(f.severity),
            location: Location {
                path: view.place(&f.path),
                lines: Lines {
                    begin: f.range.line,
                    end: f.range.end_line,
                },
            },
        }
    });
    to_json(&violations.collect::<Vec<_>>())
}

/// GitLab has five; ours lie far enough apart to be told from another by their icons.
fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "critical",
        Severity::Warn => "minor",
        Severity::Info => "info",
    }
}
