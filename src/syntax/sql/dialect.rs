//! The SQL dialects of dbt's adapters.

use sqlparser::dialect as sp;

/// A dialect, named as the dbt adapter that speaks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Dialect {
    Snowflake,
    BigQuery,
    Redshift,
    Postgres,
    DuckDb,
    Databricks,
    Spark,
    ClickHouse,
    Trino,
    Athena,
    Mssql,
    MySql,
    Sqlite,
    /// No dialect is known.
    Generic,
}

impl Dialect {
    /// Every dialect, in the order in which they are tried where nothing is known.
    pub const ALL: [Dialect; 14] = [
        Dialect::Snowflake,
        Dialect::BigQuery,
        Dialect::Postgres,
        Dialect::Redshift,
        Dialect::DuckDb,
        Dialect::Databricks,
        Dialect::Spark,
        Dialect::ClickHouse,
        Dialect::Trino,
        Dialect::Athena,
        Dialect::Mssql,
        Dialect::MySql,
        Dialect::Sqlite,
        Dialect::Generic,
    ];

    /// The name that dbt's adapter has (`adapter_type` in manifest.json, `type:` in profiles.yml).
    pub fn name(self) -> &'static str {
        match self {
            Dialect::Snowflake => "snowflake",
            Dialect::BigQuery => "bigquery",
            Dialect::Redshift => "redshift",
            Dialect::Postgres => "postgres",
            Dialect::DuckDb => "duckdb",
            Dialect::Databricks => "databricks",
            Dialect::Spark => "spark",
            Dialect::ClickHouse => "clickhouse",
            Dialect::Trino => "trino",
            Dialect::Athena => "athena",
            Dialect::Mssql => "sqlserver",
            Dialect::MySql => "mysql",
            Dialect::Sqlite => "sqlite",
            Dialect::Generic => "generic",
        }
    }

    /// The dialect of an adapter; adapters of one engine share it.
    pub fn from_adapter(name: &str) -> Option<Dialect> {
        Some(match name.to_ascii_lowercase().as_str() {
            "sqlserver" | "fabric" | "synapse" | "mssql" | "tsql" => Dialect::Mssql,
            "starburst" | "presto" => Dialect::Trino,
            "alloydb" | "materialize" | "risingwave" | "greenplum" | "postgresql" => {
                Dialect::Postgres
            }
            "mariadb" | "tidb" | "singlestore" | "doris" | "starrocks" => Dialect::MySql,
            "spark_sql" | "sparksql" | "glue" | "hive" => Dialect::Spark,
            "motherduck" => Dialect::DuckDb,
            "databricks_sql" | "databrickssql" => Dialect::Databricks,
            other => return Dialect::ALL.into_iter().find(|d| d.name() == other),
        })
    }

    /// The grammar that sqlparser reads it with. Trino and Athena have none of their own there.
    pub(super) fn grammar(self) -> &'static dyn sp::Dialect {
        match self {
            Dialect::Snowflake => &sp::SnowflakeDialect {},
            Dialect::BigQuery => &sp::BigQueryDialect {},
            Dialect::Redshift => &sp::RedshiftSqlDialect {},
            Dialect::Postgres => &sp::PostgreSqlDialect {},
            Dialect::DuckDb => &sp::DuckDbDialect {},
            Dialect::Databricks | Dialect::Spark => &sp::DatabricksDialect {},
            Dialect::ClickHouse => &sp::ClickHouseDialect {},
            Dialect::Mssql => &sp::MsSqlDialect {},
            Dialect::MySql => &sp::MySqlDialect {},
            Dialect::Sqlite => &sp::SQLiteDialect {},
            Dialect::Trino | Dialect::Athena | Dialect::Generic => &sp::GenericDialect {},
        }
    }

    /// Does `from t, t.items` read an array of the row?
    pub(super) fn reads_paths(self) -> bool {
        matches!(
            self,
            Dialect::BigQuery | Dialect::Redshift | Dialect::Generic
        )
    }

    /// Does a backslash escape inside `'…'`?
    pub(super) fn backslash_escapes(self) -> bool {
        matches!(
            self,
            Dialect::Snowflake
                | Dialect::BigQuery
                | Dialect::Databricks
                | Dialect::Spark
                | Dialect::ClickHouse
                | Dialect::MySql
        )
    }
}
