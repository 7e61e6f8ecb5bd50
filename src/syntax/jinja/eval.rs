//! The partial evaluator: renders a template as far as it can be known from the repository alone.
//!
//! Truth has three values. What is not known prints as [`Piece::Unknown`] and ends nothing. Every
//! piece of the result remembers which bytes of the file printed it.

use super::ast::{Expr, ExprKind, Node};
use super::call::{Callee, Passed};
use super::library::{MacroLibrary, dotted};
use super::native::Vars;
use super::value::{Piece, RelationId, RelationRef, Value, bytes_of};
use super::visited::Visited;
use rustc_hash::FxHashMap;
use std::ops::Range;
use std::rc::Rc;

/// What the evaluation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// dbt's parse: `execute` is false, and where a condition stays unknown every branch is
    /// taken. For the edges of the graph and the configuration.
    Parse,
    /// The SQL a run would send: `execute` is true, and the first branch that may hold is taken.
    Sql,
    /// As [`Mode::Sql`], for a run over rows that are already there: `is_incremental()` is true,
    /// and no branch is preferred for not having been taken before.
    Incremental,
}

/// Which macro calls are replaced by what they print.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inline {
    /// Those that contain ref, source or config.
    Touching,
    /// None: each prints an unknown.
    Never,
    /// All that are known.
    All,
}

/// What a template is evaluated with.
pub struct Inputs<'a> {
    /// The file's text.
    pub src: &'a str,
    /// Its block tree, or the part of it to evaluate (one snapshot of several).
    pub nodes: &'a [Node],
    /// Macros it may call.
    pub macros: &'a MacroLibrary,
    /// The package the file belongs to.
    pub package: &'a str,
    /// The adapter's name (`target.type`), where known.
    pub adapter: Option<&'a str>,
    /// The target's name, where known.
    pub target: Option<&'a str>,
    /// Project variables.
    pub var: Vars<'a>,
    /// What for.
    pub mode: Mode,
    /// Which macros are inlined.
    pub inline: Inline,
    /// The name of the model as dbt's parse has it, that of its file; `ref('x').identifier` is it.
    pub model: Option<&'a str>,
    /// For a variant: what earlier evaluations of the same nodes visited. A branch that none of
    /// them took is taken, whatever its condition.
    pub earlier: Option<&'a Visited>,
}

/// Something a template did that the project must know of.
#[derive(Debug, Clone)]
pub struct Call {
    /// What.
    pub kind: CallKind,
    /// The call's bytes in the file; where a macro made it, the bytes of the outermost call.
    pub range: Range<u32>,
    /// It was made inside a macro, not in the file's own text.
    pub in_macro: bool,
    /// Whether it is made at all depends on a condition that is not known.
    pub unsure: bool,
}

/// What a call does.
#[derive(Debug, Clone)]
pub enum CallKind {
    /// `ref`, `source`.
    Relation(RelationId),
    /// `config(…)`.
    Config(Vec<ConfigArg>),
    /// A macro, by its dotted name as written.
    Macro(Box<str>),
}

/// The key under which arguments stand whose names are not known: `config(**settings)`.
pub const REST: &str = "**";

/// One setting of an inline `config()`.
#[derive(Debug, Clone)]
pub struct ConfigArg {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub key_range: Range<u32>,
    /// The value; `None` where it is not known.
    pub value: Option<serde_json::Value>,
    /// Where the value stands.
    pub value_range: Range<u32>,
}

/// What came of a template.
#[derive(Debug, Default)]
pub struct Evaluation {
    /// The rendered text.
    pub pieces: Vec<Piece>,
    /// The branches it took and the relations it names, by [`RelationId`].
    pub visited: Visited,
    /// Text that the file keeps instead of printing it (`{% set q %}…{% endset %}`, the body of a
    /// `{% call %}`), in order: queries that `run_query` sends, arguments of macros.
    pub kept: Vec<Rc<[Piece]>>,
    /// Calls in the order they were made.
    pub calls: Vec<Call>,
    /// Ranges of the file whose text is printed under a condition that is not known, or in a loop
    /// over what is not known.
    pub doubtful: Vec<Range<u32>>,
    /// It depended on something that another mode or target would decide otherwise.
    pub assumed: bool,
    /// The work limit was reached; what follows is unknown.
    pub exhausted: bool,
}

/// Work per file: nodes and expressions visited.
const FUEL: u32 = 400_000;
/// Bytes printed per file, beyond those it has.
const MAX_TEXT: usize = 2 << 20;
/// Texts kept per file.
const MAX_KEPT: usize = 200;
/// Items of a list.
pub(super) const MAX_ITEMS: usize = 10_000;

/// Evaluates a template.
pub fn evaluate(inputs: &Inputs) -> Evaluation {
    let mut ev = Evaluator::new(inputs);
    let mut pieces = Vec::new();
    ev.render(inputs.nodes, &mut pieces);
    ev.out.pieces = pieces;
    ev.out.exhausted = ev.fuel == 0;
    ev.out
}

/// Evaluates a template with this much work at most; gives what is left of it.
pub(super) fn evaluate_within(inputs: &Inputs, fuel: u32) -> (Evaluation, u32) {
    let mut ev = Evaluator::new(inputs);
    ev.fuel = fuel;
    let mut pieces = Vec::new();
    ev.render(inputs.nodes, &mut pieces);
    ev.out.pieces = pieces;
    (ev.out, ev.fuel)
}

/// The value of one expression of a template.
pub(super) fn evaluate_expr<'a>(inputs: &'a Inputs<'a>, expr: &'a Expr) -> Value {
    Evaluator::new(inputs).eval(expr)
}

pub(super) type Scope = FxHashMap<Box<str>, Value>;

pub(super) struct Evaluator<'a> {
    pub(super) inputs: &'a Inputs<'a>,
    pub(super) src: &'a str,
    pub(super) package: Rc<str>,
    /// Inside a macro: the outermost call in the file.
    pub(super) origin: Option<Range<u32>>,
    pub(super) depth: u32,
    pub(super) fuel: u32,
    /// Depth of conditions that are not known.
    pub(super) unsure: u32,
    /// Depth of loops over what is not known.
    pub(super) guessed: u32,
    printed: usize,
    pub(super) scopes: Vec<Scope>,
    pub(super) returned: Option<Value>,
    /// Names set while branches of an unknown condition are evaluated.
    pub(super) assigned: Vec<Box<str>>,
    /// Macros defined in the file itself.
    pub(super) local_macros: FxHashMap<&'a str, Callee<'a>>,
    /// Variables' own templates, evaluated.
    pub(super) var_texts: FxHashMap<Box<str>, super::var_text::Rendered>,
    relation_ids: FxHashMap<RelationRef, RelationId>,
    /// In a variant, by address of a body: was it left out before?
    pub(super) left_out: FxHashMap<usize, bool>,
    pub(super) out: Evaluation,
}

impl<'a> Evaluator<'a> {
    fn new(inputs: &'a Inputs<'a>) -> Self {
        let mut out = Evaluation::default();
        if let Some(earlier) = inputs.earlier {
            out.visited.relations.clone_from(&earlier.relations);
        }
        let known = out.visited.relations.iter().enumerate();
        let relation_ids = known
            .map(|(i, r)| (r.clone(), RelationId(i as u32)))
            .collect();
        Evaluator {
            inputs,
            src: inputs.src,
            package: inputs.package.into(),
            origin: None,
            depth: 0,
            fuel: FUEL,
            unsure: 0,
            guessed: 0,
            printed: 0,
            scopes: vec![Scope::default()],
            returned: None,
            assigned: Vec::new(),
            local_macros: FxHashMap::default(),
            var_texts: FxHashMap::default(),
            relation_ids,
            left_out: FxHashMap::default(),
            out,
        }
    }

    pub(super) fn spend(&mut self) -> bool {
        self.spend_on(1);
        self.fuel > 0
    }

    pub(super) fn spend_on(&mut self, steps: u32) {
        self.fuel = self.fuel.saturating_sub(steps);
    }

    /// Counts text that is printed; none where there is too much of it. The file's own text may be
    /// printed once at least.
    fn grow(&mut self, bytes: usize) -> bool {
        self.printed = self.printed.saturating_add(bytes);
        let grown = self.printed <= MAX_TEXT + self.inputs.src.len();
        if !grown {
            self.fuel = 0;
        }
        grown
    }

    /// The bytes that a range of the current text stands for in the file.
    pub(super) fn place(&self, range: &Range<u32>) -> Range<u32> {
        self.origin.clone().unwrap_or_else(|| range.clone())
    }

    pub(super) fn is_local_macro(&self, name: &str) -> bool {
        self.local_macros.contains_key(name)
    }

    pub(super) fn in_macro(&self) -> bool {
        self.origin.is_some()
    }

    pub(super) fn render(&mut self, nodes: &'a [Node], out: &mut Vec<Piece>) {
        for node in nodes {
            if self.returned.is_some() || !self.spend() {
                return;
            }
            self.render_node(node, out);
        }
    }

    fn render_node(&mut self, node: &'a Node, out: &mut Vec<Piece>) {
        match node {
            Node::Text(range) => self.text(range, out),
            Node::Output(expr, range) => {
                let value = self.printed(expr);
                let place = self.place(range);
                self.print(value, place, out);
            }
            Node::If(branches) => self.if_node(branches, out),
            Node::For(f) => self.for_node(f, out),
            Node::Set { targets, value } => {
                let value = self.eval(value);
                self.assign(targets, value);
            }
            Node::SetBlock { target, body } => {
                let mut captured = Vec::new();
                self.render(body, &mut captured);
                let value = self.from_pieces(captured);
                if let Value::Text(pieces) = &value {
                    self.keep(pieces);
                }
                self.set(target, value);
            }
            Node::Macro(m) => {
                let callee = Callee {
                    params: &m.params,
                    body: &m.body,
                    src: self.src,
                    package: self.package.clone(),
                };
                self.local_macros.insert(&m.name, callee);
            }
            Node::CallBlock {
                call, body, range, ..
            } => self.call_block(call, body, range, out),
            Node::FilterBlock { body, range } => {
                let mut inner = Vec::new();
                self.render(body, &mut inner);
                out.push(Piece::Unknown(self.place(range)));
            }
            Node::Group { body, .. } => self.render(body, out),
            // Generic tests and materializations are definitions; they are not run here.
            Node::Definition { .. } => {}
            Node::Do(expr) => {
                self.eval(expr);
            }
        }
    }

    fn text(&mut self, range: &Range<u32>, out: &mut Vec<Piece>) {
        if !self.grow((range.end - range.start) as usize) {
            return;
        }
        self.doubt(self.place(range));
        match &self.origin {
            None => out.push(Piece::Verbatim(range.clone())),
            Some(origin) => {
                let text = &self.src[range.start as usize..range.end as usize];
                out.push(Piece::Inserted(text.into(), origin.clone()));
            }
        }
    }

    /// Remembers that what this range prints may not be printed by a run.
    fn doubt(&mut self, range: Range<u32>) {
        if self.unsure + self.guessed == 0 {
            return;
        }
        match self.out.doubtful.last_mut() {
            // Text and output follow one another.
            Some(last) if last.start <= range.start && range.start <= last.end => {
                last.end = last.end.max(range.end);
            }
            _ => self.out.doubtful.push(range),
        }
    }

    fn print(&mut self, value: Value, place: Range<u32>, out: &mut Vec<Piece>) {
        self.doubt(place.clone());
        match value {
            Value::Undefined => {}
            Value::Relation(id) => out.push(Piece::Relation(id, place)),
            Value::Text(pieces) => {
                if self.grow(bytes_of(&pieces)) {
                    out.extend(pieces.iter().cloned());
                }
            }
            other => match other.print() {
                Some(text) if text.is_empty() => {}
                Some(text) => {
                    if self.grow(text.len()) {
                        out.push(Piece::Inserted(text.into(), place));
                    }
                }
                None => out.push(Piece::Unknown(place)),
            },
        }
    }

    /// Captured text as a value: one string where all of it is known and from elsewhere.
    #[allow(clippy::wrong_self_convention)]
    pub(super) fn from_pieces(&self, pieces: Vec<Piece>) -> Value {
        let known = pieces.iter().all(|p| matches!(p, Piece::Inserted(..)));
        if !known || pieces.is_empty() && self.origin.is_none() {
            return Value::Text(pieces.into());
        }
        let text: String = pieces
            .iter()
            .map(|p| match p {
                Piece::Inserted(text, _) => &**text,
                _ => "",
            })
            .collect();
        Value::Str(text.into())
    }

    /// Remembers text of the file itself that is not printed where it stands.
    fn keep(&mut self, pieces: &Rc<[Piece]>) {
        let own = |p: &Piece| matches!(p, Piece::Verbatim(_));
        if !self.in_macro() && self.out.kept.len() < MAX_KEPT && pieces.iter().any(own) {
            self.out.kept.push(pieces.clone());
        }
    }

    /// The text of a value where all of it is known, captured bytes of the file included.
    pub(super) fn known_text(&self, value: &Value) -> Option<String> {
        let Value::Text(pieces) = value else {
            return value.print();
        };
        let mut text = String::new();
        for piece in pieces.iter() {
            match piece {
                Piece::Verbatim(r) => {
                    text.push_str(self.inputs.src.get(r.start as usize..r.end as usize)?);
                }
                Piece::Inserted(t, _) => text.push_str(t),
                _ => return None,
            }
        }
        Some(text)
    }

    pub(super) fn lookup(&self, name: &str) -> Option<Value> {
        self.scopes.iter().rev().find_map(|s| s.get(name)).cloned()
    }

    fn call_block(
        &mut self,
        call: &'a Expr,
        body: &'a [Node],
        range: &Range<u32>,
        out: &mut Vec<Piece>,
    ) {
        let asked = match &call.kind {
            ExprKind::Call(callee, _) => dotted(callee).unwrap_or_default(),
            _ => String::new(),
        };
        if matches!(&*asked, "statement" | "noop_statement") {
            // dbt's parse sends no query and does not look into it.
            self.out.assumed = true;
            if self.inputs.mode == Mode::Parse {
                return;
            }
        }
        let mut inner = Vec::new();
        self.render(body, &mut inner);
        let inner: Rc<[Piece]> = inner.into();
        self.keep(&inner);
        let place = self.place(range);
        let ExprKind::Call(callee, args) = &call.kind else {
            return out.push(Piece::Unknown(place));
        };
        let name = dotted(callee).unwrap_or_default();
        let (args, named) = self.args(args);
        // dbt's own: the query is sent, nothing is printed.
        if matches!(&*name, "statement" | "noop_statement" | "set_sql_header") {
            return;
        }
        let passed = Passed {
            args,
            named,
            caller: Some(Value::Caller(inner)),
        };
        let value = self.call_macro(&name, passed, &call.range);
        let value = value.unwrap_or(Value::Unknown);
        self.print(value, place, out);
    }

    /// An expression in `{{ }}`: a macro call may stay a placeholder here.
    fn printed(&mut self, expr: &'a Expr) -> Value {
        if let ExprKind::Call(callee, args) = &expr.kind
            && self.inputs.inline != Inline::All
            && let Some(name) = dotted(callee)
            && self.lookup(&name).is_none()
            && (self.inputs.macros.find(&name, &self.package).is_some()
                || self.local_macros.contains_key(name.as_str()))
            && !matches!(&*name, "ref" | "source" | "config" | "is_incremental")
        {
            let touches =
                self.inputs.macros.touches_graph(&name) || self.local_macros.contains_key(&*name);
            if !touches {
                let (_, _) = self.args(args);
                self.record(CallKind::Macro(name.into()), &expr.range);
                return Value::Unknown;
            }
            let value = self.eval(expr);
            return match self.inputs.inline {
                Inline::Never => Value::Unknown,
                _ => value,
            };
        }
        self.eval(expr)
    }

    pub(super) fn record(&mut self, kind: CallKind, range: &Range<u32>) {
        let call = Call {
            kind,
            range: self.place(range),
            in_macro: self.in_macro(),
            unsure: self.unsure > 0,
        };
        self.out.calls.push(call);
    }

    /// The id of a relation; equal ones share it.
    pub(super) fn relation(&mut self, relation: RelationRef) -> RelationId {
        if let Some(id) = self.relation_ids.get(&relation) {
            return *id;
        }
        let id = RelationId(self.out.visited.relations.len() as u32);
        self.out.visited.relations.push(relation.clone());
        self.relation_ids.insert(relation, id);
        id
    }
}
