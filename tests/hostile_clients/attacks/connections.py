"""What nobody needs a key for: connections, bodies and passwords."""

import time

from .wire import ask, connect, hang_up, head, place, together


def half_open(site, turn):
    """More connections than there are descriptors, which begin a request and do not end it."""
    open_, refused = [], 0
    for i in range(1_200):
        try:
            made = connect(place(site.url), timeout=2)
            made.sendall(b"GET /healthz/ HTTP/1.1\r\nHost: a\r\nX-A: " if (i + turn) % 2 else b"")
            open_.append(made)
        except OSError:
            refused += 1
            if refused > 20:
                break
    time.sleep(10)
    closed = sum(is_closed(made) for made in open_)
    for made in open_:
        made.close()
    return ["open"] * (len(open_) - closed) + ["closed by the server"] * closed + ["refused"] * refused


def is_closed(made, seconds=0.001):
    """Whether the server closes it within so many seconds, also with an answer."""
    made.settimeout(seconds)
    try:
        made.recv(1)
        return True
    except TimeoutError:
        return False
    except OSError:
        return True


# Bytes of bodies, largest first, and how many of each: together they fill what all bodies may take, to its last KiB.
BODIES = [(10 << 20, 52), (1 << 20, 12), (64 << 10, 20), (4 << 10, 40), (1 << 10, 40)]


def slow_logins(site, _turn):
    """Passwords that take their time, kept as long as they are listened to."""
    sizes = [(step, size) for step, (size, count) in enumerate(BODIES) for _ in range(count)]

    def one(i):
        step, size = sizes[i]
        time.sleep(step * 1.5)
        made = connect(place(site.url), timeout=20)
        with made:
            made.sendall(head("POST", "/api/session/", size) + b'{"username":"' + b"x" * (size - 100))
            for _ in range(6):
                if is_closed(made, 8):
                    return "closed"
                made.sendall(b"x")
            return "held"

    return together(len(sizes), one)


def passwords(site, turn):
    """Logins whose asker is gone before the hash is done, each as somebody else."""
    body = lambda i: f'{{"username":"nobody{turn}-{i}","password":"wrong-password"}}'.encode()
    return together(300, lambda i: hang_up(site, "POST", "/api/session/", body(i), after=0.05))


def readiness(site, _turn):
    return together(50, lambda _: ask(site, "GET", "/readyz/?checks=disk", timeout=20))
