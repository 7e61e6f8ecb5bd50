//! What a node of the graph is configured to, beyond what every picture shows.

use crate::project::{Node, NodeConfig, Project, ResourceType, Threshold};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// Configuration and properties; what is not said, or not known before dbt runs, is left out.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct NodeFacts {
    /// Who may `ref` a model: private, protected, public.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<String>,
    /// The name of its group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Does dbt enforce a contract?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract: Option<bool>,
    /// Of a versioned model: the version that a `ref` without one means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latest_version: Option<String>,
    /// Of a source table: what loads it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loader: Option<String>,
    /// Of a source table: the column that says when a row was loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loaded_at_field: Option<String>,
    /// Of a source table: how fresh it must be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub freshness: Option<FreshnessFacts>,
    /// `meta`, merged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meta: Option<Value>,
}

/// The ages of data at which dbt warns and fails, as `12 hour`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct FreshnessFacts {
    /// `warn_after`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warn_after: Option<String>,
    /// `error_after`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_after: Option<String>,
}

/// The facts of a node.
pub(super) fn facts(project: &Project, node: &Node) -> NodeFacts {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let is_model = node.resource_type == ResourceType::Model;
    let is_source = node.resource_type == ResourceType::Source;
    let age = |t: &Threshold| format!("{} {}", t.count, t.period);
    let freshness = node.freshness().filter(|_| is_source);
    let source = project.source_facts(node);
    NodeFacts {
        access: owned(node.access()),
        group: owned(node.group()),
        contract: node.contract_enforced().filter(|_| is_model),
        latest_version: node.latest_version.clone(),
        loader: source.and_then(|s| Some(s.loader?.value)),
        loaded_at_field: owned(node.loaded_at_field().filter(|_| is_source)),
        freshness: freshness.map(|f| FreshnessFacts {
            warn_after: f.warn_after.as_ref().map(age),
            error_after: f.error_after.as_ref().map(age),
        }),
        meta: meta(&node.config),
    }
}

fn meta(config: &NodeConfig) -> Option<Value> {
    let meta = config.get("meta").filter(|m| !m.partial)?;
    let value = meta.value.as_ref()?;
    value
        .as_object()
        .is_some_and(|m| !m.is_empty())
        .then(|| value.clone())
}
