//! Every rule that exists, and which of them a run uses. One list; everything else is derived.

use crate::config::{Config, ConfigError, PathPattern, RuleSetting, Switch, id_matches};
use crate::declared::{self, Declared};
use crate::load::Place;
use crate::rule::{BuiltIn, Meta, Preset, Reach, Rule};
use crate::syntax::yaml::{self, DeError, Node as YamlNode};
use crate::text::{FileId, Span, Spanned};
use crate::violation::Severity;
use rustc_hash::FxHashMap;
use schemars::{Schema, SchemaGenerator};
use std::sync::LazyLock;

type Options<'a> = [(Spanned<String>, YamlNode<'a>)];
type Built = Result<Box<dyn Rule>, DeError>;

/// A rule compiled into the binary.
pub struct BuiltInEntry {
    meta: Meta,
    build: fn(&Options, Span) -> Built,
    schema: fn(&mut SchemaGenerator) -> Schema,
    is_asked_for: fn(&Config) -> bool,
}

impl BuiltInEntry {
    /// The entry of a rule type.
    pub const fn of<R: BuiltIn>() -> Self {
        Self {
            meta: R::META,
            build: build::<R>,
            schema: |generator| generator.subschema_for::<R>(),
            is_asked_for: R::is_asked_for,
        }
    }
}

fn build<R: BuiltIn>(options: &Options, whole: Span) -> Built {
    if options.is_empty() {
        return Ok(Box::new(R::default()));
    }
    Ok(Box::new(yaml::from_entries::<R>(options, whole)?))
}

/// A declared rule that ships with the binary.
pub struct DeclaredEntry {
    /// rule.yaml.
    pub yaml: &'static str,
    /// README.md.
    pub doc: &'static str,
}

/// A rule, however it was written.
pub enum Entry {
    /// In Rust.
    BuiltIn(&'static BuiltInEntry),
    /// In YAML, shipped or the team's own.
    Declared(Box<Declared>),
}

impl Entry {
    /// What the rule is.
    pub fn meta(&self) -> &Meta {
        match self {
            Entry::BuiltIn(entry) => &entry.meta,
            Entry::Declared(declared) => &declared.meta,
        }
    }

    /// The JSON schema of its options.
    pub fn schema(&self, generator: &mut SchemaGenerator) -> Option<Schema> {
        match self {
            Entry::BuiltIn(entry) => Some((entry.schema)(generator)),
            Entry::Declared(declared) => declared.option_schema(),
        }
    }

    /// Does a part of the configuration outside `rules` ask for it?
    pub fn is_asked_for(&self, config: &Config) -> bool {
        matches!(self, Entry::BuiltIn(entry) if (entry.is_asked_for)(config))
    }

    /// The team's own rules are on; what ships is on by preset.
    pub fn is_own(&self) -> bool {
        matches!(self, Entry::Declared(d) if d.own)
    }
}

static SHIPPED: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let built_in = crate::rules::BUILT_IN.iter().map(Entry::BuiltIn);
    // A shipped rule that does not read is caught by the tests over this list.
    let declared = crate::rules::DECLARED.iter().filter_map(|entry| {
        let file = yaml::parse(FileId(0), entry.yaml);
        declared::read(&file, Some(entry.doc))
            .ok()
            .map(|d| Entry::Declared(Box::new(d.with_text(entry.yaml))))
    });
    let mut all: Vec<Entry> = built_in.chain(declared).collect();
    all.sort_by(|a, b| a.meta().id.cmp(&b.meta().id));
    all
});

/// Every shipped rule, by id.
pub fn shipped() -> &'static [Entry] {
    &SHIPPED
}

/// The ids of all shipped rules, in order.
pub fn ids() -> Vec<&'static str> {
    shipped().iter().map(|e| &*e.meta().id).collect()
}

/// A rule in use.
pub struct Active {
    /// What it is.
    pub meta: Meta,
    /// What it does where no part says otherwise.
    pub base: Instance,
    /// By index of [`Config::overrides`]; later ones win.
    pub parts: Vec<(usize, Instance)>,
    /// The rule with each set of options that some instance has: a thousand overrides that differ in
    /// severity alone are one rule, and judge a model once.
    pub rules: Vec<Box<dyn Rule>>,
}

impl Active {
    /// How far a change can be felt by it.
    pub fn reach(&self) -> Reach {
        let all = self.rules.iter().map(|rule| rule.reach());
        all.max().unwrap_or(Reach::Near)
    }

    /// Files outside dbt's folders that it looks at.
    pub fn files(&self) -> Vec<PathPattern> {
        self.rules.iter().flat_map(|rule| rule.files()).collect()
    }
}

/// A rule as it is set for the project or a part of it.
#[derive(Debug, Clone, Copy)]
pub struct Instance {
    /// Index of [`Active::rules`]; none where it is off.
    pub rule: Option<usize>,
    /// The severity that the user set.
    pub severity: Option<Severity>,
}

impl Active {
    /// What is set for a part, or for what lies in none.
    pub fn instance(&self, part: Option<usize>) -> Instance {
        let found = part.and_then(|part| self.parts.iter().find(|(p, _)| *p == part));
        found.map_or(self.base, |(_, instance)| *instance)
    }
}

/// `--rule` and `--ignore`: ids or `category/*`.
#[derive(Debug, Clone, Default)]
pub struct RuleFilter {
    /// Only these, switched on whatever the configuration says.
    pub only: Vec<String>,
    /// Not these.
    pub ignore: Vec<String>,
}

impl RuleFilter {
    /// A pattern that names no rule.
    pub fn unknown(&self, entries: &[&Entry]) -> Option<&str> {
        let known = |p: &&String| entries.iter().any(|e| id_matches(p, &e.meta().id));
        let all = self.only.iter().chain(&self.ignore);
        all.into_iter().find(|p| !known(p)).map(String::as_str)
    }

    /// Does it let a rule run?
    pub fn takes(&self, id: &str) -> bool {
        let named = |list: &[String]| list.iter().any(|p| id_matches(p, id));
        (self.only.is_empty() || named(&self.only)) && !named(&self.ignore)
    }
}

/// The rules of the team's own folders.
///
/// # Errors
/// The first rule.yaml that is refused, or a folder that is not there.
pub fn own_rules(config: &Config, place: &Place) -> Result<Vec<Entry>, ConfigError> {
    let mut all: Vec<Entry> = Vec::new();
    for folder in &config.anti_patterns {
        for declared in declared::read_folder(config, place, folder)? {
            let id = &declared.meta.id;
            let twice = shipped().iter().chain(&all).any(|e| e.meta().id == *id);
            if twice {
                return Err(declared.refuse(format!("there are two rules `{id}`")));
            }
            all.push(Entry::Declared(Box::new(declared)));
        }
    }
    Ok(all)
}

/// The rules that a run uses, by id, with their options.
///
/// # Errors
/// An option that is not the rule's, or of another type, with its place.
pub fn active(
    config: &Config,
    own: &[Entry],
    filter: &RuleFilter,
) -> Result<Vec<Active>, ConfigError> {
    let mut out = Vec::new();
    let mut entries: Vec<&Entry> = shipped().iter().chain(own).collect();
    entries.sort_by(|a, b| a.meta().id.cmp(&b.meta().id));
    for entry in entries {
        let meta = entry.meta();
        let id: &str = &meta.id;
        if !filter.takes(id) {
            continue;
        }
        let setting = config.rule(id);
        let preset_on = config
            .presets
            .iter()
            .any(|p| meta.preset.is_some_and(|own| own <= *p));
        let asked = entry.is_own() || entry.is_asked_for(config);
        let by_default = preset_on || asked || !filter.only.is_empty();
        let on = match setting.and_then(|s| s.switch) {
            Some(Switch::Off) => !filter.only.is_empty(),
            Some(_) => true,
            None => by_default,
        };
        let mut rules = Variants::default();
        let base = rules.instance(config, entry, &[setting], on)?;
        let mut parts = Vec::new();
        for (index, part) in config.overrides.iter().enumerate() {
            let Some((_, over)) = part.setting(id) else {
                continue;
            };
            let on = match over.switch {
                Some(Switch::Off) => false,
                Some(_) => true,
                None => on,
            };
            let both = [setting, Some(over)];
            parts.push((index, rules.instance(config, entry, &both, on)?));
        }
        if base.rule.is_some() || parts.iter().any(|(_, i)| i.rule.is_some()) {
            out.push(Active {
                meta: meta.clone(),
                base,
                parts,
                rules: rules.rules,
            });
        }
    }
    Ok(out)
}

/// One rule with the different options that it was given.
#[derive(Default)]
struct Variants {
    /// The options as they were written, and the rule's index where it is on somewhere.
    known: FxHashMap<String, Option<usize>>,
    rules: Vec<Box<dyn Rule>>,
}

impl Variants {
    fn instance(
        &mut self,
        config: &Config,
        entry: &Entry,
        settings: &[Option<&RuleSetting>],
        on: bool,
    ) -> Result<Instance, ConfigError> {
        let settings = settings.iter().flatten();
        let mut severity = None;
        let mut options: Vec<(Spanned<String>, YamlNode)> = Vec::new();
        let mut whole = Span::whole(FileId(0));
        for setting in settings {
            if let Some(Switch::Severity(s)) = setting.switch {
                severity = Some(s);
            }
            whole = setting.span.unwrap_or(whole);
            for (name, at) in &setting.options {
                let node = config.docs[at.doc].yaml.node(at.node);
                options.retain(|(n, _)| n.value != name.value);
                options.push((name.clone(), node));
            }
        }
        let written: Vec<String> = options
            .iter()
            .map(|(name, node)| format!("{}: {}", name.value, node.to_json()))
            .collect();
        let written = written.join("\n");
        let known = self.known.get(&written).copied();
        let rule = match known {
            Some(index) if !on || index.is_some() => index.filter(|_| on),
            _ => {
                // Options are checked even where the rule is off: a mistake must not wait for the
                // day it is on.
                let rule = built(config, entry, &options, whole)?;
                let index = on.then_some(self.rules.len());
                self.rules.extend(on.then_some(rule));
                self.known.insert(written, index);
                index
            }
        };
        Ok(Instance { rule, severity })
    }
}

fn built(
    config: &Config,
    entry: &Entry,
    options: &Options,
    whole: Span,
) -> Result<Box<dyn Rule>, ConfigError> {
    match entry {
        Entry::BuiltIn(entry) => {
            (entry.build)(options, whole).map_err(|e| config.refuse(e, whole, &entry.meta.id))
        }
        Entry::Declared(declared) => {
            let built = declared.with_options(options);
            let rule = built.map_err(|e| config.refuse(e, whole, &declared.meta.id))?;
            Ok(Box::new(rule))
        }
    }
}

impl Config {
    /// An error of a rule's options as an error of the document that holds them.
    fn refuse(&self, error: DeError, whole: Span, rule: &str) -> ConfigError {
        let span = error.span.unwrap_or(whole);
        let doc = self.docs.iter().find(|d| d.yaml.file == span.file);
        ConfigError {
            path: doc.map_or(String::new(), |d| d.name.clone()),
            text: doc.map_or(String::new(), |d| d.text.clone()),
            range: Some(span.range()),
            message: format!("{rule}: {}", error.message),
            help: error.help,
        }
    }
}

/// The presets that hold a rule: the smallest of the three and those above it, and the one that
/// stands beside them.
pub fn presets_of(meta: &Meta) -> Vec<&'static str> {
    let holding = Preset::ALL
        .into_iter()
        .filter(|p| meta.preset.is_some_and(|smallest| *p >= smallest))
        .map(Preset::as_str);
    let beside = crate::config::staging_5cte_rules();
    let beside = beside.iter().any(|id| **id == *meta.id);
    holding.chain(beside.then_some("staging-5cte")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::{Path, PathBuf};

    fn top() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR"))
    }

    fn sorted(dir: &Path) -> Vec<PathBuf> {
        let mut all: Vec<PathBuf> = fs::read_dir(dir)
            .unwrap()
            .map(|e| e.unwrap().path())
            .collect();
        all.sort();
        all
    }

    fn name(path: &Path) -> String {
        path.file_stem().unwrap().to_str().unwrap().to_owned()
    }

    fn pascal(snake: &str) -> String {
        snake
            .split('_')
            .map(|w| w[..1].to_uppercase() + &w[1..])
            .collect()
    }

    /// What src/rules/mod.rs must be: every file beside it, and every folder with a rule.yaml.
    fn wanted() -> String {
        let mut modules = String::new();
        let mut built_in = String::new();
        for folder in sorted(&top().join("src/rules"))
            .iter()
            .filter(|p| p.is_dir())
        {
            let category = name(folder);
            modules += &format!("mod {category} {{\n");
            for file in sorted(folder) {
                let rule = name(&file);
                modules += &format!("    pub(super) mod {rule};\n");
                let path = format!("{category}::{rule}::{}", pascal(&rule));
                built_in += &format!("    BuiltInEntry::of::<{path}>(),\n");
            }
            modules += "}\n";
        }
        let mut declared = String::new();
        for category in sorted(&top().join("rules")) {
            for rule in sorted(&category)
                .iter()
                .filter(|p| p.join("rule.yaml").exists())
            {
                let path = format!("../../rules/{}/{}", name(&category), name(rule));
                declared += &format!(
                    "    DeclaredEntry {{\n        yaml: include_str!(\"{path}/rule.yaml\"),\n        \
                     doc: include_str!(\"{path}/README.md\"),\n    }},\n"
                );
            }
        }
        format!(
            "//! Every rule that ships, from the files beside this one and the folders in `rules/`.\n\
             //! Written by `cargo test`; do not edit.\n\n\
             use crate::registry::{{BuiltInEntry, DeclaredEntry}};\n\n{modules}\n\
             #[rustfmt::skip]\npub(crate) static BUILT_IN: &[BuiltInEntry] = &[\n{built_in}];\n\n\
             #[rustfmt::skip]\npub(crate) static DECLARED: &[DeclaredEntry] = &[\n{declared}];\n"
        )
    }

    /// Rewrites the list when it is stale, then fails once, so that the change is seen.
    #[test]
    fn the_list_of_rules_is_that_of_the_files() {
        let path = top().join("src/rules/mod.rs");
        let wanted = wanted();
        if fs::read_to_string(&path).unwrap() != wanted {
            fs::write(&path, wanted).unwrap();
            panic!("src/rules/mod.rs was stale and has been rewritten; run the tests again");
        }
    }

    #[test]
    fn every_shipped_rule_reads() {
        for entry in crate::rules::DECLARED {
            let file = yaml::parse(FileId(0), entry.yaml);
            if let Err(e) = declared::read(&file, Some(entry.doc)) {
                let at = e.span.map(|s| &entry.yaml[s.range()]);
                panic!("{}: {e} at {at:?}", entry.doc.lines().next().unwrap());
            }
        }
        let listed = crate::rules::BUILT_IN.len() + crate::rules::DECLARED.len();
        assert_eq!(shipped().len(), listed, "a rule.yaml does not read");
    }

    #[test]
    fn an_id_is_its_file_and_its_folder_and_unique() {
        let mut seen = std::collections::BTreeSet::new();
        for entry in shipped() {
            let id = &*entry.meta().id;
            assert!(seen.insert(id), "{id} twice");
            let folder = top().join("rules").join(id);
            assert!(
                folder.join("README.md").is_file(),
                "no {}",
                folder.display()
            );
            let built_in = matches!(entry, Entry::BuiltIn(_));
            let file = format!("src/rules/{}.rs", id.replace('-', "_"));
            assert_eq!(top().join(&file).is_file(), built_in, "{file}");
            assert_eq!(folder.join("rule.yaml").is_file(), !built_in, "{id}");
        }
        for category in sorted(&top().join("rules")) {
            for rule in sorted(&category) {
                let id = format!("{}/{}", name(&category), name(&rule));
                assert!(seen.contains(id.as_str()), "rules/{id} has no rule");
            }
        }
    }

    #[test]
    fn presets_keep_their_promise() {
        let of = |preset| {
            let held = |e: &&Entry| e.meta().preset.is_some_and(|p| p <= preset);
            shipped().iter().filter(held).count()
        };
        assert!(of(Preset::Minimal) <= 16);
        assert!(of(Preset::Recommended) <= 40);
    }

    #[test]
    fn a_heuristic_never_fails_ci_by_default() {
        use crate::violation::Confidence;
        for entry in shipped() {
            let meta = entry.meta();
            let fails = meta.severity == Severity::Error;
            assert!(
                !fails || meta.confidence == Confidence::Certain,
                "{}: an error must be certain",
                meta.id
            );
        }
    }
}
