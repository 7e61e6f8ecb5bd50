//! Facts of nodes and files that follow from configuration, names and the SQL of a file.

use super::World;
use crate::declared::predicate::Fact;
use crate::declared::subject::Subject;
use crate::project::{DataTest, Node, ResourceType};
use crate::syntax::yaml;
use crate::text::FileId;
use serde_json::{Value, json};
use std::borrow::Cow;

/// A configured value as a fact.
pub(in crate::declared) fn config<'p>(node: &'p Node, key: &str) -> Fact<'p> {
    let Some(said) = node.config.get(key) else {
        return match (key, node.resource_type) {
            ("materialized", ResourceType::Model) => Fact::new("view"),
            ("materialized", ResourceType::Seed) => Fact::new("seed"),
            ("materialized", ResourceType::Snapshot) => Fact::new("snapshot"),
            _ if node.properties_lost => Fact::Unknown,
            _ => Fact::ABSENT,
        };
    };
    match (&said.value, said.partial) {
        (None, _) => Fact::Unknown,
        (Some(value), true) => Fact::Partial(Cow::Borrowed(value)),
        (Some(value), false) => Fact::Known(Cow::Borrowed(value)),
    }
}

fn of<'p>(subject: Subject<'p>, read: impl FnOnce(&'p Node) -> Fact<'p>) -> Fact<'p> {
    subject.node().map_or(Fact::ABSENT, read)
}

fn said<'p>(subject: Subject<'p>, key: &str) -> Fact<'p> {
    of(subject, |n| config(n, key))
}

/// As a list, whether one value is written or several.
fn listed(fact: Fact) -> Fact {
    let list = |v: Cow<Value>| match v.into_owned() {
        Value::Array(items) => Value::Array(items),
        Value::Null => Value::Null,
        one => Value::Array(vec![one]),
    };
    match fact {
        Fact::Known(v) => Fact::new(list(v)),
        Fact::Partial(v) => Fact::Partial(Cow::Owned(list(v))),
        Fact::Unknown => Fact::Unknown,
    }
}

fn file(subject: Subject) -> FileId {
    match subject {
        Subject::Node(node) => node.file,
        Subject::Column(_, column) => column.name.span.file,
        Subject::Macro(m) => m.span.file,
        Subject::Group(group) => group.file,
        Subject::File(file) => file,
    }
}

pub(super) fn access<'p>(_: World<'p>, s: Subject<'p>) -> Fact<'p> {
    of(s, |n| match n.access() {
        Some(access) => Fact::new(access),
        None => Fact::Unknown,
    })
}

pub(super) fn alias<'p>(_: World<'p>, s: Subject<'p>) -> Fact<'p> {
    said(s, "alias")
}

pub(super) fn attached<'p>(w: World<'p>, s: Subject<'p>) -> Fact<'p> {
    of(s, |n| Fact::some(tested(w, n).map(|t| t.name.as_str())))
}

/// The node that a test is about.
fn tested<'p>(w: World<'p>, test: &Node) -> Option<&'p Node> {
    let generic = test.test.as_ref().and_then(|t| t.attached.as_ref());
    let named = generic.and_then(|id| w.project.by_unique_id(id));
    named.or_else(|| w.project.parents_of(test.id).into_iter().next())
}

pub(super) fn contract<'p>(_: World<'p>, s: Subject<'p>) -> Fact<'p> {
    of(s, |n| {
        n.contract_enforced().map_or(Fact::Unknown, Fact::new)
    })
}

pub(super) fn ctes<'p>(w: World<'p>, s: Subject<'p>) -> Fact<'p> {
    let tokens = w.shared.tokens(w.project, file(s));
    let names = crate::declared::scope::ctes(&tokens);
    Fact::new(
        names
            .into_iter()
            .map(|(name, _)| Value::from(&*name))
            .collect::<Vec<Value>>(),
    )
}

fn of_source<'p>(
    w: World<'p>,
    node: &'p Node,
    key: &str,
    read: impl FnOnce(crate::project::SourceFacts) -> Option<crate::project::Said>,
) -> Fact<'p> {
    match w.project.source_facts(node).and_then(read) {
        Some(said) => Fact::new(said.value),
        None => config(node, key),
    }
}

pub(super) fn database<'p>(w: World<'p>, s: Subject<'p>) -> Fact<'p> {
    of(s, |n| of_source(w, n, "database", |f| f.database))
}

pub(super) fn schema<'p>(w: World<'p>, s: Subject<'p>) -> Fact<'p> {
    of(s, |n| of_source(w, n, "schema", |f| f.schema))
}

pub(super) fn identifier<'p>(w: World<'p>, s: Subject<'p>) -> Fact<'p> {
    of(s, |n| of_source(w, n, "identifier", |f| f.identifier))
}

pub(super) fn loader<'p>(w: World<'p>, s: Subject<'p>) -> Fact<'p> {
    of(s, |n| of_source(w, n, "loader", |f| f.loader))
}

pub(super) fn deprecation<'p>(w: World<'p>, s: Subject<'p>) -> Fact<'p> {
    of(s, |n| {
        Fact::some(w.project.deprecation_date(n).map(|d| d.value))
    })
}

pub(super) fn docs_show<'p>(_: World<'p>, s: Subject<'p>) -> Fact<'p> {
    of(s, |n| n.docs_show().map_or(Fact::Unknown, Fact::new))
}

pub(super) fn extension<'p>(w: World<'p>, s: Subject<'p>) -> Fact<'p> {
    Fact::new(w.project.files.get(file(s)).extension())
}

pub(super) fn file_name<'p>(w: World<'p>, s: Subject<'p>) -> Fact<'p> {
    Fact::new(w.project.files.get(file(s)).name())
}

pub(super) fn freshness<'p>(_: World<'p>, s: Subject<'p>) -> Fact<'p> {
    of(s, |n| match n.freshness() {
        None => match config(n, "freshness") {
            Fact::Unknown => Fact::Unknown,
            _ => Fact::ABSENT,
        },
        Some(f) => {
            let threshold = |t: Option<crate::project::Threshold>| {
                t.map(|t| json!({"count": t.count, "period": t.period}))
            };
            let mut map = serde_json::Map::new();
            map.extend(threshold(f.warn_after).map(|t| ("warn_after".to_owned(), t)));
            map.extend(threshold(f.error_after).map(|t| ("error_after".to_owned(), t)));
            map.extend(f.filter.map(|t| ("filter".to_owned(), t.into())));
            Fact::new(Value::Object(map))
        }
    })
}

pub(super) fn grants<'p>(_: World<'p>, s: Subject<'p>) -> Fact<'p> {
    said(s, "grants")
}

pub(super) fn group<'p>(_: World<'p>, s: Subject<'p>) -> Fact<'p> {
    said(s, "group")
}

pub(super) fn layer<'p>(w: World<'p>, s: Subject<'p>) -> Fact<'p> {
    let by_path = || {
        let layers = &w.project.layers;
        let found = layers.of(w.project.path(file(s)), "")?;
        layers.layers.get(found.index).map(|l| l.role.clone())
    };
    let role = match s.node() {
        Some(node) if node.resource_type == ResourceType::Model => w.project.role(node).cloned(),
        _ => by_path(),
    };
    Fact::some(role)
}

pub(super) fn lines<'p>(w: World<'p>, s: Subject<'p>) -> Fact<'p> {
    let text = match s {
        Subject::Macro(m) => w.project.text(m.body),
        other => &w.project.files.get(file(other)).text,
    };
    Fact::new(text.trim_end().lines().count())
}

pub(super) fn loaded_at<'p>(_: World<'p>, s: Subject<'p>) -> Fact<'p> {
    said(s, "loaded_at_field")
}

pub(super) fn macros<'p>(_: World<'p>, s: Subject<'p>) -> Fact<'p> {
    of(s, |n| {
        let calls = n.sql.iter().flat_map(|sql| &sql.macros);
        let mut names: Vec<&str> = calls.map(|(name, _)| &**name).collect();
        names.sort_unstable();
        names.dedup();
        Fact::new(names)
    })
}

pub(super) fn materialized<'p>(_: World<'p>, s: Subject<'p>) -> Fact<'p> {
    said(s, "materialized")
}

pub(super) fn name<'p>(w: World<'p>, s: Subject<'p>) -> Fact<'p> {
    Fact::new(match s {
        Subject::Node(node) => node.name.as_str(),
        Subject::Column(_, column) => column.name.value.as_str(),
        Subject::Macro(m) => m.name.as_str(),
        Subject::Group(group) => group.name.value.as_str(),
        Subject::File(file) => w.project.path(file),
    })
}

pub(super) fn of_node<'p>(_: World<'p>, s: Subject<'p>) -> Fact<'p> {
    of(s, |n| Fact::new(n.display_name()))
}

pub(super) fn package<'p>(w: World<'p>, s: Subject<'p>) -> Fact<'p> {
    Fact::new(match s {
        Subject::Node(node) | Subject::Column(node, _) => &*node.package_name,
        Subject::Group(group) => &*group.package_name,
        Subject::Macro(_) | Subject::File(_) => w.project.name.as_str(),
    })
}

pub(super) fn path<'p>(w: World<'p>, s: Subject<'p>) -> Fact<'p> {
    Fact::new(w.project.path(file(s)))
}

pub(super) fn reads<'p>(w: World<'p>, s: Subject<'p>) -> Fact<'p> {
    of(s, |n| {
        let parents = w.project.parents_of(n.id).into_iter();
        let names: Vec<Value> = parents.map(|p| p.display_name().into()).collect();
        let open = w.project.unresolved.iter().any(|(id, ..)| *id == n.id);
        match open {
            true => Fact::Partial(Cow::Owned(names.into())),
            false => Fact::new(names),
        }
    })
}

pub(super) fn resource_type<'p>(_: World<'p>, s: Subject<'p>) -> Fact<'p> {
    Fact::new(match s {
        Subject::Node(node) => node.resource_type.as_str(),
        Subject::Column(..) => "column",
        Subject::Macro(_) => "macro",
        Subject::Group(_) => "group",
        Subject::File(_) => "file",
    })
}

pub(super) fn severity<'p>(_: World<'p>, s: Subject<'p>) -> Fact<'p> {
    said(s, "severity")
}

pub(super) fn source_name<'p>(_: World<'p>, s: Subject<'p>) -> Fact<'p> {
    of(s, |n| Fact::some(n.source_name.as_deref()))
}

pub(super) fn tags<'p>(w: World<'p>, s: Subject<'p>) -> Fact<'p> {
    match s {
        Subject::Column(node, column) => Fact::new(super::property::column_tags(w, node, column)),
        other => listed(said(other, "tags")),
    }
}

/// A generic test as it is written.
fn written<'p>(w: World<'p>, test: &'p Node) -> Option<&'p DataTest> {
    let properties = tested(w, test)?.properties.as_ref()?;
    let mut all = properties.all_tests().map(|(_, t)| t);
    all.find(|t| t.span == test.place)
}

pub(super) fn test_arguments<'p>(w: World<'p>, s: Subject<'p>) -> Fact<'p> {
    of(s, |n| match written(w, n) {
        Some(test) => Fact::new(Value::Object(test.args.clone())),
        None if n.test.is_some() => Fact::Unknown,
        None => Fact::ABSENT,
    })
}

pub(super) fn test_kind<'p>(_: World<'p>, s: Subject<'p>) -> Fact<'p> {
    of(s, |n| {
        Fact::new(match (&n.test, n.resource_type) {
            (_, ResourceType::UnitTest) => "unit",
            (Some(_), _) => "generic",
            (None, _) => "singular",
        })
    })
}

pub(super) fn test_name<'p>(_: World<'p>, s: Subject<'p>) -> Fact<'p> {
    of(s, |n| Fact::some(n.test.as_ref().map(|t| t.name.as_str())))
}

pub(super) fn unique_key<'p>(_: World<'p>, s: Subject<'p>) -> Fact<'p> {
    listed(said(s, "unique_key"))
}

pub(super) fn version<'p>(_: World<'p>, s: Subject<'p>) -> Fact<'p> {
    of(s, |n| Fact::some(n.version.as_deref()))
}

pub(super) fn latest_version<'p>(_: World<'p>, s: Subject<'p>) -> Fact<'p> {
    of(s, |n| Fact::some(n.latest_version.as_deref()))
}

pub(super) fn yaml<'p>(w: World<'p>, s: Subject<'p>) -> Fact<'p> {
    let id = file(s);
    let text = &w.project.files.get(id);
    if !matches!(text.extension().as_str(), "yml" | "yaml") {
        return Fact::ABSENT;
    }
    let json = |tree: &yaml::Yaml| match tree.is_complete() {
        true => Fact::some(tree.root().map(|r| r.to_json())),
        false => Fact::Unknown,
    };
    match w.project.yaml.get(&id) {
        Some(tree) => json(tree),
        None => json(&yaml::parse(id, &text.text)),
    }
}
