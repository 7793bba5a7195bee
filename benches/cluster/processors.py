"""Which processors the parts of the benchmark use, so that one can take nothing from another. It divides them on Linux alone."""

import os
import re
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .environment import Cores

# Of a process that has to answer at once and computes little; the usual one is 0, and a lower one goes first.
URGENT = -10
# The client's address in the title of a process of PostgreSQL.
CLIENT = re.compile(r"127\.0\.0\.1\((\d+)\)")


@dataclass(frozen=True)
class Placement:
    """`ingest` is for the ingest node, PostgreSQL and the store, `query` for query nodes with what they and their readers need."""

    ingest: Cores = None
    query: Cores = None

    @property
    def is_divided(self) -> bool:
        return self.ingest is not None and self.query is not None


def available() -> set[int]:
    """The processors that we may use; none where the system does not tell."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()


def halves() -> Placement | None:
    """Half of the processors for each side; `None` where they cannot be divided."""
    found = sorted(available())
    if len(found) < 2:
        return None
    middle = len(found) // 2
    return Placement(set(found[:middle]), set(found[middle:]))


def listed(cores: Cores) -> str:
    """As people and taskset name processors: `0,1`; where the system does not tell which we may use, `all`."""
    return ",".join(map(str, sorted(available() if cores is None else cores))) or "all"


def bind(pid: int, cores: Cores) -> None:
    """Moves a process of ours with all its threads; what it starts from then on is there too."""
    for thread in Path(f"/proc/{pid}/task").glob("*"):
        with suppress(ProcessLookupError):
            os.sched_setaffinity(int(thread.name), available() if cores is None else cores)


def may_be_urgent() -> bool:
    """Whether a process may be given the priority `URGENT`, which root may, and who was allowed to."""
    trial = f"import os; os.setpriority(os.PRIO_PROCESS, 0, {URGENT})"
    return subprocess.run([sys.executable, "-c", trial], stderr=subprocess.DEVNULL).returncode == 0


def children(parent: int) -> list[int]:
    """The processes that a process has started."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        # Processes end while they are looked at.
        with suppress(OSError):
            # What follows the name, which may hold anything: the state, then the parent.
            if int(path.read_text(errors="replace").rsplit(")", 1)[1].split()[1]) == parent:
                found.append(int(path.parent.name))
    return found


def client_ports(pid: int, server: int) -> set[int]:
    """The ports of a process's own ends of its connections to a server, which is told by its port."""
    sockets = set()
    for link in Path(f"/proc/{pid}/fd").glob("*"):
        with suppress(OSError):
            target = os.readlink(link)
            sockets.add(target.removeprefix("socket:[").removesuffix("]"))
    ports = set()
    for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        own, other = (int(address.rsplit(":", 1)[1], 16) for address in fields[1:3])
        if other == server and fields[9] in sockets:
            ports.add(own)
    return ports


def backend_port(pid: int) -> int | None:
    """The port of the client whose connection a process of PostgreSQL serves; `None` for its other processes."""
    with suppress(OSError):
        found = CLIENT.search(Path(f"/proc/{pid}/cmdline").read_text(errors="replace"))
        return int(found[1]) if found else None
    return None
