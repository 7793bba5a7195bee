#!/usr/bin/env bash
# Builds the Debian package around a release binary and installs it into an empty Debian, where tests/package.sh uses this machine:
# first value, installing again over a changed configuration, removing and purging. Needs root and cargo-deb.
#
#     tests/package_deb.sh BINARY
set -euo pipefail
binary=$(realpath "${1:?the release binary to pack}")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. tests/package_root.sh
command -v cargo-deb >/dev/null || package_fail "no cargo-deb: cargo install cargo-deb --version 3.8.0 --locked"

# dpkg looks at dependencies and fetches none: the C library, libgcc_s and adduser are in every Debian.
dpkg_in_root() {
    run_in_root "$root" dpkg --force-confold "$@" >>"$scratch/dpkg" 2>&1 || {
        cat "$scratch/dpkg" >&2
        package_fail "dpkg $1 failed"
    }
}

basalt() {
    run_in_root "$root" "${AS_OWNER[@]}" /usr/bin/basalt "$@" --config /etc/basalt/basalt.toml
}

open_scratch
package=$(realpath "$(packaging/deb.sh "$binary" | tail -n 1)")
root=$scratch/root
make_root "$root"
cp "$package" "$root/basalt.deb"

begin_first_value
dpkg_in_root --install /basalt.deb
owner=$(run_in_root "$root" id -u basalt) group=$(run_in_root "$root" id -g basalt)
expect_file "$root" etc/basalt/basalt.toml "-rw-r----- 0:$group"
expect_file "$root" var/lib/basalt "drwxr-x--- $owner:$group"
start_unit "$root" usr/lib/systemd/system/basalt.service
check_first_value basalt
stop_server

echo '# mine' >>"$root/etc/basalt/basalt.toml"
chmod 0600 "$root/etc/basalt/basalt.toml"
dpkg_in_root --install /basalt.deb
[ "$(tail -n 1 "$root/etc/basalt/basalt.toml")" = "# mine" ] || package_fail "a changed configuration was replaced"
expect_file "$root" etc/basalt/basalt.toml "-rw------- 0:$group"

dpkg_in_root --remove basalt
if [ ! -e "$root/var/lib/basalt/catalog.sqlite" ] || [ ! -e "$root/etc/basalt/basalt.toml" ]; then
    package_fail "removing took data or configuration"
fi
dpkg_in_root --purge basalt
expect_gone "$root" etc/basalt var/lib/basalt usr/bin/basalt usr/lib/basalt usr/share/doc/basalt
echo "deb: $(stat -c %s "$package") bytes; installed, $first_value, installed again, removed, purged"
