//! From a rule file to a rule, or to what is wrong with it and where.

use super::condition::Reader;
use super::file::{Examples, FixPlan, RuleFile, header};
use super::message::Template;
use super::read::at;
use super::select::{Gathered, Selector};
use super::subject::Of;
use super::{Declared, DeclaredRule, Plan, options, page};
use crate::project::ResourceType;
use crate::rule::{FixAvailability, Meta};
use crate::syntax::yaml::{At, DeError, Node, Yaml};
use crate::text::Span;
use crate::violation::{Applicability, Confidence};
use std::borrow::Cow;
use std::sync::Arc;

/// Reads a rule. `doc` is its page, where it has one; otherwise one is made of its facts.
///
/// # Errors
/// What is refused, with its place in the file.
pub fn read(file: &Yaml, doc: Option<&'static str>) -> Result<Declared, DeError> {
    if let Some(problem) = file.problems.first() {
        return Err(DeError::new(problem.message.clone()).at(problem.span));
    }
    let empty = || DeError::new("the file is empty").at(Span::whole(file.file));
    let root = file.root().ok_or_else(empty)?;
    let rule = header(root)?;
    well_named(&rule.id, doc.is_some())?;
    told(&rule, root)?;
    let mut got = Gathered::default();
    let select = selector(root, &rule, &mut got)?;
    let (requires, node) = match (root.get("forbid"), root.get("require")) {
        (Some(node), None) => (false, node),
        (None, Some(node)) => (true, node),
        (None, None) => return Err(at(root, "missing key `forbid` or `require`")),
        (Some(_), Some(node)) => {
            return Err(at(node, "a rule has either `forbid` or `require`"));
        }
    };
    let mut reader = Reader {
        selector: &select,
        keys: Vec::new(),
        got: &mut got,
    };
    let condition = reader.read(node)?;
    let keys = reader.keys;
    let bound = match requires {
        true => Vec::new(),
        false => condition.bound(),
    };
    let examples = root.get("examples").map(Examples::read).transpose()?;
    let examples = examples.unwrap_or_default();
    let message = root.get("message").ok_or_else(empty)?;
    let message = Template::read(message, &bound, true)?;
    let replaces = !requires && condition.matches();
    let fix = fix(root, &rule, &bound, replaces)?;
    proven(root, fix.as_ref(), &examples, doc)?;
    let plan = Plan {
        id: rule.id.value.clone(),
        select,
        requires,
        condition,
        keys,
        message,
        help: rule.mitigation.as_ref().map(|m| m.value.clone()),
        fix,
    };
    let options = options::settings(root)?;
    Ok(Declared {
        options,
        ..declared(rule, plan, examples, got, doc)
    })
}

fn declared(
    rule: RuleFile,
    plan: Plan,
    examples: Examples,
    got: Gathered,
    doc: Option<&'static str>,
) -> Declared {
    let incident = page::incident(&rule);
    let page: Cow<'static, str> = match doc {
        Some(doc) => doc.into(),
        None => page::page(&rule, &plan, &examples).into(),
    };
    Declared {
        meta: Meta {
            id: rule.id.value.into(),
            severity: rule.severity,
            confidence: rule.confidence.unwrap_or(Confidence::Likely),
            fix: match plan.fix {
                Some(_) => FixAvailability::Sometimes,
                None => FixAvailability::None,
            },
            preset: None,
            doc: page,
        },
        rule: DeclaredRule::new(Arc::new(plan)),
        own: false,
        incident,
        path: String::new(),
        text: String::new(),
        id_span: rule.id.span,
        layers: got.layers,
        examples,
        options: Vec::new(),
    }
}

/// A team's own rules are `ap/…`; what ships is of any category.
fn well_named(id: &At<String>, ships: bool) -> Result<(), DeError> {
    let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let word = |w: &str| !w.is_empty() && w.chars().all(letter);
    let good = id.split_once('/').is_some_and(|(category, name)| {
        word(category) && word(name) && (ships || category == "ap")
    });
    match good {
        true => Ok(()),
        false => Err(about(id, "is no id of a declared rule: ap/kebab-case")),
    }
}

/// An error about a value, at its place.
fn about(value: &At<String>, why: &str) -> DeError {
    let error = DeError::new(format!("`{}` {why}", value.value));
    match value.span {
        Some(span) => error.at(span),
        None => error,
    }
}

/// What makes a pattern worth a rule is the incident behind it: none of its parts may be blank, and
/// a rule of incidents has all of them.
fn told(rule: &RuleFile, root: Node) -> Result<(), DeError> {
    let facts = [
        ("summary", Some(&rule.summary)),
        ("message", Some(&rule.message)),
        ("code", rule.code.as_ref()),
        ("scenario", rule.scenario.as_ref()),
        ("phenomenon", rule.phenomenon.as_ref()),
        ("root_cause", rule.root_cause.as_ref()),
        ("mitigation", rule.mitigation.as_ref()),
    ];
    for (name, said) in facts {
        match said {
            Some(text) if text.trim().is_empty() || text.trim() == page::UNWRITTEN => {
                return Err(about(text, &format!("tells nothing as `{name}`")));
            }
            None if rule.id.starts_with("ap/") => {
                return Err(at(root, format!("missing key `{name}`")));
            }
            _ => {}
        }
    }
    Ok(())
}

fn selector(root: Node, rule: &RuleFile, got: &mut Gathered) -> Result<Selector, DeError> {
    let models = [Of::Node(ResourceType::Model)];
    let mut select = match root.get("select") {
        Some(node) => Selector::read(node, &models, got)?,
        None => Selector::all(models.to_vec()),
    };
    if let Some(layer) = &rule.layer {
        got.layers.push(layer.clone());
        select.add_layers(vec![layer.value.clone()]);
    }
    if select.of.contains(&Of::File) && select.paths().next().is_none() {
        let node = root.get("select").unwrap_or(root);
        return Err(at(node, "a rule about files names them: `path`"));
    }
    Ok(select)
}

fn fix(
    root: Node,
    rule: &RuleFile,
    bound: &[String],
    replaces: bool,
) -> Result<Option<FixPlan>, DeError> {
    let (Some(fix), Some(node)) = (&rule.fix, root.get("fix")) else {
        return Ok(None);
    };
    let replace = node.get("replace").unwrap_or(node);
    if !replaces {
        let message = "a fix replaces what a pattern or a regex of `forbid` matches, and not every finding of this rule is one";
        return Err(at(node, message));
    }
    Ok(Some(FixPlan {
        replace: Template::read(replace, bound, false)?,
        applicability: fix.applicability.unwrap_or(Applicability::Suggested),
        title: match &fix.title {
            Some(title) => title.clone(),
            None => format!("rewrite it as {} says", rule.id.value),
        },
    }))
}

/// A fix that is applied without a person is proven by an example.
fn proven(
    root: Node,
    fix: Option<&FixPlan>,
    examples: &Examples,
    doc: Option<&str>,
) -> Result<(), DeError> {
    let safe = fix.is_some_and(|f| f.applicability == Applicability::Safe);
    let shown = !examples.fixed.is_empty() || doc.is_some_and(|d| d.contains("\n## Fixed"));
    if safe && !shown {
        let node = root.get("fix").unwrap_or(root);
        return Err(DeError {
            help: Some("add `fixed` to `examples`: what the fix makes of each bad".to_owned()),
            ..at(node, "a safe fix needs an example that proves it")
        });
    }
    Ok(())
}
