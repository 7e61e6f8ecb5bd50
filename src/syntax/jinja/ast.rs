//! The block tree and its expressions. Ranges are bytes of the template's file.

use std::ops::Range;

/// An expression with its place.
#[derive(Debug, Clone)]
pub struct Expr {
    /// Bytes of the file.
    pub range: Range<u32>,
    /// What it says.
    pub kind: ExprKind,
}

/// What an expression says.
#[derive(Debug, Clone)]
pub enum ExprKind {
    /// A name.
    Name(Box<str>),
    /// A string, unescaped.
    Str(Box<str>),
    /// An integer.
    Int(i64),
    /// A float.
    Float(f64),
    /// `true`, `false` and their capitals.
    Bool(bool),
    /// `none`.
    None,
    /// `[…]`.
    List(Vec<Expr>),
    /// `(…, …)` or a bare `a, b`.
    Tuple(Vec<Expr>),
    /// `{…: …}`.
    Dict(Vec<(Expr, Expr)>),
    /// `value.name`.
    Attr(Box<Expr>, Box<str>),
    /// `value[key]`.
    Item(Box<Expr>, Box<Expr>),
    /// `value[from:to:step]`.
    Slice(Box<Expr>, Box<[Option<Expr>; 3]>),
    /// `callee(args)`.
    Call(Box<Expr>, Args),
    /// `value | name(args)`.
    Filter(Box<Expr>, Box<str>, Args),
    /// `value is [not] name(args)`.
    Test {
        /// What is tested.
        value: Box<Expr>,
        /// The test's name.
        name: Box<str>,
        /// Its arguments.
        args: Args,
        /// `is not`.
        negated: bool,
    },
    /// `not x`, `-x`, `+x`.
    Unary(UnaryOp, Box<Expr>),
    /// Any infix operator.
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// `then if cond else otherwise`.
    Ternary {
        /// Taken when the condition holds.
        then: Box<Expr>,
        /// The condition.
        cond: Box<Expr>,
        /// Taken otherwise; nothing is undefined.
        otherwise: Option<Box<Expr>>,
    },
}

/// Arguments of a call, filter or test.
#[derive(Debug, Clone, Default)]
pub struct Args {
    /// Positional ones.
    pub positional: Vec<Expr>,
    /// `name=value`, with the name's range.
    pub named: Vec<(Box<str>, Range<u32>, Expr)>,
    /// `*args` or `**kwargs` stand among them: what is passed is not fully known.
    pub spread: Vec<Expr>,
}

/// Prefix operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnaryOp {
    /// `not`.
    Not,
    /// `-`.
    Minus,
    /// `+`.
    Plus,
}

/// Infix operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum BinaryOp {
    And,
    Or,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    In,
    NotIn,
    Concat,
    Add,
    Sub,
    Mul,
    Div,
    FloorDiv,
    Rem,
    Pow,
}

/// A node of the block tree.
#[derive(Debug, Clone)]
pub enum Node {
    /// Text that is printed as it stands (white space control applied).
    Text(Range<u32>),
    /// `{{ … }}`; the range is the whole token's.
    Output(Expr, Range<u32>),
    /// `{% if %}` with its branches; the last may have no condition.
    If(Vec<(Option<Expr>, Vec<Node>)>),
    /// `{% for %}`.
    For(Box<For>),
    /// `{% set a, b = … %}`; a target may be `ns.attribute`.
    Set {
        /// Names, dotted for a namespace's attribute.
        targets: Vec<Box<str>>,
        /// The value.
        value: Expr,
    },
    /// `{% set a %}…{% endset %}`.
    SetBlock {
        /// The name.
        target: Box<str>,
        /// What it captures.
        body: Vec<Node>,
    },
    /// `{% macro %}`, and `{% test %}`, which is a macro with `test_` before its name.
    Macro(Box<Macro>),
    /// `{% call(params) callee(args) %}…{% endcall %}`.
    CallBlock {
        /// The call.
        call: Expr,
        /// Parameters of `caller`.
        params: Vec<Param>,
        /// What `caller()` prints.
        body: Vec<Node>,
        /// The opening token.
        range: Range<u32>,
    },
    /// `{% filter name %}…{% endfilter %}`: printed as an unknown.
    FilterBlock {
        /// What is filtered.
        body: Vec<Node>,
        /// The opening token.
        range: Range<u32>,
    },
    /// `{% snapshot name %}`, `{% block %}`, `{% with %}`: a body that is printed in place.
    Group {
        /// The tag.
        tag: Box<str>,
        /// The first word behind it.
        name: Box<str>,
        /// The opening token.
        range: Range<u32>,
        /// The body.
        body: Vec<Node>,
    },
    /// `{% materialization %}`, `{% docs %}`: a definition that prints nothing here.
    Definition {
        /// The tag.
        tag: Box<str>,
        /// The first word behind it.
        name: Box<str>,
        /// The opening token.
        range: Range<u32>,
        /// The body.
        body: Vec<Node>,
    },
    /// `{% do … %}`.
    Do(Expr),
}

/// A `for` loop.
#[derive(Debug, Clone)]
pub struct For {
    /// Loop variables.
    pub targets: Vec<Box<str>>,
    /// What is iterated.
    pub iter: Expr,
    /// `for … in … if filter`.
    pub filter: Option<Expr>,
    /// The body.
    pub body: Vec<Node>,
    /// `{% else %}`: printed when nothing is iterated.
    pub otherwise: Vec<Node>,
}

/// A macro definition.
#[derive(Debug, Clone)]
pub struct Macro {
    /// Its name.
    pub name: Box<str>,
    /// Where the name stands.
    pub name_range: Range<u32>,
    /// Parameters in order.
    pub params: Vec<Param>,
    /// The body.
    pub body: Vec<Node>,
}

/// A macro's parameter.
#[derive(Debug, Clone)]
pub struct Param {
    /// Its name.
    pub name: Box<str>,
    /// Its default.
    pub default: Option<Expr>,
}
