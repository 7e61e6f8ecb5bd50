//! Choosing the dialect: what is said, then what the SQL itself shows.

use super::*;

/// Models read under every dialect where nothing else tells.
const SAMPLE: usize = 40;
/// Larger models are left out of the sample, which is read fourteen times.
const SAMPLE_BYTES: usize = 64 << 10;

/// Configuration keys that one adapter alone has (their documentation on docs.getdbt.com).
const ADAPTER_CONFIGS: &[(&str, &str)] = &[
    ("snowflake_warehouse", "snowflake"),
    ("target_lag", "snowflake"),
    ("liquid_clustered_by", "databricks"),
    ("tblproperties", "databricks"),
    ("s3_data_naming", "athena"),
    ("s3_data_dir", "athena"),
    ("require_partition_filter", "bigquery"),
    ("hours_to_expiration", "bigquery"),
    ("kms_key_name", "bigquery"),
    ("engine=", "clickhouse"),
    ("+engine", "clickhouse"),
    ("dist=", "redshift"),
    ("sort_type", "redshift"),
    ("as_columnstore", "sqlserver"),
];

impl Builder<'_> {
    pub(super) fn dialect(
        &self,
        manifest: Option<&Manifest>,
        macros: &MacroLibrary,
    ) -> DialectChoice {
        if let Some(dialect) = self.config.dialect {
            return choice(dialect, dialect.name(), "configured");
        }
        if let Some(adapter) = manifest.and_then(|m| m.summary().adapter_type)
            && let Some(dialect) = Dialect::from_adapter(&adapter)
        {
            return choice(dialect, &adapter, "manifest.json");
        }
        if let Some(found) = &self.hints.choice {
            return found.clone();
        }
        let guess = self
            .by_config()
            .or_else(|| self.by_sample(macros))
            .unwrap_or_else(|| {
                choice(
                    Dialect::Generic,
                    "",
                    "nothing in the repository names an adapter",
                )
            });
        DialectChoice {
            guessed: true,
            ..guess
        }
    }

    /// Adapter-only configuration in dbt_project.yml and in models.
    fn by_config(&self) -> Option<DialectChoice> {
        let models = self.own_models();
        let texts = models.iter().map(|m| self.text(m.file));
        let project = self.text(self.loaded.root().file);
        let mut votes: Vec<(&str, usize)> = Vec::new();
        for text in std::iter::once(project).chain(texts) {
            for (key, adapter) in ADAPTER_CONFIGS {
                if memchr::memmem::find(text.as_bytes(), key.as_bytes()).is_none() {
                    continue;
                }
                match votes.iter_mut().find(|(a, _)| a == adapter) {
                    Some((_, n)) => *n += 1,
                    None => votes.push((adapter, 1)),
                }
            }
        }
        let (adapter, _) = votes.iter().max_by_key(|(_, n)| *n)?;
        if votes.len() > 1 {
            // A package for several adapters has the keys of each.
            return None;
        }
        let dialect = Dialect::from_adapter(adapter)?;
        Some(choice(dialect, adapter, "configuration that only it has"))
    }

    /// The dialect under which most of a fixed sample parses; the first of equals.
    fn by_sample(&self, macros: &MacroLibrary) -> Option<DialectChoice> {
        let mut models = self.own_models();
        models.retain(|m| self.text(m.file).len() <= SAMPLE_BYTES);
        let step = models.len().div_ceil(SAMPLE).max(1);
        let sample = models.into_iter().step_by(step);
        let sample: Vec<_> = sample
            .map(|m| (m, jinja::parse(self.text(m.file))))
            .collect();
        if sample.is_empty() {
            return None;
        }
        let scores: Vec<(Dialect, usize)> = Dialect::ALL
            .par_iter()
            .map(|&dialect| {
                let guess = choice(dialect, "", "");
                let var = |name: &str| self.vars[0].get(name);
                let env = self.environment(macros, &guess, &var);
                let parses = |(m, t): &&(&Member, jinja::Template)| {
                    template::parses(m.file, self.text(m.file), &t.nodes, &env)
                };
                (dialect, sample.iter().filter(parses).count())
            })
            .collect();
        let best = scores.iter().map(|(_, n)| *n).max()?;
        let generic = scores.iter().find(|(d, _)| *d == Dialect::Generic);
        // Plain SQL parses everywhere; then no dialect is claimed.
        let all_equal = scores.iter().filter(|(_, n)| *n == best).count() > 4;
        if all_equal && generic.is_some_and(|(_, n)| *n == best) {
            return None;
        }
        let (dialect, n) = scores.into_iter().find(|(_, n)| *n == best)?;
        let from = format!("{n} of {} sampled models parse", sample.len());
        // Not an adapter's name: conditions on target.type stay unknown.
        Some(choice(dialect, "", &from))
    }

    fn own_models(&self) -> Vec<&Member> {
        let members = self.loaded.members.iter();
        members
            .filter(|m| m.package == 0 && m.role == Role::Model)
            .collect()
    }
}

fn choice(dialect: Dialect, adapter: &str, from: &str) -> DialectChoice {
    DialectChoice {
        dialect,
        adapter: adapter.to_owned(),
        from: from.to_owned(),
        guessed: false,
    }
}
