//! How much of real repositories is understood. Ignored, for it needs clones of them:
//!
//! ```text
//! HARNESS_LINT_CORPORA=<directory of clones> cargo test --release --test corpora -- --ignored --nocapture
//! ```
//!
//! Every dbt project below the directory is read; the projects of one clone are one corpus. One
//! table is printed, then what was not understood, each with its cause. The test fails where a
//! share is below the thresholds here. docs/measurements.md holds the last table.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use harness_lint::config::ManifestSetting;
use harness_lint::project::lineage::Lineage;
use harness_lint::project::{Node, Project, ResourceType};
use harness_lint::run::{Request, prepare};
use harness_lint::syntax::sql::Dialect;
use harness_lint::syntax::sql::tree::{Body, Query};
use harness_lint::syntax::template::coverage::Coverage;
use harness_lint::syntax::template::{SqlFile, SqlTree};
use harness_lint::threads;
use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::path::{Path, PathBuf};

/// Of all models that hold a query, how many must give a tree of the whole file.
const PARSED_TOGETHER: f64 = 0.998;
/// The same for one corpus.
const PARSED_EACH: f64 = 0.985;
/// Corpora with fewer models are held to the sum only.
const LARGE: usize = 51;
/// SQL bytes outside Jinja that reach the parser as they stand, per corpus.
const BYTES_READ: f64 = 0.99;

/// Directories in which a dbt_project.yml is not a project of the clone.
const NOT_HERE: &[&str] = &[
    "target",
    "dbt_packages",
    "dbt_modules",
    "dbt_internal_packages",
    "integration_tests",
    "node_modules",
    "venv",
];

#[derive(Default, Clone)]
struct Tally {
    models: usize,
    enabled: usize,
    python: usize,
    /// Bodies that are no query: a semantic view, a file of comments.
    no_query: usize,
    /// Models that hold a query.
    queries: usize,
    parsed: usize,
    ctes_known: usize,
    relations_known: usize,
    with_shims: usize,
    /// Models of which not every output column has a known name.
    opaque_columns: usize,
    sql_bytes: u64,
    read_bytes: u64,
    shimmed_bytes: u64,
}

impl AddAssign<&Tally> for Tally {
    fn add_assign(&mut self, other: &Tally) {
        self.models += other.models;
        self.enabled += other.enabled;
        self.python += other.python;
        self.no_query += other.no_query;
        self.queries += other.queries;
        self.parsed += other.parsed;
        self.ctes_known += other.ctes_known;
        self.relations_known += other.relations_known;
        self.with_shims += other.with_shims;
        self.opaque_columns += other.opaque_columns;
        self.sql_bytes += other.sql_bytes;
        self.read_bytes += other.read_bytes;
        self.shimmed_bytes += other.shimmed_bytes;
    }
}

fn share(part: usize, whole: usize) -> f64 {
    match whole {
        0 => 1.0,
        _ => part as f64 / whole as f64,
    }
}

fn bytes_share(part: u64, whole: u64) -> f64 {
    share(part as usize, whole as usize)
}

impl Tally {
    fn row(&self, name: &str) -> String {
        let percent = |part, whole| format!("{:.2} %", 100.0 * share(part, whole));
        let bytes = |part, whole| format!("{:.2} %", 100.0 * bytes_share(part, whole));
        let cells = [
            name.to_owned(),
            self.models.to_string(),
            self.enabled.to_string(),
            self.python.to_string(),
            self.no_query.to_string(),
            self.queries.to_string(),
            self.parsed.to_string(),
            percent(self.parsed, self.queries),
            percent(self.ctes_known, self.queries),
            percent(self.relations_known, self.queries),
            bytes(self.read_bytes, self.sql_bytes),
            bytes(self.shimmed_bytes, self.sql_bytes),
            percent(self.with_shims, self.queries),
            percent(self.opaque_columns, self.queries),
        ];
        format!("| {} |", cells.join(" | "))
    }
}

const HEAD: &str = "| corpus | models | enabled | Python | no query | queries | parsed whole | share | CTEs known | relations known | bytes read | bytes shimmed | models with a shim | models with an opaque output column |
|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|";

/// What the issue asks to be shown apart.
fn group(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Snowflake => "Snowflake",
        Dialect::BigQuery => "BigQuery",
        Dialect::ClickHouse => "ClickHouse",
        Dialect::Trino | Dialect::Athena => "Trino, Athena",
        Dialect::Postgres => "Postgres",
        _ => "others",
    }
}

fn projects(clone: &Path) -> Vec<PathBuf> {
    let visit = |e: &walkdir::DirEntry| {
        let name = e.file_name().to_string_lossy();
        e.depth() == 0 || !(name.starts_with('.') || NOT_HERE.contains(&&*name))
    };
    let mut found: Vec<PathBuf> = walkdir::WalkDir::new(clone)
        .into_iter()
        .filter_entry(visit)
        .flatten()
        .filter(|e| e.file_name() == "dbt_project.yml")
        .filter_map(|e| e.path().parent().map(Path::to_owned))
        .collect();
    found.sort();
    found
}

fn read(project_dir: &Path) -> Project {
    let request = Request {
        cwd: project_dir.to_owned(),
        project_dir: Some(project_dir.to_owned()),
        manifest: Some(ManifestSetting::Off),
        ..Request::default()
    };
    match prepare(&request) {
        Ok(prepared) => prepared.project,
        Err(error) => panic!("{}: {error}", project_dir.display()),
    }
}

/// Counts one model and says what is not understood of it.
fn count(lineage: &Lineage, project: &Project, node: &Node, tally: &mut Tally) -> Vec<String> {
    tally.models += 1;
    tally.enabled += usize::from(!node.is_disabled());
    tally.python += usize::from(node.python);
    let Some(sql) = node.sql.as_ref().filter(|_| !node.python) else {
        return Vec::new();
    };
    let no_query = |q: &Query| matches!(q.body, Body::Other(_));
    if node.config.text("materialized") == Some("semantic_view")
        || is_empty(sql)
        || sql.query().is_some_and(no_query)
    {
        tally.no_query += 1;
        return Vec::new();
    }
    let jinja_broken = project
        .jinja_errors
        .iter()
        .find(|(s, _)| s.file == node.file);
    let relations_known = jinja_broken.is_none() && !sql.exhausted;
    let parsed = sql.query().is_some();
    let text = &project.files.get(node.file).text;
    let shimmed: Vec<_> = sql.shimmed.iter().map(|s| s.start..s.end).collect();
    let with_shims = !shimmed.is_empty();
    let shimmed = Coverage::new(shimmed).inked(text);
    tally.queries += 1;
    tally.parsed += usize::from(parsed);
    tally.ctes_known += usize::from(sql.skeleton().is_some());
    tally.relations_known += usize::from(relations_known);
    tally.with_shims += usize::from(with_shims);
    tally.opaque_columns += usize::from(lineage.names(node.id).is_none());
    tally.sql_bytes += u64::from(sql.text_bytes);
    tally.read_bytes += u64::from(sql.read_bytes.min(sql.text_bytes));
    tally.shimmed_bytes += u64::from(shimmed);
    let mut causes = Vec::new();
    if let SqlTree::Failed { message, span } = &sql.sql {
        let line = project.files.get(node.file).line_col(span.start).line;
        causes.push(format!("line {line}: {message}"));
    }
    if let Some((_, message)) = jinja_broken {
        causes.push(format!("its Jinja: {message}"));
    }
    if sql.exhausted {
        causes.push("the work limit was reached".to_owned());
    }
    causes
}

/// No SQL stands in the file: it is all comments, or nothing.
fn is_empty(sql: &SqlFile) -> bool {
    matches!(sql.sql, SqlTree::Empty)
}

struct Measured {
    corpora: BTreeMap<String, Tally>,
    dialects: BTreeMap<&'static str, Tally>,
    remainder: Vec<String>,
}

fn measure(clones: &Path) -> Measured {
    let mut out = Measured {
        corpora: BTreeMap::new(),
        dialects: BTreeMap::new(),
        remainder: Vec::new(),
    };
    let mut dirs: Vec<PathBuf> = std::fs::read_dir(clones)
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.is_dir())
        .collect();
    dirs.sort();
    for dir in dirs {
        let name = dir
            .file_name()
            .unwrap()
            .to_string_lossy()
            .replacen('+', "/", 1);
        let mut sum = Tally::default();
        for project_dir in projects(&dir) {
            let project = read(&project_dir);
            let lineage = Lineage::new(&project);
            let mut tally = Tally::default();
            for node in &project.nodes {
                if node.resource_type != ResourceType::Model || !node.is_own() {
                    continue;
                }
                for cause in count(&lineage, &project, node, &mut tally) {
                    let below = project_dir
                        .strip_prefix(&dir)
                        .unwrap()
                        .display()
                        .to_string();
                    let path = Path::new(&below).join(project.path(node.file));
                    let dialect = project.dialect.dialect.name();
                    let path = path.display();
                    out.remainder
                        .push(format!("{name} ({dialect}) {path}: {cause}"));
                }
            }
            *out.dialects
                .entry(group(project.dialect.dialect))
                .or_default() += &tally;
            sum += &tally;
        }
        if sum.models > 0 {
            out.corpora.insert(name, sum);
        }
    }
    out
}

/// What is below a threshold.
fn shortfalls(measured: &Measured, total: &Tally) -> Vec<String> {
    let mut short = Vec::new();
    let mut hold = |what: String, is: f64, wanted: f64| {
        if is < wanted {
            short.push(format!(
                "{what}: {:.3} % < {:.1} %",
                100.0 * is,
                100.0 * wanted
            ));
        }
    };
    let parsed = share(total.parsed, total.queries);
    hold("parsed whole, together".to_owned(), parsed, PARSED_TOGETHER);
    let known = share(total.ctes_known, total.queries);
    hold("CTE names known, together".to_owned(), known, 1.0);
    let known = share(total.relations_known, total.queries);
    hold("relations known, together".to_owned(), known, 1.0);
    for (name, tally) in &measured.corpora {
        if tally.models >= LARGE {
            let parsed = share(tally.parsed, tally.queries);
            hold(format!("parsed whole, {name}"), parsed, PARSED_EACH);
        }
        let read = bytes_share(tally.read_bytes, tally.sql_bytes);
        hold(format!("bytes read, {name}"), read, BYTES_READ);
    }
    short
}

#[test]
#[ignore = "needs clones: HARNESS_LINT_CORPORA"]
fn real_repositories_are_understood() {
    let clones = std::env::var_os("HARNESS_LINT_CORPORA").expect("HARNESS_LINT_CORPORA is not set");
    let measured = threads::on_pool(0, || measure(Path::new(&clones)));
    let mut total = Tally::default();
    println!("{HEAD}");
    for (name, tally) in &measured.corpora {
        println!("{}", tally.row(name));
        total += tally;
    }
    println!("{}", total.row("**together**"));
    for (name, tally) in &measured.dialects {
        println!("{}", tally.row(name));
    }
    println!("\nnot understood: {}", measured.remainder.len());
    for line in &measured.remainder {
        println!("- {line}");
    }
    assert!(total.models > 0, "no models below HARNESS_LINT_CORPORA");
    let short = shortfalls(&measured, &total);
    assert!(
        short.is_empty(),
        "below the thresholds:\n{}",
        short.join("\n")
    );
}
