#!/usr/bin/env python3
"""Compares what harness-lint understands of a dbt project with what dbt itself says.

    dbt parse --project-dir DIR          # any dbt 1.x; parsing does not connect
    python3 tests/compare_dbt.py [--brief] [--binary target/release/harness-lint] DIR ...

Packages must be installed in DIR (as dbt had them when it parsed), and DIR/target/manifest.json
must be of the same files. `harness-lint graph --format json --manifest off` is run there, so the
manifest is never shown to it; its nodes (models, seeds, snapshots, analyses, sources, exposures,
semantic models, metrics, saved queries, functions), the edges between them, and the nodes'
materialization, tags, enabledness and facts (group, meta, access, contract, latest version, loader
and freshness) are compared with the manifest. Nodes and configuration are compared for the project
itself (not for packages); edges are those into its own nodes. Data tests and unit tests have a
table of their own: their ids, the edges into them, severity, tags, enabledness, and what they are
attached to.

Prints each difference (`-` dbt alone says it, `+` harness-lint alone), then a table: found/said by
both, precision and recall in percent. `--brief` prints the table only. `--target NAME` and
`--vars YAML` are handed to harness-lint. Exit code 1 if there is a difference.
"""
import argparse
import json
import pathlib
import subprocess
import sys

TESTS = ("test", "unit_test")
TYPES = (
    "model",
    "seed",
    "snapshot",
    "analysis",
    "source",
    "exposure",
    "semantic_model",
    "metric",
    "saved_query",
    "function",
)
SECTIONS = ("nodes", "sources", "exposures", "semantic_models", "metrics", "saved_queries", "functions")


def own(unique_id, project):
    kind, package = unique_id.split(".")[:2]
    return kind in TYPES and package == project


def config(node):
    """What is compared of a manifest's node: dbt's resolved configuration."""
    kind = node["resource_type"]
    said = node.get("config") or {}
    built = kind in ("model", "seed", "snapshot")
    tags = node.get("tags")
    if tags is None:
        tags = said.get("tags") or []
    return {
        "materialized": said.get("materialized") if built else None,
        "tags": tuple(sorted(set([tags] if isinstance(tags, str) else tags))),
    }


def age(threshold):
    threshold = threshold or {}
    return f"{threshold['count']} {threshold['period']}" if threshold.get("count") else None


def facts(node):
    """What else is compared: fact and value, as text."""
    kind, said = node["resource_type"], node.get("config") or {}
    out = {"group": node.get("group") or said.get("group")}
    out["meta"] = node.get("meta") or said.get("meta") or None
    if kind == "model":
        out["access"] = node.get("access")
        out["contract"] = bool((said.get("contract") or {}).get("enforced"))
        latest = node.get("latest_version") if node.get("version") is not None else None
        out["latest_version"] = None if latest is None else str(latest)
    if kind == "source":
        fresh = node.get("freshness") or {}
        out["loader"] = node.get("loader") or None
        out["loaded_at_field"] = node.get("loaded_at_field")
        out["warn_after"] = age(fresh.get("warn_after"))
        out["error_after"] = age(fresh.get("error_after"))
    return {k: json.dumps(v, sort_keys=True) for k, v in out.items() if v is not None}


def our_facts(node):
    fresh = node.get("freshness") or {}
    keys = ("group", "meta", "access", "contract", "latest_version", "loader", "loaded_at_field")
    out = {k: node.get(k) for k in keys}
    out.update(warn_after=fresh.get("warn_after"), error_after=fresh.get("error_after"))
    return {k: json.dumps(v, sort_keys=True) for k, v in out.items() if v is not None}


def from_manifest(manifest):
    project = manifest["metadata"]["project_name"]
    live, nodes = {}, {}
    for section in SECTIONS:
        live.update(manifest.get(section) or {})
    for unique_id, node in live.items():
        if own(unique_id, project):
            nodes[unique_id] = dict(config(node), enabled=True, facts=facts(node))
    for unique_id, twins in (manifest.get("disabled") or {}).items():
        if own(unique_id, project) and unique_id not in nodes:
            nodes[unique_id] = dict(config(twins[0]), enabled=False, facts={})
    edges = set()
    for child, parents in manifest["parent_map"].items():
        if own(child, project):
            edges.update((p, child) for p in parents if p.split(".")[0] in TYPES)
    return project, nodes, edges


def from_lint(binary, directory, project, extra):
    command = [binary, "graph", "--tests", "--format", "json", "--manifest", "off"]
    command += ["--project-dir", str(directory), *extra]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit {run.returncode}\n{run.stderr}")
    graph = json.loads(run.stdout)
    nodes = {}
    for node in graph["nodes"]:
        unique_id = node["unique_id"]
        twin = nodes.get(unique_id)
        if own(unique_id, project) and not (twin and twin["enabled"]):
            nodes[unique_id] = {
                "materialized": node["materialized"],
                "tags": tuple(sorted(set(node["tags"]))),
                "enabled": node["enabled"],
                "facts": our_facts(node),
            }
    edges = {(p, c) for p, c in graph["edges"] if own(c, project)}
    edges = {(p, c) for p, c in edges if p.split(".")[0] in TYPES}
    return nodes, edges, tests_from_lint(graph, project)


def own_test(unique_id, project):
    kind, package = unique_id.split(".")[:2]
    return kind in TESTS and package == project


def test_facts(tags, enabled, severity, attached, column):
    return {
        "tags": tuple(sorted(set(tags))),
        "enabled": enabled,
        "severity": severity.lower() if severity else None,
        "attached": (attached, column),
    }


def tests_from_manifest(manifest, project):
    """Tests and the edges into those that run. A test whose parent is missing or disabled stands
    among the live nodes, with `enabled: false`."""
    tests, edges = {}, set()
    live = {**manifest["nodes"], **(manifest.get("unit_tests") or {})}
    disabled = manifest.get("disabled") or {}
    all_tests = [(i, n, True) for i, n in live.items()]
    all_tests += [(i, n, False) for i, twins in disabled.items() for n in twins]
    for unique_id, node, is_live in all_tests:
        if not own_test(unique_id, project) or (unique_id in tests and not is_live):
            continue
        config = node.get("config") or {}
        enabled = is_live and config.get("enabled", True)
        tests[unique_id] = test_facts(
            node.get("tags") or config.get("tags") or [],
            enabled,
            config.get("severity"),
            node.get("attached_node"),
            # What the test is told; `column_name` of the node is not the argument's.
            ((node.get("test_metadata") or {}).get("kwargs") or {}).get("column_name"),
        )
        if enabled:
            edges.update((parent, unique_id) for parent in node["depends_on"]["nodes"])
    return tests, edges


def tests_from_lint(graph, project):
    tests = {}
    for node in graph["nodes"]:
        unique_id = node["unique_id"]
        twin = tests.get(unique_id)
        if own_test(unique_id, project) and not (twin and twin["enabled"]):
            more = node.get("test") or {}
            tests[unique_id] = test_facts(
                node["tags"],
                node["enabled"],
                more.get("severity"),
                more.get("attached_node"),
                more.get("column_name"),
            )
    edges = {(p, c) for p, c in graph["edges"] if own_test(c, project)}
    return tests, edges


def compare_tests(ours, theirs):
    (ours, our_edges), (theirs, their_edges) = ours, theirs
    common = ours.keys() & theirs.keys()
    scores = {"tests": Score(set(ours), set(theirs)), "edges": Score(our_edges, their_edges)}
    for key in ("severity", "tags", "enabled", "attached"):
        both = [{(i, n[i][key]) for i in common} for n in (ours, theirs)]
        scores[key] = Score(*both)
    return scores


class Score:
    """How much both say, and what only one of them does."""

    def __init__(self, ours, theirs):
        self.both = len(ours & theirs)
        self.extra = sorted(ours - theirs, key=str)
        self.missing = sorted(theirs - ours, key=str)

    def __str__(self):
        def percent(other):
            total = self.both + len(other)
            return 100.0 if total == 0 else 100.0 * self.both / total

        said = self.both + len(self.missing)
        return f"{self.both}/{said} {percent(self.extra):.2f} {percent(self.missing):.2f}"


def compare(ours, our_edges, theirs, their_edges):
    common = ours.keys() & theirs.keys()

    def pairs(nodes, key):
        return {(i, nodes[i][key]) for i in common}

    scores = {"nodes": Score(set(ours), set(theirs)), "edges": Score(our_edges, their_edges)}
    live = {i for i in common if theirs[i]["enabled"]}
    for key in ("materialized", "tags"):
        both = [{(i, n[i][key]) for i in live} for n in (ours, theirs)]
        scores[key] = Score(*both)
    facts = [{(i, k, v) for i in live for k, v in n[i]["facts"].items()} for n in (ours, theirs)]
    scores["facts"] = Score(*facts)
    scores["enabled"] = Score(pairs(ours, "enabled"), pairs(theirs, "enabled"))
    return scores


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directories", nargs="+", type=pathlib.Path)
    parser.add_argument("--binary", default="target/release/harness-lint")
    parser.add_argument("--manifest", help="relative to each directory", default="target/manifest.json")
    parser.add_argument("--brief", action="store_true")
    parser.add_argument("--target")
    parser.add_argument("--vars")
    args = parser.parse_args()
    extra = []
    for name in ("target", "vars"):
        if getattr(args, name):
            extra += [f"--{name}", getattr(args, name)]
    tables, differs = {"nodes": [], "tests": []}, False
    for directory in args.directories:
        text = (directory / args.manifest).read_text(encoding="utf-8")
        manifest = json.loads(text)
        project, theirs, their_edges = from_manifest(manifest)
        ours, our_edges, our_tests = from_lint(args.binary, directory, project, extra)
        their_tests = tests_from_manifest(manifest, project)
        found = {
            "nodes": compare(ours, our_edges, theirs, their_edges),
            "tests": compare_tests(our_tests, their_tests),
        }
        for table, scores in found.items():
            differs = report(directory.name, table, scores, args.brief) or differs
            tables[table].append((directory.name, scores))
    for rows in tables.values():
        print_table(rows)
    return 1 if differs else 0


def report(name, table, scores, brief):
    """Prints the differences; is there one?"""
    differs = False
    for what, score in scores.items():
        for sign, items in (("-", score.missing), ("+", score.extra)):
            differs = differs or bool(items)
            for item in [] if brief else items:
                shown = item if isinstance(item, str) else " ".join(map(str, item))
                print(f"{name} {table} {what} {sign} {shown}")
    return differs


def print_table(rows):
    columns = list(rows[0][1])
    print("| project | " + " | ".join(f"{c} (both/dbt, prec., rec.)" for c in columns) + " |")
    print("|---" * (len(columns) + 1) + "|")
    for name, scores in rows:
        print(f"| {name} | " + " | ".join(str(scores[c]) for c in columns) + " |")


if __name__ == "__main__":
    sys.exit(main())
