"""Titles and figures in Markdown, and what they were measured on."""

import os
import platform
import time
from pathlib import Path


def section(title: str, about: str) -> None:
    print(f"\n## {title}\n\n{about}", flush=True)


def ms(value: float) -> str:
    """Milliseconds with three digits that say something."""
    if value >= 100:
        return f"{value:,.0f}"
    if value >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if value >= 1 else f"{value:.3f}"


def times(value: float) -> str:
    return f"{value:.2f}×"


def megabytes(value: float) -> str:
    return f"{value / 1e6:,.1f}"


def machine() -> str:
    """Processor, cores, memory and system."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    model = field(Path("/proc/cpuinfo"), "model name") or platform.processor() or platform.machine()
    memory = field(Path("/proc/meminfo"), "MemTotal")
    told = f"{int(memory.split()[0]) / (1 << 20):.0f} GiB" if memory else "memory unknown"
    load = f"load {os.getloadavg()[0]:.1f} at the start"
    return f"{cores} cores ({model}), {told}, {platform.system()} {platform.release()}, {load}, {time.strftime('%Y-%m-%d')}"


def field(path: Path, name: str) -> str:
    """The value of the first line `name: value` of a file."""
    if not path.exists():
        return ""
    found = (line.split(":", 1)[1].strip() for line in path.read_text().splitlines() if line.startswith(name))
    return next(found, "")
