//! What a plain scalar means: PyYAML's `SafeLoader`, rule for rule.
//!
//! The patterns are those of `yaml/resolver.py`. They differ from YAML 1.2 in what bites people:
//! `on` is true, `010` is eight, `1:30` is ninety, `1e3` is a string (no dot), and so is `0o7`.

/// A scalar's value as dbt sees it. A string's text is
/// [`Node::as_str`](super::Node::as_str).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scalar {
    /// `~`, `null` or nothing at all.
    Null,
    /// `true`, `yes`, `on` and their opposites, in three casings each.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a dot, infinity, not-a-number, or a whole number beyond 64 bits (rounded;
    /// Python keeps it exact).
    Float(f64),
    /// Anything else, dates included.
    Str,
}

const CORE: &str = "tag:yaml.org,2002:";

/// The tags that PyYAML's safe loader constructs.
pub(super) fn is_known_tag(tag: &str) -> bool {
    const NAMES: [&str; 12] = [
        "null",
        "bool",
        "int",
        "float",
        "binary",
        "timestamp",
        "omap",
        "pairs",
        "set",
        "str",
        "seq",
        "map",
    ];
    is_merge_tag(tag)
        || tag == "!"
        || tag
            .strip_prefix(CORE)
            .is_some_and(|name| NAMES.contains(&name))
}

/// `!!merge`, which makes any key a `<<`.
pub(super) fn is_merge_tag(tag: &str) -> bool {
    tag.strip_prefix(CORE) == Some("merge")
}

/// The value of a scalar with its tag, if it has one; `plain` when it is written without quotes.
pub(super) fn resolve(text: &str, tag: Option<&str>, plain: bool) -> Scalar {
    match tag {
        None if plain => resolve_plain(text),
        None => Scalar::Str,
        // The non-specific tag means "as if plain" to PyYAML, even before quotes.
        Some("!") => resolve_plain(text),
        Some(tag) => tagged(text, tag),
    }
}

fn tagged(text: &str, tag: &str) -> Scalar {
    let value = match tag.strip_prefix(CORE) {
        Some("null") => Some(Scalar::Null),
        Some("bool") => bool_value(&text.to_ascii_lowercase()),
        Some("int") => int_value(text),
        Some("float") => float_value(text),
        _ => None,
    };
    value.unwrap_or(Scalar::Str)
}

/// The value of a plain scalar without a tag.
pub(super) fn resolve_plain(text: &str) -> Scalar {
    let Some(&first) = text.as_bytes().first() else {
        return Scalar::Null;
    };
    let value = match first {
        b'~' | b'n' | b'N' if matches!(text, "~" | "null" | "Null" | "NULL") => Some(Scalar::Null),
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' => plain_bool(text),
        b'-' | b'+' | b'.' | b'0'..=b'9' => number(text),
        _ => None,
    };
    value.unwrap_or(Scalar::Str)
}

/// Booleans come in three casings: `yes`, `Yes`, `YES`.
fn plain_bool(text: &str) -> Option<Scalar> {
    let rest = &text.as_bytes()[1..];
    let lower = rest.iter().all(u8::is_ascii_lowercase);
    let upper = text.bytes().all(|b| b.is_ascii_uppercase());
    if text.len() > 5 || !(lower || upper) {
        return None;
    }
    bool_value(&text.to_ascii_lowercase())
}

fn bool_value(lower: &str) -> Option<Scalar> {
    match lower {
        "yes" | "true" | "on" => Some(Scalar::Bool(true)),
        "no" | "false" | "off" => Some(Scalar::Bool(false)),
        _ => None,
    }
}

fn number(text: &str) -> Option<Scalar> {
    if is_int(text) {
        int_value(text)
    } else if is_float(text) {
        float_value(text)
    } else {
        None
    }
}

fn unsigned(text: &str) -> &str {
    text.strip_prefix(['-', '+']).unwrap_or(text)
}

fn all(text: &str, allowed: impl Fn(u8) -> bool) -> bool {
    text.bytes().all(|b| b == b'_' || allowed(b))
}

/// Digits and underscores, a digit first.
fn is_digits(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit()) && all(text, |b| b.is_ascii_digit())
}

fn is_int(text: &str) -> bool {
    let body = unsigned(text);
    if let Some(bits) = body.strip_prefix("0b") {
        return !bits.is_empty() && all(bits, |b| matches!(b, b'0' | b'1'));
    }
    if let Some(hex) = body.strip_prefix("0x") {
        return !hex.is_empty() && all(hex, |b| b.is_ascii_hexdigit());
    }
    if let Some(octal) = body.strip_prefix('0') {
        return all(octal, |b| matches!(b, b'0'..=b'7'));
    }
    match body.split_once(':') {
        Some((head, tail)) => is_digits(head) && tail.split(':').all(is_sixtieth),
        None => is_digits(body),
    }
}

/// `[0-5]?[0-9]`
fn is_sixtieth(part: &str) -> bool {
    match part.as_bytes() {
        [ones] => ones.is_ascii_digit(),
        [b'0'..=b'5', ones] => ones.is_ascii_digit(),
        _ => false,
    }
}

fn is_float(text: &str) -> bool {
    let body = unsigned(text);
    let signed = body.len() < text.len();
    if matches!(body, ".inf" | ".Inf" | ".INF") {
        return true;
    }
    if matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let Some((whole, fraction)) = body.split_once('.') else {
        return false;
    };
    let (fraction, exponent) = match fraction.split_once(['e', 'E']) {
        Some((fraction, exponent)) => (fraction, Some(exponent)),
        None => (fraction, None),
    };
    if !exponent.is_none_or(is_exponent) {
        return false;
    }
    if whole.is_empty() {
        // PyYAML's pattern forgets the sign here: `-.5` is a string.
        return !signed && is_digits(fraction);
    }
    let fraction_ok = all(fraction, |b| b.is_ascii_digit());
    match whole.split_once(':') {
        Some((head, tail)) => {
            fraction_ok && exponent.is_none() && is_digits(head) && tail.split(':').all(is_sixtieth)
        }
        None => fraction_ok && is_digits(whole),
    }
}

/// The sign is obligatory: `1.5e3` is a string.
fn is_exponent(text: &str) -> bool {
    let digits = unsigned(text);
    digits.len() < text.len() && !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

/// `construct_yaml_int`; `None` where Python would raise.
fn int_value(text: &str) -> Option<Scalar> {
    let clean = text.replace('_', "");
    let negative = clean.starts_with('-');
    let body = unsigned(&clean);
    let sum = if let Some(bits) = body.strip_prefix("0b") {
        whole(bits, 2)
    } else if let Some(hex) = body.strip_prefix("0x") {
        whole(hex, 16)
    } else if body.starts_with('0') {
        whole(body, 8)
    } else {
        body.split(':').try_fold(Sum::default(), |sum, part| {
            Some(sum.push(60, whole(part, 10)?))
        })
    };
    sum.map(|sum| sum.signed(negative))
}

/// A sum that stays exact while it fits and approximate when not.
#[derive(Clone, Copy, Default)]
struct Sum {
    overflow: bool,
    exact: i128,
    rounded: f64,
}

impl Sum {
    /// `self * base + digit`
    fn push(self, base: i64, digit: Self) -> Self {
        let exact = self
            .exact
            .checked_mul(i128::from(base))
            .and_then(|n| n.checked_add(digit.exact));
        Self {
            overflow: self.overflow || digit.overflow || exact.is_none(),
            exact: exact.unwrap_or_default(),
            rounded: self.rounded * base as f64 + digit.rounded,
        }
    }

    fn signed(self, negative: bool) -> Scalar {
        let rounded = match self.overflow {
            true => self.rounded,
            false => self.exact as f64,
        };
        let exact = if negative { -self.exact } else { self.exact };
        match i64::try_from(exact) {
            Ok(n) if !self.overflow => Scalar::Int(n),
            _ if negative => Scalar::Float(-rounded),
            _ => Scalar::Float(rounded),
        }
    }
}

fn whole(digits: &str, base: u32) -> Option<Sum> {
    if digits.is_empty() {
        return None;
    }
    digits.chars().try_fold(Sum::default(), |sum, c| {
        let digit = c.to_digit(base)?;
        let digit = Sum {
            overflow: false,
            exact: i128::from(digit),
            rounded: f64::from(digit),
        };
        Some(sum.push(i64::from(base), digit))
    })
}

/// `construct_yaml_float`; `None` where Python would raise.
fn float_value(text: &str) -> Option<Scalar> {
    let clean = text.replace('_', "").to_ascii_lowercase();
    let sign = if clean.starts_with('-') { -1.0 } else { 1.0 };
    let value = match unsigned(&clean) {
        ".inf" => f64::INFINITY,
        ".nan" => f64::NAN,
        body => body.split(':').try_fold(0.0, |sum, part| {
            Some(sum * 60.0 + part.parse::<f64>().ok()?)
        })?,
    };
    Some(Scalar::Float(sign * value))
}

#[cfg(test)]
mod tests {
    use super::Scalar::{self, Bool, Float, Int, Null, Str};
    use super::{resolve, resolve_plain};

    /// Each line was put to PyYAML 6.0.3's `SafeLoader`.
    #[test]
    fn plain_scalars_mean_what_pyyaml_says() {
        let table: &[(&[&str], Scalar)] = &[
            (&["", "~", "null", "Null", "NULL"], Null),
            (
                &["yes", "Yes", "YES", "on", "ON", "true", "TRUE"],
                Bool(true),
            ),
            (&["no", "No", "off", "Off", "OFF", "false"], Bool(false)),
            (&["y", "n", "yEs", "oN", "nULL", "TRUe", "none"], Str),
            (&["0", "-0", "+0", "0_", "00", "0__0"], Int(0)),
            (
                &["12", "+12", "1_2", "014", "0b1100", "0xC", "0x_c"],
                Int(12),
            ),
            (&["-12", "-014", "-0xc", "-1_2_"], Int(-12)),
            (&["1:30", "1:30", "1_:30"], Int(90)),
            (&["-1:30"], Int(-90)),
            (&["1:0:5"], Int(3605)),
            (
                &["0o14", "08", "0:30", "1:60", "1:", "0b", "0b_", "0x", "1 2"],
                Str,
            ),
            (&["_1", "-", "+", ".", "--1", "1-", "-_1"], Str),
            (
                &["1.5", "+1.5", "1_.5", "1.5_", "1.5e+0", "1.5E-0"],
                Float(1.5),
            ),
            (&["-1.5"], Float(-1.5)),
            (&["1.", "01."], Float(1.0)),
            (&[".5", ".5_"], Float(0.5)),
            (&["1:30.5"], Float(90.5)),
            (
                &["-.5", "._5", "1e3", "1.5e3", "1.5e", "1.2.3", "1:30.5e+1"],
                Str,
            ),
            (&[".inf", ".Inf", "+.INF"], Float(f64::INFINITY)),
            (&["-.inf"], Float(f64::NEG_INFINITY)),
            (
                &[
                    "inf",
                    ".iNF",
                    "nan",
                    "-.nan",
                    "2024-01-31",
                    "2024-01-31 10:00:00",
                ],
                Str,
            ),
            (&["<<", "=", "{{ x }}", "é", "10%"], Str),
            (&["9223372036854775807"], Int(i64::MAX)),
            (&["-9223372036854775808"], Int(i64::MIN)),
            (&["9223372036854775808"], Float(9_223_372_036_854_775_808.0)),
        ];
        for (texts, expected) in table {
            for text in *texts {
                assert_eq!(resolve_plain(text), *expected, "{text:?}");
            }
        }
        assert!(matches!(resolve_plain(".nan"), Float(f) if f.is_nan()));
        assert!(matches!(resolve_plain(&"9".repeat(60)), Float(f) if f > 9e59));
    }

    #[test]
    fn tags_and_quotes_come_first() {
        let core = |name: &str| format!("tag:yaml.org,2002:{name}");
        assert_eq!(resolve("1", None, false), Str);
        assert_eq!(resolve("1", Some("!"), false), Int(1));
        assert_eq!(resolve("1", Some(&core("str")), true), Str);
        assert_eq!(resolve("3", Some(&core("float")), true), Float(3.0));
        assert_eq!(resolve("0x10", Some(&core("int")), false), Int(16));
        assert_eq!(resolve("x", Some(&core("int")), true), Str);
        assert_eq!(resolve("YeS", Some(&core("bool")), false), Bool(true));
        assert_eq!(resolve("x", Some(&core("null")), true), Null);
        assert_eq!(resolve("1", Some("!mine"), true), Str);
    }
}
