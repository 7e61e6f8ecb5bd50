//! From files to a [`Config`]: the documents it extends, checked and laid over one another.

use super::file::{BaselineSetting, ConfigSchema, LayerFile, ManifestSetting};
use super::*;
use crate::load::Place;
use crate::selector::place_in;
use crate::syntax::yaml::{self, Node, Yaml};
use crate::text::{FileId, nearest};
use std::path::{Path, PathBuf};

/// A document of the configuration.
#[derive(Debug)]
pub struct ConfigDoc {
    /// As the user knows it: a path, or `preset staging-5cte`.
    pub name: String,
    /// Its text.
    pub text: String,
    /// Its tree; spans count in `text`.
    pub yaml: Yaml,
}

/// The preset that is configuration rather than a set of rules.
const STAGING_5CTE: &str = include_str!("staging-5cte.yml");

/// The rules that the preset `staging-5cte` switches on.
pub fn staging_5cte_rules() -> Vec<String> {
    let doc = yaml::parse(FileId(0), STAGING_5CTE);
    let rules = doc.root().and_then(|r| r.get("rules"));
    let entries = rules.map_or(Vec::new(), |r| r.entries());
    let names = entries.iter().filter_map(|(key, _)| key.as_str());
    names.map(str::to_owned).collect()
}

/// Files that extend one another are followed this far.
const MAX_EXTENDS: usize = 8;
/// So many documents in all: those that extend the same ones would be read without end.
const MAX_DOCS: usize = 100;

/// Reads the configuration of a project: the file asked for, else harness-lint.yml in the project
/// directory, else none. `ids` are the rules that may be named; ids under `ap/` are left for the
/// declared rules to check.
///
/// # Errors
/// The first thing wrong, with its place.
pub fn load(place: &Place, asked: Option<&Path>, ids: &[&str]) -> Result<Config, ConfigError> {
    let default = place.project_dir.join("harness-lint.yml");
    let path = asked.unwrap_or(&default);
    let mut chain = Chain::new(place);
    let mut shown = None;
    if asked.is_some() || place.is_file(path) {
        let name = path.to_string_lossy().into_owned();
        let name = match asked {
            Some(_) => name,
            None => "harness-lint.yml".to_owned(),
        };
        // What the user names may lie anywhere; a link in the repository may not lead out.
        if asked.is_none() && place.inside(path).is_none() {
            return Err(ConfigError {
                path: name,
                text: String::new(),
                range: None,
                message: "is a link that leads out of the repository".to_owned(),
                help: Some("name the file with --config".to_owned()),
            });
        }
        let (text, problem) = place.read_text(path);
        if let Some(problem) = problem {
            return Err(ConfigError {
                path: name,
                text: String::new(),
                range: None,
                message: format!("cannot be read: {problem:?}"),
                help: None,
            });
        }
        shown = Some(name.clone());
        chain.open.extend(path.canonicalize().ok());
        chain.add(name, text, 0)?;
    } else {
        chain.presets.push(Preset::Recommended);
    }
    build(chain, shown, ids)
}

/// A configuration from a text that is no file yet; `name` stands for it in errors.
///
/// # Errors
/// As [`load`].
pub fn from_text(
    place: &Place,
    name: &str,
    text: String,
    ids: &[&str],
) -> Result<Config, ConfigError> {
    let mut chain = Chain::new(place);
    chain.add(name.to_owned(), text, 0)?;
    build(chain, Some(name.to_owned()), ids)
}

struct Chain<'a> {
    place: &'a Place,
    docs: Vec<ConfigDoc>,
    presets: Vec<Preset>,
    /// The files that are being read, each extended by the one before it.
    open: Vec<PathBuf>,
}

/// An error in a document.
fn refuse(
    doc: &ConfigDoc,
    span: Option<Span>,
    message: impl Into<String>,
    help: Option<String>,
) -> ConfigError {
    ConfigError {
        path: doc.name.clone(),
        text: doc.text.clone(),
        range: span.map(Span::range),
        message: message.into(),
        help,
    }
}

impl<'a> Chain<'a> {
    fn new(place: &'a Place) -> Self {
        Self {
            place,
            docs: Vec::new(),
            presets: Vec::new(),
            open: Vec::new(),
        }
    }

    /// Adds a document behind those that it extends.
    fn add(&mut self, name: String, text: String, depth: usize) -> Result<(), ConfigError> {
        // Its number is not known before those it extends are added; spans are made for it then.
        let probe = parse_doc(name.clone(), text.clone(), usize::MAX)?;
        let extends = extends_of(&probe)?;
        match extends {
            None if depth == 0 => self.presets.push(Preset::Recommended),
            None => {}
            Some(list) => {
                for one in list {
                    self.extend(&probe, &one, depth)?;
                }
            }
        }
        let doc = parse_doc(name, text, self.docs.len())?;
        self.docs.push(doc);
        Ok(())
    }

    fn extend(
        &mut self,
        doc: &ConfigDoc,
        one: &At<String>,
        depth: usize,
    ) -> Result<(), ConfigError> {
        if let Some(preset) = Preset::ALL.into_iter().find(|p| p.as_str() == one.value) {
            self.presets.push(preset);
            return Ok(());
        }
        if one.value == "staging-5cte" {
            let name = "preset staging-5cte".to_owned();
            let doc = parse_doc(name, STAGING_5CTE.to_owned(), self.docs.len())?;
            self.docs.push(doc);
            return Ok(());
        }
        let Some(real) = self.place.inside(&self.place.project_dir.join(&one.value)) else {
            return Err(self.not_there(doc, one));
        };
        if self.open.contains(&real) {
            let message = format!("`{}` extends itself", one.value);
            let message = match self.open.last() == Some(&real) {
                true => message,
                false => format!("{message}, by way of this file"),
            };
            let help = Some("take it out of one of the two".to_owned());
            return Err(refuse(doc, one.span, message, help));
        }
        if depth >= MAX_EXTENDS || self.docs.len() >= MAX_DOCS {
            let message = "configurations extend one another without end";
            return Err(refuse(doc, one.span, message, None));
        }
        let (text, problem) = self.place.read_text(&real);
        if problem.is_some() {
            let message = format!("`{}` cannot be read", one.value);
            return Err(refuse(doc, one.span, message, None));
        }
        self.open.push(real);
        self.add(one.value.clone(), text, depth + 1)?;
        self.open.pop();
        Ok(())
    }

    fn not_there(&self, doc: &ConfigDoc, one: &At<String>) -> ConfigError {
        let presets = Preset::ALL.iter().map(|p| p.as_str());
        let near = nearest(&one.value, presets.chain(["staging-5cte"]));
        let near = near.map_or(String::new(), |n| format!("did you mean `{n}`? "));
        let mut help = format!(
            "{near}allowed are minimal, recommended, strict, staging-5cte, or a path inside the \
             repository, counted from the project directory"
        );
        let exists = self.place.project_dir.join(&one.value).exists();
        if !exists && one.value.starts_with("dbt_packages/") {
            help = "`dbt deps` installs packages; or take it out of `extends`".to_owned();
        }
        let message = match exists {
            true => format!("`{}` lies outside the repository", one.value),
            false => format!("`{}` is neither a preset nor a file", one.value),
        };
        refuse(doc, one.span, message, Some(help))
    }
}

fn parse_doc(name: String, text: String, number: usize) -> Result<ConfigDoc, ConfigError> {
    let yaml = yaml::parse(FileId(u32::try_from(number).unwrap_or(u32::MAX)), &text);
    let doc = ConfigDoc { name, text, yaml };
    if let Some(problem) = doc.yaml.problems.first() {
        return Err(refuse(
            &doc,
            Some(problem.span),
            problem.message.clone(),
            None,
        ));
    }
    Ok(doc)
}

fn typed(doc: &ConfigDoc) -> Result<ConfigSchema, ConfigError> {
    let Some(root) = doc.yaml.root() else {
        return Ok(ConfigSchema::default());
    };
    yaml::from_node(root).map_err(|e| refuse(doc, e.span, e.message, e.help))
}

fn extends_of(doc: &ConfigDoc) -> Result<Option<Vec<At<String>>>, ConfigError> {
    let has = doc.yaml.root().is_some_and(|r| r.get("extends").is_some());
    let typed = typed(doc)?;
    Ok(has.then_some(typed.extends.0))
}

fn build(chain: Chain, shown: Option<String>, ids: &[&str]) -> Result<Config, ConfigError> {
    let mut config = Config {
        docs: Vec::new(),
        path: shown,
        presets: chain.presets,
        dialect: None,
        manifest: ManifestSetting::default(),
        baseline: BaselineSetting::default(),
        target: None,
        vars: serde_json::Map::new(),
        classify: vec![Classifier::Path, Classifier::Prefix],
        layers: None,
        boundaries: Vec::new(),
        sources: BTreeMap::new(),
        exclude: Vec::new(),
        overrides: Vec::new(),
        rules: BTreeMap::new(),
        context: Context {
            dir: "context/sources".to_owned(),
            overview: "{source}/{source}.md".to_owned(),
            sections: Vec::new(),
            tables: None,
            configured: false,
        },
        anti_patterns: Vec::new(),
        fail_on: FailOn::default(),
    };
    for (index, doc) in chain.docs.iter().enumerate() {
        lay(&mut config, index, doc, ids)?;
    }
    config.docs = chain.docs;
    Ok(config)
}

/// Lays one document over what the weaker ones said.
fn lay(
    config: &mut Config,
    index: usize,
    doc: &ConfigDoc,
    ids: &[&str],
) -> Result<(), ConfigError> {
    let file = typed(doc)?;
    if let Some(name) = &file.dialect {
        config.dialect = Some(dialect(doc, name)?);
    }
    if let Some(manifest) = &file.manifest {
        config.manifest = ManifestSetting::from_text(manifest);
    }
    if let Some(baseline) = &file.baseline {
        config.baseline = BaselineSetting::from_text(baseline);
    }
    if let Some(target) = file.target {
        config.target = Some(target.name);
    }
    config.vars.extend(file.vars);
    if let Some(classify) = file.classify {
        config.classify = classify;
    }
    if let Some(layers) = &file.layers {
        config.layers = Some(layer_table(doc, &layers.0)?);
    }
    for boundary in &file.boundaries {
        let pattern = glob(doc, &boundary.path)?;
        if pattern.names().is_empty() {
            let help = "write the varying folder as {name}: models/{tenant}/**".to_owned();
            let message = "a boundary captures nothing";
            return Err(refuse(doc, boundary.path.span, message, Some(help)));
        }
        config.boundaries.push(pattern);
    }
    config.sources.extend(file.sources);
    let root = doc.yaml.root();
    for (exclude, node) in file.exclude.iter().zip(listed(root, "exclude")) {
        config.exclude.push(exclusion(doc, exclude, node, ids)?);
    }
    if let Some(context) = file.context {
        config.context.configured |= context.dir.is_some();
        config.context.dir = context.dir.unwrap_or_else(|| config.context.dir.clone());
        if let Some(overview) = context.overview {
            config.context.overview = overview.value;
        }
        if !context.sections.is_empty() {
            config.context.sections = context.sections;
        }
        if context.tables.is_some() {
            config.context.tables = context.tables;
        }
    }
    config.anti_patterns.extend(file.anti_patterns);
    config.fail_on = file.fail_on.unwrap_or(config.fail_on);
    if let Some(rules) = root.and_then(|r| r.get("rules")) {
        rule_settings(doc, index, rules, ids, false, &mut config.rules)?;
    }
    for (part, node) in file.overrides.iter().zip(listed(root, "overrides")) {
        let matcher = matcher(doc, part.path.as_ref(), part.select.as_ref(), node.span())?;
        let mut rules = BTreeMap::new();
        if let Some(section) = node.get("rules") {
            rule_settings(doc, index, section, ids, true, &mut rules)?;
        }
        config.overrides.push(PartSettings { matcher, rules });
    }
    Ok(())
}

/// The items of a list at the top of a document.
fn listed<'a>(root: Option<Node<'a>>, key: &str) -> impl Iterator<Item = Node<'a>> {
    let list = root.and_then(|r| r.get(key));
    list.into_iter().flat_map(|n| n.resolve().items())
}

fn dialect(doc: &ConfigDoc, name: &At<String>) -> Result<Dialect, ConfigError> {
    Dialect::from_adapter(name).ok_or_else(|| {
        let names: Vec<&str> = Dialect::ALL.iter().map(|d| d.name()).collect();
        let near = nearest(name, names.iter().copied());
        let near = near.map_or(String::new(), |n| format!("did you mean `{n}`? "));
        let help = format!("{near}allowed are {}", names.join(", "));
        refuse(
            doc,
            name.span,
            format!("unknown dialect `{}`", name.value),
            Some(help),
        )
    })
}

fn glob(doc: &ConfigDoc, text: &At<String>) -> Result<PathPattern, ConfigError> {
    PathPattern::new(text).map_err(|e| {
        let message = format!("the glob `{}` {}", text.value, e.0);
        refuse(doc, text.span, message, None)
    })
}

fn matcher(
    doc: &ConfigDoc,
    path: Option<&At<String>>,
    select: Option<&At<String>>,
    whole: Span,
) -> Result<Matcher, ConfigError> {
    match (path, select) {
        (Some(path), None) => Ok(Matcher::Path(glob(doc, path)?)),
        (None, Some(select)) => Selected::new(select, select.span)
            .map(Matcher::Select)
            .map_err(|e| {
                let whole = select.span.map(|s| (s, s.range()));
                let span = whole.map(|(span, range)| {
                    let at = place_in(&doc.text, range, select, e.range);
                    Span::new(span.file, at.start, at.end)
                });
                refuse(doc, span, e.message, e.help)
            }),
        _ => {
            let message = "exactly one of `path` and `select` must be given";
            Err(refuse(doc, Some(whole), message, None))
        }
    }
}

fn exclusion(
    doc: &ConfigDoc,
    e: &Exclude,
    node: Node,
    ids: &[&str],
) -> Result<Exclusion, ConfigError> {
    let whole = node.span();
    if e.reason.trim().is_empty() {
        let help = Some("say why: it is printed with every summary".to_owned());
        return Err(refuse(doc, e.reason.span, "the reason is empty", help));
    }
    for rule in &e.rules {
        known_rule(doc, rule, rule.span, ids, true)?;
    }
    Ok(Exclusion {
        matcher: matcher(doc, e.path.as_ref(), e.select.as_ref(), whole)?,
        rules: e.rules.clone(),
        reason: e.reason.clone(),
    })
}

fn layer_table(
    doc: &ConfigDoc,
    layers: &[(At<String>, LayerFile)],
) -> Result<Vec<Layer>, ConfigError> {
    let names: Vec<&str> = layers.iter().map(|(n, _)| n.as_str()).collect();
    let mut table = Vec::new();
    for (name, layer) in layers {
        let paths: Result<Vec<PathPattern>, ConfigError> =
            layer.path.0.iter().map(|p| glob(doc, p)).collect();
        for target in &layer.refs {
            if !names.contains(&target.as_str()) {
                let near = nearest(target, names.iter().copied());
                let near = near.map_or(String::new(), |n| format!("did you mean `{n}`? "));
                let help = format!("{near}layers are {}", names.join(", "));
                let message = format!("unknown layer `{}`", target.value);
                return Err(refuse(doc, target.span, message, Some(help)));
            }
        }
        let paths = paths?;
        if paths.is_empty() && layer.prefixes.is_empty() {
            let help = Some("give it `path`, `prefixes`, or both".to_owned());
            let message = format!("no model can be in the layer `{}`", name.value);
            return Err(refuse(doc, name.span, message, help));
        }
        table.push(Layer {
            name: name.value.clone(),
            role: layer.role.clone().unwrap_or_else(|| name.value.clone()),
            paths,
            prefixes: layer.prefixes.clone(),
            refs: layer.refs.iter().map(|r| r.value.clone()).collect(),
            sources: layer.sources,
            materialized: layer.materialized.clone(),
            leaf: layer.leaf,
            span: name.span,
        });
    }
    Ok(table)
}

fn known_rule(
    doc: &ConfigDoc,
    id: &str,
    span: Option<Span>,
    ids: &[&str],
    patterns: bool,
) -> Result<(), ConfigError> {
    let known = ids.contains(&id)
        || id.starts_with("ap/")
        || (patterns && id.ends_with('*') && ids.iter().any(|known| id_matches(id, known)));
    if known {
        return Ok(());
    }
    let near = nearest(id, ids.iter().copied());
    let help = near.map(|n| format!("did you mean `{n}`?"));
    let help = help.or_else(|| Some("`harness-lint rules` lists them".to_owned()));
    Err(refuse(doc, span, format!("unknown rule `{id}`"), help))
}

fn rule_settings(
    doc: &ConfigDoc,
    index: usize,
    section: Node,
    ids: &[&str],
    patterns: bool,
    out: &mut BTreeMap<String, RuleSetting>,
) -> Result<(), ConfigError> {
    if !section.resolve().is_mapping() && !section.is_null() {
        let message = format!("expected a mapping of rules, found {}", section.kind_name());
        return Err(refuse(doc, Some(section.span()), message, None));
    }
    for (key, value) in section.entries() {
        let id = key.as_str().unwrap_or_default();
        known_rule(doc, id, Some(key.span()), ids, patterns)?;
        let setting = out.entry(id.to_owned()).or_default();
        setting.span = Some(key.span());
        let value = value.resolve();
        if !value.is_mapping() {
            setting.switch = Some(switch(doc, value)?);
            setting.switched = Some(key.span());
            continue;
        }
        // Naming a rule with options switches it on; `severity: off` says otherwise.
        if matches!(setting.switch, None | Some(Switch::Off)) {
            setting.switch = Some(Switch::On);
            setting.switched = Some(key.span());
        }
        for (option, node) in value.entries() {
            let name = option.as_str().unwrap_or_default();
            if name == "severity" {
                setting.switch = Some(switch(doc, node)?);
                setting.switched = Some(option.span());
                continue;
            }
            let entry = DocNode {
                doc: index,
                node: node.id(),
            };
            let name = Spanned::new(name.to_owned(), option.span());
            setting.options.retain(|(n, _)| n.value != name.value);
            setting.options.push((name, entry));
        }
    }
    Ok(())
}

fn switch(doc: &ConfigDoc, node: Node) -> Result<Switch, ConfigError> {
    const ALLOWED: [&str; 5] = ["error", "warn", "info", "off", "on"];
    if let Some(on) = node.as_bool() {
        return Ok(if on { Switch::On } else { Switch::Off });
    }
    Ok(match node.as_str() {
        Some("off") => Switch::Off,
        Some("on") => Switch::On,
        Some("error") => Switch::Severity(Severity::Error),
        Some("warn") => Switch::Severity(Severity::Warn),
        Some("info") => Switch::Severity(Severity::Info),
        other => {
            let near = other.and_then(|o| nearest(o, ALLOWED));
            let near = near.map_or(String::new(), |n| format!("did you mean `{n}`? "));
            let help = format!("{near}allowed are {}", ALLOWED.join(", "));
            let found = other.map_or_else(|| node.kind_name().to_owned(), |o| format!("`{o}`"));
            let message = format!("expected a severity, found {found}");
            return Err(refuse(doc, Some(node.span()), message, Some(help)));
        }
    })
}
