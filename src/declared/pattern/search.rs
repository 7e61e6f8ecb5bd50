//! Searching a file's tokens for a pattern.

use super::{Part, Pattern, normal};
use crate::syntax::token::{self, Kind, Token};
use rustc_hash::FxHashMap;
use std::ops::Range;

/// A file's tokens, ready to be searched by any number of patterns.
#[derive(Debug)]
pub struct Tokens {
    /// Without statements of Jinja.
    plain: Row,
    /// With them, where the file has any.
    full: Option<Row>,
}

#[derive(Debug)]
struct Row {
    tokens: Vec<Token>,
    /// What each is compared by.
    texts: Vec<Box<str>>,
    /// Where each word stands.
    words: FxHashMap<Box<str>, Vec<u32>>,
}

/// How many steps a search may take; what is cut off is said, never guessed.
#[derive(Debug)]
struct Budget {
    left: u64,
}

/// Steps for each token of a file, over all starts of one pattern.
const STEPS_PER_TOKEN: u64 = 256;

/// A place that fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// Bytes of the file.
    pub range: Range<usize>,
    /// What each metavariable stands for, in the pattern's order, as bytes of the file.
    pub bound: Vec<Option<Range<usize>>>,
}

impl Tokens {
    /// The tokens of a file.
    pub fn new(src: &str) -> Self {
        let all = token::tokens(src);
        let statement = |t: &Token| {
            let text = &src[t.range.start as usize..t.range.end as usize];
            text.starts_with("{%") && t.kind == Kind::Open
        };
        match all.iter().any(statement) {
            false => Self {
                plain: Row::new(src, all),
                full: None,
            },
            true => Self {
                plain: Row::new(src, without_statements(src, &all)),
                full: Some(Row::new(src, all)),
            },
        }
    }

    /// The tokens without statements of Jinja, and the text by which each is compared.
    pub(in crate::declared) fn plain(&self) -> (&[Token], &[Box<str>]) {
        (&self.plain.tokens, &self.plain.texts)
    }

    /// The text of a range as patterns compare it: case, layout and quotes of names aside.
    pub(in crate::declared) fn normal(&self, range: &Range<usize>) -> String {
        let row = self.full.as_ref().unwrap_or(&self.plain);
        let from = row
            .tokens
            .partition_point(|t| (t.range.start as usize) < range.start);
        let inside = row.tokens[from..]
            .iter()
            .zip(&row.texts[from..])
            .take_while(|(t, _)| t.range.end as usize <= range.end);
        let mut out = String::new();
        for (token, text) in inside {
            out.push(if token.kind == Kind::Text { '\'' } else { ' ' });
            out.push_str(text);
        }
        out
    }

    /// Does nothing but white space stand between the tokens of a range: no comment, no statement
    /// of Jinja?
    pub(in crate::declared) fn is_one_run(&self, src: &str, range: &Range<usize>) -> bool {
        let tokens = &self.plain.tokens;
        let from = tokens.partition_point(|t| (t.range.start as usize) < range.start);
        let mut at = range.start;
        for token in &tokens[from..] {
            if token.range.end as usize > range.end {
                break;
            }
            let gap = src.get(at..token.range.start as usize).unwrap_or("?");
            if !gap.trim().is_empty() {
                return false;
            }
            at = token.range.end as usize;
        }
        src.get(at..range.end).is_some_and(|g| g.trim().is_empty())
    }

    /// Are the words of a pattern there at all?
    pub(in crate::declared) fn may_have(&self, pattern: &Pattern) -> bool {
        let row = self.full.as_ref().unwrap_or(&self.plain);
        pattern.words.iter().all(|w| row.words.contains_key(w))
    }

    /// Every match within a range of bytes, in order; of matches that overlap the first. The second
    /// part says whether the search came to its end.
    pub fn find(&self, pattern: &Pattern, within: Range<usize>) -> (Vec<Match>, bool) {
        let row = match (&self.full, pattern.statements) {
            (Some(full), true) => full,
            _ => &self.plain,
        };
        if pattern.words.iter().any(|w| !row.words.contains_key(w)) {
            return (Vec::new(), true);
        }
        let from = row
            .tokens
            .partition_point(|t| (t.range.start as usize) < within.start);
        let to = row
            .tokens
            .partition_point(|t| (t.range.end as usize) <= within.end);
        let mut budget = Budget {
            left: (to.saturating_sub(from) as u64 + 64) * STEPS_PER_TOKEN,
        };
        let mut found = Vec::new();
        let mut at = from;
        for start in row.starts(pattern, from, to) {
            if start < at {
                continue;
            }
            let mut search = Search {
                row,
                pattern,
                to,
                bound: vec![None; pattern.names.len()],
                budget: &mut budget,
            };
            let Some(end) = search.fit(0, start) else {
                if budget.left == 0 {
                    return (found, false);
                }
                continue;
            };
            let bytes = |r: &Range<usize>| row.bytes(r);
            found.push(Match {
                range: row.bytes(&(start..end)),
                bound: search.bound.iter().map(|b| b.as_ref().map(bytes)).collect(),
            });
            at = end.max(start + 1);
        }
        (found, true)
    }
}

/// The tokens outside `{% … %}`, with partners counted anew.
fn without_statements(src: &str, all: &[Token]) -> Vec<Token> {
    let mut kept = Vec::with_capacity(all.len());
    let mut place = vec![u32::MAX; all.len()];
    let mut index = 0;
    while let Some(token) = all.get(index) {
        let text = &src[token.range.start as usize..token.range.end as usize];
        if token.kind == Kind::Open && text.starts_with("{%") {
            index = (token.partner as usize).max(index) + 1;
            continue;
        }
        place[index] = kept.len() as u32;
        kept.push(token.clone());
        index += 1;
    }
    for (at, token) in kept.iter_mut().enumerate() {
        let partner = place[token.partner as usize];
        token.partner = if partner == u32::MAX {
            at as u32
        } else {
            partner
        };
    }
    kept
}

impl Row {
    fn new(src: &str, tokens: Vec<Token>) -> Self {
        let text = |t: &Token| normal(t.kind, &src[t.range.start as usize..t.range.end as usize]);
        let texts: Vec<Box<str>> = tokens.iter().map(text).collect();
        let mut words: FxHashMap<Box<str>, Vec<u32>> = FxHashMap::default();
        for (index, token) in tokens.iter().enumerate() {
            if matches!(token.kind, Kind::Word | Kind::Quoted) {
                words
                    .entry(texts[index].clone())
                    .or_default()
                    .push(index as u32);
            }
        }
        Self {
            tokens,
            texts,
            words,
        }
    }

    /// Where a match may begin, in order.
    fn starts<'a>(
        &'a self,
        pattern: &'a Pattern,
        from: usize,
        to: usize,
    ) -> Box<dyn Iterator<Item = usize> + 'a> {
        let first = match pattern.parts.first() {
            Some(Part::Token {
                kind: Kind::Word,
                text,
                ..
            }) => self.words.get(text),
            _ => None,
        };
        match first {
            Some(places) => {
                let places = places.iter().map(|p| *p as usize);
                Box::new(places.filter(move |p| (from..to).contains(p)))
            }
            None => Box::new(from..to),
        }
    }

    fn bytes(&self, tokens: &Range<usize>) -> Range<usize> {
        let start = self.tokens[tokens.start].range.start as usize;
        let last = tokens.end.max(tokens.start + 1) - 1;
        start..self.tokens[last].range.end as usize
    }
}

struct Search<'a> {
    row: &'a Row,
    pattern: &'a Pattern,
    /// Tokens from here on are out of reach.
    to: usize,
    bound: Vec<Option<Range<usize>>>,
    budget: &'a mut Budget,
}

impl Search<'_> {
    /// The end of a match of the parts from `part` on, at a token.
    fn fit(&mut self, part: usize, at: usize) -> Option<usize> {
        let mut part = part;
        let mut at = at;
        // Tokens that stand for themselves need no way back.
        loop {
            self.budget.left = self.budget.left.checked_sub(1)?;
            match self.pattern.parts.get(part) {
                None => return Some(at),
                Some(Part::Token {
                    kind, text, glued, ..
                }) => {
                    if !self.is(at, *kind, text) || (*glued && part > 0 && self.splits(at)) {
                        return None;
                    }
                    part += 1;
                    at += 1;
                }
                Some(Part::Operand(name)) => return self.operand(*name, part, at),
                Some(Part::Ellipsis) => return self.ellipsis(part, at),
            }
        }
    }

    /// A dot or a bracket that is glued in the pattern may stand apart in the file; two parts of one
    /// name may not.
    fn splits(&self, at: usize) -> bool {
        let name = |i: usize| {
            let token = &self.row.tokens[i];
            let jinja = token.kind != Kind::Word && &*self.row.texts[i] == "{{";
            matches!(token.kind, Kind::Word | Kind::Number) || jinja
        };
        at > 0 && name(at) && !self.row.tokens[at].glued && name(at - 1)
    }

    fn is(&self, at: usize, kind: Kind, text: &str) -> bool {
        if at >= self.to {
            return false;
        }
        let token = &self.row.tokens[at];
        let names = [Kind::Word, Kind::Quoted];
        let alike = token.kind == kind || (names.contains(&kind) && names.contains(&token.kind));
        alike && *self.row.texts[at] == *text
    }

    fn operand(&mut self, name: Option<usize>, part: usize, at: usize) -> Option<usize> {
        if part == 0 && self.continues_a_name(at) {
            return None;
        }
        let mut ends = self.operand_ends(at);
        // A pattern that ends with an operand takes all of it.
        if part + 1 == self.pattern.parts.len() {
            ends.truncate(1);
        }
        for end in ends {
            let before = name.and_then(|n| self.bound[n].clone());
            if let Some(before) = &before
                && !self.same(before, &(at..end))
            {
                continue;
            }
            if let Some(n) = name {
                self.bound[n] = Some(at..end);
            }
            if let Some(done) = self.fit(part + 1, end) {
                return Some(done);
            }
            if let Some(n) = name {
                self.bound[n] = before;
            }
        }
        None
    }

    fn continues_a_name(&self, at: usize) -> bool {
        let glued = self.row.tokens.get(at).is_some_and(|t| t.glued);
        let dot = at > 0 && &*self.row.texts[at - 1] == ".";
        let name = at > 0 && glued && self.row.tokens[at - 1].kind == Kind::Word;
        dot || (name && self.row.tokens[at].kind != Kind::Symbol && &*self.row.texts[at] != "(")
    }

    /// Where an operand that begins here may end, the longest first.
    fn operand_ends(&self, start: usize) -> Vec<usize> {
        let mut ends = Vec::new();
        let mut at = start;
        while let Some(end) = self.primary(at) {
            ends.push(end);
            at = end;
            // What is glued on is the same name (`a_{{ x }}`), brackets are a call or an index.
            while at < self.to {
                let token = &self.row.tokens[at];
                let text = &*self.row.texts[at];
                let call = token.kind == Kind::Open && matches!(text, "(" | "[");
                let more = call && self.row.tokens[at - 1].kind != Kind::Number
                    || token.glued && matches!(token.kind, Kind::Word | Kind::Number)
                    || token.glued && text == "{{";
                let keyword = self.row.tokens[at - 1].kind == Kind::Word
                    && is_keyword(&self.row.texts[at - 1]);
                if !more || keyword {
                    break;
                }
                at = self.group_end(at);
                ends.push(at);
            }
            if at < self.to && &*self.row.texts[at] == "." {
                at += 1;
                continue;
            }
            break;
        }
        ends.reverse();
        ends
    }

    /// The end of one name, literal or bracketed group.
    fn primary(&self, at: usize) -> Option<usize> {
        if at >= self.to {
            return None;
        }
        let token = &self.row.tokens[at];
        match token.kind {
            Kind::Word if is_keyword(&self.row.texts[at]) => None,
            Kind::Word | Kind::Quoted | Kind::Text | Kind::Number => Some(at + 1),
            Kind::Open if token.partner as usize > at && self.group_end(at) <= self.to => {
                Some(self.group_end(at))
            }
            Kind::Symbol if &*self.row.texts[at] == "*" => {
                // A star is an operand in a list and behind a dot, and an operator elsewhere.
                let before = at.checked_sub(1).map(|i| &*self.row.texts[i]);
                matches!(before, Some("." | "," | "(" | "select" | "distinct")).then_some(at + 1)
            }
            _ => None,
        }
    }

    fn group_end(&self, at: usize) -> usize {
        (self.row.tokens[at].partner as usize).max(at) + 1
    }

    fn ellipsis(&mut self, part: usize, at: usize) -> Option<usize> {
        let mut at = at;
        loop {
            if let Some(done) = self.fit(part + 1, at) {
                return Some(done);
            }
            if self.budget.left == 0 || at >= self.to {
                return None;
            }
            let token = &self.row.tokens[at];
            let ends = token.kind == Kind::Close || &*self.row.texts[at] == ";";
            if ends {
                return None;
            }
            at = self.group_end(at);
        }
    }

    fn same(&self, a: &Range<usize>, b: &Range<usize>) -> bool {
        let kind = |i: usize| self.row.tokens[i].kind;
        a.len() == b.len()
            && a.clone().zip(b.clone()).all(|(i, j)| {
                self.row.texts[i] == self.row.texts[j]
                    && ((kind(i) == Kind::Text) == (kind(j) == Kind::Text))
            })
    }
}

/// Words that begin or end a clause: an operand is none of them.
fn is_keyword(word: &str) -> bool {
    const KEYWORDS: [&str; 40] = [
        "and",
        "as",
        "asc",
        "between",
        "by",
        "cross",
        "desc",
        "distinct",
        "else",
        "except",
        "from",
        "full",
        "group",
        "having",
        "if",
        "ilike",
        "in",
        "inner",
        "intersect",
        "is",
        "join",
        "lateral",
        "left",
        "like",
        "limit",
        "not",
        "on",
        "or",
        "order",
        "outer",
        "over",
        "partition",
        "qualify",
        "right",
        "select",
        "then",
        "union",
        "using",
        "when",
        "where",
    ];
    const CALLS: [&str; 3] = ["left", "right", "if"];
    KEYWORDS.contains(&word) && !CALLS.contains(&word) || word == "with"
}
