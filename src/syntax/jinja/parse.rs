//! Tokens to a block tree. A template that dbt would refuse still gives a tree of what was read,
//! with the errors beside it.

use super::JinjaError;
use super::ast::{Expr, ExprKind, For, Macro, Node};
use super::expr::ExprParser;
use super::lex::{Token, TokenKind, lex};
use std::ops::Range;

/// Nesting of blocks beyond this is refused; Python's own recursion limit stops Jinja near it.
const MAX_DEPTH: usize = 100;

/// A parsed template.
#[derive(Debug, Default)]
pub struct Template {
    /// Every byte of the file, in order.
    pub tokens: Vec<Token>,
    /// The block tree.
    pub nodes: Vec<Node>,
    /// What dbt would refuse, in order of discovery.
    pub errors: Vec<JinjaError>,
}

/// Parses a template whole.
pub fn parse(src: &str) -> Template {
    let (tokens, lex_error) = lex(src);
    let mut parser = Parser {
        src,
        tokens: &tokens,
        at: 0,
        open: Vec::new(),
        errors: Vec::new(),
    };
    let mut nodes = Vec::new();
    while parser.at < tokens.len() {
        let (more, end) = parser.body(&[]);
        nodes.extend(more);
        if let Some(end) = end {
            parser.stray_end(&end);
        }
    }
    let mut errors = parser.errors;
    errors.extend(lex_error);
    Template {
        tokens,
        nodes,
        errors,
    }
}

struct Parser<'a> {
    src: &'a str,
    tokens: &'a [Token],
    at: usize,
    /// Open blocks: tag and opening token.
    open: Vec<(Box<str>, Range<u32>)>,
    errors: Vec<JinjaError>,
}

/// A tag that closed (or continued) a block.
struct End {
    word: Box<str>,
    /// What stands behind the word.
    rest: Range<usize>,
    range: Range<u32>,
}

fn usize_range(r: &Range<u32>) -> Range<usize> {
    r.start as usize..r.end as usize
}

impl<'a> Parser<'a> {
    /// Reads nodes up to one of `ends`, which is consumed and given back.
    fn body(&mut self, ends: &[&str]) -> (Vec<Node>, Option<End>) {
        let mut nodes = Vec::new();
        while let Some(token) = self.tokens.get(self.at) {
            self.at += 1;
            match token.kind {
                TokenKind::Text | TokenKind::Raw => nodes.extend(self.text(token)),
                TokenKind::Comment => {}
                TokenKind::Output => nodes.extend(self.output(token)),
                TokenKind::Statement => {
                    let (word, rest) = self.first_word(token);
                    let end = End {
                        word: word.into(),
                        rest,
                        range: token.range.clone(),
                    };
                    let closes = ends.contains(&word)
                        || word.starts_with("end") && word != "endraw"
                        || matches!(word, "else" | "elif");
                    if closes {
                        return (nodes, Some(end));
                    }
                    nodes.extend(self.statement(end));
                }
            }
        }
        (nodes, None)
    }

    /// The word of a statement and the range behind it.
    fn first_word(&self, token: &Token) -> (&'a str, Range<usize>) {
        let inner = token.inner_range();
        let text = &self.src[inner.clone()];
        let skipped = text.len() - text.trim_start().len();
        let body = &text[skipped..];
        let len = body
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .unwrap_or(body.len());
        let (word, rest) = (&body[..len], inner.start + skipped + len..inner.end);
        (word, self.without_colon(word, rest))
    }

    /// Jinja accepts a colon behind the head of a block, as Python has one.
    fn without_colon(&self, word: &str, rest: Range<usize>) -> Range<usize> {
        let text = &self.src[rest.clone()];
        let heads_a_body = match word {
            "if" | "elif" | "else" | "for" | "macro" | "call" | "filter" | "test" | "data_test" => {
                true
            }
            "set" => !text.contains('='),
            _ => false,
        };
        match text.trim_end().strip_suffix(':') {
            Some(head) if heads_a_body => rest.start..rest.start + head.len(),
            _ => rest,
        }
    }

    /// A text with its neighbours' white space control applied.
    fn text(&self, token: &Token) -> Option<Node> {
        let bytes = self.src.as_bytes();
        let mut range = usize_range(&token.range);
        let index = self.at - 1;
        let trims_after = index > 0 && self.tokens[index - 1].trims_after;
        let trims_before = self.tokens.get(index + 1).is_some_and(|t| t.trims_before);
        if trims_after {
            while range.start < range.end && bytes[range.start].is_ascii_whitespace() {
                range.start += 1;
            }
        }
        if trims_before {
            while range.end > range.start && bytes[range.end - 1].is_ascii_whitespace() {
                range.end -= 1;
            }
        }
        // The mark itself is no SQL.
        if range.start == 0 && self.src.starts_with('\u{feff}') {
            range.start = 3.min(range.end);
        }
        (!range.is_empty()).then_some(Node::Text(range.start as u32..range.end as u32))
    }

    fn output(&mut self, token: &Token) -> Option<Node> {
        let expr = self.with_expr(token.inner_range(), |p| {
            let expr = p.expression()?;
            p.finish()?;
            Ok(expr)
        });
        let expr = expr.unwrap_or_else(|| unknown(token.range.clone()));
        Some(Node::Output(expr, token.range.clone()))
    }

    fn with_expr<T>(
        &mut self,
        inner: Range<usize>,
        read: impl FnOnce(&mut ExprParser) -> Result<T, JinjaError>,
    ) -> Option<T> {
        match ExprParser::new(self.src, inner).and_then(|mut p| read(&mut p)) {
            Ok(value) => Some(value),
            Err(error) => {
                self.errors.push(error);
                None
            }
        }
    }

    fn expr(&mut self, inner: Range<usize>) -> Expr {
        let range = inner.start as u32..inner.end as u32;
        self.with_expr(inner, |p| {
            let expr = p.expression()?;
            p.finish()?;
            Ok(expr)
        })
        .unwrap_or_else(|| unknown(range))
    }

    fn statement(&mut self, tag: End) -> Option<Node> {
        let word = tag.word.clone();
        match &*word {
            "if" => Some(self.if_block(tag)),
            "for" => self.for_block(tag),
            "set" => self.set(tag),
            "macro" => self.macro_block(tag, ""),
            // dbt makes a macro of a generic test and calls it by that name.
            "test" | "data_test" => self.macro_block(tag, "test_"),
            "call" => self.call_block(tag),
            "filter" => {
                let range = tag.range.clone();
                let body = self.block(&tag, "endfilter");
                Some(Node::FilterBlock { body, range })
            }
            "snapshot" | "block" | "with" | "autoescape" => {
                let name = self.word_of(&tag.rest);
                let body = self.block(&tag, &format!("end{word}"));
                Some(Node::Group {
                    tag: word,
                    name,
                    range: tag.range,
                    body,
                })
            }
            "materialization" | "docs" => {
                let name = self.word_of(&tag.rest);
                let body = self.block(&tag, &format!("end{word}"));
                Some(Node::Definition {
                    tag: word,
                    name,
                    range: tag.range,
                    body,
                })
            }
            "do" => Some(Node::Do(self.expr(tag.rest))),
            "raw" | "endraw" | "include" | "import" | "from" | "extends" | "break" | "continue"
            | "debug" => None,
            "" => {
                self.errors
                    .push(JinjaError::new(tag.range, "this tag has no name"));
                None
            }
            _ => {
                let message = format!("unknown tag `{word}`");
                self.errors.push(JinjaError::new(tag.range, message));
                None
            }
        }
    }

    fn word_of(&self, rest: &Range<usize>) -> Box<str> {
        let text = self.src[rest.clone()].trim_start();
        let len = text
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .unwrap_or(text.len());
        text[..len].into()
    }

    /// The body of a block up to its end tag.
    fn block(&mut self, tag: &End, end: &str) -> Vec<Node> {
        self.block_until(tag, &[end]).0
    }

    /// The body up to one of `ends`. A wrong end tag is reported and, where it closes an outer
    /// block, left for it.
    fn block_until(&mut self, tag: &End, ends: &[&str]) -> (Vec<Node>, Option<End>) {
        if self.open.len() >= MAX_DEPTH {
            let error = JinjaError::new(tag.range.clone(), "blocks are nested too deeply");
            self.errors.push(error);
            self.at = self.tokens.len();
            return (Vec::new(), None);
        }
        self.open.push((tag.word.clone(), tag.range.clone()));
        let mut nodes = Vec::new();
        let end = loop {
            let (more, end) = self.body(ends);
            nodes.extend(more);
            match end {
                Some(end) if ends.contains(&&*end.word) => break Some(end),
                Some(end) if self.closes_outer(&end.word) => {
                    self.at -= 1;
                    self.unclosed(tag);
                    break None;
                }
                Some(end) => self.stray_end(&end),
                None => {
                    self.unclosed(tag);
                    break None;
                }
            }
        };
        self.open.pop();
        (nodes, end)
    }

    fn closes_outer(&self, word: &str) -> bool {
        let outer = &self.open[..self.open.len().saturating_sub(1)];
        let closes = |tag: &str| {
            word.strip_prefix("end") == Some(tag)
                || (matches!(word, "else" | "elif") && matches!(tag, "if" | "for"))
        };
        outer.iter().any(|(tag, _)| closes(tag))
    }

    fn unclosed(&mut self, tag: &End) {
        let word = &tag.word;
        let message = format!("`{{% {word} %}}` is never closed by `{{% end{word} %}}`");
        self.errors
            .push(JinjaError::new(tag.range.clone(), message));
    }

    fn stray_end(&mut self, end: &End) {
        let message = format!("`{{% {} %}}` closes nothing", end.word);
        self.errors
            .push(JinjaError::new(end.range.clone(), message));
    }

    fn if_block(&mut self, tag: End) -> Node {
        let mut branches = Vec::new();
        let mut cond = Some(self.expr(tag.rest.clone()));
        loop {
            let (body, end) = self.block_until(&tag, &["elif", "else", "endif"]);
            let had_else = cond.is_none();
            branches.push((cond.take(), body));
            match end {
                Some(end) if &*end.word == "elif" && !had_else => {
                    cond = Some(self.expr(end.rest));
                }
                Some(end) if &*end.word == "else" && !had_else => cond = None,
                Some(end) if &*end.word != "endif" => self.stray_end(&end),
                _ => return Node::If(branches),
            }
        }
    }

    fn for_block(&mut self, tag: End) -> Option<Node> {
        let head = self.with_expr(tag.rest.clone(), |p| {
            let targets = p.targets()?;
            if !p.eat_word("in") {
                p.expect("in")?;
            }
            let iter = p.iterable()?;
            let filter = match p.at_word_if() && p.eat_word("if") {
                true => Some(p.expression()?),
                false => None,
            };
            let _ = p.eat_word("recursive");
            p.finish()?;
            Ok((targets, iter, filter))
        });
        let (body, end) = self.block_until(&tag, &["else", "endfor"]);
        let otherwise = match end {
            Some(end) if &*end.word == "else" => self.block(&tag, "endfor"),
            _ => Vec::new(),
        };
        let (targets, iter, filter) = head?;
        Some(Node::For(Box::new(For {
            targets,
            iter,
            filter,
            body,
            otherwise,
        })))
    }

    fn set(&mut self, tag: End) -> Option<Node> {
        let head = self.with_expr(tag.rest.clone(), |p| {
            let targets = p.targets()?;
            if p.eat("=") {
                let value = p.expression()?;
                p.finish()?;
                return Ok((targets, Some(value)));
            }
            // `{% set x | upper %}…{% endset %}`: the filter changes the text, not its place.
            if !p.eat("|") {
                p.finish()?;
            }
            Ok((targets, None))
        });
        // A set whose head cannot be read is taken for the one-line form if it has a `=`.
        let assigns = match &head {
            Some((_, value)) => value.is_some(),
            None => self.src[tag.rest.clone()].contains('='),
        };
        if assigns {
            let (targets, value) = head?;
            return Some(Node::Set {
                targets,
                value: value?,
            });
        }
        let body = self.block(&tag, "endset");
        let target = head?.0.into_iter().next()?;
        Some(Node::SetBlock { target, body })
    }

    fn macro_block(&mut self, tag: End, prefix: &str) -> Option<Node> {
        let head = self.with_expr(tag.rest.clone(), |p| {
            let (name, name_range) = p.name()?;
            let params = p.params()?;
            p.finish()?;
            Ok((name, name_range, params))
        });
        let body = self.block(&tag, &format!("end{}", tag.word));
        let (name, name_range, params) = head?;
        Some(Node::Macro(Box::new(Macro {
            name: format!("{prefix}{name}").into(),
            name_range,
            params,
            body,
        })))
    }

    fn call_block(&mut self, tag: End) -> Option<Node> {
        let head = self.with_expr(tag.rest.clone(), |p| {
            let params = p.params()?;
            let call = p.expression()?;
            p.finish()?;
            Ok((params, call))
        });
        let range = tag.range.clone();
        let body = self.block(&tag, "endcall");
        let (params, call) = head?;
        Some(Node::CallBlock {
            call,
            params,
            body,
            range,
        })
    }
}

/// Stands where an expression could not be read. No Jinja name has a blank in it.
fn unknown(range: Range<u32>) -> Expr {
    Expr {
        range,
        kind: ExprKind::Name(" unreadable".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn errors(src: &str) -> Vec<(String, Range<u32>)> {
        parse(src)
            .errors
            .into_iter()
            .map(|e| (e.message, e.range))
            .collect()
    }

    #[test]
    fn what_dbt_accepts_has_no_errors() {
        for src in [
            "{{ config(materialized='table', meta={'a': {'b': [1, 2.5, -3]}}) }} select 1",
            "{% set a, b = 1, 2 %}{% set ns.x = 3 %}{% set q %}select{% endset %}",
            "{%- for k, v in d.items() if v is not none -%}{{ loop.index }}{%- else %}x{% endfor %}",
            "{% if a and not b or c in [1] %}1{% elif x is divisibleby 3 %}2{% else %}3{% endif %}",
            "{% macro m(a, b=none, *args, **kwargs) %}{{ caller() }}{% endmacro %}",
            "{% call(x) statement('s', fetch_result=True) %}select{% endcall %}",
            "{{ 'a' if b else 'c' if d }} {{ x[1:] }} {{ x[:-1] }} {{ a ~ b | upper }}",
            "{% snapshot s %}{{ config() }}{% endsnapshot %}{% test t(model) %}{% endtest %}",
            "{% do l.append('x') %}{{ return(adapter.dispatch('m', 'pkg')(*varargs, **kwargs)) }}",
            "{% materialization m, adapter='x' %}{% if a %}{% endif %}{% endmaterialization %}",
            "{{ dbt_utils.star(from=ref('a'), except=[\"b\",]) }} {{ not (a == 1) }} {{ a.0 }}",
            "{% filter upper %}a{% endfilter %}{% raw %}{% if %}{% endraw %}",
            "{%set x='\\d+'%}{{-x-}}{{+x+}}",
            "{% if a: %}1{% elif b : %}2{% else: %}3{% endif %}{% for x in y: %}{% endfor %}",
            "{% macro m(x): %}{% endmacro %}{% call m(1): %}{% endcall %}{% set q: %}{% endset %}",
            "{{ x | map(attribute='name') | list | join(', ') }} {{ -x | abs }}",
            "{{ a is string and b is mapping }}{{ (a, b,) }}{{ {} }}{{ [] }}{{ () }}",
        ] {
            assert_eq!(errors(src), [], "{src}");
        }
    }

    #[test]
    fn an_unclosed_block_is_reported_where_it_opens() {
        let found = errors("a {% if x %} b");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].1, 2..12);
        let found = errors("{% for a in b %}{% if x %}{% endfor %}");
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].0.contains("if"), "{found:?}");
    }

    #[test]
    fn a_colon_behind_a_value_is_refused() {
        assert!(!errors("{% set a = 1: %}").is_empty());
        assert!(!errors("{{ a: }}").is_empty());
    }

    #[test]
    fn other_refusals() {
        assert!(errors("{% endif %}")[0].0.contains("closes nothing"));
        assert!(errors("{% frobnicate %}")[0].0.contains("unknown tag"));
        assert!(errors("{{ ref('a' }}")[0].0.contains("expected `)`"));
        assert!(errors("{{ }}")[0].0.contains("expected a value"));
        assert!(errors("{{ a b }}")[0].0.contains("found `b`"));
        assert!(errors("{{ 'a }}")[0].0.contains("never closed"));
    }

    #[test]
    fn deep_nesting_is_an_error_not_a_crash() {
        crate::threads::on_big_stack(deep_nesting);
    }

    fn deep_nesting() {
        let deep = "{% if x %}".repeat(5_000);
        assert!(!errors(&deep).is_empty());
        let parens = format!("{{{{ {}1{} }}}}", "(".repeat(9_000), ")".repeat(9_000));
        assert!(!errors(&parens).is_empty());
        let nots = format!("{{{{ {} x }}}}", "not ".repeat(9_000));
        assert!(!errors(&nots).is_empty());
        let minus = format!("{{{{ {} x }}}}", "-".repeat(9_000));
        assert!(!errors(&minus).is_empty());
    }

    proptest! {
        #[test]
        fn never_panics(src in r#"([{}%#'"\\ a-zé\-(),.|=]|if|endif|for|in|set|endset|\{\{|\}\}|\{%|%\}){0,80}"#) {
            let template = parse(&src);
            for e in template.errors {
                prop_assert!(src.get(e.range.start as usize..e.range.end as usize).is_some());
            }
        }
    }
}
