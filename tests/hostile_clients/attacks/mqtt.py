"""What clients of the MQTT broker do who have a key of their own: storms, queues, halves and floods."""

import struct
import time

from .wire import connect, together

CONNECT, PUBLISH, SUBSCRIBE, PINGREQ = 0x10, 0x30, 0x82, 0xC0


def text(value):
    data = value.encode()
    return struct.pack(">H", len(data)) + data


def frame(kind, body):
    """A packet with its length, seven bits a byte."""
    length, digits = len(body), bytearray()
    while True:
        length, digit = divmod(length, 128)
        digits.append(digit | (0x80 if length else 0))
        if not length:
            return bytes([kind]) + bytes(digits) + body


def publish(topic, payload, retain=False, number=0):
    """A publication, with a number one that is to be acknowledged."""
    kind = PUBLISH | (2 if number else 0) | (1 if retain else 0)
    return frame(kind, text(topic) + (struct.pack(">H", number) if number else b"") + payload)


def subscribe(number, filters):
    return frame(SUBSCRIBE, struct.pack(">H", number) + b"".join(text(one) + b"\x01" for one in filters))


def open_session(site, client, key, clean=True, timeout=20):
    """A connection whose CONNECT (3.1.1, keep alive of 60 s) was answered; `None` when it was refused."""
    made = connect(site.mqtt, timeout=timeout)
    flags = 0xC0 | (2 if clean else 0)
    made.sendall(frame(CONNECT, text("MQTT") + bytes([4, flags, 0, 60]) + text(client) + text("rival") + text(key)))
    answer = made.recv(4)
    if len(answer) == 4 and answer[3] == 0:
        return made
    made.close()
    return None


def send(made, *packets):
    """How it ended to send them and to read what comes within a moment."""
    try:
        for packet in packets:
            made.sendall(packet)
        made.settimeout(0.5)
        return "answered" if made.recv(1 << 16) else "closed"
    except TimeoutError:
        return "silent"
    except OSError as error:
        return type(error).__name__


def with_session(site, client, key, work, clean=True):
    made = open_session(site, client, key, clean)
    if made is None:
        return "refused"
    with made:
        return work(made)


def filter_storms(site, turn):
    """What is retained, asked for by the same filter tens of thousands of times (3)."""
    keep = publish("basalt/rig/note", b"x" * 100_000, retain=True)
    stored = with_session(site, f"keep{turn}", site.writer, lambda made: send(made, keep))
    storm = lambda count: subscribe(1, ["#"] * count)
    ask = lambda count: with_session(site, f"storm{turn}-{count}", site.weak, lambda made: send(made, storm(count)))
    return [f"retained: {stored}", *(ask(count) for count in (400, 20_000, 75_000))]


def kept_sessions(site, turn):
    """Sessions that stay when their client has left, each with as many long filters as fit (5, 11)."""
    filters = lambda i: [f"basalt/rig/{i}-{n}-{'x' * 5_900}" for n in range(20)]
    one = lambda i: with_session(
        site, f"kept{turn}-{i}", site.weak, lambda made: send(made, subscribe(1, filters(i))), clean=False
    )
    return [one(i) for i in range(100)]


def unread_queues(site, turn):
    """Subscribers that read nothing, while a publisher goes on (5)."""
    readers = [open_session(site, f"deaf{turn}-{i}", site.weak, clean=False) for i in range(20)]
    readers = [reader for reader in readers if reader]
    outcomes = ["refused"] * (20 - len(readers))
    for reader in readers:
        outcomes.append(send(reader, subscribe(1, ["basalt/rig/+"])))
    many = [publish("basalt/rig/s0", b"%d" % i, number=i + 1) for i in range(500)]
    outcomes.append("published: " + with_session(site, f"flood{turn}", site.writer, lambda made: send(made, *many)))
    for reader in readers:
        reader.close()
    return outcomes


def half_packets(site, turn):
    """Packets of 320 KiB that are never finished (7)."""

    def one(i):
        def work(made):
            made.sendall(publish("basalt/rig/s0", b"x" * 327_000)[:-1_000])
            made.settimeout(30)
            try:
                return "closed" if not made.recv(1) else "answered"
            except TimeoutError:
                return "held"

        return with_session(site, f"half{turn}-{i}", site.writer, work)

    return together(200, one)


def wide_messages(site, turn):
    """Messages of thousands of members, for most of which there is no stream (1)."""
    members = ",".join(f'"m{turn}-{i}":{i}' for i in range(5_000))
    wide = publish("basalt/rig", f"{{{members}}}".encode(), number=1)
    return [with_session(site, f"wide{turn}", site.operator, lambda made: send(made, wide)) for _ in range(3)]


def document_floods(site, turn):
    """Documents of a device without a pause: they share a ring with those of others (9)."""
    flood = [publish("discover/rivals/rig/connected", b'{"notes":"%d"}' % i) for i in range(2_000)]
    return [with_session(site, f"status{turn}", site.operator, lambda made: send(made, *flood, bytes([PINGREQ, 0])))]


def silent_handshakes(site, _turn):
    """Connections that say nothing, or only the begin of a CONNECT (10)."""
    begin = frame(CONNECT, text("MQTT") + bytes(400))[:20]

    def one(i):
        made = connect(site.mqtt, timeout=20)
        with made:
            made.sendall(begin if i % 2 else b"")
            time.sleep(5)
            return "held"

    return together(200, one)
