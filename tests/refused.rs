//! References that dbt refuses, each case as dbt 1.10 decides it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Files, check_files, lines, only};

/// The messages of a rule's findings.
fn found(rule: &str, list: &[(&str, &str)]) -> Vec<String> {
    let pairs = list.iter().map(|(p, t)| ((*p).to_owned(), (*t).to_owned()));
    let files: Files = pairs.collect();
    let outcome = check_files(&files, only(rule));
    let said = lines(&outcome).into_iter();
    said.map(|l| l.split_once(rule).unwrap().1.trim().to_owned())
        .collect()
}

/// The first name in quotes of each message.
fn named(rule: &str, list: &[(&str, &str)]) -> Vec<String> {
    let found = found(rule, list);
    let name = |m: &String| m.split('`').nth(1).unwrap().to_owned();
    found.iter().map(name).collect()
}

mod private {
    use super::*;

    const RULE: &str = "graph/private-access";

    #[test]
    fn whoever_refs_from_outside() {
        let yaml = "groups: [{name: g, owner: {name: x}}, {name: h, owner: {name: x}}]
models:
- {name: mine, config: {group: g, access: private}}
- {name: loose, access: private}
- {name: same, config: {group: g}}
- {name: other, config: {group: h}}
exposures:
- {name: board, type: dashboard, depends_on: [ref('mine')]}
";
        let list = [
            ("models/_m.yml", yaml),
            ("models/mine.sql", "select 1 as id"),
            ("models/loose.sql", "select 1 as id"),
            ("models/same.sql", "select id from {{ ref('mine') }}"),
            ("models/other.sql", "select id from {{ ref('mine') }}"),
            ("models/none.sql", "select id from {{ ref('loose') }}"),
            (
                "tests/t.sql",
                "select id from {{ ref('mine') }} where id is null",
            ),
            (
                "tests/u.sql",
                "{{ config(group='g') }} select id from {{ ref('mine') }}",
            ),
        ];
        assert_eq!(named(RULE, &list), ["board", "none", "other", "t"]);
    }

    /// The finding's children, where the property file says this beside the private model.
    fn with(rest: &str) -> Vec<String> {
        let yaml = format!(
            "groups: [{{name: g, owner: {{name: x}}}}]\nmodels:\n- {{name: mine, config: {{group: g, access: private}}}}\n{rest}"
        );
        let list = [
            ("models/_m.yml", yaml.as_str()),
            ("models/mine.sql", "select 1 as id"),
            ("models/friend.sql", "select 1 as id"),
            ("models/stranger.sql", "select 1 as id"),
        ];
        named(RULE, &list)
    }

    fn test(config: &str) -> String {
        format!(
            "{{name: id, data_tests: [{{relationships: {{to: ref('mine'), field: id{config}}}}}]}}"
        )
    }

    #[test]
    fn a_generic_test_reads_in_the_group_of_what_it_stands_under() {
        let (plain, grouped) = (test(""), test(", config: {group: g}"));
        let name = "relationships_stranger_id__id__ref_mine_";
        assert_eq!(
            with(&format!("- {{name: stranger, columns: [{plain}]}}\n")),
            [name]
        );
        // Its own configuration does not matter there.
        assert_eq!(
            with(&format!("- {{name: stranger, columns: [{grouped}]}}\n")),
            [name]
        );
        let friend = format!("- {{name: friend, config: {{group: g}}, columns: [{plain}]}}\n");
        assert_eq!(with(&friend), [""; 0]);
        let off = test(", config: {enabled: false}");
        assert_eq!(
            with(&format!("- {{name: stranger, columns: [{off}]}}\n")),
            [""; 0]
        );
        // Under a source nothing else is there.
        let source = |test: &str| {
            format!("sources: [{{name: s, tables: [{{name: t, columns: [{test}]}}]}}]\n")
        };
        assert_eq!(with(&source(&plain)).len(), 1);
        assert_eq!(with(&source(&grouped)), [""; 0]);
    }

    #[test]
    fn its_own_tests_where_it_is_in_no_group_are_said_once() {
        let columns = "columns: [{name: id, data_tests: [unique, not_null]}]";
        let list = |group: &str| {
            let yaml = format!(
                "groups: [{{name: g, owner: {{name: x}}}}]\nmodels:\n- {{name: mine, config: {{access: private{group}}}, {columns}}}\n"
            );
            let list = [
                ("models/_m.yml", yaml.as_str()),
                ("models/mine.sql", "select 1 as id"),
            ];
            named(RULE, &list)
        };
        assert_eq!(list(", group: g"), [""; 0]);
        assert_eq!(list("").len(), 1);
    }

    #[test]
    fn a_unit_test_brings_its_own_rows_and_a_semantic_model_does_not() {
        let unit = "- {name: stranger}\nunit_tests: [{name: u, model: stranger, given: [{input: ref('mine'), rows: []}], expect: {rows: []}}]\n";
        assert_eq!(with(unit), [""; 0]);
        let semantic = "semantic_models: [{name: sm, model: ref('mine')}]\n";
        assert_eq!(with(semantic), ["sm"]);
    }
}

mod broken {
    use super::*;

    const RULE: &str = "graph/broken-ref";

    /// What is said where the property file has this beside a semantic model with the measure
    /// `amount`, the metric `revenue` of it, and the metric `off`, which is disabled.
    fn with(rest: &str) -> Vec<String> {
        let yaml = format!(
            "semantic_models:
- {{name: orders, model: ref('orders'), measures: [{{name: amount, agg: sum}}]}}
metrics:
- {{name: revenue, type: simple, type_params: {{measure: amount}}}}
- {{name: off, type: simple, type_params: {{measure: amount}}, config: {{enabled: false}}}}
{rest}"
        );
        let list = [
            ("models/_m.yml", yaml.as_str()),
            ("models/orders.sql", "select 1 as id"),
        ];
        found(RULE, &list)
    }

    #[test]
    fn metrics_of_metrics_saved_queries_and_exposures() {
        let refused = "there is no such metric; dbt refuses the whole project";
        let board = |metric: &str| {
            with(&format!(
                "exposures: [{{name: e, type: dashboard, depends_on: [metric('{metric}')]}}]\n"
            ))
        };
        assert_eq!(board("revenue"), [""; 0]);
        assert_eq!(board("revenu"), [format!("`metric('revenu')`: {refused}")]);
        assert_eq!(
            board("off"),
            ["the metric `off` is disabled: dbt refuses the whole project"]
        );
        let query = with("saved_queries: [{name: q, query_params: {metrics: [revenue, costs]}}]\n");
        assert_eq!(query, [format!("`costs`: {refused}")]);
        for params in [
            "type: derived, type_params: {expr: costs, metrics: [costs]}",
            "type: ratio, type_params: {numerator: revenue, denominator: costs}",
        ] {
            let found = with(&format!("- {{name: margin, {params}}}\n"));
            assert_eq!(found, [format!("`costs`: {refused}")], "{params}");
        }
        let measure = with("- {name: sum_of_it, type: simple, type_params: {measure: amuont}}\n");
        let wanted =
            "`amuont`: there is no such measure of a semantic model; dbt refuses the whole project";
        assert_eq!(measure, [wanted]);
    }

    #[test]
    fn the_nearest_name_is_of_the_same_kind() {
        let yaml = "metrics: [{name: revenue, type: simple}]\nexposures: [{name: e, type: dashboard, depends_on: [metric('revenus')]}]\n";
        let list = [
            ("models/_m.yml", yaml),
            ("models/revenus.sql", "select 1 as id"),
        ];
        let pairs = list.map(|(p, t)| (p.to_owned(), t.to_owned()));
        let outcome = check_files(&pairs.into(), only(RULE));
        assert_eq!(outcome.checked.findings[0].help, "did you mean `revenue`?");
    }

    #[test]
    fn metrics_and_functions_in_sql() {
        let list = [
            (
                "models/a.sql",
                "select {{ function('is_posiitve') }}(1) as id",
            ),
            ("models/b.sql", "select 1 as id -- {{ metric('nope') }}"),
            (
                "models/c.sql",
                "select {{ function('is_positive') }}(1) as id",
            ),
            (
                "models/d.sql",
                "select {{ function('other', 'is_positive') }}(1) as id",
            ),
            ("tests/t.sql", "select {{ function('gone') }}(1) as id"),
            ("functions/is_positive.sql", "a > 0"),
            (
                "functions/_f.yml",
                "functions: [{name: is_positive, arguments: [{name: a, data_type: int}], returns: {data_type: boolean}}]\n",
            ),
        ];
        let mut said = found(RULE, &list);
        said.sort();
        assert_eq!(
            said,
            [
                "`function('gone')`: there is no such function; dbt leaves this test out, so it never runs",
                "`function('is_posiitve')`: there is no such function; dbt refuses the whole project",
                "`function('other', 'is_positive')`: there is no package `other`; dbt refuses the whole project",
                "`metric('nope')`: there is no such metric; dbt refuses the whole project (it stands in a SQL comment, which dbt renders)",
            ]
        );
    }

    #[test]
    fn what_may_stand_elsewhere_is_not_missing() {
        let board = "exposures: [{name: e, type: dashboard, depends_on: [metric('revenus')]}]\n";
        // A package that is not installed, a metric in a model's entry.
        let packages = (
            "packages.yml",
            "packages: [{package: a/b, version: 1.0.0}]\n",
        );
        let model = ("models/orders.sql", "select 1 as id");
        assert_eq!(found(RULE, &[("models/_m.yml", board), model]).len(), 1);
        assert_eq!(
            found(RULE, &[("models/_m.yml", board), model, packages]),
            [""; 0]
        );
        let inside = (
            "models/_o.yml",
            "models: [{name: orders, metrics: [{name: revenus}]}]\n",
        );
        assert_eq!(
            found(RULE, &[("models/_m.yml", board), model, inside]),
            [""; 0]
        );
    }
}
