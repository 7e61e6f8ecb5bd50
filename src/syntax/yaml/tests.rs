use super::*;
use crate::text::{FileId, LineIndex, Span};
use proptest::prelude::*;
use serde_json::{Value, json};

fn read(text: &str) -> Yaml {
    parse(FileId(7), text)
}

/// The text under a node, found by following keys and, where a step is a number, items.
fn under<'t>(text: &'t str, yaml: &Yaml, path: &[&str]) -> &'t str {
    &text[walk(yaml, path).span().range()]
}

fn walk<'a>(yaml: &'a Yaml, path: &[&str]) -> Node<'a> {
    path.iter().fold(yaml.root().unwrap(), |node, step| {
        match step.parse::<usize>() {
            Ok(n) => node.items().nth(n).unwrap(),
            Err(_) => node.get(step).unwrap(),
        }
    })
}

/// Kind, line and column of every problem.
fn problems(text: &str) -> Vec<(YamlProblemKind, u32, u32)> {
    let lines = LineIndex::new(text);
    let place = |span: Span| lines.line_col(text, span.start as usize);
    let yaml = read(text);
    let list = yaml.problems.iter();
    list.map(|p| (p.kind, place(p.span).line, place(p.span).col))
        .collect()
}

fn value(text: &str) -> Value {
    read(text).root().map_or(Value::Null, Node::to_json)
}

#[test]
fn spans_are_bytes_of_the_file() {
    let text = "\u{feff}é: 😀x # ü\r\nnext: 'q'\r\nlist:\r\n  - a\r\n  - {b: [1, 2], c: }\r\n";
    let yaml = read(text);
    assert!(yaml.problems.is_empty());
    assert_eq!(under(text, &yaml, &["é"]), "😀x");
    assert_eq!(under(text, &yaml, &["next"]), "'q'");
    assert_eq!(under(text, &yaml, &["list"]), "- a\r\n  - {b: [1, 2], c: }");
    assert_eq!(under(text, &yaml, &["list", "1"]), "{b: [1, 2], c: }");
    assert_eq!(under(text, &yaml, &["list", "1", "b"]), "[1, 2]");
    assert_eq!(under(text, &yaml, &["list", "1", "b", "1"]), "2");
    let missing = walk(&yaml, &["list", "1", "c"]).span();
    assert_eq!(missing.start, missing.end);
    assert!(text[..missing.end as usize].ends_with("c:"));
    assert_eq!(under(text, &yaml, &[]), text[3..].trim_end());
    assert_eq!(&text[yaml.comments[0].span.range()], "# ü");
    assert_eq!(yaml.comments[0].text, " ü");
    assert_eq!(walk(&yaml, &[]).span().file, FileId(7));
}

#[test]
fn block_scalars_begin_at_their_indicator() {
    let text = "a: &k |- # x | y\n\n  b\n  c\n\n\nd: >+2\n# e\nf: !!str |\n  g";
    let yaml = read(text);
    assert_eq!(under(text, &yaml, &["a"]), "|- # x | y\n\n  b\n  c");
    assert_eq!(walk(&yaml, &["a"]).as_str(), Some("\nb\nc"));
    assert_eq!(walk(&yaml, &["a"]).style(), Some(Style::Literal));
    assert_eq!(walk(&yaml, &["a"]).anchor(), Some("k"));
    assert_eq!(under(text, &yaml, &["d"]), ">+2");
    assert_eq!(under(text, &yaml, &["f"]), "|\n  g");
    let text = ">-\n  a\n";
    assert_eq!(under(text, &read(text), &[]), ">-\n  a");
    assert_eq!(walk(&yaml, &["f"]).tag(), Some("tag:yaml.org,2002:str"));
}

#[test]
fn the_last_line_of_a_file_gets_no_line_break_of_its_own() {
    for (text, expected) in [
        ("a: |\n  x", "x"),
        ("a: |+\n  x", "x"),
        ("a: |\n  x\n", "x\n"),
        ("a: |\n  x\n  ", "x\n"),
        ("a: |\n  x\n   ", "x\n "),
        ("a: >\n  x\n  y", "x y"),
        ("a: >\n  x\n\n  ", "x\n"),
        ("a: |-\n  x", "x"),
        ("a: |", ""),
        ("a: |\n    x\n      \n    ", "x\n  \n"),
    ] {
        assert_eq!(
            walk(&read(text), &["a"]).as_str(),
            Some(expected),
            "{text:?}"
        );
    }
}

#[test]
fn keys_have_places_too() {
    let text = "\"a b\": 1\n'c': 2\n? d\n: 3\n";
    let yaml = read(text);
    let root = yaml.root().unwrap();
    let (key, value) = root.get_entry("a b").unwrap();
    assert_eq!(&text[key.span().range()], "\"a b\"");
    assert_eq!(value.as_i64(), Some(1));
    assert_eq!(root.get("c").unwrap().as_i64(), Some(2));
    assert_eq!(root.get("d").unwrap().as_i64(), Some(3));
    assert!(root.get("e").is_none());
    assert!(value.get("e").is_none());
}

#[test]
fn of_equal_keys_the_last_counts() {
    let text = "a: 1\nb: 2\na: 3\n'1': x\n1: y\n";
    let yaml = read(text);
    let root = yaml.root().unwrap();
    assert_eq!(root.get("a").unwrap().as_i64(), Some(3));
    let pairs = root.entries();
    assert_eq!(pairs.len(), 4);
    assert_eq!(pairs[0].1.as_i64(), Some(3));
    assert_eq!(problems(text), [(YamlProblemKind::DuplicateKey, 3, 1)]);
    assert!(yaml.is_complete());
}

#[test]
fn merge_keys_follow_pyyaml() {
    let text = "
a: &a {x: 1, y: 1, z: 1}
b: &b {x: 2, w: 2}
one: {<<: *a, x: 9}
list: {<<: [*b, *a]}
two:
  <<: *a
  <<: *b
deep: {<<: {<<: *b, y: 7}, v: 0}
quoted: {'<<': 1}
";
    let yaml = read(text);
    assert!(yaml.problems.is_empty(), "{:?}", yaml.problems);
    let root = yaml.root().unwrap();
    let of = |key: &str| root.get(key).unwrap().to_json();
    assert_eq!(of("one"), json!({"x": 9, "y": 1, "z": 1}));
    assert_eq!(of("list"), json!({"x": 2, "y": 1, "z": 1, "w": 2}));
    assert_eq!(of("two"), json!({"x": 2, "y": 1, "z": 1, "w": 2}));
    assert_eq!(of("deep"), json!({"x": 2, "w": 2, "y": 7, "v": 0}));
    assert_eq!(of("quoted"), json!({"<<": 1}));
    let merged = root.get("list").unwrap();
    assert_eq!(merged.get("x").unwrap().as_i64(), Some(2));
    assert_eq!(merged.get("z").unwrap().as_i64(), Some(1));
    assert!(merged.get("<<").is_none());
    assert_eq!(root.get("one").unwrap().own_entries().count(), 2);
}

#[test]
fn aliases_stay_references() {
    let text = "a: &x [1, 2]\nb: *x\n";
    let yaml = read(text);
    let alias = walk(&yaml, &["b"]);
    assert!(alias.is_alias());
    assert_eq!(&text[alias.span().range()], "*x");
    assert_eq!(&text[alias.resolve().span().range()], "[1, 2]");
    assert_eq!(alias.items().len(), 2);
    assert_eq!(alias.kind_name(), "a list");
}

#[test]
fn cycles_end() {
    let yaml = read("a: &x {b: *x, c: [*x], <<: *x}\n");
    let root = yaml.root().unwrap();
    assert!(root.to_json().is_object());
    let a = root.get("a").unwrap();
    assert!(a.get("b").unwrap().get("b").unwrap().get("c").is_some());
    assert!(a.get("nothing").is_none());
    assert_eq!(a.entries().len(), 2);
}

fn laughs(levels: usize, merge: bool) -> String {
    let mut text = String::from("l0: &l0 {a: 1}\n");
    for n in 1..levels {
        let refs = vec![format!("*l{}", n - 1); 10].join(", ");
        let key = if merge { "{<<: [" } else { "{a: [" };
        text += &format!("l{n}: &l{n} {key}{refs}]}}\n");
    }
    text
}

#[test]
fn a_billion_laughs_is_bounded() {
    let text = laughs(12, false);
    let json = serde_json::to_string(&value(&text)).unwrap();
    assert!(json.len() < 4_000_000, "{}", json.len());
    let text = laughs(100, true);
    let yaml = read(&text);
    let last = yaml.root().unwrap().get("l99").unwrap();
    assert_eq!(last.entries().len(), 1);
    assert_eq!(last.get("a").unwrap().as_i64(), Some(1));
}

#[test]
fn syntax_errors_have_their_line_and_keep_what_was_read() {
    use YamlProblemKind::Syntax;
    for (text, line, col) in [
        ("a: 1\nb: \"x\n  y\n", 2, 4),
        ("a: 1\nb: 'x\nc: 2\nd: 3\n", 2, 4),
        ("a: 1\nb: 'x\nc: 2\n---\nd: 3'\n", 2, 4),
        ("a: 1\nb:\n\tc: 1\n", 3, 1),
        ("a: 1\nb:\n  \tc: 1\n", 3, 3),
        ("a: 1\nb:\n  - \tc\n", 3, 5),
        ("a: 1\nb:\n  \tc\n", 3, 3),
        ("a: 1\n  b: 2\n", 2, 4),
        ("a: 1\nb:\n  - c\n d: 2\n", 4, 2),
        ("a: 1\nb: @x\n", 2, 4),
        ("a: 1\nb: %x\n", 2, 4),
        ("a: 1\nb: [1, 2\n", 2, 4),
        ("a: 1\nb: x: y\n", 2, 5),
        ("a: 1\nb: \u{7}\n", 2, 4),
        ("a: 1\nb: {% if x %}\n", 2, 5),
    ] {
        assert_eq!(problems(text), [(Syntax, line, col)], "{text:?}");
        let yaml = read(text);
        assert!(!yaml.is_complete());
        if !text.starts_with("a: 1\n ") {
            assert_eq!(
                yaml.root().unwrap().get("a").unwrap().as_i64(),
                Some(1),
                "{text:?}"
            );
        }
    }
}

#[test]
fn tabs_are_allowed_where_pyyaml_allows_them() {
    let text = "a:\tb\t# c\nd: \"x\n\ty\"\ne: [\n\t1,\n\t{f: 2}]\ng: |\n  x\n  \th\n--- \ti\n";
    assert_eq!(
        problems(text),
        [(YamlProblemKind::MultipleDocuments, 10, 1)]
    );
    let expected = json!({"a": "b", "d": "x y", "e": [1, {"f": 2}], "g": "x\n\th\n"});
    assert_eq!(value(text), expected);
}

#[test]
fn quoted_text_may_hang_out_as_in_pyyaml() {
    let text = "# it's\na:\n  b: \"one\ntwo\n\n\\u0041three\" # c\n  d: 'x\ny'\ne: 1\n";
    let yaml = read(text);
    assert!(yaml.problems.is_empty(), "{:?}", yaml.problems);
    assert_eq!(walk(&yaml, &["a", "b"]).as_str(), Some("one two\nAthree"));
    assert_eq!(walk(&yaml, &["a", "d"]).as_str(), Some("x y"));
    assert_eq!(under(text, &yaml, &["a", "d"]), "'x\ny'");
    assert_eq!(walk(&yaml, &["e"]).as_i64(), Some(1));
    assert_eq!(yaml.comments.len(), 2);
    // More of them than are worth a parse each: a problem, not an endless loop.
    let many: String = (0..200).map(|n| format!("k{n}: 'a\nb'\n")).collect();
    assert_eq!(read(&many).problems.len(), 1);
}

#[test]
fn what_dbt_refuses_is_named() {
    use YamlProblemKind as K;
    assert_eq!(
        problems("a: 1\n---\nb: 2\n"),
        [(K::MultipleDocuments, 2, 1)]
    );
    assert_eq!(problems("a: *b\n"), [(K::UnknownAlias, 1, 4)]);
    assert_eq!(problems("a: &x 1\nb: &x 2\n"), [(K::DuplicateAnchor, 2, 4)]);
    assert_eq!(problems("a: {<<: 3}\n"), [(K::BadMerge, 1, 9)]);
    assert_eq!(problems("a: {<<: [{b: 1}, 3]}\n"), [(K::BadMerge, 1, 18)]);
    assert_eq!(problems("a: {{ x }}\n"), [(K::UnhashableKey, 1, 5)]);
    assert!(read("a: {{ x }}\n").problems[0].message.contains("quotes"));
    assert_eq!(problems("a: {[1]: 2}\n"), [(K::UnhashableKey, 1, 5)]);
    assert_eq!(
        problems("a: !foo 1\nb: !!str 1\nc: ! 1\n"),
        [(K::UnknownTag, 1, 4)]
    );
    let two = read("a: 1\n---\nb: 2\n---\nc: 3\n");
    assert_eq!(two.roots().count(), 3);
    assert_eq!(two.root().unwrap().to_json(), json!({"a": 1}));
}

#[test]
fn nesting_is_bounded() {
    for text in [
        "[".repeat(100_000),
        "{a: ".repeat(100_000),
        "- ".repeat(100_000),
        format!("{}{}{}", "- ".repeat(150), "[".repeat(150), "]".repeat(150)),
    ] {
        let yaml = read(&text);
        assert_eq!(yaml.problems[0].kind, YamlProblemKind::TooDeep);
        // The event parser may find the depth before it gives its first event.
        if let Some(root) = yaml.root() {
            root.to_json();
            let _: Result<Value, _> = from_node(root);
        }
    }
    let deep = format!("{}1{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
    let yaml = read(&deep);
    assert!(yaml.problems.is_empty());
    from_node::<Value>(yaml.root().unwrap()).unwrap();
}

#[test]
fn files_without_a_mapping() {
    assert!(read("").root().is_none());
    assert!(read("\u{feff}").root().is_none());
    assert!(read("\n \n").root().is_none());
    let comments = read("# a\n\n  # b\n");
    assert!(comments.root().is_none() && comments.problems.is_empty());
    assert_eq!(comments.comments.len(), 2);
    assert_eq!(value("just a text\n"), json!("just a text"));
    assert_eq!(value("--- 010\n...\n"), json!(8));
    assert_eq!(value("---\n"), Value::Null);
    assert_eq!(value("%YAML 1.1\n---\na: yes\n"), json!({"a": true}));
    assert_eq!(value("- [a, b: c]\n"), json!([["a", {"b": "c"}]]));
    let many: String = "# x\n".repeat(5000) + "a: 1\n";
    assert!(read(&many).problems.is_empty());
    assert_eq!(read(&many).comments.len(), 5000);
}

#[test]
fn quotes_and_blocks_are_strings_and_tags_count() {
    let text =
        "a: 'yes'\nb: \"1\"\nc: |\n  1\nd: !!str 1\ne: !!int '2'\nf: ~\ng:\nh: 1:30\ni: 1e3\n";
    let expected = json!({
        "a": "yes", "b": "1", "c": "1\n", "d": "1", "e": 2, "f": null, "g": null, "h": 90, "i": "1e3"
    });
    assert_eq!(value(text), expected);
    let yaml = read(text);
    assert!(walk(&yaml, &["g"]).is_null());
    assert_eq!(walk(&yaml, &["g"]).as_str(), Some(""));
    assert_eq!(walk(&yaml, &["f"]).as_str(), Some("~"));
    assert_eq!(walk(&yaml, &["a"]).as_bool(), None);
    let names: Vec<_> = ["", "a", "e", "f"]
        .map(|key| yaml.root().unwrap().get(key).map_or("-", Node::kind_name))
        .into();
    assert_eq!(names, ["-", "a string", "a number", "nothing"]);
}

#[test]
fn a_node_is_small() {
    assert!(size_of::<super::tree::Raw>() <= 32);
}

/// Texts made of what YAML is made of, so that more than noise is tried.
fn yamlish() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "a",
        "b: ",
        "- ",
        "\n",
        "\n  ",
        "\r\n",
        "\t",
        "[",
        "]",
        "{",
        "}",
        ", ",
        "'",
        "\"",
        "\\",
        "#",
        " # c",
        "|",
        ">-",
        "|2\n",
        "&x ",
        "*x",
        "!!str ",
        "!f ",
        "<<: ",
        "? ",
        ": ",
        "---\n",
        "...\n",
        "%YAML 1.1\n",
        "é",
        "😀",
        "\u{feff}",
        "\u{85}",
        "\u{0}",
        "{{ x }}",
        "1",
        "~",
        "\u{2028}",
        " ",
    ]);
    prop::collection::vec(pieces, 0..40).prop_map(|list| list.concat())
}

fn holds(text: &str) -> Result<(), TestCaseError> {
    let yaml = read(text);
    let mut spans: Vec<Span> = yaml.comments.iter().map(|c| c.span).collect();
    spans.extend(yaml.problems.iter().map(|p| p.span));
    spans.extend((0..yaml.len()).map(|n| yaml.node(NodeId(n as u32)).span()));
    for span in spans {
        prop_assert!(text.get(span.range()).is_some(), "{span:?} in {text:?}");
    }
    for root in yaml.roots() {
        root.to_json();
        let _: Result<Value, _> = from_node(root);
    }
    Ok(())
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in any::<String>()) {
        holds(&text)?;
    }

    #[test]
    fn yaml_shaped_text_never_panics(text in yamlish()) {
        holds(&text)?;
    }

    /// On documents where YAML 1.1 and 1.2 agree, another reader says the same.
    #[test]
    fn plain_documents_mean_what_serde_yaml_says(
        map in prop::collection::btree_map("[a-z]{1,6}", plain_value(), 0..6)
    ) {
        let text = serde_yaml::to_string(&map).unwrap();
        let ours = value(&text);
        let theirs: Value = serde_yaml::from_str(&text).unwrap();
        if !text.starts_with("{}") {
            prop_assert_eq!(&ours, &theirs, "{}", text);
            let yaml = read(&text);
            prop_assert_eq!(from_node::<Value>(yaml.root().unwrap()).unwrap(), theirs);
        }
    }
}

fn plain_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a-zé #:\\-\n'\"{}]{0,20}x".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{2,5}x", inner, 1..4)
                .prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}
