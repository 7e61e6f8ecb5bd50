//! Bytes to lines and columns.

use memchr::memchr_iter;

/// A place as people and editors count it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineCol {
    /// 1-based line.
    pub line: u32,
    /// 1-based column in Unicode scalar values; a byte order mark has no column.
    pub col: u32,
}

/// Where each line of a text begins. A line ends after `\n`; `\r\n` is therefore one ending, and a
/// lone `\r` is an ordinary character (as for git, dbt and every editor in use).
#[derive(Debug)]
pub struct LineIndex {
    starts: Box<[u32]>,
}

impl LineIndex {
    /// Scans a text once.
    pub fn new(text: &str) -> Self {
        let starts = std::iter::once(0)
            .chain(memchr_iter(b'\n', text.as_bytes()).map(|i| i as u32 + 1))
            .collect();
        Self { starts }
    }

    /// The place of a byte offset; an offset past the end or inside a character counts as the
    /// character it falls into.
    pub fn line_col(&self, text: &str, offset: usize) -> LineCol {
        let offset = offset.min(text.len());
        let line = self.starts.partition_point(|&s| s as usize <= offset) - 1;
        let start = self.starts[line] as usize;
        let before = &text.as_bytes()[start..offset];
        // A byte that does not continue a character begins one.
        let mut chars = before.iter().filter(|&&b| (b & 0xC0) != 0x80).count();
        if line == 0 && before.starts_with("\u{feff}".as_bytes()) {
            chars -= 1;
        }
        LineCol {
            line: line as u32 + 1,
            col: chars as u32 + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, offset: usize) -> (u32, u32) {
        let p = LineIndex::new(text).line_col(text, offset);
        (p.line, p.col)
    }

    #[test]
    fn columns_count_characters_and_lines_end_after_newline() {
        let text = "aé😀b\r\nc\n";
        assert_eq!(at(text, 0), (1, 1));
        assert_eq!(at(text, text.find('b').unwrap()), (1, 4));
        assert_eq!(at(text, text.find('c').unwrap()), (2, 1));
        assert_eq!(at(text, text.len()), (3, 1));
        assert_eq!(at(text, 9_999), (3, 1));
    }

    #[test]
    fn the_byte_order_mark_has_no_column() {
        assert_eq!(at("\u{feff}select", 3), (1, 1));
        assert_eq!(at("\u{feff}select", 0), (1, 1));
    }

    #[test]
    fn an_empty_text_has_one_place() {
        assert_eq!(at("", 0), (1, 1));
    }
}
