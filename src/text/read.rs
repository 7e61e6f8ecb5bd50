//! Reading files: bounded, and never losing a byte's place.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// A file larger than this is not read as text; the report says so. The largest model seen in the
/// wild has under 1 MB.
pub const MAX_FILE_BYTES: u64 = 64 << 20;

/// Why a file could not be read as UTF-8 text. It never ends the run: the file becomes a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadProblem {
    /// The operating system refused; its words.
    Unreadable(String),
    /// Larger than [`MAX_FILE_BYTES`].
    TooLarge(u64),
    /// Not UTF-8: offset of the first bad byte.
    NotUtf8(usize),
    /// A UTF-16 or UTF-32 byte order mark.
    Utf16,
}

/// Reads a file as text. Bytes that are not UTF-8 become `?` one for one, so offsets stay true.
pub fn read_text(path: &Path) -> (String, Option<ReadProblem>) {
    match read_bounded(path) {
        Ok(Ok(bytes)) => decode(bytes),
        Ok(Err(size)) => (String::new(), Some(ReadProblem::TooLarge(size))),
        Err(e) => (String::new(), Some(ReadProblem::Unreadable(e.to_string()))),
    }
}

/// A line longer than this is not read by [`read_first_line`].
const MAX_LINE_BYTES: u64 = 64 << 10;

/// The first line of a file, without its end: of a seed the header, its rows are data. Empty where
/// there is none, where it is too long, or no UTF-8.
pub fn read_first_line(path: &Path) -> String {
    let open = File::open(path);
    let open = open.and_then(|file| Ok(file.metadata()?.is_file().then_some(file)));
    match open {
        Ok(Some(file)) => first_line(file),
        _ => String::new(),
    }
}

/// As [`read_first_line`], of bytes from anywhere.
pub(super) fn first_line(from: impl Read) -> String {
    let mut bytes = Vec::new();
    let mut from = BufReader::with_capacity(4096, from.take(MAX_LINE_BYTES));
    let read = from.read_until(b'\n', &mut bytes);
    if read.is_err() || (bytes.len() as u64 == MAX_LINE_BYTES && !bytes.ends_with(b"\n")) {
        return String::new();
    }
    let text = String::from_utf8(bytes).unwrap_or_default();
    text.trim_end_matches(['\r', '\n']).to_owned()
}

fn read_bounded(path: &Path) -> io::Result<Result<Vec<u8>, u64>> {
    let file = File::open(path)?;
    let meta = file.metadata()?;
    if meta.is_dir() {
        return Err(io::Error::other("is a directory"));
    }
    if !meta.is_file() {
        return Err(io::Error::other("is not a regular file"));
    }
    if meta.len() > MAX_FILE_BYTES {
        return Ok(Err(meta.len()));
    }
    let mut bytes = Vec::with_capacity(meta.len() as usize + 1);
    // The file may grow while it is read; the bound holds all the same.
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Ok(Err(bytes.len() as u64));
    }
    Ok(Ok(bytes))
}

/// Bytes as text, as [`read_text`] gives it.
pub(super) fn decode(bytes: Vec<u8>) -> (String, Option<ReadProblem>) {
    match String::from_utf8(bytes) {
        Ok(text) => (text, None),
        Err(e) => {
            let first = e.utf8_error().valid_up_to();
            let bytes = e.into_bytes();
            let utf16 = bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]);
            let problem = if utf16 {
                ReadProblem::Utf16
            } else {
                ReadProblem::NotUtf8(first)
            };
            (replace_bad_bytes(&bytes), Some(problem))
        }
    }
}

fn replace_bad_bytes(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().map(|_| '?'));
    }
    out
}

/// A file's bytes, mapped into memory when large, read when small.
///
/// Only for artifacts (manifest.json and the like), which may have hundreds of megabytes and are
/// written by dbt under a temporary name and renamed, not edited in place.
#[derive(Debug)]
pub enum MappedBytes {
    /// Read into memory.
    Read(Vec<u8>),
    /// Mapped.
    Mapped(memmap2::Mmap),
}

impl MappedBytes {
    /// Files below this are cheaper to read than to map.
    const MAP_FROM: u64 = 8 << 20;

    /// Opens a file of any size. Errors are the operating system's.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let meta = file.metadata()?;
        if !meta.is_file() {
            return Err(io::Error::other("is not a regular file"));
        }
        if meta.len() < Self::MAP_FROM {
            let mut bytes = Vec::with_capacity(meta.len() as usize);
            file.read_to_end(&mut bytes)?;
            return Ok(Self::Read(bytes));
        }
        map(&file).map(Self::Mapped)
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Read(bytes) => bytes,
            Self::Mapped(map) => map,
        }
    }
}

/// SAFETY: a mapping is sound as long as nobody truncates the file under it. dbt replaces its
/// artifacts by renaming, and a process that truncates one while we read gets us a SIGBUS, never
/// a wrong verdict. Reading 400 MB instead would double the peak memory of a run.
#[allow(unsafe_code)]
fn map(file: &File) -> io::Result<memmap2::Mmap> {
    unsafe { memmap2::Mmap::map(file) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_bytes_keep_every_offset() {
        let (text, problem) = decode(b"a\xFFb\xC3(c".to_vec());
        assert_eq!(text, "a?b?(c");
        assert_eq!(problem, Some(ReadProblem::NotUtf8(1)));
    }

    #[test]
    fn a_first_line_is_whole_or_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let line = |bytes: &[u8]| {
            let path = dir.path().join("x.csv");
            std::fs::write(&path, bytes).unwrap();
            read_first_line(&path)
        };
        assert_eq!(line(b"a,b\r\n1,2\n"), "a,b");
        assert_eq!(line(b"a,b"), "a,b");
        assert_eq!(line(b""), "");
        assert_eq!(line(b"a\xFF,b\n"), "");
        assert_eq!(line(&vec![b'x'; 70_000]), "");
        assert_eq!(read_first_line(dir.path()), "");
    }

    #[test]
    fn utf16_is_named() {
        let (text, problem) = decode(vec![0xFF, 0xFE, b'a', 0]);
        assert_eq!(text.len(), 4);
        assert_eq!(problem, Some(ReadProblem::Utf16));
    }

    #[test]
    fn what_is_no_file_is_unreadable() {
        let (_, problem) = read_text(Path::new("/"));
        assert!(matches!(problem, Some(ReadProblem::Unreadable(_))));
        assert!(MappedBytes::open(Path::new("/nonexistent")).is_err());
    }
}
