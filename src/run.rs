//! The way from a request to findings, one function per step. Verbs and tests start here.

mod baseline;

pub use baseline::BaselineTask;

use crate::changed::{self, Affected};
use crate::check::{self, Checked, Scope};
use crate::config::{self, BaselineSetting, Config, ManifestSetting};
use crate::error::RunError;
use crate::git::{self, Against, Changes};
use crate::load::{self, Notice, Place};
use crate::project::{self, Project};
use crate::registry::{self, Active, Entry, RuleFilter};
use crate::rule::Reach;
use crate::select::{self, Selection};
use crate::text::{Overlay, folded, nearest, relative_path};
use rustc_hash::FxHashSet;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a run is asked for.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The working directory.
    pub cwd: PathBuf,
    /// `--project-dir`.
    pub project_dir: Option<PathBuf>,
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--manifest`.
    pub manifest: Option<ManifestSetting>,
    /// `--baseline`; as configured where this is none.
    pub baseline: Option<BaselineSetting>,
    /// `--write-baseline`, `--prune-baseline`.
    pub task: BaselineTask,
    /// `--vars`, laid over the configuration's.
    pub vars: Map<String, Value>,
    /// `--target`.
    pub target: Option<String>,
    /// `--stdin-filename`.
    pub stdin: Option<Stdin>,
    /// `--rule` and `--ignore`.
    pub filter: RuleFilter,
    /// `--select`, `--exclude`, paths and what goes with them.
    pub selection: Selection,
    /// `--changed` and `--staged`: only what this differs from speaks for.
    pub against: Option<Against>,
    /// What is to be judged in the place of what lies on disk, by paths without links: the files as
    /// fixes would leave them.
    pub instead: Overlay,
}

/// A file whose content is not what lies on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stdin {
    /// The file, relative to the working directory; it need not exist.
    pub path: PathBuf,
    /// What stands in for it.
    pub bytes: Arc<[u8]>,
}

/// How long each step took. It is for stderr alone: a clock must not reach a report.
#[derive(Debug)]
pub struct Laps {
    since: Instant,
    /// Steps in order.
    pub done: Vec<(&'static str, Duration)>,
}

impl Laps {
    /// Begins to count.
    pub fn start() -> Self {
        Self {
            since: Instant::now(),
            done: Vec::new(),
        }
    }

    /// Ends a step.
    pub fn end(&mut self, step: &'static str) {
        let now = Instant::now();
        self.done.push((step, now - self.since));
        self.since = now;
    }
}

/// A project with the rules that are to judge it.
pub struct Prepared {
    /// The project.
    pub project: Project,
    /// Rules in use.
    pub rules: Vec<Active>,
    /// The team's own declared rules, in use or not.
    pub own: Vec<Entry>,
    /// How long that took.
    pub laps: Laps,
}

/// Finds the project and reads its configuration.
///
/// # Errors
/// No project, several, or a configuration that is refused.
pub fn configure(request: &Request) -> Result<(Place, Config), RunError> {
    let place = place(request)?;
    let config = configure_at(request, &place)?;
    Ok((place, config))
}

fn configure_at(request: &Request, place: &Place) -> Result<Config, RunError> {
    let asked = request.config.as_deref();
    if let Some(path) = asked
        && !path.is_file()
    {
        return Err(RunError::Input {
            path: path.display().to_string(),
            why: "there is no such configuration".to_owned(),
            help: None,
        });
    }
    let mut config = config::load(place, asked, &registry::ids())?;
    config.vars.extend(request.vars.clone());
    if let Some(target) = &request.target {
        config.target = Some(target.clone());
    }
    Ok(config)
}

/// Where the project is. What an editor holds of a file stands in for what lies on disk, and its
/// place tells which project is meant.
fn place(request: &Request) -> Result<Place, RunError> {
    let asked = request.project_dir.as_deref();
    let Some(Stdin { path, bytes }) = &request.stdin else {
        let mut place = load::find(&request.cwd, asked)?;
        place.overlay = request.instead.clone();
        return Ok(place);
    };
    let real = real(&request.cwd.join(path));
    let above = real.ancestors().skip(1).find(|dir| dir.is_dir());
    let near = above.and_then(|dir| load::find(dir, asked).ok());
    let mut place = match near {
        Some(place) => place,
        None => load::find(&request.cwd, asked)?,
    };
    if !real.starts_with(&place.root) {
        return Err(RunError::Nothing {
            message: format!("{} lies outside the repository", path.display()),
            help: Some("--stdin-filename names a file of the project".to_owned()),
        });
    }
    place.overlay = Overlay::new([(real, Some(bytes.clone()))].into_iter().collect());
    Ok(place)
}

/// A path without links, as far as it exists.
fn real(path: &Path) -> PathBuf {
    let path = folded(path);
    for above in path.ancestors() {
        if let (Ok(real), Ok(below)) = (above.canonicalize(), path.strip_prefix(above)) {
            // Joining nothing would add a slash.
            return match below.as_os_str().is_empty() {
                true => real,
                false => real.join(below),
            };
        }
    }
    path
}

/// Reads and understands the project, and chooses its rules.
///
/// # Errors
/// As [`configure`]; also an unknown rule, or a manifest that was asked for and cannot be used.
pub fn prepare(request: &Request) -> Result<Prepared, RunError> {
    let laps = Laps::start();
    let (place, config) = configure(request)?;
    prepare_with(request, place, config, laps)
}

/// As [`prepare`], with a configuration that is there already.
///
/// # Errors
/// As [`prepare`].
pub fn prepare_with(
    request: &Request,
    place: Place,
    config: Config,
    laps: Laps,
) -> Result<Prepared, RunError> {
    let own = registry::own_rules(&config, &place)?;
    prepare_own(request, place, config, own, laps)
}

/// As [`prepare_with`], with the team's own rules.
///
/// # Errors
/// As [`prepare`].
pub fn prepare_own(
    request: &Request,
    place: Place,
    mut config: Config,
    own: Vec<Entry>,
    mut laps: Laps,
) -> Result<Prepared, RunError> {
    let entries: Vec<&Entry> = registry::shipped().iter().chain(&own).collect();
    if let Some(unknown) = request.filter.unknown(&entries) {
        return Err(unknown_rule(unknown, &entries));
    }
    known_declared(&config, &entries)?;
    let rules = registry::active(&config, &own, &request.filter)?;
    laps.end("configure");
    let loaded = load::load(place);
    laps.end("load");
    let manifest = manifest_setting(request, &mut config, &loaded.place);
    let options = project::Options {
        manifest: Some(manifest.clone()),
        knowledge: rules.iter().any(|r| r.meta.reads_knowledge()),
        named: rules.iter().flat_map(Active::files).collect(),
        ..project::Options::default()
    };
    let mut project =
        project::build(loaded, config, &options).map_err(|(path, why)| RunError::Input {
            path,
            why,
            help: Some("run `dbt parse` again, or use --manifest off".to_owned()),
        })?;
    if let (Some(info), ManifestSetting::Path(path)) = (&mut project.manifest, &manifest)
        && let Ok(real) = PathBuf::from(path).canonicalize()
    {
        info.path = relative_path(&real, &project.place.project_dir);
    }
    baseline::open(request, &mut project)?;
    project.parts = select::parts(&project)?;
    laps.end("understand");
    Ok(Prepared {
        project,
        rules,
        own,
        laps,
    })
}

/// Which manifest to use. A path on the command line counts from the working directory, one in the
/// configuration from the project directory.
fn manifest_setting(request: &Request, config: &mut Config, place: &Place) -> ManifestSetting {
    if let Some(asked) = &request.manifest {
        return asked.clone();
    }
    if let ManifestSetting::Path(path) = &config.manifest {
        let path = place.project_dir.join(path).to_string_lossy().into_owned();
        config.manifest = ManifestSetting::Path(path);
    }
    config.manifest.clone()
}

/// `ap/` ids of the configuration are known only when the team's folders were read.
fn known_declared(config: &Config, entries: &[&Entry]) -> Result<(), RunError> {
    let parts = config.overrides.iter().map(|part| &part.rules);
    let settings = std::iter::once(&config.rules).chain(parts).flatten();
    let settings = settings.map(|(id, setting)| (id.as_str(), setting.span));
    let excluded = config.exclude.iter().flat_map(|e| &e.rules);
    let excluded = excluded.map(|id| (id.value.as_str(), id.span));
    for (id, span) in settings.chain(excluded) {
        if entries.iter().any(|e| config::id_matches(id, &e.meta().id)) {
            continue;
        }
        let error = unknown_rule(id, entries);
        let RunError::Usage { message, help } = error else {
            continue;
        };
        let doc = span.and_then(|s| config.docs.iter().find(|d| d.yaml.file == s.file));
        return Err(config::ConfigError {
            path: doc.map_or(String::new(), |d| d.name.clone()),
            text: doc.map_or(String::new(), |d| d.text.clone()),
            range: span.map(crate::text::Span::range),
            message,
            help,
        }
        .into());
    }
    Ok(())
}

/// The error for a rule that does not exist, with the nearest that does.
pub fn unknown_rule(id: &str, entries: &[&Entry]) -> RunError {
    let ids = entries.iter().map(|e| &*e.meta().id);
    let help = match nearest(id, ids) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`harness-lint rules` lists them".to_owned(),
    };
    RunError::usage(format!("unknown rule `{id}`"), Some(help))
}

/// A judged project.
pub struct Outcome {
    /// The project and its rules.
    pub prepared: Prepared,
    /// What they found.
    pub checked: Checked,
    /// Which part of the project was asked about.
    pub scope: Scope,
    /// What was done besides, for stderr.
    pub notes: String,
    /// What the change speaks for, where only that was asked about.
    pub affected: Option<Affected>,
}

/// The whole of `check`.
///
/// # Errors
/// As [`prepare`]; also a selection that matches nothing, and a baseline that cannot be written.
pub fn check(request: &Request) -> Result<Outcome, RunError> {
    let mut laps = Laps::start();
    let mut place = place(request)?;
    let changes = match &request.against {
        Some(against) => Some(changes(&mut place, against)?),
        None => None,
    };
    if changes.is_some() {
        laps.end("git");
    }
    let config = configure_at(request, &place)?;
    let mut prepared = prepare_with(request, place, config, laps)?;
    let scope = match &request.stdin {
        None => select::scope(&prepared.project, &request.selection, &request.cwd)?,
        Some(Stdin { path, .. }) => {
            let mut selection = request.selection.clone();
            selection.paths = vec![real(&request.cwd.join(path))];
            select::scope(&prepared.project, &selection, &request.cwd)?
        }
    };
    let judged = check::judge(&prepared.project, &prepared.rules);
    let notes = baseline::write(request, &mut prepared, &judged, &scope)?;
    let mut checked = judged.reported(&prepared.project, &prepared.rules, &scope);
    let notices = &mut prepared.project.notices;
    notices.append(&mut checked.skipped);
    notices.sort();
    prepared.laps.end("check");
    let affected = changes.map(|changes| {
        let config = request.config.as_ref().map(|c| request.cwd.join(c));
        let config = config.and_then(|c| c.canonicalize().ok());
        let affected = changed::affected(&prepared.project, &changes, config.as_deref());
        only_affected(request, &changes, &affected, &mut prepared, &mut checked);
        prepared.laps.end("compare");
        affected
    });
    Ok(Outcome {
        prepared,
        checked,
        scope,
        notes,
        affected,
    })
}

/// What differs; `place` is then as it is to be judged.
fn changes(place: &mut Place, against: &Against) -> Result<Changes, RunError> {
    let changes = git::changes(&place.root, against)?;
    place.overlay = changes.now.under(&place.overlay);
    let file = place.project_dir.join("dbt_project.yml");
    match place.is_file(&file) {
        true => Ok(changes),
        false => Err(RunError::Nothing {
            message: "dbt_project.yml is not in the index".to_owned(),
            help: Some("`git add` it, or leave --staged out".to_owned()),
        }),
    }
}

/// Leaves the findings that a change speaks for, and elsewhere those that the base did not have. The
/// base is read only where findings elsewhere ask for it.
fn only_affected(
    request: &Request,
    changes: &Changes,
    affected: &Affected,
    prepared: &mut Prepared,
    checked: &mut Checked,
) {
    let all = std::mem::take(&mut checked.findings);
    let is_near: Vec<bool> = all.iter().map(|f| affected.holds(f)).collect();
    // Findings of rules that look no further than their neighbours are old there.
    let far: FxHashSet<&str> = prepared
        .rules
        .iter()
        .filter(|r| affected.wide || r.reach() == Reach::Project)
        .map(|r| &*r.meta.id)
        .collect();
    let mut away = all.iter().zip(&is_near).filter(|(_, is_near)| !**is_near);
    let asks = !changes.files.is_empty() && away.any(|(f, _)| far.contains(&*f.rule));
    if asks && changes.partial {
        prepared.project.notices.push(Notice {
            what: "git",
            path: ".".to_owned(),
            why: "the clone lacks contents of the base: whether the change causes findings in files that it does not touch was not judged".to_owned(),
            line: None,
        });
    }
    let known = match asks && !changes.partial {
        true => known_before(request, changes, &prepared.project.place),
        false => None,
    };
    let is_new = |fingerprint: &u64| known.as_ref().is_some_and(|k| !k.contains(fingerprint));
    let kept = all.into_iter().zip(is_near);
    let kept = kept.filter(|(f, is_near)| *is_near || is_new(&f.fingerprint));
    checked.findings = kept.map(|(f, _)| f).collect();
}

/// The findings of the base, by their fingerprints; none where it cannot be judged by today's
/// configuration.
fn known_before(request: &Request, changes: &Changes, now: &Place) -> Option<FxHashSet<u64>> {
    let mut place = now.clone();
    place.overlay = changes.before.clone();
    let config = configure_at(request, &place).ok()?;
    let base = prepare_with(request, place, config, Laps::start()).ok()?;
    let checked = check::check(&base.project, &base.rules, &Scope::default());
    Some(checked.findings.iter().map(|f| f.fingerprint).collect())
}
