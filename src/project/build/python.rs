//! What a Python model asks for: `dbt.ref(…)`, `dbt.source(…)` and `dbt.config(…)` in its code, not
//! in its comments and strings. dbt takes literals only.

use super::*;
use crate::syntax::jinja::RelationRef;
use crate::syntax::template::{ConfigCall, RelationCall, SqlFile};
use std::ops::Range;

/// What a Python model asks for.
pub(super) fn understand(file: FileId, src: &str) -> SqlFile {
    let tokens = tokens(src);
    let mut relations = Vec::new();
    let mut configs = Vec::new();
    let closing = closing(src, &tokens);
    let is = |t: &Token, text: &str| t.kind != Kind::Text && &src[t.range.clone()] == text;
    let mut at = 0;
    while let Some([dbt, dot, function, open]) = tokens.get(at..at + 4) {
        let attribute = at > 0 && is(&tokens[at - 1], ".");
        let called = is(dbt, "dbt") && is(dot, ".") && is(open, "(");
        at += 1;
        if attribute || !called {
            continue;
        }
        // A call without an end is none, and what stands in a call's arguments is no call of its
        // own: dbt takes literals only.
        let Some(close) = closing[at + 2] else {
            continue;
        };
        let args = arguments(src, &tokens[at + 3..close]);
        let end = tokens[close].range.end;
        at = close;
        let span = Span::new(file, dbt.range.start, end);
        match &src[function.range.clone()] {
            "ref" => relations.push((reference(src, &args), span)),
            "source" => relations.push((source(src, &args), span)),
            "config" => configs.extend(config(&src[function.range.start..end], span)),
            _ => {}
        }
    }
    let call = |(relation, span)| RelationCall {
        relation,
        span,
        in_comment: false,
        in_macro: false,
        unsure: false,
    };
    SqlFile {
        relations: relations.into_iter().map(call).collect(),
        printed: Vec::new(),
        configs,
        macros: Vec::new(),
        sql: SqlTree::NotRead,
        recovered: None,
        variants: Vec::new(),
        fragments: Vec::new(),
        shimmed: Vec::new(),
        doubtful: Vec::new(),
        inlined: std::sync::OnceLock::new(),
        rendered: None,
        text_bytes: 0,
        read_bytes: 0,
        exhausted: false,
    }
}

fn reference(src: &str, args: &Arguments) -> RelationRef {
    let version = args
        .named
        .iter()
        .find(|(name, _)| matches!(*name, "v" | "version"));
    let version = version.map(|(_, value)| literal(src, value));
    let (package, name) = match &args.positional[..] {
        [package, name, ..] => (Some(literal(src, package)), literal(src, name)),
        [name] => (None, literal(src, name)),
        [] => (None, None),
    };
    RelationRef::Ref {
        package,
        name,
        version,
    }
}

fn source(src: &str, args: &Arguments) -> RelationRef {
    let arg = |i: usize| args.positional.get(i).and_then(|a| literal(src, a));
    RelationRef::Source {
        source: arg(0),
        table: arg(1),
    }
}

/// Python's keyword arguments of literals are Jinja's.
fn config(call: &str, span: Span) -> Vec<ConfigCall> {
    let text = format!("{{{{ {call} }}}}");
    let template = jinja::parse(&text);
    let library = MacroLibrary::default();
    let evaluation = jinja::evaluate(&jinja::Inputs {
        src: &text,
        nodes: &template.nodes,
        macros: &library,
        package: "",
        adapter: None,
        target: None,
        var: &|_| None,
        mode: jinja::Mode::Parse,
        inline: jinja::Inline::Never,
        model: None,
        earlier: None,
    });
    let mut out = Vec::new();
    for call in evaluation.calls {
        if let jinja::CallKind::Config(mut args) = call.kind {
            for arg in &mut args {
                arg.value_range = span.start..span.end;
                arg.key_range = span.start..span.end;
            }
            out.push(ConfigCall {
                span,
                args,
                in_macro: false,
            });
        }
    }
    out
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A name, a keyword, a number.
    Word,
    /// A string whose text is what stands between its quotes.
    Text,
    /// A string that is computed or has escapes.
    Other,
    Sign,
}

#[derive(Debug)]
struct Token {
    kind: Kind,
    range: Range<usize>,
}

/// The arguments of a call, as slices of tokens.
#[derive(Default)]
struct Arguments<'t> {
    positional: Vec<&'t [Token]>,
    named: Vec<(&'t str, &'t [Token])>,
}

/// A string or a number that stands alone.
fn literal(src: &str, value: &[Token]) -> Option<String> {
    let [token] = value else { return None };
    let text = &src[token.range.clone()];
    match token.kind {
        Kind::Text => {
            let quotes =
                if text.len() >= 6 && (text.starts_with("\"\"\"") || text.starts_with("'''")) {
                    3
                } else {
                    1
                };
            Some(text.get(quotes..text.len() - quotes)?.to_owned())
        }
        Kind::Word if text.starts_with(|c: char| c.is_ascii_digit()) => Some(text.to_owned()),
        _ => None,
    }
}

/// By opening bracket, the token that closes it.
fn closing(src: &str, tokens: &[Token]) -> Vec<Option<usize>> {
    let mut out = vec![None; tokens.len()];
    let mut open = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match sign(src, token) {
            "(" | "[" | "{" => open.push(at),
            ")" | "]" | "}" => {
                if let Some(start) = open.pop() {
                    out[start] = Some(at);
                }
            }
            _ => {}
        }
    }
    out
}

fn sign<'t>(src: &'t str, token: &Token) -> &'t str {
    match token.kind {
        Kind::Sign => &src[token.range.clone()],
        _ => "",
    }
}

/// The arguments that stand between a call's parentheses.
fn arguments<'t>(src: &'t str, tokens: &'t [Token]) -> Arguments<'t> {
    let mut out = Arguments::default();
    let (mut depth, mut start) = (0usize, 0usize);
    for at in 0..=tokens.len() {
        let sign = tokens.get(at).map_or(",", |t| sign(src, t));
        if at == tokens.len() || (depth == 0 && sign == ",") {
            let arg = &tokens[start..at];
            match arg {
                [name, equals, value @ ..]
                    if name.kind == Kind::Word && &src[equals.range.clone()] == "=" =>
                {
                    out.named.push((&src[name.range.clone()], value));
                }
                [] => {}
                arg => out.positional.push(arg),
            }
            start = at + 1;
        }
        match sign {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    out
}

/// Python's tokens, as far as calls are concerned: comments and white space are left out.
fn tokens(src: &str) -> Vec<Token> {
    let bytes = src.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        let kind = match bytes[at] {
            b'#' => {
                at = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |n| at + n);
                continue;
            }
            c if c.is_ascii_whitespace() || c == b'\\' => {
                at += 1;
                continue;
            }
            b'"' | b'\'' => string(bytes, &mut at),
            c if is_word(c) => {
                while at < bytes.len() && is_word(bytes[at]) {
                    at += 1;
                }
                let prefix = at - start <= 2
                    && bytes[start..at].iter().all(|c| b"rRbBuUfFtT".contains(c))
                    && matches!(bytes.get(at), Some(b'"' | b'\''));
                match prefix {
                    true => {
                        string(bytes, &mut at);
                        Kind::Other
                    }
                    false => Kind::Word,
                }
            }
            _ => {
                at += 1;
                Kind::Sign
            }
        };
        out.push(Token {
            kind,
            range: start..at,
        });
    }
    out
}

/// Letters beyond ASCII are parts of names, so that a sign is one byte and text is cut between
/// characters.
fn is_word(c: u8) -> bool {
    c.is_ascii_alphanumeric() || c == b'_' || c >= 0x80
}

/// Passes over a string, which may have no end.
fn string(bytes: &[u8], at: &mut usize) -> Kind {
    let quote = bytes[*at];
    let long = bytes[*at..].starts_with(&[quote; 3]);
    let close: &[u8] = if long { &[quote; 3] } else { &[quote] };
    *at += close.len();
    let mut kind = Kind::Text;
    while *at < bytes.len() {
        let rest = &bytes[*at..];
        match rest[0] {
            b'\\' => {
                kind = Kind::Other;
                *at = (*at + 2).min(bytes.len());
            }
            b'\n' if !long => return Kind::Other,
            _ if rest.starts_with(close) => {
                *at += close.len();
                return kind;
            }
            _ => *at += 1,
        }
    }
    Kind::Other
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(src: &str) -> SqlFile {
        understand(FileId(0), src)
    }

    #[test]
    fn calls_in_code_are_found_and_those_in_comments_and_strings_are_not() {
        let found = read(
            "# dbt.ref('comment')\ns = \"dbt.ref('text')\"\nd = '''\ndbt.ref('long')\n'''\n\
             a = dbt.ref(\"a\")\nb = (dbt\n  .ref('shop', 'b', v=2))\nc = dbt.source(\n 'erp',\n 'orders')\n\
             e = my.dbt.ref('other')\nf = dbt.ref(name)\ng = dbt.ref(f'x')\n",
        );
        let named: Vec<String> = found
            .relations
            .iter()
            .map(|r| match &r.relation {
                RelationRef::Ref {
                    package,
                    name,
                    version,
                } => {
                    format!("{package:?} {name:?} {version:?}")
                }
                other => format!("{other:?}"),
            })
            .collect();
        assert_eq!(
            named,
            [
                "None Some(\"a\") None",
                "Some(Some(\"shop\")) Some(\"b\") Some(Some(\"2\"))",
                "Source { source: Some(\"erp\"), table: Some(\"orders\") }",
                "None None None",
                "None None None",
            ]
        );
    }

    #[test]
    fn configuration_may_hold_parentheses() {
        let found = read("dbt.config(tags=('a', 'b'), meta={'x': (1)}, materialized='table')\n");
        let keys: Vec<&str> = found.configs[0]
            .args
            .iter()
            .map(|a| a.key.as_str())
            .collect();
        assert_eq!(keys, ["tags", "meta", "materialized"]);
    }

    #[test]
    fn nothing_breaks_it() {
        for src in [
            "",
            "dbt.ref(",
            "'",
            "\"\"\"",
            "dbt.config(\\",
            "r'",
            "é.ü(",
            "dbt.ref('é",
        ] {
            read(src);
        }
    }
}
