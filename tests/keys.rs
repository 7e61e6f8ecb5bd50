//! The key that a finding of test/pk names, and who named it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Files, check_files, only};

/// What the one finding of test/pk says of the key, and its help.
fn key(all: &[(&str, &str)]) -> (String, String) {
    let own = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
    let files: Files = all.iter().map(own).collect();
    let outcome = check_files(&files, only("test/pk"));
    let [found] = &outcome.checked.findings[..] else {
        panic!("{:?}", common::lines(&outcome));
    };
    let message = &found.primary.message;
    let said = message.split_once("; ").map_or("", |(_, said)| said);
    (said.to_owned(), found.help.clone())
}

/// What is said where nothing names the key.
const NONE: &str = "no column is evidently the key";

const MODEL: &str = "models/fct_sales.sql";
const ENTRY: &str = "models/_models.yml";

#[test]
fn the_configuration_names_the_key() {
    for (config, said) in [
        ("unique_key='line'", "its `unique_key` is `line`"),
        (
            "primary_key=['sale', 'line']",
            "its `primary_key` is `sale`, `line`",
        ),
        (
            "meta={'primary_key': 'line'}",
            "its `meta.primary_key` is `line`",
        ),
        (
            "meta={'unique_key': 'sale, line'}",
            "its `meta.unique_key` is `sale`, `line`",
        ),
        // What is no column, and what only a run knows.
        ("unique_key='sale || line'", NONE),
        ("primary_key=var('key')", NONE),
    ] {
        let sql =
            format!("{{{{ config({config}) }}}}\nselect sale, line from {{{{ ref('x') }}}}\n");
        let (found, help) = key(&[(MODEL, sql.as_str())]);
        assert_eq!(found, said, "{config}");
        assert_eq!(help.contains("line"), said != NONE, "{config}: {help}");
    }
}

#[test]
fn what_clickhouse_sorts_by_is_no_key() {
    let sql = "{{ config(primary_key='line') }} select line from {{ ref('x') }}\n";
    let config = ("harness-lint.yml", "dialect: clickhouse\n");
    assert_eq!(key(&[(MODEL, sql), config]).0, NONE);
}

#[test]
fn the_entry_names_the_key() {
    let sql = (MODEL, "select sale, line from {{ ref('x') }}\n");
    for (rest, said) in [
        (
            "columns: [{name: line, meta: {primary_key: true}}, {name: sale, meta: {primary_key: false}}]",
            "the `meta` of `line` says that it is the key",
        ),
        (
            "columns: [{name: line, config: {meta: {is_primary_key: true}}}]",
            "the `meta` of `line` says that it is the key",
        ),
        (
            "columns: [{name: line, constraints: [{type: primary_key}]}]",
            "its constraint `primary_key` is on `line`",
        ),
        (
            "constraints: [{type: primary_key, columns: [sale, line]}]",
            "its constraint `primary_key` is on `sale`, `line`",
        ),
        (
            "config: {meta: {primary_key: line}}",
            "its `meta.primary_key` is `line`",
        ),
    ] {
        let yaml = format!("models:\n- name: fct_sales\n  {rest}\n");
        assert_eq!(key(&[sql, (ENTRY, yaml.as_str())]).0, said, "{rest}");
    }
}

const SOURCES: (&str, &str) = (
    "models/sources.yml",
    "sources: [{name: erp, tables: [{name: sale_lines}]}]\n",
);
const STAGING: (&str, &str) = (
    "models/stg_lines.sql",
    "with source as (select * from {{ source('erp', 'sale_lines') }}),\nrenamed as (select LineNo as line, qty from source)\nselect * from renamed\n",
);

#[test]
fn the_context_file_of_the_table_names_the_key() {
    let path = "context/sources/erp/tables/SaleLines.yaml";
    let table = "columns:\n- {name: lineno, primary_key: true}\n- {name: qty}\n";
    let said = format!("by {path} the key is `lineno`, here `line`");
    assert_eq!(key(&[SOURCES, STAGING, (path, table)]).0, said);
    // Another table's, another source's, one that names no key.
    let other = "context/sources/erp/tables/SaleHeads.yaml";
    assert_eq!(key(&[SOURCES, STAGING, (other, table)]).0, NONE);
    let other = "context/sources/crm/tables/SaleLines.yaml";
    assert_eq!(key(&[SOURCES, STAGING, (other, table)]).0, NONE);
    assert_eq!(
        key(&[SOURCES, STAGING, (path, "columns: [{name: lineno}]\n")]).0,
        NONE
    );
    // A key that the model does not pass on.
    let absent = "columns: [{name: lineno, primary_key: true}, {name: year, primary_key: true}]\n";
    assert_eq!(key(&[SOURCES, STAGING, (path, absent)]).0, NONE);
    // The table's key is no key where the model reads more than the table.
    let joined = "select LineNo as line from {{ source('erp', 'sale_lines') }} join {{ ref('x') }} on true\n";
    assert_eq!(key(&[SOURCES, (STAGING.0, joined), (path, table)]).0, NONE);
}

#[test]
fn a_context_file_may_say_where_its_table_and_its_model_are() {
    let table = "name: sale_lines\ncolumns: [{name: LineNo, primary_key: true}]\n";
    let config = (
        "harness-lint.yml",
        "context: {dir: ctx, tables: '{source}.{table}.yml'}\n",
    );
    let said = key(&[SOURCES, STAGING, config, ("ctx/erp.x.yml", table)]).0;
    assert_eq!(said, "by ctx/erp.x.yml the key is `LineNo`, here `line`");
    assert_eq!(
        key(&[SOURCES, STAGING, config, ("ctx/erp/x.yml", table)]).0,
        NONE
    );
    let mapped = "# Maps to stg_lines.\ncolumns: [{name: line, primary_key: true}]\n";
    let path = "context/sources/old/lines.yml";
    let said = key(&[SOURCES, STAGING, (path, mapped)]).0;
    assert_eq!(said, format!("by {path} the key is `line`"));
}
