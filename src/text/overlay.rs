//! Contents that stand in for what lies on disk: what git's index holds of a file, or what an
//! older commit held.

use super::read::{ReadProblem, decode, first_line, read_first_line, read_text};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What some files are, whatever the disk says. Paths are absolute, without symlinks; a path that
/// is not in it is what lies on disk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overlay {
    files: Arc<BTreeMap<PathBuf, Option<Arc<[u8]>>>>,
    /// What the files are called, wherever they lie.
    names: Arc<BTreeSet<OsString>>,
}

impl Overlay {
    /// From files with their bytes; none for one that is not there.
    pub fn new(files: BTreeMap<PathBuf, Option<Arc<[u8]>>>) -> Self {
        let names = files.keys().filter_map(|p| p.file_name());
        Self {
            names: Arc::new(names.map(OsStr::to_owned).collect()),
            files: Arc::new(files),
        }
    }

    /// This one, and another over it.
    #[must_use]
    pub fn under(&self, over: &Overlay) -> Self {
        let both = self.files.iter().chain(over.files.iter());
        Self::new(both.map(|(p, b)| (p.clone(), b.clone())).collect())
    }

    /// Is every file what lies on disk?
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// What stands in for a file: its bytes, or that it is not there. None where the disk is to be
    /// asked. A file that is reached by a link is known by its own place too.
    fn get(&self, path: &Path) -> Option<Option<&Arc<[u8]>>> {
        if self.files.is_empty() {
            return None;
        }
        let known = self.files.get(path).or_else(|| {
            // A link, or below one: then the name is the same. Asking the disk of every file would
            // take long.
            let named = path.file_name().is_some_and(|n| self.names.contains(n));
            let may_lead_here = named || path.is_symlink();
            let real = may_lead_here.then(|| path.canonicalize().ok()).flatten()?;
            self.files.get(&real)
        });
        known.map(Option::as_ref)
    }

    /// Is a file's content here not what lies on disk?
    pub fn holds(&self, path: &Path) -> bool {
        self.get(path).is_some()
    }

    /// Is a file that may lie on disk not there?
    pub fn is_gone(&self, path: &Path) -> bool {
        self.get(path).is_some_and(|bytes| bytes.is_none())
    }

    /// Has it the content of a file?
    pub fn has(&self, path: &Path) -> bool {
        self.get(path).is_some_and(|bytes| bytes.is_some())
    }

    /// Is there such a file?
    pub fn is_file(&self, path: &Path) -> bool {
        match self.get(path) {
            Some(bytes) => bytes.is_some(),
            None => path.is_file(),
        }
    }

    /// As [`read_text`].
    pub fn read_text(&self, path: &Path) -> (String, Option<ReadProblem>) {
        match self.get(path) {
            Some(Some(bytes)) => decode(bytes.to_vec()),
            Some(None) => {
                let why = "is not there".to_owned();
                (String::new(), Some(ReadProblem::Unreadable(why)))
            }
            None => read_text(path),
        }
    }

    /// As [`read_first_line`].
    pub fn read_first_line(&self, path: &Path) -> String {
        match self.get(path) {
            Some(Some(bytes)) => first_line(&bytes[..]),
            Some(None) => String::new(),
            None => read_first_line(path),
        }
    }

    /// Files below a directory that are here and not on disk, in order.
    pub fn added<'o>(&'o self, dir: &'o Path) -> impl Iterator<Item = &'o Path> {
        let from = (Bound::Excluded(dir.to_owned()), Bound::Unbounded);
        let below = self.files.range::<PathBuf, _>(from);
        let below = below.take_while(move |(path, _)| path.starts_with(dir));
        let added = below.filter(|(path, bytes)| bytes.is_some() && !path.is_file());
        added.map(|(path, _)| path.as_path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn what_stands_in_for_the_disk() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().canonicalize().unwrap();
        for name in ["same", "other", "gone"] {
            fs::write(top.join(name), "disk").unwrap();
        }
        let bytes = |text: &str| Some(Arc::from(text.as_bytes()));
        let files = [
            ("other", bytes("here\nand there")),
            ("gone", None),
            ("a/new", bytes("new")),
            ("a-b", bytes("new")),
        ];
        let files = files.map(|(name, bytes)| (top.join(name), bytes));
        let overlay = Overlay::new(files.into_iter().collect());
        let text = |name: &str| overlay.read_text(&top.join(name));
        assert_eq!(text("same"), ("disk".to_owned(), None));
        assert_eq!(text("other").0, "here\nand there");
        assert_eq!(overlay.read_first_line(&top.join("other")), "here");
        assert!(text("gone").1.is_some() && !overlay.is_file(&top.join("gone")));
        assert!(overlay.is_file(&top.join("a/new")) && overlay.is_file(&top.join("same")));
        let below = top.join("a");
        let added: Vec<&Path> = overlay.added(&below).collect();
        assert_eq!(added, [top.join("a/new")]);
        assert_eq!(overlay.added(&top).count(), 2);
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(top.join("other"), top.join("link")).unwrap();
            assert_eq!(text("link").0, "here\nand there");
        }
    }

    #[test]
    fn one_lies_over_another() {
        let one = |name: &str, text: Option<&str>| {
            let bytes = text.map(|t| Arc::from(t.as_bytes()));
            Overlay::new([(PathBuf::from(name), bytes)].into_iter().collect())
        };
        let both = one("/none/a", Some("1")).under(&one("/none/a", None));
        assert!(both.is_gone(Path::new("/none/a")));
        assert!(
            both.under(&one("/none/a", Some("2")))
                .has(Path::new("/none/a"))
        );
    }
}
