//! Which nodes an expression of [`crate::selector`] means.

mod defaults;
mod matches;
mod parts;
mod set;
mod state;

pub use parts::{Part, Parts, definition_error};
pub use set::NodeSet;
pub use state::State;

use super::{NodeId, Project};
use crate::selector::{Definitions, Depth, Expr, Indirect, Method, SelectorError, Term};
use matches::Facts;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// What was selected, and tests that come along if all they test is selected elsewhere too.
#[derive(Debug, Clone, Default)]
struct Found {
    direct: NodeSet,
    waiting: NodeSet,
}

/// Why an expression cannot be evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfit {
    /// It asks for another manifest, and there is none.
    NoState(SelectorError),
    /// It asks for a selector, and there is no selectors.yml.
    NoDefinitions(SelectorError),
    /// A mistake in selectors.yml, with its place there.
    Definition(SelectorError),
}

/// Evaluates expressions over a project.
pub struct Selectors<'a> {
    facts: Facts<'a>,
    project: &'a Project,
    definitions: Option<&'a Definitions>,
    indirect: Indirect,
    named: FxHashMap<String, Found>,
}

impl<'a> Selectors<'a> {
    /// For a project; `state` is the manifest that `state:` compares with, `definitions` is
    /// selectors.yml.
    pub fn new(
        project: &'a Project,
        definitions: Option<&'a Definitions>,
        state: Option<&'a State<'a>>,
        indirect: Indirect,
    ) -> Self {
        Self {
            facts: Facts::new(project, state),
            project,
            definitions,
            indirect,
            named: FxHashMap::default(),
        }
    }

    /// The nodes that an expression selects.
    ///
    /// # Errors
    /// It asks for something that is not there.
    pub fn nodes(&mut self, expr: &Expr) -> Result<NodeSet, Unfit> {
        self.prepare(expr)?;
        Ok(self.eval(expr, self.indirect).direct)
    }

    /// The nodes that `--exclude` takes away: with every test of them, as in dbt.
    ///
    /// # Errors
    /// As [`Selectors::nodes`].
    pub fn excluded(&mut self, expr: &Expr) -> Result<NodeSet, Unfit> {
        self.prepare(expr)?;
        Ok(self.eval(expr, Indirect::Eager).direct)
    }

    /// Evaluates the selectors that an expression names, and those that these name.
    fn prepare(&mut self, expr: &Expr) -> Result<(), Unfit> {
        self.check(expr)?;
        // A definition names only what stands above it in the file, so that this ends.
        let mut found: BTreeMap<usize, (String, Expr)> = BTreeMap::new();
        let mut waiting = names(expr);
        while let Some((name, range)) = waiting.pop() {
            if self.named.contains_key(&name) {
                continue;
            }
            let Some(definitions) = self.definitions else {
                return Err(Unfit::NoDefinitions(SelectorError {
                    range,
                    message: format!(
                        "the selector `{name}` is not defined: there is no selectors.yml"
                    ),
                    help: None,
                }));
            };
            let (at, definition) = definitions.get(&name).map_err(Unfit::Definition)?;
            if found.contains_key(&at) {
                continue;
            }
            self.check(&definition)?;
            waiting.extend(names(&definition));
            found.insert(at, (name, definition));
        }
        for (name, definition) in found.into_values() {
            let nodes = self.eval(&definition, self.indirect);
            self.named.insert(name, nodes);
        }
        Ok(())
    }

    fn check(&self, expr: &Expr) -> Result<(), Unfit> {
        let asks = |t: &&Term| matches!(t.method, Method::State(_));
        match expr.terms().into_iter().find(asks) {
            Some(term) if self.facts.state.is_none() => Err(Unfit::NoState(SelectorError {
                range: term.range.clone(),
                message: "`state:` compares with another manifest.json, and none is given"
                    .to_owned(),
                help: Some("name the directory that holds it with --state".to_owned()),
            })),
            _ => Ok(()),
        }
    }

    fn eval(&self, expr: &Expr, indirect: Indirect) -> Found {
        let mut found = match expr {
            Expr::Term(term) => return self.term(term, term.indirect.unwrap_or(indirect)),
            Expr::Union(parts) => {
                let mut all = Found::default();
                for part in parts {
                    let found = self.eval(part, indirect);
                    all.direct.add(&found.direct);
                    all.waiting.add(&found.waiting);
                }
                all
            }
            Expr::Intersection(parts) => {
                let mut parts = parts.iter().map(|p| self.eval(p, indirect));
                let mut all = parts.next().unwrap_or_default();
                for found in parts {
                    all.direct.keep(&found.direct);
                    all.waiting.keep(&found.waiting);
                }
                all
            }
            Expr::Difference(first, second) => {
                let mut all = self.eval(first, indirect);
                let less = self.eval(second, Indirect::Eager);
                all.direct.remove(&less.direct);
                all.waiting.remove(&less.direct);
                all
            }
        };
        let fit: Vec<NodeId> = found.waiting.iter().collect();
        let known = self.known_to(&found.direct, indirect);
        for id in fit {
            if self.tests_only(id, &known) {
                found.direct.insert(id);
            }
        }
        found
    }

    fn term(&self, term: &Term, indirect: Indirect) -> Found {
        let hits: NodeSet = match &term.method {
            Method::Selector(name) => {
                let named = self.named.get(name).cloned().unwrap_or_default();
                if term.parents.is_none() && term.children.is_none() && !term.childrens_parents {
                    return named;
                }
                named.direct
            }
            method => self.facts.hits(method).into_iter().collect(),
        };
        let graph = &self.project.graph;
        let roots: Vec<NodeId> = hits.iter().collect();
        let mut direct = hits;
        let levels = |depth: Depth| match depth {
            Depth::Any => None,
            Depth::Levels(n) => Some(n),
        };
        if term.childrens_parents {
            let mut below: Vec<NodeId> = graph.below(&roots, None).into_iter().collect();
            below.extend(&roots);
            below.iter().for_each(|id| direct.insert(*id));
            let needed = graph.above(&below, None);
            needed.into_iter().for_each(|id| direct.insert(id));
        }
        if let Some(depth) = term.parents {
            let above = graph.above(&roots, levels(depth));
            above.into_iter().for_each(|id| direct.insert(id));
        }
        if let Some(depth) = term.children {
            let below = graph.below(&roots, levels(depth));
            below.into_iter().for_each(|id| direct.insert(id));
        }
        self.with_tests(direct, indirect)
    }

    /// Adds the tests that come along.
    fn with_tests(&self, direct: NodeSet, indirect: Indirect) -> Found {
        let mut found = Found {
            direct,
            waiting: NodeSet::default(),
        };
        if indirect == Indirect::Empty {
            return found;
        }
        let known = self.known_to(&found.direct, indirect);
        let selected: Vec<NodeId> = found.direct.iter().collect();
        for id in self.project.graph.below(&selected, Some(1)) {
            if !is_test(self.project, id) {
                continue;
            }
            match indirect == Indirect::Eager || self.tests_only(id, &known) {
                true => found.direct.insert(id),
                false => found.waiting.insert(id),
            }
        }
        found
    }

    /// The nodes that a test may be about to come along.
    fn known_to(&self, direct: &NodeSet, indirect: Indirect) -> NodeSet {
        let mut known = direct.clone();
        if indirect == Indirect::Buildable {
            let selected: Vec<NodeId> = direct.iter().collect();
            let above = self.project.graph.above(&selected, None);
            above.into_iter().for_each(|id| known.insert(id));
            let sources = self
                .project
                .nodes
                .iter()
                .filter(|n| n.source_name.is_some());
            sources.for_each(|n| known.insert(n.id));
        }
        known
    }

    fn tests_only(&self, test: NodeId, known: &NodeSet) -> bool {
        let parents = self.project.graph.parents(test);
        parents.iter().all(|(parent, _)| known.contains(*parent))
    }
}

fn is_test(project: &Project, id: NodeId) -> bool {
    matches!(
        project.node(id).resource_type.as_str(),
        "test" | "unit_test"
    )
}

/// The selectors that an expression names.
fn names(expr: &Expr) -> Vec<(String, std::ops::Range<usize>)> {
    let name = |t: &Term| match &t.method {
        Method::Selector(name) => Some((name.clone(), t.range.clone())),
        _ => None,
    };
    expr.terms().into_iter().filter_map(name).collect()
}
