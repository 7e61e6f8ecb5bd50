#!/usr/bin/env python3
"""Compares how harness-lint and sqlglot read the same models.

    pip install sqlglot
    cargo build --release --example understood
    python3 tests/compare_sqlglot.py [options] DIR          # (a) our rendering
    python3 tests/compare_sqlglot.py --compiled [options] DIR   # (b) SQL that dbt compiled

DIR holds dbt projects, at any depth. Of each dialect `--sample` models (200; 0 for all) are drawn
with `--seed`, and of each is compared: the list of CTEs with their nesting; what every select reads
in `from` and `join`, with the kinds of the joins; the names of what every select puts out; whether a
column that sqlglot sees named in a select is lost to us; the names of the model's output columns,
stars expanded through CTEs and models.

(a) gives sqlglot the very text that our SQL parser read, with placeholders where Jinja prints what
the repository does not tell. (b) takes projects with a target/manifest.json written by `dbt compile
--no-introspect --no-populate-cache` and gives sqlglot what dbt compiled, while our side reads the
repository's file; relations are compared by what they name. A part that we call unknown is no
disagreement there and is counted apart.

Prints every disagreement, then a table. Exit code 1 if there is one.
"""
import argparse
import collections
import json
import os
import pathlib
import random
import re
import subprocess
import sys

import sqlglot
from sqlglot import exp
from sqlglot.optimizer import qualify
from sqlglot.schema import MappingSchema

NOT_HERE = {"target", "dbt_packages", "dbt_modules", "dbt_internal_packages", "integration_tests",
            "node_modules", "venv"}
DIALECTS = {"generic": "", "sqlserver": "tsql"}
UNKNOWN = re.compile(r"hl__p\d+")
ANYTHING = "(unknown)"


def projects(directory):
    for root, dirs, files in os.walk(directory):
        dirs[:] = sorted(d for d in dirs if d not in NOT_HERE and not d.startswith("."))
        if "dbt_project.yml" in files:
            yield pathlib.Path(root)


def understood(binary, project):
    run = subprocess.run([binary, str(project)], capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(f"{binary} {project}: exit {run.returncode}\n{run.stderr}")
    return [json.loads(line) for line in run.stdout.splitlines()]


# What is read of a query, by either side: `ctes` is a list of paths; `selects` maps a path of CTE
# names to the selects that stand there, each (reads, items).
Reading = collections.namedtuple("Reading", "ctes selects")


def lower(path):
    return tuple(part.lower() for part in path)


def ours(model, name_of):
    selects = collections.defaultdict(list)
    for select in model["selects"]:
        reads = []
        for i, read in enumerate(select["reads"]):
            reads.append((join_kind(read, i), what_is_read(read["what"], name_of)))
        items = tuple(item if item is None else item.lower() for item in select["items"])
        if select["partial"]:
            items = ANYTHING
        if is_placeholder(select):
            reads, items = ANYTHING, ANYTHING
        columns = frozenset(select["columns"])
        reads = reads if reads == ANYTHING else tuple(reads)
        opaque = select["opaque"] or bool(model["doubtful"]) or bool(model["shimmed"])
        selects[lower(select["within"])].append((reads, items, columns, opaque))
    return Reading([lower(c) for c in model["ctes"]], selects)


def is_placeholder(select):
    """`select 1 as hl__p3`, which stands for a query that Jinja prints."""
    items = select["items"]
    return not select["reads"] and len(items) == 1 and UNKNOWN.fullmatch(items[0] or "")


def join_kind(read, index):
    if index == 0:
        return "from"
    if read["constraint"] == "natural":
        return "natural"
    if read["join"] in ("from", "cross") or (read["join"] == "inner" and read["constraint"] == "none"):
        return "cross"
    return read["join"]


def what_is_read(what, name_of):
    if what == "opaque":
        return ANYTHING
    if isinstance(what, str):
        return f"({what})"
    if "relation" in what:
        return name_of(what)
    for key in ("cte", "itself"):
        if key in what:
            return what[key].lower()
    return ".".join(what["name"]).lower()


def theirs(tree, name_of):
    """sqlglot's reading. `name_of` gives a table's name."""
    ctes = []

    def with_of(query, around):
        with_ = query.args.get("with_") or query.args.get("with")
        for cte in with_.expressions if with_ else []:
            path = around + (cte.alias.lower(),)
            ctes.append(path)
            with_of(cte.this, path)
        if isinstance(query, exp.Subquery):
            with_of(query.this, around)

    with_of(tree, ())
    selects = collections.defaultdict(list)
    for select in tree.find_all(exp.Select):
        path, node = [], select
        while node.parent is not None:
            node = node.parent
            if isinstance(node, exp.CTE):
                path.append(node.alias.lower())
        reads = []
        from_ = select.args.get("from_") or select.args.get("from")
        if from_:
            table_reads(from_.this, "from", reads, name_of)
        for join in select.args.get("joins") or []:
            join_reads(join, reads, name_of)
        for lateral in select.args.get("laterals") or []:
            reads.append(("cross", "(function)"))
        items = tuple(item_name(i) for i in select.expressions)
        selects[tuple(reversed(path))].append((tuple(reads), items, columns_of(select)))
    return Reading(ctes, selects)


def join_reads(join, reads, name_of):
    kind = sqlglot_kind(join)
    if "ARRAY" in join.kind:
        # `array join a, b`: we read on with commas.
        arrays = [join.this] + join.expressions
        reads.extend(("cross" if i else kind, "(function)") for i, _ in enumerate(arrays) if _)
    else:
        table_reads(join.this, kind, reads, name_of)


def columns_of(select):
    """The columns that a select names, `order by` behind it and its subqueries' own aside."""
    found = set()
    for arg, value in select.args.items():
        if arg in ("order", "with", "with_", "settings"):
            continue
        for part in value if isinstance(value, list) else [value]:
            if not isinstance(part, exp.Expression):
                continue
            for node in part.walk(prune=lambda n: isinstance(n, (exp.Query, exp.Star))):
                if isinstance(node, exp.Column) and not isinstance(node.this, exp.Star):
                    found.add(".".join(p.name for p in node.parts).lower())
    return frozenset(found)


def table_reads(table, how, reads, name_of):
    if isinstance(table, exp.Table):
        if isinstance(table.this, exp.Func):
            reads.append((how, "(function)"))
        else:
            reads.append((how, name_of([p.name for p in table.parts])))
    elif isinstance(table, exp.Subquery):
        if isinstance(table.this, exp.Table):
            table_reads(table.this, how, reads, name_of)
        else:
            reads.append((how, "(subquery)"))
    elif isinstance(table, exp.Lateral) and isinstance(table.this, exp.Subquery):
        reads.append((how, "(subquery)"))
    elif isinstance(table, exp.Values):
        reads.append((how, "(subquery)"))
    elif isinstance(table, (exp.Unnest, exp.Lateral, exp.Func, exp.TableFromRows)):
        reads.append((how, "(function)"))
    elif isinstance(table, (exp.Paren, exp.Final)):
        return table_reads(table.this, how, reads, name_of)
    else:
        reads.append((how, f"({type(table).__name__.lower()})"))
    for join in table.args.get("joins") or []:
        join_reads(join, reads, name_of)
    for _ in table.args.get("laterals") or []:
        reads.append(("cross", "(function)"))


def sqlglot_kind(join):
    side, kind, method = join.side.lower(), join.kind.lower(), (join.method or "").lower()
    if method == "natural":
        return "natural"
    if method == "asof" or kind in ("array", "apply") or "array" in kind:
        return "other"
    if kind in ("semi", "anti"):
        return "filtering"
    if side:
        return side
    bare = not join.args.get("on") and not join.args.get("using")
    return "cross" if kind == "cross" or bare else "inner"


def item_name(item):
    if isinstance(item, exp.Star) or (isinstance(item, exp.Column) and isinstance(item.this, exp.Star)):
        return "*"
    if isinstance(item, (exp.Alias, exp.Column, exp.Dot, exp.Identifier)):
        return item.output_name.lower() or None
    return None


def differences(our, their):
    """What is said differently: (kind, path, ours, theirs); and how many parts we call unknown."""
    found, unknown = [], 0
    holes = {path for path, selects in our.selects.items() if any(s[0] == ANYTHING for s in selects)}

    def in_hole(path):
        return any(path[: len(h)] == h and len(path) > len(h) for h in holes if h)

    our_ctes = [c for c in our.ctes if not UNKNOWN.search(c[-1])]
    their_ctes = [c for c in their.ctes if not in_hole(c)]
    open_ended = len(our_ctes) != len(our.ctes)
    if our_ctes != their_ctes:
        rest = iter(their_ctes)
        if open_ended and all(c in rest for c in our_ctes):
            unknown += 1
        else:
            found.append(("ctes", (), our_ctes, their_ctes))
    known = set(our_ctes) | {()}
    for path in sorted(set(our.selects) | set(their.selects)):
        if path not in known or in_hole(path):
            continue
        a, b = our.selects.get(path, []), their.selects.get(path, [])
        if any(s[0] == ANYTHING for s in a):
            unknown += 1
            continue
        reads_a, reads_b = sorted(s[0] for s in a), sorted(s[0] for s in b)
        # What Jinja prints there, or how often, is not known.
        loose = UNKNOWNS_ARE_FREE and any(s[3] for s in a)
        if not same_lists(reads_a, reads_b, same_reads):
            if loose and len(a) < len(b) and same_lists(reads_a, reads_b, same_reads, whole=False):
                unknown += 1
                continue
            found.append(("relations", path, reads_a, reads_b))
        elif reads_a != reads_b:
            unknown += 1
        if len(a) == len(b):
            items_a, items_b = [s[1] for s in a], [s[1] for s in b]
            if not same_lists(items_a, items_b, same_items):
                found.append(("names", path, items_a, items_b))
            lost = {c for s in b for c in s[2]} - {c for s in a for c in s[2]}
            lost = {c for c in lost if "hl__" not in c}
            if lost and loose:
                unknown += 1
            elif lost:
                found.append(("columns", path, [], sorted(lost)))
    return found, unknown


def same_lists(a, b, same, whole=True):
    """Is each of `a` the same as one of `b`, and none left, where `whole`?"""
    rest = list(b)
    for one in sorted(a, key=lambda x: ANYTHING in str(x)):
        match = next((r for r in rest if same(one, r)), None)
        if match is None:
            return False
        rest.remove(match)
    return not (whole and rest)


def same_reads(a, b):
    return len(a) == len(b) and all(
        x[0] == y[0] and (x[1] == y[1] or ANYTHING in x) for x, y in zip(a, b)
    )


def same_items(a, b):
    if a == ANYTHING:
        return True
    if any(x and (x == ANYTHING or UNKNOWN.search(x)) for x in a) and UNKNOWNS_ARE_FREE:
        # Jinja may print any number of columns there.
        return True
    free = (None, ANYTHING)
    return len(a) == len(b) and all(x == y or x in free or y is None for x, y in zip(a, b))


UNKNOWNS_ARE_FREE = False


def plain(parts):
    return ".".join(p for p in parts if p).lower()


def rendered_names(_model):
    return lambda what: f"hl__r{what['id']}", plain


def parse(text, dialect):
    trees = [t for t in sqlglot.parse(text.lstrip("\ufeff"), read=DIALECTS.get(dialect, dialect)) if t is not None]
    queries = [t for t in trees if isinstance(t, exp.Query)]
    return queries[-1] if queries else None


class Manifest:
    """What names mean in a project that dbt compiled."""

    def __init__(self, project):
        path = project / "target" / "manifest.json"
        self.manifest = json.loads(path.read_text())
        self.adapter = self.manifest["metadata"]["adapter_type"]
        self.nodes = {**self.manifest["nodes"], **self.manifest["sources"]}
        self.by_relation, self.refable, self.sources, self.same = {}, collections.defaultdict(list), {}, {}
        for unique_id, node in self.nodes.items():
            kind = node["resource_type"]
            if kind == "source":
                self.sources[node["source_name"], node["name"]] = unique_id
            elif kind in ("model", "seed", "snapshot"):
                self.refable[node["name"]].append(unique_id)
            if node.get("relation_name"):
                name = re.sub(r'["`\[\]]', "", node["relation_name"]).lower()
                self.by_relation.setdefault(name, unique_id)
                # Two sources may be one table.
                self.same[unique_id] = self.by_relation[name]
            if kind == "model":
                self.by_relation[f"__dbt__cte__{node['name']}"] = unique_id

    def names(self, model):
        parents = set(self.nodes[model["unique_id"]]["depends_on"]["nodes"])

        def our_name(what):
            relation = what["relation"]
            if relation["kind"] == "this":
                return model["unique_id"]
            if relation["kind"] == "source":
                meant = self.sources.get((relation["source"], relation["name"]), ANYTHING)
                return self.same.get(meant, meant)
            if relation["kind"] == "other" or relation["name"] is None:
                return ANYTHING
            meant = [u for u in self.refable[relation["name"]] if u in parents]
            if len(meant) > 1 and relation["version"]:
                meant = [u for u in meant if u.endswith(f".v{relation['version']}")]
            return self.same.get(meant[0], meant[0]) if len(meant) == 1 else ANYTHING

        def their_name(parts):
            name = plain(parts)
            return self.by_relation.get(name, name)

        return our_name, their_name

    def compiled(self, model):
        node = self.nodes.get(model["unique_id"])
        if not node or not node.get("compiled") or not node.get("compiled_code"):
            return None
        return node["compiled_code"]


class Outputs:
    """sqlglot's own reading of output columns: stars are expanded through the models above, each as
    sqlglot reads it; what YAML declares of a source is given to both sides."""

    def __init__(self, models, name_of):
        self.models = {m["unique_id"]: m for m in models}
        self.known, self.name_of = {}, name_of

    def of(self, unique_id, around=()):
        if unique_id not in self.known:
            self.known[unique_id] = None
            model = self.models.get(unique_id)
            if model and model["status"] == "declared":
                columns = model["columns"]
                self.known[unique_id] = columns and [c.lower() for c in columns]
            elif model and model["status"] == "parsed" and len(around) < 60:
                try:
                    self.known[unique_id] = self.read(model, around + (unique_id,))
                except Exception:  # sqlglot raises more than its own errors
                    pass
        return self.known[unique_id]

    def read(self, model, around):
        tree = parse(text_of(model), dialect_of(model))
        if tree is None:
            return None
        parents, schema = {}, {}
        ctes = {c.alias.lower() for c in tree.find_all(exp.CTE)}
        for table in tree.find_all(exp.Table):
            name = self.name_of(model, [p.name for p in table.parts])
            if name is None or (len(table.parts) == 1 and table.name.lower() in ctes):
                continue
            short = parents.setdefault(name, f"parent_{len(parents)}")
            columns = self.of(name, around)
            if columns and None not in columns:
                schema[short] = {c: "VARCHAR" for c in columns}
            alias = table.args.get("alias") or exp.TableAlias(this=exp.to_identifier(table.name))
            table.set("this", exp.to_identifier(short))
            table.set("db", None)
            table.set("catalog", None)
            table.set("alias", alias)
        dialect = DIALECTS.get(dialect_of(model), dialect_of(model))
        tree = qualify.qualify(
            tree, dialect=dialect, schema=MappingSchema(schema, dialect=dialect, normalize=True),
            validate_qualify_columns=False, quote_identifiers=False, identify=False, isolate_tables=False,
        )
        names = [n.lower() for n in tree.named_selects]
        if any(n == "*" or UNKNOWN.search(n) for n in names):
            return None
        return [None if re.fullmatch(r"_col_\d+", n) or not n else n for n in names]


def text_of(model):
    return model["compiled"] if "manifest" in model else model["rendered"]


def dialect_of(model):
    return model["manifest"].adapter if "manifest" in model else model["dialect"]


def parent_of(models):
    """The unique id that a table of a model's text names."""
    by_name = {m["unique_id"].split(".")[2]: m["unique_id"] for m in models if not m.get("source")}
    sources = {(m["source"], m["name"]): m["unique_id"] for m in models if m.get("source")}

    def name_of(model, parts):
        if "manifest" in model:
            return model["manifest"].by_relation.get(plain(parts))
        found = re.fullmatch(r"hl__r(\d+)", parts[-1].lower())
        if not found:
            return None
        relation = model["relations"][int(found.group(1))]
        if relation["kind"] == "source":
            return sources.get((relation["source"], relation["name"]))
        return by_name.get(relation["name"]) if relation["kind"] == "ref" and not relation["version"] else None

    return name_of


INTROSPECTS = re.compile(
    r"run_query|is_incremental|get_columns_in_relation|get_column_values|get_relations_by|dbt_utils\.star"
    r"|load_relation|statement|\bget_relation\b|union_relations|execute|unpivot|\bflags\b|run_started_at",
)


def without_ephemerals(reading):
    ctes = [c for c in reading.ctes if not c[0].startswith("__dbt__cte__")]
    selects = {p: s for p, s in reading.selects.items() if not (p and p[0].startswith("__dbt__cte__"))}
    return Reading(ctes, selects)


def main():
    global UNKNOWNS_ARE_FREE
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--binary", default="target/release/examples/understood")
    options.add_argument("--compiled", action="store_true")
    options.add_argument("--sample", type=int, default=200)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--without", action="append", default=[], help="part of a path to leave out")
    options.add_argument("--only", default="", help="part of a path that must be there")
    options.add_argument("directory", type=pathlib.Path)
    asked = options.parse_args()
    UNKNOWNS_ARE_FREE = asked.compiled
    by_dialect = collections.defaultdict(list)
    for project in projects(asked.directory):
        manifest = None
        if asked.compiled:
            if not (project / "target" / "manifest.json").is_file():
                continue
            manifest = Manifest(project)
        models = understood(asked.binary, project)
        outputs = Outputs(models, parent_of(models))
        for model in models:
            if model["status"] == "declared":
                continue
            model["outputs"] = outputs
            where = str(project / model["path"])
            if asked.only not in where or any(w in where for w in asked.without):
                continue
            if model["status"] == "empty" or model["materialized"] == "semantic_view":
                continue
            model["where"] = str((project / model["path"]).relative_to(asked.directory))
            if manifest:
                source = (project / model["path"]).read_text(errors="replace")
                model["compiled"] = manifest.compiled(model)
                if model["compiled"] is None or INTROSPECTS.search(source):
                    continue
                model["manifest"] = manifest
            by_dialect[dialect_of(model)].append(model)
    rows, differ = [], False
    for dialect, models in sorted(by_dialect.items()):
        random.seed(asked.seed)
        models.sort(key=lambda m: m["where"])
        drawn = models if not asked.sample else random.sample(models, min(asked.sample, len(models)))
        count = collections.Counter()
        for model in sorted(drawn, key=lambda m: m["where"]):
            count["drawn"] += 1
            if model["status"] != "parsed":
                count["not read by us"] += 1
                continue
            manifest = model.get("manifest")
            try:
                tree = parse(text_of(model), dialect)
            except Exception as error:  # sqlglot raises more than its own errors
                count["not read by sqlglot"] += 1
                print(f"{dialect} {model['where']}: sqlglot: {str(error).splitlines()[0][:150]}")
                continue
            if tree is None:
                count["no query to sqlglot"] += 1
                print(f"{dialect} {model['where']}: no query to sqlglot")
                continue
            our_name, their_name = manifest.names(model) if manifest else rendered_names(model)
            their = theirs(tree, their_name)
            if manifest:
                their = without_ephemerals(their)
            found, unknown = differences(ours(model, our_name), their)
            our_columns, their_columns = model["columns"], model["outputs"].of(model["unique_id"])
            count["outputs known to us"] += our_columns is not None
            if our_columns is not None and their_columns is not None:
                count["outputs compared"] += 1
                our_columns = [c.lower() for c in our_columns]
                if not same_items(our_columns, their_columns):
                    found.append(("outputs", (), our_columns, their_columns))
                else:
                    count["outputs"] += 1
            kinds = {kind for kind, *_ in found}
            count["compared"] += 1
            count["with unknowns"] += bool(unknown)
            for kind in ("ctes", "relations", "names", "columns"):
                count[kind] += kind not in kinds
            count["all agree"] += not found
            for kind, path, a, b in found:
                differ = True
                print(f"{dialect} {model['where']}: {kind} of {'.'.join(path) or 'the query'}")
                print(f"    ours   {short(a, b)}\n    theirs {short(b, a)}")
        rows.append((dialect, len(models), count))
    heads = ["drawn", "not read by us", "not read by sqlglot", "no query to sqlglot", "compared", "with unknowns", "ctes",
             "relations", "names", "columns", "outputs known to us", "outputs compared", "outputs", "all agree"]
    print("\n| dialect | models | " + " | ".join(heads) + " |")
    print("|---|" + "--:|" * (len(heads) + 1))
    for dialect, models, count in rows:
        print(f"| {dialect} | {models} | " + " | ".join(str(count[h]) for h in heads) + " |")
    sys.exit(differ)


def short(a, b):
    """The part of a list that the other does not have."""
    rest = list(b)
    alone = []
    for one in a:
        if one in rest:
            rest.remove(one)
        else:
            alone.append(one)
    return str(alone or f"(the same {len(a)} in another order)")[:600]


if __name__ == "__main__":
    main()
