//! The verdicts of the preset staging-5cte, one by one, on the smallest models that show them: the
//! configuration, which CTEs there are and in which order, and where the preset keeps silent.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::preset::{
    CONFIG, CONFIGURED, CTES, INFERRED, judged, judged_by_all, outcome_of, said, with_config,
    with_ctes,
};
use common::{Files, check_files};
use harness_lint::registry::RuleFilter;
use harness_lint::run::{self, Request};
use harness_lint::threads;

#[test]
fn the_pattern_itself_is_silent() {
    judged(&with_config(CONFIG), &[]);
    judged(
        &with_config(CONFIG)
            .to_uppercase()
            .replace(
                "CONFIG(MATERIALIZED='VIEW', TAGS=['ERP', 'STAGING', 'ACME'])",
                "config(materialized='view', tags=['erp', 'staging', 'acme'])",
            )
            .replace("SOURCE('ERP', 'ORDERS')", "source('erp', 'orders')"),
        &[],
    );
}

#[test]
fn the_pattern_itself_is_silent_under_every_rule() {
    judged_by_all(&with_config(CONFIG), &[]);
    // No CTE at all is one finding.
    judged_by_all(
        &format!("{CONFIG}select order_id from {{{{ source('erp', 'orders') }}}}\n"),
        &["error cte-missing: none of the CTEs"],
    );
    judged_by_all(CTES, &["error config-missing"]);
}

#[test]
fn a_no_config_is_config_missing_alone() {
    judged(
        CTES,
        &["1 error config-missing: `stg_erp__orders` has no `config()`"],
    );
    // One in a Jinja comment is none; one under a condition is one.
    judged(
        &format!("{{# {CONFIG} #}}{CTES}"),
        &["1 error config-missing"],
    );
    judged(
        &format!("{{% if target.name == 'x' %}}{CONFIG}{{% endif %}}{CTES}"),
        &[],
    );
    // A macro of a package that is not installed may be the one.
    judged(&format!("{{{{ acme_utils.staging_config() }}}}{CTES}"), &[]);
    judged(
        &format!("{{{{ config.get('x') }}}}{CTES}"),
        &["1 error config-missing"],
    );
}

#[test]
fn b_the_materialization_must_stand_inline() {
    let tags = "tags=['erp', 'staging', 'acme']";
    for (config, wanted) in [
        (
            format!("{{{{ config({tags}) }}}}"),
            "1 error materialization: `config()` sets no",
        ),
        (
            format!("{{{{ config(materialized='table', {tags}) }}}}"),
            "1 error materialization: materialized is `table`, and staging allows `view`",
        ),
        (
            format!("{{{{ config(\n  materialized = \"incremental\",\n  {tags}) }}}}"),
            "2 error materialization: materialized is `incremental`",
        ),
        (
            format!("{{% set m = 'ephemeral' %}}{{{{ config(materialized=m, {tags}) }}}}"),
            "1 error materialization: materialized is `ephemeral`",
        ),
    ] {
        judged(&with_config(&config), &[wanted]);
    }
    let unknown = format!("{{{{ config(materialized=env_var('M'), {tags}) }}}}");
    judged(&with_config(&unknown), &[]);
    judged(
        &with_config(&format!("{{{{ config({tags}, **settings()) }}}}")),
        &[],
    );
}

#[test]
fn c_tags_are_one_finding_and_an_error_where_the_layer_is_not_named() {
    for (tags, wanted) in [
        (
            "",
            "1 error tags: there are no tags, expected ['erp', 'staging', {org}]",
        ),
        (", tags=[]", "1 error tags: there are no tags"),
        (
            ", tags=['erp', 'acme']",
            "1 error tags: tags are ['erp', 'acme'], expected",
        ),
        (", tags='erp'", "1 error tags: tags are ['erp'], expected"),
        (
            ", tags=['erp', 'staging']",
            "1 warn tags: tags are ['erp', 'staging'], expected",
        ),
        (", tags=['staging', 'erp', 'acme']", "1 warn tags"),
        (", tags=['crm', 'staging', 'acme']", "1 warn tags"),
        (", tags=['erp', 'staging', 'acme', 'old']", "1 warn tags"),
        (", tags=['ERP', 'staging', 'acme']", "1 warn tags"),
    ] {
        let config = format!("{{{{ config(materialized='view'{tags}) }}}}");
        judged(&with_config(&config), &[wanted]);
    }
    for tags in [
        "['erp', 'staging', 'anything']",
        "env_var('TAGS')",
        "['erp', 'staging'] + ['acme']",
    ] {
        let config = format!("{{{{ config(materialized='view', tags={tags}) }}}}");
        judged(&with_config(&config), &[]);
    }
    // Tags of several calls add up, as in dbt.
    let twice =
        "{{ config(materialized='view', tags='erp') }}{{ config(tags=['staging', 'acme']) }}";
    judged(&with_config(twice), &[]);
}

#[test]
fn d_no_cte_is_one_finding_else_one_per_missing_name() {
    let none = format!("{CONFIG}select order_id from {{{{ source('erp', 'orders') }}}}\n");
    judged(
        &none,
        &["1 error cte-missing: none of the CTEs source, renamed, filtered, enhanced, final"],
    );
    judged(
        &with_ctes(&["source", "renamed", "final"]),
        &[
            "5 error cte-missing: the CTE `enhanced` is missing",
            "5 error cte-missing: the CTE `filtered` is missing",
        ],
    );
    judged(
        &with_ctes(&["other"]),
        &[
            "2 error cte-missing: the CTE `enhanced`",
            "2 error cte-missing: the CTE `filtered`",
            "2 error cte-missing: the CTE `final`",
            "2 error cte-missing: the CTE `renamed`",
            "2 error cte-missing: the CTE `source`",
        ],
    );
    // CTEs beyond the sequence are nobody's business, and names know no case.
    judged(
        &with_ctes(&[
            "Source",
            "RENAMED",
            "deduplicated",
            "filtered",
            "enhanced",
            "final",
        ]),
        &[],
    );
}

#[test]
fn d_what_cannot_be_seen_is_not_missing() {
    judged(&format!("{CONFIG}select (1 from\n"), &[]);
    judged(&format!("{CONFIG}-- nothing yet\n"), &[]);
    judged(
        &format!("{CONFIG}{{{{ generate_staging('orders') }}}}\n"),
        &[],
    );
    judged(
        &format!("{CONFIG}{{{{ five_ctes('orders') }}}}\nselect * from final\n"),
        &[],
    );
    judged(
        &format!(
            "{CONFIG}with {{{{ import('a') }}}}, final as (select 1 as id)\nselect * from final\n"
        ),
        &[],
    );
}

#[test]
fn e_the_order_of_those_that_are_there() {
    judged(
        &with_ctes(&["source", "filtered", "renamed", "enhanced", "final"]),
        &["5 error cte-order: `filtered` stands before `renamed`"],
    );
    judged(
        &with_ctes(&["final", "source", "renamed", "filtered", "enhanced"]),
        &["2 error cte-order: `final` stands before `source`"],
    );
    // What is missing is missing; the rest is in order.
    judged(
        &with_ctes(&["source", "filtered", "final"]),
        &[
            "2 error cte-missing: the CTE `renamed`",
            "5 error cte-missing: the CTE `enhanced`",
        ],
    );
    judged(
        &with_ctes(&["renamed", "source", "filtered", "enhanced", "final"]),
        &["2 error cte-order: `renamed`"],
    );
}

#[test]
fn the_finding_of_an_order_points_at_what_it_should_follow() {
    let outcome = outcome_of(
        INFERRED,
        &with_ctes(&["source", "filtered", "renamed", "enhanced", "final"]),
    );
    let order = outcome
        .checked
        .findings
        .iter()
        .find(|f| f.rule == "structure/cte-order");
    let related = &order.unwrap().related[0];
    assert_eq!(outcome.prepared.project.text(related.span), "renamed");
}

#[test]
fn only_the_staging_layer_is_judged_and_python_is_not() {
    for config in [INFERRED, CONFIGURED] {
        let mut files = Files::new();
        files.insert("harness-lint.yml".to_owned(), config.to_owned());
        files.insert(
            "models/marts/fct.sql".to_owned(),
            "select 1 as id\n".to_owned(),
        );
        let python = "def model(dbt, session):\n    return dbt.source('erp', 'x')\n";
        files.insert("models/staging/erp/stg.py".to_owned(), python.to_owned());
        assert_eq!(said(&check_files(&files, RuleFilter::default())), [""; 0]);
    }
}

#[test]
fn where_the_source_is_not_known_tags_are_not_judged() {
    let model =
        with_config(CONFIG).replace("'orders') }}", "'orders') }} join {{ source('crm', 'x') }}");
    assert_eq!(
        said(&outcome_of(
            INFERRED,
            &model.replace("'erp', 's", "'old', 's")
        )),
        [""; 0]
    );
    // A layer's path that captures it decides all the same.
    assert_eq!(
        said(&outcome_of(
            CONFIGURED,
            &model.replace("'erp', 's", "'old', 's")
        ))
        .len(),
        1
    );
}

#[test]
fn a_repository_without_configuration_hears_nothing_of_sequences_and_templates() {
    let bare = "select f_id from {{ source('erp', 'orders') }}\n";
    for model in [
        bare,
        &with_ctes(&["final", "source"]),
        &format!("{{{{ config(tags='x', materialized='table') }}}}{bare}"),
    ] {
        for config in [
            "",
            "extends: strict\n",
            "extends: recommended\n",
            &CONFIGURED
                .replace("staging-5cte", "strict")
                .replace(", materialized: [view]", ""),
        ] {
            assert_eq!(said(&outcome_of(config, model)), [""; 0], "{config}{model}");
        }
    }
}

#[test]
fn excluded_directories_are_silent_and_counted() {
    let config = format!(
        "{INFERRED}exclude:\n  - {{path: 'models/ops/**', rules: ['structure/*'], reason: a customer's shape}}\n"
    );
    let outcome = outcome_of(&config, CTES);
    assert_eq!(said(&outcome), [""; 0]);
    assert_eq!(outcome.checked.excluded[0].count, 1);
}

#[test]
fn options_without_sense_are_refused_at_their_place() {
    for (options, place, words) in [
        (
            "structure/cte-role: {roles: {source: importing}}",
            "2:40",
            "unknown value `importing`",
        ),
        (
            "structure/model-name: {patterns: {staging: 'stg_{'}}",
            "2:46",
            "without a `{name}`",
        ),
        (
            "structure/model-name: {patterns: {staging: ''}}",
            "2:46",
            "is empty",
        ),
        (
            "structure/cte-column-missing: {columns: {a: [{what: x}]}}",
            "2:48",
            "neither `columns`",
        ),
        (
            "structure/cte-column-missing: {columns: {a: [{colums: [x]}]}}",
            "2:49",
            "unknown key `colums`",
        ),
        (
            "structure/column-groups: {at_least: -1}",
            "2:39",
            "0 or more",
        ),
        ("structure/final-star: {ctes: final}", "2:26", "`ctes`"),
        ("doc/coverage: {target: 120}", "2:26", "between 0 and 100"),
        (
            "doc/definition-drift: {shared: 3}",
            "2:34",
            "between 0 and 1",
        ),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let mut files = Files::new();
        files.insert(
            "harness-lint.yml".to_owned(),
            format!("rules:\n  {options}\n"),
        );
        files.insert("models/m.sql".to_owned(), "select 1 as id\n".to_owned());
        common::write(dir.path(), &files);
        let request = Request {
            cwd: dir.path().to_owned(),
            ..Request::default()
        };
        let error = threads::on_pool(1, || run::check(&request).err()).unwrap();
        assert_eq!(error.exit_code(), 2, "{options}");
        let said = format!("{error:?}");
        assert!(said.contains(words), "{options}: {said}");
        assert!(said.contains(place), "{options}: {said}");
    }
}
