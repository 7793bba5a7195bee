#!/bin/sh
# Installs the gateway software (gate) with the certificate and the settings in the folder `config` beside this script.
set -eu
cd "$(dirname "$0")"
command -v docker >/dev/null || { echo "Docker is needed: https://docs.docker.com/engine/install/" >&2; exit 1; }
chmod 700 config
docker rm --force gate >/dev/null 2>&1 || true
docker run --detach --name gate --restart always --network host \
    --env-file config/.env \
    --volume "$PWD/config:/usr/src/app/config:ro" \
    --volume /var/run/docker.sock:/var/run/docker.sock \
    instathings/gate:1.9.1
