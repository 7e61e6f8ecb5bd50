//! What property files say of columns, against what the SQL outputs and along the way of a column.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Files, check_files, only};
use harness_lint::run::Outcome;

fn project(files: &[(&str, &str)]) -> Files {
    let files = files.iter();
    files
        .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
        .collect()
}

fn run(rule: &str, files: &[(&str, &str)]) -> Outcome {
    check_files(&project(files), only(rule))
}

/// What the findings of a rule name, in order.
fn named(rule: &str, files: &[(&str, &str)]) -> Vec<String> {
    let outcome = run(rule, files);
    let findings = outcome.checked.findings.iter();
    findings
        .map(|f| {
            let names: Vec<&str> = f.primary.message.split('`').skip(1).step_by(2).collect();
            names[..names.len().min(2)].join(".")
        })
        .collect()
}

/// The phantoms of a model `m` with this SQL and these columns.
fn phantoms(sql: &str, columns: &str) -> Vec<String> {
    let yaml = format!("models:\n  - name: m\n    columns:\n{columns}");
    named(
        "doc/phantom-column",
        &[("models/m.sql", sql), ("models/_m.yml", &yaml)],
    )
}

#[test]
fn names_are_compared_as_the_warehouse_does() {
    let columns = "      - name: ORDER_ID\n      - name: '\"Total Paid\"'\n      - name: address.city\n      - name: '{{ x }}'\n";
    let sql = "select 1 as order_id, 2 as \"Total Paid\", struct(1) as address";
    assert_eq!(phantoms(sql, columns), [""; 0]);
    assert_eq!(
        phantoms("select 1 as order_id, 2 as paid", columns).len(),
        2
    );
}

#[test]
fn what_is_not_known_has_no_phantoms() {
    let columns = "      - name: a\n      - name: b\n";
    for sql in [
        "select * from {{ source('erp', 'x') }}",
        "select a, {{ acme.columns() }} from {{ ref('y') }}",
        "select a {% if env_var('X') %}, b {% endif %} from t",
        "{{ config(materialized='acme_table') }} select a from t",
        "{{ config(materialized=env_var('X')) }} select a from t",
        "{{ config(post_hook='alter table {{ this }} add column b int') }} select a from t",
        "select a from",
    ] {
        assert_eq!(phantoms(sql, columns), [""; 0], "{sql}");
    }
    assert_eq!(phantoms("select a from t", columns), ["m.b"]);
}

#[test]
fn a_star_over_a_declared_source_is_only_as_whole_as_the_declaration() {
    let source =
        "sources:\n  - name: erp\n    tables:\n      - name: x\n        columns: [{name: a}]\n";
    let yaml = "models:\n  - name: m\n    columns: [{name: a}, {name: b}]\n";
    let sql = "select * from {{ source('erp', 'x') }}";
    let files = [
        ("models/m.sql", sql),
        ("models/_m.yml", yaml),
        ("models/_s.yml", source),
    ];
    assert_eq!(named("doc/phantom-column", &files), [""; 0]);
}

#[test]
fn columns_that_a_variable_switches_off_are_no_phantoms() {
    let columns = "      - name: a\n      - name: b\n      - name: c\n";
    let sql = "select a {% if var('with_b', false) %}, b {% endif %} from t";
    assert_eq!(phantoms(sql, columns), ["m.c"]);
    // What a macro prints there is not known.
    let sql = "select a {% if var('with_b', false) %}, {{ more() }} {% endif %} from t";
    assert_eq!(phantoms(sql, columns), [""; 0]);
    // Nor what a star takes from such a model.
    let yaml = "models:\n  - name: m\n    columns: [{name: a}, {name: b}]\n";
    let files = [
        (
            "models/n.sql",
            "select a {% if var('with_b', false) %}, b {% endif %} from t",
        ),
        ("models/m.sql", "select * from {{ ref('n') }}"),
        ("models/_m.yml", yaml),
    ];
    assert_eq!(named("doc/phantom-column", &files), [""; 0]);
    // A filter for incremental runs decides about rows.
    let sql = "select a from t {% if is_incremental() %} where d > (select max(d) from {{ this }}) {% endif %}";
    assert_eq!(phantoms(sql, columns), ["m.b", "m.c"]);
}

#[test]
fn dbt_adds_columns_to_snapshots_and_a_seed_has_its_header() {
    let yaml = "snapshots:\n  - name: s\n    columns: [{name: id}, {name: dbt_valid_from}, {name: gone}]\nseeds:\n  - name: codes\n    columns: [{name: Code}, {name: label}]\n";
    let snapshot = "{% snapshot s %}{{ config(strategy='check', unique_key='id', check_cols='all') }}select 1 as id{% endsnapshot %}\n";
    let files = [
        ("snapshots/s.sql", snapshot),
        ("seeds/codes.csv", "code,name\n1,x\n"),
        ("models/_p.yml", yaml),
    ];
    assert_eq!(
        named("doc/phantom-column", &files),
        ["s.gone", "codes.label"]
    );
}

#[test]
fn a_version_has_the_columns_that_it_includes() {
    let yaml = "models:
  - name: dim
    latest_version: 3
    columns:
      - {name: id, description: the key}
      - {name: old, description: was}
    versions:
      - v: 1
      - v: 2
        columns:
          - {include: all, exclude: [old]}
          - {name: new}
      - v: 3
        columns:
          - include: [id]
";
    let files = [
        ("models/dim_v1.sql", "select 1 as id, 2 as old"),
        ("models/dim_v2.sql", "select 1 as id, 2 as new"),
        ("models/dim_v3.sql", "select 1 as id"),
        ("models/_d.yml", yaml),
    ];
    assert_eq!(named("doc/phantom-column", &files), [""; 0]);
    assert_eq!(named("doc/undocumented-column", &files), [""; 0]);
    assert_eq!(named("doc/column-missing", &files), ["new.dim.v2"]);
}

#[test]
fn an_entry_is_removed_only_where_nothing_hangs_on_it() {
    let fixes = |columns: &str| -> Vec<Option<String>> {
        let yaml = format!("models:\n  - name: m\n    columns:\n{columns}");
        let outcome = run(
            "doc/phantom-column",
            &[("models/m.sql", "select 1 as a"), ("models/_m.yml", &yaml)],
        );
        let findings = outcome.checked.findings.iter();
        findings
            .map(|f| {
                let fix = f.fix.as_ref()?;
                let mut text = yaml.clone();
                text.replace_range(fix.edits[0].span.range(), &fix.edits[0].text);
                Some(text.split_once("columns:\n").unwrap().1.to_owned())
            })
            .collect()
    };
    let gone = Some("      - name: a\n".to_owned());
    assert_eq!(
        fixes(
            "      - name: a\n      - name: zzz\n        description: |\n          x\n\n          y\n"
        ),
        [gone]
    );
    let spaced =
        "      - name: a\n\n      - name: zzz\n        description: x\n\n      - name: A\n";
    assert_eq!(
        fixes(spaced),
        [Some("      - name: a\n\n      - name: A\n".to_owned())]
    );
    for kept in [
        "      - name: zzz\n",
        "      - name: a\n      - {name: zzz}\n",
        "      - name: a\n      - name: zzz\n        data_tests: [unique]\n",
        "      - name: a\n      - name: zzz # see 12\n",
        "      - name: a\n      - name: zzz\n        meta: {x: 1}\n",
    ] {
        assert_eq!(fixes(kept), [None], "{kept}");
    }
}

fn described(columns: &[(&str, &str, &str)]) -> String {
    let mut yaml = "models:\n".to_owned();
    for (model, column, text) in columns {
        yaml.push_str(&format!(
            "  - name: {model}\n    columns: [{{name: {column}, description: \"{text}\"}}]\n"
        ));
    }
    yaml
}

#[test]
fn units_are_compared_along_columns_that_are_passed_on() {
    let drift = |child: &str, above: &str, below: &str| {
        let yaml = described(&[("a", "x_cents", above), ("b", "amount", below)]);
        let files = [
            ("models/a.sql", "select 1 as x_cents, 2 as wait_ms"),
            ("models/b.sql", child),
            ("models/_m.yml", yaml.as_str()),
        ];
        named("doc/unit-drift", &files).len()
    };
    assert_eq!(
        drift("select x_cents as x_usd from {{ ref('a') }}", "", ""),
        1
    );
    assert_eq!(
        drift(
            "select x_cents as amount from {{ ref('a') }}",
            "",
            "what was paid, in dollars"
        ),
        1
    );
    assert_eq!(
        drift("select wait_ms as wait_seconds from {{ ref('a') }}", "", ""),
        1
    );
    assert_eq!(
        drift(
            "with c as (select * from {{ ref('a') }}) select c.x_cents as x_eur from c",
            "",
            ""
        ),
        1
    );
    for fine in [
        "select x_cents / 100 as x_usd from {{ ref('a') }}",
        "select cast(x_cents as int) as x_usd from {{ ref('a') }}",
        "select x_cents from {{ ref('a') }}",
        "select x_cents as days from {{ ref('a') }}",
        "select wait_ms as last_days from {{ ref('a') }} where 1 = 0 union all select 5 as last_days",
    ] {
        assert_eq!(drift(fine, "", ""), 0, "{fine}");
    }
}

#[test]
fn definitions_are_compared_along_columns_that_keep_their_name() {
    let drift = |child: &str, above: &str, below: &str| {
        let yaml = described(&[("a", "net", above), ("b", "net", below)]);
        let files = [
            ("models/a.sql", "select 1 as net, 2 as other"),
            ("models/b.sql", child),
            ("models/_m.yml", yaml.as_str()),
        ];
        named("doc/definition-drift", &files).len()
    };
    let passed = "select net from {{ ref('a') }}";
    let (one, other) = (
        "Invoice total without tax at order day",
        "Revenue after refunds and shipping costs",
    );
    assert_eq!(drift(passed, one, other), 1);
    assert_eq!(
        drift(passed, "Paid, including tax", "Paid, excluding tax"),
        1
    );
    assert_eq!(
        drift(
            passed,
            one,
            "The invoice's total without tax, at the day of the order, in euros"
        ),
        0
    );
    assert_eq!(drift(passed, one, "{{ doc('net') }}"), 0);
    assert_eq!(drift(passed, one, "See contract"), 0);
    assert_eq!(
        drift("select other as net from {{ ref('a') }}", one, other),
        0
    );
    assert_eq!(
        drift("select net * 2 as net from {{ ref('a') }}", one, other),
        0
    );
}

#[test]
fn a_general_text_is_no_copy() {
    let copies = |a: (&str, &str), b: (&str, &str)| {
        let yaml = format!(
            "models:\n  - name: m\n    columns:\n      - {{name: {}, description: '{}'}}\n      - {{name: {}, description: '{}'}}\n",
            a.0, a.1, b.0, b.1
        );
        named(
            "doc/copy-paste",
            &[("models/m.sql", "select 1 as x"), ("models/_m.yml", &yaml)],
        )
    };
    let created = "When the order was created, in UTC";
    assert_eq!(
        copies(("created_at", created), ("shipped_at", created)),
        ["shipped_at.m"]
    );
    assert_eq!(
        copies(("shipped_at", created), ("created_at", created)),
        ["shipped_at.m"]
    );
    let general = "A timestamp in UTC, without milliseconds";
    assert_eq!(
        copies(("created_at", general), ("shipped_at", general)),
        [""; 0]
    );
    let either = "The start date or datetime of it";
    assert_eq!(
        copies(("start_date", either), ("start_datetime", either)),
        [""; 0]
    );
    assert_eq!(
        copies(
            ("created_at", "the day created"),
            ("shipped_at", "the day created")
        ),
        [""; 0]
    );
}

#[test]
fn macros_that_say_what_they_do_are_described() {
    let files = [
        (
            "macros/a.sql",
            "{# Cents as dollars, rounded. #}\n{% macro a() %}{% endmacro %}\n{% macro b() %}{# Nothing but a test of it. #}{% endmacro %}\n{#- Copyright Acme, all rights reserved. -#}{% macro f() %}{% endmacro %}{#- todo -#}{% macro c() %}{% endmacro %}{% macro default__c() %}{% endmacro %}{% macro _d() %}{% endmacro %}{% test e(model) %}{% endtest %}{% macro generate_schema_name(x, y) %}{% endmacro %}\n",
        ),
        ("models/m.sql", "select 1 as a"),
    ];
    assert_eq!(named("doc/macro-missing", &files), ["f", "c"]);
}
