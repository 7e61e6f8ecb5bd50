//! What differs between two states of a work tree: since the base of a branch, or in the index.

use super::blobs::blobs;
use super::{command, filters_off, run};
use crate::text::Overlay;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;

/// With what the files are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Against {
    /// The work tree with the commit at which HEAD left this branch, tag or commit; without one,
    /// the default branch of the remote, else `main` or `master`.
    Ref(Option<String>),
    /// The index with HEAD.
    Staged,
}

/// A file that differs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Changed {
    /// Where it is, or was where it is gone. Absolute.
    pub path: PathBuf,
    /// Where it was before it was renamed.
    pub old: Option<PathBuf>,
}

/// What differs.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// What the comparison was made with, as a person says it: `origin/main`, `HEAD`.
    pub base: String,
    /// The files, in order.
    pub files: Vec<Changed>,
    /// Files that are judged by another content than that on disk: those of the index.
    pub now: Overlay,
    /// The files as the base has them, over what lies on disk.
    pub before: Overlay,
    /// The base's content of some file is not here, as in a partial clone.
    pub partial: bool,
}

impl Changes {
    /// What a file contained, if it was there and is known.
    pub fn text_before(&self, path: &Path) -> Option<String> {
        let known = self.before.has(path).then(|| self.before.read_text(path));
        known.map(|(text, _)| text)
    }
}

/// Why it is not known what differs.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NoChanges {
    /// git is not there, or says no.
    #[error("git cannot tell what changed: {0}")]
    Git(String),
    /// No work tree of git.
    #[error("this is no git repository, so it is not known what changed")]
    NoRepository,
    /// Nothing that the default could be.
    #[error(
        "--changed needs a base: there is no origin/HEAD, origin/main, origin/master, main or master"
    )]
    NoBase,
    /// No such commit.
    #[error("`{name}` is no commit that this repository knows")]
    UnknownRef {
        /// As it was asked for.
        name: String,
        /// History was cut off by the clone.
        shallow: bool,
    },
    /// Two commits that nothing joins, as far as is known here.
    #[error("`{name}` and HEAD have no commit in common")]
    NoMergeBase {
        /// The base.
        name: String,
        /// History was cut off by the clone.
        shallow: bool,
    },
}

/// What differs in the work tree at `root`. Files that git ignores never do.
///
/// # Errors
/// git is not there, or what is compared with is not.
pub fn changes(root: &Path, against: &Against) -> Result<Changes, NoChanges> {
    let shallow = is_shallow(root)?;
    let filters = filters_off(root).ok_or_else(|| {
        let why = "its configuration names filters that cannot be switched off";
        NoChanges::Git(why.to_owned())
    })?;
    match against {
        Against::Ref(name) => since(root, &filters, name.as_deref(), shallow),
        Against::Staged => staged(root, &filters),
    }
}

/// Is the history cut off? Also: is there a work tree at all, with its top at `root`?
fn is_shallow(root: &Path) -> Result<bool, NoChanges> {
    if !root.join(".git").exists() {
        return Err(NoChanges::NoRepository);
    }
    let asked = [
        "rev-parse",
        "--is-inside-work-tree",
        "--is-shallow-repository",
        "--show-prefix",
    ];
    let out = ask(root, &[], &asked)?;
    let out = String::from_utf8_lossy(&out);
    let mut lines = out.lines();
    let (inside, shallow) = (lines.next(), lines.next());
    if inside != Some("true") || lines.next().is_some_and(|prefix| !prefix.is_empty()) {
        return Err(NoChanges::NoRepository);
    }
    Ok(shallow == Some("true"))
}

/// As [`run`], with git's own words where it fails.
fn ask(root: &Path, config: &[String], args: &[&str]) -> Result<Vec<u8>, NoChanges> {
    let mut git = command(root, config, args);
    let out = git.stderr(std::process::Stdio::piped()).output();
    let out = out.map_err(|e| NoChanges::Git(format!("it cannot be started ({e})")))?;
    if out.status.success() {
        return Ok(out.stdout);
    }
    let words = String::from_utf8_lossy(&out.stderr);
    let words = words.lines().find(|l| !l.trim().is_empty());
    Err(NoChanges::Git(
        words.unwrap_or("it gives no reason").to_owned(),
    ))
}

/// A commit and what it is called.
struct Base {
    name: String,
    id: String,
}

fn base(root: &Path, asked: Option<&str>, shallow: bool) -> Result<Base, NoChanges> {
    let Some(name) = asked else {
        return default_base(root)?.ok_or(NoChanges::NoBase);
    };
    let unknown = || NoChanges::UnknownRef {
        name: name.to_owned(),
        shallow,
    };
    // Neither a flag nor several commits.
    if name.is_empty() || name.starts_with('-') {
        return Err(unknown());
    }
    let wanted = format!("{name}^{{commit}}");
    let id = run(root, &[], &["rev-parse", "--verify", "--quiet", &wanted]);
    let id = id.and_then(|id| String::from_utf8(id).ok());
    Ok(Base {
        name: name.to_owned(),
        id: id.ok_or_else(unknown)?.trim().to_owned(),
    })
}

/// The remote's default branch, else what such branches are called.
fn default_base(root: &Path) -> Result<Option<Base>, NoChanges> {
    const NAMES: [&str; 5] = [
        "refs/remotes/origin/HEAD",
        "refs/remotes/origin/main",
        "refs/remotes/origin/master",
        "refs/heads/main",
        "refs/heads/master",
    ];
    let mut args = vec![
        "for-each-ref",
        "--format=%(refname) %(objectname) %(symref)",
    ];
    args.extend(NAMES);
    let out = ask(root, &[], &args)?;
    let out = String::from_utf8_lossy(&out);
    let known = |name: &&str| {
        let mut lines = out.lines().map(|l| l.splitn(3, ' ').collect::<Vec<_>>());
        let line = lines.find(|l| l.first() == Some(name))?;
        let (name, id, leads_to) = (*line.first()?, line.get(1)?, line.get(2)?);
        let name = if leads_to.is_empty() { name } else { leads_to };
        let name = name.strip_prefix("refs/").unwrap_or(name);
        let name = name.split_once('/').map_or(name, |(_, short)| short);
        Some(Base {
            name: name.to_owned(),
            id: (*id).to_owned(),
        })
    };
    Ok(NAMES.iter().find_map(known))
}

/// What every question for differences has in common: names and blobs, and no program of the
/// repository's configuration.
const DIFF: [&str; 10] = [
    "diff",
    "--raw",
    "-z",
    "--no-abbrev",
    "--no-ext-diff",
    "--no-textconv",
    "--no-relative",
    "--no-color",
    "--ignore-submodules=all",
    // Comparing every new file with every old one is no help where there are thousands.
    "-l1000",
];

fn since(
    root: &Path,
    filters: &[String],
    asked: Option<&str>,
    shallow: bool,
) -> Result<Changes, NoChanges> {
    let base = base(root, asked, shallow)?;
    let joint = run(root, &[], &["merge-base", &base.id, "HEAD"]);
    let joint = joint.and_then(|id| String::from_utf8(id).ok());
    let Some(joint) = joint.filter(|id| !id.trim().is_empty()) else {
        let name = base.name;
        return Err(NoChanges::NoMergeBase { name, shallow });
    };
    let mut args = DIFF.to_vec();
    args.extend(["--find-renames", joint.trim(), "--"]);
    // What only looks changed, by its time, is compared.
    let mut config = filters.to_vec();
    config.push("diff.autoRefreshIndex=true".to_owned());
    let mut entries = entries(root, &ask(root, &config, &args)?);
    let untracked = untracked(root)?;
    entries.extend(untracked.into_iter().map(|path| Entry {
        path,
        ..Entry::default()
    }));
    Changes::new(root, base.name, entries, Vec::new())
}

fn staged(root: &Path, filters: &[String]) -> Result<Changes, NoChanges> {
    let mut args = DIFF.to_vec();
    args.extend(["--cached", "--find-renames", "--"]);
    let in_index = entries(root, &ask(root, filters, &args)?);
    let mut args = DIFF.to_vec();
    args.extend(["--no-renames", "--"]);
    let mut config = filters.to_vec();
    config.push("diff.autoRefreshIndex=true".to_owned());
    let mut beside = entries(root, &ask(root, &config, &args)?);
    let untracked = untracked(root)?;
    beside.extend(untracked.into_iter().map(|path| Entry {
        path,
        ..Entry::default()
    }));
    Changes::new(root, "HEAD".to_owned(), in_index, beside)
}

fn untracked(root: &Path) -> Result<Vec<PathBuf>, NoChanges> {
    let args = ["ls-files", "-z", "--others", "--exclude-standard"];
    let out = ask(root, &[], &args)?;
    let names = out.split(|b| *b == 0).filter(|n| !n.is_empty());
    Ok(names.map(|n| at(root, n)).collect())
}

/// A line of `git diff --raw`: a file, and what the older side has of it.
#[derive(Debug, Default)]
struct Entry {
    path: PathBuf,
    /// Where it was, if that was elsewhere.
    from: Option<PathBuf>,
    /// The older side's blob; none where it has no such file.
    blob: Option<String>,
    /// The older side has a link.
    is_link: bool,
}

/// `:<mode> <mode> <id> <id> <status>`, then one path, or two where it was renamed.
fn entries(root: &Path, out: &[u8]) -> Vec<Entry> {
    let mut parts = out.split(|b| *b == 0);
    let mut all = Vec::new();
    while let Some(head) = parts.next() {
        let head = String::from_utf8_lossy(head);
        let words: Vec<&str> = head.trim_start_matches(':').split(' ').collect();
        let [mode, _, id, _, status] = words[..] else {
            break;
        };
        let Some(first) = parts.next().map(|p| at(root, p)) else {
            break;
        };
        let is_there = mode != "000000" && id.bytes().any(|b| b != b'0');
        let two = status.starts_with(['R', 'C']);
        let second = parts.by_ref().take(usize::from(two)).next();
        let second = second.map(|p| at(root, p));
        let (path, from) = match second {
            Some(new) => (new, Some(first)),
            None => (first, None),
        };
        all.push(Entry {
            path,
            from,
            blob: is_there.then(|| id.to_owned()),
            is_link: mode == "120000",
        });
    }
    all
}

#[cfg(unix)]
fn at(root: &Path, name: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    root.join(std::ffi::OsStr::from_bytes(name))
}

#[cfg(not(unix))]
fn at(root: &Path, name: &[u8]) -> PathBuf {
    root.join(String::from_utf8_lossy(name).as_ref())
}

/// The older side of each entry. A link leads where the disk says.
fn overlay(entries: &[Entry], known: &BTreeMap<String, Arc<[u8]>>) -> Overlay {
    let files = || entries.iter().filter(|e| !e.is_link);
    let mut out: BTreeMap<PathBuf, Option<Arc<[u8]>>> = BTreeMap::new();
    // A name that one file left may be another's now.
    out.extend(files().map(|e| (e.path.clone(), None)));
    out.extend(files().map(|e| {
        let bytes = e.blob.as_ref().and_then(|id| known.get(id)).cloned();
        (e.from.as_ref().unwrap_or(&e.path).clone(), bytes)
    }));
    Overlay::new(out)
}

impl Changes {
    /// `entries` differ from the base; `beside` are files whose index differs from what is on disk.
    fn new(
        root: &Path,
        base: String,
        entries: Vec<Entry>,
        beside: Vec<Entry>,
    ) -> Result<Self, NoChanges> {
        let all = entries.iter().chain(&beside);
        let mut ids: Vec<&str> = all.filter_map(|e| e.blob.as_deref()).collect();
        ids.sort_unstable();
        ids.dedup();
        let known = blobs(root, &ids).map_err(|e| NoChanges::Git(e.to_string()))?;
        let unknown = |e: &Entry| e.blob.as_ref().is_some_and(|id| !known.contains_key(id));
        if beside.iter().any(unknown) {
            let why = "the index names contents that are not here";
            return Err(NoChanges::Git(why.to_owned()));
        }
        let partial = entries.iter().any(unknown);
        let now = overlay(&beside, &known);
        let before = now.under(&overlay(&entries, &known));
        let mut files: Vec<Changed> = entries
            .into_iter()
            .map(|e| Changed {
                path: e.path,
                old: e.from,
            })
            .collect();
        files.sort();
        files.dedup();
        Ok(Self {
            base,
            files,
            now,
            before,
            partial,
        })
    }
}
