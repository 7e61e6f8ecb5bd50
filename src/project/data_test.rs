//! A generic test as dbt spells it: its name, its id, and the Jinja that it comes to.
//!
//! The name is made of the test, the tested node and the argument's values; the id ends in a hash
//! over that name and everything dbt hands to the test's macro.

use super::properties::{DataTest, TEST_CONFIG, test_entries};
use crate::syntax::jinja::{self, ast};
use crate::syntax::yaml::{Node as YamlNode, Scalar, Yaml, text_repr};
use md5::{Digest, Md5};
use regex::Regex;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::LazyLock;

/// From this many characters on dbt shortens a test's name to make an alias of it.
const LONG_NAME: usize = 64;

/// Collections in an argument that are followed this deep when its references are looked for.
const MAX_ARGUMENT: u32 = 20;

/// What makes a node a generic test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenericTest {
    /// Without its package: `unique`.
    pub name: String,
    /// The package that is written before it.
    pub namespace: Option<String>,
    /// The column it stands under, in quotes where dbt quotes it; else its argument `column_name`.
    pub column: Option<String>,
    /// The unique id of the model, seed or snapshot it stands under; none for a source's table, and
    /// where there is no such node.
    pub attached: Option<String>,
    /// The node's unique id is dbt's. Not so where an argument could not be spelled (aliases in a
    /// circle), or a column is quoted as only an unknown adapter knows.
    pub exact: bool,
}

/// What a test is attached to.
pub(super) struct Target {
    /// `ref('orders')`, `source('erp', 'orders')`.
    pub(super) call: String,
    /// What it is called in a test's name: `orders_v2`, `erp_orders`.
    pub(super) label: String,
    pub(super) is_source: bool,
}

/// An argument's value.
pub(super) enum Arg<'a> {
    Text(String),
    Yaml(YamlNode<'a>),
}

impl<'a> From<YamlNode<'a>> for Arg<'a> {
    fn from(node: YamlNode<'a>) -> Self {
        Arg::Yaml(node)
    }
}

impl Arg<'_> {
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Arg::Text(text) => Some(text),
            Arg::Yaml(node) => node.as_str(),
        }
    }

    /// As `str()` of each part of it.
    fn parts(&self) -> Option<Vec<String>> {
        match self {
            Arg::Text(text) => Some(vec![text.clone()]),
            Arg::Yaml(node) if node.is_sequence() => {
                node.items().map(|item| item.python_str()).collect()
            }
            Arg::Yaml(node) if node.is_mapping() => {
                let entries = node.entries().into_iter();
                entries.map(|(_, value)| value.python_str()).collect()
            }
            Arg::Yaml(node) => Some(vec![node.python_str()?]),
        }
    }

    fn digest(&self) -> Option<String> {
        match self {
            Arg::Text(text) => Some(text_repr(text)),
            Arg::Yaml(node) => node.python_digest(),
        }
    }
}

/// A test as it is written, taken apart.
pub(super) struct Spelled<'a> {
    pub(super) namespace: Option<&'a str>,
    pub(super) name: &'a str,
    /// `name:`.
    pub(super) given: Option<&'a str>,
    /// What the macro is called with, beside `model`.
    pub(super) args: BTreeMap<&'a str, Arg<'a>>,
    pub(super) config: Vec<(&'a str, YamlNode<'a>)>,
}

/// A test's parts; none where its name is none that dbt takes.
pub(super) fn spell<'a>(
    tree: &'a Yaml,
    test: &'a DataTest,
    column: Option<&str>,
) -> Option<Spelled<'a>> {
    let (namespace, name) = split_name(&test.name)?;
    let column = column.map(|c| Arg::Text(c.to_owned()));
    let mut args = BTreeMap::new();
    let (mut config, mut section, mut given) = (Vec::new(), None, None);
    for (key, value) in test_entries(tree.node(test.entry), column) {
        match (key, value) {
            ("config", Arg::Yaml(node)) => section = Some(node),
            ("name", Arg::Yaml(node)) => given = node.as_str(),
            ("description", _) => {}
            (key, Arg::Yaml(node)) if TEST_CONFIG.contains(&key) => config.push((key, node)),
            (key, value) => {
                args.insert(key, value);
            }
        }
    }
    let entries = section.map_or(Vec::new(), |n| n.resolve().entries());
    let entries = entries.into_iter();
    config.extend(entries.filter_map(|(key, value)| Some((key.as_str()?, value))));
    config.retain(|(_, value)| !value.is_null());
    Some(Spelled {
        namespace,
        name,
        given,
        args,
        config,
    })
}

/// `package.test`, `test`. dbt reads names as far as they are names.
fn split_name(text: &str) -> Option<(Option<&str>, &str)> {
    let (first, rest) = identifier(text)?;
    let second = rest.strip_prefix('.').and_then(identifier);
    Some(match second {
        Some((name, _)) => (Some(first), name),
        None => (None, first),
    })
}

fn identifier(text: &str) -> Option<(&str, &str)> {
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    starts.then(|| text.split_at(end.unwrap_or(text.len())))
}

/// Who a test is to dbt.
pub(super) struct Identity {
    /// `unique_orders_id`.
    pub(super) name: String,
    /// What stands for a long name.
    pub(super) alias: Option<String>,
    /// The end of its unique id.
    pub(super) hash: String,
    /// Every argument could be spelled.
    pub(super) exact: bool,
}

pub(super) fn identify(spelled: &Spelled, target: &Target) -> Identity {
    let mut exact = true;
    let (name, alias) = match spelled.given {
        Some(given) => (given.to_owned(), None),
        None => synthetic_name(spelled, target, &mut exact),
    };
    let model = Arg::Text(format!("{{{{ get_where_subquery({}) }}}}", target.call));
    let model = std::iter::once((&"model", &model));
    let mut kwargs: Vec<(&str, &Arg)> = spelled
        .args
        .iter()
        .chain(model)
        .map(|(k, v)| (*k, v))
        .collect();
    kwargs.sort_by_key(|(key, _)| *key);
    let mut told = String::new();
    for (i, (key, value)) in kwargs.into_iter().enumerate() {
        let value = value.digest();
        exact &= value.is_some();
        let comma = if i > 0 { ", " } else { "" };
        let (key, value) = (text_repr(key), value.unwrap_or_default());
        // Writing to a string does not fail, here and below.
        let _ = write!(told, "{comma}{key}: {value}");
    }
    let (test, namespace) = (spelled.name, spelled.namespace.unwrap_or("None"));
    let text =
        format!("{name}{{'kwargs': {{{told}}}, 'name': '{test}', 'namespace': '{namespace}'}}");
    let hash = md5_hex(&text);
    Identity {
        name,
        alias,
        hash: hash[hash.len() - 10..].to_owned(),
        exact,
    }
}

fn md5_hex(text: &str) -> String {
    let mut out = String::with_capacity(32);
    for byte in Md5::digest(text.as_bytes()) {
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// The name, and an alias where the name is long.
fn synthetic_name(
    spelled: &Spelled,
    target: &Target,
    exact: &mut bool,
) -> (String, Option<String>) {
    let mut words: Vec<String> = Vec::new();
    for value in spelled.args.values() {
        match value.parts() {
            Some(parts) => words.extend(parts.iter().map(|part| cleaned(part))),
            None => *exact = false,
        }
    }
    let package = spelled.namespace.map_or(String::new(), |n| format!("{n}_"));
    let source = if target.is_source { "source_" } else { "" };
    let what = format!("{package}{source}{}_{}", spelled.name, target.label);
    let full = format!("{what}_{}", words.join("__"));
    let alias = (full.chars().count() >= LONG_NAME).then(|| {
        let start: String = what.chars().take(30).collect();
        format!("{start}_{}", md5_hex(&full))
    });
    (full, alias)
}

/// One underscore for whatever is neither an ASCII letter nor a digit.
fn cleaned(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut gap = false;
    for c in text.chars() {
        let keep = c.is_ascii_alphanumeric() || c == '_';
        if keep {
            out.push(c);
        } else if !gap {
            out.push('_');
        }
        gap = !keep;
    }
    out
}

/// What dbt takes for a call although no braces stand round it.
static BARE_CALL: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\s*(?:env_var|ref|var|source|doc)\s*\(.+\)\s*$").ok());

/// The Jinja of an argument, if it has any: what dbt renders of it.
pub(super) fn has_jinja(arg: &Arg) -> bool {
    let is_jinja = |text: &str| {
        let braces = text.contains("{{") || text.contains("{%");
        braces || BARE_CALL.as_ref().is_some_and(|r| r.is_match(text))
    };
    match arg {
        // dbt leaves the name of a column alone.
        Arg::Text(_) => false,
        Arg::Yaml(node) => any_text(*node, &is_jinja, 0),
    }
}

fn any_text(node: YamlNode, ask: &dyn Fn(&str) -> bool, depth: u32) -> bool {
    if let Some(text) = node.as_str() {
        return node.scalar() == Some(Scalar::Str) && ask(text);
    }
    let deeper = |n: YamlNode| any_text(n, ask, depth + 1);
    depth < MAX_ARGUMENT
        && (node.items().any(deeper) || node.entries().into_iter().any(|(_, v)| deeper(v)))
}

/// A template that calls the test's macro as dbt does, or, without a macro, prints its arguments:
/// its references are the test's.
pub(super) fn template(spelled: &Spelled, target: &Target, macro_name: Option<&str>) -> String {
    let mut text = Template::default();
    let args = spelled.args.iter().map(|(key, value)| match value {
        Arg::Text(value) => (*key, literal(value)),
        Arg::Yaml(node) => (*key, text.value(*node, 0)),
    });
    let mut args: Vec<(&str, String)> = args.collect();
    let Some(name) = macro_name else {
        let values: Vec<String> = args.into_iter().map(|(_, value)| value).collect();
        return format!("{}{{{{ [{}] }}}}", text.sets, values.join(", "));
    };
    args.push(("model", target.call.clone()));
    let args: Vec<String> = args
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    format!("{}{{{{ {name}({}) }}}}", text.sets, args.join(", "))
}

/// Expressions for arguments, and the `set` blocks that they refer to.
#[derive(Default)]
struct Template {
    sets: String,
    count: usize,
}

impl Template {
    fn value(&mut self, node: YamlNode, depth: u32) -> String {
        if depth > MAX_ARGUMENT {
            return "none".to_owned();
        }
        if node.is_sequence() {
            let items: Vec<String> = node.items().map(|n| self.value(n, depth + 1)).collect();
            return format!("[{}]", items.join(", "));
        }
        if node.is_mapping() {
            let entries = node.entries().into_iter().filter_map(|(key, value)| {
                Some(format!(
                    "{}: {}",
                    literal(key.as_str()?),
                    self.value(value, depth + 1)
                ))
            });
            let entries: Vec<String> = entries.collect();
            return format!("{{{}}}", entries.join(", "));
        }
        match node.scalar() {
            Some(Scalar::Bool(value)) => value.to_string(),
            Some(Scalar::Int(value)) => value.to_string(),
            Some(Scalar::Str) => self.text(node.as_str().unwrap_or_default()),
            _ => "none".to_owned(),
        }
    }

    fn text(&mut self, text: &str) -> String {
        if BARE_CALL.as_ref().is_some_and(|r| r.is_match(text)) {
            let parsed = jinja::parse(&format!("{{{{ [{text}] }}}}"));
            return match parsed.errors.is_empty() {
                true => format!("({text})"),
                false => literal(text),
            };
        }
        let parsed = match text.contains("{{") || text.contains("{%") {
            true => jinja::parse(text),
            false => return literal(text),
        };
        if !parsed.errors.is_empty() {
            return literal(text);
        }
        // One expression alone keeps its type.
        if let [ast::Node::Output(_, range)] = &parsed.nodes[..]
            && let Some(token) = text.get(range.start as usize..range.end as usize)
        {
            let inner = token.trim_start_matches('{').trim_end_matches('}');
            let inner = inner.trim_matches('-').trim();
            return format!("({inner})");
        }
        self.count += 1;
        let name = format!("hl_argument_{}", self.count);
        let _ = write!(self.sets, "{{% set {name} %}}{text}{{% endset %}}");
        name
    }
}

/// A string of Jinja.
fn literal(text: &str) -> String {
    let text = text.replace('\\', r"\\").replace('\'', r"\'");
    format!("'{}'", text.replace('\n', r"\n").replace('\r', r"\r"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::yaml;
    use crate::text::FileId;

    fn of(text: &str, column: Option<&str>, target: &Target) -> (String, Option<String>) {
        let tree = yaml::parse(FileId(0), &format!("data_tests: [{text}]"));
        let tests = super::super::properties::tests(tree.root().unwrap());
        let spelled = spell(&tree, &tests[0], column).unwrap();
        let identity = identify(&spelled, target);
        assert!(identity.exact);
        (
            format!("{}.{}", identity.name, identity.hash),
            identity.alias,
        )
    }

    fn model(name: &str) -> Target {
        Target {
            call: format!("ref('{name}')"),
            label: name.to_owned(),
            is_source: false,
        }
    }

    /// Right-hand sides are ids that dbt 1.10 gave in projects of ours.
    #[test]
    fn ids_are_those_of_dbt() {
        let a = model("a");
        for (test, id) in [
            ("unique", "unique_a_id.f6a5f640da"),
            (
                "not_null: {name: my_name, config: {where: x}}",
                "my_name.e2835a3080",
            ),
            (
                "relationships: {to: ref('b'), field: id}",
                "relationships_a_id__id__ref_b_.dcfe42f192",
            ),
            (
                "relationships: {arguments: {to: ref('b'), field: id}}",
                "relationships_a_id__id__ref_b_.dcfe42f192",
            ),
            (
                "{test_name: accepted_values, name: custom_named, values: [a, \"b's\", 'say \"hi\"', 1, 1.5, true, null, 2020-01-01, 1e3, 010, yes]}",
                "custom_named.1105b1088a",
            ),
            (
                "custom: {other: {k: v, a: [1, {z: 2, b: \"é\"}]}}",
                "custom_a_id__v___1_z_2_b_.9062bae917",
            ),
            (
                "custom: {other: {3: 2020-01-01, 7: 8}}",
                "custom_a_id__2020_01_01__8.5e946be2b1",
            ),
            (
                "custom: {other: [0.1, 1.0e20, 1.0e-7, .inf, -0.0, 0x1F]}",
                "custom_a_id__0_1__1_0e20__1e_07__inf___0_0__31.043e97d564",
            ),
            ("args: {v: {}}", "args_a_id.3019e9bac0"),
            ("args: {v: ''}", "args_a_id__.9a380583ef"),
            (
                "args: {arguments: {v: 2}, column_name: other}",
                "args_a_id__2.3926d748f4",
            ),
            ("oldstyle: {name: nm, group: g1}", "nm.cac289e019"),
            ("dbt.not_null", "dbt_not_null_a_id.b03620ed63"),
        ] {
            assert_eq!(of(test, Some("id"), &a).0, id, "{test}");
        }
        let source = Target {
            call: "source('src', 't1')".to_owned(),
            label: "src_t1".to_owned(),
            is_source: true,
        };
        assert_eq!(
            of("in_macros", None, &source).0,
            "source_in_macros_src_t1_.077ab97ea4"
        );
    }

    #[test]
    fn a_long_name_has_an_alias() {
        let test = "accepted_values: {values: [placed, shipped, completed, return_pending, returned], quote: false}";
        let (id, alias) = of(test, Some("id"), &model("a"));
        assert_eq!(
            id,
            "accepted_values_a_id__False__placed__shipped__completed__return_pending__returned.852331f9fb"
        );
        let alias = alias.unwrap();
        assert_eq!(alias, "accepted_values_a_249fc301cedd613aa74f5e5bc229e219");
    }

    #[test]
    fn arguments_become_jinja() {
        let tree = yaml::parse(
            FileId(0),
            "tests: [{x: {a: ref('b'), b: '{{ c }}', c: 'x {{ d }}', d: [1, true, ~, it's], e: '{{ broken', f: \"ref('b') }}{{ x (1)\"}}]",
        );
        let tests = super::super::properties::tests(tree.root().unwrap());
        let spelled = spell(&tree, &tests[0], None).unwrap();
        let rendered: Vec<&str> = spelled
            .args
            .iter()
            .filter(|(_, a)| has_jinja(a))
            .map(|(k, _)| *k)
            .collect();
        assert_eq!(rendered, ["a", "b", "c", "e", "f"]);
        assert_eq!(
            template(&spelled, &model("m"), Some("test_x")),
            r"{% set hl_argument_1 %}x {{ d }}{% endset %}{{ test_x(a=(ref('b')), b=(c), c=hl_argument_1, d=[1, true, none, 'it\'s'], e='{{ broken', f='ref(\'b\') }}{{ x (1)', model=ref('m')) }}"
        );
    }
}
