#!/usr/bin/env bash
# Builds the RPM package around a release binary, twice and with the same bytes, and reads it back with rpm: files, owners, what it
# requires, scripts. Then rpm installs it into an empty Debian, where the first value, an upgrade over a changed configuration and
# its removal are tried. Needs root.
#
#     tests/package_rpm.sh BINARY
#
# Not tried: a system of RPM packages, which would resolve what the package requires, SELinux, and the unit, as no systemd runs.
set -euo pipefail
binary=$(realpath "${1:?the release binary to pack}")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. tests/package_root.sh
command -v rpmbuild >/dev/null || package_fail "no rpmbuild (Debian: apt-get install rpm)"

check_contents() {
    local listing line
    listing=$(rpm -qp --qf '[%{FILEMODES:perms} %{FILEUSERNAME}:%{FILEGROUPNAME} %{FILENAMES}\n]' "$package")
    for line in "-rwxr-xr-x root:root /usr/bin/basalt" "-rwxr-xr-x root:root /usr/lib/basalt/setup" \
        "-rw-r----- root:root /etc/basalt/basalt.toml" "-rw-r--r-- root:root /usr/lib/systemd/system/basalt.service" \
        "-rw-r--r-- root:root /usr/share/man/man1/basalt-key-create.1.gz" "-rw-r--r-- root:root /usr/share/doc/basalt/README.md" \
        "-rw-r--r-- root:root /usr/share/bash-completion/completions/basalt" \
        "-rw-r--r-- root:root /usr/share/zsh/site-functions/_basalt" \
        "-rw-r--r-- root:root /usr/share/fish/vendor_completions.d/basalt.fish"; do
        grep -qxF -- "$line" <<<"$listing" || package_fail "not in the package: $line"
    done
    [ "$(rpm -qpc "$package")" = /etc/basalt/basalt.toml ] || package_fail "another list of configuration files"
    rpm -qp --requires "$package" >"$scratch/requires"
    grep -q '^libc.so.6(GLIBC_' "$scratch/requires" || package_fail "the C library is not required"
    ! grep -v -e '^lib' -e '^ld-linux' -e '^rtld(' -e '^rpmlib(' -e '^/bin/sh$' -e '^(shadow-utils or ' -e '^config(basalt)' "$scratch/requires" ||
        package_fail "the package requires more"
}

# The database of packages of the root knows none of what the package requires.
rpm_in_root() {
    rpm --root "$root" --nodeps "$@"
}

basalt() {
    run_in_root "$root" "${AS_OWNER[@]}" /usr/bin/basalt "$@" --config /etc/basalt/basalt.toml
}

open_scratch
package=$(packaging/rpm.sh "$binary" | tail -n 1)
cp "$package" "$scratch/first.rpm"
package=$(packaging/rpm.sh "$binary" | tail -n 1)
cmp "$package" "$scratch/first.rpm" || package_fail "two packages of the same files differ"
check_contents

root=$scratch/root
make_root "$root"
begin_first_value
rpm_in_root --install "$package"
owner=$(run_in_root "$root" id -u basalt) group=$(run_in_root "$root" id -g basalt)
expect_file "$root" etc/basalt/basalt.toml "-rw-r----- 0:$group"
expect_file "$root" var/lib/basalt "drwxr-x--- $owner:$group"
start_unit "$root" usr/lib/systemd/system/basalt.service
check_first_value basalt
stop_server

# The same version once more stands for the next one: rpm runs the scripts of an upgrade.
rpm_in_root --upgrade --replacepkgs "$package"
expect_file "$root" etc/basalt/basalt.toml "-rw-r----- 0:$group"
echo '# mine' >>"$root/etc/basalt/basalt.toml"
rpm_in_root --upgrade --replacepkgs "$package"
[ "$(tail -n 1 "$root/etc/basalt/basalt.toml")" = "# mine" ] || package_fail "a changed configuration was replaced"
expect_file "$root" etc/basalt/basalt.toml "-rw-r----- 0:$group"

rpm_in_root --erase basalt
expect_gone "$root" usr/bin/basalt usr/lib/basalt usr/lib/systemd/system/basalt.service usr/share/doc/basalt
if [ ! -e "$root/var/lib/basalt/catalog.sqlite" ] || [ ! -e "$root/etc/basalt/basalt.toml.rpmsave" ]; then
    package_fail "removing took data or configuration"
fi
echo "rpm: $(stat -c %s "$package") bytes, the same twice; installed, $first_value, upgraded, removed"
