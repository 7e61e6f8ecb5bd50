//! The entries of the manifest, each with the keys that dbt 1.10 writes.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::Plan;
use super::defects::Kind;
use super::downstream::is_clustered;
use super::lookalikes::Lookalike;
use super::plan::{Layer, Model, Shape};
use super::project;
use super::properties::{self, STATUS_VALUES, Test};
use super::sql::{Reference, Sql, relation};
use super::staging::wrong_tags;
use super::truth::model_id;
use super::words::ENTITIES;

/// The moment at which everything was made: a clock would break "same spec, same bytes".
pub const MADE_AT: f64 = 1_736_899_200.0;

pub fn depends_on(refs: &[Reference]) -> Vec<String> {
    refs.iter()
        .filter_map(|reference| match reference {
            Reference::Node(name) => Some(node_id(name)),
            Reference::Source(source, table) => Some(format!("source.generated.{source}.{table}")),
            Reference::Package(..) => None,
        })
        .collect()
}

pub fn node_id(name: &str) -> String {
    let is_seed = project::SEEDS.iter().any(|(seed, ..)| *seed == name);
    if is_seed {
        format!("seed.generated.{name}")
    } else {
        model_id(name)
    }
}

pub fn reference(package: Option<&str>, name: &str) -> Value {
    json!({"name": name, "package": package, "version": null})
}

fn hex_digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// dbt hashes a file without the white space around it; a byte order mark is none and stays.
pub fn checksum(bytes: &[u8]) -> Value {
    let text = String::from_utf8_lossy(bytes);
    json!({"name": "sha256", "checksum": hex_digest(text.trim().as_bytes())})
}

pub fn below_models(path: &str) -> &str {
    path.split_once('/').map_or(path, |(_, rest)| rest)
}

fn fqn(path: &str, name: &str) -> Vec<String> {
    let mut fqn = vec!["generated".to_owned()];
    let folders = below_models(path);
    fqn.extend(
        folders
            .split('/')
            .filter(|part| !part.contains('.'))
            .map(str::to_owned),
    );
    fqn.push(name.to_owned());
    fqn
}

fn materialized(model: &Model) -> &'static str {
    match (model.layer, model.shape) {
        (_, Shape::Incremental) => "incremental",
        (Layer::Staging, _) => "view",
        (Layer::Intermediate, _) => "ephemeral",
        _ => "table",
    }
}

/// Every key of a node's config, as dbt writes them whether they are set or not.
fn config(materialized: &str, tags: &[&str]) -> Value {
    json!({
        "enabled": true, "alias": null, "schema": null, "database": null, "tags": tags, "meta": {}, "group": null,
        "materialized": materialized, "incremental_strategy": null, "batch_size": null, "lookback": 1, "begin": null,
        "persist_docs": {}, "post-hook": [], "pre-hook": [], "quoting": {}, "column_types": {}, "full_refresh": null,
        "unique_key": null, "on_schema_change": "ignore", "on_configuration_change": "apply", "grants": {}, "packages": [],
        "docs": {"show": true, "node_color": null}, "contract": {"enforced": false, "alias_types": true}, "event_time": null,
        "concurrent_batches": null, "access": "protected", "freshness": null,
    })
}

fn model_config(plan: &Plan, model: &Model, source: &str) -> Value {
    let standard = [source, "staging", "acme"];
    let inline = model.layer == Layer::Staging && !model.is(Kind::ConfigMissing);
    let mut tags: Vec<&str> = if inline {
        standard.to_vec()
    } else {
        Vec::new()
    };
    if model.is(Kind::Tags) {
        let variant = model.defect.as_ref().map_or(0, |defect| defect.variant);
        tags = wrong_tags(variant).unwrap_or_default();
        for tag in tags.iter_mut().filter(|tag| **tag == "{source}") {
            *tag = source;
        }
    }
    let as_table = model.is(Kind::Materialization)
        && model
            .defect
            .as_ref()
            .is_some_and(|defect| defect.variant % 2 == 1);
    let mut config = config(
        if as_table {
            "table"
        } else {
            materialized(model)
        },
        &tags,
    );
    if model.shape == Shape::Incremental {
        config["incremental_strategy"] = json!("merge");
        config["unique_key"] = json!(plan.vocab.name(model.columns[0].id));
        config["on_schema_change"] = json!("append_new_columns");
    }
    if is_clustered(model) {
        config["cluster_by"] = json!([plan.vocab.name(model.columns[0].id)]);
    }
    config
}

pub fn model_node(
    plan: &Plan,
    model: &Model,
    sql: &Sql,
    bytes: &[u8],
    depends_on: &[String],
) -> Value {
    let path = plan.path(model);
    let source = plan
        .source_of(model)
        .map_or("", |source| plan.sources[source].name.as_str());
    let config = model_config(plan, model, source);
    let mut columns = Map::new();
    for column in &model.columns {
        let name = plan.vocab.name(column.id);
        columns.insert(name.to_owned(), json!({
            "name": name, "description": plan.vocab.description(column.id), "meta": {}, "data_type": null, "constraints": [],
            "quote": null, "config": {"meta": {}, "tags": []}, "tags": [], "granularity": null, "doc_blocks": [],
        }));
    }
    let mut node = node("model", &model.name, &path, checksum(bytes), config);
    let patch = format!("generated://{}", plan.properties_path(model));
    let macros: &[&str] = if model.has(Lookalike::MacroRef) {
        &["macro.generated.active_accounts"]
    } else {
        &[]
    };
    let is_ephemeral = model.layer == Layer::Intermediate;
    node["columns"] = Value::Object(columns);
    node["description"] = json!(properties::description(plan, model).unwrap_or_default());
    node["patch_path"] = json!(patch);
    node["relation_name"] = if is_ephemeral {
        Value::Null
    } else {
        json!(relation(&model.name))
    };
    node["raw_code"] = json!(String::from_utf8_lossy(bytes).trim());
    node["compiled"] = json!(true);
    node["compiled_code"] = json!(sql.compiled);
    node["compiled_path"] = json!(format!("target/compiled/generated/{path}"));
    node["refs"] = refs(&sql.refs);
    node["sources"] = sources(&sql.refs);
    node["depends_on"] = json!({"macros": macros, "nodes": depends_on});
    for (key, value) in [("access", json!("protected")), ("constraints", json!([]))] {
        node[key] = value;
    }
    for key in [
        "version",
        "latest_version",
        "deprecation_date",
        "time_spine",
    ] {
        node[key] = Value::Null;
    }
    node["primary_key"] = if model.is(Kind::TestPk) {
        json!([])
    } else {
        json!([plan.vocab.name(model.columns[0].id)])
    };
    node
}

fn refs(refs: &[Reference]) -> Value {
    let one = |each: &Reference| match each {
        Reference::Node(name) => Some(reference(None, name)),
        Reference::Package(package, name) => Some(reference(Some(package), name)),
        Reference::Source(..) => None,
    };
    refs.iter().filter_map(one).collect()
}

fn sources(refs: &[Reference]) -> Value {
    let one = |each: &Reference| match each {
        Reference::Source(source, table) => Some(json!([source, table])),
        _ => None,
    };
    refs.iter().filter_map(one).collect()
}

/// What all nodes of a manifest have in common.
fn node(kind: &str, name: &str, path: &str, checksum: Value, config: Value) -> Value {
    let own = json!({
        "database": "analytics", "schema": "prod", "name": name, "resource_type": kind,
        "package_name": "generated", "path": below_models(path), "original_file_path": path,
        "unique_id": format!("{kind}.generated.{name}"), "fqn": fqn(path, name), "alias": name,
        "checksum": checksum, "tags": config["tags"], "config": config,
    });
    let unset = json!({
        "description": "", "columns": {}, "meta": {}, "group": null,
        "docs": {"show": true, "node_color": null}, "patch_path": null, "build_path": null,
        "unrendered_config": {}, "created_at": MADE_AT, "relation_name": null, "raw_code": "",
        "doc_blocks": [], "language": "sql",
    });
    let compilation = json!({
        "refs": [], "sources": [], "metrics": [],
        "depends_on": {"macros": [], "nodes": []}, "compiled_path": null, "compiled": true,
        "compiled_code": null, "extra_ctes_injected": true, "extra_ctes": [],
        "contract": {"enforced": false, "alias_types": true, "checksum": null},
    });
    merged([own, unset, compilation])
}

/// One object of several; a longer `json!` than these would ask the whole crate for a deeper macro
/// recursion limit.
fn merged<const PARTS: usize>(parts: [Value; PARTS]) -> Value {
    let mut all = Map::new();
    for part in parts {
        if let Value::Object(part) = part {
            all.extend(part);
        }
    }
    Value::Object(all)
}

pub fn plain_node(kind: &str, name: &str, path: &str, text: &str) -> Value {
    node(
        kind,
        name,
        path,
        checksum(text.as_bytes()),
        if kind == "test" {
            test_config()
        } else {
            config(kind, &[])
        },
    )
}

pub fn seed_node(name: &str, text: &str, description: &str) -> Value {
    let mut node = plain_node("seed", name, &format!("seeds/{name}.csv"), text);
    node["description"] = json!(description);
    node["patch_path"] = json!("generated://seeds/_seeds.yml");
    node["relation_name"] = json!(relation(name));
    node
}

/// The snapshot: its id, node and what it depends on.
pub fn snapshot_node(plan: &Plan) -> (String, Value, Vec<String>) {
    let name = project::snapshot_name(plan);
    let source = &plan.sources[0].name;
    let (table, singular) = ENTITIES[plan.sources[0].tables[0]];
    let depends_on = vec![format!("source.generated.{source}.{table}")];
    let raw = format!("select * from {{{{ source('{source}', '{table}') }}}}");
    let path = format!("snapshots/{name}.yml");
    let mut node = plain_node("snapshot", &name, &path, &raw);
    let config = &mut node["config"];
    config["strategy"] = json!("timestamp");
    config["unique_key"] = json!(format!("{singular}_id"));
    config["updated_at"] = json!("updated_at");
    config["schema"] = json!("snapshots");
    node["schema"] = json!("prod_snapshots");
    node["description"] = json!(project::snapshot_description(singular));
    node["patch_path"] = json!(format!("generated://{path}"));
    node["raw_code"] = json!(raw);
    node["sources"] = json!([[source, table]]);
    node["depends_on"] = json!({"macros": [], "nodes": depends_on});
    (format!("snapshot.generated.{name}"), node, depends_on)
}

/// The singular test: its id, node and what it depends on.
pub fn singular_node(plan: &Plan) -> (String, Value, Vec<String>) {
    let (name, mart) = ("assert_amounts_are_known", project::tested_mart(plan));
    let text = project::singular_test(plan);
    let depends_on = vec![model_id(mart)];
    let mut node = plain_node("test", name, project::SINGULAR_TEST, &text);
    node["schema"] = json!("prod_dbt_test__audit");
    node["raw_code"] = json!(text.trim());
    node["depends_on"] = json!({"macros": [], "nodes": depends_on});
    node["refs"] = json!([reference(None, mart)]);
    (format!("test.generated.{name}"), node, depends_on)
}

pub fn disabled_node(plan: &Plan, number: usize) -> Value {
    let (path, text) = project::disabled(plan, number);
    let mut node = plain_node("model", &project::disabled_name(number), &path, &text);
    node["config"]["materialized"] = json!("ephemeral");
    node["config"]["enabled"] = json!(false);
    node["raw_code"] = json!(text.trim());
    node["refs"] = json!([reference(None, "stg_retired__nothing")]);
    node
}

/// A generic test: id, node and what it depends on.
pub fn test_node(
    plan: &Plan,
    model: &Model,
    column: &str,
    test: &Test,
) -> (String, Value, Vec<String>) {
    let call = format!("{{{{ get_where_subquery(ref('{}')) }}}}", model.name);
    let mut arguments = json!({"column_name": column, "model": call});
    let mut depends_on = Vec::new();
    match test {
        Test::AcceptedValues => arguments["values"] = json!(STATUS_VALUES),
        Test::Relationships(parent) => {
            arguments["to"] = json!(format!("ref('{parent}')"));
            arguments["field"] = json!("account_id");
            depends_on.push(model_id(parent));
        }
        _ => {}
    }
    depends_on.push(model_id(&model.name));
    let (id, node) = generic_test(
        &model.name,
        &model_id(&model.name),
        &plan.properties_path(model),
        column,
        test,
        &arguments,
        &depends_on,
    );
    (id, node, depends_on)
}

pub fn seed_test(test: &Test) -> (String, Value, Vec<String>) {
    let seed = "country_codes";
    let depends_on = vec![node_id(seed)];
    let arguments = json!({"column_name": "country_code", "model": "{{ \
        get_where_subquery(ref('country_codes')) }}"});
    let (id, node) = generic_test(
        seed,
        &node_id(seed),
        "seeds/_seeds.yml",
        "country_code",
        test,
        &arguments,
        &depends_on,
    );
    (id, node, depends_on)
}

fn generic_test(
    of: &str,
    attached: &str,
    path: &str,
    column: &str,
    test: &Test,
    arguments: &Value,
    depends_on: &[String],
) -> (String, Value) {
    let arguments_in_name = match test {
        Test::AcceptedValues => format!("__{}", STATUS_VALUES.join("__")),
        Test::Relationships(parent) => format!("__account_id__ref_{parent}_"),
        Test::Unique | Test::NotNull => String::new(),
    };
    let name = format!("{}_{of}_{column}{arguments_in_name}", test.name());
    let id = format!(
        "test.generated.{name}.{}",
        &hex_digest(name.as_bytes())[..10]
    );
    let refs: Vec<Value> = depends_on
        .iter()
        .filter_map(|id| id.rsplit('.').next())
        .map(|name| reference(None, name))
        .collect();
    let kind = if attached.starts_with("seed") {
        "seeds"
    } else {
        "models"
    };
    let file_key = format!("{kind}.{of}");
    let none = json!({"name": "none", "checksum": ""});
    let own = json!({
        "schema": "prod_dbt_test__audit", "unique_id": id, "path": format!("{name}.sql"),
        "raw_code": format!("{{{{ test_{}(**_dbt_generic_test_kwargs) }}}}", test.name()),
        "refs": refs,
        "depends_on": {"macros": [format!("macro.dbt.test_{}", test.name())], "nodes": depends_on},
        "compiled_path": format!("target/compiled/generated/{path}/{name}.sql"),
        "compiled_code": format!("select {column}\nfrom {}\nwhere {column} is null", relation(of)),
        "column_name": column, "file_key_name": file_key, "attached_node": attached,
        "test_metadata": {"name": test.name(), "kwargs": arguments, "namespace": null},
    });
    let node = merged([node("test", &name, path, none, test_config()), own]);
    (id, node)
}

fn test_config() -> Value {
    json!({
        "enabled": true, "alias": null, "schema": "dbt_test__audit", "database": null, "tags": [],
        "meta": {}, "group": null, "materialized": "test", "severity": "ERROR",
        "store_failures": null, "store_failures_as": null, "where": null, "limit": null,
        "fail_calc": "count(*)", "warn_if": "!= 0", "error_if": "!= 0",
    })
}

pub fn source_node(source: &str, (plural, singular): (&str, &str)) -> Value {
    let freshness = json!({
        "warn_after": {"count": 24, "period": "hour"}, "error_after": {"count": 48, "period": "hour"}, "filter": null,
    });
    let path = format!("models/staging/{source}/_{source}__sources.yml");
    json!({
        "database": "raw", "schema": source, "name": plural, "resource_type": "source", "package_name": "generated",
        "path": path, "original_file_path": path, "unique_id": format!("source.generated.{source}.{plural}"),
        "fqn": ["generated", "staging", source, source, plural], "source_name": source,
        "source_description": format!("Tables of {source} as they arrive every \
            night."), "loader": "", "identifier": plural,
        "quoting": {"database": null, "schema": null, "identifier": null, "column": null}, "loaded_at_field": "_ingested_at",
        "loaded_at_query": null, "freshness": freshness, "external": null,
        "description": format!("One row per {} and change, append \
            only.", singular.replace('_', " ")), "columns": {}, "meta": {},
        "source_meta": {}, "tags": [],
        "config": {
            "enabled": true, "event_time": null, "freshness": freshness, "loaded_at_field": "_ingested_at",
            "loaded_at_query": null, "meta": {}, "tags": [],
        },
        "patch_path": null, "unrendered_config": {}, "relation_name": format!("raw.{source}.{plural}"), "created_at": MADE_AT,
        "unrendered_database": "raw", "unrendered_schema": source, "doc_blocks": [],
    })
}

pub fn macro_node(name: &str, text: &str) -> Value {
    let path = project::macro_path(name);
    json!({
        "name": name, "resource_type": "macro", "package_name": "generated", "path": path, "original_file_path": path,
        "unique_id": format!("macro.generated.{name}"), "macro_sql": text.trim(), "depends_on": {"macros": []},
        "description": "", "meta": {}, "docs": {"show": true, "node_color": null}, "config": {"meta": {}, "docs": {"show": true, "node_color": null}},
        "patch_path": "generated://macros/_macros.yml", "arguments": [], "created_at": MADE_AT, "supported_languages": null,
    })
}
