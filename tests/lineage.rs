//! Output columns, and where they come from.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Files, check_files, only};
use harness_lint::project::Project;
use harness_lint::project::lineage::{Derivation, Lineage, Origin};
use harness_lint::run::Outcome;
use serde_json::Value;

/// `raw.orders` declares its columns, `raw.open` has none declared; `base` has known columns.
const SOURCES: &str = "sources:
- name: raw
  tables:
  - name: orders
    columns: [{name: id}, {name: customer_id}, {name: amount}]
  - name: open
";

fn read(dialect: &str, list: &[(&str, &str)]) -> Outcome {
    let config = format!("dialect: {dialect}\n");
    let given = [
        ("models/_sources.yml", SOURCES),
        (
            "models/base.sql",
            "select id, name as label, 1 as one from {{ source('raw', 'open') }}",
        ),
        ("seeds/countries.csv", "code,\"full name\"\nde,Germany\n"),
        ("harness-lint.yml", &config),
    ];
    let all = given.iter().chain(list);
    let files: Files = all
        .map(|(p, t)| ((*p).to_owned(), (*t).to_owned()))
        .collect();
    check_files(&files, only("graph/broken-ref"))
}

fn origin(project: &Project, origin: &Origin) -> String {
    let from = origin.from.iter().map(|c| {
        let node = project.node(c.node);
        format!("{}.{}", node.display_name(), c.column)
    });
    let from: Vec<String> = from.collect();
    let how = match origin.how {
        Derivation::Pass => "",
        Derivation::Computed => "computed ",
        Derivation::Constant => "constant ",
        Derivation::Unknown => "unknown ",
    };
    format!("{how}{}", from.join("+")).trim().to_owned()
}

/// Each column as `name=origin`; `…` at the end where there may be others.
fn columns(project: &Project, name: &str) -> String {
    let lineage = Lineage::new(project);
    let node = project.nodes.iter().find(|n| n.name == name).unwrap();
    let output = lineage.output(node.id);
    let column = |c: &harness_lint::project::lineage::OutputColumn| {
        format!(
            "{}={}",
            c.name.as_deref().unwrap_or("?"),
            origin(project, &c.origin)
        )
    };
    let mut all: Vec<String> = output.columns.iter().map(column).collect();
    let nameless = output.columns.iter().any(|c| c.name.is_none());
    if lineage.names(node.id).is_none() && !nameless {
        all.push("…".to_owned());
    }
    all.join(", ")
}

fn of(dialect: &str, sql: &str) -> String {
    let outcome = read(dialect, &[("models/m.sql", sql)]);
    columns(&outcome.prepared.project, "m")
}

#[track_caller]
fn is(sql: &str, expected: &str) {
    assert_eq!(of("snowflake", sql), expected, "{sql}");
}

#[test]
fn columns_of_one_relation() {
    is(
        "select id, b.label as l, id + 1 as n, 'x' as k, count(*) as c, label || one as both from {{ ref('base') }} b",
        "id=base.id, l=base.label, n=computed base.id, k=constant, c=computed, \
         both=computed base.label+base.one",
    );
    is(
        "select id, nobody_knows from {{ source('raw', 'open') }}",
        "id=raw.open.id, nobody_knows=raw.open.nobody_knows",
    );
    is(
        "select current_timestamp as at, current_timestamp() as at2, null as n",
        "at=computed, at2=computed, n=constant",
    );
}

#[test]
fn stars_go_through_ctes_models_seeds_and_declared_sources() {
    is(
        "with s as (select * from {{ ref('base') }}), r as (select s.*, one * 2 as two from s) select * from r",
        "id=base.id, label=base.label, one=base.one, two=computed base.one",
    );
    is(
        "select * from {{ ref('countries') }}",
        "code=countries.code, full name=countries.full name",
    );
    is(
        "select * from {{ source('raw', 'orders') }}",
        "id=raw.orders.id, customer_id=raw.orders.customer_id, amount=raw.orders.amount",
    );
    is("select * from {{ source('raw', 'open') }}", "…");
    is(
        "with s as (select * from {{ source('raw', 'open') }}) select a, b as c from s",
        "a=raw.open.a, c=raw.open.b",
    );
    is(
        "select * exclude (one) replace (upper(label) as label) rename (id as key) from {{ ref('base') }}",
        "key=base.id, label=computed base.label",
    );
    is("select * ilike '%d%' from {{ ref('base') }}", "…");
    is("select * from some.table_by_hand", "…");
}

#[test]
fn a_source_that_is_read_beyond_its_declaration_has_other_columns() {
    let outcome = read(
        "snowflake",
        &[
            (
                "models/m.sql",
                "select * from {{ source('raw', 'orders') }}",
            ),
            ("models/n.sql", "select id, note from {{ ref('m') }}"),
        ],
    );
    let project = &outcome.prepared.project;
    assert!(columns(project, "m").ends_with("…"));
    assert_eq!(columns(project, "n"), "id=m.id, note=m.note");
}

#[test]
fn joins() {
    is(
        "select o.id, label, amount from {{ source('raw', 'orders') }} o left join {{ ref('base') }} b on o.id = b.id",
        "id=raw.orders.id, label=base.label, amount=raw.orders.amount",
    );
    // Both have it: the database would refuse the name.
    is(
        "select id from {{ source('raw', 'orders') }} o join {{ ref('base') }} b on o.id = b.id",
        "id=unknown",
    );
    // One of them may have it.
    is(
        "select x.z, q from {{ ref('base') }} b join {{ source('raw', 'open') }} x on true",
        "z=raw.open.z, q=raw.open.q",
    );
    is(
        "select q from {{ source('raw', 'open') }} a join {{ source('raw', 'open') }} b on true",
        "q=unknown",
    );
    is(
        "select * from {{ ref('base') }} b join {{ source('raw', 'orders') }} o using (id)",
        "id=base.id, label=base.label, one=base.one, customer_id=raw.orders.customer_id, \
         amount=raw.orders.amount",
    );
    let duck = "select * from {{ source('raw', 'orders') }} o full join (select one, id from {{ ref('base') }}) b using (id)";
    assert_eq!(
        of("duckdb", duck),
        "id=computed base.id+raw.orders.id, customer_id=raw.orders.customer_id, \
         amount=raw.orders.amount, one=base.one"
    );
    let swapped = "select * from (select one, id from {{ ref('base') }}) b join {{ source('raw', 'orders') }} o using (id)";
    let id = |list: String| list.split(", ").position(|c| c.starts_with("id="));
    assert_eq!(id(of("duckdb", swapped)), Some(1));
    assert_eq!(id(of("postgres", swapped)), Some(0));
    assert_eq!(
        of(
            "duckdb",
            "select * from {{ ref('base') }} semi join {{ source('raw', 'orders') }} o on true"
        ),
        "id=base.id, label=base.label, one=base.one"
    );
}

#[test]
fn set_operations_take_names_from_the_first_branch() {
    is(
        "select id as a, one as b from {{ ref('base') }} union all select customer_id, 2 from {{ source('raw', 'orders') }}",
        "a=base.id+raw.orders.customer_id, b=computed base.one",
    );
    is(
        "select id from {{ ref('base') }} except select id from {{ source('raw', 'orders') }}",
        "id=base.id",
    );
    is(
        "with u as (select * from {{ source('raw', 'open') }} union all select * from {{ ref('base') }}) select id from u",
        "id=base.id+raw.open.id",
    );
    assert_eq!(
        of(
            "duckdb",
            "select id from {{ ref('base') }} union all by name select amount, id from {{ source('raw', 'orders') }}"
        ),
        "id=base.id+raw.orders.id, amount=raw.orders.amount"
    );
}

#[test]
fn subqueries_lambdas_windows_and_functions() {
    is(
        "select (select max(amount) from {{ source('raw', 'orders') }} o where o.id = b.id) as m from {{ ref('base') }} b",
        "m=computed raw.orders.amount",
    );
    is(
        "select row_number() over (partition by label order by id) as rn from {{ ref('base') }}",
        "rn=computed base.id+base.label",
    );
    is(
        "select f.value:name::string as n, f.index as i from {{ ref('base') }} b, lateral flatten(input => b.label) f",
        "n=computed base.label, i=computed base.label",
    );
    assert_eq!(
        of(
            "bigquery",
            "select item, item.price as p from {{ ref('base') }} b, unnest(b.label) as item"
        ),
        "item=computed base.label, p=computed base.label"
    );
    assert_eq!(
        of(
            "duckdb",
            "select list_transform(label, x -> x + one) as l from {{ ref('base') }}"
        ),
        "l=computed base.label+base.one"
    );
    assert_eq!(
        of(
            "postgres",
            "select a, b from {{ ref('base') }} t cross join lateral (values (1, 2)) as v (a, b)"
        ),
        "a=unknown, b=unknown"
    );
}

#[test]
fn aliases_of_the_same_list() {
    is(
        "select id + 1 as n, n * 2 as m from {{ ref('base') }}",
        "n=computed base.id, m=computed base.id",
    );
    // A column of the relation comes before the alias, except in ClickHouse.
    let sql = "select one + 1 as id, id as x from {{ ref('base') }}";
    is(sql, "id=computed base.one, x=base.id");
    assert_eq!(
        of("clickhouse", sql),
        "id=computed base.one, x=computed base.one"
    );
    // Postgres knows no such alias.
    assert_eq!(
        of(
            "postgres",
            "select id + 1 as n, n * 2 as m from {{ ref('base') }}"
        ),
        "n=computed base.id, m=unknown"
    );
}

#[test]
fn recursion_ends() {
    is(
        "with recursive r (k, depth) as (select id, 1 from {{ ref('base') }} union all select k, depth + 1 from r) select k, depth from r",
        "k=unknown base.id, depth=unknown",
    );
}

#[test]
fn a_column_without_a_name_is_unknown_where_the_database_makes_one_up() {
    is("select count(*) from {{ ref('base') }}", "?=computed");
    assert_eq!(
        of(
            "postgres",
            "select count(*), id::text from {{ ref('base') }}"
        ),
        "count=computed, id=computed base.id"
    );
}

#[test]
fn what_jinja_may_print_makes_a_list_uncertain() {
    is(
        "select id, {{ some_package.columns() }} from {{ ref('base') }}",
        "id=base.id, …",
    );
    is(
        "select id {{ some_package.more() }} from {{ ref('base') }}",
        "id=base.id, …",
    );
    is(
        "select id, {{ some_package.x() }} as y from {{ ref('base') }}",
        "id=base.id, y=unknown",
    );
    is(
        "select id {% if env_var('X') == 'a' %}, one {% endif %} from {{ ref('base') }}",
        "id=base.id, one=base.one, …",
    );
    is(
        "select id {% for c in run_query('x') %}, one as a {% endfor %} from {{ ref('base') }}",
        "id=base.id, a=base.one, …",
    );
    is(
        "select id {% if true %}, one {% endif %} {% for c in ['a', 'b'] %}, label as {{ c }}{% endfor %} from {{ ref('base') }}",
        "id=base.id, one=base.one, a=base.label, b=base.label",
    );
    // Behind the relations it cannot change a name.
    is(
        "select id from {{ ref('base') }} {{ some_package.limit() }}",
        "id=base.id",
    );
}

#[test]
fn a_macro_of_the_project_is_looked_into() {
    let outcome = read(
        "snowflake",
        &[
            (
                "macros/c.sql",
                "{% macro pair(c) %}{{ c }} as a, upper({{ c }}) as b{% endmacro %}",
            ),
            (
                "models/m.sql",
                "select id, {{ pair('label') }} from {{ ref('base') }}",
            ),
        ],
    );
    assert_eq!(
        columns(&outcome.prepared.project, "m"),
        "id=base.id, a=base.label, b=computed base.label"
    );
}

#[test]
fn snapshots_have_dbts_columns_too() {
    let snapshot = "{% snapshot s %}{{ config(unique_key='id', strategy='check', check_cols='all', hard_deletes='new_record', snapshot_meta_column_names={'dbt_valid_to': 'until'}) }} select id from {{ ref('base') }}{% endsnapshot %}";
    let outcome = read(
        "snowflake",
        &[
            ("snapshots/s.sql", snapshot),
            ("models/m.sql", "select * from {{ ref('s') }}"),
        ],
    );
    assert_eq!(
        columns(&outcome.prepared.project, "m"),
        "id=s.id, dbt_scd_id=s.dbt_scd_id, dbt_updated_at=s.dbt_updated_at, \
         dbt_valid_from=s.dbt_valid_from, until=s.until, dbt_is_deleted=s.dbt_is_deleted"
    );
}

#[test]
fn an_enforced_contract_says_what_a_query_does_not() {
    let yaml = "models:\n- name: m\n  config: {contract: {enforced: true}}\n  columns: [{name: a, data_type: int}, {name: b, data_type: int}]\n";
    let outcome = read(
        "snowflake",
        &[
            ("models/m.sql", "select * from x.y"),
            ("models/_m.yml", yaml),
        ],
    );
    let project = &outcome.prepared.project;
    let lineage = Lineage::new(project);
    let id = project.by_unique_id("model.shop.m").unwrap().id;
    assert_eq!(lineage.names(id), Some(vec!["a", "b"]));
}

#[test]
fn who_reads_a_column() {
    let outcome = read(
        "snowflake",
        &[
            (
                "models/a.sql",
                "select label as name, id from {{ ref('base') }} where one = 1",
            ),
            ("models/b.sql", "select id from {{ ref('base') }}"),
            ("models/c.sql", "select * from {{ ref('base') }}"),
        ],
    );
    let project = &outcome.prepared.project;
    let lineage = Lineage::new(project);
    let base = project.by_unique_id("model.shop.base").unwrap().id;
    let readers = |column: &str| {
        let readers = lineage.readers(base, column).into_iter();
        let line =
            |(id, made): (_, Vec<&str>)| format!("{}:{}", project.node(id).name, made.join("+"));
        readers.map(line).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(readers("label"), "a:name c:label");
    assert_eq!(readers("ONE"), "a: c:one");
    assert_eq!(readers("id"), "a:id b:id c:id");
    let a = project.by_unique_id("model.shop.a").unwrap().id;
    assert_eq!(
        origin(project, lineage.origin(a, "name").unwrap()),
        "base.label"
    );
}

#[test]
fn cycles_and_hostile_queries_end() {
    let mut doubling = "with c0 as (select * from {{ ref('base') }})".to_owned();
    for i in 1..40 {
        doubling.push_str(&format!(
            ", c{i} as (select a.*, b.* from c{0} a, c{0} b)",
            i - 1
        ));
    }
    doubling.push_str(" select * from c39");
    let mut nested = "select id from {{ ref('base') }}".to_owned();
    for _ in 0..40 {
        nested =
            format!("with recursive r as ({nested} union all select id from r) select id from r");
    }
    let outcome = read(
        "snowflake",
        &[
            ("models/m.sql", &doubling),
            ("models/n.sql", &nested),
            ("models/x.sql", "select * from {{ ref('y') }}"),
            ("models/y.sql", "select *, 1 as b from {{ ref('x') }}"),
        ],
    );
    let project = &outcome.prepared.project;
    assert_eq!(columns(project, "m"), "…");
    assert!(!columns(project, "n").is_empty());
    assert_eq!(columns(project, "x"), "…");
    assert_eq!(columns(project, "y"), "b=constant, …");
}

#[test]
fn graph_prints_columns_and_their_edges() {
    let dir = tempfile::tempdir().unwrap();
    let files = [
        ("models/_sources.yml", SOURCES),
        (
            "models/base.sql",
            "select id, upper(amount) as amount from {{ source('raw', 'orders') }}",
        ),
        ("models/m.sql", "select * from {{ ref('base') }}"),
        (
            "models/open.sql",
            "select * from {{ source('raw', 'open') }}",
        ),
    ];
    let files: Files = files
        .iter()
        .map(|(p, t)| ((*p).into(), (*t).into()))
        .collect();
    common::write(dir.path(), &files);
    let run = |args: &[&str]| {
        let output = assert_cmd::Command::cargo_bin("harness-lint")
            .unwrap()
            .args(args)
            .current_dir(dir.path())
            .output()
            .unwrap();
        assert!(output.status.success());
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let graph = run(&["graph", "--columns"]);
    let node = |id: &str| {
        let nodes = graph["nodes"].as_array().unwrap();
        nodes.iter().find(|n| n["unique_id"] == id).unwrap().clone()
    };
    assert_eq!(
        node("model.shop.m")["columns"],
        serde_json::json!(["id", "amount"])
    );
    assert_eq!(node("model.shop.open")["columns"], Value::Null);
    assert!(
        node("model.shop.open")
            .as_object()
            .unwrap()
            .contains_key("columns")
    );
    assert!(
        !node("source.shop.raw.open")
            .as_object()
            .unwrap()
            .contains_key("columns")
    );
    assert_eq!(
        graph["column_edges"],
        serde_json::json!([
            ["model.shop.base", "amount", "model.shop.m", "amount"],
            ["model.shop.base", "id", "model.shop.m", "id"],
            [
                "source.shop.raw.orders",
                "amount",
                "model.shop.base",
                "amount"
            ],
            ["source.shop.raw.orders", "id", "model.shop.base", "id"],
        ])
    );
    let plain = run(&["graph"]);
    assert!(plain.get("column_edges").is_none());
    assert!(plain["nodes"][0].get("columns").is_none());
}

#[test]
fn what_replaces_a_column_of_a_star_is_looked_into() {
    let sql = "select * replace ((select max(x) from raw.by_hand) as one) from {{ ref('base') }}";
    let files = [
        ("models/base.sql", "select 1 as one"),
        ("models/m.sql", sql),
        ("harness-lint.yml", "dialect: bigquery\n"),
    ];
    let files: Files = files
        .iter()
        .map(|(p, t)| ((*p).into(), (*t).into()))
        .collect();
    let outcome = check_files(&files, only("graph/hardcoded-relation"));
    let found = &outcome.checked.findings;
    assert_eq!(found.len(), 1);
    let text = outcome.prepared.project.text(found[0].primary.span);
    assert_eq!(text, "raw.by_hand");
}
