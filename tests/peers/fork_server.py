#!/usr/bin/env python3
"""Runs the peers of Python without the seconds that their imports take: each is a fork of a process that has imported them.

    fork_server.py SOCKET

Prints `ready` once it listens at the Unix socket SOCKET, and runs until it is killed. Who connects (fork_client.py) sends its
three standard streams and a line of JSON, {"arguments": [SCRIPT, …], "folder", "environment"}; SCRIPT runs as a program with
these, and the answer is its exit status as a line. A connection that ends before kills it. What a script imports is imported
at its first start, where it is one of FORKABLE. With BASALT_CASE_TIMES and BASALT_CASE_RUN in the environment of a script its
processor time is added to those of the case (tests/budget).
"""

import ast
import atexit
import gc
import importlib
import io
import json
import os
import runpy
import selectors
import signal
import socket
import sys
import threading
import traceback
from pathlib import Path

# Packages that have no threads after they are imported, so that a fork of them is whole. Those of Arrow have some. paho is missing, since
# sparkplug_node.py has a version of its own.
FORKABLE = {
    "aiosmtpd", "amqtt", "asyncua", "boto3", "cpppo", "cryptography", "moto", "opentelemetry", "playwright", "psycopg",
    "pymodbus", "requests", "schemathesis", "snap7", "socketio", "sqlalchemy",
}  # fmt: skip
# What one request may have.
MOST_BYTES = 1 << 20


def imported_modules(path):
    """Names of the modules that the script at `path` imports when it starts, those of other scripts beside it too."""
    for node in ast.parse(path.read_text()).body:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module]
        for name in names:
            beside = path.with_name(f"{name}.py")
            if beside.is_file():
                yield from imported_modules(beside)
            else:
                yield name


def import_once(path, imported):
    """Imports what the script at `path` needs and can be shared, unless another script needed it before."""
    for name in imported_modules(path):
        if name.partition(".")[0] in FORKABLE and name not in imported:
            imported.add(name)
            try:
                importlib.import_module(name)
                if name == "asyncua":
                    share_address_space()
            except Exception:
                # The script fails by it as well, and says so to whoever started it.
                traceback.print_exc()


def share_address_space():
    """Servers of asyncua begin with the nodes of the standard address space, which take six seconds to make: here they are made once."""
    from asyncua.server.address_space import AddressSpace, NodeManagementService
    from asyncua.server.internal_server import InternalServer
    from asyncua.server.standard_address_space import standard_address_space

    space = AddressSpace()
    standard_address_space.fill_address_space(NodeManagementService(space))

    async def load(server, shelf_file=None):
        for node in list(space.keys()):
            server.aspace[node] = space[node]

    InternalServer.load_standard_address_space = load


def run_script(request, streams):
    """Becomes the script; returns its exit status."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # Lines are read as soon as they are printed.
    sys.stdin = io.TextIOWrapper(os.fdopen(0, "rb"))
    sys.stdout = io.TextIOWrapper(os.fdopen(1, "wb", 0), write_through=True)
    sys.stderr = io.TextIOWrapper(os.fdopen(2, "wb", 0), write_through=True)
    sys.argv = request["arguments"]
    sys.path[0] = str(Path(sys.argv[0]).parent)
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as end:
        if isinstance(end.code, int) or end.code is None:
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


class Peer:
    """A script that runs, and the connection of who wants it."""

    def __init__(self, connection, request, streams, sockets):
        self.connection = connection
        self.environment = request["environment"]
        self.child = os.fork()
        if self.child == 0:
            status = 1
            try:
                for other in sockets:
                    other.close()
                status = run_script(request, streams)
                # Threads that are no daemons end first, then what is to be done at the end, as in every program.
                threading._shutdown()
                atexit._run_exitfuncs()
            finally:
                os._exit(status)
        self.ended = os.pidfd_open(self.child)

    def reap(self):
        """Waits for its end and notes what it took; its exit status."""
        _, status, usage = os.wait4(self.child, 0)
        os.close(self.ended)
        times, run = (self.environment.get(name) for name in ("BASALT_CASE_TIMES", "BASALT_CASE_RUN"))
        if times and run:
            Path(times, f"{run}.{self.child}").write_text(f"{usage.ru_utime:.3f} {usage.ru_stime:.3f}\n")
        return os.waitstatus_to_exitcode(status)


class ForkServer:
    """Accepts connections, one script each."""

    def __init__(self, path):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        # It runs whatever script is named: only its own user may.
        os.chmod(path, 0o600)
        self.listener.listen(64)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.imported = set()
        self.peers = {}

    def serve(self):
        while True:
            ready = [key for key, _ in self.selector.select()]
            # A script that nobody wants any more is gone before the next starts, which may want its port.
            for key in sorted(ready, key=lambda key: key.fileobj is self.listener):
                if key.fileobj is self.listener:
                    self.accept()
                elif key.data in self.peers.values():
                    self.end(key.data, is_over=key.fileobj == key.data.ended)

    def accept(self):
        connection, _ = self.listener.accept()
        streams = []
        try:
            text, streams, _, _ = socket.recv_fds(connection, MOST_BYTES, 3)
            while not text.endswith(b"\n"):
                more = connection.recv(MOST_BYTES)
                if not more:
                    raise ConnectionError("the request was not whole")
                text += more
            self.start(connection, json.loads(text), streams)
        except (OSError, ValueError, SyntaxError):
            traceback.print_exc()
            connection.close()
        finally:
            for stream in streams:
                os.close(stream)

    def start(self, connection, request, streams):
        import_once(Path(request["arguments"][0]), self.imported)
        # What is there is not written to by the collector of every fork.
        gc.freeze()
        sockets = [self.listener, self.selector, *(peer.connection for peer in self.peers.values())]
        peer = Peer(connection, request, streams, sockets)
        self.peers[peer.child] = peer
        self.selector.register(connection, selectors.EVENT_READ, peer)
        self.selector.register(peer.ended, selectors.EVENT_READ, peer)

    def end(self, peer, is_over):
        """Ends a script that nobody wants any more, or answers with the status of one that is over."""
        del self.peers[peer.child]
        self.selector.unregister(peer.connection)
        self.selector.unregister(peer.ended)
        if not is_over:
            os.kill(peer.child, signal.SIGKILL)
        status = peer.reap()
        try:
            peer.connection.sendall(f"{status}\n".encode())
        except OSError:
            pass
        peer.connection.close()

    def kill_all(self, *_):
        for child in self.peers:
            os.kill(child, signal.SIGKILL)
        os._exit(1)


def main():
    server = ForkServer(sys.argv[1])
    signal.signal(signal.SIGTERM, server.kill_all)
    print("ready", flush=True)
    try:
        server.serve()
    finally:
        traceback.print_exc()
        server.kill_all()


if __name__ == "__main__":
    main()
