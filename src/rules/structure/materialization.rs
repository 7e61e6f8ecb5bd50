use crate::config::{Config, Layer};
use crate::project::{Node, Origin, Project, Setting};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Reach, Rule, Sink};
use crate::text::Span;
use crate::violation::{Applicability, Confidence, Edit, Fix, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Materialization {
    /// Layers, by role. Default: every layer of the table that lists `materialized`.
    layers: Vec<String>,
    /// Materializations they allow. Default: the layer's own `materialized`.
    allowed: Vec<String>,
    /// Judge what the model's own `config()` says, not what dbt makes of all places together.
    inline: bool,
}

impl BuiltIn for Materialization {
    const META: Meta = Meta {
        id: Borrowed("structure/materialization"),
        severity: Severity::Error,
        confidence: Confidence::Certain,
        fix: FixAvailability::Sometimes,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!(
            "../../../rules/structure/materialization/README.md"
        )),
    };

    fn is_asked_for(config: &Config) -> bool {
        let layers = config.layers.iter().flatten();
        layers.into_iter().any(|l| !l.materialized.is_empty())
    }
}

impl Rule for Materialization {
    fn judges(&self, project: &Project, node: &Node) -> bool {
        match self.layers.is_empty() {
            true => project
                .layer(node)
                .is_some_and(|l| !l.materialized.is_empty()),
            false => project.in_layers(node, &self.layers),
        }
    }

    fn reach(&self) -> Reach {
        Reach::Near
    }

    fn model(&self, cx: &Cx, model: &Node, sink: &mut Sink) {
        let Some(layer) = cx.project.layer(model) else {
            return;
        };
        let allowed = match self.allowed.is_empty() {
            true => &layer.materialized,
            false if self.layers.is_empty() && layer.materialized.is_empty() => return,
            false => &self.allowed,
        };
        if allowed.is_empty() {
            return;
        }
        let case = Case {
            project: cx.project,
            model,
            layer,
            allowed,
            inline: self.inline,
        };
        let found = match self.inline {
            true => case.inline(),
            false => case.resolved(),
        };
        if let Some(violation) = found {
            sink.push(violation.symbol("materialized"));
        }
    }
}

/// A model and what it may be.
struct Case<'a> {
    project: &'a Project,
    model: &'a Node,
    layer: &'a Layer,
    allowed: &'a [String],
    /// The model's own `config()` is judged.
    inline: bool,
}

impl Case<'_> {
    fn inline(&self) -> Option<Violation> {
        let inline = self.model.inline()?;
        let arg = match inline.setting("materialized") {
            Setting::Unknown => return None,
            Setting::Absent => {
                let message = format!(
                    "`config()` sets no `materialized`: what this {} model becomes is decided elsewhere, out of sight",
                    self.layer.name
                );
                return Some(self.violation(inline.place(), message));
            }
            Setting::Known(args) => *args.last()?,
        };
        let value = arg.value.as_ref()?.as_str().unwrap_or("none");
        if self.allows(value) {
            return None;
        }
        let message = self.message(value, "");
        Some(self.violation(inline.value_span(arg), message))
    }

    fn resolved(&self) -> Option<Violation> {
        let file = Span::whole(self.model.file);
        let Some(set) = self.model.config.get("materialized") else {
            let default = if self.model.python { "table" } else { "view" };
            if self.allows(default) {
                return None;
            }
            let message = self.message(default, ", dbt's default, since nothing sets it");
            return Some(self.violation(file, message));
        };
        let value = set.value.as_ref()?.as_str()?;
        if self.allows(value) {
            return None;
        }
        let place = match (set.origin, set.span) {
            (Origin::Inline, _) => String::new(),
            (Origin::Manifest, _) => ", as manifest.json has it".to_owned(),
            (_, Some(span)) => format!(", set in {}", self.project.path(span.file)),
            (_, None) => ", set in a property file".to_owned(),
        };
        let message = self.message(value, &place);
        let violation = match (set.origin, set.span) {
            (Origin::Inline, Some(span)) => self.violation(span, message),
            (Origin::ProjectFile | Origin::Properties, Some(span)) => {
                self.violation(file, message).related(span, "set here")
            }
            _ => self.violation(file, message),
        };
        // An inferred layer promises nothing that its team has written down.
        Some(match self.project.layers.inferred {
            true => violation
                .severity(Severity::Warn)
                .confidence(Confidence::Likely),
            false => violation,
        })
    }

    fn allows(&self, value: &str) -> bool {
        self.allowed.iter().any(|a| a == value)
    }

    fn message(&self, value: &str, place: &str) -> String {
        format!(
            "materialized is `{value}`{place}, and {} allows {}: it costs and ages otherwise than its layer promises",
            self.layer.name,
            self.names(" or ")
        )
    }

    fn violation(&self, span: Span, message: String) -> Violation {
        let help = match self.allowed {
            [one] => format!(
                "write `materialized='{one}'`, or move the model to a layer that allows what it is"
            ),
            _ => format!(
                "materialize it as {}, or move it to a layer that allows what it is",
                self.names(" or ")
            ),
        };
        let mut violation = Violation::new(span, message).help(help);
        violation.fix = self.fix();
        violation
    }

    /// Writes the one materialization that is allowed into the file's own `config()`. A view and a
    /// table hold the same rows; whatever else the model was may have compiled to something else.
    fn fix(&self) -> Option<Fix> {
        let ([wanted], Some(inline)) = (self.allowed, self.model.inline()) else {
            return None;
        };
        let src = &self.project.files.get(self.model.file).text;
        if !self.inline && matches!(inline.setting("materialized"), Setting::Absent) {
            return None;
        }
        let (span, text) = inline.with_string(src, "materialized", wanted)?;
        let now = self.project.materialization(self.model);
        let plain = |m: &str| matches!(m, "view" | "table");
        let same = now == Some(wanted) || (now.is_some_and(plain) && plain(wanted));
        let safe = same && !self.project.reads_config(self.model, "materialized");
        Some(Fix {
            title: format!("materialize it as `{wanted}`"),
            applicability: match safe {
                true => Applicability::Safe,
                false => Applicability::Suggested,
            },
            edits: vec![Edit { span, text }],
        })
    }

    fn names(&self, or: &str) -> String {
        let names: Vec<String> = self.allowed.iter().map(|a| format!("`{a}`")).collect();
        names.join(or)
    }
}
