"""Large things in small files: pickles that recall one text many times, and Flight tickets with streams that lie."""

import base64
import json
import struct
import zlib
from pathlib import Path

from .wire import ask

FIXTURES = Path(__file__).resolve().parents[3] / "tests/fixtures/ai"
MODEL = FIXTURES / "models/cnn_ae_dense_default.tflite"
SCALER = FIXTURES / "scalers/minmax_df_sk1_9_1.p4.pkl"
# As large as a file may unpack to, with the references.
TEXT_BYTES = 15 << 20
REFERENCES = 199_000


def scaler():
    """A sound scaler whose features all have one long text as their name."""
    sound = SCALER.read_bytes()
    # Without its frame, whose length is another now.
    head, rest = sound[:2], sound[11:]
    name = b"\x8c\x02s0\x94a"
    kept = rest[: rest.index(name)].count(b"\x94")
    shape = rest.index(b"K\x01K\x01\x85") + 2
    text = b"X" + struct.pack("<I", TEXT_BYTES) + b"x" * TEXT_BYTES + b"\x94"
    names = b"(" + text + (b"h" + bytes([kept])) * (REFERENCES - 1) + b"e"
    counted = b"J" + struct.pack("<i", REFERENCES)
    at = rest.index(name)
    return zlib.compress(head + rest[:shape] + counted + rest[shape + 2 : at] + names + rest[at + len(name) :], 9)


def scaler_references(site, _turn):
    files = {"model": ("m.tflite", MODEL.read_bytes()), "scaler": ("s.joblib", scaler())}
    texts = {"model_type": "cnn_ae", "source": str(site.stream), "interval": "1", "threshold": "1", "name": "m"}
    edge, parts = b"hostile-4f1d", []
    for name, (file, body) in files.items():
        parts.append(f'Content-Disposition: form-data; name="{name}"; filename="{file}"\r\n\r\n'.encode() + body)
    for name, text in texts.items():
        parts.append(f'Content-Disposition: form-data; name="{name}"\r\n\r\n{text}'.encode())
    form = b"".join(b"--" + edge + b"\r\n" + part + b"\r\n" for part in parts) + b"--" + edge + b"--\r\n"
    return [ask(site, "POST", "/api/ai/upload/", form, site.operator, f"multipart/form-data; boundary={edge.decode()}")]


def flight_tickets(site, turn):
    """With pyarrow only, which the tests' environment has: the standard library does not speak gRPC."""
    try:
        import pyarrow
        from pyarrow import flight
    except ImportError:
        return ["not tried: there is no pyarrow"]
    batch = pyarrow.record_batch({"a": ["x" * 1_000]})
    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    stream = bytearray(sink.getvalue().to_pybytes())
    # The length of a body stands as eight bytes in its message: every number that may be one is made 2^60.
    for at in range(0, len(stream) - 8, 8):
        if 1_000 <= struct.unpack_from("<q", stream, at)[0] <= 4_096:
            struct.pack_into("<q", stream, at, 1 << (60 - turn % 30))
    note = {"caller": f"key:{site.weak.split('_')[1]}", "query": "SELECT $1", "values": base64.b64encode(stream).decode()}
    client = flight.FlightClient(f"grpc://{site.flight[0]}:{site.flight[1]}")
    options = flight.FlightCallOptions(headers=[(b"authorization", b"Bearer " + site.weak.encode())], timeout=30)
    size = lambda part: struct.pack("B", len(part) & 0x7F | 0x80) + struct.pack("B", len(part) >> 7) if len(part) > 127 else bytes([len(part)])
    handle = json.dumps(note).encode()
    inner = b"\x0a" + size(handle) + handle
    kind = b"type.googleapis.com/arrow.flight.protocol.sql.TicketStatementQuery"
    try:
        client.do_get(flight.Ticket(b"\x0a" + size(kind) + kind + b"\x12" + size(inner) + inner), options).read_all()
        return ["read"]
    except pyarrow.ArrowException as error:
        return [type(error).__name__]
    finally:
        client.close()
