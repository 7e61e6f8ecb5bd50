//! How what YAML says of a node becomes configuration: each type of resource in dbt's own way.

use super::super::config::{Render, from_key, from_properties, from_section, rendered};
use super::*;
use crate::syntax::yaml::Node as YamlNode;
use serde_json::{Map, Value};

/// Lays an entry, and a second one that speaks of the same node, over what dbt_project.yml says.
pub(super) fn lay(
    config: &mut NodeConfig,
    kind: ResourceType,
    entry: YamlNode,
    second: Option<YamlNode>,
    render: Render,
) {
    match (kind, second) {
        (ResourceType::Source, Some(source)) => {
            let before = config.get("freshness").cloned();
            // dbt sets a source's tags anew.
            config.forget("tags");
            from_properties(config, source, kind, render);
            from_properties(config, entry, kind, render);
            settle_source(config, source, entry, before, render);
        }
        (ResourceType::Metric, Some(model)) => made_metric(config, model, render),
        (ResourceType::Metric, None) => metric(config, entry, render),
        (ResourceType::Exposure | ResourceType::SavedQuery, _) => {
            // Their tags are set anew where `config:` has any, and so is an exposure's `meta`.
            let keys: &[&str] = match kind {
                ResourceType::Exposure => &["tags", "meta"],
                _ => &["tags"],
            };
            let section = entry.get("config");
            for key in keys {
                if section.is_some_and(|c| c.get(key).is_some()) {
                    config.forget(key);
                }
            }
            from_properties(config, entry, kind, render);
        }
        (_, Some(version)) => {
            from_properties(config, entry, kind, render);
            for key in ["meta", "docs", "group", "contract"] {
                from_key(config, version, key, render);
            }
            // A version's own `access` counts only where nothing else says any.
            if config.get("access").is_none() {
                from_key(config, version, "access", render);
            }
            from_section(config, version, render);
        }
        (_, None) => from_properties(config, entry, kind, render),
    }
}

/// A metric's tags are those of its entry alone, and its own `meta` counts where `config:` and
/// dbt_project.yml have none.
fn metric(config: &mut NodeConfig, entry: YamlNode, render: Render) {
    from_section(config, entry, render);
    config.forget("tags");
    from_key(config, entry, "tags", render);
    if config.get("meta").is_none() {
        from_key(config, entry, "meta", render);
    }
}

/// Of the semantic model a metric that dbt makes has `meta` and `enabled`.
fn made_metric(config: &mut NodeConfig, model: YamlNode, render: Render) {
    config.forget("tags");
    if let Some(section) = model.get("config") {
        for key in ["meta", "enabled"] {
            from_key(config, section, key, render);
        }
    }
}

/// Lays what another project says of a source, and of its table of this name, over it.
pub(super) fn patch_source(config: &mut NodeConfig, patch: YamlNode, table: &str, render: Render) {
    let tables = patch.get("tables").map(|t| t.resolve());
    let mut tables = tables.into_iter().flat_map(|t| t.items());
    let named = |t: &YamlNode| t.get("name").and_then(|n| n.as_str()) == Some(table);
    let table = tables.find(named);
    for entry in [Some(patch), table].into_iter().flatten() {
        for key in ["freshness", "loaded_at_field", "loaded_at_query"] {
            from_key(config, entry, key, render);
        }
        from_properties(config, entry, ResourceType::Source, render);
    }
}

/// Freshness and the column that tells it stand beside `config:` or in it, of the source and of the
/// table, and are merged over all four.
fn settle_source(
    config: &mut NodeConfig,
    source: YamlNode,
    table: YamlNode,
    before: Option<ConfigValue>,
    render: Render,
) {
    let places = [
        Some(source),
        source.get("config"),
        Some(table),
        table.get("config"),
    ];
    let mut merged = Some(Map::new());
    let (mut span, mut unknown) = (None, false);
    for said in places.iter().flatten().filter_map(|p| p.get("freshness")) {
        span = Some(said.span());
        match rendered(said, render) {
            Some(Value::Object(new)) => merged = Some(fresher(merged.unwrap_or_default(), new)),
            // A null takes away what was said, known or not.
            said => (merged, unknown) = (None, said.is_none()),
        }
    }
    config.forget("freshness");
    match merged {
        _ if unknown => config.set("freshness", None, span, Origin::Properties),
        None => config.set("freshness", Some(Value::Null), span, Origin::Properties),
        Some(map) if !map.is_empty() => {
            config.set("freshness", Some(map.into()), span, Origin::Properties);
        }
        Some(_) => {
            if let Some(b) = before {
                config.set("freshness", b.value, b.span, b.origin);
            }
        }
    }
    for key in ["loaded_at_field", "loaded_at_query"] {
        // What stands beside `config:` wins, the table's word over the source's; a null takes the
        // source's away.
        let order = [
            Some(table),
            table.get("config"),
            Some(source),
            source.get("config"),
        ];
        let found = order.iter().flatten().find_map(|p| p.get(key));
        config.forget(key);
        if let Some(value) = found {
            let known = rendered(value, render);
            config.set(key, known, Some(value.span()), Origin::Properties);
        }
    }
}

/// Thresholds are merged field by field; one that is null takes the other's away.
fn fresher(mut base: Map<String, Value>, new: Map<String, Value>) -> Map<String, Value> {
    for (key, value) in new {
        match (base.get_mut(&key), value) {
            (Some(Value::Object(old)), Value::Object(more)) => old.extend(more),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
    base
}
