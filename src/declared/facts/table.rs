//! The facts: one line each.

use super::{Entry, Read, node, property};
use crate::declared::predicate::{Kind, Part};
use crate::declared::subject::Of;
use crate::project::ResourceType;

const MODEL: Of = Of::Node(ResourceType::Model);
const SEED: Of = Of::Node(ResourceType::Seed);
const SNAPSHOT: Of = Of::Node(ResourceType::Snapshot);
const SOURCE: Of = Of::Node(ResourceType::Source);
const EXPOSURE: Of = Of::Node(ResourceType::Exposure);
const TEST: Of = Of::Node(ResourceType::Test);
const UNIT_TEST: Of = Of::Node(ResourceType::UnitTest);
const METRIC: Of = Of::Node(ResourceType::Metric);
const SEMANTIC: Of = Of::Node(ResourceType::SemanticModel);
const SAVED: Of = Of::Node(ResourceType::SavedQuery);

const ALL: &[Of] = &Of::ALL;
/// Everything that is a node of dbt's.
pub(in crate::declared) const NODES: &[Of] = Of::ALL.split_at(12).0;
const TABLES: &[Of] = &[MODEL, SEED, SNAPSHOT, SOURCE];
const REFABLE: &[Of] = &[MODEL, SEED, SNAPSHOT];
const WITH_SQL: &[Of] = &[
    MODEL,
    SNAPSHOT,
    TEST,
    Of::Node(ResourceType::Analysis),
    Of::Node(ResourceType::Function),
];
const CONFIGURED: &[Of] = &[
    MODEL,
    SEED,
    SNAPSHOT,
    SOURCE,
    EXPOSURE,
    TEST,
    UNIT_TEST,
    METRIC,
    SEMANTIC,
    SAVED,
    Of::Column,
];
const DESCRIBED: &[Of] = &[
    MODEL,
    SEED,
    SNAPSHOT,
    SOURCE,
    EXPOSURE,
    TEST,
    UNIT_TEST,
    METRIC,
    SEMANTIC,
    SAVED,
    Of::Column,
    Of::Macro,
    Of::Group,
];

const fn part(name: &'static str, kind: Kind) -> Part {
    Part {
        name,
        kind,
        folds: false,
    }
}

const COLUMN_PARTS: &[Part] = &[
    Part {
        name: "name",
        kind: Kind::Text,
        folds: true,
    },
    part("description", Kind::Text),
    Part {
        name: "data_type",
        kind: Kind::Text,
        folds: true,
    },
    part("tests", Kind::List),
    part("constraints", Kind::List),
    part("tags", Kind::List),
    part("meta", Kind::Map),
];
const TEST_PARTS: &[Part] = &[
    part("name", Kind::Text),
    part("package", Kind::Text),
    part("kind", Kind::Text),
    part("family", Kind::Text),
    part("column", Kind::Text),
    part("severity", Kind::Text),
    part("arguments", Kind::Map),
    part("config", Kind::Map),
];
const CONSTRAINT_PARTS: &[Part] = &[part("name", Kind::Text), part("columns", Kind::List)];
const ARGUMENT_PARTS: &[Part] = &[
    part("name", Kind::Text),
    part("type", Kind::Text),
    part("description", Kind::Text),
    part("has_default", Kind::Bool),
    part("in_macro", Kind::Bool),
];
const ELEMENT_PARTS: &[Part] = &[
    part("name", Kind::Text),
    part("type", Kind::Text),
    part("expr", Kind::Text),
];
const OWNER_PARTS: &[Part] = &[part("name", Kind::Text), part("email", Kind::List)];

const fn fact(
    name: &'static str,
    kind: Kind,
    of: &'static [Of],
    doc: &'static str,
    read: Read,
) -> Entry {
    Entry {
        name,
        kind,
        folds: false,
        parts: &[],
        of,
        doc,
        read,
    }
}

const fn list(
    name: &'static str,
    parts: &'static [Part],
    of: &'static [Of],
    doc: &'static str,
    read: Read,
) -> Entry {
    Entry {
        parts,
        ..fact(name, Kind::List, of, doc, read)
    }
}

/// Every fact, by name.
#[rustfmt::skip]
pub(in crate::declared) const FACTS: &[Entry] = &[
    fact("access", Kind::Text, &[MODEL], "private, protected (dbt's default) or public", node::access),
    fact("alias", Kind::Text, REFABLE, "the name of the relation, where it is written", node::alias),
    list("arguments", ARGUMENT_PARTS, &[Of::Macro], "a macro's arguments: those of its definition and those its property entry describes", property::macro_arguments),
    fact("attached_to", Kind::Text, &[TEST, UNIT_TEST], "the name of the node that it tests", node::attached),
    Entry { folds: true, ..list("columns", COLUMN_PARTS, TABLES, "the columns of its property entry", property::columns) },
    list("constraints", CONSTRAINT_PARTS, &[MODEL, Of::Column], "the constraints of its property entry, by their type as `name`", property::constraints),
    fact("contract", Kind::Bool, &[MODEL], "dbt enforces a contract", node::contract),
    Entry { folds: true, ..fact("ctes", Kind::List, WITH_SQL, "names of the common table expressions of its file", node::ctes) },
    Entry { folds: true, ..fact("data_type", Kind::Text, &[Of::Column], "the type that its property entry gives it", property::data_type) },
    Entry { folds: true, ..fact("database", Kind::Text, TABLES, "the database, where it is written", node::database) },
    fact("deprecation_date", Kind::Text, &[MODEL], "when it, or this version of it, ends", node::deprecation),
    fact("description", Kind::Text, DESCRIBED, "what its property entry says of it", property::description),
    list("dimensions", ELEMENT_PARTS, &[SEMANTIC], "the dimensions of a semantic model", property::dimensions),
    list("entities", ELEMENT_PARTS, &[SEMANTIC], "the entities of a semantic model", property::entities),
    fact("exports", Kind::List, &[SAVED], "names of the exports of a saved query", property::exports),
    fact("extension", Kind::Text, &[Of::File], "the ending of the file's name, without the dot", node::extension),
    fact("file", Kind::Text, ALL, "the name of the file that defines it", node::file_name),
    fact("freshness", Kind::Map, &[SOURCE], "{warn_after: {count, period}, error_after: …, filter}", node::freshness),
    fact("grants", Kind::Map, REFABLE, "privileges, each with those who have it", node::grants),
    fact("group", Kind::Text, &[MODEL, SEED, SNAPSHOT, METRIC, SAVED, SEMANTIC], "the name of its group", node::group),
    Entry { folds: true, ..fact("identifier", Kind::Text, &[SOURCE], "the table's name, where it is written", node::identifier) },
    fact("label", Kind::Text, &[EXPOSURE, METRIC], "the name for people", property::label),
    fact("latest_version", Kind::Text, &[MODEL], "the version that a bare `ref` means", node::latest_version),
    fact("layer", Kind::Text, ALL, "the layer, by its role", node::layer),
    fact("lines", Kind::Number, &[MODEL, SEED, SNAPSHOT, TEST, Of::Node(ResourceType::Analysis), Of::Node(ResourceType::Function), Of::Macro, Of::File], "the lines of the file that defines it; of a macro, its own", node::lines),
    fact("loaded_at_field", Kind::Text, &[SOURCE], "the column that says when a row was loaded", node::loaded_at),
    fact("loader", Kind::Text, &[SOURCE], "what loads the source", node::loader),
    fact("macros", Kind::List, WITH_SQL, "names of the macros that its file calls", node::macros),
    fact("materialized", Kind::Text, REFABLE, "the materialization", node::materialized),
    fact("maturity", Kind::Text, &[EXPOSURE], "high, medium or low", property::maturity),
    list("measures", ELEMENT_PARTS, &[SEMANTIC], "the measures of a semantic model, by their aggregation as `type`", property::measures),
    fact("meta", Kind::Map, DESCRIBED, "the keys of its `meta`, laid over one another", property::meta),
    fact("metrics", Kind::List, &[SAVED], "names of the metrics of a saved query", property::metrics),
    Entry { folds: true, ..fact("name", Kind::Text, ALL, "its name; of a file, its path", node::name) },
    fact("of_node", Kind::Text, &[Of::Column], "the name of the node that has the column", node::of_node),
    Entry { parts: OWNER_PARTS, ..fact("owner", Kind::Map, &[EXPOSURE, Of::Group], "{name, email}", property::owner) },
    fact("package", Kind::Text, ALL, "the package that defines it", node::package),
    fact("path", Kind::Text, ALL, "the path of the file that defines it, from the project directory", node::path),
    fact("primary_entity", Kind::Text, &[SEMANTIC], "the primary entity of a semantic model", property::primary_entity),
    fact("property_file", Kind::Text, DESCRIBED, "the path of the file that holds its property entry", property::file),
    fact("quote", Kind::Bool, &[Of::Column], "dbt writes its name in quotes", property::quote),
    fact("reads", Kind::List, NODES, "names of its direct parents: `orders`, `erp.orders`", node::reads),
    fact("resource_type", Kind::Text, ALL, "model, seed, source …", node::resource_type),
    Entry { folds: true, ..fact("schema", Kind::Text, TABLES, "the schema, where it is written", node::schema) },
    fact("severity", Kind::Text, &[TEST], "the severity, where it is written", node::severity),
    fact("shown_in_docs", Kind::Bool, &[MODEL, SEED, SNAPSHOT], "dbt's documentation shows it", node::docs_show),
    fact("source_description", Kind::Text, &[SOURCE], "what is said of the source that has the table", property::source_description),
    fact("source_name", Kind::Text, &[SOURCE], "the name of the source that has the table", node::source_name),
    fact("tags", Kind::List, CONFIGURED, "its tags, laid over one another", node::tags),
    fact("test_arguments", Kind::Map, &[TEST], "the arguments of a generic test", node::test_arguments),
    fact("test_kind", Kind::Text, &[TEST, UNIT_TEST], "generic, singular or unit", node::test_kind),
    fact("test_name", Kind::Text, &[TEST], "the name of the test that a generic test is: unique", node::test_name),
    list("tests", TEST_PARTS, &[MODEL, SEED, SNAPSHOT, SOURCE, Of::Column], "its tests, those of its columns included; kind is generic, singular or unit, family is schema, integrity, value range or business rule", property::tests),
    fact("type", Kind::Text, &[EXPOSURE, METRIC], "the type", property::kind),
    Entry { folds: true, ..fact("unique_key", Kind::List, &[MODEL, SNAPSHOT], "the columns of the unique key", node::unique_key) },
    fact("unit_tests", Kind::List, &[MODEL], "names of its unit tests", property::unit_tests),
    fact("url", Kind::Text, &[EXPOSURE], "the address", property::url),
    fact("version", Kind::Text, &[MODEL], "the version of a versioned model", node::version),
    fact("yaml", Kind::Map, &[Of::File], "what stands in a YAML file", node::yaml),
];
