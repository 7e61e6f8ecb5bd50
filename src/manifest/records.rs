//! What is read of a manifest, record by record. Everything else in the file is skipped.
//!
//! A [`Text`] is empty, a list is empty and an `Option` is `None` where the manifest has null,
//! nothing, or something of another type.

use std::borrow::Cow;

use serde::de::{IgnoredAny, MapAccess, SeqAccess};

use super::checksum::Checksum;
use super::lenient::{
    Lenient, Raw, Seed, Text, WithRaw, filed_under, next_key, next_value, record,
};

record! {
    /// Who wrote the manifest, and of what.
    pub struct Metadata {
        /// The schema's address, `https://schemas.getdbt.com/dbt/manifest/v12.json`.
        dbt_schema_version: Text<'a> = "dbt_schema_version",
        /// The version of dbt: `1.10.13`, `2.0.0-beta.49`.
        dbt_version: Text<'a> = "dbt_version",
        /// The adapter: `snowflake`, `duckdb`.
        adapter_type: Text<'a> = "adapter_type",
        /// The root project; dbt writes it since 1.6 (schema v10).
        project_name: Text<'a> = "project_name",
    }
}

record! {
    /// The resources a resource reads or calls.
    pub struct DependsOn {
        /// unique_ids of models, sources, seeds and so on.
        nodes: Vec<Text<'a>> = "nodes",
        /// unique_ids of macros; since Fusion often empty.
        macros: Vec<Text<'a>> = "macros",
    }
}

/// Whether the columns are promised.
#[derive(Debug, Clone, Copy, Default)]
pub struct Contract {
    /// Is the contract enforced?
    pub enforced: Option<bool>,
}

impl<'de> Lenient<'de> for Contract {
    fn map<A: MapAccess<'de>>(mut members: A) -> Result<Option<Self>, A::Error> {
        let mut contract = Self::default();
        while let Some(key) = next_key(&mut members)? {
            if key == "enforced" {
                contract.enforced = next_value(&mut members)?;
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Some(contract))
    }
}

record! {
    /// A constraint of a column or a model.
    pub struct Constraint {
        /// `not_null`, `unique`, `primary_key`, `foreign_key`, `check`, `custom`.
        kind: Text<'a> = "type",
        /// Its name.
        name: Text<'a> = "name",
        /// Its SQL.
        expression: Text<'a> = "expression",
        /// The columns of a constraint on a model.
        columns: Vec<Text<'a>> = "columns",
    }
}

record! {
    /// What a column's `config` says; dbt writes it since 1.10.
    pub struct ColumnConfig {
        /// Any keys.
        meta: Option<Raw<'a>> = "meta",
        /// Labels.
        tags: Vec<Text<'a>> = "tags",
    }
}

record! {
    /// A documented column.
    pub struct Column keyed by name {
        /// As the properties file writes it; Fusion may give the warehouse's spelling.
        name: Text<'a> = "name",
        /// The rendered description.
        description: Text<'a> = "description",
        /// The declared type.
        data_type: Text<'a> = "data_type",
        /// Any keys.
        meta: Option<Raw<'a>> = "meta",
        /// Labels.
        tags: Vec<Text<'a>> = "tags",
        /// Constraints of this column alone.
        constraints: Vec<Constraint<'a>> = "constraints",
        /// What `config` says of `meta` and `tags`.
        config: ColumnConfig<'a> = "config",
    }
}

record! {
    /// The resolved configuration of a node: project file, properties file and inline merged.
    pub struct Config {
        /// `view`, `table`, `incremental`, `ephemeral`, `test`, `seed`, `snapshot`, ...
        materialized: Text<'a> = "materialized",
        /// Is the node part of the project? Disabled nodes stand in [`Manifest::disabled`].
        enabled: Option<bool> = "enabled",
        /// Labels.
        tags: Vec<Text<'a>> = "tags",
        /// The custom schema, before dbt makes the schema's full name of it.
        schema: Text<'a> = "schema",
        /// The custom database.
        database: Text<'a> = "database",
        /// The custom name in the warehouse.
        alias: Text<'a> = "alias",
        /// Any keys.
        meta: Option<Raw<'a>> = "meta",
        /// The columns that identify a row, written as a string or a list.
        unique_key: Vec<Text<'a>> = "unique_key",
        /// `merge`, `append`, `delete+insert`, `insert_overwrite`, `microbatch`, ...
        incremental_strategy: Text<'a> = "incremental_strategy",
        /// `ignore`, `fail`, `append_new_columns`, `sync_all_columns`.
        on_schema_change: Text<'a> = "on_schema_change",
        /// Whether the columns are promised.
        contract: Contract = "contract",
        /// `private`, `protected`, `public`; here since schema v11.
        access: Text<'a> = "access",
        /// The owning group.
        group: Text<'a> = "group",
    }
}

record! {
    /// Which generic test a test node is.
    pub struct TestMetadata {
        /// `unique`, `accepted_values`, ...
        name: Text<'a> = "name",
        /// The package of the test; empty for dbt's own and the project's.
        namespace: Text<'a> = "namespace",
        /// The arguments, with Jinja unrendered.
        kwargs: Option<Raw<'a>> = "kwargs",
    }
}

record! {
    /// A model, seed, snapshot, test, analysis, operation or function.
    pub struct Node keyed by unique_id {
        /// `model.shop.orders`, `model.shop.orders.v2`.
        unique_id: Text<'a> = "unique_id",
        /// `model`, `seed`, `snapshot`, `test`, `analysis`, `operation`, `function`; in
        /// [`Manifest::disabled`] also `source`, `exposure`, `metric`, ...
        resource_type: Text<'a> = "resource_type",
        /// The name that `ref()` takes.
        name: Text<'a> = "name",
        /// The project or package that has the file.
        package_name: Text<'a> = "package_name",
        /// The file, relative to its project; see [`Node::file`]. For a generic test the
        /// properties file.
        original_file_path: Text<'a> = "original_file_path",
        /// The file below its resource path (`staging/a.sql`); Fusion repeats
        /// `original_file_path`.
        path: Text<'a> = "path",
        /// The version of a versioned model.
        version: Text<'a> = "version",
        /// The version an unversioned `ref()` means.
        latest_version: Text<'a> = "latest_version",
        /// `sql` or `python`; dbt writes it since 1.3 (schema v7).
        language: Text<'a> = "language",
        /// The resolved configuration.
        config: WithRaw<'a, Config<'a>> = "config",
        /// The configuration as it was written, Jinja unrendered (dbt 1.0 to 1.12).
        unrendered_config: Option<Raw<'a>> = "unrendered_config",
        /// dbt's fully qualified name.
        fqn: Vec<Text<'a>> = "fqn",
        /// Labels; prefer [`Node::tags`].
        tags: Vec<Text<'a>> = "tags",
        /// Any keys; prefer [`Node::meta`].
        meta: Option<Raw<'a>> = "meta",
        /// The rendered description.
        description: Text<'a> = "description",
        /// The documented columns.
        columns: Vec<Column<'a>> = "columns",
        /// What the node reads and calls.
        depends_on: DependsOn<'a> = "depends_on",
        /// The file's checksum when dbt read it; see [`super::checksum_matches`].
        checksum: Checksum<'a> = "checksum",
        /// Who may `ref()` the model; prefer [`Node::access`].
        access: Text<'a> = "access",
        /// The owning group; prefer [`Node::group`].
        group: Text<'a> = "group",
        /// When the model stops being supported, as written.
        deprecation_date: Text<'a> = "deprecation_date",
        /// Whether the columns are promised; prefer [`Node::contract_enforced`].
        contract: Contract = "contract",
        /// Constraints on the whole model.
        constraints: Vec<Constraint<'a>> = "constraints",
        /// The columns dbt takes for the primary key, from constraints and tests (1.8).
        primary_key: Vec<Text<'a>> = "primary_key",
        /// The name in the warehouse, quoted; empty for what makes no relation.
        relation_name: Text<'a> = "relation_name",
        /// The database of the relation.
        database: Text<'a> = "database",
        /// The schema of the relation.
        schema: Text<'a> = "schema",
        /// The name of the relation.
        alias: Text<'a> = "alias",
        /// The code with its Jinja, as a JSON string. Fusion may write `--placeholder--`.
        raw_code: Option<Raw<'a>> = "raw_code" | "raw_sql",
        /// The code that ran, where the manifest is of a command that compiles.
        compiled_code: Option<Raw<'a>> = "compiled_code" | "compiled_sql",
        /// The generic test that a test node is; `None` for a singular one.
        test_metadata: Option<Box<TestMetadata<'a>>> = "test_metadata",
        /// The node a generic test is written under; dbt writes it since 1.5 (schema v9).
        attached_node: Text<'a> = "attached_node",
        /// The column a generic test is written under.
        column_name: Text<'a> = "column_name",
        /// What makes the model a time spine.
        time_spine: Option<Raw<'a>> = "time_spine",
    }
}

impl<'a> Node<'a> {
    /// The file, relative to the project of [`package_name`](Self::package_name), with `/` also
    /// where dbt ran on Windows.
    pub fn file(&self) -> Cow<'_, str> {
        with_slashes(&self.original_file_path)
    }

    /// Who may `ref()` the model, wherever this version of dbt writes it; `None` means dbt's
    /// default, `protected`.
    pub fn access(&self) -> Option<&str> {
        self.access.some().or(self.config.access.some())
    }

    /// The owning group, wherever this version of dbt writes it.
    pub fn group(&self) -> Option<&str> {
        self.group.some().or(self.config.group.some())
    }

    /// Is the contract enforced? Either place counts.
    pub fn contract_enforced(&self) -> bool {
        let either = [self.contract.enforced, self.config.contract.enforced];
        either.contains(&Some(true))
    }

    /// The labels; Fusion writes them in the config alone.
    pub fn tags(&self) -> &[Text<'a>] {
        either_list(&self.tags, &self.config.tags)
    }

    /// The keys of `meta`; the config's where the node has none of its own.
    pub fn meta(&self) -> Option<Raw<'a>> {
        either_meta(self.meta, self.config.meta)
    }
}

impl<'a> Column<'a> {
    /// The labels; the config's where the column has none of its own.
    pub fn tags(&self) -> &[Text<'a>] {
        either_list(&self.tags, &self.config.tags)
    }

    /// The keys of `meta`; the config's where the column has none of its own.
    pub fn meta(&self) -> Option<Raw<'a>> {
        either_meta(self.meta, self.config.meta)
    }
}

fn either_list<'s, 'a>(own: &'s [Text<'a>], config: &'s [Text<'a>]) -> &'s [Text<'a>] {
    if own.is_empty() { config } else { own }
}

fn either_meta<'a>(own: Option<Raw<'a>>, config: Option<Raw<'a>>) -> Option<Raw<'a>> {
    own.filter(|meta| !meta.is_empty()).or(config).or(own)
}

fn with_slashes(path: &str) -> Cow<'_, str> {
    if path.contains('\\') {
        Cow::Owned(path.replace('\\', "/"))
    } else {
        Cow::Borrowed(path)
    }
}

record! {
    /// An age of data at which dbt warns or fails.
    pub struct Threshold {
        /// How many periods.
        count: Option<u64> = "count",
        /// `minute`, `hour`, `day`.
        period: Text<'a> = "period",
    }
}

record! {
    /// How fresh a source must be.
    pub struct Freshness {
        /// The age at which dbt warns.
        warn_after: Threshold<'a> = "warn_after",
        /// The age at which dbt fails.
        error_after: Threshold<'a> = "error_after",
        /// A condition on the rows looked at.
        filter: Text<'a> = "filter",
    }
}

impl Freshness<'_> {
    /// Is there a threshold? dbt writes both with a null count where the project sets none.
    pub fn is_set(&self) -> bool {
        self.warn_after.count.is_some() || self.error_after.count.is_some()
    }
}

record! {
    /// The resolved configuration of a source table.
    pub struct SourceConfig {
        /// Is the source part of the project?
        enabled: Option<bool> = "enabled",
        /// How fresh it must be; here since 1.10, also in [`Source::freshness`].
        freshness: Option<Freshness<'a>> = "freshness",
        /// The column that says when a row came; here since 1.10.
        loaded_at_field: Text<'a> = "loaded_at_field",
        /// The query that says when the last row came; here since 1.10.
        loaded_at_query: Text<'a> = "loaded_at_query",
        /// Any keys.
        meta: Option<Raw<'a>> = "meta",
        /// Labels.
        tags: Vec<Text<'a>> = "tags",
    }
}

record! {
    /// A table of a source.
    pub struct Source keyed by unique_id {
        /// `source.shop.erp.orders`.
        unique_id: Text<'a> = "unique_id",
        /// The source.
        source_name: Text<'a> = "source_name",
        /// The table, as `source()` takes it.
        name: Text<'a> = "name",
        /// The table's name in the warehouse.
        identifier: Text<'a> = "identifier",
        /// Its schema.
        schema: Text<'a> = "schema",
        /// Its database.
        database: Text<'a> = "database",
        /// The name in the warehouse, quoted.
        relation_name: Text<'a> = "relation_name",
        /// The project or package that declares it.
        package_name: Text<'a> = "package_name",
        /// The properties file, relative to its project; see [`Source::file`].
        original_file_path: Text<'a> = "original_file_path",
        /// The table's description.
        description: Text<'a> = "description",
        /// The description of the whole source.
        source_description: Text<'a> = "source_description",
        /// What loads it.
        loader: Text<'a> = "loader",
        /// The column that says when a row came; prefer [`Source::loaded_at_field`].
        loaded_at_field: Text<'a> = "loaded_at_field",
        /// How fresh it must be; prefer [`Source::freshness`].
        freshness: Option<Freshness<'a>> = "freshness",
        /// The documented columns.
        columns: Vec<Column<'a>> = "columns",
        /// The resolved configuration.
        config: WithRaw<'a, SourceConfig<'a>> = "config",
        /// The configuration as it was written, Jinja unrendered.
        unrendered_config: Option<Raw<'a>> = "unrendered_config",
        /// The schema as it was written (dbt 1.9).
        unrendered_schema: Text<'a> = "unrendered_schema",
        /// The database as it was written (dbt 1.9).
        unrendered_database: Text<'a> = "unrendered_database",
        /// dbt's fully qualified name.
        fqn: Vec<Text<'a>> = "fqn",
        /// Any keys; prefer [`Source::meta`].
        meta: Option<Raw<'a>> = "meta",
        /// Labels; prefer [`Source::tags`].
        tags: Vec<Text<'a>> = "tags",
    }
}

impl<'a> Source<'a> {
    /// The properties file, with `/` also where dbt ran on Windows.
    pub fn file(&self) -> Cow<'_, str> {
        with_slashes(&self.original_file_path)
    }

    /// How fresh it must be, wherever this version of dbt writes it; `None` where no threshold is
    /// set.
    pub fn freshness(&self) -> Option<&Freshness<'a>> {
        let both = [self.freshness.as_ref(), self.config.freshness.as_ref()];
        both.into_iter().flatten().find(|f| f.is_set())
    }

    /// The column that says when a row came, wherever this version of dbt writes it.
    pub fn loaded_at_field(&self) -> Option<&str> {
        let own = self.loaded_at_field.some();
        own.or(self.config.loaded_at_field.some())
    }

    /// The labels; Fusion writes them in the config alone.
    pub fn tags(&self) -> &[Text<'a>] {
        either_list(&self.tags, &self.config.tags)
    }

    /// The keys of `meta`; the config's where the table has none of its own.
    pub fn meta(&self) -> Option<Raw<'a>> {
        either_meta(self.meta, self.config.meta)
    }
}

record! {
    /// Who answers for an exposure or a group.
    pub struct Owner {
        /// The name.
        name: Text<'a> = "name",
        /// The address, or several.
        email: Vec<Text<'a>> = "email",
    }
}

record! {
    /// An exposure, metric, semantic model, saved query, unit test or group: what lives in
    /// properties files alone. Members that a kind does not have are empty.
    pub struct Resource keyed by unique_id {
        /// `exposure.shop.board`.
        unique_id: Text<'a> = "unique_id",
        /// `exposure`, `metric`, `semantic_model`, `saved_query`, `unit_test`, `group`.
        resource_type: Text<'a> = "resource_type",
        /// The name.
        name: Text<'a> = "name",
        /// The project or package that declares it.
        package_name: Text<'a> = "package_name",
        /// The properties file, relative to its project; see [`Resource::file`].
        original_file_path: Text<'a> = "original_file_path",
        /// The rendered description.
        description: Text<'a> = "description",
        /// The name for people.
        label: Text<'a> = "label",
        /// Of an exposure `dashboard`, `notebook`, ...; of a metric `simple`, `ratio`, ...
        kind: Text<'a> = "type",
        /// Of an exposure: `low`, `medium`, `high`.
        maturity: Text<'a> = "maturity",
        /// Of an exposure: where it is.
        url: Text<'a> = "url",
        /// Of an exposure or a group.
        owner: Owner<'a> = "owner",
        /// Of a unit test the model's name, of a semantic model or an old metric `ref('orders')`.
        model: Text<'a> = "model",
        /// Of a unit test of a versioned model: that version.
        version: Text<'a> = "version",
        /// What it reads.
        depends_on: DependsOn<'a> = "depends_on",
        /// The resolved configuration.
        config: WithRaw<'a, Config<'a>> = "config",
        /// The configuration as it was written, Jinja unrendered.
        unrendered_config: Option<Raw<'a>> = "unrendered_config",
        /// dbt's fully qualified name.
        fqn: Vec<Text<'a>> = "fqn",
        /// Labels.
        tags: Vec<Text<'a>> = "tags",
        /// Any keys.
        meta: Option<Raw<'a>> = "meta",
        /// The owning group.
        group: Text<'a> = "group",
    }
}

impl Resource<'_> {
    /// The properties file, with `/` also where dbt ran on Windows.
    pub fn file(&self) -> Cow<'_, str> {
        with_slashes(&self.original_file_path)
    }
}

record! {
    /// A macro; dbt's own and the adapter's are most of them.
    pub struct Macro keyed by unique_id {
        /// `macro.shop.cents_to_dollars`.
        unique_id: Text<'a> = "unique_id",
        /// The name; a generic test's begins with `test_`.
        name: Text<'a> = "name",
        /// The project or package that has it.
        package_name: Text<'a> = "package_name",
        /// The file, relative to its project; see [`Macro::file`].
        original_file_path: Text<'a> = "original_file_path",
        /// Its text, as a JSON string.
        macro_sql: Option<Raw<'a>> = "macro_sql",
        /// The rendered description.
        description: Text<'a> = "description",
        /// The macros it calls.
        depends_on: DependsOn<'a> = "depends_on",
    }
}

impl Macro<'_> {
    /// The file, with `/` also where dbt ran on Windows.
    pub fn file(&self) -> Cow<'_, str> {
        with_slashes(&self.original_file_path)
    }
}

/// What the project has and the run left out, of every kind, in the manifest's order. One unique_id
/// may occur several times: two files may both disable it.
#[derive(Debug, Clone, Default)]
pub struct Disabled<'a> {
    /// Told apart by `resource_type`.
    pub nodes: Vec<Node<'a>>,
}

/// dbt writes an object of lists; before 1.0 it wrote one list.
impl<'de> Lenient<'de> for Disabled<'de> {
    fn seq<A: SeqAccess<'de>>(items: A) -> Result<Option<Self>, A::Error> {
        let nodes = Vec::seq(items)?.unwrap_or_default();
        Ok(Some(Self { nodes }))
    }

    fn map<A: MapAccess<'de>>(mut members: A) -> Result<Option<Self>, A::Error> {
        let mut nodes = Vec::new();
        while let Some(key) = next_key(&mut members)? {
            let same: OneOrMany = members
                .next_value_seed(Seed::new())?
                .unwrap_or(OneOrMany(Vec::new()));
            nodes.extend(same.0.into_iter().map(|n| filed_under(key.clone(), n)));
        }
        Ok(Some(Self { nodes }))
    }
}

struct OneOrMany<'a>(Vec<Node<'a>>);

impl<'de> Lenient<'de> for OneOrMany<'de> {
    fn seq<A: SeqAccess<'de>>(items: A) -> Result<Option<Self>, A::Error> {
        Ok(Vec::seq(items)?.map(Self))
    }

    fn map<A: MapAccess<'de>>(members: A) -> Result<Option<Self>, A::Error> {
        Ok(Node::map(members)?.map(|node| Self(vec![node])))
    }
}

record! {
    /// A manifest. Every list is in the file's order; no unique_id occurs twice in one list, but
    /// for [`Disabled`].
    pub struct Manifest {
        /// Who wrote it, and of what.
        metadata: Metadata<'a> = "metadata",
        /// Models, seeds, snapshots, tests, analyses and operations.
        nodes: Vec<Node<'a>> = "nodes",
        /// Tables of sources.
        sources: Vec<Source<'a>> = "sources",
        /// Macros.
        macros: Vec<Macro<'a>> = "macros",
        /// Exposures.
        exposures: Vec<Resource<'a>> = "exposures",
        /// Metrics.
        metrics: Vec<Resource<'a>> = "metrics",
        /// Semantic models (schema v11).
        semantic_models: Vec<Resource<'a>> = "semantic_models",
        /// Saved queries (schema v11).
        saved_queries: Vec<Resource<'a>> = "saved_queries",
        /// Unit tests (schema v12).
        unit_tests: Vec<Resource<'a>> = "unit_tests",
        /// Groups (schema v9).
        groups: Vec<Resource<'a>> = "groups",
        /// User-defined functions (dbt 1.11 and 2.0).
        functions: Vec<Node<'a>> = "functions",
        /// What the run left out.
        disabled: Disabled<'a> = "disabled",
    }
}

#[cfg(test)]
mod size {
    /// Nodes are the bulk of what a manifest costs in memory.
    #[test]
    fn a_node_is_no_larger_than_a_kilobyte_and_a_half() {
        assert!(size_of::<super::Node>() <= 1536);
    }
}
