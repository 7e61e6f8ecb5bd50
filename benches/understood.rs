//! What is understood of each model of a project, one JSON line a model: `understood PROJECT_DIR`.
//! Sources and seeds have a line with their columns.
//!
//! Not a benchmark: `tests/compare_sqlglot.py` and `tests/compare_duckdb.py` hold these lines
//! against what others read in the same SQL.

use harness_lint::config::ManifestSetting;
use harness_lint::load;
use harness_lint::project::lineage::Lineage;
use harness_lint::project::{self, Node, Project, ResourceType};
use harness_lint::run::{Request, configure};
use harness_lint::syntax::jinja::RelationRef;
use harness_lint::syntax::sql::tree::{
    Body, Constraint, Cte, Expr, ExprKind, Factor, FactorKind, From, Ident, ItemKind, JoinKind,
    Query, Scope, Select,
};
use harness_lint::syntax::template::{SqlFile, SqlTree};
use harness_lint::threads;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(dir) = std::env::args_os().nth(1) else {
        let _ = writeln!(std::io::stderr(), "usage: understood PROJECT_DIR");
        return ExitCode::from(2);
    };
    match threads::on_pool(0, || understand(PathBuf::from(dir))) {
        Ok(lines) => {
            // Whoever reads may have read enough.
            let _ = std::io::stdout().write_all(lines.as_bytes());
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::from(3)
        }
    }
}

fn understand(dir: PathBuf) -> Result<String, String> {
    let request = Request {
        cwd: dir.clone(),
        project_dir: Some(dir),
        ..Request::default()
    };
    let (place, config) = configure(&request).map_err(|e| e.to_string())?;
    let options = project::Options {
        manifest: Some(ManifestSetting::Off),
        keep_text: true,
        ..project::Options::default()
    };
    let loaded = load::load(place);
    let project = project::build(loaded, config, &options).map_err(|(path, why)| path + &why)?;
    let lineage = Lineage::new(&project);
    let mut lines = String::new();
    for node in &project.nodes {
        if matches!(
            node.resource_type,
            ResourceType::Source | ResourceType::Seed
        ) {
            let declared = json!({
                "unique_id": node.unique_id,
                "status": "declared",
                "source": node.source_name,
                "name": node.name,
                "columns": lineage.names(node.id),
            });
            lines.push_str(&declared.to_string());
            lines.push('\n');
        }
        if node.resource_type == ResourceType::Model && node.is_own() && !node.python {
            let mut line = line(&project, node);
            let columns = &lineage.output(node.id).columns;
            line["columns"] = json!(lineage.names(node.id));
            line["columns_known"] = columns.iter().map(|c| json!(c.name.as_deref())).collect();
            lines.push_str(&line.to_string());
            lines.push('\n');
        }
    }
    Ok(lines)
}

fn line(project: &Project, node: &Node) -> Value {
    let mut line = json!({
        "unique_id": node.unique_id,
        "path": project.path(node.file),
        "dialect": project.dialect.dialect.name(),
        "enabled": !node.is_disabled(),
        "materialized": node.config.text("materialized"),
    });
    let Some(sql) = &node.sql else { return line };
    line["status"] = match &sql.sql {
        SqlTree::Parsed(_) => json!("parsed"),
        SqlTree::Empty => json!("empty"),
        SqlTree::NotRead => json!("not read"),
        SqlTree::Failed { message, .. } => json!(format!("failed: {message}")),
    };
    line["rendered"] = json!(sql.rendered);
    line["relations"] = sql.printed.iter().map(relation).collect();
    line["asked"] = sql
        .relations
        .iter()
        .map(|r| relation(&r.relation))
        .collect();
    line["branches_left_out"] = json!(sql.variants.len());
    line["doubtful"] = json!(sql.doubtful.len());
    line["shimmed"] = json!(sql.shimmed.len());
    if let Some(query) = sql.query() {
        let mut ctes = Vec::new();
        ctes_of(query, &mut Vec::new(), &mut ctes);
        let mut selects = Vec::new();
        query.selects_in_scope(&mut |select, scope| {
            selects.push(reads(sql, select, scope));
        });
        line["ctes"] = json!(ctes);
        line["selects"] = json!(selects);
        line["final_select"] = final_select(&query.body);
    }
    line
}

fn relation(relation: &RelationRef) -> Value {
    match relation {
        RelationRef::Ref {
            package,
            name,
            version,
        } => json!({"kind": "ref", "package": package, "name": name, "version": version}),
        RelationRef::Source { source, table } => {
            json!({"kind": "source", "source": source, "name": table})
        }
        RelationRef::This => json!({"kind": "this"}),
        // Functions, metrics and measures are no relations.
        _ => json!({"kind": "other"}),
    }
}

/// Names of the CTEs, each behind those it is nested in. Subqueries' own CTEs are not among them.
fn ctes_of(query: &Query, around: &mut Vec<String>, out: &mut Vec<Vec<String>>) {
    for cte in &query.ctes {
        around.push(cte.name.name.to_string());
        out.push(around.clone());
        ctes_of(&cte.query, around, out);
        around.pop();
    }
    if let Body::Query(inner) = &query.body {
        ctes_of(inner, around, out);
    }
}

/// What one select reads, in order, the names of what it selects, and the CTEs it stands in.
fn reads(sql: &SqlFile, select: &Select, scope: &Scope) -> Value {
    let mut reads = Vec::new();
    for from in &select.from {
        from_reads(sql, from, scope, "from", &mut reads);
    }
    let within: Vec<&str> = scope.within.iter().map(|c| &*c.name.name).collect();
    let items: Vec<Value> = select.items.iter().map(|i| item_name(&i.kind)).collect();
    let (mut columns, mut opaque) = (BTreeSet::new(), false);
    columns_of(select, &mut |e| match &e.kind {
        ExprKind::Column(path) => {
            let names: Vec<String> = path.iter().map(|i| i.name.to_lowercase()).collect();
            columns.insert(names.join("."));
        }
        kind => opaque |= matches!(kind, ExprKind::Opaque),
    });
    json!({
        "within": within,
        "reads": reads,
        "items": items,
        "columns": columns,
        "opaque": opaque,
        "partial": select.partial,
    })
}

/// Visits the expressions of a select, `order by` behind it and its subqueries' own aside.
fn columns_of(select: &Select, visit: &mut dyn FnMut(&Expr)) {
    let mut note = |expr: &Expr| expr.walk(&mut |e| visit(e));
    for item in &select.items {
        match &item.kind {
            ItemKind::Expr { expr, .. } => note(expr),
            ItemKind::Star { options, .. } => options.replace.iter().for_each(|(_, e)| note(e)),
        }
    }
    let clauses = [&select.filter, &select.having, &select.qualify];
    let groups = select.group_by.iter().flatten();
    let clauses = clauses.into_iter().flatten().chain(groups);
    clauses.chain(&select.others).for_each(&mut note);
    for from in &select.from {
        columns_of_from(from, &mut note);
    }
}

fn columns_of_from(from: &From, note: &mut dyn FnMut(&Expr)) {
    for (factor, join) in from.factors() {
        if let Some(Constraint::On(on)) = join.map(|j| &j.constraint) {
            note(on);
        }
        let mut factor = factor;
        while let FactorKind::Derived(inner, exprs) = &factor.kind {
            exprs.iter().for_each(&mut *note);
            factor = inner;
        }
        match &factor.kind {
            FactorKind::Function { args, .. } => args.iter().for_each(&mut *note),
            FactorKind::Nested(inner) => columns_of_from(inner, note),
            _ => {}
        }
    }
}

fn from_reads(sql: &SqlFile, from: &From, scope: &Scope, how: &str, out: &mut Vec<Value>) {
    for (factor, join) in from.factors() {
        let kind = join.map_or(how, |j| match j.kind {
            JoinKind::Inner => "inner",
            JoinKind::Left => "left",
            JoinKind::Right => "right",
            JoinKind::Full => "full",
            JoinKind::Cross => "cross",
            JoinKind::Filtering => "filtering",
            JoinKind::Other => "other",
        });
        let constraint = join.map(|j| match j.constraint {
            Constraint::On(_) => "on",
            Constraint::Using(_) => "using",
            Constraint::Natural => "natural",
            Constraint::None => "none",
        });
        factor_reads(sql, factor, scope, (kind, constraint), out);
    }
}

fn factor_reads(
    sql: &SqlFile,
    factor: &Factor,
    scope: &Scope,
    how: (&str, Option<&str>),
    out: &mut Vec<Value>,
) {
    let what = match &factor.kind {
        FactorKind::Relation(id) => json!({"relation": relation(sql.relation(*id)), "id": id.0}),
        FactorKind::Name(name) => match cte_of(name, scope) {
            // Whether it sees itself depends on `recursive`, which is not in the tree.
            Some(cte) if scope.within.iter().any(|w| std::ptr::eq(*w, cte)) => {
                json!({"itself": cte.name.name})
            }
            Some(cte) => json!({"cte": cte.name.name}),
            None => json!({"name": name.iter().map(|i| &*i.name).collect::<Vec<_>>()}),
        },
        FactorKind::Subquery { .. } => json!("subquery"),
        FactorKind::Function { .. } => json!("function"),
        FactorKind::Opaque => json!("opaque"),
        FactorKind::Derived(inner, _) => return factor_reads(sql, inner, scope, how, out),
        FactorKind::Nested(from) => return from_reads(sql, from, scope, how.0, out),
    };
    let alias = factor.alias.as_ref().map(|a| &*a.name);
    out.push(json!({"join": how.0, "constraint": how.1, "what": what, "alias": alias}));
}

/// The CTE that a name in `from` means.
fn cte_of<'a>(name: &[Ident], scope: &Scope<'a>) -> Option<&'a Cte> {
    let [one] = name else { return None };
    scope
        .ctes
        .iter()
        .rev()
        .copied()
        .find(|c| c.name.is(&one.name))
}

/// Names of what the last select outputs, as far as they stand in it: null for a name that the
/// database makes, `*` for a star, `(unknown)` for what Jinja prints and we do not know.
fn final_select(body: &Body) -> Value {
    match body {
        Body::Select(select) => select.items.iter().map(|i| item_name(&i.kind)).collect(),
        Body::Set { branches, .. } => branches.first().map_or(Value::Null, final_select),
        Body::Query(query) => final_select(&query.body),
        Body::Values(_) | Body::Other(_) | Body::Unread(_) => Value::Null,
    }
}

fn item_name(item: &ItemKind) -> Value {
    match item {
        ItemKind::Star { .. } => json!("*"),
        ItemKind::Expr {
            alias: Some(alias), ..
        } => json!(alias.name),
        ItemKind::Expr { expr, alias: None } => match &expr.kind {
            ExprKind::Column(name) => json!(name.last().map(|i| &*i.name)),
            ExprKind::Opaque => json!("(unknown)"),
            _ => Value::Null,
        },
    }
}
