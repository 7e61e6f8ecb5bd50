//! Tests of values: what a rule file says of a fact or of what a metavariable stands for.
//!
//! Logic has three values: what depends on Jinja that only a run knows is neither true nor false,
//! and a rule says nothing there.

use super::read::{at, entries, flag, number, regex, text, texts, unknown};
use crate::syntax::yaml::{DeError, Node};
use regex::Regex;
use serde_json::Value;
use std::borrow::Cow;

/// What came of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Yes,
    No,
    Unknown,
}

impl Verdict {
    pub(super) fn of(known: bool) -> Self {
        match known {
            true => Verdict::Yes,
            false => Verdict::No,
        }
    }

    pub(super) fn and(self, other: impl FnOnce() -> Verdict) -> Self {
        match self {
            Verdict::No => Verdict::No,
            Verdict::Yes => other(),
            Verdict::Unknown => match other() {
                Verdict::No => Verdict::No,
                _ => Verdict::Unknown,
            },
        }
    }

    pub(super) fn or(self, other: impl FnOnce() -> Verdict) -> Self {
        self.not().and(|| other().not()).not()
    }

    #[must_use]
    pub(super) fn not(self) -> Self {
        match self {
            Verdict::Yes => Verdict::No,
            Verdict::No => Verdict::Yes,
            Verdict::Unknown => Verdict::Unknown,
        }
    }

    /// Do at least `min` and at most `max` of these hold?
    pub(super) fn counted(
        all: impl Iterator<Item = Verdict>,
        min: Option<f64>,
        max: Option<f64>,
    ) -> Self {
        let (mut sure, mut open) = (0.0, 0.0);
        for verdict in all {
            match verdict {
                Verdict::Yes => sure += 1.0,
                Verdict::Unknown => open += 1.0,
                Verdict::No => {}
            }
        }
        let most = sure + open;
        if min.is_some_and(|m| most < m) || max.is_some_and(|m| sure > m) {
            return Verdict::No;
        }
        match min.is_none_or(|m| sure >= m) && max.is_none_or(|m| most <= m) {
            true => Verdict::Yes,
            false => Verdict::Unknown,
        }
    }
}

/// What is known of a subject.
#[derive(Debug, Clone)]
pub(super) enum Fact<'p> {
    /// Nothing: only a run knows.
    Unknown,
    /// At least this: a list or a mapping to which more is added.
    Partial(Cow<'p, Value>),
    /// All of it; null where it is not there.
    Known(Cow<'p, Value>),
}

impl Fact<'_> {
    pub(super) const ABSENT: Fact<'static> = Fact::Known(Cow::Owned(Value::Null));

    pub(super) fn new(value: impl Into<Value>) -> Fact<'static> {
        Fact::Known(Cow::Owned(value.into()))
    }

    pub(super) fn some<T: Into<Value>>(value: Option<T>) -> Fact<'static> {
        value.map_or(Fact::ABSENT, Fact::new)
    }
}

/// Kinds of facts: they decide which tests make sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Bool,
    /// A list of texts, or of mappings that have a `name`.
    List,
    Map,
    /// Whatever the repository says.
    Any,
}

impl Kind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Kind::Text => "text",
            Kind::Number => "number",
            Kind::Bool => "true or false",
            Kind::List => "list",
            Kind::Map => "mapping",
            Kind::Any => "anything",
        }
    }
}

/// A key of a mapping that a fact is, or is a list of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// Names of SQL: case does not matter.
    pub(super) folds: bool,
}

/// What a test is read for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) kind: Kind,
    /// The keys of a mapping, or of the mappings in a list; any where there are none.
    pub(super) parts: &'static [Part],
    /// Names of SQL: case does not matter.
    pub(super) folds: bool,
}

impl Shape {
    pub(super) const fn plain(kind: Kind) -> Self {
        Self {
            kind,
            parts: &[],
            folds: false,
        }
    }
}

/// The tests, what each is for, and of which kinds of facts it may be asked.
pub(super) const TESTS: &[(&str, &[Kind], &str)] = {
    use Kind::{Any, Bool, List, Map, Number, Text};
    &[
        ("equals", &[Text, Number, Bool, Any], "it is this"),
        ("one_of", &[Text, Any], "it is one of these"),
        ("regex", &[Text, Any], "a part of it matches"),
        ("prefix", &[Text, Any], "it begins so"),
        ("suffix", &[Text, Any], "it ends so"),
        (
            "min_length",
            &[Text, Any],
            "it has at least so many characters",
        ),
        (
            "max_length",
            &[Text, Any],
            "it has at most so many characters",
        ),
        (
            "min",
            &[Number, List, Map, Any],
            "it is, or it holds, at least so many",
        ),
        (
            "max",
            &[Number, List, Map, Any],
            "it is, or it holds, at most so many",
        ),
        (
            "has",
            &[List, Map, Any],
            "it holds all of these: values or names in a list, keys in a mapping",
        ),
        ("has_any", &[List, Map, Any], "it holds one of these"),
        ("only", &[List, Map, Any], "it holds nothing but these"),
        ("any", &[List, Any], "some element meets the test"),
        ("all", &[List, Any], "every element meets the test"),
        ("none", &[List, Any], "no element meets the test"),
        (
            "count",
            &[List, Any],
            "so many elements meet a test: {of: test, min, max}",
        ),
        (
            "present",
            &[Text, Number, Bool, List, Map, Any],
            "it is there and not blank, or (false) it is not",
        ),
        (
            "not",
            &[Text, Number, Bool, List, Map, Any],
            "the test does not hold",
        ),
    ]
};

/// A test: all of its checks hold.
#[derive(Debug, Clone)]
pub(super) struct Predicate {
    checks: Vec<Check>,
    folds: bool,
}

#[derive(Debug, Clone)]
enum Check {
    Not(Box<Predicate>),
    Present(bool),
    Equals(Value),
    OneOf(Vec<String>),
    Regex(Regex),
    Prefix(String),
    Suffix(String),
    MinLength(f64),
    MaxLength(f64),
    Min(f64),
    Max(f64),
    Has(Vec<String>),
    HasAny(Vec<String>),
    Only(Vec<String>),
    Any(Box<Predicate>),
    All(Box<Predicate>),
    None(Box<Predicate>),
    Count(Option<Box<Predicate>>, Option<f64>, Option<f64>),
    Key(String, Box<Predicate>),
}

impl Predicate {
    /// Reads a test of a fact.
    pub(super) fn read(node: Node, shape: Shape) -> Result<Self, DeError> {
        let node = node.resolve();
        let checks = match node.is_mapping() {
            true => mapping(node, shape)?,
            false => vec![short(node, shape)?],
        };
        Ok(Self {
            checks,
            folds: shape.folds,
        })
    }

    /// Does it hold of a fact? `raw` text is as it was written: Jinja in it is text.
    pub(super) fn holds(&self, fact: &Fact, raw: bool) -> Verdict {
        match fact {
            Fact::Unknown => Verdict::Unknown,
            Fact::Known(value) => self.judge(value, raw),
            Fact::Partial(value) => {
                let one = |c: &Check| match (c, self.check(c, value, raw)) {
                    // What is there stays there; what is not may yet come.
                    (
                        Check::Has(_) | Check::HasAny(_) | Check::Any(_) | Check::Min(_),
                        Verdict::Yes,
                    ) => Verdict::Yes,
                    (
                        Check::Only(_) | Check::All(_) | Check::None(_) | Check::Max(_),
                        Verdict::No,
                    ) => Verdict::No,
                    (Check::Present(true), Verdict::Yes) => Verdict::Yes,
                    (Check::Present(false), Verdict::No) => Verdict::No,
                    _ => Verdict::Unknown,
                };
                self.fold(one)
            }
        }
    }

    /// Does it hold of a text as it was written?
    pub(super) fn of_text(&self, text: &str) -> Verdict {
        self.judge(&Value::from(text), true)
    }

    /// Does it hold of a source system: of its facts, or of its name?
    pub(super) fn of_named(&self, facts: Value) -> Verdict {
        let about_facts = self.checks.iter().any(|c| matches!(c, Check::Key(..)));
        match (about_facts, facts.get("name")) {
            (false, Some(name)) if !self.is_of_map() => self.judge(name, true),
            _ => self.judge(&facts, true),
        }
    }

    fn is_of_map(&self) -> bool {
        let map = |c: &Check| matches!(c, Check::Has(_) | Check::HasAny(_) | Check::Only(_));
        self.checks.iter().any(map)
    }

    fn fold(&self, one: impl Fn(&Check) -> Verdict) -> Verdict {
        let all = self.checks.iter();
        all.fold(Verdict::Yes, |verdict, c| verdict.and(|| one(c)))
    }

    fn judge(&self, value: &Value, raw: bool) -> Verdict {
        self.fold(|c| self.check(c, value, raw))
    }

    fn check(&self, check: &Check, value: &Value, raw: bool) -> Verdict {
        let text = match value {
            Value::String(text) => Some(text.as_str()),
            _ => None,
        };
        let is_jinja = !raw && text.is_some_and(|t| t.contains("{{") || t.contains("{%"));
        match check {
            Check::Not(inner) => return inner.judge(value, raw).not(),
            Check::Present(wanted) => return Verdict::of(is_there(value) == *wanted),
            _ if is_jinja => return Verdict::Unknown,
            _ => {}
        }
        let elements: &[Value] = match value {
            Value::Array(items) => items,
            Value::Null => &[],
            one => std::slice::from_ref(one),
        };
        let each = |p: &Predicate| -> Vec<Verdict> {
            elements.iter().map(|e| p.element(e, raw)).collect()
        };
        let all = |v: Vec<Verdict>| v.into_iter().fold(Verdict::Yes, |a, b| a.and(|| b));
        let any = |v: Vec<Verdict>| v.into_iter().fold(Verdict::No, |a, b| a.or(|| b));
        match check {
            Check::Any(p) => any(each(p)),
            Check::All(p) => all(each(p)),
            Check::None(p) => any(each(p)).not(),
            Check::Count(of, min, max) => {
                let counted = elements
                    .iter()
                    .map(|e| of.as_ref().map_or(Verdict::Yes, |p| p.element(e, raw)));
                Verdict::counted(counted, *min, *max)
            }
            Check::Key(key, p) => p.judge(value.get(key).unwrap_or(&Value::Null), raw),
            plain => Verdict::of(self.plain(plain, value)),
        }
    }

    /// A test of a list's elements. A text among them that is asked for its keys is its own name.
    fn element(&self, value: &Value, raw: bool) -> Verdict {
        let keyed = self.checks.iter().any(|c| matches!(c, Check::Key(..)));
        match value {
            Value::String(_) if keyed => self.judge(&serde_json::json!({ "name": value }), raw),
            _ => self.judge(value, raw),
        }
    }

    fn plain(&self, check: &Check, value: &Value) -> bool {
        let text = match value {
            Value::Null | Value::Array(_) | Value::Object(_) => None,
            Value::String(text) => Some(Cow::Borrowed(text.as_str())),
            other => Some(Cow::Owned(other.to_string())),
        };
        let length = || text.as_ref().map_or(0, |t| t.trim().chars().count()) as f64;
        let is = |test: &dyn Fn(&str) -> bool| text.as_ref().is_some_and(|t| test(t));
        match check {
            Check::Equals(Value::String(wanted)) => is(&|t| self.lower(t) == self.lower(wanted)),
            Check::Equals(Value::Number(wanted)) => amount(value) == wanted.as_f64(),
            Check::Equals(wanted) => value == wanted,
            Check::OneOf(all) => is(&|t| all.iter().any(|w| self.lower(t) == self.lower(w))),
            Check::Regex(regex) => is(&|t| regex.is_match(t)),
            Check::Prefix(p) => is(&|t| self.lower(t).starts_with(&*self.lower(p))),
            Check::Suffix(s) => is(&|t| self.lower(t).ends_with(&*self.lower(s))),
            Check::MinLength(min) => length() >= *min,
            Check::MaxLength(max) => length() <= *max,
            Check::Min(min) => size(value).is_some_and(|n| n >= *min),
            Check::Max(max) => size(value).is_none_or(|n| n <= *max),
            Check::Has(all) => all.iter().all(|name| self.contains(value, name)),
            Check::HasAny(all) => all.iter().any(|name| self.contains(value, name)),
            Check::Only(all) => names(value)
                .iter()
                .all(|n| all.iter().any(|w| self.lower(n) == self.lower(w))),
            _ => false,
        }
    }

    fn contains(&self, value: &Value, name: &str) -> bool {
        names(value)
            .iter()
            .any(|n| self.lower(n) == self.lower(name))
    }

    fn lower<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.folds {
            true => Cow::Owned(text.to_lowercase()),
            false => Cow::Borrowed(text),
        }
    }
}

fn is_there(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
        _ => true,
    }
}

fn amount(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_f64(),
    }
}

/// A number, or how many are in it.
fn size(value: &Value) -> Option<f64> {
    match value {
        Value::Array(items) => Some(items.len() as f64),
        Value::Object(map) => Some(map.len() as f64),
        Value::Null => Some(0.0),
        other => amount(other),
    }
}

/// The texts of a list, the names of its mappings, the keys of a mapping.
fn names(value: &Value) -> Vec<Cow<'_, str>> {
    match value {
        Value::Array(items) => items.iter().filter_map(name).collect(),
        Value::Object(map) => map.keys().map(|k| Cow::Borrowed(k.as_str())).collect(),
        other => name(other).into_iter().collect(),
    }
}

fn name(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Object(map) => name(map.get("name")?),
        Value::Null | Value::Array(_) => None,
        other => Some(Cow::Owned(other.to_string())),
    }
}

/// A test that is one value: it equals it, or is one of a list.
fn short(node: Node, shape: Shape) -> Result<Check, DeError> {
    let kind = shape.kind;
    let expected = |what: &str, help: &str| DeError {
        help: Some(help.to_owned()),
        ..at(node, format!("expected {what}, found {}", node.kind_name()))
    };
    match kind {
        Kind::Number => Ok(Check::Equals(number(node)?.into())),
        Kind::Bool => Ok(Check::Equals(flag(node)?.into())),
        Kind::List => Err(expected(
            "a test of a list",
            "for instance {has: [a, b]} or {min: 1}",
        )),
        Kind::Map => Err(expected(
            "a test of a mapping",
            "for instance {has: [key]} or {key: value}",
        )),
        Kind::Text | Kind::Any if node.is_sequence() => {
            let all = texts(node)?.into_iter().map(|(_, t)| t);
            Ok(Check::OneOf(all.collect()))
        }
        Kind::Text => Ok(Check::Equals(text(node)?.into())),
        Kind::Any => Ok(Check::Equals(scalar(node)?)),
    }
}

/// `true` and `3` as such, everything else as text.
fn scalar(node: Node) -> Result<Value, DeError> {
    match node.to_json() {
        Value::Null | Value::Array(_) | Value::Object(_) => Err(at(
            node,
            format!("expected a value, found {}", node.kind_name()),
        )),
        value => Ok(value),
    }
}

fn mapping(node: Node, shape: Shape) -> Result<Vec<Check>, DeError> {
    let mut checks = Vec::new();
    for (key, name, value) in entries(node)? {
        let known = TESTS
            .iter()
            .find(|(n, kinds, _)| *n == name && kinds.contains(&shape.kind));
        checks.push(match known {
            Some(_) => check(name, value, shape)?,
            None => key_check(key, name, value, shape)?,
        });
    }
    match checks.is_empty() {
        true => Err(at(node, "the test is empty")),
        false => Ok(checks),
    }
}

/// A key that is no test: one of the mapping that is tested.
fn key_check(key: Node, name: &str, value: Node, shape: Shape) -> Result<Check, DeError> {
    let part = shape.parts.iter().find(|p| p.name == name);
    let open = shape.parts.is_empty() && matches!(shape.kind, Kind::Map | Kind::Any);
    let inner = match part {
        Some(part) if shape.kind == Kind::Map => Shape {
            kind: part.kind,
            parts: &[],
            folds: part.folds,
        },
        _ if open => Shape::plain(Kind::Any),
        _ => {
            let tests = TESTS
                .iter()
                .filter(|(_, kinds, _)| kinds.contains(&shape.kind));
            let tests = tests.map(|(n, ..)| *n);
            let parts = shape.parts.iter().map(|p| p.name);
            let parts = parts.filter(|_| shape.kind == Kind::Map);
            let what = format!("test of a {}", shape.kind.as_str());
            return Err(unknown(key, &what, tests.chain(parts)));
        }
    };
    Ok(Check::Key(
        name.to_owned(),
        Box::new(Predicate::read(value, inner)?),
    ))
}

fn check(name: &str, value: Node, shape: Shape) -> Result<Check, DeError> {
    let list = || -> Result<Vec<String>, DeError> {
        Ok(texts(value)?.into_iter().map(|(_, t)| t).collect())
    };
    let of_elements = |node: Node| -> Result<Box<Predicate>, DeError> {
        let kind = match (shape.parts.is_empty(), node.resolve().is_mapping()) {
            (false, true) => Kind::Map,
            _ => Kind::Any,
        };
        let shape = Shape { kind, ..shape };
        Ok(Box::new(Predicate::read(node, shape)?))
    };
    Ok(match name {
        "equals" => short(value, shape)?,
        "one_of" => Check::OneOf(list()?),
        "regex" => Check::Regex(regex(value, shape.folds)?),
        "prefix" => Check::Prefix(text(value)?),
        "suffix" => Check::Suffix(text(value)?),
        "min_length" => Check::MinLength(number(value)?),
        "max_length" => Check::MaxLength(number(value)?),
        "min" => Check::Min(number(value)?),
        "max" => Check::Max(number(value)?),
        "has" => Check::Has(list()?),
        "has_any" => Check::HasAny(list()?),
        "only" => Check::Only(list()?),
        "any" => Check::Any(of_elements(value)?),
        "all" => Check::All(of_elements(value)?),
        "none" => Check::None(of_elements(value)?),
        "present" => Check::Present(flag(value)?),
        "not" => Check::Not(Box::new(Predicate::read(value, shape)?)),
        _ => {
            let (of, min, max) = bounds(value)?;
            Check::Count(of.map(of_elements).transpose()?, min, max)
        }
    })
}

/// `{of: …, min: 1, max: 2}`; one bound is mandatory.
#[allow(clippy::type_complexity)]
pub(super) fn bounds<'a>(
    node: Node<'a>,
) -> Result<(Option<Node<'a>>, Option<f64>, Option<f64>), DeError> {
    let (mut of, mut min, mut max) = (None, None, None);
    for (key, name, value) in entries(node)? {
        match name {
            "of" => of = Some(value),
            "min" => min = Some(number(value)?),
            "max" => max = Some(number(value)?),
            _ => return Err(unknown(key, "key of `count`", ["of", "min", "max"])),
        }
    }
    match (min, max) {
        (None, None) => Err(at(node, "`count` needs `min` or `max`")),
        (Some(a), Some(b)) if a > b => Err(at(node, "`min` is more than `max`")),
        _ => Ok((of, min, max)),
    }
}
