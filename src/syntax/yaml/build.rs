//! Events to a tree.

use super::lenient::{Help, Lenient, Stop};
use super::node::{Key, Node};
use super::scalar::is_known_tag;
use super::tree::{
    Comment, NodeId, Props, Raw, RawKind, Stretch, Style, Yaml, YamlProblem, YamlProblemKind,
};
use super::words;
use crate::text::{FileId, Span};
use granit_parser::{
    ErrorKind, Event, Options, Parser, ScalarStyle, ScanError, StructureStyle, Tag,
};
use rustc_hash::{FxHashMap, FxHashSet};
use std::borrow::Cow;
use std::ops::Range;

/// Collections nested deeper than this are a problem. Real files stay under 20.
pub const MAX_DEPTH: usize = 200;

/// Reads a text, all documents of it, up to the first syntax error. Never fails: see
/// [`Yaml::problems`]. A byte order mark is skipped; spans count it.
pub fn parse(file: FileId, text: &str) -> Yaml {
    let (mut yaml, mut stopped) = Builder::new(file, text, None).run();
    if stopped.is_none() {
        return yaml;
    }
    let mut lenient = Lenient::new(text);
    while let Some(stop) = stopped {
        match lenient.help(stop) {
            Help::None => return yaml,
            Help::Unclosed(open) => return with_unclosed_quote(yaml, open),
            Help::Again => (yaml, stopped) = Builder::new(file, text, Some(&lenient)).run(),
        }
    }
    yaml
}

fn with_unclosed_quote(mut yaml: Yaml, open: usize) -> Yaml {
    if let Some(problem) = yaml
        .problems
        .iter_mut()
        .find(|p| p.kind == YamlProblemKind::Syntax)
    {
        problem.span = Span::new(yaml.file, open, open + 1);
        problem.message = words::UNCLOSED_QUOTE.to_owned();
    }
    yaml.problems.sort_by_key(|p| p.span);
    yaml
}

/// A collection whose end is not yet seen.
struct Frame {
    id: NodeId,
    /// Where its children begin in [`Builder::pending`].
    base: usize,
}

struct Builder<'t> {
    yaml: Yaml,
    text: &'t str,
    lenient: Option<&'t Lenient>,
    frames: Vec<Frame>,
    pending: Vec<NodeId>,
    /// By the event parser's number, which is unique in the file.
    anchors: FxHashMap<usize, NodeId>,
    /// In this document.
    anchor_names: FxHashSet<Box<str>>,
    in_document: u32,
    has_tabs: bool,
    /// End of the last thing that is no comment.
    cursor: usize,
}

impl<'t> Builder<'t> {
    fn new(file: FileId, text: &'t str, lenient: Option<&'t Lenient>) -> Self {
        Self {
            yaml: Yaml {
                file,
                documents: Vec::new(),
                comments: Vec::new(),
                problems: Vec::new(),
                nodes: Vec::new(),
                children: Vec::new(),
                text: String::new(),
                props: Vec::new(),
            },
            text,
            lenient,
            frames: Vec::new(),
            pending: Vec::new(),
            anchors: FxHashMap::default(),
            anchor_names: FxHashSet::default(),
            in_document: 0,
            has_tabs: text.contains('\t'),
            cursor: 0,
        }
    }

    fn run(mut self) -> (Yaml, Option<Stop>) {
        let source = self.lenient.map_or(self.text, |lenient| &lenient.text);
        let mut stop = None;
        for event in Parser::new_from_str_with_options(source, options()) {
            match event {
                Ok((event, span)) => {
                    let tag = span.tag_span().and_then(|tag| tag.byte_range());
                    let range = span.byte_range().unwrap_or_default();
                    if !self.event(event, self.on_chars(range), tag) {
                        break;
                    }
                }
                Err(error) => {
                    stop = self.error(&error);
                    break;
                }
            }
        }
        while let Some(frame) = self.frames.pop() {
            self.close(&frame, None);
        }
        self.yaml.comments.sort_by_key(|comment| comment.span);
        self.yaml.problems.sort_by_key(|problem| problem.span);
        (self.yaml, stop)
    }

    /// Moves a range into the text and onto character boundaries; the event parser keeps to both,
    /// and this keeps a slip of it from becoming a panic of ours.
    fn on_chars(&self, range: Range<usize>) -> Range<usize> {
        let start = self
            .text
            .floor_char_boundary(range.start.min(self.text.len()));
        let end = self.text.ceil_char_boundary(range.end.min(self.text.len()));
        start..end.max(start)
    }

    /// Takes one event; `false` ends the reading.
    fn event(&mut self, event: Event<'_>, at: Range<usize>, tag_at: Option<Range<usize>>) -> bool {
        let cursor = at.end;
        match event {
            Event::Comment(text, _) => {
                self.comment(&text, at);
                return true;
            }
            Event::DocumentStart(explicit, _) => {
                self.document(at);
                if !explicit {
                    // Its place is that of the content, which is still to come.
                    return true;
                }
            }
            Event::Scalar(value, style, anchor, tag) => {
                self.tab(at.start);
                let (at, kind) = self.scalar(&value, style, at);
                let id = self.add(kind, at, anchor);
                self.tag(id, tag.as_deref(), tag_at);
            }
            Event::SequenceStart(style, anchor, tag) => {
                let kind = RawKind::Sequence {
                    items: Stretch::EMPTY,
                    flow: style == StructureStyle::Flow,
                };
                return self.open(kind, at, anchor, tag.as_deref(), tag_at);
            }
            Event::MappingStart(style, anchor, tag) => {
                let kind = RawKind::Mapping {
                    entries: Stretch::EMPTY,
                    flow: style == StructureStyle::Flow,
                    merges: false,
                    repeats: false,
                };
                return self.open(kind, at, anchor, tag.as_deref(), tag_at);
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(frame) = self.frames.pop() {
                    self.close(&frame, Some(at.end));
                }
            }
            Event::Alias(anchor) => {
                let target = self.anchors.get(&anchor).copied();
                self.add(RawKind::Alias { target }, at, 0);
            }
            Event::UnresolvedAlias(name) => {
                let message = format!("no anchor `&{name}` before this alias");
                self.problem(at.clone(), message, YamlProblemKind::UnknownAlias);
                self.add(RawKind::Alias { target: None }, at, 0);
            }
            Event::Anchor(id, name) => self.anchor(id, &name, at),
            // The ends of stream and document, and whatever a later parser adds besides nodes.
            _ => {}
        }
        self.cursor = self.cursor.max(cursor);
        true
    }

    fn span(&self, at: Range<usize>) -> Span {
        Span::new(self.yaml.file, at.start, at.end)
    }

    fn problem(&mut self, at: Range<usize>, message: impl Into<String>, kind: YamlProblemKind) {
        let span = self.span(at);
        let message = message.into();
        self.yaml.problems.push(YamlProblem {
            span,
            message,
            kind,
        });
    }

    fn comment(&mut self, text: &str, at: Range<usize>) {
        let span = self.span(at);
        let text = text.to_owned();
        self.yaml.comments.push(Comment { span, text });
    }

    fn document(&mut self, at: Range<usize>) {
        self.anchor_names.clear();
        self.in_document += 1;
        if self.in_document == 2 {
            self.problem(
                at,
                words::SECOND_DOCUMENT,
                YamlProblemKind::MultipleDocuments,
            );
        }
    }

    fn scalar(
        &mut self,
        value: &str,
        style: ScalarStyle,
        at: Range<usize>,
    ) -> (Range<usize>, RawKind) {
        let first = self.yaml.text.len();
        let content = at.clone();
        let (style, at) = match style {
            ScalarStyle::Plain => (Style::Plain, at),
            ScalarStyle::SingleQuoted => (Style::SingleQuoted, at),
            ScalarStyle::DoubleQuoted => (Style::DoubleQuoted, at),
            ScalarStyle::Literal => (Style::Literal, self.block_span(at)),
            ScalarStyle::Folded => (Style::Folded, self.block_span(at)),
        };
        let whole = self
            .lenient
            .and_then(|lenient| lenient.value(self.text, at.start));
        let value = whole.as_deref().unwrap_or(value);
        let value = match style {
            Style::Literal | Style::Folded if content.end == self.text.len() => {
                without_virtual_break(self.text, content.start, value)
            }
            _ => value,
        };
        // The event parser says `~` for a value that is not there.
        let missing = style == Style::Plain && at.is_empty();
        if !missing {
            self.yaml.text.push_str(value);
        }
        let text = stretch(first, self.yaml.text.len());
        let at = match missing {
            true => self.after_colon(at.start),
            false => at,
        };
        (at, RawKind::Scalar { text, style })
    }

    /// The event parser puts a missing value right behind its key; a value would be written behind
    /// the colon.
    fn after_colon(&self, at: usize) -> Range<usize> {
        let rest = &self.text[at..];
        let colon = rest.trim_start_matches([' ', '\t']);
        let at = match colon.starts_with(':') {
            true => at + (rest.len() - colon.len()) + 1,
            false => at,
        };
        at..at
    }

    /// A block's events cover its content; people mean the indicator too, and not the blank lines
    /// behind.
    fn block_span(&self, content: Range<usize>) -> Range<usize> {
        let before = self.text.get(self.cursor..content.start).unwrap_or("");
        let Some(header) = block_header(before) else {
            return content;
        };
        let start = self.cursor + header.start;
        let body = self.text.get(start..content.end).unwrap_or("").trim_end();
        let end = (start + body.len()).max(self.cursor + header.end);
        // An empty block may have only a comment behind its indicator.
        let end = if content.is_empty() {
            self.cursor + header.end
        } else {
            end
        };
        start..end
    }

    fn add(&mut self, kind: RawKind, at: Range<usize>, anchor: usize) -> NodeId {
        let id = NodeId(index(self.yaml.nodes.len()));
        self.yaml.nodes.push(Raw {
            start: index(at.start),
            end: index(at.end),
            props: 0,
            kind,
        });
        if anchor > 0 {
            self.anchors.insert(anchor, id);
        }
        match self.frames.is_empty() {
            true => self.yaml.documents.push(id),
            false => self.pending.push(id),
        }
        id
    }

    fn open(
        &mut self,
        kind: RawKind,
        at: Range<usize>,
        anchor: usize,
        tag: Option<&Tag>,
        tag_at: Option<Range<usize>>,
    ) -> bool {
        if self.frames.len() >= MAX_DEPTH {
            self.problem(at, words::too_deep(), YamlProblemKind::TooDeep);
            return false;
        }
        self.tab(at.start);
        let cursor = at.end;
        let id = self.add(kind, at, anchor);
        self.tag(id, tag, tag_at);
        let base = self.pending.len();
        self.frames.push(Frame { id, base });
        self.cursor = self.cursor.max(cursor);
        true
    }

    /// Ends a collection; `end` is `None` where the file broke off inside.
    fn close(&mut self, frame: &Frame, end: Option<usize>) {
        let mapping = matches!(self.yaml.raw(frame.id).kind, RawKind::Mapping { .. });
        if mapping && (self.pending.len() - frame.base) % 2 == 1 {
            // A key whose value was never reached says nothing yet.
            self.pending.pop();
        }
        let first = self.yaml.children.len();
        self.yaml.children.extend(self.pending.drain(frame.base..));
        let children = stretch(first, self.yaml.children.len());
        let (merges, repeats) = if mapping {
            self.keys(children)
        } else {
            (false, false)
        };
        let last = self.yaml.children[first..].last();
        let last_end = last.map_or(0, |&id| self.yaml.raw(id).end);
        let node = &mut self.yaml.nodes[frame.id.0 as usize];
        // A collection without brackets of its own ends where its last child does.
        let bracketed = node.end > node.start;
        node.end = match end {
            Some(end) if bracketed => index(end),
            _ => node.end.max(last_end),
        };
        match &mut node.kind {
            RawKind::Sequence { items, .. } => *items = children,
            RawKind::Mapping {
                entries,
                merges: m,
                repeats: r,
                ..
            } => {
                (*entries, *m, *r) = (children, merges, repeats);
            }
            RawKind::Scalar { .. } | RawKind::Alias { .. } => {}
        }
    }

    /// Looks at the keys of a mapping: does one merge, do two repeat? Says what dbt would refuse.
    fn keys(&mut self, children: Stretch) -> (bool, bool) {
        let (mut merges, mut repeats) = (false, false);
        let mut found = Vec::new();
        let mut seen = FxHashSet::default();
        for pair in self.yaml.children[children.range()].chunks_exact(2) {
            let (key, value) = (
                Node::new(&self.yaml, pair[0]),
                Node::new(&self.yaml, pair[1]),
            );
            if key.is_merge() {
                merges = true;
                found.extend(bad_merge(value));
            } else if let Some(known) = Key::of(key) {
                if !seen.insert(known) {
                    repeats = true;
                    found.push(repeated_key(key));
                }
            } else if key.is_mapping() || key.is_sequence() {
                found.push(self.unhashable(key));
            }
        }
        self.yaml.problems.extend(found);
        (merges, repeats)
    }

    fn unhashable(&self, key: Node<'_>) -> YamlProblem {
        let span = key.span();
        // `{{ x }}` is a mapping in a mapping: the key begins at the second brace.
        let start = span.start as usize;
        let jinja = self
            .text
            .get(start.saturating_sub(1)..)
            .is_some_and(|t| t.starts_with("{{"));
        let message = match jinja {
            true => words::BARE_JINJA.to_owned(),
            false => format!("{} cannot be a key", key.kind_name()),
        };
        let kind = YamlProblemKind::UnhashableKey;
        YamlProblem {
            span,
            message,
            kind,
        }
    }

    fn anchor(&mut self, id: usize, name: &str, at: Range<usize>) {
        if let Some(&node) = self.anchors.get(&id) {
            self.props(node).anchor = Some(name.into());
        }
        if !self.anchor_names.insert(name.into()) {
            let message = format!("the anchor `&{name}` is already taken in this file");
            self.problem(at, message, YamlProblemKind::DuplicateAnchor);
        }
    }

    fn tag(&mut self, id: NodeId, tag: Option<&Tag>, at: Option<Range<usize>>) {
        let Some(tag) = tag else { return };
        let full = format!("{}{}", tag.handle(), tag.suffix());
        if !is_known_tag(&full) {
            let node = self.yaml.raw(id);
            let at = at.unwrap_or(node.start as usize..node.end as usize);
            let message = format!("dbt does not know the tag `{full}`");
            self.problem(self.on_chars(at), message, YamlProblemKind::UnknownTag);
        }
        self.props(id).tag = Some(full.into());
    }

    fn in_flow(&self) -> bool {
        let flow = |frame: &Frame| Node::new(&self.yaml, frame.id).is_flow();
        self.frames.last().is_some_and(flow)
    }

    /// Says so when a tab indents the block node at `start`. The event parser lets tabs through
    /// after spaces, where PyYAML does not.
    fn tab(&mut self, start: usize) {
        if !self.has_tabs || self.in_flow() {
            return;
        }
        let before = &self.text[..start];
        let line = before.rfind(['\n', '\r']).map_or(0, |i| i + 1);
        let indent = before[line..].trim_start_matches('\u{feff}');
        let rest = indent.trim_start_matches([' ', '\t', '-', '?']);
        let indent = &indent[..indent.len() - rest.len()];
        let Some(tab) = indent.find('\t').filter(|_| !indent.starts_with("---")) else {
            return;
        };
        let at = start - rest.len() - indent.len() + tab;
        let again = self
            .yaml
            .problems
            .last()
            .is_some_and(|p| p.span.start == index(at));
        if !again {
            self.problem(at..at + 1, words::TAB, YamlProblemKind::Syntax);
        }
    }

    fn props(&mut self, id: NodeId) -> &mut Props {
        let node = &mut self.yaml.nodes[id.0 as usize];
        if node.props == 0 {
            self.yaml.props.push(Props::default());
            node.props = index(self.yaml.props.len());
        }
        &mut self.yaml.props[node.props as usize - 1]
    }

    fn error(&mut self, error: &ScanError) -> Option<Stop> {
        let offset = error.marker().byte_offset().unwrap_or(self.text.len());
        let mut at = self.on_chars(offset..offset + 1);
        let tab = at.start.wrapping_sub(1);
        if is_tab(error.kind()) && self.text.as_bytes().get(tab) == Some(&b'\t') {
            at = tab..at.start;
        }
        let kind = match error.kind() {
            ErrorKind::RecursionLimitExceeded => YamlProblemKind::TooDeep,
            _ => YamlProblemKind::Syntax,
        };
        let stop = Stop {
            after: self.cursor,
            at: at.start,
            flow: self.in_flow(),
        };
        self.problem(at, words::syntax(error), kind);
        let quote = *error.kind() == ErrorKind::InvalidQuotedScalarIndent;
        (quote || is_tab(error.kind())).then_some(stop)
    }
}

fn is_tab(kind: &ErrorKind) -> bool {
    use ErrorKind::{TabInBlockIndentation, TabInIndentation, TabNotAllowed};
    matches!(
        kind,
        TabInBlockIndentation | TabInIndentation | TabNotAllowed
    )
}

fn options() -> Options {
    granit_parser::options! {
        emit_anchor_events: true,
        emit_unresolved_aliases: true,
        // A commented-out block of a hundred lines is ordinary; the file's size bounds the buffer.
        max_buffered_comment_events: usize::MAX,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    }
}

/// Files are bounded far below 4 GiB when they are read, and every node and every byte of decoded
/// text costs at least one byte of the file.
fn index(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn stretch(first: usize, end: usize) -> Stretch {
    Stretch {
        first: index(first),
        len: index(end - first),
    }
}

/// The indicator of a block scalar (`|`, `>-`, `|2+`) in the text before its content.
fn block_header(before: &str) -> Option<Range<usize>> {
    let mut last = ' ';
    for (i, c) in before.char_indices() {
        if matches!(c, '|' | '>') && last.is_whitespace() {
            let line = before[i + 1..].lines().next().unwrap_or("");
            let rest =
                line.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-'));
            let comment = rest.trim_start();
            if comment.is_empty() || (comment.starts_with('#') && comment.len() < rest.len()) {
                return Some(i..i + 1 + line.len() - rest.len());
            }
        }
        last = c;
    }
    None
}

/// The value of a block scalar that ends the file; its content begins at `start`. Where the file's
/// last line has no line break the event parser adds one to the value, as YAML 1.2 says; PyYAML
/// does not.
fn without_virtual_break<'v>(text: &str, start: usize, value: &'v str) -> &'v str {
    let line_start = |before: &str| before.rfind(['\n', '\r']).map_or(0, |i| i + 1);
    let indentation = start - line_start(&text[..start]);
    // A last line of indentation alone is no content.
    match text.len() - line_start(text) > indentation {
        true => value.strip_suffix('\n').unwrap_or(value),
        false => value,
    }
}

fn bad_merge(value: Node<'_>) -> Option<YamlProblem> {
    let bad = if value.is_sequence() {
        value.items().find(|item| !item.is_mapping())
    } else {
        (!value.is_mapping()).then_some(value)
    }?;
    Some(YamlProblem {
        span: bad.span(),
        message: format!(
            "`<<` takes a mapping or a list of mappings, not {}",
            bad.kind_name()
        ),
        kind: YamlProblemKind::BadMerge,
    })
}

fn repeated_key(key: Node<'_>) -> YamlProblem {
    let text: Cow<'_, str> = words::shortened(key.as_str().unwrap_or_default());
    YamlProblem {
        span: key.span(),
        message: format!("the key `{text}` is already in this mapping; the last one counts"),
        kind: YamlProblemKind::DuplicateKey,
    }
}
