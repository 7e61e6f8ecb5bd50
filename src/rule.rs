//! What a rule is.

use crate::baseline::{Entry, Idle};
use crate::config::{Config, PathPattern};
use crate::declared;
use crate::load::Notice;
use crate::project::lineage::Lineage;
use crate::project::{Edge, LayerTable, Node, NodeId, Project};
use crate::syntax::comment::Suppression;
use crate::text::{FileId, Span};
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use std::borrow::Cow;
use std::sync::OnceLock;

/// The smallest preset that holds a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Preset {
    /// At most 16 rules whose findings nobody disputes.
    Minimal,
    /// At most 40 rules, quiet on real repositories.
    Recommended,
    /// Every stable rule that needs no configuration.
    Strict,
}

impl Preset {
    /// All, the smallest first.
    pub const ALL: [Preset; 3] = [Preset::Minimal, Preset::Recommended, Preset::Strict];

    /// As it is written under `extends`.
    pub fn as_str(self) -> &'static str {
        match self {
            Preset::Minimal => "minimal",
            Preset::Recommended => "recommended",
            Preset::Strict => "strict",
        }
    }
}

/// Does a rule offer fixes?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FixAvailability {
    /// Never.
    None,
    /// On some findings.
    Sometimes,
    /// On every finding.
    Always,
}

impl FixAvailability {
    /// As it is written in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            FixAvailability::None => "none",
            FixAvailability::Sometimes => "sometimes",
            FixAvailability::Always => "always",
        }
    }
}

/// What a rule is, whoever wrote it. Summary, reasons and examples are read from its page.
#[derive(Debug, Clone)]
pub struct Meta {
    /// `category/name`, naming the defect.
    pub id: Cow<'static, str>,
    /// Severity of its findings where nothing else is said.
    pub severity: Severity,
    /// How sure its verdicts are where nothing else is said.
    pub confidence: Confidence,
    /// Does it offer fixes?
    pub fix: FixAvailability,
    /// The smallest preset that holds it; none for a rule that needs configuration.
    pub preset: Option<Preset>,
    /// Its page, `rules/<category>/<name>/README.md`.
    pub doc: Cow<'static, str>,
}

impl Meta {
    /// The part of the id before the slash: the input the rule needs.
    pub fn category(&self) -> &str {
        self.id.split('/').next().unwrap_or("")
    }

    /// Does it look at what people and agents read about the repository? That is read only where
    /// some rule does.
    pub fn reads_knowledge(&self) -> bool {
        let of_test = matches!(&*self.id, "test/rule-untraced" | "test/gap-undisclosed");
        of_test || (self.category() == "context" && self.id != "context/source-missing")
    }

    /// The page's first paragraph below its title, on one line.
    pub fn summary(&self) -> String {
        let below_title = self
            .doc
            .lines()
            .skip_while(|l| !l.starts_with("# "))
            .skip(1);
        let paragraph = below_title
            .skip_while(|l| l.trim().is_empty())
            .take_while(|l| !l.trim().is_empty());
        paragraph.map(str::trim).collect::<Vec<_>>().join(" ")
    }

    /// The text of a `## heading` of the page, without the heading.
    pub fn section(&self, heading: &str) -> Option<String> {
        let mut lines = self.doc.lines();
        lines.find(|l| l.strip_prefix("## ").is_some_and(|h| h.trim() == heading))?;
        let mut fenced = false;
        let body = lines.take_while(|l| {
            fenced ^= l.starts_with("```");
            fenced || !l.starts_with("## ")
        });
        Some(body.collect::<Vec<_>>().join("\n").trim().to_owned())
    }

    /// What to do about a finding of this rule where the finding itself says nothing: the first
    /// paragraph of the page's section "What to do".
    pub fn advice(&self) -> String {
        let section = self.section("What to do").unwrap_or_default();
        let paragraph = section.lines().take_while(|l| !l.trim().is_empty());
        paragraph.map(str::trim).collect::<Vec<_>>().join(" ")
    }
}

/// What a rule may look at. Everything is already known; a rule reads and judges.
pub struct Cx<'a> {
    /// The project.
    pub project: &'a Project,
    lineage: OnceLock<Lineage<'a>>,
    /// What declared rules share.
    pub(crate) declared: declared::Shared,
}

impl<'a> Cx<'a> {
    /// What rules may look at in a project.
    pub fn new(project: &'a Project) -> Self {
        Self {
            project,
            lineage: OnceLock::new(),
            declared: declared::Shared::default(),
        }
    }

    /// The columns of its nodes. A node is read when a rule asks for it.
    pub fn lineage(&self) -> &Lineage<'a> {
        self.lineage.get_or_init(|| Lineage::new(self.project))
    }
}

/// Takes a rule's findings. It knows whose they are.
pub struct Sink {
    node: Option<NodeId>,
    found: Vec<(Option<NodeId>, Violation)>,
    skipped: Vec<Notice>,
}

impl Sink {
    /// For findings about a node, or about no node.
    pub fn new(node: Option<NodeId>) -> Self {
        Self {
            node,
            found: Vec::new(),
            skipped: Vec::new(),
        }
    }

    /// Reports a finding about the node the rule was called for.
    pub fn push(&mut self, violation: Violation) {
        self.found.push((self.node, violation));
    }

    /// Reports a finding, if it is one.
    pub fn push_some(&mut self, violation: Option<Violation>) {
        if let Some(violation) = violation {
            self.push(violation);
        }
    }

    /// Reports a finding about another node.
    pub fn push_on(&mut self, node: Option<NodeId>, violation: Violation) {
        self.found.push((node, violation));
    }

    /// Says what the rule could not judge, so that its silence is not taken for a verdict.
    pub fn skip(&mut self, notice: Notice) {
        self.skipped.push(notice);
    }

    /// Everything reported, and what could not be judged.
    pub fn into_parts(self) -> (Vec<(Option<NodeId>, Violation)>, Vec<Notice>) {
        (self.found, self.skipped)
    }
}

/// A finding about an edge, where the child names the parent first. Rules that judge the same edge
/// know it again by its [`Violation::defect`].
pub fn on_edge(child: &Node, parent: &Node, edge: &Edge, message: impl Into<String>) -> Violation {
    let mut message = message.into();
    if edge.in_comment {
        message.push_str(" (the reference stands in a SQL comment, which dbt renders)");
    }
    let place = match &child.sql {
        Some(_) => Span::whole(child.file),
        None => child.place,
    };
    Violation::new(edge.span.unwrap_or(place), message)
        .symbol(&parent.unique_id)
        .defect(format!("{} reads {}", child.unique_id, parent.unique_id))
}

/// A finding that rests on the layer table: where layers are inferred, the folders say only what
/// was probably meant.
pub fn from_layers(table: &LayerTable, found: Violation) -> Violation {
    match table.inferred {
        true => found
            .severity(Severity::Warn)
            .confidence(Confidence::Likely),
        false => found,
    }
}

/// The first few names of nodes, in quotes.
pub fn listed(nodes: &[&Node]) -> String {
    const SHOWN: usize = 4;
    let names = nodes.iter().take(SHOWN);
    let names: Vec<String> = names.map(|n| format!("`{}`", n.display_name())).collect();
    let more = if nodes.len() > SHOWN { ", …" } else { "" };
    format!("{}{more}", names.join(", "))
}

/// A suppression comment and what came of it.
#[derive(Debug)]
pub struct SuppressionUse<'a> {
    /// The comment.
    pub suppression: &'a Suppression,
    /// Rules it names that ran on its file and that it did not suppress.
    pub idle: Vec<&'a str>,
    /// Rules it names that do not exist.
    pub unknown: Vec<&'a str>,
}

/// An entry of the baseline that holds no finding.
#[derive(Debug)]
pub struct IdleEntry<'a> {
    /// The entry.
    pub entry: &'a Entry,
    /// Where it stands.
    pub span: Span,
    /// Why it holds none.
    pub why: Idle,
}

/// How far from a change a rule's verdict may change, where configuration stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// On what changed, and on its direct parents and children: the rule looks at a node, its own
    /// entry and file, and at what stands beside it in the graph. Which layer a node is in, and
    /// whether a name exists, it may ask too.
    Near,
    /// Anywhere: the rule looks further along the graph, compares nodes that no edge joins, counts
    /// all of them, or reads other files than those of the node.
    Project,
}

/// What a rule judges, one by one: the denominators of pass rates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// Enabled models of the project.
    Models,
    /// Tables of its sources.
    Sources,
    /// Its exposures.
    Exposures,
    /// Its tests.
    Tests,
    /// Models, seeds, snapshots and tables of sources, whatever their columns.
    Nodes,
    /// Of those, the columns that their entries list.
    Columns,
    /// Of models, the columns that they put out: those listed and those that are found missing.
    OutputColumns,
    /// The edges that lead to a node.
    Edges,
    /// Files of the project.
    Files,
    /// Of those, property files.
    PropertyFiles,
    /// Of those, files of macros.
    MacroFiles,
    /// What people and agents read.
    Documents,
    /// The systems that data comes from.
    SourceSystems,
    /// Suppression comments.
    Comments,
    /// The project as one.
    Project,
}

/// A check. It overrides the grain it needs; it does no I/O, returns no error and calls no other
/// rule.
pub trait Rule: Send + Sync {
    /// Ids of rules that say more of a defect than this one: where one of them reports the same
    /// [`Violation::defect`], this rule's finding goes.
    fn yields_to(&self) -> &'static [&'static str] {
        &[]
    }

    /// How far a change can be felt. Near is a promise: where every finding away from a change is of
    /// such rules, `--changed` takes them for old ones without looking. A rule that yields reaches
    /// as far as those to which it yields.
    fn reach(&self) -> Reach {
        Reach::Project
    }

    /// Files outside dbt's folders that it looks at, from the project directory or the root: they are
    /// read where some rule asks for them.
    fn files(&self) -> Vec<PathPattern> {
        Vec::new()
    }

    /// What it judges. A finding about anything else is a subject of its own.
    fn subject(&self) -> Subject {
        Subject::Models
    }

    /// Is this node, of the kind that it judges, one that it looks at? [`Rule::model`] is called for
    /// no other model; what it leaves alone has not passed it.
    fn judges(&self, _project: &Project, _node: &Node) -> bool {
        true
    }

    /// Once for the whole project.
    fn project(&self, _cx: &Cx, _sink: &mut Sink) {}

    /// Once per enabled model of the project itself.
    fn model(&self, _cx: &Cx, _model: &Node, _sink: &mut Sink) {}

    /// Once per file of the project itself, models' files included.
    fn file(&self, _cx: &Cx, _file: FileId, _sink: &mut Sink) {}

    /// Once, when every other rule has run: which suppressions there are and what they did.
    fn suppressions(&self, _cx: &Cx, _all: &[SuppressionUse], _sink: &mut Sink) {}

    /// Once, when all findings are known: which entries of the baseline hold none of them.
    fn baseline(&self, _cx: &Cx, _idle: &[IdleEntry], _sink: &mut Sink) {}
}

/// A rule compiled into the binary. Its fields are its options.
pub trait BuiltIn: Rule + Default + DeserializeOwned + JsonSchema + 'static {
    /// What it is.
    const META: Meta;

    /// Does a part of the configuration outside `rules` ask for it, whatever the presets say?
    fn is_asked_for(_config: &Config) -> bool {
        false
    }
}
