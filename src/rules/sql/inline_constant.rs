use crate::load::Role;
use crate::project::{Node, Project};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink};
use crate::syntax::jinja::ast::{Expr, ExprKind, Macro, Node as Jinja};
use crate::syntax::jinja::{self, TokenKind};
use crate::text::{FileId, Span};
use crate::violation::{Confidence, Severity, Violation};
use rustc_hash::FxHashMap;
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;
use std::ops::Range;

/// No options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InlineConstant {}

impl BuiltIn for InlineConstant {
    const META: Meta = Meta {
        id: Borrowed("sql/inline-constant"),
        severity: Severity::Warn,
        confidence: Confidence::Likely,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!("../../../rules/sql/inline-constant/README.md")),
    };
}

impl Rule for InlineConstant {
    fn project(&self, cx: &Cx, sink: &mut Sink) {
        let project = cx.project;
        let mut names: FxHashMap<String, Vec<Named>> = FxHashMap::default();
        for member in project.own_files().filter(|m| m.role == Role::Macro) {
            for named in named(project, member.file) {
                names.entry(named.number.clone()).or_default().push(named);
            }
        }
        if names.is_empty() {
            return;
        }
        for model in project.models().filter(|m| !m.python) {
            for found in judge(project, model, &names) {
                sink.push_on(Some(model.id), found);
            }
        }
    }
}

/// A number that a macro names.
struct Named {
    /// As [`number`] spells it.
    number: String,
    /// The macro, as one calls it.
    call: String,
    /// The operator before it, where the macro's argument stands before that.
    operator: Option<char>,
    /// What the macro and its arguments are called by.
    words: Vec<String>,
    place: Span,
}

/// The numbers that a file's macros name: those whose body is one number, or one argument with one
/// factor.
fn named(project: &Project, file: FileId) -> Vec<Named> {
    let text = &project.files.get(file).text;
    let template = jinja::parse(text);
    let macros = template.nodes.iter().filter_map(|n| match n {
        Jinja::Macro(m) => Some(&**m),
        _ => None,
    });
    macros.filter_map(|m| name_of(m, text, file)).collect()
}

fn name_of(m: &Macro, text: &str, file: FileId) -> Option<Named> {
    // What is called under another name: a test, one adapter's version of another macro. The
    // default version says what that macro is.
    let name = m.name.strip_prefix("default__").unwrap_or(&m.name);
    if name.starts_with("test_") || name.contains("__") {
        return None;
    }
    let mut parts: Vec<Part> = Vec::new();
    for node in &m.body {
        match node {
            Jinja::Text(range) => tokens(text, range.clone(), &mut parts),
            Jinja::Output(expr, range) => match printed(expr, m) {
                Some(Printed::Argument) => parts.push(Part::Operand(range.clone())),
                Some(Printed::Number(n)) => parts.push(Part::Number(n, range.clone())),
                None => return None,
            },
            _ => return None,
        }
    }
    let args = parts
        .iter()
        .filter(|p| matches!(p, Part::Operand(_)))
        .count();
    let numbers: Vec<(usize, &String)> = parts
        .iter()
        .enumerate()
        .filter_map(|(i, p)| match p {
            Part::Number(n, _) => Some((i, n)),
            _ => None,
        })
        .collect();
    let only_signs = |p: &Part| matches!(p, Part::Sign('(' | ')', _));
    let (number, operator) = match (m.params.len(), args) {
        // `3.6`, `(3.6)`
        (0, 0) => match numbers[..] {
            [(_, n)]
                if parts
                    .iter()
                    .all(|p| only_signs(p) || matches!(p, Part::Number(..))) =>
            {
                (n.clone(), None)
            }
            _ => return None,
        },
        // `{{ x }} / 100`, with a cast or rounding around it.
        (_, 1) => {
            let factor = |(i, n): &(usize, &String)| {
                let before = i.checked_sub(1).and_then(|i| parts.get(i));
                let Some(Part::Sign(op @ ('*' | '/'), _)) = before else {
                    return None;
                };
                let is_operand = |p: &&Part| !matches!(p, Part::Sign(')', _));
                let operand = parts[..i - 1].iter().rev().find(is_operand);
                matches!(operand, Some(Part::Operand(_))).then(|| ((*n).clone(), Some(*op)))
            };
            let factors: Vec<_> = numbers.iter().filter_map(factor).collect();
            let signs = parts
                .iter()
                .filter(|p| matches!(p, Part::Sign('*' | '/' | '+' | '-', _)));
            match (&factors[..], signs.count()) {
                ([one], 1) => one.clone(),
                _ => return None,
            }
        }
        _ => return None,
    };
    let params: Vec<&str> = m.params.iter().map(|p| &*p.name).collect();
    Some(Named {
        call: format!("{name}({})", params.join(", ")),
        words: words(std::iter::once(name)),
        place: Span::new(file, m.name_range.start as usize, m.name_range.end as usize),
        number,
        operator,
    })
}

enum Printed {
    Argument,
    Number(String),
}

fn printed(expr: &Expr, m: &Macro) -> Option<Printed> {
    match &expr.kind {
        ExprKind::Name(name) if m.params.iter().any(|p| p.name == *name) => Some(Printed::Argument),
        ExprKind::Int(n) => Some(Printed::Number(number(&n.to_string())?)),
        ExprKind::Float(f) => Some(Printed::Number(number(&f.to_string())?)),
        // `{{ return(3.6) }}`
        ExprKind::Call(callee, args) => match (&callee.kind, &args.positional[..]) {
            (ExprKind::Name(name), [one]) if &**name == "return" => printed(one, m),
            _ => None,
        },
        _ => None,
    }
}

/// A piece of SQL.
enum Part {
    Word(Range<u32>),
    Number(String, Range<u32>),
    /// A string, a parameter, Jinja: one operand.
    Operand(Range<u32>),
    Sign(char, #[allow(dead_code)] Range<u32>),
}

/// Splits SQL into words, numbers and signs; comments are dropped.
fn tokens(text: &str, range: Range<u32>, out: &mut Vec<Part>) {
    let bytes = text.as_bytes();
    let (mut i, end) = (range.start as usize, range.end as usize);
    while i < end {
        let start = i;
        let here = |to: usize| start as u32..to as u32;
        let c = bytes[i];
        if c.is_ascii_whitespace() {
            i += 1;
        } else if bytes[i..end].starts_with(b"--") {
            i = memchr::memchr(b'\n', &bytes[i..end]).map_or(end, |n| i + n);
        } else if bytes[i..end].starts_with(b"/*") {
            i = memchr::memmem::find(&bytes[i..end], b"*/").map_or(end, |n| i + n + 2);
        } else if c == b'\'' || c == b'"' || c == b'`' {
            i = memchr::memchr(c, &bytes[i + 1..end]).map_or(end, |n| i + n + 2);
            out.push(match c {
                b'\'' => Part::Operand(here(i)),
                _ => Part::Word(here(i)),
            });
        } else if c.is_ascii_digit()
            || (c == b'.' && bytes.get(i + 1).is_some_and(u8::is_ascii_digit))
        {
            while i < end
                && (bytes[i].is_ascii_alphanumeric() || bytes[i] == b'.' || bytes[i] == b'_')
            {
                i += 1;
            }
            out.push(match number(&text[start..i]) {
                Some(n) => Part::Number(n, here(i)),
                None => Part::Word(here(i)),
            });
        } else if c.is_ascii_alphabetic() || c == b'_' || c >= 0x80 {
            while i < end
                && (bytes[i].is_ascii_alphanumeric()
                    || matches!(bytes[i], b'_' | b'.' | b'$')
                    || bytes[i] >= 0x80)
            {
                i += 1;
            }
            out.push(Part::Word(here(i)));
        } else {
            i += 1;
            out.push(Part::Sign(c as char, here(i)));
        }
    }
}

/// A number so that equal ones are spelled alike; none where it is none.
fn number(text: &str) -> Option<String> {
    let value: f64 = text.parse().ok()?;
    (value.is_finite() && text.starts_with(|c: char| c.is_ascii_digit() || c == '.'))
        .then(|| format!("{value}"))
}

fn judge(project: &Project, model: &Node, names: &FxHashMap<String, Vec<Named>>) -> Vec<Violation> {
    let text = &project.files.get(model.file).text;
    let (pieces, _) = jinja::lex(text);
    let mut parts: Vec<Part> = Vec::new();
    for piece in &pieces {
        match piece.kind {
            TokenKind::Text => tokens(text, piece.range.clone(), &mut parts),
            TokenKind::Output => parts.push(Part::Operand(piece.range.clone())),
            _ => {}
        }
    }
    let mut found = Vec::new();
    for (i, part) in parts.iter().enumerate() {
        let Part::Number(n, range) = part else {
            continue;
        };
        let candidates = names.get(n).into_iter().flatten();
        let sign = |at: Option<usize>| match at.and_then(|at| parts.get(at)) {
            Some(Part::Sign(c @ ('*' | '/'), _)) => Some(*c),
            _ => None,
        };
        let (before, after) = (sign(i.checked_sub(1)), sign(Some(i + 1)));
        let around = around(text, &parts, i);
        let fits = |named: &&Named| {
            let factor = match named.operator {
                Some(op) => before == Some(op) || (op == '*' && after == Some('*')),
                None => before.is_some() || after.is_some(),
            };
            factor && (is_telling(n) || named.words.iter().any(|w| around.contains(w)))
        };
        let mut fitting = candidates.filter(fits);
        let Some(named) = fitting.next() else {
            continue;
        };
        let span = Span::new(model.file, range.start as usize, range.end as usize);
        let message = format!(
            "`{}` is written out, and the macro `{}` already says it: when it changes there, this place keeps the old value",
            project.text(span),
            named.call
        );
        found.push(
            Violation::new(span, message)
                .symbol(format!("constant {n} {}", named.call))
                .related(named.place, "the macro")
                .help(format!("call `{}` instead", named.call)),
        );
    }
    found
}

/// Would two people who write this number mean the same? Powers of ten, round numbers, parts of a
/// day and years are written for many reasons.
fn is_telling(number: &str) -> bool {
    const COMMON: [&str; 10] = [
        "360", "365", "366", "365.25", "1024", "255", "256", "999", "9999", "128",
    ];
    let digits = number.replace('.', "");
    let digits = digits.trim_start_matches('0').trim_end_matches('0');
    let is_year = number.len() == 4 && (number.starts_with("19") || number.starts_with("20"));
    digits.len() >= 3 && !COMMON.contains(&number) && !is_year
}

/// The words of the operand beside a number and of the alias behind it.
fn around(text: &str, parts: &[Part], at: usize) -> Vec<String> {
    let word = |p: Option<&Part>| match p {
        Some(Part::Word(r) | Part::Operand(r)) => Some(&text[r.start as usize..r.end as usize]),
        _ => None,
    };
    let beside = [at.checked_sub(2), Some(at + 2)];
    let mut near: Vec<&str> = beside
        .into_iter()
        .flatten()
        .filter_map(|i| word(parts.get(i)))
        .collect();
    // `sum(amount_cents) / 100`
    let closing = at
        .checked_sub(2)
        .is_some_and(|i| matches!(parts.get(i), Some(Part::Sign(')', _))));
    if closing {
        near.extend((3..6).filter_map(|n| word(at.checked_sub(n).and_then(|i| parts.get(i)))));
    }
    let mut next = parts.iter().skip(at + 1).take(8);
    let is_as = |p: &&Part| word(Some(p)).is_some_and(|w| w.eq_ignore_ascii_case("as"));
    let comma = |p: &&Part| !matches!(p, Part::Sign(',', _));
    if next.by_ref().take_while(comma).any(|p| is_as(&p)) {
        near.extend(word(next.next()));
    }
    words(near.into_iter())
}

/// The words that names are made of; those that say nothing are left out, and plurals are made
/// singular.
fn words<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    const EMPTY: &[&str] = &[
        "and",
        "amount",
        "calc",
        "column",
        "convert",
        "factor",
        "for",
        "from",
        "get",
        "into",
        "name",
        "number",
        "per",
        "rate",
        "the",
        "total",
        "value",
        "with",
        "percent",
        "pct",
        "percentage",
        "ratio",
        "count",
        "sum",
        "avg",
    ];
    let names = names.flat_map(|n| n.split(|c: char| !c.is_alphanumeric()).collect::<Vec<_>>());
    let lower = names.map(|w| w.trim_end_matches('s').to_lowercase());
    lower
        .filter(|w| {
            w.len() >= 3 && !EMPTY.contains(&w.as_str()) && !w.chars().all(|c| c.is_ascii_digit())
        })
        .collect()
}
