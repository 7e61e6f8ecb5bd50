//! What a model's name and folder say of its layer.
//!
//! Where no layers are configured, these are the names of dbt's guide as dbt-project-evaluator has
//! them; a configured table speaks for itself.

use super::{Node, Project};
use crate::config::PathPattern;
use crate::syntax::jinja::RelationRef;
use std::collections::BTreeSet;

/// Role, prefixes of names, and the folder that names it.
type Convention = (&'static str, &'static [&'static str], Option<&'static str>);

const CONVENTIONS: &[Convention] = &[
    ("base", &["base_"], Some("base")),
    ("staging", &["stg_"], Some("staging")),
    ("intermediate", &["int_"], Some("intermediate")),
    ("marts", &["fct_", "dim_"], Some("marts")),
    ("other", &["rpt_"], None),
];

impl Project {
    /// Every prefix that says a layer, with the layer's role.
    pub fn layer_prefixes(&self) -> Vec<(&str, &str)> {
        if self.layers.inferred {
            let all = CONVENTIONS.iter();
            return all
                .flat_map(|(r, ps, _)| ps.iter().map(|p| (*r, *p)))
                .collect();
        }
        let layers = self.layers.layers.iter();
        layers
            .flat_map(|l| l.prefixes.iter().map(|p| (l.role.as_str(), p.as_str())))
            .collect()
    }

    /// The role of the layer whose prefix a name bears; of several, the longest prefix decides.
    pub fn role_by_prefix(&self, name: &str) -> Option<&str> {
        // A name may be its prefix, `stg`.
        let name = format!("{name}_");
        let fits = self
            .layer_prefixes()
            .into_iter()
            .filter(|(_, p)| name.starts_with(p));
        fits.rev()
            .max_by_key(|(_, p)| p.len())
            .map(|(role, _)| role)
    }

    /// The role of the layer whose folder is the closest to the file: of those whose path matches,
    /// the one whose literal folder lies deepest.
    pub fn role_by_folder(&self, path: &str) -> Option<&str> {
        let folders: Vec<&str> = path.split('/').rev().skip(1).collect();
        let depth = |folder: &str| folders.iter().rev().position(|f| *f == folder);
        if self.layers.inferred {
            let named = CONVENTIONS.iter().filter_map(|(role, _, folder)| {
                // The evaluator looks for `/folder/`, which the first folder of a path is not.
                let at = depth((*folder)?).filter(|at| *at > 0)?;
                Some((at, *role))
            });
            return named.max_by_key(|(at, _)| *at).map(|(_, role)| role);
        }
        let layers = self.layers.layers.iter();
        let found = layers.flat_map(|l| {
            let matching = l.paths.iter().filter(|p| p.matches(path));
            matching.map(|p| (last_folder(p).and_then(&depth), l.role.as_str()))
        });
        let found: Vec<_> = found.collect();
        found
            .into_iter()
            .rev()
            .max_by_key(|(at, _)| *at)
            .map(|(_, role)| role)
    }
}

/// Is a folder's path named after a source? As dbt-project-evaluator asks it, `like '%source%'`:
/// anywhere in the path, and `_` is any letter.
pub fn is_named_after(folder: &str, source: &str) -> bool {
    let (folder, source): (Vec<char>, Vec<char>) =
        (folder.chars().collect(), source.chars().collect());
    let same = |(a, b): (&char, &char)| a == b || *b == '_';
    let fits = |w: &[char]| w.iter().zip(&source).all(same);
    source.is_empty() || folder.windows(source.len()).any(fits)
}

/// The last folder that a pattern spells out.
fn last_folder(pattern: &PathPattern) -> Option<&str> {
    let segments: Vec<&str> = pattern.as_str().split('/').collect();
    let literal = |s: &&&str| !s.is_empty() && !s.contains(['*', '?', '{', '[']);
    segments.iter().rev().find(literal).copied()
}

impl Node {
    /// The name of the one source that its SQL reads; none where there are none or several.
    pub fn single_source(&self) -> Option<String> {
        let calls = self.sql.iter().flat_map(|s| &s.relations);
        let named = calls.filter_map(|c| match &c.relation {
            RelationRef::Source { source, .. } => Some(source.clone()),
            _ => None,
        });
        let names: BTreeSet<Option<String>> = named.collect();
        match names.len() {
            1 => names.into_iter().next()?,
            _ => None,
        }
    }
}
