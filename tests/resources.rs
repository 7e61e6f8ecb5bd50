//! Resources that YAML alone defines, and what property files say of the others: ids, edges,
//! configuration and typed facts. What is expected here is what dbt 1.10 and 1.11 made of projects
//! of these forms.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Files, check_files};
use harness_lint::project::{Node, Project};
use harness_lint::registry::RuleFilter;
use harness_lint::run::Outcome;
use serde_json::json;

const PROJECT: &str = "
name: shop
vars: {on: true, sessions: \"{{ ref('orders') }}\", itself: \"{{ var('itself') }}\"}
models:
  +meta: {owner: top, level: 0}
  +post-hook: select 1
  shop:
    +tags: [proj]
    +docs: {show: false}
    +grants: {select: a, insert: b}
exposures: {shop: {+tags: [lost], +meta: {from: project}}}
metrics: {shop: {+tags: lost, +group: finance}}
semantic-models: {shop: {+group: finance}}
saved-queries: {shop: {+tags: sq}}
functions: {shop: {+tags: fun}}
sources: {shop: {erp: {+tags: lost}, crm: {+freshness: {warn_after: {count: 9, period: day}}}}}
";

fn run(list: &[(&str, &str)]) -> Outcome {
    let mut files: Files = list
        .iter()
        .map(|(p, t)| ((*p).to_owned(), (*t).to_owned()))
        .collect();
    files
        .entry("dbt_project.yml".to_owned())
        .or_insert_with(|| PROJECT.to_owned());
    check_files(&files, RuleFilter::default())
}

fn project(outcome: &Outcome) -> &Project {
    &outcome.prepared.project
}

fn node<'a>(project: &'a Project, id: &str) -> &'a Node {
    project
        .by_unique_id(id)
        .unwrap_or_else(|| panic!("no {id}"))
}

/// `parent > child`, of everything.
fn edges(project: &Project) -> Vec<String> {
    let edges = project.graph.edges().into_iter();
    edges
        .map(|(p, c, _)| {
            let (p, c) = (&project.node(p).unique_id, &project.node(c).unique_id);
            format!("{p} > {c}")
        })
        .collect()
}

fn tags(project: &Project, id: &str) -> Vec<String> {
    let mut tags = node(project, id).config.tags();
    tags.sort();
    tags
}

const SEMANTICS: &str = "
x-shared: &agg {agg: sum, expr: amount}
groups:
- name: finance
  owner: {name: Fin, email: [f@x.com, g@x.com]}
  description: Those who count
semantic_models:
- name: orders
  model: ref('orders')
  config: {meta: {c: yes}}
  entities: [{name: order, type: primary, expr: id}]
  dimensions: [{name: day, type: time, expr: \"date(created_at)\"}, {name: kind, type: categorical}]
  measures:
  - {<<: *agg, name: amount_sum, create_metric: on}
  - {name: order_count, agg: count, expr: 1}
metrics:
- {name: revenue, label: R, type: simple, type_params: {measure: amount_sum}, tags: [own], meta: {a: 1}}
- {name: n, label: N, type: simple, type_params: {measure: {name: order_count}}, config: {tags: [cfg], group: sales}}
- {name: average, label: A, type: ratio, type_params: {numerator: revenue, denominator: {name: n}}}
- {name: sum, label: S, type: derived, type_params: {expr: a + b, metrics: [average, {name: amount_sum, alias: b}]}}
- {name: conv, label: C, type: conversion, type_params: {conversion_type_params: {base_measure: order_count, conversion_measure: amount_sum}}}
- name: filtered
  label: F
  type: simple
  type_params: {measure: order_count}
  filter: \"{{ Metric('revenue', group_by=['order']) }} > 1\"
- {name: dead, label: D, type: simple, type_params: {measure: order_count}, config: {enabled: no}}
saved_queries:
- {name: board, query_params: {metrics: [revenue, sum]}, exports: [{name: e}]}
- {name: tagged, config: {tags: [own]}, query_params: {metrics: [n]}}
exposures:
- name: dash
  type: dashboard
  maturity: high
  url: https://x.com/d
  label: Dash
  owner: {name: Bob, email: bob@x.com}
  depends_on: [metric('revenue'), ref('orders')]
  meta: {t: 1}
- {name: tagged, type: ml, owner: {name: X}, config: {tags: [own], meta: {m: 1}}}
";

#[test]
fn the_semantic_layer_has_dbts_nodes_and_edges() {
    let outcome = run(&[
        ("models/orders.sql", "select 1 as id"),
        ("models/s.yml", SEMANTICS),
    ]);
    let project = project(&outcome);
    let expected = [
        "metric.shop.amount_sum > metric.shop.sum",
        "metric.shop.average > metric.shop.sum",
        "metric.shop.n > metric.shop.average",
        "metric.shop.n > saved_query.shop.tagged",
        "metric.shop.revenue > exposure.shop.dash",
        "metric.shop.revenue > metric.shop.average",
        "metric.shop.revenue > saved_query.shop.board",
        "metric.shop.sum > saved_query.shop.board",
        "model.shop.orders > exposure.shop.dash",
        "model.shop.orders > semantic_model.shop.orders",
        "semantic_model.shop.orders > metric.shop.amount_sum",
        "semantic_model.shop.orders > metric.shop.conv",
        "semantic_model.shop.orders > metric.shop.filtered",
        "semantic_model.shop.orders > metric.shop.n",
        "semantic_model.shop.orders > metric.shop.revenue",
    ];
    let mut found = edges(project);
    found.sort();
    assert_eq!(found, expected);
    assert!(node(project, "metric.shop.dead").is_disabled());
}

#[test]
fn tags_meta_and_groups_follow_each_types_own_rules() {
    let outcome = run(&[
        ("models/orders.sql", "select 1 as id"),
        ("models/s.yml", SEMANTICS),
    ]);
    let project = project(&outcome);
    assert_eq!(tags(project, "metric.shop.revenue"), ["own"]);
    assert!(tags(project, "metric.shop.n").is_empty());
    assert_eq!(tags(project, "saved_query.shop.board"), ["sq"]);
    assert_eq!(tags(project, "saved_query.shop.tagged"), ["own"]);
    assert_eq!(tags(project, "exposure.shop.dash"), ["lost"]);
    assert_eq!(tags(project, "exposure.shop.tagged"), ["own"]);
    let meta = |id: &str| {
        node(project, id)
            .config
            .get("meta")
            .and_then(|m| m.value.clone())
    };
    assert_eq!(meta("metric.shop.revenue"), Some(json!({"a": 1})));
    assert_eq!(meta("metric.shop.amount_sum"), Some(json!({"c": true})));
    assert_eq!(meta("exposure.shop.tagged"), Some(json!({"m": 1})));
    assert_eq!(
        meta("exposure.shop.dash"),
        Some(json!({"from": "project", "t": 1}))
    );
    assert_eq!(
        node(project, "metric.shop.revenue").group(),
        Some("finance")
    );
    assert_eq!(node(project, "metric.shop.n").group(), Some("sales"));
    let group = project
        .group_of(node(project, "semantic_model.shop.orders"))
        .unwrap();
    assert_eq!(group.unique_id, "group.shop.finance");
    let emails: Vec<&str> = group
        .owner
        .emails
        .iter()
        .map(|e| e.value.as_str())
        .collect();
    assert_eq!(emails, ["f@x.com", "g@x.com"]);
    assert!(
        project
            .nodes
            .iter()
            .all(|n| !n.unique_id.starts_with("group."))
    );
}

#[test]
fn facts_are_typed_and_know_their_places() {
    let outcome = run(&[
        ("models/orders.sql", "select 1 as id"),
        ("models/s.yml", SEMANTICS),
    ]);
    let project = project(&outcome);
    let exposure = project
        .exposure(node(project, "exposure.shop.dash"))
        .unwrap();
    let said = |s: &Option<harness_lint::project::Said>| s.as_ref().unwrap().value.clone();
    assert_eq!(said(&exposure.kind), "dashboard");
    assert_eq!(said(&exposure.maturity), "high");
    assert_eq!(said(&exposure.owner.name), "Bob");
    assert_eq!(project.text(exposure.url.unwrap().span), "https://x.com/d");
    let model = project
        .semantic_model(node(project, "semantic_model.shop.orders"))
        .unwrap();
    assert_eq!(model.entities[0].column().unwrap().value, "id");
    assert_eq!(model.dimensions[0].column().map(|c| &c.value), None);
    assert_eq!(model.dimensions[1].column().unwrap().value, "kind");
    assert_eq!(model.measures[0].column().unwrap().value, "amount");
    assert_eq!(model.measures[1].column().map(|c| &c.value), None);
    let metric = project
        .metric(node(project, "metric.shop.average"))
        .unwrap();
    let inputs: Vec<(&str, bool)> = metric
        .inputs
        .iter()
        .map(|i| (i.name.value.as_str(), i.is_measure))
        .collect();
    assert_eq!(inputs, [("revenue", false), ("n", false)]);
    let query = project
        .saved_query(node(project, "saved_query.shop.board"))
        .unwrap();
    assert_eq!(query.metrics.len(), 2);
    assert_eq!(project.text(query.exports[0].span), "e");
    assert!(
        project
            .metric(node(project, "exposure.shop.dash"))
            .is_none()
    );
}

#[test]
fn functions_are_nodes_and_parents() {
    let outcome = run(&[
        ("functions/add_one.sql", "x + 1"),
        ("functions/twice.sql", "{{ function('add_one') }}(x)"),
        ("functions/py.py", "def f():\n    return '{{ {% '\n"),
        (
            "functions/f.yml",
            "functions:\n- {name: add_one, config: {tags: [own]}, arguments: [{name: x, data_type: int}], returns: {data_type: int}}\n",
        ),
        (
            "models/a.sql",
            "select {{ function('add_one') }}(1) as x, {{ function('shop', 'twice') }}(2) as y",
        ),
    ]);
    let project = project(&outcome);
    let mut found = edges(project);
    found.sort();
    assert_eq!(
        found,
        [
            "function.shop.add_one > function.shop.twice",
            "function.shop.add_one > model.shop.a",
            "function.shop.twice > model.shop.a",
        ]
    );
    assert_eq!(tags(project, "function.shop.add_one"), ["fun", "own"]);
    assert_eq!(project.counts.parsed, 1);
    assert!(project.jinja_errors.is_empty());
}

const SOURCES: &str = "
sources:
- name: erp
  schema: raw
  loader: fivetran
  loaded_at_field: ts
  tags: [s]
  freshness: {warn_after: {count: 12, period: hour}, error_after: {count: 1, period: day}, filter: a > 1}
  config: {tags: [sc], meta: {a: 1}}
  tables:
  - name: inherits
    loader: ignored
  - {name: merges, freshness: {warn_after: {count: 1}}, loaded_at_field: own, tags: t, meta: {b: 2}}
  - {name: drops_one, freshness: {error_after: null}}
  - {name: has_none, freshness: null, loaded_at_field: null}
  - {name: in_config, config: {freshness: {warn_after: {count: 5, period: minute}}, loaded_at_field: cfg}}
- name: crm
  tables: [{name: of_the_project}]
";

#[test]
fn freshness_is_merged_over_source_table_and_config() {
    let outcome = run(&[("models/crm.yml", SOURCES)]);
    let project = project(&outcome);
    let found: Vec<String> = project
        .nodes
        .iter()
        .map(|n| {
            let age = |t: Option<harness_lint::project::Threshold>| {
                t.map_or("-".to_owned(), |t| format!("{} {}", t.count, t.period))
            };
            let at = n.loaded_at_field().unwrap_or("-").to_owned();
            let facts = project.source_facts(n).unwrap();
            let loader = facts.loader.map_or("-".to_owned(), |l| l.value);
            match n.freshness() {
                Some(f) => format!(
                    "{}: {}, {}, {at}, {loader}",
                    n.name,
                    age(f.warn_after),
                    age(f.error_after)
                ),
                None => format!("{}: none, {at}, {loader}", n.name),
            }
        })
        .collect();
    assert_eq!(
        found,
        [
            "of_the_project: 9 day, -, -, -",
            "drops_one: 12 hour, -, ts, fivetran",
            "has_none: none, -, fivetran",
            "in_config: 5 minute, 1 day, cfg, fivetran",
            "inherits: 12 hour, 1 day, ts, fivetran",
            "merges: 1 hour, 1 day, own, fivetran",
        ]
    );
    assert_eq!(tags(project, "source.shop.erp.merges"), ["s", "sc", "t"]);
    let meta = &node(project, "source.shop.erp.merges").config;
    assert_eq!(
        meta.get("meta").unwrap().value,
        Some(json!({"a": 1, "b": 2}))
    );
}

const VERSIONS: &str = "
models:
- name: ver
  access: public
  latest_version: 2
  config: {contract: {enforced: true}, tags: [base]}
  versions:
  - {v: 1, config: {contract: {enforced: false}, tags: [one]}, access: private, deprecation_date: 2030-01-01}
  - {v: 2, access: private}
  - {v: 3, defined_in: third, config: {access: private}}
- name: plain
  group: finance
  docs: {node_color: red}
  contract: {enforced: true}
  deprecation_date: 2031-01-01
  config: {grants: {+select: c, insert: d}, pre_hook: select 2, post_hook: [select 3]}
- name: spine
  time_spine: {standard_granularity_column: day}
";

#[test]
fn versions_access_contracts_and_merged_configuration() {
    let outcome = run(&[
        ("models/ver_v1.sql", "select 1 as id"),
        ("models/ver.sql", "select 1 as id"),
        ("models/third.sql", "select 1 as id"),
        ("models/plain.sql", "select * from {{ ref('ver') }}"),
        ("models/spine.sql", "select 1 as day"),
        ("models/v.yml", VERSIONS),
    ]);
    let project = project(&outcome);
    let facts = |id: &str| {
        let node = node(project, id);
        let date = project.deprecation_date(node).map(|d| d.value);
        let latest = node.latest_version.clone();
        (
            node.access().unwrap().to_owned(),
            node.contract_enforced().unwrap(),
            latest.unwrap_or_default(),
            date.unwrap_or_default(),
        )
    };
    let of = |a: &str, c: bool, l: &str, d: &str| (a.to_owned(), c, l.to_owned(), d.to_owned());
    assert_eq!(
        facts("model.shop.ver.v1"),
        of("public", false, "2", "2030-01-01")
    );
    // The latest version may lie in a file without a suffix.
    assert_eq!(facts("model.shop.ver.v2"), of("public", true, "2", ""));
    assert_eq!(facts("model.shop.ver.v3"), of("private", true, "2", ""));
    assert_eq!(
        facts("model.shop.plain"),
        of("protected", true, "", "2031-01-01")
    );
    assert_eq!(edges(project), ["model.shop.ver.v2 > model.shop.plain"]);
    assert_eq!(tags(project, "model.shop.ver.v1"), ["base", "one", "proj"]);
    let plain = node(project, "model.shop.plain");
    let value = |key: &str| plain.config.get(key).unwrap().value.clone().unwrap();
    assert_eq!(plain.group(), Some("finance"));
    assert_eq!(plain.docs_show(), Some(false));
    assert_eq!(value("docs"), json!({"show": false, "node_color": "red"}));
    assert_eq!(
        value("grants"),
        json!({"select": ["a", "c"], "insert": ["d"]})
    );
    assert_eq!(value("post-hook"), json!(["select 1", "select 3"]));
    assert_eq!(value("pre-hook"), json!("select 2"));
    let spine = project
        .time_spine(node(project, "model.shop.spine"))
        .unwrap();
    assert_eq!(spine.column.unwrap().value, "day");
    assert!(project.time_spine(plain).is_none());
}

#[test]
fn in_dbts_parse_every_relation_is_named_after_the_file_that_asks() {
    let outcome = run(&[
        ("models/orders.sql", "select 1 as id"),
        ("models/other.sql", "select 1 as id"),
        (
            "models/a.sql",
            "{% set r = ref('orders') %} select * from {{ r }}
             {% if r.identifier == 'orders' %} join {{ ref('other') }} using (id) {% endif %}
             {% if r.is_view %} join {{ ref('other') }} using (id) {% endif %}",
        ),
        (
            "models/b.sql",
            "{% if ref('orders').name == 'b' and model.name == this.identifier %} select * from {{ ref('other') }} {% endif %}",
        ),
        ("models/c.sql", "select * from {{ var('sessions') }}"),
        ("models/d.sql", "select * from {{ var('itself') }}"),
    ]);
    let mut found = edges(project(&outcome));
    found.sort();
    assert_eq!(
        found,
        [
            "model.shop.orders > model.shop.a",
            "model.shop.orders > model.shop.b",
            "model.shop.orders > model.shop.c",
            "model.shop.other > model.shop.b",
        ]
    );
}

#[test]
fn a_package_source_is_changed_by_overrides_and_not_doubled() {
    let outcome = run(&[
        ("packages.yml", "packages: [{local: lp}]\n"),
        ("dbt_packages/lp/dbt_project.yml", "name: lp\n"),
        (
            "dbt_packages/lp/models/s.yml",
            "sources: [{name: lps, tables: [{name: a, tags: [t]}, {name: b}]}]\n",
        ),
        (
            "models/o.yml",
            "sources: [{name: lps, overrides: lp, tags: [o], tables: [{name: b, config: {enabled: false}}]}]\n",
        ),
        ("models/m.sql", "select * from {{ source('lps', 'a') }}"),
    ]);
    let project = project(&outcome);
    let ids: Vec<&str> = project.nodes.iter().map(|n| n.unique_id.as_str()).collect();
    assert_eq!(ids, ["model.shop.m", "source.lp.lps.a", "source.lp.lps.b"]);
    assert_eq!(tags(project, "source.lp.lps.a"), ["o", "t"]);
    assert!(node(project, "source.lp.lps.b").is_disabled());
    assert_eq!(edges(project), ["source.lp.lps.a > model.shop.m"]);
}
