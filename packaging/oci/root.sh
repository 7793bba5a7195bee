#!/bin/sh
# Makes the directory DIR the root of the image without the program: the C library, the certificates of public authorities, and
# busybox for the health check, from packages of the Debian that this runs on. The Dockerfile and packaging/oci.sh use it.
#
#     packaging/oci/root.sh DIR
set -eu
# The user of the image reads these files.
umask 022

root=$1
packages=$(mktemp -d)
trap 'rm -rf "$packages"' EXIT
# apt downloads as a user of its own.
chmod 755 "$packages"
(cd "$packages" && apt-get download -qq -o APT::Sandbox::User=root libc6 libgcc-s1 ca-certificates busybox-static)

rm -rf "$root"
# Debian's folders since they have been merged: packages name some of their files by the links.
mkdir -p "$root/usr/bin" "$root/usr/sbin" "$root/usr/lib" "$root/usr/lib64" "$root/etc/ssl/certs" "$root/var/lib/basalt" \
    "$root/proc" "$root/sys" "$root/dev" "$root/run"
for dir in bin sbin lib lib64; do
    ln -s "usr/$dir" "$root/$dir"
done
mkdir -m 1777 "$root/tmp"
for package in "$packages"/*.deb; do
    # tar follows the links of the root, which dpkg --extract would replace.
    dpkg-deb --fsys-tarfile "$package" | tar --extract --keep-directory-symlink --directory "$root"
done
# What update-ca-certificates makes.
find "$root/usr/share/ca-certificates" -name '*.crt' -print0 | LC_ALL=C sort -z | xargs -0 cat >"$root/etc/ssl/certs/ca-certificates.crt"
rm -rf "$root/usr/share/man" "$root/usr/share/doc-base" "$root/usr/share/lintian" "$root/usr/lib/x86_64-linux-gnu/gconv" \
    "$root/usr/lib/aarch64-linux-gnu/gconv"
# Licenses stay.
find "$root/usr/share/doc" -type f ! -name copyright -delete

cat >"$root/etc/passwd" <<'PASSWD'
root:x:0:0:root:/root:/sbin/nologin
basalt:x:65532:65532:basalt:/var/lib/basalt:/sbin/nologin
PASSWD
cat >"$root/etc/group" <<'GROUP'
root:x:0:
basalt:x:65532:
GROUP
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
