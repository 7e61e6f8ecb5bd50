//! JSON schemas, from the types that are read and written.

use super::Report;
use super::graph::GraphReport;
use crate::config::ConfigSchema;
use crate::registry;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// The schema of the JSON report.
pub fn report() -> Value {
    written::<Report>()
}

/// The schema of the JSON graph.
pub fn graph() -> Value {
    written::<GraphReport>()
}

/// The schema of what we write: it always has every field that we do not leave out.
pub fn written<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    settings.into_generator().into_root_schema_for::<T>().into()
}

/// The schema of harness-lint.yml, with the options of every shipped rule.
pub fn config() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let rules = rules(&mut generator);
    let mut schema: Value = generator.into_root_schema_for::<ConfigSchema>().into();
    // One truth: an override's rules are the rules, and it may name a whole category too.
    let section = schema.pointer_mut("/$defs/Rules");
    if let Some(section) = section {
        *section = overridden(&rules);
    }
    let rules = json!({
        "description": "Severity and options per rule.",
        "type": "object",
        "properties": rules,
        "patternProperties": {"^ap/": {}},
        "additionalProperties": false,
    });
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert("rules".to_owned(), rules);
    }
    schema
}

/// What each rule may be set to, by id.
fn rules(generator: &mut SchemaGenerator) -> Map<String, Value> {
    let mut all = Map::new();
    for entry in registry::shipped() {
        let options = entry.schema(generator).map(schemars::Schema::to_value);
        let options = options.map(|schema| dereferenced(generator, schema));
        let mut properties = match options {
            Some(Value::Object(mut object)) => match object.remove("properties") {
                Some(Value::Object(properties)) => properties,
                _ => Map::new(),
            },
            _ => Map::new(),
        };
        properties.insert("severity".to_owned(), severity());
        let summary = entry.meta().summary();
        all.insert(entry.meta().id.to_string(), setting(&summary, properties));
    }
    all
}

fn setting(summary: &str, properties: Map<String, Value>) -> Value {
    json!({
        "description": summary,
        "anyOf": [
            severity(),
            {"type": "object", "properties": properties, "additionalProperties": false},
        ],
    })
}

/// On, off, or on with this severity.
fn severity() -> Value {
    json!({
        "description": "On, off, or on with this severity.",
        "enum": ["error", "warn", "info", "on", "off", true, false],
    })
}

/// A type's schema where a reference to it stands. Its definition goes: nothing else refers to it.
fn dereferenced(generator: &mut SchemaGenerator, schema: Value) -> Value {
    let name = schema.get("$ref").and_then(Value::as_str);
    let name = name.and_then(|r| r.strip_prefix("#/$defs/"));
    match name.and_then(|n| generator.definitions_mut().remove(n)) {
        Some(definition) => definition,
        None => schema,
    }
}

/// The rules of an override, which refer to those of the top level.
fn overridden(rules: &Map<String, Value>) -> Value {
    let to = |id: &str| json!({"$ref": format!("#/properties/rules/properties/{}", id.replace('/', "~1"))});
    let properties: Map<String, Value> = rules.keys().map(|id| (id.clone(), to(id))).collect();
    json!({
        "description": "As at the top level; category/* is allowed.",
        "type": "object",
        "properties": properties,
        "patternProperties": {"^ap/": {}, "^([a-z]+/)?\\*$": severity()},
        "additionalProperties": false,
    })
}
