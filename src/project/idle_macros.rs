//! Macros of the project that nobody calls: what they ref is not read by anybody.

use super::Project;
use crate::load::Role;
use crate::text::FileId;
use regex::Regex;
use rustc_hash::FxHashSet;
use std::sync::LazyLock;

/// A part of a macro file.
struct Piece<'p> {
    file: FileId,
    text: &'p str,
    /// The macro that it defines; none between macros, where tests and materializations stand.
    name: Option<&'p str>,
}

/// A comment of Jinja, or a macro with its name and what is behind that.
static MACRO: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let pattern = r"(?s)\{#.*?#\}|\{%[-+]?\s*macro\s+(\w+)(.*?)\{%[-+]?\s*endmacro\s*[-+]?%\}";
    Regex::new(pattern).ok()
});

/// A comment of Jinja, a call, or a name in quotes, as `adapter.dispatch` takes it.
static CALL: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?s)\{#.*?#\}|\b(\w+)\s*\(|['"](?:\w+\.)?(\w+)['"]"#).ok());

/// What is done by a macro that somebody runs for its own sake: a query, a message.
static ACTS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let pattern = r"\b(?:run_query|statement|log|print)\s*\(|\badapter\.(?:[a-ce-z]|drop_)";
    Regex::new(pattern).ok()
});

impl Project {
    /// The parts of the project's macro files that a run may reach. Left out are macros that nothing
    /// calls, neither a file that dbt reads nor a macro that is reached, and that nobody seems to run
    /// from outside: they do nothing by themselves, and no file names them as operations.
    pub fn live_macros(&self) -> Vec<(FileId, &str)> {
        let pieces = self.macro_pieces();
        let names: FxHashSet<&str> = pieces.iter().filter_map(|p| p.name).collect();
        let mut called = self.called_outside(&names);
        let mut waiting: Vec<Piece> = Vec::new();
        let mut live: Vec<Piece> = Vec::new();
        let operations = self.operations(&names);
        for piece in pieces {
            let runs = piece.name.is_none_or(|n| {
                let acts = ACTS.iter().any(|a| a.is_match(piece.text));
                acts || operations.contains(n) || self.may_be_named_elsewhere(n)
            });
            match runs {
                true => live.push(piece),
                false => waiting.push(piece),
            }
        }
        let mut followed = 0;
        while followed < live.len() {
            for piece in &live[followed..] {
                add_calls(piece.text, true, &names, &mut called);
            }
            followed = live.len();
            let reached = |p: &Piece| p.name.is_none_or(|n| is_live(n, &called, &names));
            let (more, rest) = waiting.into_iter().partition(reached);
            live.extend::<Vec<Piece>>(more);
            waiting = rest;
        }
        live.into_iter().map(|p| (p.file, p.text)).collect()
    }

    fn macro_pieces(&self) -> Vec<Piece<'_>> {
        let mut out = Vec::new();
        for member in self.own_files().filter(|m| m.role == Role::Macro) {
            let file = member.file;
            let text = &*self.files.get(file).text;
            let mut at = 0;
            for found in MACRO.iter().flat_map(|m| m.captures_iter(text)) {
                let (Some(whole), name) = (found.get(0), found.get(1)) else {
                    continue;
                };
                out.push(Piece {
                    file,
                    text: &text[at..whole.start()],
                    name: None,
                });
                at = whole.end();
                if let (Some(name), Some(body)) = (name, found.get(2)) {
                    out.push(Piece {
                        file,
                        text: body.as_str(),
                        name: Some(name.as_str()),
                    });
                }
            }
            out.push(Piece {
                file,
                text: &text[at..],
                name: None,
            });
        }
        out
    }

    /// Those of the names that files other than the project's macros call.
    fn called_outside<'p>(&self, names: &FxHashSet<&'p str>) -> FxHashSet<&'p str> {
        let mut called = FxHashSet::default();
        for member in self.own_files().filter(|m| m.role != Role::Macro) {
            let sql = !matches!(member.role, Role::Properties | Role::Project);
            add_calls(&self.files.get(member.file).text, sql, names, &mut called);
        }
        if let Some(file) = self.project_file() {
            add_calls(&self.files.get(file).text, false, names, &mut called);
        }
        for theirs in self.macros.iter().filter(|m| *m.package != *self.name) {
            // The project's macro takes the place of theirs.
            called.extend(names.get(&*theirs.name));
            let calls = theirs.calls().map(|c| c.rsplit('.').next().unwrap_or(c));
            called.extend(calls.filter_map(|c| names.get(c)));
        }
        called
    }

    /// Those of the names that the project's files give to `dbt run-operation`; all of them where
    /// macros are called by names that only a run knows.
    fn operations<'p>(&self, names: &FxHashSet<&'p str>) -> FxHashSet<&'p str> {
        let mut out = FxHashSet::default();
        for member in self.own_files() {
            let text = &*self.files.get(member.file).text;
            let by_name = text.contains("context[") || text.contains("context.get(");
            if member.role != Role::Properties && by_name {
                return names.clone();
            }
            for (at, word) in text.match_indices("run-operation") {
                let rest = text[at + word.len()..].trim_start();
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
                out.extend(names.get(&rest[..end.unwrap_or(rest.len())]));
            }
        }
        out
    }
}

/// dbt calls some macros itself; an implementation is called with the macro that dispatches to it,
/// which may be another package's.
fn is_live(name: &str, called: &FxHashSet<&str>, names: &FxHashSet<&str>) -> bool {
    let of_dbt = name.starts_with("generate_") || name.starts_with("test_");
    let implements = name.match_indices("__").any(|(at, _)| {
        let base = &name[at + 2..];
        called.contains(base) || !names.contains(base)
    });
    of_dbt || implements || called.contains(name)
}

fn add_calls<'p>(
    text: &str,
    quoted: bool,
    names: &FxHashSet<&'p str>,
    called: &mut FxHashSet<&'p str>,
) {
    for found in CALL.iter().flat_map(|c| c.captures_iter(text)) {
        let name = found.get(1).or(found.get(2).filter(|_| quoted));
        called.extend(name.and_then(|n| names.get(n.as_str())));
    }
}
