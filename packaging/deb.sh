#!/usr/bin/env bash
# Builds the Debian package, and prints its path as the last line. Needs cargo-deb (cargo install cargo-deb) and dpkg-dev.
#
#     packaging/deb.sh [BINARY]      without a release binary, one is built
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/stage.sh"
begin_package "$@"
# What Cargo.toml lists under [package.metadata.deb].
stage_files "$binary" target/deb
cargo deb --locked --no-build --package basalt
