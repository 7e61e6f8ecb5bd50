//! Project variables: dbt_project.yml's, and what is laid over them.

use crate::load::Package;
use crate::syntax::jinja::render_native;
use rustc_hash::FxHashMap;
use serde_json::{Map, Value};
use std::sync::{PoisonError, RwLock};

/// The variables that a package's files see.
#[derive(Debug, Default)]
pub(super) struct Vars {
    over: Map<String, Value>,
    /// Scopes from the strongest to the weakest.
    scopes: Vec<Map<String, Value>>,
    /// What texts with Jinja come to: each is rendered once, however often it is asked for.
    rendered: RwLock<FxHashMap<String, Option<Value>>>,
}

impl Vars {
    /// For files of `package`, in the project `root`. dbt looks into the root project's section
    /// for the package, its global section, then the package's own two.
    pub(super) fn new(root: &Package, package: &Package, over: &Map<String, Value>) -> Self {
        let mut scopes = Vec::new();
        let mut projects = vec![root];
        if package.file != root.file {
            projects.push(package);
        }
        for project in projects {
            let vars = project.yaml.root().and_then(|r| r.get("vars"));
            let Some(Value::Object(all)) = vars.map(|v| v.to_json()) else {
                continue;
            };
            if let Some(Value::Object(own)) = all.get(&*package.name) {
                scopes.push(own.clone());
            }
            scopes.push(all);
        }
        Self {
            over: over.clone(),
            scopes,
            rendered: RwLock::default(),
        }
    }

    /// The value of a variable; none where it is not set, `Some(None)` where it is not known. dbt
    /// renders a string with Jinja in it when it is asked for, and gives text. One that may ask for a
    /// relation stays as it is: that depends on the file that reads it.
    pub(super) fn get(&self, name: &str) -> Option<Option<Value>> {
        let mut scopes = std::iter::once(&self.over).chain(&self.scopes);
        let value = scopes.find_map(|s| s.get(name))?;
        let Value::String(text) = value else {
            return Some(Some(value.clone()));
        };
        if !text.contains("{{") && !text.contains("{%") {
            return Some(Some(value.clone()));
        }
        let known = self.rendered.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = known.get(text) {
            return Some(value.clone());
        }
        drop(known);
        let value = rendered(text);
        let mut known = self
            .rendered
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        known.insert(text.clone(), value.clone());
        Some(value)
    }
}

fn rendered(text: &str) -> Option<Value> {
    match render_native(text, None, None, &|_| None) {
        Some(Value::String(text)) => Some(Value::String(text)),
        Some(other) => Some(Value::String(other.to_string())),
        // An expression alone is cheap to evaluate again.
        None if text.len() <= MAX_TEMPLATE && !text.contains("{%") => Some(text.into()),
        None => None,
    }
}

/// Bytes of a variable's text that files evaluate again.
const MAX_TEMPLATE: usize = 500;
