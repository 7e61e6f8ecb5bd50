use super::*;
use crate::text::{FileId, Span, Spanned};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};

fn from<T: DeserializeOwned>(text: &str) -> Result<T, DeError> {
    let yaml = parse(FileId(0), text);
    assert!(yaml.is_complete(), "{:?}", yaml.problems);
    from_node(yaml.root().unwrap())
}

/// Message, the text under the span, help.
fn fails<T: DeserializeOwned + std::fmt::Debug>(text: &str) -> (String, String, String) {
    let error = from::<T>(text).unwrap_err();
    let span = error.span.unwrap();
    let under = text[span.range()].to_owned();
    (error.message, under, error.help.unwrap_or_default())
}

#[derive(Debug, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Severity {
    Error,
    Warning,
    Off,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Condition {
    Always,
    All(Vec<Condition>),
    Not(Box<Condition>),
    Count { of: String, max: u8 },
}

#[derive(Debug, Deserialize, PartialEq, Default, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    name: String,
    max_lines: u8,
    ratio: f64,
    tags: Vec<String>,
    severity: Option<Severity>,
    limits: BTreeMap<String, i64>,
    place: Option<At<String>>,
    nested: Option<Box<Options>>,
}

#[test]
fn structs_enums_and_scalars() {
    let options: Options = from(
        "name: 2024\nmax-lines: 0x10\nratio: 1\ntags: [on, 1.50, x]\nseverity: off\n\
         limits: {a: 1:30, 7: 2}\nplace: here\nnested:\n",
    )
    .unwrap();
    let expected = Options {
        name: "2024".into(),
        max_lines: 16,
        ratio: 1.0,
        tags: vec!["on".into(), "1.50".into(), "x".into()],
        severity: Some(Severity::Off),
        limits: [("a".to_owned(), 90), ("7".to_owned(), 2)].into(),
        place: Some(At::from("here".to_owned())),
        nested: None,
    };
    assert_eq!(options, expected);
}

#[test]
fn a_key_without_value_is_an_empty_collection() {
    let options: Options = from("tags:\nlimits:\n").unwrap();
    assert_eq!(options, Options::default());
    let (message, under, _) = fails::<Options>("tags: null\n");
    assert_eq!(
        (&*message, &*under),
        ("expected a list, found nothing", "null")
    );
    let (message, _, _) = fails::<Options>("name:\n");
    assert_eq!(message, "expected a string, found nothing");
}

#[test]
fn enums_are_words_or_mappings_of_one_key() {
    let text = "all:\n  - always\n  - not: always\n  - count: {of: joins, max: 3}\n";
    let condition: Condition = from(text).unwrap();
    let expected = Condition::All(vec![
        Condition::Always,
        Condition::Not(Box::new(Condition::Always)),
        Condition::Count {
            of: "joins".into(),
            max: 3,
        },
    ]);
    assert_eq!(condition, expected);
    let (message, under, help) = fails::<Condition>("all: [alwys]");
    assert_eq!((&*message, &*under), ("unknown value `alwys`", "alwys"));
    assert_eq!(
        help,
        "did you mean `always`? allowed: `always`, `all`, `not`, `count`"
    );
    let (message, under, _) = fails::<Condition>("not: [1]");
    assert_eq!(
        message,
        "expected one of `always`, `all`, `not`, `count`, found a list"
    );
    assert_eq!(under, "[1]");
    let (message, under, _) = fails::<Condition>("count: {of: a, max: 300}");
    assert_eq!(
        message,
        "expected a whole number from 0 to 255, found the number 300"
    );
    assert_eq!(under, "300");
    let (message, _, _) = fails::<Condition>("not");
    assert_eq!(message, "`not` needs a value: write `not: …`");
    let (message, under, _) = fails::<Condition>("always: 3");
    assert_eq!((&*message, &*under), ("`always` takes no value", "3"));
}

#[test]
fn the_innermost_value_is_to_blame() {
    let (message, under, _) = fails::<Options>("nested:\n  limits:\n    a: 1\n    b: abc\n");
    assert_eq!(
        (&*message, &*under),
        ("expected a whole number, found the string `abc`", "abc")
    );
    let (message, under, _) = fails::<Options>("tags: {a: 1}\n");
    assert_eq!(
        (&*message, &*under),
        ("expected a list, found a mapping", "{a: 1}")
    );
    let (message, under, _) = fails::<Options>("tags: abc\n");
    assert_eq!(
        (&*message, &*under),
        ("expected a list, found the string `abc`", "abc")
    );
    let (message, under, _) = fails::<Options>("tags:\n  - [1]\n");
    assert_eq!(
        (&*message, &*under),
        ("expected a string, found a list", "[1]")
    );
    let (message, _, _) = fails::<Options>("limits: 3\n");
    assert_eq!(message, "expected a mapping, found the number 3");
    let (message, _, _) = fails::<Options>("- 3\n");
    assert_eq!(message, "expected a mapping, found a list");
    let (message, _, _) = fails::<Options>("max-lines: yes\n");
    assert_eq!(
        message,
        "expected a whole number from 0 to 255, found the boolean `true`"
    );
    let (message, under, _) = fails::<HashMap<String, bool>>("a: 'true'\n");
    assert_eq!(
        message,
        "expected `true` or `false`, found the string `true`"
    );
    assert_eq!(under, "'true'");
    let (message, _, _) = fails::<(u8, u8)>("[1]\n");
    assert_eq!(message, "expected a list of 2 items, found 1 items");
    let (message, _, _) = fails::<(u8, u8)>("[1, 2, 3]\n");
    assert_eq!(message, "1 items too many");
}

#[test]
fn unknown_and_missing_and_double_keys() {
    let (message, under, help) = fails::<Options>("nested: {max_line: 3}\n");
    assert_eq!((&*message, &*under), ("unknown key `max_line`", "max_line"));
    assert!(
        help.starts_with("did you mean `max-lines`? allowed: `name`, "),
        "{help}"
    );
    let (_, _, help) = fails::<Options>("zebra: 3\n");
    assert!(help.starts_with("allowed: "), "{help}");

    #[derive(Debug, Deserialize)]
    #[allow(dead_code)]
    struct Strict {
        id: String,
    }
    let (message, under, _) = fails::<Vec<Strict>>("- id: 1\n- name: 2\n");
    assert_eq!((&*message, &*under), ("the key `id` is missing", "name: 2"));

    let text = "limits:\n  a: 1\n  b: 2\n  a: 3\n";
    let error = from::<Options>(text).unwrap_err();
    assert_eq!(error.message, "the key `a` is given twice");
    assert_eq!(error.span.unwrap().start as usize, text.rfind('a').unwrap());
    // A merged key that an own one replaces is no duplicate.
    let limits: BTreeMap<String, i64> = from("{<<: {a: 1, b: 1}, a: 2}").unwrap();
    assert_eq!(limits, [("a".to_owned(), 2), ("b".to_owned(), 1)].into());
}

#[test]
fn places_are_captured() {
    let text = "é: [x, 'yy']\n";
    let map: BTreeMap<At<String>, Vec<At<String>>> = from(text).unwrap();
    let (key, list) = map.iter().next().unwrap();
    assert_eq!(&text[key.span.unwrap().range()], "é");
    assert_eq!(&text[list[1].span.unwrap().range()], "'yy'");
    assert_eq!(list[1].len(), 2);
    let whole: At<Vec<At<Severity>>> = from("- error\n- warning").unwrap();
    assert_eq!(whole.span.unwrap().range(), 0..17);
    let (message, under, _) = fails::<Vec<At<u8>>>("[1, b]");
    assert_eq!(&*under, "b");
    assert!(message.starts_with("expected a whole number"));
    // From anything but a tree there is no place.
    let elsewhere: At<u8> = serde_json::from_str("3").unwrap();
    assert_eq!((elsewhere.value, elsewhere.span), (3, None));
    let schema = |s: schemars::Schema| s.to_value();
    assert_eq!(
        schema(schemars::schema_for!(At<Severity>)),
        schema(schemars::schema_for!(Severity))
    );
}

#[test]
fn untagged_flattened_and_json() {
    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(untagged)]
    enum OneOrMany {
        One(String),
        Many(Vec<String>),
    }
    #[derive(Debug, Deserialize, PartialEq)]
    struct Flat {
        name: At<String>,
        #[serde(flatten)]
        rest: BTreeMap<String, Value>,
    }
    assert_eq!(from::<OneOrMany>("a").unwrap(), OneOrMany::One("a".into()));
    assert_eq!(
        from::<OneOrMany>("[a]").unwrap(),
        OneOrMany::Many(vec!["a".into()])
    );
    let (message, under, _) = fails::<Vec<OneOrMany>>("- a\n- {b: 1}\n");
    assert_eq!(
        (&*message, &*under),
        ("this value has none of the allowed forms", "{b: 1}")
    );
    let flat: Flat = from("name: n\nx: [1, ~]\ny: yes\n").unwrap();
    assert_eq!(flat.name.value, "n");
    assert_eq!(
        flat.rest,
        [
            ("x".to_owned(), json!([1, null])),
            ("y".to_owned(), json!(true))
        ]
        .into()
    );
    let map: HashMap<i64, bool> = from("0x10: on\n").unwrap();
    assert!(map[&16]);
    assert_eq!(
        from::<Value>("{1: {true: 2.5}}").unwrap(),
        json!({"1": {"true": 2.5}})
    );
}

#[test]
fn entries_of_several_files_make_one_struct() {
    let (a, b) = (
        parse(FileId(1), "max-lines: 3\n"),
        parse(FileId(2), "x: {tags: [t]}\n"),
    );
    let whole = Span::whole(FileId(9));
    let (key, lines) = a.root().unwrap().get_entry("max-lines").unwrap();
    let lines = (Spanned::new("max-lines".to_owned(), key.span()), lines);
    let (key, tags) = b
        .root()
        .unwrap()
        .get("x")
        .unwrap()
        .get_entry("tags")
        .unwrap();
    let named = |name: &str| (Spanned::new(name.to_owned(), key.span()), tags);

    let options: Options = from_entries(&[lines.clone(), named("tags")], whole).unwrap();
    assert_eq!((options.max_lines, options.tags), (3, vec!["t".to_owned()]));
    let error = from_entries::<Options>(&[lines, named("tag")], whole).unwrap_err();
    assert_eq!(error.span, Some(key.span()));
    assert!(error.help.unwrap().starts_with("did you mean `tags`?"));
    let error = from_entries::<Options>(&[named("name")], whole).unwrap_err();
    assert_eq!(error.span, Some(tags.span()));
    let error = from_entries::<Options>(&[named("tags"), named("tags")], whole).unwrap_err();
    assert_eq!(
        (&*error.message, error.span),
        ("the key `tags` is given twice", Some(key.span()))
    );
    assert!(from_entries::<()>(&[], whole).is_ok());
    let error = from_entries::<()>(&[named("tags")], whole).unwrap_err();
    assert_eq!(error.span, Some(whole));
    let places: BTreeMap<At<String>, At<Value>> = from_entries(&[named("a")], whole).unwrap();
    assert_eq!(places.values().next().unwrap().span, Some(tags.span()));
}

#[test]
fn alias_bombs_and_cycles_end_in_an_error() {
    let mut bomb = String::from("l0: &l0 [1]\n");
    for n in 1..12 {
        let refs = vec![format!("*l{}", n - 1); 10].join(", ");
        bomb += &format!("l{n}: &l{n} [{refs}]\n");
    }
    let (message, _, _) = fails::<Value>(&bomb);
    assert_eq!(message, "aliases make this too large to read");
    let (message, _, _) = fails::<Value>("&x [*x]");
    assert_eq!(message, "aliases make this too large to read");
    assert_eq!(
        from::<Value>("{a: &x [1], b: *x}").unwrap(),
        json!({"a": [1], "b": [1]})
    );
}

#[test]
fn large_files_without_aliases_are_read_whole() {
    let text: String = (0..150_000).map(|n| format!("- {n}\n")).collect();
    assert_eq!(from::<Vec<u32>>(&text).unwrap().len(), 150_000);
}
