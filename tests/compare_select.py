#!/usr/bin/env python3
"""Compares what `harness-lint graph --select` selects with what dbt itself selects.

    python3 -m venv venv && venv/bin/pip install dbt-core dbt-duckdb
    venv/bin/python tests/compare_select.py [options] DIR [-- options for dbt]

It is run with the Python that has dbt, since dbt is asked in its own process (parsing needs no
connection, and one parse serves all expressions). Packages must be installed in DIR; work on a
copy, for dbt writes there. Expressions are generated, with a seed, from the project's own manifest:
every method with names, tags, paths, packages and configuration that exist (and some that do not),
wildcards, graph operators, unions, intersections, `--exclude`, and each selector of selectors.yml.
For each, the nodes that `dbt ls --resource-type all` lists are compared with those that
`harness-lint graph` prints, over the nodes that both know (those in dbt's manifest that
`harness-lint graph` prints without a selection).

    --binary PATH       harness-lint (default: target/release/harness-lint)
    --count N           so many generated expressions (default: 300)
    --seed N            of the generator (default: 1)
    --state DIR         also `state:` with a directory that holds another manifest.json
    --all               draw from resource types that `harness-lint graph` does not print, too
    --expr EXPR         this expression alone; may be repeated
    --profiles-dir DIR  for dbt

Prints each difference (`-` dbt alone selects it, `+` harness-lint alone), then a summary. Exit code
1 if there is a difference.
"""
import argparse
import contextlib
import io
import json
import os
import pathlib
import random
import subprocess
import sys

SECTIONS = ("nodes", "sources", "exposures", "metrics", "semantic_models", "saved_queries",
            "unit_tests")
STATES = ("new", "old", "unmodified", "modified", "modified.body", "modified.configs",
          "modified.relation", "modified.persisted_descriptions", "modified.contract",
          "modified.macros")


class Dbt:
    def __init__(self, directory, extra):
        from dbt.cli.main import dbtRunner
        os.chdir(directory)
        self.extra = extra
        parse = dbtRunner().invoke(["--quiet", "parse", *extra])
        if not parse.success:
            sys.exit(f"dbt parse: {parse.exception}")
        self.manifest = parse.result
        self.runner = lambda: dbtRunner(manifest=self.manifest)

    def ls(self, arguments):
        command = ["--quiet", "ls", "--resource-type", "all", "--output", "json",
                   "--output-keys", "unique_id", *arguments, *self.extra]
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            run = self.runner().invoke(command)
        if not run.success:
            return None, str(run.exception)
        return {json.loads(line)["unique_id"] for line in run.result or []}, None


def lint(binary, directory, arguments):
    command = [binary, "graph", "--format", "json", "--manifest", "off", "--allow-empty",
               "--project-dir", str(directory), *arguments]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode != 0:
        return None, run.stderr.strip().replace("\n", " ")
    return {node["unique_id"] for node in json.loads(run.stdout)["nodes"] if node["enabled"] is not False}, None


def criteria(manifest, rng, kinds, state):
    """One criterion per call, drawn over the methods."""
    nodes = [n for section in SECTIONS for n in (manifest.get(section) or {}).values()
             if n["resource_type"] in kinds]
    models = [n for n in nodes if n["resource_type"] in ("model", "seed", "snapshot")] or nodes
    tags = sorted({t for n in nodes for t in n.get("tags") or []} | {"no_such_tag"})
    packages = sorted({n["package_name"] for n in nodes})
    groups = sorted({n.get("group") for n in nodes if n.get("group")} | {"nobody"})
    tests = sorted({n["test_metadata"]["name"] for n in nodes if n.get("test_metadata")} | {"unique"})
    values = set()
    for node in nodes:
        for key, value in (node.get("config") or {}).items():
            inner = value.items() if isinstance(value, dict) else [(None, value)]
            for sub, leaf in inner:
                name = key if sub is None else f"{key}.{sub}"
                for one in leaf if isinstance(leaf, list) else [leaf]:
                    text = str(one)
                    if text and not set(text) & set(" ,+@\n") and all(c.isalnum() or c in "._" for c in name):
                        values.add((name, text))
    values = sorted(values) or [("materialized", "view")]

    def wild(text):
        if len(text) < 3:
            return text + "*"
        at = rng.randrange(1, len(text) - 1)
        return rng.choice([text[:at] + "*", "*" + text[at:], text[:at] + "?" + text[at + 1:],
                           f"*{text[1:at]}*", text[:at] + f"[{text[at]}x]" + text[at + 1:]])

    def maybe(text, share=0.25):
        return wild(text) if rng.random() < share else text

    def fqn():
        parts = rng.choice(nodes)["fqn"]
        start = rng.choice([0, 0, 1, len(parts) - 1])
        end = rng.randrange(start, len(parts)) + 1
        return maybe(".".join(parts[start:end]))

    def name():
        node = rng.choice(models)
        if node.get("version") is not None and rng.random() < 0.7:
            return rng.choice([f"{node['name']}.v{node['version']}", f"{node['name']}_v{node['version']}"])
        return maybe(node["name"])

    def path():
        parts = rng.choice(nodes)["original_file_path"].split("/")
        text = "/".join(parts[:rng.randrange(len(parts)) + 1])
        kind = rng.randrange(6)
        if kind == 0 and len(parts) > 2:
            text = "/".join([parts[0], "*", *parts[2:]])
        if kind == 1:
            text = f"{parts[0]}/**/{parts[-1]}"
        if kind == 2:
            text += "/" if not "." in text else ""
        return rng.choice(["path:", ""]) + text if "/" in text else "path:" + text

    def patch():
        places = [n["patch_path"].split("://")[1] for n in nodes if n.get("patch_path")]
        return "path:" + rng.choice(places) if places else path()

    def source():
        sources = [n for n in nodes if n["resource_type"] == "source"]
        if not sources:
            return "source:nothing"
        n = rng.choice(sources)
        form = rng.randrange(4)
        parts = [[n["source_name"]], [n["source_name"], n["name"]],
                 [n["package_name"], n["source_name"], n["name"]], [n["source_name"], "*"]][form]
        return "source:" + ".".join(maybe(p, 0.15) for p in parts)

    def named():
        all_named = ["exposure", "metric", "semantic_model", "saved_query", "unit_test"]
        kind = rng.choice([k for k in all_named if k in kinds] or all_named)
        of = [n for n in nodes if n["resource_type"] == kind]
        if not of:
            return f"{kind}:*"
        n = rng.choice(of)
        own = maybe(n["name"])
        return f"{kind}:" + rng.choice([own, own, f"{n['package_name']}.{own}", "*"])

    def file():
        base = rng.choice(nodes)["original_file_path"].rsplit("/", 1)[-1]
        if base.rsplit(".", 1)[-1] in ("sql", "py", "csv") and rng.random() < 0.5:
            return base
        return "file:" + maybe(rng.choice([base, base.rsplit(".", 1)[0]]))

    def config():
        key, value = rng.choice(values)
        return f"config.{key}:{value}"

    draws = [name, name, name, fqn, fqn, path, path, patch, source, named, file, config, config,
             lambda: "tag:" + maybe(rng.choice(tags)),
             lambda: "package:" + maybe(rng.choice(packages + ["this"]), 0.1),
             lambda: "resource_type:" + rng.choice(sorted(kinds)),
             lambda: "group:" + rng.choice(groups),
             lambda: "access:" + rng.choice(["public", "protected", "private"]),
             lambda: "version:" + rng.choice(["latest", "old", "prerelease", "none"]),
             lambda: "test_type:singular"]
    if "test" in kinds:
        draws += [lambda: "test_type:" + rng.choice(["generic", "unit", "data"]),
                  lambda: "test_name:" + rng.choice(tests)]
    if state:
        draws += [lambda: "state:" + rng.choice(STATES)] * 6
    return lambda: rng.choice(draws)()


def expressions(manifest, rng, count, kinds, state):
    criterion = criteria(manifest, rng, kinds, state)

    def term():
        text = criterion()
        kind = rng.random()
        depth = lambda: rng.choice(["", "", "1", "2"])
        if kind < 0.12:
            return f"{depth()}+{text}"
        if kind < 0.24:
            return f"{text}+{depth()}"
        if kind < 0.30:
            return f"{depth()}+{text}+{depth()}"
        if kind < 0.36:
            return f"@{text}"
        return text

    def several():
        kind = rng.random()
        if kind < 0.6:
            return term()
        join = "," if kind < 0.8 else " "
        return join.join(term() for _ in range(rng.choice([2, 2, 3])))

    for _ in range(count):
        arguments = ["--select", several()]
        if rng.random() < 0.15:
            arguments += ["--select", several()]
        if rng.random() < 0.25:
            arguments += ["--exclude", several()]
        if rng.random() < 0.05:
            arguments = ["--exclude", several()]
        if rng.random() < 0.2:
            arguments += ["--indirect-selection", rng.choice(["eager", "cautious", "buildable", "empty"])]
        yield arguments


def selectors(directory):
    file = directory / "selectors.yml"
    if not file.exists():
        return []
    import yaml
    named = yaml.safe_load(file.read_text())["selectors"]
    return [["--selector", entry["name"]] for entry in named]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--binary", default="target/release/harness-lint")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--state", type=pathlib.Path)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--expr", action="append")
    parser.add_argument("--profiles-dir", type=pathlib.Path)
    options = parser.parse_args()
    binary = str(pathlib.Path(options.binary).resolve())
    directory = options.directory.resolve()
    extra = ["--profiles-dir", str(options.profiles_dir.resolve())] if options.profiles_dir else []
    state = ["--state", str(options.state.resolve())] if options.state else []
    rng = random.Random(options.seed)
    dbt = Dbt(directory, extra)
    manifest = json.loads((directory / "target" / "manifest.json").read_text())
    known = {uid for section in SECTIONS for uid in manifest.get(section) or {}}
    every, error = lint(binary, directory, [])
    if every is None:
        sys.exit(error)
    universe = known & every
    kinds = {uid.split(".")[0] for uid in (known if options.all else every)}
    if options.expr:
        asked = [["--select", e] for e in options.expr]
    else:
        asked = [*selectors(directory), *expressions(manifest, rng, options.count, kinds, state)]
    differ = both_refuse = empty = 0
    for arguments in asked:
        theirs, their_error = dbt.ls([*arguments, *state])
        ours, our_error = lint(binary, directory, [*arguments, *state])
        if theirs is None or ours is None:
            both_refuse += theirs is None and ours is None
            if (theirs is None) != (ours is None):
                differ += 1
                print(" ".join(arguments))
                print("  dbt:", their_error or "selects", "\n  harness-lint:", our_error or "selects")
            continue
        # A wildcard or a tag may hit what harness-lint has no nodes for, and go on from there.
        unseen = {uid for uid in theirs if uid.split(".")[0] not in kinds}
        theirs &= universe
        ours &= universe
        empty += not theirs
        if theirs != ours:
            differ += 1
            print(" ".join(arguments), f"  [{len(unseen)} of other types]" if unseen else "")
            for sign, only in (("-", theirs - ours), ("+", ours - theirs)):
                for uid in sorted(only)[:8]:
                    print(f"  {sign} {uid}")
                if len(only) > 8:
                    print(f"  {sign} … {len(only)} in all")
    print(f"{directory.name}: {len(asked)} expressions over {len(universe)} nodes "
          f"({len(known - every)} of dbt's are not printed), {differ} differ, "
          f"{empty} select nothing, {both_refuse} refused by both")
    sys.exit(1 if differ else 0)


if __name__ == "__main__":
    main()
