//! Names of relations in which Jinja prints a part: `{{ target.schema }}.orders`.

use super::jinja::ast::{BinaryOp, Expr, ExprKind, Node};
use super::jinja::{self, Template};
use super::sql::tree::{Factor, FactorKind};
use memchr::memmem;
use rustc_hash::{FxHashMap, FxHashSet};
use std::ops::Range;

/// A name of a relation, some part of which Jinja prints.
#[derive(Debug)]
pub struct PrintedName {
    /// Where it stands in the file, quotes and all.
    pub place: Range<usize>,
    /// Its parts, schema first, without quotes. Blanks around what Jinja prints are one blank each.
    pub parts: Vec<Part>,
}

/// A part of a name.
#[derive(Debug, Default)]
pub struct Part {
    /// As it is written.
    pub text: String,
    /// What Jinja prints of it; nothing where it stands there as it is.
    printed: Vec<Expr>,
}

impl Part {
    /// Does it stand there as it is?
    pub fn is_literal(&self) -> bool {
        self.printed.is_empty()
    }

    /// Is it a schema or a database that the target, the environment or a variable says, by what
    /// the file sets? What a macro prints is none: it may print a whole relation's name.
    pub fn is_place(&self, settings: &Settings) -> bool {
        let mut steps = 0;
        let mut printed = self.printed.iter();
        printed.all(|e| settings.say_place(e, &mut steps))
    }

    /// Does only the target say it?
    pub fn is_of_target(&self) -> bool {
        !self.is_literal() && self.printed.iter().all(is_of_target)
    }
}

impl PrintedName {
    /// Of a relation in the file of this text; none where Jinja has no part in it, or where it is
    /// more than a name.
    pub fn of_factor(file: &str, factor: &Factor) -> Option<Self> {
        let place = factor.span.start as usize..factor.span.end as usize;
        match &factor.kind {
            FactorKind::Opaque => Self::at(file, place),
            // Quotes hide what is unknown, and what is known shows no more.
            FactorKind::Name(_) => {
                Self::of(file.get(place.clone())?).map(|name| Self { place, ..name })
            }
            _ => None,
        }
    }

    /// Of the relation at this place of a file, which may begin or end within what Jinja prints, or
    /// be what a `set` puts together.
    fn at(file: &str, place: Range<usize>) -> Option<Self> {
        if let Some(start) = open_at(file, place.start, "{%", "%}") {
            let end = place.start + file.get(place.start..)?.find("%}")? + 2;
            let inside = place.end <= end;
            return inside.then(|| Self::of_setting(file.get(start..end)?, start..end))?;
        }
        let start = open_at(file, place.start, "{{", "}}").unwrap_or(place.start);
        let end = match open_at(file, place.end, "{{", "}}") {
            Some(_) => place.end + file.get(place.end..)?.find("}}")? + 2,
            None => place.end,
        };
        let name = Self::of(file.get(start..end)?)?;
        Some(Self {
            place: start..end,
            ..name
        })
    }

    /// Of `{% set name = … %}`.
    fn of_setting(text: &str, place: Range<usize>) -> Option<Self> {
        let Some(Node::Set { value, .. }) = jinja::parse(text).nodes.pop() else {
            return None;
        };
        let part = Part {
            text: format!("{{{{ {} }}}}", spaced(slice(text, &value.range))),
            printed: vec![value],
        };
        Some(Self {
            place,
            parts: vec![part],
        })
    }

    /// Of the text of a relation in `from`.
    fn of(text: &str) -> Option<Self> {
        if text.len() > MAX_TAG || !text.contains("{{") {
            return None;
        }
        let Template { nodes, errors, .. } = jinja::parse(text);
        let mut parts = vec![Part::default()];
        for node in nodes {
            match node {
                Node::Text(range) => literal(slice(text, &range), &mut parts)?,
                Node::Output(expr, range) => {
                    let part = parts.last_mut()?;
                    part.text.push_str(&spaced(slice(text, &range)));
                    part.printed.push(expr);
                }
                _ => return None,
            }
        }
        let whole = errors.is_empty() && parts.iter().all(|p| !p.text.is_empty());
        whole.then_some(Self {
            place: 0..text.len(),
            parts,
        })
    }

    /// As it is written, without quotes.
    pub fn text(&self) -> String {
        let parts: Vec<&str> = self.parts.iter().map(|p| &*p.text).collect();
        parts.join(".")
    }

    /// Is it surely the name of a relation, and not of a CTE? It has a dot, in what is written or in
    /// what is printed, or a variable is all of it.
    pub fn is_relation(&self, settings: &Settings) -> bool {
        let [one] = &self.parts[..] else { return true };
        let is_all = one.text.starts_with("{{") && one.text.ends_with("}}");
        let mut steps = 0;
        match &one.printed[..] {
            [expr] if is_all && is_variable(expr) => true,
            printed => printed.iter().any(|e| settings.print_dot(e, &mut steps)),
        }
    }
}

/// A longer name, in bytes, is not read, nor is a tag looked for that begins further back.
const MAX_TAG: usize = 4096;

/// Where the tag begins that is open at this place.
fn open_at(file: &str, to: usize, opens: &str, closes: &str) -> Option<usize> {
    let from = to.saturating_sub(MAX_TAG);
    let before = file.as_bytes().get(from..to)?;
    let at = memmem::rfind(before, opens.as_bytes())?;
    let end = memmem::rfind(before, closes.as_bytes());
    end.is_none_or(|end| end < at).then_some(from + at)
}

fn slice<'t>(text: &'t str, range: &Range<u32>) -> &'t str {
    text.get(range.start as usize..range.end as usize)
        .unwrap_or_default()
}

/// Blanks and line breaks in a row as one blank.
fn spaced(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

/// Adds text that stands in a name as it is.
fn literal(text: &str, parts: &mut Vec<Part>) -> Option<()> {
    for c in text.chars() {
        match c {
            '.' => parts.push(Part::default()),
            '"' | '`' | '[' | ']' => {}
            c if c.is_alphanumeric() || matches!(c, '_' | '-' | '*') => {
                parts.last_mut()?.text.push(c);
            }
            _ => return None,
        }
    }
    Some(())
}

/// Expressions that are looked into for one name, at most: settings may be many and of one another.
const MAX_STEPS: usize = 256;

/// What a file sets its own names to.
#[derive(Debug, Default)]
pub struct Settings {
    values: FxHashMap<Box<str>, Vec<Expr>>,
    /// Names that something else than one value says: a block, a loop, a list.
    others: FxHashSet<Box<str>>,
}

impl Settings {
    /// Of a file's text.
    pub fn of(file: &str) -> Self {
        let mut out = Self::default();
        out.add(jinja::parse(file).nodes);
        out
    }

    fn add(&mut self, nodes: Vec<Node>) {
        for node in nodes {
            match node {
                Node::Set { mut targets, value } if targets.len() == 1 => {
                    self.values
                        .entry(targets.remove(0))
                        .or_default()
                        .push(value);
                }
                Node::Set { targets, .. } => self.others.extend(targets),
                Node::SetBlock { target, body } => {
                    self.others.insert(target);
                    self.add(body);
                }
                Node::If(branches) => branches.into_iter().for_each(|(_, body)| self.add(body)),
                Node::For(f) => {
                    self.others.extend(f.targets);
                    self.add(f.body);
                    self.add(f.otherwise);
                }
                Node::Group { body, .. }
                | Node::FilterBlock { body, .. }
                | Node::CallBlock { body, .. } => self.add(body),
                Node::Text(_)
                | Node::Output(..)
                | Node::Macro(_)
                | Node::Definition { .. }
                | Node::Do(_) => {}
            }
        }
    }

    fn say_place(&self, expr: &Expr, steps: &mut usize) -> bool {
        if !step(steps) {
            return false;
        }
        match &expr.kind {
            ExprKind::Str(text) => !text.contains("{{"),
            ExprKind::Name(name) => self.all(name, &mut |e| self.say_place(e, steps)),
            ExprKind::Binary(BinaryOp::Concat, a, b) => {
                self.say_place(a, steps) && self.say_place(b, steps)
            }
            ExprKind::Ternary {
                then,
                otherwise: Some(otherwise),
                ..
            } => self.say_place(then, steps) && self.say_place(otherwise, steps),
            ExprKind::Filter(value, name, _) => {
                matches!(&**name, "lower" | "upper" | "trim" | "replace" | "default")
                    && self.say_place(value, steps)
            }
            _ => is_variable(expr) || is_of_target(expr),
        }
    }

    /// Is there a dot among the texts that this puts together?
    fn print_dot(&self, expr: &Expr, steps: &mut usize) -> bool {
        if !step(steps) {
            return false;
        }
        match &expr.kind {
            ExprKind::Str(text) => text.contains('.') && !text.contains(char::is_whitespace),
            ExprKind::Name(name) => self.all(name, &mut |e| self.print_dot(e, steps)),
            ExprKind::Binary(BinaryOp::Concat, a, b) => {
                self.print_dot(a, steps) || self.print_dot(b, steps)
            }
            _ => false,
        }
    }

    /// Is the name set, and to such values only?
    fn all(&self, name: &str, is: &mut dyn FnMut(&Expr) -> bool) -> bool {
        let values = self.values.get(name);
        !self.others.contains(name) && values.is_some_and(|v| v.iter().all(is))
    }
}

fn step(steps: &mut usize) -> bool {
    *steps += 1;
    *steps <= MAX_STEPS
}

/// `var('x')`, `env_var('x')`.
fn is_variable(expr: &Expr) -> bool {
    let ExprKind::Call(callee, _) = &expr.kind else {
        return false;
    };
    matches!(&callee.kind, ExprKind::Name(name) if matches!(&**name, "var" | "env_var"))
}

/// `target.schema`, `target['schema']`.
fn is_of_target(expr: &Expr) -> bool {
    let (ExprKind::Attr(value, _) | ExprKind::Item(value, _)) = &expr.kind else {
        return false;
    };
    matches!(&value.kind, ExprKind::Name(name) if &**name == "target")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_place(text: &str) -> bool {
        let file = Settings::of(
            "{% set s = target.schema ~ '_x' %}{% set m = a_macro() %}{% set both = var('a') %}{% set both = m %}{% for l in both %}{% endfor %}",
        );
        let name = PrintedName::of(text).unwrap();
        name.parts[0].is_place(&file)
    }

    #[test]
    fn parts_of_names() {
        let parts = |text: &str| {
            let name = PrintedName::of(text)?;
            let parts = name.parts.iter().map(|p| p.text.clone());
            Some(parts.collect::<Vec<_>>())
        };
        let some = |parts: &[&str]| Some(parts.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>());
        assert_eq!(
            parts("{{target.schema}}_raw.\"orders\""),
            some(&["{{target.schema}}_raw", "orders"])
        );
        assert_eq!(
            parts("`{{ var(\n'p') }}.raw-x.orders_*`"),
            some(&["{{ var( 'p') }}", "raw-x", "orders_*"])
        );
        for text in [
            "raw.orders",
            "{{ a }}.",
            "({{ a }})",
            "{% if a %}b{% endif %}",
            "{{ a }} b",
        ] {
            assert_eq!(parts(text), None, "{text}");
        }
    }

    #[test]
    fn places_are_said_by_targets_and_variables() {
        for text in [
            "{{ target.schema }}.t",
            "{{ target['schema'] | upper }}.t",
            "{{ env_var('S', 'x') }}.t",
            "{{ 'raw' if target.name == 'prod' else var('s') }}.t",
            "{{ s }}_raw.t",
        ] {
            assert!(is_place(text), "{text}");
        }
        for text in [
            "{{ this.schema }}.t",
            "{{ generate_schema_name('x') }}.t",
            "{{ ref('a') }}.t",
            "{{ m }}.t",
            "{{ both }}.t",
            "{{ l }}.t",
            "{{ nobody_sets }}.t",
        ] {
            assert!(!is_place(text), "{text}");
        }
    }

    #[test]
    fn a_place_within_what_is_printed() {
        let file = "{{ x }} from {{ a ~ '.' ~ b }} {{ y }}";
        let at = file.find("a ~").unwrap();
        let name = PrintedName::at(file, at..at + 1).unwrap();
        assert_eq!(name.text(), "{{ a ~ '.' ~ b }}");
        assert!(PrintedName::at(file, 8..12).is_none());
    }

    #[test]
    fn what_is_surely_a_relation() {
        let file = Settings::of("{% set s = this.schema ~ '.x' %}{% set c = 'a' ~ b %}");
        let is = |text: &str| PrintedName::of(text).unwrap().is_relation(&file);
        for text in [
            "{{ x }}.y",
            "{{ var('x') }}",
            "{{ a ~ '.' ~ b }}",
            "{{ s }}",
        ] {
            assert!(is(text), "{text}");
        }
        for text in [
            "{{ x }}",
            "{{ c }}",
            "cte_{{ var('x') }}",
            "{{ a_macro('a.b') }}",
            "{{ l }}",
        ] {
            assert!(!is(text), "{text}");
        }
    }

    #[test]
    fn settings_of_one_another_end() {
        let many = "{% set a = a %}{% set a = b ~ a %}".repeat(200);
        let name = PrintedName::of("{{ a }}.t").unwrap();
        assert!(!name.parts[0].is_place(&Settings::of(&many)));
    }
}
