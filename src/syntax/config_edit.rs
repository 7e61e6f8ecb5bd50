//! Edits of a `config()` call that keep its author's layout and quotes. On text alone: whoever
//! asks knows that the text is such a call.

use std::ops::Range;

/// The text of a literal list (or a single literal string) that holds `items` instead. None where
/// the text is anything else, or an item cannot be written without escapes.
pub fn list_with(text: &str, items: &[String]) -> Option<String> {
    let quote = quote_of(text);
    let items = quoted(items, quote)?;
    if string_end(text, 0) == Some(text.len()) {
        return Some(format!("[{}]", items.join(", ")));
    }
    let (open, close) = match text.chars().next()? {
        '[' if text.ends_with(']') => ("[", "]"),
        '(' if text.ends_with(')') => ("(", ")"),
        _ => return None,
    };
    let inner = &text[1..text.len() - 1];
    let strings = strings(inner)?;
    let (Some(first), Some(last)) = (strings.first(), strings.last()) else {
        return Some(format!("[{}]", items.join(", ")));
    };
    let lead = &inner[..first.start];
    let between = match strings.get(1) {
        Some(second) => inner[first.end..second.start].to_owned(),
        None if lead.contains('\n') => format!(",{lead}"),
        None => ", ".to_owned(),
    };
    let tail = &inner[last.end..];
    let items = items.join(&between);
    Some(format!("{open}{lead}{items}{tail}{close}"))
}

/// Where to insert `name=[items]` as the last argument of the call at `call`, and the text.
/// `last_key` is where its last argument begins. None where the call does not end as one does.
pub fn argument(
    src: &str,
    call: Range<usize>,
    last_key: Option<usize>,
    name: &str,
    items: &[String],
) -> Option<(usize, String)> {
    let text = src.get(call.clone())?;
    let open = call.start + text.find('(')? + 1;
    let inner = src.get(open..call.end.checked_sub(1)?)?;
    if !text.ends_with(')') {
        return None;
    }
    let items = quoted(items, quote_of(inner))?;
    added(
        src,
        open,
        inner,
        last_key,
        &format!("{name}=[{}]", items.join(", ")),
    )
}

/// As [`argument`], for `name='value'`.
pub fn string_argument(
    src: &str,
    call: Range<usize>,
    last_key: Option<usize>,
    name: &str,
    value: &str,
) -> Option<(usize, String)> {
    let text = src.get(call.clone())?;
    let open = call.start + text.find('(')? + 1;
    let inner = src.get(open..call.end.checked_sub(1)?)?;
    if !text.ends_with(')') {
        return None;
    }
    let value = quoted(&[value.to_owned()], quote_of(inner))?.concat();
    added(src, open, inner, last_key, &format!("{name}={value}"))
}

/// The text of a literal string that holds another value, in its own quotes.
pub fn string_with(text: &str, value: &str) -> Option<String> {
    let is_string = string_end(text, 0) == Some(text.len());
    let value = quoted(&[value.to_owned()], quote_of(text))?.concat();
    is_string.then_some(value)
}

/// An argument behind the others, as they stand.
fn added(
    src: &str,
    open: usize,
    inner: &str,
    last_key: Option<usize>,
    argument: &str,
) -> Option<(usize, String)> {
    let written = inner.trim_end();
    let at = open + written.len();
    if written.trim().is_empty() {
        return Some((open, argument.to_owned()));
    }
    let closed = written.ends_with(',');
    let comma = if closed { "" } else { "," };
    let line = last_key.and_then(|key| own_line(src, open, key));
    Some(match line {
        Some((end, indent)) if indent.trim() == "," => (at, format!("{end}{indent}{argument}")),
        Some((end, indent)) => {
            let after = if closed { "," } else { "" };
            (at, format!("{comma}{end}{indent}{argument}{after}"))
        }
        None => (at, format!("{comma} {argument}")),
    })
}

/// The line break and the indentation (with a leading comma) before an argument that begins its
/// own line.
fn own_line(src: &str, open: usize, key: usize) -> Option<(&'static str, &str)> {
    let before = src.get(open..key)?;
    let line = before.rfind('\n')?;
    let indent = &before[line + 1..];
    let end = if before[..line].ends_with('\r') {
        "\r\n"
    } else {
        "\n"
    };
    matches!(indent.trim(), "" | ",").then_some((end, indent))
}

/// The first quote in use; dbt's own examples have single ones.
fn quote_of(text: &str) -> char {
    text.chars()
        .find(|c| matches!(c, '\'' | '"'))
        .unwrap_or('\'')
}

fn quoted(items: &[String], quote: char) -> Option<Vec<String>> {
    let plain = |i: &String| !i.contains([quote, '\\', '\n', '\r']);
    let all = items.iter().all(plain);
    all.then(|| items.iter().map(|i| format!("{quote}{i}{quote}")).collect())
}

/// Where the literal string that begins at `start` ends; none where there is none, or one with
/// escapes.
fn string_end(text: &str, start: usize) -> Option<usize> {
    let quote = text[start..]
        .chars()
        .next()
        .filter(|c| matches!(c, '\'' | '"'))?;
    let body = &text[start + 1..];
    let len = body.find(quote)?;
    (!body[..len].contains('\\')).then_some(start + len + 2)
}

/// The places of comma-separated literal strings; none where anything else stands there.
fn strings(inner: &str) -> Option<Vec<Range<usize>>> {
    let mut found = Vec::new();
    let skip = |at: usize| at + (inner[at..].len() - inner[at..].trim_start().len());
    let mut at = skip(0);
    while at < inner.len() {
        let end = string_end(inner, at)?;
        found.push(at..end);
        at = skip(end);
        if at == inner.len() {
            break;
        }
        inner[at..].strip_prefix(',')?;
        at = skip(at + 1);
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(list: &[&str]) -> Vec<String> {
        list.iter().map(|i| (*i).to_owned()).collect()
    }

    #[test]
    fn a_list_keeps_its_layout_and_quotes() {
        let to = |text| list_with(text, &items(&["a", "b"]));
        let gives = |text, wanted: &str| assert_eq!(to(text).as_deref(), Some(wanted), "{text}");
        gives("['x']", "['a', 'b']");
        gives("[]", "['a', 'b']");
        gives("\"x\"", "[\"a\", \"b\"]");
        gives("[ \"x\",\"y\", 'z' ]", "[ \"a\",\"b\" ]");
        gives("('x', 'y',)", "('a', 'b',)");
        gives("[\n    'x',\n    'y',\n  ]", "[\n    'a',\n    'b',\n  ]");
        gives("[\n    'x'\n  ]", "[\n    'a',\n    'b'\n  ]");
    }

    #[test]
    fn a_string_keeps_its_quotes() {
        assert_eq!(
            string_with("\"table\"", "view").as_deref(),
            Some("\"view\"")
        );
        assert_eq!(string_with("var('x')", "view"), None);
        assert_eq!(string_with("'a' ~ 'b'", "view"), None);
        let src = "{{ config(x=\"v\") }}";
        let (at, text) = string_argument(src, 3..16, Some(10), "y", "w").unwrap();
        assert_eq!((at, text.as_str()), (15, ", y=\"w\""));
    }

    #[test]
    fn what_is_computed_is_left_alone() {
        for text in [
            "tags",
            "['a'] + x",
            "[var('x')]",
            "['a' 'b']",
            "['a\\'b']",
            "['a', x]",
            "'a' ~ 'b'",
            "[",
            "",
        ] {
            assert_eq!(list_with(text, &items(&["a"])), None, "{text}");
        }
        assert_eq!(list_with("['x']", &items(&["it's"])), None);
    }

    #[test]
    fn an_argument_joins_the_others_as_they_stand() {
        let add = |src: &str, key: &str| {
            let call = src.find("config").unwrap()..src.rfind(')').unwrap() + 1;
            let last = src.find(key).filter(|_| !key.is_empty());
            let (at, text) = argument(src, call, last, "tags", &items(&["a"])).unwrap();
            format!("{}{text}{}", &src[..at], &src[at..])
        };
        assert_eq!(add("{{ config() }}", ""), "{{ config(tags=['a']) }}");
        assert_eq!(
            add("{{ config(x=\"v\") }}", "x="),
            "{{ config(x=\"v\", tags=[\"a\"]) }}"
        );
        assert_eq!(
            add("{{ config(\r\n  y=1,\r\n  x=2\r\n) }}", "x="),
            "{{ config(\r\n  y=1,\r\n  x=2,\r\n  tags=['a']\r\n) }}"
        );
        assert_eq!(
            add("{{ config(\n  y=1,\n  x=2,\n) }}", "x="),
            "{{ config(\n  y=1,\n  x=2,\n  tags=['a'],\n) }}"
        );
        assert_eq!(
            add("{{ config(\n    y=1\n  , x=2\n) }}", "x="),
            "{{ config(\n    y=1\n  , x=2\n  , tags=['a']\n) }}"
        );
        assert_eq!(
            add("{{ config(y=1, x=[\n  2\n]) }}", "x="),
            "{{ config(y=1, x=[\n  2\n], tags=['a']) }}"
        );
        assert_eq!(
            add("{{ config(x=2,) }}", "x="),
            "{{ config(x=2, tags=['a']) }}"
        );
    }
}
