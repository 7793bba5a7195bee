#!/usr/bin/env bash
# Builds the program of the packages in several ways, each from nothing, and prints what each takes and weighs: a table in Markdown.
#
#     benches/build.sh [WAY…]      dist, thin and fat, or some of them; a build takes an hour and more on two cores, `fat` much memory as well
#     benches/build.sh crates      what each crate adds to the program, by cargo-bloat (cargo install cargo-bloat --locked)
#
# The programs stay in target/ways. `python3 benches/peers builds` asks two of them the ten questions, in turns.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
    echo "benches/build.sh: $*" >&2
    exit 1
}

# Settings of Cargo by which a way differs from the profile `dist`.
settings() {
    case $1 in
    dist) ;;
    thin) echo 'profile.dist.lto="thin"' ;;
    fat) echo 'profile.dist.lto="fat"' ;;
    *) fail "no way \`$1\`: there are dist, thin, fat and crates" ;;
    esac
}

build() {
    local way=$1 setting options=() began=$SECONDS program=target/ways/basalt-$1
    setting=$(settings "$way")
    [ -z "$setting" ] || options=(--config "$setting")
    rm -rf "target/ways/$way"
    BASALT_WEB=require CARGO_TARGET_DIR=$PWD/target/ways/$way cargo build --locked --profile dist "${options[@]}" >&2
    mv "target/ways/$way/dist/basalt" "$program"
    rm -rf "target/ways/$way"
    echo "| $way | $((SECONDS - began)) | $(stat -c %s "$program") | $(gzip -9 <"$program" | wc -c) |"
}

if [ "${1:-}" = crates ]; then
    command -v cargo-bloat >/dev/null || fail "no cargo-bloat: cargo install cargo-bloat --locked"
    exec cargo bloat --locked --profile dist --config profile.dist.strip=false --crates -n 60
fi
ways=("$@")
[ ${#ways[@]} -gt 0 ] || ways=(dist thin fat)
for way in "${ways[@]}"; do
    settings "$way" >/dev/null
done
mkdir -p target/ways
echo "| way | seconds | bytes | packed by gzip -9 |"
echo "|---|---|---|---|"
for way in "${ways[@]}"; do
    build "$way"
done
