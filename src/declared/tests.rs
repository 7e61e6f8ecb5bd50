use super::*;
use crate::syntax::yaml;

const RULE: &str = "id: ap/x\nsummary: S.\nseverity: warn\nforbid: {in: code, regex: 'a+'}\nmessage: m\ncode: c\nscenario: s\nphenomenon: p\nroot_cause: r\nmitigation: do\n";

/// The error of the rule with one part replaced, and the text it points at.
fn refused(part: &str, by: &str) -> (String, String) {
    let text = RULE.replace(part, by);
    assert_ne!(text, RULE, "{part}");
    let file = yaml::parse(FileId(0), &text);
    let error = read(&file, None).expect_err(by);
    let at = error.span.map(|s| text[s.range()].to_owned());
    (error.message, at.unwrap_or_default())
}

#[test]
fn a_rule_reads_and_its_page_holds_its_facts() {
    let declared = read(&yaml::parse(FileId(0), RULE), None).unwrap();
    assert_eq!(declared.meta.id, "ap/x");
    assert_eq!(declared.meta.summary(), "S.");
    assert_eq!(declared.meta.advice(), "do");
}

#[test]
fn what_is_wrong_is_refused_at_its_place() {
    let at = |part: &str, by: &str, message: &str, place: &str| {
        let (said, text) = refused(part, by);
        assert!(said.contains(message), "{by}: {said}");
        assert_eq!(text.trim(), place, "{by}");
    };
    at("code: c", "kode: c", "unknown key `kode`", "kode");
    at("id: ap/x", "id: ap/X", "ap/kebab-case", "ap/X");
    at("id: ap/x", "id: sql/x", "ap/kebab-case", "sql/x");
    at("in: code", "in: wher", "is no scope", "wher");
    at("in: code", "in: cte()", "is no scope", "cte()");
    at("'a+'", "'a('", "unclosed group", "'a('");
    at("'a+'", "'a*'", "match everywhere", "'a*'");
    at("severity: warn", "severity: fatal", "fatal", "fatal");
    at("root_cause: r", "root_cause: ''", "as `root_cause`", "''");
    at(
        "mitigation: do\n",
        "",
        "mitigation",
        RULE.replace("mitigation: do\n", "").trim(),
    );
    at("message: m", "message: [", "", ":");
}

#[test]
fn an_empty_file_is_refused() {
    let error = read(&yaml::parse(FileId(0), "# nothing\n"), None).unwrap_err();
    assert!(error.span.is_some());
}
