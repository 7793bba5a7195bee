# What CI and the tests need from the machine, for sourcing from the root of the repository: `prepare_python` makes .venv with
# the pinned peers of Python and `prepare_npm` installs those of npm; `prepare_node`, `prepare_mosquitto`, `prepare_ffmpeg`,
# `prepare_senders`, `prepare_influxdb` and `prepare_chromium` look for theirs.
# Root on a Debian or Ubuntu gets installed what is missing.

fail() {
    echo "tests: $*" >&2
    exit 1
}

apt_install() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
    echo "installing $*" >&2
    { DEBIAN_FRONTEND=noninteractive apt-get update && apt-get install -y --no-install-recommends "$@"; } >&2
}

prepare_python() {
    local wanted=tests/peers/requirements.txt installed=.venv/installed-requirements.txt
    if ! cmp -s "$wanted" "$installed"; then
        rm -rf .venv
        python3 -m venv .venv >/dev/null 2>&1 || {
            rm -rf .venv
            apt_install python3-venv && python3 -m venv .venv
        } || fail "cannot make a Python environment: install Python 3 with its venv module (python3-venv)"
        .venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement "$wanted" >&2
        cp "$wanted" "$installed"
    fi
    # What does not fit beside the others has a folder of its own, which its script puts first.
    wanted=tests/peers/requirements-sparkplug.txt installed=.venv/sparkplug/installed-requirements.txt
    if ! cmp -s "$wanted" "$installed"; then
        rm -rf .venv/sparkplug
        .venv/bin/python -m pip install --quiet --disable-pip-version-check --target .venv/sparkplug --requirement "$wanted" >&2
        cp "$wanted" "$installed"
    fi
    export BASALT_TEST_PYTHON="$PWD/.venv/bin/python"
}

# Node.js with npm, which bundles the pages of web/ during the build.
prepare_node() {
    { command -v node && command -v npm; } >/dev/null || apt_install nodejs npm ||
        fail "no Node.js with npm: install version 18 or newer (Debian, Ubuntu: apt-get install nodejs npm)"
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
