"""The programs that are measured: Basalt, the server it collects from, and somebody who follows what is stored."""

import datetime
import http.client
import json
import os
import subprocess
import threading
import time
from pathlib import Path

KEY = "bslt_bench_0123456789abcdef0123456789abcdef"
HEADERS = {"Authorization": f"ApiKey {KEY}", "Content-Type": "application/json"}


def wrong(number, ts, value):
    """Whether a signal cannot have held this at that time."""
    second = round(ts)
    return abs(ts - second) > 1e-6 or value != ((second + 7 * number) % 1000) / 10


class Simulator:
    def __init__(self, program):
        self.program, self.address = program, "127.0.0.1:0"
        self.start()

    def start(self):
        """Starts it, where it was before if it was; when it listened."""
        command = [self.program, "simulate", "opcua", "--listen", self.address]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().removeprefix("listening on ").strip()
        listening = time.time()
        self.address = self.url.removeprefix("opc.tcp://")
        return listening

    def kill(self):
        self.process.kill()
        self.process.wait()

    stop = kill


class Basalt:
    def __init__(self, program, folder):
        environment = os.environ | {"BASALT_BOOTSTRAP_KEY": KEY}
        command = [program, "serve", "--data-dir", folder / "data", "--listen", "127.0.0.1:0"]
        with open(folder / "log", "w") as log:
            self.process = subprocess.Popen(command, env=environment, stderr=log)
        while "listening on http://" not in (said := (folder / "log").read_text()):
            if self.process.poll() is not None:
                raise SystemExit(f"benches/opcua: {said}")
            time.sleep(0.05)
        self.address = said.split("listening on http://")[1].split()[0]

    def ask(self, method, path, body):
        # One each: minutes lie between some, and an idle connection is closed.
        connection = http.client.HTTPConnection(self.address)
        connection.request(method, path, json.dumps(body), HEADERS)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        if answer.status >= 300:
            raise SystemExit(f"benches/opcua: {method} {path}: {answer.status} {content.decode()}")
        return json.loads(content)

    def device(self, url):
        """A device that does not collect yet; its id."""
        made = {"name": "Signals", "protocol": "opcua", "host": url, "poll_interval": 1.0, "enabled": False}
        return self.ask("POST", "/api/device/", made)["id"]

    def stream(self, device, number):
        made = {"name": f"signal {number}", "device": device, "path": f"ns=2;s=signals.{number}", "type": "fp64"}
        return self.ask("POST", "/api/data/", made)["id"]

    def collect(self, device, subscribes, streams):
        """Begins, and returns when every stream has a new reading."""
        began = time.time_ns() // 1000
        one = f"/api/device/{device}/"
        self.ask("PATCH", one, {"enabled": False})
        self.ask("PATCH", one, {"enabled": True, "metadata": {"use_subscription": subscribes}})
        since = f"SELECT count(DISTINCT stream_id) AS n FROM readings WHERE CAST(ts AS BIGINT) >= {began} AND quality = 'good'"
        while self.ask("POST", "/sql", {"query": since})[0]["n"] < streams:
            time.sleep(0.2)

    def usage(self, seconds):
        """The share of a core it takes in that time, in percent, and the memory it holds then."""
        before, started = self._ticks(), time.monotonic()
        time.sleep(seconds)
        share = (self._ticks() - before) / os.sysconf("SC_CLK_TCK") / (time.monotonic() - started)
        return share * 100, self.memory()

    def _ticks(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    def memory(self):
        """What it holds, in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) // 1024

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Follower:
    """Follows every reading from now on: (arrived, number, time of the source, value), times in seconds since 1970."""

    def __init__(self, basalt, numbers):
        self.numbers, self.rows, self.is_over = numbers, [], False
        self.connection = http.client.HTTPConnection(basalt.address, timeout=60)
        query = "subscription { values { readings { streamRowId ts value quality } } }"
        headers = HEADERS | {"Accept": "text/event-stream"}
        self.connection.request("POST", "/graphql/stream", json.dumps({"query": query}), headers)
        self.answer = self.connection.getresponse()
        self.thread = threading.Thread(target=self._follow, daemon=True)
        self.thread.start()

    def _follow(self):
        while not self.is_over and (line := self.answer.readline()):
            arrived = time.time()
            if not line.startswith(b"data:") or b"readings" not in line:
                continue
            for reading in json.loads(line[5:])["data"]["values"]["readings"]:
                if reading["quality"] != "good":
                    continue
                ts = datetime.datetime.fromisoformat(reading["ts"]).timestamp()
                self.rows.append((arrived, self.numbers[int(reading["streamRowId"])], ts, reading["value"]))

    def until(self, since, count):
        """Ends when every signal has had two values of after that time; everything of after it."""
        while len(after := [row for row in list(self.rows) if row[2] > since]) < 2 * count:
            time.sleep(0.1)
        self.end()
        return after

    def end(self):
        self.is_over = True
        self.thread.join(5)
        self.connection.close()
        return self.rows
