//! Where the dbt project is.

use crate::text::{Overlay, ReadProblem};
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// A project and the root that nothing leaves. Both are absolute, without symlinks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The directory with dbt_project.yml.
    pub project_dir: PathBuf,
    /// The git work tree around it, else the project directory itself.
    pub root: PathBuf,
    /// Files that are not what lies on disk.
    pub overlay: Overlay,
}

impl Place {
    /// A project whose files are what lies on disk.
    pub fn new(project_dir: PathBuf, root: PathBuf) -> Self {
        Self {
            project_dir,
            root,
            overlay: Overlay::default(),
        }
    }

    /// The path without symlinks, if it exists and lies in the root.
    pub fn inside(&self, path: &Path) -> Option<PathBuf> {
        let real = match path.canonicalize() {
            Ok(real) => real,
            Err(_) if self.overlay.has(path) => path.to_owned(),
            Err(_) => return None,
        };
        real.starts_with(&self.root).then_some(real)
    }

    /// Is there such a file?
    pub fn is_file(&self, path: &Path) -> bool {
        self.overlay.is_file(path)
    }

    /// A file's text, as [`crate::text::read_text`] gives it.
    pub fn read_text(&self, path: &Path) -> (String, Option<ReadProblem>) {
        self.overlay.read_text(path)
    }
}

/// Why there is no one project to lint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FindError {
    /// The directory does not exist or cannot be read; the operating system's words.
    Unreadable(PathBuf, String),
    /// No dbt_project.yml there (nor, without `--project-dir`, above or below).
    None(PathBuf),
    /// Several below; the user must choose. Relative to where the search began.
    Several(Vec<PathBuf>),
}

/// Directories in which a dbt_project.yml is not the project meant.
const NOT_HERE: &[&str] = &[
    "target",
    "dbt_packages",
    "dbt_modules",
    "dbt_internal_packages",
    "integration_tests",
    "node_modules",
    "venv",
];

/// Deeper than this no project is looked for.
const MAX_DEPTH: usize = 8;

/// Finds the project: `asked` exactly, else upward from `start` to the git root, else downward if
/// exactly one is there.
pub fn find(start: &Path, asked: Option<&Path>) -> Result<Place, FindError> {
    let from = asked.unwrap_or(start);
    let real = from
        .canonicalize()
        .map_err(|e| FindError::Unreadable(from.to_owned(), e.to_string()))?;
    if asked.is_some() {
        return match is_project(&real) {
            true => Ok(place(real)),
            false => Err(FindError::None(from.to_owned())),
        };
    }
    let root = git_root(&real);
    for dir in real.ancestors() {
        if is_project(dir) {
            return Ok(place(dir.to_owned()));
        }
        if Some(dir) == root.as_deref() || root.is_none() {
            break;
        }
    }
    downward(&real)
}

fn downward(start: &Path) -> Result<Place, FindError> {
    let visit = |e: &walkdir::DirEntry| {
        let name = e.file_name().to_string_lossy();
        e.depth() == 0 || !(name.starts_with('.') || NOT_HERE.contains(&&*name))
    };
    let mut found: Vec<PathBuf> = WalkDir::new(start)
        .max_depth(MAX_DEPTH)
        .into_iter()
        .filter_entry(visit)
        .flatten()
        .filter(|e| e.file_name() == "dbt_project.yml" && e.path().is_file())
        .filter_map(|e| e.path().parent().map(Path::to_owned))
        .collect();
    found.sort();
    match found.len() {
        0 => Err(FindError::None(start.to_owned())),
        1 => Ok(place(found.remove(0))),
        _ => Err(FindError::Several(
            found
                .iter()
                .map(|d| d.strip_prefix(start).unwrap_or(d).to_owned())
                .collect(),
        )),
    }
}

fn is_project(dir: &Path) -> bool {
    dir.join("dbt_project.yml").is_file()
}

fn place(project_dir: PathBuf) -> Place {
    let root = git_root(&project_dir).unwrap_or_else(|| project_dir.clone());
    Place::new(project_dir, root)
}

/// The nearest directory upward that holds `.git` (a file in a work tree or submodule).
fn git_root(from: &Path) -> Option<PathBuf> {
    let has_git = |d: &&Path| d.join(".git").exists();
    from.ancestors().find(has_git).map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn project(dir: &Path) {
        fs::create_dir_all(dir).unwrap();
        fs::write(dir.join("dbt_project.yml"), "name: x\n").unwrap();
    }

    #[test]
    fn upward_to_the_git_root_then_downward() {
        let tmp = tempfile::tempdir().unwrap();
        let top = tmp.path().canonicalize().unwrap();
        fs::create_dir_all(top.join("repo/.git")).unwrap();
        project(&top.join("repo/dbt"));
        fs::create_dir_all(top.join("repo/dbt/models/a")).unwrap();
        project(&top.join("repo/dbt/target/x"));
        let up = find(&top.join("repo/dbt/models/a"), None).unwrap();
        assert_eq!(up.project_dir, top.join("repo/dbt"));
        assert_eq!(up.root, top.join("repo"));
        assert_eq!(find(&top.join("repo"), None).unwrap(), up);
        project(&top.join("repo/other"));
        assert_eq!(
            find(&top.join("repo"), None).unwrap_err(),
            FindError::Several(vec!["dbt".into(), "other".into()])
        );
        assert!(matches!(
            find(&top, Some(&top.join("nowhere"))),
            Err(FindError::Unreadable(..))
        ));
        assert!(matches!(
            find(&top, Some(&top.join("repo"))),
            Err(FindError::None(_))
        ));
    }

    #[test]
    fn a_project_above_a_directory_without_git_is_not_ours() {
        let tmp = tempfile::tempdir().unwrap();
        let top = tmp.path().canonicalize().unwrap();
        project(&top);
        fs::create_dir_all(top.join("a/b")).unwrap();
        assert!(matches!(
            find(&top.join("a/b"), None),
            Err(FindError::None(_))
        ));
    }
}
