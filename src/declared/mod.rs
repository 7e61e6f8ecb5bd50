//! Rules that are data: `rule.yaml`. A filter over subjects, not a programming language: a closed
//! list of facts, scopes of a file, SQL patterns with metavariables, three-valued logic.

mod around;
mod compile;
mod condition;
mod facts;
mod file;
mod judge;
pub mod library;
mod message;
mod options;
mod own;
mod page;
pub mod pattern;
mod place;
mod predicate;
mod read;
mod reference;
mod schema;
mod scope;
mod select;
mod shared;
mod subject;

pub use compile::read;
pub(crate) use file::{Body, Example};
pub use own::{read_each, read_folder};
pub use reference::tables as reference;
pub use schema::rule as rule_schema;
pub(crate) use shared::Shared;

use crate::config::{ConfigError, Layer, PathPattern};
use crate::project::{Node, ResourceType};
use crate::rule::{Cx, Meta, Rule, Sink, Subject as RuleSubject};
use crate::syntax::yaml::{self, At};
use crate::text::{FileId, Span};
use crate::violation::{Edit, Fix, Violation};
use condition::Condition;
use facts::World;
use file::{Examples, FixPlan};
use judge::{Held, Judge, Way};
use message::Template;
use options::RuleOption;
use predicate::Verdict;
use rustc_hash::FxHashSet;
use select::{BoundKey, BoundOwned, Key, Selector};
use std::ops::Range;
use std::sync::{Arc, OnceLock};
use subject::{Of, Subject};

/// A declared rule as it was read.
#[derive(Debug, Clone)]
pub struct Declared {
    /// What it is.
    pub meta: Meta,
    /// What it does.
    pub rule: DeclaredRule,
    /// It is the team's own, not shipped.
    pub own: bool,
    /// What it is known by: code, scenario and the other parts of an incident, each with its name.
    pub incident: Vec<(&'static str, String)>,
    /// Its file, as the user knows it; empty for what ships.
    pub path: String,
    /// Its text.
    text: String,
    /// Where its id stands.
    id_span: Option<Span>,
    /// Layers that it names.
    layers: Vec<At<String>>,
    /// What a team may set, with its defaults.
    options: Vec<RuleOption>,
    pub(crate) examples: Examples,
}

/// What a rule file says, compiled.
#[derive(Debug)]
struct Plan {
    id: String,
    select: Selector,
    /// The condition is one that must hold.
    requires: bool,
    condition: Condition,
    /// Facts that the condition asks for.
    keys: Vec<Key>,
    message: Template,
    help: Option<String>,
    fix: Option<FixPlan>,
}

/// The check of a declared rule. One instance judges one project: what its selectors mean there is
/// found out once.
#[derive(Debug)]
pub struct DeclaredRule {
    plan: Arc<Plan>,
    bound: OnceLock<Bindings>,
}

#[derive(Debug)]
struct Bindings {
    select: BoundOwned,
    keys: Vec<BoundKey>,
}

impl Clone for DeclaredRule {
    fn clone(&self) -> Self {
        Self::new(self.plan.clone())
    }
}

impl Declared {
    /// Refuses the rule, at its id.
    pub fn refuse(&self, message: String) -> ConfigError {
        self.refuse_at(self.id_span, message, None)
    }

    /// Where its id stands.
    pub(crate) fn id_span(&self) -> Option<Span> {
        self.id_span
    }

    /// Where a model lies that it may choose.
    pub(crate) fn example_path(&self, layers: Option<&[Layer]>) -> String {
        self.rule.plan.select.example_path(layers)
    }

    /// Refuses a part of it.
    pub(crate) fn refuse_at(
        &self,
        span: Option<Span>,
        message: String,
        help: Option<String>,
    ) -> ConfigError {
        ConfigError {
            path: self.path.clone(),
            text: self.text.clone(),
            range: span.map(Span::range),
            message,
            help,
        }
    }
}

impl Rule for DeclaredRule {
    fn subject(&self) -> RuleSubject {
        let only = |all: &[Of]| self.plan.select.of.iter().all(|of| all.contains(of));
        let node = Of::Node;
        if only(&[node(ResourceType::Model)]) {
            RuleSubject::Models
        } else if only(&[node(ResourceType::Source)]) {
            RuleSubject::Sources
        } else if only(&[node(ResourceType::Exposure)]) {
            RuleSubject::Exposures
        } else if only(&[node(ResourceType::Test), node(ResourceType::UnitTest)]) {
            RuleSubject::Tests
        } else if only(&[Of::Column]) {
            RuleSubject::Columns
        } else if only(&[Of::Macro]) {
            RuleSubject::MacroFiles
        } else if only(&[Of::File]) {
            RuleSubject::Files
        } else {
            RuleSubject::Nodes
        }
    }

    fn project(&self, cx: &Cx, sink: &mut Sink) {
        let w = world(cx);
        for subject in self.others(w) {
            self.judge(w, subject, sink);
        }
    }

    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        if self.judges(Of::Node(ResourceType::Model)) {
            self.judge(world(cx), Subject::Node(model), sink);
        }
    }

    fn files(&self) -> Vec<PathPattern> {
        match self.judges(Of::File) {
            true => self.plan.select.paths().cloned().collect(),
            false => Vec::new(),
        }
    }
}

fn world<'a>(cx: &'a Cx) -> World<'a> {
    World {
        project: cx.project,
        shared: &cx.declared,
    }
}

impl DeclaredRule {
    fn new(plan: Arc<Plan>) -> Self {
        Self {
            plan,
            bound: OnceLock::new(),
        }
    }

    fn judges(&self, of: Of) -> bool {
        self.plan.select.of.contains(&of)
    }

    /// Subjects that are no models: those are judged one by one, each with all rules.
    fn others<'p>(&self, w: World<'p>) -> Vec<Subject<'p>> {
        let project = w.project;
        let live = |n: &&Node| n.is_own() && !n.is_disabled();
        let mut out = Vec::new();
        let mut seen: FxHashSet<Span> = FxHashSet::default();
        for node in project.nodes.iter().filter(live) {
            if node.resource_type != ResourceType::Model
                && self.judges(Of::Node(node.resource_type))
            {
                out.push(Subject::Node(node));
            }
            if self.judges(Of::Column)
                && let Some(properties) = &node.properties
            {
                // Versions of a model share what is said of all of them.
                let columns = properties
                    .columns
                    .iter()
                    .filter(|c| seen.insert(c.name.span));
                out.extend(columns.map(|c| Subject::Column(node, c)));
            }
        }
        if self.judges(Of::Macro) {
            out.extend(w.shared.macros(project).iter().map(Subject::Macro));
        }
        if self.judges(Of::Group) {
            let own = project.groups.iter().filter(|g| g.package == 0);
            out.extend(own.map(Subject::Group));
        }
        if self.judges(Of::File) {
            let mut files = project.own_file_ids();
            files.extend(&project.named);
            files.extend(project.knowledge.documents.iter().map(|d| d.file));
            files.sort_unstable();
            files.dedup();
            out.extend(files.into_iter().map(Subject::File));
        }
        out
    }

    fn judge(&self, w: World, subject: Subject, sink: &mut Sink) {
        let plan = &*self.plan;
        let bound = self.bound.get_or_init(|| Bindings {
            select: plan.select.bind(w),
            keys: plan.keys.iter().map(|k| k.bind(w)).collect(),
        });
        if plan.select.holds(&bound.select, w, subject) != Verdict::Yes {
            return;
        }
        let part = subject.text(w.project);
        let judge = Judge {
            w,
            subject,
            keys: &plan.keys,
            bound: &bound.keys,
            rule: &plan.id,
            src: &w.project.files.get(part.file).text,
            part,
        };
        let held = match judge.is_impossible(&plan.condition) {
            true => Held::default(),
            false => judge.holds(&plan.condition, &Way::default()),
        };
        if plan.requires {
            if held.verdict() == Verdict::No {
                let found = self.finding(&judge, &Way::default());
                sink.push_on(subject.node_id(), found);
            }
            return;
        }
        let mut seen: Vec<Option<Range<usize>>> = Vec::new();
        for way in &held.ways {
            // One place is one finding, in however many ways it is wrong.
            if !seen.contains(&way.place) {
                seen.push(way.place.clone());
                sink.push_on(subject.node_id(), self.finding(&judge, way));
            }
        }
    }

    fn finding(&self, judge: &Judge, way: &Way) -> Violation {
        let plan = &*self.plan;
        let project = judge.w.project;
        let texts = judge.texts(way);
        let one_line = |t: String| t.split_whitespace().collect::<Vec<_>>().join(" ");
        let shown = texts
            .iter()
            .map(|(n, t)| (n.clone(), one_line(t.clone())))
            .collect();
        let message = one_line(plan.message.fill(judge.w, judge.subject, &shown));
        let file = judge.part.file;
        let mut found = match &way.place {
            Some(place) => Violation::new(Span::new(file, place.start, place.end), message),
            None => Violation::new(judge.subject.place(project), message)
                .symbol(judge.subject.symbol(project)),
        };
        if let Some(help) = &plan.help {
            found = found.help(help);
        }
        match (&plan.fix, &way.place) {
            (Some(fix), Some(place)) if judge.is_one_run(place) => {
                let text = fix.replace.fill(judge.w, judge.subject, &texts);
                found.fix(Fix {
                    title: fix.title.clone(),
                    applicability: fix.applicability,
                    edits: vec![Edit {
                        span: Span::new(file, place.start, place.end),
                        text,
                    }],
                })
            }
            _ => found,
        }
    }
}

/// The parts of a YAML file that are no comments.
fn yaml_code(file: FileId, src: &str) -> Vec<Range<usize>> {
    let tree = yaml::parse(file, src);
    let mut out = Vec::new();
    let mut at = 0;
    for comment in &tree.comments {
        let range = comment.span.range();
        if at < range.start {
            out.push(at..range.start);
        }
        at = at.max(range.end);
    }
    if at < src.len() {
        out.push(at..src.len());
    }
    out
}

#[cfg(test)]
mod tests;
