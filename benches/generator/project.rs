//! The project's other files: configuration, seeds, snapshots, macros, tests, context.

use super::Plan;
use super::defects::Kind;
use super::plan::{Layer, Source};
use super::words::ENTITIES;

/// Name, text and description of the seeds.
pub const SEEDS: [(&str, &str, &str); 2] = [
    (
        "country_codes",
        "country_code,country_name\nDE,Deutschland\nFR,France\nCI,Côte d'Ivoire\nJP,日本\n",
        "Countries and what people there call them.",
    ),
    (
        "currency_rates",
        "currency_code,rate\nEUR,1.00\nUSD,1.08\nGBP,0.86\n",
        "Rates against the euro, fixed once a year.",
    ),
];

/// All files that do not belong to one model or folder: path and text.
pub fn files(plan: &Plan) -> Vec<(String, String)> {
    let mut files = vec![
        ("dbt_project.yml".to_owned(), DBT_PROJECT.to_owned()),
        ("profiles.yml".to_owned(), profiles(plan.spec.parseable)),
        ("harness-lint.yml".to_owned(), HARNESS_LINT.to_owned()),
        ("seeds/_seeds.yml".to_owned(), SEED_PROPERTIES.to_owned()),
        ("macros/_macros.yml".to_owned(), MACRO_PROPERTIES.to_owned()),
        snapshot(plan),
        (SINGULAR_TEST.to_owned(), singular_test(plan)),
    ];
    for (name, text, _) in SEEDS {
        files.push((format!("seeds/{name}.csv"), text.to_owned()));
    }
    for (name, text) in macros(plan) {
        files.push((macro_path(name), text));
    }
    if !plan.spec.parseable {
        files.push(("packages.yml".to_owned(), PACKAGES.to_owned()));
    }
    for number in 0..plan.disabled {
        files.push(disabled(plan, number));
    }
    files
}

const DBT_PROJECT: &str = "name: generated
version: '1.0.0'
config-version: 2
profile: generated
require-dbt-version: ['>=1.10.5', '<2.0.0']

model-paths: [models]
seed-paths: [seeds]
macro-paths: [macros]
test-paths: [tests]
snapshot-paths: [snapshots]

flags:
  require_generic_test_arguments_property: true

vars:
  include_test_accounts: false

models:
  generated:
    staging:
      +materialized: view
    intermediate:
      +materialized: ephemeral
    marts:
      +materialized: table
    applications:
      +materialized: table
";

const PACKAGES: &str = "packages:
  - package: dbt-labs/dbt_utils
    version: 1.3.0
  - package: acme/other_pkg
    version: 0.4.2
";

const HARNESS_LINT: &str = "extends: [recommended, staging-5cte]
layers:
  staging: {path: \"models/**/staging/{source}/**\", prefixes: [stg_], refs: [], sources: true, \
  materialized: [view]}
  intermediate: {path: \"models/**/intermediate/**\", prefixes: [int_], refs: [staging, \
  intermediate]}
  marts: {path: \"models/**/marts/**\", prefixes: [fct_, dim_], refs: [staging, intermediate, \
  marts]}
  applications: {path: \"models/**/applications/**\", prefixes: [app_], refs: [intermediate, \
  marts], leaf: true}
rules:
  doc/missing: warn
  sql/inner-after-left: error
  sql/star-output: warn
  test/pk: warn
  structure/tags: {template: [\"{source}\", staging, acme]}
context:
  dir: context/sources
  overview: \"{source}/{source}.md\"
";

const SEED_PROPERTIES: &str = "version: 2

seeds:
  - name: country_codes
    description: Countries and what people there call them.
    columns:
      - name: country_code
        description: Two letters, ISO 3166.
        data_tests: [unique, not_null]
  - name: currency_rates
    description: Rates against the euro, fixed once a year.
";

const MACRO_PROPERTIES: &str = "version: 2

macros:
  - name: active_accounts
    description: Accounts that are open, as a subquery.
    arguments:
      - name: column
        type: string
        description: The column to select.
  - name: rounded
    description: A number in the company's precision.
    arguments:
      - name: column
        type: string
        description: The column to round.
      - name: digits
        type: integer
        description: Digits after the point.
";

fn profiles(parseable: bool) -> String {
    let target = if parseable {
        "      type: duckdb\n      path: ':memory:'\n"
    } else {
        "      type: snowflake\n      account: example\n      user: nobody\n      password: none\
            \n      role: reader\n      \
         warehouse: small\n      database: analytics\n      schema: prod\n      threads: 4\n"
    };
    format!("generated:\n  target: prod\n  outputs:\n    prod:\n{target}")
}

/// Name and text of the project's macros.
pub fn macros(plan: &Plan) -> Vec<(&'static str, String)> {
    let mut macros = vec![
        (
            "active_accounts",
            format!(
                "{{% macro active_accounts(column) -%}}\n    select {{{{ column }}}} from {{{{ \
                    ref('{}') }}}} where status = 'open'\n{{%- endmacro %}}\n",
                plan.models[0].name
            ),
        ),
        (
            "rounded",
            "{% macro rounded(column, digits=2) -%}\n    round({{ column }}, {{ digits }})\n{%- \
                endmacro %}\n"
                .to_owned(),
        ),
    ];
    if plan.spec.parseable {
        // Stands in for dbt_utils, which real dbt could not find.
        macros.push((
            "generate_surrogate_key",
            "{% macro generate_surrogate_key(columns) -%}\n    md5({{ columns | join(\" || '-' \
                || \") }})\n{%- endmacro %}\n"
                .to_owned(),
        ));
    }
    macros
}

/// The file of a macro.
pub fn macro_path(name: &str) -> String {
    format!("macros/{name}.sql")
}

/// The name of the only snapshot; it is written in YAML.
pub fn snapshot_name(plan: &Plan) -> String {
    format!(
        "snap_{}__{}",
        plan.sources[0].name, ENTITIES[plan.sources[0].tables[0]].0
    )
}

/// What the snapshot of an entity holds.
pub fn snapshot_description(singular: &str) -> String {
    format!(
        "Every version of the {} that the nightly load has seen.",
        singular.replace('_', " ")
    )
}

fn snapshot(plan: &Plan) -> (String, String) {
    let name = snapshot_name(plan);
    let (source, table) = (&plan.sources[0].name, ENTITIES[plan.sources[0].tables[0]]);
    let text = format!(
        "version: 2\n\nsnapshots:\n  - name: {name}\n    description: {}\n    \
         relation: source('{source}', '{}')\n    config:\n      schema: snapshots\n      \
         unique_key: {}_id\n      \
         strategy: timestamp\n      updated_at: updated_at\n",
        snapshot_description(table.1),
        table.0,
        table.1
    );
    (format!("snapshots/{name}.yml"), text)
}

/// The singular test's file.
pub const SINGULAR_TEST: &str = "tests/assert_amounts_are_known.sql";

/// The model that the singular test reads.
pub fn tested_mart(plan: &Plan) -> &str {
    let mart = plan
        .models
        .iter()
        .find(|model| model.layer == Layer::Mart && !model.is(Kind::JinjaSyntax));
    &mart.unwrap_or(&plan.models[0]).name
}

/// The singular test's text.
pub fn singular_test(plan: &Plan) -> String {
    format!(
        "select account_id, amount_net\nfrom {{{{ ref('{}') }}}}\nwhere amount_net is null\n",
        tested_mart(plan)
    )
}

/// A model that is switched off and would be broken if it were not: path and text.
pub fn disabled(plan: &Plan, number: usize) -> (String, String) {
    let folders: Vec<&str> = plan
        .folders
        .iter()
        .map(|folder| folder.path.as_str())
        .filter(|path| path.starts_with("models/intermediate/"))
        .collect();
    let folder = folders
        .get(number % folders.len().max(1))
        .copied()
        .unwrap_or("models/intermediate/old");
    let name = disabled_name(number);
    let text = "{{ config(enabled=false) }}\n\nselect\n    retired.account_id,\n    \
        retired.amount_net\n\
                from {{ ref('stg_retired__nothing') }} as retired\n";
    (format!("{folder}/{name}.sql"), text.to_owned())
}

/// The name of a disabled model.
pub fn disabled_name(number: usize) -> String {
    format!("int_retired_{}", number + 1)
}

/// The overview that an agent reads before it touches a source.
pub fn overview(plan: &Plan, index: usize, source: &Source) -> (String, String) {
    let name = &source.name;
    let folder = plan
        .folders
        .iter()
        .find(|folder| folder.source == Some(index));
    let models: Vec<&str> = folder.map_or(Vec::new(), |folder| {
        folder
            .models
            .iter()
            .map(|&model| plan.models[model].name.as_str())
            .collect()
    });
    let first = models.first().copied().unwrap_or_default();
    let hierarchy: String = models
        .iter()
        .map(|model| format!("- `{model}`\n"))
        .collect();
    let text = format!(
        "---\nstatus: verified\nverified_at: 2025-01-15\n---\n\n# {name}\n\n## System overview\n\
            \nThe {name} system is where its \
         department works all day; nobody edits its data elsewhere.\n\n## Core hierarchy\n\
         \n{hierarchy}\n## Location\n\nDatabase raw, \
         schema {name}.\n\n## Ingestion\n\nA full extract every night, appended; the newest row \
         per key counts.\n\n## Key gotchas\n\n\
         Test accounts have the status test. Amounts are net.\n\n## Join patterns\n\nEverything \
         joins to `{first}` on account_id.\n"
    );
    (format!("context/sources/{name}/{name}.md"), text)
}
