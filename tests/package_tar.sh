#!/usr/bin/env bash
# Builds the archive with the install script around a release binary, twice and with the same bytes, and tries it on an empty Debian:
# the demo without installing, installing, the first value, installing again over a changed configuration, uninstalling, and purging. Needs root.
#
#     tests/package_tar.sh BINARY
#
# No systemd runs there: the unit's command line is started by hand, as the unit's user. The rest of the unit is not tried.
set -euo pipefail
binary=$(realpath "${1:?the release binary to pack}")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. tests/package_root.sh

open_scratch
archive=$(realpath "$(packaging/tar.sh "$binary" | tail -n 1)")
first=$(sha256sum <"$archive")
packaging/tar.sh "$binary" >/dev/null
[ "$(sha256sum <"$archive")" = "$first" ] || package_fail "two archives of the same files differ"

root=$scratch/root
make_root "$root"
begin_first_value
tar -C "$root/opt" -xf "$archive"
folder=/opt/$(basename "$archive" .tar.gz)

# Neither installed nor as root: the demo, as somebody who owns nothing.
in_root "$root" setpriv --reuid=nobody --regid=nogroup --clear-groups --no-new-privs "$folder/basalt" demo --data-dir /tmp/demo \
    --listen 127.0.0.1:0 >"$scratch/demo" 2>"$scratch/log" &
server=$!
wait_for_url
wait_for_demo "$scratch/demo"
grep -q "open .*$url/ui/#login=" "$scratch/demo" || package_fail "the demo prints no link: $(cat "$scratch/demo")"
values=$(curl --silent --show-error --fail --noproxy '*' -H "Authorization: ApiKey $key" -H 'Accept: text/csv' -G "$url/sql" \
    --data-urlencode "q=SELECT count(*) FROM latest" | tail -n 1 | tr -d '\r')
[ "$values" -gt 0 ] || package_fail "the demo has no values"
end_first_value
demo_value=$first_value
stop_server
rm -rf "$root/tmp/demo"

basalt() {
    run_in_root "$root" "${AS_OWNER[@]}" /usr/local/bin/basalt "$@" --config /etc/basalt/basalt.toml
}

begin_first_value
run_in_root "$root" "$folder/install.sh"
owner=$(run_in_root "$root" id -u basalt) group=$(run_in_root "$root" id -g basalt)
expect_file "$root" usr/local/bin/basalt "-rwxr-xr-x 0:0"
expect_file "$root" etc/basalt/basalt.toml "-rw-r----- 0:$group"
expect_file "$root" var/lib/basalt "drwxr-x--- $owner:$group"
expect_file "$root" etc/systemd/system/basalt.service "-rw-r--r-- 0:0"
for path in man/man1/basalt-key-create.1 bash-completion/completions/basalt zsh/site-functions/_basalt fish/vendor_completions.d/basalt.fish; do
    expect_file "$root" "usr/local/share/$path" "-rw-r--r-- 0:0"
done
start_unit "$root" etc/systemd/system/basalt.service
check_first_value basalt

# Over itself while it runs, with a configuration that its administrator has changed, and a file that this version no longer has.
echo '# mine' >>"$root/etc/basalt/basalt.toml"
touch "$root/usr/local/share/doc/basalt/old.md"
echo /usr/local/share/doc/basalt/old.md >>"$root/usr/local/share/basalt/installed"
run_in_root "$root" "$folder/install.sh"
[ "$(tail -n 1 "$root/etc/basalt/basalt.toml")" = "# mine" ] || package_fail "a changed configuration was replaced"
[ -e "$root/etc/basalt/basalt.toml.new" ] || package_fail "the packaged configuration is not beside the changed one"
expect_gone "$root" usr/local/share/doc/basalt/old.md
stop_server

run_in_root "$root" /usr/local/share/basalt/install.sh uninstall
if [ ! -e "$root/var/lib/basalt/catalog.sqlite" ] || [ ! -e "$root/etc/basalt/basalt.toml" ]; then
    package_fail "uninstalling took data or configuration"
fi
left=$(find "$root/usr/local" "$root/etc/systemd/system" -name '*basalt*')
[ -z "$left" ] || package_fail "uninstalling left $left"

run_in_root "$root" "$folder/install.sh"
run_in_root "$root" "$folder/install.sh" purge
expect_gone "$root" etc/basalt var/lib/basalt usr/local/bin/basalt etc/systemd/system/basalt.service
echo "tar.gz: $(stat -c %s "$archive") bytes, the same twice; demo, $demo_value; installed, $first_value, installed again, uninstalled, purged"
