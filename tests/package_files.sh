#!/usr/bin/env bash
# What packages consist of and name: the symbols of the C library that the program needs, the list of its components (SBOM), and the
# manifests of Kubernetes, each judged by the schemas of those who define it.
#
#     tests/package_files.sh BINARY
set -euo pipefail
binary=$(realpath "${1:?the release binary}")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. tests/prepare.sh
. packaging/stage.sh
PYTHON=target/package-venv/bin/python

check_symbols() {
    local newest
    newest=$(readelf --wide --dyn-syms "$binary" | grep -o 'GLIBC_[0-9.]*' | sort -Vu | tail -n 1)
    [ "$(printf 'GLIBC_%s\n%s\n' "$OLDEST_GLIBC" "$newest" | sort -V | tail -n 1)" = "GLIBC_$OLDEST_GLIBC" ] ||
        fail "the program needs $newest, newer than GLIBC_$OLDEST_GLIBC: it was built on too new a system"
    grep -q "\b$OLDEST_GLIBC\b" docs/operations/install.md || fail "docs/operations/install.md does not name glibc $OLDEST_GLIBC"
    echo "symbols: $newest at most, where GLIBC_$OLDEST_GLIBC is allowed"
}

# The same list twice, valid, with every crate and every package of npm that is locked.
check_sbom() {
    local sbom first
    sbom=$(packaging/sbom.sh | tail -n 1)
    first=$(sha256sum <"$sbom")
    packaging/sbom.sh >/dev/null
    [ "$(sha256sum <"$sbom")" = "$first" ] || fail "two lists of the same sources differ"
    "$PYTHON" - "$sbom" <<'PY'
import json
import sys
import tomllib
from urllib.parse import unquote

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

text = open(sys.argv[1]).read()
error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
assert error is None, error
bom = json.loads(text)
found = {unquote(component["purl"]) for component in bom["components"]} | {bom["metadata"]["component"]["purl"]}
crates = {f"pkg:cargo/{crate['name']}@{crate['version']}" for crate in tomllib.load(open("Cargo.lock", "rb"))["package"]}
packages = json.load(open("web/package-lock.json"))["packages"]
modules = {f"pkg:npm/{path.rpartition('node_modules/')[2]}@{module['version']}" for path, module in packages.items() if path}
missing = (crates | modules) - found
assert not missing, f"not listed: {sorted(missing)}"
print(f"SBOM: {len(crates)} crates and {len(modules)} packages of npm, valid as CycloneDX 1.6, the same twice")
PY
}

wanted="kubernetes-validate==1.37.0 cyclonedx-python-lib[json-validation]==11.12.0"
if [ "$(cat target/package-venv/installed 2>/dev/null)" != "$wanted" ]; then
    mkdir -p target
    make_venv target/package-venv
    # shellcheck disable=SC2086
    target/package-venv/bin/uv pip install --quiet --python "$PYTHON" $wanted >&2
    echo "$wanted" >target/package-venv/installed
fi
check_symbols
check_sbom
"$PYTHON" packaging/kubernetes/check.py
