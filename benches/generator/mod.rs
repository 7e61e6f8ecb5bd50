//! Makes dbt projects of any size, with planted defects and the list of what a linter must report.
//!
//! Benchmarks need projects larger than any public one; tests need projects whose every defect is
//! known. The same spec gives the same bytes, on every machine. Depends on std, serde_json and sha2
//! only, never on the linter, so that a mistake there cannot hide itself here.

mod columns;
mod defects;
mod downstream;
mod lookalikes;
mod manifest;
mod nodes;
mod plan;
mod project;
mod properties;
mod render;
mod rng;
mod spice;
mod sql;
mod staging;
mod truth;
mod words;

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use defects::Kind;
use manifest::Manifest;
use plan::Plan;
#[allow(unused_imports, reason = "tests name it, the command does not")]
pub use truth::Expected;
pub use truth::Truth;

/// What to generate.
#[derive(Debug, Clone)]
pub struct Spec {
    /// Enabled models, at least 8; copies of a duplicate-node defect and disabled models come on
    /// top.
    pub models: usize,
    /// Share of models that get a planted defect, 0 to 1. The first model stays clean even at 1: a
    /// macro refers to it.
    pub defects: f64,
    /// Decides everything that is random.
    pub seed: u64,
    /// Whether to write `target/manifest.json`.
    pub manifest: bool,
    /// Fewest and most columns of a model; aggregates may have fewer where their base is narrow.
    pub columns: (usize, usize),
    /// Leaves out what real dbt refuses without network: packages and refs into them; DuckDB profile.
    pub parseable: bool,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            models: 1000,
            defects: 0.0,
            seed: 7,
            manifest: false,
            columns: (10, 60),
            parseable: false,
        }
    }
}

/// Writes the project of `spec` into `dir`, which must be empty or not exist, and its truth into
/// `.truth.json` there.
pub fn generate(dir: &Path, spec: &Spec) -> io::Result<Truth> {
    let mut out = Output::new(dir)?;
    let plan = Plan::new(spec);
    let mut truth = Truth::default();
    let mut manifest = if spec.manifest {
        Some(Manifest::create(dir)?)
    } else {
        None
    };
    for index in 0..plan.models.len() {
        write_model(&plan, index, &mut out, &mut truth, manifest.as_mut())?;
    }
    write_folders(&plan, &mut out, &mut truth)?;
    for (path, text) in project::files(&plan)
        .into_iter()
        .chain(properties::exposures(&plan))
    {
        out.write(&path, text.as_bytes())?;
    }
    for number in 0..plan.disabled {
        truth.harmless(
            &project::disabled(&plan, number).0,
            "a ref to nothing in a disabled model",
        );
    }
    if let Some(manifest) = manifest {
        out.bytes += manifest.finish(&plan)?;
        out.files += 1;
    }
    truth.sort();
    let mut json = serde_json::to_vec_pretty(&truth.to_json())?;
    json.push(b'\n');
    out.write(".truth.json", &json)?;
    truth.files = out.files;
    truth.bytes = out.bytes;
    Ok(truth)
}

/// One model's file, and what its defect adds beside it.
fn write_model(
    plan: &Plan,
    index: usize,
    out: &mut Output,
    truth: &mut Truth,
    manifest: Option<&mut Manifest>,
) -> io::Result<()> {
    let model = &plan.models[index];
    let sql = render::render(plan, index, model.defect.as_ref());
    let bytes = render::encode(model, &sql.raw);
    out.write(&plan.path(model), &bytes)?;
    truth.model(plan, index, &sql);
    let kind = model.defect.as_ref().map(|defect| defect.kind);
    if kind == Some(Kind::DuplicateNode) {
        out.write(&truth::copy_path(plan, model), &bytes)?;
    }
    if let (Some(Kind::YamlSyntax), Some(defect)) = (kind, &model.defect) {
        let (text, _) = properties::broken_yaml(model, defect);
        out.write(&truth::broken_yaml_path(plan, model), text.as_bytes())?;
    }
    let Some(manifest) = manifest else {
        return Ok(());
    };
    if kind.is_some_and(Kind::dbt_refuses) {
        // dbt would have made no manifest of this: it is as of the day before the defect, and the
        // checksum says so.
        let sql = render::render(plan, index, None);
        let bytes = render::encode(model, &sql.raw);
        return manifest.model(plan, index, &sql, &bytes);
    }
    manifest.model(plan, index, &sql, &bytes)
}

fn write_folders(plan: &Plan, out: &mut Output, truth: &mut Truth) -> io::Result<()> {
    for folder in plan
        .folders
        .iter()
        .filter(|folder| !folder.models.is_empty())
    {
        let path = format!("{}/{}", folder.path, folder.properties);
        out.write(&path, properties::models(plan, folder).as_bytes())?;
        if properties::has_anchor(plan, folder) {
            truth.harmless(&path, "key tests by YAML alias");
        }
    }
    for (index, source) in plan.sources.iter().enumerate() {
        let name = &source.name;
        out.write(
            &format!("models/staging/{name}/_{name}__sources.yml"),
            properties::sources(source).as_bytes(),
        )?;
        if source.has_overview {
            let (path, text) = project::overview(plan, index, source);
            out.write(&path, text.as_bytes())?;
        }
    }
    Ok(())
}

/// The directory that is written to.
struct Output {
    root: PathBuf,
    made: HashSet<PathBuf>,
    files: usize,
    bytes: u64,
}

impl Output {
    /// Refuses a directory with anything in it: old files would be part of the project.
    fn new(root: &Path) -> io::Result<Self> {
        fs::create_dir_all(root)?;
        if fs::read_dir(root)?.next().is_some() {
            let message = format!("{} is not empty", root.display());
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
        }
        Ok(Self {
            root: root.to_owned(),
            made: HashSet::new(),
            files: 0,
            bytes: 0,
        })
    }

    fn write(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.root.join(path);
        if let Some(parent) = path.parent()
            && !self.made.contains(parent)
        {
            fs::create_dir_all(parent)?;
            self.made.insert(parent.to_owned());
        }
        self.files += 1;
        self.bytes += bytes.len() as u64;
        fs::write(path, bytes)
    }
}
