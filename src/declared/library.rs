//! Rule files to begin with: from nothing, from the text of an incident, from a library of
//! anti-patterns in Markdown. What nobody has written yet is `…`, which no rule file may hold.

use super::page::UNWRITTEN;
use crate::syntax::markdown::{self, Heading};
use crate::text::cut;
use std::collections::BTreeSet;
use std::fmt::Write;

/// What is known of an anti-pattern before it is a rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft {
    /// The part of the id behind `ap/`.
    pub name: String,
    summary: Option<String>,
    /// Code, scenario, phenomenon, root cause, mitigation.
    parts: [Option<String>; 5],
    incident: Option<String>,
    /// The first SQL that is shown.
    snippet: Option<String>,
}

/// The parts of an entry, as rule files call them, and how people head them.
const PARTS: [(&str, &[&str]); 5] = [
    (
        "code",
        &[
            "code",
            "bad code",
            "offending code",
            "example",
            "negative sample",
        ],
    ),
    (
        "scenario",
        &[
            "scenario",
            "scenarios",
            "context",
            "situation",
            "when",
            "trigger",
            "background",
            "summary",
        ],
    ),
    (
        "phenomenon",
        &[
            "phenomenon",
            "observed phenomenon",
            "phenomena",
            "observed",
            "observation",
            "symptom",
            "symptoms",
            "impact",
            "what happened",
            "what was seen",
            "detection",
        ],
    ),
    (
        "root_cause",
        &[
            "root cause",
            "root causes",
            "root_cause",
            "cause",
            "causes",
            "reason",
            "why",
        ],
    ),
    (
        "mitigation",
        &[
            "mitigation",
            "mitigations",
            "fix",
            "remedy",
            "resolution",
            "prevention",
            "solution",
            "countermeasure",
            "action items",
            "actions",
            "what to do",
            "lessons",
            "lesson learned",
        ],
    ),
];

/// How people head the code by which an entry is called.
const LABELS: [&str; 4] = ["error code", "id", "rule id", "anti-pattern"];

/// Is this the name of a rule: kebab-case?
pub fn is_name(name: &str) -> bool {
    let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !name.is_empty() && name.chars().all(letter) && !name.starts_with('-')
}

impl Draft {
    /// Nothing is known but the name.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }

    /// What the text of an incident tells; `path` is where it stands.
    pub fn of_incident(name: &str, path: &str, text: &str) -> Self {
        let markdown = markdown::parse(text);
        let title = markdown.headings.first().map(|h| h.text.clone());
        Self {
            name: name.to_owned(),
            summary: title.filter(|t| !t.trim().is_empty()),
            parts: parts(text),
            incident: Some(path.to_owned()),
            snippet: snippet(text),
        }
    }

    /// The rule file.
    pub fn yaml(&self) -> String {
        let said = |t: &Option<String>| quoted(t.as_deref().unwrap_or(UNWRITTEN));
        let summary = self.summary.as_deref().map(|t| {
            let stop = if t.ends_with(['.', '!', '?']) {
                ""
            } else {
                "."
            };
            format!("{t}{stop}")
        });
        let mut out = format!(
            "# A … is something that nobody has written yet: `harness-lint test` names the next.\n\
             id: ap/{}\nsummary: {}  # what is wrong, in one sentence\nseverity: warn\n\
             # select: {{layer: staging}}  # which models; all where this is left out\n\
             forbid:  # or require; docs/declared-rules.md says what can be asked\n  \
             pattern: {}  # SQL; $X is one operand, ... is anything\n\
             message: {}  # what a finding says: what is wrong here and why it matters\n",
            self.name,
            said(&summary),
            quoted(UNWRITTEN),
            quoted(UNWRITTEN),
        );
        for ((name, _), text) in PARTS.iter().zip(&self.parts) {
            let _ = writeln!(out, "{name}: {}", said(text));
        }
        if let Some(incident) = &self.incident {
            let _ = writeln!(out, "incident: {}", quoted(incident));
        }
        out.push_str("examples:\n  bad:  # each must raise the rule\n");
        match &self.snippet {
            Some(sql) => {
                out.push_str("    - |\n");
                for line in sql.lines() {
                    let _ = writeln!(out, "      {}", line.trim_end());
                }
            }
            None => {
                let _ = writeln!(out, "    - {}", quoted(UNWRITTEN));
            }
        }
        let _ = write!(out, "  good:  # none may\n    - {}\n", quoted(UNWRITTEN));
        out
    }
}

/// A text as YAML, whatever it holds: JSON's texts are YAML's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text.trim()).to_string()
}

/// The entries of a library: one heading each, with at least two of the parts below it.
pub fn entries(text: &str) -> Vec<Draft> {
    let headings = markdown::parse(text).headings;
    let mut chosen: Vec<&Heading> = Vec::new();
    for heading in headings.iter().rev() {
        let body = section(text, heading);
        let told = parts(body).iter().flatten().count();
        let holds_one = chosen
            .iter()
            .any(|c| heading.range.start < c.range.start && c.range.start < heading.end);
        if told >= 2 && !holds_one && part_of(&heading.text).is_none() {
            chosen.push(heading);
        }
    }
    let mut names = BTreeSet::new();
    let drafts = chosen.into_iter().rev().enumerate();
    drafts
        .map(|(index, heading)| {
            let (label, title) = titled(&heading.text);
            let body = section(text, heading);
            let mut name = kebab(title.unwrap_or(&heading.text));
            if name.is_empty() || !names.insert(name.clone()) {
                name = format!("{name}-{}", index + 1)
                    .trim_start_matches('-')
                    .to_owned();
                if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
                    name = format!("entry-{}", index + 1);
                }
                names.insert(name.clone());
            }
            let mut parts = parts(body);
            let snippet = snippet(body);
            let code = || snippet.clone().or_else(|| label.map(str::to_owned));
            parts[0] = parts[0].take().or_else(code);
            Draft {
                name,
                summary: Some(title.unwrap_or(&heading.text).trim().to_owned()),
                parts,
                incident: label.map(str::to_owned),
                snippet,
            }
        })
        .collect()
}

fn section<'t>(text: &'t str, heading: &Heading) -> &'t str {
    text.get(heading.range.end..heading.end).unwrap_or("")
}

/// `AP-007: Partition column missing` is a code and a title.
fn titled(heading: &str) -> (Option<&str>, Option<&str>) {
    let split = heading
        .split_once([':', '：', '–', '—'])
        .or_else(|| heading.split_once(" - "));
    let code = |t: &str| {
        let word = t.trim();
        let like = word.chars().any(|c| c.is_ascii_digit()) && !word.contains(' ');
        like && word
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    match split {
        Some((label, title)) if code(label) => (Some(label.trim()), Some(title.trim())),
        _ => (None, None),
    }
}

fn kebab(text: &str) -> String {
    const LONGEST: usize = 48;
    let mut out = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c.to_ascii_lowercase());
        } else if !out.ends_with('-') && !out.is_empty() {
            out.push('-');
        }
    }
    // Cut at a word.
    if out.len() > LONGEST {
        out.truncate(LONGEST);
        let end = out.rfind('-').unwrap_or(LONGEST);
        out.truncate(end);
    }
    out.trim_matches('-').to_owned()
}

/// The index of the part that a heading names.
fn part_of(heading: &str) -> Option<usize> {
    let word = heading
        .trim()
        .trim_matches(['*', '_', '`', ':', '：', ' '])
        .to_lowercase();
    PARTS
        .iter()
        .position(|(_, names)| names.contains(&word.as_str()))
}

/// `- **Root cause**: text`, `### Root cause`, `Root cause: text`: the part, and what follows it.
/// A label of the entry ends a part, too.
fn begins(line: &str) -> Option<(Option<usize>, &str)> {
    let bare = line
        .trim_start()
        .trim_start_matches(['-', '*', '+', '>', ' ']);
    let is_heading = bare.starts_with('#');
    let bare = bare.trim_start_matches(['#', ' ', '*', '_']);
    let bare = bare.trim_start_matches(|c: char| c.is_ascii_digit() || ".) ".contains(c));
    let bare = bare.trim_start_matches(['*', '_', ' ']);
    let (word, rest) = match bare.find([':', '：']) {
        Some(at) => {
            let width = bare[at..].chars().next().map_or(1, char::len_utf8);
            (&bare[..at], &bare[at + width..])
        }
        None if is_heading => (bare, ""),
        None => return None,
    };
    let rest = rest.trim_start_matches(['*', '_', ' ']);
    match part_of(word) {
        Some(part) => Some((Some(part), rest)),
        None => {
            let word = word.trim_matches(['*', '_', '`', ' ']).to_lowercase();
            (is_heading || LABELS.contains(&word.as_str())).then_some((None, ""))
        }
    }
}

/// The parts that a text tells, each as one paragraph.
fn parts(text: &str) -> [Option<String>; 5] {
    const LONGEST: usize = 600;
    let mut found: [Vec<String>; 5] = Default::default();
    let mut current = None;
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            continue;
        }
        if !fenced && let Some((part, rest)) = begins(line) {
            current = part;
            if let Some(part) = part {
                found[part].push(rest.trim().to_owned());
            }
            continue;
        }
        if let Some(part) = current
            && !fenced
        {
            let bare = line.trim().trim_start_matches(['-', '*', '+', '>', ' ']);
            found[part].push(bare.to_owned());
        }
    }
    found.map(|lines| {
        let words: Vec<&str> = lines.iter().flat_map(|l| l.split_whitespace()).collect();
        (!words.is_empty()).then(|| cut(&words.join(" "), LONGEST).to_string())
    })
}

/// The first block of SQL.
fn snippet(text: &str) -> Option<String> {
    let mut lines = text
        .lines()
        .skip_while(|l| !l.trim_start().starts_with("```sql"));
    lines.next()?;
    let body: Vec<&str> = lines
        .take_while(|l| !l.trim_start().starts_with("```"))
        .collect();
    let shown = body.join("\n");
    (!shown.trim().is_empty()).then_some(shown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::yaml;
    use crate::text::FileId;

    const LIBRARY: &str = "# Anti-pattern library\n\nWhat bit us.\n\n## AP-007: Length macro used on a rate\n\n- **Error code**: AP-007\n- **Scenario**: A list of columns\n  is converted.\n- **Observed phenomenon**: Rates are a third.\n- **Root cause**：A rate has no unit.\n- **Mitigation**: Leave it.\n\n```sql\nselect {{ f('x') }} as x_rate\n```\n\n## `feishu_changelog_skipped`\n\n### Scenario\nA release.\n\n### Root cause\nNobody asked.\n\n## Notes\n\nNothing here.\n";

    #[test]
    fn a_library_becomes_drafts() {
        let drafts = entries(LIBRARY);
        let names: Vec<&str> = drafts.iter().map(|d| d.name.as_str()).collect();
        assert_eq!(
            names,
            ["length-macro-used-on-a-rate", "feishu-changelog-skipped"]
        );
        let first = &drafts[0];
        assert_eq!(first.incident.as_deref(), Some("AP-007"));
        assert_eq!(
            first.parts[1].as_deref(),
            Some("A list of columns is converted.")
        );
        assert_eq!(first.parts[2].as_deref(), Some("Rates are a third."));
        assert_eq!(first.parts[3].as_deref(), Some("A rate has no unit."));
        assert!(
            first
                .yaml()
                .contains("    - |\n      select {{ f('x') }} as x_rate\n")
        );
    }

    #[test]
    fn a_draft_is_refused_until_it_is_written() {
        for draft in entries(LIBRARY).iter().chain([&Draft::new("x")]) {
            let file = yaml::parse(FileId(0), &draft.yaml());
            assert!(file.problems.is_empty(), "{}", draft.yaml());
            assert!(super::super::read(&file, None).is_err());
        }
        // Every part alone is enough to refuse it.
        let whole = Draft::new("x").yaml();
        for n in 0..whole.matches("\"…\"").count() {
            let mut text = whole.replace("\"…\"", "\"sum(a)\"");
            let at = whole.match_indices("\"…\"").nth(n).unwrap().0;
            let before = whole[..at].matches("\"…\"").count();
            let at = text.match_indices("\"sum(a)\"").nth(before).unwrap().0;
            text.replace_range(at..at + "\"sum(a)\"".len(), "\"…\"");
            let file = yaml::parse(FileId(0), &text);
            let error = super::super::read(&file, None).unwrap_err();
            assert!(error.span.is_some(), "{n}: {error}");
        }
    }
}
