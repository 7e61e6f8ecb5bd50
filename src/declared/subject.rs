//! What a rule judges: a node, a column of one, a macro, a group, a file.

use crate::load::Role;
use crate::project::{Column, Group, Node, NodeId, Project, ResourceType};
use crate::syntax::jinja::{self, Token, TokenKind, ast::Node as JinjaNode};
use crate::syntax::yaml::{Node as YamlNode, NodeId as YamlId};
use crate::text::{FileId, Span};
use rustc_hash::FxHashMap;

/// What a subject is, as `resource_type` says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Of {
    Node(ResourceType),
    Column,
    Macro,
    Group,
    File,
}

impl Of {
    pub(super) const ALL: [Of; 16] = [
        Of::Node(ResourceType::Model),
        Of::Node(ResourceType::Seed),
        Of::Node(ResourceType::Snapshot),
        Of::Node(ResourceType::Source),
        Of::Node(ResourceType::Exposure),
        Of::Node(ResourceType::Test),
        Of::Node(ResourceType::UnitTest),
        Of::Node(ResourceType::Metric),
        Of::Node(ResourceType::SemanticModel),
        Of::Node(ResourceType::SavedQuery),
        Of::Node(ResourceType::Analysis),
        Of::Node(ResourceType::Function),
        Of::Column,
        Of::Macro,
        Of::Group,
        Of::File,
    ];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Of::Node(kind) => kind.as_str(),
            Of::Column => "column",
            Of::Macro => "macro",
            Of::Group => "group",
            Of::File => "file",
        }
    }

    /// Does it stand in a file of SQL or Jinja of its own, in which patterns are looked for?
    pub(super) fn has_text(self) -> bool {
        match self {
            Of::Node(kind) => matches!(
                kind,
                ResourceType::Model
                    | ResourceType::Snapshot
                    | ResourceType::Test
                    | ResourceType::Analysis
                    | ResourceType::Function
            ),
            Of::Macro | Of::File => true,
            Of::Column | Of::Group => false,
        }
    }
}

/// A macro of the project itself.
#[derive(Debug)]
pub(crate) struct MacroSubject {
    /// Its name.
    pub(super) name: String,
    /// Where the name stands.
    pub(super) span: Span,
    /// From its name to the next macro's.
    pub(super) body: Span,
    /// Names of its parameters, and whether each has a default.
    pub(super) params: Vec<(String, bool)>,
    /// Its entry in a property file.
    pub(super) entry: Option<(FileId, YamlId)>,
}

/// The macros of the project itself, in order of path and place.
pub(super) fn macros(project: &Project) -> Vec<MacroSubject> {
    let entries = macro_entries(project);
    let mut out = Vec::new();
    for member in project.own_files().filter(|m| m.role == Role::Macro) {
        let text = &project.files.get(member.file).text;
        let first = out.len();
        for node in jinja::parse(text).nodes {
            let JinjaNode::Macro(m) = node else { continue };
            let range = m.name_range.start as usize..m.name_range.end as usize;
            let span = Span::new(member.file, range.start, range.end);
            // A test or a materialization is no macro that somebody calls.
            if text.get(range) != Some(&*m.name) {
                continue;
            }
            let params = m.params.iter();
            out.push(MacroSubject {
                name: m.name.to_string(),
                span,
                body: Span::new(member.file, span.start as usize, text.len()),
                params: params
                    .map(|p| (p.name.to_string(), p.default.is_some()))
                    .collect(),
                entry: entries.get(&*m.name).copied(),
            });
        }
        for i in first..out.len().saturating_sub(1) {
            let next = out[i + 1].span.start;
            out[i].body.end = next;
        }
    }
    out
}

fn macro_entries(project: &Project) -> FxHashMap<String, (FileId, YamlId)> {
    let mut out = FxHashMap::default();
    for tree in project.property_files() {
        let list = tree.root().and_then(|r| r.get("macros"));
        for entry in list.into_iter().flat_map(|l| l.resolve().items()) {
            if let Some(name) = entry.get("name").and_then(YamlNode::as_str) {
                out.insert(name.to_owned(), (tree.file, entry.resolve().id()));
            }
        }
    }
    out
}

/// A subject.
#[derive(Clone, Copy)]
pub(super) enum Subject<'p> {
    Node(&'p Node),
    Column(&'p Node, &'p Column),
    Macro(&'p MacroSubject),
    Group(&'p Group),
    File(FileId),
}

impl<'p> Subject<'p> {
    /// The node that a finding about it is about.
    pub(super) fn node(self) -> Option<&'p Node> {
        match self {
            Subject::Node(node) | Subject::Column(node, _) => Some(node),
            _ => None,
        }
    }

    pub(super) fn node_id(self) -> Option<NodeId> {
        self.node().map(|n| n.id)
    }

    /// The part of a file in which texts and patterns are looked for.
    pub(super) fn text(self, project: &Project) -> Span {
        match self {
            Subject::Node(node) => match node.resource_type {
                _ if !has_file(node) => self.place(project),
                ResourceType::Snapshot => snapshot(project, node),
                _ => whole(project, node.file),
            },
            Subject::Column(_, column) => column.name.span,
            Subject::Macro(m) => m.body,
            Subject::Group(group) => group.name.span,
            Subject::File(file) => whole(project, file),
        }
    }

    /// Where a finding about all of it stands.
    pub(super) fn place(self, project: &Project) -> Span {
        match self {
            Subject::Node(node) => match &node.properties {
                _ if node.test.is_some() => node.place,
                _ if has_file(node) => first_line(project, self.text(project)),
                Some(properties) => properties.name_span,
                None => node.place,
            },
            Subject::Column(_, column) => column.name.span,
            Subject::Macro(m) => m.span,
            Subject::Group(group) => group.name.span,
            Subject::File(_) => first_line(project, self.text(project)),
        }
    }

    /// How a finding names it, beside its node.
    pub(super) fn symbol(self, project: &Project) -> String {
        match self {
            Subject::Node(node) => node.unique_id.clone(),
            Subject::Column(node, column) => format!("{}.{}", node.unique_id, column.name.value),
            Subject::Macro(m) => m.name.clone(),
            Subject::Group(group) => group.unique_id.clone(),
            Subject::File(file) => project.path(file).to_owned(),
        }
    }
}

fn whole(project: &Project, file: FileId) -> Span {
    Span::new(file, 0, project.files.get(file).text.len())
}

/// Does it stand in a file of its own?
fn has_file(node: &Node) -> bool {
    node.test.is_none() && (node.sql.is_some() || node.python)
}

/// The block of a snapshot: several may stand in one file.
fn snapshot(project: &Project, node: &Node) -> Span {
    let all = whole(project, node.file);
    let src = &project.files.get(node.file).text;
    let (tokens, _) = jinja::lex(src);
    let words = |t: &Token| {
        let inner = t.inner.start as usize..t.inner.end as usize;
        let text = src.get(inner).unwrap_or("");
        let mut words = text.split_whitespace();
        (words.next(), words.next())
    };
    let statements = tokens.iter().filter(|t| t.kind == TokenKind::Statement);
    let mut inside = statements.skip_while(|t| words(t) != (Some("snapshot"), Some(&*node.name)));
    match inside.next() {
        Some(first) => {
            let last = inside.find(|t| words(t).0 == Some("endsnapshot"));
            let end = last.map_or(src.len(), |t| t.range.end as usize);
            Span::new(node.file, first.range.start as usize, end)
        }
        None => all,
    }
}

/// The first line of a part of a file that is not blank.
fn first_line(project: &Project, part: Span) -> Span {
    let text = project.text(part);
    let start = text.len() - text.trim_start().len();
    let rest = &text[start..];
    let end = rest.find(['\n', '\r']).map_or(text.len(), |n| start + n);
    let base = part.start as usize;
    Span::new(part.file, base + start, base + end)
}
