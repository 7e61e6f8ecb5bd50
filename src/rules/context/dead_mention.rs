use crate::load::{KnowledgeKind, is_generated};
use crate::project::{Document, Project, Resolution, ResourceType, in_root};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink, Subject};
use crate::syntax::jinja::{MentionedCall, RelationRef, is_built_in};
use crate::syntax::markdown::Mention;
use crate::text::nearest;
use crate::violation::{Confidence, Severity, Violation};
use rustc_hash::FxHashSet;
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;
use std::collections::BTreeMap;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeadMention {}

impl BuiltIn for DeadMention {
    const META: Meta = Meta {
        id: Borrowed("context/dead-mention"),
        severity: Severity::Warn,
        confidence: Confidence::Likely,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!(
            "../../../rules/context/dead-mention/README.md"
        )),
    };
}

impl Rule for DeadMention {
    fn subject(&self) -> Subject {
        Subject::Documents
    }

    fn project(&self, cx: &Cx, sink: &mut Sink) {
        let knowledge = &cx.project.knowledge;
        if knowledge.partial || knowledge.documents.is_empty() {
            return;
        }
        let known = Known::new(cx.project);
        for document in &knowledge.documents {
            if document.is_of_site(knowledge) {
                continue;
            }
            let text = &cx.project.files.get(document.file).text;
            let mut count = 0;
            for mention in &document.markdown.code {
                // Past so many it is the document that is dead.
                if count >= MOST || is_prospective(text, &mention.range) {
                    continue;
                }
                let Some(dead) = known.dead(cx.project, document, mention) else {
                    continue;
                };
                count += 1;
                let message = format!(
                    "`{}` is named here, but {} exists no more, or never did: whoever follows the text looks for it in vain",
                    dead.name, dead.what
                );
                let mut found = Violation::new(document.span(&mention.range), message)
                    .symbol(dead.name.clone());
                if let Some(near) = dead.near {
                    found =
                        found.help(format!("did you mean `{near}`? Otherwise correct the text"));
                }
                if document.kind == KnowledgeKind::Plan {
                    found = found
                        .severity(Severity::Info)
                        .confidence(Confidence::Heuristic);
                }
                sink.push(found);
            }
        }
    }
}

/// Findings in one document.
const MOST: usize = 200;

/// Something that is named and does not exist.
struct Dead {
    name: String,
    /// `the model`, `the file` …
    what: String,
    near: Option<String>,
}

/// What names there are.
struct Known<'p> {
    /// Every word of every file of the project, packages' too.
    words: FxHashSet<&'p str>,
    /// First parts of models' names that at least [`ENOUGH`] models share.
    prefixes: FxHashSet<&'p str>,
    /// Names that `ref` may take.
    models: Vec<&'p str>,
    /// The project's own macros.
    macros: Vec<&'p str>,
}

/// A prefix that fewer models share is none.
const ENOUGH: usize = 3;

/// Prefixes that only models have.
const OF_MODELS: [&str; 12] = [
    "stg", "base", "int", "fct", "fact", "dim", "mart", "rpt", "agg", "obt", "snp", "bridge",
];

impl<'p> Known<'p> {
    fn new(project: &'p Project) -> Self {
        let mut words = FxHashSet::default();
        for member in &project.members {
            let text = &*project.files.get(member.file).text;
            words.extend(text.split(|c: char| !(c.is_alphanumeric() || c == '_')));
        }
        let refable = project
            .nodes
            .iter()
            .filter(|n| n.resource_type.is_refable());
        let models: Vec<&str> = refable.map(|n| n.name.as_str()).collect();
        words.extend(project.nodes.iter().map(|n| n.name.as_str()));
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for (prefix, _) in models.iter().filter_map(|m| m.split_once('_')) {
            *counts.entry(prefix).or_default() += 1;
        }
        let shared = counts
            .into_iter()
            .filter(|(p, n)| *n >= ENOUGH && OF_MODELS.contains(p));
        Self {
            words,
            prefixes: shared.map(|(p, _)| p).collect(),
            models,
            macros: own_macros(project),
        }
    }

    fn dead(&self, project: &Project, document: &Document, mention: &Mention) -> Option<Dead> {
        let text = mention.text.trim();
        let is_template = text.contains(['{', '<', '*', '$', '…', '%', '?', '['])
            || text.contains("...")
            || ["xxx", "XXX", "your", "my_", "foo", "example"]
                .iter()
                .any(|w| text.contains(w));
        if let Some(call) = relation(text) {
            return self.relation(project, &call);
        }
        if let Some(call) = MentionedCall::of(text) {
            return self.called(project, document, mention, call);
        }
        if is_template || text.len() > 200 {
            return None;
        }
        if let Some(path) = path_of(text) {
            return missing_path(project, document, path);
        }
        match text.split_once(char::is_whitespace) {
            None => self.model(project, text),
            Some((tool, rest)) => self.command(project, document, tool, rest),
        }
    }

    /// A name with a prefix that only models have, which stands nowhere in the project.
    fn model(&self, project: &Project, name: &str) -> Option<Dead> {
        let is_name = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let (prefix, rest) = name.split_once('_')?;
        let whole = rest.len() > 3 && !name.ends_with('_');
        if !is_name || !whole || !self.prefixes.contains(prefix) || self.words.contains(name) {
            return None;
        }
        // Its file may be one that is not read: disabled, of another kind.
        let endings = ["sql", "py", "csv", "yml", "yaml", "md"];
        let mut files = endings.iter().map(|end| format!("{name}.{end}"));
        let stands = files.any(|f| !project.knowledge.named(&f).is_empty());
        // The beginning of longer names is a family of models.
        let family = self.models.iter().any(|m| {
            let rest = m.strip_prefix(name);
            rest.is_some_and(|r| r.starts_with('_'))
        });
        (!stands && !family && !project.misses_packages()).then(|| Dead {
            name: name.to_owned(),
            what: "the model".to_owned(),
            near: nearest(name, self.models.iter().copied()).map(str::to_owned),
        })
    }

    /// A call of a macro that nobody defines. Most calls in prose are of SQL's functions, or of
    /// Python's: braces, a package, the word beside it or the heading above it say that one is a
    /// macro's, or that it nearly has the name of one.
    fn called(
        &self,
        project: &Project,
        document: &Document,
        mention: &Mention,
        call: MentionedCall,
    ) -> Option<Dead> {
        let name = call.name;
        let placeholder = [
            "macro", "your_", "my_", "foo", "bar", "example", "xxx", "some_",
        ];
        let is_placeholder = placeholder.iter().any(|w| name.contains(w));
        if name.len() < 4 || is_placeholder || is_built_in(name) || project.misses_packages() {
            return None;
        }
        // Words of the project hold every name that is defined, and what is only called.
        if self.words.contains(name) || self.is_implemented(name) {
            return None;
        }
        let text = &project.files.get(document.file).text;
        let near = self.macros.iter().copied().find(|m| is_slip(name, m));
        let is_macro = match call.package {
            Some(package) => project.packages.iter().any(|p| **p == *package),
            None if call.in_braces => true,
            None => {
                name.contains('_') && (near.is_some() || is_called_macro(text, document, mention))
            }
        };
        is_macro.then(|| Dead {
            name: match call.package {
                Some(package) => format!("{package}.{name}"),
                None => name.to_owned(),
            },
            what: "the macro".to_owned(),
            near: near
                .or_else(|| nearest(name, self.macros.iter().copied()))
                .map(str::to_owned),
        })
    }

    /// Is there an implementation that `adapter.dispatch` finds by this name?
    fn is_implemented(&self, name: &str) -> bool {
        let ends = |w: &str| w.strip_suffix(name).is_some_and(|p| p.ends_with("__"));
        self.words.iter().any(|w| ends(w))
    }

    fn relation(&self, project: &Project, call: &RelationRef) -> Option<Dead> {
        let reader = project.models().next()?;
        let Resolution::Missing(near) = project.resolve(reader, call) else {
            return None;
        };
        let (name, what) = match call {
            RelationRef::Ref {
                name: Some(name), ..
            } => (name.clone(), "the model"),
            RelationRef::Source {
                source: Some(source),
                table: Some(table),
            } => {
                // Examples name sources and tables that nobody has.
                let declared = |n: &&crate::project::Node| {
                    n.resource_type == ResourceType::Source
                        && n.source_name.as_deref() == Some(source)
                };
                project.nodes.iter().find(declared)?;
                (format!("{source}.{table}"), "the source table")
            }
            _ => return None,
        };
        // `ref('model_name')` and the like are placeholders: a name of the project's own is asked.
        let own = name
            .split_once('_')
            .is_some_and(|(p, _)| self.prefixes.contains(p));
        let placeholder = ["model", "xxx", "name", "foo", "example"]
            .iter()
            .any(|w| name.contains(w));
        let known = self.words.contains(name.as_str());
        ((own || what == "the source table") && !placeholder && !known).then(|| Dead {
            name,
            what: what.to_owned(),
            near,
        })
    }

    /// A command that names a script, or selects a model.
    fn command(
        &self,
        project: &Project,
        document: &Document,
        tool: &str,
        rest: &str,
    ) -> Option<Dead> {
        if matches!(tool, "python" | "python3" | "bash" | "sh" | "source") {
            let script = rest.split_whitespace().find(|w| !w.starts_with('-'))?;
            return missing_path(project, document, path_of(script)?);
        }
        if tool.starts_with("./") {
            return missing_path(project, document, path_of(tool)?);
        }
        if tool != "dbt" {
            return None;
        }
        let mut words = rest.split_whitespace();
        words.find(|w| matches!(*w, "-s" | "--select" | "-m" | "--models"))?;
        let chosen = words.take_while(|w| !w.starts_with('-'));
        let mut names = chosen.map(|w| w.trim_matches(['+', '@', '"', '\'', ',']));
        names.find_map(|name| self.model(project, name))
    }
}

/// Names of the macros of the project itself.
fn own_macros(project: &Project) -> Vec<&str> {
    let own = project
        .macros
        .iter()
        .filter(|m| *m.package == *project.name);
    let mut names: Vec<&str> = own.map(|m| &*m.name).collect();
    names.sort_unstable();
    names
}

/// Is one name the other with a slip or two in it?
fn is_slip(name: &str, known: &str) -> bool {
    name.len() >= 8 && strsim::damerau_levenshtein(name, known) <= 2
}

/// Does the text call the name a macro: by the word beside it, or as the first thing on a line below
/// a heading that speaks of macros?
fn is_called_macro(text: &str, document: &Document, mention: &Mention) -> bool {
    let line = text[..mention.range.start].rfind('\n').map_or(0, |i| i + 1);
    let before = text[line..mention.range.start].to_lowercase();
    let after = text[mention.range.end..].chars().take(12);
    let after = after.collect::<String>().to_lowercase();
    let beside = |words: &str| {
        let word = words.trim_matches([' ', '*', '_', ':', '(', ',', '.', ')']);
        word == "macro" || word == "macros"
    };
    let last = before.trim_end().rsplit(' ').next().unwrap_or("");
    let next = after.trim_start().split([' ', '\n']).next().unwrap_or("");
    if beside(last) || beside(next) {
        return true;
    }
    let is_first = before
        .chars()
        .all(|c| matches!(c, ' ' | '-' | '*' | '+' | '|' | '#' | '.') || c.is_ascii_digit());
    let mut headings = document.markdown.headings.iter();
    is_first
        && headings.any(|h| {
            let inside = h.range.end <= mention.range.start && mention.range.end <= h.end;
            inside && h.text.to_lowercase().contains("macro")
        })
}

/// `ref('x')`, `{{ source('a', 'b') }}`: with literal names and nothing else.
fn relation(text: &str) -> Option<RelationRef> {
    let text = text.trim_start_matches("{{").trim_end_matches("}}").trim();
    let (function, rest) = text.split_once('(')?;
    let inner = rest.strip_suffix(')')?;
    let literal = |part: &str| {
        let part = part.trim();
        let inner = part
            .strip_prefix('\'')
            .and_then(|p| p.strip_suffix('\''))
            .or_else(|| part.strip_prefix('"').and_then(|p| p.strip_suffix('"')))?;
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
        (!inner.is_empty() && inner.chars().all(is_name)).then(|| inner.to_owned())
    };
    let parts: Vec<String> = inner.split(',').map(literal).collect::<Option<_>>()?;
    match (function.trim(), &parts[..]) {
        ("ref", [name]) => Some(RelationRef::Ref {
            package: None,
            name: Some(name.clone()),
            version: None,
        }),
        ("source", [source, table]) => Some(RelationRef::Source {
            source: Some(source.clone()),
            table: Some(table.clone()),
        }),
        _ => None,
    }
}

/// Endings of files that a repository holds.
const ENDINGS: [&str; 11] = [
    "sql", "yml", "yaml", "md", "py", "csv", "sh", "toml", "ipynb", "tf", "cfg",
];

/// A path with a folder and an ending that only files have.
fn path_of(text: &str) -> Option<&str> {
    let text = text.trim_end_matches([',', '.', ';', ':']);
    let text = text
        .split_once(".py::")
        .map_or(text, |(p, _)| &text[..p.len() + 3]);
    let (_, ending) = text.rsplit_once('.')?;
    let named = text
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'.' | b'_' | b'-'));
    let relative = !text.starts_with(['/', '~']) && !text.contains("//");
    (named && relative && text.contains('/') && ENDINGS.contains(&ending)).then_some(text)
}

fn missing_path(project: &Project, document: &Document, path: &str) -> Option<Dead> {
    let knowledge = &project.knowledge;
    let dir = document
        .from_root
        .rsplit_once('/')
        .map_or("", |(dir, _)| dir);
    let own = knowledge.project.as_str();
    let bases = [dir, own, ""];
    let places = bases.map(|base| in_root(base, path));
    if places
        .iter()
        .any(|p| p.starts_with("..") || is_generated(p) || knowledge.tree.contains(p))
    {
        return None;
    }
    // People shorten paths: it is enough that one ends so.
    let plain = in_root("", path);
    let name = plain.rsplit('/').next()?;
    let ending = format!("/{plain}");
    if knowledge.named(name).iter().any(|p| p.ends_with(&ending)) {
        return None;
    }
    // A path of this repository begins with a folder of it; others are of other repositories, or of
    // a site, or of a machine.
    let first = plain.split('/').next()?;
    let starts = bases.map(|base| in_root(base, first));
    if !starts.iter().any(|p| knowledge.tree.contains(p)) {
        return None;
    }
    let near = knowledge.only_named(name).map(str::to_owned);
    Some(Dead {
        name: path.to_owned(),
        what: "the file".to_owned(),
        near,
    })
}

/// How far from a name its line is read.
const NEAR: usize = 300;

/// Does the line speak of what is not there yet, no longer, or only by way of example?
fn is_prospective(text: &str, range: &std::ops::Range<usize>) -> bool {
    // A line may be a whole file; what stands far off says nothing of this word.
    let (mut from, mut to) = (
        range.start.saturating_sub(NEAR),
        (range.end + NEAR).min(text.len()),
    );
    while !text.is_char_boundary(from) {
        from += 1;
    }
    while !text.is_char_boundary(to) {
        to -= 1;
    }
    let start = text[from..range.start]
        .rfind('\n')
        .map_or(from, |i| from + i + 1);
    let end = text[range.end..to].find('\n').map_or(to, |i| range.end + i);
    let line = text[start..end].to_lowercase();
    const WORDS: [&str; 31] = [
        "e.g",
        "example",
        "for instance",
        "such as",
        "would",
        "will ",
        "should",
        "create",
        "new ",
        "add ",
        "todo",
        "planned",
        "future",
        "propos",
        "removed",
        "remove ",
        "deleted",
        "delete ",
        "dropped",
        "deprecated",
        "renamed",
        "rename",
        "legacy",
        "formerly",
        "old ",
        "previously",
        "no longer",
        "replaced",
        "instead of",
        "not exist",
        "generate",
    ];
    WORDS.iter().any(|w| line.contains(w))
}
