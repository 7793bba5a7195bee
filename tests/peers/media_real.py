#!/usr/bin/env python3
"""Media with a real ffmpeg: a camera of RTSP behind a password, a camera of HTTP live streaming, clips of both, a live view.

usage: media_real.py --basalt PROGRAM [--ffmpeg PROGRAM] [--seconds N]
It prints one line for each thing that holds, and fails on the first that does not.
"""
import argparse
import base64
import functools
import glob
import http.server
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

KEY = "sk_live_0123456789abcdef0123456789abcdef0123456789a"
PASSWORD = "s3cretPassword"
RATE = 24000


class Api:
    def __init__(self, url):
        self.url = url

    def send(self, method, path, body=None, headers=None):
        url = path if path.startswith("http") else self.url + path
        headers = dict(headers if headers is not None else {"Authorization": f"Bearer {KEY}"})
        data = None
        if body is not None:
            data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        request = urllib.request.Request(url, data=data, method=method, headers=headers)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def create(self, path, body=None):
        status, answer = self.send("POST", path, body)
        assert status == 201, (path, status, answer)
        return json.loads(answer)

    def get(self, path):
        status, answer = self.send("GET", path)
        assert status == 200, (path, status, answer)
        return json.loads(answer)

    def until(self, path, status, seconds=90):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            row = self.get(path)
            if row["status"] == status:
                return row
            time.sleep(0.2)
        raise AssertionError(f"{path} is not {status}: {row}")


def make_sources(ffmpeg, home, seconds):
    """A transport stream, the same as a playlist that is ended, and as one that goes on, by a program that is returned."""
    stream = os.path.join(home, "source.ts")
    picture = ["-f", "lavfi", "-i", "testsrc=size=320x240:rate=10", "-t", str(seconds), "-c:v", "libx264"]
    picture += ["-preset", "ultrafast", "-g", "10", "-pix_fmt", "yuv420p", "-b:v", "150k"]
    subprocess.run([ffmpeg, "-v", "error", "-y", *picture, "-f", "mpegts", stream], check=True)
    hls = os.path.join(home, "hls")
    os.mkdir(hls)
    cut = ["-i", stream, "-c", "copy", "-f", "hls", "-hls_time", "2", "-hls_list_size", "0"]
    subprocess.run([ffmpeg, "-v", "error", "-y", *cut, os.path.join(hls, "index.m3u8")], check=True)
    endless = ["-re", "-stream_loop", "-1", "-i", stream, "-c", "copy", "-f", "hls", "-hls_time", "2"]
    endless += ["-hls_list_size", "5", "-hls_flags", "delete_segments", os.path.join(hls, "live.m3u8")]
    return stream, hls, subprocess.Popen([ffmpeg, "-v", "error", "-nostdin", "-y", *endless])


def serve_files(directory):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=directory))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def seconds_of(ffmpeg, content):
    """Length of a recording and the number of its pictures, both by ffmpeg."""
    with tempfile.NamedTemporaryFile(suffix=".mp4") as file:
        file.write(content)
        file.flush()
        words = [ffmpeg, "-hide_banner", "-i", file.name, "-map", "0:v:0", "-f", "null", "-"]
        told = subprocess.run(words, capture_output=True, text=True, check=True).stderr
    return float(re.findall(r"time=\d+:\d+:([\d.]+)", told)[-1]), int(re.findall(r"frame=\s*(\d+)", told)[-1])


def processes_with(word):
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as file:
                line = file.read()
        except OSError:
            continue
        if word.encode() in line and b"ffmpeg" in line:
            found.append(line)
    return found


def check_clip(api, ffmpeg, camera, name, expected):
    now = int(time.time()) - 60
    iso = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at)) for at in (now - expected, now)]
    clip = api.create("/api/v1/dvr-clip-requests", {"cameraId": camera, "from": iso[0], "to": iso[1]})
    path = f"/api/v1/dvr-clip-requests/{clip['id']}"
    leaked = []
    end = time.monotonic() + 120
    while True:
        row = api.get(path)
        leaked += processes_with(PASSWORD)
        if row["status"] in ("READY", "FAILED"):
            break
        assert time.monotonic() < end, row
        time.sleep(0.1)
    assert row["status"] == "READY", row
    assert not leaked, leaked
    capture = api.get(f"/api/v1/captures/{row['captureId']}")
    link = api.get(f"/api/v1/captures/{row['captureId']}/download")
    status, content = api.send("GET", link["url"], headers={})
    assert status == 200 and len(content) == capture["sizeBytes"], (status, len(content), capture)
    length, pictures = seconds_of(ffmpeg, content)
    assert abs(length - expected) <= 1.5 and pictures >= (expected - 1) * 10 - 5, (length, pictures, expected)
    status, picture = api.send("GET", capture["thumbnailUrl"], headers={})
    assert status == 200 and picture[:2] == b"\xff\xd8", capture
    print(f"{name}: a clip of {expected} s has {length} s and {pictures} pictures, {len(content)} bytes, and a picture")


def check_live(api, ffmpeg, camera, name):
    session = api.create(f"/api/v1/cameras/{camera}/live")
    path = f"/api/v1/live/{session['id']}"
    active = api.until(path, "ACTIVE")
    login = "{username}:{password}".format(**session["credentials"])
    header = {"Authorization": "Basic " + base64.b64encode(login.encode()).decode()}
    status, playlist = api.send("GET", active["hlsUrl"], headers=header)
    assert status == 200 and playlist.startswith(b"#EXTM3U"), (status, playlist)
    segment = [line for line in playlist.decode().splitlines() if line.endswith(".ts")][-1]
    status, content = api.send("GET", active["hlsUrl"].replace("index.m3u8", segment), headers=header)
    assert status == 200 and len(content) % 188 == 0 and content[:1] == b"G", (status, len(content))
    assert api.send("GET", active["hlsUrl"], headers={})[0] == 401
    status, _ = api.send("DELETE", path)
    assert status == 202, status
    api.until(path, "STOPPED")
    print(f"{name}: a live view has segments of {len(content)} bytes, and ends")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--basalt", required=True)
    parser.add_argument("--ffmpeg", default="/usr/bin/ffmpeg")
    parser.add_argument("--seconds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        stream, hls, endless = make_sources(given.ffmpeg, home, 60)
        camera = [sys.executable, "-u", os.path.join(os.path.dirname(__file__), "rtsp_source.py")]
        camera = subprocess.Popen([*camera, stream, "cam", PASSWORD, str(RATE)], stdout=subprocess.PIPE, text=True)
        port, files = int(camera.stdout.readline()), serve_files(hls)
        env = dict(os.environ, BASALT_BOOTSTRAP_MK=KEY, BASALT_MEDIA__FFMPEG=given.ffmpeg)
        env["BASALT_PROCESS__ALLOW_PRIVATE"] = "127.0.0.0/8"
        log = open(os.path.join(home, "log"), "w+", encoding="utf-8")
        words = [given.basalt, "serve", "--data-dir", os.path.join(home, "plant"), "--listen", "127.0.0.1:0"]
        server = subprocess.Popen(words, env=env, stderr=log)
        try:
            url = wait_for_url(log.name)
            run(Api(url), given, port, files)
            with open(log.name, encoding="utf-8") as told:
                assert PASSWORD not in told.read()
        finally:
            server.terminate()
            server.wait()
            camera.kill()
            endless.kill()
            endless.wait()
        assert not glob.glob(os.path.join(home, "plant", "media", "*")), "directories of runs are left"
        print("the password is in no log and in no list of processes; nothing is left of the runs")


def wait_for_url(log):
    for _ in range(600):
        with open(log, encoding="utf-8") as file:
            found = re.search(r"http://127\.0\.0\.1:\d+", file.read())
        if found:
            return found.group(0)
        time.sleep(0.1)
    raise AssertionError("the server does not answer")


def run(api, given, port, files):
    device = api.create("/api/v1/devices", {"name": "gate"})["id"]
    rtsp = f"rtsp://cam:{PASSWORD}@127.0.0.1:{port}/main"
    ended, endless = (f"http://127.0.0.1:{files}/{name}.m3u8" for name in ("index", "live"))
    wrong = rtsp.replace(PASSWORD, "wrong")
    for name, url, dvr in [("RTSP", rtsp, rtsp), ("HLS", endless, ended)]:
        body = {"deviceId": device, "name": name, "streamUrl": url, "dvrUrl": dvr}
        camera = api.create("/api/v1/cameras", body)["id"]
        api.until(f"/api/v1/cameras/{camera}", "ONLINE")
        check_clip(api, given.ffmpeg, camera, name, given.seconds)
        check_live(api, given.ffmpeg, camera, name)
    body = {"deviceId": device, "name": "wrong", "streamUrl": wrong, "dvrUrl": wrong}
    camera = api.create("/api/v1/cameras", body)["id"]
    iso = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - ago)) for ago in (70, 60)]
    clip = api.create("/api/v1/dvr-clip-requests", {"cameraId": camera, "from": iso[0], "to": iso[1]})
    row = api.until(f"/api/v1/dvr-clip-requests/{clip['id']}", "FAILED")
    assert row["error"] == "the camera refuses user or password", row
    print("a wrong password is told:", row["error"])


if __name__ == "__main__":
    main()
