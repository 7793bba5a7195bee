#!/usr/bin/env bash
# Builds the RPM package, and prints its path as the last line. Needs rpmbuild (Fedora: rpm-build, Debian: rpm).
#
#     packaging/rpm.sh [BINARY]      without a release binary, one is built
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/stage.sh"
begin_package "$@"
rm -rf target/rpm
stage_files "$binary" target/rpm/stage
stage_documents target/rpm/stage/doc
install -m 644 LICENSE packaging/debian/basalt.service target/rpm/stage
install -m 755 packaging/shared/setup target/rpm/stage
rpmbuild --quiet -bb --define "_topdir $PWD/target/rpm" --define "stage $PWD/target/rpm/stage" \
    --define "package_version $(package_version)" packaging/rpm/basalt.spec >&2
ls target/rpm/RPMS/*/*.rpm
