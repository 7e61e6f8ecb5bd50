//! Is a file no worse than before?

use crate::project::Project;
use crate::syntax::template::SqlTree;
use crate::text::FileId;
use rustc_hash::FxHashMap;

/// What dbt and its database would refuse of one file, as far as we see.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Defects {
    /// It cannot be read as text, or is not there.
    unread: bool,
    jinja: usize,
    yaml: usize,
    properties: usize,
    /// Bodies of SQL that do not parse.
    sql: usize,
    /// Bodies of SQL that do.
    parsed: usize,
    /// References that lead nowhere.
    unresolved: usize,
}

/// What is worse in a state than in the one before, by a file's path.
pub(super) struct Guard {
    before: FxHashMap<String, Defects>,
    after: FxHashMap<String, Defects>,
    lost: bool,
}

impl Guard {
    pub(super) fn new(before: &Project, after: &Project) -> Self {
        Self {
            before: defects(before),
            after: defects(after),
            lost: nodes(after) < nodes(before),
        }
    }

    /// What is worse in a file.
    pub(super) fn worse(&self, path: &str) -> Option<&'static str> {
        let of = |known: &FxHashMap<String, Defects>| known.get(path).copied();
        let (Some(before), Some(after)) = (of(&self.before), of(&self.after)) else {
            return Some("the file would no longer be a part of the project");
        };
        let checks = [
            (after.unread && !before.unread, "could not be read"),
            (after.jinja > before.jinja, "would not parse as Jinja"),
            (after.yaml > before.yaml, "would not parse as YAML"),
            (
                after.sql > before.sql || after.parsed < before.parsed,
                "would not parse as SQL",
            ),
            (
                after.properties > before.properties,
                "would be refused by dbt",
            ),
            (
                after.unresolved > before.unresolved,
                "would name what dbt does not find",
            ),
            (self.lost, "would lose a node"),
        ];
        checks.into_iter().find(|(is, _)| *is).map(|(_, why)| why)
    }
}

/// Tests come and go with the columns that they stand under.
fn nodes(project: &Project) -> usize {
    let is_test = |n: &&crate::project::Node| n.resource_type.is_test();
    project.nodes.iter().filter(|n| !is_test(n)).count()
}

fn defects(project: &Project) -> FxHashMap<String, Defects> {
    let mut by_file: FxHashMap<FileId, Defects> = FxHashMap::default();
    for (id, file) in project.files.iter() {
        by_file.entry(id).or_default().unread = file.problem.is_some();
    }
    let mut add = |file: FileId, to: fn(&mut Defects)| to(by_file.entry(file).or_default());
    for (span, _) in &project.jinja_errors {
        add(span.file, |d| d.jinja += 1);
    }
    for problem in &project.property_problems {
        add(problem.span.file, |d| d.properties += 1);
    }
    for (file, yaml) in &project.yaml {
        yaml.problems
            .iter()
            .for_each(|_| add(*file, |d| d.yaml += 1));
    }
    for (node, ..) in &project.unresolved {
        add(project.node(*node).file, |d| d.unresolved += 1);
    }
    for node in &project.nodes {
        match node.sql.as_ref().map(|sql| &sql.sql) {
            Some(SqlTree::Parsed(_)) => add(node.file, |d| d.parsed += 1),
            Some(SqlTree::Failed { .. }) => add(node.file, |d| d.sql += 1),
            Some(SqlTree::Empty | SqlTree::NotRead) | None => {}
        }
    }
    // A file may be read for two purposes; then it is known twice under one path.
    let mut out: FxHashMap<String, Defects> = FxHashMap::default();
    for (id, d) in by_file {
        let sum = out.entry(project.path(id).to_owned()).or_default();
        sum.unread |= d.unread;
        sum.jinja += d.jinja;
        sum.yaml += d.yaml;
        sum.properties += d.properties;
        sum.sql += d.sql;
        sum.parsed += d.parsed;
        sum.unresolved += d.unresolved;
    }
    out
}
