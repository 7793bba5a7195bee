#!/usr/bin/env bash
# Keeps a data directory of this version for the upgrade test, at a release: tests/upgrade/releases/VERSION.tar.gz and .json, which
# are committed with the release and never made again (docs/releasing.md).
#
# Needs what `cargo test` needs, and tar. The version is that of Cargo.toml.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

releases=$PWD/tests/upgrade/releases
mkdir -p "$releases"
BASALT_TEST_KEEP=$releases cargo test --locked --test integration upgrade::what_this_version_would_keep_holds_all_kinds_of_rows -- --exact
ls -l "$releases"
