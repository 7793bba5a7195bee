#!/usr/bin/env bash
# Builds the Debian package, and prints its path as the last line. Needs cargo-deb (cargo install cargo-deb) and dpkg-dev.
#
#     packaging/deb.sh [BINARY]      without a release binary, one is built
set -euo pipefail
# The caller's path, before the directory changes.
binary=${1:+$(realpath "$1")}
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. packaging/stage.sh

binary=$(release_binary "$binary")
export_source_date
# What Cargo.toml lists under [package.metadata.deb].
stage_files "$binary" target/deb
cargo deb --locked --no-build
