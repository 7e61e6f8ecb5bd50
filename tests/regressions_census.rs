//! What a census of findings on real repositories found wrong or unwanted, each as a small project
//! of our own making.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Files, check_files, only};
use harness_lint::check::Finding;

type File<'a> = (&'a str, &'a str);

fn findings(rule: &str, list: &[File]) -> Vec<Finding> {
    let pairs = list.iter().map(|(p, t)| ((*p).to_owned(), (*t).to_owned()));
    let files: Files = pairs.collect();
    check_files(&files, only(rule)).checked.findings
}

fn messages(rule: &str, list: &[File]) -> Vec<String> {
    let found = findings(rule, list).into_iter();
    found.map(|f| f.primary.message).collect()
}

/// The one message.
fn message(rule: &str, list: &[File]) -> String {
    let found = messages(rule, list);
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone()
}

mod pk {
    use super::*;

    const RULE: &str = "test/pk";
    const SALES: &str = "models/fct_sales.sql";
    const ENTRY: &str = "models/_models.yml";
    const PLAIN: File = (SALES, "select sale_id, day, qty from {{ ref('x') }}\n");

    fn generic(name: &str) -> String {
        format!("{{% test {name}(model, column_name) %}} select 1 {{% endtest %}}\n")
    }

    #[test]
    fn a_generic_test_of_the_repository_called_after_a_known_one_is_proof() {
        let both = "models: [{name: fct_sales, columns: [{name: sale_id, tests: [recent_unique, recent_not_null]}]}]\n";
        let defined = generic("recent_unique") + &generic("recent_not_null");
        let file = ("tests/generic/recent.sql", defined.as_str());
        assert_eq!(messages(RULE, &[PLAIN, (ENTRY, both), file]).len(), 0);
        // Nobody defines them here.
        assert_eq!(messages(RULE, &[PLAIN, (ENTRY, both)]).len(), 1);

        let pair = "models: [{name: fct_sales, tests: [{t.recent_unique_combination_of_columns: {combination_of_columns: [sale_id, day]}}]}]\n";
        let defined = generic("recent_unique_combination_of_columns");
        let file = ("macros/recent.sql", defined.as_str());
        let project = ("dbt_project.yml", "name: t\n");
        let all = [PLAIN, (ENTRY, pair), file, project];
        assert_eq!(messages(RULE, &all).len(), 0);
        let other = pair.replace("t.recent", "other.recent");
        let all = [PLAIN, (ENTRY, other.as_str()), file, project];
        assert_eq!(messages(RULE, &all).len(), 1);
    }

    #[test]
    fn a_name_that_turns_the_meaning_round_is_no_proof() {
        let yaml = "models: [{name: fct_sales, columns: [{name: sale_id, tests: [unique, at_least_one_not_null]}]}]\n";
        let defined = generic("at_least_one_not_null");
        let file = ("tests/generic/one.sql", defined.as_str());
        assert_eq!(messages(RULE, &[PLAIN, (ENTRY, yaml), file]).len(), 1);
    }

    /// A table in Postgres with a unique index.
    fn indexed(materialized: &str, columns: &str) -> String {
        format!(
            "{{{{ config(materialized='{materialized}', indexes=[{{'columns': ['day']}}, {{'columns': {columns}, 'unique': True}}]) }}}}\nselect sale_id, day from {{{{ ref('x') }}}}\n"
        )
    }

    const POSTGRES: File = ("harness-lint.yml", "dialect: postgres\n");

    #[test]
    fn a_unique_index_in_postgres_proves_all_but_not_null() {
        let one = indexed("table", "['sale_id']");
        let sql = (SALES, one.as_str());
        let said = message(RULE, &[sql, POSTGRES]);
        assert!(said.starts_with("`fct_sales` has a unique index on `sale_id`, but nothing shows that the key is filled"), "{said}");
        let filled =
            "models: [{name: fct_sales, columns: [{name: sale_id, data_tests: [not_null]}]}]\n";
        assert_eq!(messages(RULE, &[sql, POSTGRES, (ENTRY, filled)]).len(), 0);

        let two = indexed("incremental", "['sale_id', 'day']");
        let sql = (SALES, two.as_str());
        let found = findings(RULE, &[sql, POSTGRES, (ENTRY, filled)]);
        assert_eq!(
            found[0].help,
            "give each of the columns `sale_id`, `day` the test `not_null` in YAML"
        );

        // A view has no index, and other engines take none.
        let view = indexed("view", "['sale_id']");
        let said = message(RULE, &[(SALES, view.as_str()), POSTGRES]);
        assert!(said.contains("has no test"), "{said}");
        let snowflake = ("harness-lint.yml", "dialect: snowflake\n");
        let said = message(RULE, &[(SALES, one.as_str()), snowflake]);
        assert!(said.contains("has no test"), "{said}");
    }

    #[test]
    fn what_is_unique_and_may_be_empty_is_said_to_be_so() {
        let yaml = "models:\n- name: fct_sales\n  columns:\n  - name: Sale_ID\n    data_tests:\n    - unique\n";
        let found = findings(RULE, &[PLAIN, (ENTRY, yaml)]);
        assert_eq!(
            found[0].primary.message,
            "`fct_sales` tests the uniqueness of `Sale_ID`, but nothing shows that the key is filled: rows that lose it are noticed only when a number is wrong"
        );
        assert_eq!(
            found[0].help,
            "give the column `Sale_ID` the test `not_null` in YAML"
        );
        let fix = found[0].fix.as_ref().unwrap();
        assert_eq!(fix.title, "test that `Sale_ID` is filled");
        assert_eq!(fix.edits.len(), 1);
        let edit = format!("{:?}", fix.edits[0]);
        assert!(
            edit.contains("not_null") && !edit.contains("- unique"),
            "{edit}"
        );
    }

    /// The evidence that the one finding gives, and whether it offers a fix.
    fn key(list: &[File]) -> (String, bool) {
        let found = findings(RULE, list);
        assert_eq!(found.len(), 1);
        let said = found[0].primary.message.split_once("; ").unwrap().1;
        (said.to_owned(), found[0].fix.is_some())
    }

    const NONE: &str = "no column is evidently the key";

    #[test]
    fn what_the_rows_are_grouped_by_is_the_key() {
        let sql = "with j as (select name, job_id, run_id, min(at) as at from {{ ref('x') }} group by name, job_id, run_id)\nselect name as job, job_id as id, run_id, at from j\n";
        let list = [("models/job_runs.sql", sql)];
        assert_eq!(key(&list).0, "it is grouped by `job`, `id`, `run_id`");
        let found = findings(RULE, &list);
        assert_eq!(
            found[0].help,
            "give the model the test `dbt_utils.unique_combination_of_columns` over job, id, run_id"
        );

        let one = "select day, sum(qty) as qty from {{ ref('x') }} group by 1\n";
        assert_eq!(key(&[(SALES, one)]).0, "it is grouped by `day`");
    }

    #[test]
    fn a_part_of_what_the_rows_are_grouped_by_is_no_key() {
        let entry = "models:\n- name: job_runs\n  columns:\n  - name: id\n";
        // One of the three is not output.
        let sql = "with j as (select name, job_id, run_id from {{ ref('x') }} group by 1, 2, 3)\nselect name, job_id as id from j\n";
        let all = [("models/job_runs.sql", sql), (ENTRY, entry)];
        assert_eq!(key(&all), (NONE.to_owned(), false));
        // Without the grouping the name says it.
        let sql = "select name, job_id as id from {{ ref('x') }}\n";
        let all = [("models/job_runs.sql", sql), (ENTRY, entry)];
        assert_eq!(key(&all), ("by its name the key is `id`".to_owned(), true));
    }

    #[test]
    fn rows_that_are_joined_or_unfolded_after_grouping_are_not_unique_by_it() {
        for after in [
            "select j.id, j.run_id from j join {{ ref('y') }} as y on y.id = j.id",
            "select id, run_id, unnest(steps) as step from j",
            "select id, run_id from j union all select 1, 2",
        ] {
            let sql = format!(
                "with j as (select id, run_id, max(steps) as steps from {{{{ ref('x') }}}} group by 1, 2)\n{after}\n"
            );
            let said = key(&[("models/steps.sql", sql.as_str())]).0;
            assert!(!said.contains("grouped"), "{said}");
        }
    }

    #[test]
    fn another_tables_key_is_no_key() {
        for (columns, said) in [
            (
                "name: sale_id\n    data_tests:\n    - not_null",
                "`sale_id` has `not_null` but not `unique`",
            ),
            ("name: sale_id", "by its name the key is `sale_id`"),
            (
                "name: sale_id\n    data_tests: [not_null, {relationships: {to: ref('y'), field: id}}]",
                NONE,
            ),
            (
                "name: sale_id\n    data_tests: [{dbt_utils.relationships_where: {to: ref('y'), field: id}}]",
                NONE,
            ),
            (
                "name: sale_id\n    constraints: [{type: foreign_key}]",
                NONE,
            ),
        ] {
            let yaml = format!("models:\n- name: fct_sales\n  columns:\n  - {columns}\n");
            let (found, fix) = key(&[PLAIN, (ENTRY, yaml.as_str())]);
            assert_eq!((found.as_str(), fix), (said, said != NONE), "{columns}");
        }
    }

    #[test]
    fn a_foreign_key_of_the_context_file_is_no_key() {
        let sources = (
            "models/sources.yml",
            "sources: [{name: erp, tables: [{name: sales}]}]\n",
        );
        let sql = (
            SALES,
            "select SaleNo as sale_id, qty from {{ source('erp', 'sales') }}\n",
        );
        let path = "context/sources/erp/tables/Sales.yaml";
        let table = "columns: [{name: saleno, foreign_key: heads.id}]\n";
        assert_eq!(key(&[sources, sql, (path, table)]).0, NONE);
        let table = "columns: [{name: saleno}]\n";
        let said = key(&[sources, sql, (path, table)]).0;
        assert_eq!(said, "by its name the key is `sale_id`");
    }

    #[test]
    fn a_link_between_two_things_has_neither_key() {
        let yaml = "models: [{name: episode_event, columns: [{name: episode_id}, {name: event_id, data_tests: [not_null]}]}]\n";
        let sql = "select episode_id, event_id from {{ ref('x') }}\n";
        let all = [("models/episode_event.sql", sql), (ENTRY, yaml)];
        assert_eq!(key(&all), (NONE.to_owned(), false));
    }

    #[test]
    fn several_versions_of_one_thing_share_its_number() {
        let sql = "select sale_id, dbt_valid_from from {{ ref('x') }}\n";
        assert_eq!(key(&[(SALES, sql)]).0, NONE);
        let sql = "select sale_id, sale_sk, dbt_valid_from from {{ ref('x') }}\n";
        assert_eq!(key(&[(SALES, sql)]).0, "by its name the key is `sale_sk`");
    }
}

mod never_runs {
    use super::*;

    const RULE: &str = "test/never-runs";
    const ENTRY: File = (
        "models/_models.yml",
        "models: [{name: users, columns: [{name: id, data_tests: [unique]}]}]\n",
    );
    const PACKAGE: File = ("README.md", "This dbt package models users.\n");

    #[test]
    fn whoever_installs_a_package_may_switch_its_models_on() {
        let off = (
            "models/users.sql",
            "{{ config(enabled=false) }} select 1 as id\n",
        );
        assert_eq!(messages(RULE, &[off, ENTRY]).len(), 1);
        assert_eq!(messages(RULE, &[off, ENTRY, PACKAGE]).len(), 0);
        // An entry that switches the model off says so beside the tests.
        let on = ("models/users.sql", "select 1 as id\n");
        let entry = (
            "models/_models.yml",
            "models: [{name: users, config: {enabled: false}, columns: [{name: id, data_tests: [unique]}]}]\n",
        );
        assert_eq!(messages(RULE, &[on, entry, PACKAGE]).len(), 1);
    }
}

mod deprecated_syntax {
    use super::*;

    const RULE: &str = "test/deprecated-syntax";
    const OLD: File = (
        "models/old.yml",
        "models: [{name: a, columns: [{name: id, tests: [unique]}]}]\n",
    );
    const NEW: &str = "models: [{name: b, columns: [{name: id, data_tests: [unique]}]}]\n";
    const STRAGGLER: &str = "2 of the project's 3 files with tests say `data_tests:`";
    const WARNS: &str = "dbt 1.8, which the project runs on, warns of it in every run";

    /// Why the old key is a finding, if it is.
    fn why(more: &[File]) -> Option<String> {
        let mut list = vec![("models/a.sql", "select 1 as id\n"), OLD];
        list.extend(more);
        let found = messages(RULE, &list);
        let said = found.first()?.split_once("stands here: ").unwrap().1;
        Some(said.to_owned())
    }

    fn required(bounds: &str) -> String {
        format!("name: t\nrequire-dbt-version: {bounds}\n")
    }

    #[test]
    fn the_old_key_is_reported_where_dbt_warns_of_it() {
        assert_eq!(why(&[]), None);
        for (path, pin, warns) in [
            ("requirements.txt", "dbt-core==1.8.7\n", true),
            ("requirements.txt", "dbt-core~=1.8.0\n", true),
            ("requirements.txt", "dbt-core==1.9.4\n", false),
            ("requirements.txt", "dbt-core>=1.8\n", false),
            (
                "uv.lock",
                "[[package]]\nname = \"dbt-core\"\nversion = \"1.8.7\"\n",
                true,
            ),
            (
                "pyproject.toml",
                "[project]\ndependencies = [\"dbt-core>=1.8,<1.9\"]\n",
                true,
            ),
        ] {
            let said = why(&[(path, pin)]);
            assert_eq!(said.as_deref(), warns.then_some(WARNS), "{pin}");
        }
        for (bounds, warns) in [
            ("'>=1.8.0,<1.9.0'", true),
            ("['>=1.8.0', '<1.9.0']", true),
            ("'>=1.8.0'", false),
            ("'>=1.7.0,<1.9.0'", false),
        ] {
            let project = required(bounds);
            let said = why(&[("dbt_project.yml", project.as_str())]);
            assert_eq!(said.as_deref(), warns.then_some(WARNS), "{bounds}");
        }
    }

    #[test]
    fn the_old_key_is_reported_where_it_was_forgotten() {
        let (one, two) = (("models/n1.yml", NEW), ("models/n2.yml", NEW));
        assert_eq!(why(&[one]), None);
        assert_eq!(why(&[one, two]).as_deref(), Some(STRAGGLER));
        // Files that say the new key here and there have not moved.
        let mixed = "models:\n- {name: b, tests: [x], columns: [{name: id, data_tests: [unique]}, {name: n, tests: [unique]}]}\n";
        let mixed = [("models/n1.yml", mixed), ("models/n2.yml", mixed)];
        assert_eq!(why(&mixed), None);
        for (bounds, reported) in [
            ("'>=1.8.0'", true),
            ("'>=1.5.0'", false),
            ("'<2.0.0'", false),
        ] {
            let project = required(bounds);
            let said = why(&[one, two, ("dbt_project.yml", project.as_str())]);
            assert_eq!(said.as_deref(), reported.then_some(STRAGGLER), "{bounds}");
        }
    }

    #[test]
    fn an_option_says_where_the_old_key_is_reported() {
        let set = |how: &str| format!("rules: {{{RULE}: {{tests_key: {how}}}}}\n");
        let pin = ("requirements.txt", "dbt-core==1.8.7\n");
        let never = set("never");
        assert_eq!(why(&[pin, ("harness-lint.yml", never.as_str())]), None);
        let always = set("always");
        assert!(why(&[("harness-lint.yml", always.as_str())]).is_some());
    }
}

mod star_union {
    use super::*;

    const RULE: &str = "sql/star-union";
    const ALIKE: [File; 3] = [
        ("models/a.sql", "select 1 as id, 2 as qty\n"),
        ("models/b.sql", "select 3 as id, 4 as qty\n"),
        (
            "models/m.sql",
            "select * from {{ ref('a') }} union all select * from {{ ref('b') }}\n",
        ),
    ];

    #[test]
    fn stars_that_are_the_same_today_are_told_of_when_asked_for() {
        assert_eq!(messages(RULE, &ALIKE).len(), 0);
        let asked = (
            "harness-lint.yml",
            "rules: {sql/star-union: {same_today: report}}\n",
        );
        let mut list = ALIKE.to_vec();
        list.push(asked);
        let said = message(RULE, &list);
        assert!(said.ends_with("today the columns are the same"), "{said}");
    }

    #[test]
    fn stars_that_differ_or_are_not_known_are_told_of_in_any_case() {
        let mut list = ALIKE.to_vec();
        list[1].1 = "select 3 as qty, 4 as id\n";
        assert_eq!(messages(RULE, &list).len(), 1);
        list[1].1 = "select * from {{ source('s', 't') }}\n";
        assert_eq!(messages(RULE, &list).len(), 1);
    }
}

mod hardcoded_relation {
    use super::*;

    #[test]
    fn what_is_to_be_deleted_is_left_alone() {
        let sql = "select id from raw.orders\n";
        for (config, entry, count) in [
            ("", "", 1),
            ("{{ config(tags=['hourly', 'deprecated']) }}", "", 0),
            ("{{ config(tags=['deprecated_soon']) }}", "", 1),
            ("", "models: [{name: m, deprecation_date: 2025-01-01}]\n", 0),
            ("", "models: [{name: m, deprecation_date: }]\n", 1),
        ] {
            let sql = format!("{config} {sql}");
            let list = [("models/m.sql", sql.as_str()), ("models/m.yml", entry)];
            let found = messages("graph/hardcoded-relation", &list);
            assert_eq!(found.len(), count, "{config} {entry}");
        }
    }
}

mod orphan {
    use super::*;

    const RULE: &str = "graph/orphan";
    const READER: &str = "models/marts/fct.sql";

    #[test]
    fn what_an_orphan_costs_goes_by_what_it_is() {
        for (config, said) in [
            (
                "",
                "it is a view, made anew in every run though it holds no data",
            ),
            (
                "{{ config(materialized='table') }}",
                "it costs a build in every run",
            ),
            (
                "{{ config(materialized='ephemeral') }}",
                "being ephemeral it costs nothing, but it has to be kept up",
            ),
            (
                "{{ config(materialized=var('how')) }}",
                "it may cost a build in every run",
            ),
        ] {
            let sql = format!("{config} select 1 as id\n");
            let list = [
                ("models/staging/stg_a.sql", sql.as_str()),
                (READER, "select 1 as id\n"),
                ("models/intermediate/int_b.sql", "select 1 as id\n"),
                (
                    "models/marts/fct_b.sql",
                    "select id from {{ ref('int_b') }}\n",
                ),
            ];
            let found = message(RULE, &list);
            assert!(found.contains(&format!("; {said}, and nobody")), "{found}");
        }
    }

    /// A source of `count` tables, all staged, of which the first `read` are read.
    fn schema(count: usize, read: usize, raw: bool) -> Vec<(String, String)> {
        let names = (0..count).map(|i| format!("{{name: t{i}}}"));
        let tables: Vec<String> = names.collect();
        let sources = format!(
            "sources: [{{name: erp, tables: [{}]}}]\n",
            tables.join(", ")
        );
        let mut files = vec![("models/sources.yml".to_owned(), sources)];
        for i in 0..count {
            let table = format!("{{{{ source('erp', 't{i}') }}}}");
            let from = match raw {
                true => format!("{{{{ ref('raw_t{i}') }}}}"),
                false => table.clone(),
            };
            if raw {
                let path = format!("models/raw/raw_t{i}.sql");
                files.push((path, format!("select id from {table}\n")));
            }
            let path = format!("models/staging/stg_t{i}.sql");
            files.push((path, format!("select id from {from}\n")));
        }
        let reads = (0..read).map(|i| format!("select id from {{{{ ref('stg_t{i}') }}}}"));
        let reads: Vec<String> = reads.collect();
        files.push((READER.to_owned(), reads.join(" union all ")));
        files
    }

    /// The severity and confidence of each finding.
    fn grades(files: Vec<(String, String)>) -> Vec<String> {
        let files: Files = files.into_iter().collect();
        let found = check_files(&files, only(RULE)).checked.findings;
        let grade = |f: &Finding| format!("{:?} {:?}", f.severity, f.confidence);
        found.iter().map(grade).collect()
    }

    #[test]
    fn a_source_that_is_staged_whole_may_have_tables_nobody_reads() {
        let kept = ["Info Heuristic"; 2];
        assert_eq!(grades(schema(6, 4, false)), kept);
        assert_eq!(grades(schema(6, 4, true)), kept);
        // Half is enough; less is not, nor are too few.
        assert_eq!(grades(schema(6, 3, false)), ["Info Heuristic"; 3]);
        assert_eq!(grades(schema(6, 2, false)), ["Warn Likely"; 4]);
        assert_eq!(grades(schema(5, 3, false)), ["Warn Likely"; 2]);
    }

    #[test]
    fn a_model_that_joins_is_no_mirror() {
        let mut files = schema(6, 5, false);
        let last = files.iter_mut().find(|f| f.0.ends_with("stg_t5.sql"));
        last.unwrap().1 = "select a.id from {{ source('erp', 't5') }} as a join {{ source('erp', 't0') }} as b on a.id = b.id\n".to_owned();
        assert_eq!(grades(files), ["Warn Likely"]);
    }
}

mod layer_direction {
    use super::*;

    const RULE: &str = "graph/layer-direction";
    const LAYERS: File = (
        "harness-lint.yml",
        "layers:\n  intermediate: {path: 'models/intermediate/**', refs: [intermediate]}\n  marts: {path: 'models/marts/**', refs: [intermediate, marts]}\n",
    );
    const STAGING: File = ("models/staging/stg_a.sql", "select 1 as id\n");

    fn days(entry: &str) -> Vec<File<'_>> {
        vec![
            STAGING,
            ("models/marts/dim_days.sql", "select 1 as day\n"),
            (
                "models/intermediate/int_rates.sql",
                "select day from {{ ref('dim_days') }}\n",
            ),
            ("models/marts/_m.yml", entry),
        ]
    }

    #[test]
    fn every_inferred_layer_may_read_the_calendar() {
        let spine = "models: [{name: dim_days, time_spine: {standard_granularity_column: day}}]\n";
        assert_eq!(
            messages(RULE, &days("models: [{name: dim_days}]\n")).len(),
            1
        );
        assert_eq!(messages(RULE, &days(spine)).len(), 0);
        let mut configured = days(spine);
        configured.push(LAYERS);
        assert_eq!(messages(RULE, &configured).len(), 1);
    }

    #[test]
    fn what_a_macro_reads_is_not_held_against_an_inferred_layer() {
        let by_macro = (
            "models/intermediate/int_rates.sql",
            "select day from {{ days() }}\n",
        );
        let macros = (
            "macros/days.sql",
            "{% macro days() %}{{ ref('dim_days') }}{% endmacro %}\n",
        );
        let mut list = days("models: [{name: dim_days}]\n");
        list[2] = by_macro;
        list.push(macros);
        assert_eq!(messages(RULE, &list).len(), 0);
        let mut configured = list.clone();
        configured.push(LAYERS);
        assert_eq!(messages(RULE, &configured).len(), 1);
        // The model's own file says it, too.
        let own = "select day from {{ days() }} union all select day from {{ ref('dim_days') }}\n";
        list[2] = ("models/intermediate/int_rates.sql", own);
        assert_eq!(messages(RULE, &list).len(), 1);
    }
}
