//! What YAML alone says of exposures, metrics, semantic models, saved queries, sources and groups,
//! typed. It is read from the tree of the property file when it is asked for, and never kept.

use super::{Node, Project, ResourceType};
use crate::syntax::yaml::{Node as YamlNode, NodeId as YamlId};
use crate::text::{FileId, Span, Spanned};
use std::sync::Arc;

/// A text of a property file and where it stands. Jinja in it is not rendered.
pub type Said = Spanned<String>;

/// Who answers for an exposure or a group.
#[derive(Debug, Clone, Default)]
pub struct Owner {
    /// `name:`.
    pub name: Option<Said>,
    /// `email:`, one or several.
    pub emails: Vec<Said>,
}

/// An exposure beyond its name, description and parents.
#[derive(Debug, Clone, Default)]
pub struct Exposure {
    /// `type:`: dashboard, notebook, analysis, ml, application.
    pub kind: Option<Said>,
    /// `maturity:`: high, medium, low.
    pub maturity: Option<Said>,
    /// `url:`.
    pub url: Option<Said>,
    /// `label:`, the name for people.
    pub label: Option<Said>,
    /// `owner:`.
    pub owner: Owner,
}

/// A group of models. It is no node: dbt has it in no graph.
#[derive(Debug, Clone)]
pub struct Group {
    /// `group.<package>.<name>`.
    pub unique_id: String,
    /// Its name.
    pub name: Said,
    /// Index of its package; 0 is the project itself.
    pub package: usize,
    /// The package's name.
    pub package_name: Arc<str>,
    /// `description:`.
    pub description: Option<String>,
    /// `owner:`.
    pub owner: Owner,
    /// Its property file.
    pub file: FileId,
    /// Its entry in the tree.
    pub entry: YamlId,
}

/// An entity, dimension or measure of a semantic model.
#[derive(Debug, Clone)]
pub struct Element {
    /// Its name.
    pub name: Said,
    /// `type:` of an entity or a dimension, `agg:` of a measure.
    pub kind: Option<Said>,
    /// `expr:`, SQL over the columns of the model.
    pub expr: Option<Said>,
    /// `agg_time_dimension:` of a measure.
    pub time: Option<Said>,
}

impl Element {
    /// The column it stands for: its name, or its expression where that is a bare name. None where
    /// it is computed.
    pub fn column(&self) -> Option<&Said> {
        let Some(expr) = &self.expr else {
            return Some(&self.name);
        };
        let text = expr.value.as_str();
        let bare = text.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && text.chars().all(|c| c.is_alphanumeric() || c == '_');
        bare.then_some(expr)
    }
}

/// A semantic model beyond its name and the model it is built on.
#[derive(Debug, Clone, Default)]
pub struct SemanticModel {
    /// `entities:`.
    pub entities: Vec<Element>,
    /// `dimensions:`.
    pub dimensions: Vec<Element>,
    /// `measures:`.
    pub measures: Vec<Element>,
    /// `primary_entity:`.
    pub primary_entity: Option<Said>,
    /// `defaults: {agg_time_dimension: …}`.
    pub time: Option<Said>,
}

/// What a metric is computed from.
#[derive(Debug, Clone)]
pub struct MetricInput {
    /// The name of a metric or a measure.
    pub name: Said,
    /// A measure of a semantic model, not a metric.
    pub is_measure: bool,
}

/// A metric beyond its name and description.
#[derive(Debug, Clone, Default)]
pub struct Metric {
    /// `type:`: simple, ratio, derived, cumulative, conversion.
    pub kind: Option<Said>,
    /// `label:`.
    pub label: Option<Said>,
    /// What it is computed from, in order.
    pub inputs: Vec<MetricInput>,
}

/// A saved query beyond its name and description.
#[derive(Debug, Clone, Default)]
pub struct SavedQuery {
    /// `query_params: {metrics: …}`.
    pub metrics: Vec<Said>,
    /// Names of its `exports:`.
    pub exports: Vec<Said>,
}

/// The source of a table, beyond what is configuration.
#[derive(Debug, Clone, Default)]
pub struct SourceFacts {
    /// `loader:` of the source; dbt passes over a table's own.
    pub loader: Option<Said>,
    /// `description:` of the source itself.
    pub description: Option<Said>,
    /// `schema:`; where it is not written dbt takes the source's name.
    pub schema: Option<Said>,
    /// `database:`.
    pub database: Option<Said>,
    /// `identifier:` of the table; where it is not written dbt takes its name.
    pub identifier: Option<Said>,
}

/// The age of data at which dbt warns or fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Threshold {
    /// How many periods.
    pub count: u64,
    /// minute, hour, day.
    pub period: String,
}

/// How fresh the data of a source must be; at least one threshold is set.
#[derive(Debug, Clone)]
pub struct Freshness {
    /// `warn_after:`.
    pub warn_after: Option<Threshold>,
    /// `error_after:`.
    pub error_after: Option<Threshold>,
    /// `filter:`.
    pub filter: Option<String>,
    /// Where it was said last; none where only the manifest knows.
    pub span: Option<Span>,
}

/// What makes a model a time spine.
#[derive(Debug, Clone)]
pub struct TimeSpine {
    /// `standard_granularity_column:`.
    pub column: Option<Said>,
    /// The `time_spine:` entry.
    pub span: Span,
}

impl Node {
    /// Who may `ref` the model: `private`, `protected` (dbt's default) or `public`. None where it
    /// is not known, and for what is no model.
    pub fn access(&self) -> Option<&str> {
        if self.resource_type != ResourceType::Model {
            return None;
        }
        match self.config.get("access") {
            None => Some("protected"),
            Some(_) => self.config.text("access"),
        }
    }

    /// The name of its group.
    pub fn group(&self) -> Option<&str> {
        self.config.text("group")
    }

    /// Does dbt enforce a contract? None where that is not known.
    pub fn contract_enforced(&self) -> Option<bool> {
        match self.config.get("contract") {
            None => Some(false),
            Some(said) => match said.value.as_ref()?.get("enforced") {
                None => Some(false),
                Some(enforced) => super::config::as_bool(enforced),
            },
        }
    }

    /// Is it shown in dbt's documentation? None where that is not known.
    pub fn docs_show(&self) -> Option<bool> {
        match self.config.get("docs") {
            None => Some(true),
            Some(said) => match said.value.as_ref()?.get("show") {
                None => Some(true),
                Some(show) => super::config::as_bool(show),
            },
        }
    }

    /// The thresholds of a source table, as dbt merges them of source, table and dbt_project.yml.
    pub fn freshness(&self) -> Option<Freshness> {
        let said = self.config.get("freshness")?;
        let value = said.value.as_ref()?;
        let threshold = |key: &str| {
            let of = value.get(key)?;
            let count = of.get("count")?;
            let number = count.as_u64().or_else(|| count.as_str()?.parse().ok());
            Some(Threshold {
                count: number?,
                period: of.get("period")?.as_str()?.to_owned(),
            })
        };
        let (warn_after, error_after) = (threshold("warn_after"), threshold("error_after"));
        (warn_after.is_some() || error_after.is_some()).then(|| Freshness {
            warn_after,
            error_after,
            filter: value
                .get("filter")
                .and_then(|f| Some(f.as_str()?.to_owned())),
            span: said.span,
        })
    }

    /// The column that says when a row of a source table was loaded.
    pub fn loaded_at_field(&self) -> Option<&str> {
        self.config.text("loaded_at_field")
    }
}

impl Project {
    /// An exposure's facts; none for anything else.
    pub fn exposure(&self, node: &Node) -> Option<Exposure> {
        let entry = self.entry_of(node, ResourceType::Exposure)?;
        Some(Exposure {
            kind: said(entry, "type"),
            maturity: said(entry, "maturity"),
            url: said(entry, "url"),
            label: said(entry, "label"),
            owner: owner(entry),
        })
    }

    /// A semantic model's facts; none for anything else.
    pub fn semantic_model(&self, node: &Node) -> Option<SemanticModel> {
        let entry = self.entry_of(node, ResourceType::SemanticModel)?;
        Some(SemanticModel {
            entities: elements(entry, "entities", "type"),
            dimensions: elements(entry, "dimensions", "type"),
            measures: elements(entry, "measures", "agg"),
            primary_entity: said(entry, "primary_entity"),
            time: entry
                .get("defaults")
                .and_then(|d| said(d, "agg_time_dimension")),
        })
    }

    /// A metric's facts; none for anything else.
    pub fn metric(&self, node: &Node) -> Option<Metric> {
        let entry = self.entry_of(node, ResourceType::Metric)?;
        Some(Metric {
            kind: said(entry, "type"),
            label: said(entry, "label"),
            inputs: metric_inputs(entry),
        })
    }

    /// A saved query's facts; none for anything else.
    pub fn saved_query(&self, node: &Node) -> Option<SavedQuery> {
        let entry = self.entry_of(node, ResourceType::SavedQuery)?;
        let exports = list(entry, "exports").filter_map(|e| said(e, "name"));
        Some(SavedQuery {
            metrics: saved_metrics(entry),
            exports: exports.collect(),
        })
    }

    /// What stands above a source table; none for anything else.
    pub fn source_facts(&self, node: &Node) -> Option<SourceFacts> {
        let table = self.entry_of(node, ResourceType::Source)?;
        let source = self.second_entry(node);
        let of = |key: &str| source.and_then(|s| said(s, key));
        Some(SourceFacts {
            loader: of("loader"),
            description: of("description"),
            schema: of("schema"),
            database: of("database"),
            identifier: said(table, "identifier"),
        })
    }

    /// What makes a model a time spine.
    pub fn time_spine(&self, node: &Node) -> Option<TimeSpine> {
        let spine = self
            .entry_of(node, ResourceType::Model)?
            .get("time_spine")?;
        spine.resolve().is_mapping().then(|| TimeSpine {
            column: said(spine, "standard_granularity_column"),
            span: spine.span(),
        })
    }

    /// When a model, or this version of it, stops being supported, as written.
    pub fn deprecation_date(&self, node: &Node) -> Option<Said> {
        let entry = self.entry_of(node, ResourceType::Model)?;
        match &node.version {
            Some(_) => said(self.second_entry(node)?, "deprecation_date"),
            None => said(entry, "deprecation_date"),
        }
    }

    /// The group of this name, that of the node's own package first.
    pub fn group_of(&self, node: &Node) -> Option<&Group> {
        let name = node.group()?;
        let mut found = self.groups.iter().filter(|g| g.name.value == name);
        let first = found.clone().next();
        found.find(|g| g.package == node.package).or(first)
    }

    fn entry_of(&self, node: &Node, kind: ResourceType) -> Option<YamlNode<'_>> {
        let properties = node
            .properties
            .as_ref()
            .filter(|_| node.resource_type == kind)?;
        Some(self.yaml.get(&properties.file)?.node(properties.entry))
    }

    fn second_entry(&self, node: &Node) -> Option<YamlNode<'_>> {
        let properties = node.properties.as_ref()?;
        Some(self.yaml.get(&properties.file)?.node(properties.second?))
    }
}

/// A scalar under a key; none where it is null.
fn said(entry: YamlNode, key: &str) -> Option<Said> {
    let value = entry.get(key).filter(|v| !v.is_null())?;
    Some(Said::new(value.as_str()?.to_owned(), value.span()))
}

fn list<'a>(entry: YamlNode<'a>, key: &str) -> impl Iterator<Item = YamlNode<'a>> + use<'a> {
    let list = entry.get(key).map(|n| n.resolve());
    list.into_iter().flat_map(|n| n.items())
}

pub(super) fn owner(entry: YamlNode) -> Owner {
    let Some(owner) = entry.get("owner") else {
        return Owner::default();
    };
    let one = said(owner, "email");
    let many = list(owner, "email").filter_map(|e| {
        let text = e.as_str()?.to_owned();
        Some(Said::new(text, e.span()))
    });
    Owner {
        name: said(owner, "name"),
        emails: one.into_iter().chain(many).collect(),
    }
}

fn elements(entry: YamlNode, key: &str, kind: &str) -> Vec<Element> {
    let element = |e: YamlNode| {
        Some(Element {
            name: said(e, "name")?,
            kind: said(e, kind),
            expr: said(e, "expr"),
            time: said(e, "agg_time_dimension"),
        })
    };
    list(entry, key).filter_map(element).collect()
}

/// The measures of a semantic model for which dbt makes a metric.
pub(super) fn metric_measures<'a>(entry: YamlNode<'a>) -> impl Iterator<Item = YamlNode<'a>> {
    list(entry, "measures")
        .filter(|m| m.get("create_metric").and_then(|c| c.as_bool()) == Some(true))
}

/// What a metric is computed from. An entry that is a measure is its own metric.
pub(super) fn metric_inputs(entry: YamlNode) -> Vec<MetricInput> {
    let Some(params) = entry.get("type_params") else {
        let measure = entry.get("agg").and_then(|_| said(entry, "name"));
        return measure
            .map(|name| MetricInput {
                name,
                is_measure: true,
            })
            .into_iter()
            .collect();
    };
    let mut out = Vec::new();
    let mut add = |value: Option<YamlNode>, is_measure| {
        out.extend(
            value
                .and_then(input_name)
                .map(|name| MetricInput { name, is_measure }),
        );
    };
    // dbt looks at what the type asks for; the others are never given with it.
    add(params.get("measure"), true);
    if let Some(conversion) = params.get("conversion_type_params") {
        add(conversion.get("base_measure"), true);
        add(conversion.get("conversion_measure"), true);
        add(conversion.get("base_metric"), false);
        add(conversion.get("conversion_metric"), false);
    }
    if let Some(cumulative) = params.get("cumulative_type_params") {
        add(cumulative.get("metric"), false);
    }
    add(params.get("numerator"), false);
    add(params.get("denominator"), false);
    for metric in list(params, "metrics") {
        add(Some(metric), false);
    }
    out
}

/// The metrics of a saved query.
pub(super) fn saved_metrics(entry: YamlNode) -> Vec<Said> {
    let params = entry.get("query_params");
    let metrics = params.into_iter().flat_map(|p| list(p, "metrics"));
    metrics.filter_map(input_name).collect()
}

/// `revenue`, or `{name: revenue, …}`.
fn input_name(value: YamlNode) -> Option<Said> {
    match value.as_str() {
        Some(text) if !value.is_null() => Some(Said::new(text.to_owned(), value.span())),
        Some(_) => None,
        None => said(value, "name"),
    }
}
