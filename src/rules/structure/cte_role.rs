use crate::project::{Node, Project};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Reach, Rule, Sink};
use crate::syntax::conditional;
use crate::syntax::sql::tree::{Body, Cte, Expr, ExprKind, Item, ItemKind, Query, Select};

use crate::text::Span;
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;
use std::collections::BTreeMap;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CteRole {
    /// Layers, by role, whose models are judged.
    layers: Vec<String>,
    /// What each CTE is for, by its name; none: the rule finds nothing.
    roles: BTreeMap<String, Role>,
}

/// What a CTE is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Role {
    /// It takes one relation as it is: no filter, no join.
    Import,
    /// It names and casts columns: no filter, no join, no branching.
    Renaming,
    /// It drops rows: no other names, no computed columns.
    Filtering,
    /// It computes columns: no filter.
    Computing,
}

impl Default for CteRole {
    fn default() -> Self {
        Self {
            layers: vec!["staging".to_owned()],
            roles: BTreeMap::new(),
        }
    }
}

impl BuiltIn for CteRole {
    const META: Meta = Meta {
        id: Borrowed("structure/cte-role"),
        severity: Severity::Warn,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: None,
        doc: Borrowed(include_str!("../../../rules/structure/cte-role/README.md")),
    };
}

/// What a CTE may do that is another one's job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Job {
    Filters,
    Joins,
    Branches,
    Renames,
    Computes,
}

impl Job {
    fn verb(self) -> &'static str {
        match self {
            Job::Filters => "filters",
            Job::Joins => "joins",
            Job::Branches => "branches",
            Job::Renames => "renames",
            Job::Computes => "computes",
        }
    }

    /// The role that does it; joins belong to another layer.
    fn owner(self) -> Option<Role> {
        match self {
            Job::Filters => Some(Role::Filtering),
            Job::Renames => Some(Role::Renaming),
            Job::Branches | Job::Computes => Some(Role::Computing),
            Job::Joins => None,
        }
    }
}

impl Role {
    fn forbids(self) -> &'static [Job] {
        match self {
            Role::Import => &[Job::Filters, Job::Joins],
            Role::Renaming => &[Job::Filters, Job::Joins, Job::Branches],
            Role::Filtering => &[Job::Renames, Job::Computes],
            Role::Computing => &[Job::Filters],
        }
    }

    fn purpose(self) -> &'static str {
        match self {
            Role::Import => "to take the table as it is",
            Role::Renaming => "to give columns their names and types",
            Role::Filtering => "to drop rows",
            Role::Computing => "to compute columns",
        }
    }
}

impl Rule for CteRole {
    fn judges(&self, project: &Project, node: &Node) -> bool {
        !self.roles.is_empty() && project.in_layers(node, &self.layers)
    }

    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        let Some(sql) = &model.sql else { return };
        let text = &cx.project.files.get(model.file).text;
        let parts = conditional::parts(model.file, text).into_iter();
        let mut conditional: Vec<Span> = parts.map(|c| c.span).collect();
        conditional.extend(&sql.doubtful);
        for cte in sql.readings().flat_map(|q| &q.ctes) {
            let role = self.roles.iter().find(|(name, _)| cte.name.is(name));
            let Some((_, role)) = role else { continue };
            for job in role.forbids() {
                if let Some(span) = first(*job, cte, &conditional) {
                    sink.push(self.finding(cte, *role, *job, span));
                }
            }
        }
    }
}

impl CteRole {
    fn finding(&self, cte: &Cte, role: Role, job: Job, span: Span) -> Violation {
        let name = &cte.name.name;
        let (verb, purpose) = (job.verb(), role.purpose());
        let owner = self.owner(job).filter(|o| !cte.name.is(o));
        let why = match job {
            Job::Filters => "rows are lost where nobody looks for it",
            Job::Joins => "rows can double where nobody looks for it",
            Job::Branches | Job::Computes => "a definition stands where nobody looks for it",
            Job::Renames => "a name changes where nobody looks for it",
        };
        let message = format!("`{name}` {verb}, though it is there {purpose}: {why}");
        let help = match (&owner, job) {
            (Some(owner), _) => format!("do it in `{owner}`, and let `{name}` keep to its part"),
            (None, Job::Joins) => "join in an intermediate model, not here".to_owned(),
            (None, _) => format!("do it in a CTE behind `{name}`"),
        };
        Violation::new(span, message)
            .help(help)
            .symbol(format!("{} {verb}", name.to_lowercase()))
    }

    /// The CTE whose job it is, by its name.
    fn owner(&self, job: Job) -> Option<&String> {
        let role = job.owner()?;
        self.roles
            .iter()
            .find(|(_, r)| **r == role)
            .map(|(name, _)| name)
    }
}

/// The first place where a CTE does a job.
fn first(job: Job, cte: &Cte, conditional: &[Span]) -> Option<Span> {
    match job {
        Job::Renames | Job::Computes => of_body(&cte.query.body, job),
        _ => {
            let mut found = None;
            cte.query.selects(&mut |select, _| {
                let here = match job {
                    Job::Filters => filter(select, conditional),
                    Job::Joins => join(select),
                    _ => branch(select),
                };
                found = found.or(here);
            });
            found.or_else(|| {
                (job == Job::Filters)
                    .then(|| limit(&cte.query, conditional))
                    .flatten()
            })
        }
    }
}

/// What stands under a condition is not the model's shape: `{% if is_incremental() %} where …` has
/// to stand where the table is read.
fn is_conditional(conditional: &[Span], span: Span) -> bool {
    conditional.iter().any(|c| c.touches(span))
}

fn filter(select: &Select, conditional: &[Span]) -> Option<Span> {
    let clauses = [&select.filter, &select.having, &select.qualify];
    let spans = clauses.into_iter().flatten().map(|e| e.span);
    let always = |s: &Span| !is_conditional(conditional, *s);
    spans
        .chain(select.distinct.then_some(select.keyword))
        .find(always)
}

/// A `limit` outside a condition, which has no place of its own in the tree.
fn limit(query: &Query, conditional: &[Span]) -> Option<Span> {
    let hit = query.limited && !is_conditional(conditional, query.span);
    let Body::Select(select) = &query.body else {
        return None;
    };
    hit.then_some(select.keyword)
}

fn join(select: &Select) -> Option<Span> {
    let joined = select.from.iter().flat_map(|f| &f.joins).map(|j| j.span);
    let listed = select.from.iter().skip(1).map(|f| f.first.span);
    joined.chain(listed).next()
}

fn branch(select: &Select) -> Option<Span> {
    const BRANCHING: [&str; 5] = ["iff", "if", "decode", "nvl2", "multiif"];
    let mut found = None;
    for item in &select.items {
        let ItemKind::Expr { expr, .. } = &item.kind else {
            continue;
        };
        expr.walk(&mut |e| {
            let hit = match &e.kind {
                ExprKind::Case { .. } => true,
                ExprKind::Call(call) => BRANCHING.contains(&&*call.function()),
                _ => false,
            };
            if hit && found.is_none() {
                found = Some(item.span);
            }
        });
    }
    found
}

fn of_body(body: &Body, job: Job) -> Option<Span> {
    match body {
        Body::Select(select) => {
            let does = |item: &&Item| match &item.kind {
                ItemKind::Expr { expr, alias } => match (&expr.kind, alias) {
                    (ExprKind::Column(path), Some(alias)) => {
                        let same = path.last().is_some_and(|last| alias.is(&last.name));
                        job == Job::Renames && !same && !alias.is_opaque()
                    }
                    (ExprKind::Column(_) | ExprKind::Opaque, _) => false,
                    _ => job == Job::Computes && !ranks(expr),
                },
                ItemKind::Star { options, .. } => match job {
                    Job::Renames => !options.rename.is_empty(),
                    _ => !options.replace.is_empty(),
                },
            };
            select.items.iter().find(does).map(|i| i.span)
        }
        Body::Set { branches, .. } => branches.iter().find_map(|b| of_body(b, job)),
        Body::Query(query) => of_body(&query.body, job),
        Body::Values(_) | Body::Other(_) | Body::Unread(_) => None,
    }
}

/// A window function, by which rows are chosen in a step behind.
fn ranks(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Call(call) if call.over.is_some())
}
