use super::*;

fn manifest(version: u32, body: &str) -> String {
    format!(
        r#"{{"metadata":{{"dbt_schema_version":"https://schemas.getdbt.com/dbt/manifest/v{version}.json","dbt_version":"1.0.0","adapter_type":"duckdb"}},{body}}}"#
    )
}

fn problem(json: &str) -> ManifestProblem {
    read(json.as_bytes()).expect_err(json)
}

/// A model of each generation, as its dbt writes it.
const OLD: &str = r#""nodes":{"model.shop.orders":{"raw_sql":"select \"a\"\nfrom {{ ref('x') }}","compiled_sql":"select 1","resource_type":"model","depends_on":{"macros":["macro.shop.m"],"nodes":["seed.shop.x"]},"config":{"enabled":true,"materialized":"incremental","unique_key":"id","tags":["daily"],"meta":{},"schema":null,"incremental_strategy":"merge","on_schema_change":"ignore","partition_by":{"field":"day"}},"unique_id":"model.shop.orders","package_name":"shop","root_path":"/r","path":"marts/orders.sql","original_file_path":"models/marts/orders.sql","name":"orders","checksum":{"name":"sha256","checksum":"00"},"tags":["daily"],"description":"all","columns":{"id":{"name":"id","description":"key","meta":{},"data_type":null,"tags":["pk"]}},"meta":{"owner":"me"}},"test.shop.unique_orders_id.1":{"resource_type":"test","column_name":"id","test_metadata":{"name":"unique","kwargs":{"column_name":"id","model":"{{ get_where_subquery(ref('orders')) }}"},"namespace":null},"checksum":{"name":"none","checksum":""}}},"disabled":{"model.shop.old":[{"resource_type":"model","original_file_path":"models\\old.sql"}]},"macros":{"macro.shop.m":{"name":"m","package_name":"shop","original_file_path":"macros/m.sql","macro_sql":"x","depends_on":{"macros":["macro.dbt.is_incremental"]},"description":"d"}}"#;

const NEW: &str = r#""nodes":{"model.shop.orders.v2":{"raw_code":"select 1","compiled_code":"select 1","language":"sql","resource_type":"model","depends_on":{"macros":[],"nodes":[]},"config":{"enabled":true,"materialized":"table","unique_key":["a","b"],"access":"public","group":"sales","contract":{"enforced":true,"alias_types":true}},"unique_id":"model.shop.orders.v2","package_name":"shop","original_file_path":"models/orders_v2.sql","name":"orders","version":2,"latest_version":2.0,"access":"public","group":"sales","deprecation_date":"2030-01-01T00:00:00","contract":{"enforced":true,"checksum":"9"},"constraints":[{"type":"primary_key","columns":["a"],"expression":null}],"primary_key":["a"],"relation_name":"\"db\".\"main\".\"orders\"","columns":{"a":{"name":"a","data_type":"int","constraints":[{"type":"not_null"}],"config":{"meta":{"pii":true},"tags":["t"]},"meta":{},"tags":[]}},"time_spine":null},"test.shop.t":{"resource_type":"test","attached_node":"model.shop.orders.v2"}},"sources":{"source.shop.erp.o":{"source_name":"erp","name":"o","identifier":"O","schema":"raw","database":"db","loader":"cdc","loaded_at_field":null,"freshness":{"warn_after":{"count":12,"period":"hour"},"error_after":{"count":null,"period":null},"filter":null},"columns":{},"config":{"enabled":true,"loaded_at_field":"ts","tags":["raw"]},"tags":[],"resource_type":"source"}},"exposures":{"exposure.shop.board":{"type":"dashboard","owner":{"name":"n","email":"e"},"depends_on":{"nodes":["model.shop.orders.v2"]}}},"metrics":{"metric.shop.m":{"type":"simple"}},"semantic_models":{"semantic_model.shop.s":{"model":"ref('orders')"}},"saved_queries":{"saved_query.shop.q":{}},"unit_tests":{"unit_test.shop.orders.u":{"model":"orders","version":2,"checksum":"1"}},"groups":{"group.shop.sales":{"owner":{"email":["a","b"]}}},"functions":{"function.shop.f":{"raw_code":"1","resource_type":"function"}},"disabled":{}"#;

#[test]
fn schema_v4_to_v8() {
    for version in 4..=8 {
        let json = manifest(version, OLD);
        let m = read(json.as_bytes()).unwrap();
        assert_eq!(m.schema(), version);
        let [orders, test] = m.nodes.as_slice() else {
            panic!("two nodes");
        };
        assert_eq!(orders.unique_id, "model.shop.orders");
        assert_eq!(orders.config.materialized, "incremental");
        assert_eq!(orders.config.unique_key, ["id"]);
        assert_eq!(orders.config.schema.some(), None);
        let partition = orders.config.raw.unwrap().get("partition_by").unwrap();
        assert_eq!(partition.json(), r#"{"field":"day"}"#);
        let code = orders.raw_code.unwrap().text().unwrap();
        assert_eq!(code, "select \"a\"\nfrom {{ ref('x') }}");
        assert_eq!(orders.compiled_code.unwrap().text().unwrap(), "select 1");
        assert_eq!(orders.depends_on.nodes, ["seed.shop.x"]);
        assert_eq!(orders.columns[0].tags(), ["pk"]);
        assert_eq!(
            orders.meta().unwrap().get("owner").unwrap().json(),
            "\"me\""
        );
        assert_eq!((orders.access(), orders.group()), (None, None));
        assert!(!orders.contract_enforced());
        let kind = test.test_metadata.as_ref().unwrap();
        assert_eq!(
            (kind.name.as_str(), kind.namespace.some()),
            ("unique", None)
        );
        assert!(kind.kwargs.unwrap().get("model").is_some());
        assert_eq!(m.disabled.nodes[0].unique_id, "model.shop.old");
        assert_eq!(m.disabled.nodes[0].file(), "models/old.sql");
        assert_eq!(m.macros[0].depends_on.macros, ["macro.dbt.is_incremental"]);
        assert_eq!(m.is_of("shop"), Some(true));
        assert_eq!(m.is_of("other"), Some(false));
    }
}

#[test]
fn schema_v9_to_v12() {
    for version in 9..=12 {
        let json = manifest(version, NEW);
        let m = read(json.as_bytes()).unwrap();
        let orders = &m.nodes[0];
        assert_eq!((&*orders.version, &*orders.latest_version), ("2", "2.0"));
        assert_eq!(orders.config.unique_key, ["a", "b"]);
        assert_eq!(
            (orders.access(), orders.group()),
            (Some("public"), Some("sales"))
        );
        assert!(orders.contract_enforced());
        assert_eq!(orders.constraints[0].kind, "primary_key");
        assert_eq!(orders.primary_key, ["a"]);
        assert_eq!(orders.relation_name, r#""db"."main"."orders""#);
        let column = &orders.columns[0];
        assert_eq!(column.constraints[0].kind, "not_null");
        assert_eq!(column.tags(), ["t"]);
        assert_eq!(column.meta().unwrap().json(), r#"{"pii":true}"#);
        assert!(orders.time_spine.is_none());
        assert_eq!(m.nodes[1].attached_node, "model.shop.orders.v2");
        assert_eq!(m.sources[0].freshness().unwrap().warn_after.count, Some(12));
        assert_eq!(m.sources[0].loaded_at_field(), Some("ts"));
        assert_eq!(m.sources[0].tags(), ["raw"]);
        assert_eq!(m.exposures[0].kind, "dashboard");
        assert_eq!(m.exposures[0].owner.email, ["e"]);
        assert_eq!(m.groups[0].owner.email, ["a", "b"]);
        assert_eq!(m.metrics[0].unique_id, "metric.shop.m");
        assert_eq!(m.semantic_models[0].model, "ref('orders')");
        assert_eq!(m.saved_queries.len(), 1);
        assert_eq!(
            (&*m.unit_tests[0].model, &*m.unit_tests[0].version),
            ("orders", "2")
        );
        assert_eq!(m.functions[0].unique_id, "function.shop.f");
    }
}

#[test]
fn schema_v20_has_its_members_in_the_alphabets_order_and_many_nulls() {
    let json = r#"{"child_map":{},"disabled":{},"metadata":{"adapter_type":"databricks","dbt_schema_version":"https://schemas.getdbt.com/dbt/manifest/v20.json","dbt_version":"2.0.0-beta.49","project_id":null,"project_name":"oil"},"nodes":{"model.oil.a":{"checksum":{"checksum":"00","name":"SHA256"},"columns":{"ID":{"config":{},"name":"ID"}},"config":{"access":null,"contract":null,"enabled":true,"materialized":"view","meta":{"k":1},"tags":["x"],"unique_key":null},"contract":{"enforced":false},"depends_on":{"macros":[],"nodes":["source.oil.s.t"],"nodes_with_ref_location":[["source.oil.s.t",{"col":6}]]},"original_file_path":"models/a.sql","package_name":"oil","path":"models/a.sql","raw_code":"--placeholder--","resource_type":"model","unique_id":"model.oil.a"}},"parent_map":{}}"#;
    let m = read(json.as_bytes()).unwrap();
    assert_eq!(m.schema(), 20);
    assert_eq!(m.nodes[0].tags(), ["x"]);
    assert_eq!(m.nodes[0].meta().unwrap().json(), r#"{"k":1}"#);
    assert_eq!((m.is_of("oil"), m.is_of("gas")), (Some(true), Some(false)));
    assert_eq!(m.models_of("oil").count(), 1);
    let summary = m.summary();
    assert_eq!(
        (summary.schema, summary.models, summary.sources),
        (20, 1, 0)
    );
    assert_eq!(summary.project_name.as_deref(), Some("oil"));
    assert_eq!(checksum_matches(&m.nodes[0].checksum, ""), None);
}

/// Puts `odd` in place of every member in turn, on every level, but for the schema version.
fn with_every_member_replaced(json: &str, odd: &serde_json::Value) {
    let whole: serde_json::Value = serde_json::from_str(json).unwrap();
    let mut places = Vec::new();
    collect_places(&whole, String::new(), &mut places);
    places.retain(|p| !p.is_empty() && p != "/metadata" && !p.ends_with("schema_version"));
    assert!(places.len() > 50);
    for place in &places {
        let mut changed = whole.clone();
        *changed.pointer_mut(place).unwrap() = odd.clone();
        let text = changed.to_string();
        let m = read(text.as_bytes()).unwrap_or_else(|e| panic!("{place}: {e}"));
        assert_eq!(
            m.metadata.dbt_version.is_empty(),
            place.ends_with("dbt_version") && !odd.is_i64()
        );
        let outside = !place.starts_with("/nodes") && whole.get("nodes").is_some();
        assert!(!outside || m.nodes.len() == 2, "{place}");
    }
}

fn collect_places(value: &serde_json::Value, at: String, places: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(members) => members
            .iter()
            .for_each(|(key, v)| collect_places(v, format!("{at}/{key}"), places)),
        serde_json::Value::Array(items) => (0..)
            .zip(items)
            .for_each(|(i, v)| collect_places(v, format!("{at}/{i}"), places)),
        _ => {}
    }
    places.push(at);
}

#[test]
fn null_and_wrong_types_cost_one_member_each() {
    use serde_json::json;
    let odds = [
        json!(null),
        json!(true),
        json!(7),
        json!([]),
        json!({}),
        json!([[null, {"a": 1}], 3]),
        json!({"name": {"name": []}, "x": [1]}),
    ];
    for odd in odds {
        with_every_member_replaced(&manifest(4, OLD), &odd);
        with_every_member_replaced(&manifest(12, NEW), &odd);
    }
}

#[test]
fn what_does_not_fit_in_a_list_is_left_out() {
    let body = r#""nodes":{"a":null,"b":5,"c":{"tags":["x",null,{},3],"depends_on":{"nodes":{"a":1},"macros":"m"}}},"sources":[{"unique_id":"s"},4]"#;
    let json = manifest(12, body);
    let m = read(json.as_bytes()).unwrap();
    assert_eq!(m.nodes.len(), 1);
    assert_eq!(m.nodes[0].tags(), ["x", "3"]);
    assert!(m.nodes[0].depends_on.nodes.is_empty());
    assert_eq!(m.nodes[0].depends_on.macros, ["m"]);
    assert_eq!(m.sources[0].unique_id, "s");
}

#[test]
fn the_last_of_equal_keys_wins() {
    let columns: Vec<String> = (0..40)
        .map(|i| format!(r#""c{}":{{"description":"{i}"}}"#, i % 20))
        .collect();
    let body = format!(
        r#""nodes":{{"a":{{"name":"first","name":"second"}},"b":{{"columns":{{{}}}}},"a":{{"name":"third"}}}},"nodes_":1"#,
        columns.join(",")
    );
    let json = manifest(12, &body);
    let m = read(json.as_bytes()).unwrap();
    let names: Vec<_> = m.nodes.iter().map(|n| (&*n.unique_id, &*n.name)).collect();
    assert_eq!(names, [("a", "third"), ("b", "")]);
    let columns = &m.nodes[1].columns;
    assert_eq!((columns.len(), &*columns[0].description), (20, "20"));
}

#[test]
fn escapes_are_decoded_and_the_rest_is_borrowed() {
    let body = r#""nodes":{"model.shop.\u00e9":{"name":"\ud83d\ude00","description":"plain","\u0061lias":"x"}}"#;
    let json = manifest(12, body);
    let m = read(json.as_bytes()).unwrap();
    let node = &m.nodes[0];
    assert_eq!(
        (&*node.unique_id, &*node.name, &*node.alias),
        ("model.shop.é", "😀", "x")
    );
    assert!(
        json.as_bytes()
            .as_ptr_range()
            .contains(&node.description.as_ptr())
    );
    assert!(!json.as_bytes().as_ptr_range().contains(&node.name.as_ptr()));
}

#[test]
fn disabled_may_be_a_list_or_hold_single_nodes() {
    let lists = r#""disabled":[{"unique_id":"a"},null]"#;
    let json = manifest(4, lists);
    assert_eq!(
        read(json.as_bytes()).unwrap().disabled.nodes[0].unique_id,
        "a"
    );
    let mixed = r#""disabled":{"a":[{},{"name":"x"}],"b":{"name":"y"},"c":null,"d":[]}"#;
    let json = manifest(12, mixed);
    let m = read(json.as_bytes()).unwrap();
    let ids: Vec<_> = m.disabled.nodes.iter().map(|n| &*n.unique_id).collect();
    assert_eq!(ids, ["a", "a", "b"]);
}

#[test]
fn a_manifest_cut_off_anywhere_is_a_problem() {
    for body in [OLD, NEW] {
        let json = manifest(12, body).replace("daily", "dé😀ly");
        for end in 0..json.len() {
            let found = read(&json.as_bytes()[..end]).expect_err("a part is no manifest");
            let expected = matches!(
                found,
                ManifestProblem::Truncated { .. }
                    | ManifestProblem::NotUtf8 { .. }
                    | ManifestProblem::Empty
            );
            assert!(expected, "{end}: {found}");
            assert!(!found.to_string().is_empty());
        }
    }
}

#[test]
fn what_is_no_manifest_is_named() {
    assert_eq!(problem(""), ManifestProblem::Empty);
    assert_eq!(problem("\u{feff} \n"), ManifestProblem::Empty);
    for json in ["[]", "null", "3", "\"x\"", "true", "[{\"a\":1}]"] {
        assert_eq!(problem(json), ManifestProblem::NotAnObject, "{json}");
    }
    for json in [
        "{}",
        r#"{"metadata":null}"#,
        r#"{"metadata":{"dbt_schema_version":[]}}"#,
        r#"{"name":"left-pad","version":"1.0"}"#,
    ] {
        assert_eq!(problem(json), ManifestProblem::NoVersion, "{json}");
    }
    let catalog =
        r#"{"metadata":{"dbt_schema_version":"https://schemas.getdbt.com/dbt/catalog/v1.json"}}"#;
    assert_eq!(
        problem(catalog),
        ManifestProblem::OtherArtifact {
            found: "catalog/v1".to_owned()
        }
    );
    let utf16 = read(b"\xff\xfe{\0").expect_err("UTF-16");
    assert_eq!(utf16, ManifestProblem::NotUtf8 { offset: 0 });
}

#[test]
fn unknown_versions_are_named() {
    for version in [1, 2, 3, 13, 19, 21, 99] {
        let found = format!("v{version}");
        assert_eq!(
            problem(&manifest(version, OLD)),
            ManifestProblem::UnknownVersion { found }
        );
    }
    let odd =
        r#"{"metadata":{"dbt_schema_version":"https://schemas.getdbt.com/dbt/manifest/vX.json"}}"#;
    assert_eq!(
        problem(odd),
        ManifestProblem::UnknownVersion {
            found: "vX".to_owned()
        }
    );
}

#[test]
fn places_count_lines_and_characters() {
    let at = |json: &str| match problem(json) {
        ManifestProblem::NotJson { at, .. } | ManifestProblem::Truncated { at } => {
            (at.line, at.col)
        }
        other => panic!("{other}"),
    };
    assert_eq!(at("{\n  \"é\": x}"), (2, 8));
    assert_eq!(at("<html>"), (1, 1));
    assert_eq!(at("{}\n{}"), (2, 1));
    let said = problem("{\n  \"é\": x}").to_string();
    assert_eq!(
        said,
        "the file is not JSON: expected value at line 2, column 8"
    );
}

#[test]
fn a_byte_order_mark_is_skipped() {
    let json = format!("\u{feff}{}", manifest(12, NEW));
    assert_eq!(read(json.as_bytes()).unwrap().nodes.len(), 2);
}

/// serde_json stops following JSON at 128 levels and only in what is read; skipped and raw values
/// may be as deep as they like. The test's thread has a small stack.
#[test]
fn deep_nesting_does_not_overflow_the_stack() {
    let deep = format!("{}1{}", "[{\"a\":".repeat(200_000), "}]".repeat(200_000));
    for member in [
        "ignored",
        "meta",
        "config",
        "tags",
        "columns",
        "description",
        "checksum",
    ] {
        let body = format!(r#""nodes":{{"a":{{"{member}":{deep},"name":"x"}}}},"x":{deep}"#);
        let json = manifest(12, &body);
        let m = read(json.as_bytes()).unwrap_or_else(|e| panic!("{member}: {e}"));
        assert_eq!(m.nodes[0].name, "x");
    }
    let body = format!(r#""nodes":{{"a":{{"config":{{"meta":{deep}}}}}}}"#);
    let json = manifest(12, &body);
    let m = read(json.as_bytes()).unwrap();
    assert!(m.nodes[0].config.meta.unwrap().value().is_none());
    assert_eq!(problem(&deep), ManifestProblem::NotAnObject);
    assert!(matches!(
        problem(&"[".repeat(1_000_000)),
        ManifestProblem::Truncated { .. }
    ));
    assert!(matches!(
        problem(&"{\"a\":".repeat(1_000_000)),
        ManifestProblem::Truncated { .. }
    ));
}
