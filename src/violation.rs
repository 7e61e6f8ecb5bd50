//! What a rule says of a place, and how to mend it.

use crate::text::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How bad a finding is. `Error` fails a run by default.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Worth mending.
    Warn,
    /// Must be mended.
    Error,
}

impl Severity {
    /// As it is written in configuration and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warn => "warn",
            Severity::Error => "error",
        }
    }
}

/// How sure the verdict is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// A good guess.
    Heuristic,
    /// Rests on something inferred.
    Likely,
    /// Follows from the files.
    Certain,
}

impl Confidence {
    /// As it is written in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Confidence::Heuristic => "heuristic",
            Confidence::Likely => "likely",
            Confidence::Certain => "certain",
        }
    }
}

/// May a fix be applied without a person? Ordered: `fix.applicability >= wanted` is the policy.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Applicability {
    /// An instruction; the edits, if any, are a sketch.
    Manual,
    /// Probably what is wanted, but it may change results.
    Suggested,
    /// The compiled SQL means the same.
    Safe,
}

impl Applicability {
    /// As it is written in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Applicability::Manual => "manual",
            Applicability::Suggested => "suggested",
            Applicability::Safe => "safe",
        }
    }
}

/// A replacement of bytes in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced; empty for an insertion.
    pub span: Span,
    /// By what.
    pub text: String,
}

/// All of its edits are applied, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// What it does, as an imperative.
    pub title: String,
    /// Who may apply it.
    pub applicability: Applicability,
    /// The edits; they do not overlap.
    pub edits: Vec<Edit>,
}

/// A place with a word on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What is to be seen there.
    pub message: String,
}

/// A finding before the rule's own facts (id, severity, documentation) are joined to it.
#[derive(Debug, Clone)]
pub struct Violation {
    /// Where it is, and what is wrong there and why it matters.
    pub primary: Label,
    /// Other places that explain it.
    pub related: Vec<Label>,
    /// What to do here; the rule's own advice where this is none.
    pub help: Option<String>,
    /// How to mend it.
    pub fix: Option<Fix>,
    /// What is flagged, by name: part of the fingerprint. The text at the place where this is
    /// none.
    pub symbol: Option<String>,
    /// The defect under a name that is not this rule's own, so that a rule that yields to this one
    /// knows it again. None where no rule yields.
    pub defect: Option<String>,
    /// Where this finding's severity differs from the rule's default.
    pub severity: Option<Severity>,
    /// Where this finding's confidence differs from the rule's.
    pub confidence: Option<Confidence>,
}

impl Violation {
    /// A finding at a place.
    pub fn new(span: Span, message: impl Into<String>) -> Self {
        Self {
            primary: Label {
                span,
                message: message.into(),
            },
            related: Vec::new(),
            help: None,
            fix: None,
            symbol: None,
            defect: None,
            severity: None,
            confidence: None,
        }
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Points at another place.
    #[must_use]
    pub fn related(mut self, span: Span, message: impl Into<String>) -> Self {
        self.related.push(Label {
            span,
            message: message.into(),
        });
        self
    }

    /// Offers a fix.
    #[must_use]
    pub fn fix(mut self, fix: Fix) -> Self {
        self.fix = Some(fix);
        self
    }

    /// Names what is flagged, for the fingerprint.
    #[must_use]
    pub fn symbol(mut self, symbol: impl Into<String>) -> Self {
        self.symbol = Some(symbol.into());
        self
    }

    /// Names the defect across rules.
    #[must_use]
    pub fn defect(mut self, defect: impl Into<String>) -> Self {
        self.defect = Some(defect.into());
        self
    }

    /// Departs from the rule's default severity; what the user configured wins all the same.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }

    /// Departs from the rule's confidence.
    #[must_use]
    pub fn confidence(mut self, confidence: Confidence) -> Self {
        self.confidence = Some(confidence);
        self
    }
}
