//! Edits of one text.

use crate::violation::Edit;

/// May two edits not be made together? They share a byte or meet, so that one would decide what the
/// other finds. Insertions of whole lines behind the same line are the exception: those of a YAML
/// list stand below one another in any order.
pub(super) fn clash(a: &Edit, b: &Edit) -> bool {
    if a.span.file != b.span.file || a.span.end < b.span.start || b.span.end < a.span.start {
        return false;
    }
    let lines = |e: &Edit| e.span.start == e.span.end && e.text.starts_with(['\n', '\r']);
    // Two lines that go stand one behind the other.
    let gone = |e: &Edit| e.text.is_empty();
    let meet = a.span.end == b.span.start || b.span.end == a.span.start;
    let apart = (lines(a) && lines(b) && a.text != b.text) || (gone(a) && gone(b) && meet);
    !apart
}

/// Do the edits of one fix lie in the text, apart from one another?
pub(super) fn fits(text: &str, edits: &[&Edit]) -> bool {
    let inside = edits.iter().all(|e| text.get(e.span.range()).is_some());
    let mut sorted: Vec<&&Edit> = edits.iter().collect();
    sorted.sort_by_key(|e| e.span);
    inside
        && sorted
            .windows(2)
            .all(|w| w[0].span.end <= w[1].span.start && w[0].span != w[1].span)
}

/// The text with the edits made. They lie in it and do not overlap; those at one place are made in
/// the order in which they are given.
pub(super) fn splice(text: &str, edits: &[&Edit]) -> String {
    let mut sorted: Vec<&&Edit> = edits.iter().collect();
    sorted.sort_by_key(|e| e.span);
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for edit in sorted {
        let range = edit.span.range();
        out.push_str(text.get(from..range.start).unwrap_or_default());
        out.push_str(&edit.text);
        from = range.end;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{FileId, Span};

    fn edit(start: usize, end: usize, text: &str) -> Edit {
        Edit {
            span: Span::new(FileId(0), start, end),
            text: text.to_owned(),
        }
    }

    #[test]
    fn bytes_outside_the_edits_stay() {
        let (a, b, c) = (edit(6, 8, "ü"), edit(0, 0, "\u{feff}"), edit(3, 4, ""));
        assert_eq!(
            splice("abc\rdef\ngh", &[&a, &b, &c]),
            "\u{feff}abcdeügh".to_owned()
        );
    }

    #[test]
    fn edits_that_meet_wait_for_each_other() {
        let insert = |text| edit(4, 4, text);
        assert!(clash(&edit(0, 4, "x"), &edit(3, 5, "")));
        assert!(clash(&edit(0, 4, "x"), &insert("y")));
        assert!(clash(&insert("x"), &insert("y")));
        assert!(clash(&insert("\n- x"), &insert("\n- x")));
        assert!(!clash(&insert("\n- x"), &insert("\n- y")));
        assert!(!clash(&edit(0, 4, ""), &edit(4, 6, "")));
        assert!(!clash(&edit(0, 4, "x"), &edit(5, 6, "y")));
        let mut other = edit(0, 4, "x");
        other.span.file = FileId(1);
        assert!(!clash(&edit(0, 4, "x"), &other));
    }

    #[test]
    fn edits_lie_in_the_text() {
        let text = "aäb";
        assert!(fits(text, &[&edit(0, 1, "x"), &edit(1, 3, "")]));
        assert!(!fits(text, &[&edit(0, 2, "")]));
        assert!(!fits(text, &[&edit(4, 9, "")]));
        assert!(!fits(text, &[&edit(0, 3, ""), &edit(1, 4, "")]));
    }
}
