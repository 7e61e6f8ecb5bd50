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

/// Texts are numbered: a search compares numbers.
#[derive(Debug)]
pub(in crate::declared) struct Row {
    pub(in crate::declared) tokens: Vec<Token>,
    /// What each is compared by, as a number.
    texts: Vec<u32>,
    /// The text of each number.
    names: Vec<Box<str>>,
    numbers: FxHashMap<Box<str>, u32>,
    /// Where the tokens of each number stand: those of number `n` are
    /// `places[first[n]..first[n + 1]]`.
    first: Vec<u32>,
    places: Vec<u32>,
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

    /// The tokens without statements of Jinja.
    pub(in crate::declared) fn plain(&self) -> &Row {
        &self.plain
    }

    /// The text of a range as patterns compare it: case, layout and quotes of names aside.
    pub(in crate::declared) fn normal(&self, range: &Range<usize>) -> String {
        let row = self.full.as_ref().unwrap_or(&self.plain);
        let from = row
            .tokens
            .partition_point(|t| (t.range.start as usize) < range.start);
        let inside =
            (from..row.tokens.len()).take_while(|i| row.tokens[*i].range.end as usize <= range.end);
        let mut out = String::new();
        for index in inside {
            let is_text = row.tokens[index].kind == Kind::Text;
            out.push(if is_text { '\'' } else { ' ' });
            out.push_str(row.text(index));
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
        pattern.words.iter().all(|w| row.numbers.contains_key(w))
    }

    /// Every match within a range of bytes, in order; of matches that overlap the first. The second
    /// part says whether the search came to its end.
    pub fn find(&self, pattern: &Pattern, within: Range<usize>) -> (Vec<Match>, bool) {
        let row = match (&self.full, pattern.statements) {
            (Some(full), true) => full,
            _ => &self.plain,
        };
        let Some(numbers) = row.numbers(pattern) else {
            return (Vec::new(), true);
        };
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
        for start in row.starts(pattern, &numbers, from, to) {
            if start < at {
                continue;
            }
            let mut search = Search {
                row,
                pattern,
                numbers: &numbers,
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
        let mut names: Vec<Box<str>> = Vec::new();
        let mut numbers: FxHashMap<Box<str>, u32> = FxHashMap::default();
        let mut texts = Vec::with_capacity(tokens.len());
        for token in &tokens {
            let text = normal(
                token.kind,
                &src[token.range.start as usize..token.range.end as usize],
            );
            let number = match numbers.get(&*text) {
                Some(number) => *number,
                None => {
                    let number = names.len() as u32;
                    names.push((&*text).into());
                    numbers.insert((&*text).into(), number);
                    number
                }
            };
            texts.push(number);
        }
        let mut first = vec![0u32; names.len() + 1];
        for number in &texts {
            first[*number as usize + 1] += 1;
        }
        for index in 1..first.len() {
            first[index] += first[index - 1];
        }
        let mut next = first.clone();
        let mut places = vec![0u32; texts.len()];
        for (index, number) in texts.iter().enumerate() {
            let slot = &mut next[*number as usize];
            places[*slot as usize] = index as u32;
            *slot += 1;
        }
        Self {
            tokens,
            texts,
            names,
            numbers,
            first,
            places,
        }
    }

    /// The text by which a token is compared.
    pub(in crate::declared) fn text(&self, index: usize) -> &str {
        &self.names[self.texts[index] as usize]
    }

    /// The numbers of a pattern's tokens here, by part; none where one of them does not occur.
    fn numbers(&self, pattern: &Pattern) -> Option<Vec<u32>> {
        let number = |part: &Part| match part {
            Part::Token { text, .. } => self.numbers.get(text).copied(),
            Part::Operand(_) | Part::Ellipsis => Some(u32::MAX),
        };
        pattern.parts.iter().map(number).collect()
    }

    /// Where the tokens of a number stand, within a range.
    fn places(&self, number: u32, from: usize, to: usize) -> impl Iterator<Item = usize> + '_ {
        let all = self.first[number as usize] as usize..self.first[number as usize + 1] as usize;
        let all = self.places[all].iter().map(|p| *p as usize);
        all.skip_while(move |p| *p < from)
            .take_while(move |p| *p < to)
    }

    /// Where a match may begin, in order: at the pattern's first token, or where an operand may
    /// begin that ends before it.
    fn starts(&self, pattern: &Pattern, numbers: &[u32], from: usize, to: usize) -> Vec<usize> {
        match (&pattern.parts[..], numbers) {
            ([Part::Token { .. }, ..], [number, ..]) => self.places(*number, from, to).collect(),
            ([Part::Operand(_), Part::Token { .. }, ..], [_, number, ..]) => {
                let mut all = Vec::new();
                for place in self.places(*number, from, to) {
                    self.operands_before(place, from, &mut all);
                }
                all.sort_unstable();
                all.dedup();
                all
            }
            _ => (from..to).collect(),
        }
    }

    /// Where an operand that ends before a token may begin.
    fn operands_before(&self, place: usize, from: usize, out: &mut Vec<usize>) {
        let mut at = place;
        while at > from {
            let before = at - 1;
            let start = match self.tokens[before].kind {
                Kind::Close => (self.tokens[before].partner as usize).min(before),
                _ => before,
            };
            if start < from {
                return;
            }
            out.push(start);
            let Some(previous) = start.checked_sub(1) else {
                return;
            };
            let is_call = self.tokens[start].kind == Kind::Open;
            if self.text(previous) == "." {
                at = previous;
            } else if self.tokens[start].glued || is_call {
                at = start;
            } else {
                return;
            }
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
    /// What each part is compared by.
    numbers: &'a [u32],
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
                Some(Part::Token { kind, glued, .. }) => {
                    if !self.is(at, *kind, self.numbers[part])
                        || (*glued && part > 0 && self.splits(at))
                    {
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
            let jinja = token.kind != Kind::Word && self.row.text(i) == "{{";
            matches!(token.kind, Kind::Word | Kind::Number) || jinja
        };
        at > 0 && name(at) && !self.row.tokens[at].glued && name(at - 1)
    }

    fn is(&self, at: usize, kind: Kind, number: u32) -> bool {
        if at >= self.to {
            return false;
        }
        let token = &self.row.tokens[at];
        let names = [Kind::Word, Kind::Quoted];
        let alike = token.kind == kind || (names.contains(&kind) && names.contains(&token.kind));
        alike && self.row.texts[at] == number
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
        let dot = at > 0 && self.row.text(at - 1) == ".";
        let name = at > 0 && glued && self.row.tokens[at - 1].kind == Kind::Word;
        dot || (name && self.row.tokens[at].kind != Kind::Symbol && self.row.text(at) != "(")
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
                let text = self.row.text(at);
                let call = token.kind == Kind::Open && matches!(text, "(" | "[");
                let more = call && self.row.tokens[at - 1].kind != Kind::Number
                    || token.glued && matches!(token.kind, Kind::Word | Kind::Number)
                    || token.glued && text == "{{";
                let keyword =
                    self.row.tokens[at - 1].kind == Kind::Word && is_keyword(self.row.text(at - 1));
                if !more || keyword {
                    break;
                }
                at = self.group_end(at);
                ends.push(at);
            }
            if at < self.to && self.row.text(at) == "." {
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
            Kind::Word if is_keyword(self.row.text(at)) => None,
            Kind::Word | Kind::Quoted | Kind::Text | Kind::Number => Some(at + 1),
            Kind::Open if token.partner as usize > at && self.group_end(at) <= self.to => {
                Some(self.group_end(at))
            }
            Kind::Symbol if self.row.text(at) == "*" => {
                // A star is an operand in a list and behind a dot, and an operator elsewhere.
                let before = at.checked_sub(1).map(|i| self.row.text(i));
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
            let ends = token.kind == Kind::Close || self.row.text(at) == ";";
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
