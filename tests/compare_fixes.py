#!/usr/bin/env python3
"""Shows with a database that safe fixes change no data.

    pip install "dbt-core==1.10.*" dbt-duckdb
    cargo build --release
    python3 tests/compare_fixes.py --dbt PATH/TO/dbt CLONES OUT PROJECT ...

Each PROJECT (a path below CLONES) is copied into OUT and built by dbt on DuckDB, as
tests/compare_duckdb.py does it. Then `harness-lint check --fix` mends it, with every rule that has a
fix, it is built again, and every relation is compared: its columns in order, and its rows as often
as they occur. Prints a table; exit code 1 where anything differs, or a build that succeeded fails.
"""
import argparse
import json
import pathlib
import shutil
import subprocess
import sys

import duckdb
from compare_duckdb import ROWS, build
from compile_corpora import lay_packages

RELATIONS = """select table_schema, table_name from information_schema.tables order by all"""
COLUMNS = """select column_name, data_type from information_schema.columns
             where table_schema = ? and table_name = ? order by ordinal_position"""


def contents(database):
    """Columns and rows of every relation."""
    found = {}
    with duckdb.connect(str(database), read_only=True) as db:
        for place in db.execute(RELATIONS).fetchall():
            columns = db.execute(COLUMNS, place).fetchall()
            rows = db.execute('select * from "%s"."%s"' % place).fetchall()
            found[place] = (columns, sorted(map(repr, rows)))
    return found


def mend(binary, project, rules):
    """What the fixes did."""
    asked = [flag for rule in rules for flag in ("--rule", rule)]
    command = [binary, "check", "--fix", "--format", "json", "--manifest", "off", *asked]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    if done.returncode > 1:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def main():
    options = argparse.ArgumentParser(description=__doc__,
                                      formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--dbt", default="dbt")
    options.add_argument("--binary", default="target/release/harness-lint")
    options.add_argument("clones", type=pathlib.Path)
    options.add_argument("out", type=pathlib.Path)
    options.add_argument("projects", nargs="+")
    asked = options.parse_args()
    binary = str(pathlib.Path(asked.binary).resolve())
    listed = subprocess.run([binary, "rules", "--format", "json"], capture_output=True, text=True)
    rules = [r["id"] for r in json.loads(listed.stdout)["rules"] if r["fix"] != "none"]
    rows, differ = [], False
    for name in asked.projects:
        copy = asked.out / name
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(asked.clones / name, copy, symlinks=True)
        lay_packages(asked.clones, copy)
        for seed, text in ROWS.items():
            for place in copy.glob("seeds/*-data"):
                if not (place / f"{seed}.csv").exists():
                    (place / f"{seed}.csv").write_text(text)
        before = contents(build(asked.dbt, copy))
        report = mend(binary, copy, rules)
        after = contents(build(asked.dbt, copy))
        wrong = sorted(r for r in before if before[r] != after.get(r))
        for relation in wrong:
            print(f"{name}: {'.'.join(relation)} differs")
        differ |= bool(wrong) or not before
        rows.append((name, len(before), sum(len(r) for _, r in before.values()),
                     len(report["fixed"]), len(report["written"]), len(wrong)))
    print("| project | relations | rows | fixed | files | relations that differ |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        print("| " + " | ".join(map(str, row)) + " |")
    return int(differ)


if __name__ == "__main__":
    sys.exit(main())
