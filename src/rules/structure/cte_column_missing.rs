use crate::project::{Node, Project};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Reach, Rule, Sink};
use crate::syntax::sql::tree::{
    Body, Cte, ExprKind, Factor, FactorKind, Ident, Item, ItemKind, Query, Select,
};
use crate::syntax::template::SqlFile;
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;
use std::collections::BTreeMap;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CteColumnMissing {
    /// Layers, by role, whose models are judged.
    layers: Vec<String>,
    /// By the name of a CTE: what it must add; none: the rule finds nothing.
    columns: BTreeMap<String, Vec<Need>>,
}

/// Something that a CTE must add. Any one of the names or macros will do.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(try_from = "NeedFile")]
struct Need {
    what: Option<String>,
    columns: Vec<String>,
    macros: Vec<String>,
}

/// Something that a CTE must add. Any one of the names or macros will do.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct NeedFile {
    /// What it is, as messages name it. Default: the first column.
    what: Option<String>,
    /// Names of columns; `*` is any letters.
    columns: Vec<String>,
    /// Names of macros whose call makes it; `*` is any letters.
    macros: Vec<String>,
}

impl TryFrom<NeedFile> for Need {
    type Error = String;

    fn try_from(file: NeedFile) -> Result<Self, String> {
        if file.columns.is_empty() && file.macros.is_empty() {
            return Err("names neither `columns` nor `macros` that would do".to_owned());
        }
        Ok(Self {
            what: file.what,
            columns: file.columns,
            macros: file.macros,
        })
    }
}

impl Default for CteColumnMissing {
    fn default() -> Self {
        Self {
            layers: vec!["staging".to_owned()],
            columns: BTreeMap::new(),
        }
    }
}

impl BuiltIn for CteColumnMissing {
    const META: Meta = Meta {
        id: Borrowed("structure/cte-column-missing"),
        severity: Severity::Warn,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: None,
        doc: Borrowed(include_str!(
            "../../../rules/structure/cte-column-missing/README.md"
        )),
    };
}

impl Rule for CteColumnMissing {
    fn judges(&self, project: &Project, node: &Node) -> bool {
        !self.columns.is_empty() && project.in_layers(node, &self.layers)
    }

    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn model(&self, _cx: &Cx, model: &Node, sink: &mut Sink) {
        let Some(sql) = &model.sql else { return };
        let Some(query) = sql.query() else { return };
        for (name, needs) in &self.columns {
            let Some(place) = query.ctes.iter().position(|c| c.name.is(name)) else {
                continue;
            };
            let cte = &query.ctes[place];
            for need in needs.iter().filter(|n| !n.is_macro_in(cte, sql)) {
                let mut seen = Seen {
                    sql,
                    need,
                    ctes: &query.ctes,
                    lacks: Vec::new(),
                };
                if seen.up_to(place) {
                    sink.push(need.finding(cte));
                }
            }
        }
    }
}

impl Need {
    fn name(&self) -> &str {
        let first = self.columns.first().or(self.macros.first());
        self.what
            .as_deref()
            .or(first.map(String::as_str))
            .unwrap_or("column")
    }

    fn finding(&self, cte: &Cte) -> Violation {
        let (name, cte_name) = (self.name(), &cte.name.name);
        let is_column = self.what.is_none();
        let what = match is_column {
            true => format!("column `{name}`"),
            false => name.to_owned(),
        };
        let message = format!(
            "`{cte_name}` adds no {what}: every model of this layer is to have one, and what is built on it counts on that"
        );
        let quoted = |names: &[String], mark: &str| -> Vec<String> {
            names.iter().map(|n| format!("`{n}{mark}`")).collect()
        };
        let mut ways = Vec::new();
        if !self.columns.is_empty() {
            ways.push(format!(
                "a column {}",
                quoted(&self.columns, "").join(" or ")
            ));
        }
        if !self.macros.is_empty() {
            ways.push(format!(
                "a call of {}",
                quoted(&self.macros, "()").join(" or ")
            ));
        }
        let help = format!("add to `{cte_name}` {}", ways.join(", or "));
        Violation::new(cte.name.span, message)
            .help(help)
            .symbol(format!("{} {name}", cte_name.to_lowercase()))
    }

    fn is_macro_in(&self, cte: &Cte, sql: &SqlFile) -> bool {
        let mut calls = sql.macros.iter().filter(|(_, at)| cte.span.contains(*at));
        calls.any(|(name, _)| {
            let short = name.rsplit('.').next().unwrap_or(name);
            self.macros.iter().any(|m| fits(m, short))
        })
    }

    fn is_column(&self, name: &str) -> bool {
        self.columns.iter().any(|c| fits(c, name))
    }
}

/// The CTEs of a query, read in order: each may take by `*` what one before it outputs.
struct Seen<'a> {
    sql: &'a SqlFile,
    need: &'a Need,
    ctes: &'a [Cte],
    /// By CTE, as far as they are read: is there surely no such column among its own?
    lacks: Vec<bool>,
}

impl Seen<'_> {
    /// Does the CTE at a place lack the column, as far as the file names its columns? A macro that
    /// prints columns may print this one.
    fn up_to(&mut self, place: usize) -> bool {
        for cte in &self.ctes[..=place] {
            let lacks = match cte.columns.is_empty() {
                true => self.query_lacks(&cte.query),
                false => cte.columns.iter().all(|c| self.is_another(c)),
            };
            self.lacks.push(lacks);
        }
        self.lacks.last() == Some(&true)
    }

    fn query_lacks(&self, query: &Query) -> bool {
        // CTEs within a CTE are not looked into.
        query.ctes.is_empty() && self.body_lacks(&query.body)
    }

    fn body_lacks(&self, body: &Body) -> bool {
        match body {
            Body::Select(select) => {
                let end = select.items.last().map_or(select.keyword, |i| i.span);
                let list = select.keyword.to(end);
                let doubtful = self.sql.doubtful.iter().any(|d| d.touches(list));
                let from_first = select.items.is_empty() && self.star_lacks(select, None);
                let listed = !select.items.is_empty();
                let all_others = listed && select.items.iter().all(|i| self.is_other(i, select));
                !doubtful && !select.partial && (from_first || all_others)
            }
            // The first branch names the columns.
            Body::Set { branches, .. } => branches.first().is_some_and(|b| self.body_lacks(b)),
            Body::Query(query) => self.query_lacks(query),
            Body::Values(_) | Body::Other(_) | Body::Unread(_) => false,
        }
    }

    fn is_another(&self, name: &Ident) -> bool {
        !name.is_opaque() && !self.need.is_column(&name.name)
    }

    /// Is an entry of a select list surely not the column?
    fn is_other(&self, item: &Item, select: &Select) -> bool {
        match &item.kind {
            ItemKind::Expr {
                alias: Some(alias), ..
            } => self.is_another(alias),
            ItemKind::Expr { expr, alias: None } => match &expr.kind {
                ExprKind::Column(path) => path.last().is_some_and(|c| self.is_another(c)),
                ExprKind::Opaque => false,
                _ => true,
            },
            ItemKind::Star { qualifier, options } => {
                let renamed = options.rename.iter().all(|(_, new)| self.is_another(new));
                renamed && self.star_lacks(select, qualifier.last())
            }
        }
    }

    /// Does `*` bring no such column from a CTE before it? What a table brings is named nowhere.
    fn star_lacks(&self, select: &Select, qualifier: Option<&Ident>) -> bool {
        let factors = select.from.iter().flat_map(|f| f.factors()).map(|(f, _)| f);
        let meant =
            |f: &&Factor| qualifier.is_none_or(|q| f.binding().is_some_and(|b| b.is(&q.name)));
        factors.filter(meant).all(|factor| match &factor.kind {
            FactorKind::Name(name) => {
                let before = &self.ctes[..self.lacks.len()];
                let at = match &name[..] {
                    [one] => before.iter().rposition(|c| c.name.is(&one.name)),
                    _ => None,
                };
                at.is_none_or(|at| self.lacks[at])
            }
            FactorKind::Subquery { query, .. } => self.query_lacks(query),
            FactorKind::Relation(_) => true,
            FactorKind::Nested(_)
            | FactorKind::Function { .. }
            | FactorKind::Derived(..)
            | FactorKind::Opaque => false,
        })
    }
}

/// Does a name fit a pattern in which `*` is any letters? Case does not matter.
fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.to_lowercase(), name.to_lowercase());
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}
