#!/usr/bin/env python3
"""Measures models that run live at 1 Hz, and how long a year of one stream takes to score.

    python3 benches/models --basalt target/release/basalt

One `virtual` device makes the values of all sources, once a second; each source has a model of its own, of real converters'
files (tests/fixtures/ai). A model keeps up when it is never told to have been behind and its lag does not grow: both are read
from /metrics. A run fails when a score is missing; never because something was slow.
"""

import argparse
import json
import math
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
FIXTURES = ROOT / "tests/fixtures/ai"
SCALER = FIXTURES / "scalers/minmax_sk1_9_1.joblib"
SECRET = "benches-models-0123456789-0123456789"
YEAR_S = 365 * 86_400


def main():
    options = arguments()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(options.basalt.resolve(), Path(folder))
        try:
            if options.models:
                live(options, server)
            if options.year:
                year(options, server)
        finally:
            server.stop()


class Server:
    """A server on a directory of its own, with everything it is asked here."""

    def __init__(self, program, folder):
        log = folder / "log"
        with open(log, "w") as out:
            self.process = subprocess.Popen(
                [program, "serve", "--data-dir", folder / "data", "--listen", "127.0.0.1:0"],
                env={**os.environ, "BASALT_BOOTSTRAP_KEY": SECRET}, stdout=out, stderr=out,
            )
        while not (found := re.search(r"listening on (http://\S+)", log.read_text())):
            if self.process.poll() is not None:
                sys.exit(f"benches/models: the server ended: {log.read_text()}")
            time.sleep(0.05)
        self.url = found[1]

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def ask(self, path, body=None, media="application/json"):
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        headers = {"Authorization": f"ApiKey {SECRET}", "Content-Type": media}
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data, headers)) as answer:
            text = answer.read().decode()
        return json.loads(text) if answer.headers.get_content_subtype() == "json" else text

    def upload(self, model, source, interval=1):
        """A model over a stream: its number and that of its score stream."""
        boundary, parts = "benches-models-4f1d", []
        files = {"model": FIXTURES / f"models/{model}.tflite", "scaler": SCALER}
        texts = {"model_type": "lstm_ae" if "lstm" in model else "cnn_ae", "source": source, "interval": interval,
                 "threshold": 1000, "name": f"{model} {source}"}
        for name, file in files.items():
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{file.name}"\r\n\r\n'
            parts.append(head.encode() + file.read_bytes() + b"\r\n")
        for name, text in texts.items():
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'
            parts.append(head.encode())
        form = b"".join([*parts, f"--{boundary}--\r\n".encode()])
        made = self.ask("/api/ai/upload/", form, f"multipart/form-data; boundary={boundary}")
        return made["id"], made["data"]["id"]

    def metric(self, name):
        lines = re.findall(rf"^{name}{{[^}}]*}} (\S+)$", self.ask("/metrics"), re.MULTILINE)
        return [float(value) for value in lines]

    def usage(self, seconds):
        """Percent of a core over so many seconds, and MiB resident after them."""
        before = self.ticks()
        time.sleep(seconds)
        ticks = self.ticks() - before
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        resident = int(re.search(r"VmRSS:\s+(\d+)", status)[1]) // 1024
        return 100 * ticks / os.sysconf("SC_CLK_TCK") / seconds, resident

    def ticks(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])


def live(options, server):
    device = server.ask("/api/device/", {"name": "plant", "protocol": "virtual", "poll_interval": 1})["id"]
    generator = {"generator": "sine", "mean": 19.5, "amplitude": 6, "frequency": 60}
    sources = []
    for number in range(options.models):
        stream = {"name": f"s{number}", "device": device, "type": "fp64", "metadata": generator}
        sources.append(server.ask("/api/data/", stream)["id"])
    for model in options.model:
        print(f"== {options.models} models {model} at 1 Hz", flush=True)
        made = [server.upload(model, source) for source in sources]
        time.sleep(45)
        windows = sum(server.metric("basalt_model_windows_total"))
        began = time.monotonic()
        cpu, memory = server.usage(options.seconds)
        passed = time.monotonic() - began
        rate = (sum(server.metric("basalt_model_windows_total")) - windows) / passed
        lags = sorted(server.metric("basalt_model_lag_seconds"))
        behind = sum(server.metric("basalt_model_behind_total"))
        print(f"{rate:.0f} windows/s judged, {cpu:.0f} % of a core, {memory} MiB resident ({options.seconds} s)")
        print(f"lag at the end: median {lags[len(lags) // 2]:.1f} s, most {lags[-1]:.1f} s; fell behind {behind:.0f} times")
        missing = missing_scores(server, [data for _, data in made])
        print(f"{missing} scores missing between the first and the last of each stream")
        if missing:
            sys.exit("benches/models: scores are missing")
        for model_id, _ in made:
            urllib.request.urlopen(urllib.request.Request(
                f"{server.url}/api/ai/model/{model_id}/", method="DELETE", headers={"Authorization": f"ApiKey {SECRET}"}))


def missing_scores(server, streams):
    ids = ", ".join(map(str, streams))
    query = ("SELECT sum(CAST(date_part('epoch', last - first) AS BIGINT) + 1 - n) AS missing FROM "
             "(SELECT min(ts) AS first, max(ts) AS last, count(*) AS n FROM readings "
             f"WHERE stream_id IN ({ids}) GROUP BY stream_id) AS t")
    return server.ask("/sql", {"query": query})[0]["missing"]


def year(options, server):
    device = server.ask("/api/device/", {"name": "year", "protocol": "virtual"})["id"]
    stream = server.ask("/api/data/", {"name": "minutes", "device": device, "type": "fp64"})["id"]
    start = 1_735_689_600
    for first in range(0, YEAR_S, 86_400 * 30):
        seconds = range(first, min(first + 86_400 * 30, YEAR_S), 60)
        rows = (f"{stream},{iso(start + s)},{19.5 + 6 * math.sin(s / 5000):.4f}" for s in seconds)
        server.ask("/ingest", ("stream_id,ts,value\n" + "\n".join(rows)).encode(), "text/csv")
    span = {"from": iso(start), "to": iso(start + YEAR_S - 60)}
    for model in options.model:
        number, _ = server.upload(model, stream, interval=60)
        began = time.monotonic()
        job = server.ask(f"/api/ai/model/{number}/score/", {**span, "events": False})
        while job["state"] in ("queued", "running"):
            time.sleep(0.1)
            job = server.ask(f"/api/job/{job['id']}/")
        took = time.monotonic() - began
        windows = (job["result"] or {}).get("windows")
        print(f"== a year at one minute, {model}: {windows} windows in {took:.1f} s, {(windows or 0) / took:.0f}/s ({job['state']})")
        if windows != YEAR_S // 60 - 31:
            sys.exit(f"benches/models: {job}")


def iso(second):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second))


def arguments():
    parser = argparse.ArgumentParser(prog="benches/models", description=__doc__.split("\n\n")[0])
    program = ROOT / "target/release/basalt"
    parser.add_argument("--basalt", type=Path, default=program, help="the program [default: %(default)s]")
    parser.add_argument("--models", type=int, default=500, help="live; 0 is none [default: %(default)s]")
    parser.add_argument("--model", action="append", help="of tests/fixtures/ai/models, windows of 32; repeatable")
    parser.add_argument("--seconds", type=int, default=60, help="that live models are measured [default: %(default)s]")
    parser.add_argument("--no-year", dest="year", action="store_false", help="without the year")
    options = parser.parse_args()
    options.model = options.model or ["cnn_ae_dense_default", "lstm_ae_fixed"]
    return options


if __name__ == "__main__":
    main()
