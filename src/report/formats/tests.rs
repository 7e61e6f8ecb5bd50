//! The formats on reports made by hand, with text of a repository that wants to be more than text.

use super::*;
use crate::report::tests::{finding, report, safe};
use crate::report::{EditReport, Range};
use pulldown_cmark::{Event, Options, Parser};
use quick_xml::Reader;
use quick_xml::events::Event as Xml;
use serde_json::Value;

const HOSTILE: [&str; 5] = [
    "x\n::error::forged\r\n::stop-commands::t",
    "##[error]forged ##vso[task.setvariable]x 100%0A::warning::y",
    "`@admin | <script>alert(1)</script> \\| [x](https://evil.example) ![y](z)",
    "@admin fixes #12 GH-7 https://evil.example www.evil.example a@evil.example \u{1b}[31m\u{202e}",
    "]]> --> <!-- \u{0}\u{b}\u{fffe}\u{ffff} & \"quoted\" 'too' {0} {{ x }}",
];

fn view<'a>(report: &'a Report, aside: &'a Aside) -> View<'a> {
    View {
        prefix: "data/dbt".to_owned(),
        ..View::nothing(report, aside)
    }
}

/// A report with every hostile text as message, path, help and rule.
fn hostile() -> Report {
    let all = HOSTILE.iter().enumerate().map(|(i, text)| {
        let mut f = finding(&format!("models/{text}.sql"), (3, 1), "sql/x", text);
        f.fingerprint = format!("{i:016x}");
        f.help = (*text).to_owned();
        f.severity = Severity::Error;
        f
    });
    report(all.collect())
}

#[test]
fn paths_count_from_the_work_tree() {
    let (report, aside) = (report(Vec::new()), Aside::default());
    let view = view(&report, &aside);
    assert_eq!(view.place("models/a.sql"), "data/dbt/models/a.sql");
    assert_eq!(view.place("../AGENTS.md"), "data/AGENTS.md");
    assert_eq!(view.place("../../AGENTS.md"), "AGENTS.md");
    assert_eq!(view.place("../../../x"), "../x");
    let at_root = View::nothing(&report, &aside);
    assert_eq!(at_root.place("models/a.sql"), "models/a.sql");
}

type Pairs = Vec<(String, String)>;

/// A line as the runner of GitHub Actions reads it: the command, its properties, its message.
fn command(line: &str) -> Option<(String, Pairs, String)> {
    let unescaped = |s: &str| {
        let s = s.replace("%0D", "\r").replace("%0A", "\n");
        let s = s.replace("%3A", ":").replace("%2C", ",");
        s.replace("%25", "%")
    };
    let (head, message) = line.trim_start().strip_prefix("::")?.split_once("::")?;
    let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
    let properties = properties.split(',').filter_map(|p| p.split_once('='));
    let properties = properties.map(|(k, v)| (k.to_owned(), unescaped(v)));
    Some((name.to_owned(), properties.collect(), unescaped(message)))
}

#[test]
fn github_gets_one_command_per_finding_and_none_from_the_repository() {
    let report = hostile();
    let text = github(&view(&report, &Aside::default()));
    assert!(!text.contains("##["), "{text}");
    assert!(!text.contains(['\u{1b}', '\r', '\u{202e}']));
    let commands: Vec<_> = text.lines().filter_map(command).collect();
    assert_eq!(commands.len(), HOSTILE.len());
    for (name, properties, message) in &commands {
        assert_eq!(name, "error");
        let keys: Vec<&str> = properties.iter().map(|(k, _)| k.as_str()).collect();
        assert_eq!(
            keys,
            ["file", "line", "endLine", "col", "endColumn", "title"]
        );
        assert!(properties[0].1.starts_with("data/dbt/models/"));
        assert!(message.contains("\nfix: "));
    }
    // Escaping loses nothing that can be shown.
    let (_, properties, message) = &commands[0];
    assert_eq!(
        properties[0].1,
        "data/dbt/models/x\n::error::forged\r\n::stop-commands::t.sql"
    );
    assert!(message.starts_with(HOSTILE[0]));
}

#[test]
fn github_drops_columns_over_several_lines() {
    let mut all = vec![finding("a.sql", (2, 3), "sql/x", "m"); 3];
    all[0].range.end_col = 9;
    (all[1].range.end_line, all[1].range.end_col) = (4, 2);
    (all[2].range.end_line, all[2].range.end_col) = (3, 1);
    all[2].severity = Severity::Info;
    let report = report(all);
    let text = github(&view(&report, &Aside::default()));
    let lines: Vec<&str> = text.lines().take(3).collect();
    assert_eq!(
        lines,
        [
            "::warning file=data/dbt/a.sql,line=2,endLine=2,col=3,endColumn=9,title=sql/x::m%0Afix: do something",
            "::warning file=data/dbt/a.sql,line=2,endLine=4,title=sql/x::m%0Afix: do something",
            "::notice file=data/dbt/a.sql,line=2,endLine=2,title=sql/x::m%0Afix: do something",
        ]
    );
}

#[test]
fn gitlab_has_no_fingerprint_twice() {
    let mut all = vec![finding("../a.sql", (2, 3), "sql/x", "m"); 3];
    all[1].severity = Severity::Error;
    all[2].severity = Severity::Info;
    let report = report(all);
    let json: Value = serde_json::from_str(&gitlab(&view(&report, &Aside::default()))).unwrap();
    let of = |key: &str| -> Vec<&str> {
        let all = json.as_array().unwrap().iter();
        all.map(|v| v[key].as_str().unwrap()).collect()
    };
    assert_eq!(
        of("fingerprint"),
        [
            "77be0d1200000000",
            "77be0d1200000000-2",
            "77be0d1200000000-3"
        ]
    );
    assert_eq!(of("severity"), ["minor", "critical", "info"]);
    assert_eq!(json[0]["location"]["path"], "data/a.sql");
    assert_eq!(json[0]["location"]["lines"]["begin"], 2);
}

/// Elements by name, in order, with their attributes; the text must be XML 1.0.
fn elements(xml: &str) -> Vec<(String, Pairs)> {
    let forbidden =
        |c: char| c < ' ' && !"\t\r\n".contains(c) || matches!(c, '\u{fffe}'..='\u{ffff}');
    assert!(!xml.contains(forbidden));
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_end_names = true;
    let mut found = Vec::new();
    loop {
        match reader.read_event().unwrap() {
            Xml::Start(e) | Xml::Empty(e) => {
                let name = e.name().as_ref().to_owned();
                let attributes = e.attributes().map(|a| {
                    let a = a.unwrap();
                    let key = a.key.as_ref().to_owned();
                    (
                        key,
                        a.normalized_value(quick_xml::XmlVersion::Implicit1_0)
                            .unwrap()
                            .into_owned(),
                    )
                });
                found.push((name, attributes.collect()));
            }
            Xml::Eof => return found,
            _ => {}
        }
    }
}

#[test]
fn junit_holds_any_text_and_counts_right() {
    let mut report = hostile();
    report.findings[0].severity = Severity::Warn;
    report.findings[1].severity = Severity::Info;
    let aside = Aside::default();
    let of = |fail_on: FailOn| {
        let xml = junit(&View {
            fail_on,
            ..view(&report, &aside)
        });
        let all = elements(&xml);
        let count = |name: &str| all.iter().filter(|(n, _)| n == name).count();
        assert_eq!(count("testcase"), HOSTILE.len());
        let root = &all[0].1;
        assert_eq!(root[1], ("tests".to_owned(), HOSTILE.len().to_string()));
        assert_eq!(root[2].1, count("failure").to_string());
        (count("failure"), count("skipped"))
    };
    assert_eq!(of(FailOn::Error), (3, 2));
    assert_eq!(of(FailOn::Warn), (4, 1));
    assert_eq!(of(FailOn::Info), (5, 0));
    assert_eq!(of(FailOn::Never), (0, 5));
}

#[test]
fn junit_has_a_case_for_a_rule_that_found_nothing() {
    let (report, aside) = (report(Vec::new()), Aside::default());
    let shipped = crate::registry::shipped();
    let rules = shipped.iter().take(2).map(|e| RuleInUse {
        meta: e.meta(),
        severity: Severity::Warn,
    });
    let xml = junit(&View {
        rules: rules.collect(),
        ..view(&report, &aside)
    });
    let names: Vec<String> = elements(&xml).into_iter().map(|(n, _)| n).collect();
    assert_eq!(
        names,
        [
            "testsuites",
            "testsuite",
            "testcase",
            "testsuite",
            "testcase"
        ]
    );
}

/// What Markdown makes of a comment: its text, and the HTML that stands in it.
fn rendered(markdown: &str) -> (String, Vec<String>) {
    let (mut text, mut html) = (String::new(), Vec::new());
    for event in Parser::new_ext(markdown, Options::all()) {
        match event {
            Event::Text(t) | Event::Code(t) => text.push_str(&t),
            Event::Html(t) | Event::InlineHtml(t) => html.push(t.trim().to_owned()),
            Event::Start(tag) => {
                use pulldown_cmark::Tag;
                let allowed = matches!(
                    tag,
                    Tag::Paragraph
                        | Tag::Heading { .. }
                        | Tag::Table(_)
                        | Tag::TableHead
                        | Tag::TableRow
                        | Tag::TableCell
                        | Tag::Strong
                        | Tag::List(_)
                        | Tag::Item
                        | Tag::HtmlBlock
                        | Tag::CodeBlock(_)
                );
                assert!(allowed, "{tag:?} in\n{markdown}");
            }
            _ => {}
        }
    }
    (text, html)
}

#[test]
fn markdown_shows_hostile_text_as_letters() {
    let report = hostile();
    let aside = Aside {
        verify: "harness-lint check '```\u{1b}'".to_owned(),
        ..Aside::default()
    };
    let comment = markdown(&view(&report, &aside));
    assert!(comment.starts_with("<!-- harness-lint -->\n"));
    let (text, html) = rendered(&comment);
    for tag in &html {
        let ours = [
            "<!-- harness-lint -->",
            "<code>",
            "</code>",
            "<sub>",
            "</sub>",
            "</sub><br>",
            "<br>",
            "<details><summary>What to do</summary>",
            "</details>",
        ];
        assert!(ours.contains(&tag.as_str()), "{tag}");
    }
    // Mentions and addresses are looked for in what Markdown leaves.
    for link in ["@admin", "#12", "GH-7", "://", "www.", "a@evil"] {
        assert!(!text.contains(link), "{link} in\n{text}");
    }
    assert!(text.contains("<script>alert(1)</script>"), "{text}");
    let rows = comment.lines().filter(|l| l.starts_with("| error |"));
    assert_eq!(rows.count(), HOSTILE.len());
}

#[test]
fn markdown_fits_into_a_comment_whatever_there_is() {
    let wide = "ü`*`|".repeat(70);
    let all = (0..3_000).map(|i| {
        let mut f = finding(&format!("models/{wide}{i}.sql"), (1, 1), "sql/x", &wide);
        f.rule = format!("sql/x{}", i % 300);
        f.help = format!("{wide}{i}");
        f.severity = match i % 3 {
            0 => Severity::Info,
            1 => Severity::Warn,
            _ => Severity::Error,
        };
        f
    });
    let mut report = report(all.collect());
    let skipped = crate::report::Skipped {
        what: "sql".to_owned(),
        path: wide.clone(),
        why: wide.clone(),
        line: None,
    };
    report.skipped = vec![skipped; 5];
    let comment = markdown(&view(&report, &Aside::default()));
    assert!(comment.len() <= 65_536, "{}", comment.len());
    assert!(comment.len() > 40_000, "{}", comment.len());
    let shown = comment.lines().filter(|l| l.starts_with("| error |"));
    let more = format!("and {} more\n", 2_000 - shown.count());
    assert!(comment.contains(&more), "errors come first");
    assert!(!comment.contains("| warn |") && !comment.contains("| info |"));
    assert!(comment.contains("**1000 errors, 1000 warnings, 1000 infos**"));
}

fn read(sarif: &Sarif) -> Value {
    serde_json::from_str(&sarif.text).unwrap()
}

#[test]
fn sarif_keeps_to_its_limits_and_says_so() {
    let mut all = vec![finding("a.sql", (1, 1), "sql/x", "m"); 5];
    for (i, f) in all.iter_mut().enumerate() {
        f.message = format!("m{i}");
    }
    all[0].severity = Severity::Info;
    all[3].severity = Severity::Error;
    let (report, aside) = (report(all), Aside::default());
    let of = |results: usize, bytes: usize| {
        let sarif = sarif(&view(&report, &aside), Limits { results, bytes });
        let json = read(&sarif);
        let results = json["runs"][0]["results"].as_array().unwrap().iter();
        let kept: Vec<String> = results
            .map(|r| r["message"]["text"].as_str().unwrap().to_owned())
            .collect();
        let notices = &json["runs"][0]["invocations"][0]["toolExecutionNotifications"];
        let told = notices.to_string().contains("left out");
        assert_eq!(told, sarif.left_out > 0);
        assert_eq!(kept.len() + sarif.left_out, 5);
        (kept.join(" "), sarif.text.len())
    };
    let (all, size) = of(5, 1_000_000);
    assert_eq!(all, "m0 m1 m2 m3 m4");
    // The mildest go first, of equals the last.
    assert_eq!(of(3, 1_000_000).0, "m1 m2 m3");
    assert_eq!(of(1, 1_000_000).0, "m3");
    let (kept, smaller) = of(5, size - 1);
    assert!(kept.starts_with("m1 m2 m3") || kept == "m3", "{kept}");
    assert!(smaller < size);
    assert_eq!(of(5, 1).0, "");
    for limit in [700, 1_000, 1_500, 2_000] {
        let (kept, bytes) = of(5, limit);
        assert!(kept.is_empty() || bytes <= limit, "{bytes} over {limit}");
    }
}

#[test]
fn sarif_places_and_fixes() {
    let mut f = finding(
        "../models/a b#%ü:1.sql",
        (2, 3),
        "sql/x",
        "see [x](https://e.example)",
    );
    f.range.end_col = 9;
    f.fix = safe("mend [it](1)");
    let range = f.range;
    if let Some(fix) = &mut f.fix {
        fix.edits.push(EditReport {
            path: f.path.clone(),
            sha256: "ab".repeat(32),
            start: 10,
            end: 14,
            text: "new".to_owned(),
            range,
        });
    }
    let (report, aside) = (report(vec![f]), Aside::default());
    let json = read(&sarif(&view(&report, &aside), Limits::default()));
    let run = &json["runs"][0];
    assert_eq!(run["columnKind"], "unicodeCodePoints");
    let result = &run["results"][0];
    let uri = "data/models/a%20b%23%25%C3%BC%3A1.sql";
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], uri);
    assert_eq!(place["region"]["endColumn"], 9);
    assert_eq!(result["message"]["text"], "see [x] (https://e.example)");
    assert_eq!(
        result["partialFingerprints"],
        serde_json::json!({"harnessLint/v1": "77be0d1200000000"})
    );
    let change = &result["fixes"][0]["artifactChanges"][0];
    assert_eq!(change["artifactLocation"]["uri"], uri);
    let region = &change["replacements"][0]["deletedRegion"];
    assert_eq!(
        (&region["byteOffset"], &region["byteLength"]),
        (&10.into(), &4.into())
    );
    assert_eq!(change["replacements"][0]["insertedContent"]["text"], "new");
    assert_eq!(run["artifacts"][0]["hashes"]["sha-256"], "ab".repeat(32));
}

#[test]
fn sarif_marks_no_empty_place() {
    let whole = finding("a.sql", (1, 1), "sql/x", "m");
    let point = finding("a.sql", (2, 5), "sql/x", "m");
    let (report, aside) = (report(vec![whole, point]), Aside::default());
    let json = read(&sarif(&view(&report, &aside), Limits::default()));
    let region = |i: usize| {
        let result = &json["runs"][0]["results"][i];
        result["locations"][0]["physicalLocation"]["region"].clone()
    };
    assert_eq!(region(0), serde_json::json!({"startLine": 1}));
    assert_eq!(
        region(1),
        serde_json::json!({"startLine": 2, "startColumn": 5})
    );
}

#[test]
fn what_a_baseline_holds_is_in_none() {
    let mut held = finding("a.sql", (1, 1), "sql/held", "held");
    held.baselined = true;
    held.severity = Severity::Error;
    let (mut report, aside) = (report(vec![held]), Aside::default());
    report.count();
    assert_eq!(report.statistics, Some(Vec::new()));
    let view = view(&report, &aside);
    let all = [
        github(&view),
        gitlab(&view),
        junit(&view),
        markdown(&view),
        sarif(&view, Limits::default()).text,
        super::text::text(&report, &aside, false),
    ];
    for text in all {
        assert!(!text.contains("held"), "{text}");
    }
}

#[test]
fn statistics_count_by_rule_the_most_first() {
    let mut all = vec![
        finding("a.sql", (1, 1), "sql/b", "m"),
        finding("a.sql", (1, 1), "sql/a", "m"),
        finding("a.sql", (1, 1), "doc/c", "m"),
        finding("a.sql", (1, 1), "doc/c", "m"),
        finding("a.sql", (1, 1), "doc/c", "m"),
    ];
    all[3].fix = safe("x");
    all[4].severity = Severity::Error;
    let mut report = report(all);
    report.count();
    let text = crate::report::text(&report, &Aside::default(), false);
    assert_eq!(
        text,
        "doc/c  warn  2 (1 fixable)\n\
         doc/c  error 1\n\
         sql/a  warn  1\n\
         sql/b  warn  1\n\
         1 error, 4 warnings (1 fixable) · 120 models (119 parsed), snowflake (from requirements.txt), 61 rules\n"
    );
}

#[test]
fn a_range_is_what_json_says() {
    let range = Range {
        line: 1,
        col: 2,
        end_line: 3,
        end_col: 4,
    };
    let edit = EditReport {
        path: String::new(),
        sha256: String::new(),
        start: 0,
        end: 0,
        text: String::new(),
        range,
    };
    let json = serde_json::to_value(edit).unwrap();
    assert!(json.get("range").is_none(), "the contract has bytes alone");
}

#[test]
fn markdown_leaves_names_as_they_are() {
    let message = "`stg_crm__contacts` reads `_x_`, __y__ and a_b: see (it)";
    let report = report(vec![finding("a_b.sql", (1, 1), "sql/x", message)]);
    let comment = markdown(&view(&report, &Aside::default()));
    let cell = "<code>stg_crm__contacts</code> reads <code>&#95;x&#95;</code>, \
                &#95;&#95;y&#95;&#95; and a_b: see (it)";
    assert!(comment.contains(cell), "{comment}");
    let (text, _) = rendered(&comment);
    assert!(text.contains("__y__ and a_b: see (it)"), "{text}");
}
