//! Values of expressions.

use super::ast::{Args, Expr, ExprKind};
use super::eval::{Evaluator, Mode, REST};
use super::value::{RelationRef, Value, put};
use std::ops::Range;
use std::rc::Rc;

impl<'a> Evaluator<'a> {
    /// Evaluated arguments: positional, and named with the places of key and value.
    pub(super) fn args(&mut self, args: &'a Args) -> (Vec<Value>, Vec<Named>) {
        let positional: Vec<Value> = args.positional.iter().map(|e| self.eval(e)).collect();
        let mut named: Vec<Named> = Vec::with_capacity(args.named.len());
        for (name, range, e) in &args.named {
            named.push(Named {
                name: (&**name).into(),
                name_range: range.clone(),
                value: self.eval(e),
                value_range: e.range.clone(),
            });
        }
        let mut positional = positional;
        for e in &args.spread {
            match self.eval(e) {
                Value::List(items) => positional.extend(items.borrow().iter().cloned()),
                Value::Dict(entries) => {
                    named.extend(entries.borrow().iter().map(|(k, v)| Named {
                        name: k.clone(),
                        name_range: e.range.clone(),
                        value: v.clone(),
                        value_range: e.range.clone(),
                    }));
                }
                _ => {
                    self.out.assumed = true;
                    named.push(Named {
                        name: REST.into(),
                        name_range: e.range.clone(),
                        value: Value::Unknown,
                        value_range: e.range.clone(),
                    });
                }
            }
        }
        (positional, named)
    }

    pub(super) fn eval(&mut self, expr: &'a Expr) -> Value {
        if !self.spend() {
            return Value::Unknown;
        }
        let value = self.value_of(expr);
        // Whoever asked is about to read it.
        self.spend_on(value.weight(self.fuel));
        match self.fuel {
            0 => Value::Unknown,
            _ => value,
        }
    }

    fn value_of(&mut self, expr: &'a Expr) -> Value {
        match &expr.kind {
            ExprKind::Name(name) => self.name(name),
            ExprKind::Str(s) => Value::str(s),
            ExprKind::Int(i) => Value::Int(*i),
            ExprKind::Float(f) => Value::Float(*f),
            ExprKind::Bool(b) => Value::Bool(*b),
            ExprKind::None => Value::None,
            ExprKind::List(items) => Value::list(items.iter().map(|e| self.eval(e)).collect()),
            ExprKind::Tuple(items) => Value::tuple(items.iter().map(|e| self.eval(e)).collect()),
            ExprKind::Dict(entries) => {
                let mut out: Vec<(Rc<str>, Value)> = Vec::with_capacity(entries.len());
                let mut known = true;
                for (key, value) in entries {
                    let (key, value) = (self.eval(key), self.eval(value));
                    match self.known_text(&key) {
                        Some(key) => put(&mut out, &key, value),
                        None => known = false,
                    }
                }
                match known {
                    true => Value::dict(out),
                    // With a key missing, loops over it would be too short.
                    false => Value::Unknown,
                }
            }
            ExprKind::Attr(e, attr) => {
                let value = self.eval(e);
                self.attr(value, attr)
            }
            ExprKind::Item(e, key) => {
                let (value, key) = (self.eval(e), self.eval(key));
                self.item(value, key)
            }
            ExprKind::Slice(e, parts) => {
                let value = self.eval(e);
                let parts = parts.each_ref().map(|p| p.as_ref().map(|e| self.eval(e)));
                super::ops::slice(value, parts)
            }
            ExprKind::Call(callee, args) => self.call_expr(callee, args, &expr.range),
            ExprKind::Filter(e, name, args) => {
                let value = self.eval(e);
                let (args, named) = self.args(args);
                self.filter(value, name, args, named, &expr.range)
            }
            ExprKind::Test {
                value,
                name,
                args,
                negated,
            } => {
                let value = self.eval(value);
                let (args, _) = self.args(args);
                match self.test(value, name, args) {
                    Some(holds) => Value::Bool(holds != *negated),
                    None => Value::Unknown,
                }
            }
            ExprKind::Unary(op, e) => {
                let value = self.eval(e);
                super::ops::unary(*op, value)
            }
            ExprKind::Binary(op, a, b) => self.binary(*op, a, b, &expr.range),
            ExprKind::Ternary {
                then,
                cond,
                otherwise,
            } => self.ternary(then, cond, otherwise.as_deref()),
        }
    }

    fn ternary(&mut self, then: &'a Expr, cond: &'a Expr, otherwise: Option<&'a Expr>) -> Value {
        let truth = self.eval(cond).truth();
        if truth.is_none() {
            self.out.assumed = true;
        }
        match (truth, otherwise) {
            (Some(false), None) => Value::Undefined,
            (Some(false), Some(e)) => self.eval(e),
            (Some(true), _) => self.eval(then),
            (None, Some(e)) if self.inputs.mode == Mode::Parse => {
                // Both, for the edges they may hold.
                self.eval(then);
                self.eval(e);
                Value::Unknown
            }
            (None, _) => self.eval(then),
        }
    }

    fn name(&mut self, name: &str) -> Value {
        if let Some(value) = self.lookup(name) {
            return value;
        }
        match name {
            "this" => Value::Relation(self.relation(RelationRef::This)),
            "execute" => {
                self.out.assumed = true;
                Value::Bool(self.inputs.mode != Mode::Parse)
            }
            _ => Value::Function(name.into()),
        }
    }
}

/// A named argument.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub(super) name: Rc<str>,
    pub(super) name_range: Range<u32>,
    pub(super) value: Value,
    pub(super) value_range: Range<u32>,
}
