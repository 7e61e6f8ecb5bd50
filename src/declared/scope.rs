//! Parts of a file in which a text or a pattern is looked for, found by the file's own tokens: a
//! file that no parser reads has its clauses all the same, and a loop's body stands there once.

use super::pattern::Tokens;
use super::read::{text, unknown};
use crate::syntax::jinja::{self, TokenKind};
use crate::syntax::token::{Kind, Token};
use crate::syntax::yaml::{DeError, Node};
use std::ops::Range;

/// Where a leaf looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scope {
    /// All of it, comments too.
    File,
    /// Without comments, SQL's and Jinja's.
    Code,
    /// What stands in `{{ }}` and `{% %}`.
    Jinja,
    /// The `config()` call.
    Config,
    /// Hooks that are written in it.
    Hooks,
    /// The CTE of this name.
    Cte(String),
    /// The select that the file ends with, all branches of a union.
    FinalSelect,
    /// Conditions of `where`.
    Where,
    /// Conditions of joins.
    JoinOn,
    /// Each entry of each select list.
    SelectItem,
    /// The entries of select lists that output a column of this name.
    Column(String),
}

/// How scopes are written, and what each is.
pub(super) const SCOPES: &[(&str, &str)] = &[
    ("file", "all of the file, comments too"),
    ("code", "the file without comments (the default)"),
    ("jinja", "what stands in `{{ }}` and `{% %}`"),
    ("config", "the `config()` call"),
    ("hooks", "`pre_hook` and `post_hook` of the `config()` call"),
    ("cte(name)", "the common table expression of this name"),
    (
        "final-select",
        "the select that the file ends with, all branches of a union",
    ),
    ("where", "each condition of a `where`"),
    ("join-on", "each condition of a join"),
    ("select-item", "each entry of a select list"),
    (
        "column(name)",
        "the entries of select lists that output this name",
    ),
];

impl Scope {
    pub(super) fn read(node: Node) -> Result<Self, DeError> {
        let written = text(node)?;
        let named = |word: &str| {
            let inner = written.strip_prefix(word)?.strip_prefix('(')?;
            let name = inner.strip_suffix(')')?.trim();
            (!name.is_empty()).then(|| name.to_owned())
        };
        Ok(match written.as_str() {
            "file" => Self::File,
            "code" => Self::Code,
            "jinja" => Self::Jinja,
            "config" => Self::Config,
            "hooks" => Self::Hooks,
            "final-select" => Self::FinalSelect,
            "where" => Self::Where,
            "join-on" => Self::JoinOn,
            "select-item" => Self::SelectItem,
            _ => match (named("cte"), named("column")) {
                (Some(name), _) => Self::Cte(name),
                (None, Some(name)) => Self::Column(name),
                _ => {
                    let error = unknown(node, "scope", SCOPES.iter().map(|(n, _)| *n));
                    let message = format!("`{written}` is no scope");
                    return Err(DeError { message, ..error });
                }
            },
        })
    }

    /// Does it speak of SQL?
    pub(super) fn is_sql(&self) -> bool {
        !matches!(self, Scope::File | Scope::Code)
    }

    /// Its ranges of bytes, for patterns, which pass over comments anyway.
    pub(super) fn ranges(&self, tokens: &Tokens, src: &str) -> Vec<Range<usize>> {
        let row = Row::new(tokens);
        match self {
            Scope::File | Scope::Code => std::iter::once(0..src.len()).collect(),
            Scope::Jinja => jinja_ranges(src),
            Scope::Config => row.configs().iter().map(|r| row.bytes(r)).collect(),
            Scope::Hooks => row.hooks(),
            Scope::Cte(name) => {
                let named = row.ctes().into_iter().filter(|(n, _)| same(n, name));
                named.map(|(_, range)| range).collect()
            }
            Scope::FinalSelect => row.final_select().into_iter().collect(),
            Scope::Where => row.of_selects(|s| s.filters.clone()),
            Scope::JoinOn => row.of_selects(|s| s.ons.clone()),
            Scope::SelectItem => row.of_selects(|s| s.items.clone()),
            Scope::Column(name) => row.of_selects(|s| {
                let outputs = |i: &&Range<usize>| row.outputs(i).is_some_and(|n| same(n, name));
                s.items.iter().filter(outputs).cloned().collect()
            }),
        }
    }

    /// Its ranges of bytes without comments, for texts; `code` is the file without them.
    pub(super) fn code(
        &self,
        tokens: &Tokens,
        src: &str,
        code: &[Range<usize>],
    ) -> Vec<Range<usize>> {
        if *self == Scope::File {
            return std::iter::once(0..src.len()).collect();
        }
        let mut out = Vec::new();
        for part in self.ranges(tokens, src) {
            let cut = |c: &Range<usize>| c.start.max(part.start)..c.end.min(part.end);
            out.extend(code.iter().map(cut).filter(|r| r.start < r.end));
        }
        out
    }
}

fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

/// The common table expressions of a file, by their names in lower case.
pub(super) fn ctes(tokens: &Tokens) -> Vec<(Box<str>, Range<usize>)> {
    let row = Row::new(tokens);
    let all = row.ctes().into_iter();
    all.map(|(name, range)| (name.into(), range)).collect()
}

fn jinja_ranges(src: &str) -> Vec<Range<usize>> {
    let (tokens, _) = jinja::lex(src);
    let code = tokens
        .iter()
        .filter(|t| matches!(t.kind, TokenKind::Output | TokenKind::Statement));
    code.map(|t| t.range.start as usize..t.range.end as usize)
        .collect()
}

/// A select, as ranges of tokens.
#[derive(Debug, Default)]
struct Select {
    items: Vec<Range<usize>>,
    filters: Vec<Range<usize>>,
    ons: Vec<Range<usize>>,
}

struct Row<'a> {
    tokens: &'a [Token],
    row: &'a super::pattern::Row,
}

/// Words that begin a clause of a select.
const CLAUSES: [&str; 18] = [
    "from",
    "where",
    "prewhere",
    "group",
    "having",
    "qualify",
    "window",
    "order",
    "limit",
    "offset",
    "fetch",
    "union",
    "intersect",
    "except",
    "minus",
    "cluster",
    "distribute",
    "sort",
];

/// Words that begin another join.
const JOINS: [&str; 11] = [
    "join", "left", "right", "inner", "full", "cross", "natural", "asof", "lateral", "anti", "semi",
];

impl<'a> Row<'a> {
    fn new(tokens: &'a Tokens) -> Self {
        let row = tokens.plain();
        Self {
            tokens: &row.tokens,
            row,
        }
    }

    /// The token behind this one on its level.
    fn next(&self, at: usize) -> usize {
        (self.tokens[at].partner as usize).max(at) + 1
    }

    fn is(&self, at: usize, word: &str) -> bool {
        self.tokens
            .get(at)
            .is_some_and(|t| t.kind == Kind::Word && !t.in_jinja)
            && *self.row.text(at) == *word
    }

    fn is_any(&self, at: usize, words: &[&str]) -> bool {
        words.iter().any(|w| self.is(at, w))
    }

    fn symbol(&self, at: usize, text: &str) -> bool {
        self.tokens.get(at).is_some_and(|t| t.kind != Kind::Text) && *self.row.text(at) == *text
    }

    fn closes(&self, at: usize) -> bool {
        self.tokens.get(at).is_none_or(|t| t.kind == Kind::Close)
    }

    fn bytes(&self, range: &Range<usize>) -> Range<usize> {
        match range.is_empty() || range.end > self.tokens.len() {
            true => 0..0,
            false => {
                let start = self.tokens[range.start].range.start as usize;
                start..self.tokens[range.end - 1].range.end as usize
            }
        }
    }

    fn name(&self, at: usize) -> Option<&'a str> {
        let token = self.tokens.get(at)?;
        let is_name = matches!(token.kind, Kind::Word | Kind::Quoted) && !token.in_jinja;
        is_name.then(|| self.row.text(at))
    }

    fn ctes(&self) -> Vec<(&'a str, Range<usize>)> {
        let mut out = Vec::new();
        for at in 0..self.tokens.len() {
            if !self.is(at, "as") || at == 0 {
                continue;
            }
            // `name (a, b) as`: the name stands before the brackets.
            let before = match self.tokens[at - 1].kind {
                Kind::Close => (self.tokens[at - 1].partner as usize).checked_sub(1),
                _ => Some(at - 1),
            };
            let Some(name_at) = before else { continue };
            let Some(name) = self.name(name_at) else {
                continue;
            };
            let mut open = at + 1;
            while self.is_any(open, &["not", "materialized"]) {
                open += 1;
            }
            let led = name_at
                .checked_sub(1)
                .is_some_and(|i| self.is_any(i, &["with", "recursive"]) || self.symbol(i, ","));
            if led && self.symbol(open, "(") && self.tokens[open].partner as usize > open {
                out.push((name, self.bytes(&(name_at..self.next(open)))));
            }
        }
        out
    }

    fn configs(&self) -> Vec<Range<usize>> {
        let call = |at: usize| {
            let named = self.tokens[at].in_jinja && self.row.text(at) == "config";
            named && self.symbol(at + 1, "(")
        };
        let found = (0..self.tokens.len()).filter(|at| call(*at));
        found.map(|at| at..self.next(at + 1)).collect()
    }

    fn hooks(&self) -> Vec<Range<usize>> {
        let mut out = Vec::new();
        for config in self.configs() {
            let mut at = config.start + 2;
            while at + 1 < config.end {
                let mut end = at;
                while end + 1 < config.end && !self.symbol(end, ",") {
                    end = self.next(end);
                }
                if matches!(self.row.text(at), "pre_hook" | "post_hook") {
                    out.push(self.bytes(&(at..end)));
                }
                at = end + 1;
            }
        }
        out
    }

    fn final_select(&self) -> Option<Range<usize>> {
        let mut at = 0;
        let mut first = None;
        while at < self.tokens.len() {
            if first.is_none() && self.is(at, "select") {
                first = Some(at);
            }
            if first.is_some() && self.symbol(at, ";") {
                break;
            }
            at = self.next(at);
        }
        Some(self.bytes(&(first?..at.min(self.tokens.len()))))
    }

    fn of_selects(&self, part: impl Fn(&Select) -> Vec<Range<usize>>) -> Vec<Range<usize>> {
        let starts = (0..self.tokens.len()).filter(|at| self.is(*at, "select"));
        let selects = starts.map(|at| self.select(at));
        let mut out: Vec<Range<usize>> = selects
            .flat_map(|s| part(&s))
            .filter(|r| !r.is_empty())
            .map(|r| self.bytes(&r))
            .collect();
        out.sort_by_key(|r| (r.start, r.end));
        out.dedup();
        out
    }

    /// The clauses of a select that begins at its keyword.
    fn select(&self, start: usize) -> Select {
        let mut out = Select::default();
        let mut at = start + 1;
        while self.is_any(at, &["distinct", "all"]) {
            at += 1;
        }
        if self.is(at, "on") && self.symbol(at + 1, "(") {
            at = self.next(at + 1);
        }
        let mut clause = "select";
        let mut begin = at;
        loop {
            let over = self.closes(at) || self.symbol(at, ";");
            let word = CLAUSES.iter().copied().find(|w| self.is(at, w));
            // `* except (a)` is no set operation.
            let word = word.filter(|w| *w != "except" || !self.symbol(at - 1, "*"));
            let joins = clause == "on" && self.is_any(at, &JOINS) && !self.symbol(at + 1, "(");
            let comma = matches!(clause, "select" | "on") && self.symbol(at, ",");
            let is_on = self.is(at, "on") && matches!(clause, "from" | "on");
            if over || word.is_some() || joins || comma || is_on {
                match clause {
                    "select" => out.items.push(begin..at),
                    "where" => out.filters.push(begin..at),
                    "on" => out.ons.push(begin..at),
                    _ => {}
                }
                begin = at + 1;
                clause = match word {
                    Some(word) => word,
                    None if is_on => "on",
                    None if comma && clause == "select" => "select",
                    None => "from",
                };
                if clause == "prewhere" {
                    clause = "where";
                }
            }
            let set = word.is_some_and(|w| matches!(w, "union" | "intersect" | "except" | "minus"));
            if over || set {
                return out;
            }
            at = self.next(at);
        }
    }

    /// The name of what an entry of a select list outputs.
    fn outputs(&self, item: &Range<usize>) -> Option<&'a str> {
        let last = item.end.checked_sub(1).filter(|l| *l >= item.start)?;
        self.name(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts<'a>(scope: &str, src: &'a str) -> Vec<&'a str> {
        let yaml = crate::syntax::yaml::parse(crate::text::FileId(0), scope);
        let scope = Scope::read(yaml.root().unwrap()).unwrap();
        let ranges = scope.ranges(&Tokens::new(src), src);
        ranges.into_iter().map(|r| &src[r]).collect()
    }

    const SQL: &str = "{{ config(tags=['a'], post_hook=\"drop x\") }}
with a as (select x, y as z from t where x > 1 -- no
 and y < 2 group by 1), b (c) as not materialized (select 1)
select distinct a.x, max(q, 2) as \"Big\" from a left join b on a.x = b.c and left(a.z, 1) = 'u'
join c on c.i = a.i {% if x %} where a.x {% endif %} order by 1
union all select * except (k), 1 from b";

    #[test]
    fn clauses_are_found_by_tokens() {
        assert_eq!(texts("where", SQL), ["x > 1 -- no\n and y < 2", "a.x"]);
        assert_eq!(
            texts("join-on", SQL),
            ["a.x = b.c and left(a.z, 1) = 'u'", "c.i = a.i"]
        );
        assert_eq!(
            texts("select-item", SQL),
            [
                "x",
                "y as z",
                "1",
                "a.x",
                "max(q, 2) as \"Big\"",
                "* except (k)",
                "1"
            ]
        );
        assert_eq!(texts("column(big)", SQL), ["max(q, 2) as \"Big\""]);
        assert_eq!(texts("column(x)", SQL), ["x", "a.x"]);
        assert_eq!(
            texts("cte(B)", SQL),
            ["b (c) as not materialized (select 1)"]
        );
        assert_eq!(texts("hooks", SQL), ["post_hook=\"drop x\""]);
        assert!(texts("config", SQL)[0].starts_with("config(tags"));
        let last = texts("final-select", SQL);
        assert!(last[0].starts_with("select distinct a.x") && last[0].ends_with("from b"));
        assert_eq!(texts("jinja", SQL).len(), 3);
    }

    #[test]
    fn what_breaks_off_has_what_is_there() {
        assert_eq!(texts("where", "select a from b where"), [""; 0]);
        assert_eq!(texts("select-item", "select"), [""; 0]);
        assert_eq!(texts("where", "select a from ( select b where c"), ["c"]);
        assert_eq!(texts("final-select", "-- nothing"), [""; 0]);
    }
}
