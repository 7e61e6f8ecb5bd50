//! What context files say of the tables of a source: for now, which columns are the key, and which
//! are keys of other tables.

use super::Project;
use super::keys::{foreign, marked};
use crate::config::PathPattern;
use crate::load::read_below;
use crate::syntax::yaml;
use crate::text::FileId;

/// The file of a source's table (`context/sources/erp/tables/orders.yaml`) that names a key,
/// its own or another table's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextTable {
    /// Its path, from the project directory.
    pub path: String,
    /// The model that it maps to, where it says so.
    pub model: Option<String>,
    /// The columns of the table's key.
    pub key: Vec<String>,
    /// Its columns that are keys of other tables.
    pub foreign: Vec<String>,
    source: String,
    names: Vec<String>,
}

/// More files are not read.
const MAX_FILES: usize = 5_000;

impl ContextTable {
    fn read(project: &Project, file: &str, pattern: Option<&PathPattern>) -> Option<Self> {
        let captured = match pattern {
            Some(pattern) => pattern.captures(file)?,
            None => Default::default(),
        };
        let dir = &project.config.context.dir;
        let text = read_below(&project.place, dir, file)?;
        let tree = yaml::parse(FileId(0), &text);
        let root = tree.root().filter(|_| tree.problems.is_empty())?;
        let (key, foreign) = (marked(root), foreign(root));
        if key.is_empty() && foreign.is_empty() {
            return None;
        }
        let name = file.rsplit('/').next().unwrap_or(file);
        let stem = name.split('.').next().unwrap_or(name);
        let said = ["name", "table"]
            .iter()
            .filter_map(|k| root.get(k)?.as_str());
        let called = captured.get("table").map_or(stem, String::as_str);
        let folder = file.split_once('/').map_or("", |(first, _)| first);
        Some(Self {
            path: format!("{}/{file}", dir.trim_end_matches('/')),
            model: text.lines().find_map(maps_to).map(str::to_owned),
            key,
            foreign,
            source: letters(captured.get("source").map_or(folder, String::as_str)),
            names: said.chain([called]).map(letters).collect(),
        })
    }

    /// Does it belong to the source of this name?
    pub fn is_of(&self, source: &str) -> bool {
        self.source == letters(source)
    }

    /// Does it speak of the table of this name?
    pub fn is_called(&self, table: &str) -> bool {
        self.names.contains(&letters(table))
    }
}

/// The model of a comment `# Maps to stg_erp__orders.`
pub fn maps_to(line: &str) -> Option<&str> {
    let (_, name) = line.split_once("Maps to ")?;
    Some(
        name.trim_end()
            .trim_end_matches('.')
            .trim_matches(['`', ' ']),
    )
}

/// Case and separators do not matter between a file's name and a table's.
pub fn letters(name: &str) -> String {
    let letters = name.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

impl Project {
    /// Files of tables that name keys, in order of path. They are read when it is asked for.
    pub fn context_tables(&self) -> &[ContextTable] {
        self.context_tables.get_or_init(|| {
            let pattern = match self.config.context.tables.as_deref().map(PathPattern::new) {
                Some(Ok(pattern)) => Some(pattern),
                Some(Err(_)) => return Vec::new(),
                None => None,
            };
            let is_yaml = |f: &&String| f.ends_with(".yaml") || f.ends_with(".yml");
            let files = self.context.files.iter().filter(is_yaml).take(MAX_FILES);
            let tables = files.filter_map(|f| ContextTable::read(self, f, pattern.as_ref()));
            tables.collect()
        })
    }
}
