//! A team's own folder of declared rules: read, run, and refused where it is wrong.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Files, check_files, lines, write};
use harness_lint::registry::{self, Entry, RuleFilter};
use harness_lint::run::{self, Request};
use harness_lint::threads;

const RULE: &str = "id: ap/sentinel-date
summary: A date that stands for none.
severity: warn
layer: staging
forbid:
  in: cte(renamed)
  regex: \"'(1900-01-01|9999-12-31)'\"
message: a sentinel date stands for a missing one, and every average over it is wrong
code: coalesce(ended_at, '9999-12-31')
scenario: A source has no end date for open contracts.
phenomenon: The mean duration of contracts was 3,000 years.
root_cause: A date was made up to avoid a null.
mitigation: leave it null, and say in the description what null means
incident: https://example.com/42
";

const MODEL: &str = "with renamed as (
    -- never '9999-12-31'
    select coalesce(ended_at, '9999-12-31') as ended_at from {{ source('erp', 'contracts') }}
)
select ended_at, '1900-01-01' as since from renamed
";

fn project(rules: &[(&str, &str)]) -> Files {
    let mut files = Files::new();
    let config = "extends: []\nanti_patterns: [anti-patterns/]\n";
    files.insert("harness-lint.yml".to_owned(), config.to_owned());
    files.insert(
        "models/staging/erp/stg_contracts.sql".to_owned(),
        MODEL.to_owned(),
    );
    files.insert(
        "models/marts/fct_contracts.sql".to_owned(),
        MODEL.to_owned(),
    );
    for (path, text) in rules {
        files.insert(format!("anti-patterns/{path}"), (*text).to_owned());
    }
    files
}

/// The words of the refusal, and its exit code.
fn refused(files: &Files) -> (String, u8) {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), files);
    let request = Request {
        cwd: dir.path().to_owned(),
        project_dir: Some(dir.path().to_owned()),
        ..Request::default()
    };
    let error = threads::on_pool(1, || run::check(&request).map(|_| ())).unwrap_err();
    (error.to_string(), error.exit_code())
}

#[test]
fn a_rule_of_the_team_runs_in_its_layer_and_cte() {
    let found = check_files(
        &project(&[("dates/rule.yaml", RULE)]),
        RuleFilter::default(),
    );
    assert_eq!(
        lines(&found),
        [
            "models/staging/erp/stg_contracts.sql:3:31 warn ap/sentinel-date a sentinel date stands for a missing one, and every average over it is wrong"
        ]
    );
    assert!(found.checked.findings[0].help.starts_with("leave it null"));
}

#[test]
fn it_is_configured_like_any_other() {
    let mut files = project(&[("dates/rule.yaml", RULE)]);
    let config = files.get_mut("harness-lint.yml").unwrap();
    config.push_str("rules:\n  ap/sentinel-date: off\n");
    assert_eq!(lines(&check_files(&files, RuleFilter::default())), [""; 0]);
}

#[test]
fn two_rules_of_one_id_are_refused_at_the_second() {
    let second = format!("# the same again\n{RULE}");
    let (message, code) = refused(&project(&[("a.yaml", RULE), ("b.yaml", &second)]));
    assert_eq!(
        message,
        "anti-patterns/b.yaml:2:5: there are two rules `ap/sentinel-date`"
    );
    assert_eq!(code, 2);
    let shipped = RULE.replace("sentinel-date", "date-trunc-key");
    let (message, code) = refused(&project(&[("a.yml", &shipped)]));
    assert_eq!(
        message,
        "anti-patterns/a.yml:1:5: there are two rules `ap/date-trunc-key`"
    );
    assert_eq!(code, 2);
}

#[test]
fn a_broken_file_is_refused_with_its_line() {
    for (part, by, wanted) in [
        (
            "severity: warn",
            "severity: [",
            "anti-patterns/x.yaml:5:7: ",
        ),
        (
            "message:",
            "mesage:",
            "anti-patterns/x.yaml:8:1: unknown key `mesage`",
        ),
        (
            "cte(renamed)",
            "join",
            "anti-patterns/x.yaml:6:7: `join` is no scope",
        ),
        ("9999-12-31)", "9999-12-31", "anti-patterns/x.yaml:7:10: "),
        (
            "incident: https",
            "incident: [] #",
            "anti-patterns/x.yaml:14:11: ",
        ),
    ] {
        let text = RULE.replacen(part, by, 1);
        let (message, code) = refused(&project(&[("x.yaml", &text)]));
        assert!(message.starts_with(wanted), "{by}: {message}");
        assert_eq!(code, 2);
    }
    let (message, _) = refused(&project(&[("x.yaml", "")]));
    assert_eq!(message, "anti-patterns/x.yaml:1:1: the file is empty");
}

#[test]
fn a_layer_that_does_not_exist_is_refused() {
    let mut files = project(&[("x.yaml", &RULE.replace("layer: staging", "layer: stagin"))]);
    let config = files.get_mut("harness-lint.yml").unwrap();
    config.push_str("layers: {staging: {path: 'models/staging/**'}}\n");
    let (message, _) = refused(&files);
    assert_eq!(
        message,
        "anti-patterns/x.yaml:4:8: `stagin` is no layer; layers are staging"
    );
}

#[test]
fn a_folder_that_is_not_there_is_refused_where_it_is_named() {
    let (message, code) = refused(&project(&[]));
    assert!(
        message.starts_with("harness-lint.yml:2:17: there is no folder `anti-patterns/`"),
        "{message}"
    );
    assert_eq!(code, 2);
}

/// The examples of a shipped rule's own file, beside those of its page.
#[test]
fn every_shipped_declared_rule_is_proven() {
    let mut proven = 0;
    for entry in registry::shipped() {
        let Entry::Declared(rule) = entry else {
            continue;
        };
        let failure = threads::on_pool(1, || rule.prove(None)).unwrap();
        assert!(failure.is_none(), "{}: {failure:?}", rule.meta.id);
        proven += usize::from(rule.unproven().is_none());
    }
    assert!(proven >= 11, "{proven}");
}
