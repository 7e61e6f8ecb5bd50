//! Values as Python writes them. dbt puts a test's arguments into its name and its hash that way.

use super::node::MAX_WALK;
use super::{Node, Scalar, Style};
use regex::Regex;
use std::fmt::Write;
use std::sync::LazyLock;

impl Node<'_> {
    /// What Python's `str()` gives for the value. None for what PyYAML would refuse, for circles,
    /// and where aliases would produce too much.
    pub fn python_str(self) -> Option<String> {
        match scalar(self) {
            Some(Python::Text(text)) => Some(text.to_owned()),
            Some(value) => value.shown(false),
            None => self.python_repr(),
        }
    }

    /// What Python's `repr()` gives for the value; none as for [`Self::python_str`].
    pub fn python_repr(self) -> Option<String> {
        let mut out = String::new();
        let mut budget = self.expansion_budget();
        write(self, Form::Repr, 0, &mut budget, &mut out)?;
        Some(out)
    }

    /// What Python's `repr()` gives for the value when every scalar in it is made text first and
    /// mappings are sorted by their keys; none as for [`Self::python_str`].
    pub fn python_digest(self) -> Option<String> {
        let mut out = String::new();
        let mut budget = self.expansion_budget();
        write(self, Form::Digest, 0, &mut budget, &mut out)?;
        Some(out)
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Form {
    Repr,
    Digest,
}

fn write(node: Node, form: Form, depth: u32, budget: &mut usize, out: &mut String) -> Option<()> {
    *budget = budget.checked_sub(1).filter(|_| depth <= MAX_WALK)?;
    if node.is_sequence() {
        out.push('[');
        for (i, item) in node.items().enumerate() {
            out.push_str(if i > 0 { ", " } else { "" });
            write(item, form, depth + 1, budget, out)?;
        }
        out.push(']');
        return Some(());
    }
    if node.is_mapping() {
        let mut entries = node.entries();
        if form == Form::Digest {
            entries.sort_by_key(|(key, _)| order(*key));
        }
        out.push('{');
        for (i, (key, value)) in entries.into_iter().enumerate() {
            out.push_str(if i > 0 { ", " } else { "" });
            out.push_str(&scalar(key)?.shown(true)?);
            out.push_str(": ");
            write(value, form, depth + 1, budget, out)?;
        }
        out.push('}');
        return Some(());
    }
    let value = scalar(node)?;
    match form {
        Form::Repr => out.push_str(&value.shown(true)?),
        Form::Digest => out.push_str(&text_repr(&value.shown(false)?)),
    }
    Some(())
}

/// Python sorts keys of one type only; numbers come before text here.
fn order(key: Node) -> (bool, i64, String) {
    match scalar(key) {
        Some(Python::Int(n)) => (false, n.parse().unwrap_or(i64::MAX), String::new()),
        _ => (true, 0, key.as_str().unwrap_or_default().to_owned()),
    }
}

/// A scalar as PyYAML constructs it.
enum Python<'a> {
    None,
    Bool(bool),
    /// Its decimal digits.
    Int(String),
    Float(f64),
    Time(Time),
    Text(&'a str),
}

fn scalar(node: Node) -> Option<Python> {
    let text = node.as_str()?;
    Some(match node.scalar()? {
        Scalar::Null => Python::None,
        Scalar::Bool(value) => Python::Bool(value),
        Scalar::Int(value) => Python::Int(value.to_string()),
        Scalar::Float(_) if is_long_int(text) => {
            let digits = text.replace(['_', '+'], "");
            Python::Int(digits)
        }
        Scalar::Float(value) => Python::Float(value),
        Scalar::Str => {
            let resolved = node.resolve();
            let plain = resolved.style() == Some(Style::Plain) && resolved.tag().is_none();
            match plain.then(|| Time::read(text)).flatten() {
                Some(time) => Python::Time(time),
                None => Python::Text(text),
            }
        }
    })
}

/// A decimal number that 64 bits do not hold; Python keeps every digit.
fn is_long_int(text: &str) -> bool {
    let body = text.strip_prefix(['-', '+']).unwrap_or(text);
    body.starts_with(|c: char| ('1'..='9').contains(&c))
        && body.bytes().all(|b| b.is_ascii_digit() || b == b'_')
}

impl Python<'_> {
    /// `repr()`, or else `str()`.
    fn shown(&self, repr: bool) -> Option<String> {
        Some(match self {
            Python::None => "None".to_owned(),
            Python::Bool(true) => "True".to_owned(),
            Python::Bool(false) => "False".to_owned(),
            Python::Int(digits) => digits.clone(),
            Python::Float(value) => float(*value),
            Python::Time(time) if repr => time.repr(),
            Python::Time(time) => time.text(),
            Python::Text(text) if repr => text_repr(text),
            Python::Text(text) => (*text).to_owned(),
        })
    }
}

/// The shortest digits that mean the number; an exponent from 1e16 on and below 1e-4.
fn float(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if value != 0.0 && !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    let fixed = format!("{value}");
    match fixed.contains('.') {
        true => fixed,
        false => format!("{fixed}.0"),
    }
}

/// A string as Python writes it in source.
pub fn text_repr(text: &str) -> String {
    let quote = match text.contains('\'') && !text.contains('"') {
        true => '"',
        false => '\'',
    };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        // Writing to a string does not fail.
        let _ = match c {
            '\\' => write!(out, "\\\\"),
            '\n' => write!(out, "\\n"),
            '\r' => write!(out, "\\r"),
            '\t' => write!(out, "\\t"),
            c if c == quote => write!(out, "\\{c}"),
            c if is_printable(c) => write!(out, "{c}"),
            c if u32::from(c) < 0x100 => write!(out, "\\x{:02x}", u32::from(c)),
            c if u32::from(c) < 0x1_0000 => write!(out, "\\u{:04x}", u32::from(c)),
            c => write!(out, "\\U{:08x}", u32::from(c)),
        };
    }
    out.push(quote);
    out
}

/// Everything but Unicode's "other" and "separator", the blank aside.
static UNPRINTABLE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[\p{C}\p{Z}]").ok());

fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        return !c.is_ascii_control();
    }
    let unprintable = UNPRINTABLE.as_ref();
    !unprintable.is_some_and(|r| r.is_match(c.encode_utf8(&mut [0; 4])))
}

/// A date, or a date with a time.
struct Time {
    date: [u32; 3],
    /// Hour, minute, second, microsecond.
    clock: Option<[u32; 4]>,
    /// Seconds east of UTC.
    offset: Option<i32>,
}

static TIME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:(?:[Tt]|[ \t]+)([0-9]{1,2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]*))?(?:[ \t]*(?:(Z)|([-+])([0-9]{1,2})(?::([0-9]{2}))?))?)?$",
    )
    .ok()
});

impl Time {
    /// PyYAML's timestamp; none for text that is none, and for a day that no calendar has.
    fn read(text: &str) -> Option<Self> {
        if !text.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let found = TIME.as_ref()?.captures(text)?;
        let number = |i: usize| found.get(i)?.as_str().parse::<u32>().ok();
        let date = [number(1)?, number(2)?, number(3)?];
        let with_clock = found.get(4).is_some();
        // A date alone is written in full.
        if !with_clock && text.len() != 10 || !is_day(date) {
            return None;
        }
        let fraction = found.get(7).map_or("", |m| m.as_str());
        let micros = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
        let clock = match with_clock {
            true => Some([number(4)?, number(5)?, number(6)?, micros]),
            false => None,
        };
        if clock.is_some_and(|[h, m, s, _]| h > 23 || m > 59 || s > 59) {
            return None;
        }
        let offset = match (found.get(8), found.get(9)) {
            (Some(_), _) => Some(0),
            (None, Some(sign)) => {
                let seconds = number(10)? * 3600 + number(11).unwrap_or(0) * 60;
                let seconds = i32::try_from(seconds).ok()?;
                Some(if sign.as_str() == "-" {
                    -seconds
                } else {
                    seconds
                })
            }
            (None, None) => None,
        };
        Some(Self {
            date,
            clock,
            offset,
        })
    }

    fn text(&self) -> String {
        let [y, m, d] = self.date;
        let mut out = format!("{y:04}-{m:02}-{d:02}");
        let Some([h, min, s, micros]) = self.clock else {
            return out;
        };
        let _ = write!(out, " {h:02}:{min:02}:{s:02}");
        if micros > 0 {
            let _ = write!(out, ".{micros:06}");
        }
        if let Some(offset) = self.offset {
            let sign = if offset < 0 { '-' } else { '+' };
            let minutes = offset.abs() / 60;
            let _ = write!(out, "{sign}{:02}:{:02}", minutes / 60, minutes % 60);
        }
        out
    }

    fn repr(&self) -> String {
        let [y, m, d] = self.date;
        let Some([h, min, s, micros]) = self.clock else {
            return format!("datetime.date({y}, {m}, {d})");
        };
        let mut out = format!("datetime.datetime({y}, {m}, {d}, {h}, {min}");
        if s > 0 || micros > 0 {
            let _ = write!(out, ", {s}");
        }
        if micros > 0 {
            let _ = write!(out, ", {micros}");
        }
        match self.offset {
            None => {}
            Some(0) => out.push_str(", tzinfo=datetime.timezone.utc"),
            Some(offset) => {
                let (days, seconds) = (offset.div_euclid(86_400), offset.rem_euclid(86_400));
                let days = match days {
                    0 => String::new(),
                    days => format!("days={days}, "),
                };
                let delta = format!("datetime.timedelta({days}seconds={seconds})");
                let _ = write!(out, ", tzinfo=datetime.timezone({delta})");
            }
        }
        out.push(')');
        out
    }
}

fn is_day([year, month, day]: [u32; 3]) -> bool {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    year > 0 && (1..=days).contains(&day)
}

#[cfg(test)]
mod tests {
    use crate::syntax::yaml;
    use crate::text::FileId;

    fn of(text: &str, ask: impl Fn(yaml::Node) -> Option<String>) -> String {
        let tree = yaml::parse(FileId(0), text);
        ask(tree.root().unwrap()).unwrap_or_else(|| "nothing".to_owned())
    }

    /// Right-hand sides are what CPython 3.11 with PyYAML prints.
    #[test]
    fn text_of_values() {
        for (yaml, python) in [
            ("1", "1"),
            ("1.0", "1.0"),
            ("0.1", "0.1"),
            ("1.0e+20", "1e+20"),
            ("1.0e+15", "1000000000000000.0"),
            ("1.0e-7", "1e-07"),
            ("1.5e-10", "1.5e-10"),
            ("0.0001", "0.0001"),
            ("-0.0", "-0.0"),
            ("-.inf", "-inf"),
            (".nan", "nan"),
            ("123456789.123456789", "123456789.12345679"),
            ("12345678901234567890", "12345678901234567890"),
            ("-12345678901234567890", "-12345678901234567890"),
            ("1_000", "1000"),
            ("010", "8"),
            ("12:30:45", "45045"),
            ("0o17", "0o17"),
            ("yes", "True"),
            ("~", "None"),
            ("2020-01-01", "2020-01-01"),
            ("2020-02-30", "2020-02-30"),
            ("2020-1-1 1:02:03", "2020-01-01 01:02:03"),
            ("2020-01-01T10:00:00Z", "2020-01-01 10:00:00+00:00"),
            ("2020-01-01 10:00:00.5", "2020-01-01 10:00:00.500000"),
            ("2020-01-01 10:00:00 -02:30", "2020-01-01 10:00:00-02:30"),
            ("'yes'", "yes"),
            ("[a, 1, b'c]", "['a', 1, \"b'c\"]"),
            ("{b: 1, a: [x, ~, {}]}", "{'b': 1, 'a': ['x', None, {}]}"),
            (
                "{3: 2020-01-01, true: no}",
                "{3: datetime.date(2020, 1, 1), True: False}",
            ),
            (
                "[2020-01-01 10:00:00]",
                "[datetime.datetime(2020, 1, 1, 10, 0)]",
            ),
            (
                "[2020-01-01 10:00:00-02:00]",
                "[datetime.datetime(2020, 1, 1, 10, 0, tzinfo=datetime.timezone(datetime.timedelta(days=-1, seconds=79200)))]",
            ),
            (
                "['both '' and \"', 'tab\u{e9}']",
                "['both \\' and \"', 'tab\u{e9}']",
            ),
            (
                "[\"\\x07\\n\\t\\\\ \\u200b\\u3000\\U0001f600\\U000e0001\"]",
                "['\\x07\\n\\t\\\\ \\u200b\\u3000\u{1f600}\\U000e0001']",
            ),
        ] {
            assert_eq!(of(yaml, |n| n.python_str()), python, "{yaml}");
        }
    }

    #[test]
    fn digests_are_sorted_and_all_text() {
        let digest = |text| of(text, |n| n.python_digest());
        assert_eq!(
            digest("{b: 1, a: [x, ~, {d: 2020-01-01, c: 1.50}]}"),
            "{'a': ['x', 'None', {'c': '1.5', 'd': '2020-01-01'}], 'b': '1'}"
        );
        assert_eq!(digest("{10: a, 9: b}"), "{9: 'b', 10: 'a'}");
        assert_eq!(digest("x'y"), "\"x'y\"");
    }

    #[test]
    fn circles_and_bombs_have_no_text() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for i in 1..12 {
            let items = vec![format!("*a{}", i - 1); 10].join(", ");
            bomb.push_str(&format!("a{i}: &a{i} [{items}]\n"));
        }
        assert_eq!(of(&bomb, |n| n.python_repr()), "nothing");
        assert_eq!(of("&a [1, *a]", |n| n.python_digest()), "nothing");
        assert_eq!(of("{[a]: 1}", |n| n.python_repr()), "nothing");
    }
}
