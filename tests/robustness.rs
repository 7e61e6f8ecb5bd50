//! Input that nobody should write must not end a run, and must not hide the rest.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Files, check, check_files, lines, write};
use harness_lint::registry::RuleFilter;
use harness_lint::run::Outcome;
use std::fs;

fn with(model: String) -> Outcome {
    let mut files = Files::new();
    files.insert("models/hard.sql".to_owned(), model);
    files.insert(
        "models/easy.sql".to_owned(),
        "select * from {{ ref('other') }}\n".to_owned(),
    );
    files.insert("models/other.sql".to_owned(), "select 1 as id\n".to_owned());
    let filter = RuleFilter {
        only: vec!["sql/*".to_owned(), "input/*".to_owned()],
        ignore: Vec::new(),
    };
    let outcome = check_files(&files, filter);
    assert!(
        lines(&outcome)
            .iter()
            .any(|l| l.starts_with("models/easy.sql:1:8")),
        "the rest is checked"
    );
    outcome
}

#[test]
fn a_long_chain_of_conditions() {
    for n in [2_500, 40_000] {
        let terms: Vec<String> = (0..n).map(|i| format!("a = {i}")).collect();
        with(format!("select a from t where {}", terms.join(" or ")));
        let sum: Vec<String> = (0..n).map(|i| i.to_string()).collect();
        with(format!("select {} as x", sum.join(" + ")));
    }
}

#[test]
fn twenty_thousand_unions() {
    let selects = vec!["select 1 as a"; 20_000];
    let outcome = with(selects.join(" union all "));
    assert_eq!(outcome.prepared.project.counts.parsed, 3);
}

#[test]
fn deep_nesting() {
    with(format!(
        "select {}1{}",
        "(".repeat(10_000),
        ")".repeat(10_000)
    ));
    with(format!(
        "{}select 1{}",
        "(".repeat(5_000),
        ")".repeat(5_000)
    ));
    with("{% if x %}".repeat(3_000));
    with("case when ".repeat(3_000));
    with(format!("select {} 1", "not ".repeat(20_000)));
    with(format!("select {} 1", "- ".repeat(20_000)));
}

#[test]
fn a_model_of_five_megabytes() {
    let line = "select coalesce(a, 'ü') as b from t where x in (1, 2, 3) union all\n";
    with(line.repeat((5 << 20) / line.len()) + "select 1");
}

#[test]
fn bytes_that_are_no_text() {
    with("select \0 from \u{202e}x".to_owned());
    with("{{ ref('\u{1b}[31mred') }}".to_owned());
    with(String::new());
    with("\u{feff}".to_owned());
    with("-- only a comment".to_owned());
    with(";;;".to_owned());
}

#[test]
fn a_symlink_loop_and_a_link_out_of_the_repository() {
    let dir = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret.sql"), "select 1 as secret").unwrap();
    let mut files = Files::new();
    files.insert("models/a.sql".to_owned(), "select 1 as id\n".to_owned());
    write(dir.path(), &files);
    let link = |target: &std::path::Path, name: &str| {
        std::os::unix::fs::symlink(target, dir.path().join("models").join(name)).unwrap();
    };
    link(&dir.path().join("models"), "again");
    link(&outside.path().join("secret.sql"), "secret.sql");
    link(outside.path(), "all");
    let outcome = check(dir.path(), RuleFilter::default());
    let project = &outcome.prepared.project;
    assert_eq!(project.counts.models, 1);
    let paths: Vec<&str> = project.notices.iter().map(|n| n.path.as_str()).collect();
    for path in ["models/again", "models/all", "models/secret.sql"] {
        assert!(paths.contains(&path), "{path}: {:?}", project.notices);
    }
    assert!(
        project
            .files
            .iter()
            .all(|(_, f)| !f.text.contains("secret"))
    );
}

#[test]
fn settings_behind_a_link_out_of_the_repository_are_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    let profile = "x:\n  target: secret\n  outputs:\n    secret: {type: snowflake}\n";
    std::fs::write(outside.path().join("profiles.yml"), profile).unwrap();
    std::fs::write(
        outside.path().join("packages.yml"),
        "packages: [{local: secret}]",
    )
    .unwrap();
    let mut files = Files::new();
    files.insert("models/a.sql".to_owned(), "select 1 as id\n".to_owned());
    write(dir.path(), &files);
    for name in ["profiles.yml", "packages.yml"] {
        std::os::unix::fs::symlink(outside.path().join(name), dir.path().join(name)).unwrap();
    }
    let project = check(dir.path(), RuleFilter::default()).prepared.project;
    assert_eq!(project.dialect.adapter, "");
    assert!(project.dependencies.is_empty());
    assert!(project.notices.iter().any(|n| n.path == "packages.yml"));
}

/// Work that doubles with every line must be bounded; a minute is far from what it takes.
fn soon(work: impl FnOnce()) {
    let since = std::time::Instant::now();
    work();
    let took = since.elapsed();
    assert!(took < std::time::Duration::from_secs(60), "{took:?}");
}

#[test]
fn ctes_that_read_earlier_ones_twice() {
    let mut sql = "with c0 as (select 1 as a)".to_owned();
    for i in 1..60 {
        let j = i - 1;
        sql += &format!(", c{i} as (select * from c{j} as x cross join c{j} as y)");
    }
    soon(|| drop(with(sql + " select * from c59")));
}

#[test]
fn jinja_that_grows_without_end() {
    let big = "x".repeat(200_000);
    let twice: String = (0..12)
        .map(|_| "{% set a = [a, a, a, a, a, a, a, a] %}")
        .collect();
    let blocks = "{% set a %}{{ a }}{{ a }}{% endset %}".repeat(60);
    let inputs = [
        format!("{{% set a = ['x'] %}}{twice}select '{{{{ a }}}}'"),
        format!("{{% set a = ['x'] %}}{twice}{{{{ config(meta=a) }}}}select 1"),
        format!("{{% set a = [] %}}{{% do a.append(a) %}}{twice}select '{{{{ a == a }}}}'"),
        format!("{{% set a = 'x' %}}{blocks}select '{{{{ a }}}}'"),
        format!("{{% for i in range(9999) %}}-- {big}\n{{% endfor %}}select 1"),
        format!(
            "{{% set a = '{big}' %}}{{% for i in range(9999) %}}{{% set b = a ~ 'x' %}}{{% endfor %}}select 1"
        ),
        format!(
            "{{% set a = '{big}' %}}{{% set b = [] %}}{{% for i in range(9999) %}}{{% do b.append(a) %}}{{% endfor %}}select '{{{{ b | join }}}}'"
        ),
    ];
    for sql in inputs {
        soon(|| {
            assert!(
                with(sql)
                    .prepared
                    .project
                    .notices
                    .iter()
                    .any(|n| n.what == "jinja"),
                "what is left out is said"
            );
        });
    }
}

#[test]
fn variables_that_are_costly_and_asked_for_often() {
    let dear = "{% for i in range(9999) %}{% for j in range(9999) %}x{% endfor %}{% endfor %}";
    let refs = "{{ ref('other') }}{{ range(9999) | join(',') }}";
    let dir = tempfile::tempdir().unwrap();
    let project = format!(
        "name: shop\nvars: {{dear: \"{dear}\", refs: \"{refs}\", me: \"{{{{ var('me') }}}}\"}}\n"
    );
    fs::write(dir.path().join("dbt_project.yml"), project).unwrap();
    fs::create_dir(dir.path().join("models")).unwrap();
    let sql = "{% for i in range(9999) %}{% set a = var('dear') %}{% set b = var('refs') %}{{ var('me') }}{% endfor %}select 1 as id";
    fs::write(dir.path().join("models/a.sql"), sql).unwrap();
    soon(|| drop(check(dir.path(), RuleFilter::default())));
}

#[test]
fn python_that_never_ends_and_metrics_that_wait_for_one_another() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("dbt_project.yml"), "name: shop\n").unwrap();
    let models = dir.path().join("models");
    fs::create_dir(&models).unwrap();
    fs::write(models.join("a.py"), "dbt.ref(".repeat(200_000)).unwrap();
    let nested = "dbt.ref(".repeat(100_000) + &")".repeat(100_000);
    fs::write(models.join("b.py"), nested).unwrap();
    fs::write(models.join("c.py"), "dbt.ref('x".repeat(100_000)).unwrap();
    let yaml = "metrics:\n- &m {name: a, type: derived, type_params: &p {metrics: [a, b, *m], numerator: *p}}\n- {name: b, type_params: {metrics: [{name: a}, [1], {}], measure: [x]}}\nsaved_queries: [{name: q, query_params: {metrics: {a: b}}}, {name: [q]}]\ngroups: [{name: 1, owner: 3}, 2]\n";
    fs::write(models.join("s.yml"), yaml).unwrap();
    soon(|| drop(check(dir.path(), RuleFilter::default())));
}

#[test]
fn many_suppressions_in_one_file() {
    let line = "-- harness-lint: ignore[sql/star-output] so\n";
    soon(|| {
        drop(with(
            line.repeat(20_000) + "select * from {{ ref('other') }}",
        ))
    });
}

#[test]
fn configurations_that_extend_the_same_ones() {
    let dir = tempfile::tempdir().unwrap();
    let mut files = Files::new();
    files.insert("models/a.sql".to_owned(), "select 1 as id\n".to_owned());
    for i in 0..7 {
        let name = match i {
            0 => "harness-lint.yml".to_owned(),
            i => format!("c{i}.yml"),
        };
        let next = vec![format!("c{}.yml", i + 1); 20].join(", ");
        files.insert(name, format!("extends: [{next}]\n"));
    }
    files.insert("c7.yml".to_owned(), "vars: {a: 1}\n".to_owned());
    write(dir.path(), &files);
    let place = harness_lint::load::find(dir.path(), Some(dir.path())).unwrap();
    let refused = harness_lint::config::load(&place, None, &[]).unwrap_err();
    let message = refused.message;
    assert!(message.contains("without end"), "{message}");
}
