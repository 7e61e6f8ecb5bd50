//! dbt's manifest.json: what dbt knew of a project when it last parsed it.
//!
//! [`read`] takes the bytes of the file (a map of it, for it may have hundreds of megabytes) and
//! gives records that borrow from them. It takes schema v4 to v12 (dbt 1.0 to 1.12) and v20 (dbt
//! 2.0, Fusion), and makes one shape of them. It is tolerant of everything but a file that is not a
//! manifest: see [`ManifestProblem`].
//!
//! Not here: finding the file, deciding whether a stale or foreign manifest is used, and laying it
//! over the project. The facts for those decisions are: [`checksum_matches`],
//! [`Manifest::is_of`], [`Manifest::summary`].

mod checksum;
mod lenient;
mod read;
mod records;
#[cfg(test)]
mod tests;

pub use checksum::{Checksum, checksum_matches};
pub use lenient::{Raw, Text, WithRaw};
pub use read::{ManifestProblem, read};
pub use records::{
    Column, ColumnConfig, Config, Constraint, Contract, DependsOn, Disabled, Freshness, Macro,
    Manifest, Metadata, Node, Owner, Resource, Source, SourceConfig, TestMetadata, Threshold,
};

/// A manifest in a few words and numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The schema's number: 4 to 12, or 20.
    pub schema: u32,
    /// The version of dbt that wrote it.
    pub dbt_version: String,
    /// The adapter, where known.
    pub adapter_type: Option<String>,
    /// The root project, where the manifest says it (dbt 1.6 and later).
    pub project_name: Option<String>,
    /// Enabled models, packages' included.
    pub models: usize,
    /// Tables of sources, packages' included.
    pub sources: usize,
    /// Models, sources and so on that the run left out.
    pub disabled: usize,
}

impl<'a> Manifest<'a> {
    /// The enabled models of one project or package, in the manifest's order.
    pub fn models_of<'s>(&'s self, package: &'s str) -> impl Iterator<Item = &'s Node<'a>> {
        let models = self.nodes.iter().filter(|n| n.resource_type == "model");
        models.filter(move |n| n.package_name == package)
    }

    /// Is `project` the project this manifest was made for? Before 1.6 dbt did not write the name;
    /// then a manifest that has nodes and none of them in `project` is of another one. `None` where
    /// it does not say.
    pub fn is_of(&self, project: &str) -> Option<bool> {
        if let Some(name) = self.metadata.project_name.some() {
            return Some(name == project);
        }
        let packages = self.nodes.iter().map(|n| &n.package_name);
        let mut packages = packages.chain(self.sources.iter().map(|s| &s.package_name));
        let any_node = !self.nodes.is_empty() || !self.sources.is_empty();
        any_node.then(|| packages.any(|package| package == project))
    }

    /// The manifest in a few words and numbers.
    pub fn summary(&self) -> Summary {
        let owned = |text: &Text| text.some().map(str::to_owned);
        let models = self.nodes.iter().filter(|n| n.resource_type == "model");
        Summary {
            schema: self.schema(),
            dbt_version: self.metadata.dbt_version.to_string(),
            adapter_type: owned(&self.metadata.adapter_type),
            project_name: owned(&self.metadata.project_name),
            models: models.count(),
            sources: self.sources.len(),
            disabled: self.disabled.nodes.len(),
        }
    }
}
