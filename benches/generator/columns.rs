//! Which columns a model puts out, and from where each comes.

use super::Plan;
use super::lookalikes::Lookalike;
use super::plan::{Layer, Model, Shape, StarForm};
use super::rng::Rng;
use super::words::{CORE, ColumnId, ENTITIES, Kind, Vocab};

/// An output column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub id: ColumnId,
    pub from: From,
}

/// Where a column comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// A raw column, cast.
    Raw,
    /// The column of the same name of parent number.
    Parent(u8),
    /// An aggregate over the base parent's column.
    Agg(&'static str, ColumnId),
    /// Computed in this model.
    Derived(Derived),
}

/// Computed columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Derived {
    /// The surrogate key.
    SurrogateKey,
    /// When dbt wrote the row.
    LoadedAt,
    /// The amount as a word.
    AmountBand,
    /// The year of creation.
    CreatedYear,
    /// One of [`STATUSES`], summed.
    StatusAmount(usize),
    /// The key under a union's common name.
    RecordId,
    /// Which parent of a union, or which star, the row is from.
    RecordOrigin,
}

/// The values of `status` that a pivot makes columns of.
pub const STATUSES: [&str; 3] = ["open", "paid", "void"];

/// Decides every model's columns, parents first.
pub fn assign(plan: &mut Plan, rng: &mut Rng) {
    for index in 0..plan.models.len() {
        let wanted = rng.between(plan.spec.columns.0, plan.spec.columns.1);
        let mut list = Columns {
            vocab: &mut plan.vocab,
            list: Vec::with_capacity(wanted),
        };
        let model = &plan.models[index];
        match model.shape {
            Shape::Staging => list.staging(model, wanted, rng),
            Shape::Star(form) => list.star(&plan.models[model.parents[0]], form),
            _ => {
                let parents: Vec<&Model> = model
                    .parents
                    .iter()
                    .map(|&parent| &plan.models[parent])
                    .collect();
                match model.shape {
                    Shape::Aggregate => list.aggregate(&parents, wanted),
                    Shape::Union => list.union(&parents, wanted),
                    _ => list.join(&parents, model, wanted, rng),
                }
            }
        }
        if downstream(model) && model.has(Lookalike::ExtractFrom) {
            list.overriding("created_year", Kind::Number, Derived::CreatedYear);
        }
        let columns = list.list;
        plan.models[index].columns = columns;
    }
}

fn downstream(model: &Model) -> bool {
    model.layer != Layer::Staging && !matches!(model.shape, Shape::Star(_))
}

struct Columns<'a> {
    vocab: &'a mut Vocab,
    list: Vec<Column>,
}

impl Columns<'_> {
    fn push(&mut self, id: ColumnId, from: From) {
        if !self.list.iter().any(|column| column.id == id) {
            self.list.push(Column { id, from });
        }
    }

    fn named(&mut self, name: &str, kind: Kind, from: From) {
        let id = self.vocab.add(name, kind);
        self.push(id, from);
    }

    fn derived(&mut self, name: &str, kind: Kind, derived: Derived) {
        self.named(name, kind, From::Derived(derived));
    }

    /// As [`Columns::derived`], also where a parent has a column of that name.
    fn overriding(&mut self, name: &str, kind: Kind, derived: Derived) {
        let id = self.vocab.add(name, kind);
        self.list.retain(|column| column.id != id);
        self.push(id, From::Derived(derived));
    }

    fn core(&mut self, from: From) {
        for name in CORE {
            self.named(name, Kind::Text, from);
        }
    }

    fn staging(&mut self, model: &Model, wanted: usize, rng: &mut Rng) {
        let singular = ENTITIES[model.entity].1;
        self.named(&format!("{singular}_id"), Kind::Id, From::Raw);
        self.core(From::Raw);
        let mut pool = self.vocab.pool.clone();
        rng.shuffle(&mut pool);
        // Three places are for the derived columns; the staging pattern cannot do without them.
        for id in pool {
            if self.list.len() + 3 >= wanted {
                break;
            }
            self.push(id, From::Raw);
        }
        // Columns lie in groups, each under its comment; the key stays first.
        let vocab = &*self.vocab;
        self.list[1..].sort_by_key(|column| (vocab.kind(column.id) as u8, column.id));
        self.derived(&format!("{singular}_sk"), Kind::Id, Derived::SurrogateKey);
        if self.list.len() + 1 < wanted {
            self.derived("amount_band", Kind::Text, Derived::AmountBand);
        }
        self.derived("_loaded_at", Kind::Date, Derived::LoadedAt);
    }

    fn star(&mut self, parent: &Model, form: StarForm) {
        for column in &parent.columns {
            self.push(column.id, From::Parent(0));
        }
        if form == StarForm::Qualified {
            self.derived("star_label", Kind::Text, Derived::RecordOrigin);
        }
    }

    fn join(&mut self, parents: &[&Model], model: &Model, wanted: usize, rng: &mut Rng) {
        self.push(parents[0].columns[0].id, From::Parent(0));
        self.core(From::Parent(0));
        if model.shape == Shape::Pivot {
            for (place, status) in STATUSES.iter().enumerate() {
                self.derived(
                    &format!("{status}_amount"),
                    Kind::Number,
                    Derived::StatusAmount(place),
                );
            }
        }
        // Most columns come from the base; a joined parent adds a few.
        for (place, parent) in parents.iter().enumerate().rev() {
            let share = if place == 0 {
                wanted
            } else {
                self.list.len() + rng.between(1, 6)
            };
            for column in parent.columns.iter().skip(1) {
                if self.list.len() >= share.min(wanted) {
                    break;
                }
                self.push(column.id, From::Parent(place as u8));
            }
        }
    }

    fn aggregate(&mut self, parents: &[&Model], wanted: usize) {
        let base = parents[0];
        for (name, function) in CORE.iter().zip(["", "min", "max", "max", "sum", "max"]) {
            let id = self.vocab.add(name, Kind::Text);
            let from = if function.is_empty() {
                From::Parent(0)
            } else {
                From::Agg(function, id)
            };
            self.push(id, from);
        }
        self.named(
            "record_count",
            Kind::Number,
            From::Agg("count", base.columns[0].id),
        );
        self.some_of(&parents[1..], 1);
        let aggregates: Vec<(ColumnId, &str, &str, Kind)> = base
            .columns
            .iter()
            .filter_map(|column| match self.vocab.kind(column.id) {
                Kind::Number => Some((column.id, "total", "sum", Kind::Number)),
                Kind::Date => Some((column.id, "latest", "max", Kind::Date)),
                Kind::Text => Some((column.id, "sample", "min", Kind::Text)),
                _ => None,
            })
            .collect();
        for (id, prefix, function, kind) in aggregates {
            if self.list.len() >= wanted {
                return;
            }
            // A sum of a sum keeps its name, else names grow with every layer.
            let name = self.vocab.name(id);
            let name = if name.starts_with(prefix) {
                name.to_owned()
            } else {
                format!("{prefix}_{}", name.trim_start_matches('_'))
            };
            self.named(&name, kind, From::Agg(function, id));
        }
    }

    /// Two columns of each parent that is joined to an aggregate or a union.
    fn some_of(&mut self, parents: &[&Model], first: u8) {
        for (parent, place) in parents.iter().zip(first..) {
            let mut left = 2;
            for column in parent.columns.iter().skip(1) {
                let known = self.list.iter().any(|other| other.id == column.id);
                if left > 0 && !known {
                    self.push(column.id, From::Parent(place));
                    left -= 1;
                }
            }
        }
    }

    fn union(&mut self, parents: &[&Model], wanted: usize) {
        let (first, second) = (parents[0], parents[1]);
        self.derived("record_id", Kind::Id, Derived::RecordId);
        self.core(From::Parent(0));
        self.derived("record_origin", Kind::Text, Derived::RecordOrigin);
        self.some_of(&parents[2..], 2);
        let common = |column: &&Column| second.columns.iter().any(|other| other.id == column.id);
        let (shared, own): (Vec<&Column>, Vec<&Column>) = first.columns.iter().partition(common);
        for column in shared.into_iter().chain(own) {
            if self.list.len() >= wanted {
                return;
            }
            self.push(column.id, From::Parent(0));
        }
    }
}
