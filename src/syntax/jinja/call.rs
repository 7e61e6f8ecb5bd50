//! Calling macros: whose body is rendered, with what, and where its text belongs.

use super::ast::{Node, Param};
use super::eval::{CallKind, Evaluator, Inputs, Scope};
use super::eval_expr::Named;
use super::value::Value;
use std::ops::Range;
use std::rc::Rc;

/// Macros calling macros.
const MAX_CALL_DEPTH: u32 = 20;

/// A macro about to run.
#[derive(Clone)]
pub(super) struct Callee<'a> {
    pub(super) params: &'a [Param],
    pub(super) body: &'a [Node],
    /// The text that the body's ranges count in.
    pub(super) src: &'a str,
    pub(super) package: Rc<str>,
}

/// What a macro is called with.
#[derive(Default)]
pub(super) struct Passed {
    pub(super) args: Vec<Value>,
    pub(super) named: Vec<Named>,
    /// The body of a `{% call %}` block.
    pub(super) caller: Option<Value>,
}

impl<'a> Evaluator<'a> {
    /// Calls a macro by name; `None` where no such macro is known or the depth is used up.
    pub(super) fn call_macro(
        &mut self,
        name: &str,
        passed: Passed,
        range: &Range<u32>,
    ) -> Option<Value> {
        self.record(CallKind::Macro(name.into()), range);
        if self.depth >= MAX_CALL_DEPTH {
            return None;
        }
        let callee = self.callee(name)?;
        Some(self.run(callee, passed, range))
    }

    fn callee(&self, name: &str) -> Option<Callee<'a>> {
        if let Some(local) = self.local_macros.get(name) {
            return Some(local.clone());
        }
        let inputs: &'a Inputs<'a> = self.inputs;
        let def = inputs.macros.find(name, &self.package)?;
        Some(Callee {
            params: &def.params,
            body: &def.body,
            src: &def.src,
            package: (&*def.package).into(),
        })
    }

    fn run(&mut self, callee: Callee<'a>, passed: Passed, range: &Range<u32>) -> Value {
        let origin = self.place(range);
        let outer_origin = self.origin.replace(origin);
        let outer_src = std::mem::replace(&mut self.src, callee.src);
        let outer_package = std::mem::replace(&mut self.package, callee.package);
        let outer_scopes = std::mem::replace(&mut self.scopes, vec![Scope::default()]);
        self.depth += 1;
        self.bind_params(callee.params, passed);
        let mut pieces = Vec::new();
        self.render(callee.body, &mut pieces);
        let value = match self.returned.take() {
            Some(value) => value,
            None => self.from_pieces(pieces),
        };
        self.depth -= 1;
        self.scopes = outer_scopes;
        self.package = outer_package;
        self.src = outer_src;
        self.origin = outer_origin;
        value
    }

    fn bind_params(&mut self, params: &'a [Param], passed: Passed) {
        let Passed {
            args,
            named,
            caller,
        } = passed;
        let extra: Vec<Value> = args.iter().skip(params.len()).cloned().collect();
        let unbound: Vec<(Rc<str>, Value)> = named
            .iter()
            .filter(|n| !params.iter().any(|p| *p.name == *n.name))
            .map(|n| (n.name.clone(), n.value.clone()))
            .collect();
        for (i, param) in params.iter().enumerate() {
            let by_name = named.iter().find(|n| *n.name == *param.name);
            let value = match (args.get(i), by_name, &param.default) {
                (Some(value), _, _) => value.clone(),
                (None, Some(n), _) => n.value.clone(),
                (None, None, Some(default)) => self.eval(default),
                (None, None, None) => Value::Undefined,
            };
            self.set(&param.name, value);
        }
        self.set("varargs", Value::list(extra));
        self.set("kwargs", Value::dict(unbound));
        if let Some(caller) = caller {
            self.set("caller", caller);
        }
    }
}
