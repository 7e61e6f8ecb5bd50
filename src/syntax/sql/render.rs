//! Pieces of evaluated Jinja to one text, and back from every byte of it to the user's file.

use super::Dialect;
use super::placeholder;
use crate::syntax::jinja::{Piece, RelationId};
use std::ops::Range;

/// Text as the SQL parser reads it, and where each part of it comes from.
#[derive(Debug, Default)]
pub struct Rendered {
    /// The text.
    pub text: String,
    segments: Vec<Segment>,
    /// Every place where a relation is printed.
    pub relations: Vec<RelationUse>,
    /// The unknowns it holds, in order.
    pub unknowns: Vec<Unknown>,
    /// Ranges of the file that stand in the text as they are.
    pub covered: Vec<Range<u32>>,
    /// Ranges of the file that print something unknown, for which nothing stands in the text.
    pub silent: Vec<Range<u32>>,
}

/// The first word of a text behind white space and comments.
fn first_word(text: &str) -> &str {
    let mut rest = text.trim_start_matches(|c: char| c.is_whitespace() || c == '(');
    loop {
        let after = if rest.starts_with("--") {
            rest.find('\n')
        } else if rest.starts_with("/*") {
            rest.find("*/").map(|i| i + 2)
        } else {
            break;
        };
        rest = rest[after.unwrap_or(rest.len())..]
            .trim_start_matches(|c: char| c.is_whitespace() || c == '(');
    }
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
    &rest[..end.unwrap_or(rest.len())]
}

/// Text that stands for something unknown.
#[derive(Debug, Clone)]
pub struct Unknown {
    /// Where it begins in the text.
    pub out: u32,
    /// Which of the possible texts it is.
    pub choice: usize,
    /// How many are possible.
    pub choices: usize,
}

/// A part of the text.
#[derive(Debug, Clone)]
struct Segment {
    /// Where it begins in the text.
    out: u32,
    /// The bytes of the file it stands for.
    src: Range<u32>,
    /// It is those bytes.
    verbatim: bool,
}

/// One printed relation.
#[derive(Debug, Clone)]
pub struct RelationUse {
    /// Which.
    pub relation: RelationId,
    /// The bytes of the file that print it.
    pub range: Range<u32>,
    /// It stands in a SQL comment.
    pub in_comment: bool,
    /// It stands in a SQL string or a quoted name.
    pub in_string: bool,
}

impl Rendered {
    fn segment_at(&self, out: u32) -> Option<&Segment> {
        let i = self.segments.partition_point(|s| s.out <= out);
        self.segments.get(i.checked_sub(1)?)
    }

    /// The bytes of the file behind a range of the text. Where the two ends lie in places that do
    /// not follow one another (an unrolled loop), the first end's place is given.
    pub fn source_range(&self, out: Range<u32>) -> Range<u32> {
        let Some(first) = self.segment_at(out.start) else {
            return 0..0;
        };
        let start = match first.verbatim {
            true => first.src.start + (out.start - first.out),
            false => first.src.start,
        };
        if out.end <= out.start {
            return start..start;
        }
        let end = match self.segment_at(out.end - 1) {
            Some(last) if last.verbatim => last.src.start + (out.end - last.out),
            Some(last) => last.src.end,
            None => start,
        };
        if end > start {
            return start..end;
        }
        start..first.src.end.max(start)
    }

    /// The bytes of the file that stand in a range of the text as they are.
    pub fn verbatim_within(&self, out: &Range<u32>) -> Vec<Range<u32>> {
        let mut found = Vec::new();
        let first = self.segments.partition_point(|s| s.out <= out.start);
        for s in &self.segments[first.saturating_sub(1)..] {
            let end = s.out + (s.src.end - s.src.start);
            if s.out >= out.end {
                break;
            }
            if s.verbatim && end > out.start {
                let from = s.src.start + out.start.saturating_sub(s.out);
                found.push(from..s.src.end - end.saturating_sub(out.end));
            }
        }
        found
    }

    /// Is the first word of the code one that begins a query?
    pub fn begins_query(&self) -> bool {
        let word = first_word(&self.text);
        ["select", "with"]
            .iter()
            .any(|w| word.eq_ignore_ascii_case(w))
    }

    /// Every part of the text that is a part of the file: (offset in the text, bytes of the file).
    pub fn verbatim_parts(&self) -> impl Iterator<Item = (u32, Range<u32>)> + '_ {
        self.segments
            .iter()
            .filter(|s| s.verbatim)
            .map(|s| (s.out, s.src.clone()))
    }
}

/// Renders pieces over the file's text `src`. Relations and unknowns get placeholders that fit
/// their position.
pub fn render(src: &str, pieces: &[Piece], dialect: Dialect) -> Rendered {
    render_with(src, pieces, dialect, &[])
}

/// As [`render`], with other than the likeliest text for some unknowns: (its number, its choice).
pub(super) fn render_with(
    src: &str,
    pieces: &[Piece],
    dialect: Dialect,
    chosen: &[(usize, usize)],
) -> Rendered {
    let mut r = Renderer {
        src,
        chosen,
        out: Rendered::default(),
        lexer: Lexer::new(dialect.backslash_escapes()),
    };
    for (i, piece) in pieces.iter().enumerate() {
        r.piece(piece, &pieces[i + 1..]);
    }
    r.out
}

struct Renderer<'a> {
    src: &'a str,
    chosen: &'a [(usize, usize)],
    out: Rendered,
    lexer: Lexer,
}

impl Renderer<'_> {
    fn push(&mut self, text: &str, src: Range<u32>, verbatim: bool) {
        self.out.segments.push(Segment {
            out: self.out.text.len() as u32,
            src,
            verbatim,
        });
        self.lexer.feed(text);
        self.out.text.push_str(text);
    }

    fn piece(&mut self, piece: &Piece, rest: &[Piece]) {
        match piece {
            Piece::Verbatim(range) => {
                let src = self.src;
                let text = &src[range.start as usize..range.end as usize];
                self.out.covered.push(range.clone());
                self.push(text, range.clone(), true);
            }
            Piece::Inserted(text, range) => self.push(text, range.clone(), false),
            Piece::Relation(id, range) => self.relation(*id, range, rest),
            Piece::Unknown(range) => self.unknown(range, rest),
        }
    }

    fn unknown(&mut self, range: &Range<u32>, rest: &[Piece]) {
        let index = self.out.unknowns.len();
        let mut choices = match self.lexer.state {
            State::Code => placeholder::choices(&self.lexer.code, &self.after(rest), index),
            _ => vec!["x".to_owned()],
        };
        let chosen = self.chosen.iter().find(|(i, _)| *i == index);
        let choice = chosen.map_or(0, |(_, c)| (*c).min(choices.len() - 1));
        self.out.unknowns.push(Unknown {
            out: self.out.text.len() as u32,
            choice,
            choices: choices.len(),
        });
        let text = choices.swap_remove(choice);
        if text.is_empty() {
            self.out.silent.push(range.clone());
        }
        self.push(&text, range.clone(), false);
    }

    fn relation(&mut self, id: RelationId, range: &Range<u32>, rest: &[Piece]) {
        self.out.relations.push(RelationUse {
            relation: id,
            range: range.clone(),
            in_comment: matches!(
                self.lexer.state,
                State::LineComment | State::BlockComment(_)
            ),
            in_string: matches!(self.lexer.state, State::Quoted(_)),
        });
        // dbt prints a quoted relation, which may follow a keyword without a blank.
        let glued_before = self.lexer.code.ends_with(|c: char| c.is_alphanumeric());
        let glued_after = self
            .after(rest)
            .starts_with(|c: char| c.is_alphanumeric() || c == '_');
        let code = self.lexer.state == State::Code;
        let before = if code && glued_before { " " } else { "" };
        let after = if code && glued_after { " " } else { "" };
        let text = format!("{before}{}{}{after}", placeholder::RELATION, id.0);
        self.push(&text, range.clone(), false);
    }

    /// What follows, far enough to see how a placeholder is glued.
    fn after(&self, rest: &[Piece]) -> String {
        let mut text = String::new();
        for piece in rest {
            match piece {
                Piece::Verbatim(r) => {
                    let whole = &self.src[r.start as usize..r.end as usize];
                    text.extend(whole.chars().take(60));
                }
                Piece::Inserted(t, _) => text.extend(t.chars().take(60)),
                Piece::Relation(..) | Piece::Unknown(_) => text.push('x'),
            }
            if text.trim_start().len() > 12 {
                break;
            }
        }
        text
    }
}

/// Where in SQL's lexical grammar a text ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Code,
    Quoted(u8),
    LineComment,
    /// Nested to a depth.
    BlockComment(u32),
}

/// Follows quotes and comments through the text as it grows, and keeps the end of the code.
struct Lexer {
    state: State,
    escapes: bool,
    /// The last code before here, comments replaced by a blank.
    code: String,
}

/// How much code is kept: more than any position looks back.
const CODE_KEPT: usize = 64;

impl Lexer {
    fn new(escapes: bool) -> Self {
        Self {
            state: State::Code,
            escapes,
            code: String::new(),
        }
    }

    fn feed(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            at = match self.state {
                State::Code => self.code_at(text, at),
                State::Quoted(quote) => self.quoted_at(text, at, quote),
                State::LineComment => match memchr::memchr(b'\n', &bytes[at..]) {
                    Some(i) => {
                        self.state = State::Code;
                        self.code.push('\n');
                        at + i + 1
                    }
                    None => bytes.len(),
                },
                State::BlockComment(depth) => self.comment_at(bytes, at, depth),
            };
        }
        if self.code.len() > 8 * CODE_KEPT {
            let mut cut = self.code.len() - CODE_KEPT;
            while !self.code.is_char_boundary(cut) {
                cut += 1;
            }
            self.code.drain(..cut);
            // Something other than white space came before, whatever was cut.
            self.code.insert(0, ';');
        }
    }

    fn code_at(&mut self, text: &str, at: usize) -> usize {
        let bytes = text.as_bytes();
        let special = |b: &u8| matches!(b, b'\'' | b'"' | b'`' | b'-' | b'/');
        let len = bytes[at..].iter().position(special);
        let end = len.map_or(bytes.len(), |l| at + l);
        self.code.push_str(&text[at..end]);
        let Some(&b) = bytes.get(end) else {
            return end;
        };
        match (b, bytes.get(end + 1)) {
            (b'-', Some(b'-')) => {
                self.state = State::LineComment;
                end + 2
            }
            (b'/', Some(b'*')) => {
                self.state = State::BlockComment(1);
                self.code.push(' ');
                end + 2
            }
            (b'\'' | b'"' | b'`', _) => {
                self.state = State::Quoted(b);
                self.code.push(b as char);
                end + 1
            }
            _ => {
                self.code.push(b as char);
                end + 1
            }
        }
    }

    fn quoted_at(&mut self, text: &str, at: usize, quote: u8) -> usize {
        let bytes = text.as_bytes();
        for i in at..bytes.len() {
            if bytes[i] == quote {
                self.state = State::Code;
                self.code.push(quote as char);
                return i + 1;
            }
            if bytes[i] == b'\\' && self.escapes && quote == b'\'' {
                return (i + 2).min(bytes.len());
            }
        }
        bytes.len()
    }

    fn comment_at(&mut self, bytes: &[u8], at: usize, depth: u32) -> usize {
        for i in at..bytes.len() {
            if bytes[i..].starts_with(b"*/") {
                self.state = match depth {
                    1 => State::Code,
                    d => State::BlockComment(d - 1),
                };
                return i + 2;
            }
        }
        bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::jinja::{Inline, Inputs, MacroLibrary, Mode, evaluate, parse};
    use proptest::prelude::*;

    fn rendered(src: &str) -> Rendered {
        let template = parse(src);
        let inputs = Inputs {
            src,
            nodes: &template.nodes,
            macros: &MacroLibrary::default(),
            package: "p",
            adapter: None,
            target: None,
            var: &|_| None,
            mode: Mode::Sql,
            inline: Inline::Touching,
            model: None,
            earlier: None,
        };
        render(src, &evaluate(&inputs).pieces, Dialect::Generic)
    }

    fn assert_maps_back(src: &str) {
        let r = rendered(src);
        for (out, range) in r.verbatim_parts() {
            let text = &src[range.start as usize..range.end as usize];
            let seen = &r.text[out as usize..out as usize + text.len()];
            assert_eq!(seen, text, "{src}");
            let back = r.source_range(out..out + text.len() as u32);
            assert_eq!(back, range, "{src}");
        }
    }

    #[test]
    fn every_verbatim_byte_maps_back() {
        for src in [
            "select a from {{ ref('x') }} where é = 1\r\n",
            "\u{feff}select {% for c in ['a', 'b'] %}{{ c }} as col_{{ c }}, {% endfor %} 1",
            "{% set q %}select 1 as ü{% endset %}with a as ({{ q }}) select * from a",
            "{%- if x -%} a {%- else -%} b {%- endif -%}",
        ] {
            assert_maps_back(src);
        }
    }

    #[test]
    fn relations_know_whether_they_stand_in_a_comment() {
        let r = rendered(
            "-- {{ ref('a') }}\n/* {{ ref('b') }} */ select '{{ ref('c') }}' from {{ ref('d') }}",
        );
        let seen: Vec<_> = r
            .relations
            .iter()
            .map(|u| (u.in_comment, u.in_string))
            .collect();
        assert_eq!(
            seen,
            [(true, false), (true, false), (false, true), (false, false)]
        );
    }

    #[test]
    fn a_relation_never_joins_a_keyword() {
        let r = rendered("select 1 from a left join{{ ref('x') }}on true");
        assert!(r.text.contains("join hl__r0 on"), "{}", r.text);
    }

    proptest! {
        #[test]
        fn any_template_maps_back(src in r#"([a-zé \n'"\-*/(),.]|\{\{ x \}\}|\{\{ ref\('m'\) \}\}|\{% if x %\}|\{% else %\}|\{% endif %\}|\{% for i in \[1, 2\] %\}|\{% endfor %\}|\{%- set a = 'b' -%\}|\{\{ a \}\}){0,40}"#) {
            assert_maps_back(&src);
        }
    }
}
