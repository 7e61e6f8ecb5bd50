//! One file of SQL with Jinja, understood as far as it can be from itself, the macros and the
//! variables: what it asks for, what it configures, and the tree of its SQL.

use super::jinja::ast::Node;
use super::jinja::{
    self, Call, CallKind, ConfigArg, Evaluation, Inline, Inputs, JinjaError, MacroLibrary, Mode,
    RelationId, RelationRef, Template, TokenKind, Vars, Visited,
};
use super::sql::tree::Query;
use super::sql::{self, Dialect, ParseError, QueryTree, Rendered};
use crate::text::{FileId, Span};
use std::ops::Range;
use std::sync::OnceLock;

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
    /// Bytes of SQL outside Jinja, white space aside.
    pub text_bytes: u32,
    /// Readings of the branches that the first one left out.
    pub variants: Vec<Query>,
    /// Places that the SQL parser was not shown as they are; rules that look there stay silent.
    pub shimmed: Vec<Span>,
    /// Places of the first reading at which a run may send more or less text than stands there: a
    /// condition or a loop that is not known, an unknown for which nothing was put.
    pub doubtful: Vec<Span>,
    /// A reading with every known macro in place of its call, made when it is asked for.
    pub inlined: OnceLock<Option<Box<Inlined>>>,
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

    /// The tree and those of the branches it left out: every select of the file is in one of them,
    /// most are in several.
    pub fn readings(&self) -> impl Iterator<Item = &Query> {
        self.query().into_iter().chain(&self.variants)
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

/// Understands one template, or the part of it that `nodes` is.
pub fn understand(
    file: FileId,
    src: &str,
    template: &Template,
    nodes: &[Node],
    env: &Environment,
    want_sql: bool,
) -> SqlFile {
    let run =
        |mode, inline, earlier: Option<&Visited>| evaluate(src, nodes, env, mode, inline, earlier);
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
        let reader = Reader {
            file,
            src,
            nodes,
            dialect: env.dialect,
            run: &run,
        };
        // Where dbt's parse is the same evaluation, its text is the one to parse.
        let rendered = parse_mode.is_none().then_some(rendered);
        reader.read(evaluation, rendered, &mut out);
    }
    out
}

/// Reads a file with every known macro in place of its call; none where that does not parse.
pub fn inlined(file: FileId, src: &str, env: &Environment) -> Option<Inlined> {
    let template = jinja::parse(src);
    let evaluation = evaluate(src, &template.nodes, env, Mode::Sql, Inline::All, None);
    if evaluation.exhausted {
        return None;
    }
    let (rendered, tree) = sql::query_of(file, src, &evaluation.pieces, env.dialect);
    let tree = tree.ok()?;
    Some(Inlined {
        query: tree.query?,
        doubtful: doubtful(file, &evaluation.doubtful, &rendered),
        printed: evaluation.visited.relations,
        shimmed: tree.shimmed,
    })
}

fn evaluate(
    src: &str,
    nodes: &[Node],
    env: &Environment,
    mode: Mode,
    inline: Inline,
    earlier: Option<&Visited>,
) -> Evaluation {
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
        earlier,
    })
}

/// Evaluates the template: for what, with which macros, after which earlier evaluations.
type Run<'a> = &'a dyn Fn(Mode, Inline, Option<&Visited>) -> Evaluation;

struct Reader<'a> {
    file: FileId,
    src: &'a str,
    nodes: &'a [Node],
    dialect: Dialect,
    run: Run<'a>,
}

/// A text that the parser was given, and what came of it.
struct Attempt {
    rendered: Rendered,
    result: Result<QueryTree, ParseError>,
    inline: Inline,
    visited: Visited,
    doubtful: Vec<Range<u32>>,
}

impl Attempt {
    fn new(
        rendered: Rendered,
        result: Result<QueryTree, ParseError>,
        inline: Inline,
        evaluation: &Evaluation,
    ) -> Self {
        // A part of a text may parse and say something else than the whole.
        let result = match evaluation.exhausted {
            true => Err(ParseError {
                message: "its Jinja prints too much".to_owned(),
                offset: 0,
            }),
            false => result,
        };
        Self {
            rendered,
            result,
            inline,
            visited: evaluation.visited.clone(),
            doubtful: evaluation.doubtful.clone(),
        }
    }
}

impl Reader<'_> {
    fn read(&self, evaluation: Evaluation, rendered: Option<Rendered>, out: &mut SqlFile) {
        let attempt = self.first_that_parses(evaluation, rendered);
        let mut visited = attempt.visited;
        let mut covered = attempt.rendered.covered.clone();
        match attempt.result {
            Ok(tree) => {
                out.shimmed = tree.shimmed;
                out.doubtful = doubtful(self.file, &attempt.doubtful, &attempt.rendered);
                out.sql = match tree.query {
                    Some(query) => SqlTree::Parsed(Box::new(query)),
                    None => SqlTree::Empty,
                };
                self.variants(attempt.inline, &mut visited, &mut covered, out);
            }
            Err(error) => {
                let range = attempt.rendered.source_range(error.offset..error.offset);
                out.sql = SqlTree::Failed {
                    message: error.message,
                    span: span(self.file, &range),
                };
            }
        }
        let mut unread: Vec<Range<u32>> = out.shimmed.iter().map(|s| s.start..s.end).collect();
        let unread = sql::inked_bytes(self.src, &mut unread);
        out.read_bytes = sql::inked_bytes(self.src, &mut covered).saturating_sub(unread);
        out.printed = visited.relations;
    }

    /// Finds a text that parses: with macros inlined where they concern the graph, with none
    /// inlined, then each of these with other placeholders, at last with all inlined; the first
    /// failure where none does.
    fn first_that_parses(&self, evaluation: Evaluation, rendered: Option<Rendered>) -> Attempt {
        let rendered =
            rendered.unwrap_or_else(|| sql::render(self.src, &evaluation.pieces, self.dialect));
        let result = sql::query(self.file, &rendered, self.dialect);
        let first = Attempt::new(rendered, result, Inline::Touching, &evaluation);
        if first.result.is_ok() {
            return first;
        }
        let never = (self.run)(Mode::Sql, Inline::Never, None);
        let attempts = [
            (&never, Inline::Never, false),
            (&evaluation, Inline::Touching, true),
            (&never, Inline::Never, true),
        ];
        for (evaluation, inline, repair) in attempts {
            let attempt = self.attempt(evaluation, inline, repair);
            if attempt.result.is_ok() {
                return attempt;
            }
        }
        let all = (self.run)(Mode::Sql, Inline::All, None);
        let all = self.attempt(&all, Inline::All, true);
        if all.result.is_ok() { all } else { first }
    }

    fn attempt(&self, evaluation: &Evaluation, inline: Inline, repair: bool) -> Attempt {
        let (file, src, dialect) = (self.file, self.src, self.dialect);
        let (rendered, result) = match repair {
            true => sql::query_of(file, src, &evaluation.pieces, dialect),
            false => {
                let rendered = sql::render(src, &evaluation.pieces, dialect);
                let result = sql::query(file, &rendered, dialect);
                (rendered, result)
            }
        };
        Attempt::new(rendered, result, inline, evaluation)
    }

    /// Reads branches that no reading has taken, each once.
    fn variants(
        &self,
        inline: Inline,
        visited: &mut Visited,
        covered: &mut Vec<Range<u32>>,
        out: &mut SqlFile,
    ) {
        // A run over existing rows is a reading of its own, all of whose branches fit together.
        let modes = [Mode::Incremental, Mode::Sql, Mode::Sql, Mode::Sql];
        for mode in modes {
            if !visited.leaves_out(self.nodes) {
                return;
            }
            let evaluation = (self.run)(mode, inline, Some(visited));
            let attempt = self.attempt(&evaluation, inline, true);
            visited.extend(evaluation.visited);
            if let Ok(tree) = attempt.result {
                covered.extend(attempt.rendered.covered);
                out.shimmed.extend(tree.shimmed);
                out.variants.extend(tree.query);
            }
        }
    }
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
    sql::inked_bytes(src, &mut ranges)
}

fn gather(file: FileId, evaluation: &Evaluation, rendered: &Rendered) -> SqlFile {
    let mut out = SqlFile {
        relations: Vec::new(),
        printed: Vec::new(),
        configs: Vec::new(),
        macros: Vec::new(),
        sql: SqlTree::NotRead,
        variants: Vec::new(),
        shimmed: Vec::new(),
        doubtful: Vec::new(),
        inlined: OnceLock::new(),
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
