use crate::git::{Commit, History, MAX_COMMITS};
use crate::load::Notice;
use crate::project::{Document, Project, SourceSystem};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink, Subject};
use crate::violation::{Confidence, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;
use std::collections::{BTreeMap, BTreeSet};

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
    fn subject(&self) -> Subject {
        Subject::Documents
    }

    fn project(&self, cx: &Cx, sink: &mut Sink) {
        let history = cx.project.knowledge.history.as_ref();
        let mut unknown: BTreeMap<String, usize> = BTreeMap::new();
        for system in cx.project.source_systems() {
            let Some(overview) = cx.project.overview(&system.name) else {
                continue;
            };
            match self.judge(cx.project, history, &system, overview) {
                Ok(found) => sink.push_some(found),
                Err(why) => *unknown.entry(why).or_default() += 1,
            }
        }
        for (why, count) in unknown {
            let pages = if count == 1 { "overview" } else { "overviews" };
            sink.skip(Notice {
                what: "history",
                path: cx.project.config.context.dir.clone(),
                why: format!(
                    "history unknown: {why}; context/stale did not judge {count} verified {pages}"
                ),
                line: None,
            });
        }
    }
}

impl Stale {
    /// The finding, if it is one; else why that cannot be told.
    fn judge(
        &self,
        project: &Project,
        history: Option<&History>,
        system: &SourceSystem,
        overview: &Document,
    ) -> Result<Option<Violation>, String> {
        let Some(status) = overview.fact("status") else {
            return Ok(None);
        };
        let bound = bound(project, system);
        if !status.value.starts_with("verified") || bound.is_empty() {
            return Ok(None);
        }
        let Some(history) = history else {
            return Err("no git work tree, or git does not answer".to_owned());
        };
        let at = overview.fact("verified_at");
        let since = since(history, overview, at.map(|f| f.value.as_str()))?;
        let touches = |c: &&Commit| c.paths.iter().any(|p| bound.contains(p.as_str()));
        let count = since.iter().filter(touches).count();
        if count < self.threshold.max(1) {
            return Ok(None);
        }
        let when = match at {
            Some(fact) => format!("since {}", fact.value),
            None => "since it was last written".to_owned(),
        };
        let message = format!(
            "the overview of `{}` is `verified`, but {count} commits changed the models of the source {when}: what it says may no longer hold",
            system.name
        );
        let range = &at.unwrap_or(status).range;
        let found = Violation::new(overview.span(range), message);
        Ok(Some(found.symbol("verified")))
    }
}

/// The commits after the check. An error says why they are not known: git's history does not reach
/// back so far, or the commit of the check is none of it.
fn since<'h>(
    history: &'h History,
    overview: &Document,
    at: Option<&str>,
) -> Result<&'h [Commit], String> {
    let commits = &history.commits[..];
    // What follows where no commit is as old as the check.
    let rest = match at {
        Some(_) => commits,
        // It was never committed: it is being written now.
        None => &[],
    };
    let is_day = |at: &str| at.len() >= 10 && at.as_bytes().get(4) == Some(&b'-');
    let end = match at {
        Some(at) if is_day(at) => {
            // The day itself is taken for the check's.
            let day = at.get(..10).unwrap_or(at);
            commits.iter().position(|c| c.day.as_str() <= day)
        }
        Some(sha) => {
            let end = commits.iter().position(|c| c.sha.starts_with(sha));
            // A commit that touched none of the paths is not in the list.
            if end.is_none() && history.whole {
                return Err(
                    "`verified_at` is neither a day nor a commit that changed the project"
                        .to_owned(),
                );
            }
            end
        }
        None => commits
            .iter()
            .position(|c| c.paths.contains(&overview.from_root)),
    };
    match end.and_then(|end| commits.get(..end)) {
        Some(since) => Ok(since),
        None if history.whole => Ok(rest),
        None if commits.len() >= MAX_COMMITS => Err(format!("more than {MAX_COMMITS} commits")),
        None => Err("shallow clone".to_owned()),
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
