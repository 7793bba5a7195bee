#!/usr/bin/env bash
# Builds the archive for systems without deb and rpm, and prints its path as the last line. `install.sh` in it installs and removes.
#
#     packaging/tar.sh [BINARY]      without a release binary, one is built
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/stage.sh"
begin_package "$@"
name=basalt-$(package_version)-$(uname -m)
dir=target/tar/$name
rm -rf target/tar
stage_files "$binary" "$dir"
stage_documents "$dir/doc"
install -m 644 LICENSE packaging/debian/basalt.service "$dir"
install -m 755 packaging/shared/setup packaging/tar/install.sh "$dir"
# The same bytes from the same files, whoever packs them.
tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --mode=go-w -C target/tar -cf - "$name" |
    gzip -n >"target/tar/$name.tar.gz"
echo "target/tar/$name.tar.gz"
