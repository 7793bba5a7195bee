# shellcheck shell=bash
# What every package holds, for sourcing: the program, its manual pages and completions, and the
# configuration of the service. The unit is packaging/debian/basalt.service, and the user is made by packaging/shared/setup.

# The newest version of the GNU C library that the program may need symbols of: that of Ubuntu 22.04, older than that of Debian 12.
# tests/package_files.sh reads the symbols of the program.
# shellcheck disable=SC2034
OLDEST_GLIBC=2.35

# Prints the release program: the one that is given, or one that is built, with the profile `dist` of Cargo.toml.
release_binary() {
    if [ -n "${1:-}" ]; then
        echo "$1"
        return
    fi
    BASALT_WEB=require cargo build --locked --profile dist >&2
    echo "${CARGO_TARGET_DIR:-target}/dist/basalt"
}

# What every script of a package begins with, with its arguments: the root of the repository as directory, the program in $binary, and
# the time of all files.
begin_package() {
    # The caller's path, before the directory changes.
    binary=${1:+$(realpath "$1")}
    cd "$(dirname "${BASH_SOURCE[0]}")/.."
    binary=$(release_binary "$binary")
    export_source_date
}

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

# Makes the directory $2 anew around the program $1.
stage_files() {
    local shell
    rm -rf "$2"
    mkdir -p "$2/man"
    install -m 755 "$1" "$2/basalt"
    "$2/basalt" man "$2/man"
    for shell in bash zsh fish; do
        "$2/basalt" completions "$shell" >"$2/basalt.$shell"
    done
    configuration >"$2/basalt.toml"
}

# Copies the documents into the directory $1.
stage_documents() {
    install -d "$1/docs/decisions" "$1/docs/operations"
    install -m 644 CHANGELOG.md README.md basalt.toml.example "$1"
    install -m 644 docs/*.md "$1/docs"
    install -m 644 docs/decisions/*.md "$1/docs/decisions"
    install -m 644 docs/operations/*.md "$1/docs/operations"
}

# The version of Cargo.toml.
package_version() {
    sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1
}

# The time of all files of a package, so that the same sources and the same program make the same bytes: that of the last commit,
# or of the file that names the version where there is no repository.
export_source_date() {
    SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y Cargo.toml)}
    export SOURCE_DATE_EPOCH
}

# The name of this machine's processor in names of packages of Debian and OCI.
oci_architecture() {
    case $(uname -m) in
    x86_64) echo amd64 ;;
    aarch64) echo arm64 ;;
    *) uname -m ;;
    esac
}
