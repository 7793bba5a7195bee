#!/usr/bin/env bash
# Builds the Debian package around a release binary and tries it: what is in it, and as root on a Debian without Basalt also
# installing, serving, installing again over a changed configuration, removing and purging. Afterwards nothing of it is left.
#
#     tests/package.sh BINARY
#
# Elsewhere it is unpacked into a temporary directory and serves from there. Without systemd the server is started by the
# unit's command line, as the unit's user and without capabilities, but not in the rest of its sandbox. The last lines say
# what was not tried.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
    echo "tests/package.sh: $*" >&2
    exit 1
}

untried=()
# Empty once the package is installed, else the directory that it is unpacked in.
prefix=
server=

# Each path with what `dpkg-deb --contents` and `--info` have to say about it.
check_contents() {
    local listing control line
    listing=$(dpkg-deb --contents "$package" | awk '{ print $1, $2, $6 }')
    control=$(dpkg-deb --info "$package")
    for line in "-rwxr-xr-x 0/0 ./usr/bin/basalt" "-rwxr-xr-x 0/0 ./usr/lib/basalt/setup" "-rw-r----- 0/0 ./etc/basalt/basalt.toml" \
        "-rw-r--r-- 0/0 ./usr/lib/systemd/system/basalt.service" "-rw-r--r-- 0/0 ./usr/share/doc/basalt/copyright" \
        "-rw-r--r-- 0/0 ./usr/share/doc/basalt/docs/operations/install.md" "-rw-r--r-- 0/0 ./usr/share/man/man1/basalt.1.gz" \
        "-rw-r--r-- 0/0 ./usr/share/man/man1/basalt-key-create.1.gz" \
        "-rw-r--r-- 0/0 ./usr/share/bash-completion/completions/basalt" \
        "-rw-r--r-- 0/0 ./usr/share/zsh/vendor-completions/_basalt" \
        "-rw-r--r-- 0/0 ./usr/share/fish/vendor_completions.d/basalt.fish"; do
        grep -qxF -- "$line" <<<"$listing" || fail "not in the package: $line"
    done
    grep -q '^ Depends: adduser, libc6 ' <<<"$control" || fail "other dependencies: $control"
    [ "$(dpkg-deb --info "$package" conffiles)" = /etc/basalt/basalt.toml ] || fail "another list of conffiles"
    echo "contents: $(wc -l <<<"$listing") files and folders, $(stat -c %s "$package") bytes"
}

# What their own programs say about the unit, the manual pages and the completions, as far as these are here.
check_files() {
    local unit=packaging/debian/basalt.service
    [ "$(grep -Ev '^(#|\[|$)' target/deb/basalt.toml)" = 'data_dir = "/var/lib/basalt"' ] || fail "basalt.toml sets something else"
    [ "$(grep -c '^#[a-z_]* = ' target/deb/basalt.toml)" -gt 50 ] || fail "basalt.toml lacks settings"
    if [[ $(systemd-analyze --version 2>/dev/null) =~ ^systemd\ ([0-9]+) && ${BASH_REMATCH[1]} -ge 250 ]]; then
        systemd-analyze security --offline=true --threshold=20 "$unit" | tail -n 1
    else
        untried+=("systemd-analyze security: no systemd of version 250 or newer")
    fi
    if man --version >/dev/null 2>&1; then
        # An address in an example may be too long for a justified line.
        ! man --warnings -l target/deb/man/*.1 2>&1 >/dev/null | grep -v "cannot adjust line" >&2 || fail "man warns of a manual page"
    else
        untried+=("the manual pages: no man")
    fi
    local shell
    for shell in bash zsh fish; do
        if command -v "$shell" >/dev/null; then
            "$shell" -n "target/deb/basalt.$shell" || fail "$shell does not read its completions"
        else
            untried+=("the completions of $shell: no $shell")
        fi
    done
}

# Whether this system can have the package for a while: nothing here is called basalt.
can_install() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && ! id basalt >/dev/null 2>&1 || return 1
    local path
    for path in /etc/basalt /etc/default/basalt /usr/bin/basalt /var/lib/basalt; do
        [ ! -e "$path" ] || return 1
    done
}

# Whether installing starts services. Images for containers have a policy-rc.d against it.
has_systemd() {
    [ -d /run/systemd/system ] && [ ! -e /usr/sbin/policy-rc.d ]
}

apt_package() {
    DEBIAN_FRONTEND=noninteractive apt-get "$@" >>"$scratch/apt" 2>&1 || {
        cat "$scratch/apt" >&2
        fail "apt-get $1 failed"
    }
}

clean_up() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    if [ -z "$prefix" ]; then
        dpkg --purge basalt >/dev/null 2>&1 || true
        ! id basalt >/dev/null 2>&1 || userdel basalt
        rm -rf /etc/default/basalt /etc/basalt /var/lib/basalt
    fi
    rm -rf "$scratch"
}

# Runs a program as the owner of the data. $owner is set with $prefix.
as_owner() {
    (cd / && exec "${owner[@]}" "$@")
}

# Prints the URL that the server, of this script or of systemd, has logged.
wait_for_url() {
    local url
    for _ in $(seq 300); do
        if [ -z "$server" ]; then
            # Of this start only.
            journalctl --output cat "_SYSTEMD_INVOCATION_ID=$(systemctl show --property InvocationID --value basalt)" \
                >"$scratch/log"
        fi
        if url=$(grep -o 'http://127.0.0.1:[0-9]*' "$scratch/log" | tail -n 1); then
            echo "$url"
            return
        fi
        sleep 0.1
    done
    cat "$scratch/log" >&2
    fail "the server does not answer"
}

# The server answers, the first key is made as docs/operations/install.md says, and the server knows it.
check_service() {
    local url key start
    if [ -n "$prefix" ] || ! has_systemd; then
        read -ra start <<<"$(sed -n 's/^ExecStart=//p' packaging/debian/basalt.service)"
        (cd / && BASALT_LISTEN=127.0.0.1:0 exec "${owner[@]}" "${start[@]/#\//$prefix/}") 2>"$scratch/log" &
        server=$!
    fi
    url=$(wait_for_url)
    curl --silent --show-error --fail --noproxy '*' "$url/healthz/" >/dev/null
    key=$(as_owner "$prefix/usr/bin/basalt" key create --name me --config "$prefix/etc/basalt/basalt.toml" 2>/dev/null)
    curl --silent --show-error --fail --noproxy '*' -H "Authorization: ApiKey $key" "$url/api/device/" >/dev/null
    echo "service: answers with the first key"
}

stop_service() {
    if [ -n "$server" ]; then
        kill "$server"
        wait "$server" || fail "the server ended with $?: $(tail -n 5 "$scratch/log")"
        server=
    fi
}

expect_owner() {
    local found
    found=$(stat -c '%A %U:%G' "$1")
    [ "$found" = "$2" ] || fail "$1 is $found instead of $2"
}

check_installed() {
    expect_owner /etc/basalt/basalt.toml "-rw-r----- root:basalt"
    expect_owner /var/lib/basalt "drwxr-x--- basalt:basalt"
    check_service
    # Over itself, with a configuration that its administrator has changed.
    echo '# mine' >>/etc/basalt/basalt.toml
    chmod 0600 /etc/basalt/basalt.toml
    chown basalt:basalt /etc/basalt/basalt.toml
    apt_package install --yes --reinstall "$package"
    [ "$(tail -n 1 /etc/basalt/basalt.toml)" = "# mine" ] || fail "a changed configuration was replaced"
    expect_owner /etc/basalt/basalt.toml "-rw------- basalt:basalt"
    if has_systemd; then
        systemctl --quiet is-active basalt || fail "not running after an upgrade"
        [ "$(systemctl show --property NRestarts --value basalt)" = 0 ] || fail "the service had to be restarted"
    fi
    stop_service
    apt_package remove --yes basalt
    ! has_systemd || ! systemctl --quiet is-active basalt || fail "it still runs after its removal"
    [ -e /var/lib/basalt/catalog.sqlite ] && [ -e /etc/basalt/basalt.toml ] || fail "removing took data or configuration"
    apt_package purge --yes basalt
    local path
    for path in /etc/basalt /usr/bin/basalt /usr/share/doc/basalt /var/lib/basalt; do
        [ ! -e "$path" ] || fail "purging left $path"
    done
    echo "package: installed, installed again, removed, purged"
}

binary=$(realpath "${1:?the release binary to pack}")
command -v dpkg-deb >/dev/null || fail "no dpkg-deb: this is no Debian"
cargo deb --version >/dev/null 2>&1 || fail "no cargo-deb: cargo install cargo-deb --version 3.8.0 --locked"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
package=$(realpath "$(packaging/deb.sh "$binary" | tail -n 1)")
check_contents
check_files

if can_install; then
    owner=(setpriv --reuid=basalt --regid=basalt --init-groups --no-new-privs --bounding-set=-all --inh-caps=-all)
    trap clean_up EXIT
    # A free port, and a file that the unit reads.
    echo BASALT_LISTEN=127.0.0.1:0 >/etc/default/basalt
    apt_package install --yes "$package"
    check_installed
    has_systemd || untried+=("the unit: no systemd starts services here; its user and command line were used by hand")
else
    untried+=("installing: this needs root on a Debian where nothing is called basalt; the package was unpacked instead")
    prefix=$scratch/root
    owner=(env "BASALT_DATA_DIR=$scratch/data")
    trap clean_up EXIT
    dpkg-deb --extract "$package" "$prefix"
    check_service
    stop_service
fi
for line in "${untried[@]}"; do
    echo "not tried: $line"
done
