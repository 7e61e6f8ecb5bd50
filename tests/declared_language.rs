//! The language of declared rules: what each part of it finds, leaves alone, and refuses.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use harness_lint::declared::{self, Declared};
use harness_lint::syntax::yaml;
use harness_lint::text::FileId;
use harness_lint::threads;

const INCIDENT: &str =
    "code: c\nscenario: s\nphenomenon: p\nroot_cause: r\nmitigation: do otherwise\n";

fn rule(body: &str, message: &str) -> String {
    format!("id: ap/x\nsummary: S.\nseverity: warn\nmessage: '{message}'\n{INCIDENT}{body}")
}

fn read(text: &str) -> Declared {
    let read = declared::read(&yaml::parse(FileId(0), text), None);
    let mut rule = read.unwrap_or_else(|e| {
        let at = e.span.map(|s| &text[s.range()]);
        panic!("{e} at {at:?}\n{:?}\n{text}", e.help)
    });
    rule.own = true;
    rule
}

/// The rule raises `bad` and leaves `good` alone; both are lists of examples as YAML.
fn proves(body: &str, bad: &str, good: &str) {
    let text = format!(
        "{}\nexamples:\n  bad: {bad}\n  good: {good}\n",
        rule(body, "m")
    );
    let rule = read(&text);
    let failure = threads::on_pool(1, || rule.prove(None)).unwrap();
    if let Some(failure) = failure {
        let at = failure.span.map(|s| &text[s.range()]);
        panic!("{}: {at:?}\n{:?}\n{body}", failure.message, failure.help);
    }
}

/// A model and its property file, as one example.
fn with_yaml(sql: &str, properties: &str) -> String {
    format!("{{files: {{models/x.sql: {sql:?}, models/x.yml: {properties:?}}}}}")
}

#[test]
fn the_same_metavariable_is_the_same_text_across_conditions() {
    proves(
        "forbid: {all: [{pattern: 'left join $T as $A on $X = $Y'}, {pattern: '$A.deleted = $Z', in: where}]}",
        "[\"select 1 as x from t left join u as b on t.i = b.i where B.deleted = 0\"]",
        "[\"select 1 as x from t left join u as b on t.i = b.i where c.deleted = 0\"]",
    );
}

#[test]
fn inside_and_not_inside_bound_a_match() {
    proves(
        "forbid: {pattern: 'current_date', inside: 'datediff(...)', not-inside: 'coalesce(...)'}",
        "[\"select datediff(day, a, current_date) as d from t\"]",
        "[\"select current_date as d from t\", \"select datediff(day, a, coalesce(b, current_date)) as d from t\"]",
    );
}

#[test]
fn counts_count_matches() {
    proves(
        "forbid: {count: {of: {pattern: 'left join $T'}, min: 3}}",
        "[\"select 1 as x from a left join b on 1 = 1 left join c on 1 = 1 left join d on 1 = 1\"]",
        "[\"select 1 as x from a left join b on 1 = 1 left join c on 1 = 1 -- left join d\"]",
    );
}

#[test]
fn a_requirement_is_judged_once_for_each_subject() {
    proves(
        "require: {any: [{pattern: 'order by $X'}, {description: {min_length: 10}}]}",
        "[\"select 1 as x, 2 as y from t\"]",
        &format!(
            "[\"select 1 as x from t order by 1\", {}]",
            with_yaml(
                "select 1 as x",
                "models: [{name: x, description: long enough}]"
            )
        ),
    );
}

#[test]
fn what_only_a_run_knows_is_silent() {
    // Of a description from a docs block nothing is known but that it is there.
    let described = |d: &str| {
        with_yaml(
            "select 1 as x",
            &format!("models: [{{name: x, description: \"{d}\"}}]"),
        )
    };
    proves(
        "require: {description: {min_length: 30}}",
        &format!("[{}, \"select 1 as x\"]", described("short")),
        &format!("[{}]", described("{{ doc('x') }}")),
    );
    proves(
        "forbid: {config: {materialized: table}}",
        "[\"{{ config(materialized='table') }} select 1 as x\"]",
        "[\"{{ config(materialized=env_var('M')) }} select 1 as x\", \"select 1 as x\"]",
    );
    proves(
        "require: {tags: {has: [a, b]}}",
        "[\"{{ config(tags=['a']) }} select 1 as x\"]",
        "[\"{{ config(tags=env_var('T')) }} select 1 as x\", \"{{ config(tags=['b', 'a']) }} select 1 as x\"]",
    );
    // A reference that leads nowhere may be the parent that is asked for.
    proves(
        "require: {parents: {any: {name: a}}}",
        "[{files: {models/x.sql: \"select 1 as x from {{ ref('b') }}\", models/b.sql: \"select 1 as x from {{ ref('a') }}\", models/a.sql: \"select 1 as x from {{ ref('c') }}\", models/c.sql: \"select 1 as x from {{ ref('a') }}\"}}]",
        "[\"select 1 as x from {{ ref('nowhere') }}\"]",
    );
}

#[test]
fn the_graph_is_asked_by_selectors() {
    let files = |b: &str, c: &str| {
        format!(
            "[{{files: {{models/a.sql: 'select 1 as x', models/b.sql: \"{b}\", models/c.sql: \"{c}\"}}}}]"
        )
    };
    let b = "select x from {{ ref('a') }}";
    let c = "select x from {{ ref('b') }}";
    let both = "select x from {{ ref('a') }} union all select x from {{ ref('b') }}";
    for (body, bad, good) in [
        (
            "select: {name: c}\nforbid: {ancestors: {any: {name: a}}}",
            files(b, c),
            files("select 1 as x", c),
        ),
        (
            "select: {name: a}\nforbid: {children: {count: {min: 2}}}",
            files(b, both),
            files(b, c),
        ),
        (
            "select: {name: a}\nforbid: {descendants: {any: {name: c}}}",
            files(b, c),
            files("select 2 as x", c),
        ),
        (
            "select: {name: c}\nrequire: {parents: {none: {name: a}}}",
            files(b, both),
            files(b, c),
        ),
        (
            "select: {name: c}\nrequire: {parents: {all: {name: b}}}",
            files(b, both),
            files(b, c),
        ),
        (
            "select: {dbt: '+c', name: {one_of: [a, b]}}\nforbid: {name: {prefix: a}}",
            files(b, c),
            files("select 1 as x", c),
        ),
    ] {
        proves(body, &bad, &good);
    }
}

#[test]
fn facts_of_properties() {
    let x = |p: &str| format!("[{}]", with_yaml("select 1 as id", p));
    for (body, bad, good) in [
        (
            "require: {meta: {owner: {present: true}}}",
            "models: [{name: x}]",
            "models: [{name: x, meta: {owner: me}}]",
        ),
        (
            "require: {columns: {all: {description: {present: true}}}}",
            "models: [{name: x, columns: [{name: id}]}]",
            "models: [{name: x, columns: [{name: id, description: d}]}]",
        ),
        (
            "require: {columns: {has: [ID]}}",
            "models: [{name: x, columns: [{name: no}]}]",
            "models: [{name: x, columns: [{name: id}]}]",
        ),
        (
            "require: {tests: {count: {of: {family: integrity}, min: 1}}}",
            "models: [{name: x, columns: [{name: id, tests: [not_null]}]}]",
            "models: [{name: x, columns: [{name: id, tests: [unique]}]}]",
        ),
        (
            "require: {access: {one_of: [private]}}",
            "models: [{name: x, access: public}]",
            "models: [{name: x, access: private}]",
        ),
        (
            "require: {contract: true}",
            "models: [{name: x}]",
            "models: [{name: x, config: {contract: {enforced: true}}}]",
        ),
        (
            "require: {group: {present: true}}",
            "models: [{name: x}]",
            "groups: [{name: g, owner: {name: o}}]\nmodels: [{name: x, group: g}]",
        ),
        (
            "require: {unit_tests: {min: 1}}",
            "models: [{name: x}]",
            "models: [{name: x}]\nunit_tests: [{name: u, model: x, given: [], expect: {rows: []}}]",
        ),
        (
            "select: {resource_type: column, node: {name: x}}\nrequire: {data_type: {equals: INT}}",
            "models: [{name: x, columns: [{name: id, data_type: text}]}]",
            "models: [{name: x, columns: [{name: id, data_type: int}]}]",
        ),
        (
            "select: {resource_type: column, of: model, name: {suffix: _at}}\nforbid: {data_type: date}",
            "models: [{name: x, columns: [{name: a_at, data_type: date}]}]",
            "models: [{name: x, columns: [{name: a_at, data_type: timestamp}, {name: b, data_type: date}]}]",
        ),
        (
            "select: {resource_type: source}\nrequire: {freshness: {warn_after: {period: hour}}}",
            "sources: [{name: s, tables: [{name: t}]}]",
            "sources: [{name: s, config: {freshness: {warn_after: {count: 1, period: hour}}}, tables: [{name: t}]}]",
        ),
        (
            "select: {resource_type: source}\nrequire: {loader: {present: true}}",
            "sources: [{name: s, tables: [{name: t}]}]",
            "sources: [{name: s, loader: fivetran, tables: [{name: t}]}]",
        ),
        (
            "select: {resource_type: exposure}\nrequire: {owner: {email: {min: 1}}, url: {prefix: 'https://'}}",
            "exposures: [{name: e, type: dashboard, owner: {name: n}, url: 'https://x'}]",
            "exposures: [{name: e, type: dashboard, owner: {email: n@x}, url: 'https://x'}]",
        ),
        (
            "select: {resource_type: group}\nrequire: {owner: {name: {present: true}}}",
            "groups: [{name: g, owner: {email: e@x}}]",
            "groups: [{name: g, owner: {name: o}}]",
        ),
        (
            "select: {resource_type: test, test_name: accepted_values}\nrequire: {test_arguments: {quote: false}}",
            "models: [{name: x, columns: [{name: id, tests: [{accepted_values: {values: [1]}}]}]}]",
            "models: [{name: x, columns: [{name: id, tests: [{accepted_values: {values: [1], quote: false}}, unique]}]}]",
        ),
        (
            "require: {constraints: {has: [primary_key]}}",
            "models: [{name: x}]",
            "models: [{name: x, constraints: [{type: primary_key, columns: [id]}]}]",
        ),
        (
            "forbid: {property_file: {regex: 'x\\.yml$'}}",
            "models: [{name: x}]",
            "models: [{name: y}]",
        ),
    ] {
        proves(body, &x(bad), &x(good));
    }
}

/// Each of several snapshots in a file is judged by its own block, and a generic test by its YAML.
#[test]
fn subjects_that_share_a_file_are_judged_apart() {
    let two = |a: &str, b: &str| {
        format!(
            "[{{files: {{snapshots/s.sql: \"{{% snapshot a %}} select {a} as x {{% endsnapshot %}}\\n{{% snapshot b %}} select {b} as x {{% endsnapshot %}}\"}}}}]"
        )
    };
    proves(
        "select: {resource_type: snapshot, name: b}\nforbid: {pattern: 'nvl($A, $B)'}",
        &two("1", "nvl(1, 2)"),
        &two("nvl(1, 2)", "1"),
    );
    proves(
        "select: {resource_type: test}\nforbid: {pattern: 'nvl($A, $B)'}",
        "[{files: {tests/t.sql: 'select nvl(a, 1) as x'}}]",
        &format!(
            "[{}]",
            with_yaml(
                "select 1 as x",
                "models: [{name: x, description: 'nvl(a, 1)', columns: [{name: x, tests: [unique]}]}]"
            )
        ),
    );
}

#[test]
fn macros_and_files_are_subjects() {
    let files = |sql: &str, yml: &str| {
        format!("[{{files: {{macros/m.sql: {sql:?}, macros/m.yml: {yml:?}}}}}]")
    };
    let sql = "{% macro m(a, b=1) %} {{ a }} {% endmacro %}";
    proves(
        "select: {resource_type: macro}\nrequire: {arguments: {all: {description: {present: true}}}}",
        &files(
            sql,
            "macros: [{name: m, arguments: [{name: a, description: d}]}]",
        ),
        &files(
            sql,
            "macros: [{name: m, arguments: [{name: a, description: d}, {name: b, description: d}]}]",
        ),
    );
    proves(
        "select: {resource_type: macro}\nforbid: {pattern: 'drop table $X'}",
        &files("{% macro m(a) %} drop table {{ a }} {% endmacro %}", ""),
        &files("{% macro m(a) %} create table {{ a }} {% endmacro %}", ""),
    );
    proves(
        "select: {resource_type: file, path: 'docs/*.md'}\nforbid: {regex: '^todo'}",
        "[{files: {docs/a.md: \"# A\\nTODO\\n\"}}]",
        "[{files: {docs/a.md: \"# A\\n\", b.md: \"TODO\\n\"}}]",
    );
    proves(
        "select: {resource_type: file, path: packages.yml}\nforbid: {yaml: {packages: {any: {git: {present: true}}}}}",
        "[{files: {packages.yml: \"packages: [{git: x}]\"}}]",
        "[{files: {packages.yml: \"packages: [{package: x}]\"}}]",
    );
}

#[test]
fn a_fix_is_what_its_example_shows() {
    let body = |fixed: &str| {
        let head = rule(
            "forbid: {pattern: 'nvl($A, $B)'}\nfix: {replace: 'coalesce($A, $B)', applicability: safe}",
            "`$A` of {name}: {{ ref }} in {path}",
        );
        format!(
            "{head}\nexamples: {{bad: ['select NVL( a.b , 0 ) as x from t'], good: ['select 1 as x'], fixed: ['{fixed}']}}\n"
        )
    };
    let prove = |text: &str| threads::on_pool(1, || read(text).prove(None)).unwrap();
    assert!(prove(&body("select coalesce(a.b, 0) as x from t")).is_none());
    let wrong = prove(&body("select coalesce(a, 0) as x from t")).unwrap();
    assert!(wrong.message.contains("does not make this"));
    assert!(wrong.help.unwrap().contains("coalesce(a.b, 0)"));
}

#[test]
fn a_proof_that_does_not_hold_says_where() {
    let text = |bad: &str, good: &str| {
        format!(
            "{}\nexamples: {{bad: ['{bad}'], good: ['{good}']}}\n",
            rule("forbid: {pattern: 'nvl($A, $B)'}", "m")
        )
    };
    for (bad, good, message, at) in [
        (
            "select 1 as x",
            "select 2 as x",
            "does not raise",
            "'select 1 as x'",
        ),
        (
            "select nvl(a, 1) as x",
            "select nvl(b, 2) as x",
            "good example raises",
            "'select nvl(b, 2) as x'",
        ),
    ] {
        let text = text(bad, good);
        let failure = threads::on_pool(1, || read(&text).prove(None))
            .unwrap()
            .unwrap();
        assert!(failure.message.contains(message), "{}", failure.message);
        assert_eq!(&text[failure.span.unwrap().range()], at);
    }
}

/// What is refused: the rest of the rule, the message, the text it points at, a part of the help.
const REFUSED: &[(&str, &str, &str, &str)] = &[
    (
        "select: {nmae: x}\nforbid: {regex: a+}",
        "unknown fact `nmae`",
        "nmae",
        "did you mean `name`?",
    ),
    (
        "select: {resource_type: modle}\nforbid: {regex: a+}",
        "unknown resource type `modle`",
        "modle",
        "`model`",
    ),
    (
        "select: {resource_type: source}\nforbid: {materialized: view}",
        "`materialized` is no fact of source",
        "materialized",
        "freshness",
    ),
    (
        "select: {resource_type: source}\nforbid: {pattern: 'a b'}",
        "a source has no file of SQL",
        "{pattern: 'a b'}",
        "",
    ),
    (
        "select: {resource_type: file}\nforbid: {regex: a+}",
        "a rule about files names them",
        "{resource_type: file}",
        "",
    ),
    (
        "select: {resource_type: column, parents: {any: {}}}\nforbid: {name: a}",
        "`parents` is asked of nodes",
        "parents",
        "",
    ),
    (
        "select: {resource_type: macro}\nforbid: {config.materialized: view}",
        "`config.materialized` is asked of nodes",
        "config.materialized",
        "",
    ),
    (
        "select: {of: model}\nforbid: {name: a}",
        "`of` is for",
        "of",
        "",
    ),
    (
        "select: {parents: {some: {}}}\nforbid: {name: a}",
        "unknown question `some`",
        "some",
        "any, all",
    ),
    (
        "select: {dbt: 'state:new'}\nforbid: {name: a}",
        "asks for a state",
        "'state:new'",
        "",
    ),
    (
        "select: {dbt: 'tga:x'}\nforbid: {name: a}",
        "tga",
        "'tga:x'",
        "",
    ),
    (
        "select: {path: 'a/{b'}\nforbid: {name: a}",
        "is no glob",
        "'a/{b'",
        "",
    ),
    (
        "forbid: {patern: a}",
        "unknown key `patern`",
        "patern",
        "`pattern`",
    ),
    ("forbid: {pattern: 'sum($X'}", "`(` has no partner", "(", ""),
    ("forbid: {pattern: '$X'}", "fits everything", "$X", ""),
    (
        "forbid: {pattern: a b, description: x}",
        "two conditions",
        "description",
        "`all`",
    ),
    (
        "forbid: {pattern: a b, regex: x}",
        "expected one of",
        "{pattern: a b, regex: x}",
        "",
    ),
    ("forbid: {regex: 'a*'}", "match everywhere", "'a*'", ""),
    (
        "forbid: {regex: 'x{1000}{1000}{9}'}",
        "is no regular expression",
        "'x{1000}{1000}{9}'",
        "",
    ),
    (
        "forbid: {pattern: a b, in: wher}",
        "`wher` is no scope",
        "wher",
        "`where`",
    ),
    (
        "forbid: {pattern: 'f($X)', metavariables: {$Y: {prefix: a}}}",
        "`$Y` is not bound here",
        "$Y",
        "$X",
    ),
    (
        "forbid: {pattern: 'f($X)', metavariables: {$X: {prefx: a}}}",
        "unknown test of a text `prefx`",
        "prefx",
        "`prefix`",
    ),
    (
        "forbid: {tags: a}",
        "expected a test of a list",
        "a",
        "{has: [a, b]}",
    ),
    ("forbid: {lines: many}", "expected a number", "many", ""),
    (
        "forbid: {contract: maybe}",
        "expected true or false",
        "maybe",
        "",
    ),
    (
        "forbid: {columns: {any: {nmae: x}}}",
        "`nmae`",
        "nmae",
        "`name`",
    ),
    (
        "forbid: {tests: {count: {of: {name: x}}}}",
        "`count` needs",
        "{of: {name: x}}",
        "",
    ),
    ("forbid: {all: []}", "expected a list", "[]", ""),
    ("forbid: {}", "the condition is empty", "{}", ""),
    (
        "forbid: {name: a}\nrequire: {name: b}",
        "either",
        "{name: b}",
        "",
    ),
    (
        "forbid: {name: a}\nfix: {replace: b}",
        "a fix replaces what a pattern",
        "{replace: b}",
        "",
    ),
    (
        "require: {pattern: a b}\nfix: {replace: b}",
        "a fix replaces what a pattern",
        "{replace: b}",
        "",
    ),
    (
        "forbid: {pattern: 'f($X)'}\nfix: {replace: $Z}",
        "`$Z` is not bound",
        "$Z",
        "$X",
    ),
    (
        "forbid: {pattern: 'f($X)'}\nfix: {replace: $X, applicability: safe}",
        "a safe fix needs an example",
        "{replace: $X, applicability: safe}",
        "fixed",
    ),
    (
        "forbid: {name: a}\nexamples: {bda: x}",
        "unknown key `bda`",
        "bda",
        "`bad`",
    ),
    (
        "forbid: {name: a}\nexamples: {bad: [{files: {../x.sql: a}}]}",
        "is no path below",
        "../x.sql",
        "",
    ),
    ("forbid: {name: …}", "is not written yet", "…", ""),
];

#[test]
fn what_is_wrong_is_refused_at_its_place() {
    for (body, message, at, help) in REFUSED {
        let text = rule(body, "m");
        let error = declared::read(&yaml::parse(FileId(0), &text), None).expect_err(body);
        assert!(error.message.contains(message), "{body}: {}", error.message);
        let place = error.span.map(|s| text[s.range()].to_owned());
        assert_eq!(place.as_deref(), Some(*at), "{body}");
        let said = error.help.unwrap_or_default();
        assert!(said.contains(help), "{body}: {said}");
    }
    let text = rule(
        "forbid: {any: [{pattern: 'f($X)'}, {pattern: 'g($Y)'}]}",
        "`$X`",
    );
    let error = declared::read(&yaml::parse(FileId(0), &text), None).unwrap_err();
    assert_eq!(error.message, "`$X` is not bound");
    let text = rule("forbid: {pattern: 'f($X)'}", "{nmae}");
    let error = declared::read(&yaml::parse(FileId(0), &text), None).unwrap_err();
    assert!(error.help.unwrap().contains("{name}"));
}

/// The schema takes what is read, and every key that it names is one.
#[test]
fn the_schema_fits_the_shipped_rules() {
    let schema = declared::rule_schema();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut seen = 0;
    for entry in walkdir::WalkDir::new(concat!(env!("CARGO_MANIFEST_DIR"), "/rules")) {
        let path = entry.unwrap().into_path();
        if path.ends_with("rule.yaml") {
            let text = std::fs::read_to_string(&path).unwrap();
            let value = yaml::parse(FileId(0), &text).root().unwrap().to_json();
            let errors: Vec<String> = validator
                .iter_errors(&value)
                .map(|e| e.to_string())
                .collect();
            assert!(errors.is_empty(), "{}: {errors:?}", path.display());
            seen += 1;
        }
    }
    assert!(seen > 10);
    let odd = serde_json::json!({"id": "ap/x", "forbidden": {}});
    assert!(!validator.is_valid(&odd));
}
