//! The verdicts of the preset staging-5cte, one by one: what each CTE does, the columns' groups, the
//! end of the model, its name.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::preset::{CONFIG, INFERRED, but, judged_by_all, said_by_all, with_config};
use common::{Files, check_files};
use harness_lint::registry::RuleFilter;

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
