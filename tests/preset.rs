//! The verdicts of the preset staging-5cte, one by one, on the smallest models that show them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Files, check_files};
use harness_lint::registry::RuleFilter;
use harness_lint::run::Outcome;

const INFERRED: &str = "extends: staging-5cte\n";
const CONFIGURED: &str = "extends: staging-5cte
layers:
  staging: {path: \"models/**/staging/{source}/**\", sources: true, materialized: [view]}
  marts: {path: \"models/**/marts/**\", refs: [staging]}
";

const CONFIG: &str = "{{ config(materialized='view', tags=['erp', 'staging', 'acme']) }}\n";
const CTES: &str = "with source as (
    select * from {{ source('erp', 'orders') }}
),
renamed as (
    select f_id as order_id, f_deleted as is_deleted from source
),
filtered as (
    select * from renamed where is_deleted = 0
),
enhanced as (
    select order_id, order_id as order_sk, current_timestamp() as _loaded_at from filtered
),
final as (
    -- identifiers
    select order_id, order_sk,
    -- audit
    _loaded_at from enhanced
)
select * from final
";

fn run(config: &str, model: &str) -> Outcome {
    let mut files = Files::new();
    if !config.is_empty() {
        files.insert("harness-lint.yml".to_owned(), config.to_owned());
    }
    let path = "models/ops/staging/erp/stg_erp__orders.sql";
    files.insert(path.to_owned(), model.to_owned());
    check_files(&files, RuleFilter::default())
}

/// `line severity rule: message` of the findings that this file is about.
fn said(outcome: &Outcome) -> Vec<String> {
    let findings = outcome.checked.findings.iter();
    let own = |rule: &str| {
        let name = rule.strip_prefix("structure/")?;
        let roles = [
            "cte-role",
            "cte-column-missing",
            "final-star",
            "final-select",
            "column-groups",
        ];
        (!roles.contains(&name)).then(|| name.to_owned())
    };
    findings
        .filter_map(|f| {
            let file = outcome.prepared.project.files.get(f.primary.span.file);
            let line = file.line_col(f.primary.span.start).line;
            let severity = f.severity.as_str();
            Some(format!(
                "{line} {severity} {}: {}",
                own(&f.rule)?,
                f.primary.message
            ))
        })
        .collect()
}

/// Both with inferred and with configured layers: exactly these findings, by their beginnings.
fn judged(model: &str, wanted: &[&str]) {
    for config in [INFERRED, CONFIGURED] {
        let found = said(&run(config, model));
        let same =
            found.len() == wanted.len() && found.iter().zip(wanted).all(|(f, w)| f.starts_with(w));
        assert!(
            same,
            "{config}{model}\nfound {found:#?}\nwanted {wanted:#?}"
        );
    }
}

fn with_config(config: &str) -> String {
    format!("{config}\n{CTES}")
}

/// The five CTEs with some left out, or in another order.
fn with_ctes(names: &[&str]) -> String {
    let ctes: Vec<String> = names
        .iter()
        .map(|n| format!("{n} as (\n    select order_id from x_{n}\n)"))
        .collect();
    format!(
        "{CONFIG}with {}\nselect * from {}\n",
        ctes.join(",\n"),
        names.last().unwrap()
    )
}

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
    let outcome = run(
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
        said(&run(INFERRED, &model.replace("'erp', 's", "'old', 's"))),
        [""; 0]
    );
    // A layer's path that captures it decides all the same.
    assert_eq!(
        said(&run(CONFIGURED, &model.replace("'erp', 's", "'old', 's"))).len(),
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
            assert_eq!(said(&run(config, model)), [""; 0], "{config}{model}");
        }
    }
}

#[test]
fn excluded_directories_are_silent_and_counted() {
    let config = format!(
        "{INFERRED}exclude:\n  - {{path: 'models/ops/**', rules: ['structure/*'], reason: a customer's shape}}\n"
    );
    let outcome = run(&config, CTES);
    assert_eq!(said(&outcome), [""; 0]);
    assert_eq!(outcome.checked.excluded[0].count, 1);
}
