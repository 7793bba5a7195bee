#!/usr/bin/env python3
"""Prometheus and vmagent, whose receiver is killed again and again: nothing of what they scraped is lost, nothing is doubled.

usage: senders_killed.py --basalt PROGRAM [--prometheus PROGRAM] [--vmagent PROGRAM] [--rounds N]

Each of them scrapes a target of its own every second, whose counter says how often it was scraped. It prints one line for each,
and fails when the stream of a counter has not every number once.
"""
import argparse
import csv
import http.server
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request

KEY = "bslt_long_0123456789abcdef0123456789abcdef"
UP_SECONDS = 8
DOWN_SECONDS = 5
# Prometheus waits for up to five seconds between two attempts, vmagent for a minute.
CATCH_UP_SECONDS = 180


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Target:
    """What is scraped. Once it is closed it refuses to be."""

    def __init__(self):
        self.count, self.is_open, self.lock = 0, True, threading.Lock()
        target = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                status, text = target.scrape()
                self.send_response(status)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def scrape(self):
        with self.lock:
            if not self.is_open:
                return 503, b""
            self.count += 1
            return 200, f"# TYPE scrapes_total counter\nscrapes_total {self.count}\n".encode()

    def close(self):
        with self.lock:
            self.is_open = False


class Receiver:
    def __init__(self, program, home):
        self.program, self.home, self.port = program, home, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = None

    def start(self):
        data = os.path.join(self.home, "plant")
        command = [self.program, "serve", "--data-dir", data, "--listen", f"127.0.0.1:{self.port}"]
        log = open(os.path.join(self.home, "basalt.log"), "ab")
        self.process = subprocess.Popen(command, stderr=log, env={**os.environ, "BASALT_BOOTSTRAP_KEY": KEY})
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                return self.ask("SELECT 1 AS n")
            except OSError:
                time.sleep(0.1)
        raise AssertionError("the server does not answer")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def ask(self, query):
        url = f"{self.url}/sql?{urllib.parse.urlencode({'q': query})}"
        headers = {"Authorization": f"ApiKey {KEY}", "Accept": "text/csv"}
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(urllib.request.Request(url, headers=headers), timeout=30) as answer:
            return list(csv.DictReader(io.TextIOWrapper(answer, "utf-8")))

    def figures(self, device):
        """How many values of the counter there are, how many different ones, the smallest and the largest."""
        row = self.ask(
            "SELECT count(r.value) AS n, count(DISTINCT r.value) AS m, coalesce(min(r.value), 0) AS least, "
            "coalesce(max(r.value), 0) AS most FROM readings r JOIN streams s ON s.id = r.stream_id "
            f"JOIN devices d ON d.id = s.device_id WHERE s.name = 'scrapes_total' AND d.name = '{device}'"
        )[0]
        return [int(float(row[name])) for name in ("n", "m", "least", "most")]


def scrape_config(target):
    # JSON is YAML.
    job = {"job_name": "counter", "static_configs": [{"targets": [target.address]}]}
    return {"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": [job]}


def start_prometheus(program, home, receiver, target):
    write = {"url": f"{receiver.url}/api/v1/write", "authorization": {"credentials": KEY}}
    config = os.path.join(home, "prometheus.yml")
    with open(config, "w") as file:
        json.dump({**scrape_config(target), "remote_write": [write]}, file)
    data = f"--storage.tsdb.path={os.path.join(home, 'prometheus')}"
    listen = f"--web.listen-address=127.0.0.1:{free_port()}"
    return start([program, f"--config.file={config}", data, listen], home, "prometheus")


def start_vmagent(program, home, receiver, target):
    config = os.path.join(home, "scrape.yml")
    with open(config, "w") as file:
        json.dump(scrape_config(target), file)
    remote = [f"-remoteWrite.url={receiver.url}/api/v1/write", f"-remoteWrite.bearerToken={KEY}"]
    queue = f"-remoteWrite.tmpDataPath={os.path.join(home, 'vmagent')}"
    listen = f"-httpListenAddr=127.0.0.1:{free_port()}"
    return start([program, f"-promscrape.config={config}", *remote, queue, listen], home, "vmagent")


def start(command, home, name):
    log = open(os.path.join(home, f"{name}.log"), "wb")
    return subprocess.Popen(command, stdout=log, stderr=log)


def check(name, receiver, target):
    """Waits until the last value has arrived, and for others that may still come."""
    expected = [target.count, target.count, 1, target.count]
    end = time.monotonic() + CATCH_UP_SECONDS
    while receiver.figures(target.address)[3] < target.count and time.monotonic() < end:
        time.sleep(1)
    time.sleep(3)
    figures = receiver.figures(target.address)
    print(f"{name}: scraped {target.count} times; values, different ones, least and most: {figures}")
    return figures == expected and target.count > 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--basalt", required=True)
    parser.add_argument("--prometheus", default="prometheus")
    parser.add_argument("--vmagent", default="vmagent")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        receiver = Receiver(args.basalt, home)
        receiver.start()
        targets = {"prometheus": Target(), "vmagent": Target()}
        senders = [
            start_prometheus(args.prometheus, home, receiver, targets["prometheus"]),
            start_vmagent(args.vmagent, home, receiver, targets["vmagent"]),
        ]
        try:
            for _ in range(args.rounds):
                time.sleep(UP_SECONDS)
                receiver.kill()
                time.sleep(DOWN_SECONDS)
                receiver.start()
            time.sleep(UP_SECONDS)
            for target in targets.values():
                target.close()
            are_whole = [check(name, receiver, target) for name, target in targets.items()]
        finally:
            for process in [*senders, receiver.process]:
                process.kill()
                process.wait()
        if not all(are_whole):
            sys.exit("a value is missing or doubled")


main()
