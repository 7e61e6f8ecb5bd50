//! Rules that are data: `rule.yaml`. For now a regular expression over a scope; the facts of an
//! incident are mandatory in either case.

use crate::config::{Config, ConfigError};
use crate::load::Place;
use crate::project::{Node, Project};
use crate::rule::{Cx, FixAvailability, Meta, Reach, Rule, Sink};
use crate::syntax::yaml::{self, At, DeError, Yaml};
use crate::text::{FileId, Span, relative_path};
use crate::violation::{Confidence, Severity, Violation};
use regex::{Regex, RegexBuilder};
use serde::Deserialize;
use std::borrow::Cow;
use std::ops::Range;
use std::path::{Path, PathBuf};
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
    /// Where its id stands.
    id_span: Option<Span>,
    path: String,
    text: String,
}

/// The check of a declared rule.
#[derive(Debug, Clone)]
pub struct Pattern {
    layer: Option<At<String>>,
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
    summary: At<String>,
    severity: Severity,
    /// Layer of the models it is for, by role; all where none is named.
    #[serde(default)]
    layer: Option<At<String>>,
    forbid: Forbid,
    message: At<String>,
    code: At<String>,
    scenario: At<String>,
    phenomenon: At<String>,
    root_cause: At<String>,
    mitigation: At<String>,
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
    let empty = || DeError::new("the file is empty").at(Span::whole(file.file));
    let rule: File = yaml::from_node(file.root().ok_or_else(empty)?)?;
    let well_formed = rule.id.strip_prefix("ap/").is_some_and(|name| {
        let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        !name.is_empty() && name.chars().all(letter)
    });
    if !well_formed {
        return Err(refused(
            &rule.id,
            "is no id of a declared rule: ap/kebab-case",
        ));
    }
    facts_are_told(&rule)?;
    let scope = match &rule.forbid.scope {
        None => Scope::Code,
        Some(text) => scope(text)
            .ok_or_else(|| refused(text, "is no scope; allowed are file, code, cte(name)"))?,
    };
    let regex = regex(&rule.forbid.regex)?;
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
            message: rule.message.value,
            help: rule.mitigation.value,
        },
        own: false,
        id_span: rule.id.span,
        path: String::new(),
        text: String::new(),
    })
}

/// An error about a value, at its place.
fn refused(value: &At<String>, why: &str) -> DeError {
    let error = DeError::new(format!("`{}` {why}", value.value));
    match value.span {
        Some(span) => error.at(span),
        None => error,
    }
}

/// The facts of an incident are what makes a pattern worth a rule: none may be blank.
fn facts_are_told(rule: &File) -> Result<(), DeError> {
    let facts = [
        ("summary", &rule.summary),
        ("message", &rule.message),
        ("code", &rule.code),
        ("scenario", &rule.scenario),
        ("phenomenon", &rule.phenomenon),
        ("root_cause", &rule.root_cause),
        ("mitigation", &rule.mitigation),
    ];
    let blank = facts.into_iter().find(|(_, text)| text.trim().is_empty());
    match blank {
        Some((name, text)) => Err(refused(text, &format!("tells nothing as `{name}`"))),
        None => Ok(()),
    }
}

fn regex(text: &At<String>) -> Result<Regex, DeError> {
    let regex = RegexBuilder::new(text)
        .case_insensitive(true)
        .multi_line(true)
        .size_limit(REGEX_BYTES)
        .build()
        .map_err(|e| {
            // Its last line says what is wrong; those before draw the place.
            let message = e.to_string();
            let why = message.lines().last().unwrap_or_default();
            refused(
                text,
                &format!(
                    "is no regular expression: {}",
                    why.trim_start_matches("error: ")
                ),
            )
        })?;
    match regex.is_match("") {
        true => Err(refused(
            text,
            "matches nothing at all, so it would match everywhere",
        )),
        false => Ok(regex),
    }
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
        rule.summary.value,
        rule.code.value,
        rule.scenario.value,
        rule.phenomenon.value,
        rule.root_cause.value,
        rule.mitigation.value
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
    let added: Vec<PathBuf> = place.overlay.added(&dir).map(Path::to_owned).collect();
    let real = place.inside(&dir).filter(|d| d.is_dir());
    let Some(dir) = real.or_else(|| (!added.is_empty()).then_some(dir)) else {
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
    let mut paths: Vec<PathBuf> = WalkDir::new(dir)
        .into_iter()
        .flatten()
        .map(|e| e.into_path())
        .filter(|p| !place.overlay.is_gone(p))
        .chain(added)
        .filter(|p| p.extension().is_some_and(|e| e == "yaml" || e == "yml"))
        .collect();
    paths.sort();
    paths.iter().map(|p| read_own(config, place, p)).collect()
}

/// Reads one of the team's rules.
fn read_own(config: &Config, place: &Place, path: &Path) -> Result<Declared, ConfigError> {
    let shown = relative_path(path, &place.project_dir);
    let whole = |message: String| ConfigError {
        path: shown.clone(),
        text: String::new(),
        range: None,
        message,
        help: None,
    };
    if place.inside(path).is_none() {
        return Err(whole("leads out of the repository".to_owned()));
    }
    let (text, problem) = place.read_text(path);
    if let Some(problem) = problem {
        return Err(whole(format!("cannot be read: {problem:?}")));
    }
    let file = yaml::parse(FileId(0), &text);
    let known = read(&file, None).and_then(|d| known_layer(config, d));
    match known {
        Ok(declared) => Ok(Declared {
            own: true,
            path: shown,
            text,
            ..declared
        }),
        Err(e) => Err(ConfigError {
            path: shown,
            range: e.span.map(Span::range),
            message: e.message,
            help: e.help,
            text,
        }),
    }
}

/// A layer that the configured table does not have would silence the rule for ever.
fn known_layer(config: &Config, declared: Declared) -> Result<Declared, DeError> {
    let (Some(layers), Some(layer)) = (&config.layers, &declared.rule.layer) else {
        return Ok(declared);
    };
    let roles: Vec<&str> = layers.iter().map(|l| l.role.as_str()).collect();
    if roles.contains(&layer.as_str()) {
        return Ok(declared);
    }
    let why = format!("is no layer; layers are {}", roles.join(", "));
    Err(refused(layer, &why))
}

impl Declared {
    /// Refuses the rule, at its id.
    pub fn refuse(&self, message: String) -> ConfigError {
        ConfigError {
            path: self.path.clone(),
            text: self.text.clone(),
            range: self.id_span.map(Span::range),
            message,
            help: None,
        }
    }
}

impl Rule for Pattern {
    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        if let Some(layer) = &self.layer
            && cx.project.role(model) != Some(&layer.value)
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
            Scope::File => std::iter::once(0..text.len()).collect(),
            Scope::Code => crate::syntax::comment::code_ranges(text),
            Scope::Cte(name) => {
                let query = model.sql.as_ref().and_then(|s| s.query());
                let ctes = query.map_or(&[][..], |q| &q.ctes);
                let named: Vec<Range<usize>> = ctes
                    .iter()
                    .filter(|c| c.name.is(name))
                    .map(|c| c.span.range())
                    .collect();
                let within = |code: &Range<usize>| {
                    let cut = |cte: &Range<usize>| code.start.max(cte.start)..code.end.min(cte.end);
                    named.iter().map(cut).collect::<Vec<_>>()
                };
                let code = crate::syntax::comment::code_ranges(text);
                code.iter()
                    .flat_map(within)
                    .filter(|r| r.start < r.end)
                    .collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: &str = "id: ap/x\nsummary: S.\nseverity: warn\nforbid: {in: code, regex: 'a+'}\nmessage: m\ncode: c\nscenario: s\nphenomenon: p\nroot_cause: r\nmitigation: do\n";

    /// The error of the rule with one part replaced, and the text it points at.
    fn refused(part: &str, by: &str) -> (String, String) {
        let text = RULE.replace(part, by);
        assert_ne!(text, RULE, "{part}");
        let file = yaml::parse(FileId(0), &text);
        let error = read(&file, None).expect_err(by);
        let at = error.span.map(|s| text[s.range()].to_owned());
        (error.message, at.unwrap_or_default())
    }

    #[test]
    fn a_rule_reads_and_its_page_holds_its_facts() {
        let declared = read(&yaml::parse(FileId(0), RULE), None).unwrap();
        assert_eq!(declared.meta.id, "ap/x");
        assert_eq!(declared.meta.summary(), "S.");
        assert_eq!(declared.meta.advice(), "do");
        assert_eq!(declared.rule.scope, Scope::Code);
    }

    #[test]
    fn what_is_wrong_is_refused_at_its_place() {
        let at = |part: &str, by: &str, message: &str, place: &str| {
            let (said, text) = refused(part, by);
            assert!(said.contains(message), "{by}: {said}");
            assert_eq!(text.trim(), place, "{by}");
        };
        at("code: c", "kode: c", "unknown key `kode`", "kode");
        at("id: ap/x", "id: ap/X", "ap/kebab-case", "ap/X");
        at("id: ap/x", "id: sql/x", "ap/kebab-case", "sql/x");
        at("in: code", "in: where", "is no scope", "where");
        at("in: code", "in: cte()", "is no scope", "cte()");
        at("'a+'", "'a('", "unclosed group", "'a('");
        at("'a+'", "'a*'", "match everywhere", "'a*'");
        at("severity: warn", "severity: fatal", "fatal", "fatal");
        at("root_cause: r", "root_cause: ''", "as `root_cause`", "''");
        at(
            "mitigation: do\n",
            "",
            "mitigation",
            RULE.replace("mitigation: do\n", "").trim(),
        );
        at("message: m", "message: [", "", ":");
    }

    #[test]
    fn an_empty_file_is_refused() {
        let error = read(&yaml::parse(FileId(0), "# nothing\n"), None).unwrap_err();
        assert!(error.span.is_some());
    }
}
