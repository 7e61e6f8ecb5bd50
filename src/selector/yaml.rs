//! selectors.yml: selections with a name.
//!
//! A definition is read when something asks for it, so that a mistake in one that nobody uses is
//! no error.

use super::method::Method;
use super::{Depth, Expr, Indirect, SelectorError, Term, parse};
use crate::syntax::yaml::{self, Node, Yaml};
use crate::text::{FileId, Span, nearest};

/// A file of definitions.
#[derive(Debug)]
pub struct Definitions {
    text: String,
    yaml: Yaml,
}

/// Parts of one definition, those behind aliases included: a file could hold more than fit into
/// memory.
const MAX_PARTS: usize = 10_000;

type Read<T> = Result<T, SelectorError>;

impl Definitions {
    /// A file by its text.
    pub fn new(text: String) -> Self {
        let yaml = yaml::parse(FileId(0), &text);
        Self { text, yaml }
    }

    /// Its text, in which errors have their places.
    pub fn text(&self) -> &str {
        &self.text
    }

    fn entries(&self) -> Vec<(&str, Node<'_>)> {
        let list = self.yaml.root().and_then(|r| r.get("selectors"));
        let entries = list.into_iter().flat_map(|l| l.resolve().items());
        entries
            .filter_map(|e| Some((e.get("name")?.as_str()?, e.resolve())))
            .collect()
    }

    /// The definition of a name, and which of the file it is: it names none but those before it.
    ///
    /// # Errors
    /// None is called so, or what it says makes no sense. The place is in the file's text.
    pub fn get(&self, name: &str) -> Read<(usize, Expr)> {
        if let Some(problem) = self.yaml.problems.first() {
            return Err(refuse(problem.span, problem.message.clone(), None));
        }
        let entries = self.entries();
        let Some(at) = entries.iter().position(|(n, _)| *n == name) else {
            let names = entries.iter().map(|(n, _)| *n);
            let help = match nearest(name, names.clone()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if entries.is_empty() => "it defines none".to_owned(),
                None => format!("it defines {}", names.collect::<Vec<_>>().join(", ")),
            };
            let list = self.yaml.root().and_then(|r| r.get_entry("selectors"));
            let span = list.map_or(Span::new(FileId(0), 0, 0), |(key, _)| key.span());
            return Err(refuse(
                span,
                format!("no selector is called `{name}`"),
                Some(help),
            ));
        };
        let (_, entry) = entries[at];
        let Some(definition) = entry.get("definition") else {
            let message = format!("the selector `{name}` has no `definition`");
            return Err(refuse(entry.span(), message, None));
        };
        let mut reader = Reader {
            text: &self.text,
            before: entries[..at].iter().map(|(n, _)| *n).collect(),
            parts: 0,
        };
        Ok((at, reader.definition(definition)?))
    }
}

fn refuse(span: Span, message: impl Into<String>, help: Option<String>) -> SelectorError {
    SelectorError {
        range: span.range(),
        message: message.into(),
        help,
    }
}

struct Reader<'a> {
    text: &'a str,
    /// Selectors that stand above: dbt knows no others yet.
    before: Vec<&'a str>,
    parts: usize,
}

const KEYS: &[&str] = &[
    "children",
    "children_depth",
    "childrens_parents",
    "exclude",
    "greedy",
    "indirect_selection",
    "method",
    "parents",
    "parents_depth",
    "value",
];

impl Reader<'_> {
    fn definition(&mut self, node: Node) -> Read<Expr> {
        self.parts += 1;
        if self.parts > MAX_PARTS {
            return Err(refuse(node.span(), "the selector has too many parts", None));
        }
        let node = node.resolve();
        if let Some(text) = node.as_str() {
            return self.string(node, text);
        }
        if !node.is_mapping() {
            let message = format!("expected a selection, found {}", node.kind_name());
            let help = "a string, `method` and `value`, `union`, or `intersection`";
            return Err(refuse(node.span(), message, Some(help.to_owned())));
        }
        for set in ["union", "intersection"] {
            if let Some(list) = node.get(set) {
                self.alone(node, set)?;
                return self.set(list, set == "union");
            }
        }
        match (node.get("method"), &node.entries()[..]) {
            (Some(_), _) => self.full(node),
            (None, [(key, value)]) if key.as_str() != Some("exclude") => self.short(*key, *value),
            _ => {
                let help = "allowed are `method` and `value`, one pair such as `tag: nightly`, \
                            `union`, or `intersection`";
                let message = "it is not said what this selects";
                Err(refuse(node.span(), message, Some(help.to_owned())))
            }
        }
    }

    fn alone(&self, node: Node, set: &str) -> Read<()> {
        let more = node
            .entries()
            .into_iter()
            .find(|(key, _)| key.as_str() != Some(set));
        match more {
            None => Ok(()),
            Some((key, _)) => {
                let message = format!("nothing may stand beside `{set}`");
                let help = format!("`exclude` is an item of the list under `{set}`");
                Err(refuse(key.span(), message, Some(help)))
            }
        }
    }

    /// `tag:nightly`, as on the command line; but one criterion only.
    fn string(&self, node: Node, text: &str) -> Read<Expr> {
        self.no_jinja(node, text)?;
        if text.contains(|c: char| c.is_whitespace() || c == ',') {
            let message = "a string is one criterion here";
            let help = "write a list under `union` or `intersection`".to_owned();
            return Err(refuse(node.span(), message, Some(help)));
        }
        let read = parse(text).map_err(|e| self.within(node, text, e))?;
        self.known(node, &read)?;
        Ok(read)
    }

    /// A mistake in a scalar, at its place in the file.
    fn within(&self, node: Node, text: &str, error: SelectorError) -> SelectorError {
        let span = node.span().range();
        let range = place_in(self.text, span, text, error.range);
        SelectorError { range, ..error }
    }

    fn no_jinja(&self, node: Node, text: &str) -> Read<()> {
        match text.contains("{{") || text.contains("{%") {
            false => Ok(()),
            true => {
                let message = "Jinja in a selector is known to a run of dbt only";
                Err(refuse(node.span(), message, None))
            }
        }
    }

    /// A selector may name those above it.
    fn known(&self, node: Node, expr: &Expr) -> Read<()> {
        for term in expr.terms() {
            let Method::Selector(name) = &term.method else {
                continue;
            };
            if !self.before.contains(&name.as_str()) {
                let message = format!("no selector called `{name}` stands above this one");
                let near = nearest(name, self.before.iter().copied());
                let help = near.map(|n| format!("did you mean `{n}`?"));
                return Err(refuse(node.span(), message, help));
            }
        }
        Ok(())
    }

    /// `tag: nightly`.
    fn short(&self, key: Node, value: Node) -> Read<Expr> {
        let name = key.as_str().unwrap_or_default();
        let method = self.method(name, key, value)?;
        let expr = plain(method);
        self.known(value, &expr)?;
        Ok(expr)
    }

    fn method(&self, name: &str, key: Node, value: Node) -> Read<Method> {
        let Some(text) = value.as_str() else {
            let message = format!("expected a text, found {}", value.kind_name());
            return Err(refuse(value.span(), message, None));
        };
        self.no_jinja(value, text)?;
        self.no_jinja(key, name)?;
        let cut = name.len();
        Method::new(name, text, 0..cut, cut..cut + text.len()).map_err(|e| {
            let node = if e.range.start < cut { key } else { value };
            refuse(node.span(), e.message, e.help)
        })
    }

    /// `method`, `value` and what goes with them.
    fn full(&mut self, node: Node) -> Read<Expr> {
        for (key, _) in node.entries() {
            let name = key.as_str().unwrap_or_default();
            if !KEYS.contains(&name) {
                let near = nearest(name, KEYS.iter().copied());
                let near = near.map_or(String::new(), |n| format!("did you mean `{n}`? "));
                let help = format!("{near}allowed are {}", KEYS.join(", "));
                return Err(refuse(
                    key.span(),
                    format!("unknown key `{name}`"),
                    Some(help),
                ));
            }
        }
        let (Some(method), Some(value)) = (node.get("method"), node.get("value")) else {
            return Err(refuse(
                node.span(),
                "`method` needs a `value` beside it",
                None,
            ));
        };
        let name = method.as_str().unwrap_or_default();
        let method = self.method(name, method, value)?;
        let flag = |key: &str| node.get(key).is_some_and(|n| n.as_bool() == Some(true));
        let depth = |on: &str, depth: &str| {
            let levels = node.get(depth).and_then(|n| n.as_i64());
            let levels = levels.and_then(|n| usize::try_from(n).ok());
            flag(on).then(|| levels.map_or(Depth::Any, Depth::Levels))
        };
        let term = Term {
            method,
            parents: depth("parents", "parents_depth"),
            children: depth("children", "children_depth"),
            childrens_parents: flag("childrens_parents"),
            indirect: node.get("indirect_selection").map(indirect).transpose()?,
            range: 0..0,
        };
        if term.childrens_parents && term.children.is_some() {
            let message = "`childrens_parents` and `children` exclude each other";
            return Err(refuse(node.span(), message, None));
        }
        let moves = term.parents.is_some() || term.children.is_some() || term.childrens_parents;
        if moves && matches!(term.method, Method::Selector(_)) {
            let message = "dbt passes over `parents` and `children` beside `method: selector`";
            return Err(refuse(node.span(), message, None));
        }
        let expr = Expr::Term(Box::new(term));
        self.known(value, &expr)?;
        match node.get("exclude") {
            None => Ok(expr),
            Some(list) => Ok(Expr::Difference(Box::new(expr), Box::new(self.list(list)?))),
        }
    }

    /// `union` or `intersection`, with `exclude` as an item.
    fn set(&mut self, list: Node, union: bool) -> Read<Expr> {
        let list = list.resolve();
        let mut parts = Vec::new();
        let mut excluded = None;
        if !list.is_sequence() {
            let message = format!("expected a list, found {}", list.kind_name());
            return Err(refuse(list.span(), message, None));
        }
        for item in list.items() {
            match (item.get("exclude"), item.resolve().entries().len()) {
                (Some(node), 1) if excluded.is_none() => excluded = Some(self.list(node)?),
                (Some(_), 1) => {
                    let message = "a second `exclude` in one list";
                    return Err(refuse(item.span(), message, None));
                }
                _ => parts.push(self.definition(item)?),
            }
        }
        if parts.is_empty() {
            return Err(refuse(list.span(), "the list selects nothing", None));
        }
        let all = match union {
            true => Expr::Union(parts),
            false => Expr::Intersection(parts),
        };
        Ok(match excluded {
            Some(second) => Expr::Difference(Box::new(all), Box::new(second)),
            None => all,
        })
    }

    /// What an `exclude` names.
    fn list(&mut self, list: Node) -> Read<Expr> {
        let list = list.resolve();
        if !list.is_sequence() {
            let message = format!("expected a list, found {}", list.kind_name());
            return Err(refuse(list.span(), message, None));
        }
        let parts: Read<Vec<Expr>> = list.items().map(|item| self.definition(item)).collect();
        Ok(Expr::Union(parts?))
    }
}

fn plain(method: Method) -> Expr {
    Expr::Term(Box::new(Term {
        method,
        parents: None,
        children: None,
        childrens_parents: false,
        indirect: None,
        range: 0..0,
    }))
}

fn indirect(node: Node) -> Read<Indirect> {
    let found = node.as_str().and_then(Indirect::from_text);
    found.ok_or_else(|| {
        let help = "allowed are eager, cautious, buildable, empty".to_owned();
        refuse(node.span(), "no way of indirect selection", Some(help))
    })
}

/// The place in `whole` of a part of `text`, which a scalar at `span` says. Where the scalar is
/// written otherwise than it reads, the whole of it.
pub fn place_in(
    whole: &str,
    span: std::ops::Range<usize>,
    text: &str,
    part: std::ops::Range<usize>,
) -> std::ops::Range<usize> {
    let written = whole.get(span.clone()).unwrap_or_default();
    match written.find(text) {
        Some(at) if written.len() <= text.len() + 2 => {
            let start = span.start + at;
            start + part.start..start + part.end
        }
        _ => span,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "selectors:
- name: nightly
  default: true
  definition: tag:nightly+
- name: pair
  definition: {config.materialized: table}
- name: full
  definition:
    union:
    - intersection: [{method: tag, value: a}, '@b']
    - method: fqn
      value: c
      parents: true
      parents_depth: 2
      indirect_selection: cautious
      exclude: [d]
    - exclude:
      - {method: selector, value: nightly}
";

    fn get(text: &str, name: &str) -> Read<Expr> {
        Ok(Definitions::new(text.to_owned()).get(name)?.1)
    }

    #[test]
    fn every_form_is_read() {
        let Expr::Term(nightly) = get(FILE, "nightly").unwrap() else {
            panic!("a term");
        };
        assert_eq!(nightly.children, Some(Depth::Any));
        assert!(
            matches!(get(FILE, "pair").unwrap(), Expr::Term(t) if matches!(&t.method, Method::Config { .. }))
        );
        let Expr::Difference(union, less) = get(FILE, "full").unwrap() else {
            panic!("a difference");
        };
        let Expr::Union(parts) = *union else {
            panic!("a union");
        };
        assert!(matches!(&parts[0], Expr::Intersection(all) if all.len() == 2));
        let Expr::Difference(first, _) = &parts[1] else {
            panic!("a difference");
        };
        let Expr::Term(first) = &**first else {
            panic!("a term");
        };
        assert_eq!(first.parents, Some(Depth::Levels(2)));
        assert_eq!(first.indirect, Some(Indirect::Cautious));
        assert_eq!(
            less.terms()[0].method,
            Method::Selector("nightly".to_owned())
        );
    }

    fn error(definition: &str) -> (String, String) {
        let text = format!("selectors:\n- name: a\n  definition: {definition}\n");
        let error = get(&text, "a").unwrap_err();
        (text[error.range].to_owned(), error.message)
    }

    #[test]
    fn mistakes_have_places() {
        assert_eq!(error("tga:x").0, "tga");
        assert_eq!(error("'tga:x'").0, "tga");
        assert_eq!(error("a b").1, "a string is one criterion here");
        assert_eq!(error("{method: tga, value: x}").0, "tga");
        assert_eq!(error("{method: state, value: moved}").0, "moved");
        assert_eq!(error("{method: tag, value: x, childs: true}").0, "childs");
        assert_eq!(
            error("{method: tag}").1,
            "`method` needs a `value` beside it"
        );
        assert_eq!(error("{union: [a], tag: b}").0, "tag");
        assert_eq!(
            error("{union: [{exclude: [a]}]}").1,
            "the list selects nothing"
        );
        assert_eq!(error("{union: a}").0, "a");
        assert_eq!(error("[a]").0, "[a]");
        assert_eq!(
            error("{exclude: [a]}").1,
            "it is not said what this selects"
        );
        assert_eq!(
            error("selector:a").1,
            "no selector called `a` stands above this one"
        );
        assert_eq!(error("\"tag:{{ x }}\"").0, "\"tag:{{ x }}\"");
        assert!(
            error("{method: tag, value: [x]}")
                .1
                .starts_with("expected a text")
        );
    }

    #[test]
    fn an_unknown_name_has_a_nearest() {
        let error = get(FILE, "nightyl").unwrap_err();
        assert_eq!(error.help.as_deref(), Some("did you mean `nightly`?"));
        assert!(get("", "x").is_err());
        assert!(get("selectors: [", "x").is_err());
        assert!(get("selectors: 3", "x").is_err());
    }

    #[test]
    fn aliases_do_not_explode() {
        let mut text = "x0: &x0 {union: [a, a]}\n".to_owned();
        for i in 1..40 {
            text.push_str(&format!(
                "x{i}: &x{i} {{union: [*x{}, *x{}]}}\n",
                i - 1,
                i - 1
            ));
        }
        text.push_str("selectors: [{name: a, definition: *x39}]\n");
        assert_eq!(
            get(&text, "a").unwrap_err().message,
            "the selector has too many parts"
        );
    }
}
