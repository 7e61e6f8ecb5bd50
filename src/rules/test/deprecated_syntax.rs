use crate::project::{Project, configures_test};
use crate::rule::{BuiltIn, Cx, FixAvailability, Meta, Preset, Rule, Sink};
use crate::syntax::yaml::{Node as YamlNode, Yaml, edit};
use crate::text::Span;
use crate::violation::{Applicability, Confidence, Edit, Fix, Severity, Violation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow::Borrowed;

/// What is said of the old key.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct DeprecatedSyntax {
    /// Where `tests:` is reported.
    tests_key: TestsKey,
}

/// Where the key `tests:` is reported.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum TestsKey {
    /// Where the dbt that the project runs on warns of it, or most files have left it.
    #[default]
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

impl BuiltIn for DeprecatedSyntax {
    const META: Meta = Meta {
        id: Borrowed("test/deprecated-syntax"),
        severity: Severity::Warn,
        confidence: Confidence::Certain,
        fix: FixAvailability::Sometimes,
        preset: Some(Preset::Recommended),
        doc: Borrowed(include_str!(
            "../../../rules/test/deprecated-syntax/README.md"
        )),
    };
}

/// The one minor version of dbt that warns of `tests:`; those after it take it without a word.
const WARNS: (u64, u64) = (1, 8);

/// The first dbt that reads `data_tests:`, and the first that reads `arguments:`.
const DATA_TESTS: (u64, u64, u64) = (1, 8, 0);
const ARGUMENTS: (u64, u64, u64) = (1, 10, 5);

/// What is neither an argument of a test nor its configuration.
const NO_ARGUMENT: [&str; 6] = [
    "config",
    "name",
    "description",
    "arguments",
    "test_name",
    "column_name",
];

impl Rule for DeprecatedSyntax {
    fn project(&self, cx: &Cx, sink: &mut Sink) {
        let oldest = cx.project.oldest_dbt();
        let wants_arguments = wants_arguments(cx.project);
        let files: Vec<Found> = cx.project.property_files().into_iter().map(look).collect();
        let why = self.why(cx.project, &files);
        for found in &files {
            sink.push_some(why.as_ref().and_then(|why| old_key(found, why, oldest)));
            if !wants_arguments {
                continue;
            }
            for (name, body) in &found.tests {
                sink.push_some(loose_arguments(cx.project, *name, *body, oldest));
            }
        }
    }
}

impl DeprecatedSyntax {
    /// Why `tests:` is to go, if it is.
    fn why(&self, project: &Project, files: &[Found]) -> Option<String> {
        match self.tests_key {
            TestsKey::Never => return None,
            TestsKey::Always => return Some("dbt calls them `data_tests:` since 1.8".to_owned()),
            TestsKey::Auto => {}
        }
        // Where an older dbt may read the project, the new key would lose tests.
        let bounded = project.manifest.is_some() || project.required_dbt().is_some();
        if bounded
            && project
                .oldest_dbt()
                .is_none_or(|oldest| oldest < DATA_TESTS)
        {
            return None;
        }
        if files.iter().all(|f| f.old_keys.is_empty()) {
            return None;
        }
        // One that says both says what it says more often.
        let says = |f: &&Found| f.new_keys + f.old_keys.len() > 0;
        let has_moved = |f: &&Found| f.new_keys > f.old_keys.len();
        let any = files.iter().filter(says).count();
        let new = files.iter().filter(has_moved).count();
        if 2 * new > any {
            return Some(format!(
                "{new} of the project's {any} files with tests say `data_tests:`"
            ));
        }
        let warns = project.minor_dbt() == Some(WARNS);
        warns.then(|| "dbt 1.8, which the project runs on, warns of it in every run".to_owned())
    }
}

/// `flags: {require_generic_test_arguments_property: true}`.
fn wants_arguments(project: &Project) -> bool {
    let flag = || {
        let flags = project.project_yaml()?.root()?.get("flags")?;
        flags
            .get("require_generic_test_arguments_property")?
            .as_bool()
    };
    flag() == Some(true)
}

/// Lists of tests in one file.
#[derive(Default)]
struct Found<'a> {
    /// Keys `tests:` that hold a list.
    old_keys: Vec<Span>,
    /// How many lists stand under `data_tests:`.
    new_keys: usize,
    /// Tests that are mappings: the name and what holds its arguments.
    tests: Vec<(YamlNode<'a>, YamlNode<'a>)>,
}

fn look(tree: &Yaml) -> Found<'_> {
    let mut all = Found::default();
    let found = &mut all;
    let Some(root) = tree.root() else { return all };
    for section in ["models", "seeds", "snapshots", "sources"] {
        for entry in items(root, section) {
            visit(entry, found);
            let below = ["columns", "versions", "tables"];
            for part in below.iter().flat_map(|key| items(entry, key)) {
                visit(part, found);
                items(part, "columns").for_each(|column| visit(column, found));
            }
        }
    }
    all
}

/// The items of a list that is written here: an alias is judged where its anchor stands.
fn items<'a>(node: YamlNode<'a>, key: &str) -> impl Iterator<Item = YamlNode<'a>> + use<'a> {
    let list = node.get(key).filter(|n| !n.is_alias());
    let items = list.into_iter().flat_map(|n| n.items());
    items.filter(|n| !n.is_alias())
}

fn visit<'a>(entry: YamlNode<'a>, found: &mut Found<'a>) {
    let own = |key: &str| {
        let mut entries = entry.own_entries();
        entries.find(|(k, v)| k.as_str() == Some(key) && v.is_sequence())
    };
    let (old, new) = (own("tests"), own("data_tests"));
    if let (Some((key, _)), None) = (old, new) {
        found.old_keys.push(key.span());
    }
    found.new_keys += usize::from(new.is_some());
    for (_, list) in [old, new]
        .into_iter()
        .flatten()
        .filter(|(_, l)| !l.is_alias())
    {
        for test in list.items().filter(|t| t.is_mapping() && !t.is_alias()) {
            match test.get("test_name") {
                Some(name) => found.tests.push((name, test)),
                None => {
                    let first = test.own_entries().next();
                    found
                        .tests
                        .extend(first.filter(|(_, body)| body.is_mapping()));
                }
            }
        }
    }
}

fn old_key(found: &Found, why: &str, oldest: Option<(u64, u64, u64)>) -> Option<Violation> {
    let first = found.old_keys.first()?;
    let times = match found.old_keys.len() {
        1 => "stands here".to_owned(),
        2 => "stands here and in another entry of this file".to_owned(),
        n => format!("stands here and in {} more entries of this file", n - 1),
    };
    let message = format!("the old key `tests:` {times}: {why}");
    let edit = |span: &Span| Edit {
        span: *span,
        text: "data_tests".to_owned(),
    };
    let fix = Fix {
        title: "rename `tests:` to `data_tests:`".to_owned(),
        applicability: applicability(oldest, DATA_TESTS),
        edits: found.old_keys.iter().map(edit).collect(),
    };
    let found = Violation::new(*first, message).symbol("tests");
    Some(found.severity(Severity::Info).fix(fix))
}

/// A dbt that is too old for the new spelling would ignore the tests, or refuse the file.
fn applicability(oldest: Option<(u64, u64, u64)>, since: (u64, u64, u64)) -> Applicability {
    match oldest.is_some_and(|o| o >= since) {
        true => Applicability::Safe,
        false => Applicability::Suggested,
    }
}

fn loose_arguments(
    project: &Project,
    name: YamlNode,
    body: YamlNode,
    oldest: Option<(u64, u64, u64)>,
) -> Option<Violation> {
    let entries: Vec<(YamlNode, YamlNode)> = body.own_entries().collect();
    let is_argument = |key: &YamlNode| {
        let of_list = body.get("test_name").is_some() && key.as_str() == name.as_str();
        !of_list
            && key
                .as_str()
                .is_some_and(|k| !NO_ARGUMENT.contains(&k) && !configures_test(k))
    };
    let loose: Vec<(usize, &(YamlNode, YamlNode))> = entries
        .iter()
        .enumerate()
        .filter(|(_, (key, _))| is_argument(key) && !key.is_alias())
        .collect();
    let (_, (first, _)) = loose.first()?;
    let names: Vec<String> = loose
        .iter()
        .filter_map(|(_, (key, _))| Some(format!("`{}`", key.as_str()?)))
        .collect();
    let message = format!(
        "`{}` gets {} beside `arguments:`, which this project's flag `require_generic_test_arguments_property` asks for",
        name.as_str()?,
        names.join(", ")
    );
    let mut violation = Violation::new(name.span(), message).symbol("arguments");
    let together = loose.windows(2).all(|w| w[0].0 + 1 == w[1].0);
    let merges = entries.iter().any(|(k, _)| k.as_str() == Some("<<"));
    if together && !merges && body.get("arguments").is_none() && !body.is_flow() {
        let last = loose.last().map(|(_, (_, value))| value.span().end)?;
        let edits = nest(project, *first, last as usize);
        violation = match edits {
            Some(edits) => violation.fix(Fix {
                title: "move the arguments under `arguments:`".to_owned(),
                applicability: applicability(oldest, ARGUMENTS),
                edits,
            }),
            None => violation,
        };
    }
    Some(violation)
}

/// Puts `arguments:` above the first key and two more spaces before every line of the keys.
fn nest(project: &Project, first: YamlNode, end: usize) -> Option<Vec<Edit>> {
    let span = first.span();
    let text = &project.files.get(span.file).text;
    let start = span.start as usize;
    let indent = edit::column(text, start)?;
    let line = start - indent;
    // A key on the line of its list's dash would leave the list.
    let alone = text.get(line..start)?.bytes().all(|b| b == b' ');
    if !alone {
        return None;
    }
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let insert = |at: usize, text: String| Edit {
        span: Span::new(span.file, at, at),
        text,
    };
    let mut edits = vec![insert(
        start,
        format!("arguments:{newline}{}", " ".repeat(indent + 2)),
    )];
    let body = text.get(start..end)?;
    for (i, _) in body.match_indices('\n') {
        let at = start + i + 1;
        let blank = text[at..].trim_start_matches([' ', '\r']).starts_with('\n');
        if !blank {
            edits.push(insert(at, "  ".to_owned()));
        }
    }
    Some(edits)
}
