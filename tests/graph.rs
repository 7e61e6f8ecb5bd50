//! Rules about the graph, case by case: what is an edge, who is flagged, and what once went wrong
//! on a real repository.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Files, check_files, only};
use harness_lint::check::Finding;
use harness_lint::registry::RuleFilter;
use harness_lint::run::Outcome;

fn files(list: &[(&str, &str)]) -> Files {
    let pairs = list.iter().map(|(p, t)| ((*p).to_owned(), (*t).to_owned()));
    pairs.collect()
}

fn outcome(rule: &str, list: &[(&str, &str)]) -> Outcome {
    check_files(&files(list), only(rule))
}

fn findings(rule: &str, list: &[(&str, &str)]) -> Vec<Finding> {
    outcome(rule, list).checked.findings
}

/// The first name in quotes of each message, in the order of findings.
fn named(rule: &str, list: &[(&str, &str)]) -> Vec<String> {
    let found = findings(rule, list);
    let name = |f: &Finding| f.primary.message.split('`').nth(1).unwrap().to_owned();
    found.iter().map(name).collect()
}

const NOTHING: [&str; 0] = [];

const ERP: (&str, &str) = (
    "models/_erp.yml",
    "sources:\n- name: erp\n  tables: [{name: a}, {name: b}]\n",
);

mod orphan {
    use super::*;

    /// stg_a alone in staging, a mart that reads another model, and whatever else is given.
    fn orphans(more: &[(&str, &str)]) -> Vec<String> {
        let mut list = vec![
            ("models/staging/stg_a.sql", "select 1 as id"),
            ("models/staging/stg_used.sql", "select 1 as id"),
            (
                "models/marts/fct.sql",
                "select id from {{ ref('stg_used') }}",
            ),
        ];
        list.extend(more);
        named("graph/orphan", &list)
    }

    #[test]
    fn a_model_without_a_reader_is_one_and_a_leaf_is_none() {
        assert_eq!(orphans(&[]), ["stg_a"]);
        assert_eq!(
            orphans(&[("models/other/x.sql", "select 1 as id")]),
            ["stg_a"]
        );
    }

    #[test]
    fn everything_that_uses_it_counts() {
        for (path, text) in [
            ("models/other/x.sql", "select id from {{ ref('stg_a') }}"),
            ("models/other/x.sql", "select 1 as id -- {{ ref('stg_a') }}"),
            ("analyses/x.sql", "select id from {{ ref('stg_a') }}"),
            (
                "models/x.yml",
                "exposures:\n- name: e\n  type: dashboard\n  depends_on: [ref('stg_a')]\n",
            ),
            (
                "models/x.yml",
                "semantic_models:\n- name: s\n  model: ref('stg_a')\n",
            ),
            (
                "snapshots/x.yml",
                "snapshots:\n- name: s\n  relation: ref('stg_a')\n",
            ),
            ("models/x.yml", "models:\n- name: stg_a\n  access: public\n"),
            (
                "models/x.yml",
                "models:\n- name: stg_a\n  time_spine: {standard_granularity_column: d}\n",
            ),
            (
                "selectors.yml",
                "selectors:\n- name: s\n  definition: {method: fqn, value: stg_a}\n",
            ),
            (
                "selectors.yml",
                "selectors:\n- name: s\n  definition: stg_a+\n",
            ),
            (
                "selectors.yml",
                "selectors:\n- name: s\n  definition: path:models/staging/stg_a.sql\n",
            ),
            (
                "macros/x.sql",
                "{% macro x() %}{% if execute %}{% do run_query('select 1 from ' ~ ref('stg_a')) %}{% endif %}{% endmacro %}",
            ),
            (
                "models/marts/x.sql",
                "select 1 as id {% if is_incremental() %} from {{ ref('stg_a') }} {% endif %}",
            ),
            ("build/load.sql", "create table x as select * from stg_a"),
            ("integration_tests/dbt_project.yml", "name: tests"),
            ("README.md", "This dbt package stages orders."),
            (
                "models/marts/y.sql",
                "select id from {{ ref(var('unset')) }}",
            ),
        ] {
            assert_eq!(orphans(&[(path, text)]), NOTHING, "{path}: {text}");
        }
    }

    #[test]
    fn what_uses_nothing_does_not() {
        for (path, text) in [
            ("tests/x.sql", "select id from {{ ref('stg_a') }}"),
            (
                "models/x.yml",
                "models:\n- name: stg_a\n  data_tests: [unique]\n",
            ),
            (
                "models/marts/x.sql",
                "{{ config(enabled=false) }} select id from {{ ref('stg_a') }}",
            ),
            (
                "models/marts/x.sql",
                "select 1 as id {# {{ ref('stg_a') }} #}",
            ),
            (
                "models/staging/stg_a.sql",
                "select id from {{ ref('stg_a') }}",
            ),
            (
                "selectors.yml",
                "selectors:\n- name: s\n  definition: path:models/staging\n",
            ),
            (
                "selectors.yml",
                "selectors:\n- name: s\n  definition: {union: [fct, {exclude: [stg_a]}]}\n",
            ),
            ("README.md", "See stg_a. We use dbt packages."),
            ("build/load.sql", "select * from stg_a_raw"),
        ] {
            assert_eq!(orphans(&[(path, text)]), ["stg_a"], "{path}: {text}");
        }
    }

    #[test]
    fn a_tag_of_its_own_is_a_name_and_one_of_its_folder_is_none() {
        let selectors = (
            "selectors.yml",
            "selectors:\n- name: s\n  definition: {tag: export}\n",
        );
        let own = (
            "models/staging/stg_a.sql",
            "{{ config(tags=['export']) }} select 1 as id",
        );
        assert_eq!(orphans(&[selectors, own]), NOTHING);
        let folder = (
            "dbt_project.yml",
            "name: shop\nmodels: {shop: {staging: {+tags: export}}}\n",
        );
        assert_eq!(orphans(&[selectors, folder]), ["stg_a"]);
    }

    #[test]
    fn leaves_of_a_configured_table() {
        let config = "layers:\n  raw: {path: \"models/staging/**\", role: staging}\n  out: {path: \"models/out/**\", refs: [raw]}\n";
        let list = [
            ("harness-lint.yml", config),
            ("models/staging/stg_a.sql", "select 1 as id"),
            ("models/out/x.sql", "select 1 as id"),
        ];
        assert_eq!(named("graph/orphan", &list), ["stg_a"]);
        let leaf = config.replace("role: staging", "leaf: true");
        let list = [("harness-lint.yml", leaf.as_str()), list[1], list[2]];
        assert_eq!(named("graph/orphan", &list), NOTHING);
    }
}

mod layers {
    use super::*;

    const TABLE: &str = "layers:
  staging: {path: \"models/staging/**\", sources: true}
  intermediate: {path: \"models/intermediate/**\", refs: [staging, intermediate]}
  marts: {path: \"models/marts/**\", refs: [staging, intermediate, marts]}
";
    const EDGES: [(&str, &str); 5] = [
        (
            "models/staging/stg_a.sql",
            "select id from {{ source('erp', 'a') }}",
        ),
        (
            "models/staging/stg_b.sql",
            "select id from {{ ref('stg_a') }}",
        ),
        (
            "models/staging/stg_c.sql",
            "select id from {{ ref('fct') }}",
        ),
        (
            "models/marts/fct.sql",
            "select id from {{ source('erp', 'b') }}",
        ),
        ERP,
    ];

    /// `rule child` of everything that the rules about layers say.
    fn said(config: &str) -> Vec<String> {
        let mut list = EDGES.to_vec();
        list.push(("harness-lint.yml", config));
        let found = check_files(&files(&list), RuleFilter::default());
        let about = [
            "graph/layer-direction",
            "graph/staging-on-staging",
            "graph/staging-on-downstream",
            "graph/source-outside-staging",
        ];
        let findings = found.checked.findings.iter();
        let about = findings.filter(|f| about.contains(&f.rule.as_str()));
        about
            .map(|f| format!("{} {}", f.severity.as_str(), f.rule))
            .collect()
    }

    #[test]
    fn each_edge_is_reported_by_the_rule_that_says_most_of_it() {
        let owned = [
            "error graph/source-outside-staging",
            "error graph/staging-on-staging",
            "error graph/staging-on-downstream",
        ];
        assert_eq!(said(&format!("extends: strict\n{TABLE}")), owned);
        let direction = "error graph/layer-direction";
        assert_eq!(said(&format!("extends: minimal\n{TABLE}")), [direction; 3]);
        let one = format!("extends: minimal\n{TABLE}rules: {{graph/staging-on-staging: on}}\n");
        assert_eq!(said(&one), [direction, owned[1], direction]);
    }

    #[test]
    fn a_rule_that_is_off_in_a_part_leaves_the_edge_there() {
        let config = format!(
            "extends: strict\n{TABLE}overrides: [{{path: \"models/staging/**\", rules: {{graph/staging-on-staging: off}}}}]\n"
        );
        assert!(said(&config).contains(&"error graph/layer-direction".to_owned()));
        // Kept back with a reason is said all the same.
        let config = format!(
            "extends: strict\n{TABLE}exclude: [{{path: \"models/staging/**\", rules: [graph/staging-on-staging], reason: known}}]\n"
        );
        assert!(!said(&config).iter().any(|l| l.contains("layer-direction")));
    }

    #[test]
    fn what_the_table_allows_is_right_and_inferred_layers_warn() {
        let allowed = TABLE
            .replace("sources: true}", "sources: true, refs: [staging, marts]}")
            .replace(
                "refs: [staging, intermediate, marts]",
                "refs: [staging], sources: true",
            );
        assert_eq!(said(&format!("extends: strict\n{allowed}")), NOTHING);
        let inferred = said("extends: strict\n");
        assert_eq!(inferred.len(), 3);
        assert!(
            inferred.iter().all(|l| l.starts_with("warn")),
            "{inferred:?}"
        );
    }

    #[test]
    fn snapshots_are_of_a_layer_too() {
        let list = [
            (
                "models/staging/stg_a.sql",
                "select id from {{ source('erp', 'a') }}",
            ),
            (
                "snapshots/marts/s.yml",
                "snapshots:\n- name: s\n  relation: source('erp', 'b')\n",
            ),
            ("models/marts/fct.sql", "select id from {{ ref('stg_a') }}"),
            ERP,
        ];
        assert_eq!(named("graph/source-outside-staging", &list), ["s"]);
    }
}

mod sources {
    use super::*;

    #[test]
    fn undeclared_ones_are_named_with_what_is_near() {
        let list = [
            ERP,
            (
                "models/x.sql",
                "select 1 from {{ source('erp', 'aa') }}, {{ source('crm', 'a') }}",
            ),
            (
                "models/y.sql",
                "select 1 from {{ source('erp', 'aa') }}, {{ source('erp', 'aa') }}",
            ),
            (
                "models/z.sql",
                "{# {{ source('no', 'no') }} #} select 1 -- {{ source('erp', 'c') }}",
            ),
        ];
        let found = findings("graph/undeclared-source", &list);
        let said: Vec<&str> = found.iter().map(|f| f.primary.message.as_str()).collect();
        assert_eq!(said.len(), 4, "{said:?}");
        assert!(
            said[0].contains("the source `erp` has no table `aa`"),
            "{}",
            said[0]
        );
        assert!(
            found[0].help.contains("did you mean `erp.a`?"),
            "{}",
            found[0].help
        );
        assert!(said[1].contains("no property file declares a source `crm`"));
        assert!(said[3].contains("SQL comment"));
    }

    #[test]
    fn what_may_be_declared_elsewhere_is_not_judged() {
        let model = (
            "models/x.sql",
            "select 1 from {{ source('crm', 'people') }}",
        );
        for more in [
            ("packages.yml", "packages: [{package: a/b, version: 1.0.0}]"),
            (
                "models/broken.yml",
                "sources:\n- name: crm\n  tables:\n  - {name: people\n x: [",
            ),
            (
                "models/j.yml",
                "sources:\n- name: \"{{ var('s') }}\"\n  tables: [{name: people}]\n",
            ),
        ] {
            let found = named("graph/undeclared-source", &[ERP, model, more]);
            assert_eq!(found, NOTHING, "{more:?}");
        }
    }

    #[test]
    fn a_disabled_source_is_refused_too() {
        let list = [
            (
                "models/s.yml",
                "sources:\n- name: erp\n  config: {enabled: false}\n  tables: [{name: a}]\n",
            ),
            ("models/x.sql", "select 1 from {{ source('erp', 'a') }}"),
            ("tests/t.sql", "select 1 from {{ source('erp', 'a') }}"),
        ];
        let found = findings("graph/undeclared-source", &list);
        assert_eq!(found.len(), 1);
        assert!(found[0].primary.message.contains("is disabled"));
        assert_eq!(found[0].severity.as_str(), "error");
    }

    #[test]
    fn tests_and_analyses_do_not_read_a_source_and_unknown_names_may() {
        let readers = [
            ERP,
            ("tests/t.sql", "select 1 from {{ source('erp', 'a') }}"),
            ("analyses/x.sql", "select 1 from {{ source('erp', 'b') }}"),
        ];
        let found = named("graph/unused-source", &readers);
        assert_eq!(found, ["erp.a", "erp.b"]);
        for (sql, left) in [
            (
                "select 1 from {{ source('erp', var('unset')) }}",
                &NOTHING[..],
            ),
            (
                "select 1 from {{ source(var('unset'), 'b') }}",
                &["erp.a"][..],
            ),
            (
                "select 1 from {{ source(var('u'), var('v')) }}",
                &NOTHING[..],
            ),
        ] {
            let found = named("graph/unused-source", &[ERP, ("models/x.sql", sql)]);
            assert_eq!(found, left, "{sql}");
        }
        // A macro that nobody can look into is given the table's name (fivetran's packages).
        let list = [
            ERP,
            ("packages.yml", "packages: [{package: a/b, version: 1.0.0}]"),
            ("models/x.sql", "{{ pkg.union_all_of(table='a') }}"),
        ];
        assert_eq!(named("graph/unused-source", &list), ["erp.b"]);
    }

    #[test]
    fn one_table_under_two_names() {
        let yaml = "sources:
- name: erp
  schema: raw
  tables: [{name: a}, {name: b, identifier: a}]
- name: raw
  tables: [{name: a}, {name: c}]
- name: other
  schema: raw
  database: else
  tables: [{name: a}]
- name: switched
  schema: raw
  config: {enabled: \"{{ env_var('X') }}\"}
  tables: [{name: a}]
";
        let found = findings("graph/duplicate-source", &[("models/s.yml", yaml)]);
        assert_eq!(found.len(), 1);
        let message = &found[0].primary.message;
        assert!(
            message.contains("`raw.a` (`erp.a`, `erp.b`, `raw.a`)"),
            "{message}"
        );
        assert_eq!(found[0].related.len(), 2);
    }

    #[test]
    fn two_staging_models_are_left_to_the_fanout() {
        let list = [
            ERP,
            (
                "models/staging/stg_a.sql",
                "select 1 from {{ source('erp', 'a') }}",
            ),
            (
                "models/staging/stg_aa.sql",
                "select 1 from {{ source('erp', 'a') }}",
            ),
        ];
        let rules = |config: &str| {
            let mut all = list.to_vec();
            all.push(("harness-lint.yml", config));
            let found = check_files(&files(&all), RuleFilter::default());
            let rules = found.checked.findings.into_iter().map(|f| f.rule);
            let ours = rules.filter(|r| r.ends_with("fanout") || r.ends_with("duplicate-staging"));
            ours.collect::<Vec<_>>()
        };
        assert_eq!(rules("extends: strict"), ["graph/source-fanout"]);
        let higher = "extends: strict\nrules: {graph/source-fanout: {threshold: 3}}";
        assert_eq!(rules(higher), ["graph/duplicate-staging"]);
        let off = "extends: strict\nrules: {graph/source-fanout: off}";
        assert_eq!(rules(off), ["graph/duplicate-staging"]);
    }
}

mod boundaries {
    use super::*;

    #[test]
    fn an_edge_between_tenants_is_wrong_wherever_it_stands() {
        let config = "boundaries: [{path: \"models/{tenant}/**\"}]\nextends: minimal\n";
        let list = [
            ("harness-lint.yml", config),
            (
                "models/a/a_x.sql",
                "select 1 as id from {{ ref('a_y') }}, {{ ref('seed') }}",
            ),
            ("models/a/a_y.sql", "select 1 as id -- {{ ref('b_x') }}"),
            (
                "models/b/b_x.sql",
                "select 1 as id from {{ ref('top') }}, {{ source('s', 't') }}",
            ),
            (
                "models/a/s.yml",
                "sources: [{name: s, tables: [{name: t}]}]",
            ),
            ("models/top.sql", "select 1 as id"),
            ("seeds/b/seed.csv", "id\n1\n"),
        ];
        let found = check_files(&files(&list), RuleFilter::default());
        let own = found
            .checked
            .findings
            .iter()
            .filter(|f| f.rule == "graph/tenant-boundary");
        let said: Vec<&str> = own.map(|f| f.primary.message.as_str()).collect();
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(
            said[0].contains("(tenant `a`) reads `b_x` (tenant `b`)"),
            "{}",
            said[0]
        );
        assert!(said[0].contains("SQL comment"));
        assert!(said[1].contains("reads `s.t` (tenant `a`)"), "{}", said[1]);
        let shared = format!("{config}rules: {{graph/tenant-boundary: {{shared: [a, b]}}}}\n");
        let mut list = list;
        list[0].1 = &shared;
        assert_eq!(named("graph/tenant-boundary", &list), NOTHING);
    }

    #[test]
    fn forbidden_edges_by_path_tag_name_and_source() {
        let list = |to: &str| {
            let config = format!(
                "rules: {{graph/forbidden-edge: {{forbid: [{{from: models/out, to: \"{to}\", because: no}}]}}}}"
            );
            let all = [
                ("harness-lint.yml", config.as_str()),
                ERP,
                (
                    "models/in/x.sql",
                    "{{ config(tags=['pii']) }} select 1 as id",
                ),
                (
                    "models/out/y.sql",
                    "select 1 from {{ ref('x') }}, {{ source('erp', 'a') }}",
                ),
            ];
            findings("graph/forbidden-edge", &all).len()
        };
        let hits = [
            "models/in/**",
            "models/in",
            "tag:pii",
            "x",
            "source:erp",
            "source:erp.a",
            "*",
        ];
        for to in hits {
            assert_eq!(list(to), 1, "{to}");
        }
        for to in ["models/out/**", "tag:p", "xx", "source:er", "source:erp.b"] {
            assert_eq!(list(to), 0, "{to}");
        }
    }

    #[test]
    fn domains_follow_one_another() {
        let config = "layers:
  intermediate: {path: \"models/{domain}/**\", refs: [intermediate]}
rules:
  graph/domain-direction: {upstream: {c: [b], b: [a], a: []}}
";
        let list = [
            ("harness-lint.yml", config),
            ("models/a/a1.sql", "select 1 from {{ ref('c1') }}"),
            (
                "models/b/b1.sql",
                "select 1 from {{ ref('a2') }}, {{ ref('d1') }}",
            ),
            (
                "models/c/c1.sql",
                "select 1 from {{ ref('a2') }}, {{ ref('b2') }}",
            ),
            ("models/a/a2.sql", "select 1 as id"),
            ("models/b/b2.sql", "select 1 as id"),
            ("models/d/d1.sql", "select 1 from {{ ref('c2') }}"),
            ("models/c/c2.sql", "select 1 as id"),
        ];
        assert_eq!(named("graph/domain-direction", &list), ["a1", "b1"]);
    }
}

mod shapes {
    use super::*;

    #[test]
    fn thresholds_fire_at_the_number_and_zero_is_none() {
        for (rule, n) in [
            ("too-many-joins", 2),
            ("source-fanout", 2),
            ("model-fanout", 2),
        ] {
            let config = |n: usize| format!("rules: {{graph/{rule}: {{threshold: {n}}}}}");
            let (fires, silent) = (config(n), config(n + 1));
            let list = |config| {
                [
                    ("harness-lint.yml", config),
                    ERP,
                    ("models/p.sql", "select 1 from {{ source('erp', 'a') }}"),
                    (
                        "models/q.sql",
                        "select 1 from {{ ref('p') }}, {{ source('erp', 'a') }}",
                    ),
                    ("models/r.sql", "select 1 from {{ ref('p') }}"),
                    ("tests/t.sql", "select 1 from {{ ref('r') }}"),
                ]
            };
            let rule = format!("graph/{rule}");
            assert_eq!(findings(&rule, &list(&fires)).len(), 1, "{rule}");
            assert_eq!(findings(&rule, &list(&silent)).len(), 0, "{rule}");
        }
    }

    #[test]
    fn views_in_a_row_end_at_what_is_stored_or_unknown() {
        let chain = |third: &str| {
            let list = [
                (
                    "harness-lint.yml",
                    "rules: {graph/chained-views: {threshold: 3}}",
                ),
                ("models/a.sql", "select 1 as id"),
                (
                    "models/b.sql",
                    "{{ config(materialized='ephemeral') }} select id from {{ ref('a') }}",
                ),
                ("models/c.sql", third),
                (
                    "models/d.sql",
                    "{{ config(materialized='table') }} select id from {{ ref('c') }}",
                ),
            ];
            named("graph/chained-views", &list)
        };
        assert_eq!(chain("select id from {{ ref('b') }}"), ["d"]);
        for kind in ["'table'", "'incremental'", "var('unset')"] {
            let third =
                format!("{{{{ config(materialized={kind}) }}}} select id from {{{{ ref('b') }}}}");
            assert_eq!(chain(&third), NOTHING, "{kind}");
        }
    }

    #[test]
    fn a_root_may_read_what_nobody_can_see() {
        for sql in [
            "select 1 as id from {{ ref(var('unset')) }}",
            "{{ some_package.build_all() }}",
            "select 1 as id from {{ ref('not_there') }}",
        ] {
            let list = [
                (
                    "packages.yml",
                    "packages: [{package: some/package, version: 1.0.0}]",
                ),
                ("models/x.sql", sql),
            ];
            assert_eq!(named("graph/root-model", &list), NOTHING, "{sql}");
        }
        for sql in [
            "{{ dbt_utils.date_spine('day', 'a', 'b') }}",
            "select 1 from {{ this }}",
        ] {
            assert_eq!(
                named("graph/root-model", &[("models/x.sql", sql)]),
                ["x"],
                "{sql}"
            );
        }
    }

    #[test]
    fn a_public_model_needs_an_enforced_contract() {
        let yaml =
            |config: &str| format!("models:\n- name: x\n  config: {{access: public{config}}}\n");
        let count = |config: &str| {
            let yaml = yaml(config);
            let list = [
                ("models/m.yml", yaml.as_str()),
                ("models/x.sql", "select 1 as id"),
            ];
            findings("graph/public-without-contract", &list).len()
        };
        assert_eq!(count(""), 1);
        assert_eq!(count(", contract: {enforced: false}"), 1);
        assert_eq!(count(", contract: {enforced: true}"), 0);
        assert_eq!(count(", contract: {enforced: \"{{ env_var('X') }}\"}"), 0);
    }
}

mod configuration {
    use super::*;
    use common::write;
    use harness_lint::run::{self, Request};
    use harness_lint::threads;

    #[test]
    fn bad_options_are_refused_with_their_place() {
        for (rules, what) in [
            ("graph/model-fanout: {threshold: 0}", "found the number 0"),
            ("graph/model-fanout: {treshold: 3}", "did you mean"),
            ("graph/orphan: {x: 1}", "x"),
            (
                "graph/forbidden-edge: {forbid: [{from: a, to: \"colour:red\", because: b}]}",
                "colour:",
            ),
            (
                "graph/forbidden-edge: {forbid: [{from: \"a/{b}\", to: c, because: d}]}",
                "captures nothing",
            ),
            (
                "graph/forbidden-edge: {forbid: [{from: a, to: b, because: \" \"}]}",
                "because",
            ),
            ("graph/domain-direction: {upstream: [a]}", "expected"),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let config = format!("rules:\n  {rules}\n");
            write(dir.path(), &files(&[("harness-lint.yml", config.as_str())]));
            let request = Request {
                cwd: dir.path().to_owned(),
                ..Request::default()
            };
            let refused = threads::on_pool(2, || run::check(&request).map(|_| ()).unwrap_err());
            assert_eq!(refused.exit_code(), 2, "{rules}");
            let text = format!("{refused:?} {refused}");
            assert!(text.contains(what), "{rules}: {text}");
        }
    }
}
