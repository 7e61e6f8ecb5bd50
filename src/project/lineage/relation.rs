//! What is known of the columns of a relation while a query is read.

use crate::project::NodeId;
use crate::syntax::sql::tree::Expr;
use crate::text::Span;
use std::rc::Rc;
use std::sync::Arc;

/// A column of a node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ColumnOf {
    /// The node.
    pub node: NodeId,
    /// The column: as the node's own output spells it, or as the reader does where that is not
    /// known.
    pub column: Arc<str>,
}

/// How a column comes from those it is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Derivation {
    /// It is the column it comes from, value by value (of several, in the branches of a set
    /// operation).
    Pass,
    /// It is computed from them, or from none (`current_timestamp()`, `count(*)`).
    Computed,
    /// It is a literal.
    Constant,
    /// Not all of it is known; what it is said to come from is a part at most.
    Unknown,
}

/// Where a column comes from: columns of the direct parents of the node that outputs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// How.
    pub how: Derivation,
    /// From which columns, in order, each once.
    pub from: Vec<ColumnOf>,
}

/// A column that is made of more is not followed further.
const MAX_FROM: usize = 256;

impl Origin {
    pub(super) fn new(how: Derivation) -> Self {
        Self {
            how,
            from: Vec::new(),
        }
    }

    pub(super) fn unknown() -> Self {
        Self::new(Derivation::Unknown)
    }

    pub(super) fn pass(nodes: &[NodeId], column: &Arc<str>) -> Self {
        let of = |node: &NodeId| ColumnOf {
            node: *node,
            column: column.clone(),
        };
        Self {
            how: Derivation::Pass,
            from: nodes.iter().map(of).collect(),
        }
    }

    fn absorb(&mut self, other: &Origin) {
        if other.from.is_empty() || self.from == other.from {
            return;
        }
        self.from.extend(other.from.iter().cloned());
        self.from.sort();
        self.from.dedup();
        if self.from.len() > MAX_FROM {
            self.from.truncate(MAX_FROM);
            self.how = Derivation::Unknown;
        }
    }

    /// As a part of a larger expression.
    pub(super) fn computed(mut self) -> Self {
        if self.how != Derivation::Unknown {
            self.how = Derivation::Computed;
        }
        self
    }

    /// Both are parts of one expression.
    pub(super) fn join(&mut self, part: &Origin) {
        use Derivation::{Computed, Constant, Unknown};
        self.how = match (self.how, part.how) {
            (Unknown, _) | (_, Unknown) => Unknown,
            (Constant, Constant) => Constant,
            _ => Computed,
        };
        self.absorb(part);
    }

    /// One row has this, another that: the branches of a set operation.
    pub(super) fn or(&mut self, branch: &Origin) {
        use Derivation::{Computed, Unknown};
        self.how = match (self.how, branch.how) {
            (Unknown, _) | (_, Unknown) => Unknown,
            (a, b) if a == b => a,
            _ => Computed,
        };
        self.absorb(branch);
    }
}

/// A column of a relation.
#[derive(Debug, Clone)]
pub(super) struct Column<'p> {
    /// None where what the database calls it is not known.
    pub(super) name: Option<Arc<str>>,
    /// The entry of the select list that outputs it.
    pub(super) span: Option<Span>,
    /// The expression of this file that makes it, through the file's CTEs.
    pub(super) expr: Option<&'p Expr>,
    pub(super) origin: Origin,
}

impl Column<'_> {
    pub(super) fn is(&self, name: &str) -> bool {
        self.name
            .as_ref()
            .is_some_and(|n| n.eq_ignore_ascii_case(name))
    }
}

/// Which columns a relation may have beside those that are listed.
#[derive(Debug, Clone, Default)]
pub(super) struct Open {
    /// Any other column is the one of that name in each of these.
    pub(super) nodes: Vec<NodeId>,
    /// But these it has not.
    pub(super) except: Vec<Arc<str>>,
    /// Any other column has this origin.
    pub(super) derived: Option<Origin>,
    /// There is no other column, if what YAML declares of these sources is all they have.
    pub(super) rests_on: Option<Vec<NodeId>>,
}

impl Open {
    /// What a star over two such relations may have: a bare name may be of either.
    fn with(self, other: Open) -> Open {
        let rests_on = match (self.rests_on, other.rests_on) {
            (Some(mut a), Some(b)) => {
                a.extend(b);
                a.sort();
                a.dedup();
                Some(a)
            }
            _ => None,
        };
        Open {
            rests_on,
            ..Open::default()
        }
    }
}

/// The columns of a relation, as far as they are known.
#[derive(Debug, Clone, Default)]
pub(super) struct Relation<'p> {
    /// In order; all of them where `open` is none.
    pub(super) columns: Vec<Column<'p>>,
    pub(super) open: Option<Open>,
}

/// A relation that many places read.
pub(super) type Shared<'p> = Rc<Relation<'p>>;

/// What a relation says to a name.
pub(super) enum Found<'r, 'p> {
    /// This column.
    Column(&'r Column<'p>),
    /// It may have one, and then it comes from there. `declared`: although it should have no other.
    Maybe {
        origin: Origin,
        declared: &'r [NodeId],
    },
    /// It has none.
    No,
}

impl<'p> Relation<'p> {
    /// A relation of which nothing is known.
    pub(super) fn unknown() -> Self {
        Self {
            columns: Vec::new(),
            open: Some(Open::default()),
        }
    }

    pub(super) fn find(&self, name: &str) -> Found<'_, 'p> {
        if let Some(column) = self.columns.iter().find(|c| c.is(name)) {
            return Found::Column(column);
        }
        let nameless = self.columns.iter().any(|c| c.name.is_none());
        match &self.open {
            Some(open) if !open.except.iter().any(|e| e.eq_ignore_ascii_case(name)) => {
                let origin = match &open.derived {
                    Some(origin) => origin.clone(),
                    None if open.nodes.is_empty() => Origin::unknown(),
                    None => Origin::pass(&open.nodes, &name.into()),
                };
                Found::Maybe {
                    origin,
                    declared: open.rests_on.as_deref().unwrap_or(&[]),
                }
            }
            None if nameless => Found::Maybe {
                origin: Origin::unknown(),
                declared: &[],
            },
            _ => Found::No,
        }
    }

    /// Are all its columns listed, as far as that depends on this file?
    pub(super) fn is_listed(&self) -> bool {
        self.open.as_ref().is_none_or(|o| o.rests_on.is_some())
    }

    /// There may be other columns, of which nothing is known.
    pub(super) fn spoil(&mut self) {
        self.open = Some(Open::default());
    }

    /// Adds what another relation may have to what this one may have.
    pub(super) fn open_as(&mut self, open: Option<Open>) {
        self.open = match (self.open.take(), open) {
            (None, other) | (other, None) => other,
            (Some(a), Some(b)) => Some(a.with(b)),
        };
    }

    /// `name (a, b)`: other names for the first columns; all columns where there is no telling.
    pub(super) fn renamed<'n>(mut self, names: impl Iterator<Item = (&'n str, Span)>) -> Self {
        let in_order = self.is_listed();
        let mut renamed = Vec::new();
        for (i, (name, span)) in names.enumerate() {
            let old = self.columns.get(i).filter(|_| in_order);
            let origin = match (old, self.open.as_ref().and_then(|o| o.derived.clone())) {
                (Some(old), _) => old.origin.clone(),
                (None, Some(derived)) => derived,
                (None, None) => Origin::unknown(),
            };
            renamed.push(Column {
                name: Some(name.into()),
                span: Some(span),
                expr: old.and_then(|c| c.expr),
                origin,
            });
        }
        if renamed.is_empty() {
            return self;
        }
        if in_order {
            let rest = self.columns.drain(..).skip(renamed.len());
            renamed.extend(rest);
        } else {
            self.open = None;
        }
        Self {
            columns: renamed,
            open: self.open,
        }
    }
}

/// What branches of a set operation output: the first one's names, everyone's values.
pub(super) fn union<'p>(mut branches: Vec<Relation<'p>>, by_name: bool) -> Relation<'p> {
    if branches.is_empty() {
        return Relation::unknown();
    }
    let mut out = branches.remove(0);
    for branch in branches {
        let same_places = !by_name
            && out.is_listed()
            && branch.is_listed()
            && out.columns.len() == branch.columns.len();
        for (i, column) in out.columns.iter_mut().enumerate() {
            let other = match (same_places, &column.name) {
                (true, _) => Some(branch.columns[i].origin.clone()),
                (false, Some(name)) => match branch.find(name) {
                    Found::Column(c) => Some(c.origin.clone()),
                    Found::Maybe { origin, .. } => Some(origin),
                    Found::No => None,
                },
                (false, None) => None,
            };
            match other {
                Some(origin) => column.origin.or(&origin),
                // By name, a branch without the column gives null.
                None if by_name => column.origin = column.origin.clone().computed(),
                None => column.origin.how = Derivation::Unknown,
            }
        }
        // A star of unknown columns on top: those of the others have their likes there.
        if !by_name && let Some(open) = out.open.clone().filter(|o| !o.nodes.is_empty()) {
            for column in &branch.columns {
                let Some(name) = column.name.as_ref().filter(|n| !has(&out, n)) else {
                    continue;
                };
                let mut origin = Origin::pass(&open.nodes, name);
                origin.or(&column.origin);
                out.columns.push(Column {
                    origin,
                    ..column.clone()
                });
            }
        }
        if by_name {
            let fresh = |c: &Column| c.name.as_ref().is_none_or(|n| !has(&out, n));
            let fresh: Vec<Column> = branch
                .columns
                .iter()
                .filter(|c| fresh(c))
                .cloned()
                .collect();
            out.columns.extend(fresh);
        }
        out.open = match (out.open.take(), branch.open) {
            (Some(a), Some(b)) => Some(either(a, b)),
            // Places decide: where the first branch's names are known, all are.
            (None, Some(_)) if !by_name => None,
            (a, b) => a.or(b).map(|o| Open {
                nodes: Vec::new(),
                derived: None,
                ..o
            }),
        };
    }
    out
}

fn has(relation: &Relation, name: &str) -> bool {
    relation.columns.iter().any(|c| c.is(name))
}

/// What may stand beside the listed columns of both branches: a name comes from both.
fn either(a: Open, b: Open) -> Open {
    let known = |o: &Open| !o.nodes.is_empty() && o.derived.is_none();
    let both = known(&a) && known(&b);
    let (nodes, except) = (
        a.nodes.iter().chain(&b.nodes).copied(),
        a.except.iter().chain(&b.except).cloned(),
    );
    let mut nodes: Vec<NodeId> = nodes.filter(|_| both).collect();
    nodes.sort();
    nodes.dedup();
    let except = except.collect();
    Open {
        nodes,
        except,
        ..a.with(b)
    }
}
