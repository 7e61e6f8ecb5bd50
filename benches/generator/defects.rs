//! Which model gets which planted defect.
//!
//! One defect per model, kinds in a cycle, so that every kind is there as soon as there are as many
//! defects as kinds. What a defect looks like is written where the file is written; what it must
//! raise stands in `truth.rs`.

use super::Plan;
use super::plan::{Layer, Shape, StarForm};
use super::rng::Rng;

/// A kind of planted defect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    CteMissing,
    LayerDirection,
    DocMissing,
    CteOrder,
    BrokenRef,
    TestPk,
    ConfigMissing,
    HardcodedRelation,
    StarOutput,
    Tags,
    InnerAfterLeft,
    ContextMissing,
    Materialization,
    JinjaSyntax,
    YamlSyntax,
    DuplicateNode,
    SuppressionReason,
    UnusedSuppression,
}

use Kind::{
    BrokenRef, ConfigMissing, ContextMissing, CteMissing, CteOrder, DocMissing, DuplicateNode,
    HardcodedRelation, InnerAfterLeft, JinjaSyntax, LayerDirection, Materialization, StarOutput,
    SuppressionReason, Tags, TestPk, UnusedSuppression, YamlSyntax,
};

/// All kinds, in the order in which they are planted.
pub const ALL: [Kind; 18] = [
    CteMissing,
    LayerDirection,
    DocMissing,
    CteOrder,
    BrokenRef,
    TestPk,
    ConfigMissing,
    HardcodedRelation,
    StarOutput,
    Tags,
    InnerAfterLeft,
    ContextMissing,
    Materialization,
    JinjaSyntax,
    YamlSyntax,
    DuplicateNode,
    SuppressionReason,
    UnusedSuppression,
];

impl Kind {
    /// The rule that must report it.
    pub fn rule(self) -> &'static str {
        match self {
            CteMissing => "structure/cte-missing",
            CteOrder => "structure/cte-order",
            ConfigMissing => "structure/config-missing",
            Tags => "structure/tags",
            Materialization => "structure/materialization",
            LayerDirection => "graph/layer-direction",
            BrokenRef => "graph/broken-ref",
            HardcodedRelation => "graph/hardcoded-relation",
            StarOutput => "sql/star-output",
            InnerAfterLeft => "sql/inner-after-left",
            TestPk => "test/pk",
            DocMissing => "doc/missing",
            ContextMissing => "context/source-missing",
            JinjaSyntax => "input/jinja-syntax",
            YamlSyntax => "input/yaml-syntax",
            DuplicateNode => "input/duplicate-node",
            SuppressionReason => "harness/suppression-reason",
            UnusedSuppression => "harness/unused-suppression",
        }
    }

    /// Layers whose models may bear it.
    fn layers(self) -> &'static [Layer] {
        use Layer::{Application, Intermediate, Mart, Staging};
        match self {
            CteMissing | CteOrder | ConfigMissing | Tags | Materialization | ContextMissing => {
                &[Staging]
            }
            StarOutput | SuppressionReason => &[Mart],
            DuplicateNode => &[Mart, Intermediate],
            TestPk | DocMissing | UnusedSuppression => &[Staging, Mart, Intermediate, Application],
            LayerDirection | BrokenRef | HardcodedRelation | InnerAfterLeft | JinjaSyntax
            | YamlSyntax => &[Intermediate, Mart, Application],
        }
    }

    /// Whether dbt itself would refuse the project: no manifest can have been made with it there.
    pub fn dbt_refuses(self) -> bool {
        matches!(self, BrokenRef | JinjaSyntax | YamlSyntax | DuplicateNode)
    }
}

/// A defect in a model.
#[derive(Debug, Clone)]
pub struct Defect {
    pub kind: Kind,
    /// How many of the kind came before: picks the form it takes.
    pub variant: usize,
    /// The parent that a forbidden edge goes to.
    pub target: Option<usize>,
}

/// The forbidden edges that are planted, child and parent.
const FORBIDDEN: [(Layer, Layer); 4] = [
    (Layer::Intermediate, Layer::Mart),
    (Layer::Application, Layer::Staging),
    (Layer::Staging, Layer::Intermediate),
    (Layer::Mart, Layer::Application),
];

/// Chooses the models and plants the defects.
pub fn assign(plan: &mut Plan, rng: &mut Rng) {
    let wanted = (plan.spec.models as f64 * plan.spec.defects.clamp(0.0, 1.0)).round() as usize;
    let mut planter = Planter {
        free: free_models(plan, rng),
        planted: [0; ALL.len()],
        is_target: vec![false; plan.models.len()],
        plan,
        rng,
    };
    for index in 0..wanted {
        // Where a layer has no model left, the next kind takes the place.
        let planted = (0..ALL.len()).any(|ahead| planter.plant((index + ahead) % ALL.len()));
        if !planted {
            return;
        }
    }
}

/// Models without a defect, per layer, in random order.
fn free_models(plan: &Plan, rng: &mut Rng) -> [Vec<usize>; 4] {
    let mut free: [Vec<usize>; 4] = Default::default();
    // Model 0 is the one a macro refers to; it stays clean and without parents of its own.
    for index in 1..plan.models.len() {
        free[plan.models[index].layer as usize].push(index);
    }
    for models in &mut free {
        rng.shuffle(models);
    }
    free
}

struct Planter<'a> {
    plan: &'a mut Plan,
    rng: &'a mut Rng,
    free: [Vec<usize>; 4],
    planted: [usize; ALL.len()],
    /// Models that a forbidden edge points to: their own edges must stay known.
    is_target: Vec<bool>,
}

impl Planter<'_> {
    fn plant(&mut self, place: usize) -> bool {
        let kind = ALL[place];
        let variant = self.planted[place];
        let chosen = match kind {
            LayerDirection => self.forbidden_edge(variant),
            ContextMissing => self.source_without_overview(),
            _ => self
                .take(kind.layers(), variant, kind)
                .map(|model| (model, None)),
        };
        let Some((model, target)) = chosen else {
            return false;
        };
        self.planted[place] += 1;
        self.shape(kind, variant, model);
        self.plan.models[model].defect = Some(Defect {
            kind,
            variant,
            target,
        });
        true
    }

    /// A free model of one of `layers`, beginning with a different layer for each variant.
    fn take(&mut self, layers: &[Layer], variant: usize, kind: Kind) -> Option<usize> {
        for turn in 0..layers.len() {
            let layer = layers[(variant + turn) % layers.len()] as usize;
            let fits = |index: &&usize| kind != JinjaSyntax || !self.is_target[**index];
            if let Some(&model) = self.free[layer].iter().rev().find(fits) {
                self.free[layer].retain(|&other| other != model);
                return Some(model);
            }
        }
        None
    }

    /// What the defect asks of the model's shape, before its columns are decided.
    fn shape(&mut self, kind: Kind, variant: usize, model: usize) {
        let model = &mut self.plan.models[model];
        let forms = [
            StarForm::Direct,
            StarForm::Import,
            StarForm::ThroughFinal,
            StarForm::Qualified,
        ];
        match kind {
            StarOutput => model.shape = Shape::Star(forms[variant % forms.len()]),
            // On one line with its comment, so that wherever a star is reported, it is covered.
            SuppressionReason => model.shape = Shape::Star(StarForm::Direct),
            _ => return,
        }
        model.parents.truncate(1);
    }

    fn source_without_overview(&mut self) -> Option<(usize, Option<usize>)> {
        let staging = &mut self.free[Layer::Staging as usize];
        let place = staging.iter().rposition(|&index| {
            let source = self.plan.source_of(&self.plan.models[index]);
            source.is_some_and(|source| self.plan.sources[source].has_overview)
        })?;
        let model = staging.remove(place);
        let source = self.plan.source_of(&self.plan.models[model])?;
        self.plan.sources[source].has_overview = false;
        Some((model, None))
    }

    /// A child and a parent that the layer table keeps apart, without a cycle.
    fn forbidden_edge(&mut self, variant: usize) -> Option<(usize, Option<usize>)> {
        for turn in 0..FORBIDDEN.len() {
            let (child_layer, parent_layer) = FORBIDDEN[(variant + turn) % FORBIDDEN.len()];
            let parents: Vec<usize> = self.models_of(parent_layer);
            for attempt in 0..8 {
                let free = &self.free[child_layer as usize];
                let Some(&child) = free.get(free.len().wrapping_sub(1 + attempt)) else {
                    break;
                };
                let Some(parent) = self.forbidden_parent(child, &parents) else {
                    continue;
                };
                self.free[child_layer as usize].retain(|&other| other != child);
                self.is_target[parent] = true;
                return Some((child, Some(parent)));
            }
        }
        None
    }

    fn models_of(&self, layer: Layer) -> Vec<usize> {
        (0..self.plan.models.len())
            .filter(|&index| self.plan.models[index].layer == layer)
            .collect()
    }

    fn forbidden_parent(&mut self, child: usize, parents: &[usize]) -> Option<usize> {
        let start = self.rng.below(parents.len());
        let folder = self.plan.models[child].folder;
        let is_staging = self.plan.models[child].layer == Layer::Staging;
        // A staging model must not reach another source through its new parent: that is
        // structure/model-location's finding, and the intermediate models of one source lie near
        // each other, so the whole list is searched.
        let reach = if is_staging {
            parents.len()
        } else {
            parents.len().min(40)
        };
        (0..reach)
            .map(|step| parents[(start + step) % parents.len()])
            .find(|&parent| {
                let model = &self.plan.models[parent];
                let ancestors = if is_staging && model.parents.len() > 2 {
                    return false;
                } else {
                    ancestors(self.plan, parent)
                };
                parent != child
                    && !model.is(JinjaSyntax)
                    && !self.plan.models[child].parents.contains(&parent)
                    && !ancestors.contains(&child)
                    && (!is_staging || stay_in_folder(self.plan, &ancestors, folder))
            })
    }
}

fn stay_in_folder(plan: &Plan, ancestors: &[usize], folder: usize) -> bool {
    ancestors.iter().all(|&index| {
        let model = &plan.models[index];
        model.layer != Layer::Staging || model.folder == folder
    })
}

/// The model itself and everything above it, over every edge but those in files that cannot be read.
pub fn ancestors(plan: &Plan, start: usize) -> Vec<usize> {
    let mut seen = vec![start];
    let mut next = 0;
    while next < seen.len() {
        let model = &plan.models[seen[next]];
        next += 1;
        let target = model.defect.as_ref().and_then(|defect| defect.target);
        for &parent in model.parents.iter().chain(&target) {
            if !seen.contains(&parent) {
                seen.push(parent);
            }
        }
    }
    seen
}
