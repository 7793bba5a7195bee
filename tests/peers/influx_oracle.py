#!/usr/bin/env python3
"""InfluxDB itself as the judge of line protocol: the same generated lines go to it and to Basalt.

    influx_oracle.py URL KEY INFLUXD SEED COUNT

Starts INFLUXD (version 1.x) with a directory of its own. Each line goes to a database of its own, which is a device of Basalt.
Prints {"lines", "accepted", "differences"}: a difference is a line that one of both refuses, or that both store differently.
Left out are unsigned integers, which version 1.6 does not have, and comments with a newline in quotes, which InfluxDB takes for
one line. Here a comment ends with its line.
"""

import json
import random
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

NAMES = ["m", "cpu", "a b", "a,b", "a=b", "é", 'q"q', "back\\slash", "#x", "0"]
TEXTS = ["", "on", 'say "hi"', "a\\b", "end\\", "a,b=c d", "two\nlines", "é", "tab\there"]
NUMBERS = ["0", "1", "-1", "1.5", "-0.25", ".5", "1.", "1e3", "1E-3", "-1.5e+2", "9007199254740993", "00"]
INTEGERS = ["0i", "-12i", "9223372036854775807i", "-9223372036854775808i", "00i"]
BOOLEANS = ["t", "T", "true", "True", "TRUE", "f", "F", "false", "False", "FALSE"]
NO_VALUES = [
    *["+1", "1_0", "0x1", "--1", "1e", "e1", "nan", "NaN", "inf", "-", "+", ".", "1e400", "1-1", "1.5.2"],
    *["9223372036854775808i", "1.5i", "i", "+1i", "1e3i", "-i", "tRUE", "yes", "truee", "tr", ""],
]
MEASUREMENT_ESCAPES, KEY_ESCAPES = ", ", ", ="
NOW_NS = 1_700_000_000_000_000_000


def escaped(rng, text, characters):
    """Writes a name with its escapes, and now and then without one of them."""
    careless = rng.random() < 0.03
    return "".join(("" if careless else "\\") + c if c in characters else c for c in text)


def quoted(rng, text):
    inner = "".join("\\" + c if c in '"\\' else c for c in text)
    return '"' + inner + ('"' if rng.random() < 0.98 else "")


def value(rng):
    kind = rng.random()
    if kind < 0.08:
        return rng.choice(NO_VALUES)
    if kind < 0.7:
        return rng.choice(rng.choice([NUMBERS, INTEGERS, BOOLEANS]))
    return quoted(rng, rng.choice(TEXTS))


def line(rng):
    """One line, mostly right."""
    measurement = escaped(rng, rng.choice(NAMES), MEASUREMENT_ESCAPES)
    keys = rng.sample(NAMES, rng.randrange(3))
    tags = [escaped(rng, key, KEY_ESCAPES) + "=" + escaped(rng, rng.choice(NAMES), KEY_ESCAPES) for key in keys]
    fields = [escaped(rng, key, KEY_ESCAPES) + "=" + value(rng) for key in rng.sample(NAMES, rng.randrange(1, 4))]
    if rng.random() < 0.05:
        tags.append(rng.choice(["=x", "k=", "k", "k=v=w", ""]))
    if rng.random() < 0.05:
        fields.append(rng.choice(["=1", "k=", "k", "k=1=2", ""]))
    if measurement.startswith("#"):
        fields = [field.replace("\n", " ") for field in fields]
    space = " " * rng.choice([1, 1, 1, 1, 2])
    stamps = ["", f" {NOW_NS}", f" {NOW_NS}", f" {NOW_NS}", f"  {NOW_NS}", f" {NOW_NS} ", " "]
    stamp = rng.choice(stamps) if rng.random() < 0.95 else rng.choice([" 12x", " 1.5", " +", " 1 2"])
    return ",".join([measurement, *tags]) + space + ",".join(fields) + stamp


def request(url, body=None, headers=None):
    call = urllib.request.Request(url, data=body, headers=headers or {})
    try:
        with urllib.request.urlopen(call, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


class Influx:
    """A server of version 1.x on ports of its own."""

    def __init__(self, program, home):
        self.url = f"http://127.0.0.1:{free_port()}"
        path = f"{home}/influxdb.conf"
        with open(path, "w") as config:
            config.write(
                f'bind-address = "127.0.0.1:{free_port()}"\nreporting-disabled = true\n[meta]\ndir = "{home}/meta"\n'
                f'[data]\ndir = "{home}/data"\nwal-dir = "{home}/wal"\nindex-version = "inmem"\n'
                f'[http]\nbind-address = "{self.url.removeprefix("http://")}"\nlog-enabled = false\n[monitor]\nstore-enabled = false\n'
            )
        self.process = subprocess.Popen([program, "run", "-config", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(300):
            try:
                if request(self.url + "/ping")[0] == 204:
                    return
            except OSError:
                time.sleep(0.1)
        raise SystemExit("InfluxDB does not answer")

    def query(self, text, database=""):
        status, body = request(self.url + "/query?" + urllib.parse.urlencode({"q": text, "db": database, "epoch": "ns"}), b"")
        assert status == 200, body
        return json.loads(body, parse_int=int)["results"]

    def write(self, database, text):
        self.query(f'CREATE DATABASE "{database}"')
        return request(self.url + "/write?" + urllib.parse.urlencode({"db": database}), text.encode())

    def stored(self, database):
        """Stream names, as Basalt makes them, with the values."""
        found = {}
        for series in self.query("SELECT * FROM /.*/ GROUP BY *", database)[0].get("series", []):
            tags = "".join(f",{key}={tag}" for key, tag in sorted(series.get("tags", {}).items()) if tag)
            for row in series["values"]:
                for column, cell in zip(series["columns"][1:], row[1:]):
                    found[f"{series['name']}.{column}{tags}"] = cell
        return found


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def read_basalt(url, headers):
    """What Basalt has of each device: stream names with the values, as InfluxDB would show them."""
    query = (
        "SELECT d.name AS device, s.name AS stream, s.type, r.value, r.text FROM readings r "
        "JOIN streams s ON s.id = r.stream_id JOIN devices d ON d.id = s.device_id"
    )
    status, body = request(url + "/sql", query.encode(), headers)
    assert status == 200, body
    found = {}
    for row in json.loads(body):
        cell = row["text"] if row["type"] == "text" else row["value"]
        if row["type"] == "bit":
            cell = bool(cell)
        elif row["type"] == "int64":
            cell = int(row["text"]) if row["text"] else int(cell)
        found.setdefault(row["device"], {})[row["stream"]] = cell
    return found


def main(url, key, program, seed, count):
    rng = random.Random(int(seed))
    lines = [line(rng) for _ in range(int(count))]
    headers = {"Authorization": f"Token {key}", "Content-Type": "text/plain"}
    with tempfile.TemporaryDirectory() as home:
        influx = Influx(program, home)
        try:
            answers = []
            for number, text in enumerate(lines):
                there, reason = influx.write(f"o{number}", text)
                here, refused = request(f"{url}/write?db=o{number}", text.encode(), headers)
                stored = influx.stored(f"o{number}") if there == 204 else None
                influx.query(f'DROP DATABASE "o{number}"')
                answers.append((text, there, here, stored, (reason + refused).decode(errors="replace")))
        finally:
            influx.process.kill()
            influx.process.wait()
    ours = read_basalt(url, {**headers, "Authorization": f"ApiKey {key}"})
    differences = []
    for number, (text, there, here, stored, reason) in enumerate(answers):
        mine = ours.get(f"o{number}", {})
        if there != here or (there == 204 and stored != mine):
            differences.append({"line": text, "influxdb": [there, stored], "basalt": [here, mine], "reasons": reason})
    accepted = sum(there == 204 for _, there, *_ in answers)
    print(json.dumps({"lines": len(lines), "accepted": accepted, "differences": differences}))


main(*sys.argv[1:])
