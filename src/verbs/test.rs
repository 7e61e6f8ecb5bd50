//! `test`.

use super::{Printed, note};
use crate::cli::TestArgs;
use crate::config::{self, Config, ConfigError};
use crate::declared::{self, Declared};
use crate::error::RunError;
use crate::load::{self, Place};
use crate::registry;
use crate::run::{self, Request};
use crate::text::visible;
use std::fmt::Write;
use std::path::{Path, PathBuf};

type Read = Result<Declared, ConfigError>;

/// Runs the examples of the team's rules, and says of each rule whether they prove it.
///
/// # Errors
/// No folder, or no rule in it.
pub(super) fn run(args: &TestArgs, cwd: &Path) -> Result<Printed, RunError> {
    let asked = args.place.project_dir()?;
    let request = Request {
        cwd: cwd.to_owned(),
        project_dir: asked.clone(),
        config: args.place.config.clone(),
        ..Request::default()
    };
    let (place, config, notes) = match (run::configure(&request), &args.dir) {
        (Ok((place, config)), _) => (place, config, String::new()),
        // Rules can be proven where there is no project yet.
        (Err(error), Some(_)) if load::find(cwd, asked.as_deref()).is_err() => {
            let (place, config) = nowhere(cwd)?;
            (place, config, note(&format!("without a project: {error}")))
        }
        (Err(error), _) => return Err(error),
    };
    let rules = rules(args, cwd, &place, &config)?;
    if rules.is_empty() {
        return Err(RunError::Nothing {
            message: "there is no declared rule to test".to_owned(),
            help: Some(
                "`harness-lint init --rule NAME` writes a skeleton; name its folder under `anti_patterns`"
                    .to_owned(),
            ),
        });
    }
    let mut tally = Tally::default();
    for rule in rules {
        tally.add(rule, &config)?;
    }
    let Tally {
        mut text,
        proven,
        failed,
        refused,
    } = tally;
    let _ = writeln!(
        text,
        "\n{proven} proven, {failed} failed, {refused} refused"
    );
    Ok(Printed {
        text,
        notes,
        exit: match (refused, failed) {
            (0, 0) => 0,
            (0, _) => 1,
            _ => 2,
        },
    })
}

/// The rules of the folder that was asked for, or of the configured ones.
fn rules(
    args: &TestArgs,
    cwd: &Path,
    place: &Place,
    config: &Config,
) -> Result<Vec<Read>, RunError> {
    let folders: Vec<PathBuf> = match &args.dir {
        Some(dir) => vec![cwd.join(dir)],
        None => {
            let all = config.anti_patterns.iter();
            all.map(|f| place.project_dir.join(&f.value)).collect()
        }
    };
    let mut out = Vec::new();
    for folder in folders {
        let real = folder.canonicalize().map_err(|_| RunError::Nothing {
            message: format!("there is no `{}`", visible(&folder.display().to_string())),
            help: None,
        })?;
        // Who names a folder may read it; what the configuration names stays in the repository.
        let place = match args.dir.is_some() && !real.starts_with(&place.root) {
            true if real.is_dir() => Place::new(cwd.to_owned(), real.clone()),
            true => Place::new(cwd.to_owned(), cwd.to_owned()),
            false => place.clone(),
        };
        out.extend(declared::read_each(config, &place, &real)?);
    }
    Ok(out)
}

/// A place without a project.
fn nowhere(cwd: &Path) -> Result<(Place, Config), RunError> {
    let dir = cwd.canonicalize()?;
    let place = Place::new(dir.clone(), dir);
    let text = "extends: []\n".to_owned();
    let config = config::from_text(&place, "harness-lint.yml", text, &registry::ids())?;
    Ok((place, config))
}

#[derive(Default)]
struct Tally {
    text: String,
    proven: usize,
    failed: usize,
    refused: usize,
}

impl Tally {
    fn add(&mut self, rule: Read, config: &Config) -> Result<(), RunError> {
        let rule = match rule {
            Ok(rule) => rule,
            Err(error) => {
                self.refuse(error);
                return Ok(());
            }
        };
        if let Some(error) = rule.unproven() {
            self.refuse(error);
            return Ok(());
        }
        let id = visible(&rule.meta.id).into_owned();
        match rule.prove(Some(config)) {
            Ok(None) => {
                self.proven += 1;
                let [bad, good, fixed] = rule.example_counts();
                let fixed = match fixed {
                    0 => String::new(),
                    n => format!(", {n} fixed"),
                };
                let _ = writeln!(self.text, "ok      {id} ({bad} bad, {good} good{fixed})");
            }
            Ok(Some(failure)) => {
                self.failed += 1;
                self.line("FAILED ", rule.disproved(failure));
            }
            // An example's own configuration is a part of the rule's file.
            Err(RunError::Config { message, help, .. }) => {
                let why = format!("{id}: `knows`: {message}");
                let error = ConfigError {
                    help,
                    ..rule.refuse(why)
                };
                self.refuse(error);
            }
            Err(other) => return Err(other),
        }
        Ok(())
    }

    fn refuse(&mut self, error: ConfigError) {
        self.refused += 1;
        self.line("REFUSED", error);
    }

    fn line(&mut self, word: &str, error: ConfigError) {
        let help = error.help.clone();
        let _ = writeln!(
            self.text,
            "{word} {}",
            visible(&RunError::from(error).to_string())
        );
        for line in help.iter().flat_map(|h| h.lines()) {
            let _ = writeln!(self.text, "        {}", visible(line));
        }
    }
}
