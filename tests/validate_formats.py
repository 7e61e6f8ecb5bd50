#!/usr/bin/env python3
"""Are the documents of `check --format …` what their readers expect?

Judged by schemas and readers that others wrote:

- SARIF: the schema of SARIF 2.1.0, and Microsoft's validator with the rules of GitHub's code
  scanning;
- GitLab: the type of a violation in `typos-gitlab-code-quality`, which was written from GitLab's
  documentation (GitLab publishes no schema);
- JUnit: Jenkins' XSD;
- Markdown: GitHub's own parser, cmark-gfm.

It installs nothing: `tests/ecosystem/formats.sh` brings what is needed and calls it.

    validate_formats.py --sarif-schema FILE --sarif-multitool FILE --junit-xsd FILE DOCUMENT…

A document's format is told by the end of its name: .sarif, .gitlab.json, .junit.xml, .md. Exits
with 1 where one is invalid, with 2 where none was given or one cannot be judged.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import cmarkgfm
import jsonschema
import msgspec
from cmarkgfm.cmark import Options
from lxml import etree
from typos_gitlab_code_quality import GitlabIssue


def sarif(path, args):
    document = json.loads(path.read_text("utf-8"))
    schema = json.loads(Path(args.sarif_schema).read_text("utf-8-sig"))
    validator = jsonschema.validators.validator_for(schema)(schema)
    for error in validator.iter_errors(document):
        yield f"{error.json_path}: {error.message}"
    yield from multitool(path, args.sarif_multitool)
    if len(document["runs"]) != 1:
        yield "one run is expected"
    for run in document["runs"]:
        rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
        for result in run["results"]:
            if rules[result["ruleIndex"]] != result["ruleId"]:
                yield f"{result['ruleId']} is not the rule of its index"


def multitool(path, program):
    """Errors and warnings of Microsoft's validator; its notes are matters of taste."""
    with tempfile.TemporaryDirectory() as scratch:
        log = Path(scratch) / "log.sarif"
        command = [program, "validate", str(path), "--rule-kind", "Sarif;Ghas"]
        command += ["--level", "Error;Warning", "--kind", "Fail", "--output", str(log)]
        # Without the libraries of ICU it would not start.
        env = dict(os.environ, DOTNET_SYSTEM_GLOBALIZATION_INVARIANT="1")
        done = subprocess.run(command, env=env, capture_output=True, text=True)
        if not log.is_file():
            raise RuntimeError(f"the validator gave no answer: {done.stdout}{done.stderr}")
        found = json.loads(log.read_text("utf-8-sig"))["runs"][0].get("results", [])
    for result in found:
        # The project has no page in the web yet that `informationUri` could name.
        if result["ruleId"] != "SARIF2005":
            message = result["message"]
            yield f"{result['ruleId']}: {message.get('text') or message.get('arguments')}"


def gitlab(path, _args):
    document = json.loads(path.read_text("utf-8"))
    try:
        issues = msgspec.convert(document, list[GitlabIssue])
    except msgspec.ValidationError as error:
        yield str(error)
        return
    fingerprints = [issue["fingerprint"] for issue in issues]
    if len(set(fingerprints)) != len(fingerprints):
        yield "a fingerprint stands twice"
    for issue in issues:
        if issue["location"]["path"].startswith(("/", "./")):
            yield f"{issue['location']['path']} is not relative to the repository"


def junit(path, args):
    schema = etree.XMLSchema(etree.parse(args.junit_xsd))
    try:
        document = etree.parse(str(path))
    except etree.XMLSyntaxError as error:
        yield str(error)
        return
    if not schema.validate(document):
        yield from (str(error) for error in schema.error_log)
    for suite in document.iter("testsuite"):
        cases = len(suite.findall("testcase"))
        failures = len(suite.findall("testcase/failure"))
        if (suite.get("tests"), suite.get("failures")) != (str(cases), str(failures)):
            yield f"{suite.get('name')} is counted wrong"


def markdown(path, _args):
    text = path.read_text("utf-8")
    if not text.startswith("<!-- harness-lint -->\n"):
        yield "a bot finds the comment by its first line"
    if len(text) > 65_536:
        yield f"{len(text)} characters are too many"
    html = cmarkgfm.github_flavored_markdown_to_html(text, options=Options.CMARK_OPT_UNSAFE)
    allowed = "code|pre|table|thead|tbody|tr|th|td|ul|li|p|br|h3|strong|sub|details|summary"
    for tag in re.findall(r"<(?!!--)[^>]*>", html):
        if not re.fullmatch(rf'</?({allowed})( /| lang="sh")?>', tag):
            yield f"{tag} is not ours"
    rows = sum(line.startswith(("| error |", "| warn |")) for line in text.splitlines())
    if html.count("<tr>") != (rows + 1 if rows else 0):
        yield "a row of the table is broken"
    if html.count("<td>") != 4 * rows:
        yield "a cell of the table is broken"


READERS = {".sarif": sarif, ".gitlab.json": gitlab, ".junit.xml": junit, ".md": markdown}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sarif-schema", required=True)
    parser.add_argument("--sarif-multitool", required=True)
    parser.add_argument("--junit-xsd", required=True)
    parser.add_argument("documents", nargs="+", type=Path)
    args = parser.parse_args()
    invalid = 0
    for path in args.documents:
        reader = next((r for end, r in READERS.items() if path.name.endswith(end)), None)
        if reader is None:
            parser.error(f"the format of {path} is not known")
        problems = list(reader(path, args))
        invalid += bool(problems)
        print(f"{'invalid' if problems else 'valid  '} {path.name}")
        for problem in problems[:20]:
            print(f"    {problem}")
    return 1 if invalid else 0


if __name__ == "__main__":
    sys.exit(main())
