#!/usr/bin/env python3
"""Compares findings of harness-lint with those of dbt-bouncer, dbtective and dbt-checkpoint.

    pip install "dbt-bouncer==4.3.*" "dbtective==0.3.5" PATH/TO/dbt-checkpoint
    python3 tests/compare_peers.py --harness-lint target/release/harness-lint \\
        --project DIR --manifest DIR/target/manifest.json \\
        --project DIR2 --manifest DIR2/target/manifest.json \\
        --peers BIN --out FOLDER

DIR is a project in whose state the manifest was written, packages installed in it (copies that
tests/compile_corpora.py makes will do). It is copied, and configuration of every tool is written
into the copy; nothing is written into DIR. BIN is the folder with the commands `dbt-bouncer`,
`dbtective` and dbt-checkpoint's hooks. `--times N` measures instead: the least user and system time
and the largest memory of N runs of every tool on the first project, by /usr/bin/time.

A finding becomes a pair of a check and a node of the project itself, not of its packages, however
often it is reported. Printed per check and peer: how many pairs both report, the peer alone, and
harness-lint alone, which runs twice, from the files alone (this is compared) and with the manifest.
FOLDER gets differences.csv, one line per pair that only one of the two reports, and sample.csv with
at most `--sample` of every check, peer and side, drawn by `--seed`.

What is asked of all, and how (what is not named is each tool's default):

star        any star, as these tools mean it; harness-lint judges a star by what it sits on
            (sql/star-output, sql/star-union). dbtective has no rule for it but documents this use
            of code_forbidden_patterns. dbt-checkpoint has none.
hardcoded   a table named by hand, in models. dbt-checkpoint reads names without a dot, too.
unique      a uniqueness test of the three common kinds, whatever package has it. harness-lint's
            test/pk is told so by its option `macros`; dbt-bouncer and dbtective get the names
            without a package beside their defaults.
pk          the rule of dbt-project-evaluator, unique and not_null: test/pk as it is. Of the others
            only dbtective documents a configuration for it.
naming      a name begins with base_, stg_, int_, fct_, dim_ or rpt_, in every model.
unused      a source that no model reads; dbtective is told that snapshots count.
orphan      a model in a folder base, raw, staging or intermediate that nothing reads; dbtective is
            told that snapshots and exposures count. For harness-lint these folders are the layers.
doc         a model has a description.
freshness   a source table has warn_after or error_after. dbt-checkpoint cannot say "or".
"""
import argparse
import collections
import csv
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

PREFIXES = {"base": ["base_"], "staging": ["stg_"], "intermediate": ["int_"], "marts": ["fct_", "dim_"], "other": ["rpt_"]}
NAMES = "^(" + "|".join(p for ps in PREFIXES.values() for p in ps) + ")"
FOLDERS = {"base": ["base", "raw"], "staging": ["staging"], "intermediate": ["intermediate"], "marts": ["marts"]}
# Folders of models that are there to be built upon.
BELOW = FOLDERS["base"] + FOLDERS["staging"] + FOLDERS["intermediate"]
UNIQUE = ["unique", "unique_combination_of_columns", "expect_compound_columns_to_be_unique"]
# With the packages that offer them, and without, for a project may have its own of that name.
UNIQUE_TESTS = [*UNIQUE, "dbt_utils." + UNIQUE[1], "dbt_expectations." + UNIQUE[2]]
RULES = {
    "sql/star-output": "star",
    "sql/star-union": "star",
    "graph/hardcoded-relation": "hardcoded",
    "test/pk": "pk",
    "structure/model-name": "naming",
    "graph/unused-source": "unused",
    "graph/orphan": "orphan",
    "doc/missing": "doc",
    "test/freshness": "freshness",
}
BOUNCER = {
    "check_model_does_not_use_select_star": ("star", {}),
    "check_model_hard_coded_references": ("hardcoded", {}),
    "check_model_has_unique_test": ("unique", {"accepted_uniqueness_tests": UNIQUE_TESTS}),
    "check_model_names": ("naming", {"model_name_pattern": NAMES}),
    "check_source_not_orphaned": ("unused", {}),
    "check_model_min_downstream_models": ("orphan", {"include": f"^models/(.*/)?({'|'.join(BELOW)})/"}),
    "check_model_description_populated": ("doc", {}),
    "check_source_freshness_populated": ("freshness", {}),
}
DBTECTIVE = {
    "star": {"type": "code_forbidden_patterns", "forbidden_patterns": ["SELECT *"]},
    "hardcoded": {"type": "code_no_hardcoded_refs"},
    "unique": {"type": "has_unique_test", "allowed_test_names": UNIQUE_TESTS},
    "pk": {
        "type": "has_required_tests",
        "required_tests": ["not_null", {"name": "uniqueness", "allowed_names": UNIQUE_TESTS}],
    },
    "naming": {"type": "name_convention", "pattern": NAMES},
    "unused": {"type": "is_not_orphaned", "applies_to": ["sources"], "allowed_references": ["models", "snapshots"]},
    "orphan": {"type": "is_not_orphaned", "includes": [f"^models/{into}{f}/" for f in BELOW for into in ("", "**/")],
               "allowed_references": ["models", "snapshots", "exposures"]},
    "doc": {"type": "has_description"},
    "freshness": {"type": "sources_have_freshness", "applies_to": ["sources"]},
}
# The hook, its arguments, which files it is given, and what its lines begin with.
CHECKPOINT = {
    "hardcoded": (["check-script-has-no-table-name"], "sql", r"(\S+\.sql): does not use source"),
    "unique": (["check-model-has-tests-by-group", "--test-cnt", "1", "--tests", *UNIQUE, "--"], "all", r"(\S+): has only"),
    "naming": (["check-model-name-contract", "--pattern", NAMES], "all", r"(\S+): model does not match"),
    "unused": (["check-source-childs", "--min-child-cnt", "1"], "yml", r"(.+): has \d+ min"),
    "orphan": (["check-model-parents-and-childs", "--min-child-cnt", "1"], "below", r"(\S+): has \d+ childs"),
    "doc": (["check-model-has-description"], "all", r"(\S+): does not have defined"),
}
PEERS = ("dbt-bouncer", "dbtective", "dbt-checkpoint")


class Manifest:
    """The nodes of the project itself, by what the tools call them."""

    def __init__(self, path):
        read = json.loads(path.read_text())
        own = read["metadata"]["project_name"]
        models = [n for n in read["nodes"].values() if n["resource_type"] == "model" and n["package_name"] == own]
        self.path = {n["unique_id"]: n["original_file_path"] for n in models}
        self.by_name = {n["name"]: n["unique_id"] for n in models}
        self.by_path = {n["original_file_path"]: n["unique_id"] for n in models}
        sources = [n for n in read["sources"].values() if n["package_name"] == own]
        self.path |= {n["unique_id"]: n["original_file_path"] for n in sources}
        self.sources = {f"{n['source_name']}.{n['name']}": n["unique_id"] for n in sources}
        self.tables = collections.defaultdict(list)
        for n in sources:
            self.tables[n["name"], n["original_file_path"]].append(n["unique_id"])

    def node(self, name):
        return self.by_path.get(name) or self.by_name.get(name) or self.sources.get(name)


def write_configurations(project):
    order = [*PREFIXES]
    layers = {
        role: {"role": role, "prefixes": prefixes, "sources": True, "refs": order, "leaf": role in ("marts", "other"),
               **({"path": [f"**/{f}/**" for f in FOLDERS[role]]} if role in FOLDERS else {})}
        for role, prefixes in PREFIXES.items()
    }
    ours = {"extends": [], "classify": ["path"], "layers": layers, "rules": {r: "on" for r in RULES}}
    (project / "harness-lint.yml").write_text(json.dumps(ours))
    unique = dict(ours, rules={"test/pk": {"macros": [[u] for u in UNIQUE]}})
    (project / "unique.harness-lint.yml").write_text(json.dumps(unique))
    checks = [{"name": name, **more} for name, (_, more) in BOUNCER.items()]
    (project / "dbt-bouncer.yml").write_text(json.dumps({"dbt_artifacts_dir": "target", "manifest_checks": checks}))
    tests = [{"name": name, "applies_to": ["models"], **more} for name, more in DBTECTIVE.items()]
    (project / "dbtective.yml").write_text(json.dumps({"manifest_tests": tests}))
    (project / ".dbt-checkpoint.yaml").write_text("version: 1\ndisable-tracking: true\n")


def copy(project, manifest, into):
    ignored = shutil.ignore_patterns(".git", "target", "node_modules", "logs", ".profiles", "compile.log", "harness-lint.yml")
    shutil.copytree(project, into, ignore=ignored, ignore_dangling_symlinks=True)
    (into / "target").mkdir()
    shutil.copy(manifest, into / "target" / "manifest.json")
    write_configurations(into)


def files(project, which):
    """Files below models/, as pre-commit would hand them to a hook."""
    kinds = {"sql": [".sql"], "yml": [".yml", ".yaml"]}.get(which, [".sql", ".yml", ".yaml"])
    found = [p.relative_to(project) for p in sorted((project / "models").rglob("*")) if p.suffix in kinds]
    return [str(p) for p in found if which != "below" or set(p.parts[:-1]) & set(BELOW)]


def commands(asked, project):
    """Every tool's commands, with the check of a hook of dbt-checkpoint."""
    lint = [asked.harness_lint, "check", "--format", "json", "--fail-on", "never", "--project-dir", str(project)]
    whole = [(None, [*lint, "--manifest", "off"])]
    unique = ["--config", str(project / "unique.harness-lint.yml")]
    manifest = ["--manifest", str(project / "target" / "manifest.json")]
    bouncer = ["run", "--config-file", "dbt-bouncer.yml", "--output-file", "bouncer.json", "--output-only-failures"]
    dbtective = ["run", "--only-manifest", "--artifact-format", "json", "--output-format", "json"]
    peers = asked.peers
    hooks = [(c, [str(peers / cmd[0]), *cmd[1:], *files(project, which)]) for c, (cmd, which, _) in CHECKPOINT.items()]
    return {
        "files": [*whole, ("unique", [*whole[0][1], *unique])],
        "manifest": [(None, [*lint, *manifest]), ("unique", [*lint, *manifest, *unique])],
        "dbt-bouncer": [(None, [str(peers / "dbt-bouncer"), *bouncer])],
        "dbtective": [(None, [str(peers / "dbtective"), *dbtective])],
        "dbt-checkpoint": hooks,
    }


def run(command, project):
    # dbt-checkpoint's answers depend on the order of sets where property files share a name.
    env = dict(os.environ, PYTHONHASHSEED="0")
    done = subprocess.run(command, cwd=project, env=env, capture_output=True, text=True)
    if "Traceback" in done.stderr:
        print(f"    {pathlib.Path(command[0]).name} stopped: {done.stderr.strip().splitlines()[-1]}")
    return re.sub(r"\x1b\[\d+m", "", done.stdout)


def of_lint(check, out, known):
    report = json.loads(out)
    for skipped in report["skipped"] if check is None else ():
        if skipped.get("rule"):
            print(f"    harness-lint skipped {skipped['rule']}: {skipped['reason'][:150]}")
    for finding in report["findings"]:
        node = finding["node"] and finding["node"]["unique_id"]
        yield check or RULES[finding["rule"]], node, f"{finding['range']['line']}: {finding['message']}"


def of_dbtective(out, known):
    """It names tables without their source; where a file has several, and not all are meant, none
    can be told."""
    tables = collections.defaultdict(list)
    for result in json.loads(out)["results"]:
        name = result["message"].split(" ", 1)[0]
        if result["object_type"] == "Model":
            yield result["rule_name"], known.by_name.get(name), result["message"]
        else:
            tables[result["rule_name"], name, result["relative_path"]].append(result["message"])
    for (check, name, path), messages in tables.items():
        meant = known.tables[name, path]
        for node in meant:
            yield check, node, messages[0] if len(meant) == len(messages) else None


def findings(tool, runs, project, known):
    """Pairs of check and node, with what the tool says."""
    found = {}
    for check, command in runs:
        out = run(command, project)
        if tool in ("files", "manifest"):
            said = of_lint(check, out, known)
        elif tool == "dbt-bouncer":
            results = json.loads((project / "bouncer.json").read_text())
            said = ((BOUNCER[r["check_run_id"].split(":")[0]][0], r["unique_id"], r["failure_message"]) for r in results)
        elif tool == "dbtective":
            said = of_dbtective(out, known)
        else:
            lines = re.finditer("(?m)^" + CHECKPOINT[check][2] + r".*(?:\n ?-.*)*", out)
            resolve = known.sources.get if check == "unused" else known.node
            said = ((check, resolve(m.group(1)), " ".join(m.group(0).split())) for m in lines)
        for name, node, message in said:
            if node in known.path:
                found.setdefault((name, node), message)
    untold = [key for key, message in found.items() if message is None]
    return {k: m for k, m in found.items() if m is not None}, set(untold)


def draw(rows, seed, most):
    """At most so many rows, by the hash of what they are about, so that peers share them."""
    def key(row):
        return hashlib.sha256(f"{seed} {row['check']} {row['project']} {row['node']}".encode()).hexdigest()
    return sorted(rows, key=key)[:most]


def compare(asked, work):
    counts, rows = collections.Counter(), []
    for project, manifest in zip(asked.project, asked.manifest):
        place = work / project.name
        name = project.relative_to(asked.base) if asked.base else project.name
        shutil.rmtree(place, ignore_errors=True)
        copy(project, manifest, place)
        known = Manifest(manifest)
        print(f"{name}: {len(known.by_name)} models, {len(known.sources)} source tables", flush=True)
        found, untold = {}, {}
        for tool, runs in commands(asked, place).items():
            found[tool], untold[tool] = findings(tool, runs, place, known)
            if untold[tool]:
                print(f"    {len(untold[tool])} left out that {tool} does not tell apart")
        checks = {"dbt-bouncer": {c for c, _ in BOUNCER.values()}, "dbtective": set(DBTECTIVE), "dbt-checkpoint": set(CHECKPOINT)}
        checks["manifest"] = set(DBTECTIVE)
        for peer, asks in checks.items():
            for check in sorted(asks):
                theirs = {k for k in found[peer] if k[0] == check}
                ours = {k for k in found["files"] if k[0] == check} - untold[peer]
                sides = {"both": theirs & ours, "peer": theirs - ours, "us": ours - theirs}
                for side, keys in sides.items():
                    counts[check, peer, side] += len(keys)
                    counts[check, peer, side, str(name)] += len(keys)
                    said = found["files"] if side == "us" else found[peer]
                    rows += [{"check": check, "peer": peer, "project": str(name), "node": node, "side": side,
                              "path": known.path[node], "message": said[check, node]}
                             for _, node in sorted(keys) if side != "both"]
    return counts, rows


def write(path, rows):
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, ["check", "peer", "project", "node", "side", "path", "message"])
        writer.writeheader()
        writer.writerows(rows)


def measure(asked, work):
    """The least user and system time of some runs in seconds, and the largest memory in MiB."""
    project = work / asked.project[0].name
    copy(asked.project[0], asked.manifest[0], project)
    print("| tool | processes | user + system, s | memory, MiB |\n|---|--:|--:|--:|")
    for tool, runs in commands(asked, project).items():
        if tool in ("files", "manifest"):
            runs = runs[:1]
        seconds, memory = [], 0
        for _ in range(asked.times):
            total = 0
            for _, command in runs:
                timed = ["/usr/bin/time", "-f", "%U %S %M", "-o", str(work / "time"), *command]
                subprocess.run(timed, cwd=project, capture_output=True)
                user, system, size = (work / "time").read_text().splitlines()[-1].split()
                total += float(user) + float(system)
                memory = max(memory, int(size) / 1024)
            seconds.append(total)
        print(f"| {tool} | {len(runs)} | {min(seconds):.2f} | {memory:.0f} |", flush=True)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--harness-lint", required=True, type=os.path.abspath)
    options.add_argument("--project", action="append", required=True, type=lambda p: pathlib.Path(p).absolute())
    options.add_argument("--manifest", action="append", required=True, type=lambda p: pathlib.Path(p).absolute())
    options.add_argument("--peers", required=True, type=lambda p: pathlib.Path(p).absolute())
    options.add_argument("--base", type=lambda p: pathlib.Path(p).absolute(), help="projects are named from here on")
    options.add_argument("--out", type=pathlib.Path, default=pathlib.Path("."))
    options.add_argument("--sample", type=int, default=12)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--times", type=int, default=0)
    asked = options.parse_args()
    if len(asked.project) != len(asked.manifest):
        sys.exit("every --project needs its --manifest")
    with tempfile.TemporaryDirectory() as work:
        if asked.times:
            return measure(asked, pathlib.Path(work))
        counts, rows = compare(asked, pathlib.Path(work))
    asked.out.mkdir(parents=True, exist_ok=True)
    write(asked.out / "differences.csv", rows)
    print("\n| check | peer | both | only the peer | only harness-lint |\n|---|---|--:|--:|--:|")
    sample = []
    for check, peer in sorted({k[:2] for k in counts}, key=lambda k: ([*DBTECTIVE].index(k[0]), [*PEERS, "manifest"].index(k[1]))):
        print(f"| {check} | {peer} | " + " | ".join(str(counts[check, peer, s]) for s in ("both", "peer", "us")) + " |")
        for side in ("peer", "us"):
            sample += draw([r for r in rows if (r["check"], r["peer"], r["side"]) == (check, peer, side)], asked.seed, asked.sample)
    write(asked.out / "sample.csv", sample)


if __name__ == "__main__":
    main()
