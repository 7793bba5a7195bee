"""A PostgreSQL server of its own, with the settings initdb gives it."""

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from environment import fail, free_port


class Postgres:
    """A server with the settings initdb gives it, on a free port and a temporary directory; gone at the end."""

    def __init__(self):
        self.bin = find_postgres()
        self.dir = Path(tempfile.mkdtemp(prefix="basalt-peers-"))
        self.data, self.log = self.dir / "pg/data", self.dir / "pg/log"
        self.identity = {}

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self):
        (self.dir / "pg").mkdir()
        if os.geteuid() == 0:
            # PostgreSQL refuses to be root.
            user = find_user("postgres") or find_user("nobody") or fail("no user `postgres` or `nobody`")
            self.identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            self.dir.chmod(0o755)
            os.chown(self.dir / "pg", user.pw_uid, user.pw_gid)
        access = ["--auth=trust", "--username=basalt"]
        self.run("initdb", *access, "--encoding=UTF8", "--locale=C", "-D", self.data)
        for _ in range(3):
            self.port = free_port()
            options = f"-h 127.0.0.1 -p {self.port} -c unix_socket_directories="
            command = ["start", "--silent", "-w", "-t", "60", "-D", self.data, "-l", self.log, "-o", options]
            if self.run("pg_ctl", *command, may_fail=True):
                return
        fail(f"PostgreSQL ({self.bin}) does not start: {self.log.read_text() if self.log.exists() else 'no log'}")

    def run(self, program, *args, may_fail=False):
        command = [self.bin / program, *args]
        # No pipe: the server would inherit and hold it.
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "cwd": "/", **self.identity}
        if may_fail:
            return subprocess.run(command, stderr=subprocess.DEVNULL, **quiet).returncode == 0
        return subprocess.run(command, **quiet).returncode == 0 or fail(f"{program} failed")

    def __exit__(self, *_):
        if (self.data / "postmaster.pid").exists():
            self.run("pg_ctl", "stop", "--silent", "-m", "immediate", "-D", self.data, may_fail=True)
        shutil.rmtree(self.dir, ignore_errors=True)

    def connect(self):
        """A connection on which every statement is a transaction."""
        import psycopg

        return psycopg.connect(host="127.0.0.1", port=self.port, user="basalt", dbname="postgres", autocommit=True)


def find_postgres():
    """The directory of the newest server, as tests/run.sh finds it, but past links: pgbench lies there too."""
    on_path = shutil.which("initdb")
    places = [Path(on_path).resolve().parent] if on_path else []
    usual = ["usr/lib/postgresql/*/bin", "usr/pgsql-*/bin", "opt/homebrew/opt/postgresql*/bin"]
    found = [place for pattern in usual for place in Path("/").glob(pattern)]
    places += sorted(found, key=lambda place: [int(n) for n in re.findall(r"\d+", str(place))], reverse=True)
    for place in places:
        if all((place / program).exists() for program in ["initdb", "pg_ctl", "postgres"]):
            return place
    fail("no PostgreSQL server found: install one, put its bin directory on PATH, or measure --only duckdb")


def find_user(name):
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None
