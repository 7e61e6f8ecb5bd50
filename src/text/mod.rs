//! Files as text, places in them, and the only code that knows lines and columns.
//!
//! Everywhere else a place is a [`Span`]: a file and two byte offsets into the file as it lies on
//! disk, a byte order mark included. Lines and columns appear once, when a report is written.
//! (Never called "source": dbt owns that word.)

mod lines;
mod nearest;
mod overlay;
mod read;
mod visible;
mod write;

pub use lines::{LineCol, LineIndex};
pub use nearest::nearest;
pub use overlay::Overlay;
pub use read::{MAX_FILE_BYTES, MappedBytes, ReadProblem, read_first_line, read_text};
pub use visible::{blanked, commands, cut, is_hidden, one_line, visible};
pub use write::{Beside, write_whole};

use std::path::{Component, Path, PathBuf};
use std::sync::OnceLock;

/// One file of the run, by its place in [`Files`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(pub u32);

/// A half-open range of bytes, `start..end`, in one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// First byte, 0-based, counted in the file on disk.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// A span of `file`; `end` is never before `start`.
    pub fn new(file: FileId, start: usize, end: usize) -> Self {
        let start = clamp(start);
        Self {
            file,
            start,
            end: clamp(end).max(start),
        }
    }

    /// The empty span at the beginning of a file: "the whole file is meant" (1:1 in reports).
    pub fn whole(file: FileId) -> Self {
        Self::new(file, 0, 0)
    }

    /// Do they share a byte? An empty span shares those that it stands between.
    pub fn touches(self, other: Span) -> bool {
        let end = |s: Span| s.end.max(s.start + 1);
        self.file == other.file && self.start < end(other) && other.start < end(self)
    }

    /// The byte range, ready to index the file's text.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }

    /// The smallest span holding both; `self` where the files differ.
    #[must_use]
    pub fn to(self, other: Span) -> Span {
        if self.file != other.file {
            return self;
        }
        Span {
            file: self.file,
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }

    /// Does `other` lie within `self`?
    pub fn contains(self, other: Span) -> bool {
        self.file == other.file && self.start <= other.start && other.end <= self.end
    }
}

/// Files are bounded far below 4 GiB when they are read ([`MAX_FILE_BYTES`]).
fn clamp(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

/// A value and where the user wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// Pairs a value with its place.
    pub fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

/// A file's text, kept whole for the run.
#[derive(Debug)]
pub struct TextFile {
    /// Path relative to the dbt project directory, `/` on every platform, `../` for what lies
    /// outside it: dbt's `original_file_path`, and what reports print.
    pub path: String,
    /// Where the file is on disk.
    pub on_disk: PathBuf,
    /// The content. Bytes that are not UTF-8 are replaced one for one by `?`, so that every offset
    /// is an offset on disk; `problem` then says so.
    pub text: Box<str>,
    /// What was wrong with reading it, if anything was.
    pub problem: Option<ReadProblem>,
    lines: OnceLock<LineIndex>,
}

impl TextFile {
    /// A file from its parts.
    pub fn new(path: String, on_disk: PathBuf, text: String, problem: Option<ReadProblem>) -> Self {
        Self {
            path,
            on_disk,
            text: text.into_boxed_str(),
            problem,
            lines: OnceLock::new(),
        }
    }

    /// The last component of the path.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The file name without its last extension: a dbt model's name.
    pub fn stem(&self) -> &str {
        let name = self.name();
        name.rsplit_once('.').map_or(name, |(stem, _)| stem)
    }

    /// The extension in lower case, without the dot.
    pub fn extension(&self) -> String {
        let name = self.name();
        name.rsplit_once('.')
            .map_or(String::new(), |(_, e)| e.to_ascii_lowercase())
    }

    /// Line and column of a byte offset; see [`LineIndex`].
    pub fn line_col(&self, offset: u32) -> LineCol {
        self.lines
            .get_or_init(|| LineIndex::new(&self.text))
            .line_col(&self.text, offset as usize)
    }
}

/// All files of a run. Ids are given in the order of insertion.
#[derive(Debug, Default)]
pub struct Files {
    list: Vec<TextFile>,
}

impl Files {
    /// Adds a file and names it.
    pub fn push(&mut self, file: TextFile) -> FileId {
        let id = FileId(clamp(self.list.len()));
        self.list.push(file);
        id
    }

    /// Puts another text in the place of a file that was just written.
    pub fn replace(&mut self, id: FileId, file: TextFile) {
        self.list[id.0 as usize] = file;
    }

    /// The file of an id that this collection gave.
    pub fn get(&self, id: FileId) -> &TextFile {
        &self.list[id.0 as usize]
    }

    /// The text under a span; empty where the span does not lie on character boundaries.
    pub fn slice(&self, span: Span) -> &str {
        self.get(span.file).text.get(span.range()).unwrap_or("")
    }

    /// Every file with its id, in order.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &TextFile)> {
        self.list
            .iter()
            .enumerate()
            .map(|(i, f)| (FileId(clamp(i)), f))
    }

    /// How many files there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Is there no file?
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

/// `path` as seen from `base`, with `/`, and `..` where it lies outside. Both must be absolute and
/// normalised; a path on another drive is given back whole.
pub fn relative_path(path: &Path, base: &Path) -> String {
    let (mut p, mut b) = (path.components().peekable(), base.components().peekable());
    while let (Some(x), Some(y)) = (p.peek(), b.peek()) {
        if x != y {
            break;
        }
        p.next();
        b.next();
    }
    let mut parts: Vec<String> = b.map(|_| "..".to_owned()).collect();
    parts.extend(p.map(|c| c.as_os_str().to_string_lossy().into_owned()));
    parts.join("/")
}

/// A path without `.` and `..`, by its text alone.
pub fn folded(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_paths_climb_and_descend() {
        let rel = |p: &str, b: &str| relative_path(Path::new(p), Path::new(b));
        assert_eq!(rel("/r/dbt/models/a.sql", "/r/dbt"), "models/a.sql");
        assert_eq!(rel("/r/AGENTS.md", "/r/dbt"), "../AGENTS.md");
        assert_eq!(rel("/r/x/a.sql", "/r/dbt/p"), "../../x/a.sql");
        assert_eq!(rel("/r", "/r"), "");
    }

    #[test]
    fn a_span_never_ends_before_it_starts() {
        let s = Span::new(FileId(0), 5, 2);
        assert_eq!((s.start, s.end), (5, 5));
    }
}
