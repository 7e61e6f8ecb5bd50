#!/usr/bin/env python3
"""Compares the output columns that harness-lint reads with those of a database that dbt built.

    pip install "dbt-core==1.10.*" dbt-duckdb
    cargo build --release --example understood
    python3 tests/compare_duckdb.py --dbt PATH/TO/dbt CLONES OUT PROJECT ...

Each PROJECT (a path below CLONES) is copied into OUT, its packages are laid from the clones as
`tests/compile_corpora.py` does it, and `dbt seed` and `dbt run` build it on DuckDB. Of every model
that was built, names and order of the columns are compared with `information_schema.columns`; case
does not matter. Prints every difference, then a table. Exit code 1 if there is one.
"""
import argparse
import json
import pathlib
import shutil
import subprocess
import sys

import duckdb
from compare_sqlglot import understood
from compile_corpora import environment, lay_packages, profile

# What a project's own documentation says to seed with.
VARS = json.dumps({"load_source_data": True})
# A row for the seeds that are too large for some clones: what the models read of them, invented.
ROWS = {
    "raw_orders": "id,customer,ordered_at,store_id,subtotal,tax_paid,order_total\no,c,2024-01-01T00:00:00,s,1,1,2\n",
    "raw_items": "id,order_id,sku\ni,o,JAF-001\n",
}


def build(dbt, project):
    """Gives the path of the database."""
    database = project / "built.duckdb"
    database.unlink(missing_ok=True)
    profiles = profile(project, "duckdb")
    text = (profiles / "profiles.yml").read_text().replace(":memory:", str(database))
    (profiles / "profiles.yml").write_text(text)
    places = ["--project-dir", str(project), "--profiles-dir", str(profiles), "--no-use-colors"]
    for verb in (["seed", "--vars", VARS], ["run"]):
        run = subprocess.run([dbt, *verb, *places], capture_output=True, text=True, cwd=project,
                             env=environment(project))
        if run.returncode != 0:
            print("\n".join(line for line in run.stdout.splitlines() if "rror" in line)[:2000])
    return database


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--dbt", default="dbt")
    options.add_argument("--binary", default="target/release/examples/understood")
    options.add_argument("clones", type=pathlib.Path)
    options.add_argument("out", type=pathlib.Path)
    options.add_argument("projects", nargs="+")
    asked = options.parse_args()
    rows, differ = [], False
    for name in asked.projects:
        copy = asked.out / name
        shutil.rmtree(copy, ignore_errors=True)
        ignored = shutil.ignore_patterns(".git", "target", "dbt_packages", "logs")
        shutil.copytree(asked.clones / name, copy, ignore=ignored)
        lay_packages(asked.clones, copy)
        for seed, rows_of_seed in ROWS.items():
            for place in copy.glob("seeds/*-data"):
                if not (place / f"{seed}.csv").exists():
                    (place / f"{seed}.csv").write_text(rows_of_seed)
        database = build(asked.dbt, copy)
        manifest = json.loads((copy / "target" / "manifest.json").read_text())
        con = duckdb.connect(str(database), read_only=True)
        models = [m for m in understood(asked.binary, copy) if m["status"] != "declared"]
        built, same, unknown = 0, 0, 0
        for model in models:
            node = manifest["nodes"].get(model["unique_id"])
            if node is None:
                continue
            rows_ = con.execute(
                "select column_name from information_schema.columns "
                "where table_schema = ? and table_name = ? order by ordinal_position",
                [node["schema"], node["alias"]],
            ).fetchall()
            theirs = [r[0].lower() for r in rows_]
            if not theirs:
                continue
            built += 1
            ours = model["columns"] and [c.lower() for c in model["columns"]]
            if ours == theirs:
                same += 1
                continue
            differ = True
            unknown += ours is None
            known = [c and c.lower() for c in model["columns_known"]]
            print(f"{name} {model['path']}\n    ours   {ours if ours else f'unknown; known are {known}'}\n    theirs {theirs}")
        rows.append((name, len(models), built, same, unknown, built - same - unknown))
    print("\n| project | models | built | same columns | unknown to us | different |\n|---|--:|--:|--:|--:|--:|")
    for row in rows:
        print("| " + " | ".join(str(c) for c in row) + " |")
    sys.exit(differ)


if __name__ == "__main__":
    main()
