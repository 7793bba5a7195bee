"""Proxies as processes of their own: one that is busy delays no other."""

import json
import sys
from pathlib import Path

from .environment import ROOT, Cores, Program, clean_environment, fail
from .shaping import Limits


class ProxyProcess:
    """A running proxy; `address` is where it listens."""

    def __init__(self, to: str, log: Path, *flags: str | Path, limits: Limits = Limits(), cores: Cores = None):
        command = [sys.executable, "-m", "benches.cluster.proxy", "--to", to, *flags]
        self.program = Program(command, log, clean_environment(), has_pipes=True, cwd=ROOT, cores=cores)
        self.address = f"127.0.0.1:{self.read_line()}"
        self.set_limits(limits)

    def read_line(self) -> str:
        line = self.program.process.stdout.readline()
        return line.strip() or fail(f"a proxy does not answer: {self.program.tail()}")

    def order(self, wanted: dict) -> dict[str, int]:
        self.program.process.stdin.write(json.dumps(wanted) + "\n")
        self.program.process.stdin.flush()
        return json.loads(self.read_line())

    def set_limits(self, limits: Limits) -> None:
        self.order(vars(limits))

    def counts(self) -> dict[str, int]:
        """What went over it since its start; `NodeLine.counts` says what that is."""
        return self.order({})

    def stop(self) -> None:
        self.program.stop()
