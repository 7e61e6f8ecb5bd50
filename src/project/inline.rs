//! What a model's own file says in its `config()` calls, before anything else is laid below it.

use super::{Node, Project};
use crate::load::Role;
use crate::syntax::config_edit;
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

    /// The first call of the file itself that another argument may join: it is made for sure, and its
    /// arguments are no dictionary's. With where its last argument begins.
    pub fn extensible(&self) -> Option<(Span, Option<usize>)> {
        // A call whose every value is unknown may never be made.
        let made = |c: &&ConfigCall| {
            let known = c.args.iter().any(|a| a.value.is_some());
            // An argument that is the whole call stands in a dictionary.
            let whole = |a: &ConfigArg| a.key_range == (c.span.start..c.span.end);
            !c.in_macro && (known || c.args.is_empty()) && !c.args.iter().any(whole)
        };
        let call = self.calls.iter().find(made)?;
        let last = call.args.last().map(|a| a.key_range.start as usize);
        Some((call.span, last))
    }

    /// What to write so that the calls set a key to a string: where, and the text. None where the
    /// value is computed, set twice, or set by a macro.
    pub fn with_string(&self, src: &str, key: &str, value: &str) -> Option<(Span, String)> {
        match self.setting(key) {
            Setting::Unknown => None,
            Setting::Absent => {
                let (call, last) = self.extensible()?;
                let added = config_edit::string_argument(src, call.range(), last, key, value);
                let (at, text) = added?;
                Some((Span::new(call.file, at, at), text))
            }
            Setting::Known(args) => {
                let [arg] = args[..] else { return None };
                let is_own = |c: &&ConfigCall| c.args.iter().any(|a| std::ptr::eq(a, arg));
                let call = self.calls.iter().find(is_own)?;
                let span = self.value_span(arg);
                let text = config_edit::string_with(src.get(span.range())?, value)?;
                (!call.in_macro).then_some((span, text))
            }
        }
    }

    /// Where the value of an argument stands.
    pub fn value_span(&self, arg: &ConfigArg) -> Span {
        let range = &arg.value_range;
        Span::new(self.node.file, range.start as usize, range.end as usize)
    }
}

impl Project {
    /// Does the project's own Jinja ask for this configuration of a model? Then it may change what
    /// is compiled.
    pub fn reads_config(&self, node: &Node, key: &str) -> bool {
        let reads = [
            format!(".{key}"),
            format!("['{key}']"),
            format!("[\"{key}\"]"),
            format!("get('{key}'"),
            format!("get(\"{key}\""),
            format!("require('{key}'"),
            format!("require(\"{key}\""),
        ];
        let reads = |text: &str| reads.iter().any(|r| text.contains(r));
        let macros = self.own_files().filter(|m| m.role == Role::Macro);
        let mut files = macros.map(|m| m.file).chain([node.file]);
        files.any(|f| reads(&self.files.get(f).text))
    }

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
