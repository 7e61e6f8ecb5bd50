//! One file of SQL with Jinja, understood as far as it can be from itself, the macros and the
//! variables: what it asks for, what it configures, and the tree of its SQL.

use super::jinja::ast::Node;
use super::jinja::{
    self, Call, CallKind, ConfigArg, Evaluation, Inline, Inputs, JinjaError, MacroLibrary, Mode,
    RelationId, RelationRef, Template, TokenKind, Vars,
};
use super::sql::tree::Query;
use super::sql::{self, Dialect, Rendered};
use crate::text::{FileId, Span};
use std::ops::Range;

/// What files are evaluated with; the same for all files of a package.
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
    /// Bytes outside Jinja.
    pub text_bytes: u32,
    /// Of those, bytes that reached the SQL parser as they stand.
    pub read_bytes: u32,
    /// The work limit was reached.
    pub exhausted: bool,
}

impl SqlFile {
    /// The tree, where the whole file gave one.
    pub fn query(&self) -> Option<&Query> {
        match &self.sql {
            SqlTree::Parsed(query) => Some(query),
            _ => None,
        }
    }

    /// What a relation of the tree names.
    pub fn relation(&self, id: RelationId) -> &RelationRef {
        &self.printed[id.0 as usize]
    }
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
    let run = |mode, inline| {
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
        })
    };
    let evaluation = run(Mode::Sql, Inline::Touching);
    let rendered = sql::render(src, &evaluation.pieces, env.dialect);
    let parse_mode = evaluation
        .assumed
        .then(|| run(Mode::Parse, Inline::Touching));
    let mut out = match &parse_mode {
        Some(e) => gather(file, e, &sql::render(src, &e.pieces, env.dialect)),
        None => gather(file, &evaluation, &rendered),
    };
    out.text_bytes = text_bytes(template);
    out.read_bytes = rendered.verbatim_bytes;
    out.exhausted = evaluation.exhausted;
    if want_sql {
        let (tree, printed) = first_that_parses(file, src, env, evaluation, rendered, &run);
        out.sql = tree;
        out.printed = printed;
    }
    out
}

/// The text with macros inlined where they concern the graph; if that does not parse, with none
/// inlined, then with all. The first failure is the one reported.
fn first_that_parses(
    file: FileId,
    src: &str,
    env: &Environment,
    evaluation: Evaluation,
    rendered: Rendered,
    run: &dyn Fn(Mode, Inline) -> Evaluation,
) -> (SqlTree, Vec<RelationRef>) {
    let first = read(file, &rendered, env.dialect);
    if !matches!(first, SqlTree::Failed { .. }) {
        return (first, evaluation.relations);
    }
    for inline in [Inline::Never, Inline::All] {
        let other = run(Mode::Sql, inline);
        let rendered = sql::render(src, &other.pieces, env.dialect);
        let tree = read(file, &rendered, env.dialect);
        if matches!(tree, SqlTree::Parsed(_)) {
            return (tree, other.relations);
        }
    }
    (first, evaluation.relations)
}

fn read(file: FileId, rendered: &Rendered, dialect: Dialect) -> SqlTree {
    match sql::query(file, rendered, dialect) {
        Ok(Some(query)) => SqlTree::Parsed(Box::new(query)),
        Ok(None) => SqlTree::Empty,
        Err(e) => {
            let range = rendered.source_range(e.offset..e.offset);
            SqlTree::Failed {
                message: e.message,
                span: span(file, &range),
            }
        }
    }
}

fn span(file: FileId, range: &Range<u32>) -> Span {
    Span::new(file, range.start as usize, range.end as usize)
}

fn text_bytes(template: &Template) -> u32 {
    let text = |k: TokenKind| matches!(k, TokenKind::Text | TokenKind::Raw);
    let tokens = template.tokens.iter().filter(|t| text(t.kind));
    tokens.map(|t| t.range.end - t.range.start).sum()
}

fn gather(file: FileId, evaluation: &Evaluation, rendered: &Rendered) -> SqlFile {
    let mut out = SqlFile {
        relations: Vec::new(),
        printed: Vec::new(),
        configs: Vec::new(),
        macros: Vec::new(),
        sql: SqlTree::NotRead,
        text_bytes: 0,
        read_bytes: 0,
        exhausted: evaluation.exhausted,
    };
    for call in &evaluation.calls {
        let at = span(file, &call.range);
        match &call.kind {
            CallKind::Relation(id) => out.relations.push(RelationCall {
                relation: evaluation.relations[id.0 as usize].clone(),
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
