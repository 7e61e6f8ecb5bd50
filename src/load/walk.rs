//! Walking a project's resource paths as dbt walks them.

use super::{Notice, Package, Place, Role, outside};
use crate::text::relative_path;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use std::path::{Path, PathBuf};
use walkdir::{DirEntry, WalkDir};

/// A file that belongs to a package.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) path: PathBuf,
    pub(super) package: usize,
    pub(super) role: Role,
    pub(super) folders: Vec<String>,
}

/// A kind of resource: the keys that name its paths, and dbt's default.
struct Resource {
    keys: &'static [&'static str],
    default: &'static str,
    role: Role,
}

const RESOURCES: &[Resource] = &[
    Resource {
        keys: &["model-paths", "source-paths"],
        default: "models",
        role: Role::Model,
    },
    Resource {
        keys: &["seed-paths", "data-paths"],
        default: "seeds",
        role: Role::Seed,
    },
    Resource {
        keys: &["snapshot-paths"],
        default: "snapshots",
        role: Role::Snapshot,
    },
    Resource {
        keys: &["test-paths"],
        default: "tests",
        role: Role::Test,
    },
    Resource {
        keys: &["macro-paths"],
        default: "macros",
        role: Role::Macro,
    },
    Resource {
        keys: &["analysis-paths"],
        default: "analyses",
        role: Role::Analysis,
    },
    Resource {
        keys: &["function-paths"],
        default: "functions",
        role: Role::Function,
    },
];

/// Adds the package's files to `found`.
pub(super) fn collect(
    place: &Place,
    package: &Package,
    index: usize,
    found: &mut Vec<Found>,
    notices: &mut Vec<Notice>,
) {
    let ignored = dbtignore(place, &package.dir);
    for resource in RESOURCES {
        for base in resource_paths(package, resource) {
            let base = match place.inside(&base) {
                Some(base) => base,
                None if base.exists() => {
                    notices.push(outside(place, &base));
                    continue;
                }
                // Its files may be there all the same: not on disk.
                None if place.overlay.added(&base).next().is_some() => base,
                None => continue,
            };
            let mut walker = Walker {
                place,
                package,
                index,
                ignored: &ignored,
                base: &base,
                role: resource.role,
                found,
                notices,
            };
            walker.walk();
        }
    }
}

fn resource_paths(package: &Package, resource: &Resource) -> Vec<PathBuf> {
    let root = package.yaml.root();
    let configured = resource.keys.iter().find_map(|k| root?.get(k));
    let names: Vec<&str> = match configured {
        Some(list) if list.resolve().is_sequence() => {
            list.resolve().items().filter_map(|n| n.as_str()).collect()
        }
        Some(one) => one.as_str().into_iter().collect(),
        None => vec![resource.default],
    };
    names.into_iter().map(|n| package.dir.join(n)).collect()
}

/// `.dbtignore` has the syntax of `.gitignore`.
fn dbtignore(place: &Place, dir: &Path) -> Gitignore {
    let path = dir.join(".dbtignore");
    if !place.is_file(&path) || place.inside(&path).is_none() {
        return Gitignore::empty();
    }
    let mut builder = GitignoreBuilder::new(dir);
    // A line that is no pattern is skipped, as dbt skips it.
    let (text, _) = place.read_text(&path);
    for line in text.trim_start_matches('\u{feff}').lines() {
        let _ = builder.add_line(None, line);
    }
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}

/// A folder of what others wrote, wherever it lies.
fn is_skipped(folder: &str) -> bool {
    matches!(
        folder,
        "dbt_packages" | "dbt_modules" | "dbt_internal_packages" | "node_modules" | ".git"
    )
}

struct Walker<'a> {
    place: &'a Place,
    package: &'a Package,
    index: usize,
    ignored: &'a Gitignore,
    base: &'a Path,
    role: Role,
    found: &'a mut Vec<Found>,
    notices: &'a mut Vec<Notice>,
}

impl Walker<'_> {
    fn walk(&mut self) {
        let (place, package_dir) = (self.place, self.package.dir.clone());
        let mut leave = Vec::new();
        let mut skip = |e: &DirEntry| {
            if e.depth() == 0 || !e.file_type().is_dir() {
                return false;
            }
            // Behind a link the whole disk may lie: it is not even listed.
            if e.path_is_symlink() && place.inside(e.path()).is_none() {
                leave.push(outside(place, e.path()));
                return true;
            }
            // A project whose model path is `.` holds its packages and artifacts too.
            let name = e.file_name().to_string_lossy();
            is_skipped(&name) || (name == "target" && e.path().parent() == Some(&package_dir))
        };
        let entries = WalkDir::new(self.base)
            .follow_links(true)
            .into_iter()
            .filter_entry(|e| !skip(e));
        // Where the directory is not on disk, there is nothing to list.
        for entry in entries.into_iter().filter(|_| self.base.exists()) {
            match entry {
                Ok(entry) if place.overlay.is_gone(entry.path()) => {}
                Ok(entry) if entry.file_type().is_file() => {
                    self.file(entry.path(), entry.path_is_symlink());
                }
                Ok(_) => {}
                Err(error) => self.problem(&error),
            }
        }
        self.notices.append(&mut leave);
        for path in place.overlay.added(self.base) {
            let below = path.strip_prefix(self.base).unwrap_or(path);
            let mut folders = below.parent().into_iter().flat_map(Path::components);
            if !folders.any(|f| is_skipped(&f.as_os_str().to_string_lossy())) {
                self.file(path, false);
            }
        }
    }

    fn file(&mut self, path: &Path, is_link: bool) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with(['.', '#', '~']) || self.is_ignored(path) {
            return;
        }
        let Some(role) = self.role_of(path) else {
            return;
        };
        if is_link || self.through_link(path) {
            match self.place.inside(path) {
                Some(_) => {}
                None => return self.notices.push(outside(self.place, path)),
            }
        }
        let below = path.parent().and_then(|p| p.strip_prefix(self.base).ok());
        let folders = below.map_or(Vec::new(), |p| {
            p.components()
                .map(|c| c.as_os_str().to_string_lossy().into_owned())
                .collect()
        });
        self.found.push(Found {
            path: path.to_owned(),
            package: self.index,
            role,
            folders,
        });
    }

    /// Does a directory on the way from the base lead elsewhere? Checked by comparing real paths,
    /// and only where the parent is not where it seems.
    fn through_link(&self, path: &Path) -> bool {
        let below = path.ancestors().skip(1);
        below
            .take_while(|d| *d != self.base)
            .any(|d| d.symlink_metadata().is_ok_and(|m| m.is_symlink()))
    }

    fn is_ignored(&self, path: &Path) -> bool {
        !self.ignored.is_empty()
            && self
                .ignored
                .matched_path_or_any_parents(path, false)
                .is_ignore()
    }

    fn role_of(&self, path: &Path) -> Option<Role> {
        let extension = path.extension()?.to_str()?;
        match (extension, self.role) {
            ("yml" | "yaml", _) => Some(Role::Properties),
            ("sql", Role::Test) if self.is_below(path, "generic") => Some(Role::Macro),
            // Rows for unit tests.
            ("sql", Role::Test) if self.is_below(path, "fixtures") => None,
            ("sql", Role::Seed) => None,
            ("sql", role) => Some(role),
            ("py", Role::Model) => Some(Role::PythonModel),
            // A function in Python asks for nothing.
            ("py", Role::Function) => Some(Role::Function),
            ("csv", Role::Seed) => Some(Role::Seed),
            _ => None,
        }
    }

    fn is_below(&self, path: &Path, folder: &str) -> bool {
        path.strip_prefix(self.base)
            .is_ok_and(|p| p.starts_with(folder))
    }

    fn problem(&mut self, error: &walkdir::Error) {
        let path = error.path().unwrap_or(self.base);
        if self.place.overlay.is_gone(path) {
            return;
        }
        // A dangling link with the name of a model is a model that cannot be read.
        if let (None, Some(role)) = (error.loop_ancestor(), self.role_of(path)) {
            return self.found.push(Found {
                path: path.to_owned(),
                package: self.index,
                role,
                folders: Vec::new(),
            });
        }
        let why = match error.loop_ancestor() {
            Some(_) => "is a symlink to a directory above it and was not followed".to_owned(),
            None => error
                .io_error()
                .map_or_else(|| error.to_string(), ToString::to_string),
        };
        self.notices.push(Notice {
            what: if error.loop_ancestor().is_some() {
                "link"
            } else {
                "file"
            },
            path: relative_path(path, &self.place.project_dir),
            why,
            line: None,
        });
    }
}
