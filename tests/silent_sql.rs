//! Rules about SQL that is silently wrong: what they find, and what real repositories do that is
//! none of it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Files, check, check_files, only};
use harness_lint::registry::RuleFilter;
use std::path::Path;

fn found(rule: &str, files: &[(&str, &str)]) -> Vec<String> {
    let files: Files = files
        .iter()
        .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
        .collect();
    let outcome = check_files(&files, only(rule));
    let findings = outcome.checked.findings.iter();
    findings
        .map(|f| {
            let project = &outcome.prepared.project;
            let file = project.files.get(f.primary.span.file);
            let line = file.line_col(f.primary.span.start).line;
            format!("{}:{line} {}", file.path, f.severity.as_str())
        })
        .collect()
}

const NONE: [&str; 0] = [];
const ORDERS: (&str, &str) = (
    "models/orders.sql",
    "select id as order_id, customer_id, amount from {{ source('s', 't') }}",
);

#[test]
fn the_silent_project_is_heard() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/silent");
    let outcome = check(&dir, RuleFilter::default());
    let project = &outcome.prepared.project;
    let mut found: Vec<String> = outcome
        .checked
        .findings
        .iter()
        .filter(|f| f.rule.starts_with("sql/"))
        .map(|f| format!("{} {}", project.path(f.primary.span.file), f.rule))
        .collect();
    found.sort();
    let wanted = [
        "models/cross_join.sql sql/cross-join",
        "models/destructive.sql sql/destructive",
        "models/distinct_group_by.sql sql/distinct-group-by",
        "models/incremental_config.sql sql/incremental-config",
        "models/inline_constant.sql sql/inline-constant",
        "models/join_fanout.sql sql/join-fanout",
        "models/nondeterministic_dedup.sql sql/nondeterministic-dedup",
        "models/null_comparison.sql sql/null-comparison",
        "models/partition_filter.sql sql/partition-filter",
        "models/reserved_identifier.sql sql/reserved-identifier",
        "models/star_union.sql sql/star-union",
        "models/swapped_union.sql sql/star-union",
        "models/unsafe_cast.sql sql/unsafe-cast",
        "models/unstable_watermark.sql sql/unstable-watermark",
        "models/unused_cte.sql sql/unused-cte",
    ];
    assert_eq!(found, wanted);
}

#[test]
fn stars_of_one_relation_and_differences_of_tables_are_no_defect() {
    let rule = "sql/star-union";
    for sql in [
        "with u as (select * from {{ ref('orders') }} where amount > 1 union all select * from {{ ref('orders') }} where amount < 0) select order_id from u",
        "with u as (select * from {{ ref('orders') }} except select * from {{ source('s', 'h') }}) select order_id from u",
        "with a as (select order_id from {{ ref('orders') }}), u as (select * from a union all select order_id from {{ ref('orders') }}) select order_id from u",
        "select order_id, amount from {{ ref('orders') }} union all select order_id, 1 from {{ ref('orders') }}",
        "select order_id as a, amount as b from {{ ref('orders') }} union all select order_id, amount from {{ ref('orders') }}",
    ] {
        assert_eq!(found(rule, &[("models/m.sql", sql), ORDERS]), NONE, "{sql}");
    }
    for (sql, severity) in [
        (
            "select order_id, amount from {{ ref('orders') }} union all select order_id from {{ ref('orders') }}",
            "error",
        ),
        (
            "select order_id, amount from {{ ref('orders') }} union all select amount, order_id from {{ ref('orders') }}",
            "error",
        ),
        (
            "select order_id, amount from {{ ref('orders') }} union all select * from {{ source('s', 'h') }}",
            "warn",
        ),
    ] {
        assert_eq!(
            found(rule, &[("models/m.sql", sql), ORDERS]),
            [format!("models/m.sql:1 {severity}")],
            "{sql}"
        );
    }
}

#[test]
fn a_star_in_a_union_is_reported_once() {
    let sql = "select * from {{ ref('orders') }} union all select * from {{ source('s', 'h') }}";
    let files = [("models/m.sql", sql), ORDERS];
    assert_eq!(found("sql/star-union", &files), ["models/m.sql:1 warn"]);
    assert_eq!(found("sql/star-output", &files), NONE);
}

#[test]
fn a_comma_beside_one_row_joins_nothing() {
    for sql in [
        "with a as (select sum(amount) as s from {{ ref('orders') }}) select o.amount / a.s as share from {{ ref('orders') }} as o, a",
        "with a as (select uniqExact(order_id) as n from {{ ref('orders') }}), b as (select n from a) select o.amount, b.n from {{ ref('orders') }} as o, b",
        "select o.amount, x.value from {{ ref('orders') }} as o, lateral flatten(o.items) as x",
        "select o.amount from {{ ref('orders') }} as o, {{ ref('orders') }} as p where o.order_id = p.order_id",
        "select o.amount from {{ ref('orders') }} as o cross join {{ ref('orders') }} as p",
    ] {
        assert_eq!(
            found("sql/cross-join", &[("models/m.sql", sql), ORDERS]),
            NONE,
            "{sql}"
        );
    }
}

#[test]
fn a_cte_that_some_branch_reads_is_used() {
    for sql in [
        "with a as (select 1 as x){% if var('big', false) %}, b as (select 2 as x){% endif %} {% if var('big', false) and target.name == 'p' %}select x from b{% else %}select x from a{% endif %}",
        "with a as (select 1 as x), b as (select 2 as x) select x from a where x in (select x from b)",
        "with a as (select 1 as x) {{ print_all('a') }}",
    ] {
        assert_eq!(
            found("sql/unused-cte", &[("models/m.sql", sql)]),
            NONE,
            "{sql}"
        );
    }
    let again = "with recursive a as (select 1 as x union all select x + 1 from a) select 1 as y";
    assert_eq!(
        found("sql/unused-cte", &[("models/m.sql", again)]),
        ["models/m.sql:1 warn"]
    );
}

#[test]
fn any_row_will_do_where_all_that_is_selected_is_the_same() {
    let sql = "select customer_id from {{ ref('orders') }} qualify row_number() over (partition by customer_id order by customer_id) = 1";
    assert_eq!(
        found(
            "sql/nondeterministic-dedup",
            &[("models/m.sql", sql), ORDERS]
        ),
        NONE
    );
    // The name follows from the code, and what is computed of both from both.
    let sql = "select person_id, drug_code, drug_display, case when drug_code in ('1', '2') then 'yes' end as is_statin from {{ ref('orders') }} qualify row_number() over (partition by person_id, drug_code order by person_id) = 1";
    assert_eq!(
        found(
            "sql/nondeterministic-dedup",
            &[("models/m.sql", sql), ORDERS]
        ),
        NONE
    );
    let sql = "with r as (select customer_id, amount, row_number() over (partition by customer_id order by 1) as rn from {{ ref('orders') }}) select customer_id, amount from r where rn = 1";
    assert_eq!(
        found(
            "sql/nondeterministic-dedup",
            &[("models/m.sql", sql), ORDERS]
        ),
        ["models/m.sql:1 warn"]
    );
}

const DUCKDB: (&str, &str) = ("harness-lint.yml", "dialect: duckdb\n");

#[test]
fn what_only_inserts_needs_no_key_unless_it_reads_rows_twice() {
    let model = |config: &str, filter: &str| {
        let sql = format!(
            "{{{{ config(materialized='incremental'{config}) }}}}\nselect order_id, amount from {{{{ ref('orders') }}}}\n{filter}"
        );
        found(
            "sql/incremental-config",
            &[("models/m.sql", &sql), ORDERS, DUCKDB],
        )
    };
    let filter = |sign: &str| {
        format!(
            "{{% if is_incremental() %}}where order_id {sign} (select max(order_id) from {{{{ this }}}}){{% endif %}}"
        )
    };
    assert_eq!(model("", &filter(">")), NONE);
    assert_eq!(model("", &filter(">=")), ["models/m.sql:1 warn"]);
    assert_eq!(model(", incremental_strategy='append'", &filter(">")), NONE);
    assert_eq!(model(", incremental_strategy='microbatch'", ""), NONE);
    assert_eq!(
        model(", incremental_strategy='insert_overwrite'", &filter(">")),
        NONE
    );
    assert_eq!(
        model(", incremental_strategy='merge'", &filter(">")),
        ["models/m.sql:1 warn"]
    );
    assert_eq!(
        model(
            ", incremental_strategy='merge', unique_key='order_id'",
            &filter(">")
        ),
        NONE
    );
    assert_eq!(
        model(", incremental_strategy='append'", ""),
        ["models/m.sql:1 warn"]
    );
    // Another way to read what is new.
    assert_eq!(
        model(
            ", unique_key='order_id'",
            "where amount > {{ var('from') }}"
        ),
        NONE
    );
    assert_eq!(
        model(
            ", unique_key='order_id'",
            "where {{ some_package.new_rows('x') }}"
        ),
        NONE
    );
}

#[test]
fn is_incremental_in_a_table_never_holds() {
    let sql = "{{ config(materialized='table') }}\nselect order_id from {{ ref('orders') }}\n{% if is_incremental() %}where order_id > 1{% endif %}";
    assert_eq!(
        found("sql/incremental-config", &[("models/m.sql", sql), ORDERS]),
        ["models/m.sql:3 warn"]
    );
}

#[test]
fn a_row_that_is_stamped_once_is_a_watermark() {
    let model = (
        "models/m.sql",
        "{{ config(materialized='incremental', unique_key='order_id') }}\nselect order_id, seen_at from {{ ref('stamped') }}\n{% if is_incremental() %}\nwhere seen_at > (select coalesce(max(seen_at), '1970-01-01') from {{ this }})\n{% endif %}",
    );
    let stamped = |kind: &str| {
        let sql = format!(
            "{{{{ config(materialized='{kind}') }}}}\nselect order_id, current_timestamp as seen_at from {{{{ ref('orders') }}}}"
        );
        found(
            "sql/unstable-watermark",
            &[model, ("models/stamped.sql", &sql), ORDERS],
        )
    };
    assert_eq!(stamped("view"), ["models/m.sql:4 warn"]);
    assert_eq!(stamped("table"), ["models/m.sql:4 warn"]);
    assert_eq!(stamped("incremental"), NONE);
    let own = "{{ config(materialized='incremental', unique_key='order_id') }}\nselect order_id, current_timestamp as seen_at from {{ ref('orders') }}\n{% if is_incremental() %}\nwhere amount > (select max(seen_at) from {{ this }})\n{% endif %}";
    assert_eq!(
        found("sql/unstable-watermark", &[("models/m.sql", own), ORDERS]),
        ["models/m.sql:4 warn"]
    );
}

#[test]
fn a_hash_of_the_join_columns_is_no_finer_key() {
    let yaml = (
        "models/s.yml",
        "sources:\n  - name: s\n    tables:\n      - name: t\n      - name: lines\nmodels:\n  - name: lines\n    columns:\n      - name: line_key\n        data_tests: [unique]\n",
    );
    let model = (
        "models/m.sql",
        "select o.customer_id, sum(o.amount) as amount from {{ ref('orders') }} as o join {{ ref('lines') }} as l on l.order_id = o.order_id group by 1",
    );
    let lines = |key: &str| {
        let sql = format!("select {key} as line_key, order_id from {{{{ source('s', 'lines') }}}}");
        found(
            "sql/join-fanout",
            &[model, yaml, ("models/lines.sql", &sql), ORDERS],
        )
    };
    assert_eq!(lines("md5(order_id)"), NONE);
    assert_eq!(
        lines("{{ dbt_utils.generate_surrogate_key(['order_id']) }}"),
        NONE
    );
    assert_eq!(lines("line_id"), ["models/m.sql:1 warn"]);
}

#[test]
fn a_join_that_is_narrowed_to_one_row_multiplies_nothing() {
    let yaml = (
        "models/s.yml",
        "models:\n  - name: lines\n    columns:\n      - name: line_id\n        data_tests: [unique]\n    data_tests:\n      - dbt_utils.unique_combination_of_columns:\n          combination_of_columns: [order_id, line_number]\n",
    );
    let lines = (
        "models/lines.sql",
        "select line_id, order_id, line_number from {{ source('s', 'lines') }}",
    );
    let model = |rest: &str| {
        let sql = format!(
            "select o.customer_id, sum(o.amount) as amount from {{{{ ref('orders') }}}} as o join {{{{ ref('lines') }}}} as l on {rest} group by 1"
        );
        found(
            "sql/join-fanout",
            &[("models/m.sql", &sql), yaml, lines, ORDERS],
        )
    };
    assert_eq!(model("l.order_id = o.order_id"), ["models/m.sql:1 warn"]);
    assert_eq!(model("l.order_id = o.order_id and l.line_number = 1"), NONE);
    assert_eq!(
        model("l.order_id = o.order_id where l.line_number = 1"),
        NONE
    );
    assert_eq!(model("l.line_id = o.order_id"), NONE);
    assert_eq!(
        model("l.order_id = o.order_id and l.line_id between 1 and 2"),
        NONE
    );
}

#[test]
fn numbers_that_are_written_for_many_reasons_need_a_word_in_common() {
    let macros = (
        "macros/units.sql",
        "{% macro miles_to_km(x) %}{{ x }} * 1.609344{% endmacro %}\n{% macro cents_to_euros(x) %}({{ x }} / 100){% endmacro %}\n{% macro days_in_year() %}365{% endmacro %}",
    );
    for (sql, hit) in [
        (
            "select amount * 1.609344 as a from {{ ref('orders') }}",
            true,
        ),
        (
            "select 1.609344 * amount as a from {{ ref('orders') }}",
            true,
        ),
        (
            "select amount + 1.609344 as a from {{ ref('orders') }}",
            false,
        ),
        ("select amount / 100 as a from {{ ref('orders') }}", false),
        (
            "select amount_cents / 100.0 as a from {{ ref('orders') }}",
            true,
        ),
        (
            "select amount_cents * 100 as a from {{ ref('orders') }}",
            false,
        ),
        (
            "select sum(amount_cents) / 100 as a from {{ ref('orders') }}",
            true,
        ),
        ("select amount / 365 as a from {{ ref('orders') }}", false),
        ("select '1.609344' as a -- amount * 1.609344", false),
    ] {
        let found = found(
            "sql/inline-constant",
            &[("models/m.sql", sql), macros, ORDERS],
        );
        assert_eq!(!found.is_empty(), hit, "{sql}");
    }
}

#[test]
fn comparisons_with_null() {
    for (condition, severity) in [
        ("amount = null", Some("error")),
        ("amount <> null", Some("error")),
        ("amount not in (1, null)", Some("error")),
        ("amount in (1, null)", Some("warn")),
        ("amount is null", None),
        ("amount is not distinct from null", None),
        ("coalesce(amount, null) = 1", None),
    ] {
        let sql = format!("select order_id from {{{{ ref('orders') }}}} where {condition}");
        let wanted: Vec<String> = severity
            .iter()
            .map(|s| format!("models/m.sql:1 {s}"))
            .collect();
        assert_eq!(
            found("sql/null-comparison", &[("models/m.sql", &sql), ORDERS]),
            wanted,
            "{condition}"
        );
    }
}
