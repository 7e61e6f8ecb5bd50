//! All files or none.

use super::Change;
use crate::error::RunError;
use crate::load::Place;
use crate::text::{Beside, write_whole};
use std::fs;
use std::io;

/// Replaces the files. Every new content is complete on the disk, beside the old one, before the
/// first file is replaced; a file that is not what was read any more stops it all. Where a file
/// cannot be replaced, those that were are given back their old contents.
///
/// # Errors
/// A file changed, leads elsewhere now, or cannot be written.
pub(super) fn write(place: &Place, changes: &[Change]) -> Result<(), RunError> {
    replace(place, changes, Beside::take_its_place)
}

fn replace(
    place: &Place,
    changes: &[Change],
    put: impl Fn(Beside) -> io::Result<()>,
) -> Result<(), RunError> {
    let mut ready = Vec::new();
    for change in changes {
        unchanged(place, change)?;
        let bytes = change.after.as_bytes();
        let beside = Beside::new(&change.on_disk, bytes)
            .map_err(|e| failed(change, &format!("cannot be written: {e}")))?;
        if !beside.holds(bytes) {
            return Err(failed(
                change,
                "was not written to the disk as it was meant",
            ));
        }
        ready.push((change, beside));
    }
    let mut done: Vec<&Change> = Vec::new();
    for (change, beside) in ready {
        let put = unchanged(place, change).and_then(|()| {
            put(beside).map_err(|e| failed(change, &format!("cannot be replaced: {e}")))
        });
        if let Err(error) = put {
            return Err(given_back(&done, error));
        }
        done.push(change);
    }
    Ok(())
}

/// Is the file still where it was, and what was read?
fn unchanged(place: &Place, change: &Change) -> Result<(), RunError> {
    // The overlay says what is to come; the disk is asked.
    let real = change.on_disk.canonicalize().ok();
    if real.is_none_or(|r| r != change.on_disk || !r.starts_with(&place.root)) {
        return Err(failed(change, "is not where it was read"));
    }
    match fs::read(&change.on_disk) {
        Ok(bytes) if bytes == change.before.as_bytes() => Ok(()),
        Ok(_) => Err(failed(change, "changed while it was being fixed")),
        Err(e) => Err(failed(change, &format!("cannot be read: {e}"))),
    }
}

/// Gives files that were replaced their old contents. What happened is the error; where not even
/// this works, it says which files have the new ones.
fn given_back(done: &[&Change], error: RunError) -> RunError {
    let lost = done
        .iter()
        .filter(|c| write_whole(&c.on_disk, &c.before).is_err());
    let lost: Vec<&str> = lost.map(|c| c.path.as_str()).collect();
    match (error, lost.is_empty()) {
        (RunError::Input { path, why, .. }, false) => RunError::Input {
            path,
            why,
            help: Some(format!(
                "these files were fixed already: {}",
                lost.join(", ")
            )),
        },
        (error, _) => error,
    }
}

fn failed(change: &Change, why: &str) -> RunError {
    RunError::Input {
        path: change.path.clone(),
        why: why.to_owned(),
        help: Some("no file was changed; run it again".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::path::Path;

    fn place(dir: &Path) -> Place {
        Place::new(dir.to_owned(), dir.to_owned())
    }

    fn changes(dir: &Path, names: &[&str]) -> Vec<Change> {
        let change = |name: &&str| {
            fs::write(dir.join(name), format!("old {name}")).unwrap();
            Change {
                path: (*name).to_owned(),
                on_disk: dir.join(name),
                before: format!("old {name}"),
                after: format!("new {name}"),
            }
        };
        names.iter().map(change).collect()
    }

    fn contents(dir: &Path) -> Vec<String> {
        let mut all: Vec<_> = fs::read_dir(dir)
            .unwrap()
            .map(|e| e.unwrap().path())
            .collect();
        all.sort();
        all.iter().map(|p| fs::read_to_string(p).unwrap()).collect()
    }

    #[test]
    fn all_files_are_replaced() {
        let tmp = tempfile::tempdir().unwrap();
        let dir = tmp.path().canonicalize().unwrap();
        let changes = changes(&dir, &["a", "b"]);
        write(&place(&dir), &changes).unwrap();
        assert_eq!(contents(&dir), ["new a", "new b"]);
    }

    #[test]
    fn where_one_cannot_be_replaced_none_is() {
        let tmp = tempfile::tempdir().unwrap();
        let dir = tmp.path().canonicalize().unwrap();
        let changes = changes(&dir, &["a", "b", "c"]);
        let count = Cell::new(0);
        let second_fails = |beside: Beside| {
            count.set(count.get() + 1);
            match count.get() {
                2 => Err(io::Error::other("no")),
                _ => beside.take_its_place(),
            }
        };
        let error = replace(&place(&dir), &changes, second_fails).unwrap_err();
        assert_eq!(error.to_string(), "b: cannot be replaced: no");
        assert_eq!(contents(&dir), ["old a", "old b", "old c"]);
    }

    #[test]
    fn what_changed_meanwhile_is_left_alone() {
        let tmp = tempfile::tempdir().unwrap();
        let dir = tmp.path().canonicalize().unwrap();
        let changes = changes(&dir, &["a", "b"]);
        let saved = |beside: Beside| {
            if beside.path().ends_with("a") {
                fs::write(dir.join("b"), "somebody's").unwrap();
            }
            beside.take_its_place()
        };
        let error = replace(&place(&dir), &changes, saved).unwrap_err();
        assert_eq!(error.to_string(), "b: changed while it was being fixed");
        assert_eq!(contents(&dir), ["old a", "somebody's"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_put_in_the_way_is_not_followed() {
        let tmp = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        let dir = tmp.path().canonicalize().unwrap();
        let changes = changes(&dir, &["a"]);
        fs::rename(dir.join("a"), outside.path().join("a")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("a"), dir.join("a")).unwrap();
        assert!(write(&place(&dir), &changes).is_err());
        let kept = fs::read_to_string(outside.path().join("a")).unwrap();
        assert_eq!(kept, "old a");
    }

    #[cfg(unix)]
    #[test]
    fn permissions_stay() {
        use std::os::unix::fs::PermissionsExt;
        let tmp = tempfile::tempdir().unwrap();
        let dir = tmp.path().canonicalize().unwrap();
        let changes = changes(&dir, &["a"]);
        fs::set_permissions(dir.join("a"), fs::Permissions::from_mode(0o640)).unwrap();
        write(&place(&dir), &changes).unwrap();
        let mode = fs::metadata(dir.join("a")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
    }
}
