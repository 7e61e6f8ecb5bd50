#!/usr/bin/env python3
"""Compares our findings with the tables of dbt-project-evaluator, on fixtures/evaluator.

    compare_evaluator.py --harness-lint BINARY --evaluator FOLDER --dbt-utils FOLDER [--dbt DBT]

Needs dbt-core with dbt-duckdb, whose Python runs this script, and the folders of the two packages
from their repositories. Nothing is downloaded. Exits 1 where a table and our findings differ in a
row that `BY_DESIGN` does not explain.
"""

import argparse
import collections
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import duckdb

# Our rule, its table, and what makes a row of it. The flagged node alone, or (child, parent).
TABLES = {
    "graph/chained-views": ("fct_chained_views_dependencies", "distinct child"),
    "graph/duplicate-source": ("fct_duplicate_sources", "split_part(source_names, ', ', 1)"),
    "graph/exposure-on-private": (
        "fct_exposures_dependent_on_private_models",
        "exposure_name, parent_resource_name",
    ),
    "graph/exposure-parent-materialization": (
        "fct_exposure_parents_materializations",
        "exposure_name, parent_resource_name",
    ),
    "graph/model-fanout": ("fct_model_fanout", "parent"),
    "graph/multiple-sources-joined": ("fct_multiple_sources_joined", "child"),
    "graph/public-without-contract": ("fct_public_models_without_contract", "resource_name"),
    "graph/rejoined-upstream": (
        "fct_rejoining_of_upstream_concepts",
        "child, parent, parent_and_child",
    ),
    "graph/root-model": ("fct_root_models", "child"),
    "graph/source-direct-join": ("fct_direct_join_to_source", "child, parent"),
    "graph/source-fanout": ("fct_source_fanout", "parent"),
    "graph/source-outside-staging": (
        "fct_marts_or_intermediate_dependent_on_source",
        "child, parent",
    ),
    "graph/staging-on-downstream": (
        "fct_staging_dependent_on_marts_or_intermediate",
        "child, parent",
    ),
    "graph/staging-on-staging": ("fct_staging_dependent_on_staging", "child, parent"),
    "graph/too-many-joins": ("fct_too_many_joins", "resource_name"),
    "graph/unused-source": ("fct_unused_sources", "parent"),
}

# Rows of theirs that we leave out on purpose.
BY_DESIGN = {
    # Seeds are never complained about.
    ("graph/exposure-on-private", ("e1", "sd")),
    ("graph/model-fanout", ("sd",)),
    ("graph/source-direct-join", ("int_src", "sd")),
    # A time spine by its name: dbt takes it for one, without `time_spine:` too.
    ("graph/root-model", ("metricflow_time_spine",)),
}


def build(args, work):
    """Runs the evaluator on a copy of the fixture and gives the connection and the schema."""
    fixture = pathlib.Path(__file__).parent.parent / "fixtures" / "evaluator"
    project = work / "project"
    shutil.copytree(fixture, project)
    packages = work / "packages"
    ignore = shutil.ignore_patterns("integration_tests*", ".git", "packages.yml")
    shutil.copytree(args.evaluator, packages / "evaluator", ignore=ignore)
    shutil.copytree(args.dbt_utils, packages / "dbt_utils", ignore=ignore)
    local = "packages:\n  - local: ../packages/dbt_utils\n  - local: ../packages/evaluator\n"
    (project / "packages.yml").write_text(local)
    base = work / "evaluator.duckdb"
    output = f"{{type: duckdb, path: '{base}', threads: 1}}"
    profile = f"evaluator: {{target: dev, outputs: {{dev: {output}}}}}\n"
    (project / "profiles.yml").write_text(profile)
    env = dict(os.environ, DBT_PROFILES_DIR=str(project))
    select = ["--select", "package:dbt_project_evaluator"]
    for command in (["deps"], ["seed", *select], ["run", *select]):
        done = subprocess.run(
            [args.dbt, "--no-use-colors", *command],
            cwd=project,
            env=env,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            sys.exit(f"dbt {command[0]} failed:\n{done.stdout[-3000:]}")
    connection = duckdb.connect(str(base), read_only=True)
    where = "select table_schema from information_schema.tables where table_name = 'fct_root_models'"
    return connection, connection.execute(where).fetchall()[0][0]


def findings(args, work):
    """Our rows, by rule, in the form of theirs."""
    command = [args.harness_lint, "check", "--format", "json", "--manifest", "off"]
    command += ["--project-dir", str(work / "project"), "--fail-on", "never"]
    for rule in TABLES:
        command += ["--rule", rule]
    done = subprocess.run(command, capture_output=True, text=True)
    rows = collections.defaultdict(list)
    for finding in json.loads(done.stdout)["findings"]:
        rule, node = finding["rule"], finding["node"]["name"]
        wanted = TABLES[rule][1].count(",") + 1 if "split_part" not in TABLES[rule][1] else 1
        named = re.findall(r"`([^`]+)`", finding["message"])
        # A message names the child first, then the parent, then what stands between.
        rows[rule].append((node,) if wanted == 1 else tuple(named[:wanted]))
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--harness-lint", required=True)
    parser.add_argument("--evaluator", required=True)
    parser.add_argument("--dbt-utils", required=True)
    parser.add_argument("--dbt", default=str(pathlib.Path(sys.executable).parent / "dbt"))
    args = parser.parse_args()
    differ = False
    with tempfile.TemporaryDirectory() as tmp:
        work = pathlib.Path(tmp)
        connection, schema = build(args, work)
        ours = findings(args, work)
        print("| rule | their rows | ours | left out by design | differences |")
        print("|---|---|---|---|---|")
        for rule, (table, columns) in TABLES.items():
            query = f"select {columns} from {schema}.{table}"
            theirs = collections.Counter(tuple(r) for r in connection.execute(query).fetchall())
            mine = collections.Counter(ours[rule])
            kept = [r for r in theirs.elements() if (rule, r) not in BY_DESIGN]
            left = sum(theirs.values()) - len(kept)
            kept = collections.Counter(kept)
            said = [f"only theirs: {r}" for r in sorted((kept - mine).elements())]
            said += [f"only ours: {r}" for r in sorted((mine - kept).elements())]
            differ |= bool(said)
            cells = [rule, sum(theirs.values()), sum(mine.values()), left, "; ".join(said) or "none"]
            print("| " + " | ".join(map(str, cells)) + " |")
    sys.exit(1 if differ else 0)


if __name__ == "__main__":
    main()
