//! What can be known of a text that does not parse whole: its CTEs by name, from the tokens, each
//! body and the final query read on their own, and the select lists of those that no parser reads.

use super::lower::Lower;
use super::parse::{Shown, bytes, parse_query, shown, tokenise};
use super::render::Rendered;
use super::tree::{Body, Cte, Ident, Query, Unread, UnreadItem};
use super::{Dialect, placeholder};
use crate::text::{FileId, Span};
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan, Word};
use std::ops::Range;

/// CTEs within CTEs that are looked into; each level is read once more.
const MAX_DEPTH: usize = 6;

/// The tree of a text of which the parser reads only parts; the others are [`Body::Unread`].
#[derive(Debug)]
pub struct Recovered {
    /// All CTEs and the final query.
    pub query: Query,
    /// CTEs and final queries that were read.
    pub read: usize,
    /// How many there are.
    pub parts: usize,
    /// Places that the parser was not shown as they are.
    pub shimmed: Vec<Span>,
    /// Ranges of the rendered text that were read.
    pub covered: Vec<Range<u32>>,
}

/// Reads what it can of a text that does not parse whole. None where there are no tokens, or no
/// query among them.
pub fn recover(file: FileId, rendered: &Rendered, dialect: Dialect) -> Option<Recovered> {
    let tokens = tokenise(dialect, &rendered.text).ok()?;
    let Shown {
        tokens: code,
        marks,
        shimmed,
    } = shown(dialect, tokens);
    let statements = code.split(|t| t.token == Token::SemiColon);
    let statements: Vec<&[TokenWithSpan]> = statements.filter(|s| !s.is_empty()).collect();
    let wanted = statements.iter().rev().find(|s| begins_query(s));
    let statement = wanted.or(statements.last())?;
    let mut reader = Reader {
        lower: Lower::new(file, rendered, dialect, &marks),
        dialect,
        read: 0,
        parts: 0,
        covered: Vec::new(),
    };
    let mut query = reader.split(statement, MAX_DEPTH);
    query.alone = statements.len() == 1;
    let spots = shimmed.into_iter().map(|r| reader.lower.span(r));
    Some(Recovered {
        shimmed: spots.collect(),
        query,
        read: reader.read,
        parts: reader.parts,
        covered: reader.covered,
    })
}

struct Reader<'a> {
    lower: Lower<'a>,
    dialect: Dialect,
    read: usize,
    parts: usize,
    covered: Vec<Range<u32>>,
}

/// One entry of a `with`, as tokens.
struct Entry<'t> {
    name: &'t TokenWithSpan,
    columns: &'t [TokenWithSpan],
    body: &'t [TokenWithSpan],
    /// The closing parenthesis, if it is there.
    end: &'t TokenWithSpan,
}

impl Reader<'_> {
    /// A part of the text: parsed, else taken apart, else unread.
    fn part(&mut self, code: &[TokenWithSpan], depth: usize) -> Query {
        if let Some(query) = parse_query(self.dialect, code) {
            self.parts += 1;
            self.read += 1;
            self.covered.push(extent(code));
            return self.lower.query(&query).0;
        }
        match depth {
            0 => self.unread(code),
            _ => self.split(code, depth - 1),
        }
    }

    fn split(&mut self, code: &[TokenWithSpan], depth: usize) -> Query {
        let Some((entries, rest)) = with_list(code) else {
            return self.unread(code);
        };
        let ctes = entries.into_iter().map(|e| self.cte(&e, depth)).collect();
        let last = match rest {
            [] => self.unread(rest),
            _ => self.part(rest, 0),
        };
        Query {
            span: self.span(code),
            ctes,
            ..last
        }
    }

    fn cte(&mut self, entry: &Entry, depth: usize) -> Cte {
        let place = bytes(entry.name.span).start..bytes(entry.end.span).end;
        Cte {
            name: self.ident(entry.name).unwrap_or_else(|| Ident {
                name: "".into(),
                quoted: false,
                span: self.span(std::slice::from_ref(entry.name)),
            }),
            span: self.lower.span(place),
            columns: entry.columns.iter().filter_map(|t| self.ident(t)).collect(),
            query: self.part(entry.body, depth),
        }
    }

    fn unread(&mut self, code: &[TokenWithSpan]) -> Query {
        self.parts += 1;
        let span = self.span(code);
        let items = select_list(code);
        let unread = Unread {
            span,
            items: items.into_iter().map(|i| self.item(i)).collect(),
        };
        Query {
            span,
            ctes: Vec::new(),
            body: Body::Unread(Box::new(unread)),
            limited: false,
            order_by: Vec::new(),
            alone: true,
        }
    }

    fn item(&self, code: &[TokenWithSpan]) -> UnreadItem {
        let name = output_name(code).and_then(|t| self.ident(t));
        UnreadItem {
            span: self.span(code),
            name: name.filter(|n| !placeholder::is_unknown(&n.name)),
        }
    }

    fn span(&self, code: &[TokenWithSpan]) -> Span {
        self.lower.span(extent(code))
    }

    fn ident(&self, token: &TokenWithSpan) -> Option<Ident> {
        let Token::Word(word) = &token.token else {
            return None;
        };
        Some(Ident {
            name: word.value.as_str().into(),
            quoted: word.quote_style.is_some(),
            span: self.lower.span(bytes(token.span)),
        })
    }
}

/// The bytes that tokens cover; an empty run covers none.
fn extent(code: &[TokenWithSpan]) -> Range<u32> {
    match (code.first(), code.last()) {
        (Some(first), Some(last)) => bytes(first.span).start..bytes(last.span).end,
        _ => 0..0,
    }
}

fn is_keyword(token: Option<&TokenWithSpan>, keywords: &[Keyword]) -> bool {
    match token.map(|t| &t.token) {
        Some(Token::Word(Word {
            keyword,
            quote_style: None,
            ..
        })) => keywords.contains(keyword),
        _ => false,
    }
}

fn begins_query(code: &[TokenWithSpan]) -> bool {
    let first = code.iter().find(|t| t.token != Token::LParen);
    is_keyword(first, &[Keyword::WITH, Keyword::SELECT, Keyword::FROM])
}

/// How many tokens a bracketed run takes; all that are left where it is not closed.
fn bracketed(code: &[TokenWithSpan]) -> usize {
    let mut depth = 0usize;
    for (i, t) in code.iter().enumerate() {
        match t.token {
            Token::LParen => depth += 1,
            Token::RParen => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return i + 1;
                }
            }
            _ => {}
        }
    }
    code.len()
}

/// The entries of the `with` that the tokens begin with, and what follows them.
fn with_list(code: &[TokenWithSpan]) -> Option<(Vec<Entry<'_>>, &[TokenWithSpan])> {
    if !is_keyword(code.first(), &[Keyword::WITH]) {
        return None;
    }
    let recursive = is_keyword(code.get(1), &[Keyword::RECURSIVE]);
    let mut rest = &code[1 + usize::from(recursive)..];
    let mut entries = Vec::new();
    loop {
        match entry(rest) {
            Some((entry, after)) => {
                entries.push(entry);
                rest = after;
            }
            // `with expression as name`.
            None => match beyond_comma(rest) {
                Some(after) => {
                    rest = after;
                    continue;
                }
                None => break,
            },
        }
        match rest.first().map(|t| &t.token) {
            Some(Token::Comma) => rest = &rest[1..],
            _ => break,
        }
    }
    Some((entries, rest))
}

/// `name [(columns)] as [[not] materialized] ( body )`.
fn entry(code: &[TokenWithSpan]) -> Option<(Entry<'_>, &[TokenWithSpan])> {
    let name = code.first()?;
    if !matches!(name.token, Token::Word(_)) || is_keyword(Some(name), &[Keyword::SELECT]) {
        return None;
    }
    let mut at = 1;
    let mut columns: &[TokenWithSpan] = &[];
    if code.get(at)?.token == Token::LParen {
        let run = bracketed(&code[at..]);
        columns = &code[at..at + run];
        at += run;
    }
    if !is_keyword(code.get(at), &[Keyword::AS]) {
        return None;
    }
    at += 1;
    while is_keyword(code.get(at), &[Keyword::NOT, Keyword::MATERIALIZED]) {
        at += 1;
    }
    if code.get(at)?.token != Token::LParen {
        return None;
    }
    let run = bracketed(&code[at..]);
    let whole = &code[at..at + run];
    let end = whole.last()?;
    let closed = run > 1 && end.token == Token::RParen;
    let body = &whole[1..whole.len() - usize::from(closed)];
    let entry = Entry {
        name,
        columns,
        body,
        end,
    };
    Some((entry, &code[at + run..]))
}

/// What stands behind the next comma outside brackets, unless the query begins before it.
fn beyond_comma(code: &[TokenWithSpan]) -> Option<&[TokenWithSpan]> {
    let mut depth = 0i32;
    for (i, t) in code.iter().enumerate() {
        match t.token {
            Token::LParen | Token::LBracket => depth += 1,
            Token::RParen | Token::RBracket => depth -= 1,
            Token::Comma if depth == 0 => return Some(&code[i + 1..]),
            _ if depth == 0 && is_keyword(Some(t), &[Keyword::SELECT]) => return None,
            _ => {}
        }
    }
    None
}

/// The entries of the first select list outside parentheses.
fn select_list(code: &[TokenWithSpan]) -> Vec<&[TokenWithSpan]> {
    let mut depth = 0i32;
    let mut items = Vec::new();
    let mut start = None;
    let ends = [
        Keyword::FROM,
        Keyword::WHERE,
        Keyword::UNION,
        Keyword::EXCEPT,
        Keyword::INTERSECT,
        Keyword::GROUP,
        Keyword::HAVING,
        Keyword::QUALIFY,
        Keyword::ORDER,
        Keyword::LIMIT,
        Keyword::INTO,
    ];
    for (i, t) in code.iter().enumerate() {
        match t.token {
            Token::LParen | Token::LBracket | Token::LBrace => depth += 1,
            Token::RParen | Token::RBracket | Token::RBrace => depth -= 1,
            _ if depth != 0 => {}
            Token::Comma => {
                if let Some(from) = start.replace(i + 1) {
                    items.push(&code[from..i]);
                }
            }
            _ if start.is_none() && !is_keyword(Some(t), &[Keyword::SELECT]) => {}
            _ if start.is_none() => start = Some(i + 1),
            _ if start == Some(i) && is_keyword(Some(t), &[Keyword::DISTINCT, Keyword::ALL]) => {
                start = Some(i + 1);
            }
            // `* except (…)` is no set operation.
            _ if is_keyword(Some(t), &ends) && !is_star_option(code, i) => {
                items.extend(start.map(|from| &code[from..i]));
                start = None;
                break;
            }
            _ => {}
        }
    }
    items.extend(start.map(|from| &code[from..]));
    items.retain(|i| !i.is_empty());
    items
}

fn is_star_option(code: &[TokenWithSpan], at: usize) -> bool {
    is_keyword(code.get(at), &[Keyword::EXCEPT])
        && at > 0
        && code[at - 1].token == Token::Mul
        && code.get(at + 1).is_some_and(|t| t.token == Token::LParen)
}

/// The word that names what an entry outputs: its alias, or the last part of a plain name.
fn output_name(code: &[TokenWithSpan]) -> Option<&TokenWithSpan> {
    let (last, before) = code.split_last()?;
    let Token::Word(word) = &last.token else {
        return None;
    };
    let is_name = word.quote_style.is_some() || word.keyword == Keyword::NoKeyword;
    match before.last().map(|t| &t.token) {
        None | Some(Token::Period) => is_plain_name(code).then_some(last),
        Some(Token::Word(w)) if w.keyword == Keyword::AS && w.quote_style.is_none() => Some(last),
        // `f(x) alias`, `t.c alias`; an operator or a keyword before it makes it an operand.
        Some(Token::RParen | Token::RBracket | Token::Number(..)) => is_name.then_some(last),
        Some(Token::Word(w)) if w.keyword == Keyword::NoKeyword => is_name.then_some(last),
        _ => None,
    }
}

/// `a`, `t.a`, `s.t.a`.
fn is_plain_name(code: &[TokenWithSpan]) -> bool {
    code.iter().enumerate().all(|(i, t)| match i % 2 {
        0 => matches!(t.token, Token::Word(_)),
        _ => t.token == Token::Period,
    })
}
