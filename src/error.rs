//! The run went wrong. What is wrong in the user's repository is never an error: it is a finding.

use crate::config::ConfigError;
use crate::git::NoChanges;
use crate::load::FindError;
use crate::text::{blanked, visible};
use miette::{Diagnostic, NamedSource, SourceSpan};
use std::sync::Arc;
use thiserror::Error;

/// Why there is no report, with the exit code that says so.
#[derive(Debug, Error, Diagnostic)]
pub enum RunError {
    /// The command line, or what it names, makes no sense.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What would be right.
        #[help]
        help: Option<String>,
    },
    /// The configuration was refused.
    #[error("{place}: {message}")]
    Config {
        /// `path:line:column`, the path as the user knows it.
        place: String,
        /// What is wrong.
        message: String,
        /// What is allowed, or the nearest name.
        #[help]
        help: Option<String>,
        /// The text around it.
        #[source_code]
        source_code: Arc<NamedSource<String>>,
        /// Where in the text.
        #[label]
        label: Option<SourceSpan>,
    },
    /// An input that was asked for is missing or unreadable.
    #[error("{path}: {why}")]
    Input {
        /// The input.
        path: String,
        /// Why it cannot be used.
        why: String,
        /// What to do.
        #[help]
        help: Option<String>,
    },
    /// Nothing that was asked for could be judged.
    #[error("{message}")]
    Nothing {
        /// What was looked for.
        message: String,
        /// What to do.
        #[help]
        help: Option<String>,
    },
    /// The report could not be written.
    #[error("{0}")]
    Output(#[from] std::io::Error),
}

impl RunError {
    /// The process's exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            RunError::Usage { .. } | RunError::Config { .. } => 2,
            RunError::Input { .. } | RunError::Output(_) => 3,
            RunError::Nothing { .. } => 4,
        }
    }

    /// The error with every line of it made safe to print: it may quote the repository.
    #[must_use]
    pub fn printable(self) -> Self {
        let lines = |text: String| text.lines().map(visible).collect::<Vec<_>>().join("\n");
        match self {
            RunError::Usage { message, help } => RunError::Usage {
                message: lines(message),
                help: help.map(lines),
            },
            RunError::Config {
                place,
                message,
                help,
                source_code,
                label,
            } => RunError::Config {
                place: lines(place),
                message: lines(message),
                help: help.map(lines),
                source_code,
                label,
            },
            RunError::Input { path, why, help } => RunError::Input {
                path: lines(path),
                why: lines(why),
                help: help.map(lines),
            },
            RunError::Nothing { message, help } => RunError::Nothing {
                message: lines(message),
                help: help.map(lines),
            },
            RunError::Output(error) => RunError::Output(error),
        }
    }

    /// A usage error.
    pub fn usage(message: impl Into<String>, help: Option<String>) -> Self {
        RunError::Usage {
            message: message.into(),
            help,
        }
    }
}

impl From<FindError> for RunError {
    fn from(error: FindError) -> Self {
        match error {
            FindError::Unreadable(path, why) => RunError::Input {
                path: path.display().to_string(),
                why,
                help: None,
            },
            FindError::None(path) => RunError::Nothing {
                message: format!("no dbt_project.yml in {}", path.display()),
                help: Some("run it in a dbt project, or name one with --project-dir".to_owned()),
            },
            FindError::Several(dirs) => {
                let list: Vec<String> = dirs
                    .iter()
                    .map(|d| format!("  --project-dir {}", visible(&d.to_string_lossy())))
                    .collect();
                RunError::usage(
                    format!(
                        "there are {} dbt projects here:\n{}",
                        dirs.len(),
                        list.join("\n")
                    ),
                    Some("name one of them, or for `check` several".to_owned()),
                )
            }
        }
    }
}

impl From<NoChanges> for RunError {
    fn from(error: NoChanges) -> Self {
        const DEEPEN: &str = "the clone is shallow: fetch the whole history (`git fetch --unshallow`; with actions/checkout `fetch-depth: 0`), or name another base";
        let message = error.to_string();
        let (usage, help) = match error {
            NoChanges::NoBase => (true, "name one: --changed=<branch, tag or commit>"),
            NoChanges::UnknownRef { shallow: true, .. } => (true, DEEPEN),
            NoChanges::UnknownRef { .. } => (
                true,
                "name a branch, tag or commit; `git fetch` brings those of the remote",
            ),
            NoChanges::NoMergeBase { shallow: true, .. } => (false, DEEPEN),
            NoChanges::NoMergeBase { .. } => (false, "name a base that this branch was made from"),
            NoChanges::NoRepository => (false, "leave --changed and --staged out, and name paths"),
            NoChanges::Git(_) => (
                false,
                "`git status` in this directory shows whether git works here",
            ),
        };
        let help = Some(help.to_owned());
        match usage {
            true => RunError::usage(message, help),
            false => RunError::Input {
                path: "git".to_owned(),
                why: message,
                help,
            },
        }
    }
}

impl From<ConfigError> for RunError {
    fn from(error: ConfigError) -> Self {
        let label = error.range.filter(|r| r.end <= error.text.len());
        let place = label.as_ref().map_or(String::new(), |range| {
            let index = crate::text::LineIndex::new(&error.text);
            let at = index.line_col(&error.text, range.start);
            format!(":{}:{}", at.line, at.col)
        });
        let path = visible(&error.path);
        RunError::Config {
            // A terminal prints the text around the mistake as it stands.
            source_code: Arc::new(NamedSource::new(&path, blanked(&error.text))),
            place: format!("{path}{place}"),
            message: error.message,
            help: error.help,
            label: label.map(Into::into),
        }
    }
}
