"""A server over a data directory, with somebody who may log in."""

import os
import re
import subprocess
import sys
import time

KEY = "bslt_web_0123456789abcdef0123456789abcdef"
USER, PASSWORD = "ann", "correct horse battery"


class Server:
    def __init__(self, program, folder):
        self.program, self.data = program, folder
        folder.mkdir(parents=True, exist_ok=True)
        log = folder.with_name(f"{folder.name}.log")
        with open(log, "w") as out:
            self.process = subprocess.Popen(
                [program, "serve", "--data-dir", folder, "--listen", "127.0.0.1:0"],
                env={**os.environ, "BASALT_BOOTSTRAP_KEY": KEY}, stdout=out, stderr=out,
            )
        while not (found := re.search(r"listening on (http://\S+)", log.read_text())):
            if self.process.poll() is not None:
                sys.exit(f"benches/web: the server ended: {log.read_text()}")
            time.sleep(0.05)
        self.url = found[1]
        self.make_user()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def make_user(self):
        """Makes the person who logs in, unless an earlier run has."""
        command = [self.program, "user", "create", USER, "--superuser", "--password-stdin", "--data-dir", self.data]
        made = subprocess.run(command, input=f"{PASSWORD}\n", text=True, capture_output=True)
        if made.returncode != 0 and "must be unique" not in made.stderr:
            sys.exit(f"benches/web: {made.stderr}")


def load_plant(program, folder, days, has_year):
    """The plant of `basalt bench`, unless it is there already."""
    if (folder / "bench.json").exists():
        return
    command = [program, "bench", "--only", "load", "--days", str(days), "--data-dir", folder]
    subprocess.run(command + ["--year-stream"] * has_year, check=True, stdout=subprocess.DEVNULL)
