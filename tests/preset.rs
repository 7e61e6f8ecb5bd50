//! The verdicts of the preset staging-5cte, one by one, on the smallest models that show them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Files, check_files};
use harness_lint::registry::RuleFilter;
use harness_lint::run::{self, Outcome, Request};
use harness_lint::threads;

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

fn outcome_of(config: &str, model: &str) -> Outcome {
    let mut files = Files::new();
    if !config.is_empty() {
        files.insert("harness-lint.yml".to_owned(), config.to_owned());
    }
    let path = "models/ops/staging/erp/stg_erp__orders.sql";
    files.insert(path.to_owned(), model.to_owned());
    check_files(&files, RuleFilter::default())
}

/// `line severity rule: message` of the findings on configuration, on missing CTEs and their order.
fn said(outcome: &Outcome) -> Vec<String> {
    findings(outcome, false)
}

/// The same of every rule of the category.
fn said_by_all(outcome: &Outcome) -> Vec<String> {
    findings(outcome, true)
}

fn findings(outcome: &Outcome, all: bool) -> Vec<String> {
    let findings = outcome.checked.findings.iter();
    let own = |rule: &str| {
        let name = rule.strip_prefix("structure/")?;
        let first = [
            "config-missing",
            "materialization",
            "tags",
            "cte-missing",
            "cte-order",
        ];
        (all || first.contains(&name)).then(|| name.to_owned())
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
        let found = said(&outcome_of(config, model));
        let same =
            found.len() == wanted.len() && found.iter().zip(wanted).all(|(f, w)| f.starts_with(w));
        assert!(
            same,
            "{config}{model}\nfound {found:#?}\nwanted {wanted:#?}"
        );
    }
}

/// As [`judged`], every rule of the category, without lines.
fn judged_by_all(model: &str, wanted: &[&str]) {
    for config in [INFERRED, CONFIGURED] {
        let found = said_by_all(&outcome_of(config, model));
        let found: Vec<&str> = found.iter().map(|f| f.split_once(' ').unwrap().1).collect();
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
fn the_pattern_itself_is_silent_under_every_rule() {
    judged_by_all(&with_config(CONFIG), &[]);
    // No CTE at all is one finding.
    judged_by_all(
        &format!("{CONFIG}select order_id from {{{{ source('erp', 'orders') }}}}\n"),
        &["error cte-missing: none of the CTEs"],
    );
    judged_by_all(CTES, &["error config-missing"]);
}

/// The pattern with one part replaced.
fn but(part: &str, by: &str) -> String {
    let model = with_config(CONFIG);
    assert!(model.contains(part), "{part}");
    model.replace(part, by)
}

#[test]
fn f_what_enhanced_must_add() {
    let both = "order_id, order_id as order_sk, current_timestamp() as _loaded_at from filtered";
    let key = "warn cte-column-missing: `enhanced` adds no surrogate key";
    let time = "warn cte-column-missing: `enhanced` adds no column `_loaded_at`";
    let final_key = "order_id, order_sk,\n    -- audit\n    _loaded_at from enhanced";
    let plain = "order_id,\n    -- audit\n    order_id as x from enhanced";
    for (columns, wanted) in [
        ("order_id from filtered", vec![time, key]),
        ("* from filtered", vec![time, key]),
        ("order_id, order_id as ORDER_SK from filtered", vec![time]),
        ("order_id, now() as _LOADED_AT from filtered", vec![key]),
        (
            "order_id, order_id as _sk, now() as _loaded_at_utc from filtered",
            vec![time],
        ),
        (
            "*, {{ dbt_utils.generate_surrogate_key(['order_id']) }} as order_key, now() as _loaded_at from filtered",
            vec![],
        ),
        (
            "*, {{ surrogate_key('order_id') }} as order_key from filtered",
            vec![time],
        ),
        ("order_id, {{ audit_columns() }} from filtered", vec![]),
    ] {
        let model = but(both, columns).replace(final_key, plain);
        judged_by_all(&model, &wanted);
    }
    // What an earlier CTE names and `*` passes on is there.
    let model = but(
        "f_deleted as is_deleted from",
        "f_deleted as is_deleted, f_t as _loaded_at from",
    );
    judged_by_all(
        &model.replace(both, "*, order_id as order_sk from filtered"),
        &[],
    );
    // Only where `enhanced` is there.
    let model = but("enhanced as (", "extended as (").replace("from enhanced", "from extended");
    let model = model
        .replace(both, "order_id from filtered")
        .replace(final_key, plain.replace("enhanced", "extended").as_str());
    judged_by_all(&model, &["error cte-missing: the CTE `enhanced`"]);
}

#[test]
fn g_the_contract_and_the_last_line() {
    let list = "select order_id, order_sk,\n    -- audit\n    _loaded_at from enhanced";
    judged_by_all(
        &but(list, "-- audit\n    select * from enhanced"),
        &["error final-star: `final` does not name its columns"],
    );
    judged_by_all(
        &but(list, "-- audit\n    select e.*, 1 as x from enhanced as e"),
        &["error final-star"],
    );
    judged_by_all(
        &but(
            list,
            "-- audit\n    select {{ dbt_utils.star(ref('x')) }} from enhanced",
        ),
        &["error final-star"],
    );
    // A macro that prints a column or two beside named ones.
    judged_by_all(
        &but(
            list,
            "-- audit\n    select order_id, {{ audit_columns() }} from enhanced",
        ),
        &[],
    );
    let end = "select * from final";
    for other in [
        "select order_id from final",
        "select * from enhanced",
        "select * from final where order_id > 0",
        "select distinct * from final",
        "select * from final limit 10",
        "select * from final order by order_id",
        "select * from final join enhanced using (order_id)",
        "select * from final union all select * from enhanced",
    ] {
        judged_by_all(
            &but(end, other),
            &["warn final-select: the model does not end with"],
        );
    }
    for same in [
        "select * from FINAL",
        "select final.* from final",
        "select * from final as f",
        "select * from final {% if target.name == 'dev' %} limit 100 {% endif %}",
        "select * from final {{ limit_in_dev() }}",
    ] {
        judged_by_all(&but(end, same), &[]);
    }
    // Only where `final` is there.
    let model = but(list, "-- audit\n    select * from enhanced").replace("final", "done");
    judged_by_all(&model, &["error cte-missing: the CTE `final`"]);
}

#[test]
fn h_groups_of_columns() {
    let one = "warn column-groups: there is only the grouping comment `identifiers`";
    for (second, wanted) in [
        ("-- other", vec![one]),
        ("-- identifiers", vec![one]),
        ("-- audited", vec![one]),
        ("-- Audit columns", vec![]),
        ("--- DBT metadata ---", vec![]),
        ("/* ingestion: when it came */", vec![]),
        ("{# dates #}", vec![]),
    ] {
        judged_by_all(&but("-- audit", second), &wanted);
    }
    judged_by_all(
        &but("-- audit", "").replace("-- identifiers", ""),
        &["warn column-groups: there is no grouping comment"],
    );
    // Comments count anywhere, `renamed` will do, and without both nothing is said.
    judged_by_all(&format!("{}-- dates\n", but("-- audit", "")), &[]);
    let bare = but("-- audit", "");
    judged_by_all(
        &bare.replace("final", "done"),
        &["warn column-groups", "error cte-missing: the CTE `final`"],
    );
    judged_by_all(
        &bare.replace("final", "done").replace("renamed", "named"),
        &[
            "error cte-missing: the CTE `renamed`",
            "error cte-missing: the CTE `final`",
        ],
    );
}

#[test]
fn each_cte_keeps_to_its_role() {
    for (part, by, wanted) in [
        (
            "'orders') }}",
            "'orders') }} where f_id > 0",
            "warn cte-role: `source` filters",
        ),
        (
            "'orders') }}",
            "'orders') }} o join {{ source('erp', 'x') }} x using (f_id)",
            "warn cte-role: `source` joins",
        ),
        (
            "is_deleted from source",
            "is_deleted from source where f_id > 0",
            "warn cte-role: `renamed` filters",
        ),
        (
            "f_deleted as",
            "case when f_deleted then 1 end as",
            "warn cte-role: `renamed` branches",
        ),
        (
            "select * from renamed",
            "select *, order_id as id from renamed",
            "warn cte-role: `filtered` renames",
        ),
        (
            "select * from renamed",
            "select *, upper(order_id) as id from renamed",
            "warn cte-role: `filtered` computes",
        ),
    ] {
        judged_by_all(&but(part, by), &[wanted]);
    }
    for (part, by) in [
        ("f_deleted as", "cast(f_deleted as int) as"),
        (
            "select * from renamed where",
            "select *, row_number() over (partition by order_id order by 1) as n from renamed where",
        ),
        (
            "select * from renamed",
            "select order_id, is_deleted from renamed",
        ),
        (
            "'orders') }}",
            "'orders') }} {% if is_incremental() %} where f_id > 0 {% endif %}",
        ),
        // Words in comments and strings are no clauses.
        ("'orders') }}", "'orders') }} -- where and join"),
    ] {
        judged_by_all(&but(part, by), &[]);
    }
}

#[test]
fn a_staging_model_is_named_after_its_source() {
    let mut files = Files::new();
    files.insert("harness-lint.yml".to_owned(), INFERRED.to_owned());
    for name in [
        "stg_erp__orders",
        "stg_orders",
        "stg_crm__orders",
        "stg_erp__",
        "erp__orders",
    ] {
        let path = format!("models/staging/erp/{name}.sql");
        files.insert(path, with_config(CONFIG));
    }
    // Other layers are nobody's business here.
    files.insert(
        "models/marts/orders.sql".to_owned(),
        "select 1 as id\n".to_owned(),
    );
    let found = said_by_all(&check_files(&files, RuleFilter::default()));
    let names: Vec<&str> = found.iter().map(|f| f.split('`').nth(1).unwrap()).collect();
    assert_eq!(
        names,
        ["erp__orders", "stg_crm__orders", "stg_erp__", "stg_orders"],
        "{found:#?}"
    );
    assert!(
        found[0].contains("is not named `stg_erp__{entity}`"),
        "{found:#?}"
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
