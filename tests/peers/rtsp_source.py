#!/usr/bin/env python3
"""An RTSP camera for tests: serves one MPEG transport stream over interleaved TCP (RFC 2326, RFC 2250), in a loop and in real
time, behind Basic authentication. It prints its port once it listens.

usage: rtsp_source.py FILE.ts USER PASSWORD BYTES_PER_SECOND
"""
import base64
import random
import socketserver
import struct
import sys
import time

FILE, USER, PASSWORD, RATE = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
PACKET = 188
PER_RTP = 7


class Camera(socketserver.StreamRequestHandler):
    def handle(self):
        try:
            request = self.read()
            while request is not None and self.answer(*request):
                request = self.read()
        except ConnectionError:
            # A probe that has its answer closes the connection as it likes.
            return

    def read(self):
        lines = []
        while True:
            line = self.rfile.readline(8192)
            if not line:
                return None
            line = line.decode("latin-1").strip()
            if not line and lines:
                break
            if line:
                lines.append(line)
        method, url, _ = lines[0].split(" ", 2)
        headers = dict((name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines[1:]))
        return method, url, headers

    def reply(self, headers, status, more=(), body=""):
        lines = [f"RTSP/1.0 {status}", f"CSeq: {headers.get('cseq', '0')}", *more]
        if body:
            lines += ["Content-Type: application/sdp", f"Content-Length: {len(body)}"]
        self.wfile.write(("\r\n".join(lines) + "\r\n\r\n" + body).encode())

    def answer(self, method, url, headers):
        if method == "OPTIONS":
            self.reply(headers, "200 OK", ["Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN"])
            return True
        expected = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if headers.get("authorization") != expected:
            self.reply(headers, "401 Unauthorized", ['WWW-Authenticate: Basic realm="camera"'])
            return True
        if method == "DESCRIBE":
            sdp = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nt=0 0\r\nm=video 0 RTP/AVP 33\r\na=control:track\r\n"
            self.reply(headers, "200 OK", [f"Content-Base: {url}/"], sdp)
        elif method == "SETUP":
            transport = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1"
            self.reply(headers, "200 OK", [transport, "Session: 1;timeout=60"])
        elif method == "PLAY":
            self.reply(headers, "200 OK", ["Session: 1", "Range: npt=0-"])
            self.play()
            return False
        else:
            self.reply(headers, "200 OK", ["Session: 1"])
            return method != "TEARDOWN"
        return True

    def play(self):
        with open(FILE, "rb") as source:
            stream = source.read()
        sequence, begun, sent = random.randrange(1 << 16), time.monotonic(), 0
        chunk = PACKET * PER_RTP
        try:
            while True:
                for at in range(0, len(stream), chunk):
                    payload = stream[at:at + chunk]
                    stamp = int((time.monotonic() - begun) * 90000) & 0xFFFFFFFF
                    rtp = struct.pack(">BBHII", 0x80, 33, sequence, stamp, 1) + payload
                    self.wfile.write(b"$\0" + struct.pack(">H", len(rtp)) + rtp)
                    sequence = (sequence + 1) & 0xFFFF
                    sent += len(payload)
                    ahead = sent / RATE - (time.monotonic() - begun)
                    if ahead > 0:
                        time.sleep(ahead)
        except OSError:
            return


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


with Server(("127.0.0.1", 0), Camera) as server:
    print(server.server_address[1], flush=True)
    server.serve_forever()
