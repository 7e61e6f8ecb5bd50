//! What people and agents read about a repository: context files, AGENTS.md and CLAUDE.md, docs.
//! Bounded in number and size, never outside the root.

use super::Place;
use crate::text::{FileId, Files, TextFile, relative_path};
use std::collections::BTreeSet;
use std::path::Path;
use walkdir::{DirEntry, WalkDir};

/// What a file is to its reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KnowledgeKind {
    /// Below the directory of context files.
    Context,
    /// AGENTS.md, CLAUDE.md: what an agent is told.
    Guide,
    /// README.md and everything else.
    Doc,
    /// A plan, a proposal, a changelog: it speaks of what is not there yet, or no longer.
    Plan,
}

/// A file that was read.
#[derive(Debug, Clone)]
pub struct KnowledgeFile {
    /// Its text.
    pub file: FileId,
    /// What it is.
    pub kind: KnowledgeKind,
    /// Its path from the root.
    pub from_root: String,
}

/// Files that hold knowledge, and the names of all files round them.
#[derive(Debug, Clone, Default)]
pub struct KnowledgeFiles {
    /// In order of path.
    pub files: Vec<KnowledgeFile>,
    /// Paths of files and directories from the root, with `/`.
    pub tree: BTreeSet<String>,
    /// A bound was reached: more may be there.
    pub partial: bool,
    /// It was looked at all.
    pub looked: bool,
}

/// Bounds: entries of the tree, its depth, files that are read, bytes of one.
const MAX_ENTRIES: usize = 100_000;
const MAX_DEPTH: usize = 16;
const MAX_FILES: usize = 2_000;
const MAX_BYTES: u64 = 1 << 20;

/// Directories that others fill.
const NOT_HERE: &[&str] = &[
    ".git",
    "node_modules",
    "target",
    "dbt_packages",
    "dbt_modules",
    "dbt_internal_packages",
    "venv",
    ".venv",
    "env",
    "site-packages",
    "__pycache__",
    "logs",
    "build",
    "dist",
];

/// Is a path, from the root, below a directory that others fill? Nothing is known of it.
pub fn is_generated(path: &str) -> bool {
    path.split('/').any(|part| NOT_HERE.contains(&part))
}

/// Reads what is there. `context` is the directory of context files, from the project directory.
pub fn knowledge(place: &Place, context: &str, files: &mut Files) -> KnowledgeFiles {
    let mut out = KnowledgeFiles {
        looked: true,
        ..KnowledgeFiles::default()
    };
    let context = place.inside(&place.project_dir.join(context));
    let entries = WalkDir::new(&place.root)
        .max_depth(MAX_DEPTH)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|e| e.depth() == 0 || !is_skipped(e));
    for (count, entry) in entries.enumerate() {
        if count >= MAX_ENTRIES {
            out.partial = true;
            break;
        }
        let Ok(entry) = entry else {
            out.partial = true;
            continue;
        };
        if entry.depth() == 0 {
            continue;
        }
        if place.overlay.is_gone(entry.path()) {
            continue;
        }
        let from_root = relative_path(entry.path(), &place.root);
        out.partial |= entry.depth() == MAX_DEPTH && entry.file_type().is_dir();
        if entry.file_type().is_file()
            && let Some(kind) = kind(place, context.as_deref(), entry.path(), &from_root)
        {
            read(place, entry.path(), kind, &from_root, files, &mut out);
        }
        out.tree.insert(from_root);
    }
    add_what_is_not_on_disk(place, context.as_deref(), files, &mut out);
    // Of several projects, none answers for the pages that all of them share.
    let is_project = |p: &&String| {
        let name = p.rsplit('/').next();
        name == Some("dbt_project.yml") && !p.contains("integration_tests/")
    };
    if out.tree.iter().filter(is_project).count() > 1 {
        let project = relative_path(&place.project_dir, &place.root);
        let project = format!("{project}/");
        let own = |f: &KnowledgeFile| {
            let inside = project == "./" || project == "/" || f.from_root.starts_with(&project);
            inside || f.kind != KnowledgeKind::Doc && f.kind != KnowledgeKind::Plan
        };
        out.files.retain(own);
    }
    out
}

/// Files that stand in the overlay alone, and their folders.
fn add_what_is_not_on_disk(
    place: &Place,
    context: Option<&Path>,
    files: &mut Files,
    out: &mut KnowledgeFiles,
) {
    let added: Vec<&Path> = place.overlay.added(&place.root).collect();
    for path in &added {
        let from_root = relative_path(path, &place.root);
        if is_generated(&from_root) {
            continue;
        }
        if let Some(kind) = kind(place, context, path, &from_root) {
            read(place, path, kind, &from_root, files, out);
        }
        let folders = from_root.match_indices('/').map(|(at, _)| &from_root[..at]);
        out.tree.extend(folders.map(str::to_owned));
        out.tree.insert(from_root);
    }
    if !added.is_empty() {
        let key = |f: &KnowledgeFile| {
            f.from_root
                .split('/')
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        out.files.sort_by_cached_key(key);
    }
}

fn is_skipped(entry: &DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy();
    entry.file_type().is_dir() && NOT_HERE.contains(&&*name)
}

/// What a file is; none for one that is not read.
fn kind(
    place: &Place,
    context: Option<&Path>,
    path: &Path,
    from_root: &str,
) -> Option<KnowledgeKind> {
    let lower = from_root.to_lowercase();
    let name = lower.rsplit('/').next().unwrap_or(&lower);
    let is_markdown = name.ends_with(".md");
    if context.is_some_and(|c| path.starts_with(c)) {
        let readable = is_markdown || name.ends_with(".yaml") || name.ends_with(".yml");
        return readable.then_some(KnowledgeKind::Context);
    }
    if !is_markdown {
        return None;
    }
    // What belongs to another project of the repository is that project's.
    let near = path.starts_with(&place.project_dir)
        || !lower.contains('/')
        || ["docs/", ".claude/", ".github/"]
            .iter()
            .any(|d| lower.starts_with(d));
    if !near {
        return None;
    }
    if matches!(name, "agents.md" | "claude.md") {
        return Some(KnowledgeKind::Guide);
    }
    const PASSING: [&str; 19] = [
        "plan",
        "brainstorm",
        "proposal",
        "refactor",
        "remediation",
        "rfc",
        "roadmap",
        "todo",
        "changelog",
        "history",
        "archive",
        "draft",
        "migration",
        "release",
        "spec",
        "idea",
        "adr",
        "contributing",
        "template",
    ];
    Some(match PASSING.iter().any(|w| lower.contains(w)) {
        true => KnowledgeKind::Plan,
        false => KnowledgeKind::Doc,
    })
}

fn read(
    place: &Place,
    path: &Path,
    kind: KnowledgeKind,
    from_root: &str,
    files: &mut Files,
    out: &mut KnowledgeFiles,
) {
    let is_small = path.metadata().is_ok_and(|m| m.len() <= MAX_BYTES);
    if !(is_small || place.overlay.has(path)) || out.files.len() >= MAX_FILES {
        out.partial = true;
        return;
    }
    let (text, problem) = place.read_text(path);
    if problem.is_some() {
        return;
    }
    let rel = relative_path(path, &place.project_dir);
    let file = files.push(TextFile::new(rel, path.to_owned(), text, None));
    out.files.push(KnowledgeFile {
        file,
        kind,
        from_root: from_root.to_owned(),
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn knowledge_is_read_and_nothing_outside_the_root() {
        let tmp = tempfile::tempdir().unwrap();
        let top = tmp.path().canonicalize().unwrap();
        let write = |path: &str| {
            let path = top.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        };
        for path in [
            "repo/AGENTS.md",
            "repo/docs/plans/next.md",
            "repo/other/notes.md",
            "repo/dbt/context/sources/erp/erp.md",
            "repo/dbt/context/sources/erp/tables/a.yaml",
            "repo/dbt/dbt_packages/x/README.md",
            "else/out.md",
        ] {
            write(path);
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(top.join("else/out.md"), top.join("repo/docs/link.md")).unwrap();
        let place = Place::new(top.join("repo/dbt"), top.join("repo"));
        let mut files = Files::default();
        let found = knowledge(&place, "context/sources", &mut files);
        let read: Vec<(&str, KnowledgeKind)> = found
            .files
            .iter()
            .map(|f| (files.get(f.file).path.as_str(), f.kind))
            .collect();
        assert_eq!(
            read,
            [
                ("../AGENTS.md", KnowledgeKind::Guide),
                ("context/sources/erp/erp.md", KnowledgeKind::Context),
                ("context/sources/erp/tables/a.yaml", KnowledgeKind::Context),
                ("../docs/plans/next.md", KnowledgeKind::Plan),
            ]
        );
        assert!(found.tree.contains("other/notes.md") && found.tree.contains("dbt"));
        assert!(!found.partial);
        assert!(is_generated("dbt/target/x.sql") && !is_generated("dbt/models/x.sql"));
    }
}
