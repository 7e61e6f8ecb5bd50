//! Rules that are data: `rule.yaml`. For now a regular expression over a scope; the facts of an
//! incident are mandatory in either case.

use crate::config::{Config, ConfigError};
use crate::load::Place;
use crate::project::{Node, Project};
use crate::rule::{Cx, FixAvailability, Meta, Rule, Sink};
use crate::syntax::sql::tree::Cte;
use crate::syntax::yaml::{self, At, DeError, Yaml};
use crate::text::{FileId, Span, read_text, relative_path};
use crate::violation::{Confidence, Severity, Violation};
use regex::{Regex, RegexBuilder};
use serde::Deserialize;
use std::borrow::Cow;
use std::ops::Range;
use walkdir::WalkDir;

/// A declared rule as it was read.
#[derive(Debug)]
pub struct Declared {
    /// What it is.
    pub meta: Meta,
    /// What it does.
    pub rule: Pattern,
    /// It is the team's own, not shipped.
    pub own: bool,
    path: String,
    text: String,
}

/// The check of a declared rule.
#[derive(Debug, Clone)]
pub struct Pattern {
    layer: Option<String>,
    scope: Scope,
    regex: Regex,
    message: String,
    help: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Scope {
    /// The whole file.
    File,
    /// Without comments, SQL's and Jinja's.
    Code,
    /// The CTE of this name.
    Cte(String),
}

/// rule.yaml.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    id: At<String>,
    summary: String,
    severity: Severity,
    /// Layer of the models it is for; all where none is named.
    #[serde(default)]
    layer: Option<String>,
    forbid: Forbid,
    message: String,
    code: String,
    scenario: String,
    phenomenon: String,
    root_cause: String,
    mitigation: String,
    #[serde(default)]
    incident: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Forbid {
    /// `file`, `code` or `cte(name)`.
    #[serde(default, rename = "in")]
    scope: Option<At<String>>,
    /// A regular expression; case does not matter.
    regex: At<String>,
}

/// The size of a compiled expression is bounded, and with it the time of a match per byte.
const REGEX_BYTES: usize = 1 << 20;

/// Reads a rule. `doc` is its page, where it has one; otherwise one is made of its facts.
///
/// # Errors
/// What is refused, with its place in the file.
pub fn read(file: &Yaml, doc: Option<&'static str>) -> Result<Declared, DeError> {
    if let Some(problem) = file.problems.first() {
        return Err(DeError::new(problem.message.clone()).at(problem.span));
    }
    let Some(root) = file.root() else {
        return Err(DeError::new("the file is empty"));
    };
    let rule: File = yaml::from_node(root)?;
    let at = |error: DeError, span: Option<Span>| match span {
        Some(span) => error.at(span),
        None => error,
    };
    let well_formed = rule.id.strip_prefix("ap/").is_some_and(|name| {
        let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        !name.is_empty() && name.chars().all(letter)
    });
    if !well_formed {
        let message = format!(
            "`{}` is no id of a declared rule: ap/kebab-case",
            rule.id.value
        );
        return Err(at(DeError::new(message), rule.id.span));
    }
    let scope = match &rule.forbid.scope {
        None => Scope::Code,
        Some(text) => scope(text).ok_or_else(|| {
            let message = format!(
                "unknown scope `{}`; allowed are file, code, cte(name)",
                text.value
            );
            at(DeError::new(message), text.span)
        })?,
    };
    let regex = RegexBuilder::new(&rule.forbid.regex)
        .case_insensitive(true)
        .multi_line(true)
        .size_limit(REGEX_BYTES)
        .build()
        .map_err(|e| at(DeError::new(e.to_string()), rule.forbid.regex.span))?;
    let doc: Cow<'static, str> = match doc {
        Some(doc) => doc.into(),
        None => page(&rule).into(),
    };
    Ok(Declared {
        meta: Meta {
            id: rule.id.value.into(),
            severity: rule.severity,
            confidence: Confidence::Likely,
            fix: FixAvailability::None,
            preset: None,
            doc,
        },
        rule: Pattern {
            layer: rule.layer,
            scope,
            regex,
            message: rule.message,
            help: rule.mitigation,
        },
        own: false,
        path: String::new(),
        text: String::new(),
    })
}

fn scope(text: &str) -> Option<Scope> {
    match text {
        "file" => Some(Scope::File),
        "code" => Some(Scope::Code),
        other => {
            let name = other.strip_prefix("cte(")?.strip_suffix(')')?.trim();
            (!name.is_empty()).then(|| Scope::Cte(name.to_owned()))
        }
    }
}

/// The page of a rule that has none of its own.
fn page(rule: &File) -> String {
    let incident = match &rule.incident {
        Some(link) => format!("\n\nIncident: {link}"),
        None => String::new(),
    };
    format!(
        "# {}\n\n{}\n\n## Why\n\n{}: {}\n\nSeen as: {}\n\nRoot cause: {}{incident}\n\n## What to do\n\n{}\n",
        rule.id.value,
        rule.summary,
        rule.code,
        rule.scenario,
        rule.phenomenon,
        rule.root_cause,
        rule.mitigation
    )
}

/// Reads every `*.yaml` and `*.yml` of a folder of the team's rules.
///
/// # Errors
/// The first file that is refused; a folder that is not there.
pub fn read_folder(
    config: &Config,
    place: &Place,
    folder: &At<String>,
) -> Result<Vec<Declared>, ConfigError> {
    let dir = place.project_dir.join(&folder.value);
    let Some(dir) = place.inside(&dir).filter(|d| d.is_dir()) else {
        let message = format!("there is no folder `{}` in the repository", folder.value);
        let doc = folder
            .span
            .and_then(|s| config.docs.iter().find(|d| d.yaml.file == s.file));
        return Err(ConfigError {
            path: doc.map_or(String::new(), |d| d.name.clone()),
            text: doc.map_or(String::new(), |d| d.text.clone()),
            range: folder.span.map(Span::range),
            message,
            help: Some("paths count from the project directory".to_owned()),
        });
    };
    let mut paths: Vec<_> = WalkDir::new(dir)
        .into_iter()
        .flatten()
        .map(|e| e.into_path())
        .filter(|p| p.extension().is_some_and(|e| e == "yaml" || e == "yml"))
        .collect();
    paths.sort();
    let mut all = Vec::new();
    for path in paths {
        let (text, _) = read_text(&path);
        let file = yaml::parse(FileId(0), &text);
        let shown = relative_path(&path, &place.project_dir);
        match read(&file, None) {
            Ok(declared) => all.push(Declared {
                own: true,
                path: shown,
                text,
                ..declared
            }),
            Err(e) => {
                return Err(ConfigError {
                    path: shown,
                    range: e.span.map(Span::range),
                    message: e.message,
                    help: e.help,
                    text,
                });
            }
        }
    }
    Ok(all)
}

impl Declared {
    /// Refuses the rule as a whole.
    pub fn refuse(&self, message: String) -> ConfigError {
        ConfigError {
            path: self.path.clone(),
            text: self.text.clone(),
            range: None,
            message,
            help: None,
        }
    }
}

impl Rule for Pattern {
    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        if let Some(layer) = &self.layer
            && cx.project.role(model) != Some(layer)
        {
            return;
        }
        for range in self.ranges(cx.project, model) {
            let text = &cx.project.files.get(model.file).text;
            let Some(part) = text.get(range.clone()) else {
                continue;
            };
            for found in self.regex.find_iter(part) {
                let start = range.start + found.start();
                let span = Span::new(model.file, start, range.start + found.end());
                sink.push(Violation::new(span, &*self.message).help(&*self.help));
            }
        }
    }
}

impl Pattern {
    /// The parts of a model's file that the rule looks at.
    fn ranges(&self, project: &Project, model: &Node) -> Vec<Range<usize>> {
        let text = &project.files.get(model.file).text;
        match &self.scope {
            Scope::File => vec![0..text.len()],
            Scope::Code => crate::syntax::comment::code_ranges(text),
            Scope::Cte(name) => {
                let query = model.sql.as_ref().and_then(|s| s.query());
                let ctes = query.map_or(&[][..], |q| &q.ctes);
                let named = |c: &&Cte| c.name.is(name);
                ctes.iter().filter(named).map(|c| c.span.range()).collect()
            }
        }
    }
}
