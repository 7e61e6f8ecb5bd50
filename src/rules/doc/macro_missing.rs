use crate::load::Role;
use crate::project::Project;
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink, Subject};
use crate::syntax::jinja::{self, TokenKind, ast::Node as JinjaNode};
use crate::text::{FileId, Span};
use crate::violation::{Confidence, Severity, Violation};
use rustc_hash::FxHashSet;
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;
use std::ops::Range;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MacroMissing {}

impl BuiltIn for MacroMissing {
    const META: Meta = Meta {
        id: Borrowed("doc/macro-missing"),
        severity: Severity::Info,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!("../../../rules/doc/macro-missing/README.md")),
    };
}

impl Rule for MacroMissing {
    fn subject(&self) -> Subject {
        Subject::MacroFiles
    }

    fn project(&self, cx: &Cx, sink: &mut Sink) {
        let Some(described) = described(cx.project) else {
            return;
        };
        for member in cx.project.own_files().filter(|m| m.role == Role::Macro) {
            let comments = remarks(&cx.project.files.get(member.file).text);
            for (name, place) in macros(cx.project, member.file) {
                let text = &cx.project.files.get(member.file).text;
                if comments.iter().any(|c| is_remark_on(text, c, place)) {
                    continue;
                }
                if described.contains(name.as_str()) || is_machinery(&name) {
                    continue;
                }
                let message = format!(
                    "the macro `{name}` is described in no property file: whoever calls it must read its Jinja to learn what it prints"
                );
                let help = format!(
                    "describe `{name}` and its arguments under `macros:` in a property file"
                );
                sink.push_on(None, Violation::new(place, message).help(help).symbol(name));
            }
        }
    }
}

/// The Jinja comments of a file that say something.
fn remarks(text: &str) -> Vec<Range<usize>> {
    let (tokens, _) = jinja::lex(text);
    let comments = tokens.iter().filter(|t| t.kind == TokenKind::Comment);
    let ranges = comments.map(|t| t.range.start as usize..t.range.end as usize);
    let speaks = |r: &Range<usize>| {
        let inner = text.get(r.clone()).unwrap_or("");
        let lower = inner.to_lowercase();
        // A head that stands over every file says nothing of this one.
        if lower.contains("copyright") || lower.contains("licen") {
            return false;
        }
        inner
            .split_whitespace()
            .filter(|w| w.chars().any(char::is_alphabetic))
            .count()
            > 2
    };
    ranges.filter(speaks).collect()
}

/// Does a comment stand right before the macro's tag, or first in its body? Whoever opens the file
/// reads it there.
fn is_remark_on(text: &str, comment: &Range<usize>, name: Span) -> bool {
    let tag_start = text[..name.start as usize].rfind("{%").unwrap_or(0);
    let tag_end = text[name.end as usize..]
        .find("%}")
        .map_or(text.len(), |i| name.end as usize + i + 2);
    let blank = |from: usize, to: usize| {
        let between = text.get(from..to);
        between.is_some_and(|t| t.trim().is_empty())
    };
    blank(comment.end, tag_start) || blank(tag_end, comment.start)
}

/// The names of macros with a description; none where a property file breaks off, in which they may
/// be described.
fn described(project: &Project) -> Option<FxHashSet<&str>> {
    let mut all = FxHashSet::default();
    for file in project.own_file_ids() {
        let Some(tree) = project.yaml.get(&file) else {
            continue;
        };
        if !tree.is_complete() {
            return None;
        }
        let list = tree.root().and_then(|r| r.get("macros"));
        for entry in list.into_iter().flat_map(|l| l.resolve().items()) {
            let text = entry.get("description").and_then(|d| d.as_str());
            if text.is_some_and(|t| !t.trim().is_empty()) {
                all.extend(entry.get("name").and_then(|n| n.as_str()));
            }
        }
    }
    Some(all)
}

/// The macros that a file defines, each at its name.
fn macros(project: &Project, file: FileId) -> Vec<(String, Span)> {
    let text = &project.files.get(file).text;
    let nodes = jinja::parse(text).nodes.into_iter();
    let found = nodes.filter_map(|node| match node {
        JinjaNode::Macro(m) => {
            let range = &m.name_range;
            let span = Span::new(file, range.start as usize, range.end as usize);
            // A test or a materialization is no macro that a model calls.
            let written = project.text(span) == &*m.name;
            written.then(|| (m.name.to_string(), span))
        }
        _ => None,
    });
    found.collect()
}

/// What dbt calls, not a person: implementations behind `adapter.dispatch`, overrides of dbt's own
/// macros, tests; and what is private by its name.
fn is_machinery(name: &str) -> bool {
    const HOOKS: [&str; 8] = [
        "generate_schema_name",
        "generate_alias_name",
        "generate_database_name",
        "ref",
        "source",
        "is_incremental",
        "set_query_tag",
        "unset_query_tag",
    ];
    let is_override = name.starts_with("get_custom_") || name.starts_with("materialization_");
    name.contains("__")
        || name.starts_with('_')
        || name.starts_with("test_")
        || HOOKS.contains(&name)
        || is_override
}
