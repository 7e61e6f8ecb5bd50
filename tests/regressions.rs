//! What once went wrong on a real repository, each as a small project of our own making.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Files, check_files, only};
use harness_lint::check::Finding;

/// A project from paths and texts.
fn files(list: &[(&str, &str)]) -> Files {
    let pairs = list.iter().map(|(p, t)| ((*p).to_owned(), (*t).to_owned()));
    pairs.collect()
}

fn findings(rule: &str, list: &[(&str, &str)]) -> Vec<Finding> {
    check_files(&files(list), only(rule)).checked.findings
}

fn messages(rule: &str, list: &[(&str, &str)]) -> Vec<String> {
    let found = findings(rule, list).into_iter();
    found.map(|f| f.primary.message).collect()
}

/// The names that a model of a dialect writes by hand, by its first quoted name.
fn hardcoded(dialect: &str, sql: &str) -> Vec<String> {
    let config = format!("dialect: {dialect}\n");
    let list = [
        ("harness-lint.yml", config.as_str()),
        ("models/m.sql", sql),
        ("models/a.sql", "select 1 as id"),
    ];
    let found = check_files(&files(&list), only("graph/hardcoded-relation"));
    let counts = &found.prepared.project.counts;
    assert_eq!(counts.parsed, 2, "does not parse: {sql}");
    let quoted = |f: &Finding| f.primary.message.split('`').nth(1).unwrap().to_owned();
    found.checked.findings.iter().map(quoted).collect()
}

mod hardcoded_relation {
    use super::*;

    #[test]
    fn names_are_found_wherever_they_stand() {
        let found = hardcoded(
            "postgres",
            "with x as (select * from raw.orders)\nselect (select max(d) from raw.days) as d from x\njoin (raw.items as i join raw.sku as s on i.id = s.id) on x.id = i.id\nwhere exists (select 1 from raw.bad where bad.id = x.id)",
        );
        assert_eq!(
            found,
            ["raw.orders", "raw.days", "raw.items", "raw.sku", "raw.bad"]
        );
    }

    #[test]
    fn bigquery_names_in_one_pair_of_quotes_and_with_dashes() {
        for sql in [
            "select 1 as a from `my-project.raw.orders`",
            "select 1 as a from `my-project`.`raw`.`orders`",
            "select 1 as a from my-project.raw.orders",
            "select 1 as a from my-project.raw.orders as o where o.x = 1",
        ] {
            assert_eq!(
                hardcoded("bigquery", sql),
                ["my-project.raw.orders"],
                "{sql}"
            );
        }
        assert_eq!(
            hardcoded("bigquery", "select 1 as a from `raw.events_*`"),
            ["raw.events_*"]
        );
    }

    #[test]
    fn nested_columns_are_no_tables() {
        for sql in [
            "select i.id from {{ ref('a') }} as o, o.items as i",
            "select i.id from {{ ref('a') }}, a.items as i",
            "select i.id from {{ ref('a') }} as o cross join o.items as i",
            "with c as (select * from {{ ref('a') }}) select i.id from c, c.items as i",
            "select id from {{ ref('a') }} as o where exists (select 1 from o.items)",
            "select id from {{ ref('a') }} as o, unnest(o.items) as i",
            "select i.id from {{ var('nobody_knows') }}, x.items as i",
        ] {
            assert_eq!(hardcoded("bigquery", sql), [""; 0], "{sql}");
        }
    }

    #[test]
    fn clickhouse_arrays_are_no_tables() {
        for sql in [
            "select v from {{ ref('a') }} array join vs as v",
            "select v from {{ ref('a') }} left array join vs as v, ws as w",
            "select v from (select range(3) as r) array join r as v",
            "select number from numbers(10)",
            "select number from system.numbers limit 3",
        ] {
            assert_eq!(hardcoded("clickhouse", sql), [""; 0], "{sql}");
        }
        let joined = "select v from {{ ref('a') }} array join vs as v join orders on v = id";
        assert_eq!(hardcoded("clickhouse", joined), ["orders"]);
    }

    #[test]
    fn what_the_platform_owns_is_no_table_of_the_project() {
        for (dialect, sql) in [
            (
                "snowflake",
                "select 1 as a from snowflake.account_usage.query_history",
            ),
            (
                "snowflake",
                "select 1 as a from db.information_schema.tables",
            ),
            (
                "snowflake",
                "select f.value from {{ ref('a') }} a, lateral flatten(input => a.x) f",
            ),
            (
                "snowflake",
                "select seq4() as s from table(generator(rowcount => 3))",
            ),
            ("snowflake", "select $1 as a from @raw_stage/orders.csv"),
            ("snowflake", "select column1 from (values (1), (2))"),
            (
                "bigquery",
                "select 1 as a from `region-us`.INFORMATION_SCHEMA.JOBS",
            ),
            ("bigquery", "select 1 as a from raw.__TABLES__"),
            ("redshift", "select 1 as a from stl_query"),
            ("redshift", "select 1 as a from svv_table_info"),
            ("postgres", "select 1 as a from pg_class"),
            ("postgres", "select 1 as a from pg_catalog.pg_class"),
            ("postgres", "select g from generate_series(1, 3) as g"),
            ("duckdb", "select 1 as a from 'orders.csv'"),
            ("duckdb", "select 1 as a from read_csv('orders.csv')"),
            (
                "databricks",
                "select 1 as a from parquet.`s3://bucket/orders`",
            ),
            ("databricks", "select 1 as a from system.billing.usage"),
            (
                "databricks",
                "select y from {{ ref('a') }} as a lateral view explode(a.xs) t as y",
            ),
            ("sqlserver", "select 1 as a from #orders"),
            ("mysql", "select 1 as a from dual"),
        ] {
            assert_eq!(hardcoded(dialect, sql), [""; 0], "{dialect}: {sql}");
        }
    }

    #[test]
    fn ctes_are_no_tables_but_a_cte_that_is_not_recursive_cannot_be_its_own() {
        for sql in [
            "with orders as (select 1 as id) select * from orders",
            "with recursive t as (select 1 as n union all select n + 1 from t) select * from t",
            "with b as (select * from c), c as (select 1 as id) select * from b",
            "select * from (with orders as (select 1 as id) select * from orders) as x",
            "with \"Orders\" as (select 1 as id) select * from orders",
        ] {
            assert_eq!(hardcoded("duckdb", sql), [""; 0], "{sql}");
        }
        let own = "with orders as (select * from orders) select * from orders";
        assert_eq!(hardcoded("duckdb", own), ["orders"]);
    }

    #[test]
    fn ctes_that_a_macro_may_print() {
        for sql in [
            "{{ nobody_knows() }} select * from x",
            "with a as (select 1 as id) {{ nobody_knows() }} select * from x",
            "with {{ nobody_knows() }} select * from x",
            "with {{ nobody_knows() }}, b as (select 1 as id) select * from x",
            "{{ config(pre_hook='create temp table x as select 1 as id') }} select * from x",
            "create temp table x as select 1 as id; select * from x",
        ] {
            assert_eq!(hardcoded("snowflake", sql), [""; 0], "{sql}");
        }
        let column = "with a as (select {{ nobody_knows() }} as id from x) select * from a";
        assert_eq!(hardcoded("snowflake", column), ["x"]);
        let set = "{% set c = nobody_knows() %} select {{ c }} as id from x";
        assert_eq!(hardcoded("snowflake", set), ["x"]);
    }

    #[test]
    fn comments_strings_functions_and_jinja_are_no_names() {
        for sql in [
            "select extract(year from a.b) as y from {{ ref('a') }} as a",
            "select trim(both ' ' from a.b) as y from {{ ref('a') }} as a",
            "select substring(a.b from 2) as y, 'from raw.orders' as z from {{ ref('a') }} as a",
            "select 1 as a -- from raw.orders\n/* join raw.items */ from {{ ref('a') }}",
            "select 1 as a {# from raw.orders #} from {{ ref('a') }}",
            "select 1 as a from {{ var('db') }}.{{ var('table') }}",
            "select 1 as a from {{ nobody_knows() }}.orders",
            "select 1 as a from {{ this }}",
            "{% set t = 'raw.orders' %} select 1 as a from {{ t }}",
        ] {
            assert_eq!(hardcoded("postgres", sql), [""; 0], "{sql}");
        }
    }

    #[test]
    fn models_named_after_their_schema_are_recognised() {
        let found = findings(
            "graph/hardcoded-relation",
            &[
                ("models/sales.vw_orders.sql", "select 1 as id"),
                ("models/m.sql", "select id from sales.vw_orders"),
            ],
        );
        let fix = found[0].fix.as_ref().unwrap();
        assert_eq!(fix.edits[0].text, "{{ ref('sales.vw_orders') }}");
    }

    #[test]
    fn a_ref_that_would_close_a_cycle_is_not_offered() {
        let found = findings(
            "graph/hardcoded-relation",
            &[
                ("models/stg_orders.sql", "select id from raw.orders"),
                (
                    "models/orders.sql",
                    "select id from {{ ref('stg_orders') }}",
                ),
                ("models/own.sql", "select id from old.own"),
            ],
        );
        assert!(found.iter().all(|f| f.fix.is_none()));
        assert!(found[0].help.contains("{{ this }}"), "{}", found[0].help);
    }

    #[test]
    fn snapshots_are_judged() {
        let sql = "{% snapshot s %}{{ config(unique_key='id', strategy='check', check_cols='all') }}\nselect * from raw.orders\n{% endsnapshot %}";
        let found = findings("graph/hardcoded-relation", &[("snapshots/s.sql", sql)]);
        assert_eq!(found.len(), 1);
        assert!(found[0].node.is_some());
    }
}

mod layer_direction {
    use super::*;

    const RULE: &str = "graph/layer-direction";

    #[test]
    fn a_layer_with_one_path_is_read() {
        let config = "layers:\n  marts: {path: \"models/marts/**\", refs: [marts]}\n";
        let list = [
            ("harness-lint.yml", config),
            (
                "models/marts/a.sql",
                "select id from {{ source('s', 't') }}",
            ),
            (
                "models/s.yml",
                "sources: [{name: s, tables: [{name: t}]}]\n",
            ),
        ];
        assert_eq!(findings(RULE, &list).len(), 1);
        let bad = (
            "harness-lint.yml",
            "layers:\n  marts: {path: \"models/{\"}\n",
        );
        let dir = tempfile::tempdir().unwrap();
        common::write(dir.path(), &files(&[bad]));
        let request = harness_lint::run::Request {
            cwd: dir.path().to_owned(),
            ..Default::default()
        };
        let error = format!("{:?}", harness_lint::run::configure(&request).unwrap_err());
        assert!(error.contains(":2:"), "no place: {error}");
    }

    #[test]
    fn inferred_layers_without_a_layer_for_sources_judge_no_source() {
        let sources = (
            "models/s.yml",
            "sources: [{name: s, tables: [{name: t}]}]\n",
        );
        let report = (
            "models/reporting/r.sql",
            "select id from {{ source('s', 't') }}",
        );
        assert_eq!(messages(RULE, &[sources, report]), [""; 0]);
        let staging = (
            "models/staging/stg.sql",
            "select id from {{ source('s', 't') }}",
        );
        assert_eq!(messages(RULE, &[sources, report, staging]).len(), 1);
    }

    #[test]
    fn base_models_and_staging_tmp_are_below_staging() {
        let list = [
            ("models/staging/base/base_a.sql", "select 1 as id"),
            (
                "models/staging/base/base_b.sql",
                "select id from {{ ref('base_a') }}",
            ),
            ("models/staging/tmp/stg_c_tmp.sql", "select 1 as id"),
            (
                "models/staging/stg_c.sql",
                "select id from {{ ref('stg_c_tmp') }} join {{ ref('base_b') }} using (id)",
            ),
        ];
        assert_eq!(messages(RULE, &list), [""; 0]);
    }

    #[test]
    fn a_reference_in_a_sql_comment_says_so() {
        let list = [
            ("models/marts/fct.sql", "select 1 as id"),
            (
                "models/staging/stg.sql",
                "-- depends_on: {{ ref('fct') }}\nselect 1 as id",
            ),
            (
                "models/staging/other.sql",
                "{# {{ ref('fct') }} #} {% raw %}{{ ref('fct') }}{% endraw %}\nselect 1 as id",
            ),
        ];
        let found = messages(RULE, &list);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("SQL comment"), "{found:?}");
    }

    #[test]
    fn seeds_packages_this_and_the_unclassified_are_nobodys_business() {
        let list = [
            ("seeds/codes.csv", "id\n1\n"),
            ("models/other/loose.sql", "select 1 as id"),
            (
                "models/staging/stg.sql",
                "select * from {{ ref('codes') }} join {{ ref('loose') }} using (id) join {{ this }} using (id)",
            ),
            ("models/marts/fct.sql", "select 1 as id"),
        ];
        assert_eq!(messages(RULE, &list), [""; 0]);
    }
}

mod broken_ref {
    use super::*;

    const RULE: &str = "graph/broken-ref";

    #[test]
    fn a_package_that_is_not_installed_may_hold_the_name() {
        let model = ("models/a.sql", "select 1 as id from {{ ref('b') }}");
        let packages = (
            "packages.yml",
            "packages: [{package: dbt-labs/dbt_utils, version: 1.0.0}]\n",
        );
        assert_eq!(findings(RULE, &[model]).len(), 1);
        assert_eq!(findings(RULE, &[model, packages]).len(), 0);
    }

    #[test]
    fn a_seed_that_is_described_is_perhaps_kept_elsewhere() {
        let model = ("models/a.sql", "select 1 as id from {{ ref('codes') }}");
        let yaml = ("seeds/codes.yml", "seeds: [{name: codes}]\n");
        let project = (
            "dbt_project.yml",
            "name: shop\nseeds:\n  shop:\n    codes:\n      +schema: x\n",
        );
        for described in [yaml, project] {
            let found = findings(RULE, &[model, described]);
            assert_eq!(found[0].severity.as_str(), "warn");
            assert_eq!(found[0].related.len(), 1);
        }
    }

    #[test]
    fn what_dbt_never_renders_is_no_reference() {
        for sql in [
            "{# {{ ref('gone') }} #} select 1 as id",
            "{% raw %}{{ ref('gone') }}{% endraw %} select 1 as id",
            "{% if false %}{{ ref('gone') }}{% endif %} select 1 as id",
            "{% if is_incremental() %} -- {{ ref('gone') }}{% endif %} select 1 as id",
            "{% if execute %} -- {{ ref('gone') }}{% endif %} select 1 as id",
            "select 1 as id from {{ ref(var('nobody_knows')) }}",
        ] {
            assert_eq!(messages(RULE, &[("models/a.sql", sql)]), [""; 0], "{sql}");
        }
        let comment = "-- {{ ref('gone') }}\nselect 1 as id";
        assert_eq!(messages(RULE, &[("models/a.sql", comment)]).len(), 1);
    }

    #[test]
    fn a_branch_that_only_a_run_knows_is_a_warning() {
        let sql = "{% if target.name == 'x' %} select 1 as id from {{ ref('gone') }}{% else %} select 1 as id {% endif %}";
        let found = findings(RULE, &[("models/a.sql", sql)]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].severity.as_str(), "warn");
    }

    #[test]
    fn a_disabled_parent_is_named_with_its_switch() {
        let child = ("models/a.sql", "select id from {{ ref('b') }}");
        let parent = ("models/b.sql", "{{ config(enabled=false) }} select 1 as id");
        let found = findings(RULE, &[child, parent]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].related.len(), 1);
        let both = (
            "models/a.sql",
            "{{ config(enabled=var('on', false)) }} select id from {{ ref('b') }}",
        );
        assert_eq!(findings(RULE, &[both, parent]).len(), 0);
        let test = ("tests/t.sql", "select id from {{ ref('b') }}");
        let found = findings(RULE, &[test, parent]);
        assert_eq!(found[0].severity.as_str(), "warn");
    }

    #[test]
    fn versions_and_packages_are_part_of_the_name() {
        let list = [
            ("models/dim_v1.sql", "select 1 as id"),
            ("models/dim_v2.sql", "select 1 as id"),
            (
                "models/s.yml",
                "models: [{name: dim, latest_version: 2, versions: [{v: 1}, {v: 2}]}]\n",
            ),
            (
                "models/a.sql",
                "select 1 as id from {{ ref('dim') }}, {{ ref('dim', v=1) }}, {{ ref('shop', 'dim') }}",
            ),
            ("models/b.sql", "select 1 as id from {{ ref('dim', v=3) }}"),
            (
                "models/c.sql",
                "select 1 as id from {{ ref('nowhere', 'dim') }}",
            ),
        ];
        let found = messages(RULE, &list);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("no such version"), "{found:?}");
        assert!(found[1].contains("no package `nowhere`"), "{found:?}");
    }

    #[test]
    fn exposures_and_python_models_refer_too() {
        let list = [
            (
                "models/e.yml",
                "exposures: [{name: e, type: dashboard, owner: {email: a@b.c}, depends_on: [ref('gone')]}]\n",
            ),
            (
                "models/p.py",
                "def model(dbt, session):\n    return dbt.ref(\"gone\")\n",
            ),
        ];
        assert_eq!(messages(RULE, &list).len(), 2);
    }
}

mod pk {
    use super::*;

    fn pk(yaml: &str) -> Vec<String> {
        pk_of("select 1 as id", yaml)
    }

    fn pk_of(sql: &str, yaml: &str) -> Vec<String> {
        let config = (
            "harness-lint.yml",
            "dialect: postgres\nrules:\n  test/pk: {}\n",
        );
        let list = [("models/m.sql", sql), ("models/s.yml", yaml), config];
        messages("test/pk", &list)
    }

    #[test]
    fn what_counts_as_proof() {
        for yaml in [
            "models: [{name: m, columns: [{name: id, tests: [unique, not_null]}]}]",
            "models: [{name: m, columns: [{name: id, data_tests: [{unique: {config: {where: x = 1}}}, {not_null: {}}]}]}]",
            "models: [{name: m, columns: [{name: id, data_tests: [unique], constraints: [{type: not_null}]}]}]",
            "models: [{name: m, data_tests: [{unique: {column_name: id}}, {not_null: {column_name: id}}]}]",
            "models: [{name: m, data_tests: [{unique: {column_name: id}}], columns: [{name: ID, data_tests: [not_null]}]}]",
            "models: [{name: m, data_tests: [{dbt_utils.unique_combination_of_columns: {combination_of_columns: [a, b]}}]}]",
            "models: [{name: m, data_tests: [{name: x, test_name: dbt_utils.unique_combination_of_columns, combination_of_columns: [a, b]}]}]",
            "models: [{name: m, config: {materialized: table, contract: {enforced: true}}, constraints: [{type: primary_key, columns: [id]}], columns: [{name: id, data_type: int}]}]",
        ] {
            assert_eq!(pk(yaml), [""; 0], "{yaml}");
        }
    }

    #[test]
    fn what_does_not() {
        for yaml in [
            "models: []",
            "models: [{name: m, columns: [{name: a, tests: [unique]}, {name: b, tests: [not_null]}]}]",
            "models: [{name: m, columns: [{name: id, tests: [not_null, {unique: {config: {enabled: false}}}]}]}]",
            "models: [{name: m, data_tests: [{dbt_utils.unique_combination_of_columns: {combination_of_columns: [a, b], config: {enabled: false}}}]}]",
            "models: [{name: m, constraints: [{type: primary_key, columns: [id]}]}]",
            "models: [{name: m, config: {materialized: view, contract: {enforced: true}}, constraints: [{type: primary_key, columns: [id]}]}]",
            "models: [{name: m, columns: [{name: id, constraints: [{type: not_null}, {type: unique}]}]}]",
        ] {
            assert_eq!(pk(yaml).len(), 1, "{yaml}");
        }
    }

    #[test]
    fn the_key_is_named_where_it_shows() {
        let half = "models: [{name: m, columns: [{name: id, tests: [unique]}]}]";
        assert!(pk(half)[0].contains("tests the uniqueness of `id`, but nothing shows"));
        let plain = "models: [{name: m, columns: [{name: m_id}, {name: other_id}]}]";
        assert!(pk(plain)[0].ends_with("by its name the key is `m_id`"));
        let filled = "models: [{name: m, columns: [{name: day, tests: [not_null]}]}]";
        assert!(pk(filled)[0].ends_with("no column is evidently the key"));
        let merged =
            "{{ config(materialized='incremental', unique_key=['a', 'b']) }} select 1 as a";
        assert!(pk_of(merged, "models: []")[0].ends_with("its `unique_key` is `a`, `b`"));
    }
}
