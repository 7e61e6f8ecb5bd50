//! `target/manifest.json`, schema v12, as dbt 1.10 would write it for the clean project.
//!
//! Written node by node: the manifest of 10,000 models has some 280 MB and is never in memory.
//! Not in it, because no file of the project holds them: the nodes and macros of packages.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use serde_json::{Value, json};

use super::Plan;
use super::nodes::{
    MADE_AT, below_models, depends_on, disabled_node, macro_node, model_node, reference, seed_node,
    seed_test, singular_node, snapshot_node, source_node, test_node,
};
use super::project;
use super::properties::{self, Test};
use super::sql::Sql;
use super::truth::model_id;
use super::words::ENTITIES;

/// The manifest being written; nodes first, everything else in [`Manifest::finish`].
pub struct Manifest {
    out: BufWriter<Counted>,
    first: bool,
    /// What each node depends on, for the two maps at the end.
    parents: BTreeMap<String, Vec<String>>,
}

/// Counts what goes to the file.
struct Counted(File, u64);

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.0.write(bytes)?;
        self.1 += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Manifest {
    /// Begins the manifest of the project in `dir`.
    pub fn create(dir: &Path) -> io::Result<Self> {
        let target = dir.join("target");
        fs::create_dir_all(&target)?;
        let file = File::create(target.join("manifest.json"))?;
        let mut out = BufWriter::with_capacity(1 << 20, Counted(file, 0));
        write!(out, "{{\"metadata\": {}, \"nodes\": {{", metadata())?;
        Ok(Self {
            out,
            first: true,
            parents: BTreeMap::new(),
        })
    }

    /// Adds model number `index`, whose file has `bytes`, and its generic tests.
    pub fn model(&mut self, plan: &Plan, index: usize, sql: &Sql, bytes: &[u8]) -> io::Result<()> {
        let model = &plan.models[index];
        let depends_on = depends_on(&sql.refs);
        let node = model_node(plan, model, sql, bytes, &depends_on);
        self.node(&model_id(&model.name), &node, depends_on)?;
        for (column, tests) in properties::tests(plan, model) {
            for test in tests {
                let (id, node, depends_on) = test_node(plan, model, plan.vocab.name(column), &test);
                self.node(&id, &node, depends_on)?;
            }
        }
        Ok(())
    }

    /// Writes what follows the models; gives the manifest's size.
    pub fn finish(mut self, plan: &Plan) -> io::Result<u64> {
        self.other_nodes(plan)?;
        write!(self.out, "}}, \"sources\": {{")?;
        self.first = true;
        self.sources(plan)?;
        write!(self.out, "}}, \"macros\": {{")?;
        self.first = true;
        for (name, text) in project::macros(plan) {
            self.entry(&format!("macro.generated.{name}"), &macro_node(name, &text))?;
        }
        write!(self.out, "}}, \"docs\": {{}}, \"exposures\": {{")?;
        self.first = true;
        self.exposures(plan)?;
        write!(
            self.out,
            "}}, \"metrics\": {{}}, \"groups\": {{}}, \"selectors\": {{}}, \"semantic_models\": \
                {{}}, \"saved_queries\": {{}}, \
             \"unit_tests\": {{}}, \"disabled\": {{"
        )?;
        self.first = true;
        for number in 0..plan.disabled {
            let name = project::disabled_name(number);
            self.entry(&model_id(&name), &json!([disabled_node(plan, number)]))?;
        }
        write!(self.out, "}}, \"parent_map\": ")?;
        serde_json::to_writer(&mut self.out, &self.parents)?;
        write!(self.out, ", \"child_map\": ")?;
        serde_json::to_writer(&mut self.out, &children(&self.parents))?;
        self.out.write_all(b", \"group_map\": {}}")?;
        self.out.flush()?;
        Ok(self.out.get_ref().1)
    }

    fn node(&mut self, id: &str, node: &Value, depends_on: Vec<String>) -> io::Result<()> {
        self.parents.insert(id.to_owned(), depends_on);
        self.entry(id, node)
    }

    fn entry(&mut self, id: &str, node: &Value) -> io::Result<()> {
        let comma = if self.first { "" } else { ", " };
        self.first = false;
        write!(self.out, "{comma}\"{id}\": ")?;
        serde_json::to_writer(&mut self.out, node)?;
        Ok(())
    }

    fn other_nodes(&mut self, plan: &Plan) -> io::Result<()> {
        for (name, text, description) in project::SEEDS {
            let id = format!("seed.generated.{name}");
            self.node(&id, &seed_node(name, text, description), Vec::new())?;
        }
        let tests = [Test::Unique, Test::NotNull].map(|test| seed_test(&test));
        for (id, node, depends_on) in tests
            .into_iter()
            .chain([snapshot_node(plan), singular_node(plan)])
        {
            self.node(&id, &node, depends_on)?;
        }
        Ok(())
    }

    fn sources(&mut self, plan: &Plan) -> io::Result<()> {
        for source in &plan.sources {
            for &table in &source.tables {
                let id = format!("source.generated.{}.{}", source.name, ENTITIES[table].0);
                self.entry(&id, &source_node(&source.name, ENTITIES[table]))?;
                self.parents.insert(id, Vec::new());
            }
        }
        Ok(())
    }

    fn exposures(&mut self, plan: &Plan) -> io::Result<()> {
        for (index, models) in plan.exposures.iter().enumerate() {
            let name = properties::exposure_name(index);
            let path = properties::exposure_file(index);
            let id = format!("exposure.generated.{name}");
            let depends_on: Vec<String> = models
                .iter()
                .map(|&model| model_id(&plan.models[model].name))
                .collect();
            let refs: Vec<Value> = models
                .iter()
                .map(|&model| reference(None, &plan.models[model].name))
                .collect();
            let node = json!({
                "name": name, "resource_type": "exposure", "package_name": "generated", "path": below_models(&path),
                "original_file_path": path, "unique_id": id, "fqn": ["generated", "exposures", name], "type": "dashboard",
                "owner": {"email": "analytics@example.com", "name": "Analytics", "config": {}},
                "description": "A page of the company's \
                    reporting.", "label": null, "maturity": "high", "meta": {}, "tags": [],
                "config": {"enabled": true, "tags": [], "meta": {}}, "unrendered_config": {},
                "url": format!("https://bi.example.com/{name}"), "depends_on": {"macros": [], "nodes": depends_on},
                "refs": refs, "sources": [], "metrics": [], "created_at": MADE_AT,
            });
            self.node(&id, &node, depends_on)?;
        }
        Ok(())
    }
}

fn metadata() -> Value {
    json!({
        "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json", "dbt_version": "1.10.5",
        "generated_at": "2025-01-15T00:00:00.000000Z", "invocation_id": "00000000-0000-4000-8000-000000000000",
        "invocation_started_at": "2025-01-15T00:00:00.000000Z", "env": {}, "project_name": "generated",
        "project_id": "3d40dd64a9a5a6c2b5a9a0c1b1f0d3f7", "user_id": null, "send_anonymous_usage_stats": false,
        "adapter_type": "snowflake", "quoting": {"database": false, "schema": false, "identifier": false, "column": null},
    })
}

fn children(parents: &BTreeMap<String, Vec<String>>) -> BTreeMap<&str, Vec<&str>> {
    let mut children: BTreeMap<&str, Vec<&str>> =
        parents.keys().map(|id| (id.as_str(), Vec::new())).collect();
    for (child, of) in parents {
        for parent in of {
            children.entry(parent).or_default().push(child);
        }
    }
    children
}
