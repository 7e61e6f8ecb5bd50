//! What is planted downstream of staging: look-alikes and defects as parts of a [`Body`].

use super::defects::Kind;
use super::downstream::{Body, forbidden_edge, macro_reference};
use super::lookalikes::Lookalike;
use super::sql::{Sql, relation};

/// Adds the model's look-alikes.
pub fn lookalikes(body: &mut Body<'_>) {
    for lookalike in body.model.lookalikes.clone() {
        left_joins(body, lookalike);
        relations(body, lookalike);
        references(body, lookalike);
    }
}

/// Around left joins, where sql/inner-after-left must stay silent.
fn left_joins(body: &mut Body<'_>, lookalike: Lookalike) {
    let base = body.base.clone();
    match lookalike {
        Lookalike::AntiJoin => {
            body.cte(
                "blocked_accounts",
                &format!("    select account_id from {base} where status = 'void'"),
            );
            body.left_join("blocked_accounts");
            body.condition("blocked_accounts.account_id is null".to_owned());
        }
        Lookalike::LeftThenCoalesce => {
            flags(body);
            body.condition("coalesce(account_flags.flag_amount, 0) >= 0".to_owned());
        }
        Lookalike::LeftThenOrNull => {
            flags(body);
            body.condition(
                "(account_flags.flag_amount > 1 or account_flags.flag_amount is null)".to_owned(),
            );
        }
        Lookalike::LeftThenLeft => {
            flags(body);
            body.cte(
                "country_totals",
                &format!(
                    "    select country_code, count(*) as rows_seen \
                from {base} group by country_code"
                ),
            );
            body.joins.push(Sql::text(
                "left join country_totals on account_flags.last_country = \
                country_totals.country_code",
            ));
        }
        Lookalike::InnerOnBase => {
            flags(body);
            body.cte(
                "known_accounts",
                &format!("    select distinct account_id from {base}"),
            );
            body.joins.push(Sql::text(format!(
                "inner join known_accounts on {base}.account_id = known_accounts.account_id"
            )));
        }
        Lookalike::StarInExists => {
            body.condition(format!(
                "exists (select * from {base} as other where other.account_id = {base}.account_id)"
            ));
        }
        Lookalike::TableInString => {
            body.condition(format!(
                "coalesce({base}.status, '') <> 'it''s from prod.x -- join raw.erp.orders'"
            ));
        }
        _ => {}
    }
}

/// A left-joined relation with values to test; once per file.
fn flags(body: &mut Body<'_>) {
    if body.ctes.iter().any(|(name, _)| name == "account_flags") {
        return;
    }
    let base = body.base.clone();
    body.cte(
        "account_flags",
        &format!(
            "    select\n        account_id,\n        max(status) as last_status,\n        \
                max(country_code) as last_country,\n        \
             sum(amount_net) as flag_amount\n    from {base}\n    group by account_id"
        ),
    );
    body.left_join("account_flags");
}

/// Relations that are no tables, where graph/hardcoded-relation must stay silent.
fn relations(body: &mut Body<'_>, lookalike: Lookalike) {
    let base = body.base.clone();
    match lookalike {
        Lookalike::LateralFlatten => {
            body.cte(
                "flattened",
                &format!(
                    "    select\n        a.account_id,\n        max(f.value::varchar) as \
                        last_word\n    from {base} as a,\n        \
                     lateral flatten(input => split(a.status, ' ')) f\n    group by a.account_id"
                ),
            );
            body.left_join("flattened");
        }
        Lookalike::TableFunction => {
            body.cte(
                "spine",
                "    select seq4() as n from table(generator(rowcount => 3))",
            );
            body.joins.push(Sql::text(format!(
                "left join spine on {base}.amount_net = spine.n"
            )));
        }
        Lookalike::Unnest => {
            body.cte(
                "tag_list",
                "    select t.tag from unnest(array_construct('open', 'paid')) as t(tag)",
            );
            body.joins.push(Sql::text(format!(
                "left join tag_list on {base}.status = tag_list.tag"
            )));
        }
        Lookalike::QuotedCteLikeTable => account_cte(body, "\"raw.orders\""),
        Lookalike::CteNamedAsModel => {
            let name = body.plan.models[0].name.clone();
            account_cte(body, &name);
        }
        Lookalike::SuppressedTable => {
            let mut sql = Sql::text("    select account_id, legacy_id\n    ");
            sql.jinja(
                "{# harness-lint: ignore[graph/hardcoded-relation] loaded by hand once, \
                nobody owns it #}",
                "",
            );
            sql.add("\n    from raw.legacy.account_map");
            body.ctes.push(("account_map".to_owned(), sql));
            body.left_join("account_map");
        }
        _ => {}
    }
}

fn account_cte(body: &mut Body<'_>, name: &str) {
    let base = body.base.clone();
    body.cte(
        name,
        &format!(
            "    select account_id, max(updated_at) as seen_at from {base} group by account_id"
        ),
    );
    body.left_join(name);
}

/// References that are fine, or none.
fn references(body: &mut Body<'_>, lookalike: Lookalike) {
    let base = body.base.clone();
    match lookalike {
        Lookalike::SeedRef => {
            seed(body);
            body.joins.push(Sql::text(format!(
                "left join country_codes on {base}.country_code = country_codes.country_code"
            )));
        }
        Lookalike::PackageRef => {
            let mut sql = Sql::new();
            sql.package_reference("other_pkg", "calendar");
            body.import("calendar", &sql);
            body.joins.push(Sql::text(format!(
                "left join calendar on {base}.created_at = calendar.date_day"
            )));
        }
        Lookalike::DependsOn => {
            body.before.add("-- depends_on: ");
            body.before
                .reference(&body.plan.models[body.model.parents[0]].name);
            body.before.add("\n");
        }
        Lookalike::RefInDeadBranch => {
            let mut sql = Sql::new();
            sql.jinja(
                "{% if false %}left join {{ ref('nope_in_dead_branch') }} as gone on \
                true{% endif %}",
                "",
            );
            body.joins.push(sql);
        }
        Lookalike::MacroRef => {
            let mut sql = Sql::text(format!("{base}.account_id in ("));
            let model = relation(&body.plan.models[0].name);
            sql.jinja(
                "{{ active_accounts('account_id') }}",
                format!("select account_id from {model} where status = 'open'"),
            );
            sql.add(")");
            sql.refer(macro_reference(body.plan));
            body.wheres.push(sql);
        }
        _ => {}
    }
}

fn seed(body: &mut Body<'_>) {
    let mut sql = Sql::new();
    sql.reference("country_codes");
    body.import("country_codes", &sql);
}

/// Adds the model's defect, where it is one of this text.
pub fn defect(body: &mut Body<'_>) {
    let Some(defect) = body.defect else { return };
    match defect.kind {
        Kind::LayerDirection => forbidden_edge(body),
        Kind::BrokenRef => broken_ref(body),
        Kind::HardcodedRelation => hardcoded(body, defect.variant),
        Kind::InnerAfterLeft => inner_after_left(body, defect.variant),
        Kind::UnusedSuppression => {
            let rule = [
                "sql/star-output",
                "sql/inner-after-left",
                "graph/hardcoded-relation",
            ][defect.variant % 3];
            body.closing.mark();
            body.closing.add(format!(
                "-- harness-lint: ignore[{rule}] needed until the old report is gone\n"
            ));
        }
        _ => {}
    }
}

fn broken_ref(body: &mut Body<'_>) {
    // No model's name ends this way, and "did you mean" has something to find.
    let name = format!("{}z", body.plan.models[body.model.parents[0]].name);
    let mut sql = Sql::new();
    sql.mark();
    // The project's own name as package: a bare name may be that of a package that is not
    // installed, and is unknown rather than broken.
    sql.package_reference("generated", &name);
    body.import("misspelt", &sql);
    body.left_join("misspelt");
}

fn hardcoded(body: &mut Body<'_>, variant: usize) {
    let table = [
        "raw.erp.rates",
        "prod.rates",
        "\"RAW\".\"ERP\".\"RATES\"",
        "rates_2019",
    ][variant % 4];
    let mut sql = Sql::text("    select account_id, rate\n    from ");
    sql.mark();
    sql.add(table);
    body.ctes.push(("rates".to_owned(), sql));
    body.left_join("rates");
}

fn inner_after_left(body: &mut Body<'_>, variant: usize) {
    flags(body);
    let mut sql = Sql::new();
    sql.mark();
    if variant.is_multiple_of(2) {
        seed(body);
        sql.add(
            "inner join country_codes on account_flags.last_country = country_codes.country_code",
        );
        body.joins.push(sql);
    } else {
        sql.add("account_flags.last_status = 'open'");
        // First, so that the condition and its `where` share a line.
        body.wheres.insert(0, sql);
    }
}
