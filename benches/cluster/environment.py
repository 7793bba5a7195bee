"""What all parts of the benchmark share: the Python environment of the tests, messages, ports, processes."""

import contextlib
import ctypes
import functools
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent.parent

# Seconds until a process that was asked to end is killed.
PATIENCE = 60
# Of Linux: a signal for the process when its parent has ended, however that happened.
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)

# The processors that a process may use; `None` is all.
Cores = set[int] | None


def fail(message: str) -> NoReturn:
    sys.exit(f"benches/cluster: {message}")


def note(message: str) -> None:
    """Tells the progress, apart from the results."""
    print(f"benches/cluster: {message}", file=sys.stderr, flush=True)


def enter() -> None:
    """Continues in the Python environment of the tests, which has moto as it is pinned."""
    python = Path(os.environ.get("BASALT_TEST_PYTHON") or ROOT / ".venv/bin/python").absolute()
    if not python.exists():
        fail(f"{python} is missing: tests/run.sh makes .venv, or BASALT_TEST_PYTHON names the Python of another one")
    if Path(sys.prefix).resolve() != python.parent.parent.resolve():
        os.execve(python, [str(python), "-m", "benches.cluster", *sys.argv[1:]], {**os.environ, "PYTHONPATH": str(ROOT)})


def clean_environment(**variables: str) -> dict[str, str]:
    """The variables of a program: ours without settings of Basalt, and without proxies, which would be asked for loopback."""
    dropped = ("BASALT", "AWS_")
    own = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(dropped) and not name.lower().endswith("_proxy")
    }
    return {**own, **variables}


def free_port() -> int:
    """A port that nobody listens on, below those that systems hand out by themselves: it is still free after a restart."""
    start = 12_000 + os.getpid() * 101 % 15_000
    for port in range(start + free_port.taken, 32_000):
        free_port.taken += 1
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    fail("no port is free")


free_port.taken = 0


def prepare(cores: Cores, priority: int) -> None:
    """Runs in a new process before its program: it ends with us, even when we are killed, stays on its cores, and has its priority."""
    if sys.platform == "linux":
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if cores is not None:
        os.sched_setaffinity(0, cores)
    if priority:
        os.setpriority(os.PRIO_PROCESS, 0, priority)
        # Where Linux weighs sessions before processes, the one that the program has of its own counts.
        with contextlib.suppress(OSError):
            Path("/proc/self/autogroup").write_text(str(priority))


class Program:
    """A running program. It has a group of its own: Ctrl-C is for us, who then end it in order, with what it has started."""

    def __init__(
        self, command: list[str | Path], log: Path, env: dict[str, str], has_pipes: bool = False, cwd: Path | None = None, cores: Cores = None,
        priority: int = 0,
    ):
        self.name, self.log = Path(command[0]).name, log
        begin = functools.partial(prepare, cores, priority)
        pipe = subprocess.PIPE if has_pipes else subprocess.DEVNULL
        with log.open("w") as out:
            self.process = subprocess.Popen(
                [str(part) for part in command], env=env, stdin=pipe, stdout=subprocess.PIPE if has_pipes else out, stderr=out,
                text=True, start_new_session=True, preexec_fn=begin, cwd=cwd,
            )

    def wait_for(self, text: str, seconds: float = 120) -> str:
        """Waits until the log has a line with `text`; what follows it there, up to a blank."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            # What is read first was there before the process ended.
            has_ended = self.process.poll() is not None
            for line in self.log.read_text().splitlines():
                if text in line:
                    return (line.split(text, 1)[1].split() or [""])[0]
            if has_ended:
                fail(f"{self.name} ended with {self.process.returncode}: {self.tail()}")
            time.sleep(0.02)
        fail(f"{self.name} does not say `{text}` within {seconds:.0f} s: {self.tail()}")

    def tail(self) -> str:
        return self.log.read_text()[-2000:]

    def wait(self) -> None:
        """Waits for its end, which has to be a good one."""
        if self.process.wait() != 0:
            fail(f"{self.name} ended with {self.process.returncode}: {self.tail()}")

    def stop(self) -> None:
        """Asks it to end, and sees to it."""
        if self.process.poll() is not None:
            return
        for asked in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, asked)
                self.process.wait(PATIENCE)
                return
            except ProcessLookupError:
                return
            except subprocess.TimeoutExpired:
                note(f"{self.name} has not ended within {PATIENCE} s")
