use crate::config::Config;
use crate::project::{Document, Project};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink, Subject};
use crate::syntax::markdown::Heading;
use crate::text::Span;
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// No options: `context.sections` of the configuration says which sections there must be.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SectionMissing {}

impl BuiltIn for SectionMissing {
    const META: Meta = Meta {
        id: Borrowed("context/section-missing"),
        severity: Severity::Warn,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!(
            "../../../rules/context/section-missing/README.md"
        )),
    };

    fn is_asked_for(config: &Config) -> bool {
        config.context.configured
    }
}

impl Rule for SectionMissing {
    fn subject(&self) -> Subject {
        Subject::Documents
    }

    fn project(&self, cx: &Cx, sink: &mut Sink) {
        let sections = &cx.project.config.context.sections;
        if sections.is_empty() {
            return;
        }
        for system in cx.project.source_systems() {
            let Some(overview) = cx.project.overview(&system.name) else {
                continue;
            };
            for section in sections {
                let found = judge(cx.project, overview, &system.name, section);
                sink.push_some(found);
            }
        }
    }
}

fn judge(project: &Project, overview: &Document, source: &str, section: &str) -> Option<Violation> {
    let wanted = synonyms(section);
    let headings = &overview.markdown.headings;
    let fits = |h: &&Heading| {
        let text = words(&h.text);
        wanted.iter().any(|w| text.contains(w.as_str()))
    };
    let name = section.split('|').next().unwrap_or(section).trim();
    let mut fitting = headings.iter().filter(fits).peekable();
    if fitting.peek().is_none() {
        let message = format!(
            "the overview of `{source}` has no section `{name}`: that part of the knowledge stays in somebody's head"
        );
        let help = format!(
            "add a heading `{name}` and write what there is to know, or that it is not known"
        );
        let place = Span::new(overview.file, 0, 0);
        return Some(Violation::new(place, message).help(help).symbol(name));
    }
    let text = &project.files.get(overview.file).text;
    let is_empty = |h: &Heading| {
        let body = text.get(h.range.end..h.end).unwrap_or_default();
        let bare = body
            .trim()
            .trim_matches(['.', '-', '_', '*'])
            .to_lowercase();
        bare.is_empty() || matches!(bare.as_str(), "todo" | "tbd" | "tba" | "n/a" | "fixme")
    };
    let mut fitting: Vec<&Heading> = fitting.collect();
    let first = fitting.first().copied()?;
    fitting.retain(|h| !is_empty(h));
    fitting.is_empty().then(|| {
        let message = format!("the section `{name}` of the overview of `{source}` says nothing");
        Violation::new(overview.span(&first.range), message).symbol(name)
    })
}

/// What people call the usual sections.
const USUAL: [&[&str]; 6] = [
    &[
        "system overview",
        "overview",
        "about",
        "summary",
        "what it is",
        "purpose",
    ],
    &[
        "core hierarchy",
        "hierarchy",
        "core entities",
        "entities",
        "data model",
        "entity relationships",
    ],
    &[
        "location",
        "where it lives",
        "where the tables lie",
        "database and schema",
        "schemas",
    ],
    &[
        "ingestion",
        "loading",
        "how it is loaded",
        "how rows arrive",
        "pipeline",
        "extraction",
        "sync",
    ],
    &[
        "key gotchas",
        "gotchas",
        "pitfalls",
        "caveats",
        "traps",
        "known issues",
        "watch out",
    ],
    &[
        "join patterns",
        "joins",
        "join keys",
        "how to join",
        "relationships",
    ],
];

/// Every heading that meets a section: its own alternatives, and the usual names of it.
fn synonyms(section: &str) -> Vec<String> {
    let own: Vec<String> = section
        .split('|')
        .map(words)
        .filter(|w| !w.is_empty())
        .collect();
    let usual = USUAL
        .iter()
        .filter(|names| names.iter().any(|n| own.iter().any(|o| o == n)));
    let usual = usual.flat_map(|names| names.iter().map(|n| (*n).to_owned()));
    own.iter().cloned().chain(usual).collect()
}

/// Lower-case words with one blank between them.
fn words(text: &str) -> String {
    let lower = text.to_lowercase();
    let words = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty());
    words.collect::<Vec<_>>().join(" ")
}
