//! The command line: types only. What a verb does is in `verbs`.
//!
//! Flags whose value may be left out take it only with `=` (`--color=always`), so that a path after
//! them stays a path.

use crate::config::{FailOn, ManifestSetting};
use crate::git::Against;
use crate::registry::RuleFilter;
use crate::selector::Indirect;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

const EXIT_CODES: &str = "\
Exit codes:
  0  no finding at or above --fail-on
  1  findings at or above --fail-on
  2  the command line or the configuration makes no sense
  3  an input that was asked for is missing or unreadable
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
    /// Print the JSON schema of harness-lint.yml, of the JSON report, or of the JSON graph
    Schema(SchemaArgs),
    /// Print the project's nodes and the edges between them
    Graph(GraphArgs),
    /// Write a harness-lint.yml that says what this repository does already
    Init(InitArgs),
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
    /// The directory with dbt_project.yml [default: found upward to the git root, else below]
    #[arg(long, value_name = "DIR")]
    pub project_dir: Option<PathBuf>,
    /// The configuration [default: harness-lint.yml in the project directory, if it is there]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
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

/// The flags of `check`.
#[derive(Debug, Clone, Args)]
pub struct CheckArgs {
    /// Report only findings in these files and directories
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
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
    /// How to print the findings
    #[arg(long, value_enum, default_value_t = CheckFormat::Text)]
    pub format: CheckFormat,
    /// Exit with 1 from this severity on [default: as configured, else error]
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub fail_on: Option<FailOn>,
    /// Run only these rules, even where they are off: ids or `category/*`; may be repeated
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub rule: Vec<String>,
    /// Do not run these rules; may be repeated
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub ignore: Vec<String>,
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

    /// `--rule` and `--ignore`.
    pub fn filter(&self) -> RuleFilter {
        RuleFilter {
            only: self.rule.clone(),
            ignore: self.ignore.clone(),
        }
    }
}

/// How findings are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CheckFormat {
    /// For people and agents.
    Text,
    /// For programs; `harness-lint schema report` describes it.
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
    #[arg(long, value_enum, default_value_t = CheckFormat::Text)]
    pub format: CheckFormat,
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

/// The flags of `init`.
#[derive(Debug, Clone, Args)]
pub struct InitArgs {
    /// The directory with dbt_project.yml [default: found upward to the git root, else below]
    #[arg(long, value_name = "DIR")]
    pub project_dir: Option<PathBuf>,
    /// Print the file instead of writing it
    #[arg(long)]
    pub dry_run: bool,
    /// Replace a harness-lint.yml that is there
    #[arg(long)]
    pub force: bool,
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
