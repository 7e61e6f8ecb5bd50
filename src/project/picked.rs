//! What selectors.yml names one by one: whoever builds a node by its name uses it.

use super::{Node, Origin};
use crate::load::Place;
use crate::syntax::yaml::{self, Node as YamlNode};
use crate::text::FileId;
use rustc_hash::FxHashSet;

/// The criteria of all selectors of a project, without their graph operators.
#[derive(Debug, Default)]
pub struct Picked {
    names: FxHashSet<String>,
    paths: FxHashSet<String>,
    tags: FxHashSet<String>,
}

impl Picked {
    /// From selectors.yml, where there is one.
    pub(super) fn read(place: &Place) -> Self {
        let mut out = Self::default();
        let Some(path) = place.inside(&place.project_dir.join("selectors.yml")) else {
            return out;
        };
        let (text, problem) = place.read_text(&path);
        if problem.is_none() {
            out.add_file(&text);
        }
        out
    }

    fn add_file(&mut self, text: &str) {
        let tree = yaml::parse(FileId(0), text);
        let selectors = tree.root().and_then(|r| r.get("selectors"));
        for selector in selectors.into_iter().flat_map(|s| s.resolve().items()) {
            if let Some(definition) = selector.get("definition") {
                self.add(definition);
            }
        }
    }

    /// A definition or a part of one: text, `{method: value}`, `{method: …, value: …}`, a union.
    fn add(&mut self, part: YamlNode) {
        if let Some(text) = part.as_str() {
            let terms = text.split([' ', ',']).filter(|t| !t.is_empty());
            terms.for_each(|term| self.add_text(term));
            return;
        }
        let text = |key: &str| part.get(key).and_then(|n| n.as_str());
        if let (Some(method), Some(value)) = (text("method"), text("value")) {
            self.add_term(method, value);
            return;
        }
        for (key, value) in part.resolve().own_entries() {
            match key.as_str() {
                Some("union" | "intersection") => value.resolve().items().for_each(|i| self.add(i)),
                Some("exclude") | None => {}
                Some(method) => {
                    if let Some(value) = value.as_str() {
                        self.add_term(method, value);
                    }
                }
            }
        }
    }

    fn add_text(&mut self, term: &str) {
        let digits = |c: char| c.is_ascii_digit();
        let bare = match term.trim_start_matches(digits).strip_prefix('+') {
            Some(rest) => rest,
            None => term.trim_start_matches('@'),
        };
        let bare = bare
            .trim_end_matches(digits)
            .strip_suffix('+')
            .unwrap_or(bare);
        match bare.split_once(':') {
            Some((method, value)) => self.add_term(method, value),
            None => self.add_term("fqn", bare),
        }
    }

    fn add_term(&mut self, method: &str, value: &str) {
        let kind = match method {
            "fqn" => &mut self.names,
            "path" | "file" => &mut self.paths,
            "tag" => &mut self.tags,
            _ => return,
        };
        kind.insert(value.to_owned());
    }

    /// Is this very node meant: by its name, its file, or a tag that it bears of its own? A folder,
    /// and a tag that dbt_project.yml gives to a whole folder, mean nobody in particular.
    pub fn holds(&self, node: &Node, path: &str) -> bool {
        let file = path.rsplit('/').next().unwrap_or(path);
        let by_name = |n: &str| self.names.contains(n);
        let own_tag = || {
            let set = node.config.get("tags")?;
            let own = matches!(set.origin, Origin::Inline | Origin::Properties) && !set.merged;
            own.then(|| node.config.tags().iter().any(|t| self.tags.contains(t)))
        };
        by_name(&node.name)
            || by_name(&node.display_name())
            || by_name(&node.fqn.join("."))
            || self.paths.contains(path)
            || self.paths.contains(file)
            || own_tag().unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn criteria_in_every_spelling() {
        let mut picked = Picked::default();
        picked.add_file(
            "selectors:\n- name: a\n  definition: '2+stg_a+1 tag:night,path:models/b.sql'\n- name: b\n  definition:\n    union:\n    - method: fqn\n      value: shop.c\n      children: true\n    - tag: day\n    - exclude: [{method: fqn, value: not_me}]\n    - intersection: ['@d']\n- name: c\n  definition: {file: e.sql}\n- 3\n",
        );
        let sorted = |set: &FxHashSet<String>| {
            let mut all: Vec<String> = set.iter().cloned().collect();
            all.sort();
            all
        };
        assert_eq!(sorted(&picked.names), ["d", "shop.c", "stg_a"]);
        assert_eq!(sorted(&picked.paths), ["e.sql", "models/b.sql"]);
        assert_eq!(sorted(&picked.tags), ["day", "night"]);
    }
}
