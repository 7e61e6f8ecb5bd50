//! Columns: what each node outputs, where each column comes from, and who reads it.
//!
//! A node is read when it is asked for, after its parents, and once. What is not known stays
//! unknown: a name that two relations may have, a column that a macro prints, a star over a table
//! whose columns nobody declares. `docs/architecture.md` has the rules.

mod expr;
mod from;
mod places;
mod reader;
mod relation;
mod scope;

pub use places::{Meaning, Places};
pub use relation::{ColumnOf, Derivation, Origin};

use super::{Node, NodeId, Project, ResourceType};
use crate::syntax::sql::tree::Expr;
use crate::text::Span;
use reader::Reader;
use relation::{Column, Open, Relation};
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

/// The columns of a project's nodes.
pub struct Lineage<'p> {
    project: &'p Project,
    outputs: Vec<OnceLock<Output<'p>>>,
    /// By node: do all that is read of a source stand in its declaration?
    whole: Vec<OnceLock<bool>>,
    /// The cycle that a node lies on.
    cycles: FxHashMap<NodeId, usize>,
}

/// As many edges as a column is followed up.
const MAX_HOPS: usize = 64;

/// A column that a node outputs.
#[derive(Debug, Clone)]
pub struct OutputColumn<'p> {
    /// Its name as written; none where the database makes it up, or Jinja prints it.
    pub name: Option<Arc<str>>,
    /// What outputs it in the node's file: the entry of the select list, a star included. In a
    /// property file or a seed there is none.
    pub span: Option<Span>,
    /// The expression of the node's own file that makes it, followed through the file's CTEs.
    pub expr: Option<&'p Expr>,
    /// Where it comes from.
    pub origin: Origin,
}

/// What a node outputs.
#[derive(Debug, Default)]
pub struct Output<'p> {
    /// In order. Where not all are known, those that are.
    pub columns: Vec<OutputColumn<'p>>,
    /// There may be others.
    open: bool,
    /// There are others, unless YAML declares every column of these sources.
    rests_on: Vec<NodeId>,
    /// Columns of its parents that its SQL names, or a star of its output takes.
    pub reads: BTreeSet<ColumnOf>,
    /// It may read more than that: names whose relation is not known, SQL that was not read.
    pub reads_more: bool,
    /// Sources of which it reads a column that is not declared.
    undeclared: Vec<NodeId>,
    /// Places of the columns by their names in lower case; made when a column is asked for.
    places: OnceLock<FxHashMap<String, usize>>,
}

impl<'p> Output<'p> {
    /// A column by its name; case does not matter. The first of several.
    pub fn column(&self, name: &str) -> Option<&OutputColumn<'p>> {
        let places = self.places.get_or_init(|| {
            let mut places = FxHashMap::default();
            for (place, column) in self.columns.iter().enumerate() {
                if let Some(name) = &column.name {
                    places.entry(name.to_ascii_lowercase()).or_insert(place);
                }
            }
            places
        });
        self.columns.get(*places.get(&name.to_ascii_lowercase())?)
    }
}

impl<'p> Lineage<'p> {
    /// Nothing is read yet.
    pub fn new(project: &'p Project) -> Self {
        let cycles = project.graph.cycles().into_iter().enumerate();
        Self {
            project,
            outputs: project.nodes.iter().map(|_| OnceLock::new()).collect(),
            whole: project.nodes.iter().map(|_| OnceLock::new()).collect(),
            cycles: cycles
                .flat_map(|(i, ids)| ids.into_iter().map(move |id| (id, i)))
                .collect(),
        }
    }

    /// What a node outputs.
    pub fn output(&self, id: NodeId) -> &Output<'p> {
        if let Some(known) = self.outputs[id.0 as usize].get() {
            return known;
        }
        // Parents first, without recursion: a chain of models may be long.
        let mut waiting = vec![(id, false)];
        while let Some((node, parents_done)) = waiting.pop() {
            let cell = &self.outputs[node.0 as usize];
            if cell.get().is_some() {
                continue;
            }
            if parents_done {
                cell.get_or_init(|| self.read(self.project.node(node)));
                continue;
            }
            waiting.push((node, true));
            waiting.extend(self.parents(node).into_iter().map(|p| (p, false)));
        }
        self.outputs[id.0 as usize].get_or_init(|| self.read(self.project.node(id)))
    }

    /// The parents whose columns a node is read with. What lies on one cycle with it is left out:
    /// which of them came first would decide.
    fn parents(&self, id: NodeId) -> Vec<NodeId> {
        let cycle = self.cycles.get(&id);
        let apart = |p: &NodeId| cycle.is_none() || self.cycles.get(p) != cycle;
        let parents = self.project.graph.parents(id).into_iter();
        parents.map(|(p, _)| p).filter(apart).collect()
    }

    /// The names of all columns of a node, in order; none where one is not known.
    ///
    /// Where a star reaches a source, the columns are those that YAML declares, unless some model
    /// reads another one: then the declaration is known to be incomplete.
    pub fn names(&self, id: NodeId) -> Option<Vec<&str>> {
        let output = self.output(id);
        let whole = |id: &NodeId| self.is_whole(*id);
        if output.open || !output.rests_on.iter().all(whole) {
            return self.contracted(id);
        }
        let names: Option<Vec<&str>> = output.columns.iter().map(|c| c.name.as_deref()).collect();
        names.or_else(|| self.contracted(id))
    }

    /// As [`Lineage::names`], where the project's SQL alone says it: no declaration, no contract.
    pub fn read_names(&self, id: NodeId) -> Option<Vec<&str>> {
        let output = self.output(id);
        if output.open || !output.rests_on.is_empty() {
            return None;
        }
        output.columns.iter().map(|c| c.name.as_deref()).collect()
    }

    /// Do the names of a node's columns rest on what YAML declares of a source? A declaration that
    /// no reader contradicts may be incomplete all the same.
    pub fn rests_on_declaration(&self, id: NodeId) -> bool {
        !self.output(id).rests_on.is_empty()
    }

    /// Where a column of a node comes from: columns of its direct parents. None where the node has
    /// no column of that name, as far as is known.
    pub fn origin(&self, id: NodeId, column: &str) -> Option<&Origin> {
        Some(&self.output(id).column(column)?.origin)
    }

    /// The columns that a column is, value by value, on the way up: its parent's, that one's
    /// parent's …, as long as each is passed on from a single one.
    pub fn passed_from(&self, id: NodeId, column: &str) -> Vec<ColumnOf> {
        let mut found: Vec<ColumnOf> = Vec::new();
        let (mut node, mut column) = (id, Arc::<str>::from(column));
        while found.len() < MAX_HOPS {
            let Some(origin) = self.origin(node, &column) else {
                break;
            };
            let [from] = &origin.from[..] else { break };
            if origin.how != Derivation::Pass || found.contains(from) {
                break;
            }
            (node, column) = (from.node, from.column.clone());
            found.push(from.clone());
        }
        found
    }

    /// Who reads a column of a node: each direct child, and the columns that it makes of it, none
    /// where it only filters, joins or groups by it. Children of which it is not known what they
    /// read are left out; [`Output::reads_more`] tells.
    pub fn readers(&self, id: NodeId, column: &str) -> Vec<(NodeId, Vec<&str>)> {
        let is = |c: &ColumnOf| c.node == id && c.column.eq_ignore_ascii_case(column);
        let reader = |child: NodeId| {
            let output = self.output(child);
            output.reads.iter().any(is).then(|| {
                let made_of_it = |c: &&OutputColumn| c.origin.from.iter().any(is);
                let made = output.columns.iter().filter(made_of_it);
                (child, made.filter_map(|c| c.name.as_deref()).collect())
            })
        };
        let children = self.project.graph.children(id);
        children.into_iter().filter_map(reader).collect()
    }

    /// Is nothing read of a source beyond what YAML declares?
    fn is_whole(&self, source: NodeId) -> bool {
        *self.whole[source.0 as usize].get_or_init(|| {
            let readers = self.project.graph.descendants(source, None);
            let contradicts = |id: &NodeId| self.output(*id).undeclared.contains(&source);
            !readers.iter().any(contradicts)
        })
    }

    /// The columns of an enforced contract, which dbt compares with the query's.
    fn contracted(&self, id: NodeId) -> Option<Vec<&str>> {
        let node = self.project.node(id);
        let contract = node.config.get("contract")?.value.as_ref()?;
        if contract.get("enforced")?.as_bool() != Some(true) {
            return None;
        }
        let columns = &node.properties.as_ref()?.columns;
        let names = columns.iter().map(|c| c.name.value.as_str());
        Some(names.collect()).filter(|c: &Vec<&str>| !c.is_empty())
    }

    fn read(&self, node: &'p Node) -> Output<'p> {
        let Some(sql) = &node.sql else {
            return self.declared(node);
        };
        let reader = Reader::of_file(self, node, sql).filter(|_| !node.python);
        let Some((mut reader, query)) = reader else {
            return Output {
                open: true,
                reads_more: true,
                ..Output::default()
            };
        };
        let mut relation = reader.query(query, None);
        if !query.alone || sql.exhausted {
            relation.spoil();
        }
        if node.resource_type == ResourceType::Snapshot {
            relation.columns.extend(snapshot_columns(node));
        }
        let mut out = Output {
            reads: reader.reads,
            reads_more: reader.reads_more,
            undeclared: reader.undeclared.into_iter().collect(),
            ..Output::default()
        };
        match relation.open {
            None => {}
            Some(Open {
                rests_on: Some(sources),
                ..
            }) => out.rests_on = sources,
            Some(_) => out.open = true,
        }
        out.reads_more |= out.open;
        for column in &relation.columns {
            out.reads.extend(column.origin.from.iter().cloned());
        }
        out.columns = relation.columns.into_iter().map(output_column).collect();
        out
    }

    /// What is known of a node without SQL.
    fn declared(&self, node: &Node) -> Output<'p> {
        let own = |name: &str| OutputColumn {
            name: Some(name.into()),
            span: None,
            expr: None,
            origin: Origin::unknown(),
        };
        let columns: Vec<OutputColumn> = match node.resource_type {
            ResourceType::Source => {
                let columns = node.properties.iter().flat_map(|p| &p.columns);
                columns.map(|c| own(&c.name.value)).collect()
            }
            ResourceType::Seed => seed_columns(self.project, node)
                .iter()
                .map(|c| own(c))
                .collect(),
            _ => Vec::new(),
        };
        let is_source = node.resource_type == ResourceType::Source;
        Output {
            open: columns.is_empty(),
            rests_on: match is_source && !columns.is_empty() {
                true => vec![node.id],
                false => Vec::new(),
            },
            columns,
            reads_more: !matches!(
                node.resource_type,
                ResourceType::Source | ResourceType::Seed
            ),
            ..Output::default()
        }
    }

    /// A node's columns as its readers see them.
    fn seen_by_readers(&self, id: NodeId) -> Relation<'p> {
        let output = self.output(id);
        let named = output.columns.iter().filter_map(|c| c.name.as_ref());
        let columns: Vec<Column> = named
            .map(|name| Column {
                name: Some(name.clone()),
                span: None,
                expr: None,
                origin: Origin::pass(&[id], name),
            })
            .collect();
        let open = output.open || columns.len() < output.columns.len();
        let rests_on = (!open).then(|| output.rests_on.clone());
        let is_closed = rests_on.as_ref().is_some_and(Vec::is_empty);
        Relation {
            columns,
            open: (!is_closed).then(|| Open {
                nodes: vec![id],
                rests_on,
                ..Open::default()
            }),
        }
    }
}

fn output_column<'p>(column: Column<'p>) -> OutputColumn<'p> {
    OutputColumn {
        name: column.name,
        span: column.span,
        expr: column.expr,
        origin: column.origin,
    }
}

/// The columns that dbt adds to a snapshot, under the names its configuration gives them.
fn snapshot_columns<'p>(node: &Node) -> Vec<Column<'p>> {
    let value = |key: &str| node.config.get(key).and_then(|v| v.value.as_ref());
    let renamed = value("snapshot_meta_column_names");
    let deletes = value("hard_deletes").and_then(|v| v.as_str()) == Some("new_record");
    let mut names = vec![
        "dbt_scd_id",
        "dbt_updated_at",
        "dbt_valid_from",
        "dbt_valid_to",
    ];
    names.extend(deletes.then_some("dbt_is_deleted"));
    let column = |name: &str| Column {
        name: Some(
            renamed
                .and_then(|r| r.get(name)?.as_str())
                .unwrap_or(name)
                .into(),
        ),
        span: None,
        expr: None,
        origin: Origin::new(Derivation::Computed),
    };
    names.into_iter().map(column).collect()
}

/// The header of a seed, if it was read.
fn seed_columns(project: &Project, node: &Node) -> Vec<String> {
    let delimiter = node.config.text("delimiter").and_then(|d| d.chars().next());
    csv_header(&project.files.get(node.file).text, delimiter.unwrap_or(','))
}

/// The fields of the first line of a CSV file.
fn csv_header(text: &str, delimiter: char) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut chars = text.trim_start_matches('\u{feff}').chars().peekable();
    while let Some(c) = chars.next() {
        let Some(field) = fields.last_mut() else {
            break;
        };
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            '\r' | '\n' if !quoted => break,
            c if c == delimiter && !quoted => fields.push(String::new()),
            c => field.push(c),
        }
    }
    let names: Vec<String> = fields.iter().map(|f| f.trim().to_owned()).collect();
    // A nameless column gets a name from the CSV reader, which is not ours to guess.
    match names.iter().any(String::is_empty) {
        true => Vec::new(),
        false => names,
    }
}
