//! The project before it is text: sources, folders, models and the edges between them.
//!
//! Everything is decided here, in one order and from one seed. Writing a file afterwards looks at
//! the plan alone, so files can be rendered one by one and a project of any size never lies in
//! memory as text.

use std::collections::{HashMap, VecDeque};

use super::Spec;
use super::columns::{self, Column};
use super::defects::{self, Defect};
use super::lookalikes::{self, Lookalike};
use super::rng::Rng;
use super::words::{APPS, DOMAINS, ENTITIES, REGIONS, SYSTEMS, Vocab};

/// The layers of a generated project, upstream first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Layer {
    Staging,
    Intermediate,
    Mart,
    Application,
}

/// How a model is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// The five CTEs of staging.
    Staging,
    /// Import CTEs, one join, a final select.
    Join,
    /// A join, then one row per key by a window function and `qualify`.
    Window,
    /// A loop over statuses makes columns.
    Pivot,
    /// A condition that depends on a project variable.
    VarSwitch,
    /// Sums per account, then a join.
    Aggregate,
    /// Two parents under each other, then the final select.
    Union,
    /// An incremental join.
    Incremental,
    /// Nothing but a star: a defect, or suppressed.
    Star(StarForm),
}

/// How a star reaches the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StarForm {
    /// `select * from {{ ref() }}`.
    Direct,
    /// Through an import CTE.
    Import,
    /// Through an import CTE and `final`.
    ThroughFinal,
    /// `select x.*, 'label' as record_origin from {{ ref() }} as x`.
    Qualified,
}

/// A source system.
pub struct Source {
    /// Its name, which is also its folder's.
    pub name: String,
    /// Entities with a table, as indices into [`ENTITIES`].
    pub tables: Vec<usize>,
    /// Whether `context/sources` has its overview.
    pub has_overview: bool,
}

/// A folder of models with one property file.
pub struct Folder {
    /// From the project's root, without a slash at the end.
    pub path: String,
    /// The property file's name.
    pub properties: String,
    /// Its models, as indices into [`Plan::models`].
    pub models: Vec<usize>,
    /// The source it belongs to, in staging.
    pub source: Option<usize>,
}

/// One enabled model.
pub struct Model {
    pub layer: Layer,
    pub name: String,
    /// Index into [`Plan::folders`].
    pub folder: usize,
    /// Index into [`ENTITIES`]: what a row is about.
    pub entity: usize,
    /// Models it selects from, the base of its joins first.
    pub parents: Vec<usize>,
    pub shape: Shape,
    /// Output columns; the first is the key.
    pub columns: Vec<Column>,
    pub defect: Option<Defect>,
    pub lookalikes: Vec<Lookalike>,
}

impl Model {
    /// Whether `kind` of look-alike stands in this model.
    pub fn has(&self, lookalike: Lookalike) -> bool {
        self.lookalikes.contains(&lookalike)
    }

    /// Whether the defect `kind` stands in this model.
    pub fn is(&self, kind: defects::Kind) -> bool {
        self.defect
            .as_ref()
            .is_some_and(|defect| defect.kind == kind)
    }
}

/// A whole project, decided.
pub struct Plan {
    pub spec: Spec,
    pub vocab: Vocab,
    pub sources: Vec<Source>,
    pub folders: Vec<Folder>,
    pub models: Vec<Model>,
    /// Groups of models that exposures name, so that no leaf is an orphan.
    pub exposures: Vec<Vec<usize>>,
    /// How many disabled models stand beside the enabled ones.
    pub disabled: usize,
}

impl Plan {
    /// Decides the project of `spec`.
    pub fn new(spec: &Spec) -> Self {
        let mut plan = Self {
            spec: spec.clone(),
            vocab: Vocab::new(),
            sources: Vec::new(),
            folders: Vec::new(),
            models: Vec::with_capacity(spec.models),
            exposures: Vec::new(),
            disabled: (spec.models / 400).max(1),
        };
        let mut rng = Rng::new(spec.seed);
        let mut build = Build {
            plan: &mut plan,
            rng: &mut rng,
            names: HashMap::new(),
            depth: Vec::new(),
        };
        build.models();
        defects::assign(&mut plan, &mut rng);
        lookalikes::assign(&mut plan, &mut rng);
        columns::assign(&mut plan, &mut rng);
        plan.exposures = exposures(&plan);
        plan
    }

    /// The model's file, from the project's root.
    pub fn path(&self, model: &Model) -> String {
        format!("{}/{}.sql", self.folders[model.folder].path, model.name)
    }

    /// The property file that documents the model.
    pub fn properties_path(&self, model: &Model) -> String {
        let folder = &self.folders[model.folder];
        format!("{}/{}", folder.path, folder.properties)
    }

    /// The source whose folder the model lies in.
    pub fn source_of(&self, model: &Model) -> Option<usize> {
        self.folders[model.folder].source
    }
}

/// The work in progress of [`Plan::new`].
struct Build<'a> {
    plan: &'a mut Plan,
    rng: &'a mut Rng,
    /// How often a name was wanted: model names are unique in a project.
    names: HashMap<String, usize>,
    /// Edges between intermediate models above each model; chains stay short.
    depth: Vec<u8>,
}

impl Build<'_> {
    fn models(&mut self) {
        let total = self.plan.spec.models.max(8);
        let (staging, intermediate, marts) = (total * 40 / 100, total * 25 / 100, total * 25 / 100);
        let staging = staging.max(2);
        self.staging(staging);
        let first_mart = staging + intermediate;
        let mut unused: VecDeque<usize> = (0..staging).collect();
        self.intermediate(staging..first_mart, &mut unused);
        unused.extend(staging..first_mart);
        self.marts(first_mart..first_mart + marts, staging, &mut unused);
        self.applications(first_mart + marts..total, staging, first_mart);
    }

    fn staging(&mut self, count: usize) {
        let mut left = count;
        while left > 0 {
            // No source of one table at the end: take what would be left over into the last one.
            let wanted = self.rng.between(7, 12);
            let tables = if left <= wanted + 2 { left } else { wanted };
            left -= tables;
            let mut entities: Vec<usize> = (0..ENTITIES.len()).collect();
            self.rng.shuffle(&mut entities);
            entities.truncate(tables);
            self.source(entities);
        }
    }

    fn source(&mut self, tables: Vec<usize>) {
        let index = self.plan.sources.len();
        let name = source_name(index);
        let folder = self.folder(
            format!("models/staging/{name}"),
            format!("_{name}__models.yml"),
        );
        self.plan.folders[folder].source = Some(index);
        for &entity in &tables {
            let model = format!("stg_{name}__{}", ENTITIES[entity].0);
            self.push(
                Layer::Staging,
                &model,
                folder,
                entity,
                Vec::new(),
                Shape::Staging,
            );
        }
        self.plan.sources.push(Source {
            name,
            tables,
            has_overview: true,
        });
    }

    fn intermediate(&mut self, range: std::ops::Range<usize>, unused: &mut VecDeque<usize>) {
        let start = range.start;
        let folders = self.domains("intermediate", "int", range.len());
        for index in range.clone() {
            let base = unused.pop_front().unwrap_or_else(|| self.rng.below(start));
            let mut parents = vec![base];
            for _ in 1..self.parent_count() {
                let parent = if self.rng.percent(70) {
                    unused.pop_front().unwrap_or_else(|| self.rng.below(start))
                } else {
                    let any = self.rng.below(index);
                    if self.depth[any] < 2 {
                        any
                    } else {
                        self.rng.below(start)
                    }
                };
                push_new(&mut parents, parent);
            }
            let shape =
                *self
                    .rng
                    .pick(&[Shape::Join, Shape::Window, Shape::Pivot, Shape::VarSwitch]);
            let verb = match shape {
                Shape::Window => "latest",
                Shape::Pivot => "pivoted",
                Shape::VarSwitch => "scoped",
                _ => "joined",
            };
            let entity = self.plan.models[base].entity;
            let folder = folders[(index - start) * folders.len() / range.len()];
            let domain = last_segment(&self.plan.folders[folder].path).to_owned();
            let name = format!("int_{domain}__{}_{verb}", ENTITIES[entity].0);
            self.push(Layer::Intermediate, &name, folder, entity, parents, shape);
        }
    }

    fn marts(
        &mut self,
        range: std::ops::Range<usize>,
        staging: usize,
        unused: &mut VecDeque<usize>,
    ) {
        let start = range.start;
        let folders = self.domains("marts", "marts", range.len());
        // Unused intermediate models come last in the queue and every mart needs one first.
        for index in range.clone() {
            let base = unused
                .pop_back()
                .unwrap_or_else(|| staging + self.rng.below(start - staging));
            let mut parents = vec![base];
            for _ in 1..self.parent_count() {
                let leftover = unused.front().copied().filter(|&front| front < staging);
                let parent = if leftover.is_some() {
                    unused.pop_front().unwrap_or(0)
                } else if index > start && self.rng.percent(25) {
                    start + self.rng.below(index - start)
                } else {
                    self.rng.below(start)
                };
                push_new(&mut parents, parent);
            }
            let shape = *self.rng.pick(&[
                Shape::Aggregate,
                Shape::Join,
                Shape::Union,
                Shape::Incremental,
                Shape::Window,
            ]);
            let shape = if shape == Shape::Union && parents.len() < 2 {
                Shape::Join
            } else {
                shape
            };
            let entity = self.plan.models[base].entity;
            let plural = ENTITIES[entity].0;
            let name = match shape {
                Shape::Window => format!("dim_{plural}"),
                Shape::Aggregate => format!("fct_{plural}_by_account"),
                Shape::Union => format!("fct_{plural}_combined"),
                Shape::Incremental => format!("fct_{plural}_log"),
                _ => format!("fct_{plural}"),
            };
            let folder = folders[(index - start) * folders.len() / range.len()];
            self.push(Layer::Mart, &name, folder, entity, parents, shape);
        }
    }

    fn applications(&mut self, range: std::ops::Range<usize>, staging: usize, first_mart: usize) {
        let start = range.start;
        let count = (range.len() / 8).max(1);
        let folders: Vec<usize> = (0..count)
            .map(|index| {
                let app = numbered(APPS[index % APPS.len()], index / APPS.len());
                self.folder(
                    format!("models/applications/{app}"),
                    format!("_app_{app}__models.yml"),
                )
            })
            .collect();
        for index in range.clone() {
            let mut parents = Vec::new();
            for _ in 0..self.parent_count() {
                let parent = if self.rng.percent(85) && start > first_mart {
                    first_mart + self.rng.below(start - first_mart)
                } else {
                    staging + self.rng.below(start - staging)
                };
                push_new(&mut parents, parent);
            }
            let entity = self.plan.models[parents[0]].entity;
            let folder = folders[(index - start) * folders.len() / range.len()];
            let app = last_segment(&self.plan.folders[folder].path).to_owned();
            let name = format!("app_{app}_{}", ENTITIES[entity].0);
            let shape = *self
                .rng
                .pick(&[Shape::Join, Shape::VarSwitch, Shape::Window]);
            self.push(Layer::Application, &name, folder, entity, parents, shape);
        }
    }

    /// One parent in three cases of ten, three in a quarter.
    fn parent_count(&mut self) -> usize {
        match self.rng.below(100) {
            0..30 => 1,
            30..75 => 2,
            _ => 3,
        }
    }

    fn domains(&mut self, layer: &str, prefix: &str, models: usize) -> Vec<usize> {
        (0..(models / 20).max(1))
            .map(|index| {
                let domain = numbered(DOMAINS[index % DOMAINS.len()], index / DOMAINS.len());
                self.folder(
                    format!("models/{layer}/{domain}"),
                    format!("_{prefix}_{domain}__models.yml"),
                )
            })
            .collect()
    }

    fn folder(&mut self, path: String, properties: String) -> usize {
        self.plan.folders.push(Folder {
            path,
            properties,
            models: Vec::new(),
            source: None,
        });
        self.plan.folders.len() - 1
    }

    fn push(
        &mut self,
        layer: Layer,
        name: &str,
        folder: usize,
        entity: usize,
        parents: Vec<usize>,
        shape: Shape,
    ) {
        let seen = self.names.entry(name.to_owned()).or_insert(0);
        *seen += 1;
        let name = numbered(name, *seen - 1);
        let above = |parent: &usize| match (layer, self.plan.models[*parent].layer) {
            (Layer::Intermediate, Layer::Intermediate) => self.depth[*parent] + 1,
            _ => 0,
        };
        let depth = parents.iter().map(above).max().unwrap_or(0);
        self.depth.push(depth);
        self.plan.folders[folder]
            .models
            .push(self.plan.models.len());
        self.plan.models.push(Model {
            layer,
            name,
            folder,
            entity,
            parents,
            shape,
            columns: Vec::new(),
            defect: None,
            lookalikes: Vec::new(),
        });
    }
}

/// Exposures over every model that nothing else uses.
///
/// A model that only a file with broken Jinja refers to is covered too: that file's edges are
/// unknown, and the defect there must not make an orphan here.
fn exposures(plan: &Plan) -> Vec<Vec<usize>> {
    let mut used = vec![false; plan.models.len()];
    for model in plan
        .models
        .iter()
        .filter(|model| !model.is(defects::Kind::JinjaSyntax))
    {
        for &parent in &model.parents {
            used[parent] = true;
        }
    }
    let leaves: Vec<usize> = (0..used.len()).filter(|&index| !used[index]).collect();
    leaves.chunks(5).map(<[usize]>::to_vec).collect()
}

fn push_new(parents: &mut Vec<usize>, parent: usize) {
    if !parents.contains(&parent) {
        parents.push(parent);
    }
}

fn source_name(index: usize) -> String {
    let system = SYSTEMS[index % SYSTEMS.len()];
    match index / SYSTEMS.len() {
        0 => system.to_owned(),
        round if round <= REGIONS.len() => format!("{system}_{}", REGIONS[round - 1]),
        round => format!("{system}_{round}"),
    }
}

fn numbered(name: &str, round: usize) -> String {
    if round == 0 {
        name.to_owned()
    } else {
        format!("{name}_{}", round + 1)
    }
}

/// The last segment of a `/` path.
pub fn last_segment(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
