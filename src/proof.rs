//! The proof of a rule: its examples, run through everything that a check is.

use crate::check::{self, Scope};
use crate::config::{self, Config, ConfigError, ManifestSetting};
use crate::declared::{Body, Declared, Example};
use crate::error::RunError;
use crate::git;
use crate::load::Place;
use crate::registry::{self, Entry, RuleFilter};
use crate::run::{self, Laps, Outcome, Request};
use crate::text::{Span, relative_path};
use crate::violation::Edit;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Files of a small project, by path.
pub type Files = BTreeMap<String, String>;

/// The files that a section of a page shows: fenced blocks whose info string is a language and a
/// path.
pub fn files_of(section: &str) -> Files {
    let mut files = Files::new();
    let mut open: Option<(String, String)> = None;
    for line in section.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) => {
                let path: Vec<&str> = info.split_whitespace().skip(1).collect();
                open = Some((path.join(" "), String::new()));
            }
            (Some(_), Some(_)) => {
                let shown = open.take().filter(|(path, _)| !path.is_empty());
                files.extend(shown);
            }
            (Some((_, text)), None) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, None) => {}
        }
    }
    files
}

/// Writes a project below a directory; dbt_project.yml is added where it is not shown.
///
/// # Errors
/// The file system's.
pub fn write(dir: &Path, files: &Files) -> io::Result<()> {
    if !files.contains_key("dbt_project.yml") {
        fs::write(dir.join("dbt_project.yml"), "name: shop\nversion: '1.0'\n")?;
    }
    for (path, text) in files {
        let path = dir.join(path);
        fs::create_dir_all(path.parent().unwrap_or(dir))?;
        fs::write(path, text)?;
    }
    Ok(())
}

/// What is wrong with a proof.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Where in the rule file.
    pub span: Option<Span>,
    /// What.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl Declared {
    /// How many examples it has: bad, good, fixed.
    pub fn example_counts(&self) -> [usize; 3] {
        let e = &self.examples;
        [e.bad.len(), e.good.len(), e.fixed.len()]
    }

    /// Why it cannot be proven at all.
    pub fn unproven(&self) -> Option<ConfigError> {
        let [bad, good, _] = self.example_counts();
        let missing = match (bad, good) {
            (0, _) => "bad",
            (_, 0) => "good",
            _ => return None,
        };
        let message = format!("the rule has no {missing} example");
        let help = "add `examples: {bad: […], good: […]}`: code that it must find, and code that it must leave alone";
        Some(self.refuse_at(self.id_span(), message, Some(help.to_owned())))
    }

    /// Runs its examples; `known` is the configuration whose layers and sources they share. Gives
    /// the first thing that is not as it says.
    ///
    /// # Errors
    /// An example cannot be written or read.
    pub fn prove(&self, known: Option<&Config>) -> Result<Option<Failure>, RunError> {
        let mut fixed = self.examples.fixed.iter();
        for bad in &self.examples.bad {
            let files = self.files(bad, known);
            let outcome = self.run(&files, bad, known)?;
            let found = &outcome.checked.findings;
            if found.is_empty() {
                return Ok(Some(self.failure(
                    bad,
                    "this bad example does not raise the rule",
                    why_silent(&outcome),
                )));
            }
            let after = apply(&outcome, &files);
            match fixed.next() {
                Some(wanted) => {
                    let wrong = differs(&self.files(wanted, known), &after);
                    if let Some(help) = wrong {
                        let message = "the fix does not make this of its bad example";
                        return Ok(Some(self.failure(wanted, message, Some(help))));
                    }
                }
                None if !self.examples.fixed.is_empty() => {
                    let message = "this bad example has no `fixed`";
                    return Ok(Some(self.failure(bad, message, None)));
                }
                None => {}
            }
        }
        if let Some(left) = fixed.next() {
            let message = "there are more `fixed` examples than bad ones";
            return Ok(Some(self.failure(left, message, None)));
        }
        for good in &self.examples.good {
            let outcome = self.run(&self.files(good, known), good, known)?;
            if let Some(found) = outcome.checked.findings.first() {
                let at = place(&outcome, found.primary.span);
                let help = format!("{at}: {}", found.primary.message);
                let message = "this good example raises the rule";
                return Ok(Some(self.failure(good, message, Some(help))));
            }
        }
        Ok(None)
    }

    fn failure(&self, example: &Example, message: &str, help: Option<String>) -> Failure {
        Failure {
            span: Some(example.span),
            message: message.to_owned(),
            help,
        }
    }

    /// A failed proof as an error of the rule's file.
    pub fn disproved(&self, failure: Failure) -> ConfigError {
        self.refuse_at(failure.span, failure.message, failure.help)
    }

    fn files(&self, example: &Example, known: Option<&Config>) -> Files {
        match &example.body {
            Body::Files(files) => files.clone(),
            Body::Sql(sql) => {
                let layers = known.and_then(|c| c.layers.as_deref());
                let path = self.example_path(layers);
                std::iter::once((path, sql.clone())).collect()
            }
        }
    }

    fn run(
        &self,
        files: &Files,
        example: &Example,
        known: Option<&Config>,
    ) -> Result<Outcome, RunError> {
        let entry = Entry::Declared(Box::new(self.clone()));
        let own = if self.own { vec![entry] } else { Vec::new() };
        run_example(&self.meta.id, own, files, example.knows.as_deref(), known)
    }
}

/// Runs one rule over a small project in a directory of its own.
fn run_example(
    rule: &str,
    own: Vec<Entry>,
    files: &Files,
    knows: Option<&str>,
    known: Option<&Config>,
) -> Result<Outcome, RunError> {
    let dir = tempfile::tempdir()?;
    write(dir.path(), files)?;
    let real = dir.path().canonicalize()?;
    // Whatever lies round the directory is no part of the example.
    let place = Place::new(real.clone(), real);
    let shown = files.get("harness-lint.yml").map(String::as_str);
    let text = knows.or(shown).unwrap_or("extends: []\n").to_owned();
    let name = "knows";
    let mut config = config::from_text(&place, name, text, &registry::ids())?;
    config.anti_patterns.clear();
    if let Some(known) = known {
        if config.layers.is_none() {
            config.layers.clone_from(&known.layers);
            config.classify.clone_from(&known.classify);
        }
        if config.sources.is_empty() {
            config.sources.clone_from(&known.sources);
        }
    }
    let request = Request {
        cwd: dir.path().to_owned(),
        manifest: Some(ManifestSetting::Off),
        filter: RuleFilter {
            only: vec![rule.to_owned()],
            ignore: Vec::new(),
        },
        ..Request::default()
    };
    let prepared = run::prepare_own(&request, place, config, own, Laps::start())?;
    let checked = check::check(&prepared.project, &prepared.rules, &Scope::default());
    Ok(Outcome {
        prepared,
        checked,
        scope: Scope::default(),
        notes: String::new(),
        affected: None,
    })
}

/// What may keep a rule from seeing an example.
fn why_silent(outcome: &Outcome) -> Option<String> {
    let project = &outcome.prepared.project;
    let models = project.models().count();
    let layered = project.models().filter(|m| m.layer.is_some()).count();
    Some(format!(
        "it was read as {models} model{}, {layered} of them in a layer; does `select` choose what it shows, and can the condition hold there?",
        if models == 1 { "" } else { "s" }
    ))
}

fn place(outcome: &Outcome, span: Span) -> String {
    let file = outcome.prepared.project.files.get(span.file);
    let at = file.line_col(span.start);
    format!("{}:{}:{}", file.path, at.line, at.col)
}

/// The files after every fix that was offered.
fn apply(outcome: &Outcome, files: &Files) -> Files {
    let mut edits: BTreeMap<String, Vec<Edit>> = BTreeMap::new();
    let fixes = outcome
        .checked
        .findings
        .iter()
        .filter_map(|f| f.fix.as_ref());
    for edit in fixes.flat_map(|f| &f.edits) {
        let path = outcome.prepared.project.path(edit.span.file).to_owned();
        edits.entry(path).or_default().push(edit.clone());
    }
    let mut out = files.clone();
    for (path, mut edits) in edits {
        edits.sort_by_key(|e| e.span);
        let Some(text) = out.get_mut(&path) else {
            continue;
        };
        for edit in edits.iter().rev() {
            if text.get(edit.span.range()).is_some() {
                text.replace_range(edit.span.range(), &edit.text);
            }
        }
    }
    out
}

/// The first file that is not as wanted, with what it is.
fn differs(wanted: &Files, is: &Files) -> Option<String> {
    let other = |(path, text): &(&String, &String)| {
        is.get(*path).map(|t| t.trim_end()) != Some(text.trim_end())
    };
    let (path, _) = wanted.iter().find(other)?;
    let text = is.get(path).map_or("nothing", |t| t.trim_end());
    Some(format!("{path} is, after the fix:\n{text}"))
}

/// Proves the rules whose files differ from the last commit: what was committed has been proven.
///
/// # Errors
/// The first rule that is not proven.
pub fn changed(own: &[Entry], place: &Place, config: &Config) -> Result<(), RunError> {
    let declared = || {
        own.iter().filter_map(|e| match e {
            Entry::Declared(d) => Some(d),
            Entry::BuiltIn(_) => None,
        })
    };
    let from_root = |d: &Declared| {
        let path: PathBuf = place.project_dir.join(&d.path);
        relative_path(&path, &place.root)
    };
    let paths: Vec<String> = declared().map(|d| from_root(d)).collect();
    let changed = git::differing(&place.root, &paths).unwrap_or_default();
    for rule in declared().filter(|d| changed.contains(&from_root(d))) {
        if let Some(error) = rule.unproven() {
            return Err(error.into());
        }
        if let Some(failure) = rule.prove(Some(config))? {
            return Err(rule.disproved(failure).into());
        }
    }
    Ok(())
}
