//! Configuration, descriptions and context files in every place where they may stand.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Files, check_files, lines, only, write};
use harness_lint::check::Finding;
use harness_lint::run::{self, Outcome, Request};
use harness_lint::threads;

const LAYERS: &str = "extends: []
layers:
  staging: {path: 'models/staging/{source}/**', sources: true, materialized: [view]}
  intermediate: {path: 'models/intermediate/**', refs: [staging], materialized: [ephemeral, table]}
rules:
  structure/tags: {template: ['{source}', staging, 'team:{team}']}
";
const SQL: &str = "select id from {{ source('erp', 'orders') }}\n";

fn files(list: &[(&str, &str)]) -> Files {
    let all = list.iter().map(|(p, t)| ((*p).to_owned(), (*t).to_owned()));
    all.collect()
}

fn judged(rule: &str, list: &[(&str, &str)]) -> Outcome {
    let mut files = files(list);
    files
        .entry("harness-lint.yml".to_owned())
        .or_insert_with(|| LAYERS.to_owned());
    check_files(&files, only(rule))
}

/// The one finding, and its line.
fn one(outcome: &Outcome) -> (&Finding, String) {
    let lines = lines(outcome);
    assert_eq!(lines.len(), 1, "{lines:#?}");
    (&outcome.checked.findings[0], lines[0].clone())
}

fn silent(rule: &str, list: &[(&str, &str)]) {
    assert_eq!(lines(&judged(rule, list)), [""; 0]);
}

const STG: &str = "models/staging/erp/stg_orders.sql";

#[test]
fn a_materialization_is_judged_wherever_it_was_set() {
    let rule = "structure/materialization";
    let project = "name: shop\nmodels:\n  shop:\n    staging:\n      +materialized: table\n";
    let found = judged(rule, &[("dbt_project.yml", project), (STG, SQL)]);
    let (finding, line) = one(&found);
    assert!(line.starts_with("models/staging/erp/stg_orders.sql:1:1 error structure/materialization materialized is `table`, set in dbt_project.yml, and staging allows `view`"), "{line}");
    let span = finding.related[0].span;
    assert_eq!(found.prepared.project.text(span), "table");

    let yaml = "models:\n  - name: stg_orders\n    config: {materialized: incremental}\n";
    let found = judged(rule, &[("models/staging/erp/_m.yml", yaml), (STG, SQL)]);
    assert!(
        one(&found)
            .1
            .contains("`incremental`, set in models/staging/erp/_m.yml,")
    );

    let inline = format!("{{{{ config(materialized='table') }}}}\n{SQL}");
    let found = judged(rule, &[(STG, &inline)]);
    let (finding, line) = one(&found);
    assert!(
        line.starts_with("models/staging/erp/stg_orders.sql:1:24 error"),
        "{line}"
    );
    assert!(finding.related.is_empty());

    // What is stronger wins, and what only a run knows is not judged.
    let good = format!("{{{{ config(materialized='view') }}}}\n{SQL}");
    silent(rule, &[("dbt_project.yml", project), (STG, &good)]);
    let unknown = format!("{{{{ config(materialized=env_var('M')) }}}}\n{SQL}");
    silent(rule, &[(STG, &unknown)]);
}

#[test]
fn a_materialization_that_nothing_sets_is_dbts_default() {
    let rule = "structure/materialization";
    let found = judged(
        rule,
        &[("models/intermediate/int_a.sql", "select 1 as id\n")],
    );
    let (finding, line) = one(&found);
    assert!(line.contains("`view`, dbt's default, since nothing sets it, and intermediate allows `ephemeral` or `table`"), "{line}");
    assert!(
        finding
            .help
            .starts_with("materialize it as `ephemeral` or `table`")
    );
    silent(rule, &[(STG, SQL)]);
    let python = "def model(dbt, session):\n    return dbt.ref('x')\n";
    silent(rule, &[("models/intermediate/int_a.py", python)]);
}

fn tags(config: &str) -> Outcome {
    let rules = LAYERS.replace("'team:{team}'", "acme");
    let model = format!("{{{{ config({config}) }}}}\n{SQL}");
    judged(
        "structure/tags",
        &[("harness-lint.yml", &rules), (STG, &model)],
    )
}

#[test]
fn a_fix_of_tags_keeps_the_layout_of_the_call() {
    for (config, applicability, text) in [
        (
            "tags=['staging', 'erp', 'acme']",
            "safe",
            "['erp', 'staging', 'acme']",
        ),
        (
            "tags=['erp', 'staging', 'old']",
            "safe",
            "['erp', 'staging', 'acme']",
        ),
        (
            "tags=\"staging\"",
            "safe",
            "[\"erp\", \"staging\", \"acme\"]",
        ),
        ("alias='x'", "safe", ", tags=['erp', 'staging', 'acme']"),
        ("", "safe", "tags=['erp', 'staging', 'acme']"),
    ] {
        let found = tags(config);
        let fix = one(&found).0.fix.clone().expect(config);
        assert_eq!(fix.applicability.as_str(), applicability, "{config}");
        assert_eq!(fix.edits[0].text, text, "{config}");
    }
}

#[test]
fn tags_that_are_computed_or_set_elsewhere_are_not_fixed() {
    for config in [
        "tags=['erp'] + ['x']",
        "{'tags': ['erp']}",
        "{'alias': 'x'}",
    ] {
        assert!(one(&tags(config)).0.fix.is_none(), "{config}");
    }
    let model = format!("{{% set t = ['erp'] %}}{{{{ config(tags=t) }}}}\n{SQL}");
    let rules = LAYERS.replace("'team:{team}'", "acme");
    let with = |extra: (&str, &str), model: &str| {
        judged(
            "structure/tags",
            &[("harness-lint.yml", &rules), (STG, model), extra],
        )
    };
    assert!(one(&with(("models/x.yml", ""), &model)).0.fix.is_none());
    let inline = format!("{{{{ config(tags=['staging']) }}}}\n{SQL}");
    let yaml = "models:\n  - {name: stg_orders, config: {tags: [erp]}}\n";
    let found = with(("models/m.yml", yaml), &inline.replace("staging", "old"));
    let (finding, line) = one(&found);
    assert!(
        line.contains("error structure/tags tags are ['erp', 'old'], expected"),
        "{line}"
    );
    assert!(finding.fix.is_none());
    // A macro that sets them cannot be edited from here; one that reads them may print them.
    let sets = "{% macro cfg() %}{{ config(tags=['erp']) }}{% endmacro %}";
    let found = with(("macros/cfg.sql", sets), &format!("{{{{ cfg() }}}}\n{SQL}"));
    assert!(one(&found).0.fix.is_none());
    let reads = "{% macro generate_schema_name(n, node) %}{{ node.tags[0] }}{% endmacro %}";
    let found = with(("macros/schema.sql", reads), &inline);
    let fix = one(&found).0.fix.as_ref().unwrap();
    assert_eq!(fix.applicability.as_str(), "suggested");
}

#[test]
fn tags_of_all_places_add_up() {
    let rule = "structure/tags";
    let project = "name: shop\nmodels:\n  shop:\n    staging:\n      +tags: [erp, staging]\n";
    let inline = format!("{{{{ config(tags='team:sales') }}}}\n{SQL}");
    silent(rule, &[("dbt_project.yml", project), (STG, &inline)]);
    let found = judged(rule, &[("dbt_project.yml", project), (STG, SQL)]);
    let (finding, line) = one(&found);
    assert!(line.ends_with("1:1 warn structure/tags tags are ['erp', 'staging'], expected ['erp', 'staging', team:{team}]"), "{line}");
    assert_eq!(finding.related[0].message, "set here");
    let wrong = inline.replace("team:sales", "team:");
    assert!(
        one(&judged(
            rule,
            &[("dbt_project.yml", project), (STG, &wrong)]
        ))
        .0
        .fix
        .is_none()
    );
    let unknown = project.replace("[erp, staging]", "\"{{ env_var('TAGS') }}\"");
    silent(rule, &[("dbt_project.yml", &unknown), (STG, SQL)]);
}

#[test]
fn a_template_that_names_nothing_is_refused_at_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let rules = LAYERS.replace("'team:{team}'", "'{team'");
    write(
        dir.path(),
        &files(&[("harness-lint.yml", &rules), (STG, SQL)]),
    );
    let request = Request {
        cwd: dir.path().to_owned(),
        project_dir: Some(dir.path().to_owned()),
        ..Request::default()
    };
    let error = threads::on_pool(1, || run::check(&request).map(|_| ())).unwrap_err();
    let message = error.to_string();
    assert!(message.starts_with("harness-lint.yml:6:"), "{message}");
    assert!(
        message.contains("`{team` has a `{` without a `{name}`"),
        "{message}"
    );
}

#[test]
fn a_version_may_have_its_own_description() {
    let yaml = "models:\n  - name: dim\n    versions:\n      - {v: 1, description: The old one.}\n      - {v: 2}\n";
    let sql = "select 1 as id\n";
    let found = judged(
        "doc/missing",
        &[
            ("models/m.yml", yaml),
            ("models/dim_v1.sql", sql),
            ("models/dim_v2.sql", sql),
        ],
    );
    assert!(
        one(&found)
            .1
            .starts_with("models/m.yml:2:11 warn doc/missing the entry of `dim.v2`")
    );
}

#[test]
fn what_describes_and_what_does_not() {
    let model = ("models/a.sql", "select 1 as id\n");
    for good in ["\"{{ doc('a') }}\"", "x", "|\n      x"] {
        let yaml = format!("models:\n  - name: a\n    description: {good}\n");
        silent("doc/missing", &[model, ("models/m.yml", &yaml)]);
    }
    for bad in ["", "''", "\" \"", "null", "~"] {
        let yaml = format!("models:\n  - name: a\n    description: {bad}\n");
        one(&judged("doc/missing", &[model, ("models/m.yml", &yaml)]));
    }
    silent(
        "doc/missing",
        &[("models/a.sql", "{{ config(enabled=false) }} select 1\n")],
    );
}

#[test]
fn a_description_in_config_is_none_and_the_finding_says_so() {
    let model = "{{ config(description='One row per a.') }} select 1 as id\n";
    let found = judged("doc/missing", &[("models/a.sql", model)]);
    let (finding, _) = one(&found);
    let text = found.prepared.project.text(finding.related[0].span);
    assert_eq!(text, "'One row per a.'");
    assert!(finding.help.contains("in a property file"));
}

#[test]
fn a_property_file_that_breaks_off_is_not_held_against_its_models() {
    let a = ("models/a.sql", "select 1 as id\n");
    let broken = "models:\n  - name: a\n    meta:\n      owner: @team\n";
    silent("doc/missing", &[a, ("models/m.yml", broken)]);
    // It does not hide the whole entry of another file, either.
    let good = "models:\n  - {name: a, description: One row per a.}\n";
    silent(
        "doc/missing",
        &[a, ("models/m.yml", good), ("models/z.yml", broken)],
    );
    silent(
        "input/duplicate-node",
        &[a, ("models/m.yml", good), ("models/z.yml", broken)],
    );
    one(&judged(
        "doc/missing",
        &[
            ("models/b.sql", "select 1 as id\n"),
            ("models/m.yml", broken),
        ],
    ));
}

const CONTEXT: &str = "context/source-missing";

#[test]
fn without_a_context_directory_nobody_asks_for_overviews() {
    silent(CONTEXT, &[(STG, SQL)]);
}

#[test]
fn an_overview_is_asked_for_once_per_folder_of_a_source() {
    let crm = "models/staging/crm/stg_leads.sql";
    let list = [
        ("context/sources/crm/crm.md", "# CRM\n"),
        ("models/staging/erp/deep/_erp__models.yml", "models: []\n"),
        ("models/staging/erp/deep/stg_items.sql", SQL),
        ("models/staging/_not_a_source.yml", "models: []\n"),
        ("models/staging/only_yaml/_x.yml", "models: []\n"),
        (
            "models/staging/off/stg_off.sql",
            "{{ config(enabled=false) }} select 1\n",
        ),
        (STG, SQL),
        (crm, SQL),
    ];
    let found = judged(CONTEXT, &list);
    let (finding, line) = one(&found);
    assert!(line.starts_with("models/staging/erp/deep/_erp__models.yml:1:1 warn context/source-missing the source `erp` has no overview, context/sources/erp/erp.md does not exist"), "{line}");
    assert!(finding.node.is_none());
}

#[test]
fn where_no_path_names_the_source_dbts_sources_are_asked_for() {
    let yaml = "sources:\n  - name: erp\n    tables: [{name: orders}, {name: items}]\n  - name: crm\n    tables: [{name: leads}]\n  - name: off\n    config: {enabled: false}\n    tables: [{name: x}]\n";
    let list = [
        (
            "harness-lint.yml",
            "extends: []\ncontext: {dir: docs/sources/, overview: './{source}.md'}\n",
        ),
        ("docs/sources/crm.md", "# CRM\n"),
        ("models/staging/_sources.yml", yaml),
        (STG, SQL),
    ];
    let found = judged(CONTEXT, &list);
    let (_, line) = one(&found);
    assert!(line.starts_with("models/staging/_sources.yml:2:11 warn context/source-missing the source `erp` has no overview, docs/sources/erp.md"), "{line}");
}

#[test]
fn a_directory_that_is_configured_is_asked_for_though_it_is_not_there() {
    let config = format!("{LAYERS}context: {{dir: knowledge}}\n");
    let found = judged(CONTEXT, &[("harness-lint.yml", &config), (STG, SQL)]);
    assert!(
        one(&found)
            .1
            .contains("knowledge/erp/erp.md does not exist")
    );
}
