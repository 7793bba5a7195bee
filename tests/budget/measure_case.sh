#!/usr/bin/env bash
# Runs a case for cargo-nextest, as its target runner, and notes what processor time it and its processes took.
# tests/peers/fork_server.py adds what it ran for the case, by the name of the run.
export BASALT_CASE_RUN=$$-$RANDOM
"$@"
status=$?
if [ -n "${BASALT_CASE_TIMES:-}" ] && [ "${2:-}" = --exact ]; then
    # The second line that `times` prints is that of the children; it has to run in this very shell.
    {
        echo "$3"
        times
    } >"$BASALT_CASE_TIMES/$BASALT_CASE_RUN"
fi
exit "$status"
