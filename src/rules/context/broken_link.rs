use crate::load::{KnowledgeKind, is_generated};
use crate::project::{Document, Knowledge, in_root};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink, Subject};
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BrokenLink {}

impl BuiltIn for BrokenLink {
    const META: Meta = Meta {
        id: Borrowed("context/broken-link"),
        severity: Severity::Warn,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Recommended),
        doc: Borrowed(include_str!("../../../rules/context/broken-link/README.md")),
    };
}

impl Rule for BrokenLink {
    fn subject(&self) -> Subject {
        Subject::Documents
    }

    fn project(&self, cx: &Cx, sink: &mut Sink) {
        let knowledge = &cx.project.knowledge;
        if knowledge.partial {
            return;
        }
        for document in &knowledge.documents {
            // dbt shows these in its own site, beside the files of `asset-paths`.
            let text = &cx.project.files.get(document.file).text;
            if text.contains("{% docs") || document.is_of_site(knowledge) {
                continue;
            }
            for link in &document.markdown.links {
                let Some(target) = target(&link.text) else {
                    continue;
                };
                let Some(path) = missing(knowledge, document, &target) else {
                    continue;
                };
                let near = near(knowledge, &path);
                let message = format!(
                    "the link to `{target}` leads nowhere: {} does not exist, so whoever follows it learns nothing",
                    shown(&path)
                );
                let mut found = Violation::new(document.span(&link.range), message).symbol(target);
                if let Some(near) = near {
                    found =
                        found.help(format!("did you mean {near}? Otherwise take the link away"));
                }
                if document.kind == KnowledgeKind::Plan {
                    found = found.severity(Severity::Info);
                }
                sink.push(found);
            }
        }
    }
}

fn shown(path: &str) -> String {
    format!("`{path}`")
}

/// The path of a link to a file of the repository; none for an address, an anchor, a template.
fn target(link: &str) -> Option<String> {
    let path = link.split(['#', '?']).next()?.trim();
    let elsewhere = path.is_empty()
        || path.starts_with(['/', '\\', '~', '$', '%', '@'])
        || path.contains("://")
        || path.contains([':', '{', '}', '<', '>', '*', '|', '\n'])
        // A site without its scheme.
        || path.starts_with("www.");
    if elsewhere {
        return None;
    }
    decoded(path)
}

/// `%20` is a blank.
fn decoded(path: &str) -> Option<String> {
    let mut parts = path.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(part.get(..2)?, 16).ok()?);
        bytes.extend(part.as_bytes().get(2..)?);
    }
    String::from_utf8(bytes).ok()
}

/// Where a link leads to, if nothing is there.
fn missing(knowledge: &Knowledge, document: &Document, target: &str) -> Option<String> {
    let dir = document
        .from_root
        .rsplit_once('/')
        .map_or("", |(dir, _)| dir);
    let path = in_root(dir, target);
    // Out of the repository, or into what others fill: not ours to know.
    if path.starts_with("..") || path.is_empty() || is_generated(&path) {
        return None;
    }
    let known = |p: &str| knowledge.tree.contains(p);
    if known(&path) {
        return None;
    }
    // Sites leave the ending away, or write that of the page that is made of the file.
    let bare = path.strip_suffix(".html").unwrap_or(&path);
    let last = bare.rsplit('/').next().unwrap_or(bare);
    let made = [".md", ".mdx", ".rst", ".html", ".ipynb"];
    if made.iter().any(|end| known(&format!("{bare}{end}"))) {
        return None;
    }
    // A page of a site that is built elsewhere; a word that is no path at all.
    let has_ending = last.rsplit_once('.').is_some_and(|(stem, end)| {
        !stem.is_empty()
            && (1..=5).contains(&end.len())
            && end.bytes().all(|b| b.is_ascii_alphanumeric())
    });
    // Bare `example.com/x` is an address that lacks its scheme.
    let first = target.split('/').next().unwrap_or(target);
    let is_site = first.contains('.') && target.contains('/') && !first.starts_with('.');
    (has_ending && !path.ends_with(".html") && !is_site).then_some(path)
}

/// The one file of the same name elsewhere.
fn near(knowledge: &Knowledge, path: &str) -> Option<String> {
    let name = path.rsplit('/').next()?;
    knowledge.only_named(name).map(shown)
}
