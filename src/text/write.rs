//! Writing files: whole or not at all.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Replaces a file, or makes it: the text is written beside it, brought to the disk and given its
/// name. What is a link is replaced by a file; what it leads to is left alone.
///
/// # Errors
/// The operating system's; then nothing has changed.
pub fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    Beside::new(path, text.as_bytes())?.take_its_place()
}

/// New content of a file, complete on the disk beside it and not in its place yet. What is dropped
/// without having taken it is removed.
#[derive(Debug)]
pub struct Beside {
    path: PathBuf,
    beside: PathBuf,
    placed: bool,
}

impl Beside {
    /// Writes the content beside `path`, with the permissions of what is there.
    ///
    /// # Errors
    /// The operating system's; then nothing is left behind.
    pub fn new(path: &Path, bytes: &[u8]) -> io::Result<Self> {
        let (beside, mut file) = open_beside(path)?;
        let written = Self {
            path: path.to_owned(),
            beside,
            placed: false,
        };
        file.write_all(bytes)?;
        match fs::symlink_metadata(path) {
            Ok(old) if old.is_file() => file.set_permissions(old.permissions())?,
            _ => {}
        }
        file.sync_all()?;
        Ok(written)
    }

    /// The file that it is for.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Is it on the disk as it was meant?
    pub fn holds(&self, bytes: &[u8]) -> bool {
        fs::read(&self.beside).is_ok_and(|there| there == bytes)
    }

    /// Replaces the file.
    ///
    /// # Errors
    /// The operating system's; then nothing has changed.
    pub fn take_its_place(mut self) -> io::Result<()> {
        fs::rename(&self.beside, &self.path)?;
        self.placed = true;
        Ok(())
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if !self.placed {
            // Whatever kept it from its place is the error to tell.
            let _ = fs::remove_file(&self.beside);
        }
    }
}

/// A new file in the directory of `path`.
fn open_beside(path: &Path) -> io::Result<(PathBuf, fs::File)> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut last = io::Error::other("no name is free");
    for attempt in 0..16 {
        let beside = path.with_file_name(format!(".{name}.{}.{attempt}", std::process::id()));
        match OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&beside)
        {
            Ok(file) => return Ok((beside, file)),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => last = e,
            Err(e) => return Err(e),
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_is_left_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.yml");
        write_whole(&path, "one").unwrap();
        write_whole(&path, "two").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        assert!(write_whole(&dir.path().join("no/such/x"), "x").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_not_written_through() {
        let dir = tempfile::tempdir().unwrap();
        let (target, link) = (dir.path().join("target"), dir.path().join("link"));
        fs::write(&target, "kept").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        write_whole(&link, "new").unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "kept");
        assert_eq!(fs::read_to_string(&link).unwrap(), "new");
    }
}
