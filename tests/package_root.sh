# shellcheck shell=bash
# An empty Debian that the tests of packages install into, for sourcing from the root of the repository. Needs root, and debootstrap
# with one of Debian's mirrors. BASALT_TEST_ROOT names a directory with one that is there already, which is copied.

package_fail() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

# Sets $scratch, a directory that is removed at the end, and $server, the process that runs a root's server, if any.
open_scratch() {
    scratch=$(mktemp -d)
    server=
    trap close_scratch EXIT
}

close_scratch() {
    [ -z "$server" ] || kill -9 "$server" 2>/dev/null || true
    rm -rf --one-file-system "$scratch"
}

# Makes the directory $1 a Debian of the packages that every Debian has.
make_root() {
    [ "$(id -u)" = 0 ] || package_fail "an empty root is made by root only"
    local base=${BASALT_TEST_ROOT:-target/package-root}
    if [ ! -x "$base/usr/bin/env" ]; then
        command -v debootstrap >/dev/null || package_fail "no debootstrap (Debian: apt-get install debootstrap)"
        rm -rf "$base"
        mkdir -p "$base"
        debootstrap --variant=minbase bookworm "$base" >"$scratch/debootstrap" 2>&1 || {
            tail -n 20 "$scratch/debootstrap" >&2
            rm -rf "$base"
            package_fail "debootstrap failed"
        }
    fi
    cp -a "$base" "$1"
}

# Runs a program in the root $1, which sees its own /proc and this machine's network.
in_root() {
    local root=$1
    shift
    # shellcheck disable=SC2016
    exec unshare --mount -- sh -ec 'root=$1; shift; mount -t proc proc "$root/proc"; cd /
        exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
            chroot "$root" "$@"' sh "$root" "$@"
}

# As in_root, for a program that ends.
run_in_root() {
    (in_root "$@")
}

# As the unit starts the service: its user, without capabilities.
AS_OWNER=(setpriv --reuid=basalt --regid=basalt --init-groups --no-new-privs --bounding-set=-all --inh-caps=-all)

# Starts the command line of the unit $2 in the root $1, on a free port, and sets $server and $url.
start_unit() {
    local start
    read -ra start <<<"$(sed -n 's/^ExecStart=//p' "$1/$2")"
    in_root "$1" "${AS_OWNER[@]}" env BASALT_LISTEN=127.0.0.1:0 "${start[@]}" 2>"$scratch/log" &
    server=$!
    wait_for_url
}

wait_for_url() {
    for _ in $(seq 600); do
        url=$(sed -n 's|.*listening on \(http://[0-9.]*:[0-9]*\).*|\1|p' "$scratch/log" | tail -n 1)
        [ -z "$url" ] || return 0
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    cat "$scratch/log" >&2
    package_fail "the server does not answer"
}

# Waits for what the demo prints into the file $1 once it answers: a key among it, which is put into $key.
wait_for_demo() {
    for _ in $(seq 300); do
        ! grep -q 'Ctrl-C stops it' "$1" || break
        sleep 0.1
    done
    key=$(sed -n 's/^ *key  *\(bslt_[^ ]*\)$/\1/p' "$1" | head -n 1)
    [ -n "$key" ] || package_fail "the demo prints no key: $(cat "$1")"
}

# Ends the server by SIGTERM, which is its end in order.
stop_server() {
    kill "$server"
    wait "$server" || package_fail "the server ended with $?: $(tail -n 5 "$scratch/log")"
    server=
}

# Seconds that a package may take from its file to the first value.
MOST_FIRST_VALUE_S=60

# Begins that time, with the file of the package there.
begin_first_value() {
    began_ms=$(date +%s%3N)
}

# Ends it, and sets $first_value, which is the time in words.
end_first_value() {
    local took_ms=$(($(date +%s%3N) - began_ms))
    first_value="first value after $((took_ms / 1000)).$((took_ms % 1000 / 100)) s"
    [ "$took_ms" -le $((MOST_FIRST_VALUE_S * 1000)) ] || package_fail "$first_value, more than $MOST_FIRST_VALUE_S s"
}

# The first value: a key, a reading written with it, and the same reading from SQL. $@ runs a command of Basalt.
check_first_value() {
    local key answer
    key=$("$@" key create --name me 2>/dev/null)
    ask() {
        curl --silent --show-error --fail --noproxy '*' -H "Authorization: ApiKey $key" "$@"
    }
    curl --silent --show-error --fail --noproxy '*' "$url/readyz/" >/dev/null
    ask "$url/write?db=plant" --data-binary 'temperature,device=furnace value=921.5'
    answer=$(ask -G "$url/sql" -H 'Accept: text/csv' --data-urlencode "q=SELECT value FROM latest" | tail -n 1 | tr -d '\r')
    [ "$answer" = 921.5 ] || package_fail "the first value is $answer"
    end_first_value
}

expect_file() {
    local found
    found=$(stat -c '%A %u:%g' "$1/$2") || package_fail "$2 is missing"
    [ "$found" = "$3" ] || package_fail "$2 is $found instead of $3"
}

expect_gone() {
    local root=$1 path
    shift
    for path in "$@"; do
        [ ! -e "$root/$path" ] || package_fail "$path is left"
    done
}
