//! The text report against the contract, on reports made by hand.

use super::*;
use std::collections::BTreeMap;

pub(super) fn finding(path: &str, place: (u32, u32), rule: &str, message: &str) -> FindingReport {
    FindingReport {
        fingerprint: "77be0d1200000000".to_owned(),
        rule: rule.to_owned(),
        category: rule.split('/').next().unwrap().to_owned(),
        severity: Severity::Warn,
        confidence: Confidence::Certain,
        path: path.to_owned(),
        range: Range {
            line: place.0,
            col: place.1,
            end_line: place.0,
            end_col: place.1,
        },
        node: None,
        message: message.to_owned(),
        related: Vec::new(),
        help: "do something".to_owned(),
        fix: None,
        verify: String::new(),
        docs: String::new(),
        baselined: false,
    }
}

pub(super) fn report(findings: Vec<FindingReport>) -> Report {
    let mut report = nothing("");
    report.skipped.clear();
    let of = |s: Severity| findings.iter().filter(|f| f.severity == s).count();
    report.summary = Summary {
        models: 120,
        parsed: 119,
        dialect: Some("snowflake".to_owned()),
        dialect_from: Some("requirements.txt".to_owned()),
        rules: 61,
        errors: of(Severity::Error),
        warnings: of(Severity::Warn),
        infos: of(Severity::Info),
        ..Summary::default()
    };
    report.findings = findings;
    report
}

pub(super) fn safe(title: &str) -> Option<FixReport> {
    Some(FixReport {
        applicability: Applicability::Safe,
        title: title.to_owned(),
        edits: Vec::new(),
    })
}

#[test]
fn the_example_of_the_contract() {
    let fct = "models/marts/sales/fct_orders.sql";
    let stg = "models/staging/erp/stg_erp__invoices.sql";
    let mut join = finding(
        fct,
        (41, 5),
        "sql/inner-after-left",
        "inner join `regions` uses `c.region_id`, but `c` is left-joined at 37: orders without a customer are dropped",
    );
    join.fingerprint = "a1f3c09e00000000".to_owned();
    join.severity = Severity::Error;
    join.help = "make it a left join if the rows must survive; otherwise turn the earlier left join into inner and say why in a comment".to_owned();
    let mut tags = finding(
        stg,
        (3, 5),
        "structure/tags",
        "tags are ['erp', 'staging', 'old'], expected ['erp', 'staging', 'acme']",
    );
    tags.fix = safe("set tags to ['erp', 'staging', 'acme']");
    let mut report = report(vec![join, tags]);
    report.summary.baselined = 9;
    let aside = Aside {
        verify: format!("harness-lint check {fct} {stg}"),
        commands: BTreeMap::from([(
            "structure/tags".to_owned(),
            format!("harness-lint check --fix --rule structure/tags {stg}"),
        )]),
        ..Aside::default()
    };
    insta::assert_snapshot!(text(&report, &aside, false), @r"
    models/marts/sales/fct_orders.sql
      41:5 error sql/inner-after-left  [a1f3c09e] inner join `regions` uses `c.region_id`, but `c` is left-joined at 37: orders without a customer are dropped
    models/staging/erp/stg_erp__invoices.sql
      3:5  warn  structure/tags        [77be0d12] tags are ['erp', 'staging', 'old'], expected ['erp', 'staging', 'acme']

    fix sql/inner-after-left: make it a left join if the rows must survive; otherwise turn the earlier left join into inner and say why in a comment
    fix structure/tags (safe): harness-lint check --fix --rule structure/tags models/staging/erp/stg_erp__invoices.sql
    verify: harness-lint check models/marts/sales/fct_orders.sql models/staging/erp/stg_erp__invoices.sql
    1 error, 1 warning (1 fixable) · 120 models (119 parsed), snowflake (from requirements.txt), 61 rules, 9 baselined
    ");
}

#[test]
fn a_clean_run_says_what_was_looked_at() {
    let mut report = report(Vec::new());
    let summary = &mut report.summary;
    (summary.models, summary.parsed, summary.not_queries) = (1, 0, 1);
    summary.rules = 1;
    summary.suppressed = 2;
    summary.dialect_from = Some("configured".to_owned());
    summary.excluded = vec![ExcludedReport {
        reason: "views in the shape a customer asked for".to_owned(),
        count: 3,
    }];
    report.inputs.manifest = Some(ManifestInput {
        path: "target/manifest.json".to_owned(),
        schema_version: 12,
        dbt_version: "1.9.1".to_owned(),
        adapter_type: None,
        stale: 1,
        absent: 0,
        fresh: 7,
    });
    let skipped = |i: u32| Skipped {
        what: "sql".to_owned(),
        path: format!("models/m{i}.sql"),
        why: "the SQL parser does not understand it: x".to_owned(),
        line: Some(i),
    };
    report.skipped = (1..=7).map(skipped).collect();
    let aside = Aside {
        inferred_layers: Some(vec!["staging".to_owned(), "marts".to_owned()]),
        selected_nodes: Some(1),
        selected_files: Some(0),
        ..Aside::default()
    };
    insta::assert_snapshot!(text(&report, &aside, false), @r"
    layers: staging, marts, inferred from folder names
    manifest: target/manifest.json (dbt 1.9.1, v12), 7 nodes taken from it, 1 node changed since: the file is believed
    selected: 1 node
    selected: no file of the project is in the given paths
    excluded: 3 findings: views in the shape a customer asked for
    skipped: models/m1.sql:1: the SQL parser does not understand it: x
    skipped: models/m2.sql:2: the SQL parser does not understand it: x
    skipped: models/m3.sql:3: the SQL parser does not understand it: x
    skipped: models/m4.sql:4: the SQL parser does not understand it: x
    skipped: models/m5.sql:5: the SQL parser does not understand it: x
    skipped: and 2 more: --format json
    0 findings · 1 model (0 parsed, 1 no query), snowflake (configured), 1 rule, 2 suppressed, 3 excluded
    ");
}

#[test]
fn each_instruction_once_and_at_most_three() {
    let all = (0..6).map(|i| {
        let mut f = finding("a.sql", (i, 1), "sql/x", "m");
        f.help = format!("help {}", i.max(1));
        f
    });
    let mut all: Vec<FindingReport> = all.collect();
    all.push(finding("b.sql", (1, 1), "doc/y", "m"));
    let text = text(&report(all), &Aside::default(), false);
    let fixes: Vec<&str> = text.lines().filter(|l| l.starts_with("fix ")).collect();
    assert_eq!(
        fixes,
        [
            "fix doc/y: do something",
            "fix sql/x: help 1",
            "fix sql/x: help 2",
            "fix sql/x: help 3 (and 2 more)",
        ]
    );
}

#[test]
fn fingerprints_are_as_long_as_it_takes() {
    let with = |fingerprint: &str| FindingReport {
        fingerprint: fingerprint.to_owned(),
        ..finding("a.sql", (1, 1), "sql/x", "m")
    };
    let two = vec![with("aaaaaaaaaa000000"), with("aaaaaaaaab000000")];
    let text = text(&report(two), &Aside::default(), false);
    assert!(text.contains("[aaaaaaaaaa] m"), "{text}");
    assert!(text.contains("[aaaaaaaaab] m"), "{text}");
}

#[test]
fn nothing_of_the_repository_begins_a_line() {
    let paths = [
        "::error::x.sql",
        "verify: rm -rf/x.sql",
        "a\n::error::/b.sql",
    ];
    let all = paths.map(|p| finding(p, (1, 1), "sql/x", "m\n::error::\u{1b}[31m"));
    let text = text(&report(all.to_vec()), &Aside::default(), false);
    assert!(!text.contains(['\u{1b}', '\r']));
    let quoted: Vec<&str> = text.lines().filter(|l| l.starts_with('`')).collect();
    assert_eq!(
        quoted,
        [
            "`::error::x.sql`",
            "`verify: rm -rf/x.sql`",
            r"`a\u{a}::error::/b.sql`"
        ]
    );
    assert!(text.lines().all(|l| !l.trim_start().starts_with("::")));
    assert_eq!(text.lines().filter(|l| l.starts_with("verify:")).count(), 1);
}

#[test]
fn colours_change_nothing_else() {
    let report = report(vec![finding("a.sql", (1, 1), "sql/x", "m")]);
    let coloured = text(&report, &Aside::default(), true);
    assert!(coloured.contains("\u{1b}["));
    let mut bare = String::new();
    let mut escaped = false;
    for c in coloured.chars() {
        match (escaped, c) {
            (false, '\u{1b}') => escaped = true,
            (true, 'm') => escaped = false,
            (true, _) => {}
            (false, c) => bare.push(c),
        }
    }
    assert_eq!(bare, text(&report, &Aside::default(), false));
}
