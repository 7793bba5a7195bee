#!/usr/bin/env bash
# The cases of one room after a change: builds what has changed and runs them, with PostgreSQL kept running between calls.
#
#     tests/room.sh mk                    the integration cases of tests/mk
#     tests/room.sh mk alerts             those whose names contain `alerts`
#     tests/room.sh --unit query::plan    the unit tests of src/query whose paths begin so
#     tests/room.sh --stop                ends PostgreSQL
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. tests/prepare.sh

state=target/room

stop() {
    [ -f "$state/keeper" ] || return 0
    kill "$(cat "$state/keeper")" 2>/dev/null || true
    rm -f "$state/keeper" "$state/environment"
}

# A shell that tests/run.sh stays in once everything is prepared: its environment is what cases need.
start() {
    [ -f "$state/environment" ] && kill -0 "$(cat "$state/keeper")" 2>/dev/null && return
    mkdir -p "$state"
    rm -f "$state/environment"
    BASALT_KEEP_ENVIRONMENT=$PWD/$state/environment setsid tests/run.sh >"$state/log" 2>&1 </dev/null &
    echo $! >"$state/keeper"
    until [ -f "$state/environment" ]; do
        kill -0 "$(cat "$state/keeper")" 2>/dev/null || { cat "$state/log" && fail "the tests cannot be prepared"; }
        sleep 0.2
    done
}

case ${1:-} in
--stop)
    stop
    exit
    ;;
--unit)
    target=(--lib)
    shift
    ;;
'' | -*) fail "name a room: a folder of tests/, or --unit and a path of modules" ;;
*)
    target=(--test integration)
    [ -d "tests/$1" ] || fail "there is no folder tests/$1"
    ;;
esac
start
# shellcheck disable=SC1091
. "$state/environment"
room=$1
shift
expression="test(/^$room(::|\$)/)"
for word in "$@"; do
    expression+=" & test($word)"
done
cargo nextest run --locked "${target[@]}" -E "$expression"
