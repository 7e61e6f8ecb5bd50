#!/usr/bin/env python3
"""Runs the shell steps of action.yml and of the CI examples in scratch repositories, as their hosts
would, and checks what they leave behind.

    steps.py --checkout DIR --harness-lint BINARY

What only a host can do is not run: caching, the upload to code scanning, publishing a report. The
GitHub command line is a stand-in that writes down how it was called, and so is apt-get.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import yaml

GOOD = "select id, name from {{ ref('raw') }}\n"
BAD = "select id, name from {{ ref('rwa') }}\n"
GH = """#!/usr/bin/env python3
import os, pathlib, sys
log = pathlib.Path(os.environ["GH_LOG"])
with log.open("a") as out:
    out.write(" ".join(sys.argv[1:]) + "\\n")
if "--paginate" in sys.argv:
    print(os.environ["GH_OLD"], end="")
"""


def git(repository, *args):
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *identity, *args], cwd=repository, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def scratch(folder, model):
    """A dbt project with `origin/main`, and a commit on top of it that brings `model`."""
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "models").mkdir()
    (folder / "seeds").mkdir()
    (folder / "dbt_project.yml").write_text("name: scratch\nversion: '1.0'\nprofile: scratch\n")
    (folder / "harness-lint.yml").write_text("extends: minimal\nrules: {test/pk: off}\n")
    (folder / "seeds/raw.csv").write_text("id,name\n1,a\n")
    (folder / ".gitignore").write_text("/.cargo-tools/\n/.harness-lint\n/*.json\n/*.xml\n")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "base")
    base = git(folder, "rev-parse", "HEAD")
    git(folder, "update-ref", "refs/remotes/origin/main", base)
    (folder / "models/one.sql").write_text(model)
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "change")
    return base


def run(script, cwd, env):
    """A step's shell, as GitHub starts it."""
    return subprocess.run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
                          cwd=cwd, env={**os.environ, **env}, check=False, capture_output=True, text=True)


def expect(is_so, what, done=None):
    if not is_so:
        sys.exit(f"not so: {what}" + (f"\n{done.stdout}\n{done.stderr}" if done else ""))
    print(f"  {what}")


def tools(folder):
    """Stand-ins for commands that would change a host."""
    folder.mkdir()
    (folder / "gh").write_text(GH)
    (folder / "apt-get").write_text("#!/bin/sh\n")
    for tool in folder.iterdir():
        tool.chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def action(args, temp, path):
    steps = {s["name"]: s for s in yaml.safe_load((args.checkout / "action.yml").read_text())["runs"]["steps"]}
    for model, code in ((BAD, 1), (GOOD, 0)):
        project = temp / f"action{code}"
        scratch(project, model)
        runner = temp / f"runner{code}"
        runner.mkdir()
        output, summary = runner / "output", runner / "summary"
        env = {"GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(summary), "RUNNER_TEMP": str(runner),
               "GITHUB_ACTION_PATH": str(args.checkout), "GITHUB_REPOSITORY": "o/r", "PATH": path}
        done = run(steps["Tell which harness-lint this is"]["run"], project, env)
        expect(done.returncode == 0 and len(output.read_text().strip()) == len("key=") + 16, "the cache has a key", done)
        inputs = {"PROJECT_DIR": ".", "ARGS": "--changed=origin/main --fail-on warn", "BINARY": str(args.harness_lint)}
        done = run(steps["Check"]["run"], project, env | inputs)
        expect(done.returncode == 0, "the step itself does not fail", done)
        outputs = dict(line.split("=", 1) for line in output.read_text().splitlines())
        expect(outputs["exit-code"] == str(code), f"exit-code is {code}", done)
        expect(("::error file=models/one.sql,line=1" in done.stdout) == bool(code), "annotations as they should be", done)
        expect(summary.read_text().startswith("<!-- harness-lint -->"), "the job has a summary")
        results = json.loads(pathlib.Path(outputs["sarif"]).read_text())["runs"][0]["results"]
        expect(len(results) == code, f"{code} results in SARIF")
        for old, verb in (("", "--method POST"), ("77\n", "--method PATCH repos/o/r/issues/comments/77")):
            log = runner / "gh.log"
            log.unlink(missing_ok=True)
            call = {"GH_TOKEN": "x", "PULL": "5", "SUMMARY": outputs["summary"], "GH_LOG": str(log), "GH_OLD": old}
            done = run(steps["Comment on the pull request"]["run"], project, env | call)
            expect(done.returncode == 0 and verb in log.read_text(), f"the comment: {verb}", done)
        done = run(steps["Fail where harness-lint failed"]["run"], project, env | {"CODE": outputs["exit-code"]})
        expect(done.returncode == code, f"the action exits {code}")


def examples(args, temp, path):
    folder = args.checkout / "docs/examples"
    for model, code in ((BAD, 1), (GOOD, 0)):
        project = temp / f"examples{code}"
        base = scratch(project, model)
        runner = temp / f"examples-runner{code}"
        runner.mkdir()
        (project / ".harness-lint").symlink_to(args.checkout)
        env = {"PATH": path, "RUNNER_TEMP": str(runner), "AGENT_TEMPDIRECTORY": str(runner),
               "BASE": "main", "SYSTEM_PULLREQUEST_TARGETBRANCH": "refs/heads/main",
               "CI_MERGE_REQUEST_DIFF_BASE_SHA": base, "HARNESS_LINT_REPOSITORY": f"file://{args.checkout}"}
        for tool in (runner / "tools/bin", project / ".cargo-tools/bin"):
            tool.mkdir(parents=True)
            shutil.copy(args.harness_lint, tool)
        plain = yaml.safe_load((folder / "github-plain.yml").read_text())["jobs"]["check"]["steps"]
        steps = [s["run"] for s in plain if "run" in s]
        azure = [s["script"] for s in yaml.safe_load((folder / "azure-pipelines.yml").read_text())["steps"] if "script" in s]
        gitlab = yaml.safe_load((folder / "gitlab-ci.yml").read_text())["harness-lint"]
        for name, build, check, report in (
            ("github-plain.yml", steps[0], steps[1], None),
            ("azure-pipelines.yml", azure[0], azure[1], runner / "harness-lint.xml"),
            ("gitlab-ci.yml", "\n".join(gitlab["before_script"]), "\n".join(gitlab["script"]),
             project / "gl-code-quality-report.json"),
        ):
            if args.build and code == 1:
                done = run(build.replace("cargo install", "cargo install --force"), project, env)
                expect(done.returncode == 0, f"{name}: it builds", done)
            done = run(check, project, env)
            expect(done.returncode == code, f"{name}: the check exits {code}", done)
            if report:
                expect(report.stat().st_size > 0, f"{name}: its report is there")


# A forge: issues are kept in a file.
FORGE = """#!/usr/bin/env python3
import json, os, pathlib, sys
store = pathlib.Path(os.environ["GH_LOG"])
issues = json.loads(store.read_text()) if store.exists() else []
what, args = " ".join(sys.argv[1:3]), sys.argv[3:]
after = lambda flag: args[args.index(flag) + 1]
if what == "issue list":
    print(json.dumps([i for i in issues if i["open"]]))
elif what == "issue create":
    issues.append({"number": len(issues) + 1, "title": after("--title"), "body": sys.stdin.read().replace("\\n", "\\r\\n"), "open": True})
elif what == "issue edit":
    issues[int(args[0]) - 1] |= {"title": after("--title"), "body": sys.stdin.read()}
elif what == "issue close":
    issues[int(args[0]) - 1]["open"] = False
store.write_text(json.dumps(issues))
"""


def audit(args, temp, path):
    """The weekly audit: findings come, some go, all go."""
    project, runner, tool = temp / "audit", temp / "audit-runner", temp / "audit-tools"
    scratch(project, GOOD)
    (runner / "tools/bin").mkdir(parents=True)
    shutil.copy(args.harness_lint, runner / "tools/bin")
    tool.mkdir()
    (tool / "gh").write_text(FORGE)
    (tool / "gh").chmod(0o755)
    workflow = yaml.safe_load((args.checkout / "docs/examples/audit-github.yml").read_text())
    steps = {s["name"]: s["run"] for s in workflow["jobs"]["audit"]["steps"] if "name" in s}
    store, summary = runner / "issues.json", runner / "summary"
    env = {"PATH": f"{tool}{os.pathsep}{path}", "RUNNER_TEMP": str(runner), "GH_LOG": str(store), "GITHUB_STEP_SUMMARY": str(summary)}
    (project / "harness-lint.yml").write_text("extends: []\nrules: {doc/missing: warn, sql/star-output: warn}\n")
    (project / "models/two.sql").write_text("select * from {{ ref('raw') }}\n")
    described = "models:\n- name: one\n  description: \"`$(touch ran)` <b>\"\n"

    def week(what, wanted):
        git(project, "add", ".")
        git(project, "commit", "-qm", what, "--allow-empty")
        done = run(steps["Issues"], project, env)
        expect(done.returncode == 0, "audit-github.yml: the issues are kept", done)
        found = [(i["open"], i["body"].count("| <code>")) for i in json.loads(store.read_text())]
        expect(done.returncode == 0 and found == wanted, f"audit-github.yml: {what} {found}", done)

    done = run(steps["Audit"], project, env)
    lines = (project / "audit-history.jsonl").read_text().splitlines()
    expect(done.returncode == 0 and len(lines) == 1, "audit-github.yml: a history begins", done)
    expect(summary.read_text().startswith("# Audit") and (project / "audit.html").stat().st_size > 0, "audit-github.yml: a page and a summary")
    for name in ("audit-history.jsonl", "audit.html"):
        (project / name).unlink()
    week("each thing to do is an issue", [(True, 1), (True, 2)])
    week("nothing is opened twice", [(True, 1), (True, 2)])
    (project / "models/one.yml").write_text(described)
    week("what is left is said", [(True, 1), (True, 1)])
    (project / "models/two.sql").write_text(GOOD)
    week("what is mended is closed", [(False, 1), (True, 1)])
    expect(not (project / "ran").exists(), "audit-github.yml: no text is run")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkout", type=pathlib.Path, required=True)
    parser.add_argument("--harness-lint", type=pathlib.Path, required=True)
    parser.add_argument("--build", action="store_true", help="run the steps that compile, too")
    args = parser.parse_args()
    args.checkout = args.checkout.resolve()
    args.harness_lint = args.harness_lint.resolve()
    with tempfile.TemporaryDirectory() as temp:
        temp = pathlib.Path(temp)
        path = tools(temp / "tools")
        action(args, temp, path)
        examples(args, temp, path)
        audit(args, temp, path)


if __name__ == "__main__":
    main()
