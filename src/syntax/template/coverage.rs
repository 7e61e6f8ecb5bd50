//! Which bytes of a file reached the SQL parser.

use std::ops::Range;

/// Ranges of a file, in any order, that may overlap.
#[derive(Debug, Default)]
pub struct Coverage {
    ranges: Vec<Range<u32>>,
}

impl Coverage {
    /// These ranges.
    pub fn new(ranges: Vec<Range<u32>>) -> Self {
        Self { ranges }
    }

    /// Adds ranges.
    pub fn extend(&mut self, ranges: impl IntoIterator<Item = Range<u32>>) {
        self.ranges.extend(ranges);
    }

    /// Makes the ranges ordered and apart from one another.
    fn merge(&mut self) {
        self.ranges.sort_by_key(|r| r.start);
        self.ranges.dedup_by(|next, here| {
            let touches = next.start <= here.end;
            if touches {
                here.end = here.end.max(next.end);
            }
            touches
        });
    }

    /// The number of bytes in it, white space aside. White space is left out because Jinja's `{%-`
    /// takes some of it away, which changes no SQL.
    pub fn inked(&mut self, src: &str) -> u32 {
        self.merge();
        self.ranges.iter().map(|r| ink(src, r)).sum()
    }

    /// The number of its bytes that stand in `other` too, white space aside.
    pub fn inked_within(&mut self, src: &str, other: &mut Coverage) -> u32 {
        self.merge();
        other.merge();
        let mut total = 0;
        let mut rest = &self.ranges[..];
        for r in &other.ranges {
            rest = &rest[rest.partition_point(|c| c.end <= r.start)..];
            for c in rest.iter().take_while(|c| c.start < r.end) {
                total += ink(src, &(c.start.max(r.start)..c.end.min(r.end)));
            }
        }
        total
    }
}

fn ink(src: &str, range: &Range<u32>) -> u32 {
    let bytes = &src.as_bytes()[range.start as usize..range.end as usize];
    bytes.iter().filter(|b| !b.is_ascii_whitespace()).count() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_counted_once() {
        let src = "ab cd ef";
        let mut c = Coverage::new(vec![3..5, 0..4, 7..8]);
        assert_eq!(c.inked(src), 5);
        let mut other = Coverage::new(vec![4..7, 1..2]);
        assert_eq!(c.inked_within(src, &mut other), 2);
        assert_eq!(other.inked(src), 3);
    }
}
