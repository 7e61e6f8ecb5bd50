//! What a change causes is reported by `--changed` and `--staged`, whatever the change: random edits
//! of generated projects, compared with full runs before and after.
//!
//! ```text
//! HARNESS_LINT_CHANGED=<project>:<project> cargo test --test changed_property -- --ignored --nocapture
//! ```
//!
//! does the same to copies of real repositories.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../benches/generator/mod.rs"]
#[allow(dead_code)]
mod generator;

mod common;

use common::git::{commit, git, init};
use generator::{Spec, generate};
use harness_lint::git::Against;
use harness_lint::registry::RuleFilter;
use harness_lint::rule::Reach;
use harness_lint::run::{self, Outcome, Request};
use harness_lint::threads;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Small and good enough: the same edits for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n.max(1) as u64) as usize
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        let at = self.below(all.len());
        &all[at]
    }
}

/// Files of the project that git knows, by their ending.
fn files(dir: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let out = git(dir, &["ls-files", "-z"]);
    let names = out.split('\0').filter(|n| !n.is_empty());
    let wanted = names.filter(|n| endings.iter().any(|e| n.ends_with(e)));
    let wanted = wanted.filter(|n| !n.ends_with("dbt_project.yml") && !n.contains("harness-lint"));
    wanted
        .map(|n| dir.join(n))
        .filter(|p| p.is_file())
        .collect()
}

/// Does something to some file, and says what.
fn edit(dir: &Path, dice: &mut Dice) -> String {
    let models: Vec<PathBuf> = files(dir, &[".sql"]);
    let models: Vec<PathBuf> = models
        .into_iter()
        .filter(|p| p.to_string_lossy().contains("models/"))
        .collect();
    let yaml = files(dir, &[".yml", ".yaml"]);
    let macros: Vec<PathBuf> = files(dir, &[".sql"]);
    let macros: Vec<PathBuf> = macros
        .into_iter()
        .filter(|p| p.to_string_lossy().contains("macros/"))
        .collect();
    let any = files(dir, &[".sql", ".yml", ".md", ".py", ".csv"]);
    let stem = |p: &PathBuf| p.file_stem().unwrap().to_string_lossy().into_owned();
    let lines = |p: &Path| -> Vec<String> {
        let text = String::from_utf8_lossy(&fs::read(p).unwrap()).into_owned();
        text.lines().map(str::to_owned).collect()
    };
    let write = |p: &Path, lines: &[String]| fs::write(p, lines.join("\n") + "\n").unwrap();
    let model = dice.of(&models).clone();
    let what = dice.below(12);
    let mut on = model.clone();
    match what {
        0 => fs::remove_file(&model).unwrap(),
        1 => fs::rename(
            &model,
            model.with_file_name(format!("{}_two.sql", stem(&model))),
        )
        .unwrap(),
        2 => {
            let other = stem(dice.of(&models));
            let text = fs::read(&model).unwrap();
            let text = String::from_utf8_lossy(&text).replacen(
                "ref('",
                &format!("ref('{other}') }} -- {{{{ ref('"),
                1,
            );
            fs::write(&model, text).unwrap();
        }
        3 => {
            let text = fs::read(&model).unwrap();
            let text = format!(
                "{{{{ config(materialized='view') }}}}\n{}",
                String::from_utf8_lossy(&text)
            );
            fs::write(&model, text).unwrap();
        }
        4 => {
            let parent = stem(dice.of(&models));
            on = model.with_file_name(format!("new_{}.sql", dice.below(99)));
            fs::write(&on, format!("select * from {{{{ ref('{parent}') }}}}\n")).unwrap();
        }
        5 | 6 => {
            on = dice.of(&yaml).clone();
            let mut all = lines(&on);
            let at = dice.below(all.len());
            let count = 1 + dice.below(4);
            all.drain(at..(at + count).min(all.len()));
            write(&on, &all);
        }
        7 => {
            on = dice.of(&yaml).clone();
            let mut all = lines(&on);
            let (a, b) = (dice.below(all.len()), dice.below(all.len()));
            all.swap(a, b);
            write(&on, &all);
        }
        8 if !macros.is_empty() => {
            on = dice.of(&macros).clone();
            let mut all = lines(&on);
            let at = dice.below(all.len());
            all.remove(at);
            write(&on, &all);
        }
        9 => {
            on = dice.of(&any).clone();
            fs::remove_file(&on).unwrap();
        }
        10 => {
            on = dice.of(&any).clone();
            let mut all = lines(&on);
            let other = lines(&dice.of(&any).clone());
            let at = dice.below(all.len() + 1);
            all.insert(
                at.min(all.len()),
                dice.of(&[other, vec![String::new()]].concat()).clone(),
            );
            write(&on, &all);
        }
        _ => {
            let mut all = lines(&model);
            let at = dice.below(all.len());
            if !all.is_empty() {
                all.remove(at);
            }
            write(&model, &all);
        }
    }
    let on = on.strip_prefix(dir).unwrap().display().to_string();
    format!("{what} {on}")
}

/// Findings by fingerprint. Commits are history, not content, and a tree without them has no
/// context/stale.
fn check(project: &Path, against: Option<Against>) -> Outcome {
    let request = Request {
        cwd: project.to_owned(),
        project_dir: Some(project.to_owned()),
        filter: RuleFilter {
            only: Vec::new(),
            ignore: vec!["context/stale".to_owned()],
        },
        against,
        ..Request::default()
    };
    threads::on_pool(2, || run::check(&request).unwrap())
}

fn findings(outcome: &Outcome) -> BTreeMap<u64, String> {
    let all = outcome.checked.findings.iter();
    all.map(|f| (f.fingerprint, common::line(outcome, f)))
        .collect()
}

#[derive(Default, Debug)]
struct Tally {
    rounds: usize,
    wide: usize,
    new: usize,
    near: usize,
    elsewhere: usize,
    old: usize,
    all: usize,
}

impl Tally {
    /// Is each finding of `after` that `before` lacks told, and nothing that is not there?
    fn compare(&mut self, what: &str, before: &Outcome, after: &Outcome, told: &Outcome) {
        let (before, after) = (findings(before), findings(after));
        let affected = told.affected.as_ref().unwrap();
        let all = &told.checked.findings;
        let near = all
            .iter()
            .filter(|f| affected.holds(f))
            .map(|f| f.fingerprint);
        let near: Vec<u64> = near.collect();
        // Near is a promise that must hold even where another rule had the base read.
        let rules = &told.prepared.rules;
        let reach = |id: &str| rules.iter().find(|r| r.meta.id == id).unwrap().reach();
        let broken: Vec<String> = all
            .iter()
            .filter(|f| !before.contains_key(&f.fingerprint) && !near.contains(&f.fingerprint))
            .filter(|f| !affected.wide && reach(&f.rule) == Reach::Near)
            .map(|f| common::line(told, f))
            .collect();
        assert!(broken.is_empty(), "{what}: not near: {broken:#?}");
        self.wide += usize::from(affected.wide);
        let told = findings(told);
        let missing: Vec<&String> = after
            .iter()
            .filter(|(id, _)| !before.contains_key(id) && !told.contains_key(id))
            .map(|(_, line)| line)
            .collect();
        assert!(missing.is_empty(), "{what}: not told: {missing:#?}");
        let invented: Vec<&String> = told
            .iter()
            .filter(|(id, line)| after.get(id) != Some(line))
            .map(|(_, line)| line)
            .collect();
        assert!(invented.is_empty(), "{what}: not there: {invented:#?}");
        let new: Vec<&u64> = told.keys().filter(|id| !before.contains_key(id)).collect();
        self.rounds += 1;
        self.new += new.len();
        self.near += new.iter().filter(|id| near.contains(id)).count();
        self.elsewhere += new.iter().filter(|id| !near.contains(id)).count();
        self.old += told.len() - new.len();
        self.all += after.len();
    }
}

/// A copy of what the index holds, without its history.
fn index_of(dir: &Path) -> tempfile::TempDir {
    let out = tempfile::tempdir().unwrap();
    // The root is where this is.
    fs::create_dir(out.path().join(".git")).unwrap();
    let prefix = format!("--prefix={}/", out.path().display());
    git(dir, &["checkout-index", "-a", "-f", &prefix]);
    out
}

/// Rounds of edits on a repository whose project lies in `below`; the work tree is clean again
/// after each.
fn rounds(dir: &Path, below: &str, seed: u64, count: usize) -> Tally {
    let project = dir.join(below);
    let mut dice = Dice(seed);
    let mut tally = Tally::default();
    let before = check(&project, None);
    let bare = index_of(dir);
    let staged_before = check(&bare.path().join(below), None);
    for round in 0..count {
        let mut what: Vec<String> = (0..=dice.below(3))
            .map(|_| edit(&project, &mut dice))
            .collect();
        what.insert(0, format!("seed {seed}, round {round}"));
        let told = check(&project, Some(Against::Ref(Some("HEAD".to_owned()))));
        tally.compare(&what.join("\n  "), &before, &check(&project, None), &told);
        if round % 2 == 0 {
            git(dir, &["add", "-A"]);
            what.push(format!("beside: {}", edit(&project, &mut dice)));
            let bare = index_of(dir);
            let after = check(&bare.path().join(below), None);
            let told = check(&project, Some(Against::Staged));
            tally.compare(&what.join("\n  "), &staged_before, &after, &told);
        }
        git(dir, &["reset", "-q", "--hard"]);
        git(dir, &["clean", "-q", "-fd"]);
    }
    tally
}

#[test]
fn what_a_change_causes_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    let project = root.join("dbt");
    let spec = Spec {
        models: 30,
        defects: 0.5,
        seed: 11,
        columns: (3, 6),
        ..Spec::default()
    };
    generate(&project, &spec).unwrap();
    fs::remove_file(project.join(".truth.json")).unwrap();
    let config = fs::read_to_string(project.join("harness-lint.yml")).unwrap();
    // Every rule that needs no configuration, whatever the generator asks for.
    let config = config
        .lines()
        .filter(|l| !l.starts_with("extends"))
        .collect::<Vec<_>>();
    let config = format!("extends: strict\n{}\n", config.join("\n"));
    fs::write(project.join("harness-lint.yml"), config).unwrap();
    init(&root);
    commit(&root);
    let tally = rounds(&root, "dbt", 0x1234_5678_9ABC_DEF1, 14);
    // Edits that cause nothing would prove nothing.
    println!("{tally:?}");
    assert!(
        tally.new > 20 && tally.near > tally.elsewhere && tally.elsewhere > 0,
        "{tally:?}"
    );
    assert!(tally.old < tally.all / 2, "{tally:?}");
}

#[test]
#[ignore = "needs clones of real repositories"]
fn what_a_change_causes_is_told_in_real_repositories() {
    let clones = std::env::var("HARNESS_LINT_CHANGED").unwrap();
    let count = std::env::var("HARNESS_LINT_ROUNDS").map_or(20, |n| n.parse().unwrap());
    for clone in clones.split(':') {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap().join("clone");
        let place = harness_lint::load::find(Path::new(clone), None).unwrap();
        let below = place.project_dir.strip_prefix(&place.root).unwrap();
        let mut copy = Command::new("cp");
        let done = copy.arg("-a").arg(&place.root).arg(&root).status();
        assert!(done.unwrap().success());
        // A dialect that is guessed may be guessed anew after any edit.
        let known = check(&root.join(below), None);
        let dialect = known.prepared.project.dialect.dialect.name();
        let config = format!("extends: strict\ndialect: {dialect}\n");
        fs::write(root.join(below).join("harness-lint.yml"), config).unwrap();
        git(&root, &["checkout", "-q", "-B", "main"]);
        commit(&root);
        let tally = rounds(&root, below.to_str().unwrap(), 0xD1B5_4A32_D192_ED03, count);
        println!("{clone}: {tally:?}");
    }
}
