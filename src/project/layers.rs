//! Which layer a model is in: by the configured table, or by the folder names of dbt's own guide.

use crate::config::{Classifier, Layer, PathPattern};
use std::collections::BTreeMap;

/// A model's layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerMatch {
    /// Index into [`LayerTable::layers`].
    pub index: usize,
    /// What the layer's path captures.
    pub captures: BTreeMap<String, String>,
}

/// The layers of a project.
#[derive(Debug)]
pub struct LayerTable {
    /// In order of matching.
    pub layers: Vec<Layer>,
    /// They were inferred from folder names, not configured.
    pub inferred: bool,
    classify: Vec<Classifier>,
}

/// A folder name of dbt's guide or a common synonym, and what its layer may read.
struct Guide {
    role: &'static str,
    folders: &'static [&'static str],
    refs: &'static [&'static str],
    sources: bool,
    leaf: bool,
}

/// dbt's guide ("How we structure our dbt projects") with its synonyms, and the ODS/DWD/DWS/ADS
/// layering common in China. What each may read is rules.md's table.
const GUIDE: &[Guide] = &[
    Guide {
        role: "base",
        folders: &["base"],
        refs: &["base"],
        sources: true,
        leaf: false,
    },
    Guide {
        role: "staging",
        folders: &["staging", "stg", "stage"],
        refs: &["base"],
        sources: true,
        leaf: false,
    },
    Guide {
        role: "intermediate",
        folders: &["intermediate", "int"],
        refs: &["base", "staging", "intermediate"],
        sources: false,
        leaf: false,
    },
    Guide {
        role: "marts",
        folders: &["marts", "mart"],
        refs: &["staging", "intermediate", "marts"],
        sources: false,
        leaf: true,
    },
    Guide {
        role: "reports",
        folders: &["reports", "report", "reporting"],
        refs: &["staging", "intermediate", "marts", "reports"],
        sources: false,
        leaf: true,
    },
    Guide {
        role: "applications",
        folders: &["applications"],
        refs: &["intermediate", "marts", "applications"],
        sources: false,
        leaf: true,
    },
    Guide {
        role: "ods",
        folders: &["ods"],
        refs: &["ods"],
        sources: true,
        leaf: false,
    },
    Guide {
        role: "dwd",
        folders: &["dwd"],
        refs: &["ods", "dwd"],
        sources: false,
        leaf: false,
    },
    Guide {
        role: "dws",
        folders: &["dws"],
        refs: &["dwd", "dws"],
        sources: false,
        leaf: false,
    },
    Guide {
        role: "ads",
        folders: &["ads"],
        refs: &["dwd", "dws", "ads"],
        sources: false,
        leaf: true,
    },
];

impl LayerTable {
    /// The configured table.
    pub fn configured(layers: Vec<Layer>, classify: Vec<Classifier>) -> Self {
        Self {
            layers,
            inferred: false,
            classify,
        }
    }

    /// The layers whose folders occur among the paths of a project's models.
    pub fn infer<'a>(paths: impl Iterator<Item = &'a str> + Clone) -> Self {
        let mut layers = Vec::new();
        for guide in GUIDE {
            let named = |p: &str| guides(p).iter().any(|g| g.role == guide.role);
            if !paths.clone().any(named) {
                continue;
            }
            let patterns = guide.folders.iter().flat_map(|f| {
                [format!("**/{f}/**")]
                    .into_iter()
                    .filter_map(|g| PathPattern::new(&g).ok())
            });
            layers.push(Layer {
                name: guide.role.to_owned(),
                role: guide.role.to_owned(),
                paths: patterns.collect(),
                prefixes: Vec::new(),
                refs: guide.refs.iter().map(|r| (*r).to_owned()).collect(),
                sources: guide.sources,
                materialized: Vec::new(),
                leaf: guide.leaf,
                span: None,
            });
        }
        // Where no leaf layer is there, the most downstream one is.
        if !layers.iter().any(|l: &Layer| l.leaf)
            && let Some(last) = layers.last_mut()
        {
            last.leaf = true;
        }
        Self {
            layers,
            inferred: true,
            classify: vec![Classifier::Path],
        }
    }

    /// Is there a layer that sources belong to? Where layers are inferred and none of them reads
    /// sources, the project has no such layer: every model would be wrong.
    pub fn judges_sources(&self) -> bool {
        !self.inferred || self.layers.iter().any(|l| l.sources)
    }

    /// The layer of a model.
    pub fn of(&self, path: &str, name: &str) -> Option<LayerMatch> {
        if self.inferred {
            return self.inferred_of(path);
        }
        self.classify.iter().find_map(|way| match way {
            Classifier::Path => self.by_path(path),
            Classifier::Prefix => self.by_prefix(path, name),
        })
    }

    fn by_path(&self, path: &str) -> Option<LayerMatch> {
        self.layers.iter().enumerate().find_map(|(index, layer)| {
            let captures = layer.paths.iter().find_map(|p| p.captures(path))?;
            Some(LayerMatch { index, captures })
        })
    }

    fn by_prefix(&self, path: &str, name: &str) -> Option<LayerMatch> {
        let fits = |l: &&Layer| l.prefixes.iter().any(|p| name.starts_with(p.as_str()));
        let index = self.layers.iter().position(|l| fits(&l))?;
        let captures = self.layers[index]
            .paths
            .iter()
            .find_map(|p| p.captures(path));
        Some(LayerMatch {
            index,
            captures: captures.unwrap_or_default(),
        })
    }

    /// The layer of the deepest folder that names one.
    fn inferred_of(&self, path: &str) -> Option<LayerMatch> {
        let role = guides(path).last()?.role;
        let index = self.layers.iter().position(|l| l.role == role)?;
        Some(LayerMatch {
            index,
            captures: BTreeMap::new(),
        })
    }
}

/// What the folders of a path name, outermost first. `staging/tmp` is the base layer of packages
/// that keep the raw table there; `tmp` elsewhere is anything.
fn guides(path: &str) -> Vec<&'static Guide> {
    let mut found: Vec<&'static Guide> = Vec::new();
    for folder in folders(path) {
        let in_staging = found.last().is_some_and(|g| g.role == "staging");
        let name = match folder {
            "tmp" if in_staging => "base",
            other => other,
        };
        found.extend(GUIDE.iter().find(|g| g.folders.contains(&name)));
    }
    found
}

/// The folders of a path, outermost first.
fn folders(path: &str) -> impl Iterator<Item = &str> {
    let folder = path.rsplit_once('/').map_or("", |(dir, _)| dir);
    folder.split('/').filter(|f| !f.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_name_layers_and_the_deepest_wins() {
        let paths = [
            "models/marts/core/staging/stg_a.sql",
            "models/marts/fct.sql",
        ];
        let table = LayerTable::infer(paths.into_iter());
        let role = |p: &str| {
            let m = table.of(p, "")?;
            Some(table.layers[m.index].role.clone())
        };
        assert_eq!(role(paths[0]).as_deref(), Some("staging"));
        assert_eq!(role(paths[1]).as_deref(), Some("marts"));
        assert_eq!(role("models/other/x.sql"), None);
        assert!(table.layers.iter().any(|l| l.role == "marts" && l.leaf));
    }

    #[test]
    fn tmp_below_staging_is_base() {
        let paths = ["models/staging/tmp/stg_a_tmp.sql", "models/tmp/x.sql"];
        let table = LayerTable::infer(paths.into_iter());
        let role = |p: &str| table.of(p, "").map(|m| table.layers[m.index].role.clone());
        assert_eq!(role(paths[0]).as_deref(), Some("base"));
        assert_eq!(role(paths[1]), None);
    }

    #[test]
    fn the_most_downstream_layer_is_a_leaf_where_none_is() {
        let table = LayerTable::infer(["models/staging/a.sql"].into_iter());
        assert!(table.layers[0].leaf);
    }
}
