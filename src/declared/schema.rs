//! The JSON schema of a rule file, for editors, from the lists that rule files are read by.

use super::condition::{JOINERS, LEAF_KEYS};
use super::facts::FACTS;
use super::file::RuleFile;
use super::predicate::{Kind, TESTS};
use super::scope::SCOPES;
use super::select::KEYS;
use super::subject::Of;
use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// The schema of a rule file.
pub fn rule() -> Value {
    let settings = SchemaSettings::draft2020_12();
    let generator = settings.into_generator();
    let mut schema: Value = generator.into_root_schema_for::<RuleFile>().into();
    if let Some(object) = schema.as_object_mut() {
        object.insert("title".to_owned(), "harness-lint rule".into());
        let one = json!([{"required": ["forbid"]}, {"required": ["require"]}]);
        object.insert("oneOf".to_owned(), one);
    }
    schema
}

fn schema(value: Value) -> Schema {
    match value {
        Value::Object(map) => map.into(),
        _ => Schema::default(),
    }
}

fn described(doc: &str, mut schema: Value) -> Value {
    if let Some(object) = schema.as_object_mut() {
        object.insert("description".to_owned(), doc.into());
    }
    schema
}

/// What may be asked of a fact of a kind.
fn test(kind: Kind) -> Value {
    let tests = TESTS.iter().filter(|(_, kinds, _)| kinds.contains(&kind));
    let tests: Map<String, Value> = tests
        .map(|(name, _, doc)| ((*name).to_owned(), json!({ "description": doc })))
        .collect();
    let short = match kind {
        Kind::Text => json!({"type": ["string", "number", "boolean", "array"]}),
        Kind::Number => json!({"type": "number"}),
        Kind::Bool => json!({"type": "boolean"}),
        Kind::List | Kind::Map => Value::Bool(false),
        Kind::Any => json!({"type": ["string", "number", "boolean", "array"]}),
    };
    let open = matches!(kind, Kind::Map | Kind::Any);
    let mapping = json!({"type": "object", "properties": tests, "additionalProperties": open});
    json!({"anyOf": [short, mapping]})
}

fn facts() -> Map<String, Value> {
    let all = FACTS.iter();
    all.map(|f| (f.name.to_owned(), described(f.doc, test(f.kind))))
        .collect()
}

fn one_or_many(values: Value) -> Value {
    json!({"anyOf": [values, {"type": "array", "items": values, "minItems": 1}]})
}

fn around() -> Value {
    let selector = json!({"$ref": "#/$defs/Select"});
    let bounds = json!({
        "type": "object",
        "properties": {"of": selector, "min": {"type": "number"}, "max": {"type": "number"}},
        "additionalProperties": false,
    });
    json!({
        "type": "object",
        "properties": {"any": selector, "all": selector, "none": selector, "count": bounds},
        "additionalProperties": false,
    })
}

/// The keys of a selector that are no facts.
fn keys() -> Map<String, Value> {
    let kinds: Vec<&str> = Of::ALL.iter().map(|o| o.as_str()).collect();
    let selector = json!({"$ref": "#/$defs/Select"});
    let texts = one_or_many(json!({"type": "string"}));
    let shape = |name: &str| match name {
        "resource_type" | "of" => one_or_many(json!({ "enum": kinds })),
        "layer" | "path" => texts.clone(),
        "dbt" => json!({"type": "string"}),
        "config" => json!({"type": "object"}),
        "parents" | "children" | "ancestors" | "descendants" => around(),
        "node" | "is" | "not" => selector.clone(),
        "any" => json!({"type": "array", "items": selector, "minItems": 1}),
        _ => json!({}),
    };
    KEYS.iter()
        .map(|(name, doc)| ((*name).to_owned(), described(doc, shape(name))))
        .collect()
}

/// `select`.
pub(super) fn select(_: &mut SchemaGenerator) -> Schema {
    let mut properties = facts();
    properties.extend(keys());
    schema(json!({
        "type": "object",
        "properties": properties,
        "patternProperties": {"^config\\.": {}},
        "additionalProperties": false,
    }))
}

/// `forbid` and `require`.
pub(super) fn condition(_: &mut SchemaGenerator) -> Schema {
    let mut properties = facts();
    properties.extend(keys());
    properties.remove("resource_type");
    properties.remove("of");
    let own = json!({"$ref": "#/$defs/Condition"});
    for (name, doc) in JOINERS {
        let shape = match *name {
            "all" | "any" => json!({"type": "array", "items": own, "minItems": 1}),
            "not" => own.clone(),
            _ => json!({
                "type": "object",
                "properties": {"of": own, "min": {"type": "number"}, "max": {"type": "number"}},
                "required": ["of"],
                "additionalProperties": false,
            }),
        };
        properties.insert((*name).to_owned(), described(doc, shape));
    }
    for (name, doc) in LEAF_KEYS {
        let shape = match *name {
            "in" => {
                let plain = SCOPES.iter().filter(|(n, _)| !n.contains('('));
                let plain: Vec<&str> = plain.map(|(n, _)| *n).collect();
                json!({"anyOf": [{"enum": plain}, {"type": "string", "pattern": "^(cte|column)\\(.+\\)$"}]})
            }
            "inside" | "not-inside" => one_or_many(json!({"type": "string"})),
            "metavariables" => json!({
                "type": "object",
                "patternProperties": {"^\\$[A-Z][A-Z0-9_]*$": test(Kind::Text)},
                "additionalProperties": false,
            }),
            _ => json!({"type": "string"}),
        };
        properties.insert((*name).to_owned(), described(doc, shape));
    }
    schema(json!({
        "type": "object",
        "properties": properties,
        "patternProperties": {"^config\\.": {}},
        "additionalProperties": false,
    }))
}

/// `examples`.
pub(super) fn examples(_: &mut SchemaGenerator) -> Schema {
    let files = json!({"type": "object", "additionalProperties": {"type": "string"}});
    let knows = json!({"type": "object", "description": "harness-lint.yml of the example"});
    let one = json!({"anyOf": [
        {"type": "string", "description": "the SQL of a model"},
        {
            "type": "object",
            "properties": {"sql": {"type": "string"}, "files": files, "knows": knows},
            "additionalProperties": false,
        },
    ]});
    let many = one_or_many(one);
    schema(json!({
        "type": "object",
        "properties": {
            "bad": described("each raises the rule", many.clone()),
            "good": described("none raises it", many.clone()),
            "fixed": described("what the fix makes of each bad, in order", many),
            "knows": knows,
        },
        "additionalProperties": false,
    }))
}
