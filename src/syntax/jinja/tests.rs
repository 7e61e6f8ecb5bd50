//! What templates evaluate to.

use super::*;
use std::sync::Arc;

struct Setup {
    macros: Vec<(&'static str, &'static str)>,
    mode: Mode,
    inline: Inline,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            macros: Vec::new(),
            mode: Mode::Sql,
            inline: Inline::Touching,
        }
    }
}

impl Setup {
    fn run(&self, src: &str) -> Evaluation {
        let mut library = MacroLibrary::new("root");
        for (package, text) in &self.macros {
            let template = parse(text);
            assert_eq!(template.errors, [], "{text}");
            library.add(&Arc::from(*package), &Arc::from(*text), template);
        }
        library.finish();
        let template = parse(src);
        evaluate(&Inputs {
            src,
            nodes: &template.nodes,
            macros: &library,
            package: "root",
            adapter: Some("snowflake"),
            target: None,
            var: &|name| (name == "known").then(|| Some(serde_json::json!(["a", "b"]))),
            mode: self.mode,
            inline: self.inline,
            model: None,
            earlier: None,
        })
    }

    /// The text with `<ref x>` for relations and `?` for unknowns.
    fn text(&self, src: &str) -> String {
        let e = self.run(src);
        e.pieces
            .iter()
            .map(|p| match p {
                Piece::Verbatim(r) => src[r.start as usize..r.end as usize].to_owned(),
                Piece::Inserted(t, _) => t.to_string(),
                Piece::Relation(id, _) => match &e.visited.relations[id.0 as usize] {
                    RelationRef::Ref { name, .. } => {
                        format!("<{}>", name.as_deref().unwrap_or("?"))
                    }
                    RelationRef::Source { source, table } => format!(
                        "<{}.{}>",
                        source.as_deref().unwrap_or("?"),
                        table.as_deref().unwrap_or("?")
                    ),
                    RelationRef::This => "<this>".to_owned(),
                    RelationRef::Other => "<other>".to_owned(),
                    other => format!("{other:?}"),
                },
                Piece::Unknown(_) => "?".to_owned(),
            })
            .collect()
    }

    fn refs(&self, src: &str) -> Vec<String> {
        let e = self.run(src);
        e.calls
            .iter()
            .filter_map(|c| match &c.kind {
                CallKind::Relation(id) => Some(format!("{:?}", e.visited.relations[id.0 as usize])),
                _ => None,
            })
            .collect()
    }
}

fn text(src: &str) -> String {
    Setup::default().text(src)
}

#[test]
fn known_values_are_printed() {
    assert_eq!(text("{% set x = 1 + 2 * 3 %}{{ x }}"), "7");
    assert_eq!(text("{{ 'a' ~ 1 ~ none }}"), "a1None");
    assert_eq!(text("{{ ['a', 'b'] | join(', ') | upper }}"), "A, B");
    assert_eq!(text("{{ {'a': {'b': 2}}['a'].b }}"), "2");
    assert_eq!(text("{{ var('known')[1] }}{{ var('other', 'd') }}"), "bd");
    assert_eq!(text("{{ target.type }}"), "snowflake");
    assert_eq!(text("{{ 'x' if 2 > 1 else 'y' }}{{ 'z' if false }}"), "x");
    assert_eq!(text("{{ 'A b'.lower().split(' ')[0] }}"), "a");
    assert_eq!(text("{{ range(3) | list }}"), "[0, 1, 2]");
    assert_eq!(text("{{ 'abc'[1:] }}{{ [1, 2, 3][-1] }}"), "bc3");
}

#[test]
fn loops_unroll_and_know_their_place() {
    assert_eq!(
        text("{% for c in var('known') %}{{ c }}{{ ',' if not loop.last }}{% endfor %}"),
        "a,b"
    );
    assert_eq!(
        text("{% for k, v in {'a': 1}.items() if v %}{{ k }}={{ v }}{% else %}none{% endfor %}"),
        "a=1"
    );
    assert_eq!(text("{% for x in [] %}a{% else %}b{% endfor %}"), "b");
    assert_eq!(text("{% for x in unknown() %}[{{ x }}]{% endfor %}"), "[?]");
}

#[test]
fn a_list_is_shared_and_a_set_in_a_loop_is_not() {
    assert_eq!(
        text("{% set l = [] %}{% for x in [1, 2] %}{% do l.append(x) %}{% endfor %}{{ l }}"),
        "[1, 2]"
    );
    assert_eq!(
        text("{% set x = 0 %}{% for i in [1] %}{% set x = i %}{% endfor %}{{ x }}"),
        "0"
    );
    assert_eq!(
        text(
            "{% set ns = namespace(x=0) %}{% for i in [5] %}{% set ns.x = i %}{% endfor %}{{ ns.x }}"
        ),
        "5"
    );
}

#[test]
fn an_unknown_ends_nothing() {
    assert_eq!(text("a {{ f(x).y[0] | z }} b"), "a ? b");
    assert_eq!(text("{% if f() %}x{% else %}y{% endif %}"), "x");
    assert_eq!(text("{{ 'p_' ~ f() ~ '_s' }}"), "p_?_s");
    assert_eq!(text("{{ env_var('E') }}{{ env_var('E', 'd') }}"), "?d");
}

#[test]
fn relations_are_printed_and_recorded() {
    assert_eq!(
        text("{{ ref('a') }} {{ ref('p', 'b', v=2) }} {{ source('s', 't') }} {{ this }}"),
        "<a> <b> <s.t> <this>"
    );
    assert_eq!(text("{% set r = ref('a') %}from {{ r }}"), "from <a>");
    assert_eq!(
        text("{% set q %}x {{ ref('a') }}{% endset %}{{ q }}"),
        "x <a>"
    );
    assert_eq!(text("{{ ref(f()) }}"), "<?>");
    assert_eq!(Setup::default().refs("{# {{ ref('a') }} #}"), [""; 0]);
}

#[test]
fn macros_that_concern_the_graph_are_run_others_stay_unknown() {
    let setup = Setup {
        macros: vec![
            ("root", "{% macro from_a(x) %}{{ ref(x) }}{% endmacro %}"),
            (
                "root",
                "{% macro deep() %}{{ return(from_a('d')) }}{% endmacro %}",
            ),
            ("root", "{% macro money(c) %}({{ c }} / 100){% endmacro %}"),
            (
                "pkg",
                "{% macro cols() %}{{ return(['x', 'y']) }}{% endmacro %}",
            ),
        ],
        ..Setup::default()
    };
    assert_eq!(setup.text("{{ from_a('m') }}"), "<m>");
    assert_eq!(setup.text("{{ deep() }}"), "<d>");
    assert_eq!(setup.text("{{ money('a') }}"), "?");
    assert_eq!(
        setup.text("{% for c in pkg.cols() %}{{ c }}{% endfor %}"),
        "xy"
    );
    let all = Setup {
        inline: Inline::All,
        ..setup
    };
    assert_eq!(all.text("{{ money('a') }}"), "(a / 100)");
    let call = &all.run("{{ from_a('m') }}").calls;
    assert!(
        call.iter().any(|c| c.in_macro && c.range == (3..14)),
        "{call:?}"
    );
}

#[test]
fn dispatch_finds_the_adapters_then_the_default() {
    let setup = Setup {
        macros: vec![
            (
                "root",
                "{% macro m() %}{{ return(adapter.dispatch('m', 'root')()) }}{% endmacro %}",
            ),
            (
                "root",
                "{% macro default__m() %}d{{ ref('d') }}{% endmacro %}",
            ),
            (
                "root",
                "{% macro snowflake__m() %}s{{ ref('s') }}{% endmacro %}",
            ),
        ],
        ..Setup::default()
    };
    assert_eq!(setup.text("{{ m() }}"), "s<s>");
}

#[test]
fn a_project_may_override_ref() {
    let setup = Setup {
        macros: vec![(
            "root",
            "{% macro ref(model, audit=true) %}{% do return(builtins.ref('stg_' ~ model)) %}{% endmacro %}",
        )],
        ..Setup::default()
    };
    assert_eq!(setup.text("{{ ref('a', audit=false) }}"), "<stg_a>");
}

#[test]
fn parse_mode_is_dbts_parse() {
    let parse = Setup {
        mode: Mode::Parse,
        ..Setup::default()
    };
    assert_eq!(
        parse.refs("{% if execute %}{{ ref('a') }}{% endif %}"),
        [""; 0]
    );
    assert_eq!(
        parse.refs("{% if is_incremental() %}{{ ref('a') }}{% endif %}"),
        [""; 0]
    );
    let both = "{% if target.name == 'x' %}{{ ref('a') }}{% else %}{{ ref('b') }}{% endif %}";
    assert_eq!(parse.refs(both).len(), 2);
    assert_eq!(Setup::default().refs(both).len(), 1);
    assert_eq!(parse.refs("{{ ref('a') if f() else ref('b') }}").len(), 2);
    // What was set under an unknown condition is unknown behind it.
    let set = "{% set x = 1 %}{% if f() %}{% set x = 2 %}{% endif %}{{ x }}";
    assert_eq!(parse.text(set), "?");
    assert_eq!(parse.text("{% if f() or true %}x{% endif %}"), "x");
}

#[test]
fn configuration_is_recorded_with_its_places() {
    let src = "{{ config(materialized='table', tags=['a', var('known')[0]], x=f()) }}";
    let e = Setup::default().run(src);
    let CallKind::Config(args) = &e.calls[1].kind else {
        panic!("{:?}", e.calls)
    };
    let at = |r: &Range<u32>| &src[r.start as usize..r.end as usize];
    assert_eq!(args[0].key, "materialized");
    assert_eq!(args[0].value, Some(serde_json::json!("table")));
    assert_eq!(at(&args[0].value_range), "'table'");
    assert_eq!(args[1].value, Some(serde_json::json!(["a", "a"])));
    assert_eq!(at(&args[1].value_range), "['a', var('known')[0]]");
    assert_eq!(at(&args[1].key_range), "tags");
    assert_eq!(args[2].value, None);
    assert!(e.pieces.is_empty());
}

#[test]
fn call_blocks_and_callers() {
    let setup = Setup {
        macros: vec![(
            "root",
            "{% macro wrap(x) %}({{ caller() }}{{ ref(x) }}){% endmacro %}",
        )],
        ..Setup::default()
    };
    assert_eq!(setup.text("{% call wrap('r') %}in{% endcall %}"), "(in<r>)");
    assert_eq!(
        setup.text("{% call statement('s') %}select{% endcall %}z"),
        "z"
    );
}

#[test]
fn work_is_bounded() {
    let loops = "{% for a in range(9000) %}".repeat(4) + "x" + &"{% endfor %}".repeat(4);
    assert!(Setup::default().run(&loops).exhausted);
    let grow = "{% set s = 'ab' %}".to_owned() + &"{% set s = s ~ s %}".repeat(60) + "{{ s }}";
    Setup::default().run(&grow);
    let lists = "{% set s = [1] %}".to_owned() + &"{% set s = s + s %}".repeat(60);
    Setup::default().run(&lists);
    let own = "{% set l = [] %}{% do l.append(l) %}{{ l }}";
    assert_eq!(text(own), "?");
    let recursive = Setup {
        macros: vec![(
            "root",
            "{% macro r() %}{{ ref('a') }}{{ r() }}{{ r() }}{% endmacro %}",
        )],
        ..Setup::default()
    };
    crate::threads::on_big_stack(|| recursive.run("{{ r() }}").exhausted);
}

#[test]
fn a_tuple_prints_with_parentheses() {
    let text = |src| Setup::default().text(src);
    assert_eq!(text("{% set a = ('x', 'y') %}in {{ a }}"), "in ('x', 'y')");
    assert_eq!(text("{{ ['x'] }}{{ ('x',) }}"), "['x']('x',)");
}

#[test]
fn a_list_of_texts_is_joined_piece_by_piece() {
    let src = "{% set qs = [] %}{% for t in ['a', 'b'] %}{% set q %}select 1 from {{ ref(t) }}{% endset %}\
               {% do qs.append(q) %}{% endfor %}{{ qs | join(' union all ') }}";
    assert_eq!(
        Setup::default().text(src),
        "select 1 from <a> union all select 1 from <b>"
    );
}

#[test]
fn a_dictionary_with_an_unknown_key_is_not_shorter() {
    let src = "{% for k in {ref('a'): 'x', ref('b'): 'y'} %}from {{ k }}{% endfor %}";
    assert_eq!(Setup::default().text(src), "from ?");
}
