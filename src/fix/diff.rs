//! What fixes would change, as a unified diff that `git apply` takes.

use super::Change;
use crate::text::{commands, is_hidden, relative_path};
use similar::{ChangeTag, TextDiff};
use std::fmt::Write;
use std::path::Path;

/// A diff, and the files that it leaves out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patch {
    /// The diff; its paths count from the root of the work tree.
    pub text: String,
    /// Files whose diff holds what a terminal or a CI runner would obey. A patch cannot say it in
    /// other words.
    pub left_out: Vec<String>,
}

/// The diff of these changes.
pub fn patch(root: &Path, changes: &[Change]) -> Patch {
    let mut out = Patch::default();
    for change in changes {
        let path = relative_path(&change.on_disk, root);
        let text = of_one(&path, &change.before, &change.after);
        match text.lines().any(obeyed) {
            true => out.left_out.push(change.path.clone()),
            false => out.text.push_str(&text),
        }
    }
    out
}

/// Runners look for `::command::` at the beginning of a line and behind blanks, and for `##[…]`
/// anywhere.
fn obeyed(line: &str) -> bool {
    let line = line.strip_suffix('\r').unwrap_or(line);
    // A byte order mark is harmless, and the patch must have it.
    let hidden = |c: char| is_hidden(c) && !matches!(c, '\t' | '\u{feff}');
    let mut marks = line.match_indices("##");
    line.trim_start().starts_with("::")
        || line.contains(hidden)
        || marks.any(|(at, _)| commands(&line[at + 2..]))
}

fn of_one(path: &str, before: &str, after: &str) -> String {
    // Lines end with \n for git, whatever else stands in them.
    let old: Vec<&str> = before.split_inclusive('\n').collect();
    let new: Vec<&str> = after.split_inclusive('\n').collect();
    let diff = TextDiff::from_slices(&old, &new);
    let mut out = format!("--- {}\n+++ {}\n", name("a", path), name("b", path));
    for hunk in diff.unified_diff().context_radius(3).iter_hunks() {
        // Writing to a string does not fail.
        let _ = writeln!(out, "{}", hunk.header());
        for change in hunk.iter_changes() {
            out.push(match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            });
            let line: &str = change.value();
            out.push_str(line);
            if !line.ends_with('\n') {
                out.push_str("\n\\ No newline at end of file\n");
            }
        }
    }
    out
}

/// A path as git writes it: in quotes where a character needs it, with a tab behind one with blanks.
fn name(side: &str, path: &str) -> String {
    let path = format!("{side}/{path}");
    if path.contains(|c: char| c.is_control() || matches!(c, '"' | '\\')) {
        let mut out = String::from("\"");
        for byte in path.bytes() {
            match byte {
                b'"' | b'\\' => out.extend(['\\', char::from(byte)]),
                0x20..=0x7e => out.push(char::from(byte)),
                byte => {
                    // Writing to a string does not fail.
                    let _ = write!(out, "\\{byte:03o}");
                }
            }
        }
        out.push('"');
        return out;
    }
    match path.contains(' ') {
        true => format!("{path}\t"),
        false => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(before: &str, after: &str) -> Change {
        Change {
            path: "../models/a.sql".to_owned(),
            on_disk: "/r/models/a.sql".into(),
            before: before.to_owned(),
            after: after.to_owned(),
        }
    }

    #[test]
    fn a_diff_has_every_byte_of_its_lines() {
        let changes = [change("a\r\nb\r\nc", "a\r\nB\r\nc\n")];
        let patch = patch(Path::new("/r"), &changes);
        let wanted = "--- a/models/a.sql\n+++ b/models/a.sql\n@@ -1,3 +1,3 @@\n a\r\n-b\r\n-c\n\
                      \\ No newline at end of file\n+B\r\n+c\n";
        assert_eq!(patch.text, wanted);
    }

    #[test]
    fn what_a_runner_would_obey_is_left_out() {
        for line in ["x ##[error]", "  ::error::x", "\u{1b}[2J", "\u{202e}"] {
            let changes = [change(&format!("{line}\na\n"), &format!("{line}\nb\n"))];
            let patch = patch(Path::new("/r"), &changes);
            assert_eq!(
                (patch.text.as_str(), patch.left_out.len()),
                ("", 1),
                "{line}"
            );
        }
        let changes = [change("\u{feff}a ## b\n", "\u{feff}c\n")];
        assert!(patch(Path::new("/r"), &changes).left_out.is_empty());
    }

    #[test]
    fn paths_are_written_as_git_does() {
        assert_eq!(name("a", "größe.sql"), "a/größe.sql");
        assert_eq!(name("a", "x y.sql"), "a/x y.sql\t");
        assert_eq!(name("a", "x\"ü.sql"), "\"a/x\\\"\\303\\274.sql\"");
    }
}
