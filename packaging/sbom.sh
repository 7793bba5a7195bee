#!/usr/bin/env bash
# Writes the list of what the program and its pages are made of (SBOM, CycloneDX 1.6) from Cargo.lock and web/package-lock.json, and
# prints its path as the last line. Needs npm, which brings cdxgen for the time of the run, or CDXGEN with its path.
#
#     packaging/sbom.sh
#
# It lists what is locked: also what only tests, builds and other systems need.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. packaging/stage.sh

CDXGEN_VERSION=12.8.4
cdxgen=${CDXGEN:-}
sources=$(mktemp -d)
trap 'rm -rf "$sources"' EXIT
if [ -z "$cdxgen" ]; then
    npm install --no-audit --no-fund --loglevel=error --omit=optional --prefix "$sources/npm" "@cyclonedx/cdxgen@$CDXGEN_VERSION" >&2
    cdxgen=$sources/npm/node_modules/.bin/cdxgen
fi
# Nothing but the two lists: the tests have lists of their own, of what is not shipped.
mkdir -p "$sources/basalt/web" target/sbom
cp --parents Cargo.toml Cargo.lock src/*/Cargo.toml tests/fuzz/Cargo.toml "$sources/basalt"
cp web/package.json web/package-lock.json "$sources/basalt/web"
(cd "$sources" && "$cdxgen" --type cargo --type npm --no-install-deps --spec-version 1.6 --output "$sources/all.json" basalt) >&2
export_source_date
sbom=target/sbom/basalt-$(package_version).cdx.json
python3 packaging/sbom.py "$sources/all.json" "$(package_version)" >"$sbom"
echo "$sbom"
