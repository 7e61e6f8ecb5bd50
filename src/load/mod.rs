//! Which files belong to a dbt project, and their bytes. Nothing is understood here beyond
//! dbt_project.yml's paths.
//!
//! No path leaves the root (the git work tree, else the project directory), symlinks included;
//! what cannot be read is a notice or a finding, never the end of the run.

mod below;
mod elsewhere;
mod find;
mod hints;
mod knowledge;
mod pinned;
mod walk;

pub use below::{Below, files_below, read_below};
pub use elsewhere::{Elsewhere, is_package};
pub use find::{FindError, Place, find};
pub use hints::{DialectChoice, DialectHints, dialect_hints, may_hint};
pub use knowledge::{KnowledgeFile, KnowledgeFiles, KnowledgeKind, is_generated, knowledge};
pub use pinned::{Minor, one_minor, pinned_dbt};

use crate::syntax::yaml::{self, Yaml};
use crate::text::{FileId, Files, ReadProblem, TextFile, relative_path};
use rayon::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a file is to dbt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// A `.sql` model.
    Model,
    /// A `.py` model.
    PythonModel,
    /// A `.csv` seed; its content is not read.
    Seed,
    /// A snapshot file.
    Snapshot,
    /// A singular test.
    Test,
    /// An analysis.
    Analysis,
    /// The body of a user-defined function (dbt 1.11).
    Function,
    /// Macros and generic tests.
    Macro,
    /// YAML under a resource path.
    Properties,
    /// Read for the project as a whole: dbt_project.yml, packages.yml and the like.
    Project,
}

/// A file of the run and what it is.
#[derive(Debug, Clone)]
pub struct Member {
    /// Its text.
    pub file: FileId,
    /// Index into [`Loaded::packages`]; 0 is the project itself.
    pub package: usize,
    /// What it is.
    pub role: Role,
    /// Its directories below the resource path it was found under: the middle of dbt's fqn.
    pub folders: Vec<String>,
}

/// A dbt project: the one that is linted, or an installed package.
#[derive(Debug)]
pub struct Package {
    /// Its `name:`; the directory's name where it has none.
    pub name: Arc<str>,
    /// Where it lies.
    pub dir: PathBuf,
    /// dbt_project.yml.
    pub file: FileId,
    /// Its tree.
    pub yaml: Yaml,
}

/// A package that packages.yml or dependencies.yml asks for.
#[derive(Debug, Clone)]
pub struct Dependency {
    /// As it is written: `dbt-labs/dbt_utils`, a git address, a path.
    pub written: String,
    /// It was found under the install path (or, for `local:`, in its place).
    pub installed: bool,
}

/// Something that was not looked at, for the report.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Notice {
    /// What kind of thing: `file`, `link`, `manifest` …
    pub what: &'static str,
    /// Path relative to the project directory.
    pub path: String,
    /// Why.
    pub why: String,
    /// 1-based line, where one is known.
    pub line: Option<u32>,
}

/// Every file of the run.
#[derive(Debug)]
pub struct Loaded {
    /// Where the project lies.
    pub place: Place,
    /// Their texts.
    pub files: Files,
    /// What they are, in order of package, then path.
    pub members: Vec<Member>,
    /// The project first, then installed packages by name.
    pub packages: Vec<Package>,
    /// What packages.yml and dependencies.yml ask for.
    pub dependencies: Vec<Dependency>,
    /// packages.yml and dependencies.yml, where they exist.
    pub package_files: Vec<(FileId, Yaml)>,
    /// What was not looked at.
    pub notices: Vec<Notice>,
}

impl Loaded {
    /// The project's dbt_project.yml.
    pub fn root(&self) -> &Package {
        &self.packages[0]
    }

    /// Is there a package that is asked for and not installed?
    pub fn misses_packages(&self) -> bool {
        self.dependencies.iter().any(|d| !d.installed)
    }
}

/// Reads the project at `place`, and the packages installed in it.
pub fn load(place: Place) -> Loaded {
    let mut loader = Loader {
        files: Files::default(),
        notices: Vec::new(),
    };
    let root = loader.package(&place, &place.project_dir);
    let package_files: Vec<(FileId, Yaml)> = ["packages.yml", "dependencies.yml"]
        .iter()
        .filter_map(|name| loader.yaml_file(&place, &place.project_dir.join(name)))
        .collect();
    let installs = loader.installed(&place, &root, &package_files);
    let dependencies = dependencies(&place, &package_files, &installs);
    let mut packages = vec![root];
    for dir in installs {
        packages.push(loader.package(&place, &dir));
    }
    let mut found = Vec::new();
    for (index, package) in packages.iter().enumerate() {
        walk::collect(&place, package, index, &mut found, &mut loader.notices);
    }
    let members = loader.read_all(&place, found);
    loader.notices.sort();
    loader.notices.dedup();
    Loaded {
        place,
        files: loader.files,
        members,
        packages,
        dependencies,
        package_files,
        notices: loader.notices,
    }
}

struct Loader {
    files: Files,
    notices: Vec<Notice>,
}

impl Loader {
    fn package(&mut self, place: &Place, dir: &Path) -> Package {
        let path = dir.join("dbt_project.yml");
        let (text, problem) = self.read_inside(place, &path);
        let rel = relative_path(&path, &place.project_dir);
        let file = self.files.push(TextFile::new(rel, path, text, problem));
        let yaml = yaml::parse(file, &self.files.get(file).text);
        let named = yaml.root().and_then(|r| r.get("name")?.as_str());
        let folder = || {
            dir.file_name()
                .map_or(String::new(), |n| n.to_string_lossy().into_owned())
        };
        Package {
            name: named.map_or_else(folder, str::to_owned).into(),
            dir: dir.to_owned(),
            file,
            yaml,
        }
    }

    /// A file's text; nothing, and a notice, where a link leads out of the root.
    fn read_inside(&mut self, place: &Place, path: &Path) -> (String, Option<ReadProblem>) {
        if path.exists() && place.inside(path).is_none() {
            self.notices.push(outside(place, path));
            return (String::new(), None);
        }
        place.read_text(path)
    }

    fn yaml_file(&mut self, place: &Place, path: &Path) -> Option<(FileId, Yaml)> {
        if !place.is_file(path) {
            return None;
        }
        let (text, problem) = self.read_inside(place, path);
        let rel = relative_path(path, &place.project_dir);
        let file = self
            .files
            .push(TextFile::new(rel, path.to_owned(), text, problem));
        let yaml = yaml::parse(file, &self.files.get(file).text);
        Some((file, yaml))
    }

    /// Directories of installed packages: under the install path, and `local:` ones.
    fn installed(
        &mut self,
        place: &Place,
        root: &Package,
        package_files: &[(FileId, Yaml)],
    ) -> Vec<PathBuf> {
        let mut dirs = Vec::new();
        let configured = root
            .yaml
            .root()
            .and_then(|r| r.get("packages-install-path")?.as_str());
        for name in [configured.unwrap_or("dbt_packages"), "dbt_modules"] {
            let dir = place.project_dir.join(name);
            if dir.is_dir() && place.inside(&dir).is_none() {
                self.notices.push(outside(place, &dir));
                continue;
            }
            let Ok(entries) = std::fs::read_dir(dir) else {
                continue;
            };
            dirs.extend(entries.flatten().map(|e| e.path()));
        }
        for (_, yaml) in package_files {
            for local in package_entries(yaml).filter_map(|e| e.get("local")?.as_str()) {
                dirs.push(place.project_dir.join(local));
            }
        }
        let mut installs: Vec<PathBuf> = dirs
            .into_iter()
            .filter(|d| place.is_file(&d.join("dbt_project.yml")))
            .filter_map(|d| match place.inside(&d) {
                Some(real) => Some(real),
                None => {
                    self.notices.push(outside(place, &d));
                    None
                }
            })
            .filter(|d| *d != place.project_dir)
            .collect();
        installs.sort();
        installs.dedup();
        installs
    }

    /// Reads texts in parallel and names them in order of package and path.
    fn read_all(&mut self, place: &Place, mut found: Vec<walk::Found>) -> Vec<Member> {
        found.sort_by(|a, b| (a.package, &a.path, a.role).cmp(&(b.package, &b.path, b.role)));
        found.dedup_by(|a, b| a.path == b.path && a.role == b.role);
        let texts: Vec<TextFile> = found
            .par_iter()
            .map(|f| {
                let rel = relative_path(&f.path, &place.project_dir);
                // A package's models are known by name; a seed's rows are data.
                let unread = f.package > 0 && !read_in_package(f.role);
                let (text, problem) = match f.role {
                    Role::Seed => (place.overlay.read_first_line(&f.path), None),
                    _ if unread => (String::new(), None),
                    _ => place.read_text(&f.path),
                };
                TextFile::new(rel, f.path.clone(), text, problem)
            })
            .collect();
        found
            .into_iter()
            .zip(texts)
            .map(|(f, text)| Member {
                file: self.files.push(text),
                package: f.package,
                role: f.role,
                folders: f.folders,
            })
            .collect()
    }
}

fn read_in_package(role: Role) -> bool {
    matches!(role, Role::Macro | Role::Properties | Role::Snapshot)
}

fn outside(place: &Place, path: &Path) -> Notice {
    Notice {
        what: "link",
        path: relative_path(path, &place.project_dir),
        why: "leads out of the repository and was not followed".to_owned(),
        line: None,
    }
}

fn package_entries(yaml: &Yaml) -> impl Iterator<Item = yaml::Node<'_>> {
    let list = yaml.root().and_then(|r| r.get("packages"));
    list.into_iter().flat_map(|l| l.resolve().items())
}

fn dependencies(
    place: &Place,
    package_files: &[(FileId, Yaml)],
    installs: &[PathBuf],
) -> Vec<Dependency> {
    let mut out = Vec::new();
    for (_, yaml) in package_files {
        for entry in package_entries(yaml) {
            let key = ["package", "git", "local", "tarball", "private"]
                .into_iter()
                .find_map(|k| Some((k, entry.get(k)?.as_str()?)));
            let Some((key, written)) = key else { continue };
            let installed = match key {
                "local" => place
                    .inside(&place.project_dir.join(written))
                    .is_some_and(|d| installs.contains(&d)),
                _ => installs.iter().any(|d| is_install_of(d, written)),
            };
            out.push(Dependency {
                written: written.to_owned(),
                installed,
            });
        }
    }
    out
}

/// dbt installs a package under its project name, which for nearly all is the repository's name
/// with underscores.
fn is_install_of(dir: &Path, written: &str) -> bool {
    let tail = written.trim_end_matches('/').trim_end_matches(".git");
    let tail = tail.rsplit(['/', ':']).next().unwrap_or(tail);
    let simple = |s: &str| s.to_ascii_lowercase().replace('-', "_");
    let bare = |s: &str| simple(s).trim_start_matches("dbt_").to_owned();
    let name = dir
        .file_name()
        .map_or(String::new(), |n| n.to_string_lossy().into_owned());
    bare(&name) == bare(tail)
}
