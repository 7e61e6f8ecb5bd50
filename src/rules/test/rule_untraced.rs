use crate::load::KnowledgeKind;
use crate::project::{Node, Project};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink, Subject};
use crate::syntax::yaml::NodeId;
use crate::text::Span;
use crate::violation::{Confidence, Severity, Violation};
use regex::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow::Borrowed;
use std::collections::{BTreeMap, BTreeSet};

/// How business rules are numbered.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RuleUntraced {
    /// A regular expression for the ids of business rules.
    #[schemars(with = "String")]
    pattern: Pattern,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
struct Pattern(Option<Regex>);

/// The size of a compiled expression is bounded, and with it the time of a match per byte.
const REGEX_BYTES: usize = 1 << 20;

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let built = RegexBuilder::new(&text).size_limit(REGEX_BYTES).build();
        match built {
            Ok(regex) if regex.is_match("") => Err(format!("`{text}` matches nothing at all")),
            Ok(regex) => Ok(Self(Some(regex))),
            Err(_) => Err(format!("`{text}` is no regular expression")),
        }
    }
}

impl Default for Pattern {
    fn default() -> Self {
        Self(Regex::new(r"\bBR-\d+\b").ok())
    }
}

impl BuiltIn for RuleUntraced {
    const META: Meta = Meta {
        id: Borrowed("test/rule-untraced"),
        severity: Severity::Warn,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!("../../../rules/test/rule-untraced/README.md")),
    };
}

impl Rule for RuleUntraced {
    fn subject(&self) -> Subject {
        Subject::Documents
    }

    fn project(&self, cx: &Cx, sink: &mut Sink) {
        let Some(pattern) = &self.pattern.0 else {
            return;
        };
        let stated = stated(cx.project, pattern);
        if stated.is_empty() {
            return;
        }
        let traced = traced(cx.project, pattern);
        for (id, place) in stated {
            if traced.contains(&same(id)) {
                continue;
            }
            let message = format!(
                "the business rule {id} is written down here, and no test names it: nobody would notice the day it stops holding"
            );
            let help = format!(
                "name {id} in the `meta`, the name or the description of the test that proves it"
            );
            sink.push(Violation::new(place, message).help(help).symbol(id));
        }
    }
}

/// `BR-7` in a document may be `br_7` in a test's name.
fn same(id: &str) -> String {
    id.to_lowercase().replace(['-', ' ', '.'], "_")
}

/// Ids and where each stands first: in documents, then in descriptions of property files.
fn stated<'p>(project: &'p Project, pattern: &Regex) -> BTreeMap<&'p str, Span> {
    let mut all = BTreeMap::new();
    let documents = project.knowledge.documents.iter();
    for document in documents.filter(|d| d.kind != KnowledgeKind::Plan) {
        let text = &project.files.get(document.file).text;
        for found in pattern.find_iter(text) {
            let place = document.span(&found.range());
            all.entry(found.as_str()).or_insert(place);
        }
    }
    for model in project.models() {
        let (Some(text), Some(properties)) = (model.description(), &model.properties) else {
            continue;
        };
        for found in pattern.find_iter(text) {
            all.entry(found.as_str()).or_insert(properties.name_span);
        }
    }
    all
}

/// Ids that tests name: in their names, `meta`, descriptions, and in the SQL of singular ones.
fn traced(project: &Project, pattern: &Regex) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let properties = project.nodes.iter().filter_map(|n| n.properties.as_ref());
    let written = properties.flat_map(|p| p.all_tests());
    let entries: BTreeMap<Span, NodeId> = written.map(|(_, t)| (t.span, t.entry)).collect();
    let tests = project
        .nodes
        .iter()
        .filter(|n| n.resource_type.is_test() && n.is_own());
    for test in tests.filter(|t| !t.is_disabled()) {
        for text in texts(project, &entries, test) {
            all.extend(pattern.find_iter(&text).map(|m| same(m.as_str())));
            // A name has no hyphens.
            let name = text.to_uppercase().replace('_', "-");
            let words = name.split(|c: char| !(c.is_alphanumeric() || c == '-'));
            for word in words {
                let parts: Vec<&str> = word.split('-').collect();
                let pairs = parts.windows(2).map(|w| w.join("-"));
                all.extend(pairs.filter(|p| pattern.is_match(p)).map(|p| same(&p)));
            }
        }
    }
    all
}

fn texts(project: &Project, entries: &BTreeMap<Span, NodeId>, test: &Node) -> Vec<String> {
    let mut texts = vec![test.name.clone()];
    let meta = test.config.get("meta").and_then(|m| m.value.as_ref());
    texts.extend(meta.map(Value::to_string));
    let tags = test.config.tags();
    texts.extend((!tags.is_empty()).then(|| tags.join(" ")));
    texts.extend(test.description().map(str::to_owned));
    match &test.test {
        None if test.sql.is_some() => texts.push(project.files.get(test.file).text.to_string()),
        None => {
            let entry = project.entry(test);
            texts.extend(entry.map(|e| e.to_json().to_string()));
        }
        Some(_) => {
            let found = entries.get(&test.place).copied();
            let tree = project.yaml.get(&test.place.file);
            let body = tree.zip(found).map(|(tree, id)| tree.node(id).to_json());
            texts.extend(body.map(|b| b.to_string()));
        }
    }
    texts
}
