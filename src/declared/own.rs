//! Folders of a team's own rules.

use super::{Declared, read};
use crate::config::{Config, ConfigError};
use crate::load::Place;
use crate::syntax::yaml::{self, At, DeError};
use crate::text::{FileId, Span, nearest, relative_path};
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// Reads every `*.yaml` and `*.yml` of a folder of the team's rules: one file per rule, or a folder
/// with its rule.yaml.
///
/// # Errors
/// The first file that is refused; a folder that is not there.
pub fn read_folder(
    config: &Config,
    place: &Place,
    folder: &At<String>,
) -> Result<Vec<Declared>, ConfigError> {
    let dir = place.project_dir.join(&folder.value);
    let added = place.overlay.added(&dir).next().is_some();
    let real = place.inside(&dir).filter(|d| d.is_dir());
    let Some(dir) = real.or_else(|| added.then_some(dir)) else {
        let message = format!("there is no folder `{}` in the repository", folder.value);
        let doc = folder
            .span
            .and_then(|s| config.docs.iter().find(|d| d.yaml.file == s.file));
        return Err(ConfigError {
            path: doc.map_or(String::new(), |d| d.name.clone()),
            text: doc.map_or(String::new(), |d| d.text.clone()),
            range: folder.span.map(Span::range),
            message,
            help: Some("paths count from the project directory".to_owned()),
        });
    };
    read_each(config, place, &dir)?.into_iter().collect()
}

/// Reads the rules of a directory, each for itself.
///
/// # Errors
/// None so far: each file is read or refused alone.
pub fn read_each(
    config: &Config,
    place: &Place,
    dir: &Path,
) -> Result<Vec<Result<Declared, ConfigError>>, ConfigError> {
    let mut paths: Vec<PathBuf> = WalkDir::new(dir)
        .into_iter()
        .flatten()
        .map(|e| e.into_path())
        .filter(|p| !place.overlay.is_gone(p))
        .chain(place.overlay.added(dir).map(Path::to_owned))
        .filter(|p| p.extension().is_some_and(|e| e == "yaml" || e == "yml"))
        .collect();
    paths.sort();
    // Beside a folder's rule.yaml lie what its page and its examples need.
    let is_rule = |p: &PathBuf| {
        let of_folder = |d: &Path| d.starts_with(dir) && place.is_file(&d.join("rule.yaml"));
        p.ends_with("rule.yaml") || !p.ancestors().skip(1).any(of_folder)
    };
    let rules = paths.iter().filter(|p| is_rule(p));
    Ok(rules.map(|p| read_own(config, place, p)).collect())
}

/// Reads one of the team's rules.
fn read_own(config: &Config, place: &Place, path: &Path) -> Result<Declared, ConfigError> {
    let shown = relative_path(path, &place.project_dir);
    let whole = |message: String| ConfigError {
        path: shown.clone(),
        text: String::new(),
        range: None,
        message,
        help: None,
    };
    if place.inside(path).is_none() {
        return Err(whole("leads out of the repository".to_owned()));
    }
    let (text, problem) = place.read_text(path);
    if let Some(problem) = problem {
        return Err(whole(format!("cannot be read: {problem:?}")));
    }
    let file = yaml::parse(FileId(0), &text);
    let known = read(&file, None).and_then(|d| known_layers(config, d));
    match known {
        Ok(declared) => Ok(Declared {
            own: true,
            path: shown,
            text,
            ..declared
        }),
        Err(e) => Err(ConfigError {
            path: shown,
            range: e.span.map(Span::range),
            message: e.message,
            help: e.help,
            text,
        }),
    }
}

/// A layer that the configured table does not have would silence the rule for ever.
fn known_layers(config: &Config, declared: Declared) -> Result<Declared, DeError> {
    let Some(layers) = &config.layers else {
        return Ok(declared);
    };
    let roles: Vec<&str> = layers.iter().map(|l| l.role.as_str()).collect();
    let unknown = declared
        .layers
        .iter()
        .find(|l| !roles.contains(&l.as_str()));
    let Some(layer) = unknown else {
        return Ok(declared);
    };
    let near = nearest(layer, roles.iter().copied());
    let message = format!(
        "`{}` is no layer; layers are {}",
        layer.value,
        roles.join(", ")
    );
    let error = DeError {
        help: near.map(|n| format!("did you mean `{n}`?")),
        ..DeError::new(message)
    };
    Err(match layer.span {
        Some(span) => error.at(span),
        None => error,
    })
}
