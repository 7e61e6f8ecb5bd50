//! Branches, loops and assignments.

use super::ast::{Expr, For, Node};
use super::eval::{Evaluator, Mode, Scope};
use super::value::{Piece, Value, put};
use super::visited::Visited;

impl<'a> Evaluator<'a> {
    pub(super) fn if_node(
        &mut self,
        branches: &'a [(Option<Expr>, Vec<Node>)],
        out: &mut Vec<Piece>,
    ) {
        if self.unvisited_branch(branches, out) {
            return;
        }
        let mark = self.assigned.len();
        let mut unsure = false;
        for (cond, body) in branches {
            let truth = match cond {
                None => Some(true),
                Some(cond) => self.eval(cond).truth(),
            };
            match truth {
                Some(false) => continue,
                Some(true) => {
                    self.unsure += u32::from(unsure);
                    self.branch(body, out);
                    self.unsure -= u32::from(unsure);
                }
                None => {
                    self.out.assumed = true;
                    self.unsure += 1;
                    self.branch(body, out);
                    self.unsure -= 1;
                    if self.inputs.mode == Mode::Parse {
                        unsure = true;
                        self.returned = None;
                        continue;
                    }
                }
            }
            break;
        }
        if unsure {
            // Which branch set it is not known; neither is the value.
            for name in self.assigned.split_off(mark) {
                self.set(&name, Value::Unknown);
            }
        }
    }

    /// Renders a branch and remembers, in the file's own text, that it was taken.
    fn branch(&mut self, body: &'a [Node], out: &mut Vec<Piece>) {
        if !self.in_macro() {
            self.out.visited.insert(body);
        }
        self.render(body, out);
    }

    /// In a variant: takes the first branch that no evaluation has taken.
    fn unvisited_branch(
        &mut self,
        branches: &'a [(Option<Expr>, Vec<Node>)],
        out: &mut Vec<Piece>,
    ) -> bool {
        let natural = self.in_macro() || self.inputs.mode == Mode::Incremental;
        let Some(earlier) = self.inputs.earlier.filter(|_| !natural) else {
            return false;
        };
        let mut fresh = None;
        for (_, body) in branches {
            if !self.out.visited.has(self.src, body) && self.is_left_out(earlier, body) {
                fresh = Some(body);
                break;
            }
        }
        let Some(body) = fresh else {
            return false;
        };
        self.branch(body, out);
        true
    }

    pub(super) fn for_node(&mut self, node: &'a For, out: &mut Vec<Piece>) {
        let iterated = self.eval(&node.iter);
        let items = match iterated {
            Value::List(items) => items.borrow().to_vec(),
            Value::Dict(entries) => {
                let entries = entries.borrow();
                entries.iter().map(|(k, _)| Value::Str(k.clone())).collect()
            }
            Value::Str(s) => s
                .chars()
                .map(|c| Value::str(c.encode_utf8(&mut [0; 4])))
                .collect(),
            Value::Undefined | Value::None => Vec::new(),
            _ => {
                self.out.assumed = true;
                return self.unknown_loop(node, out);
            }
        };
        let items = self.filtered(node, items);
        if items.is_empty() {
            return match self.is_unvisited_loop(node) {
                true => self.unknown_loop(node, out),
                false => self.render(&node.otherwise, out),
            };
        }
        if !self.in_macro() {
            self.out.visited.insert(&node.body);
        }
        let count = items.len();
        for (i, item) in items.into_iter().enumerate() {
            self.scopes.push(Scope::default());
            self.bind(&node.targets, item);
            self.set("loop", loop_value(i, count));
            self.render(&node.body, out);
            self.scopes.pop();
            if self.returned.is_some() || self.fuel == 0 {
                return;
            }
        }
    }

    fn filtered(&mut self, node: &'a For, items: Vec<Value>) -> Vec<Value> {
        let Some(filter) = &node.filter else {
            return items;
        };
        items
            .into_iter()
            .filter(|item| {
                self.scopes.push(Scope::default());
                self.bind(&node.targets, item.clone());
                let keep = self.eval(filter).truth() != Some(false);
                self.scopes.pop();
                keep
            })
            .collect()
    }

    /// In a variant: a loop over nothing, whose body no evaluation has rendered.
    fn is_unvisited_loop(&mut self, node: &For) -> bool {
        let natural = self.in_macro() || self.inputs.mode == Mode::Incremental;
        let earlier = self.inputs.earlier.filter(|_| !natural);
        earlier.is_some_and(|e| self.is_left_out(e, &node.body))
    }

    /// Did earlier evaluations leave out the body, or something in it? The same for every
    /// iteration of a loop around it.
    fn is_left_out(&mut self, earlier: &Visited, body: &[Node]) -> bool {
        let src = self.src;
        let known = self.left_out.entry(body.as_ptr() as usize);
        *known.or_insert_with(|| !earlier.has(src, body) || earlier.leaves_out(src, body))
    }

    /// One pass over an item of which nothing is known; in a variant two, for what stands between
    /// items.
    fn unknown_loop(&mut self, node: &'a For, out: &mut Vec<Piece>) {
        if !self.in_macro() {
            self.out.visited.insert(&node.body);
        }
        let count = match self.inputs.earlier {
            Some(_) if !self.in_macro() => 2,
            _ => 1,
        };
        for i in 0..count {
            self.scopes.push(Scope::default());
            for target in &node.targets {
                self.set(target, Value::Unknown);
            }
            self.set("loop", loop_value(i, count));
            self.guessed += 1;
            self.render(&node.body, out);
            self.guessed -= 1;
            self.scopes.pop();
            if self.returned.is_some() || self.fuel == 0 {
                return;
            }
        }
    }

    fn bind(&mut self, targets: &'a [Box<str>], item: Value) {
        if let [one] = targets {
            return self.set(one, item);
        }
        self.assign(targets, item);
    }

    pub(super) fn assign(&mut self, targets: &'a [Box<str>], value: Value) {
        if let [one] = targets {
            return self.set(one, value);
        }
        let parts = match &value {
            Value::List(items) => items.borrow().to_vec(),
            _ => Vec::new(),
        };
        for (i, target) in targets.iter().enumerate() {
            let part = parts.get(i).cloned().unwrap_or(Value::Unknown);
            self.set(target, part);
        }
    }

    pub(super) fn set(&mut self, name: &str, value: Value) {
        self.assigned.push(name.into());
        if let Some((object, attr)) = name.split_once('.') {
            if let Some(Value::Dict(entries)) = self.lookup(object) {
                put(&mut entries.borrow_mut(), attr, value);
            }
            return;
        }
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name.into(), value);
        }
    }
}

fn loop_value(i: usize, count: usize) -> Value {
    let int = |n: usize| Value::Int(n as i64);
    Value::dict(vec![
        ("index".into(), int(i + 1)),
        ("index0".into(), int(i)),
        ("revindex".into(), int(count - i)),
        ("revindex0".into(), int(count - i - 1)),
        ("first".into(), Value::Bool(i == 0)),
        ("last".into(), Value::Bool(i + 1 == count)),
        ("length".into(), int(count)),
    ])
}
