//! Files outside dbt's folders that somebody names by their paths: workflows, documents, tools'
//! configurations. Bounded in number and size, never outside the root.

use crate::config::PathPattern;
use crate::load::{Place, is_generated};
use crate::syntax::yaml::{self, Yaml};
use crate::text::{FileId, Files, TextFile, relative_path};
use rustc_hash::FxHashSet;
use walkdir::WalkDir;

/// Bounds: entries that are looked at, their depth, files that are read, bytes of one.
const MAX_ENTRIES: usize = 100_000;
const MAX_DEPTH: usize = 16;
const MAX_FILES: usize = 2_000;
const MAX_BYTES: u64 = 1 << 20;

/// Reads the files whose paths, from the project directory or from the root, match a glob, and that
/// were not read before; with its tree each that is YAML. In order of path.
pub(super) fn named(
    place: &Place,
    globs: &[PathPattern],
    files: &mut Files,
) -> Vec<(FileId, Option<Yaml>)> {
    if globs.is_empty() {
        return Vec::new();
    }
    let known: FxHashSet<String> = files.iter().map(|(_, f)| f.path.clone()).collect();
    let mut out = Vec::new();
    let entries = WalkDir::new(&place.root)
        .max_depth(MAX_DEPTH)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|e| !is_generated(&e.file_name().to_string_lossy()) || e.depth() == 0);
    for entry in entries.take(MAX_ENTRIES).flatten() {
        if out.len() >= MAX_FILES {
            break;
        }
        let small = entry.metadata().is_ok_and(|m| m.len() <= MAX_BYTES);
        // A link is not followed: what it leads to has a path of its own, or is not the project's.
        if !entry.file_type().is_file() || !small {
            continue;
        }
        let from_root = relative_path(entry.path(), &place.root);
        let path = relative_path(entry.path(), &place.project_dir);
        let wanted = globs
            .iter()
            .any(|g| g.matches(&from_root) || g.matches(&path));
        if !wanted || known.contains(&path) {
            continue;
        }
        let (text, problem) = place.read_text(entry.path());
        let on_disk = entry.path().to_owned();
        let file = files.push(TextFile::new(path, on_disk, text, problem));
        let text = files.get(file);
        let is_yaml = matches!(text.extension().as_str(), "yml" | "yaml");
        let tree = is_yaml.then(|| yaml::parse(file, &text.text));
        out.push((file, tree));
    }
    out
}
