//! Configuration compared as it was written, which is how dbt compares it: a value that differs
//! between targets is no change.

use super::Old;
use crate::project::{ConfigValue, Node, Origin};
use serde_json::Value;

/// Keys whose change dbt does not take for one, or for another one (`modified.relation`).
const PASSED_OVER: &[&str] = &["alias", "database", "group", "schema", "tags"];

/// Is it configured as it was?
pub(super) fn same(node: &Node, old: Old) -> bool {
    let (unrendered, config) = match old {
        Old::Node(old) => (old.unrendered_config, old.config.raw),
        Old::Source(old) => (old.unrendered_config, old.config.raw),
        Old::Resource(old) => (old.unrendered_config, old.config.raw),
    };
    let Some(Value::Object(unrendered)) = unrendered.and_then(|u| u.value()) else {
        return true;
    };
    let config = config.and_then(|c| c.value()).unwrap_or_default();
    let judged = |key: &&str| !PASSED_OVER.contains(key);
    let own = node.config.keys().filter(judged).all(|key| {
        let value = node.config.get(key);
        // What a manifest of today says is rendered, so it is compared with what was rendered.
        if value.is_some_and(|v| v.origin == Origin::Manifest) {
            let today = value.and_then(|v| v.value.as_ref());
            return is_nothing(today) || today == config.get(key);
        }
        same_value(value, unrendered.get(key))
    });
    let gone = |key: &String| {
        node.config.get(key).is_none()
            && !is_nothing(unrendered.get(key))
            && !is_top_level(node, key)
    };
    own && !unrendered.keys().filter(|k| judged(&k.as_str())).any(gone)
}

/// Configuration of a source that stands outside `config:` is not read as such here.
fn is_top_level(node: &Node, key: &str) -> bool {
    node.source_name.is_some() && matches!(key, "freshness" | "loaded_at_field" | "loaded_at_query")
}

fn is_nothing(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::Array(items)) => items.is_empty(),
        Some(Value::Object(map)) => map.values().all(|v| is_nothing(Some(v))),
        Some(_) => false,
    }
}

/// Is a value what the other manifest shows as written?
pub(super) fn same_value(own: Option<&ConfigValue>, theirs: Option<&Value>) -> bool {
    let Some(own) = own else {
        return is_nothing(theirs);
    };
    if own.written.is_none() && (own.value.is_none() || own.partial) {
        return true;
    }
    let both = [own.written.as_ref(), own.value.as_ref()];
    both.into_iter().flatten().any(|value| match theirs {
        Some(theirs) if alike(value, theirs) => true,
        theirs => is_nothing(Some(value)) && is_nothing(theirs),
    })
}

fn items(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) => items,
        one => std::slice::from_ref(one),
    }
}

/// One and a list of one are the same, and so are whole numbers and fractions without a rest.
fn alike(a: &Value, b: &Value) -> bool {
    let (x, y) = (items(a), items(b));
    x.len() == y.len()
        && x.iter()
            .zip(y)
            .all(|(x, y)| match (x.as_f64(), y.as_f64()) {
                (Some(x), Some(y)) => x == y,
                _ => x == y,
            })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_compared_as_they_were_written() {
        let own = |value: Option<Value>, written: Option<Value>| ConfigValue {
            value,
            span: None,
            origin: Origin::Properties,
            merged: false,
            partial: false,
            written,
        };
        let same = |own: &ConfigValue, theirs: Value| same_value(Some(own), Some(&theirs));
        let jinja = own(Some(json!("table")), Some(json!("{{ x }}")));
        assert!(same(&jinja, json!("{{ x }}")));
        assert!(same(&jinja, json!("table")));
        assert!(!same(&jinja, json!("{{ y }}")));
        assert!(same(&own(None, None), json!("anything")));
        assert!(!same(&own(None, Some(json!("{{ x }}"))), json!("view")));
        assert!(same(&own(Some(json!("a")), None), json!(["a"])));
        assert!(same(&own(Some(json!(1)), None), json!(1.0)));
        assert!(!same(&own(Some(json!(["a", "b"])), None), json!(["a"])));
        assert!(same_value(None, Some(&json!({"a": null}))));
        assert!(!same_value(None, Some(&json!("a"))));
        assert!(!same_value(Some(&own(Some(json!("a")), None)), None));
    }
}
