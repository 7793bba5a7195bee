#!/usr/bin/env bash
# What takes too long for every change: a soak, and what is measured at full size. Figures go to standard output, and
# a run fails when an answer is wrong, a row is missing or memory grows; never because something was slow, but for `fuzz` and
# `hostile`, where slow is what a hostile input makes of it, and `packages`, where a new user waits.
#
#     tests/long.sh [--seconds N] [--minutes N] [SECTION…]      without a section, all of them, one after the other
#
# Data goes to TMPDIR, up to 10 GB of it: put it on the disk that matters. BASALT names the program to measure; without
# it a release build is made.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

sections=(everything checked compile drivers fuzz hostile ingest soak hour graph collect opcua models interpreter hundred_million ten_thousand_streams million growth files import cluster lists exports media mqtt line_protocol senders notebook first packages reproducible peers restarts sql watching web)
soak_seconds=1200
hostile_seconds=1800
live_minutes=60

fail() {
    echo "tests/long.sh: $*" >&2
    exit 1
}

# The cases whose short form every change runs (tests/support/case_size.rs), as a whole: arguments are those of tests/run.sh.
whole() {
    BASALT_WHOLE_CASES=1 NEXTEST_PROFILE=whole tests/run.sh "$@"
}

# All seeds of the models of the store, where every change tries one to four: forty random worlds with faults, losses of power, retention,
# statistics. Every step of flush, merge and retention made to fail in every way, where every change makes each step fail in one of them.
# Fifty rounds of `kill -9` under eight writers, and every door beside every reader. Ten thousand devices whose registers misbehave on the
# wire, where every change tries 500.
everything() {
    whole store:: crash:: equality:: wire_chaos_tests::
}

# All cases of every change with the debug assertions of every crate and of the standard library, which those of a change leave out.
checked() {
    CARGO_PROFILE_DEV_DEBUG_ASSERTIONS=true tests/run.sh --target-dir target/checked
}

# What single bodies of the members cost the compiler, which takes an unstable option of it.
compile() {
    local profile=$PWD/target/profile
    rm -rf "$profile"
    mkdir -p "$profile"
    RUSTC_BOOTSTRAP=1 CARGO_INCREMENTAL=0 RUSTC_WORKSPACE_WRAPPER=$PWD/tests/budget/profiled_rustc BASALT_PROFILE=$profile \
        cargo check --locked --lib --target-dir target/compile
    python3 tests/budget/body_cost.py "$profile"/*.mm_profdata
}

# DBD::Pg, psqlodbc, JDBC and pgx, which take more than 20 seconds to install. Npgsql is not among them: its statements are in
# tests/tools/asked, but the program itself was never tried, since Debian has no .NET.
drivers() {
    . tests/prepare.sh
    prepare_drivers
    whole tools::other_drivers
}

# Ten million inputs over every decoder, each within a second of processor time, with arithmetic checked in our own code;
# where every change tries some 90,000. Inputs that fail are kept in target/fuzz; BASALT_FUZZ_SEED makes others.
fuzz() {
    local checked=profile.release.package.basalt
    BASALT_FUZZ_INPUTS=${BASALT_FUZZ_INPUTS:-10000000} BASALT_FUZZ_LIMIT_MS=${BASALT_FUZZ_LIMIT_MS:-1000} \
        cargo test --locked --release --lib --config "$checked.debug-assertions=true" --config "$checked.overflow-checks=true" \
        fuzz_tests:: -- --nocapture --test-threads=2
    whole rest::fuzz
}

# Half an hour of every hostile client at once, under 4 GiB of address space, with healthy ones beside, where every change
# has 20 seconds of it; and as many long texts as offsets of 31 bits do not tell, where it has a tenth.
hostile() {
    python3 tests/hostile_clients --basalt "$BASALT" --seconds "$hostile_seconds"
    whole hostile::
}

# An OPC UA server restarted 20 times under the collector, where every change tries two: nothing of it is left behind. Servers of OPC UA
# at every path, and a follower of GraphQL killed under 100,000 rows.
restarts() {
    whole opcua:: graphql::peers
}

# 100,000 statements at random, asked of the server and of PostgreSQL, also through two query nodes, where every change asks 140: of 20 readings
# of a stream, and of 100,000 with their statistics. 2,000 aggregates that statistics answer are asked with and without them.
sql() {
    local -x BASALT_TEST_PROGRAM
    BASALT_TEST_PROGRAM=$(realpath "$BASALT")
    BASALT_TEST_SEED=$RANDOM whole sql::differential
    BASALT_TEST_SEED=$RANDOM BASALT_TEST_CLUSTER=2 whole sql::differential
}

# A million sequences of readings that are ahead, late, repeated or bad, while the clock is set and servers end: alerts are those of a
# plain program. BASALT_WATCHING_SEQUENCES says how many, and BASALT_WATCHING_SEED runs one world again.
watching() {
    BASALT_WATCHING_SEQUENCES=${BASALT_WATCHING_SEQUENCES:-1000000} BASALT_TEST_SEED=${BASALT_TEST_SEED:-$RANDOM} \
        NEXTEST_PROFILE=whole tests/run.sh watching::
}

# 2,000 OPC UA items at 1 Hz, subscribed to, through 20 restarts, and polled: processor, memory, lateness.
opcua() {
    python3 benches/opcua --basalt "$BASALT" --restarts 20
}

# 500 live models at 1 Hz, and a year of one stream scored.
models() {
    python3 benches/models --basalt "$BASALT"
}

# Windows a second of every model, beside Google's interpreter on one thread.
interpreter() {
    python3 -m venv .venv-bench
    .venv-bench/bin/pip install --quiet ai-edge-litert==2.3.0 numpy
    .venv-bench/bin/python tests/peers/tflite_speed.py
}

# Bulk as Arrow and NDJSON, single values.
ingest() {
    "$BASALT" bench ingest
}

# Writes at half of full speed and asks at the same time, compaction running. Its last table has p99 against idle p50.
soak() {
    "$BASALT" bench soak --seconds "$soak_seconds"
}

# The same for an hour at 60 % of full speed.
hour() {
    "$BASALT" bench soak --seconds 3600 --share 60
}

# A nested question of GraphQL, and 200 subscribers to 500 values a second.
graph() {
    "$BASALT" bench graph
    "$BASALT" bench live
}

# 100 Modbus devices of 1,000 registers at 1 Hz, in a process of their own; 10,000 values of S7, and 10,000 tags of EtherNet/IP.
collect() {
    "$BASALT" bench collect --seconds 300
    "$BASALT" bench collect --protocol s7 --devices 10 --seconds 60
    "$BASALT" bench collect --protocol eip --devices 10 --seconds 60
}

# 100 streams of ten days and one with a year: 117.9 million rows.
hundred_million() {
    "$BASALT" bench --days 10 --year-stream
}

# The same number of rows in many streams.
ten_thousand_streams() {
    "$BASALT" bench --streams 10_000 --rows 100_000_000
}

# A million streams at 1 Hz for ten minutes with readers, and single requests on as many.
million() {
    local dir
    dir=$(mktemp -d)
    # Expanded now: the local variable is gone when the trap runs.
    # shellcheck disable=SC2064
    trap "rm -rf '$dir'" EXIT
    export BASALT_LIMITS__ORGANIZATION_MEMORY=2GB
    "$BASALT" bench soak --streams 1_000_000 --rate 1_000_000 --seconds 630
    "$BASALT" bench --only load --streams 1_000_000 --rows 600_000_000 --data-dir "$dir/plant"
    python3 benches/requests --data-dir "$dir/plant" --basalt "$BASALT"
}

# What cost grows with: streams of a year, latest values, rows at the start.
growth() {
    "$BASALT" bench growth --only years,latest,start
}

# 5,000 live files, before and after they are merged.
files() {
    "$BASALT" bench growth --only files
}

# A year of ten streams, one stream after the other, before and after the files are merged.
import() {
    "$BASALT" bench growth --only import
}

# Ten thousand writes, each asked for at once on three nodes; nodes killed and stopped, links broken and PostgreSQL crashed, 280 times in all and
# in an order of its own each time, while others write and ask; every statement on two and on four nodes; the cases of SQL, isolation, REST, tools and some of GraphQL a second time, through a query node in front of the server of each;
# and those of SQL and isolation a third time, divided among two. Some cases are left out: one runs a command without a server, which does not
# find the lake, two look for refusals that the other node has not saved yet, one reads the files of a lake in the data directory, one looks
# for a long list in the query log of the query node, which has handed it on, one damages the SQLite file of a backup, and those of
# rest::system look at the running queries and the state of the node that answers REST, while the query node answers SQL;
# tools::tls has a certificate of its own, which the query node in front is not told of.
cluster() {
    local without=(--skip sql::named::a_folder_adds_queries --skip blynk::isolation::refused_requests --skip rest::audit::every_refused_access)
    without+=(--skip rest::retention::expired_rows --skip rest::streaming::a_list_of_many_values)
    without+=(--skip rest::backup::a_backup_is_written --skip rest::system --skip tools::tls)
    BASALT_TEST_SEED=$RANDOM whole cluster::
    BASALT_TEST_CLUSTER=1 tests/run.sh --test integration -- sql:: isolation:: rest:: tools:: graphql::equal:: graphql::statistic:: "${without[@]}"
    BASALT_TEST_CLUSTER=2 tests/run.sh --test integration -- sql:: isolation:: "${without[@]}"
}

# A year at 1 Hz as one list over REST, to curl: every row once, and at most 64 MB more memory. A second reader goes away
# in the middle, and its query ends with it.
lists() {
    local dir url stream rows before peak outcome
    local key=bslt_long_0123456789abcdef0123456789abcdef
    dir=$(mktemp -d)
    # Expanded now: the local variable is gone when the trap runs.
    # shellcheck disable=SC2064
    trap "rm -rf '$dir'" EXIT
    "$BASALT" bench --only load --streams 1 --days 1 --year-stream --data-dir "$dir/plant"
    BASALT_BOOTSTRAP_KEY=$key "$BASALT" serve --data-dir "$dir/plant" --listen 127.0.0.1:0 2>"$dir/log" &
    local pid=$!
    # shellcheck disable=SC2064
    trap "kill $pid; wait $pid; rm -rf '$dir'" EXIT
    for _ in $(seq 600); do
        url=$(grep -o 'http://127.0.0.1:[0-9]*' "$dir/log" | head -n 1) && break
        sleep 0.1
    done
    ask() {
        curl --silent --show-error --fail --noproxy '*' -H "Authorization: ApiKey $key" "$@"
    }
    number() {
        ask -G "$url/sql" -H 'Accept: text/csv' --data-urlencode "q=$1" | tail -n 1 | tr -d '\r'
    }
    stream=$(number "SELECT stream_id FROM readings GROUP BY stream_id ORDER BY count(*) DESC LIMIT 1")
    rows=$(number "SELECT count(*) FROM readings WHERE stream_id = $stream")
    ask "$url/api/data/$stream/value/?from=0&limit=10000" >/dev/null

    echo 5 >"/proc/$pid/clear_refs"
    before=$(awk '/^VmRSS:/ { print $2 }' "/proc/$pid/status")
    ask -w 'first byte after %{time_starttransfer} s, the last after %{time_total} s\n' -o "$dir/list" \
        "$url/api/data/$stream/value/?from=0"
    peak=$(awk '/^VmHWM:/ { print $2 }' "/proc/$pid/status")
    echo "$rows rows, $(stat -c %s "$dir/list") bytes: $((before / 1024)) MB before, $((peak / 1024)) MB at most"
    [ "$(tr -cd '}' <"$dir/list" | wc -c)" = "$rows" ] || fail "not every row came once"
    [ "$(tail -c 2 "$dir/list")" = "}]" ] || fail "the list was not closed"
    [ $((peak - before)) -le 65536 ] || fail "memory grew by $(((peak - before) / 1024)) MB"

    ask "$url/api/data/$stream/value/?from=0" 2>/dev/null | head -c 1000000 >/dev/null || true
    for _ in $(seq 300); do
        outcome=$(number "SELECT outcome FROM query_log WHERE surface = 'values' ORDER BY started_at DESC LIMIT 1")
        [ "$outcome" = cancelled ] && return
        sleep 0.1
    done
    fail "the list of a reader who went is $outcome"
}

# A year at 1 Hz as an export: killed in the middle, finished after the start, at most 64 MB more memory, every row once, and its
# hashes as the manifest says. polars and DuckDB count the rows.
exports() {
    local dir url sensor rows before peak export status link pid
    local key=bslt_long_0123456789abcdef0123456789abcdef mk=sk_live_0123456789abcdef0123456789abcdef0123456789a
    source tests/prepare.sh
    prepare_python
    dir=$(mktemp -d)
    # Expanded now: the local variable is gone when the trap runs.
    # shellcheck disable=SC2064
    trap "rm -rf '$dir'" EXIT
    "$BASALT" bench --only load --streams 1 --days 1 --year-stream --data-dir "$dir/plant"
    start() {
        BASALT_BOOTSTRAP_KEY=$key BASALT_BOOTSTRAP_MK=$mk "$BASALT" serve --data-dir "$dir/plant" --listen 127.0.0.1:0 2>"$dir/log" &
        pid=$!
        # shellcheck disable=SC2064
        trap "kill $pid; wait $pid; rm -rf '$dir'" EXIT
        for _ in $(seq 600); do
            url=$(grep -o 'http://127.0.0.1:[0-9]*' "$dir/log" | head -n 1) && break
            sleep 0.1
        done
    }
    ask() {
        curl --silent --show-error --fail --noproxy '*' -H "Authorization: Bearer $mk" "$@"
    }
    cell() {
        curl --silent --show-error --fail --noproxy '*' -H "Authorization: ApiKey $key" -G "$url/sql" -H 'Accept: text/csv' \
            --data-urlencode "q=$1" | tail -n 1 | tr -d '\r'
    }
    member() {
        python3 -c 'import json, sys; print(json.load(sys.stdin).get(sys.argv[1], ""))' "$1"
    }
    request() {
        ask -H 'Content-Type: application/json' "$url/api/v1/exports" -d "{\"scopeType\": \"SENSOR\", \"scopeId\": \"$sensor\",
            \"from\": \"$from\", \"to\": \"$to\", \"includes\": [\"READINGS\"]}" | member id
    }
    finish() {
        for _ in $(seq 6000); do
            status=$(ask "$url/api/v1/exports/$export" | member status)
            [ "$status" = READY ] && return
            [ "$status" = FAILED ] && fail "the export failed: $(ask "$url/api/v1/exports/$export" | member error)"
            sleep 0.2
        done
        fail "the export is $status after 20 minutes"
    }
    start
    local stream from to
    stream=$(cell "SELECT stream_id FROM readings GROUP BY stream_id ORDER BY count(*) DESC LIMIT 1")
    sensor=$(cell "SELECT uuid FROM streams WHERE id = $stream")
    # An export has up to 366 days: the newest of them.
    to=$(cell "SELECT max(ts) + INTERVAL '1 second' FROM readings WHERE stream_id = $stream")
    from=$(cell "SELECT max(ts) + INTERVAL '1 second' - INTERVAL '366 days' FROM readings WHERE stream_id = $stream")
    rows=$(cell "SELECT count(*) FROM readings WHERE stream_id = $stream AND ts >= '$from' AND ts < '$to'")

    export=$(request)
    for _ in $(seq 600); do
        [ "$(stat -c %s "$dir/plant/exports/$export.part" 2>/dev/null || echo 0)" -gt 10000000 ] && break
        sleep 0.1
    done
    kill -9 "$pid"
    wait "$pid" 2>/dev/null || true
    start
    finish
    echo "killed at 10 MB and finished after the start"

    echo 5 >"/proc/$pid/clear_refs"
    before=$(awk '/^VmRSS:/ { print $2 }' "/proc/$pid/status")
    local began=$SECONDS
    export=$(request)
    finish
    peak=$(awk '/^VmHWM:/ { print $2 }' "/proc/$pid/status")
    echo "$rows rows in $((SECONDS - began)) s: $((before / 1024)) MB before, $((peak / 1024)) MB at most"
    [ $((peak - before)) -le 65536 ] || fail "memory grew by $(((peak - before) / 1024)) MB"
    link=$(ask "$url/api/v1/exports/$export" | member downloadUrl)
    curl --silent --show-error --fail --noproxy '*' -o "$dir/export.zip" "$link"
    "$BASALT_TEST_PYTHON" tests/peers/read_export.py "$dir/export.zip" --count | python3 -c '
import json, sys
seen, rows = json.load(sys.stdin), int(sys.argv[1])
counts = [seen["polars"]["readings"], seen["duckdb"]["readings"], seen["manifest"]["readingCount"]]
hashes = seen["hashes"]
sys.exit(0 if hashes and counts == [rows] * 3 else f"expected {rows} rows: {counts}, hashes {hashes}")
' "$rows" || fail "the file is not what the manifest says"
    [ -z "$(ls "$dir/plant/exports" | grep part)" ] || fail "an unfinished file is left"
}

# Cameras of RTSP and HTTP, recorded and viewed with a real ffmpeg: clips of half a minute, where tests/mk/media has a script in
# place of the program.
media() {
    . tests/prepare.sh
    prepare_ffmpeg
    python3 tests/peers/media_real.py --basalt "$BASALT" --ffmpeg "$(command -v ffmpeg)" --seconds 30
}

# Fifty rounds of `kill -9` under 64 publishers, 100,000 hostile packets, and the load of MQTT at full size: twice each in turns
# with Mosquitto where it is installed, which keeps nothing of what it acknowledges.
mqtt() {
    whole mqtt::durability mqtt::hostile
    local dir pid port mosquitto
    mosquitto=$(command -v mosquitto || ls /usr/sbin/mosquitto 2>/dev/null) || true
    if [ -z "$mosquitto" ]; then
        echo "Mosquitto is not installed (Debian: apt-get install mosquitto): Basalt alone"
        "$BASALT" bench mqtt
        return
    fi
    dir=$(mktemp -d)
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    printf 'listener %s 127.0.0.1\nallow_anonymous true\npersistence false\nlog_type error\n' "$port" >"$dir/mosquitto.conf"
    for _ in 1 2; do
        echo "-- Basalt"
        "$BASALT" bench mqtt
        echo "-- Mosquitto"
        "$mosquitto" -c "$dir/mosquitto.conf" 2>"$dir/log" &
        pid=$!
        # Expanded now: the local variables are gone when the trap runs.
        # shellcheck disable=SC2064
        trap "kill $pid 2>/dev/null; rm -rf '$dir'" EXIT
        for _ in $(seq 100); do
            (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
            sleep 0.1
        done
        "$BASALT" bench mqtt --address "127.0.0.1:$port" --pid "$pid"
        kill "$pid"
        wait "$pid" || true
    done
}

# Prometheus and vmagent scrape a counter, and the server that they send it to is killed three times: every value once.
senders() {
    . tests/prepare.sh
    prepare_senders
    python3 tests/peers/senders_killed.py --basalt "$BASALT" --prometheus "$BASALT_TEST_PROMETHEUS" --vmagent "$BASALT_TEST_VMAGENT"
}

# 20,000 generated lines that InfluxDB 1.x judges; line protocol at full size, twice in turns with InfluxDB; remote write.
line_protocol() {
    BASALT_TEST_SEED=$RANDOM whole influxdb_itself
    . tests/prepare.sh
    prepare_influxdb
    local dir pid port
    dir=$(mktemp -d)
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    cat >"$dir/influxdb.conf" <<CONFIG
bind-address = "127.0.0.1:0"
reporting-disabled = true
[meta]
dir = "$dir/meta"
[data]
dir = "$dir/data"
wal-dir = "$dir/wal"
[http]
bind-address = "127.0.0.1:$port"
log-enabled = false
CONFIG
    "$BASALT_TEST_INFLUXD" run -config "$dir/influxdb.conf" >/dev/null 2>"$dir/log" &
    pid=$!
    # Expanded now: the local variables are gone when the trap runs.
    # shellcheck disable=SC2064
    trap "kill $pid 2>/dev/null; rm -rf '$dir'" EXIT
    for _ in $(seq 100); do
        curl -sf "http://127.0.0.1:$port/ping" && break
        sleep 0.1
    done
    for turn in 1 2; do
        echo "-- Basalt"
        "$BASALT" bench senders
        echo "-- InfluxDB"
        curl -s "http://127.0.0.1:$port/query" --data-urlencode "q=CREATE DATABASE bench$turn" >/dev/null
        "$BASALT" bench senders --address "http://127.0.0.1:$port/write?db=bench$turn&precision=u"
        echo "-- Basalt, remote write"
        "$BASALT" bench senders --format remote-write
    done
}

# The notebook of examples/, executed by nbconvert against a server with a thousand readings in the lake: 15 s of processor time.
notebook() {
    . tests/prepare.sh
    local dir pid venv=.venv-notebook key=bslt_long_0123456789abcdef0123456789abcdef
    dir=$(mktemp -d)
    make_venv "$venv"
    "$venv/bin/uv" pip install --quiet --python "$venv/bin/python" --requirement examples/notebook/requirements.txt
    BASALT_BOOTSTRAP_KEY=$key "$BASALT" serve --data-dir "$dir/plant" --listen 127.0.0.1:0 --pg-listen 127.0.0.1:0 \
        --flight-listen 127.0.0.1:0 2>"$dir/log" &
    pid=$!
    # Expanded now: the local variables are gone when the trap runs.
    # shellcheck disable=SC2064
    trap "kill $pid; wait $pid; rm -rf '$dir'" EXIT
    address() {
        sed -n "s|.*listening on $1://\(127.0.0.1:[0-9]*\).*|\1|p" "$dir/log"
    }
    for _ in $(seq 600); do
        [ -z "$(address http)" ] || break
        sleep 0.1
    done
    seq 1777377600 1777378599 | sed 's/.*/temperature,device=furnace value=921.5 &/' |
        curl --silent --show-error --fail --noproxy '*' -H "Authorization: Token $key" --data-binary @- \
            "http://$(address http)/write?db=plant&precision=s"
    "$BASALT" compact --data-dir "$dir/plant" 2>/dev/null
    BASALT_KEY=$key BASALT_PG=$(address postgres) BASALT_FLIGHT_URL=grpc://$(address grpc) BASALT_DATA_DIR=$dir/plant \
        "$venv/bin/python" -m nbconvert --execute --to markdown --output "$dir/plant.md" examples/notebook/plant.ipynb
    # A thousand readings by DuckDB, their mean by polars, the last by the server.
    grep -q '<td>1</td><td>1000</td><td>921.5</td>' "$dir/plant.md" || fail "DuckDB has another answer: $(cat "$dir/plant.md")"
    [ "$(grep -c '<td>921.5</td>' "$dir/plant.md")" -ge 3 ] || fail "an answer is missing: $(cat "$dir/plant.md")"
}

# The first contact: size of the program, its start on an empty directory, first answers, memory at rest, and the demo until its board is drawn.
first() {
    . tests/prepare.sh
    prepare_python
    prepare_chromium
    "$BASALT_TEST_PYTHON" benches/first --basalt "$BASALT"
}

# All packages: built, installed into an empty Debian, served from, upgraded and removed; symbols, SBOM and manifests. From its file to the
# first value each may take a minute. As root on a Debian, with cargo-deb: the scripts name what else they need.
packages() {
    local script failed=()
    for script in package package_deb package_tar package_rpm package_oci package_files; do
        "tests/$script.sh" "$BASALT" || failed+=("$script")
    done
    [ ${#failed[@]} -eq 0 ] || fail "failed: ${failed[*]}"
}

# Two builds of the program of the packages, one hash: twice the time of one.
reproducible() {
    tests/package_reproducible.sh
}

# The peers on the rows of hundred_million.
peers() {
    local dir
    dir=$(mktemp -d)
    # Expanded now: the local variable is gone when the trap runs.
    # shellcheck disable=SC2064
    trap "rm -rf '$dir'" EXIT
    "$BASALT" bench --only load --days 10 --year-stream --data-dir "$dir/plant"
    python3 benches/peers questions --data-dir "$dir/plant" --basalt "$BASALT"
}

# Every page judged in every look, and the web application in Chromium without a GPU, over the plant of hundred_million, over 10,000 streams, and over an hour of live values.
web() {
    source tests/prepare.sh
    prepare_python
    prepare_chromium
    local dir
    dir=$(mktemp -d)
    # Expanded now: the local variable is gone when the trap runs.
    # shellcheck disable=SC2064
    trap "rm -rf '$dir'" EXIT
    whole pages::
    "$BASALT_TEST_PYTHON" benches/web --basalt "$BASALT" --data-dir "$dir" --minutes "$live_minutes"
}

chosen=()
while [ $# -gt 0 ]; do
    case $1 in
    --seconds)
        [[ ${2:-} =~ ^[1-9][0-9]*$ ]] || fail "--seconds takes a number"
        soak_seconds=$2
        hostile_seconds=$2
        shift
        ;;
    --minutes)
        [[ ${2:-} =~ ^[1-9][0-9]*$ ]] || fail "--minutes takes a number"
        live_minutes=$2
        shift
        ;;
    *)
        [[ " ${sections[*]} " == *" $1 "* ]] || fail "no section \`$1\`: there are ${sections[*]}"
        chosen+=("$1")
        ;;
    esac
    shift
done
[ ${#chosen[@]} -gt 0 ] || chosen=("${sections[@]}")

if [ -z "${BASALT:-}" ]; then
    cargo build --locked --release
    BASALT=target/release/basalt
fi

failed=()
for section in "${chosen[@]}"; do
    echo "== $section"
    # In a shell of its own, in which `set -e` holds: the other sections still run.
    set +e
    (set -e; "$section")
    [ $? -eq 0 ] || failed+=("$section")
    set -e
done
[ ${#failed[@]} -eq 0 ] || fail "failed: ${failed[*]}"
