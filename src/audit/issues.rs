//! Issues for a forge: which to open, which to change, which to close. Nothing is posted here; a
//! workflow does that with the forge's own command.
//!
//! An issue carries its key and the fingerprints of its findings in comments that no reader sees.
//! It is closed when all of them are gone, and only then: where its findings belong to another area
//! by now, it keeps them.

use super::AuditReport;
use super::items::{Area, Item};
use crate::report::formats::{code, prose};
use crate::text::visible;
use crate::violation::Severity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Places that an issue lists; it says how many there are.
const PLACES: usize = 50;
/// Fingerprints that an issue carries: GitHub takes a body of 65,536 characters.
const FINGERPRINTS: usize = 2_000;
const MARKER: &str = "<!-- harness-lint:issue:";
const FOUND: &str = "<!-- harness-lint:findings:";
const END: &str = " -->";
/// By this label the issues are found again.
const LABEL: &str = "harness-lint";

/// What is to be done.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct Plan {
    /// The version of this format.
    pub schema_version: u32,
    /// Issues to open.
    pub create: Vec<Issue>,
    /// Open issues that say something else by now.
    pub update: Vec<Issue>,
    /// Open issues of which no finding is left.
    pub close: Vec<Closed>,
    /// Numbers of open issues that are as they should be.
    pub unchanged: Vec<u64>,
}

/// An issue as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Issue {
    /// The number that the forge gave it; absent for one that is to be opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// Stays the same while the rule and the area do.
    pub key: String,
    /// The first line of the body.
    pub marker: String,
    /// Its title.
    pub title: String,
    /// Its text, in Markdown.
    pub body: String,
    /// Its labels.
    pub labels: Vec<String>,
    /// Its findings.
    pub fingerprints: Vec<String>,
}

/// An issue to close.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Closed {
    /// The number that the forge gave it.
    pub number: u64,
    /// Its key.
    pub key: String,
    /// What to say.
    pub comment: String,
}

/// An open issue, as `gh issue list --json number,title,body` prints it.
#[derive(Debug, Clone, Deserialize)]
pub struct OpenIssue {
    /// Its number.
    pub number: u64,
    /// Its title.
    pub title: String,
    /// Its text.
    pub body: String,
}

impl OpenIssue {
    /// Its key, where it is one of ours.
    fn key(&self) -> Option<String> {
        let rest = self.body.trim_start().strip_prefix(MARKER)?;
        let key = rest.split_once(END)?.0;
        let hex = key.len() == 16 && key.bytes().all(|b| b.is_ascii_hexdigit());
        hex.then(|| key.to_owned())
    }

    fn fingerprints(&self) -> BTreeSet<&str> {
        let found = self.body.split_once(FOUND);
        let list = found.and_then(|(_, rest)| rest.split_once(END));
        list.map_or_else(BTreeSet::new, |(list, _)| list.split_whitespace().collect())
    }
}

/// What makes the open issues those of this audit. What is only worth knowing is no issue.
pub fn plan(audit: &AuditReport, open: &[OpenIssue]) -> Plan {
    let mut items: Vec<Item> = audit
        .items
        .iter()
        .filter(|i| i.severity > Severity::Info)
        .cloned()
        .collect();
    let mut ours: BTreeMap<String, &OpenIssue> = BTreeMap::new();
    let mut sorted: Vec<&OpenIssue> = open.iter().collect();
    sorted.sort_by_key(|i| i.number);
    let mut plan = Plan {
        schema_version: super::SCHEMA_VERSION,
        ..Plan::default()
    };
    for issue in sorted {
        let Some(key) = issue.key() else { continue };
        // Two runs at once may have opened it twice: the older one stays.
        if ours.contains_key(&key) {
            plan.close
                .push(closed(issue, key, "another issue says the same"));
            continue;
        }
        ours.insert(key, issue);
    }
    let moved: Vec<Item> = ours
        .iter()
        .filter(|(key, _)| !items.iter().any(|i| i.key == **key))
        .collect::<Vec<_>>()
        .into_iter()
        .filter_map(|(key, issue)| claimed(&mut items, key, issue))
        .collect();
    items.extend(moved);
    items.retain(|i| !i.places.is_empty());
    for item in &items {
        let known = ours.remove(&item.key);
        let mut issue = issue(item);
        issue.number = known.map(|k| k.number);
        match known {
            None => plan.create.push(issue),
            Some(k) if k.title == issue.title && same(&k.body, &issue.body) => {
                plan.unchanged.push(k.number);
            }
            Some(_) => plan.update.push(issue),
        }
    }
    let gone = ours.into_iter();
    plan.close
        .extend(gone.map(|(key, issue)| closed(issue, key, "all of its findings are gone")));
    plan.close.sort_by_key(|c| c.number);
    plan.update.sort_by_key(|i| i.number);
    plan.unchanged.sort_unstable();
    plan
}

/// Forges change line ends, and take blanks from the end.
fn same(a: &str, b: &str) -> bool {
    let lines = |text: &str| -> Vec<String> {
        let lines = text.trim_end().lines();
        lines.map(|l| l.trim_end().to_owned()).collect()
    };
    lines(a) == lines(b)
}

fn closed(issue: &OpenIssue, key: String, why: &str) -> Closed {
    Closed {
        number: issue.number,
        key,
        comment: format!("Closed by harness-lint: {why}."),
    }
}

/// An item of the findings that an issue has and that are still there, taken from the others; none
/// where all are gone.
fn claimed(items: &mut [Item], key: &str, issue: &OpenIssue) -> Option<Item> {
    let wanted = issue.fingerprints();
    let mut out: Option<Item> = None;
    for item in items.iter_mut() {
        let mut taken = Vec::new();
        for place in &mut item.places {
            let all = std::mem::take(&mut place.fingerprints);
            let (own, rest): (Vec<String>, Vec<String>) =
                all.into_iter().partition(|f| wanted.contains(f.as_str()));
            place.fingerprints = rest;
            if !own.is_empty() {
                let mut copy = place.clone();
                copy.fingerprints = own;
                taken.push(copy);
            }
        }
        if taken.is_empty() {
            continue;
        }
        item.places.retain(|p| !p.fingerprints.is_empty());
        let template = item.clone();
        let new = out.get_or_insert(Item {
            key: key.to_owned(),
            places: Vec::new(),
            area: Area {
                kind: template.area.kind,
                name: template.area.name.clone(),
            },
            ..template
        });
        new.places.extend(taken);
    }
    out
}

fn issue(item: &Item) -> Issue {
    let fingerprints: BTreeSet<&String> =
        item.places.iter().flat_map(|p| &p.fingerprints).collect();
    let fingerprints: Vec<String> = fingerprints.into_iter().cloned().collect();
    let marker = format!("{MARKER}{}{END}", item.key);
    let area = visible(&item.area.name);
    Issue {
        number: None,
        key: item.key.clone(),
        title: crate::text::cut(&format!("{} in {} {area}", item.rule, item.area.kind), 200)
            .into_owned(),
        body: body(item, &marker, &fingerprints),
        marker,
        labels: vec![LABEL.to_owned()],
        fingerprints,
    }
}

fn body(item: &Item, marker: &str, fingerprints: &[String]) -> String {
    let listed: Vec<&str> = fingerprints
        .iter()
        .take(FINGERPRINTS)
        .map(String::as_str)
        .collect();
    let mut out = format!("{marker}\n{FOUND}{}{END}\n", listed.join(" "));
    let count = fingerprints.len();
    let many = if count == 1 { "finding" } else { "findings" };
    let owner = item
        .owner
        .as_ref()
        .map_or(String::new(), |o| format!(" Owner: {}.", code(&o.name)));
    // Writing to a string does not fail.
    let _ = write!(
        out,
        "\n{count} {many} of {} ({}).{owner}\n\n{}\n\n**What to do:** {}\n\n`{}`\n\n| place | findings | models downstream | exposures downstream |\n|---|---:|---:|---:|\n",
        code(&item.rule),
        item.severity.as_str(),
        prose(&item.message),
        prose(&item.help),
        item.docs,
    );
    // Ages would change the text of every issue with every commit.
    for place in item.places.iter().take(PLACES) {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} |",
            code(&format!("{}:{}", place.path, place.line)),
            place.fingerprints.len(),
            place.downstream_models,
            place.downstream_exposures,
        );
    }
    let more = item.places.len().saturating_sub(PLACES);
    if more > 0 {
        let _ = writeln!(out, "\nand {more} more places");
    }
    out
}
