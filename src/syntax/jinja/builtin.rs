//! What dbt and Jinja bring along: functions, attributes, methods, filters, tests.
//!
//! Taken from dbt's public documentation of its Jinja context. Whatever would need a database, the
//! environment or the clock is unknown.

use super::ast::{Args, Expr, ExprKind};
use super::call::Passed;
use super::eval::{CallKind, ConfigArg, Evaluator, Inputs, MAX_ITEMS, Mode, REST};
use super::eval_expr::Named;
use super::helpers::{map_attribute, range_of, second, string_method, unique, zip};
use super::ops::push_pieces;
use super::value::{Piece, RelationId, RelationRef, Value, put};
use std::ops::Range;
use std::rc::Rc;

impl<'a> Evaluator<'a> {
    pub(super) fn call_expr(
        &mut self,
        callee: &'a Expr,
        args: &'a Args,
        range: &Range<u32>,
    ) -> Value {
        // `value.method(…)`, where the value is not a namespace of functions.
        if let ExprKind::Attr(object, method) = &callee.kind {
            let object = self.eval(object);
            if !matches!(object, Value::Function(_)) {
                let (args, named) = self.args(args);
                return self.method(object, method, args, named);
            }
            let function = self.attr(object, method);
            let (args, named) = self.args(args);
            return self.call(function, args, named, range);
        }
        let function = self.eval(callee);
        let (args, named) = self.args(args);
        self.call(function, args, named, range)
    }

    fn call(
        &mut self,
        function: Value,
        args: Vec<Value>,
        named: Vec<Named>,
        range: &Range<u32>,
    ) -> Value {
        match function {
            Value::Caller(pieces) => Value::Text(pieces),
            Value::Function(name) => self.call_named(&name, args, named, range),
            _ => Value::Unknown,
        }
    }

    fn call_named(
        &mut self,
        name: &str,
        args: Vec<Value>,
        named: Vec<Named>,
        range: &Range<u32>,
    ) -> Value {
        // A project may override dbt's own; the override reaches them through `builtins`.
        let inputs: &'a Inputs<'a> = self.inputs;
        let known = inputs.macros.find(name, &self.package).is_some();
        if known || self.is_local_macro(name) {
            let passed = Passed {
                args,
                named,
                caller: None,
            };
            return self
                .call_macro(name, passed, range)
                .unwrap_or(Value::Unknown);
        }
        let name = name.strip_prefix("builtins.").unwrap_or(name);
        match name {
            "ref" => self.call_ref(&args, &named, range),
            "source" => {
                let text = |i: usize| args.get(i).and_then(|v| self.known_text(v));
                let (source, table) = (text(0), text(1));
                let id = self.relation(RelationRef::Source { source, table });
                self.record(CallKind::Relation(id), range);
                Value::Relation(id)
            }
            "function" | "metric" => self.call_resource(name, &args, range),
            "config" => {
                self.call_config(args, named, range);
                Value::Undefined
            }
            "var" => self.call_var(&args, &named, range),
            "env_var" => {
                self.out.assumed = true;
                second(args, named, "default").unwrap_or(Value::Unknown)
            }
            "is_incremental" => {
                self.out.assumed = true;
                Value::Bool(self.inputs.mode == Mode::Incremental)
            }
            "should_full_refresh" => Value::Unknown,
            "return" => {
                self.returned = Some(args.into_iter().next().unwrap_or(Value::None));
                Value::Undefined
            }
            "adapter.dispatch" => self.dispatch(args, named),
            "api.Relation.create"
            | "adapter.get_relation"
            | "load_relation"
            | "make_temp_relation"
            | "get_or_create_relation" => Value::Relation(self.relation(RelationRef::Other)),
            "log"
            | "print"
            | "debug"
            | "exceptions.raise_compiler_error"
            | "exceptions.warn"
            | "set_sql_header"
            | "run_hooks"
            | "store_result"
            | "noop_statement" => Value::Undefined,
            "config.get" | "config.require" => {
                // dbt's parse gives an empty text whatever is configured.
                self.out.assumed = true;
                match self.inputs.mode {
                    Mode::Parse => Value::str(""),
                    Mode::Sql | Mode::Incremental => Value::Unknown,
                }
            }
            "run_query" | "load_result" if self.inputs.mode == Mode::Parse => {
                // dbt's parse sends no query: the call gives none.
                self.out.assumed = true;
                Value::None
            }
            "namespace" | "dict" => {
                let mut entries = match args.first() {
                    Some(Value::Dict(d)) => d.borrow().clone(),
                    _ => Vec::new(),
                };
                for n in named {
                    put(&mut entries, &n.name, n.value);
                }
                Value::dict(entries)
            }
            "range" => range_of(&args),
            "zip" | "zip_strict" => zip(&args),
            "set" | "set_strict" => args.into_iter().next().map_or(Value::Unknown, unique),
            "fromjson" => self.parsed_json(&args),
            "local_md5" | "tojson" | "toyaml" | "fromyaml" => Value::Unknown,
            _ => {
                self.record(CallKind::Macro(name.into()), range);
                Value::Unknown
            }
        }
    }

    /// dbt gives the second argument for a text that is no JSON.
    fn parsed_json(&self, args: &[Value]) -> Value {
        let Some(text) = args.first().and_then(|v| self.known_text(v)) else {
            return Value::Unknown;
        };
        match serde_json::from_str(&text) {
            Ok(json) => Value::from_json(&json),
            Err(_) => args.get(1).cloned().unwrap_or(Value::None),
        }
    }

    /// `function(…)` and `metric(…)`: an optional package and a name.
    fn call_resource(&mut self, kind: &str, args: &[Value], range: &Range<u32>) -> Value {
        let text = |v: &Value| self.known_text(v);
        let (package, name) = match args {
            [name] => (None, text(name)),
            [package, name, ..] => (Some(text(package)), text(name)),
            [] => (None, None),
        };
        let relation = match kind {
            "function" => RelationRef::Function { package, name },
            _ => RelationRef::Metric { package, name },
        };
        let id = self.relation(relation);
        self.record(CallKind::Relation(id), range);
        Value::Relation(id)
    }

    /// An attribute of a relation. In dbt's parse every `ref` and `source` gives the relation of the
    /// file that asks, named after the file: nothing is resolved yet.
    fn relation_attr(&mut self, id: RelationId, attr: &str) -> Value {
        self.out.assumed = true;
        let own = matches!(
            self.out.visited.relations[id.0 as usize],
            RelationRef::Ref { .. } | RelationRef::Source { .. } | RelationRef::This
        );
        match (self.inputs.mode, self.inputs.model, attr) {
            (Mode::Parse, Some(model), "identifier" | "name" | "table") if own => Value::str(model),
            (Mode::Parse, Some(_), "is_view" | "is_table" | "is_cte") if own => Value::Bool(false),
            (Mode::Parse, Some(_), "type") if own => Value::None,
            _ => Value::Unknown,
        }
    }

    fn call_ref(&mut self, args: &[Value], named: &[Named], range: &Range<u32>) -> Value {
        let text = |v: &Value| self.known_text(v);
        let (package, name) = match args {
            [name] => (None, text(name)),
            [package, name, ..] => (Some(text(package)), text(name)),
            [] => (None, None),
        };
        let version = named
            .iter()
            .find(|n| matches!(&*n.name, "version" | "v"))
            .map(|n| text(&n.value));
        // `version=none` pins nothing.
        let version = version.filter(|v| v.as_deref() != Some("None"));
        let id = self.relation(RelationRef::Ref {
            package,
            name,
            version,
        });
        self.record(CallKind::Relation(id), range);
        Value::Relation(id)
    }

    fn call_config(&mut self, args: Vec<Value>, named: Vec<Named>, range: &Range<u32>) {
        let mut settings = Vec::new();
        // `config({...})`: one dictionary.
        let mut whole = |key: &str, value| {
            settings.push(ConfigArg {
                key: key.to_owned(),
                key_range: self.place(range),
                value,
                value_range: self.place(range),
            });
        };
        match args.first() {
            Some(Value::Dict(entries)) => {
                for (key, value) in entries.borrow().iter() {
                    whole(key, self.json(value));
                }
            }
            Some(Value::Unknown) => whole(REST, None),
            _ => {}
        }
        for n in named {
            settings.push(ConfigArg {
                key: n.name.to_string(),
                key_range: self.place(&n.name_range),
                value: self.json(&n.value),
                value_range: self.place(&n.value_range),
            });
        }
        self.record(CallKind::Config(settings), range);
    }

    fn json(&self, value: &Value) -> Option<serde_json::Value> {
        match value {
            Value::Text(_) => self.known_text(value).map(Into::into),
            Value::Undefined => Some(serde_json::Value::Null),
            other => other.to_json(),
        }
    }

    fn call_var(&mut self, args: &[Value], named: &[Named], range: &Range<u32>) -> Value {
        let name = args.first().and_then(|v| self.known_text(v));
        if let Some(value) = name.and_then(|n| (self.inputs.var)(&n)) {
            return match value {
                Some(serde_json::Value::String(text)) if text.contains("{{") => {
                    self.var_template(&text, range)
                }
                Some(value) => Value::from_json(&value),
                None => Value::Unknown,
            };
        }
        second(args.to_vec(), named.to_vec(), "default").unwrap_or(Value::Unknown)
    }

    fn dispatch(&mut self, args: Vec<Value>, named: Vec<Named>) -> Value {
        let Some(name) = args.first().and_then(|v| self.known_text(v)) else {
            return Value::Unknown;
        };
        let namespace = second(args, named, "macro_namespace").and_then(|v| self.known_text(&v));
        let name = name.rsplit('.').next().unwrap_or(&name).to_owned();
        let inputs: &'a Inputs<'a> = self.inputs;
        match inputs
            .macros
            .dispatch(&name, namespace.as_deref(), inputs.adapter)
        {
            Some(def) => Value::Function(format!("{}.{}", def.package, def.name).into()),
            None => Value::Unknown,
        }
    }

    pub(super) fn attr(&mut self, value: Value, attr: &str) -> Value {
        match value {
            Value::Function(name) => match (&*name, attr) {
                ("target", "type") => match self.inputs.adapter {
                    Some(adapter) => Value::str(adapter),
                    None => Value::Unknown,
                },
                ("target", "name" | "target_name") => match self.inputs.target {
                    Some(target) => Value::str(target),
                    None => Value::Unknown,
                },
                ("flags", "FULL_REFRESH") => {
                    self.out.assumed = true;
                    Value::Bool(false)
                }
                ("model", "name" | "alias") => {
                    self.out.assumed = true;
                    match (self.inputs.mode, self.inputs.model) {
                        (Mode::Parse, Some(model)) => Value::str(model),
                        _ => Value::Unknown,
                    }
                }
                ("target" | "flags" | "model" | "invocation_args_dict", _) => Value::Unknown,
                _ => Value::Function(format!("{name}.{attr}").into()),
            },
            Value::Dict(entries) => {
                let entries = entries.borrow();
                let found = entries.iter().find(|(k, _)| &**k == attr);
                found.map_or(Value::Undefined, |(_, v)| v.clone())
            }
            Value::List(items) => match attr.parse::<usize>() {
                Ok(i) => items.borrow().get(i).cloned().unwrap_or(Value::Undefined),
                Err(_) => Value::Unknown,
            },
            Value::Undefined | Value::None => Value::Undefined,
            Value::Relation(id) => self.relation_attr(id, attr),
            _ => Value::Unknown,
        }
    }

    pub(super) fn item(&mut self, value: Value, key: Value) -> Value {
        match (&value, &key) {
            (Value::List(items), Value::Int(i)) => {
                let items = items.borrow();
                let index = if *i < 0 { *i + items.len() as i64 } else { *i };
                let found = usize::try_from(index).ok().and_then(|i| items.get(i));
                found.cloned().unwrap_or(Value::Undefined)
            }
            (Value::Dict(entries), key) => match self.known_text(key) {
                Some(key) => {
                    let entries = entries.borrow();
                    let found = entries.iter().find(|(k, _)| **k == *key);
                    found.map_or(Value::Undefined, |(_, v)| v.clone())
                }
                None => Value::Unknown,
            },
            (Value::Function(_), Value::Str(key)) => {
                let key = key.clone();
                self.attr(value, &key)
            }
            _ => Value::Unknown,
        }
    }

    fn method(
        &mut self,
        object: Value,
        method: &str,
        args: Vec<Value>,
        named: Vec<Named>,
    ) -> Value {
        let first = args.first();
        match (&object, method) {
            (Value::List(items), "append") => {
                if let Some(item) = first
                    && items.borrow().len() < MAX_ITEMS
                {
                    items.borrow_mut().push(item.clone());
                }
                Value::None
            }
            (Value::List(items), "extend") => {
                if let Some(Value::List(more)) = first {
                    let more = more.borrow().to_vec();
                    if items.borrow().len() + more.len() < MAX_ITEMS {
                        items.borrow_mut().extend(more);
                    }
                }
                Value::None
            }
            (Value::List(items), "copy") => Value::list(items.borrow().to_vec()),
            (Value::Dict(entries), "update") => {
                let more = match first {
                    Some(Value::Dict(more)) => more.borrow().clone(),
                    _ => Vec::new(),
                };
                let named = named.into_iter().map(|n| (n.name, n.value));
                // Each key is looked for among all.
                self.spend_on((more.len() * entries.borrow().len() / 4096) as u32);
                for (key, value) in more.into_iter().chain(named) {
                    put(&mut entries.borrow_mut(), &key, value);
                }
                Value::None
            }
            (Value::Dict(entries), "items") => {
                let entries = entries.borrow();
                let pair =
                    |(k, v): &(Rc<str>, Value)| Value::list(vec![Value::Str(k.clone()), v.clone()]);
                Value::list(entries.iter().map(pair).collect())
            }
            (Value::Dict(entries), "keys") => {
                let entries = entries.borrow();
                Value::list(entries.iter().map(|(k, _)| Value::Str(k.clone())).collect())
            }
            (Value::Dict(entries), "values") => {
                let entries = entries.borrow();
                Value::list(entries.iter().map(|(_, v)| v.clone()).collect())
            }
            (Value::Dict(_), "get") => {
                let Some(key) = args.first().cloned() else {
                    return Value::Unknown;
                };
                match self.item(object, key) {
                    Value::Undefined => second(args, named, "default").unwrap_or(Value::None),
                    found => found,
                }
            }
            (Value::Relation(_), "include" | "quote" | "incorporate" | "without_quote") => object,
            (Value::Relation(_), _) => Value::Unknown,
            (Value::Str(_) | Value::Text(_), _) => match self.known_text(&object) {
                Some(text) => string_method(&text, method, &args),
                None => Value::Unknown,
            },
            _ => Value::Unknown,
        }
    }

    pub(super) fn filter(
        &mut self,
        value: Value,
        name: &str,
        args: Vec<Value>,
        named: Vec<Named>,
        range: &Range<u32>,
    ) -> Value {
        match name {
            "default" | "d" => {
                let falsy = matches!(args.get(1), Some(Value::Bool(true)));
                let missing = match &value {
                    Value::Undefined => Some(true),
                    Value::Function(_) | Value::Unknown => None,
                    other if falsy => other.truth().map(|t| !t),
                    _ => Some(false),
                };
                match missing {
                    Some(true) => args.into_iter().next().unwrap_or(Value::str("")),
                    Some(false) => value,
                    None => Value::Unknown,
                }
            }
            "as_native" | "as_text" | "safe" | "e" | "escape" | "as_bool" | "as_number" => value,
            "list" => match value {
                Value::List(items) => Value::list(items.borrow().to_vec()),
                Value::Dict(d) => {
                    let keys = d
                        .borrow()
                        .iter()
                        .map(|(k, _)| Value::Str(k.clone()))
                        .collect();
                    Value::list(keys)
                }
                _ => Value::Unknown,
            },
            "length" | "count" => match value {
                Value::List(items) => Value::Int(items.borrow().len() as i64),
                Value::Dict(d) => Value::Int(d.borrow().len() as i64),
                Value::Str(s) => Value::Int(s.chars().count() as i64),
                _ => Value::Unknown,
            },
            "first" | "last" => match value {
                Value::List(items) => {
                    let items = items.borrow();
                    let end = if name == "first" {
                        items.first()
                    } else {
                        items.last()
                    };
                    end.cloned().unwrap_or(Value::Undefined)
                }
                _ => Value::Unknown,
            },
            "join" => {
                let sep = args
                    .first()
                    .map_or(Some(String::new()), |v| self.known_text(v));
                match (value, sep) {
                    (Value::List(items), Some(sep)) => self.join(&items.borrow(), &sep, range),
                    _ => Value::Unknown,
                }
            }
            "unique" => unique(value),
            "map" => map_attribute(value, &named),
            "reject" | "select" | "selectattr" | "rejectattr" | "sort" | "dictsort" | "groupby"
            | "batch" => Value::Unknown,
            "items" => self.method(value, "items", args, named),
            "int" => match &value {
                Value::Int(_) => value,
                Value::Str(s) => s.trim().parse().map_or(Value::Int(0), Value::Int),
                Value::Float(f) => Value::Int(*f as i64),
                _ => Value::Unknown,
            },
            "string" => self
                .known_text(&value)
                .map_or(value, |s| Value::Str(s.into())),
            // Layout only: the text keeps its places.
            "indent" | "trim" if matches!(value, Value::Text(_)) => value,
            _ => match self.known_text(&value) {
                Some(text) if !matches!(value, Value::Undefined) => {
                    string_method(&text, name, &args)
                }
                _ => Value::Unknown,
            },
        }
    }

    /// `list | join(sep)`: keeps what is known around what is not, and the places of text that
    /// stands in the file.
    fn join(&self, items: &[Value], sep: &str, range: &Range<u32>) -> Value {
        let parts: Option<Vec<String>> = items.iter().map(Value::print).collect();
        if let Some(parts) = parts {
            return Value::Str(parts.join(sep).into());
        }
        let place = self.place(range);
        let mut pieces: Vec<Piece> = Vec::new();
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                pieces.push(Piece::Inserted(sep.into(), place.clone()));
            }
            push_pieces(&mut pieces, item.clone(), &place);
        }
        Value::Text(pieces.into())
    }

    pub(super) fn test(&mut self, value: Value, name: &str, args: Vec<Value>) -> Option<bool> {
        use Value::*;
        if matches!(value, Unknown | Function(_)) {
            return Option::None;
        }
        Some(match name {
            "none" => matches!(value, None),
            "defined" => !matches!(value, Undefined),
            "undefined" => matches!(value, Undefined),
            "string" => matches!(value, Str(_) | Text(_)),
            "number" => matches!(value, Int(_) | Float(_)),
            "integer" => matches!(value, Int(_)),
            "float" => matches!(value, Float(_)),
            "boolean" => matches!(value, Bool(_)),
            "true" => matches!(value, Bool(true)),
            "false" => matches!(value, Bool(false)),
            "mapping" => matches!(value, Dict(_)),
            "sequence" => matches!(value, List(_) | Str(_) | Dict(_)),
            "iterable" => matches!(value, List(_) | Str(_) | Dict(_)),
            "callable" => return Option::None,
            "odd" | "even" => match value {
                Int(i) => (i.rem_euclid(2) == 1) == (name == "odd"),
                _ => return Option::None,
            },
            "divisibleby" => match (value, args.first()) {
                (Int(i), Some(Int(by))) if *by != 0 => i % by == 0,
                _ => return Option::None,
            },
            "eq" | "equalto" | "sameas" => return super::ops::equal(&value, args.first()?),
            "ne" => return super::ops::equal(&value, args.first()?).map(|e| !e),
            _ => return Option::None,
        })
    }
}
