#!/usr/bin/env bash
# Builds the program of the packages twice in the same directory, from nothing each time, and compares the bytes. It takes twice as long as a
# build: one is `cargo build --profile dist`.
#
#     tests/package_reproducible.sh [PROFILE]
#
# Both programs stay in target/reproducible when they differ, as first and second.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
profile=${1:-dist}
# Cargo puts what `dev` builds into `debug`.
folder=$profile
[ "$profile" != dev ] || folder=debug
kept=target/reproducible

build() {
    # The same directory again: the program holds its path.
    rm -rf "$kept/build"
    BASALT_WEB=require CARGO_TARGET_DIR=$PWD/$kept/build cargo build --locked --profile "$profile" >&2
    mv "$kept/build/$folder/basalt" "$kept/$1"
    rm -rf "$kept/build"
}

rm -rf "$kept"
mkdir -p "$kept"
build first
build second
if ! cmp -s "$kept/first" "$kept/second"; then
    echo "tests/package_reproducible.sh: two builds differ, in this many bytes of $(stat -c %s "$kept/first") and $(stat -c %s "$kept/second"):" >&2
    { cmp -l "$kept/first" "$kept/second" || true; } | wc -l >&2
    exit 1
fi
echo "two builds of the profile $profile are the same $(stat -c %s "$kept/first") bytes: $(sha256sum <"$kept/first" | cut -d ' ' -f 1)"
rm -rf "$kept"
