//! The flags of `check`.

use super::{ProjectArgs, SelectArgs};
use crate::config::{BaselineSetting, FailOn};
use crate::git::Against;
use crate::registry::RuleFilter;
use crate::run::BaselineTask;
use crate::text::{nearest, visible};
use crate::violation::Applicability;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// The flags of `check`.
#[derive(Debug, Clone, Args)]
pub struct CheckArgs {
    /// Report only findings in these files and directories; `-` is what stdin holds
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// The file that stdin stands in for, with the path `-`: for editors. It need not exist yet
    #[arg(
        long,
        value_name = "PATH",
        requires = "paths",
        conflicts_with_all = ["write_baseline", "prune_baseline", "show_config", "changed", "staged", "fix", "diff"]
    )]
    pub stdin_filename: Option<PathBuf>,
    /// What stdin held; the process reads it.
    #[arg(skip)]
    pub stdin: Option<Vec<u8>>,
    /// Only what differs from where HEAD left REF, committed or not, and what that may break
    /// [default: the remote's default branch, else main or master]
    #[arg(
        long,
        value_name = "REF",
        require_equals = true,
        num_args = 0..=1,
        conflicts_with = "staged"
    )]
    pub changed: Option<Option<String>>,
    /// Only what the index differs in from HEAD; the index is judged, not the work tree
    #[arg(long)]
    pub staged: bool,
    /// Mend what can be mended, write the files, and report what is left: `safe` fixes leave the
    /// compiled SQL's meaning as it is, `suggested` ones are to be looked at (they include the safe)
    #[arg(
        long,
        value_enum,
        value_name = "WHICH",
        require_equals = true,
        num_args = 0..=1,
        default_missing_value = "safe",
        conflicts_with_all = ["staged", "write_baseline", "prune_baseline", "show_config"]
    )]
    pub fix: Option<FixWhich>,
    /// Print what --fix would change, as a patch for `git apply`, and write nothing; exit as if
    /// nothing were fixed
    #[arg(
        long,
        conflicts_with_all = ["staged", "write_baseline", "prune_baseline", "show_config", "output", "statistics"]
    )]
    pub diff: bool,
    /// How to print the findings
    #[arg(long, value_enum, default_value_t = CheckFormat::Text)]
    pub format: CheckFormat,
    /// Write a report to a file too, beside what is printed: `sarif=out.sarif`; may be repeated
    #[arg(long, value_name = "FORMAT=FILE", value_parser = output)]
    pub output: Vec<Output>,
    /// Count the findings by rule: in text instead of listing them, in JSON beside them
    #[arg(long)]
    pub statistics: bool,
    /// Say what holds for this file instead of checking: rules, severities, options, and where each
    /// was set
    #[arg(long, value_name = "PATH", conflicts_with_all = ["paths", "write_baseline", "prune_baseline"])]
    pub show_config: Option<PathBuf>,
    /// Exit with 1 from this severity on [default: as configured, else error]
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub fail_on: Option<FailOn>,
    /// Run only these rules, even where they are off: ids or `category/*`; may be repeated
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub rule: Vec<String>,
    /// Do not run these rules; may be repeated
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub ignore: Vec<String>,
    /// What is known already.
    #[command(flatten)]
    pub baseline: BaselineArgs,
    /// Which nodes are meant.
    #[command(flatten)]
    pub select: SelectArgs,
    /// Where the project is.
    #[command(flatten)]
    pub project: ProjectArgs,
    /// Say on stderr how long each step took
    #[arg(long)]
    pub timings: bool,
}

impl CheckArgs {
    /// `--changed` and `--staged`.
    pub fn against(&self) -> Option<Against> {
        match (&self.changed, self.staged) {
            (_, true) => Some(Against::Staged),
            (Some(name), false) => Some(Against::Ref(name.clone())),
            (None, false) => None,
        }
    }

    /// Which fixes are meant by `--fix` and `--diff`; none where neither is given.
    pub fn mends(&self) -> Option<Applicability> {
        let asked = self.diff.then_some(FixWhich::Safe);
        self.fix.or(asked).map(|which| match which {
            FixWhich::Safe => Applicability::Safe,
            FixWhich::Suggested => Applicability::Suggested,
        })
    }

    /// `--rule` and `--ignore`.
    pub fn filter(&self) -> RuleFilter {
        RuleFilter {
            only: self.rule.clone(),
            ignore: self.ignore.clone(),
        }
    }
}

impl CheckArgs {
    /// Is stdin one of the paths? A file of that name is `./-`.
    pub fn reads_stdin(&self) -> bool {
        self.paths.iter().any(|p| p.as_os_str() == "-")
    }
}

/// Which fixes are applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FixWhich {
    /// Those after which the compiled SQL means the same.
    Safe,
    /// Those too that are probably wanted, but may change results.
    Suggested,
}

/// Findings that are known.
#[derive(Debug, Clone, Default, Args)]
pub struct BaselineArgs {
    /// The baseline; what it holds is counted, not reported [default: as configured, else
    /// harness-lint.baseline.json in the project directory, if it is there]
    #[arg(long, value_name = "FILE|off", value_parser = baseline)]
    pub baseline: Option<BaselineSetting>,
    /// Add what is found to the baseline, whatever its severity; from then on only new findings
    /// count. Entries that are there keep their reasons
    #[arg(long, requires = "reason", conflicts_with_all = ["changed", "staged"])]
    pub write_baseline: bool,
    /// Why the findings that --write-baseline adds may stay
    #[arg(long, value_name = "TEXT", requires = "write_baseline", value_parser = reason)]
    pub reason: Option<String>,
    /// Drop from the baseline what is no longer found, and add nothing
    #[arg(long, conflicts_with_all = ["write_baseline", "changed", "staged"])]
    pub prune_baseline: bool,
}

impl BaselineArgs {
    /// What is asked for.
    pub fn task(&self) -> BaselineTask {
        match &self.reason {
            _ if self.prune_baseline => BaselineTask::Prune,
            Some(reason) => BaselineTask::Add(reason.clone()),
            None => BaselineTask::Read,
        }
    }
}

pub(super) fn baseline(text: &str) -> Result<BaselineSetting, String> {
    match text {
        "" => Err("expected a file or off".to_owned()),
        text => Ok(BaselineSetting::from_text(text)),
    }
}

fn reason(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("say why: a reviewer reads it beside each entry".to_owned()),
        text => Ok(text.to_owned()),
    }
}

/// How findings are printed; docs/outputs.md has a section for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CheckFormat {
    /// For people and agents.
    Text,
    /// For programs; `harness-lint schema report` describes it.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Annotations of GitHub Actions.
    Github,
    /// GitLab's code quality report.
    Gitlab,
    /// JUnit XML, for whatever shows test results.
    Junit,
    /// Markdown, for one comment on a pull request.
    Md,
}

/// A report that goes to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// How it is written.
    pub format: CheckFormat,
    /// Where, from the working directory.
    pub file: PathBuf,
}

/// `FORMAT=FILE`.
fn output(text: &str) -> Result<Output, String> {
    let names = || CheckFormat::value_variants().iter();
    let name = |f: &CheckFormat| f.to_possible_value().map(|v| v.get_name().to_owned());
    let all: Vec<String> = names().filter_map(name).collect();
    let Some((format, file)) = text.split_once('=') else {
        return Err("expected FORMAT=FILE, as in sarif=out.sarif".to_owned());
    };
    let Ok(known) = CheckFormat::from_str(format, false) else {
        let help = match nearest(format, all.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", all.join(", ")),
        };
        return Err(format!("there is no format `{}`; {help}", visible(format)));
    };
    match file {
        "" => Err("the name of a file is missing behind `=`".to_owned()),
        "-" => Err("`-` is no file: what goes to stdout is said by --format".to_owned()),
        file => Ok(Output {
            format: known,
            file: file.into(),
        }),
    }
}
