//! `forbid` and `require`: conditions over facts and over the text of a file.

use super::pattern::Pattern;
use super::predicate::{Kind, Predicate, Shape, bounds};
use super::read::{at, entries, refused, regex, text, texts, unknown};
use super::scope::Scope;
use super::select::{Gathered, KEYS, Key, Selector};
use super::subject::Of;
use crate::syntax::yaml::{DeError, Node};
use crate::text::Span;
use regex::Regex;

/// A condition.
#[derive(Debug, Clone)]
pub(super) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Count(Box<Condition>, Option<f64>, Option<f64>),
    Leaf(Box<Leaf>),
    /// A fact, by its place among those that are bound to the project.
    Key(usize),
}

/// A text or a pattern that is looked for.
#[derive(Debug, Clone)]
pub(super) struct Leaf {
    pub(super) what: What,
    pub(super) scope: Scope,
    pub(super) inside: Vec<Pattern>,
    pub(super) not_inside: Vec<Pattern>,
    pub(super) tests: Vec<(String, Predicate)>,
}

#[derive(Debug, Clone)]
pub(super) enum What {
    Pattern(Pattern),
    Regex(Regex),
}

impl What {
    /// The metavariables that a match binds.
    pub(super) fn names(&self) -> Vec<String> {
        match self {
            What::Pattern(pattern) => pattern.metavariables().to_vec(),
            What::Regex(regex) => {
                let names = regex.capture_names().flatten();
                names.map(|n| format!("${n}")).collect()
            }
        }
    }
}

/// The keys of a leaf, and what each says.
pub(super) const LEAF_KEYS: &[(&str, &str)] = &[
    ("pattern", "SQL with metavariables: `$X`, `$_`, `...`"),
    (
        "regex",
        "a regular expression; case does not matter, `^` and `$` are ends of lines, a group `(?P<NAME>…)` binds `$NAME`",
    ),
    ("in", "the part of the file in which it is looked for"),
    (
        "inside",
        "the match lies within a match of this pattern, or of one of a list",
    ),
    ("not-inside", "it lies within none"),
    (
        "metavariables",
        "tests of what metavariables stand for: {$X: test}",
    ),
];

/// Words that join conditions, and what each says.
pub(super) const JOINERS: &[(&str, &str)] = &[
    (
        "all",
        "every condition of a list holds; the same metavariable is the same text in all of them",
    ),
    ("any", "one condition of a list holds"),
    (
        "not",
        "the condition does not hold, with the metavariables that are bound beside it",
    ),
    ("count", "so many matches: {of: condition, min, max}"),
];

/// Reads conditions about subjects that a selector chooses.
pub(super) struct Reader<'r> {
    pub(super) selector: &'r Selector,
    /// Facts that were asked for, to be bound to the project.
    pub(super) keys: Vec<Key>,
    pub(super) got: &'r mut Gathered,
}

impl Reader<'_> {
    pub(super) fn read(&mut self, node: Node) -> Result<Condition, DeError> {
        let all = entries(node)?;
        if all.is_empty() {
            return Err(at(node, "the condition is empty"));
        }
        let is_leaf = |n: &str| LEAF_KEYS.iter().any(|(k, _)| *k == n);
        if all.iter().any(|(_, n, _)| is_leaf(n)) {
            return self.leaf(node, &all).map(|l| Condition::Leaf(Box::new(l)));
        }
        let mut parts = Vec::new();
        for (key, name, value) in all {
            parts.push(self.joined(key, name, value)?);
        }
        Ok(match parts.len() {
            1 => parts.remove(0),
            _ => Condition::All(parts),
        })
    }

    fn joined(&mut self, key: Node, name: &str, value: Node) -> Result<Condition, DeError> {
        Ok(match name {
            "all" => Condition::All(self.list(value)?),
            "any" => Condition::Any(self.list(value)?),
            "not" => Condition::Not(Box::new(self.read(value)?)),
            "count" => {
                let (of, min, max) = bounds(value)?;
                let of = of.ok_or_else(|| at(value, "`count` needs `of`"))?;
                Condition::Count(Box::new(self.read(of)?), min, max)
            }
            "resource_type" | "of" => {
                return Err(at(key, format!("`{name}` is said under `select`")));
            }
            _ => {
                let keys = self.selector.key(key, name, value, self.got);
                let keys = keys.map_err(|e| with_joiners(e, key, name))?;
                let mut all: Vec<Condition> = Vec::new();
                for key in keys {
                    self.keys.push(key);
                    all.push(Condition::Key(self.keys.len() - 1));
                }
                match all.len() {
                    1 => all.remove(0),
                    _ => Condition::All(all),
                }
            }
        })
    }

    fn list(&mut self, node: Node) -> Result<Vec<Condition>, DeError> {
        let items: Vec<Node> = node.items().collect();
        if items.is_empty() {
            return Err(at(node, "expected a list of conditions"));
        }
        let mut all = Vec::new();
        for item in items {
            all.push(self.read(item)?);
        }
        // What binds metavariables comes before what asks for them.
        all.sort_by_key(|c| matches!(c, Condition::Not(_) | Condition::Count(..)));
        Ok(all)
    }

    fn leaf(&mut self, node: Node, all: &[(Node, &str, Node)]) -> Result<Leaf, DeError> {
        for (key, name, _) in all {
            if !LEAF_KEYS.iter().any(|(k, _)| k == name) {
                let known = LEAF_KEYS.iter().map(|(k, _)| *k);
                let mut error = unknown(*key, "key", known);
                if KEYS.iter().chain(JOINERS).any(|(k, _)| k == name)
                    || super::facts::find(name).is_some()
                {
                    error.message = format!("`{name}` and a pattern are two conditions");
                    error.help = Some("write them as a list under `all`".to_owned());
                }
                return Err(error);
            }
        }
        let get = |wanted: &str| {
            all.iter()
                .find(|(_, n, _)| *n == wanted)
                .map(|(_, _, v)| *v)
        };
        let what = match (get("pattern"), get("regex")) {
            (Some(p), None) => What::Pattern(pattern(p)?),
            (None, Some(r)) => What::Regex(regex(r, true)?),
            _ => return Err(at(node, "expected one of `pattern` and `regex`")),
        };
        let scope = match get("in") {
            Some(scope) => self.scope(scope)?,
            None => Scope::Code,
        };
        self.has_text(node, &what)?;
        let patterns = |key: &str| match get(key) {
            None => Ok(Vec::new()),
            Some(node) => texts(node)?.iter().map(|(n, _)| pattern(*n)).collect(),
        };
        let names = what.names();
        Ok(Leaf {
            scope,
            inside: patterns("inside")?,
            not_inside: patterns("not-inside")?,
            tests: get("metavariables").map_or(Ok(Vec::new()), |n| tests(n, &names))?,
            what,
        })
    }

    fn scope(&self, node: Node) -> Result<Scope, DeError> {
        let scope = Scope::read(node)?;
        match scope.is_sql() && self.selector.of.contains(&Of::File) {
            true => Err(refused(node, "is a part of SQL, and a file is any text")),
            false => Ok(scope),
        }
    }

    /// What has no text of its own is judged by facts.
    fn has_text(&self, node: Node, what: &What) -> Result<(), DeError> {
        let mut of = self.selector.of.iter();
        if let Some(of) = of.find(|o| !o.has_text()) {
            let message = format!(
                "a {} has no file of SQL: it is judged by facts",
                of.as_str()
            );
            return Err(at(node, message));
        }
        match what {
            What::Pattern(_) if self.selector.of.contains(&Of::File) => Err(at(
                node,
                "patterns are for SQL; in any file a `regex` is looked for",
            )),
            _ => Ok(()),
        }
    }
}

/// Where a key is none, the words that join conditions are allowed, too.
fn with_joiners(error: DeError, key: Node, name: &str) -> DeError {
    if !error.message.starts_with("unknown fact `") || error.span != Some(key.span()) {
        return error;
    }
    let words = JOINERS.iter().chain(LEAF_KEYS).map(|(w, _)| *w);
    match crate::text::nearest(name, words) {
        Some(near) => DeError {
            message: format!("unknown key `{name}`"),
            help: Some(format!("did you mean `{near}`?")),
            ..error
        },
        None => error,
    }
}

fn tests(node: Node, names: &[String]) -> Result<Vec<(String, Predicate)>, DeError> {
    let mut out = Vec::new();
    for (key, name, value) in entries(node)? {
        if !names.iter().any(|n| n == name) {
            let mut error = unknown(key, "metavariable", names.iter().map(String::as_str));
            error.message = format!("`{name}` is not bound here");
            return Err(error);
        }
        let shape = Shape {
            folds: true,
            ..Shape::plain(Kind::Text)
        };
        out.push((name.to_owned(), Predicate::read(value, shape)?));
    }
    Ok(out)
}

fn pattern(node: Node) -> Result<Pattern, DeError> {
    let written = text(node)?;
    Pattern::new(&written).map_err(|e| {
        let span = node.span();
        // Written on one line, with quotes or without, a part of it has a place of its own.
        let length = (span.end - span.start) as usize;
        let offset = match length.checked_sub(written.len()) {
            Some(0) => Some(0),
            Some(2) => Some(1),
            _ => None,
        };
        let place = offset.map_or(span, |o| {
            let start = span.start as usize + o;
            Span::new(span.file, start + e.range.start, start + e.range.end)
        });
        let message = match e.message.starts_with('`') {
            true => e.message,
            false => format!("the pattern {}", e.message),
        };
        DeError::new(message).at(place)
    })
}

impl Condition {
    /// The metavariables that are bound wherever it holds.
    pub(super) fn bound(&self) -> Vec<String> {
        match self {
            Condition::All(parts) => {
                let mut all: Vec<String> = parts.iter().flat_map(Condition::bound).collect();
                all.sort();
                all.dedup();
                all
            }
            Condition::Any(parts) => {
                let mut each = parts.iter().map(Condition::bound);
                let mut all = each.next().unwrap_or_default();
                for names in each {
                    all.retain(|n| names.contains(n));
                }
                all
            }
            Condition::Leaf(leaf) => leaf.what.names(),
            Condition::Not(_) | Condition::Count(..) | Condition::Key(_) => Vec::new(),
        }
    }

    /// Is there a match wherever it holds, which a fix can replace?
    pub(super) fn matches(&self) -> bool {
        match self {
            Condition::All(parts) => parts.iter().any(Condition::matches),
            Condition::Any(parts) => parts.iter().all(Condition::matches),
            Condition::Leaf(_) => true,
            Condition::Not(_) | Condition::Count(..) | Condition::Key(_) => false,
        }
    }
}
