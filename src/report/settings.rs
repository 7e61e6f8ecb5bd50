//! What holds for one file: which rules are on, how severe, with which options, and who says so.
//!
//! It tells what `registry::active` decided, and reads the same settings in the same order.

use super::SCHEMA_VERSION;
use crate::check::part_of;
use crate::config::{Config, Exclusion, RuleSetting, Switch};
use crate::project::{NodeId, Project, ResourceType};
use crate::registry::{self, Active, Entry};
use crate::run::Prepared;
use crate::text::{FileId, LineIndex, Span, visible};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write;

/// What `check --show-config PATH --format json` prints.
#[derive(Debug, Serialize)]
pub struct Settings {
    schema_version: u32,
    tool_version: &'static str,
    /// Relative to the project directory.
    path: String,
    /// The documents of the configuration, weakest first.
    documents: Vec<String>,
    /// The presets that they name.
    presets: Vec<&'static str>,
    /// The file's nodes, those with the same settings together.
    subjects: Vec<Subject>,
}

/// Nodes for which the same holds.
#[derive(Debug, Serialize)]
struct Subject {
    /// Their unique ids; what is said of no node is said of the file.
    nodes: Vec<String>,
    /// What is said of the file and of none of its nodes.
    file: bool,
    #[serde(flatten)]
    settings: Held,
}

#[derive(Debug, PartialEq, Serialize)]
struct Held {
    layer: Option<Layer>,
    /// Rules that are on.
    rules: Vec<Rule>,
    /// Rules that somebody switched off.
    off: Vec<Off>,
    /// Rules that are on and whose findings are kept back.
    excluded: Vec<Excluded>,
}

#[derive(Debug, PartialEq, Serialize)]
struct Layer {
    name: String,
    from: Origin,
}

#[derive(Debug, PartialEq, Serialize)]
struct Rule {
    id: String,
    severity: &'static str,
    /// Who switched it on.
    on: Origin,
    /// Who says how severe it is.
    severity_from: Origin,
    /// Options that are set; the others have their defaults.
    options: BTreeMap<String, Set>,
}

#[derive(Debug, PartialEq, Serialize)]
struct Set {
    value: Value,
    from: Origin,
}

#[derive(Debug, PartialEq, Serialize)]
struct Off {
    id: String,
    from: Origin,
}

#[derive(Debug, PartialEq, Serialize)]
struct Excluded {
    rules: Vec<String>,
    reason: String,
    from: Origin,
}

/// Who says something.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Origin {
    /// `default`, `inferred`, `preset`, `config`, `override`, `exclude`, `anti_patterns`, `implied`
    /// (by another key), `command_line`.
    kind: &'static str,
    /// The preset, or the document.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    col: Option<u32>,
}

impl Origin {
    fn bare(kind: &'static str) -> Self {
        Self {
            kind,
            name: None,
            line: None,
            col: None,
        }
    }

    fn preset(name: &str) -> Self {
        Self {
            name: Some(name.to_owned()),
            ..Self::bare("preset")
        }
    }

    /// A place in the configuration. Nobody can open a preset that is a document of ours.
    fn at(config: &Config, kind: &'static str, span: Option<Span>) -> Self {
        let doc = span.and_then(|s| Some((s, config.docs.iter().find(|d| d.yaml.file == s.file)?)));
        let Some((span, doc)) = doc else {
            return Self::bare(kind);
        };
        if let Some(preset) = doc.name.strip_prefix("preset ") {
            return Self::preset(preset);
        }
        let at = LineIndex::new(&doc.text).line_col(&doc.text, span.start as usize);
        Self {
            kind,
            name: Some(doc.name.clone()),
            line: Some(at.line),
            col: Some(at.col),
        }
    }

    fn text(&self) -> String {
        let name = visible(self.name.as_deref().unwrap_or_default());
        match (self.kind, self.line) {
            ("default", _) => "the rule's default".to_owned(),
            ("inferred", _) => "inferred from folder names".to_owned(),
            ("anti_patterns", _) => "a rule of your own".to_owned(),
            ("implied", _) => "implied by another key".to_owned(),
            ("command_line", _) => "the command line".to_owned(),
            ("preset", _) => format!("preset {name}"),
            (kind, Some(line)) => {
                let col = self.col.unwrap_or(1);
                let kind = if kind == "config" {
                    String::new()
                } else {
                    format!("{kind} ")
                };
                format!("{kind}{name}:{line}:{col}")
            }
            (kind, None) => kind.to_owned(),
        }
    }
}

/// What holds for a file of the project.
pub fn settings(prepared: &Prepared, file: FileId) -> Settings {
    let project = &prepared.project;
    let mut subjects: Vec<Subject> = Vec::new();
    let nodes = project.nodes.iter().filter(|n| {
        let described = n.properties.as_ref().is_some_and(|p| p.file == file);
        n.is_own() && n.resource_type != ResourceType::Test && (n.file == file || described)
    });
    let nodes: Vec<Option<NodeId>> = nodes.map(|n| Some(n.id)).collect();
    // A model's file is its model: the little that is said of the file alone is not set apart.
    let is_model = !nodes.is_empty() && !project.yaml.contains_key(&file);
    let whole = (!is_model).then_some(None);
    for node in nodes.into_iter().chain(whole) {
        let settings = held(prepared, node, file);
        let known = subjects.iter().position(|s| s.settings == settings);
        let index = known.unwrap_or(subjects.len());
        if known.is_none() {
            subjects.push(Subject {
                nodes: Vec::new(),
                file: false,
                settings,
            });
        }
        match node {
            Some(id) => subjects[index]
                .nodes
                .push(project.node(id).unique_id.clone()),
            None => subjects[index].file = true,
        }
    }
    let config = &project.config;
    Settings {
        schema_version: SCHEMA_VERSION,
        tool_version: env!("CARGO_PKG_VERSION"),
        path: project.path(file).to_owned(),
        documents: config.docs.iter().map(|d| d.name.clone()).collect(),
        presets: config.presets.iter().map(|p| p.as_str()).collect(),
        subjects,
    }
}

fn held(prepared: &Prepared, node: Option<NodeId>, file: FileId) -> Held {
    let project = &prepared.project;
    let config = &project.config;
    let mut out = Held {
        layer: node.and_then(|id| layer(project, id)),
        rules: Vec::new(),
        off: Vec::new(),
        excluded: Vec::new(),
    };
    for active in &prepared.rules {
        let part = part_of(project, active, node, file);
        match active.instance(part).rule {
            Some(_) => out.rules.push(on(prepared, active, part)),
            None => out.off.extend(off(config, &active.meta.id, part)),
        }
    }
    for id in config.rules.keys() {
        if !prepared.rules.iter().any(|a| *a.meta.id == **id) {
            out.off.extend(off(config, id, None));
        }
    }
    out.off.sort_by(|a, b| a.id.cmp(&b.id));
    let exclusions = config.exclude.iter().zip(&project.parts.exclude);
    let exclusions = exclusions.filter(|(_, part)| part.holds(node, file));
    let exclusions: Vec<&Exclusion> = exclusions.map(|(e, _)| e).collect();
    out.excluded = excluded(config, &exclusions, &out.rules);
    out
}

fn layer(project: &Project, node: NodeId) -> Option<Layer> {
    let layer = project.layer(project.node(node))?;
    Some(Layer {
        name: layer.name.clone(),
        from: match project.layers.inferred {
            true => Origin::bare("inferred"),
            false => Origin::at(&project.config, "config", layer.span),
        },
    })
}

/// What an override says of a rule.
fn over<'a>(config: &'a Config, part: Option<usize>, id: &str) -> Option<&'a RuleSetting> {
    config.overrides.get(part?)?.setting(id).map(|(_, s)| s)
}

fn on(prepared: &Prepared, active: &Active, part: Option<usize>) -> Rule {
    let config = &prepared.project.config;
    let (id, meta) = (&*active.meta.id, &active.meta);
    let (base, over) = (config.rule(id), over(config, part, id));
    let said = [("override", over), ("config", base)];
    let by = |wanted: fn(Switch) -> bool| {
        let mut said = said.iter().filter_map(|(kind, s)| Some((*kind, (*s)?)));
        let hit = said.find(|(_, s)| s.switch.is_some_and(wanted));
        hit.map(|(kind, s)| Origin::at(config, kind, s.switched))
    };
    let severity = active.instance(part).severity;
    let mut options = BTreeMap::new();
    for (kind, setting) in said.iter().rev() {
        for (name, at) in setting.map_or(&[][..], |s| &s.options) {
            let set = Set {
                value: config.docs[at.doc].yaml.node(at.node).to_json(),
                from: Origin::at(config, kind, Some(name.span)),
            };
            options.insert(name.value.clone(), set);
        }
    }
    Rule {
        id: id.to_owned(),
        severity: severity.unwrap_or(meta.severity).as_str(),
        on: by(|s| s != Switch::Off).unwrap_or_else(|| unsaid(prepared, active)),
        severity_from: by(|s| matches!(s, Switch::Severity(_)))
            .filter(|_| severity.is_some())
            .unwrap_or(Origin::bare("default")),
        options,
    }
}

/// Why a rule is on of which the configuration says nothing.
fn unsaid(prepared: &Prepared, active: &Active) -> Origin {
    let config = &prepared.project.config;
    let of_rule = active.meta.preset;
    let preset = config
        .presets
        .iter()
        .find(|p| of_rule.is_some_and(|own| own <= **p));
    if let Some(preset) = preset {
        return Origin::preset(preset.as_str());
    }
    let entries = registry::shipped().iter().chain(&prepared.own);
    let entry = entries.into_iter().find(|e| e.meta().id == active.meta.id);
    match entry {
        Some(entry) if entry.is_own() => Origin::bare("anti_patterns"),
        Some(entry) if Entry::is_asked_for(entry, config) => Origin::bare("implied"),
        _ => Origin::bare("command_line"),
    }
}

/// A rule that somebody switched off.
fn off(config: &Config, id: &str, part: Option<usize>) -> Option<Off> {
    let said = [
        ("override", over(config, part, id)),
        ("config", config.rule(id)),
    ];
    let mut said = said.into_iter().filter_map(|(kind, s)| Some((kind, s?)));
    let (kind, setting) = said.find(|(_, s)| s.switch == Some(Switch::Off))?;
    Some(Off {
        id: id.to_owned(),
        from: Origin::at(config, kind, setting.switched),
    })
}

/// The exclusions that keep something back here, each with the rules that none before it names.
fn excluded(config: &Config, exclusions: &[&Exclusion], rules: &[Rule]) -> Vec<Excluded> {
    let mut out: Vec<Excluded> = Vec::new();
    for (index, exclusion) in exclusions.iter().enumerate() {
        let first = |id: &str| !exclusions[..index].iter().any(|e| e.names(id));
        let ids = rules.iter().map(|r| r.id.as_str());
        let ids = ids.filter(|id| exclusion.names(id) && first(id));
        let ids: Vec<String> = ids.map(str::to_owned).collect();
        if !ids.is_empty() {
            out.push(Excluded {
                rules: ids,
                reason: exclusion.reason.value.clone(),
                from: Origin::at(config, "exclude", exclusion.reason.span),
            });
        }
    }
    out
}

impl Settings {
    /// For people and agents.
    pub fn text(&self) -> String {
        let mut lines = vec![visible(&self.path).into_owned()];
        let documents: Vec<_> = self.documents.iter().rev().map(|d| visible(d)).collect();
        let documents = match documents.is_empty() {
            true => "no file".to_owned(),
            false => documents.join(", "),
        };
        let presets = match self.presets.is_empty() {
            true => "none".to_owned(),
            false => self.presets.join(", "),
        };
        lines.push(format!("configuration: {documents}; presets: {presets}"));
        for subject in &self.subjects {
            lines.push(String::new());
            lines.push(subject.title());
            lines.extend(subject.settings.lines());
        }
        lines.push(String::new());
        lines.join("\n")
    }
}

impl Subject {
    fn title(&self) -> String {
        let mut names: Vec<String> = self.nodes.iter().map(|n| visible(n).into_owned()).collect();
        if self.file {
            names.push("what is said of the file".to_owned());
        }
        let mut title = names.join(", ");
        if let Some(layer) = &self.settings.layer {
            // Writing to a string does not fail.
            let _ = write!(
                title,
                " · layer {} ({})",
                visible(&layer.name),
                layer.from.text()
            );
        }
        title
    }
}

impl Held {
    fn lines(&self) -> Vec<String> {
        let ids = self.rules.iter().map(|r| r.id.len());
        let width = ids
            .chain(self.off.iter().map(|o| o.id.len()))
            .max()
            .unwrap_or(0);
        let mut lines = Vec::new();
        for rule in &self.rules {
            let id = visible(&rule.id);
            let mut line = format!("  {:<5} {id:<width$}  {}", rule.severity, rule.on.text());
            if rule.severity_from.kind != "default" && rule.severity_from != rule.on {
                let _ = write!(line, ", severity: {}", rule.severity_from.text());
            }
            lines.push(line);
            for (name, set) in &rule.options {
                let value = set.value.to_string();
                let (name, value) = (visible(name), visible(&value));
                lines.push(format!("          {name}: {value}  {}", set.from.text()));
            }
        }
        for off in &self.off {
            lines.push(format!(
                "  off   {:<width$}  {}",
                visible(&off.id),
                off.from.text()
            ));
        }
        for e in &self.excluded {
            let (rules, reason) = (e.rules.join(", "), visible(&e.reason));
            lines.push(format!("  excluded: {rules}: {reason} ({})", e.from.text()));
        }
        lines
    }
}
