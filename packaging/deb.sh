#!/usr/bin/env bash
# Builds the Debian package, and prints its path as the last line. Needs cargo-deb (cargo install cargo-deb) and dpkg-dev.
#
#     packaging/deb.sh [BINARY]      without a release binary, one is built
set -euo pipefail
# The caller's path, before the directory changes.
binary=${1:+$(realpath "$1")}
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# What Cargo.toml lists under [package.metadata.deb].
stage=target/deb

# basalt.toml for /etc/basalt: every default is a comment, so that a later version can change it, but for the data directory.
# The examples are comments in basalt.toml.example already, with a blank.
configuration() {
    cat <<'HEADER'
# Configuration of the service basalt; `systemctl restart basalt` applies it. Give commands the same file:
# sudo -u basalt basalt key list --config /etc/basalt/basalt.toml
# `#key = value` is a default; `# key = value`, with a blank, is an example of a setting that has none.
# Environment variables in /etc/default/basalt override this file, but only the service reads them, not commands: what
# commands need as well, such as catalog.url and lake.url, belongs here.
HEADER
    sed -E -e '1,/^# Every line below is a default/d' -e 's/^[a-z_]+ = /#&/' \
        -e 's|^#data_dir = .*|data_dir = "/var/lib/basalt"|' basalt.toml.example
}

if [ -z "$binary" ]; then
    # One codegen unit makes a program that is a tenth smaller, and takes twice as long.
    BASALT_WEB=require CARGO_PROFILE_RELEASE_CODEGEN_UNITS=1 cargo build --locked --release
    binary=${CARGO_TARGET_DIR:-target}/release/basalt
fi
rm -rf "$stage"
mkdir -p "$stage/man"
install -m 755 "$binary" "$stage/basalt"
"$stage/basalt" man "$stage/man"
for shell in bash zsh fish; do
    "$stage/basalt" completions "$shell" >"$stage/basalt.$shell"
done
configuration >"$stage/basalt.toml"
cargo deb --locked --no-build
