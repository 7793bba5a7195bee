"""Basalt over HTTP, from a server of its own on the loaded directory."""

import http.client
import json
import signal
import socket
import subprocess
from datetime import datetime

import numpy as np
import pyarrow as pa

import answers
from environment import fail

ARROW = "application/vnd.apache.arrow.stream"


class Peer:
    """The server's side."""

    name, note = "Basalt", "over HTTP, keep-alive, Arrow answers"

    def __init__(self, plant):
        self.program, self.dir = plant.program, plant.dir
        self.server = None
        self.fresh()
        command = [self.program, "key", "create", "--name", "peers", "--data-dir", self.dir]
        self.key = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
        self.questions = {q["id"]: q.get("sql") or q["path"] for q in plant.questions}

    def fresh(self):
        """Restarts it: nothing of what was asked before is in its memory."""
        self.close()
        command = [self.program, "serve", "--listen", "127.0.0.1:0", "--data-dir", self.dir]
        # The log goes to a file: nobody reads a pipe while questions are asked.
        log = self.dir / "peers.log"
        with log.open("w") as out:
            self.server = subprocess.Popen(command, stderr=out, stdout=subprocess.DEVNULL)
        self.address = wait_for(self.server, log)

    def setup(self):
        return {"address": self.address, "key": self.key, "questions": self.questions}

    def close(self):
        if self.server is not None:
            self.server.send_signal(signal.SIGTERM)
            if self.server.wait() != 0:
                fail(f"basalt ended with {self.server.returncode}: {(self.dir / 'peers.log').read_text()}")
            self.server = None


def wait_for(server, log):
    while server.poll() is None:
        for line in log.read_text().splitlines():
            if "listening on http://" in line:
                return line.rsplit("http://", 1)[1].strip()
    fail(f"basalt does not start: {log.read_text()}")


class Client:
    """The client's side, in a process of its own."""

    def __init__(self, address, key, questions):
        self.key, self.questions = key, questions
        self.connection = http.client.HTTPConnection(address, timeout=300)
        self.connection.connect()
        self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def can(self, question):
        return True

    def ask(self, question, params):
        text = self.questions[question]
        if text.startswith("/"):
            return json.loads(self.send("GET", text.format(**params)))
        body = json.dumps({"query": text, "params": params})
        headers = {"Content-Type": "application/json", "Accept": ARROW}
        return pa.ipc.open_stream(self.send("POST", "/sql", body, headers)).read_all()

    def send(self, method, path, body=None, headers={}):
        self.connection.request(method, path, body, {"X-API-Key": self.key, **headers})
        answer = self.connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{method} {path}: {answer.status}: {content[:500]!r}")
        return content

    def columns(self, question, answer):
        if question == "q1":
            at = [int(datetime.fromisoformat(row["timestamp"]).timestamp() * 1_000_000 + 0.5) for row in answer]
            return [np.array(at), np.array([float(row["value"]) for row in answer])]
        if question == "lttb":
            point = answer.column(0).combine_chunks()
            answer = pa.table(point.flatten(), names=["ts", "value"])
        table = answer.sort_by("stream_id") if question == "q2" else answer
        return answers.columns(table)
