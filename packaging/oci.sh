#!/usr/bin/env bash
# Builds the image of OCI as an archive, without Docker, and prints its path as the last line. Needs a Debian with apt, and Python.
#
#     packaging/oci.sh [BINARY]      without a release binary, one is built
#
#     docker load < FILE, podman load -i FILE, or skopeo copy oci-archive:FILE docker://REGISTRY/basalt:VERSION
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/stage.sh"
begin_package "$@"
rm -rf target/oci
mkdir -p target/oci
packaging/oci/root.sh "$PWD/target/oci/root"
image=target/oci/basalt-$(package_version)-$(oci_architecture).oci.tar
python3 packaging/oci/layout.py --root target/oci/root --binary "$binary" --architecture "$(oci_architecture)" \
    --version "$(package_version)" --out "$image"
echo "$image"
