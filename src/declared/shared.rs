//! What declared rules find out once per run and share: tokens of files, macros, source systems.

use super::pattern::Tokens;
use super::subject::{self, MacroSubject, Subject};
use crate::load::Notice;
use crate::project::{Node, NodeId, Project};
use crate::syntax::comment;
use crate::syntax::jinja::RelationRef;
use crate::text::FileId;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// How many files' tokens are kept. Rules look at one file after another, so that few are enough:
/// all of them would cost more memory than the project itself.
const SLOTS: usize = 64;

type Slot = Mutex<Option<(FileId, Arc<Parts>)>>;

/// What is found out of a file's text when the first rule asks.
#[derive(Default)]
struct Parts {
    tokens: OnceLock<Arc<Tokens>>,
    code: OnceLock<Arc<[Range<usize>]>>,
}

/// Part of [`crate::rule::Cx`].
pub(crate) struct Shared {
    files: Vec<Slot>,
    macros: OnceLock<Vec<MacroSubject>>,
    systems: OnceLock<FxHashMap<NodeId, Vec<String>>>,
    open: OnceLock<FxHashSet<NodeId>>,
    notices: Mutex<Vec<Notice>>,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            files: (0..SLOTS).map(|_| Mutex::new(None)).collect(),
            macros: OnceLock::new(),
            systems: OnceLock::new(),
            open: OnceLock::new(),
            notices: Mutex::default(),
        }
    }
}

/// The sources that a node's file names, each once.
fn read_sources(node: &Node) -> BTreeSet<String> {
    let calls = node.sql.iter().flat_map(|s| &s.relations);
    let named = calls.filter_map(|c| match &c.relation {
        RelationRef::Source { source, .. } => source.clone(),
        _ => None,
    });
    named.collect()
}

impl Shared {
    fn parts(&self, file: FileId) -> Arc<Parts> {
        let slot = &self.files[file.0 as usize % SLOTS];
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, parts)) = &*slot
            && *known == file
        {
            return parts.clone();
        }
        let parts = Arc::<Parts>::default();
        *slot = Some((file, parts.clone()));
        parts
    }

    /// The tokens of a file.
    pub(super) fn tokens(&self, project: &Project, file: FileId) -> Arc<Tokens> {
        let make = || Arc::new(Tokens::new(&project.files.get(file).text));
        self.parts(file).tokens.get_or_init(make).clone()
    }

    /// The parts of a file of SQL that are no comments.
    pub(super) fn code(&self, project: &Project, file: FileId) -> Arc<[Range<usize>]> {
        let make = || comment::code_ranges(&project.files.get(file).text).into();
        self.parts(file).code.get_or_init(make).clone()
    }

    /// The project's own macros.
    pub(super) fn macros(&self, project: &Project) -> &[MacroSubject] {
        self.macros.get_or_init(|| subject::macros(project))
    }

    /// The source systems that a subject belongs to.
    pub(super) fn systems(&self, project: &Project, subject: Subject) -> &[String] {
        let all = self.systems.get_or_init(|| {
            let mut all: FxHashMap<NodeId, Vec<String>> = FxHashMap::default();
            for system in project.source_systems() {
                for model in &system.models {
                    all.entry(*model).or_default().push(system.name.clone());
                }
            }
            for node in &project.nodes {
                let own = all.entry(node.id).or_default();
                own.extend(node.source_name.clone());
                // A source that no property file declares is one all the same.
                if own.is_empty() {
                    own.extend(read_sources(node));
                }
            }
            all
        });
        let node = subject.node_id().and_then(|id| all.get(&id));
        node.map_or(&[], Vec::as_slice)
    }

    /// May a node read more than is known: is there a reference of it that leads nowhere?
    pub(super) fn is_open(&self, project: &Project, id: NodeId) -> bool {
        let open = self.open.get_or_init(|| {
            let all = project.unresolved.iter();
            all.map(|(node, ..)| *node).collect()
        });
        open.contains(&id)
    }

    /// A path from the project directory as one from the root of the repository.
    pub(super) fn in_root(&self, project: &Project, path: &str) -> String {
        let place = &project.place;
        let inner = place.project_dir.strip_prefix(&place.root);
        let dir = inner.map_or(String::new(), |p| p.to_string_lossy().replace('\\', "/"));
        crate::project::in_root(&dir, path)
    }

    /// Says that a rule did not look at a file to its end.
    pub(super) fn skipped(&self, rule: &str, path: &str) {
        let notice = Notice {
            what: "rule",
            path: path.to_owned(),
            why: format!("{rule} gave up: its pattern takes too many steps here"),
            line: None,
        };
        let mut all = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(notice);
    }

    /// What was not looked at to its end, in order.
    pub(crate) fn notices(&self) -> Vec<Notice> {
        let all = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = all.clone();
        all.sort();
        all.dedup();
        all
    }
}
