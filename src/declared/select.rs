//! `select`: which subjects a rule judges. A selector is read once, bound to a project once per
//! run (what it asks of the graph becomes sets of nodes), and then asked about each subject.

use super::around::{self, Graph};
use super::facts::{self, Entry, World, config};
use super::place::{path_in_layer, path_of};
use super::predicate::{Fact, Kind, Predicate, Shape, Verdict};
use super::read::{at, entries, refused, texts, unknown};
use super::subject::{Of, Subject};
use crate::config::{Layer, PathPattern};
use crate::project::ResourceType;
use crate::project::select::{NodeSet, Selectors};
use crate::selector::{self, Indirect, Method};
use crate::syntax::yaml::{At, DeError, Node};
use serde_json::Value;
use std::borrow::Cow;

/// What a selector says.
#[derive(Debug, Clone)]
pub(super) struct Selector {
    /// Kinds of subjects.
    pub(super) of: Vec<Of>,
    /// They were written down.
    pub(super) explicit: bool,
    keys: Vec<Key>,
}

/// One thing that a selector, or a condition, asks of a subject.
#[derive(Debug, Clone)]
pub(super) enum Key {
    Path(Vec<PathPattern>),
    Layer(Vec<String>),
    Fact(&'static Entry, Predicate),
    Config(String, Predicate),
    Source(Predicate),
    Node(Selector),
    Dbt(selector::Expr),
    Graph(Graph),
    Is(Selector),
    Not(Selector),
    Any(Vec<Selector>),
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// The keys that are no facts, and what each asks.
pub(super) const KEYS: &[(&str, &str)] = &[
    (
        "resource_type",
        "what is judged, one or a list; model where nothing is said",
    ),
    ("of", "of a column: the resource types that have it"),
    ("layer", "its layer, one or a list, by role"),
    (
        "source",
        "the source system it belongs to: a name, or {name: …, fact: …} by `sources:` of harness-lint.yml",
    ),
    (
        "path",
        "a glob, or a list of globs, from the project directory",
    ),
    ("config", "its resolved configuration: {key: test}"),
    ("node", "of a column: a selector for the node that has it"),
    ("dbt", "dbt's own selection syntax: tag:nightly+"),
    (
        "parents",
        "the nodes it reads: any, all, none or count of a selector",
    ),
    ("children", "the nodes that read it, likewise"),
    ("ancestors", "everything upstream, likewise"),
    ("descendants", "everything downstream, likewise"),
    ("is", "another selector holds"),
    ("not", "another selector does not hold"),
    ("any", "one of a list of selectors holds"),
];

/// What is gathered while a rule file is read.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// Layers that it names.
    pub(super) layers: Vec<At<String>>,
}

impl Selector {
    /// Every subject of these kinds.
    pub(super) fn all(of: Vec<Of>) -> Self {
        Self {
            of,
            explicit: false,
            keys: Vec::new(),
        }
    }

    /// Reads a selector; `default` are the kinds where none is written.
    pub(super) fn read(node: Node, default: &[Of], got: &mut Gathered) -> Result<Self, DeError> {
        let all = entries(node)?;
        let mut of = default.to_vec();
        let mut explicit = false;
        if let Some((_, _, value)) = all.iter().find(|(_, n, _)| *n == "resource_type") {
            of = kinds(*value)?;
            explicit = true;
        }
        let mut selector = Self {
            of,
            explicit,
            keys: Vec::new(),
        };
        for (key, name, value) in all {
            if name != "resource_type" {
                selector.keys.extend(selector.key(key, name, value, got)?);
            }
        }
        // What is cheap to ask is asked first.
        selector.keys.sort_by_key(Key::cost);
        Ok(selector)
    }

    /// Adds the layers of a rule's own `layer:`.
    pub(super) fn add_layers(&mut self, roles: Vec<String>) {
        self.keys.insert(0, Key::Layer(roles));
    }

    /// Where a model lies that it may choose.
    pub(super) fn example_path(&self, layers: Option<&[Layer]>) -> String {
        let layer = self.keys.iter().find_map(|k| match k {
            Key::Layer(roles) => roles.first(),
            _ => None,
        });
        match (layer, self.paths().next()) {
            (Some(role), _) => path_in_layer(layers, role),
            (None, Some(glob)) => path_of(glob.as_str()),
            (None, None) => "models/example.sql".to_owned(),
        }
    }

    /// The globs that its files are found by.
    pub(super) fn paths(&self) -> impl Iterator<Item = &PathPattern> {
        self.keys.iter().flat_map(|k| match k {
            Key::Path(globs) => &globs[..],
            _ => &[],
        })
    }

    /// Reads one key of a mapping about subjects of these kinds. `config` gives several.
    pub(super) fn key(
        &self,
        key: Node,
        name: &str,
        value: Node,
        got: &mut Gathered,
    ) -> Result<Vec<Key>, DeError> {
        let nodes_only = |what: &str| match self.of.iter().find(|o| !matches!(o, Of::Node(_))) {
            Some(of) if self.explicit => Err(at(
                key,
                format!("`{what}` is asked of nodes, not of a {}", of.as_str()),
            )),
            _ => Ok(()),
        };
        Ok(vec![match name {
            "path" => Key::Path(globs(value)?),
            "layer" if !value.is_mapping() => {
                let roles = texts(value)?;
                let layers = roles
                    .iter()
                    .map(|(n, r)| At::new(r.clone(), Some(n.span())));
                got.layers.extend(layers);
                Key::Layer(roles.into_iter().map(|(_, r)| r).collect())
            }
            "source" => Key::Source(source(value)?),
            "config" => {
                nodes_only(name)?;
                return config_keys(value);
            }
            "dbt" => {
                nodes_only(name)?;
                Key::Dbt(dbt(value)?)
            }
            "of" | "node" => {
                if self.of != [Of::Column] {
                    let message = format!("`{name}` is for `resource_type: column`");
                    return Err(at(key, message));
                }
                Key::Node(match name {
                    "of" => Self::all(kinds(value)?),
                    _ => Self::read(value, facts::NODES, got)?,
                })
            }
            "parents" | "children" | "ancestors" | "descendants" => {
                nodes_only(name)?;
                return around::read(name, value, got);
            }
            "is" => Key::Is(Self::read(value, &self.of, got)?),
            "not" => Key::Not(Self::read(value, &self.of, got)?),
            "any" => {
                let items: Vec<Node> = value.items().collect();
                if items.is_empty() {
                    return Err(at(value, "expected a list of selectors"));
                }
                let read = |n: Node| Self::read(n, &self.of, got);
                Key::Any(items.into_iter().map(read).collect::<Result<_, _>>()?)
            }
            _ => {
                if name.starts_with("config.") {
                    nodes_only(name)?;
                }
                return self.fact(key, name, value).map(|k| vec![k]);
            }
        }])
    }

    fn fact(&self, key: Node, name: &str, value: Node) -> Result<Key, DeError> {
        if let Some(config) = name.strip_prefix("config.") {
            let test = Predicate::read(value, CONFIG)?;
            return Ok(Key::Config(config.to_owned(), test));
        }
        let of = |e: &Entry| match self.explicit {
            true => self.of.iter().all(|o| e.of.contains(o)),
            false => self.of.iter().any(|o| e.of.contains(o)),
        };
        match facts::find(name) {
            Some(entry) if of(entry) => {
                Ok(Key::Fact(entry, Predicate::read(value, entry.shape())?))
            }
            Some(_) => {
                let kinds: Vec<&str> = self.of.iter().map(|o| o.as_str()).collect();
                let why = format!("is no fact of {}", kinds.join(", "));
                let help = facts::FACTS.iter().filter(|e| of(e)).map(|e| e.name);
                let help: Vec<&str> = help.collect();
                Err(DeError {
                    help: Some(format!("facts are {}", help.join(", "))),
                    ..refused(key, &why)
                })
            }
            None => {
                let known = facts::FACTS.iter().filter(|e| of(e)).map(|e| e.name);
                Err(unknown(
                    key,
                    "fact",
                    KEYS.iter().map(|(n, _)| *n).chain(known),
                ))
            }
        }
    }
}

impl Key {
    fn cost(&self) -> u8 {
        match self {
            Key::Layer(_) => 0,
            Key::Path(_) => 1,
            Key::Config(..) => 2,
            Key::Fact(..) => 3,
            Key::Source(_) | Key::Dbt(_) => 4,
            _ => 5,
        }
    }
}

fn kinds(node: Node) -> Result<Vec<Of>, DeError> {
    let kind = |(node, name): (Node, String)| {
        let found = Of::ALL.into_iter().find(|o| o.as_str() == name);
        found.ok_or_else(|| unknown(node, "resource type", Of::ALL.map(Of::as_str)))
    };
    texts(node)?.into_iter().map(kind).collect()
}

fn globs(node: Node) -> Result<Vec<PathPattern>, DeError> {
    let glob = |(node, text): (Node, String)| {
        PathPattern::new(&text).map_err(|e| refused(node, &format!("is no glob: {}", e.0)))
    };
    texts(node)?.into_iter().map(glob).collect()
}

fn source(node: Node) -> Result<Predicate, DeError> {
    match node.is_mapping() {
        true => Predicate::read(node, Shape::plain(Kind::Map)),
        false => Predicate::read(node, Shape::plain(Kind::Text)),
    }
}

/// A configured value may be anything.
const CONFIG: Shape = Shape::plain(Kind::Any);

fn config_keys(node: Node) -> Result<Vec<Key>, DeError> {
    let one = |(_, name, value): (Node, &str, Node)| {
        let test = Predicate::read(value, CONFIG)?;
        Ok(Key::Config(name.to_owned(), test))
    };
    entries(node)?.into_iter().map(one).collect()
}

fn dbt(node: Node) -> Result<selector::Expr, DeError> {
    let written = super::read::text(node)?;
    let expr = selector::parse(&written).map_err(|e| DeError {
        help: e.help,
        ..at(node, e.message)
    })?;
    let elsewhere = |m: &Method| matches!(m, Method::State(_) | Method::Selector(_));
    match expr.terms().iter().any(|t| elsewhere(&t.method)) {
        true => Err(refused(
            node,
            "asks for a state or a selector, which a rule has not",
        )),
        false => Ok(expr),
    }
}

/// What was found out once.
#[derive(Debug)]
pub(super) enum BoundKey {
    Plain,
    Nodes(NodeSet),
    /// What is known of each node, and for `ancestors` and `descendants` the nodes beyond those for
    /// which it holds or may hold.
    Graph(Vec<Verdict>, Option<[NodeSet; 2]>),
    Selectors(Vec<BoundOwned>),
}

/// The bindings of a selector's keys, in their order.
#[derive(Debug)]
pub(super) struct BoundOwned(Vec<BoundKey>);

impl Selector {
    /// Finds out what it asks of the whole project.
    pub(super) fn bind(&self, w: World) -> BoundOwned {
        BoundOwned(self.keys.iter().map(|k| k.bind(w)).collect())
    }

    /// Does it select the subject?
    pub(super) fn holds(&self, bound: &BoundOwned, w: World, subject: Subject) -> Verdict {
        if !self.of.contains(&of(subject)) {
            return Verdict::No;
        }
        let both = self.keys.iter().zip(&bound.0);
        let mut verdict = Verdict::Yes;
        for (key, bound) in both {
            verdict = verdict.and(|| key.holds(bound, w, subject));
            if verdict == Verdict::No {
                return verdict;
            }
        }
        verdict
    }
}

fn of(subject: Subject) -> Of {
    match subject {
        Subject::Node(node) => Of::Node(node.resource_type),
        Subject::Column(..) => Of::Column,
        Subject::Macro(_) => Of::Macro,
        Subject::Group(_) => Of::Group,
        Subject::File(_) => Of::File,
    }
}

impl Key {
    pub(super) fn bind(&self, w: World) -> BoundKey {
        match self {
            Key::Dbt(expr) => {
                let mut selectors = Selectors::new(w.project, None, None, Indirect::Empty);
                BoundKey::Nodes(selectors.nodes(expr).unwrap_or_default())
            }
            Key::Graph(graph) => graph.bind(w),
            Key::Node(s) | Key::Is(s) | Key::Not(s) => BoundKey::Selectors(vec![s.bind(w)]),
            Key::Any(all) => BoundKey::Selectors(all.iter().map(|s| s.bind(w)).collect()),
            _ => BoundKey::Plain,
        }
    }

    pub(super) fn holds(&self, bound: &BoundKey, w: World, s: Subject) -> Verdict {
        match (self, bound) {
            (Key::Path(globs), _) => Verdict::of(in_paths(globs, w, s)),
            (Key::Layer(roles), _) if is_model(s) => {
                Verdict::of(s.node().is_some_and(|n| w.project.in_layers(n, roles)))
            }
            (Key::Layer(roles), _) => {
                let fact = facts::find("layer").map(|e| (e.read)(w, s));
                match fact {
                    Some(Fact::Known(Cow::Owned(Value::String(role)))) => {
                        Verdict::of(roles.contains(&role))
                    }
                    _ => Verdict::No,
                }
            }
            (Key::Fact(entry, test), _) => test.holds(&(entry.read)(w, s), false),
            (Key::Config(key, test), _) => match s.node() {
                Some(node) => test.holds(&config(node, key), false),
                None => Verdict::No,
            },
            (Key::Source(test), _) => of_source(test, w, s),
            (Key::Dbt(_), BoundKey::Nodes(set)) => {
                Verdict::of(s.node_id().is_some_and(|id| set.contains(id)))
            }
            (Key::Graph(graph), BoundKey::Graph(known, reach)) => match s.node_id() {
                Some(id) => graph.holds(known, reach.as_ref(), w, id),
                None => Verdict::No,
            },
            (Key::Node(inner), BoundKey::Selectors(b)) => match s.node() {
                Some(node) => inner.holds(&b[0], w, Subject::Node(node)),
                None => Verdict::No,
            },
            (Key::Is(inner), BoundKey::Selectors(b)) => inner.holds(&b[0], w, s),
            (Key::Not(inner), BoundKey::Selectors(b)) => inner.holds(&b[0], w, s).not(),
            (Key::Any(all), BoundKey::Selectors(b)) => {
                let both = all.iter().zip(b);
                both.fold(Verdict::No, |v, (inner, b)| v.or(|| inner.holds(b, w, s)))
            }
            _ => Verdict::Unknown,
        }
    }
}

fn is_model(subject: Subject) -> bool {
    of(subject) == Of::Node(ResourceType::Model)
}

/// A file is known by its path from the root of the repository, too: that is how people write where
/// a workflow stands.
fn in_paths(globs: &[PathPattern], w: World, s: Subject) -> bool {
    let path = match s {
        Subject::Node(node) => w.project.path(node.file),
        Subject::Column(_, column) => w.project.path(column.name.span.file),
        Subject::Macro(m) => w.project.path(m.span.file),
        Subject::Group(group) => w.project.path(group.file),
        Subject::File(file) => {
            let path = w.project.path(file);
            let from_root = w.shared.in_root(w.project, path);
            return globs
                .iter()
                .any(|g| g.matches(path) || g.matches(&from_root));
        }
    };
    globs.iter().any(|g| g.matches(path))
}

fn of_source(test: &Predicate, w: World, s: Subject) -> Verdict {
    let systems = w.shared.systems(w.project, s);
    systems.iter().fold(Verdict::No, |verdict, name| {
        verdict.or(|| {
            let mut facts = match w.project.config.sources.get(name) {
                Some(Value::Object(map)) => map.clone(),
                _ => serde_json::Map::new(),
            };
            facts.insert("name".to_owned(), name.clone().into());
            test.of_named(Value::Object(facts))
        })
    })
}
