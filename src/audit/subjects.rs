//! What the rules judge: pairs of a rule and a subject, and what came of each.

use crate::check::{Checked, part_of};
use crate::load::Role;
use crate::project::{Node, NodeId, Project, ResourceType};
use crate::registry::Active;
use crate::rule::Subject;
use crate::text::FileId;
use crate::violation::Severity;
use std::collections::BTreeMap;

/// A rule and something that it judges.
#[derive(Debug, Clone)]
pub struct Pair {
    /// Index of the rule.
    pub rule: usize,
    /// The node that is judged.
    pub node: Option<NodeId>,
    /// The file that is judged, where it is no node; none for the project as one.
    pub file: Option<FileId>,
    /// The severity that the rule has there.
    pub severity: Severity,
    /// Of how many parts the subject is: columns, edges; 1 where it is judged as one.
    pub parts: usize,
    /// Parts with a finding that is reported and that no baseline holds.
    pub open: usize,
    /// Of the others, parts with a finding that a baseline holds.
    pub baselined: usize,
    /// Of the others, parts with a finding that a comment suppresses.
    pub suppressed: usize,
    /// The exclusion of the configuration in which the pair lies, by its index.
    pub exclusion: Option<usize>,
    /// Parts with a finding that this exclusion keeps back.
    pub excluded: usize,
    /// The rule does not say that it judges this: a finding alone tells.
    pub unforeseen: bool,
}

impl Pair {
    /// Parts about which nobody decided that they may stay as they are.
    pub fn counted(&self) -> usize {
        match self.exclusion {
            Some(_) => 0,
            None => self.parts - self.baselined - self.suppressed,
        }
    }

    /// Parts with a finding, whoever holds it back.
    pub fn failing(&self) -> usize {
        self.open + self.baselined + self.suppressed + self.excluded
    }
}

type Key = (usize, Option<NodeId>, Option<FileId>);

/// Every pair, in order of rule and subject.
pub fn pairs(project: &Project, rules: &[Active], checked: &Checked) -> Vec<Pair> {
    let mut all: BTreeMap<Key, Pair> = BTreeMap::new();
    for (index, active) in rules.iter().enumerate() {
        for (node, file, parts) in universe(project, active) {
            let key = (index, node, file.filter(|_| node.is_none()));
            let pair = pair(project, active, key, file);
            all.entry(key).or_insert(Pair { parts: 0, ..pair }).parts += parts;
        }
    }
    let by_id: BTreeMap<&str, usize> = rules
        .iter()
        .enumerate()
        .map(|(i, r)| (&*r.meta.id, i))
        .collect();
    let mut found: BTreeMap<Key, Found> = BTreeMap::new();
    let place = |rule: &str, node: Option<NodeId>, file: FileId| {
        let index = *by_id.get(rule)?;
        let subject = subject(&rules[index]);
        let whole = subject == Subject::Project;
        let node = node.filter(|_| !whole && !is_by_file(subject));
        let file_key = Some(file).filter(|_| node.is_none() && !whole);
        Some(((index, node, file_key), file))
    };
    for f in &checked.findings {
        if let Some((key, file)) = place(&f.rule, f.node, f.primary.span.file) {
            let at = found.entry(key).or_insert_with(|| Found::at(file));
            *(if f.baselined {
                &mut at.baselined
            } else {
                &mut at.open
            }) += 1;
        }
    }
    for k in &checked.kept_back {
        if let Some((key, file)) = place(&k.rule, k.node, k.file) {
            let at = found.entry(key).or_insert_with(|| Found::at(file));
            *(match k.exclusion {
                Some(_) => &mut at.excluded,
                None => &mut at.suppressed,
            }) += 1;
        }
    }
    for (key, found) in found {
        let active = &rules[key.0];
        let entry = all.entry(key);
        let pair = entry.or_insert_with(|| Pair {
            unforeseen: true,
            ..pair(project, active, key, Some(found.file))
        });
        pair.count(&found, subject(active));
    }
    all.into_values().collect()
}

/// Is it a file that passes or fails, whatever node its findings name?
fn is_by_file(subject: Subject) -> bool {
    matches!(
        subject,
        Subject::Comments
            | Subject::Documents
            | Subject::Files
            | Subject::MacroFiles
            | Subject::PropertyFiles
            | Subject::SourceSystems
    )
}

/// Findings of one pair.
struct Found {
    file: FileId,
    open: usize,
    baselined: usize,
    suppressed: usize,
    excluded: usize,
}

impl Found {
    fn at(file: FileId) -> Self {
        Self {
            file,
            open: 0,
            baselined: 0,
            suppressed: 0,
            excluded: 0,
        }
    }
}

impl Pair {
    /// A subject of one part fails once, however often it is told.
    fn count(&mut self, found: &Found, subject: Subject) {
        let all = found.open + found.baselined + found.suppressed + found.excluded;
        match subject {
            Subject::OutputColumns => self.parts += all,
            Subject::Columns | Subject::Comments | Subject::Edges | Subject::MacroFiles => {
                self.parts = self.parts.max(all);
            }
            _ => {}
        }
        self.parts = self.parts.max(1);
        let mut left = self.parts;
        let mut take = |n: usize| {
            let taken = n.min(left);
            left -= taken;
            taken
        };
        self.open = take(found.open);
        self.baselined = take(found.baselined);
        self.suppressed = take(found.suppressed);
        self.excluded = take(found.excluded);
    }
}

/// Variants of a rule differ in options, not in what they judge.
fn subject(active: &Active) -> Subject {
    let first = active.rules.first();
    first.map_or(Subject::Models, |rule| rule.subject())
}

fn pair(project: &Project, active: &Active, key: Key, file: Option<FileId>) -> Pair {
    let (rule, node, file_key) = key;
    // The project as one lies in no file: what is set for all of it holds.
    let file = file.unwrap_or(FileId(u32::MAX));
    let instance = active.instance(part_of(project, active, node, file));
    let both = project.config.exclude.iter().zip(&project.parts.exclude);
    let mut both = both.enumerate();
    let hit = both.find(|(_, (e, part))| e.names(&active.meta.id) && part.holds(node, file));
    Pair {
        rule,
        node,
        file: file_key,
        severity: instance.severity.unwrap_or(active.meta.severity),
        parts: 1,
        open: 0,
        baselined: 0,
        suppressed: 0,
        exclusion: hit.map(|(index, _)| index),
        excluded: 0,
        unforeseen: false,
    }
}

/// What a rule judges: node, file, parts.
fn universe(project: &Project, active: &Active) -> Vec<(Option<NodeId>, Option<FileId>, usize)> {
    let of_node = |node: &Node, parts: usize| (Some(node.id), Some(node.file), parts);
    let looks = |node: &Node| {
        let instance = active.instance(part_of(project, active, Some(node.id), node.file));
        let rule = instance.rule.and_then(|index| active.rules.get(index));
        rule.is_some_and(|rule| rule.judges(project, node))
    };
    let nodes = || {
        let all = project.nodes.iter();
        all.filter(|n| n.is_own() && !n.is_disabled() && looks(n))
    };
    let of =
        |kinds: &'static [ResourceType]| nodes().filter(move |n| kinds.contains(&n.resource_type));
    let whole = |kinds| of(kinds).map(|n| of_node(n, 1)).collect();
    let columns = |kinds| -> Vec<_> {
        let listed = |n: &Node| n.properties.as_ref().map_or(0, |p| p.columns.len());
        let all = of(kinds).map(|n| of_node(n, listed(n)));
        all.filter(|(_, _, parts)| *parts > 0).collect()
    };
    let is_on = |file: FileId| {
        let instance = active.instance(part_of(project, active, None, file));
        instance.rule.is_some()
    };
    let files = |role: Option<Role>| -> Vec<_> {
        let members = project.own_files();
        let fit = members.filter(|m| role.is_none_or(|r| m.role == r) && is_on(m.file));
        fit.map(|m| (None, Some(m.file), 1)).collect()
    };
    match subject(active) {
        Subject::Models => whole(&[ResourceType::Model]),
        Subject::Sources => whole(&[ResourceType::Source]),
        Subject::Exposures => whole(&[ResourceType::Exposure]),
        Subject::Tests => whole(&[ResourceType::Test, ResourceType::UnitTest]),
        Subject::Nodes => whole(NODES),
        Subject::Columns => columns(NODES),
        Subject::OutputColumns => columns(&[ResourceType::Model]),
        Subject::Edges => {
            let parents = |n: &Node| project.graph.parents(n.id).len();
            let all = of(READERS).map(|n| of_node(n, parents(n)));
            all.filter(|(_, _, parts)| *parts > 0).collect()
        }
        Subject::Files => files(None),
        Subject::PropertyFiles => files(Some(Role::Properties)),
        Subject::MacroFiles => files(Some(Role::Macro)),
        Subject::Documents => {
            let files = project.knowledge.documents.iter().map(|d| d.file);
            files
                .filter(|f| is_on(*f))
                .map(|f| (None, Some(f), 1))
                .collect()
        }
        Subject::SourceSystems => {
            let files = project.source_systems().into_iter().map(|s| s.place.file);
            files
                .filter(|f| is_on(*f))
                .map(|f| (None, Some(f), 1))
                .collect()
        }
        Subject::Comments => {
            let files = project.suppressions.iter().map(|s| s.span.file);
            files
                .filter(|f| is_on(*f))
                .map(|f| (None, Some(f), 1))
                .collect()
        }
        Subject::Project if active.base.rule.is_some() => vec![(None, None, 1)],
        Subject::Project => Vec::new(),
    }
}

const NODES: &[ResourceType] = &[
    ResourceType::Model,
    ResourceType::Seed,
    ResourceType::Snapshot,
    ResourceType::Source,
];

/// What has parents that a direction speaks of.
const READERS: &[ResourceType] = &[
    ResourceType::Model,
    ResourceType::Snapshot,
    ResourceType::Exposure,
];
