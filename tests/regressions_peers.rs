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
