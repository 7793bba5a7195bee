#!/usr/bin/env bash
# Builds the image of OCI around a release binary, twice and with the same bytes, reads it back with skopeo, unpacks it with umoci, and
# runs it with runc as it is: its user without capabilities, a root that is read-only, a volume for the data, a network of its own.
# There the health check, the first value, an upgrade over the same volume, the end by SIGTERM and the demo are tried. Needs root.
#
#     tests/package_oci.sh BINARY
#
# The Dockerfile is not built here: its settings are compared with those of the image.
set -euo pipefail
binary=$(realpath "${1:?the release binary to pack}")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. tests/package_root.sh
for tool in skopeo umoci runc; do
    command -v "$tool" >/dev/null || package_fail "no $tool (Debian: apt-get install skopeo umoci runc)"
done

# The configuration of the image is what the Dockerfile says.
check_config() {
    skopeo inspect --config --raw "oci-archive:$image" >"$scratch/config.json"
    python3 - "$scratch/config.json" packaging/oci/Dockerfile <<'PYTHON'
import json
import re
import sys

config = json.load(open(sys.argv[1]))["config"]
dockerfile = open(sys.argv[2]).read().replace("\\\n", " ")
line = lambda word: re.findall(rf"^{word} (.*)$", dockerfile, re.M)[-1]
check = config["Healthcheck"]
times = " ".join(f"--{name}={check[key] // 10**9}s" for name, key in (("interval", "Interval"), ("timeout", "Timeout"), ("start-period", "StartPeriod")))
command = json.dumps(check["Test"][1:])
pairs = {
    "USER": config["User"],
    "VOLUME": " ".join(config["Volumes"]),
    "EXPOSE": " ".join(config["ExposedPorts"]).removesuffix("/tcp"),
    "STOPSIGNAL": config["StopSignal"],
    "ENTRYPOINT": json.dumps(config["Entrypoint"]),
    "CMD": json.dumps(config["Cmd"]),
    "ENV": " ".join(config["Env"]),
    "WORKDIR": config["WorkingDir"],
    "HEALTHCHECK": f"{times} --retries={check['Retries']} CMD {command}",
}
for word, value in pairs.items():
    found = " ".join(line(word).split())
    assert found == value, f"{word} is {found} in the Dockerfile, and {value} in the image"
PYTHON
}

# Unpacks the image into $1, for the command $2 on the volume $3. What umoci leaves to whoever runs it: a root that is read-only, no capabilities,
# and the volume.
unpack() {
    mkdir "$1"
    tar -C "$1" -xf "$image"
    umoci unpack --image "$1:$version" "$1/bundle" >/dev/null
    python3 - "$1/bundle/config.json" "$2" "$3" <<'PYTHON'
import json
import sys

path, command, volume = sys.argv[1:]
config = json.load(open(path))
assert config["process"]["args"][-1] == "serve", config["process"]["args"]
config["process"]["args"][-1] = command
config["root"]["readonly"] = True
config["process"].update(terminal=False, capabilities={}, rlimits=[])
config["mounts"] = [mount for mount in config["mounts"] if mount["destination"] != "/var/lib/basalt"]
config["mounts"].append({"destination": "/var/lib/basalt", "type": "bind", "source": volume, "options": ["rbind", "rw"]})
json.dump(config, open(path, "w"))
PYTHON
}

container=basalt-test-$$
runc_here() {
    runc --root "$scratch/runc" "$@"
}

in_container() {
    runc_here exec "$container" "$@"
}

start() {
    runc_here run --bundle "$1/bundle" "$container" >"$scratch/log" 2>&1 &
    server=$!
    for _ in $(seq 600); do
        ! grep -q 'listening on http://0.0.0.0:8000' "$scratch/log" || return 0
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    cat "$scratch/log" >&2
    package_fail "the container does not answer"
}

stop() {
    runc_here kill "$container" TERM
    wait "$server" || package_fail "the container ended with $?: $(tail -n 5 "$scratch/log")"
    server=
    grep -q 'stopping' "$scratch/log" || package_fail "the server did not end in order"
}

close_container() {
    runc_here delete --force "$container" >/dev/null 2>&1 || true
    close_scratch
}

sql() {
    in_container /usr/bin/busybox wget -q -O - --header "Authorization: ApiKey $key" --header 'Accept: text/csv' \
        "http://127.0.0.1:8000/sql?q=SELECT%20value%20FROM%20latest" | tail -n 1 | tr -d '\r'
}

open_scratch
trap close_container EXIT
image=$(realpath "$(packaging/oci.sh "$binary" | tail -n 1)")
cp "$image" "$scratch/first.tar"
packaging/oci.sh "$binary" >/dev/null
cmp "$image" "$scratch/first.tar" || package_fail "two images of the same files differ"
rm "$scratch/first.tar"
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
check_config

# What a volume of a container is: empty, with the owner of the directory in the image.
mkdir "$scratch/volume"
begin_first_value
unpack "$scratch/one" serve "$scratch/volume"
owner=$(stat -c '%u:%g' "$scratch/one/bundle/rootfs/var/lib/basalt")
[ "$owner" = 65532:65532 ] || package_fail "the directory of the data is of $owner"
chown 65532:65532 "$scratch/volume"
start "$scratch/one"
mapfile -t health < <(python3 -c 'import json, sys; print("\n".join(json.load(open(sys.argv[1]))["config"]["Healthcheck"]["Test"][1:]))' "$scratch/config.json")
in_container "${health[@]}" || package_fail "the health check fails"
[ "$(in_container /usr/bin/busybox id -u)" = 65532 ] || package_fail "it runs as another user"
! in_container /usr/bin/busybox touch /x 2>/dev/null || package_fail "the root is not read-only"
key=$(in_container /usr/bin/basalt key create --name me 2>/dev/null)
in_container /usr/bin/busybox wget -q -O - --header "Authorization: ApiKey $key" \
    --post-data 'temperature,device=furnace value=921.5' 'http://127.0.0.1:8000/write?db=plant'
[ "$(sql)" = 921.5 ] || package_fail "the first value is $(sql)"
end_first_value
stop

# The image once more, over the same volume, is an upgrade.
unpack "$scratch/two" serve "$scratch/volume"
start "$scratch/two"
[ "$(sql)" = 921.5 ] || package_fail "the value is $(sql) after an upgrade"
stop

mkdir "$scratch/plant"
chown 65532:65532 "$scratch/plant"
unpack "$scratch/demo" demo "$scratch/plant"
start "$scratch/demo"
wait_for_demo "$scratch/log"
[[ $(sql) =~ [0-9] ]] || package_fail "the demo has no values"
stop
echo "OCI: $(stat -c %s "$image") bytes, the same twice; health check, $first_value, end by SIGTERM, the value in a second container, and the demo"
