//! Facts that property files tell.

use super::World;
use crate::declared::predicate::Fact;
use crate::declared::subject::Subject;
use crate::project::{Column, Constraint, DataTest, Element, Family, Node, Said};
use crate::syntax::yaml::Node as YamlNode;
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// A fact of a node's property entry; where that may be elsewhere, what is not there is unknown.
fn of<'p>(subject: Subject<'p>, read: impl FnOnce(&'p Node) -> Option<Value>) -> Fact<'p> {
    let Some(node) = subject.node() else {
        return Fact::ABSENT;
    };
    match read(node) {
        Some(value) if node.properties_lost && (value.is_array() || value.is_object()) => {
            Fact::Partial(Cow::Owned(value))
        }
        Some(value) => Fact::new(value),
        None if node.properties_lost => Fact::Unknown,
        None => Fact::ABSENT,
    }
}

fn text(said: Option<Said>) -> Option<Value> {
    said.map(|s| s.value.into())
}

fn names(said: &[Said]) -> Value {
    said.iter().map(|s| Value::from(s.value.as_str())).collect()
}

/// The entry of a subject in its property file.
fn entry<'p>(w: World<'p>, s: Subject<'p>) -> Option<YamlNode<'p>> {
    let (file, id) = match s {
        Subject::Node(node) => return w.project.entry(node),
        Subject::Column(node, column) => (node.properties.as_ref()?.file, column.entry),
        Subject::Macro(m) => m.entry?,
        Subject::Group(group) => (group.file, group.entry),
        Subject::File(_) => return None,
    };
    Some(w.project.yaml.get(&file)?.node(id))
}

pub(super) fn description<'p>(w: World<'p>, s: Subject<'p>) -> Fact<'p> {
    match s {
        Subject::Node(_) => of(s, |n| n.description().map(Value::from)),
        Subject::Column(_, column) => Fact::some(column.description.as_deref()),
        Subject::Group(group) => Fact::some(group.description.as_deref()),
        _ => {
            let said = entry(w, s).and_then(|e| e.get("description"));
            Fact::some(said.and_then(YamlNode::as_str))
        }
    }
}

pub(super) fn file<'p>(w: World<'p>, s: Subject<'p>) -> Fact<'p> {
    let file = match s {
        Subject::Node(node) | Subject::Column(node, _) => {
            return of(s, |_| {
                let properties = node.properties.as_ref()?;
                Some(w.project.path(properties.file).into())
            });
        }
        Subject::Macro(m) => m.entry.map(|(file, _)| file),
        Subject::Group(group) => Some(group.file),
        Subject::File(_) => None,
    };
    Fact::some(file.map(|f| w.project.path(f)))
}

pub(super) fn meta<'p>(w: World<'p>, s: Subject<'p>) -> Fact<'p> {
    match s {
        Subject::Node(node) => super::node::config(node, "meta"),
        _ => Fact::new(entry(w, s).map_or(Value::Null, meta_of)),
    }
}

/// `meta:` of an entry, with that of its `config:` over it.
fn meta_of(entry: YamlNode) -> Value {
    let mut all = Map::new();
    let nested = entry.get("config").and_then(|c| c.get("meta"));
    for said in [entry.get("meta"), nested].into_iter().flatten() {
        if let Value::Object(map) = said.to_json() {
            all.extend(map);
        }
    }
    Value::Object(all)
}

/// The tags of a column, wherever they are written.
pub(super) fn column_tags(w: World, node: &Node, column: &Column) -> Value {
    let tags = entry_of(w, node, column).map(|e| {
        let nested = e.get("config").and_then(|c| c.get("tags"));
        let said = [e.get("tags"), nested].into_iter().flatten();
        said.flat_map(|t| crate::project::strings(&t.to_json()))
            .collect::<Vec<String>>()
    });
    tags.unwrap_or_default().into()
}

fn entry_of<'p>(w: World<'p>, node: &Node, column: &Column) -> Option<YamlNode<'p>> {
    let file = node.properties.as_ref()?.file;
    Some(w.project.yaml.get(&file)?.node(column.entry))
}

pub(super) fn quote<'p>(_: World<'p>, s: Subject<'p>) -> Fact<'p> {
    match s {
        Subject::Column(_, column) => Fact::new(column.quote),
        _ => Fact::ABSENT,
    }
}

pub(super) fn data_type<'p>(_: World<'p>, s: Subject<'p>) -> Fact<'p> {
    match s {
        Subject::Column(_, column) => Fact::some(column.data_type.as_deref()),
        _ => Fact::ABSENT,
    }
}

fn constraint_list(all: &[Constraint]) -> Value {
    let one = |c: &Constraint| json!({"name": c.kind, "columns": c.columns});
    all.iter().map(one).collect()
}

pub(super) fn constraints<'p>(_: World<'p>, s: Subject<'p>) -> Fact<'p> {
    match s {
        Subject::Column(_, column) => Fact::new(constraint_list(&column.constraints)),
        _ => of(s, |n| {
            Some(constraint_list(&n.properties.as_ref()?.constraints))
        }),
    }
}

pub(super) fn columns<'p>(w: World<'p>, s: Subject<'p>) -> Fact<'p> {
    of(s, |n| {
        let columns = n.properties.as_ref()?.columns.iter();
        let one = |c: &Column| {
            let tests = c.tests.iter().filter(|t| t.is_on());
            json!({
                "name": c.name.value,
                "description": c.description,
                "data_type": c.data_type,
                "tests": tests.map(DataTest::short_name).collect::<Vec<_>>(),
                "constraints": c.constraints.iter().map(|c| c.kind.as_str()).collect::<Vec<_>>(),
                "tags": column_tags(w, n, c),
                "meta": entry_of(w, n, c).map_or(Value::Null, meta_of),
            })
        };
        Some(columns.map(one).collect())
    })
}

fn generic(column: Option<&str>, test: &DataTest) -> Value {
    let package = test.name.rsplit_once('.').map(|(package, _)| package);
    json!({
        "name": test.short_name(),
        "package": package,
        "kind": "generic",
        "family": Family::of(test.short_name()).as_str(),
        "column": column,
        "severity": test.config.get("severity"),
        "arguments": test.args,
        "config": test.config,
    })
}

pub(super) fn tests<'p>(w: World<'p>, s: Subject<'p>) -> Fact<'p> {
    match s {
        Subject::Column(_, column) => {
            let on = column.tests.iter().filter(|t| t.is_on());
            let name = column.name.value.as_str();
            Fact::new(on.map(|t| generic(Some(name), t)).collect::<Vec<Value>>())
        }
        _ => of(s, |n| Some(node_tests(w, n))),
    }
}

fn node_tests(w: World, node: &Node) -> Value {
    let written = node.properties.iter().flat_map(|p| p.all_tests());
    let on = written.filter(|(_, t)| t.is_on());
    let generics = on.map(|(c, t)| generic(c.map(|c| c.name.value.as_str()), t));
    // Generic tests are told by how they are written.
    let others = w.project.tests_of(node).into_iter();
    let others = others.filter(|t| t.test.is_none()).map(|t| {
        let unit = t.resource_type == crate::project::ResourceType::UnitTest;
        json!({
            "name": t.name,
            "kind": if unit { "unit" } else { "singular" },
            "family": Family::Business.as_str(),
            "severity": t.config.text("severity"),
        })
    });
    generics.chain(others).collect()
}

pub(super) fn unit_tests<'p>(w: World<'p>, s: Subject<'p>) -> Fact<'p> {
    of(s, |n| {
        let all = w.project.tests_of(n).into_iter();
        let units = all.filter(|t| t.resource_type == crate::project::ResourceType::UnitTest);
        Some(units.map(|t| Value::from(t.name.as_str())).collect())
    })
}

pub(super) fn macro_arguments<'p>(w: World<'p>, s: Subject<'p>) -> Fact<'p> {
    let Subject::Macro(m) = s else {
        return Fact::ABSENT;
    };
    let listed = entry(w, s).and_then(|e| e.get("arguments"));
    let listed: Vec<YamlNode> = listed.map_or(Vec::new(), |l| l.resolve().items().collect());
    let text = |e: Option<&YamlNode>, key: &str| {
        let value = e.and_then(|e| e.get(key)).filter(|v| !v.is_null());
        value.map(|v| v.to_json())
    };
    let named = |name: &str| {
        let is = |e: &&YamlNode| e.get("name").and_then(|n| n.as_str()) == Some(name);
        listed.iter().find(is)
    };
    let mut out: Vec<Value> = Vec::new();
    for (name, has_default) in &m.params {
        let said = named(name);
        out.push(json!({
            "name": name,
            "type": text(said, "type"),
            "description": text(said, "description"),
            "has_default": has_default,
            "in_macro": true,
        }));
    }
    for extra in &listed {
        let name = extra.get("name").and_then(|n| n.as_str());
        let known = |n: &&str| m.params.iter().any(|(p, _)| p == n);
        if let Some(name) = name.filter(|n| !known(n)) {
            out.push(json!({
                "name": name,
                "type": text(Some(extra), "type"),
                "description": text(Some(extra), "description"),
                "in_macro": false,
            }));
        }
    }
    Fact::new(out)
}

fn owner_value(owner: &crate::project::Owner) -> Value {
    json!({
        "name": owner.name.as_ref().map(|n| n.value.as_str()),
        "email": names(&owner.emails),
    })
}

pub(super) fn owner<'p>(w: World<'p>, s: Subject<'p>) -> Fact<'p> {
    match s {
        Subject::Group(group) => Fact::new(owner_value(&group.owner)),
        _ => of(s, |n| Some(owner_value(&w.project.exposure(n)?.owner))),
    }
}

pub(super) fn label<'p>(w: World<'p>, s: Subject<'p>) -> Fact<'p> {
    of(s, |n| {
        let exposure = w.project.exposure(n).and_then(|e| e.label);
        text(exposure.or_else(|| w.project.metric(n)?.label))
    })
}

pub(super) fn kind<'p>(w: World<'p>, s: Subject<'p>) -> Fact<'p> {
    of(s, |n| {
        let exposure = w.project.exposure(n).and_then(|e| e.kind);
        text(exposure.or_else(|| w.project.metric(n)?.kind))
    })
}

pub(super) fn maturity<'p>(w: World<'p>, s: Subject<'p>) -> Fact<'p> {
    of(s, |n| text(w.project.exposure(n)?.maturity))
}

pub(super) fn url<'p>(w: World<'p>, s: Subject<'p>) -> Fact<'p> {
    of(s, |n| text(w.project.exposure(n)?.url))
}

pub(super) fn source_description<'p>(w: World<'p>, s: Subject<'p>) -> Fact<'p> {
    of(s, |n| text(w.project.source_facts(n)?.description))
}

fn elements(all: &[Element]) -> Value {
    let text = |s: &Option<Said>| s.as_ref().map(|s| s.value.clone());
    let one =
        |e: &Element| json!({"name": e.name.value, "type": text(&e.kind), "expr": text(&e.expr)});
    all.iter().map(one).collect()
}

pub(super) fn dimensions<'p>(w: World<'p>, s: Subject<'p>) -> Fact<'p> {
    of(s, |n| {
        Some(elements(&w.project.semantic_model(n)?.dimensions))
    })
}

pub(super) fn entities<'p>(w: World<'p>, s: Subject<'p>) -> Fact<'p> {
    of(s, |n| {
        Some(elements(&w.project.semantic_model(n)?.entities))
    })
}

pub(super) fn measures<'p>(w: World<'p>, s: Subject<'p>) -> Fact<'p> {
    of(s, |n| {
        Some(elements(&w.project.semantic_model(n)?.measures))
    })
}

pub(super) fn primary_entity<'p>(w: World<'p>, s: Subject<'p>) -> Fact<'p> {
    of(s, |n| text(w.project.semantic_model(n)?.primary_entity))
}

pub(super) fn exports<'p>(w: World<'p>, s: Subject<'p>) -> Fact<'p> {
    of(s, |n| Some(names(&w.project.saved_query(n)?.exports)))
}

pub(super) fn metrics<'p>(w: World<'p>, s: Subject<'p>) -> Fact<'p> {
    of(s, |n| Some(names(&w.project.saved_query(n)?.metrics)))
}
