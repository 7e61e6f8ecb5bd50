use crate::project::{Node, Project, ResourceType};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink};
use crate::syntax::jinja::RelationRef;
use crate::syntax::printed_name::{PrintedName, Settings};
use crate::syntax::sql::Dialect;
use crate::syntax::sql::tree::{
    Body, Constraint, Cte, Factor, FactorKind, From, Ident, Join, Query, Scope, Select,
};
use crate::syntax::template::SqlFile;
use crate::syntax::yaml;
use crate::text::Span;
use crate::violation::{Applicability, Confidence, Edit, Fix, Severity, Violation};
use rustc_hash::{FxHashMap, FxHashSet};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;
use std::cell::OnceCell;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HardcodedRelation {}

impl BuiltIn for HardcodedRelation {
    const META: Meta = Meta {
        id: Borrowed("graph/hardcoded-relation"),
        severity: Severity::Error,
        confidence: Confidence::Certain,
        fix: FixAvailability::Sometimes,
        preset: Some(Preset::Minimal),
        doc: Borrowed(include_str!(
            "../../../rules/graph/hardcoded-relation/README.md"
        )),
    };
}

impl Rule for HardcodedRelation {
    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        judge(cx.project, model, &mut |v| sink.push(v));
    }

    fn project(&self, cx: &Cx, sink: &mut Sink) {
        let own = |n: &&Node| n.is_own() && !n.is_disabled();
        let nodes = cx.project.nodes.iter().filter(own);
        for snapshot in nodes.filter(|n| n.resource_type == ResourceType::Snapshot) {
            judge(cx.project, snapshot, &mut |v| {
                sink.push_on(Some(snapshot.id), v)
            });
        }
    }
}

fn judge(project: &Project, node: &Node, report: &mut dyn FnMut(Violation)) {
    // Nobody mends what is to be deleted.
    if project.is_deprecated(node) {
        return;
    }
    let Some(sql) = &node.sql else { return };
    let mut names: Vec<Name> = Vec::new();
    // A variant may take the branch that reads a CTE without the one that defines it.
    let mut defined: Vec<&str> = Vec::new();
    let several = !sql.variants.is_empty() || sql.loose().next().is_some();
    for query in sql.readings().chain(sql.loose()).filter(|_| several) {
        query.selects_in_scope(&mut |_, scope| {
            defined.extend(scope.ctes.iter().map(|c| &*c.name.name));
        });
    }
    let whole = sql.readings().map(|q| (q, false));
    for (query, loose) in whole.chain(sql.loose().map(|q| (q, true))) {
        let mut here = Here::new(project, node, sql, query);
        here.open |= loose;
        query.selects_in_scope(&mut |select, scope| {
            for from in &select.from {
                each_factor(from, None, &mut |factor, join| {
                    if let Some(name) = here.table(factor, join, select, scope) {
                        add(&mut names, name);
                    }
                });
            }
        });
    }
    names.retain(|n| {
        let same = |d: &&str| n.parts.len() == 1 && d.eq_ignore_ascii_case(&n.parts[0]);
        !defined.iter().any(same)
    });
    names.sort_by_key(|n| n.spans[0]);
    for name in names {
        report(finding(project, node, name));
    }
}

/// A table that a file names.
struct Name {
    /// Its parts without quotes.
    parts: Vec<String>,
    /// How many of the first parts Jinja has a hand in.
    printed: usize,
    /// Every place, in order.
    spans: Vec<Span>,
}

impl Name {
    fn dotted(&self) -> String {
        self.parts.join(".")
    }
}

fn add(names: &mut Vec<Name>, mut name: Name) {
    let key = name.dotted().to_lowercase();
    match names.iter_mut().find(|n| n.dotted().to_lowercase() == key) {
        Some(known) => {
            known.spans.append(&mut name.spans);
            known.spans.sort();
            // A loop that is unrolled shows one place several times.
            known.spans.dedup();
        }
        None => names.push(name),
    }
}

/// Every relation of a `from`, within parentheses and pivots too.
fn each_factor<'a>(
    from: &'a From,
    around: Option<&'a Join>,
    visit: &mut dyn FnMut(&'a Factor, Option<&'a Join>),
) {
    for (factor, join) in from.factors() {
        let join = join.or(around);
        let mut factor = factor;
        while let FactorKind::Derived(inner, _) = &factor.kind {
            factor = inner;
        }
        match &factor.kind {
            FactorKind::Nested(inner) => each_factor(inner, join, visit),
            _ => visit(factor, join),
        }
    }
}

/// What decides, in one file, whether a name is a table.
struct Here<'a> {
    project: &'a Project,
    sql: &'a SqlFile,
    text: &'a str,
    /// What the file sets, read when somebody asks.
    settings: OnceCell<Settings>,
    dialect: Dialect,
    /// Every CTE of the file, by its name in lower case.
    ctes: FxHashMap<String, Vec<&'a Cte>>,
    /// Names may be defined where they are not seen: by a macro that prints CTEs, or by another
    /// statement of the file.
    open: bool,
}

impl<'a> Here<'a> {
    fn new(project: &'a Project, node: &Node, sql: &'a SqlFile, query: &'a Query) -> Self {
        let text = &project.files.get(node.file).text;
        let mut ctes: FxHashMap<String, Vec<&Cte>> = FxHashMap::default();
        let mut seen = FxHashSet::default();
        query.selects(&mut |_, scope| {
            // Those before the last were there when it was reached.
            let new = scope.iter().rev();
            for cte in new.take_while(|c| seen.insert(std::ptr::from_ref(**c))) {
                let named = ctes.entry(cte.name.name.to_ascii_lowercase());
                named.or_default().push(cte);
            }
        });
        let open = !query.alone || may_define_ctes(text, sql, query) || may_define_tables(text);
        Self {
            project,
            sql,
            text,
            settings: OnceCell::new(),
            dialect: project.dialect.dialect,
            ctes,
            open,
        }
    }

    /// The table that a relation is, where it is one that `ref` or `source` should name.
    fn table(
        &self,
        factor: &Factor,
        join: Option<&Join>,
        select: &Select,
        scope: &Scope,
    ) -> Option<Name> {
        if let Some(name) = PrintedName::of_factor(self.text, factor) {
            return self.printed(factor, join, select, &name);
        }
        let FactorKind::Name(idents) = &factor.kind else {
            return None;
        };
        // A CTE may be called `"raw.orders"`, dot and all.
        if let [one] = &idents[..]
            && self.is_cte(&one.name, scope)
        {
            return None;
        }
        let (span, parts) = self.as_written(factor, idents)?;
        if is_system(self.dialect, &parts) {
            return None;
        }
        let hidden = match &parts[..] {
            [one] => self.open || is_no_table(one),
            [first, ..] => self.is_bound(first, join, select, scope),
            [] => true,
        };
        let name = Name {
            parts,
            printed: 0,
            spans: vec![span],
        };
        (!hidden).then_some(name)
    }

    /// The table of a name whose schema or database Jinja prints, where the rest stands there as it
    /// is.
    fn printed(
        &self,
        factor: &Factor,
        join: Option<&Join>,
        select: &Select,
        name: &PrintedName,
    ) -> Option<Name> {
        let (last, places) = name.parts.split_last()?;
        let printed = 1 + places.iter().rposition(|p| !p.is_literal())?;
        let settings = self.settings.get_or_init(|| Settings::of(self.text));
        if !last.is_literal() || !places.iter().all(|p| p.is_place(settings)) {
            return None;
        }
        // `from orders, {{ var('alias') }}.items` may be a nested column.
        let first = select.from.first().map(|f| f.first.span);
        let loose = join.is_none_or(|j| matches!(j.constraint, Constraint::None));
        if loose && first != Some(factor.span) && !places[0].is_of_target() {
            return None;
        }
        let parts: Vec<String> = name.parts.iter().map(|p| p.text.clone()).collect();
        let name = Name {
            printed,
            spans: vec![Span::new(
                factor.span.file,
                name.place.start,
                name.place.end,
            )],
            parts,
        };
        (!is_system(self.dialect, &name.parts)).then_some(name)
    }

    /// The place and the parts of a name that stands in the file as it is: neither built by Jinja
    /// nor a file, a stage or a positional name.
    fn as_written(&self, factor: &Factor, idents: &[Ident]) -> Option<(Span, Vec<String>)> {
        let wanted: Vec<&str> = idents.iter().map(|i| &*i.name).collect();
        let wanted = wanted.join(".");
        let span = self.whole_name(factor.span, &wanted)?;
        let is_path = wanted.contains(['@', '#', '/', '\\', '$', '\'']);
        let parts: Vec<String> = wanted.split('.').map(str::to_owned).collect();
        (!is_path && parts.iter().all(|p| !p.is_empty())).then_some((span, parts))
    }

    /// The place whose text is this name but for quotes and white space. BigQuery's names with
    /// dashes are several tokens, of which the tree's place holds the first.
    fn whole_name(&self, span: Span, wanted: &str) -> Option<Span> {
        let text = self.project.text(span);
        if bare(text) == wanted {
            return Some(span);
        }
        let file = &self.project.files.get(span.file).text;
        let end = span.start as usize + wanted.len();
        let literal = file.get(span.start as usize..end)?;
        let ends = !file[end..].starts_with(|c: char| c.is_alphanumeric() || "_-.".contains(c));
        (literal == wanted && ends).then(|| Span::new(span.file, span.start as usize, end))
    }

    /// A CTE of the file; some engines let one be read before it is defined. Inside a CTE that is
    /// no set operation its own name cannot be itself: it is the table.
    fn is_cte(&self, name: &str, scope: &Scope) -> bool {
        let own = |cte: &Cte| {
            let inside = scope.within.iter().any(|w| std::ptr::eq(*w, cte));
            inside && !matches!(cte.query.body, Body::Set { .. })
        };
        let named = self.ctes.get(&name.to_ascii_lowercase());
        named.is_some_and(|named| named.iter().any(|cte| !own(cte)))
    }

    /// Does a part of a row bear this name: an alias or a relation of the same or of an outer
    /// select, whose nested column stands behind the dot?
    fn is_bound(&self, first: &str, join: Option<&Join>, select: &Select, scope: &Scope) -> bool {
        let unjoined = join.is_none_or(|j| matches!(j.constraint, Constraint::None));
        let selects = std::iter::once(select).chain(scope.outer.iter().copied());
        let mut bound = false;
        for from in selects.flat_map(|s| &s.from) {
            each_factor(from, None, &mut |f, _| {
                bound |= match (&f.alias, &f.kind) {
                    (Some(alias), _) => alias.is(first),
                    (None, FactorKind::Relation(id)) => self.relation_is(*id, first),
                    // Nobody knows what it is called.
                    (None, FactorKind::Opaque) => unjoined,
                    (None, FactorKind::Name(name)) => {
                        name.len() == 1 && name[0].is(first)
                            || name.len() > 1
                                && name.last().is_some_and(|n| n.is(first))
                                && !name[0].is(first)
                    }
                    _ => false,
                };
            });
        }
        bound
    }

    fn relation_is(&self, id: crate::syntax::jinja::RelationId, name: &str) -> bool {
        let called = match self.sql.relation(id) {
            RelationRef::Ref { name, .. } => name,
            RelationRef::Source { table, .. } => table,
            _ => return true,
        };
        called
            .as_ref()
            .is_none_or(|called| called.eq_ignore_ascii_case(name))
    }
}

/// Text without quotes and white space.
fn bare(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '"' | '`' | '[' | ']'))
        .collect()
}

/// May a macro print CTEs here? Either a CTE's very name is printed, or the output of a macro that
/// nobody looked into stands outside the CTEs, before the last select.
fn may_define_ctes(text: &str, sql: &SqlFile, query: &Query) -> bool {
    if query.ctes.iter().any(|c| c.name.is_opaque()) {
        return true;
    }
    let Some(last) = first_select(&query.body) else {
        return false;
    };
    let printed = |at: &Span| {
        let before = text.get(..at.start as usize).unwrap_or("").trim_end();
        before.ends_with("{{") || before.ends_with("{{-")
    };
    let loose = |at: &Span| {
        at.start < last.keyword.start && !query.ctes.iter().any(|c| c.span.contains(*at))
    };
    sql.macros.iter().any(|(_, at)| loose(at) && printed(at))
}

fn first_select(body: &Body) -> Option<&Select> {
    match body {
        Body::Select(select) => Some(select),
        Body::Set { branches, .. } => first_select(branches.first()?),
        Body::Query(query) => first_select(&query.body),
        Body::Values(_) | Body::Other(_) | Body::Unread(_) => None,
    }
}

/// Does the file make tables of its own before it reads them, in a hook perhaps?
fn may_define_tables(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let makes = |what: &str| {
        let mut rest = text.match_indices("create");
        rest.any(|(at, _)| {
            let words = text[at..].split_whitespace().take(6);
            words.skip(1).any(|w| w.trim_end_matches('(') == what)
        })
    };
    makes("table") || makes("view")
}

/// Names that stand in `from` and are no relation, or dbt's own.
fn is_no_table(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    matches!(
        name.as_str(),
        "dual" | "unnest" | "lateral" | "values" | "information_schema"
    ) || name.starts_with("__dbt__cte__")
}

/// Schemas of the platform itself, which no project can declare as its own: `information_schema`
/// anywhere in the name, the catalogs of each engine, Snowflake's shared database.
fn is_system(dialect: Dialect, parts: &[String]) -> bool {
    let parts: Vec<String> = parts.iter().map(|p| p.to_ascii_lowercase()).collect();
    let last = parts.last().map_or("", String::as_str);
    if parts.iter().any(|p| p == "information_schema") || last.starts_with("__tables") {
        return true;
    }
    const SCHEMAS: &[&str] = &[
        "pg_catalog",
        "sys",
        "system",
        "account_usage",
        "organization_usage",
        "performance_schema",
        "sysibm",
    ];
    if let [.., schema, _] = &parts[..] {
        let database = parts[0].as_str();
        return SCHEMAS.contains(&schema.as_str())
            || ["snowflake", "system"].contains(&database)
            || is_file_format(dialect, &parts);
    }
    let prefixes: &[&str] = match dialect {
        Dialect::Redshift => &["pg_", "stl_", "stv_", "svv_", "svl_", "svcs_", "sys_"],
        Dialect::Postgres => &["pg_"],
        Dialect::Sqlite => &["sqlite_"],
        Dialect::DuckDb => &["duckdb_", "pg_", "sqlite_"],
        _ => &[],
    };
    prefixes.iter().any(|p| last.starts_with(p))
}

/// Spark reads a file as a table: ``parquet.`s3://…` ``.
fn is_file_format(dialect: Dialect, parts: &[String]) -> bool {
    const FORMATS: &[&str] = &["parquet", "delta", "json", "csv", "orc", "avro", "text"];
    matches!(dialect, Dialect::Databricks | Dialect::Spark) && FORMATS.contains(&parts[0].as_str())
}

fn finding(project: &Project, node: &Node, name: Name) -> Violation {
    let dotted = name.dotted();
    let known = meant(project, node, &name.parts[name.printed..]);
    let why = "dbt sees no edge to it, builds the two in any order and points every environment at the same table";
    let message = match name.parts.len() {
        _ if name.printed > 0 => format!(
            "`{dotted}` is a table named by hand, although Jinja prints where it lies: dbt sees no edge to it and builds the two in any order"
        ),
        1 => format!("`{dotted}` is no CTE of this file, so it is a table named by hand: {why}"),
        _ => format!("`{dotted}` is a table named by hand: {why}"),
    };
    let mut found = Violation::new(name.spans[0], message).symbol(dotted.to_lowercase());
    for span in &name.spans[1..] {
        found = found.related(*span, "named here too");
    }
    if name.parts.len() == 1 {
        // A session may have set a schema, and some grammars have names of rows here.
        found = found
            .severity(Severity::Warn)
            .confidence(Confidence::Likely);
    }
    if name.printed > 0 {
        // Only a run knows what it is called.
        found = found.confidence(Confidence::Likely);
    }
    match known {
        Meant::Itself => found.help("this is the model itself: write `{{ this }}`"),
        Meant::Call(call) => {
            let edit = |span: &Span| Edit {
                span: *span,
                text: call.clone(),
            };
            let fix = Fix {
                title: format!("replace `{dotted}` by `{call}`"),
                applicability: Applicability::Suggested,
                edits: name.spans.iter().map(edit).collect(),
            };
            found.help(format!("write `{call}`")).fix(fix)
        }
        Meant::Nothing => {
            let known = name.parts[name.printed..].join(".");
            let jinja = match name.printed {
                0 => "",
                _ => ", whose `schema:` and `database:` take the same Jinja,",
            };
            found.help(format!(
                "declare `{known}` as a source{jinja} and write `{{{{ source(…) }}}}`, or `{{{{ ref(…) }}}}` where a model builds it"
            ))
        }
    }
}

/// What a table named by hand probably is.
enum Meant {
    /// The node that names it.
    Itself,
    /// This call.
    Call(String),
    /// No node, or several.
    Nothing,
}

/// The one node of the project that has this identifier. A source whose schema is the one named
/// is surer than a node that merely has the name.
fn meant(project: &Project, node: &Node, parts: &[String]) -> Meant {
    let mut surely: Vec<&Node> = Vec::new();
    let mut perhaps: Vec<&Node> = Vec::new();
    for other in project
        .nodes
        .iter()
        .filter(|n| n.is_own() && !n.is_disabled())
    {
        match likeness(project, other, parts) {
            Some(true) => surely.push(other),
            Some(false) => perhaps.push(other),
            None => {}
        }
    }
    let found = match (&surely[..], &perhaps[..]) {
        ([one], _) | ([], [one]) => *one,
        _ => return Meant::Nothing,
    };
    if found.id == node.id {
        return Meant::Itself;
    }
    // dbt would refuse the cycle.
    if project.graph.descendants(node.id, None).contains(&found.id) {
        return Meant::Nothing;
    }
    Meant::Call(call(found))
}

fn call(node: &Node) -> String {
    match (&node.source_name, &node.version) {
        (Some(source), _) => format!("{{{{ source('{source}', '{}') }}}}", node.name),
        (None, Some(v)) => format!("{{{{ ref('{}', v={v}) }}}}", node.name),
        (None, None) => format!("{{{{ ref('{}') }}}}", node.name),
    }
}

/// Is this node's table called so? `Some(true)` where the schema is known to agree, `Some(false)`
/// where it is not known.
fn likeness(project: &Project, node: &Node, parts: &[String]) -> Option<bool> {
    // Some projects name their models `schema.table`.
    if node.resource_type.is_refable() && node.name.contains('.') {
        let dotted = parts.join(".");
        return node.name.eq_ignore_ascii_case(&dotted).then_some(true);
    }
    let (last, schema) = match parts {
        [.., schema, last] => (last, Some(schema)),
        [last] => (last, None),
        [] => return None,
    };
    if node.resource_type == ResourceType::Source {
        let table = source_table(project, node)?;
        if !table.identifier.eq_ignore_ascii_case(last) {
            return None;
        }
        return match (schema, table.schema) {
            (Some(wanted), Some(known)) => known.eq_ignore_ascii_case(wanted).then_some(true),
            _ => Some(false),
        };
    }
    let called = match (node.config.text("alias"), &node.version) {
        (Some(alias), _) => alias.to_owned(),
        (None, Some(v)) => format!("{}_v{v}", node.name),
        (None, None) => node.name.clone(),
    };
    (node.resource_type.is_refable() && called.eq_ignore_ascii_case(last)).then_some(false)
}

/// Where a source table lies.
struct SourceTable<'p> {
    identifier: &'p str,
    /// None where Jinja says it.
    schema: Option<&'p str>,
}

fn source_table<'p>(project: &'p Project, node: &'p Node) -> Option<SourceTable<'p>> {
    let properties = node.properties.as_ref()?;
    let tree = project.yaml.get(&properties.file)?;
    let entry = tree.node(properties.entry);
    let identifier = match entry.get("identifier") {
        Some(written) => literal(written)?,
        None => &node.name,
    };
    let sources = tree.root()?.get("sources")?.resolve();
    let holds = |source: &yaml::Node| {
        let tables = source.get("tables").map(|t| t.resolve().items());
        let mut tables = tables.into_iter().flatten();
        tables.any(|t| t.resolve().id() == properties.entry)
    };
    let source = sources.items().find(holds)?;
    let schema = match source.get("schema") {
        Some(written) => literal(written),
        None => node.source_name.as_deref(),
    };
    Some(SourceTable { identifier, schema })
}

/// A text without Jinja.
fn literal(node: yaml::Node<'_>) -> Option<&str> {
    node.as_str().filter(|s| !s.contains("{{"))
}
