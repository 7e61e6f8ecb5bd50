//! The SQL of one file as rules read it. Every span is a place in the user's file.
//!
//! Smaller than sqlparser's tree, owned, and independent of it: chains of one operator are flat,
//! placeholders are marked opaque, and what no rule has asked for yet is [`ExprKind::Other`] with
//! its children.

mod walk;

pub use walk::Scope;

use super::placeholder;
use crate::syntax::jinja::RelationId;
use crate::text::Span;

/// A name.
#[derive(Debug, Clone)]
pub struct Ident {
    /// Without its quotes.
    pub name: Box<str>,
    /// It was quoted.
    pub quoted: bool,
    /// Where it stands.
    pub span: Span,
}

impl Ident {
    /// Is it this name? Case does not matter: in the dialects dbt speaks, names that differ in
    /// case alone are the same name or a trap.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// The relation that Jinja prints here.
    pub fn relation(&self) -> Option<RelationId> {
        placeholder::relation_id(&self.name).map(RelationId)
    }

    /// Does it hold text that Jinja prints and we do not know?
    pub fn is_opaque(&self) -> bool {
        placeholder::is_unknown(&self.name) || placeholder::relation_id(&self.name).is_some()
    }
}

/// A query with its common table expressions.
#[derive(Debug)]
pub struct Query {
    /// All of it.
    pub span: Span,
    /// In order.
    pub ctes: Vec<Cte>,
    /// What it selects.
    pub body: Body,
    /// `limit` or `fetch` stands behind it.
    pub limited: bool,
    /// `order by` behind it.
    pub order_by: Vec<Expr>,
    /// No other statement stands beside it in the text.
    pub alone: bool,
}

/// A common table expression.
#[derive(Debug)]
pub struct Cte {
    /// Its name.
    pub name: Ident,
    /// From the name to the closing parenthesis.
    pub span: Span,
    /// `name(a, b) as …`.
    pub columns: Vec<Ident>,
    /// Its query.
    pub query: Query,
}

/// What a query selects.
#[derive(Debug)]
pub enum Body {
    /// A select.
    Select(Box<Select>),
    /// A set operation; a chain of one operator is flat.
    Set {
        /// Which.
        op: SetOp,
        /// `union by name`: columns are matched by their names, not by their places.
        by_name: bool,
        /// The branches in order.
        branches: Vec<Body>,
    },
    /// `( … )`.
    Query(Box<Query>),
    /// `values …`.
    Values(Span),
    /// A statement that is no query.
    Other(Span),
    /// The parser could not read it; what its tokens tell. Whatever it selects is not known.
    Unread(Box<Unread>),
}

/// A query that the parser could not read.
#[derive(Debug)]
pub struct Unread {
    /// All of it.
    pub span: Span,
    /// The entries of its select list, where it begins with one.
    pub items: Vec<UnreadItem>,
}

/// An entry of a select list that the parser could not read.
#[derive(Debug)]
pub struct UnreadItem {
    /// All of it, alias included.
    pub span: Span,
    /// The name of what it outputs, where its last words tell.
    pub name: Option<Ident>,
}

/// A set operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum SetOp {
    Union,
    UnionAll,
    Intersect,
    Except,
}

/// One select.
#[derive(Debug)]
pub struct Select {
    /// The `select` keyword.
    pub keyword: Span,
    /// `select distinct`.
    pub distinct: bool,
    /// The select list.
    pub items: Vec<Item>,
    /// Comma-separated parts of `from`.
    pub from: Vec<From>,
    /// `where`, and ClickHouse's `prewhere` before it.
    pub filter: Option<Expr>,
    /// `group by`; `Some(empty)` for `group by all`.
    pub group_by: Option<Vec<Expr>>,
    /// `having`.
    pub having: Option<Expr>,
    /// `qualify`.
    pub qualify: Option<Expr>,
    /// Expressions of clauses that no rule has asked for: `distinct on`, named windows, `sort by`,
    /// `limit by`, lateral views, `connect by`.
    pub others: Vec<Expr>,
    /// Something in it is not in this tree (pipe operators, connect by, lateral view …): what its
    /// stars output is not known.
    pub partial: bool,
    /// It has columns of relations that do not stand in `from` (lateral views, connect by).
    pub widened: bool,
    /// Of what is not in this tree, something decides what it outputs (pipe operators, `select as
    /// struct`): its select list does not say it.
    pub rewritten: bool,
}

/// An entry of a select list.
#[derive(Debug)]
pub struct Item {
    /// All of it, alias included.
    pub span: Span,
    /// What it is.
    pub kind: ItemKind,
}

/// What an entry of a select list is.
#[derive(Debug)]
pub enum ItemKind {
    /// An expression.
    Expr {
        /// It.
        expr: Expr,
        /// `as alias`.
        alias: Option<Ident>,
    },
    /// `*` or `t.*`.
    Star {
        /// `t`.
        qualifier: Vec<Ident>,
        /// What `except`, `replace`, `rename` … say.
        options: StarOptions,
    },
}

/// What stands behind a star.
#[derive(Debug, Default)]
pub struct StarOptions {
    /// `except (a)`, `exclude (a)`: columns that are left out.
    pub except: Vec<Ident>,
    /// `replace (expr as a)`: columns that another expression takes the place of.
    pub replace: Vec<(Ident, Expr)>,
    /// `rename (a as b)`.
    pub rename: Vec<(Ident, Ident)>,
    /// Something else chooses among the columns (`ilike`, `columns('…')`), or changes all names.
    pub filtered: bool,
}

/// A relation and what is joined to it.
#[derive(Debug)]
pub struct From {
    /// The first.
    pub first: Factor,
    /// In order.
    pub joins: Vec<Join>,
}

/// A join.
#[derive(Debug)]
pub struct Join {
    /// From its first keyword to the end of the joined relation.
    pub span: Span,
    /// Which kind.
    pub kind: JoinKind,
    /// What is joined.
    pub factor: Factor,
    /// On what.
    pub constraint: Constraint,
}

/// Kinds of join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum JoinKind {
    Inner,
    Left,
    Right,
    Full,
    Cross,
    /// Semi and anti joins, which output one side only.
    Filtering,
    /// `asof`, `apply`, array joins.
    Other,
}

/// What a join joins on.
#[derive(Debug)]
pub enum Constraint {
    /// `on`.
    On(Expr),
    /// `using`.
    Using(Vec<Ident>),
    /// `natural`.
    Natural,
    /// Nothing.
    None,
}

/// A relation in `from`.
#[derive(Debug)]
pub struct Factor {
    /// Without its alias.
    pub span: Span,
    /// Its alias.
    pub alias: Option<Ident>,
    /// `as alias (a, b)`: other names for its columns.
    pub alias_columns: Vec<Ident>,
    /// What it is.
    pub kind: FactorKind,
}

/// What stands in `from`.
#[derive(Debug)]
pub enum FactorKind {
    /// A relation that Jinja printed (`ref`, `source`, `this`).
    Relation(RelationId),
    /// A name as written: a CTE or a table.
    Name(Vec<Ident>),
    /// A subquery.
    Subquery {
        /// It.
        query: Box<Query>,
        /// `lateral`.
        lateral: bool,
    },
    /// A table function, `unnest`, `lateral flatten(…)`.
    Function {
        /// Its name, empty for `table(expr)`.
        name: Vec<Ident>,
        /// Arguments.
        args: Vec<Expr>,
    },
    /// Parenthesised joins.
    Nested(Box<From>),
    /// `pivot`, `unpivot`, `match_recognize` over another: its columns are not those below. With
    /// the expressions that are made of them.
    Derived(Box<Factor>, Vec<Expr>),
    /// A name that Jinja prints and we do not know, or a form no rule reads.
    Opaque,
}

/// An expression.
#[derive(Debug)]
pub struct Expr {
    /// Where; at least its names and literals, with the keywords around them where possible.
    pub span: Span,
    /// What.
    pub kind: ExprKind,
}

/// What an expression is.
#[derive(Debug)]
pub enum ExprKind {
    /// `c`, `t.c`, `s.t.c`.
    Column(Vec<Ident>),
    /// A literal.
    Literal(Literal),
    /// A function call.
    Call(Box<Call>),
    /// `a and b and …`.
    And(Vec<Expr>),
    /// `a or b or …`.
    Or(Vec<Expr>),
    /// `not a`.
    Not(Box<Expr>),
    /// `=`, `<`, `like` … between two values.
    Compare(CompareOp, Box<[Expr; 2]>),
    /// `a + b + …`, `a || b`: an operator that gives null where an operand is null.
    Arithmetic(Box<str>, Vec<Expr>),
    /// `a is [not] null`.
    IsNull {
        /// What is tested.
        value: Box<Expr>,
        /// `is not null`.
        negated: bool,
    },
    /// `a [not] between b and c`.
    Between(Box<[Expr; 3]>),
    /// `a [not] in (…)`.
    InList {
        /// What is tested.
        value: Box<Expr>,
        /// The list.
        list: Vec<Expr>,
        /// `not in`.
        negated: bool,
    },
    /// `case`.
    Case {
        /// `case operand when …`.
        operand: Option<Box<Expr>>,
        /// Condition and result.
        whens: Vec<(Expr, Expr)>,
        /// `else`.
        otherwise: Option<Box<Expr>>,
    },
    /// `cast(a as t)`, `a::t`, `try_cast`.
    Cast {
        /// What is cast.
        value: Box<Expr>,
        /// The type as sqlparser prints it.
        to: Box<str>,
        /// It gives null instead of failing.
        safe: bool,
    },
    /// A subquery as a value, in `exists` or in `in`.
    Subquery(Box<Query>, Vec<Expr>),
    /// `a:b.c`, `a[0]`, `a.b` of a value.
    Access(Box<Expr>, Vec<Expr>),
    /// `x -> …`: an anonymous function, with its parameters.
    Lambda(Vec<Ident>, Box<Expr>),
    /// Text that Jinja prints and we do not know.
    Opaque,
    /// Any other form, with its parts.
    Other(Vec<Expr>),
}

/// A literal.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Literal {
    Null,
    Bool(bool),
    Number(Box<str>),
    String(Box<str>),
    Other,
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum CompareOp {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Like,
    /// `is not distinct from`, `<=>`: null equals null.
    NullSafe,
    Other,
}

/// A function call.
#[derive(Debug)]
pub struct Call {
    /// Its name, schema first.
    pub name: Vec<Ident>,
    /// Arguments; `*` is none.
    pub args: Vec<Expr>,
    /// `f(*)`.
    pub star: bool,
    /// `f(distinct …)`.
    pub distinct: bool,
    /// What orders and bounds its input: `order by` among the arguments, `within group (order by
    /// …)`, `having max …`.
    pub ordered_by: Vec<Expr>,
    /// `over (…)`.
    pub over: Option<Window>,
    /// `filter (where …)`.
    pub filter: Option<Expr>,
}

impl Call {
    /// Does it give one value of many rows, in a dialect that dbt speaks?
    pub fn is_aggregate(&self) -> bool {
        const NAMES: &[&str] = &[
            "max",
            "maxif",
            "max_by",
            "min",
            "minif",
            "min_by",
            "median",
            "mode",
            "listagg",
            "string_agg",
            "variance",
            "first",
            "last",
        ];
        // ClickHouse makes others of these with endings: `sumIf`, `uniqExact`, `countDistinct`.
        const BEGINNINGS: &[&str] = &[
            "any",
            "approx_",
            "argm",
            "array_agg",
            "avg",
            "bit_",
            "bool",
            "corr",
            "count",
            "covar",
            "group_",
            "grouparray",
            "groupuniq",
            "hll_",
            "json_agg",
            "jsonb_agg",
            "logical_",
            "object_agg",
            "percentile",
            "quantile",
            "stddev",
            "sum",
            "uniq",
            "var_",
        ];
        let name = self.function();
        let begins = BEGINNINGS.iter().any(|b| name.starts_with(b));
        self.over.is_none() && (begins || NAMES.contains(&name.as_str()))
    }

    /// The last part of the name in lower case.
    pub fn function(&self) -> String {
        self.name
            .last()
            .map_or(String::new(), |i| i.name.to_ascii_lowercase())
    }
}

/// A window.
#[derive(Debug, Default)]
pub struct Window {
    /// `partition by`.
    pub partition_by: Vec<Expr>,
    /// `order by`.
    pub order_by: Vec<Expr>,
}

impl Factor {
    /// The CTE that it names, of those that are visible there.
    pub fn cte<'a>(&self, ctes: &[&'a Cte]) -> Option<&'a Cte> {
        let FactorKind::Name(path) = &self.kind else {
            return None;
        };
        let [name] = &path[..] else { return None };
        ctes.iter().rev().find(|c| c.name.is(&name.name)).copied()
    }

    /// The name under which columns are qualified: the alias, else the last part of the name.
    pub fn binding(&self) -> Option<&Ident> {
        match (&self.alias, &self.kind) {
            (Some(alias), _) => Some(alias),
            (None, FactorKind::Name(name)) => name.last(),
            _ => None,
        }
    }
}

impl From {
    /// The first relation and every joined one, with the join that brings it.
    pub fn factors(&self) -> impl Iterator<Item = (&Factor, Option<&Join>)> {
        std::iter::once((&self.first, None)).chain(self.joins.iter().map(|j| (&j.factor, Some(j))))
    }
}

impl Body {
    /// The `select` keyword of its first select.
    pub fn keyword(&self) -> Option<Span> {
        match self {
            Body::Select(select) => Some(select.keyword),
            Body::Set { branches, .. } => branches.first()?.keyword(),
            Body::Query(query) => query.body.keyword(),
            Body::Values(_) | Body::Other(_) | Body::Unread(_) => None,
        }
    }
}
