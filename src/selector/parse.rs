//! From the text of a selection to an expression.

use super::method::Method;
use super::{Depth, Expr, SelectorError, Term};
use std::ops::Range;

/// Reads a selection: blanks unite, commas intersect, `+` and `@` follow the graph.
///
/// # Errors
/// What is wrong, with its place in the text.
pub fn parse(text: &str) -> Result<Expr, SelectorError> {
    let mut parts = Vec::new();
    for range in words(text, 0..text.len(), char::is_whitespace) {
        parts.push(intersection(text, range)?);
    }
    match parts.len() {
        0 => Err(SelectorError {
            range: 0..text.len(),
            message: "the selection is empty".to_owned(),
            help: None,
        }),
        1 => Ok(parts.remove(0)),
        _ => Ok(Expr::Union(parts)),
    }
}

/// The places between separators, empty ones left out.
fn words(text: &str, of: Range<usize>, ends: fn(char) -> bool) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let mut start = of.start;
    for (i, c) in text[of.clone()].char_indices() {
        if ends(c) {
            out.push(start..of.start + i);
            start = of.start + i + c.len_utf8();
        }
    }
    out.push(start..of.end);
    out.retain(|r| !r.is_empty());
    out
}

fn intersection(text: &str, range: Range<usize>) -> Result<Expr, SelectorError> {
    let mut parts = Vec::new();
    let mut start = range.start;
    for part in text[range].split(',') {
        let own = start..start + part.len();
        start = own.end + 1;
        parts.push(Expr::Term(Box::new(term(text, own)?)));
    }
    match parts.len() {
        1 => Ok(parts.remove(0)),
        _ => Ok(Expr::Intersection(parts)),
    }
}

/// One criterion: `@name`, `2+config.materialized:table+1`.
pub(super) fn term(text: &str, range: Range<usize>) -> Result<Term, SelectorError> {
    let refuse = |range: Range<usize>, message: &str, help: Option<&str>| {
        Err(SelectorError {
            range,
            message: message.to_owned(),
            help: help.map(str::to_owned),
        })
    };
    let whole = &text[range.clone()];
    if whole.is_empty() {
        let around = range.start.saturating_sub(1)..(range.end + 1).min(text.len());
        let around = match text.is_char_boundary(around.start) && text.is_char_boundary(around.end)
        {
            true => around,
            false => range,
        };
        let help = Some("a comma stands between two parts, without blanks");
        return refuse(around, "nothing stands beside this comma", help);
    }
    let rest = whole.strip_prefix('@');
    let childrens_parents = rest.is_some();
    let (parents, rest) = upward(rest.unwrap_or(whole));
    let (children, inner) = downward(rest);
    if childrens_parents && children.is_some() {
        let message = "`@` in front and `+` behind exclude each other";
        let help = Some("`@` selects what is behind already, and all that it needs");
        return refuse(range, message, help);
    }
    if inner.is_empty() {
        return refuse(range, "a graph operator without a name", None);
    }
    let start = range.start + (whole.len() - rest.len());
    let (name, value) = split_method(inner);
    let value_at = start + (inner.len() - value.len());
    let name_at = start..start + name.map_or(0, str::len);
    let value_at = value_at..value_at + value.len();
    let method = match name {
        Some(name) => Method::new(name, value, name_at, value_at)?,
        None => Method::bare(value, value_at)?,
    };
    Ok(Term {
        method,
        parents,
        children,
        childrens_parents,
        indirect: None,
        range,
    })
}

/// `config.meta.owner:x`: what stands before the first colon is a method if it is made of word
/// characters and dots.
fn split_method(text: &str) -> (Option<&str>, &str) {
    match text.split_once(':') {
        Some((name, value))
            if !name.is_empty()
                && name
                    .chars()
                    .all(|c| c.is_alphanumeric() || matches!(c, '_' | '.')) =>
        {
            (Some(name), value)
        }
        _ => (None, text),
    }
}

/// `+` or `2+` in front.
fn upward(text: &str) -> (Option<Depth>, &str) {
    match text.split_once('+') {
        Some((before, rest)) => match depth(before) {
            Some(depth) => (Some(depth), rest),
            None => (None, text),
        },
        None => (None, text),
    }
}

/// `+` or `+2` behind.
fn downward(text: &str) -> (Option<Depth>, &str) {
    match text.rsplit_once('+') {
        Some((rest, after)) => match depth(after) {
            Some(depth) => (Some(depth), rest),
            None => (None, text),
        },
        None => (None, text),
    }
}

/// Digits, or nothing; a number beyond all bounds goes to the end as well.
fn depth(digits: &str) -> Option<Depth> {
    match digits.bytes().all(|b| b.is_ascii_digit()) {
        true if digits.is_empty() => Some(Depth::Any),
        true => Some(digits.parse().map_or(Depth::Any, Depth::Levels)),
        false => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{NamePattern, Wild};
    use super::*;

    fn one(text: &str) -> Term {
        match parse(text).unwrap() {
            Expr::Term(term) => *term,
            other => panic!("{other:?}"),
        }
    }

    fn error(text: &str) -> (String, String) {
        let error = parse(text).unwrap_err();
        (text[error.range].to_owned(), error.message)
    }

    #[test]
    fn graph_operators() {
        let both = one("2+a.b+3");
        assert_eq!(both.parents, Some(Depth::Levels(2)));
        assert_eq!(both.children, Some(Depth::Levels(3)));
        assert_eq!(both.method, Method::Fqn(NamePattern::new("a.b")));
        assert_eq!(one("+tag:x").parents, Some(Depth::Any));
        assert_eq!(one("a+").children, Some(Depth::Any));
        assert!(one("@a").childrens_parents);
        assert_eq!(one("0+a").parents, Some(Depth::Levels(0)));
        // A plus within a name is a part of it.
        assert_eq!(one("tag:a+b").method, Method::Tag(Wild::new("a+b")));
        let huge = one("99999999999999999999999+a");
        assert_eq!(huge.parents, Some(Depth::Any));
    }

    #[test]
    fn unions_and_intersections_know_their_places() {
        let Expr::Union(parts) = parse("  a  tag:x,path:models/b+").unwrap() else {
            panic!("a union");
        };
        let Expr::Intersection(both) = &parts[1] else {
            panic!("an intersection");
        };
        let Expr::Term(second) = &both[1] else {
            panic!("a term");
        };
        assert_eq!(second.range, 11..25);
        assert_eq!(parse("a b,c").unwrap().terms().len(), 3);
    }

    #[test]
    fn what_is_wrong_has_a_place() {
        assert_eq!(error("a tga:x").0, "tga");
        assert!(error("tga:x").1.contains("`tga`"));
        assert_eq!(error("a,,b").0, ",,");
        assert_eq!(error("a,").0, ",");
        assert_eq!(error("x @a+").0, "@a+");
        assert_eq!(error("+").0, "+");
        assert_eq!(error("tag:").0, "tag:");
        assert_eq!(error(" ").1, "the selection is empty");
        assert_eq!(error("version:newest").0, "newest");
        assert_eq!(error("é,").0, ",");
    }

    #[test]
    fn the_nearest_method_is_named() {
        let help = parse("tga:x").unwrap_err().help.unwrap();
        assert!(
            help.starts_with("did you mean `tag`? allowed are "),
            "{help}"
        );
    }
}
