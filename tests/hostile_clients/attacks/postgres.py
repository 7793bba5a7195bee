"""PostgreSQL's protocol by hand: what a connection is made to keep, and connections that say nothing."""

import struct
import time

from .wire import connect, together


def message(tag, body):
    return tag + struct.pack("!I", len(body) + 4) + body


class Session:
    """A connection that has shown its key."""

    def __init__(self, site):
        self.socket = connect(site.postgres, timeout=60)
        start = b"\0\x03\0\0user\0basalt\0database\0basalt\0\0"
        self.socket.sendall(struct.pack("!I", len(start) + 4) + start)
        self.answer(b"R")
        self.socket.sendall(message(b"p", site.weak.encode() + b"\0"))
        self.answer(b"Z")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def answer(self, until):
        """Reads to a message of this kind; the code of the last error, if there was one."""
        said = "ok"
        while True:
            tag, length = struct.unpack("!cI", self.take(5))
            body = self.take(length - 4)
            if tag == b"E":
                codes = [field[1:] for field in body.split(b"\0") if field[:1] == b"C"]
                said = codes[0].decode() if codes else "error"
            if tag == until:
                return said
            if tag == b"E" and until == b"R":
                raise ConnectionError(said)

    def take(self, count):
        taken = b""
        while len(taken) < count:
            piece = self.socket.recv(count - len(taken))
            if not piece:
                raise ConnectionResetError("closed")
            taken += piece
        return taken

    def say(self, *messages):
        self.socket.sendall(b"".join(messages))
        return self.answer(b"Z")


SYNC = message(b"S", b"")


def statements(site, turn):
    """Prepared statements with long names, and commands with long texts."""

    def one(i):
        said = "ok"
        with Session(site) as session:
            for n in range(12):
                name = f"{i}-{n}-".encode() + b"n" * (8 << 20)
                text = b"SELECT 1" if (n + turn) % 2 else b"SET a.b = '" + b"x" * (8 << 20) + b"'"
                name = name if (n + turn) % 2 else b"s%d" % n
                said = session.say(message(b"P", name + b"\0" + text + b"\0\0\0"), SYNC)
            time.sleep(5)
        return said

    return together(10, one)


def settings(site, _turn):
    """Settings of one's own, each as long as a message may be."""

    def one(i):
        said = "ok"
        with Session(site) as session:
            for n in range(20):
                said = session.say(message(b"Q", b"SET own.a%d_%d = '" % (i, n) + b"x" * (9 << 20) + b"'\0"))
            time.sleep(5)
        return said

    return together(6, one)


def silent(site, _turn):
    """As many connections as there are places, which say nothing."""

    def one(_):
        made = connect(site.postgres, timeout=40)
        with made:
            return "closed" if not made.recv(1) else "answered"

    return together(120, one)
