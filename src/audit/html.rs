//! One page that needs nothing else: no network, no file beside it.
//!
//! What comes from the repository stands in a block of JSON that no browser runs and in which no tag
//! can end; the script makes text nodes of it and nothing else. A strict policy lets only this
//! script and this style sheet run, by their hashes, and asks for nothing from anywhere.

use super::history::Line;
use super::items::{Factor, Told};
use super::score::Cell;
use super::text::{metrics, score};
use super::{AuditReport, OwnedBy};
use crate::project::{NodeId, Project};
use crate::text::visible;
use crate::violation::Severity;
use rustc_hash::FxHashMap;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fmt::Write;

const SCRIPT: &str = include_str!("page/page.js");
const STYLE: &str = include_str!("page/page.css");

/// What the script reads.
#[derive(Serialize)]
struct Data<'a> {
    cells: &'a [Cell],
    items: Vec<PageItem<'a>>,
    findings: Vec<PageFinding<'a>>,
    /// Instructions, each once.
    helps: Vec<&'a str>,
    nodes: Vec<PageNode>,
    edges: Vec<(usize, usize)>,
    history: Vec<Point<'a>>,
}

#[derive(Serialize)]
struct PageItem<'a> {
    rule: &'a str,
    category: &'a str,
    area: String,
    priority: f64,
    factors: &'a [Factor],
    severity: Severity,
    owner: Option<&'a str>,
    message: &'a str,
    docs: &'a str,
    /// Indices of findings.
    findings: Vec<usize>,
}

#[derive(Serialize)]
struct PageFinding<'a> {
    rule: &'a str,
    severity: Severity,
    path: &'a str,
    line: u32,
    message: &'a str,
    help: usize,
    node: Option<usize>,
    layer: Option<String>,
    source: Option<String>,
    owner: Option<String>,
}

#[derive(Serialize)]
struct PageNode {
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
struct Point<'a> {
    commit: &'a str,
    day: Option<&'a str>,
    score: Option<f64>,
    rules: &'a str,
}

/// What a page is made from.
pub struct Source<'a> {
    /// The project.
    pub project: &'a Project,
    /// The audit.
    pub audit: &'a AuditReport,
    /// Open findings.
    pub told: Vec<Told<'a>>,
    /// Earlier audits; empty where no history was asked for.
    pub history: &'a [Line],
}

/// The page.
pub fn html(source: &Source) -> String {
    let audit = source.audit;
    let data = serde_json::to_string(&data(source)).unwrap_or_default();
    let policy = format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        hash(SCRIPT),
        hash(STYLE)
    );
    let project = escaped(&audit.project);
    let mut cards = String::new();
    for (title, value) in metrics(audit) {
        let is_number = value.starts_with(|c: char| c.is_ascii_digit()) && !value.contains(',');
        let (big, small) = match is_number {
            true => value.split_once(" (").unwrap_or((&value, "")),
            false => ("", value.as_str()),
        };
        let small = small.strip_suffix(')').unwrap_or(small);
        // Writing to a string does not fail.
        let _ = write!(
            cards,
            "<div class=\"card\"><span>{title}</span><b>{}</b><span>{}</span></div>",
            escaped(big),
            escaped(small)
        );
    }
    let f = &audit.findings;
    let commit = audit.head_sha.as_deref().unwrap_or("no commit");
    let commit: String = commit.chars().take(9).collect();
    let day = audit.newest_commit.as_deref().unwrap_or("");
    let dirty = if audit.dirty == Some(true) {
        " and uncommitted changes"
    } else {
        ""
    };
    format!(
        r##"<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Audit of {project}</title>
<style>{STYLE}</style></head><body><main>
<h1>Audit of {project}</h1>
<div class="sub">{commit}{dirty} · {day} · {models} models · harness-lint {version}</div>
<section aria-label="score"><div class="top"><div class="score">{score}<small>score; {held} as if nothing were held back</small></div>
<div><b class="error">{errors}</b> errors · <b class="warn">{warnings}</b> warnings · <b class="info">{infos}</b> infos<div class="sub">{baselined} baselined, {suppressed} suppressed, {excluded} excluded</div></div>
<div class="trend" id="trend"></div></div>
<div class="cards">{cards}</div></section>
<section><h2>Where it is lost</h2><div class="sub">Score by layer and category, and how many pairs of a rule and a subject fail. Choose a cell to filter the backlog.</div><div class="scroll" id="heat"></div></section>
<section id="backlog"><h2>Backlog</h2><div class="filters">
<label class="wide">search<input id="search" type="search" placeholder="rule, model, path, words" autocomplete="off"></label>
<label>severity<select id="severity"></select></label><label>category<select id="category"></select></label>
<label>layer<select id="layer"></select></label><label>source<select id="source"></select></label><label>owner<select id="owner"></select></label>
</div><div class="sub" id="count" aria-live="polite"></div><div id="items"></div><p><button type="button" class="plain" id="more">more items</button></p></section>
<section id="around"><h2>Neighbourhood</h2><div class="filters"><label class="wide">node<input id="pick" autocomplete="off"></label><label>&nbsp;<button type="button" class="plain" id="go">show</button></label></div>
<div class="sub" id="centre" aria-live="polite"></div><div class="scroll" id="picture"></div><div id="own"></div></section>
<noscript><section>This page needs its script to list the backlog; it asks for nothing from the network.</section></noscript>
</main><script type="application/json" id="data">{data}</script><script>{SCRIPT}</script></body></html>
"##,
        models = audit.models,
        version = escaped(&audit.tool_version),
        score = score(audit.health.total.score),
        held = score(audit.health.with_held_back.score),
        errors = f.errors,
        warnings = f.warnings,
        infos = f.infos,
        baselined = f.baselined,
        suppressed = f.suppressed,
        excluded = f.excluded,
        commit = escaped(&commit),
        day = escaped(day),
        data = in_script(&data),
    )
}

fn data<'a>(source: &'a Source) -> Data<'a> {
    let (project, audit) = (source.project, source.audit);
    let facets = super::area::Facets::new(project);
    let mut numbers: FxHashMap<NodeId, usize> = FxHashMap::default();
    let mut nodes = Vec::new();
    let linked = project.graph.edges();
    let mut seen: Vec<NodeId> = linked.iter().flat_map(|(p, c, _)| [*p, *c]).collect();
    seen.extend(source.told.iter().filter_map(|(f, _)| f.node));
    seen.sort();
    seen.dedup();
    for id in seen {
        let node = project.node(id);
        if !node.resource_type.is_test() {
            numbers.insert(id, nodes.len());
            nodes.push(PageNode {
                name: visible(&node.display_name()).into_owned(),
                kind: node.resource_type.as_str(),
            });
        }
    }
    let edges = linked.into_iter();
    let edges = edges.filter_map(|(p, c, _)| Some((*numbers.get(&p)?, *numbers.get(&c)?)));
    let mut helps: Vec<&str> = Vec::new();
    let mut known: FxHashMap<&str, usize> = FxHashMap::default();
    let mut by_fingerprint: FxHashMap<&str, usize> = FxHashMap::default();
    let mut findings = Vec::new();
    for (index, (f, told)) in source.told.iter().enumerate() {
        by_fingerprint.insert(&told.fingerprint, index);
        let help = *known.entry(&told.help).or_insert_with(|| {
            helps.push(&told.help);
            helps.len() - 1
        });
        let facts = facets.of(project, f.node, Some(f.primary.span.file));
        findings.push(PageFinding {
            rule: &told.rule,
            severity: f.severity,
            path: &told.path,
            line: told.range.line,
            message: &told.message,
            help,
            node: f.node.and_then(|id| numbers.get(&id).copied()),
            layer: facts.layer,
            source: facts.source,
            owner: facts.owner.map(|o| o.name),
        });
    }
    let items = audit.items.iter().map(|item| PageItem {
        rule: &item.rule,
        category: &item.category,
        area: format!("{} {}", item.area.kind, visible(&item.area.name)),
        priority: item.priority,
        factors: &item.factors,
        severity: item.severity,
        owner: item.owner.as_ref().map(|o: &OwnedBy| o.name.as_str()),
        message: &item.message,
        docs: &item.docs,
        findings: item
            .places
            .iter()
            .flat_map(|p| &p.fingerprints)
            .filter_map(|f| by_fingerprint.get(f.as_str()).copied())
            .collect(),
    });
    Data {
        cells: &audit.health.by_layer_and_category,
        items: items.collect(),
        helps,
        findings,
        nodes,
        edges: edges.collect(),
        history: source.history.iter().map(point).collect(),
    }
}

fn point(line: &Line) -> Point<'_> {
    Point {
        commit: &line.commit,
        day: line.day.as_deref(),
        score: line.score,
        rules: &line.ruleset_hash,
    }
}

/// Text between tags.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in visible(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// JSON in which no tag and no comment of HTML begins or ends, and no line of old scripts does.
fn in_script(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' | '>' | '&' => {
                // Writing to a string does not fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c if crate::text::is_hidden(c) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            c => out.push(c),
        }
    }
    out
}

/// SHA-256 in base64, as a policy names a script.
fn hash(text: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digest = Sha256::digest(text.as_bytes());
    let mut out = String::new();
    for three in digest.chunks(3) {
        let byte = |i: usize| u32::from(three.get(i).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * i) & 63) as usize];
            out.push(if i <= three.len() {
                char::from(letter)
            } else {
                '='
            });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_a_policy() {
        assert_eq!(hash(""), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    }

    #[test]
    fn nothing_ends_the_block_of_data() {
        let json = in_script(&serde_json::to_string("</script><!-- \u{2028}").unwrap());
        assert!(!json.contains(['<', '>', '\u{2028}']));
        let back: String = serde_json::from_str(&json).unwrap();
        assert_eq!(back, "</script><!-- \u{2028}");
        assert_eq!(escaped("<a b='\"&"), "&lt;a b=&#39;&quot;&amp;");
    }

    #[test]
    fn the_script_makes_no_markup_of_text() {
        for word in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
        ] {
            assert!(!SCRIPT.contains(word), "{word}");
        }
    }
}
