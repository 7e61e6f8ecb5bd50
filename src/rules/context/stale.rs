use crate::git::{Commit, History};
use crate::project::{Document, Project, SourceSystem};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink};
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;
use std::collections::BTreeSet;

/// After how many commits a check is old.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Stale {
    /// So many commits on the source's models since the check make it old.
    threshold: usize,
}

impl Default for Stale {
    fn default() -> Self {
        Self { threshold: 5 }
    }
}

impl BuiltIn for Stale {
    const META: Meta = Meta {
        id: Borrowed("context/stale"),
        severity: Severity::Warn,
        confidence: Confidence::Likely,
        fix: FixAvailability::None,
        preset: Some(Preset::Strict),
        doc: Borrowed(include_str!("../../../rules/context/stale/README.md")),
    };
}

impl Rule for Stale {
    fn project(&self, cx: &Cx, sink: &mut Sink) {
        let Some(history) = &cx.project.knowledge.history else {
            return;
        };
        for system in cx.project.source_systems() {
            if let Some(overview) = cx.project.overview(&system.name) {
                sink.push_some(self.judge(cx.project, history, &system, overview));
            }
        }
    }
}

impl Stale {
    fn judge(
        &self,
        project: &Project,
        history: &History,
        system: &SourceSystem,
        overview: &Document,
    ) -> Option<Violation> {
        let status = overview.fact("status");
        let at = overview.fact("verified_at");
        let claims = status.is_some_and(|s| s.value.starts_with("verified"));
        if !claims {
            return None;
        }
        let since = since(history, overview, at.map(|f| f.value.as_str()))?;
        let bound = bound(project, system);
        let touches = |c: &&Commit| c.paths.iter().any(|p| bound.contains(p.as_str()));
        let count = since.iter().filter(touches).count();
        if count < self.threshold.max(1) {
            return None;
        }
        let when = match at {
            Some(fact) => format!("since {}", fact.value),
            None => "since it was last written".to_owned(),
        };
        let message = format!(
            "the overview of `{}` is `verified`, but {count} commits changed the models of the source {when}: what it says may no longer hold",
            system.name
        );
        let range = &at.or(status)?.range;
        let found = Violation::new(overview.span(range), message);
        Some(found.symbol("verified"))
    }
}

/// The commits after the check. None where that is not known: git was not asked, or does not reach
/// back so far (a shallow clone).
fn since<'h>(history: &'h History, overview: &Document, at: Option<&str>) -> Option<&'h [Commit]> {
    let commits = &history.commits;
    let end = match at {
        Some(at) if at.len() >= 10 && at.as_bytes().get(4) == Some(&b'-') => {
            let day = at.get(..10)?;
            // The day itself is taken for the check's.
            commits.iter().position(|c| c.day.as_str() <= day)
        }
        Some(sha) => {
            // A commit that touched none of the paths is not in the list.
            Some(commits.iter().position(|c| c.sha.starts_with(sha))?)
        }
        None => commits
            .iter()
            .position(|c| c.paths.contains(&overview.from_root)),
    };
    match end {
        Some(end) => commits.get(..end),
        None => history.whole.then_some(commits.as_slice()),
    }
}

/// Paths, from the root, of the source's models and their property files.
fn bound(project: &Project, system: &SourceSystem) -> BTreeSet<String> {
    let models = system.models.iter().map(|id| project.node(*id));
    let files = models.flat_map(|m| {
        let properties = m.properties.as_ref().map(|p| p.file);
        std::iter::once(m.file).chain(properties)
    });
    let paths = files.map(|f| project.knowledge.from_root(project.path(f)));
    paths.collect()
}
