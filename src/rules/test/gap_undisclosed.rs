use crate::project::{Document, Family, Node, Project};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink, Subject};
use crate::syntax::markdown::Heading;
use crate::text::Span;
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// Which documents report a validation.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct GapUndisclosed {
    /// Words in the path of a document that reports a validation.
    documents: Vec<String>,
    /// Headings, any of which opens the section about what is not covered.
    headings: Vec<String>,
}

impl Default for GapUndisclosed {
    fn default() -> Self {
        let list = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect();
        Self {
            documents: list(&["validation-report", "validation_report", "validation.md"]),
            headings: list(&[
                "not covered",
                "not validated",
                "not tested",
                "gaps",
                "limitations",
            ]),
        }
    }
}

impl BuiltIn for GapUndisclosed {
    const META: Meta = Meta {
        id: Borrowed("test/gap-undisclosed"),
        severity: Severity::Warn,
        confidence: Confidence::Likely,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!(
            "../../../rules/test/gap-undisclosed/README.md"
        )),
    };
}

impl Rule for GapUndisclosed {
    fn subject(&self) -> Subject {
        Subject::Documents
    }

    fn project(&self, cx: &Cx, sink: &mut Sink) {
        for document in &cx.project.knowledge.documents {
            let path = document.from_root.to_lowercase();
            let reports = self
                .documents
                .iter()
                .any(|w| path.contains(&w.to_lowercase()));
            if reports {
                sink.push_some(self.judge(cx.project, document));
            }
        }
    }
}

impl GapUndisclosed {
    fn judge(&self, project: &Project, document: &Document) -> Option<Violation> {
        let opens = |h: &&Heading| {
            let text = h.text.to_lowercase();
            self.headings
                .iter()
                .any(|w| text.contains(&w.to_lowercase()))
        };
        let Some(section) = document.markdown.headings.iter().find(opens) else {
            let message = "the validation report has no section about what is not covered: its reader takes silence for proof";
            let place = Span::new(document.file, 0, 0);
            return Some(Violation::new(place, message).symbol("not covered"));
        };
        let text = &project.files.get(document.file).text;
        let body = text.get(section.range.end..section.end)?.to_lowercase();
        let code = document.markdown.code.iter();
        let named = |m: &&Node| code.clone().any(|c| c.text == m.name);
        let gap = |m: &Node| {
            let has = project.families(m);
            let tells = |f: &Family| {
                let words = f.as_str();
                let short = words.split(' ').next().unwrap_or(words);
                body.contains(&m.name.to_lowercase())
                    && (body.contains(words) || body.contains(short))
            };
            let missing = Family::ALL.into_iter().filter(|f| !has.contains(f));
            let hidden: Vec<&str> = missing.filter(|f| !tells(f)).map(Family::as_str).collect();
            (!hidden.is_empty()).then(|| format!("`{}` ({})", m.name, hidden.join(", ")))
        };
        let gaps: Vec<String> = project.models().filter(named).filter_map(gap).collect();
        let first = gaps.first()?;
        let more = match gaps.len() - 1 {
            0 => String::new(),
            n => format!(" and {n} more models"),
        };
        let message = format!(
            "the report does not say that these families of tests are missing: {first}{more}; its reader takes silence for proof"
        );
        Some(Violation::new(document.span(&section.range), message).symbol("gaps"))
    }
}
