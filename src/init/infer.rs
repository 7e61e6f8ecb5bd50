//! Reads a project's habits.

use crate::config::{Layer, PathPattern};
use crate::load::files_below;
use crate::project::{Node, NodeId, Project, ResourceType};
use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What a project does nearly everywhere.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Habits {
    /// The dialect and where it was found.
    pub dialect: (String, String),
    /// In order of flow.
    pub layers: Vec<LayerHabit>,
    /// Models that lie in none of them.
    pub unlayered: usize,
    /// The folders that hold most of those, and how many.
    pub unlayered_in: Vec<(String, usize)>,
    /// Names of declared sources.
    pub sources: Vec<String>,
    /// Folders directly below the model path that each hold layers of their own, and how many
    /// edges join two of them.
    pub tenants: Option<(Vec<String>, usize)>,
    /// The directory of context files, and which sources have an overview there.
    pub context: Option<ContextHabit>,
    /// Folders with declared rules.
    pub anti_patterns: Vec<String>,
}

/// A layer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LayerHabit {
    /// Its name in the table.
    pub name: String,
    /// Globs that hold it.
    pub paths: Vec<String>,
    /// How many models.
    pub models: usize,
    /// Prefixes of its models' names and how many have each; rare ones are left out.
    pub prefixes: Vec<(String, usize)>,
    /// The layers that it may read.
    pub refs: Vec<String>,
    /// It may read sources.
    pub sources: bool,
    /// Nothing need read it.
    pub leaf: bool,
    /// Edges into it that `refs` and `sources` forbid.
    pub forbidden: usize,
    /// How its models are materialized, and how many are so; none where that is not one way.
    pub materialized: Option<(String, usize)>,
    /// Its models' CTEs.
    pub sequence: Option<Sequence>,
    /// Its models' tags.
    pub tags: Option<TagHabit>,
}

/// CTEs that most models of a layer have, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Sequence {
    /// Their names.
    pub names: Vec<String>,
    /// How many models have all of them.
    pub models: usize,
    /// Of how many that have CTEs at all.
    pub of: usize,
}

/// The tags that most models of a layer set in their own files.
#[derive(Debug, Clone, PartialEq)]
pub struct TagHabit {
    /// `{source}` stands for the model's source folder.
    pub template: Vec<String>,
    /// How many models have just these.
    pub models: usize,
    /// Of how many that set tags there.
    pub of: usize,
}

/// Where context files are.
#[derive(Debug, Clone, PartialEq)]
pub struct ContextHabit {
    /// Relative to the project directory.
    pub dir: String,
    /// The overview below it.
    pub overview: String,
    /// Sources that have one.
    pub sources: usize,
}

/// A habit is what so many in a hundred do.
const HABIT: usize = 90;
/// What so many in a hundred do is worth a comment.
pub(super) const LEANING: usize = 60;

/// Do `part` of `whole` make a habit?
pub(super) fn is_habit(part: usize, whole: usize) -> bool {
    whole > 0 && part * 100 >= whole * HABIT
}

fn leans(part: usize, whole: usize) -> bool {
    whole > 0 && part * 100 >= whole * LEANING
}

/// Reads the habits of a project whose layers were inferred.
pub fn infer(project: &Project) -> Habits {
    let models: Vec<&Node> = project.models().collect();
    let sources: BTreeSet<&str> = project
        .nodes
        .iter()
        .filter(|n| n.is_own())
        .filter_map(|n| n.source_name.as_deref())
        .collect();
    let layers = project.layers.layers.iter().enumerate();
    let layers = layers
        .map(|(index, l)| layer(project, &models, index, l))
        .filter(|l| l.models > 0)
        .collect();
    let (unlayered, unlayered_in) = unlayered(project, &models);
    let dialect = &project.dialect;
    Habits {
        dialect: (dialect.dialect.name().to_owned(), dialect.from.clone()),
        unlayered,
        unlayered_in,
        tenants: tenants(project, &models),
        context: context(project, &sources),
        sources: sources.into_iter().map(str::to_owned).collect(),
        anti_patterns: anti_patterns(project),
        layers: inner_first(layers),
    }
}

/// How many folders of models without a layer are named.
const NAMED_FOLDERS: usize = 5;

fn unlayered(project: &Project, models: &[&Node]) -> (usize, Vec<(String, usize)>) {
    let mut folders: BTreeMap<String, usize> = BTreeMap::new();
    let lost: Vec<&&Node> = models.iter().filter(|m| m.layer.is_none()).collect();
    for model in &lost {
        let path = project.path(model.file);
        let parts: Vec<&str> = path.split('/').collect();
        let depth = (parts.len() - 1).min(2);
        *folders.entry(parts[..depth].join("/")).or_default() += 1;
    }
    let mut folders: Vec<(String, usize)> = folders.into_iter().collect();
    folders.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    folders.truncate(NAMED_FOLDERS);
    (lost.len(), folders)
}

/// The first layer whose path matches holds a model: a folder within another's comes before it.
fn inner_first(mut layers: Vec<LayerHabit>) -> Vec<LayerHabit> {
    fn root(glob: &str) -> &str {
        glob.split("/{source}")
            .next()
            .unwrap_or(glob)
            .trim_end_matches("/**")
    }
    let within = |inner: &LayerHabit, outer: &LayerHabit| {
        inner.paths.iter().any(|i| {
            let inside = |o: &String| {
                let (i, o) = (root(i), root(o));
                i.strip_prefix(o).is_some_and(|rest| rest.starts_with('/'))
            };
            outer.paths.iter().any(inside)
        })
    };
    let mut out: Vec<LayerHabit> = Vec::with_capacity(layers.len());
    while !layers.is_empty() {
        // The first that holds no other one: folders cannot lie within one another in a circle.
        let free = (0..layers.len()).find(|i| {
            let others = layers.iter().enumerate().filter(|(j, _)| j != i);
            !others.clone().any(|(_, inner)| within(inner, &layers[*i]))
        });
        out.push(layers.remove(free.unwrap_or(0)));
    }
    out
}

fn layer(project: &Project, models: &[&Node], index: usize, layer: &Layer) -> LayerHabit {
    let of_layer = |m: &&&Node| m.layer.as_ref().is_some_and(|l| l.index == index);
    let models: Vec<&Node> = models.iter().filter(of_layer).copied().collect();
    let paths: Vec<&str> = models.iter().map(|m| project.path(m.file)).collect();
    let paths = globs(project, &models, &paths, layer);
    let present = |role: &&String| project.layers.layers.iter().any(|l| l.role == **role);
    let mut out = LayerHabit {
        name: layer.name.clone(),
        models: models.len(),
        prefixes: prefixes(&models),
        refs: layer.refs.iter().filter(present).cloned().collect(),
        sources: layer.sources,
        leaf: layer.leaf,
        materialized: materialized(&models),
        sequence: sequence(&models),
        ..LayerHabit::default()
    };
    out.tags = tags(project, &models, &paths);
    out.paths = paths;
    for model in &models {
        for (parent, _) in project.graph.parents(model.id) {
            let parent = project.node(parent);
            let forbidden = match parent.resource_type {
                ResourceType::Source => !layer.sources,
                ResourceType::Model if parent.is_own() => project
                    .role(parent)
                    .is_some_and(|role| !layer.refs.contains(role)),
                _ => false,
            };
            out.forbidden += usize::from(forbidden);
        }
    }
    out
}

/// Globs for the folders of a layer; where a layer's subfolders are named after sources, `{source}`
/// captures them.
fn globs(project: &Project, models: &[&Node], paths: &[&str], layer: &Layer) -> Vec<String> {
    let mut roots: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for (model, path) in models.iter().zip(paths) {
        let folders: Vec<&str> = path.split('/').collect();
        let folders = &folders[..folders.len().saturating_sub(1)];
        let Some(at) = (0..folders.len()).rev().find(|i| {
            let upto = format!("{}/x.sql", folders[..=*i].join("/"));
            layer.paths.iter().any(|p| p.matches(&upto))
                && (*i == 0 || {
                    let above = format!("{}/x.sql", folders[..*i].join("/"));
                    !layer.paths.iter().any(|p| p.matches(&above))
                })
        }) else {
            continue;
        };
        let root = folders[..=at].join("/");
        let entry = roots.entry(root).or_default();
        entry.0 += 1;
        let below = folders.get(at + 1).copied();
        entry.1 += usize::from(below.is_some_and(|f| is_source_folder(project, model, f)));
    }
    let by_source: usize = roots.values().map(|(_, named)| named).sum();
    let total: usize = roots.values().map(|(all, _)| all).sum();
    let tail = match is_habit(by_source, total) {
        true => "{source}/**",
        false => "**",
    };
    // Many roots of one name are one habit.
    let names: BTreeSet<&str> = roots
        .keys()
        .map(|r| r.rsplit('/').next().unwrap_or(r))
        .collect();
    let top = |r: &String| r.split('/').next().unwrap_or("").to_owned();
    let tops: BTreeSet<String> = roots.keys().map(top).collect();
    let mut globs: Vec<String> = if roots.len() > 3 {
        let each = tops.iter().flat_map(|top| {
            names
                .iter()
                .map(move |name| format!("{top}/**/{name}/{tail}"))
        });
        each.collect()
    } else {
        roots.keys().map(|root| format!("{root}/{tail}")).collect()
    };
    globs.retain(|g| PathPattern::new(g).is_ok());
    globs
}

/// Is a folder named after a source that the model reads?
fn is_source_folder(project: &Project, model: &Node, folder: &str) -> bool {
    let parents = project.graph.parents(model.id).into_iter();
    let mut sources = parents.filter_map(|(id, _)| project.node(id).source_name.as_deref());
    sources.any(|s| s.eq_ignore_ascii_case(folder))
}

/// Prefixes up to the first underscore that at least a tenth of the models have.
fn prefixes(models: &[&Node]) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for model in models {
        if let Some(i) = model.name.find('_').filter(|i| *i > 0) {
            *counts.entry(&model.name[..=i]).or_default() += 1;
        }
    }
    let enough = |n: usize| n >= 2 && n * 10 >= models.len();
    let counts = counts.into_iter().filter(|(_, n)| enough(*n));
    let mut found: Vec<(String, usize)> = counts.map(|(p, n)| (p.to_owned(), n)).collect();
    let named: usize = found.iter().map(|(_, n)| n).sum();
    if !leans(named, models.len()) {
        found.clear();
    }
    found.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    found
}

fn materialized(models: &[&Node]) -> Option<(String, usize)> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for model in models {
        let value = match model.config.get("materialized") {
            Some(_) => model.config.text("materialized")?,
            None if model.python => "table",
            None => "view",
        };
        *counts.entry(value).or_default() += 1;
    }
    let (value, count) = counts.into_iter().max_by_key(|(_, n)| *n)?;
    leans(count, models.len()).then(|| (value.to_owned(), count))
}

/// The CTE names that most models with CTEs have, in the order in which most have them.
fn sequence(models: &[&Node]) -> Option<Sequence> {
    let lists: Vec<Vec<String>> = models
        .iter()
        .filter_map(|m| m.sql.as_ref()?.query())
        .map(|q| {
            q.ctes
                .iter()
                .map(|c| c.name.name.to_ascii_lowercase())
                .collect()
        })
        .filter(|names: &Vec<String>| !names.is_empty())
        .collect();
    if lists.len() < 5 {
        return None;
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for list in &lists {
        let names: BTreeSet<&str> = list.iter().map(String::as_str).collect();
        for name in names {
            *counts.entry(name).or_default() += 1;
        }
    }
    let common: FxHashSet<&str> = counts
        .into_iter()
        .filter(|(_, n)| leans(*n, lists.len()))
        .map(|(name, _)| name)
        .collect();
    // The order of the list that has most of them; equal ones, the most frequent.
    let mut orders: BTreeMap<Vec<&str>, usize> = BTreeMap::new();
    for list in &lists {
        let here: Vec<&str> = list
            .iter()
            .map(String::as_str)
            .filter(|n| common.contains(n))
            .collect();
        *orders.entry(here).or_default() += 1;
    }
    let (names, _) = orders
        .into_iter()
        .max_by_key(|(names, n)| (*n, names.len()))?;
    if names.len() < 2 {
        return None;
    }
    let has_all = |l: &&Vec<String>| names.iter().all(|n| l.iter().any(|x| x == n));
    Some(Sequence {
        models: lists.iter().filter(has_all).count(),
        of: lists.len(),
        names: names.into_iter().map(str::to_owned).collect(),
    })
}

/// The template of the tags that models set in their own `config()`.
fn tags(project: &Project, models: &[&Node], globs: &[String]) -> Option<TagHabit> {
    let patterns: Vec<PathPattern> = globs
        .iter()
        .filter_map(|g| PathPattern::new(g).ok())
        .collect();
    let mut counts: FxHashMap<Vec<String>, usize> = FxHashMap::default();
    let mut of = 0;
    for model in models {
        let Some(Value::Array(list)) = inline(model, "tags") else {
            continue;
        };
        of += 1;
        let path = project.path(model.file);
        let source = patterns
            .iter()
            .find_map(|p| p.captures(path)?.remove("source"));
        let template = list.iter().filter_map(Value::as_str).map(|tag| {
            match source.as_ref().is_some_and(|s| s == tag) {
                true => "{source}".to_owned(),
                false => tag.to_owned(),
            }
        });
        *counts.entry(template.collect()).or_default() += 1;
    }
    let mut counts: Vec<(Vec<String>, usize)> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let (template, models) = counts.into_iter().next()?;
    (of >= 5 && leans(models, of) && !template.is_empty()).then_some(TagHabit {
        template,
        models,
        of,
    })
}

/// A value of the model's own `config()`.
fn inline<'p>(model: &'p Node, key: &str) -> Option<&'p Value> {
    let calls = model.sql.as_ref()?.configs.iter();
    let mut args = calls.flat_map(|c| &c.args).filter(|a| a.key == key);
    args.next()?.value.as_ref()
}

/// Folders below the model path, each with layers of its own: tenants, perhaps domains.
fn tenants(project: &Project, models: &[&Node]) -> Option<(Vec<String>, usize)> {
    let mut layers_of: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    let tenant = |node: &Node| -> Option<&str> {
        let mut parts = project.path(node.file).split('/');
        parts.next()?;
        let first = parts.next()?;
        parts.next()?;
        Some(first)
    };
    let mut layered = 0;
    for model in models {
        let (Some(name), Some(layer)) = (tenant(model), &model.layer) else {
            continue;
        };
        // The folder itself must not be the layer's.
        let probe = format!("models/{name}/x.sql");
        let is_layer = project
            .layers
            .layers
            .iter()
            .any(|l| l.paths.iter().any(|p| p.matches(&probe)));
        if !is_layer {
            layered += 1;
            layers_of.entry(name).or_default().insert(layer.index);
        }
    }
    let several = layers_of.values().filter(|l| l.len() > 1).count();
    if several < 2 || !is_habit(layered, models.len()) {
        return None;
    }
    let crossing = project
        .graph
        .edges()
        .into_iter()
        .filter(|(parent, child, _)| {
            let model = |id: &NodeId| {
                let node = project.node(*id);
                (node.resource_type == ResourceType::Model && node.is_own()).then_some(node)
            };
            let ends = model(parent).zip(model(child));
            ends.is_some_and(|(a, b)| tenant(a) != tenant(b))
        });
    let crossing = crossing.count();
    let names = layers_of.into_keys().map(str::to_owned).collect();
    Some((names, crossing))
}

/// Directories in which knowledge about sources is often kept.
const CONTEXT_DIRS: &[&str] = &[
    "context/sources",
    "context",
    "docs/sources",
    "docs/context",
    "knowledge/sources",
    "knowledge",
    "docs",
];

fn context(project: &Project, sources: &BTreeSet<&str>) -> Option<ContextHabit> {
    CONTEXT_DIRS.iter().find_map(|dir| {
        let files = files_below(&project.place, dir).files;
        let shapes = ["{source}/{source}.md", "{source}/README.md", "{source}.md"];
        shapes.into_iter().find_map(|overview| {
            let has = |s: &&&str| files.contains(&overview.replace("{source}", s));
            let found = sources.iter().filter(has).count();
            (found > 0).then(|| ContextHabit {
                dir: (*dir).to_owned(),
                overview: overview.to_owned(),
                sources: found,
            })
        })
    })
}

fn anti_patterns(project: &Project) -> Vec<String> {
    let dirs = ["anti-patterns", "anti_patterns"];
    let holds_rules = |dir: &&str| {
        let below = files_below(&project.place, dir);
        below.files.iter().any(|f| f.ends_with("rule.yaml"))
    };
    let found = dirs.into_iter().filter(holds_rules);
    found.map(str::to_owned).collect()
}
