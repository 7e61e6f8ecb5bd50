//! What dbt configures a node to where nobody says anything (dbt 1.10's manifest.json shows it).

use crate::project::{Node, ResourceType};
use serde_json::{Value, json};
use std::sync::LazyLock;

static BUILT: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "enabled": true,
        "tags": [],
        "meta": {},
        "lookback": 1,
        "persist_docs": {},
        "quoting": {},
        "column_types": {},
        "on_schema_change": "ignore",
        "on_configuration_change": "apply",
        "grants": {},
        "packages": [],
        "docs": {"show": true},
        "contract": {"enforced": false, "alias_types": true},
    })
});
static TEST: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "enabled": true,
        "schema": "dbt_test__audit",
        "tags": [],
        "meta": {},
        "materialized": "test",
        "severity": "ERROR",
        "fail_calc": "count(*)",
        "warn_if": "!= 0",
        "error_if": "!= 0",
    })
});
static OTHER: LazyLock<Value> = LazyLock::new(|| json!({"enabled": true, "tags": [], "meta": {}}));
static SAVED_QUERY: LazyLock<Value> =
    LazyLock::new(|| json!({"enabled": true, "meta": {}, "cache": {"enabled": false}}));
static SNAPSHOT: LazyLock<Value> = LazyLock::new(|| json!({"hard_deletes": "ignore"}));
static SEED: LazyLock<Value> = LazyLock::new(|| json!({"delimiter": ","}));

/// dbt's own value of a key.
pub(super) fn default_of(node: &Node, key: &str) -> Option<Value> {
    let kind = node.resource_type;
    let materialized = match kind {
        ResourceType::Seed => "seed",
        ResourceType::Snapshot => "snapshot",
        ResourceType::Model if node.python => "table",
        _ => "view",
    };
    let built = matches!(
        kind,
        ResourceType::Model | ResourceType::Seed | ResourceType::Snapshot | ResourceType::Analysis
    );
    if built && key == "materialized" {
        return Some(materialized.into());
    }
    if kind == ResourceType::Model && key == "access" {
        return Some("protected".into());
    }
    let general = match kind.as_str() {
        _ if built => &BUILT,
        "test" => &TEST,
        "saved_query" => &SAVED_QUERY,
        _ => &OTHER,
    };
    let special = match kind {
        ResourceType::Seed => SEED.get(key),
        ResourceType::Snapshot => SNAPSHOT.get(key),
        _ => None,
    };
    special.or_else(|| general.get(key)).cloned()
}

/// A node's value of a key; none where nobody set it, or it is not known.
pub(super) fn config_of(node: &Node, key: &str) -> Option<Value> {
    let key = match key {
        "pre_hook" => "pre-hook",
        "post_hook" => "post-hook",
        other => other,
    };
    let default = || default_of(node, key);
    let Some(set) = node.config.get(key) else {
        return default();
    };
    let value = set.value.clone();
    // What is said of a part of these leaves the rest as it is.
    match (key, value, default()) {
        ("contract" | "docs", Some(Value::Object(own)), Some(Value::Object(mut all))) => {
            all.extend(own);
            Some(Value::Object(all))
        }
        (_, value, _) => value,
    }
}
