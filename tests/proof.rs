//! False readings of rules about tests and documents, each found on a real repository.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Files, check_files, lines, only};
use harness_lint::violation::Applicability;

fn files(all: &[(&str, &str)]) -> Files {
    let own = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
    all.iter().map(own).collect()
}

fn found(rule: &str, all: &[(&str, &str)]) -> Vec<String> {
    lines(&check_files(&files(all), only(rule)))
}

#[test]
fn pages_of_sites_and_of_dbts_own_docs_link_as_their_builders_read_links() {
    let quiet = [
        (
            "models/overview.md",
            "{% docs o %}\n![x](assets/x.png)\n{% enddocs %}\n",
        ),
        ("docs/mkdocs.yml", "site_name: x\n"),
        ("docs/guide/a.md", "[b](guide/b.md), `models/gone.sql`\n"),
        (
            "README.md",
            "[c](mailto:x@example.org) [d](#d) [e](page) [f](target/x.html)\n",
        ),
        ("models/a.sql", "select 1 as id\n"),
    ];
    assert_eq!(found("context/broken-link", &quiet), [""; 0]);
    assert_eq!(found("context/dead-mention", &quiet), [""; 0]);
    let loud = found(
        "context/broken-link",
        &[("README.md", "[a](docs/a%20b.md#x)\n")],
    );
    assert_eq!(loud.len(), 1);
    assert!(loud[0].contains("docs/a b.md"), "{loud:?}");
}

#[test]
fn a_slip_in_a_models_name_is_found_and_a_family_of_models_is_none() {
    let models = [
        ("models/stg_erp__orders.sql", "select 1 as id\n"),
        ("models/stg_erp__items.sql", "select 1 as id\n"),
        ("models/stg_erp__items_old.sql", "select 1 as id\n"),
    ];
    let with = |text: &'static str| {
        let mut all = models.to_vec();
        all.push(("AGENTS.md", text));
        found("context/dead-mention", &all)
    };
    assert_eq!(with("See `stg_erp__order`.\n").len(), 1);
    assert_eq!(with("Run `dbt build --select +stg_erp__order`.\n").len(), 1);
    assert_eq!(with("Take `ref('stg_erp__order')`.\n").len(), 1);
    for quiet in [
        "See `stg_erp__items`, `stg_erp`, `stg_<x>__orders`, `stg_*__order`.\n",
        "We will add `stg_erp__refunds`.\n",
        "Take `ref('model_name')`, `schema.yml`, `models/**/x.sql`.\n",
        "```sql\nselect * from stg_erp__order\n```\n",
    ] {
        assert_eq!(with(quiet), [""; 0], "{quiet}");
    }
}

#[test]
fn what_a_variable_switches_off_may_run_elsewhere() {
    let yaml =
        "models:\n  - name: a\n    columns:\n      - name: id\n        data_tests: [unique]\n";
    let with = |sql: &'static str| {
        let all = [("models/a.sql", sql), ("models/s.yml", yaml)];
        found("test/never-runs", &all)
    };
    let off = with("{{ config(enabled=false) }} select 1 as id\n");
    assert_eq!(off.len(), 1);
    assert!(off[0].contains("info"), "{off:?}");
    assert_eq!(
        with("{{ config(enabled=var('x', false)) }} select 1 as id\n"),
        [""; 0]
    );
    assert_eq!(with("select 1 as id\n"), [""; 0]);
}

#[test]
fn the_rename_is_safe_where_no_old_dbt_reads_the_project() {
    let fix = |bound: &str| {
        let project = format!("name: shop\nversion: '1'\n{bound}");
        let yaml = "models:\n- name: a\n  tests: [x]\n";
        let all = [
            ("dbt_project.yml", project.as_str()),
            (
                "harness-lint.yml",
                "rules: {test/deprecated-syntax: {tests_key: always}}\n",
            ),
            ("models/a.sql", "select 1 as id\n"),
            ("models/s.yml", yaml),
        ];
        let outcome = check_files(&files(&all), only("test/deprecated-syntax"));
        let first = outcome.checked.findings.first().cloned();
        first.and_then(|f| f.fix).map(|f| f.applicability)
    };
    let safe = Some(Applicability::Safe);
    let suggested = Some(Applicability::Suggested);
    assert_eq!(fix("require-dbt-version: '>=1.8.0'\n"), safe);
    assert_eq!(fix("require-dbt-version: ['>=1.9', '<2.0']\n"), safe);
    assert_eq!(
        fix("require-dbt-version: ['>=1.3.0', '<2.0.0']\n"),
        suggested
    );
    assert_eq!(fix("require-dbt-version: '<2.0.0'\n"), suggested);
    assert_eq!(fix(""), suggested);
}

#[test]
fn a_mart_that_holds_some_of_the_entities_is_not_their_home() {
    let yaml = |owner: &str| {
        format!(
            "models:\n- name: {owner}\n  columns:\n  - name: server_id\n    data_tests: [unique, not_null]\n- name: fct_logins\n  columns:\n  - name: server_id\n"
        )
    };
    let with = |owner: &str| {
        let (yaml, owner) = (yaml(owner), format!("models/marts/{owner}.sql"));
        let all = [
            ("models/marts/s.yml", yaml.as_str()),
            (owner.as_str(), "select server_id from {{ ref('a') }}\n"),
            (
                "models/marts/fct_logins.sql",
                "select server_id from {{ ref('b') }}\n",
            ),
            ("seeds/a.csv", "server_id\n1\n"),
            ("seeds/b.csv", "server_id\n1\n"),
        ];
        found("test/fk", &all).len()
    };
    assert_eq!(with("dim_excludable_servers"), 0);
    assert_eq!(with("dim_servers"), 1);
}

#[test]
fn a_macro_that_nobody_defines_is_dead_and_a_function_of_sql_is_none() {
    let with = |text: &str, more: &[(&str, &str)]| {
        let mut all = vec![
            (
                "macros/m.sql",
                "{% macro cents_to_dollars(c) %}{{ c }} / 100{% endmacro %}\n{% macro default__to_eur(c) %}{{ c }}{% endmacro %}\n",
            ),
            ("models/a.sql", "select 1 as id\n"),
            ("AGENTS.md", text),
        ];
        all.extend(more);
        found("context/dead-mention", &all)
    };
    for dead in [
        "Use `{{ dollars_of('c') }}`.\n",
        "Use the macro `dollars_of()`.\n",
        "Use the `dollars_of(c, 2)` macro.\n",
        "## Macros\n\n- `dollars_of()`: cents as dollars\n",
        "| macro | |\n|---|---|\n\n# Our macros\n\n| name | what |\n|---|---|\n| `dollars_of()` | x |\n",
        "Divide by `shop.dollars_of()`.\n",
        "Divide by `cent_to_dollars()`.\n",
    ] {
        assert_eq!(with(dead, &[]).len(), 1, "{dead}");
    }
    let slip = with("Divide by `cent_to_dollars()`.\n", &[]);
    assert!(slip[0].contains("the macro exists no more"), "{slip:?}");
    for alive in [
        "Use `cents_to_dollars()`, `{{ cents_to_dollars('c') }}`, the macro `to_eur()`.\n",
        // dbt's own, an adapter's, placeholders.
        "The macro `generate_schema_name()`, `{{ config(x=1) }}`, the macro `snowflake__create_table_as()`, `{{ macro_name() }}`, `{{ my_thing() }}`.\n",
        // Functions of SQL and Python, other packages' macros.
        "`date_bucket()`, `main_loop()`; the macro wraps `percentile_of()`. `{{ other_utils.thing_of() }}`\n",
        // What is not there yet.
        "We will add the macro `dollars_of()`.\n",
    ] {
        assert_eq!(with(alive, &[]), [""; 0], "{alive}");
    }
    let packages = [(
        "packages.yml",
        "packages: [{package: a/b, version: 1.0.0}]\n",
    )];
    assert_eq!(with("Use `{{ dollars_of('c') }}`.\n", &packages), [""; 0]);
}

#[test]
fn freshness_is_what_dbt_merges_of_source_table_and_project() {
    let with = |source: &str, table: &str, project: &str| {
        let yaml = format!("sources:\n- {{name: erp{source}, tables: [{{name: t{table}}}]}}\n");
        let project = format!("name: shop\nversion: '1.0'\n{project}");
        let all = [
            ("models/s.yml", yaml.as_str()),
            ("dbt_project.yml", project.as_str()),
        ];
        found("test/freshness", &all).len()
    };
    let day = ", freshness: {warn_after: {count: 1, period: day}}";
    assert_eq!(with("", "", ""), 1);
    assert_eq!(with(day, "", ""), 0);
    assert_eq!(with(day, ", freshness: null", ""), 1);
    assert_eq!(with(day, ", config: {freshness: null}", ""), 1);
    assert_eq!(with(day, ", freshness: {warn_after: null}", ""), 1);
    // A threshold without its period is none to dbt.
    assert_eq!(with("", ", freshness: {error_after: {count: 3}}", ""), 1);
    assert_eq!(
        with(
            ", freshness: {error_after: {period: hour}}",
            ", freshness: {error_after: {count: 3}}",
            ""
        ),
        0
    );
    // dbt_project.yml has a word in it; what only a run knows is not judged.
    let section = "sources: {shop: {+freshness: {error_after: {count: 3, period: hour}}}}\n";
    assert_eq!(with("", "", section), 0);
    assert_eq!(with("", ", freshness: \"{{ env_var('F') }}\"", ""), 0);
    assert_eq!(
        with(
            "",
            ", freshness: {error_after: {count: \"{{ env_var('F') }}\", period: hour}}",
            ""
        ),
        0
    );
    // The promise is measured by the merged threshold.
    let sla = ", meta: {sla: 12h}";
    assert_eq!(with("", sla, section), 0);
    assert_eq!(with("", ", meta: {sla: 2h}", section), 1);
}

/// The entry that the fix of test/pk makes of an entry.
fn with_tests(sql: &str, yaml: &str) -> Option<String> {
    let all = [("models/a.sql", sql), ("models/s.yml", yaml)];
    let outcome = check_files(&files(&all), only("test/pk"));
    let edits = outcome.checked.findings.first()?.fix.clone()?.edits;
    let [edit] = &edits[..] else { return None };
    let mut text = yaml.to_owned();
    text.replace_range(edit.span.range(), &edit.text);
    Some(text)
}

#[test]
fn tests_of_a_key_are_written_where_they_belong() {
    let sql = "select a_id from {{ source('x', 'y') }} qualify row_number() over (partition by a_id order by 1) = 1\n";
    let written = with_tests(sql, "models:\n- name: a # one\n").unwrap();
    assert_eq!(
        written,
        "models:\n- name: a # one\n  columns:\n    - name: a_id\n      data_tests:\n        - unique\n        - not_null\n"
    );
    let written = with_tests(
        sql,
        "models:\r\n- name: a\r\n  columns:\r\n  - name: b\r\n    tests: [x]\r\n",
    )
    .unwrap();
    assert_eq!(
        written,
        "models:\r\n- name: a\r\n  columns:\r\n  - name: b\r\n    tests: [x]\r\n  - name: a_id\r\n    tests:\r\n      - unique\r\n      - not_null\r\n"
    );
    assert_eq!(with_tests(sql, "models: [{name: a}]\n"), None);
    let joined = "select o.a_id from {{ ref('b') }} o join {{ ref('c') }} c on true\n";
    assert!(
        with_tests(joined, "models:\n- name: a\n").is_some(),
        "by its name"
    );
    assert_eq!(
        with_tests("select z from {{ ref('b') }}\n", "models:\n- name: a\n"),
        None
    );
}
