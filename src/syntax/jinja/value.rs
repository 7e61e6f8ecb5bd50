//! What the partial evaluator computes with.

use super::eval::MAX_ITEMS;
use std::cell::RefCell;
use std::ops::{Deref, DerefMut, Range};
use std::rc::Rc;

/// A relation that a template asked for, by its place in [`super::Visited::relations`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RelationId(pub u32);

/// Which relation a `ref`, `source` or `this` names. `None` stands for an argument whose value is
/// not known before dbt runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RelationRef {
    /// `ref([package,] name, version=…)`.
    Ref {
        /// The package, where two arguments were given.
        package: Option<Option<String>>,
        /// The model's name.
        name: Option<String>,
        /// `version=` or `v=`, as text.
        version: Option<Option<String>>,
    },
    /// `source(source, table)`.
    Source {
        /// The source.
        source: Option<String>,
        /// The table.
        table: Option<String>,
    },
    /// `function([package,] name)`: a user-defined function.
    Function {
        /// The package, where two arguments were given.
        package: Option<Option<String>>,
        /// The function's name.
        name: Option<String>,
    },
    /// `metric([package,] name)`, which YAML may depend on.
    Metric {
        /// The package, where two arguments were given.
        package: Option<Option<String>>,
        /// The metric's name.
        name: Option<String>,
    },
    /// A measure of a semantic model, by the name that a metric in YAML gives.
    Measure(String),
    /// `this`.
    This,
    /// A relation of which nothing more is known (`api.Relation.create`, `adapter.get_relation`).
    Other,
}

/// A part of the rendered text.
#[derive(Debug, Clone)]
pub enum Piece {
    /// Bytes of the file itself.
    Verbatim(Range<u32>),
    /// Known text that stands nowhere in the file, and the range that printed it.
    Inserted(Rc<str>, Range<u32>),
    /// A relation, and the range that printed it.
    Relation(RelationId, Range<u32>),
    /// Text that is not known, and the range that prints it.
    Unknown(Range<u32>),
}

/// The items of a list or a tuple.
#[derive(Debug, Clone, Default)]
pub struct Items {
    values: Vec<Value>,
    /// It prints with parentheses.
    tuple: bool,
}

impl Deref for Items {
    type Target = Vec<Value>;

    fn deref(&self) -> &Vec<Value> {
        &self.values
    }
}

impl DerefMut for Items {
    fn deref_mut(&mut self) -> &mut Vec<Value> {
        &mut self.values
    }
}

/// Keys and values in order of insertion.
pub type Entries = Vec<(Rc<str>, Value)>;

/// A value of the evaluator.
#[derive(Debug, Clone)]
pub enum Value {
    /// An undefined name or attribute: prints nothing, is false.
    Undefined,
    /// `none`: prints `None`, as dbt does.
    None,
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A float.
    Float(f64),
    /// A string.
    Str(Rc<str>),
    /// Rendered text that is not one known string.
    Text(Rc<[Piece]>),
    /// A list or a tuple; shared and mutable as in Python.
    List(Rc<RefCell<Items>>),
    /// A dictionary or a namespace, in order of insertion.
    Dict(Rc<RefCell<Entries>>),
    /// A relation.
    Relation(RelationId),
    /// A function by its dotted name: a macro, or one of dbt's own.
    Function(Rc<str>),
    /// The body of a `{% call %}` block, printed by `caller()`.
    Caller(Rc<[Piece]>),
    /// Not known before dbt runs.
    Unknown,
}

/// Nesting beyond this prints as unknown; a list may contain itself.
const MAX_PRINT_DEPTH: u32 = 16;

/// Bytes that are handled in one step of the evaluator.
const BYTES_PER_STEP: u64 = 256;

/// Bytes that pieces print, and a few for each.
pub(super) fn bytes_of(pieces: &[Piece]) -> usize {
    let bytes = |piece: &Piece| match piece {
        Piece::Verbatim(range) => (range.end - range.start) as usize,
        Piece::Inserted(text, _) => text.len(),
        Piece::Relation(..) | Piece::Unknown(_) => 0,
    };
    pieces.iter().map(|p| 4 + bytes(p)).sum()
}

impl Value {
    /// A string value.
    pub fn str(text: &str) -> Self {
        Value::Str(text.into())
    }

    /// A fresh list.
    pub fn list(values: Vec<Value>) -> Self {
        let tuple = false;
        Value::List(Rc::new(RefCell::new(Items { values, tuple })))
    }

    /// A tuple, which is a list that prints with parentheses.
    pub fn tuple(values: Vec<Value>) -> Self {
        let tuple = true;
        Value::List(Rc::new(RefCell::new(Items { values, tuple })))
    }

    /// A fresh dictionary.
    pub fn dict(entries: Vec<(Rc<str>, Value)>) -> Self {
        Value::Dict(Rc::new(RefCell::new(entries)))
    }

    /// Is it true for Jinja? `None` where that is not known.
    pub fn truth(&self) -> Option<bool> {
        Some(match self {
            Value::Undefined | Value::None => false,
            Value::Bool(b) => *b,
            Value::Int(i) => *i != 0,
            Value::Float(f) => *f != 0.0,
            Value::Str(s) => !s.is_empty(),
            Value::List(l) => !l.borrow().is_empty(),
            Value::Dict(d) => !d.borrow().is_empty(),
            Value::Relation(_) | Value::Caller(_) => true,
            Value::Text(pieces) if pieces.is_empty() => false,
            Value::Text(pieces) if !pieces.iter().all(|p| matches!(p, Piece::Unknown(_))) => true,
            Value::Text(_) | Value::Function(_) | Value::Unknown => return None,
        })
    }

    /// Its text when printed; `None` where that is not fully known.
    pub fn print(&self) -> Option<String> {
        let mut out = String::new();
        self.print_to(&mut out, false, 0)?;
        Some(out)
    }

    fn print_to(&self, out: &mut String, quoted: bool, depth: u32) -> Option<()> {
        use std::fmt::Write;
        match self {
            Value::Undefined => {}
            Value::None => out.push_str("None"),
            Value::Bool(true) => out.push_str("True"),
            Value::Bool(false) => out.push_str("False"),
            Value::Int(i) => write!(out, "{i}").ok()?,
            Value::Float(f) if f.fract() == 0.0 && f.abs() < 1e15 => write!(out, "{f:.1}").ok()?,
            Value::Float(f) => write!(out, "{f}").ok()?,
            Value::Str(s) if quoted => write!(out, "'{s}'").ok()?,
            Value::Str(s) => out.push_str(s),
            Value::List(items) if depth < MAX_PRINT_DEPTH => {
                let items = items.borrow();
                out.push(if items.tuple { '(' } else { '[' });
                for (i, item) in items.iter().enumerate() {
                    out.push_str(if i > 0 { ", " } else { "" });
                    item.print_to(out, true, depth + 1)?;
                }
                out.push_str(match (items.tuple, items.len()) {
                    (true, 1) => ",)",
                    (true, _) => ")",
                    (false, _) => "]",
                });
            }
            Value::Dict(entries) if depth < MAX_PRINT_DEPTH => {
                out.push('{');
                for (i, (key, value)) in entries.borrow().iter().enumerate() {
                    out.push_str(if i > 0 { ", " } else { "" });
                    write!(out, "'{key}': ").ok()?;
                    value.print_to(out, true, depth + 1)?;
                }
                out.push('}');
            }
            _ => return None,
        }
        Some(())
    }

    /// What handling it whole costs in steps, at most `limit`: lists that hold one list many times
    /// are small in memory and endless in print.
    pub(super) fn weight(&self, limit: u32) -> u32 {
        let mut left = u64::from(limit) * BYTES_PER_STEP;
        self.weigh(&mut left, 0);
        limit - (left / BYTES_PER_STEP) as u32
    }

    fn weigh(&self, left: &mut u64, depth: u32) {
        let bytes = match self {
            Value::Str(s) => s.len() as u64,
            Value::Text(pieces) | Value::Caller(pieces) => bytes_of(pieces) as u64,
            // Its items pay for it.
            _ => 32,
        };
        *left = left.saturating_sub(bytes);
        if depth > MAX_PRINT_DEPTH {
            return;
        }
        let mut within = |value: &Value| {
            value.weigh(left, depth + 1);
            *left > 0
        };
        let _ = match self {
            Value::List(items) => items.borrow().iter().all(within),
            Value::Dict(entries) => entries.borrow().iter().all(|(_, v)| within(v)),
            _ => true,
        };
    }

    /// As JSON, where it is fully known; relations and functions are not.
    pub fn to_json(&self) -> Option<serde_json::Value> {
        self.to_json_at(0)
    }

    fn to_json_at(&self, depth: u32) -> Option<serde_json::Value> {
        use serde_json::Value as Json;
        Some(match self {
            Value::None => Json::Null,
            Value::Bool(b) => Json::Bool(*b),
            Value::Int(i) => Json::from(*i),
            Value::Float(f) => Json::from(*f),
            Value::Str(s) => Json::from(&**s),
            Value::List(items) if depth < MAX_PRINT_DEPTH => items
                .borrow()
                .iter()
                .map(|v| v.to_json_at(depth + 1))
                .collect::<Option<Vec<_>>>()?
                .into(),
            Value::Dict(entries) if depth < MAX_PRINT_DEPTH => {
                let mut map = serde_json::Map::new();
                for (key, value) in entries.borrow().iter() {
                    map.insert(key.to_string(), value.to_json_at(depth + 1)?);
                }
                Json::Object(map)
            }
            _ => return None,
        })
    }

    /// From JSON or YAML data (`vars`).
    pub fn from_json(json: &serde_json::Value) -> Self {
        use serde_json::Value as Json;
        match json {
            Json::Null => Value::None,
            Json::Bool(b) => Value::Bool(*b),
            Json::Number(n) => match n.as_i64() {
                Some(i) => Value::Int(i),
                None => Value::Float(n.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(s) => Value::str(s),
            Json::Array(items) => Value::list(items.iter().map(Value::from_json).collect()),
            Json::Object(map) => Value::dict(
                map.iter()
                    .map(|(k, v)| (k.as_str().into(), Value::from_json(v)))
                    .collect(),
            ),
        }
    }
}

/// Sets a key of an ordered dictionary.
pub(super) fn put(entries: &mut Vec<(Rc<str>, Value)>, key: &str, value: Value) {
    if let Some((_, old)) = entries.iter_mut().find(|(k, _)| &**k == key) {
        *old = value;
    } else if entries.len() < MAX_ITEMS {
        entries.push((key.into(), value));
    }
}
