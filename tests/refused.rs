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
