//! `check --changed`: which findings a change speaks for, over scratch repositories.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::binary::{code, json, misfits, run, stdout, write};
use common::git::{commit, git};
use common::scratch::{RULES, SINCE, append, judged, repository, told};
use std::fs;

#[test]
fn a_model_its_parents_and_its_children() {
    let p = repository("", &[]);
    let dir = p.path();
    assert_eq!(judged(dir, &[]), "a apart b c d far");
    assert_eq!(judged(dir, SINCE), "");
    append(dir, "models/b.sql", "-- x\n");
    assert_eq!(judged(dir, SINCE), "a b d");
    let report = json(dir, &["check", "--changed=HEAD", "--format", "json"]);
    let changed = serde_json::json!({"base": "HEAD", "files": 1, "nodes": 3});
    assert_eq!(report["changed"], changed);
    assert_eq!(misfits("report", &report), Vec::<String>::new());
    let text = stdout(dir, &["check", "--changed=HEAD"]);
    assert!(
        text.contains("· changed since HEAD: 1 file, 3 nodes judged · 6 models"),
        "{text}"
    );
    assert!(
        text.contains("verify: harness-lint check --changed=HEAD models/"),
        "{text}"
    );
}

#[test]
fn committed_staged_unstaged_and_untracked() {
    let p = repository("", &[]);
    let dir = p.path();
    git(dir, &["checkout", "-q", "-b", "work"]);
    append(dir, "models/far.sql", "-- x\n");
    commit(dir);
    assert_eq!(judged(dir, &["--changed"]), "d far");
    assert_eq!(judged(dir, SINCE), "");
    write(dir, &[("models/new.sql", "select 1 as id\n")]);
    assert_eq!(judged(dir, &["--changed=main"]), "d far new");
    append(dir, "models/apart.sql", "-- x\n");
    git(dir, &["add", "models/apart.sql"]);
    assert_eq!(judged(dir, &["--changed"]), "apart d far new");
    // What is ignored is nothing new.
    write(dir, &[(".gitignore", "models/new.sql\n")]);
    assert_eq!(judged(dir, &["--changed"]), "apart d far");
    // What main has since is not ours.
    git(dir, &["stash", "-q", "-u"]);
    git(dir, &["checkout", "-q", "main"]);
    append(dir, "models/apart.sql", "-- y\n");
    commit(dir);
    git(dir, &["checkout", "-q", "work"]);
    assert_eq!(judged(dir, &["--changed"]), "d far");
    git(dir, &["checkout", "-q", "--detach"]);
    assert_eq!(judged(dir, &["--changed"]), "d far");
}

#[test]
fn deleted_and_renamed() {
    let p = repository("", &[]);
    let dir = p.path();
    fs::remove_file(dir.join("models/a.sql")).unwrap();
    let all = told(dir, SINCE);
    // The source that nobody reads any more, and those whose ref leads nowhere.
    assert_eq!(
        all,
        [
            "b broken-ref",
            "b missing",
            "c broken-ref",
            "c missing",
            "erp.one unused-source"
        ]
    );
    git(dir, &["checkout", "-q", "."]);
    git(dir, &["mv", "models/d.sql", "models/dd.sql"]);
    for against in ["--changed=HEAD", "--staged"] {
        assert_eq!(
            told(dir, &[against]),
            ["b missing", "dd missing", "far broken-ref", "far missing"]
        );
        let report = json(dir, &["check", against, "--format", "json"]);
        assert_eq!(report["changed"]["files"], 1);
    }
    git(dir, &["reset", "-q", "--hard"]);
    // Another folder is another path and the same node.
    fs::create_dir(dir.join("models/x")).unwrap();
    git(dir, &["mv", "models/d.sql", "models/x/d.sql"]);
    assert_eq!(judged(dir, SINCE), "b d far");
}

#[test]
fn a_lost_parent_is_judged() {
    let p = repository("", &[]);
    let dir = p.path();
    write(
        dir,
        &[(
            "models/a.sql",
            "select id from {{ source('erp', 'two') }}\n",
        )],
    );
    let all = told(dir, SINCE);
    assert_eq!(
        all,
        [
            "a missing",
            "b missing",
            "c missing",
            "erp.one unused-source"
        ]
    );
}

#[test]
fn a_macro_and_those_that_call_it() {
    let p = repository("", &[]);
    let dir = p.path();
    let path = "macros/cents.sql";
    let text = fs::read_to_string(dir.join(path)).unwrap();
    write(dir, &[(path, &text.replace("/ 100", "/ 100.0"))]);
    // `c` calls `cents`, which calls `whole`; `a` is its parent.
    assert_eq!(judged(dir, SINCE), "a c");
    write(dir, &[(path, &text.replace("}1{", "}2{"))]);
    assert_eq!(judged(dir, SINCE), "");
    fs::remove_file(dir.join(path)).unwrap();
    assert_eq!(judged(dir, SINCE), "a c");
    write(
        dir,
        &[
            (path, &text),
            (
                "macros/ref.sql",
                "{% macro ref(x) %}{{ return(builtins.ref(x)) }}{% endmacro %}\n",
            ),
        ],
    );
    assert_eq!(judged(dir, SINCE), "a apart b c d far");
}

#[test]
fn a_generic_test_and_those_that_it_makes() {
    let p = repository(
        "",
        &[
            (
                "macros/ok.sql",
                "{% test ok(model) %}select 1{% endtest %}\n",
            ),
            (
                "models/d.yml",
                "models:\n- name: d\n  data_tests: [ok]\n- name: apart\n",
            ),
        ],
    );
    let dir = p.path();
    write(
        dir,
        &[(
            "macros/ok.sql",
            "{% test ok(model) %}select 2{% endtest %}\n",
        )],
    );
    assert_eq!(judged(dir, SINCE), "d");
}

#[test]
fn the_entries_of_a_property_file() {
    let text = "models:\n- name: b\n  config: {tags: [x]}\n- name: apart\n- name: far\n";
    let p = repository("", &[("models/all.yml", text)]);
    let dir = p.path();
    let edit = |from: &str, to: &str| write(dir, &[("models/all.yml", &text.replace(from, to))]);
    edit("[x]", "[y]");
    assert_eq!(judged(dir, SINCE), "a b d");
    edit("- name: apart\n", "");
    assert_eq!(judged(dir, SINCE), "apart");
    // The order means nothing.
    edit(
        "- name: apart\n- name: far\n",
        "- name: far\n- name: apart\n",
    );
    assert_eq!(judged(dir, SINCE), "");
    fs::remove_file(dir.join("models/all.yml")).unwrap();
    assert_eq!(judged(dir, SINCE), "a apart b d far");
    edit("tags: [x]}", "");
    assert!(
        run(dir, &["check", "--changed=HEAD"])
            .status
            .code()
            .is_some()
    );
}

#[test]
fn sources_and_exposures() {
    let uses = "exposures:\n- name: board\n  depends_on: [ref('far')]\n";
    let p = repository("", &[("models/uses.yml", uses)]);
    let dir = p.path();
    write(
        dir,
        &[(
            "models/erp.yml",
            "sources:\n- name: erp\n  tables:\n  - name: one\n    description: x\n  - name: two\n",
        )],
    );
    assert_eq!(told(dir, SINCE), ["a missing"]);
    write(
        dir,
        &[(
            "models/erp.yml",
            "sources:\n- name: erp\n  schema: s\n  tables:\n  - name: one\n  - name: two\n",
        )],
    );
    assert_eq!(told(dir, SINCE), ["a missing", "erp.two unused-source"]);
    git(dir, &["checkout", "-q", "."]);
    write(dir, &[("models/uses.yml", &uses.replace("far", "apart"))]);
    assert_eq!(judged(dir, SINCE), "apart far");
}

#[test]
fn what_configures_the_project_changes_everything() {
    let p = repository("", &[]);
    let dir = p.path();
    for (path, text) in [
        ("dbt_project.yml", "name: shop\nvars: {x: 1}\n"),
        ("packages.yml", "packages: []\n"),
        ("selectors.yml", "selectors: []\n"),
        ("harness-lint.yml", &format!("{RULES}# more\n")),
    ] {
        write(dir, &[(path, text)]);
        assert_eq!(judged(dir, SINCE), "a apart b c d far", "{path}");
        git(dir, &["clean", "-qfd"]);
        git(dir, &["reset", "-q", "--hard"]);
    }
    write(
        dir,
        &[
            ("harness-lint.yml", &format!("{RULES}anti_patterns: [ap]\n")),
            ("ap/x.txt", ""),
        ],
    );
    commit(dir);
    write(dir, &[("ap/y.txt", "")]);
    assert_eq!(judged(dir, SINCE), "a apart b c d far");
}

#[test]
fn documents() {
    let p = repository(
        "",
        &[
            ("AGENTS.md", "Read `models/gone.sql`.\n"),
            ("docs/x.md", "[y](../models/apart.sql)\n"),
        ],
    );
    let dir = p.path();
    assert_eq!(told(dir, SINCE), Vec::<String>::new());
    append(dir, "AGENTS.md", "More.\n");
    let all = told(dir, SINCE);
    assert!(
        all.iter().all(|t| t.starts_with("AGENTS.md")) && !all.is_empty(),
        "{all:?}"
    );
    git(dir, &["checkout", "-q", "."]);
    // A link of a document that did not change is broken by what did.
    fs::remove_file(dir.join("models/apart.sql")).unwrap();
    assert_eq!(told(dir, SINCE), ["docs/x.md broken-link"]);
    git(dir, &["checkout", "-q", "."]);
    write(dir, &[("notes.txt", "x")]);
    let text = stdout(dir, &["check", "--changed=HEAD"]);
    assert!(
        text.contains("0 findings · changed since HEAD: 1 file, 0 nodes judged"),
        "{text}"
    );
}

#[test]
fn far_away_only_what_is_new_is_told() {
    let p = repository(
        "",
        &[(
            "models/b.yml",
            "models:\n- name: a\n  config: {materialized: table}\n",
        )],
    );
    let dir = p.path();
    assert!(!told(dir, &[]).contains(&"far chained-views".to_owned()));
    // `far` stands on three views now: it is no neighbour of `a`, and its missing description is old.
    fs::remove_file(dir.join("models/b.yml")).unwrap();
    let all = told(dir, SINCE);
    assert_eq!(
        all,
        ["a missing", "b missing", "c missing", "far chained-views"]
    );
    commit(dir);
    append(dir, "models/a.sql", "-- x\n");
    assert_eq!(told(dir, SINCE), ["a missing", "b missing", "c missing"]);
}

#[test]
fn paths_and_selections_are_narrowed() {
    let p = repository("", &[]);
    let dir = p.path();
    append(dir, "models/b.sql", "-- x\n");
    assert_eq!(
        judged(dir, &["--changed=HEAD", "models/b.sql", "models/apart.sql"]),
        "b"
    );
    assert_eq!(judged(dir, &["--changed=HEAD", "--select", "a c"]), "a");
    assert_eq!(code(dir, &["check", "--changed", "--staged"]), 2);
    // A value stands behind `=`; otherwise it is a path.
    assert_eq!(code(dir, &["check", "--changed", "HEAD"]), 4);
    let text = stdout(dir, &["check", "--changed=HEAD", "models/apart.sql"]);
    assert!(text.contains("0 findings"), "{text}");
}

#[test]
fn a_project_below_the_top() {
    let p = repository("data/dbt", &[]);
    let dir = p.path().join("data/dbt");
    write(p.path(), &[("app/main.js", "x")]);
    append(&dir, "models/b.sql", "-- x\n");
    assert_eq!(judged(&dir, SINCE), "a b d");
    assert_eq!(judged(p.path(), SINCE), "a b d");
    let report = json(&dir, &["check", "--changed=HEAD", "--format", "json"]);
    assert_eq!(report["changed"]["files"], 1);
    git(p.path(), &["add", "."]);
    assert_eq!(judged(&dir.join("models"), &["--staged"]), "a b d");
}
