//! What a perfect linter reports on the generated project.
//!
//! Readings of the rules, where their page leaves room:
//! - A finding on a model (test/pk, doc/missing) stands at the model's SQL file; the property file
//!   is accepted too, as `also`.
//! - input/duplicate-node is one finding, at the copy whose path sorts last; the other path is
//!   accepted as `also`.
//! - A suppression without a reason still suppresses: only harness/suppression-reason is expected.
//!   The finding it covers is `tolerated`, for a linter that refuses the suppression altogether.
//! - input/jinja-syntax stands at the tag that is left open.
//! - `line` is null wherever two places are equally right.

use serde_json::{Value, json};

use super::Plan;
use super::defects::{Defect, Kind, ancestors};
use super::lookalikes::Lookalike;
use super::plan::{Layer, Model, Shape, StarForm};
use super::sql::Sql;
use super::staging;

/// A finding of the truth.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expected {
    pub path: String,
    pub rule: String,
    /// 1-based; none where the place is a matter of taste.
    pub line: Option<usize>,
    pub unique_id: Option<String>,
    /// What was planted.
    pub note: String,
    /// Other paths at which the finding is as right.
    pub also: Vec<String>,
}

/// Text that must not be reported.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Harmless {
    pub path: String,
    pub what: String,
}

/// The project's ground truth and size.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Truth {
    /// Must be reported, and of the planted rules nothing else.
    pub expected: Vec<Expected>,
    /// May be reported.
    pub tolerated: Vec<Expected>,
    /// Must not be reported.
    pub lookalikes: Vec<Harmless>,
    /// How many models bear a planted defect.
    pub defective: usize,
    /// Files and bytes written, the manifest included.
    pub files: usize,
    pub bytes: u64,
}

/// The unique id of a model.
pub fn model_id(name: &str) -> String {
    format!("model.generated.{name}")
}

impl Truth {
    /// Notes a harmless place.
    pub fn harmless(&mut self, path: &str, what: &str) {
        self.lookalikes.push(Harmless {
            path: path.to_owned(),
            what: what.to_owned(),
        });
    }

    /// Notes what model number `index`, written as `sql`, must raise and must not.
    pub fn model(&mut self, plan: &Plan, index: usize, sql: &Sql) {
        let model = &plan.models[index];
        let path = plan.path(model);
        for lookalike in &model.lookalikes {
            self.harmless(&path, lookalike.what());
        }
        if model.shape == Shape::Incremental {
            self.harmless(&path, "`this` in an incremental model");
        }
        if let Some(defect) = &model.defect {
            self.defective += 1;
            self.defect(plan, index, defect, sql);
        }
    }

    fn defect(&mut self, plan: &Plan, index: usize, defect: &Defect, sql: &Sql) {
        let model = &plan.models[index];
        let mut expected = Expected {
            path: plan.path(model),
            rule: defect.kind.rule().to_owned(),
            line: sql.marked_line(),
            unique_id: Some(model_id(&model.name)),
            note: String::new(),
            also: Vec::new(),
        };
        match defect.kind {
            Kind::CteMissing => return self.missing_ctes(defect, &expected),
            Kind::TestPk | Kind::DocMissing => expected.also.push(plan.properties_path(model)),
            Kind::StarOutput
                if !matches!(
                    model.shape,
                    Shape::Star(StarForm::Direct | StarForm::Qualified)
                ) =>
            {
                "the star of the import or of the output".clone_into(&mut expected.note);
            }
            Kind::LayerDirection => {
                let parent = defect.target.map_or("", |target| &plan.models[target].name);
                expected.note = format!("on {parent}");
                self.foreign_sources(plan, index, defect, &expected);
            }
            Kind::SuppressionReason => {
                let covered = Expected {
                    rule: Kind::StarOutput.rule().to_owned(),
                    ..expected.clone()
                };
                self.tolerated.push(covered);
            }
            Kind::ContextMissing => source_without_overview(plan, model, &mut expected),
            Kind::YamlSyntax => {
                expected.path = broken_yaml_path(plan, model);
                expected.line = Some(super::properties::broken_yaml(model, defect).1);
                expected.unique_id = None;
            }
            Kind::DuplicateNode => {
                let mut paths = [plan.path(model), copy_path(plan, model)];
                paths.sort();
                let [first, second] = paths;
                expected.path = second;
                expected.also.push(first);
            }
            _ => {}
        }
        self.expected.push(expected);
    }

    fn missing_ctes(&mut self, defect: &Defect, expected: &Expected) {
        let missing = staging::MISSING[defect.variant % staging::MISSING.len()];
        // A model without any CTE gets one finding, not five.
        let notes: &[&str] = if missing.len() == staging::SEQUENCE.len() {
            &["no CTE at all"]
        } else {
            missing
        };
        for &note in notes {
            self.expected.push(Expected {
                note: note.to_owned(),
                ..expected.clone()
            });
        }
    }

    /// A staging model that reaches a foreign source through its forbidden parent also lies in the
    /// wrong folder. Planting avoids it; edges planted later may bring it back.
    fn foreign_sources(&mut self, plan: &Plan, index: usize, defect: &Defect, expected: &Expected) {
        let model = &plan.models[index];
        let Some(target) = defect.target else { return };
        let reached = ancestors(plan, target);
        let foreign = |&ancestor: &usize| {
            let ancestor = &plan.models[ancestor];
            ancestor.layer == Layer::Staging && ancestor.folder != model.folder
        };
        let by_macro = |&ancestor: &usize| plan.models[ancestor].has(Lookalike::MacroRef);
        if model.layer == Layer::Staging
            && (reached.iter().any(foreign) || reached.iter().any(by_macro))
        {
            self.tolerated.push(Expected {
                rule: "structure/model-location".to_owned(),
                line: None,
                note: "reads a foreign source through its parent".to_owned(),
                ..expected.clone()
            });
        }
    }

    /// Puts everything into the order of the file.
    pub fn sort(&mut self) {
        self.expected.sort();
        self.tolerated.sort();
        self.lookalikes.sort();
    }

    /// The content of `.truth.json`.
    pub fn to_json(&self) -> Value {
        json!({
            "expected": self.expected.iter().map(Expected::to_json).collect::<Vec<_>>(),
            "tolerated": self.tolerated.iter().map(Expected::to_json).collect::<Vec<_>>(),
            "lookalikes": self.lookalikes.iter().map(|place| json!({"path": place.path, "what": place.what})).collect::<Vec<_>>(),
        })
    }
}

impl Expected {
    fn to_json(&self) -> Value {
        json!({
            "rule": self.rule, "path": self.path, "line": self.line, "unique_id": self.unique_id, "note": self.note,
            "also": self.also,
        })
    }
}

/// The finding stands at the first file of the source's folder, which is its property file.
fn source_without_overview(plan: &Plan, model: &Model, expected: &mut Expected) {
    let folder = &plan.folders[model.folder];
    expected.path = format!("{}/{}", folder.path, folder.properties);
    expected.line = None;
    expected.unique_id = None;
    expected.note = super::plan::last_segment(&folder.path).to_owned();
    // "The first file" may also be read as the first model.
    let first = folder
        .models
        .iter()
        .map(|&index| plan.path(&plan.models[index]))
        .min();
    expected.also.extend(first);
}

/// The property file with a syntax error.
pub fn broken_yaml_path(plan: &Plan, model: &Model) -> String {
    format!(
        "{}/_{}__left_over.yml",
        plan.folders[model.folder].path, model.name
    )
}

/// Where the second model of a name lies: another folder of the same layer.
pub fn copy_path(plan: &Plan, model: &Model) -> String {
    let own = &plan.folders[model.folder].path;
    let root = own.rsplit_once('/').map_or("", |(root, _)| root);
    let next = plan
        .folders
        .get(model.folder + 1)
        .filter(|folder| folder.path.starts_with(root));
    match next {
        Some(folder) => format!("{}/{}.sql", folder.path, model.name),
        None => format!("{root}/copied/{}.sql", model.name),
    }
}
