use crate::project::lineage::Derivation;
use crate::project::{Node, NodeId, Project, Resolution, ResourceType};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink};
use crate::syntax::sql::groups::group_name;
use crate::syntax::sql::tree::{
    Body, Call, CompareOp, Constraint, Cte, Expr, ExprKind, Factor, FactorKind, Ident, ItemKind,
    Join, JoinKind, Literal, Query, Select,
};
use crate::text::Span;
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JoinFanout {}

impl BuiltIn for JoinFanout {
    const META: Meta = Meta {
        id: Borrowed("sql/join-fanout"),
        severity: Severity::Warn,
        confidence: Confidence::Likely,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!("../../../rules/sql/join-fanout/README.md")),
    };
}

impl Rule for JoinFanout {
    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        let Some(sql) = &model.sql else { return };
        let judge = Judge {
            cx,
            project: cx.project,
            model,
        };
        let mut seen: Vec<Span> = Vec::new();
        for query in sql.readings() {
            query.selects_in_scope(&mut |select, scope| {
                for join in multiplying(select) {
                    let found = judge.join(select, join, &scope.ctes);
                    let silent = sql.is_shimmed(join.span) || seen.contains(&join.span);
                    if let Some(found) = found.filter(|_| !silent) {
                        seen.push(join.span);
                        sink.push(found);
                    }
                }
            });
        }
    }
}

/// The joins of a select that may multiply the rows before them, where all of them keep the left
/// side as it is.
fn multiplying(select: &Select) -> Vec<&Join> {
    let [from] = &select.from[..] else {
        return Vec::new();
    };
    let plain = |j: &Join| matches!(j.kind, JoinKind::Inner | JoinKind::Left);
    match from.joins.iter().all(plain) && !select.partial && !select.distinct {
        true => from.joins.iter().collect(),
        false => Vec::new(),
    }
}

/// Columns that together no two rows share.
struct Key {
    /// In lower case.
    columns: Vec<String>,
    /// It may be a hash of others, which then are a key, too: it says nothing of what is no key.
    made: bool,
}

struct Judge<'a, 'p> {
    cx: &'a Cx<'p>,
    project: &'a Project,
    model: &'a Node,
}

impl Judge<'_, '_> {
    fn join(&self, select: &Select, join: &Join, ctes: &[&Cte]) -> Option<Violation> {
        let binding = join.factor.binding()?;
        if !self.project.is_written(binding) {
            return None;
        }
        let keys = self.keys(&join.factor, ctes, 0);
        let mut joined = tied(join, &binding.name)?;
        if keys.is_empty() || joined.is_empty() {
            return None;
        }
        if let Some(filter) = &select.filter {
            joined.extend(fixed(filter, &binding.name));
        }
        let holds = |key: &Key| key.columns.iter().all(|c| joined.contains(c));
        let grouped = grouped_names(select);
        let by_row = |key: &Key| {
            key.columns
                .iter()
                .all(|c| grouped.contains(c) || joined.contains(c))
        };
        if keys.iter().any(holds) || (!grouped.is_empty() && keys.iter().any(by_row)) {
            return None;
        }
        let from = select.from.first()?;
        let before: Vec<&Ident> = from
            .factors()
            .take_while(|(f, _)| !std::ptr::eq(*f, &join.factor))
            .filter_map(|(f, _)| f.binding())
            .collect();
        let (call, column, place) = counted_again(select, &before)?;
        if self.project.text(place).is_empty() {
            return None;
        }
        let known = keys.iter().find(|k| !k.made)?;
        let key: Vec<String> = known.columns.iter().map(|c| format!("`{c}`")).collect();
        joined.sort();
        joined.dedup();
        let on: Vec<String> = joined.iter().map(|c| format!("`{c}`")).collect();
        let message = format!(
            "`{}` is joined on {}, but its rows are unique by {}: a row before it comes once per match, and `{}({})` counts it each time",
            binding.name,
            on.join(", "),
            key.join(", "),
            call.function(),
            dotted(column)
        );
        Some(
            Violation::new(join.span, message)
                .symbol(format!("fanout {}", binding.name.to_ascii_lowercase()))
                .related(place, "counted several times")
                .help(format!(
                    "bring `{}` to one row per {} before the join, or aggregate before joining",
                    binding.name,
                    on.join(", ")
                )),
        )
    }

    /// The keys of a relation, as far as they are known.
    fn keys(&self, factor: &Factor, ctes: &[&Cte], depth: u32) -> Vec<Key> {
        if depth > 16 {
            return Vec::new();
        }
        match &factor.kind {
            FactorKind::Relation(id) => {
                let Some(sql) = &self.model.sql else {
                    return Vec::new();
                };
                match self.project.resolve(self.model, sql.relation(*id)) {
                    Resolution::Found(id) => {
                        let keys = self.project.node(id).unique_keys().into_iter();
                        keys.map(|columns| Key {
                            made: columns.len() == 1 && is_made(self.cx, id, &columns[0]),
                            columns,
                        })
                        .collect()
                    }
                    _ => Vec::new(),
                }
            }
            FactorKind::Name(_) => match factor.cte(ctes) {
                Some(cte) if cte.columns.is_empty() => {
                    let at = ctes.iter().position(|c| std::ptr::eq(*c, cte)).unwrap_or(0);
                    self.query_keys(&cte.query, &ctes[..at], depth + 1)
                }
                _ => Vec::new(),
            },
            FactorKind::Subquery { query, .. } => self.query_keys(query, ctes, depth + 1),
            _ => Vec::new(),
        }
    }

    fn query_keys(&self, query: &Query, ctes: &[&Cte], depth: u32) -> Vec<Key> {
        let mut ctes = ctes.to_vec();
        ctes.extend(&query.ctes);
        match &query.body {
            Body::Select(select) if !select.partial => self.select_keys(select, &ctes, depth),
            Body::Query(query) => self.query_keys(query, &ctes, depth),
            _ => Vec::new(),
        }
    }

    fn select_keys(&self, select: &Select, ctes: &[&Cte], depth: u32) -> Vec<Key> {
        if let Some(groups) = &select.group_by {
            let names: Option<Vec<String>> = groups.iter().map(|g| group_name(select, g)).collect();
            let key = |columns| Key {
                columns,
                made: false,
            };
            return names
                .filter(|n| !n.is_empty())
                .into_iter()
                .map(key)
                .collect();
        }
        let ([from], false) = (&select.from[..], select.distinct) else {
            return Vec::new();
        };
        if !from.joins.is_empty() || select.qualify.is_some() {
            return Vec::new();
        }
        let mut keys = self.keys(&from.first, ctes, depth);
        // A row of many: what the filter fixes tells no rows apart.
        if let Some(filter) = &select.filter {
            let name = from.first.binding().map_or("", |b| &*b.name);
            let fixed = fixed(filter, name);
            keys.iter_mut()
                .for_each(|k| k.columns.retain(|c| !fixed.contains(c)));
            // Any other filter may leave one row of each.
            if narrows(filter, name) || keys.iter().any(|k| k.columns.is_empty()) {
                return Vec::new();
            }
        }
        let outer = |column: &String| {
            select.items.iter().find_map(|item| match &item.kind {
                ItemKind::Star { options, .. } => {
                    let kept = options.rename.is_empty() && !options.filtered;
                    (kept && !options.except.iter().any(|e| e.is(column))).then(|| column.clone())
                }
                ItemKind::Expr { expr, alias } => match &expr.kind {
                    ExprKind::Column(path) if path.last().is_some_and(|p| p.is(column)) => {
                        let name = alias.as_ref().or(path.last())?;
                        Some(name.name.to_lowercase())
                    }
                    _ => None,
                },
            })
        };
        let renamed = keys.iter().map(|key| {
            let columns = key.columns.iter().map(outer);
            Some(Key {
                columns: columns.collect::<Option<_>>()?,
                made: key.made,
            })
        });
        renamed.flatten().collect()
    }
}

/// Is a column a hash of others, as far as can be told? Then those are a key, too.
fn is_made(cx: &Cx, id: NodeId, column: &str) -> bool {
    let (mut id, mut column) = (id, column.to_owned());
    for _ in 0..50 {
        let Some(output) = cx.lineage().output(id).column(&column) else {
            return cx.lineage().names(id).is_some();
        };
        match (output.origin.how, &output.origin.from[..]) {
            (Derivation::Pass, [one]) => (id, column) = (one.node, one.column.to_string()),
            (Derivation::Constant, _) => return false,
            // A source or a seed has it as it is.
            (_, []) => {
                let node = cx.project.node(id);
                return matches!(
                    node.resource_type,
                    ResourceType::Model | ResourceType::Snapshot
                );
            }
            _ => return true,
        }
    }
    true
}

/// Names by which a select groups, as far as they are columns.
fn grouped_names(select: &Select) -> Vec<String> {
    let mut names = Vec::new();
    for group in select.group_by.iter().flatten() {
        let group = match &group.kind {
            ExprKind::Literal(Literal::Number(n)) => {
                let item = n.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
                match item.and_then(|n| select.items.get(n)).map(|i| &i.kind) {
                    Some(ItemKind::Expr { expr, .. }) => expr,
                    _ => continue,
                }
            }
            _ => group,
        };
        group.walk(&mut |e| {
            if let ExprKind::Column(path) = &e.kind {
                names.extend(path.last().map(|p| p.name.to_lowercase()));
            }
        });
    }
    names
}

/// The columns of the joined relation that the condition ties to something; none where it says
/// more than equalities.
fn tied(join: &Join, binding: &str) -> Option<Vec<String>> {
    match &join.constraint {
        Constraint::Using(names) => Some(names.iter().map(|n| n.name.to_lowercase()).collect()),
        Constraint::On(on) => {
            let mut out = Vec::new();
            for condition in conjuncts(on) {
                out.push(equal(condition, binding)?);
            }
            Some(out.into_iter().flatten().collect())
        }
        _ => None,
    }
}

/// The column of this relation that must equal something; none where it is another condition.
fn equal(e: &Expr, binding: &str) -> Option<Option<String>> {
    let ExprKind::Compare(CompareOp::Eq | CompareOp::NullSafe, sides) = &e.kind else {
        return None;
    };
    let own = |e: &Expr| match &e.kind {
        ExprKind::Column(path) => match &path[..] {
            [q, name] if q.is(binding) => Some(name.name.to_lowercase()),
            _ => None,
        },
        _ => None,
    };
    let plain = |e: &Expr| match &e.kind {
        ExprKind::Column(path) => path.len() == 2,
        ExprKind::Literal(_) => true,
        _ => false,
    };
    match (own(&sides[0]), own(&sides[1])) {
        (Some(column), None) | (None, Some(column)) if sides.iter().all(plain) => {
            Some(Some(column))
        }
        _ => None,
    }
}

/// Columns that a filter ties to a literal.
fn fixed(filter: &Expr, binding: &str) -> Vec<String> {
    let of = |e: &Expr| match &e.kind {
        ExprKind::Column(path) => match &path[..] {
            [name] => Some(name.name.to_lowercase()),
            [q, name] if q.is(binding) => Some(name.name.to_lowercase()),
            _ => None,
        },
        _ => None,
    };
    let conditions = conjuncts(filter).into_iter();
    conditions
        .filter_map(|e| match &e.kind {
            ExprKind::Compare(CompareOp::Eq, sides) => of(&sides[0]).or_else(|| of(&sides[1])),
            ExprKind::Column(_) => of(e),
            _ => None,
        })
        .collect()
}

/// Does a filter ask for more than null or a literal?
fn narrows(filter: &Expr, binding: &str) -> bool {
    let fixed = fixed(filter, binding).len();
    let nulls = conjuncts(filter)
        .into_iter()
        .filter(|e| matches!(e.kind, ExprKind::IsNull { .. }));
    fixed + nulls.count() < conjuncts(filter).len()
}

fn conjuncts(e: &Expr) -> Vec<&Expr> {
    match &e.kind {
        ExprKind::And(parts) => parts.iter().flat_map(conjuncts).collect(),
        _ => vec![e],
    }
}

/// A sum, a count or an average of a column of one of these relations.
fn counted_again<'a>(
    select: &'a Select,
    before: &[&Ident],
) -> Option<(&'a Call, &'a [Ident], Span)> {
    let mut found = None;
    for item in &select.items {
        let ItemKind::Expr { expr, .. } = &item.kind else {
            continue;
        };
        expr.walk(&mut |e| {
            let ExprKind::Call(call) = &e.kind else {
                return;
            };
            let counts = matches!(call.function().as_str(), "sum" | "count" | "avg");
            if found.is_some() || !counts || call.distinct || call.over.is_some() {
                return;
            }
            let [arg] = &call.args[..] else { return };
            if let ExprKind::Column(path) = &arg.kind
                && let [qualifier, _] = &path[..]
                && before.iter().any(|b| b.is(&qualifier.name))
            {
                found = Some((&**call, &path[..], e.span));
            }
        });
    }
    found
}

fn dotted(path: &[Ident]) -> String {
    let parts: Vec<&str> = path.iter().map(|i| &*i.name).collect();
    parts.join(".")
}
