//! Keys that somebody wrote down: in the model's configuration or entry, or in the context file of
//! the table that it reads.

use super::{KeyGuess, quoted};
use crate::project::lineage::Lineage;
use crate::project::{Constraint, ContextTable, Node, Project, ResourceType};
use crate::syntax::sql::Dialect;
use crate::syntax::yaml;
use serde_json::Value;

/// The names of columns, where they are nothing else: a text with commas, or a list.
fn columns(value: &Value) -> Option<Vec<String>> {
    let is_column = |c: &str| !c.is_empty() && c.chars().all(|c| c.is_alphanumeric() || c == '_');
    let columns: Vec<String> = match value {
        Value::String(text) => text.split(',').map(|c| c.trim().to_owned()).collect(),
        Value::Array(list) => list
            .iter()
            .map(|c| c.as_str().map(str::to_owned))
            .collect::<Option<_>>()?,
        _ => return None,
    };
    (!columns.is_empty() && columns.iter().all(|c| is_column(c))).then_some(columns)
}

/// By `unique_key`, then `primary_key`, of the configuration or of its `meta`.
pub(super) fn by_config(project: &Project, model: &Node) -> Option<KeyGuess> {
    let meta = model.config.get("meta").and_then(|m| m.value.as_ref());
    // ClickHouse sorts by its primary key, which may repeat.
    let sorts = project.dialect.dialect == Dialect::ClickHouse;
    let names = ["unique_key", "primary_key"];
    let in_config = names.iter().filter(|n| !(sorts && **n == "primary_key"));
    let in_config = in_config.map(|n| {
        let value = model.config.get(n).and_then(|v| v.value.as_ref());
        ((*n).to_owned(), value)
    });
    let in_meta = names
        .iter()
        .map(|n| (format!("meta.{n}"), meta.and_then(|m| m.get(*n))));
    let mut said = in_config.chain(in_meta);
    said.find_map(|(name, value)| {
        let columns = columns(value?)?;
        let evidence = format!("its `{name}` is {}", quoted(&columns));
        Some(KeyGuess {
            columns,
            evidence,
            strong: true,
        })
    })
}

/// By a `primary_key` constraint, or `primary_key: true` in the `meta` of columns.
pub(super) fn by_entry(project: &Project, model: &Node) -> Option<KeyGuess> {
    let properties = model.properties.as_ref()?;
    let is_key = |c: &&Constraint| c.kind == "primary_key";
    let on_model = properties.constraints.iter().find(is_key);
    let on_columns = || {
        let columns = properties.columns.iter();
        let keys = columns.filter(|c| c.constraints.iter().any(|c| is_key(&c)));
        keys.map(|c| c.name.value.clone()).collect()
    };
    let constrained = on_model.map_or_else(on_columns, |c| c.columns.clone());
    if !constrained.is_empty() {
        return Some(KeyGuess {
            evidence: format!(
                "its constraint `primary_key` is on {}",
                quoted(&constrained)
            ),
            columns: constrained,
            strong: true,
        });
    }
    let tree = project.yaml.get(&properties.file)?;
    let marked = properties.columns.iter().filter(|c| {
        let column = tree.node(c.entry);
        let inner = column.get("config").and_then(|c| c.get("meta"));
        let mut metas = column.get("meta").into_iter().chain(inner);
        metas.any(is_marked)
    });
    let columns: Vec<String> = marked.map(|c| c.name.value.clone()).collect();
    (!columns.is_empty()).then(|| KeyGuess {
        evidence: format!("the `meta` of {} says that it is the key", quoted(&columns)),
        columns,
        strong: true,
    })
}

fn is_marked(column: yaml::Node) -> bool {
    let mut marks = ["primary_key", "is_primary_key"].iter();
    marks.any(|key| column.get(key).and_then(yaml::Node::as_bool) == Some(true))
}

/// By the context file of the one table that the model reads, and of nothing else, under the names
/// that the model gives the columns; or by the context file that maps to the model.
pub(super) fn by_context(project: &Project, lineage: &Lineage, model: &Node) -> Option<KeyGuess> {
    let (file, table) = context_of(project, model).filter(|(f, _)| !f.key.is_empty())?;
    let output = lineage.output(model.id);
    let own_name = |key: &String| {
        let passes = output.columns.iter().filter_map(|c| c.name.as_deref());
        let mut passes = passes.filter(|name| {
            let from = lineage.passed_from(model.id, name);
            from.iter()
                .any(|c| Some(c.node) == table.map(|t| t.id) && c.column.eq_ignore_ascii_case(key))
        });
        let kept = || output.column(key)?.name.as_deref();
        Some(passes.next().or_else(kept)?.to_owned())
    };
    let columns: Vec<String> = file.key.iter().map(own_name).collect::<Option<_>>()?;
    Some(KeyGuess {
        evidence: format!(
            "by {} the key is {}",
            file.path,
            match columns == file.key {
                true => quoted(&columns),
                false => format!("{}, here {}", quoted(&file.key), quoted(&columns)),
            }
        ),
        columns,
        // The model may keep other rows than the table has.
        strong: false,
    })
}

/// The context file that speaks of a model, and the one source table that the model reads.
pub(super) fn context_of<'p>(
    project: &'p Project,
    model: &Node,
) -> Option<(&'p ContextTable, Option<&'p Node>)> {
    let parents = project.parents_of(model.id);
    let table = match parents[..] {
        [one] if one.resource_type == ResourceType::Source => Some(one),
        _ => None,
    };
    let folder = model.layer.as_ref().and_then(|l| l.captures.get("source"));
    let describes = |file: &&ContextTable| {
        let of_source = |t: &Node| {
            let names = [t.source_name.as_ref(), folder];
            names.into_iter().flatten().any(|n| file.is_of(n)) && file.is_called(&t.name)
        };
        file.model.as_deref() == Some(&model.name) || table.is_some_and(of_source)
    };
    Some((project.context_tables().iter().find(describes)?, table))
}

/// The columns that the context file of a table says are keys of other tables.
pub(in crate::project) fn foreign(entry: yaml::Node) -> Vec<String> {
    let list = entry.get("columns");
    let all = list.into_iter().flat_map(|c| c.resolve().items());
    let keys = all.filter(|c| c.get("foreign_key").is_some_and(|k| !k.is_null()));
    let names = keys.filter_map(|c| c.get("name")?.as_str());
    names.map(str::to_owned).collect()
}

/// The columns that the context file of a table marks as its key.
pub(in crate::project) fn marked(entry: yaml::Node) -> Vec<String> {
    let list = entry.get("columns");
    let all = list.into_iter().flat_map(|c| c.resolve().items());
    let keys = all.filter(|c| is_marked(*c));
    let names = keys.filter_map(|c| c.get("name")?.as_str());
    names.map(str::to_owned).collect()
}
