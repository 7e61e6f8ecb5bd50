//! A star that gives way to the columns it stands for.

use super::lineage::Lineage;
use super::{Node, NodeId, Project, ResourceType};
use crate::syntax::sql::tree::{Body, FactorKind, ItemKind, Query, Select};
use crate::syntax::sql::{edit, is_plain};
use crate::text::Span;
use crate::violation::{Applicability, Edit, Fix};
use rustc_hash::FxHashSet;

/// A select that passes on all columns of one relation under their names, and nothing else.
#[derive(Debug, Clone, Copy)]
pub struct PassedOn<'q> {
    /// The select.
    pub select: &'q Select,
    /// Its `*`.
    pub star: Span,
    /// It reads another node, not a CTE.
    pub reads_node: bool,
}

impl Query {
    /// From the output down, through CTEs: selects that pass on the same columns.
    pub fn passed_on(&self) -> Vec<PassedOn<'_>> {
        let mut out: Vec<PassedOn> = Vec::new();
        let mut body = &self.body;
        // Each step goes to an earlier CTE, so it ends.
        let mut visible = &self.ctes[..];
        while let Body::Select(select) = body
            && let Some(star) = lone_star(select)
        {
            let first = &select.from[0].first;
            out.push(PassedOn {
                select,
                star,
                reads_node: matches!(first.kind, FactorKind::Relation(_)),
            });
            let FactorKind::Name(path) = &first.kind else {
                break;
            };
            let [name] = &path[..] else { break };
            let Some(i) = visible.iter().rposition(|c| c.name.is(&name.name)) else {
                break;
            };
            let cte = &visible[i];
            if !cte.columns.is_empty() || !cte.query.ctes.is_empty() {
                break;
            }
            body = &cte.query.body;
            visible = &visible[..i];
        }
        out
    }
}

/// The star of `select * from one`, whatever is filtered.
fn lone_star(select: &Select) -> Option<Span> {
    let ([item], [from]) = (&select.items[..], &select.from[..]) else {
        return None;
    };
    let ItemKind::Star { qualifier, options } = &item.kind else {
        return None;
    };
    let plain = options.except.is_empty()
        && options.replace.is_empty()
        && options.rename.is_empty()
        && !options.filtered
        && qualifier.is_empty();
    let whole = !select.partial && !select.widened && !select.rewritten;
    let alone = from.joins.is_empty() && from.first.alias_columns.is_empty();
    (plain && whole && alone && select.group_by.is_none()).then_some(item.span)
}

impl Project {
    /// Lists the model's columns in the place of a star that passes them on. Safe where the SQL of
    /// the project alone says which they are and in which order; suggested where YAML says it, or
    /// where a table may have kept an older order.
    pub fn list_columns(&self, lineage: &Lineage, model: &Node, at: PassedOn) -> Option<Fix> {
        let sql = model.sql.as_ref()?;
        if !sql.variants.is_empty() || !sql.doubtful.is_empty() || !sql.shimmed.is_empty() {
            return None;
        }
        let names = lineage.names(model.id)?;
        let distinct: FxHashSet<&str> = names.iter().copied().collect();
        let plain = |n: &&str| is_plain(n, self.dialect.dialect);
        if names.is_empty() || distinct.len() < names.len() || !names.iter().all(plain) {
            return None;
        }
        if self.may_quote(model, &names) {
            return None;
        }
        let text = &self.files.get(model.file).text;
        let (select, star) = (at.select.keyword.range(), at.star.range());
        let (range, listed) = edit::listed(text, select, star, &names)?;
        let certain = lineage.read_names(model.id).is_some() && !self.keeps_an_order(model.id);
        Some(Fix {
            title: "list the columns".to_owned(),
            applicability: match certain {
                true => Applicability::Safe,
                false => Applicability::Suggested,
            },
            edits: vec![Edit {
                span: Span::new(model.file, range.start, range.end),
                text: listed,
            }],
        })
    }

    /// Is a column quoted somewhere upstream? Then it may not be known by its bare name.
    fn may_quote(&self, model: &Node, names: &[&str]) -> bool {
        let mut nodes = self.graph.ancestors(model.id, None);
        nodes.insert(model.id);
        nodes.into_iter().any(|id| {
            let node = self.node(id);
            let text = &self.files.get(node.file).text;
            let quotes = |n: &&str| {
                ["\"", "`", "["].iter().any(|q| {
                    let mut places = text.match_indices(*n);
                    places.any(|(i, _)| text[..i].ends_with(q))
                })
            };
            let is_seed = node.resource_type == ResourceType::Seed;
            (is_seed && node.config.get("quote_columns").is_some())
                || (node.sql.is_some() && names.iter().any(quotes))
        })
    }

    /// Does the model read a table that may have its columns in another order than its SQL: one that
    /// is not built anew by every run?
    fn keeps_an_order(&self, id: NodeId) -> bool {
        let parents = self.graph.parents(id);
        parents.iter().any(|(parent, _)| {
            let node = self.node(*parent);
            match node.resource_type {
                ResourceType::Model => {
                    let known = self.materialization(node);
                    !known.is_some_and(|m| matches!(m, "view" | "table" | "ephemeral"))
                }
                ResourceType::Seed => false,
                _ => true,
            }
        })
    }
}
