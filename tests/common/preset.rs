//! The model of the preset staging-5cte, and how its verdicts are compared.

use super::{Files, check_files};
use harness_lint::registry::RuleFilter;
use harness_lint::run::Outcome;

/// The preset on inferred layers.
pub const INFERRED: &str = "extends: staging-5cte\n";
/// The preset on configured layers.
pub const CONFIGURED: &str = "extends: staging-5cte
layers:
  staging: {path: \"models/**/staging/{source}/**\", sources: true, materialized: [view]}
  marts: {path: \"models/**/marts/**\", refs: [staging]}
";

/// What `config()` says in the pattern.
pub const CONFIG: &str = "{{ config(materialized='view', tags=['erp', 'staging', 'acme']) }}\n";
/// The five CTEs.
pub const CTES: &str = "with source as (
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

/// `check` over one staging model.
pub fn outcome_of(config: &str, model: &str) -> Outcome {
    let mut files = Files::new();
    if !config.is_empty() {
        files.insert("harness-lint.yml".to_owned(), config.to_owned());
    }
    let path = "models/ops/staging/erp/stg_erp__orders.sql";
    files.insert(path.to_owned(), model.to_owned());
    check_files(&files, RuleFilter::default())
}

/// `line severity rule: message` of the findings on configuration, on missing CTEs and their order.
pub fn said(outcome: &Outcome) -> Vec<String> {
    findings(outcome, false)
}

/// The same of every rule of the category.
pub fn said_by_all(outcome: &Outcome) -> Vec<String> {
    findings(outcome, true)
}

/// The findings of the category, or of its first rules, a line each.
pub fn findings(outcome: &Outcome, all: bool) -> Vec<String> {
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
pub fn judged(model: &str, wanted: &[&str]) {
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
pub fn judged_by_all(model: &str, wanted: &[&str]) {
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

/// The five CTEs below a `config()`.
pub fn with_config(config: &str) -> String {
    format!("{config}\n{CTES}")
}

/// The five CTEs with some left out, or in another order.
pub fn with_ctes(names: &[&str]) -> String {
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

/// The pattern with one part replaced.
pub fn but(part: &str, by: &str) -> String {
    let model = with_config(CONFIG);
    assert!(model.contains(part), "{part}");
    model.replace(part, by)
}
