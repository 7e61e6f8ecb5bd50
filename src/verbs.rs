//! One function per verb: from the command line's types to what is printed and the exit code.
//! No process, terminal or environment is touched here, so tests need none.

mod fix;
mod generate;
mod init;
mod output;
mod projects;
mod test;

use crate::cli::{
    CheckArgs, CheckFormat, Cli, ExplainArgs, GraphArgs, GraphFormat, ListFormat, PlaceArgs,
    ProjectArgs, RulesArgs, SchemaArgs, SchemaOf, SelectArgs, Verb,
};
use crate::config::FailOn;
use crate::declared;
use crate::error::RunError;
use crate::fix as mend;
use crate::git;
use crate::load;
use crate::proof;
use crate::registry::{self, Entry, presets_of};
use crate::report::formats::View;
use crate::report::graph::{self, GraphReport};
use crate::report::{self, Aside, Recheck, Report, SCHEMA_VERSION, Summary, to_json};
use crate::rule::Meta;
use crate::run::{self, Outcome, Request, Stdin};
use crate::select::{self, Selection};
use crate::syntax::yaml;
use crate::text::{FileId, nearest, visible};
use serde::Serialize;
use serde_json::{Map, Value};
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

/// What a verb has to say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Printed {
    /// For stdout.
    pub text: String,
    /// For stderr: what is not part of the answer.
    pub notes: String,
    /// The process's exit code.
    pub exit: u8,
}

impl Printed {
    fn text(text: String) -> Self {
        Self {
            text,
            ..Self::default()
        }
    }
}

/// Does what the command line says. `color` is for stdout.
///
/// # Errors
/// The run went wrong; the error knows its exit code.
pub fn run(cli: &Cli, cwd: &Path, color: bool) -> Result<Printed, RunError> {
    match &cli.verb {
        None => {
            misspelt_verb(&cli.check, cwd)?;
            check(&cli.check, cwd, color)
        }
        Some(Verb::Check(args)) => check(args, cwd, color),
        Some(Verb::Explain(args)) => explain(args, cwd),
        Some(Verb::Rules(args)) => rules(args, cwd),
        Some(Verb::Schema(args)) => Ok(schema(args)),
        Some(Verb::Graph(args)) => graph(args, cwd),
        Some(Verb::Test(args)) => test::run(args, cwd),
        Some(Verb::Init(args)) => init::run(args, cwd),
        Some(Verb::Generate(args)) => Ok(generate::run(args)),
    }
}

/// How many threads a verb wants; 0 for one per core.
pub fn threads(cli: &Cli) -> usize {
    match &cli.verb {
        None => cli.check.project.threads,
        Some(Verb::Check(args)) => args.project.threads,
        Some(Verb::Graph(args)) => args.project.threads,
        Some(_) => 1,
    }
}

/// `harness-lint chek` and `harness-lint --color=never check` read as paths; where there is no such
/// path, a verb was meant.
fn misspelt_verb(args: &CheckArgs, cwd: &Path) -> Result<(), RunError> {
    let first = args.paths.first();
    let first = first.filter(|p| p.as_os_str() != "-" && !cwd.join(p).exists());
    let Some(first) = first else {
        return Ok(());
    };
    let verbs = Cli::verbs();
    let written = first.to_string_lossy();
    if verbs.iter().any(|v| *v == written) {
        let message = format!("`{written}` is a verb: it stands before the flags");
        return Err(RunError::usage(
            message,
            Some(format!("harness-lint {written} …")),
        ));
    }
    match nearest(&written, verbs.iter().map(String::as_str)) {
        Some(near) => Err(RunError::Nothing {
            message: format!("`{}` is neither a verb nor a path", visible(&written)),
            help: Some(format!("did you mean `harness-lint {near}`?")),
        }),
        None => Ok(()),
    }
}

/// `check`.
///
/// # Errors
/// As [`run::check`]; also a report that cannot be written.
pub fn check(args: &CheckArgs, cwd: &Path, color: bool) -> Result<Printed, RunError> {
    output::refuse(args, cwd)?;
    if args.project.place.project_dir.len() > 1 {
        return projects::check(args, cwd, color);
    }
    if let Some(path) = &args.show_config {
        return show_config(&check_request(args, cwd)?, path, args.format);
    }
    if args.diff {
        return fix::diff(args, cwd);
    }
    let mut one = checked(args, cwd)?;
    let (text, told) = output::reports(&one.view(), args, cwd, color)?;
    let timings = one.timings(args);
    Ok(Printed {
        text,
        notes: format!("{}{told}{timings}", one.notes),
        exit: one.exit,
    })
}

/// What is to be said of one project.
struct One {
    report: Report,
    aside: Aside,
    notes: String,
    exit: u8,
    fail_on: FailOn,
    /// None where there was nothing to check.
    outcome: Option<Outcome>,
}

impl One {
    fn view(&self) -> View<'_> {
        match &self.outcome {
            Some(outcome) => View::new(outcome, &self.report, &self.aside, self.fail_on),
            None => View::nothing(&self.report, &self.aside),
        }
    }

    /// How long each step took, where that was asked for. The report ends here.
    fn timings(&mut self, args: &CheckArgs) -> String {
        let mut lines = String::new();
        let Some(outcome) = self.outcome.as_mut().filter(|_| args.timings) else {
            return lines;
        };
        outcome.prepared.laps.end("report");
        for (step, took) in &outcome.prepared.laps.done {
            // Writing to a string does not fail.
            let _ = writeln!(lines, "{step:<11}{:>9.1} ms", took.as_secs_f64() * 1e3);
        }
        lines
    }
}

fn checked(args: &CheckArgs, cwd: &Path) -> Result<One, RunError> {
    let request = check_request(args, cwd)?;
    let done = match args.mends() {
        None => run::check(&request).map(|outcome| (outcome, None)),
        Some(least) => mend::apply(&request, least).map(|(o, mending)| (o, Some(mending))),
    };
    let (outcome, mending) = match done {
        Err(RunError::Nothing { message, .. }) if args.select.allow_empty => {
            return Ok(nothing_to_check(args, &message));
        }
        done => done?,
    };
    let project = &outcome.prepared.project;
    proof::changed(&outcome.prepared.own, &project.place, &project.config)?;
    let place = &project.place;
    let recheck = Recheck::new(&request, place);
    let head = match output::wants(args, CheckFormat::Json) {
        true => git::head(&place.root),
        false => None,
    };
    let (mut report, mut aside) = report::build(&outcome, &recheck, head);
    if let Some(mending) = &mending {
        report::add_fixes(&mut report, &mut aside, &outcome, mending);
    }
    if args.statistics {
        report.count();
    }
    let fail_on = args
        .fail_on
        .unwrap_or(outcome.prepared.project.config.fail_on);
    Ok(One {
        exit: u8::from(fails(&report.summary, fail_on)),
        report,
        aside,
        notes: outcome.notes.lines().map(note).collect(),
        fail_on,
        outcome: Some(outcome),
    })
}

/// `check --show-config`.
fn show_config(request: &Request, path: &Path, format: CheckFormat) -> Result<Printed, RunError> {
    let prepared = run::prepare(request)?;
    let file = select::file(&prepared.project, path, &request.cwd)?;
    let settings = report::settings(&prepared, file);
    match format {
        CheckFormat::Text => Ok(Printed::text(settings.text())),
        CheckFormat::Json => Ok(Printed::text(to_json(&settings))),
        _ => Err(RunError::usage(
            "--show-config is for text and JSON",
            Some("leave out --format, or choose text or json".to_owned()),
        )),
    }
}

fn fails(found: &Summary, fail_on: FailOn) -> bool {
    let (errors, warnings, infos) = (found.errors, found.warnings, found.infos);
    match fail_on {
        FailOn::Error => errors > 0,
        FailOn::Warn => errors + warnings > 0,
        FailOn::Info => errors + warnings + infos > 0,
        FailOn::Never => false,
    }
}

fn nothing_to_check(args: &CheckArgs, why: &str) -> One {
    // What is not there is named by an absolute path, which belongs to stderr.
    let mut report = report::nothing("there is nothing to check");
    if args.statistics {
        report.count();
    }
    One {
        report,
        aside: Aside::default(),
        notes: note(why),
        exit: 0,
        fail_on: FailOn::Error,
        outcome: None,
    }
}

/// `explain`.
///
/// # Errors
/// There is no such rule.
pub fn explain(args: &ExplainArgs, cwd: &Path) -> Result<Printed, RunError> {
    let (own, notes) = own_rules(&args.place, cwd)?;
    let entries: Vec<&Entry> = registry::shipped().iter().chain(&own).collect();
    let found = entries.iter().find(|e| e.meta().id == args.rule.as_str());
    let Some(entry) = found else {
        return Err(run::unknown_rule(&args.rule, &entries));
    };
    let meta = entry.meta();
    let mut text = String::new();
    // A page of the team's own comes from the repository.
    for line in meta.doc.trim_end().lines() {
        text.push_str(&visible(line));
        text.push('\n');
    }
    // A page of its own has the incident in it; beside a page that was written it stands here.
    if let Entry::Declared(rule) = entry
        && !rule.own
        && !rule.incident.is_empty()
    {
        text.push_str("\n## Incident\n");
        for (name, told) in &rule.incident {
            let _ = write!(text, "\n{name}: {}\n", visible(told.trim_end()));
        }
    }
    let facts = [
        format!("severity {}", meta.severity.as_str()),
        format!("confidence {}", meta.confidence.as_str()),
        format!("fix {}", meta.fix.as_str()),
        format!("presets {}", list(&presets_of(meta))),
    ];
    let _ = write!(text, "\n---\n{}\n", facts.join(" · "));
    Ok(Printed {
        text,
        notes,
        exit: 0,
    })
}

/// The rules of the team's folders. The list of rules helps to mend a configuration, so one that is
/// refused, or no project at all, is a note here.
fn own_rules(place: &PlaceArgs, cwd: &Path) -> Result<(Vec<Entry>, String), RunError> {
    let request = Request {
        cwd: cwd.to_owned(),
        project_dir: place.project_dir()?,
        config: place.config.clone(),
        ..Request::default()
    };
    let read = run::configure(&request)
        .and_then(|(place, config)| Ok(registry::own_rules(&config, &place)?));
    Ok(match read {
        Ok(own) => (own, String::new()),
        Err(_) if !names_project(&request) => (Vec::new(), String::new()),
        Err(error) => {
            let why = format!("the project's own rules are not listed: {error}");
            (Vec::new(), note(&why))
        }
    })
}

/// Is a project there, or at least asked for?
fn names_project(request: &Request) -> bool {
    let asked = request.project_dir.is_some() || request.config.is_some();
    asked || load::find(&request.cwd, None).is_ok()
}

/// A rule, as `rules` lists it.
#[derive(Debug, Serialize)]
struct RuleReport<'a> {
    id: &'a str,
    category: &'a str,
    severity: &'static str,
    confidence: &'static str,
    fix: &'static str,
    summary: String,
    presets: Vec<&'static str>,
}

impl<'a> RuleReport<'a> {
    fn new(meta: &'a Meta) -> Self {
        Self {
            id: &meta.id,
            category: meta.category(),
            severity: meta.severity.as_str(),
            confidence: meta.confidence.as_str(),
            fix: meta.fix.as_str(),
            summary: visible(&meta.summary()).into_owned(),
            presets: presets_of(meta),
        }
    }
}

/// What `rules --format json` prints.
#[derive(Debug, Serialize)]
struct RulesReport<'a> {
    schema_version: u32,
    tool_version: &'static str,
    rules: Vec<RuleReport<'a>>,
}

/// `rules`.
///
/// # Errors
/// Several projects are named.
pub fn rules(args: &RulesArgs, cwd: &Path) -> Result<Printed, RunError> {
    let (own, notes) = own_rules(&args.place, cwd)?;
    let entries = registry::shipped().iter().chain(&own);
    let mut rules: Vec<RuleReport> = entries.map(|e| RuleReport::new(e.meta())).collect();
    rules.sort_by_key(|r| r.id);
    let text = match args.format {
        ListFormat::Text => rules_table(&rules),
        ListFormat::Json => to_json(&RulesReport {
            schema_version: SCHEMA_VERSION,
            tool_version: env!("CARGO_PKG_VERSION"),
            rules,
        }),
    };
    Ok(Printed {
        text,
        notes,
        exit: 0,
    })
}

/// A table, wide enough for each column's longest word; the summary comes last.
fn rules_table(rules: &[RuleReport]) -> String {
    let header = ["rule", "severity", "preset", "fix", "summary"].map(str::to_owned);
    let rows = rules.iter().map(|r| {
        // The larger presets hold what the smaller ones hold.
        let preset = r.presets.first().copied().unwrap_or("-");
        [r.id, r.severity, preset, r.fix, &r.summary].map(str::to_owned)
    });
    let rows: Vec<[String; 5]> = std::iter::once(header).chain(rows).collect();
    let width = |i: usize| rows.iter().map(|r| r[i].len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..4).map(width).collect();
    let mut out = String::new();
    for row in &rows {
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(out, "{cell:<width$}  ");
        }
        out.push_str(&row[4]);
        out.push('\n');
    }
    out
}

fn note(text: &str) -> String {
    format!("{}\n", visible(text))
}

fn list(words: &[&str]) -> String {
    match words.is_empty() {
        true => "none".to_owned(),
        false => words.join(", "),
    }
}

/// `schema`.
pub fn schema(args: &SchemaArgs) -> Printed {
    let schema = match args.of {
        SchemaOf::Config => report::config_schema(),
        SchemaOf::Report => report::report_schema(),
        SchemaOf::Graph => report::graph_schema(),
        SchemaOf::Rule => declared::rule_schema(),
    };
    Printed::text(to_json(&schema))
}

/// `graph`.
///
/// # Errors
/// As [`run::prepare`]; also a selection that matches nothing.
pub fn graph(args: &GraphArgs, cwd: &Path) -> Result<Printed, RunError> {
    if args.columns && args.format != GraphFormat::Json {
        let help = "leave out one of --columns and --format".to_owned();
        return Err(RunError::usage("--columns is for JSON", Some(help)));
    }
    let request = request(&args.project, &args.select, cwd)?;
    let (graph, notes) = match graph_of(&request, args) {
        Err(RunError::Nothing { message, .. }) if args.select.allow_empty => {
            (graph::empty(), note(&message))
        }
        done => (done?, String::new()),
    };
    let text = match args.format {
        GraphFormat::Json => to_json(&graph),
        GraphFormat::Mermaid => graph.mermaid(),
        GraphFormat::Dot => graph.dot(),
    };
    Ok(Printed {
        text,
        notes,
        exit: 0,
    })
}

fn graph_of(request: &Request, args: &GraphArgs) -> Result<GraphReport, RunError> {
    let project = run::prepare(request)?.project;
    let selection = &request.selection;
    let selected = select::nodes(&project, selection, &request.cwd)?;
    let mut report = graph::graph(&project, selected.as_ref(), args.tests);
    if args.columns {
        graph::add_columns(&mut report, &project);
    }
    Ok(report)
}

fn check_request(args: &CheckArgs, cwd: &Path) -> Result<Request, RunError> {
    let mut request = request(&args.project, &args.select, cwd)?;
    request.filter = args.filter();
    request.against = args.against();
    request.selection.paths = args.paths.clone();
    request.stdin = stdin(args)?;
    request.baseline = args.baseline.baseline.clone();
    request.task = args.baseline.task();
    Ok(request)
}

/// What stdin stands in for, and what it holds.
fn stdin(args: &CheckArgs) -> Result<Option<Stdin>, RunError> {
    let refuse = |message: &str, help: &str| {
        let help = Some(help.to_owned());
        Err(RunError::usage(message.to_owned(), help))
    };
    match (&args.stdin_filename, args.reads_stdin()) {
        (None, false) => Ok(None),
        (Some(name), true) if args.paths.len() == 1 => {
            let bytes = args.stdin.as_deref().unwrap_or_default();
            Ok(Some(Stdin {
                path: name.clone(),
                bytes: Arc::from(bytes),
            }))
        }
        (Some(_), true) => refuse("`-` stands alone", "leave out the other paths"),
        (Some(_), false) => refuse(
            "--stdin-filename is for what stdin holds",
            "harness-lint check - --stdin-filename <path>",
        ),
        (None, true) => refuse(
            "which file does stdin stand in for?",
            "harness-lint check - --stdin-filename <path>; a file called - is ./-",
        ),
    }
}

fn request(project: &ProjectArgs, select: &SelectArgs, cwd: &Path) -> Result<Request, RunError> {
    let vars = project.vars.as_deref().map(vars).transpose()?;
    Ok(Request {
        cwd: cwd.to_owned(),
        project_dir: project.place.project_dir()?,
        config: project.place.config.clone(),
        manifest: project.manifest.clone(),
        vars: vars.unwrap_or_default(),
        target: project.target.clone(),
        selection: Selection {
            select: select.select.clone(),
            exclude: select.exclude.clone(),
            selector: select.selector.clone(),
            indirect: select.indirect_selection,
            state: select.state.clone(),
            paths: Vec::new(),
            allow_empty: select.allow_empty,
        },
        ..Request::default()
    })
}

/// `--vars`, as dbt reads it: YAML, of which JSON is a part.
fn vars(text: &str) -> Result<Map<String, Value>, RunError> {
    let tree = yaml::parse(FileId(0), text);
    let help = || Some("write a mapping, as for dbt: --vars '{key: value}'".to_owned());
    if let Some(problem) = tree.problems.first() {
        let message = format!("--vars is no YAML: {}", problem.message);
        return Err(RunError::usage(message, help()));
    }
    match tree.root().map(yaml::Node::to_json) {
        Some(Value::Object(map)) => Ok(map),
        None | Some(Value::Null) => Ok(Map::new()),
        Some(_) => Err(RunError::usage("--vars is no mapping", help())),
    }
}
