use crate::project::{Node, Origin, Project};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink};
use crate::syntax::jinja::{self, RelationRef, TokenKind};
use crate::syntax::sql::Dialect;
use crate::syntax::stars::Stars;
use crate::syntax::watermark::Watermark;
use crate::text::Span;
use crate::violation::{Applicability, Confidence, Edit, Fix, Severity, Violation};
use rustc_hash::{FxHashMap, FxHashSet};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// What incremental models must say.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct IncrementalConfig {
    /// When an incremental model must set `on_schema_change`.
    on_schema_change: Demand,
}

/// When something must be there.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Demand {
    /// Where the output is a `*` of another relation.
    #[default]
    Star,
    /// In every incremental model.
    Always,
    /// Not at all.
    Never,
}

impl BuiltIn for IncrementalConfig {
    const META: Meta = Meta {
        id: Borrowed("sql/incremental-config"),
        severity: Severity::Warn,
        confidence: Confidence::Likely,
        fix: FixAvailability::Sometimes,
        preset: Some(Preset::Minimal),
        doc: Borrowed(include_str!(
            "../../../rules/sql/incremental-config/README.md"
        )),
    };
}

impl Rule for IncrementalConfig {
    fn project(&self, cx: &Cx, sink: &mut Sink) {
        let asking = Asking::of(cx.project);
        for model in cx.project.models() {
            let unknown = model.config.is_unknown("materialized") || model.properties_lost;
            if model.python || unknown || cx.project.may_configure_by_macro(model) {
                continue;
            }
            let found = match model.config.text("materialized").unwrap_or("view") {
                "incremental" => self.incremental(cx.project, model, &asking),
                other @ ("view" | "table" | "ephemeral") => {
                    idle_filter(cx.project, model, other).into_iter().collect()
                }
                _ => Vec::new(),
            };
            for violation in found {
                sink.push_on(Some(model.id), violation);
            }
        }
    }
}

impl IncrementalConfig {
    fn incremental(&self, project: &Project, model: &Node, asking: &Asking) -> Vec<Violation> {
        let mut out = Vec::new();
        let name = model.display_name();
        let strategy = strategy(project, model);
        let place = place(model);
        let keyless = model.config.get("unique_key").is_none_or(|k| {
            let value = k.value.as_ref();
            value.is_some_and(serde_json::Value::is_null)
        });
        if let Some(Strategy { name: s, set }) = &strategy
            && keyless
        {
            // Without a key dbt inserts, which is what some want; not of rows that it reads twice.
            let again = read_again(model);
            let merges = matches!(s.as_str(), "merge" | "delete+insert");
            let message = match (set, again) {
                (true, _) if merges => Some(format!(
                    "`{name}` is incremental with `{s}` and has no `unique_key`: nothing says which rows are the same, so a row that comes again is added again"
                )),
                (false, Some(_)) => Some(format!(
                    "`{name}` is incremental without `unique_key`, and its filter reads rows at or before the watermark once more: they are added a second time"
                )),
                _ => None,
            };
            if let Some(message) = message {
                let mut found = Violation::new(place, message).symbol("unique_key").help(
                    "set `unique_key` to what identifies a row; where rows never come again, say so with `incremental_strategy='append'`",
                );
                if let Some(again) = again {
                    found = found.related(again, "the filter");
                }
                if let [key] = &model.unique_keys()[..]
                    && let [column] = &key[..]
                {
                    let title =
                        format!("set `unique_key` to `{column}`, which a test holds unique");
                    found.fix = set_key(project, model, "unique_key", column, title);
                }
                out.push(found);
            }
        }
        // Without a key nothing is merged.
        let strategy = strategy.map(|s| match s.set || !keyless {
            true => s,
            false => Strategy {
                name: "append".to_owned(),
                ..s
            },
        });
        let strategy = strategy.map_or(String::new(), |s| s.name);
        if strategy != "microbatch" && reads_everything(project, model, asking) {
            let (then, severity) = match strategy.as_str() {
                "append" => (" and appends it to what is there", Severity::Warn),
                "merge" | "delete+insert" | "insert_overwrite" => {
                    (", which costs as much as a table", Severity::Info)
                }
                _ => ("", Severity::Warn),
            };
            let message = format!(
                "`{name}` is incremental but never asks `is_incremental()`: every run reads everything again{then}"
            );
            out.push(
                Violation::new(place, message)
                    .symbol("is_incremental")
                    .severity(severity)
                    .help("filter what is read inside `{% if is_incremental() %}`, against `max(…)` of `{{ this }}`; or make it a table"),
            );
        }
        out.extend(self.schema_change(project, model, place));
        out
    }

    fn schema_change(&self, project: &Project, model: &Node, place: Span) -> Option<Violation> {
        let config = &model.config;
        let is_set = config.get("on_schema_change").is_some();
        if is_set || self.on_schema_change == Demand::Never {
            return None;
        }
        let query = model.sql.as_ref().and_then(|s| Some((s, s.query()?)));
        let text = &project.files.get(model.file).text;
        let star = query.and_then(|(sql, query)| Stars::new(sql, text).of_output(query));
        if star.is_none() && self.on_schema_change == Demand::Star {
            return None;
        }
        let what = match star {
            Some(star) => format!("a column that {} gains", star.relation),
            None => "a column that is added".to_owned(),
        };
        let message = format!(
            "`{}` is incremental without `on_schema_change`: {what} is left out of the table in silence, until somebody rebuilds it",
            model.display_name()
        );
        let mut found = Violation::new(place, message)
            .symbol("on_schema_change")
            .severity(Severity::Info)
            .help("set `on_schema_change` to `append_new_columns`, `sync_all_columns` or `fail`");
        let title = "set `on_schema_change` to `append_new_columns`".to_owned();
        let (key, value) = ("on_schema_change", "append_new_columns");
        found.fix = set_key(project, model, key, value, title);
        Some(found)
    }
}

/// Sets a key in the file's own `config()`: suggested, for another value may be meant.
fn set_key(project: &Project, model: &Node, key: &str, value: &str, title: String) -> Option<Fix> {
    let src = &project.files.get(model.file).text;
    let (span, text) = model.inline()?.with_string(src, key, value)?;
    Some(Fix {
        title,
        applicability: Applicability::Suggested,
        edits: vec![Edit { span, text }],
    })
}

/// An `is_incremental()` that is never true.
fn idle_filter(project: &Project, model: &Node, materialized: &str) -> Option<Violation> {
    let text = &project.files.get(model.file).text;
    let template = jinja::lex(text).0;
    let is_code = |k| matches!(k, TokenKind::Statement | TokenKind::Output);
    let asks = template.iter().filter(|t| is_code(t.kind)).find(|t| {
        let code = &text[t.inner.start as usize..t.inner.end as usize];
        code.contains("is_incremental()")
    });
    // Where another project may configure it, nothing is idle.
    let token = asks?;
    let span = Span::new(
        model.file,
        token.range.start as usize,
        token.range.end as usize,
    );
    let message = format!(
        "`is_incremental()` is never true here: `{}` is materialized as `{materialized}`, so what stands in this block never runs",
        model.display_name()
    );
    let mut found = Violation::new(span, message)
        .symbol("idle is_incremental")
        .help(format!(
            "remove the block, or materialize `{}` as incremental",
            model.display_name()
        ));
    if let Some(set) = model.config.get("materialized").and_then(|m| m.span) {
        found = found.related(set, format!("`{materialized}` is set here"));
    }
    Some(found)
}

struct Strategy {
    name: String,
    /// It is set, rather than being the adapter's default.
    set: bool,
}

/// The strategy; none where it is not known.
fn strategy(project: &Project, model: &Node) -> Option<Strategy> {
    let of = |name: &str, set| {
        Some(Strategy {
            name: name.to_ascii_lowercase(),
            set,
        })
    };
    if let Some(set) = model.config.get("incremental_strategy") {
        let value = set.value.as_ref()?;
        if !value.is_null() {
            return of(value.as_str()?, true);
        }
    }
    // A strategy that the project itself defines as the default may be anything.
    if project
        .macros
        .find("get_incremental_default_sql", &project.name)
        .is_some_and(|m| *m.package == *project.name)
    {
        return None;
    }
    match project.dialect.dialect {
        Dialect::Snowflake | Dialect::BigQuery | Dialect::Databricks => of("merge", false),
        Dialect::Postgres
        | Dialect::Redshift
        | Dialect::DuckDb
        | Dialect::Spark
        | Dialect::Trino => match model.config.get("unique_key") {
            Some(_) => of("delete+insert", false),
            None => of("append", false),
        },
        _ => None,
    }
}

/// Where rows that were read before are read again.
fn read_again(model: &Node) -> Option<Span> {
    let sql = model.sql.as_ref()?;
    let mut found = None;
    for query in sql.readings() {
        query.selects(&mut |select, _| {
            for e in [&select.filter, &select.qualify].into_iter().flatten() {
                e.walk(&mut |e| {
                    if Watermark::of(sql, e).is_some_and(|w| w.again) {
                        found = found.or(Some(e.span));
                    }
                });
            }
        });
    }
    found
}

/// Where the model is made incremental, in its own file.
fn place(model: &Node) -> Span {
    let set = model.config.get("materialized");
    let inline = set.filter(|s| s.origin == Origin::Inline);
    let inline = inline.and_then(|s| s.span);
    let place = inline.or_else(|| Some(model.inline()?.place()));
    place.unwrap_or(Span::whole(model.file))
}

/// Does it do the same in every run? It does not ask for itself, nor for a condition, nor call
/// anything that may.
fn reads_everything(project: &Project, model: &Node, asking: &Asking) -> bool {
    let Some(sql) = &model.sql else { return false };
    let text = &project.files.get(model.file).text;
    let (tokens, _) = jinja::lex(text);
    let is_code = |k| matches!(k, TokenKind::Statement | TokenKind::Output);
    let mut code = tokens
        .iter()
        .filter(|t| is_code(t.kind))
        .map(|t| text[t.inner.start as usize..t.inner.end as usize].trim());
    let own = |c: &str| {
        c.contains("is_incremental")
            || c.contains("should_full_refresh")
            || c.contains("FULL_REFRESH")
            || c.contains("var(")
            || c.contains("run_query")
            || c.contains("this")
            || (c.starts_with("if") && !c.contains("loop."))
    };
    if sql.query().is_none() || code.any(own) {
        return false;
    }
    let is_this = |r: &RelationRef| matches!(r, RelationRef::This | RelationRef::Other);
    if sql.printed.iter().any(is_this) {
        return false;
    }
    !sql.macros.iter().any(|(name, _)| asking.may(name))
}

/// Macros that may ask whether the run is incremental.
struct Asking<'p> {
    names: FxHashSet<&'p str>,
    /// Every macro that is there.
    known: FxHashSet<&'p str>,
}

impl<'p> Asking<'p> {
    fn of(project: &'p Project) -> Self {
        let mut callers: FxHashMap<&str, Vec<&str>> = FxHashMap::default();
        let mut known = FxHashSet::default();
        for def in project.macros.iter() {
            known.insert(&*def.name);
            for call in def.calls() {
                let short = call.rsplit('.').next().unwrap_or(call);
                callers.entry(short).or_default().push(&def.name);
            }
        }
        let mut names = FxHashSet::default();
        let mut pending = vec![
            "is_incremental",
            "should_full_refresh",
            "run_query",
            "statement",
        ];
        while let Some(name) = pending.pop() {
            if !names.insert(name) {
                continue;
            }
            pending.extend(callers.get(name).into_iter().flatten());
            // An implementation is called by the name behind its adapter's.
            let base = name.split_once("__").map(|(_, base)| base);
            pending.extend(base.filter(|b| known.contains(b)));
        }
        Self { names, known }
    }

    /// A macro of a package that is not here may do anything; what dbt itself brings does not.
    fn may(&self, name: &str) -> bool {
        let (package, short) = match name.rsplit_once('.') {
            Some((package, short)) => (Some(package), short),
            None => (None, name),
        };
        let foreign = package.is_some_and(|p| p != "dbt");
        self.names.contains(short) || (foreign && !self.known.contains(short))
    }
}
