//! What a comparison with other linters on real repositories showed, each as a small project of our
//! own making.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Files, check_files, only};
use harness_lint::check::Finding;
use harness_lint::violation::Confidence;

/// What a rule finds in a project of these paths and texts.
fn findings(rule: &str, list: &[(&str, &str)]) -> Vec<Finding> {
    let pairs = list.iter().map(|(p, t)| ((*p).to_owned(), (*t).to_owned()));
    let files: Files = pairs.collect();
    check_files(&files, only(rule)).checked.findings
}

fn quoted(f: &Finding) -> String {
    f.primary.message.split('`').nth(1).unwrap().to_owned()
}

mod hardcoded_relation {
    use super::*;

    fn names(sql: &str) -> Vec<String> {
        let list = [
            ("harness-lint.yml", "dialect: bigquery\n"),
            ("models/m.sql", sql),
            ("models/a.sql", "select 1 as id"),
        ];
        let found = findings("graph/hardcoded-relation", &list);
        found.iter().map(quoted).collect()
    }

    #[test]
    fn a_schema_that_jinja_prints() {
        for (sql, name) in [
            (
                "select x.id from {{ target.schema }}.orders as x",
                "{{ target.schema }}.orders",
            ),
            (
                "select id from `{{ env_var('P') }}.raw.orders`",
                "{{ env_var('P') }}.raw.orders",
            ),
            (
                "select id from {{ target.schema }}_raw.orders",
                "{{ target.schema }}_raw.orders",
            ),
            (
                "select id from {{ target.schema ~ '_raw' }}.orders",
                "{{ target.schema ~ '_raw' }}.orders",
            ),
            (
                "{% set s = var('raw') %}select id from {{ s }}.orders",
                "{{ s }}.orders",
            ),
            (
                "select a.id from {{ ref('a') }} as a join {{ var('raw') }}.orders as o on a.id = o.id",
                "{{ var('raw') }}.orders",
            ),
            (
                "select a.id from {{ ref('a') }} as a, {{ target.schema }}.orders as o",
                "{{ target.schema }}.orders",
            ),
        ] {
            assert_eq!(names(sql), [name], "{sql}");
        }
    }

    #[test]
    fn what_may_be_no_table_named_by_hand() {
        for sql in [
            "select id from {{ target.schema }}.{{ var('table') }}",
            "select id from {{ target.schema }}.orders_{{ var('year') }}",
            "select id from {{ this }}",
            // A materialization may make tables beside its own.
            "select id from {{ this.schema }}.orders_tmp",
            "select id from {{ a_macro() }}.orders",
            "select id from {{ nobody_sets }}.orders",
            "select id from {{ target.schema }}.information_schema.tables",
            // A nested column of a row.
            "select i.id from {{ ref('a') }} as o, {{ var('alias') }}.items as i",
            // A table function.
            "select id from {{ target.schema }}.orders(1)",
        ] {
            assert_eq!(names(sql), [""; 0], "{sql}");
        }
    }

    #[test]
    fn it_is_likely_and_the_source_is_found_by_its_table() {
        let list = [
            (
                "models/m.sql",
                "select id from\n    {{ target.schema ~ '_x' }}.\"orders\" as o",
            ),
            (
                "models/sources.yml",
                "sources:\n  - name: erp\n    schema: raw\n    tables:\n      - name: orders\n",
            ),
        ];
        let found = findings("graph/hardcoded-relation", &list);
        let [one] = &found[..] else {
            panic!("{found:?}")
        };
        assert_eq!(one.confidence, Confidence::Likely);
        assert!(!one.primary.message.contains("every environment"));
        let edit = &one.fix.as_ref().unwrap().edits[0];
        assert_eq!(edit.text, "{{ source('erp', 'orders') }}");
        let at = edit.span.start as usize..edit.span.end as usize;
        assert_eq!(&list[0].1[at], "{{ target.schema ~ '_x' }}.\"orders\"");
    }
}

mod star_output {
    use super::*;

    fn messages(list: &[(&str, &str)]) -> Vec<String> {
        let found = findings("sql/star-output", list).into_iter();
        found.map(|f| f.primary.message).collect()
    }

    fn relation(sql: &str) -> Vec<String> {
        let found = findings("sql/star-output", &[("models/m.sql", sql)]);
        let relation = |f: &Finding| f.primary.message.split('`').nth(3).unwrap().to_owned();
        found.iter().map(relation).collect()
    }

    #[test]
    fn a_name_that_jinja_builds() {
        for (sql, name) in [
            ("select * from {{ var('x') }}.y", "{{ var('x') }}.y"),
            ("select * from {{ var('x') }}", "{{ var('x') }}"),
            ("select * from \"{{ a }}\".\"{{ b }}\"", "{{ a }}.{{ b }}"),
            (
                "{% set t = this.table ~ '_t' %}select * from {{ this.schema ~ '.' ~ t }}",
                "{{ this.schema ~ '.' ~ t }}",
            ),
            (
                "{% set t = this.schema ~ '.t' %}with a as (select * from {{ t }}) select * from a",
                "{{ this.schema ~ '.t' }}",
            ),
        ] {
            assert_eq!(relation(sql), [name], "{sql}");
        }
    }

    #[test]
    fn what_may_be_a_cte_or_a_query() {
        for sql in [
            "with a as (select 1 as id) select * from {{ a_name }}",
            "with a_x as (select 1 as id) select * from a_{{ var('x') }}",
            "select * from {{ a_macro() }}",
            "select * from {{ a_macro('a.b') }}",
            "{% set c = 'a' ~ b %}with ab as (select 1 as id) select * from {{ c }}",
        ] {
            assert_eq!(relation(sql), [""; 0], "{sql}");
        }
    }

    #[test]
    fn what_yaml_says_of_the_columns() {
        let says = |yaml: &str| {
            let list = [
                ("models/m.sql", "select * from {{ ref('a') }}"),
                ("models/a.sql", "select 1 as id"),
                ("models/m.yml", yaml),
            ];
            messages(&list).remove(0)
        };
        let listed = "models:\n  - name: m\n    columns:\n      - name: id\n";
        let contract = "    config:\n      contract: {enforced: true}\n";
        assert!(says("models:\n  - name: m\n").ends_with("and nothing here says what they are"));
        assert!(
            says(listed).ends_with("nothing holds it to the columns that its YAML entry lists")
        );
        let kept = says(&format!("{listed}{contract}"));
        assert!(kept.ends_with("then the build fails, because its contract lists others"));
    }
}

mod orphan {
    use super::*;

    const STAGING: (&str, &str) = (
        "models/staging/stg_a.sql",
        "select id from {{ source('erp', 'a') }}",
    );
    const OTHERS: [(&str, &str); 2] = [
        (
            "models/staging/stg_b.sql",
            "select id from {{ source('erp', 'b') }}",
        ),
        (
            "models/marts/fct_b.sql",
            "select id from {{ ref('stg_b') }}",
        ),
    ];

    fn orphans(more: &[(&str, &str)]) -> Vec<String> {
        let mut list = vec![STAGING];
        list.extend(OTHERS);
        for file in more {
            list.retain(|l| l.0 != file.0);
            list.push(*file);
        }
        let found = findings("graph/orphan", &list);
        found.iter().map(quoted).collect()
    }

    /// A macro that reads `stg_a`.
    const JOINS: (&str, &str) = (
        "macros/joins.sql",
        "{% macro joins(x) %}left join {{ ref('stg_a') }} on {{ x }}{% endmacro %}",
    );

    #[test]
    fn a_macro_that_nobody_calls() {
        assert_eq!(orphans(&[JOINS]), ["stg_a"]);
        let uncalled = (
            "macros/more.sql",
            "{% macro more() %}{{ joins('x') }}{% endmacro %}",
        );
        assert_eq!(orphans(&[JOINS, uncalled]), ["stg_a"]);
        let described = (
            "macros/joins.yml",
            "macros:\n  - name: joins\n    description: Joins.\n",
        );
        assert_eq!(orphans(&[JOINS, described]), ["stg_a"]);
        let comment = (
            "models/marts/fct_b.sql",
            "{# {{ joins('x') }} #} select id from {{ ref('stg_b') }}",
        );
        assert_eq!(orphans(&[JOINS, comment]), ["stg_a"]);
        let default = (
            "macros/d.sql",
            "{% macro joins(x) %}{{ adapter.dispatch('joins')(x) }}{% endmacro %}\n{% macro default__joins(x) %}join {{ ref('stg_a') }}{% endmacro %}",
        );
        assert_eq!(orphans(&[default]), ["stg_a"]);
    }

    #[test]
    fn a_macro_that_somebody_may_call() {
        let calls = "select id from {{ ref('stg_b') }} {{ joins('id') }}";
        for (path, text) in [
            ("models/marts/fct_b.sql", calls),
            ("tests/t.sql", calls),
            ("snapshots/s.sql", calls),
            (
                "models/m.yml",
                "models:\n  - name: fct_b\n    config:\n      post_hook: \"{{ joins('x') }}\"\n",
            ),
            (
                "dbt_project.yml",
                "name: shop\non-run-end: \"{{ joins('x') }}\"\n",
            ),
            (
                "macros/m.sql",
                "{% test t(model) %}select 1 {{ joins('x') }}{% endtest %}",
            ),
            (
                "macros/m.sql",
                "{% macro generate_schema_name(a, b) %}{{ joins('x') }}{% endmacro %}",
            ),
            ("macros/m.sql", "{# dbt run-operation joins #}"),
            (
                "macros/m.sql",
                "{% macro m() %}{% do run_query(joins('x')) %}{% endmacro %}",
            ),
            (
                "macros/m.sql",
                "{% macro theirs__m() %}{{ joins('x') }}{% endmacro %}",
            ),
            (
                "macros/m.sql",
                "{% macro any(n) %}{{ context[n]() }}{% endmacro %}",
            ),
            ("run.sh", "dbt run-operation joins\n"),
        ] {
            assert_eq!(orphans(&[JOINS, (path, text)]), [""; 0], "{path} {text}");
        }
        let default = (
            "macros/d.sql",
            "{% macro joins(x) %}{{ adapter.dispatch('joins')(x) }}{% endmacro %}\n{% macro default__joins(x) %}join {{ ref('stg_a') }}{% endmacro %}",
        );
        assert_eq!(orphans(&[default, ("tests/t.sql", calls)]), [""; 0]);
        // It does something by itself.
        for text in [
            "{% macro m() %}{% do run_query('drop table x') %}{{ ref('stg_a') }}{% endmacro %}",
            "{% macro m() %}{{ log(ref('stg_a')) }}{% endmacro %}",
            "{% macro m() %}{% do adapter.drop_relation(ref('stg_a')) %}{% endmacro %}",
        ] {
            assert_eq!(orphans(&[("macros/m.sql", text)]), [""; 0], "{text}");
        }
    }

    #[test]
    fn a_generated_list_of_the_models() {
        let names: Vec<String> = (0..12).map(|i| format!("fct_{i}")).collect();
        let models: Vec<(String, &str)> = names
            .iter()
            .map(|n| {
                (
                    format!("models/marts/{n}.sql"),
                    "select id from {{ ref('stg_b') }}",
                )
            })
            .collect();
        let all = |head: &str, names: &[String]| {
            let entries = names.iter().map(|n| format!("- model: {n}\n"));
            format!(
                "{head}models:\n- model: stg_a\n{}",
                entries.collect::<String>()
            )
        };
        let with = |path: &str, text: &str| {
            let mut list: Vec<(&str, &str)> = models.iter().map(|(p, t)| (&**p, *t)).collect();
            list.push((path, text));
            orphans(&list)
        };
        let generated = "# generated by scripts/list.py - do not edit\n";
        assert_eq!(with("lists/all.yml", &all(generated, &names)), ["stg_a"]);
        // Written by hand, a choice of a few, or a program.
        assert_eq!(with("lists/all.yml", &all("", &names)), [""; 0]);
        assert_eq!(with("lists/all.yml", &all(generated, &names[..3])), [""; 0]);
        assert_eq!(with("lists/all.py", &all(generated, &names)), [""; 0]);
    }
}

mod keys {
    use super::*;

    fn unproven(model_test: &str, columns: &[(&str, &str)]) -> usize {
        let column = |(name, tests): &(&str, &str)| {
            format!("      - name: {name}\n        data_tests: [{tests}]\n")
        };
        let columns: String = columns.iter().map(column).collect();
        let yaml = format!(
            "models:\n  - name: m\n    data_tests:\n      - {model_test}\n    columns:\n{columns}"
        );
        let list = [
            ("models/m.sql", "select 1 as a, 2 as b, 3 as c"),
            ("models/m.yml", yaml.as_str()),
        ];
        findings("test/pk", &list).len()
    }

    #[test]
    fn uniqueness_of_an_expression_of_filled_columns() {
        let filled = [("a", "not_null"), ("B", "not_null"), ("c", "")];
        for proof in [
            "unique: {column_name: \"a || '-' || b\"}",
            "unique: {arguments: {column_name: \"(A || '-' || b)\"}}",
            "unique: {column_name: \"concat(a, cast(b as text))\"}",
        ] {
            assert_eq!(unproven(proof, &filled), 0, "{proof}");
        }
        for none in [
            "unique: {column_name: \"a || c\"}",
            "unique: {column_name: \"a || d\"}",
            "unique: {column_name: \"nullif(a, b)\"}",
            "unique: {column_name: \"a || b\", config: {enabled: false}}",
            "not_null: {column_name: \"a || b\"}",
        ] {
            assert_eq!(unproven(none, &filled), 1, "{none}");
        }
    }

    #[test]
    fn the_columns_of_the_expression_are_the_tested_set() {
        let mismatch = |tested: &str| {
            let yaml = format!(
                "models:\n  - name: m\n    data_tests:\n      - unique: {{column_name: \"{tested}\"}}\n"
            );
            let list = [
                ("models/s.sql", "select 1 as a, 2 as b, 3 as c"),
                (
                    "models/m.sql",
                    "{{ config(unique_key=['a', 'b']) }}select a, b, c from {{ ref('s') }}",
                ),
                ("models/m.yml", yaml.as_str()),
            ];
            findings("test/pk-mismatch", &list).len()
        };
        assert_eq!(mismatch("a || '-' || b"), 0);
        assert_eq!(mismatch("a || '-' || c"), 1);
    }
}
