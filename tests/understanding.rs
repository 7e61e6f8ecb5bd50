//! What dbt makes of a project, from files alone. Each expectation was seen in a manifest of real
//! dbt (see `compare_dbt.py`).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Files, check_files, only};
use harness_lint::project::Project;
use harness_lint::project::lineage::Lineage;
use harness_lint::run::Outcome;

fn read(list: &[(&str, &str)]) -> Outcome {
    let all = list.iter().map(|(p, t)| ((*p).to_owned(), (*t).to_owned()));
    let files: Files = all.collect();
    check_files(&files, only("graph/broken-ref"))
}

fn tags(project: &Project, unique_id: &str) -> Vec<String> {
    let mut tags = project.by_unique_id(unique_id).unwrap().config.tags();
    tags.sort();
    tags
}

fn parents(project: &Project, unique_id: &str) -> Vec<String> {
    let node = project.by_unique_id(unique_id).unwrap();
    let parents = project.graph.parents(node.id).into_iter();
    parents
        .map(|(id, _)| project.node(id).unique_id.clone())
        .collect()
}

const PROJECT: &str = "name: shop
vars: {on: true, text: 'no'}
models:
  +tags: all
  shop:
    gated: {+enabled: \"{{ var('on', false) }}\"}
    named: {+tags: \"{{ var('text', 'unset') }}\"}
seeds: {shop: {+tags: seeds}}
sources: {shop: {+tags: sources}}
exposures: {shop: {+tags: exposures}}
analyses: {shop: {+tags: analyses}}
";

#[test]
fn dbt_project_yml_does_not_see_its_own_variables_and_property_files_do() {
    let yaml = "models:\n- {name: c, config: {tags: \"{{ var('text') }}\"}}\n";
    let outcome = read(&[
        ("dbt_project.yml", PROJECT),
        ("models/gated/a.sql", "select 1 as id"),
        ("models/named/b.sql", "select 1 as id"),
        (
            "models/c.sql",
            "{{ config(enabled=var('on')) }} select 1 as id",
        ),
        ("models/_m.yml", yaml),
    ]);
    let project = &outcome.prepared.project;
    let gated = project.by_unique_id("model.shop.a").unwrap();
    assert_eq!(gated.enabled, Some(false));
    assert_eq!(tags(project, "model.shop.b"), ["all", "unset"]);
    assert_eq!(tags(project, "model.shop.c"), ["all", "no"]);
    let inline = project.by_unique_id("model.shop.c").unwrap();
    assert_eq!(inline.enabled, Some(true));
}

#[test]
fn tags_beside_config_count_only_for_sources_and_exposures() {
    let yaml = "models:
- {name: a, tags: [beside], config: {tags: [inside]}}
sources:
- {name: erp, tags: [s], config: {tags: [sc]}, tables: [{name: orders, tags: [t], config: {tags: [tc]}}]}
- {name: crm, tables: [{name: people}]}
exposures:
- {name: e1, tags: [beside], config: {tags: [inside]}}
- {name: e2, tags: [beside]}
analyses:
- {name: an, config: {tags: [inside]}}
";
    let seeds = "seeds: [{name: s, tags: [beside], config: {tags: [inside]}}]\n";
    let outcome = read(&[
        ("dbt_project.yml", PROJECT),
        ("models/a.sql", "select 1 as id"),
        ("models/_m.yml", yaml),
        ("seeds/s.csv", "id\n"),
        ("seeds/_s.yml", seeds),
        ("analyses/an.sql", "select 1 as id"),
    ]);
    let project = &outcome.prepared.project;
    assert_eq!(tags(project, "model.shop.a"), ["all", "inside"]);
    assert_eq!(tags(project, "seed.shop.s"), ["inside", "seeds"]);
    assert_eq!(
        tags(project, "source.shop.erp.orders"),
        ["s", "sc", "t", "tc"]
    );
    assert_eq!(tags(project, "source.shop.crm.people"), [""; 0]);
    assert_eq!(tags(project, "exposure.shop.e1"), ["beside", "inside"]);
    assert_eq!(tags(project, "exposure.shop.e2"), ["beside", "exposures"]);
    // dbt has no section for analyses.
    assert_eq!(tags(project, "analysis.shop.an"), ["all", "inside"]);
    let analysis = project.by_unique_id("analysis.shop.an").unwrap();
    assert_eq!(analysis.fqn, ["shop", "analysis", "an"]);
}

#[test]
fn macros_give_edges_by_their_defaults_and_from_json() {
    let macros = "{% macro clip(left, right=ref('border')) %}{{ left }} {{ right }}{% endmacro %}
{% macro listed() %}{% set text %}[{\"model\": \"a\"}, {\"model\": \"b\"}]{% endset %}
{{ return(fromjson(text)) }}{% endmacro %}";
    let outcome = read(&[
        ("macros/m.sql", macros),
        ("models/border.sql", "select 1 as id"),
        ("models/a.sql", "select 1 as id"),
        ("models/b.sql", "select * from {{ clip(left=ref('a')) }}"),
        (
            "models/c.sql",
            "select * from {{ clip(ref('a'), right=ref('b')) }}",
        ),
        (
            "models/d.sql",
            "{% for one in listed() %}select * from {{ ref(one['model']) }} {% endfor %}",
        ),
    ]);
    let project = &outcome.prepared.project;
    let (a, b, border) = ("model.shop.a", "model.shop.b", "model.shop.border");
    assert_eq!(parents(project, b), [a, border]);
    assert_eq!(parents(project, "model.shop.c"), [a, b]);
    assert_eq!(parents(project, "model.shop.d"), [a, b]);
}

#[test]
fn python_models_ask_for_versions_and_twice_in_a_line() {
    let python = "def model(dbt, session):
    a = dbt.source('erp', 'orders'); b = dbt.ref('dim', v=1)  # dbt.ref('left')
    # dbt.ref('left')
    return dbt.ref(
        'right'
    )
";
    let yaml = "models:\n- {name: dim, latest_version: 2, versions: [{v: 1}, {v: 2}]}\nsources:\n- {name: erp, tables: [{name: orders}]}\n";
    let outcome = read(&[
        ("models/py.py", python),
        ("models/dim_v1.sql", "select 1 as id"),
        ("models/dim_v2.sql", "select 1 as id"),
        ("models/left.sql", "select 1 as id"),
        ("models/right.sql", "select 1 as id"),
        ("models/_m.yml", yaml),
    ]);
    let wanted = [
        "model.shop.dim.v1",
        "model.shop.right",
        "source.shop.erp.orders",
    ];
    assert_eq!(parents(&outcome.prepared.project, "model.shop.py"), wanted);
}

#[test]
fn a_snapshot_block_has_its_file_in_its_name() {
    let outcome = read(&[
        (
            "dbt_project.yml",
            "name: shop\nsnapshots: {shop: {history: {+tags: kept}}}\n",
        ),
        (
            "snapshots/history.sql",
            "{% snapshot people %}select 1 as id{% endsnapshot %}",
        ),
    ]);
    let project = &outcome.prepared.project;
    assert_eq!(tags(project, "snapshot.shop.people"), ["kept"]);
}

#[test]
fn hooks_give_edges_and_what_a_parse_does_not_run_gives_none() {
    let hooked =
        "{{ config(post_hook=\"insert into x select * from {{ ref('a') }}\") }} select 1 as id";
    let project = "name: shop
models: {shop: {marts: {+pre-hook: [{sql: \"delete from {{ ref('a') }}\"}]}}}
";
    let sent = "{%- call statement('q') -%} select * from {{ ref('a') }} {%- endcall -%}
{% if load_result('q') %}{{ ref('a') }}{% endif %}
{% if config.get('materialized') == 'table' %}{{ ref('a') }}{% endif %} select 1 as id";
    let outcome = read(&[
        ("dbt_project.yml", project),
        ("models/a.sql", "select 1 as id"),
        ("models/hooked.sql", hooked),
        ("models/marts/mart.sql", "select 1 as id"),
        ("models/sent.sql", sent),
    ]);
    let project = &outcome.prepared.project;
    assert_eq!(parents(project, "model.shop.hooked"), ["model.shop.a"]);
    assert_eq!(parents(project, "model.shop.mart"), ["model.shop.a"]);
    assert_eq!(parents(project, "model.shop.sent"), [""; 0]);
}

/// What the model `m` reads of the columns of `t` (a, b, c, d) and `u` (a).
fn reads(dialect: &str, sql: &str) -> Vec<String> {
    let config = format!("dialect: {dialect}\n");
    let columns = "select 1 as a, 2 as b, 3 as c, 4 as d";
    let outcome = read(&[
        ("harness-lint.yml", &config),
        ("models/t.sql", columns),
        ("models/u.sql", "select 1 as a"),
        ("models/m.sql", sql),
    ]);
    let project = &outcome.prepared.project;
    let model = project.by_unique_id("model.shop.m").unwrap();
    assert!(model.sql.as_ref().unwrap().query().is_some(), "{sql}");
    let lineage = Lineage::new(project);
    let reads = lineage.output(model.id).reads.iter();
    reads
        .map(|c| format!("{}.{}", project.node(c.node).name, c.column))
        .collect()
}

// Each of these was lost in a real model, and found by comparing with sqlglot's reading.
#[test]
fn no_clause_loses_what_it_reads() {
    for (dialect, sql, wanted) in [
        (
            "clickhouse",
            "select a from {{ ref('t') }} prewhere b > (select max(a) from {{ ref('u') }}) where c = 1",
            "t.a t.b t.c u.a",
        ),
        (
            "clickhouse",
            "select x.a['k'] as k from {{ ref('t') }} as x where x.b['k'] is not null",
            "t.a t.b",
        ),
        (
            "clickhouse",
            "select a from {{ ref('t') }} order by a limit 1 by b",
            "t.a t.b",
        ),
        (
            "snowflake",
            "select one.a from {{ ref('t') }} as one asof join {{ ref('u') }} as two \
             match_condition (one.b >= two.a) on one.c = two.a",
            "t.a t.b t.c u.a",
        ),
        (
            "snowflake",
            "select 1 as one from {{ ref('t') }} pivot (sum(a) for b in (select a from {{ ref('u') }})) as p",
            "t.a t.b u.a",
        ),
        (
            "snowflake",
            "select listagg(a, ',') within group (order by b) as l from {{ ref('t') }}",
            "t.a t.b",
        ),
        (
            "bigquery",
            "select array_agg(a order by b) as l, any_value(c having max d) as v from {{ ref('t') }}",
            "t.a t.b t.c t.d",
        ),
        (
            "postgres",
            "select distinct on (b) a, rank() over w as r from {{ ref('t') }} \
             window w as (partition by c order by d)",
            "t.a t.b t.c t.d",
        ),
        (
            "postgres",
            "select string_agg(a, ',' order by b) filter (where c = 1) as l from {{ ref('t') }}",
            "t.a t.b t.c",
        ),
    ] {
        assert_eq!(reads(dialect, sql).join(" "), wanted, "{sql}");
    }
}

#[test]
fn a_condition_before_where_is_one_of_its_conditions() {
    let outcome = read(&[
        ("harness-lint.yml", "dialect: clickhouse\n"),
        (
            "models/m.sql",
            "select 1 as one from raw.t prewhere a = 1 and b = 2 where c = 3",
        ),
    ]);
    let project = &outcome.prepared.project;
    let model = project.by_unique_id("model.shop.m").unwrap();
    let query = model.sql.as_ref().unwrap().query().unwrap();
    let mut conditions = 0;
    query.selects(&mut |select, _| {
        let filter = select.filter.as_ref().unwrap();
        conditions = filter.children().len();
        assert_eq!(project.text(filter.span), "a = 1 and b = 2 where c = 3");
    });
    assert_eq!(conditions, 3);
}
