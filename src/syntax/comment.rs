//! Suppressions: `harness-lint: ignore[rule] reason` in a comment of whatever language the file
//! is in.

use super::jinja::{Token, TokenKind};
use crate::text::{FileId, Span};
use memchr::memmem;
use std::ops::Range;

/// One suppression comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// From the mark to the end of the reason.
    pub span: Span,
    /// The rules it names; `category/*` and `*` are allowed.
    pub rules: Vec<String>,
    /// `ignore-file`: the whole file, not its own line and the one below.
    pub whole_file: bool,
    /// Why; empty where none was given.
    pub reason: String,
}

const MARK: &str = "harness-lint:";

/// The suppressions of a SQL file with Jinja: in `--`, `/* */` and `{# #}`.
pub fn in_sql(file: FileId, src: &str, tokens: &[Token]) -> Vec<Suppression> {
    if memmem::find(src.as_bytes(), MARK.as_bytes()).is_none() {
        return Vec::new();
    }
    find(file, src, &comments(src, tokens))
}

/// The suppressions of a YAML file: in `#` comments, whose places the YAML tree knows.
pub fn in_yaml(file: FileId, src: &str, comments: impl Iterator<Item = Span>) -> Vec<Suppression> {
    let comments: Vec<Range<usize>> = comments.map(Span::range).collect();
    find(file, src, &comments)
}

/// The suppressions of a Markdown file: in `<!-- -->`.
pub fn in_markdown(file: FileId, src: &str) -> Vec<Suppression> {
    let mut comments = Vec::new();
    let mut at = 0;
    while let Some(open) = memmem::find(&src.as_bytes()[at..], b"<!--").map(|i| at + i) {
        let close = memmem::find(&src.as_bytes()[open..], b"-->");
        let end = close.map_or(src.len(), |i| open + i);
        comments.push(open..end);
        at = end;
    }
    find(file, src, &comments)
}

/// The parts of a SQL file with Jinja that are neither in a SQL comment nor in a Jinja one.
pub fn code_ranges(src: &str) -> Vec<Range<usize>> {
    let mut comments = comment_ranges(src);
    comments.sort_by_key(|r| r.start);
    let mut out = Vec::new();
    let mut at = 0;
    for comment in comments {
        if at < comment.start {
            out.push(at..comment.start);
        }
        at = at.max(comment.end);
    }
    if at < src.len() {
        out.push(at..src.len());
    }
    out
}

/// The comments of a SQL file with Jinja, marks included: `--`, `/* */` and `{# #}`.
pub fn comment_ranges(src: &str) -> Vec<Range<usize>> {
    let (tokens, _) = super::jinja::lex(src);
    comments(src, &tokens)
}

/// Comments of SQL and of Jinja, outside strings.
fn comments(src: &str, tokens: &[Token]) -> Vec<Range<usize>> {
    let mut comments: Vec<Range<usize>> = Vec::new();
    let mut state = SqlState::Code;
    for token in tokens {
        let range = token.range.start as usize..token.range.end as usize;
        match token.kind {
            TokenKind::Comment => comments.push(range),
            TokenKind::Text => state.feed(src, range, &mut comments),
            _ => {}
        }
    }
    comments
}

fn find(file: FileId, src: &str, comments: &[Range<usize>]) -> Vec<Suppression> {
    let mut found = Vec::new();
    for comment in comments {
        let Some(text) = src.get(comment.clone()) else {
            continue;
        };
        for at in memmem::find_iter(text.as_bytes(), MARK.as_bytes()) {
            let line_end = text[at..].find('\n').map_or(text.len(), |i| at + i);
            let line = &text[at..line_end];
            found.extend(read(file, comment.start + at, line));
        }
    }
    found
}

/// `harness-lint: ignore[a, b] reason`, as far as the line goes.
fn read(file: FileId, at: usize, line: &str) -> Option<Suppression> {
    let rest = line.strip_prefix(MARK)?.trim_start();
    let (whole_file, rest) = match rest.strip_prefix("ignore-file") {
        Some(rest) => (true, rest),
        None => (false, rest.strip_prefix("ignore")?),
    };
    let inner = rest.trim_start().strip_prefix('[')?;
    let close = inner.find(']')?;
    let rules = inner[..close]
        .split(',')
        .map(|r| r.trim().to_owned())
        .filter(|r| !r.is_empty())
        .collect();
    let reason = inner[close + 1..]
        .trim()
        .trim_end_matches("#}")
        .trim_end_matches("*/")
        .trim_end_matches("-->")
        .trim_end_matches('-')
        .trim();
    let end = line.trim_end().len();
    Some(Suppression {
        span: Span::new(file, at, at + end),
        rules,
        whole_file,
        reason: reason.to_owned(),
    })
}

/// Follows strings and comments through the text between Jinja.
enum SqlState {
    Code,
    Quoted(u8),
    Line,
    Block,
}

impl SqlState {
    fn feed(&mut self, src: &str, range: Range<usize>, comments: &mut Vec<Range<usize>>) {
        let bytes = src.as_bytes();
        let mut start = range.start;
        let mut at = range.start;
        while at < range.end {
            let next = bytes.get(at + 1).copied();
            match (&*self, bytes[at]) {
                (SqlState::Code, b'-') if next == Some(b'-') => {
                    *self = SqlState::Line;
                    start = at;
                }
                (SqlState::Code, b'/') if next == Some(b'*') => {
                    *self = SqlState::Block;
                    start = at;
                }
                (SqlState::Code, quote @ (b'\'' | b'"' | b'`')) => *self = SqlState::Quoted(quote),
                (SqlState::Quoted(quote), b) if *quote == b => *self = SqlState::Code,
                (SqlState::Line, b'\n') => {
                    comments.push(start..at);
                    *self = SqlState::Code;
                }
                (SqlState::Block, b'*') if next == Some(b'/') => {
                    comments.push(start..at);
                    *self = SqlState::Code;
                }
                _ => {}
            }
            at += 1;
        }
        if matches!(self, SqlState::Line | SqlState::Block) {
            comments.push(start..range.end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sql(src: &str) -> Vec<Suppression> {
        let (tokens, _) = crate::syntax::jinja::lex(src);
        in_sql(FileId(0), src, &tokens)
    }

    #[test]
    fn each_comment_form_is_read() {
        let src = "-- harness-lint: ignore[sql/star-output] legacy view\n\
                   {# harness-lint: ignore[a/b, c/*] why not #}\n\
                   /* harness-lint: ignore-file[x/y] generated */ select 1";
        let found = sql(src);
        assert_eq!(found.len(), 3);
        assert_eq!(found[0].rules, ["sql/star-output"]);
        assert_eq!(found[0].reason, "legacy view");
        assert_eq!(found[1].rules, ["a/b", "c/*"]);
        assert_eq!(found[1].reason, "why not");
        assert!(found[2].whole_file);
        assert_eq!(found[2].reason, "generated");
    }

    #[test]
    fn a_string_or_a_half_written_mark_is_none() {
        assert_eq!(sql("select '-- harness-lint: ignore[a/b] x'"), []);
        assert_eq!(sql("select 1 -- harness-lint: be kind"), []);
        assert_eq!(sql("-- harness-lint: ignore a/b"), []);
    }

    #[test]
    fn a_missing_reason_is_empty() {
        assert_eq!(sql("-- harness-lint: ignore[a/b]")[0].reason, "");
        assert_eq!(sql("{#- harness-lint: ignore[a/b] -#}")[0].reason, "");
    }

    #[test]
    fn markdown() {
        let src = "# a\n<!-- harness-lint: ignore[context/broken-link] moved soon -->\nx";
        let found = in_markdown(FileId(0), src);
        assert_eq!(found[0].reason, "moved soon");
    }
}
