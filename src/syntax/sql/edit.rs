//! Edits of SQL that keep its author's layout. On text alone: places of the tree are often short,
//! and whoever asks knows what stands there.

use std::ops::Range;

/// The word that follows a place, with nothing but white space between.
pub fn word_after(src: &str, at: usize) -> Option<Range<usize>> {
    let rest = src.get(at..)?;
    let start = at + (rest.len() - rest.trim_start().len());
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let len = src[start..].find(|c| !word(c)).unwrap_or(src.len() - start);
    (len > 0).then_some(start..start + len)
}

/// Keywords in the case of another.
pub fn cased(words: &str, like: &str) -> String {
    match like.chars().any(char::is_lowercase) {
        true => words.to_owned(),
        false => words.to_ascii_uppercase(),
    }
}

/// The blanks that the line of a place begins with.
pub fn indent(src: &str, at: usize) -> &str {
    let before = src.get(..at).unwrap_or_default();
    let start = before.rfind('\n').map_or(0, |i| i + 1);
    let line = src[start..].trim_start_matches('\u{feff}');
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

/// The file's line end.
pub fn newline(src: &str) -> &'static str {
    match src.contains("\r\n") {
        true => "\r\n",
        false => "\n",
    }
}

/// A `*` that is a whole select list gives way to names, one a line: what is replaced, and by what.
/// `select` and `star` are where those stand. None where anything but white space stands between
/// `select`, the star and `from`.
pub fn listed(
    src: &str,
    select: Range<usize>,
    star: Range<usize>,
    names: &[&str],
) -> Option<(Range<usize>, String)> {
    let between = src.get(select.end..star.start)?;
    let from = word_after(src, star.end).filter(|w| src[w.clone()].eq_ignore_ascii_case("from"))?;
    if src.get(star.clone())? != "*" || !between.trim().is_empty() {
        return None;
    }
    let end = newline(src);
    if between.contains('\n') {
        let separator = format!(",{end}{}", indent(src, star.start));
        return Some((star, names.join(&separator)));
    }
    let outer = indent(src, select.start);
    let unit = if outer.contains('\t') { "\t" } else { "    " };
    let lines: Vec<String> = names
        .iter()
        .map(|n| format!("{end}{outer}{unit}{n}"))
        .collect();
    let text = format!("{}{end}{outer}", lines.join(","));
    Some((select.end..from.start, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(src: &str) -> Option<String> {
        let select = src.find("select")?;
        let star = src.find('*')?;
        let (range, text) = listed(src, select..select + 6, star..star + 1, &["a", "b"])?;
        let mut out = src.to_owned();
        out.replace_range(range, &text);
        Some(out)
    }

    #[test]
    fn a_star_gives_way_to_names() {
        let gives = |src, wanted: &str| assert_eq!(list(src).as_deref(), Some(wanted), "{src}");
        gives(
            "x (\n  select * from y\n)",
            "x (\n  select\n      a,\n      b\n  from y\n)",
        );
        gives("select\n  *\nfrom y", "select\n  a,\n  b\nfrom y");
        gives("select *\r\nfrom y", "select\r\n    a,\r\n    b\r\nfrom y");
        gives(
            "\u{feff}\tselect * from y",
            "\u{feff}\tselect\n\t\ta,\n\t\tb\n\tfrom y",
        );
        assert_eq!(list("select /* c */ * from y"), None);
        assert_eq!(list("select *, 1 from y"), None);
        assert_eq!(list("select * -- c\nfrom y"), None);
    }

    #[test]
    fn words_keep_the_case_of_others() {
        assert_eq!(cased("is null", "NULL"), "IS NULL");
        assert_eq!(cased("is null", "Null"), "is null");
        assert_eq!(word_after("a  distinct(b)", 1), Some(3..11));
        assert_eq!(word_after("a -- b", 1), None);
    }
}
