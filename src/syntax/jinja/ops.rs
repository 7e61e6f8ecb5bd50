//! Operators on values. What is not known stays unknown; nothing grows without bound.

use super::ast::{BinaryOp, Expr, UnaryOp};
use super::eval::{Evaluator, MAX_ITEMS};
use super::value::{Piece, Value};
use std::ops::Range;

/// A string longer than this is unknown.
const MAX_STRING: usize = 1 << 20;

pub(super) fn unary(op: UnaryOp, value: Value) -> Value {
    match (op, value) {
        (UnaryOp::Not, value) => value.truth().map_or(Value::Unknown, |t| Value::Bool(!t)),
        (UnaryOp::Minus, Value::Int(i)) => i.checked_neg().map_or(Value::Unknown, Value::Int),
        (UnaryOp::Minus, Value::Float(f)) => Value::Float(-f),
        (UnaryOp::Plus, value @ (Value::Int(_) | Value::Float(_))) => value,
        _ => Value::Unknown,
    }
}

pub(super) fn slice(value: Value, parts: [Option<Value>; 3]) -> Value {
    let [from, to, step] = parts;
    if step.is_some_and(|s| !matches!(s, Value::None)) {
        return Value::Unknown;
    }
    let bound = |part: Option<Value>, len: usize, default: usize| match part {
        None | Some(Value::None) => Some(default),
        Some(Value::Int(i)) if i < 0 => Some(len.saturating_sub(i.unsigned_abs() as usize)),
        Some(Value::Int(i)) => Some((i as usize).min(len)),
        Some(_) => None,
    };
    match value {
        Value::List(items) => {
            let items = items.borrow();
            let len = items.len();
            match (bound(from, len, 0), bound(to, len, len)) {
                (Some(a), Some(b)) => Value::list(items.get(a..b).unwrap_or(&[]).to_vec()),
                _ => Value::Unknown,
            }
        }
        Value::Str(s) => {
            let chars: Vec<char> = s.chars().collect();
            let len = chars.len();
            match (bound(from, len, 0), bound(to, len, len)) {
                (Some(a), Some(b)) => {
                    let text: String = chars.get(a..b).unwrap_or(&[]).iter().collect();
                    Value::Str(text.into())
                }
                _ => Value::Unknown,
            }
        }
        _ => Value::Unknown,
    }
}

/// Are two values equal, as far as is known?
pub(super) fn equal(a: &Value, b: &Value) -> Option<bool> {
    use Value::*;
    Some(match (a, b) {
        (Unknown | Function(_) | Text(_) | Caller(_), _)
        | (_, Unknown | Function(_) | Text(_) | Caller(_)) => return Option::None,
        (Relation(x), Relation(y)) => return (x == y).then_some(true),
        (Relation(_), None | Undefined) | (None | Undefined, Relation(_)) => false,
        (Relation(_), _) | (_, Relation(_)) => return Option::None,
        (None, None) | (Undefined, Undefined) => true,
        (Bool(x), Bool(y)) => x == y,
        (Int(x), Int(y)) => x == y,
        (Int(x), Float(y)) | (Float(y), Int(x)) => *x as f64 == *y,
        (Float(x), Float(y)) => x == y,
        (Int(x), Bool(y)) | (Bool(y), Int(x)) => *x == i64::from(*y),
        (Str(x), Str(y)) => x == y,
        (List(x), List(y)) if x.borrow().len() != y.borrow().len() => false,
        (List(_), List(_)) | (Dict(_), Dict(_)) => return Some(a.print()? == b.print()?),
        _ => false,
    })
}

fn order(op: BinaryOp, a: &Value, b: &Value) -> Option<bool> {
    let ordering = match (a, b) {
        (Value::Str(x), Value::Str(y)) => x.cmp(y),
        (Value::Int(x), Value::Int(y)) => x.cmp(y),
        _ => number(a)?.partial_cmp(&number(b)?)?,
    };
    Some(match op {
        BinaryOp::Lt => ordering.is_lt(),
        BinaryOp::Le => ordering.is_le(),
        BinaryOp::Gt => ordering.is_gt(),
        _ => ordering.is_ge(),
    })
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(i) => Some(*i as f64),
        Value::Float(f) => Some(*f),
        _ => None,
    }
}

/// `needle in haystack`, as far as is known.
fn is_in(needle: &Value, haystack: &Value) -> Option<bool> {
    match haystack {
        Value::List(items) => {
            let mut unsure = false;
            for item in items.borrow().iter() {
                match equal(needle, item) {
                    Some(true) => return Some(true),
                    Some(false) => {}
                    None => unsure = true,
                }
            }
            (!unsure).then_some(false)
        }
        Value::Dict(entries) => {
            let Value::Str(key) = needle else { return None };
            Some(entries.borrow().iter().any(|(k, _)| k == key))
        }
        Value::Str(text) => {
            let Value::Str(part) = needle else {
                return None;
            };
            Some(text.contains(&**part))
        }
        Value::Undefined | Value::None => Some(false),
        _ => None,
    }
}

fn arithmetic(op: BinaryOp, a: Value, b: Value) -> Value {
    match (op, &a, &b) {
        (BinaryOp::Add, Value::Str(x), Value::Str(y)) if x.len() + y.len() < MAX_STRING => {
            Value::Str(format!("{x}{y}").into())
        }
        (BinaryOp::Add, Value::List(x), Value::List(y)) => {
            let (x, y) = (x.borrow(), y.borrow());
            if x.len() + y.len() > MAX_ITEMS {
                return Value::Unknown;
            }
            Value::list(x.iter().chain(y.iter()).cloned().collect())
        }
        (_, Value::Int(x), Value::Int(y)) => integer(op, *x, *y),
        _ => match (number(&a), number(&b)) {
            (Some(x), Some(y)) => float(op, x, y),
            _ => Value::Unknown,
        },
    }
}

fn integer(op: BinaryOp, x: i64, y: i64) -> Value {
    let whole = match op {
        BinaryOp::Add => x.checked_add(y),
        BinaryOp::Sub => x.checked_sub(y),
        BinaryOp::Mul => x.checked_mul(y),
        BinaryOp::FloorDiv => x.checked_div_euclid(y),
        BinaryOp::Rem => x.checked_rem_euclid(y),
        BinaryOp::Pow => u32::try_from(y).ok().and_then(|y| x.checked_pow(y)),
        _ => return float(op, x as f64, y as f64),
    };
    whole.map_or(Value::Unknown, Value::Int)
}

fn float(op: BinaryOp, x: f64, y: f64) -> Value {
    let result = match op {
        BinaryOp::Add => x + y,
        BinaryOp::Sub => x - y,
        BinaryOp::Mul => x * y,
        BinaryOp::Div => x / y,
        BinaryOp::FloorDiv => (x / y).floor(),
        BinaryOp::Rem => x.rem_euclid(y),
        _ => x.powf(y),
    };
    if result.is_finite() {
        Value::Float(result)
    } else {
        Value::Unknown
    }
}

/// Appends what a value prints; beyond a number of pieces it is unknown.
pub(super) fn push_pieces(pieces: &mut Vec<Piece>, value: Value, place: &Range<u32>) {
    match value {
        Value::Text(more) if pieces.len() + more.len() < MAX_ITEMS => {
            pieces.extend(more.iter().cloned());
        }
        Value::Relation(id) => pieces.push(Piece::Relation(id, place.clone())),
        other => pieces.push(match other.print() {
            Some(text) => Piece::Inserted(text.into(), place.clone()),
            None => Piece::Unknown(place.clone()),
        }),
    }
}

impl<'a> Evaluator<'a> {
    pub(super) fn binary(
        &mut self,
        op: BinaryOp,
        a: &'a Expr,
        b: &'a Expr,
        range: &Range<u32>,
    ) -> Value {
        let left = self.eval(a);
        // Python stops at the first operand that decides; a ref behind it is no edge.
        match (op, left.truth()) {
            (BinaryOp::And, Some(false)) | (BinaryOp::Or, Some(true)) => return left,
            (BinaryOp::And, Some(true)) | (BinaryOp::Or, Some(false)) => return self.eval(b),
            _ => {}
        }
        let right = self.eval(b);
        let known = match op {
            BinaryOp::And => (right.truth() == Some(false)).then_some(false),
            BinaryOp::Or => (right.truth() == Some(true)).then_some(true),
            BinaryOp::Eq => equal(&left, &right),
            BinaryOp::Ne => equal(&left, &right).map(|e| !e),
            BinaryOp::In => is_in(&left, &right),
            BinaryOp::NotIn => is_in(&left, &right).map(|e| !e),
            BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => order(op, &left, &right),
            BinaryOp::Concat => return self.concat(left, right, range),
            _ => return arithmetic(op, left, right),
        };
        known.map_or(Value::Unknown, Value::Bool)
    }

    /// `a ~ b`: keeps what is known around what is not.
    fn concat(&mut self, a: Value, b: Value, range: &Range<u32>) -> Value {
        if let (Some(x), Some(y)) = (a.print(), b.print()) {
            if x.len() + y.len() > MAX_STRING {
                return Value::Unknown;
            }
            return Value::Str((x + &y).into());
        }
        let place = self.place(range);
        let mut pieces: Vec<Piece> = Vec::new();
        push_pieces(&mut pieces, a, &place);
        push_pieces(&mut pieces, b, &place);
        Value::Text(pieces.into())
    }
}
