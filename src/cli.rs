//! The command line: types only. What a verb does is in `verbs`.
//!
//! Flags whose value may be left out take it only with `=` (`--color=always`), so that a path after
//! them stays a path.

mod check;

pub use check::{BaselineArgs, CheckArgs, CheckFormat, FixWhich, Output};

use crate::config::{BaselineSetting, ManifestSetting};
use crate::error::RunError;
use crate::selector::Indirect;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

const EXIT_CODES: &str = "\
Exit codes:
  0  no finding at or above --fail-on
  1  findings at or above --fail-on
  2  the command line or the configuration makes no sense
  3  an input that was asked for is missing or unreadable, or a report or a fixed file cannot be
     written
  4  nothing that was asked for could be judged: no dbt project, a path that does not exist, a
     --select that matches no node (0 with --allow-empty)";

/// Static checks over a dbt repository: no warehouse, no network, no `dbt parse`.
///
/// Without a verb it checks: `harness-lint models/marts` is `harness-lint check models/marts`. A
/// path that is named like a verb is written `./rules`.
#[derive(Debug, Parser)]
#[command(
    name = "harness-lint",
    version,
    after_help = EXIT_CODES,
    max_term_width = 100,
    args_conflicts_with_subcommands = true
)]
pub struct Cli {
    /// What to do; `check` where nothing is said.
    #[command(subcommand)]
    pub verb: Option<Verb>,
    /// The flags of `check`.
    #[command(flatten)]
    pub check: CheckArgs,
    /// Colour the output; without a value: always. NO_COLOR is obeyed by `auto`.
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        require_equals = true,
        num_args = 0..=1,
        default_value = "auto",
        default_missing_value = "always"
    )]
    pub color: ColorWhen,
}

impl Cli {
    /// The flags of `check`, where that is the verb.
    pub fn check_mut(&mut self) -> Option<&mut CheckArgs> {
        match &mut self.verb {
            None => Some(&mut self.check),
            Some(Verb::Check(args)) => Some(args),
            Some(_) => None,
        }
    }

    /// The definition, for what is derived from it.
    pub fn definition() -> clap::Command {
        Self::command()
    }

    /// The names of all verbs.
    pub fn verbs() -> Vec<String> {
        let command = Self::command();
        let verbs = command.get_subcommands();
        verbs.map(|v| v.get_name().to_owned()).collect()
    }
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Check the project, or a part of it, and say what is wrong and what to do (the default)
    #[command(after_help = EXIT_CODES)]
    Check(Box<CheckArgs>),
    /// Print the page of a rule: what it finds, why, what to do, examples, options
    Explain(ExplainArgs),
    /// List every rule with its severity, presets and summary
    Rules(RulesArgs),
    /// Print the JSON schema of harness-lint.yml, of the JSON report, graph, audit or plan
    Schema(SchemaArgs),
    /// Print the project's nodes and the edges between them
    Graph(GraphArgs),
    /// Run the examples of declared rules: each bad one must raise its rule, no good one may
    Test(TestArgs),
    /// Say how healthy the project is and what to do first: a score, metrics, a backlog
    Audit(AuditArgs),
    /// Write a harness-lint.yml that says what this repository does already
    Init(InitArgs),
    /// Print a shell's completions, or the manual page
    Generate(GenerateArgs),
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorWhen {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Where the project is.
#[derive(Debug, Clone, Default, Args)]
pub struct PlaceArgs {
    /// The directory with dbt_project.yml; `check` takes several [default: found upward to the git
    /// root, else below]
    #[arg(long, value_name = "DIR")]
    pub project_dir: Vec<PathBuf>,
    /// The configuration [default: harness-lint.yml in the project directory, if it is there]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

impl PlaceArgs {
    /// The one project.
    ///
    /// # Errors
    /// There are several.
    pub fn project_dir(&self) -> Result<Option<PathBuf>, RunError> {
        match self.project_dir.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(one.clone())),
            _ => Err(RunError::usage(
                "only `check` takes several --project-dir",
                None,
            )),
        }
    }
}

/// Where the project is and how it is understood.
#[derive(Debug, Clone, Default, Args)]
pub struct ProjectArgs {
    /// Where it is.
    #[command(flatten)]
    pub place: PlaceArgs,
    /// manifest.json: `auto` (in the target directory, if it is there and fits), `off`, or a path
    #[arg(long, value_name = "auto|off|PATH", value_parser = manifest)]
    pub manifest: Option<ManifestSetting>,
    /// dbt variables, as dbt takes them: '{key: value}' in YAML or JSON
    #[arg(long, value_name = "YAML")]
    pub vars: Option<String>,
    /// The dbt target for which conditions are judged [default: as configured, else the profile's]
    #[arg(long, value_name = "NAME")]
    pub target: Option<String>,
    /// How many threads to use; 0 for one per core
    #[arg(short = 'j', long, value_name = "N", default_value_t = 0)]
    pub threads: usize,
}

fn manifest(text: &str) -> Result<ManifestSetting, String> {
    match text {
        "" => Err("expected auto, off, or a path".to_owned()),
        text => Ok(ManifestSetting::from_text(text)),
    }
}

/// Which nodes are meant.
#[derive(Debug, Clone, Default, Args)]
pub struct SelectArgs {
    /// Only these nodes: names with dbt's `+`, `tag:`, `path:`, `state:modified` …; may be repeated
    #[arg(short, long, value_name = "NODES")]
    pub select: Vec<String>,
    /// Not these nodes; may be repeated
    #[arg(long, value_name = "NODES")]
    pub exclude: Vec<String>,
    /// The nodes that selectors.yml gives this name
    #[arg(long, value_name = "NAME", conflicts_with_all = ["select", "exclude"])]
    pub selector: Option<String>,
    /// Which tests come along with the nodes that they test
    #[arg(long, value_enum, value_name = "MODE", default_value_t = Indirect::Eager)]
    pub indirect_selection: Indirect,
    /// The directory with the manifest.json that `state:` compares with
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Nothing to judge is no failure: exit code 0 instead of 4
    #[arg(long)]
    pub allow_empty: bool,
}

/// How a list is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// For people and agents.
    Text,
    /// For programs.
    Json,
}

/// The flags of `explain`.
#[derive(Debug, Clone, Args)]
pub struct ExplainArgs {
    /// The rule's id, as reports print it
    #[arg(value_name = "RULE")]
    pub rule: String,
    /// Where the team's own rules are.
    #[command(flatten)]
    pub place: PlaceArgs,
}

/// The flags of `rules`.
#[derive(Debug, Clone, Args)]
pub struct RulesArgs {
    /// How to print the list
    #[arg(long, value_enum, default_value_t = ListFormat::Text)]
    pub format: ListFormat,
    /// Where the team's own rules are.
    #[command(flatten)]
    pub place: PlaceArgs,
}

/// The flags of `schema`.
#[derive(Debug, Clone, Args)]
pub struct SchemaArgs {
    /// Which schema
    #[arg(value_enum)]
    pub of: SchemaOf,
}

/// What has a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// harness-lint.yml, with the options of every rule.
    Config,
    /// `harness-lint check --format json`.
    Report,
    /// `harness-lint graph --format json`.
    Graph,
    /// A declared rule: rule.yaml, or a file of `anti_patterns`.
    Rule,
    /// `harness-lint audit --format json`.
    Audit,
    /// `harness-lint audit --issues plan`.
    Plan,
}

/// The flags of `graph`.
#[derive(Debug, Clone, Args)]
pub struct GraphArgs {
    /// How to print the graph
    #[arg(long, value_enum, default_value_t = GraphFormat::Json)]
    pub format: GraphFormat,
    /// Print each model's output columns, and which columns they are made of (JSON only)
    #[arg(long)]
    pub columns: bool,
    /// Data tests and unit tests too
    #[arg(long)]
    pub tests: bool,
    /// Which nodes are meant.
    #[command(flatten)]
    pub select: SelectArgs,
    /// Where the project is.
    #[command(flatten)]
    pub project: ProjectArgs,
}

/// The flags of `test`.
#[derive(Debug, Clone, Args)]
pub struct TestArgs {
    /// The folder with the rules, or one rule's file [default: those of `anti_patterns`]
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Where the project is.
    #[command(flatten)]
    pub place: PlaceArgs,
}

/// The flags of `audit`.
#[derive(Debug, Clone, Args)]
pub struct AuditArgs {
    /// How to print it
    #[arg(long, value_enum, default_value_t = AuditFormat::Text)]
    pub format: AuditFormat,
    /// Work orders of at most ten files, in an order that is safe to work in
    #[arg(long)]
    pub batches: bool,
    /// Print which issues to open, change and close in a forge, as JSON, instead of the audit
    #[arg(long, value_enum, value_name = "plan", conflicts_with_all = ["format", "batches", "since"])]
    pub issues: Option<Issues>,
    /// The issues that are open: what `gh issue list --json number,title,body` prints
    #[arg(long, value_name = "FILE", requires = "issues")]
    pub open_issues: Option<PathBuf>,
    /// Append a line for the commit to this file, if it has none, and print the trend
    #[arg(long, value_name = "FILE")]
    pub history: Option<PathBuf>,
    /// Write a page for a browser to this file, beside what is printed; it needs no network
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Say what came and what went, by rule, since HEAD left this branch, tag or commit
    #[arg(long, value_name = "REF")]
    pub since: Option<String>,
    /// The baseline; what it holds is scored apart [default: as for `check`]
    #[arg(long, value_name = "FILE|off", value_parser = check::baseline)]
    pub baseline: Option<BaselineSetting>,
    /// Where the project is.
    #[command(flatten)]
    pub project: ProjectArgs,
}

/// What is done about issues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Issues {
    /// `harness-lint schema plan` describes it; nothing is posted.
    Plan,
}

/// How an audit is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AuditFormat {
    /// The score, and what to do first.
    Text,
    /// All of it; `harness-lint schema audit` describes it.
    Json,
    /// Markdown, for people.
    Md,
}

/// The flags of `init`.
#[derive(Debug, Clone, Args)]
pub struct InitArgs {
    /// The directory with dbt_project.yml [default: found upward to the git root, else below]
    #[arg(long, value_name = "DIR")]
    pub project_dir: Option<PathBuf>,
    /// Print the file instead of writing it
    #[arg(long)]
    pub dry_run: bool,
    /// Write a rule of your own to begin with instead: its name, in kebab-case
    #[arg(long, value_name = "NAME")]
    pub rule: Option<String>,
    /// What happened, in Markdown: its parts go into the rule
    #[arg(long, value_name = "FILE", requires = "rule")]
    pub from: Option<PathBuf>,
    /// Write a draft of a rule for each entry of an anti-pattern library in Markdown instead
    #[arg(long, value_name = "FILE", conflicts_with = "rule")]
    pub import_library: Option<PathBuf>,
    /// Replace a file that is there
    #[arg(long)]
    pub force: bool,
}

/// The flags of `generate`.
#[derive(Debug, Clone, Args)]
pub struct GenerateArgs {
    /// What to print; a shell's name means its completions
    #[arg(value_enum)]
    pub what: Generated,
}

/// What is derived from this definition for other programs to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Generated {
    /// The manual page, in roff.
    Man,
    /// Completions for bash.
    Bash,
    /// Completions for elvish.
    Elvish,
    /// Completions for fish.
    Fish,
    /// Completions for PowerShell.
    Powershell,
    /// Completions for zsh.
    Zsh,
}

/// How a graph is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// `harness-lint schema graph` describes it.
    Json,
    /// A Mermaid flowchart, for Markdown.
    Mermaid,
    /// Graphviz.
    Dot,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn check_is_the_default() {
        let parse = |args: &[&str]| {
            let args = std::iter::once(&"harness-lint").chain(args);
            Cli::try_parse_from(args)
        };
        let bare = parse(&["models/x.sql", "--rule", "a/b,c/d"]).unwrap();
        assert!(bare.verb.is_none());
        assert_eq!(bare.check.paths, [PathBuf::from("models/x.sql")]);
        assert_eq!(bare.check.rule, ["a/b", "c/d"]);
        let Some(Verb::Check(check)) = parse(&["check", "--color", "rules"]).unwrap().verb else {
            panic!("check is a verb");
        };
        assert_eq!(check.paths, [PathBuf::from("rules")]);
        let verb = |args: &[&str]| parse(args).unwrap().verb;
        assert!(matches!(verb(&["rules"]), Some(Verb::Rules(_))));
        assert!(verb(&["./rules"]).is_none());
        assert!(parse(&["--fail-on", "bad"]).is_err());
    }
}
