use super::*;

/// Every match in a text, each with its metavariables.
fn found<'a>(pattern: &str, src: &'a str) -> Vec<(&'a str, Vec<&'a str>)> {
    let pattern = Pattern::new(pattern).unwrap();
    let (matches, whole) = Tokens::new(src).find(&pattern, 0..src.len());
    assert!(whole);
    let text = |r: &Range<usize>| &src[r.clone()];
    matches
        .iter()
        .map(|m| (text(&m.range), m.bound.iter().flatten().map(text).collect()))
        .collect()
}

fn texts<'a>(pattern: &str, src: &'a str) -> Vec<&'a str> {
    found(pattern, src)
        .into_iter()
        .map(|(text, _)| text)
        .collect()
}

#[test]
fn layout_case_quoting_and_comments_do_not_matter() {
    let src = "select SUM( -- why\n \"Amount\" ) from x";
    assert_eq!(texts("sum(amount)", src).len(), 1);
    assert_eq!(texts("sum(amounts)", src).len(), 0);
    assert_eq!(texts("sum('Amount')", src).len(), 0);
    assert_eq!(texts("a != b", "a <> b, a!=b, a = b").len(), 2);
}

#[test]
fn an_operand_is_a_name_a_call_a_literal_or_a_group() {
    let src = "t.price::float, f(a, (b))::float, (a + b)::float, '1'::float, case when a then b end::float, {{ x('y') }}::float, col_{{ n }}_x::float, a[1].b::float";
    let bound: Vec<&str> = found("$X::float", src)
        .into_iter()
        .map(|(_, b)| b[0])
        .collect();
    let wanted = [
        "t.price",
        "f(a, (b))",
        "(a + b)",
        "'1'",
        "case when a then b end",
        "{{ x('y') }}",
        "col_{{ n }}_x",
        "a[1].b",
    ];
    assert_eq!(bound, wanted);
    assert_eq!(texts("$X::float", "select ::float"), Vec::<&str>::new());
}

#[test]
fn an_operand_gives_way_to_what_follows() {
    assert_eq!(
        found("$T.$C = 1", "a.b.c = 1"),
        [("a.b.c = 1", vec!["a.b", "c"])]
    );
    assert_eq!(
        found("$X as $Y", "select a.b as c, d e"),
        [("a.b as c", vec!["a.b", "c"])]
    );
    assert_eq!(
        texts("$F($X)", "coalesce(sum(a), b), max(c)"),
        ["sum(a)", "max(c)"]
    );
}

#[test]
fn the_same_metavariable_is_the_same_text() {
    assert_eq!(
        texts("$X = $X", "a.id = b.id and A.ID = a.id"),
        ["A.ID = a.id"]
    );
    assert_eq!(texts("$_ = $_", "a.id = b.id"), ["a.id = b.id"]);
    assert_eq!(texts("$X / $X", "a / 'a', a / \"a\""), ["a / \"a\""]);
}

#[test]
fn an_ellipsis_stays_within_its_brackets() {
    assert_eq!(texts("sum(...)", "sum(a, (b), c) + d"), ["sum(a, (b), c)"]);
    assert_eq!(
        texts("count(..., x)", "count(x), count(a, b, x)"),
        ["count(a, b, x)"]
    );
    assert_eq!(
        texts("select ... from x", "select a; select b from x"),
        ["select b from x"]
    );
    assert_eq!(texts("(a ... c)", "(a) c, (a b) (a b c)"), ["(a b c)"]);
}

#[test]
fn jinja_calls_are_tokens() {
    let src =
        "{{ config(cluster_by=['a', \"b\", 'c', 'd']) }} select {{- to_metres( 'x' ) -}} as x_rate";
    assert_eq!(
        found("{{ to_metres($A) }} as $B", src)[0].1,
        ["'x'", "x_rate"]
    );
    let four = "{{ config(..., cluster_by=[$_, $_, $_, $_, ...]) }}";
    assert!(Pattern::new(four).is_ok());
    assert_eq!(texts("cluster_by=[$_, $_, $_, $_]", src).len(), 1);
    assert_eq!(
        texts("{{ to_metres(\"x\") }}", src).len(),
        1,
        "either quote in Jinja"
    );
    let set = "{% set x = 1 %} select 1 {% if x %} from y {% endif %}";
    assert_eq!(texts("{% set $X = 1 %}", set).len(), 1);
    assert_eq!(
        texts("select 1 from y", set).len(),
        1,
        "statements are passed over"
    );
}

#[test]
fn what_says_nothing_is_refused_at_its_place() {
    let refused = |src: &str| {
        let error = Pattern::new(src).unwrap_err();
        (error.message, src[error.range].to_owned())
    };
    assert!(refused("$X").0.contains("fits everything"));
    assert!(refused("").0.contains("fits everything"));
    assert!(refused("... a").0.contains("`...`"));
    assert_eq!(
        refused("sum(a"),
        ("`(` has no partner".to_owned(), "(".to_owned())
    );
    assert_eq!(refused("sum a)").1, ")");
    assert_eq!(
        Pattern::new("$X = $1 + $_ + $Y + $X")
            .unwrap()
            .metavariables(),
        ["$X", "$Y"]
    );
}

#[test]
fn a_search_that_would_not_end_is_cut_and_says_so() {
    let pattern = Pattern::new("a(... $A ... $B ... $C ... $D ... z)").unwrap();
    let src = format!("a({}) z", "x, ".repeat(3_000));
    let (matches, whole) = Tokens::new(&src).find(&pattern, 0..src.len());
    assert!(matches.is_empty() && !whole);
}

#[test]
fn only_what_lies_within_is_found() {
    let src = "sum(a) sum(a) sum(a)";
    let pattern = Pattern::new("sum(a)").unwrap();
    let (matches, _) = Tokens::new(src).find(&pattern, 7..13);
    assert_eq!(matches.len(), 1);
    assert_eq!(matches[0].range, 7..13);
}
