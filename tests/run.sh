#!/usr/bin/env bash
# Runs all tests, after preparing what they need (tests/prepare.sh): the pinned peers of Python in .venv and those of npm in
# tests/peers/npm, cargo-nextest, Mosquitto's clients, ffmpeg, InfluxDB, Chromium, and a PostgreSQL server of its own that is gone
# afterwards. Arguments go to `cargo nextest run`: `tests/run.sh lake:: --no-capture` runs the cases whose names contain `lake::`.
#
# Needs Rust, a C compiler, make and Python 3. Node.js is taken from PATH if it is recent enough, else from a wheel. PostgreSQL,
# Mosquitto's clients, ffmpeg, InfluxDB and Chromium are taken from PATH or their usual places; root on a Debian or Ubuntu gets
# these installed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. tests/prepare.sh

# Runs a command of PostgreSQL, which refuses to be root.
as_postgres() {
    if [ "$(id -u)" = 0 ]; then
        (cd / && runuser -u "$BASALT_TEST_POSTGRES_USER" -- "$@")
    else
        "$@"
    fi
}

start_postgres() {
    local port bin=$BASALT_TEST_POSTGRES_BIN
    # Of the shortest path there is: the name of a Unix socket is limited.
    scratch=$(mktemp -d /tmp/basalt-tests.XXXXXX)
    trap clean_up EXIT
    mkdir "$scratch/pg"
    # For the servers that cases start.
    export BASALT_TEST_POSTGRES_DIR=$scratch/pg
    if [ "$(id -u)" = 0 ]; then
        BASALT_TEST_POSTGRES_USER=$(id -un postgres 2>/dev/null || echo nobody)
        export BASALT_TEST_POSTGRES_USER
        chmod 755 "$scratch"
        chown "$BASALT_TEST_POSTGRES_USER" "$scratch/pg"
    fi
    as_postgres "$bin/initdb" --no-sync --auth=trust --username=basalt --encoding=UTF8 --locale=C -D "$scratch/pg/data" \
        >/dev/null
    for _ in 1 2 3; do
        port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
        if as_postgres "$bin/pg_ctl" start --silent -w -t 60 -D "$scratch/pg/data" -l "$scratch/pg/log" -o "-h 127.0.0.1 \
            -p $port -k $scratch/pg -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=300" \
            >/dev/null; then
            export BASALT_TEST_POSTGRES="postgres://basalt@127.0.0.1:$port/postgres"
            return
        fi
    done
    cat "$scratch/pg/log" >&2
    fail "PostgreSQL ($bin) does not start"
}

# Stops the server, and those that cases have started and left.
clean_up() {
    local running
    [ -z "${fork_server:-}" ] || kill "$fork_server" 2>/dev/null || true
    for running in "$scratch"/pg/*/postmaster.pid; do
        if [ -f "$running" ]; then
            as_postgres "$BASALT_TEST_POSTGRES_BIN/pg_ctl" stop --silent -m immediate -D "$(dirname "$running")" >/dev/null || true
        fi
    done
    rm -rf "$scratch"
}

# The rooms whose cases take turns and that the commits of the last hours changed.
changed_rooms() {
    local last room paths
    last=$(git log -1 --format=%ct 2>/dev/null) || return 0
    while read -r room paths; do
        # shellcheck disable=SC2086
        [ -z "$(git log -1 --format=%h --since="$((last - 6 * 3600))" -- $paths)" ] || echo "$room"
    done <<'ROOMS'
pages web src/api/pages tests/pages tests/peers/browse_*
cluster src/query/spread src/app/cluster.rs src/app/cluster_nodes.rs src/cli/query_node.rs tests/cluster
opcua src/collect/opcua tests/opcua tests/peers/opcua_* tests/peers/npm
hostile tests/hostile tests/hostile_clients
ROOMS
}

# The scripts of tests/peers are forks of a process that has imported what they need.
start_fork_server() {
    export BASALT_TEST_FORK_SOCKET=$scratch/peers
    "$BASALT_TEST_PYTHON" tests/peers/fork_server.py "$BASALT_TEST_FORK_SOCKET" >"$scratch/peers.log" 2>&1 &
    fork_server=$!
    until [ -S "$BASALT_TEST_FORK_SOCKET" ]; do
        kill -0 "$fork_server" 2>/dev/null || { cat "$scratch/peers.log" >&2 && fail "tests/peers/fork_server.py does not start"; }
        sleep 0.1
    done
}

# What short cases take of their seeds and rows, and the rooms that are gone through as a whole (tests/support/case_size.rs).
pick_cases() {
    export BASALT_TEST_SEED=${BASALT_TEST_SEED:-$(git rev-list --count HEAD 2>/dev/null || echo 0)}
    BASALT_WHOLE_ROOMS=${BASALT_WHOLE_ROOMS-$(changed_rooms | tr '\n' ' ')}
    export BASALT_WHOLE_ROOMS
}

# Notes the processor seconds of each case in a directory.
measure_cases() {
    local triple
    triple=$(rustc -vV | sed -n 's/^host: //p' | tr 'a-z-' 'A-Z_')
    export "CARGO_TARGET_${triple}_RUNNER=$PWD/tests/budget/measure_case.sh"
    export BASALT_CASE_TIMES=$scratch/times
    mkdir "$BASALT_CASE_TIMES"
}

# Keeps PostgreSQL running for tests/room.sh and tells it the environment of the cases.
keep_environment() {
    export -p | grep -E '^declare -x (BASALT_TEST_[A-Z_]*|PATH)=' >"$1.new"
    mv "$1.new" "$1"
    trap 'exit 0' TERM
    while true; do
        sleep 3600 &
        wait $!
    done
}

prepare_all
start_postgres
start_fork_server
pick_cases
[ -z "${BASALT_KEEP_ENVIRONMENT:-}" ] || keep_environment "$BASALT_KEEP_ENVIRONMENT"
measure_cases
# Cases wait for servers and clocks a third of the time: two more than there are processors make use of that.
export NEXTEST_TEST_THREADS=${NEXTEST_TEST_THREADS:-$(($(nproc) + 2))}
started=$SECONDS
# How slow the machine is for a loop, before the cases and after them.
calibration=$(tests/budget/calibrate.py)
cargo nextest run --locked "$@"
calibration=$(printf '%s\n' "$calibration" "$(tests/budget/calibrate.py)" | sort -n | tail -n 1)
echo "tests: $((SECONDS - started)) s with $NEXTEST_TEST_THREADS at a time, BASALT_TEST_SEED=$BASALT_TEST_SEED"
budget=(python3 tests/budget/check.py --calibration "$calibration" --times "$BASALT_CASE_TIMES" --allowed tests/budget/allowed.txt)
if [ $# -gt 0 ]; then
    "${budget[@]}"
    exit
fi
# A case that was too dear beside others has a second try.
dear=$("${budget[@]}" --dear | sed 's/.*/| test(=&)/' | tr '\n' ' ')
[ -z "${dear// /}" ] || cargo nextest run --locked -E "none() $dear"
"${budget[@]}" --whole
