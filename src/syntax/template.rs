//! One file of SQL with Jinja, understood as far as it can be from itself, the macros and the
//! variables: what it asks for, what it configures, and the tree of its SQL.

use super::jinja::ast::Node;
use super::jinja::{
    self, Call, CallKind, ConfigArg, Evaluation, Inline, Inputs, JinjaError, MacroLibrary, Mode,
    RelationId, RelationRef, Template, TokenKind, Vars, Visited,
};
use super::sql::tree::Query;
use super::sql::{self, Budget, Dialect, Recovered, Rendered};
use crate::text::{FileId, Span};
use coverage::Coverage;
use reader::Reader;
use std::ops::Range;
use std::sync::OnceLock;

pub mod coverage;
mod reader;

/// What files are evaluated with; but for the name of the file, the same for all files.
#[derive(Clone, Copy)]
pub struct Environment<'a> {
    /// Macros they may call.
    pub macros: &'a MacroLibrary,
    /// Their package.
    pub package: &'a str,
    /// The adapter's name, where known.
    pub adapter: Option<&'a str>,
    /// The target's name, where known.
    pub target: Option<&'a str>,
    /// Project variables.
    pub var: Vars<'a>,
    /// The dialect of their SQL.
    pub dialect: Dialect,
    /// Keep the text that is given to the SQL parser: only who compares readings wants it.
    pub keep_text: bool,
    /// The name of the file that is understood.
    pub model: Option<&'a str>,
}

/// A `ref`, `source` or `this` in a file.
#[derive(Debug, Clone)]
pub struct RelationCall {
    /// What it names.
    pub relation: RelationRef,
    /// The call; where a macro makes it, the call of the macro.
    pub span: Span,
    /// It is printed into a SQL comment only: an edge for dbt, because dbt renders it.
    pub in_comment: bool,
    /// A macro makes it.
    pub in_macro: bool,
    /// Whether it is made at all depends on what only a run knows.
    pub unsure: bool,
}

/// A `config(…)` in a file.
#[derive(Debug, Clone)]
pub struct ConfigCall {
    /// The call.
    pub span: Span,
    /// Its settings; a value is unknown where it depends on what only a run knows.
    pub args: Vec<ConfigArg>,
    /// A macro makes it.
    pub in_macro: bool,
}

/// What became of a file's SQL.
#[derive(Debug)]
pub enum SqlTree {
    /// It was not asked for (a macro file, a disabled model).
    NotRead,
    /// There is no statement in it.
    Empty,
    /// The whole file gave a tree.
    Parsed(Box<Query>),
    /// sqlparser could not read it: its words, and where.
    Failed {
        /// Why, in sqlparser's words.
        message: String,
        /// Where reading stopped.
        span: Span,
    },
}

/// A file, understood.
#[derive(Debug)]
pub struct SqlFile {
    /// Relations it asks for, in dbt's parse: the evidence of its edges.
    pub relations: Vec<RelationCall>,
    /// By [`RelationId`], those that its SQL tree speaks of.
    pub printed: Vec<RelationRef>,
    /// Its configuration calls.
    pub configs: Vec<ConfigCall>,
    /// Macros it calls, dotted as written.
    pub macros: Vec<(Box<str>, Span)>,
    /// Its SQL.
    pub sql: SqlTree,
    /// Bytes of SQL outside Jinja, white space aside.
    pub text_bytes: u32,
    /// What was read of a file that does not parse whole.
    pub recovered: Option<Box<Recovered>>,
    /// Readings of the branches that the first one left out.
    pub variants: Vec<Query>,
    /// Queries that the file holds beside the one that makes the node: what `run_query` sends,
    /// what a macro is given.
    pub fragments: Vec<Query>,
    /// Places that the SQL parser was not shown as they are; rules that look there stay silent.
    pub shimmed: Vec<Span>,
    /// Places of the first reading at which a run may send more or less text than stands there: a
    /// condition or a loop that is not known, an unknown for which nothing was put.
    pub doubtful: Vec<Span>,
    /// A reading with every known macro in place of its call, made when it is asked for.
    pub inlined: OnceLock<Option<Box<Inlined>>>,
    /// The text that the first reading gave to the SQL parser, where it was asked for.
    pub rendered: Option<Box<str>>,
    /// Bytes outside Jinja that reached the SQL parser as they stand.
    pub read_bytes: u32,
    /// The work limit was reached.
    pub exhausted: bool,
}

/// A file's SQL with every known macro in place of its call.
#[derive(Debug)]
pub struct Inlined {
    /// Its tree.
    pub query: Query,
    /// By [`RelationId`] of this tree.
    pub printed: Vec<RelationRef>,
    /// As [`SqlFile::doubtful`].
    pub doubtful: Vec<Span>,
    /// As [`SqlFile::shimmed`].
    pub shimmed: Vec<Span>,
}

impl SqlFile {
    /// The tree, where the whole file gave one.
    pub fn query(&self) -> Option<&Query> {
        match &self.sql {
            SqlTree::Parsed(query) => Some(query),
            _ => None,
        }
    }

    /// The tree, whole or with parts in it that are [`Body::Unread`]: every CTE has its name, and
    /// nothing is concluded from what is missing in an unread part.
    ///
    /// [`Body::Unread`]: super::sql::tree::Body::Unread
    pub fn skeleton(&self) -> Option<&Query> {
        let recovered = || self.recovered.as_ref().map(|r| &r.query);
        self.query().or_else(recovered)
    }

    /// The tree and those of the branches it left out: every select of the file is in one of them,
    /// most are in several.
    pub fn readings(&self) -> impl Iterator<Item = &Query> {
        self.query().into_iter().chain(&self.variants)
    }

    /// Queries outside the whole tree: those parts of a file that parse where the whole does not,
    /// and fragments. A name in them may be defined where nobody sees it.
    pub fn loose(&self) -> impl Iterator<Item = &Query> {
        let recovered = self.recovered.iter().map(|r| &r.query);
        recovered.chain(&self.fragments)
    }

    /// Does the place hold something that the SQL parser was not shown as it is?
    pub fn is_shimmed(&self, span: Span) -> bool {
        self.shimmed.iter().any(|s| s.touches(span))
    }

    /// What a relation of the tree names.
    pub fn relation(&self, id: RelationId) -> &RelationRef {
        &self.printed[id.0 as usize]
    }
}

/// Evaluates nodes: for what, with which macros, after which earlier evaluations.
fn evaluator<'a>(
    src: &'a str,
    nodes: &'a [Node],
    env: &'a Environment,
) -> impl Fn(Mode, Inline, Option<&Visited>) -> Evaluation + 'a {
    move |mode, inline, earlier| {
        jinja::evaluate(&Inputs {
            src,
            nodes,
            macros: env.macros,
            package: env.package,
            adapter: env.adapter,
            target: env.target,
            var: env.var,
            mode,
            inline,
            model: env.model,
            earlier,
        })
    }
}

/// Does the template give a tree of its whole SQL? For choosing a dialect: it asks for no more
/// than that.
pub fn parses(file: FileId, src: &str, nodes: &[Node], env: &Environment) -> bool {
    let run = evaluator(src, nodes, env);
    let evaluation = run(Mode::Sql, Inline::Touching, None);
    Reader::new(file, src, nodes, env, &run).parses(evaluation)
}

/// Understands one template, or the part of it that `nodes` is.
pub fn understand(
    file: FileId,
    src: &str,
    template: &Template,
    nodes: &[Node],
    env: &Environment,
    want_sql: bool,
) -> SqlFile {
    let run = evaluator(src, nodes, env);
    let evaluation = run(Mode::Sql, Inline::Touching, None);
    let parse_mode = evaluation
        .assumed
        .then(|| run(Mode::Parse, Inline::Touching, None));
    let calls = parse_mode.as_ref().unwrap_or(&evaluation);
    let rendered = sql::render(src, &calls.pieces, env.dialect);
    let mut out = gather(file, calls, &rendered);
    out.text_bytes = text_bytes(src, template);
    out.exhausted |= evaluation.exhausted;
    if want_sql {
        let reader = Reader::new(file, src, nodes, env, &run);
        // Where dbt's parse is the same evaluation, its text is the one to parse.
        let rendered = parse_mode.is_none().then_some(rendered);
        reader.read(evaluation, rendered, &mut out);
    }
    out
}

/// Reads a file with every known macro in place of its call; none where that does not parse.
pub fn inlined(file: FileId, src: &str, env: &Environment) -> Option<Inlined> {
    let template = jinja::parse(src);
    let evaluation = evaluator(src, &template.nodes, env)(Mode::Sql, Inline::All, None);
    if evaluation.exhausted {
        return None;
    }
    let mut budget = Budget::default();
    let (rendered, tree) = sql::query_of(file, src, &evaluation.pieces, env.dialect, &mut budget);
    let tree = tree.ok()?;
    Some(Inlined {
        query: tree.query?,
        doubtful: doubtful(file, &evaluation.doubtful, &rendered),
        printed: evaluation.visited.relations,
        shimmed: tree.shimmed,
    })
}

/// Where a run may send more or less text than was rendered.
fn doubtful(file: FileId, evaluated: &[Range<u32>], rendered: &Rendered) -> Vec<Span> {
    let all = evaluated.iter().chain(&rendered.silent);
    all.map(|r| span(file, r)).collect()
}

fn span(file: FileId, range: &Range<u32>) -> Span {
    Span::new(file, range.start as usize, range.end as usize)
}

/// Bytes of SQL outside Jinja: white space and a byte order mark are none.
fn text_bytes(src: &str, template: &Template) -> u32 {
    let text = |k: TokenKind| matches!(k, TokenKind::Text | TokenKind::Raw);
    let tokens = template.tokens.iter().filter(|t| text(t.kind));
    let mut ranges: Vec<Range<u32>> = tokens.map(|t| t.range.clone()).collect();
    if let Some(first) = ranges.first_mut()
        && src.starts_with('\u{feff}')
    {
        first.start = first.start.max(3).min(first.end);
    }
    Coverage::new(ranges).inked(src)
}

fn gather(file: FileId, evaluation: &Evaluation, rendered: &Rendered) -> SqlFile {
    let mut out = SqlFile {
        relations: Vec::new(),
        printed: Vec::new(),
        configs: Vec::new(),
        macros: Vec::new(),
        sql: SqlTree::NotRead,
        recovered: None,
        variants: Vec::new(),
        fragments: Vec::new(),
        shimmed: Vec::new(),
        doubtful: Vec::new(),
        inlined: OnceLock::new(),
        rendered: None,
        text_bytes: 0,
        read_bytes: 0,
        exhausted: evaluation.exhausted,
    };
    for call in &evaluation.calls {
        let at = span(file, &call.range);
        match &call.kind {
            CallKind::Relation(id) => out.relations.push(RelationCall {
                relation: evaluation.visited.relations[id.0 as usize].clone(),
                span: at,
                in_comment: only_in_comments(rendered, *id, call),
                in_macro: call.in_macro,
                unsure: call.unsure,
            }),
            CallKind::Config(args) => {
                let mut args = args.clone();
                if call.unsure {
                    args.iter_mut().for_each(|a| a.value = None);
                }
                out.configs.push(ConfigCall {
                    span: at,
                    args,
                    in_macro: call.in_macro,
                });
            }
            CallKind::Macro(name) => out.macros.push((name.clone(), at)),
        }
    }
    out
}

/// Is every place where this call prints its relation a comment?
fn only_in_comments(rendered: &Rendered, id: RelationId, call: &Call) -> bool {
    let within = |r: &Range<u32>| r.start <= call.range.start && call.range.end <= r.end;
    let mut uses = rendered
        .relations
        .iter()
        .filter(|u| u.relation == id && within(&u.range))
        .peekable();
    uses.peek().is_some() && uses.all(|u| u.in_comment)
}

/// The Jinja errors of a template as spans of its file.
pub fn errors(file: FileId, template: &Template) -> impl Iterator<Item = (Span, &str)> {
    template
        .errors
        .iter()
        .map(move |e: &JinjaError| (span(file, &e.range), e.message.as_str()))
}
