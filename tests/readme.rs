//! The README and `docs/` say what is so. `UPDATE=1 cargo test --test readme` rewrites what is
//! derived: the report and the table of rules.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use assert_cmd::Command;
use harness_lint::registry::{RuleFilter, shipped};
use harness_lint::report::config_schema;
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// The command that the README shows first, as cargo runs it and as the binary gets it.
const MAIN_COMMAND: &str = "cargo run --release -- check --project-dir fixtures/shop";
const MAIN_ARGS: [&str; 3] = ["check", "--project-dir", "fixtures/shop"];

/// Rules whose findings the README shows; the rest of the report is cut.
const SHOWN: [&str; 6] = [
    "ap/float-money",
    "graph/layer-direction",
    "harness/suppression-reason",
    "sql/inner-after-left",
    "structure/tags",
    "test/pk",
];

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(top().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The part of the README between `<!-- name -->` and `<!-- /name -->` is this.
fn assert_derived(name: &str, wanted: &str) {
    // Tests run in parallel, and UPDATE writes.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _held = ONE_AT_A_TIME.lock();
    let readme = read("README.md");
    let (open, close) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let start = readme.find(&open).expect("an opening marker") + open.len();
    let end = start + readme[start..].find(&close).expect("a closing marker");
    if std::env::var_os("UPDATE").is_some() {
        let text = format!("{}{wanted}{}", &readme[..start], &readme[end..]);
        fs::write(top().join("README.md"), text).unwrap();
        return;
    }
    let found = &readme[start..end];
    assert_eq!(found, wanted, "stale: UPDATE=1 cargo test --test readme");
}

/// The report with the findings and instructions of [`SHOWN`], a `…` for each part left out.
fn cut(report: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    let mut path = None;
    for line in report.lines() {
        let rule = match line.strip_prefix("fix ") {
            Some(fix) => fix.split([' ', ':']).next(),
            None if line.starts_with("  ") => line.split_whitespace().nth(2),
            None => None,
        };
        let kept = rule.is_none_or(|r| SHOWN.contains(&r));
        if line.starts_with("models/") {
            path = Some(line);
        } else if kept {
            lines.extend(path.take());
            lines.push(line);
        } else {
            path = None;
            if lines.last() != Some(&"…") {
                lines.push("…");
            }
        }
    }
    lines.join("\n") + "\n"
}

#[test]
fn the_report_is_what_the_command_prints() {
    let assert = Command::new(env!("CARGO_BIN_EXE_harness-lint"))
        .current_dir(top())
        .args(MAIN_ARGS)
        .assert()
        .code(1);
    let output = assert.get_output();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let report = String::from_utf8(output.stdout.clone()).unwrap();
    assert_derived("report", &format!("\n```text\n{}```\n\n", cut(&report)));
}

/// The ids that the preset staging-5cte configures, asked of the configuration itself.
fn in_staging_5cte() -> BTreeSet<String> {
    let mut files = common::Files::new();
    files.insert(
        "harness-lint.yml".to_owned(),
        "extends: staging-5cte\n".to_owned(),
    );
    let outcome = common::check_files(&files, RuleFilter::default());
    let rules = outcome.prepared.rules.iter();
    rules.map(|active| active.meta.id.to_string()).collect()
}

#[test]
fn the_table_of_rules_is_the_registry() {
    let staging = in_staging_5cte();
    assert!(!staging.is_empty());
    let mut table = String::from(
        "\n| rule | severity | presets | fix | what it finds |\n|---|---|---|---|---|\n",
    );
    for entry in shipped() {
        let meta = entry.meta();
        let id = &*meta.id;
        let preset = meta.preset.map(|p| p.as_str());
        let staging = staging.contains(id).then_some("staging-5cte");
        let presets: Vec<&str> = preset.into_iter().chain(staging).collect();
        table += &format!(
            "| [{id}](rules/{id}/README.md) | {} | {} | {} | {} |\n",
            meta.severity.as_str(),
            presets.join(", "),
            meta.fix.as_str(),
            meta.summary().replace('|', "\\|"),
        );
    }
    assert_derived("rules", &format!("{table}\n"));
}

/// What a newcomer types first is what CI runs.
#[test]
fn ci_runs_the_commands_of_the_readme() {
    for command in [MAIN_COMMAND, "cargo test", "cargo install --path ."] {
        for path in ["README.md", ".ci/run"] {
            let lines = read(path);
            let runs = |line: &str| {
                let line = line.trim();
                line == command || line.starts_with(&format!("{command} "))
            };
            assert!(lines.lines().any(runs), "{path} does not run `{command}`");
        }
    }
}

/// The exit codes of the README's table are those of `--help`.
#[test]
fn exit_codes_are_all_told() {
    let help = Command::new(env!("CARGO_BIN_EXE_harness-lint"))
        .arg("--help")
        .output()
        .unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let (_, codes) = help.split_once("Exit codes:").unwrap();
    let digit = |l: &&str| l.starts_with(|c: char| c.is_ascii_digit());
    let in_help: Vec<char> = codes
        .lines()
        .map(str::trim)
        .filter(digit)
        .filter_map(|l| l.chars().next())
        .collect();
    let readme = read("README.md");
    let rows = readme.lines().filter_map(|l| l.strip_prefix("| "));
    let in_readme: Vec<char> = rows
        .filter(digit)
        .filter_map(|l| l.chars().next())
        .collect();
    assert_eq!(in_readme, in_help);
}

fn pages() -> Vec<PathBuf> {
    let mut all = vec![
        top().join("README.md"),
        top().join("CHANGELOG.md"),
        top().join("fixtures/shop/README.md"),
        top().join("fixtures/clean/README.md"),
        top().join("fixtures/broken/README.md"),
    ];
    let docs = fs::read_dir(top().join("docs")).unwrap().flatten();
    all.extend(docs.map(|e| e.path()).filter(|p| p.is_file()));
    all.sort();
    all
}

#[test]
fn links_lead_somewhere() {
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for event in Parser::new(&text) {
            let Event::Start(Tag::Link { dest_url, .. }) = event else {
                continue;
            };
            let path = dest_url.split('#').next().unwrap();
            if path.is_empty() || path.contains("://") {
                continue;
            }
            let full = page.parent().unwrap().join(path);
            assert!(full.exists(), "{}: {dest_url}", page.display());
        }
    }
}

/// A path in backticks that begins with one of our folders is a file or folder that exists.
#[test]
fn paths_that_are_named_exist() {
    let ours = ["src/", "tests/", "rules/", "benches/", "fixtures/", ".ci/"];
    let mut seen = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for event in Parser::new(&text) {
            let Event::Code(code) = event else { continue };
            let is_path =
                ours.iter().any(|o| code.starts_with(o)) && !code.contains(['<', '*', ' ']);
            if is_path {
                seen += 1;
                assert!(top().join(&*code).exists(), "{}: `{code}`", page.display());
            }
        }
    }
    assert!(seen > 20, "only {seen} paths were looked at");
}

/// Sections of docs/configuration.md below `## Keys`, by the key in their heading.
fn documented() -> BTreeMap<String, String> {
    let page = read("docs/configuration.md");
    let keys = page
        .split("\n## ")
        .find(|s| s.starts_with("Keys\n"))
        .unwrap();
    let sections = keys.split("\n### `").skip(1);
    sections
        .map(|s| {
            let (key, text) = s.split_once('`').unwrap();
            (key.to_owned(), text.to_owned())
        })
        .collect()
}

/// The keys of a schema and of what it refers to.
fn keys_below(schema: &Value, root: &Value, out: &mut BTreeSet<String>) {
    match schema {
        Value::Object(map) => {
            if let Some(name) = map.get("$ref").and_then(Value::as_str) {
                // Rules have pages of their own.
                if name.ends_with("/Rules") || name.contains("/rules/") {
                    return;
                }
                let pointer = name.trim_start_matches('#');
                keys_below(root.pointer(pointer).unwrap(), root, out);
            }
            if let Some(Value::Object(properties)) = map.get("properties") {
                out.extend(properties.keys().cloned());
            }
            map.values().for_each(|v| keys_below(v, root, out));
        }
        Value::Array(items) => items.iter().for_each(|v| keys_below(v, root, out)),
        _ => {}
    }
}

#[test]
fn every_key_of_the_configuration_is_documented_and_no_other() {
    let schema = config_schema();
    let documented = documented();
    let properties = schema["properties"].as_object().unwrap();
    let keys: Vec<&String> = properties.keys().collect();
    let mut in_schema: Vec<&String> = keys.clone();
    in_schema.sort();
    assert_eq!(documented.keys().collect::<Vec<_>>(), in_schema);
    for key in keys.iter().filter(|k| k.as_str() != "rules") {
        let mut below = BTreeSet::new();
        keys_below(&properties[key.as_str()], &schema, &mut below);
        let section = &documented[key.as_str()];
        for name in &below {
            let item = format!("- `{name}`: ");
            assert!(section.contains(&item), "`{key}` says nothing of `{name}`");
        }
        let items = section.lines().filter_map(|l| l.strip_prefix("- `"));
        for item in items {
            let name = item.split('`').next().unwrap();
            assert!(below.contains(name), "`{key}` has no key `{name}`");
        }
        assert!(section.contains("```yaml"), "`{key}` has no example");
        let defaults = below.is_empty() || !section.contains("- `");
        assert!(
            !defaults || section.contains("Default: "),
            "`{key}`: what is the default?"
        );
    }
}

/// The YAML blocks of a page: the words behind `yaml`, and the text.
fn yaml_blocks(page: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut open: Option<(String, String)> = None;
    for event in Parser::new(page) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                if let Some(path) = info.strip_prefix("yaml") {
                    open = Some((path.trim().to_owned(), String::new()));
                }
            }
            Event::Text(text) => {
                if let Some((_, block)) = &mut open {
                    block.push_str(&text);
                }
            }
            Event::End(TagEnd::CodeBlock) => out.extend(open.take()),
            _ => {}
        }
    }
    out
}

/// Every configuration that a page shows is accepted. Where it names layers that it does not show,
/// they are added.
#[test]
fn examples_of_configuration_are_accepted() {
    let mut files = common::Files::new();
    let shown = yaml_blocks(&read("docs/configuration.md"));
    let (named, plain): (Vec<_>, Vec<_>) =
        shown.into_iter().partition(|(path, _)| !path.is_empty());
    files.extend(named);
    let own = "anti-patterns/float-money.yaml";
    assert_eq!(
        files[own],
        read(&format!("fixtures/shop/{own}")),
        "the same as in the shop"
    );
    let readme = yaml_blocks(&read("README.md"));
    let configs = readme
        .into_iter()
        .filter(|(_, text)| text.contains("extends:"));
    let mut seen = 0;
    for (_, text) in plain.into_iter().chain(configs) {
        let mut files = files.clone();
        files.insert("harness-lint.yml".to_owned(), text);
        // Panics with the error if it is refused.
        common::check_files(&files, RuleFilter::default());
        seen += 1;
    }
    assert!(seen > 10, "only {seen} examples were looked at");
}

#[test]
fn nothing_is_named_that_is_ours_alone() {
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for word in ["/work/", "/tmp/", "/home/", "/root/"] {
            // `models/staging/tmp/` is a path of a repository.
            let absolute = |(at, _): (usize, &str)| {
                !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_')
            };
            let named = text.match_indices(word).any(absolute);
            assert!(!named, "{}: {word}", page.display());
        }
    }
}
