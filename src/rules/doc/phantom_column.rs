use crate::project::{Column, Node, NodeId, Project, Properties, ResourceType};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink, Subject};
use crate::syntax::conditional;
use crate::syntax::sql::tree::{Body, ItemKind};
use crate::text::{Span, nearest};
use crate::violation::{Applicability, Confidence, Edit, Fix, Severity, Violation};
use rustc_hash::{FxHashMap, FxHashSet};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow::Borrowed;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PhantomColumn {}

impl BuiltIn for PhantomColumn {
    const META: Meta = Meta {
        id: Borrowed("doc/phantom-column"),
        severity: Severity::Warn,
        confidence: Confidence::Likely,
        fix: FixAvailability::Sometimes,
        preset: Some(Preset::Recommended),
        doc: Borrowed(include_str!("../../../rules/doc/phantom-column/README.md")),
    };
}

impl Rule for PhantomColumn {
    fn subject(&self) -> Subject {
        Subject::Columns
    }

    fn project(&self, cx: &Cx, sink: &mut Sink) {
        let optional = Optional::of(cx.project);
        let nodes = cx.project.nodes.iter();
        for node in nodes.filter(|n| n.is_own() && !n.is_disabled() && is_built_by_its_sql(n)) {
            let Some(properties) = &node.properties else {
                continue;
            };
            if optional.nodes.contains(&node.id) {
                continue;
            }
            if properties.columns.is_empty() || cx.lineage().rests_on_declaration(node.id) {
                continue;
            }
            let Some(names) = cx.lineage().names(node.id) else {
                continue;
            };
            let case = Case {
                project: cx.project,
                optional: optional.words.get(&node.id),
                node,
                properties,
                outputs: names.iter().map(|n| plain(n)).collect(),
                names,
            };
            case.judge(sink);
        }
    }
}

/// Are the columns of its relation those of its SQL (or of its file, for a seed), and no others?
fn is_built_by_its_sql(node: &Node) -> bool {
    const KNOWN: [&str; 7] = [
        "view",
        "table",
        "incremental",
        "ephemeral",
        "materialized_view",
        "dynamic_table",
        "streaming_table",
    ];
    let hooks = ["pre-hook", "post-hook"]
        .into_iter()
        .filter_map(|k| node.config.get(k));
    // A hook may add columns.
    let alters = |v: &Value| {
        let text = v.to_string().to_ascii_lowercase();
        text.contains("add") && (text.contains("alter") || text.contains("column"))
    };
    if hooks
        .into_iter()
        .any(|h| h.value.as_ref().is_none_or(alters))
    {
        return false;
    }
    match node.resource_type {
        ResourceType::Model => {
            let set = node.config.get("materialized");
            set.is_none()
                || node
                    .config
                    .text("materialized")
                    .is_some_and(|m| KNOWN.contains(&m))
        }
        ResourceType::Seed | ResourceType::Snapshot => true,
        _ => false,
    }
}

/// A name without its quotes, in lower case.
fn plain(name: &str) -> String {
    let quotes: &[char] = &['"', '`', '[', ']', '\'', ' '];
    name.trim_matches(quotes).to_lowercase()
}

/// Columns that a variable switches on or off: an entry of one that is off is no mistake.
#[derive(Default)]
struct Optional {
    /// What a macro prints under a condition is not known; nor what a star takes from such a model.
    nodes: FxHashSet<NodeId>,
    /// Words that stand under a condition, by node.
    words: FxHashMap<NodeId, FxHashSet<String>>,
}

impl Optional {
    fn of(project: &Project) -> Self {
        let mut out = Self::default();
        for node in project
            .nodes
            .iter()
            .filter(|n| n.sql.is_some() && !n.python)
        {
            let text = &project.files.get(node.file).text;
            if !text.contains("{%") {
                continue;
            }
            for part in conditional::parts(node.file, text)
                .iter()
                .filter(|c| !c.incremental)
            {
                let text = project.text(part.span);
                if part.printed && !names_relation(text) {
                    out.nodes.insert(node.id);
                }
                let words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
                let known = out.words.entry(node.id).or_default();
                known.extend(words.filter(|w| !w.is_empty()).map(str::to_lowercase));
            }
        }
        let mut waiting: Vec<NodeId> = out.nodes.iter().chain(out.words.keys()).copied().collect();
        while let Some(id) = waiting.pop() {
            for child in project.graph.children(id) {
                if has_star(project.node(child)) && out.nodes.insert(child) {
                    waiting.push(child);
                }
            }
        }
        out
    }
}

/// `{{ ref('x') }}`, `{{ source('x', 'y') }}`, `{{ this }}`.
fn names_relation(output: &str) -> bool {
    let inner = output.trim_start_matches(['{', '-', ' ']);
    ["ref(", "source(", "this"]
        .iter()
        .any(|word| inner.starts_with(word))
}

fn has_star(node: &Node) -> bool {
    let mut found = false;
    if let Some(query) = node.sql.as_ref().and_then(|s| s.query()) {
        query.selects(&mut |select, _| {
            found |= select
                .items
                .iter()
                .any(|i| matches!(i.kind, ItemKind::Star { .. }));
        });
    }
    found
}

struct Case<'a> {
    project: &'a Project,
    optional: Option<&'a FxHashSet<String>>,
    node: &'a Node,
    properties: &'a Properties,
    names: Vec<&'a str>,
    outputs: FxHashSet<String>,
}

impl Case<'_> {
    fn judge(&self, sink: &mut Sink) {
        let columns = &self.properties.columns;
        let phantom = |c: &&Column| self.is_phantom(&c.name.value);
        let phantoms: Vec<&Column> = columns.iter().filter(phantom).collect();
        let documented: FxHashSet<String> = columns.iter().map(|c| plain(&c.name.value)).collect();
        for column in &phantoms {
            let free = self
                .names
                .iter()
                .copied()
                .filter(|n| !documented.contains(&plain(n)));
            let near = nearest(&column.name.value, free);
            // What is left must still be a list.
            let some_stay = phantoms.len() < columns.len();
            sink.push_on(Some(self.node.id), self.finding(column, near, some_stay));
        }
    }

    fn is_phantom(&self, name: &str) -> bool {
        // A name that Jinja prints, or a pattern, is not read here.
        if name.contains(['{', '*', '%']) {
            return false;
        }
        let name = plain(name);
        // A field of a record is documented under its path.
        let record = name.split('.').next().unwrap_or_default();
        let optional = self.optional.is_some_and(|words| words.contains(&name));
        !optional && !self.outputs.contains(&name) && !self.outputs.contains(record)
    }

    fn finding(&self, column: &Column, near: Option<&str>, some_stay: bool) -> Violation {
        let (name, model) = (&column.name.value, self.node.display_name());
        let made = match self.node.resource_type {
            ResourceType::Seed => "its file does not have",
            _ => "its SQL does not output",
        };
        let why = match column.tests.is_empty() {
            true => "who trusts the documentation writes a query that fails",
            false => "its tests fail, and so does a query that trusts the documentation",
        };
        let mut message = format!("`{model}` documents the column `{name}`, which {made}: {why}");
        if let Some(near) = near {
            message.push_str(&format!("; did you mean `{near}`?"));
        }
        let help = match near {
            Some(near) => format!(
                "name the entry `{near}` if that is the column, else remove it, or output `{name}` again"
            ),
            None => format!("remove the entry, or output `{name}` again"),
        };
        let mut violation = Violation::new(column.name.span, message)
            .help(help)
            .related(self.made_here(), "the columns are made here")
            .symbol(name.as_str());
        let fix = match near {
            Some(near) => self.renaming(column, near),
            None if some_stay => self.removal(column),
            None => None,
        };
        if let Some(fix) = fix {
            violation = violation.fix(fix);
        }
        violation
    }

    /// Where the output is made.
    fn made_here(&self) -> Span {
        let query = self.node.sql.as_ref().and_then(|s| s.query());
        let place = query.and_then(|q| list_place(&q.body));
        place.unwrap_or(Span::whole(self.node.file))
    }

    /// Only for a slip of the finger: other near names are a question.
    fn renaming(&self, column: &Column, near: &str) -> Option<Fix> {
        let written = self.project.text(column.name.span);
        let (a, b) = (plain(&column.name.value), plain(near));
        if strsim::damerau_levenshtein(&a, &b) > 1 || a.chars().count() < 4 {
            return None;
        }
        let text = written.replace(&column.name.value, near);
        (text != written).then(|| Fix {
            title: format!("name the column `{near}`"),
            applicability: Applicability::Suggested,
            edits: vec![Edit {
                span: column.name.span,
                text,
            }],
        })
    }

    /// Takes the entry out, where nothing but words hangs on it.
    fn removal(&self, column: &Column) -> Option<Fix> {
        let tree = self.project.yaml.get(&self.properties.file)?;
        let entry = tree.node(column.entry);
        let words = ["name", "description", "data_type", "quote"];
        let only_words = entry
            .own_entries()
            .all(|(key, _)| key.as_str().is_some_and(|k| words.contains(&k)));
        if !only_words || entry.is_flow() || entry.anchor().is_some() {
            return None;
        }
        let span = whole_item(
            &self.project.files.get(self.properties.file).text,
            entry.span(),
        )?;
        Some(Fix {
            title: format!("remove the entry of `{}`", column.name.value),
            applicability: Applicability::Suggested,
            edits: vec![Edit {
                span,
                text: String::new(),
            }],
        })
    }
}

/// The `select` of a query's output.
fn list_place(body: &Body) -> Option<Span> {
    match body {
        Body::Select(select) => Some(select.keyword),
        Body::Set { branches, .. } => list_place(branches.first()?),
        Body::Query(query) => list_place(&query.body),
        Body::Values(_) | Body::Other(_) | Body::Unread(_) => None,
    }
}

/// The lines of a list's item, dash included; none where something else stands on them.
fn whole_item(text: &str, item: Span) -> Option<Span> {
    let range = item.range();
    let line = text[..range.start].rfind('\n').map_or(0, |i| i + 1);
    if text[line..range.start].trim() != "-" || text[range.clone()].contains('#') {
        return None;
    }
    let rest = text[range.end..].find('\n').map(|i| range.end + i + 1);
    let mut end = rest.unwrap_or(text.len());
    if !text[range.end..end].trim().is_empty() {
        return None;
    }
    // Between blank lines one of them goes too.
    let before = text[..line].trim_end_matches(['\n', '\r']).len();
    if text[before..line].matches('\n').count() > 1 {
        while let Some(next) = text[end..]
            .find('\n')
            .filter(|i| text[end..end + i].trim().is_empty())
        {
            end += next + 1;
        }
    }
    Some(Span::new(item.file, line, end))
}
