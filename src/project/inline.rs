//! What a model's own file says in its `config()` calls, before anything else is laid below it.

use super::{Node, Project};
use crate::syntax::jinja::{ConfigArg, REST};
use crate::syntax::template::ConfigCall;
use crate::text::Span;

/// The `config()` calls of a SQL file; there is at least one.
#[derive(Debug, Clone, Copy)]
pub struct Inline<'a> {
    node: &'a Node,
    calls: &'a [ConfigCall],
}

/// What the calls say of one key.
#[derive(Debug)]
pub enum Setting<'a> {
    /// Nothing.
    Absent,
    /// It cannot be told before dbt runs.
    Unknown,
    /// The arguments that set it, in order; every value is known.
    Known(Vec<&'a ConfigArg>),
}

impl Node {
    /// Its own `config()` calls; none for a file without any, and for Python.
    pub fn inline(&self) -> Option<Inline<'_>> {
        let sql = self.sql.as_ref().filter(|_| !self.python)?;
        let calls = &sql.configs[..];
        (!calls.is_empty()).then_some(Inline { node: self, calls })
    }
}

impl<'a> Inline<'a> {
    /// Every call, those that a macro makes too.
    pub fn calls(&self) -> &'a [ConfigCall] {
        self.calls
    }

    /// What they say of `key`.
    pub fn setting(&self, key: &str) -> Setting<'a> {
        let args = self.calls.iter().flat_map(|c| &c.args);
        let found: Vec<&ConfigArg> = args.clone().filter(|a| a.key == key).collect();
        if found.iter().any(|a| a.value.is_none()) || args.into_iter().any(|a| a.key == REST) {
            return Setting::Unknown;
        }
        match found.is_empty() {
            true => Setting::Absent,
            false => Setting::Known(found),
        }
    }

    /// The first call that stands in the file itself, else the macro call that makes one.
    pub fn place(&self) -> Span {
        let own = self.calls.iter().find(|c| !c.in_macro);
        let any = own.or(self.calls.first());
        any.map_or(Span::whole(self.node.file), |c| c.span)
    }

    /// Where the value of an argument stands.
    pub fn value_span(&self, arg: &ConfigArg) -> Span {
        let range = &arg.value_range;
        Span::new(self.node.file, range.start as usize, range.end as usize)
    }
}

impl Project {
    /// Does the model call a macro that we do not have and whose name says that it configures?
    pub fn may_configure_by_macro(&self, node: &Node) -> bool {
        let mut macros = node.sql.iter().flat_map(|s| &s.macros);
        macros.any(|(name, _)| {
            name.contains("config")
                && !name.starts_with("config.")
                && self.macros.find(name, &node.package_name).is_none()
        })
    }
}
