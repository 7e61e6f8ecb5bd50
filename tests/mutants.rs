//! Incidents replayed: ten defects are planted in copies of projects, and the rule of each finds
//! exactly those, and nothing in the project as it was. `HARNESS_LINT_CORPORA=<directory>` adds the
//! projects directly below a directory (or one level deeper) to the shop.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use harness_lint::check::{Scope, check};
use harness_lint::config::ManifestSetting;
use harness_lint::declared;
use harness_lint::registry::{Entry, RuleFilter};
use harness_lint::run::{self, Laps, Request};
use harness_lint::syntax::yaml;
use harness_lint::text::FileId;
use harness_lint::threads;
use regex::Regex;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// What is planted, as an entry of a select list or (`{{ config`) at the top of a file, and the
/// rule that finds it.
const MUTANTS: [(&str, &str); 10] = [
    (
        "{{ feet_to_metres('x') }} as zz_rate",
        "forbid: {pattern: '{{ feet_to_metres($X) }} as $ALIAS', metavariables: {$ALIAS: {suffix: _rate}}}",
    ),
    (
        "date_trunc('month', zz_at) as zz_month_key",
        "forbid: {pattern: 'date_trunc(...) as $KEY', in: select-item, metavariables: {$KEY: {regex: '^zz_.*_key$'}}}",
    ),
    (
        "ZZ_PRICE :: Float as zz_price",
        "forbid: {pattern: '$X::float', metavariables: {$X: {suffix: zz_price}}}",
    ),
    (
        "cast( zz.createdAt as timestamp ) as created_zz",
        "forbid: {pattern: 'cast($C as $T)', metavariables: {$C: {regex: '^(zz\\.)?createdat$'}}}",
    ),
    (
        "zz_amount as \"Order Amount ZZ\"",
        "forbid: {pattern: 'as $A', in: select-item, metavariables: {$A: {regex: '^\"order amount'}}}",
    ),
    (
        "row_number() over (order by zz_id) as zz_n",
        "forbid: {all: [{pattern: '$F(...) over (order by $K)', metavariables: {$K: {prefix: zz_}}}, {not: {pattern: 'partition by $K'}}]}",
    ),
    (
        "zz_nvl(zz_a, zz_a) as zz_c",
        "forbid: {pattern: 'zz_nvl($X, $X)'}",
    ),
    (
        "{{ config(cluster_by=['zz', 'b', 'c', 'd']) }}\n",
        "forbid: {pattern: \"cluster_by=['zz', $_, $_, $_]\", in: config}",
    ),
    (
        "(select max(zz) from zz_t where _zz_loaded_at > (select max(_zz_loaded_at) from {{ this }})) as zz_w",
        "forbid: {pattern: '_zz_loaded_at > $X', in: where}",
    ),
    (
        "(select 1 from zz_a join zz_b on zz_a.id = ZZ_A.ID) as zz_s",
        "forbid: {pattern: '$X = $X', in: join-on, metavariables: {$X: {prefix: zz_a}}}",
    ),
];

/// How many models each defect is planted in.
const PLANTED: usize = 3;

fn projects() -> Vec<PathBuf> {
    let mut all = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/shop")];
    if let Some(dir) = std::env::var_os("HARNESS_LINT_CORPORA") {
        let found = WalkDir::new(dir)
            .min_depth(2)
            .max_depth(3)
            .sort_by_file_name();
        let files = found
            .into_iter()
            .flatten()
            .map(walkdir::DirEntry::into_path);
        let projects = files.filter(|p| p.ends_with("dbt_project.yml"));
        all.extend(projects.map(|p| p.parent().unwrap().to_owned()));
    }
    all
}

fn copy(from: &Path, to: &Path) {
    let entries = WalkDir::new(from).into_iter().filter_entry(|e| {
        !matches!(
            &*e.file_name().to_string_lossy(),
            ".git" | "target" | "dbt_packages"
        )
    });
    for entry in entries.flatten() {
        let path = to.join(entry.path().strip_prefix(from).unwrap());
        if entry.file_type().is_dir() {
            fs::create_dir_all(&path).unwrap();
        } else if entry.file_type().is_file() && entry.metadata().unwrap().len() < 1 << 20 {
            fs::copy(entry.path(), &path).unwrap();
        }
    }
}

/// The files in which a rule finds something.
fn found(dir: &Path, body: &str) -> BTreeSet<String> {
    let request = Request {
        cwd: dir.to_owned(),
        project_dir: Some(dir.to_owned()),
        manifest: Some(ManifestSetting::Off),
        filter: RuleFilter {
            only: vec!["ap/x".to_owned()],
            ignore: Vec::new(),
        },
        ..Request::default()
    };
    let text = format!(
        "id: ap/x\nsummary: S.\nseverity: warn\nmessage: m\ncode: c\nscenario: s\nphenomenon: p\nroot_cause: r\nmitigation: m\n{body}\n"
    );
    let mut rule = declared::read(&yaml::parse(FileId(0), &text), None).unwrap();
    rule.own = true;
    let own = vec![Entry::Declared(Box::new(rule))];
    threads::on_pool(2, || {
        let (place, mut config) = run::configure(&request).unwrap();
        config.anti_patterns.clear();
        config.rules.retain(|id, _| !id.starts_with("ap/"));
        let prepared = run::prepare_own(&request, place, config, own, Laps::start()).unwrap();
        let checked = check(&prepared.project, &prepared.rules, &Scope::default());
        let files = checked.findings.iter().map(|f| f.primary.span.file);
        files.map(|f| prepared.project.path(f).to_owned()).collect()
    })
}

/// Models of the project in which something can be planted: a select on a line of its own.
fn models(dir: &Path) -> Vec<String> {
    let mut all: Vec<String> = WalkDir::new(dir.join("models"))
        .sort_by_file_name()
        .into_iter()
        .flatten()
        .filter(|e| e.path().extension().is_some_and(|x| x == "sql"))
        .map(|e| {
            e.path()
                .strip_prefix(dir)
                .unwrap()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    all.retain(|p| {
        let text = fs::read_to_string(dir.join(p)).unwrap_or_default();
        let plain = !text.contains("/*") && !text.contains("{#") && !text.contains("enabled");
        plain && select().is_match(&text)
    });
    all
}

fn select() -> Regex {
    Regex::new(r"(?im)^([ \t]*)select[ \t]*\r?$").unwrap()
}

#[test]
fn each_rule_finds_its_mutants_and_nothing_else() {
    let mut replayed = 0;
    for project in projects() {
        let dir = tempfile::tempdir().unwrap();
        copy(&project, dir.path());
        let candidates = models(dir.path());
        for (n, (defect, body)) in MUTANTS.iter().enumerate() {
            let before = found(dir.path(), body);
            assert!(
                before.is_empty(),
                "{}: {body}: {before:?}",
                project.display()
            );
            let chosen = candidates.iter().skip(n).step_by(7).take(PLANTED);
            let chosen: BTreeSet<String> = chosen.cloned().collect();
            let mut kept = Vec::new();
            for path in &chosen {
                let text = fs::read_to_string(dir.path().join(path)).unwrap();
                let mutant = match defect.starts_with("{{ config") {
                    true => format!("{defect}{text}"),
                    false => select()
                        .replace(&text, |c: &regex::Captures| {
                            format!("{}select\n    {defect},", &c[1])
                        })
                        .into_owned(),
                };
                fs::write(dir.path().join(path), mutant).unwrap();
                kept.push((path, text));
            }
            assert_eq!(
                found(dir.path(), body),
                chosen,
                "{}: {body}",
                project.display()
            );
            replayed += chosen.len();
            for (path, text) in kept {
                fs::write(dir.path().join(path), text).unwrap();
            }
        }
    }
    assert!(replayed >= MUTANTS.len(), "{replayed}");
}
