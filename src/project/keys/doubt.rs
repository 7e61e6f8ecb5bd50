//! Columns whose names look like the model's key, and which are not: keys of other tables, parts of
//! a key, and keys of what has several versions.

use super::declared::context_of;
use super::grouped::groups;
use crate::project::lineage::Lineage;
use crate::project::{Column, Node, Project};

/// What speaks against columns of one model.
pub(super) struct Doubts<'a, 'p> {
    project: &'a Project,
    lineage: &'a Lineage<'p>,
    model: &'a Node,
    columns: Vec<String>,
    /// The columns that the rows are grouped by, where they are several.
    groups: Vec<Option<String>>,
}

/// Columns that say from when or until when a row holds: there are several rows of one thing.
const VALIDITY: [&str; 8] = [
    "valid_from",
    "valid_to",
    "dbt_valid_from",
    "dbt_valid_to",
    "effective_from",
    "effective_to",
    "_fivetran_start",
    "_fivetran_end",
];

impl<'a, 'p> Doubts<'a, 'p> {
    pub(super) fn of(project: &'a Project, lineage: &'a Lineage<'p>, model: &'a Node) -> Self {
        let declared = model.properties.iter().flat_map(|p| &p.columns);
        let output = lineage.output(model.id).columns.iter();
        let output = output.filter_map(|c| c.name.as_deref());
        let columns = declared.map(|c| c.name.value.as_str()).chain(output);
        let groups = groups(model).filter(|g| g.len() > 1);
        Self {
            project,
            lineage,
            model,
            columns: columns.map(str::to_lowercase).collect(),
            groups: groups.unwrap_or_default(),
        }
    }

    /// Is it doubtful that this column, which by its name could be the key, is the key?
    pub(super) fn about(&self, column: &str) -> bool {
        let column = column.to_lowercase();
        let is_part = self.groups.iter().flatten().any(|g| *g == column);
        is_part
            || self.is_foreign(&column)
            || self.is_of_link(&column)
            || self.is_versioned(&column)
    }

    /// A test, a constraint or a context file says that it is another table's key.
    fn is_foreign(&self, column: &str) -> bool {
        let says = |c: &Column| {
            let points = |test: &str| test.contains("relationship") || test.contains("foreign_key");
            c.tests.iter().any(|t| points(t.short_name()))
                || c.constraints.iter().any(|c| c.kind == "foreign_key")
        };
        let properties = self.model.properties.as_ref();
        if properties.is_some_and(|p| p.columns_named(column).any(says)) {
            return true;
        }
        let Some((file, _)) = context_of(self.project, self.model) else {
            return false;
        };
        let passed = self.lineage.passed_from(self.model.id, column);
        let is = |key: &String| {
            key.eq_ignore_ascii_case(column)
                || passed.iter().any(|c| c.column.eq_ignore_ascii_case(key))
        };
        file.foreign.iter().any(is)
    }

    /// Of a model `episode_event` with `episode_id` and `event_id`, neither is the key.
    fn is_of_link(&self, column: &str) -> bool {
        let name = self.model.name.to_lowercase();
        let Some((stem, end)) = column.rsplit_once('_') else {
            return false;
        };
        let head = [stem.to_owned(), format!("{stem}s")];
        let mut heads = head
            .iter()
            .filter_map(|s| name.strip_suffix(s.as_str())?.strip_suffix('_'));
        heads.any(|h| self.columns.contains(&format!("{h}_{end}")))
    }

    /// A surrogate key tells versions apart, the thing's own number does not.
    fn is_versioned(&self, column: &str) -> bool {
        let of_thing = column == "id" || column.ends_with("_id");
        of_thing && self.columns.iter().any(|c| VALIDITY.contains(&c.as_str()))
    }
}
