#!/usr/bin/env python3
"""Copies dbt projects out of clones and has dbt compile them without a database.

    pip install "dbt-core==1.10.*" dbt-duckdb dbt-postgres dbt-snowflake dbt-bigquery \\
        dbt-clickhouse dbt-athena-community
    cargo build --release --example understood
    python3 tests/compile_corpora.py --dbt PATH/TO/dbt CLONES OUT [PROJECT ...]

CLONES holds clones named `<owner>+<repository>`; of each project below it (or of those whose path
holds PROJECT) a copy is made in OUT, and `dbt compile --no-introspect --no-populate-cache` run
there with a dummy profile. Packages are laid from the clones, at the tag that is asked for; one
that no clone holds is taken out of packages.yml, and what needs it does not compile. Models that ask
the database, or depend on is_incremental(), themselves or by a macro that they call, are excluded.

`tests/compare_sqlglot.py --compiled OUT` then reads the manifests.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

from compare_sqlglot import projects, understood

PACKAGES = {
    "dbt_utils": "dbt-labs+dbt-utils",
    "dbt_date": "calogica+dbt-date",
    "dbt_expectations": "metaplane+dbt-expectations",
    "elementary": "elementary-data+dbt-data-reliability",
}
# What packages themselves ask for.
THEIRS = {"dbt_expectations": ["dbt_date"], "elementary": ["dbt_utils"]}
# Variables without which a project does not compile.
VARS = {
    "dbt-ga4": {"static_incremental_days": 3, "property_ids": [1], "start_date": "20240101",
                "source_project": "db"},
}
# How often dbt is run, each time without the models at which it stopped.
RUNS = 12
PROFILES = {
    "snowflake": {"account": "a", "user": "u", "password": "p", "role": "r", "warehouse": "w",
                  "database": "db", "schema": "sch"},
    "bigquery": {"method": "oauth-secrets", "token": "t", "project": "db", "dataset": "sch"},
    "postgres": {"host": "localhost", "port": 1, "user": "u", "password": "p", "dbname": "db",
                 "schema": "sch"},
    "clickhouse": {"host": "localhost", "port": 1, "user": "u", "password": "p", "schema": "sch"},
    "athena": {"s3_staging_dir": "s3://b/s/", "s3_data_dir": "s3://b/d/", "region_name": "us-east-1",
               "database": "db", "schema": "sch", "work_group": "w"},
    "duckdb": {"path": ":memory:", "schema": "sch"},
}


def tag_of(clone, version):
    """The tag of a version; the newest where a range or nothing is asked for."""
    tags = subprocess.run(["git", "-C", str(clone), "tag"], capture_output=True, text=True).stdout.split()
    for tag in (version, f"v{version}"):
        if tag in tags:
            return tag
    def number(tag):
        return [int(n) for n in re.findall(r"\d+", tag)]
    plain = [t for t in tags if re.fullmatch(r"v?\d+(\.\d+)+", t)]
    return max(plain, key=number) if plain else "HEAD"


def lay_packages(clones, project):
    """Gives dbt_packages/ and writes packages.yml anew; says what is missing."""
    asked, missing = {}, []
    for name in ("packages.yml", "dependencies.yml"):
        path = project / name
        text = path.read_text() if path.is_file() else ""
        entries = re.findall(r"^\s*-\s*(package|git):\s*\"?([^\s\"]+)\"?((?:\n\s+\w+:.*)*)", text, re.M)
        for kind, written, rest in entries:
            short = re.sub(r"\.git$", "", written.rsplit("/", 1)[-1]).replace("-", "_")
            short = {"dbt_data_reliability": "elementary"}.get(short, short)
            version = re.search(r"(?:version|revision):\s*\"?v?([\d.]+)\"?\s*$", rest, re.M)
            if short in PACKAGES:
                asked[short] = version.group(1) if version else ""
            else:
                missing.append(written)
        if path.is_file():
            path.unlink()
    for name in list(asked):
        for other in THEIRS.get(name, []):
            asked.setdefault(other, "")
    local = []
    for name, version in asked.items():
        clone = clones / PACKAGES[name]
        into = project / "dbt_packages" / name
        into.mkdir(parents=True)
        archive = subprocess.Popen(["git", "-C", str(clone), "archive", tag_of(clone, version)], stdout=subprocess.PIPE)
        subprocess.run(["tar", "-x", "-C", str(into)], stdin=archive.stdout, check=True)
        local.append(f"  - local: dbt_packages/{name}\n")
        for own in ("packages.yml", "dependencies.yml"):
            (into / own).unlink(missing_ok=True)
    if local:
        (project / "packages.yml").write_text("packages:\n" + "".join(local))
    return missing


# What asks the database, or whether the model's table is there.
ASKS = re.compile(
    r"\b(run_query|run_query_and_return|load_relation|load_result|is_incremental|get_columns_in_relation|get_relation"
    r"|list_relations\w*|check_schema_exists|get_columns_in_query|get_column_schema_from_query|drop_relation)\s*\("
    r"|\bcall statement\b|\bstatement\s*\(|builtins\.is_incremental"
)
MACRO = re.compile(r"{%-?\s*(?:macro|test)\s+(\w+)\s*\((.*?){%-?\s*end(?:macro|test)", re.S)


def asking(project, models, missing):
    """Names of the models that ask the database, themselves or by a macro, or that call a macro of a
    package that is not there."""
    lost = [re.sub(r"\.git$", "", m.rsplit("/", 1)[-1]).replace("-", "_") for m in missing]
    lost = re.compile(r"\b(%s)\.\w+\s*\(" % "|".join(n.removeprefix("dbt_") + "|" + n for n in lost)) if lost else None
    bodies = {}
    for path in project.rglob("*.sql"):
        for name, body in MACRO.findall(path.read_text(errors="replace")):
            bodies[name] = bodies.get(name, "") + body
    asks = {name for name, body in bodies.items() if ASKS.search(body) or (lost and lost.search(body))}

    def calls(text):
        return set(re.findall(r"(\w+)['\"]?\s*[(,)]", text)) & asks

    while True:
        asks |= {re.sub(r"^[a-z]+__", "", name) for name in asks}
        more = {name for name, body in bodies.items() if name not in asks and calls(body)}
        if not more:
            break
        asks |= more
    out = []
    for model in models:
        text = (project / model["path"]).read_text(errors="replace")
        jinja = " ".join(re.findall(r"{[{%].*?[}%]}", text, re.S))
        if ASKS.search(jinja) or calls(jinja) or (lost and lost.search(jinja)):
            out.append(pathlib.Path(model["path"]).stem)
    return out


def lay_seeds(project, models):
    """Seeds that a clone lacks (they are large, or not for the public) get a file without rows."""
    asked = {a["name"] for m in models for a in m.get("asked", ()) if a["kind"] == "ref" and not a["package"]}
    there = {pathlib.Path(m["path"]).stem for m in models} | {m["unique_id"].split(".")[2] for m in models}
    there |= {p.stem for p in project.rglob("*.csv")} | {p.stem for p in project.rglob("*.py")}
    for path in project.rglob("*.sql"):
        there |= set(re.findall(r"{%-?\s*snapshot\s+(\w+)", path.read_text(errors="replace")))
    for path in project.rglob("*.y*ml"):
        if "snapshots:" in (text := path.read_text(errors="replace")):
            there |= set(re.findall(r"name:\s*['\"]?(\w+)", text))
    config = (project / "dbt_project.yml").read_text()
    paths = re.search(r"^(?:seed|data)-paths:\s*\[\s*['\"]?([^'\",\]]+)", config, re.M)
    seeds = project / (paths.group(1) if paths else "seeds")
    seeds.mkdir(parents=True, exist_ok=True)
    for name in sorted(n for n in asked - there if n):
        (seeds / f"{name}.csv").write_text("id\n")
    # Unit tests are not compared, and some are of models that a variable switches off.
    for path in project.rglob("*.y*ml"):
        text = path.read_text(errors="replace")
        if re.search(r"^unit_tests:", text, re.M):
            path.write_text(re.sub(r"^unit_tests:.*?(?=^\w|\Z)", "", text, flags=re.M | re.S))
    # What a package that is missing says in every query.
    plain = re.sub(r"^(\s+comment:).*{{.*$", r"\1 dummy", config, flags=re.M)
    (project / "dbt_project.yml").write_text(plain)


def environment(project):
    """Every variable without a default gets a value."""
    env = dict(os.environ, USER="dummy", DBT_TARGET="dev", DBT_SEND_ANONYMOUS_USAGE_STATS="false", AWS_EC2_METADATA_DISABLED="true")
    for path in project.rglob("*"):
        if path.suffix in (".sql", ".yml", ".yaml") and path.is_file():
            for name in re.findall(r"env_var\(\s*['\"](\w+)['\"]\s*\)", path.read_text(errors="replace")):
                env.setdefault(name, "dummy")
    return env


def profile(project, adapter):
    text = (project / "dbt_project.yml").read_text()
    name = re.search(r"^profile:\s*['\"]?([\w-]+)", text, re.M)
    output = dict(PROFILES[adapter], type=adapter, threads=2)
    profiles = {name.group(1) if name else "dummy": {"target": "dev", "outputs": {"dev": output}}}
    directory = project / ".profiles"
    directory.mkdir(exist_ok=True)
    (directory / "profiles.yml").write_text(json.dumps(profiles))
    return directory


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--dbt", default="dbt")
    options.add_argument("--binary", default="target/release/examples/understood")
    options.add_argument("clones", type=pathlib.Path)
    options.add_argument("out", type=pathlib.Path)
    options.add_argument("projects", nargs="*")
    asked = options.parse_args()
    for project in projects(asked.clones):
        place = project.relative_to(asked.clones)
        if asked.projects and not any(p in str(place) for p in asked.projects):
            continue
        models = [m for m in understood(asked.binary, project) if m["status"] != "declared"]
        adapter = models[0]["dialect"] if models else "generic"
        adapter = {"generic": "duckdb", "trino": "athena"}.get(adapter, adapter)
        if adapter not in PROFILES:
            print(f"{place}: no profile for {adapter}")
            continue
        copy = asked.out / place
        shutil.rmtree(copy, ignore_errors=True)
        ignored = shutil.ignore_patterns(".git", "target", "dbt_packages", "node_modules", "logs")
        shutil.copytree(project, copy, ignore=ignored, ignore_dangling_symlinks=True)
        missing = lay_packages(asked.clones, copy)
        lay_seeds(copy, models)
        variables = next((v for name, v in VARS.items() if name in str(place)), {})
        if variables:
            (copy / "harness-lint.yml").write_text(json.dumps({"vars": variables}))
        command = [asked.dbt, "compile", "--no-introspect", "--no-populate-cache", "--project-dir", str(copy),
                   "--profiles-dir", str(profile(copy, adapter)), "--target-path", str(copy / "target"),
                   "--log-path", str(copy / "logs"), "--no-use-colors", "--select", "resource_type:model"]
        if variables:
            command += ["--vars", json.dumps(variables)]
        if not re.search(r"^profile:", (copy / "dbt_project.yml").read_text(), re.M):
            command += ["--profile", "dummy"]
        excluded, env = asking(copy, models, missing), environment(copy)
        # dbt stops at the first model that fails; the next run leaves it out.
        for _ in range(RUNS):
            exclude = ["--exclude", "resource_type:test", "resource_type:unit_test", *excluded]
            run = subprocess.run(command + exclude, capture_output=True, text=True, env=env, cwd=copy)
            failed = re.findall(r"Error in model (\w+)", run.stdout)
            (copy / "compile.log").write_text(run.stdout + run.stderr)
            if run.returncode == 0 or not failed or set(failed) <= set(excluded):
                break
            excluded += failed
        manifest = copy / "target" / "manifest.json"
        compiled = 0
        if manifest.is_file():
            nodes = json.loads(manifest.read_text())["nodes"].values()
            compiled = sum(n["resource_type"] == "model" and bool(n.get("compiled_code")) for n in nodes)
        print(f"    {len(excluded)} excluded")
        said = [l for l in (run.stdout + run.stderr).splitlines() if "rror" in l][:2]
        print(f"{place} ({adapter}): {compiled} of {len(models)} models compiled; without {missing or 'nothing'}; {said}")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
