//! dbt's selection over `fixtures/selection`, which has every resource type. What real dbt makes of
//! thousands of generated expressions is compared by `compare_select.py`; here are the facts it
//! taught, one by one.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::binary::{STAR, code, configure, json, project, run, stderr, stdout, write};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/selection")
}

/// The names of the nodes that `graph` prints, without those of the package.
fn names(dir: &Path, args: &[&str]) -> Vec<String> {
    let all = [&["graph", "--manifest", "off", "--allow-empty"], args].concat();
    let graph = json(dir, &all);
    let nodes = graph["nodes"].as_array().unwrap().iter();
    let enabled = nodes.filter(|n| n["enabled"] != false);
    let ids = enabled.map(|n| n["unique_id"].as_str().unwrap().to_owned());
    let own = ids.filter(|id| id.split('.').nth(1) == Some("selection"));
    own.map(|id| id.split_once(".selection.").unwrap().1.to_owned())
        .collect()
}

fn selected(expr: &str) -> String {
    names(&fixture(), &["--select", expr]).join(" ")
}

#[test]
fn each_method() {
    for (expr, wanted) in [
        ("fct_orders", "fct_orders"),
        ("fqn:fct_orders", "fct_orders"),
        ("selection.marts.core.fct_orders", "fct_orders"),
        (
            "marts.core",
            "dim_customer.v1 dim_customer.v2 dim_customer.v3 dim_fixed fct_orders",
        ),
        ("*stg_o*", "stg_orders"),
        // A wildcard is compared with the whole fqn, and a source has `source:` alone.
        ("stg_*", ""),
        ("erp", ""),
        ("dim_customer.v2", "dim_customer.v2"),
        ("dim_customer_v3", "dim_customer.v3"),
        (
            "dim_customer",
            "dim_customer.v1 dim_customer.v2 dim_customer.v3",
        ),
        ("path:models/marts/*.py", "tooled"),
        ("models/staging/stg_orders.sql", "stg_orders"),
        // The file that describes a model selects it, the folder of that file does not.
        (
            "path:models/marts/core/_core.yml",
            "dim_customer.v1 dim_customer.v2 dim_customer.v3 dim_fixed fct_orders",
        ),
        ("stg_orders.sql", "stg_orders"),
        ("file:tooled", "tooled"),
        ("tag:hot", "erp.orders"),
        ("tag:dail?", "stg_regions"),
        ("config.materialized:incremental", "fct_orders"),
        ("config.on_schema_change:fail", "fct_orders"),
        (
            "config.meta.teams:core,resource_type:model,marts",
            "dim_customer.v1 dim_customer.v2 dim_customer.v3 dim_fixed fct_orders report_regions tooled",
        ),
        ("config.contract.enforced:true", "dim_fixed"),
        (
            "config.unique_key:id,config.strategy:check",
            "customers_history orders_history",
        ),
        ("config.loaded_at_field:seen", "erp.customers"),
        (
            "config.meta.owner:bob",
            "stg_customers erp.customers erp.orders",
        ),
        ("source:erp", "erp.customers erp.orders"),
        ("source:erp.cust*", "erp.customers"),
        ("source:selection.crm.leads", "crm.leads"),
        ("package:this,resource_type:seed", "regions"),
        ("package:tools", ""),
        ("resource_type:snapshot", "customers_history orders_history"),
        ("exposure:board", "board"),
        ("exposure:selection.*", "app board"),
        ("semantic_model:orders", "orders"),
        (
            "group:finance,resource_type:model",
            "dim_customer.v1 dim_customer.v2 dim_customer.v3 dim_fixed fct_orders",
        ),
        (
            "access:public",
            "dim_customer.v1 dim_customer.v2 dim_customer.v3 fct_orders",
        ),
        ("version:latest", "dim_customer.v2"),
        ("version:old", "dim_customer.v1"),
        ("version:prerelease", "dim_customer.v3"),
        ("version:none,marts.core", "dim_fixed fct_orders"),
    ] {
        assert_eq!(selected(expr), wanted, "{expr}");
    }
}

#[test]
fn graph_operators_and_sets() {
    for (expr, wanted) in [
        ("1+fct_orders", "fct_orders stg_customers stg_orders"),
        ("stg_regions+1", "report_regions stg_regions"),
        (
            "@stg_regions,resource_type:source",
            "crm.leads erp.customers erp.orders",
        ),
        (
            "+exposure:app",
            "app dim_customer.v1 stg_customers erp.customers",
        ),
        ("source:crm+", "board crm.leads"),
        ("tag:stg,tag:daily", "stg_regions"),
        ("tag:stg,1+fct_orders days", "days stg_customers stg_orders"),
        ("selector:short,tag:daily", "stg_regions"),
    ] {
        assert_eq!(selected(expr), wanted, "{expr}");
    }
    let args = [
        "--select",
        "tag:stg",
        "--select",
        "days",
        "--exclude",
        "stg_regions tag:x",
    ];
    assert_eq!(
        names(&fixture(), &args).join(" "),
        "days stg_customers stg_orders"
    );
    let less = names(&fixture(), &["--exclude", "selection"]);
    assert_eq!(less.join(" "), "crm.leads erp.customers erp.orders");
}

#[test]
fn selectors_yml() {
    for (name, wanted) in [
        (
            "nightly",
            "board dim_customer.v1 dim_customer.v2 dim_customer.v3 dim_fixed fct_orders report_regions tooled",
        ),
        ("short", "stg_customers stg_orders stg_regions"),
        (
            "full",
            "board fct_orders orders report_regions stg_customers stg_orders",
        ),
        ("around", "board crm.leads"),
    ] {
        let found = names(&fixture(), &["--selector", name]).join(" ");
        match name {
            "around" => assert!(
                found.contains("stg_customers") && found.contains("regions"),
                "{found}"
            ),
            "full" => assert!(
                found.contains("report_regions") && !found.contains("stg_regions"),
                "{found}"
            ),
            _ => assert_eq!(found, wanted, "{name}"),
        }
    }
    let nested = names(&fixture(), &["--selector", "nested"]);
    assert!(
        nested.contains(&"stg_orders".to_owned()) && !nested.contains(&"report_regions".to_owned())
    );
}

#[test]
fn a_selectors_yml_matters_where_it_is_used() {
    let p = project(&[
        ("models/x.sql", STAR),
        (
            "selectors.yml",
            "selectors:\n- name: a\n  definition: tga:x\n- name: b\n  definition: x\n- name: [\n",
        ),
    ]);
    assert_eq!(code(p.path(), &[]), 0);
    assert_eq!(code(p.path(), &["--selector", "b"]), 2);
    write(
        p.path(),
        &[(
            "selectors.yml",
            "selectors:\n- name: a\n  definition: tga:x\n- name: b\n  definition: x\n",
        )],
    );
    assert!(stdout(p.path(), &["--selector", "b"]).contains("sql/star-output"));
    let said = stderr(p.path(), &["--selector", "a"]);
    assert!(
        said.contains("selectors.yml:3:15") && said.contains("did you mean `tag`?"),
        "{said}"
    );
    assert!(stderr(p.path(), &["--select", "selector:bb"]).contains("no selector is called `bb`"));
    assert_eq!(code(p.path(), &["--selector", "a", "--select", "x"]), 2);
    configure(p.path(), "exclude: [{select: 'selector:a', reason: r}]\n");
    assert!(stderr(p.path(), &[]).contains("selectors.yml:3:15"));
    fs::remove_file(p.path().join("selectors.yml")).unwrap();
    let said = stderr(p.path(), &[]);
    assert!(
        said.contains("harness-lint.yml:2:21") && said.contains("no selectors.yml"),
        "{said}"
    );
}

#[test]
fn mistakes_have_their_place() {
    let p = project(&[("models/x.sql", STAR)]);
    for (args, wanted) in [
        (
            ["--select", "x tga:y"],
            "--select:1:3: there is no method `tga`",
        ),
        (
            ["--exclude", "x,"],
            "--exclude:1:2: nothing stands beside this comma",
        ),
        (
            ["--select", "state:new"],
            "--select:1:1: `state:` compares with another manifest.json",
        ),
        (
            ["--select", "result:error"],
            "`result:` is about a run of dbt",
        ),
        (
            ["--select", "source_status:fresher"],
            "`source_status:` is about a run of dbt",
        ),
    ] {
        let said = stderr(p.path(), &args);
        assert!(said.contains(wanted), "{args:?}: {said}");
        assert_eq!(code(p.path(), &args), 2);
    }
    configure(
        p.path(),
        "exclude:\n- select: 'x verzion:old'\n  reason: r\n",
    );
    let said = stderr(p.path(), &[]);
    assert!(
        said.contains("harness-lint.yml:3:14") && said.contains("did you mean `version`?"),
        "{said}"
    );
    configure(p.path(), "exclude:\n- select: state:new\n  reason: r\n");
    assert!(stderr(p.path(), &[]).contains("`state:` belongs to the command line"));
}

#[test]
fn nothing_selected_names_the_nearest() {
    let p = project(&[("models/stg_x.sql", STAR)]);
    let say = |expr: &str| stderr(p.path(), &["--select", expr]);
    assert_eq!(code(p.path(), &["--select", "stg_x stg_y"]), 4);
    assert_eq!(code(p.path(), &["--select", "stg_y", "--allow-empty"]), 0);
    assert!(say("stg_x +stg_y+").contains("did you mean `stg_x`?"));
    assert!(say("models/stg_y.sql").contains("did you mean `models/stg_x.sql`?"));
    write(p.path(), &[("models/marts/fct_a.sql", "select 1 as a\n")]);
    assert!(
        say("fct_*").contains("whole fqn, folders included: `*fct_*`"),
        "{}",
        say("fct_*")
    );
}

#[test]
fn configuration_follows_the_graph() {
    let p = project(&[
        ("models/a.sql", STAR),
        ("models/b.sql", "select * from {{ ref('a') }}\n"),
        ("models/c.sql", "select * from {{ source('x', 'y') }}\n"),
    ]);
    let hits = |more: &str| {
        configure(p.path(), more);
        let report = json(p.path(), &["--format", "json"]);
        let findings = report["findings"].as_array().unwrap().iter();
        let paths = findings.map(|f| {
            format!(
                "{} {}",
                f["path"].as_str().unwrap(),
                f["severity"].as_str().unwrap()
            )
        });
        paths.collect::<Vec<_>>().join(", ")
    };
    let excluded = hits("exclude: [{select: 'a+', reason: r}]\n");
    assert_eq!(excluded, "models/c.sql warn");
    let overridden = hits(
        "rules: {sql/star-output: on}\noverrides: [{select: '+b,resource_type:model', rules: {sql/star-output: error}}]\n",
    );
    assert_eq!(
        overridden,
        "models/a.sql error, models/b.sql error, models/c.sql warn"
    );
}

/// A small project, and a state directory with a manifest.
fn with_state(manifest: &str) -> (TempDir, TempDir) {
    let p = project(&[
        (
            "models/a.sql",
            "{{ config(materialized='table') }}\nselect {{ one() }} as x\n",
        ),
        ("models/b.sql", "select * from {{ ref('a') }}\n"),
        (
            "macros/m.sql",
            "{% macro one() %}{{ two() }}{% endmacro %}\n{% macro two() %}1{% endmacro %}\n",
        ),
    ]);
    let state = tempfile::tempdir().unwrap();
    write(state.path(), &[("manifest.json", manifest)]);
    (p, state)
}

fn old(raw_code: &str, unrendered: &str, two: &str) -> String {
    format!(
        r#"{{"metadata": {{"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json"}},
"nodes": {{"model.shop.a": {{"unique_id": "model.shop.a", "resource_type": "model", "name": "a",
  "package_name": "shop", "original_file_path": "models/a.sql", "fqn": ["shop", "a"],
  "raw_code": {raw_code:?}, "unrendered_config": {unrendered},
  "config": {{"materialized": "table"}}, "checksum": {{"name": "none", "checksum": ""}}}}}},
"macros": {{
 "macro.shop.one": {{"unique_id": "macro.shop.one", "name": "one", "package_name": "shop", "macro_sql": "{{% macro one() %}}{{{{ two() }}}}{{% endmacro %}}"}},
 "macro.shop.two": {{"unique_id": "macro.shop.two", "name": "two", "package_name": "shop", "macro_sql": "{{% macro two() %}}{two}{{% endmacro %}}"}}}}}}"#
    )
}

#[test]
fn state_compares_with_another_manifest() {
    const CODE: &str = "{{ config(materialized='table') }}\nselect {{ one() }} as x";
    const CONFIG: &str = r#"{"materialized": "table"}"#;
    let select = |manifest: &str, expr: &str| {
        let (p, state) = with_state(manifest);
        let dir = state.path().to_str().unwrap();
        let args = ["graph", "--allow-empty", "--state", dir, "--select", expr];
        let graph = json(p.path(), &args);
        let nodes = graph["nodes"].as_array().unwrap().iter();
        nodes
            .map(|n| n["unique_id"].as_str().unwrap().replace("model.shop.", ""))
            .collect::<String>()
    };
    let same = old(CODE, CONFIG, "1");
    for (expr, wanted) in [
        ("state:new", "b"),
        ("state:old", "a"),
        ("state:unmodified", "a"),
        ("state:modified", "b"),
        ("state:modified.body", "b"),
        ("state:modified.macros", ""),
        ("1+state:modified", "ab"),
    ] {
        assert_eq!(select(&same, expr), wanted, "{expr}");
    }
    let body = old("select 2 as x", CONFIG, "1");
    assert_eq!(select(&body, "state:modified"), "ab");
    assert_eq!(select(&body, "state:modified.body"), "ab");
    assert_eq!(select(&body, "state:modified.configs"), "b");
    let config = old(CODE, r#"{"materialized": "view"}"#, "1");
    assert_eq!(select(&config, "state:modified.configs"), "ab");
    assert_eq!(select(&config, "state:modified.body"), "b");
    let tags = old(CODE, r#"{"materialized": "table", "tags": ["x"]}"#, "1");
    assert_eq!(select(&tags, "state:modified.configs"), "b");
    let alias = old(CODE, r#"{"materialized": "table", "alias": "x"}"#, "1");
    assert_eq!(select(&alias, "state:modified.configs"), "b");
    assert_eq!(select(&alias, "state:modified.relation"), "ab");
    let macros = old(CODE, CONFIG, "2");
    assert_eq!(select(&macros, "state:modified.macros"), "a");
    assert_eq!(select(&macros, "state:modified.body"), "b");
    assert_eq!(select(&macros, "state:unmodified"), "");
}

#[test]
fn a_state_that_is_not_there_is_an_input_error() {
    let (p, state) = with_state("{");
    let dir = state.path().to_str().unwrap();
    assert_eq!(code(p.path(), &["--state", dir, "--select", "a"]), 3);
    assert_eq!(code(p.path(), &["--state", "nowhere", "--select", "a"]), 3);
    assert!(run(p.path(), &["--select", "a"]).status.success());
}
