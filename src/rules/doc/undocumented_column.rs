use crate::project::Node;
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink, Subject};
use crate::text::Span;
use crate::violation::{Confidence, Severity, Violation};
use rustc_hash::FxHashSet;
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct UndocumentedColumn {
    /// Judge models too whose property file lists no column at all.
    unlisted: bool,
}

impl BuiltIn for UndocumentedColumn {
    const META: Meta = Meta {
        id: Borrowed("doc/undocumented-column"),
        severity: Severity::Info,
        confidence: Confidence::Certain,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!(
            "../../../rules/doc/undocumented-column/README.md"
        )),
    };
}

impl Rule for UndocumentedColumn {
    fn subject(&self) -> Subject {
        Subject::OutputColumns
    }

    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        if model.properties_lost {
            return;
        }
        let columns = model.properties.iter().flat_map(|p| &p.columns);
        let listed: FxHashSet<String> = columns.map(|c| plain(&c.name.value)).collect();
        // A name that Jinja prints may be any.
        if listed.iter().any(|n| n.contains('{')) || (listed.is_empty() && !self.unlisted) {
            return;
        }
        let Some(names) = cx.lineage().names(model.id) else {
            return;
        };
        let output = cx.lineage().output(model.id);
        let records: FxHashSet<&str> = listed.iter().filter_map(|n| n.split('.').next()).collect();
        for name in names {
            let key = plain(name);
            if listed.contains(&key) || records.contains(&*key) {
                continue;
            }
            // The expression says more than a `select * from final`.
            let made = output.column(name);
            let places = made
                .into_iter()
                .flat_map(|c| [c.expr.map(|e| e.span), c.span]);
            let mut here = places.flatten().filter(|s| s.file == model.file);
            let place = here.next().unwrap_or(Span::whole(model.file));
            let message = format!(
                "`{}` outputs `{name}`, which its property file does not list: the catalogue shows a column that nobody has said anything about",
                model.display_name()
            );
            let help =
                format!("list `{name}` with a description, or leave it out of the select list");
            let mut violation = Violation::new(place, message).help(help).symbol(key);
            if let Some(entry) = &model.properties {
                violation = violation.related(entry.name_span, "the model's entry");
            }
            sink.push(violation);
        }
    }
}

/// A name without its quotes, in lower case.
fn plain(name: &str) -> String {
    name.trim_matches(['"', '`', '[', ']', '\'', ' '])
        .to_lowercase()
}
