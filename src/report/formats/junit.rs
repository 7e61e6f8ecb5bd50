//! JUnit XML, for whatever shows test results.
//!
//! A rule is a suite, a finding a case of it. A rule that found nothing is one case that passed: a
//! clean run has tests (Jenkins fails a run that has none), and the list of suites says what was
//! looked for. A case is named by path and fingerprint, never by line, so that a viewer which
//! compares two runs by name knows a finding again.

use super::{View, xml};
use crate::config::FailOn;
use crate::report::FindingReport;
use crate::text::visible;
use crate::violation::Severity;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use std::collections::BTreeMap;
use std::io;

/// The suites of all rules that ran.
pub fn junit(view: &View) -> String {
    let mut suites: BTreeMap<&str, Vec<&FindingReport>> = BTreeMap::new();
    for rule in &view.rules {
        suites.entry(&rule.meta.id).or_default();
    }
    for f in view.findings() {
        suites.entry(&f.rule).or_default().push(f);
    }
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    // Writing to memory does not fail.
    let _ = document(&mut writer, view, &suites);
    let mut text = String::from_utf8(writer.into_inner()).unwrap_or_default();
    text.push('\n');
    text
}

type Xml = Writer<Vec<u8>>;

fn document(
    xml: &mut Xml,
    view: &View,
    suites: &BTreeMap<&str, Vec<&FindingReport>>,
) -> io::Result<()> {
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let all = suites.values().flatten().copied();
    let failures = all.filter(|f| fails(f, view.fail_on)).count();
    let tests: usize = suites.values().map(|s| s.len().max(1)).sum();
    let root = element(
        "testsuites",
        &[
            ("name", "harness-lint"),
            ("tests", &tests.to_string()),
            ("failures", &failures.to_string()),
            ("errors", "0"),
        ],
    );
    xml.write_event(Event::Start(root))?;
    for (rule, findings) in suites {
        suite(xml, view, rule, findings)?;
    }
    xml.write_event(Event::End(BytesEnd::new("testsuites")))
}

fn suite(xml: &mut Xml, view: &View, rule: &str, findings: &[&FindingReport]) -> io::Result<()> {
    let failures = findings.iter().filter(|f| fails(f, view.fail_on)).count();
    let suite = element(
        "testsuite",
        &[
            ("name", rule),
            ("tests", &findings.len().max(1).to_string()),
            ("failures", &failures.to_string()),
            ("errors", "0"),
            ("skipped", &(findings.len() - failures).to_string()),
        ],
    );
    xml.write_event(Event::Start(suite))?;
    if findings.is_empty() {
        let passed = element("testcase", &[("classname", rule), ("name", rule)]);
        xml.write_event(Event::Empty(passed))?;
    }
    for f in findings {
        case(xml, view, f)?;
    }
    xml.write_event(Event::End(BytesEnd::new("testsuite")))
}

/// A finding below the threshold is a case that was skipped: it is shown, and fails nothing, as it
/// does not fail the run.
fn case(xml: &mut Xml, view: &View, f: &FindingReport) -> io::Result<()> {
    let path = visible(&view.place(&f.path)).into_owned();
    let name = format!("{path} [{}]", f.fingerprint);
    let case = element("testcase", &[("classname", &f.rule), ("name", &name)]);
    xml.write_event(Event::Start(case))?;
    let severity = f.severity.as_str();
    let (outcome, message) = match fails(f, view.fail_on) {
        true => ("failure", f.message.clone()),
        false => ("skipped", format!("{severity}: {}", f.message)),
    };
    let place = format!("{path}:{}:{}", f.range.line, f.range.col);
    let mut lines = vec![format!("{place} {severity} {}", f.message)];
    lines.push(format!("fix: {}", f.help));
    lines.push(format!("verify: {}", visible(&f.verify)));
    let text = lines.join("\n");
    let start = element(outcome, &[("type", severity), ("message", &message)]);
    xml.write_event(Event::Start(start))?;
    xml.write_event(Event::Text(BytesText::new(&xml::allowed(&text))))?;
    xml.write_event(Event::End(BytesEnd::new(outcome)))?;
    xml.write_event(Event::End(BytesEnd::new("testcase")))
}

fn element<'a>(name: &'a str, attributes: &[(&str, &str)]) -> BytesStart<'a> {
    let mut element = BytesStart::new(name);
    for (name, value) in attributes {
        element.push_attribute((*name, &*xml::allowed(value)));
    }
    element
}

/// Does the finding count against the run?
fn fails(f: &FindingReport, fail_on: FailOn) -> bool {
    match fail_on {
        FailOn::Error => f.severity == Severity::Error,
        FailOn::Warn => f.severity >= Severity::Warn,
        FailOn::Info => true,
        FailOn::Never => false,
    }
}
