"""What the nodes share: the catalog in PostgreSQL, and the object store, both of their own and gone at the end."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Iterator

from . import processors
from .environment import ROOT, Cores, Program, clean_environment, fail

sys.path.append(str(ROOT / "benches/peers"))

from postgres import Postgres  # noqa: E402

BUCKET = "plant"
LAKE_URL = f"s3://{BUCKET}/lake"
# Of PostgreSQL: enough for seventeen nodes.
CONNECTIONS = 200


class Catalog(Postgres):
    """A PostgreSQL server, started as benches/peers starts it, with databases for catalogs."""

    def start(self) -> None:
        super().start()
        # A node may have eight connections; all together have a hundred unless more are allowed.
        self.change(f"ALTER SYSTEM SET max_connections = {CONNECTIONS}")
        self.run("pg_ctl", "restart", "--silent", "-w", "-t", "60", "-m", "fast", "-D", self.data, "-l", self.log)

    def create(self, name: str) -> str:
        """Makes a database; its URL."""
        self.change(f"CREATE DATABASE {name}")
        return f"{self.server}/{name}"

    @property
    def server(self) -> str:
        return f"postgres://basalt@127.0.0.1:{self.port}"

    @property
    def process(self) -> int:
        """The process that starts all others of the server."""
        return int((self.data / "postmaster.pid").read_text().split()[0])

    def bind(self, cores: Cores) -> None:
        """Moves the server with all its processes; those of connections that are made later are there too."""
        self.bind_process(self.process, cores)
        for pid in processors.children(self.process):
            self.bind_process(pid, cores, may_fail=True)

    def bind_clients(self, ports: set[int], cores: Cores) -> None:
        """Moves the processes of the connections that come from these ports."""
        for pid in processors.children(self.process):
            if processors.backend_port(pid) in ports:
                self.bind_process(pid, cores, may_fail=True)

    def bind_process(self, pid: int, cores: Cores, may_fail: bool = False) -> None:
        """Moves a process, which may have ended if that `may_fail`."""
        # As the server's user: not everywhere may root move the processes of others.
        taskset = shutil.which("taskset") or fail("taskset is missing: install util-linux, or give --cores shared")
        self.run(taskset, "--all-tasks", "--pid", "--cpu-list", processors.listed(cores), str(pid), may_fail=may_fail)

    def change(self, statement: str) -> None:
        self.run_client("psql", "--quiet", "--no-psqlrc", "--command", statement, f"{self.server}/postgres")

    def dump(self, url: str, path: Path) -> None:
        self.run_client("pg_dump", "--no-owner", "--file", path, url)

    def restore(self, url: str, path: Path) -> None:
        self.run_client("psql", "--quiet", "--no-psqlrc", "--set", "ON_ERROR_STOP=1", "--file", path, url)

    def run_client(self, program: str, *args: str | Path) -> None:
        beside = self.bin / program
        found = beside if beside.exists() else shutil.which(program) or fail(f"no {program} beside the server or on PATH")
        done = subprocess.run([found, *args], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            fail(f"{program} ended with {done.returncode}: {done.stderr}")


class Store:
    """moto with an empty bucket, as the tests start it."""

    def __init__(self, scratch: Path):
        command = [sys.executable, ROOT / "tests/peers/s3_server.py", "--bucket", BUCKET]
        # Objects above a few megabytes are files in the temporary directory.
        env = clean_environment(TMPDIR=str(scratch))
        self.program = Program(command, scratch / "moto.log", env, has_pipes=True)
        port = self.program.process.stdout.readline().strip() or fail(f"moto does not start: {self.program.tail()}")
        self.address = f"127.0.0.1:{port}"

    def client(self) -> Any:
        import boto3
        from botocore.config import Config

        how = Config(proxies={}, request_checksum_calculation="when_required", response_checksum_validation="when_required")
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
        return boto3.client("s3", endpoint_url=f"http://{self.address}", config=how, **keys)

    def save(self, folder: Path) -> None:
        """Copies all objects into files that are named by their keys."""
        client = self.client()
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
            for found in page.get("Contents", []):
                path = folder / found["Key"]
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("wb") as file:
                    shutil.copyfileobj(client.get_object(Bucket=BUCKET, Key=found["Key"])["Body"], file)

    def load(self, folder: Path) -> None:
        """Puts such files back."""
        client = self.client()
        for path in files(folder):
            with path.open("rb") as file:
                client.put_object(Bucket=BUCKET, Key=str(path.relative_to(folder)), Body=file)

    def bind(self, cores: Cores) -> None:
        processors.bind(self.program.process.pid, cores)

    def stop(self) -> None:
        self.program.stop()


def files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def store_environment(address: str) -> dict[str, str]:
    """What a program needs to reach the store at an address: the store's own, or that of a proxy."""
    return {
        "AWS_ENDPOINT_URL": f"http://{address}",
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
