//! The entries of a property file that differ between two versions of it.

use super::lost::Lost;
use crate::syntax::yaml::{self, Node, Yaml};
use crate::text::{FileId, Span};
use rustc_hash::FxHashSet;

/// An entry of a property file: a model, a table of a source, an exposure …
pub(super) struct Entry<'a> {
    /// Its name; of a table the source's too.
    pub(super) names: Vec<&'a str>,
    section: &'a str,
    span: Span,
    /// Of a source: its tables, which stand for themselves.
    less: Option<Span>,
}

/// The entries of a file, in its order. Tables of a source are entries of their own.
pub(super) fn entries(tree: &Yaml) -> Vec<Entry<'_>> {
    let mut out = Vec::new();
    let sections = tree.root().into_iter().flat_map(|root| root.entries());
    for (key, list) in sections {
        let section = key.as_str().unwrap_or_default();
        if !list.resolve().is_sequence() {
            continue;
        }
        for item in list.resolve().items() {
            let tables = item.get("tables").filter(|_| section == "sources");
            let name = item.get("name").and_then(|n| n.as_str());
            // A unit test names the model that it is about.
            let about = item.get("model").and_then(|n| n.as_str());
            let about = about.filter(|_| section == "unit_tests");
            out.push(Entry {
                names: name.into_iter().chain(about).collect(),
                section,
                span: item.span(),
                less: tables.map(Node::span),
            });
            for table in tables.into_iter().flat_map(|t| t.resolve().items()) {
                let own = table.get("name").and_then(|n| n.as_str());
                out.push(Entry {
                    names: own.into_iter().collect(),
                    section: name.unwrap_or_default(),
                    span: table.span(),
                    less: None,
                });
            }
        }
    }
    out
}

impl Entry<'_> {
    /// What it says, white space at the ends of lines aside.
    fn said(&self, text: &str) -> String {
        let own = text.get(self.span.range()).unwrap_or_default();
        let less = self.less.map(|l| {
            let at = |place: u32| place.saturating_sub(self.span.start) as usize;
            at(l.start)..at(l.end)
        });
        let parts = match less {
            Some(l) => [own.get(..l.start), own.get(l.end..)],
            None => [Some(own), None],
        };
        let lines = parts.into_iter().flatten().flat_map(str::lines);
        let lines: Vec<&str> = lines.map(str::trim_end).filter(|l| !l.is_empty()).collect();
        format!("{}\n{}", self.section, lines.join("\n"))
    }
}

/// The parts of a property file that are not as they were. Names of entries that are not as they
/// were, and what these named, are lost. Where the file is read through aliases, or was not there
/// or cannot be read, all of it counts.
pub(super) fn changed(tree: &Yaml, text: &str, before: Option<&str>, lost: &mut Lost) -> Vec<Span> {
    let whole = vec![Span::new(tree.file, 0, text.len())];
    let Some(before) = before else { return whole };
    let old_tree = yaml::parse(FileId(0), before);
    lost.unread |= !old_tree.is_complete();
    let is_plain = |tree: &Yaml, text: &str| tree.is_complete() && !text.contains(": *");
    let is_read = is_plain(tree, text) && is_plain(&old_tree, before);
    let (new, old) = (entries(tree), entries(&old_tree));
    let said_then: FxHashSet<String> = old.iter().map(|e| e.said(before)).collect();
    let said_now: FxHashSet<String> = new.iter().map(|e| e.said(text)).collect();
    for entry in old
        .iter()
        .filter(|e| !is_read || !said_now.contains(&e.said(before)))
    {
        lost.named_in(before.get(entry.span.range()).unwrap_or_default());
        // A source without its tables is no node; it names all of them.
        lost.names
            .extend(entry.names.iter().map(|n| (*n).to_owned()));
    }
    if !is_read {
        return whole;
    }
    let differs = new.iter().filter(|e| !said_then.contains(&e.said(text)));
    differs.map(|e| e.span).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(before: &str, text: &str) -> (Vec<String>, Vec<String>) {
        let tree = yaml::parse(FileId(0), text);
        let mut lost = Lost::default();
        let parts = changed(&tree, text, Some(before), &mut lost);
        let said = |s: &Span| text[s.range()].trim().to_owned();
        let mut names: Vec<String> = lost.names.into_iter().collect();
        names.sort();
        (parts.iter().map(said).collect(), names)
    }

    #[test]
    fn only_what_differs() {
        let before = "models:\n- name: a\n  description: x\n- name: b\n";
        let text = "version: 2\n\nmodels:\n  - name: b\n\n  - name: a\n    description: y\n";
        let (parts, lost) = parts(before, text);
        assert_eq!(parts, ["name: a\n    description: y"]);
        assert_eq!(lost, ["a"]);
    }

    #[test]
    fn tables_stand_for_themselves() {
        let before = "sources:\n- name: s\n  tables:\n  - name: a\n  - name: b\n";
        let one = before.replace("name: b", "name: c");
        assert_eq!(
            parts(before, &one),
            (vec!["name: c".to_owned()], vec!["b".to_owned()])
        );
        let all = before.replace("name: s", "name: s\n  schema: x");
        assert_eq!(parts(before, &all).0.len(), 1);
        assert_eq!(parts(before, &all).1, ["s"]);
    }

    #[test]
    fn aliases_are_not_followed() {
        let before = "models:\n- name: a\n  meta: &m {x: 1}\n- name: b\n  meta: *m\n";
        let (parts, _) = parts(before, &before.replace("x: 1", "x: 2"));
        assert_eq!(parts.len(), 1);
        assert!(parts[0].contains("name: b"));
    }
}
