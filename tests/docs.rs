//! No text names a verb or a flag that this binary lacks: every command in the documentation, in
//! messages and in reports is parsed by the real command line.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use clap::{CommandFactory, Parser};
use harness_lint::cli::Cli;
use harness_lint::registry::shipped;
use harness_lint::{threads, verbs};
use pulldown_cmark::{CodeBlockKind, Event, Parser as Markdown, Tag, TagEnd};
use regex::Regex;
use std::fs;
use std::path::{Path, PathBuf};

/// Does the command line take it? Placeholders such as `<rule>` count as values.
fn refusal(command: &str) -> Option<String> {
    let words = words(command)?;
    match Cli::try_parse_from(&words) {
        Ok(_) => None,
        Err(e) if !e.use_stderr() => None,
        Err(e) => Some(format!(
            "`{command}`: {}",
            e.to_string().lines().next().unwrap()
        )),
    }
}

/// The words of a shell command up to a pipe, a list or a comment; none where a quote stays open.
fn words(command: &str) -> Option<Vec<String>> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for c in command.chars() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (Some(_), c) => words.last_mut().unwrap().push(c),
            (None, '\'' | '"') => quote = Some(c),
            (None, '|' | ';' | '&' | '#' | '>') if words.last().unwrap().is_empty() => break,
            (None, ' ') if !words.last().unwrap().is_empty() => words.push(String::new()),
            (None, ' ') => {}
            (None, c) => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|w| !w.is_empty());
    quote.is_none().then_some(words)
}

/// The commands in a Markdown text: inline code, and lines of code blocks that begin with one.
fn commands_of(markdown: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut in_block = false;
    for event in Markdown::new(markdown) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_) | CodeBlockKind::Indented)) => {
                in_block = true
            }
            Event::End(TagEnd::CodeBlock) => in_block = false,
            Event::Code(code) if code.starts_with("harness-lint ") => found.push(code.to_string()),
            Event::Text(text) if in_block => found.extend(text.lines().filter_map(of_line)),
            _ => {}
        }
    }
    found
}

/// `$ harness-lint …`, `verify: harness-lint …`, `- run: harness-lint …`.
fn of_line(line: &str) -> Option<String> {
    let line = line
        .trim()
        .trim_start_matches("- ")
        .trim_start_matches("$ ");
    let line = ["verify: ", "run: ", "entry: "]
        .iter()
        .fold(line, |l, p| l.strip_prefix(p).unwrap_or(l));
    line.starts_with("harness-lint ").then(|| line.to_owned())
}

fn files(dir: &Path, extension: &str, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).into_iter().flatten() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files(&path, extension, out),
            false if path.extension().is_some_and(|e| e == extension) => out.push(path),
            false => {}
        }
    }
    out.sort();
}

#[test]
fn commands_in_the_documentation_exist() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = vec![top.join("README.md")];
    files(&top.join("docs"), "md", &mut pages);
    files(&top.join("rules"), "md", &mut pages);
    let mut refused = Vec::new();
    for page in pages.iter().filter(|p| p.is_file()) {
        let commands = commands_of(&fs::read_to_string(page).unwrap());
        let refusals = commands.iter().filter_map(|c| refusal(c));
        refused.extend(refusals.map(|r| format!("{}: {r}", page.display())));
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

/// Messages, helps and the help texts of the command line name commands in backticks.
#[test]
fn commands_in_messages_exist() {
    let mut sources = Vec::new();
    files(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        "rs",
        &mut sources,
    );
    let command = Regex::new("`(harness-lint [^`{]+)`").unwrap();
    let mut refused = Vec::new();
    for path in sources {
        let text = fs::read_to_string(&path).unwrap();
        let is_cli = path.ends_with("src/cli.rs");
        // A comment may speak of what is to come; in cli.rs comments are the help.
        let shown = |l: &&str| is_cli || !l.trim_start().starts_with("//");
        for line in text.lines().filter(shown) {
            let refusals = command.captures_iter(line).filter_map(|c| refusal(&c[1]));
            refused.extend(refusals.map(|r| format!("{}: {r}", path.display())));
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

#[test]
fn commands_in_help_exist() {
    let mut command = Cli::command();
    command.build();
    let mut texts = vec![command.render_long_help().to_string()];
    for verb in command.get_subcommands_mut() {
        texts.push(verb.render_long_help().to_string());
    }
    let inline = Regex::new("`(harness-lint [^`]+)`").unwrap();
    let all: Vec<String> = texts
        .iter()
        .flat_map(|t| {
            inline
                .captures_iter(t)
                .map(|c| c[1].to_owned())
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(!all.is_empty());
    let refused: Vec<String> = all.iter().filter_map(|c| refusal(c)).collect();
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

/// Every rule's Bad is checked as a person would; the commands that the report prints are taken.
#[test]
fn commands_in_reports_exist() {
    let inline = Regex::new("`(harness-lint [^`]+)`").unwrap();
    for entry in shipped() {
        let id = entry.meta().id.clone();
        let dir = tempfile::tempdir().unwrap();
        common::write(dir.path(), &common::example(entry, "Bad").unwrap());
        for format in ["text", "json", "github", "md"] {
            let args = ["harness-lint", "--rule", &id, "--format", format];
            let cli = Cli::try_parse_from(args).unwrap();
            let printed = threads::on_pool(2, || verbs::run(&cli, dir.path(), false));
            let text = printed.unwrap_or_else(|e| panic!("{id}: {e}")).text;
            let commands = match format {
                "text" | "github" | "md" => text.lines().filter_map(of_line).collect(),
                _ => in_json(&serde_json::from_str(&text).unwrap()),
            };
            assert!(
                !commands.is_empty(),
                "{id}: {format} says how to check again"
            );
            let inline = inline.captures_iter(&text).map(|c| c[1].to_owned());
            let refused: Vec<String> = commands
                .into_iter()
                .chain(inline)
                .filter_map(|c| refusal(&c))
                .collect();
            assert!(refused.is_empty(), "{id}: {}", refused.join("\n"));
        }
    }
}

fn in_json(report: &serde_json::Value) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap().iter();
    let commands = findings.flat_map(|f| [&f["verify"], &f["docs"]]);
    commands.map(|c| c.as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_test_can_fail() {
    assert!(refusal("harness-lint check --no-such-flag").is_some());
    assert!(refusal("harness-lint explain <rule>").is_none());
    assert!(refusal("harness-lint check models | head").is_none());
    let page = "Say `harness-lint nope --x` or\n\n```sh\n$ harness-lint check\nverify: harness-lint check a\n```\n";
    assert_eq!(commands_of(page).len(), 3);
}
