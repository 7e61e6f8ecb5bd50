//! Functions, filters and string methods that need nothing but their arguments.

use super::eval::MAX_ITEMS;
use super::eval_expr::Named;
use super::value::Value;
use rustc_hash::FxHashSet;

/// The second argument, by place or by name.
pub(super) fn second(args: Vec<Value>, named: Vec<Named>, name: &str) -> Option<Value> {
    let by_name = named.into_iter().find(|n| &*n.name == name);
    args.into_iter().nth(1).or(by_name.map(|n| n.value))
}

pub(super) fn range_of(args: &[Value]) -> Value {
    let ints: Option<Vec<i64>> = args
        .iter()
        .map(|v| match v {
            Value::Int(i) => Some(*i),
            _ => None,
        })
        .collect();
    let (from, to, step) = match ints.as_deref() {
        Some([to]) => (0, *to, 1),
        Some([from, to]) => (*from, *to, 1),
        Some([from, to, step]) if *step > 0 => (*from, *to, *step),
        _ => return Value::Unknown,
    };
    let count = to.saturating_sub(from).max(0) / step;
    if count >= MAX_ITEMS as i64 {
        return Value::Unknown;
    }
    Value::list((from..to).step_by(step as usize).map(Value::Int).collect())
}

pub(super) fn zip(args: &[Value]) -> Value {
    let lists: Option<Vec<Vec<Value>>> = args
        .iter()
        .map(|v| match v {
            Value::List(items) => Some(items.borrow().to_vec()),
            _ => None,
        })
        .collect();
    let Some(lists) = lists else {
        return Value::Unknown;
    };
    let len = lists.iter().map(Vec::len).min().unwrap_or(0);
    let row = |i: usize| Value::list(lists.iter().map(|l| l[i].clone()).collect());
    Value::list((0..len).map(row).collect())
}

pub(super) fn unique(value: Value) -> Value {
    let Value::List(items) = value else {
        return Value::Unknown;
    };
    let mut seen = FxHashSet::default();
    let mut once: Vec<Value> = Vec::new();
    for item in items.borrow().iter() {
        let Some(text) = item.print() else {
            return Value::Unknown;
        };
        if seen.insert(text) {
            once.push(item.clone());
        }
    }
    Value::list(once)
}

/// `map(attribute='name')`; other forms are unknown.
pub(super) fn map_attribute(value: Value, named: &[Named]) -> Value {
    let attribute = named.iter().find(|n| &*n.name == "attribute");
    let (
        Value::List(items),
        Some(Named {
            value: Value::Str(key),
            ..
        }),
    ) = (value, attribute)
    else {
        return Value::Unknown;
    };
    let pick = |item: &Value| match item {
        Value::Dict(entries) => {
            let entries = entries.borrow();
            let found = entries.iter().find(|(k, _)| k == key);
            found.map_or(Value::Undefined, |(_, v)| v.clone())
        }
        _ => Value::Unknown,
    };
    Value::list(items.borrow().iter().map(pick).collect())
}

pub(super) fn string_method(text: &str, method: &str, args: &[Value]) -> Value {
    let arg = |i: usize| match args.get(i) {
        Some(Value::Str(s)) => Some(s.clone()),
        _ => None,
    };
    let known = match (method, arg(0), arg(1)) {
        ("upper", ..) => text.to_uppercase(),
        ("lower", ..) => text.to_lowercase(),
        ("strip" | "trim", None, _) => text.trim().to_owned(),
        ("lstrip", None, _) => text.trim_start().to_owned(),
        ("rstrip", None, _) => text.trim_end().to_owned(),
        ("indent", ..) => text.to_owned(),
        ("capitalize", ..) => {
            let mut chars = text.chars();
            let first = chars.next().map(|c| c.to_uppercase().to_string());
            first.unwrap_or_default() + &chars.as_str().to_lowercase()
        }
        ("replace", Some(from), Some(to)) if args.len() == 2 && !from.is_empty() => {
            if text.len().saturating_mul(to.len().max(1)) > 1 << 22 {
                return Value::Unknown;
            }
            text.replace(&*from, &to)
        }
        ("startswith", Some(prefix), _) => return Value::Bool(text.starts_with(&*prefix)),
        ("endswith", Some(suffix), _) => return Value::Bool(text.ends_with(&*suffix)),
        ("split", Some(sep), _) if !sep.is_empty() && args.len() == 1 => {
            return Value::list(text.split(&*sep).map(Value::str).collect());
        }
        ("split", None, _) if args.is_empty() => {
            return Value::list(text.split_whitespace().map(Value::str).collect());
        }
        ("splitlines", ..) => return Value::list(text.lines().map(Value::str).collect()),
        ("join", ..) => return join_str(text, args),
        _ => return Value::Unknown,
    };
    Value::Str(known.into())
}

/// `', '.join(list)`.
fn join_str(sep: &str, args: &[Value]) -> Value {
    let Some(Value::List(items)) = args.first() else {
        return Value::Unknown;
    };
    let parts: Option<Vec<String>> = items.borrow().iter().map(Value::print).collect();
    parts.map_or(Value::Unknown, |p| Value::Str(p.join(sep).into()))
}
