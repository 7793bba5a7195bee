"""The server under attack: started under a limit, set up, watched."""

import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

SECRET = "bslt_hostile_0123456789abcdef0123456789abcdef"


@dataclass(frozen=True)
class Site:
    """What hostile clients know: addresses, keys of the organization `rivals`, and what is theirs there."""

    url: str
    postgres: tuple
    flight: tuple
    mqtt: tuple
    # May read the values of one device.
    weak: str
    # May write one stream of numbers and one of texts.
    writer: str
    # May upload models, and make devices.
    operator: str
    device: int
    stream: int
    texts: int


class Server:
    def __init__(self, program, folder, address_space_mib):
        self.program, self.folder, self.home = program, folder, folder / "data"
        self.log_path = folder / "log"
        env = {**os.environ, "BASALT_BOOTSTRAP_KEY": SECRET, "BASALT_PG_LISTEN": "127.0.0.1:0", "BASALT_FLIGHT_LISTEN": "127.0.0.1:0",
               "BASALT_MQTT__LISTEN": "127.0.0.1:0"}
        # Descriptors as a system gives them that nobody has changed.
        limit = f"ulimit -v {address_space_mib * 1024}; ulimit -S -n 1024; exec \"$@\""
        with open(self.log_path, "w") as out:
            self.process = subprocess.Popen(
                ["sh", "-c", limit, "sh", program, "serve", "--data-dir", self.home, "--listen", "127.0.0.1:0"],
                env=env, stdout=out, stderr=out, cwd=folder,
            )
        self.url = self.listening("http")
        self.memory = Memory(self.process.pid)

    def listening(self, scheme):
        for _ in range(600):
            found = re.search(rf"listening on ({scheme}://\S+)", self.log())
            if found:
                return found[1]
            if not self.is_running():
                sys.exit(f"hostile_clients: the server does not start: {self.log()}")
            time.sleep(0.1)
        sys.exit(f"hostile_clients: the server says no {scheme}://: {self.log()}")

    def address(self, scheme):
        host, port = self.listening(scheme).split("://")[1].rstrip("/").rsplit(":", 1)
        return host, int(port)

    def log(self):
        return self.log_path.read_text(errors="replace")

    def is_running(self):
        return self.process.poll() is None

    def stop(self):
        self.memory.stop()
        if self.is_running():
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()

    def problems(self):
        """Whether it has ended, or panicked."""
        if not self.is_running():
            lines = self.log().splitlines()
            last = [line for line in lines if re.search("overflowed|allocation of|panicked|fatal", line)] or lines[-5:]
            return [f"the server has ended ({self.process.returncode}) after {self.memory.peak} MiB resident, "
                    f"{self.memory.space} of address space: {' | '.join(last[-3:])}"]
        panics = [line for line in self.log().splitlines() if "panicked" in line]
        return [f"{len(panics)} panics, such as {panics[0]}"] if panics else []

    def ask(self, path, body=None, key=SECRET, timeout=120):
        data = json.dumps(body).encode() if body is not None else None
        headers = {"Authorization": f"ApiKey {key}", "Content-Type": "application/json"}
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(urllib.request.Request(self.url + path, data, headers), timeout=timeout) as answer:
            return json.loads(answer.read())

    def command(self, *args):
        """A command beside the server."""
        ran = subprocess.run([self.program, *args, "--data-dir", self.home], capture_output=True, text=True, cwd=self.folder)
        if ran.returncode:
            sys.exit(f"hostile_clients: basalt {' '.join(args)}: {ran.stderr}")
        return ran.stdout.strip()

    def device(self, name, key, streams):
        device = self.ask("/api/device/", {"name": name, "protocol": "virtual"}, key)["id"]
        make = lambda kind, i: self.ask("/api/data/", {"device": device, "name": f"s{i}", "type": kind}, key)["id"]
        return device, [make(kind, i) for i, kind in enumerate(streams)]

    def plant(self):
        """Of the healthy clients: their key, and a stream for each writer."""
        _, streams = self.device("plant", SECRET, ["fp64"] * 8)
        for stream in streams:
            self.ask(f"/api/data/{stream}/value/", {"value": -1, "timestamp": "2025-12-31T00:00:00Z"})
        return SECRET, streams

    def watched(self, count, threshold):
        """Streams of the healthy clients with a rule each, whose alerts come and go with the readings."""
        _, streams = self.device("watched", SECRET, ["fp64"] * count)
        for stream in streams:
            rule = {
                "name": f"limit of {stream}", "stream": stream, "operator": "GT", "threshold": threshold, "severity": "CRITICAL",
                "cooldown_seconds": 0, "auto_resolve": True,
            }
            self.ask("/api/rule/", rule)
        return SECRET, streams

    def site(self):
        if not hasattr(self, "made"):
            self.command("org", "create", "rivals")
            key = lambda *args: self.command("key", "create", "--name", "rival", "--org", "rivals", *args)
            every = [f"{noun}:write" for noun in ("device", "data", "value", "system", "group", "statistic", "event-log")]
            operator = key(*[arg for scope in every for arg in ("--scope", scope)])
            device, (stream, texts) = self.device("rig", operator, ["fp64", "text"])
            weak = key("--scope", "value:read", "--device", str(device))
            writer = key("--scope", "value:write", "--device", str(device))
            doors = self.address("postgres"), self.address("grpc"), self.address("mqtt")
            self.made = Site(self.url, *doors, weak, writer, operator, device, stream, texts)
        return self.made


class Memory:
    """What the process holds, looked at twice a second."""

    def __init__(self, pid):
        self.pid, self.seen, self.peak, self.space, self.ended = pid, [], 0, 0, threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()

    def watch(self):
        while not self.ended.wait(0.5):
            try:
                status = Path(f"/proc/{self.pid}/status").read_text()
            except OSError:
                return
            size = lambda name: int((re.search(rf"{name}:\s+(\d+)", status) or [0, 0])[1]) // 1024
            if size("VmRSS"):
                self.seen.append(size("VmRSS"))
                self.peak, self.space = max(self.peak, size("VmHWM")), max(self.space, size("VmPeak"))

    def typical(self):
        return sorted(self.seen)[len(self.seen) // 2] if self.seen else 0

    def stop(self):
        self.ended.set()
