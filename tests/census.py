#!/usr/bin/env python3
"""Draws findings on real repositories to be read by a person, and counts the verdicts.

    census.py draw  --harness-lint BINARY --corpora FOLDER [--preset recommended] [--rule ID ...] > todo.csv
    census.py table                          writes the tables of docs/census.md again
    census.py prune --harness-lint BINARY --corpora FOLDER   drops rows whose finding is gone

FOLDER holds git clones named `owner+repository`. Every dbt project in each of them is checked; of a
rule's findings in one repository all are drawn where there are up to twelve, and a random twelve
(`SEED`) where there are more. `draw` prints those that docs/census.csv has no verdict for.
"""

import argparse
import collections
import csv
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
CENSUS = ROOT / "docs/census.csv"
TABLES = ROOT / "docs/census.md"
COLUMNS = ["rule", "repository", "commit", "path", "line", "verdict", "reason"]
SEED = 20
DRAWN = 12
# Projects that are not the repository's own, or that exist to test a package.
NOT_JUDGED = {"dbt_internal_packages", "dbt_packages", "integration_tests", "target"}


def projects(repository):
    """The dbt projects of a clone, sorted."""
    found = []
    for folder, folders, files in os.walk(repository):
        folders[:] = sorted(set(folders) - NOT_JUDGED - {".git", "node_modules"})
        if "dbt_project.yml" in files:
            found.append(pathlib.Path(folder))
    return found


def findings(binary, preset, repository):
    """What the preset finds in every project of a clone, each once, with paths from the clone's root."""
    seen = {}
    with tempfile.TemporaryDirectory() as scratch:
        config = pathlib.Path(scratch, "harness-lint.yml")
        config.write_text(f"extends: {preset}\n")
        for project in projects(repository):
            out = subprocess.run(
                [binary, "check", "--project-dir", project, "--config", config, "--manifest", "off",
                 "--format", "json", "--fail-on", "never"],
                capture_output=True, text=True, check=False)
            if out.returncode != 0:
                print(f"{project}: exit {out.returncode}: {out.stderr.strip()[:300]}", file=sys.stderr)
                continue
            place = project.relative_to(repository)
            for finding in json.loads(out.stdout)["findings"]:
                finding["path"] = os.path.normpath(place / finding["path"])
                finding["project"] = str(place)
                key = (finding["rule"], finding["path"], finding["range"]["line"], finding["message"])
                seen.setdefault(key, finding)
    return [seen[key] for key in sorted(seen)]


def repositories(folder):
    for clone in sorted(pathlib.Path(folder).iterdir()):
        if (clone / ".git").exists() and "+" in clone.name:
            head = subprocess.run(["git", "-C", clone, "rev-parse", "--short=8", "HEAD"],
                                  capture_output=True, text=True, check=True).stdout.strip()
            yield clone.name.replace("+", "/", 1), head, clone


def row_key(row):
    return (row["rule"], row["repository"], row["commit"], row["path"], str(row["line"]))


def census():
    with open(CENSUS, newline="") as file:
        return list(csv.DictReader(file))


def draw(args):
    known = {row_key(row) for row in census()}
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(COLUMNS[:5] + ["message", "help", "severity", "confidence", "project"])
    for name, commit, clone in repositories(args.corpora):
        by_rule = collections.defaultdict(list)
        for finding in findings(args.harness_lint, args.preset, clone):
            by_rule[finding["rule"]].append(finding)
        for rule in sorted(by_rule):
            if args.rule and rule not in args.rule:
                continue
            hits = by_rule[rule]
            print(f"{name} {rule}: {len(hits)}", file=sys.stderr)
            if len(hits) > DRAWN:
                # A seed of its own for each cell, so that one rule's hits do not move another's.
                hits = random.Random(f"{SEED} {name} {rule}").sample(hits, DRAWN)
            for hit in hits:
                row = {"rule": rule, "repository": name, "commit": commit, "path": hit["path"],
                       "line": hit["range"]["line"]}
                if row_key(row) not in known:
                    out.writerow([*row.values(), hit["message"], hit.get("help"), hit["severity"],
                                  hit["confidence"], hit["project"]])


def prune(args):
    alive = set()
    heads = {}
    for name, commit, clone in repositories(args.corpora):
        heads[name] = commit
        for finding in findings(args.harness_lint, "strict", clone):
            alive.add((finding["rule"], name, commit, finding["path"], str(finding["range"]["line"])))
    rows = census()
    # A row of a repository that is not at hand, or of another commit, cannot be judged here.
    kept = [row for row in rows
            if heads.get(row["repository"]) != row["commit"] or row_key(row) in alive]
    save(kept)
    for row in rows:
        if row not in kept:
            print("gone:", *row_key(row))


def save(rows):
    rows = sorted(rows, key=lambda row: (*row_key(row)[:4], int(row["line"]), row["verdict"]))
    with open(CENSUS, "w", newline="") as file:
        out = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        out.writeheader()
        out.writerows(rows)


def table(_args):
    rows = census()
    save(rows)
    rules = collections.defaultdict(lambda: [0, 0, set()])
    for row in rows:
        cell = rules[row["rule"]]
        cell[row["verdict"] != "true"] += 1
        cell[2].add(row["repository"])
    lines = ["| rule | true | false | repositories |", "|---|--:|--:|--:|"]
    for rule in sorted(rules):
        true, false, names = rules[rule]
        lines.append(f"| {rule} | {true} | {false} | {len(names)} |")
    text = TABLES.read_text()
    block = "<!-- census -->\n\n" + "\n".join(lines) + "\n\n<!-- /census -->"
    text, count = re.subn(r"<!-- census -->.*?<!-- /census -->", lambda _: block, text, flags=re.S)
    if count != 1:
        sys.exit(f"{TABLES}: the marks <!-- census --> and <!-- /census --> do not stand there once")
    TABLES.write_text(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for name in ("draw", "prune"):
        verb = verbs.add_parser(name)
        verb.add_argument("--harness-lint", required=True)
        verb.add_argument("--corpora", required=True)
        if name == "draw":
            verb.add_argument("--preset", default="recommended")
            verb.add_argument("--rule", action="append")
    verbs.add_parser("table")
    args = parser.parse_args()
    {"draw": draw, "prune": prune, "table": table}[args.verb](args)


if __name__ == "__main__":
    main()
