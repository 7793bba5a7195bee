"""The virtual environment of the peers, and what both measurements share."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements.txt"


def fail(message):
    sys.exit(f"peers: {message}")


def note(message):
    print(f"peers: {message}", file=sys.stderr, flush=True)


def enter(venv):
    """Continues in the virtual environment `venv`, made with the pinned packages when it is not there."""
    if Path(sys.prefix).resolve() == venv:
        return
    marker, wanted = venv / "basalt-peers.txt", REQUIREMENTS.read_text()
    if not marker.exists() or marker.read_text() != wanted:
        if venv.exists() and any(venv.iterdir()) and not marker.exists():
            fail(f"{venv} was not made by this program: give another --venv")
        venv.mkdir(parents=True, exist_ok=True)
        marker.write_text("")
        run([sys.executable, "-m", "venv", "--clear", venv])
        install(venv)
        (venv / ".gitignore").write_text("*\n")
        marker.write_text(wanted)
    python = venv / "bin/python"
    os.execv(python, [python, HERE, *sys.argv[1:]])


def install(venv):
    """All packages; where one cannot be had, the others, and its peer is missing from the table."""
    pip = [venv / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if subprocess.run([*pip, "-r", REQUIREMENTS], stdin=subprocess.DEVNULL).returncode == 0:
        return
    for package in re.findall(r"^[a-z].*$", REQUIREMENTS.read_text(), re.MULTILINE):
        if subprocess.run([*pip, package], stdin=subprocess.DEVNULL).returncode != 0:
            note(f"{package} cannot be installed here")


def run(command, **options):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, **options)
    if done.returncode != 0:
        fail(f"{Path(command[0]).name} ended with {done.returncode}" + (f": {done.stderr}" if done.stderr else ""))
    return done


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
