//! Property files: models, sources, exposures, seeds.

use super::Plan;
use super::defects::{Defect, Kind};
use super::plan::{Folder, Layer, Model, Shape, Source};
use super::words::{ColumnId, ENTITIES};

/// A generic test on a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    Unique,
    NotNull,
    /// `status` against the known values.
    AcceptedValues,
    /// The account, looked up in the parent of that name.
    Relationships(String),
}

impl Test {
    /// The generic test's name.
    pub fn name(&self) -> &'static str {
        match self {
            Test::Unique => "unique",
            Test::NotNull => "not_null",
            Test::AcceptedValues => "accepted_values",
            Test::Relationships(_) => "relationships",
        }
    }
}

/// The values that `status` may have.
pub const STATUS_VALUES: [&str; 4] = ["open", "paid", "void", "test"];

/// The tests of a model, column by column in the columns' order.
pub fn tests(plan: &Plan, model: &Model) -> Vec<(ColumnId, Vec<Test>)> {
    let key = model.columns[0].id;
    if model.is(Kind::TestPk) {
        return weak_tests(model, key);
    }
    let mut tests = vec![(key, vec![Test::Unique, Test::NotNull])];
    for column in model.columns.iter().skip(1) {
        match plan.vocab.name(column.id) {
            "account_id" if model.layer != Layer::Staging && model.shape != Shape::Aggregate => {
                let parent = plan.models[model.parents[0]].name.clone();
                tests.push((column.id, vec![Test::NotNull, Test::Relationships(parent)]));
            }
            "account_id" | "created_at" => tests.push((column.id, vec![Test::NotNull])),
            "status" if model.layer == Layer::Staging => {
                tests.push((column.id, vec![Test::AcceptedValues]))
            }
            _ => {}
        }
    }
    tests
}

/// What a model without a proven key may still have.
fn weak_tests(model: &Model, key: ColumnId) -> Vec<(ColumnId, Vec<Test>)> {
    let other = model.columns[2].id;
    match model.defect.as_ref().map_or(0, |defect| defect.variant) % 4 {
        0 => Vec::new(),
        1 => vec![(key, vec![Test::Unique])],
        2 => vec![(key, vec![Test::NotNull])],
        // Both tests, but never on one column.
        _ => vec![(key, vec![Test::NotNull]), (other, vec![Test::Unique])],
    }
}

/// A model's description; nothing where that is the defect.
pub fn description(plan: &Plan, model: &Model) -> Option<String> {
    if model.is(Kind::DocMissing) {
        return None;
    }
    let (plural, singular) = ENTITIES[model.entity];
    let (plural, singular) = (plural.replace('_', " "), singular.replace('_', " "));
    let folder = super::plan::last_segment(&plan.folders[model.folder].path);
    Some(match (model.layer, model.shape) {
        (Layer::Staging, _) => format!(
            "The {plural} of {folder}, one row per {singular}, named and typed as everywhere else."
        ),
        (_, Shape::Aggregate) => format!("Sums over {plural}, one row per account, for {folder}."),
        (_, Shape::Union) => {
            format!("All {plural} of {folder} under one key – auch die aus Altsystemen.")
        }
        (Layer::Intermediate, _) => {
            format!("Prepares {plural} for {folder}, one row per {singular}.")
        }
        (Layer::Mart, _) => format!("What {folder} knows about {plural}, one row per {singular}."),
        (Layer::Application, _) => {
            format!("What {folder} shows of {plural}, one row per {singular}.")
        }
    })
}

/// Whether the folder's file names its key tests once and repeats them by alias.
pub fn has_anchor(plan: &Plan, folder: &Folder) -> bool {
    let named = |&&index: &&usize| !plan.models[index].is(Kind::TestPk);
    folder.path.len().is_multiple_of(3) && folder.models.iter().filter(named).count() >= 2
}

/// The property file of a folder.
pub fn models(plan: &Plan, folder: &Folder) -> String {
    let mut out = String::from("version: 2\n\nmodels:\n");
    let anchors = has_anchor(plan, folder);
    let mut anchored = false;
    for &index in &folder.models {
        let model = &plan.models[index];
        out.push_str(&format!("  - name: {}\n", model.name));
        match description(plan, model) {
            Some(text) if index % 7 == 3 => {
                out.push_str(&format!("    description: >-\n      {text}\n"))
            }
            Some(text) => out.push_str(&format!("    description: {text}\n")),
            None if model
                .defect
                .as_ref()
                .is_some_and(|defect| defect.variant % 2 == 1) =>
            {
                out.push_str("    description: \"\"\n");
            }
            None => {}
        }
        out.push_str("    columns:\n");
        let tests = tests(plan, model);
        for column in &model.columns {
            let name = plan.vocab.name(column.id);
            out.push_str(&format!(
                "      - name: {name}\n        description: {}\n",
                plan.vocab.description(column.id)
            ));
            if let Some((_, tests)) = tests.iter().find(|(id, _)| *id == column.id) {
                column_tests(&mut out, tests, anchors, &mut anchored);
            }
        }
    }
    out
}

fn column_tests(out: &mut String, tests: &[Test], anchors: bool, anchored: &mut bool) {
    if tests == [Test::Unique, Test::NotNull] {
        let text = match (anchors, *anchored) {
            (false, _) => "[unique, not_null]",
            (true, false) => "&key_tests [unique, not_null]",
            (true, true) => "*key_tests",
        };
        *anchored = anchors;
        out.push_str(&format!("        data_tests: {text}\n"));
        return;
    }
    out.push_str("        data_tests:\n");
    for test in tests {
        out.push_str(&format!("          - {}", test.name()));
        match test {
            Test::AcceptedValues => {
                out.push_str(&format!(
                    ":\n              arguments:\n                values: [{}]\
                    \n",
                    STATUS_VALUES.join(", ")
                ));
            }
            Test::Relationships(parent) => out.push_str(&format!(
                ":\n              arguments:\n                to: ref('{parent}')\
                    \n                field: account_id\n"
            )),
            _ => out.push('\n'),
        }
    }
}

/// The source file of a staging folder.
pub fn sources(source: &Source) -> String {
    let name = &source.name;
    let mut out = format!(
        "version: 2\n\nsources:\n  - name: {name}\n    description: Tables of {name} as they \
            arrive every night.\n    \
         database: raw\n    schema: {name}\n    config:\n      loaded_at_field: _ingested_at\
         \n      freshness:\n        \
         warn_after: {{count: 24, period: hour}}\n        error_after: {{count: 48, period: \
         hour}}\n    tables:\n"
    );
    for &table in &source.tables {
        let (plural, singular) = ENTITIES[table];
        out.push_str(&format!(
            "      - name: {plural}\n        description: One row per {} and change, append only.\
                \n",
            singular.replace('_', " ")
        ));
    }
    out
}

/// How many exposures share a file.
const EXPOSURES_PER_FILE: usize = 50;

/// The exposure files: path and text.
pub fn exposures(plan: &Plan) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for (number, chunk) in plan.exposures.chunks(EXPOSURES_PER_FILE).enumerate() {
        let mut out = String::from("version: 2\n\nexposures:\n");
        for (place, models) in chunk.iter().enumerate() {
            let name = exposure_name(number * EXPOSURES_PER_FILE + place);
            out.push_str(&format!(
                "  - name: {name}\n    type: dashboard\n    maturity: high\n    url: \
                    https://bi.example.com/{name}\n    \
                 description: A page of the company's reporting.\n    owner:\n      name: \
                 Analytics\n      \
                 email: analytics@example.com\n    depends_on:\n"
            ));
            for &model in models {
                out.push_str(&format!("      - ref('{}')\n", plan.models[model].name));
            }
        }
        files.push((exposure_path(number), out));
    }
    files
}

/// The name of exposure number `index`.
pub fn exposure_name(index: usize) -> String {
    format!("page_{:05}", index + 1)
}

/// The file in which exposure number `index` stands.
pub fn exposure_file(index: usize) -> String {
    exposure_path(index / EXPOSURES_PER_FILE)
}

fn exposure_path(file: usize) -> String {
    format!("models/exposures/_exposures_{:04}.yml", file + 1)
}

/// A property file that is no YAML, and the line where it stops being so.
///
/// Its model is described in its folder's own file as well, so nothing else is missing.
pub fn broken_yaml(model: &Model, defect: &Defect) -> (String, usize) {
    let head = format!("version: 2\n\nmodels:\n  - name: {}\n", model.name);
    match defect.variant % 3 {
        0 => (head + "    description: Left over: nobody reads it\n", 5),
        1 => (head + "    columns:\n\t\t- name: account_id\n", 6),
        _ => (head + "    meta:\n      owner: @analytics\n", 6),
    }
}
