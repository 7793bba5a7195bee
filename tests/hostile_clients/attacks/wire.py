"""Requests that a well-behaved library would not send: hung up, slow, cut."""

import http.client
import socket
import threading
import time
import urllib.parse

# No request of an attack waits longer.
PATIENCE = 75


def place(url):
    host, port = urllib.parse.urlsplit(url).netloc.rsplit(":", 1)
    return host, int(port)


def ask(site, method, path, body=None, key=None, media="application/json", headers=None, timeout=PATIENCE):
    """The status of one request on a connection of its own, or how it ended."""
    headers = dict(headers or {})
    if key:
        headers["Authorization"] = f"ApiKey {key}"
    if body is not None:
        headers["Content-Type"] = media
    connection = http.client.HTTPConnection(*place(site.url), timeout=timeout)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        while answer.read(1 << 20):
            pass
        return str(answer.status)
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    finally:
        connection.close()


def head(method, path, length, key=None, media="application/json"):
    login = f"Authorization: ApiKey {key}\r\n" if key else ""
    return (f"{method} {path} HTTP/1.1\r\nHost: basalt\r\n{login}Content-Type: {media}\r\nContent-Length: {length}\r\n\r\n").encode()


def connect(address, timeout=10, receive_bytes=None):
    made = socket.socket()
    if receive_bytes:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    made.settimeout(timeout)
    made.connect(address)
    return made


def hang_up(site, method, path, body, key=None, after=0.3, media="application/json"):
    """Sends a request and is gone before its answer."""
    made = connect(place(site.url))
    with made:
        made.sendall(head(method, path, len(body), key, media) + body)
        time.sleep(after)
    return "hung up"


def read_slowly(site, method, path, body, key, seconds, media="application/json"):
    """Takes a few bytes of the answer, then nothing for a while."""
    made = connect(place(site.url), timeout=seconds + 60, receive_bytes=4096)
    with made:
        made.sendall(head(method, path, len(body), key, media) + body)
        first = made.recv(100)
        time.sleep(seconds)
    return first[9:12].decode() or "closed"


def together(count, work):
    """The outcomes of so many at once."""
    outcomes = []

    def one(i):
        try:
            outcomes.append(work(i))
        except OSError as error:
            outcomes.append(type(error).__name__)

    threads = [threading.Thread(target=one, args=(i,), daemon=True) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE + 30)
    return outcomes
