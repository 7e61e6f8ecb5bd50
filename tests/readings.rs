//! Branches that a first reading leaves out are read too, and nothing is said twice.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Files, check_files, lines, only};
use harness_lint::run::Outcome;
use harness_lint::syntax::sql::tree::Body;

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

#[test]
fn a_loop_over_nothing_is_read() {
    let model = format!(
        "{JOINS}{{% for c in var('columns', []) %}}\ninner join {{{{ ref('c') }}}} as c on c.id = b.other\n{{% endfor %}}\n"
    );
    let outcome = run("sql/inner-after-left", &model);
    assert_eq!(lines(&outcome).len(), 1);
    let counts = &outcome.prepared.project.counts;
    assert_eq!(counts.read_bytes, counts.sql_bytes);
}

#[test]
fn what_stands_between_items_is_read() {
    let model = "{% for t in run_query('select 1').rows %}select {{ t }} as id from {{ ref('a') }}\n\
                 {% if not loop.last %}union all {% endif %}{% endfor %}\n";
    let outcome = run("sql/inner-after-left", model);
    let counts = &outcome.prepared.project.counts;
    assert_eq!((counts.parsed, counts.read_bytes), (4, counts.sql_bytes));
}

#[test]
fn a_body_that_only_loops_over_nothing_parses() {
    let model = "with x as ({% for c in var('columns', []) %}select {{ c }} as id\n\
                 {% if not loop.last %}union all {% endif %}{% endfor %}) select id from x\n";
    let counts = &run("sql/inner-after-left", model).prepared.project.counts;
    assert_eq!(counts.parsed, 4);
}

#[test]
fn branches_that_do_not_fit_together_are_read_one_by_one() {
    let model = "select id\n\
                 {% if var('p', 1) == 2 %}, x as y{% elif var('p', 1) == 3 %}, z as y{% endif %}\n\
                 from {{ ref('a') }}\n\
                 {% if var('p', 1) == 4 %}where where ({% endif %}\n";
    let outcome = run("sql/inner-after-left", model);
    let counts = &outcome.prepared.project.counts;
    let lost = "wherewhere(".len() as u64;
    assert_eq!(counts.sql_bytes - counts.read_bytes, lost);
}

#[test]
fn a_query_that_is_kept_for_a_macro_is_read() {
    let model = "{% set q %}select x from raw.orders{% endset %}\n\
                 select id from {{ ref('a') }} where x = {{ first_of(run_query(q)) }}\n";
    let found = run("graph/hardcoded-relation", model);
    assert_eq!(lines(&found).len(), 1, "{:?}", lines(&found));
    let star = "{% set q %}select * from {{ ref('b') }}{% endset %}\n\
                select id from {{ ref('a') }} where x in ({{ first_of(q) }})\n";
    assert_eq!(lines(&run("sql/star-output", star)), [""; 0]);
}

#[test]
fn what_does_not_parse_whole_is_read_in_parts() {
    let model = format!(
        "with joined as (\n{JOINS}inner join {{{{ ref('c') }}}} as c on c.id = b.other\n),\n\
         odd (a, b) as (select !!! as a, t.b, f(x, y) z from joined where where),\n\
         more as (with inside as (select 1 as id) select id from inside)\n\
         select id from odd inner join more using (id)\n"
    );
    let outcome = run("sql/inner-after-left", &model);
    assert_eq!(lines(&outcome).len(), 1);
    let project = &outcome.prepared.project;
    assert_eq!(project.counts.parsed, 3);
    let why = &project.notices[0].why;
    assert!(
        why.ends_with("read on their own: 3 of its 4 queries"),
        "{why}"
    );
    let node = project.nodes.iter().find(|n| n.name == "m").unwrap();
    let sql = node.sql.as_ref().unwrap();
    assert!(sql.query().is_none());
    let tree = sql.skeleton().unwrap();
    let names: Vec<&str> = tree.ctes.iter().map(|c| &*c.name.name).collect();
    assert_eq!(names, ["joined", "odd", "more"]);
    assert_eq!(tree.ctes[1].columns.len(), 2);
    let Body::Unread(unread) = &tree.ctes[1].query.body else {
        panic!("{:?}", tree.ctes[1]);
    };
    let outputs: Vec<Option<&str>> = unread
        .items
        .iter()
        .map(|i| i.name.as_ref().map(|n| &*n.name))
        .collect();
    assert_eq!(outputs, [Some("a"), Some("b"), Some("z")]);
    assert_eq!(project.text(unread.items[2].span), "f(x, y) z");
}

#[test]
fn nothing_is_said_of_what_is_not_read() {
    let model = "with a as (select !!! where where)\n\
                 select a.id from a left join {{ ref('b') }} as b on b.id = a.id !!! group\n";
    for rule in [
        "sql/inner-after-left",
        "sql/star-output",
        "graph/hardcoded-relation",
    ] {
        assert_eq!(lines(&run(rule, model)), [""; 0], "{rule}");
    }
}
