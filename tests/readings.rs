//! Branches that a first reading leaves out are read too, and nothing is said twice.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Files, check_files, lines, only};
use harness_lint::run::Outcome;

fn run(rule: &str, model: &str) -> Outcome {
    let mut files = Files::new();
    files.insert("models/m.sql".to_owned(), model.to_owned());
    for name in ["a", "b", "c"] {
        let text = "select 1 as id, 2 as other\n".to_owned();
        files.insert(format!("models/{name}.sql"), text);
    }
    check_files(&files, only(rule))
}

const JOINS: &str =
    "select a.id from {{ ref('a') }} as a left join {{ ref('b') }} as b on b.id = a.id\n";

#[test]
fn a_defect_in_the_incremental_branch_is_found() {
    let model = format!(
        "{{{{ config(materialized='incremental') }}}}\n{JOINS}\
         {{% if is_incremental() %}}\ninner join {{{{ ref('c') }}}} as c on c.id = b.other\n{{% endif %}}\n"
    );
    let outcome = run("sql/inner-after-left", &model);
    let found = lines(&outcome);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("models/m.sql:4:1"), "{found:?}");
    let counts = &outcome.prepared.project.counts;
    assert_eq!(counts.read_bytes, counts.sql_bytes);
}

#[test]
fn a_defect_that_every_reading_shows_is_reported_once() {
    let model = format!(
        "{JOINS}inner join {{{{ ref('c') }}}} as c on c.id = b.other\n\
         {{% if target.name == 'prod' %}}where a.id > 1{{% elif var('x', false) %}}where a.id > 2{{% else %}}where a.id > 3{{% endif %}}\n"
    );
    assert_eq!(lines(&run("sql/inner-after-left", &model)).len(), 1);
}

#[test]
fn a_table_named_in_an_else_branch_is_found() {
    let model = "select id from {% if target.name == 'prod' %}{{ ref('a') }}{% else %}raw.dev.a{% endif %}\n";
    let found = lines(&run("graph/hardcoded-relation", model));
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn a_branch_that_does_not_parse_hides_nothing() {
    let model = format!(
        "{JOINS}inner join {{{{ ref('c') }}}} as c on c.id = b.other\n\
         {{% if is_incremental() %}} where where ({{% endif %}}\n"
    );
    let outcome = run("sql/inner-after-left", &model);
    assert_eq!(lines(&outcome).len(), 1);
}

#[test]
fn branches_of_one_condition_are_read_together() {
    let model = "with {% if is_incremental() %}latest as (select 1 as id),{% endif %}\n\
                 rows as (select * from {{ ref('a') }})\n\
                 select rows.id from rows\n\
                 {% if is_incremental() %}cross join latest{% endif %}\n\
                 {% if target.name == 'x' %}where rows.id > 1{% else %}where rows.id > 2{% endif %}\n";
    let outcome = run("graph/hardcoded-relation", model);
    assert_eq!(lines(&outcome), [""; 0]);
    let counts = &outcome.prepared.project.counts;
    assert_eq!(counts.read_bytes, counts.sql_bytes);
}
