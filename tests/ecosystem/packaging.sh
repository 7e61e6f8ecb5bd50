#!/usr/bin/env bash
# The ways in which others run harness-lint, with the real tools: pre-commit, a wheel, the action's and
# the CI examples' steps. Installs into a virtual environment of its own; needs python3, cargo and git,
# and the Python index. The commit that is checked out is what is tested, not what lies beside it.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
say() { printf -- '-- %s\n' "$1"; }

say 'tools'
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    'maturin>=1.9,<2' 'pre-commit>=4,<5' 'check-jsonschema==0.39.*' 'zizmor>=1,<2' pyyaml
bin="$work/venv/bin"

say 'schemas of the hosts'
cd "$top"
"$bin/check-jsonschema" --builtin-schema vendor.github-actions action.yml
"$bin/check-jsonschema" --builtin-schema vendor.github-workflows docs/examples/github.yml \
    docs/examples/github-plain.yml docs/examples/audit-github.yml
"$bin/check-jsonschema" --builtin-schema vendor.gitlab-ci --data-transform gitlab-ci docs/examples/gitlab-ci.yml
"$bin/check-jsonschema" --builtin-schema vendor.azure-pipelines --data-transform azure-pipelines \
    --regex-variant nonunicode docs/examples/azure-pipelines.yml
"$bin/zizmor" --offline --quiet --config tests/ecosystem/zizmor.yml action.yml docs/examples/*github*.yml
"$bin/pre-commit" validate-manifest .pre-commit-hooks.yaml
"$bin/pre-commit" validate-config docs/examples/pre-commit-config.yaml

# Compiled without optimisation: what is tested here is not speed.
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$top/target}/ecosystem"
export CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=256
git clone --quiet --no-hardlinks "$top" "$work/checkout"
checkout="$work/checkout"

say 'a wheel'
(cd "$checkout" && "$bin/maturin" build --release --quiet --out "$work/wheels")
python3 -m venv "$work/fresh"
"$work/fresh/bin/pip" install --quiet --disable-pip-version-check --no-index "$work"/wheels/*.whl
lint="$work/fresh/bin/harness-lint"
"$lint" --version
"$lint" check --project-dir "$top/fixtures/clean" --fail-on info

say 'the steps of the action and of the examples'
"$bin/python" tests/ecosystem/steps.py --checkout "$checkout" --harness-lint "$lint" --build

say 'pre-commit'
export PRE_COMMIT_HOME="$work/pre-commit" GIT_CONFIG_GLOBAL="$work/gitconfig"
git config --global user.name a
git config --global user.email a@example.org
git config --global init.defaultBranch main
git init --quiet "$work/project"
cd "$work/project"
mkdir models seeds
printf 'id,name\n1,a\n' > seeds/raw.csv
printf "name: scratch\nversion: '1.0'\nprofile: scratch\n" > dbt_project.yml
printf 'extends: minimal\nrules: {test/pk: off}\n' > harness-lint.yml
cat > .pre-commit-config.yaml <<YAML
repos:
  - repo: $checkout
    rev: $(git -C "$checkout" rev-parse HEAD)
    hooks:
      - id: harness-lint
      - id: harness-lint-staged
YAML
good="select id, name from {{ ref('raw') }}"
bad="select id, name from {{ ref('rwa') }}"
refused() {
    if git commit --quiet -m "$1" > "$work/log" 2>&1; then
        printf 'the commit was not refused: %s\n' "$1" >&2
        exit 1
    fi
    grep --quiet "$2" "$work/log" || { cat "$work/log" >&2; printf 'refused, but not for %s\n' "$2" >&2; exit 1; }
}
accepted() { git commit --quiet -m "$1" > "$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }; }
git add .
"$bin/pre-commit" install
accepted 'a project'
echo "$bad" > models/one.sql
git add models
refused 'a ref to nothing' graph/broken-ref
echo "$good" > models/one.sql
refused 'mended, but not staged' graph/broken-ref
git add models
accepted 'mended'
echo "$good -- and a comment" > models/one.sql
git add models
echo "$bad" > models/one.sql
accepted 'the defect is not staged'
git checkout --quiet models
echo "select id from {{ ref('one') }}" > models/two.sql
git add models
accepted 'a child'
git rm --quiet models/one.sql
refused 'the child has lost its parent' graph/broken-ref
git reset --quiet --hard
"$bin/pre-commit" run --all-files > "$work/log"
echo "$bad" > models/one.sql
if "$bin/pre-commit" run --all-files > "$work/log"; then
    echo 'run --all-files does not see a defect' >&2
    exit 1
fi
say 'all is well'
