//! Which files lie below a directory that is no resource path of dbt's: names, and texts that are
//! asked for.

use super::Place;
use crate::text::relative_path;
use std::collections::BTreeSet;
use std::io::ErrorKind::NotFound;
use std::path::Path;
use walkdir::WalkDir;

/// Deeper than this, and after this many entries, nothing is listed.
const MAX_DEPTH: usize = 12;
const MAX_ENTRIES: usize = 100_000;
/// A larger file is not read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// The files below a directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Below {
    /// The directory is there, inside the root.
    pub exists: bool,
    /// Paths relative to it, with `/`.
    pub files: BTreeSet<String>,
    /// The bounds were reached or a directory could not be read: more may be there.
    pub partial: bool,
}

/// Lists the files below `dir`, a path relative to the project directory. Links are followed while
/// they stay inside the root.
pub fn files_below(place: &Place, dir: &str) -> Below {
    let wanted = place.project_dir.join(dir);
    let Some(dir) = place.inside(&wanted).filter(|d| d.is_dir()) else {
        return added(place, &wanted);
    };
    let mut below = Below {
        exists: true,
        ..added(place, &dir)
    };
    let entries = WalkDir::new(&dir)
        .follow_links(true)
        .max_depth(MAX_DEPTH)
        .into_iter()
        .filter_entry(|e| !e.path_is_symlink() || place.inside(e.path()).is_some());
    for (count, entry) in entries.enumerate() {
        if count >= MAX_ENTRIES {
            below.partial = true;
            break;
        }
        match entry {
            Ok(e) if place.overlay.is_gone(e.path()) => {}
            Ok(e) if e.file_type().is_file() => {
                below.files.insert(relative_path(e.path(), &dir));
            }
            Ok(e) => below.partial |= e.depth() == MAX_DEPTH,
            // A link in a circle, or to nothing, hides nothing.
            Err(e) => below.partial |= e.io_error().is_some_and(|e| e.kind() != NotFound),
        }
    }
    below
}

/// The text of one of them; none for one that is not text, is too large or leaves the root.
pub fn read_below(place: &Place, dir: &str, file: &str) -> Option<String> {
    let path = place.inside(&place.project_dir.join(dir).join(file))?;
    if path.metadata().is_ok_and(|m| m.len() > MAX_BYTES) {
        return None;
    }
    let (text, problem) = place.read_text(&path);
    problem.is_none().then_some(text)
}

/// What is there beside what lies on disk.
fn added(place: &Place, dir: &Path) -> Below {
    let files = place.overlay.added(dir).map(|p| relative_path(p, dir));
    let files: BTreeSet<String> = files.collect();
    Below {
        exists: !files.is_empty(),
        files,
        partial: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn files_are_listed_by_path_and_nothing_outside_the_root() {
        let tmp = tempfile::tempdir().unwrap();
        let top = tmp.path().canonicalize().unwrap();
        fs::create_dir_all(top.join("repo/dbt")).unwrap();
        fs::create_dir_all(top.join("repo/context/erp/tables")).unwrap();
        fs::write(top.join("repo/context/erp/erp.md"), "").unwrap();
        fs::write(top.join("repo/context/erp/tables/a.yaml"), "").unwrap();
        fs::create_dir_all(top.join("else")).unwrap();
        fs::write(top.join("else/x.md"), "").unwrap();
        let place = Place::new(top.join("repo/dbt"), top.join("repo"));
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(top.join("else"), top.join("repo/context/out")).unwrap();
            std::os::unix::fs::symlink("nothing", top.join("repo/context/gone")).unwrap();
            std::os::unix::fs::symlink(top.join("repo/context"), top.join("repo/context/loop"))
                .unwrap();
        }
        let below = files_below(&place, "../context");
        let files: Vec<&str> = below.files.iter().map(String::as_str).collect();
        assert_eq!(files, ["erp/erp.md", "erp/tables/a.yaml"]);
        assert!(below.exists && !below.partial);
        assert_eq!(files_below(&place, "../../else"), Below::default());
        assert_eq!(files_below(&place, "nowhere"), Below::default());
    }
}
